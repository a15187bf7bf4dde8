// tests/bench/bench_clerk.c – the core's side of a live bot: an order from its command to the blotter with gate, halts and last check;
// the market's part of an instant for bots that wait, and for bots that hold; a replayed instant of a blotter alone is in bench_match.
// CPU time; one line a figure, "name value unit".
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bot/clerk.h"

enum { BOTS = 1000, ROUNDS = 300 };
#define SEC INT64_C(1000000000)

static struct clerk *clerks[BOTS];
static struct clerk_shared shared;
static struct halt_state halt;
static struct instrument inst = {.symbol = "X", .tick = {1, 2}, .lot = {1, 3}, .multiplier = {1, 0}};
static struct match_symbol_config symbol;
static int64_t at_ns = SEC;

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void check(enum status st, const struct err *err) {
  if (st == OK) return;
  fprintf(stderr, "%s\n", err->msg);
  exit(1);
}

static void set_up(void) {
  struct err err;
  static struct clerk_tenant tenant;
  halt_init(&halt);
  for (uint64_t i = 0; i < 900; i++) halt_set(&halt, LEVEL_BOT, 100000 + i, HALT_SILENT, HALT_BY_OWNER, 0);
  shared.halt = &halt;
  shared.last = last_check_create(BOTS * 64, 4 * BOTS, (struct last_budget){SEC, 0, 0}, (struct last_budget){SEC, 0, 0});
  if (!shared.last) abort();
  check(instrument_finish(&inst, &err), &err);
  match_symbol_config_init(&symbol, &inst);
  const struct gate_limits limits = {.max_order_e8 = INT64_C(1) << 60, .max_position_e8 = INT64_C(1) << 60, .max_exposure_e8 = INT64_C(1) << 60,
                                     .max_open = 200, .collar_e8 = CASH_ONE / 2, .day_loss_e8 = INT64_C(1) << 60};
  clerk_tenant_init(&tenant, 1, &(struct gate_limits){.max_exposure_e8 = INT64_C(1) << 62});
  for (int i = 0; i < BOTS; i++) {
    struct clerk_account *account;
    check(clerk_account_create(&(struct clerk_account_config){.id = (uint64_t)i, .tenant = &tenant, .balance = {INT64_C(100000) * CASH_ONE}, .limits = limits}, &account, &err), &err);
    struct clerk_config c = {.bot_id = (uint64_t)i + 1, .version = 1, .shared = &shared, .account = account, .limits = limits, .live_from_ns = at_ns};
    match_config_init(&c.blotter.match, (cash){INT64_C(100000) * CASH_ONE});
    c.blotter.symbols = &symbol, c.blotter.symbol_count = 1;
    check(clerk_create(&c, &clerks[i], &err), &err);
  }
}

static double market(int64_t ticks) {
  struct err err;
  struct bar bar = {.open_ns = at_ns, .open = {ticks}, .high = {ticks + 5}, .low = {ticks - 5}, .close = {ticks + 1}, .volume = -1};
  at_ns += 60 * SEC;
  struct instant_match m = {.bar = {.bar = &bar, .close_ns = at_ns}};
  struct instant in = {.now_ns = at_ns, .match = &m, .match_count = 1};
  double from = seconds();
  for (int i = 0; i < BOTS; i++) check(clerk_market(clerks[i], &in, &err), &err);
  return seconds() - from;
}

static double end(void) {
  double from = seconds();
  for (int i = 0; i < BOTS; i++) clerk_end(clerks[i]), clerk_committed(clerks[i]);
  return seconds() - from;
}

static void send(int i, const struct bot_command *c) {
  struct clerk_verdict v;
  clerk_command(clerks[i], c, &v);
  if (v.answer != CLERK_TAKEN) abort();
}

// Every bot reserves an id, submits a limit order far away, and cancels it in the next instant.
static void orders(void) {
  double took = 0, ended = 0;
  long commands = 0;
  for (int round = 0; round < ROUNDS; round++) {
    market(10000);
    double from = seconds();
    for (int i = 0; i < BOTS; i++) {
      struct bot_command c = {.kind = COMMAND_RESERVE, .time_ns = at_ns, .id = matcher_order_last(clerk_matcher(clerks[i])) + 1, .why = REASON_SCRIPT};
      send(i, &c);
      if (round & 1) {
        c.kind = COMMAND_CANCEL, c.id--;
      } else {
        c.kind = COMMAND_SUBMIT;
        intent_init(&c.intent, 0, SIDE_BUY);
        c.intent.type = ORDER_LIMIT, c.intent.limit.ticks = 9000, c.qty.lots = 100;
      }
      send(i, &c);
      commands += 2;
    }
    took += seconds() - from;
    ended += end();
  }
  printf("%-34s %.0f /s\n", "commands (half are reservations)", (double)commands / took);
  printf("%-34s %.0f /s\n", "submits and cancels", (double)commands / 2 / took);
  printf("%-34s %.0f ns\n", "end and commit, with one order", ended / ROUNDS / BOTS * 1e9);
}

static void instants(const char *name) {
  double took = 0;
  for (int round = 0; round < ROUNDS; round++) took += market(10000 + round % 3), end();
  printf("%-34s %.0f ns\n", name, took / ROUNDS / BOTS * 1e9);
}

int main(void) {
  set_up();
  instants("clerk_market, nothing held");
  orders();
  market(10000);
  for (int i = 0; i < BOTS; i++) {
    struct bot_command c = {.kind = COMMAND_RESERVE, .time_ns = at_ns, .id = matcher_order_last(clerk_matcher(clerks[i])) + 1};
    send(i, &c);
    c.kind = COMMAND_SUBMIT;
    intent_init(&c.intent, 0, SIDE_BUY);
    c.qty.lots = 100;
    send(i, &c);
  }
  end();
  instants("clerk_market, a position each");
  return 0;
}

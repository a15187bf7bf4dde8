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

// An order as a prop firm's account asks about it: rules and protections, the stops of five bots with ten orders each summed up. A single
// command each, wall time; the clock's own is in it.
enum { OF_ACCOUNT = 5, WORKING = 10, ASKED = 20000 };
static int64_t took_ns[ASKED];
static int by_value(const void *a, const void *b) {
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}
static int64_t wall_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * SEC + t.tv_nsec;
}

static struct bot_command entry(int i, int64_t limit) {
  struct bot_command c = {.kind = COMMAND_RESERVE, .time_ns = at_ns, .id = matcher_order_last(clerk_matcher(clerks[i])) + 1};
  send(i, &c);
  c.kind = COMMAND_SUBMIT;
  intent_init(&c.intent, 0, SIDE_BUY);
  c.intent.type = ORDER_LIMIT, c.intent.limit.ticks = limit, c.intent.sl.ticks = limit - 100, c.qty.lots = 10;
  return c;
}

static void with_rules(void) {
  static const char text[] = "{\"name\":\"r\",\"initial\":\"1000000\",\"day\":{\"zone\":\"Europe/Prague\",\"loss_pct_of_initial\":\"5\",\"soft_pct\":\"80\"},"
                             "\"total\":{\"trail\":\"equity\",\"loss_pct_of_initial\":\"10\"},\"trade\":{\"risk_pct_of_initial\":\"3\"},\"max_qty\":\"1000\",\"max_positions\":50}";
  static const struct protect_rule protections[] = {{PROTECT_COOLDOWN, SEC, 0, 0, 0, false}, {PROTECT_STOP_GUARD, SEC, 60 * SEC, 3, 0, true},
    {PROTECT_LOW_PROFIT, SEC, 60 * SEC, 3, 0, false}, {PROTECT_WINDOW_DRAWDOWN, SEC, 60 * SEC, 3, 5000000, false}};
  struct err err;
  struct rule_set *rules;
  static struct clerk_tenant tenant;
  struct clerk_account *account;
  check(rule_set_parse(text, sizeof text - 1, &rules, &err), &err);
  clerk_tenant_init(&tenant, 2, &(struct gate_limits){.max_exposure_e8 = INT64_C(1) << 62});
  check(clerk_account_create(&(struct clerk_account_config){.id = BOTS + 1, .tenant = &tenant, .balance = {INT64_C(1000000) * CASH_ONE}, .rules = rules, .now_ns = at_ns}, &account, &err), &err);
  for (int i = 0; i < OF_ACCOUNT; i++) {
    struct clerk_config c = {.bot_id = BOTS + 1 + (uint64_t)i, .version = 1, .shared = &shared, .account = account, .live_from_ns = at_ns, .protections = protections, .protection_count = 4};
    c.limits = (struct gate_limits){.max_open = 200, .max_leverage_e4 = 100000, .day_loss_e8 = INT64_C(1) << 60};
    match_config_init(&c.blotter.match, (cash){INT64_C(200000) * CASH_ONE});
    c.blotter.symbols = &symbol, c.blotter.symbol_count = 1;
    check(clerk_create(&c, &clerks[i], &err), &err);
  }
  for (int n = 0; n < ASKED + 1; n++) {
    struct bar bar = {.open_ns = at_ns, .open = {10000}, .high = {10005}, .low = {9995}, .close = {10001}, .volume = -1};
    at_ns += 60 * SEC;
    struct instant_match m = {.bar = {.bar = &bar, .close_ns = at_ns}};
    for (int i = 0; i < OF_ACCOUNT; i++) check(clerk_market(clerks[i], &(struct instant){.now_ns = at_ns, .match = &m, .match_count = 1}, &err), &err);
    for (int i = 0; n == 0 && i < OF_ACCOUNT; i++)
      for (int k = 0; k < WORKING; k++) {
        const struct bot_command c = entry(i, 9000 - k);
        send(i, &c);
      }
    struct bot_command c = entry(n % OF_ACCOUNT, 9500);
    const int64_t from = wall_ns();
    send(n % OF_ACCOUNT, &c);
    if (n > 0) took_ns[n - 1] = wall_ns() - from;
    c.kind = COMMAND_CANCEL, c.why = REASON_SCRIPT;
    send(n % OF_ACCOUNT, &c);
    for (int i = 0; i < OF_ACCOUNT; i++) clerk_end(clerks[i]), clerk_committed(clerks[i]), (void)clerk_forget(clerks[i]);
  }
  qsort(took_ns, ASKED, sizeof *took_ns, by_value);
  printf("%-34s p50 %lld p99 %lld ns\n", "submit, rules over 5 bots × 10", (long long)took_ns[ASKED / 2], (long long)took_ns[ASKED / 100 * 99]);
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
  with_rules();
  return 0;
}

// tests/bench/bench_risk.c – what stands between an intent and its bytes, call by call: the gate with every rule on, the last
// check, the kill switch, a live order's messages. One line a figure, "name value unit"; percentiles over single calls, the
// clock's own time included and printed. Allocations during the measured calls are counted and must be none.
#include <assert.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "order/fill_set.h"
#include "order/route.h"
#include "risk/gate.h"
#include "risk/last_check.h"

enum { CALLS = 400000, BOTS = 1000 };
#define SEC INT64_C(1000000000)

static int64_t took[CALLS];

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * SEC + t.tv_nsec;
}

static int by_value(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static void print(const char *name, size_t heap_before) {
  size_t heap = mallinfo2().uordblks;
  qsort(took, CALLS, sizeof *took, by_value);
  printf("%-34s p50 %lld p99 %lld p99.9 %lld ns, max %.1f us, %lld bytes allocated\n", name, (long long)took[CALLS / 2],
         (long long)took[CALLS / 100 * 99], (long long)took[CALLS / 1000 * 999], (double)took[CALLS - 1] / 1e3,
         (long long)heap - (long long)heap_before);
}

#define MEASURE(name, ...)                     \
  do {                                         \
    size_t heap = mallinfo2().uordblks;        \
    for (int i = 0; i < CALLS; i++) {          \
      int64_t from = now_ns();                 \
      __VA_ARGS__;                             \
      took[i] = now_ns() - from;               \
    }                                          \
    print(name, heap);                         \
  } while (0)

static struct halt_state halt;
static struct instrument inst = {.symbol = "BTC", .tick = {1, 2}, .lot = {1, 3}, .multiplier = {1, 0}, .min_qty = {1}, .min_notional = {500000000}};
static struct gate_scope bots[BOTS], account, tenant;
static struct gate_symbol bot_symbols[BOTS], account_symbol;
static struct gate_path paths[BOTS];
static struct gate_ticket tickets[BOTS];
static struct resting resting;
static struct rule_state rules;
static struct route_order orders[BOTS];

static void set_up(void) {
  struct err err;
  struct protect *protect;
  struct rule_set *set;
  const char *text = "{\"name\":\"r\",\"initial\":\"100000\",\"day\":{\"zone\":\"Europe/Prague\",\"loss_pct_of_initial\":\"5\",\"soft_pct\":\"80\"},"
                     "\"total\":{\"trail\":\"equity\",\"loss_pct_of_initial\":\"10\"},\"trade\":{\"risk_pct_of_initial\":\"3\"},"
                     "\"max_qty\":\"1000\",\"max_positions\":50,\"news\":{\"before_s\":60,\"after_s\":60}}";
  static struct news_event news[1000];
  struct news_list *list;
  const struct protect_rule protections[] = {{PROTECT_COOLDOWN, SEC, 0, 0, 0, false}, {PROTECT_STOP_GUARD, SEC, 60 * SEC, 3, 0, true},
    {PROTECT_LOW_PROFIT, SEC, 60 * SEC, 3, 0, false}, {PROTECT_WINDOW_DRAWDOWN, SEC, 60 * SEC, 3, 5000000, false}};
  const struct gate_limits limits = {.max_order_e8 = INT64_C(1) << 60, .max_position_e8 = INT64_C(1) << 60, .max_exposure_e8 = INT64_C(1) << 60,
    .max_open = 1000000, .collar_e8 = 20000000, .rate_burst = 1000000, .rate_period_ns = 1, .day_loss_e8 = INT64_C(1) << 50,
    .drawdown_e8 = INT64_C(1) << 50, .max_trades = 1000000};
  if (instrument_finish(&inst, &err) != OK || protect_create(protections, 4, 1, 100, &protect, &err) != OK ||
      rule_set_parse(text, strlen(text), &set, &err) != OK)
    abort();
  halt_init(&halt);
  for (uint64_t i = 0; i < HALT_ENTRIES; i++) halt_set(&halt, LEVEL_BOT, 1000000 + i * 17, HALT_SILENT, HALT_BY_OPERATOR, 0);
  rule_state_init(&rules, set, (cash){INT64_C(100000) * CASH_ONE}, (cash){INT64_C(100000) * CASH_ONE}, 0);
  for (int i = 0; i < 1000; i++) news[i].from_ns = news[i].to_ns = (1000 + i) * 3600 * SEC;
  if (news_list_create(news, 1000, &list, &err) != OK) abort();
  rules.news = list;
  resting_init(&resting);
  if (!resting_reserve(&resting, 400)) abort();
  for (uint64_t i = 0; i < 400; i++) resting_add(&resting, i + 1, i, i & 1 ? SIDE_BUY : SIDE_SELL, (price){i & 1 ? 2900000 - (int64_t)i : 3100000 + (int64_t)i});
  const cash equity = {INT64_C(1000000000) * CASH_ONE};
  gate_scope_init(&account, LEVEL_ACCOUNT, &limits, equity);
  gate_scope_init(&tenant, LEVEL_TENANT, &limits, equity);
  gate_symbol_init(&account_symbol, &inst, 50000);
  account.rate_e8 = 123456789;
  for (int i = 0; i < BOTS; i++) {
    gate_scope_init(&bots[i], LEVEL_BOT, &limits, equity);
    gate_symbol_init(&bot_symbols[i], &inst, 50000);
    paths[i] = (struct gate_path){.bot = &bots[i], .account = &account, .tenant = &tenant, .bot_symbol = &bot_symbols[i],
      .account_symbol = &account_symbol, .bot_id = (uint64_t)i, .tenant_id = 1, .venue_id = 1, .halt = &halt, .resting = &resting,
      .protect = protect, .rules = &rules};
    gate_price(&paths[i], (price){3000000});
  }
}

int main(void) {
  struct refusal why;
  set_up();
  struct gate_order o = {.side = SIDE_BUY, .lots = 25, .px = {3001000}, .limit = {3001000}, .priced = true, .fee = {1000},
                         .rule = {.loss_e8 = 100 * CASH_ONE, .open_loss_e8 = 100 * CASH_ONE, .has_stop = true}};
  volatile int64_t sink = 0;
  MEASURE("clock alone", sink++);
  MEASURE("gate_check, passes every rule", o.now_ns = i; if (!gate_check(&paths[i % BOTS], &o, &why)) abort());
  o.rule.loss_e8 = 5000 * CASH_ONE;
  MEASURE("gate_check, refused by the last", if (gate_check(&paths[i % BOTS], &o, &why)) abort());
  o.rule.loss_e8 = 100 * CASH_ONE;
  MEASURE("check, accept, fill, update, release",
    const struct gate_path *p = &paths[i % BOTS]; o.side = i / BOTS & 1 ? SIDE_SELL : SIDE_BUY; o.px.ticks = o.limit.ticks = 3000000;
    if (!gate_check(p, &o, &why)) abort();
    gate_accept(p, &o, &tickets[i % BOTS]); gate_fill(p, o.side, 25); gate_update(p, &tickets[i % BOTS], 0, false); gate_release(p, &tickets[i % BOTS]));
  struct halt_order ho = {1, 1, 0, false, false};
  MEASURE("halt_blocks, 1,000 halted", ho.bot = (uint64_t)i; if (halt_blocks(&halt, &ho, &why)) abort());
  MEASURE("rule_mark", sink += rule_mark(&rules, (cash){INT64_C(100000) * CASH_ONE}, (cash){INT64_C(100000) * CASH_ONE + i}, i).action);
  struct last_check *last = last_check_create(CALLS + 1, 2000, (struct last_budget){SEC, INT64_MAX, INT64_MAX}, (struct last_budget){SEC, INT64_MAX, INT64_MAX});
  if (!last) abort();
  MEASURE("last_check: intend and send", if (!last_check_intend(last, (uint64_t)i + 1, 25) ||
    !last_check_send(last, (uint64_t)i + 1, (uint64_t)(i % BOTS), 1, 25, 1000000, (int64_t)i * 100)) abort());
  struct fill_set fills;
  fill_set_init(&fills);
  if (!fill_set_reserve(&fills, CALLS)) abort();
  for (size_t i = 0; i < fills.cap; i++) ((volatile struct fill_key *)fills.slots)[i].lo = 0;  // its pages are there
  char id[32];
  MEASURE("live order: id, sent, acked, filled",
    struct route_order *r = &orders[i % BOTS]; struct route_event ev = {.kind = ROUTE_EV_JOURNALLED, .now_ns = i};
    route_init(r, &(struct client_id){(uint64_t)i, 1, 1}, 1, 1, 0, SIDE_BUY, (quantity){25});
    route_apply(r, &ev); ev.kind = ROUTE_EV_SEND; route_apply(r, &ev); ev.kind = ROUTE_EV_ACK; route_apply(r, &ev);
    int n = snprintf(id, sizeof id, "%d", i);
    if (!fill_set_add(&fills, fill_key(1, 1, id, (size_t)n)) || route_fill(r, (price){3000000}, (quantity){25}, i).to != ROUTE_FILLED) abort());
  return 0;
}

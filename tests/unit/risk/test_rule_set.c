// tests/unit/risk/test_rule_set.c – prop-firm rules against figures worked out by hand, most of them the firms' own examples
// as they stood on the pages named. Rules of firms change; what is tested is the arithmetic.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "risk/rule_set.h"

#define E8(units) ((int64_t)(units) * CASH_ONE)
#define SEC INT64_C(1000000000)
#define HOUR (3600 * SEC)

static struct rule_set *parse(const char *text) {
  struct rule_set *r;
  struct err err = {0};
  if (rule_set_parse(text, strlen(text), &r, &err) != OK) fail_msg("%s", err.msg);
  return r;
}

static int64_t at(int year, int month, int day, int hour, int minute) {
  return (date_to_days(year, month, day) * 86400 + hour * 3600 + minute * 60) * SEC;
}

static enum rule_action mark(struct rule_state *s, int64_t balance, int64_t equity, int64_t now) {
  return rule_mark(s, (cash){E8(balance)}, (cash){E8(equity)}, now).action;
}

static enum refusal_rule ask(const struct rule_state *s, struct rule_order o) {
  struct refusal why = {0};
  bool ok = rule_check(s, &o, &why);
  assert_int_equal(ok, why.rule == REFUSE_NONE);
  return why.rule;
}
static enum refusal_rule ask_loss(const struct rule_state *s, int64_t loss) {
  return ask(s, (struct rule_order){.grows = true, .loss_e8 = E8(loss), .has_stop = true, .now_ns = s->next_reset_ns - 1});
}

// FTMO, two steps. academy.ftmo.com/lesson/maximum-daily-loss: limit = balance at midnight CE(S)T − 5 % of the initial balance,
// equity must not fall below. Its example: 200,000 account, Monday's closed profit 4,000, a position then 13,000 under water:
// within the limit until midnight (190,000 < 191,000), beyond it after (204,000 − 10,000 = 194,000).
// academy.ftmo.com, Maximum Loss: equity never below 90 % of the initial balance.
static const char ftmo[] =
  "{\"name\":\"FTMO 200K\", \"initial\":\"200000\","
  " \"day\":{\"reset\":\"00:00\",\"zone\":\"Europe/Prague\",\"basis\":\"balance\",\"loss_pct_of_initial\":\"5\",\"soft_pct\":\"80\"},"
  " \"total\":{\"trail\":\"static\",\"loss_pct_of_initial\":\"10\",\"soft_pct\":\"90\"}}";

static void test_ftmo_day(void **state) {
  (void)state;
  struct rule_set *r = parse(ftmo);
  r->day_soft_e8 = 100000000;  // the example has no soft level
  struct rule_state s;
  int64_t monday = at(2026, 7, 6, 8, 0);
  rule_state_init(&s, r, (cash){E8(200000)}, (cash){E8(200000)}, monday);
  assert_true(s.day_floor_e8 == E8(190000) && s.total_floor_e8 == E8(180000));
  assert_true(s.next_reset_ns == at(2026, 7, 6, 22, 0));     // midnight in Prague is 22:00 UTC in summer
  assert_int_equal(mark(&s, 204000, 204000, monday + HOUR), RULE_GO_ON);
  assert_int_equal(mark(&s, 204000, 191000, at(2026, 7, 6, 21, 59)), RULE_GO_ON);
  assert_true(s.day_floor_e8 == E8(190000));
  struct rule_result b = rule_mark(&s, (cash){E8(204000)}, (cash){E8(191000)}, at(2026, 7, 6, 22, 0));
  assert_int_equal(b.action, RULE_BREACH);
  assert_true(s.day_floor_e8 == E8(194000) && b.why.limit == E8(194000) && b.why.value == E8(191000));
  assert_int_equal(ask_loss(&s, 1), REFUSE_PROP_FAILED);
  assert_int_equal(mark(&s, 204000, 204000, at(2026, 7, 8, 0, 0)), RULE_BREACH);  // for ever
  rule_set_destroy(r);
}

// In winter Prague's midnight is 23:00 UTC; the day of the change has 25 hours.
static void test_reset_follows_the_zone(void **state) {
  (void)state;
  struct rule_set *r = parse(ftmo);
  struct rule_state s;
  rule_state_init(&s, r, (cash){E8(200000)}, (cash){E8(200000)}, at(2026, 10, 24, 12, 0));
  assert_true(s.next_reset_ns == at(2026, 10, 24, 22, 0));
  mark(&s, 200000, 200000, at(2026, 10, 24, 22, 0));
  assert_true(s.next_reset_ns == at(2026, 10, 25, 23, 0));
  mark(&s, 201000, 201000, at(2026, 10, 29, 12, 0));         // days without marks: Monday's balance is Saturday's
  assert_true(s.next_reset_ns == at(2026, 10, 29, 23, 0) && s.day_ref_e8 == E8(200000));
  rule_set_destroy(r);
}

// Soft level at 80 % of 10,000: positions are closed at 192,000, entries wait for midnight. Before that, orders are denied when
// all stops together could reach 190,000.
static void test_ftmo_soft_and_worst_case(void **state) {
  (void)state;
  struct rule_set *r = parse(ftmo);
  struct rule_state s;
  int64_t t = at(2026, 1, 5, 9, 0);
  rule_state_init(&s, r, (cash){E8(200000)}, (cash){E8(200000)}, t);
  assert_int_equal(ask_loss(&s, 9999), REFUSE_NONE);
  assert_int_equal(ask_loss(&s, 10000), REFUSE_PROP_DAY_LOSS);
  struct rule_order o = {.grows = true, .loss_e8 = E8(4000), .open_loss_e8 = E8(6000), .now_ns = t};
  struct refusal why;
  assert_false(rule_check(&s, &o, &why));
  assert_true(why.rule == REFUSE_PROP_DAY_LOSS && why.limit == E8(190000) && why.value == E8(190000));
  assert_true(why.until_ns == at(2026, 1, 5, 23, 0) && refusal_reason(why.rule) == REASON_PROP_RULE);
  o.open_loss_e8 = E8(6000) - 1;
  assert_true(rule_check(&s, &o, &why));
  o.loss_e8 = RULE_UNBOUNDED;
  assert_int_equal(ask(&s, o), REFUSE_PROP_NO_STOP);
  o.grows = false;
  assert_int_equal(ask(&s, o), REFUSE_NONE);                 // what reduces is never refused
  assert_int_equal(mark(&s, 200000, 192001, t + HOUR), RULE_GO_ON);
  struct rule_result f = rule_mark(&s, (cash){E8(200000)}, (cash){E8(192000)}, t + HOUR);
  assert_true(f.action == RULE_FLATTEN && f.why.rule == REFUSE_PROP_DAY_DONE && f.why.limit == E8(192000));
  assert_int_equal(mark(&s, 195000, 195000, t + 2 * HOUR), RULE_FLATTEN);  // until the day turns
  assert_int_equal(ask_loss(&s, 1), REFUSE_PROP_DAY_DONE);
  assert_int_equal(mark(&s, 195000, 195000, at(2026, 1, 5, 23, 0)), RULE_GO_ON);
  assert_int_equal(ask_loss(&s, 1), REFUSE_NONE);
  // Total: soft at 90 % of 20,000.
  assert_int_equal(mark(&s, 188000, 188000, at(2026, 1, 6, 1, 0)), RULE_GO_ON);  // the day would end at 187,000
  mark(&s, 188000, 188000, at(2026, 1, 7, 1, 0));
  assert_int_equal(ask_loss(&s, 8000), REFUSE_PROP_TOTAL_LOSS);   // 188,000 − 8,000 = the floor; the day alone allowed 9,999
  assert_int_equal(ask_loss(&s, 7999), REFUSE_NONE);
  assert_int_equal(mark(&s, 182000, 182000, at(2026, 1, 7, 2, 0)), RULE_FLATTEN);
  assert_int_equal(mark(&s, 189000, 189000, at(2026, 1, 9, 2, 0)), RULE_FLATTEN);
  assert_int_equal(ask_loss(&s, 1), REFUSE_PROP_FAILED);          // stopped before the floor, for good
  assert_false(s.failed);
  rule_set_destroy(r);
}

// FTMO, one step (ftmo.com, "Maximum Loss Limit" of the 1-Step): highest balance at any day's end, or the initial one, − 10 % of
// the initial. Its example with 100,000: day 1 90,000; balance 104,000 at midnight: 94,000; then 103,000: still 94,000.
static void test_ftmo_one_step(void **state) {
  (void)state;
  struct rule_set *r = parse("{\"name\":\"1\",\"initial\":\"100000\",\"day\":{\"zone\":\"Europe/Prague\"},"
                             "\"total\":{\"trail\":\"balance_eod\",\"loss_pct_of_initial\":\"10\"}}");
  struct rule_state s;
  rule_state_init(&s, r, (cash){E8(100000)}, (cash){E8(100000)}, at(2026, 3, 2, 8, 0));
  assert_true(s.total_floor_e8 == E8(90000));
  mark(&s, 106000, 108000, at(2026, 3, 2, 12, 0));           // highs during the day do not count
  assert_true(s.total_floor_e8 == E8(90000));
  mark(&s, 104000, 104500, at(2026, 3, 2, 22, 59));
  mark(&s, 104000, 104000, at(2026, 3, 2, 23, 0));
  assert_true(s.total_floor_e8 == E8(94000));
  mark(&s, 103000, 103000, at(2026, 3, 3, 12, 0));
  mark(&s, 103000, 103000, at(2026, 3, 3, 23, 0));
  assert_true(s.total_floor_e8 == E8(94000));
  assert_int_equal(mark(&s, 94000, 94000, at(2026, 3, 4, 12, 0)), RULE_BREACH);
  rule_set_destroy(r);
}

// Topstep, 50K. help centre, "What is the Maximum Loss Limit?": 2,000 below the highest balance at a day's end; +500 gives 48,500,
// then −500 leaves it; a balance of 52,500 moves it to 50,000, where it stays. Daily limit 1,000 ends the day, not the account.
// "What is the Consistency Target?" (50 % of the target in later texts): best day below 40 % of all profit; 900 of 2,800 is 32 %.
static const char topstep[] =
  "{\"name\":\"Topstep 50K\", \"initial\":\"50000\", \"max_qty\":\"5\", \"consistency_pct\":\"50\", \"target\":\"3000\","
  " \"day\":{\"reset\":\"17:00\",\"zone\":\"America/Chicago\",\"basis\":\"balance\",\"loss\":\"1000\",\"fatal\":false},"
  " \"total\":{\"trail\":\"balance_eod\",\"loss\":\"2000\",\"lock_at\":\"50000\"}}";

static void test_topstep(void **state) {
  (void)state;
  struct rule_set *r = parse(topstep);
  struct rule_state s;
  rule_state_init(&s, r, (cash){E8(50000)}, (cash){E8(50000)}, at(2026, 6, 1, 14, 0));
  assert_true(s.total_floor_e8 == E8(48000) && s.day_floor_e8 == E8(49000));
  assert_true(s.next_reset_ns == at(2026, 6, 1, 22, 0));     // 17:00 in Chicago, summer
  mark(&s, 50500, 50500, at(2026, 6, 1, 20, 0));
  assert_true(s.total_floor_e8 == E8(48000));
  mark(&s, 50500, 50500, at(2026, 6, 1, 22, 0));
  assert_true(s.total_floor_e8 == E8(48500));
  mark(&s, 50000, 50000, at(2026, 6, 2, 20, 0));
  mark(&s, 50000, 50000, at(2026, 6, 2, 22, 0));
  assert_true(s.total_floor_e8 == E8(48500));
  mark(&s, 52500, 52500, at(2026, 6, 3, 20, 0));
  assert_int_equal(ask_loss(&s, 1), REFUSE_PROP_CONSISTENCY);  // 2,500 today, half of the target is 1,500
  mark(&s, 52500, 52500, at(2026, 6, 3, 22, 0));
  assert_true(s.total_floor_e8 == E8(50000) && s.day_floor_e8 == E8(51500));
  mark(&s, 56000, 56000, at(2026, 6, 4, 20, 0));
  mark(&s, 56000, 56000, at(2026, 6, 4, 22, 0));
  assert_true(s.total_floor_e8 == E8(50000));                // locked
  assert_int_equal(mark(&s, 55000, 55000, at(2026, 6, 5, 2, 0)), RULE_FLATTEN);  // the day's 1,000
  assert_int_equal(ask_loss(&s, 1), REFUSE_PROP_DAY_DONE);
  mark(&s, 55000, 55000, at(2026, 6, 5, 22, 0));
  assert_int_equal(ask_loss(&s, 1), REFUSE_NONE);
  assert_int_equal(ask_loss(&s, 1000), REFUSE_PROP_DAY_LOSS);
  struct rule_order o = {.grows = true, .qty_after_e8 = E8(5), .now_ns = 0};
  assert_int_equal(ask(&s, o), REFUSE_NONE);
  o.qty_after_e8 = E8(6);
  assert_int_equal(ask(&s, o), REFUSE_PROP_QTY);
  rule_set_destroy(r);
}

static void test_consistency(void **state) {
  (void)state;
  struct rule_set *r = parse(topstep);
  struct rule_state s;
  int64_t frac, day = at(2026, 6, 1, 14, 0);
  const int64_t balances[] = {50900, 51500, 52000, 52800};   // best day 900, then 600, 500, 800
  rule_state_init(&s, r, (cash){E8(50000)}, (cash){E8(50000)}, day);
  assert_false(rule_consistency(&s, &frac));
  for (size_t i = 0; i < 4; i++) mark(&s, balances[i], balances[i], day + (int64_t)i * 24 * HOUR);
  assert_true(rule_consistency(&s, &frac));
  assert_int_equal(frac, 32142858);                          // 900 / 2800 = 0.32142857…, rounded up
  rule_set_destroy(r);
}

// Crypto. Aeon Funded, "Daily maximum loss, 1-step": 3 % below the highest equity since 00:00 UTC: 10,000 gives 9,700; equity
// of 10,500 gives 10,185; recalculated at the rollover from equity. HyroTrader, "risk management conditions": a stop loss on every
// position, at most 3 % of the initial balance at risk in one trade.
static const char crypto[] =
  "{\"name\":\"crypto 10K\", \"initial\":\"10000\", \"max_positions\":2, \"news\":{\"before_s\":120,\"after_s\":60},"
  " \"day\":{\"reset\":\"00:00\",\"zone\":\"UTC\",\"basis\":\"equity_high\",\"loss_pct_of_basis\":\"3\"},"
  " \"total\":{\"trail\":\"equity\",\"loss_pct_of_basis\":\"6\"},"
  " \"trade\":{\"risk_pct_of_initial\":\"3\",\"stop_required\":true,\"stop_slip_pct\":\"0.5\"}}";

static void test_crypto(void **state) {
  (void)state;
  struct rule_set *r = parse(crypto);
  struct rule_state s;
  int64_t t = at(2026, 5, 4, 9, 0);
  rule_state_init(&s, r, (cash){E8(10000)}, (cash){E8(10000)}, t);
  assert_true(s.day_floor_e8 == E8(9700) && s.total_floor_e8 == E8(9400));
  mark(&s, 10000, 10500, t + HOUR);
  assert_true(s.day_floor_e8 == E8(10185) && s.total_floor_e8 == E8(9870));
  mark(&s, 10000, 10300, t + 2 * HOUR);                      // does not come down
  assert_true(s.day_floor_e8 == E8(10185));
  assert_int_equal(ask_loss(&s, 115), REFUSE_PROP_DAY_LOSS);
  assert_int_equal(ask_loss(&s, 114), REFUSE_NONE);
  mark(&s, 10300, 10200, at(2026, 5, 5, 0, 0));
  assert_true(s.day_floor_e8 == E8(9991));                   // 97 % of 10,300, the equity at the rollover
  assert_int_equal(ask_loss(&s, 301), REFUSE_PROP_TRADE_RISK);
  struct rule_order o = {.grows = true, .loss_e8 = E8(10), .positions_after = 2, .now_ns = t};
  assert_int_equal(ask(&s, o), REFUSE_PROP_NO_STOP);
  o.has_stop = true;
  assert_int_equal(ask(&s, o), REFUSE_NONE);
  o.positions_after = 3;
  assert_int_equal(ask(&s, o), REFUSE_PROP_POSITIONS);
  // News: [-120 s, +60 s).
  const struct news_event news[] = {{t - 100 * SEC, t - 100 * SEC, NEWS_HIGH, "BTC"}, {t + 60 * SEC, t + 60 * SEC, NEWS_HIGH, ""}, {t + 400 * SEC, t + 400 * SEC, NEWS_HIGH, "USDT"},
                                    {t, t + 1000 * SEC, NEWS_HIGH, "EUR"}, {t - 300 * SEC, t + 1000 * SEC, NEWS_MEDIUM, ""}};
  struct news_list *list;
  struct err err;
  assert_int_equal(news_list_create(news, 5, &list, &err), OK);
  s.news = list;
  r->around.least = NEWS_HIGH;
  o.positions_after = 1, o.symbol = "BTCUSDT";
  const struct { int64_t s; bool free; } times[] = {{-300, true}, {-220, false}, {-41, false}, {-40, false}, {-60, false},
                                                    {119, false}, {120, true}, {279, true}, {280, false}, {459, false}, {460, true}};
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    o.now_ns = t + times[i].s * SEC;
    assert_int_equal(ask(&s, o), times[i].free ? REFUSE_NONE : REFUSE_PROP_NEWS);
  }
  struct refusal why;
  assert_true(rule_news(&s, "BTCUSDT", t + 280 * SEC, &why) && why.until_ns == t + 460 * SEC && why.value == 180 * SEC && why.limit == 180 * SEC);
  assert_true(rule_news_next(&s, "BTCUSDT", t + 150 * SEC) == t + 280 * SEC && rule_news_next(&s, "BTCUSDT", t + 280 * SEC) == INT64_MAX);
  o.symbol = NULL;
  assert_int_equal(ask(&s, o), REFUSE_NONE);
  r->news = false;  // rules without news care for no calendar
  assert_false(rule_news(&s, "BTCUSDT", t + 280 * SEC, &why));
  assert_true(rule_news_next(&s, "BTCUSDT", t) == INT64_MAX);
  news_list_destroy(list);
  rule_set_destroy(r);
}

static void test_stop_loss(void **state) {
  (void)state;
  struct rule_set *r = parse(crypto);
  struct instrument inst = {.symbol = "X", .tick = {1, 1}, .lot = {1, 3}, .multiplier = {1, 0}};
  struct err err;
  assert_int_equal(instrument_finish(&inst, &err), OK);
  // 2 lots of 0.001 from 100.0 to 95.0, the stop slips 0.5 % = 0.475 → 5 ticks (up): 5.5 × 0.002 = 0.011, fee 0.001
  assert_int_equal(rule_stop_loss(r, &inst, SIDE_BUY, (price){1000}, (price){950}, 2, (cash){100000}), 1200000);
  // short from 100 to 105: 0.525 → 6 ticks: 5.6 × 0.002
  assert_int_equal(rule_stop_loss(r, &inst, SIDE_SELL, (price){1000}, (price){1050}, 2, (cash){0}), 1120000);
  assert_int_equal(rule_stop_loss(r, &inst, SIDE_BUY, (price){1000}, NO_PRICE, 2, (cash){0}), 20000000);
  inst.value_den *= 7;  // 55 ticks × 2 lots are 157,142.857…: up
  const int64_t seventh = rule_stop_loss(r, &inst, SIDE_BUY, (price){1000}, (price){950}, 2, (cash){0});
  inst.value_den /= 7;
  assert_int_equal(seventh, (1100000 + 6) / 7);
  assert_true(rule_stop_loss(r, &inst, SIDE_SELL, (price){1000}, NO_PRICE, 2, (cash){0}) == RULE_UNBOUNDED);
  assert_int_equal(rule_stop_loss(r, &inst, SIDE_BUY, (price){1000}, (price){2000}, 2, (cash){7}), 7);
  struct rule_open open[] = {{&inst, SIDE_BUY, {1000}, {950}, 2, {100000}}, {&inst, SIDE_SELL, {1000}, {1050}, 2, {0}},
                             {&inst, SIDE_SELL, {1000}, NO_PRICE, 2, {0}}};
  assert_int_equal(rule_open_loss(r, open, 0), 0);
  assert_int_equal(rule_open_loss(r, open, 2), 1200000 + 1120000);
  assert_true(rule_open_loss(r, open, 3) == RULE_UNBOUNDED);
  open[0].lots = INT64_C(1) << 43, open[1].lots = INT64_C(1) << 43;  // each fits, their sum does not
  assert_true(rule_open_loss(r, open, 1) != RULE_UNBOUNDED && rule_open_loss(r, open, 2) == RULE_UNBOUNDED);
  assert_true(rule_stop_loss(r, &inst, SIDE_BUY, (price){INT64_MAX}, (price){1}, INT64_MAX, (cash){0}) == RULE_UNBOUNDED);
  rule_set_destroy(r);
}

static void test_nothing_wraps(void **state) {
  (void)state;
  struct rule_set *r = parse(ftmo);
  struct rule_state s;
  int64_t t = at(2026, 1, 5, 9, 0);
  rule_state_init(&s, r, (cash){INT64_MIN + 1}, (cash){INT64_MIN + 1}, t);
  assert_int_equal(rule_mark(&s, (cash){INT64_MIN + 1}, (cash){INT64_MAX}, t + 1).action, RULE_GO_ON);
  assert_true(s.day_floor_e8 == INT64_MIN + 1);
  assert_int_equal(rule_mark(&s, (cash){INT64_MAX}, (cash){INT64_MAX}, at(2026, 1, 6, 9, 0)).action, RULE_GO_ON);
  assert_int_equal(ask(&s, (struct rule_order){.grows = true, .loss_e8 = INT64_MAX - 1, .open_loss_e8 = INT64_MAX - 1}), REFUSE_PROP_TOTAL_LOSS);
  rule_set_destroy(r);
}

// Incremental = from scratch: after any walk the floors are those of the definition applied to the whole history.
static void test_random_walks(void **state) {
  (void)state;
  static const char *const trails[] = {"static", "balance_eod", "equity_eod", "balance", "equity"};
  static const char *const bases[] = {"balance", "equity", "higher", "equity_high"};
  uint64_t x = 88172645463325252u;
  for (int round = 0; round < 200; round++) {
    char text[512];
    int trail = round % 5, basis = round % 4;
    snprintf(text, sizeof text, "{\"name\":\"r\",\"initial\":\"1000\",\"day\":{\"zone\":\"UTC\",\"reset\":\"00:00\",\"basis\":\"%s\",\"loss_pct_of_basis\":\"7\"},"
             "\"total\":{\"trail\":\"%s\",\"loss_pct_of_initial\":\"11\"%s}}", bases[basis], trails[trail], trail ? ",\"lock_at\":\"1010\"" : "");
    struct rule_set *r = parse(text);
    struct rule_state s;
    enum { N = 300 };
    static int64_t balance[N], equity[N], when[N];
    for (int i = 0; i < N; i++) {
      x ^= x << 13, x ^= x >> 7, x ^= x << 17;
      balance[i] = E8(950) + (int64_t)(x % (uint64_t)E8(100));
      equity[i] = balance[i] + (int64_t)(x >> 32 & 0xffffffff) - 0x80000000;
      when[i] = (i ? when[i - 1] : at(2026, 1, 1, 0, 0)) + (int64_t)(x % 30) * HOUR;
      if (i == 0) rule_state_init(&s, r, (cash){balance[0]}, (cash){equity[0]}, when[0]);
      else rule_mark(&s, (cash){balance[i]}, (cash){equity[i]}, when[i]);
      // The definition.
      int64_t day = when[i] / (24 * HOUR), high = E8(1000), ref;
      int before = -1;                                       // last mark of an earlier day
      for (int j = 0; j <= i; j++)
        if (when[j] / (24 * HOUR) < day) before = j;
      int start = before < 0 ? 0 : before;
      ref = basis == 0 ? balance[start] : basis == 2 && balance[start] > equity[start] ? balance[start] : equity[start];
      for (int j = start; j <= i; j++)
        if (basis == 3 && equity[j] > ref) ref = equity[j];
      for (int j = 0; j <= i; j++) {
        bool ends = j == 0 || (j < i ? when[j + 1] / (24 * HOUR) > when[j] / (24 * HOUR) : false);
        int64_t v = trail == 1 || trail == 3 ? balance[j] : equity[j];
        if (trail >= 3 || (trail >= 1 && ends)) high = v > high ? v : high;
      }
      int64_t total = high - E8(110);
      if (trail && total > E8(1010)) total = E8(1010);
      assert_true(s.total_floor_e8 == total);
      assert_true(s.day_floor_e8 == ref - (int64_t)((int128)ref * 7 / 100));
    }
    rule_set_destroy(r);
  }
}

static void test_little_is_enough(void **state) {
  (void)state;
  struct rule_set *r = parse("{\"name\":\"a\",\"initial\":\"1000\",\"consistency_pct\":\"50\"}");
  struct rule_state s;
  rule_state_init(&s, r, (cash){E8(1000)}, (cash){E8(1000)}, 0);
  assert_int_equal(mark(&s, 1, 1, HOUR), RULE_GO_ON);        // no loss rule, no floor
  assert_int_equal(ask(&s, (struct rule_order){.grows = true, .loss_e8 = RULE_UNBOUNDED}), REFUSE_NONE);
  assert_string_equal(tz_name(r->zone), "UTC");
  for (int i = BASIS_BALANCE; i <= BASIS_EQUITY_HIGH; i++) assert_true(rule_basis_text(i)[0]);
  for (int i = TRAIL_STATIC; i <= TRAIL_EQUITY; i++) assert_true(rule_trail_text(i)[0]);
  rule_set_destroy(r);
  rule_set_destroy(NULL);
  static char big[RULE_SET_TEXT_MAX + 2];
  memset(big, ' ', sizeof big);
  struct err err;
  assert_int_equal(rule_set_parse(big, sizeof big, &r, &err), ERR_LIMIT);
}

// Day by day with a restart after each mark: what is remembered as bytes goes on as if nothing had happened. The account: 10,000, a day may
// lose 5 % from the balance at Prague's midnight, in all 10 % below the highest balance at any day's end, locked at the beginning's 10,000.
static void test_a_restart_changes_nothing(void **state) {
  (void)state;
  struct rule_set *r = parse("{\"name\":\"r\",\"initial\":\"10000\",\"day\":{\"zone\":\"Europe/Prague\",\"loss_pct_of_basis\":\"5\",\"soft_pct\":\"80\"},"
                             "\"total\":{\"trail\":\"balance_eod\",\"loss_pct_of_initial\":\"10\",\"lock_at\":\"initial\"},\"consistency_pct\":\"50\"}");
  static const struct { int day, hour, minute; int64_t balance, equity; enum rule_action action; int64_t day_floor, total_floor; } marks[] = {
    {5, 9, 0, 10000, 9900, RULE_GO_ON, 9500, 9000},
    {5, 22, 59, 10800, 10800, RULE_GO_ON, 9500, 9000},
    {5, 23, 0, 10800, 10800, RULE_GO_ON, 10260, 9800},  // the day turned: 10,800 − 5 %; 10,800 − 1,000
    {6, 12, 0, 12000, 12000, RULE_GO_ON, 10260, 9800},
    {6, 23, 0, 12000, 12000, RULE_GO_ON, 11400, 10000}, // 11,000 would be above the lock
    {7, 10, 0, 12000, 11521, RULE_GO_ON, 11400, 10000},
    {7, 10, 1, 12000, 11520, RULE_FLATTEN, 11400, 10000},  // 80 % of 600
    {7, 11, 0, 11525, 11525, RULE_FLATTEN, 11400, 10000},
    {7, 23, 0, 11525, 11525, RULE_GO_ON, 10948, 10000},    // 11,525 − 576.25 = 10,948.75
    {8, 9, 0, 11525, 10948, RULE_BREACH, 10948, 10000},
    {12, 9, 0, 11525, 11525, RULE_BREACH, 10948, 10000},   // for ever
  };
  struct rule_state through, again;
  uint8_t bytes[RULE_STATE_BYTES];
  rule_state_init(&through, r, (cash){E8(10000)}, (cash){E8(10000)}, at(2026, 1, 5, 8, 0));
  again = through;
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
    const int64_t now = at(2026, 1, marks[i].day, marks[i].hour, marks[i].minute);
    rule_state_put(&again, bytes);
    memset(&again, 0xee, sizeof again);
    assert_true(rule_state_get(bytes, sizeof bytes, r, &again));
    assert_int_equal(mark(&through, marks[i].balance, marks[i].equity, now), marks[i].action);
    assert_int_equal(mark(&again, marks[i].balance, marks[i].equity, now), marks[i].action);
    assert_int_equal(rule_standing(&again).action, marks[i].action);
    assert_int_equal(again.day_floor_e8 / CASH_ONE, marks[i].day_floor);
    assert_int_equal(again.total_floor_e8 / CASH_ONE, marks[i].total_floor);
    assert_true(again.next_reset_ns == through.next_reset_ns && again.day_ref_e8 == through.day_ref_e8 && again.high_e8 == through.high_e8 &&
                again.best_day_e8 == through.best_day_e8 && again.day_done == through.day_done && again.failed == through.failed && again.end_floor_e8 == through.end_floor_e8);
  }
  assert_false(rule_state_get(bytes, sizeof bytes - 1, r, &again));
  bytes[0]++;
  assert_false(rule_state_get(bytes, sizeof bytes, r, &again));
  bytes[0]--, bytes[1] = 8;
  assert_false(rule_state_get(bytes, sizeof bytes, r, &again));
  rule_set_destroy(r);
}

// The night in which Prague's clocks go forward has 23 hours, and the day after is 24 hours long again: 2026-03-28T23:00Z, 29T22:00Z, 30T22:00Z.
static void test_the_short_day(void **state) {
  (void)state;
  struct rule_set *r = parse(ftmo);
  struct rule_state s;
  rule_state_init(&s, r, (cash){E8(200000)}, (cash){E8(200000)}, at(2026, 3, 28, 12, 0));
  assert_true(s.next_reset_ns == at(2026, 3, 28, 23, 0));
  mark(&s, 203000, 203000, at(2026, 3, 28, 22, 0));
  assert_true(s.day_floor_e8 == E8(190000));
  mark(&s, 203000, 203000, at(2026, 3, 28, 23, 0));
  assert_true(s.next_reset_ns == at(2026, 3, 29, 22, 0) && s.day_floor_e8 == E8(193000));
  mark(&s, 201000, 201000, at(2026, 3, 29, 21, 59));
  assert_true(s.day_floor_e8 == E8(193000));
  mark(&s, 201000, 201000, at(2026, 3, 29, 22, 0));
  assert_true(s.next_reset_ns == at(2026, 3, 30, 22, 0) && s.day_floor_e8 == E8(191000));
  rule_set_destroy(r);
}

// Money paid in or out moves every mark; other rules keep what was reached.
static void test_paid_and_swapped(void **state) {
  (void)state;
  struct rule_set *r = parse("{\"name\":\"a\",\"initial\":\"10000\",\"day\":{\"loss\":\"500\",\"soft_pct\":\"80\"},\"total\":{\"trail\":\"equity\",\"loss\":\"1000\"}}");
  struct rule_set *other = parse("{\"name\":\"b\",\"initial\":\"10000\",\"day\":{\"loss\":\"200\",\"zone\":\"Asia/Tokyo\"}}");
  struct rule_state s;
  rule_state_init(&s, r, (cash){E8(10000)}, (cash){E8(10000)}, at(2026, 1, 5, 8, 0));
  mark(&s, 10000, 10200, at(2026, 1, 5, 9, 0));
  assert_true(s.total_floor_e8 == E8(9200) && s.day_floor_e8 == E8(9500));
  rule_state_paid(&s, (cash){-E8(2000)});
  assert_true(s.total_floor_e8 == E8(7200) && s.day_floor_e8 == E8(7500) && s.equity_e8 == E8(8200));
  assert_int_equal(mark(&s, 8000, 7700, at(2026, 1, 5, 10, 0)), RULE_GO_ON);     // without it a withdrawal would have been a breach
  assert_int_equal(mark(&s, 8000, 7600, at(2026, 1, 5, 10, 1)), RULE_FLATTEN);
  rule_state_swap(&s, other, at(2026, 1, 5, 10, 2));
  assert_true(s.day_done && s.total_floor_e8 == INT64_MIN && s.day_floor_e8 == E8(7800) && s.next_reset_ns == at(2026, 1, 5, 15, 0));
  assert_int_equal(ask_loss(&s, 1), REFUSE_PROP_DAY_DONE);
  rule_set_destroy(r);
  rule_set_destroy(other);
}

// A set with one kind of floor asks for that one: what all stops would leave is held against it.
static void test_one_floor_alone(void **state) {
  (void)state;
  static const struct { const char *text; enum refusal_rule rule; } sets[] = {
    {"{\"name\":\"day\",\"initial\":\"10000\",\"day\":{\"loss\":\"500\"}}", REFUSE_PROP_DAY_LOSS},
    {"{\"name\":\"total\",\"initial\":\"10000\",\"total\":{\"trail\":\"equity\",\"loss\":\"500\"}}", REFUSE_PROP_TOTAL_LOSS}};
  for (size_t i = 0; i < 2; i++) {
    struct rule_set *r = parse(sets[i].text);
    struct rule_state s;
    rule_state_init(&s, r, (cash){E8(10000)}, (cash){E8(10000)}, at(2026, 1, 5, 8, 0));
    assert_int_equal(ask_loss(&s, 499), REFUSE_NONE);
    assert_int_equal(ask_loss(&s, 500), sets[i].rule);
    assert_int_equal(ask(&s, (struct rule_order){.grows = true, .loss_e8 = RULE_UNBOUNDED}), REFUSE_PROP_NO_STOP);
    rule_set_destroy(r);
  }
}

// A stop that is moved: what its own order risks is part of what all stops lose, once; neither rule stands in for the other.
static void test_moved_stops(void **state) {
  (void)state;
  struct rule_set *r = parse("{\"name\":\"s\",\"initial\":\"10000\",\"day\":{\"loss\":\"500\"},\"trade\":{\"risk\":\"300\"}}");
  struct rule_state s;
  struct refusal why = {0};
  rule_state_init(&s, r, (cash){E8(10000)}, (cash){E8(10000)}, at(2026, 1, 5, 8, 0));
  assert_true(rule_check_stops(&s, &(struct rule_order){.loss_e8 = E8(300), .open_loss_e8 = E8(499)}, &why));
  assert_false(rule_check_stops(&s, &(struct rule_order){.loss_e8 = E8(300), .open_loss_e8 = E8(500)}, &why));
  assert_int_equal(why.rule, REFUSE_PROP_DAY_LOSS);
  assert_false(rule_check_stops(&s, &(struct rule_order){.loss_e8 = E8(300) + 1, .open_loss_e8 = E8(400)}, &why));
  assert_int_equal(why.rule, REFUSE_PROP_TRADE_RISK);
  rule_set_destroy(r);
}

// 40 % of a target of 1,001 in one day are 400.40: from there on entries wait for the next day.
static void test_consistency_of_the_target(void **state) {
  (void)state;
  struct rule_set *r = parse("{\"name\":\"c\",\"initial\":\"10000\",\"consistency_pct\":\"40\",\"target\":\"1001.00000001\"}");
  struct rule_state s;
  struct refusal why = {0};
  const struct rule_order o = {.grows = true};
  const int64_t share = 40040000000;  // .000000004 more, rounded down: away from risk
  rule_state_init(&s, r, (cash){E8(10000)}, (cash){E8(10000)}, at(2026, 1, 5, 8, 0));
  rule_mark(&s, (cash){E8(10000) + share - 1}, (cash){E8(10000)}, at(2026, 1, 5, 9, 0));
  assert_true(rule_check(&s, &o, &why));
  rule_mark(&s, (cash){E8(10000) + share}, (cash){E8(10000)}, at(2026, 1, 5, 9, 1));
  assert_false(rule_check(&s, &o, &why));
  assert_true(why.rule == REFUSE_PROP_CONSISTENCY && why.limit == share && why.value == share && why.until_ns == at(2026, 1, 6, 0, 0));
  mark(&s, 10401, 10401, at(2026, 1, 6, 0, 0));
  assert_int_equal(ask(&s, o), REFUSE_NONE);
  rule_set_destroy(r);
}

// All that can be reached at once: the day's level, then the total's soft one, then its floor. A restart knows them, and when the day turns.
static void test_all_flags_are_remembered(void **state) {
  (void)state;
  struct rule_set *r = parse("{\"name\":\"f\",\"initial\":\"10000\",\"day\":{\"loss\":\"500\",\"soft_pct\":\"80\"},\"total\":{\"trail\":\"static\",\"loss\":\"1000\",\"soft_pct\":\"50\"}}");
  struct rule_state s, again;
  uint8_t bytes[RULE_STATE_BYTES];
  rule_state_init(&s, r, (cash){E8(10000)}, (cash){E8(10000)}, at(2026, 1, 5, 8, 0));
  assert_int_equal(mark(&s, 9600, 9600, at(2026, 1, 5, 9, 0)), RULE_FLATTEN);
  assert_true(rule_standing(&s).why.until_ns == at(2026, 1, 6, 0, 0));
  mark(&s, 9600, 9600, at(2026, 1, 6, 0, 0));
  assert_int_equal(mark(&s, 9600, 9500, at(2026, 1, 6, 1, 0)), RULE_FLATTEN);
  assert_int_equal(mark(&s, 9600, 9000, at(2026, 1, 6, 2, 0)), RULE_BREACH);
  assert_true(s.day_done && s.stopped && s.failed);
  rule_state_put(&s, bytes);
  assert_true(rule_state_get(bytes, sizeof bytes, r, &again));
  assert_true(again.day_done && again.stopped && again.failed);
  rule_set_destroy(r);
}

// Other rules: a static floor begins at the initial balance, one that trails goes on from the height that was reached.
static void test_swapped_heights(void **state) {
  (void)state;
  struct rule_set *trails = parse("{\"name\":\"t\",\"initial\":\"10000\",\"total\":{\"trail\":\"equity\",\"loss\":\"1000\"}}");
  struct rule_set *more = parse("{\"name\":\"m\",\"initial\":\"10000\",\"total\":{\"trail\":\"balance\",\"loss\":\"2000\"}}");
  struct rule_set *fixed = parse("{\"name\":\"s\",\"initial\":\"10000\",\"total\":{\"trail\":\"static\",\"loss\":\"1000\"}}");
  struct rule_state s;
  rule_state_init(&s, trails, (cash){E8(10000)}, (cash){E8(10000)}, at(2026, 1, 5, 8, 0));
  mark(&s, 10000, 12000, at(2026, 1, 5, 9, 0));
  rule_state_swap(&s, more, at(2026, 1, 5, 9, 1));
  assert_true(s.total_floor_e8 == E8(10000));
  rule_state_swap(&s, fixed, at(2026, 1, 5, 9, 2));
  assert_true(s.total_floor_e8 == E8(9000));
  rule_set_destroy(trails);
  rule_set_destroy(more);
  rule_set_destroy(fixed);
}

static void test_initial_of_the_account(void **state) {
  (void)state;
  static const char text[] = "{\n  \"name\": \"x\",\n  \"day\": {\"loss\": \"50\"},\n  \"total\": {\"trail\": \"equity\",\n    \"loss_pct_of_initial\": \"5\", \"lock_at\": \"initial\"}\n}";
  struct rule_set *r;
  struct err err;
  assert_int_equal(rule_set_parse_of(text, strlen(text), (cash){E8(1000)}, &r, &err), OK);
  assert_true(r->initial.e8 == E8(1000) && r->lock_e8 == E8(1000));
  rule_set_destroy(r);
  assert_int_equal(rule_set_parse_of(text, strlen(text), (cash){E8(50)}, &r, &err), ERR_INVALID);  // the loss is all there is
  assert_non_null(strstr(err.msg, "line 3:3: day: the loss is all"));
  static const struct { const char *text, *says; } wrong[] = {
    {"{\n \"name\":\"x\",\n \"day\":{\"loss\":\"5\",\n  \"soft_pct\":80}}", "line 4:3: day: soft_pct: a percentage"},
    {"{\n \"name\":\"x\",\n \"total\":{\n  \"loss\":\"5\",\n  \"trial\":\"equity\"}}", "line 5:3: total: unknown key trial"},
    {"{\"name\":\"x\",\n\"maxqty\":\"5\"}", "line 2:1: unknown key maxqty"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_int_equal(rule_set_parse_of(wrong[i].text, strlen(wrong[i].text), (cash){E8(1000)}, &r, &err), ERR_INVALID);
    if (!strstr(err.msg, wrong[i].says)) fail_msg("%s: %s", wrong[i].says, err.msg);
  }
}

static void test_refused_texts(void **state) {
  (void)state;
  static const struct { const char *text, *part; } bad[] = {
    {"", "line 1"}, {"[]", "object"}, {"{\"initial\":\"1\"}", "name"}, {"{\"name\":\"a\"}", "initial"},
    {"{\"name\":\"a\",\"initial\":1}", "initial"}, {"{\"name\":\"a\",\"initial\":\"-1\"}", "initial"},
    {"{\"name\":\"a\",\"initial\":\"1\",\"maxqty\":\"1\"}", "maxqty"},
    {"{\"name\":\"a\",\"initial\":\"1\",\"day\":{\"zone\":\"Mars/Olympus\"}}", "day"},
    {"{\"name\":\"a\",\"initial\":\"1\",\"day\":{\"zone\":\"UTC\",\"zone\":\"UTC\"}}", "duplicate"},
    {"{\"name\":\"a\",\"initial\":\"1\",\"day\":{\"reset\":\"24:00\"}}", "reset"},
    {"{\"name\":\"a\",\"initial\":\"1\",\"day\":{\"reset\":\"7:00\"}}", "reset"},
    {"{\"name\":\"a\",\"initial\":\"1\",\"day\":{\"loss\":\"5\",\"loss_pct_of_initial\":\"5\"}}", "already"},
    {"{\"name\":\"a\",\"initial\":\"1\",\"day\":{\"loss_pct_of_initial\":\"500\"}}", "percentage"},
    {"{\"name\":\"a\",\"initial\":\"1\",\"day\":{\"soft_pct\":\"0\"}}", "percentage"},
    {"{\"name\":\"a\",\"initial\":\"1\",\"day\":{\"basis\":\"profit\"}}", "basis"},
    {"{\"name\":\"a\",\"initial\":\"1\",\"total\":{\"trail\":\"up\"}}", "trail"},
    {"{\"name\":\"a\",\"initial\":\"1\",\"total\":{\"loss\":\"1\",\"lock_at\":\"1\"}}", "lock_at"},
    {"{\"name\":\"a\",\"initial\":\"1\",\"trade\":{\"stop_required\":1}}", "stop_required"},
    {"{\"name\":\"a\",\"initial\":\"1\",\"news\":{\"before_s\":-1}}", "before_s"},
    {"{\"name\":\"a\",\"initial\":\"1\",\"max_positions\":0}", "max_positions"},
    {"{\"name\":\"a\",\"initial\":\"1\",\"day\":3}", "day"},
    {"{\"name\":\"\",\"initial\":\"1\"}", "name"}, {"{\"name\":3,\"initial\":\"1\"}", "name"},
    {"{\"name\":\"1234567890123456789012345678901234567890123456789012345678901234\",\"initial\":\"1\"}", "name"},
    {"{\"name\":\"a\",\"initial\":\"1\",\"day\":{\"zone\":1}}", "zone"},
    {"{\"name\":\"a\",\"initial\":\"1\",\"day\":{\"reset\":1}}", "reset"},
    {"{\"name\":\"a\",\"initial\":\"1\",\"day\":{\"reset\":\"1a:00\"}}", "reset"},
    {"{\"name\":\"a\",\"initial\":\"1\",\"day\":{\"reset\":\"::::: \"}}", "reset"},
    {"{\"name\":\"a\",\"initial\":\"1\",\"day\":{\"reset\":\"12:60\"}}", "reset"},
    {"{\"name\":\"a\",\"initial\":\"1\",\"day\":{\"basis\":1}}", "basis"},
    {"{\"name\":\"a\",\"initial\":\"1\",\"day\":{\"loss\":\"0\"}}", "loss"},
    {"{\"name\":\"a\",\"initial\":\"1\",\"total\":{\"trail\":\"equity\",\"lock_at\":\"1\"}}", "needs a loss"},
    {"{\"name\":\"a\",\"initial\":\"1\",\"consistency_pct\":\"101\"}", "percentage"},
    {"{\"name\":\"a\",\"initial\":\"1\",\"max_positions\":\"1\"}", "max_positions"},
    {"{\"name\":\"a\",\"initial\":\"1\",\"max_positions\":9999999}", "max_positions"},
    {"{\"name\":\"a\",\"initial\":\"1\",\"news\":{\"after_s\":90000}}", "after_s"},
    {"{\"name\":\"a\",\"initial\":\"1\",\"news\":{\"after_s\":1.5}}", "after_s"},
    {"{\"name\":\"a\",\"initial\":\"1e400\"}", "initial"}, {"{\"name\":\"a\",\"initial\":\"0.000000001\"}", "initial"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct rule_set *r;
    struct err err = {0};
    assert_int_not_equal(rule_set_parse(bad[i].text, strlen(bad[i].text), &r, &err), OK);
    assert_null(r);
    if (!strstr(err.msg, bad[i].part)) fail_msg("%s: %s", bad[i].text, err.msg);
  }
}

// Whatever text comes: refused with a reason, or a set whose floors can be worked out.
static void test_damaged_texts(void **state) {
  (void)state;
  const char *const texts[] = {ftmo, topstep, crypto};
  uint64_t x = 1234567;
  int taken = 0;
  for (int round = 0; round < 6000; round++) {
    char text[600];
    size_t len = strlen(texts[round % 3]);
    memcpy(text, texts[round % 3], len);
    for (int k = 0; k <= round % 4; k++) {
      x ^= x << 13, x ^= x >> 7, x ^= x << 17;
      size_t at = (x >> 8) % len, from = (x >> 24) % len, n = (x >> 40) % 12;
      if (text[at] >= '0' && text[at] <= '9') text[at] = (char)('0' + (x >> 56) % 10);
      else if (x & 1) text[at] = (char)(x >> 56);
      else if (at + n <= len && from + n <= len) memmove(text + at, text + from, n);
    }
    struct rule_set *r;
    struct rule_state s;
    struct err err = {0};
    if (rule_set_parse(text, x % 8 ? len : (x >> 16) % len, &r, &err) != OK) {
      assert_true(r == NULL && err.msg[0]);
      continue;
    }
    taken++;
    rule_state_init(&s, r, r->initial, r->initial, 0);
    rule_mark(&s, (cash){INT64_MAX}, (cash){INT64_MIN + 1}, 400 * 24 * HOUR);
    assert_true(s.total_floor_e8 <= s.total_soft_floor_e8 && s.day_floor_e8 <= s.day_soft_floor_e8);
    rule_set_destroy(r);
  }
  assert_true(taken > 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_ftmo_day), cmocka_unit_test(test_reset_follows_the_zone), cmocka_unit_test(test_ftmo_soft_and_worst_case),
    cmocka_unit_test(test_ftmo_one_step), cmocka_unit_test(test_topstep), cmocka_unit_test(test_consistency),
    cmocka_unit_test(test_crypto), cmocka_unit_test(test_stop_loss), cmocka_unit_test(test_nothing_wraps),
    cmocka_unit_test(test_random_walks), cmocka_unit_test(test_little_is_enough), cmocka_unit_test(test_a_restart_changes_nothing), cmocka_unit_test(test_the_short_day), cmocka_unit_test(test_paid_and_swapped), cmocka_unit_test(test_initial_of_the_account),
    cmocka_unit_test(test_one_floor_alone), cmocka_unit_test(test_moved_stops), cmocka_unit_test(test_consistency_of_the_target), cmocka_unit_test(test_all_flags_are_remembered),
    cmocka_unit_test(test_swapped_heights), cmocka_unit_test(test_refused_texts), cmocka_unit_test(test_damaged_texts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

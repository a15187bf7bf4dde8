// tests/unit/risk/test_protect.c – each protection begins and ends where it should, and agrees with its definition applied to
// the whole history.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "risk/protect.h"

#define MIN (60 * INT64_C(1000000000))
#define PCT(p) ((int64_t)((p) * 1000000))

static struct protect *make(const struct protect_rule *rules, size_t count) {
  struct protect *p;
  struct err err = {0};
  if (protect_create(rules, count, 3, 100, &p, &err) != OK) fail_msg("%s", err.msg);
  return p;
}

static int closes(struct protect *p, int symbol, int64_t minute, int64_t profit_e8, bool stop) {
  return protect_closed(p, &(struct protect_trade){symbol, minute * MIN, profit_e8, stop});
}

static bool free_at(const struct protect *p, int symbol, int64_t ns) {
  struct refusal why = {0};
  bool ok = protect_check(p, symbol, ns, &why);
  assert_int_equal(ok, why.rule == REFUSE_NONE);
  return ok;
}

static void test_cooldown(void **state) {
  (void)state;
  struct protect *p = make(&(struct protect_rule){PROTECT_COOLDOWN, 5 * MIN, 0, 0, 0, false}, 1);
  assert_true(free_at(p, 0, 0));
  assert_int_equal(closes(p, 0, 10, PCT(1), false), 1);
  assert_false(free_at(p, 0, 10 * MIN));
  assert_false(free_at(p, 0, 15 * MIN - 1));
  assert_true(free_at(p, 0, 15 * MIN));
  assert_true(free_at(p, 1, 10 * MIN));
  protect_destroy(p);
}

// Others that take over what was seen begin where they would be had they always been there.
static void test_taken_over(void **state) {
  (void)state;
  const struct protect_rule guard = {PROTECT_STOP_GUARD, 30 * MIN, 60 * MIN, 2, 0, false};
  struct protect *before = make(&(struct protect_rule){PROTECT_COOLDOWN, MIN, 0, 0, 0, false}, 1), *after = make(&guard, 1), *always = make(&guard, 1);
  const struct { int64_t minute; bool stop; } trades[] = {{10, true}, {30, false}, {50, true}};
  for (int i = 0; i < 3; i++) closes(before, 0, trades[i].minute, PCT(-1), trades[i].stop), closes(always, 0, trades[i].minute, PCT(-1), trades[i].stop);
  protect_take(after, before);
  protect_destroy(before);
  for (int64_t minute = 50; minute < 100; minute++) assert_int_equal(free_at(after, 0, minute * MIN), free_at(always, 0, minute * MIN));
  assert_false(free_at(after, 1, 79 * MIN));
  assert_true(free_at(after, 1, 80 * MIN));
  protect_destroy(after);
  protect_destroy(always);
}

static void test_stop_guard(void **state) {
  (void)state;
  // 3 stops in 60 minutes, for all; 2 in 60, each symbol by itself
  struct protect_rule rules[] = {{PROTECT_STOP_GUARD, 30 * MIN, 60 * MIN, 3, 0, false}, {PROTECT_STOP_GUARD, 10 * MIN, 60 * MIN, 2, 0, true}};
  struct protect *p = make(rules, 2);
  closes(p, 0, 0, PCT(-1), true);
  closes(p, 1, 10, PCT(-1), true);
  closes(p, 1, 20, PCT(-1), false);                          // no stop
  closes(p, 1, 30, PCT(0.5), true);                          // a trailing stop in profit
  assert_true(free_at(p, 0, 30 * MIN) && free_at(p, 1, 30 * MIN));
  closes(p, 1, 60, PCT(-1), true);                           // the first is exactly 60 minutes old: out
  assert_true(free_at(p, 0, 60 * MIN));
  struct refusal why;
  assert_false(protect_check(p, 1, 60 * MIN, &why));
  assert_true(why.rule == REFUSE_STOP_GUARD && why.limit == 2 && why.value == 2 && why.until_ns == 70 * MIN);
  assert_int_equal(refusal_reason(why.rule), REASON_HALTED);
  assert_int_equal(closes(p, 2, 65, PCT(-1), true), 1);
  assert_false(protect_check(p, 0, 65 * MIN, &why));
  assert_true(why.limit == 3 && why.value == 3 && why.until_ns == 95 * MIN);
  assert_false(protect_check(p, 1, 66 * MIN, &why));         // of two, the one that lasts longer
  assert_true(why.until_ns == 95 * MIN);
  assert_true(free_at(p, 0, 95 * MIN));
  protect_destroy(p);
}

static void test_low_profit(void **state) {
  (void)state;
  struct protect *p = make(&(struct protect_rule){PROTECT_LOW_PROFIT, 20 * MIN, 120 * MIN, 3, PCT(2), false}, 1);
  closes(p, 0, 0, PCT(-9), false);
  closes(p, 1, 0, PCT(-9), false);
  closes(p, 0, 10, PCT(1), false);
  assert_true(free_at(p, 0, 10 * MIN));                      // two trades are not enough
  closes(p, 0, 20, PCT(10), false);
  assert_true(free_at(p, 0, 20 * MIN));                      // sum 2 %: not below what is required
  closes(p, 0, 130, PCT(-9.5), false);                       // 1 % and older are out, 10 − 9.5
  assert_true(free_at(p, 0, 130 * MIN));                     // two trades again
  closes(p, 0, 131, PCT(1), false);
  struct refusal why;
  assert_false(protect_check(p, 0, 131 * MIN, &why));
  assert_true(why.rule == REFUSE_LOW_PROFIT && why.limit == PCT(2) && why.value == PCT(1.5) && why.until_ns == 151 * MIN);
  assert_true(free_at(p, 1, 131 * MIN));
  protect_destroy(p);
}

static void test_window_drawdown(void **state) {
  (void)state;
  struct protect *p = make(&(struct protect_rule){PROTECT_WINDOW_DRAWDOWN, 60 * MIN, 240 * MIN, 4, PCT(5), false}, 1);
  // cumulated: 3, 1, 2, −2 (5 below the peak: allowed), −2.5 (5.5 below)
  const double profits[] = {3, -2, 1, -4, -0.5};
  for (int i = 0; i < 5; i++) {
    closes(p, i % 3, i, PCT(profits[i]), false);
    assert_int_equal(free_at(p, 2, i * MIN), i < 4);
  }
  struct refusal why;
  assert_false(protect_check(p, 0, 5 * MIN, &why));
  assert_true(why.value == PCT(5.5) && why.limit == PCT(5) && why.until_ns == 64 * MIN);
  assert_int_equal(refusal_reason(why.rule), REASON_DRAWDOWN);
  protect_destroy(p);
  // The first loss counts, but not below the number of trades.
  p = make(&(struct protect_rule){PROTECT_WINDOW_DRAWDOWN, 60 * MIN, 240 * MIN, 2, PCT(5), false}, 1);
  assert_int_equal(closes(p, 0, 0, PCT(-6), false), 0);
  assert_int_equal(closes(p, 0, 1, PCT(1), false), 1);
  protect_destroy(p);
}

static void test_random_histories(void **state) {
  (void)state;
  uint64_t x = 777;
  for (int round = 0; round < 100; round++) {
    enum { N = 90 };
    static struct protect_trade t[N];
    struct protect_rule rules[PROTECT_KINDS];
    for (int k = 0; k < PROTECT_KINDS; k++) {
      x ^= x << 13, x ^= x >> 7, x ^= x << 17;
      rules[k] = (struct protect_rule){k, (int64_t)(1 + x % 50) * MIN, (int64_t)(1 + (x >> 8) % 200) * MIN, 1 + (int)((x >> 16) % 5),
                                       k == PROTECT_WINDOW_DRAWDOWN ? (int64_t)((x >> 24) % PCT(9)) : (int64_t)((x >> 24) % PCT(4)) - PCT(2), (x >> 40) & 1};
    }
    struct protect *p = make(rules, PROTECT_KINDS);
    int64_t until[PROTECT_KINDS][3];
    for (int k = 0; k < PROTECT_KINDS; k++) for (int s = 0; s < 3; s++) until[k][s] = INT64_MIN;
    for (int i = 0; i < N; i++) {
      x ^= x << 13, x ^= x >> 7, x ^= x << 17;
      t[i] = (struct protect_trade){(int)(x % 3), (i ? t[i - 1].close_ns : 0) + (int64_t)((x >> 8) % 30) * MIN,
                                    (int64_t)((x >> 16) % PCT(8)) - PCT(4), (x >> 50) & 1};
      protect_closed(p, &t[i]);
      for (int k = 0; k < PROTECT_KINDS; k++) {
        const struct protect_rule *r = &rules[k];
        int count = 0, stops = 0, own = 0;
        int64_t sum = 0, cum = 0, peak = 0, fall = 0;
        for (int j = 0; j <= i; j++) {
          if (t[j].close_ns <= t[i].close_ns - r->window_ns) continue;
          count++;
          stops += t[j].stop && t[j].profit_e8 < r->frac_e8 && (!r->per_symbol || t[j].symbol == t[i].symbol);
          if (t[j].symbol == t[i].symbol) own++, sum += t[j].profit_e8;
          cum += t[j].profit_e8;
          if (cum > peak) peak = cum;
          if (peak - cum > fall) fall = peak - cum;
        }
        bool hit = k == PROTECT_COOLDOWN ? true : k == PROTECT_STOP_GUARD ? stops >= r->trades
                 : k == PROTECT_LOW_PROFIT ? own >= r->trades && sum < r->frac_e8 : count >= r->trades && fall > r->frac_e8;
        for (int s = 0; s < 3 && hit; s++)
          if (s == t[i].symbol || k == PROTECT_WINDOW_DRAWDOWN || (k == PROTECT_STOP_GUARD && !r->per_symbol)) until[k][s] = t[i].close_ns + r->pause_ns;
      }
      for (int s = 0; s < 3; s++) {
        int64_t last = INT64_MIN, at = t[i].close_ns + (int64_t)((x >> 5) % 40) * MIN;
        for (int k = 0; k < PROTECT_KINDS; k++) last = until[k][s] > last ? until[k][s] : last;
        struct refusal why = {0};
        assert_int_equal(protect_check(p, s, at, &why), last <= at);
        if (last > at) assert_true(why.until_ns == last);
      }
    }
    protect_destroy(p);
  }
}

// A full ring judges by what it remembers.
static void test_small_memory(void **state) {
  (void)state;
  struct protect *p;
  struct err err;
  struct protect_rule r = {PROTECT_STOP_GUARD, 10 * MIN, 1000 * MIN, 3, 0, false};
  assert_int_equal(protect_create(&r, 1, 1, 3, &p, &err), OK);
  for (int i = 0; i < 10; i++) assert_int_equal(closes(p, 0, i, PCT(-1), i != 4), i == 2 || i == 3 || i >= 7);
  protect_destroy(p);
}

static void test_invalid(void **state) {
  (void)state;
  const struct protect_rule bad[] = {
    {PROTECT_KINDS, MIN, MIN, 1, 0, false}, {PROTECT_COOLDOWN, 0, 0, 0, 0, false}, {PROTECT_STOP_GUARD, MIN, 0, 1, 0, false},
    {PROTECT_STOP_GUARD, MIN, MIN, 0, 0, false}, {PROTECT_STOP_GUARD, MIN, MIN, 101, 0, false}, {PROTECT_WINDOW_DRAWDOWN, MIN, MIN, 1, -1, false}};
  struct protect *p;
  struct err err;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_not_equal(protect_create(&bad[i], 1, 1, 100, &p, &err), OK);
    assert_non_null(strstr(err.msg, "protection 1"));
  }
  struct protect_rule many[PROTECT_RULES_MAX + 1] = {0};
  assert_int_equal(protect_create(many, PROTECT_RULES_MAX + 1, 1, 100, &p, &err), ERR_LIMIT);
  assert_int_equal(protect_create(many, 0, 1, 0, &p, &err), ERR_LIMIT);
  for (int k = 0; k < PROTECT_KINDS; k++) assert_true(protect_kind_text(k)[0]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_cooldown), cmocka_unit_test(test_taken_over), cmocka_unit_test(test_stop_guard), cmocka_unit_test(test_low_profit),
    cmocka_unit_test(test_window_drawdown), cmocka_unit_test(test_random_histories), cmocka_unit_test(test_small_memory),
    cmocka_unit_test(test_invalid),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

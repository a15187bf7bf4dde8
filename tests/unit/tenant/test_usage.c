// Windows, plans with their exceptions, limits on write, requests counted in memory, downgrades. On a real database file.
#include "loop/loop.h"
#include "scratch.h"
#include "store/db.h"
#include "store/script_rows.h"
#include "store/usage_rows.h"
#include "tenant/usage.h"
#include "tenant/window.h"

#define S INT64_C(1000000000)
#define DAY (86400 * S)
#define T0 (INT64_C(1790000000) * S)  // 2026-09-21 14:13:20 UTC

static struct loop *loop;
static struct store *store;
static struct usage *u;
static struct tier_script *tiers;
static char dir[64];
static const int64_t tenant = 42;

#define LIMITS                                                                                                    \
  "trades_per_month=20, api_calls_per_minute=60, backtests_per_day=2, backtest_parallel=1, backtest_seconds=10, " \
  "lua_memory_kib=1024, cpu_ms_per_s=10"
static const char source[] =
  "return tiers{ edition='x', currency='USD', default='free', grace_days=7,\n"
  "base={limits={bots=1, pairs=4, pairs_per_bot=3, accounts=1, venues=1, strategies=1, members=1, trades_per_day=3, "
  "api_calls_per_hour=5, " LIMITS "},\n"
  " rights={testnet=true, backtest=true}},\n"
  "tiers={{id='free', name='Free', price_month='0'},\n"
  " {id='pro', name='Pro', price_month='29', limits={bots=3, trades_per_day=unlimited, api_calls_per_hour=unlimited}, "
  "rights={live=true}}},\n"
  "addons={{id='slot', name='Slot', price_month='15', limits={bots=1}}},\n"
  "allow=function(action, usage) if action == 'account_add' and usage.tier == 'free' then return false, 'not before "
  "you pay' end\n"
  " if action == 'member_add' and usage.used.members == 7 then error('boom') end return true end }";

static int setup(void **state) {
  (void)state;
  struct err err;
  if (loop_create(&loop, NULL, &err) != OK || scratch_open_on(loop, dir, &store) != 0) return 1;
  if (tier_script_create("x.lua", source, strlen(source), NULL, &tiers, &err) != OK) {
    print_error("%s\n", err.msg);
    return 1;
  }
  return usage_create(&u, &err) == OK ? 0 : 1;
}

static int teardown(void **state) {
  (void)state;
  usage_destroy(u);
  tier_script_destroy(tiers);
  scratch_close(dir, store);
  loop_destroy(loop);
  return 0;
}

static struct db *reader(void) {
  return store_reader(store, STORE_CONTROL);
}
static const struct plan_set *set(void) {
  return tier_script_set(tiers);
}

static struct entitlement entitled(int64_t now_ns) {
  struct entitlement e;
  struct err err;
  assert_int_equal(entitlement_load(reader(), set(), tenant, now_ns, &e, &err), OK);
  return e;
}

// ---- windows

static void windows(void **state) {
  (void)state;
  assert_true(window_start(METER_HOUR, T0) == (INT64_C(1790000000) - 1790000000 % 3600) * S);
  assert_true(window_start(METER_DAY, T0) == (INT64_C(1790000000) - 1790000000 % 86400) * S);
  assert_true(window_start(METER_MONTH, T0) == INT64_C(1788220800) * S);                     // 2026-09-01
  assert_true(window_end(METER_MONTH, T0) == INT64_C(1790812800) * S);                       // 2026-10-01
  assert_true(window_end(METER_MONTH, INT64_C(1798761599) * S) == INT64_C(1798761600) * S);  // the last second of 2026
  assert_true(window_start(METER_HELD, T0) == 0 && window_end(METER_SIZE, T0) == 0);
  // every window holds its instant, begins where the one before ends, and its length is right: 30 years in odd steps
  for (int64_t t = 0; t < 30 * 366 * DAY; t += 7 * 3600 * S + 1234567891) {
    static const enum meter_kind kinds[] = {METER_HOUR, METER_DAY, METER_MONTH};
    for (int k = 0; k < 3; k++) {
      int64_t start = window_start(kinds[k], t), end = window_end(kinds[k], t);
      assert_true(start <= t && t < end);
      assert_true(window_start(kinds[k], start) == start && window_start(kinds[k], end - 1) == start);
      assert_true(window_start(kinds[k], end) == end);
      if (k == 2) assert_true(end - start >= 28 * DAY && end - start <= 31 * DAY);
      assert_true(start % DAY == 0 || k == 0);
    }
  }
  // 31 January → 28 February → 31 March
  int64_t jan31 = INT64_C(1769860800) * S;  // 2026-01-31 12:00
  int64_t feb28 = window_month_after(jan31, jan31);
  assert_true(feb28 == INT64_C(1772280000) * S);
  assert_true(window_month_after(jan31, feb28) == INT64_C(1774958400) * S);
  for (int64_t now = jan31; now < jan31 + 1000 * DAY; now += DAY / 2) {
    int64_t next = window_month_after(jan31, now);
    assert_true(next > now && next - now <= 31 * DAY + 1);
  }
}

// ---- plans

static enum status (*step)(struct db *db, struct err *err);
static enum status run_step(struct db *db, void *arg, struct err *err) {
  (void)arg;
  return step(db, err);
}
static enum status write_with(enum status (*fn)(struct db *db, struct err *err), struct err *err) {
  step = fn;
  return store_write_sync(store, STORE_CONTROL, run_step, NULL, err);
}

static const char *plan_id, *addons, *limits;
static int64_t at, expires, event;
static enum status do_change(struct db *db, struct err *err) {
  struct plan_change c = {.tenant_id = tenant, .now_ns = at, .event_id = ++event};
  return subscription_change(db, set(), &c, plan_id, addons, err);
}
static enum status do_cancel(struct db *db, struct err *err) {
  struct plan_change c = {.tenant_id = tenant, .now_ns = at, .event_id = ++event};
  return subscription_cancel(db, &c, err);
}
static enum status do_override(struct db *db, struct err *err) {
  struct plan_change c = {.tenant_id = tenant, .now_ns = at};
  return entitlement_override(db, set(), &c, plan_id, limits, expires, "because", err);
}

static void change(const char *plan, const char *with, int64_t now) {
  struct err err;
  plan_id = plan, addons = with, at = now;
  if (write_with(do_change, &err) != OK) fail_msg("%s", err.msg);
}

static void subscriptions(void **state) {
  (void)state;
  struct err err;
  struct entitlement e = entitled(T0);
  assert_string_equal(e.plan.id, "free");
  assert_int_equal(e.state, ENTITLED_DEFAULT);
  at = T0;
  assert_int_equal(write_with(do_cancel, &err), ERR_NOTFOUND);
  plan_id = "prro", addons = NULL;
  assert_int_equal(write_with(do_change, &err), ERR_NOTFOUND);
  assert_non_null(strstr(err.msg, "did you mean 'pro'?"));
  plan_id = "pro", addons = "{\"sloot\":1}";
  assert_int_equal(write_with(do_change, &err), ERR_NOTFOUND);
  addons = "{\"slot\":-1}";
  assert_int_equal(write_with(do_change, &err), ERR_INVALID);
  addons = "[";
  assert_int_equal(write_with(do_change, &err), ERR_INVALID);
  assert_string_equal(entitled(T0).plan.id, "free");

  change("pro", "{\"slot\":2}", T0);
  e = entitled(T0);
  assert_string_equal(e.plan.id, "pro");
  assert_true(e.plan.limits[LIMIT_BOTS] == 5 && e.grace_until_ns == 0 && e.state == ENTITLED_ACTIVE);
  change("pro", NULL, T0 + S);  // add-ons stay
  assert_true(entitled(T0 + S).plan.limits[LIMIT_BOTS] == 5);
  change("free", "{}", T0 + 2 * S);  // down: a week of grace
  e = entitled(T0 + 2 * S);
  assert_true(e.plan.limits[LIMIT_BOTS] == 1 && e.grace_until_ns == T0 + 2 * S + 7 * DAY);
  change("pro", NULL, T0 + 3 * S);  // up again: the grace is no more
  e = entitled(T0 + 3 * S);
  assert_true(e.grace_until_ns == 0 && e.since_ns == T0);

  at = T0 + 40 * DAY;
  assert_int_equal(write_with(do_cancel, &err), OK);
  e = entitled(at);
  int64_t ends = window_month_after(T0, at);
  assert_int_equal(e.state, ENTITLED_CANCELLED);
  assert_string_equal(e.plan.id, "pro");
  assert_true(e.ends_ns == ends);
  e = entitled(ends);
  assert_string_equal(e.plan.id, "free");
  assert_true(e.state == ENTITLED_DEFAULT && e.grace_until_ns == ends + 7 * DAY);
  assert_int_equal(write_with(do_cancel, &err), ERR_NOTFOUND);

  json_t *o = entitlement_json(&e);
  assert_string_equal(json_string_value(json_object_get(o, "state")), "active");
  json_decref(o);
}

static void overrides(void **state) {
  (void)state;
  struct err err;
  at = T0, plan_id = NULL, limits = "{\"bots\":9,\"pairs\":null}", expires = T0 + DAY;
  assert_int_equal(write_with(do_override, &err), OK);
  struct entitlement e = entitled(T0);
  assert_true(e.overridden && e.plan.limits[LIMIT_BOTS] == 9 && e.plan.limits[LIMIT_PAIRS] == PLAN_UNLIMITED &&
              !plan_has(&e.plan, RIGHT_LIVE));
  e = entitled(T0 + DAY);
  assert_true(!e.overridden && e.plan.limits[LIMIT_BOTS] == 1);
  plan_id = "pro", limits = NULL, expires = 0;
  assert_int_equal(write_with(do_override, &err), OK);
  e = entitled(T0 + 1000 * DAY);
  assert_true(plan_has(&e.plan, RIGHT_LIVE) && e.state == ENTITLED_GRANTED);
  static const char *const bad[] = {"{\"botz\":1}", "{\"bots\":-1}", "{\"bots\":1.5}", "{\"bots\":\"9\"}", "[]", "{",
    "{\"bots\":2000000000000}", "{\"bots\":1,\"bots\":2}"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    limits = bad[i];
    assert_int_equal(write_with(do_override, &err), ERR_INVALID);
  }
  limits = NULL, expires = T0 - 1;
  assert_int_equal(write_with(do_override, &err), ERR_INVALID);
  plan_id = "nosuch", expires = 0;
  assert_int_equal(write_with(do_override, &err), ERR_NOTFOUND);
}

// ---- checks and takes

static struct usage_decision check(enum plan_action action, int64_t now_ns) {
  struct usage_decision d;
  struct err err = {0};
  struct entitlement e = entitled(now_ns);
  assert_int_equal(usage_check(u, reader(), tiers, &e, tenant, action, 1, now_ns, &d, &err), OK);
  if (d.verdict == USAGE_BROKEN) assert_non_null(strstr(err.msg, "boom"));
  return d;
}

static enum plan_action taken;
static const char *take_key;
static struct usage_decision decision;
static enum status do_take(struct db *db, struct err *err) {
  struct entitlement e;
  enum status st = entitlement_load(db, set(), tenant, at, &e, err);
  return st == OK ? usage_take(u, db, &e.plan, tenant, taken, take_key, 1, at, &decision, err) : st;
}
static enum status do_release(struct db *db, struct err *err) {
  return usage_release_action(db, tenant, taken, take_key, err);
}
static enum status take(enum plan_action action, const char *key, int64_t now_ns) {
  struct err err;
  taken = action, take_key = key, at = now_ns;
  return write_with(do_take, &err);
}

static void limits_hold(void **state) {
  (void)state;
  assert_int_equal(check(ACTION_TRADE_LIVE, T0).verdict, USAGE_RIGHT);
  struct usage_decision d = check(ACTION_TRADE_TESTNET, T0);
  assert_true(d.verdict == USAGE_ALLOWED && d.limit == LIMIT_TRADES_PER_DAY && d.limit_value == 3 && d.used == 0);
  static const char *const orders[] = {"o1", "o2", "o3"};
  for (int i = 0; i < 3; i++) assert_int_equal(take(ACTION_TRADE_TESTNET, orders[i], T0), OK);
  assert_int_equal(take(ACTION_TRADE_TESTNET, "o2", T0 + S), OK);  // the same order again
  assert_int_equal(take(ACTION_TRADE_TESTNET, "o4", T0), ERR_LIMIT);
  assert_true(decision.verdict == USAGE_LIMIT && decision.limit == LIMIT_TRADES_PER_DAY && decision.used == 3);
  assert_true(decision.resets_at_ns == window_end(METER_DAY, T0));
  assert_non_null(strstr(decision.reason, "trades_per_day"));
  d = check(ACTION_TRADE_TESTNET, T0);
  assert_true(d.verdict == USAGE_LIMIT && d.limit == LIMIT_TRADES_PER_DAY);
  int64_t tomorrow = window_end(METER_DAY, T0);
  assert_int_equal(take(ACTION_TRADE_TESTNET, "o4", tomorrow), OK);
  char key[16];
  for (int i = 0; i < 16; i++) {  // 20 a month, 3 a day
    snprintf(key, sizeof key, "m%d", i);
    assert_int_equal(take(ACTION_TRADE_TESTNET, key, T0 + (2 + i / 3) * DAY), OK);
  }
  assert_int_equal(take(ACTION_TRADE_TESTNET, "m16", T0 + 8 * DAY), ERR_LIMIT);
  assert_int_equal(decision.limit, LIMIT_TRADES_PER_MONTH);
  assert_int_equal(take(ACTION_TRADE_TESTNET, "m16", window_end(METER_MONTH, T0)), OK);
}

static void things_held(void **state) {
  (void)state;
  struct err err;
  assert_int_equal(take(ACTION_BOT_START, "bot1", T0), OK);
  assert_int_equal(take(ACTION_BOT_START, "bot1", T0), OK);
  assert_int_equal(take(ACTION_BOT_START, "bot2", T0), ERR_LIMIT);
  assert_true(decision.limit == LIMIT_BOTS && decision.resets_at_ns == 0);
  assert_int_equal(check(ACTION_BOT_START, T0).verdict, USAGE_LIMIT);
  take_key = "bot1", taken = ACTION_BOT_START;
  assert_int_equal(write_with(do_release, &err), OK);
  assert_int_equal(check(ACTION_BOT_START, T0).verdict, USAGE_ALLOWED);
  assert_int_equal(take(ACTION_BOT_START, "bot2", T0), OK);
  // a backtest: one at a time, two a day
  assert_int_equal(take(ACTION_BACKTEST, "b1", T0), OK);
  assert_int_equal(take(ACTION_BACKTEST, "b2", T0), ERR_LIMIT);
  assert_int_equal(decision.limit, LIMIT_BACKTEST_PARALLEL);
  take_key = "b1", taken = ACTION_BACKTEST;
  assert_int_equal(write_with(do_release, &err), OK);
  assert_int_equal(take(ACTION_BACKTEST, "b2", T0), OK);  // the refused one had not counted
  take_key = "b2", taken = ACTION_BACKTEST;
  assert_int_equal(write_with(do_release, &err), OK);
  assert_int_equal(take(ACTION_BACKTEST, "b3", T0), ERR_LIMIT);
  assert_int_equal(decision.limit, LIMIT_BACKTESTS_PER_DAY);
}

static enum status seven(struct db *db, int64_t tenant_id, int64_t *ret, struct err *err) {
  (void)db, (void)tenant_id, (void)err;
  *ret = 7;
  return OK;
}

static void the_script_decides_last(void **state) {
  (void)state;
  struct usage_decision d = check(ACTION_ACCOUNT_ADD, T0);
  assert_int_equal(d.verdict, USAGE_RULE);
  assert_string_equal(d.reason, "not before you pay");
  change("pro", NULL, T0);
  assert_int_equal(check(ACTION_ACCOUNT_ADD, T0).verdict, USAGE_ALLOWED);
  assert_int_equal(check(ACTION_MEMBER_ADD, T0).verdict, USAGE_RIGHT);
  // allow() that fails refuses
  struct err err = {0};
  struct entitlement e = entitled(T0);
  e.plan.rights |= UINT64_C(1) << RIGHT_TEAM;
  e.plan.limits[LIMIT_MEMBERS] = 100;
  usage_count_by(u, LIMIT_MEMBERS, seven);
  assert_int_equal(usage_check(u, reader(), tiers, &e, tenant, ACTION_MEMBER_ADD, 1, T0, &d, &err), OK);
  assert_int_equal(d.verdict, USAGE_BROKEN);
  assert_non_null(strstr(err.msg, "boom"));
}

// ---- requests

static bool call_at(int64_t now_ns, struct usage_decision *d) {
  struct err err;
  assert_int_equal(usage_api_call(u, reader(), set(), tenant, now_ns, d, &err), OK);
  return d->verdict == USAGE_ALLOWED;
}

static void requests(void **state) {
  (void)state;
  struct usage_decision d;
  struct err err;
  assert_int_equal(usage_api_rate(u, tenant), 60);
  int64_t hour = window_start(METER_HOUR, T0) + 3600 * S;
  for (int i = 0; i < 5; i++) assert_true(call_at(hour + i, &d) && d.used == i && d.limit_value == 5);
  assert_false(call_at(hour + 9, &d));
  assert_true(d.limit == LIMIT_API_CALLS_PER_HOUR && d.resets_at_ns == hour + 3600 * S);
  assert_int_equal(usage_flush_sync(u, store, &err), OK);
  // the next process finds the count
  usage_destroy(u);
  assert_int_equal(usage_create(&u, &err), OK);
  assert_false(call_at(hour + 10, &d));
  assert_true(d.used == 6);
  // the next hour is free; setting the clock back does not empty the one before
  assert_true(call_at(hour + 3600 * S, &d));
  assert_false(call_at(hour + 11, &d));
  assert_true(call_at(hour + 3600 * S + 1, &d) && d.used == 1);
  // an upgrade is seen when the plan is forgotten
  assert_false(call_at(hour + 12, &d));
  change("pro", NULL, hour);
  assert_false(call_at(hour + 13, &d));
  usage_forget(u, tenant);
  assert_true(call_at(hour + 14, &d) && d.limit_value == PLAN_UNLIMITED);
  int64_t n;
  assert_int_equal(usage_flush_sync(u, store, &err), OK);
  assert_int_equal(usage_used(reader(), tenant, "api_calls_per_hour", hour, &n, &err), OK);
  assert_true(n == 11);
  assert_int_equal(usage_now(u, reader(), tenant, LIMIT_API_CALLS_PER_HOUR, hour, &n, &err), OK);
  assert_true(n == 11);
}

// Any walk of the clock over hours, any flushes, restarts between: what memory and file say together is what was asked, and
// never more than the limit passes in one hour.
static void requests_add_up(void **state) {
  (void)state;
  struct err err;
  struct usage_decision d;
  uint32_t seed = 7;
  int64_t hour0 = window_start(METER_HOUR, T0), asked[4] = {0}, passed[4] = {0};
  int now = 0;
  for (int i = 0; i < 3000; i++) {
    seed = seed * 1664525u + 1013904223u;
    unsigned r = seed >> 8;
    if (r % 40 == 0 && now < 3)
      now++;
    else if (r % 97 == 0 && now > 0)
      now--;
    if (r % 31 == 0) assert_int_equal(usage_flush_sync(u, store, &err), OK);
    if (r % 211 == 0) {
      assert_int_equal(usage_flush_sync(u, store, &err), OK);
      usage_destroy(u);
      assert_int_equal(usage_create(&u, &err), OK);
    }
    if (r % 13 == 0) usage_forget_all(u);
    asked[now]++;
    passed[now] += call_at(hour0 + now * 3600 * S + (int64_t)(r % 3600) * S, &d);
  }
  assert_int_equal(usage_flush_sync(u, store, &err), OK);
  for (int h = 0; h < 4; h++) {
    int64_t n;
    assert_int_equal(usage_used(reader(), tenant, "api_calls_per_hour", hour0 + h * 3600 * S, &n, &err), OK);
    assert_true(n == asked[h]);
    assert_true(passed[h] == (asked[h] < 5 ? asked[h] : 5));
  }
}

static void many_tenants(void **state) {
  (void)state;
  struct err err;
  struct usage_decision d;
  for (int round = 0; round < 2; round++)
    for (int64_t t = 1; t <= 2000; t++) {
      assert_int_equal(usage_api_call(u, reader(), set(), t << 22, T0 + round, &d, &err), OK);
      assert_true(d.verdict == USAGE_ALLOWED && d.used == round);
    }
  assert_int_equal(usage_flush_sync(u, store, &err), OK);
  usage_flush(u, store, T0 + 4 * 3600 * S);  // nothing unsaved: sweeps
  int64_t n;
  loop_turn(loop, true);
  assert_int_equal(usage_now(u, reader(), INT64_C(77) << 22, LIMIT_API_CALLS_PER_HOUR, T0, &n, &err), OK);
  assert_true(n == 2);
}

static void flushes_on_the_loop(void **state) {
  (void)state;
  struct err err;
  struct usage_decision d;
  int64_t n = 0, hour = window_start(METER_HOUR, T0);
  for (int i = 0; i < 4; i++) assert_true(call_at(T0 + i, &d));
  usage_flush(u, store, T0);
  assert_true(call_at(T0 + 4, &d) && d.used == 4);
  usage_flush(u, store, T0);  // the first is under way: waits for its turn
  loop_turn(loop, true);
  assert_int_equal(usage_used(reader(), tenant, "api_calls_per_hour", hour, &n, &err), OK);
  assert_true(n == 4);
  usage_flush(u, store, T0);
  loop_turn(loop, true);
  assert_int_equal(usage_used(reader(), tenant, "api_calls_per_hour", hour, &n, &err), OK);
  assert_true(n == 5);
  // old events are forgotten, what they added up to is not
  assert_int_equal(take(ACTION_TRADE_TESTNET, "old", T0), OK);
  usage_flush(u, store, T0 + 61 * DAY);
  loop_turn(loop, true);
  assert_int_equal(take(ACTION_TRADE_TESTNET, "old", T0), OK);
  assert_int_equal(usage_used(reader(), tenant, "trades_per_day", window_start(METER_DAY, T0), &n, &err), OK);
  assert_true(n == 1);
  usage_flush(u, store, T0 + 63 * DAY);
  loop_turn(loop, true);
  assert_int_equal(take(ACTION_TRADE_TESTNET, "old", T0), OK);
  assert_int_equal(usage_used(reader(), tenant, "trades_per_day", window_start(METER_DAY, T0), &n, &err), OK);
  assert_true(n == 2);
}

// ---- downgrade

static void downgrade(void **state) {
  (void)state;
  struct err err;
  struct usage_excess x;
  change("pro", NULL, T0);
  assert_int_equal(take(ACTION_BOT_START, "a", T0), OK);
  assert_int_equal(take(ACTION_BOT_START, "b", T0 + 1), OK);
  assert_int_equal(take(ACTION_BOT_START, "c", T0 + 2), OK);
  struct entitlement e = entitled(T0);
  assert_int_equal(usage_excess(u, reader(), &e, tenant, T0, &x, &err), OK);
  assert_int_equal(x.standing, USAGE_WITHIN);
  change("free", NULL, T0 + DAY);
  e = entitled(T0 + DAY);
  assert_int_equal(usage_excess(u, reader(), &e, tenant, T0 + DAY, &x, &err), OK);
  assert_true(x.standing == USAGE_GRACE && x.over[LIMIT_BOTS] == 2 && x.until_ns == T0 + 8 * DAY);
  assert_int_equal(take(ACTION_BOT_START, "d", T0 + DAY), ERR_LIMIT);  // nothing new
  assert_int_equal(take(ACTION_BOT_START, "b", T0 + DAY), OK);         // what runs goes on
  e = entitled(T0 + 9 * DAY);
  assert_int_equal(usage_excess(u, reader(), &e, tenant, T0 + 9 * DAY, &x, &err), OK);
  assert_int_equal(x.standing, USAGE_WIND_DOWN);

  json_t *o;
  assert_int_equal(usage_json(u, reader(), &e, tenant, T0, &o, &err), OK);
  assert_string_equal(json_string_value(json_object_get(o, "plan")), "free");
  json_t *first = json_array_get(json_object_get(o, "items"), 0);
  assert_string_equal(json_string_value(json_object_get(first, "name")), "bots");
  assert_int_equal(json_integer_value(json_object_get(first, "used")), 3);
  assert_int_equal(json_integer_value(json_object_get(first, "limit")), 1);
  json_decref(o);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(windows),
    TEST(subscriptions),
    TEST(overrides),
    TEST(limits_hold),
    TEST(things_held),
    TEST(the_script_decides_last),
    TEST(requests),
    TEST(requests_add_up),
    TEST(many_tenants),
    TEST(flushes_on_the_loop),
    TEST(downgrade),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

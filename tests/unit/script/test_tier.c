// Tier scripts: what is read, what is refused and how it is said, allow() and everything hostile it can do.
#include "dialect_source.h"
#include "script/profile.h"
#include "script/tier_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BASE                                                                                                              \
  "base={limits={bots=1, pairs=unlimited, pairs_per_bot=3, accounts=1, venues=1, strategies=1, members=1,"                \
  " trades_per_day=5, trades_per_month=100, api_calls_per_hour=100, api_calls_per_minute=60, backtests_per_day=5,"         \
  " backtest_parallel=1, backtest_seconds=10, lua_memory_kib=1024, cpu_ms_per_s=10}, rights={testnet=true}},\n"
#define HEAD "return tiers{ edition='x', currency='USD', default='a',\n" BASE
#define ONE "tiers={{id='a', name='A', price_month='29.99'}}"

static enum status describe(const char *source, struct plan_set **ret, struct err *err) {
  return tier_describe("t.lua", source, strlen(source), NULL, ret, err);
}

static void reads_everything(void **state) {
  (void)state;
  struct plan_set *set;
  struct err err;
  const char *source =
      HEAD "tiers={{id='a', name='A', price_month='0'},\n"
           " {id='b', name='B', about='b\xc3\xa4', price_month='29.99', price_year='290', limits={bots=unlimited, trades_per_day=0},"
           "  rights={live=true, testnet=false}}},\n"
           "addons={{id='slot', name='Slot', price_month='15', limits={bots=1, accounts=2}, rights={sla=true}}} }";
  assert_int_equal(describe(source, &set, &err), OK);
  assert_string_equal(set->edition, "x");
  assert_string_equal(set->currency, "USD");
  assert_int_equal(set->plan_count, 2);
  assert_int_equal(set->default_plan, 0);
  assert_int_equal(set->grace_days, PLAN_GRACE_DAYS);
  assert_false(set->has_allow);
  const struct plan *a = &set->plans[0], *b = &set->plans[1];
  assert_true(a->month_e8 == 0 && !a->has_year);
  assert_true(b->month_e8 == 2999000000 && b->year_e8 == 29000000000 && b->has_year);
  assert_true(a->limits[LIMIT_BOTS] == 1 && b->limits[LIMIT_BOTS] == PLAN_UNLIMITED);
  assert_true(a->limits[LIMIT_TRADES_PER_DAY] == 5 && b->limits[LIMIT_TRADES_PER_DAY] == 0);
  assert_true(b->limits[LIMIT_LUA_MEMORY_KIB] == 1024);
  assert_true(plan_has(a, RIGHT_TESTNET) && !plan_has(a, RIGHT_LIVE));
  assert_true(!plan_has(b, RIGHT_TESTNET) && plan_has(b, RIGHT_LIVE));

  struct plan p = *a;
  plan_add(&p, &set->addons[0], 3);
  assert_true(p.limits[LIMIT_BOTS] == 4 && p.limits[LIMIT_ACCOUNTS] == 7 && plan_has(&p, RIGHT_SLA));
  plan_add(&p, &set->addons[0], INT64_MAX);
  assert_true(p.limits[LIMIT_BOTS] == PLAN_LIMIT_MAX);
  p = *b;
  plan_add(&p, &set->addons[0], 5);
  assert_true(p.limits[LIMIT_BOTS] == PLAN_UNLIMITED);

  json_t *o = plan_json(set, b);
  assert_string_equal(json_string_value(json_object_get(o, "monthly_price")), "29.99");
  assert_string_equal(json_string_value(json_object_get(o, "yearly_price")), "290");
  assert_true(json_is_null(json_object_get(json_object_get(o, "limits"), "bots")));
  assert_int_equal(json_array_size(json_object_get(o, "rights")), 1);
  json_decref(o);
  free(set);
}

static void every_action_has_its_parts(void **state) {
  (void)state;
  for (int a = 0; a < ACTION_COUNT; a++) {
    enum plan_limit limits[2];
    plan_action_limits((enum plan_action)a, limits);
    for (int i = 0; i < 2; i++)
      if (limits[i] != NO_LIMIT) assert_int_not_equal(plan_limit_kind(limits[i]), METER_SIZE);
    assert_true(strlen(plan_action_name((enum plan_action)a)) > 0);
  }
  for (int i = 0; i < LIMIT_COUNT; i++) {
    enum plan_limit back;
    assert_true(plan_limit_parse(plan_limit_name((enum plan_limit)i), &back));
    assert_int_equal(back, i);
  }
}

// What is wrong, and the piece of the message that must say so.
static void refuses(void **state) {
  (void)state;
  static const struct {
    const char *source, *says;
  } bad[] = {
    {"", "t.lua:1: the script has no header; begin it with tiers{ … }"},
    {"return {}", "no header"},
    {"tiers(1)", "t.lua:1: tiers takes one table"},
    {"tiers{} tiers{}", "stands in the file twice"},
    {"return tiers{ currency='USD', default='a', " BASE ONE "}", "edition is missing"},
    {"return tiers{ edition='X Y', currency='USD', default='a', " BASE ONE "}", "is no name"},
    {"return tiers{ edition='x', currency='usd', default='a', " BASE ONE "}", "three capital letters"},
    {"return tiers{ edition='x', currency='USD', " BASE ONE "}", "default is missing"},
    {"return tiers{ edition='x', currency='USD', default='starterr', " BASE "tiers={{id='starter', name='A', price_month='1'}} }", "did you mean 'starter'?"},
    {HEAD "tiers={} }", "at least one tier"},
    {HEAD "}", "at least one tier"},
    {HEAD ONE ", tears={} }", "unknown key 'tears'; did you mean 'tiers'?"},
    {HEAD "tiers={{id='a', name='A', price_month='1', limits={botz=1}}} }", "unknown key 'botz'; did you mean 'bots'?"},
    {HEAD "tiers={{id='a', name='A', price_month='1', rights={lvie=true}}} }", "did you mean 'live'?"},
    {HEAD "tiers={{id='a', name='A', price_month='1', rights={live=1}}} }", "must be true or false, not a number"},
    {HEAD "tiers={{id='a', name='A', price_month='1', limits={bots=-1}}} }", "must be a whole number from 0"},
    {HEAD "tiers={{id='a', name='A', price_month='1', limits={bots=1.5}}} }", "must be a whole number"},
    {HEAD "tiers={{id='a', name='A', price_month='1', limits={bots=math.huge}}} }", "must be a whole number"},
    {HEAD "tiers={{id='a', name='A', price_month='1', limits={bots='many'}}} }", "must be a whole number or unlimited"},
    {HEAD "tiers={{id='a', name='A', price_month='1', limits={bots=2000000000000}}} }", "must be a whole number from 0 to 1000000000000"},
    {HEAD "tiers={{id='a', name='A', price_month=29.99}} }", "money as a text, such as '29.99'"},
    {HEAD "tiers={{id='a', name='A', price_month='29,99'}} }", "is no amount of money"},
    {HEAD "tiers={{id='a', name='A', price_month='-1'}} }", "is no amount of money"},
    {HEAD "tiers={{id='a', name='A', price_month='0.000000001'}} }", "is no amount of money"},
    {HEAD "tiers={{id='a', name='A', price_month='99999999999999'}} }", "is no amount of money"},
    {HEAD "tiers={{id='a', name='A'}} }", "price_month is missing"},
    {HEAD "tiers={{id='a', price_month='1'}} }", "name is missing"},
    {HEAD "tiers={{name='a', price_month='1'}} }", "needs an id"},
    {HEAD "tiers={{id='a', name='A', price_month='1'}, {id='a', name='B', price_month='1'}} }", "there is a tier 'a' already"},
    {HEAD "tiers={{id='a', name='A\\n', price_month='1'}} }", "control character"},
    {HEAD "tiers={{id='a', name='A\\xff', price_month='1'}} }", "not UTF-8"},
    {HEAD "tiers={{id='a', name='A\\u{202e}', price_month='1'}} }", "control character"},
    {HEAD "tiers={{id='a', name=('x'):rep(80), price_month='1'}} }", "80 bytes; at most 63"},
    {HEAD "tiers={[1]={id='a', name='A', price_month='1'}, b={}} }", "without names and without holes"},
    {HEAD "tiers={{id='a', name='A', price_month='1'}, 7} }", "tiers[2] must be a table"},
    {HEAD ONE ", addons={{id='s', name='S', price_month='1', limits={bots=unlimited}}} }", "an add-on adds a number"},
    {HEAD ONE ", addons={{id='s', name='S', price_month='1', limits={bots=0}}} }", "from 1 to"},
    {HEAD ONE ", allow=1 }", "must be a function"},
    {HEAD ONE ", grace_days=1000 }", "from 0 to 365"},
    {"return tiers{ edition='x', currency='USD', default='a', base={limits={bots=1}}, " ONE "}", "the limit pairs is given neither here nor in base"},
    {"local t={} for i=1,100 do t[i]={id='p'..i, name='P', price_month='1'} end\n" HEAD "tiers=t }", "more than 16"},
    {"while true do end", "budget of 200000 instructions"},
    {"local t={} for i=1,1e9 do t[i]=('x'):rep(1000)..i end", "not enough memory"},
    {"print('x')", "'print' does not exist here"},
    {"os.exit(1)", "'os' does not exist here"},
    {"require 'x'", "'require' does not exist here"},
    {"strategy{}", "'strategy' does not exist here"},
    {"return tier{}", "did you mean 'tiers'?"},
    {"error({})", "error raised with a table value"},
    {"local x = setmetatable({}, {__index=function() while true do end end}) return tiers(x)", "edition is missing"},
    {"\x1bLua", "compiled Lua"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct plan_set *set = NULL;
    struct err err = {0};
    if (describe(bad[i].source, &set, &err) == OK) fail_msg("accepted: %s", bad[i].source);
    if (strstr(err.msg, bad[i].says) == NULL) fail_msg("%s\n  said: %s\n  not: %s", bad[i].source, err.msg, bad[i].says);
  }
}

// The second tier's mistake is shown in the second tier's line.
static void points_at_the_right_line(void **state) {
  (void)state;
  struct plan_set *set;
  struct err err;
  const char *source = HEAD "tiers={\n{id='a', name='A', price_month='1', limits={bots=1}},\n{id='b', name='B', price_month='1', limits={bots='x'}}} }";
  assert_int_equal(describe(source, &set, &err), ERR_SCRIPT);
  if (strstr(err.msg, "t.lua:5:") == NULL) fail_msg("%s", err.msg);
  assert_non_null(strstr(err.msg, "{id='b'"));
}

static enum status create(const char *allow, struct tier_script **ret, struct err *err) {
  char source[4096];
  snprintf(source, sizeof source, "%s%s, allow=function(action, usage) %s end }", HEAD, ONE, allow);
  enum status st = tier_script_create("t.lua", source, strlen(source), NULL, ret, err);
  if (st != OK || (st = tier_script_prove(*ret, err)) == OK) return st;
  tier_script_destroy(*ret);
  return st;
}

static bool ask(struct tier_script *t, enum plan_action action, int64_t bots, char reason[PLAN_REASON_MAX], bool *failed, struct err *err) {
  struct tier_question q = {.action = action, .plan = &tier_script_set(t)->plans[0], .amount = 1, .now_ms = 1000};
  q.used[LIMIT_BOTS] = bots;
  return tier_script_allow(t, &q, reason, failed, err);
}

static void allow_decides(void **state) {
  (void)state;
  struct tier_script *t;
  struct err err = {0};
  char reason[PLAN_REASON_MAX];
  bool failed;
  const char *body = "if action == 'bot_start' and usage.used.bots == 1 and usage.tier == 'a' and usage.limits.pairs == math.huge"
                     " and usage.rights.testnet and not usage.rights.live and usage.amount == 1 then return false, 'a\\27[31m is full' end return true";
  assert_int_equal(create(body, &t, &err), OK);
  assert_true(ask(t, ACTION_BOT_START, 0, reason, &failed, &err));
  assert_false(failed);
  assert_false(ask(t, ACTION_BOT_START, 1, reason, &failed, &err));
  assert_false(failed);
  assert_string_equal(reason, "a\\x1b[31m is full");
  assert_true(ask(t, ACTION_BACKTEST, 1, reason, &failed, &err));
  tier_script_destroy(t);
  assert_int_equal(create("return false", &t, &err), OK);
  assert_false(ask(t, ACTION_BOT_START, 0, reason, &failed, &err));
  assert_string_equal(reason, "the plan does not allow this");
  tier_script_destroy(t);
}

// Refused when it is put, since allow is tried with nothing and with everything used.
static void bad_allow_is_not_accepted(void **state) {
  (void)state;
  static const char *const bodies[] = {
    "while true do end", "error('x')", "error({})", "error()", "return nil", "return 1", "return 'yes'", "", "return usage.nosuch.field",
    "if usage.used.bots > 0 then error('full') end return true", "return allow(action, usage)",
    "local t = {} while true do t[#t+1] = {} end", "local s = 'x' while true do s = s .. s end",
    "while true do pcall(function() while true do end end) end", "return pcall(error) or ('x'):rep(1e9)",
    "local function f() return f() + 1 end return f()", "return ('a'):rep(5000):find(('a*'):rep(50)..'b') == nil",
  };
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    struct tier_script *t;
    struct err err = {0};
    if (create(bodies[i], &t, &err) == OK) fail_msg("accepted: %s", bodies[i]);
    if (strstr(err.msg, "allow('") == NULL) fail_msg("%s: %s", bodies[i], err.msg);
  }
}

// Passes the probe (500 bots are never asked about there), then misbehaves: refused, logged, and sane again afterwards.
static void fails_closed(void **state) {
  (void)state;
  static const char *const bodies[] = {
    "if usage.used.bots == 500 then while true do end end return true",
    "if usage.used.bots == 500 then error('x') end return true",
    "if usage.used.bots == 500 then return 0 end return true",
    "if usage.used.bots == 500 then local t = {} while true do t[#t+1] = {1} end end return true",
    "if usage.used.bots == 500 then error(setmetatable({}, {__tostring=function() while true do end end})) end return true",
  };
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    struct tier_script *t;
    struct err err = {0};
    char reason[PLAN_REASON_MAX];
    bool failed;
    assert_int_equal(create(bodies[i], &t, &err), OK);
    for (int n = 0; n < 3; n++) {
      assert_true(ask(t, ACTION_BOT_START, 1, reason, &failed, &err));
      assert_false(ask(t, ACTION_BOT_START, 500, reason, &failed, &err));
      assert_true(failed);
      assert_non_null(strstr(reason, "could not be evaluated"));
      if (strstr(err.msg, "t.lua:") == NULL && strstr(err.msg, "error raised with a table") == NULL) fail_msg("%s: %s", bodies[i], err.msg);
    }
    assert_true(ask(t, ACTION_BOT_START, 1, reason, &failed, NULL));
    tier_script_destroy(t);
  }
}

static void many_kills_end_the_asking(void **state) {
  (void)state;
  struct tier_script *t;
  struct err err = {0};
  char reason[PLAN_REASON_MAX];
  bool failed;
  assert_int_equal(create("if usage.used.bots == 500 then while true do end end return true", &t, &err), OK);
  for (int n = 0; n < TIER_KILLS_MAX; n++) assert_false(ask(t, ACTION_BOT_START, 500, reason, &failed, &err));
  assert_false(ask(t, ACTION_BOT_START, 0, reason, &failed, &err));
  assert_true(failed);
  assert_non_null(strstr(err.msg, "not asked any more"));
  tier_script_destroy(t);
}

static void rules_and_dialects(void **state) {
  (void)state;
  struct profile_spec spec;
  struct err err;
  const char *rule = "rule{name='Phases', api=1, about='four phases'}\nlocal function helper() end\nfunction on_signal(s) return helper() == nil end";
  assert_int_equal(profile_describe(SCRIPT_RULE, "r.lua", rule, strlen(rule), NULL, &spec, &err), OK);
  assert_string_equal(spec.name, "Phases");
  assert_int_equal(spec.function_count, 1);
  assert_string_equal(spec.functions[0], "on_signal");
  assert_int_equal(strlen(spec.sha256), 64);
  json_t *o = profile_json(&spec);
  assert_string_equal(json_string_value(json_object_get(o, "kind")), "rule");
  json_decref(o);
  profile_spec_finish(&spec);
  const char *typo = "rule{name='x', api=1}\nfunction on_signl(s) end";
  assert_int_equal(profile_describe(SCRIPT_RULE, "r.lua", typo, strlen(typo), NULL, &spec, &err), ERR_SCRIPT);
  assert_non_null(strstr(err.msg, "is 'on_signl' meant?"));
  const char *version = "rule{name='x', api=2}\nfunction on_signal(s) end";
  assert_int_equal(profile_describe(SCRIPT_RULE, "r.lua", version, strlen(version), NULL, &spec, &err), ERR_SCRIPT);
  const char *dialect = DIALECT_TINY;
  assert_int_equal(profile_describe(SCRIPT_DIALECT, "d.lua", dialect, strlen(dialect), NULL, &spec, &err), OK);
  profile_spec_finish(&spec);
  assert_int_equal(profile_describe(SCRIPT_RULE, "d.lua", dialect, strlen(dialect), NULL, &spec, &err), ERR_SCRIPT);
  assert_string_equal(spec.name, "");
  const char *bare = "dialect{name='bybit', api=1}\nfunction place(o) return o end";
  assert_int_equal(profile_describe(SCRIPT_DIALECT, "d.lua", bare, strlen(bare), NULL, &spec, &err), ERR_SCRIPT);
  assert_non_null(strstr(err.msg, "environments"));
  const char *many = "rule{name='x', api=1}\nfunction on_signal(s) end\nfor i=1,100 do end\n"
                     "function f1() end function f2() end function on_x() end unlimited_ = 1";
  assert_int_equal(profile_describe(SCRIPT_RULE, "r.lua", many, strlen(many), NULL, &spec, &err), OK);
  assert_int_equal(spec.function_count, 4);
  profile_spec_finish(&spec);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(reads_everything),       cmocka_unit_test(every_action_has_its_parts), cmocka_unit_test(refuses),
    cmocka_unit_test(points_at_the_right_line), cmocka_unit_test(allow_decides),            cmocka_unit_test(bad_allow_is_not_accepted),
    cmocka_unit_test(fails_closed),           cmocka_unit_test(many_kills_end_the_asking), cmocka_unit_test(rules_and_dialects),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

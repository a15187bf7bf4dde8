// The five shipped price lists against a table typed from the editions' own price lists, figure by figure.
#include "script/tier_script.h"
#include "tenant/shipped.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ANY (-1)        // the price list does not say
#define ALL PLAN_UNLIMITED
#define CENTS INT64_C(1000000)

// What the price list promises, and (not) that it does not: rights as words, "!" in front of one that the tier lacks.
static const struct row {
  const char *edition, *tier;
  int64_t month_cents, year_cents;  // 0 free; ANY no yearly price
  int64_t bots, pairs, pairs_per_bot, accounts, venues, trades_day, trades_month, calls_hour;
  const char *rights;
} table[] = {
  {"mikrobot", "basic", 9900, ANY, ANY, ANY, ANY, ANY, ANY, 10, ANY, ANY, "!strategies_all !strategies_premium !support_priority"},
  {"mikrobot", "professional", 19900, ANY, ANY, ANY, ANY, ANY, ANY, 50, ANY, ANY, "strategies_all !strategies_premium"},
  {"mikrobot", "enterprise", 49900, ANY, ANY, ANY, ANY, ANY, ANY, ALL, ALL, ANY, "strategies_all strategies_premium support_priority"},
  {"dca", "starter", 2900, 29000, 1, ANY, 3, ANY, ANY, ANY, ANY, ANY, "testnet !live backtest !backtest_advanced support_mail !custom_parameters !api_access notify_mail !notify_telegram"},
  {"dca", "pro", 7900, 79000, 5, ANY, 10, ANY, ANY, ANY, ANY, ANY, "testnet live backtest_advanced custom_parameters notify_telegram !notify_discord !team !api_access"},
  {"dca", "enterprise", 19900, 199000, 20, ALL, ALL, ANY, ALL, ANY, ANY, ANY, "testnet live backtest_advanced team webhooks_out api_access white_label notify_mail notify_telegram notify_discord notify_slack notify_sms"},
  {"unified", "free", 0, ANY, ANY, ANY, ANY, 1, ANY, ANY, ANY, ANY, "!analytics_advanced !support_priority !team"},
  {"unified", "premium", 2900, ANY, ANY, ANY, ANY, ALL, ANY, ANY, ANY, ANY, "analytics_advanced support_priority !team !integrations"},
  {"unified", "enterprise", 9900, ANY, ANY, ANY, ANY, ALL, ANY, ANY, ANY, ANY, "team integrations support_dedicated"},
  {"luno", "free", 0, ANY, 1, 1, ANY, ANY, ANY, ANY, ANY, 100, "notify_mail !notify_sms !backtest !api_access"},
  {"luno", "basic", 2999, ANY, 3, 5, ANY, ANY, ANY, ANY, ANY, 1000, "notify_mail notify_sms backtest !backtest_advanced !custom_indicators !api_access"},
  {"luno", "premium", 9999, ANY, 10, 20, ANY, ANY, ANY, ANY, ANY, 10000,
   "notify_mail notify_sms notify_telegram notify_discord notify_slack backtest_advanced custom_indicators api_access !white_label"},
  {"luno", "enterprise", 29999, ANY, ALL, ALL, ANY, ANY, ANY, ANY, ANY, ALL, "white_label sla"},
  {"marketpilot", "free", 0, ANY, ANY, ANY, ANY, ANY, ANY, ANY, 5, ANY, "!scoring !copy_trading !api_access"},
  {"marketpilot", "pro", 2900, ANY, ANY, ANY, ANY, ANY, ANY, ALL, ALL, ANY, "scoring copy_trading marketplace backtest_advanced !api_access !white_label notify_discord notify_sms"},
  {"marketpilot", "enterprise", 9900, ANY, ANY, ANY, ANY, ANY, ANY, ALL, ALL, ANY, "scoring api_access support_dedicated !white_label"},
  {"marketpilot", "white-label", 29900, ANY, ANY, ANY, ANY, ANY, ANY, ALL, ALL, ANY, "api_access white_label reseller"},
};
#define ROWS (sizeof table / sizeof *table)

static struct plan_set *load(const char *edition) {
  for (const struct shipped *s = shipped_tiers; s->name != NULL; s++) {
    if (strcmp(s->name, edition) != 0) continue;
    struct err err;
    struct plan_set *set;
    if (tier_describe(s->file, s->source, s->len, NULL, &set, &err) != OK) fail_msg("%s", err.msg);
    return set;
  }
  fail_msg("%s is not shipped", edition);
  return NULL;
}

static void limit_is(const struct row *row, const struct plan *plan, enum plan_limit limit, int64_t want) {
  if (want != ANY && plan->limits[limit] != want)
    fail_msg("%s %s: %s is %lld, not %lld", row->edition, row->tier, plan_limit_name(limit), (long long)plan->limits[limit], (long long)want);
}

static void rights_are(const struct row *row, const struct plan *plan) {
  char words[300];
  snprintf(words, sizeof words, "%s", row->rights);
  for (char *rest = words, *word; (word = strtok_r(rest, " ", &rest)) != NULL;) {
    bool want = word[0] != '!';
    int i = 0;
    while (i < RIGHT_COUNT && strcmp(plan_right_name((enum plan_right)i), word + !want) != 0) i++;
    assert_true(i < RIGHT_COUNT);
    if (plan_has(plan, (enum plan_right)i) != want) fail_msg("%s %s: %s", row->edition, row->tier, word);
  }
}

static void every_figure(void **state) {
  (void)state;
  for (size_t i = 0; i < ROWS; i++) {
    const struct row *row = &table[i];
    struct plan_set *set = load(row->edition);
    int at = plan_find(set, row->tier);
    if (at < 0) fail_msg("%s has no %s", row->edition, row->tier);
    const struct plan *plan = &set->plans[at];
    assert_string_equal(set->currency, "USD");
    assert_string_equal(set->edition, row->edition);
    if (plan->month_e8 != row->month_cents * CENTS) fail_msg("%s %s: price", row->edition, row->tier);
    assert_int_equal(plan->has_year, row->year_cents != ANY);
    if (plan->has_year) assert_true(plan->year_e8 == row->year_cents * CENTS);
    limit_is(row, plan, LIMIT_BOTS, row->bots);
    limit_is(row, plan, LIMIT_PAIRS, row->pairs);
    limit_is(row, plan, LIMIT_PAIRS_PER_BOT, row->pairs_per_bot);
    limit_is(row, plan, LIMIT_ACCOUNTS, row->accounts);
    limit_is(row, plan, LIMIT_VENUES, row->venues);
    limit_is(row, plan, LIMIT_TRADES_PER_DAY, row->trades_day);
    limit_is(row, plan, LIMIT_TRADES_PER_MONTH, row->trades_month);
    limit_is(row, plan, LIMIT_API_CALLS_PER_HOUR, row->calls_hour);
    rights_are(row, plan);
    free(set);
  }
}

static void no_tier_beside_them(void **state) {
  (void)state;
  int shipped = 0, tiers = 0;
  for (const struct shipped *s = shipped_tiers; s->name != NULL; s++, shipped++) {
    struct plan_set *set = load(s->name);
    tiers += set->plan_count;
    for (int i = 1; i < set->plan_count; i++) assert_true(set->plans[i].month_e8 > set->plans[i - 1].month_e8);
    free(set);
  }
  assert_int_equal(shipped, 5);
  assert_int_equal(tiers, ROWS);
  struct plan_set *set = load(EDITION_DEFAULT);
  free(set);
}

static void addons(void **state) {
  (void)state;
  struct plan_set *set = load("dca");
  static const struct { const char *id; int64_t cents; } want[] = {{"bot_slot", 1500}, {"pair", 500}, {"dedicated_host", 9900}};
  assert_int_equal(set->addon_count, 3);
  for (int i = 0; i < 3; i++) {
    int at = addon_find(set, want[i].id);
    assert_true(at >= 0);
    assert_true(set->addons[at].month_e8 == want[i].cents * CENTS);
  }
  struct plan plan = set->plans[plan_find(set, "starter")];
  plan_add(&plan, &set->addons[addon_find(set, "bot_slot")], 2);
  plan_add(&plan, &set->addons[addon_find(set, "pair")], 1);
  plan_add(&plan, &set->addons[addon_find(set, "dedicated_host")], 1);
  assert_true(plan.limits[LIMIT_BOTS] == 3 && plan.limits[LIMIT_PAIRS_PER_BOT] == 4 && plan_has(&plan, RIGHT_DEDICATED_HOST));
  free(set);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_figure), cmocka_unit_test(no_tier_beside_them), cmocka_unit_test(addons)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// bot/live_setup.c – settings of a bot and of its paper account, as their rows keep them (JSON), into what matcher, gate and host take.
// Decimals are texts or whole numbers, never fractions in JSON, which would have gone through a double.
#include "bot/live_impl.h"

#include "base/decimal.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OF_BOT = 1, OF_ACCOUNT = 2, OF_TENANT = 4 };
// A setting: name, whose, how many decimals its integer has, its least and greatest, and where it goes.
struct setting {
  const char *name;
  int whose, scale;
  int64_t least, most;
  size_t at;
};
#define AT(member) offsetof(struct live_setup, member)
#define MONEY_MOST INT64_C(1000000000000000000)  // ten thousand million
#define FRAC INT64_C(100000000)
// Limits of one level: the same words for a bot, its account and its tenant.
#define LIMITS(whose, l, fuse)                                                                                                            \
  {"max_order", whose, 8, 0, MONEY_MOST, AT(l.max_order_e8)}, {"max_exposure", whose, 8, 0, MONEY_MOST, AT(l.max_exposure_e8)},        \
  {"max_open", whose, 0, 0, 100000, AT(l.max_open)}, {"max_leverage", whose, 4, 0, 10000 * 1000, AT(l.max_leverage_e4)},               \
  {"collar", whose, 8, 0, 10 * FRAC, AT(l.collar_e8)}, {"rate_burst", whose, 0, 0, 100000, AT(l.rate_burst)},                          \
  {"rate_period_ms", whose, -6, 0, INT64_C(3600000) * NS_PER_MS, AT(l.rate_period_ns)},                                               \
  {"day_loss", whose, 8, 0, MONEY_MOST, AT(l.day_loss_e8)}, {"max_drawdown", whose, 8, 0, MONEY_MOST, AT(l.drawdown_e8)},            \
  {"fuse_orders", whose, 0, 0, 10000000, AT(fuse.orders)}, {"fuse_notional", whose, 8, 0, MONEY_MOST, AT(fuse.notional_e8)}
static const struct setting settings[] = {
  // the account: what the venue is like
  {"balance", OF_ACCOUNT, 8, 1, MONEY_MOST, AT(balance.e8)},
  {"leverage", OF_ACCOUNT, 4, 10000, 10000 * 1000, AT(leverage_e4)},
  {"fee_maker", OF_ACCOUNT, 8, -FRAC / 10, FRAC / 10, AT(fees.maker_frac_e8)},
  {"fee_taker", OF_ACCOUNT, 8, -FRAC / 10, FRAC / 10, AT(fees.taker_frac_e8)},
  {"fee_fixed", OF_ACCOUNT, 8, 0, 1000000 * CASH_ONE, AT(fees.fixed_e8)},
  {"fee_per_unit", OF_ACCOUNT, 8, 0, 1000000 * CASH_ONE, AT(fees.per_unit_e8)},
  {"maintenance_pct", OF_ACCOUNT, 6, 0, 50 * FRAC / 100, AT(maintenance_frac_e8)},
  {"participation", OF_ACCOUNT, 8, 0, FRAC, AT(match.participation_frac_e8)},
  {"latency_ms", OF_ACCOUNT, -6, 0, INT64_C(60000) * NS_PER_MS, AT(match.latency_ns)},
  {"slippage_ticks", OF_ACCOUNT, 0, 0, 100000, AT(costs.slippage_ticks)},
  {"slippage_pct", OF_ACCOUNT, 6, 0, 50 * FRAC / 100, AT(costs.slippage_frac_e8)},
  {"fault_lost", OF_ACCOUNT, 8, 0, FRAC, AT(faults.lost_frac_e8)},
  {"fault_absent", OF_ACCOUNT, 8, 0, FRAC, AT(faults.absent_frac_e8)},
  {"fault_unanswered", OF_ACCOUNT, 0, 0, 1000, AT(faults.unanswered)},
  {"spread_ticks", OF_ACCOUNT, 0, 0, 100000, AT(costs.spread_ticks)},
  {"spread_pct", OF_ACCOUNT, 6, 0, 50 * FRAC / 100, AT(costs.spread_frac_e8)},
  // limits: of the account, of the bot, of all of a tenant's
  LIMITS(OF_ACCOUNT, account_limits, account_fuse), {"max_position", OF_ACCOUNT, 8, 0, MONEY_MOST, AT(account_limits.max_position_e8)},
  LIMITS(OF_BOT, bot_limits, bot_fuse), {"max_position", OF_BOT, 8, 0, MONEY_MOST, AT(bot_limits.max_position_e8)},
  LIMITS(OF_TENANT, tenant_limits, tenant_fuse),
  {"cash", OF_BOT, 8, 1, MONEY_MOST, AT(match.deposit.e8)},
};

// Settings of the account that are words.
static bool take_model(const char *text, struct live_setup *ret) { return fill_model_parse(text, &ret->match.model) && !fill_model_compat(ret->match.model); }
static bool take_path(const char *text, struct live_setup *ret) { return path_mode_parse(text, &ret->match.path); }
static const struct word {
  const char *name, *words;
  bool (*take)(const char *text, struct live_setup *ret);
} words[] = {
  {"fill_model", "strict or classic (those of other engines settle sizes at the fill, where no limit could hold them: they are for backtests)", take_model},
  {"path", "nearer, adverse or favourable", take_path},
};

static enum status read_words(const json_t *account, struct live_setup *ret, struct err *err) {
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    const json_t *v = json_object_get(account, words[i].name);
    if (!v || json_is_null(v)) continue;
    const char *text = json_string_value(v);
    if (!text || !words[i].take(text, ret)) return err_set(err, ERR_INVALID, "/%s: must be %s; %.40s was given", words[i].name, words[i].words, text ? text : "something else");
  }
  return OK;
}

// A whole number or a decimal text as an integer of that scale; −6: a whole number of milliseconds in nanoseconds.
static bool number_of(const json_t *v, int scale, int64_t *ret) {
  char whole[32];
  const char *text = json_string_value(v);
  if (json_is_integer(v)) snprintf(whole, sizeof whole, "%lld", (long long)json_integer_value(v)), text = whole;
  if (!text || !decimal_parse_scaled(text, strlen(text), scale < 0 ? 0 : scale, ret)) return false;
  return scale >= 0 || !__builtin_mul_overflow(*ret, pow10_i64(-scale), ret);
}

// "/max_open: 200000 was given; a number from 0 to 100000, with at most 0 decimals, is wanted".
static enum status out_of_range(const struct setting *s, const json_t *given, struct err *err) {
  char least[DECIMAL_TEXT_MAX], most[DECIMAL_TEXT_MAX], *text = json_dumps(given, JSON_ENCODE_ANY | JSON_COMPACT);
  decimal_format_scaled(s->scale < 0 ? s->least / pow10_i64(-s->scale) : s->least, s->scale < 0 ? 0 : s->scale, least);
  decimal_format_scaled(s->scale < 0 ? s->most / pow10_i64(-s->scale) : s->most, s->scale < 0 ? 0 : s->scale, most);
  const enum status st = err_set(err, ERR_INVALID, "/%s: must be from %s to %s, with at most %d decimals; %.40s was given", s->name, least, most, s->scale < 0 ? 0 : s->scale,
                                 text ? text : "something else");
  free(text);
  return st;
}

static enum status read_all(const json_t *object, int whose, struct live_setup *ret, struct err *err) {
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
    const struct setting *s = &settings[i];
    const json_t *v = json_object_get(object, s->name);
    int64_t number;
    if (s->whose != whose || !v || json_is_null(v)) continue;
    if (!number_of(v, s->scale, &number) || number < s->least || number > s->most) return out_of_range(s, v, err);
    memcpy((char *)ret + s->at, &number, sizeof number);
  }
  return OK;
}

// A bucket that fills with orders and never empties would be a limit for ever.
static enum status rate_whole(struct gate_limits *l, struct err *err) {
  if (l->rate_burst > 0 && l->rate_period_ns == 0) return err_set(err, ERR_INVALID, "/rate_period_ms: must be above 0 where rate_burst is given; it is 0");
  if (l->rate_burst == 0) l->rate_period_ns = 0;
  return OK;
}

static void defaults(struct live_setup *ret) {
  struct match_symbol_config usual;
  memset(ret, 0, sizeof *ret);
  match_config_init(&ret->match, (cash){0});
  match_symbol_config_init(&usual, &(struct instrument){0});
  ret->fees = usual.fees;
  ret->costs = usual.costs;
  ret->leverage_e4 = usual.leverage_e4;
  ret->maintenance_frac_e8 = usual.maintenance_frac_e8;
  ret->balance.e8 = 10000 * CASH_ONE;
  ret->bot_limits = (struct gate_limits){.max_open = 200, .collar_e8 = FRAC / 2, .rate_burst = 100, .rate_period_ns = NS_PER_S / 10};
  ret->account_limits = (struct gate_limits){.max_open = 10000, .rate_period_ns = NS_PER_S / 10};
  ret->tenant_limits = (struct gate_limits){.rate_period_ns = NS_PER_S / 10};
  // Several times what the gate lets through as it is usually set: only a fault gets there.
  ret->bot_fuse.orders = 10000, ret->account_fuse.orders = 100000, ret->tenant_fuse.orders = 1000000;
  risk_limits_init(&ret->risk);
}

// What the script is told at once, before the core looks: the same limits.
static void beside_the_script(struct live_setup *s) {
  s->risk.max_open = (int)s->bot_limits.max_open;
  s->risk.max_order_e8 = s->bot_limits.max_order_e8;
  s->risk.max_position_e8 = s->bot_limits.max_position_e8;
  s->risk.collar_frac_e8 = s->bot_limits.collar_e8;
  s->risk.day_loss_e8 = s->bot_limits.day_loss_e8;
  s->risk.drawdown_e8 = s->bot_limits.drawdown_e8;
}

enum status live_setup_read(const json_t *bot, const json_t *account, bool hedging, struct live_setup *ret, struct err *err) {
  defaults(ret);
  ret->match.hedging = hedging;
  enum status st = read_all(account, OF_ACCOUNT, ret, err);
  if (st == OK) st = read_words(account, ret, err);
  if (st == OK) st = read_all(bot, OF_BOT, ret, err);
  if (st == OK) st = rate_whole(&ret->bot_limits, err);
  if (st == OK) st = rate_whole(&ret->account_limits, err);
  if (st == OK) st = live_protect_read(json_object_get(bot, "protections"), ret->protections, &ret->protection_count, err);
  if (ret->bot_limits.max_open == 0) ret->bot_limits.max_open = 200;
  if (ret->account_limits.max_open == 0) ret->account_limits.max_open = 10000;
  const char *rules = json_string_value(json_object_get(account, "rules")), *venue = json_string_value(json_object_get(account, "venue"));
  if (venue) {  // put there by live_plan_read(): not a setting that anybody writes
    snprintf(ret->venue, sizeof ret->venue, "%s", venue);
    const char *environment = json_string_value(json_object_get(account, "environment"));
    ret->real_money = environment && strcmp(environment, "live") == 0;
    ret->match.model = MODEL_REMOTE;
    const char *foreign = json_string_value(json_object_get(account, "foreign"));
    ret->foreign = !foreign ? FOREIGN_ADOPT : strcmp(foreign, "freeze") == 0 ? FOREIGN_FREEZE : strcmp(foreign, "report") == 0 ? FOREIGN_REPORT : FOREIGN_ADOPT;
    const char *currency = json_string_value(json_object_get(account, "currency"));
    const char *category = json_string_value(json_object_get(account, "category"));
    snprintf(ret->category, sizeof ret->category, "%s", category ? category : "");
    snprintf(ret->currency, sizeof ret->currency, "%s", currency ? currency : "");
    ret->match.latency_ns = 0;
  }
  snprintf(ret->rules, sizeof ret->rules, "%s", rules ? rules : "");
  beside_the_script(ret);
  return st;
}

enum status live_tenant_limits_read(const json_t *tenant, struct gate_limits *ret, struct live_fuse *ret_fuse, struct err *err) {
  struct live_setup *setup = malloc(sizeof *setup);
  if (!setup) return err_set(err, ERR_NOMEM, "no memory for settings");
  defaults(setup);
  enum status st = read_all(tenant, OF_TENANT, setup, err);
  if (st == OK) st = rate_whole(&setup->tenant_limits, err);
  if (st == OK) *ret = setup->tenant_limits, *ret_fuse = setup->tenant_fuse;
  free(setup);
  return st;
}

enum status live_settings_check(const json_t *bot, const json_t *account, const json_t *tenant, struct err *err) {
  struct gate_limits limits;
  struct live_fuse fuse;
  struct live_setup *setup = malloc(sizeof *setup);
  if (!setup) return err_set(err, ERR_NOMEM, "no memory for settings");
  enum status st = live_setup_read(bot, account, false, setup, err);
  if (st == OK) st = live_tenant_limits_read(tenant, &limits, &fuse, err);
  free(setup);
  return st;
}

enum live_setting live_account_setting(const char *name) {
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
    if (settings[i].whose == OF_ACCOUNT && strcmp(settings[i].name, name) == 0) return settings[i].at < AT(bot_limits) ? LIVE_SETTING_RUN : LIVE_SETTING_LIMIT;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(name, words[i].name) == 0) return LIVE_SETTING_RUN;
  static const char *const elsewhere[] = {"environment", "category", "risk_acknowledged", "foreign"};  // of accounts at venues (api/venue_desk.h)
  for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
    if (strcmp(name, elsewhere[i]) == 0) return LIVE_SETTING_RUN;
  return strcmp(name, "currency") == 0 ? LIVE_SETTING_RUN : strcmp(name, "rules") == 0 ? LIVE_SETTING_LIMIT : LIVE_SETTING_NONE;
}

json_t *live_account_value(const char *name, const json_t *value) {
  char text[32];
  int64_t number;
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
    const struct setting *s = &settings[i];
    if (s->whose != OF_ACCOUNT || strcmp(s->name, name) != 0) continue;
    if (s->scale <= 0 && json_is_string(value) && number_of(value, 0, &number)) return json_integer(number);
    if (s->scale > 0 && json_is_integer(value)) {
      snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
      return json_string(text);
    }
  }
  return json_incref((json_t *)value);
}

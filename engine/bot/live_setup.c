// bot/live_setup.c – settings of a bot and of its paper account, as their rows keep them (JSON), into what matcher, gate and host take.
// Decimals are texts or whole numbers, never fractions in JSON, which would have gone through a double.
#include "bot/live_impl.h"

#include "base/decimal.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OF_BOT = 1, OF_ACCOUNT = 2 };
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
static const struct setting settings[] = {
  // the account: what the venue is like
  {"balance", OF_ACCOUNT, 8, 1, MONEY_MOST, AT(balance.e8)},
  {"leverage", OF_ACCOUNT, 4, 10000, 10000 * 1000, AT(leverage_e4)},
  {"fee_maker", OF_ACCOUNT, 8, -FRAC / 10, FRAC / 10, AT(fees.maker_frac_e8)},
  {"fee_taker", OF_ACCOUNT, 8, -FRAC / 10, FRAC / 10, AT(fees.taker_frac_e8)},
  {"participation", OF_ACCOUNT, 8, 0, FRAC, AT(match.participation_frac_e8)},
  {"latency_ms", OF_ACCOUNT, -6, 0, INT64_C(60000) * NS_PER_MS, AT(match.latency_ns)},
  {"slippage_ticks", OF_ACCOUNT, 0, 0, 100000, AT(costs.slippage_ticks)},
  {"spread_ticks", OF_ACCOUNT, 0, 0, 100000, AT(costs.spread_ticks)},
  {"max_order", OF_ACCOUNT, 8, 0, MONEY_MOST, AT(account_limits.max_order_e8)},
  {"max_position", OF_ACCOUNT, 8, 0, MONEY_MOST, AT(account_limits.max_position_e8)},
  {"max_exposure", OF_ACCOUNT, 8, 0, MONEY_MOST, AT(account_limits.max_exposure_e8)},
  {"max_open", OF_ACCOUNT, 0, 0, 100000, AT(account_limits.max_open)},
  {"day_loss", OF_ACCOUNT, 8, 0, MONEY_MOST, AT(account_limits.day_loss_e8)},
  {"max_drawdown", OF_ACCOUNT, 8, 0, MONEY_MOST, AT(account_limits.drawdown_e8)},
  // the bot
  {"cash", OF_BOT, 8, 1, MONEY_MOST, AT(match.deposit.e8)},
  {"max_order", OF_BOT, 8, 0, MONEY_MOST, AT(bot_limits.max_order_e8)},
  {"max_position", OF_BOT, 8, 0, MONEY_MOST, AT(bot_limits.max_position_e8)},
  {"max_exposure", OF_BOT, 8, 0, MONEY_MOST, AT(bot_limits.max_exposure_e8)},
  {"max_open", OF_BOT, 0, 0, 10000, AT(bot_limits.max_open)},
  {"collar", OF_BOT, 8, 0, 10 * FRAC, AT(bot_limits.collar_e8)},
  {"rate_burst", OF_BOT, 0, 0, 10000, AT(bot_limits.rate_burst)},
  {"rate_period_ms", OF_BOT, -6, 0, INT64_C(3600000) * NS_PER_MS, AT(bot_limits.rate_period_ns)},
  {"day_loss", OF_BOT, 8, 0, MONEY_MOST, AT(bot_limits.day_loss_e8)},
  {"max_drawdown", OF_BOT, 8, 0, MONEY_MOST, AT(bot_limits.drawdown_e8)},
};

// A whole number or a decimal text as an integer of that scale; −6: a whole number of milliseconds in nanoseconds.
static bool number_of(const json_t *v, int scale, int64_t *ret) {
  char whole[32];
  const char *text = json_string_value(v);
  if (json_is_integer(v)) snprintf(whole, sizeof whole, "%lld", (long long)json_integer_value(v)), text = whole;
  if (!text || !decimal_parse_scaled(text, strlen(text), scale < 0 ? 0 : scale, ret)) return false;
  return scale >= 0 || !__builtin_mul_overflow(*ret, pow10_i64(-scale), ret);
}

static enum status out_of_range(const struct setting *s, struct err *err) {
  char least[DECIMAL_TEXT_MAX], most[DECIMAL_TEXT_MAX];
  decimal_format_scaled(s->scale < 0 ? s->least / pow10_i64(-s->scale) : s->least, s->scale < 0 ? 0 : s->scale, least);
  decimal_format_scaled(s->scale < 0 ? s->most / pow10_i64(-s->scale) : s->most, s->scale < 0 ? 0 : s->scale, most);
  return err_set(err, ERR_INVALID, "/%s: must be from %s to %s, with at most %d decimals", s->name, least, most, s->scale < 0 ? 0 : s->scale);
}

static enum status read_all(const json_t *object, int whose, struct live_setup *ret, struct err *err) {
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
    const struct setting *s = &settings[i];
    const json_t *v = json_object_get(object, s->name);
    int64_t number;
    if (s->whose != whose || !v || json_is_null(v)) continue;
    if (!number_of(v, s->scale, &number) || number < s->least || number > s->most) return out_of_range(s, err);
    memcpy((char *)ret + s->at, &number, sizeof number);
  }
  return OK;
}

enum status live_setup_read(const json_t *bot, const json_t *account, bool hedging, struct live_setup *ret, struct err *err) {
  memset(ret, 0, sizeof *ret);
  match_config_init(&ret->match, (cash){0});
  struct match_symbol_config usual;
  match_symbol_config_init(&usual, &(struct instrument){0});
  ret->fees = usual.fees;
  ret->costs = usual.costs;
  ret->leverage_e4 = usual.leverage_e4;
  ret->maintenance_frac_e8 = usual.maintenance_frac_e8;
  ret->balance.e8 = 10000 * CASH_ONE;
  ret->bot_limits = (struct gate_limits){.max_open = 200, .collar_e8 = FRAC / 2, .rate_burst = 100, .rate_period_ns = NS_PER_S / 10};
  ret->account_limits = (struct gate_limits){.max_open = 10000};
  risk_limits_init(&ret->risk);
  ret->match.hedging = hedging;
  enum status st = read_all(account, OF_ACCOUNT, ret, err);
  if (st == OK) st = read_all(bot, OF_BOT, ret, err);
  if (ret->bot_limits.max_open == 0) ret->bot_limits.max_open = 200;
  if (ret->account_limits.max_open == 0) ret->account_limits.max_open = 10000;
  // What the script is told at once, before the core looks: the same limits.
  ret->risk.max_open = (int)ret->bot_limits.max_open;
  ret->risk.max_order_e8 = ret->bot_limits.max_order_e8;
  ret->risk.max_position_e8 = ret->bot_limits.max_position_e8;
  ret->risk.collar_frac_e8 = ret->bot_limits.collar_e8;
  ret->risk.day_loss_e8 = ret->bot_limits.day_loss_e8;
  ret->risk.drawdown_e8 = ret->bot_limits.drawdown_e8;
  return st;
}

enum status live_settings_check(const json_t *bot, const json_t *account, struct err *err) {
  struct live_setup *setup = malloc(sizeof *setup);
  if (!setup) return err_set(err, ERR_NOMEM, "no memory for settings");
  const enum status st = live_setup_read(bot, account, false, setup, err);
  free(setup);
  return st;
}

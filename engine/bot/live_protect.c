// bot/live_protect.c – protections (risk/protect.h) as the settings of a bot keep them:
//
//     [{"kind": "cooldown", "pause_s": 300},
//      {"kind": "stop_guard", "pause_s": 3600, "window_s": 86400, "trades": 3, "profit_pct": "0", "per_symbol": true},
//      {"kind": "low_profit", "pause_s": 3600, "window_s": 86400, "trades": 2, "profit_pct": "0.5"},
//      {"kind": "window_drawdown", "pause_s": 7200, "window_s": 86400, "trades": 5, "drawdown_pct": "4"}]
//
// A key that a kind does not have is refused: a protection that looks set and is not is worse than none.
#include "bot/live_impl.h"

#include "base/decimal.h"

#include <string.h>

#define SECONDS_MAX (366 * INT64_C(86400))
#define TRADES_MAX 500        // a clerk remembers 512
#define PERCENT INT64_C(1000000)  // 1e-8

enum { KEY_WINDOW = 1, KEY_TRADES = 2, KEY_PROFIT = 4, KEY_DRAWDOWN = 8, KEY_SYMBOL = 16 };
static const unsigned has[PROTECT_KINDS] = {
  [PROTECT_COOLDOWN] = 0, [PROTECT_STOP_GUARD] = KEY_WINDOW | KEY_TRADES | KEY_PROFIT | KEY_SYMBOL,
  [PROTECT_LOW_PROFIT] = KEY_WINDOW | KEY_TRADES | KEY_PROFIT, [PROTECT_WINDOW_DRAWDOWN] = KEY_WINDOW | KEY_TRADES | KEY_DRAWDOWN};

static enum status wrong(size_t at, const char *key, const char *wanted, struct err *err) {
  return err_set(err, ERR_INVALID, "/protections/%d/%s: must be %s", (int)at, key, wanted);
}

static bool whole(const json_t *v, int64_t most, int64_t *ret) {
  *ret = json_integer_value(v);
  return json_is_integer(v) && *ret >= 1 && *ret <= most;
}

static bool percent(const json_t *v, int64_t least, int64_t *ret) {
  const char *text = json_string_value(v);
  return text && decimal_parse_scaled(text, strlen(text), 6, ret) && *ret >= least && *ret <= 100 * PERCENT;
}

static bool kind_of(const json_t *v, enum protect_kind *ret) {
  for (enum protect_kind k = 0; k < PROTECT_KINDS; k++)
    if (json_is_string(v) && strcmp(json_string_value(v), protect_kind_text(k)) == 0) return *ret = k, true;
  return false;
}

static enum status known_keys(size_t at, const json_t *one, unsigned mask, struct err *err) {
  static const struct { const char *name; unsigned bit; } keys[] = {{"window_s", KEY_WINDOW}, {"trades", KEY_TRADES}, {"profit_pct", KEY_PROFIT},
    {"drawdown_pct", KEY_DRAWDOWN}, {"per_symbol", KEY_SYMBOL}};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (json_object_get(one, keys[i].name) && !(mask & keys[i].bit)) return wrong(at, keys[i].name, "absent: this kind has none", err);
  return OK;
}

static enum status read_one(size_t at, const json_t *one, struct protect_rule *r, struct err *err) {
  int64_t n;
  *r = (struct protect_rule){0};
  if (!kind_of(json_object_get(one, "kind"), &r->kind)) return wrong(at, "kind", "cooldown, stop_guard, low_profit or window_drawdown", err);
  const unsigned mask = has[r->kind];
  enum status st = known_keys(at, one, mask, err);
  if (st != OK) return st;
  if (!whole(json_object_get(one, "pause_s"), SECONDS_MAX, &n)) return wrong(at, "pause_s", "a whole number of seconds from 1 to 31622400", err);
  r->pause_ns = n * NS_PER_S;
  if (mask & KEY_WINDOW) {
    if (!whole(json_object_get(one, "window_s"), SECONDS_MAX, &n)) return wrong(at, "window_s", "a whole number of seconds from 1 to 31622400", err);
    r->window_ns = n * NS_PER_S;
  }
  if (mask & KEY_TRADES) {
    if (!whole(json_object_get(one, "trades"), TRADES_MAX, &n)) return wrong(at, "trades", "a whole number from 1 to 500", err);
    r->trades = (int)n;
  }
  const json_t *profit = json_object_get(one, "profit_pct"), *per_symbol = json_object_get(one, "per_symbol");
  if (profit && !percent(profit, -100 * PERCENT, &r->frac_e8)) return wrong(at, "profit_pct", "a percentage of what a trade cost, as text, from \"-100\" to \"100\"", err);
  if ((mask & KEY_DRAWDOWN) && !percent(json_object_get(one, "drawdown_pct"), 0, &r->frac_e8)) return wrong(at, "drawdown_pct", "a percentage as text, from \"0\" to \"100\"", err);
  if (per_symbol && !json_is_boolean(per_symbol)) return wrong(at, "per_symbol", "true or false", err);
  r->per_symbol = json_is_true(per_symbol);
  return OK;
}

enum status live_protect_read(const json_t *list, struct protect_rule ret[PROTECT_RULES_MAX], size_t *ret_count, struct err *err) {
  *ret_count = 0;
  if (!list || json_is_null(list)) return OK;
  if (!json_is_array(list)) return err_set(err, ERR_INVALID, "/protections: must be a list");
  if (json_array_size(list) > PROTECT_RULES_MAX) return err_set(err, ERR_INVALID, "/protections: at most %d are possible; %d were given", PROTECT_RULES_MAX, (int)json_array_size(list));
  for (size_t i = 0; i < json_array_size(list); i++) {
    const enum status st = read_one(i, json_array_get(list, i), &ret[i], err);
    if (st != OK) return st;
  }
  *ret_count = json_array_size(list);
  return OK;
}

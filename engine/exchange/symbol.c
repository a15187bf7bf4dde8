// exchange/symbol.c – what is traded: a few perpetuals with the venue's own increments and limits, others as their price source has them.
#include "exchange/core.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct shipped {
  const char *name;
  struct decimal tick, lot;
  int64_t max_lots, max_market_lots;
  int64_t max_leverage_e2;
} shipped[] = {
  {"BTCUSDT", {1, 1}, {1, 3}, 1190000, 500000, 10000},
  {"ETHUSDT", {1, 2}, {1, 2}, 724000, 360000, 10000},
  {"SOLUSDT", {1, 2}, {1, 1}, 840000, 400000, 7500},
  {"XRPUSDT", {1, 4}, {1, 1}, 50000000, 20000000, 7500},
  {"DOGEUSDT", {1, 5}, {1, 0}, 70000000, 14000000, 7500},
};
#define SHIPPED_COUNT (sizeof shipped / sizeof shipped[0])

const char *const *exch_symbols_shipped(void) {
  static const char *names[SHIPPED_COUNT + 1];
  for (size_t i = 0; i < SHIPPED_COUNT; i++) names[i] = shipped[i].name;
  return names;
}

static bool split(const char *name, struct exch_symbol *s) {
  size_t len = strlen(name);
  if (len < 5 || len - 4 >= sizeof s->base || strcmp(name + len - 4, "USDT") != 0) return false;
  snprintf(s->base, sizeof s->base, "%.*s", (int)(len - 4), name);
  snprintf(s->quote, sizeof s->quote, "USDT");
  return true;
}

// The spot market of a perpetual's name, with its increments, so that one price moves both.
static void add_twin(struct exch *x, struct exch_symbol *perpetual) {
  struct exch_symbol *s = &x->symbols[x->symbol_count];
  *s = *perpetual;
  s->index = x->symbol_count++;
  s->spot = true;
  s->maker_e8 = s->taker_e8 = RATE_ONE / 1000;  // 0.1 %
  s->max_leverage_e2 = 100;
  s->maintenance_e8 = s->funding_e8 = 0;
  perpetual->twin = s;
}

enum status exch_symbol_add(
  struct exch *x, const char *name, const struct decimal *tick, const struct decimal *lot, struct err *err) {
  if (exch_symbol(x, name)) return OK;
  const int room = EXCH_SYMBOLS_MAX - x->symbol_count, most_symbols = x->with_spot ? EXCH_SYMBOLS_MAX / 2 : EXCH_SYMBOLS_MAX;
  if (room < (x->with_spot ? 2 : 1)) return err_set(err, ERR_LIMIT, "%s: at most %d symbols", name, most_symbols);
  const struct shipped *known = NULL;
  for (size_t i = 0; i < SHIPPED_COUNT; i++)
    if (strcmp(shipped[i].name, name) == 0) known = &shipped[i];
  if (!known && (!tick || !lot))
    return err_set(err, ERR_NOTFOUND, "%s: no such symbol here; history of it (--feed replay:FILE) makes one", name);
  struct exch_symbol *s = &x->symbols[x->symbol_count];
  *s = (struct exch_symbol){.index = x->symbol_count};
  if (!split(name, s)) return err_set(err, ERR_INVALID, "%s: perpetuals are named like BTCUSDT", name);
  snprintf(s->inst.symbol, sizeof s->inst.symbol, "%s", name);
  s->inst.tick = known ? known->tick : *tick;
  s->inst.lot = known ? known->lot : *lot;
  s->inst.multiplier = (struct decimal){1, 0};
  s->inst.min_notional = (cash){5 * CASH_ONE};
  s->inst.tick_step = s->inst.lot_step = 1;
  enum status st = instrument_finish(&s->inst, err);
  if (st != OK) return err_wrap(err, st, "%s", name);
  if (s->inst.value_den !=
      1)  // so that every value is exact and no rule about rounding has to be guessed by who checks us
    return err_set(err, ERR_INVALID, "%s: tick × lot is finer than 1e-8", name);
  s->price_scale = s->inst.tick.scale;
  s->lot_scale = s->inst.lot.scale;
  s->max_price = 100000000;
  int64_t most =
    INT64_C(4000000000000000000) / s->inst.value_num / s->max_price;  // the largest order's value fits in 64 bits
  s->max_lots = known ? known->max_lots : most < 100000000 ? most : 100000000;
  s->max_market_lots = known ? known->max_market_lots : s->max_lots / 2;
  if (s->max_lots < 1) return err_set(err, ERR_INVALID, "%s: tick × lot is too coarse", name);
  s->max_leverage_e2 = known ? known->max_leverage_e2 : 5000;
  s->min_price = 1;
  s->maintenance_e8 = RATE_ONE / 200;  // 0.5 %
  s->price_limit_e8 = RATE_ONE / 10;
  s->maker_e8 = 20000;  // 0.02 %
  s->taker_e8 = 55000;  // 0.055 %
  s->funding_every_ms = INT64_C(8) * 3600 * 1000;
  s->funding_e8 = 10000;  // 0.01 %
  x->symbol_count++;
  if (x->with_spot) add_twin(x, s);
  return OK;
}

struct exch_symbol *exch_symbol_in(const struct exch *x, bool spot, const char *name) {
  for (int i = 0; i < x->symbol_count; i++)
    if (x->symbols[i].spot == spot && strcmp(x->symbols[i].inst.symbol, name) == 0) return &x->symbols[i];
  return NULL;
}

struct exch_symbol *exch_symbol(const struct exch *x, const char *name) {
  return exch_symbol_in(x, false, name);
}

int64_t exch_value(const struct exch_symbol *s, int64_t ticks, int64_t lots) {
  int128 v = (int128)ticks * lots * s->inst.value_num;
  int64_t value;
  bool ok = narrow_checked(v < 0 ? -v : v, &value);
  assert(ok);  // limits of price and quantity keep it below 9e18
  return value;
}

// ea/bridge_units.c – lots and base units, and what the terminal says in the words of a venue.
#include "ea/bridge_impl.h"

#include <stdio.h>
#include <string.h>

const struct ea_symbol *ea_symbol_of(const struct ea_bridge *b, const char *symbol) {
  for (size_t i = 0; i < b->hello.symbol_count; i++)
    if (strcmp(b->hello.symbols[i].symbol, symbol) == 0) return &b->hello.symbols[i];
  return NULL;
}

bool ea_times(struct decimal a, struct decimal b, struct decimal *ret) {
  int64_t digits;
  if (!decimal_given(a) || !decimal_given(b) || __builtin_mul_overflow(a.digits, b.digits, &digits) || a.scale + b.scale > DECIMAL_SCALE_MAX) return false;
  return *ret = decimal_normal((struct decimal){digits, a.scale + b.scale}), true;
}

bool ea_units(const struct ea_symbol *s, struct decimal volume, struct decimal *ret) { return ea_times(volume, s->contract, ret); }

bool ea_on_grid(struct decimal value, struct decimal step, int64_t *ret_count) {
  const int scale = value.scale > step.scale ? value.scale : step.scale;
  int64_t v, n;
  if (!decimal_given(value) || !decimal_rescale(value, scale, &v) || !decimal_rescale(step, scale, &n) || n <= 0 || v % n != 0) return false;
  return *ret_count = v / n, true;
}

bool ea_volume(const struct ea_symbol *s, struct decimal units, struct decimal *ret) {
  struct decimal lot;
  int64_t steps, digits;
  if (!ea_times(s->volume_step, s->contract, &lot) || !ea_on_grid(units, lot, &steps) || steps <= 0 || __builtin_mul_overflow(steps, s->volume_step.digits, &digits)) return false;
  return *ret = decimal_normal((struct decimal){digits, s->volume_step.scale}), true;
}

void ea_fill_of(const struct ea_bridge *b, const struct ea_deal *d, struct venue_fill *ret) {
  const struct ea_symbol *s = ea_symbol_of(b, d->symbol);
  *ret = (struct venue_fill){.side = d->side, .px = d->price, .fee = d->fee, .liquidation = d->stop_out, .time_ns = d->time_ms * EA_MS};
  memcpy(ret->ref.client_id, d->client, sizeof d->client);
  snprintf(ret->ref.venue_id, sizeof ret->ref.venue_id, "%s", d->order);
  memcpy(ret->ref.symbol, d->symbol, sizeof d->symbol);
  snprintf(ret->trade_id, sizeof ret->trade_id, "%s", d->ticket);
  memcpy(ret->fee_asset, b->hello.currency, sizeof ret->fee_asset);
  if (!s || !ea_units(s, d->volume, &ret->qty)) ret->qty = NO_DECIMAL;
}

void ea_order_of(const struct ea_bridge *b, const struct ea_order *o, struct venue_order *ret) {
  static const enum venue_order_state states[] = {VENUE_ORDER_OPEN, VENUE_ORDER_FILLED, VENUE_ORDER_CANCELED, VENUE_ORDER_EXPIRED, VENUE_ORDER_REJECTED};
  const struct ea_symbol *s = ea_symbol_of(b, o->symbol);
  *ret = (struct venue_order){.state = states[o->state], .side = o->side, .limit = o->price, .trigger = o->trigger, .avg = NO_DECIMAL, .created_ns = o->time_ms * EA_MS, .updated_ns = o->time_ms * EA_MS,
    .why = o->state == EA_ORDER_CANCELED ? VENUE_WHY_ASKED : o->state == EA_ORDER_EXPIRED ? VENUE_WHY_TIME : o->state == EA_ORDER_REJECTED ? VENUE_WHY_OTHER : VENUE_WHY_NONE};
  memcpy(ret->ref.client_id, o->client, sizeof o->client);
  snprintf(ret->ref.venue_id, sizeof ret->ref.venue_id, "%s", o->ticket);
  memcpy(ret->ref.symbol, o->symbol, sizeof o->symbol);
  if (!s || !ea_units(s, o->volume, &ret->qty)) ret->qty = NO_DECIMAL;
  if (!s || !ea_units(s, o->filled, &ret->filled)) ret->filled = NO_DECIMAL;
}

bool ea_bridge_instrument(const struct ea_bridge *b, const char *symbol, struct venue_instrument *ret) {
  const struct ea_symbol *s = b->greeted ? ea_symbol_of(b, symbol) : NULL;
  if (!s) return false;
  *ret = (struct venue_instrument){.kind = VENUE_LINEAR, .trading = s->trading && strcmp(s->profit, b->hello.currency) == 0, .tick = s->tick, .notional_min = NO_DECIMAL, .leverage_max = NO_DECIMAL};
  memcpy(ret->symbol, s->symbol, sizeof s->symbol);
  memcpy(ret->base, s->base, sizeof s->base);
  memcpy(ret->quote, s->profit, sizeof s->profit);
  memcpy(ret->settle, b->hello.currency, sizeof ret->settle);
  const bool exact = ea_times(s->volume_step, s->contract, &ret->lot) && ea_times(s->volume_min, s->contract, &ret->qty_min) && ea_times(s->volume_max, s->contract, &ret->qty_max);
  ret->market_qty_max = ret->qty_max;
  return exact;
}

bool ea_bridge_tick(const struct ea_bridge *b, const char *symbol, struct ea_tick *ret) {
  for (size_t i = 0; i < b->tick_count; i++)
    if (strcmp(b->ticks[i].symbol, symbol) == 0) return *ret = b->ticks[i], true;
  return false;
}

// exchange/render.h – the exchange's state as the venue's JSON. All return new references; numbers are decimal strings, as the venue's are.
#pragma once
#include "exchange/core.h"

// For the private stream some names differ (entryPrice for avgPrice, "category" in every row).
json_t *exch_render_order(const struct exch_order *o, bool stream);
json_t *exch_render_execution(const struct exch_execution *e, bool stream);
json_t *exch_render_position(const struct exch *x, const struct exch_account *a, const struct exch_symbol *s, int idx, bool stream);
json_t *exch_render_wallet(const struct exch *x, const struct exch_account *a);
json_t *exch_render_instrument(const struct exch_symbol *s);
json_t *exch_render_ticker(const struct exch_symbol *s);
json_t *exch_render_closed_pnl(const struct exch *x, const struct exch_execution *e);
json_t *exch_render_public_trade(const struct exch_symbol *s, const struct exch_public_trade *t, bool stream);
// [[price, size], …]
json_t *exch_render_levels(const struct exch_level *levels, int count, const struct exch_symbol *s);

json_t *exch_json_ticks(const struct exch_symbol *s, int64_t ticks);
json_t *exch_json_lots(const struct exch_symbol *s, int64_t lots);
json_t *exch_json_e8(int64_t v);
json_t *exch_json_coins(const struct exch_symbol *s, int64_t coins_e8);  // of spot, in 1e-8 lots
json_t *exch_json_ms(int64_t ms);  // as a string
// The average price of lots that cost value.
json_t *exch_json_average(const struct exch_symbol *s, int64_t value_e8, int64_t lots);
const char *exch_order_status_text(enum exch_status status);

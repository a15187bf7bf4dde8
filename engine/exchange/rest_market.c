// exchange/rest_market.c – public answers: time, instruments, candles, tickers, book, trades, funding.
#include "exchange/rest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int exch_get_time(struct call *c) {
  int64_t now = exch_server_shown_ms(c->s);
  c->result =
    json_pack("{s:o, s:o}", "timeSecond", exch_json_ms(now / 1000), "timeNano", json_sprintf("%" PRId64 "000000", now));
  return CODE_OK;
}

static json_t *listed(const char *category, json_t *list) {
  return json_pack("{s:s, s:o, s:s}", "category", category, "list", list, "nextPageCursor", "");
}

// The symbol that is asked for; NULL and CODE_OK: none was named.
static int symbol_of(struct call *c, bool required, struct exch_symbol **ret) {
  char text[64];
  *ret = NULL;
  if (!exch_call_text(c, "symbol", text)[0])
    return required ? exch_call_refuse(c, CODE_PARAMS, "params error: symbol is required") : CODE_OK;
  *ret = exch_symbol_in(c->s->x, c->spot, text);
  return *ret ? CODE_OK : exch_call_refuse(c, CODE_PARAMS, "params error: symbol invalid");
}

static int each_symbol(struct call *c, json_t *(*render)(const struct exch_symbol *s)) {
  char category[64], status[64];
  bool empty;
  struct exch_symbol *one;
  int code = exch_call_category(c, &empty);
  if (code != CODE_OK) return code;
  exch_call_text(c, "category", category);
  json_t *list = json_array();
  c->result = listed(category, list);
  if (empty) return CODE_OK;
  code = symbol_of(c, false, &one);
  if (code != CODE_OK) return code;
  exch_call_text(c, "status", status);
  if (status[0] && strcmp(status, "Trading") != 0) return CODE_OK;
  for (int i = 0; i < c->s->x->symbol_count; i++) {
    struct exch_symbol *s = &c->s->x->symbols[i];
    if (s->spot != c->spot || (one && s != one)) continue;
    exch_market_day(s, c->s->x->now_ms);
    json_array_append_new(list, render(s));
  }
  return CODE_OK;
}

int exch_get_instruments(struct call *c) {
  return each_symbol(c, exch_render_instrument);
}
int exch_get_tickers(struct call *c) {
  return each_symbol(c, exch_render_ticker);
}

// ---- candles ----

int exch_get_kline(struct call *c) {
  char text[64], category[64];
  bool empty;
  struct exch_symbol *s;
  int64_t interval, limit, start, end;
  int code = exch_call_category(c, &empty);
  if (code == CODE_OK) code = symbol_of(c, true, &s);
  if (code != CODE_OK) return code;
  if (!exch_candle_interval(exch_call_text(c, "interval", text), &interval))
    return exch_call_refuse(c, CODE_PARAMS, "Invalid period!");
  if (!exch_param_int(c->params, "limit", 200, &limit) || limit < 1 || limit > 1000 ||
      !exch_param_int(c->params, "start", INT64_MIN, &start) || !exch_param_int(c->params, "end", INT64_MAX, &end))
    return exch_call_refuse(c, CODE_PARAMS, "params error: start, end or limit invalid");
  // With a start alone, the page begins there; else it ends at the end.
  if (start != INT64_MIN && end == INT64_MAX)
    end = start + interval - 1 - (start + interval - 1) % interval + (limit - 1) * interval;
  json_t *list = json_array();
  size_t at = s->candle_count;
  struct exch_candle candle;
  while (!empty && (int64_t)json_array_size(list) < limit && exch_candle_back(s, interval, &at, &candle)) {
    if (candle.open_ms > end) continue;
    if (candle.open_ms < start) break;
    json_array_append_new(
      list, json_pack("[o, o, o, o, o, o, o]", exch_json_ms(candle.open_ms), exch_json_ticks(s, candle.open),
              exch_json_ticks(s, candle.high), exch_json_ticks(s, candle.low), exch_json_ticks(s, candle.close),
              exch_json_lots(s, candle.lots), exch_json_e8(candle.turnover_e8)));
  }
  c->result = json_pack(
    "{s:s, s:s, s:o}", "category", exch_call_text(c, "category", category), "symbol", s->inst.symbol, "list", list);
  return CODE_OK;
}

int exch_get_orderbook(struct call *c) {
  bool empty;
  struct exch_symbol *s;
  int64_t limit;
  struct exch_level levels[500];
  int code = exch_call_category(c, &empty);
  if (code == CODE_OK) code = symbol_of(c, true, &s);
  if (code != CODE_OK) return code;
  if (!exch_param_int(c->params, "limit", 25, &limit) || limit < 1 || limit > 500)
    return exch_call_refuse(c, CODE_PARAMS, "params error: limit invalid");
  json_t *bids = exch_render_levels(levels, exch_book_levels(s, false, levels, (int)limit), s);
  json_t *asks = exch_render_levels(levels, exch_book_levels(s, true, levels, (int)limit), s);
  int64_t now = exch_server_shown_ms(c->s);
  c->result = json_pack("{s:s, s:o, s:o, s:I, s:I, s:I, s:I}", "s", s->inst.symbol, "b", bids, "a", asks, "ts",
    (json_int_t)now, "u", (json_int_t)s->update + 1, "seq", (json_int_t)s->update + 1, "cts", (json_int_t)now);
  return CODE_OK;
}

int exch_get_trades(struct call *c) {
  bool empty;
  struct exch_symbol *s;
  int64_t limit;
  int code = exch_call_category(c, &empty);
  if (code == CODE_OK) code = symbol_of(c, true, &s);
  if (code != CODE_OK) return code;
  if (!exch_param_int(c->params, "limit", 500, &limit) || limit < 1 || limit > 1000)
    return exch_call_refuse(c, CODE_PARAMS, "params error: limit invalid");
  json_t *list = json_array();
  for (uint64_t i = 0; i < s->tape_count && i < EXCH_TAPE && i < (uint64_t)limit; i++)
    json_array_append_new(list, exch_render_public_trade(s, &s->tape[(s->tape_count - 1 - i) % EXCH_TAPE], false));
  c->result = json_pack("{s:s, s:o}", "category", exch_category(s), "list", list);
  return CODE_OK;
}

int exch_get_funding(struct call *c) {
  bool empty;
  struct exch_symbol *s;
  int64_t limit, start, end;
  int code = exch_call_category(c, &empty);
  if (code == CODE_OK) code = symbol_of(c, true, &s);
  if (code != CODE_OK) return code;
  if (!exch_param_int(c->params, "limit", 200, &limit) || limit < 1 || limit > 200 ||
      !exch_param_int(c->params, "startTime", 0, &start) || !exch_param_int(c->params, "endTime", INT64_MAX, &end))
    return exch_call_refuse(c, CODE_PARAMS, "params error: startTime, endTime or limit invalid");
  json_t *list = json_array();
  for (uint64_t i = 0; i < s->funding_count && i < EXCH_FUNDING_KEPT && (int64_t)json_array_size(list) < limit; i++) {
    uint64_t at = (s->funding_count - 1 - i) % EXCH_FUNDING_KEPT;
    if (s->funding[at].time_ms < start || s->funding[at].time_ms > end) continue;
    json_array_append_new(
      list, json_pack("{s:s, s:o, s:o}", "symbol", s->inst.symbol, "fundingRate", exch_json_e8(s->funding[at].rate_e8),
              "fundingRateTimestamp", exch_json_ms(s->funding[at].time_ms)));
  }
  c->result = json_pack("{s:s, s:o}", "category", "linear", "list", list);
  return CODE_OK;
}

static json_t *render_risk(const struct exch_symbol *s) {
  return json_pack("{s:i, s:s, s:s, s:o, s:o, s:i, s:o, s:s}", "id", 1, "symbol", s->inst.symbol, "riskLimitValue",
    "2000000", "maintenanceMargin", exch_json_e8(s->maintenance_e8), "initialMargin",
    exch_json_e8(RATE_ONE * 100 / s->max_leverage_e2), "isLowestRisk", 1, "maxLeverage",
    exch_json_e8(s->max_leverage_e2 * 1000000), "mmDeduction", "");
}
int exch_get_risk_limit(struct call *c) {
  char category[64];
  if (strcmp(exch_call_text(c, "category", category), "spot") == 0) return exch_call_refuse(c, CODE_PARAMS, "params error: category invalid");
  return each_symbol(c, render_risk);
}

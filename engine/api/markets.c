// api/markets.c – instruments with stored history, and their bars. Shared by all tenants; nothing here is anybody's.
#include "api/core.h"
#include "api/handlers.h"
#include "api/list.h"
#include "store/market_rows.h"
#include "store/store.h"

#include <string.h>

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_MARKET); }

static json_t *decimal_json(struct decimal d) {
  char text[DECIMAL_TEXT_MAX];
  decimal_format(d, text);
  return json_string(text);
}

static void add_market(void *arg, const struct market_row *m) {
  struct api_list *l = arg;
  if (!api_list_room(l, m->id)) return;
  char timeframe[TIMEFRAME_TEXT_MAX];
  json_array_append_new(l->items, json_pack("{s:s, s:s, s:s, s:o, s:o, s:I, s:I, s:I}", "venue", m->venue, "symbol", m->inst.symbol, "timeframe",
                                            timeframe_text(m->timeframe_ns, timeframe), "tick", decimal_json(m->inst.tick), "lot", decimal_json(m->inst.lot), "bars",
                                            (json_int_t)m->bars, "from_ms", (json_int_t)(m->first_ns / NS_PER_MS), "to_ms", (json_int_t)(m->last_ns / NS_PER_MS)));
}

enum status api_markets_list(struct api_call *call) {
  struct api_list l;
  if (!api_list_begin(call, &l, API_LIST_OLDEST)) return OK;
  return api_list_end(&l, market_list(reader(call), api_query_text(call, "venue"), api_query_text(call, "symbol"), l.at, l.limit + 1, add_market, &l, &call->err));
}

static json_t *bar_json(const struct series *s, const struct bar *b) {
  char open[DECIMAL_TEXT_MAX], high[DECIMAL_TEXT_MAX], low[DECIMAL_TEXT_MAX], close[DECIMAL_TEXT_MAX], volume[DECIMAL_TEXT_MAX];
  if (b->volume >= 0) decimal_format_scaled(b->volume, s->volume_scale, volume);
  return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s?}", "time", (json_int_t)(b->open_ns / NS_PER_MS), "open", price_text(&s->inst, b->open, open), "high",
                   price_text(&s->inst, b->high, high), "low", price_text(&s->inst, b->low, low), "close", price_text(&s->inst, b->close, close), "volume",
                   b->volume >= 0 ? volume : NULL);
}

enum status api_bars_list(struct api_call *call) {
  struct cursor at;
  if (!api_cursor(call, &at)) return OK;
  struct market_row m;
  int64_t timeframe_ns;
  if (!timeframe_parse(api_query_text(call, "timeframe"), &timeframe_ns)) return api_invalid_at(call, "?timeframe", "must be a timeframe such as 5m, 1h or 1d");
  enum status st = market_find(reader(call), api_query_text(call, "venue"), api_param(call, "symbol"), timeframe_ns, &m, &call->err);
  if (st != OK) return st;
  const int64_t from_ms = api_query_int(call, "from", INT64_MIN / NS_PER_MS), to_ms = api_query_int(call, "to", INT64_MAX / NS_PER_MS);
  const int64_t from_ns = api_query_text(call, "cursor") ? at.key : from_ms * NS_PER_MS;
  const size_t limit = (size_t)api_limit(call);
  struct series s;
  st = market_read(reader(call), &m, from_ns, to_ms * NS_PER_MS, limit + 1, &s, &call->err);
  if (st != OK) return st;
  json_t *items = json_array();
  size_t n = s.count < limit ? s.count : limit;
  for (size_t i = 0; i < n; i++) json_array_append_new(items, bar_json(&s, &s.bars[i]));
  const bool more = s.count > limit;
  const struct cursor last = {n > 0 ? s.bars[n - 1].open_ns + 1 : 0, 0};
  series_finish(&s);
  return api_page(call, items, more, last);
}

// api/markets.c – instruments with stored history and those of live venues, and their bars. Shared by all tenants; nothing here is
// anybody's.
#include "api/core.h"
#include "api/handlers.h"
#include "api/list.h"
#include "api/market_data.h"
#include "bot/hub.h"
#include "bot/live.h"
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
  json_array_append_new(l->items, json_pack("{s:s, s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:b}", "venue", m->venue, "symbol", m->inst.symbol, "timeframe",
                                            timeframe_text(m->timeframe_ns, timeframe), "tick", decimal_json(m->inst.tick), "lot", decimal_json(m->inst.lot), "bars",
                                            (json_int_t)m->bars, "from_ms", (json_int_t)(m->first_ns / NS_PER_MS), "to_ms", (json_int_t)(m->last_ns / NS_PER_MS), "live", 0));
}

// ---- live venues stand behind the stored ones, under ids that no row has

#define LIVE_IDS (INT64_C(1) << 62)
#define LIVE_ID(venue, i) (LIVE_IDS + ((int64_t)(venue) << 32) + (i) + 1)

static struct hub *hub_of(const struct api_call *call) { return call->core->live ? live_hub(call->core->live) : NULL; }

static json_t *live_json(struct hub *h, const char *venue, const char *symbol, const struct feed_symbol *s, int64_t time_ns) {
  char timeframe[TIMEFRAME_TEXT_MAX], text[DECIMAL_TEXT_MAX];
  price px;
  int64_t px_ns;
  const bool priced = hub_last_price(h, venue, symbol, &px, &px_ns);
  return json_pack("{s:s, s:s, s:s, s:o, s:o, s:i, s:n, s:o, s:b, s:s?}", "venue", venue, "symbol", symbol, "timeframe",
                   timeframe_text(s->timeframe_ns ? s->timeframe_ns : NS_PER_MINUTE, timeframe), "tick", decimal_json(s->inst.tick), "lot", decimal_json(s->inst.lot), "bars", 0, "from_ms", "to_ms",
                   time_ns == INT64_MIN ? json_null() : json_integer((json_int_t)(time_ns / NS_PER_MS)), "live", 1, "price", priced ? price_text(&s->inst, px, text) : NULL);
}

static void add_live(struct api_call *call, struct api_list *l) {
  struct hub *h = hub_of(call);
  const char *venue = api_query_text(call, "venue"), *only = api_query_text(call, "symbol"), *symbol;
  for (int v = 0; h && v < hub_venue_count(h) && !l->more; v++) {
    struct hub_venue_status status;
    hub_venue_status(h, v, &status);
    if ((venue && strcmp(venue, status.name) != 0) || !hub_venue_seen(h, v, call->who.tenant_id)) continue;
    for (int i = 0; (symbol = hub_venue_symbol(h, v, i)) != NULL && !l->more; i++) {
      struct feed_symbol s;
      if (LIVE_ID(v, i) <= l->at || (only && strcmp(only, symbol) != 0) || hub_describe(h, status.name, symbol, &s, &call->err) != OK) continue;
      if (api_list_room(l, LIVE_ID(v, i))) json_array_append_new(l->items, live_json(h, status.name, symbol, &s, status.time_ns));
    }
  }
}

enum status api_markets_list(struct api_call *call) {
  struct api_list l;
  if (!api_list_begin(call, &l, API_LIST_OLDEST)) return OK;
  enum status st = OK;
  if (l.at < LIVE_IDS)
    st = market_list(reader(call), api_query_text(call, "venue"), api_query_text(call, "symbol"), l.at, l.limit + 1, add_market, &l, &call->err);
  if (st == OK && !l.more) add_live(call, &l);
  return api_list_end(&l, st);
}

// ---- bars

json_t *market_bar_json(const struct series *s, const struct bar *b) {
  char open[DECIMAL_TEXT_MAX], high[DECIMAL_TEXT_MAX], low[DECIMAL_TEXT_MAX], close[DECIMAL_TEXT_MAX], volume[DECIMAL_TEXT_MAX];
  if (b->volume >= 0) decimal_format_scaled(b->volume, s->volume_scale, volume);
  return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s?}", "time", (json_int_t)(b->open_ns / NS_PER_MS), "open", price_text(&s->inst, b->open, open), "high",
                   price_text(&s->inst, b->high, high), "low", price_text(&s->inst, b->low, low), "close", price_text(&s->inst, b->close, close), "volume",
                   b->volume >= 0 ? volume : NULL);
}

struct bars_wish {
  int64_t timeframe_ns, from_ns, to_ns;  // opens; from_ns INT64_MIN: not said
  size_t limit;
};

static enum status bars_page(struct api_call *call, struct series *s, size_t limit, int64_t next_ns) {
  json_t *items = json_array();
  for (size_t i = 0; i < s->count && i < limit; i++) json_array_append_new(items, market_bar_json(s, &s->bars[i]));
  series_finish(s);
  return api_page(call, items, next_ns != INT64_MAX, (struct cursor){next_ns, 0});
}

static enum status stored_bars(struct api_call *call, const struct market_row *m, const struct bars_wish *w) {
  struct series s;
  enum status st = market_read(reader(call), m, w->from_ns, w->to_ns, w->limit + 1, &s, &call->err);
  if (st != OK) return st;
  return bars_page(call, &s, w->limit, s.count > w->limit ? s.bars[w->limit - 1].open_ns + 1 : INT64_MAX);
}

// The named venue, or the first that has the symbol; NULL: none.
static const char *live_venue(struct api_call *call, struct hub *h, const char *named) {
  struct feed_symbol s;
  for (int v = 0; v < hub_venue_count(h); v++) {
    const char *venue = hub_venue_name(h, v);
    if (!hub_venue_seen(h, v, call->who.tenant_id)) continue;
    if ((!named || strcmp(named, venue) == 0) && hub_describe(h, venue, api_param(call, "symbol"), &s, &call->err) == OK) return venue;
  }
  return NULL;
}

static enum status live_bars_of(struct api_call *call, struct hub *h, const char *venue, const struct bars_wish *w) {
  struct series s;
  int64_t next_ns;
  const struct hub_read r = {venue, api_param(call, "symbol"), w->timeframe_ns, w->from_ns, w->to_ns, w->limit};
  enum status st = hub_read(h, &r, &s, &next_ns, &call->err);
  if (st == ERR_INVALID) return api_invalid_at(call, "?timeframe", call->err.msg);
  return st == OK ? bars_page(call, &s, w->limit, next_ns) : st;
}

enum status api_bars_list(struct api_call *call) {
  struct cursor at;
  if (!api_cursor(call, &at)) return OK;
  struct bars_wish w = {.limit = (size_t)api_limit(call)};
  if (!timeframe_parse(api_query_text(call, "timeframe"), &w.timeframe_ns)) return api_invalid_at(call, "?timeframe", "must be a timeframe such as 5m, 1h or 1d");
  const int64_t from_ms = api_query_int(call, "from", INT64_MIN), to_ms = api_query_int(call, "to", INT64_MAX / NS_PER_MS);
  w.from_ns = api_query_text(call, "cursor") ? at.key : from_ms == INT64_MIN ? INT64_MIN : from_ms * NS_PER_MS;
  w.to_ns = to_ms * NS_PER_MS;
  // A live venue that is named knows its stored history too. Where none is named, what was imported comes first.
  const char *named = api_query_text(call, "venue");
  struct hub *h = hub_of(call);
  const char *venue = h && named ? live_venue(call, h, named) : NULL;
  if (venue) return live_bars_of(call, h, venue, &w);
  struct market_row m;
  enum status st = market_find(reader(call), named, api_param(call, "symbol"), w.timeframe_ns, &m, &call->err);
  if (st == OK) return stored_bars(call, &m, &w);
  if (st != ERR_NOTFOUND || named || !h) return st;
  struct err none = call->err;
  venue = live_venue(call, h, NULL);
  if (venue) return live_bars_of(call, h, venue, &w);
  call->err = none;
  return st;
}

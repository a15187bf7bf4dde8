#include "api/market_data.h"

#include "backtest/job.h"
#include "bot/hub.h"
#include "market/segment.h"
#include "store/market_rows.h"

#include <string.h>

static enum status find(struct db *db, const char *venue, const char *symbol, const char *timeframe, struct market_row *ret, struct err *err) {
  int64_t timeframe_ns;
  if (!timeframe_parse(timeframe, &timeframe_ns)) return err_set(err, ERR_NOTFOUND, "%s is no timeframe", timeframe);
  return market_find(db, venue, symbol, timeframe_ns, ret, err);
}

bool market_data_known(struct db *db, const char *venue, const char *symbol, const char *timeframe) {
  struct market_row m;
  struct err err;
  return find(db, venue, symbol, timeframe, &m, &err) == OK;
}

enum status market_data_memfd(struct db *db, const char *venue, const char *symbol, const char *timeframe, int *ret_fd, struct err *err) {
  struct market_row m;
  enum status st = find(db, venue, symbol, timeframe, &m, err);
  if (st == ERR_NOTFOUND) return err_set(err, st, "there is no such history");
  if (st != OK) return st;
  struct buf packed;
  buf_init(&packed, (size_t)1 << 30);
  st = market_pack(db, &m, INT64_MIN, INT64_MAX, &packed, err);
  if (st == OK) st = job_memfd(symbol, packed.data, packed.len, ret_fd, err);
  buf_finish(&packed);
  return st;
}

// ---- live markets

// The venue of that name, or the first, that has the symbol and that the tenant may know of; NULL: none.
static const char *live_venue(struct hub *h, int64_t tenant_id, const char *named, const char *symbol) {
  struct feed_symbol s;
  struct err err;
  for (int v = 0; h && v < hub_venue_count(h); v++) {
    const char *venue = hub_venue_name(h, v);
    if (!hub_venue_seen(h, v, tenant_id)) continue;
    if ((!*named || strcmp(named, venue) == 0) && hub_describe(h, venue, symbol, &s, &err) == OK) return venue;
  }
  return NULL;
}

bool market_data_live_known(struct hub *h, int64_t tenant_id, const char *venue, const char *symbol) { return live_venue(h, tenant_id, venue, symbol) != NULL; }

enum status market_data_live_memfd(struct hub *h, int64_t tenant_id, const char *venue, const char *symbol, const char *timeframe, int *ret_fd, struct err *err) {
  struct hub_read r = {.venue = live_venue(h, tenant_id, venue, symbol), .symbol = symbol, .from_ns = INT64_MIN, .to_ns = INT64_MAX, .bars = MARKET_DATA_LIVE};
  struct series s;
  int64_t next_ns;
  if (!r.venue || !timeframe_parse(timeframe, &r.timeframe_ns)) return err_set(err, ERR_NOTFOUND, "there is no such history");
  enum status st = hub_read(h, &r, &s, &next_ns, err);
  if (st != OK) return st;
  struct buf packed;
  buf_init(&packed, (size_t)1 << 30);
  st = s.count ? series_pack(&s, &packed, err) : err_set(err, ERR_NOTFOUND, "the market has no bars yet");
  if (st == OK && packed.failed) st = err_set(err, ERR_NOMEM, "out of memory");
  if (st == OK) st = job_memfd(symbol, packed.data, packed.len, ret_fd, err);
  buf_finish(&packed);
  series_finish(&s);
  return st;
}

#include "api/market_data.h"

#include "backtest/job.h"
#include "store/market_rows.h"

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

// store/market_rows.h – market history in market.db: packed segments of bars, imported with care, read by range. Shared by all
// tenants; holds nothing of anybody's. A million bars load in some 50 ms.
#pragma once
#include "base/buf.h"
#include "market/bar.h"

struct db;

#define VENUE_MAX 32  // with its NUL: letters, digits, - and _

// One venue's bars of a symbol at a timeframe. Plain data.
struct market_row {
  int64_t id;
  char venue[VENUE_MAX];
  struct instrument inst;    // symbol, tick, lot, multiplier, min_notional
  int64_t timeframe_ns;
  int volume_scale, price_scale;
  int64_t bars;
  int64_t first_ns, last_ns;  // opens
  int64_t updated_ns;
};

typedef void (*market_row_fn)(void *arg, const struct market_row *row);
// By id (order of first import), ids above after_id. venue, symbol NULL: all.
enum status market_list(struct db *db, const char *venue, const char *symbol, int64_t after_id, int limit, market_row_fn fn, void *arg, struct err *err) MUST_CHECK;
// venue NULL or "": the one with the most bars. ERR_NOTFOUND.
enum status market_find(struct db *db, const char *venue, const char *symbol, int64_t timeframe_ns, struct market_row *ret, struct err *err) MUST_CHECK;

// At most `limit` bars (0: no limit) that open in [from_ns, to_ns), oldest first. ret needs no init; finish it. The next page begins at
// the last bar's open + 1. ERR_INVALID: a segment is damaged.
enum status market_read(struct db *db, const struct market_row *m, int64_t from_ns, int64_t to_ns, size_t limit, struct series *ret, struct err *err) MUST_CHECK;
// The same range as a packed series (market/segment.h) without unpacking: for jobs. Whole segments, so some bars before from_ns and
// after to_ns come along.
enum status market_pack(struct db *db, const struct market_row *m, int64_t from_ns, int64_t to_ns, struct buf *out, struct err *err) MUST_CHECK;

struct market_import {
  const char *venue;
  const struct series *series;
  bool repair;          // bars that differ from stored ones replace them instead of being refused
  int64_t now_ns;
  bool (*progress)(void *self, size_t done, size_t total);  // bars; false cancels. On the calling thread; may be NULL
  void *progress_self;
};
struct market_import_report {
  size_t added, same, replaced;  // bars
  bool created;                  // the market is new
};
// Inside a write (store/store.h): all of it or nothing. Bars that are stored already and equal are left alone; a bar that differs is
// ERR_EXISTS with both in words (see repair). Other failures: ERR_INVALID (venue's name, bars closer than half a timeframe, units that do not
// go together), ERR_RANGE, ERR_CANCELLED.
enum status market_import(struct db *db, const struct market_import *in, struct market_import_report *ret, struct err *err) MUST_CHECK;
// With all its bars. ERR_NOTFOUND.
enum status market_delete(struct db *db, int64_t id, struct err *err) MUST_CHECK;

// A read-only connection of its own to a data directory's market.db, for commands beside a running server. ERR_NOTFOUND: nothing
// was ever imported there.
enum status market_db_open(const char *data_dir, struct db **ret, struct err *err) MUST_CHECK;
void market_db_close(struct db *db);
// One that writes, beside the server whose writer is another process: SQLite lets one transaction in at a time, and each waits some
// seconds for the other. ERR_INVALID: the file is of another version of this program.
enum status market_db_open_writer(const char *data_dir, struct db **ret, struct err *err) MUST_CHECK;
// market_import in a transaction of its own; when it returns OK the bars are in the file that is there now, and readers see them.
enum status market_db_import(struct db *db, const struct market_import *in, struct market_import_report *ret, struct err *err) MUST_CHECK;

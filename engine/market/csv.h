// market/csv.h – bars from a CSV file, all of it or nothing: every doubt about a line stops the load with file:line:column.
//
// Columns are found by the header (any order and case): time (or timestamp, datetime, date), open, high, low, close, volume;
// others are ignored. Time is Unix s, ms, µs or ns, told by the first row's magnitude, or ISO 8601 (no zone means UTC).
// Plain text or gzip, BOM and CRLF accepted.
//
// Exactness. Prices are never a double: the tick is 10^-d with d the most decimals of any price (trailing zeros beyond the
// fifth do not count: "100.00" has 2, and so has "8142.35000000"), unless options give a tick; a price off the given
// tick is refused. A number of 16 or more digits that is a short decimal plus the noise of a double ("1287.6500000000001") is read
// as that decimal, with a warning. Volume keeps its decimals up to 8; fewer when the sum of all volumes would not fit in 64 bits (a warning says so).
//
// A cut file. A last line with fewer fields than the header is refused. A last line without line end is read, with a
// warning, unless its last field is the time or a price: a cut there would change the value unseen, so it is refused.
#pragma once
#include "market/bar.h"

// Zero means the default everywhere. A decimal with digits 0 is absent.
struct csv_options {
  const char *symbol;     // else from the file name: what stands before the timeframe, or the whole stem
  int64_t timeframe_ns;   // else from the file name: "BTCUSDT_1m_2021.csv.gz", "ETH_USDT-1h.csv"; else an error
  struct decimal tick, lot, min_notional, multiplier;
  bool repair;            // sort and drop what is wrong instead of refusing it; the report lists it
  size_t max_bars;        // default CSV_BARS_MAX
  uint64_t max_bytes;     // of unpacked text; default CSV_BYTES_MAX
  size_t chunk_bytes;     // read size, for tests; default 256 KiB
};
#define CSV_BARS_MAX 50000000
#define CSV_BYTES_MAX (UINT64_C(4) << 30)

#define CSV_MESSAGES_MAX 24
#define CSV_MESSAGE_MAX 256
// What a load noticed. Counts are complete, messages are the first few.
struct csv_report {
  size_t rows;          // lines with data
  size_t duplicates;    // identical repeats dropped
  size_t gaps, missing; // places where bars are missing, and how many are
  size_t dropped;       // repair: rows dropped because they were wrong
  size_t unsorted;      // repair: rows that stood before an earlier time
  size_t message_count; // all, also those not kept
  char messages[CSV_MESSAGES_MAX][CSV_MESSAGE_MAX];  // "file:line: …", in file order
};

// Fills ret (finish it with series_finish; untouched on failure) and report (may be NULL; filled on failure too).
// ERR_NOTFOUND, ERR_IO: the file cannot be read. ERR_INVALID: its content, or no timeframe. ERR_LIMIT, ERR_NOMEM.
enum status csv_load(const char *path, const struct csv_options *options, struct series *ret, struct csv_report *report,
                     struct err *err) MUST_CHECK;

// The same from bytes in memory; path names them in messages and gives symbol and timeframe as a file name would.
enum status csv_load_bytes(const char *path, const void *bytes, size_t len, const struct csv_options *options,
                           struct series *ret, struct csv_report *report, struct err *err) MUST_CHECK;

// What a file name tells: symbol "" and timeframe 0 where it does not. The directory is ignored.
void csv_name_parse(const char *path, char ret_symbol[SYMBOL_MAX], int64_t *ret_timeframe_ns);

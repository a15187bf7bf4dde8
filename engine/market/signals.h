// market/signals.h – recorded signals for a backtest (`--signals FILE`): what a webhook, an EA or a chat would have sent.
//
// CSV with a header, or one JSON object per line, told by the first character; plain or gzip. Fields: time (or ts, timestamp,
// date; as in csv.h), id, source, key, symbol, action, size, price, sl, tp, raw. Only time is a must; other fields are kept in raw
// alone. In JSON, size, price, sl and tp are numbers or decimal texts.
#pragma once
#include "base/decimal.h"
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

#define SIGNALS_MAX 1000000
#define SIGNAL_BYTES_MAX (UINT64_C(256) << 20)  // of a file

enum signal_has { SIGNAL_HAS_SIZE = 1, SIGNAL_HAS_PRICE = 2, SIGNAL_HAS_SL = 4, SIGNAL_HAS_TP = 8 };

// Texts are never NULL ("" when absent) and belong to the list. Numbers count only where has says so.
struct signal {
  int64_t ts_ns;
  const char *id;  // the file's, else its line number as text
  const char *source, *key, *symbol, *action;
  const char *raw;  // the file's raw field, else the whole line
  struct decimal size, price, sl, tp;
  unsigned has;
  size_t line;
};
struct signal_list {
  struct signal *items;  // by time; equal times in file order
  size_t count;
  void *texts;           // memory of the texts
};

enum status signals_load(const char *path, struct signal_list *ret, struct err *err) MUST_CHECK;
// The same text in memory; name stands in messages.
enum status signals_load_bytes(const char *name, const void *bytes, size_t len, struct signal_list *ret, struct err *err) MUST_CHECK;
void signals_finish(struct signal_list *list);

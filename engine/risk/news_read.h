// risk/news_read.h – a calendar from a CSV file: a header with the columns from (or time, date) and, as they are wanted, to (or until), concerns (or
// currency, currencies, country, symbol, symbols), impact (or importance) and title (or name, event); in any case and order, others are ignored.
// Times are Unix time or ISO 8601, UTC where no zone is given; names by ; or space where a field has several. impact absent: high.
#pragma once
#include "risk/news.h"

#define NEWS_TITLE_MAX 127  // bytes; longer titles are cut

struct news_entry {
  struct news_event event;
  char title[NEWS_TITLE_MAX + 1];
};
// *ret: *ret_count entries as they stand in the file, to be freed. ERR_INVALID: file, line and column, and what is wrong: nothing is half-read.
enum status news_csv_read(const char *path, struct news_entry **ret, size_t *ret_count, struct err *err) MUST_CHECK;
// The same over bytes in memory.
enum status news_csv_read_bytes(const char *name, const void *bytes, size_t len, struct news_entry **ret, size_t *ret_count, struct err *err) MUST_CHECK;

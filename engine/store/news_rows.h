// store/news_rows.h – calendars of news and other times that rule sets keep clear of (control.db): a tenant's own, and the installation's.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;

#define NEWS_WHAT_TEXT 96    // NEWS_WHAT_SIZE of risk/news.h
#define NEWS_TITLE_SIZE 128
#define NEWS_ROWS_MAX 5000   // of a tenant, and of the installation

struct news_row {
  int64_t id, tenant_id;     // tenant 0: the installation's
  int64_t from_ns, to_ns;
  int impact;                // enum news_impact
  char what[NEWS_WHAT_TEXT], title[NEWS_TITLE_SIZE];
  int64_t created_ns;
};
enum status news_insert(struct db *db, const struct news_row *row, struct err *err) MUST_CHECK;
// ERR_NOTFOUND: not this tenant's.
enum status news_remove(struct db *db, int64_t tenant_id, int64_t id, struct err *err) MUST_CHECK;
enum status news_remove_all(struct db *db, int64_t tenant_id, struct err *err) MUST_CHECK;
// Those that are over before that time.
enum status news_remove_before(struct db *db, int64_t tenant_id, int64_t end_ns, struct err *err) MUST_CHECK;
enum status news_count(struct db *db, int64_t tenant_id, int64_t *ret, struct err *err) MUST_CHECK;
// By rising time, those that have not ended before from_ns and begin before to_ns. fn: false is enough.
enum status news_list_rows(struct db *db, int64_t tenant_id, int64_t from_ns, int64_t to_ns, int limit, bool (*fn)(void *arg, const struct news_row *row), void *arg,
                           struct err *err) MUST_CHECK;

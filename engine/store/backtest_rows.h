// store/backtest_rows.h – server-side backtests and searches for parameters. Every function but those for the service's own start takes the tenant.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;

enum backtest_state { BACKTEST_QUEUED, BACKTEST_RUNNING, BACKTEST_DONE, BACKTEST_FAILED, BACKTEST_CANCELLED, BACKTEST_STATES };
const char *backtest_state_text(enum backtest_state s);

enum backtest_kind { BACKTEST_ONE, BACKTEST_SEARCH, BACKTEST_KINDS };
const char *backtest_kind_text(enum backtest_kind k);  // "backtest", "optimize"

// Texts are valid during the callback only.
struct backtest_row {
  enum backtest_kind kind;
  int64_t id, tenant_id, user_id, strategy_id, version;
  enum backtest_state state;
  int64_t created_ns, started_ns, finished_ns;  // 0: not yet
  const char *request, *error, *result;         // error, result: NULL when there is none (or result was not asked for)
  const char *summary;                          // of a result, JSON: what lists show; NULL: none
};

enum status backtest_insert(struct db *db, const struct backtest_row *row, struct err *err) MUST_CHECK;
typedef void (*backtest_row_fn)(void *arg, const struct backtest_row *row);
// ERR_NOTFOUND: not in this tenant, or of another kind.
enum status backtest_get(struct db *db, int64_t tenant_id, enum backtest_kind kind, int64_t id, bool with_result, backtest_row_fn fn, void *arg, struct err *err) MUST_CHECK;
// Newest first, ids below before_id; strategy_id 0: of all.
enum status backtest_list(struct db *db, int64_t tenant_id, enum backtest_kind kind, int64_t strategy_id, int64_t before_id, int limit, backtest_row_fn fn, void *arg, struct err *err) MUST_CHECK;
// From queued or running only; ERR_NOTFOUND otherwise, so that an ended one is never changed.
enum status backtest_start(struct db *db, int64_t tenant_id, int64_t id, int64_t now_ns, struct err *err) MUST_CHECK;
// With a result the oldest results of the tenant go when there are more than BACKTEST_RESULTS_MAX or they have more than
// BACKTEST_RESULTS_BYTES together; the newest stays in any case, and so do the rows.
#define BACKTEST_RESULTS_MAX 200
#define BACKTEST_RESULTS_BYTES (INT64_C(256) << 20)
// From queued or running only, likewise.
enum status backtest_finish(struct db *db, int64_t tenant_id, int64_t id, enum backtest_state state, int64_t now_ns, const char *error, const char *result, size_t result_len,
                            const char *summary, struct err *err) MUST_CHECK;
// Ended ones only; ERR_NOTFOUND otherwise.
enum status backtest_delete(struct db *db, int64_t tenant_id, enum backtest_kind kind, int64_t id, struct err *err) MUST_CHECK;
// All of a tenant that is erased.
enum status backtest_erase_tenant(struct db *db, int64_t tenant_id, struct err *err) MUST_CHECK;
// How many of the tenant's are queued or running.
enum status backtest_count_open(struct db *db, int64_t tenant_id, int64_t *ret, struct err *err) MUST_CHECK;
// All tenants', oldest first: what a former process left unfinished.
enum status backtest_list_unfinished(struct db *db, backtest_row_fn fn, void *arg, struct err *err) MUST_CHECK;

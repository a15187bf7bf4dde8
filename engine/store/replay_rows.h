// store/replay_rows.h – replays of bots' runs, from the wish to the result, and parity certificates. What serves an API takes the tenant.
#pragma once
#include "store/backtest_rows.h"

// Texts are valid during the callback only.
struct replay_row {
  int64_t id, tenant_id, bot_id, user_id;
  char kind[16];                                // "replay", "what_if", "parity"
  enum backtest_state state;
  int64_t created_ns, started_ns, finished_ns;  // 0: not yet
  const char *request, *error, *result;         // error, result: NULL when there is none (or result was not asked for)
};

#define REPLAYS_KEPT 50      // of a bot, the newest
#define REPLAYS_OPEN_MAX 10  // of a tenant, queued or running

// What a bot has above REPLAYS_KEPT and has ended goes.
enum status replay_insert(struct db *db, const struct replay_row *row, struct err *err) MUST_CHECK;
typedef void (*replay_row_fn)(void *arg, const struct replay_row *row);
// ERR_NOTFOUND: not of this tenant's bot.
enum status replay_get(struct db *db, int64_t tenant_id, int64_t bot_id, int64_t id, replay_row_fn fn, void *arg, struct err *err) MUST_CHECK;
// Newest first, ids below before_id, without results.
enum status replay_list(struct db *db, int64_t tenant_id, int64_t bot_id, int64_t before_id, int limit, replay_row_fn fn, void *arg, struct err *err) MUST_CHECK;
// From queued or running only; ERR_NOTFOUND otherwise.
enum status replay_start(struct db *db, int64_t id, int64_t now_ns, struct err *err) MUST_CHECK;
enum status replay_end(struct db *db, int64_t id, enum backtest_state state, int64_t now_ns, const char *error, const char *result, size_t result_len, struct err *err) MUST_CHECK;
// Ended ones only; ERR_NOTFOUND otherwise.
enum status replay_delete(struct db *db, int64_t tenant_id, int64_t bot_id, int64_t id, struct err *err) MUST_CHECK;
enum status replay_count_open(struct db *db, int64_t tenant_id, int64_t *ret, struct err *err) MUST_CHECK;
// All tenants', oldest first: what a former process left unfinished.
enum status replay_list_unfinished(struct db *db, replay_row_fn fn, void *arg, struct err *err) MUST_CHECK;

// ---- certificates

enum parity_verdict { PARITY_CERTIFIED, PARITY_EXPLAINED, PARITY_BROKEN, PARITY_UNCHECKED, PARITY_VERDICTS };
const char *parity_verdict_text(enum parity_verdict v);
bool parity_verdict_parse(const char *text, enum parity_verdict *ret);

struct parity_row {
  int64_t id, tenant_id, bot_id, run, made_ns;
  enum parity_verdict verdict;
  const char *body;       // JSON object; valid during the callback when read
};
#define PARITY_KEPT 400  // of a bot, the newest
enum status parity_insert(struct db *db, const struct parity_row *row, struct err *err) MUST_CHECK;
typedef void (*parity_row_fn)(void *arg, const struct parity_row *row);
enum status parity_list(struct db *db, int64_t tenant_id, int64_t bot_id, int64_t before_id, int limit, parity_row_fn fn, void *arg, struct err *err) MUST_CHECK;
// Bots of all tenants that ran, above an id, which have no certificate since then: id and tenant.
typedef bool (*parity_due_fn)(void *arg, int64_t bot_id, int64_t tenant_id);
enum status parity_due(struct db *db, int64_t after_bot_id, int64_t since_ns, int limit, parity_due_fn fn, void *arg, struct err *err) MUST_CHECK;

// Both, of a tenant that is erased, or of a bot that is deleted.
enum status replay_erase_tenant(struct db *db, int64_t tenant_id, struct err *err) MUST_CHECK;
enum status replay_erase_bot(struct db *db, int64_t tenant_id, int64_t bot_id, struct err *err) MUST_CHECK;

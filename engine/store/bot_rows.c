#include "store/bot_rows.h"

#include "store/row_text.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS                                                                                                                                        \
  "id, tenant_id, account_id, script_id, version, previous_version, shadow_version, name, venue, symbol, timeframe, pairs, params, settings, seed, wanted, " \
  "close, generation, state, reason_code, reason, strikes, retries, since_ns, retry_at_ns, created_ns, updated_ns, revision"

// Borrows the texts from the row that is shown.
static void read_row(const struct db_rows *r, struct bot_row *out) {
  *out = (struct bot_row){.id = db_int(r, 0), .tenant_id = db_int(r, 1), .account_id = db_int(r, 2), .script_id = db_int(r, 3), .version = db_int(r, 4),
                          .previous_version = db_int(r, 5), .shadow_version = db_int(r, 6), .name = db_text(r, 7), .pairs = db_text(r, 11), .params = db_text(r, 12), .settings = db_text(r, 13),
                          .seed = db_int(r, 14), .close = db_int(r, 16) != 0, .generation = db_int(r, 17),
                          .standing = {.reason = db_text(r, 20), .strikes = db_int(r, 21), .retries = db_int(r, 22), .since_ns = db_int(r, 23), .retry_at_ns = db_int(r, 24)},
                          .created_ns = db_int(r, 25), .updated_ns = db_int(r, 26), .revision = db_int(r, 27)};
  row_text(r, 8, out->venue, sizeof out->venue);
  row_text(r, 9, out->symbol, sizeof out->symbol);
  row_text(r, 10, out->timeframe, sizeof out->timeframe);
  row_text(r, 15, out->wanted, sizeof out->wanted);
  row_text(r, 18, out->standing.state, sizeof out->standing.state);
  row_text(r, 19, out->standing.reason_code, sizeof out->standing.reason_code);
}

static const char *keep(char **at, const char *text) {
  const size_t size = strlen(text) + 1;
  char *kept = memcpy(*at, text, size);
  *at += size;
  return kept;
}

static enum status own_texts(struct bot_row *row, struct err *err) {
  const size_t size = strlen(row->name) + strlen(row->pairs) + strlen(row->params) + strlen(row->settings) + strlen(row->standing.reason) + 5;
  char *at = row->texts = malloc(size);
  if (!at) return err_set(err, ERR_NOMEM, "no memory for a bot");
  row->name = keep(&at, row->name);
  row->pairs = keep(&at, row->pairs);
  row->params = keep(&at, row->params);
  row->settings = keep(&at, row->settings);
  row->standing.reason = keep(&at, row->standing.reason);
  return OK;
}

void bot_row_finish(struct bot_row *row) {
  free(row->texts);
  row->texts = NULL;
}

// Ends the query. On anything but OK *ret holds nothing.
static enum status one(struct db_rows *r, enum status st, struct bot_row *ret, struct err *err) {
  const bool found = st == OK && db_next(r);
  if (found) {
    read_row(r, ret);
    st = own_texts(ret, err);
  }
  st = row_end(r, st, found, err);
  if (st != OK && found) bot_row_finish(ret);
  return st;
}

static enum status changed(enum status st, int64_t changes, struct err *err) {
  return st == OK && changes != 1 ? err_set(err, ERR_NOTFOUND, "no such bot") : st;
}

enum status bot_insert(struct db *db, const struct bot_row *b, struct err *err) {
  const struct bot_standing *s = &b->standing;
  return db_run(db, NULL, err,
                "INSERT INTO bots (" COLUMNS ") VALUES (?, ?, ?, ?, nullif(?, 0), nullif(?, 0), nullif(?, 0), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0), ?, ?, 1)",
                "iiiiiiitttttttitiitttiiiiii", b->id, b->tenant_id, b->account_id, b->script_id, b->version, b->previous_version, b->shadow_version, b->name, b->venue, b->symbol,
                b->timeframe, b->pairs, b->params, b->settings, b->seed, b->wanted, (int64_t)b->close, b->generation, s->state, s->reason_code, s->reason, s->strikes, s->retries,
                s->since_ns, s->retry_at_ns, b->created_ns, b->updated_ns);
}

enum status bot_get(struct db *db, int64_t tenant_id, int64_t id, struct bot_row *ret, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT " COLUMNS " FROM bots WHERE id = ? AND tenant_id = ? AND deleted_ns IS NULL", "ii", id, tenant_id);
  return one(&r, st, ret, err);
}

enum status bot_find(struct db *db, int64_t id, struct bot_row *ret, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT " COLUMNS " FROM bots WHERE id = ? AND deleted_ns IS NULL", "i", id);
  return one(&r, st, ret, err);
}

enum status bot_update(struct db *db, const struct bot_row *b, struct err *err) {
  const struct bot_standing *s = &b->standing;
  int64_t n = 0;
  enum status st = db_run(db, &n, err,
                          "UPDATE bots SET account_id = ?, version = nullif(?, 0), previous_version = nullif(?, 0), shadow_version = nullif(?, 0), name = ?, venue = ?, symbol = ?, "
                          "timeframe = ?, pairs = ?, params = ?, settings = ?, seed = ?, wanted = ?, close = ?, generation = ?, state = ?, reason_code = ?, reason = ?, strikes = ?, "
                          "retries = ?, since_ns = ?, retry_at_ns = nullif(?, 0), updated_ns = ?, revision = revision + 1 WHERE id = ? AND tenant_id = ? AND deleted_ns IS NULL",
                          "iiiitttttttitiitttiiiiiii", b->account_id, b->version, b->previous_version, b->shadow_version, b->name, b->venue, b->symbol, b->timeframe, b->pairs,
                          b->params, b->settings, b->seed, b->wanted, (int64_t)b->close, b->generation, s->state, s->reason_code, s->reason, s->strikes, s->retries, s->since_ns,
                          s->retry_at_ns, b->updated_ns, b->id, b->tenant_id);
  return changed(st, n, err);
}

enum status bot_set_state(struct db *db, int64_t id, const struct bot_standing *s, struct err *err) {
  int64_t n = 0;
  enum status st = db_run(db, &n, err,
                          "UPDATE bots SET state = ?, reason_code = ?, reason = ?, strikes = ?, retries = ?, since_ns = ?, retry_at_ns = nullif(?, 0) "
                          "WHERE id = ? AND deleted_ns IS NULL",
                          "tttiiiii", s->state, s->reason_code, s->reason, s->strikes, s->retries, s->since_ns, s->retry_at_ns, id);
  return changed(st, n, err);
}

enum status bot_set_shadow(struct db *db, int64_t script_id, int64_t version, bool on, struct err *err) {
  if (on) return db_run(db, NULL, err, "UPDATE bots SET shadow_version = ? WHERE script_id = ? AND wanted = 'running' AND deleted_ns IS NULL", "ii", version, script_id);
  enum status st = db_run(db, NULL, err, "DELETE FROM bot_shadows WHERE version = ? AND bot_id IN (SELECT id FROM bots WHERE script_id = ? AND shadow_version = ?)", "iii", version,
                          script_id, version);
  if (st == OK) st = db_run(db, NULL, err, "UPDATE bots SET shadow_version = NULL WHERE script_id = ? AND shadow_version = ?", "ii", script_id, version);
  return st;
}

enum status bot_delete(struct db *db, int64_t tenant_id, int64_t id, int64_t now_ns, struct err *err) {
  int64_t n = 0;
  enum status st = db_run(db, &n, err, "UPDATE bots SET deleted_ns = ?, wanted = 'stopped' WHERE id = ? AND tenant_id = ? AND deleted_ns IS NULL", "iii", now_ns, id, tenant_id);
  return changed(st, n, err);
}

enum status bot_erase_tenant(struct db *db, int64_t tenant_id, struct err *err) {
  return db_run(db, NULL, err, "DELETE FROM bots WHERE tenant_id = ?", "i", tenant_id);
}

// ---- lists

static enum status hand_over(struct db_rows *r, enum status st, bot_row_fn fn, void *arg, struct err *err) {
  struct bot_row row;
  while (st == OK && db_next(r)) {
    read_row(r, &row);
    if (!fn(arg, &row)) break;
  }
  return db_end(r, st, err);
}

#define MATCHES                                                                                                             \
  "deleted_ns IS NULL AND id < ?3 AND (?1 = 0 OR script_id = ?1) AND (?2 = 0 OR account_id = ?2) AND (?4 IS NULL OR state = ?4) " \
  "AND (?5 = 0 OR state IN ('quarantined', 'dead', 'retired')) AND (?8 IS NULL OR instr(lower(name), lower(?8)) OR instr(lower(symbol), lower(?8)) " \
  "OR tenant_id IN (SELECT tenant_id FROM users WHERE instr(email, lower(?8)))) ORDER BY id DESC LIMIT ?6"

enum status bot_list(struct db *db, const struct bot_filter *f, int64_t before_id, int limit, bot_row_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  const char *sql = f->tenant_id ? "SELECT " COLUMNS " FROM bots WHERE tenant_id = ?7 AND " MATCHES : "SELECT " COLUMNS " FROM bots WHERE " MATCHES;
  enum status st = db_query(db, &r, err, sql, "iiitiiit", f->script_id, f->account_id, before_id, f->state, (int64_t)f->held, (int64_t)limit, f->tenant_id, f->text);
  return hand_over(&r, st, fn, arg, err);
}

enum status bot_list_at_work(struct db *db, bot_row_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT " COLUMNS " FROM bots WHERE deleted_ns IS NULL AND (wanted <> 'stopped' OR state <> 'stopped') ORDER BY id", "");
  return hand_over(&r, st, fn, arg, err);
}

enum status bot_count(struct db *db, int64_t tenant_id, int64_t script_id, int64_t account_id, int64_t *ret, struct err *err) {
  struct db_rows r;
  *ret = 0;
  enum status st = db_query(db, &r, err,
                            "SELECT count(*) FROM bots WHERE tenant_id = ?1 AND deleted_ns IS NULL AND (?2 = 0 OR script_id = ?2) AND (?3 = 0 OR account_id = ?3)", "iii",
                            tenant_id, script_id, account_id);
  if (st == OK && db_next(&r)) *ret = db_int(&r, 0);
  return db_end(&r, st, err);
}

enum status bot_count_started(struct db *db, int64_t account_id, int64_t *ret, struct err *err) {
  struct db_rows r;
  *ret = 0;
  enum status st = db_query(db, &r, err, "SELECT count(*) FROM bots WHERE account_id = ? AND deleted_ns IS NULL AND (wanted <> 'stopped' OR state <> 'stopped')", "i", account_id);
  if (st == OK && db_next(&r)) *ret = db_int(&r, 0);
  return db_end(&r, st, err);
}

// ---- failures

enum status bot_failure_add(struct db *db, const struct bot_failure *f, struct err *err) {
  enum status st = db_run(db, NULL, err, "INSERT INTO bot_failures (id, bot_id, at_ns, what, version, strikes, retries, detail) VALUES (?, ?, ?, ?, nullif(?, 0), ?, ?, ?)",
                          "iiitiiit", f->id, f->bot_id, f->at_ns, f->what, f->version, f->strikes, f->retries, f->detail);
  if (st != OK) return st;
  return db_run(db, NULL, err, "DELETE FROM bot_failures WHERE bot_id = ?1 AND id <= (SELECT id FROM bot_failures WHERE bot_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)", "ii",
                f->bot_id, (int64_t)BOT_FAILURES_MAX);
}

enum status bot_failure_list(struct db *db, int64_t bot_id, int64_t before_id, int limit, bot_failure_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT id, bot_id, at_ns, what, version, strikes, retries, detail FROM bot_failures WHERE bot_id = ? AND id < ? ORDER BY id DESC LIMIT ?",
                            "iii", bot_id, before_id, (int64_t)limit);
  while (st == OK && db_next(&r)) {
    struct bot_failure f = {.id = db_int(&r, 0), .bot_id = db_int(&r, 1), .at_ns = db_int(&r, 2), .version = db_int(&r, 4), .strikes = db_int(&r, 5), .retries = db_int(&r, 6),
                            .detail = db_text(&r, 7)};
    row_text(&r, 3, f.what, sizeof f.what);
    if (!fn(arg, &f)) break;
  }
  return db_end(&r, st, err);
}

// store/notice_rows.c – see notice_rows.h.
#include "store/notice_rows.h"

#include "store/id.h"
#include "store/journal_rows.h"
#include "store/row_text.h"

#define NOTICE_COLUMNS "id, tenant_id, event, subject, data, once, more, channel_id, open, folded, created_ns"

enum status notice_add(struct db *db, const struct notice_row *n, bool *ret_added, struct err *err) {
  int64_t added = 0;
  const enum status st = db_run(db, &added, err,
    "INSERT INTO notices (id, tenant_id, event, subject, data, once, more, channel_id, created_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", "iittttiii",
    n->id ? n->id : id_next(n->created_ns), n->tenant_id, n->event, n->subject ? n->subject : "", n->data ? n->data : "{}", n->once, n->more, n->channel_id, n->created_ns);
  if (ret_added) *ret_added = st == OK && added > 0;
  return st;
}

static enum status over_notices(struct db_rows *r, enum status st, notice_fn fn, void *arg, bool *ret_any, struct err *err) {
  bool any = false;
  while (st == OK && db_next(r)) {
    any = true;
    const struct notice_row n = {.id = db_int(r, 0), .tenant_id = db_int(r, 1), .event = db_text(r, 2), .subject = db_text(r, 3), .data = db_text(r, 4), .once = db_null(r, 5) ? NULL : db_text(r, 5),
      .more = db_int(r, 6), .channel_id = db_int(r, 7), .open = db_int(r, 8) != 0, .folded = db_int(r, 9) != 0, .created_ns = db_int(r, 10)};
    if (!fn(arg, &n)) break;
  }
  if (ret_any) *ret_any = any;
  return db_end(r, st, err);
}

enum status notice_open_list(struct db *db, int64_t after_id, int limit, notice_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  return over_notices(&r, db_query(db, &r, err, "SELECT " NOTICE_COLUMNS " FROM notices WHERE open AND id > ? ORDER BY id LIMIT ?", "ii", after_id, (int64_t)limit), fn, arg, NULL, err);
}

enum status notice_closed(struct db *db, int64_t id, bool folded, struct err *err) { return db_run(db, NULL, err, "UPDATE notices SET open = 0, folded = ? WHERE id = ?", "ii", (int64_t)folded, id); }

enum status notice_list(struct db *db, int64_t tenant_id, const char *event, int64_t before_id, int limit, notice_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  return over_notices(&r, db_query(db, &r, err, "SELECT " NOTICE_COLUMNS " FROM notices WHERE tenant_id = ?1 AND id < ?2 AND (?3 IS NULL OR event = ?3) ORDER BY id DESC LIMIT ?4", "iiti", tenant_id, before_id, event,
    (int64_t)limit), fn, arg, NULL, err);
}

enum status notice_get(struct db *db, int64_t tenant_id, int64_t id, notice_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  bool any;
  const enum status st = over_notices(&r, db_query(db, &r, err, "SELECT " NOTICE_COLUMNS " FROM notices WHERE id = ?1 AND (?2 = 0 OR tenant_id = ?2)", "ii", id, tenant_id), fn, arg, &any, err);
  return st == OK && !any ? ERR_NOTFOUND : st;
}

// ---- storms

#define STORM_COLUMNS "tenant_id, event, subject, since_ns, sent, folded, last_id"

static bool take_storm(struct db_rows *r, enum status st, struct storm_row *s) {
  if (st != OK || !db_next(r)) return false;
  *s = (struct storm_row){.tenant_id = db_int(r, 0), .since_ns = db_int(r, 3), .sent = db_int(r, 4), .folded = db_int(r, 5), .last_id = db_int(r, 6)};
  row_text(r, 1, s->event, sizeof s->event);
  row_text(r, 2, s->subject, sizeof s->subject);
  return true;
}

enum status storm_get(struct db *db, int64_t tenant_id, const char *event, const char *subject, struct storm_row *ret, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT " STORM_COLUMNS " FROM notice_storms WHERE tenant_id = ? AND event = ? AND subject = ?", "itt", tenant_id, event, subject);
  if (!take_storm(&r, st, ret)) {
    *ret = (struct storm_row){.tenant_id = tenant_id};
    memcpy(ret->event, event, strnlen(event, sizeof ret->event - 1));
    memcpy(ret->subject, subject, strnlen(subject, sizeof ret->subject - 1));
  }
  return db_end(&r, st, err);
}

enum status storm_put(struct db *db, const struct storm_row *s, struct err *err) {
  return db_run(db, NULL, err, "INSERT OR REPLACE INTO notice_storms (" STORM_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?)", "ittiiii", s->tenant_id, s->event, s->subject, s->since_ns, s->sent, s->folded, s->last_id);
}

enum status storm_first(struct db *db, struct storm_row *ret, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT " STORM_COLUMNS " FROM notice_storms WHERE folded > 0 ORDER BY since_ns LIMIT 1", "");
  const bool found = take_storm(&r, st, ret);
  return row_end(&r, st, found, err);
}

enum status storm_sweep(struct db *db, int64_t before_ns, struct err *err) { return db_run(db, NULL, err, "DELETE FROM notice_storms WHERE folded = 0 AND since_ns < ?", "i", before_ns); }

// ---- sendings

#define SENDING_COLUMNS "id, notice_id, channel_id, tenant_id, state, reason, digest, next_ns, attempts, began_ns, created_ns, group_id"

enum status sending_insert(struct db *db, const struct sending_row *s, struct err *err) {
  return db_run(db, NULL, err, "INSERT INTO notice_sendings (" SENDING_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, nullif(?, 0), ?, ?, ?, ?)", "iiiittiiiiii", s->id, s->notice_id, s->channel_id, s->tenant_id, s->state,
    s->reason, (int64_t)s->digest, s->next_ns, s->attempts, s->began_ns, s->created_ns, s->group_id);
}

static enum status over_sendings(struct db_rows *r, enum status st, sending_fn fn, void *arg, bool *ret_any, struct err *err) {
  bool any = false;
  while (st == OK && db_next(r)) {
    any = true;
    struct sending_row s = {.id = db_int(r, 0), .notice_id = db_int(r, 1), .channel_id = db_int(r, 2), .tenant_id = db_int(r, 3), .digest = db_int(r, 6) != 0, .next_ns = db_int(r, 7), .attempts = db_int(r, 8),
      .began_ns = db_int(r, 9), .created_ns = db_int(r, 10), .group_id = db_int(r, 11)};
    row_text(r, 4, s.state, sizeof s.state);
    row_text(r, 5, s.reason, sizeof s.reason);
    if (!fn(arg, &s)) break;
  }
  if (ret_any) *ret_any = any;
  return db_end(r, st, err);
}

static bool take_sending(void *arg, const struct sending_row *row) {
  *(struct sending_row *)arg = *row;
  return false;
}

enum status sending_get(struct db *db, int64_t id, struct sending_row *ret, struct err *err) {
  struct db_rows r;
  bool any;
  const enum status st = over_sendings(&r, db_query(db, &r, err, "SELECT " SENDING_COLUMNS " FROM notice_sendings WHERE id = ?", "i", id), take_sending, ret, &any, err);
  return st == OK && !any ? ERR_NOTFOUND : st;
}

enum status sending_update(struct db *db, const struct sending_row *s, struct err *err) {
  return db_run(db, NULL, err, "UPDATE notice_sendings SET state = ?, reason = ?, digest = ?, next_ns = nullif(?, 0), attempts = ?, began_ns = ?, group_id = ? WHERE id = ?", "ttiiiiii", s->state, s->reason, (int64_t)s->digest, s->next_ns,
    s->attempts, s->began_ns, s->group_id, s->id);
}

enum status sending_due(struct db *db, int64_t channel_id, int64_t now_ns, const char *first, int limit, sending_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  return over_sendings(&r, db_query(db, &r, err,
    "SELECT " SENDING_COLUMNS " FROM notice_sendings WHERE channel_id = ?1 AND next_ns <= ?2"
    " ORDER BY instr(?3, ',' || (SELECT n.event FROM notices n WHERE n.id = notice_id) || ',') = 0, next_ns, id LIMIT ?4", "iiti", channel_id, now_ns, first, (int64_t)limit), fn, arg, NULL, err);
}

enum status sending_of_group(struct db *db, int64_t group_id, sending_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  return over_sendings(&r, db_query(db, &r, err, "SELECT " SENDING_COLUMNS " FROM notice_sendings WHERE group_id = ?1 AND ?1 <> 0 ORDER BY id", "i", group_id), fn, arg, NULL, err);
}

enum status sending_lanes(struct db *db, void (*fn)(void *arg, int64_t channel_id, int64_t next_ns), void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT channel_id, min(next_ns) FROM notice_sendings WHERE next_ns IS NOT NULL GROUP BY channel_id", "");
  while (st == OK && db_next(&r)) fn(arg, db_int(&r, 0), db_int(&r, 1));
  return db_end(&r, st, err);
}

static enum status one_int(struct db_rows *r, enum status st, int64_t *ret, struct err *err) {
  if (st == OK && db_next(r) && !db_null(r, 0)) *ret = db_int(r, 0);
  return db_end(r, st, err);
}

enum status sending_next(struct db *db, int64_t channel_id, int64_t *ret, struct err *err) {
  struct db_rows r;
  *ret = INT64_MAX;
  return one_int(&r, db_query(db, &r, err, "SELECT min(next_ns) FROM notice_sendings WHERE channel_id = ? AND next_ns IS NOT NULL", "i", channel_id), ret, err);
}

enum status sending_count_waiting(struct db *db, int64_t channel_id, int64_t *ret, struct err *err) {
  struct db_rows r;
  *ret = 0;
  return one_int(&r, db_query(db, &r, err, "SELECT count(*) FROM notice_sendings WHERE channel_id = ? AND next_ns IS NOT NULL", "i", channel_id), ret, err);
}

enum status sending_count_since(struct db *db, int64_t tenant_id, int64_t since_ns, int64_t *ret, struct err *err) {
  struct db_rows r;
  *ret = 0;
  return one_int(&r, db_query(db, &r, err, "SELECT count(*) FROM notice_sendings WHERE tenant_id = ? AND created_ns >= ? AND state <> 'skipped'", "ii", tenant_id, since_ns), ret, err);
}

enum status sending_of_notice(struct db *db, int64_t notice_id, sending_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  return over_sendings(&r, db_query(db, &r, err, "SELECT " SENDING_COLUMNS " FROM notice_sendings WHERE notice_id = ? ORDER BY id", "i", notice_id), fn, arg, NULL, err);
}

enum status sending_skip_all(struct db *db, int64_t channel_id, const char *reason, struct err *err) {
  return db_run(db, NULL, err, "UPDATE notice_sendings SET state = 'skipped', reason = ?, next_ns = NULL WHERE channel_id = ? AND next_ns IS NOT NULL", "ti", reason, channel_id);
}

enum status sending_release(struct db *db, int64_t tenant_id, int64_t now_ns, struct err *err) {
  return db_run(db, NULL, err, "UPDATE notice_sendings SET next_ns = ?2 WHERE channel_id IN (SELECT id FROM notice_channels WHERE tenant_id = ?1) AND state = 'held' AND next_ns > ?2", "ii", tenant_id, now_ns);
}

enum status sending_failures(struct db *db, int64_t before_id, int limit, sending_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  return over_sendings(&r, db_query(db, &r, err, "SELECT " SENDING_COLUMNS " FROM notice_sendings WHERE state = 'failed' AND id < ? ORDER BY id DESC LIMIT ?", "ii", before_id, (int64_t)limit), fn, arg, NULL, err);
}

// ---- attempts

enum status attempt_insert(struct db *db, const struct attempt_row *a, struct err *err) {
  return db_run(db, NULL, err, "INSERT INTO notice_attempts (id, sending_id, at_ns, took_ms, status, outcome, detail) VALUES (?, ?, ?, ?, ?, ?, ?)", "iiiiitt", a->id, a->sending_id, a->at_ns, a->took_ms, (int64_t)a->status,
    a->outcome, a->detail);
}

enum status attempt_list(struct db *db, int64_t sending_id, int limit, attempt_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT id, sending_id, at_ns, took_ms, status, outcome, detail FROM notice_attempts WHERE sending_id = ? ORDER BY id LIMIT ?", "ii", sending_id, (int64_t)limit);
  while (st == OK && db_next(&r)) {
    const struct attempt_row a = {db_int(&r, 0), db_int(&r, 1), db_int(&r, 2), db_int(&r, 3), (int)db_int(&r, 4), db_text(&r, 5), db_text(&r, 6)};
    if (!fn(arg, &a)) break;
  }
  return db_end(&r, st, err);
}

// ---- out of the journal

enum status journal_notice_put(struct db *db, const struct journal_notice *n, struct err *err) {
  return db_run(db, NULL, err, "INSERT INTO notice_events (id, tenant_id, bot_id, event, data, created_ns) VALUES (?, ?, ?, ?, ?, ?)", "iiitti", n->id, n->tenant_id, n->bot_id, n->event, n->data, n->created_ns);
}

enum status journal_notice_list(struct db *db, int limit, bool (*fn)(void *arg, const struct journal_notice *n), void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT id, bot_id, tenant_id, created_ns, event, data FROM notice_events ORDER BY id LIMIT ?", "i", (int64_t)limit);
  while (st == OK && db_next(&r)) {
    const struct journal_notice n = {db_int(&r, 0), db_int(&r, 1), db_int(&r, 2), db_int(&r, 3), db_text(&r, 4), db_text(&r, 5)};
    if (!fn(arg, &n)) break;
  }
  return db_end(&r, st, err);
}

enum status journal_notice_drop(struct db *db, int64_t id, struct err *err) { return db_run(db, NULL, err, "DELETE FROM notice_events WHERE id = ?", "i", id); }

enum status notice_traders(struct db *db, const char *venue, bool (*fn)(void *arg, int64_t tenant_id), void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT DISTINCT tenant_id FROM bots WHERE deleted_ns IS NULL AND wanted <> 'stopped' AND (?1 IS NULL OR venue = ?1)", "t", venue);
  while (st == OK && db_next(&r))
    if (!fn(arg, db_int(&r, 0))) break;
  return db_end(&r, st, err);
}

// ---- keeping house

enum status notice_sweep(struct db *db, int64_t before_ns, int64_t *ret, struct err *err) {
  return db_run(db, ret, err,
    "DELETE FROM notices WHERE id IN (SELECT n.id FROM notices n WHERE n.id < ? AND NOT n.open AND NOT EXISTS (SELECT 1 FROM notice_sendings s WHERE s.notice_id = n.id AND s.next_ns IS NOT NULL) ORDER BY n.id LIMIT 500)", "i",
    id_from(before_ns));
}

enum status notice_erase_tenant(struct db *db, int64_t tenant_id, struct err *err) {
  enum status st = db_run(db, NULL, err, "DELETE FROM notices WHERE tenant_id = ?", "i", tenant_id);
  if (st == OK) st = db_run(db, NULL, err, "DELETE FROM notice_channels WHERE tenant_id = ?", "i", tenant_id);
  if (st == OK) st = db_run(db, NULL, err, "DELETE FROM notice_preferences WHERE tenant_id = ?", "i", tenant_id);
  return st == OK ? db_run(db, NULL, err, "DELETE FROM notice_storms WHERE tenant_id = ?", "i", tenant_id) : st;
}

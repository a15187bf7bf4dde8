// store/hook_rows.c – see hook_rows.h.
#include "store/hook_rows.h"

#include "store/id.h"
#include "store/row_text.h"

#include <stdlib.h>

#define OVER_SWEEP_ONE_IN 64
#define HOOK_COLUMNS "id, tenant_id, name, token_hash, enabled, shared, settings, sign_key, created_ns, updated_ns, revision"

void hook_row_finish(struct hook_row *row) {
  free(row->text);
  row->text = NULL;
}

static void read_hook(const struct db_rows *r, struct hook_row *h) {
  *h = (struct hook_row){.id = db_int(r, 0), .tenant_id = db_int(r, 1), .enabled = db_int(r, 4) != 0, .shared = db_int(r, 5) != 0, .settings = db_text(r, 6), .created_ns = db_int(r, 8),
    .updated_ns = db_int(r, 9), .revision = db_int(r, 10)};
  row_text(r, 2, h->name, sizeof h->name);
  (void)row_blob(r, 3, h->token_hash, sizeof h->token_hash);
  size_t len = 0;
  const void *key = db_null(r, 7) ? NULL : db_blob(r, 7, &len);
  if (key && len <= sizeof h->sign_key) memcpy(h->sign_key, key, h->sign_key_len = len);
}

static enum status one_hook(struct db_rows *r, enum status st, struct hook_row *ret, struct err *err) {
  const bool found = st == OK && db_next(r);
  if (found) {
    read_hook(r, ret);
    ret->settings = ret->text = strdup(ret->settings);
    if (!ret->text) st = err_set(err, ERR_NOMEM, "out of memory");
  }
  st = row_end(r, st, found, err);
  if (st != OK && found) hook_row_finish(ret);
  return st;
}

enum status hook_insert(struct db *db, const struct hook_row *h, struct err *err) {
  return db_run(db, NULL, err, "INSERT INTO hooks (" HOOK_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, iif(?8 = x'', NULL, ?8), ?, ?, 1)", "iitbiitbii", h->id, h->tenant_id, h->name, h->token_hash,
    (size_t)SHA256_BYTES, (int64_t)h->enabled, (int64_t)h->shared, h->settings, h->sign_key, h->sign_key_len, h->created_ns, h->updated_ns);
}

enum status hook_get(struct db *db, int64_t tenant_id, int64_t id, struct hook_row *ret, struct err *err) {
  struct db_rows r;
  return one_hook(&r, db_query(db, &r, err, "SELECT " HOOK_COLUMNS " FROM hooks WHERE id = ? AND tenant_id = ?", "ii", id, tenant_id), ret, err);
}

enum status hook_by_token(struct db *db, const uint8_t token_hash[SHA256_BYTES], struct hook_row *ret, struct err *err) {
  struct db_rows r;
  return one_hook(&r, db_query(db, &r, err, "SELECT " HOOK_COLUMNS " FROM hooks WHERE token_hash = ?", "b", token_hash, (size_t)SHA256_BYTES), ret, err);
}

enum status hook_find(struct db *db, int64_t id, struct hook_row *ret, struct err *err) {
  struct db_rows r;
  return one_hook(&r, db_query(db, &r, err, "SELECT " HOOK_COLUMNS " FROM hooks WHERE id = ?", "i", id), ret, err);
}

static enum status changed(enum status st, int64_t n) { return st == OK && n == 0 ? ERR_NOTFOUND : st; }

enum status hook_update(struct db *db, const struct hook_row *h, struct err *err) {
  int64_t n = 0;
  const enum status st = db_run(db, &n, err,
    "UPDATE hooks SET name = ?, token_hash = ?, enabled = ?, shared = ?, settings = ?, sign_key = iif(?6 = x'', NULL, ?6), updated_ns = ?, revision = revision + 1 WHERE id = ? AND tenant_id = ?", "tbiitbiii",
    h->name, h->token_hash, (size_t)SHA256_BYTES, (int64_t)h->enabled, (int64_t)h->shared, h->settings, h->sign_key, h->sign_key_len, h->updated_ns, h->id, h->tenant_id);
  return changed(st, n);
}

enum status hook_delete(struct db *db, int64_t tenant_id, int64_t id, struct err *err) {
  int64_t n = 0;
  const enum status st = db_run(db, &n, err, "DELETE FROM hooks WHERE id = ? AND tenant_id = ?", "ii", id, tenant_id);
  return changed(st, n);
}

enum status hook_erase_tenant(struct db *db, int64_t tenant_id, struct err *err) {
  enum status st = db_run(db, NULL, err, "DELETE FROM hooks WHERE tenant_id = ?", "i", tenant_id);
  if (st == OK) st = db_run(db, NULL, err, "DELETE FROM signal_stages WHERE tenant_id = ?", "i", tenant_id);
  return st == OK ? db_run(db, NULL, err, "DELETE FROM held_rules WHERE tenant_id = ?", "i", tenant_id) : st;
}

static enum status one_int(struct db_rows *r, enum status st, int64_t *ret, struct err *err) {
  if (st == OK && db_next(r)) *ret = db_int(r, 0);
  return db_end(r, st, err);
}

enum status hook_count(struct db *db, int64_t tenant_id, int64_t *ret, struct err *err) {
  struct db_rows r;
  return one_int(&r, db_query(db, &r, err, "SELECT count(*) FROM hooks WHERE tenant_id = ?", "i", tenant_id), ret, err);
}

enum status hook_list(struct db *db, int64_t tenant_id, bool shared, int64_t before_id, int limit, hook_row_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  struct hook_row h;
  enum status st = shared ? db_query(db, &r, err, "SELECT " HOOK_COLUMNS " FROM hooks WHERE shared AND enabled AND tenant_id <> ? AND id < ? ORDER BY id DESC LIMIT ?", "iii", tenant_id, before_id, (int64_t)limit)
                          : db_query(db, &r, err, "SELECT " HOOK_COLUMNS " FROM hooks WHERE tenant_id = ? AND id < ? ORDER BY id DESC LIMIT ?", "iii", tenant_id, before_id, (int64_t)limit);
  while (st == OK && db_next(&r)) {
    read_hook(&r, &h);
    if (!fn(arg, &h)) break;
  }
  return db_end(&r, st, err);
}

// ---- who listens

enum status hook_bot_add(struct db *db, int64_t hook_id, int64_t bot_id, struct err *err) {
  return db_run(db, NULL, err, "INSERT INTO hook_bots (hook_id, bot_id) VALUES (?, ?) ON CONFLICT DO NOTHING", "ii", hook_id, bot_id);
}

enum status hook_bot_remove(struct db *db, int64_t hook_id, int64_t bot_id, struct err *err) {
  int64_t n = 0;
  const enum status st = db_run(db, &n, err, "DELETE FROM hook_bots WHERE hook_id = ? AND bot_id = ?", "ii", hook_id, bot_id);
  return changed(st, n);
}

enum status hook_bots(struct db *db, int64_t hook_id, int64_t tenant_id, bool running, const char *symbol, hook_bot_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err,
    "SELECT b.id FROM hook_bots h JOIN bots b ON b.id = h.bot_id WHERE h.hook_id = ?1 AND b.deleted_ns IS NULL AND (?2 = 0 OR b.tenant_id = ?2) AND (?3 = 0 OR b.wanted = 'running')"
    " AND (?4 IS NULL OR b.symbol = ?4 OR EXISTS (SELECT 1 FROM json_each(b.pairs) WHERE value = ?4)) ORDER BY b.id", "iiit", hook_id, tenant_id, (int64_t)running, symbol);
  while (st == OK && db_next(&r))
    if (!fn(arg, db_int(&r, 0))) break;
  return db_end(&r, st, err);
}

// ---- deliveries

#define DELIVERY_COLUMNS "d.id, d.hook_id, d.received_ns, d.expires_ns, d.done_ns, d.state, d.reason, d.dedupe, d.address, d.body, d.signal, d.log, d.bots"

static struct delivery_row delivery_of(const struct db_rows *r) {
  return (struct delivery_row){.id = db_int(r, 0), .hook_id = db_int(r, 1), .received_ns = db_int(r, 2), .expires_ns = db_int(r, 3), .done_ns = db_int(r, 4), .state = db_text(r, 5), .reason = db_text(r, 6),
    .dedupe = db_null(r, 7) ? NULL : db_text(r, 7), .address = db_text(r, 8), .body = db_text(r, 9), .signal = db_text(r, 10), .log = db_text(r, 11), .bots = db_int(r, 12)};
}

static enum status over_deliveries(struct db_rows *r, enum status st, delivery_fn fn, void *arg, bool *ret_any, struct err *err) {
  bool any = false;
  while (st == OK && db_next(r)) {
    any = true;
    const struct delivery_row d = delivery_of(r);
    if (!fn(arg, &d)) break;
  }
  if (ret_any) *ret_any = any;
  return db_end(r, st, err);
}

enum status delivery_insert(struct db *db, const struct delivery_row *d, struct err *err) {
  int64_t n = 0;
  const enum status st = db_run(db, &n, err,
    "INSERT INTO hook_deliveries (id, hook_id, received_ns, expires_ns, state, reason, dedupe, address, body, signal, done_ns)"
    " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11 WHERE NOT EXISTS (SELECT 1 FROM hook_seen WHERE hook_id = ?2 AND dedupe = ?7)", "iiiitttttti",
    d->id, d->hook_id, d->received_ns, d->expires_ns, d->state, d->reason, d->dedupe, d->address, d->body, d->signal, d->done_ns);
  return st == OK && n == 0 ? err_set(err, ERR_EXISTS, "it was delivered before") : st;
}

enum status delivery_known(struct db *db, int64_t hook_id, const char *dedupe, bool *ret, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT 1 FROM hook_deliveries WHERE hook_id = ?1 AND dedupe = ?2 UNION ALL SELECT 1 FROM hook_seen WHERE hook_id = ?1 AND dedupe = ?2", "it", hook_id, dedupe);
  *ret = st == OK && db_next(&r);
  return db_end(&r, st, err);
}

enum status delivery_finish(struct db *db, const struct delivery_row *d, struct err *err) {
  int64_t n = 0;
  const enum status st = db_run(db, &n, err, "UPDATE hook_deliveries SET state = ?, reason = ?, signal = ?, log = ?, bots = ?, done_ns = ? WHERE id = ? AND state = 'accepted'", "ttttiii", d->state, d->reason,
    d->signal, d->log, d->bots, d->done_ns, d->id);
  return changed(st, n);
}

enum status delivery_list(struct db *db, int64_t hook_id, int64_t before_id, int limit, delivery_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  return over_deliveries(&r, db_query(db, &r, err, "SELECT " DELIVERY_COLUMNS " FROM hook_deliveries d WHERE d.hook_id = ? AND d.id < ? ORDER BY d.id DESC LIMIT ?", "iii", hook_id, before_id, (int64_t)limit),
    fn, arg, NULL, err);
}

enum status delivery_get(struct db *db, int64_t hook_id, int64_t id, delivery_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  bool any;
  const enum status st = over_deliveries(&r, db_query(db, &r, err, "SELECT " DELIVERY_COLUMNS " FROM hook_deliveries d WHERE d.id = ? AND d.hook_id = ?", "ii", id, hook_id), fn, arg, &any, err);
  return st == OK && !any ? ERR_NOTFOUND : st;
}

enum status delivery_list_tenant(struct db *db, int64_t tenant_id, int64_t before_id, int limit, delivery_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  return over_deliveries(&r, db_query(db, &r, err, "SELECT " DELIVERY_COLUMNS " FROM hook_deliveries d WHERE d.hook_id IN (SELECT id FROM hooks WHERE tenant_id = ?) AND d.id < ? ORDER BY d.id DESC LIMIT ?", "iii",
    tenant_id, before_id, (int64_t)limit), fn, arg, NULL, err);
}

enum status delivery_list_any(struct db *db, int64_t tenant_id, int64_t hook_id, const char *state, int64_t before_id, int limit, delivery_any_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT " DELIVERY_COLUMNS ", h.tenant_id, h.name FROM hook_deliveries d JOIN hooks h ON h.id = d.hook_id WHERE (?1 = 0 OR h.tenant_id = ?1) AND (?2 = 0 OR d.hook_id = ?2)"
    " AND (?3 IS NULL OR d.state = ?3) AND d.id < ?4 ORDER BY d.id DESC LIMIT ?5", "iitii", tenant_id, hook_id, state, before_id, (int64_t)limit);
  while (st == OK && db_next(&r)) {
    const struct delivery_row d = delivery_of(&r);
    if (!fn(arg, &d, db_int(&r, 13), db_text(&r, 14))) break;
  }
  return db_end(&r, st, err);
}

enum status delivery_open(struct db *db, delivery_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  return over_deliveries(&r, db_query(db, &r, err, "SELECT " DELIVERY_COLUMNS " FROM hook_deliveries d WHERE d.state = 'accepted' ORDER BY d.id", ""), fn, arg, NULL, err);
}

enum status delivery_recent(struct db *db, int64_t hook_id, int64_t since_ns, int limit, delivery_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  return over_deliveries(&r, db_query(db, &r, err, "SELECT " DELIVERY_COLUMNS " FROM hook_deliveries d WHERE d.hook_id = ? AND d.received_ns >= ? AND d.state = 'delivered' ORDER BY d.id DESC LIMIT ?", "iii",
    hook_id, since_ns, (int64_t)limit), fn, arg, NULL, err);
}

enum status delivery_count_since(struct db *db, int64_t hook_id, int64_t since_ns, int64_t *ret, struct err *err) {
  struct db_rows r;
  return one_int(&r, db_query(db, &r, err, "SELECT count(*) FROM hook_deliveries WHERE hook_id = ? AND received_ns >= ? AND state = 'delivered'", "ii", hook_id, since_ns), ret, err);
}

// How long a hook knows what it took, after its rows went.
static enum status remembered(struct db *db, int64_t hook_id, int64_t *ret_ns, struct err *err) {
  struct db_rows r;
  int64_t per_minute = HOOK_PER_MINUTE;
  const enum status st = one_int(&r, db_query(db, &r, err, "SELECT coalesce(json_extract(settings, '$.per_minute'), ?) FROM hooks WHERE id = ?", "ii", per_minute, hook_id), &per_minute, err);
  const int64_t ns = INT64_C(60000000000) * HOOK_SEEN_MAX / (per_minute > 0 ? per_minute : 1);
  *ret_ns = ns > HOOK_REMEMBERED_NS ? HOOK_REMEMBERED_NS : ns < HOOK_SEEN_MIN_NS ? HOOK_SEEN_MIN_NS : ns;
  return st;
}

// What a hook has beyond the rows that are kept: what makes them duplicates stays.
static enum status sweep_beyond(struct db *db, int64_t hook_id, struct err *err) {
  struct db_rows r;
  int64_t last = 0;
  enum status st = one_int(&r, db_query(db, &r, err, "SELECT id FROM hook_deliveries WHERE hook_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?", "ii", hook_id, (int64_t)HOOK_DELIVERIES_KEPT), &last, err);
  if (st != OK || !last) return st;
  st = db_run(db, NULL, err, "INSERT INTO hook_seen (hook_id, dedupe, id) SELECT hook_id, dedupe, id FROM hook_deliveries WHERE hook_id = ? AND state <> 'accepted' AND id <= ? AND dedupe IS NOT NULL", "ii", hook_id, last);
  return st == OK ? db_run(db, NULL, err, "DELETE FROM hook_deliveries WHERE hook_id = ? AND state <> 'accepted' AND id <= ?", "ii", hook_id, last) : st;
}

enum status delivery_sweep(struct db *db, int64_t hook_id, int64_t now_ns, struct err *err) {
  int64_t seen_ns;
  enum status st = sweep_beyond(db, hook_id, err);
  if (st == OK) st = remembered(db, hook_id, &seen_ns, err);
  if (st == OK) st = db_run(db, NULL, err, "DELETE FROM hook_seen WHERE hook_id = ? AND id < ?", "ii", hook_id, id_from(now_ns - seen_ns));
  if (st != OK) return st;
  // By the ids of then: all others would be read to see that they are younger, tens of milliseconds in which nobody's write goes on.
  return db_run(db, NULL, err,
    "DELETE FROM hook_deliveries WHERE hook_id = ?1 AND id < ?3 AND received_ns < ?2 AND state <> 'accepted' AND id <= (SELECT id FROM hook_deliveries WHERE hook_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET 100)", "iii",
    hook_id, now_ns - HOOK_REMEMBERED_NS, id_from(now_ns - HOOK_REMEMBERED_NS));
}

enum status delivery_insert_over(struct db *db, const struct delivery_row *d, struct err *err) {
  const enum status st = delivery_insert(db, d, err);
  // By all bits of the id: its last ones are the same of all that come alone in their millisecond.
  return st != OK || ((uint64_t)d->id * UINT64_C(0x9e3779b97f4a7c15) >> 32 & (OVER_SWEEP_ONE_IN - 1)) ? st : delivery_sweep(db, d->hook_id, d->received_ns, err);
}

enum status delivery_sweep_all(struct db *db, int64_t now_ns, struct err *err) {
  int64_t ids[256];
  int64_t after = 0;
  for (;;) {  // in portions: ids are read before anything is deleted
    struct db_rows r;
    int n = 0;
    enum status st = db_query(db, &r, err, "SELECT id FROM hooks WHERE id > ? ORDER BY id LIMIT 256", "i", after);
    while (st == OK && db_next(&r)) ids[n++] = db_int(&r, 0);
    st = db_end(&r, st, err);
    for (int i = 0; st == OK && i < n; i++) st = delivery_sweep(db, after = ids[i], now_ns, err);
    if (st != OK || n < 256) return st;
  }
}

// ---- stages

enum status stages_get(struct db *db, int64_t tenant_id, char **ret_stages, int64_t *ret_revision, struct err *err) {
  struct db_rows r;
  *ret_stages = NULL;
  *ret_revision = 0;
  enum status st = db_query(db, &r, err, "SELECT stages, revision FROM signal_stages WHERE tenant_id = ?", "i", tenant_id);
  const bool found = st == OK && db_next(&r);
  if (found) *ret_revision = db_int(&r, 1);
  if (st == OK && !(*ret_stages = strdup(found ? db_text(&r, 0) : "[]"))) st = err_set(err, ERR_NOMEM, "out of memory");
  st = db_end(&r, st, err);
  if (st != OK) free(*ret_stages), *ret_stages = NULL;
  return st;
}

enum status stages_put(struct db *db, int64_t tenant_id, const char *stages, int64_t now_ns, struct err *err) {
  return db_run(db, NULL, err, "INSERT INTO signal_stages (tenant_id, stages, revision, updated_ns) VALUES (?1, ?2, 1, ?3) ON CONFLICT DO UPDATE SET stages = ?2, revision = revision + 1, updated_ns = ?3", "iti",
    tenant_id, stages, now_ns);
}

// ---- rules in quarantine

#define HELD_COLUMNS "id, tenant_id, sha256, file, why, since_ns"

static enum status over_held(struct db_rows *r, enum status st, held_rule_fn fn, void *arg, bool *ret_any, struct err *err) {
  *ret_any = false;
  while (st == OK && db_next(r)) {
    const struct held_rule_row row = {.id = db_int(r, 0), .tenant_id = db_int(r, 1), .sha256 = db_text(r, 2), .file = db_text(r, 3), .why = db_text(r, 4), .since_ns = db_int(r, 5)};
    *ret_any = true;
    if (!fn(arg, &row)) break;
  }
  return db_end(r, st, err);
}

enum status held_rule_add(struct db *db, const struct held_rule_row *row, struct err *err) {
  return db_run(db, NULL, err, "INSERT INTO held_rules (" HELD_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", "iittti", row->id, row->tenant_id, row->sha256, row->file, row->why, row->since_ns);
}

enum status held_rule_list(struct db *db, int64_t before_id, int limit, held_rule_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  bool any;
  return over_held(&r, db_query(db, &r, err, "SELECT " HELD_COLUMNS " FROM held_rules WHERE id < ? ORDER BY id DESC LIMIT ?", "ii", before_id, (int64_t)limit), fn, arg, &any, err);
}

enum status held_rule_get(struct db *db, int64_t id, held_rule_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  bool any;
  const enum status st = over_held(&r, db_query(db, &r, err, "SELECT " HELD_COLUMNS " FROM held_rules WHERE id = ?", "i", id), fn, arg, &any, err);
  return st == OK && !any ? ERR_NOTFOUND : st;
}

enum status held_rule_delete(struct db *db, int64_t id, struct err *err) {
  int64_t n = 0;
  const enum status st = db_run(db, &n, err, "DELETE FROM held_rules WHERE id = ?", "i", id);
  return changed(st, n);
}

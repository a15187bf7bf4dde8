// store/ea_rows.c – see ea_rows.h.
#include "store/ea_rows.h"

#include "store/row_text.h"

#define LINK_COLUMNS "l.account_id, l.tenant_id, l.token_hash, l.sequence, l.login, l.server, l.hook_id, l.created_ns, l.updated_ns"

static enum status changed(enum status st, int64_t n) { return st == OK && n == 0 ? ERR_NOTFOUND : st; }

static enum status one_link(struct db_rows *r, enum status st, struct ea_link_row *ret, struct err *err) {
  const bool found = st == OK && db_next(r);
  if (found) {
    *ret = (struct ea_link_row){.account_id = db_int(r, 0), .tenant_id = db_int(r, 1), .sequence = (uint64_t)db_int(r, 3), .hook_id = db_null(r, 6) ? 0 : db_int(r, 6), .created_ns = db_int(r, 7), .updated_ns = db_int(r, 8)};
    (void)row_blob(r, 2, ret->token_hash, sizeof ret->token_hash);
    row_text(r, 4, ret->login, sizeof ret->login);
    row_text(r, 5, ret->server, sizeof ret->server);
  }
  return row_end(r, st, found, err);
}

enum status ea_link_put(struct db *db, const struct ea_link_row *l, struct err *err) {
  return db_run(db, NULL, err,
    "INSERT INTO ea_links (account_id, tenant_id, token_hash, created_ns, updated_ns) VALUES (?1, ?2, ?3, ?4, ?5)"
    " ON CONFLICT (account_id) DO UPDATE SET token_hash = ?3, sequence = 0, login = '', server = '', updated_ns = ?5", "iibii", l->account_id, l->tenant_id, l->token_hash, (size_t)SHA256_BYTES, l->created_ns,
    l->updated_ns);
}

enum status ea_link_get(struct db *db, int64_t tenant_id, int64_t account_id, struct ea_link_row *ret, struct err *err) {
  struct db_rows r;
  return one_link(&r, db_query(db, &r, err, "SELECT " LINK_COLUMNS " FROM ea_links l WHERE l.account_id = ? AND l.tenant_id = ?", "ii", account_id, tenant_id), ret, err);
}

enum status ea_link_by_token(struct db *db, const uint8_t token_hash[SHA256_BYTES], struct ea_link_row *ret, struct err *err) {
  struct db_rows r;
  return one_link(&r, db_query(db, &r, err, "SELECT " LINK_COLUMNS " FROM ea_links l JOIN accounts a ON a.id = l.account_id WHERE l.token_hash = ? AND a.deleted_ns IS NULL", "b", token_hash, (size_t)SHA256_BYTES), ret, err);
}

enum status ea_link_reserve(struct db *db, int64_t account_id, uint64_t sequence, struct err *err) {
  return db_run(db, NULL, err, "UPDATE ea_links SET sequence = max(sequence, ?) WHERE account_id = ?", "ii", (int64_t)sequence, account_id);
}

enum status ea_link_bind(struct db *db, int64_t account_id, const char *login, const char *server, int64_t now_ns, struct err *err) {
  int64_t n = 0;
  const enum status st = db_run(db, &n, err, "UPDATE ea_links SET login = ?1, server = ?2, updated_ns = iif(login = '', ?3, updated_ns) WHERE account_id = ?4 AND (login = '' OR (login = ?1 AND server = ?2))", "ttii", login,
    server, now_ns, account_id);
  return st == OK && n == 0 ? err_set(err, ERR_EXISTS, "the account belongs to another login of the terminal") : st;
}

enum status ea_link_hook(struct db *db, int64_t tenant_id, int64_t account_id, int64_t hook_id, int64_t now_ns, struct err *err) {
  int64_t n = 0;
  const enum status st = db_run(db, &n, err, "UPDATE ea_links SET hook_id = nullif(?, 0), updated_ns = ? WHERE account_id = ? AND tenant_id = ?", "iiii", hook_id, now_ns, account_id, tenant_id);
  return changed(st, n);
}

enum status ea_erase_tenant(struct db *db, int64_t tenant_id, struct err *err) { return db_run(db, NULL, err, "DELETE FROM ea_links WHERE tenant_id = ?", "i", tenant_id); }

// ---- commands

enum status ea_command_insert(struct db *db, const struct ea_command_row *c, struct err *err) {
  return db_run(db, NULL, err, "INSERT INTO ea_commands (id, account_id, name, command, state, leased_ns) VALUES (?, ?, ?, ?, 'leased', ?)", "iitti", c->id, c->account_id, c->name, c->command, c->leased_ns);
}

enum status ea_command_finish(struct db *db, const struct ea_command_row *c, struct err *err) {
  return db_run(db, NULL, err, "UPDATE ea_commands SET state = ?, done_ns = ?, ticket = ?, code = ?, text = ? WHERE account_id = ? AND name = ? AND state IN ('leased', 'unsure')", "tititit", c->state, c->done_ns, c->ticket,
    c->code, c->text, c->account_id, c->name);
}

enum status ea_command_list(struct db *db, int64_t account_id, int64_t before_id, int limit, ea_command_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT id, account_id, leased_ns, done_ns, code, name, command, state, ticket, text FROM ea_commands WHERE account_id = ? AND id < ? ORDER BY id DESC LIMIT ?", "iii", account_id,
    before_id, (int64_t)limit);
  while (st == OK && db_next(&r)) {
    const struct ea_command_row c = {.id = db_int(&r, 0), .account_id = db_int(&r, 1), .leased_ns = db_int(&r, 2), .done_ns = db_int(&r, 3), .code = db_int(&r, 4), .name = db_text(&r, 5), .command = db_text(&r, 6),
      .state = db_text(&r, 7), .ticket = db_text(&r, 8), .text = db_text(&r, 9)};
    if (!fn(arg, &c)) break;
  }
  return db_end(&r, st, err);
}

enum status ea_command_sweep(struct db *db, int64_t now_ns, struct err *err) {
  return db_run(db, NULL, err, "DELETE FROM ea_commands WHERE id IN (SELECT id FROM ea_commands WHERE done_ns > 0 AND done_ns < ? LIMIT 10000)", "i", now_ns - EA_COMMANDS_KEPT_NS);
}

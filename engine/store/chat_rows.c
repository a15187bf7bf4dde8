// store/chat_rows.c – see chat_rows.h.
#include "store/chat_rows.h"

#include "store/row_text.h"

enum status chat_code_put(struct db *db, const uint8_t hash[SHA256_BYTES], int64_t tenant_id, int64_t user_id, int64_t hook_id, int64_t expires_ns, struct err *err) {
  enum status st = db_run(db, NULL, err, "DELETE FROM chat_codes WHERE user_id = ?", "i", user_id);
  if (st != OK) return st;
  return db_run(db, NULL, err, "INSERT INTO chat_codes (code_hash, tenant_id, user_id, hook_id, expires_ns) VALUES (?, ?, ?, nullif(?, 0), ?)", "biiii", hash, (size_t)SHA256_BYTES, tenant_id, user_id, hook_id,
    expires_ns);
}

enum status chat_code_take(struct db *db, const uint8_t hash[SHA256_BYTES], int64_t now_ns, struct chat_row *ret, struct err *err) {
  struct db_rows r;
  int64_t expires_ns = 0;
  enum status st = db_query(db, &r, err, "SELECT tenant_id, user_id, ifnull(hook_id, 0), expires_ns FROM chat_codes WHERE code_hash = ?", "b", hash, (size_t)SHA256_BYTES);
  const bool found = st == OK && db_next(&r);
  if (found) ret->tenant_id = db_int(&r, 0), ret->user_id = db_int(&r, 1), ret->hook_id = db_int(&r, 2), expires_ns = db_int(&r, 3);
  st = row_end(&r, st, found, err);
  if (st == OK) st = db_run(db, NULL, err, "DELETE FROM chat_codes WHERE code_hash = ?", "b", hash, (size_t)SHA256_BYTES);
  return st == OK && expires_ns < now_ns ? ERR_NOTFOUND : st;
}

enum status chat_put(struct db *db, const struct chat_row *c, struct err *err) {
  return db_run(db, NULL, err,
    "INSERT INTO chats (id, chat, tenant_id, user_id, hook_id, name, linked_ns) VALUES (?1, ?2, ?3, ?4, nullif(?5, 0), ?6, ?7)"
    " ON CONFLICT (chat) DO UPDATE SET tenant_id = ?3, user_id = ?4, hook_id = nullif(?5, 0), name = ?6, linked_ns = ?7", "iiiiiti", c->id, c->chat, c->tenant_id, c->user_id, c->hook_id, c->name, c->linked_ns);
}

#define COLUMNS "id, chat, tenant_id, user_id, ifnull(hook_id, 0), name, linked_ns"

static void read_chat(const struct db_rows *r, struct chat_row *c) {
  *c = (struct chat_row){.id = db_int(r, 0), .chat = db_int(r, 1), .tenant_id = db_int(r, 2), .user_id = db_int(r, 3), .hook_id = db_int(r, 4), .linked_ns = db_int(r, 6)};
  row_text(r, 5, c->name, sizeof c->name);
}

enum status chat_find(struct db *db, int64_t chat, struct chat_row *ret, struct err *err) {
  struct db_rows r;
  const enum status st = db_query(db, &r, err, "SELECT " COLUMNS " FROM chats WHERE chat = ?", "i", chat);
  const bool found = st == OK && db_next(&r);
  if (found) read_chat(&r, ret);
  return row_end(&r, st, found, err);
}

enum status chat_list(struct db *db, int64_t tenant_id, int64_t before_id, int limit, chat_row_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  struct chat_row c;
  const enum status st = db_query(db, &r, err, "SELECT " COLUMNS " FROM chats WHERE tenant_id = ? AND id < ? ORDER BY id DESC LIMIT ?", "iii", tenant_id, before_id, (int64_t)limit);
  while (st == OK && db_next(&r)) {
    read_chat(&r, &c);
    if (!fn(arg, &c)) break;
  }
  return db_end(&r, st, err);
}

enum status chat_delete(struct db *db, int64_t tenant_id, int64_t id, struct err *err) {
  int64_t n = 0;
  const enum status st = db_run(db, &n, err, "DELETE FROM chats WHERE id = ? AND tenant_id = ?", "ii", id, tenant_id);
  return st == OK && n == 0 ? ERR_NOTFOUND : st;
}

enum status chat_erase_tenant(struct db *db, int64_t tenant_id, struct err *err) {
  const enum status st = db_run(db, NULL, err, "DELETE FROM chat_codes WHERE tenant_id = ?", "i", tenant_id);
  return st == OK ? db_run(db, NULL, err, "DELETE FROM chats WHERE tenant_id = ?", "i", tenant_id) : st;
}

enum status chat_erase_user(struct db *db, int64_t user_id, struct err *err) {
  const enum status st = db_run(db, NULL, err, "DELETE FROM chat_codes WHERE user_id = ?", "i", user_id);
  return st == OK ? db_run(db, NULL, err, "DELETE FROM chats WHERE user_id = ?", "i", user_id) : st;
}

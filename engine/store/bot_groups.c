// store/bot_groups.c – bots that are one on several accounts (bot_rows.h).
#include "store/bot_rows.h"

#include "store/db.h"

enum status bot_group_of(struct db *db, int64_t bot_id, int64_t *ret, struct err *err) {
  struct db_rows r;
  *ret = 0;
  enum status st = db_query(db, &r, err, "SELECT group_id FROM bot_groups WHERE bot_id = ?", "i", bot_id);
  if (st == OK && db_next(&r)) *ret = db_int(&r, 0);
  return db_end(&r, st, err);
}

enum status bot_group_join(struct db *db, int64_t bot_id, int64_t group_id, struct err *err) {
  return db_run(db, NULL, err, "INSERT INTO bot_groups (bot_id, group_id) VALUES (?, ?) ON CONFLICT (bot_id) DO UPDATE SET group_id = excluded.group_id", "ii", bot_id, group_id);
}

enum status bot_group_list(struct db *db, int64_t tenant_id, int64_t group_id, bot_group_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  bool go_on = true;
  enum status st = db_query(db, &r, err,
    "SELECT b.id, b.account_id FROM bot_groups g JOIN bots b ON b.id = g.bot_id WHERE g.group_id = ? AND b.tenant_id = ? AND b.deleted_ns IS NULL ORDER BY b.id", "ii", group_id, tenant_id);
  while (st == OK && go_on && db_next(&r)) go_on = fn(arg, db_int(&r, 0), db_int(&r, 1));
  return db_end(&r, st, err);
}

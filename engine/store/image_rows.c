// store/image_rows.c – see image_rows.h.
#include "store/image_rows.h"

#include "store/row_text.h"

#define I(value) ((int64_t)(value))

enum status bot_image_put(struct db *db, const struct bot_image *i, struct err *err) {
  return db_run(db, NULL, err, "INSERT OR REPLACE INTO bot_image (bot_id, slot, tenant_id, run, last_id, time_ns, body) VALUES (?, ?, ?, ?, ?, ?, ?)", "iiiiiib",
                i->bot_id, I(i->slot), i->tenant_id, I(i->run), i->last_id, i->time_ns, i->body, i->len);
}

#define IMAGE_COLUMNS "i.bot_id, i.tenant_id, i.run, i.slot, i.last_id, i.time_ns"
static struct bot_image image_of(const struct db_rows *r) {
  return (struct bot_image){.bot_id = db_int(r, 0), .tenant_id = db_int(r, 1), .run = (uint32_t)db_int(r, 2), .slot = (int)db_int(r, 3), .last_id = db_int(r, 4), .time_ns = db_int(r, 5)};
}

enum status bot_image_pick(struct db *db, int64_t bot_id, uint32_t run, struct bot_image *ret, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err,
    "SELECT " IMAGE_COLUMNS " FROM bot_image i JOIN followed f ON f.bot_id = i.bot_id AND f.run = i.run AND f.time_ns >= i.time_ns WHERE i.bot_id = ? AND i.run = ?"
    " ORDER BY i.last_id DESC LIMIT 1", "ii", bot_id, I(run));
  const bool found = st == OK && db_next(&r);
  if (found) *ret = image_of(&r);
  st = row_end(&r, st, found, err);
  return st == ERR_NOTFOUND ? err_set(err, st, "the bot's run has no image") : st;
}

enum status bot_image_get(struct db *db, int64_t bot_id, int slot, bot_image_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT " IMAGE_COLUMNS ", i.body FROM bot_image i WHERE i.bot_id = ? AND i.slot = ?", "ii", bot_id, I(slot));
  const bool found = st == OK && db_next(&r);
  if (found) {
    struct bot_image image = image_of(&r);
    image.body = db_blob(&r, 6, &image.len);
    fn(arg, &image);
  }
  st = row_end(&r, st, found, err);
  return st == ERR_NOTFOUND ? err_set(err, st, "the bot has no image there") : st;
}

// By the index record_of_kind, whose condition stands here word for word.
enum status journal_scan_rare(struct db *db, int64_t bot_id, uint32_t run, int64_t through_id, journal_record_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  bool go_on = true;
  enum status st = db_query(db, &r, err,
    "SELECT id, bot_id, run, time_ns, kind, coalesce(intent, 0), body FROM record INDEXED BY record_of_kind"
    " WHERE bot_id = ? AND kind <> 3 AND kind <> 5 AND kind <> 15 AND kind <> 17 AND kind IN (1, 2, 6, 7, 8, 11, 16) AND run = ? AND id <= ?"
    " ORDER BY id", "iii", bot_id, I(run), through_id);
  while (st == OK && go_on && db_next(&r)) {
    struct journal_record row = {.id = db_int(&r, 0), .bot_id = db_int(&r, 1), .run = (uint32_t)db_int(&r, 2), .time_ns = db_int(&r, 3), .kind = (int)db_int(&r, 4),
      .intent = (uint64_t)db_int(&r, 5)};
    row.body = db_blob(&r, 6, &row.len);
    go_on = fn(arg, &row);
  }
  return db_end(&r, st, err);
}

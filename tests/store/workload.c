// tests/store/workload.c – the toy of workload.h.
#include "workload.h"

#include "store/db.h"

#include <stdio.h>
#include <string.h>

static size_t payload(int i, int part, uint8_t ret[4096]) {
  // Mostly small, sometimes longer than a page.
  const size_t n = i % 9 == 4 ? 4000 : 40 + (size_t)(i * 7 % 60);
  for (size_t k = 0; k < n; k++) ret[k] = (uint8_t)(i * 31 + part * 17 + (int)k * 3);
  return n;
}
static bool refuses(int i) {
  return i % 5 == 3;
}

static enum status create(struct db *db, void *arg, struct err *err) {
  (void)arg;
  return db_script(db,
    "CREATE TABLE IF NOT EXISTS item (id INTEGER PRIMARY KEY, payload BLOB NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS part (item_id INTEGER NOT NULL REFERENCES item, n INTEGER NOT NULL, payload BLOB NOT NULL,"
    " PRIMARY KEY (item_id, n)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS total (one INTEGER PRIMARY KEY CHECK (one = 1), items INTEGER NOT NULL, sum INTEGER NOT NULL) STRICT;"
    "INSERT OR IGNORE INTO total VALUES (1, 0, 0)",
    err);
}
static enum status begin(struct store *store, enum store_file file, struct err *err) {
  return store_write_sync(store, file, create, NULL, err);
}

static void end(void) {}

static enum status write_job(struct db *db, void *arg, struct err *err) {
  const int i = *(int *)arg;
  uint8_t bytes[4096];
  size_t n = payload(i, 0, bytes);
  enum status st = db_run(db, NULL, err, "INSERT INTO item (id, payload) VALUES (?, ?)", "ib", (int64_t)i, bytes, n);
  for (int part = 1; st == OK && part <= 2; part++) {
    n = payload(i, part, bytes);
    st = db_run(db, NULL, err, "INSERT INTO part (item_id, n, payload) VALUES (?, ?, ?)", "iib", (int64_t)i, (int64_t)part, bytes, n);
  }
  if (st == OK) st = db_run(db, NULL, err, "UPDATE total SET items = items + 1, sum = sum + ?", "i", (int64_t)i);
  return st == OK && refuses(i) ? err_set(err, ERR_CANCELLED, "this one fails by itself") : st;
}
static enum status job(struct store *store, enum store_file file, int i, struct ledger *l, struct err *err) {
  l->issued = i;
  const enum status st = store_write_sync(store, file, write_job, &i, err);
  l->told[i] = (uint8_t)told_by(st);
  return st;
}

static char wrong[1600];
static const char *say(const char *what, const struct err *err) {
  snprintf(wrong, sizeof wrong, "%s: %s", what, err->msg);
  return wrong;
}

static bool same(const struct db_rows *rows, int column, int i, int part) {
  uint8_t bytes[4096];
  size_t have, n = payload(i, part, bytes);
  const void *p = db_blob(rows, column, &have);
  return have == n && memcmp(p, bytes, n) == 0;
}

static const char *judge(struct db *db, int acked, int issued, const struct ledger *ledger, bool in_order) {
  struct db_rows rows;
  struct err err = {0};
  wrong[0] = '\0';
  enum status st = db_query(db, &rows, &err, "PRAGMA integrity_check", "");
  while (st == OK && db_next(&rows))
    if (strcmp(db_text(&rows, 0), "ok") != 0 && !wrong[0]) snprintf(wrong, sizeof wrong, "integrity: %s", db_text(&rows, 0));
  if ((st = db_end(&rows, st, &err)) != OK) return say("integrity_check", &err);
  if (wrong[0]) return wrong;

  bool tables = false;
  st = db_query(db, &rows, &err, "SELECT count(*) FROM sqlite_schema WHERE name IN ('item', 'part', 'total')", "");
  if (st == OK && db_next(&rows)) tables = db_int(&rows, 0) == 3;
  if ((st = db_end(&rows, st, &err)) != OK) return say("schema", &err);
  if (!tables) return acked || (ledger && ledger->issued) ? "the tables are gone" : "";

  bool there[JOBS_MAX + 1] = {false};
  int64_t items = 0, sum = 0;
  st = db_query(db, &rows, &err,
    "SELECT i.id, i.payload, a.payload, b.payload FROM item i LEFT JOIN part a ON a.item_id = i.id AND a.n = 1"
    " LEFT JOIN part b ON b.item_id = i.id AND b.n = 2", "");
  while (st == OK && db_next(&rows)) {
    const int i = (int)db_int(&rows, 0);
    if (i < 1 || i > issued) snprintf(wrong, sizeof wrong, "job %d was never handed over", i);
    else if (refuses(i)) snprintf(wrong, sizeof wrong, "job %d failed by itself and is there", i);
    else if (!same(&rows, 1, i, 0) || !same(&rows, 2, i, 1) || !same(&rows, 3, i, 2)) snprintf(wrong, sizeof wrong, "job %d is there in part", i);
    else there[i] = true;
    items++, sum += i;
  }
  if ((st = db_end(&rows, st, &err)) != OK) return say("items", &err);
  if (wrong[0]) return wrong;

  st = db_query(db, &rows, &err, "SELECT items, sum, (SELECT count(*) FROM part) FROM total", "");
  if (st == OK && db_next(&rows)) {
    if (db_int(&rows, 0) != items || db_int(&rows, 1) != sum) snprintf(wrong, sizeof wrong, "the total counts %d items, there are %d", (int)db_int(&rows, 0), (int)items);
    else if (db_int(&rows, 2) != items * 2) snprintf(wrong, sizeof wrong, "%d parts of %d items", (int)db_int(&rows, 2), (int)items);
  } else {
    strcpy(wrong, "no total");
  }
  if ((st = db_end(&rows, st, &err)) != OK) return say("total", &err);
  if (wrong[0]) return wrong;

  bool gap = false;
  for (int i = 1; i <= issued; i++) {
    if (refuses(i)) continue;
    const bool must = ledger ? ledger->told[i] == TOLD_DONE : i <= acked;
    if (must && !there[i]) snprintf(wrong, sizeof wrong, "job %d was told as committed and is lost", i);
    if (in_order && gap && there[i]) snprintf(wrong, sizeof wrong, "job %d is there, one before it is not", i);
    gap |= !there[i];
  }
  return wrong;
}

static const char *check(const char *path, int acked, int issued, const struct ledger *ledger, bool in_order) {
  struct db *db;
  struct err err = {0};
  if (db_open(path, false, true, &db, &err) != OK) return say("open", &err);
  const char *what = judge(db, acked, issued, ledger, in_order);
  db_close(db);
  return what;
}

const struct workload work_toy = {"toy", 64, 1, "SELECT count(*) FROM item", begin, end, job, refuses, check};

const struct workload *work_named(const char *name) {
  return strcmp(name, "toy") == 0 ? &work_toy : strcmp(name, "service") == 0 ? &work_service : NULL;
}

// store/account_rows.c – see account_rows.h.
#include "store/account_rows.h"

#include "store/db.h"

#include <assert.h>
#include <stdio.h>

#define I(value) ((int64_t)(value))

static enum status next_id(struct db *db, int64_t *ret, struct err *err) {
  struct db_rows r;
  *ret = 1;
  enum status st = db_query(db, &r, err, "SELECT max(id) + 1 FROM account_entry", "");
  if (st == OK && db_next(&r) && !db_null(&r, 0)) *ret = db_int(&r, 0);
  return db_end(&r, st, err);
}

enum status account_sums_get(struct db *db, int64_t account_id, struct account_sums *ret, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT paid_in, result, free, allotted FROM account_book WHERE account_id = ?", "i", account_id);
  const bool found = st == OK && db_next(&r);
  if (found) *ret = (struct account_sums){db_int(&r, 0), db_int(&r, 1), db_int(&r, 2), db_int(&r, 3)};
  st = db_end(&r, st, err);
  return st == OK && !found ? err_set(err, ERR_NOTFOUND, "the account has no books yet") : st;
}

static enum status put(struct db *db, struct account_entry *e, struct err *err) {
  const struct account_sums *c = &e->change;
  struct account_sums now;
  enum status st = next_id(db, &e->id, err);
  if (st == OK)
    st = db_run(db, NULL, err,
      "INSERT INTO account_book (account_id, tenant_id, paid_in, result, free, allotted) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (account_id) DO UPDATE SET"
      " paid_in = paid_in + excluded.paid_in, result = result + excluded.result, free = free + excluded.free, allotted = allotted + excluded.allotted", "iiiiii",
      e->account_id, e->tenant_id, c->paid_in_e8, c->result_e8, c->free_e8, c->allotted_e8);
  if (st == OK) st = account_sums_get(db, e->account_id, &now, err);
  if (st != OK) return st;
  if (e->covered && now.free_e8 < 0) return err_set(err, ERR_LIMIT, "the account has less than that free");
  e->balance_e8 = now.paid_in_e8 + now.result_e8;
  st = db_run(db, NULL, err,
    "INSERT INTO account_entry (id, account_id, tenant_id, kind, bot_id, run, paid_in, result, free, allotted, balance, clock_ns, request)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", "iiiiiiiiiiiit", e->id, e->account_id, e->tenant_id, I(e->kind), e->bot_id, I(e->run), c->paid_in_e8, c->result_e8,
    c->free_e8, c->allotted_e8, e->balance_e8, e->clock_ns, e->request);
  return st == ERR_EXISTS ? err_set(err, st, e->run ? "the run's money was booked before" : "this request was done before") : st;
}

// What an open run has: there from the entry that gives it to the one that takes it back.
static enum status put_share(struct db *db, const struct account_entry *e, struct err *err) {
  const int64_t amount = e->change.allotted_e8;
  int64_t changes = 0;
  if (!e->run || amount == 0) return OK;
  enum status st = amount > 0 ? db_run(db, &changes, err, "INSERT INTO account_share (account_id, bot_id, run, amount) VALUES (?, ?, ?, ?)", "iiii", e->account_id,
                                       e->bot_id, I(e->run), amount)
                              : db_run(db, &changes, err, "DELETE FROM account_share WHERE account_id = ? AND bot_id = ? AND run = ? AND amount = ?", "iiii",
                                       e->account_id, e->bot_id, I(e->run), -amount);
  return st == OK && changes != 1 ? err_set(err, ERR_INVALID, "run %u of bot %lld gives back what it was not given", e->run, (long long)e->bot_id) : st;
}

static enum status open_books(struct db *db, const struct account_entry *first, struct err *err) {
  struct account_sums there;
  const enum status st = account_sums_get(db, first->account_id, &there, err);
  if (st != ERR_NOTFOUND || first->opening_e8 == 0) return st == ERR_NOTFOUND ? OK : st;
  struct account_entry e = {.account_id = first->account_id, .tenant_id = first->tenant_id, .kind = ACCOUNT_ENTRY_OPENS,
    .change = {.paid_in_e8 = first->opening_e8, .free_e8 = first->opening_e8}, .clock_ns = first->clock_ns};
  return put(db, &e, err);
}

enum status account_entry_put(struct db *db, struct account_entry *e, struct err *err) {
  assert(e->account_id > 0 && (e->run > 0) == (e->bot_id > 0));
  enum status st = open_books(db, e, err);
  if (st == OK) st = put(db, e, err);
  return st == OK ? put_share(db, e, err) : st;
}

enum status account_shares(struct db *db, int64_t account_id, account_share_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  bool go_on = true;
  enum status st = db_query(db, &r, err, "SELECT bot_id, run, amount FROM account_share WHERE account_id = ? ORDER BY bot_id, run", "i", account_id);
  while (st == OK && go_on && db_next(&r)) go_on = fn(arg, db_int(&r, 0), (uint32_t)db_int(&r, 1), db_int(&r, 2));
  return db_end(&r, st, err);
}

enum status account_entries(struct db *db, int64_t tenant_id, int64_t account_id, int64_t before, int limit, account_entry_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  bool go_on = true;
  enum status st = db_query(db, &r, err,
    "SELECT id, kind, bot_id, run, paid_in, result, free, allotted, balance, clock_ns FROM account_entry WHERE account_id = ? AND tenant_id = ? AND id < ? ORDER BY id DESC LIMIT ?",
    "iiii", account_id, tenant_id, before, I(limit));
  while (st == OK && go_on && db_next(&r)) {
    const struct account_entry e = {.id = db_int(&r, 0), .account_id = account_id, .tenant_id = tenant_id, .kind = (int)db_int(&r, 1), .bot_id = db_int(&r, 2),
      .run = (uint32_t)db_int(&r, 3), .change = {db_int(&r, 4), db_int(&r, 5), db_int(&r, 6), db_int(&r, 7)}, .balance_e8 = db_int(&r, 8), .clock_ns = db_int(&r, 9)};
    go_on = fn(arg, &e);
  }
  return db_end(&r, st, err);
}

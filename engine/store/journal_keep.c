// store/journal_keep.c – keeping the journal small, in steps that hold nobody up, and telling whether it is sound.
#include "store/db.h"
#include "store/journal_rows.h"

#include <assert.h>
#include <stdio.h>

#define I(value) ((int64_t)(value))
#define STEP_ROWS 2000

// The last of the next `rows` records after an id; 0: there are none.
static enum status step_end(struct db *db, int64_t after_id, int64_t rows, int64_t *ret, struct err *err) {
  struct db_rows r;
  *ret = 0;
  enum status st = db_query(db, &r, err, "SELECT max(id) FROM (SELECT id FROM record WHERE id > ? ORDER BY id LIMIT ?)", "ii", after_id, rows);
  if (st == OK && db_next(&r)) *ret = db_int(&r, 0);
  return db_end(&r, st, err);
}

static enum status remember(struct db *db, int64_t id, struct err *err) {
  return db_run(db, NULL, err, "UPDATE forgotten SET last_id = max(last_id, ?)", "i", id);
}

// ---- prune

enum { PRUNE_RECORDS, PRUNE_RUNS, PRUNE_BARS };

#define OLD_RUN "EXISTS (SELECT 1 FROM run WHERE run.bot_id = record.bot_id AND run.run = record.run AND run.closed_ns < ?)"
static enum status prune_records(struct db *db, struct journal_prune *p, struct err *err) {
  int64_t end, changes = 0;
  enum status st = step_end(db, p->after_id, p->step_rows ? p->step_rows : STEP_ROWS, &end, err);
  if (st != OK) return st;
  if (end == 0) {
    p->phase = PRUNE_RUNS;
    p->after_id = 0;
    return OK;
  }
  st = db_run(db, NULL, err, "DELETE FROM decision WHERE (bot_id, time_ns, record_id) IN (SELECT bot_id, time_ns, id FROM record WHERE id > ? AND id <= ? AND " OLD_RUN ")",
              "iii", p->after_id, end, p->before_ns);
  if (st == OK) st = db_run(db, &changes, err, "DELETE FROM record WHERE id > ? AND id <= ? AND " OLD_RUN, "iii", p->after_id, end, p->before_ns);
  if (st == OK && changes > 0) st = remember(db, end, err);
  p->after_id = end;
  p->records += changes;
  return st;
}

static enum status prune_runs(struct db *db, struct journal_prune *p, struct err *err) {
  enum status st = db_run(db, NULL, err, "DELETE FROM run WHERE closed_ns < ? AND run < (SELECT max(r.run) FROM run r WHERE r.bot_id = run.bot_id)", "i", p->before_ns);
  if (st == OK) st = db_run(db, NULL, err, "UPDATE run SET first_id = 0 WHERE closed_ns < ? AND first_id > 0", "i", p->before_ns);
  p->phase = PRUNE_BARS;
  return st;
}

static enum status prune_bars(struct db *db, struct journal_prune *p, struct err *err) {
  struct db_rows r;
  const int64_t rows = p->step_rows ? p->step_rows : STEP_ROWS;
  int64_t series = 0, until_ns = p->before_ns, changes = 0;
  enum status st = db_query(db, &r, err, "SELECT (SELECT min(id) FROM series WHERE id > ?), min(?, coalesce(min(bars_from_ns), ?)) FROM run WHERE first_id > 0", "iii", p->after_id,
                            until_ns, until_ns);
  if (st == OK && db_next(&r)) series = db_int(&r, 0), until_ns = db_int(&r, 1);
  st = db_end(&r, st, err);
  if (st == OK && series == 0) p->finished = true;
  if (st != OK || series == 0) return st;
  st = db_run(db, &changes, err, "DELETE FROM bar WHERE series_id = ? AND open_ns IN (SELECT open_ns FROM bar WHERE series_id = ? AND open_ns < ? ORDER BY open_ns LIMIT ?)", "iiii",
              series, series, until_ns, rows);
  if (changes < rows) p->after_id = series;
  p->bars += changes;
  return st;
}

enum status journal_prune(struct db *db, void *prune, struct err *err) {
  static enum status (*const phases[])(struct db *, struct journal_prune *, struct err *) = {
    [PRUNE_RECORDS] = prune_records, [PRUNE_RUNS] = prune_runs, [PRUNE_BARS] = prune_bars};
  struct journal_prune *p = prune, next = *p;
  assert(!p->finished);
  const enum status st = phases[p->phase](db, &next, err);
  if (st == OK) *p = next;  // a step that failed is done again
  return st;
}

// ---- erase

// Each with the rows of one step; the order of the tables is the order of the phases.
static const char *const erase_steps[] = {
  "DELETE FROM decision WHERE bot_id = ?1 AND tenant_id = ?2 AND record_id IN (SELECT record_id FROM decision WHERE bot_id = ?1 LIMIT 2000)",
  "DELETE FROM bot_order WHERE bot_id = ?1 AND tenant_id = ?2 AND intent IN (SELECT intent FROM bot_order WHERE bot_id = ?1 LIMIT 2000)",
  "DELETE FROM bot_fill WHERE bot_id = ?1 AND tenant_id = ?2 AND n IN (SELECT n FROM bot_fill WHERE bot_id = ?1 LIMIT 2000)",
  "DELETE FROM bot_trade WHERE bot_id = ?1 AND tenant_id = ?2 AND n IN (SELECT n FROM bot_trade WHERE bot_id = ?1 LIMIT 2000)",
  "DELETE FROM trade_day WHERE bot_id = ?1 AND tenant_id = ?2",
  "DELETE FROM bot_log WHERE bot_id = ?1 AND tenant_id = ?2 AND n IN (SELECT n FROM bot_log WHERE bot_id = ?1 LIMIT 2000)",
  "DELETE FROM bot_equity WHERE bot_id = ?1 AND tenant_id = ?2 AND level = 0 AND n IN (SELECT n FROM bot_equity WHERE bot_id = ?1 AND level = 0 LIMIT 2000)",
  "DELETE FROM bot_equity WHERE bot_id = ?1 AND tenant_id = ?2 AND level = 1 AND n IN (SELECT n FROM bot_equity WHERE bot_id = ?1 AND level = 1 LIMIT 2000)",
  "DELETE FROM bot_equity WHERE bot_id = ?1 AND tenant_id = ?2",
  "DELETE FROM followed WHERE bot_id = ?1 AND ?2 > 0",
  "DELETE FROM notice_events WHERE bot_id = ?1 AND tenant_id = ?2",
  "DELETE FROM bot_state WHERE bot_id = ?1 AND tenant_id = ?2",
  "DELETE FROM bot_image WHERE bot_id = ?1 AND tenant_id = ?2",
  "DELETE FROM run WHERE bot_id = ?1 AND tenant_id = ?2",
};
#define ERASE_STEPS ((int)(sizeof erase_steps / sizeof *erase_steps))

// Records have no tenant of their own; their run has.
static enum status erase_records(struct db *db, struct journal_erase *e, struct err *err) {
  struct db_rows r;
  int64_t first = 0, last = 0, end = 0;
  enum status st = db_query(db, &r, err,
    "SELECT min(first_id), max(coalesce(last_id, (SELECT max(id) FROM record))) FROM run WHERE bot_id = ? AND tenant_id = ? AND first_id > 0", "ii", e->bot_id, e->tenant_id);
  if (st == OK && db_next(&r)) first = db_int(&r, 0), last = db_int(&r, 1);
  st = db_end(&r, st, err);
  if (e->after_id < first - 1) e->after_id = first - 1;
  if (st == OK && first > 0 && e->after_id < last) st = step_end(db, e->after_id, STEP_ROWS, &end, err);
  if (st == OK && end > 0) st = db_run(db, NULL, err, "DELETE FROM record WHERE id > ? AND id <= ? AND bot_id = ?", "iii", e->after_id, end, e->bot_id);
  if (st == OK && end > 0) st = remember(db, end, err);
  if (end > 0) e->after_id = end;
  else e->phase = 1;
  return st;
}

enum status journal_erase(struct db *db, void *erase, struct err *err) {
  struct journal_erase *e = erase, next = *e;
  int64_t changes = 0;
  assert(!e->finished && e->tenant_id > 0 && e->bot_id > 0);
  enum status st = e->phase == 0 ? erase_records(db, &next, err) : db_run(db, &changes, err, erase_steps[e->phase - 1], "ii", e->bot_id, e->tenant_id);
  if (st == OK && e->phase > 0 && changes < STEP_ROWS) next.phase++;
  next.finished = next.phase > ERASE_STEPS;
  if (st == OK) *e = next;
  return st;
}

// ---- check

static const struct { const char *sql, *what; } checks[] = {
  {"SELECT count(*), min(record.id) FROM record LEFT JOIN run ON run.bot_id = record.bot_id AND run.run = record.run WHERE run.bot_id IS NULL", "records of no run, the first"},
  {"SELECT count(*), min(record.id) FROM record JOIN run ON run.bot_id = record.bot_id AND run.run = record.run"
   " WHERE record.id < run.first_id OR record.id > coalesce(run.last_id, record.id)", "records outside their run, the first"},
  {"SELECT count(*), min(first_id) FROM run WHERE first_id > 0 AND NOT EXISTS (SELECT 1 FROM record WHERE id = first_id AND record.bot_id = run.bot_id AND record.run = run.run)",
   "runs without their first record, of the id"},
  {"SELECT count(*), min(last_id) FROM run WHERE first_id > 0 AND last_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM record WHERE id = last_id AND record.bot_id = run.bot_id)",
   "runs without their last record, of the id"},
  {"SELECT count(*), min(record_id) FROM decision d WHERE NOT EXISTS (SELECT 1 FROM record r WHERE r.id = d.record_id AND r.bot_id = d.bot_id AND r.time_ns = d.time_ns)",
   "decisions without their record, the first of the id"},
  {"SELECT count(*), min(account_id) FROM account_book b WHERE (paid_in, result, free, allotted) IS NOT"
   " (SELECT sum(e.paid_in), sum(e.result), sum(e.free), sum(e.allotted) FROM account_entry e WHERE e.account_id = b.account_id)", "books that are not the sum of their entries, the first of account"},
  {"SELECT count(*), min(account_id) FROM account_book b WHERE allotted <> (SELECT coalesce(sum(amount), 0) FROM account_share s WHERE s.account_id = b.account_id)",
   "accounts whose bots' parts do not sum to what was allotted, the first"},
  {"SELECT count(*), min(s.bot_id) FROM account_share s LEFT JOIN run r ON r.bot_id = s.bot_id AND r.run = s.run WHERE r.last_id IS NOT NULL OR r.bot_id IS NULL",
   "runs that are over and have money still, the first of bot"},
  {"SELECT count(*), min(series_id) FROM bar WHERE low > min(open, close) OR high < max(open, close)", "bars whose open or close lies outside, the first of series"},
};

enum status journal_made(struct db *db, int64_t *ret_made, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT count(*) FROM sqlite_schema WHERE name = 'record'", "");
  if (st == OK && db_next(&r)) *ret_made = db_int(&r, 0);
  return db_end(&r, st, err);
}

enum status journal_check(struct db *db, journal_fault_fn fault, void *arg, struct err *err) {
  enum status st = OK;
  for (size_t i = 0; st == OK && i < sizeof checks / sizeof *checks; i++) {
    struct db_rows r;
    char text[160];
    st = db_query(db, &r, err, checks[i].sql, "");
    if (st == OK && db_next(&r) && db_int(&r, 0) > 0) {
      snprintf(text, sizeof text, "%lld %s %lld", (long long)db_int(&r, 0), checks[i].what, (long long)db_int(&r, 1));
      fault(arg, text);
    }
    st = db_end(&r, st, err);
  }
  return st;
}

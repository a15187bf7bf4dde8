// store/journal_read.c – reading the journal proper: recovery, replay, series and bars.
#include "store/journal_rows.h"
#include "store/row_text.h"

#define I(value) ((int64_t)(value))

enum status journal_last_id(struct db *db, int64_t *ret, struct err *err) {
  struct db_rows r;
  *ret = 0;
  enum status st = db_query(db, &r, err, "SELECT max(coalesce((SELECT max(id) FROM record), 0), last_id) FROM forgotten", "");
  if (st == OK && db_next(&r)) *ret = db_int(&r, 0);
  return db_end(&r, st, err);
}

#define RECORD_COLUMNS "id, bot_id, run, time_ns, kind, coalesce(intent, 0), body"
static struct journal_record record_of(const struct db_rows *r) {
  struct journal_record row = {.id = db_int(r, 0), .bot_id = db_int(r, 1), .run = (uint32_t)db_int(r, 2), .time_ns = db_int(r, 3), .kind = (int)db_int(r, 4),
    .intent = (uint64_t)db_int(r, 5)};
  row.body = db_blob(r, 6, &row.len);
  return row;
}

enum status journal_scan(struct db *db, int64_t after_id, int64_t bot_id, journal_record_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  bool go_on = true;
  enum status st = bot_id ? db_query(db, &r, err, "SELECT " RECORD_COLUMNS " FROM record WHERE id > ? AND bot_id = ? ORDER BY id", "ii", after_id, bot_id)
                          : db_query(db, &r, err, "SELECT " RECORD_COLUMNS " FROM record WHERE id > ? ORDER BY id", "i", after_id);
  while (st == OK && go_on && db_next(&r)) {
    const struct journal_record row = record_of(&r);
    go_on = fn(arg, &row);
  }
  return db_end(&r, st, err);
}

enum status journal_record_get(struct db *db, int64_t id, journal_record_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT " RECORD_COLUMNS " FROM record WHERE id = ?", "i", id);
  const bool found = st == OK && db_next(&r);
  if (found) {
    const struct journal_record row = record_of(&r);
    (void)fn(arg, &row);
  }
  st = row_end(&r, st, found, err);
  return st == ERR_NOTFOUND ? err_set(err, st, "the journal has no such record") : st;
}

enum status journal_intent_get(struct db *db, int64_t bot_id, uint64_t intent, journal_record_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT " RECORD_COLUMNS " FROM record WHERE bot_id = ? AND intent = ?", "ii", bot_id, I(intent));
  const bool found = st == OK && db_next(&r);
  if (found) {
    struct journal_record row = {.id = db_int(&r, 0), .bot_id = bot_id, .run = (uint32_t)db_int(&r, 2), .time_ns = db_int(&r, 3), .kind = (int)db_int(&r, 4), .intent = intent};
    row.body = db_blob(&r, 6, &row.len);
    (void)fn(arg, &row);
  }
  st = row_end(&r, st, found, err);
  return st == ERR_NOTFOUND ? err_set(err, st, "no such intent in the journal") : st;
}

enum status journal_scan_from(struct db *db, int64_t *ret_after_id, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err,
    "SELECT coalesce((SELECT first_id - 1 FROM run WHERE last_id IS NULL ORDER BY first_id LIMIT 1), (SELECT max(id) FROM record), 0)", "");
  if (st == OK && db_next(&r)) *ret_after_id = db_int(&r, 0);
  return db_end(&r, st, err);
}

// ---- runs

#define RUN_COLUMNS "bot_id, tenant_id, run, first_id, last_id, opened_ns, closed_ns, bars_from_ns"
static struct journal_run run_of(const struct db_rows *r) {
  return (struct journal_run){.bot_id = db_int(r, 0), .tenant_id = db_int(r, 1), .run = (uint32_t)db_int(r, 2), .first_id = db_int(r, 3), .last_id = db_int(r, 4),
    .opened_ns = db_int(r, 5), .closed_ns = db_int(r, 6), .bars_from_ns = db_int(r, 7)};
}

enum status journal_runs_open(struct db *db, journal_run_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT " RUN_COLUMNS " FROM run WHERE last_id IS NULL ORDER BY first_id", "");
  while (st == OK && db_next(&r)) {
    const struct journal_run run = run_of(&r);
    fn(arg, &run);
  }
  return db_end(&r, st, err);
}

enum status journal_run_last(struct db *db, int64_t tenant_id, int64_t bot_id, struct journal_run *ret, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT " RUN_COLUMNS " FROM run WHERE bot_id = ? AND ? IN (0, tenant_id) ORDER BY run DESC LIMIT 1", "ii", bot_id, tenant_id);
  const bool found = st == OK && db_next(&r);
  if (found) *ret = run_of(&r);
  st = row_end(&r, st, found, err);
  return st == ERR_NOTFOUND ? err_set(err, st, "the bot has not run") : st;
}

enum status journal_run_get(struct db *db, int64_t tenant_id, int64_t bot_id, uint32_t run, struct journal_run *ret, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT " RUN_COLUMNS " FROM run WHERE bot_id = ? AND run = ? AND ? IN (0, tenant_id)", "iii", bot_id, I(run), tenant_id);
  const bool found = st == OK && db_next(&r);
  if (found) *ret = run_of(&r);
  st = row_end(&r, st, found, err);
  return st == ERR_NOTFOUND ? err_set(err, st, "the bot has no run %u", run) : st;
}

enum status journal_bot_last_id(struct db *db, int64_t bot_id, int64_t *ret, struct err *err) {
  struct journal_run run;
  struct db_rows r;
  *ret = 0;
  enum status st = journal_run_last(db, 0, bot_id, &run, err);
  if (st != OK) return st == ERR_NOTFOUND ? OK : st;
  *ret = run.last_id;
  if (run.last_id) return OK;
  st = db_query(db, &r, err, "SELECT id FROM record WHERE id >= ? AND bot_id = ? ORDER BY id DESC LIMIT 1", "ii", run.first_id, bot_id);
  if (st == OK && db_next(&r)) *ret = db_int(&r, 0);
  return db_end(&r, st, err);
}

// ---- series and bars

#define SERIES_COLUMNS \
  "id, venue, symbol, timeframe_ns, tick_digits, tick_scale, lot_digits, lot_scale, mult_digits, mult_scale, min_lots, max_lots, min_notional_e8, tick_step, lot_step," \
  " volume_scale, price_scale"
static enum status series_of(const struct db_rows *r, struct journal_series *ret, struct err *err) {
  *ret = (struct journal_series){.id = (uint32_t)db_int(r, 0),
    .terms = {.timeframe_ns = db_int(r, 3), .volume_scale = (int)db_int(r, 15), .price_scale = (int)db_int(r, 16),
      .inst = {.tick = {.digits = db_int(r, 4), .scale = (int)db_int(r, 5)}, .lot = {.digits = db_int(r, 6), .scale = (int)db_int(r, 7)},
        .multiplier = {.digits = db_int(r, 8), .scale = (int)db_int(r, 9)}, .min_qty = {db_int(r, 10)}, .max_order_qty = {db_int(r, 11)},
        .min_notional = {db_int(r, 12)}, .tick_step = db_int(r, 13), .lot_step = db_int(r, 14)}}};
  row_text(r, 1, ret->venue, sizeof ret->venue);
  row_text(r, 2, ret->terms.inst.symbol, sizeof ret->terms.inst.symbol);
  enum status st = instrument_finish(&ret->terms.inst, err);
  return st == OK ? OK : err_wrap(err, st, "series %u of the journal", ret->id);
}

enum status journal_series_list(struct db *db, journal_series_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  struct journal_series s;
  enum status st = db_query(db, &r, err, "SELECT " SERIES_COLUMNS " FROM series ORDER BY id", "");
  while (st == OK && db_next(&r)) {
    st = series_of(&r, &s, err);
    if (st == OK) fn(arg, &s);
  }
  return db_end(&r, st, err);
}

enum status journal_series_get(struct db *db, uint32_t id, struct journal_series *ret, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT " SERIES_COLUMNS " FROM series WHERE id = ?", "i", I(id));
  const bool found = st == OK && db_next(&r);
  if (found) st = series_of(&r, ret, err);
  st = row_end(&r, st, found, err);
  return st == ERR_NOTFOUND ? err_set(err, st, "the journal has no series %u", id) : st;
}

#define BAR_COLUMNS "open_ns, open, high, low, close, volume, flags"
static struct bar bar_over(const struct db_rows *r) {
  return (struct bar){.open_ns = db_int(r, 0), .open = {db_int(r, 1)}, .high = {db_int(r, 2)}, .low = {db_int(r, 3)}, .close = {db_int(r, 4)},
    .volume = db_int(r, 5), .flags = (uint32_t)db_int(r, 6)};
}

enum status journal_bar_before(struct db *db, uint32_t series, int64_t before_ns, struct bar *ret, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT " BAR_COLUMNS " FROM bar WHERE series_id = ? AND open_ns < ? ORDER BY open_ns DESC LIMIT 1", "ii", I(series), before_ns);
  if (st == OK && db_next(&r)) *ret = bar_over(&r);
  else if (st == OK) st = err_set(err, ERR_NOTFOUND, "no bar of series %u before", series);
  return db_end(&r, st, err);
}

enum status journal_bars_from(struct db *db, uint32_t series, int64_t before_ns, size_t count, int64_t *ret_from_ns, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT min(open_ns) FROM (SELECT open_ns FROM bar WHERE series_id = ? AND open_ns < ? ORDER BY open_ns DESC LIMIT ?)", "iii",
    I(series), before_ns, I(count));
  *ret_from_ns = INT64_MAX;
  if (st == OK && db_next(&r) && !db_null(&r, 0)) *ret_from_ns = db_int(&r, 0);
  return db_end(&r, st, err);
}

enum status journal_bars(struct db *db, uint32_t series, int64_t from_ns, int64_t to_ns, size_t limit, struct series *ret, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err,
    "SELECT " BAR_COLUMNS " FROM bar WHERE series_id = ? AND open_ns >= ? AND open_ns < ? ORDER BY open_ns LIMIT ?", "iiii", I(series), from_ns,
    to_ns, limit ? I(limit) : INT64_C(-1));
  while (st == OK && db_next(&r)) {
    const struct bar bar = bar_over(&r);
    st = series_append(ret, &bar, err);
  }
  return db_end(&r, st, err);
}

enum status journal_pace_put(struct db *db, const struct journal_pace *p, struct err *err) {
  return db_run(db, NULL, err, "INSERT OR REPLACE INTO tenant_pace (tenant_id, quick, slow, time_ns) VALUES (?, ?, ?, ?)", "iiii", p->tenant_id, I(p->quick), I(p->slow), p->time_ns);
}

enum status journal_paces(struct db *db, void (*fn)(void *arg, const struct journal_pace *p), void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT tenant_id, quick, slow, time_ns FROM tenant_pace ORDER BY tenant_id", "");
  while (st == OK && db_next(&r)) fn(arg, &(struct journal_pace){db_int(&r, 0), (unsigned)db_int(&r, 1), db_int(&r, 2) != 0, db_int(&r, 3)});
  return db_end(&r, st, err);
}

enum status journal_bars_span(struct db *db, uint32_t series, int64_t *ret_first_ns, int64_t *ret_last_ns, struct err *err) {
  struct db_rows r;
  // Two questions, each a step in the index; both in one would read all of it.
  enum status st = db_query(db, &r, err,
    "SELECT (SELECT min(open_ns) FROM bar WHERE series_id = ?1), (SELECT max(open_ns) FROM bar WHERE series_id = ?1)", "i", I(series));
  *ret_first_ns = INT64_MAX, *ret_last_ns = INT64_MIN;
  if (st == OK && db_next(&r) && !db_null(&r, 0)) *ret_first_ns = db_int(&r, 0), *ret_last_ns = db_int(&r, 1);
  return db_end(&r, st, err);
}

// ---- states

#define STATE_COLUMNS "bot_id, tenant_id, run, version, resumes, time_ns, body"
static void state_over(const struct db_rows *r, journal_state_fn fn, void *arg) {
  struct journal_state s = {.bot_id = db_int(r, 0), .tenant_id = db_int(r, 1), .run = (uint32_t)db_int(r, 2), .version = (uint32_t)db_int(r, 3),
    .resumes = (uint32_t)db_int(r, 4), .time_ns = db_int(r, 5)};
  s.body = db_blob(r, 6, &s.len);
  fn(arg, &s);
}

enum status journal_states(struct db *db, journal_state_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT " STATE_COLUMNS " FROM bot_state ORDER BY bot_id", "");
  while (st == OK && db_next(&r)) state_over(&r, fn, arg);
  return db_end(&r, st, err);
}

enum status journal_state_get(struct db *db, int64_t bot_id, journal_state_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT " STATE_COLUMNS " FROM bot_state WHERE bot_id = ?", "i", bot_id);
  const bool found = st == OK && db_next(&r);
  if (found) state_over(&r, fn, arg);
  st = row_end(&r, st, found, err);
  return st == ERR_NOTFOUND ? err_set(err, st, "the bot has no kept state") : st;
}

enum status journal_followed_get(struct db *db, int64_t bot_id, struct journal_followed *ret, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT run, time_ns FROM followed WHERE bot_id = ?", "i", bot_id);
  const bool found = st == OK && db_next(&r);
  if (found) *ret = (struct journal_followed){.bot_id = bot_id, .run = (uint32_t)db_int(&r, 0), .time_ns = db_int(&r, 1)};
  st = row_end(&r, st, found, err);
  return st == ERR_NOTFOUND ? err_set(err, st, "nothing follows from the bot's journal yet") : st;
}

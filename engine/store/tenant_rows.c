// store/tenant_rows.c – see tenant_rows.h. Each query over all bots is a range of one index, newest first.
#include "store/tenant_rows.h"

#include "store/row_text.h"

#define I(value) ((int64_t)(value))

// ---- trades and fills

static int64_t end_of(const struct tenant_filter *f) { return f->to_ns ? f->to_ns : INT64_MAX; }

enum status tenant_trades(struct db *journal, const struct tenant_filter *f, struct tenant_place at, int limit, journal_trade_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(journal, &r, err,
    "SELECT n, run, series_id, direction, qty, entry_ns, exit_ns, entry_price, exit_price, entry_order, exit_order, position_id, pnl, fees, mae, mfe, bars, flags, tag,"
    " exit_tag, bot_id FROM bot_trade INDEXED BY bot_trade_of_tenant WHERE tenant_id = ?1 AND exit_ns >= ?2 AND exit_ns < ?3 AND exit_ns <= ?4"
    " AND (?5 IS NULL OR bot_id IN (SELECT value FROM json_each(?5))) AND (?6 IS NULL OR series_id IN (SELECT id FROM series WHERE symbol = ?6))"
    " AND ?7 IN (0, direction) AND (?8 = 0 OR (?8 > 0) = (pnl > 0)) ORDER BY exit_ns DESC, bot_id DESC, n DESC LIMIT ?9 OFFSET ?10", "iiiittiiii", f->tenant_id, f->from_ns,
    end_of(f), at.time_ns, f->bots, f->symbol, I(f->side), I(f->result), I(limit), at.skip);
  while (st == OK && db_next(&r)) {
    const int64_t flags = db_int(&r, 17);
    struct journal_trade t = {.number = db_int(&r, 0), .bot_id = db_int(&r, 20), .tenant_id = f->tenant_id, .run = (uint32_t)db_int(&r, 1), .series = (uint32_t)db_int(&r, 2),
      .direction = (int)db_int(&r, 3), .qty = {db_int(&r, 4)}, .entry_ns = db_int(&r, 5), .exit_ns = db_int(&r, 6), .entry_px = {db_int(&r, 7)},
      .exit_px = {db_int(&r, 8)}, .entry_order = (uint64_t)db_int(&r, 9), .exit_order = (uint64_t)db_int(&r, 10), .position_id = (uint64_t)db_int(&r, 11),
      .pnl = {db_int(&r, 12)}, .fees = {db_int(&r, 13)}, .mae = {db_int(&r, 14)}, .mfe = {db_int(&r, 15)}, .bars = db_int(&r, 16), .ambiguous = flags & 1,
      .liquidated = flags >> 1 & 1};
    row_text(&r, 18, t.tag, sizeof t.tag);
    row_text(&r, 19, t.exit_tag, sizeof t.exit_tag);
    fn(arg, &t);
  }
  return db_end(&r, st, err);
}

enum status tenant_fills(struct db *journal, const struct tenant_filter *f, struct tenant_place at, int limit, journal_fill_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(journal, &r, err,
    "SELECT n, run, series_id, fill_id, order_id, side, leg, price, qty, fee, slippage, flags, time_ns, tag, bot_id FROM bot_fill INDEXED BY bot_fill_of_tenant"
    " WHERE tenant_id = ?1 AND time_ns >= ?2 AND time_ns < ?3 AND time_ns <= ?4 AND (?5 IS NULL OR bot_id IN (SELECT value FROM json_each(?5)))"
    " AND (?6 IS NULL OR series_id IN (SELECT id FROM series WHERE symbol = ?6)) AND ?7 IN (0, side + 1) ORDER BY time_ns DESC, bot_id DESC, n DESC LIMIT ?8 OFFSET ?9",
    "iiiittiii", f->tenant_id, f->from_ns, end_of(f), at.time_ns, f->bots, f->symbol, I(f->side), I(limit), at.skip);
  while (st == OK && db_next(&r)) {
    const int64_t flags = db_int(&r, 11);
    struct journal_fill fill = {.number = db_int(&r, 0), .bot_id = db_int(&r, 14), .tenant_id = f->tenant_id, .run = (uint32_t)db_int(&r, 1), .series = (uint32_t)db_int(&r, 2),
      .fill = (uint64_t)db_int(&r, 3), .order = (uint64_t)db_int(&r, 4), .side = (int)db_int(&r, 5), .leg = (int)db_int(&r, 6), .px = {db_int(&r, 7)},
      .qty = {db_int(&r, 8)}, .fee = {db_int(&r, 9)}, .slippage = {db_int(&r, 10)}, .maker = flags & 1, .complete = flags >> 1 & 1, .ambiguous = flags >> 2 & 1,
      .cut = flags >> 3 & 1, .time_ns = db_int(&r, 12)};
    row_text(&r, 13, fill.tag, sizeof fill.tag);
    fn(arg, &fill);
  }
  return db_end(&r, st, err);
}

// ---- sums by day

// A sum that would leave 64 bits stays at half of their range: a journal that cannot be written would stop the bot.
#define SUM(column) column " = min(" column ", 4611686018427387903) + min(excluded." column ", 4611686018427387903)"
enum status tenant_day_add(struct db *journal, const struct journal_trade *t, struct err *err) {
  const int64_t pnl = t->pnl.e8 > -INT64_MAX ? t->pnl.e8 : -INT64_MAX;
  return db_run(journal, NULL, err,
    "INSERT INTO trade_day (tenant_id, bot_id, series_id, direction, day, trades, wins, profit, loss, fees, best, worst, held_ms) VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (tenant_id, bot_id, series_id, direction, day) DO UPDATE SET trades = trades + 1, wins = wins + excluded.wins, " SUM("profit") ", " SUM("loss") ", "
    SUM("fees") ", best = max(best, excluded.best), worst = min(worst, excluded.worst), " SUM("held_ms"), "iiiiiiiiiiii", t->tenant_id, t->bot_id, I(t->series),
    I(t->direction), t->exit_ns / NS_PER_DAY, I(pnl > 0), pnl > 0 ? pnl : 0, pnl > 0 ? 0 : -pnl, t->fees.e8, pnl, pnl, (t->exit_ns - t->entry_ns) / NS_PER_MS);
}

// Days of a filter, whole.
static int64_t first_day(const struct tenant_filter *f) { return f->from_ns / NS_PER_DAY; }
static int64_t last_day(const struct tenant_filter *f) { return f->to_ns ? (f->to_ns - 1) / NS_PER_DAY : INT64_MAX; }

enum status tenant_sums(struct db *journal, const struct tenant_filter *f, tenant_sums_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  struct tenant_sums s = {0};
  enum status st = db_query(journal, &r, err,
    "SELECT bot_id, series_id, direction, trades, wins, profit, loss, fees, held_ms, best, worst FROM trade_day WHERE tenant_id = ?1 AND day >= ?2 AND day <= ?3"
    " AND (?4 IS NULL OR bot_id IN (SELECT value FROM json_each(?4))) AND ?5 IN (0, direction) ORDER BY bot_id, series_id, direction", "iiiti", f->tenant_id, first_day(f),
    last_day(f), f->bots, I(f->side));
  while (st == OK && db_next(&r)) {
    const int64_t best = db_int(&r, 9), worst = db_int(&r, 10);
    if (s.trades && (s.bot_id != db_int(&r, 0) || s.series != (uint32_t)db_int(&r, 1) || s.direction != (int)db_int(&r, 2))) {
      fn(arg, &s);
      s.trades = 0;
    }
    if (!s.trades) s = (struct tenant_sums){.bot_id = db_int(&r, 0), .series = (uint32_t)db_int(&r, 1), .direction = (int)db_int(&r, 2), .best_e8 = best, .worst_e8 = worst};
    s.trades += db_int(&r, 3);
    s.wins += db_int(&r, 4);
    s.profit_e8 += db_int(&r, 5);
    s.loss_e8 += db_int(&r, 6);
    s.fees_e8 += db_int(&r, 7);
    s.held_ms += db_int(&r, 8);
    if (best > s.best_e8) s.best_e8 = best;
    if (worst < s.worst_e8) s.worst_e8 = worst;
  }
  if (st == OK && s.trades) fn(arg, &s);
  return db_end(&r, st, err);
}

enum status tenant_days(struct db *journal, const struct tenant_filter *f, tenant_day_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(journal, &r, err,
    "SELECT bot_id, day, trades, wins, profit - loss, fees FROM trade_day WHERE tenant_id = ?1 AND day >= ?2 AND day <= ?3 AND (?4 IS NULL OR bot_id IN (SELECT value FROM json_each(?4)))"
    " AND ?5 IN (0, direction) ORDER BY day, bot_id", "iiiti", f->tenant_id, first_day(f), last_day(f), f->bots, I(f->side));
  while (st == OK && db_next(&r)) fn(arg, db_int(&r, 0), db_int(&r, 1), db_int(&r, 2), db_int(&r, 3), (cash){db_int(&r, 4)}, (cash){db_int(&r, 5)});
  return db_end(&r, st, err);
}

// ---- what wants to be seen

enum status tenant_warnings(struct db *journal, int64_t tenant_id, int limit, tenant_warning_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(journal, &r, err,
    "SELECT bot_id, n, run, time_ns, level, text FROM bot_log INDEXED BY bot_log_warning WHERE tenant_id = ? AND level >= 2 ORDER BY time_ns DESC, bot_id DESC, n DESC LIMIT ?",
    "ii", tenant_id, I(limit));
  while (st == OK && db_next(&r)) {
    const struct journal_log l = {.number = db_int(&r, 1), .run = (uint32_t)db_int(&r, 2), .time_ns = db_int(&r, 3), .level = (int)db_int(&r, 4), .text = db_text(&r, 5),
      .len = strlen(db_text(&r, 5))};
    fn(arg, db_int(&r, 0), &l);
  }
  return db_end(&r, st, err);
}

#define DENIAL_LOOKS 200
enum status tenant_denial(struct db *journal, int64_t tenant_id, int64_t bot_id, int kind, journal_record_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(journal, &r, err,
    "SELECT r.id, r.run, r.time_ns, r.body FROM (SELECT record_id, time_ns FROM decision WHERE bot_id = ? AND tenant_id = ? ORDER BY time_ns DESC, record_id DESC LIMIT ?) d"
    " CROSS JOIN record r ON r.id = d.record_id WHERE r.kind = ? ORDER BY d.time_ns DESC, d.record_id DESC LIMIT 1", "iiii", bot_id, tenant_id, I(DENIAL_LOOKS), I(kind));
  const bool found = st == OK && db_next(&r);
  if (found) {
    struct journal_record row = {.id = db_int(&r, 0), .bot_id = bot_id, .tenant_id = tenant_id, .run = (uint32_t)db_int(&r, 1), .time_ns = db_int(&r, 2), .kind = kind, .decision = true};
    row.body = db_blob(&r, 3, &row.len);
    (void)fn(arg, &row);
  }
  return row_end(&r, st, found, err);
}

// ---- equity

static struct journal_point point_of(const struct db_rows *r) {
  return (struct journal_point){db_int(r, 0), {db_int(r, 1)}, {db_int(r, 2)}, {db_int(r, 3)}, {db_int(r, 4)}};
}

enum status tenant_curve(struct db *journal, int64_t tenant_id, int64_t bot_id, uint32_t run, enum tenant_curve level, int64_t from_ns, journal_point_fn fn, void *arg,
                         struct err *err) {
  struct db_rows r;
  int64_t last_ns = INT64_MIN;
  enum status st = db_query(journal, &r, err,
    "SELECT time_ns, equity, balance, lowest, highest FROM bot_equity WHERE bot_id = ? AND level = ? AND tenant_id = ? AND run = ? AND time_ns >= ? ORDER BY n", "iiiii", bot_id,
    I(level), tenant_id, I(run), from_ns);
  while (st == OK && db_next(&r)) {
    const struct journal_point p = point_of(&r);
    last_ns = p.time_ns;
    fn(arg, &p);
  }
  st = db_end(&r, st, err);
  struct journal_point first, last;
  if (st == OK && level != CURVE_MARKS && tenant_curve_ends(journal, tenant_id, bot_id, run, &first, &last, err) == OK && last.time_ns > last_ns) fn(arg, &last);
  return st;
}

enum status tenant_curve_ends(struct db *journal, int64_t tenant_id, int64_t bot_id, uint32_t run, struct journal_point *ret_first, struct journal_point *ret_last,
                              struct err *err) {
  struct db_rows r;
  bool any = false;
  *ret_first = (struct journal_point){.time_ns = INT64_MAX};
  enum status st = db_query(journal, &r, err, "SELECT time_ns, equity, balance, lowest, highest FROM bot_equity WHERE bot_id = ? AND level = 0 AND tenant_id = ? AND run = ?"
                            " ORDER BY n DESC LIMIT 1", "iii", bot_id, tenant_id, I(run));
  if (st == OK && db_next(&r)) any = true, *ret_last = point_of(&r);
  st = db_end(&r, st, err);
  for (int level = 0; st == OK && any && level <= 2; level++) {
    st = db_query(journal, &r, err, "SELECT time_ns, equity, balance, lowest, highest FROM bot_equity WHERE bot_id = ? AND level = ? AND tenant_id = ? AND run = ? ORDER BY n LIMIT 1",
                  "iiii", bot_id, I(level), tenant_id, I(run));
    if (st == OK && db_next(&r)) {
      const struct journal_point p = point_of(&r);
      if (p.time_ns < ret_first->time_ns) *ret_first = p;
    }
    st = db_end(&r, st, err);
  }
  return st == OK && !any ? ERR_NOTFOUND : st;
}

enum status tenant_before_day(struct db *journal, int64_t tenant_id, int64_t bot_id, uint32_t run, int64_t day_ns, cash *ret_equity, struct err *err) {
  bool found = false;
  enum status st = OK;
  // The newest mark is of before, or the newest of the ended days is: they are written when another day's mark comes.
  for (int level = 0; st == OK && !found && level <= 2; level += 2) {
    struct db_rows r;
    st = db_query(journal, &r, err, "SELECT time_ns, equity FROM bot_equity WHERE bot_id = ? AND level = ? AND tenant_id = ? AND run = ? ORDER BY n DESC LIMIT 1", "iiii", bot_id,
                  I(level), tenant_id, I(run));
    if (st == OK && db_next(&r) && db_int(&r, 0) < day_ns) found = true, *ret_equity = (cash){db_int(&r, 1)};
    st = db_end(&r, st, err);
  }
  return st == OK && !found ? ERR_NOTFOUND : st;
}

enum status tenant_run_cash(struct db *journal, int64_t tenant_id, int64_t bot_id, uint32_t run, cash *ret, struct err *err) {
  struct db_rows r;
  enum status st = db_query(journal, &r, err, "SELECT allotted FROM account_entry WHERE bot_id = ? AND run = ? AND run > 0 AND allotted > 0 AND tenant_id = ?", "iii", bot_id, I(run),
                            tenant_id);
  const bool found = st == OK && db_next(&r);
  if (found) *ret = (cash){db_int(&r, 0)};
  return row_end(&r, st, found, err);
}

// ---- control.db

enum status tenant_bots(struct db *control, int64_t tenant_id, tenant_bot_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(control, &r, err,
    "SELECT b.id, b.account_id, b.script_id, b.name, coalesce(a.name, ''), coalesce(s.name, ''), coalesce(json_extract(a.settings, '$.currency'), 'USDT'), b.state, b.reason_code,"
    " b.reason, b.since_ns, a.venue = 'paper', b.deleted_ns IS NOT NULL FROM bots b LEFT JOIN accounts a ON a.id = b.account_id LEFT JOIN script s ON s.id = b.script_id"
    " WHERE b.tenant_id = ? ORDER BY b.id", "i", tenant_id);
  while (st == OK && db_next(&r)) {
    const struct tenant_bot b = {.id = db_int(&r, 0), .account_id = db_int(&r, 1), .script_id = db_int(&r, 2), .name = db_text(&r, 3), .account = db_text(&r, 4),
      .script = db_text(&r, 5), .currency = db_text(&r, 6), .state = db_text(&r, 7), .reason_code = db_text(&r, 8), .reason = db_text(&r, 9), .since_ns = db_int(&r, 10),
      .paper = db_int(&r, 11) != 0, .deleted = db_int(&r, 12) != 0};
    fn(arg, &b);
  }
  return db_end(&r, st, err);
}

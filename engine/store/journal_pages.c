// store/journal_pages.c – what the API shows of bots: orders, fills, trades, logs, decisions, equity. Every query names the tenant.
#include "store/journal_rows.h"
#include "store/row_text.h"

#define I(value) ((int64_t)(value))

// ---- orders

#define ORDER_COLUMNS \
  "bot_id, intent, tenant_id, run, order_id, version, series_id, side, type, leg, tif, status, reason, reduce, post, qty, filled, limit_price, trigger_price, sl, tp," \
  " avg_e6, parent, oco, decided_ns, updated_ns, ended_ns, tag"
static void order_over(const struct db_rows *r, journal_order_fn fn, void *arg) {
  struct journal_order o = {.bot_id = db_int(r, 0), .intent = (uint64_t)db_int(r, 1), .tenant_id = db_int(r, 2), .run = (uint32_t)db_int(r, 3),
    .order = (uint64_t)db_int(r, 4), .version = (uint32_t)db_int(r, 5), .series = (uint32_t)db_int(r, 6), .side = (int)db_int(r, 7), .type = (int)db_int(r, 8),
    .leg = (int)db_int(r, 9), .tif = (int)db_int(r, 10), .status = (int)db_int(r, 11), .reason = (int)db_int(r, 12), .reduce = db_int(r, 13) != 0,
    .post = db_int(r, 14) != 0, .qty = {db_int(r, 15)}, .filled = {db_int(r, 16)}, .limit = {db_int(r, 17)}, .trigger = {db_int(r, 18)}, .sl = {db_int(r, 19)},
    .tp = {db_int(r, 20)}, .avg_e6 = db_int(r, 21), .parent = (uint64_t)db_int(r, 22), .oco = (uint64_t)db_int(r, 23), .decided_ns = db_int(r, 24),
    .updated_ns = db_int(r, 25), .ended_ns = db_int(r, 26)};
  row_text(r, 27, o.tag, sizeof o.tag);
  fn(arg, &o);
}

enum status journal_orders(struct db *db, int64_t tenant_id, int64_t bot_id, bool working, int64_t before_intent, int limit, journal_order_fn fn, void *arg,
                           struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err,
    "SELECT " ORDER_COLUMNS " FROM bot_order WHERE bot_id = ? AND tenant_id = ? AND intent < ? AND (? = 0 OR ended_ns = 0) ORDER BY intent DESC LIMIT ?", "iiiii", bot_id,
    tenant_id, before_intent, I(working), I(limit));
  while (st == OK && db_next(&r)) order_over(&r, fn, arg);
  return db_end(&r, st, err);
}

enum status journal_order_get(struct db *db, int64_t tenant_id, int64_t bot_id, uint64_t intent, journal_order_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT " ORDER_COLUMNS " FROM bot_order WHERE bot_id = ? AND tenant_id = ? AND intent = ?", "iii", bot_id, tenant_id, I(intent));
  const bool found = st == OK && db_next(&r);
  if (found) order_over(&r, fn, arg);
  st = row_end(&r, st, found, err);
  return st == ERR_NOTFOUND ? err_set(err, st, "no such order") : st;
}

// ---- fills, trades, logs

enum status journal_fills(struct db *db, int64_t tenant_id, int64_t bot_id, int64_t before, int limit, journal_fill_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err,
    "SELECT n, run, series_id, fill_id, order_id, side, leg, price, qty, fee, slippage, flags, time_ns, tag FROM bot_fill WHERE bot_id = ? AND tenant_id = ? AND n < ?"
    " ORDER BY n DESC LIMIT ?", "iiii", bot_id, tenant_id, before, I(limit));
  while (st == OK && db_next(&r)) {
    const int64_t flags = db_int(&r, 11);
    struct journal_fill f = {.number = db_int(&r, 0), .bot_id = bot_id, .tenant_id = tenant_id, .run = (uint32_t)db_int(&r, 1), .series = (uint32_t)db_int(&r, 2),
      .fill = (uint64_t)db_int(&r, 3), .order = (uint64_t)db_int(&r, 4), .side = (int)db_int(&r, 5), .leg = (int)db_int(&r, 6), .px = {db_int(&r, 7)},
      .qty = {db_int(&r, 8)}, .fee = {db_int(&r, 9)}, .slippage = {db_int(&r, 10)}, .maker = flags & 1, .complete = flags >> 1 & 1, .ambiguous = flags >> 2 & 1,
      .cut = flags >> 3 & 1, .time_ns = db_int(&r, 12)};
    row_text(&r, 13, f.tag, sizeof f.tag);
    fn(arg, &f);
  }
  return db_end(&r, st, err);
}

enum status journal_trades(struct db *db, int64_t tenant_id, int64_t bot_id, int64_t before, int limit, journal_trade_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err,
    "SELECT n, run, series_id, direction, qty, entry_ns, exit_ns, entry_price, exit_price, entry_order, exit_order, position_id, pnl, fees, mae, mfe, bars, flags, tag,"
    " exit_tag FROM bot_trade WHERE bot_id = ? AND tenant_id = ? AND n < ? ORDER BY n DESC LIMIT ?", "iiii", bot_id, tenant_id, before, I(limit));
  while (st == OK && db_next(&r)) {
    const int64_t flags = db_int(&r, 17);
    struct journal_trade t = {.number = db_int(&r, 0), .bot_id = bot_id, .tenant_id = tenant_id, .run = (uint32_t)db_int(&r, 1), .series = (uint32_t)db_int(&r, 2),
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

enum status journal_logs(struct db *db, int64_t tenant_id, int64_t bot_id, int level, int64_t before, int limit, journal_log_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err,
    "SELECT n, run, time_ns, level, text FROM bot_log WHERE bot_id = ? AND tenant_id = ? AND n < ? AND level >= ? ORDER BY n DESC LIMIT ?", "iiiii", bot_id, tenant_id, before,
    I(level), I(limit));
  while (st == OK && db_next(&r)) {
    const struct journal_log l = {.number = db_int(&r, 0), .bot_id = bot_id, .tenant_id = tenant_id, .run = (uint32_t)db_int(&r, 1), .time_ns = db_int(&r, 2),
      .level = (int)db_int(&r, 3), .text = db_text(&r, 4), .len = strlen(db_text(&r, 4))};
    fn(arg, &l);
  }
  return db_end(&r, st, err);
}

// ---- decisions

// The time of the record at a cursor, where its page goes on; records that are gone have taken all older ones along.
static enum status time_of(struct db *db, int64_t tenant_id, int64_t bot_id, int64_t id, int64_t *ret_ns, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err,
    "SELECT d.time_ns FROM record r JOIN decision d ON d.bot_id = r.bot_id AND d.time_ns = r.time_ns AND d.record_id = r.id WHERE r.id = ? AND d.bot_id = ? AND d.tenant_id = ?",
    "iii", id, bot_id, tenant_id);
  const bool found = st == OK && db_next(&r);
  if (found) *ret_ns = db_int(&r, 0);
  return row_end(&r, st, found, err);
}

#define DECISION "SELECT r.id, r.run, r.time_ns, r.kind, coalesce(r.intent, 0), r.body FROM "
#define KIND_COMMANDS 3  // most decisions are orders (bot/record.h): they are found on the way; all other kinds by their index

enum status journal_decisions(struct db *db, int64_t tenant_id, int64_t bot_id, int64_t from_ns, int64_t to_ns, int kind, int64_t before_id, int limit, journal_record_fn fn,
                              void *arg, struct err *err) {
  struct db_rows r;
  bool go_on = true;
  int64_t before_ns = INT64_MAX;
  enum status st = before_id == INT64_MAX ? OK : time_of(db, tenant_id, bot_id, before_id, &before_ns, err);
  if (st != OK) return st == ERR_NOTFOUND ? OK : st;
  if (kind && kind != KIND_COMMANDS)
    st = db_query(db, &r, err,
      DECISION "record r INDEXED BY record_of_kind CROSS JOIN decision d ON d.bot_id = r.bot_id AND d.time_ns = r.time_ns AND d.record_id = r.id"
      " WHERE r.bot_id = ? AND d.tenant_id = ? AND r.time_ns >= ? AND r.time_ns < ? AND (r.time_ns, r.id) < (?, ?)"
      " AND r.kind = ? AND r.kind <> 3 AND r.kind <> 5 AND r.kind <> 15 AND r.kind <> 17 ORDER BY r.time_ns DESC, r.id DESC LIMIT ?",
      "iiiiiiii", bot_id, tenant_id, from_ns, to_ns, before_ns, before_id, I(kind), I(limit));
  else
    st = db_query(db, &r, err,
      DECISION "decision d CROSS JOIN record r ON r.id = d.record_id WHERE d.bot_id = ? AND d.tenant_id = ? AND d.time_ns >= ? AND d.time_ns < ?"
      " AND (d.time_ns, d.record_id) < (?, ?) AND ? IN (0, r.kind) ORDER BY d.time_ns DESC, d.record_id DESC LIMIT ?",
      "iiiiiiii", bot_id, tenant_id, from_ns, to_ns, before_ns, before_id, I(kind), I(limit));
  while (st == OK && go_on && db_next(&r)) {
    struct journal_record row = {.id = db_int(&r, 0), .bot_id = bot_id, .tenant_id = tenant_id, .run = (uint32_t)db_int(&r, 1), .time_ns = db_int(&r, 2),
      .kind = (int)db_int(&r, 3), .intent = (uint64_t)db_int(&r, 4), .decision = true};
    row.body = db_blob(&r, 5, &row.len);
    go_on = fn(arg, &row);
  }
  return db_end(&r, st, err);
}

// ---- equity

struct chart {
  int64_t tenant_id, bot_id, run, from_ns, to_ns;
  int points;
  int64_t slot;  // of the point that is being made; -1: none yet
  struct journal_point point;
  journal_point_fn fn;
  void *arg;
};

// When the level's first mark was; INT64_MAX: it has none.
static enum status level_begin(struct db *db, const struct chart *c, int level, int64_t *ret_ns, struct err *err) {
  struct db_rows r;
  *ret_ns = INT64_MAX;
  enum status st = db_query(db, &r, err, "SELECT time_ns FROM bot_equity WHERE bot_id = ? AND level = ? AND tenant_id = ? AND run = ? ORDER BY n LIMIT 1", "iiii", c->bot_id,
                            I(level), c->tenant_id, c->run);
  if (st == OK && db_next(&r)) *ret_ns = db_int(&r, 0);
  return db_end(&r, st, err);
}

// What there is of the run, so that points are spread over it and not over all time. *ret_any false: nothing.
static enum status chart_range(struct db *db, struct chart *c, bool *ret_any, struct err *err) {
  struct db_rows r;
  int64_t first_ns = INT64_MAX, last_ns = INT64_MIN, begin_ns;
  enum status st = db_query(db, &r, err, "SELECT run, time_ns FROM bot_equity WHERE bot_id = ? AND level = 0 AND tenant_id = ? AND ? IN (0, run) ORDER BY n DESC LIMIT 1",
                            "iii", c->bot_id, c->tenant_id, c->run);
  if (st == OK && db_next(&r)) c->run = db_int(&r, 0), last_ns = db_int(&r, 1);
  st = db_end(&r, st, err);
  for (int level = 0; st == OK && level <= 2; level++) {
    st = level_begin(db, c, level, &begin_ns, err);
    if (st == OK && begin_ns < first_ns) first_ns = begin_ns;
  }
  if (first_ns > c->from_ns) c->from_ns = first_ns;
  if (last_ns < c->to_ns) c->to_ns = last_ns + 1;
  *ret_any = last_ns != INT64_MIN && c->from_ns < c->to_ns;
  return st;
}

static void chart_add(struct chart *c, const struct journal_point *p) {
  const int64_t slot = (int64_t)((int128)(p->time_ns - c->from_ns) * c->points / (c->to_ns - c->from_ns));
  if (c->slot >= 0 && slot != c->slot) c->fn(c->arg, &c->point);
  const bool same = slot == c->slot;
  const cash lowest = same && c->point.lowest.e8 < p->lowest.e8 ? c->point.lowest : p->lowest;
  const cash highest = same && c->point.highest.e8 > p->highest.e8 ? c->point.highest : p->highest;
  c->point = *p;
  c->point.lowest = lowest;
  c->point.highest = highest;
  c->slot = slot;
}

enum status journal_equity(struct db *db, int64_t tenant_id, int64_t bot_id, uint32_t run, int64_t from_ns, int64_t to_ns, int points, journal_point_fn fn, void *arg,
                           struct err *err) {
  struct chart c = {.tenant_id = tenant_id, .bot_id = bot_id, .run = run, .from_ns = from_ns, .to_ns = to_ns, .points = points, .slot = -1, .fn = fn, .arg = arg};
  assert(points > 0 && points <= JOURNAL_POINTS_MAX);
  bool any;
  enum status st = chart_range(db, &c, &any, err);
  if (st != OK || !any) return st;
  const int64_t step_ns = (c.to_ns - c.from_ns) / points;
  const int finest = step_ns >= NS_PER_DAY ? 2 : step_ns >= 3600 * NS_PER_S ? 1 : 0;
  int64_t after_ns = c.from_ns - 1;
  // Coarse to fine: a level as far as the next is not wanted or does not reach back, then the rest from the next.
  for (int level = 2; st == OK && level >= 0; level--) {
    int64_t until_ns = INT64_MAX;
    if (level > finest) st = level_begin(db, &c, level - 1, &until_ns, err);
    if (st != OK) return st;
    struct db_rows r;
    st = db_query(db, &r, err,
      "SELECT time_ns, equity, balance, lowest, highest FROM bot_equity WHERE bot_id = ? AND level = ? AND tenant_id = ? AND run = ? AND time_ns > ? AND time_ns < ?"
      " ORDER BY n", "iiiiii", bot_id, I(level), tenant_id, c.run, after_ns, until_ns < c.to_ns ? until_ns : c.to_ns);
    while (st == OK && db_next(&r)) {
      const struct journal_point p = {db_int(&r, 0), {db_int(&r, 1)}, {db_int(&r, 2)}, {db_int(&r, 3)}, {db_int(&r, 4)}};
      if (p.time_ns <= after_ns) continue;
      chart_add(&c, &p);
      after_ns = p.time_ns;
    }
    st = db_end(&r, st, err);
  }
  if (st == OK && c.slot >= 0) fn(arg, &c.point);
  return st;
}

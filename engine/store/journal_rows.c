// store/journal_rows.c – writing the journal: records first, then what follows from them.
#include "store/journal_rows.h"
#include "store/notice_rows.h"

#include "store/db.h"
#include "store/tenant_rows.h"

#include <assert.h>
#include <string.h>

#define I(value) ((int64_t)(value))

// ---- the journal proper

static enum status next_id(struct db *db, int64_t *ret, struct err *err) {
  enum status st = journal_last_id(db, ret, err);
  ++*ret;
  return st;
}

static enum status open_run(struct db *db, const struct journal_record *r, struct err *err) {
  enum status st = db_run(db, NULL, err, "INSERT INTO run (bot_id, run, tenant_id, first_id, opened_ns, bars_from_ns) VALUES (?, ?, ?, ?, ?, ?)", "iiiiii",
                          r->bot_id, I(r->run), r->tenant_id, r->id, r->clock_ns, r->bars_from_ns);
  return st == ERR_EXISTS ? err_set(err, st, "run %u of bot %lld was opened before", r->run, (long long)r->bot_id) : st;
}

static enum status close_run(struct db *db, const struct journal_record *r, struct err *err) {
  enum status st = db_run(db, NULL, err, "UPDATE run SET last_id = ?, closed_ns = ? WHERE bot_id = ? AND run = ?", "iiii", r->id, r->clock_ns, r->bot_id, I(r->run));
  return st == OK ? db_run(db, NULL, err, "DELETE FROM bot_image WHERE bot_id = ?", "i", r->bot_id) : st;  // nobody goes on from there
}

static enum status run_is_open(struct db *db, const struct journal_record *r, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err, "SELECT 1 FROM run WHERE bot_id = ? AND run = ? AND last_id IS NULL", "ii", r->bot_id, I(r->run));
  const bool found = st == OK && db_next(&rows);
  st = db_end(&rows, st, err);
  return st == OK && !found ? err_set(err, ERR_INVALID, "run %u of bot %lld is not open", r->run, (long long)r->bot_id) : st;
}

static enum status put_record(struct db *db, const struct journal_record *r, struct err *err) {
  enum status st = r->intent ? db_run(db, NULL, err, "INSERT INTO record (id, bot_id, run, time_ns, kind, intent, body) VALUES (?, ?, ?, ?, ?, ?, ?)", "iiiiiib", r->id,
                                      r->bot_id, I(r->run), r->time_ns, I(r->kind), I(r->intent), r->len ? r->body : "", r->len)
                             : db_run(db, NULL, err, "INSERT INTO record (id, bot_id, run, time_ns, kind, body) VALUES (?, ?, ?, ?, ?, ?)", "iiiiib", r->id,
                                      r->bot_id, I(r->run), r->time_ns, I(r->kind), r->len ? r->body : "", r->len);
  if (st == ERR_EXISTS)
    return err_set(err, st, "bot %lld: intent %llu was journalled before", (long long)r->bot_id, (unsigned long long)r->intent);
  if (st == OK && r->decision)
    st = db_run(db, NULL, err, "INSERT INTO decision (bot_id, time_ns, record_id, tenant_id) VALUES (?, ?, ?, ?)", "iiii", r->bot_id, r->time_ns, r->id, r->tenant_id);
  return st;
}

static enum status put_records(struct db *db, struct journal_batch *b, struct err *err) {
  int64_t id = 0;
  enum status st = b->record_count ? next_id(db, &id, err) : OK;
  for (size_t i = 0; st == OK && i < b->record_count; i++) {
    struct journal_record *r = &b->records[i];
    const struct journal_record *before = i > 0 ? r - 1 : NULL;
    assert(r->bot_id > 0 && r->run > 0 && r->intent <= INT64_MAX);
    r->id = id++;
    if (r->opens) st = open_run(db, r, err);
    else if (!before || before->bot_id != r->bot_id || before->run != r->run || before->closes) st = run_is_open(db, r, err);
    if (st == OK) st = put_record(db, r, err);
    if (st == OK && r->closes) st = close_run(db, r, err);
  }
  return st;
}

static enum status put_series(struct db *db, const struct journal_series *s, struct err *err) {
  const struct instrument *in = &s->terms.inst;
  int64_t changes = 0;
  enum status st = db_run(db, &changes, err,
    "INSERT INTO series (id, venue, symbol, timeframe_ns, tick_digits, tick_scale, lot_digits, lot_scale, mult_digits, mult_scale, min_lots, max_lots,"
    " min_notional_e8, tick_step, lot_step, volume_scale, price_scale) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
    "ittiiiiiiiiiiiiii", I(s->id), s->venue, in->symbol, s->terms.timeframe_ns, I(in->tick.digits), I(in->tick.scale), I(in->lot.digits), I(in->lot.scale),
    I(in->multiplier.digits), I(in->multiplier.scale), in->min_qty.lots, in->max_order_qty.lots, in->min_notional.e8, in->tick_step, in->lot_step,
    I(s->terms.volume_scale), I(s->terms.price_scale));
  if (st != OK || changes == 1) return st;
  struct journal_series there;
  st = journal_series_get(db, s->id, &there, err);
  if (st != OK) return st;
  const struct instrument *was = &there.terms.inst;
  const bool same = strcmp(there.venue, s->venue) == 0 && strcmp(was->symbol, in->symbol) == 0 && there.terms.timeframe_ns == s->terms.timeframe_ns &&
    was->tick.digits == in->tick.digits && was->tick.scale == in->tick.scale && was->lot.digits == in->lot.digits && was->lot.scale == in->lot.scale &&
    was->multiplier.digits == in->multiplier.digits && was->multiplier.scale == in->multiplier.scale && was->tick_step == in->tick_step &&
    was->lot_step == in->lot_step && there.terms.volume_scale == s->terms.volume_scale;
  return same ? OK : err_set(err, ERR_EXISTS, "series %u is %s %s already", s->id, there.venue, was->symbol);
}

static enum status put_bar(struct db *db, const struct journal_bar *b, struct err *err) {
  const struct bar *bar = &b->bar;
  int64_t changes = 0;
  enum status st = db_run(db, &changes, err,
    "INSERT INTO bar (series_id, open_ns, open, high, low, close, volume, flags) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", "iiiiiiii", I(b->series),
    bar->open_ns, bar->open.ticks, bar->high.ticks, bar->low.ticks, bar->close.ticks, bar->volume, I(bar->flags));
  if (st != OK || changes == 1) return st;
  struct db_rows rows;
  st = db_query(db, &rows, err, "SELECT open = ? AND high = ? AND low = ? AND close = ? AND volume = ? AND flags = ? FROM bar WHERE series_id = ? AND open_ns = ?",
                "iiiiiiii", bar->open.ticks, bar->high.ticks, bar->low.ticks, bar->close.ticks, bar->volume, I(bar->flags), I(b->series), bar->open_ns);
  const bool same = st == OK && db_next(&rows) && db_int(&rows, 0);
  st = db_end(&rows, st, err);
  return st == OK && !same ? err_set(err, ERR_EXISTS, "series %u has another bar at %lld ns", b->series, (long long)bar->open_ns) : st;
}

static enum status put_state(struct db *db, const struct journal_state *s, struct err *err) {
  return db_run(db, NULL, err,
    "INSERT INTO bot_state (bot_id, tenant_id, run, version, resumes, time_ns, body) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (bot_id) DO UPDATE SET"
    " tenant_id = excluded.tenant_id, run = excluded.run, version = excluded.version, resumes = excluded.resumes, time_ns = excluded.time_ns, body = excluded.body",
    "iiiiiib", s->bot_id, s->tenant_id, I(s->run), I(s->version), I(s->resumes), s->time_ns, s->len ? s->body : "", s->len);
}

// ---- projections

// The number of a bot's last row in a table, 0 without one; sql asks for it. The last of the index, so it costs the same for all.
static enum status last_number(struct db *db, const char *sql, int64_t bot_id, int64_t *ret, struct err *err) {
  struct db_rows rows;
  *ret = 0;
  enum status st = db_query(db, &rows, err, sql, "i", bot_id);
  if (st == OK && db_next(&rows)) *ret = db_int(&rows, 0);
  return db_end(&rows, st, err);
}

// Orders have no numbers of their own, so now and then what lies beyond the newest is looked for.
#define ORDERS_SWEEP 256
static enum status drop_old_orders(struct db *db, const struct journal_order *o, struct err *err) {
  return db_run(db, NULL, err,
    "DELETE FROM bot_order WHERE bot_id = ? AND ended_ns > 0 AND intent <= (SELECT intent FROM bot_order WHERE bot_id = ? ORDER BY intent DESC LIMIT 1 OFFSET ?)", "iii",
    o->bot_id, o->bot_id, I(JOURNAL_ORDERS_MAX));
}

static enum status put_order(struct db *db, const struct journal_order *o, struct err *err) {
  enum status st = db_run(db, NULL, err,
    "INSERT INTO bot_order (bot_id, intent, tenant_id, run, order_id, version, series_id, side, type, leg, tif, status, reason, reduce, post, qty, filled, limit_price,"
    " trigger_price, sl, tp, avg_e6, parent, oco, decided_ns, updated_ns, ended_ns, tag) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
    " ?, ?, ?) ON CONFLICT (bot_id, intent) DO UPDATE SET status = excluded.status, reason = excluded.reason, qty = excluded.qty, filled = excluded.filled,"
    " limit_price = excluded.limit_price, trigger_price = excluded.trigger_price, sl = excluded.sl, tp = excluded.tp, avg_e6 = excluded.avg_e6, oco = excluded.oco,"
    " updated_ns = excluded.updated_ns, ended_ns = excluded.ended_ns",
    "iiiiiiiiiiiiiiiiiiiiiiiiiiit", o->bot_id, I(o->intent), o->tenant_id, I(o->run), I(o->order), I(o->version), I(o->series), I(o->side), I(o->type), I(o->leg),
    I(o->tif), I(o->status), I(o->reason), I(o->reduce), I(o->post), o->qty.lots, o->filled.lots, o->limit.ticks, o->trigger.ticks, o->sl.ticks, o->tp.ticks, o->avg_e6,
    I(o->parent), I(o->oco), o->decided_ns, o->updated_ns, o->ended_ns, o->tag);
  const bool sweep = (o->intent + (uint64_t)o->bot_id) % ORDERS_SWEEP == 0;  // bots that began together do it at different times
  return st == OK && sweep ? drop_old_orders(db, o, err) : st;
}

// *ret_new false: it was written before, by who crashed afterwards. Fills of a run have rising ids.
static enum status put_fill(struct db *db, struct journal_fill *f, bool *ret_new, struct err *err) {
  struct db_rows rows;
  int64_t n = 0;
  *ret_new = true;
  f->number = 0;
  enum status st = db_query(db, &rows, err, "SELECT n, run, fill_id FROM bot_fill WHERE bot_id = ? ORDER BY n DESC LIMIT 1", "i", f->bot_id);
  if (st == OK && db_next(&rows)) {
    n = db_int(&rows, 0);
    *ret_new = f->fill == 0 || db_int(&rows, 1) != f->run || db_int(&rows, 2) < (int64_t)f->fill;
  }
  st = db_end(&rows, st, err);
  if (st != OK || !*ret_new) return st;
  f->number = n + 1;
  const int64_t flags = f->maker | f->complete << 1 | f->ambiguous << 2 | f->cut << 3;
  if (st == OK)
    st = db_run(db, NULL, err,
      "INSERT INTO bot_fill (bot_id, n, tenant_id, run, series_id, fill_id, order_id, side, leg, price, qty, fee, slippage, flags, time_ns, tag)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      "iiiiiiiiiiiiiiit", f->bot_id, f->number, f->tenant_id, I(f->run), I(f->series), I(f->fill), I(f->order), I(f->side), I(f->leg), f->px.ticks, f->qty.lots, f->fee.e8,
      f->slippage.e8, flags, f->time_ns, f->tag);
  if (st == OK && f->number > JOURNAL_FILLS_MAX)
    st = db_run(db, NULL, err, "DELETE FROM bot_fill WHERE bot_id = ? AND n <= ?", "ii", f->bot_id, f->number - JOURNAL_FILLS_MAX);
  return st;
}

static enum status put_trade(struct db *db, struct journal_trade *t, struct err *err) {
  enum status st = last_number(db, "SELECT max(n) FROM bot_trade WHERE bot_id = ?", t->bot_id, &t->number, err);
  t->number++;
  if (st == OK)
    st = db_run(db, NULL, err,
      "INSERT INTO bot_trade (bot_id, n, tenant_id, run, series_id, direction, qty, entry_ns, exit_ns, entry_price, exit_price, entry_order, exit_order, position_id, pnl,"
      " fees, mae, mfe, bars, flags, tag, exit_tag) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      "iiiiiiiiiiiiiiiiiiiitt", t->bot_id, t->number, t->tenant_id, I(t->run), I(t->series), I(t->direction), t->qty.lots, t->entry_ns, t->exit_ns, t->entry_px.ticks,
      t->exit_px.ticks, I(t->entry_order), I(t->exit_order), I(t->position_id), t->pnl.e8, t->fees.e8, t->mae.e8, t->mfe.e8, t->bars,
      I(t->ambiguous | t->liquidated << 1), t->tag, t->exit_tag);
  if (st == OK) st = tenant_day_add(db, t, err);
  if (st == OK && t->number > JOURNAL_TRADES_MAX)
    st = db_run(db, NULL, err, "DELETE FROM bot_trade WHERE bot_id = ? AND n <= ?", "ii", t->bot_id, t->number - JOURNAL_TRADES_MAX);
  return st;
}

static enum status put_log(struct db *db, struct journal_log *l, struct err *err) {
  enum status st = last_number(db, "SELECT max(n) FROM bot_log WHERE bot_id = ?", l->bot_id, &l->number, err);
  l->number++;
  const size_t len = l->len < JOURNAL_LOG_TEXT_MAX ? l->len : JOURNAL_LOG_TEXT_MAX;
  if (st == OK)
    st = db_run(db, NULL, err, "INSERT INTO bot_log (bot_id, n, tenant_id, run, time_ns, level, text) VALUES (?, ?, ?, ?, ?, ?, ?)", "iiiiiiT", l->bot_id, l->number,
                l->tenant_id, I(l->run), l->time_ns, I(l->level), len ? l->text : "", len);
  if (st == OK && l->number > JOURNAL_LOGS_MAX)
    st = db_run(db, NULL, err, "DELETE FROM bot_log WHERE bot_id = ? AND n <= ?", "ii", l->bot_id, l->number - JOURNAL_LOGS_MAX);
  return st;
}

// ---- equity: a mark that is the last of its hour or day is kept there too, when the next one comes

struct level_row {
  int64_t n, run, time_ns, equity, balance, lowest, highest;
};
static const int64_t level_spans_ns[] = {1, 3600 * NS_PER_S, NS_PER_DAY};
static const int64_t level_rows[] = {JOURNAL_MARKS_MAX, JOURNAL_HOURS_MAX, INT64_MAX};

static enum status put_level(struct db *db, const struct journal_mark *m, int level, const struct level_row *row, struct err *err) {
  enum status st = db_run(db, NULL, err,
    "INSERT INTO bot_equity (bot_id, level, n, tenant_id, run, time_ns, equity, balance, lowest, highest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", "iiiiiiiiii", m->bot_id,
    I(level), row->n, m->tenant_id, row->run, row->time_ns, row->equity, row->balance, row->lowest, row->highest);
  if (st == OK && row->n > level_rows[level])
    st = db_run(db, NULL, err, "DELETE FROM bot_equity WHERE bot_id = ? AND level = ? AND n <= ?", "iii", m->bot_id, I(level), row->n - level_rows[level]);
  return st;
}

// The last row of a level with the extremes of all rows of the level in its span of the level above: they lie together at the end.
static enum status last_span(struct db *db, int64_t bot_id, int level, struct level_row *ret, bool whole, struct err *err) {
  struct db_rows r;
  *ret = (struct level_row){0};
  enum status st = db_query(db, &r, err,
    "SELECT n, run, time_ns, equity, balance, lowest, highest FROM bot_equity WHERE bot_id = ? AND level = ? ORDER BY n DESC", "ii", bot_id, I(level));
  while (st == OK && db_next(&r)) {
    const struct level_row row = {db_int(&r, 0), db_int(&r, 1), db_int(&r, 2), db_int(&r, 3), db_int(&r, 4), db_int(&r, 5), db_int(&r, 6)};
    const int64_t span_ns = level_spans_ns[level < 2 ? level + 1 : 2];
    if (ret->n == 0) *ret = row;
    else if (row.run != ret->run || row.time_ns / span_ns != ret->time_ns / span_ns) break;
    if (row.lowest < ret->lowest) ret->lowest = row.lowest;
    if (row.highest > ret->highest) ret->highest = row.highest;
    if (!whole) break;
  }
  return db_end(&r, st, err);
}

static enum status put_mark(struct db *db, const struct journal_mark *m, struct err *err) {
  struct level_row last, above, row = {.run = m->run, .time_ns = m->time_ns, .equity = m->equity.e8, .balance = m->balance.e8, .lowest = m->equity.e8, .highest = m->equity.e8};
  enum status st = last_span(db, m->bot_id, 0, &last, false, err);
  if (st == OK && last.n > 0 && last.run == row.run && last.time_ns >= row.time_ns) return OK;  // written before
  row.n = last.n + 1;
  const bool any = last.n > 0;
  for (int level = 1; st == OK && any && level <= 2; level++) {
    const int64_t span_ns = level_spans_ns[level];
    if (last.run == row.run && last.time_ns / span_ns == row.time_ns / span_ns) break;
    struct level_row ended;
    st = last_span(db, m->bot_id, level - 1, &ended, true, err);
    if (st == OK) st = last_span(db, m->bot_id, level, &above, false, err);
    ended.n = above.n + 1;
    if (st == OK) st = put_level(db, m, level, &ended, err);
  }
  return st == OK ? put_level(db, m, 0, &row, err) : st;
}

static enum status put_followed(struct db *db, const struct journal_followed *f, struct err *err) {
  return db_run(db, NULL, err, "INSERT INTO followed (bot_id, run, time_ns) VALUES (?, ?, ?) ON CONFLICT (bot_id) DO UPDATE SET run = excluded.run, time_ns = excluded.time_ns", "iii",
                f->bot_id, I(f->run), f->time_ns);
}

static bool closed_by(const struct journal_trade *t, const struct journal_fill *f) { return t->fill > 0 && t->fill == f->fill && t->bot_id == f->bot_id && t->run == f->run; }

// Trades stand in the order of the fills that closed them.
static enum status put_fills(struct db *db, struct journal_batch *b, struct err *err) {
  enum status st = OK;
  size_t t = 0;
  for (size_t i = 0; st == OK && i < b->fill_count; i++) {
    bool new;
    st = put_fill(db, &b->fills[i], &new, err);
    for (; st == OK && t < b->trade_count && closed_by(&b->trades[t], &b->fills[i]); t++)
      if (new) st = put_trade(db, &b->trades[t], err);
  }
  for (; st == OK && t < b->trade_count; t++) st = put_trade(db, &b->trades[t], err);
  return st;
}

enum status journal_append(struct db *db, void *batch, struct err *err) {
  struct journal_batch *b = batch;
  enum status st = OK;
  for (size_t i = 0; st == OK && i < b->series_count; i++) st = put_series(db, &b->series[i], err);
  for (size_t i = 0; st == OK && i < b->bar_count; i++) st = put_bar(db, &b->bars[i], err);
  if (st == OK) st = put_records(db, b, err);
  for (size_t i = 0; st == OK && i < b->entry_count; i++) st = account_entry_put(db, &b->entries[i], err);
  for (size_t i = 0; st == OK && i < b->rules_count; i++) st = account_rules_put(db, &b->rules[i], err);
  for (size_t i = 0; st == OK && i < b->state_count; i++) st = put_state(db, &b->states[i], err);
  for (size_t i = 0; st == OK && i < b->order_count; i++) st = put_order(db, &b->orders[i], err);
  if (st == OK) st = put_fills(db, b, err);
  for (size_t i = 0; st == OK && i < b->mark_count; i++) st = put_mark(db, &b->marks[i], err);
  for (size_t i = 0; st == OK && i < b->log_count; i++) st = put_log(db, &b->logs[i], err);
  for (size_t i = 0; st == OK && i < b->followed_count; i++) st = put_followed(db, &b->followed[i], err);
  for (size_t i = 0; st == OK && i < b->notice_count; i++) st = journal_notice_put(db, &b->notices[i], err);
  return st;
}

#include "store/market_rows.h"

#include "market/segment.h"
#include "market/text.h"
#include "store/db.h"
#include "store/migrate.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

// Half of what a segment holds: bars may be closer than a timeframe (days of a zone with summer time), see check_bars().
#define SPAN_BARS (SEGMENT_BARS_MAX / 2)

static int64_t span_of(int64_t open_ns, int64_t timeframe_ns) { return (int64_t)div_floor(open_ns, (int128)timeframe_ns * SPAN_BARS); }

// ---- markets

#define COLUMNS                                                                                                                   \
  "id, venue, symbol, timeframe_ns, tick_digits, tick_scale, lot_digits, lot_scale, mult_digits, mult_scale, min_notional_e8, " \
  "volume_scale, price_scale, bars, first_ns, last_ns, updated_ns"

static enum status take_row(const struct db_rows *r, struct market_row *m, struct err *err) {
  *m = (struct market_row){.id = db_int(r, 0), .timeframe_ns = db_int(r, 3), .volume_scale = (int)db_int(r, 11), .price_scale = (int)db_int(r, 12), .bars = db_int(r, 13),
                           .first_ns = db_int(r, 14), .last_ns = db_int(r, 15), .updated_ns = db_int(r, 16)};
  snprintf(m->venue, sizeof m->venue, "%s", db_text(r, 1));
  snprintf(m->inst.symbol, sizeof m->inst.symbol, "%s", db_text(r, 2));
  m->inst.tick = (struct decimal){db_int(r, 4), (int)db_int(r, 5)};
  m->inst.lot = (struct decimal){db_int(r, 6), (int)db_int(r, 7)};
  m->inst.multiplier = (struct decimal){db_int(r, 8), (int)db_int(r, 9)};
  m->inst.min_notional.e8 = db_int(r, 10);
  return instrument_finish(&m->inst, err);
}

enum status market_list(struct db *db, const char *venue, const char *symbol, int64_t after_id, int limit, market_row_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT " COLUMNS " FROM markets WHERE id > ?1 AND (?2 IS NULL OR venue = ?2) AND (?3 IS NULL OR symbol = ?3) ORDER BY id LIMIT ?4", "itti",
                            after_id, venue, symbol, (int64_t)limit);
  while (st == OK && db_next(&r)) {
    struct market_row m;
    st = take_row(&r, &m, err);
    if (st == OK) fn(arg, &m);
  }
  return db_end(&r, st, err);
}

enum status market_find(struct db *db, const char *venue, const char *symbol, int64_t timeframe_ns, struct market_row *ret, struct err *err) {
  struct db_rows r;
  bool found = false;
  enum status st = db_query(db, &r, err, "SELECT " COLUMNS " FROM markets WHERE symbol = ?1 AND timeframe_ns = ?2 AND (?3 = '' OR venue = ?3) ORDER BY bars DESC, id LIMIT 1", "tit", symbol,
                            timeframe_ns, venue ? venue : "");
  if (st == OK && db_next(&r)) {
    found = true;
    st = take_row(&r, ret, err);
  }
  st = db_end(&r, st, err);
  if (st != OK || found) return st;
  char text[TIMEFRAME_TEXT_MAX];
  return err_set(err, ERR_NOTFOUND, "no %s bars of %.31s%s%.31s are stored", timeframe_text(timeframe_ns, text), symbol, venue && venue[0] ? " from " : "", venue ? venue : "");
}

enum status market_delete(struct db *db, int64_t id, struct err *err) {
  int64_t changes = 0;
  enum status st = db_run(db, NULL, err, "DELETE FROM segments WHERE market_id = ?", "i", id);
  if (st == OK) st = db_run(db, &changes, err, "DELETE FROM markets WHERE id = ?", "i", id);
  return st == OK && changes == 0 ? err_set(err, ERR_NOTFOUND, "no such market") : st;
}

// ---- reading

static void series_of(const struct market_row *m, struct series *ret) {
  *ret = (struct series){.inst = m->inst, .timeframe_ns = m->timeframe_ns, .volume_scale = m->volume_scale, .price_scale = m->price_scale};
}

static enum status query_spans(struct db *db, const struct market_row *m, int64_t from_ns, int64_t to_ns, struct db_rows *r, struct err *err) {
  return db_query(db, r, err, "SELECT body FROM segments WHERE market_id = ? AND span >= ? AND span <= ? ORDER BY span", "iii", m->id, span_of(from_ns, m->timeframe_ns),
                  span_of(to_ns > from_ns ? to_ns - 1 : from_ns, m->timeframe_ns));
}

enum status market_read(struct db *db, const struct market_row *m, int64_t from_ns, int64_t to_ns, size_t limit, struct series *ret, struct err *err) {
  struct series s;
  struct db_rows r;
  series_of(m, &s);
  enum status st = query_spans(db, m, from_ns, to_ns, &r, err);
  if (st == OK && !limit && from_ns <= m->first_ns && to_ns > m->last_ns) st = series_reserve(&s, (size_t)m->bars, err);  // all: no growing
  size_t before = 0;  // bars of the first segment that open before from_ns
  while (st == OK && (!limit || s.count - before < limit) && db_next(&r)) {
    size_t len;
    const void *body = db_blob(&r, 0, &len);
    st = segment_unpack(body, len, &s, err);
    while (st == OK && before < s.count && s.bars[before].open_ns < from_ns) before++;
  }
  st = db_end(&r, st, err);
  if (st != OK) {
    series_finish(&s);
    return st;
  }
  series_clip(&s, from_ns, to_ns);
  if (limit && s.count > limit) s.count = limit;
  series_count_gaps(&s);
  *ret = s;
  return OK;
}

enum status market_pack(struct db *db, const struct market_row *m, int64_t from_ns, int64_t to_ns, struct buf *out, struct err *err) {
  struct series head;
  struct db_rows r;
  series_of(m, &head);
  enum status st = series_pack_head(&head, out, err);
  if (st != OK) return st;
  st = query_spans(db, m, from_ns, to_ns, &r, err);
  while (st == OK && db_next(&r)) {
    size_t len;
    const void *body = db_blob(&r, 0, &len);
    st = series_pack_segment(body, len, out, err);
  }
  return db_end(&r, st, err);
}

// ---- importing

static enum status check_bars(const struct market_import *in, struct err *err) {
  const char *v = in->venue;
  size_t len = strlen(v);
  if (len == 0 || len >= VENUE_MAX || strspn(v, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != len)
    return err_set(err, ERR_INVALID, "venue \"%.40s\": 1 to %d letters, digits, - or _", v, VENUE_MAX - 1);
  const struct series *s = in->series;
  if (!s->inst.symbol[0]) return err_set(err, ERR_INVALID, "the bars have no symbol");
  if (s->count == 0) return err_set(err, ERR_INVALID, "%s: no bars", s->inst.symbol);
  char when[TIME_TEXT_MAX], timeframe[TIMEFRAME_TEXT_MAX];
  for (size_t i = 1; i < s->count; i++)
    if (s->bars[i].open_ns - s->bars[i - 1].open_ns < s->timeframe_ns / 2)
      return err_set(err, ERR_INVALID, "%s: the bar at %s is closer to the one before than half of %s: is the timeframe right?", s->inst.symbol, time_text(s->bars[i].open_ns, when),
                     timeframe_text(s->timeframe_ns, timeframe));
  return OK;
}

// The stored market in units that hold the new bars too; made when there is none.
static enum status settle_market(struct db *db, const struct market_import *in, struct market_row *m, bool *ret_created, struct err *err) {
  const struct series *s = in->series;
  enum status st = market_find(db, in->venue, s->inst.symbol, s->timeframe_ns, m, err);
  *ret_created = st == ERR_NOTFOUND;
  if (st != OK && st != ERR_NOTFOUND) return st;
  if (*ret_created) {
    *m = (struct market_row){.inst = s->inst, .timeframe_ns = s->timeframe_ns, .volume_scale = s->volume_scale, .price_scale = s->price_scale};
    snprintf(m->venue, sizeof m->venue, "%s", in->venue);
    st = db_run(db, NULL, err,
                "INSERT INTO markets (venue, symbol, timeframe_ns, tick_digits, tick_scale, lot_digits, lot_scale, mult_digits, mult_scale, min_notional_e8, volume_scale, price_scale, bars, "
                "first_ns, last_ns, updated_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, ?)",
                "ttiiiiiiiiiii", in->venue, m->inst.symbol, m->timeframe_ns, m->inst.tick.digits, (int64_t)m->inst.tick.scale, m->inst.lot.digits, (int64_t)m->inst.lot.scale,
                m->inst.multiplier.digits, (int64_t)m->inst.multiplier.scale, m->inst.min_notional.e8, (int64_t)m->volume_scale, (int64_t)m->price_scale, in->now_ns);
    struct market_row made;
    if (st == OK) st = market_find(db, in->venue, s->inst.symbol, s->timeframe_ns, &made, err);
    if (st == OK) m->id = made.id;
    return st;
  }
  struct decimal a = decimal_normal(m->inst.multiplier), b = decimal_normal(s->inst.multiplier);
  if (a.digits != b.digits || a.scale != b.scale) return err_set(err, ERR_INVALID, "%s of %s has another contract size stored", s->inst.symbol, in->venue);
  if (!tick_common(m->inst.tick, s->inst.tick, &m->inst.tick) || !tick_common(m->inst.lot, s->inst.lot, &m->inst.lot))
    return err_set(err, ERR_INVALID, "%s: the increments of these bars and of the stored ones do not go together", s->inst.symbol);
  if (s->volume_scale > m->volume_scale) m->volume_scale = s->volume_scale;
  if (s->price_scale > m->price_scale) m->price_scale = s->price_scale;
  return instrument_finish(&m->inst, err);
}

static char *bar_text(const struct series *s, const struct bar *b, char *buf, size_t size) {
  char o[DECIMAL_TEXT_MAX], h[DECIMAL_TEXT_MAX], l[DECIMAL_TEXT_MAX], c[DECIMAL_TEXT_MAX], v[DECIMAL_TEXT_MAX] = "-";
  if (b->volume >= 0) decimal_format_scaled(b->volume, s->volume_scale, v);
  snprintf(buf, size, "%s %s %s %s %s", price_text(&s->inst, b->open, o), price_text(&s->inst, b->high, h), price_text(&s->inst, b->low, l), price_text(&s->inst, b->close, c), v);
  return buf;
}

// Equal; an unknown volume contradicts none.
static bool bars_equal(const struct bar *a, const struct bar *b) {
  return a->open.ticks == b->open.ticks && a->high.ticks == b->high.ticks && a->low.ticks == b->low.ticks && a->close.ticks == b->close.ticks &&
         (a->volume == b->volume || a->volume < 0 || b->volume < 0);
}

// old and new bars [from, to) of one span into ret, by time. *ret_changed: ret differs from old.
static enum status merge(const struct market_import *in, const struct series *old, const struct series *new, size_t from, size_t to, struct series *ret, bool *ret_changed,
                         struct market_import_report *report, struct err *err) {
  size_t i = 0, k = from;
  *ret_changed = false;
  while (i < old->count || k < to) {
    const struct bar *a = i < old->count ? &old->bars[i] : NULL, *b = k < to ? &new->bars[k] : NULL;
    struct bar take;
    if (!b || (a && a->open_ns < b->open_ns)) {
      take = *a;
      i++;
    } else if (!a || b->open_ns < a->open_ns) {
      take = *b;
      k++;
      report->added++;
      *ret_changed = true;
    } else {
      bool equal = bars_equal(a, b);
      if (!equal && !in->repair) {
        char when[TIME_TEXT_MAX], was[200], is[200];
        return err_set(err, ERR_EXISTS, "%s of %s: the bar at %s is stored as %s, and the file has %s (--repair replaces it)", new->inst.symbol, in->venue, time_text(a->open_ns, when),
                       bar_text(new, a, was, sizeof was), bar_text(new, b, is, sizeof is));
      }
      take = equal && b->volume < 0 ? *a : *b;
      *ret_changed |= !equal || take.volume != a->volume;
      report->same += equal;
      report->replaced += !equal;
      i++;
      k++;
    }
    enum status st = series_append(ret, &take, err);
    if (st != OK) return st;
  }
  return OK;
}

static enum status write_span(struct db *db, const struct market_row *m, int64_t span, const struct series *s, struct buf *scratch, struct err *err) {
  if (s->count > SEGMENT_BARS_MAX) return err_set(err, ERR_INVALID, "%s: too many bars within %d timeframes", s->inst.symbol, SPAN_BARS);
  buf_clear(scratch);
  enum status st = segment_pack(s, 0, s->count, scratch, err);
  if (st != OK) return st;
  return db_run(db, NULL, err,
                "INSERT INTO segments (market_id, span, bars, first_ns, last_ns, body) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (market_id, span) DO UPDATE SET bars = excluded.bars, first_ns = excluded.first_ns, last_ns = excluded.last_ns, body = excluded.body",
                "iiiiib", m->id, span, (int64_t)s->count, s->bars[0].open_ns, s->bars[s->count - 1].open_ns, scratch->data, scratch->len);
}

static enum status read_span(struct db *db, const struct market_row *m, int64_t span, struct series *ret, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT body FROM segments WHERE market_id = ? AND span = ?", "ii", m->id, span);
  if (st == OK && db_next(&r)) {
    size_t len;
    const void *body = db_blob(&r, 0, &len);
    st = segment_unpack(body, len, ret, err);
  }
  return db_end(&r, st, err);
}

static enum status import_spans(struct db *db, const struct market_import *in, const struct market_row *m, const struct series *s, struct market_import_report *report, struct err *err) {
  struct buf scratch;
  buf_init(&scratch, SEGMENT_BYTES_MAX + 1);
  struct series old, merged;
  series_of(m, &old);
  series_of(m, &merged);
  enum status st = OK;
  for (size_t from = 0, to; st == OK && from < s->count; from = to) {
    int64_t span = span_of(s->bars[from].open_ns, m->timeframe_ns);
    for (to = from + 1; to < s->count && span_of(s->bars[to].open_ns, m->timeframe_ns) == span;) to++;
    old.count = merged.count = 0;
    bool changed;
    st = read_span(db, m, span, &old, err);
    if (st == OK) st = merge(in, &old, s, from, to, &merged, &changed, report, err);
    if (st == OK && changed) st = write_span(db, m, span, &merged, &scratch, err);
    if (st == OK && in->progress && !in->progress(in->progress_self, to, s->count)) st = err_set(err, ERR_CANCELLED, "interrupted");
  }
  series_finish(&old);
  series_finish(&merged);
  buf_finish(&scratch);
  return st;
}

static enum status copy_in_units(const struct market_row *m, const struct series *s, struct series *ret, struct err *err) {
  *ret = *s;
  ret->bars = NULL;
  ret->count = ret->cap = 0;
  enum status st = series_reserve(ret, s->count, err);
  if (st != OK) return st;
  memcpy(ret->bars, s->bars, s->count * sizeof *s->bars);
  ret->count = s->count;
  st = series_rescale(ret, m->inst.tick, m->volume_scale, err);
  if (st != OK) series_finish(ret);
  return st;
}

enum status market_import(struct db *db, const struct market_import *in, struct market_import_report *ret, struct err *err) {
  const struct series *s = in->series;
  struct market_row m;
  struct series copy = {0};
  *ret = (struct market_import_report){0};
  enum status st = check_bars(in, err);
  if (st == OK) st = settle_market(db, in, &m, &ret->created, err);
  if (st != OK) return st;
  bool same_units = m.inst.tick.digits == s->inst.tick.digits && m.inst.tick.scale == s->inst.tick.scale && m.volume_scale == s->volume_scale;
  if (!same_units) st = copy_in_units(&m, s, &copy, err);
  if (st == OK) st = import_spans(db, in, &m, same_units ? s : &copy, ret, err);
  series_finish(&copy);
  if (st != OK) return st;
  return db_run(db, NULL, err,
                "UPDATE markets SET tick_digits = ?, tick_scale = ?, lot_digits = ?, lot_scale = ?, volume_scale = ?, price_scale = ?, updated_ns = ?, "
                "(bars, first_ns, last_ns) = (SELECT sum(bars), min(first_ns), max(last_ns) FROM segments WHERE market_id = markets.id) WHERE id = ?",
                "iiiiiiii", m.inst.tick.digits, (int64_t)m.inst.tick.scale, m.inst.lot.digits, (int64_t)m.inst.lot.scale, (int64_t)m.volume_scale, (int64_t)m.price_scale, in->now_ns, m.id);
}

// ---- beside a server

static enum status open_file(const char *data_dir, bool readonly, struct db **ret, struct err *err) {
  char path[4096];
  if (snprintf(path, sizeof path, "%s/market.db", data_dir) >= (int)sizeof path) return err_set(err, ERR_INVALID, "the data directory's name is too long");
  if (access(path, F_OK) != 0) return err_set(err, ERR_NOTFOUND, "%s: no market history yet; perigee import brings some", data_dir);
  return db_open(path, readonly, false, ret, err);
}

enum status market_db_open(const char *data_dir, struct db **ret, struct err *err) { return open_file(data_dir, true, ret, err); }

enum status market_db_open_writer(const char *data_dir, struct db **ret, struct err *err) {
  struct db *db;
  struct db_rows r;
  int64_t have = 0, want = 0;
  for (const struct migration *m = store_migrations; m->file; m++)
    if (strcmp(m->file, "market") == 0) want = m->number;
  enum status st = open_file(data_dir, false, &db, err);
  if (st != OK) return st;
  st = db_query(db, &r, err, "PRAGMA user_version", "");
  if (st == OK && db_next(&r)) have = db_int(&r, 0);
  st = db_end(&r, st, err);
  if (st == OK && have != want)
    st = err_set(err, ERR_INVALID, "%s/market.db has schema %lld, this program %lld: import with the program that serves it", data_dir, (long long)have, (long long)want);
  if (st == OK) *ret = db;
  else db_close(db);
  return st;
}

enum status market_db_import(struct db *db, const struct market_import *in, struct market_import_report *ret, struct err *err) {
  struct err ignored;
  enum status st = db_script(db, "BEGIN IMMEDIATE", err);
  if (st != OK) return st;
  db_guard(db, true);
  st = market_import(db, in, ret, err);
  db_guard(db, false);
  if (st == OK) st = db_script(db, "COMMIT", err);
  if (st != OK) (void)!db_script(db, "ROLLBACK", &ignored);
  return st;
}

void market_db_close(struct db *db) { db_close(db); }

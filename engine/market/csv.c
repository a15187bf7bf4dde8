// market/csv.c – see csv.h: one load from the first line to the report.
//
// Where the time goes (tests/bench/make_bars, 1,000,000 bars, 57 MB, gzip 20 MB; 2-core machine, perf): 0.12 s plain and 0.32 s
// gzipped, of which zlib's inflate and CRC 64 %, our own reading 25 %, the kernel (reading, fresh pages) 8 %. Overlapping inflate and
// parsing on two threads would save the 25 % at best, so there are none.
#include "market/csv_impl.h"

#include <stdarg.h>
#include <stdio.h>

const char *const csv_role_name[] = {"time", "open", "high", "low", "close", "volume"};

// ---------------------------------------------------------------- saying what is wrong

void csv_note(struct csv_loader *l, const char *fmt, ...) {
  size_t k = l->report->message_count++;
  if (k >= CSV_MESSAGES_MAX) return;
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(l->report->messages[k], CSV_MESSAGE_MAX, fmt, ap);
  va_end(ap);
}

bool csv_refuse(struct csv_loader *l, int column, const char *fmt, ...) {
  char reason[512];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(reason, sizeof reason, fmt, ap);
  va_end(ap);
  if (l->options->repair) {
    l->report->dropped++;
    csv_note(l, "%s:%zu:%d: dropped: %s", l->reader.path, l->reader.line, column, reason);
  } else {
    l->status = err_set(l->err, ERR_INVALID, "%s:%zu:%d: %s (mend the line, or load with --repair)", l->reader.path,
                        l->reader.line, column, reason);
  }
  return false;
}

int csv_column_of(struct csv_loader *l, struct slice line, enum csv_role role) {
  struct slice fields[CSV_FIELDS_MAX];
  int columns[CSV_FIELDS_MAX], at;
  const char *reason;
  int n = csv_split(line, fields, columns, CSV_FIELDS_MAX, &at, &reason);
  for (int i = 0; i < n && i < l->columns; i++)
    if (l->roles[i] == role) return columns[i];
  return 1;
}

// ---------------------------------------------------------------- one bar after another

static const struct bar *find_bar(const struct series *s, int64_t open_ns) {
  size_t lo = 0, hi = s->count;
  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;
    if (s->bars[mid].open_ns < open_ns) lo = mid + 1;
    else hi = mid;
  }
  return lo < s->count && s->bars[lo].open_ns == open_ns ? &s->bars[lo] : NULL;
}

// Order of time without repair: rising, or an identical repeat. True when the bar is to be appended.
static bool in_order(struct csv_loader *l, struct slice line, const struct bar *bar) {
  char a[TIME_TEXT_MAX], b[TIME_TEXT_MAX], tf[TIMEFRAME_TEXT_MAX];
  int64_t last_ns = l->out.bars[l->out.count - 1].open_ns, step = time_gap_ns(bar->open_ns, last_ns);
  if (step >= l->out.timeframe_ns) return true;
  if (step <= 0) {
    const struct bar *known = find_bar(&l->out, bar->open_ns);
    if (known && csv_same_bar(known, bar)) {
      if (l->out.duplicates++ == 0) l->first_duplicate = l->reader.line;
      return false;
    }
    if (known) return csv_refuse(l, csv_column_of(l, line, ROLE_TIME), "a second, different bar for %s", time_text(bar->open_ns, a));
    return csv_refuse(l, csv_column_of(l, line, ROLE_TIME), "time goes back from %s to %s", time_text(last_ns, a),
                  time_text(bar->open_ns, b));
  }
  if (step < l->out.timeframe_ns / 2)
    return csv_refuse(l, csv_column_of(l, line, ROLE_TIME), "only %lld s after the bar before: is the timeframe %s right?",
                  (long long)(step / NS_PER_S), timeframe_text(l->out.timeframe_ns, tf));
  if (l->overlaps++ == 0) l->first_overlap = l->reader.line;
  return true;
}

static void take_line(struct csv_loader *l, struct slice line, bool ended_open) {
  l->report->rows++;
  struct csv_row row;
  struct bar bar;
  if (!csv_read_row(l, line, ended_open, &row)) return;
  if (ended_open && l->roles[l->columns - 1] <= ROLE_CLOSE) {
    enum csv_role last = l->roles[l->columns - 1];
    csv_refuse(l, csv_column_of(l, line, last), "the last line has no line end, so its %s may have been cut; add a line end if it is whole",
           csv_role_name[last]);
    return;
  }
  if (!csv_make_bar(l, line, &row, &bar)) return;
  if (l->out.count > 0) {
    if (!l->options->repair) {
      if (!in_order(l, line, &bar)) return;
    } else if (bar.open_ns < l->out.bars[l->out.count - 1].open_ns) {
      l->report->unsorted++;
    }
  }
  size_t max = l->options->max_bars ? l->options->max_bars : CSV_BARS_MAX;
  if (l->out.count == max) {
    l->status = err_set(l->err, ERR_LIMIT, "%s:%zu: more than %zu bars", l->reader.path, l->reader.line, max);
    return;
  }
  if (l->out.count == l->out.cap) {
    l->status = series_reserve(&l->out, l->out.cap ? l->out.cap * 2 : 1024, l->err);
    if (l->status != OK) return;
  }
  l->out.bars[l->out.count++] = bar;
  if (bar.volume > 0) l->volume_sum += bar.volume;
  if (ended_open) csv_note(l, "%s:%zu: the last line has no line end; if the file was cut, its last value may be too",
                       l->reader.path, l->reader.line);
}

// ---------------------------------------------------------------- the whole

static enum status read_all(struct csv_loader *l) {
  bool header = false, ended_open;
  struct slice line;
  while (l->status == OK) {
    l->status = text_next(&l->reader, &line, &ended_open, l->err);
    if (l->status != OK || !line.p) break;
    if (slice_trim(line).len == 0) continue;
    if (header) take_line(l, line, ended_open);
    else l->status = csv_read_header(l, line);
    header = true;
  }
  if (l->status != OK) return l->status;
  if (!header) return err_set(l->err, ERR_INVALID, "%s: the file is empty", l->reader.path);
  if (l->options->repair) {
    enum status st = csv_mend(l);
    if (st != OK) return st;
  }
  if (l->out.count > 0) return OK;
  if (l->report->rows > 0) return err_set(l->err, ERR_INVALID, "%s: no bar is left after the repair", l->reader.path);
  return err_set(l->err, ERR_INVALID, "%s: has a header but no bars", l->reader.path);
}

static enum status derive_instrument(struct csv_loader *l) {
  const struct csv_options *o = l->options;
  struct instrument *inst = &l->out.inst;
  inst->tick = o->tick.digits ? o->tick : (struct decimal){1, l->scale};
  inst->lot = o->lot.digits ? o->lot : (struct decimal){1, l->volume_seen};
  inst->multiplier = o->multiplier.digits ? o->multiplier : (struct decimal){1, 0};
  if (!decimal_rescale(o->min_notional, 8, &inst->min_notional.e8))
    return err_set(l->err, ERR_INVALID, "%s: the smallest notional has more than 8 decimals or is too large", l->reader.path);
  enum status st = instrument_finish(inst, l->err);
  return st == OK ? OK : err_wrap(l->err, st, "%s", l->reader.path);
}

// A market without a bar on any Saturday of a week or more: its gaps are nights, weekends and holidays, which are counted but
// no reason for a warning.
static bool closes_at_weekends(const struct series *s) {
  if (s->count < 2 || time_gap_ns(s->bars[s->count - 1].open_ns, s->bars[0].open_ns) < 7 * NS_PER_DAY) return false;
  for (size_t i = 0; i < s->count; i++)
    if (timeframe_floor(s->bars[i].open_ns, NS_PER_DAY) - timeframe_floor(s->bars[i].open_ns, 7 * NS_PER_DAY) == 5 * NS_PER_DAY) return false;
  return true;
}

static void summarise(struct csv_loader *l) {
  struct csv_report *r = l->report;
  const char *path = l->reader.path;
  r->duplicates = l->out.duplicates;
  r->missing = series_count_gaps(&l->out);
  r->gaps = l->out.gaps;
  if (r->duplicates && l->first_duplicate)
    csv_note(l, "%s:%zu: identical repeated bars dropped: %zu, the first here", path, l->first_duplicate, r->duplicates);
  else if (r->duplicates)
    csv_note(l, "%s: identical repeated bars dropped: %zu", path, r->duplicates);
  if (l->overlaps)
    csv_note(l, "%s:%zu: bars that begin before the one before has ended: %zu, the first here", path, l->first_overlap, l->overlaps);
  if (l->noisy) {
    char a[DECIMAL_TEXT_MAX], b[DECIMAL_TEXT_MAX];
    decimal_format(l->noise_given, a);
    decimal_format(l->noise_read, b);
    csv_note(l, "%s:%zu: numbers with the rounding noise of a double: %zu, the first here: %s, read as %s", path, l->first_noisy,
         l->noisy, a, b);
  }
  if (l->volume_rounded)
    csv_note(l, "%s: volumes are too large for all their decimals; kept to %d", path, l->volume_scale);
  for (size_t i = 1; r->gaps && !closes_at_weekends(&l->out) && i < l->out.count; i++) {
    if (time_gap_ns(l->out.bars[i].open_ns, l->out.bars[i - 1].open_ns) < 2 * l->out.timeframe_ns) continue;
    char text[TIME_TEXT_MAX];
    csv_note(l, "%s: missing bars: %zu in %zu gaps, the first after %s", path, r->missing, r->gaps,
         time_text(l->out.bars[i - 1].open_ns, text));
    break;
  }
}

// text_open or text_open_bytes has been called; closes the reader.
static enum status load(struct csv_loader *l, struct series *ret) {
  enum status st = read_all(l);
  if (st == OK) {
    l->out.price_scale = l->seen_scale;
    l->out.volume_scale = l->volume_scale;
    st = derive_instrument(l);
  }
  if (st == OK) summarise(l);
  text_close(&l->reader);
  if (st == OK) *ret = l->out;
  else series_finish(&l->out);
  return st;
}

static enum status begin(struct csv_loader *l, const char *path, const struct csv_options *options, struct csv_report *report,
                         struct err *err) {
  *report = (struct csv_report){0};
  *l = (struct csv_loader){.options = options, .report = report, .err = err, .volume_cap = VOLUME_SCALE_MAX, .fast_low = 1};
  l->scale = options->tick.digits ? options->tick.scale : 0;
  return csv_name_series(l, path);
}

enum status csv_load(const char *path, const struct csv_options *options, struct series *ret, struct csv_report *report,
                     struct err *err) {
  struct csv_report own;
  struct csv_loader l;
  enum status st = begin(&l, path, options, report ? report : &own, err);
  if (st == OK)
    st = text_open(&l.reader, path, options->chunk_bytes, options->max_bytes ? options->max_bytes : CSV_BYTES_MAX, err);
  return st == OK ? load(&l, ret) : st;
}

enum status csv_load_bytes(const char *path, const void *bytes, size_t len, const struct csv_options *options,
                           struct series *ret, struct csv_report *report, struct err *err) {
  struct csv_report own;
  struct csv_loader l;
  enum status st = begin(&l, path, options, report ? report : &own, err);
  if (st == OK) st = text_open_bytes(&l.reader, path, bytes, len, options->chunk_bytes, err);
  return st == OK ? load(&l, ret) : st;
}

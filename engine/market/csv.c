// market/csv.c – see csv.h. A row is read twice over at most: plain numbers go through a short fast path that knows no
// exception, every other row through the exact one, which knows all forms and names the column of what is wrong.
//
// Where the time goes (tests/bench/make_bars, 1,000,000 bars, 57 MB, gzip 20 MB; 2-core machine, perf): 0.12 s plain and 0.32 s
// gzipped, of which zlib's inflate and CRC 64 %, this file 25 %, the kernel (reading, fresh pages) 8 %. Overlapping inflate and
// parsing on two threads would save the 25 % at best, so there are none.
#include "market/csv.h"

#include "market/text.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum role { ROLE_TIME, ROLE_OPEN, ROLE_HIGH, ROLE_LOW, ROLE_CLOSE, ROLE_VOLUME, ROLE_COUNT, ROLE_IGNORE = ROLE_COUNT };
static const char *const role_name[] = {"time", "open", "high", "low", "close", "volume"};

#define PRICE_TICKS_MAX (INT64_MAX / 4)  // room for sums of prices
#define VOLUME_SCALE_MAX 8

// Exchanges' dumps write "8142.35000000"; nobody pads to as few decimals as this.
#define PADDED_SCALE 5

// A row as read: time in ns, the others as digits × 10^-scale by role.
struct row {
  int64_t time_ns;
  struct decimal number[ROLE_COUNT];
};

struct loader {
  const struct csv_options *options;
  struct text_reader reader;
  struct csv_report *report;
  struct err *err;
  enum status status;  // OK while the load goes on
  struct series out;

  int columns;                     // of the header
  uint8_t roles[CSV_FIELDS_MAX];   // by column
  bool no_volume;                  // repair: the file has none

  enum time_unit unit;
  int64_t fast_low, fast_high, fast_ns;  // Unix numbers that are this file's unit beyond doubt, and ns per one

  int scale;             // of the stored prices: the most decimals seen, or the given tick's
  int64_t price_max;     // largest stored
  int seen_scale;
  int volume_scale, volume_cap, volume_seen;
  int64_t volume_sum;
  bool volume_rounded;

  size_t first_duplicate, first_overlap, overlaps;  // first_…: lines
  size_t noisy, first_noisy;
  struct decimal noise_given, noise_read;
};

// ---------------------------------------------------------------- saying what is wrong

static PRINTF(2, 3) void note(struct loader *l, const char *fmt, ...) {
  size_t k = l->report->message_count++;
  if (k >= CSV_MESSAGES_MAX) return;
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(l->report->messages[k], CSV_MESSAGE_MAX, fmt, ap);
  va_end(ap);
}

// The line is wrong: the load ends, or with repair the line is dropped and noted. Always false.
static PRINTF(3, 4) bool refuse(struct loader *l, int column, const char *fmt, ...) {
  char reason[512];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(reason, sizeof reason, fmt, ap);
  va_end(ap);
  if (l->options->repair) {
    l->report->dropped++;
    note(l, "%s:%zu:%d: dropped: %s", l->reader.path, l->reader.line, column, reason);
  } else {
    l->status = err_set(l->err, ERR_INVALID, "%s:%zu:%d: %s (mend the line, or load with --repair)", l->reader.path,
                        l->reader.line, column, reason);
  }
  return false;
}

// 1-based byte at which the column of a role begins on this line.
static int column_of(struct loader *l, struct slice line, enum role role) {
  struct slice fields[CSV_FIELDS_MAX];
  int columns[CSV_FIELDS_MAX], at;
  const char *reason;
  int n = csv_split(line, fields, columns, CSV_FIELDS_MAX, &at, &reason);
  for (int i = 0; i < n && i < l->columns; i++)
    if (l->roles[i] == role) return columns[i];
  return 1;
}

// ---------------------------------------------------------------- header

static const struct {
  const char *name;
  enum role role;
  int rank;  // of several time columns the best is taken, the others are ignored
} names[] = {{"time", ROLE_TIME, 4},   {"timestamp", ROLE_TIME, 3}, {"datetime", ROLE_TIME, 2}, {"date", ROLE_TIME, 1},
             {"open", ROLE_OPEN, 1},   {"high", ROLE_HIGH, 1},      {"low", ROLE_LOW, 1},       {"close", ROLE_CLOSE, 1},
             {"volume", ROLE_VOLUME, 1}};

static enum status header_fail(struct loader *l, int column, const char *fmt, ...) PRINTF(3, 4);
static enum status header_fail(struct loader *l, int column, const char *fmt, ...) {
  char reason[512];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(reason, sizeof reason, fmt, ap);
  va_end(ap);
  return l->status = err_set(l->err, ERR_INVALID, "%s:%zu:%d: %s", l->reader.path, l->reader.line, column, reason);
}

static enum status header_has_no_columns(struct loader *l, struct slice line) {
  for (size_t i = 0; i < line.len; i++)
    if ((unsigned char)line.p[i] < 0x20 && line.p[i] != '\t' && line.p[i] != '\r')
      return header_fail(l, (int)i + 1, "this is not a text file");
  if (memchr(line.p, ';', line.len))
    return header_fail(l, 1, "looks semicolon-separated; separate fields by commas and write decimals with a point");
  if (memchr(line.p, '\t', line.len)) return header_fail(l, 1, "looks tab-separated; separate fields by commas");
  if (memchr(line.p, '\r', line.len)) return header_fail(l, 1, "lines end in CR alone; end them in LF or CRLF");
  return header_fail(l, 1, "no header; the first line must name the columns: time,open,high,low,close,volume");
}

static enum status read_header(struct loader *l, struct slice line) {
  struct slice fields[CSV_FIELDS_MAX];
  int columns[CSV_FIELDS_MAX], column;
  const char *reason;
  bool plain = !memchr(line.p, '\0', line.len);
  l->columns = plain ? csv_split(line, fields, columns, CSV_FIELDS_MAX, &column, &reason) : 1;
  if (l->columns == 1) return header_has_no_columns(l, line);
  if (l->columns < 0) return header_fail(l, column, "%s in the header", reason);
  int found[ROLE_COUNT], rank[ROLE_COUNT] = {0};
  for (int i = 0; i < l->columns; i++) {
    l->roles[i] = ROLE_IGNORE;
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
      if (!slice_is(fields[i], names[k].name)) continue;
      enum role role = names[k].role;
      if (names[k].rank == rank[role]) return header_fail(l, columns[i], "the column %s is there twice", names[k].name);
      if (names[k].rank < rank[role]) continue;
      if (rank[role]) l->roles[found[role]] = ROLE_IGNORE;
      l->roles[i] = (uint8_t)role;
      found[role] = i;
      rank[role] = names[k].rank;
    }
  }
  int known = 0;
  for (int k = 0; k < ROLE_COUNT; k++) known += rank[k] > 0;
  char first = fields[0].len ? fields[0].p[0] : '\0';
  if (known == 0 && (first == '-' || (first >= '0' && first <= '9'))) {
    return header_fail(l, 1, "no header; put one before the data: time,open,high,low,close,volume");
  }
  if (known == 0) return header_has_no_columns(l, line);
  for (int k = 0; k < ROLE_COUNT; k++) {
    if (rank[k]) continue;
    if (k == ROLE_VOLUME && l->options->repair) {
      l->no_volume = true;
      note(l, "%s:%zu: no volume column: volume taken as unknown", l->reader.path, l->reader.line);
    } else if (k == ROLE_VOLUME) {
      return header_fail(l, 1, "the column volume is missing (add it, 0 where unknown, or load with --repair)");
    } else {
      return header_fail(l, 1, "the column %s is missing; the header must name time,open,high,low,close,volume",
                         role_name[k]);
    }
  }
  return OK;
}

// ---------------------------------------------------------------- reading a row

// Digits with at most one point, at most 18 of them; stops at the first other byte.
static inline const char *fast_number(const char *p, struct decimal *ret) {
  uint64_t value = 0;
  const char *start = p;
  unsigned digit;
  while ((digit = (unsigned)(unsigned char)*p - '0') < 10) value = value * 10 + digit, p++;
  long count = p - start;
  int scale = 0;
  if (*p == '.') {
    const char *point = p++;
    while ((digit = (unsigned)(unsigned char)*p - '0') < 10) value = value * 10 + digit, p++;
    scale = (int)(p - point - 1);
    count += scale;
    if (scale == 0) return NULL;
  }
  if (count == 0 || count > 18) return NULL;
  *ret = (struct decimal){(int64_t)value, scale};
  return p;
}

// False for any row that is not plain numbers in the file's unit of time; the exact reader then decides.
static bool read_fast(const struct loader *l, struct slice line, struct row *row) {
  const char *p = line.p, *end = line.p + line.len;
  struct decimal ignored = {0, 0};
  row->number[ROLE_VOLUME] = ignored;
  for (int i = 0; i < l->columns; i++) {
    if (i > 0 && *p++ != ',') return false;
    unsigned role = l->roles[i];
    if (role == ROLE_IGNORE) {
      while (p < end && *p != ',' && *p != '"' && *p != '\0') p++;
      continue;
    }
    p = fast_number(p, &row->number[role]);
    if (!p || p > end) return false;
  }
  struct decimal t = row->number[ROLE_TIME];
  if (p != end || t.scale != 0 || t.digits < l->fast_low || t.digits >= l->fast_high) return false;
  row->time_ns = t.digits * l->fast_ns;
  return true;
}

// After the first row: which Unix numbers need no second thought.
static void learn_unit(struct loader *l) {
  static const struct { int64_t low, high, ns; } ranges[] = {
      [TIME_UNIT_S] = {0, INT64_C(7000000000), NS_PER_S},
      [TIME_UNIT_MS] = {INT64_C(100000000000), INT64_C(7000000000000), NS_PER_MS},
      [TIME_UNIT_US] = {INT64_C(100000000000000), INT64_C(7000000000000000), 1000},
      [TIME_UNIT_NS] = {INT64_C(100000000000000000), INT64_C(999999999999999999), 1},
      [TIME_UNIT_ISO] = {1, 0, 0}};
  l->fast_low = ranges[l->unit].low;
  l->fast_high = ranges[l->unit].high;
  l->fast_ns = ranges[l->unit].ns;
}

// decimal_parse drops trailing zeros; puts those back that see_price counts.
static void as_written(struct slice field, struct decimal *d) {
  const char *point = memchr(field.p, '.', field.len);
  long written = point ? field.p + field.len - point - 1 : 0;
  if (written > PADDED_SCALE || memchr(field.p, 'e', field.len) || memchr(field.p, 'E', field.len)) return;
  while (d->scale < written && !__builtin_mul_overflow(d->digits, INT64_C(10), &d->digits)) d->scale++;
}

// A number, or a volume of more digits than fit (a double's full expansion), cut after its ninth decimal.
static bool read_number(struct slice field, enum role role, struct decimal *ret) {
  if (decimal_parse(field.p, field.len, ret)) return as_written(field, ret), true;
  const char *point = role == ROLE_VOLUME ? memchr(field.p, '.', field.len) : NULL;
  size_t whole = point ? (size_t)(point - field.p) + 1 : 0;
  if (whole == 0 || field.len <= whole + VOLUME_SCALE_MAX + 1) return false;
  for (size_t i = whole; i < field.len; i++)
    if (field.p[i] < '0' || field.p[i] > '9') return false;
  return decimal_parse(field.p, whole + VOLUME_SCALE_MAX + 1, ret);
}

static bool read_exact(struct loader *l, struct slice line, bool ended_open, struct row *row) {
  struct slice fields[CSV_FIELDS_MAX];
  int columns[CSV_FIELDS_MAX], column;
  const char *reason;
  char shown[SLICE_SHOW_MAX];
  const char *nul = memchr(line.p, '\0', line.len);
  if (nul) return refuse(l, (int)(nul - line.p) + 1, "a NUL byte");
  int n = csv_split(line, fields, columns, CSV_FIELDS_MAX, &column, &reason);
  if (n < 0) return refuse(l, column, "%s", reason);
  if (n != l->columns)
    return refuse(l, columns[n < l->columns ? n - 1 : l->columns], "%d fields where the header has %d%s", n, l->columns,
                  n < l->columns && ended_open ? ": the file was cut here" : "");
  row->number[ROLE_VOLUME] = (struct decimal){0, 0};
  for (int i = 0; i < n; i++) {
    enum role role = l->roles[i];
    if (role == ROLE_TIME) {
      int64_t previous_ns = l->out.count ? l->out.bars[l->out.count - 1].open_ns : 0;
      enum time_unit before = l->unit;
      reason = time_parse(fields[i], &l->unit, previous_ns, &row->time_ns);
      if (reason) return refuse(l, columns[i], "\"%s\" %s", slice_show(fields[i], shown), reason);
      if (before == TIME_UNIT_NONE) learn_unit(l);
    } else if (role != ROLE_IGNORE && !read_number(fields[i], role, &row->number[role])) {
      return fields[i].len ? refuse(l, columns[i], "the %s \"%s\" is not a decimal number that fits in 64 bits", role_name[role],
                                    slice_show(fields[i], shown))
                           : refuse(l, columns[i], "the %s is empty", role_name[role]);
    }
  }
  return true;
}

// ---------------------------------------------------------------- from decimals to ticks

#define NOISE_FROM INT64_C(1000000000000000)  // 16 digits: more than a double can promise
#define NOISE_SHORT_MAX INT64_C(1000000000000)

// Takes away what a program's doubles left behind: "1287.6500000000001" was 1287.65 before it was printed with 17 digits. Only
// where rounding to 15 digits, which every double keeps, leaves 12 or fewer; a real price has no row of zeros or nines there.
static __attribute__((noinline)) struct decimal without_noise(struct decimal d) {
  struct decimal r = d;
  int64_t divisor = 1;
  while (r.digits / divisor >= NOISE_FROM) divisor *= 10, r.scale--;
  r.digits = (int64_t)div_round(r.digits, divisor);
  if (r.scale < 0) return d;
  r = decimal_normal(r);
  return r.digits < NOISE_SHORT_MAX ? r : d;
}

static inline struct decimal clean_number(struct loader *l, struct decimal d) {
  if (d.digits < NOISE_FROM) return d;
  struct decimal given = decimal_normal(d), r = without_noise(given);
  if ((r.digits != given.digits || r.scale != given.scale) && l->noisy++ == 0) {
    l->first_noisy = l->reader.line;
    l->noise_given = given;
    l->noise_read = r;
  }
  return r;
}

// More decimals than any price before: all stored prices move to the new scale.
static bool grow_scale(struct loader *l, int scale) {
  int64_t factor = pow10_i64(scale - l->scale);
  if (l->price_max > PRICE_TICKS_MAX / factor) return false;
  for (size_t i = 0; i < l->out.count; i++) {
    struct bar *b = &l->out.bars[i];
    b->open.ticks *= factor, b->high.ticks *= factor, b->low.ticks *= factor, b->close.ticks *= factor;
  }
  l->price_max *= factor;
  l->scale = scale;
  return true;
}

// Learns how many decimals a price needs. All four prices of a row come here before any is converted: growing the scale moves
// the stored bars, not the row at hand.
// A price's decimals count as they are written ("100.00" says 0.01), but beyond PADDED_SCALE trailing zeros are padding.
static inline const char *see_price(struct loader *l, struct decimal *d) {
  if (d->scale > PADDED_SCALE)
    while (d->scale > l->seen_scale && d->digits % 10 == 0) d->digits /= 10, d->scale--;
  if (d->scale <= l->seen_scale) return NULL;
  if (l->options->tick.digits == 0 && !grow_scale(l, d->scale)) return "has too many digits beside the other prices";
  l->seen_scale = d->scale;
  return NULL;
}

static inline const char *to_ticks(struct loader *l, struct decimal d, int64_t *ret) {
  while (d.scale > l->scale && d.digits % 10 == 0) d.digits /= 10, d.scale--;
  if (d.scale > l->scale) return "is not a multiple of the tick";
  int64_t value;
  if (__builtin_mul_overflow(d.digits, pow10_i64(l->scale - d.scale), &value) || value > PRICE_TICKS_MAX)
    return "has too many digits";
  const int64_t tick = l->options->tick.digits;
  if (tick > 1) {
    if (value % tick != 0) return "is not a multiple of the tick";
    value /= tick;
  }
  if (value > l->price_max) l->price_max = value;
  *ret = value;
  return NULL;
}

// ---------------------------------------------------------------- volume

// All stored volumes and their sum at another scale; false when the sum would not fit.
static bool rescale_volume(struct loader *l, int scale) {
  if (scale > l->volume_scale) {
    int64_t factor = pow10_i64(scale - l->volume_scale), sum;
    if (__builtin_mul_overflow(l->volume_sum, factor, &sum)) return false;
    for (size_t i = 0; i < l->out.count; i++) l->out.bars[i].volume *= factor;
    l->volume_sum = sum;
  } else {
    int64_t divisor = pow10_i64(l->volume_scale - scale);
    l->volume_sum = 0;
    for (size_t i = 0; i < l->out.count; i++) {
      l->out.bars[i].volume = (int64_t)div_round(l->out.bars[i].volume, divisor);
      l->volume_sum += l->out.bars[i].volume;
    }
    l->volume_cap = scale;
    l->volume_rounded = true;
  }
  l->volume_scale = scale;
  return true;
}

// The volume at the file's volume scale, moving that scale where needed so that the sum stays within 64 bits.
static bool to_volume(struct loader *l, struct decimal d, int64_t *ret) {
  while (d.scale > l->volume_scale && d.digits % 10 == 0) d.digits /= 10, d.scale--;
  if (d.scale > VOLUME_SCALE_MAX) {
    d.digits = (int64_t)div_round(d.digits, pow10_i64(d.scale - VOLUME_SCALE_MAX));
    d.scale = VOLUME_SCALE_MAX;
  }
  if (d.scale > l->volume_seen) l->volume_seen = d.scale;
  int want = d.scale < l->volume_cap ? d.scale : l->volume_cap;
  while (want > l->volume_scale && !rescale_volume(l, want)) {
    l->volume_cap = --want;
    l->volume_rounded = true;
  }
  for (;;) {
    int128 value = d.scale > l->volume_scale ? div_round(d.digits, pow10_i64(d.scale - l->volume_scale))
                                             : (int128)d.digits * pow10_i64(l->volume_scale - d.scale);
    if (d.scale > l->volume_scale) l->volume_rounded = true;
    if (value <= INT64_MAX - l->volume_sum) {
      *ret = (int64_t)value;
      return true;
    }
    if (l->volume_scale == 0) return false;
    rescale_volume(l, l->volume_scale - 1);
  }
}

// ---------------------------------------------------------------- one bar after another

static bool same_bar(const struct bar *a, const struct bar *b) {
  return a->open_ns == b->open_ns && a->open.ticks == b->open.ticks && a->high.ticks == b->high.ticks &&
         a->low.ticks == b->low.ticks && a->close.ticks == b->close.ticks && a->volume == b->volume;
}

static const struct bar *find_bar(const struct series *s, int64_t open_ns) {
  size_t lo = 0, hi = s->count;
  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;
    if (s->bars[mid].open_ns < open_ns) lo = mid + 1;
    else hi = mid;
  }
  return lo < s->count && s->bars[lo].open_ns == open_ns ? &s->bars[lo] : NULL;
}

static __attribute__((noinline)) bool refuse_price(struct loader *l, struct slice line, enum role role, struct decimal d,
                                                   const char *reason) {
  char text[DECIMAL_TEXT_MAX];
  decimal_format(d, text);
  return refuse(l, column_of(l, line, role), "the %s %s %s", role_name[role], text, reason);
}

static bool make_bar(struct loader *l, struct slice line, const struct row *row, struct bar *bar) {
  *bar = (struct bar){.open_ns = row->time_ns, .volume = -1};
  int64_t *ticks[] = {[ROLE_OPEN] = &bar->open.ticks, [ROLE_HIGH] = &bar->high.ticks, [ROLE_LOW] = &bar->low.ticks,
                      [ROLE_CLOSE] = &bar->close.ticks};
  struct decimal prices[ROLE_VOLUME];
  for (enum role k = ROLE_OPEN; k <= ROLE_CLOSE; k++) {
    struct decimal *d = &prices[k];
    *d = clean_number(l, row->number[k]);
    const char *reason = d->digits < 0 ? "is negative" : d->digits == 0 ? "must be above 0" : see_price(l, d);
    if (reason) return refuse_price(l, line, k, row->number[k], reason);
  }
  for (enum role k = ROLE_OPEN; k <= ROLE_CLOSE; k++) {
    const char *reason = to_ticks(l, prices[k], ticks[k]);
    if (reason) return refuse_price(l, line, k, row->number[k], reason);
  }
  int64_t high = bar->high.ticks, low = bar->low.ticks;
  if (high < low) return refuse(l, column_of(l, line, ROLE_HIGH), "the high is below the low");
  if (bar->open.ticks > high || bar->open.ticks < low)
    return refuse(l, column_of(l, line, ROLE_OPEN), "the open is outside high and low");
  if (bar->close.ticks > high || bar->close.ticks < low)
    return refuse(l, column_of(l, line, ROLE_CLOSE), "the close is outside high and low");
  if (l->no_volume) return true;
  if (row->number[ROLE_VOLUME].digits < 0) return refuse(l, column_of(l, line, ROLE_VOLUME), "the volume is negative");
  if (!to_volume(l, clean_number(l, row->number[ROLE_VOLUME]), &bar->volume))
    return refuse(l, column_of(l, line, ROLE_VOLUME), "the volume is too large");
  return true;
}

// Order of time without repair: rising, or an identical repeat. True when the bar is to be appended.
static bool in_order(struct loader *l, struct slice line, const struct bar *bar) {
  char a[TIME_TEXT_MAX], b[TIME_TEXT_MAX], tf[TIMEFRAME_TEXT_MAX];
  int64_t last_ns = l->out.bars[l->out.count - 1].open_ns, step = bar->open_ns - last_ns;
  if (step >= l->out.timeframe_ns) return true;
  if (step <= 0) {
    const struct bar *known = find_bar(&l->out, bar->open_ns);
    if (known && same_bar(known, bar)) {
      if (l->out.duplicates++ == 0) l->first_duplicate = l->reader.line;
      return false;
    }
    if (known) return refuse(l, column_of(l, line, ROLE_TIME), "a second, different bar for %s", time_text(bar->open_ns, a));
    return refuse(l, column_of(l, line, ROLE_TIME), "time goes back from %s to %s", time_text(last_ns, a),
                  time_text(bar->open_ns, b));
  }
  if (step < l->out.timeframe_ns / 2)
    return refuse(l, column_of(l, line, ROLE_TIME), "only %lld s after the bar before: is the timeframe %s right?",
                  (long long)(step / NS_PER_S), timeframe_text(l->out.timeframe_ns, tf));
  if (l->overlaps++ == 0) l->first_overlap = l->reader.line;
  return true;
}

static void take_line(struct loader *l, struct slice line, bool ended_open) {
  l->report->rows++;
  struct row row;
  struct bar bar;
  if (!read_fast(l, line, &row) && !read_exact(l, line, ended_open, &row)) return;
  if (ended_open && l->roles[l->columns - 1] <= ROLE_CLOSE) {
    enum role last = l->roles[l->columns - 1];
    refuse(l, column_of(l, line, last), "the last line has no line end, so its %s may have been cut; add a line end if it is whole",
           role_name[last]);
    return;
  }
  if (!make_bar(l, line, &row, &bar)) return;
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
  if (ended_open) note(l, "%s:%zu: the last line has no line end; if the file was cut, its last value may be too",
                       l->reader.path, l->reader.line);
}

// ---------------------------------------------------------------- repair

struct sort_key {
  int64_t open_ns;
  size_t index;
};

static int compare_keys(const void *a, const void *b) {
  const struct sort_key *x = a, *y = b;
  if (x->open_ns != y->open_ns) return x->open_ns < y->open_ns ? -1 : 1;
  return x->index < y->index ? -1 : x->index > y->index;
}

static enum status sort_bars(struct loader *l) {
  struct series *s = &l->out;
  struct sort_key *keys = malloc(s->count * sizeof *keys);
  struct bar *sorted = malloc(s->count * sizeof *sorted);
  if (!keys || !sorted) {
    free(keys);
    free(sorted);
    return err_set(l->err, ERR_NOMEM, "%s: out of memory", l->reader.path);
  }
  for (size_t i = 0; i < s->count; i++) keys[i] = (struct sort_key){s->bars[i].open_ns, i};
  qsort(keys, s->count, sizeof *keys, compare_keys);
  for (size_t i = 0; i < s->count; i++) sorted[i] = s->bars[keys[i].index];
  free(keys);
  free(s->bars);
  s->bars = sorted;
  s->cap = s->count;
  note(l, "%s: sorted by time: %zu rows stood behind a later one", l->reader.path, l->report->unsorted);
  return OK;
}

// Sorted, of several bars for one time the first of the file, and none that begins in the first half of another.
static enum status mend(struct loader *l) {
  struct series *s = &l->out;
  char text[TIME_TEXT_MAX], tf[TIMEFRAME_TEXT_MAX];
  if (s->count == 0) return OK;
  if (l->report->unsorted > 0) {
    enum status st = sort_bars(l);
    if (st != OK) return st;
  }
  size_t kept = 1, crowded = 0;
  for (size_t i = 1; i < s->count; i++) {
    const struct bar *bar = &s->bars[i], *last = &s->bars[kept - 1];
    int64_t step = bar->open_ns - last->open_ns;
    if (step == 0 && same_bar(bar, last)) {
      s->duplicates++;
    } else if (step == 0) {
      l->report->dropped++;
      note(l, "%s: dropped: a second, different bar for %s", l->reader.path, time_text(bar->open_ns, text));
    } else if (step < s->timeframe_ns / 2) {
      l->report->dropped++;
      crowded++;
      note(l, "%s: dropped: the bar at %s is only %lld s after the one before", l->reader.path, time_text(bar->open_ns, text),
           (long long)(step / NS_PER_S));
    } else {
      if (step < s->timeframe_ns) l->overlaps++;
      s->bars[kept++] = *bar;
    }
  }
  if (crowded > kept)
    return err_set(l->err, ERR_INVALID, "%s: most bars are closer than %s: give the right --timeframe", l->reader.path,
                   timeframe_text(s->timeframe_ns, tf));
  s->count = kept;
  return OK;
}

// ---------------------------------------------------------------- the whole

void csv_name_parse(const char *path, char ret_symbol[SYMBOL_MAX], int64_t *ret_timeframe_ns) {
  ret_symbol[0] = '\0';
  *ret_timeframe_ns = 0;
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  size_t len = strlen(name);
  static const char *const endings[] = {".gz", ".csv", ".txt"};
  for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
    size_t n = strlen(endings[i]);
    if (len > n && strncasecmp(name + len - n, endings[i], n) == 0) len -= n;
  }
  size_t symbol_len = len;
  for (size_t i = 1; i < len && *ret_timeframe_ns == 0; i++) {
    if (!strchr("_- .", name[i])) continue;
    char word[TIMEFRAME_TEXT_MAX];
    size_t n = 0;
    while (i + 1 + n < len && n + 1 < sizeof word && !strchr("_- .", name[i + 1 + n])) word[n] = name[i + 1 + n], n++;
    word[n] = '\0';
    if (timeframe_parse(word, ret_timeframe_ns)) symbol_len = i;
  }
  if (symbol_len >= SYMBOL_MAX) return;
  for (size_t i = 0; i < symbol_len; i++) {
    char c = name[i];
    bool good = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || strchr("._-:=^", c);
    if (!good) return;
  }
  memcpy(ret_symbol, name, symbol_len);
  ret_symbol[symbol_len] = '\0';
}

static enum status name_series(struct loader *l, const char *path) {
  char symbol[SYMBOL_MAX];
  int64_t timeframe_ns;
  csv_name_parse(path, symbol, &timeframe_ns);
  const struct csv_options *o = l->options;
  if (o->timeframe_ns) timeframe_ns = o->timeframe_ns;
  const char *name = o->symbol ? o->symbol : symbol;
  if (timeframe_ns <= 0)
    return err_set(l->err, ERR_INVALID,
                   "%s: the name does not tell the timeframe (as BTCUSDT_1m.csv does): give --timeframe, and --symbol", path);
  if (name[0] == '\0' || strlen(name) >= SYMBOL_MAX)
    return err_set(l->err, ERR_INVALID, "%s: give a --symbol of 1 to %d characters", path, SYMBOL_MAX - 1);
  if (o->tick.digits < 0 || o->lot.digits < 0 || o->multiplier.digits < 0 || o->min_notional.digits < 0)
    return err_set(l->err, ERR_INVALID, "%s: tick, lot, multiplier and smallest notional must not be negative", path);
  snprintf(l->out.inst.symbol, SYMBOL_MAX, "%s", name);
  l->out.timeframe_ns = timeframe_ns;
  return OK;
}

static enum status read_all(struct loader *l) {
  bool header = false, ended_open;
  struct slice line;
  while (l->status == OK) {
    l->status = text_next(&l->reader, &line, &ended_open, l->err);
    if (l->status != OK || !line.p) break;
    if (slice_trim(line).len == 0) continue;
    if (header) take_line(l, line, ended_open);
    else l->status = read_header(l, line);
    header = true;
  }
  if (l->status != OK) return l->status;
  if (!header) return err_set(l->err, ERR_INVALID, "%s: the file is empty", l->reader.path);
  if (l->options->repair) {
    enum status st = mend(l);
    if (st != OK) return st;
  }
  if (l->out.count > 0) return OK;
  if (l->report->rows > 0) return err_set(l->err, ERR_INVALID, "%s: no bar is left after the repair", l->reader.path);
  return err_set(l->err, ERR_INVALID, "%s: has a header but no bars", l->reader.path);
}

static enum status derive_instrument(struct loader *l) {
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
  if (s->count < 2 || s->bars[s->count - 1].open_ns - s->bars[0].open_ns < 7 * NS_PER_DAY) return false;
  for (size_t i = 0; i < s->count; i++)
    if (timeframe_floor(s->bars[i].open_ns, NS_PER_DAY) - timeframe_floor(s->bars[i].open_ns, 7 * NS_PER_DAY) == 5 * NS_PER_DAY) return false;
  return true;
}

static void summarise(struct loader *l) {
  struct csv_report *r = l->report;
  const char *path = l->reader.path;
  r->duplicates = l->out.duplicates;
  r->missing = series_count_gaps(&l->out);
  r->gaps = l->out.gaps;
  if (r->duplicates && l->first_duplicate)
    note(l, "%s:%zu: identical repeated bars dropped: %zu, the first here", path, l->first_duplicate, r->duplicates);
  else if (r->duplicates)
    note(l, "%s: identical repeated bars dropped: %zu", path, r->duplicates);
  if (l->overlaps)
    note(l, "%s:%zu: bars that begin before the one before has ended: %zu, the first here", path, l->first_overlap, l->overlaps);
  if (l->noisy) {
    char a[DECIMAL_TEXT_MAX], b[DECIMAL_TEXT_MAX];
    decimal_format(l->noise_given, a);
    decimal_format(l->noise_read, b);
    note(l, "%s:%zu: numbers with the rounding noise of a double: %zu, the first here: %s, read as %s", path, l->first_noisy,
         l->noisy, a, b);
  }
  if (l->volume_rounded)
    note(l, "%s: volumes are too large for all their decimals; kept to %d", path, l->volume_scale);
  for (size_t i = 1; r->gaps && !closes_at_weekends(&l->out) && i < l->out.count; i++) {
    if (l->out.bars[i].open_ns - l->out.bars[i - 1].open_ns < 2 * l->out.timeframe_ns) continue;
    char text[TIME_TEXT_MAX];
    note(l, "%s: missing bars: %zu in %zu gaps, the first after %s", path, r->missing, r->gaps,
         time_text(l->out.bars[i - 1].open_ns, text));
    break;
  }
}

// text_open or text_open_bytes has been called; closes the reader.
static enum status load(struct loader *l, struct series *ret) {
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

static enum status begin(struct loader *l, const char *path, const struct csv_options *options, struct csv_report *report,
                         struct err *err) {
  *report = (struct csv_report){0};
  *l = (struct loader){.options = options, .report = report, .err = err, .volume_cap = VOLUME_SCALE_MAX, .fast_low = 1};
  l->scale = options->tick.digits ? options->tick.scale : 0;
  return name_series(l, path);
}

enum status csv_load(const char *path, const struct csv_options *options, struct series *ret, struct csv_report *report,
                     struct err *err) {
  struct csv_report own;
  struct loader l;
  enum status st = begin(&l, path, options, report ? report : &own, err);
  if (st == OK)
    st = text_open(&l.reader, path, options->chunk_bytes, options->max_bytes ? options->max_bytes : CSV_BYTES_MAX, err);
  return st == OK ? load(&l, ret) : st;
}

enum status csv_load_bytes(const char *path, const void *bytes, size_t len, const struct csv_options *options,
                           struct series *ret, struct csv_report *report, struct err *err) {
  struct csv_report own;
  struct loader l;
  enum status st = begin(&l, path, options, report ? report : &own, err);
  if (st == OK) st = text_open_bytes(&l.reader, path, bytes, len, options->chunk_bytes, err);
  return st == OK ? load(&l, ret) : st;
}

// market/csv_read.c – the header, and a row's fields as numbers. A row is read twice over at most: plain numbers go through a short
// fast path that knows no exception, every other row through the exact one, which knows all forms and names the column of what
// is wrong.
#include "market/csv_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// ---------------------------------------------------------------- header

static const struct {
  const char *name;
  enum csv_role role;
  int rank;  // of several time columns the best is taken, the others are ignored
} names[] = {{"time", ROLE_TIME, 4},   {"timestamp", ROLE_TIME, 3}, {"datetime", ROLE_TIME, 2}, {"date", ROLE_TIME, 1},
             {"open", ROLE_OPEN, 1},   {"high", ROLE_HIGH, 1},      {"low", ROLE_LOW, 1},       {"close", ROLE_CLOSE, 1},
             {"volume", ROLE_VOLUME, 1}};

static enum status header_fail(struct csv_loader *l, int column, const char *fmt, ...) PRINTF(3, 4);
static enum status header_fail(struct csv_loader *l, int column, const char *fmt, ...) {
  char reason[512];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(reason, sizeof reason, fmt, ap);
  va_end(ap);
  return l->status = err_set(l->err, ERR_INVALID, "%s:%zu:%d: %s", l->reader.path, l->reader.line, column, reason);
}

static enum status header_has_no_columns(struct csv_loader *l, struct slice line) {
  for (size_t i = 0; i < line.len; i++)
    if ((unsigned char)line.p[i] < 0x20 && line.p[i] != '\t' && line.p[i] != '\r')
      return header_fail(l, (int)i + 1, "this is not a text file");
  if (memchr(line.p, ';', line.len))
    return header_fail(l, 1, "looks semicolon-separated; separate fields by commas and write decimals with a point");
  if (memchr(line.p, '\t', line.len)) return header_fail(l, 1, "looks tab-separated; separate fields by commas");
  if (memchr(line.p, '\r', line.len)) return header_fail(l, 1, "lines end in CR alone; end them in LF or CRLF");
  return header_fail(l, 1, "no header; the first line must name the columns: time,open,high,low,close,volume");
}

enum status csv_read_header(struct csv_loader *l, struct slice line) {
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
      enum csv_role role = names[k].role;
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
      csv_note(l, "%s:%zu: no volume column: volume taken as unknown", l->reader.path, l->reader.line);
    } else if (k == ROLE_VOLUME) {
      return header_fail(l, 1, "the column volume is missing (add it, 0 where unknown, or load with --repair)");
    } else {
      return header_fail(l, 1, "the column %s is missing; the header must name time,open,high,low,close,volume",
                         csv_role_name[k]);
    }
  }
  return OK;
}

// ---------------------------------------------------------------- a row

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
static bool read_fast(const struct csv_loader *l, struct slice line, struct csv_row *row) {
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
static void learn_unit(struct csv_loader *l) {
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
static bool read_number(struct slice field, enum csv_role role, struct decimal *ret) {
  if (decimal_parse(field.p, field.len, ret)) return as_written(field, ret), true;
  const char *point = role == ROLE_VOLUME ? memchr(field.p, '.', field.len) : NULL;
  size_t whole = point ? (size_t)(point - field.p) + 1 : 0;
  if (whole == 0 || field.len <= whole + VOLUME_SCALE_MAX + 1) return false;
  for (size_t i = whole; i < field.len; i++)
    if (field.p[i] < '0' || field.p[i] > '9') return false;
  return decimal_parse(field.p, whole + VOLUME_SCALE_MAX + 1, ret);
}

static bool read_exact(struct csv_loader *l, struct slice line, bool ended_open, struct csv_row *row) {
  struct slice fields[CSV_FIELDS_MAX];
  int columns[CSV_FIELDS_MAX], column;
  const char *reason;
  char shown[SLICE_SHOW_MAX];
  const char *nul = memchr(line.p, '\0', line.len);
  if (nul) return csv_refuse(l, (int)(nul - line.p) + 1, "a NUL byte");
  int n = csv_split(line, fields, columns, CSV_FIELDS_MAX, &column, &reason);
  if (n < 0) return csv_refuse(l, column, "%s", reason);
  if (n != l->columns)
    return csv_refuse(l, columns[n < l->columns ? n - 1 : l->columns], "%d fields where the header has %d%s", n, l->columns,
                  n < l->columns && ended_open ? ": the file was cut here" : "");
  row->number[ROLE_VOLUME] = (struct decimal){0, 0};
  for (int i = 0; i < n; i++) {
    enum csv_role role = l->roles[i];
    if (role == ROLE_TIME) {
      int64_t previous_ns = l->out.count ? l->out.bars[l->out.count - 1].open_ns : 0;
      enum time_unit before = l->unit;
      reason = time_parse(fields[i], &l->unit, previous_ns, &row->time_ns);
      if (reason) return csv_refuse(l, columns[i], "\"%s\" %s", slice_show(fields[i], shown), reason);
      if (before == TIME_UNIT_NONE) learn_unit(l);
    } else if (role != ROLE_IGNORE && !read_number(fields[i], role, &row->number[role])) {
      return fields[i].len ? csv_refuse(l, columns[i], "the %s \"%s\" is not a decimal number that fits in 64 bits", csv_role_name[role],
                                    slice_show(fields[i], shown))
                           : csv_refuse(l, columns[i], "the %s is empty", csv_role_name[role]);
    }
  }
  return true;
}

bool csv_read_row(struct csv_loader *l, struct slice line, bool ended_open, struct csv_row *row) {
  return read_fast(l, line, row) || read_exact(l, line, ended_open, row);
}

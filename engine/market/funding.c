// market/funding.c – see funding.h.
#include "market/funding.h"

#include "base/decimal.h"
#include "market/text.h"

#include <stdlib.h>
#include <string.h>

#define RATE_ONE INT64_C(1000000000000)
#define FUNDING_BYTES_MAX (UINT64_C(256) << 20)

struct columns {
  int count, time, rate;
};

static enum status fail(const struct text_reader *r, struct err *err, int column, const char *what, struct slice field) {
  char shown[SLICE_SHOW_MAX];
  return err_set(err, ERR_INVALID, "%s:%zu:%d: %s%s%s", r->path, r->line, column, what, field.len ? ": " : "",
                 slice_show(field, shown));
}

static enum status read_header(const struct text_reader *r, struct slice line, struct columns *ret, struct err *err) {
  struct slice fields[CSV_FIELDS_MAX];
  int at[CSV_FIELDS_MAX], column;
  const char *reason;
  int n = csv_split(line, fields, at, CSV_FIELDS_MAX, &column, &reason);
  if (n < 0) return fail(r, err, column, reason, (struct slice){0});
  *ret = (struct columns){n, -1, -1};
  for (int i = 0; i < n; i++) {
    bool time = slice_is(fields[i], "time") || slice_is(fields[i], "timestamp") || slice_is(fields[i], "date") ||
                slice_is(fields[i], "ts");
    bool rate = slice_is(fields[i], "rate") || slice_is(fields[i], "funding_rate") || slice_is(fields[i], "fundingRate");
    if ((time && ret->time >= 0) || (rate && ret->rate >= 0)) return fail(r, err, at[i], "the column is there twice", fields[i]);
    if (time) ret->time = i;
    if (rate) ret->rate = i;
  }
  if (ret->time < 0 || ret->rate < 0)
    return fail(r, err, 1, "the first line must name the columns time and rate, separated by a comma; it is", line);
  return OK;
}

// Venues publish rates of at most 8 decimals, files often print them as doubles ("-0.0021933400000000002", "1e-05"): what
// goes beyond 1e-12 is rounded off, half away from zero.
static bool rate_parse(struct slice rate, int64_t *ret_e12) {
  char text[80];
  if (rate.len == 0 || rate.len >= sizeof text) return false;
  memcpy(text, rate.p, rate.len);
  text[rate.len] = '\0';
  char *dot = strchr(text, '.'), *exponent = strpbrk(text, "eE");
  long shift = exponent ? strtol(exponent + 1, NULL, 10) : 0, keep = 12 + (shift < -12 ? -12 : shift > 0 ? 0 : shift);
  char *digits_end = exponent ? exponent : text + rate.len;
  bool up = false;
  if (dot && digits_end - dot - 1 > keep) {
    char *cut = dot + 1 + keep;
    up = *cut >= '5' && *cut <= '9';
    for (char *p = cut; p < digits_end; p++)
      if (*p < '0' || *p > '9') return false;
    memmove(cut, digits_end, strlen(digits_end) + 1);
  }
  struct decimal d;
  if (!decimal_parse(text, strlen(text), &d) || !decimal_rescale(d, 12, ret_e12)) return false;
  if (up) *ret_e12 += text[0] == '-' ? -1 : 1;
  return true;
}

static enum status read_row(const struct text_reader *r, struct slice line, const struct columns *columns,
                            enum time_unit *unit, const struct funding *last, struct funding *ret, struct err *err) {
  struct slice fields[CSV_FIELDS_MAX];
  int at[CSV_FIELDS_MAX], column;
  const char *reason;
  int n = csv_split(line, fields, at, CSV_FIELDS_MAX, &column, &reason);
  if (n < 0) return fail(r, err, column, reason, (struct slice){0});
  if (n != columns->count) return fail(r, err, at[n - 1], "the number of fields differs from the header's", (struct slice){0});
  reason = time_parse(fields[columns->time], unit, last ? last->ts_ns : 0, &ret->ts_ns);
  if (reason) return fail(r, err, at[columns->time], reason, fields[columns->time]);
  if (last && ret->ts_ns <= last->ts_ns)
    return fail(r, err, at[columns->time], "time does not rise; sort the file and drop repeats", fields[columns->time]);
  struct slice rate = fields[columns->rate];
  if (!rate_parse(rate, &ret->rate_e12)) return fail(r, err, at[columns->rate], "the rate is not a number", rate);
  if (ret->rate_e12 >= RATE_ONE || ret->rate_e12 <= -RATE_ONE)
    return fail(r, err, at[columns->rate], "the rate is 100 % or more; it must be a fraction such as 0.0001", rate);
  return OK;
}

static enum status append(struct funding_list *list, size_t *cap, struct funding item, const struct text_reader *r,
                          struct err *err) {
  if (list->count == FUNDING_MAX) return err_set(err, ERR_LIMIT, "%s:%zu: more than %d rates", r->path, r->line, FUNDING_MAX);
  if (list->count == *cap) {
    size_t more = *cap ? *cap * 2 : 256;
    struct funding *items = realloc(list->items, more * sizeof *items);
    if (!items) return err_set(err, ERR_NOMEM, "%s: out of memory", r->path);
    list->items = items;
    *cap = more;
  }
  list->items[list->count++] = item;
  return OK;
}

static enum status load(struct text_reader *r, struct funding_list *ret, struct err *err) {
  enum status st = OK;
  struct funding_list list = {0};
  struct columns columns = {0};
  enum time_unit unit = TIME_UNIT_NONE;
  size_t cap = 0;
  for (;;) {
    struct slice line;
    bool ended_open;
    st = text_next(r, &line, &ended_open, err);
    if (st != OK || !line.p) break;
    if (slice_trim(line).len == 0) continue;
    if (columns.count == 0) {
      st = read_header(r, line, &columns, err);
    } else if (ended_open && columns.rate == columns.count - 1) {
      st = fail(r, err, 1, "the last line has no line end, so its rate may have been cut; add a line end if it is whole",
                (struct slice){0});
    } else {
      struct funding item;
      st = read_row(r, line, &columns, &unit, list.count ? &list.items[list.count - 1] : NULL, &item, err);
      if (st == OK) st = append(&list, &cap, item, r, err);
    }
    if (st != OK) break;
  }
  if (st == OK && columns.count == 0) st = err_set(err, ERR_INVALID, "%s: the file is empty", r->path);
  if (st == OK && list.count == 0) st = err_set(err, ERR_INVALID, "%s: has a header but no rates", r->path);
  text_close(r);
  if (st == OK) *ret = list;
  else funding_finish(&list);
  return st;
}

enum status funding_load(const char *path, struct funding_list *ret, struct err *err) {
  struct text_reader r;
  enum status st = text_open(&r, path, 0, FUNDING_BYTES_MAX, err);
  return st == OK ? load(&r, ret, err) : st;
}

enum status funding_load_bytes(const char *name, const void *bytes, size_t len, struct funding_list *ret, struct err *err) {
  struct text_reader r;
  enum status st = text_open_bytes(&r, name, bytes, len, 0, err);
  return st == OK ? load(&r, ret, err) : st;
}

void funding_finish(struct funding_list *list) {
  free(list->items);
  *list = (struct funding_list){0};
}

// market/terms.c – see terms.h.
#include "market/terms.h"

#include "market/text.h"

#include <stdlib.h>
#include <string.h>

#define COLUMN_COUNT 7
#define TERMS_BYTES_MAX (UINT64_C(16) << 20)

static const char *const names[COLUMN_COUNT] = {"from", "tick", "lot", "min_qty", "min_notional", "leverage", "maintenance_pct"};

struct columns {
  int count, at[COLUMN_COUNT];  // -1: absent
};

static enum status fail(const struct text_reader *r, struct err *err, int column, const char *what, struct slice field) {
  char shown[SLICE_SHOW_MAX];
  return err_set(err, ERR_INVALID, "%s:%zu:%d: %s%s%s", r->path, r->line, column, what, field.len ? ": " : "", slice_show(field, shown));
}

static enum status read_header(const struct text_reader *r, struct slice line, struct columns *ret, struct err *err) {
  struct slice fields[CSV_FIELDS_MAX];
  int at[CSV_FIELDS_MAX], column;
  const char *reason;
  int n = csv_split(line, fields, at, CSV_FIELDS_MAX, &column, &reason);
  if (n < 0) return fail(r, err, column, reason, (struct slice){0});
  ret->count = n;
  for (int c = 0; c < COLUMN_COUNT; c++) ret->at[c] = -1;
  for (int i = 0; i < n; i++) {
    int c = slice_is(fields[i], "time") || slice_is(fields[i], "date") ? 0 : COLUMN_COUNT;
    for (int k = 0; k < COLUMN_COUNT; k++)
      if (slice_is(fields[i], names[k])) c = k;
    if (c == COLUMN_COUNT) return fail(r, err, at[i], "unknown column; known are from, tick, lot, min_qty, min_notional, leverage, maintenance_pct", fields[i]);
    if (ret->at[c] >= 0) return fail(r, err, at[i], "the column is there twice", fields[i]);
    ret->at[c] = i;
  }
  return ret->at[0] >= 0 ? OK : fail(r, err, 1, "the first line must name the column from; it is", line);
}

static enum status read_number(const struct text_reader *r, struct err *err, int column, struct slice field, struct decimal *ret) {
  if (!decimal_parse(field.p, field.len, ret) || ret->digits <= 0) return fail(r, err, column, "a number above 0 is wanted", field);
  return OK;
}

static enum status read_row(const struct text_reader *r, struct slice line, const struct columns *c, enum time_unit *unit,
                            const struct terms *last, struct terms *ret, struct err *err) {
  struct slice fields[CSV_FIELDS_MAX];
  int at[CSV_FIELDS_MAX], column;
  const char *reason;
  int n = csv_split(line, fields, at, CSV_FIELDS_MAX, &column, &reason);
  if (n < 0) return fail(r, err, column, reason, (struct slice){0});
  if (n != c->count) return fail(r, err, at[n - 1], "the number of fields differs from the header's", (struct slice){0});
  *ret = (struct terms){0};
  reason = time_parse(fields[c->at[0]], unit, last ? last->from_ns : 0, &ret->from_ns);
  if (reason) return fail(r, err, at[c->at[0]], reason, fields[c->at[0]]);
  if (last && ret->from_ns <= last->from_ns) return fail(r, err, at[c->at[0]], "time does not rise", fields[c->at[0]]);
  struct decimal scaled[2], *const target[COLUMN_COUNT] = {NULL, &ret->tick, &ret->lot, &ret->min_qty, &ret->min_notional, &scaled[0], &scaled[1]};
  for (int k = 1; k < COLUMN_COUNT; k++) {
    if (c->at[k] < 0 || fields[c->at[k]].len == 0) continue;
    enum status st = read_number(r, err, at[c->at[k]], fields[c->at[k]], target[k]);
    if (st != OK) return st;
    ret->has |= 1u << (k - 1);
  }
  if (ret->has & TERMS_LEVERAGE && (!decimal_rescale(scaled[0], 4, &ret->leverage_e4) || ret->leverage_e4 < 10000 || ret->leverage_e4 > 10000000))
    return fail(r, err, at[c->at[5]], "leverage is 1 to 1000 with at most 4 decimals", fields[c->at[5]]);
  if (ret->has & TERMS_MAINTENANCE && (!decimal_rescale(scaled[1], 6, &ret->maintenance_frac_e8) || ret->maintenance_frac_e8 > 50000000))
    return fail(r, err, at[c->at[6]], "the maintenance margin is at most 50 percent", fields[c->at[6]]);
  return OK;
}

static enum status load(struct text_reader *r, struct terms_list *ret, struct err *err) {
  enum status st = OK;
  struct terms_list list = {.items = calloc(TERMS_MAX, sizeof *list.items)};
  struct columns columns = {0};
  enum time_unit unit = TIME_UNIT_NONE;
  if (!list.items) st = err_set(err, ERR_NOMEM, "%s: out of memory", r->path);
  while (st == OK) {
    struct slice line;
    bool ended_open;
    st = text_next(r, &line, &ended_open, err);
    if (st != OK || !line.p) break;
    if (slice_trim(line).len == 0) continue;
    if (columns.count == 0) {
      st = read_header(r, line, &columns, err);
    } else if (list.count == TERMS_MAX) {
      st = err_set(err, ERR_LIMIT, "%s:%zu: more than %d rows", r->path, r->line, TERMS_MAX);
    } else {
      st = read_row(r, line, &columns, &unit, list.count ? &list.items[list.count - 1] : NULL, &list.items[list.count], err);
      if (st == OK) list.count++;
    }
  }
  if (st == OK && list.count == 0) st = err_set(err, ERR_INVALID, "%s: has no terms", r->path);
  text_close(r);
  if (st == OK)
    *ret = list;
  else
    terms_finish(&list);
  return st;
}

enum status terms_load(const char *path, struct terms_list *ret, struct err *err) {
  struct text_reader r;
  enum status st = text_open(&r, path, 0, TERMS_BYTES_MAX, err);
  return st == OK ? load(&r, ret, err) : st;
}

enum status terms_load_bytes(const char *name, const void *bytes, size_t len, struct terms_list *ret, struct err *err) {
  struct text_reader r;
  enum status st = text_open_bytes(&r, name, bytes, len, 0, err);
  return st == OK ? load(&r, ret, err) : st;
}

void terms_finish(struct terms_list *list) {
  free(list->items);
  *list = (struct terms_list){0};
}

// How many times fine goes into coarse; 0 when it does not go.
static int64_t times(struct decimal coarse, struct decimal fine) {
  int scale = coarse.scale > fine.scale ? coarse.scale : fine.scale;
  int64_t a, b;
  if (!decimal_rescale(coarse, scale, &a) || !decimal_rescale(fine, scale, &b) || b == 0 || a % b != 0) return 0;
  return a / b;
}

enum status terms_finest(const struct terms_list *list, bool lot, struct decimal *d, struct err *err) {
  for (size_t i = 0; i < list->count; i++) {
    const struct terms *t = &list->items[i];
    if (!(t->has & (lot ? TERMS_LOT : TERMS_TICK))) continue;
    struct decimal v = lot ? t->lot : t->tick;
    if (d->digits == 0 || times(*d, v) > 0)
      *d = v;
    else if (times(v, *d) == 0)
      return err_set(err, ERR_INVALID, "the %ss of the terms are no multiples of each other", lot ? "lot" : "tick");
  }
  return OK;
}

enum status terms_apply(const struct terms *t, struct instrument *inst, struct err *err) {
  int64_t step;
  if (t->has & TERMS_TICK) {
    if ((step = times(t->tick, inst->tick)) == 0) return err_set(err, ERR_INVALID, "terms: the tick is no multiple of the data's");
    inst->tick_step = step;
  }
  if (t->has & TERMS_LOT) {
    if ((step = times(t->lot, inst->lot)) == 0) return err_set(err, ERR_INVALID, "terms: the lot is no multiple of the instrument's");
    inst->lot_step = step;
  }
  if (t->has & TERMS_MIN_QTY) {
    if ((step = times(t->min_qty, inst->lot)) == 0) return err_set(err, ERR_INVALID, "terms: min_qty is no multiple of the lot");
    inst->min_qty.lots = step;
  }
  if (t->has & TERMS_MIN_NOTIONAL && !decimal_rescale(t->min_notional, 8, &inst->min_notional.e8))
    return err_set(err, ERR_INVALID, "terms: min_notional has more than 8 decimals");
  return OK;
}

// market/signals.c – see signals.h. Texts gather in one buffer as offsets and become pointers at the end.
#include "market/signals.h"

#include "base/buf.h"
#include "base/json.h"
#include "market/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum field { F_TIME, F_ID, F_SOURCE, F_KEY, F_SYMBOL, F_ACTION, F_RAW, F_SIZE, F_PRICE, F_SL, F_TP, F_COUNT };
static const char *const field_name[] = {"time", "id", "source", "key", "symbol", "action", "raw", "size", "price", "sl", "tp"};
static const char *const time_alias[] = {"ts", "timestamp", "date"};

struct loader {
  struct text_reader reader;
  struct err *err;
  struct signal *items;
  size_t count, cap;
  struct buf texts;
  enum time_unit unit;
  bool json, started;
  int columns;
  int field_of[CSV_FIELDS_MAX];  // by column; -1 unknown
};

static enum status fail(struct loader *l, int column, const char *what, struct slice field) {
  char shown[SLICE_SHOW_MAX];
  return err_set(l->err, ERR_INVALID, "%s:%zu:%d: %s%s%s", l->reader.path, l->reader.line, column, what,
                 field.len ? ": " : "", slice_show(field, shown));
}

// Copies a text; what is returned is its offset in disguise until finish_texts().
static const char *keep(struct loader *l, struct slice s) {
  size_t at = l->texts.len;
  buf_add(&l->texts, s.p, s.len);
  buf_add(&l->texts, "", 1);
  return (const char *)(uintptr_t)at;
}

static int find_field(struct slice name) {
  for (int i = 0; i < F_COUNT; i++)
    if (slice_is(name, field_name[i])) return i;
  for (size_t i = 0; i < sizeof time_alias / sizeof time_alias[0]; i++)
    if (slice_is(name, time_alias[i])) return F_TIME;
  return -1;
}

// fields[i].p is NULL where absent; an empty number is an absent one.
static enum status take_fields(struct loader *l, const struct slice fields[F_COUNT], const int columns[F_COUNT],
                               struct slice line) {
  struct signal s = {.line = l->reader.line};
  if (!fields[F_TIME].p) return fail(l, 1, "the signal has no time", (struct slice){0});
  int64_t previous_ns = l->count ? l->items[l->count - 1].ts_ns : 0;
  const char *reason = time_parse(fields[F_TIME], &l->unit, previous_ns, &s.ts_ns);
  if (reason) return fail(l, columns[F_TIME], reason, fields[F_TIME]);
  struct decimal *numbers[] = {&s.size, &s.price, &s.sl, &s.tp};
  static const char *const bad[] = {"the size is not a number", "the price is not a number", "sl is not a number",
                                    "tp is not a number"};
  for (int i = 0; i < 4; i++) {
    struct slice f = fields[F_SIZE + i];
    if (f.len == 0) continue;
    if (!decimal_parse(f.p, f.len, numbers[i])) return fail(l, columns[F_SIZE + i], bad[i], f);
    s.has |= 1u << i;
  }
  char line_text[24];
  snprintf(line_text, sizeof line_text, "%zu", l->reader.line);
  s.id = keep(l, fields[F_ID].len ? fields[F_ID] : (struct slice){line_text, strlen(line_text)});
  const char **texts[] = {&s.source, &s.key, &s.symbol, &s.action};
  for (int i = 0; i < 4; i++) *texts[i] = keep(l, fields[F_SOURCE + i].p ? fields[F_SOURCE + i] : (struct slice){"", 0});
  s.raw = keep(l, fields[F_RAW].p ? fields[F_RAW] : line);
  if (l->texts.failed) return err_set(l->err, ERR_NOMEM, "%s: out of memory", l->reader.path);
  if (l->count == SIGNALS_MAX)
    return err_set(l->err, ERR_LIMIT, "%s:%zu: more than %d signals", l->reader.path, l->reader.line, SIGNALS_MAX);
  if (l->count == l->cap) {
    size_t cap = l->cap ? l->cap * 2 : 64;
    struct signal *items = realloc(l->items, cap * sizeof *items);
    if (!items) return err_set(l->err, ERR_NOMEM, "%s: out of memory", l->reader.path);
    l->items = items;
    l->cap = cap;
  }
  l->items[l->count++] = s;
  return OK;
}

// ---------------------------------------------------------------- CSV

static enum status csv_header(struct loader *l, struct slice line) {
  struct slice fields[CSV_FIELDS_MAX];
  int at[CSV_FIELDS_MAX], column;
  const char *reason;
  bool seen[F_COUNT] = {false};
  l->columns = csv_split(line, fields, at, CSV_FIELDS_MAX, &column, &reason);
  if (l->columns < 0) return fail(l, column, reason, (struct slice){0});
  for (int i = 0; i < l->columns; i++) {
    int f = l->field_of[i] = find_field(fields[i]);
    if (f < 0) continue;
    if (seen[f]) return fail(l, at[i], "the column is there twice", fields[i]);
    seen[f] = true;
  }
  if (seen[F_TIME]) return OK;
  return fail(l, 1, "the first line must name the columns (time,symbol,action,size,…), or each line be a JSON object; it is", line);
}

static enum status csv_row(struct loader *l, struct slice line) {
  struct slice fields[CSV_FIELDS_MAX], by_field[F_COUNT] = {{0}};
  int at[CSV_FIELDS_MAX], columns[F_COUNT] = {0}, column;
  const char *reason;
  char whole[TEXT_LINE_MAX + 2];  // the split unquotes in place, and raw is the line as it stood
  memcpy(whole, line.p, line.len);
  const char *nul = memchr(line.p, '\0', line.len);
  if (nul) return fail(l, (int)(nul - line.p) + 1, "a NUL byte", (struct slice){0});
  int n = csv_split(line, fields, at, CSV_FIELDS_MAX, &column, &reason);
  if (n < 0) return fail(l, column, reason, (struct slice){0});
  if (n != l->columns) return fail(l, at[n - 1], "the number of fields differs from the header's", (struct slice){0});
  for (int i = 0; i < n; i++) {
    if (l->field_of[i] < 0) continue;
    by_field[l->field_of[i]] = fields[i];
    columns[l->field_of[i]] = at[i];
  }
  return take_fields(l, by_field, columns, (struct slice){whole, line.len});
}

// ---------------------------------------------------------------- JSON lines

#define NUMBER_TEXT_MAX 32

// Text of a JSON value: a string's own, a number's shortest that reads back the same.
static bool value_text(const json_t *value, char buf[NUMBER_TEXT_MAX], struct slice *ret) {
  if (json_is_string(value)) {
    *ret = (struct slice){json_string_value(value), json_string_length(value)};
    return true;
  }
  if (json_is_integer(value)) {
    snprintf(buf, NUMBER_TEXT_MAX, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
  } else if (json_is_real(value)) {
    for (int digits = 15; digits <= 17; digits++) {
      snprintf(buf, NUMBER_TEXT_MAX, "%.*g", digits, json_real_value(value));
      if (strtod(buf, NULL) == json_real_value(value)) break;
    }
  } else {
    return false;
  }
  *ret = (struct slice){buf, strlen(buf)};
  return true;
}

static enum status json_row(struct loader *l, struct slice line) {
  json_error_t error;
  json_t *root = json_loadb(line.p, line.len, JSON_REJECT_DUPLICATES, &error);
  if (!root) {
    return err_set(l->err, ERR_INVALID, "%s:%zu:%d: %s", l->reader.path, l->reader.line, error.column > 0 ? error.column : 1,
                   error.text);
  }
  enum status st = OK;
  struct slice by_field[F_COUNT] = {{0}};
  int columns[F_COUNT];
  char numbers[F_COUNT][NUMBER_TEXT_MAX];
  for (int i = 0; i < F_COUNT; i++) columns[i] = 1;
  if (!json_is_object(root)) st = fail(l, 1, "the line is not a JSON object", (struct slice){0});
  const char *key;
  json_t *value;
  if (st == OK) {
    json_object_foreach(root, key, value) {
      struct slice name = {key, strlen(key)};
      int f = find_field(name);
      if (f < 0 || json_is_null(value)) continue;
      if (by_field[f].p) st = fail(l, 1, "the field is there twice", name);
      else if (!value_text(value, numbers[f], &by_field[f])) st = fail(l, 1, "neither text nor number", name);
      if (st != OK) break;
    }
  }
  if (st == OK) st = take_fields(l, by_field, columns, line);
  json_decref(root);
  return st;
}

// ---------------------------------------------------------------- the whole

static int compare(const void *a, const void *b) {
  const struct signal *x = a, *y = b;
  if (x->ts_ns != y->ts_ns) return x->ts_ns < y->ts_ns ? -1 : 1;
  return x->line < y->line ? -1 : x->line > y->line;
}

static void finish_texts(struct loader *l) {
  for (size_t i = 0; i < l->count; i++) {
    const char **texts[] = {&l->items[i].id,     &l->items[i].source, &l->items[i].key,
                            &l->items[i].symbol, &l->items[i].action, &l->items[i].raw};
    for (int k = 0; k < 6; k++) *texts[k] = l->texts.data + (uintptr_t)*texts[k];
  }
}

static enum status read_all(struct loader *l) {
  for (;;) {
    struct slice line;
    bool ended_open;
    enum status st = text_next(&l->reader, &line, &ended_open, l->err);
    if (st != OK) return st;
    if (!line.p) break;
    struct slice inner = slice_trim(line);
    if (inner.len == 0) continue;
    if (!l->started) {
      l->started = true;
      l->json = inner.p[0] == '{';
      st = l->json ? json_row(l, inner) : csv_header(l, line);
    } else {
      st = l->json ? json_row(l, inner) : csv_row(l, line);
    }
    if (st != OK) return st;
  }
  return l->started ? OK : err_set(l->err, ERR_INVALID, "%s: the file is empty", l->reader.path);
}

// With the reader open.
static enum status load(struct loader *l, struct signal_list *ret) {
  buf_init(&l->texts, 2 * SIGNAL_BYTES_MAX);
  enum status st = read_all(l);
  text_close(&l->reader);
  if (st != OK) {
    free(l->items);
    buf_finish(&l->texts);
    return st;
  }
  finish_texts(l);
  if (l->count) qsort(l->items, l->count, sizeof *l->items, compare);
  *ret = (struct signal_list){l->items, l->count, l->texts.data};
  return OK;
}

enum status signals_load(const char *path, struct signal_list *ret, struct err *err) {
  struct loader l = {.err = err};
  enum status st = text_open(&l.reader, path, 0, SIGNAL_BYTES_MAX, err);
  return st == OK ? load(&l, ret) : st;
}

enum status signals_load_bytes(const char *name, const void *bytes, size_t len, struct signal_list *ret, struct err *err) {
  struct loader l = {.err = err};
  enum status st = text_open_bytes(&l.reader, name, bytes, len, 0, err);
  return st == OK ? load(&l, ret) : st;
}

void signals_finish(struct signal_list *list) {
  free(list->items);
  free(list->texts);
  *list = (struct signal_list){0};
}

// risk/news_read.c – see news_read.h.
#include "risk/news_read.h"

#include "market/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (UINT64_C(8) << 20)

enum column { FROM, TO, CONCERNS, IMPACT, TITLE, COLUMN_COUNT };
static const struct { const char *name; enum column column; } names[] = {
  {"from", FROM}, {"time", FROM}, {"date", FROM}, {"timestamp", FROM}, {"to", TO}, {"until", TO}, {"end", TO}, {"concerns", CONCERNS}, {"currency", CONCERNS}, {"currencies", CONCERNS},
  {"country", CONCERNS}, {"symbol", CONCERNS}, {"symbols", CONCERNS}, {"impact", IMPACT}, {"importance", IMPACT}, {"title", TITLE}, {"name", TITLE}, {"event", TITLE}};

struct reading {
  struct text_reader text;
  const char *path;
  int line;
  int at[COLUMN_COUNT];  // which field; -1: none
  enum time_unit unit;
  struct news_entry *items;
  size_t count, cap;
};

static enum status refuse_field(const struct reading *r, int column, const char *why, struct slice field, struct err *err) {
  char shown[SLICE_SHOW_MAX];
  return err_set(err, ERR_INVALID, "%s:%d:%d: %s: \"%s\"", r->path, r->line, column, why, slice_show(field, shown));
}

static enum status read_head(struct reading *r, const struct slice *fields, int count, struct err *err) {
  for (int c = 0; c < COLUMN_COUNT; c++) r->at[c] = -1;
  for (int i = 0; i < count; i++)
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
      if (slice_is(fields[i], names[k].name) && r->at[names[k].column] < 0) r->at[names[k].column] = i;
  return r->at[FROM] >= 0 ? OK : err_set(err, ERR_INVALID, "%s:%d: no column \"from\" (or time, date)", r->path, r->line);
}

static struct slice field_of(const struct reading *r, enum column c, const struct slice *fields, int count) {
  return r->at[c] >= 0 && r->at[c] < count ? slice_trim(fields[r->at[c]]) : (struct slice){NULL, 0};
}

static enum status read_row(struct reading *r, const struct slice *fields, const int *columns, int count, struct err *err) {
  struct news_entry e = {.event.impact = NEWS_HIGH};
  const struct slice from = field_of(r, FROM, fields, count), to = field_of(r, TO, fields, count), concerns = field_of(r, CONCERNS, fields, count), impact = field_of(r, IMPACT, fields, count),
                     title = field_of(r, TITLE, fields, count);
  char word[16];
  const char *why = from.len ? time_parse(from, &r->unit, r->count ? r->items[r->count - 1].event.from_ns : INT64_MIN, &e.event.from_ns) : "a time is required";
  if (why) return refuse_field(r, r->at[FROM] < count ? columns[r->at[FROM]] : 1, why, from, err);
  e.event.to_ns = e.event.from_ns;
  if (to.len && (why = time_parse(to, &r->unit, e.event.from_ns, &e.event.to_ns))) return refuse_field(r, columns[r->at[TO]], why, to, err);
  if (!news_event_valid(&e.event, &why)) return refuse_field(r, columns[r->at[FROM]], why, from, err);
  if (concerns.len && !news_what_of(concerns.p, concerns.len, e.event.what)) return refuse_field(r, columns[r->at[CONCERNS]], "no names of currencies or symbols", concerns, err);
  snprintf(word, sizeof word, "%.*s", (int)(impact.len < sizeof word ? impact.len : sizeof word - 1), impact.p ? impact.p : "");
  if (impact.len && !news_impact_of(word, &e.event.impact)) return refuse_field(r, columns[r->at[IMPACT]], "the impact is low, medium or high", impact, err);
  snprintf(e.title, sizeof e.title, "%.*s", (int)(title.len <= NEWS_TITLE_MAX ? title.len : NEWS_TITLE_MAX), title.p ? title.p : "");
  if (r->count == NEWS_MAX) return err_set(err, ERR_LIMIT, "%s: a calendar has at most %d entries", r->path, NEWS_MAX);
  if (r->count == r->cap) {
    const size_t cap = r->cap ? 2 * r->cap : 64;
    struct news_entry *more = realloc(r->items, cap * sizeof *more);
    if (!more) return err_set(err, ERR_NOMEM, "out of memory");
    r->items = more, r->cap = cap;
  }
  r->items[r->count++] = e;
  return OK;
}

static enum status read_all(struct reading *r, struct err *err) {
  struct slice line, fields[CSV_FIELDS_MAX];
  int columns[CSV_FIELDS_MAX], column;
  bool open, head = false;
  const char *why;
  for (;;) {
    enum status st = text_next(&r->text, &line, &open, err);
    if (st != OK || !line.p) return st != OK ? st : head ? OK : err_set(err, ERR_INVALID, "%s: no header", r->path);
    r->line++;
    if (slice_trim(line).len == 0) continue;
    const int count = csv_split(line, fields, columns, CSV_FIELDS_MAX, &column, &why);
    if (count < 0) return err_set(err, ERR_INVALID, "%s:%d:%d: %s", r->path, r->line, column, why);
    st = head ? read_row(r, fields, columns, count, err) : read_head(r, fields, count, err);
    if (st != OK) return st;
    head = true;
  }
}

static enum status finish(struct reading *r, enum status st, struct news_entry **ret, size_t *ret_count, struct err *err) {
  if (st == OK) st = read_all(r, err);
  text_close(&r->text);
  if (st != OK) {
    free(r->items);
    return st;
  }
  *ret = r->items, *ret_count = r->count;
  return OK;
}

enum status news_csv_read(const char *path, struct news_entry **ret, size_t *ret_count, struct err *err) {
  struct reading r = {.path = path};
  *ret = NULL, *ret_count = 0;
  enum status st = text_open(&r.text, path, 0, FILE_MAX, err);
  return st == OK ? finish(&r, st, ret, ret_count, err) : st;
}

enum status news_csv_read_bytes(const char *name, const void *bytes, size_t len, struct news_entry **ret, size_t *ret_count, struct err *err) {
  struct reading r = {.path = name};
  *ret = NULL, *ret_count = 0;
  enum status st = text_open_bytes(&r.text, name, bytes, len, 0, err);
  return st == OK ? finish(&r, st, ret, ret_count, err) : st;
}

// market/csv_rows.c – see csv_rows.h. The loader of csv.c without a file: its series holds the last bar only, which
// tells its reader of times what comes before, and its report holds the message of one line.
#include "market/csv_rows.h"

#include "market/csv_impl.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct csv_rows {
  struct csv_loader loader;
  struct csv_options options;
  struct csv_report report;
  struct err err;
  struct bar last;
  int volume_scale;
  enum { WAIT_HEADER, HAVE_HEADER, BAD_HEADER } state;
  char path[];
};

enum status csv_rows_create(
  const char *path, const struct csv_options *options, int volume_scale, struct csv_rows **ret, struct err *err) {
  if (options->tick.digits <= 0 || options->timeframe_ns <= 0 || !options->symbol)
    return err_set(err, ERR_INVALID, "%s: tick, timeframe and symbol of a growing file must be given", path);
  if (volume_scale < 0 || volume_scale > VOLUME_SCALE_MAX)
    return err_set(err, ERR_INVALID, "%s: volumes have 0 to %d decimals", path, VOLUME_SCALE_MAX);
  size_t size = strlen(path) + 1;
  struct csv_rows *r = calloc(1, sizeof *r + size);
  if (!r) return err_set(err, ERR_NOMEM, "out of memory");
  memcpy(r->path, path, size);
  r->options = *options;
  r->options.repair = true;  // a refused line is dropped and noted, not the end of the load
  r->volume_scale = volume_scale;
  csv_rows_restart(r);
  *ret = r;
  return OK;
}

void csv_rows_destroy(struct csv_rows *r) {
  free(r);
}

void csv_rows_restart(struct csv_rows *r) {
  r->loader = (struct csv_loader){
    .options = &r->options, .report = &r->report, .err = &r->err, .fast_low = 1, .scale = r->options.tick.scale};
  r->loader.reader.path = r->path;
  r->loader.out = (struct series){.timeframe_ns = r->options.timeframe_ns, .bars = &r->last};
  r->state = WAIT_HEADER;
}

size_t csv_rows_line_number(const struct csv_rows *r) {
  return r->loader.reader.line;
}

static void fix_volume_scale(struct csv_loader *l, int volume_scale) {
  l->volume_scale = l->volume_cap = l->volume_seen = volume_scale;
}

static bool take_row(struct csv_rows *r, struct slice line, struct bar *ret) {
  struct csv_loader *l = &r->loader;
  struct csv_row row;
  struct bar bar;
  fix_volume_scale(l, r->volume_scale);
  if (!csv_read_row(l, line, false, &row) || !csv_make_bar(l, line, &row, &bar)) return false;
  // The loader would move to fewer decimals to make room; here they are fixed.
  if (l->volume_scale != r->volume_scale)
    return csv_refuse(l, csv_column_of(l, line, ROLE_VOLUME), "the volume is too large");
  *ret = r->last = bar;
  l->out.count = 1;
  return true;
}

// Message 0 of the report; of a dropped line without the loader's word for that.
static const char *message(struct csv_rows *r) {
  char *text = r->report.messages[0];
  char *word = strstr(text, ": dropped: ");
  if (word) memmove(word, word + 9, strlen(word + 9) + 1);
  return text;
}

enum csv_rows_result csv_rows_line(struct csv_rows *r, char *line, size_t len, struct bar *ret, const char **ret_reason) {
  assert(len <= TEXT_LINE_MAX && line[len] != '\n');
  struct csv_loader *l = &r->loader;
  l->reader.line++;
  if (l->reader.line == 1 && len >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) line += 3, len -= 3;
  if (len > 0 && line[len - 1] == '\r') line[--len] = '\0';
  struct slice s = {line, len};
  if (r->state == BAD_HEADER || slice_trim(s).len == 0) return CSV_ROWS_NOTHING;
  r->report.message_count = 0;
  if (r->state == HAVE_HEADER) {
    if (take_row(r, s, ret)) return CSV_ROWS_BAR;
    *ret_reason = message(r);
    return CSV_ROWS_REFUSED;
  }
  r->state = HAVE_HEADER;
  if (csv_read_header(l, s) == OK) return CSV_ROWS_NOTHING;
  r->state = BAD_HEADER;
  *ret_reason = r->err.msg;
  return CSV_ROWS_REFUSED;
}

const char *csv_rows_refuse(struct csv_rows *r, const char *reason) {
  snprintf(r->report.messages[0], CSV_MESSAGE_MAX, "%s:%zu:1: %s", r->path, r->loader.reader.line, reason);
  return r->report.messages[0];
}

// cli/cmd_check_verdict.c – `perigee check SCRIPT --verdict`: the proof that an upload goes through, on the command line.
#include "cli/commands.h"

#include "backtest/verdict.h"
#include "base/json.h"
#include "loop/interrupt.h"
#include "loop/watchdog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool show_progress(void *self, size_t done, size_t total) {
  cli_progress_show(self, done, total);
  return !interrupted();
}

// "[STREAM=]FILE" loaded into s.
static bool load(const struct cli_args *a, const char *value, struct backtest_config *c, char stream[SPEC_NAME_MAX], struct series *s) {
  const char *equals = strchr(value, '=');
  size_t len = equals ? (size_t)(equals - value) : 0;
  struct backtest_file *f = &c->files[c->file_count];
  *f = (struct backtest_file){NULL, value, s};
  if (len > 0 && len < SPEC_NAME_MAX && !memchr(value, '/', len) && !memchr(value, '.', len)) {
    memcpy(stream, value, len);
    stream[len] = '\0';
    f->stream = stream;
    f->path = equals + 1;
  }
  struct csv_options o = {.symbol = cli_value(a, "--symbol", NULL)};
  const char *timeframe = cli_value(a, "--timeframe", NULL);
  if (timeframe && !timeframe_parse(timeframe, &o.timeframe_ns)) return cli_usage(a, "--timeframe %s: write 1m, 5m, 1h, 1d …", timeframe), false;
  char symbol[SYMBOL_MAX];
  int64_t timeframe_ns;
  csv_name_parse(f->path, symbol, &timeframe_ns);
  if (f->stream && symbol[0] && timeframe_ns) o = (struct csv_options){0};  // the flags are main's
  struct err err;
  if (csv_load(f->path, &o, s, NULL, &err) != OK) return cli_error("%s", err.msg), false;
  c->file_count++;
  return true;
}

static void print_checks(const struct buf *json) {
  static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m", "\033[2m"};
  bool colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
  json_t *root = json_loadb(json->data, json->len, 0, NULL), *check;
  size_t i;
  json_array_foreach(json_object_get(root, "checks"), i, check) {
    const char *status = json_string_value(json_object_get(check, "status"));
    int s = VERDICT_SKIP;
    for (int k = 0; k < VERDICT_SKIP; k++)
      if (strcmp(status, verdict_status_text((enum verdict_status)k)) == 0) s = k;
    printf("%s%-4s%s  %-12s %s\n", colour ? colours[s] : "", status, colour ? "\033[0m" : "", json_string_value(json_object_get(check, "check")),
           json_string_value(json_object_get(check, "reason")));
  }
  printf("\nverdict: %s (%.2f s)\n", json_string_value(json_object_get(root, "verdict")), json_real_value(json_object_get(root, "seconds")));
  json_decref(root);
}

int cmd_check_verdict(const struct cli_args *a, const char *path, const struct buf *source) {
  static struct backtest_config c;  // large; one command line per process
  static struct series series[BACKTEST_FILES_MAX];
  static char streams[BACKTEST_FILES_MAX][SPEC_NAME_MAX];
  backtest_config_init(&c);
  int64_t fee = 0;
  if (!cli_scaled(a, "--fee", 8, -CASH_ONE, CASH_ONE, &fee)) return 2;
  c.fees.maker_frac_e8 = c.fees.taker_frac_e8 = fee;
  c.script_path = path;
  c.source = source->data;
  c.source_len = source->len;
  struct buf out;
  struct err err;
  struct cli_progress bar;
  buf_init(&out, 1 << 24);
  int code = 1;
  bool loaded = true;
  for (int i = 0; i < a->given_count && loaded; i++)
    if (strcmp(a->given[i].option->name, "--data") == 0 && c.file_count < BACKTEST_FILES_MAX) loaded = load(a, a->given[i].value, &c, streams[c.file_count], &series[c.file_count]);
  enum status st = loaded ? watchdog_create(&c.watchdog, &err) : OK;
  if (loaded && st == OK) {
    interrupt_install();
    cli_progress_init(&bar, "checks");
    struct verdict_options o = {.config = &c, .progress = show_progress, .progress_self = &bar};
    st = verdict_json(&o, &out, &err);
    cli_progress_clear(&bar);
    const char *json = cli_value(a, "--json", NULL);
    if (st == OK && json) st = file_write_atomic(json, out.data, out.len, &err);
    if (st == OK && !(json && strcmp(json, "-") == 0)) print_checks(&out);
    if (st == OK) code = verdict_of(&out) == VERDICT_FAIL;
  }
  if (loaded && st != OK) cli_error("%s", err.msg), code = st == ERR_CANCELLED ? 130 : 1;
  watchdog_destroy(c.watchdog);
  for (int i = 0; i < c.file_count; i++) series_finish(&series[i]);
  buf_finish(&out);
  return code;
}

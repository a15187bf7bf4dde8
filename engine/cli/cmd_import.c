// cli/cmd_import.c – `perigee import` and `perigee export`: market history into and out of a data directory, also beside a server.
#include "cli/commands.h"

#include "base/json.h"
#include "cli/data_dir.h"
#include "cli/market_dir.h"
#include "cli/operator.h"
#include "loop/clock.h"
#include "loop/interrupt.h"
#include "market/csv.h"
#include "market/text.h"
#include "store/market_rows.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- import

struct import_call {
  struct market_import in;
  struct market_import_report report;
};

static bool show_progress(void *self, size_t done, size_t total) {
  cli_progress_show(self, done, total);
  return !interrupted();
}

static bool csv_options_parse(const struct cli_args *a, struct csv_options *o) {
  const char *timeframe = cli_value(a, "--timeframe", NULL);
  o->symbol = cli_value(a, "--symbol", NULL);
  o->repair = cli_has(a, "--repair");
  if (o->symbol && (!o->symbol[0] || strlen(o->symbol) >= SYMBOL_MAX)) return cli_usage(a, "--symbol: 1 to %d bytes", SYMBOL_MAX - 1), false;
  if (timeframe && !timeframe_parse(timeframe, &o->timeframe_ns)) return cli_usage(a, "--timeframe %s: write 1m, 5m, 1h, 1d …", timeframe), false;
  return cli_decimal(a, "--tick", &o->tick) && cli_decimal(a, "--lot", &o->lot) && cli_decimal(a, "--multiplier", &o->multiplier) && cli_decimal(a, "--min-notional", &o->min_notional);
}

// A file's own name goes before the flags when several files come at once, as in `perigee backtest`.
static enum status load(const char *path, const struct csv_options *flags, bool alone, struct series *ret, struct err *err) {
  struct csv_options o = *flags;
  char symbol[SYMBOL_MAX];
  int64_t timeframe_ns;
  csv_name_parse(path, symbol, &timeframe_ns);
  if (symbol[0] && timeframe_ns && !alone) o.symbol = NULL, o.timeframe_ns = 0;
  struct csv_report *rep = calloc(1, sizeof *rep);
  if (!rep) return err_set(err, ERR_NOMEM, "out of memory");
  enum status st = csv_load(path, &o, ret, rep, err);
  for (size_t i = 0; st == OK && i < rep->message_count && i < CSV_MESSAGES_MAX; i++) cli_warn("%s", rep->messages[i]);
  if (st == OK && rep->message_count > CSV_MESSAGES_MAX) cli_warn("%s: %zu more messages", path, rep->message_count - CSV_MESSAGES_MAX);
  free(rep);
  return st;
}

static void report_file(const char *path, const struct series *s, const struct import_call *c, json_t *list) {
  char timeframe[TIMEFRAME_TEXT_MAX], from[TIME_TEXT_MAX], to[TIME_TEXT_MAX];
  timeframe_text(s->timeframe_ns, timeframe);
  time_text(s->bars[0].open_ns, from);
  time_text(s->bars[s->count - 1].open_ns, to);
  if (list)
    json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "file", path, "venue", c->in.venue, "symbol", s->inst.symbol, "timeframe", timeframe, "from",
                                          (json_int_t)(s->bars[0].open_ns / NS_PER_MS), "to", (json_int_t)(s->bars[s->count - 1].open_ns / NS_PER_MS), "bars", (json_int_t)s->count, "added",
                                          (json_int_t)c->report.added, "same", (json_int_t)c->report.same, "replaced", (json_int_t)c->report.replaced));
  else {
    printf("%s: %s %s of %s, %s to %s: %zu bars new, %zu stored already", path, s->inst.symbol, timeframe, c->in.venue, from, to, c->report.added, c->report.same);
    if (c->report.replaced) printf(", %zu replaced", c->report.replaced);
    printf("\n");
  }
}

static enum status import_file(const struct markets *m, const struct cli_args *a, const char *path, const struct csv_options *o, json_t *list, struct err *err) {
  struct series s = {0};
  enum status st = load(path, o, a->positional_count == 1, &s, err);
  if (st != OK) return st;
  struct cli_progress bar;
  cli_progress_init(&bar, s.inst.symbol);
  struct import_call c = {.in = {.venue = cli_value(a, "--venue", ""), .series = &s, .repair = cli_has(a, "--repair"), .now_ns = clock_wall_ns(), .progress = show_progress, .progress_self = &bar}};
  st = markets_import(m, &c.in, &c.report, err);
  cli_progress_clear(&bar);
  if (st == OK) report_file(path, &s, &c, list);
  else st = err_wrap(err, st, "%s", path);
  series_finish(&s);
  return st;
}

static int run_import(const struct cli_args *a) {
  struct csv_options o = {0};
  char dir[CLI_DATA_DIR_MAX];
  if (a->positional_count == 0) return cli_usage(a, "which files?");
  if (!cli_has(a, "--venue")) return cli_usage(a, "--venue is missing: where do the bars come from? (binance, fxcm …)");
  if (!csv_options_parse(a, &o)) return 2;
  if (!cli_data_dir(a, dir) || !cli_make_dirs(dir)) return 1;
  struct markets m;
  struct err err;
  interrupt_install();
  enum status st = markets_open(dir, true, &m, &err);
  if (st != OK) {
    cli_error("%s", err.msg);
    return 1;
  }
  json_t *list = cli_has(a, "--json") ? json_array() : NULL;
  for (int i = 0; st == OK && i < a->positional_count; i++) st = import_file(&m, a, a->positional[i], &o, list, &err);
  markets_close(&m);
  int code = st == OK ? 0 : st == ERR_CANCELLED ? 130 : 1;
  if (st != OK) cli_error("%s (nothing of this file was imported)", err.msg);
  if (list && operator_result(a, json_incref(list)) != 0) code = 1;
  json_decref(list);
  return code;
}

static const struct cli_option import_options[] = {
    {"--venue", "V", "where the bars come from: letters, digits, - and _"},
    {"--symbol", "S", "when the file's name does not tell"},
    {"--timeframe", "TF", "when the file's name does not tell"},
    {"--tick", "X", "price increment; else from the data's decimals"},
    {"--lot", "X", "quantity increment; else from the volume's decimals"},
    {"--multiplier", "N", "contract size (1)"},
    {"--min-notional", "X", "smallest order value"},
    {"--repair", NULL, "sort and drop what is wrong in the files, and replace stored bars that differ"},
    CLI_DATA_DIR_OPTION,
    {"--json", "FILE", "what was imported, as JSON; - is standard output"},
    {NULL, NULL, NULL}};
const struct cli_command cmd_import = {
    "import", "FILE… --venue V [--symbol S] [--timeframe TF]", "market history from CSV files into the data directory",
    "Each file is imported whole or not at all. Bars that are stored already and equal are left alone; a bar that differs stops the\n"
    "import unless --repair is given. May run beside a server of this directory, which has the bars at once.",
    import_options, run_import,
    "perigee export                                lists what is stored\n"
    "perigee serve                                 a running one shows it under /api/v1/markets and uses it for backtests"};

// ---- export

static void list_market(void *arg, const struct market_row *m) {
  json_t *list = *(json_t **)arg;
  char timeframe[TIMEFRAME_TEXT_MAX], from[TIME_TEXT_MAX], to[TIME_TEXT_MAX];
  timeframe_text(m->timeframe_ns, timeframe);
  if (list) {
    json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "venue", m->venue, "symbol", m->inst.symbol, "timeframe", timeframe, "bars", (json_int_t)m->bars, "from",
                                          (json_int_t)(m->first_ns / NS_PER_MS), "to", (json_int_t)(m->last_ns / NS_PER_MS)));
    return;
  }
  printf("%-12s %-16s %-6s %10" PRId64 " bars  %s – %s\n", m->venue, m->inst.symbol, timeframe, m->bars, time_text(m->first_ns, from), time_text(m->last_ns, to));
}

static void csv_text(const struct series *s, struct buf *out) {
  buf_str(out, "time,open,high,low,close,volume\n");
  for (size_t i = 0; i < s->count; i++) {
    const struct bar *b = &s->bars[i];
    char o[DECIMAL_TEXT_MAX], h[DECIMAL_TEXT_MAX], l[DECIMAL_TEXT_MAX], c[DECIMAL_TEXT_MAX], v[DECIMAL_TEXT_MAX] = "0";
    if (b->volume >= 0) decimal_format_scaled(b->volume, s->volume_scale, v);
    buf_printf(out, "%" PRId64 ",%s,%s,%s,%s,%s\n", b->open_ns / NS_PER_MS, price_text(&s->inst, b->open, o), price_text(&s->inst, b->high, h), price_text(&s->inst, b->low, l),
               price_text(&s->inst, b->close, c), v);
  }
}

static enum status export_bars(const struct cli_args *a, struct db *db, struct err *err) {
  int64_t timeframe_ns, from_ns = INT64_MIN, to_ns = INT64_MAX;
  const char *timeframe = cli_value(a, "--timeframe", NULL);
  if (!timeframe || !timeframe_parse(timeframe, &timeframe_ns)) return err_set(err, ERR_USAGE, "--timeframe: write 1m, 5m, 1h, 1d …");
  if (!cli_time(a, "--from", &from_ns) || !cli_time(a, "--to", &to_ns)) return err_set(err, ERR_USAGE, "--from or --to is no time");
  struct market_row m;
  struct series s;
  enum status st = market_find(db, cli_value(a, "--venue", ""), cli_value(a, "--symbol", ""), timeframe_ns, &m, err);
  if (st == OK) st = market_read(db, &m, from_ns, to_ns, 0, &s, err);
  if (st != OK) return st;
  struct buf out;
  buf_init(&out, (size_t)4 << 30);
  csv_text(&s, &out);
  series_finish(&s);
  const char *path = a->positional_count ? a->positional[0] : "-";
  st = out.failed ? err_set(err, ERR_LIMIT, "%s: more than 4 GB; export in parts with --from and --to", path) : file_write_atomic(path, out.data, out.len, err);
  buf_finish(&out);
  return st;
}

static int run_export(const struct cli_args *a) {
  char dir[CLI_DATA_DIR_MAX];
  if (a->positional_count > 1) return cli_usage(a, "one file at a time");
  if (!cli_has(a, "--symbol") && a->positional_count) return cli_usage(a, "--symbol is missing");
  if (!cli_data_dir(a, dir)) return 1;
  struct markets m;
  struct err err;
  enum status st = markets_open(dir, false, &m, &err);
  if (st != OK) {
    cli_error("%s", err.msg);
    return 1;
  }
  int code = 0;
  if (cli_has(a, "--symbol")) {
    st = export_bars(a, m.db, &err);
  } else {
    json_t *list = cli_has(a, "--json") ? json_array() : NULL;
    st = market_list(m.db, cli_value(a, "--venue", NULL), NULL, 0, INT_MAX, list_market, &list, &err);
    if (st == OK && list) code = operator_result(a, json_incref(list));
    json_decref(list);
  }
  markets_close(&m);
  if (st == ERR_USAGE) return cli_usage(a, "%s", err.msg);
  if (st != OK) cli_error("%s", err.msg);
  return st == OK ? code : 1;
}

static const struct cli_option export_options[] = {
    {"--symbol", "S", "without it, lists what is stored"},
    {"--timeframe", "TF", "1m, 5m, 1h, 1d …"},
    {"--venue", "V", "else the venue with the most bars"},
    {"--from", "T", "first bar; 2021-04-20 or Unix time"},
    {"--to", "T", "bars from here on are left out"},
    CLI_DATA_DIR_OPTION,
    {"--json", "FILE", "the list as JSON; - is standard output"},
    {NULL, NULL, NULL}};
const struct cli_command cmd_export = {
    "export", "[FILE] [--symbol S --timeframe TF]", "stored market history as CSV, or a list of it",
    "Writes time (Unix ms), open, high, low, close and volume to FILE or standard output, as `perigee import` and `perigee backtest`\n"
    "read it. Without --symbol it lists the markets. May run beside a server.",
    export_options, run_export, "perigee backtest SCRIPT --data FILE"};

// cli/cmd_backtest.c – `perigee backtest`: flags (backtest_flags.h), run, write what was asked for.
#include "cli/commands.h"

#include "backtest/result_out.h"
#include "base/buf.h"
#include "cli/backtest_flags.h"
#include "loop/interrupt.h"
#include "loop/watchdog.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct cli_option options[] = {
    BACKTEST_MARKET_OPTIONS,
    {"--param", "k=v", "a parameter of the script; may be repeated"},
    BACKTEST_RUN_OPTIONS,
    {"--json", "FILE", "the result as JSON; - is standard output"},
    {"--report", "FILE.html", "the report: one self-contained page"},
    {"--trades", "FILE.csv", "closed trades"},
    {"--equity", "FILE.csv", "the equity curve"},
    {"--quiet", NULL, "no summary"},
    {NULL, NULL, NULL}};

// ---- outputs

static const struct {
  const char *option;
  enum status (*write)(const struct result *r, const char *path, struct err *err);
} outputs[] = {{"--json", result_json_write}, {"--trades", result_trades_csv_write}, {"--equity", result_equity_csv_write}, {"--report", report_html_write}};

static bool outputs_possible(const struct cli_args *a) {
  for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++)
    if (!cli_output_possible(outputs[i].option, cli_value(a, outputs[i].option, NULL))) return false;
  return true;
}

static int write_outputs(const struct cli_args *a, const struct result *r) {
  for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++) {
    const char *path = cli_value(a, outputs[i].option, NULL);
    struct err err;
    if (!path) continue;
    if (outputs[i].write(r, path, &err) != OK) {
      cli_error("%s: %s", outputs[i].option, err.msg);
      return 1;
    }
  }
  return 0;
}

static bool standard_output_taken(const struct cli_args *a) {
  for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++) {
    const char *path = cli_value(a, outputs[i].option, NULL);
    if (path && strcmp(path, "-") == 0) return true;
  }
  return false;
}

// ---- the command

static bool show_progress(void *self, size_t done, size_t total) {
  cli_progress_show(self, done, total);
  return !interrupted();
}

static int report(const struct cli_args *a, const struct backtest_config *c, struct result *r, enum status st, const struct err *err) {
  bool summary = !cli_has(a, "--quiet") && !standard_output_taken(a);
  if (st == ERR_CANCELLED) {
    fprintf(stderr, "perigee: interrupted; what was done so far (no file was written):\n");
    summary_print(r, stderr, summary_wants_colour(stderr));
    return 130;
  }
  if (st != OK) {
    cli_script_error(err->msg, c->script_path, c->source, c->source_len);
    return 1;
  }
  int code = write_outputs(a, r);
  if (summary) summary_print(r, stdout, summary_wants_colour(stdout));
  if (code == 0 && summary && cli_value(a, "--report", NULL)) printf("\nreport: %s\n", cli_value(a, "--report", NULL));
  return code;
}

static int run_loaded(const struct cli_args *a, struct backtest_config *c, struct result *r, struct err *err) {
  struct backtest_data data;
  enum status st = backtest_data_load(c, &data, r, err);
  if (st != OK) {
    cli_error("%s", err->msg);
    return st == ERR_USAGE ? 2 : 1;
  }
  static const char *const quiet[] = {"--json", "--report", "--trades", "--equity", "--quiet", NULL};
  if (!backtest_flags_echo(a, quiet, c, &data, r)) {
    backtest_data_finish(&data);
    cli_error("out of memory");
    return 1;
  }
  if (c->spec->callbacks & UINT32_C(1) << ON_TICK && !result_warning_add(r, "on_tick is not called in a backtest on bars")) st = ERR_NOMEM;
  struct cli_progress bar;
  cli_progress_init(&bar, c->spec->name);
  c->progress = show_progress;
  c->progress_self = &bar;
  st = backtest_run(c, &data, r, err);
  cli_progress_clear(&bar);
  int code = report(a, c, r, st, err);
  backtest_data_finish(&data);
  return code;
}

static int run_described(const struct cli_args *a, struct backtest_config *c, struct result *r) {
  struct err err;
  struct script_spec *spec = NULL;
  struct param_value values[SPEC_PARAMS_MAX];
  double max_notional = NAN;
  enum status st = script_describe(c->script_path, c->source, c->source_len, c->watchdog, &spec, &err);
  if (st != OK) {
    cli_script_error(err.msg, c->script_path, c->source, c->source_len);
    return 1;
  }
  int code = 0;
  params_default(spec, values);
  for (int i = 0; i < a->given_count && code == 0; i++)
    if (strcmp(a->given[i].option->name, "--param") == 0 && params_set_text(spec, a->given[i].value, values, &err) != OK) code = cli_usage(a, "--param %s: %s", a->given[i].value, err.msg);
  if (code == 0 && script_check_params(c->script_path, c->source, c->source_len, spec, values, c->watchdog, &max_notional, &err) != OK) {
    cli_script_error(err.msg, c->script_path, c->source, c->source_len);
    code = 1;
  }
  c->spec = spec;
  c->values = values;
  r->max_notional_known = code == 0 && spec->has_max_notional && isfinite(max_notional);
  r->max_notional = max_notional;
  if (code == 0) code = run_loaded(a, c, r, &err);
  free(spec);
  return code;
}

static int run_backtest(const struct cli_args *a) {
  static struct backtest_flags flags;  // large; one command line per process
  struct backtest_config *c = &flags.config;
  if (a->positional_count != 1) return cli_usage(a, a->positional_count ? "one script at a time" : "which script?");
  struct buf source = {0};
  int code = backtest_flags_read(a, &flags);
  if (code == 0) code = outputs_possible(a) && cli_script_read(a->positional[0], &source) ? 0 : 1;
  if (code != 0) {
    backtest_flags_finish(&flags);
    return code;
  }
  c->script_path = a->positional[0];
  c->source = source.data;
  c->source_len = source.len;
  struct err err;
  struct result r;
  code = 1;
  interrupt_install();
  result_init(&r);
  if (watchdog_create(&c->watchdog, &err) != OK)
    cli_error("%s", err.msg);
  else
    code = run_described(a, c, &r);
  result_finish(&r);
  watchdog_destroy(c->watchdog);
  buf_finish(&source);
  backtest_flags_finish(&flags);
  return code;
}

const struct cli_command cmd_backtest = {
    "backtest", "SCRIPT --data [STREAM=]FILE [options]", "run a strategy over history",
    "Bars are delivered when they close; orders meet only what comes after. The result is shown for the path inside bars that\n"
    "was asked for, and what the other two paths would have given beside it. Same script, data and seed: same hash.",
    options, run_backtest,
    "perigee backtest … --report report.html       the same as a page to open in a browser\n"
    "perigee check SCRIPT --verdict                is it deterministic, does it look ahead, does it pay doubled costs\n"
    "perigee help serve                            the same for customers, over HTTP"};

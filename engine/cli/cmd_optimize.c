// cli/cmd_optimize.c – `perigee optimize`: a search for parameters over history, on all cores.
#include "cli/commands.h"

#include "backtest/optimize_out.h"
#include "cli/backtest_flags.h"
#include "cli/optimize_workers.h"
#include "loop/interrupt.h"
#include "loop/watchdog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JSON_BYTES_MAX ((size_t)1 << 30)

static const struct cli_option options[] = {
    BACKTEST_MARKET_OPTIONS,
    {"--param", "k=RANGE|v", "a..b or a..b:step, or a list a,b,c: varied; a single value: as it is. Without ranges: what the header marks with opt"},
    {"--method", "M", "grid: every combination; random; tpe: near what was good so far (grid)"},
    {"--trials", "N", "combinations at most (1000)"},
    {"--objective", "KEY", "the statistic to make large (sharpe); min:KEY or max:KEY says which way"},
    {"--require", "COND", "what a run must keep to count, as trades>=30 or max_drawdown_pct<=25; may be repeated"},
    {"--out-of-sample", "PCT", "the newest part of the bars, which the search does not see and the best are then run on (25); 0: none"},
    {"--walk-forward", "N", "besides: choose on what is past and run on what comes next, N times along the history"},
    {"--anchored", NULL, "walk-forward always learns from the first bar on, rather than from a window that moves"},
    {"--jobs", "N", "processes (as many as there are cores); the result is the same with any number"},
    {"--top", "N", "rows shown (20)"},
    BACKTEST_RUN_OPTIONS,
    {"--json", "FILE", "everything as JSON; - is standard output"},
    {"--quiet", NULL, "no table"},
    {NULL, NULL, NULL}};

struct wish {
  struct optimize_options search;
  struct param_value values[SPEC_PARAMS_MAX];
  int64_t jobs, top;
};

static int read_params(const struct cli_args *a, const struct script_spec *spec, struct wish *w) {
  struct err err;
  params_default(spec, w->values);
  for (int i = 0; i < a->given_count; i++) {
    const char *text = a->given[i].value;
    if (strcmp(a->given[i].option->name, "--param") != 0) continue;
    enum status st = space_is_axis(spec, text) ? space_add(&w->search.space, text, &err) : params_set_text(spec, text, w->values, &err);
    if (st != OK) return cli_usage(a, "--param %s: %s", text, err.msg);
  }
  if (w->search.space.axis_count == 0 && space_add_declared(&w->search.space, &err) != OK) return cli_usage(a, "%s", err.msg);
  return 0;
}

static int read_wish(const struct cli_args *a, const struct script_spec *spec, struct wish *w) {
  struct optimize_options *o = &w->search;
  struct err err;
  int64_t trials = 1000, unseen_pct = 25, folds = 0, seed = 1;
  const long cores = sysconf(_SC_NPROCESSORS_ONLN);
  w->jobs = cores > 0 && cores < OPTIMIZE_WORKERS_MAX ? cores : 1;
  w->top = 20;
  optimize_options_init(o, spec);
  if (!cli_integer(a, "--trials", 1, SEARCH_TRIALS_MAX, &trials) || !cli_integer(a, "--out-of-sample", 0, OPTIMIZE_UNSEEN_MAX, &unseen_pct) ||
      !cli_integer(a, "--walk-forward", 0, OPTIMIZE_FOLDS_MAX, &folds) || !cli_integer(a, "--jobs", 1, OPTIMIZE_WORKERS_MAX, &w->jobs) ||
      !cli_integer(a, "--top", 1, SEARCH_TRIALS_MAX, &w->top) || !cli_integer(a, "--seed", 0, INT64_MAX, &seed))
    return 2;
  o->trials = (size_t)trials;
  o->seed = (uint64_t)seed;
  o->out_of_sample_pct = (int)unseen_pct;
  o->folds = (int)folds;
  o->anchored = cli_has(a, "--anchored");
  const char *method = cli_value(a, "--method", "grid");
  if (!search_method_parse(method, &o->method)) return cli_usage(a, "--method %s: grid, random or tpe", method);
  if (optimize_objective_parse(cli_value(a, "--objective", "sharpe"), o, &err) != OK) return cli_usage(a, "--objective: %s", err.msg);
  for (int i = 0; i < a->given_count; i++)
    if (strcmp(a->given[i].option->name, "--require") == 0 && optimize_rule_parse(a->given[i].value, o, &err) != OK) return cli_usage(a, "--require: %s", err.msg);
  return read_params(a, spec, w);
}

// ---- the search

struct course {
  struct optimize_workers *workers;
  struct cli_progress bar;
};
static enum status run_some(void *self, const struct optimize_ask *asks, size_t count, struct optimize_outcome *ret, struct err *err) {
  return optimize_workers_run(((struct course *)self)->workers, asks, count, ret, err);
}
static void show(void *self, size_t done, size_t total) { cli_progress_show(&((struct course *)self)->bar, done, total); }

static int write_json(const char *path, const struct wish *w, const struct optimum *found, const struct result *head) {
  struct buf out;
  struct err err;
  buf_init(&out, JSON_BYTES_MAX);
  optimum_json(&w->search, found, head, &out);
  enum status st = out.failed ? err_set(&err, ERR_LIMIT, "%s: the result does not fit into 1 GB of JSON", path) : file_write_atomic(path, out.data, out.len, &err);
  buf_finish(&out);
  if (st != OK) cli_error("--json: %s", err.msg);
  return st == OK ? 0 : 1;
}

static int tell(const struct cli_args *a, const struct wish *w, const struct optimum *found, const struct result *head) {
  const char *path = cli_value(a, "--json", NULL);
  const bool stopped = found->stopped != NULL;
  for (size_t i = 0; i < head->warning_count; i++) cli_warn("%s", head->warnings[i]);
  if (stopped) fprintf(stderr, "perigee: interrupted; what was found so far:\n");
  const int code = path ? write_json(path, w, found, head) : 0;
  if (!cli_has(a, "--quiet") && !(path && strcmp(path, "-") == 0)) optimum_print(&w->search, found, head, (int)w->top, stdout);
  return code ? code : stopped ? 130 : 0;
}

static int run_loaded(const struct cli_args *a, struct wish *w, struct optimize_bench *b, struct result *head) {
  static const char *const quiet[] = {"--json", "--quiet", "--jobs", "--top", "--method", "--trials", "--objective", "--require", "--out-of-sample", "--walk-forward", "--anchored", NULL};
  struct optimum *found = calloc(1, sizeof *found);
  struct course course = {0};
  struct err err;
  size_t bars = 0;
  const int64_t *times_ns = optimize_bench_times(b, &bars);
  enum status st = found && times_ns && backtest_flags_echo(a, quiet, b->config, &b->data, head) ? OK : err_set(&err, ERR_NOMEM, "out of memory");
  if (st == OK) st = optimize_workers_create(b, (int)w->jobs, &course.workers, &err);
  int code = 1;
  if (st == OK) {
    const struct optimize_runner runner = {.run = run_some, .progress = show, .self = &course};
    cli_progress_init(&course.bar, b->config->spec->name);
    st = optimize(&w->search, times_ns, bars, &runner, found, &err);
    cli_progress_clear(&course.bar);
    if (st == OK) code = tell(a, w, found, head);
  }
  if (st != OK) cli_script_error(err.msg, b->config->script_path, b->config->source, b->config->source_len);
  optimize_workers_destroy(course.workers);
  if (found) optimum_finish(found);
  free(found);
  return code;
}

static int run_described(const struct cli_args *a, struct backtest_config *c, struct script_spec *spec) {
  struct wish *w = calloc(1, sizeof *w);
  struct optimize_bench *b = calloc(1, sizeof *b);
  struct result head;
  struct err err;
  result_init(&head);
  int code = 1;
  if (!w || !b) {
    cli_error("out of memory");
  } else if ((code = read_wish(a, spec, w)) == 0) {
    c->spec = spec;
    c->values = w->values;
    if (optimize_bench_open(b, c, &w->search.space, &head, &err) == OK) {
      code = run_loaded(a, w, b, &head);
    } else {
      cli_error("%s", err.msg);
      code = err.code == ERR_USAGE ? 2 : 1;
    }
    optimize_bench_close(b);
  }
  result_finish(&head);
  free(b);
  free(w);
  return code;
}

static int run_optimize(const struct cli_args *a) {
  static struct backtest_flags flags;  // large; one command line per process
  struct backtest_config *c = &flags.config;
  struct script_spec *spec = NULL;
  struct watchdog *dog = NULL;
  struct buf source = {0};
  struct err err;
  if (a->positional_count != 1) return cli_usage(a, a->positional_count ? "one script at a time" : "which script?");
  int code = backtest_flags_read(a, &flags);
  if (code == 0) code = cli_output_possible("--json", cli_value(a, "--json", NULL)) && cli_script_read(a->positional[0], &source) ? 0 : 1;
  if (code == 0) {
    interrupt_install();
    c->script_path = a->positional[0];
    c->source = source.data;
    c->source_len = source.len;
    enum status st = watchdog_create(&dog, &err);
    if (st == OK) st = script_describe(c->script_path, c->source, c->source_len, dog, &spec, &err);
    watchdog_destroy(dog);  // each process that makes runs has its own
    if (st != OK) cli_script_error(err.msg, c->script_path, c->source, c->source_len);
    code = st == OK ? run_described(a, c, spec) : 1;
  }
  free(spec);
  buf_finish(&source);
  backtest_flags_finish(&flags);
  return code;
}

const struct cli_command cmd_optimize = {
    "optimize", "SCRIPT --data [STREAM=]FILE --param k=a..b[:step] [options]", "search a strategy's parameters over history",
    "The best on one history is rarely the best on the next. So the search does not see the newest part of the bars, the best are then run on it,\n"
    "and each is shown with the mean of its neighbours: a peak that stands alone is noise. --walk-forward chooses again and again as time goes on.\n"
    "The same script, data, ranges and seed give the same table, with any number of processes. Ctrl-C shows what was found so far.",
    options, run_optimize,
    "perigee optimize … --walk-forward 6           what choosing like this would have earned\n"
    "perigee backtest SCRIPT --data FILE --param k=v --report report.html    one of them in full"};

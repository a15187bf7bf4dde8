// cli/cmd_montecarlo.c – `perigee montecarlo`: what else could have happened with the trades of a backtest.
#include "cli/commands.h"

#include "backtest/montecarlo.h"
#include "cli/backtest_flags.h"
#include "loop/clock.h"
#include "loop/interrupt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_BYTES_MAX ((size_t)1 << 20)
#define QUIET_NS INT64_C(1000000000)  // what is done by then shows no bar
#define LIMIT_SCALE 4
#define LIMIT_MAX INT64_C(1000000)    // 100 percent

static const struct cli_option options[] = {
    {"--runs", "N", "how many, 100 to 1000000 (1000); a probability is then known to about 100 / √N percent"},
    {"--method", "M", "bootstrap: as many trades, drawn with replacement; shuffle: the same trades in another order (bootstrap)"},
    {"--block", "N", "trades in a row that stay together, at most half of them (1): for trades that depend on each other"},
    {"--compound", NULL, "each trade has its return on the equity at its entry, not its profit in currency"},
    {"--drawdown", "PCT[,PCT]", "how likely is a max drawdown above it (20,30,50)"},
    {"--seed", "N", "of the draws (1); the same seed gives the same numbers"},
    {"--json", "FILE", "everything as JSON; - is standard output, and no table"},
    {NULL, NULL, NULL}};

static bool read_limits(const struct cli_args *a, struct montecarlo_options *o) {
  const char *text = cli_value(a, "--drawdown", "20,30,50");
  for (const char *p = text;; p++) {
    const size_t len = strcspn(p, ",");
    if (o->limit_count == MONTECARLO_LIMITS_MAX) return cli_usage(a, "--drawdown %s: at most %d of them", text, MONTECARLO_LIMITS_MAX), false;
    int64_t *limit = &o->limits_e4[o->limit_count++];
    if (!decimal_parse_scaled(p, len, LIMIT_SCALE, limit) || *limit <= 0 || *limit > LIMIT_MAX)
      return cli_usage(a, "--drawdown %s: percent above 0 and up to 100 with at most %d digits after the point, as 20 or 12.5,25", text, LIMIT_SCALE), false;
    p += len;
    if (*p == '\0') return true;
  }
}

static int read_options(const struct cli_args *a, struct montecarlo_options *o) {
  const char *method = cli_value(a, "--method", montecarlo_method_text(MONTECARLO_BOOTSTRAP));
  int64_t runs = 1000, block = 1, seed = 1;
  if (!cli_integer(a, "--runs", MONTECARLO_RUNS_MIN, MONTECARLO_RUNS_MAX, &runs) || !cli_integer(a, "--block", 1, MONTECARLO_TRADES_MAX, &block) ||
      !cli_integer(a, "--seed", 0, INT64_MAX, &seed) || !read_limits(a, o))
    return 2;
  if (!montecarlo_method_parse(method, &o->method)) return cli_usage(a, "--method %s: it is bootstrap or shuffle", method);
  o->runs = (size_t)runs;
  o->block = (size_t)block;
  o->seed = (uint64_t)seed;
  o->compound = cli_has(a, "--compound");
  return 0;
}

struct course {
  struct cli_progress bar;
  int64_t begun_ns;
};
static bool go_on(void *self, size_t done, size_t total) {
  struct course *c = self;
  if (c->bar.on && clock_monotonic_ns() - c->begun_ns > QUIET_NS) cli_progress_show(&c->bar, done, total);
  return !interrupted();
}

static void warn(void *self, const char *text) {
  (void)self;
  cli_warn("%s", text);
}

static enum status write_json(const char *path, const struct montecarlo_source *s, const struct montecarlo_options *o, const struct montecarlo *m, struct err *err) {
  struct buf out;
  buf_init(&out, JSON_BYTES_MAX);
  montecarlo_json(s, o, m, &out);
  enum status st = out.failed ? err_set(err, ERR_NOMEM, "out of memory") : file_write_atomic(path, out.data, out.len, err);
  buf_finish(&out);
  return st == OK ? st : err_wrap(err, st, "--json");
}

static bool is_stdin(const char *path) { return strcmp(path, "-") == 0; }
static const char *name_of(const char *path) { return is_stdin(path) ? "standard input" : path; }

static enum status tell(const struct cli_args *a, const struct montecarlo_source *s, const struct montecarlo_options *o, const struct montecarlo *m, struct err *err) {
  const char *path = cli_value(a, "--json", NULL);
  montecarlo_warnings(s, o, m, warn, NULL);
  if (m->stopped) fprintf(stderr, "perigee: interrupted; %zu of %zu runs are done:\n", m->runs, o->runs);
  if (!path || strcmp(path, "-") != 0) montecarlo_print(name_of(a->positional[0]), s, o, m, stdout);
  return path ? write_json(path, s, o, m, err) : OK;
}

static enum status read_source(const char *path, bool compound, struct montecarlo_source *ret, struct err *err) {
  struct buf text;
  buf_init(&text, MONTECARLO_FILE_BYTES_MAX);
  enum status st = buf_read_file(&text, is_stdin(path) ? "/dev/stdin" : path, err);
  if (st == OK) {
    st = montecarlo_read(text.data, text.len, ret, err);
    if (st == OK && compound) st = montecarlo_growth(ret, err);
    if (st != OK) st = err_wrap(err, st, "%s", name_of(path));
  }
  buf_finish(&text);
  return st;
}

static int run_montecarlo(const struct cli_args *a) {
  struct montecarlo_options o = {0};
  struct montecarlo_source source = {0};
  struct montecarlo found = {0};
  struct course course = {0};
  struct err err;
  if (a->positional_count != 1) return cli_usage(a, a->positional_count ? "one result at a time" : "which result? perigee backtest … --json RESULT.json writes one");
  int code = read_options(a, &o);
  if (code) return code;
  if (!cli_output_possible("--json", cli_value(a, "--json", NULL))) return 1;
  interrupt_install();
  enum status st = read_source(a->positional[0], o.compound, &source, &err);
  if (st == OK) {
    const struct montecarlo_watch watch = {go_on, &course};
    cli_progress_init(&course.bar, montecarlo_method_text(o.method));
    course.begun_ns = clock_monotonic_ns();
    st = montecarlo(&source, &o, &watch, &found, &err);
    cli_progress_clear(&course.bar);
  }
  if (st == OK) st = tell(a, &source, &o, &found, &err);
  if (st != OK) cli_error("%s", err.msg);
  code = st != OK ? 1 : found.stopped ? 130 : 0;
  montecarlo_finish(&found);
  montecarlo_source_finish(&source);
  return code;
}

const struct cli_command cmd_montecarlo = {
    "montecarlo", "RESULT.json [--runs N] [--method M] [options]", "what else could have happened with a backtest's trades",
    "Reads what perigee backtest --json wrote (- is standard input), and puts its closed trades into another order, or draws them again, many times:\n"
    "percentiles of the end, the return, the max drawdown and the longest losing streak, and where the run itself stands among them.\n"
    "\n"
    "The model: the account begins with the run's cash, and each trade adds its profit in currency, to the last unit; what is traded does not grow with\n"
    "the account. With --compound each trade changes the account by its profit / the equity that trades closed before its entry had left; of trades that\n"
    "overlap, one compounds after the other. An account at zero or below is ruined and stops.\n"
    "\n"
    "Its limits: trades are taken as independent of each other (--block keeps runs of them together), and the future as like the past. What a position had\n"
    "lost while it was open is not seen, so real drawdowns are deeper; funding, swap and positions that were open at the end are in no trade.\n"
    "A shuffle keeps the end and shows other ways there; the bootstrap has other ends too. A result holds at most 1000000 trades and 256 MB.\n"
    "Ctrl-C shows what was found so far.",
    options, run_montecarlo,
    "perigee backtest SCRIPT --data FILE --json RESULT.json    makes the result\n"
    "perigee montecarlo RESULT.json --method shuffle --runs 10000    how deep other orders would have gone\n"
    "perigee montecarlo RESULT.json --compound --block 5    for sizes that follow the equity, and losses that come together"};

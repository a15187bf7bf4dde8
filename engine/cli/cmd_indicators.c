// cli/cmd_indicators.c – `perigee indicators`: a column per output over a file, in batch, for checking against other tools.
#include "cli/commands.h"

#include "base/buf.h"
#include "indicator/indicator.h"
#include "market/csv.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPECS_MAX 64

struct job {
  struct indicator_spec spec;
  struct indicator *ind;
};

// Columns are called by their spec, and output where there are several: sma:10, "macd:12,26,9.signal".
static void add_header(struct buf *out, const char *text, const struct indicator_desc *d) {
  for (int k = 0; k < d->n_outputs; k++) {
    bool quote = strchr(text, ',') != NULL;
    buf_printf(out, ",%s%s", quote ? "\"" : "", text);
    if (d->n_outputs > 1) buf_printf(out, ".%s", d->outputs[k]);
    if (quote) buf_str(out, "\"");
  }
}

static void run_all(const struct series *s, struct job *jobs, int n, enum indicator_source source, bool source_given, struct buf *out) {
  double values[INDICATOR_OUTPUTS_MAX];
  for (size_t i = 0; i < s->count && !out->failed; i++) {
    const struct bar *b = &s->bars[i];
    struct indicator_input in = {b->open_ns, price_double(&s->inst, b->open), price_double(&s->inst, b->high), price_double(&s->inst, b->low),
                                 price_double(&s->inst, b->close), b->volume < 0 ? 0 : volume_double(s, b->volume), 0};
    buf_printf(out, "%" PRId64, b->open_ns / NS_PER_MS);
    for (int k = 0; k < n; k++) {
      in.source = indicator_source_value(source_given ? source : jobs[k].spec.desc->default_source, &in);
      indicator_push(jobs[k].ind, &in, values);
      for (int v = 0; v < jobs[k].spec.desc->n_outputs; v++) {
        if (isnan(values[v]))
          buf_str(out, ",");
        else
          buf_printf(out, ",%.17g", values[v]);
      }
    }
    buf_str(out, "\n");
  }
}

static int compute(const struct cli_args *a, const struct series *s, const char *path) {
  struct job jobs[SPECS_MAX] = {0};
  struct err err;
  struct buf out;
  int code = 0, n = 0;
  buf_init(&out, (size_t)4 << 30);
  buf_str(&out, "time");
  enum indicator_source source = SOURCE_CLOSE;
  const char *source_text = cli_value(a, "--source", NULL);
  if (source_text && !indicator_source_parse(source_text, strlen(source_text), &source)) code = cli_usage(a, "--source %s: none of close open high low volume hl2 hlc3 ohlc4", source_text);
  for (; code == 0 && n < a->positional_count; n++) {
    enum status st = indicator_spec_parse(a->positional[n], &jobs[n].spec, &err);
    if (st != OK) {
      code = cli_usage(a, "%s", err.msg);
      break;
    }
    st = indicator_create(jobs[n].spec.desc, jobs[n].spec.params, &jobs[n].ind, &err);
    if (st != OK) {
      cli_error("%s", err.msg);
      code = 1;
      break;
    }
    add_header(&out, a->positional[n], jobs[n].spec.desc);
  }
  buf_str(&out, "\n");
  if (code == 0) {
    run_all(s, jobs, n, source, source_text != NULL, &out);
    enum status st = out.failed ? err_set(&err, ERR_NOMEM, "out of memory") : file_write_atomic(path, out.data, out.len, &err);
    if (st != OK) {
      cli_error("%s", err.msg);
      code = 1;
    }
  }
  for (int k = 0; k < n; k++) indicator_destroy(jobs[k].ind);
  buf_finish(&out);
  return code;
}

static int run_indicators(const struct cli_args *a) {
  const char *data = cli_value(a, "--data", NULL);
  if (a->positional_count == 0) return cli_usage(a, "give at least one SPEC, such as sma:10");
  if (a->positional_count > SPECS_MAX) return cli_usage(a, "at most %d specs", SPECS_MAX);
  if (!data) return cli_usage(a, "--data FILE is missing");
  for (int i = 0; i < a->positional_count; i++) {  // wrong specs before a long load
    struct indicator_spec spec;
    struct err err;
    if (indicator_spec_parse(a->positional[i], &spec, &err) != OK) return cli_usage(a, "%s", err.msg);
  }
  struct csv_options o = {.symbol = cli_value(a, "--symbol", NULL), .repair = cli_has(a, "--repair"), .timeframe_ns = NS_PER_DAY};
  const char *timeframe = cli_value(a, "--timeframe", NULL);
  char symbol[SYMBOL_MAX];
  int64_t named_ns;
  csv_name_parse(data, symbol, &named_ns);
  if (named_ns) o.timeframe_ns = 0;  // only the name matters here; indicators do not look at the timeframe
  if (timeframe && !timeframe_parse(timeframe, &o.timeframe_ns)) return cli_usage(a, "--timeframe %s: write 1m, 5m, 1h, 1d …", timeframe);
  struct series s = {0};
  struct csv_report *rep = calloc(1, sizeof *rep);
  struct err err;
  enum status st = rep ? csv_load(data, &o, &s, rep, &err) : err_set(&err, ERR_NOMEM, "out of memory");
  if (st != OK) {
    cli_error("%s", err.msg);
    free(rep);
    return 1;
  }
  for (size_t i = 0; i < rep->message_count && i < CSV_MESSAGES_MAX; i++) cli_warn("%s", rep->messages[i]);
  free(rep);
  int code = compute(a, &s, cli_value(a, "--csv", "-"));
  series_finish(&s);
  return code;
}

static const struct cli_option options[] = {
    {"--data", "FILE", "bars as CSV, plain or gzip"},
    {"--csv", "FILE", "where the columns go; - (the default) is standard output"},
    {"--source", "NAME", "close, open, high, low, volume, hl2, hlc3, ohlc4, for indicators that measure one series"},
    {"--symbol", "S", "when the file name does not tell"},
    {"--timeframe", "TF", "when the file name does not tell"},
    {"--repair", NULL, "sort and drop what is wrong in the file instead of refusing it"},
    {NULL, NULL, NULL}};
const struct cli_command cmd_indicators = {
    "indicators", "SPEC … --data FILE [--csv FILE]", "compute indicators over a file, a column per output",
    "SPEC is a name and its parameters: sma:10, macd:12,26,9, bbands:20,2, stochrsi:14,14,3, keltner:20,10,2. Empty fields mean\n"
    "no value yet. lua/indicators.md has the list, the definitions and the seeds.",
    options, run_indicators, "perigee help backtest"};

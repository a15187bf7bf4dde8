// cli/cmd_backtest.c – `perigee backtest`: flags to a struct backtest_config, run, write what was asked for.
#include "cli/commands.h"

#include "backtest/backtest.h"
#include "backtest/result_out.h"
#include "base/buf.h"
#include "loop/interrupt.h"
#include "loop/watchdog.h"
#include "market/tz.h"
#include "risk/news_read.h"
#include "risk/rule_set.h"
#include "tenant/shipped.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct cli_option options[] = {
    {"--data", "[STREAM=]FILE", "bars as CSV, plain or gzip; the first without a name is the main stream; may be repeated"},
    {"--symbol", "S", "when the file does not tell (a file name like BTCUSDT_1m.csv.gz does)"},
    {"--timeframe", "TF", "when the file does not tell: 1m, 5m, 1h, 1d …"},
    {"--cash", "N", "money to begin with (10000)"},
    {"--fee", "F", "fee as a fraction of notional per side (0.001 = 0.1 %)"},
    {"--fee-maker", "F", "for fills that rested; negative: a rebate"},
    {"--fee-taker", "F", "for fills that took"},
    {"--fee-fixed", "X", "per order, in money"},
    {"--fee-per-unit", "X", "per 1.0 of quantity, in money"},
    {"--slippage-ticks", "N", "against market and stop orders"},
    {"--slippage-pct", "P", "the same in percent of the price"},
    {"--spread", "X", "whole spread in price units"},
    {"--spread-pct", "P", "whole spread in percent of the price"},
    {"--leverage", "N", "1 is none"},
    {"--multiplier", "N", "contract size: notional = price × quantity × multiplier"},
    {"--maintenance-pct", "P", "maintenance margin in percent of notional (0.5)"},
    {"--margin-per-unit", "X", "compat-backtrader: cash that a unit of a future ties up"},
    {"--market", "mid|bid", "what the data are: trades or mids, or bids (FX, CFD: buys pay the spread on top)"},
    {"--swap-long", "X", "credited per unit at 17:00 New York; negative: charged"},
    {"--swap-short", "X", "the same for short positions"},
    {"--swap-triple", "DAY", "mon … fri: the day that counts three times (wed)"},
    {"--funding", "FILE", "funding rates: time,rate"},
    {"--detail", "FILE", "finer bars of the main symbol: the path inside its bars"},
    {"--mark", "FILE", "mark price bars: liquidation and funding use them"},
    {"--signals", "FILE", "signals for on_signal: CSV or JSON lines"},
    {"--tick", "X", "price increment; else from the data's decimals (compat models: 1e-10)"},
    {"--lot", "X", "quantity increment; else from the volume's decimals"},
    {"--min-notional", "X", "smallest order value"},
    {"--terms", "FILE", "dated terms of the main symbol: from,tick,lot,min_qty,min_notional,leverage,maintenance_pct"},
    {"--fill-model", "MODEL", "strict, classic, compat-backtesting, compat-backtrader"},
    {"--path", "MODE", "inside a bar: nearer, adverse, favourable"},
    {"--participation", "F", "largest share of a bar's volume that fills (0.1 = 10 %); off when absent"},
    {"--latency", "MS", "from decision to venue"},
    {"--trade-on-close", NULL, "compat-backtesting: market orders fill at the close they were given at"},
    {"--finalize", NULL, "compat-backtesting: close what is open at the last bar"},
    {"--param", "k=v", "a parameter of the script; may be repeated"},
    {"--seed", "N", "of ctx:rand() and math.random (1)"},
    {"--from", "T", "first bar to trade; earlier ones warm up. 2021-04-20 or Unix time"},
    {"--to", "T", "bars from here on are left out"},
    {"--warmup", "N", "extra bars before the first call"},
    {"--fuel", "N", "stop a callback after N instructions instead of by time: the same on every machine, twice as slow"},
    {"--day-loss", "X", "only exits once the day has lost so much"},
    {"--max-drawdown", "X", "only exits once so much is lost from the equity peak"},
    {"--max-open", "N", "working orders at once (200)"},
    {"--rules", "FILE|NAME", "a prop firm's rules over the account, as live: a rule set as JSON, or one that ships (perigee rules)"},
    {"--news", "FILE", "calendar that those rules keep clear of: from,to,concerns,impact,title"},
    {"--repair", NULL, "sort and drop what is wrong in the data instead of refusing it"},
    {"--json", "FILE", "the result as JSON; - is standard output"},
    {"--report", "FILE.html", "the report: one self-contained page"},
    {"--trades", "FILE.csv", "closed trades"},
    {"--equity", "FILE.csv", "the equity curve"},
    {"--quiet", NULL, "no summary"},
    {NULL, NULL, NULL}};

// ---- flags

static bool parse_fees(const struct cli_args *a, struct backtest_config *c) {
  const int64_t most = CASH_ONE;  // 100 %
  int64_t both = 0;
  if (!cli_scaled(a, "--fee", 8, -most, most, &both)) return false;
  c->fees.maker_frac_e8 = c->fees.taker_frac_e8 = both;
  return cli_scaled(a, "--fee-maker", 8, -most, most, &c->fees.maker_frac_e8) && cli_scaled(a, "--fee-taker", 8, -most, most, &c->fees.taker_frac_e8) &&
         cli_scaled(a, "--fee-fixed", 8, 0, most * 1000000, &c->fees.fixed_e8) && cli_scaled(a, "--fee-per-unit", 8, 0, most * 1000000, &c->fees.per_unit_e8);
}

static bool parse_costs(const struct cli_args *a, struct backtest_config *c) {
  static const char *const days[] = {"mon", "tue", "wed", "thu", "fri"};
  const char *market = cli_value(a, "--market", "mid"), *triple = cli_value(a, "--swap-triple", "wed");
  if (strcmp(market, "mid") != 0 && strcmp(market, "bid") != 0) return cli_usage(a, "--market %s: mid or bid", market), false;
  c->costs.kind = market[0] == 'b' ? MARKET_BID : MARKET_MID;
  c->swap_triple_weekday = -1;
  for (int i = 0; i < 5; i++)
    if (strcmp(days[i], triple) == 0) c->swap_triple_weekday = i;
  if (c->swap_triple_weekday < 0) return cli_usage(a, "--swap-triple %s: mon, tue, wed, thu or fri", triple), false;
  const int64_t most = CASH_ONE * 1000000;
  return cli_integer(a, "--slippage-ticks", 0, 1000000000000, &c->costs.slippage_ticks) &&
         cli_scaled(a, "--slippage-pct", 6, 0, 50 * 1000000, &c->costs.slippage_frac_e8) && cli_decimal(a, "--spread", &c->spread) &&
         cli_scaled(a, "--spread-pct", 6, 0, 50 * 1000000, &c->costs.spread_frac_e8) && cli_scaled(a, "--swap-long", 8, -most, most, &c->costs.swap_long_e8) &&
         cli_scaled(a, "--swap-short", 8, -most, most, &c->costs.swap_short_e8);
}

static bool parse_model(const struct cli_args *a, struct backtest_config *c) {
  const char *model = cli_value(a, "--fill-model", "strict"), *path = cli_value(a, "--path", "nearer");
  if (!fill_model_parse(model, &c->match.model)) return cli_usage(a, "--fill-model %s: strict, classic, compat-backtesting or compat-backtrader", model), false;
  if (!path_mode_parse(path, &c->match.path)) return cli_usage(a, "--path %s: nearer, adverse or favourable", path), false;
  int64_t latency_ms = 0;
  if (!cli_scaled(a, "--cash", 8, 1, INT64_MAX / 2, &c->match.deposit.e8) || !cli_scaled(a, "--leverage", 4, 10000, 1000 * 10000, &c->leverage_e4) ||
      !cli_scaled(a, "--maintenance-pct", 6, 0, 50 * 1000000, &c->maintenance_frac_e8) || !cli_decimal(a, "--margin-per-unit", &c->margin_per_unit) ||
      !cli_scaled(a, "--participation", 8, 1, CASH_ONE, &c->match.participation_frac_e8) || !cli_integer(a, "--latency", 0, 86400000, &latency_ms))
    return false;
  c->match.latency_ns = latency_ms * NS_PER_MS;
  c->finalize = cli_has(a, "--finalize");
  c->match.trade_on_close = cli_has(a, "--trade-on-close");
  if ((c->finalize || c->match.trade_on_close) && c->match.model != MODEL_COMPAT_BACKTESTING)
    return cli_usage(a, "--finalize and --trade-on-close go with --fill-model compat-backtesting"), false;
  return true;
}

static bool parse_data(const struct cli_args *a, struct backtest_config *c, char names[][SPEC_NAME_MAX]) {
  for (int i = 0; i < a->given_count; i++) {
    if (strcmp(a->given[i].option->name, "--data") != 0) continue;
    if (c->file_count == BACKTEST_FILES_MAX) return cli_usage(a, "at most %d --data", BACKTEST_FILES_MAX), false;
    const char *value = a->given[i].value, *equals = strchr(value, '=');
    struct backtest_file *f = &c->files[c->file_count];
    *f = (struct backtest_file){NULL, value};
    size_t len = equals ? (size_t)(equals - value) : 0;
    if (len > 0 && len < SPEC_NAME_MAX && !memchr(value, '/', len) && !memchr(value, '.', len)) {
      memcpy(names[c->file_count], value, len);
      names[c->file_count][len] = '\0';
      f->stream = names[c->file_count];
      f->path = equals + 1;
    }
    if (!f->path[0]) return cli_usage(a, "--data %s: no file", value), false;
    c->file_count++;
  }
  if (c->file_count == 0) return cli_usage(a, "--data FILE is missing"), false;
  c->csv.symbol = cli_value(a, "--symbol", NULL);
  if (c->csv.symbol && (!c->csv.symbol[0] || strlen(c->csv.symbol) >= SYMBOL_MAX)) return cli_usage(a, "--symbol: 1 to %d bytes", SYMBOL_MAX - 1), false;
  const char *timeframe = cli_value(a, "--timeframe", NULL);
  if (timeframe && !timeframe_parse(timeframe, &c->csv.timeframe_ns)) return cli_usage(a, "--timeframe %s: write 1m, 5m, 1h, 1d …", timeframe), false;
  c->csv.repair = cli_has(a, "--repair");
  c->funding_path = cli_value(a, "--funding", NULL);
  c->detail_path = cli_value(a, "--detail", NULL);
  c->mark_path = cli_value(a, "--mark", NULL);
  c->terms_path = cli_value(a, "--terms", NULL);
  c->signals_path = cli_value(a, "--signals", NULL);
  return cli_decimal(a, "--tick", &c->csv.tick) && cli_decimal(a, "--lot", &c->csv.lot) && cli_decimal(a, "--min-notional", &c->csv.min_notional) &&
         cli_decimal(a, "--multiplier", &c->csv.multiplier);
}

static bool parse_run(const struct cli_args *a, struct backtest_config *c) {
  int64_t seed = 1, warmup = 0, fuel = 0, max_open = c->risk.max_open;
  if (!cli_integer(a, "--seed", 0, INT64_MAX, &seed) || !cli_integer(a, "--warmup", 0, 1000000, &warmup) || !cli_integer(a, "--fuel", 1000, INT64_MAX, &fuel) ||
      !cli_integer(a, "--max-open", 1, 100000, &max_open) || !cli_time(a, "--from", &c->from_ns) || !cli_time(a, "--to", &c->to_ns) ||
      !cli_scaled(a, "--day-loss", 8, 1, INT64_MAX / 2, &c->risk.day_loss_e8) || !cli_scaled(a, "--max-drawdown", 8, 1, INT64_MAX / 2, &c->risk.drawdown_e8))
    return false;
  if (c->from_ns >= c->to_ns) return cli_usage(a, "--from must be before --to"), false;
  c->limits.seed = (uint64_t)seed;
  c->limits.fuel_instructions = (uint64_t)fuel;
  c->warmup = (int)warmup;
  c->risk.max_open = (int)max_open;
  return true;
}

// ---- rules: a file's, or a set that ships

struct rules {
  struct buf text;
  struct news_list *news;
};

static bool read_news(const char *path, struct news_list **ret) {
  struct news_entry *entries = NULL;
  struct err err;
  size_t count = 0;
  enum status st = news_csv_read(path, &entries, &count, &err);
  struct news_event *events = st == OK ? calloc(count + 1, sizeof *events) : NULL;
  for (size_t i = 0; events && i < count; i++) events[i] = entries[i].event;
  if (st == OK) st = events ? news_list_create(events, count, ret, &err) : err_set(&err, ERR_NOMEM, "out of memory");
  free(events);
  free(entries);
  if (st != OK) cli_error("--news: %s", err.msg);
  return st == OK;
}

static bool read_rules(const struct cli_args *a, struct backtest_config *c, struct rules *r) {
  const char *name = cli_value(a, "--rules", NULL), *news = cli_value(a, "--news", NULL);
  struct err err;
  if (news && !name) return cli_usage(a, "--news goes with --rules"), false;
  if (!name) return true;
  buf_init(&r->text, RULE_SET_TEXT_MAX + 1);
  for (const struct shipped *s = shipped_rule_sets; s->name; s++)
    if (access(name, F_OK) != 0 && strcmp(s->name, name) == 0) c->rules = (struct backtest_text){s->source, s->len};
  if (!c->rules.bytes) {
    if (buf_read_file(&r->text, name, &err) != OK) return cli_error("--rules: %s; those that ship: perigee rules list", err.msg), false;
    c->rules = (struct backtest_text){r->text.data ? r->text.data : "", r->text.len};
  }
  struct rule_set *set;
  if (rule_set_parse_of(c->rules.bytes, c->rules.len, c->match.deposit, &set, &err) != OK) return cli_error("--rules %s: %s", name, err.msg), false;
  rule_set_destroy(set);
  if (news && !read_news(news, &r->news)) return false;
  c->news = r->news;
  return true;
}

// ---- outputs

static const struct {
  const char *option;
  enum status (*write)(const struct result *r, const char *path, struct err *err);
} outputs[] = {{"--json", result_json_write}, {"--trades", result_trades_csv_write}, {"--equity", result_equity_csv_write}, {"--report", report_html_write}};

// A long run should not end in "no such directory".
static bool outputs_possible(const struct cli_args *a) {
  for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++) {
    const char *path = cli_value(a, outputs[i].option, NULL);
    if (!path || strcmp(path, "-") == 0) continue;
    char dir[4096];
    snprintf(dir, sizeof dir, "%s", path);
    char *slash = strrchr(dir, '/');
    if (slash == dir)
      dir[1] = '\0';
    else if (slash)
      *slash = '\0';
    else
      strcpy(dir, ".");
    if (access(dir, W_OK | X_OK) != 0) {
      cli_error("%s %s: cannot write into the directory %s", outputs[i].option, path, dir);
      return false;
    }
  }
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

// ---- the result's echo of what was asked

static bool echo_scaled(struct result *r, const char *key, int64_t value, int scale) {
  char text[DECIMAL_TEXT_MAX];
  decimal_format_scaled(value, scale, text);
  return result_pair_add(&r->config, key, text, RESULT_TEXT);
}

static bool echo_config(const struct cli_args *a, const struct backtest_config *c, const struct instrument *inst, struct result *r) {
  char text[SPEC_TEXT_MAX];
  snprintf(text, sizeof text, "%" PRIu64, c->limits.seed);
  bool ok = result_text_set(&r->engine_version, PERIGEE_VERSION) && result_text_set(&r->script_name, c->spec->name) && result_text_set(&r->script_file, c->script_path) &&
            echo_scaled(r, "cash", c->match.deposit.e8, 8) && echo_scaled(r, "fee_maker", c->fees.maker_frac_e8, 8) && echo_scaled(r, "fee_taker", c->fees.taker_frac_e8, 8) &&
            result_pair_add(&r->config, "fill_model", fill_model_text(c->match.model), RESULT_TEXT) &&
            result_pair_add(&r->config, "path", path_mode_text(c->match.path), RESULT_TEXT) && result_pair_add(&r->config, "seed", text, RESULT_NUMBER);
  snprintf(r->script_sha256, sizeof r->script_sha256, "%s", c->spec->sha256);
  ok = ok && result_pair_add(&r->config, "tick", (decimal_format(inst->tick, text), text), RESULT_TEXT) &&
       result_pair_add(&r->config, "lot", (decimal_format(inst->lot, text), text), RESULT_TEXT);
  static const char *const quiet[] = {"--json", "--report", "--trades", "--equity", "--quiet", "--data", "--param", "--cash", "--fee", "--fee-maker", "--fee-taker",
                                      "--fill-model", "--path", "--seed", "--tick", "--lot"};
  for (const struct cli_option *o = options; o->name && ok; o++) {
    bool skip = !cli_has(a, o->name);
    for (size_t i = 0; i < sizeof quiet / sizeof quiet[0]; i++) skip = skip || strcmp(quiet[i], o->name) == 0;
    if (skip) continue;
    char key[40];
    snprintf(key, sizeof key, "%s", o->name + 2);
    for (char *p = key; *p; p++)
      if (*p == '-') *p = '_';
    ok = result_pair_add(&r->config, key, o->arg ? cli_value(a, o->name, "") : "true", o->arg ? RESULT_TEXT : RESULT_BOOL);
  }
  for (int i = 0; i < c->spec->param_count && ok; i++) {
    const struct param_spec *p = &c->spec->params[i];
    enum result_value_kind kind = p->kind == PARAM_BOOL ? RESULT_BOOL : p->kind <= PARAM_MONEY ? RESULT_NUMBER : RESULT_TEXT;
    ok = result_pair_add(&r->params, p->name, params_text(p, &c->values[i], text), kind);
  }
  return ok;
}

static bool echo_data(const struct backtest_config *c, const struct backtest_data *d, struct result *r) {
  bool ok = true;
  for (int i = 0; i < c->spec->stream_count; i++) {
    const char *path = "";
    for (int k = 0; k < d->feed_count; k++)
      if (&d->feeds[k].series == d->streams[i] && d->feeds[k].path) path = d->feeds[k].path;
    ok = ok && result_data_add(r, c->spec->streams[i].name, path, d->streams[i]);
  }
  return ok;
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
  if (!echo_config(a, c, &data.symbols[data.stream_symbols[0]].exec->inst, r) || !echo_data(c, &data, r)) {
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
  static struct backtest_config c;  // large; one command line per process
  char names[BACKTEST_FILES_MAX][SPEC_NAME_MAX];
  if (a->positional_count != 1) return cli_usage(a, a->positional_count ? "one script at a time" : "which script?");
  backtest_config_init(&c);
  if (!parse_data(a, &c, names) || !parse_model(a, &c) || !parse_fees(a, &c) || !parse_costs(a, &c) || !parse_run(a, &c)) return 2;
  if (!outputs_possible(a)) return 1;
  struct buf source;
  struct rules rules = {0};
  if (!read_rules(a, &c, &rules) || !cli_script_read(a->positional[0], &source)) {
    buf_finish(&rules.text);
    news_list_destroy(rules.news);
    return 1;
  }
  c.script_path = a->positional[0];
  c.source = source.data;
  c.source_len = source.len;
  struct err err;
  struct result r;
  int code = 1;
  interrupt_install();
  result_init(&r);
  if (watchdog_create(&c.watchdog, &err) != OK)
    cli_error("%s", err.msg);
  else
    code = run_described(a, &c, &r);
  result_finish(&r);
  watchdog_destroy(c.watchdog);
  buf_finish(&source);
  buf_finish(&rules.text);
  news_list_destroy(rules.news);
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

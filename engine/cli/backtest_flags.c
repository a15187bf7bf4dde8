#include "cli/backtest_flags.h"

#include "market/tz.h"
#include "risk/news_read.h"
#include "risk/rule_set.h"
#include "tenant/shipped.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static bool read_rules(const struct cli_args *a, struct backtest_config *c, struct backtest_flags *r) {
  const char *name = cli_value(a, "--rules", NULL), *news = cli_value(a, "--news", NULL);
  struct err err;
  if (news && !name) return cli_usage(a, "--news goes with --rules"), false;
  if (!name) return true;
  buf_init(&r->rules, RULE_SET_TEXT_MAX + 1);
  for (const struct shipped *s = shipped_rule_sets; s->name; s++)
    if (access(name, F_OK) != 0 && strcmp(s->name, name) == 0) c->rules = (struct backtest_text){s->source, s->len};
  if (!c->rules.bytes) {
    if (buf_read_file(&r->rules, name, &err) != OK) return cli_error("--rules: %s; those that ship: perigee rules list", err.msg), false;
    c->rules = (struct backtest_text){r->rules.data ? r->rules.data : "", r->rules.len};
  }
  struct rule_set *set;
  if (rule_set_parse_of(c->rules.bytes, c->rules.len, c->match.deposit, &set, &err) != OK) return cli_error("--rules %s: %s", name, err.msg), false;
  rule_set_destroy(set);
  if (news && !read_news(news, &r->news)) return false;
  c->news = r->news;
  return true;
}

// ---- all of them

int backtest_flags_read(const struct cli_args *a, struct backtest_flags *f) {
  struct backtest_config *c = &f->config;
  memset(f, 0, sizeof *f);
  backtest_config_init(c);
  if (!parse_data(a, c, f->names) || !parse_model(a, c) || !parse_fees(a, c) || !parse_costs(a, c) || !parse_run(a, c)) return 2;
  return read_rules(a, c, f) ? 0 : 1;
}

void backtest_flags_finish(struct backtest_flags *f) {
  buf_finish(&f->rules);
  news_list_destroy(f->news);
}

// ---- the result's echo of what was asked

static bool echo_scaled(struct result *r, const char *key, int64_t value, int scale) {
  char text[DECIMAL_TEXT_MAX];
  decimal_format_scaled(value, scale, text);
  return result_pair_add(&r->config, key, text, RESULT_TEXT);
}

static bool echo_config(const struct cli_args *a, const char *const *hidden, const struct backtest_config *c, const struct instrument *inst, struct result *r) {
  char text[SPEC_TEXT_MAX];
  snprintf(text, sizeof text, "%" PRIu64, c->limits.seed);
  bool ok = result_text_set(&r->engine_version, PERIGEE_VERSION) && result_text_set(&r->script_name, c->spec->name) && result_text_set(&r->script_file, c->script_path) &&
            echo_scaled(r, "cash", c->match.deposit.e8, 8) && echo_scaled(r, "fee_maker", c->fees.maker_frac_e8, 8) && echo_scaled(r, "fee_taker", c->fees.taker_frac_e8, 8) &&
            result_pair_add(&r->config, "fill_model", fill_model_text(c->match.model), RESULT_TEXT) &&
            result_pair_add(&r->config, "path", path_mode_text(c->match.path), RESULT_TEXT) && result_pair_add(&r->config, "seed", text, RESULT_NUMBER);
  snprintf(r->script_sha256, sizeof r->script_sha256, "%s", c->spec->sha256);
  ok = ok && result_pair_add(&r->config, "tick", (decimal_format(inst->tick, text), text), RESULT_TEXT) &&
       result_pair_add(&r->config, "lot", (decimal_format(inst->lot, text), text), RESULT_TEXT);
  static const char *const quiet[] = {"--data", "--param", "--cash", "--fee", "--fee-maker", "--fee-taker", "--fill-model", "--path", "--seed", "--tick", "--lot"};
  for (const struct cli_option *o = a->command->options; o->name && ok; o++) {
    bool skip = !cli_has(a, o->name);
    for (size_t i = 0; i < sizeof quiet / sizeof quiet[0]; i++) skip = skip || strcmp(quiet[i], o->name) == 0;
    for (const char *const *h = hidden; *h; h++) skip = skip || strcmp(*h, o->name) == 0;
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

bool backtest_flags_echo(const struct cli_args *a, const char *const *quiet, const struct backtest_config *c, const struct backtest_data *d, struct result *r) {
  return echo_config(a, quiet, c, &d->symbols[d->stream_symbols[0]].exec->inst, r) && echo_data(c, d, r);
}

// A long run should not end in "no such directory".
bool cli_output_possible(const char *option, const char *path) {
  if (!path || strcmp(path, "-") == 0) return true;
  char dir[4096];
  snprintf(dir, sizeof dir, "%s", path);
  char *slash = strrchr(dir, '/');
  if (slash == dir)
    dir[1] = '\0';
  else if (slash)
    *slash = '\0';
  else
    strcpy(dir, ".");
  if (access(dir, W_OK | X_OK) == 0) return true;
  cli_error("%s %s: cannot write into the directory %s", option, path, dir);
  return false;
}

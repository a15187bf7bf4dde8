#include "backtest/request.h"

#include "base/suggest.h"
#include "risk/news_read.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- fields as data

enum field_kind { FIELD_SCALED, FIELD_INT64, FIELD_INT32, FIELD_MS, FIELD_DECIMAL, FIELD_BOOL, FIELD_WORD };

// scale: decimals kept (FIELD_SCALED), or nanoseconds per unit (FIELD_MS). word: turns a text into the field.
struct field {
  const char *key;
  enum field_kind kind;
  size_t offset;
  int64_t scale, min, max;
  bool (*word)(const char *text, void *ret);
  const char *words;
};

static bool word_model(const char *t, void *ret) { return fill_model_parse(t, ret); }
static bool word_path(const char *t, void *ret) { return path_mode_parse(t, ret); }
static bool word_market(const char *t, void *ret) {
  bool bid = strcmp(t, "bid") == 0;
  *(enum market_kind *)ret = bid ? MARKET_BID : MARKET_MID;
  return bid || strcmp(t, "mid") == 0;
}
static bool word_weekday(const char *t, void *ret) {
  static const char *const days[] = {"mon", "tue", "wed", "thu", "fri"};
  for (int i = 0; i < 5; i++)
    if (strcmp(t, days[i]) == 0) {
      *(int *)ret = i;
      return true;
    }
  return false;
}

#define AT(member) offsetof(struct backtest_config, member)
#define FRACTION (int64_t)CASH_ONE             // 100 %
#define MONEY_MAX (int64_t)(CASH_ONE * 1000000)
#define TIME_MAX_MS INT64_C(9000000000000)
static const struct field config_fields[] = {
    {"cash", FIELD_SCALED, AT(match.deposit.e8), 8, 1, INT64_MAX / 2, NULL, NULL},
    {"fee_maker", FIELD_SCALED, AT(fees.maker_frac_e8), 8, -FRACTION, FRACTION, NULL, NULL},
    {"fee_taker", FIELD_SCALED, AT(fees.taker_frac_e8), 8, -FRACTION, FRACTION, NULL, NULL},
    {"fee_fixed", FIELD_SCALED, AT(fees.fixed_e8), 8, 0, MONEY_MAX, NULL, NULL},
    {"fee_per_unit", FIELD_SCALED, AT(fees.per_unit_e8), 8, 0, MONEY_MAX, NULL, NULL},
    {"slippage_ticks", FIELD_INT64, AT(costs.slippage_ticks), 0, 0, 1000000000000, NULL, NULL},
    {"slippage_pct", FIELD_SCALED, AT(costs.slippage_frac_e8), 6, 0, 50 * 1000000, NULL, NULL},
    {"spread", FIELD_DECIMAL, AT(spread), 0, 0, 0, NULL, NULL},
    {"spread_pct", FIELD_SCALED, AT(costs.spread_frac_e8), 6, 0, 50 * 1000000, NULL, NULL},
    {"swap_long", FIELD_SCALED, AT(costs.swap_long_e8), 8, -MONEY_MAX, MONEY_MAX, NULL, NULL},
    {"swap_short", FIELD_SCALED, AT(costs.swap_short_e8), 8, -MONEY_MAX, MONEY_MAX, NULL, NULL},
    {"swap_triple", FIELD_WORD, AT(swap_triple_weekday), 0, 0, 0, word_weekday, "mon, tue, wed, thu or fri"},
    {"market", FIELD_WORD, AT(costs.kind), 0, 0, 0, word_market, "mid or bid"},
    {"tick", FIELD_DECIMAL, AT(csv.tick), 0, 1, 0, NULL, NULL},
    {"lot", FIELD_DECIMAL, AT(csv.lot), 0, 1, 0, NULL, NULL},
    {"multiplier", FIELD_DECIMAL, AT(csv.multiplier), 0, 1, 0, NULL, NULL},
    {"min_notional", FIELD_DECIMAL, AT(csv.min_notional), 0, 0, 0, NULL, NULL},
    {"leverage", FIELD_SCALED, AT(leverage_e4), 4, 10000, 1000 * 10000, NULL, NULL},
    {"margin_per_unit", FIELD_DECIMAL, AT(margin_per_unit), 0, 0, 0, NULL, NULL},
    {"maintenance_pct", FIELD_SCALED, AT(maintenance_frac_e8), 6, 0, 50 * 1000000, NULL, NULL},
    {"fill_model", FIELD_WORD, AT(match.model), 0, 0, 0, word_model, "strict, classic, compat-backtesting or compat-backtrader"},
    {"path", FIELD_WORD, AT(match.path), 0, 0, 0, word_path, "nearer, adverse or favourable"},
    {"participation", FIELD_SCALED, AT(match.participation_frac_e8), 8, 1, FRACTION, NULL, NULL},
    {"latency_ms", FIELD_MS, AT(match.latency_ns), NS_PER_MS, 0, 86400000, NULL, NULL},
    {"trade_on_close", FIELD_BOOL, AT(match.trade_on_close), 0, 0, 0, NULL, NULL},
    {"finalize", FIELD_BOOL, AT(finalize), 0, 0, 0, NULL, NULL},
    {"single_path", FIELD_BOOL, AT(single_path), 0, 0, 0, NULL, NULL},
    {"seed", FIELD_INT64, AT(limits.seed), 0, 0, INT64_MAX, NULL, NULL},
    {"warmup", FIELD_INT32, AT(warmup), 0, 0, 1000000, NULL, NULL},
    {"from_ms", FIELD_MS, AT(from_ns), NS_PER_MS, -TIME_MAX_MS, TIME_MAX_MS, NULL, NULL},
    {"to_ms", FIELD_MS, AT(to_ns), NS_PER_MS, -TIME_MAX_MS, TIME_MAX_MS, NULL, NULL},
    {"day_loss", FIELD_SCALED, AT(risk.day_loss_e8), 8, 1, INT64_MAX / 2, NULL, NULL},
    {"max_drawdown", FIELD_SCALED, AT(risk.drawdown_e8), 8, 1, INT64_MAX / 2, NULL, NULL},
    {"max_open", FIELD_INT32, AT(risk.max_open), 0, 1, 100000, NULL, NULL},
    {"fuel", FIELD_INT64, AT(limits.fuel_instructions), 0, 1000, INT64_MAX, NULL, NULL},
};
// Of both sides; fee_maker and fee_taker go before it.
static const struct field fee_field = {"fee", FIELD_SCALED, AT(fees.maker_frac_e8), 8, -FRACTION, FRACTION, NULL, NULL};
static const struct field limit_fields[] = {
    {"heap_bytes", FIELD_INT64, AT(limits.heap_bytes), 0, VM_HEAP_BYTES_MIN, VM_HEAP_BYTES_MAX, NULL, NULL},
    {"callback_us", FIELD_MS, AT(limits.callback_cpu_ns), 1000, 100, 10000000, NULL, NULL},
    {"load_us", FIELD_MS, AT(limits.load_cpu_ns), 1000, 100, 10000000, NULL, NULL},
    {"fuel", FIELD_INT64, AT(limits.fuel_instructions), 0, 0, INT64_MAX, NULL, NULL},
    {"max_open", FIELD_INT32, AT(risk.max_open), 0, 1, 100000, NULL, NULL},
};
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

// A decimal from a JSON text or whole number.
static bool json_decimal(const json_t *v, struct decimal *ret) {
  if (json_is_integer(v)) {
    *ret = (struct decimal){json_integer_value(v), 0};
    return true;
  }
  return json_is_string(v) && decimal_parse(json_string_value(v), json_string_length(v), ret);
}

static enum status unknown_key(const char *where, const char *key, const char *const *known, size_t n, struct err *err) {
  const char *near = suggest_nearest(key, known, n);
  return err_set(err, ERR_INVALID, "%s/%.60s: unknown%s%s%s", where, key, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static enum status field_set(const char *where, const struct field *f, const json_t *v, struct backtest_config *c, struct err *err) {
  void *at = (char *)c + f->offset;
  struct decimal d;
  int64_t n = 0;
  switch (f->kind) {
    case FIELD_BOOL:
      if (!json_is_boolean(v)) return err_set(err, ERR_INVALID, "%s/%s: true or false", where, f->key);
      *(bool *)at = json_is_true(v);
      return OK;
    case FIELD_WORD:
      if (!json_is_string(v) || !f->word(json_string_value(v), at)) return err_set(err, ERR_INVALID, "%s/%s: %s", where, f->key, f->words);
      return OK;
    case FIELD_DECIMAL:
      if (!json_decimal(v, &d) || d.digits < f->min) return err_set(err, ERR_INVALID, "%s/%s: a decimal %s, as a string", where, f->key, f->min > 0 ? "above 0" : "of 0 or more");
      *(struct decimal *)at = d;
      return OK;
    case FIELD_SCALED:
      if (!json_decimal(v, &d) || !decimal_rescale(d, (int)f->scale, &n)) return err_set(err, ERR_INVALID, "%s/%s: a decimal of at most %d places, as a string", where, f->key, (int)f->scale);
      break;
    default:
      if (!json_is_integer(v)) return err_set(err, ERR_INVALID, "%s/%s: a whole number", where, f->key);
      n = json_integer_value(v);
  }
  if (n < f->min || n > f->max) return err_set(err, ERR_INVALID, "%s/%s: out of range", where, f->key);
  if (f->kind == FIELD_INT32) *(int *)at = (int)n;
  else *(int64_t *)at = f->kind == FIELD_MS ? n * f->scale : n;
  return OK;
}

static enum status fields_parse(const char *where, json_t *object, const struct field *fields, size_t count, const char *also, struct backtest_config *c, struct err *err) {
  const char *names[COUNT(config_fields) + 1], *key;
  json_t *v;
  for (size_t i = 0; i < count; i++) names[i] = fields[i].key;
  names[count] = also;
  json_object_foreach(object, key, v) {
    const struct field *f = NULL;
    for (size_t i = 0; i < count && !f; i++)
      if (strcmp(fields[i].key, key) == 0) f = &fields[i];
    if (!f && also && strcmp(key, also) == 0) continue;
    if (!f) return unknown_key(where, key, names, count + (also != NULL), err);
    enum status st = field_set(where, f, v, c, err);
    if (st != OK) return st;
  }
  return OK;
}

enum status request_config_parse(json_t *config, struct backtest_config *c, struct err *err) {
  const json_t *fee = json_object_get(config, fee_field.key);
  enum status st = fee ? field_set("/config", &fee_field, fee, c, err) : OK;
  if (fee) c->fees.taker_frac_e8 = c->fees.maker_frac_e8;
  if (st == OK) st = fields_parse("/config", config, config_fields, COUNT(config_fields), fee_field.key, c, err);
  if (st != OK) return st;
  if (c->from_ns >= c->to_ns) return err_set(err, ERR_INVALID, "/config/from_ms: must be before to_ms");
  if ((c->finalize || c->match.trade_on_close) && c->match.model != MODEL_COMPAT_BACKTESTING)
    return err_set(err, ERR_INVALID, "/config/%s: goes with fill_model compat-backtesting", c->finalize ? "finalize" : "trade_on_close");
  if (c->margin_per_unit.digits && c->match.model != MODEL_COMPAT_BACKTRADER) return err_set(err, ERR_INVALID, "/config/margin_per_unit: goes with fill_model compat-backtrader");
  return OK;
}

// ---- the whole

static bool copy_text(const json_t *v, char *ret, size_t size) {
  const char *t = json_string_value(v);
  if (!t || strlen(t) != json_string_length(v) || strlen(t) >= size) return false;
  strcpy(ret, t);
  return true;
}

static bool word_of(const json_t *v, const char *const *words, size_t n, int *ret) {
  for (size_t i = 0; json_is_string(v) && i < n; i++)
    if (strcmp(json_string_value(v), words[i]) == 0) {
      *ret = (int)i;
      return true;
    }
  return false;
}

static enum status text_parse(const char *key, json_t *v, json_t **keep, struct backtest_text *ret, struct err *err) {
  if (!json_is_string(v)) return err_set(err, ERR_INVALID, "/%s: a text", key);
  *keep = json_incref(v);
  *ret = (struct backtest_text){json_string_value(v), json_string_length(v)};
  return OK;
}

static enum status rules_parse(const json_t *v, struct backtest_request *q, struct err *err) {
  free(q->rules);
  q->rules = json_dumps(v, JSON_COMPACT);
  if (!q->rules) return err_set(err, ERR_NOMEM, "out of memory");
  q->config.rules = (struct backtest_text){q->rules, strlen(q->rules)};
  return OK;
}

static enum status news_parse(const json_t *v, struct backtest_request *q, struct err *err) {
  struct news_entry *entries = NULL;
  size_t count = 0;
  enum status st = news_csv_read_bytes("/news", json_string_value(v), json_string_length(v), &entries, &count, err);
  struct news_event *events = st == OK ? calloc(count + 1, sizeof *events) : NULL;
  for (size_t i = 0; events && i < count; i++) events[i] = entries[i].event;
  if (st == OK) st = events ? news_list_create(events, count, &q->news, err) : err_set(err, ERR_NOMEM, "out of memory");
  free(events);
  free(entries);
  q->config.news = q->news;
  return st;
}

static enum status data_parse(const json_t *v, int index, struct request_data *d, struct err *err) {
  static const char *const keys[] = {"stream", "label", "format", "symbol", "timeframe", "role"}, *const roles[] = {"bars", "detail", "mark"};
  char where[40];
  int role = ROLE_BARS;
  snprintf(where, sizeof where, "/data/%d", index);
  if (!json_is_object(v)) return err_set(err, ERR_INVALID, "%s: an object", where);
  const char *key;
  json_t *item;
  json_object_foreach((json_t *)v, key, item) {
    bool ok = true;
    if (strcmp(key, "stream") == 0) ok = copy_text(item, d->stream, sizeof d->stream);
    else if (strcmp(key, "label") == 0) ok = copy_text(item, d->label, sizeof d->label);
    else if (strcmp(key, "symbol") == 0) ok = copy_text(item, d->symbol, sizeof d->symbol);
    else if (strcmp(key, "timeframe") == 0) ok = json_is_string(item) && timeframe_parse(json_string_value(item), &d->timeframe_ns);
    else if (strcmp(key, "format") == 0) ok = json_is_string(item) && ((d->csv = strcmp(json_string_value(item), "csv") == 0) || strcmp(json_string_value(item), "bars") == 0);
    else if (strcmp(key, "role") == 0) ok = word_of(item, roles, COUNT(roles), &role), d->role = (enum request_role)role;
    else return unknown_key(where, key, keys, COUNT(keys), err);
    if (!ok) return err_set(err, ERR_INVALID, "%s/%s: not valid", where, key);
  }
  return OK;
}

static enum status root_parse(json_t *root, struct backtest_request *q, struct err *err) {
  static const char *const keys[] = {"kind", "name", "params", "config", "limits", "data", "funding", "signals", "terms", "rule_set", "news", "optimize"};
  const char *key;
  json_t *v;
  json_object_foreach(root, key, v) {
    enum status st = OK;
    if (strcmp(key, "kind") == 0) {
      static const char *const kinds[] = {[REQUEST_BACKTEST] = "backtest", [REQUEST_VERDICT] = "verdict", [REQUEST_CHECK] = "check", [REQUEST_OPTIMIZE] = "optimize"};
      int kind = 0;
      if (!word_of(v, kinds, COUNT(kinds), &kind)) st = err_set(err, ERR_INVALID, "/kind: backtest, verdict, check or optimize");
      q->kind = (enum request_kind)kind;
    } else if (strcmp(key, "name") == 0) {
      if (!copy_text(v, q->name, sizeof q->name)) st = err_set(err, ERR_INVALID, "/name: a text of at most %d bytes", SPEC_TEXT_MAX - 1);
    } else if (strcmp(key, "params") == 0) {
      if (!json_is_object(v)) st = err_set(err, ERR_INVALID, "/params: an object");
      else q->params = json_incref(v);
    } else if (strcmp(key, "config") == 0) {
      if (!json_is_object(v)) st = err_set(err, ERR_INVALID, "/config: an object");
      else q->given = json_incref(v);
    } else if (strcmp(key, "optimize") == 0) {
      if (!json_is_object(v)) st = err_set(err, ERR_INVALID, "/optimize: an object");
      else q->optimize = json_incref(v);
    } else if (strcmp(key, "limits") == 0) {
      st = json_is_object(v) ? fields_parse("/limits", v, limit_fields, COUNT(limit_fields), NULL, &q->config, err) : err_set(err, ERR_INVALID, "/limits: an object");
    } else if (strcmp(key, "data") == 0) {
      if (!json_is_array(v) || json_array_size(v) > BACKTEST_FILES_MAX) st = err_set(err, ERR_INVALID, "/data: an array of at most %d", BACKTEST_FILES_MAX);
      for (size_t i = 0; st == OK && i < json_array_size(v); i++) st = data_parse(json_array_get(v, i), q->data_count = (int)i, &q->data[i], err);
      q->data_count = (int)json_array_size(v);
    } else if (strcmp(key, "funding") == 0) {
      st = text_parse(key, v, &q->funding, &q->config.funding, err);
    } else if (strcmp(key, "signals") == 0) {
      st = text_parse(key, v, &q->signals, &q->config.signals, err);
    } else if (strcmp(key, "terms") == 0) {
      st = text_parse(key, v, &q->terms, &q->config.terms, err);
    } else if (strcmp(key, "rule_set") == 0) {
      st = json_is_object(v) ? rules_parse(v, q, err) : err_set(err, ERR_INVALID, "/rule_set: an object");
    } else if (strcmp(key, "news") == 0) {
      st = json_is_string(v) ? news_parse(v, q, err) : err_set(err, ERR_INVALID, "/news: a text");
    } else {
      st = unknown_key("", key, keys, COUNT(keys), err);
    }
    if (st != OK) return st;
  }
  return OK;
}

// The customer's config, which may ask for less than the service's limits allow, never for more.
static enum status config_parse_within(struct backtest_request *q, const json_t *limits, struct err *err) {
  const uint64_t fuel = q->config.limits.fuel_instructions;
  const int open = q->config.risk.max_open;
  enum status st = request_config_parse(q->given, &q->config, err);
  if (st == OK && json_object_get(limits, "fuel") && fuel > 0 && q->config.limits.fuel_instructions > fuel) st = err_set(err, ERR_INVALID, "/config/fuel: at most %" PRIu64, fuel);
  if (st == OK && json_object_get(limits, "max_open") && q->config.risk.max_open > open) st = err_set(err, ERR_INVALID, "/config/max_open: at most %d", open);
  return st;
}

enum status request_parse(const char *json, size_t len, struct backtest_request *q, struct err *err) {
  memset(q, 0, sizeof *q);
  backtest_config_init(&q->config);
  strcpy(q->name, "strategy.lua");
  json_error_t why;
  json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &why);
  if (!json_is_object(root)) {
    json_decref(root);
    return err_set(err, ERR_INVALID, "the request is not a JSON object%s%.100s", root ? "" : ": ", root ? "" : why.text);
  }
  enum status st = root_parse(root, q, err);
  if (st == OK && !q->given && !(q->given = json_object())) st = err_set(err, ERR_NOMEM, "out of memory");
  if (st == OK) st = config_parse_within(q, json_object_get(root, "limits"), err);
  json_decref(root);
  return st;
}

void request_finish(struct backtest_request *q) {
  json_t **const trees[] = {&q->params, &q->given, &q->optimize, &q->funding, &q->signals, &q->terms};
  for (size_t i = 0; i < COUNT(trees); i++) {
    json_decref(*trees[i]);
    *trees[i] = NULL;
  }
  free(q->rules);
  news_list_destroy(q->news);
  q->rules = NULL;
  q->news = NULL;
}

enum status request_params(const struct backtest_request *q, const struct script_spec *spec, struct param_value *values, struct err *err) {
  params_default(spec, values);
  return params_set_json(spec, "/params", q->params, values, err);
}

// ---- the result's echo of what was asked

static bool echo_scaled(struct result *r, const char *key, int64_t value, int scale) {
  char text[DECIMAL_TEXT_MAX];
  decimal_format_scaled(value, scale, text);
  return result_pair_add(&r->config, key, text, RESULT_TEXT);
}

static bool echo_json(struct result *r, const char *key, const json_t *v) {
  static const char *const quiet[] = {"cash", "fee", "fee_maker", "fee_taker", "fill_model", "path", "seed", "tick", "lot"};  // stand there always
  for (size_t i = 0; i < COUNT(quiet); i++)
    if (strcmp(quiet[i], key) == 0) return true;
  if (json_is_string(v)) return result_pair_add(&r->config, key, json_string_value(v), RESULT_TEXT);
  if (json_is_boolean(v)) return result_pair_add(&r->config, key, json_is_true(v) ? "true" : "false", RESULT_BOOL);
  char text[32];
  snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
  return result_pair_add(&r->config, key, text, RESULT_NUMBER);
}

enum status request_echo(const struct backtest_request *q, const struct backtest_config *c, const struct backtest_data *d, const char *engine_version, struct result *r, struct err *err) {
  const struct instrument *inst = &d->symbols[d->stream_symbols[0]].exec->inst;
  char text[SPEC_TEXT_MAX];
  snprintf(text, sizeof text, "%" PRIu64, c->limits.seed);
  snprintf(r->script_sha256, sizeof r->script_sha256, "%s", c->spec->sha256);
  bool ok = result_text_set(&r->engine_version, engine_version) && result_text_set(&r->script_name, c->spec->name) && result_text_set(&r->script_file, c->script_path) &&
            echo_scaled(r, "cash", c->match.deposit.e8, 8) && echo_scaled(r, "fee_maker", c->fees.maker_frac_e8, 8) && echo_scaled(r, "fee_taker", c->fees.taker_frac_e8, 8) &&
            result_pair_add(&r->config, "fill_model", fill_model_text(c->match.model), RESULT_TEXT) &&
            result_pair_add(&r->config, "path", path_mode_text(c->match.path), RESULT_TEXT) && result_pair_add(&r->config, "seed", text, RESULT_NUMBER) &&
            result_pair_add(&r->config, "tick", (decimal_format(inst->tick, text), text), RESULT_TEXT) &&
            result_pair_add(&r->config, "lot", (decimal_format(inst->lot, text), text), RESULT_TEXT);
  const char *key;
  json_t *v;
  if (c->rules.bytes) {
    json_t *rules = json_loadb(c->rules.bytes, c->rules.len, 0, NULL);
    ok = ok && result_pair_add(&r->config, "rules", json_string_value(json_object_get(rules, "name")) ? json_string_value(json_object_get(rules, "name")) : "", RESULT_TEXT);
    json_decref(rules);
  }
  if (q && q->given) json_object_foreach(q->given, key, v) ok = ok && echo_json(r, key, v);
  for (int i = 0; i < c->spec->param_count && ok; i++) {
    const struct param_spec *p = &c->spec->params[i];
    enum result_value_kind kind = p->kind == PARAM_BOOL ? RESULT_BOOL : p->kind <= PARAM_MONEY ? RESULT_NUMBER : RESULT_TEXT;
    ok = result_pair_add(&r->params, p->name, params_text(p, &c->values[i], text), kind);
  }
  for (int i = 0; i < c->spec->stream_count && ok; i++) {
    const char *path = "";
    for (int k = 0; k < d->feed_count; k++)
      if (&d->feeds[k].series == d->streams[i] && d->feeds[k].path) path = d->feeds[k].path;
    ok = result_data_add(r, c->spec->streams[i].name, path, d->streams[i]);
  }
  if (ok && c->spec->callbacks & UINT32_C(1) << ON_TICK) ok = result_warning_add(r, "on_tick is not called in a backtest on bars");
  return ok ? OK : err_set(err, ERR_NOMEM, "out of memory");
}

// bot/plan.c – see plan.h.
#include "bot/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A parameter's value: the bot's, or the header's default. NULL: there is no such parameter.
static const json_t *param_value_of(const json_t *header, const json_t *params, const char *name) {
  const json_t *given = json_object_get(params, name), *p;
  size_t i;
  if (given) return given;
  json_array_foreach(json_object_get(header, "params"), i, p) {
    const char *own = json_string_value(json_object_get(p, "name"));
    if (own && strcmp(own, name) == 0) return json_object_get(p, "default");
  }
  return NULL;
}

// A text of a stream's description, which may stand for a parameter ("param:NAME"); "" when there is none.
static enum status text_of(const json_t *header, const json_t *params, const json_t *stream, const char *key, const char **ret, struct err *err) {
  const char *text = json_string_value(json_object_get(stream, key));
  *ret = text ? text : "";
  if (strncmp(*ret, "param:", 6) != 0) return OK;
  const char *value = json_string_value(param_value_of(header, params, text + 6));
  if (!value) return err_set(err, ERR_INVALID, "/params/%.60s: a %s was expected", text + 6, key[0] == 's' ? "symbol" : "timeframe");
  *ret = value;
  return OK;
}

static enum status add_stream(const json_t *header, const json_t *params, const char *name, const json_t *stream, const char *symbol, int64_t timeframe_ns,
                              struct bot_plan *plan, struct err *err) {
  if (plan->stream_count == SPEC_STREAMS_MAX) return err_set(err, ERR_INVALID, "the header has more than %d streams", SPEC_STREAMS_MAX);
  struct plan_stream *s = &plan->streams[plan->stream_count];
  const char *own_symbol, *own_timeframe;
  enum status st = text_of(header, params, stream, "symbol", &own_symbol, err);
  if (st == OK) st = text_of(header, params, stream, "tf", &own_timeframe, err);
  if (st != OK) return st;
  if (!*own_symbol) own_symbol = symbol;
  if (strlen(name) >= sizeof s->name || strlen(own_symbol) >= sizeof s->symbol)
    return err_set(err, ERR_INVALID, "stream %.60s: a name is too long", name);
  strcpy(s->name, name);
  strcpy(s->symbol, own_symbol);
  s->timeframe_ns = timeframe_ns;
  if (*own_timeframe && !timeframe_parse(own_timeframe, &s->timeframe_ns))
    return err_set(err, ERR_INVALID, "stream %.60s: \"%.20s\" is no timeframe", name, own_timeframe);
  plan->stream_count++;
  return OK;
}

static int by_name(const void *a, const void *b) { return strcmp(a, b); }

static void find_symbols(struct bot_plan *plan) {
  for (int i = 0; i < plan->stream_count; i++) {
    int k = 0;
    while (k < plan->symbol_count && strcmp(plan->symbols[k].name, plan->streams[i].symbol) != 0) k++;
    if (k == plan->symbol_count) strcpy(plan->symbols[plan->symbol_count++].name, plan->streams[i].symbol);
  }
  qsort(plan->symbols, (size_t)plan->symbol_count, sizeof plan->symbols[0], by_name);
  for (int k = 0; k < plan->symbol_count; k++) {
    plan->symbols[k].exec = -1;
    for (int i = 0; i < plan->stream_count; i++) {
      if (strcmp(plan->symbols[k].name, plan->streams[i].symbol) != 0) continue;
      plan->streams[i].symbol_ix = k;
      const int exec = plan->symbols[k].exec;
      if (exec < 0 || plan->streams[i].timeframe_ns < plan->streams[exec].timeframe_ns) plan->symbols[k].exec = i;
    }
  }
}

// Recursive averages have weight left after their length: four times as much makes it negligible.
static int history_of(const json_t *header, const json_t *params) {
  double longest = 0;
  const char *name;
  const json_t *use, *arg;
  size_t i;
  json_object_foreach((json_t *)json_object_get(header, "ind"), name, use) {
    double sum = 0;
    json_array_foreach(json_object_get(use, "args"), i, arg) {
      const json_t *value = json_is_string(arg) ? param_value_of(header, params, json_string_value(arg)) : arg;
      const double number = json_number_value(value);
      if (number > 0 && number <= PLAN_HISTORY_MAX) sum += number;
    }
    if (sum > longest) longest = sum;
  }
  const double lookback = json_number_value(json_object_get(header, "lookback")), warmup = json_number_value(json_object_get(header, "warmup"));
  const double bars = 4 * longest + (lookback > 0 ? lookback : 0) + (warmup > 0 ? warmup : 0);
  return bars < PLAN_HISTORY_MIN ? PLAN_HISTORY_MIN : bars > PLAN_HISTORY_MAX ? PLAN_HISTORY_MAX : (int)bars;
}

enum status plan_make(const json_t *header, const json_t *params, const char *symbol, int64_t timeframe_ns, struct bot_plan *ret, struct err *err) {
  memset(ret, 0, sizeof *ret);
  const char *name;
  const json_t *stream, *data = json_object_get(header, "data");
  if (!json_object_get(data, "main")) return err_set(err, ERR_INVALID, "the script's header has no main stream: upload it again");
  json_object_foreach((json_t *)data, name, stream) {
    const enum status st = add_stream(header, params, name, stream, symbol, timeframe_ns, ret, err);
    if (st != OK) return st;
  }
  if (strcmp(ret->streams[0].name, "main") != 0) return err_set(err, ERR_INVALID, "the script's header does not begin with its main stream");
  const char *mode = json_string_value(json_object_get(header, "mode"));
  ret->hedging = mode && strcmp(mode, "hedging") == 0;
  ret->history_bars = history_of(header, params);
  find_symbols(ret);
  return OK;
}

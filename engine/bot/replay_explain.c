// bot/replay_explain.c – the notes of one instant: what the script saw, what it had in its variables, what it asked.
#include "bot/replay_impl.h"

#include "base/buf.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static json_t *number(double v) { return isfinite(v) ? json_real(v) : json_null(); }

static json_t *price_json(const struct instrument *inst, price px) {
  char text[DECIMAL_TEXT_MAX];
  return price_given(px) ? json_string(price_text(inst, px, text)) : json_null();
}

static json_t *quantity_json(const struct instrument *inst, int64_t lots) {
  char text[DECIMAL_TEXT_MAX];
  return json_string(quantity_text(inst, (quantity){lots}, text));
}

// A text of the script's, which may hold any bytes.
static json_t *words_json(const char *text) {
  char plain[256];
  json_t *j = json_string(text);
  if (j) return j;
  snprintf(plain, sizeof plain, "%s", text);
  for (char *p = plain; *p; p++)
    if (*p & 0x80) *p = '?';
  return json_string(plain);
}

static json_t *state_json(struct replay *r) {
  struct buf b;
  struct err err;
  buf_init(&b, SCRIPT_STATE_MAX + 4096);
  json_t *j = NULL;
  if (script_state_save(bot_script(pilot_bot(r->pilot)), &b, &err) == OK) j = json_loadb(b.data, b.len, JSON_DECODE_ANY, NULL);
  buf_finish(&b);
  if (!json_is_array(j)) return j ? j : json_null();
  // A table that is a list, or empty: an object all the same, so that who reads it knows what to expect.
  json_t *named = json_object();
  char name[24];
  for (size_t i = 0; i < json_array_size(j); i++) {
    snprintf(name, sizeof name, "%zu", i + 1);
    json_object_set(named, name, json_array_get(j, i));
  }
  json_decref(j);
  return named;
}

// ---- the trace: per line only what has changed

static void on_enter(void *self, const char *callback) {
  struct notes *n = &((struct replay *)self)->notes;
  snprintf(n->callback, sizeof n->callback, "%s", callback);
  n->callback_at = json_array_size(n->trace);
  json_object_clear(n->seen);  // its variables are others, though their names may be the same
}

static void on_line(void *self, int line, const char *function) {
  struct notes *n = &((struct replay *)self)->notes;
  n->line = NULL;
  if (n->traced++ >= TRACE_MAX) return;
  n->line = json_pack("{s:i,s:s,s:{}}", "line", line, "function", function, "locals");
  if (json_array_size(n->trace) == n->callback_at && n->callback[0]) json_object_set_new(n->line, "callback", json_string(n->callback));
  json_array_append_new(n->trace, n->line);
}

static void on_local(void *self, const char *name, const char *value) {
  struct notes *n = &((struct replay *)self)->notes;
  const char *before = json_string_value(json_object_get(n->seen, name));
  if (!n->line || n->traced >= TRACE_MAX || (before && strcmp(before, value) == 0)) return;
  json_t *text = json_string(value);
  if (!text) return;  // a text that is not UTF-8
  n->traced++;
  json_object_set(n->seen, name, text);
  json_object_set_new(json_object_get(n->line, "locals"), name, text);
}

// ---- before

void notes_begin(struct replay *r) {
  struct notes *n = &r->notes;
  json_decref(n->root);
  *n = (struct notes){.root = json_object(), .seen = json_object(), .tracer = {.self = r, .enter = on_enter, .line = on_line, .local = on_local}};
  json_object_set_new(n->root, "time_ms", json_integer(r->now_ns / NS_PER_MS));
  json_object_set_new(n->root, "state_before", state_json(r));
  json_object_set_new(n->root, "commands", json_array());
  json_object_set_new(n->root, "denied", json_array());
  json_object_set_new(n->root, "trace", n->trace = json_array());
  if (r->config->pilot.bot.limits.fuel_instructions == 0) script_trace(bot_script(pilot_bot(r->pilot)), &n->tracer);
}

static json_t *intent_json(const struct replay *r, const struct bot_command *c) {
  const struct instrument *inst = &matcher_symbol_config(pilot_matcher(r->pilot), c->intent.symbol)->inst;
  const struct intent *in = &c->intent;
  return json_pack("{s:I,s:s,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:b,s:b,s:o}", "order", (json_int_t)c->id, "symbol", inst->symbol, "side", side_text(in->side), "type", order_type_text(in->type),
                   "qty", quantity_json(inst, c->qty.lots), "limit", price_json(inst, in->limit), "trigger", price_json(inst, in->trigger), "sl", price_json(inst, in->sl),
                   "tp", price_json(inst, in->tp), "reduce", in->reduce, "close", in->size_kind == SIZE_CLOSE, "tag", words_json(bot_tag_text(pilot_bot(r->pilot), in->tag)));
}

void notes_denied(struct replay *r, enum reason code, double limit, double value, const char *msg) {
  json_array_append_new(json_object_get(r->notes.root, "denied"), json_pack("{s:s,s:o,s:o,s:o}", "code", reason_code(code), "limit", number(limit), "value", number(value), "text", words_json(msg)));
}

void notes_command(struct replay *r, const struct bot_command *c) {
  char text[256];
  if (c->kind == COMMAND_MARK || c->kind == COMMAND_RESERVE) return;
  replay_command_text(c, pilot_matcher(r->pilot), text);
  if (c->kind == COMMAND_SUBMIT && c->id == r->config->explain_order) {  // orders take effect when their callback returns
    struct notes *n = &r->notes;
    n->from = n->callback_at;
    n->to = json_array_size(n->trace);
    json_object_set_new(n->root, "callback", json_string(n->callback));
    json_object_set_new(n->root, "intent", intent_json(r, c));
  }
  json_array_append_new(json_object_get(r->notes.root, "commands"), json_string(text));
}

// ---- after

static json_t *bars_json(const struct replay *r, const struct instant *in) {
  json_t *list = json_array();
  for (int i = 0; i < in->bar_count; i++) {
    const struct series *s = r->config->pilot.bot.series[in->bars[i].stream];
    const struct bar *b = &s->bars[in->bars[i].ix];
    json_array_append_new(list, json_pack("{s:s,s:s,s:I,s:o,s:o,s:o,s:o,s:o}", "stream", r->config->pilot.bot.spec->streams[in->bars[i].stream].name, "symbol", s->inst.symbol, "open_ms",
                                          (json_int_t)(b->open_ns / NS_PER_MS), "open", price_json(&s->inst, b->open), "high", price_json(&s->inst, b->high), "low",
                                          price_json(&s->inst, b->low), "close", price_json(&s->inst, b->close), "volume", b->volume < 0 ? json_null() : number(volume_double(s, b->volume))));
  }
  return list;
}

static json_t *indicators_json(const struct replay *r, size_t back) {
  const struct script *s = bot_script(pilot_bot(r->pilot));
  const struct script_spec *spec = r->made_of->bot.spec;
  json_t *all = json_object();
  for (int i = 0; i < spec->indicator_count; i++) {
    const struct indicator_use *u = &spec->indicators[i];
    json_t *outputs = json_object();
    for (int k = 0; k < u->desc->n_outputs; k++) json_object_set_new(outputs, u->desc->outputs[k] ? u->desc->outputs[k] : "value", number(script_indicator_at(s, i, k, back)));
    json_object_set_new(all, u->name, outputs);
  }
  return all;
}

static json_t *params_json(const struct replay *r) {
  const struct script_spec *spec = r->made_of->bot.spec;
  const struct param_value *values = script_values(bot_script(pilot_bot(r->pilot)));
  json_t *all = json_object();
  for (int i = 0; i < spec->param_count; i++) {
    enum param_kind kind = spec->params[i].kind;
    bool text = kind == PARAM_ENUM || kind == PARAM_TEXT || kind == PARAM_TF || kind == PARAM_SYMBOL || kind == PARAM_TIME;
    json_object_set_new(all, spec->params[i].name, text ? json_string(values[i].text) : kind == PARAM_BOOL ? json_boolean(values[i].num != 0) : number(values[i].num));
  }
  return all;
}

static json_t *orders_json(const struct matcher *m) {
  json_t *list = json_array();
  for (int s = 0; s < matcher_account(m)->symbol_count; s++) {
    const struct instrument *inst = &matcher_symbol_config(m, s)->inst;
    size_t pos = 0;
    for (const struct order *o; (o = matcher_working(m, s, &pos));)
      json_array_append_new(list, json_pack("{s:I,s:s,s:s,s:s,s:s,s:o,s:o,s:o,s:o}", "id", (json_int_t)o->id, "symbol", inst->symbol, "side", side_text(o->side),
                                            "type", order_type_text(o->type), "status", order_status_text(o->status), "qty", quantity_json(inst, o->qty.lots),
                                            "filled", quantity_json(inst, o->filled.lots), "limit", price_json(inst, o->limit), "trigger", price_json(inst, o->trigger)));
  }
  return list;
}

static json_t *positions_json(const struct account *a) {
  static const char *const legs[LEG_COUNT] = {[LEG_NET] = "net", [LEG_LONG] = "long", [LEG_SHORT] = "short"};
  json_t *list = json_array();
  for (int s = 0; s < a->symbol_count; s++)
    for (int leg = 0; leg < LEG_COUNT; leg++) {
      const struct instrument *inst = &a->symbols[s].inst;
      int64_t lots = a->symbols[s].pos[leg].lots;
      if (lots == 0) continue;
      json_array_append_new(list, json_pack("{s:s,s:s,s:o,s:o}", "symbol", inst->symbol, "leg", legs[leg], "qty", quantity_json(inst, lots), "avg",
                                            price_json(inst, account_avg(a, s, (enum leg)leg, ROUND_NEAREST))));
    }
  return list;
}

static json_t *account_json(const struct matcher *m) {
  char equity[DECIMAL_TEXT_MAX], balance[DECIMAL_TEXT_MAX];
  return json_pack("{s:s,s:s}", "equity", cash_text(matcher_equity(m), equity), "balance", cash_text(account_balance(matcher_account(m)), balance));
}

void notes_end(struct replay *r, const struct instant *in) {
  struct notes *n = &r->notes;
  const struct matcher *m = pilot_matcher(r->pilot);
  if (r->config->pilot.bot.limits.fuel_instructions == 0) script_trace(bot_script(pilot_bot(r->pilot)), NULL);
  json_object_set_new(n->root, "bars", bars_json(r, in));
  json_object_set_new(n->root, "indicators", indicators_json(r, 0));
  json_object_set_new(n->root, "indicators_before", indicators_json(r, 1));
  json_object_set_new(n->root, "params", params_json(r));
  json_object_set_new(n->root, "state_after", state_json(r));
  json_object_set_new(n->root, "orders", orders_json(m));
  json_object_set_new(n->root, "positions", positions_json(matcher_account(m)));
  json_object_set_new(n->root, "account", account_json(m));
  if (n->traced >= TRACE_MAX) json_object_set_new(n->root, "cut", json_true());  // the trace is longer
  if (json_object_get(n->root, "intent")) {  // of the callback that asked for it
    while (json_array_size(n->trace) > n->to) json_array_remove(n->trace, json_array_size(n->trace) - 1);
    for (size_t i = 0; i < n->from; i++) json_array_remove(n->trace, 0);
  }
  json_decref(n->seen);
  n->seen = NULL;
}

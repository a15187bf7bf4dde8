// api/bots_decisions.c – GET /bots/{id}/decisions: the journal's records of a bot, as people read them: what its script asked, what the core
// imposed and refused with its numbers, starts and stops of the script, parameters, versions, kill switches.
#include "api/bots_page.h"
#include "api/handlers.h"
#include "bot/record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void keep_order(void *arg, const struct journal_order *o) { *(struct journal_order *)arg = *o; }

// The order as it is now; false: it is older than what is kept.
static bool order_of(struct bots_page *p, uint32_t run, uint64_t order, struct journal_order *ret) {
  if (order == 0 || order > RECORD_ORDER_MAX || run == 0 || run > RECORD_RUN_MAX) return false;
  return journal_order_get(bots_journal(p->l.call), p->l.call->who.tenant_id, p->bot_id, record_intent(run, order), keep_order, ret, &p->l.call->err) == OK;
}

static void put_given(struct json_out *o, const char *key, const struct instrument *inst, price px) {
  if (price_given(px)) bots_put_price(o, key, inst, px);
}

static void put_submit(struct json_out *o, const struct bot_command *c, const struct instrument *inst, const char *tag) {
  const struct intent *in = &c->intent;
  jo_text(o, "side", side_text(in->side));
  jo_text(o, "type", order_type_text(in->type));
  jo_int(o, "lots", c->qty.lots);
  if (in->tif != TIF_GTC) jo_text(o, "tif", order_tif_text(in->tif));
  if (in->reduce || in->size_kind == SIZE_CLOSE) jo_bool(o, "reduce", true);
  if (in->size_kind == SIZE_CLOSE) jo_bool(o, "close", true);
  if (in->oco) jo_int(o, "oco", (int64_t)in->oco);
  if (in->trail_frac_e8) jo_real(o, "trail_pct", (double)in->trail_frac_e8 / 1e6);
  if (!inst) return;
  jo_text(o, "symbol", inst->symbol);
  bots_put_quantity(o, "qty", inst, c->qty);
  put_given(o, "limit", inst, in->limit);
  put_given(o, "trigger", inst, in->trigger);
  put_given(o, "sl", inst, in->sl);
  put_given(o, "tp", inst, in->tp);
  if (in->trail_ticks) bots_put_price(o, "trail", inst, (price){in->trail_ticks});
  if (tag[0]) jo_text(o, "tag", tag);
}

static void put_modify(struct json_out *o, const struct order_change *ch, const struct instrument *inst) {
  if (!inst) return;
  jo_text(o, "symbol", inst->symbol);
  if (ch->qty.lots) bots_put_quantity(o, "qty", inst, ch->qty);
  put_given(o, "limit", inst, ch->limit);
  put_given(o, "trigger", inst, ch->trigger);
  if (ch->sl_none) jo_null(o, "sl");
  else put_given(o, "sl", inst, ch->sl);
  if (ch->tp_none) jo_null(o, "tp");
  else put_given(o, "tp", inst, ch->tp);
}

static void put_command(struct json_out *o, struct bots_page *p, uint32_t run, const struct bot_command *c) {
  struct journal_order row;
  const bool known = order_of(p, run, c->id, &row);
  const struct instrument *inst = known ? bots_page_instrument(p, row.series) : NULL;
  jo_open(o, NULL, '{');
  jo_text(o, "kind", command_kind_text(c->kind));
  jo_int(o, "order", (int64_t)c->id);
  if (c->kind == COMMAND_SUBMIT) put_submit(o, c, inst, known ? row.tag : "");
  if (c->kind == COMMAND_MODIFY) put_modify(o, &c->change, inst);
  if (c->kind == COMMAND_CANCEL) jo_text(o, "reason", reason_code(c->why));
  if (c->kind == COMMAND_EXECUTE) put_given(o, "limit", inst, c->change.limit);
  if (c->kind == COMMAND_FUNDING) {
    jo_ms(o, "due_ms", c->funding.ts_ns);
    char rate[DECIMAL_TEXT_MAX];
    decimal_format_scaled(c->funding.rate_e12, 12, rate);
    jo_text(o, "rate", rate);
  }
  jo_close(o);
}

static void put_text(struct json_out *o, const char *key, struct record_text t) {
  char text[RECORD_TEXT_MAX + 1];
  const size_t len = t.len < sizeof text ? t.len : sizeof text - 1;
  if (!len) return;
  memcpy(text, t.text, len);
  text[len] = '\0';
  jo_text(o, key, text);
}

// A number of a refusal, exact in its unit.
static void put_measure(struct json_out *o, const char *key, enum refusal_unit unit, int64_t v, const struct instrument *inst) {
  char text[DECIMAL_TEXT_MAX];
  switch (unit) {
    case UNIT_NONE: return;
    case UNIT_LOTS: if (inst) bots_put_quantity(o, key, inst, (quantity){v}); return;
    case UNIT_TICKS: if (inst) bots_put_price(o, key, inst, (price){v}); return;
    case UNIT_COUNT: decimal_format_scaled(v, 0, text); break;
    case UNIT_NS: decimal_format_scaled(v, 9, text); break;
    default: decimal_format_scaled(v, 8, text);
  }
  jo_text(o, key, text);
}

static void put_number(struct json_out *o, const char *key, double v) {
  char text[40];
  if (!isfinite(v)) return;
  snprintf(text, sizeof text, "%.12g", v);
  jo_text(o, key, text);
}

static void put_denial(struct json_out *o, struct bots_page *p, uint32_t run, const struct record *r) {
  struct journal_order row;
  char text[REFUSAL_TEXT_SIZE];
  const struct refusal *why = &r->refusal;
  put_text(o, "code", r->code);
  if (r->order == 0) {  // by the checks beside the script: it never was an order
    put_text(o, "text", r->why);
    jo_text(o, "by", "checks");
    put_number(o, "limit", r->bound);
    put_number(o, "value", r->amount);
    return;
  }
  const struct instrument *inst = order_of(p, run, r->order, &row) ? bots_page_instrument(p, row.series) : NULL;
  jo_int(o, "order", (int64_t)r->order);
  if (r->why.len) put_text(o, "text", r->why);
  else jo_text(o, "text", refusal_text(why, inst, text));
  jo_text(o, "by", "core");
  jo_text(o, "rule", refusal_name(why->rule));
  jo_text(o, "level", refusal_level_text(why->level));
  put_measure(o, "limit", refusal_unit(why->rule), why->limit, inst);
  put_measure(o, "value", refusal_unit(why->rule), why->value, inst);
  if (why->until_ns) jo_ms(o, "until_ms", why->until_ns);
}

// JSON as in the bot's row; it came from there.
static void put_json(struct json_out *o, const char *key, struct record_text json) {
  char *text = json.len ? strndup(json.text, json.len) : NULL;
  if (text) jo_raw(o, key, text);
  free(text);
}

static void put_record(struct json_out *o, struct bots_page *p, uint32_t run, const struct record *r) {
  struct bot_command c;
  switch (r->kind) {
    case RECORD_COMMANDS:
    case RECORD_IMPOSED:
      jo_open(o, "commands", '[');
      for (size_t at = 0; record_command_next(r, &at, &c);)
        if (c.kind != COMMAND_RESERVE && c.kind != COMMAND_MARK) put_command(o, p, run, &c);
      jo_close(o);
      break;
    case RECORD_DENY: put_denial(o, p, run, r); break;
    case RECORD_RUN:
      jo_int(o, "version", r->version);
      put_json(o, "params", r->params);
      break;
    case RECORD_VERSION:
      jo_int(o, "version", r->version);
      if (r->version_before) jo_int(o, "version_before", r->version_before);
      put_text(o, "code", r->code);
      put_text(o, "text", r->why);
      put_json(o, "params", r->params);
      break;
    case RECORD_RESUME:
      jo_int(o, "resume", r->resumes);
      jo_ms(o, "live_from_ms", r->live_from_ns);
      break;
    case RECORD_PARAMS: put_json(o, "params", r->params); break;
    case RECORD_STOP:
      jo_text(o, "code", record_stop_text(r->stop));
      put_text(o, "reason", r->code);
      put_text(o, "text", r->why);
      break;
    case RECORD_QUARANTINE:
      put_text(o, "code", r->code);
      put_text(o, "text", r->why);
      jo_int(o, "strikes", r->strikes);
      if (r->line) jo_int(o, "line", r->line);
      if (r->until_ns) jo_ms(o, "until_ms", r->until_ns);
      break;
    case RECORD_HALT:
      jo_text(o, "code", halt_mode_text((enum halt_mode)r->halt.mode));
      jo_text(o, "level", refusal_level_text((enum refusal_level)r->halt.level));
      jo_text(o, "by", halt_cause_text((enum halt_cause)r->halt.cause));
      break;
    case RECORD_SIGNAL:
      put_text(o, "signal_id", r->signal_id);
      put_text(o, "source", r->source);
      put_text(o, "symbol", r->symbol);
      put_text(o, "action", r->action);
      break;
    case RECORD_RISK:
      put_text(o, "code", r->code);
      put_text(o, "text", r->why);
      jo_text(o, "by", "core");
      put_number(o, "limit", r->bound);
      put_number(o, "value", r->amount);
      if (r->until_ns) jo_ms(o, "until_ms", r->until_ns);
      break;
    case RECORD_LIMITS: put_json(o, "settings", r->settings); break;
    case RECORD_WORDS: put_text(o, "text", r->why); break;
    case RECORD_STATE:
    case RECORD_TICK:
    case RECORD_SKIP:
    case RECORD_CLOCK: break;
  }
}

void bots_put_decision(struct json_out *o, struct bots_page *p, const struct journal_record *j) {
  struct record r;
  jo_int(o, "id", j->id);
  jo_int(o, "run", j->run);
  jo_ms(o, "time_ms", j->time_ns);
  const char *kind = record_kind_text(j->kind);
  jo_text(o, "kind", kind ? kind : "unknown");
  // One that a newer program wrote is shown by its kind alone.
  if (record_read(j->kind, j->time_ns, j->body, j->len, &r, &p->l.call->err) == OK) put_record(o, p, j->run, &r);
}

static bool add_decision(void *arg, const struct journal_record *j) {
  struct bots_page *p = arg;
  struct json_out *o = api_list_item(&p->l, j->id);
  if (!o) return false;
  bots_put_decision(o, p, j);
  jo_close(o);
  return true;
}

enum status api_bot_decisions(struct api_call *call) {
  struct bots_page p;
  enum status st;
  int kind = 0;
  const int64_t from_ns = api_query_int(call, "from_ms", 0) * NS_PER_MS, to_ms = api_query_int(call, "to_ms", 0);
  const char *wanted = api_query_text(call, "kind");
  if (wanted && !record_kind_parse(wanted, &kind)) return api_invalid_at(call, "/kind", "is none of the kinds of decisions");
  if (!bots_page_begin(call, &p, &st)) return st;
  return bots_page_end(&p, journal_decisions(bots_journal(call), call->who.tenant_id, p.bot_id, from_ns, to_ms ? to_ms * NS_PER_MS : INT64_MAX, kind, p.l.at, p.l.limit + 1,
                                             add_decision, &p, &call->err));
}

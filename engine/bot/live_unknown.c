// bot/live_unknown.c – what people are shown of accounts at venues elsewhere, and what they decide where a venue cannot tell.
#include "bot/live_venue.h"

#include "base/decimal.h"

#include <inttypes.h>
#include <string.h>

static json_t *ms(int64_t ns) { return ns > 0 ? json_integer(ns / NS_PER_MS) : json_null(); }

json_t *live_venue_json(const struct live *l, int64_t account_id) {
  const struct live_venue *v = live_venue_of(l, account_id);
  if (!v) return NULL;
  json_t *strangers = json_array();
  for (int i = 0; i < v->strange_count; i++) {
    const struct live_strange *s = &v->strange[i];
    json_array_append_new(strangers, json_pack("{s:s, s:s, s:s, s:s, s:o}", "kind", s->kind, "symbol", s->symbol, "name", s->name, "text", s->text, "seen_at_ms", ms(s->seen_ns)));
  }
  const char *why = "";
  const enum venue_state state = v->venue.ops->state(v->venue.self, &why);
  return json_pack("{s:s, s:s, s:o, s:I, s:s, s:o}", "state", venue_state_text(state), "why", why ? why : "", "compared_at_ms", ms(v->compared_ns), "bots", (json_int_t)v->bot_count,
                   "differs", v->why, "strangers", strangers);
}

json_t *live_venues_json(const struct live *l) {
  json_t *all = json_array();
  for (const struct live_venue *v = l->venues; v && all; v = v->next) {
    const char *why = "";
    const enum venue_state state = v->venue.ops->state(v->venue.self, &why);
    json_array_append_new(all, json_pack("{s:I, s:I, s:s, s:s, s:o, s:I, s:s, s:i}", "account_id", (json_int_t)v->account_id, "tenant_id", (json_int_t)v->tenant_id, "state",
                                         venue_state_text(state), "why", why ? why : "", "compared_at_ms", ms(v->compared_ns), "bots", (json_int_t)v->bot_count, "differs", v->why,
                                         "strangers", v->strange_count));
  }
  return all;
}

static json_t *lots_json(const struct instrument *inst, int64_t lots) {
  char text[DECIMAL_TEXT_MAX];
  return json_string(quantity_text(inst, (quantity){lots}, text));
}

static json_t *order_json(const struct live_bot *b, const struct clerk_route_view *view) {
  const struct route_order *o = view->route;
  const struct instrument *inst = &matcher_symbol_config(clerk_matcher(b->clerk), o->symbol)->inst;
  return json_pack("{s:I, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:o, s:o, s:s, s:o, s:i}", "bot_id", (json_int_t)b->id, "tenant_id", (json_int_t)b->tenant_id, "account_id",
                   (json_int_t)b->account->id, "order", (json_int_t)view->order, "client_id", o->client_id, "venue_order_id", view->venue_id, "symbol", inst->symbol, "side",
                   side_text(o->side), "qty", lots_json(inst, o->qty.lots), "filled", lots_json(inst, o->filled.lots), "state", route_state_text(o->state), "since_ms", ms(o->probe.since_ns),
                   "asked_rounds", o->probe.negatives);
}

json_t *live_unknown_json(const struct live *l) {
  json_t *all = json_array();
  for (const struct live_venue *v = l->venues; v && all; v = v->next)
    for (size_t i = 0; i < v->bot_count; i++) {
      const struct live_bot *b = live_venue_bot(v, v->bots[i]);
      struct clerk_route_view view;
      size_t pos = 0;
      while (b && clerk_remote_unknown(b->clerk, &pos, &view)) json_array_append_new(all, order_json(b, &view));
    }
  return all;
}

enum status live_unknown_decide(struct live *l, int64_t bot_id, uint64_t order, enum live_decision d, struct err *err) {
  struct live_bot *b = live_find(l, bot_id);
  if (!b || !b->clerk || !clerk_is_remote(b->clerk)) return err_set(err, ERR_NOTFOUND, "the bot has no orders at a venue now");
  if (!live_venue_can_hear(b)) return err_set(err, ERR_EXISTS, "the bot is in the middle of something: decide once more");
  if (d == LIVE_DECISION_ASK ? !clerk_remote_ask_again(b->clerk, order) : !clerk_remote_decide_dead(b->clerk, order))
    return err_set(err, ERR_NOTFOUND, "order %" PRIu64 " is not unknown", order);
  live_venue_flush(b);
  return OK;
}

// bot/replay_text.c – commands: whether two are alike, and how people read them. See replay.h.
#include "bot/replay.h"

#include <stdarg.h>
#include <stdio.h>

#define SAME(field) (a->field == b->field)
#define SAME_TICKS(field) (a->field.ticks == b->field.ticks)

static bool intent_same(const struct intent *a, const struct intent *b) {
  return SAME(symbol) && SAME(side) && SAME(type) && SAME(leg) && SAME(tif) && SAME(expires_ns) && SAME(post) && SAME(reduce) && SAME(size_kind) &&
         SAME(size) && SAME_TICKS(limit) && SAME_TICKS(trigger) && SAME(trail_ticks) && SAME(trail_frac_e8) && SAME_TICKS(sl) && SAME_TICKS(tp) &&
         SAME(tp_r_e6) && SAME(oco) && SAME(closes) && SAME(tag);
}

static bool change_same(const struct order_change *a, const struct order_change *b) {
  return SAME_TICKS(limit) && SAME_TICKS(trigger) && SAME_TICKS(sl) && SAME_TICKS(tp) && SAME(sl_none) && SAME(tp_none) && SAME(qty.lots) &&
         SAME(trail_ticks) && SAME(trail_frac_e8);
}

bool replay_command_same(const struct bot_command *a, const struct bot_command *b) {
  if (!SAME(kind) || !SAME(time_ns) || !SAME(id)) return false;
  switch (a->kind) {
    case COMMAND_SUBMIT: return SAME(qty.lots) && intent_same(&a->intent, &b->intent);
    case COMMAND_CANCEL: return SAME(why);
    case COMMAND_MODIFY: return change_same(&a->change, &b->change);
    case COMMAND_VENUE: return SAME(why) && SAME(venue.status);
    case COMMAND_CASH: return SAME(intent.symbol) && SAME(venue.fee.e8) && SAME(venue.key_hi) && SAME(venue.key_lo);
    case COMMAND_FILL: return SAME(qty.lots) && a->change.limit.ticks == b->change.limit.ticks && SAME(venue.fee.e8) && SAME(venue.key_hi) && SAME(venue.key_lo);
    default: return true;
  }
}

struct words { char *buf; size_t len; };

static void say(struct words *w, const char *fmt, ...) PRINTF(2, 3);
static void say(struct words *w, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(w->buf + w->len, 256 - w->len, fmt, ap);
  va_end(ap);
  w->len = n > 0 && w->len + (size_t)n < 256 ? w->len + (size_t)n : 255;
}

static void say_price(struct words *w, const char *what, const struct instrument *inst, price px) {
  char text[DECIMAL_TEXT_MAX];
  if (price_given(px)) say(w, " %s %s", what, price_text(inst, px, text));
}

static void say_submit(struct words *w, const struct bot_command *c, const struct instrument *inst) {
  const struct intent *in = &c->intent;
  char text[DECIMAL_TEXT_MAX];
  say(w, ": %s %s %s %s", side_text(in->side), quantity_text(inst, c->qty, text), inst->symbol, order_type_text(in->type));
  say_price(w, "at", inst, in->limit);
  say_price(w, "trigger", inst, in->trigger);
  say_price(w, "sl", inst, in->sl);
  say_price(w, "tp", inst, in->tp);
  if (in->trail_ticks) say(w, " trailing %lld ticks", (long long)in->trail_ticks);
  if (in->reduce || in->size_kind == SIZE_CLOSE) say(w, " reduce-only");
  if (in->tif != TIF_GTC) say(w, " %s", order_tif_text(in->tif));
}

static void say_change(struct words *w, const struct order_change *ch, const struct instrument *inst) {
  char text[DECIMAL_TEXT_MAX];
  if (ch->qty.lots) say(w, " qty %s", quantity_text(inst, ch->qty, text));
  say_price(w, "limit", inst, ch->limit);
  say_price(w, "trigger", inst, ch->trigger);
  say_price(w, "sl", inst, ch->sl);
  say_price(w, "tp", inst, ch->tp);
  say(w, "%s%s", ch->sl_none ? " no sl" : "", ch->tp_none ? " no tp" : "");
}

void replay_command_text(const struct bot_command *c, const struct matcher *m, char ret[256]) {
  struct words w = {ret, 0};
  say(&w, "%s %llu", command_kind_text(c->kind), (unsigned long long)c->id);
  if (c->kind == COMMAND_SUBMIT && c->intent.symbol >= 0 && c->intent.symbol < matcher_account(m)->symbol_count)
    say_submit(&w, c, &matcher_symbol_config(m, c->intent.symbol)->inst);
  if (c->kind == COMMAND_CANCEL) say(&w, ": %s", reason_code(c->why));
  if (c->kind == COMMAND_EXECUTE && matcher_order(m, c->id)) say_price(&w, "at", &matcher_symbol_config(m, matcher_order(m, c->id)->symbol)->inst, c->change.limit);
  if (c->kind == COMMAND_FUNDING) say(&w, ": rate %lld e-12", (long long)c->funding.rate_e12);
  const struct order *o = c->kind == COMMAND_MODIFY ? matcher_order(m, c->id) : NULL;
  if (o) say_change(&w, &c->change, &matcher_symbol_config(m, o->symbol)->inst);
}

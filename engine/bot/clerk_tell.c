// bot/clerk_tell.c – what happened, as rows and streams want it: counts and decimals side by side.
#include "bot/clerk_impl.h"

static const struct decimal none = {0, -1};

static struct decimal scaled(int64_t count, struct decimal step) {
  int64_t digits;
  // Prices of 2^63 ticks do not occur; a number that does not fit is shown as the largest that does.
  if (__builtin_mul_overflow(count, step.digits, &digits)) digits = count < 0 ? INT64_MIN : INT64_MAX;
  return (struct decimal){digits, step.scale};
}

static struct decimal price_of(const struct instrument *inst, price px) { return price_given(px) ? scaled(px.ticks, inst->tick) : none; }
static struct decimal lots_of(const struct instrument *inst, int64_t lots) { return scaled(lots, inst->lot); }

static struct decimal average(const struct instrument *inst, const struct order *o) {
  int128 num;
  int64_t den;
  return order_avg(o, &num, &den) ? scaled((int64_t)div_round(num, den), inst->tick) : none;
}

void clerk_tell_order(struct clerk *c, int64_t time_ns, const struct order *o, enum order_status from, enum order_status to, enum reason why) {
  if (!c->observer.order || (c->restoring && !c->retelling)) return;
  const struct instrument *inst = clerk_symbol_of(c, o->symbol, o->leg)->gate.inst;
  const struct clerk_symbol *s = clerk_symbol_of(c, o->symbol, o->leg);
  char client_id[CLIENT_ID_SIZE] = "";
  if (!o->parent && o->tag != TAG_LIQUIDATION) clerk_client_id(c, o->id, client_id);
  c->observer.order(c->observer.self, &(struct clerk_order_event){
      .time_ns = time_ns, .order = o, .inst = inst, .from = from, .to = to, .reason = why, .client_id = client_id,
      .qty = lots_of(inst, o->qty.lots), .filled = lots_of(inst, o->filled.lots), .limit = price_of(inst, o->limit),
      .trigger = price_of(inst, o->trigger), .sl = price_of(inst, o->sl), .tp = price_of(inst, o->tp), .avg = average(inst, o),
      .by_engine = o->id == s->closing});
}

void clerk_tell_fill(struct clerk *c, const struct fill *f) {
  if (!c->observer.fill || (c->restoring && !c->retelling)) return;
  const struct clerk_symbol *s = clerk_symbol_of(c, f->symbol, f->leg);
  const struct instrument *inst = s->gate.inst;
  const struct account *a = matcher_account(c->blotter.matcher);
  c->observer.fill(c->observer.self, &(struct clerk_fill_event){
      .fill = f, .inst = inst, .px = price_of(inst, f->px), .qty = lots_of(inst, f->qty.lots), .fee = {f->fee.e8, 8},
      .lots_after = s->gate.lots, .position = lots_of(inst, s->gate.lots),
      .position_avg = price_of(inst, account_avg(a, f->symbol, f->leg, ROUND_NEAREST)), .realised = {a->symbols[f->symbol].realised_e8}});
}

void clerk_tell_mark(struct clerk *c, int64_t time_ns) {
  if (!c->observer.equity || (c->restoring && !c->retelling)) return;
  const struct account *a = matcher_account(c->blotter.matcher);
  c->observer.equity(c->observer.self, &(struct clerk_equity_event){
      .time_ns = time_ns, .equity = account_equity(a), .balance = account_balance(a), .margin = account_margin(a)});
}

void clerk_tell_denied(struct clerk *c, uint64_t id, const struct refusal *why, const struct instrument *inst) {
  if (!c->observer.denied) return;
  char text[REFUSAL_TEXT_SIZE];
  c->observer.denied(c->observer.self, &(struct clerk_denial){.time_ns = c->now_ns, .order = id, .code = refusal_reason(why->rule), .why = why,
                                                             .inst = inst, .text = refusal_text(why, inst, text)});
}

void clerk_tell_intervened(struct clerk *c, enum reason why, const char *text) {
  if (c->observer.intervened) c->observer.intervened(c->observer.self, why, text ? text : reason_text(why));
}

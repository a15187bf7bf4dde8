// bot/blotter.c – see blotter.h. A pilot (pilot.c) is a blotter whose events are read by a script.
#include "bot/blotter_impl.h"

#include "base/pack.h"
#include "risk/risk.h"

#include <assert.h>
#include <stdlib.h>

enum status blotter_init(struct blotter *b, const struct blotter_config *config, struct err *err) {
  *b = (struct blotter){.observer = config->observer};
  event_hash_init(&b->hash);
  enum status st = matcher_create(&config->match, &b->matcher, err);
  for (int i = 0; st == OK && i < config->symbol_count; i++) {
    int symbol;
    st = matcher_symbol_add(b->matcher, &config->symbols[i], &symbol, err);
    assert(st != OK || symbol == i);
  }
  return st;
}

void blotter_finish(struct blotter *b) {
  matcher_destroy(b->matcher);
  free(b->due);
}

enum status blotter_create(const struct blotter_config *config, struct blotter **ret, struct err *err) {
  struct blotter *b = malloc(sizeof *b);
  if (!b) return err_set(err, ERR_NOMEM, "no memory for a blotter");
  enum status st = blotter_init(b, config, err);
  if (st != OK) {
    blotter_destroy(b);
    return st;
  }
  *ret = b;
  return OK;
}

void blotter_destroy(struct blotter *b) {
  if (!b) return;
  blotter_finish(b);
  free(b);
}

struct matcher *blotter_matcher(struct blotter *b) { return b->matcher; }

// ---- what is seen

void blotter_seen_order(struct blotter *b, int64_t time_ns, const struct order *o, enum order_status from, enum order_status to, enum reason why) {
  event_hash_order(&b->hash, time_ns, o->id, from, to, why);
  if (b->observer.order) b->observer.order(b->observer.self, time_ns, o, from, to, why);
}

void blotter_seen_fill(struct blotter *b, const struct fill *f) {
  event_hash_fill(&b->hash, f);
  if (b->observer.fill) b->observer.fill(b->observer.self, f);
}

void blotter_seen_command(struct blotter *b, const struct bot_command *c) {
  if (c->kind == COMMAND_MARK) event_hash_equity(&b->hash, c->time_ns, matcher_equity(b->matcher));
}

static void drain(struct blotter *b) {
  for (struct match_event e; matcher_event_next(b->matcher, &e);) {
    if (e.kind == EVENT_ORDER) {
      const struct order *o = matcher_order(b->matcher, e.order.id);
      assert(o);
      blotter_seen_order(b, e.time_ns, o, e.order.from, e.order.to, e.order.reason);
    } else if (e.kind == EVENT_FILL) {
      blotter_seen_fill(b, &e.fill);
    }
  }
}

// ---- what happens

bool blotter_due(struct blotter *b, const struct bot_command *c) {
  if (b->due_count == b->due_cap) {
    const int cap = b->due_cap ? 2 * b->due_cap : 4;
    struct instant_funding *due = cap <= BLOTTER_DUE_MAX ? realloc(b->due, (size_t)cap * sizeof *due) : NULL;
    if (!due) return false;
    b->due = due;
    b->due_cap = cap;
  }
  b->due[b->due_count++] = (struct instant_funding){c->intent.symbol, c->funding.ts_ns, c->funding.rate_e12, c->funding.mark, c->funding.before_match};
  return true;
}

static enum status fund(struct blotter *b, const struct instant *in, bool before_match, struct err *err) {
  for (int i = 0; i < in->funding_count; i++) {
    const struct instant_funding *f = &in->funding[i];
    if (f->before_match == before_match && !matcher_funding(b->matcher, f->symbol, f->ts_ns, f->rate_e12, f->mark))
      return err_set(err, ERR_RANGE, "funding does not fit in 64 bits");
  }
  return OK;
}

enum status blotter_match(struct blotter *b, const struct instant *of, bool *ret_events, struct err *err) {
  struct instant merged = *of;
  const struct instant *in = of;
  if (b->due_count > 0 && of->funding_count == 0) {
    merged.funding = b->due, merged.funding_count = b->due_count, in = &merged;
    b->due_count = 0;
  }
  *ret_events = in->funding_count > 0;
  enum status st = fund(b, in, true, err);
  for (int i = 0; st == OK && i < in->match_count; i++) {
    const struct instant_match *m = &in->match[i];
    if (matcher_bar(b->matcher, matcher_watch(b->matcher, m->symbol), m->symbol, &m->bar)) *ret_events = true;
  }
  return st == OK ? fund(b, in, false, err) : st;
}

enum status blotter_market(struct blotter *b, const struct instant *in, struct err *err) {
  bool events;
  enum status st = blotter_match(b, in, &events, err);
  if (st == OK && events) drain(b);
  return st;
}

enum reason blotter_command(struct blotter *b, const struct bot_command *c) {
  if (c->kind == COMMAND_FUNDING) return blotter_due(b, c) ? REASON_NONE : REASON_OVERFLOW;
  blotter_seen_command(b, c);
  enum reason why = command_apply(b->matcher, c);
  drain(b);
  return why;
}

void blotter_hash(const struct blotter *b, char ret_hex[SHA256_HEX_SIZE]) {
  struct event_hash so_far = b->hash;
  event_hash_finish(&so_far, ret_hex);
}

void blotter_forget_orders(struct blotter *b) {
  const uint64_t last = matcher_order_last(b->matcher);
  if (last - b->released <= BLOTTER_ORDERS_KEPT + BLOTTER_ORDERS_KEPT / 4 || matcher_event_count(b->matcher) > 0) return;
  b->released = last - BLOTTER_ORDERS_KEPT;
  matcher_orders_release(b->matcher, b->released);
}

// ---- as bytes

#define MIX(value) hash = (hash ^ (uint64_t)(value)) * UINT64_C(0x100000001b3)
static uint64_t mix_decimal(uint64_t hash, struct decimal d) { return MIX(d.digits), MIX(d.scale), hash; }

// Of all that the same bars and commands could come to something else by (FNV-1a, a number at a time).
uint64_t blotter_terms(const struct blotter *b) {
  const struct matcher *m = b->matcher;
  const struct match_config *c = matcher_config(m);
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  MIX(c->model), MIX(c->path), MIX(c->participation_frac_e8), MIX(c->latency_ns), MIX(c->hedging), MIX(c->self_trade_check), MIX(c->deposit.e8);
  for (int i = 0; i < matcher_account(m)->symbol_count; i++) {
    const struct match_symbol_config *s = matcher_symbol_config(m, i);
    const int64_t numbers[] = {s->fees.maker_frac_e8, s->fees.taker_frac_e8, s->fees.fixed_e8, s->fees.per_unit_e8, s->costs.kind, s->costs.spread_ticks, s->costs.spread_frac_e8,
      s->costs.slippage_ticks, s->costs.slippage_frac_e8, s->costs.swap_long_e8, s->costs.swap_short_e8, s->leverage_e4, s->maintenance_frac_e8, s->volume_scale, s->futures_margin.e8};
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) MIX(numbers[k]);
    for (const char *p = s->inst.symbol; *p; p++) MIX(*p);
    hash = mix_decimal(mix_decimal(mix_decimal(hash, s->inst.tick), s->inst.lot), s->inst.multiplier);
  }
  return hash;
}

bool blotter_packable(const struct blotter *b) { return b->due_count == 0 && matcher_event_count(b->matcher) == 0; }

void blotter_pack(struct blotter *b, struct pack *p) {
  const int64_t terms = (int64_t)blotter_terms(b);
  if (pack_any(p, terms) != terms) pack_fail(p);
  if (p->failed) return;
  matcher_pack(b->matcher, p);
  event_hash_pack(&b->hash, p);
  b->released = (uint64_t)pack_any(p, (int64_t)b->released);
}

void books_pack(struct blotter *b, int64_t *script_day, struct risk_state *script, struct pack *p) {
  blotter_pack(b, p);
  if (p->failed) return;
  *script_day = pack_any(p, *script_day);
  risk_state_pack(script, p);
}

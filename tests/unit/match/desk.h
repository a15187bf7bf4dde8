// tests/unit/match/desk.h – a trading desk for tests: one matcher, one-minute bars given as four whole prices, and what it
// reported. Tick 1, lot 1, so prices and quantities in tests are the numbers a trader would say.
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "match/match.h"

#define DESK_FILLS 256
#define DESK_MINUTE NS_PER_MINUTE

struct desk {
  struct matcher *m;
  struct match_config config;
  struct match_symbol_config symbol;
  int64_t now_ns;       // end of the last bar
  struct fill fills[DESK_FILLS];
  int fill_count;
  struct match_event last_order;  // the last order transition
  int opened, closed, changed, liquidated;
  int ambiguous;
};

static inline void desk_init(struct desk *d, enum fill_model model) {
  memset(d, 0, sizeof *d);
  struct instrument inst = {.symbol = "TEST", .tick = {1, 0}, .lot = {1, 0}, .multiplier = {1, 0}};
  struct err err;
  assert_int_equal(instrument_finish(&inst, &err), OK);
  match_config_init(&d->config, (cash){INT64_C(10000) * CASH_ONE});
  d->config.model = model;
  match_symbol_config_init(&d->symbol, &inst);
}

// Makes the matcher after the test changed the configs; the last price is 100.
static inline void desk_open(struct desk *d) {
  struct err err;
  int index;
  assert_int_equal(matcher_create(&d->config, &d->m, &err), OK);
  assert_int_equal(matcher_symbol_add(d->m, &d->symbol, &index, &err), OK);
  matcher_mark(d->m, 0, (price){100});
}

static inline void desk_strict(struct desk *d) {
  desk_init(d, MODEL_STRICT);
  desk_open(d);
}

static inline void desk_drain(struct desk *d) {
  struct match_event e;
  while (matcher_event_next(d->m, &e)) {
    if (e.kind == EVENT_ORDER) d->last_order = e;
    if (e.kind == EVENT_POSITION) {
      d->opened += e.position.what == POSITION_EVENT_OPEN;
      d->changed += e.position.what == POSITION_EVENT_CHANGE;
      d->closed += e.position.what == POSITION_EVENT_CLOSE;
      d->liquidated += e.position.what == POSITION_EVENT_LIQUIDATED;
    }
    if (e.kind != EVENT_FILL) continue;
    assert_true(d->fill_count < DESK_FILLS);
    d->fills[d->fill_count++] = e.fill;
    d->ambiguous += e.fill.ambiguous;
  }
  matcher_check(d->m);
}

static inline void desk_close(struct desk *d) {
  desk_drain(d);
  matcher_destroy(d->m);
}

static inline struct bar desk_make(const struct desk *d, int64_t o, int64_t h, int64_t l, int64_t c, int64_t volume) {
  return (struct bar){.open_ns = d->now_ns, .open = {o}, .high = {h}, .low = {l}, .close = {c}, .volume = volume};
}

static inline void desk_feed(struct desk *d, const struct bar *b, const struct bar *detail, size_t n, const struct bar *mark) {
  struct match_bar in = {.bar = b, .close_ns = d->now_ns + DESK_MINUTE, .detail = detail, .detail_count = n, .mark = mark};
  matcher_bar(d->m, matcher_watch(d->m, 0), 0, &in);
  d->now_ns += DESK_MINUTE;
  desk_drain(d);
}

static inline void desk_bar(struct desk *d, int64_t o, int64_t h, int64_t l, int64_t c) {
  struct bar b = desk_make(d, o, h, l, c, -1);
  desk_feed(d, &b, NULL, 0, NULL);
}

static inline struct intent desk_intent(enum side side, int64_t lots) {
  struct intent in;
  intent_init(&in, 0, side);
  in.size = lots;
  return in;
}

static inline uint64_t desk_send(struct desk *d, const struct intent *in) {
  uint64_t id;
  matcher_submit(d->m, in, (quantity){in->size_kind == SIZE_QTY ? in->size : 0}, d->now_ns, &id);
  return id;
}

static inline uint64_t desk_market(struct desk *d, enum side side, int64_t lots) {
  struct intent in = desk_intent(side, lots);
  return desk_send(d, &in);
}

static inline uint64_t desk_limit(struct desk *d, enum side side, int64_t lots, int64_t px) {
  struct intent in = desk_intent(side, lots);
  in.type = ORDER_LIMIT;
  in.limit.ticks = px;
  return desk_send(d, &in);
}

static inline uint64_t desk_stop(struct desk *d, enum side side, int64_t lots, int64_t px) {
  struct intent in = desk_intent(side, lots);
  in.type = ORDER_STOP;
  in.trigger.ticks = px;
  return desk_send(d, &in);
}

// An entry at market with sl and tp (0: none).
static inline uint64_t desk_bracket(struct desk *d, enum side side, int64_t lots, int64_t sl, int64_t tp) {
  struct intent in = desk_intent(side, lots);
  if (sl) in.sl.ticks = sl;
  if (tp) in.tp.ticks = tp;
  return desk_send(d, &in);
}

static inline const struct order *desk_order(const struct desk *d, uint64_t id) { return matcher_order(d->m, id); }
static inline int64_t desk_lots(const struct desk *d) { return account_lots(matcher_account(d->m), 0, LEG_NET); }
// Cash as a number of whole units × 100 (cents).
static inline int64_t desk_cents(cash c) { return c.e8 / (CASH_ONE / 100); }
static inline int64_t desk_equity(const struct desk *d) { return desk_cents(matcher_equity(d->m)); }

// The n-th fill (negative: from the last) was this one.
#define desk_fill_is(d, n, side_, lots_, px_)                                     \
  do {                                                                            \
    const struct fill *f_ = &(d)->fills[(n) < 0 ? (d)->fill_count + (n) : (n)];   \
    assert_true((n) < (d)->fill_count && (d)->fill_count > 0);                    \
    assert_int_equal(f_->side, side_);                                            \
    assert_int_equal(f_->qty.lots, lots_);                                        \
    assert_int_equal(f_->px.ticks, px_);                                          \
  } while (0)

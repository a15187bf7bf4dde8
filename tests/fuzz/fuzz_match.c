// tests/fuzz/fuzz_match.c – bytes become a configuration and a sequence of orders, changes, bars, funding; after every step
// the books must add up. What is checked, beside the matcher's own asserts:
//   equity, worked out a second way: deposit − Σ signed price × lots + position × mark − fees + funding
//   a reducing order never turns or grows a position; a limit never pays more than its limit; nothing fills twice
//   the exits of an entry never close more than it opened
//   a twin that never takes the fast path comes to the same account; so does the first though it is written to bytes and made again from them
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/pack.h"
#include "match/match.h"
#include "risk/risk.h"

#define SYMBOLS 2
#define ORDERS_MAX 4096
#define STEPS_MAX 3000

struct shadow {  // of one matcher
  struct matcher *m;
  int128 flow[SYMBOLS];      // −Σ side × price × lots, ticks × lots
  int64_t lots[SYMBOLS][LEG_COUNT];
  int64_t fees_e8;
  uint64_t fills;
  int64_t opened[ORDERS_MAX], closed[ORDERS_MAX];  // by entry: lots it opened, lots its exits closed
};

struct world {
  const uint8_t *at, *end;
  struct shadow a, b;       // b always walks, a is made again from its bytes now and then
  struct match_config config;
  struct match_symbol_config symbols[SYMBOLS];
  struct instrument inst[SYMBOLS];
  int64_t last[SYMBOLS], now_ns;
  int64_t tick_unit;        // ticks of one whole price step
  bool compat, hedging;
  bool changing[ORDERS_MAX];
};

static uint8_t byte(struct world *w) { return w->at < w->end ? *w->at++ : 0; }
static int64_t pick(struct world *w, int64_t n) { return byte(w) % n; }

static void fill_check(struct world *w, struct shadow *s, const struct fill *f) {
  const struct order *o = matcher_order(s->m, f->order);
  assert(o && f->qty.lots > 0 && f->px.ticks > 0 && f->id == ++s->fills);
  int64_t *lots = &s->lots[f->symbol][f->leg], before = *lots;
  *lots += f->side * f->qty.lots;
  if (o->reduce) assert(before * f->side < 0 && (*lots == 0 || (*lots > 0) == (before > 0)));
  if (w->hedging) assert(s->lots[f->symbol][LEG_LONG] >= 0 && s->lots[f->symbol][LEG_SHORT] <= 0);
  // Of one that was to be changed with latency, the limit here is the new one, which arrived at the bar's end.
  if (o->type == ORDER_LIMIT && f->tag != TAG_LIQUIDATION && !w->compat && !(o->id < ORDERS_MAX && (w->changing[o->id] || w->changing[o->parent]))) assert((f->px.ticks - o->limit.ticks) * f->side <= 0);
  s->flow[f->symbol] -= (int128)f->side * f->px.ticks * f->qty.lots;
  s->fees_e8 += f->fee.e8;
  if (o->id >= ORDERS_MAX) return;
  if (o->parent && o->parent < ORDERS_MAX) {
    s->closed[o->parent] += f->qty.lots;
    assert(s->closed[o->parent] <= s->opened[o->parent]);
  } else if (!o->reduce) {
    int64_t against = before * f->side < 0 ? (before < 0 ? -before : before) : 0;
    s->opened[o->id] += f->qty.lots > against ? f->qty.lots - against : 0;
  }
}

static void shadow_check(struct world *w, struct shadow *s) {
  struct match_event e;
  while (matcher_event_next(s->m, &e))
    if (e.kind == EVENT_FILL) fill_check(w, s, &e.fill);
  matcher_check(s->m);
  const struct account *a = matcher_account(s->m);
  int128 equity = matcher_config(s->m)->deposit.e8 - s->fees_e8 + ledger_total(&a->ledger, BOOK_FUNDING).e8 +
                  ledger_total(&a->ledger, BOOK_SWAP).e8;
  for (int i = 0; i < SYMBOLS; i++) {
    int64_t lots = 0;
    for (int leg = 0; leg < LEG_COUNT; leg++) {
      assert(a->symbols[i].pos[leg].lots == s->lots[i][leg]);
      lots += s->lots[i][leg];
    }
    int128 raw = s->flow[i] + (int128)lots * a->symbols[i].mark.ticks;
    equity += div_round(raw * w->inst[i].value_num, w->inst[i].value_den);
  }
  int128 diff = equity - matcher_equity(s->m).e8;
  assert(diff >= -8 && diff <= 8);  // roundings to 1e-8: realised and unrealised of each leg
  assert(-s->fees_e8 == ledger_total(&a->ledger, BOOK_FEES).e8);
}

static price near_price(struct world *w, int symbol) {
  int64_t px = w->last[symbol] + (pick(w, 41) - 20) * w->tick_unit + pick(w, 3) - 1;
  return (price){px > w->tick_unit ? px : w->tick_unit};  // smaller ones make positions that no money can hold
}

static uint64_t some_order(struct world *w) {
  uint64_t last = matcher_order_last(w->a.m), back = byte(w);
  return last > back ? last - back : last;
}

static void order_step(struct world *w) {
  struct intent in;
  int symbol = (int)pick(w, SYMBOLS);
  uint8_t bits = byte(w);
  intent_init(&in, symbol, bits & 1 ? SIDE_BUY : SIDE_SELL);
  in.type = byte(w) % 5;
  in.tif = byte(w) % 5;
  in.expires_ns = w->now_ns + pick(w, 6) * NS_PER_MINUTE;
  in.reduce = (bits & 6) == 6;
  in.post = (bits & 24) == 24 && in.type == ORDER_LIMIT;
  if (w->hedging) in.leg = bits & 32 ? LEG_LONG : LEG_SHORT;
  if (in.type == ORDER_LIMIT || in.type == ORDER_STOP_LIMIT) in.limit = near_price(w, symbol);
  if (in.type == ORDER_STOP || in.type == ORDER_STOP_LIMIT) in.trigger = near_price(w, symbol);
  if (in.type == ORDER_TRAILING) in.trail_ticks = 1 + pick(w, 10) * w->tick_unit;
  if (!in.reduce && bits & 64) in.sl = near_price(w, symbol);
  if (!in.reduce && bits & 128) in.tp = near_price(w, symbol);
  if (!in.reduce && pick(w, 8) == 0) in.tp_r_e6 = pick(w, 5) * 700000;
  if (!in.reduce && in.type != ORDER_TRAILING && pick(w, 8) == 0) in.trail_frac_e8 = 1000000 * (1 + pick(w, 20));
  if (pick(w, 5) == 0) in.oco = some_order(w);
  in.tag = TAG_FIRST_FREE + (uint32_t)pick(w, 3);
  in.size_kind = byte(w) % 5;
  in.size = in.size_kind == SIZE_QTY ? 1 + byte(w) : in.size_kind == SIZE_NOTIONAL ? byte(w) * 50 * CASH_ONE : byte(w) * INT64_C(1000000);
  struct risk_limits limits;
  struct risk_state state;
  const struct risk_fees fees = {.taker_frac_e8 = 100000};
  risk_limits_init(&limits);
  risk_state_init(&state, matcher_equity(w->a.m));
  struct risk_verdict v = risk_check(matcher_account(w->a.m), &in, &limits, &state, &fees, w->compat, w->now_ns);
  assert(v.ok || v.denial.code != REASON_NONE);
  quantity qty = v.qty;
  if (!v.ok) {  // now and then past the checks: the matcher must stand on its own
    if (in.size_kind != SIZE_QTY || byte(w) & 1) return;
    qty.lots = in.size;
  }
  uint64_t ia, ib;
  enum reason ra = matcher_submit(w->a.m, &in, qty, w->now_ns, &ia), rb = matcher_submit(w->b.m, &in, qty, w->now_ns, &ib);
  assert(ra == rb && ia == ib);
}

static void change_step(struct world *w) {
  uint64_t id = some_order(w);
  const struct order *o = matcher_order(w->a.m, id);
  if (!o) return;
  struct order_change c;
  order_change_init(&c);
  uint8_t bits = byte(w);
  if (bits & 1) c.limit = near_price(w, o->symbol);
  if (bits & 2) c.trigger = near_price(w, o->symbol);
  if (bits & 4) c.sl = near_price(w, o->symbol);
  if (bits & 8) c.tp = near_price(w, o->symbol);
  if (bits & 16 && !o->parent) c.qty.lots = 1 + byte(w);
  c.sl_none = bits & 32, c.tp_none = bits & 64;
  if (id < ORDERS_MAX) w->changing[id] = w->changing[id] || w->config.latency_ns > 0;
  enum reason ra = matcher_modify(w->a.m, id, &c, w->now_ns), rb = matcher_modify(w->b.m, id, &c, w->now_ns);
  assert(ra == rb);
}

static void bar_step(struct world *w) {
  for (int s = 0; s < SYMBOLS; s++) {
    struct bar b = {.open_ns = w->now_ns, .volume = byte(w) * 4}, parts[2];
    int64_t u = w->tick_unit, jump = byte(w) == 7 ? 30 : 3;
    int64_t o = w->last[s] + (pick(w, 2 * jump + 1) - jump) * u, c = o + (pick(w, 21) - 10) * u;
    if (o < u) o = u;
    if (c < u) c = u;
    int64_t h = (o > c ? o : c) + pick(w, 10) * u, l = (o < c ? o : c) - pick(w, 10) * u;
    b.open.ticks = o, b.close.ticks = c, b.high.ticks = h, b.low.ticks = l < u ? u : l;
    if (byte(w) == 9) b.flags = BAR_FILLED_IN;
    struct match_bar in = {.bar = &b, .close_ns = w->now_ns + NS_PER_MINUTE};
    if (pick(w, 4) == 0) {
      int64_t mid = (h + b.low.ticks) / 2;
      parts[0] = parts[1] = b;
      parts[0].close.ticks = parts[0].low.ticks = parts[1].open.ticks = parts[1].high.ticks = mid;
      if (o < mid) parts[0].low.ticks = o;
      if (c > mid) parts[1].high.ticks = c;
      parts[1].open_ns += NS_PER_MINUTE / 2;
      in.detail = parts;
      in.detail_count = 2;
    }
    matcher_bar(w->a.m, matcher_watch(w->a.m, s), s, &in);
    matcher_bar_match(w->b.m, s, &in);
    w->last[s] = c;
    shadow_check(w, &w->a);
    shadow_check(w, &w->b);
  }
  w->now_ns += NS_PER_MINUTE;
}

// A member that nobody writes would be what it is by default on both sides of a comparison of bytes; so the structures themselves.
static void same_structures(const struct matcher *x, const struct matcher *y) {
  const struct account *a = matcher_account(x), *b = matcher_account(y);
  assert(matcher_order_last(x) == matcher_order_last(y));
  for (uint64_t id = 1; id <= matcher_order_last(x); id++) {
    const struct order *o = matcher_order(x, id), *p = matcher_order(y, id);
    assert(!o == !p && (!o || memcmp(o, p, sizeof *o) == 0) && matcher_id_open(x, id) == matcher_id_open(y, id));
  }
  assert(memcmp(&a->ledger, &b->ledger, sizeof a->ledger) == 0 && a->next_position_id == b->next_position_id && a->equity_peak_e8 == b->equity_peak_e8);
  assert(a->trades.count == b->trades.count);
  for (size_t i = 0; i < a->trades.count; i++) {
    const struct trade *t = &a->trades.items[i], *u = &b->trades.items[i];
    assert(memcmp(t, u, offsetof(struct trade, ambiguous)) == 0 && t->ambiguous == u->ambiguous && t->liquidated == u->liquidated);
  }
  for (int s = 0; s < SYMBOLS; s++)
    for (int leg = 0; leg < LEG_COUNT; leg++) {
      const struct position *p = &a->symbols[s].pos[leg], *q = &b->symbols[s].pos[leg];
      assert(p->lots == q->lots && p->cost_q32 == q->cost_q32 && p->id == q->id && p->opened_ns == q->opened_ns && p->bars == q->bars && p->adds == q->adds);
      assert(lot_list_size(&p->open) == lot_list_size(&q->open));
      for (size_t i = 0; i < lot_list_size(&p->open); i++) {
        const struct lot *l = &p->open.items[p->open.head + i], *k = &q->open.items[q->open.head + i];
        assert(memcmp(l, k, offsetof(struct lot, ambiguous)) == 0 && l->ambiguous == k->ambiguous);
      }
    }
}

// Torn bytes are refused or harmless; whole ones are the same matcher.
static void again(struct world *w) {
  struct matcher *m;
  struct buf bytes, once_more;
  struct err err;
  int index;
  buf_init(&bytes, 64u << 20);
  buf_init(&once_more, 64u << 20);
  struct pack out = pack_writer(&bytes), more = pack_writer(&once_more);
  matcher_pack(w->a.m, &out);
  assert(!bytes.failed);
  for (int torn = 1; torn >= 0; torn--) {
    assert(matcher_create(&w->config, &m, &err) == OK);
    for (int s = 0; s < SYMBOLS; s++) assert(matcher_symbol_add(m, &w->symbols[s], &index, &err) == OK);
    struct pack in = pack_reader(bytes.data, torn ? (bytes.len * byte(w)) >> 8 : bytes.len);
    matcher_pack(m, &in);
    assert(in.failed == torn && (torn || in.left == 0));
    if (torn) matcher_destroy(m);
  }
  matcher_pack(m, &more);
  assert(once_more.len == bytes.len && memcmp(once_more.data, bytes.data, bytes.len) == 0);
  same_structures(w->a.m, m);
  matcher_destroy(w->a.m);
  w->a.m = m;
  buf_finish(&bytes);
  buf_finish(&once_more);
}

static void step(struct world *w) {
  int symbol = (int)pick(w, SYMBOLS);
  switch (pick(w, 16)) {
  case 0: case 1: case 2: case 3: case 4: case 5: order_step(w); break;
  case 6: change_step(w); break;
  case 7: {
    uint64_t id = some_order(w);
    assert(matcher_cancel(w->a.m, id, REASON_SCRIPT, w->now_ns) == matcher_cancel(w->b.m, id, REASON_SCRIPT, w->now_ns));
    break;
  }
  case 8: {
    int64_t rate = (pick(w, 9) - 4) * 100000000;
    bool a = matcher_funding(w->a.m, symbol, w->now_ns, rate, NO_PRICE), b = matcher_funding(w->b.m, symbol, w->now_ns, rate, NO_PRICE);
    assert(a && b && matcher_swap(w->a.m, symbol, w->now_ns, 3) && matcher_swap(w->b.m, symbol, w->now_ns, 3));
    break;
  }
  case 9: {
    const uint8_t which = byte(w);
    if (which > 192 && !w->compat) again(w);
    if (which > 8) break;
    matcher_cancel_all(w->a.m, -1, TAG_NONE, REASON_SCRIPT, w->now_ns);
    matcher_cancel_all(w->b.m, -1, TAG_NONE, REASON_SCRIPT, w->now_ns);
    break;
  }
  default: bar_step(w); break;
  }
  shadow_check(w, &w->a);
  shadow_check(w, &w->b);
  assert(matcher_equity(w->a.m).e8 == matcher_equity(w->b.m).e8);
  assert(w->a.fills == w->b.fills);
}

static void world_open(struct world *w) {
  struct match_config c;
  struct err err;
  match_config_init(&c, (cash){INT64_C(20000) * CASH_ONE});
  c.model = pick(w, 4);
  c.path = pick(w, 3);
  w->compat = fill_model_compat(c.model);
  w->hedging = c.hedging = !w->compat && pick(w, 2);
  if (pick(w, 3) == 0) c.participation_frac_e8 = 20000000;
  if (!w->compat && pick(w, 4) == 0) c.latency_ns = 70 * NS_PER_S;
  c.trade_on_close = c.model == MODEL_COMPAT_BACKTESTING && pick(w, 2);
  w->config = c;
  int grid = (int)pick(w, 3);
  const int64_t leverages[] = {10000, 30000, 200000};
  for (int s = 0; s < SYMBOLS; s++) {
    // Whole ticks; cents and thousandths; ticks finer than the currency's 1e-8.
    const struct decimal ticks[] = {{1, 0}, {1, 2}, {1, 10}}, lots[] = {{1, 0}, {1, 3}, {1, 0}};
    w->inst[s] = (struct instrument){.symbol = "A", .tick = ticks[grid], .lot = lots[grid], .multiplier = {1 + s, 0}};
    assert(instrument_finish(&w->inst[s], &err) == OK);
    struct match_symbol_config sc;
    match_symbol_config_init(&sc, &w->inst[s]);
    sc.leverage_e4 = leverages[pick(w, 3)];
    sc.fees = (struct match_fees){.maker_frac_e8 = -10000, .taker_frac_e8 = 75000, .fixed_e8 = pick(w, 2) * 12345678, .per_unit_e8 = pick(w, 2) * 333};
    sc.costs = (struct match_costs){.kind = pick(w, 2), .spread_ticks = pick(w, 4), .spread_frac_e8 = pick(w, 2) * 12345, .slippage_ticks = pick(w, 3),
                                    .slippage_frac_e8 = pick(w, 2) * 54321, .swap_long_e8 = -3333, .swap_short_e8 = 1111};
    w->symbols[s] = sc;
    int index;
    if (s == 0) {
      assert(matcher_create(&c, &w->a.m, &err) == OK && matcher_create(&c, &w->b.m, &err) == OK);
    }
    assert(matcher_symbol_add(w->a.m, &sc, &index, &err) == OK && matcher_symbol_add(w->b.m, &sc, &index, &err) == OK);
  }
  w->tick_unit = pow10_i64((int)(grid == 0 ? 0 : grid == 1 ? 2 : 10));
  for (int s = 0; s < SYMBOLS; s++) {
    w->last[s] = 100 * w->tick_unit;
    matcher_mark(w->a.m, s, (price){w->last[s]});
    matcher_mark(w->b.m, s, (price){w->last[s]});
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct world *w = calloc(1, sizeof *w);
  assert(w);
  w->at = data;
  w->end = data + size;
  world_open(w);
  // A run that made a fortune ends: positions may soon be worth more than 64 bits of money, where equity saturates.
  for (int i = 0; i < STEPS_MAX && w->at < w->end && llabs(matcher_equity(w->a.m).e8) < INT64_C(1000000000) * CASH_ONE; i++) step(w);
  matcher_destroy(w->a.m);
  matcher_destroy(w->b.m);
  free(w);
  return 0;
}

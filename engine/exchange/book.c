// exchange/book.c – the order book: clients' orders by price, then time, beside a market maker's ladder around the last quote.
//
// The ladder is what a real venue's other customers are to a small one: finite, so that large orders are filled in part, and consumed
// until the market moves. Its sizes are a hash of seed, symbol and generation. A client's resting order that a new quote crosses is
// filled as maker at its own price, by at most what the ladder shows at that price or better.
#include "exchange/core.h"

#include <assert.h>

// ---- clients' orders ----

static bool before(const struct exch_order *a, const struct exch_order *b) {
  if (a->price != b->price) return a->buy ? a->price > b->price : a->price < b->price;
  return a->turn < b->turn;
}

void exch_book_rest(struct exch_order *o) {
  struct exch_order **side = o->buy ? &o->symbol->buys : &o->symbol->sells, *prev = NULL, *next = *side;
  while (next && before(next, o)) {
    prev = next;
    next = next->book_next;
  }
  o->book_prev = prev;
  o->book_next = next;
  if (prev)
    prev->book_next = o;
  else
    *side = o;
  if (next) next->book_prev = o;
  o->symbol->update++;
}

void exch_book_leave(struct exch_order *o) {
  struct exch_order **side = o->buy ? &o->symbol->buys : &o->symbol->sells;
  if (*side != o && !o->book_prev) return;  // does not rest
  if (o->book_prev)
    o->book_prev->book_next = o->book_next;
  else
    *side = o->book_next;
  if (o->book_next) o->book_next->book_prev = o->book_prev;
  o->book_next = o->book_prev = NULL;
  o->symbol->update++;
}

// ---- the ladder ----

static void ladder_make(struct exch *x, struct exch_symbol *s, int64_t bid, int64_t ask) {
  s->generation++;
  int64_t step = bid / 20000 > 0 ? bid / 20000 : 1;  // half a basis point
  uint64_t key = exch_mix(x->seed, (uint64_t)s->index << 40 ^ s->generation);
  for (int i = 0; i < EXCH_LEVELS; i++) {
    struct exch_level *levels[] = {&s->bids[i], &s->asks[i]};
    for (int side = 0; side < 2; side++) {
      int64_t px = side == 0 ? bid - i * step : ask + i * step;
      int64_t lots = 0;
      if (x->depth_e8 > 0 && px > 0) {
        int64_t lot_value = exch_value(s, px, 1), base = lot_value > 0 ? x->depth_e8 / lot_value : 0;
        lots = base / 2 + (int64_t)(exch_mix(key, (uint64_t)(i * 2 + side)) % (uint64_t)(base + 1));
      }
      *levels[side] = (struct exch_level){px > 0 ? px : 0, lots};
    }
  }
}

static int64_t ladder_best(const struct exch_symbol *s, bool ask, int *ret_at) {
  const struct exch_level *levels = ask ? s->asks : s->bids;
  for (int i = 0; i < EXCH_LEVELS; i++) {
    if (levels[i].lots > 0 && levels[i].price > 0) {
      *ret_at = i;
      return levels[i].price;
    }
  }
  return 0;
}

int64_t exch_book_best(const struct exch_symbol *s, bool ask) {
  int at;
  int64_t maker = ladder_best(s, ask, &at);
  const struct exch_order *first = ask ? s->sells : s->buys;
  if (!first) return maker;
  if (maker == 0) return first->price;
  return ask == (first->price < maker) ? first->price : maker;
}

static bool crosses(bool buy, int64_t limit, int64_t px) {
  return limit == 0 || (buy ? px <= limit : px >= limit);
}

int64_t exch_book_available(const struct exch_symbol *s, bool buy, int64_t limit) {
  int64_t lots = 0;
  const struct exch_level *levels = buy ? s->asks : s->bids;
  for (int i = 0; i < EXCH_LEVELS; i++)
    if (levels[i].price > 0 && crosses(buy, limit, levels[i].price)) lots += levels[i].lots;
  for (const struct exch_order *o = buy ? s->sells : s->buys; o && crosses(buy, limit, o->price); o = o->book_next)
    lots += o->qty - o->filled;
  return lots;
}

// A resting order of a client and the one that takes it.
static void meet_client(struct exch *x, struct exch_order *taker, struct exch_order *maker, int64_t lots) {
  int64_t px = maker->price;
  bool whole = maker->filled + lots == maker->qty;
  if (whole) exch_book_leave(maker);
  exch_fill_apply(x, maker, px, lots, true, EXEC_TRADE);
  exch_fill_apply(x, taker, px, lots, false, EXEC_TRADE);
  exch_market_print(x, taker->symbol, px, lots, taker->buy);
  exch_order_trim(x, maker->account, maker->symbol, maker->idx);
  exch_order_trim(x, taker->account, taker->symbol, taker->idx);
}

int64_t exch_book_take(struct exch *x, struct exch_order *o, int64_t max_lots) {
  struct exch_symbol *s = o->symbol;
  int64_t limit = o->market ? 0 : o->price, taken = 0;
  while (taken < max_lots && exch_order_open(o)) {
    int at = 0;
    int64_t left = max_lots - taken, lots, px = ladder_best(s, o->buy, &at);
    struct exch_order *first = o->buy ? s->sells : s->buys;
    if (first && (px == 0 || (o->buy ? first->price <= px : first->price >= px))) {
      if (!crosses(o->buy, limit, first->price)) break;
      lots = first->qty - first->filled < left ? first->qty - first->filled : left;
      meet_client(x, o, first, lots);
    } else {
      if (px == 0 || !crosses(o->buy, limit, px)) break;
      struct exch_level *level = o->buy ? &s->asks[at] : &s->bids[at];
      lots = level->lots < left ? level->lots : left;
      level->lots -= lots;
      exch_fill_house(s, o->buy, lots);
      exch_fill_apply(x, o, px, lots, false, EXEC_TRADE);
      exch_market_print(x, s, px, lots, o->buy);
      exch_order_trim(x, o->account, s, o->idx);
    }
    taken += lots;
    s->update++;
  }
  return taken;
}

int64_t exch_book_hit(struct exch *x, struct exch_symbol *s, bool buy, int64_t lots) {
  int64_t taken = 0;
  for (struct exch_order *o; taken < lots && (o = buy ? s->sells : s->buys);) {
    const int64_t left = o->qty - o->filled, now = left < lots - taken ? left : lots - taken, px = o->price;
    if (now == left) exch_book_leave(o);
    exch_fill_house(s, !buy, now);
    exch_fill_apply(x, o, px, now, true, EXEC_TRADE);
    exch_market_print(x, s, px, now, buy);
    exch_order_trim(x, o->account, s, o->idx);
    s->update++;
    taken += now;
  }
  if (taken > 0) exch_trigger_run(x, s);
  return taken;
}

// Clients' orders that the new ladder crosses, best first.
static void sweep(struct exch *x, struct exch_symbol *s, bool buys) {
  for (;;) {
    struct exch_order *o = buys ? s->buys : s->sells;
    int at = 0;
    int64_t offered = ladder_best(s, buys, &at);
    if (!o || offered == 0 || !crosses(buys, o->price, offered)) return;
    struct exch_level *level = buys ? &s->asks[at] : &s->bids[at];
    int64_t left = o->qty - o->filled, lots = level->lots < left ? level->lots : left;
    level->lots -= lots;
    if (lots == left) exch_book_leave(o);
    exch_fill_house(s, buys, lots);
    exch_fill_apply(x, o, o->price, lots, true, EXEC_TRADE);
    exch_market_print(x, s, o->price, lots, !buys);
    exch_order_trim(x, o->account, s, o->idx);
  }
}

void exch_book_quote(struct exch *x, struct exch_symbol *s, int64_t bid, int64_t ask) {
  assert(bid > 0 && ask > bid);
  ladder_make(x, s, bid, ask);
  s->update++;
  sweep(x, s, true);
  sweep(x, s, false);
}

int exch_book_levels(const struct exch_symbol *s, bool asks, struct exch_level *ret, int max) {
  const struct exch_level *ladder = asks ? s->asks : s->bids;
  const struct exch_order *o = asks ? s->sells : s->buys;
  int n = 0, i = 0;
  for (;;) {
    while (i < EXCH_LEVELS && (ladder[i].lots == 0 || ladder[i].price == 0)) i++;
    bool maker = i < EXCH_LEVELS;
    if (!maker && !o) return n;
    bool client = o && (!maker || (asks ? o->price <= ladder[i].price : o->price >= ladder[i].price));
    struct exch_level level = client ? (struct exch_level){o->price, o->qty - o->filled} : ladder[i];
    bool same = n > 0 && ret[n - 1].price == level.price;
    if (!same && n == max) return n;
    if (same)
      ret[n - 1].lots += level.lots;
    else
      ret[n++] = level;
    if (client)
      o = o->book_next;
    else
      i++;
  }
}

// order/resting.c – an unordered array; the best of a side is looked for again when it goes.
#include "order/resting.h"

#include <assert.h>
#include <stdlib.h>

static int index_of(enum side side) { return side == SIDE_SELL; }

// Is a closer to the other side than b?
static bool closer(enum side side, price a, price b) { return side == SIDE_BUY ? a.ticks > b.ticks : a.ticks < b.ticks; }

void resting_init(struct resting *r) { *r = (struct resting){0}; }

void resting_finish(struct resting *r) {
  free(r->items);
  *r = (struct resting){0};
}

static void best_again(struct resting *r, enum side side) {
  const struct resting_order *best = NULL, *taker = NULL;
  for (size_t i = 0; i < r->count; i++) {
    const struct resting_order *o = &r->items[i];
    if (o->side != side) continue;
    if (!price_given(o->limit)) taker = o;
    else if (!best || closer(side, o->limit, best->limit)) best = o;
  }
  r->best[index_of(side)] = best;
  r->taker[index_of(side)] = taker;
}

bool resting_reserve(struct resting *r, size_t more) {
  if (r->cap - r->count >= more) return true;
  size_t cap = r->cap ? r->cap * 2 : 8;
  while (cap - r->count < more) cap *= 2;
  struct resting_order *items = realloc(r->items, cap * sizeof *items);
  if (!items) return false;
  r->items = items;
  r->cap = cap;
  best_again(r, SIDE_BUY);
  best_again(r, SIDE_SELL);
  return true;
}

static struct resting_order *find(const struct resting *r, uint64_t id) {
  for (size_t i = 0; i < r->count; i++)
    if (r->items[i].id == id) return &r->items[i];
  return NULL;
}

void resting_add(struct resting *r, uint64_t id, uint64_t bot, enum side side, price limit) {
  assert(r->count < r->cap && !find(r, id));
  struct resting_order *o = &r->items[r->count++];
  *o = (struct resting_order){id, bot, side, limit};
  const struct resting_order **best = &r->best[index_of(side)];
  if (!price_given(limit)) r->taker[index_of(side)] = o;
  else if (!*best || closer(side, limit, (*best)->limit)) *best = o;
}

void resting_move(struct resting *r, uint64_t id, price limit) {
  struct resting_order *o = find(r, id);
  if (!o) return;
  o->limit = limit;
  best_again(r, o->side);
}

bool resting_remove(struct resting *r, uint64_t id) {
  struct resting_order *o = find(r, id);
  if (!o) return false;
  *o = r->items[--r->count];
  best_again(r, SIDE_BUY);  // the last one moved: both may point to it
  best_again(r, SIDE_SELL);
  return true;
}

const struct resting_order *resting_meets(const struct resting *r, enum side side, price limit) {
  int other = index_of(side == SIDE_BUY ? SIDE_SELL : SIDE_BUY);
  const struct resting_order *best = r->best[other];
  if (!price_given(limit)) return best;
  bool crosses = best && (side == SIDE_BUY ? limit.ticks >= best->limit.ticks : limit.ticks <= best->limit.ticks);
  return crosses ? best : r->taker[other];
}

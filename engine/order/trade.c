// order/trade.c – containers for open entries and closed round trips.
#include "order/trade.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void lot_list_finish(struct lot_list *l) {
  free(l->items);
  *l = (struct lot_list){0};
}

void trade_list_finish(struct trade_list *l) {
  free(l->items);
  *l = (struct trade_list){0};
}

bool lot_list_reserve(struct lot_list *l) {
  if (l->count < l->cap) return true;
  if (l->head > 0 && l->head >= l->cap / 2) {  // closed entries at the front make room
    memmove(l->items, l->items + l->head, (l->count - l->head) * sizeof *l->items);
    l->count -= l->head;
    l->head = 0;
    return true;
  }
  size_t cap = l->cap ? l->cap * 2 : 4;
  struct lot *items = realloc(l->items, cap * sizeof *items);
  if (!items) return false;
  l->items = items;
  l->cap = cap;
  return true;
}

bool trade_list_reserve(struct trade_list *l, size_t more) {
  if (l->cap - l->count >= more) return true;
  size_t cap = l->cap ? l->cap * 2 : 4;
  if (cap < l->count + more) cap = l->count + more;
  struct trade *items = realloc(l->items, cap * sizeof *items);
  if (!items) return false;
  l->items = items;
  l->cap = cap;
  return true;
}

void lot_list_push(struct lot_list *l, const struct lot *e) {
  assert(l->count < l->cap && e->lots > 0);
  lot_list_extend(l, e->px);
  l->items[l->count++] = *e;
}

void lot_list_remove(struct lot_list *l, size_t at) {
  assert(at >= l->head && at < l->count);
  memmove(l->items + l->head + 1, l->items + l->head, (at - l->head) * sizeof *l->items);
  l->head++;
  if (l->head == l->count) l->head = l->count = 0;
}

// market/bar_queue.c – see bar_queue.h.
#include "market/bar_queue.h"

#include <stdlib.h>

void bar_queue_init(struct bar_queue *q, size_t max_bars) {
  *q = (struct bar_queue){.max = max_bars, .through_ns = INT64_MIN};
}

void bar_queue_finish(struct bar_queue *q) {
  free(q->items);
  *q = (struct bar_queue){.max = q->max, .through_ns = q->through_ns};
}

static bool before(const struct queued_bar *a, const struct queued_bar *b) {
  return bar_key_compare(&(struct bar_key){a->bar.close_ns, a->bar.timeframe_ns, a->name},
                         &(struct bar_key){b->bar.close_ns, b->bar.timeframe_ns, b->name}) < 0;
}

enum status bar_queue_push(struct bar_queue *q, int symbol, const char *name, const struct live_bar *bar, struct err *err) {
  if (bar->close_ns <= q->through_ns)
    return err_set(err, ERR_INVALID, "a bar of %s for a time that was given out already", name);
  if (q->count == q->max) return err_set(err, ERR_LIMIT, "more than %zu bars wait for slower symbols", q->max);
  if (q->count == q->cap) {
    size_t cap = q->cap ? q->cap * 2 : 64;
    struct queued_bar *items = realloc(q->items, cap * sizeof *items);
    if (!items) return err_set(err, ERR_NOMEM, "out of memory for %zu waiting bars", cap);
    q->items = items;
    q->cap = cap;
  }
  struct queued_bar item = {symbol, name, *bar};
  size_t i = q->count++;
  for (size_t up; i > 0 && before(&item, &q->items[up = (i - 1) / 2]); i = up) q->items[i] = q->items[up];
  q->items[i] = item;
  return OK;
}

int64_t bar_queue_next_ns(const struct bar_queue *q) {
  return q->count ? q->items[0].bar.close_ns : INT64_MAX;
}

bool bar_queue_pop(struct bar_queue *q, int64_t through_ns, struct queued_bar *ret) {
  if (through_ns > q->through_ns) q->through_ns = through_ns;
  if (q->count == 0 || q->items[0].bar.close_ns > through_ns) return false;
  *ret = q->items[0];
  struct queued_bar item = q->items[--q->count];
  size_t i = 0;
  for (size_t down; (down = 2 * i + 1) < q->count; i = down) {
    if (down + 1 < q->count && before(&q->items[down + 1], &q->items[down])) down++;
    if (!before(&q->items[down], &item)) break;
    q->items[i] = q->items[down];
  }
  if (q->count) q->items[i] = item;
  return true;
}

// bot/replay_tally.c – see replay_tally.h.
#include "bot/replay_tally.h"

#include <stdlib.h>

void replay_tally_init(struct replay_tally *t, int64_t from_ns, const struct match_symbol_config *symbols, cash deposit) {
  *t = (struct replay_tally){.from_ns = from_ns, .symbols = symbols, .begin_e8 = deposit.e8, .last_e8 = deposit.e8, .peak_e8 = deposit.e8, .peak_then_e8 = deposit.e8};
}

void replay_tally_finish(struct replay_tally *t) {
  free(t->points);
  free(t->fills);
}

static void on_fill(void *self, const struct fill *f) {
  struct replay_tally *t = self;
  if (f->time_ns < t->from_ns) return;  // of the bar that opened there or later
  if (!t->fills) t->fills = malloc(REPLAY_FILLS_MAX * sizeof *t->fills);
  if (t->fills && t->fill_count < REPLAY_FILLS_MAX) t->fills[t->fill_count] = *f;
  t->failed |= !t->fills;
  t->fill_count++;
  t->fees_e8 += f->fee.e8;
}

static void count_trades(struct replay_tally *t, const struct trade_list *all) {
  for (; t->trades_seen < all->count; t->trades_seen++) {
    const struct trade *one = &all->items[t->trades_seen];
    if (one->exit_ns < t->from_ns) continue;
    t->trades++;
    t->wins += one->pnl.e8 > 0;
    t->trade_pnl_e8 += one->pnl.e8;
  }
}

static void add_point(struct replay_tally *t, int64_t time_ns, int64_t equity_e8) {
  if (t->point_count && t->points[t->point_count - 1].time_ns == time_ns) {
    t->points[t->point_count - 1].equity_e8 = equity_e8;
    return;
  }
  if (t->point_count == t->point_cap) {
    const size_t cap = t->point_cap ? 2 * t->point_cap : 1024;
    struct replay_point *more = realloc(t->points, cap * sizeof *more);
    t->failed |= !more;
    if (!more) return;
    t->points = more;
    t->point_cap = cap;
  }
  t->points[t->point_count++] = (struct replay_point){time_ns, equity_e8};
}

static void on_instant(void *self, int64_t now_ns, bool main_closed, const struct matcher *m) {
  struct replay_tally *t = self;
  count_trades(t, &matcher_account(m)->trades);
  if (!main_closed) return;
  const int64_t equity_e8 = matcher_equity(m).e8;
  if (now_ns <= t->from_ns) {
    t->begin_e8 = t->peak_e8 = t->last_e8 = t->peak_then_e8 = equity_e8;
    return;
  }
  t->last_e8 = equity_e8;
  if (equity_e8 > t->peak_e8) t->peak_e8 = equity_e8;
  if (t->peak_e8 - equity_e8 > t->drawdown_e8) {
    t->drawdown_e8 = t->peak_e8 - equity_e8;
    t->peak_then_e8 = t->peak_e8;
  }
  add_point(t, now_ns, equity_e8);
}

struct replay_watch replay_tally_watch(struct replay_tally *t) { return (struct replay_watch){.self = t, .fill = on_fill, .instant = on_instant}; }

// ---- telling

static json_t *money(int128 e8) {
  char text[DECIMAL_TEXT_MAX];
  const cash c = {e8 > INT64_MAX ? INT64_MAX : e8 < INT64_MIN ? INT64_MIN : (int64_t)e8};
  return json_string(cash_text(c, text));
}

json_t *replay_tally_json(const struct replay_tally *t) {
  return json_pack("{s:o,s:o,s:o,s:o,s:f,s:I,s:o,s:I,s:I,s:o}", "equity_begin", money(t->begin_e8), "equity_end", money(t->last_e8), "pnl", money((int128)t->last_e8 - t->begin_e8),
                   "max_drawdown", money(t->drawdown_e8), "max_drawdown_pct", t->peak_then_e8 > 0 ? 100.0 * (double)t->drawdown_e8 / (double)t->peak_then_e8 : 0.0, "fills",
                   (json_int_t)t->fill_count, "fees", money(t->fees_e8), "trades", (json_int_t)t->trades, "wins", (json_int_t)t->wins, "trade_pnl", money(t->trade_pnl_e8));
}

json_t *replay_tally_fills(const struct replay_tally *t) {
  json_t *list = json_array();
  for (int64_t i = 0; i < t->fill_count && i < REPLAY_FILLS_MAX && t->fills; i++) {
    const struct fill *f = &t->fills[i];
    const struct instrument *inst = &t->symbols[f->symbol].inst;
    char qty[DECIMAL_TEXT_MAX], px[DECIMAL_TEXT_MAX];
    json_array_append_new(list, json_pack("{s:I,s:I,s:s,s:s,s:s,s:s,s:o}", "time_ms", (json_int_t)(f->time_ns / NS_PER_MS), "order", (json_int_t)f->order, "symbol", inst->symbol,
                                          "side", side_text(f->side), "qty", quantity_text(inst, f->qty, qty), "price", price_text(inst, f->px, px), "fee", money(f->fee.e8)));
  }
  return list;
}

json_t *replay_tally_curves(const struct replay_tally *a, const struct replay_tally *b) {
  json_t *list = json_array();
  size_t shared = 0, told = 0;
  for (int telling = 0; telling < 2; telling++) {
    size_t n = 0;
    for (size_t i = 0, k = 0; i < a->point_count && k < b->point_count;) {
      const struct replay_point *p = &a->points[i], *q = &b->points[k];
      if (p->time_ns < q->time_ns) i++;
      else if (p->time_ns > q->time_ns) k++;
      else {
        n++, i++, k++;
        // The last of each of equally many, so that the end is there.
        if (!telling || n * REPLAY_POINTS_MAX / shared == told) continue;
        told = n * REPLAY_POINTS_MAX / shared;
        json_array_append_new(list, json_pack("[I,f,f]", (json_int_t)(p->time_ns / NS_PER_MS), (double)p->equity_e8 / 1e8, (double)q->equity_e8 / 1e8));
      }
    }
    shared = n;
  }
  return list;
}

// tests/unit/match/ref_backtrader.c – the btr* reference cases: strategies for backtrader, told again in C.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ref.h"

static void long_only(struct ref *r, size_t i) {
  if (r->cross[i] > 0 && ref_lots(r) == 0) ref_market(r, SIDE_BUY, r->c->size);
  else if (r->cross[i] < 0) ref_close_all(r);
}

static void reverse(struct ref *r, size_t i) {
  int64_t diff = r->cross[i] * r->c->size - ref_lots(r);
  if (r->cross[i] == 0 || diff == 0) return;
  ref_market(r, diff > 0 ? SIDE_BUY : SIDE_SELL, llabs(diff));
}

// A stop (or trailing stop) is placed when the entry's fill is reported.
static void stop_on_fill(struct ref *r, size_t i, const struct fill *f) {
  if (f->side != SIDE_BUY) return;
  struct intent in;
  ref_init(r, &in, SIDE_SELL, r->c->size);
  in.type = ORDER_STOP;
  in.trigger = ref_px(r, 0.95 * price_double(&r->series[0].inst, f->px));
  in.reduce = true;
  r->exit = ref_send(r, &in);
  r->fill_bar = i;
}

static void trail_on_fill(struct ref *r, size_t i, const struct fill *f) {
  if (f->side != SIDE_BUY) return;
  struct intent in;
  ref_init(r, &in, SIDE_SELL, r->c->size);
  in.type = ORDER_TRAILING;
  in.trail_frac_e8 = 8000000;
  in.reduce = true;
  r->exit = ref_send(r, &in);
  r->fill_bar = i;
}

static void with_stop(struct ref *r, size_t i) {
  if (r->cross[i] > 0 && ref_lots(r) == 0) {
    ref_market(r, SIDE_BUY, r->c->size);
  } else if (r->cross[i] < 0 && ref_lots(r) != 0 && i != r->fill_bar) {
    ref_cancel(r, r->exit);
    ref_close_all(r);
  }
}

static void exits(struct ref *r, struct intent *in, double base) {
  in->sl = ref_px(r, (1 - r->c->sl) * base);
  in->tp = ref_px(r, (1 + r->c->tp) * base);
}

static void bracket(struct ref *r, size_t i) {
  if (r->cross[i] <= 0 || ref_lots(r) != 0) return;
  struct intent in;
  ref_init(r, &in, SIDE_BUY, 10);
  exits(r, &in, ref_close(r, i));
  ref_send(r, &in);
}

static void bracket_limit(struct ref *r, size_t i) {
  if (ref_alive(r, r->entry) && i - r->last_buy >= 5) ref_cancel(r, r->entry);
  if (r->cross[i] <= 0 || ref_lots(r) != 0 || ref_alive(r, r->entry)) return;
  struct intent in;
  double p = 0.99 * ref_close(r, i);
  ref_init(r, &in, SIDE_BUY, 10);
  in.type = ORDER_LIMIT;
  in.limit = ref_px(r, p);
  exits(r, &in, p);
  r->entry = ref_send(r, &in);
  r->last_buy = i;
}

static void stop_limit(struct ref *r, size_t i) {
  if (ref_lots(r) != 0) {
    if (r->cross[i] < 0) ref_close_all(r);
    return;
  }
  struct intent in;
  double stop = ref_high(r, i, 20);
  ref_cancel(r, r->entry);
  ref_init(r, &in, SIDE_BUY, 10);
  in.type = ORDER_STOP_LIMIT;
  in.trigger = ref_px(r, stop);
  in.limit = ref_px(r, 1.002 * stop);
  r->entry = ref_send(r, &in);
}

struct diff { int symbol; int64_t lots; };

static int diff_compare(const void *a, const void *b) {
  int64_t x = ((const struct diff *)a)->lots, y = ((const struct diff *)b)->lots;
  return (x > y) - (x < y);
}

static void portfolio(struct ref *r, size_t i) {
  if (i % 288 != 0) return;
  double value = (double)matcher_equity(r->m).e8 / 1e8;
  struct diff diffs[REF_SYMBOLS_MAX];
  for (int s = 0; s < r->symbols; s++) {
    double close = price_double(&r->series[s].inst, r->series[s].bars[i].close);
    diffs[s] = (struct diff){s, (int64_t)floor(0.18 * value / close) - account_lots(matcher_account(r->m), s, LEG_NET)};
  }
  qsort(diffs, (size_t)r->symbols, sizeof *diffs, diff_compare);
  for (int k = 0; k < r->symbols; k++) {
    if (diffs[k].lots == 0) continue;
    struct intent in;
    intent_init(&in, diffs[k].symbol, diffs[k].lots > 0 ? SIDE_BUY : SIDE_SELL);
    in.size = llabs(diffs[k].lots);
    ref_send(r, &in);
  }
}

int main(int argc, char **argv) {
  static const struct ref_case cases[] = {
    {"btr01_goog_long", long_only, .first = 20, .size = 10},
    {"btr02_goog_reverse", reverse, .first = 20, .size = 10},
    {"btr03_goog_stop", with_stop, stop_on_fill, .first = 20, .size = 10},
    {"btr04_goog_bracket_market", bracket, .first = 20, .sl = 0.05, .tp = 0.1},
    {"btr05_goog_bracket_limit", bracket_limit, .first = 20, .sl = 0.05, .tp = 0.1},
    {"btr06_goog_trail", with_stop, trail_on_fill, .first = 20, .size = 10},
    {"btr07_goog_stoplimit", stop_limit, .first = 20},
    {"btr08_goog_slippage", with_stop, stop_on_fill, .first = 20, .size = 10},
    {"btr09_goog_pershare_fee", long_only, .first = 20, .size = 10},
    {"btr10_fesx_futures", reverse, .n1 = 20, .n2 = 60, .first = 60, .size = 1},
    {"btr11_goog_margin_reject", long_only, .first = 20, .size = 40},
    {"btr12_portfolio_5m", portfolio, .first = 20},
    {"btr13_goog_bracket_tight", bracket, .n1 = 3, .n2 = 8, .first = 8, .sl = 0.01, .tp = 0.01},
  };
  return ref_main(cases, sizeof cases / sizeof *cases, argc, argv);
}

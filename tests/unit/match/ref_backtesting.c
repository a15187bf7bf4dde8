// tests/unit/match/ref_backtesting.c – the bt* reference cases: strategies for backtesting.py, told again in C.
#include "ref.h"

static void exits(struct ref *r, struct intent *in, double base) {
  in->sl = ref_px(r, in->side == SIDE_BUY ? (1 - r->c->sl) * base : (1 + r->c->sl) * base);
  in->tp = ref_px(r, in->side == SIDE_BUY ? (1 + r->c->tp) * base : (1 - r->c->tp) * base);
}

static void reverse_all_in(struct ref *r, size_t i) {
  if (ref_cross_up(r, i)) ref_close_all(r), ref_all_in(r, SIDE_BUY);
  else if (ref_cross_down(r, i)) ref_close_all(r), ref_all_in(r, SIDE_SELL);
}

static void long_only(struct ref *r, size_t i) {
  if (ref_cross_up(r, i) && ref_lots(r) == 0) ref_market(r, SIDE_BUY, r->c->size);
  else if (ref_cross_down(r, i)) ref_close_all(r);
}

static void long_exits(struct ref *r, size_t i) {
  if (ref_cross_up(r, i) && ref_lots(r) == 0) {
    struct intent in;
    ref_init(r, &in, SIDE_BUY, r->c->size);
    exits(r, &in, ref_close(r, i));
    ref_send(r, &in);
  } else if (ref_cross_down(r, i)) {
    ref_close_all(r);
  }
}

static void both_exits(struct ref *r, size_t i) {
  bool up = ref_cross_up(r, i);
  if (!up && !ref_cross_down(r, i)) return;
  struct intent in;
  ref_close_all(r);
  ref_init(r, &in, up ? SIDE_BUY : SIDE_SELL, r->c->size);
  exits(r, &in, ref_close(r, i));
  ref_send(r, &in);
}

static void limit_entry(struct ref *r, size_t i) {
  if (ref_cross_up(r, i) && ref_lots(r) == 0 && !ref_alive(r, r->entry)) {
    struct intent in;
    double p = 0.98 * ref_close(r, i);
    ref_init(r, &in, SIDE_BUY, 10);
    in.type = ORDER_LIMIT;
    in.limit = ref_px(r, p);
    exits(r, &in, p);
    r->entry = ref_send(r, &in);
  } else if (ref_cross_down(r, i)) {
    ref_cancel(r, r->entry);
    ref_close_all(r);
  }
}

static void raise_stop(struct ref *r, double level) {
  struct order_change c;
  const struct order *entry = matcher_order(r->m, r->entry);
  order_change_init(&c);
  c.sl = ref_px(r, level);
  if (price_given(entry->sl) && entry->sl.ticks > c.sl.ticks) c.sl = entry->sl;
  matcher_modify(r->m, r->entry, &c, r->now_ns);
}

static void channel(struct ref *r, size_t i) {
  if (ref_lots(r) != 0) {
    raise_stop(r, ref_low(r, i, 10));
    return;
  }
  struct intent in;
  ref_cancel(r, r->entry);
  ref_init(r, &in, SIDE_BUY, 10);
  in.type = ORDER_STOP;
  in.trigger = ref_px(r, ref_high(r, i, 20));
  r->entry = ref_send(r, &in);
}

static void trailing(struct ref *r, size_t i) {
  if (ref_cross_up(r, i) && ref_lots(r) == 0) r->entry = ref_market(r, SIDE_BUY, 10);
  else if (ref_cross_down(r, i)) ref_close_all(r);
  if (ref_lots(r) != 0) raise_stop(r, 0.92 * ref_close(r, i));
}

// Half of a trade, rounded half to even, at least one.
static int64_t half(int64_t lots) {
  int64_t h = lots / 2;
  if (lots % 2 != 0 && h % 2 != 0) h++;
  return h > 0 ? h : 1;
}

static void pyramid(struct ref *r, size_t i) {
  const struct lot_list *open = &matcher_account(r->m)->symbols[0].pos[LEG_NET].open;
  if (r->scaling && i - r->scale_bar >= 5) ref_close_all(r), r->scaling = false;  // and may buy at once
  if (ref_cross_down(r, i) && ref_lots(r) != 0) {
    for (size_t k = open->head; k < open->count; k++) {
      struct intent in;
      ref_init(r, &in, SIDE_SELL, half(open->items[k].lots));
      in.reduce = true;
      in.closes = open->items[k].order;
      ref_send(r, &in);
    }
    r->scaling = true;
    r->scale_bar = i;
  } else if (!r->scaling && r->fast[i] > r->slow[i] && lot_list_size(open) < 3 && (r->last_buy == 0 || i - r->last_buy >= 5)) {
    ref_market(r, SIDE_BUY, 10);
    r->last_buy = i;
  }
}

int main(int argc, char **argv) {
  static const struct ref_case cases[] = {
    {"bt00_goog_smacross_readme_number", reverse_all_in, .first = 20},
    {"bt01_goog_smacross_readme", reverse_all_in, .first = 20},
    {"bt02_goog_smacross_finalized", reverse_all_in, .first = 20},
    {"bt03_goog_long_fixed10", long_only, .first = 20, .size = 10},
    {"bt04_goog_sltp", long_exits, .first = 20, .size = 10, .sl = 0.05, .tp = 0.1},
    {"bt05_goog_both_sltp", both_exits, .first = 20, .size = 10, .sl = 0.05, .tp = 0.1},
    {"bt06_goog_limit", limit_entry, .first = 20, .sl = 0.05, .tp = 0.1},
    {"bt07_goog_stop_channel", channel, .first = 20},
    {"bt08_goog_trailing", trailing, .first = 20},
    {"bt09_goog_pyramid", pyramid, .first = 20},
    {"bt10_goog_tradeonclose", long_only, .first = 20, .size = 10},
    {"bt11_goog_fixedfee", long_only, .first = 20, .size = 10},
    {"bt12_eurusd_smacross", long_only, .first = 20, .size = 100000},
    {"bt13_eurusd_both_sltp", both_exits, .first = 20, .size = 100000, .sl = 0.003, .tp = 0.006},
    {"bt14_eurusd_margin_out", reverse_all_in, .first = 20},
    {"bt15_btc5m_fixed", long_only, .n1 = 50, .n2 = 200, .first = 200, .size = 1},
    {"bt16_goog_tight", both_exits, .n1 = 3, .n2 = 8, .first = 8, .size = 10, .sl = 0.01, .tp = 0.01},
  };
  return ref_main(cases, sizeof cases / sizeof *cases, argc, argv);
}

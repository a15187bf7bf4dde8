// exchange/margin.c – who may hold what. Cross ("regular") margin: one pot, liquidated as a whole when the equity no longer covers the
// maintenance margin. Isolated: each position has entry value / leverage, and can lose no more.
//
// Initial margin of a symbol: the largest exposure that its open orders could make (position alone, with all buys, with all sells),
// divided by the leverage. So an order that closes needs none, and one cannot pass the limit by many orders.
#include "exchange/core.h"

#include <assert.h>
#include <string.h>

static int64_t abs64(int64_t v) {
  return v < 0 ? -v : v;
}
static int64_t most(int64_t a, int64_t b) {
  return a > b ? a : b;
}

static int64_t mark_of(const struct exch_symbol *s) {
  return s->mark > 0 ? s->mark : s->last;
}

int64_t exch_margin_unrealised(const struct exch_symbol *s, const struct exch_position *p) {
  if (p->lots == 0) return 0;
  int64_t value = exch_value(s, mark_of(s), p->lots);
  return p->lots > 0 ? value - p->entry_e8 : p->entry_e8 - value;
}

static int64_t leverage_of(const struct exch_account *a, const struct exch_symbol *s, bool buy) {
  return buy ? a->leverage[s->index].buy_e2 : a->leverage[s->index].sell_e2;
}
static int64_t initial(int64_t value_e8, int64_t leverage_e2) {
  return (int64_t)div_ceil((int128)value_e8 * 100, leverage_e2);
}

// Values of open orders of a side that can open something.
static int64_t orders_value(const struct exch_account *a, const struct exch_symbol *s, int idx, bool buy) {
  int64_t value = 0;
  if (a->active_count[s->index] == 0) return 0;
  for (const struct exch_order *o = a->active; o; o = o->active_next) {
    if (o->symbol != s || o->idx != idx || o->buy != buy || o->reduce_only || !exch_order_holds(o)) continue;
    value += exch_value(s, o->market && o->status == EXCH_UNTRIGGERED ? o->trigger : o->price, o->qty - o->filled);
  }
  return value;
}

// With an order of that value more.
static void add_position(const struct exch_account *a, const struct exch_symbol *s, int idx, int64_t more_buys,
  int64_t more_sells, struct exch_margin *m) {
  const struct exch_position *p = &a->positions[s->index][idx];
  if (s->spot) {  // paid in full, and owed nothing
    m->order_im += idx == 0 ? orders_value(a, s, 0, true) + more_buys : 0;
    return;
  }
  if (p->lots == 0 && a->active_count[s->index] == 0 && more_buys == 0 && more_sells == 0) return;
  int64_t held = exch_value(s, a->isolated || mark_of(s) == 0 ? 0 : mark_of(s), p->lots);
  if (a->isolated) held = p->entry_e8;
  int64_t buys = idx == 2 ? 0 : orders_value(a, s, idx, true) + more_buys,
          sells = idx == 1 ? 0 : orders_value(a, s, idx, false) + more_sells;
  int64_t now = p->lots < 0 ? -held : held;
  int64_t lev_buy = leverage_of(a, s, true), lev_sell = leverage_of(a, s, false);
  int64_t position = initial(held, p->lots < 0 ? lev_sell : lev_buy);
  int64_t up = now + buys > 0 ? initial(now + buys, lev_buy) : 0,
          down = now - sells < 0 ? initial(sells - now, lev_sell) : 0;
  m->position_im += position;
  m->order_im += most(most(up, down), position) - position;
  m->position_mm += (int64_t)div_ceil((int128)exch_value(s, mark_of(s), p->lots) * s->maintenance_e8, RATE_ONE);
  m->unrealised += exch_margin_unrealised(s, p);
}

void exch_margin_position(const struct exch_account *a, const struct exch_symbol *s, int idx, struct exch_margin *ret) {
  *ret = (struct exch_margin){0};
  add_position(a, s, idx, 0, 0, ret);
}

static void margin_with(const struct exch *x, const struct exch_account *a, const struct exch_symbol *s, int idx,
  int64_t buys, int64_t sells, struct exch_margin *ret) {
  *ret = (struct exch_margin){.wallet = ledger_cash(&a->ledger).e8};
  for (int i = 0; i < x->symbol_count; i++)
    for (int k = 0; k < 3; k++)
      add_position(a, &x->symbols[i], k, s && s->index == i && idx == k ? buys : 0,
        s && s->index == i && idx == k ? sells : 0, ret);
  ret->equity = ret->wallet + ret->unrealised;
}

void exch_margin_of(const struct exch *x, const struct exch_account *a, struct exch_margin *ret) {
  margin_with(x, a, NULL, 0, 0, 0, ret);
}

int64_t exch_margin_locked(const struct exch *x, const struct exch_account *a) {
  int64_t value = 0;
  for (int i = 0; i < x->symbol_count; i++)
    if (x->symbols[i].spot) value += orders_value(a, &x->symbols[i], 0, true);
  return value;
}

int64_t exch_margin_coins_free(const struct exch_account *a, const struct exch_symbol *s) {
  int64_t coins = a->coins_e8[s->index];
  for (const struct exch_order *o = a->active; o; o = o->active_next)
    if (o->symbol == s && !o->buy && exch_order_holds(o)) coins -= (o->qty - o->filled) * RATE_ONE;
  return coins;
}

bool exch_margin_allows(const struct exch *x, const struct exch_account *a, const struct exch_symbol *s, bool buy,
  int idx, int64_t value_e8, int64_t fee_e8) {
  struct exch_margin before, m;
  exch_margin_of(x, a, &before);
  margin_with(x, a, s, idx, buy ? value_e8 : 0, buy ? 0 : value_e8, &m);
  int64_t needs = m.position_im + m.order_im, needed = before.position_im + before.order_im;
  if (needs <= needed) return true;  // closes: always
  return needs + fee_e8 <= (a->isolated ? m.wallet : m.equity);
}

int64_t exch_margin_liquidation_price(
  const struct exch *x, const struct exch_account *a, const struct exch_symbol *s, int idx) {
  const struct exch_position *p = &a->positions[s->index][idx];
  int64_t lots = abs64(p->lots), mark = mark_of(s);
  if (lots == 0) return 0;
  int128 cushion;  // what may be lost from here until nothing is left, maintenance of others kept
  if (a->isolated) {
    cushion = (int128)initial(p->entry_e8, leverage_of(a, s, p->lots > 0)) + exch_margin_unrealised(s, p);
  } else {
    struct exch_margin all, own;
    exch_margin_of(x, a, &all);
    exch_margin_position(a, s, idx, &own);
    cushion = (int128)all.equity - (all.position_mm - own.position_mm);
  }
  // Long: cushion − (mark − P)·q = mm·P·q. Short: cushion − (P − mark)·q = mm·P·q. In ticks, of q = lots × value of a tick.
  int128 q = (int128)lots * s->inst.value_num, mm = s->maintenance_e8;
  int128 num = p->lots > 0 ? (int128)mark * q - cushion : (int128)mark * q + cushion;
  int128 rate = p->lots > 0 ? RATE_ONE - mm : RATE_ONE + mm;
  if (num <= 0) return 0;
  int128 liq = num / q * RATE_ONE / rate;
  return liq > 0 && liq < INT64_MAX ? (int64_t)liq : 0;
}

// Closed by the exchange at the mark, against the house; a wallet below zero is covered by it.
static void take_over(struct exch *x, struct exch_account *a, struct exch_symbol *s, int idx, int64_t loss_max_e8) {
  struct exch_position *p = &a->positions[s->index][idx];
  int64_t wallet = ledger_cash(&a->ledger).e8, lots = abs64(p->lots);
  bool buy = p->lots < 0;
  struct exch_order *o = exch_order_new(x, a, s);
  if (!o) return;
  o->buy = buy;
  o->market = true;
  o->idx = (uint8_t)idx;
  o->qty = lots;
  o->price = mark_of(s);
  o->reduce_only = o->close_on_trigger = o->by_exchange = true;
  o->status = EXCH_NEW;
  exch_order_active(o);
  exch_fill_house(s, buy, lots);
  exch_fill_apply(x, o, mark_of(s), lots, false, EXEC_BUST);
  exch_order_trim(x, a, s, idx);
  int64_t lost = wallet - ledger_cash(&a->ledger).e8, cover = lost - loss_max_e8;
  if (cover > 0) {
    bool ok =
      ledger_post(&a->ledger, BOOK_REALISED, (cash){cover}) && ledger_post(&x->house, BOOK_REALISED, (cash){-cover});
    assert(ok);
  }
  a->liquidations++;
}

static void cancel_orders(struct exch *x, const struct exch_account *a, const struct exch_symbol *s, int idx) {
  for (struct exch_order *o = a->active; o;) {
    bool its = o->symbol == s && o->idx == idx;
    if (its) exch_order_close(x, o, EXCH_CANCELLED, WHY_LIQUIDATION);
    o = its ? a->active : o->active_next;  // closing one may close others
  }
}

bool exch_margin_liquidate_now(struct exch *x, struct exch_account *a, struct exch_symbol *s, int idx) {
  struct exch_position *p = &a->positions[s->index][idx];
  if (p->lots == 0) return false;
  int64_t wallet = ledger_cash(&a->ledger).e8;
  int64_t most_lost = a->isolated ? initial(p->entry_e8, leverage_of(a, s, p->lots > 0)) : wallet;
  cancel_orders(x, a, s, idx);
  take_over(x, a, s, idx, most_lost > 0 ? most_lost : 0);
  if (x->sink.wallet) x->sink.wallet(x->sink.self, a);
  return true;
}

static void liquidate_account(struct exch *x, struct exch_account *a) {
  struct exch_margin m;
  exch_margin_of(x, a, &m);
  if (m.position_mm == 0) return;
  if (!a->isolated && m.equity > m.position_mm) return;
  for (int i = 0; i < x->symbol_count; i++) {
    for (int k = 0; k < 3; k++) {
      struct exch_symbol *s = &x->symbols[i];
      struct exch_margin own;
      exch_margin_position(a, s, k, &own);
      if (s->spot || a->positions[i][k].lots == 0) continue;
      if (a->isolated && own.position_im + own.unrealised > own.position_mm) continue;
      exch_margin_liquidate_now(x, a, s, k);
    }
  }
}

void exch_margin_liquidate(struct exch *x) {
  for (int i = 0; i < x->account_count; i++) liquidate_account(x, x->accounts[i]);
}

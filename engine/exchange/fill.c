// exchange/fill.c – what a trade does: position, profit, fee, records. The value of an entry is kept as a sum, so the profits of the parts of
// a close add up to the profit of the whole, to the last 1e-8.
#include "exchange/core.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct exch_execution *exch_fill_record(struct exch *x) {
  if (x->execution_count == x->execution_cap) {
    size_t cap = x->execution_cap > 0 ? x->execution_cap * 2 : 256;
    struct exch_execution *more = realloc(x->executions, cap * sizeof more[0]);
    assert(more);  // a simulator without memory for its ledger is no oracle any more
    x->executions = more;
    x->execution_cap = cap;
  }
  struct exch_execution *e = &x->executions[x->execution_count++];
  *e = (struct exch_execution){.time_ms = x->now_ms};
  exch_id(x, e->id);
  e->seq = x->seq;
  return e;
}

void exch_fill_house(struct exch_symbol *s, bool client_buys, int64_t lots) {
  s->house_lots += client_buys ? -lots : lots;
}

static void post(struct ledger *l, enum book book, int64_t amount_e8) {
  bool ok = ledger_post(l, book, (cash){amount_e8});
  assert(ok);
}

// Returns the lots that closed something, and the profit of them.
static int64_t change_position(
  struct exch *x, struct exch_position *p, int64_t px, int64_t lots, const struct exch_symbol *s, int64_t *ret_pnl_e8) {
  int64_t held = p->lots < 0 ? -p->lots : p->lots, amount = lots < 0 ? -lots : lots, closed = 0;
  *ret_pnl_e8 = 0;
  if (held > 0 && (p->lots < 0) != (lots < 0)) {
    closed = amount < held ? amount : held;
    int64_t entry = closed == held ? p->entry_e8 : (int64_t)div_round((int128)p->entry_e8 * closed, held),
            exit = exch_value(s, px, closed);
    *ret_pnl_e8 = p->lots > 0 ? exit - entry : entry - exit;
    p->entry_e8 -= entry;
  }
  if (p->lots == 0 || closed == held) {
    p->session_e8 = 0;
    p->created_ms = x->now_ms;
  }
  if (amount > closed) p->entry_e8 += exch_value(s, px, amount - closed);
  p->lots += lots;
  p->updated_ms = x->now_ms;
  p->seq = x->seq;
  assert((p->lots == 0) == (p->entry_e8 == 0));
  return closed;
}

// What the order wished for the position it made. In the mode "Partial" each fill gets stops of its own size, as long as there is room for them.
static void set_stops(struct exch *x, const struct exch_order *o, int64_t lots) {
  const struct {
    bool profit;
    int64_t px;
    enum exch_by by;
  } stops[] = {{true, o->take_profit, o->tp_by}, {false, o->stop_loss, o->sl_by}};
  for (int i = 0; i < 2; i++) {
    if (stops[i].px == 0) continue;
    if (o->tpsl_partial)
      exch_trigger_part(x, o->account, o->symbol, o->idx, stops[i].profit, stops[i].px, lots, stops[i].by);
    else
      exch_trigger_position(x, o->account, o->symbol, o->idx, stops[i].profit, stops[i].px, stops[i].by);
  }
}

// Coins for money. The fee is taken out of what is received: of a buy in coins, to the last 1e-8 of a lot.
static int64_t exchange_coins(struct exch *x, struct exch_account *a, const struct exch_order *o, int64_t value, int64_t lots, int64_t rate) {
  int64_t *coins = &a->coins_e8[o->symbol->index], fee;
  post(&a->ledger, BOOK_SWAP, o->buy ? -value : value);
  if (o->buy) {
    fee = lots * rate;
    *coins += lots * RATE_ONE - fee;
    return fee;
  }
  fee = (int64_t)div_ceil((int128)value * rate, RATE_ONE);
  *coins -= lots * RATE_ONE;
  assert(*coins >= 0);
  post(&a->ledger, BOOK_FEES, -fee);
  post(&x->house, BOOK_FEES, fee);
  return fee;
}

// Profit and fee of a perpetual.
static int64_t settle(struct exch *x, struct exch_account *a, struct exch_position *p, int64_t value, int64_t rate, int64_t pnl) {
  const int64_t fee = (int64_t)div_ceil((int128)value * rate, RATE_ONE);
  post(&a->ledger, BOOK_REALISED, pnl);
  post(&a->ledger, BOOK_FEES, -fee);
  post(&x->house, BOOK_FEES, fee);
  p->realised_e8 += pnl - fee;
  p->session_e8 += pnl - fee;
  return fee;
}

void exch_fill_apply(struct exch *x, struct exch_order *o, int64_t px, int64_t lots, bool maker, enum exch_exec kind) {
  struct exch_symbol *s = o->symbol;
  struct exch_account *a = o->account;
  struct exch_position *p = &a->positions[s->index][o->idx];
  int64_t value = exch_value(s, px, lots), rate = maker ? s->maker_e8 : s->taker_e8, pnl;
  assert(lots > 0 && o->filled + lots <= o->qty);
  struct exch_execution *e = exch_fill_record(x);
  int64_t closed = change_position(x, p, px, o->buy ? lots : -lots, s, &pnl);
  const int64_t fee = s->spot ? exchange_coins(x, a, o, value, lots, rate) : settle(x, a, p, value, rate, pnl);
  o->filled += lots;
  o->value_e8 += value;
  o->fee_e8 += fee;
  o->updated_ms = x->now_ms;
  a->executions++;
  e->order = o;
  e->account = a;
  e->symbol = s;
  e->kind = kind;
  e->buy = o->buy;
  e->maker = maker;
  e->price = px;
  e->qty = lots;
  e->value_e8 = value;
  e->fee_e8 = fee;
  e->rate_e8 = rate;
  e->closed = s->spot ? 0 : closed;
  e->pnl_e8 = s->spot ? 0 : pnl;
  e->leaves = o->qty - o->filled;
  e->mark = s->mark;
  struct exch_execution told = *e;  // the array may move
  if (o->filled == o->qty)
    exch_order_close(x, o, EXCH_FILLED, WHY_NONE);
  else
    o->status = EXCH_PARTIAL;
  if (x->sink.execution) x->sink.execution(x->sink.self, &told);
  if (o->filled < o->qty && x->sink.order) x->sink.order(x->sink.self, o);
  if (!s->spot && p->lots != 0 && (p->lots > 0) == o->buy) set_stops(x, o, lots);
  if (s->spot && o->status == EXCH_FILLED) exch_trigger_exits(x, o);
  if (x->sink.position && !s->spot) x->sink.position(x->sink.self, a, s, o->idx);
  if (x->sink.wallet) x->sink.wallet(x->sink.self, a);
}

void exch_market_print(struct exch *x, struct exch_symbol *s, int64_t px, int64_t lots, bool buy) {
  struct exch_public_trade *t = &s->tape[s->tape_count++ % EXCH_TAPE];
  *t = (struct exch_public_trade){x->now_ms, px, lots, buy, ++x->seq};
  s->last = px;
  if (s->high_day < px) s->high_day = px;
  if (s->low_day == 0 || s->low_day > px) s->low_day = px;
  if (s->mark == 0) s->mark = s->index_price = px;
  exch_candle_trade(x, s, px, lots);
  if (x->sink.trade) x->sink.trade(x->sink.self, s, t);
}

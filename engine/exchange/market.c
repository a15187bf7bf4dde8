// exchange/market.c – what moves prices, and what follows from it: fills of resting orders, triggers, liquidation, funding.
#include "exchange/core.h"

#include <assert.h>

#define DAY_MS INT64_C(86400000)

static void after_move(struct exch *x, struct exch_symbol *s) {
  exch_trigger_run(x, s);
  exch_margin_liquidate(x);
  if (x->sink.market) x->sink.market(x->sink.self, s);
}

void exch_market_push(struct exch *x, struct exch_symbol *s, int64_t bid, int64_t ask, int64_t last, int64_t lots) {
  if (last > 0 && last <= s->max_price) {
    bool up = last >= s->last;
    if (!s->mark_pinned) s->mark = s->index_price = last;
    if (lots > 0)
      exch_market_print(x, s, last, lots, up);
    else
      s->last = last;
    if (s->prev_day == 0) s->prev_day = last;
  }
  if (bid <= 0 || ask <= bid) {
    bid = last > 1 ? last - 1 : last;
    ask = bid + 1;
    if (last > 1 && s->tape_count % 2 == 1) {  // the last trade is on either side of the quote
      bid = last;
      ask = last + 1;
    }
  }
  if (x->depth_e8 > 0 && bid > 0 && ask <= s->max_price) exch_book_quote(x, s, bid, ask);
  after_move(x, s);
  if (s->twin) exch_market_push(x, s->twin, bid, ask, last, lots);
}

void exch_market_mark(struct exch *x, struct exch_symbol *s, int64_t mark) {
  s->mark_pinned = mark > 0;
  s->mark = s->index_price = mark > 0 ? mark : s->last;
  after_move(x, s);
}

void exch_market_day(struct exch_symbol *s, int64_t now_ms) {
  int64_t from = now_ms - DAY_MS;
  s->high_day = s->low_day = s->last;
  for (size_t i = s->candle_count; i-- > 0;) {
    const struct exch_candle *c = &s->candles[i];
    if (c->open_ms < from) break;
    s->prev_day = c->open;
    if (c->high > s->high_day) s->high_day = c->high;
    if (s->low_day == 0 || c->low < s->low_day) s->low_day = c->low;
  }
}

// ---- funding ----

static void pay(struct exch *x, struct exch_account *a, struct exch_symbol *s, int idx, int64_t rate_e8) {
  struct exch_position *p = &a->positions[s->index][idx];
  if (p->lots == 0) return;
  int64_t px = s->mark > 0 ? s->mark : s->last, value = exch_value(s, px, p->lots);
  int64_t fee = (int64_t)div_round((int128)value * rate_e8, RATE_ONE);  // longs pay a positive rate
  if (p->lots < 0) fee = -fee;
  bool ok = ledger_post(&a->ledger, BOOK_FUNDING, (cash){-fee}) && ledger_post(&x->house, BOOK_FUNDING, (cash){fee});
  assert(ok);
  p->realised_e8 -= fee;
  p->session_e8 -= fee;
  a->executions++;
  struct exch_execution *e = exch_fill_record(x);
  e->account = a;
  e->symbol = s;
  e->kind = EXEC_FUNDING;
  e->buy = p->lots > 0;
  e->price = e->mark = px;
  e->qty = p->lots < 0 ? -p->lots : p->lots;
  e->value_e8 = value;
  e->fee_e8 = fee;
  e->rate_e8 = rate_e8;
  struct exch_execution told = *e;
  if (x->sink.execution) x->sink.execution(x->sink.self, &told);
  if (x->sink.position) x->sink.position(x->sink.self, a, s, idx);
  if (x->sink.wallet) x->sink.wallet(x->sink.self, a);
}

void exch_funding_pay(struct exch *x, struct exch_symbol *s, int64_t rate_e8) {
  for (int i = 0; i < x->account_count; i++)
    for (int k = 0; k < 3; k++) pay(x, x->accounts[i], s, k, rate_e8);
  uint64_t at = s->funding_count++ % EXCH_FUNDING_KEPT;
  s->funding[at].time_ms = x->now_ms;
  s->funding[at].rate_e8 = rate_e8;
  exch_margin_liquidate(x);
}

void exch_funding_due(struct exch *x) {
  for (int i = 0; i < x->symbol_count; i++) {
    struct exch_symbol *s = &x->symbols[i];
    if (s->spot) continue;
    if (s->funding_ms == 0) s->funding_ms = x->now_ms - x->now_ms % s->funding_every_ms + s->funding_every_ms;
    if (x->now_ms < s->funding_ms) continue;
    exch_funding_pay(x, s, s->funding_e8);
    s->funding_ms = x->now_ms - x->now_ms % s->funding_every_ms + s->funding_every_ms;
  }
}

// order/account.c – booking of fills and the sums over positions. A fill is worked out completely before anything changes,
// so that an overflow anywhere leaves the account as it was.
#include "order/account.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "order/q32.h"

void account_init(struct account *a, bool hedging) {
  memset(a, 0, sizeof *a);
  ledger_init(&a->ledger);
  a->hedging = hedging;
  a->next_position_id = 1;
}

void account_finish(struct account *a) {
  for (int i = 0; i < a->symbol_count; i++)
    for (int leg = 0; leg < LEG_COUNT; leg++) lot_list_finish(&a->symbols[i].pos[leg].open);
  free(a->symbols);
  trade_list_finish(&a->trades);
  memset(a, 0, sizeof *a);
}

enum status account_symbol_add(struct account *a, const struct instrument *inst, int64_t leverage_e4, int *ret_symbol,
                               struct err *err) {
  if (leverage_e4 <= 0 || leverage_e4 > 10000 * LEVERAGE_ONE_E4)
    return err_set(err, ERR_INVALID, "%s: leverage must be above 0 and at most 10000", inst->symbol);
  assert(inst->value_num > 0 && inst->value_den > 0);  // instrument_finish() was called
  if (a->symbol_count == a->symbol_cap) {
    int cap = a->symbol_cap ? a->symbol_cap * 2 : 1;  // nearly all have one
    struct account_symbol *symbols = realloc(a->symbols, (size_t)cap * sizeof *symbols);
    if (!symbols) return err_set(err, ERR_NOMEM, "symbols of an account");
    a->symbols = symbols;
    a->symbol_cap = cap;
  }
  struct account_symbol *s = &a->symbols[a->symbol_count];
  *s = (struct account_symbol){.inst = *inst, .mark = NO_PRICE, .leverage_e4 = leverage_e4};
  *ret_symbol = a->symbol_count++;
  return OK;
}

bool account_deposit(struct account *a, cash amount) {
  if (!ledger_post(&a->ledger, BOOK_DEPOSIT, amount)) return false;
  account_peak(a);
  return true;
}

void account_split(const struct account *a, int symbol, enum side side, enum leg leg, int64_t lots, int64_t *ret_closing,
                   int64_t *ret_opening) {
  assert(lots >= 0);
  int64_t held = account_lots(a, symbol, leg);
  int64_t against = side == SIDE_BUY ? (held < 0 ? -held : 0) : (held > 0 ? held : 0);
  *ret_closing = lots < against ? lots : against;
  *ret_opening = lots - *ret_closing;
}

// --- booking ---------------------------------------------------------------------------------------------------------------

// What a fill will do, worked out before anything is touched.
struct booking {
  struct position *pos;
  int64_t closing, opening, lots_after;
  int128 cost_closed, cost_opened, cost_after, realised_q32;
  int64_t realised_e8, close_fee_e8, open_fee_e8;
};

static bool booking_prepare(const struct account *a, const struct fill *f, struct booking *b) {
  const struct account_symbol *s = &a->symbols[f->symbol];
  const struct position *p = b->pos;
  account_split(a, f->symbol, f->side, f->leg, f->qty.lots, &b->closing, &b->opening);
  if (!add_checked(p->lots, f->side * f->qty.lots, &b->lots_after) || b->lots_after == INT64_MIN) return false;
  int64_t held = p->lots < 0 ? -p->lots : p->lots;
  int sign = p->lots < 0 ? -1 : 1;
  b->cost_closed = b->cost_opened = 0;
  b->realised_q32 = s->realised_q32;
  if (b->closing > 0) {
    int128 value;
    b->cost_closed = b->closing == held ? p->cost_q32 : q32_share(p->cost_q32, b->closing, held);
    if (!q32_product(f->px.ticks, sign * b->closing, &value)) return false;
    if (!q32_add(value, -b->cost_closed, &value) || !q32_add(b->realised_q32, value, &b->realised_q32)) return false;
  }
  if (b->opening > 0 && !q32_product(f->px.ticks, f->side * b->opening, &b->cost_opened)) return false;
  if (!q32_add(p->cost_q32 - b->cost_closed, b->cost_opened, &b->cost_after)) return false;
  int64_t total;
  if (!q32_cash(&s->inst, b->realised_q32, ROUND_NEAREST, &total)) return false;
  if (!sub_checked(total, s->realised_e8, &b->realised_e8)) return false;
  b->close_fee_e8 = b->opening == 0 ? f->fee.e8 : (int64_t)((int128)f->fee.e8 * b->closing / f->qty.lots);
  b->open_fee_e8 = f->fee.e8 - b->close_fee_e8;
  return true;
}

// Profit of lots between two prices, nearest 1e-8; 0 beyond 64 bits (the ledger, which checks, is the truth).
static int64_t profit_e8(const struct instrument *inst, int direction, price from, price to, int64_t lots) {
  int128 q;
  int64_t diff, e8;
  if (!sub_checked(to.ticks, from.ticks, &diff) || !q32_product(diff, direction * lots, &q)) return 0;
  return q32_cash(inst, q, ROUND_NEAREST, &e8) ? e8 : 0;
}

static void trade_record(struct account *a, const struct fill *f, const struct position *p, struct lot *e, int64_t take,
                         int64_t exit_fee_e8) {
  const struct instrument *inst = &a->symbols[f->symbol].inst;
  int direction = p->lots > 0 ? 1 : -1;
  int64_t entry_fee = take == e->lots ? e->fee.e8 : (int64_t)((int128)e->fee.e8 * take / e->lots);
  int64_t gross = profit_e8(inst, direction, e->px, f->px, take);
  price high = e->high.ticks > f->px.ticks ? e->high : f->px, low = e->low.ticks < f->px.ticks ? e->low : f->px;
  int64_t up = high.ticks == f->px.ticks ? gross : high.ticks == e->px.ticks ? 0 : profit_e8(inst, direction, e->px, high, take);
  int64_t down = low.ticks == f->px.ticks ? gross : low.ticks == e->px.ticks ? 0 : profit_e8(inst, direction, e->px, low, take);
  assert(a->trades.count < a->trades.cap && take > 0 && take <= e->lots);
  a->trades.items[a->trades.count++] = (struct trade){
    .symbol = f->symbol, .direction = direction, .qty = {take}, .entry_ns = e->time_ns, .exit_ns = f->time_ns,
    .entry_px = e->px, .exit_px = f->px, .entry_order = e->order, .exit_order = f->order, .position_id = p->id,
    .pnl = {gross - entry_fee - exit_fee_e8}, .fees = {entry_fee + exit_fee_e8},
    .mae = {direction > 0 ? down : up}, .mfe = {direction > 0 ? up : down},
    .bars = p->bars - e->bar, .tag = e->tag, .exit_tag = f->tag, .ambiguous = e->ambiguous || f->ambiguous,
    .liquidated = f->tag == TAG_LIQUIDATION,
  };
  e->lots -= take;
  e->fee.e8 -= entry_fee;
}

// Pairs the closing part with open entries: those of order `closes` first, then the oldest.
static void trades_close(struct account *a, const struct fill *f, struct position *p, int64_t closing, int64_t fee_e8) {
  struct lot_list *open = &p->open;
  int64_t left = closing;
  while (left > 0) {
    assert(lot_list_size(open) > 0);
    size_t at = open->head;
    if (f->closes) {
      size_t i = open->head;
      while (i < open->count && open->items[i].order != f->closes) i++;
      if (i < open->count) at = i;
    }
    struct lot *e = &open->items[at];
    int64_t take = left < e->lots ? left : e->lots;
    int64_t fee = (int64_t)((int128)fee_e8 * take / left);
    trade_record(a, f, p, e, take, fee);
    fee_e8 -= fee;
    left -= take;
    if (e->lots == 0) lot_list_remove(open, at);
  }
  assert(fee_e8 == 0);
}

bool account_fill(struct account *a, const struct fill *f, struct fill_result *ret) {
  assert(f->symbol >= 0 && f->symbol < a->symbol_count && f->qty.lots > 0);
  assert(a->hedging ? f->leg == LEG_LONG || f->leg == LEG_SHORT : f->leg == LEG_NET);
  struct account_symbol *s = &a->symbols[f->symbol];
  struct booking b = {.pos = &s->pos[f->leg]};
  struct position *p = b.pos;
  if (!booking_prepare(a, f, &b)) return false;
  if (b.closing > 0 && !trade_list_reserve(&a->trades, lot_list_size(&p->open))) return false;
  if (b.opening > 0 && !lot_list_reserve(&p->open)) return false;
  int64_t after_fee;  // both postings must fit before the first is made
  if (f->fee.e8 == INT64_MIN || !sub_checked(b.realised_e8, f->fee.e8, &after_fee)) return false;
  struct ledger l = a->ledger;
  if (b.realised_e8 != 0 && !ledger_post(&l, BOOK_REALISED, (cash){b.realised_e8})) return false;
  if (f->fee.e8 != 0 && !ledger_post(&l, BOOK_FEES, (cash){-f->fee.e8})) return false;
  a->ledger = l;

  int64_t before = p->lots;
  *ret = (struct fill_result){.position_id = p->id, .lots_before = before, .lots_after = b.lots_after,
                              .realised = {b.realised_e8}};
  s->realised_q32 = b.realised_q32;
  s->realised_e8 += b.realised_e8;
  if (b.closing > 0) trades_close(a, f, p, b.closing, b.close_fee_e8);
  bool begins = b.opening > 0 && (before == 0 || b.closing > 0);
  if (b.lots_after == 0 || (begins && before != 0)) p->id = 0;
  if (begins) {
    p->id = a->next_position_id++;
    p->opened_ns = f->time_ns;
    p->bars = 0;
    p->adds = 0;
  } else if (b.opening > 0) {
    p->adds++;
  }
  a->open_count += (b.lots_after != 0) - (before != 0);
  p->lots = b.lots_after;
  p->cost_q32 = b.cost_after;
  if (b.opening > 0)
    lot_list_push(&p->open, &(struct lot){.lots = b.opening, .px = f->px, .fee = {b.open_fee_e8}, .time_ns = f->time_ns,
                                          .order = f->order, .bar = p->bars, .high = f->px, .low = f->px, .tag = f->tag,
                                          .ambiguous = f->ambiguous});
  if (p->lots == 0) *p = (struct position){.open = p->open};
  ret->new_position_id = begins ? p->id : 0;
  ret->change = before == 0 ? POSITION_OPENED : b.closing == 0 ? POSITION_ADDED : b.opening > 0 ? POSITION_FLIPPED
              : b.lots_after == 0 ? POSITION_CLOSED : POSITION_REDUCED;
  if (ret->change == POSITION_OPENED) ret->position_id = p->id;
  assert((p->lots == 0) == (lot_list_size(&p->open) == 0) && (p->lots != 0 || p->cost_q32 == 0));
  return true;
}

// --- sums ------------------------------------------------------------------------------------------------------------------

int64_t account_lots(const struct account *a, int symbol, enum leg leg) {
  assert(symbol >= 0 && symbol < a->symbol_count);
  const struct account_symbol *s = &a->symbols[symbol];
  return leg == LEG_NET && a->hedging ? s->pos[LEG_LONG].lots + s->pos[LEG_SHORT].lots : s->pos[leg].lots;
}

double account_avg_ticks(const struct account *a, int symbol, enum leg leg) {
  const struct position *p = &a->symbols[symbol].pos[leg];
  return p->lots == 0 ? NAN : (double)p->cost_q32 / 4294967296.0 / (double)p->lots;
}

price account_avg(const struct account *a, int symbol, enum leg leg, enum round_mode mode) {
  const struct position *p = &a->symbols[symbol].pos[leg];
  if (p->lots == 0) return NO_PRICE;
  int128 num = p->cost_q32, den = (int128)p->lots * ((int128)1 << 32);
  if (den < 0) num = -num, den = -den;
  int128 ticks = mode == ROUND_FLOOR ? div_floor(num, den) : mode == ROUND_CEIL ? div_ceil(num, den) : div_round(num, den);
  return (price){(int64_t)ticks};
}

static bool position_profit(const struct account_symbol *s, const struct position *p, price px, int64_t *ret) {
  int128 value;
  return q32_product(px.ticks, p->lots, &value) && q32_cash(&s->inst, value - p->cost_q32, ROUND_NEAREST, ret);
}

bool account_unrealised_at(const struct account *a, int symbol, enum leg leg, price px, cash *ret) {
  const struct account_symbol *s = &a->symbols[symbol];
  return position_profit(s, &s->pos[leg], px, &ret->e8);
}

static int64_t saturate(int128 v) { return v > INT64_MAX ? INT64_MAX : v < INT64_MIN + 1 ? INT64_MIN + 1 : (int64_t)v; }

static int128 symbol_profit(const struct account_symbol *s, price px) {
  if (!price_given(px)) return 0;
  int128 sum = 0;
  for (int leg = 0; leg < LEG_COUNT; leg++) {
    const struct position *p = &s->pos[leg];
    int64_t e8;
    if (p->lots == 0) continue;
    if (!position_profit(s, p, px, &e8)) e8 = (p->lots > 0) == (px.ticks > 0) ? INT64_MAX : INT64_MIN + 1;
    sum += e8;
  }
  return sum;
}

cash account_unrealised(const struct account *a, int symbol) {
  return (cash){saturate(symbol_profit(&a->symbols[symbol], a->symbols[symbol].mark))};
}

cash account_equity_at(const struct account *a, int symbol, price px) {
  int128 sum = account_balance(a).e8;
  for (int i = 0; i < a->symbol_count; i++) sum += symbol_profit(&a->symbols[i], i == symbol ? px : a->symbols[i].mark);
  return (cash){saturate(sum)};
}

static int64_t margin_of_notional(const struct account_symbol *s, int64_t notional_e8) {
  if (s->leverage_e4 == LEVERAGE_ONE_E4) return notional_e8;
  return saturate(div_ceil((int128)notional_e8 * LEVERAGE_ONE_E4, s->leverage_e4));
}

bool account_margin_of(const struct account *a, int symbol, price px, int64_t lots, cash *ret) {
  assert(lots >= 0);
  const struct account_symbol *s = &a->symbols[symbol];
  int128 value;
  int64_t notional;
  if (!q32_product(px.ticks, lots, &value) || !q32_cash(&s->inst, value < 0 ? -value : value, ROUND_CEIL, &notional))
    return false;
  ret->e8 = margin_of_notional(s, notional);
  return true;
}

static int128 symbol_margin(const struct account *a, int symbol) {
  const struct account_symbol *s = &a->symbols[symbol];
  if (!price_given(s->mark)) return 0;
  int128 sum = 0;
  for (int leg = 0; leg < LEG_COUNT; leg++) {
    int64_t lots = s->pos[leg].lots;
    cash m;
    if (lots == 0) continue;
    sum += account_margin_of(a, symbol, s->mark, lots < 0 ? -lots : lots, &m) ? m.e8 : INT64_MAX;
  }
  return sum;
}

cash account_margin(const struct account *a) {
  int128 sum = 0;
  for (int i = 0; i < a->symbol_count; i++) sum += symbol_margin(a, i);
  return (cash){saturate(sum)};
}

cash account_free_now(const struct account *a) {
  int128 sum = account_equity(a).e8;
  for (int i = 0; i < a->symbol_count; i++) sum -= symbol_margin(a, i);
  return (cash){saturate(sum)};
}

// The part of working orders' notional on one side that would open beyond closing `against` lots.
static int64_t opening_value(int64_t lots, int64_t value_e8, int64_t against) {
  if (lots <= against) return 0;
  return against <= 0 ? value_e8 : (int64_t)div_ceil((int128)value_e8 * (lots - against), lots);
}

static int64_t symbol_held(const struct account *a, int symbol) {
  const struct account_symbol *s = &a->symbols[symbol];
  if (s->work_buy_lots == 0 && s->work_sell_lots == 0) return 0;
  int64_t lots = a->hedging ? 0 : s->pos[LEG_NET].lots;  // hedging legs never close by an entry order
  int64_t buys = margin_of_notional(s, opening_value(s->work_buy_lots, s->work_buy_e8, lots < 0 ? -lots : 0));
  int64_t sells = margin_of_notional(s, opening_value(s->work_sell_lots, s->work_sell_e8, lots > 0 ? lots : 0));
  if (a->hedging) return saturate((int128)buys + sells);
  return buys > sells ? buys : sells;
}

cash account_free(const struct account *a) {
  int128 sum = account_free_now(a).e8;
  if (a->work_count > 0)
    for (int i = 0; i < a->symbol_count; i++) sum -= symbol_held(a, i);
  return (cash){saturate(sum)};
}

cash account_peak(struct account *a) {
  int64_t e8 = account_equity(a).e8;
  if (e8 > a->equity_peak_e8) a->equity_peak_e8 = e8;
  return (cash){a->equity_peak_e8};
}

void account_check(const struct account *a) {
  ledger_check(&a->ledger);
  int128 realised = 0;
  int open_count = 0;
  for (int i = 0; i < a->symbol_count; i++) {
    const struct account_symbol *s = &a->symbols[i];
    realised += s->realised_e8;
    assert(s->work_buy_lots >= 0 && s->work_sell_lots >= 0 && s->work_buy_e8 >= 0 && s->work_sell_e8 >= 0);
    assert(s->pos[LEG_LONG].lots >= 0 && s->pos[LEG_SHORT].lots <= 0);
    for (int leg = 0; leg < LEG_COUNT; leg++) {
      const struct position *p = &s->pos[leg];
      int128 lots = 0;
      for (size_t k = p->open.head; k < p->open.count; k++) {
        const struct lot *e = &p->open.items[k];
        assert(e->lots > 0 && e->low.ticks <= e->px.ticks && e->px.ticks <= e->high.ticks);
        lots += e->lots;
      }
      assert(lots == (p->lots < 0 ? -(int128)p->lots : p->lots));
      assert((p->lots == 0) == (p->id == 0));
      open_count += p->lots != 0;
      assert(p->lots != 0 || p->cost_q32 == 0);
    }
  }
  assert(realised == ledger_total(&a->ledger, BOOK_REALISED).e8);
  assert(open_count == a->open_count);
}

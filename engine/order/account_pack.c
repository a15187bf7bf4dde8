// order/account_pack.c – an account to bytes and back (base/pack.h): money, positions with their open entries, trades that were not read yet.
#include "order/account.h"

#include "base/pack.h"

#define LENGTH(table) (sizeof(table) / sizeof *(table))
#define ENTRIES_MAX (1 << 24)
#define PRICE(type, member) PACK_FIELD(type, member, NO_PRICE_TICKS, INT64_MIN, INT64_MAX)

// A new member of one of these structures belongs into its table.
_Static_assert(sizeof(struct lot) == 72 && sizeof(struct trade) == 128 && sizeof(struct position) == 96, "tables below");
#define LOT(member) PACK_ANY(struct lot, member)
static const struct pack_field lot_fields[] = {
    LOT(lots), LOT(px), LOT(fee), LOT(time_ns), LOT(order), LOT(bar), LOT(high), LOT(low), LOT(tag), PACK_FIELD(struct lot, ambiguous, 0, 0, 1)};
#define TRADE(member) PACK_ANY(struct trade, member)
static const struct pack_field trade_fields[] = {
    PACK_FIELD(struct trade, symbol, 0, 0, INT32_MAX), PACK_FIELD(struct trade, direction, 0, -1, 1), TRADE(qty), TRADE(entry_ns), TRADE(exit_ns), TRADE(entry_px), TRADE(exit_px),
    TRADE(entry_order), TRADE(exit_order), TRADE(position_id), TRADE(pnl), TRADE(fees), TRADE(mae), TRADE(mfe), TRADE(bars), TRADE(tag), TRADE(exit_tag),
    PACK_FIELD(struct trade, ambiguous, 0, 0, 1), PACK_FIELD(struct trade, liquidated, 0, 0, 1)};
#define POSITION(member) PACK_ANY(struct position, member)
static const struct pack_field position_fields[] = {POSITION(lots), POSITION(id), POSITION(opened_ns), POSITION(bars), POSITION(adds)};
#define SYMBOL(member) PACK_ANY(struct account_symbol, member)
static const struct pack_field symbol_fields[] = {PRICE(struct account_symbol, mark), SYMBOL(realised_e8), SYMBOL(work_buy_lots), SYMBOL(work_sell_lots), SYMBOL(work_buy_e8), SYMBOL(work_sell_e8)};

static void entries_pack(struct lot_list *l, struct pack *p) {
  const size_t n = pack_count(p, lot_list_size(l), ENTRIES_MAX);
  for (size_t i = 0; i < n; i++) {
    if (pack_reads(p) && !lot_list_reserve(l)) pack_fail(p);
    if (p->failed) return;
    if (pack_reads(p)) l->count++;
    pack_fields(p, &l->items[l->head + i], lot_fields, LENGTH(lot_fields));
  }
}

static void trades_pack(struct trade_list *l, struct pack *p, int symbols) {
  const size_t n = pack_count(p, l->count, ENTRIES_MAX);
  if (pack_reads(p) && !trade_list_reserve(l, n)) pack_fail(p);
  for (size_t i = 0; i < n && !p->failed; i++) {
    if (pack_reads(p)) l->count++;
    pack_fields(p, &l->items[i], trade_fields, LENGTH(trade_fields));
    if (l->items[i].symbol >= symbols) pack_fail(p);
  }
}

static void symbol_pack(struct account_symbol *s, struct pack *p) {
  pack_fields(p, s, symbol_fields, LENGTH(symbol_fields));
  s->realised_q32 = pack_wide(p, s->realised_q32);
  for (int leg = 0; leg < LEG_COUNT; leg++) {
    struct position *pos = &s->pos[leg];
    pack_fields(p, pos, position_fields, LENGTH(position_fields));
    if (pos->lots == 0) continue;
    pos->cost_q32 = pack_wide(p, pos->cost_q32);
    entries_pack(&pos->open, p);
  }
}

void account_pack(struct account *a, struct pack *p) {
  for (int i = 0; i < BOOK_COUNT; i++) a->ledger.balance_e8[i] = pack_any(p, a->ledger.balance_e8[i]);
  a->ledger.entries = (uint64_t)pack_any(p, (int64_t)a->ledger.entries);
  a->next_position_id = (uint64_t)pack_any(p, (int64_t)a->next_position_id);
  a->work_count = (int)pack_number(p, a->work_count, 0, INT32_MAX);
  a->open_count = (int)pack_number(p, a->open_count, 0, INT32_MAX);
  a->equity_peak_e8 = pack_any(p, a->equity_peak_e8);
  for (int i = 0; i < a->symbol_count; i++) symbol_pack(&a->symbols[i], p);
  trades_pack(&a->trades, p, a->symbol_count);
}

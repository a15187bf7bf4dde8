// order/sub_books.c – every change is worked out on copies first, so that a sum that does not fit changes nothing.
#include "order/sub_books.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "order/q32.h"

static struct sub_line *line(struct sub_books *b, int slot, int symbol) {
  assert(slot >= 0 && slot < b->slot_count && symbol >= 0 && symbol < b->symbol_count);
  return (struct sub_line *)sub_books_line(b, slot, symbol);
}

// --- places --------------------------------------------------------------------------------------------------------------

enum { FIRST_SLOTS = 4, FIRST_SYMBOLS = 4 };

// Everything at new sizes; on failure the old stays.
static enum status resize(struct sub_books *b, int slot_cap, int symbol_cap, struct err *err) {
  struct instrument *symbols = calloc((size_t)symbol_cap, sizeof *symbols);
  struct sub_slot *slots = calloc((size_t)slot_cap, sizeof *slots);
  struct sub_line *lines = calloc((size_t)slot_cap * (size_t)symbol_cap, sizeof *lines);
  struct sub_line *account = calloc((size_t)symbol_cap, sizeof *account);
  if (!symbols || !slots || !lines || !account) {
    free(symbols), free(slots), free(lines), free(account);
    return err_set(err, ERR_NOMEM, "virtual ledgers");
  }
  if (b->symbol_count > 0) {
    memcpy(symbols, b->symbols, (size_t)b->symbol_count * sizeof *symbols);
    memcpy(account, b->account, (size_t)b->symbol_count * sizeof *account);
  }
  if (b->slot_count > 0) memcpy(slots, b->slots, (size_t)b->slot_count * sizeof *slots);
  for (int i = 0; i < b->slot_count; i++)
    for (int s = 0; s < b->symbol_count; s++) lines[(size_t)i * (size_t)symbol_cap + (size_t)s] = *line(b, i, s);
  free(b->symbols), free(b->slots), free(b->lines), free(b->account);
  b->symbols = symbols, b->slots = slots, b->lines = lines, b->account = account;
  b->slot_cap = slot_cap, b->symbol_cap = symbol_cap;
  return OK;
}

enum status sub_books_init(struct sub_books *b, struct err *err) {
  *b = (struct sub_books){0};
  enum status st = resize(b, FIRST_SLOTS, FIRST_SYMBOLS, err);
  if (st != OK) return st;
  b->slots[SUB_HOUSE].used = true;
  b->slot_count = 1;
  return OK;
}

void sub_books_finish(struct sub_books *b) {
  free(b->symbols), free(b->slots), free(b->lines), free(b->account);
  *b = (struct sub_books){0};
}

enum status sub_books_symbol(struct sub_books *b, const struct instrument *inst, int *ret_symbol, struct err *err) {
  assert(inst->value_num > 0 && inst->value_den > 0);  // instrument_finish() was called
  if (b->symbol_count == b->symbol_cap) {
    enum status st = resize(b, b->slot_cap, b->symbol_cap * 2, err);
    if (st != OK) return st;
  }
  b->symbols[b->symbol_count] = *inst;
  *ret_symbol = b->symbol_count++;
  return OK;
}

int sub_books_find(const struct sub_books *b, uint64_t bot) {
  for (int i = 1; i < b->slot_count; i++)
    if (b->slots[i].used && b->slots[i].bot == bot) return i;
  return -1;
}

enum status sub_books_attach(struct sub_books *b, uint64_t bot, int *ret_slot, struct err *err) {
  if (sub_books_find(b, bot) >= 0) return err_set(err, ERR_EXISTS, "the bot has its place in the account");
  int slot = 1;
  while (slot < b->slot_count && b->slots[slot].used) slot++;
  if (slot == b->slot_cap) {
    enum status st = resize(b, b->slot_cap * 2, b->symbol_cap, err);
    if (st != OK) return st;
  }
  b->slots[slot] = (struct sub_slot){.bot = bot, .used = true};
  if (slot == b->slot_count) b->slot_count++;
  *ret_slot = slot;
  return OK;
}

// --- booking ---------------------------------------------------------------------------------------------------------------

// Flows stay below 2^125, so that two of them always add up.
static bool line_add(struct sub_line *l, int64_t lots, int128 flow, int64_t fee_e8) {
  return add_checked(l->lots, lots, &l->lots) && l->lots != INT64_MIN && q32_add(l->flow, flow, &l->flow) &&
         add_checked(l->fees_e8, fee_e8, &l->fees_e8);
}

bool sub_books_fill(struct sub_books *b, int slot, int symbol, enum side side, price px, quantity qty, cash fee) {
  assert(qty.lots > 0 && b->slots[slot].used);
  struct sub_line one = *line(b, slot, symbol), all = b->account[symbol];
  int64_t lots = side * qty.lots;
  int128 flow = -(int128)px.ticks * lots;
  if (!line_add(&one, lots, flow, fee.e8) || !line_add(&all, lots, flow, fee.e8)) return false;
  *line(b, slot, symbol) = one;
  b->account[symbol] = all;
  return true;
}

bool sub_books_bring(struct sub_books *b, int slot, int symbol, const struct sub_line *l) {
  assert(b->slots[slot].used);
  struct sub_line one = *line(b, slot, symbol), all = b->account[symbol];
  if (!line_add(&one, l->lots, l->flow, l->fees_e8) || !line_add(&all, l->lots, l->flow, l->fees_e8)) return false;
  *line(b, slot, symbol) = one;
  b->account[symbol] = all;
  return true;
}

bool sub_books_transfer(struct sub_books *b, int from, int to, int symbol, int64_t lots, price px) {
  assert(from != to && lots != INT64_MIN);
  struct sub_line giver = *line(b, from, symbol), taker = *line(b, to, symbol);
  int128 flow = -(int128)px.ticks * lots;
  if (!line_add(&giver, -lots, -flow, 0) || !line_add(&taker, lots, flow, 0)) return false;
  *line(b, from, symbol) = giver;
  *line(b, to, symbol) = taker;
  return true;
}

bool sub_books_reconcile(struct sub_books *b, int symbol, int64_t venue_lots, price px, int64_t *ret_drift) {
  int64_t drift;
  *ret_drift = 0;
  if (!sub_checked(venue_lots, b->account[symbol].lots, &drift) || drift == INT64_MIN) return false;
  enum side side = drift > 0 ? SIDE_BUY : SIDE_SELL;
  if (drift != 0 && !sub_books_fill(b, SUB_HOUSE, symbol, side, px, (quantity){side * drift}, (cash){0})) return false;
  *ret_drift = drift;
  return true;
}

bool sub_books_deposit(struct sub_books *b, cash amount) {
  int64_t house, all;
  if (!add_checked(b->slots[SUB_HOUSE].deposit_e8, amount.e8, &house) || !add_checked(b->deposit_e8, amount.e8, &all))
    return false;
  b->slots[SUB_HOUSE].deposit_e8 = house;
  b->deposit_e8 = all;
  return true;
}

bool sub_books_allot(struct sub_books *b, int slot, cash amount) {
  assert(slot > SUB_HOUSE && slot < b->slot_count && b->slots[slot].used);
  int64_t house, bot;
  if (!sub_checked(b->slots[SUB_HOUSE].deposit_e8, amount.e8, &house) || !add_checked(b->slots[slot].deposit_e8, amount.e8, &bot))
    return false;
  b->slots[SUB_HOUSE].deposit_e8 = house;
  b->slots[slot].deposit_e8 = bot;
  return true;
}

bool sub_books_detach(struct sub_books *b, int slot) {
  assert(slot > SUB_HOUSE && slot < b->slot_count && b->slots[slot].used);
  int64_t deposit;
  if (!add_checked(b->slots[SUB_HOUSE].deposit_e8, b->slots[slot].deposit_e8, &deposit)) return false;
  for (int pass = 0; pass < 2; pass++)  // first whether all of it fits
    for (int s = 0; s < b->symbol_count; s++) {
      struct sub_line house = *line(b, SUB_HOUSE, s), *l = line(b, slot, s);
      if (!line_add(&house, l->lots, l->flow, l->fees_e8)) return false;
      if (pass == 0) continue;
      *line(b, SUB_HOUSE, s) = house;
      *l = (struct sub_line){0};
    }
  b->slots[SUB_HOUSE].deposit_e8 = deposit;
  b->slots[slot] = (struct sub_slot){0};
  return true;
}

void sub_books_leave(struct sub_books *b, int slot) {
  assert(slot > SUB_HOUSE && slot < b->slot_count && b->slots[slot].used);
  b->slots[SUB_HOUSE].deposit_e8 += b->slots[slot].deposit_e8;
  for (int s = 0; s < b->symbol_count; s++) {
    struct sub_line *l = line(b, slot, s), *all = &b->account[s];
    all->lots -= l->lots, all->flow -= l->flow, all->fees_e8 -= l->fees_e8;
    *l = (struct sub_line){0};
  }
  b->slots[slot] = (struct sub_slot){0};
}

// --- sums ------------------------------------------------------------------------------------------------------------------

static bool add_profit(const struct instrument *inst, const struct sub_line *l, price mark, int128 *sum) {
  int128 value = l->flow;
  if (l->lots != 0) {
    if (!price_given(mark) || !q32_add(value, (int128)mark.ticks * l->lots, &value)) return false;
  }
  if (bits_u128(abs_128(value)) + 64 - __builtin_clzll((uint64_t)inst->value_num) > 126) return false;
  *sum += div_floor(value * inst->value_num, inst->value_den) - l->fees_e8;
  return true;
}

bool sub_books_equity(const struct sub_books *b, int slot, const price *marks, cash *ret) {
  assert(slot >= 0 && slot < b->slot_count);
  int128 sum = b->slots[slot].deposit_e8;
  for (int s = 0; s < b->symbol_count; s++)
    if (!add_profit(&b->symbols[s], sub_books_line(b, slot, s), marks[s], &sum)) return false;
  return narrow_checked(sum, &ret->e8);
}

bool sub_books_account_equity(const struct sub_books *b, const price *marks, cash *ret) {
  int128 sum = b->deposit_e8;
  for (int s = 0; s < b->symbol_count; s++)
    if (!add_profit(&b->symbols[s], &b->account[s], marks[s], &sum)) return false;
  return narrow_checked(sum, &ret->e8);
}

void sub_books_check(const struct sub_books *b) {
  int128 deposit = 0;
  for (int i = 0; i < b->slot_count; i++) {
    deposit += b->slots[i].deposit_e8;
    assert(b->slots[i].used || b->slots[i].deposit_e8 == 0);
  }
  assert(deposit == b->deposit_e8);
  for (int s = 0; s < b->symbol_count; s++) {
    int128 lots = 0, fees = 0, flow = 0;
    for (int i = 0; i < b->slot_count; i++) {
      const struct sub_line *l = sub_books_line(b, i, s);
      lots += l->lots, fees += l->fees_e8, flow += l->flow;
    }
    assert(lots == b->account[s].lots && fees == b->account[s].fees_e8 && flow == b->account[s].flow);
  }
}

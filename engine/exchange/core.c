// exchange/core.c – the exchange as a whole: its life, accounts, ids, and what must always hold.
#include "exchange/core.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t exch_mix(uint64_t a, uint64_t b) {  // splitmix64
  uint64_t z = a + b * UINT64_C(0x9e3779b97f4a7c15) + UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

enum status exch_create(uint64_t seed, int64_t depth_e8, struct exch **ret, struct err *err) {
  struct exch *x = calloc(1, sizeof *x);
  if (!x) return err_set(err, ERR_NOMEM, "out of memory");
  x->symbols = calloc(EXCH_SYMBOLS_MAX, sizeof x->symbols[0]);
  if (!x->symbols) {
    free(x);
    return err_set(err, ERR_NOMEM, "out of memory");
  }
  x->seed = seed;
  x->depth_e8 = depth_e8;
  ledger_init(&x->house);
  *ret = x;
  return OK;
}

void exch_destroy(struct exch *x) {
  if (!x) return;
  for (int i = 0; i < x->symbol_count; i++) free(x->symbols[i].candles);
  for (int i = 0; i < x->account_count; i++) {
    exch_map_finish(&x->accounts[i]->by_link);
    free(x->accounts[i]);
  }
  for (size_t i = 0; i < x->order_count; i++) free(x->orders[i]);
  exch_map_finish(&x->by_id);
  free(x->orders);
  free(x->executions);
  free(x->symbols);
  free(x);
}

void exch_time(struct exch *x, int64_t now_ms) {
  if (now_ms > x->now_ms) x->now_ms = now_ms;
}

void exch_id(struct exch *x, char ret[EXCH_ID_MAX]) {
  uint64_t n = ++x->seq, a = exch_mix(x->seed, n), b = exch_mix(a, n);
  snprintf(ret, EXCH_ID_MAX, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xffff),
    (unsigned)(a & 0xfff), (unsigned)(0x8000 | (b >> 48 & 0x3fff)), (unsigned long long)(b & UINT64_C(0xffffffffffff)));
}

void exch_deposit(struct exch *x, struct exch_account *a, int64_t amount_e8) {
  bool ok = ledger_post(&a->ledger, BOOK_DEPOSIT, (cash){amount_e8});
  assert(ok);
  if (x->sink.wallet) x->sink.wallet(x->sink.self, a);
}

void exch_deposit_coins(struct exch *x, struct exch_account *a, const struct exch_symbol *s, int64_t coins_e8) {
  a->coins_e8[s->index] += coins_e8;
  if (x->sink.wallet) x->sink.wallet(x->sink.self, a);
}

struct exch_account *exch_account_add(struct exch *x, int64_t uid, int64_t deposit_e8) {
  if (x->account_count == EXCH_ACCOUNTS_MAX) return NULL;
  struct exch_account *a = calloc(1, sizeof *a);
  if (!a) return NULL;
  a->index = x->account_count;
  a->uid = uid;
  ledger_init(&a->ledger);
  for (int i = 0; i < EXCH_SYMBOLS_MAX; i++) a->leverage[i] = (struct exch_leverage){1000, 1000};
  x->accounts[x->account_count++] = a;
  if (deposit_e8 != 0) exch_deposit(x, a, deposit_e8);
  return a;
}

struct exch_order *exch_find(const struct exch *x, const struct exch_account *a, const char *id, const char *link) {
  struct exch_order *o = id[0] ? exch_map_get(&x->by_id, id) : link[0] ? exch_map_get(&a->by_link, link) : NULL;
  return o && o->account == a ? o : NULL;
}

void exch_check(const struct exch *x) {
  // What was traded between clients and the market maker: every lot bought was sold.
  for (int s = 0; s < x->symbol_count; s++) {
    int64_t lots = x->symbols[s].house_lots;
    for (int i = 0; i < x->account_count; i++)
      for (int k = 0; k < 3; k++) lots += x->accounts[i]->positions[s][k].lots;
    assert(lots == 0);
  }
  // Fees, funding and covered losses: what accounts paid, the house has. (Realised profit is against whoever holds the other side.)
  int64_t fees = x->house.balance_e8[BOOK_FEES];
  for (int i = 0; i < x->account_count; i++) {
    ledger_check(&x->accounts[i]->ledger);
    fees += x->accounts[i]->ledger.balance_e8[BOOK_FEES];
  }
  ledger_check(&x->house);
  assert(fees == 0);
}

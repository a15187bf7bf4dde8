// tests/unit/exchange/fixture.h – an exchange with one symbol and two accounts, moved by JSON as clients write it.
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "exchange/render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USDT CASH_ONE
#define T0 INT64_C(1704067200000)

struct fixture {
  struct exch *x;
  struct exch_symbol *s;
  struct exch_account *a, *b;
};

static inline struct fixture make(int64_t depth_usdt) {
  struct fixture f;
  assert_int_equal(exch_create(7, depth_usdt * USDT, &f.x, NULL), OK);
  assert_int_equal(exch_symbol_add(f.x, "BTCUSDT", NULL, NULL, NULL), OK);
  exch_time(f.x, T0);
  f.s = exch_symbol(f.x, "BTCUSDT");
  f.a = exch_account_add(f.x, 1, 10000 * USDT);
  f.b = exch_account_add(f.x, 2, 10000 * USDT);
  return f;
}
static inline void drop(struct fixture *f) {
  exch_check(f->x);
  exch_destroy(f->x);
}
static inline json_t *object(const char *text) {  // with ' for "
  char copy[1024];
  snprintf(copy, sizeof copy, "%s", text);
  for (char *c = copy; *c; c++)
    if (*c == '\'') *c = '"';
  json_t *j = json_loads(copy, 0, NULL);
  assert_non_null(j);
  return j;
}
typedef int operation(struct exch *x, struct exch_account *a, json_t *p, json_t **ret);
static inline int doit(struct fixture *f, operation *op, struct exch_account *a, const char *text) {
  json_t *p = object(text), *result = NULL;
  json_object_set_new(p, "category", json_string("linear"));
  json_object_set_new(p, "symbol", json_string("BTCUSDT"));
  f->x->msg[0] = '\0';
  int code = op(f->x, a, p, &result);
  assert_true((code == 0) == (result != NULL));
  json_decref(result);
  json_decref(p);
  return code;
}
// side, qty in lots of 0.001, price in ticks of 0.1 (0: market); more: further members, "" or ",'x':…". Returns the order, NULL when refused.
static inline struct exch_order *place(struct fixture *f, struct exch_account *a, const char *side, int64_t lots, int64_t ticks, const char *more) {
  char text[512];
  size_t had = f->x->order_count;
  snprintf(text, sizeof text, "{'side':'%s','qty':'%d.%03d','orderType':'%s','price':'%lld.%lld'%s}", side, (int)(lots / 1000), (int)(lots % 1000), ticks > 0 ? "Limit" : "Market",
           (long long)(ticks / 10), (long long)(ticks % 10), more);
  return doit(f, exch_order_create, a, text) == 0 ? f->x->orders[had] : NULL;
}
// The market is at that price, with a quote of a tick around it.
static inline void move(struct fixture *f, int64_t ticks) { exch_market_push(f->x, f->s, ticks - 1, ticks, ticks, 1); }
static inline struct exch_position *position(struct fixture *f, struct exch_account *a, int idx) { return &a->positions[f->s->index][idx]; }
static inline int64_t wallet(const struct exch_account *a) { return ledger_cash(&a->ledger).e8; }

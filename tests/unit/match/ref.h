// tests/unit/match/ref.h – runs the strategies of the reference files (other engines' results on public data), written here in
// C from the rules those files state, and compares every trade, fill and equity sample. The data lie outside the project;
// without them the tests say so and are skipped.
#pragma once
#include "base/json.h"
#include "market/bar.h"
#include "match/match.h"

#include <stdbool.h>

#define REF_SYMBOLS_MAX 8

struct ref;
typedef void ref_strategy(struct ref *r, size_t i);
typedef void ref_on_fill(struct ref *r, size_t i, const struct fill *f);

struct ref_case {
  const char *id;
  ref_strategy *strategy;
  ref_on_fill *on_fill;
  int n1, n2;         // moving averages; 0: 10 and 20
  size_t first;       // first bar the strategy sees
  int64_t size;
  double sl, tp;
};

struct ref {
  const struct ref_case *c;
  struct matcher *m;
  struct series series[REF_SYMBOLS_MAX];
  int symbols;
  size_t bars;
  double *fast, *slow;   // moving averages of symbol 0
  int8_t *cross;         // of its CrossOver (backtrader)
  int64_t now_ns;
  json_t *json;
  // for strategies
  uint64_t entry, exit;
  size_t last_buy, scale_bar, fill_bar;
  bool scaling;
};

double ref_close(const struct ref *r, size_t i);
double ref_high(const struct ref *r, size_t i, size_t n);  // highest high of n bars to i
double ref_low(const struct ref *r, size_t i, size_t n);
int64_t ref_lots(const struct ref *r);
price ref_px(const struct ref *r, double value);
bool ref_cross_up(const struct ref *r, size_t i);    // rule 2 of the bt files
bool ref_cross_down(const struct ref *r, size_t i);
bool ref_alive(const struct ref *r, uint64_t id);
void ref_init(const struct ref *r, struct intent *in, enum side side, int64_t lots);
uint64_t ref_send(struct ref *r, const struct intent *in);
uint64_t ref_market(struct ref *r, enum side side, int64_t lots);
void ref_close_all(struct ref *r);
void ref_all_in(struct ref *r, enum side side);
void ref_cancel(struct ref *r, uint64_t id);

// Runs the cases; prints each difference. Returns the process' exit code: 0, 1, or 77 when the data are not there.
int ref_main(const struct ref_case *cases, size_t count, int argc, char **argv);

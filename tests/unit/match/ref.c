// tests/unit/match/ref.c – see ref.h.
#include "ref.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "market/csv.h"

static const char *shared;

// --- for strategies ----------------------------------------------------------------------------------------------------------

static const struct bar *bar_at(const struct ref *r, size_t i) { return &r->series[0].bars[i]; }
static double dbl(const struct ref *r, price px) { return price_double(&r->series[0].inst, px); }
double ref_close(const struct ref *r, size_t i) { return dbl(r, bar_at(r, i)->close); }

double ref_high(const struct ref *r, size_t i, size_t n) {
  price best = bar_at(r, i)->high;
  for (size_t k = i + 1 - n; k <= i; k++)
    if (bar_at(r, k)->high.ticks > best.ticks) best = bar_at(r, k)->high;
  return dbl(r, best);
}

double ref_low(const struct ref *r, size_t i, size_t n) {
  price best = bar_at(r, i)->low;
  for (size_t k = i + 1 - n; k <= i; k++)
    if (bar_at(r, k)->low.ticks < best.ticks) best = bar_at(r, k)->low;
  return dbl(r, best);
}

int64_t ref_lots(const struct ref *r) { return account_lots(matcher_account(r->m), 0, LEG_NET); }
bool ref_cross_up(const struct ref *r, size_t i) { return r->fast[i - 1] < r->slow[i - 1] && r->fast[i] > r->slow[i]; }
bool ref_cross_down(const struct ref *r, size_t i) { return r->fast[i - 1] > r->slow[i - 1] && r->fast[i] < r->slow[i]; }

price ref_px(const struct ref *r, double value) {
  price px;
  bool ok = price_from_double(&r->series[0].inst, value, ROUND_NEAREST, &px);
  assert(ok);
  return px;
}

bool ref_alive(const struct ref *r, uint64_t id) {
  const struct order *o = matcher_order(r->m, id);
  return o && order_alive(o);
}

void ref_init(const struct ref *r, struct intent *in, enum side side, int64_t lots) {
  (void)r;
  intent_init(in, 0, side);
  in->size = lots;
}

uint64_t ref_send(struct ref *r, const struct intent *in) {
  uint64_t id;
  matcher_submit(r->m, in, (quantity){in->size_kind == SIZE_QTY ? in->size : 0}, r->now_ns, &id);
  return id;
}

uint64_t ref_market(struct ref *r, enum side side, int64_t lots) {
  struct intent in;
  ref_init(r, &in, side, lots);
  return ref_send(r, &in);
}

void ref_close_all(struct ref *r) {
  int64_t lots = ref_lots(r);
  if (lots == 0) return;
  struct intent in;
  ref_init(r, &in, lots > 0 ? SIDE_SELL : SIDE_BUY, lots < 0 ? -lots : lots);
  in.reduce = true;
  ref_send(r, &in);
}

void ref_all_in(struct ref *r, enum side side) {
  struct intent in;
  ref_init(r, &in, side, 0);
  in.size_kind = SIZE_PCT;
  in.size = 100000000;
  ref_send(r, &in);
}

void ref_cancel(struct ref *r, uint64_t id) {
  if (ref_alive(r, id)) matcher_cancel(r->m, id, REASON_SCRIPT, r->now_ns);
}

// --- loading -----------------------------------------------------------------------------------------------------------------

static int64_t e8(double v) { return llround(v * 1e8); }

static int load(struct ref *r, const char *path_in_file, struct err *err) {
  char path[512];
  const char *rest = strstr(path_in_file, "data/");  // "shared/data/…"
  snprintf(path, sizeof path, "%s/%s", shared, rest);
  struct csv_options o = {.tick = {1, 10}, .lot = {1, 0}};
  return csv_load(path, &o, &r->series[r->symbols++], NULL, err) == OK ? 0 : 1;
}

// Rule 13 of the btr files: only bars that every file has.
static void align(struct ref *r) {
  size_t at[REF_SYMBOLS_MAX] = {0}, n = 0;
  for (;;) {
    int64_t t = 0;
    bool done = false, equal = true;
    for (int s = 0; s < r->symbols; s++) {
      if (at[s] == r->series[s].count) done = true;
      else if (r->series[s].bars[at[s]].open_ns > t) t = r->series[s].bars[at[s]].open_ns;
    }
    if (done) break;
    for (int s = 0; s < r->symbols; s++)
      if (r->series[s].bars[at[s]].open_ns < t) at[s]++, equal = false;
    if (!equal) continue;
    for (int s = 0; s < r->symbols; s++) r->series[s].bars[n] = r->series[s].bars[at[s]++];
    n++;
  }
  r->bars = n;
}

static double mean(const struct ref *r, size_t i, size_t n) {
  double sum = 0;
  for (size_t k = i + 1 - n; k <= i; k++) sum += ref_close(r, k);
  return sum / (double)n;
}

static void averages(struct ref *r) {
  size_t n1 = r->c->n1 ? (size_t)r->c->n1 : 10, n2 = r->c->n2 ? (size_t)r->c->n2 : 20;
  r->fast = calloc(r->bars, sizeof(double));
  r->slow = calloc(r->bars, sizeof(double));
  r->cross = calloc(r->bars, 1);
  double last = 0;
  for (size_t i = n2 - 1; i < r->bars; i++) {
    r->fast[i] = mean(r, i, n1);
    r->slow[i] = mean(r, i, n2);
    double d = r->fast[i] - r->slow[i];
    if (i >= n2) r->cross[i] = d > 0 && last < 0 ? 1 : d < 0 && last > 0 ? -1 : 0;
    if (d != 0) last = d;
  }
}

static double number(json_t *o, const char *key) { return json_number_value(json_object_get(o, key)); }

static int make_matcher(struct ref *r, struct err *err) {
  json_t *set = json_object_get(r->json, "settings"), *com = json_object_get(set, "commission");
  bool bt = !strncmp(r->c->id, "bt0", 3) || !strncmp(r->c->id, "bt1", 3);
  struct match_config mc;
  match_config_init(&mc, (cash){e8(number(set, "cash"))});
  mc.model = bt ? MODEL_COMPAT_BACKTESTING : MODEL_COMPAT_BACKTRADER;
  mc.trade_on_close = json_is_true(json_object_get(set, "trade_on_close"));
  if (matcher_create(&mc, &r->m, err) != OK) return 1;
  for (int s = 0; s < r->symbols; s++) {
    struct match_symbol_config sc;
    match_symbol_config_init(&sc, &r->series[s].inst);
    if (json_is_array(com)) {
      sc.fees.fixed_e8 = e8(json_number_value(json_array_get(com, 0)));
      sc.fees.taker_frac_e8 = e8(json_number_value(json_array_get(com, 1)));
    } else if (json_is_object(com)) {
      sc.fees.per_unit_e8 = e8(number(com, "commission"));
      sc.futures_margin.e8 = e8(number(com, "margin"));
    } else {
      sc.fees.taker_frac_e8 = e8(json_number_value(com));
    }
    sc.fees.maker_frac_e8 = sc.fees.taker_frac_e8;
    sc.costs.spread_frac_e8 = e8(number(set, "spread"));
    sc.costs.slippage_frac_e8 = e8(number(json_object_get(set, "slippage"), "perc"));
    if (json_object_get(set, "margin")) sc.leverage_e4 = llround(1e4 / number(set, "margin"));
    int index;
    if (matcher_symbol_add(r->m, &sc, &index, err) != OK) return 1;
  }
  return 0;
}

// --- comparing ---------------------------------------------------------------------------------------------------------------

static bool near(double a, double b, double tol) { return fabs(a - b) <= tol * fmax(1, fmax(fabs(a), fabs(b))); }

struct row { double size, bar_in, bar_out, px_in, px_out, pnl, fee; };

static int row_compare(const void *pa, const void *pb) {
  const double *a = pa, *b = pb;
  static const int order[] = {2, 1, 0, 3, 4};
  for (size_t k = 0; k < sizeof order / sizeof *order; k++)
    if (a[order[k]] != b[order[k]]) return a[order[k]] < b[order[k]] ? -1 : 1;
  return 0;
}

static double bar_index(const struct ref *r, int64_t ns) {
  const struct bar *b = r->series[0].bars;
  size_t lo = 0, hi = r->bars;
  while (lo + 1 < hi) {
    size_t mid = (lo + hi) / 2;
    if (b[mid].open_ns <= ns) lo = mid;
    else hi = mid;
  }
  return (double)lo;
}

static int compare_rows(const struct ref *r, const char *what, const struct row *got, size_t got_n, const struct row *want,
                        size_t want_n) {
  int bad = 0;
  if (got_n != want_n) printf("%s: %zu %s, expected %zu\n", r->c->id, got_n, what, want_n), bad++;
  for (size_t i = 0; i < got_n && i < want_n && bad < 5; i++) {
    const struct row *g = &got[i], *w = &want[i];
    bool ok = g->size == w->size && g->bar_in == w->bar_in && g->bar_out == w->bar_out && near(g->px_in, w->px_in, 1e-9) &&
              near(g->px_out, w->px_out, 1e-9) && near(g->pnl, w->pnl, 1e-8) && near(g->fee, w->fee, 1e-8);
    if (ok) continue;
    bad++;
    printf("%s: %s %zu\n  got  %g %g %g %.12g %.12g %.12g %.12g\n  want %g %g %g %.12g %.12g %.12g %.12g\n", r->c->id, what, i,
           g->size, g->bar_in, g->bar_out, g->px_in, g->px_out, g->pnl, g->fee,
           w->size, w->bar_in, w->bar_out, w->px_in, w->px_out, w->pnl, w->fee);
  }
  return bad;
}

static int compare_trades(const struct ref *r) {
  json_t *list = json_object_get(r->json, "trades"), *e;
  const struct trade_list *t = &matcher_account(r->m)->trades;
  size_t i, n = json_array_size(list);
  struct row *got = calloc(t->count + 1, sizeof *got), *want = calloc(n + 1, sizeof *want);
  for (i = 0; i < t->count; i++) {
    const struct trade *x = &t->items[i];
    got[i] = (struct row){(double)(x->direction * x->qty.lots), bar_index(r, x->entry_ns), bar_index(r, x->exit_ns),
                          dbl(r, x->entry_px), dbl(r, x->exit_px), (double)x->pnl.e8 / 1e8, (double)x->fees.e8 / 1e8};
  }
  json_array_foreach(list, i, e)
    want[i] = (struct row){number(e, "size"), number(e, "entry_bar"), number(e, "exit_bar"), number(e, "entry_price"),
                           number(e, "exit_price"), number(e, "pnl"), number(e, "commission")};
  qsort(got, t->count, sizeof *got, row_compare);
  qsort(want, n, sizeof *want, row_compare);
  int bad = compare_rows(r, "trades", got, t->count, want, n);
  free(got);
  free(want);
  return bad;
}

static int compare_fills(const struct ref *r, const struct row *got, size_t got_n) {
  json_t *list = json_object_get(r->json, "fills"), *e;
  size_t i, n = json_array_size(list);
  struct row *want = calloc(n + 1, sizeof *want);
  json_array_foreach(list, i, e)
    want[i] = (struct row){.size = number(e, "size"), .bar_in = number(e, "bar"), .px_in = number(e, "price"),
                           .fee = number(e, "commission")};
  if (r->symbols > 1) qsort(want, n, sizeof *want, row_compare);
  int bad = compare_rows(r, "fills", got, got_n, want, n);
  free(want);
  return bad;
}

static int compare_equity(const struct ref *r, const double *equity) {
  json_t *list = json_object_get(r->json, "equity");
  size_t every = (size_t)number(r->json, "equity_every"), n = json_array_size(list);
  int bad = 0;
  for (size_t k = 0; k < n && bad < 3; k++) {
    size_t i = k * every < r->bars ? k * every : r->bars - 1;
    double want = json_number_value(json_array_get(list, k));
    if (near(equity[i], want, 1e-8)) continue;
    printf("%s: equity at bar %zu is %.12g, expected %.12g\n", r->c->id, i, equity[i], want);
    bad++;
  }
  return bad;
}

// --- running -----------------------------------------------------------------------------------------------------------------

static struct row *run(struct ref *r, double *equity, size_t *ret_fills) {
  size_t n = 0, cap = 0;
  struct row *fills = NULL;
  bool finalize = json_is_true(json_object_get(json_object_get(r->json, "settings"), "finalize_trades"));
  for (size_t i = 0; i < r->bars; i++) {
    for (int s = 0; s < r->symbols; s++) {
      const struct bar *b = &r->series[s].bars[i];
      r->now_ns = b->open_ns + r->series[s].timeframe_ns;
      struct match_bar in = {.bar = b, .close_ns = r->now_ns};
      matcher_bar(r->m, matcher_watch(r->m, s), s, &in);
    }
    struct match_event e;
    while (matcher_event_next(r->m, &e)) {
      if (e.kind != EVENT_FILL) continue;
      if (n == cap) fills = realloc(fills, (cap = cap ? cap * 2 : 64) * sizeof *fills);
      fills[n++] = (struct row){.size = (double)(e.fill.side * e.fill.qty.lots), .bar_in = bar_index(r, e.fill.time_ns),
                                .px_in = price_double(&r->series[e.fill.symbol].inst, e.fill.px),
                                .fee = (double)e.fill.fee.e8 / 1e8};
      if (r->c->on_fill) r->c->on_fill(r, i, &e.fill);
    }
    equity[i] = (double)matcher_equity(r->m).e8 / 1e8;
    if (i >= r->c->first) r->c->strategy(r, i);
    matcher_check(r->m);
    if (finalize && i + 1 == r->bars) {
      struct match_bar in = {.bar = bar_at(r, i), .close_ns = r->now_ns};
      matcher_finalize(r->m, 0, &in);
      equity[i] = (double)matcher_equity(r->m).e8 / 1e8;
    }
  }
  *ret_fills = n;
  return fills;
}

static int run_case(const struct ref_case *c, struct err *err) {
  struct ref r = {.c = c};
  char path[512];
  snprintf(path, sizeof path, "%s/reference/backtests/%s.json", shared, c->id);
  r.json = json_load_file(path, 0, NULL);
  if (!r.json) return 77;
  json_t *data = json_object_get(r.json, "data"), *value;
  const char *key;
  int bad = 0;
  if (json_is_string(data)) bad = load(&r, json_string_value(data), err);
  else json_object_foreach(data, key, value) bad |= load(&r, json_string_value(value), err);
  if (!bad) {
    r.bars = r.series[0].count;
    if (r.symbols > 1) align(&r);
    if (json_object_get(json_object_get(json_object_get(r.json, "settings"), "commission"), "mult")) {
      r.series[0].inst.multiplier = (struct decimal){(int64_t)number(json_object_get(json_object_get(r.json, "settings"), "commission"), "mult"), 0};
      bad = instrument_finish(&r.series[0].inst, err) != OK;
    }
  }
  if (!bad) bad = make_matcher(&r, err);
  if (bad) {
    printf("%s: %s\n", c->id, err->msg);
    return 1;
  }
  averages(&r);
  double *equity = calloc(r.bars, sizeof *equity);
  size_t fill_count;
  struct row *fills = run(&r, equity, &fill_count);
  if (r.symbols > 1) qsort(fills, fill_count, sizeof *fills, row_compare);
  size_t trades = matcher_account(r.m)->trades.count;
  if (json_object_get(r.json, "trades")) bad = compare_trades(&r);
  else bad = compare_fills(&r, fills, fill_count);
  bad += compare_equity(&r, equity);
  printf("%-36s %5zu fills %5zu trades %s\n", c->id, fill_count, trades, bad ? "DIFFER" : "equal");
  free(equity), free(fills), free(r.fast), free(r.slow), free(r.cross);
  matcher_destroy(r.m);
  for (int s = 0; s < r.symbols; s++) series_finish(&r.series[s]);
  json_decref(r.json);
  return bad != 0;
}

int ref_main(const struct ref_case *cases, size_t count, int argc, char **argv) {
  struct err err = {0};
  int failed = 0;
  const char *root = getenv("PERIGEE_ROOT");
  char beside[512];
  snprintf(beside, sizeof beside, "%s/../shared", root && *root ? root : ".");
  shared = getenv("PERIGEE_SHARED") ? getenv("PERIGEE_SHARED") : beside;
  for (size_t i = 0; i < count; i++) {
    if (argc > 1 && !strstr(cases[i].id, argv[1])) continue;
    int rc = run_case(&cases[i], &err);
    if (rc == 77) {
      printf("skipped: shared data reference/backtests is not beside the project\n");
      return 77;
    }
    failed += rc;
  }
  return failed > 0;
}

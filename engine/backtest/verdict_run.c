#include "backtest/verdict_run.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- data

void probe_data_finish(struct probe_data *d) {
  for (int i = 0; d->owned && i < d->count; i++) series_finish(&d->series[i]);
  d->count = 0;
}

// One step of splitmix64: the sample is the same everywhere.
static uint64_t mix(uint64_t *state) {
  uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}
// Roughly normal around 0, ±3·scale.
static int64_t bell(uint64_t *state, int64_t scale) {
  int64_t sum = 0;
  for (int i = 0; i < 6; i++) sum += (int64_t)(mix(state) % 2001) - 1000;
  return sum * scale / 2000;
}

#define SAMPLE_START_NS (INT64_C(1609459200) * NS_PER_S)  // 2021-01-01, a Friday
#define SAMPLE_PRICE 10000000                             // 100.00000

static enum status sample_series(const char *symbol, int64_t timeframe_ns, size_t count, uint64_t seed, struct series *ret, struct err *err) {
  *ret = (struct series){.timeframe_ns = timeframe_ns, .volume_scale = 3, .price_scale = 2};
  ret->inst = (struct instrument){.tick = {1, 2}, .lot = {1, 3}, .multiplier = {1, 0}};
  snprintf(ret->inst.symbol, sizeof ret->inst.symbol, "%s", symbol);
  enum status st = instrument_finish(&ret->inst, err);
  if (st == OK) st = series_reserve(ret, count, err);
  if (st != OK) return st;
  int64_t px = SAMPLE_PRICE, per_bar = 40, drift = 0;  // in 1e-5; volatility and drift per bar in 1e-5 of the price
  for (int64_t minutes = timeframe_ns / NS_PER_MINUTE; minutes > 1; minutes /= 4) per_bar *= 2;
  if (per_bar > 1500) per_bar = 1500;
  int64_t volatility = per_bar;
  for (size_t i = 0; i < count; i++) {
    if (mix(&seed) % 200 == 0) {  // another spell begins; a mild pull keeps the price in range
      volatility = per_bar / 3 + (int64_t)(mix(&seed) % (uint64_t)(per_bar * 2));
      drift = bell(&seed, per_bar / 6 + 1) + (px > SAMPLE_PRICE * 4 ? -per_bar / 8 : px < SAMPLE_PRICE / 4 ? per_bar / 8 : 0);
    }
    struct bar b = {.open_ns = SAMPLE_START_NS + (int64_t)i * timeframe_ns};
    int64_t open = px, close = px + px * (drift + bell(&seed, volatility)) / 100000;
    if (close < SAMPLE_PRICE / 100) close = SAMPLE_PRICE / 100;
    int64_t wick = px * volatility / 100000 + 1;
    b.open.ticks = open / 1000;
    b.close.ticks = close / 1000;
    int64_t top = b.open.ticks > b.close.ticks ? b.open.ticks : b.close.ticks, bottom = b.open.ticks < b.close.ticks ? b.open.ticks : b.close.ticks;
    b.high.ticks = top + (int64_t)(mix(&seed) % (uint64_t)wick) / 1000;
    b.low.ticks = bottom - (int64_t)(mix(&seed) % (uint64_t)wick) / 1000;
    if (b.low.ticks < 1) b.low.ticks = 1;
    b.volume = 1000 + (int64_t)(mix(&seed) % 100000) * (1 + volatility / (per_bar + 1));
    ret->bars[ret->count++] = b;
    px = close;
  }
  return OK;
}

// The finest timeframe that all wishes are multiples of; 0 wishes are main's.
static int64_t common_timeframe(const struct script_plan *p, const char *symbol, int64_t main_ns) {
  int64_t best = 0;
  for (int i = 0; i < p->stream_count; i++) {
    if (strcmp(p->streams[i].symbol, symbol) != 0) continue;
    int64_t t = p->streams[i].timeframe_ns ? p->streams[i].timeframe_ns : main_ns;
    for (int64_t a = best, b = t; ; ) {
      if (b == 0) { best = a; break; }
      if (a == 0) { best = b; break; }
      int64_t r = a % b;
      a = b;
      b = r;
    }
  }
  return best;
}

enum status probe_data_sample(const struct script_plan *plan, size_t main_bars, struct probe_data *ret, struct err *err) {
  memset(ret, 0, sizeof *ret);
  ret->owned = true;
  int64_t main_ns = plan->streams[0].timeframe_ns;
  static const int64_t usual[] = {60 * NS_PER_MINUTE, 15 * NS_PER_MINUTE, 5 * NS_PER_MINUTE, NS_PER_MINUTE, NS_PER_S};
  for (size_t k = 0; main_ns == 0 && k < sizeof usual / sizeof usual[0]; k++) {
    main_ns = usual[k];
    for (int i = 0; i < plan->stream_count; i++)
      if (plan->streams[i].timeframe_ns % usual[k]) main_ns = 0;
  }
  if (main_ns == 0) main_ns = NS_PER_MINUTE;
  for (int i = 0; i < plan->stream_count; i++) {
    const char *symbol = plan->streams[i].symbol, *name = symbol[0] ? symbol : "SAMPLE";  // "": the bot's own
    bool known = false;
    for (int k = 0; k < i; k++) known |= strcmp(plan->streams[k].symbol, symbol) == 0;
    if (known) continue;
    int64_t timeframe_ns = common_timeframe(plan, symbol, main_ns);
    int64_t bars = (int64_t)main_bars * (main_ns / timeframe_ns > 0 ? main_ns / timeframe_ns : 1);
    if (main_ns < timeframe_ns) bars = (int64_t)main_bars * main_ns / timeframe_ns + 1;
    struct series *s = &ret->series[ret->count];
    enum status st = sample_series(name, timeframe_ns, bars > 2000000 ? 2000000 : (size_t)bars, (uint64_t)i + 1, s, err);
    ret->count++;
    if (st != OK) {
      probe_data_finish(ret);
      return st;
    }
    char text[TIMEFRAME_TEXT_MAX];
    // the series with main's symbol is main's; the others are found by their symbol
    snprintf(ret->streams[ret->count - 1], SPEC_NAME_MAX, "%s", i == 0 ? "main" : plan->streams[i].name);
    snprintf(ret->labels[ret->count - 1], sizeof ret->labels[0], "random walk %s %s", name, timeframe_text(timeframe_ns, text));
  }
  return OK;
}

static void borrow(struct series *to, const struct series *from, size_t begin, size_t end) {
  *to = *from;
  to->bars = from->bars + begin;
  to->count = end - begin;
  to->cap = 0;
}

void probe_data_take(const struct backtest_config *c, size_t main_bars, struct probe_data *ret) {
  memset(ret, 0, sizeof *ret);
  ret->count = c->file_count;
  ret->main = -1;
  for (int i = 0; i < c->file_count; i++) {
    assert(c->files[i].series);
    if (c->files[i].stream && strcmp(c->files[i].stream, "main") == 0) ret->main = i;
  }
  for (int i = 0; ret->main < 0 && i < c->file_count; i++)
    if (!c->files[i].stream) ret->main = i;
  if (ret->main < 0) ret->main = 0;
  for (int i = 0; i < c->file_count; i++) {
    const struct series *s = c->files[i].series;
    borrow(&ret->series[i], s, i == ret->main && s->count > main_bars ? s->count - main_bars : 0, s->count);
    snprintf(ret->streams[i], SPEC_NAME_MAX, "%s", c->files[i].stream ? c->files[i].stream : "");
    snprintf(ret->labels[i], sizeof ret->labels[0], "%s", c->files[i].path ? c->files[i].path : s->inst.symbol);
  }
}

// Index of the first bar that opens at or after t_ns.
static size_t lower_bound(const struct series *s, int64_t t_ns) {
  size_t lo = 0, hi = s->count;
  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;
    if (s->bars[mid].open_ns < t_ns) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

void probe_data_cut(const struct probe_data *d, int64_t t_ns, struct probe_data *ret) {
  *ret = *d;
  ret->owned = false;
  for (int i = 0; i < d->count; i++) borrow(&ret->series[i], &d->series[i], 0, lower_bound(&d->series[i], t_ns - d->series[i].timeframe_ns + 1));
}

void probe_data_skip(const struct probe_data *d, int64_t t_ns, struct probe_data *ret) {
  *ret = *d;
  ret->owned = false;
  for (int i = 0; i < d->count; i++) borrow(&ret->series[i], &d->series[i], lower_bound(&d->series[i], t_ns), d->series[i].count);
}

enum status probe_data_shift(const struct probe_data *d, int64_t by_ns, struct probe_data *ret, struct err *err) {
  *ret = *d;
  ret->owned = true;
  ret->count = 0;
  for (int i = 0; i < d->count; i++) {
    struct series *s = &ret->series[ret->count++];
    *s = d->series[i];
    s->bars = NULL;
    s->count = s->cap = 0;
    enum status st = series_reserve(s, d->series[i].count, err);
    if (st != OK) {
      probe_data_finish(ret);
      return st;
    }
    memcpy(s->bars, d->series[i].bars, d->series[i].count * sizeof *s->bars);
    s->count = d->series[i].count;
    for (size_t k = 0; k < s->count; k++) s->bars[k].open_ns += by_ns;
  }
  return OK;
}

size_t probe_warmup_bars(const struct script_spec *spec, const struct script_plan *plan, int64_t main_ns) {
  int64_t need = 0;
  for (int i = 0; i < plan->indicator_count; i++) {
    const struct indicator_plan *p = &plan->indicators[i];
    int64_t t = plan->streams[p->stream].timeframe_ns ? plan->streams[p->stream].timeframe_ns : main_ns;
    // a higher timeframe begins with a bucket that is cut off
    int64_t bars = t > main_ns ? (p->warmup + 2) * (t / main_ns + 1) : p->warmup + 1;
    if (bars > need) need = bars;
  }
  return (size_t)need + (size_t)spec->warmup + 1;
}

// ---- one run

void probe_run_finish(struct probe_run *r) {
  free(r->fills);
  memset(r, 0, sizeof *r);
}

static enum status take_result(const struct result *r, struct probe_run *ret, struct err *err) {
  memcpy(ret->hash, r->hash, sizeof ret->hash);
  ret->stats = r->stats;
  ret->bars = r->equity_count;
  ret->exposed = r->exposed;
  uint64_t worst = 0;
  for (size_t i = 0; i < r->denied_count; i++) {
    ret->denied += r->denied[i].count;
    if (r->denied[i].count <= worst) continue;
    worst = r->denied[i].count;
    snprintf(ret->worst_denial, sizeof ret->worst_denial, "%s", reason_code(r->denied[i].code));
  }
  for (size_t i = 0; i < r->logs.count; i++) ret->log_errors += strcmp(r->logs.items[i].level, "error") == 0;
  ret->fills = malloc((r->fill_count + 1) * sizeof *ret->fills);
  if (!ret->fills) return err_set(err, ERR_NOMEM, "out of memory");
  for (size_t i = 0; i < r->fill_count; i++) {
    const struct fill *f = &r->fills[i];
    ret->fills[i] = (struct probe_fill){f->time_ns, f->qty.lots, f->px.ticks, f->symbol, (int)f->side};
  }
  ret->fill_count = r->fill_count;
  return OK;
}

enum status probe_run(const struct backtest_config *config, const struct probe_data *d, struct probe_run *ret, struct err *err) {
  memset(ret, 0, sizeof *ret);
  struct backtest_config *c = malloc(sizeof *c);
  struct backtest_data *data = calloc(1, sizeof *data);
  struct result r;
  result_init(&r);
  enum status st = c && data ? OK : err_set(err, ERR_NOMEM, "out of memory");
  if (st == OK) {
    *c = *config;
    c->single_path = true;
    c->finalize = false;
    c->file_count = d->count;
    for (int i = 0; i < d->count; i++) c->files[i] = (struct backtest_file){d->streams[i][0] ? d->streams[i] : NULL, d->labels[i], &d->series[i]};
    st = backtest_data_load(c, data, &r, err);
  }
  if (st == OK) {
    ret->st = backtest_run(c, data, &r, &ret->err);
    if (ret->st == ERR_NOMEM || ret->st == ERR_CANCELLED) st = err_set(err, ret->st, "%s", ret->err.msg);
    ret->warm = true;
    for (size_t i = 0; i < r.warning_count; i++)
      if (strstr(r.warnings[i], "never called")) ret->warm = false;
    if (st == OK) st = take_result(&r, ret, err);
    backtest_data_finish(data);
  }
  result_finish(&r);
  free(data);
  free(c);
  return st;
}

// ---- comparing

bool probe_fills_equal(const struct probe_run *a, const struct probe_run *b, int64_t t_ns, int64_t *ret_first) {
  for (size_t i = 0;; i++) {
    const struct probe_fill *x = i < a->fill_count && a->fills[i].time_ns < t_ns ? &a->fills[i] : NULL;
    const struct probe_fill *y = i < b->fill_count && b->fills[i].time_ns < t_ns ? &b->fills[i] : NULL;
    if (!x && !y) return true;
    if (x && y && x->time_ns == y->time_ns && x->lots == y->lots && x->ticks == y->ticks && x->symbol == y->symbol && x->side == y->side) continue;
    *ret_first = x && (!y || x->time_ns <= y->time_ns) ? x->time_ns : y->time_ns;
    return false;
  }
}

double probe_fills_share(const struct probe_run *a, const struct probe_run *b, int64_t t_ns, int64_t by_ns, bool exact) {
  size_t of = 0, same = 0, others = 0, k = 0;
  for (size_t i = 0; i < b->fill_count; i++) others += b->fills[i].time_ns >= t_ns + by_ns;
  for (size_t i = 0; i < a->fill_count; i++) {
    const struct probe_fill *x = &a->fills[i];
    if (x->time_ns < t_ns) continue;
    of++;
    while (k < b->fill_count && b->fills[k].time_ns < x->time_ns + by_ns) k++;
    for (size_t m = k; m < b->fill_count && b->fills[m].time_ns == x->time_ns + by_ns; m++) {
      const struct probe_fill *y = &b->fills[m];
      if (y->symbol != x->symbol || y->side != x->side || (exact && (y->lots != x->lots || y->ticks != x->ticks))) continue;
      same++;
      break;
    }
  }
  size_t most = of > others ? of : others;
  return most == 0 ? 1 : (double)same / (double)most;
}

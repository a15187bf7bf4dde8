#include "demo_result.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

bool demo_series(struct series *s, size_t bars, int64_t timeframe_ns) {
  *s = (struct series){.timeframe_ns = timeframe_ns, .price_scale = 2};
  s->inst = (struct instrument){.symbol = "DEMO", .tick = {1, 2}, .lot = {1, 3}, .multiplier = {1, 0}};
  struct err err = {0};
  if (instrument_finish(&s->inst, &err) != OK) return false;
  uint64_t x = 88172645463325252u;
  int64_t px = 2000000;
  for (size_t i = 0; i < bars; i++) {
    struct bar b = {.open_ns = INT64_C(1546300800) * NS_PER_S + (int64_t)i * timeframe_ns, .open = {px}, .high = {px}, .low = {px},
                    .volume = -1};
    for (int k = 0; k < 8; k++) {
      x ^= x << 13, x ^= x >> 7, x ^= x << 17;
      px += (int64_t)(x % 2001) - 999;
      if (px < 1000) px = 1000;
      if (px > b.high.ticks) b.high.ticks = px;
      if (px < b.low.ticks) b.low.ticks = px;
    }
    b.close.ticks = px;
    if (series_append(s, &b, &err) != OK) return false;
  }
  return true;
}

struct demo {
  struct result *r;
  const struct series *s;
  int64_t balance_e8, lots, entry_ticks, entry_ns, entry_fee, low, high;
  size_t entry_bar;
  uint64_t orders, positions;
};

static int64_t value_of(const struct demo *d, int64_t ticks, int64_t lots) {
  cash c = {0};
  return instrument_notional(&d->s->inst, (price){ticks}, (quantity){lots}, ROUND_NEAREST, &c) ? c.e8 : 0;
}

static bool fill(struct demo *d, size_t i, int64_t ticks, int64_t lots, uint32_t tag, int64_t *ret_fee) {
  int64_t v = value_of(d, ticks, lots < 0 ? -lots : lots);
  *ret_fee = v / 1000;
  d->balance_e8 -= *ret_fee;
  return result_fill_add(d->r, &(struct fill){.id = d->orders, .order = ++d->orders, .side = lots > 0 ? SIDE_BUY : SIDE_SELL,
    .px = {ticks}, .qty = {lots < 0 ? -lots : lots}, .fee = {*ret_fee}, .slippage = {v / 4000}, .tag = tag,
    .time_ns = d->s->bars[i].open_ns});
}

static bool leave(struct demo *d, size_t i, int64_t ticks, uint32_t tag) {
  int64_t fee, pnl = value_of(d, ticks - d->entry_ticks, d->lots), dir = d->lots > 0 ? 1 : -1;
  if (!fill(d, i, ticks, -d->lots, tag, &fee)) return false;
  d->balance_e8 += pnl;
  int64_t worst = value_of(d, (dir > 0 ? d->low : d->high) - d->entry_ticks, d->lots);
  int64_t best = value_of(d, (dir > 0 ? d->high : d->low) - d->entry_ticks, d->lots);
  struct trade t = {.direction = (int)dir, .qty = {dir * d->lots}, .entry_ns = d->entry_ns, .exit_ns = d->s->bars[i].open_ns,
    .entry_px = {d->entry_ticks}, .exit_px = {ticks}, .position_id = d->positions, .pnl = {pnl - fee - d->entry_fee},
    .fees = {fee + d->entry_fee}, .mae = {worst}, .mfe = {best}, .bars = (int64_t)(i - d->entry_bar), .tag = TAG_FIRST_FREE,
    .exit_tag = tag, .ambiguous = d->positions % 23 == 5};
  d->lots = 0;
  return result_trade_add(d->r, &t);
}

static bool enter(struct demo *d, size_t i, int dir) {
  int64_t ticks = d->s->bars[i].open.ticks, one = value_of(d, ticks, 1000);
  int64_t lots = one > 0 ? (int64_t)((int128)d->balance_e8 * 950 / one) : 0;
  if (lots <= 0) {
    result_denied_add(d->r, d->s->bars[i].open_ns, REASON_MARGIN);
    return true;
  }
  d->lots = dir * lots;
  d->entry_ticks = d->low = d->high = ticks;
  d->entry_ns = d->s->bars[i].open_ns;
  d->entry_bar = i;
  d->positions++;
  return fill(d, i, ticks, d->lots, TAG_FIRST_FREE, &d->entry_fee);
}

static double average(const struct series *s, size_t i, size_t n) {
  double sum = 0;
  for (size_t k = 0; k < n; k++) sum += price_double(&s->inst, s->bars[i - k].close);
  return sum / (double)n;
}

static bool about(struct result *r, const struct series *s, const char *text) {
  memset(r->script_sha256, 'a', 64);
  memset(r->hash, 'b', 64);
  r->seconds = 0.0421;
  r->bars_per_second = (double)s->count / r->seconds;
  r->script_seconds = 0.02;
  r->timeframe_ns = s->timeframe_ns;
  r->calendar = stats_has_calendar(s->bars, s->count, s->timeframe_ns);
  bool ok = result_text_set(&r->engine_version, "0.1.0") && result_text_set(&r->script_name, text ? text : "Average cross") &&
            result_text_set(&r->script_file, text ? text : "strategies/sma_cross.lua") && result_symbol_add(r, &s->inst) &&
            result_data_add(r, "main", "demo.csv", s) && result_pair_add(&r->params, "fast", "20", RESULT_NUMBER) &&
            result_pair_add(&r->params, "slow", "50", RESULT_NUMBER) &&
            result_pair_add(&r->params, text ? text : "note", text ? text : "both sides", RESULT_TEXT);
  static const char *const config[][2] = {{"cash", "10000"}, {"fee_maker", "0.001"}, {"fee_taker", "0.001"},
                                          {"fill_model", "strict"}, {"path", "nearer"}};
  for (size_t i = 0; i < sizeof config / sizeof *config; i++)
    ok = ok && result_pair_add(&r->config, config[i][0], config[i][1], RESULT_TEXT);
  return ok && result_pair_add(&r->config, "seed", "1", RESULT_NUMBER) &&
         result_tag_set(r, TAG_FIRST_FREE, text ? text : "cross") && result_tag_set(r, TAG_FIRST_FREE + 1, text ? text : "reverse") &&
         result_warning_add(r, "%s", text ? text : "demo.csv: 3 gaps, 12 bars missing") &&
         result_log_add(r, s->bars[0].open_ns, "info", text ? text : "started") &&
         result_mark_add(r, s->bars[0].open_ns, text ? text : "first bar");
}

bool demo_result(struct result *r, const struct series *s, const char *hostile) {
  result_init(r);
  r->cash_start = (cash){10000 * CASH_ONE};
  if (!about(r, s, hostile)) return false;
  struct demo d = {.r = r, .s = s, .balance_e8 = r->cash_start.e8};
  size_t first = s->count > 51 ? 51 : s->count;
  r->bars = s->bars + first;
  r->bar_count = s->count - first;
  int want = 0;
  for (size_t i = first; i < s->count; i++) {
    const struct bar *b = &s->bars[i];
    int64_t stop = d.entry_ticks - (d.lots > 0 ? 1 : -1) * d.entry_ticks / 10;
    if (want && (d.lots > 0) - (d.lots < 0) != want) {
      if (d.lots && !leave(&d, i, b->open.ticks, TAG_FIRST_FREE + 1)) return false;
      if (!enter(&d, i, want)) return false;
    }
    want = 0;
    if (d.lots) {
      if (b->low.ticks < d.low) d.low = b->low.ticks;
      if (b->high.ticks > d.high) d.high = b->high.ticks;
      if (d.entry_bar < i && (d.lots > 0 ? b->low.ticks <= stop : b->high.ticks >= stop) && !leave(&d, i, stop, TAG_SL)) return false;
    }
    double fast = average(s, i, 20), slow = average(s, i, 50), fast1 = average(s, i - 1, 20), slow1 = average(s, i - 1, 50);
    if (fast > slow && fast1 <= slow1) want = 1;
    if (fast < slow && fast1 >= slow1) want = -1;
    if (!result_plot_add(r, hostile ? hostile : "fast", b->open_ns, fast) || !result_plot_add(r, "slow", b->open_ns, slow) ||
        !result_plot_add(r, "spread %", b->open_ns, 100 * (fast / slow - 1)))
      return false;
    int64_t open = d.lots ? value_of(&d, b->close.ticks - d.entry_ticks, d.lots) : 0;
    if (!result_equity_add(r, b->open_ns, (cash){d.balance_e8 + open}, d.lots != 0)) return false;
    if (i + 1 == s->count && d.lots &&
        !result_open_add(r, &(struct result_open){.lots = d.lots, .avg = price_double(&s->inst, (price){d.entry_ticks}),
          .mark = b->close, .unrealised = {open}, .since_ns = d.entry_ns, .position_id = d.positions}))
      return false;
  }
  for (int k = 0; k < 7; k++) result_denied_add(r, s->bars[0].open_ns, k % 3 ? REASON_MIN_NOTIONAL : REASON_MARGIN);
  struct err err = {0};
  if (stats_compute(r, &err) != OK) return false;
  for (int p = 0; p < RESULT_PATH_COUNT; p++) {
    r->path_given[p] = true;
    r->paths[p] = r->stats;
    r->paths[p].return_pct += p == RESULT_ADVERSE ? -7.3 : p == RESULT_FAVOURABLE ? 4.1 : 0;
    r->paths[p].equity_final += (p == RESULT_ADVERSE ? -730 : p == RESULT_FAVOURABLE ? 410 : 0) * CASH_ONE;
  }
  return true;
}

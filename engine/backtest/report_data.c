// backtest/report_data.c – what the HTML report's script gets to draw: curves thinned to a screen's resolution, candles
// joined so that a few thousand remain, trades as short rows. Nothing is averaged: thinned curves keep highs, lows and the
// deepest drawdown of each bucket, joined candles keep open, high, low, close.
#include "backtest/report_data.h"

#include "market/tz.h"

#include <string.h>

#define CURVE_POINTS_MAX 4000  // four per bucket
#define CANDLES_MAX 3000
#define TRADES_MAX 20000       // the newest; JSON and CSV have all
#define NOTES_MAX 1000
#define TAG_BYTES_MAX 60

static int64_t seconds(int64_t ns) { return ns / NS_PER_S - (ns % NS_PER_S < 0); }
static double money(int64_t e8) { return (double)e8 / 1e8; }

// Rounded to what a chart can show, so that the file stays small.
static void number(struct json_out *j, double v, int digits) {
  char text[40];
  if (!isfinite(v)) {
    jo_null(j, NULL);
    return;
  }
  snprintf(text, sizeof text, "%.*g", digits, v);
  jo_raw(j, NULL, text);
}

static double depth_pct(int64_t peak, int64_t e) {
  return peak > 0 ? 100 * (double)((int128)peak - e) / (double)peak : 0;
}

// ---- equity, drawdown, buy and hold

struct curve {
  struct json_out *j;
  const struct result *r;
  size_t bar;  // first bar after the last point written
};

static void curve_point(struct curve *c, size_t i, double depth) {
  const struct result *r = c->r;
  int64_t t = r->equity[i].time_ns;
  while (c->bar < r->bar_count && r->bars[c->bar].open_ns <= t) c->bar++;
  double hold = NAN;
  if (c->bar > 0 && r->bars[0].close.ticks > 0)
    hold = money(r->cash_start.e8) * (double)r->bars[c->bar - 1].close.ticks / (double)r->bars[0].close.ticks;
  jo_open(c->j, NULL, '[');
  jo_int(c->j, NULL, seconds(t));
  number(c->j, money(r->equity[i].equity_e8), 9);
  number(c->j, depth, 5);
  number(c->j, hold, 9);
  jo_close(c->j);
}

static void equity_json(struct json_out *j, const struct result *r) {
  struct curve c = {j, r, 0};
  size_t n = r->equity_count, step = n <= CURVE_POINTS_MAX ? 1 : (n + CURVE_POINTS_MAX / 4 - 1) / (CURVE_POINTS_MAX / 4);
  int64_t peak = r->cash_start.e8;
  jo_open(j, "equity", '[');
  for (size_t from = 0; from < n; from += step) {
    size_t to = from + step < n ? from + step : n;
    size_t keep[4] = {from, from, from, to - 1};  // first, highest, deepest, last
    double depth[4], deepest = -1;
    for (size_t i = from; i < to; i++) {
      int64_t e = r->equity[i].equity_e8;
      if (e > peak) peak = e;
      double d = depth_pct(peak, e);
      if (i == from) depth[0] = depth[1] = d;
      if (e > r->equity[keep[1]].equity_e8) keep[1] = i, depth[1] = d;
      if (d > deepest) keep[2] = i, depth[2] = deepest = d;
      depth[3] = d;
    }
    if (keep[1] > keep[2]) {
      size_t k = keep[1];
      double d = depth[1];
      keep[1] = keep[2], depth[1] = depth[2];
      keep[2] = k, depth[2] = d;
    }
    for (int k = 0; k < 4; k++) {
      if (k == 0 || keep[k] > keep[k - 1]) curve_point(&c, keep[k], depth[k]);
    }
  }
  jo_close(j);
}

// Return of each calendar month (UTC): from the last equity before it to its last.
static void months_json(struct json_out *j, const struct result *r) {
  int64_t base = r->cash_start.e8;
  jo_open(j, "months", '[');
  for (size_t i = 0; i < r->equity_count; i++) {
    int64_t day = timeframe_floor(r->equity[i].time_ns, NS_PER_DAY) / NS_PER_DAY;
    bool last = i + 1 == r->equity_count;
    int64_t next = last ? day : timeframe_floor(r->equity[i + 1].time_ns, NS_PER_DAY) / NS_PER_DAY;
    if (!last && next == day) continue;
    struct tz_date a = date_from_days(day), b = date_from_days(next);
    if (!last && a.year == b.year && a.month == b.month) continue;
    int64_t e = r->equity[i].equity_e8;
    jo_open(j, NULL, '[');
    jo_int(j, NULL, a.year);
    jo_int(j, NULL, a.month);
    number(j, base > 0 ? 100 * ((double)e / (double)base - 1) : NAN, 6);
    jo_close(j);
    base = e;
  }
  jo_close(j);
}

// ---- price and plots

static size_t candle_step(const struct result *r) {
  return r->bar_count <= CANDLES_MAX ? 1 : (r->bar_count + CANDLES_MAX - 1) / CANDLES_MAX;
}

static void candles_json(struct json_out *j, const struct result *r, const struct instrument *inst) {
  size_t step = candle_step(r);
  jo_int(j, "candle_bars", (int64_t)step);
  jo_open(j, "candles", '[');
  for (size_t from = 0; from < r->bar_count; from += step) {
    size_t to = from + step < r->bar_count ? from + step : r->bar_count;
    struct bar c = r->bars[from];
    for (size_t i = from; i < to; i++) {
      if (r->bars[i].high.ticks > c.high.ticks) c.high = r->bars[i].high;
      if (r->bars[i].low.ticks < c.low.ticks) c.low = r->bars[i].low;
      c.close = r->bars[i].close;
    }
    jo_open(j, NULL, '[');
    jo_int(j, NULL, seconds(c.open_ns));
    number(j, price_double(inst, c.open), 10);
    number(j, price_double(inst, c.high), 10);
    number(j, price_double(inst, c.low), 10);
    number(j, price_double(inst, c.close), 10);
    jo_close(j);
  }
  jo_close(j);
}

// A plot's last value in each candle, as [candle, value]: the chart's time axis has the candles' times only.
static void plot_json(struct json_out *j, const struct result *r, const struct result_plot *p) {
  size_t step = candle_step(r), candle = 0, candles = r->bar_count ? (r->bar_count + step - 1) / step : 0;
  jo_open(j, NULL, '{');
  jo_text(j, "name", p->name);
  jo_open(j, "points", '[');
  for (size_t i = 0; i < p->count && candles; i++) {
    while (candle + 1 < candles && r->bars[(candle + 1) * step].open_ns <= p->time_ns[i]) candle++;
    if (p->time_ns[i] < r->bars[0].open_ns) continue;
    bool last = i + 1 == p->count || (candle + 1 < candles && r->bars[(candle + 1) * step].open_ns <= p->time_ns[i + 1]);
    if (!last) continue;
    jo_open(j, NULL, '[');
    jo_int(j, NULL, (int64_t)candle);
    number(j, p->value[i], 8);
    jo_close(j);
  }
  jo_close(j);
  jo_close(j);
}

// ---- lists

static void short_text(struct json_out *j, const char *key, const char *text) {
  char cut[TAG_BYTES_MAX + 1];
  size_t len = strlen(text);
  if (len > TAG_BYTES_MAX) {
    len = TAG_BYTES_MAX;
    while (len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80) len--;
  }
  memcpy(cut, text, len);
  cut[len] = 0;
  jo_text(j, key, cut);
}

static void trades_json(struct json_out *j, const struct result *r) {
  size_t from = r->trade_count > TRADES_MAX ? r->trade_count - TRADES_MAX : 0;
  jo_int(j, "trade_total", (int64_t)r->trade_count);
  jo_int(j, "trade_first", (int64_t)from + 1);
  jo_open(j, "symbols", '[');
  for (size_t i = 0; i < r->symbol_count; i++) jo_text(j, NULL, r->symbols[i].symbol);
  jo_close(j);
  // symbol, direction, qty, entry s, entry price, exit s, exit price, pnl, fees, tag, exit tag, bars, mae, mfe, flags
  jo_open(j, "trades", '[');
  for (size_t k = from; k < r->trade_count; k++) {
    const struct trade *t = &r->trades[k];
    const struct instrument *i = result_symbol(r, t->symbol);
    char text[DECIMAL_TEXT_MAX];
    jo_open(j, NULL, '[');
    jo_int(j, NULL, t->symbol);
    jo_int(j, NULL, t->direction);
    jo_text(j, NULL, quantity_text(i, t->qty, text));
    jo_int(j, NULL, seconds(t->entry_ns));
    jo_text(j, NULL, price_text(i, t->entry_px, text));
    jo_int(j, NULL, seconds(t->exit_ns));
    jo_text(j, NULL, price_text(i, t->exit_px, text));
    number(j, money(t->pnl.e8), 12);
    number(j, money(t->fees.e8), 12);
    short_text(j, NULL, result_tag(r, t->tag));
    short_text(j, NULL, result_tag(r, t->exit_tag));
    jo_int(j, NULL, t->bars);
    number(j, money(t->mae.e8), 12);
    number(j, money(t->mfe.e8), 12);
    jo_int(j, NULL, (t->ambiguous ? 1 : 0) | (t->liquidated ? 2 : 0));
    jo_close(j);
  }
  jo_close(j);
  jo_open(j, "open", '[');
  for (size_t k = 0; k < r->open_count; k++) {
    const struct result_open *o = &r->open[k];
    const struct instrument *i = result_symbol(r, o->symbol);
    char text[DECIMAL_TEXT_MAX];
    jo_open(j, NULL, '[');
    jo_text(j, NULL, i->symbol);
    jo_int(j, NULL, o->lots < 0 ? -1 : 1);
    jo_text(j, NULL, quantity_text(i, (quantity){o->lots < 0 ? -o->lots : o->lots}, text));
    jo_int(j, NULL, seconds(o->since_ns));
    number(j, o->avg, 10);
    jo_text(j, NULL, price_given(o->mark) ? price_text(i, o->mark, text) : "");
    number(j, money(o->unrealised.e8), 12);
    jo_close(j);
  }
  jo_close(j);
}

static void notes_json(struct json_out *j, const char *key, const struct result_notes *n) {
  jo_open(j, key, '{');
  jo_int(j, "total", (int64_t)(n->count + n->dropped));
  jo_open(j, "items", '[');
  for (size_t i = 0; i < n->count && i < NOTES_MAX; i++) {
    jo_open(j, NULL, '[');
    jo_int(j, NULL, seconds(n->items[i].time_ns));
    jo_text(j, NULL, n->items[i].level);
    jo_text(j, NULL, n->items[i].text);
    jo_close(j);
  }
  jo_close(j);
  jo_close(j);
}

static void run_json(struct json_out *j, const struct result *r) {
  char tf[TIMEFRAME_TEXT_MAX];
  jo_text(j, "engine", r->engine_version ? r->engine_version : "");
  jo_text(j, "name", r->script_name ? r->script_name : "");
  jo_text(j, "file", r->script_file ? r->script_file : "");
  jo_text(j, "sha256", r->script_sha256);
  jo_text(j, "hash", r->hash);
  jo_real(j, "seconds", r->seconds);
  jo_real(j, "bars_per_second", r->bars_per_second);
  jo_bool(j, "interrupted", r->interrupted);
  jo_bool(j, "calendar", r->calendar);
  jo_int(j, "bar_seconds", r->timeframe_ns / NS_PER_S);
  jo_text(j, "timeframe", r->timeframe_ns > 0 ? timeframe_text(r->timeframe_ns, tf) : "");
  jo_text(j, "symbol", result_symbol(r, r->main_symbol)->symbol);
  jo_int(j, "main_symbol", r->main_symbol);
  result_json_pairs(j, "params", &r->params);
  result_json_pairs(j, "config", &r->config);
  jo_open(j, "data", '[');
  for (size_t k = 0; k < r->data_count; k++) {
    const struct result_data *d = &r->data[k];
    jo_open(j, NULL, '[');
    jo_text(j, NULL, d->stream);
    jo_text(j, NULL, d->symbol);
    jo_text(j, NULL, d->timeframe_ns > 0 ? timeframe_text(d->timeframe_ns, tf) : "");
    jo_int(j, NULL, (int64_t)d->bars);
    jo_int(j, NULL, seconds(d->from_ns));
    jo_int(j, NULL, seconds(d->to_ns));
    jo_int(j, NULL, (int64_t)d->gaps);
    jo_close(j);
  }
  jo_close(j);
}

static void stats_json(struct json_out *j, const struct result *r) {
  jo_open(j, "stat_groups", '[');
  for (int g = 0; g < STAT_GROUP_COUNT; g++) jo_text(j, NULL, stat_group_text((enum stat_group)g));
  jo_close(j);
  static const char *const kinds[] = {
    [STAT_MONEY] = "money", [STAT_PCT] = "pct", [STAT_RATIO] = "ratio", [STAT_COUNT] = "count", [STAT_SPAN] = "span"};
  jo_open(j, "stat_list", '[');
  for (int k = 0; k < STAT_TOTAL; k++) {
    const struct stat_info *i = &stat_infos[k];
    jo_open(j, NULL, '[');
    jo_text(j, NULL, i->key);
    jo_text(j, NULL, i->label);
    jo_text(j, NULL, i->formula);
    jo_text(j, NULL, kinds[i->kind]);
    jo_int(j, NULL, i->group);
    jo_close(j);
  }
  jo_close(j);
  result_json_stats(j, "stats", &r->stats);
  jo_open(j, "paths", '{');
  for (int p = 0; p < RESULT_PATH_COUNT; p++) {
    if (r->path_given[p]) result_json_stats(j, result_path_text((enum result_path)p), &r->paths[p]);
  }
  jo_close(j);
}

void report_data_json(const struct result *r, struct buf *out) {
  struct json_out j;
  json_out_init(&j, out, true);
  jo_open(&j, NULL, '{');
  run_json(&j, r);
  stats_json(&j, r);
  equity_json(&j, r);
  months_json(&j, r);
  candles_json(&j, r, result_symbol(r, r->main_symbol));
  jo_open(&j, "plots", '[');
  for (size_t k = 0; k < r->plot_count; k++) plot_json(&j, r, &r->plots[k]);
  jo_close(&j);
  trades_json(&j, r);
  jo_open(&j, "denied", '[');
  for (size_t k = 0; k < r->denied_count; k++) {
    jo_open(&j, NULL, '[');
    jo_text(&j, NULL, reason_code(r->denied[k].code));
    jo_text(&j, NULL, reason_text(r->denied[k].code));
    jo_int(&j, NULL, (int64_t)r->denied[k].count);
    jo_int(&j, NULL, seconds(r->denied[k].first_ns));
    jo_close(&j);
  }
  jo_close(&j);
  notes_json(&j, "logs", &r->logs);
  notes_json(&j, "marks", &r->marks);
  jo_open(&j, "warnings", '[');
  for (size_t k = 0; k < r->warning_count; k++) jo_text(&j, NULL, r->warnings[k]);
  jo_close(&j);
  jo_int(&j, "warnings_dropped", (int64_t)r->warnings_dropped);
  jo_close(&j);
}

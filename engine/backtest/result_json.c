#include "backtest/result_out.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define JSON_BYTES_MAX ((size_t)2 << 30)
#define EQUITY_BUCKETS 1000

static int64_t ms(int64_t ns) { return ns / NS_PER_MS; }

const struct instrument *result_symbol(const struct result *r, int symbol) {
  static const struct instrument unknown = {
    .symbol = "?", .tick = {1, 0}, .lot = {1, 0}, .multiplier = {1, 0}, .value_num = CASH_ONE, .value_den = 1, .tick_step = 1, .lot_step = 1,
    .tick_double = 1, .lot_double = 1, .multiplier_double = 1,
  };
  return symbol >= 0 && (size_t)symbol < r->symbol_count ? &r->symbols[symbol] : &unknown;
}

static void money(struct json_out *j, const char *key, int64_t e8) {
  char text[DECIMAL_TEXT_MAX];
  jo_text(j, key, cash_text((cash){e8}, text));
}

static void px(struct json_out *j, const char *key, const struct instrument *i, price p) {
  char text[DECIMAL_TEXT_MAX];
  jo_text(j, key, price_text(i, p, text));
}

static void qty(struct json_out *j, const char *key, const struct instrument *i, quantity q) {
  char text[DECIMAL_TEXT_MAX];
  jo_text(j, key, quantity_text(i, q, text));
}

void result_json_stat(struct json_out *j, const struct stat_info *i, const struct stats *s) {
  int64_t n;
  double d;
  if (!stat_is_int(i->kind)) {
    if (stat_double(s, i, &d)) jo_real(j, i->key, d);
    else jo_null(j, i->key);
  } else if (!stat_int(s, i, &n)) {
    jo_null(j, i->key);
  } else if (i->kind == STAT_MONEY) {
    money(j, i->key, n);
  } else {
    jo_int(j, i->key, n);
  }
}

void result_json_stats(struct json_out *j, const char *key, const struct stats *s) {
  jo_open(j, key, '{');
  for (int k = 0; k < STAT_TOTAL; k++) result_json_stat(j, &stat_infos[k], s);
  jo_close(j);
}

// Is text a number as JSON writes it? What is not is shown as a string.
static bool is_json_number(const char *t) {
  t += *t == '-';
  if (!isdigit((unsigned char)*t) || (t[0] == '0' && isdigit((unsigned char)t[1]))) return false;
  while (isdigit((unsigned char)*t)) t++;
  if (*t == '.') {
    if (!isdigit((unsigned char)*++t)) return false;
    while (isdigit((unsigned char)*t)) t++;
  }
  if (*t == 'e' || *t == 'E') {
    t++;
    t += *t == '+' || *t == '-';
    if (!isdigit((unsigned char)*t)) return false;
    while (isdigit((unsigned char)*t)) t++;
  }
  return *t == 0;
}

void result_json_pairs(struct json_out *j, const char *key, const struct result_pairs *p) {
  jo_open(j, key, '{');
  for (size_t i = 0; i < p->count; i++) {
    const struct result_pair *e = &p->items[i];
    bool raw = e->kind == RESULT_NUMBER ? is_json_number(e->text) : e->kind == RESULT_BOOL;
    if (raw) jo_raw(j, e->key, e->kind == RESULT_BOOL && strcmp(e->text, "true") != 0 ? "false" : e->text);
    else jo_text(j, e->key, e->text);
  }
  jo_close(j);
}

void result_json_trades(struct json_out *j, const char *key, const struct result *r) {
  jo_open(j, key, '[');
  for (size_t k = 0; k < r->trade_count; k++) {
    const struct trade *t = &r->trades[k];
    const struct instrument *i = result_symbol(r, t->symbol);
    jo_open(j, NULL, '{');
    jo_text(j, "symbol", i->symbol);
    jo_text(j, "side", t->direction > 0 ? "long" : "short");
    qty(j, "qty", i, t->qty);
    jo_int(j, "entry_time", ms(t->entry_ns));
    px(j, "entry_price", i, t->entry_px);
    jo_int(j, "exit_time", ms(t->exit_ns));
    px(j, "exit_price", i, t->exit_px);
    money(j, "pnl", t->pnl.e8);
    money(j, "fees", t->fees.e8);
    jo_text(j, "tag", result_tag(r, t->tag));
    jo_text(j, "exit_tag", result_tag(r, t->exit_tag));
    jo_int(j, "bars", t->bars);
    money(j, "mae", t->mae.e8);
    money(j, "mfe", t->mfe.e8);
    jo_bool(j, "ambiguous", t->ambiguous);
    jo_int(j, "position_id", (int64_t)t->position_id);
    if (t->liquidated) jo_bool(j, "liquidated", true);
    jo_close(j);
  }
  jo_close(j);
}

static void fills_json(struct json_out *j, const struct result *r) {
  jo_open(j, "fills", '[');
  for (size_t k = 0; k < r->fill_count; k++) {
    const struct fill *f = &r->fills[k];
    const struct instrument *i = result_symbol(r, f->symbol);
    char order[24];
    snprintf(order, sizeof order, "%llu", (unsigned long long)f->order);
    jo_open(j, NULL, '{');
    jo_int(j, "time", ms(f->time_ns));
    jo_text(j, "order", order);
    jo_text(j, "symbol", i->symbol);
    jo_text(j, "side", f->side == SIDE_BUY ? "buy" : "sell");
    qty(j, "qty", i, f->qty);
    px(j, "price", i, f->px);
    money(j, "fee", f->fee.e8);
    jo_bool(j, "maker", f->maker);
    jo_text(j, "tag", result_tag(r, f->tag));
    if (f->ambiguous) jo_bool(j, "ambiguous", true);
    if (f->cut) jo_bool(j, "cut", true);
    jo_close(j);
  }
  jo_close(j);
}

static void open_json(struct json_out *j, const struct result *r) {
  jo_open(j, "open", '[');
  for (size_t k = 0; k < r->open_count; k++) {
    const struct result_open *o = &r->open[k];
    const struct instrument *i = result_symbol(r, o->symbol);
    char avg[40];
    snprintf(avg, sizeof avg, "%.12g", o->avg);
    jo_open(j, NULL, '{');
    jo_text(j, "symbol", i->symbol);
    jo_text(j, "side", o->lots < 0 ? "short" : "long");
    qty(j, "qty", i, (quantity){o->lots < 0 ? -o->lots : o->lots});
    if (isfinite(o->avg)) jo_text(j, "avg_price", avg);
    else jo_null(j, "avg_price");
    if (price_given(o->mark)) px(j, "mark_price", i, o->mark);
    else jo_null(j, "mark_price");
    money(j, "pnl", o->unrealised.e8);
    jo_int(j, "entry_time", ms(o->since_ns));
    jo_int(j, "position_id", (int64_t)o->position_id);
    jo_close(j);
  }
  jo_close(j);
}

static void notes_json(struct json_out *j, const char *key, const struct result_notes *n) {
  jo_open(j, key, '[');
  for (size_t k = 0; k < n->count; k++) {
    jo_open(j, NULL, '{');
    jo_int(j, "time", ms(n->items[k].time_ns));
    if (n->items[k].level[0]) jo_text(j, "level", n->items[k].level);
    jo_text(j, "text", n->items[k].text);
    jo_close(j);
  }
  jo_close(j);
}

void result_json_head(struct json_out *j, const struct result *r) {
  jo_open(j, "engine", '{');
  jo_text(j, "version", r->engine_version ? r->engine_version : "");
  jo_close(j);
  jo_open(j, "script", '{');
  jo_text(j, "name", r->script_name ? r->script_name : "");
  jo_text(j, "file", r->script_file ? r->script_file : "");
  jo_text(j, "sha256", r->script_sha256);
  if (r->max_notional_known) jo_real(j, "max_notional", r->max_notional);
  jo_close(j);
  result_json_pairs(j, "params", &r->params);
  jo_open(j, "data", '[');
  for (size_t k = 0; k < r->data_count; k++) {
    const struct result_data *d = &r->data[k];
    char tf[TIMEFRAME_TEXT_MAX];
    jo_open(j, NULL, '{');
    jo_text(j, "stream", d->stream);
    jo_text(j, "symbol", d->symbol);
    jo_text(j, "timeframe", timeframe_text(d->timeframe_ns, tf));
    jo_int(j, "bars", (int64_t)d->bars);
    jo_int(j, "from", ms(d->from_ns));
    jo_int(j, "to", ms(d->to_ns));
    jo_int(j, "gaps", (int64_t)d->gaps);
    if (d->file[0]) jo_text(j, "file", d->file);
    jo_close(j);
  }
  jo_close(j);
  result_json_pairs(j, "config", &r->config);
}

static void figures_json(struct json_out *j, const struct result *r) {
  result_json_stats(j, "stats", &r->stats);
  jo_open(j, "paths", '{');
  for (int p = 0; p < RESULT_PATH_COUNT; p++) {
    if (r->path_given[p]) {
      result_json_stats(j, result_path_text((enum result_path)p), &r->paths[p]);
    } else {
      jo_open(j, result_path_text((enum result_path)p), '{');
      jo_close(j);
    }
  }
  jo_close(j);
}

static void equity_point(struct json_out *j, const struct result_equity *e) {
  jo_open(j, NULL, '[');
  jo_int(j, NULL, ms(e->time_ns));
  money(j, NULL, e->equity_e8);
  jo_close(j);
}

static void curves_json(struct json_out *j, const struct result *r) {
  jo_open(j, "plots", '{');
  for (size_t k = 0; k < r->plot_count; k++) {
    const struct result_plot *p = &r->plots[k];
    jo_open(j, p->name, '[');
    for (size_t i = 0; i < p->count; i++) {
      jo_open(j, NULL, '[');
      jo_int(j, NULL, ms(p->time_ns[i]));
      jo_real(j, NULL, p->value[i]);
      jo_close(j);
    }
    jo_close(j);
  }
  jo_close(j);
  jo_open(j, "equity_daily", '[');
  for (size_t i = 0; i < r->equity_count; i++) {
    const struct result_equity *e = &r->equity[i];
    if (i + 1 < r->equity_count && timeframe_floor(e[1].time_ns, NS_PER_DAY) == timeframe_floor(e->time_ns, NS_PER_DAY))
      continue;
    equity_point(j, e);
  }
  jo_close(j);
  // The shape in full: of a long run each of EQUITY_BUCKETS pieces shows its lowest point and its last.
  const size_t step = r->equity_count > 2 * EQUITY_BUCKETS ? (r->equity_count + EQUITY_BUCKETS - 1) / EQUITY_BUCKETS : 1;
  jo_open(j, "equity", '[');
  for (size_t i = 0; i < r->equity_count; i += step) {
    const size_t last = i + step < r->equity_count ? i + step - 1 : r->equity_count - 1;
    size_t low = i;
    for (size_t k = i; k <= last; k++)
      if (r->equity[k].equity_e8 < r->equity[low].equity_e8) low = k;
    if (low != last) equity_point(j, &r->equity[low]);
    equity_point(j, &r->equity[last]);
  }
  jo_close(j);
}

static void rules_json(struct json_out *j, const struct result_rules *r) {
  if (!r->given) return;
  jo_open(j, "rules", '{');
  jo_text(j, "name", r->name);
  jo_int(j, "denied", (int64_t)r->denied);
  jo_int(j, "interventions", (int64_t)r->interventions);
  jo_int(j, "ends", (int64_t)r->ends);
  if (r->ends) jo_int(j, "ended", ms(r->ended_ns));
  if (r->ends) jo_text(j, "why", r->why);
  jo_bool(j, "stopped", r->stopped);
  jo_bool(j, "failed", r->failed);
  if (r->has_consistency) jo_real(j, "best_day_pct", (double)r->consistency_e8 / 1e6);
  jo_close(j);
}

void result_json(const struct result *r, struct buf *out) {
  struct json_out j;
  json_out_init(&j, out, false);
  jo_open(&j, NULL, '{');
  result_json_head(&j, r);
  figures_json(&j, r);
  fills_json(&j, r);
  result_json_trades(&j, "trades", r);
  open_json(&j, r);
  jo_open(&j, "denied", '[');
  for (size_t k = 0; k < r->denied_count; k++) {
    jo_open(&j, NULL, '{');
    jo_int(&j, "time", ms(r->denied[k].first_ns));
    jo_text(&j, "code", reason_code(r->denied[k].code));
    jo_int(&j, "count", (int64_t)r->denied[k].count);
    jo_close(&j);
  }
  jo_close(&j);
  rules_json(&j, &r->rules);
  notes_json(&j, "logs", &r->logs);
  curves_json(&j, r);
  notes_json(&j, "marks", &r->marks);
  jo_open(&j, "warnings", '[');
  for (size_t k = 0; k < r->warning_count; k++) jo_text(&j, NULL, r->warnings[k]);
  jo_close(&j);
  size_t points = 0;
  for (size_t k = 0; k < r->plot_count; k++) points += r->plots[k].dropped;
  jo_open(&j, "dropped", '{');
  jo_int(&j, "logs", (int64_t)r->logs.dropped);
  jo_int(&j, "marks", (int64_t)r->marks.dropped);
  jo_int(&j, "plots", (int64_t)r->plots_dropped);
  jo_int(&j, "plot_points", (int64_t)points);
  jo_int(&j, "warnings", (int64_t)r->warnings_dropped);
  jo_close(&j);
  jo_bool(&j, "interrupted", r->interrupted);
  jo_text(&j, "hash", r->hash);
  jo_open(&j, "timing", '{');
  jo_real(&j, "seconds", r->seconds);
  jo_real(&j, "bars_per_second", r->bars_per_second);
  jo_real(&j, "script_seconds", r->script_seconds);
  jo_close(&j);
  jo_close(&j);
  buf_str(out, "\n");
}

enum status result_json_write(const struct result *r, const char *path, struct err *err) {
  struct buf b;
  buf_init(&b, JSON_BYTES_MAX);
  result_json(r, &b);
  enum status st = b.failed ? err_set(err, ERR_LIMIT, "%s: the result does not fit into 2 GB of JSON", path)
                            : file_write_atomic(path, b.data, b.len, err);
  buf_finish(&b);
  return st;
}

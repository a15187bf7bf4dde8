// backtest/montecarlo_out.c – what came of the runs: JSON, a table, and the same in words.
#include "backtest/montecarlo.h"

#include "backtest/result_out.h"
#include "base/decimal.h"
#include "base/money.h"

#include <math.h>
#include <string.h>

static const int percents[] = {1, 5, 25, 50, 75, 95, 99};
#define PERCENTS (sizeof percents / sizeof *percents)
#define CELL_MAX 64

// One statistic of a run: quantiles and place. Keys and labels are those of stat_list.h.
struct view {
  const struct montecarlo_source *s;
  const struct montecarlo *m;
};
struct value {
  int64_t n;  // money and counts
  double d;   // percent
};
struct measure {
  const char *key;
  struct value (*quantile)(const struct view *v, int percent);
  struct value (*real)(const struct view *v);
  double (*place)(const struct view *v);
};

static struct value end_quantile(const struct view *v, int p) { return (struct value){.n = montecarlo_quantile(v->m->ends_e8, v->m->runs, p)}; }
static struct value end_real(const struct view *v) { return (struct value){.n = v->m->real.end_e8}; }
static double end_place(const struct view *v) { return montecarlo_place(v->m->ends_e8, v->m->runs, v->m->real.end_e8); }
static struct value return_quantile(const struct view *v, int p) { return (struct value){.d = montecarlo_return_pct(v->s, end_quantile(v, p).n)}; }
static struct value return_real(const struct view *v) { return (struct value){.d = montecarlo_return_pct(v->s, v->m->real.end_e8)}; }
static struct value drawdown_quantile(const struct view *v, int p) { return (struct value){.d = montecarlo_quantile_real(v->m->drawdowns_pct, v->m->runs, p)}; }
static struct value drawdown_real(const struct view *v) { return (struct value){.d = v->m->real.drawdown_pct}; }
static double drawdown_place(const struct view *v) { return montecarlo_place_real(v->m->drawdowns_pct, v->m->runs, v->m->real.drawdown_pct); }
static struct value streak_quantile(const struct view *v, int p) { return (struct value){.n = montecarlo_quantile(v->m->streaks, v->m->runs, p)}; }
static struct value streak_real(const struct view *v) { return (struct value){.n = v->m->real.streak}; }
static double streak_place(const struct view *v) { return montecarlo_place(v->m->streaks, v->m->runs, v->m->real.streak); }

static const struct measure measures[] = {
    {"equity_final", end_quantile, end_real, end_place},
    {"return_pct", return_quantile, return_real, end_place},
    {"max_drawdown_pct", drawdown_quantile, drawdown_real, drawdown_place},
    {"longest_losing_streak", streak_quantile, streak_real, streak_place},
};
#define MEASURES (sizeof measures / sizeof *measures)

static const struct stat_info *info_of(const struct measure *m) {
  const struct stat_info *i = stat_infos;
  while (strcmp(i->key, m->key) != 0) i++;
  return i;
}

static double share(const struct montecarlo *m, size_t count) { return (double)count / (double)m->runs; }

// ---- warnings

// By more than 0.01 % of the cash; fees that are rounded are no news.
static bool far_apart(const struct montecarlo_source *s, int64_t a, int64_t b) {
  const int128 apart = (int128)a - b;
  return (apart < 0 ? -apart : apart) * 10000 > s->start_e8;
}
// The trades' profits, added; what does not fit into the ledger was refused before.
static int64_t added_up(const struct montecarlo_source *s) {
  int64_t sum = s->start_e8;
  for (size_t i = 0; i < s->count; i++) sum += s->trades[i].pnl_e8;
  return sum;
}

void montecarlo_warnings(const struct montecarlo_source *s, const struct montecarlo_options *o, const struct montecarlo *m, montecarlo_tell tell, void *self) {
  char text[400], run[CELL_MAX], trades[CELL_MAX];
  if (s->count < MONTECARLO_TRADES_FEW) {
    snprintf(text, sizeof text, "only %zu trade%s: fewer than %d say too little of what else could have happened", s->count, s->count == 1 ? "" : "s", MONTECARLO_TRADES_FEW);
    tell(self, text);
  }
  if (s->interrupted) tell(self, "the backtest was stopped early: its trades are those until then");
  if (m->real.ruined) tell(self, "the trades in their own order bring the account to zero or below; it stops there, and so does each run that gets there");
  else if (far_apart(s, s->final_e8, m->real.end_e8)) {
    const int64_t added = added_up(s);
    result_money_short(s->final_e8, run, sizeof run);
    result_money_short(m->real.end_e8, trades, sizeof trades);
    snprintf(text, sizeof text, "the backtest ended at %s, its closed trades at %s: positions open at the end, funding and swap belong to no trade%s", run, trades,
             o->compound && far_apart(s, added, m->real.end_e8) ? ", and trades that overlap compound as if one followed the other" : "");
    tell(self, text);
  }
  if (o->block == 1 && m->real.streak > montecarlo_quantile(m->streaks, m->runs, 99)) {
    snprintf(text, sizeof text, "%lld losing trades came in a row, more than in 99 of 100 runs: losses come together, and only --block shows what that does", (long long)m->real.streak);
    tell(self, text);
  }
  if (s->drawdown_pct > m->real.drawdown_pct + 0.005) {
    snprintf(text, sizeof text, "the backtest, which sees open profit, had a max drawdown of %.2f %%, its closed trades of %.2f %%: expect more than these drawdowns", s->drawdown_pct, m->real.drawdown_pct);
    tell(self, text);
  }
}

// ---- JSON

static void value_json(struct json_out *j, const char *key, const struct stat_info *i, struct value v) {
  char text[DECIMAL_TEXT_MAX];
  if (i->kind == STAT_MONEY) {
    decimal_format_scaled(v.n, 8, text);
    jo_text(j, key, text);
  } else if (i->kind == STAT_COUNT) {
    jo_int(j, key, v.n);
  } else {
    jo_real(j, key, v.d);
  }
}

static void measure_json(struct json_out *j, const struct view *v, const struct measure *m) {
  const struct stat_info *i = info_of(m);
  char key[8];
  jo_open(j, m->key, '{');
  jo_open(j, "percentiles", '{');
  for (size_t p = 0; p < PERCENTS; p++) {
    snprintf(key, sizeof key, "%d", percents[p]);
    value_json(j, key, i, m->quantile(v, percents[p]));
  }
  jo_close(j);
  value_json(j, "this_run", i, m->real(v));
  jo_real(j, "this_run_percentile", m->place(v));
  jo_close(j);
}

static void asked_json(struct json_out *j, const struct montecarlo_source *s, const struct montecarlo_options *o) {
  jo_text(j, "kind", "montecarlo");
  jo_text(j, "script", s->script);
  jo_text(j, "method", montecarlo_method_text(o->method));
  jo_bool(j, "compound", o->compound);
  jo_int(j, "block", (int64_t)o->block);
  jo_int(j, "seed", (int64_t)o->seed);
}

static void json_warn(void *self, const char *text) { jo_text(self, NULL, text); }

void montecarlo_json(const struct montecarlo_source *s, const struct montecarlo_options *o, const struct montecarlo *m, struct buf *out) {
  const struct view v = {s, m};
  char text[DECIMAL_TEXT_MAX];
  struct json_out j;
  json_out_init(&j, out, false);
  jo_open(&j, NULL, '{');
  asked_json(&j, s, o);
  jo_int(&j, "runs", (int64_t)m->runs);
  jo_int(&j, "planned", (int64_t)o->runs);
  jo_bool(&j, "stopped", m->stopped);
  jo_int(&j, "trades", (int64_t)s->count);
  decimal_format_scaled(s->start_e8, 8, text);
  jo_text(&j, "equity_start", text);
  decimal_format_scaled(m->mean_end_e8, 8, text);
  jo_text(&j, "equity_final_mean", text);
  jo_open(&j, "stats", '{');
  for (size_t i = 0; i < MEASURES; i++) measure_json(&j, &v, &measures[i]);
  jo_close(&j);
  jo_open(&j, "probability", '{');
  jo_real(&j, "loss", share(m, m->losses));
  jo_real(&j, "ruin", share(m, m->ruins));
  jo_open(&j, "drawdown", '[');
  for (size_t i = 0; i < o->limit_count; i++) {
    jo_open(&j, NULL, '{');
    jo_real(&j, "above_pct", (double)o->limits_e4[i] / 1e4);
    jo_real(&j, "probability", share(m, m->above[i]));
    jo_close(&j);
  }
  jo_close(&j);
  jo_close(&j);
  jo_open(&j, "warnings", '[');
  montecarlo_warnings(s, o, m, json_warn, &j);
  jo_close(&j);
  jo_close(&j);
  buf_str(out, "\n");
}

// ---- for a terminal

// A column per measure: as wide as its heading, and as money needs.
static int width_of(const struct measure *m) {
  const int label = (int)strlen(info_of(m)->label);
  return 2 + (label < 16 ? 16 : label);
}

static void value_print(FILE *out, const struct measure *m, struct value v) {
  const enum stat_kind kind = info_of(m)->kind;
  char text[CELL_MAX];
  if (kind == STAT_MONEY) result_money_short(v.n, text, sizeof text);
  else if (kind == STAT_COUNT) snprintf(text, sizeof text, "%lld", (long long)v.n);
  else snprintf(text, sizeof text, "%.2f %%", fabs(v.d) < 0.005 ? 0.0 : v.d);
  fprintf(out, "%*s", width_of(m), text);
}

static void table_print(FILE *out, const struct view *v) {
  char text[CELL_MAX];
  fprintf(out, "%-10s", "");
  for (size_t i = 0; i < MEASURES; i++) fprintf(out, "%*s", width_of(&measures[i]), info_of(&measures[i])->label);
  for (size_t p = 0; p < PERCENTS; p++) {
    fprintf(out, "\n%8d %%", percents[p]);
    for (size_t i = 0; i < MEASURES; i++) value_print(out, &measures[i], measures[i].quantile(v, percents[p]));
  }
  fprintf(out, "\n%-10s", "this run");
  for (size_t i = 0; i < MEASURES; i++) value_print(out, &measures[i], measures[i].real(v));
  fprintf(out, "\n%-10s", "its place");
  for (size_t i = 0; i < MEASURES; i++) {
    const double place = measures[i].place(v);
    if (isfinite(place)) snprintf(text, sizeof text, "%.1f %%", place);
    else snprintf(text, sizeof text, "-");
    fprintf(out, "%*s", width_of(&measures[i]), text);
  }
  fputc('\n', out);
}

static void chances_print(FILE *out, const struct montecarlo_options *o, const struct montecarlo *m) {
  char limit[DECIMAL_TEXT_MAX];
  fprintf(out, "\nchance of a loss %.1f %%, of ruin %.1f %%", 100 * share(m, m->losses), 100 * share(m, m->ruins));
  for (size_t i = 0; i < o->limit_count; i++) {
    decimal_format_scaled(o->limits_e4[i], 4, limit);
    fprintf(out, "%s %s %%: %.1f %%", i ? ", above" : "; of a drawdown above", limit, 100 * share(m, m->above[i]));
  }
  fputc('\n', out);
}

static void words_print(FILE *out, const struct montecarlo_source *s, const struct montecarlo_options *o, const struct montecarlo *m) {
  const double place = montecarlo_place_real(m->drawdowns_pct, m->runs, m->real.drawdown_pct), deep = montecarlo_quantile_real(m->drawdowns_pct, m->runs, 95);
  char half[CELL_MAX], low[CELL_MAX];
  result_money_short(montecarlo_quantile(m->ends_e8, m->runs, 50), half, sizeof half);
  result_money_short(montecarlo_quantile(m->ends_e8, m->runs, 5), low, sizeof low);
  if (o->method == MONTECARLO_BOOTSTRAP)
    fprintf(out, "Drawn again from these %zu trades, half of the runs end above %s and one in twenty below %s;", s->count, half, low);
  else
    fprintf(out, "In another order the same %zu trades end at %s as well%s;", s->count, half, m->ruins ? ", where the account is not ruined before" : "");
  fprintf(out, " one in twenty has a drawdown deeper than %.2f %%.\n", deep);
  if (isfinite(place))
    fprintf(out, "The drawdown of this run, %.2f %%, is %s than that of %.0f %% of them: %s\n", m->real.drawdown_pct, place < 50 ? "smaller" : "larger", place < 50 ? 100 - place : place,
            place < 50 ? "a lucky one, so do not count on it." : "not a lucky one.");
}

void montecarlo_print(const char *name, const struct montecarlo_source *s, const struct montecarlo_options *o, const struct montecarlo *m, FILE *out) {
  const struct view v = {s, m};
  char block[48] = "";
  if (o->block > 1) snprintf(block, sizeof block, " in blocks of %zu", o->block);
  fprintf(out, "%s: %zu trades, %s%s, %zu runs, seed %llu; %s\n\n", name, s->count, montecarlo_method_text(o->method), block, m->runs, (unsigned long long)o->seed,
          o->compound ? "each trade's return on the equity at its entry is compounded" : "profits are added in currency");
  table_print(out, &v);
  chances_print(out, o, m);
  fputc('\n', out);
  words_print(out, s, o, m);
}

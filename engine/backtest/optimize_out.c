#include "backtest/optimize_out.h"

#include "backtest/result_out.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Of each run, as in a backtest's stats.
static const char *const shown[] = {"return_pct", "buy_hold_return_pct", "cagr_pct", "max_drawdown_pct", "sharpe", "sortino", "calmar", "psr", "trades", "win_rate_pct",
                                    "profit_factor", "expectancy", "exposure_pct", "fees", "equity_final", "ambiguous_pct"};

static void stats_json(struct json_out *j, const char *key, const struct stats *s) {
  jo_open(j, key, '{');
  for (size_t k = 0; k < sizeof shown / sizeof *shown; k++)
    for (int i = 0; i < STAT_TOTAL; i++)
      if (strcmp(stat_infos[i].key, shown[k]) == 0) result_json_stat(j, &stat_infos[i], s);
  jo_close(j);
}

static void params_json(struct json_out *j, const struct space *s, const struct point *p) {
  char text[SPEC_TEXT_MAX];
  jo_open(j, "params", '{');
  for (int a = 0; a < s->axis_count; a++) jo_text(j, s->spec->params[s->axes[a].param].name, space_text(s, a, p->at[a], text));
  jo_close(j);
}

static void span_json(struct json_out *j, const char *key, const struct span *s) {
  if (s->bars == 0) {
    jo_null(j, key);
    return;
  }
  jo_open(j, key, '{');
  jo_int(j, "from", s->from_ns / NS_PER_MS);
  jo_int(j, "to", s->to_ns / NS_PER_MS);
  jo_int(j, "bars", (int64_t)s->bars);
  jo_close(j);
}

static double objective_of(const struct optimize_options *o, const struct stats *s) {
  double v;
  return optimize_stat(s, o->objective, &v) ? v : NAN;
}

static void outcome_json(struct json_out *j, const struct optimize_options *o, const struct optimize_outcome *out) {
  if (out->state == RUN_DONE) {
    jo_real(j, "objective", objective_of(o, &out->stats));
    stats_json(j, "stats", &out->stats);
  } else {
    jo_null(j, "objective");
    jo_text(j, "error", out->why);
  }
}

static void trial_json(struct json_out *j, const struct optimize_options *o, const struct trial *t, size_t rank) {
  jo_open(j, NULL, '{');
  jo_int(j, "rank", (int64_t)rank);
  params_json(j, &o->space, &t->point);
  jo_bool(j, "accepted", t->accepted);
  outcome_json(j, o, &t->in);
  if (t->out.state == RUN_OPEN) {
    jo_null(j, "out_of_sample");
  } else {
    jo_open(j, "out_of_sample", '{');
    outcome_json(j, o, &t->out);
    jo_close(j);
  }
  if (t->neighbours) {
    jo_open(j, "neighbours", '{');
    jo_int(j, "count", t->neighbours);
    jo_real(j, "mean", t->neighbours_mean);
    jo_real(j, "worst", t->neighbours_worst);
    jo_close(j);
  } else {
    jo_null(j, "neighbours");
  }
  jo_close(j);
}

static void space_json(struct json_out *j, const struct space *s) {
  char text[SPEC_TEXT_MAX];
  jo_open(j, "space", '[');
  for (int a = 0; a < s->axis_count; a++) {
    jo_open(j, NULL, '{');
    jo_text(j, "name", s->spec->params[s->axes[a].param].name);
    jo_open(j, "values", '[');
    for (size_t v = 0; v < s->axes[a].count; v++) jo_text(j, NULL, space_text(s, a, v, text));
    jo_close(j);
    jo_close(j);
  }
  jo_close(j);
  jo_int(j, "combinations", (int64_t)s->size);
}

static void asked_json(struct json_out *j, const struct optimize_options *o) {
  jo_text(j, "method", search_method_text(o->method));
  jo_int(j, "trials", (int64_t)o->trials);
  jo_int(j, "seed", (int64_t)o->seed);
  jo_open(j, "objective", '{');
  jo_text(j, "key", o->objective->key);
  jo_text(j, "direction", o->minimise ? "min" : "max");
  jo_close(j);
  jo_open(j, "require", '[');
  for (int i = 0; i < o->rule_count; i++) {
    char text[120];
    snprintf(text, sizeof text, "%s%s%.15g", o->rules[i].stat->key, o->rules[i].at_least ? ">=" : "<=", o->rules[i].bound);
    jo_text(j, NULL, text);
  }
  jo_close(j);
  space_json(j, &o->space);
}

// ---- the best where they were not chosen

struct unseen {
  int count, profitable;
  double mean_in, mean_out;
};
static struct unseen unseen_of(const struct optimize_options *o, const struct optimum *r) {
  struct unseen u = {0};
  for (size_t i = 0; i < r->trial_count && i < OPTIMIZE_TOP; i++) {
    const struct trial *t = &r->trials[i];
    const double in = objective_of(o, &t->in.stats), out = t->out.state == RUN_DONE ? objective_of(o, &t->out.stats) : NAN;
    if (!isfinite(in) || !isfinite(out)) continue;
    u.count++;
    u.profitable += t->out.stats.return_pct > 0;
    u.mean_in += in;
    u.mean_out += out;
  }
  if (u.count) u.mean_in /= u.count, u.mean_out /= u.count;
  return u;
}

// ---- walk-forward

// Mean of the tests' objective over that of the trainings, where the latter is above 0; NaN otherwise.
static double efficiency_of(const struct optimize_options *o, const struct optimum *r, int *ret_profitable) {
  double train = 0, test = 0;
  int n = 0;
  *ret_profitable = 0;
  for (int i = 0; i < r->fold_count; i++) {
    const struct fold *f = &r->folds[i];
    if (!f->tested) continue;
    *ret_profitable += f->test_stats.return_pct > 0;
    const double a = objective_of(o, &f->train_stats), b = objective_of(o, &f->test_stats);
    if (!isfinite(a) || !isfinite(b)) continue;
    train += a, test += b;
    n++;
  }
  return n && train > 0 && !o->minimise ? test / train : NAN;
}

static void walk_json(struct json_out *j, const struct optimize_options *o, const struct optimum *r) {
  double grown;
  int profitable;
  if (r->fold_count == 0) {
    jo_null(j, "walk_forward");
    return;
  }
  jo_open(j, "walk_forward", '{');
  jo_open(j, "folds", '[');
  for (int i = 0; i < r->fold_count; i++) {
    const struct fold *f = &r->folds[i];
    jo_open(j, NULL, '{');
    span_json(j, "train", &f->train);
    span_json(j, "test", &f->test);
    if (f->found) {
      params_json(j, &o->space, &f->point);
      jo_real(j, "objective", objective_of(o, &f->train_stats));
    } else {
      jo_null(j, "params");
      jo_null(j, "objective");
    }
    if (f->tested) {
      jo_real(j, "test_objective", objective_of(o, &f->test_stats));
      stats_json(j, "stats", &f->test_stats);
    } else {
      jo_null(j, "test_objective");
      jo_null(j, "stats");
    }
    jo_close(j);
  }
  jo_close(j);
  jo_real(j, "return_pct", optimum_walk_return_pct(r, &grown) ? grown : NAN);
  jo_real(j, "efficiency", efficiency_of(o, r, &profitable));
  jo_int(j, "profitable", profitable);
  jo_close(j);
}

// ---- all of it

void optimum_json(const struct optimize_options *o, const struct optimum *r, const struct result *head, struct buf *out) {
  struct json_out j;
  double luck;
  json_out_init(&j, out, false);
  jo_open(&j, NULL, '{');
  jo_text(&j, "kind", "optimization");
  result_json_head(&j, head);
  asked_json(&j, o);
  jo_open(&j, "spans", '{');
  span_json(&j, "all", &r->all);
  span_json(&j, "search", &r->search);
  span_json(&j, "out_of_sample", &r->unseen);
  jo_close(&j);
  jo_int(&j, "runs", (int64_t)r->runs);
  jo_int(&j, "planned", (int64_t)r->planned);
  jo_int(&j, "accepted", (int64_t)r->accepted);
  jo_int(&j, "failed", (int64_t)r->failed);
  jo_int(&j, "refused", (int64_t)r->refused);
  if (r->stopped) jo_text(&j, "stopped", r->stopped);
  else jo_null(&j, "stopped");
  if (r->first_failure[0]) jo_text(&j, "first_failure", r->first_failure);
  else jo_null(&j, "first_failure");
  jo_open(&j, "results", '[');
  for (size_t i = 0; i < r->trial_count; i++) trial_json(&j, o, &r->trials[i], i + 1);
  jo_close(&j);
  const struct unseen u = unseen_of(o, r);
  if (u.count) {
    jo_open(&j, "unseen", '{');
    jo_int(&j, "count", u.count);
    jo_int(&j, "profitable", u.profitable);
    jo_real(&j, "mean_in", u.mean_in);
    jo_real(&j, "mean_out", u.mean_out);
    jo_close(&j);
  } else {
    jo_null(&j, "unseen");
  }
  jo_real(&j, "luck_sharpe", optimum_luck_sharpe(r, &luck) ? luck : NAN);
  walk_json(&j, o, r);
  jo_close(&j);
  buf_str(out, "\n");
}

// ---- for a terminal

static void print_number(FILE *out, int width, double v) {
  if (!isfinite(v)) fprintf(out, "%*s", width, "-");
  else fprintf(out, "%*.*f", width, fabs(v) >= 10000 ? 0 : 2, v);
}

static void print_params(const struct space *s, const struct point *p, FILE *out) {
  char text[SPEC_TEXT_MAX];
  for (int a = 0; a < s->axis_count; a++) fprintf(out, "  %s=%s", s->spec->params[s->axes[a].param].name, space_text(s, a, p->at[a], text));
  fputc('\n', out);
}

static void print_walk(const struct optimize_options *o, const struct optimum *r, FILE *out) {
  double grown;
  int profitable;
  if (r->fold_count == 0) return;
  fprintf(out, "\nwalk-forward: chosen on what was past, then run on what came next\n%5s %12s %12s %10s %10s  parameters\n", "step", "chosen at", "came", "return %", "drawdown %");
  for (int i = 0; i < r->fold_count; i++) {
    const struct fold *f = &r->folds[i];
    fprintf(out, "%5d ", i + 1);
    print_number(out, 12, f->found ? objective_of(o, &f->train_stats) : NAN);
    print_number(out, 13, f->tested ? objective_of(o, &f->test_stats) : NAN);
    print_number(out, 11, f->tested ? f->test_stats.return_pct : NAN);
    print_number(out, 11, f->tested ? f->test_stats.max_drawdown_pct : NAN);
    if (f->found) print_params(&o->space, &f->point, out);
    else fprintf(out, "  nothing kept the conditions\n");
  }
  const double efficiency = efficiency_of(o, r, &profitable);
  if (optimum_walk_return_pct(r, &grown)) fprintf(out, "together: %.2f %%, %d of %d steps gained", grown, profitable, r->fold_count);
  if (isfinite(efficiency)) fprintf(out, ", efficiency %.2f", efficiency);
  fputc('\n', out);
}

void optimum_print(const struct optimize_options *o, const struct optimum *r, const struct result *head, int rows, FILE *out) {
  fprintf(out, "%s: %s of %llu combinations, %s %s\n", head->script_name ? head->script_name : "", search_method_text(o->method), (unsigned long long)o->space.size,
          o->minimise ? "smallest" : "largest", o->objective->key);
  fprintf(out, "%zu runs; %zu kept the conditions, %zu failed, %zu refused by the script's check%s\n", r->runs, r->accepted, r->failed, r->refused,
          !r->stopped ? "" : strcmp(r->stopped, "time") == 0 ? "; stopped: its time was used up" : "; stopped before its end");
  fprintf(out, "\n%5s %12s %12s %12s %10s %10s %7s  parameters\n", "rank", "objective", "unseen", "neighbours", "return %", "drawdown %", "trades");
  for (size_t i = 0; i < r->trial_count && i < (size_t)rows && r->trials[i].in.state == RUN_DONE; i++) {
    const struct trial *t = &r->trials[i];
    fprintf(out, "%4zu%s ", i + 1, t->accepted ? " " : "*");
    print_number(out, 12, objective_of(o, &t->in.stats));
    print_number(out, 13, t->out.state == RUN_DONE ? objective_of(o, &t->out.stats) : NAN);
    print_number(out, 13, t->neighbours ? t->neighbours_mean : NAN);
    print_number(out, 11, t->in.stats.return_pct);
    print_number(out, 11, t->in.stats.max_drawdown_pct);
    fprintf(out, "%8lld", (long long)t->in.stats.trades);
    print_params(&o->space, &t->point, out);
  }
  if (r->trial_count && !r->trials[0].accepted) fprintf(out, "* broke a condition, or has no %s\n", o->objective->key);
  double luck;
  const struct unseen u = unseen_of(o, r);
  if (u.count) fprintf(out, "\nunseen: of the best %d %d gained on history that the search did not see; %s %.2f there, %.2f where it was chosen\n", u.count, u.profitable, o->objective->key, u.mean_out, u.mean_in);
  if (strcmp(o->objective->key, "sharpe") == 0 && optimum_luck_sharpe(r, &luck)) fprintf(out, "luck: without any skill the best of so many would show a Sharpe ratio of about %.2f\n", luck);
  print_walk(o, r, out);
}

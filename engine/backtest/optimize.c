#include "backtest/optimize.h"

#include "base/suggest.h"
#include "market/bar.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPAN_BARS_MIN 10   // of a search, a test
#define TRAIN_PIECES 3     // a moving window trains on so many of the pieces it is tested on one by one

// ---- options

void optimize_options_init(struct optimize_options *o, const struct script_spec *spec) {
  memset(o, 0, sizeof *o);
  space_init(&o->space, spec);
  o->trials = 1000;
  o->seed = 1;
  o->out_of_sample_pct = 25;
  struct err err;
  (void)!optimize_objective_parse("sharpe", o, &err);
}

static const struct stat_info *stat_named(const char *key, struct err *err) {
  const char *keys[STAT_TOTAL];
  for (int i = 0; i < STAT_TOTAL; i++) {
    keys[i] = stat_infos[i].key;
    if (strcmp(key, keys[i]) == 0) return &stat_infos[i];
  }
  const char *near = suggest_nearest(key, keys, STAT_TOTAL);
  err_set(err, ERR_INVALID, "there is no statistic \"%.60s\"%s%s%s", key, near ? "; did you mean \"" : "; sharpe, return_pct, calmar and profit_factor are some, GET /backtests/{id} shows all", near ? near : "", near ? "\"?" : "");
  return NULL;
}

enum status optimize_objective_parse(const char *text, struct optimize_options *o, struct err *err) {
  static const char *const small[] = {"max_drawdown_pct", "max_drawdown_ms", "max_drawdown_recovery_ms", "longest_drawdown_ms", "volatility_pct", "ulcer_pct", "var95_pct",
                                      "es95_pct", "longest_losing_streak", "fees", "slippage", "turnover", "ambiguous_pct"};
  const bool directed = strncmp(text, "max:", 4) == 0 || strncmp(text, "min:", 4) == 0;
  const struct stat_info *stat = stat_named(directed ? text + 4 : text, err);
  if (!stat) return ERR_INVALID;
  o->objective = stat;
  o->minimise = directed && text[1] == 'i';
  for (size_t i = 0; !directed && i < sizeof small / sizeof *small; i++) o->minimise |= strcmp(small[i], stat->key) == 0;
  return OK;
}

enum status optimize_rule_parse(const char *text, struct optimize_options *o, struct err *err) {
  const char *at = strpbrk(text, "<>");
  char key[64], *end;
  if (o->rule_count == OPTIMIZE_RULES_MAX) return err_set(err, ERR_INVALID, "at most %d conditions", OPTIMIZE_RULES_MAX);
  if (!at || at[1] != '=' || at - text >= (int)sizeof key || !at[2]) return err_set(err, ERR_INVALID, "\"%.100s\": write a statistic, >= or <=, and a number, as in trades>=30", text);
  struct optimize_rule *r = &o->rules[o->rule_count];
  snprintf(key, sizeof key, "%.*s", (int)(at - text), text);
  r->stat = stat_named(key, err);
  if (!r->stat) return ERR_INVALID;
  r->at_least = *at == '>';
  r->bound = strtod(at + 2, &end);
  if (*end || !isfinite(r->bound)) return err_set(err, ERR_INVALID, "\"%.100s\": %.60s is no number", text, at + 2);
  o->rule_count++;
  return OK;
}

bool optimize_stat(const struct stats *s, const struct stat_info *i, double *ret) {
  if (!stat_is_int(i->kind)) return stat_double(s, i, ret);
  int64_t n;
  if (!stat_int(s, i, &n)) return false;
  *ret = i->kind == STAT_MONEY ? (double)n / CASH_ONE : (double)n;
  return true;
}

// ---- one run's worth

static bool rules_kept(const struct optimize_options *o, const struct stats *s) {
  for (int i = 0; i < o->rule_count; i++) {
    double v;
    if (!optimize_stat(s, o->rules[i].stat, &v) || (o->rules[i].at_least ? v < o->rules[i].bound : v > o->rules[i].bound)) return false;
  }
  return true;
}

// Of a run that was made: -INFINITY when the objective is undefined.
static double worth(const struct optimize_options *o, const struct optimize_outcome *out) {
  double v;
  if (out->state != RUN_DONE || !optimize_stat(&out->stats, o->objective, &v)) return -INFINITY;
  return o->minimise ? -v : v;
}

static void judge(const struct optimize_options *o, struct trial *t) {
  t->score = worth(o, &t->in);
  t->accepted = isfinite(t->score) && rules_kept(o, &t->in.stats);
}

static int best_first(const void *a, const void *b) {
  const struct trial *x = a, *y = b;
  if (x->accepted != y->accepted) return x->accepted ? -1 : 1;
  if (x->score != y->score) return x->score > y->score ? -1 : 1;
  if (x->in.state != y->in.state) return x->in.state == RUN_DONE ? -1 : 1;
  for (int i = 0; i < SPACE_AXES_MAX; i++)
    if (x->point.at[i] != y->point.at[i]) return x->point.at[i] < y->point.at[i] ? -1 : 1;
  return 0;
}

// ---- a search over one span

struct course {
  const struct optimize_options *o;
  const struct optimize_runner *runner;
  struct optimum *r;
  size_t done, total;
};

static size_t trials_of(const struct optimize_options *o) { return o->space.size < o->trials ? (size_t)o->space.size : o->trials; }

static enum status make_runs(struct course *c, const struct optimize_ask *asks, size_t count, struct optimize_outcome *outs, struct err *err) {
  memset(outs, 0, count * sizeof *outs);
  enum status st = c->runner->run(c->runner->self, asks, count, outs, err);
  for (size_t i = 0; i < count; i++) c->r->runs += outs[i].state == RUN_DONE || outs[i].state == RUN_FAILED;
  c->done += count;
  if (c->runner->progress && st == OK) c->runner->progress(c->runner->self, c->done < c->total ? c->done : c->total, c->total);
  if (st == ERR_CANCELLED) c->r->stopped = "cancelled";
  if (st == ERR_BUDGET) c->r->stopped = "time";
  return st == ERR_CANCELLED || st == ERR_BUDGET ? OK : st;
}

// Trials of a span, best first.
static enum status search_span(struct course *c, const struct span *span, struct trial **ret, size_t *ret_count, size_t *ret_refused, struct err *err) {
  const struct optimize_options *o = c->o;
  struct search *s = NULL;
  const size_t room = trials_of(o) + SEARCH_BATCH, before = c->done;
  struct trial *trials = calloc(room, sizeof *trials);
  struct optimize_outcome *outs = calloc(SEARCH_BATCH, sizeof *outs);
  enum status st = trials && outs ? search_create(&o->space, o->method, o->trials, o->seed, &s, err) : err_set(err, ERR_NOMEM, "out of memory");
  size_t count = 0, n;
  struct point points[SEARCH_BATCH];
  *ret_refused = 0;
  while (st == OK && !c->r->stopped && (n = search_ask(s, points)) > 0) {
    struct optimize_ask asks[SEARCH_BATCH];
    double scores[SEARCH_BATCH];
    for (size_t i = 0; i < n; i++) asks[i] = (struct optimize_ask){points[i], *span};
    st = make_runs(c, asks, n, outs, err);
    for (size_t i = 0; st == OK && i < n; i++) {
      scores[i] = NAN;
      if (outs[i].state == RUN_REFUSED) ++*ret_refused;
      if (outs[i].state == RUN_FAILED && !c->r->first_failure[0]) memcpy(c->r->first_failure, outs[i].why, sizeof c->r->first_failure);
      if (outs[i].state != RUN_DONE && outs[i].state != RUN_FAILED) continue;
      struct trial *t = &trials[count++];
      *t = (struct trial){.point = points[i], .in = outs[i]};
      judge(o, t);
      scores[i] = t->accepted ? t->score : -INFINITY;
    }
    if (st == OK) search_tell(s, points, n, scores);
  }
  c->done = before + trials_of(o);  // what was planned, however many were refused
  search_destroy(s);
  free(outs);
  qsort(trials, trials ? count : 0, sizeof *trials, best_first);
  *ret = trials;
  *ret_count = count;
  return st;
}

// ---- what the winner is worth

static enum status run_unseen(struct course *c, struct err *err) {
  struct optimum *r = c->r;
  struct optimize_ask asks[OPTIMIZE_TOP];
  struct optimize_outcome outs[OPTIMIZE_TOP];
  size_t n = 0;
  for (; n < OPTIMIZE_TOP && n < r->accepted; n++) asks[n] = (struct optimize_ask){r->trials[n].point, r->unseen};
  if (n == 0 || r->unseen.bars == 0) return OK;
  enum status st = make_runs(c, asks, n, outs, err);
  for (size_t i = 0; st == OK && i < n; i++) r->trials[i].out = outs[i];
  return st;
}

static const struct trial *trial_at(const struct optimum *r, const struct point *p) {
  for (size_t i = 0; i < r->trial_count; i++)
    if (memcmp(&r->trials[i].point, p, sizeof *p) == 0) return &r->trials[i];
  return NULL;
}

static int steps_of(const struct optimize_options *o, const struct point *p, struct point *ret) {
  int n = 0;
  for (int a = 0; a < o->space.axis_count; a++)
    for (int by = -1; by <= 1 && space_ordered(&o->space, a); by += 2) {
      if (by < 0 ? p->at[a] == 0 : p->at[a] + 1u == o->space.axes[a].count) continue;
      ret[n] = *p;
      ret[n].at[a] = (uint16_t)(ret[n].at[a] + by);
      n++;
    }
  return n;
}

// What the search did not try itself is run now.
static enum status look_around(struct course *c, struct trial *t, struct err *err) {
  const struct optimize_options *o = c->o;
  struct point steps[2 * SPACE_AXES_MAX];
  struct optimize_ask asks[2 * SPACE_AXES_MAX];
  struct optimize_outcome outs[2 * SPACE_AXES_MAX];
  double sum = 0, worst = INFINITY;
  size_t unknown = 0;
  int counted = 0;
  const int n = steps_of(o, &t->point, steps);
  for (int i = 0; i < n; i++) {
    const struct trial *known = trial_at(c->r, &steps[i]);
    if (!known) asks[unknown++] = (struct optimize_ask){steps[i], c->r->search};
    else if (isfinite(known->score)) sum += known->score, counted++, worst = fmin(worst, known->score);
  }
  enum status st = unknown ? make_runs(c, asks, unknown, outs, err) : OK;
  if (st != OK || c->r->stopped) return st;  // half a neighbourhood says nothing
  for (size_t i = 0; i < unknown; i++) {
    const double score = worth(o, &outs[i]);
    if (isfinite(score)) sum += score, counted++, worst = fmin(worst, score);
  }
  const double sign = o->minimise ? -1 : 1;
  t->neighbours = counted;
  if (counted) t->neighbours_mean = sign * sum / counted, t->neighbours_worst = sign * worst;
  return OK;
}

// ---- walk-forward: choose on what is past, earn on what comes next

static struct span span_of(const int64_t *times_ns, size_t bars, size_t from, size_t to) {
  return (struct span){times_ns[from], to < bars ? times_ns[to] : times_ns[bars - 1] + NS_PER_MS, to - from};
}

static enum status walk_fold(struct course *c, struct fold *f, struct err *err) {
  struct trial *trials = NULL;
  size_t count = 0, refused;
  enum status st = search_span(c, &f->train, &trials, &count, &refused, err);
  if (st == OK && !c->r->stopped && count && trials[0].accepted) {
    f->found = true;
    f->point = trials[0].point;
    f->train_stats = trials[0].in.stats;
    const struct optimize_ask ask = {f->point, f->test};
    struct optimize_outcome out;
    st = make_runs(c, &ask, 1, &out, err);
    f->tested = st == OK && out.state == RUN_DONE;
    if (f->tested) f->test_stats = out.stats;
  }
  free(trials);
  return st;
}

static enum status walk_forward(struct course *c, const int64_t *times_ns, size_t bars, struct err *err) {
  const size_t pieces = (size_t)c->o->folds + TRAIN_PIECES;
  enum status st = OK;
  for (int i = 0; st == OK && !c->r->stopped && i < c->o->folds; i++) {
    struct fold *f = &c->r->folds[i];
    const size_t k = (size_t)i;
    *f = (struct fold){.train = span_of(times_ns, bars, c->o->anchored ? 0 : bars * k / pieces, bars * (k + TRAIN_PIECES) / pieces),
                       .test = span_of(times_ns, bars, bars * (k + TRAIN_PIECES) / pieces, bars * (k + TRAIN_PIECES + 1) / pieces)};
    st = walk_fold(c, f, err);
    if (st == OK && !c->r->stopped) c->r->fold_count++;
  }
  return st;
}

// ---- all of it

static enum status spans_make(const struct optimize_options *o, const int64_t *times_ns, size_t bars, struct optimum *r, struct err *err) {
  const size_t unseen = bars * (size_t)o->out_of_sample_pct / 100;
  const size_t piece = o->folds ? bars / ((size_t)o->folds + TRAIN_PIECES) : bars;
  if (bars - unseen < SPAN_BARS_MIN || (unseen && unseen < SPAN_BARS_MIN) || piece < SPAN_BARS_MIN)
    return err_set(err, ERR_INVALID, "%zu bars are too few: every part of them that is searched or tested needs %d", bars, SPAN_BARS_MIN);
  r->all = span_of(times_ns, bars, 0, bars);
  r->search = span_of(times_ns, bars, 0, bars - unseen);
  if (unseen) r->unseen = span_of(times_ns, bars, bars - unseen, bars);
  return OK;
}

enum status optimize(const struct optimize_options *o, const int64_t *times_ns, size_t bars, const struct optimize_runner *runner, struct optimum *r, struct err *err) {
  memset(r, 0, sizeof *r);
  if (bars < SPAN_BARS_MIN) return err_set(err, ERR_INVALID, "%zu bars are too few: every part of them that is searched or tested needs %d", bars, SPAN_BARS_MIN);
  enum status st = spans_make(o, times_ns, bars, r, err);
  if (st != OK) return st;
  const size_t around = o->method == SEARCH_GRID ? 0 : OPTIMIZE_PEAKS * 2 * (size_t)o->space.axis_count;
  struct course c = {o, runner, r, 0, trials_of(o) * ((size_t)o->folds + 1) + (size_t)o->folds + (r->unseen.bars ? OPTIMIZE_TOP : 0) + around};
  r->planned = trials_of(o);
  st = search_span(&c, &r->search, &r->trials, &r->trial_count, &r->refused, err);
  if (st != OK) return st;
  for (size_t i = 0; i < r->trial_count; i++) {
    r->accepted += r->trials[i].accepted;
    r->failed += r->trials[i].in.state == RUN_FAILED;
  }
  if (r->trial_count == 0 && !r->stopped) return err_set(err, ERR_INVALID, "the script's check refuses all %zu combinations that were tried", r->refused);
  if (r->failed == r->trial_count && r->failed) return err_set(err, ERR_SCRIPT, "every run failed, the first with: %s", r->first_failure);
  // Without time for more the best are still looked at where they were not chosen: it is what a result is worth.
  if (!r->stopped || strcmp(r->stopped, "time") == 0) st = run_unseen(&c, err);
  for (size_t i = 0; st == OK && !r->stopped && i < OPTIMIZE_PEAKS && i < r->accepted; i++) st = look_around(&c, &r->trials[i], err);
  if (st == OK && !r->stopped) st = walk_forward(&c, times_ns, bars, err);
  return st;
}

void optimum_finish(struct optimum *r) {
  free(r->trials);
  memset(r, 0, sizeof *r);
}

// ---- figures of the whole

bool optimum_walk_return_pct(const struct optimum *r, double *ret) {
  double growth = 1;
  int tested = 0;
  for (int i = 0; i < r->fold_count; i++) {
    if (!r->folds[i].tested || !isfinite(r->folds[i].test_stats.return_pct)) continue;
    growth *= 1 + r->folds[i].test_stats.return_pct / 100;
    tested++;
  }
  *ret = (growth - 1) * 100;
  return tested > 0;
}

// Quantile of the standard normal distribution, by halving; 1e-12 is more than anybody reads.
static double normal_quantile(double p) {
  double lo = -10, hi = 10;
  while (hi - lo > 1e-12) {
    const double mid = (lo + hi) / 2;
    if (0.5 * erfc(-mid / sqrt(2)) < p) lo = mid;
    else hi = mid;
  }
  return (lo + hi) / 2;
}

bool optimum_luck_sharpe(const struct optimum *r, double *ret) {
  double n = 0, mean = 0, m2 = 0;
  for (size_t i = 0; i < r->trial_count; i++) {
    const double v = r->trials[i].in.stats.sharpe;
    if (r->trials[i].in.state != RUN_DONE || !isfinite(v)) continue;
    n++;
    const double apart = v - mean;
    mean += apart / n;
    m2 += apart * (v - mean);
  }
  if (n < 2 || m2 <= 0) return false;
  const double euler = 0.57721566490153286;
  *ret = sqrt(m2 / (n - 1)) * ((1 - euler) * normal_quantile(1 - 1 / n) + euler * normal_quantile(1 - 1 / (n * 2.718281828459045)));
  return true;
}

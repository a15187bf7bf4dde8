#include "backtest/verdict.h"

#include "backtest/json_out.h"
#include "backtest/result_out.h"
#include "backtest/verdict_run.h"
#include "base/json.h"
#include "loop/clock.h"
#include "market/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAIN_BARS 20000
#define MAIN_BARS_MAX 200000
#define DEFAULT_FEE_E8 100000   // 0.1 % per side, where the request names no cost at all
#define MINUTES(n) ((n) * NS_PER_MINUTE)
#define YEAR_NS (364 * NS_PER_DAY)  // weekdays and hours stay as they are
#define START_LATER 37          // bars; no round number
#define CUTS 4
#define FEW_FILLS 10            // below this a share says nothing
#define RUN_CPU_NS NS_PER_S
#define RUN_BARS_MIN 500

enum check { CHECK_DESCRIBE, CHECK_LINT, CHECK_RUN, CHECK_DETERMINISM, CHECK_LOOKAHEAD, CHECK_WARMUP, CHECK_START, CHECK_CALENDAR, CHECK_PATHS, CHECK_COSTS, CHECK_COUNT };
static const char *const check_names[] = {"describe", "lint", "run", "determinism", "lookahead", "warmup", "start", "calendar", "paths", "costs"};

struct verdict {
  const struct verdict_options *o;
  struct backtest_config config;
  struct script_spec *spec;
  struct param_value values[SPEC_PARAMS_MAX];
  struct script_plan plan;
  struct probe_data data;
  bool real;
  int64_t main_ns;
  size_t main_bars;     // wanted
  size_t warmup_bars;   // of main, before the first call
  int64_t trade_ns;     // main bars opening from here on are traded in every run
  struct probe_run base;
  bool have_base;
  struct {
    enum verdict_status status;
    char reason[600];
  } checks[CHECK_COUNT];
  // figures
  double paths_pct[3], costs_pct;
  bool have_paths, have_costs;
};

const char *verdict_status_text(enum verdict_status s) {
  static const char *const texts[] = {"pass", "warn", "fail", "skip"};
  return texts[s];
}

static void say(struct verdict *v, enum check c, enum verdict_status s, const char *fmt, ...) PRINTF(4, 5);
static void say(struct verdict *v, enum check c, enum verdict_status s, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  v->checks[c].status = s;
  vsnprintf(v->checks[c].reason, sizeof v->checks[c].reason, fmt, ap);
  va_end(ap);
}

// ---- the checks

static enum status describe(struct verdict *v, bool *ret_good, struct err *err) {
  struct backtest_config *c = &v->config;
  double max_notional;
  struct err why;
  enum status st = script_describe(c->script_path, c->source, c->source_len, c->watchdog, &v->spec, &why);
  if (st == OK) {
    params_default(v->spec, v->values);
    if (v->o->request) st = request_params(v->o->request, v->spec, v->values, &why);
  }
  if (st == OK) st = script_check_params(c->script_path, c->source, c->source_len, v->spec, v->values, c->watchdog, &max_notional, &why);
  if (st == OK) st = script_plan_make(v->spec, v->values, &v->plan, &why);
  if (st == ERR_NOMEM) return err_set(err, st, "%s", why.msg);
  *ret_good = st == OK;
  c->spec = v->spec;
  c->values = v->values;
  if (st == OK) say(v, CHECK_DESCRIBE, VERDICT_PASS, "the header is right: %d parameters, %d data streams, %d indicators", v->spec->param_count, v->spec->stream_count, v->spec->indicator_count);
  else say(v, CHECK_DESCRIBE, VERDICT_FAIL, "%s", why.msg);
  return OK;
}

static enum status prepare_data(struct verdict *v, size_t want, struct err *err) {
  probe_data_finish(&v->data);
  v->real = v->config.file_count > 0;
  int64_t main_ns = v->plan.streams[0].timeframe_ns;
  if (v->real && !main_ns) main_ns = v->config.files[0].series->timeframe_ns;
  if (!main_ns) main_ns = MINUTES(15);
  size_t need = probe_warmup_bars(v->spec, &v->plan, main_ns);
  if (want < need * 4) want = need * 4;
  if (want > MAIN_BARS_MAX) want = MAIN_BARS_MAX;
  v->main_bars = want;
  enum status st = OK;
  if (v->real) probe_data_take(&v->config, want, &v->data);
  else st = probe_data_sample(&v->plan, want, &v->data, err);
  if (st != OK) return st;
  const struct series *m = &v->data.series[v->data.main];
  v->main_ns = v->plan.streams[0].timeframe_ns > m->timeframe_ns ? v->plan.streams[0].timeframe_ns : m->timeframe_ns;
  int64_t ratio = v->main_ns / m->timeframe_ns;
  v->warmup_bars = probe_warmup_bars(v->spec, &v->plan, v->main_ns);
  // A third of the history is for warming up, so that the warm-up probe has something to take away; more if the script needs it.
  size_t bars = m->count / (size_t)ratio, before = bars / 3;
  if (before < v->warmup_bars + 1) before = v->warmup_bars + 1;
  if (before > bars / 2) before = bars / 2;
  v->trade_ns = m->count ? timeframe_floor(m->bars[0].open_ns, v->main_ns) + (int64_t)before * v->main_ns : 0;
  v->config.from_ns = v->trade_ns;
  v->config.to_ns = INT64_MAX;
  return OK;
}

static enum status run(const struct verdict *v, const struct probe_data *d, struct probe_run *ret, struct err *err) {
  return (v->o->run ? v->o->run : probe_run)(&v->config, d, ret, err);
}

// How fast is it? Stops a run that takes too long and notes how far it came.
struct pace {
  int64_t end_ns;
  size_t done;
  bool slow;
};
static bool pace_watch(void *self, size_t done, size_t total) {
  struct pace *p = self;
  (void)total;
  p->done = done;
  p->slow = clock_thread_cpu_ns() > p->end_ns;
  return !p->slow;
}

// The first run. A slow script gets fewer bars, as many as it managed in time.
static enum status run_base(struct verdict *v, bool *ret_slow, struct err *err) {
  for (;;) {
    struct pace pace = {.end_ns = clock_thread_cpu_ns() + (v->o->run_cpu_ns ? v->o->run_cpu_ns : RUN_CPU_NS)};
    v->config.progress = pace_watch;
    v->config.progress_self = &pace;
    enum status st = run(v, &v->data, &v->base, err);
    v->config.progress = NULL;
    *ret_slow = st == ERR_CANCELLED && pace.slow;
    if (!*ret_slow) return st;
    size_t want = pace.done / 2;
    if (want < RUN_BARS_MIN || want >= v->main_bars || want < v->warmup_bars * 4) return OK;
    probe_run_finish(&v->base);
    st = prepare_data(v, want, err);
    if (st != OK) return st;
  }
}

static enum status check_run(struct verdict *v, struct err *err) {
  bool slow;
  enum status st = run_base(v, &slow, err);
  if (st == OK && slow) {
    say(v, CHECK_RUN, VERDICT_FAIL, "it is too slow to be proven: more than %.1f s for a run over %zu bars", (double)(v->o->run_cpu_ns ? v->o->run_cpu_ns : RUN_CPU_NS) / 1e9, v->main_bars);
    return OK;
  }
  if (st == ERR_INVALID || st == ERR_RANGE) {
    say(v, CHECK_RUN, VERDICT_FAIL, "%s", err->msg);
    return OK;
  }
  if (st != OK) return st;
  if (v->base.st != OK) {
    say(v, CHECK_RUN, VERDICT_FAIL, "%s", v->base.err.msg);
    return OK;
  }
  if (!v->base.warm) {
    say(v, CHECK_RUN, VERDICT_FAIL, "it was never called: %zu bars are not enough to warm up its indicators", v->data.series[v->data.main].count);
    return OK;
  }
  v->have_base = true;
  say(v, CHECK_RUN, VERDICT_PASS, "ran over %zu bars, %zu fills", v->base.bars, v->base.fill_count);
  return OK;
}

static void check_lint(struct verdict *v) {
  const struct script_spec *s = v->spec;
  const struct probe_run *b = &v->base;
  bool on_bars = s->callbacks & (UINT32_C(1) << ON_BAR | UINT32_C(1) << ON_DATA | UINT32_C(1) << ON_TIMER);
  if (!v->have_base) say(v, CHECK_LINT, VERDICT_SKIP, "it did not run");
  else if (!on_bars && s->callbacks & UINT32_C(1) << ON_SIGNAL) say(v, CHECK_LINT, VERDICT_WARN, "it acts on signals only, and the check has none to give: its orders are unproven");
  else if (!on_bars && s->callbacks & UINT32_C(1) << ON_TICK) say(v, CHECK_LINT, VERDICT_WARN, "it acts on ticks only, and the check has bars: its orders are unproven");
  else if (b->fill_count == 0 && b->denied) say(v, CHECK_LINT, VERDICT_WARN, "none of its orders was accepted: %zu were denied, most of them %s", b->denied, b->worst_denial);
  else if (b->fill_count == 0) say(v, CHECK_LINT, VERDICT_WARN, "it never traded on these %zu bars, so the other checks prove little", b->bars);
  else if (b->denied > b->fill_count) say(v, CHECK_LINT, VERDICT_WARN, "%zu of its orders were denied, most of them %s", b->denied, b->worst_denial);
  else if (b->log_errors) say(v, CHECK_LINT, VERDICT_WARN, "it logged %zu errors", b->log_errors);
  else say(v, CHECK_LINT, VERDICT_PASS, "%s", s->has_max_notional ? "nothing unusual" : "nothing unusual; risk.max_notional is not declared, so its worst case is not known before it runs");
}

static enum status check_determinism(struct verdict *v, struct err *err) {
  struct probe_run twin;
  enum status st = run(v, &v->data, &twin, err);
  if (st == OK) {
    if (twin.st == OK && strcmp(twin.hash, v->base.hash) == 0) say(v, CHECK_DETERMINISM, VERDICT_PASS, "run twice, the same orders, fills and equity to the last digit");
    else say(v, CHECK_DETERMINISM, VERDICT_FAIL, "the same run gave two results%s%s", twin.st != OK ? ": " : "", twin.st != OK ? twin.err.msg : "");
  }
  probe_run_finish(&twin);
  return st;
}

// All timeframes nest in the highest, so cuts at its multiples tear no bar.
static int64_t highest_timeframe(const struct verdict *v) {
  int64_t t = v->main_ns;
  for (int i = 0; i < v->plan.stream_count; i++)
    if (v->plan.streams[i].timeframe_ns > t) t = v->plan.streams[i].timeframe_ns;
  for (int i = 0; i < v->data.count; i++)
    if (v->data.series[i].timeframe_ns > t) t = v->data.series[i].timeframe_ns;
  return t;
}

static int64_t data_end(const struct verdict *v) {
  const struct series *m = &v->data.series[v->data.main];
  return m->bars[m->count - 1].open_ns + m->timeframe_ns;
}

static enum status check_lookahead(struct verdict *v, struct err *err) {
  static const int at[CUTS] = {35, 55, 75, 95};  // percent of the traded time
  int64_t step = highest_timeframe(v), span = data_end(v) - v->trade_ns, last = INT64_MIN;
  int cuts = 0;
  for (int i = 0; i < CUTS; i++) {
    int64_t t = timeframe_floor(v->trade_ns + span / 100 * at[i], step);
    if (t <= v->trade_ns || t == last) continue;
    last = t;
    struct probe_data cut;
    struct probe_run r;
    probe_data_cut(&v->data, t, &cut);
    enum status st = run(v, &cut, &r, err);
    if (st == ERR_INVALID) continue;  // nothing left to trade
    if (st != OK) return st;
    int64_t first = 0;
    char when[TIME_TEXT_MAX], where[TIME_TEXT_MAX];
    bool equal = r.st == OK && probe_fills_equal(&v->base, &r, t, &first);
    if (r.st != OK) say(v, CHECK_LOOKAHEAD, VERDICT_FAIL, "with history that ends at %s it fails: %s", time_text(t, when), r.err.msg);
    else if (!equal) say(v, CHECK_LOOKAHEAD, VERDICT_FAIL, "with history that ends at %s its fills differ already at %s: what it does depends on what comes later", time_text(t, when), time_text(first, where));
    probe_run_finish(&r);
    if (!equal) return OK;
    cuts++;
  }
  if (cuts == 0) say(v, CHECK_LOOKAHEAD, VERDICT_SKIP, "the history is too short to be cut");
  else say(v, CHECK_LOOKAHEAD, VERDICT_PASS, "history cut at %d places, nothing before a cut changed", cuts);
  return OK;
}

// History before the traded days: the least that warms it up, then twice as much, and so on.
static enum status check_warmup(struct verdict *v, struct err *err) {
  const struct series *m = &v->data.series[v->data.main];
  int64_t step = highest_timeframe(v), begin = m->bars[0].open_ns;
  double share = 1;   // of the fills that stay the same with the least history, at worst
  int64_t first = 0;  // difference with the least history
  size_t enough = 0;  // bars with which nothing differs
  int tried = 0;
  for (size_t bars = v->warmup_bars + (size_t)(2 * (step / v->main_ns)); ; bars *= 2) {
    int64_t t = v->trade_ns - (int64_t)bars * v->main_ns;
    if (t <= begin) break;
    struct probe_data less;
    struct probe_run r;
    probe_data_skip(&v->data, timeframe_floor(t, step), &less);
    enum status st = run(v, &less, &r, err);
    if (st == ERR_INVALID) break;
    if (st != OK) return st;
    int64_t at = v->trade_ns;
    bool equal = r.st == OK && probe_fills_equal(&v->base, &r, INT64_MAX, &at);
    double now = r.st == OK ? probe_fills_share(&v->base, &r, v->trade_ns, 0, true) : 0;
    probe_run_finish(&r);
    if (tried++ == 0 && !equal) first = at, share = now;
    if (equal) {
      enough = bars;
      break;
    }
    share = now < share ? now : share;
  }
  char when[TIME_TEXT_MAX];
  if (tried == 0) say(v, CHECK_WARMUP, VERDICT_SKIP, "the history is too short to take some of it away");
  else if (enough && tried == 1) say(v, CHECK_WARMUP, VERDICT_PASS, "with only the %zu bars it asks for, the same trades", v->warmup_bars);
  else if (enough)
    say(v, CHECK_WARMUP, VERDICT_WARN, "with only the %zu bars of history it asks for, its fills differ from %s on; %zu bars are enough: set warmup=%zu in the header", v->warmup_bars,
        time_text(first, when), enough, enough);
  else
    say(v, CHECK_WARMUP, share < 0.5 ? VERDICT_FAIL : VERDICT_WARN,
        "what it does depends on how much history stands before the first bar (from %s on, %.0f %% of its fills stay the same): started live, it will not trade as here", time_text(first, when), share * 100);
  return OK;
}

static enum status check_start(struct verdict *v, struct err *err) {
  if (v->base.fill_count < FEW_FILLS) {
    say(v, CHECK_START, VERDICT_SKIP, "too few fills to tell");
    return OK;
  }
  struct probe_run r;
  int64_t from = v->config.from_ns, by = START_LATER * v->main_ns;
  v->config.from_ns = v->trade_ns + by;
  enum status st = run(v, &v->data, &r, err);
  v->config.from_ns = from;
  if (st == ERR_INVALID) {
    say(v, CHECK_START, VERDICT_SKIP, "the history is too short");
    return OK;
  }
  if (st != OK) return st;
  // The settled half decides: a strategy in a trade when the other starts needs a while to fall into step.
  double same = probe_fills_share(&v->base, &r, v->trade_ns + (data_end(v) - v->trade_ns) / 2, 0, false);
  double counted = probe_fills_share(&v->base, &r, v->trade_ns, by, false);
  if (r.st != OK) say(v, CHECK_START, VERDICT_FAIL, "started %d bars later it fails: %s", START_LATER, r.err.msg);
  else if (counted > 0.6 && counted > same)
    say(v, CHECK_START, VERDICT_WARN, "started %d bars later, %.0f %% of its fills come exactly %d bars later: it counts bars since it was started and does not look at the market", START_LATER, counted * 100, START_LATER);
  else if (same < 0.1)
    say(v, CHECK_START, VERDICT_WARN, "started %d bars later, only %.0f %% of its fills in the second half are at the same bars: its result depends on the moment of its start", START_LATER, same * 100);
  else say(v, CHECK_START, VERDICT_PASS, "started %d bars later, %.0f %% of its fills in the second half are at the same bars", START_LATER, same * 100);
  probe_run_finish(&r);
  return OK;
}

static enum status check_calendar(struct verdict *v, struct err *err) {
  if (v->base.fill_count < 1) {
    say(v, CHECK_CALENDAR, VERDICT_SKIP, "it never traded");
    return OK;
  }
  struct probe_data moved;
  struct probe_run r;
  enum status st = probe_data_shift(&v->data, YEAR_NS, &moved, err);
  if (st != OK) return st;
  int64_t from = v->config.from_ns;
  v->config.from_ns = v->trade_ns + YEAR_NS;
  st = run(v, &moved, &r, err);
  v->config.from_ns = from;
  probe_data_finish(&moved);
  if (st != OK) return st;
  double same = probe_fills_share(&v->base, &r, v->trade_ns, YEAR_NS, false);
  if (r.st != OK) say(v, CHECK_CALENDAR, VERDICT_FAIL, "with the same bars dated 52 weeks later it fails: %s", r.err.msg);
  else if (same < 0.5)
    say(v, CHECK_CALENDAR, VERDICT_WARN, "with the same bars dated 52 weeks later only %.0f %% of its fills remain: dates seem to be written into it, and then its result is hindsight", same * 100);
  else say(v, CHECK_CALENDAR, VERDICT_PASS, "with the same bars dated 52 weeks later, %.0f %% of its fills remain", same * 100);
  probe_run_finish(&r);
  return OK;
}

static enum status check_paths(struct verdict *v, struct err *err) {
  static const enum path_mode modes[] = {PATH_NEARER, PATH_ADVERSE, PATH_FAVOURABLE};
  enum path_mode asked = v->config.match.path;
  for (int i = 0; i < 3; i++) {
    struct probe_run r;
    v->config.match.path = modes[i];
    enum status st = run(v, &v->data, &r, err);
    v->config.match.path = asked;
    if (st != OK) return st;
    bool failed = r.st != OK;
    v->paths_pct[i] = r.stats.return_pct;
    if (failed) say(v, CHECK_PATHS, VERDICT_FAIL, "under the path %s it fails: %s", path_mode_text(modes[i]), r.err.msg);
    probe_run_finish(&r);
    if (failed) return OK;
  }
  v->have_paths = true;
  double low = fmin(v->paths_pct[0], fmin(v->paths_pct[1], v->paths_pct[2])), high = fmax(v->paths_pct[0], fmax(v->paths_pct[1], v->paths_pct[2]));
  if (v->base.fill_count == 0) say(v, CHECK_PATHS, VERDICT_SKIP, "it never traded");
  else if (v->real && low < 0 && high > 0)
    say(v, CHECK_PATHS, VERDICT_WARN, "between %+.2f %% and %+.2f %%, depending on how prices moved inside the bars: finer data must decide whether it earns anything", low, high);
  else say(v, CHECK_PATHS, VERDICT_PASS, "nearer %+.2f %%, adverse %+.2f %%, favourable %+.2f %%%s", v->paths_pct[0], v->paths_pct[1], v->paths_pct[2], v->real ? "" : " (on a random walk: no judgement)");
  return OK;
}

static bool no_costs(const struct backtest_config *c) {
  return !c->fees.maker_frac_e8 && !c->fees.taker_frac_e8 && !c->fees.fixed_e8 && !c->fees.per_unit_e8 && !c->spread.digits && !c->costs.spread_frac_e8 &&
         !c->costs.slippage_ticks && !c->costs.slippage_frac_e8;
}

static enum status check_costs(struct verdict *v, struct err *err) {
  struct backtest_config asked = v->config, *c = &v->config;
  c->fees.maker_frac_e8 *= 2;
  c->fees.taker_frac_e8 *= 2;
  c->fees.fixed_e8 *= 2;
  c->fees.per_unit_e8 *= 2;
  c->spread.digits *= 2;
  c->costs.spread_frac_e8 *= 2;
  c->costs.slippage_ticks *= 2;
  c->costs.slippage_frac_e8 *= 2;
  struct probe_run r;
  enum status st = run(v, &v->data, &r, err);
  v->config = asked;
  if (st != OK) return st;
  double once = v->base.stats.return_pct, twice = r.stats.return_pct;
  v->costs_pct = twice;
  v->have_costs = r.st == OK;
  if (r.st != OK) say(v, CHECK_COSTS, VERDICT_FAIL, "with doubled costs it fails: %s", r.err.msg);
  else if (v->base.fill_count == 0) say(v, CHECK_COSTS, VERDICT_SKIP, "it never traded");
  else if (v->real && once > 0 && twice <= 0) say(v, CHECK_COSTS, VERDICT_WARN, "%+.2f %%, and %+.2f %% with doubled costs: it lives from costs being exactly as assumed", once, twice);
  else say(v, CHECK_COSTS, VERDICT_PASS, "%+.2f %%, and %+.2f %% with doubled costs%s", once, twice, v->real ? "" : " (on a random walk: no judgement)");
  probe_run_finish(&r);
  return OK;
}

// ---- the whole

static enum status check_all(struct verdict *v, struct err *err) {
  static enum status (*const checks[])(struct verdict *, struct err *) = {check_determinism, check_lookahead, check_warmup, check_start, check_calendar, check_paths, check_costs};
  const size_t total = 3 + sizeof checks / sizeof checks[0];
  bool good;
  for (int i = 0; i < CHECK_COUNT; i++) say(v, (enum check)i, VERDICT_SKIP, "not reached");
  enum status st = describe(v, &good, err);
  if (st != OK || !good) return st;
  if (no_costs(&v->config)) v->config.fees.maker_frac_e8 = v->config.fees.taker_frac_e8 = DEFAULT_FEE_E8;
  st = prepare_data(v, v->o->bars_max ? v->o->bars_max : MAIN_BARS, err);
  if (st == OK) st = check_run(v, err);
  if (st != OK) return st;
  check_lint(v);
  for (size_t i = 0; v->have_base && i < sizeof checks / sizeof checks[0]; i++) {
    if (v->o->progress && !v->o->progress(v->o->progress_self, 3 + i, total)) return err_set(err, ERR_CANCELLED, "interrupted");
    st = checks[i](v, err);
    if (st != OK) return st;
  }
  return OK;
}

static enum verdict_status worst(const struct verdict *v) {
  enum verdict_status w = VERDICT_PASS;
  for (int i = 0; i < CHECK_COUNT; i++)
    if (v->checks[i].status != VERDICT_SKIP && v->checks[i].status > w) w = v->checks[i].status;
  return w;
}

static void figures_json(struct json_out *j, const struct verdict *v) {
  jo_open(j, "figures", '{');
  if (v->have_base) {
    jo_int(j, "bars", (int64_t)v->base.bars);
    jo_int(j, "fills", (int64_t)v->base.fill_count);
    jo_real(j, "return_pct", v->base.stats.return_pct);
    jo_text(j, "hash", v->base.hash);
  }
  if (v->have_paths)
    for (int i = 0; i < 3; i++) {
      static const char *const keys[] = {"return_pct_nearer", "return_pct_adverse", "return_pct_favourable"};
      jo_real(j, keys[i], v->paths_pct[i]);
    }
  if (v->have_costs) jo_real(j, "return_pct_doubled_costs", v->costs_pct);
  jo_close(j);
}

static enum status to_json(const struct verdict *v, double seconds, struct buf *out, struct err *err) {
  struct json_out j;
  json_out_init(&j, out, false);
  jo_open(&j, NULL, '{');
  jo_text(&j, "verdict", verdict_status_text(worst(v)));
  jo_open(&j, "checks", '[');
  for (int i = 0; i < CHECK_COUNT; i++) {
    jo_open(&j, NULL, '{');
    jo_text(&j, "check", check_names[i]);
    jo_text(&j, "status", verdict_status_text(v->checks[i].status));
    jo_text(&j, "reason", v->checks[i].reason);
    jo_close(&j);
  }
  jo_close(&j);
  if (v->spec) {
    json_t *header = spec_json(v->spec);
    char *text = header ? json_dumps(header, JSON_COMPACT) : NULL;
    json_decref(header);
    if (!text) return err_set(err, ERR_NOMEM, "out of memory");
    jo_raw(&j, "script", text);
    free(text);
  }
  jo_open(&j, "data", '[');
  for (int i = 0; i < v->data.count; i++) {
    const struct series *s = &v->data.series[i];
    jo_open(&j, NULL, '{');
    jo_text(&j, "label", v->data.labels[i]);
    jo_bool(&j, "real", v->real);
    jo_int(&j, "bars", (int64_t)s->count);
    jo_close(&j);
  }
  jo_close(&j);
  figures_json(&j, v);
  jo_real(&j, "seconds", seconds);
  jo_close(&j);
  buf_str(out, "\n");
  return OK;
}

enum status verdict_json(const struct verdict_options *o, struct buf *out, struct err *err) {
  struct verdict *v = calloc(1, sizeof *v);
  if (!v) return err_set(err, ERR_NOMEM, "out of memory");
  int64_t begin_ns = clock_monotonic_ns();
  v->o = o;
  v->config = *o->config;
  v->config.progress = NULL;
  enum status st = check_all(v, err);
  if (st == OK) st = to_json(v, (double)(clock_monotonic_ns() - begin_ns) / 1e9, out, err);
  probe_run_finish(&v->base);
  probe_data_finish(&v->data);
  free(v->spec);
  free(v);
  return st;
}

enum verdict_status verdict_of(const struct buf *json) {
  json_t *o = json_loadb(json->data ? json->data : "", json->len, 0, NULL);
  const char *text = json_string_value(json_object_get(o, "verdict"));
  enum verdict_status s = VERDICT_FAIL;
  for (int i = VERDICT_PASS; text && i <= VERDICT_FAIL; i++)
    if (strcmp(text, verdict_status_text((enum verdict_status)i)) == 0) s = (enum verdict_status)i;
  json_decref(o);
  return s;
}

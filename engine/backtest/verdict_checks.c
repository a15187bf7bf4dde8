// backtest/verdict_checks.c – what an upload is put through: twin run, history cut at both ends, later start, other dates, the three
// paths, doubled costs.
#include "backtest/verdict_impl.h"

#include "market/text.h"

#include <math.h>
#include <string.h>

#define YEAR_NS (364 * NS_PER_DAY)  // weekdays and hours stay as they are
#define START_LATER 37          // bars; no round number
#define CUTS 4
#define FEW_FILLS 10            // below this a share says nothing

void verdict_check_lint(struct verdict *v) {
  const struct script_spec *s = v->spec;
  const struct probe_run *b = &v->base;
  bool on_bars = s->callbacks & (UINT32_C(1) << ON_BAR | UINT32_C(1) << ON_DATA | UINT32_C(1) << ON_TIMER);
  if (!v->have_base) verdict_say(v, CHECK_LINT, VERDICT_SKIP, "it did not run");
  else if (!on_bars && s->callbacks & UINT32_C(1) << ON_SIGNAL) verdict_say(v, CHECK_LINT, VERDICT_WARN, "it acts on signals only, and the check has none to give: its orders are unproven");
  else if (!on_bars && s->callbacks & UINT32_C(1) << ON_TICK) verdict_say(v, CHECK_LINT, VERDICT_WARN, "it acts on ticks only, and the check has bars: its orders are unproven");
  else if (b->fill_count == 0 && b->denied) verdict_say(v, CHECK_LINT, VERDICT_WARN, "none of its orders was accepted: %zu were denied, most of them %s", b->denied, b->worst_denial);
  else if (b->fill_count == 0 && v->o->quick) verdict_say(v, CHECK_LINT, VERDICT_PASS, "it did not trade on these %zu bars, which are few", b->bars);
  else if (b->fill_count == 0) verdict_say(v, CHECK_LINT, VERDICT_WARN, "it never traded on these %zu bars, so the other checks prove little", b->bars);
  else if (b->denied > b->fill_count) verdict_say(v, CHECK_LINT, VERDICT_WARN, "%zu of its orders were denied, most of them %s", b->denied, b->worst_denial);
  else if (b->log_errors) verdict_say(v, CHECK_LINT, VERDICT_WARN, "it logged %zu errors", b->log_errors);
  else verdict_say(v, CHECK_LINT, VERDICT_PASS, "%s", s->has_max_notional ? "nothing unusual" : "nothing unusual; risk.max_notional is not declared, so its worst case is not known before it runs");
}

static enum status check_determinism(struct verdict *v, struct err *err) {
  struct probe_run twin;
  enum status st = verdict_run(v, &v->data, &twin, err);
  if (st == OK) {
    if (twin.st == OK && strcmp(twin.hash, v->base.hash) == 0) verdict_say(v, CHECK_DETERMINISM, VERDICT_PASS, "run twice, the same orders, fills and equity to the last digit");
    else verdict_say(v, CHECK_DETERMINISM, VERDICT_FAIL, "the same run gave two results%s%s", twin.st != OK ? ": " : "", twin.st != OK ? twin.err.msg : "");
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
    enum status st = verdict_run(v, &cut, &r, err);
    if (st == ERR_INVALID) continue;  // nothing left to trade
    if (st != OK) return st;
    int64_t first = 0;
    char when[TIME_TEXT_MAX], where[TIME_TEXT_MAX];
    bool equal = r.st == OK && probe_fills_equal(&v->base, &r, t, &first);
    if (r.st != OK) verdict_say(v, CHECK_LOOKAHEAD, VERDICT_FAIL, "with history that ends at %s it fails: %s", time_text(t, when), r.err.msg);
    else if (!equal) verdict_say(v, CHECK_LOOKAHEAD, VERDICT_FAIL, "with history that ends at %s its fills differ already at %s: what it does depends on what comes later", time_text(t, when), time_text(first, where));
    probe_run_finish(&r);
    if (!equal) return OK;
    cuts++;
  }
  if (cuts == 0) verdict_say(v, CHECK_LOOKAHEAD, VERDICT_SKIP, "the history is too short to be cut");
  else verdict_say(v, CHECK_LOOKAHEAD, VERDICT_PASS, "history cut at %d places, nothing before a cut changed", cuts);
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
    enum status st = verdict_run(v, &less, &r, err);
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
  if (tried == 0) verdict_say(v, CHECK_WARMUP, VERDICT_SKIP, "the history is too short to take some of it away");
  else if (enough && tried == 1) verdict_say(v, CHECK_WARMUP, VERDICT_PASS, "with only the %zu bars it asks for, the same trades", v->warmup_bars);
  else if (enough)
    verdict_say(v, CHECK_WARMUP, VERDICT_WARN, "with only the %zu bars of history it asks for, its fills differ from %s on; %zu bars are enough: set warmup=%zu in the header", v->warmup_bars,
        time_text(first, when), enough, enough);
  else
    verdict_say(v, CHECK_WARMUP, share < 0.5 ? VERDICT_FAIL : VERDICT_WARN,
        "what it does depends on how much history stands before the first bar (from %s on, %.0f %% of its fills stay the same): started live, it will not trade as here", time_text(first, when), share * 100);
  return OK;
}

static enum status check_start(struct verdict *v, struct err *err) {
  if (v->base.fill_count < FEW_FILLS) {
    verdict_say(v, CHECK_START, VERDICT_SKIP, "too few fills to tell");
    return OK;
  }
  struct probe_run r;
  int64_t from = v->config.from_ns, by = START_LATER * v->main_ns;
  v->config.from_ns = v->trade_ns + by;
  enum status st = verdict_run(v, &v->data, &r, err);
  v->config.from_ns = from;
  if (st == ERR_INVALID) {
    verdict_say(v, CHECK_START, VERDICT_SKIP, "the history is too short");
    return OK;
  }
  if (st != OK) return st;
  // The settled half decides: a strategy in a trade when the other starts needs a while to fall into step.
  double same = probe_fills_share(&v->base, &r, v->trade_ns + (data_end(v) - v->trade_ns) / 2, 0, false);
  double counted = probe_fills_share(&v->base, &r, v->trade_ns, by, false);
  if (r.st != OK) verdict_say(v, CHECK_START, VERDICT_FAIL, "started %d bars later it fails: %s", START_LATER, r.err.msg);
  else if (counted > 0.6 && counted > same)
    verdict_say(v, CHECK_START, VERDICT_WARN, "started %d bars later, %.0f %% of its fills come exactly %d bars later: it counts bars since it was started and does not look at the market", START_LATER, counted * 100, START_LATER);
  else if (same < 0.1)
    verdict_say(v, CHECK_START, VERDICT_WARN, "started %d bars later, only %.0f %% of its fills in the second half are at the same bars: its result depends on the moment of its start", START_LATER, same * 100);
  else verdict_say(v, CHECK_START, VERDICT_PASS, "started %d bars later, %.0f %% of its fills in the second half are at the same bars", START_LATER, same * 100);
  probe_run_finish(&r);
  return OK;
}

static enum status check_calendar(struct verdict *v, struct err *err) {
  if (v->base.fill_count < 1) {
    verdict_say(v, CHECK_CALENDAR, VERDICT_SKIP, "it never traded");
    return OK;
  }
  struct probe_data moved;
  struct probe_run r;
  enum status st = probe_data_shift(&v->data, YEAR_NS, &moved, err);
  if (st != OK) return st;
  int64_t from = v->config.from_ns;
  v->config.from_ns = v->trade_ns + YEAR_NS;
  st = verdict_run(v, &moved, &r, err);
  v->config.from_ns = from;
  probe_data_finish(&moved);
  if (st != OK) return st;
  double same = probe_fills_share(&v->base, &r, v->trade_ns, YEAR_NS, false);
  if (r.st != OK) verdict_say(v, CHECK_CALENDAR, VERDICT_FAIL, "with the same bars dated 52 weeks later it fails: %s", r.err.msg);
  else if (same < 0.5)
    verdict_say(v, CHECK_CALENDAR, VERDICT_WARN, "with the same bars dated 52 weeks later only %.0f %% of its fills remain: dates seem to be written into it, and then its result is hindsight", same * 100);
  else verdict_say(v, CHECK_CALENDAR, VERDICT_PASS, "with the same bars dated 52 weeks later, %.0f %% of its fills remain", same * 100);
  probe_run_finish(&r);
  return OK;
}

static enum status check_paths(struct verdict *v, struct err *err) {
  static const enum path_mode modes[] = {PATH_NEARER, PATH_ADVERSE, PATH_FAVOURABLE};
  enum path_mode asked = v->config.match.path;
  for (int i = 0; i < 3; i++) {
    struct probe_run r;
    v->config.match.path = modes[i];
    enum status st = verdict_run(v, &v->data, &r, err);
    v->config.match.path = asked;
    if (st != OK) return st;
    bool failed = r.st != OK;
    v->paths_pct[i] = r.stats.return_pct;
    if (failed) verdict_say(v, CHECK_PATHS, VERDICT_FAIL, "under the path %s it fails: %s", path_mode_text(modes[i]), r.err.msg);
    probe_run_finish(&r);
    if (failed) return OK;
  }
  v->have_paths = true;
  double low = fmin(v->paths_pct[0], fmin(v->paths_pct[1], v->paths_pct[2])), high = fmax(v->paths_pct[0], fmax(v->paths_pct[1], v->paths_pct[2]));
  if (v->base.fill_count == 0) verdict_say(v, CHECK_PATHS, VERDICT_SKIP, "it never traded");
  else if (v->real && low < 0 && high > 0)
    verdict_say(v, CHECK_PATHS, VERDICT_WARN, "between %+.2f %% and %+.2f %%, depending on how prices moved inside the bars: finer data must decide whether it earns anything", low, high);
  else verdict_say(v, CHECK_PATHS, VERDICT_PASS, "nearer %+.2f %%, adverse %+.2f %%, favourable %+.2f %%%s", v->paths_pct[0], v->paths_pct[1], v->paths_pct[2], v->real ? "" : " (on a random walk: no judgement)");
  return OK;
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
  enum status st = verdict_run(v, &v->data, &r, err);
  v->config = asked;
  if (st != OK) return st;
  double once = v->base.stats.return_pct, twice = r.stats.return_pct;
  v->costs_pct = twice;
  v->have_costs = r.st == OK;
  if (r.st != OK) verdict_say(v, CHECK_COSTS, VERDICT_FAIL, "with doubled costs it fails: %s", r.err.msg);
  else if (v->base.fill_count == 0) verdict_say(v, CHECK_COSTS, VERDICT_SKIP, "it never traded");
  else if (v->real && once > 0 && twice <= 0) verdict_say(v, CHECK_COSTS, VERDICT_WARN, "%+.2f %%, and %+.2f %% with doubled costs: it lives from costs being exactly as assumed", once, twice);
  else verdict_say(v, CHECK_COSTS, VERDICT_PASS, "%+.2f %%, and %+.2f %% with doubled costs%s", once, twice, v->real ? "" : " (on a random walk: no judgement)");
  probe_run_finish(&r);
  return OK;
}

enum status (*const verdict_checks[VERDICT_CHECKS])(struct verdict *v, struct err *err) = {
    check_determinism, check_lookahead, check_warmup, check_start, check_calendar, check_paths, check_costs};

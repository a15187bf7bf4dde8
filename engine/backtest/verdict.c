// backtest/verdict.c – an upload's verdict: describing it, the first run, the order of the checks, and what is told of them.
#include "backtest/verdict_impl.h"

#include "backtest/json_out.h"
#include "backtest/result_out.h"
#include "base/json.h"
#include "bot/jail.h"
#include "loop/clock.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAIN_BARS 20000
#define MAIN_BARS_MAX 200000
#define QUICK_BARS 400
#define DEFAULT_FEE_E8 100000   // 0.1 % per side, where the request names no cost at all
#define MINUTES(n) ((n) * NS_PER_MINUTE)
#define RUN_CPU_NS NS_PER_S
#define LOOSE_TIMES 10  // a sanitizer makes scripts so many times slower, and a proof would fail for it
#define RUN_BARS_MIN 500

static const char *const check_names[] = {"describe", "lint", "run", "determinism", "lookahead", "warmup", "start", "calendar", "paths", "costs"};

const char *verdict_status_text(enum verdict_status s) {
  static const char *const texts[] = {"pass", "warn", "fail", "skip"};
  return texts[s];
}

void verdict_say(struct verdict *v, enum check c, enum verdict_status s, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  v->checks[c].status = s;
  vsnprintf(v->checks[c].reason, sizeof v->checks[c].reason, fmt, ap);
  va_end(ap);
}

// Computing time is measured, and a busy machine, a host that takes the CPU away or pages that are touched for the first time count as the
// script's: one stop at a budget proves nothing, two in a row do.
enum status verdict_run(struct verdict *v, const struct probe_data *d, struct probe_run *ret, struct err *err) {
  enum status (*run)(const struct backtest_config *c, const struct probe_data *d, struct probe_run *ret, struct err *err) = v->o->run ? v->o->run : probe_run;
  enum status st = run(&v->config, d, ret, err);
  if (st != OK || ret->st != ERR_BUDGET) return st;
  v->again++;
  probe_run_finish(ret);
  return run(&v->config, d, ret, err);
}

// ---- describing and the first run

static enum status read_header(struct verdict *v, struct err *why) {
  struct backtest_config *c = &v->config;
  enum status st = script_describe(c->script_path, c->source, c->source_len, c->watchdog, &v->spec, why);
  if (st == OK) {
    params_default(v->spec, v->values);
    if (v->o->request) st = request_params(v->o->request, v->spec, v->values, why);
  }
  if (st == OK) st = script_check_params(c->script_path, c->source, c->source_len, v->spec, v->values, c->watchdog, &v->max_notional, why);
  if (st == OK) st = script_plan_make(v->spec, v->values, &v->plan, why);
  return st;
}

static enum status describe(struct verdict *v, bool *ret_good, struct err *err) {
  struct backtest_config *c = &v->config;
  struct err why;
  enum status st = read_header(v, &why);
  if (st == ERR_BUDGET) {
    v->again++;
    free(v->spec);
    v->spec = NULL;
    st = read_header(v, &why);
  }
  if (st == ERR_NOMEM) return err_set(err, st, "%s", why.msg);
  *ret_good = st == OK;
  c->spec = v->spec;
  c->values = v->values;
  if (st == OK) verdict_say(v, CHECK_DESCRIBE, VERDICT_PASS, "the header is right: %d parameters, %d data streams, %d indicators", v->spec->param_count, v->spec->stream_count, v->spec->indicator_count);
  else verdict_say(v, CHECK_DESCRIBE, VERDICT_FAIL, "%s", why.msg);
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

static int64_t run_budget_ns(const struct verdict *v) { return v->o->run_cpu_ns ? v->o->run_cpu_ns : RUN_CPU_NS * (jail_is_loose ? LOOSE_TIMES : 1); }

// The first run. A slow script gets fewer bars, as many as it managed in time; where those are too few, one more try.
static enum status run_base(struct verdict *v, bool *ret_slow, struct err *err) {
  for (bool tried = false;;) {
    struct pace pace = {.end_ns = clock_thread_cpu_ns() + run_budget_ns(v)};
    v->config.progress = pace_watch;
    v->config.progress_self = &pace;
    enum status st = verdict_run(v, &v->data, &v->base, err);
    v->config.progress = NULL;
    *ret_slow = st == ERR_CANCELLED && pace.slow;
    if (!*ret_slow) return st;
    size_t want = pace.done / 2;
    const bool few = want < RUN_BARS_MIN || want >= v->main_bars || want < v->warmup_bars * 4;
    if (few && tried) return OK;
    probe_run_finish(&v->base);
    if (few) {
      tried = true;
      v->again++;
      continue;
    }
    st = prepare_data(v, want, err);
    if (st != OK) return st;
  }
}

static enum status check_run(struct verdict *v, struct err *err) {
  bool slow;
  enum status st = run_base(v, &slow, err);
  if (st == OK && slow && v->o->quick) {
    verdict_say(v, CHECK_RUN, VERDICT_SKIP, "it was stopped: the check is for quick looks only");
    return OK;
  }
  if (st == OK && slow) {
    verdict_say(v, CHECK_RUN, VERDICT_FAIL, "it is too slow to be proven: more than %.1f s for a run over %zu bars", (double)run_budget_ns(v) / 1e9, v->main_bars);
    return OK;
  }
  if (st == ERR_INVALID || st == ERR_RANGE) {
    verdict_say(v, CHECK_RUN, VERDICT_FAIL, "%s", err->msg);
    return OK;
  }
  if (st != OK) return st;
  if (v->base.st != OK) {
    verdict_say(v, CHECK_RUN, VERDICT_FAIL, "%s", v->base.err.msg);
    return OK;
  }
  if (!v->base.warm) {
    verdict_say(v, CHECK_RUN, VERDICT_FAIL, "it was never called: %zu bars are not enough to warm up its indicators", v->data.series[v->data.main].count);
    return OK;
  }
  v->have_base = true;
  verdict_say(v, CHECK_RUN, VERDICT_PASS, "ran over %zu bars, %zu fills", v->base.bars, v->base.fill_count);
  return OK;
}

static bool no_costs(const struct backtest_config *c) {
  return !c->fees.maker_frac_e8 && !c->fees.taker_frac_e8 && !c->fees.fixed_e8 && !c->fees.per_unit_e8 && !c->spread.digits && !c->costs.spread_frac_e8 &&
         !c->costs.slippage_ticks && !c->costs.slippage_frac_e8;
}

// ---- the whole

static enum status check_all(struct verdict *v, struct err *err) {
  const size_t total = 3 + VERDICT_CHECKS;
  bool good;
  for (int i = 0; i < CHECK_COUNT; i++) verdict_say(v, (enum check)i, VERDICT_SKIP, "not reached");
  enum status st = describe(v, &good, err);
  if (st != OK || !good) return st;
  if (no_costs(&v->config)) v->config.fees.maker_frac_e8 = v->config.fees.taker_frac_e8 = DEFAULT_FEE_E8;
  st = prepare_data(v, v->o->bars_max ? v->o->bars_max : v->o->quick ? QUICK_BARS : MAIN_BARS, err);
  if (st == OK) st = check_run(v, err);
  if (st != OK) return st;
  verdict_check_lint(v);
  if (v->o->quick) return OK;
  for (size_t i = 0; v->have_base && i < VERDICT_CHECKS; i++) {
    if (v->o->progress && !v->o->progress(v->o->progress_self, 3 + i, total)) return err_set(err, ERR_CANCELLED, "interrupted");
    st = verdict_checks[i](v, err);
    if (st != OK) return st;
  }
  return OK;
}

// What was stopped and tried again is told: with the run's check, or with describe's when it came no further.
static void say_again(struct verdict *v) {
  const enum check c = v->checks[CHECK_RUN].status == VERDICT_SKIP ? CHECK_DESCRIBE : CHECK_RUN;
  char *reason = v->checks[c].reason;
  const size_t len = strlen(reason);
  if (v->again) snprintf(reason + len, sizeof v->checks[c].reason - len, "; stopped at a budget %u time%s and tried again, in case the machine was busy", v->again, v->again == 1 ? "" : "s");
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
    json_object_set_new(header, "max_notional", v->spec->has_max_notional && isfinite(v->max_notional) ? json_real(v->max_notional) : json_null());
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
  struct vm_limits *limits = &v->config.limits;
  if (jail_is_loose && !limits->callback_cpu_ns) limits->callback_cpu_ns = LOOSE_TIMES * 50 * NS_PER_MS;
  if (jail_is_loose && !limits->load_cpu_ns) limits->load_cpu_ns = LOOSE_TIMES * 200 * NS_PER_MS;
  v->config.progress = NULL;
  enum status st = check_all(v, err);
  if (st == OK) say_again(v);
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

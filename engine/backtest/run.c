// backtest/run.c – one walk through history: decides what time it is next, and what happens then in which order.
//
// At time T (simulation rule 19): funding and swaps due before a bar opens → matching of bars that end at T → funding due by
// T → fill callbacks to a fixpoint → day turn → higher-timeframe bars → other streams by name → main → timers → signals.
// Fills carry the open time of their bar, so "the position before events at ts" is the position after all bars that
// opened before ts: funding at ts is booked before a bar opening at ts is matched, and after one that opened earlier.
#include "backtest/backtest.h"

#include "backtest/judge.h"
#include "bot/event_hash.h"
#include "loop/clock.h"
#include "market/event_order.h"
#include "market/text.h"
#include "market/tz.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRESS_EVERY 64  // a slow script takes milliseconds a bar, and whoever waits wants to see it move
// Script time is measured on some main bars, each of which stands for those since the one before: every 64th, and in a long run
// fewer, since the thread's clock is a system call and costs as much as two bars.
#define SAMPLE_EVERY 64
#define FUNDED_MAX 64
#define SAMPLE_OFTEN_UNTIL 65536
#define SAMPLE_EVERY_LATER 1024

struct cursor {
  const struct series *series;
  size_t next;
  int64_t close_ns;  // of bar `next`; INT64_MAX at the end
};

struct walk {
  const struct backtest_config *c;
  const struct backtest_data *d;
  struct result *r;
  struct matcher *matcher;
  struct bot *bot;
  struct match_symbol_config symbols[SPEC_STREAMS_MAX];
  struct judge *judge;       // NULL: no rules
  struct instant instant;    // what it is shown of this instant
  struct instant_match matched[SPEC_STREAMS_MAX];
  struct instant_funding funded[FUNDED_MAX];
  bool main_matched;         // the main symbol's bar of this instant
  struct event_hash hash;
  struct script_spec *spec;  // the script's, with --warmup added to its own
  struct cursor exec[SPEC_STREAMS_MAX], stream[SPEC_STREAMS_MAX];
  int stream_order[SPEC_STREAMS_MAX];  // higher timeframes first, then by name, main last
  size_t detail_next, mark_next, funding_next, signal_next, terms_next;
  int64_t swap_next_ns;
  struct tz *new_york;
  int64_t day;
  int64_t now_ns;
  bool path_matters, failed_memory;
  bool lone;  // one series, traded and watched: quiet_bars() may run
  size_t sample_next;     // the main bar whose script time is measured next
  size_t sample_bars;     // main bars that those measured so far stand for
  int64_t clock_cost_ns;  // of reading the thread's clock twice
  double script_ns;       // of sample_bars
};

// ---- observers: from the pipeline into the result

static void seen_order(void *self, int64_t time_ns, const struct order *o, enum order_status from, enum order_status to, enum reason why) {
  struct walk *w = self;
  if (o->type != ORDER_MARKET || price_given(o->sl) || price_given(o->tp) || o->tp_r_e6) w->path_matters = true;
  event_hash_order(&w->hash, time_ns, o->id, from, to, why);
  if (to == ORDER_REJECTED) result_denied_add(w->r, time_ns, why);
}

static void seen_fill(void *self, const struct fill *f) {
  struct walk *w = self;
  event_hash_fill(&w->hash, f);
  if (!result_fill_add(w->r, f)) w->failed_memory = true;
}

static void seen_denied(void *self, int64_t time_ns, enum reason code, double limit, double value, const char *msg) {
  struct walk *w = self;
  (void)limit, (void)value, (void)msg;
  result_denied_add(w->r, time_ns, code);
}

static void seen_log(void *self, int64_t time_ns, enum script_log_level level, const char *text) {
  static const char *const levels[] = {"debug", "info", "warn", "error"};
  struct walk *w = self;
  if (!result_log_add(w->r, time_ns, levels[level], text)) w->failed_memory = true;
}

// Where a plot or mark made now stands on the chart: at the newest main bar, which is known by its open.
static int64_t chart_time(const struct walk *w, int64_t time_ns) {
  const struct cursor *m = &w->stream[0];
  return m->next > 0 ? m->series->bars[m->next - 1].open_ns : time_ns;
}

static void seen_plot(void *self, int64_t time_ns, const char *name, double value) {
  struct walk *w = self;
  if (!result_plot_add(w->r, name, chart_time(w, time_ns), value)) w->failed_memory = true;
}

static void seen_mark(void *self, int64_t time_ns, const char *text) {
  struct walk *w = self;
  if (!result_mark_add(w->r, chart_time(w, time_ns), text)) w->failed_memory = true;
}

static void seen_notify(void *self, int64_t time_ns, const char *text) {
  struct walk *w = self;
  if (!result_log_add(w->r, time_ns, "notify", text)) w->failed_memory = true;
}

static void seen_command(void *self, const struct bot_command *c) {
  struct walk *w = self;
  if (w->judge) judge_command(w->judge, c);
}

// ---- setting up

static void cursor_settle(struct cursor *c) {
  c->close_ns = c->next < c->series->count ? c->series->bars[c->next].open_ns + c->series->timeframe_ns : INT64_MAX;
}

static enum status symbols_add(struct walk *w, enum path_mode path, struct err *err) {
  const struct backtest_config *c = w->c;
  struct match_config mc = c->match;
  mc.path = path;
  mc.hedging = c->spec->hedging;
  enum status st = matcher_create(&mc, &w->matcher, err);
  for (int i = 0; st == OK && i < w->d->symbol_count; i++) {
    const struct series *s = w->d->symbols[i].exec;
    struct match_symbol_config *sc = &w->symbols[i];
    match_symbol_config_init(sc, &s->inst);
    sc->fees = c->fees;
    sc->costs = c->costs;
    sc->leverage_e4 = c->leverage_e4;
    sc->maintenance_frac_e8 = c->maintenance_frac_e8;
    sc->volume_scale = s->volume_scale;
    if (c->spread.digits) {
      price ticks;
      if (!price_from_double(&s->inst, decimal_double(c->spread), ROUND_CEIL, &ticks)) return err_set(err, ERR_RANGE, "--spread does not fit the price range");
      sc->costs.spread_ticks = ticks.ticks;
    }
    int64_t margin_e8;
    if (c->margin_per_unit.digits && decimal_rescale(c->margin_per_unit, 8, &margin_e8)) sc->futures_margin.e8 = margin_e8;
    int symbol;
    st = matcher_symbol_add(w->matcher, sc, &symbol, err);
    if (st == OK) assert(symbol == i);
  }
  if (st != OK || !c->rules.bytes) return st;
  if (w->d->terms.count || c->costs.swap_long_e8 || c->costs.swap_short_e8) return err_set(err, ERR_USAGE, "rules do not go with dated terms or swaps");
  const struct series *main = w->d->streams[0];
  const struct judge_config jc = {.rules = c->rules.bytes, .rules_len = c->rules.len, .news = c->news, .match = &mc, .symbols = w->symbols, .symbol_count = w->d->symbol_count,
                                  .begin_ns = main->bars[w->d->main_from].open_ns, .result = w->r};
  return judge_create(&jc, &w->judge, err);
}

static enum status walk_init(struct walk *w, enum path_mode path, struct err *err) {
  const struct backtest_config *c = w->c;
  const struct backtest_data *d = w->d;
  struct stream_rank ranks[SPEC_STREAMS_MAX];
  event_hash_init(&w->hash);
  enum status st = symbols_add(w, path, err);
  if (st != OK) return st;
  for (int i = 0; i < d->symbol_count; i++) {
    w->exec[i] = (struct cursor){.series = d->symbols[i].exec};
    cursor_settle(&w->exec[i]);
  }
  for (int i = 0; i < c->spec->stream_count; i++) {
    w->stream[i] = (struct cursor){.series = d->streams[i]};
    cursor_settle(&w->stream[i]);
    ranks[i] = (struct stream_rank){.main = i == 0, .timeframe_ns = d->streams[i]->timeframe_ns, .name = c->spec->streams[i].name};
  }
  stream_rank_order(ranks, c->spec->stream_count, w->stream_order);
  w->spec = malloc(sizeof *w->spec);
  if (!w->spec) return err_set(err, ERR_NOMEM, "out of memory");
  *w->spec = *c->spec;
  w->spec->warmup += c->warmup;
  struct bot_config bc = {.chunkname = c->script_path, .source = c->source, .source_len = c->source_len, .spec = w->spec, .values = c->values,
                          .limits = c->limits, .watchdog = c->watchdog, .matcher = w->matcher, .series = d->streams, .symbols = d->stream_symbols,
                          .risk = c->risk,
                          .observer = {.self = w, .order = seen_order, .fill = seen_fill, .denied = seen_denied, .log = seen_log, .plot = seen_plot,
                                       .mark = seen_mark, .notify = seen_notify}};
  if (w->judge) bc.observer.command = seen_command;
  st = bot_create(&bc, &w->bot, err);
  if (st != OK) return st;
  w->swap_next_ns = INT64_MAX;
  if (c->costs.swap_long_e8 || c->costs.swap_short_e8) {
    st = tz_load("America/New_York", &w->new_york, err);
    if (st != OK) return err_wrap(err, st, "swap at 17:00 New York");
    w->swap_next_ns = tz_next_time_of_day(w->new_york, d->streams[0]->bars[0].open_ns / NS_PER_S, 17 * 3600) * NS_PER_S;
  }
  w->day = INT64_MIN;
  w->lone = !w->judge && d->symbol_count == 1 && c->spec->stream_count == 1 && d->streams[0] == d->symbols[0].exec && !d->symbols[0].detail && !d->symbols[0].mark;
  w->clock_cost_ns = INT64_MAX;
  for (int i = 0; i < 16; i++) {
    int64_t begin = clock_thread_cpu_ns(), cost = clock_thread_cpu_ns() - begin;
    if (cost < w->clock_cost_ns) w->clock_cost_ns = cost;
  }
  return OK;
}

// ---- funding and swap

static enum status carry_until(struct walk *w, int64_t limit_ns, struct err *err) {
  int symbol = w->d->stream_symbols[0];
  while (w->funding_next < w->d->funding.count && w->d->funding.items[w->funding_next].ts_ns <= limit_ns) {
    const struct funding *f = &w->d->funding.items[w->funding_next++];
    price mark = NO_PRICE;
    const struct series *m = w->d->symbols[symbol].mark;
    if (m) {
      size_t i = w->mark_next;
      while (i < m->count && m->bars[i].open_ns + m->timeframe_ns <= f->ts_ns) i++;
      if (i > 0) mark = m->bars[i - 1].close;
    }
    if (!matcher_funding(w->matcher, symbol, f->ts_ns, f->rate_e12, mark)) return err_set(err, ERR_RANGE, "funding does not fit in 64 bits");
    if (w->judge) {
      const bool before = !w->main_matched;
      if (w->instant.funding_count == FUNDED_MAX) return err_set(err, ERR_RANGE, "more than %d fundings at once do not go with rules", FUNDED_MAX);
      w->funded[w->instant.funding_count++] = (struct instant_funding){symbol, f->ts_ns, f->rate_e12, mark, before};
    }
  }
  while (w->swap_next_ns <= limit_ns) {
    int64_t at_s = w->swap_next_ns / NS_PER_S;
    int weekday = tz_local(w->new_york, at_s, NULL).weekday;
    int days = weekday >= 5 ? 0 : weekday == w->c->swap_triple_weekday ? 3 : 1;
    for (int i = 0; days && i < w->d->symbol_count; i++)
      if (!matcher_swap(w->matcher, i, w->swap_next_ns, days)) return err_set(err, ERR_RANGE, "swap does not fit in 64 bits");
    w->swap_next_ns = tz_next_time_of_day(w->new_york, at_s, 17 * 3600) * NS_PER_S;
  }
  return OK;
}

static inline bool carry_due(const struct walk *w, int64_t limit_ns) {
  return w->swap_next_ns <= limit_ns || (w->funding_next < w->d->funding.count && w->d->funding.items[w->funding_next].ts_ns <= limit_ns);
}

// ---- one instant

static void attach_detail(struct walk *w, int symbol, const struct bar *b, struct match_bar *in) {
  const struct series *detail = w->d->symbols[symbol].detail, *mark = w->d->symbols[symbol].mark;
  if (detail) {
    while (w->detail_next < detail->count && detail->bars[w->detail_next].open_ns < b->open_ns) w->detail_next++;
    size_t end = w->detail_next;
    while (end < detail->count && detail->bars[end].open_ns < in->close_ns) end++;
    if (end > w->detail_next) {
      in->detail = &detail->bars[w->detail_next];
      in->detail_count = end - w->detail_next;
    }
    w->detail_next = end;
  }
  if (mark) {
    while (w->mark_next < mark->count && mark->bars[w->mark_next].open_ns < b->open_ns) w->mark_next++;
    if (w->mark_next < mark->count && mark->bars[w->mark_next].open_ns == b->open_ns) in->mark = &mark->bars[w->mark_next];
  }
}

static enum status match_symbols(struct walk *w, int64_t now_ns, bool *ret_events, struct err *err) {
  for (int i = 0; i < w->d->symbol_count; i++) {
    struct cursor *c = &w->exec[i];
    if (c->close_ns != now_ns) continue;
    const struct bar *b = &c->series->bars[c->next];
    if (carry_due(w, b->open_ns)) {
      enum status st = carry_until(w, b->open_ns, err);
      if (st != OK) return st;
      *ret_events = true;
    }
    struct match_bar in = {.bar = b, .close_ns = c->close_ns};
    if (w->d->symbols[i].detail || w->d->symbols[i].mark) attach_detail(w, i, b, &in);
    if (bot_match(w->bot, i, &in, now_ns)) *ret_events = true;
    if (w->judge) w->matched[w->instant.match_count++] = (struct instant_match){i, in};
    w->main_matched |= i == w->d->stream_symbols[0];
    c->next++;
    cursor_settle(c);
  }
  return OK;
}

static enum status turn_day(struct walk *w, int64_t now_ns, struct err *err) {
  int64_t day = now_ns / NS_PER_DAY;
  if (w->day == INT64_MIN) {
    w->day = day;
    return OK;
  }
  struct tz_date ended = date_from_days(w->day);
  char text[40];
  snprintf(text, sizeof text, "%04d-%02d-%02d", (int)ended.year, ended.month, ended.day);
  w->day = day;
  return bot_day(w->bot, now_ns, text, err);
}

// The equity at the end of a main bar, for the hash and the curve.
static inline bool mark_equity(struct walk *w, int64_t open_ns) {
  cash equity = matcher_equity(w->matcher);
  if (__builtin_expect(w->judge != NULL, 0)) judge_command(w->judge, &(struct bot_command){.kind = COMMAND_MARK, .time_ns = open_ns});
  event_hash_equity(&w->hash, open_ns, equity);
  bot_risk_mark(bot_risk_state(w->bot), equity);
  return result_equity_add(w->r, open_ns, equity, matcher_account(w->matcher)->open_count != 0);
}

static void sample_end(struct walk *w, size_t ix, int64_t spent_ns) {
  size_t bars = ix + 1 - w->sample_bars;
  w->script_ns += (double)spent_ns * (double)bars;
  w->sample_bars += bars;
  w->sample_next = ix + (ix < SAMPLE_OFTEN_UNTIL ? SAMPLE_EVERY : SAMPLE_EVERY_LATER);
}

static enum status stream_bars(struct walk *w, int64_t now_ns, struct err *err) {
  for (int k = 0; k < w->c->spec->stream_count; k++) {
    int i = w->stream_order[k];
    struct cursor *c = &w->stream[i];
    if (c->close_ns != now_ns) continue;
    size_t ix = c->next++;
    int64_t open_ns = c->series->bars[ix].open_ns;
    cursor_settle(c);
    // other streams by their close: the day that ends inside [from, to) is news in it, though it began before
    bool deliver = i == 0 ? open_ns >= w->c->from_ns && open_ns < w->c->to_ns : now_ns > w->c->from_ns && now_ns <= w->c->to_ns;
    bool sample = i == 0 && ix >= w->sample_next;
    if (i == 0 && deliver && !mark_equity(w, open_ns)) return err_set(err, ERR_NOMEM, "out of memory");
    int64_t begin = sample ? clock_thread_cpu_ns() : 0;
    enum status st = bot_stream_bar(w->bot, i, ix, now_ns, deliver, err);
    if (sample) sample_end(w, ix, clock_thread_cpu_ns() - begin - w->clock_cost_ns);
    if (st != OK) return st;
  }
  return OK;
}

static enum status signals_fire(struct walk *w, int64_t now_ns, struct err *err) {
  const struct signal_list *list = &w->d->signals;
  while (w->signal_next < list->count && list->items[w->signal_next].ts_ns <= now_ns) {
    const struct signal *g = &list->items[w->signal_next++];
    if (g->ts_ns < w->c->from_ns || g->ts_ns >= w->c->to_ns) continue;
    struct script_signal s = {.id = g->id, .source = g->source, .key = g->key, .symbol = g->symbol, .action = g->action, .raw = g->raw,
                              .size = g->has & SIGNAL_HAS_SIZE ? decimal_double(g->size) : NAN, .price = g->has & SIGNAL_HAS_PRICE ? decimal_double(g->price) : NAN,
                              .sl = g->has & SIGNAL_HAS_SL ? decimal_double(g->sl) : NAN, .tp = g->has & SIGNAL_HAS_TP ? decimal_double(g->tp) : NAN,
                              .ts_ns = g->ts_ns};
    enum status st = bot_signal(w->bot, &s, now_ns, err);
    if (st != OK) return st;
  }
  return OK;
}

static int64_t next_time(const struct walk *w) {
  int64_t t = INT64_MAX;
  for (int i = 0; i < w->d->symbol_count; i++)
    if (w->exec[i].close_ns < t) t = w->exec[i].close_ns;
  for (int i = 0; i < w->c->spec->stream_count; i++)
    if (w->stream[i].close_ns < t) t = w->stream[i].close_ns;
  if (t == INT64_MAX) return t;  // no more bars: timers alone do not go on for ever
  if (w->signal_next < w->d->signals.count && w->d->signals.items[w->signal_next].ts_ns < t) t = w->d->signals.items[w->signal_next].ts_ns;
  int64_t timer_ns = bot_timer_next(w->bot);
  if (w->judge && judge_next(w->judge) < t) t = judge_next(w->judge);
  return timer_ns < t ? timer_ns : t;
}

// Rule 21: terms that begin by now hold for what is decided from now on; the bar that just ended was matched under the old.
static enum status terms_until(struct walk *w, int64_t limit_ns, struct err *err) {
  while (w->terms_next < w->d->terms.count && w->d->terms.items[w->terms_next].from_ns <= limit_ns) {
    enum status st = matcher_terms(w->matcher, w->d->stream_symbols[0], &w->d->terms.items[w->terms_next++], err);
    if (st != OK) return st;
  }
  return OK;
}

static enum status step(struct walk *w, int64_t now_ns, struct err *err) {
  bool events = w->judge && (matcher_event_count(w->matcher) > 0 || bot_risk_waits(w->bot));  // nearly never
  w->instant = (struct instant){.now_ns = now_ns, .match = w->matched, .funding = w->funded};
  w->main_matched = false;
  enum status st = match_symbols(w, now_ns, &events, err);
  if (st == OK && w->terms_next < w->d->terms.count) {
    st = terms_until(w, now_ns, err);
    events = true;
  }
  if (st == OK && carry_due(w, now_ns)) {
    st = carry_until(w, now_ns, err);
    events = true;
  }
  if (st == OK && w->judge) st = judge_market(w->judge, &w->instant, err);
  if (st == OK && events) st = bot_settle(w->bot, now_ns, err);
  if (st == OK && now_ns / NS_PER_DAY != w->day) st = turn_day(w, now_ns, err);
  if (st == OK) st = stream_bars(w, now_ns, err);
  if (st == OK && bot_timer_next(w->bot) <= now_ns) st = bot_timers_fire(w->bot, now_ns, err);
  if (st == OK && w->signal_next < w->d->signals.count) st = signals_fire(w, now_ns, err);
  if (st == OK && w->judge) st = judge_end(w->judge, w->matcher, w->bot, err);
  return st;
}

// ---- nothing but bars

// A time before which only a bar can end: everything else that step() asks about comes at or after it, but for timers, which
// callbacks set.
static int64_t quiet_until(const struct walk *w) {
  const struct backtest_data *d = w->d;
  const struct cursor *main = &w->stream[0];
  if (main->close_ns == INT64_MAX || main->series->bars[main->next].open_ns < w->c->from_ns || w->day == INT64_MIN) return INT64_MIN;
  int64_t timeframe_ns = main->series->timeframe_ns, t = (w->day + 1) * NS_PER_DAY;
  if (w->c->to_ns < t - timeframe_ns) t = w->c->to_ns + timeframe_ns;  // a bar is delivered when it opens before `to`
  if (w->swap_next_ns < t) t = w->swap_next_ns;
  if (w->funding_next < d->funding.count && d->funding.items[w->funding_next].ts_ns < t) t = d->funding.items[w->funding_next].ts_ns;
  if (w->terms_next < d->terms.count && d->terms.items[w->terms_next].from_ns < t) t = d->terms.items[w->terms_next].from_ns;
  if (w->signal_next < d->signals.count && d->signals.items[w->signal_next].ts_ns < t) t = d->signals.items[w->signal_next].ts_ns;
  return t;
}

// The same as step() for the bars of a lone series in such a time, up to the next that may be sampled: nearly all of a backtest,
// and a tenth faster without the questions.
static enum status quiet_bars(struct walk *w, struct err *err) {
  struct cursor *main = &w->stream[0], *exec = &w->exec[0];
  const struct bar *bars = main->series->bars;
  int64_t until_ns = quiet_until(w), timeframe_ns = main->series->timeframe_ns;
  size_t end = (main->next + PROGRESS_EVERY - 1) / PROGRESS_EVERY * PROGRESS_EVERY;
  if (end > w->d->main_to) end = w->d->main_to;
  enum status st = OK;
  for (size_t ix = main->next; ix < end && st == OK; ix++) {
    int64_t open_ns = bars[ix].open_ns, now_ns = open_ns + timeframe_ns;
    if (now_ns >= until_ns || now_ns >= bot_timer_next(w->bot)) break;
    w->now_ns = now_ns;
    struct match_bar in = {.bar = &bars[ix], .close_ns = now_ns};
    bool events = bot_match(w->bot, 0, &in, now_ns);
    exec->next = ix + 1;
    if (events) st = bot_settle(w->bot, now_ns, err);
    if (st != OK) break;
    main->next = ix + 1;
    if (!mark_equity(w, open_ns)) return err_set(err, ERR_NOMEM, "out of memory");
    st = bot_stream_bar(w->bot, 0, ix, now_ns, true, err);
  }
  cursor_settle(main);
  cursor_settle(exec);
  return st;
}

// ---- the end

static enum status take_account(struct walk *w, struct err *err) {
  const struct account *a = matcher_account(w->matcher);
  struct result *r = w->r;
  bool ok = true;
  for (size_t i = 0; i < a->trades.count; i++) ok = ok && result_trade_add(r, &a->trades.items[i]);
  for (int i = 0; i < a->symbol_count; i++) {
    const struct account_symbol *s = &a->symbols[i];
    ok = ok && result_symbol_add(r, &s->inst);
    for (int leg = 0; leg < LEG_COUNT; leg++) {
      if (s->pos[leg].lots == 0) continue;
      struct result_open o = {.symbol = i, .leg = (enum leg)leg, .lots = s->pos[leg].lots, .mark = s->mark, .since_ns = s->pos[leg].opened_ns,
                              .avg = account_avg_ticks(a, i, (enum leg)leg) * (double)s->inst.tick.digits / (double)pow10_i64(s->inst.tick.scale),
                              .position_id = s->pos[leg].id};
      if (!account_unrealised_at(a, i, (enum leg)leg, s->mark, &o.unrealised)) o.unrealised.e8 = 0;
      ok = ok && result_open_add(r, &o);
    }
  }
  for (uint32_t tag = 1; tag < bot_tag_count(w->bot); tag++) ok = ok && (!bot_tag_text(w->bot, tag)[0] || result_tag_set(r, tag, bot_tag_text(w->bot, tag)));
  r->funding = ledger_total(&a->ledger, BOOK_FUNDING);
  r->swap = ledger_total(&a->ledger, BOOK_SWAP);
  r->script_seconds = w->script_ns > 0 ? w->script_ns / 1e9 * (double)w->stream[0].next / (double)w->sample_bars : 0;
  account_check(a);
  return ok ? OK : err_set(err, ERR_NOMEM, "out of memory for the result");
}

static enum status walk_all(struct walk *w, struct err *err) {
  const struct backtest_config *c = w->c;
  size_t steps = 0;
  enum status st = OK;
  for (int64_t now_ns; (now_ns = next_time(w)) != INT64_MAX;) {
    if (__builtin_expect(++steps % PROGRESS_EVERY == 0, 0) || (w->lone && w->stream[0].next % PROGRESS_EVERY == 0)) {
      if (c->progress && !c->progress(c->progress_self, w->stream[0].next, w->stream[0].series->count)) return err_set(err, ERR_CANCELLED, "interrupted");
      if (w->failed_memory) return err_set(err, ERR_NOMEM, "out of memory for the result");
    }
    w->now_ns = now_ns;
    st = step(w, now_ns, err);
    if (st == OK && w->lone) st = quiet_bars(w, err);
    if (st != OK) {
      char at[TIME_TEXT_MAX];
      return err_wrap(err, st, "at %s", time_text(w->now_ns, at));
    }
    // main's last bar (of the data, or before --to) ends the run: what other files hold beyond it would move positions after
    // the last equity mark
    if (w->stream[0].next >= w->d->main_to) break;
  }
  if (w->judge) {  // what it did last is the run's, though the script does not hear of it; the script's last words are nobody's to judge
    bot_mute(w->bot, true);
    st = bot_settle(w->bot, w->now_ns, err);
    bot_mute(w->bot, false);
    judge_report(w->judge);
    judge_destroy(w->judge);
    w->judge = NULL;
  }
  if (st == OK) st = bot_stop(w->bot, w->now_ns, "end", err);
  if (st != OK) return st;
  if (c->finalize) {
    int symbol = w->d->stream_symbols[0];
    const struct series *s = w->d->symbols[symbol].exec;
    const struct bar *last = &s->bars[w->exec[symbol].next - 1];
    struct match_bar in = {.bar = last, .close_ns = last->open_ns + s->timeframe_ns};
    matcher_finalize(w->matcher, symbol, &in);
    st = bot_settle(w->bot, w->now_ns, err);
    if (w->r->equity_count) w->r->equity[w->r->equity_count - 1].equity_e8 = matcher_equity(w->matcher).e8;
  }
  return st;
}

enum status backtest_walk(const struct backtest_config *c, const struct backtest_data *d, enum path_mode path, struct result *r,
                          bool *ret_path_matters, struct err *err) {
  struct walk *w = calloc(1, sizeof *w);
  if (!w) return err_set(err, ERR_NOMEM, "out of memory");
  w->c = c;
  w->d = d;
  w->r = r;
  enum status st = result_equity_reserve(r, d->main_to) ? walk_init(w, path, err) : err_set(err, ERR_NOMEM, "out of memory");
  if (st == OK) {
    st = walk_all(w, err);
    struct err inner;
    enum status taken = take_account(w, st == OK ? err : &inner);
    if (st == OK) st = taken;
    event_hash_finish(&w->hash, r->hash);
    if (!bot_started(w->bot) && st == OK &&
        !result_warning_add(r, "the script was never called: its warm-up needs more bars than the data has (%zu of main)", d->main_to))
      st = err_set(err, ERR_NOMEM, "out of memory");
  }
  *ret_path_matters = w->path_matters || c->leverage_e4 > 10000;
  bot_destroy(w->bot);
  judge_destroy(w->judge);
  matcher_destroy(w->matcher);
  tz_destroy(w->new_york);
  free(w->spec);
  free(w);
  return st;
}

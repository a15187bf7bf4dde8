// bot/pilot.c – see pilot.h.
#include "bot/pilot.h"

#include "base/pack.h"
#include "base/prefetch.h"
#include "bot/blotter_impl.h"
#include "market/event_order.h"
#include "market/tz.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct pilot {
  struct blotter blotter;
  struct bot *bot;
  struct bot_observer observer;  // the caller's
  const struct series *const *series;
  int stream_order[SPEC_STREAMS_MAX], stream_count;
  int64_t day;     // of the last instant; INT64_MIN before the first
  int64_t now_ns;
  bool dead;       // see pilot_dead()
  bool quiet;
  bool resuming;   // on_init runs in the next instant
  bool skipping, params_taken;
  bool hears_more;   // timers, signals or ticks: it begins with its first instant, not with its first bar
  struct script *next;     // made aside; NULL: none
  const struct script_spec *next_spec;
  void (*told_version)(void *self, enum status st, const char *why);
  void *told_self;
};

// ---- between the bot and whoever watches

static void seen_order(void *self, int64_t time_ns, const struct order *o, enum order_status from, enum order_status to, enum reason why) {
  struct pilot *p = self;
  blotter_seen_order(&p->blotter, time_ns, o, from, to, why);
  if (p->observer.order) p->observer.order(p->observer.self, time_ns, o, from, to, why);
}

static void seen_fill(void *self, const struct fill *f) {
  struct pilot *p = self;
  blotter_seen_fill(&p->blotter, f);
  if (p->observer.fill) p->observer.fill(p->observer.self, f);
}

static void seen_command(void *self, const struct bot_command *c) {
  struct pilot *p = self;
  p->quiet = p->quiet && c->kind == COMMAND_MARK;
  blotter_seen_command(&p->blotter, c);
  if (p->observer.command) p->observer.command(p->observer.self, c);
}

static void seen_denied(void *self, int64_t time_ns, enum reason code, double limit, double value, const char *msg) {
  struct pilot *p = self;
  if (p->observer.denied) p->observer.denied(p->observer.self, time_ns, code, limit, value, msg);
}

static void seen_log(void *self, int64_t time_ns, enum script_log_level level, const char *text) {
  struct pilot *p = self;
  if (p->observer.log) p->observer.log(p->observer.self, time_ns, level, text);
}

static void seen_plot(void *self, int64_t time_ns, const char *name, double value) {
  struct pilot *p = self;
  if (p->observer.plot) p->observer.plot(p->observer.self, time_ns, name, value);
}

static void seen_mark(void *self, int64_t time_ns, const char *text) {
  struct pilot *p = self;
  if (p->observer.mark) p->observer.mark(p->observer.self, time_ns, text);
}

static void seen_notify(void *self, int64_t time_ns, const char *text) {
  struct pilot *p = self;
  if (p->observer.notify) p->observer.notify(p->observer.self, time_ns, text);
}

static void seen_params(void *self) {
  struct pilot *p = self;
  p->params_taken = true;
  if (p->observer.params) p->observer.params(p->observer.self);
}

// ---- life

static void order_streams(struct pilot *p, const struct bot_config *bot) {
  struct stream_rank ranks[SPEC_STREAMS_MAX];
  p->stream_count = bot->spec->stream_count;
  for (int i = 0; i < p->stream_count; i++)
    ranks[i] = (struct stream_rank){.main = i == 0, .timeframe_ns = bot->series[i]->timeframe_ns, .name = bot->spec->streams[i].name};
  stream_rank_order(ranks, p->stream_count, p->stream_order);
}

static bool hears_more(const struct script_spec *spec) { return spec->callbacks & (1u << ON_TIMER | 1u << ON_SIGNAL | 1u << ON_TICK); }

enum status pilot_create(const struct pilot_config *config, struct pilot **ret, struct err *err) {
  struct pilot *p = calloc(1, sizeof *p);
  if (!p) return err_set(err, ERR_NOMEM, "no memory for a bot");
  p->observer = config->bot.observer;
  p->series = config->bot.series;
  p->day = INT64_MIN;
  struct blotter_config blotter = config->blotter;
  blotter.observer = (struct blotter_observer){0};
  enum status st = blotter_init(&p->blotter, &blotter, err);
  if (st == OK) {
    order_streams(p, &config->bot);
    struct bot_config bot = config->bot;
    bot.matcher = p->blotter.matcher;
    bot.observer = (struct bot_observer){.self = p, .order = seen_order, .fill = seen_fill, .command = seen_command, .denied = seen_denied,
                                         .log = seen_log, .plot = seen_plot, .mark = seen_mark, .notify = seen_notify, .params = seen_params};
    p->hears_more = hears_more(bot.spec);
    st = bot_create(&bot, &p->bot, err);
  }
  if (st != OK) {
    pilot_destroy(p);
    return st;
  }
  *ret = p;
  return OK;
}

void pilot_destroy(struct pilot *p) {
  if (!p) return;
  pilot_unprepare(p);
  bot_destroy(p->bot);
  blotter_finish(&p->blotter);
  free(p);
}

struct bot *pilot_bot(struct pilot *p) { return p->bot; }
const struct matcher *pilot_matcher(const struct pilot *p) { return p->blotter.matcher; }
const struct account *pilot_account(const struct pilot *p) { return matcher_account(p->blotter.matcher); }
int64_t pilot_timer_next(const struct pilot *p) { return bot_timer_next(p->bot); }
void pilot_hash(const struct pilot *p, char ret_hex[SHA256_HEX_SIZE]) { blotter_hash(&p->blotter, ret_hex); }

// ---- an instant

static enum status turn_day(struct pilot *p, int64_t now_ns, struct err *err) {
  int64_t ended = p->day;
  p->day = now_ns / NS_PER_DAY;
  if (ended == INT64_MIN || ended == p->day) return OK;
  struct tz_date d = date_from_days(ended);
  char text[40];
  snprintf(text, sizeof text, "%04d-%02d-%02d", (int)d.year, d.month, d.day);
  return bot_day(p->bot, now_ns, text, err);
}

static void mark(struct pilot *p, size_t ix) {
  seen_command(p, &(struct bot_command){.kind = COMMAND_MARK, .time_ns = p->series[0]->bars[ix].open_ns});
  bot_risk_mark(bot_risk_state(p->bot), matcher_equity(p->blotter.matcher));
}

bool pilot_impose(struct pilot *p, const struct bot_command *c) {
  if (!command_valid(p->blotter.matcher, c, NULL)) return false;
  if (c->kind == COMMAND_FUNDING) return blotter_due(&p->blotter, c);
  command_apply(p->blotter.matcher, c);
  return true;
}

void pilot_forget_trades(struct pilot *p) { matcher_trades_forget(p->blotter.matcher); }

void pilot_limits(struct pilot *p, const struct risk_limits *limits) { bot_limits(p->bot, limits); }
void pilot_risk(struct pilot *p, enum reason code, double limit, double value, int64_t until_ns) { bot_risk_tell(p->bot, code, limit, value, until_ns); }
// ---- another version

// The newest `history` bars of each stream that ended by through_ns, in the order in which they would have come.
static void warm_up(const struct pilot *p, struct script *s, size_t history, int64_t through_ns) {
  size_t at[SPEC_STREAMS_MAX], end[SPEC_STREAMS_MAX];
  for (int i = 0; i < p->stream_count; i++) {
    const struct series *all = p->series[i];
    end[i] = all->count;
    while (end[i] > 0 && all->bars[end[i] - 1].open_ns > through_ns - all->timeframe_ns) end[i]--;
    at[i] = end[i] > history ? end[i] - history : 0;
  }
  while (true) {
    int64_t now_ns = INT64_MAX;
    for (int i = 0; i < p->stream_count; i++)
      if (at[i] < end[i] && p->series[i]->bars[at[i]].open_ns + p->series[i]->timeframe_ns < now_ns) now_ns = p->series[i]->bars[at[i]].open_ns + p->series[i]->timeframe_ns;
    if (now_ns == INT64_MAX) return;
    for (int k = 0; k < p->stream_count; k++) {
      const int i = p->stream_order[k];
      if (at[i] < end[i] && p->series[i]->bars[at[i]].open_ns + p->series[i]->timeframe_ns == now_ns) script_push(s, i, at[i]++);
    }
  }
}

static enum status carry_state(struct script *from, struct script *to, const char *version, struct err *err) {
  struct buf state;
  buf_init(&state, SCRIPT_STATE_MAX + 4096);
  enum status st = script_state_save(from, &state, err);
  if (st == OK) st = script_state_load(to, state.data, state.len, version, err);
  buf_finish(&state);
  return st;
}

enum status pilot_prepare(struct pilot *p, const struct pilot_version *v, struct err *err) {
  const struct bot_config config = {.chunkname = v->chunkname, .source = v->source, .source_len = v->source_len, .spec = v->spec, .values = v->values, .limits = v->limits,
                                    .watchdog = v->watchdog, .series = p->series, .symbols = v->symbols};
  struct script *s = NULL, *now = bot_script(p->bot);
  if (v->spec->stream_count != p->stream_count) return err_set(err, ERR_INVALID, "it has %d data streams, not %d", v->spec->stream_count, p->stream_count);
  enum status st = bot_candidate(p->bot, &config, &s, err);
  if (st != OK) return st;
  warm_up(p, s, v->history, v->through_ns);
  if (!script_warm(s)) st = err_set(err, ERR_INVALID, "it needs more history than the %zu bars that are kept for it here: stop the bot to give it this version", v->history);
  if (st == OK) st = carry_state(now, s, v->from, err);
  if (st != OK) {
    script_destroy(s);
    return st;
  }
  pilot_unprepare(p);
  p->next = s;
  p->next_spec = v->spec;
  return OK;
}

bool pilot_prepared(const struct pilot *p) { return p->next != NULL; }
struct script *pilot_prepared_script(struct pilot *p) { return p->next; }

void pilot_unprepare(struct pilot *p) {
  script_destroy(p->next);
  p->next = NULL;
}

void pilot_on_version(struct pilot *p, void (*told)(void *self, enum status st, const char *why), void *self) {
  p->told_version = told;
  p->told_self = self;
}

static void told_version(void *arg, enum status st, const char *why) {
  struct pilot *p = arg;
  if (p->told_version) p->told_version(p->told_self, st, why);
}

// On an error the script goes on that was there, as if nobody had tried.
static bool take_over(struct pilot *p, int64_t now_ns) {
  struct script *s = p->next;
  struct err err;
  p->next = NULL;
  p->quiet = false;
  const enum status st = bot_take(p->bot, &s, p->next_spec, now_ns, told_version, p, &err);
  if (st == OK) p->hears_more = hears_more(p->next_spec);
  script_destroy(s);
  return st == OK;
}

// ---- the rest of an instant

// The first failure of an instant is its result; from it on the script is not asked, but orders, marks and indicators go on, or its
// account would not be the core's any more, and its next bar not the next.
struct turn {
  enum status st;
  struct err *err;  // of the first
};

static void failed(struct pilot *p, struct turn *t, enum status st, const struct err *err, int64_t now_ns) {
  if (t->st == OK) {
    t->st = st;
    *t->err = *err;
  }
  bot_mute(p->bot, true);
  struct err ignored;
  (void)!bot_settle(p->bot, now_ns, &ignored);  // what was still to be told
}

static void bars(struct pilot *p, const struct instant *in, struct turn *t) {
  struct err err;
  for (int k = 0; k < p->stream_count; k++)
    for (int i = 0; i < in->bar_count; i++) {
      const struct instant_bar *b = &in->bars[i];
      if (b->stream != p->stream_order[k]) continue;
      if (b->stream == 0 && b->deliver) mark(p, b->ix);
      enum status st = bot_stream_bar(p->bot, b->stream, b->ix, in->now_ns, b->deliver, &err);
      if (st != OK) failed(p, t, st, &err, in->now_ns);
    }
}

// What happened to the orders of a script that has no part in the instant: it hears of it in its next one.
static enum status keep_events(struct pilot *p, struct err *err) {
  enum status st = OK;
  for (struct match_event e; matcher_event_next(p->blotter.matcher, &e);) {
    if (e.kind == EVENT_ORDER) seen_order(p, e.time_ns, matcher_order(p->blotter.matcher, e.order.id), e.order.from, e.order.to, e.order.reason);
    else if (e.kind == EVENT_FILL) seen_fill(p, &e.fill);
    if (st == OK) st = bot_missed(p->bot, &e, err);
  }
  return st;
}

static enum status settle(struct pilot *p, int64_t now_ns, struct err *err) { return p->skipping ? keep_events(p, err) : bot_settle(p->bot, now_ns, err); }

enum status pilot_instant(struct pilot *p, const struct instant *in, struct err *err) {
  assert(in->now_ns > p->now_ns);
  p->now_ns = in->now_ns;
  bool events;
  struct err why;
  struct turn t = {OK, err};
  enum status st = blotter_match(&p->blotter, in, &events, err);
  if (st != OK) {
    p->dead = true;
    return st;
  }
  events = events || matcher_event_count(p->blotter.matcher) > 0 || bot_risk_waits(p->bot) || bot_missed_some(p->bot);  // of what was imposed, or skipped
  p->quiet = !events && !p->resuming;
  const uint32_t timers = bot_timer_changes(p->bot);
  if (p->next && !p->skipping && take_over(p, in->now_ns)) {
    p->resuming = false;  // its on_init was called
    events = true;        // of it, and what was missed
  }
  if (p->resuming && !p->skipping) {
    p->resuming = false;
    if ((st = bot_resume(p->bot, in->now_ns, &why)) != OK) failed(p, &t, st, &why, in->now_ns);
  }
  events = events || matcher_event_count(p->blotter.matcher) > 0;  // of the on_init
  if (events && (st = settle(p, in->now_ns, &why)) != OK) failed(p, &t, st, &why, in->now_ns);
  if ((st = turn_day(p, in->now_ns, &why)) != OK) failed(p, &t, st, &why, in->now_ns);
  p->params_taken = false;
  if (in->params && t.st == OK && !p->skipping && (st = bot_params(p->bot, in->params, in->now_ns, &why)) != OK) failed(p, &t, st, &why, in->now_ns);
  bars(p, in, &t);
  if (t.st == OK && p->hears_more && (st = bot_begin(p->bot, in->now_ns, &why)) != OK) failed(p, &t, st, &why, in->now_ns);
  for (int i = 0; t.st == OK && i < in->tick_count; i++)
    if ((st = bot_tick(p->bot, &in->ticks[i], in->now_ns, &why)) != OK) failed(p, &t, st, &why, in->now_ns);
  if (t.st == OK && bot_timer_next(p->bot) <= in->now_ns && (st = bot_timers_fire(p->bot, in->now_ns, &why)) != OK) failed(p, &t, st, &why, in->now_ns);
  for (int i = 0; t.st == OK && i < in->signal_count; i++)
    if ((st = bot_signal(p->bot, &in->signals[i], in->now_ns, &why)) != OK) failed(p, &t, st, &why, in->now_ns);
  if (in->stop && t.st == OK && !p->skipping && (st = bot_stop(p->bot, in->now_ns, in->stop, &why)) != OK) failed(p, &t, st, &why, in->now_ns);
  if (!bot_missed_some(p->bot)) blotter_forget_orders(&p->blotter);
  p->quiet = p->quiet && timers == bot_timer_changes(p->bot);
  if (t.st != OK) {
    bot_mute(p->bot, false);
    p->dead = script_killed(bot_script(p->bot));
  }
  return t.st;
}

enum status pilot_skip(struct pilot *p, const struct instant *in, struct err *err) {
  bot_mute(p->bot, p->skipping = true);
  enum status st = pilot_instant(p, in, err);
  bot_mute(p->bot, p->skipping = false);
  return st;
}

enum status pilot_stop(struct pilot *p, int64_t now_ns, const char *why, struct err *err) { return bot_stop(p->bot, now_ns, why, err); }

void pilot_prefetch(const struct pilot *p, int step) {
  if (step == 0) {
    prefetch(p, sizeof *p);
    return;
  }
  if (step == 1) {
    bot_prefetch(p->bot);
    matcher_prefetch(p->blotter.matcher, 0);
    return;
  }
  if (step == 2) matcher_prefetch(p->blotter.matcher, 1);
  script_prefetch(bot_script(p->bot), step - 2);
}

bool pilot_dead(const struct pilot *p) { return p->dead; }
bool pilot_quiet(const struct pilot *p) { return p->quiet; }
bool pilot_params_taken(const struct pilot *p) { return p->params_taken; }
int64_t pilot_now(const struct pilot *p) { return p->now_ns; }

// ---- the past

void pilot_mark(struct pilot *p, int symbol, price px) { matcher_mark(p->blotter.matcher, symbol, px); }

// Into the hash, and kept for the script if it has not heard of it.
static enum status drain(struct pilot *p, bool missed, struct err *err) {
  enum status st = OK;
  for (struct match_event e; matcher_event_next(p->blotter.matcher, &e);) {
    if (e.kind == EVENT_ORDER) blotter_seen_order(&p->blotter, e.time_ns, matcher_order(p->blotter.matcher, e.order.id), e.order.from, e.order.to, e.order.reason);
    else if (e.kind == EVENT_FILL) blotter_seen_fill(&p->blotter, &e.fill);
    if (missed && e.kind == EVENT_FILL && p->observer.fill) p->observer.fill(p->observer.self, &e.fill);
    if (missed && st == OK) st = bot_missed(p->bot, &e, err);
  }
  return st;
}

void pilot_hash_last(struct pilot *p, char ret_hex[SHA256_HEX_SIZE]) {
  struct err none;
  (void)!drain(p, false, &none);
  pilot_hash(p, ret_hex);
}

static void past_mark(struct pilot *p, int64_t open_ns) {
  blotter_seen_command(&p->blotter, &(struct bot_command){.kind = COMMAND_MARK, .time_ns = open_ns});
  bot_risk_mark(bot_risk_state(p->bot), matcher_equity(p->blotter.matcher));
}

// The instant of a command: that of a mark is the end of its bar.
static int64_t instant_of(const struct pilot *p, const struct bot_command *c) {
  return c->kind == COMMAND_MARK ? c->time_ns + p->series[0]->timeframe_ns : c->time_ns;
}

static enum status past_command(struct pilot *p, struct pilot_past *past, struct err *err) {
  const struct bot_command *c = &past->commands[past->at++];
  const char *why;
  if (!command_valid(p->blotter.matcher, c, &why))
    return err_set(err, ERR_INVALID, "command %zu of the run's past (%s) does not fit: %s", past->at, command_kind_text(c->kind), why);
  command_apply(p->blotter.matcher, c);
  if (c->kind == COMMAND_SUBMIT) risk_state_sent(bot_risk_state(p->bot), c->time_ns);
  return drain(p, c->time_ns > past->seen_ns || (c->imposed && c->time_ns == past->seen_ns), err);
}

static enum status past_bars(struct pilot *p, const struct instant *in, struct err *err) {
  enum status st = OK;
  for (int k = 0; st == OK && k < p->stream_count; k++)
    for (int i = 0; st == OK && i < in->bar_count; i++)
      if (in->bars[i].stream == p->stream_order[k] && !in->bars[i].unseen) st = bot_stream_bar(p->bot, in->bars[i].stream, in->bars[i].ix, in->now_ns, false, err);
  return st;
}

enum status pilot_past_bars(struct pilot *p, const struct instant *in, struct err *err) {
  assert(in->now_ns > p->now_ns);
  p->now_ns = in->now_ns;
  return past_bars(p, in, err);
}

enum status pilot_past_books(struct pilot *p, int64_t now_ns, const void *books, size_t len, struct err *err) {
  struct pack read = pack_reader(books, len);
  books_pack(&p->blotter, &p->day, bot_risk_state(p->bot), &read);
  if (now_ns > p->now_ns) p->now_ns = now_ns;
  return read.failed || read.left ? err_set(err, ERR_INVALID, "what its books came to cannot be read") : OK;
}

enum status pilot_past(struct pilot *p, const struct instant *in, struct pilot_past *past, struct err *err) {
  assert(in->now_ns > p->now_ns);
  p->now_ns = in->now_ns;
  bool events, missed = in->now_ns > past->seen_ns, marked = false;
  enum status st = OK;
  while (st == OK && past->at < past->count && instant_of(p, &past->commands[past->at]) < in->now_ns) {
    if (past->commands[past->at].kind == COMMAND_MARK) past->at++;  // of a bar that is not there
    else st = past_command(p, past, err);
  }
  for (size_t i = past->at; st == OK && i < past->count && instant_of(p, &past->commands[i]) <= in->now_ns; i++)
    if (past->commands[i].kind == COMMAND_FUNDING && !blotter_due(&p->blotter, &past->commands[i])) st = err_set(err, ERR_INVALID, "too many fundings at one time");
  if (st == OK) st = blotter_match(&p->blotter, in, &events, err);
  if (st == OK) st = drain(p, missed, err);
  int64_t day = in->now_ns / NS_PER_DAY;
  if (!missed && day != p->day) {  // else the script's day turns when it is back
    if (p->day != INT64_MIN) risk_state_day(bot_risk_state(p->bot), matcher_equity(p->blotter.matcher));
    p->day = day;
  }
  const struct instant_bar *main = NULL;
  for (int i = 0; i < in->bar_count; i++)
    if (in->bars[i].stream == 0 && in->bars[i].deliver) main = &in->bars[i];
  if (st == OK) st = past_bars(p, in, err);
  bool has_mark = false;
  for (size_t i = past->at; i < past->count && instant_of(p, &past->commands[i]) <= in->now_ns; i++) has_mark = has_mark || past->commands[i].kind == COMMAND_MARK;
  int64_t open_ns = main ? p->series[0]->bars[main->ix].open_ns : 0;
  if (main && !has_mark) past_mark(p, open_ns);
  while (st == OK && past->at < past->count && instant_of(p, &past->commands[past->at]) <= in->now_ns) {
    if (past->commands[past->at].kind != COMMAND_MARK) {
      st = past_command(p, past, err);
      continue;
    }
    past->at++;
    if (main && !marked) past_mark(p, open_ns);
    marked = true;
  }
  return st;
}

enum status pilot_past_end(struct pilot *p, struct pilot_past *past, bool resume, struct err *err) {
  enum status st = OK;
  while (st == OK && past->at < past->count) {
    if (past->commands[past->at].kind == COMMAND_MARK) past->at++;
    else st = past_command(p, past, err);
  }
  p->resuming = resume;
  p->quiet = true;
  return st;
}

uint64_t pilot_version_seed(uint64_t seed, uint32_t resume, uint32_t version) { return pilot_seed(pilot_seed(seed, resume) ^ UINT64_C(0x5851F42D4C957F2D), version); }

uint64_t pilot_seed(uint64_t seed, uint32_t resume) {  // splitmix64 of both
  if (resume == 0) return seed;
  uint64_t z = seed + resume * UINT64_C(0x9E3779B97F4A7C15);
  z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
  return z ^ z >> 31;
}

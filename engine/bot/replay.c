// bot/replay.c – the journal's run, decision by decision. See replay.h.
#include "bot/replay.h"

#include "bot/memory.h"
#include "bot/replay_impl.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- commands: alike, and as text

#define SAME(field) (a->field == b->field)
#define SAME_TICKS(field) (a->field.ticks == b->field.ticks)

static bool intent_same(const struct intent *a, const struct intent *b) {
  return SAME(symbol) && SAME(side) && SAME(type) && SAME(leg) && SAME(tif) && SAME(expires_ns) && SAME(post) && SAME(reduce) && SAME(size_kind) &&
         SAME(size) && SAME_TICKS(limit) && SAME_TICKS(trigger) && SAME(trail_ticks) && SAME(trail_frac_e8) && SAME_TICKS(sl) && SAME_TICKS(tp) &&
         SAME(tp_r_e6) && SAME(oco) && SAME(closes) && SAME(tag);
}

static bool change_same(const struct order_change *a, const struct order_change *b) {
  return SAME_TICKS(limit) && SAME_TICKS(trigger) && SAME_TICKS(sl) && SAME_TICKS(tp) && SAME(sl_none) && SAME(tp_none) && SAME(qty.lots) &&
         SAME(trail_ticks) && SAME(trail_frac_e8);
}

bool replay_command_same(const struct bot_command *a, const struct bot_command *b) {
  if (!SAME(kind) || !SAME(time_ns) || !SAME(id)) return false;
  switch (a->kind) {
    case COMMAND_SUBMIT: return SAME(qty.lots) && intent_same(&a->intent, &b->intent);
    case COMMAND_CANCEL: return SAME(why);
    case COMMAND_MODIFY: return change_same(&a->change, &b->change);
    default: return true;
  }
}

struct words { char *buf; size_t len; };

static void say(struct words *w, const char *fmt, ...) PRINTF(2, 3);
static void say(struct words *w, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(w->buf + w->len, 256 - w->len, fmt, ap);
  va_end(ap);
  w->len = n > 0 && w->len + (size_t)n < 256 ? w->len + (size_t)n : 255;
}

static void say_price(struct words *w, const char *what, const struct instrument *inst, price px) {
  char text[DECIMAL_TEXT_MAX];
  if (price_given(px)) say(w, " %s %s", what, price_text(inst, px, text));
}

static void say_submit(struct words *w, const struct bot_command *c, const struct instrument *inst) {
  const struct intent *in = &c->intent;
  char text[DECIMAL_TEXT_MAX];
  say(w, ": %s %s %s %s", side_text(in->side), quantity_text(inst, c->qty, text), inst->symbol, order_type_text(in->type));
  say_price(w, "at", inst, in->limit);
  say_price(w, "trigger", inst, in->trigger);
  say_price(w, "sl", inst, in->sl);
  say_price(w, "tp", inst, in->tp);
  if (in->trail_ticks) say(w, " trailing %lld ticks", (long long)in->trail_ticks);
  if (in->reduce || in->size_kind == SIZE_CLOSE) say(w, " reduce-only");
  if (in->tif != TIF_GTC) say(w, " %s", order_tif_text(in->tif));
}

static void say_change(struct words *w, const struct order_change *ch, const struct instrument *inst) {
  char text[DECIMAL_TEXT_MAX];
  if (ch->qty.lots) say(w, " qty %s", quantity_text(inst, ch->qty, text));
  say_price(w, "limit", inst, ch->limit);
  say_price(w, "trigger", inst, ch->trigger);
  say_price(w, "sl", inst, ch->sl);
  say_price(w, "tp", inst, ch->tp);
  say(w, "%s%s", ch->sl_none ? " no sl" : "", ch->tp_none ? " no tp" : "");
}

void replay_command_text(const struct bot_command *c, const struct matcher *m, char ret[256]) {
  struct words w = {ret, 0};
  say(&w, "%s %llu", command_kind_text(c->kind), (unsigned long long)c->id);
  if (c->kind == COMMAND_SUBMIT && c->intent.symbol >= 0 && c->intent.symbol < matcher_account(m)->symbol_count)
    say_submit(&w, c, &matcher_symbol_config(m, c->intent.symbol)->inst);
  if (c->kind == COMMAND_CANCEL) say(&w, ": %s", reason_code(c->why));
  const struct order *o = c->kind == COMMAND_MODIFY ? matcher_order(m, c->id) : NULL;
  if (o) say_change(&w, &c->change, &matcher_symbol_config(m, o->symbol)->inst);
}

// ---- comparing

static bool differs(const struct replay *r) { return !r->result->same; }

static void difference(struct replay *r, const struct bot_command *expected, const struct bot_command *got) {
  if (differs(r)) return;  // only the first: the rest follows from it
  r->result->same = false;
  r->result->at_ns = r->now_ns;
  const struct matcher *m = pilot_matcher(r->pilot);
  if (expected) replay_command_text(expected, m, r->result->expected);
  if (got) replay_command_text(got, m, r->result->got);
}

// The next command that the journal has of this instant, or NULL.
static const struct bot_command *expected_next(struct replay *r) {
  const struct replay_config *c = r->config;
  for (; r->expected < c->event_count; r->expected++) {
    const struct replay_event *e = &c->events[r->expected];
    if (e->kind == REPLAY_RESUME || e->time_ns > r->now_ns) return NULL;
    if (e->kind == REPLAY_COMMAND && e->command.kind != COMMAND_MARK) return &e->command;
  }
  return NULL;
}

static void seen_command(void *self, const struct bot_command *got) {
  struct replay *r = self;
  if (r->explain_ns == r->now_ns) notes_command(r, got);
  if (got->kind == COMMAND_MARK) return;
  const struct bot_command *want = expected_next(r);
  if (!want || !replay_command_same(want, got)) difference(r, want, got);
  if (want) r->expected++;
  r->result->compared++;
}

// ---- bars

static int64_t closes_at(const struct series *s, size_t i) { return i < s->count ? s->bars[i].open_ns + s->timeframe_ns : INT64_MAX; }

static int64_t next_time(const struct replay *r) {
  const struct replay_config *c = r->config;
  int64_t at = INT64_MAX;
  for (int i = 0; i < c->pilot.bot.spec->stream_count; i++) {
    int64_t t = closes_at(c->pilot.bot.series[i], r->stream_at[i]);
    if (t < at) at = t;
  }
  for (int i = 0; i < c->pilot.blotter.symbol_count; i++) {
    int64_t t = closes_at(c->finest[i], r->finest_at[i]);
    if (t < at) at = t;
  }
  return at;
}

struct parts {
  struct instant_match match[SPEC_STREAMS_MAX];
  struct instant_bar bars[SPEC_STREAMS_MAX];
};

// What ends at now_ns, and the cursors behind it. Before the run: for the indicators only.
static struct instant instant_at(struct replay *r, int64_t now_ns, struct parts *p) {
  const struct replay_config *c = r->config;
  bool run = now_ns > c->run_from_ns;
  struct instant in = {.now_ns = now_ns, .match = p->match, .bars = p->bars};
  for (int i = 0; i < c->pilot.blotter.symbol_count; i++) {
    if (closes_at(c->finest[i], r->finest_at[i]) != now_ns) continue;
    const struct bar *b = &c->finest[i]->bars[r->finest_at[i]++];
    if (run) p->match[in.match_count++] = (struct instant_match){i, {.bar = b, .close_ns = now_ns}};
  }
  for (int i = 0; i < c->pilot.bot.spec->stream_count; i++)
    if (closes_at(c->pilot.bot.series[i], r->stream_at[i]) == now_ns) p->bars[in.bar_count++] = (struct instant_bar){i, r->stream_at[i]++, run};
  return in;
}

// ---- a segment: from a start of the script to the next

static enum status segment_begin(struct replay *r, const struct replay_event *resume, struct err *err) {
  const struct replay_config *c = r->config;
  struct pilot_config pc = c->pilot;
  pc.bot.limits.seed = pilot_seed(c->pilot.bot.limits.seed, resume ? resume->resume : 0);
  pc.bot.observer = (struct bot_observer){.self = r, .command = seen_command};
  pilot_destroy(r->pilot);
  r->pilot = NULL;
  enum status st = pilot_create(&pc, &r->pilot, err);
  memset(r->stream_at, 0, sizeof r->stream_at);
  memset(r->finest_at, 0, sizeof r->finest_at);
  int64_t from_ns = resume ? resume->live_from_ns : c->run_from_ns;
  struct pilot_past past = {.commands = r->past, .count = resume ? r->past_before[resume - c->events] : 0, .seen_ns = resume ? resume->seen_ns : INT64_MIN};
  for (int64_t now_ns; st == OK && (now_ns = next_time(r)) <= from_ns;) {
    struct parts p;
    struct instant in = instant_at(r, now_ns, &p);
    st = pilot_past(r->pilot, &in, &past, err);
  }
  if (st == OK) st = pilot_past_end(r->pilot, &past, resume != NULL, err);
  if (st == OK && resume && resume->state) st = script_state_load(bot_script(pilot_bot(r->pilot)), resume->state, resume->state_len, NULL, err);
  if (st == OK && resume && resume->memory) st = bot_memory_load(pilot_bot(r->pilot), resume->memory, resume->memory_len, err);
  return st;
}

// Where the segment's script was last heard of: after it, it may have been down.
static int64_t segment_end(const struct replay *r) {
  const struct replay_config *c = r->config;
  int64_t heard_ns = INT64_MIN;
  for (size_t i = r->event; i < c->event_count; i++) {
    const struct replay_event *e = &c->events[i];
    if (e->kind == REPLAY_RESUME) return e->seen_ns > heard_ns ? e->seen_ns : heard_ns;
    if (e->kind != REPLAY_IMPOSED && e->time_ns > heard_ns) heard_ns = e->time_ns;
  }
  return INT64_MAX;
}

// ---- an instant

static int64_t next_event_time(const struct replay *r) {
  const struct replay_config *c = r->config;
  for (size_t i = r->event; i < c->event_count && c->events[i].kind != REPLAY_RESUME; i++)
    if (c->events[i].kind != REPLAY_IMPOSED && c->events[i].kind != REPLAY_COMMAND) return c->events[i].time_ns;
  return INT64_MAX;
}

static void from_outside(const struct replay *r, struct instant *in, struct script_signal *signals, int signals_max) {
  const struct replay_config *c = r->config;
  for (size_t i = r->event; i < c->event_count; i++) {
    const struct replay_event *e = &c->events[i];
    if (e->kind == REPLAY_RESUME || e->time_ns > in->now_ns) break;
    if (e->time_ns != in->now_ns) continue;
    if (e->kind == REPLAY_PARAMS) in->params = e->params;
    if (e->kind == REPLAY_STOP) in->stop = e->why;
    if (e->kind == REPLAY_SIGNAL && in->signal_count < signals_max) signals[in->signal_count++] = e->signal;
  }
  in->signals = signals;
}

// What the journal has up to now: all of it must have been asked for, and what the core did is done.
static enum status catch_up(struct replay *r, struct err *err) {
  const struct replay_config *c = r->config;
  const struct bot_command *missing = expected_next(r);
  if (missing) difference(r, missing, NULL);
  for (; r->event < c->event_count; r->event++) {
    const struct replay_event *e = &c->events[r->event];
    if (e->kind == REPLAY_RESUME || e->time_ns > r->now_ns) break;
    if (e->kind != REPLAY_IMPOSED || differs(r)) continue;
    if (!pilot_impose(r->pilot, &e->command))
      return err_set(err, ERR_INVALID, "what the core imposed (%s %llu) does not fit: the journal is of another run", command_kind_text(e->command.kind),
                     (unsigned long long)e->command.id);
    r->result->imposed++;
  }
  if (r->expected < r->event) r->expected = r->event;
  return OK;
}

static enum status instant(struct replay *r, int64_t now_ns, struct err *err) {
  struct parts p;
  struct script_signal signals[64];
  struct err why;
  struct instant in = instant_at(r, now_ns, &p);
  r->now_ns = now_ns;
  from_outside(r, &in, signals, 64);
  bool explained = r->explain_ns == now_ns;
  if (explained) notes_begin(r);
  if (pilot_instant(r->pilot, &in, &why) != OK) {
    if (r->result->failures++ == 0) snprintf(r->result->failure, sizeof r->result->failure, "%s", why.msg);
  }
  if (explained) notes_end(r, &in);
  r->result->instants++;
  return catch_up(r, err);
}

static enum status segment_run(struct replay *r, bool *ret_more, struct err *err) {
  const struct replay_config *c = r->config;
  int64_t end_ns = segment_end(r);
  if (c->until_ns < end_ns) end_ns = c->until_ns;
  enum status st = OK;
  while (st == OK && !differs(r)) {
    int64_t now_ns = next_time(r), outside_ns = next_event_time(r);
    if (outside_ns < now_ns && outside_ns > r->now_ns) now_ns = outside_ns;
    if (now_ns == INT64_MAX || now_ns > end_ns) break;
    if (pilot_dead(r->pilot)) {
      r->result->failed = end_ns == INT64_MAX || end_ns == c->until_ns;
      break;
    }
    st = instant(r, now_ns, err);
  }
  // What stands between here and the next start is the past of that one.
  while (r->event < c->event_count && c->events[r->event].kind != REPLAY_RESUME && c->events[r->event].time_ns <= c->until_ns) {
    const struct replay_event *e = &c->events[r->event++];
    if (st == OK && e->kind == REPLAY_COMMAND && e->command.kind != COMMAND_MARK) difference(r, &e->command, NULL);
  }
  r->expected = r->event;
  *ret_more = st == OK && !differs(r) && r->event < c->event_count && c->events[r->event].kind == REPLAY_RESUME && c->events[r->event].live_from_ns <= c->until_ns;
  return st;
}

static enum status past_make(struct replay *r, struct err *err) {
  const struct replay_config *c = r->config;
  r->past = calloc(c->event_count + 1, sizeof *r->past);
  r->past_before = calloc(c->event_count + 1, sizeof *r->past_before);
  if (!r->past || !r->past_before) return err_set(err, ERR_NOMEM, "no memory for a replay");
  size_t count = 0;
  for (size_t i = 0; i < c->event_count; i++) {
    r->past_before[i] = count;
    if (c->events[i].kind == REPLAY_COMMAND || c->events[i].kind == REPLAY_IMPOSED) r->past[count++] = c->events[i].command;
  }
  return OK;
}

static enum status run_once(const struct replay_config *config, int64_t explain_ns, struct replay_result *ret, struct err *err) {
  struct replay r = {.config = config, .result = ret, .explain_ns = explain_ns, .now_ns = INT64_MIN};
  *ret = (struct replay_result){.same = true};
  bool more = true;
  enum status st = past_make(&r, err);
  for (const struct replay_event *resume = NULL; st == OK && more;) {
    st = segment_begin(&r, resume, err);
    if (st == OK) st = segment_run(&r, &more, err);
    if (st != OK || !more) break;
    resume = &config->events[r.event++];
    r.expected = r.event;
    ret->resumes++;
  }
  if (r.pilot) pilot_hash_last(r.pilot, ret->hash);
  ret->explanation = r.notes.root;
  pilot_destroy(r.pilot);
  free(r.past);
  free(r.past_before);
  return st;
}

enum status replay_run(const struct replay_config *config, struct replay_result *ret, struct err *err) {
  enum status st = run_once(config, config->explain_ns ? config->explain_ns : INT64_MAX, ret, err);
  if (st != OK || ret->same || !config->explain_difference || ret->at_ns == config->explain_ns) return st;
  int64_t at_ns = ret->at_ns;
  replay_result_finish(ret);
  return run_once(config, at_ns, ret, err);
}

void replay_result_finish(struct replay_result *r) {
  json_decref(r->explanation);
  r->explanation = NULL;
}

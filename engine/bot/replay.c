// bot/replay.c – the journal's run, decision by decision. See replay.h.
#include "bot/replay.h"

#include "bot/replay_impl.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- comparing

static bool differs(const struct replay *r) { return !r->result->same; }
// A run that differs has ended: what follows means nothing. A fork is there to differ.
static bool is_over(const struct replay *r) { return differs(r) && !r->forked; }

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
  const struct bot_command *want = expected_next(r);
  // What the journal has is what was said before the host died; the rest never reached anybody.
  if (!want && r->now_ns == r->heard_ns && r->now_ns > r->whole_ns && !r->forked && got->kind != COMMAND_MARK) r->cut = true;
  if (r->cut) return;
  if (r->config->fork) replay_past_add(r, got);
  if (got->kind == COMMAND_MARK || (differs(r) && r->forked)) return;
  if (!want || !replay_command_same(want, got)) difference(r, want, got);
  if (want) r->expected++;
  r->result->compared++;
}

static void seen_fill(void *self, const struct fill *f) {
  struct replay *r = self;
  r->config->watch.fill(r->config->watch.self, f);
}
static void seen_plot(void *self, int64_t time_ns, const char *name, double value) {
  const struct replay *r = self;
  r->config->watch.plot(r->config->watch.self, time_ns, name, value);
}

static void seen_denied(void *self, int64_t time_ns, enum reason code, double limit, double value, const char *msg) {
  struct replay *r = self;
  (void)time_ns;
  if (r->explain_ns == r->now_ns) notes_denied(r, code, limit, value, msg);
}

// ---- a segment: from a start of the script to the next

static bool is_funding(const struct replay_event *e) { return e->kind == REPLAY_IMPOSED && e->command.kind == COMMAND_FUNDING; }

// What the core did between two instants.
static bool is_of_core(enum replay_kind kind) { return kind == REPLAY_IMPOSED || kind == REPLAY_RISK || kind == REPLAY_LIMITS; }

static void tell_progress(struct replay *r) {
  const struct replay_config *c = r->config;
  if (!c->watch.progress || c->until_ns == INT64_MAX || c->until_ns <= c->run_from_ns || r->now_ns <= c->run_from_ns) return;
  const unsigned permille = (unsigned)(1000.0 * ((double)(r->now_ns - c->run_from_ns) / (double)(c->until_ns - c->run_from_ns)));
  if (permille <= r->told_permille || permille > 1000) return;
  r->told_permille = permille;
  c->watch.progress(c->watch.self, permille);
}

// Where the segment's script was last heard of: after it, it may have been down.
static int64_t segment_end(struct replay *r) {
  const struct replay_config *c = r->config;
  r->cut = false;
  r->whole_ns = INT64_MAX;
  r->heard_ns = INT64_MIN;
  for (size_t i = r->event; i < c->event_count; i++) {
    const struct replay_event *e = &c->events[i];
    if (e->kind == REPLAY_RESUME) {
      r->whole_ns = e->seen_ns;
      return e->seen_ns > r->heard_ns ? e->seen_ns : r->heard_ns;
    }
    if (!is_of_core(e->kind) && e->time_ns > r->heard_ns) r->heard_ns = e->time_ns;
  }
  return INT64_MAX;
}

// ---- an instant

static int64_t next_event_time(const struct replay *r) {
  const struct replay_config *c = r->config;
  for (size_t i = r->event; i < c->event_count && c->events[i].kind != REPLAY_RESUME; i++)
    if (!is_of_core(c->events[i].kind) && c->events[i].kind != REPLAY_COMMAND) return c->events[i].time_ns;
  return INT64_MAX;
}

static void from_outside(struct replay *r, struct instant *in, struct script_signal *signals, int signals_max, struct script_tick ticks[SPEC_STREAMS_MAX]) {
  const struct replay_config *c = r->config;
  for (size_t i = r->event; i < c->event_count; i++) {
    const struct replay_event *e = &c->events[i];
    if (e->kind == REPLAY_RESUME || e->time_ns > in->now_ns) break;
    if (e->time_ns != in->now_ns) continue;
    if (e->kind == REPLAY_PARAMS && !r->own) {
      in->params = e->params;
      if (e->pilot) r->made_of = e->pilot;
    }
    if (is_funding(e)) {  // of the market, so a fork's too
      if (!pilot_impose(r->pilot, &e->command)) r->result->failures++;
      if (c->fork) replay_past_add(r, &e->command);
    }
    if (e->kind == REPLAY_STOP) in->stop = e->why;
    if (e->kind == REPLAY_TICK && in->tick_count < SPEC_STREAMS_MAX) ticks[in->tick_count++] = e->tick;
    if (e->kind == REPLAY_SIGNAL && in->signal_count < signals_max) signals[in->signal_count++] = e->signal;
  }
  in->signals = signals;
  in->ticks = ticks;
  if (r->params_due) in->params = c->fork->params;
  r->params_due = false;
}

static enum status of_core(struct replay *r, const struct replay_event *e, struct err *err) {
  if (e->kind == REPLAY_RISK && !differs(r)) pilot_risk(r->pilot, e->code, e->limit, e->value, e->live_from_ns);
  if (e->kind == REPLAY_LIMITS) pilot_limits(r->pilot, &e->limits);
  if (e->kind != REPLAY_IMPOSED || is_funding(e)) return OK;  // funding came with the instant
  if (differs(r)) {
    r->result->left_out++;
    return OK;
  }
  if (!pilot_impose(r->pilot, &e->command))
    return err_set(err, ERR_INVALID, "what the core imposed (%s %llu) does not fit: the journal is of another run", command_kind_text(e->command.kind),
                   (unsigned long long)e->command.id);
  if (r->config->fork) replay_past_add(r, &e->command);
  r->result->imposed++;
  return OK;
}

// What the journal has up to now: all of it must have been asked for, and what the core did is done.
static enum status catch_up(struct replay *r, struct err *err) {
  const struct replay_config *c = r->config;
  const struct bot_command *missing = differs(r) ? NULL : expected_next(r);
  if (missing) difference(r, missing, NULL);
  for (; r->event < c->event_count; r->event++) {
    const struct replay_event *e = &c->events[r->event];
    if (e->kind == REPLAY_RESUME || e->time_ns > r->now_ns) break;
    // After a cut its orders are not the run's; the start that follows makes those from the journal.
    if (r->cut && e->kind == REPLAY_IMPOSED && r->config->fork && !is_funding(e)) replay_past_add(r, &e->command);
    const enum status st = is_of_core(e->kind) && !r->cut ? of_core(r, e, err) : OK;
    if (st != OK) return st;
  }
  if (r->expected < r->event) r->expected = r->event;
  return OK;
}

// A fork's script stands still with it: how much CPU time there was is not of its making.
static bool is_skipped(const struct replay *r) {
  const struct replay_config *c = r->config;
  for (size_t i = r->event; i < c->event_count && c->events[i].kind != REPLAY_RESUME && c->events[i].time_ns <= r->now_ns; i++)
    if (c->events[i].kind == REPLAY_SKIP && c->events[i].time_ns == r->now_ns) return true;
  return false;
}

static enum status instant(struct replay *r, int64_t now_ns, struct err *err) {
  const struct replay_watch *w = &r->config->watch;
  struct replay_parts p;
  struct script_signal signals[64];
  struct script_tick ticks[SPEC_STREAMS_MAX];
  struct err why;
  struct instant in = replay_instant_at(r, now_ns, &p);
  r->now_ns = now_ns;
  from_outside(r, &in, signals, 64, ticks);
  // What the core did before the segment's first instant.
  for (; r->event < r->config->event_count && is_of_core(r->config->events[r->event].kind) && r->config->events[r->event].time_ns < now_ns; r->event++) {
    const enum status st = of_core(r, &r->config->events[r->event], err);
    if (st != OK) return st;
  }
  bool explained = r->explain_ns == now_ns;
  const struct replay_event *version = replay_version_begin(r);
  if (explained) notes_begin(r);
  if ((is_skipped(r) ? pilot_skip(r->pilot, &in, &why) : pilot_instant(r->pilot, &in, &why)) != OK) {
    if (r->result->failures++ == 0) snprintf(r->result->failure, sizeof r->result->failure, "%s", why.msg);
  }
  replay_version_end(r, version);
  if (explained) notes_end(r, &in);
  if (w->instant) w->instant(w->self, now_ns, p.main_closed, pilot_matcher(r->pilot));
  r->result->instants++;
  tell_progress(r);
  return catch_up(r, err);
}

// What stands between here and the next start is the past of that one.
static void skip_to_start(struct replay *r) {
  const struct replay_config *c = r->config;
  while (r->event < c->event_count && c->events[r->event].kind != REPLAY_RESUME && c->events[r->event].time_ns <= c->until_ns) {
    const struct replay_event *e = &c->events[r->event++];
    if (e->kind == REPLAY_COMMAND && e->command.kind != COMMAND_MARK) difference(r, &e->command, NULL);
    if (e->kind == REPLAY_IMPOSED && c->fork && (!differs(r) || is_funding(e))) replay_past_add(r, &e->command);
  }
  r->expected = r->event;
}

static enum status segment_run(struct replay *r, bool *ret_more, struct err *err) {
  const struct replay_config *c = r->config;
  const struct replay_fork *f = c->fork;
  int64_t end_ns = segment_end(r);
  if (c->until_ns < end_ns) end_ns = c->until_ns;
  enum status st = OK;
  while (st == OK && !is_over(r)) {
    int64_t now_ns = replay_next_time(r), outside_ns = next_event_time(r);
    if (outside_ns < now_ns && outside_ns > r->now_ns) now_ns = outside_ns;
    const int64_t timer_ns = r->own ? pilot_timer_next(r->pilot) : INT64_MAX;  // a fork's timers are its own
    if (timer_ns < now_ns && timer_ns > r->now_ns) now_ns = timer_ns;
    if (now_ns == INT64_MAX || now_ns > end_ns) break;
    if (f && !r->forked && now_ns > f->at_ns && (st = replay_fork(r, now_ns, err)) != OK) break;
    if (pilot_dead(r->pilot)) {
      r->result->failed = end_ns == INT64_MAX || end_ns == c->until_ns;
      break;
    }
    st = instant(r, now_ns, err);
  }
  if (st == OK) skip_to_start(r);
  *ret_more = st == OK && !is_over(r) && r->event < c->event_count && c->events[r->event].kind == REPLAY_RESUME && c->events[r->event].live_from_ns <= c->until_ns;
  return st == OK && *ret_more && r->own ? replay_keep_state(r, err) : st;
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
  r.observer = (struct bot_observer){.self = &r, .command = seen_command, .fill = config->watch.fill ? seen_fill : NULL, .denied = seen_denied,
                                     .plot = config->watch.plot ? seen_plot : NULL};
  buf_init(&r.state, SCRIPT_STATE_MAX + 4096);
  buf_init(&r.memory, SCRIPT_STATE_MAX);
  *ret = (struct replay_result){.same = true};
  bool more = true;
  enum status st = past_make(&r, err);
  if (st == OK) st = replay_begin(&r, err);
  while (st == OK && more) {
    st = segment_run(&r, &more, err);
    if (st != OK || !more) break;
    st = replay_begin_again(&r, &config->events[r.event++], err);
    r.expected = r.event;
    ret->resumes++;
  }
  if (r.pilot) {
    // What was without the script, up to the end, has instants of no pilot.
    if (st == OK && config->watch.instant) config->watch.instant(config->watch.self, config->until_ns == INT64_MAX ? r.now_ns : config->until_ns, true, pilot_matcher(r.pilot));
    pilot_hash_last(r.pilot, ret->hash);
    ret->equity = matcher_equity(pilot_matcher(r.pilot));
    ret->balance = account_balance(pilot_account(r.pilot));
  }
  ret->explanation = r.notes.root;
  pilot_destroy(r.pilot);
  free(r.past);
  free(r.past_before);
  free(r.own_past.items);
  buf_finish(&r.state);
  buf_finish(&r.memory);
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

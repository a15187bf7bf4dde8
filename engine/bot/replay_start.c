// bot/replay_start.c – a replay's bars, and how its script starts: at the run's beginning, where the journal says that it was started again,
// with another version that takes over, and where a fork begins.
#include "bot/replay_impl.h"

#include "bot/memory.h"

#include <string.h>

// ---- bars

static int64_t closes_at(const struct series *s, size_t i) { return i < s->count ? s->bars[i].open_ns + s->timeframe_ns : INT64_MAX; }

int64_t replay_next_time(const struct replay *r) {
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

struct instant replay_instant_at(struct replay *r, int64_t now_ns, struct replay_parts *p) {
  const struct replay_config *c = r->config;
  bool run = now_ns > c->run_from_ns;
  struct instant in = {.now_ns = now_ns, .match = p->match, .bars = p->bars};
  p->main_closed = false;
  for (int i = 0; i < c->pilot.blotter.symbol_count; i++) {
    if (closes_at(c->finest[i], r->finest_at[i]) != now_ns) continue;
    const struct bar *b = &c->finest[i]->bars[r->finest_at[i]++];
    if (run) p->match[in.match_count++] = (struct instant_match){i, {.bar = b, .close_ns = now_ns}};
    else pilot_mark(r->pilot, i, b->close);
  }
  for (int i = 0; i < c->pilot.bot.spec->stream_count; i++) {
    if (closes_at(c->pilot.bot.series[i], r->stream_at[i]) != now_ns) continue;
    p->bars[in.bar_count++] = (struct instant_bar){.stream = i, .ix = r->stream_at[i], .deliver = run, .unseen = r->stream_at[i] < r->seen_from[i]};
    r->stream_at[i]++;
    p->main_closed |= i == 0;
  }
  return in;
}

// ---- starts

// Where it begins: what it had done before, and what it finds.
struct start {
  uint32_t resume;       // 0: the run's first
  int64_t from_ns, seen_ns;
  struct pilot_past past;
  const char *state, *migrate_from;
  const void *memory;
  size_t state_len, memory_len;
};

static enum status begin(struct replay *r, const struct start *s, struct err *err) {
  const struct replay_config *c = r->config;
  struct pilot_config pc = *r->made_of;
  struct pilot_past past = s->past;
  for (size_t i = 0; i < r->event; i++)
    if (c->events[i].kind == REPLAY_LIMITS) pc.bot.risk = c->events[i].limits;
    else if (c->events[i].kind == REPLAY_RESUME && c->events[i].pilot) pc.bot.risk = c->events[i].pilot->bot.risk;
  pc.bot.limits.seed = pilot_seed(r->made_of->bot.limits.seed, s->resume);
  pc.bot.observer = r->observer;
  past.seen_ns = s->seen_ns;
  pilot_destroy(r->pilot);
  r->pilot = NULL;
  r->resume = s->resume;
  enum status st = pilot_create(&pc, &r->pilot, err);
  memset(r->stream_at, 0, sizeof r->stream_at);
  memset(r->finest_at, 0, sizeof r->finest_at);
  replay_seen_from(r);
  for (int64_t now_ns; st == OK && (now_ns = replay_next_time(r)) <= s->from_ns;) {
    struct replay_parts p;
    struct instant in = replay_instant_at(r, now_ns, &p);
    st = pilot_past(r->pilot, &in, &past, err);
  }
  if (st == OK) st = pilot_past_end(r->pilot, &past, s->resume != 0, err);
  if (st == OK && s->state) st = script_state_load(bot_script(pilot_bot(r->pilot)), s->state, s->state_len, s->migrate_from, err);
  if (st == OK && s->memory) st = bot_memory_load(pilot_bot(r->pilot), s->memory, s->memory_len, err);
  return st;
}

enum status replay_begin(struct replay *r, struct err *err) {
  const struct replay_fork *f = r->config->fork;
  r->made_of = &r->config->pilot;
  if (f && f->at_ns <= r->config->run_from_ns) {  // another run, over the same bars
    r->forked = true;
    r->own = f->pilot != NULL;
    if (f->pilot) r->made_of = f->pilot;
  }
  return begin(r, &(struct start){.from_ns = r->config->run_from_ns, .seen_ns = INT64_MIN}, err);
}

// A script that was down in the run is down in its fork, too, and finds its own state.
static enum status own_begin(struct replay *r, const struct replay_event *e, struct err *err) {
  if (r->own_past.failed || r->state.failed) return err_set(err, ERR_NOMEM, "no memory for a fork");
  return begin(r, &(struct start){e->resume, e->live_from_ns, e->seen_ns, {.commands = r->own_past.items, .count = r->own_past.count}, r->state.data, NULL, r->memory.len ? r->memory.data : NULL,
                                  r->state.len, r->memory.len}, err);
}

enum status replay_begin_again(struct replay *r, const struct replay_event *e, struct err *err) {
  const struct replay_config *c = r->config;
  const struct replay_fork *f = c->fork;
  if (r->own) return own_begin(r, e, err);
  const char *from = e->migrate_from;
  if (e->pilot) r->made_of = e->pilot;
  if (e->version) r->version_ns = 0;  // with all bars of the run
  if (f && !r->forked && f->at_ns < e->live_from_ns) {  // between two of its starts: the next is another's
    r->forked = true;
    r->own = f->pilot != NULL;
    if (f->pilot) r->made_of = f->pilot, r->version_ns = 0, from = f->migrate_from;
  }
  return begin(r, &(struct start){e->resume, e->live_from_ns, e->seen_ns, {.commands = r->past, .count = r->past_before[e - c->events]}, e->state, from, e->memory, e->state_len, e->memory_len}, err);
}

enum status replay_fork(struct replay *r, int64_t now_ns, struct err *err) {
  const struct replay_fork *f = r->config->fork;
  r->forked = true;
  if (!f->pilot) return OK;
  r->own = true;
  r->params_due = f->params != NULL;
  if (f->params) {
    r->made_of = f->pilot;
    return OK;
  }
  return replay_version_fork(r, now_ns, err);
}

// bot/replay_version.c – where another version of the script took over inside the run, the replay lets it take over the same way.
#include "bot/replay_impl.h"

#include <stdio.h>
#include <string.h>

// Bars that a version which took over inside the run was not warmed up by are not for it after a new start either.
void replay_seen_from(struct replay *r) {
  for (int i = 0; i < r->config->pilot.bot.spec->stream_count; i++) {
    const struct series *s = r->config->pilot.bot.series[i];
    size_t end = s->count;
    while (end > 0 && s->bars[end - 1].open_ns + s->timeframe_ns >= r->version_ns) end--;
    r->seen_from[i] = r->version_ns && end > r->version_history ? end - r->version_history : 0;
  }
}

static void told(void *self, enum status st, const char *why) {
  struct replay *r = self;
  r->version_taken = st == OK;
  snprintf(r->version_why, sizeof r->version_why, "%s", why);
}

// Built aside before the instant, as the host did.
static enum status prepare(struct replay *r, const struct pilot_config *made_of, uint32_t version, uint32_t history, const char *from, int64_t now_ns, struct err *err) {
  const struct bot_config *b = &made_of->bot;
  struct vm_limits limits = b->limits;
  limits.seed = pilot_version_seed(limits.seed, r->resume, version);
  const struct pilot_version v = {.chunkname = b->chunkname, .source = b->source, .source_len = b->source_len, .spec = b->spec, .values = b->values,
    .limits = limits, .watchdog = b->watchdog, .symbols = b->symbols, .history = history, .through_ns = now_ns - 1, .from = from};
  r->version_taken = false;
  r->version_why[0] = '\0';
  pilot_on_version(r->pilot, told, r);
  return pilot_prepare(r->pilot, &v, err);
}

enum status replay_version_fork(struct replay *r, int64_t now_ns, struct err *err) {
  const struct replay_fork *f = r->config->fork;
  enum status st = prepare(r, f->pilot, f->version, f->history, f->migrate_from, now_ns, err);
  r->fork_taking = st == OK;
  return st == OK ? OK : err_wrap(err, ERR_INVALID, "what is changed cannot take over there");
}

// The last of the instant, if there are several: each took the place of the one before.
const struct replay_event *replay_version_begin(struct replay *r) {
  const struct replay_config *c = r->config;
  const struct replay_event *found = NULL;
  if (r->own) return NULL;  // a fork has what it was given
  for (size_t i = r->event; i < c->event_count && c->events[i].kind != REPLAY_RESUME && c->events[i].time_ns <= r->now_ns; i++)
    if (c->events[i].kind == REPLAY_VERSION && c->events[i].time_ns == r->now_ns && c->events[i].history) found = &c->events[i];
  struct err err;
  if (!found) return NULL;
  if (prepare(r, found->pilot, found->version, found->history, found->migrate_from, r->now_ns, &err) != OK) snprintf(r->version_why, sizeof r->version_why, "%s", err.msg);
  return found;
}

static void took_over(struct replay *r, const struct pilot_config *made_of, uint32_t history) {
  r->made_of = made_of;
  r->version_ns = r->now_ns;
  r->version_history = history;
}

static void fork_end(struct replay *r) {
  const struct replay_fork *f = r->config->fork;
  r->fork_taking = false;
  if (r->version_taken) took_over(r, f->pilot, f->history);
  else if (r->result->failures++ == 0) snprintf(r->result->failure, sizeof r->result->failure, "what is changed could not take over: %.200s", r->version_why);
}

void replay_version_end(struct replay *r, const struct replay_event *e) {
  if (r->fork_taking) fork_end(r);
  if (!e) return;
  if (r->version_taken == e->refused && r->result->same) {
    r->result->same = false;
    r->result->at_ns = r->now_ns;
    snprintf(r->result->expected, sizeof r->result->expected, "version %u %s", e->version, e->refused ? "is refused" : "takes over");
    snprintf(r->result->got, sizeof r->result->got, "%s%.200s", r->version_taken ? "it takes over" : "it is refused: ", r->version_why);
  }
  if (r->version_taken) took_over(r, e->pilot, e->history);
}

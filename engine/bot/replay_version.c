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
static bool prepare(struct replay *r, const struct replay_event *e, struct err *err) {
  const struct bot_config *b = &e->pilot->bot;
  struct vm_limits limits = b->limits;
  limits.seed = pilot_version_seed(limits.seed, r->resume, e->version);
  const struct pilot_version v = {.chunkname = b->chunkname, .source = b->source, .source_len = b->source_len, .spec = b->spec, .values = b->values,
    .limits = limits, .watchdog = b->watchdog, .symbols = b->symbols, .history = e->history,
    .through_ns = r->now_ns - 1, .from = e->migrate_from};
  r->version_taken = false;
  r->version_why[0] = '\0';
  pilot_on_version(r->pilot, told, r);
  return pilot_prepare(r->pilot, &v, err) == OK;
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
  if (!prepare(r, found, &err)) snprintf(r->version_why, sizeof r->version_why, "%s", err.msg);
  return found;
}

void replay_version_end(struct replay *r, const struct replay_event *e) {
  if (!e) return;
  if (r->version_taken == e->refused && r->result->same) {
    r->result->same = false;
    r->result->at_ns = r->now_ns;
    snprintf(r->result->expected, sizeof r->result->expected, "version %u %s", e->version, e->refused ? "is refused" : "takes over");
    snprintf(r->result->got, sizeof r->result->got, "%s%.200s", r->version_taken ? "it takes over" : "it is refused: ", r->version_why);
  }
  if (!r->version_taken) return;
  r->made_of = e->pilot;
  r->version_ns = r->now_ns;
  r->version_history = e->history;
}

// venue/feed_replay.c – see feed_replay.h.
#include "venue/feed_replay.h"

#include "venue/feed_play.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct replay {
  struct feed_player player;
  int count;
  const struct series *series[];
};

static enum status find(const struct replay *r, const char *symbol, int *ret, struct err *err) {
  for (int i = 0; i < r->count; i++)
    if (strcmp(r->series[i]->inst.symbol, symbol) == 0) return *ret = i, OK;
  return err_set(err, ERR_NOTFOUND, "replay: no history of %.40s (there is %s%s)", symbol, r->series[0]->inst.symbol,
    r->count > 1 ? " and others" : "");
}

static inline int64_t close_ns(const struct series *s, size_t i) { return s->bars[i].open_ns + s->timeframe_ns; }

static enum status replay_describe(void *self, const char *symbol, struct feed_symbol *ret, struct err *err) {
  const struct replay *r = self;
  int i;
  enum status st = find(r, symbol, &i, err);
  if (st != OK) return st;
  const struct series *s = r->series[i];
  *ret = (struct feed_symbol){.inst = s->inst, .timeframe_ns = s->timeframe_ns, .volume_scale = s->volume_scale};
  return OK;
}

static enum status replay_subscribe(
  void *self, const char *symbol, int64_t timeframe_ns, int64_t after_ns, int *ret_id, struct err *err) {
  struct replay *r = self;
  int i;
  enum status st = find(r, symbol, &i, err);
  if (st != OK) return st;
  const struct series *s = r->series[i];
  if (timeframe_ns != s->timeframe_ns) {
    char have[TIMEFRAME_TEXT_MAX];
    return err_set(err, ERR_INVALID, "replay: %s has %s bars", symbol, timeframe_text(s->timeframe_ns, have));
  }
  size_t at = feed_first_after(s, after_ns);
  struct feed_track track = {.symbol = i,
    .name = s->inst.symbol,
    .timeframe_ns = timeframe_ns,
    .next_ns = at < s->count ? close_ns(s, at) : INT64_MAX};
  return feed_player_add(&r->player, &track, ret_id, err);
}

static void replay_unsubscribe(void *self, int id) {
  feed_player_remove(&((struct replay *)self)->player, id);
}

static size_t take(void *self, struct feed_track *t, const struct feed_sink *sink) {
  const struct replay *r = self;
  const struct series *s = r->series[t->symbol];
  size_t i = feed_first_after(s, t->next_ns - 1);
  struct feed_event e = {.kind = FEED_BAR, .subscription = t->id, .time_ns = t->next_ns, .u.bar = s->bars[i]};
  t->next_ns = i + 1 < s->count ? close_ns(s, i + 1) : INT64_MAX;
  sink->event(sink->self, &e);
  return 1;
}

static enum status replay_poll(void *self, int64_t now_ns, size_t max_events, const struct feed_sink *sink,
  struct feed_progress *ret, struct err *err) {
  (void)err;
  struct replay *r = self;
  feed_player_poll(&r->player, now_ns, max_events, take, r, sink, ret);
  return OK;
}

static enum status replay_history(void *self, const char *symbol, int64_t timeframe_ns, int64_t from_ns, int64_t to_ns,
  struct series *ret, struct err *err) {
  const struct replay *r = self;
  int i;
  enum status st = find(r, symbol, &i, err);
  if (st != OK) return st;
  return feed_history_of(r->series[i], timeframe_ns, from_ns, to_ns, ret, err);
}

static void replay_destroy(void *self) {
  struct replay *r = self;
  feed_player_finish(&r->player);
  free(r);
}

static const struct feed_ops ops = {
  "replay", replay_describe, replay_subscribe, replay_unsubscribe, replay_poll, replay_history, replay_destroy};

enum status feed_replay_create(const struct feed_replay_config *config, struct feed *ret, struct err *err) {
  if (config->count <= 0) return err_set(err, ERR_INVALID, "replay: no history given");
  for (int i = 0; i < config->count; i++) {
    if (config->series[i]->count == 0)
      return err_set(err, ERR_INVALID, "replay: no bars of %s", config->series[i]->inst.symbol);
    for (int k = 0; k < i; k++)
      if (strcmp(config->series[i]->inst.symbol, config->series[k]->inst.symbol) == 0)
        return err_set(err, ERR_INVALID, "replay: %s is there twice; give its finest timeframe only",
          config->series[i]->inst.symbol);
  }
  struct replay *r = calloc(1, sizeof *r + (size_t)config->count * sizeof r->series[0]);
  if (!r) return err_set(err, ERR_NOMEM, "out of memory");
  feed_player_init(&r->player, &config->pace);
  r->count = config->count;
  memcpy(r->series, config->series, (size_t)config->count * sizeof r->series[0]);
  *ret = (struct feed){&ops, r};
  return OK;
}

struct feed_pace *feed_replay_pace(struct feed replay) {
  assert(replay.ops == &ops);
  return &((struct replay *)replay.self)->player.pace;
}

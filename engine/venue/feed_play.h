// venue/feed_play.h – what feeds that know their future share (sim, replay): many subscriptions, each a list of
// events in order of time, merged into one stream that runs at a pace.
#pragma once
#include "venue/feed.h"
#include "venue/feed_pace.h"

// One subscription. The feed fills all but id when it adds it, and moves next_ns on.
struct feed_track {
  int id;
  int symbol;            // the feed's index
  const char *name;      // its text, kept by the feed
  int64_t timeframe_ns;  // 0: trades and quotes
  int64_t next_ns;       // time of its next event; INT64_MAX: none
};
// Owns tracks.
struct feed_player {
  struct feed_track *tracks;
  int count, cap, next_id;
  struct feed_pace pace;
  int64_t last_ns;     // of the last event given out; INT64_MIN: none
  int64_t through_ns;  // promised
  bool end_told;
};
#define FEED_TRACKS_MAX 4096

void feed_player_init(struct feed_player *p, const struct feed_pace *pace);
void feed_player_finish(struct feed_player *p);
enum status feed_player_add(struct feed_player *p, const struct feed_track *track, int *ret_id, struct err *err) MUST_CHECK;
void feed_player_remove(struct feed_player *p, int id);

// feed_ops.history out of bars in memory.
enum status feed_history_of(const struct series *s, int64_t timeframe_ns, int64_t from_ns, int64_t to_ns,
  struct series *ret, struct err *err) MUST_CHECK;
// Index of the first bar that closes after after_ns; s->count if none does.
size_t feed_first_after(const struct series *s, int64_t after_ns);

// Gives out the events of track->next_ns and moves it on; returns how many events these were.
typedef size_t feed_take_fn(void *self, struct feed_track *track, const struct feed_sink *sink);
// feed_ops.poll over the tracks: events due at now, in the order of market/event_order.h; as many as max_events
// allow, and at least those of one track's next time.
void feed_player_poll(struct feed_player *p, int64_t now_ns, size_t max_events, feed_take_fn *take, void *self,
  const struct feed_sink *sink, struct feed_progress *ret);

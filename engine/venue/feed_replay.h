// venue/feed_replay.h – recorded or imported history as a feed, at any speed.
#pragma once
#include "venue/feed.h"
#include "venue/feed_pace.h"

// Its symbols are the series' own (inst.symbol), one timeframe each, no two alike. The series stay the caller's and
// must outlive the feed.
struct feed_replay_config {
  const struct series *const *series;
  int count;
  struct feed_pace pace;
};
// ERR_INVALID: a symbol twice, or a series without bars. ERR_NOMEM.
enum status feed_replay_create(const struct feed_replay_config *config, struct feed *ret, struct err *err) MUST_CHECK;
// Change it with feed_pace_…; the next poll obeys. Valid as long as the feed.
struct feed_pace *feed_replay_pace(struct feed replay);

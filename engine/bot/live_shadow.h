// bot/live_shadow.h – private to bot/live_shadow*.c: a version beside the one that trades.
//   live_shadow.c  its life in a host, and what both ask for        live_shadow_keep.c  what was compared, over a restart
#pragma once
#include "bot/live_impl.h"
#include "store/shadow_rows.h"

#define SHADOW_LINES_MAX 4096  // bytes of one instant's intents

struct live_difference {
  int64_t time_ns;
  char *live, *shadow;      // lines
};
struct live_shadow {
  struct live_script script;
  bool placed, opened;
  struct shadow_row row;    // what was counted, and since when
  struct live_difference items[SHADOW_DIFFERENCES_MAX];  // of number n at n % SHADOW_DIFFERENCES_MAX; all there were: row.different
  bool dirty;               // is not in its row yet
  int64_t kept;             // differences that are
  int64_t live_ns, shadow_ns;
  char live[SHADOW_LINES_MAX], shadow[SHADOW_LINES_MAX];  // asked in the instant
};

// live_shadow_keep.c
struct live_shadow *live_shadow_read(struct live_bot *b);  // of the version that its row wishes: as it was left, or a new one. NULL: no memory
void live_shadow_touch(struct live_bot *b);                // something to be kept

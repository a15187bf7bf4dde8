// script/share_impl.h – private to script/: a shared indicator, as the script that pushes it sees it.
#pragma once
#include "script/instance.h"
#include "script/share.h"

struct shared_key {
  uint64_t series;
  int64_t first_ns;
  const struct indicator_desc *desc;
  double params[INDICATOR_PARAMS_MAX];
  int source;
  uint32_t keep;  // most that its rings hold: one more than anybody may look back, for those who are a bar behind
};

struct shared_indicator {
  struct shared_indicator *next;  // of its bucket
  struct indicator_pool *pool;
  struct shared_key key;
  size_t refs;
  struct indicator *state;
  uint64_t count;                 // values pushed
  uint32_t mask;                  // of each ring
  double *values[INDICATOR_OUTPUTS_MAX];
  // Before they grew, for those whose turn with the last bar has not come; until the next bar.
  double *before[INDICATOR_OUTPUTS_MAX];
};

void shared_compute(struct shared_indicator *x, const struct indicator_input *in);

// The next bar for one of its users, whose rings have seen all before.
static inline void shared_push(struct shared_indicator *x, const struct indicator_input *in, struct series_ring *rings, int outputs) {
  if (x->count == rings->count) shared_compute(x, in);
  for (int k = 0; k < outputs; k++) {
    rings[k].values = x->values[k];
    rings[k].mask = x->mask;
    rings[k].count++;
  }
}

// A user that goes.
void shared_leave(struct shared_indicator *x);

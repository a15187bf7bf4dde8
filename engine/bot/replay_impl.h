// bot/replay_impl.h – private to bot/replay*: a replay under way, and the notes taken at the instant that is to be explained.
#pragma once
#include "bot/replay.h"
#include "script/trace.h"

#define TRACE_MAX 2000  // lines and variables kept of one instant

struct notes {
  json_t *root, *trace, *line;      // line: the last of trace
  json_t *seen;                     // variables as they were last told
  int traced;
  struct script_tracer tracer;
};

struct replay {
  const struct replay_config *config;
  struct replay_result *result;
  struct pilot *pilot;
  struct bot_command *past;         // all commands of the journal, in order
  size_t *past_before;              // how many of them stand before each event
  size_t stream_at[SPEC_STREAMS_MAX], finest_at[SPEC_STREAMS_MAX];  // next bar of each series
  size_t event;                     // all before it are done
  size_t expected;                  // next event that may be the next command
  int64_t now_ns;
  int64_t explain_ns;
  struct notes notes;
};

// replay_explain.c
void notes_begin(struct replay *r);
void notes_command(struct replay *r, const struct bot_command *c);
void notes_end(struct replay *r, const struct instant *in);

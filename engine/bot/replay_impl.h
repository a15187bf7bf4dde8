// bot/replay_impl.h – private to bot/replay*: a replay under way, and the notes taken at the instant that is to be explained.
#pragma once
#include "bot/replay.h"
#include "base/buf.h"
#include "script/trace.h"

#define TRACE_MAX 2000  // lines and variables kept of one instant

struct notes {
  json_t *root, *trace, *line;      // line: the last of trace
  json_t *seen;                     // variables as they were last told
  int traced;
  char callback[SPEC_NAME_MAX];     // the one that runs
  size_t callback_at;               // where its lines begin in trace
  size_t from, to;                  // of the callback that was asked for
  struct script_tracer tracer;
};

struct replay_past {                // commands of a fork, as journals keep them
  struct bot_command *items;
  size_t count, cap;
  bool failed;
};

struct replay {
  const struct replay_config *config;
  struct replay_result *result;
  const struct pilot_config *made_of;  // the script that runs now
  struct bot_observer observer;
  struct pilot *pilot;
  struct bot_command *past;         // all commands of the journal, in order
  size_t *past_before;              // how many of them stand before each event
  size_t stream_at[SPEC_STREAMS_MAX], finest_at[SPEC_STREAMS_MAX];  // next bar of each series
  size_t event;                     // all before it are done
  size_t expected;                  // next event that may be the next command
  uint32_t resume;                  // the script's start, 0: the run's
  int64_t version_ns;               // its version took over then; 0: it began with it
  uint32_t version_history;
  size_t seen_from[SPEC_STREAMS_MAX];  // older bars are not for it
  bool version_taken;               // in this instant
  bool fork_taking;                 // the fork's own is to take over in this instant
  char version_why[256];
  int64_t now_ns;
  int64_t whole_ns, heard_ns;       // of the segment: all until whole_ns was heard; its host died within heard_ns, if that is later
  bool cut;                         // in this instant the script asked for more than its host lived to say
  unsigned told_permille;
  int64_t explain_ns;
  struct notes notes;
  // of a fork
  bool forked;                      // its moment is behind
  bool own;                         // something changed there: state and past are its own from then on
  bool params_due;
  struct replay_past own_past;
  struct buf state, memory;         // of its last start
};

// replay_start.c
struct replay_parts {
  struct instant_match match[SPEC_STREAMS_MAX];
  struct instant_bar bars[SPEC_STREAMS_MAX];
  bool main_closed;
};
int64_t replay_next_time(const struct replay *r);  // when the next bar ends
// What ends at now_ns, and the cursors behind it. Before the run: for the indicators only.
struct instant replay_instant_at(struct replay *r, int64_t now_ns, struct replay_parts *p);
enum status replay_begin(struct replay *r, struct err *err) MUST_CHECK;                                          // the run
enum status replay_begin_again(struct replay *r, const struct replay_event *e, struct err *err) MUST_CHECK;      // RESUME
// The run's moment, with its script at work, has come: in the instant of now_ns it is another's.
enum status replay_fork(struct replay *r, int64_t now_ns, struct err *err) MUST_CHECK;

// replay_version.c
void replay_seen_from(struct replay *r);
const struct replay_event *replay_version_begin(struct replay *r);  // of this instant; NULL: none
enum status replay_version_fork(struct replay *r, int64_t now_ns, struct err *err) MUST_CHECK;  // the fork's own, in the instant of now_ns
void replay_version_end(struct replay *r, const struct replay_event *e);

// replay_fork.c
void replay_past_add(struct replay *r, const struct bot_command *c);
// What the script would find when it starts again now. ERR_BUDGET: it was killed, and has no state.
enum status replay_keep_state(struct replay *r, struct err *err) MUST_CHECK;

// replay_explain.c
void notes_begin(struct replay *r);
void notes_command(struct replay *r, const struct bot_command *c);
void notes_denied(struct replay *r, enum reason code, double limit, double value, const char *msg);
void notes_end(struct replay *r, const struct instant *in);

// bot/replay.h – a recorded run again: the script decides anew from the recorded bars, and every decision is compared with the journal.
//
// A run is a function of its configuration, its bars and what the journal says came from outside: what the core imposed, changed
// parameters, signals, stops, and where the script was started again (state and memory as they were kept then). So a verified replay
// proves that nothing else had a say; the first difference tells the time, what was expected and what came instead, and what the
// script saw there. Marks are not compared: the core makes those of bots that asked for nothing.
//
// A fork goes on from a moment of the run with something else: other parameters, another version. Up to there it is the run, to the bit; from
// there the changed script meets the same bars, and stands still where the script stood still (pauses, restarts). What the core imposed is
// imposed on it as long as it decides the same; from the first other decision on only its own checks beside the script hold it.
//
// Pure: the caller reads the journal and calls from a process that may run hostile code (a host, a job), with a watchdog in the pilot's
// configuration, for the script is as hostile as it was.
#pragma once
#include "base/json.h"
#include "bot/pilot.h"

enum replay_kind {
  REPLAY_COMMAND,  // what the script asked: to be compared
  REPLAY_IMPOSED,  // what the core did: applied after the instant of its time
  REPLAY_PARAMS,   // new parameters in the instant of its time
  REPLAY_SIGNAL,   // a signal in the instant of its time, which may have no bars
  REPLAY_RESUME,   // the script was started again
  REPLAY_RISK,     // on_risk was to be told after the instant of its time
  REPLAY_LIMITS,   // other limits after the instant of its time
  REPLAY_VERSION,  // another version of the script took over in the instant of its time, or its on_init failed then
  REPLAY_STOP,     // it was told to stop, at the end of the instant of its time
  REPLAY_TICK,     // trades and quotes in the instant of its time
  REPLAY_CLOCK,    // it took part in an instant without bars of its own
  REPLAY_SKIP,     // its script had no part in the instant of its time
};
struct replay_event {
  enum replay_kind kind;
  int64_t time_ns;                   // of the instant
  struct bot_command command;        // COMMAND, IMPOSED
  const struct param_value *params;  // PARAMS: of all parameters
  struct script_signal signal;       // SIGNAL
  struct script_tick tick;           // TICK
  // RESUME: the resume-th, from 1. Instants up to live_from_ns (its time_ns is not used) are past for the script; it had seen those up
  // to seen_ns. state: JSON; memory: bot/memory.h; NULL: none.
  uint32_t resume;
  int64_t live_from_ns, seen_ns;
  const char *state;
  size_t state_len;
  const void *memory;
  size_t memory_len;
  const struct pilot_config *pilot;  // RESUME, VERSION: what the script is made of from here on; NULL: as before
  const char *migrate_from;          // RESUME, VERSION: the version whose state this is, for migrate; NULL: its own
  uint32_t version, history;         // VERSION: its number; the bars of each stream that warmed it up. history 0: it comes with the
                                     // RESUME that follows, which has its number too; else that has 0
  bool refused;                      // VERSION: its on_init failed, the former went on
  enum reason code;                  // RISK; live_from_ns: until when
  double limit, value;               // RISK
  struct risk_limits limits;         // LIMITS
  const char *why;                   // STOP
};

struct replay_fork {
  int64_t at_ns;                     // instants up to and with it are the run's own; before the run's first: it begins anew
  // From there on; series and symbols are the run's. NULL: nothing changes.
  const struct pilot_config *pilot;
  const struct param_value *params;  // these change in its first instant, as if its owner had asked: no new start. NULL: it takes over from the script that was there
  const char *migrate_from;          // as of an event
  uint32_t version, history;         // as of VERSION: it takes over in the fork's first instant
};

struct replay_watch {                // any may be NULL
  void *self;
  void (*fill)(void *self, const struct fill *f);
  void (*plot)(void *self, int64_t time_ns, const char *name, double value);
  // After it; and once more at the very end. While the script was down there are none, though its orders fill.
  void (*instant)(void *self, int64_t now_ns, bool main_closed, const struct matcher *m);
  void (*progress)(void *self, unsigned permille);
};

struct replay_config {
  // Of the run: script, parameters, seed (bot.limits.seed), limits, matcher. bot.series: the recorded bars of each stream, in full, with
  // those before the run for the indicators. bot.observer is not used.
  struct pilot_config pilot;
  const struct series *const *finest;  // of each symbol of the blotter: the bars its orders meet; may be those of a stream
  int64_t run_from_ns;                 // bars that end at or before were history for the script
  int64_t until_ns;                    // the last instant; INT64_MAX: all
  const struct replay_event *events;   // in the order of the journal
  size_t event_count;
  int64_t explain_ns;                  // explain the instant of this time; 0: none
  uint64_t explain_order;              // and of it only the callback that submitted this order, with the order's intent; 0: all of it
  bool explain_difference;             // explain the instant of the first difference: the run is made twice then
  const struct replay_fork *fork;      // NULL: none
  struct replay_watch watch;
};

struct replay_result {
  bool same;                 // every command, to the end; of a fork: its own too
  bool failed;               // the script failed, in a way that ended it, where the journal knows of no new start
  int64_t instants, compared, imposed, resumes, failures;
  int64_t left_out;          // of a fork: what the core imposed on the run after the first difference
  // The first difference (same is false). Texts are "" where there was nothing.
  int64_t at_ns;
  char expected[256], got[256];
  char failure[256];         // the first failure of the script, for both explain the other
  char hash[SHA256_HEX_SIZE];  // event hash at the end
  cash equity, balance;      // at the end
  // What was asked for by explain_…, or NULL: {"time_ms","bars":[…],"indicators":{},"indicators_before":{},"params":{},"state_before","state_after",
  // "orders":[…],"positions":[…],"account","commands":[…],"denied":[…],"trace":[{"line","function","callback","locals"}],"cut"}; with explain_order
  // also "callback" and "intent", and the trace is that of the callback. A reference of the caller's.
  json_t *explanation;
};

// ERR_INVALID: the journal cannot be that of this configuration (an imposed command, a state that does not fit). ERR_NOMEM. A difference
// is no error. ret is to be finished in any case. ERR_BUDGET: a fork's script was killed, and could not go on after a pause.
enum status replay_run(const struct replay_config *config, struct replay_result *ret, struct err *err) MUST_CHECK;
void replay_result_finish(struct replay_result *r);
// "submit 12: buy 0.5 BTCUSDT limit at 100.5 sl 98" – for differences and people.
void replay_command_text(const struct bot_command *c, const struct matcher *m, char ret[256]);
// Equal in everything that a matcher looks at.
bool replay_command_same(const struct bot_command *a, const struct bot_command *b);

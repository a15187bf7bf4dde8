// bot/life.h – the states of a bot and what leads from one to another: a table of state × event, each cell with a reason that its owner
// understands. Pure: handlers ask it whether a request makes sense now, the runtime drives it, and both show the same words.
//
// Failures are counted. One of the script's own is a strike: three, and the bot is retired until it has another version or other
// parameters. Others are tried again after 1 s, 2 s, 4 s … 5 min; after the tenth in a row the bot is a dead letter. What ran well
// for a while (LIFE_STABLE_NS, LIFE_FORGIVEN_NS) has its failures forgotten. A host that was lost through no fault of the bot's is
// tried again like a failure, and not counted.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIFE_STRIKES_MAX 3
#define LIFE_RETRIES_MAX 10
#define LIFE_RETRY_FIRST_NS INT64_C(1000000000)
#define LIFE_RETRY_MOST_NS (INT64_C(300) * 1000000000)
#define LIFE_STABLE_NS (INT64_C(600) * 1000000000)       // running for so long: retries are forgotten
#define LIFE_FORGIVEN_NS (INT64_C(86400) * 1000000000)   // and for so long: strikes too

// Stored by name; append only.
#define LIFE_STATE_LIST(X)                                                                              \
  X(LIFE_STOPPED, "stopped")          /* no orders, no script; has no place of the plan */               \
  X(LIFE_STARTING, "starting")        /* history is replayed, indicators warm up */                      \
  X(LIFE_RUNNING, "running")                                                                            \
  X(LIFE_PAUSED, "paused")            /* the script is silent; orders and positions stay */              \
  X(LIFE_STOPPING, "stopping")        /* orders are being cancelled, positions closed if asked */        \
  X(LIFE_RETRYING, "retrying")        /* waits for retry_at_ns */                                        \
  X(LIFE_HALTED, "halted")            /* the kill switch is on */                                        \
  X(LIFE_QUARANTINED, "quarantined")  /* broke its host; an operator must look */                        \
  X(LIFE_DEAD, "dead")                /* a dead letter: no longer tried by itself */                     \
  X(LIFE_RETIRED, "retired")          /* three strikes */
enum life_state {
#define X(name, text) name,
  LIFE_STATE_LIST(X)
#undef X
  LIFE_STATE_COUNT
};

#define LIFE_EVENT_LIST(X)                                                                              \
  /* its owner asks */                                                                                  \
  X(LIFE_START, "start")                                                                                \
  X(LIFE_PAUSE, "pause")                                                                                \
  X(LIFE_STOP, "stop")                                                                                  \
  X(LIFE_MEND, "mend")                      /* another version or other parameters */                    \
  /* an operator asks */                                                                                \
  X(LIFE_FORCE_STOP, "force-stop")                                                                      \
  X(LIFE_RELEASE, "release")                /* from quarantine, the dead letters, retirement */          \
  X(LIFE_HALT, "halt")                      /* the kill switch, at any level that covers it */           \
  X(LIFE_RESUME, "resume")                  /* no kill switch covers it any more */                      \
  /* it happens */                                                                                      \
  X(LIFE_BOOT, "boot")                      /* the service has started; the state is what was stored */  \
  X(LIFE_OPENED, "opened")                  /* warm, and live from the next instant */                   \
  X(LIFE_CLOSED, "closed")                  /* nothing of it is open any more */                         \
  X(LIFE_RETRY_DUE, "retry-due")                                                                        \
  X(LIFE_SCRIPT_FAILED, "script-failed")    /* a callback raised or was killed: a strike */              \
  X(LIFE_UNFIT, "unfit")                    /* cannot be opened so: check(p) refuses, version or account is gone */ \
  X(LIFE_NO_DATA, "no-data")                /* its series have no feed or no history */                  \
  X(LIFE_HOST_LOST, "host-lost")            /* not its doing */                                          \
  X(LIFE_BROKE_HOST, "broke-host")          /* its callback was running when the host hung or died */    \
  X(LIFE_JOURNAL_FAILED, "journal-failed")  /* an instant's batch was not committed */                  \
  X(LIFE_RULE, "rule")                      /* a level of its account's rules was reached */
enum life_event {
#define X(name, text) name,
  LIFE_EVENT_LIST(X)
#undef X
  LIFE_EVENT_COUNT
};

// What the owner wants; stored by name.
#define LIFE_WANT_LIST(X) X(LIFE_WANT_STOPPED, "stopped") X(LIFE_WANT_PAUSED, "paused") X(LIFE_WANT_RUNNING, "running")
enum life_want {
#define X(name, text) name,
  LIFE_WANT_LIST(X)
#undef X
  LIFE_WANT_COUNT
};

// Code (stored and shown: append only) and what it means, in words for the owner.
#define LIFE_REASON_LIST(X)                                                                                                       \
  X(LIFE_WHY_NEW, "new", "It has not been started yet.")                                                                           \
  X(LIFE_WHY_OPENING, "opening", "It is being opened: history is read and its indicators warm up.")                                \
  X(LIFE_WHY_RUNNING, "running", "It is trading.")                                                                                 \
  X(LIFE_WHY_PAUSED, "paused", "It was paused: its script is silent, its orders and positions stay as they are.")                  \
  X(LIFE_WHY_STOPPING, "stopping", "It is being stopped: its orders are being cancelled.")                                         \
  X(LIFE_WHY_STOPPED, "stopped", "It was stopped.")                                                                                \
  X(LIFE_WHY_FORCED, "forced", "The operator of this service stopped it.")                                                         \
  X(LIFE_WHY_MENDED, "mended", "It was changed after its failures and can be started.")                                            \
  X(LIFE_WHY_RELEASED, "released", "The operator of this service has looked at it; it can be started.")                            \
  X(LIFE_WHY_HALTED, "halted", "The kill switch is on: nothing is traded until it is taken off.")                                  \
  X(LIFE_WHY_STRIKE, "strike", "Its script failed. What it asked for in that moment was discarded; it is opened again shortly.")    \
  X(LIFE_WHY_RETIRED, "retired", "Its script failed three times. Give it another version or other parameters, then start it.")     \
  X(LIFE_WHY_NO_DATA, "no_data", "There is no market data for it; it is tried again shortly.")                                     \
  X(LIFE_WHY_HOST_LOST, "host_lost", "The process that ran it ended, not through its fault; it goes on from its journal shortly.") \
  X(LIFE_WHY_JOURNAL, "journal", "What it decided could not be stored, so its new orders were withdrawn. Start it to go on.")       \
  X(LIFE_WHY_JOURNAL_RETRY, "journal_retry", "Its beginning could not be stored; it is tried again shortly.")                       \
  X(LIFE_WHY_UNFIT, "unfit", "It cannot be opened as it is set up. Change what is wrong, then start it.")                          \
  X(LIFE_WHY_DEAD, "dead", "It failed too often in a row and is not tried again by itself. Start it when the cause is gone.")      \
  X(LIFE_WHY_QUARANTINED, "quarantined", "It hung or ended the process that ran it, and is kept apart until the operator of this service has looked at it.") \
  /* why a request is refused */                                                                                                  \
  X(LIFE_NO_STOPPING, "is_stopping", "It is still being stopped; try again when it is stopped.")                                   \
  X(LIFE_NO_HALTED, "is_halted", "It is halted, by the kill switch or a rule of its account; it goes on by itself when that ends.")  \
  X(LIFE_NO_QUARANTINED, "is_quarantined", "It is in quarantine: only the operator of this service can release it.")               \
  X(LIFE_NO_RETIRED, "is_retired", "It was retired after three failures of its script. Give it another version or other parameters first.") \
  X(LIFE_NO_NOT_RUNNING, "is_not_running", "It is not running, so there is nothing to pause.")                                     \
  X(LIFE_NO_NOTHING_HELD, "is_not_held", "It is neither in quarantine nor a dead letter nor retired, so there is nothing to release.") \
  X(LIFE_WHY_RULE, "rule", "A loss limit of its account was reached: its positions were closed, and it opens nothing until the rules allow it.")
enum life_reason {
#define X(name, code, text) name,
  LIFE_REASON_LIST(X)
#undef X
  LIFE_REASON_COUNT
};

struct life {
  enum life_state state;
  enum life_want wanted;
  enum life_reason reason;
  int strikes, retries;
  int64_t since_ns;     // when this state began; rises with every change, also when the clock goes back
  int64_t retry_at_ns;  // LIFE_RETRYING; otherwise 0
};
void life_init(struct life *l, int64_t now_ns);  // stopped, and never started

enum life_verdict {
  LIFE_CHANGED,  // the state is another, or begins anew; reason says why
  LIFE_KEPT,     // nothing to do: it is so already, or the event came too late to mean anything. wanted may be another
  LIFE_REFUSED,  // nothing changed; *ret_why says why. Of what people ask only
};
// ret_why may be NULL. now_ns: Unix time; may go back.
enum life_verdict life_step(struct life *l, enum life_event e, int64_t now_ns, enum life_reason *ret_why);

// Has it failed so that somebody must act (lists of operators)?
bool life_is_held(enum life_state state);

const char *life_state_text(enum life_state state);
const char *life_event_text(enum life_event e);
const char *life_want_text(enum life_want wanted);
const char *life_reason_code(enum life_reason why);
const char *life_reason_text(enum life_reason why);
// -1: no such name.
int life_state_parse(const char *text);
int life_want_parse(const char *text);
int life_reason_parse(const char *code);
// "Its script failed. …\nrsi.lua:12: …": the reason, and what is known of this time (NULL or "": nothing). At most size - 1 bytes.
void life_explain(enum life_reason why, const char *detail, char *out, size_t size);

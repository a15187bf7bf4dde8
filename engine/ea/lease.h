// ea/lease.h – the life of a command to a terminal, as a table. A command is handed out at most once, ever: what became of one that was handed
// out and not answered is asked about (order/unknown.h), never tried again.
//
//     QUEUED ─ hand ─► LEASED ─ done ─► DONE
//        └ late ─► DROPPED  ├ refused, missed ─► REFUSED
//                           └ late, unsure ─► LAPSED ─ an answer after all ─► DONE, REFUSED
//
// A terminal may begin with a command until its lease is over, by its own monotonic clock from before it asked, so earlier than by ours; later
// it must answer "missed" and leave it. So after the lease, and the time that a terminal may take over one, its word that it does not know
// the command is proof.
// Pure.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// X(NAME, text). Stored by their text.
#define EA_LEASE_STATE_LIST(X)                                                         \
  X(QUEUED, "queued")     /* waits for the terminal to ask */                            \
  X(LEASED, "leased")     /* is being handed out, or was */                              \
  X(DONE, "done")         /* the terminal did it */                                      \
  X(REFUSED, "refused")   /* terminal or broker did not, and will not */                 \
  X(LAPSED, "lapsed")     /* handed out, and nobody knows what became of it */           \
  X(DROPPED, "dropped")   /* never handed out, and never will be */
enum ea_lease_state {
#define X(name, text) EA_LEASE_##name,
  EA_LEASE_STATE_LIST(X)
#undef X
  EA_LEASE_STATE_COUNT
};

#define EA_LEASE_EVENT_LIST(X)                                                         \
  X(HAND, "hand")         /* it goes out with an answer */                               \
  X(KEEP, "keep")         /* it does not, after all: it could not be written down */     \
  X(DONE, "done")         /* the terminal's words */                                     \
  X(REFUSED, "refused")                                                                  \
  X(MISSED, "missed")     /* its lease was over when it came */                          \
  X(UNSURE, "unsure")     /* it was begun, and the terminal does not know the end */     \
  X(LATE, "late")         /* its time is over */
enum ea_lease_event {
#define X(name, text) EA_EV_##name,
  EA_LEASE_EVENT_LIST(X)
#undef X
  EA_EV_COUNT
};

enum ea_lease_kind {
  EA_MOVE,   // goes on to another state
  EA_STAY,   // a repetition
  EA_ODD,    // contradicts what was known: nothing changes, and somebody is told
};
// What an event means in a state; *ret_to is the state afterwards.
enum ea_lease_kind ea_lease_next(enum ea_lease_state from, enum ea_lease_event event, enum ea_lease_state *ret_to);
const char *ea_lease_text(enum ea_lease_state s);
bool ea_lease_over(enum ea_lease_state s);  // it is neither waiting nor out

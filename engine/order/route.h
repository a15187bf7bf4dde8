// order/route.h – a live order between the journal and the venue: one table says what every message means in every state.
//
//     INTENT ─ journalled ─► JOURNALLED ─ send ─► SENT ─ ack ─► OPEN ─ fill ─► PARTIAL ─ fill ─► FILLED
//        └─ abandon ──────────────┴► ABANDONED      └─ lost ─► UNKNOWN ─ proof ─► any;  absent ─► DEAD;  30 s ─► QUARANTINED
//
// What it guarantees, whatever order, number or nonsense messages come in:
// - Send is possible once, and only from JOURNALLED: no order without a committed intent, no order twice.
// - An execution is money: it is booked in every state, also in those where it should not be possible (ODD: somebody is told).
//   Repetitions are kept out before, by order/fill_set.h. Fills and cumulative quantity never go back.
// - Only an answer to a question asked since then, or an end, resolves UNKNOWN: a message that was under way for long does not.
// - A final state stays, except when the venue itself contradicts it: an order rejected, abandoned or dead that shows signs of
//   life becomes UNKNOWN again and is asked about.
// - route_pending() is what may still be executed or booked. It covers the truth: what the venue executed is never more than
//   filled + pending, so exposure built on it never understates (tests/unit/order/test_route_random.c).
// Not an order of the matcher (order/order.h), whose venue is ourselves; route_status() gives the status a script sees.
#pragma once
#include "base/money.h"
#include "order/client_id.h"
#include "order/order.h"
#include "order/unknown.h"

// X(NAME, text, order status shown to scripts, live: may still be executed). The journal stores the numbers: never renumber or
// reuse one, append only.
#define ROUTE_STATE_LIST(X)                                                                                       \
  X(INTENT, "intent", NEW, true)               /* passed risk; not durable yet */                                 \
  X(JOURNALLED, "journalled", NEW, true)       /* committed; may be sent */                                       \
  X(SENT, "sent", SENT, true)                  /* its first byte may have left */                                 \
  X(OPEN, "open", OPEN, true)                  /* the venue has it */                                             \
  X(PARTIAL, "partial", PARTIAL, true)                                                                            \
  X(CANCELLING, "cancelling", PENDING_CANCEL, true)                                                               \
  X(MODIFYING, "modifying", PENDING_MODIFY, true)                                                                 \
  X(UNKNOWN, "unknown", UNKNOWN, true)         /* the outcome was lost: asked about, see order/unknown.h */       \
  X(QUARANTINED, "quarantined", UNKNOWN, true) /* unprovable: a human decides; late proof is taken */             \
  X(FILLED, "filled", FILLED, false)                                                                              \
  X(CANCELED, "canceled", CANCELED, false)                                                                        \
  X(EXPIRED, "expired", EXPIRED, false)                                                                           \
  X(REJECTED, "rejected", REJECTED, false)                                                                        \
  X(DEAD, "dead", REJECTED, false)             /* proven never to have reached the venue */                       \
  X(ABANDONED, "abandoned", CANCELED, false)   /* never sent: halted, fenced off or out of time in between */
enum route_state {
#define X(name, text, status, live) ROUTE_##name,
  ROUTE_STATE_LIST(X)
#undef X
  ROUTE_STATE_COUNT
};

// X(NAME, text). Messages of a venue are marked v: each may come late, twice or never.
#define ROUTE_EVENT_LIST(X)                                                                                       \
  X(JOURNALLED, "journalled")          /* the intent is committed */                                              \
  X(SEND, "send")                      /* kill state, fence and deadline were checked, the bytes go out now */    \
  X(ABANDON, "abandon")                /* one of the three said no */                                             \
  X(ACK, "ack")                        /* v: it is working (or "filled" before its executions came: see cum) */   \
  X(FILL_PART, "fill_part")            /* v: an execution that leaves a rest; through route_fill() only */        \
  X(FILL_ALL, "fill_all")              /* v: an execution that leaves none; through route_fill() only */          \
  X(CANCEL_SEND, "cancel_send")        /* a cancel goes out */                                                    \
  X(CANCEL_REFUSED, "cancel_refused")  /* v: a definite no; anything doubtful is LOST */                          \
  X(CANCELED, "canceled")              /* v */                                                                    \
  X(MODIFY_SEND, "modify_send")        /* a change of quantity or prices goes out */                              \
  X(MODIFIED, "modified")              /* v */                                                                    \
  X(MODIFY_REFUSED, "modify_refused")  /* v */                                                                    \
  X(REJECTED, "rejected")              /* v: a definite no to the order itself */                                 \
  X(EXPIRED, "expired")                /* v */                                                                    \
  X(LOST, "lost")                      /* time-out, connection gone, 5xx, "unknown", or a restart of ours */      \
  X(ABSENT, "absent")                  /* order/unknown.h proved it, or a human says so */                        \
  X(GIVE_UP, "give_up")                /* order/unknown.h wants a human */
enum route_event_kind {
#define X(name, text) ROUTE_EV_##name,
  ROUTE_EVENT_LIST(X)
#undef X
  ROUTE_EV_COUNT
};

// What the table says about an event in a state.
enum route_kind {
  ROUTE_UNWRITTEN,  // no cell is: a test checks
  ROUTE_MOVE,       // goes on to another state
  ROUTE_STAY,       // has its effect, the state stays
  ROUTE_LATE,       // a repetition, or overtaken: nothing but cum is taken from it
  ROUTE_ODD,        // contradicts what was known: taken, and somebody must be told
  ROUTE_REFUSE,     // the caller may not: nothing changes
};

struct route_order {
  char client_id[CLIENT_ID_SIZE];
  uint64_t account, venue, bot;
  int symbol;
  enum side side;
  enum route_state state;
  bool acked;            // the venue has shown it once
  quantity qty;          // ordered, as the venue is believed to have it
  quantity new_qty;      // of a change whose outcome is open; 0 lots: none. May have taken effect already
  uint32_t changes;      // changes sent so far; the number of the last
  quantity filled;       // booked: Σ distinct executions
  quantity cum;          // executed as the venue says, >= filled; more: executions are still to be fetched
  int128 fill_value;     // Σ price ticks × lots of the booked
  int64_t sent_ns, expiry_ns;
  int64_t change_expiry_ns;    // of the last change
  struct unknown_probe probe;  // while UNKNOWN or QUARANTINED
};

struct route_event {
  enum route_event_kind kind;
  quantity qty;      // MODIFY_SEND: the new quantity. ACK, MODIFIED: the order's quantity as the venue tells; 0 lots: it does not
  quantity cum;      // v: executed so far as the venue tells; 0: it does not
  int64_t now_ns;
  int64_t asked_ns;  // ACK: when the question was asked to which this is the answer; 0: the venue spoke by itself
  int64_t expiry_ns; // SEND, MODIFY_SEND: from when on the venue refuses the request. LOST after a restart: as journalled
  uint32_t change;   // MODIFIED, MODIFY_REFUSED: which change this answers; 0: the venue does not tell
  uint8_t lookups;   // LOST: what the venue can be asked (enum lookup)
};

struct route_effect {
  enum route_kind kind;
  enum route_state from, to;
  bool overfilled;        // more was executed than ordered: trip the last check
  int64_t pending_delta;  // change of route_pending(), for whoever sums exposure
};

// A new order in state INTENT. Asserts qty > 0.
void route_init(struct route_order *o, const struct client_id *id, uint64_t account, uint64_t venue, int symbol, enum side side,
                quantity qty);
// Applies any event but an execution.
struct route_effect route_apply(struct route_order *o, const struct route_event *ev);
// Books an execution that fill_set says is new. Asserts lots > 0. A sum beyond 64 bits is ROUTE_REFUSE.
struct route_effect route_fill(struct route_order *o, price px, quantity qty, int64_t now_ns);

// Lots that may still be executed, or were and are not booked: the exposure beside the position.
int64_t route_pending(const struct route_order *o);
// Executions that the venue has told of in sum but that have not come: fetch them.
static inline int64_t route_missing(const struct route_order *o) { return o->cum.lots - o->filled.lots; }
bool route_live(enum route_state s);
enum order_status route_status(enum route_state s);
const char *route_state_text(enum route_state s);
const char *route_event_text(enum route_event_kind e);
// The table itself, for tests and documentation. For a MOVE or ODD whose target depends on the order (back to where it was)
// *ret_to is ROUTE_STATE_COUNT.
enum route_kind route_table(enum route_state s, enum route_event_kind e, enum route_state *ret_to);
// Asserts what must hold of an order in its state.
void route_check(const struct route_order *o);

// order/unknown.h – what to do about an order whose outcome is unknown: which question to ask the venue next, and when to
// believe that the order never arrived.
//
// The rules, all of them from orders that were bought twice elsewhere:
// - Nothing is ever sent again. A strategy may ask anew; its risk check counts the unknown order as filled.
// - A round of questions is: by client id, then among the open orders, then among the executions since the intent. A round is
//   a negative only if each answer was "not there". Not reachable is not "not there": it ends the round and proves nothing.
// - "Not there" is believed after three negatives at least two seconds apart, each begun after the request's own expiry (the
//   venue refuses it from then on: recvWindow, deadline, ttl), the last begun ten seconds or more after it. Venues answer
//   "not found" for fresh orders that exist.
// - A venue that cannot be asked by client id cannot prove absence. What is unresolved 30 seconds after it became unknown goes
//   to quarantine for a human; the questions go on, slowly, as late proof is welcome, and at their old pace while they are about
//   to prove absence.
// Pure: the caller asks, and says what time it is (any clock that never goes back).
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define UNKNOWN_APART_NS (2 * INT64_C(1000000000))
#define UNKNOWN_AFTER_EXPIRY_NS (10 * INT64_C(1000000000))
#define UNKNOWN_QUARANTINE_NS (30 * INT64_C(1000000000))
#define UNKNOWN_NEGATIVES 3

// What a venue can be asked, bits.
enum lookup { LOOKUP_ID = 1, LOOKUP_OPEN = 2, LOOKUP_FILLS = 4 };

enum unknown_step {
  UNKNOWN_WAIT,           // until *ret_at_ns
  UNKNOWN_ASK_ID, UNKNOWN_ASK_OPEN, UNKNOWN_ASK_FILLS,
  UNKNOWN_ABSENT,         // proven: it never existed and never will
  UNKNOWN_QUARANTINE,     // a human decides; comes once
};
enum unknown_answer { ANSWER_FOUND, ANSWER_ABSENT, ANSWER_UNREACHABLE };

struct unknown_probe {
  int64_t since_ns;          // became unknown
  int64_t expiry_ns;         // the venue refuses the request from here on
  int64_t round_ns;          // the present round began
  int64_t next_ns;           // no question before this
  int64_t negative_ns;       // the last counted negative's end
  int64_t wait_ns;           // grows while the venue cannot be reached
  int negatives;
  uint8_t lookups;           // enum lookup bits of the venue
  uint8_t asked;             // of them in this round, answered "not there"
  bool proven;               // absent
  bool quarantined;
};

// expiry_ns: of the signed request; a venue without expiry gets now_ns plus the longest time a request may linger there.
void unknown_begin(struct unknown_probe *p, uint8_t lookups, int64_t expiry_ns, int64_t now_ns);
// While nothing can be asked. True, once: a human decides. Else *ret_at_ns is when to look again; INT64_MAX: it is in quarantine already.
bool unknown_overdue(struct unknown_probe *p, int64_t now_ns, int64_t *ret_at_ns);
// What to do now; for WAIT *ret_at_ns says until when (else 0). Asks each question again until it is answered.
enum unknown_step unknown_next(struct unknown_probe *p, int64_t now_ns, int64_t *ret_at_ns);
// The answer to an ASK. FOUND only ends the round: what was found goes to route_apply, which ends the probe if it settles.
void unknown_answered(struct unknown_probe *p, enum unknown_step question, enum unknown_answer answer, int64_t now_ns);

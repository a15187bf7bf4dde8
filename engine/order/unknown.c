// order/unknown.c – rounds of questions, negatives counted with their times.
#include "order/unknown.h"

#include <assert.h>

#define WAIT_FIRST_NS INT64_C(500000000)
#define WAIT_LONGEST_NS (8 * INT64_C(1000000000))

static const struct { uint8_t lookup; enum unknown_step ask; } questions[] = {
  {LOOKUP_ID, UNKNOWN_ASK_ID}, {LOOKUP_OPEN, UNKNOWN_ASK_OPEN}, {LOOKUP_FILLS, UNKNOWN_ASK_FILLS}};
enum { QUESTIONS = sizeof questions / sizeof *questions };

void unknown_begin(struct unknown_probe *p, uint8_t lookups, int64_t expiry_ns, int64_t now_ns) {
  assert(lookups < 1 << QUESTIONS);
  *p = (struct unknown_probe){.since_ns = now_ns, .expiry_ns = expiry_ns, .next_ns = now_ns, .lookups = lookups,
                              .negative_ns = INT64_MIN, .wait_ns = WAIT_FIRST_NS};
}

static enum unknown_step wait_until(int64_t at_ns, int64_t *ret_at_ns) {
  *ret_at_ns = at_ns;
  return UNKNOWN_WAIT;
}

bool unknown_overdue(struct unknown_probe *p, int64_t now_ns, int64_t *ret_at_ns) {
  const bool due = !p->quarantined && now_ns - p->since_ns >= UNKNOWN_QUARANTINE_NS;
  p->quarantined |= due;
  *ret_at_ns = p->quarantined ? INT64_MAX : p->since_ns + UNKNOWN_QUARANTINE_NS;
  return due;
}

enum unknown_step unknown_next(struct unknown_probe *p, int64_t now_ns, int64_t *ret_at_ns) {
  *ret_at_ns = 0;
  if (p->proven) return UNKNOWN_ABSENT;
  if (unknown_overdue(p, now_ns, ret_at_ns)) return UNKNOWN_QUARANTINE;
  *ret_at_ns = 0;
  int64_t quarantine_ns = p->since_ns + UNKNOWN_QUARANTINE_NS;
  if (p->lookups == 0) return wait_until(p->quarantined ? INT64_MAX : quarantine_ns, ret_at_ns);
  if (now_ns < p->next_ns)
    return wait_until(p->quarantined || p->next_ns < quarantine_ns ? p->next_ns : quarantine_ns, ret_at_ns);
  if (p->asked == 0) p->round_ns = now_ns;
  for (int i = 0; i < QUESTIONS; i++)
    if (p->lookups & questions[i].lookup && !(p->asked & questions[i].lookup)) return questions[i].ask;
  assert(false);  // a round that is complete has been closed
  return UNKNOWN_WAIT;
}

// proves: the next may be the proof, so it does not come slowly.
static void round_end(struct unknown_probe *p, int64_t now_ns, int64_t pause_ns, bool proves) {
  p->asked = 0;
  p->next_ns = now_ns + (p->quarantined && !proves && pause_ns < UNKNOWN_QUARANTINE_NS ? UNKNOWN_QUARANTINE_NS : pause_ns);
}

// Every question of the round was answered "not there".
static void round_negative(struct unknown_probe *p, int64_t now_ns) {
  // Without a look-up by id, or without the executions, absence is a guess: it could have filled and gone.
  bool provable = (p->lookups & LOOKUP_ID) && (p->lookups & LOOKUP_FILLS);
  bool apart = p->negatives == 0 || p->round_ns - p->negative_ns >= UNKNOWN_APART_NS;
  if (p->round_ns > p->expiry_ns && apart) {
    p->negatives++;
    p->negative_ns = now_ns;
    p->proven = provable && p->negatives >= UNKNOWN_NEGATIVES && p->round_ns - p->expiry_ns > UNKNOWN_AFTER_EXPIRY_NS;
  }
  round_end(p, now_ns, UNKNOWN_APART_NS, provable && p->round_ns > p->expiry_ns);
}

void unknown_answered(struct unknown_probe *p, enum unknown_step question, enum unknown_answer answer, int64_t now_ns) {
  uint8_t bit = 0;
  for (int i = 0; i < QUESTIONS; i++)
    if (questions[i].ask == question) bit = questions[i].lookup;
  assert(bit & p->lookups);
  switch (answer) {
  case ANSWER_FOUND:
    p->negatives = 0;  // whatever was believed before, it exists
    p->wait_ns = WAIT_FIRST_NS;
    round_end(p, now_ns, UNKNOWN_APART_NS, false);
    return;
  case ANSWER_UNREACHABLE:
    round_end(p, now_ns, p->wait_ns, false);
    p->wait_ns = p->wait_ns * 2 < WAIT_LONGEST_NS ? p->wait_ns * 2 : WAIT_LONGEST_NS;
    return;
  case ANSWER_ABSENT:
    p->wait_ns = WAIT_FIRST_NS;
    p->asked |= bit;
    if (p->asked == p->lookups) round_negative(p, now_ns);
    return;
  }
  assert(false);
}

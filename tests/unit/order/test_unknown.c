// tests/unit/order/test_unknown.c – when absence is believed, and when a human is asked.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "order/unknown.h"

#define SEC INT64_C(1000000000)

struct outcome { enum unknown_step end; int64_t at_ns; int questions; };

// Asks and answers until it is decided or the limit is reached; answers take latency_ns, the first `unreachable` fail.
static struct outcome drive(uint8_t lookups, int64_t expiry_ns, int64_t latency_ns, int unreachable, int64_t limit_ns) {
  struct unknown_probe p;
  struct outcome out = {UNKNOWN_WAIT, 0, 0};
  unknown_begin(&p, lookups, expiry_ns, 0);
  for (int64_t now = 0; now < limit_ns;) {
    int64_t at;
    enum unknown_step step = unknown_next(&p, now, &at);
    if (step == UNKNOWN_WAIT) {
      assert_true(at > now);
      now = at < limit_ns ? at : limit_ns;
      continue;
    }
    if (step == UNKNOWN_ABSENT || step == UNKNOWN_QUARANTINE) {
      out.end = step, out.at_ns = now;
      return out;
    }
    now += latency_ns;
    unknown_answered(&p, step, out.questions++ < unreachable ? ANSWER_UNREACHABLE : ANSWER_ABSENT, now);
  }
  return out;
}

static void test_absence_takes_time(void **state) {
  (void)state;
  struct outcome o = drive(LOOKUP_ID | LOOKUP_OPEN | LOOKUP_FILLS, 2 * SEC, SEC / 10, 0, 100 * SEC);
  assert_int_equal(o.end, UNKNOWN_ABSENT);
  assert_true(o.at_ns > 12 * SEC && o.at_ns < 15 * SEC);       // expiry + 10 s and the round that was due
  o = drive(LOOKUP_ID | LOOKUP_FILLS, -60 * SEC, SEC / 10, 0, 100 * SEC);
  assert_int_equal(o.end, UNKNOWN_ABSENT);                      // long expired: still three rounds two seconds apart
  assert_true(o.questions == 6 && o.at_ns >= 4 * SEC && o.at_ns < 6 * SEC);
}

static void test_what_cannot_be_proven(void **state) {
  (void)state;
  const uint8_t weak[] = {0, LOOKUP_OPEN, LOOKUP_ID, LOOKUP_OPEN | LOOKUP_FILLS, LOOKUP_ID | LOOKUP_OPEN};
  for (size_t i = 0; i < sizeof weak; i++) {
    struct outcome o = drive(weak[i], 2 * SEC, SEC / 10, 0, 100 * SEC);
    assert_int_equal(o.end, UNKNOWN_QUARANTINE);
    assert_true(o.at_ns >= 30 * SEC && o.at_ns < 31 * SEC);
  }
  // Not reachable proves nothing, and is asked ever less often.
  struct outcome o = drive(7, 2 * SEC, SEC / 10, 1000, 100 * SEC);
  assert_int_equal(o.end, UNKNOWN_QUARANTINE);
  assert_true(o.at_ns < 31 * SEC && o.questions < 12);
  o = drive(7, 2 * SEC, SEC / 10, 4, 100 * SEC);                // reachable again in time
  assert_int_equal(o.end, UNKNOWN_ABSENT);
}

static void test_found_starts_anew(void **state) {
  (void)state;
  struct unknown_probe p;
  int64_t at;
  unknown_begin(&p, 7, -60 * SEC, 0);
  for (int round = 0; round < 2; round++)
    for (enum unknown_step q = UNKNOWN_ASK_ID; q <= UNKNOWN_ASK_FILLS; q++) {
      assert_int_equal(unknown_next(&p, round * 3 * SEC, &at), q);
      unknown_answered(&p, q, ANSWER_ABSENT, round * 3 * SEC);
    }
  assert_int_equal(p.negatives, 2);
  unknown_answered(&p, UNKNOWN_ASK_ID, ANSWER_FOUND, 6 * SEC);
  assert_int_equal(p.negatives, 0);
  assert_int_equal(unknown_next(&p, 7 * SEC, &at), UNKNOWN_WAIT);
  assert_int_equal(at, 8 * SEC);
}

static void round_of(struct unknown_probe *p, enum unknown_answer answer, int64_t now_ns) {
  int64_t at;
  for (enum unknown_step q; (q = unknown_next(p, now_ns, &at)) >= UNKNOWN_ASK_ID && q <= UNKNOWN_ASK_FILLS;) {
    unknown_answered(p, q, answer, now_ns);
    if (answer != ANSWER_ABSENT) return;
  }
}

// A request that may still arrive proves nothing by not being there: only rounds behind its expiry count, all three.
static void test_negatives_before_the_expiry(void **state) {
  (void)state;
  struct unknown_probe p;
  int64_t at;
  unknown_begin(&p, 7, 6 * SEC, 0);
  for (int i = 0; i < 3; i++) round_of(&p, ANSWER_ABSENT, 2 * i * SEC);
  assert_int_equal(p.negatives, 0);
  for (int64_t now = 6 * SEC; now < 17 * SEC; now += SEC / 2) round_of(&p, ANSWER_UNREACHABLE, now);
  for (int i = 0; i < 2; i++) {
    round_of(&p, ANSWER_ABSENT, (22 + 2 * i) * SEC);
    assert_int_equal(p.negatives, i + 1);
    assert_int_not_equal(unknown_next(&p, (22 + 2 * i) * SEC, &at), UNKNOWN_ABSENT);
  }
  round_of(&p, ANSWER_ABSENT, 26 * SEC);
  assert_int_equal(unknown_next(&p, 26 * SEC, &at), UNKNOWN_ABSENT);
}

// Not reachable: half a second, then twice as long each time; any answer begins anew. Who waits for a person is asked about every half minute.
static void test_pace(void **state) {
  (void)state;
  for (int k = 0; k < 2; k++) {
    struct unknown_probe p;
    int64_t at, now = 0;
    unknown_begin(&p, 7, 100 * SEC, 0);
    const int64_t waits[] = {SEC / 2, SEC, 2 * SEC, 4 * SEC};
    for (int i = 0; i < 4; i++, now = at) {
      round_of(&p, ANSWER_UNREACHABLE, now);
      assert_int_equal(unknown_next(&p, now, &at), UNKNOWN_WAIT);
      assert_int_equal(at - now, waits[i]);
    }
    round_of(&p, k ? ANSWER_FOUND : ANSWER_ABSENT, now);
    assert_int_equal(unknown_next(&p, now, &at), UNKNOWN_WAIT);
    assert_int_equal(at - now, UNKNOWN_APART_NS);
    round_of(&p, ANSWER_UNREACHABLE, now = at);
    assert_int_equal(unknown_next(&p, now, &at), UNKNOWN_WAIT);
    assert_int_equal(at - now, SEC / 2);
    assert_int_equal(unknown_next(&p, 30 * SEC, &at), UNKNOWN_QUARANTINE);
    round_of(&p, k ? ANSWER_FOUND : ANSWER_UNREACHABLE, 30 * SEC);
    assert_int_equal(unknown_next(&p, 30 * SEC, &at), UNKNOWN_WAIT);
    assert_int_equal(at, 60 * SEC);
  }
}

// Quarantine comes once; the questions go on, and late proof counts.
static void test_after_quarantine(void **state) {
  (void)state;
  struct unknown_probe p;
  int64_t at;
  unknown_begin(&p, 7, 100 * SEC, 0);
  assert_int_equal(unknown_next(&p, 30 * SEC, &at), UNKNOWN_QUARANTINE);
  int64_t now = 30 * SEC;
  int asked = 0;
  for (;;) {
    enum unknown_step step = unknown_next(&p, now, &at);
    assert_true(step != UNKNOWN_QUARANTINE);
    if (step == UNKNOWN_ABSENT) break;
    if (step == UNKNOWN_WAIT) { now = at; continue; }
    unknown_answered(&p, step, ANSWER_ABSENT, now);
    asked++;
  }
  assert_true(now > 110 * SEC && now <= 220 * SEC && asked <= 21);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_absence_takes_time), cmocka_unit_test(test_what_cannot_be_proven),
    cmocka_unit_test(test_found_starts_anew), cmocka_unit_test(test_negatives_before_the_expiry), cmocka_unit_test(test_pace), cmocka_unit_test(test_after_quarantine),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

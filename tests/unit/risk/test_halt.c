// tests/unit/risk/test_halt.c – who is blocked by what, and a record that is never read as less than it said.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "crypto/sha256.h"
#include "risk/halt.h"

static struct halt_state s, t;
static uint8_t a[HALT_RECORD_BYTES], b[HALT_RECORD_BYTES];

static void assert_same(void) {
  static uint8_t x[HALT_RECORD_BYTES], y[HALT_RECORD_BYTES];
  halt_encode(&s, x);
  halt_encode(&t, y);
  assert_memory_equal(x, y, sizeof x);
}

static bool blocked(uint64_t venue, uint64_t tenant, uint64_t bot, bool reduces, bool by_engine) {
  struct refusal why = {0};
  bool is = halt_blocks(&s, &(struct halt_order){venue, tenant, bot, reduces, by_engine}, &why);
  assert_int_equal(is, why.rule == REFUSE_HALTED || why.rule == REFUSE_HALT_REDUCE || why.rule == REFUSE_HALT_FLATTEN);
  assert_true(refusal_reason(why.rule) == (is ? REASON_HALTED : REASON_NONE));
  return is;
}

static void test_levels(void **state) {
  (void)state;
  const struct { enum refusal_level level; uint64_t id; } halts[] = {{LEVEL_VENUE, 1}, {LEVEL_TENANT, 2}, {LEVEL_BOT, 3}, {LEVEL_ALL, 0}};
  for (size_t i = 0; i < 4; i++) {
    halt_init(&s);
    assert_false(blocked(1, 2, 3, false, false));
    uint64_t epoch = halt_set(&s, halts[i].level, halts[i].id, HALT_SILENT, HALT_BY_OPERATOR, 5);
    assert_true(epoch == 2 && s.epoch == 2);
    assert_true(blocked(1, 2, 3, false, false));
    assert_int_equal(blocked(9, 9, 9, false, false), halts[i].level == LEVEL_ALL);
    // Ids of one level are not those of another.
    assert_int_equal(blocked(2, 3, 1, false, false), halts[i].level == LEVEL_ALL);
    assert_true(halt_clear(&s, halts[i].level, halts[i].id) && s.epoch == 3);
    assert_false(halt_clear(&s, halts[i].level, halts[i].id));
    assert_false(blocked(1, 2, 3, false, false));
  }
}

static void test_modes(void **state) {
  (void)state;
  // mode × {opens, reduces, engine opens, engine reduces}
  static const bool blocks[HALT_MODE_COUNT][4] = {
    [HALT_NONE] = {0, 0, 0, 0}, [HALT_REDUCE] = {1, 0, 1, 0}, [HALT_SILENT] = {1, 1, 1, 1}, [HALT_FLATTEN] = {1, 1, 1, 0}};
  for (int m = HALT_NONE; m < HALT_MODE_COUNT; m++) {
    halt_init(&s);
    if (m != HALT_NONE) halt_set(&s, LEVEL_BOT, 3, m, HALT_BY_OWNER, 5);
    for (int k = 0; k < 4; k++) assert_int_equal(blocked(1, 2, 3, k & 1, k & 2), blocks[m][k]);
    assert_true(halt_mode_text(m)[0]);
  }
  for (int c = 0; c < HALT_CAUSE_COUNT; c++) assert_true(halt_cause_text(c)[0]);
  // The strictest that applies decides, and a halt never becomes milder by another.
  halt_init(&s);
  halt_set(&s, LEVEL_TENANT, 2, HALT_REDUCE, HALT_BY_PLAN, 5);
  assert_false(blocked(1, 2, 3, true, false));
  halt_set(&s, LEVEL_BOT, 3, HALT_FLATTEN, HALT_BY_OWNER, 6);
  assert_true(blocked(1, 2, 3, true, false));
  halt_set(&s, LEVEL_BOT, 3, HALT_REDUCE, HALT_BY_RISK, 7);
  const struct halt_entry *e = halt_find(&s, LEVEL_BOT, 3);
  assert_true(e->mode == HALT_FLATTEN && e->cause == HALT_BY_OWNER && e->epoch == 3 && s.epoch == 4);
  halt_clear(&s, LEVEL_BOT, 3);
  assert_false(blocked(1, 2, 3, true, false));
  assert_true(blocked(1, 2, 3, false, false));
}

static void test_many_and_too_many(void **state) {
  (void)state;
  halt_init(&s);
  for (uint64_t i = 0; i < HALT_ENTRIES; i++) halt_set(&s, LEVEL_VENUE + (i % 3 == 0) * (LEVEL_BOT - LEVEL_VENUE), i * 7919 % 1000, HALT_SILENT, HALT_BY_OPERATOR, 5);
  assert_int_equal(s.count, HALT_ENTRIES);
  for (uint32_t i = 1; i < s.count; i++) {
    const struct halt_entry *x = &s.entries[i - 1], *y = &s.entries[i];
    assert_true(x->level < y->level || (x->level == y->level && x->id < y->id));
  }
  assert_false(blocked(5000, 5000, 5000, false, false));
  halt_encode(&s, a);
  assert_true(halt_decode(a, sizeof a, &t));
  assert_same();
  halt_set(&s, LEVEL_TENANT, 5000, HALT_FLATTEN, HALT_BY_OWNER, 5);  // no room: everything
  assert_true(blocked(1, 1, 6000, true, false) && !blocked(1, 1, 6000, true, true));
  assert_int_equal(s.all.cause, HALT_BY_TABLE_FULL);
}

// Ten bots a tenant until nothing more goes in.
static void fill(enum halt_cause cause) {
  halt_init(&s);
  for (uint64_t i = 0; i < HALT_ENTRIES; i++) {
    halt_set(&s, LEVEL_BOT, 1000 + i, i % 10 ? HALT_REDUCE : HALT_FLATTEN, cause, 5);
    halt_own(&s, 1000 + i, 1 + i / 10);
  }
}

static void test_no_tenant_fills_it_for_another(void **state) {
  (void)state;
  halt_init(&s);
  halt_set(&s, LEVEL_BOT, 7, HALT_SILENT, HALT_BY_OPERATOR, 5);
  halt_own(&s, 7, 50);  // what an operator decided stays as it is
  for (uint64_t i = 0; i < 5 * HALT_ENTRIES; i++) {
    halt_set(&s, LEVEL_BOT, 1000 + i, i == 3 ? HALT_SILENT : HALT_REDUCE, i == 5 ? HALT_BY_VENUE : HALT_BY_OWNER, 5);
    halt_own(&s, 1000 + i, 50);
    assert_true(s.all.mode == HALT_NONE && s.count <= HALT_ENTRIES);
    assert_true(blocked(1, 50, 1000 + i, false, false) && blocked(1, 50, 1003, true, false) == (i >= 3));
  }
  assert_false(blocked(1, 51, 99, false, false));
  assert_true(blocked(1, 50, 99, true, false));  // stricter, for that tenant
  const struct halt_entry *e = halt_find(&s, LEVEL_TENANT, 50);
  assert_true(e->mode == HALT_SILENT && e->cause == HALT_BY_TABLE_FULL);  // not all was the owner's to resume
  assert_true(halt_find(&s, LEVEL_BOT, 7)->cause == HALT_BY_OPERATOR && halt_find(&s, LEVEL_BOT, 1003) == NULL);
  halt_encode(&s, a);
  assert_true(halt_decode(a, sizeof a, &t));
  assert_same();

  // The owner's alone stay the owner's; the most halted goes first, and its flattened bots stay as they are as long as others do.
  fill(HALT_BY_OWNER);
  halt_clear(&s, LEVEL_BOT, 1000);
  halt_set(&s, LEVEL_BOT, 5000, HALT_REDUCE, HALT_BY_OWNER, 5);
  halt_own(&s, 5000, 3);
  const uint64_t epoch = s.epoch;
  halt_set(&s, LEVEL_BOT, 6000, HALT_REDUCE, HALT_BY_VENUE, 6);
  e = halt_find(&s, LEVEL_TENANT, 3);
  assert_true(e && e->mode == HALT_REDUCE && e->cause == HALT_BY_OWNER && e->epoch > epoch && e->at_ns == 6);
  assert_true(halt_find(&s, LEVEL_BOT, 1020)->mode == HALT_FLATTEN && s.count == HALT_ENTRIES - 10 + 2);
  assert_true(halt_find(&s, LEVEL_TENANT, 2) == NULL && halt_find(&s, LEVEL_BOT, 6000) != NULL);

  // What was there of the tenant is made stricter, and no longer the owner's to resume.
  fill(HALT_BY_VENUE);
  halt_clear(&s, LEVEL_BOT, 1999);
  halt_set(&s, LEVEL_TENANT, 1, HALT_REDUCE, HALT_BY_OWNER, 5);
  assert_true(halt_fold(&s, 6) && halt_find(&s, LEVEL_TENANT, 1)->cause == HALT_BY_TABLE_FULL);
  for (int i = 0; i < 99; i++) assert_true(halt_fold(&s, 6));
  assert_true(s.count == 200 && s.all.mode == HALT_NONE);
  assert_true(halt_fold(&s, 7) && halt_find(&s, LEVEL_TENANT, 1)->mode == HALT_FLATTEN);  // there is nothing milder left: its own is there already
  for (int i = 0; i < 99; i++) assert_true(halt_fold(&s, 7));
  assert_int_equal(s.count, 100);
  assert_false(halt_fold(&s, 8));
}

static void test_record(void **state) {
  (void)state;
  halt_init(&s);
  halt_encode(&s, a);
  assert_true(halt_decode(a, sizeof a, &t));
  assert_same();
  halt_set(&s, LEVEL_TENANT, UINT64_MAX, HALT_FLATTEN, HALT_BY_OWNER, -5);
  halt_encode(&s, b);
  assert_true(halt_decode(b, sizeof b, &t));
  assert_same();
  static struct halt_state before;
  before = t;
  memset(a, 0, sizeof a);  // a file that was never written
  assert_false(halt_decode(a, sizeof a, &t));
  assert_memory_equal(&t, &before, sizeof t);
}

// Every byte of the record is under the checksum, and a write torn anywhere is noticed.
static void test_torn(void **state) {
  (void)state;
  halt_init(&s);
  for (uint64_t i = 0; i < 300; i++) halt_set(&s, LEVEL_BOT, i, HALT_REDUCE, HALT_BY_RISK, 1);
  halt_encode(&s, a);
  for (size_t i = 0; i < HALT_RECORD_BYTES; i += i < 4096 ? 37 : 997) {
    a[i] ^= 4;
    assert_false(halt_decode(a, sizeof a, &t));
    a[i] ^= 4;
  }
  halt_set(&s, LEVEL_ALL, 0, HALT_SILENT, HALT_BY_FILE, 2);
  halt_encode(&s, b);
  uint8_t torn[HALT_RECORD_BYTES];
  for (size_t cut = 512; cut < HALT_RECORD_BYTES; cut += 512) {
    memcpy(torn, b, cut);
    memcpy(torn + cut, a + cut, HALT_RECORD_BYTES - cut);
    assert_false(halt_decode(torn, sizeof torn, &t));
  }
}

static void reseal(uint8_t *record) {
  struct sha256_ctx ctx;
  sha256_init(&ctx);
  sha256_update(&ctx, record, HALT_RECORD_BYTES - SHA256_BYTES);
  sha256_finish(&ctx, record + HALT_RECORD_BYTES - SHA256_BYTES);
}

// A record of a newer engine or a hand-made one: refused by content too, not only by its checksum.
static void test_content(void **state) {
  (void)state;
  halt_init(&s);
  halt_set(&s, LEVEL_BOT, 1, HALT_REDUCE, HALT_BY_RISK, 1);
  halt_set(&s, LEVEL_BOT, 2, HALT_REDUCE, HALT_BY_RISK, 1);
  halt_encode(&s, a);
  const struct { size_t at; uint8_t value; } bad[] = {{0, 'X'}, {7, '2'}, {8, 0}, {17, 0xff}, {48, LEVEL_BOT}, {49, HALT_MODE_COUNT},
    {64 + 24, LEVEL_ACCOUNT}, {64 + 25, HALT_NONE}, {64 + 26, HALT_CAUSE_COUNT}, {64, 2}, {64, 3}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    memcpy(b, a, sizeof b);
    b[bad[i].at] = bad[i].value;
    reseal(b);
    assert_false(halt_decode(b, sizeof b, &t));
  }
  memcpy(b, a, sizeof b);
  reseal(b);
  assert_true(halt_decode(b, sizeof b, &t));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_levels), cmocka_unit_test(test_modes), cmocka_unit_test(test_many_and_too_many), cmocka_unit_test(test_no_tenant_fills_it_for_another),
    cmocka_unit_test(test_record), cmocka_unit_test(test_torn), cmocka_unit_test(test_content),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

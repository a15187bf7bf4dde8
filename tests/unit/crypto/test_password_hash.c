// Password hashes: ours, old ones that are accepted and flagged, and stored texts that must not be obeyed.
#include "crypto/password_hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static bool match, rehash;

static enum status verify(const char *hash, const char *password) {
  return password_verify(hash, password, strlen(password), &match, &rehash, NULL);
}

static void test_round_trip(void **state) {
  (void)state;
  char hash[PASSWORD_HASH_SIZE], again[PASSWORD_HASH_SIZE];
  assert_int_equal(password_hash("correct horse", 13, hash, NULL), OK);
  assert_int_equal(strncmp(hash, "$argon2id$v=19$m=19456,t=2,p=1$", 31), 0);
  assert_int_equal(password_hash("correct horse", 13, again, NULL), OK);
  assert_string_not_equal(hash, again);  // salted
  assert_int_equal(verify(hash, "correct horse"), OK);
  assert_true(match);
  assert_false(rehash);
  assert_int_equal(verify(hash, "correct horsf"), OK);
  assert_false(match);
}

// Two passwords that differ in their last byte only, past where bcrypt would have stopped reading.
static void test_no_truncation(void **state) {
  (void)state;
  char hash[PASSWORD_HASH_SIZE], a[1025], b[1025];
  memset(a, 'x', 1024);
  a[1024] = '\0';
  memcpy(b, a, sizeof a);
  b[1023] = 'y';
  assert_int_equal(password_hash(a, 1024, hash, NULL), OK);
  assert_int_equal(verify(hash, b), OK);
  assert_false(match);
  assert_int_equal(password_verify(hash, "x\0x", 3, &match, &rehash, NULL), OK);
  assert_false(match);
}

static void test_old_hashes(void **state) {
  (void)state;
  // From python's bcrypt 4 at cost 4, and argon2id at 8 MiB and one pass from argon2-cffi.
  const char *bcrypt = "$2b$04$GK/6kKSlVM8usvEESd4s9uJjWU6TCwFJNh9iT24l87PI8k7xyAKJS";
  assert_int_equal(verify(bcrypt, "correct horse battery"), OK);
  assert_true(match);
  assert_true(rehash);
  assert_int_equal(verify(bcrypt, "correct horse batterz"), OK);
  assert_false(match);
  assert_int_equal(password_verify(bcrypt, "correct horse battery\0more", 26, &match, &rehash, NULL), OK);
  assert_false(match);
  const char *weak = "$argon2id$v=19$m=8192,t=1,p=1$pGNjiqbbJKvdgjsGtNzIGw$qovSmJCrTC7nvUGdVpINeI5LlLrGhNOlaITzgSby+us";
  assert_int_equal(verify(weak, "correct horse battery"), OK);
  assert_true(match);
  assert_true(rehash);
}

static void test_nobody(void **state) {
  (void)state;
  match = true;
  assert_int_equal(verify(NULL, "anything"), OK);
  assert_false(match);
  assert_false(rehash);
}

static void test_absurd_hashes(void **state) {
  (void)state;
  static const char *const bad[] = {
    "", "plain", "$1$abc$def", "$2b$31$abcdefghijklmnopqrstuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu", "$2b$04$short", "$2b$",
    "$argon2id$v=19$m=4294967295,t=2,p=1$9fQm2wJSPcHcNNAyPkZRrA$rd5p/A3gqZYGg5ZnKSDoXVDIP1W5Ed8Ai1QJqQ4bqL8",
    "$argon2id$v=19$m=19456,t=4000000,p=1$9fQm2wJSPcHcNNAyPkZRrA$rd5p/A3gqZYGg5ZnKSDoXVDIP1W5Ed8Ai1QJqQ4bqL8",
    "$argon2id$v=19$m=19456,t=2,p=64$9fQm2wJSPcHcNNAyPkZRrA$rd5p/A3gqZYGg5ZnKSDoXVDIP1W5Ed8Ai1QJqQ4bqL8",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(verify(bad[i], "x"), ERR_INVALID);
    assert_false(match);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_round_trip),
    cmocka_unit_test(test_no_truncation),
    cmocka_unit_test(test_old_hashes),
    cmocka_unit_test(test_nobody),
    cmocka_unit_test(test_absurd_hashes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// What stands before the login: addresses, passwords, lockout, rate limits.
#include "tenant/device.h"
#include "tenant/email.h"
#include "tenant/lockout.h"
#include "tenant/password_policy.h"
#include "tenant/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define S INT64_C(1000000000)

static void test_email(void **state) {
  (void)state;
  char out[EMAIL_SIZE];
  static const char *const good[][2] = {{"Ann.Lee+bot@Example.ORG", "ann.lee+bot@example.org"}, {"a@b.co", "a@b.co"},
    {"o'brien@xn--bcher-kva.example", "o'brien@xn--bcher-kva.example"}, {"1@1.2.3.4a", "1@1.2.3.4a"}};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    assert_true(email_normalise(good[i][0], strlen(good[i][0]), out));
    assert_string_equal(out, good[i][1]);
  }
  static const char *const bad[] = {"", "a", "@b.co", "a@", "a@b", "a@.co", "a@b..co", "a@b.co.", "a@-b.co", "a@b-.co",
    ".a@b.co", "a.@b.co", "a..b@b.co", "a b@b.co", "a@b.co\r\nBcc: x@y.zz", "a@b@c.co", "\"a\"@b.co", "a@[1.2.3.4]", "a@1.2.3.4",
    "ä@b.co", "a@bü.co", "<a@b.co>", "a,b@b.co", "a;b@b.co",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@b.co"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_false(email_normalise(bad[i], strlen(bad[i]), out));
    assert_string_equal(out, "");
  }
  assert_false(email_normalise("a\0@b.com", 8, out));
  char longest[300];
  memset(longest, 'a', sizeof longest);
  memcpy(longest, "x@", 2);
  for (int i = 60; i < 254; i += 60) longest[i] = '.';
  assert_true(email_normalise(longest, 254, out));
  assert_false(email_normalise(longest, 255, out));
}

static void test_password(void **state) {
  (void)state;
  static const struct {
    const char *text;
    enum password_verdict want;
  } cases[] = {
    {"", PASSWORD_TOO_SHORT}, {"short7!", PASSWORD_TOO_SHORT}, {"h4rdly-guess", PASSWORD_FINE},
    {"üüüäää1", PASSWORD_TOO_SHORT}, {"üüüäää12", PASSWORD_FINE},  // characters count, not bytes
    {"password", PASSWORD_COMMON}, {"PassWord", PASSWORD_COMMON}, {"1qaz2wsx", PASSWORD_COMMON}, {"trustno1", PASSWORD_COMMON},
    {"zzzzzzzzzzzzzzzzz", PASSWORD_COMMON}, {"ann.lee@example.org", PASSWORD_IS_EMAIL}, {"ann.lee@example.orG", PASSWORD_IS_EMAIL},
    {"tab\tinside", PASSWORD_NOT_TEXT}, {"bad\xc3(utf8", PASSWORD_NOT_TEXT}, {"over\xc0\xaflong", PASSWORD_NOT_TEXT},
    {"surrogate\xed\xa0\x80", PASSWORD_NOT_TEXT}, {"cut off \xe2\x82", PASSWORD_NOT_TEXT}, {"euro sign \xe2\x82\xac", PASSWORD_FINE},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    enum password_verdict got = password_check(cases[i].text, strlen(cases[i].text), "ann.lee@example.org");
    if (got != cases[i].want) print_message("%s: %s\n", cases[i].text, password_verdict_text(got));
    assert_int_equal(got, cases[i].want);
  }
  assert_int_equal(password_check("longname", 8, "longname@example.org"), PASSWORD_IS_EMAIL);
  assert_int_equal(password_check("with\0nul", 8, ""), PASSWORD_NOT_TEXT);
  char big[1026];
  for (size_t i = 0; i < sizeof big; i++) big[i] = (char)('a' + i % 26);
  assert_int_equal(password_check(big, 1024, ""), PASSWORD_FINE);
  assert_int_equal(password_check(big, 1025, ""), PASSWORD_TOO_LONG);
}

static void test_lockout(void **state) {
  (void)state;
  struct lockout *l;
  assert_int_equal(lockout_create(1000, &l, NULL), OK);
  uint64_t here = lockout_key(l, "ann@example.org", "198.51.100.7"), there = lockout_key(l, "ann@example.org", "203.0.113.9");
  assert_int_equal(here, lockout_key(l, "ann@example.org", "198.51.100.200"));   // same /24
  assert_int_equal(here, lockout_key(l, "ann@example.org", "::ffff:198.51.100.8"));
  assert_int_not_equal(here, lockout_key(l, "bob@example.org", "198.51.100.7"));
  assert_int_equal(lockout_key(l, "a", "2001:db8:1:2::3"), lockout_key(l, "a", "2001:db8:1:ffff::9"));
  assert_int_not_equal(lockout_key(l, "a", "2001:db8:1::3"), lockout_key(l, "a", "2001:db8:2::3"));
  int64_t now = 5 * S;
  for (int i = 0; i < 4; i++) lockout_count(l, here, LOCKOUT_FAILURES, now += S);
  assert_int_equal(lockout_wait_s(l, here, now), 0);
  lockout_count(l, here, LOCKOUT_FAILURES, now);
  assert_int_equal(lockout_wait_s(l, here, now), 60);
  assert_int_equal(lockout_wait_s(l, there, now), 0);  // the owner elsewhere is not shut out
  now += 60 * S;
  assert_int_equal(lockout_wait_s(l, here, now - 1), 1);
  assert_int_equal(lockout_wait_s(l, here, now), 0);
  static const int waits[] = {120, 240, 480, 900, 900, 900};
  for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
    lockout_count(l, here, LOCKOUT_FAILURES, now);
    assert_int_equal(lockout_wait_s(l, here, now), waits[i]);
    now += waits[i] * S;
  }
  lockout_forgive(l, here);
  for (int i = 0; i < 4; i++) lockout_count(l, here, LOCKOUT_FAILURES, now);
  now += (LOCKOUT_WINDOW_S + 1) * S;
  lockout_count(l, here, LOCKOUT_FAILURES, now);  // the four are forgotten
  assert_int_equal(lockout_wait_s(l, here, now), 0);
  // A flood of other names does not push out one that is locked.
  for (int i = 0; i < 4; i++) lockout_count(l, here, LOCKOUT_FAILURES, now);
  for (int i = 0; i < 100000; i++) {
    char name[32];
    snprintf(name, sizeof name, "n%d@example.org", i);
    lockout_count(l, lockout_key(l, name, "192.0.2.1"), LOCKOUT_FAILURES, now + i);
  }
  assert_true(lockout_wait_s(l, here, now + 1) > 0);
  uint64_t anywhere = lockout_key(l, "ann@example.org", "anywhere");
  for (int i = 0; i < LOCKOUT_ACCOUNT_FAILURES - 1; i++) lockout_count(l, anywhere, LOCKOUT_ACCOUNT_FAILURES, now);
  assert_int_equal(lockout_wait_s(l, anywhere, now), 0);
  lockout_count(l, anywhere, LOCKOUT_ACCOUNT_FAILURES, now);
  assert_int_equal(lockout_wait_s(l, anywhere, now), LOCKOUT_FIRST_WAIT_S);
  lockout_destroy(l);
}

static void test_device(void **state) {
  (void)state;
  struct keys *keys = calloc(1, sizeof *keys), *other = calloc(1, sizeof *other);
  memset(keys->site, 7, sizeof keys->site);
  char token[DEVICE_TOKEN_SIZE], again[DEVICE_TOKEN_SIZE], name[DEVICE_NAME_SIZE], name_again[DEVICE_NAME_SIZE];
  device_token_make(keys, "ann@example.org", 1000, token);
  device_token_make(keys, "ann@example.org", 1000, again);
  assert_true(device_token_check(keys, "ann@example.org", token, 1000 + DEVICE_TTL_S, name));
  assert_true(device_token_check(keys, "ann@example.org", again, 1000, name_again));
  assert_string_not_equal(name, name_again);
  assert_true(strlen(name) < sizeof name);
  assert_false(device_token_check(keys, "ann@example.org", token, 1001 + DEVICE_TTL_S, name));  // too old
  assert_false(device_token_check(keys, "bob@example.org", token, 1000, name));
  assert_false(device_token_check(other, "ann@example.org", token, 1000, name));
  for (size_t i = 0; token[i]; i++) {  // not one character may differ; the last ones hold bits that are no byte's
    char changed[DEVICE_TOKEN_SIZE];
    memcpy(changed, token, sizeof changed);
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    if (strcmp(changed, token) != 0) assert_false(device_token_check(keys, "ann@example.org", changed, 1000, name));
    changed[i] = '\0';
    assert_false(device_token_check(keys, "ann@example.org", changed, 1000, name));
  }
  char longer[200];
  memset(longer, 'A', sizeof longer - 1);
  memcpy(longer, "pgd_", 4);
  longer[sizeof longer - 1] = '\0';
  assert_false(device_token_check(keys, "ann@example.org", longer, 1000, name));
  free(keys);
  free(other);
}

static void test_rate(void **state) {
  (void)state;
  struct rate_table *t;
  assert_int_equal(rate_create(1000, &t, NULL), OK);
  struct rate_limit ten = {.period_ns = 10 * S, .count = 10};
  uint64_t key = rate_key(t, "login", "ann", 3);
  assert_int_not_equal(key, rate_key(t, "logi", "nann", 4));
  int64_t now = 100 * S;
  for (int i = 0; i < 10; i++) {
    struct rate_result r = rate_take(t, key, &ten, 1, now);
    assert_true(r.allowed);
    assert_int_equal(r.limit, 10);
    assert_int_equal(r.remaining, 9 - i);
    assert_int_equal(r.reset_s, i + 1);
  }
  struct rate_result r = rate_take(t, key, &ten, 1, now);
  assert_false(r.allowed);
  assert_int_equal(r.remaining, 0);
  assert_int_equal(r.retry_after_s, 1);
  assert_false(rate_take(t, key, &ten, 1, now + S - 1).allowed);
  assert_true(rate_take(t, key, &ten, 1, now + S).allowed);   // one drips in per second
  assert_false(rate_take(t, key, &ten, 1, now + S).allowed);
  assert_int_equal(rate_peek(t, key, &ten, now + 4 * S).remaining, 3);
  assert_int_equal(rate_peek(t, key, &ten, now + 4 * S).remaining, 3);
  assert_false(rate_take(t, key, &ten, 4, now + 4 * S).allowed);   // whole or not at all
  assert_true(rate_take(t, key, &ten, 3, now + 4 * S).allowed);
  assert_false(rate_take(t, key, &ten, 11, now + 1000 * S).allowed);  // more than ever fits
  assert_true(rate_take(t, key, &ten, 10, now + 1000 * S).allowed);
  struct rate_limit burst = {.period_ns = 60 * S, .count = 60, .burst = 5}, none = {.period_ns = S, .count = 0};
  uint64_t other = rate_key(t, "key", "x", 1);
  for (int i = 0; i < 5; i++) assert_true(rate_take(t, other, &burst, 1, now).allowed);
  assert_false(rate_take(t, other, &burst, 1, now).allowed);
  assert_false(rate_take(t, other, &none, 1, now).allowed);
  struct rate_limit huge = {.period_ns = 3600 * S, .count = INT64_MAX, .burst = INT64_MAX};
  rate_take(t, other, &huge, INT64_MAX / 8, now);  // must not overflow; the sanitizer watches
  rate_destroy(t);
}

// In any window of a period plus its burst, never more than burst + count; over long, count per period to within one.
static void test_rate_over_time(void **state) {
  (void)state;
  struct rate_table *t;
  assert_int_equal(rate_create(8, &t, NULL), OK);
  struct rate_limit limit = {.period_ns = S, .count = 100, .burst = 10};
  uint64_t key = rate_key(t, "k", "a", 1);
  int passed = 0;
  for (int64_t now = S; now < 11 * S; now += S / 1000) passed += rate_take(t, key, &limit, 1, now).allowed;
  assert_in_range(passed, 1000, 1010);
  // Many more keys than there is room for: still correct for whoever is limited hardest, and no crash.
  for (int i = 0; i < 10000; i++) rate_take(t, rate_key(t, "k", &i, sizeof i), &limit, 1, 20 * S + i);
  rate_destroy(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_email),
    cmocka_unit_test(test_password),
    cmocka_unit_test(test_lockout),
    cmocka_unit_test(test_device),
    cmocka_unit_test(test_rate),
    cmocka_unit_test(test_rate_over_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

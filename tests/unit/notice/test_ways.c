// The ways out: addresses and what is shown of them, where URLs may lead, signatures, what answers mean, when to try again.
#include "notice/retry.h"
#include "notice/sign.h"
#include "notice/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S INT64_C(1000000000)

static struct address_range ranges[1];
static const struct notice_reach nowhere = {0}, inside = {ranges, 1};

static const char *shown(enum notice_kind kind, const char *text, const struct notice_reach *reach) {
  static char out[NOTICE_SHOWN_SIZE];
  struct err err;
  return notice_target_check(kind, text, reach, out, &err) == OK ? out : NULL;
}

static void addresses(void **state) {
  (void)state;
  assert_string_equal(shown(NOTICE_MAIL, "ada@example.org", &nowhere), "ada@example.org");
  assert_string_equal(shown(NOTICE_SMS, "+4915112345678", &nowhere), "+49…678");
  assert_string_equal(shown(NOTICE_TELEGRAM, "-1001234567890", &nowhere), "-1001234567890");
  assert_string_equal(shown(NOTICE_TELEGRAM, "@perigee_news", &nowhere), "@perigee_news");
  assert_string_equal(shown(NOTICE_DISCORD, "https://discord.com/api/webhooks/123/tok-en?wait=true", &nowhere), "https://discord.com/api/webhooks/123/…");
  assert_string_equal(shown(NOTICE_SLACK, "https://hooks.slack.com/services/T0/B0/secret", &nowhere), "https://hooks.slack.com/services/T0/B0/…");
  assert_string_equal(shown(NOTICE_WEBHOOK, "https://example.org:8443/in/secret?key=s", &nowhere), "https://example.org:8443/in/…");
  assert_string_equal(shown(NOTICE_WEBHOOK, "https://example.org", &nowhere), "https://example.org");
  assert_null(strstr(shown(NOTICE_WEBHOOK, "https://example.org?key=s3cret", &nowhere), "s3cret"));
  static const struct { enum notice_kind kind; const char *text; } wrong[] = {{NOTICE_MAIL, "ada"}, {NOTICE_MAIL, "a@b\r\nBcc: c@d"}, {NOTICE_SMS, "015112345678"}, {NOTICE_SMS, "+49 151"}, {NOTICE_SMS, "+01234567"},
    {NOTICE_TELEGRAM, "12 3"}, {NOTICE_TELEGRAM, "-"}, {NOTICE_TELEGRAM, "@a"}, {NOTICE_TELEGRAM, "x"}, {NOTICE_DISCORD, "https://discord.com/login"}, {NOTICE_DISCORD, "https://notdiscord.com/api/webhooks/1/x"},
    {NOTICE_SLACK, "https://hooks.slack.com.evil.example/services/x"}, {NOTICE_SLACK, "https://hooks.slack.com/workflows/x"}, {NOTICE_WEBHOOK, "http://example.org/x"}, {NOTICE_WEBHOOK, "https://u:p@example.org/"},
    {NOTICE_WEBHOOK, "https://example.org/#x"}, {NOTICE_WEBHOOK, "ftp://example.org/"}, {NOTICE_WEBHOOK, ""}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert_null(shown(wrong[i].kind, wrong[i].text, &nowhere));
}

static void where_urls_lead(void **state) {
  (void)state;
  struct err err;
  static const char *const bad[] = {"https://127.0.0.1/", "https://10.1.2.3/", "https://172.16.0.1/", "https://192.168.1.1/", "https://169.254.169.254/latest", "https://100.64.1.1/", "https://0.0.0.0/", "https://224.0.0.1/",
    "https://[::1]/", "https://[fe80::1]/", "https://[fc00::1]/", "https://[::ffff:127.0.0.1]/", "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://[2001:0:7f00:1::]/", "https://[::]/"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_null(shown(NOTICE_WEBHOOK, bad[i], &nowhere));
  assert_non_null(shown(NOTICE_WEBHOOK, "https://93.184.216.34/", &nowhere));
  assert_non_null(shown(NOTICE_WEBHOOK, "https://[2606:2800:220:1::1]/", &nowhere));
  // The operator's own network: by number only, plain too; nothing else gets in by it.
  assert_int_equal(address_range_parse("10.0.0.0/8", &ranges[0], &err), OK);
  assert_non_null(shown(NOTICE_WEBHOOK, "http://10.1.2.3:8080/x", &inside));
  assert_true(notice_target_inside("http://10.1.2.3:8080/x", &inside));
  assert_true(notice_target_inside("http://[::ffff:10.1.2.3]/x", &inside));
  assert_false(notice_target_inside("http://10.1.2.3.example.org/x", &inside));
  assert_false(notice_target_inside("https://localhost/x", &inside));
  assert_null(shown(NOTICE_WEBHOOK, "http://192.168.1.1/", &inside));
  assert_null(shown(NOTICE_WEBHOOK, "http://inside.example/", &inside));
}

// What the specification's own implementation for Python (standardwebhooks 1.1.0) signs for this secret, id, time and body.
static void signatures(void **state) {
  (void)state;
  uint8_t key[NOTICE_KEY_BYTES];
  char text[NOTICE_SECRET_SIZE], signature[NOTICE_SIGNATURE_SIZE];
  for (int i = 0; i < NOTICE_KEY_BYTES; i++) key[i] = (uint8_t)i;
  notice_secret_text(key, text);
  assert_string_equal(text, "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
  notice_sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, "{\"test\": 2432232314}", 20, signature);
  assert_string_equal(signature, "v1,O4Gjv1HqPqsMrjmczoggs/sWA8gZD0VyHG+fLh4+ktI=");
}

static void answers(void **state) {
  (void)state;
  static const struct { enum notice_kind kind; int status; bool ok; enum notice_outcome o; } cases[] = {{NOTICE_WEBHOOK, 200, true, NOTICE_SENT}, {NOTICE_WEBHOOK, 204, true, NOTICE_SENT}, {NOTICE_WEBHOOK, 302, true, NOTICE_LATER},
    {NOTICE_WEBHOOK, 400, true, NOTICE_LATER}, {NOTICE_WEBHOOK, 404, true, NOTICE_LATER}, {NOTICE_WEBHOOK, 410, true, NOTICE_GONE}, {NOTICE_WEBHOOK, 429, true, NOTICE_LATER}, {NOTICE_WEBHOOK, 500, true, NOTICE_LATER},
    {NOTICE_TELEGRAM, 200, false, NOTICE_LATER}, {NOTICE_TELEGRAM, 401, true, NOTICE_OURS}, {NOTICE_TELEGRAM, 403, true, NOTICE_GONE}, {NOTICE_TELEGRAM, 400, true, NOTICE_NEVER}, {NOTICE_TELEGRAM, 429, true, NOTICE_LATER},
    {NOTICE_DISCORD, 204, true, NOTICE_SENT}, {NOTICE_DISCORD, 404, true, NOTICE_GONE}, {NOTICE_DISCORD, 400, true, NOTICE_NEVER}, {NOTICE_SLACK, 404, true, NOTICE_GONE}, {NOTICE_SLACK, 410, true, NOTICE_GONE},
    {NOTICE_SMS, 401, true, NOTICE_OURS}, {NOTICE_SMS, 410, true, NOTICE_LATER}, {NOTICE_SMS, 422, true, NOTICE_NEVER}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) assert_int_equal(notice_judge(cases[i].kind, cases[i].status, cases[i].ok), cases[i].o);
  const int64_t now_s = 1792567680;  // Wed, 21 Oct 2026 07:28:00 GMT
  static const struct { const char *text; int64_t s; } asked[] = {{"120", 120}, {"0.3", 1}, {"99999999999999999999", 86400}, {"-5", -1}, {"", -1}, {"soon", -1}, {"Wed, 21 Oct 2026 07:28:00 GMT", 0},
    {"Wed, 21 Oct 2026 07:30:05 GMT", 125}, {"Wed, 21 Oct 2026 07:27:59 GMT", 0}, {"Sun, 22 Nov 2026 07:28:00 GMT", 86400}, {"Wed, 21 Oct 2026 07:30:05 CET", -1}, {"Wed, 21 Oct 2026 07:30:05 GMT, or so", -1},
    {"Wed, 21 Foo 2026 07:30:05 GMT", -1}, {"Wed, 21 ctN 2026 07:30:05 GMT", -1}, {"Wed, 99 Oct 2026 07:30:05 GMT", -1}, {"Wed, 21 Oct 2026 25:30:05 GMT", -1}, {"Wednesday, 21-Oct-26 07:30:05 GMT", -1}};
  for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
    if (notice_retry_after_s(asked[i].text, now_s) != asked[i].s) fail_msg("%s: %lld", asked[i].text, (long long)notice_retry_after_s(asked[i].text, now_s));
  assert_int_equal(notice_retry_after_s(NULL, now_s), -1);
}

// A day of it: each pause longer than the one before (but for its tenth), the last try when the day is over, then no more.
static void tries(void **state) {
  (void)state;
  for (uint64_t salt = 1; salt < 50; salt++) {
    const int64_t began = 1000 * S;
    int64_t now = began, before = 0;
    int attempts = 0;
    for (;;) {
      const int64_t next = notice_retry_ns(++attempts, began, now, -1, salt, 100);
      if (!next) break;
      assert_true(next > now && next <= began + NOTICE_TRIES_NS);
      if (next != began + NOTICE_TRIES_NS) assert_true((next - now) * 11 / 10 + S >= before);
      before = next - now;
      now = next;
      assert_true(attempts < 30);
    }
    assert_int_equal(now, began + NOTICE_TRIES_NS);
    assert_in_range(attempts, 11, 16);
  }
  assert_in_range(notice_retry_ns(1, 0, 0, -1, 7, 100), 5 * S, 5 * S + S / 2);
  assert_int_equal(notice_retry_ns(1, 0, 0, 60, 7, 100), 60 * S);                   // asked to wait
  assert_int_equal(notice_retry_ns(1, 0, 0, 86400, 7, 100), NOTICE_TRIES_NS);      // but not beyond the day
  assert_in_range(notice_retry_ns(1, 0, 0, -1, 7, 1), 50000000, 55000000);
  assert_true(notice_retry_ns(3, 0, 0, -1, 1, 100) != notice_retry_ns(3, 0, 0, -1, 2, 100));  // not all at once
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(addresses), cmocka_unit_test(where_urls_lead), cmocka_unit_test(signatures), cmocka_unit_test(answers), cmocka_unit_test(tries)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// Tokens: what we make verifies; whatever else a stranger, a thief or a confused client sends does not.
#include "crypto/encode.h"
#include "crypto/hmac.h"
#include "crypto/jwt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define NOW 1790000000
static const uint8_t secret_a[JWT_SECRET_BYTES] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static const uint8_t secret_b[JWT_SECRET_BYTES] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

static struct jwt_keys keys_of(const uint8_t *secret, const char *kid) {
  struct jwt_keys keys;
  assert_int_equal(jwt_keys_init(&keys, "https://perigee.test", "perigee-api", NULL), OK);
  assert_int_equal(jwt_keys_add(&keys, kid, secret, NULL), OK);
  return keys;
}

static struct jwt_claims claims_of(void) {
  return (struct jwt_claims){.sub = "usr_0D3FK7", .tenant = "org_0D3FK8", .sid = "ses_0D3FK9", .roles = {"user", "owner"},
    .role_count = 2, .mfa = true, .iat_s = NOW, .nbf_s = NOW, .exp_s = NOW + 900};
}

static enum jwt_verdict check(const struct jwt_keys *keys, const char *token, int64_t now_s, struct jwt_claims *ret) {
  return jwt_verify(keys, JWT_ACCESS, token, strlen(token), now_s, ret);
}

static void test_round_trip(void **state) {
  (void)state;
  struct jwt_keys keys = keys_of(secret_a, "k1");
  struct jwt_claims claims = claims_of(), back;
  char token[JWT_TOKEN_SIZE];
  assert_int_equal(jwt_make(&keys, JWT_ACCESS, &claims, token, NULL), OK);
  assert_int_equal(check(&keys, token, NOW, &back), JWT_VALID);
  assert_memory_equal(&back, &claims, sizeof back);
  strcpy(claims.act, "usr_0D3FKA");
  *claims.tenant = '\0';
  memset(claims.tenant, 0, sizeof claims.tenant);
  assert_int_equal(jwt_make(&keys, JWT_ACCESS, &claims, token, NULL), OK);
  assert_int_equal(check(&keys, token, NOW, &back), JWT_VALID);
  assert_memory_equal(&back, &claims, sizeof back);
  jwt_keys_finish(&keys);
}

static void test_time(void **state) {
  (void)state;
  struct jwt_keys keys = keys_of(secret_a, "k1");
  struct jwt_claims claims = claims_of(), back;
  char token[JWT_TOKEN_SIZE];
  assert_int_equal(jwt_make(&keys, JWT_ACCESS, &claims, token, NULL), OK);
  assert_int_equal(check(&keys, token, NOW + 899, &back), JWT_VALID);
  assert_int_equal(check(&keys, token, NOW + 900, &back), JWT_EXPIRED);
  assert_int_equal(check(&keys, token, NOW - 5, &back), JWT_VALID);
  assert_int_equal(check(&keys, token, NOW - 6, &back), JWT_NOT_YET);
  assert_string_equal(back.sub, "");
}

static void test_rotation(void **state) {
  (void)state;
  struct jwt_keys old = keys_of(secret_a, "k1"), both = keys_of(secret_a, "k1"), fresh = keys_of(secret_b, "k2");
  assert_int_equal(jwt_keys_add(&both, "k2", secret_b, NULL), OK);
  assert_int_equal(jwt_keys_add(&both, "k2", secret_b, NULL), ERR_EXISTS);
  struct jwt_claims claims = claims_of(), back;
  char token[JWT_TOKEN_SIZE];
  assert_int_equal(jwt_make(&old, JWT_ACCESS, &claims, token, NULL), OK);
  assert_int_equal(check(&both, token, NOW, &back), JWT_VALID);
  assert_int_equal(check(&fresh, token, NOW, &back), JWT_FOREIGN);
  assert_int_equal(jwt_make(&both, JWT_ACCESS, &claims, token, NULL), OK);  // the last key signs
  assert_int_equal(check(&fresh, token, NOW, &back), JWT_VALID);
}

// Every single bit of a token flipped.
static void test_every_bit(void **state) {
  (void)state;
  struct jwt_keys keys = keys_of(secret_a, "k1");
  struct jwt_claims claims = claims_of(), back;
  char token[JWT_TOKEN_SIZE];
  assert_int_equal(jwt_make(&keys, JWT_ACCESS, &claims, token, NULL), OK);
  size_t len = strlen(token);
  for (size_t bit = 0; bit < len * 8; bit++) {
    token[bit / 8] ^= (char)(1 << bit % 8);
    assert_int_not_equal(jwt_verify(&keys, JWT_ACCESS, token, len, NOW, &back), JWT_VALID);
    token[bit / 8] ^= (char)(1 << bit % 8);
  }
  for (size_t n = 0; n < len; n++) assert_int_not_equal(jwt_verify(&keys, JWT_ACCESS, token, n, NOW, &back), JWT_VALID);
  assert_int_equal(check(&keys, token, NOW, &back), JWT_VALID);
}

// A token with this header and body, signed properly with our own key unless it has no signature.
static const char *token_of(const char *header, const char *body, bool is_signed) {
  static char token[4096];
  size_t len = base64url_encode(header, strlen(header), token);
  token[len++] = '.';
  len += base64url_encode(body, strlen(body), token + len);
  uint8_t mac[HMAC_SHA256_BYTES];
  hmac_sha256(secret_a, sizeof secret_a, token, len, mac);
  token[len++] = '.';
  token[len] = '\0';
  if (is_signed) base64url_encode(mac, sizeof mac, token + len);
  return token;
}

#define BODY(inner)                                                                                                   \
  "{\"iss\":\"https://perigee.test\",\"aud\":\"perigee-api\",\"sub\":\"usr_1\",\"sid\":\"ses_1\",\"roles\":[\"user\"]," \
  "\"mfa\":false,\"iat\":1790000000,\"nbf\":1790000000," inner "}"
#define GOOD_HEADER "{\"alg\":\"HS256\",\"kid\":\"k1\",\"typ\":\"at+jwt\"}"
#define GOOD_BODY BODY("\"exp\":1790000900")

static void test_headers(void **state) {
  (void)state;
  struct jwt_keys keys = keys_of(secret_a, "k1");
  struct jwt_claims back;
  assert_int_equal(check(&keys, token_of(GOOD_HEADER, GOOD_BODY, true), NOW, &back), JWT_VALID);
  assert_int_equal(check(&keys, token_of(GOOD_HEADER, GOOD_BODY, false), NOW, &back), JWT_MALFORMED);
  static const char *const foreign[] = {
    "{\"alg\":\"none\",\"kid\":\"k1\",\"typ\":\"at+jwt\"}", "{\"alg\":\"None\"}", "{\"alg\":\"none\"}", "{}", "",
    "{\"alg\":\"HS512\",\"kid\":\"k1\",\"typ\":\"at+jwt\"}", "{\"alg\":\"RS256\",\"kid\":\"k1\",\"typ\":\"at+jwt\"}",
    "{\"alg\":\"HS256\",\"kid\":\"k2\",\"typ\":\"at+jwt\"}", "{\"alg\":\"HS256\",\"kid\":\"../k1\",\"typ\":\"at+jwt\"}",
    "{\"alg\":\"HS256\",\"kid\":\"k1\",\"typ\":\"JWT\"}", "{\"alg\":\"HS256\",\"kid\":\"k1\",\"typ\":\"pending+jwt\"}",
    "{\"typ\":\"at+jwt\",\"kid\":\"k1\",\"alg\":\"HS256\"}", "{\"alg\":\"HS256\",\"kid\":\"k1\",\"typ\":\"at+jwt\",\"crit\":[\"x\"]}",
  };
  for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
    assert_int_equal(check(&keys, token_of(foreign[i], GOOD_BODY, true), NOW, &back), JWT_FOREIGN);
    assert_int_equal(check(&keys, token_of(foreign[i], GOOD_BODY, false), NOW, &back), JWT_FOREIGN);
  }
}

// Bodies that our own key signed and we would still never write.
static void test_bodies(void **state) {
  (void)state;
  struct jwt_keys keys = keys_of(secret_a, "k1");
  struct jwt_claims back;
  static const char *const malformed[] = {
    "", "{}", "[]", "null", "{", "\"x\"", BODY("\"exp\":\"1790000900\""), BODY("\"exp\":1790000900.0"), BODY("\"exp\":-1"),
    BODY("\"exp\":1e20"), BODY("\"exp\":99999999999999999999"), BODY("\"exp\":1790000900,\"exp\":1790000900"),
    BODY("\"exp\":1790000900,\"admin\":true"), BODY("\"nothing\":1"), BODY("\"exp\":1790000900,\"tenant\":7"),
    BODY("\"exp\":1790000900,\"tenant\":\"a\\u0000b\""), BODY("\"exp\":1790000900,\"tenant\":\"a b\""),
    BODY("\"exp\":1790000900,\"act\":\"usr_1\""), BODY("\"exp\":1790000900,\"act\":{}"),
    BODY("\"exp\":1790000900,\"act\":{\"sub\":\"\"}"), BODY("\"exp\":1790000900,\"tenant\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""),
    GOOD_BODY "x",
  };
  for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
    assert_int_equal(check(&keys, token_of(GOOD_HEADER, malformed[i], true), NOW, &back), JWT_MALFORMED);
    assert_string_equal(back.sub, "");
  }
  char other[1024];
  snprintf(other, sizeof other, "%s", GOOD_BODY);
  memcpy(strstr(other, "perigee-api"), "perigee-abi", 11);
  assert_int_equal(check(&keys, token_of(GOOD_HEADER, other, true), NOW, &back), JWT_WRONG_AUDIENCE);
}

// Claims in our very words are read by a short way; spelt otherwise they mean the same, and cut short they mean nothing.
static void test_two_ways(void **state) {
  (void)state;
  struct jwt_keys keys = keys_of(secret_a, "k1");
  struct jwt_claims claims = claims_of(), back;
  strcpy(claims.act, "usr_0D3FKA");
  char token[JWT_TOKEN_SIZE], body[1024], spaced[1100];
  assert_int_equal(jwt_make(&keys, JWT_ACCESS, &claims, token, NULL), OK);
  const char *begin = strchr(token, '.') + 1;
  size_t len;
  assert_int_equal(base64url_decode(begin, strcspn(begin, "."), body, sizeof body - 1, &len), OK);
  body[len] = '\0';
  bool in_text = false;
  for (size_t at = 0; at < len; at++) {
    in_text ^= body[at] == '"';
    if (in_text || !strchr("{}[],:", body[at])) continue;
    snprintf(spaced, sizeof spaced, "%.*s %s", (int)at, body, body + at);
    assert_int_equal(check(&keys, token_of(GOOD_HEADER, spaced, true), NOW, &back), JWT_VALID);
    assert_memory_equal(&back, &claims, sizeof back);
  }
  for (size_t at = 0; at < len; at++) {
    snprintf(spaced, sizeof spaced, "%.*s", (int)at, body);
    assert_int_equal(check(&keys, token_of(GOOD_HEADER, spaced, true), NOW, &back), JWT_MALFORMED);
    snprintf(spaced, sizeof spaced, "%.*s%s", (int)at, body, body + at + 1);  // without one character
    assert_int_not_equal(check(&keys, token_of(GOOD_HEADER, spaced, true), NOW, &back) == JWT_VALID && !memcmp(&back, &claims, sizeof back), 1);
  }
  jwt_keys_finish(&keys);
}

static void test_kinds_and_shapes(void **state) {
  (void)state;
  struct jwt_keys keys = keys_of(secret_a, "k1");
  struct jwt_claims claims = claims_of(), back;
  char token[JWT_TOKEN_SIZE], longer[2 * JWT_TOKEN_SIZE];
  assert_int_equal(jwt_make(&keys, JWT_PENDING, &claims, token, NULL), OK);
  assert_int_equal(check(&keys, token, NOW, &back), JWT_FOREIGN);
  assert_int_equal(jwt_verify(&keys, JWT_PENDING, token, strlen(token), NOW, &back), JWT_VALID);
  assert_int_equal(check(&keys, "", NOW, &back), JWT_MALFORMED);
  assert_int_equal(check(&keys, "..", NOW, &back), JWT_FOREIGN);
  assert_int_equal(check(&keys, "pk_live_abc", NOW, &back), JWT_MALFORMED);
  assert_int_equal(jwt_make(&keys, JWT_ACCESS, &claims, token, NULL), OK);
  snprintf(longer, sizeof longer, "%s.%s", token, "more");
  assert_int_equal(check(&keys, longer, NOW, &back), JWT_MALFORMED);
  memset(longer, 'a', sizeof longer);
  assert_int_equal(jwt_verify(&keys, JWT_ACCESS, longer, sizeof longer, NOW, &back), JWT_MALFORMED);
}

static void test_making(void **state) {
  (void)state;
  struct jwt_keys keys = keys_of(secret_a, "k1"), none;
  struct jwt_claims claims = claims_of();
  char token[JWT_TOKEN_SIZE];
  strcpy(claims.tenant, "a\",\"x\":\"");
  assert_int_equal(jwt_make(&keys, JWT_ACCESS, &claims, token, NULL), ERR_INVALID);
  claims = claims_of();
  *claims.sub = '\0';
  assert_int_equal(jwt_make(&keys, JWT_ACCESS, &claims, token, NULL), ERR_INVALID);
  claims = claims_of();
  assert_int_equal(jwt_keys_init(&none, "iss", "aud", NULL), OK);
  assert_int_equal(jwt_make(&none, JWT_ACCESS, &claims, token, NULL), ERR_INVALID);
  assert_int_equal(jwt_keys_init(&none, "a\"b", "aud", NULL), ERR_INVALID);
  assert_int_equal(jwt_keys_init(&none, "", "aud", NULL), ERR_INVALID);
  // The longest token that claims can make still fits.
  char issuer[64];
  memset(issuer, 'i', 63);
  issuer[63] = '\0';
  assert_int_equal(jwt_keys_init(&none, issuer, "audienceaudienceaudienceaudienc", NULL), OK);
  assert_int_equal(jwt_keys_add(&none, "kkkkkkkkkkkkkkkk", secret_a, NULL), OK);
  assert_int_equal(jwt_keys_add(&none, "kkkkkkkkkkkkkkkkk", secret_a, NULL), ERR_INVALID);
  memset(&claims, 'x', sizeof claims);
  claims.role_count = JWT_ROLES_MAX;
  claims.mfa = true;
  claims.sub[31] = claims.tenant[31] = claims.sid[31] = claims.act[31] = '\0';
  for (int i = 0; i < JWT_ROLES_MAX; i++) claims.roles[i][15] = '\0';
  assert_int_equal(jwt_make(&none, JWT_ACCESS, &claims, token, NULL), OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_round_trip),
    cmocka_unit_test(test_time),
    cmocka_unit_test(test_rotation),
    cmocka_unit_test(test_every_bit),
    cmocka_unit_test(test_headers),
    cmocka_unit_test(test_bodies), cmocka_unit_test(test_two_ways),
    cmocka_unit_test(test_kinds_and_shapes),
    cmocka_unit_test(test_making),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

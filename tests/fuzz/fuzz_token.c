// tests/fuzz/fuzz_token.c – any bytes as an access token, a refresh token, a device, an address block, a mail address or a password: nothing
// that our keys did not sign is valid, whatever is accepted has one spelling, and nothing crashes.
//
// First byte: what the rest is. Bodies behind 's' are signed with the right key, so that the claims' reader is reached.
#include "crypto/encode.h"
#include "crypto/hmac.h"
#include "crypto/jwt.h"
#include "tenant/device.h"
#include "tenant/email.h"
#include "tenant/network.h"
#include "tenant/password_policy.h"
#include "tenant/token.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t secret[JWT_SECRET_BYTES] = "a key that the fuzzer cannot use";

static void signed_body(const struct jwt_keys *keys, const uint8_t *body, size_t size) {
  char token[2 * JWT_TOKEN_SIZE];
  struct jwt_claims c;
  uint8_t mac[HMAC_SHA256_BYTES];
  if (size > 700) return;
  size_t len = keys->key[0].header_len[JWT_ACCESS];
  memcpy(token, keys->key[0].header[JWT_ACCESS], len);
  len += base64url_encode(body, size, token + len);
  hmac_sha256(secret, sizeof secret, token, len, mac);
  token[len++] = '.';
  len += base64url_encode(mac, sizeof mac, token + len);
  if (jwt_verify(keys, JWT_ACCESS, token, len, 1800000000, &c) != JWT_VALID) return;
  assert(c.sub[0] && c.exp_s > 1800000000 && c.role_count <= JWT_ROLES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct jwt_keys keys;
  struct jwt_claims claims;
  uint8_t hash[TOKEN_HASH_BYTES], bytes[256];
  char email[EMAIL_SIZE], again[EMAIL_SIZE], back[512];
  size_t n;
  if (size == 0) return 0;
  char *text = malloc(size);
  assert(text);
  memcpy(text, data + 1, size - 1);
  text[size - 1] = '\0';
  const size_t len = size - 1;
  switch (data[0]) {
  case 's':
  case 'j':
    assert(jwt_keys_init(&keys, "iss", "aud", NULL) == OK && jwt_keys_add(&keys, "k", secret, NULL) == OK);
    if (data[0] == 's') signed_body(&keys, data + 1, len);
    else assert(jwt_verify(&keys, JWT_ACCESS, text, len, 1800000000, &claims) != JWT_VALID);
    break;
  case 'm':
    if (!email_normalise(text, len, email)) break;
    assert(strlen(email) == len && !strpbrk(email, "\r\n <>,;\"") && strchr(email, '@'));
    assert(email_normalise(email, len, again) && !strcmp(email, again));
    break;
  case 'p':
    (void)password_check(text, len, "ann@example.org");
    break;
  case 'n':
    if (network_is_block(text)) (void)network_list_has(text, "192.0.2.1");
    (void)network_list_has("192.0.2.0/24 2001:db8::/32", text);
    (void)network_list_has(text, "2001:db8::1");
    break;
  case 'b':
    if (base64url_decode(text, len, bytes, sizeof bytes, &n) == OK) assert(base64url_encode(bytes, n, back) == len && !memcmp(back, text, len));
    if (hex_decode(text, len, bytes, sizeof bytes, &n) == OK) assert(hex_encode(bytes, n, back) == len && !memcmp(back, text, len));
    break;
  case 'd': {
    struct keys *site = calloc(1, sizeof *site);
    assert(site);
    assert(!device_token_check(site, "ann@example.org", text, 1800000000, back));
    free(site);
    break;
  }
  default:
    (void)token_hash(TOKEN_REFRESH, text, len, hash);
  }
  free(text);
  return 0;
}

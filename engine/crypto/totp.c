// crypto/totp.c – see totp.h.
#include "crypto/totp.h"
#include "crypto/encode.h"
#include "crypto/hmac.h"
#include "crypto/secret.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static void code_of_step(const uint8_t *seed, size_t seed_len, int64_t step, int digits, char *ret_text) {
  assert(digits >= 6 && digits <= 8);
  uint8_t counter[8], mac[HMAC_SHA1_BYTES];
  for (int i = 0; i < 8; i++) counter[i] = (uint8_t)((uint64_t)step >> (56 - 8 * i));
  hmac_sha1(seed, seed_len, counter, sizeof counter, mac);
  unsigned at = mac[HMAC_SHA1_BYTES - 1] & 15;
  uint32_t value = ((uint32_t)(mac[at] & 0x7f) << 24) | (uint32_t)mac[at + 1] << 16 | (uint32_t)mac[at + 2] << 8 | mac[at + 3];
  ret_text[digits] = '\0';
  for (int i = digits - 1; i >= 0; i--, value /= 10) ret_text[i] = (char)('0' + value % 10);
  secret_wipe(mac, sizeof mac);
}

static int64_t step_of(int64_t unix_s) {
  return unix_s >= 0 ? unix_s / TOTP_STEP_S : 0;
}

void totp_code(const uint8_t *seed, size_t seed_len, int64_t unix_s, int digits, char *ret_text) {
  code_of_step(seed, seed_len, step_of(unix_s), digits, ret_text);
}

bool totp_accept(const uint8_t *seed, size_t seed_len, int64_t unix_s, int64_t last_step, const char *code,
  size_t code_len, int64_t *ret_step) {
  *ret_step = 0;
  if (code_len != TOTP_DIGITS) return false;
  bool accepted = false;
  for (int64_t step = step_of(unix_s) - 1; step <= step_of(unix_s); step++) {
    char want[TOTP_DIGITS + 1];
    code_of_step(seed, seed_len, step, TOTP_DIGITS, want);
    bool same = secret_equal(want, code, TOTP_DIGITS);
    if (same && step > last_step) {
      accepted = true;
      *ret_step = step;
    }
    secret_wipe(want, sizeof want);
  }
  return accepted;
}

// Percent-encodes all but RFC 3986's unreserved characters.
static size_t add_escaped(char *out, size_t at, size_t cap, const char *text) {
  for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
    bool plain = (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || strchr("-._~", *p);
    size_t n = plain ? 1 : 3;
    if (at + n >= cap) return cap;
    snprintf(out + at, cap - at, plain ? "%c" : "%%%02X", *p);
    at += n;
  }
  return at;
}

static size_t add_plain(char *out, size_t at, size_t cap, const char *text) {
  size_t len = strlen(text);
  if (at + len >= cap) return cap;
  memcpy(out + at, text, len + 1);
  return at + len;
}

enum status totp_uri(const char *issuer, const char *account, const uint8_t *seed, size_t seed_len, char *ret_uri,
  size_t cap, struct err *err) {
  char base32[BASE32_SIZE(64)];
  if (seed_len > 64 || cap == 0) return err_set(err, ERR_RANGE, "one-time code address: seed of %zu bytes", seed_len);
  base32_encode(seed, seed_len, base32);
  size_t at = add_plain(ret_uri, 0, cap, "otpauth://totp/");
  at = add_escaped(ret_uri, at, cap, issuer);
  at = add_plain(ret_uri, at, cap, ":");
  at = add_escaped(ret_uri, at, cap, account);
  at = add_plain(ret_uri, at, cap, "?secret=");
  at = add_plain(ret_uri, at, cap, base32);
  at = add_plain(ret_uri, at, cap, "&issuer=");
  at = add_escaped(ret_uri, at, cap, issuer);
  secret_wipe(base32, sizeof base32);
  return at >= cap ? err_set(err, ERR_RANGE, "one-time code address does not fit %zu bytes", cap) : OK;
}

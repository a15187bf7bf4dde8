// crypto/totp.h – one-time codes of authenticator apps: RFC 6238 with HMAC-SHA-1, 6 digits and 30 s, which is all that
// common apps know.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOTP_SEED_BYTES 20
#define TOTP_STEP_S 30
#define TOTP_DIGITS 6

// The code of the step that holds unix_s (RFC 6238 §4), as text; digits 6 … 8 (the RFC's vectors have 8).
void totp_code(const uint8_t *seed, size_t seed_len, int64_t unix_s, int digits, char *ret_text);

// Accepts the code of the current step or the one before it (people type slowly; ASVS 6.5.5), each only when its step is
// after last_step: a code seen once is spent (RFC 6238 §5.2). *ret_step is the step to store as the new last_step. Anything
// but TOTP_DIGITS digits is refused. Takes the same time for every code.
bool totp_accept(const uint8_t *seed, size_t seed_len, int64_t unix_s, int64_t last_step, const char *code,
  size_t code_len, int64_t *ret_step);

// otpauth://totp/ISSUER:ACCOUNT?secret=…&issuer=… as apps scan it (Google's key URI format). ERR_RANGE: does not fit.
enum status totp_uri(const char *issuer, const char *account, const uint8_t *seed, size_t seed_len, char *ret_uri,
  size_t cap, struct err *err) MUST_CHECK;

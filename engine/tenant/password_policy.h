// tenant/password_policy.h – which new passwords are accepted (ASVS 5.0 6.2): length and not being what everybody tries first;
// no rules about kinds of characters, no cutting, no expiry.
#pragma once
#include <stddef.h>

#define PASSWORD_MIN_CHARS 8
#define PASSWORD_MAX_BYTES 1024

enum password_verdict {
  PASSWORD_FINE,
  PASSWORD_TOO_SHORT,  // fewer than 8 characters (code points)
  PASSWORD_TOO_LONG,
  PASSWORD_NOT_TEXT,   // not UTF-8, or with control characters: no keyboard makes it again
  PASSWORD_COMMON,     // among the 4,000 most used of at least 8 characters, or one character over and over
  PASSWORD_IS_EMAIL,   // the address, or what stands before its @
};

// email: normalised, or "".
enum password_verdict password_check(const char *password, size_t len, const char *email);
const char *password_verdict_text(enum password_verdict v);  // for people: "needs at least 8 characters"

// tenant/password_policy.c – see password_policy.h.
#include "tenant/password_policy.h"
#include "tenant/common_passwords.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// Code points of UTF-8 (RFC 3629: no surrogates, no overlong forms); -1 for what is not, or holds C0 controls.
static int count_chars(const char *text, size_t len) {
  const uint8_t *p = (const uint8_t *)text, *end = p + len;
  int count = 0;
  for (; p < end; count++) {
    uint8_t c = *p++;
    if (c < 0x20 || c == 0x7f) return -1;
    if (c < 0x80) continue;
    int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
    if (c < 0xc2 || c > 0xf4 || end - p < more) return -1;
    uint32_t v = c & (0x3fu >> more);
    for (int i = 0; i < more; i++, p++) {
      if ((*p & 0xc0) != 0x80) return -1;
      v = v << 6 | (*p & 0x3f);
    }
    if (v < (uint32_t[]){0, 0x80, 0x800, 0x10000}[more] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff)) return -1;
  }
  return count;
}

static int compare(const void *a, const void *b) {
  return strcmp(a, *(const char *const *)b);
}

enum password_verdict password_check(const char *password, size_t len, const char *email) {
  if (len > PASSWORD_MAX_BYTES) return PASSWORD_TOO_LONG;
  int chars = count_chars(password, len);
  if (chars < 0) return PASSWORD_NOT_TEXT;
  if (chars < PASSWORD_MIN_CHARS) return PASSWORD_TOO_SHORT;
  char lower[PASSWORD_MAX_BYTES + 1];
  bool same = true;
  for (size_t i = 0; i < len; i++) {
    lower[i] = password[i] >= 'A' && password[i] <= 'Z' ? (char)(password[i] + 32) : password[i];
    same &= lower[i] == lower[0];
  }
  lower[len] = '\0';
  if (same || bsearch(lower, common_passwords, sizeof common_passwords / sizeof *common_passwords, sizeof *common_passwords,
                compare))
    return PASSWORD_COMMON;
  size_t local = strcspn(email, "@");
  if (*email && (!strcmp(lower, email) || (local == len && !memcmp(lower, email, len)))) return PASSWORD_IS_EMAIL;
  return PASSWORD_FINE;
}

const char *password_verdict_text(enum password_verdict v) {
  static const char *const texts[] = {
    [PASSWORD_FINE] = "is fine", [PASSWORD_TOO_SHORT] = "needs at least 8 characters",
    [PASSWORD_TOO_LONG] = "has more than 1024 bytes", [PASSWORD_NOT_TEXT] = "must be text without control characters",
    [PASSWORD_COMMON] = "is among the most used passwords", [PASSWORD_IS_EMAIL] = "must not be the mail address",
  };
  return texts[v];
}

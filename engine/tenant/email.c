// tenant/email.c – see email.h.
#include "tenant/email.h"

#include <string.h>

#define LOCAL_MAX 64
#define LABEL_MAX 63

static bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool email_normalise(const char *text, size_t len, char ret_email[EMAIL_SIZE]) {
  *ret_email = '\0';
  if (len < 6 || len >= EMAIL_SIZE) return false;
  char out[EMAIL_SIZE];
  for (size_t i = 0; i < len; i++) out[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 32) : text[i];
  out[len] = '\0';
  const char *at = memchr(out, '@', len);
  if (!at || at == out || at - out > LOCAL_MAX) return false;
  for (const char *p = out; p < at; p++) {
    bool dot = *p == '.' && p > out && p + 1 < at && p[-1] != '.';
    if (!dot && !is_alnum(*p) && (!*p || !strchr("!#$%&'*+-/=?^_`{|}~", *p))) return false;
  }
  int labels = 0;
  bool letter = false;  // in the last label: 1.2.3.4 is no domain
  for (const char *p = at + 1; p <= out + len; labels++) {
    const char *end = p;
    letter = false;
    while (end < out + len && *end != '.') {
      if (!is_alnum(*end) && *end != '-') return false;
      letter |= *end >= 'a' && *end <= 'z';
      end++;
    }
    if (end == p || end - p > LABEL_MAX || *p == '-' || end[-1] == '-') return false;
    p = end + 1;
  }
  if (labels < 2 || !letter) return false;
  memcpy(ret_email, out, len + 1);
  return true;
}

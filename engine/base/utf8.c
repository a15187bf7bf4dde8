// base/utf8.c – see utf8.h. What is well-formed: RFC 3629 §4.
#include "base/utf8.h"

#include <string.h>

// Bytes of the character that text begins with; 0: it is none. Neither overlong, nor a surrogate, nor beyond U+10FFFF.
static size_t length_of(const unsigned char *p) {
  if (p[0] < 0x80) return 1;
  const size_t n = p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;
  const unsigned char least = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80, most = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
  if (n == 0 || p[1] < least || p[1] > most) return 0;
  for (size_t i = 2; i < n; i++)
    if ((p[i] & 0xc0) != 0x80) return 0;  // also the end of the text
  return n;
}

void utf8_mend(char *text) {
  for (char *p = text; *p;) {
    const size_t n = length_of((const unsigned char *)p);
    if (n == 0) *p = '?';
    p += n ? n : 1;
  }
}

void utf8_copy(char *to, size_t size, const char *from) {
  size_t at = 0;
  while (*from) {
    const size_t n = length_of((const unsigned char *)from), bytes = n ? n : 1;
    if (at + bytes >= size) break;
    if (n) memcpy(to + at, from, n);
    else to[at] = '?';
    at += bytes, from += bytes;
  }
  to[at] = '\0';
}

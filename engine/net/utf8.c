// net/utf8.c – see utf8.h. The ranges are those of RFC 3629 §4.
#include "net/utf8.h"

#include <string.h>

bool utf8_feed(struct utf8 *u, const char *bytes, size_t len) {
  const uint8_t *at = (const uint8_t *)bytes, *end = at + len;
  while (at < end) {
    if (u->left > 0) {
      if (*at < u->low || *at > u->high) return false;
      *u = (struct utf8){(uint8_t)(u->left - 1), 0x80, 0xbf};
      at++;
      continue;
    }
    uint64_t eight;
    while (end - at >= 8 && (memcpy(&eight, at, 8), (eight & 0x8080808080808080u) == 0)) at += 8;
    if (at == end) break;
    uint8_t c = *at++;
    if (c < 0x80) continue;
    if (c >= 0xc2 && c <= 0xdf) *u = (struct utf8){1, 0x80, 0xbf};
    else if (c == 0xe0) *u = (struct utf8){2, 0xa0, 0xbf};
    else if (c == 0xed) *u = (struct utf8){2, 0x80, 0x9f};
    else if (c >= 0xe1 && c <= 0xef) *u = (struct utf8){2, 0x80, 0xbf};
    else if (c == 0xf0) *u = (struct utf8){3, 0x90, 0xbf};
    else if (c >= 0xf1 && c <= 0xf3) *u = (struct utf8){3, 0x80, 0xbf};
    else if (c == 0xf4) *u = (struct utf8){3, 0x80, 0x8f};
    else return false;
  }
  return true;
}

// net/utf8.h – is this UTF-8? Piece by piece, as it arrives; strict (RFC 3629: no surrogates, nothing overlong). Inside net/.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// All zero: between characters.
struct utf8 {
  uint8_t left;      // bytes of this character still to come
  uint8_t low, high; // what the next byte may be
};

// false: these bytes cannot continue.
bool utf8_feed(struct utf8 *u, const char *bytes, size_t len);
static inline bool utf8_whole(const struct utf8 *u) {
  return u->left == 0;
}

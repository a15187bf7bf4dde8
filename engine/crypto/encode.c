// crypto/encode.c – see encode.h. All three are groups of bits under an alphabet, so one pair of loops serves them.
// Secrets pass through here; digits are looked up by comparison, not by a table indexed with the secret.
#include "crypto/encode.h"

#include <stdbool.h>

enum alphabet { BASE64URL, BASE32, HEX };
static const unsigned bits_of[] = {[BASE64URL] = 6, [BASE32] = 5, [HEX] = 4};

static char to_char(enum alphabet alphabet, unsigned v) {
  switch (alphabet) {
  case BASE64URL:
    return (char)(v < 26 ? 'A' + v : v < 52 ? 'a' + (v - 26) : v < 62 ? '0' + (v - 52) : v == 62 ? '-' : '_');
  case BASE32: return (char)(v < 26 ? 'A' + v : '2' + (v - 26));
  case HEX: return (char)(v < 10 ? '0' + v : 'a' + (v - 10));
  }
  return '\0';
}

// -1: not of this alphabet.
static int from_char(enum alphabet alphabet, char c) {
  bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z', digit = c >= '0' && c <= '9';
  switch (alphabet) {
  case BASE64URL: return upper ? c - 'A' : lower ? c - 'a' + 26 : digit ? c - '0' + 52 : c == '-' ? 62 : c == '_' ? 63 : -1;
  case BASE32: return upper ? c - 'A' : lower ? c - 'a' : c >= '2' && c <= '7' ? c - '2' + 26 : -1;
  case HEX: return digit ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  }
  return -1;
}

static size_t encode(enum alphabet alphabet, const uint8_t *bytes, size_t len, char *ret_text) {
  unsigned width = bits_of[alphabet], have = 0;
  uint32_t acc = 0;
  size_t n = 0;
  for (size_t i = 0; i < len; i++) {
    acc = acc << 8 | bytes[i];
    have += 8;
    while (have >= width) {
      have -= width;
      ret_text[n++] = to_char(alphabet, acc >> have & ((1u << width) - 1));
    }
  }
  if (have) ret_text[n++] = to_char(alphabet, acc << (width - have) & ((1u << width) - 1));
  ret_text[n] = '\0';
  return n;
}

static enum status decode(enum alphabet alphabet, const char *text, size_t text_len, uint8_t *ret_bytes, size_t cap,
  size_t *ret_len) {
  unsigned width = bits_of[alphabet], have = 0;
  uint32_t acc = 0;
  size_t n = 0;
  *ret_len = 0;
  for (size_t i = 0; i < text_len; i++) {
    int v = from_char(alphabet, text[i]);
    if (v < 0) return ERR_INVALID;
    acc = acc << width | (unsigned)v;
    have += width;
    if (have >= 8) {
      have -= 8;
      if (n == cap) return ERR_RANGE;
      ret_bytes[n++] = (uint8_t)(acc >> have);
    }
  }
  // A whole digit too many, or bits that no byte filled.
  if (have >= width || (acc & ((1u << have) - 1))) return ERR_INVALID;
  *ret_len = n;
  return OK;
}

size_t base64url_encode(const void *bytes, size_t len, char *ret_text) {
  return encode(BASE64URL, bytes, len, ret_text);
}

size_t base32_encode(const void *bytes, size_t len, char *ret_text) {
  return encode(BASE32, bytes, len, ret_text);
}

size_t hex_encode(const void *bytes, size_t len, char *ret_text) {
  return encode(HEX, bytes, len, ret_text);
}

enum status base64url_decode(const char *text, size_t text_len, void *ret_bytes, size_t cap, size_t *ret_len) {
  return decode(BASE64URL, text, text_len, ret_bytes, cap, ret_len);
}

enum status base32_decode(const char *text, size_t text_len, void *ret_bytes, size_t cap, size_t *ret_len) {
  return decode(BASE32, text, text_len, ret_bytes, cap, ret_len);
}

enum status hex_decode(const char *text, size_t text_len, void *ret_bytes, size_t cap, size_t *ret_len) {
  return decode(HEX, text, text_len, ret_bytes, cap, ret_len);
}

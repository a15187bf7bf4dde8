#include "backtest/json_valid.h"

#include <stdint.h>
#include <string.h>

struct scan {
  const unsigned char *p, *end;
};

static void skip_space(struct scan *s) {
  while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\t' || *s->p == '\r')) s->p++;
}

static bool is_hex(unsigned char c) { return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f'); }
static bool is_digit(const struct scan *s) { return s->p < s->end && *s->p >= '0' && *s->p <= '9'; }

// One character of more than a byte: no surrogates, nothing overlong, nothing beyond U+10FFFF.
static bool long_character(struct scan *s) {
  unsigned char c = *s->p++;
  int more = c >= 0xc2 && c <= 0xdf ? 1 : c >= 0xe0 && c <= 0xef ? 2 : c >= 0xf0 && c <= 0xf4 ? 3 : 0;
  unsigned char low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80, high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
  if (more == 0 || s->end - s->p < more) return false;
  for (int i = 0; i < more; i++, low = 0x80, high = 0xbf) {
    if (*s->p < low || *s->p > high) return false;
    s->p++;
  }
  return true;
}

static bool text(struct scan *s) {
  if (s->p == s->end || *s->p++ != '"') return false;
  while (s->p < s->end) {
    unsigned char c = *s->p;
    if (c == '"') {
      s->p++;
      return true;
    }
    if (c >= 0x80) {
      if (!long_character(s)) return false;
    } else if (c < 0x20) {
      return false;
    } else if (c != '\\') {
      s->p++;
    } else {
      if (s->end - s->p < 2 || !memchr("\"\\/bfnrtu", s->p[1], 9)) return false;
      bool code = s->p[1] == 'u';
      s->p += 2;
      if (!code) continue;
      if (s->end - s->p < 4) return false;
      for (int i = 0; i < 4; i++)
        if (!is_hex(*s->p++)) return false;
    }
  }
  return false;
}

static bool digits(struct scan *s) {
  if (!is_digit(s)) return false;
  while (is_digit(s)) s->p++;
  return true;
}

static bool number(struct scan *s) {
  if (*s->p == '-') s->p++;
  if (!is_digit(s)) return false;
  if (*s->p == '0') s->p++;
  else digits(s);
  if (s->p < s->end && *s->p == '.') {
    s->p++;
    if (!digits(s)) return false;
  }
  if (s->p < s->end && (*s->p | 32) == 'e') {
    s->p++;
    if (s->p < s->end && (*s->p == '+' || *s->p == '-')) s->p++;
    return digits(s);
  }
  return true;
}

static bool word(struct scan *s, const char *w) {
  size_t n = strlen(w);
  if ((size_t)(s->end - s->p) < n || memcmp(s->p, w, n) != 0) return false;
  s->p += n;
  return true;
}

static bool key(struct scan *s) {
  skip_space(s);
  if (!text(s)) return false;
  skip_space(s);
  return s->p < s->end && *s->p++ == ':';
}

// A loop, not a recursion: the closers that are still to come stand in a small stack.
bool json_valid_object(const char *bytes, size_t len) {
  struct scan s = {(const unsigned char *)bytes, (const unsigned char *)bytes + len};
  char closers[JSON_VALID_DEPTH_MAX];
  int depth = 0;
  skip_space(&s);
  if (s.p == s.end || *s.p != '{') return false;
  for (;;) {  // at a value
    skip_space(&s);
    if (s.p == s.end) return false;
    bool opened = false;
    switch (*s.p) {
      case '{': case '[':
        if (depth == JSON_VALID_DEPTH_MAX) return false;
        closers[depth++] = *s.p++ == '{' ? '}' : ']';
        skip_space(&s);
        opened = !(s.p < s.end && *s.p == closers[depth - 1]);
        break;
      case '"':
        if (!text(&s)) return false;
        break;
      case 't': if (!word(&s, "true")) return false; break;
      case 'f': if (!word(&s, "false")) return false; break;
      case 'n': if (!word(&s, "null")) return false; break;
      default:
        if (!number(&s)) return false;
    }
    if (!opened) {  // after a value: what ends here, ends
      skip_space(&s);
      while (depth > 0 && s.p < s.end && *s.p == closers[depth - 1]) {
        s.p++;
        depth--;
        skip_space(&s);
      }
      if (depth == 0) return s.p == s.end;
      if (s.p == s.end || *s.p++ != ',') return false;
    }
    if (closers[depth - 1] == '}' && !key(&s)) return false;
  }
}

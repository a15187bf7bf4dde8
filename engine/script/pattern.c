#include "script/pattern.h"

#include <stdbool.h>
#include <string.h>

enum { OPEN = -1 };

void pattern_init(struct pattern *m, const char *subject, size_t subject_len, const char *text, size_t text_len,
                  void (*poll)(void *arg), void *poll_arg) {
  m->subject = subject;
  m->subject_end = subject + subject_len;
  m->end = text + text_len;
  m->poll = poll;
  m->poll_arg = poll_arg;
  m->captures = 0;
  m->error = NULL;
  m->steps = 0;
  m->depth = 0;
}

static inline void step(struct pattern *m) {
  if (++m->steps % PATTERN_POLL_STEPS == 0 && m->poll != NULL) m->poll(m->poll_arg);
}

static const char *fail(struct pattern *m, const char *why) {
  if (m->error == NULL) m->error = why;
  return NULL;
}

// ---- classes

static bool lower(unsigned c) { return c - 'a' < 26; }
static bool upper(unsigned c) { return c - 'A' < 26; }
static bool digit(unsigned c) { return c - '0' < 10; }
static bool graph(unsigned c) { return c > 32 && c < 127; }

static bool in_class(unsigned char c, unsigned char letter) {
  bool r;
  switch (letter | 0x20) {
    case 'a': r = lower(c) || upper(c); break;
    case 'c': r = c < 32 || c == 127; break;
    case 'd': r = digit(c); break;
    case 'g': r = graph(c); break;
    case 'l': r = lower(c); break;
    case 'p': r = graph(c) && !lower(c) && !upper(c) && !digit(c); break;
    case 's': r = c == ' ' || (c >= '\t' && c <= '\r'); break;
    case 'u': r = upper(c); break;
    case 'w': r = lower(c) || upper(c) || digit(c); break;
    case 'x': r = digit(c) || (unsigned)(c | 0x20) - 'a' < 6; break;
    default: return letter == c;
  }
  return upper(letter) ? !r : r;
}

// p stands at '[', close at the matching ']'
static bool in_set(unsigned char c, const char *p, const char *close) {
  bool sense = true;
  if (p[1] == '^') {
    sense = false;
    p++;
  }
  while (++p < close) {
    if (*p == '%') {
      p++;
      if (in_class(c, (unsigned char)*p)) return sense;
    } else if (p[1] == '-' && p + 2 < close) {
      p += 2;
      if ((unsigned char)p[-2] <= c && c <= (unsigned char)*p) return sense;
    } else if ((unsigned char)*p == c) {
      return sense;
    }
  }
  return !sense;
}

// The end of the single item (character, class or set) at p.
static const char *item_end(struct pattern *m, const char *p) {
  char c = *p++;
  if (c == '%') {
    if (p == m->end) return fail(m, "malformed pattern (ends with '%')");
    return p + 1;
  }
  if (c != '[') return p;
  if (p < m->end && *p == '^') p++;
  do {  // the first ']' of a set is a member
    if (p == m->end) return fail(m, "malformed pattern (missing ']')");
    if (*p++ == '%') {
      if (p == m->end) return fail(m, "malformed pattern (missing ']')");
      p++;
    }
  } while (p == m->end || *p != ']');
  return p + 1;
}

static bool single(struct pattern *m, const char *s, const char *p, const char *ep) {
  step(m);
  if (s >= m->subject_end) return false;
  unsigned char c = (unsigned char)*s;
  switch (*p) {
    case '.': return true;
    case '%': return in_class(c, (unsigned char)p[1]);
    case '[': return in_set(c, p, ep - 1);
    default: return (unsigned char)*p == c;
  }
}

// ---- items

static const char *match_balance(struct pattern *m, const char *s, const char *p) {
  if (m->end - p < 2) return fail(m, "malformed pattern (missing arguments to '%b')");
  if (s >= m->subject_end || *s != *p) return NULL;
  char open = p[0], close = p[1];
  size_t depth = 1;
  while (++s < m->subject_end) {
    step(m);
    if (*s == close) {
      if (--depth == 0) return s + 1;
    } else if (*s == open) {
      depth++;
    }
  }
  return NULL;
}

static const char *match_here(struct pattern *m, const char *s, const char *p);

static const char *max_expand(struct pattern *m, const char *s, const char *p, const char *ep) {
  ptrdiff_t i = 0;
  while (single(m, s + i, p, ep)) i++;
  for (; i >= 0; i--) {
    step(m);
    const char *r = match_here(m, s + i, ep + 1);
    if (r != NULL || m->error != NULL) return r;
  }
  return NULL;
}

static const char *min_expand(struct pattern *m, const char *s, const char *p, const char *ep) {
  for (;;) {
    const char *r = match_here(m, s, ep + 1);
    if (r != NULL || m->error != NULL) return r;
    if (!single(m, s, p, ep)) return NULL;
    s++;
  }
}

static const char *open_capture(struct pattern *m, const char *s, const char *p, ptrdiff_t kind) {
  if (m->captures >= PATTERN_CAPTURES_MAX) return fail(m, "too many captures");
  m->capture[m->captures] = (struct pattern_capture){ .at = s, .len = kind };
  m->captures++;
  const char *r = match_here(m, s, p);
  if (r == NULL) m->captures--;
  return r;
}

static const char *close_capture(struct pattern *m, const char *s, const char *p) {
  int k = m->captures - 1;
  while (k >= 0 && m->capture[k].len != OPEN) k--;
  if (k < 0) return fail(m, "invalid pattern capture");
  m->capture[k].len = s - m->capture[k].at;
  const char *r = match_here(m, s, p);
  if (r == NULL) m->capture[k].len = OPEN;
  return r;
}

static const char *match_back(struct pattern *m, const char *s, unsigned char digit_char) {
  int k = digit_char - '1';
  if (k < 0 || k >= m->captures || m->capture[k].len == OPEN) return fail(m, "invalid capture index in pattern");
  ptrdiff_t len = m->capture[k].len;
  if (len < 0) return NULL;  // a position is no text
  m->steps += (unsigned)(len / 16);
  if (m->subject_end - s < len || memcmp(m->capture[k].at, s, (size_t)len) != 0) return NULL;
  step(m);
  return s + len;
}

static const char *match_items(struct pattern *m, const char *s, const char *p) {
  while (p != m->end) {
    step(m);
    if (*p == '(') {
      if (p + 1 < m->end && p[1] == ')') return open_capture(m, s, p + 2, PATTERN_POSITION);
      return open_capture(m, s, p + 1, OPEN);
    }
    if (*p == ')') return close_capture(m, s, p + 1);
    if (*p == '$' && p + 1 == m->end) return s == m->subject_end ? s : NULL;
    if (*p == '%' && p + 1 < m->end) {
      unsigned char next = (unsigned char)p[1];
      if (next == 'b') {
        s = match_balance(m, s, p + 2);
        if (s == NULL) return NULL;
        p += 4;
        continue;
      }
      if (next == 'f') {
        p += 2;
        if (p == m->end || *p != '[') return fail(m, "missing '[' after '%f' in pattern");
        const char *ep = item_end(m, p);
        if (ep == NULL) return NULL;
        unsigned char before = s == m->subject ? 0 : (unsigned char)s[-1], here = s < m->subject_end ? (unsigned char)*s : 0;
        if (in_set(before, p, ep - 1) || !in_set(here, p, ep - 1)) return NULL;
        p = ep;
        continue;
      }
      if (digit(next)) {
        s = match_back(m, s, next);
        if (s == NULL) return NULL;
        p += 2;
        continue;
      }
    }
    const char *ep = item_end(m, p);
    if (ep == NULL) return NULL;
    char suffix = ep < m->end ? *ep : '\0';
    if (suffix == '*') return max_expand(m, s, p, ep);
    if (suffix == '-') return min_expand(m, s, p, ep);
    bool one = single(m, s, p, ep);
    if (suffix == '+') return one ? max_expand(m, s + 1, p, ep) : NULL;
    if (suffix == '?') {
      if (one) {
        const char *r = match_here(m, s + 1, ep + 1);
        if (r != NULL || m->error != NULL) return r;
      }
      p = ep + 1;
      continue;
    }
    if (!one) return NULL;
    s++;
    p = ep;
  }
  return s;
}

static const char *match_here(struct pattern *m, const char *s, const char *p) {
  if (m->depth >= PATTERN_DEPTH_MAX) return fail(m, "pattern too complex");
  m->depth++;
  const char *r = match_items(m, s, p);
  m->depth--;
  return r;
}

const char *pattern_match(struct pattern *m, const char *s, const char *p) {
  m->captures = 0;
  m->depth = 0;
  const char *r = match_here(m, s, p);
  return m->error == NULL ? r : NULL;
}

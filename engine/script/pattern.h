// script/pattern.h – Lua's patterns, matched with a step count. Pure C: knows nothing of Lua, so it is tested alone.
//
// The language is that of Lua's manual, §6.4.1, frontier and balance included. Matching backtracks and can take exponential
// time, hence the poll; recursion is bounded. Case classes are those of ASCII.
#pragma once
#include <stddef.h>

#define PATTERN_CAPTURES_MAX 32
#define PATTERN_DEPTH_MAX 200
#define PATTERN_POLL_STEPS 256

enum { PATTERN_POSITION = -2 };  // length of a position capture, "()"

struct pattern_capture {
  const char *at;
  ptrdiff_t len;
};

struct pattern {
  const char *subject, *subject_end;
  const char *end;  // of the pattern
  // Called every PATTERN_POLL_STEPS steps; may longjmp. May be NULL.
  void (*poll)(void *arg);
  void *poll_arg;
  // results
  int captures;
  struct pattern_capture capture[PATTERN_CAPTURES_MAX];
  const char *error;  // NULL, or what is wrong with the pattern
  // private
  unsigned steps;
  int depth;
};

void pattern_init(struct pattern *m, const char *subject, size_t subject_len, const char *text, size_t text_len,
                  void (*poll)(void *arg), void *poll_arg);
// Matches the pattern text p (up to m->end, without a leading '^') at s. Returns the end of the match, or NULL: no match, or
// m->error is set. May be called again for another s.
const char *pattern_match(struct pattern *m, const char *s, const char *p);

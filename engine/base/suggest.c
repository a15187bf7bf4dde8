// base/suggest.c – optimal string alignment distance on three rows; words longer than the rows are not compared.
#include "base/suggest.h"

#include <string.h>

enum { WORD_MAX = 64 };

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int min_int(int a, int b) {
  return a < b ? a : b;
}

static int edit_distance(const char *a, size_t n, const char *b, size_t m) {
  int rows[3][WORD_MAX + 1];
  int *before = rows[0], *last = rows[1], *now = rows[2];
  for (size_t j = 0; j <= m; j++) {
    before[j] = 0;
    last[j] = (int)j;
  }
  for (size_t i = 1; i <= n; i++) {
    now[0] = (int)i;
    for (size_t j = 1; j <= m; j++) {
      char x = lower(a[i - 1]), y = lower(b[j - 1]);
      now[j] = min_int(min_int(last[j], now[j - 1]) + 1, last[j - 1] + (x != y));
      if (i > 1 && j > 1 && x == lower(b[j - 2]) && lower(a[i - 2]) == y) now[j] = min_int(now[j], before[j - 2] + 1);
    }
    int *spare = before;
    before = last, last = now, now = spare;
  }
  return last[m];
}

const char *suggest_nearest(const char *word, const char *const *list, size_t n) {
  size_t len = strnlen(word, WORD_MAX + 1);
  if (len == 0 || len > WORD_MAX) return NULL;
  int near_enough = len <= 4 ? 1 : len <= 7 ? 2 : 3;
  const char *best = NULL;
  for (size_t i = 0; i < n; i++) {
    size_t m = list[i] ? strnlen(list[i], WORD_MAX + 1) : 0;
    if (m == 0 || m > WORD_MAX) continue;
    int d = edit_distance(word, len, list[i], m);
    if (d <= near_enough) {
      best = list[i];
      near_enough = d - 1;
    }
  }
  return best;
}

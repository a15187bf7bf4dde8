// Unified diffs: hunks by hand, and every diff of random texts rebuilds the second text from the first.
#include "tenant/text_diff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *diff(const char *a, const char *b) {
  struct buf out;
  struct err err;
  buf_init(&out, 1 << 22);
  assert_int_equal(text_diff(&out, "v1", a, strlen(a), "v2", b, strlen(b), &err), OK);
  char *text = strdup(out.len > 0 ? out.data : "");
  buf_finish(&out);
  return text;
}

static void check(const char *a, const char *b, const char *want) {
  char *got = diff(a, b);
  if (strcmp(got, want) != 0) fail_msg("got:\n%swant:\n%s", got, want);
  free(got);
}

static void by_hand(void **state) {
  (void)state;
  check("a\nb\n", "a\nb\n", "");
  check("", "", "");
  check("", "a\n", "--- v1\n+++ v2\n@@ -0,0 +1 @@\n+a\n");
  check("a\n", "", "--- v1\n+++ v2\n@@ -1 +0,0 @@\n-a\n");
  check("a\nb\nc\n", "a\nx\nc\n", "--- v1\n+++ v2\n@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n");
  check("a", "a\n", "--- v1\n+++ v2\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n");
  check("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n5\n6\n7\n8\n9\n",
    "--- v1\n+++ v2\n@@ -2,6 +2,7 @@\n 2\n 3\n 4\n+x\n 5\n 6\n 7\n");
  // two changes far apart: two hunks
  check("a\n1\n2\n3\n4\n5\n6\n7\n8\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\n8\nB\n",
    "--- v1\n+++ v2\n@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -7,4 +7,4 @@\n 6\n 7\n 8\n-b\n+B\n");
  // near ones: one
  check("a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n",
    "--- v1\n+++ v2\n@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n");
}

// Applies a unified diff, checking every line of context and of the numbers.
static char *apply(const char *a, const char *patch) {
  char *out = calloc(1, strlen(a) + strlen(patch) + 1);
  const char *p = strstr(patch, "\n@@");
  size_t at = 0, line = 1, produced = 0;  // position in a; its line; lines written
  if (p == NULL) return strcat(out, a);
  p++;
  while (*p != '\0') {
    if (p[0] == '@') {
      size_t from, count = 1, to, to_count = 1;
      char *end;
      from = strtoul(p + 4, &end, 10);
      if (*end == ',') count = strtoul(end + 1, &end, 10);
      to = strtoul(end + 2, &end, 10);
      if (*end == ',') to_count = strtoul(end + 1, &end, 10);
      if (count == 0) from++;
      while (line < from) {
        const char *next = strchr(a + at, '\n');
        size_t len = (size_t)(next + 1 - (a + at));
        strncat(out, a + at, len);
        at += len;
        line++, produced++;
      }
      assert_true(produced + (to_count > 0) == to);
      p = strchr(p, '\n') + 1;
      continue;
    }
    const char *next = strchr(p, '\n');
    size_t len = (size_t)(next + 1 - p) - 1;
    bool no_newline = next[1] == '\\';
    if (no_newline) len--;
    if (p[0] != '+') {
      assert_memory_equal(a + at, p + 1, len);
      at += len;
      line++;
    }
    if (p[0] != '-') {
      strncat(out, p + 1, len);
      produced++;
    }
    p = next + 1;
    if (no_newline) p = strchr(p, '\n') + 1;
  }
  return strcat(out, a + at);
}

static uint32_t seed = 1;
static uint32_t draw(uint32_t n) {
  seed = seed * 1664525u + 1013904223u;
  return (seed >> 8) % n;
}

static void random_texts_round_trip(void **state) {
  (void)state;
  for (int round = 0; round < 2000; round++) {
    char a[512] = "", b[512] = "", line[8];
    unsigned n = draw(30), kinds = 2 + draw(8);
    for (unsigned i = 0; i < n; i++) {
      snprintf(line, sizeof line, "%u\n", draw(kinds));
      strcat(a, line);
      if (draw(4) != 0) strcat(b, line);
      if (draw(6) == 0) strcat(b, "new\n");
    }
    if (draw(5) == 0 && a[0] != '\0') a[strlen(a) - 1] = '\0';
    if (draw(5) == 0 && b[0] != '\0') b[strlen(b) - 1] = '\0';
    char *patch = diff(a, b), *again = apply(a, patch);
    if (strcmp(again, b) != 0) fail_msg("a:\n%s\nb:\n%s\npatch:\n%s\ngot:\n%s", a, b, patch, again);
    free(patch);
    free(again);
  }
}

// 4,096 lines against others: bounded by the fallback, still a true diff.
static void huge_texts_are_bounded(void **state) {
  (void)state;
  size_t n = 4096;
  char *a = malloc(2 * n + 1), *b = malloc(2 * n + 1);
  for (size_t i = 0; i < n; i++) {
    a[2 * i] = (char)('a' + i % 7), b[2 * i] = (char)('b' + i % 11);
    a[2 * i + 1] = b[2 * i + 1] = '\n';
  }
  a[2 * n] = b[2 * n] = '\0';
  char *patch = diff(a, b), *again = apply(a, patch);
  assert_string_equal(again, b);
  free(a);
  free(b);
  free(patch);
  free(again);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(by_hand),
    cmocka_unit_test(random_texts_round_trip),
    cmocka_unit_test(huge_texts_are_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tenant/text_diff.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct line {
  const char *text;
  size_t len;  // with its newline; the last line of a text may have none
};

struct lines {
  struct line *at;
  size_t n;
};

static bool split(const char *text, size_t len, struct lines *ret) {
  size_t n = 0;
  for (const char *p = text, *end = text + len; p < end; n++) {
    const char *newline = memchr(p, '\n', (size_t)(end - p));
    p = newline != NULL ? newline + 1 : end;
  }
  ret->n = 0;
  ret->at = malloc((n + 1) * sizeof *ret->at);
  if (ret->at == NULL) return false;
  for (const char *p = text, *end = text + len; p < end;) {
    const char *newline = memchr(p, '\n', (size_t)(end - p)), *next = newline != NULL ? newline + 1 : end;
    ret->at[ret->n++] = (struct line){p, (size_t)(next - p)};
    p = next;
  }
  return true;
}

static bool same(const struct line *x, const struct line *y) {
  return x->len == y->len && memcmp(x->text, y->text, x->len) == 0;
}

// Marks the lines that stay: keep_a[i] and keep_b[j] are true for the pairs of a longest common subsequence of the middles.
static bool match_middle(const struct line *a, size_t n, const struct line *b, size_t m, bool *keep_a, bool *keep_b) {
  if (n == 0 || m == 0 || n > TEXT_DIFF_CELLS_MAX / m) return true;
  uint32_t *best = malloc((n + 1) * (m + 1) * sizeof *best);  // best[i][j]: the longest of a[i…] and b[j…]
  if (best == NULL) return false;
  size_t width = m + 1;
  for (size_t j = 0; j <= m; j++) best[n * width + j] = 0;
  for (size_t i = n; i-- > 0;) {
    best[i * width + m] = 0;
    for (size_t j = m; j-- > 0;) {
      uint32_t down = best[(i + 1) * width + j], right = best[i * width + j + 1];
      best[i * width + j] = same(&a[i], &b[j]) ? best[(i + 1) * width + j + 1] + 1 : down >= right ? down : right;
    }
  }
  for (size_t i = 0, j = 0; i < n && j < m;) {
    if (same(&a[i], &b[j]))
      keep_a[i++] = keep_b[j++] = true;
    else if (best[(i + 1) * width + j] >= best[i * width + j + 1])
      i++;
    else
      j++;
  }
  free(best);
  return true;
}

static void print_line(struct buf *out, char mark, const struct line *line) {
  buf_add(out, &mark, 1);
  buf_add(out, line->text, line->len);
  if (line->text[line->len - 1] != '\n') buf_str(out, "\n\\ No newline at end of file\n");
}

// A range as diff writes it: an empty one names the line before it.
static void print_range(struct buf *out, char mark, size_t start, size_t count) {
  buf_printf(out, "%c%zu", mark, count == 0 ? start : start + 1);
  if (count != 1) buf_printf(out, ",%zu", count);
}

static void print_hunks(
  struct buf *out, const struct lines *a, const bool *keep_a, const struct lines *b, const bool *keep_b) {
  size_t i = 0, j = 0;
  while (i < a->n || j < b->n) {
    if (i < a->n && j < b->n && keep_a[i] && keep_b[j]) {
      i++, j++;
      continue;
    }
    // A hunk begins at a change and goes on until more than twice the context stays the same.
    size_t back = i < TEXT_DIFF_CONTEXT ? i : TEXT_DIFF_CONTEXT;
    size_t a0 = i - back, b0 = j - back, a1 = i, b1 = j, run = 0;
    for (size_t x = i, y = j; x < a->n || y < b->n;) {
      if (x < a->n && !keep_a[x])
        x++, run = 0;
      else if (y < b->n && !keep_b[y])
        y++, run = 0;
      else
        x++, y++, run++;
      if (run == 0) a1 = x, b1 = y;
      if (run > 2 * TEXT_DIFF_CONTEXT) break;
    }
    for (size_t k = 0; k < TEXT_DIFF_CONTEXT && a1 < a->n && b1 < b->n; k++) a1++, b1++;
    buf_str(out, "@@ ");
    print_range(out, '-', a0, a1 - a0);
    buf_str(out, " ");
    print_range(out, '+', b0, b1 - b0);
    buf_str(out, " @@\n");
    for (i = a0, j = b0; i < a1 || j < b1;) {
      if (i < a1 && !keep_a[i])
        print_line(out, '-', &a->at[i++]);
      else if (j < b1 && !keep_b[j])
        print_line(out, '+', &b->at[j++]);
      else
        print_line(out, ' ', &a->at[i++]), j++;
    }
  }
}

enum status text_diff(struct buf *out, const char *from, const char *a, size_t a_len, const char *to, const char *b,
  size_t b_len, struct err *err) {
  if (a_len == b_len && memcmp(a, b, a_len) == 0) return OK;
  struct lines la = {0}, lb = {0};
  bool *keep_a = NULL, *keep_b = NULL, done = split(a, a_len, &la) && split(b, b_len, &lb);
  if (done) {
    keep_a = calloc(la.n + 1, sizeof *keep_a);
    keep_b = calloc(lb.n + 1, sizeof *keep_b);
    done = keep_a != NULL && keep_b != NULL;
  }
  if (done) {
    size_t head = 0, tail = 0;
    while (head < la.n && head < lb.n && same(&la.at[head], &lb.at[head])) head++;
    while (tail < la.n - head && tail < lb.n - head && same(&la.at[la.n - 1 - tail], &lb.at[lb.n - 1 - tail])) tail++;
    memset(keep_a, true, head);
    memset(keep_b, true, head);
    memset(keep_a + la.n - tail, true, tail);
    memset(keep_b + lb.n - tail, true, tail);
    done =
      match_middle(la.at + head, la.n - head - tail, lb.at + head, lb.n - head - tail, keep_a + head, keep_b + head);
  }
  if (done) {
    buf_printf(out, "--- %s\n+++ %s\n", from, to);
    print_hunks(out, &la, keep_a, &lb, keep_b);
    done = !out->failed;
  }
  free(la.at);
  free(lb.at);
  free(keep_a);
  free(keep_b);
  return done ? OK : err_set(err, ERR_NOMEM, "no memory for the comparison");
}

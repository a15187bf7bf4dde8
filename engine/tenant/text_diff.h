// tenant/text_diff.h – what changed between two texts, line by line, as a unified diff (what `diff -u` prints and `patch` reads).
//
// The shortest script of changes (longest common subsequence) as long as the part that differs is of reasonable size; beyond
// that, the whole differing part is shown as replaced, which is as right and merely longer. So the cost is bounded.
#pragma once
#include "base/buf.h"

#include <stddef.h>

#define TEXT_DIFF_CONTEXT 3              // unchanged lines around a change
#define TEXT_DIFF_CELLS_MAX (2 * 1024 * 1024)  // lines × lines that are compared one by one

// Appends the diff; nothing when the texts are equal. from and to name them in the head. ERR_NOMEM.
enum status text_diff(struct buf *out, const char *from, const char *a, size_t a_len, const char *to, const char *b, size_t b_len, struct err *err) MUST_CHECK;

// base/suggest.h – "did you mean": the known word nearest to a misspelt one, for every error that refuses a name.
#pragma once
#include <stddef.h>

// The entry of list[0..n) with the smallest edit distance to word (insert, delete, replace, swap of neighbours; case
// ignored), the first one where several are equally near. NULL when none is near enough to be a plausible misspelling:
// at most one edit for up to 4 letters, two for up to 7, else three. NULL entries are skipped.
const char *suggest_nearest(const char *word, const char *const *list, size_t n);

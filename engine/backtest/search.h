// backtest/search.h – which combinations of a space are tried, in which order. Pure: the same seed and the same scores ask for the same
// points, however many processes run them, since points are asked for in batches whose size does not depend on that.
//
//     while ((n = search_ask(s, points))) { … run them …; search_tell(s, points, n, scores); }
//
// grid: all of them. random: each combination at most once, uniformly. tpe: a tree-structured Parzen estimator: after a fifth of the
// trials at random, combinations that lie where good ones were and bad ones were not (Bergstra et al., 2011).
#pragma once
#include "backtest/space.h"

#define SEARCH_LIST(X) X(SEARCH_GRID, "grid") X(SEARCH_RANDOM, "random") X(SEARCH_TPE, "tpe")
enum search_method {
#define X(id, text) id,
  SEARCH_LIST(X)
#undef X
      SEARCH_METHODS
};
const char *search_method_text(enum search_method m);
bool search_method_parse(const char *text, enum search_method *ret);

#define SEARCH_BATCH 16
#define SEARCH_TRIALS_MAX 10000

struct search;
// trials: how many runs at most; a grid that has more combinations is refused (ERR_INVALID), with the figure.
enum status search_fits(const struct space *space, enum search_method method, size_t trials, struct err *err) MUST_CHECK;
// The same check first. space is borrowed.
enum status search_create(const struct space *space, enum search_method method, size_t trials, uint64_t seed, struct search **ret, struct err *err) MUST_CHECK;
void search_destroy(struct search *s);
// Up to SEARCH_BATCH points that were not asked for before; 0: over.
size_t search_ask(struct search *s, struct point *ret) MUST_CHECK;
// How good those were, more is better. NaN: such a run is not possible (the header's check refuses it); it costs no trial.
// -INFINITY: it ran, and is worth nothing.
void search_tell(struct search *s, const struct point *points, size_t count, const double *scores);

#include "backtest/search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GOOD_SHARE 4     // the best quarter is good
#define CANDIDATES 24    // drawn from where good ones are; the one that least resembles bad ones is asked for
#define STARTUP_MIN 8
#define REFUSED_SHARE 20 // draws for each trial, when most combinations are refused

struct seen_point {
  struct point point;
  double score;
};
// Of a set of points, per axis and value.
struct densities {
  double good[SPACE_AXES_MAX][SPACE_VALUES_MAX], bad[SPACE_AXES_MAX][SPACE_VALUES_MAX], total[SPACE_AXES_MAX];
};
struct search {
  const struct space *space;
  enum search_method method;
  size_t trials, asked, told;
  uint64_t rng, next;     // next: of a grid
  uint64_t *taken;        // open addressing, number + 1; 0: free
  size_t taken_size;
  struct seen_point *seen;  // what ran
  struct densities *densities;  // of tpe
};

static const char *const methods[SEARCH_METHODS] = {
#define X(id, text) [id] = text,
    SEARCH_LIST(X)
#undef X
};
const char *search_method_text(enum search_method m) { return methods[m]; }
bool search_method_parse(const char *text, enum search_method *ret) {
  for (int i = 0; i < SEARCH_METHODS; i++)
    if (strcmp(methods[i], text) == 0) {
      *ret = (enum search_method)i;
      return true;
    }
  return false;
}

// splitmix64
static uint64_t draw(struct search *s) {
  uint64_t z = (s->rng += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}
static double draw_unit(struct search *s) { return (double)(draw(s) >> 11) * 0x1p-53; }

enum status search_fits(const struct space *space, enum search_method method, size_t trials, struct err *err) {
  if (trials == 0 || trials > SEARCH_TRIALS_MAX) return err_set(err, ERR_INVALID, "trials: 1 to %d", SEARCH_TRIALS_MAX);
  if (method == SEARCH_GRID && space->size > trials)
    return err_set(err, ERR_INVALID, "the grid has %llu combinations, and %zu trials are allowed: take wider steps, more trials (at most %d), or the method random or tpe",
                   (unsigned long long)space->size, trials, SEARCH_TRIALS_MAX);
  return OK;
}

enum status search_create(const struct space *space, enum search_method method, size_t trials, uint64_t seed, struct search **ret, struct err *err) {
  enum status st = search_fits(space, method, trials, err);
  if (st != OK) return st;
  struct search *s = calloc(1, sizeof *s);
  if (s) {
    *s = (struct search){.space = space, .method = method, .trials = trials, .rng = seed, .taken_size = 64};
    while (s->taken_size < trials * (REFUSED_SHARE + 1) * 2) s->taken_size *= 2;
    if (method != SEARCH_GRID) s->taken = calloc(s->taken_size, sizeof *s->taken);
    s->seen = calloc(trials + SEARCH_BATCH, sizeof *s->seen);
  }
  if (s && method == SEARCH_TPE) s->densities = malloc(sizeof *s->densities);
  if (!s || !s->seen || (method == SEARCH_TPE && !s->densities) || (method != SEARCH_GRID && !s->taken)) {
    search_destroy(s);
    return err_set(err, ERR_NOMEM, "out of memory");
  }
  *ret = s;
  return OK;
}

void search_destroy(struct search *s) {
  if (!s) return;
  free(s->taken);
  free(s->seen);
  free(s->densities);
  free(s);
}

// ---- no combination twice

static uint64_t *place_of(const struct search *s, uint64_t number) {
  size_t i = (size_t)(number * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (s->taken_size - 1);
  while (s->taken[i] && s->taken[i] != number + 1) i = (i + 1) & (s->taken_size - 1);
  return &s->taken[i];
}
static bool is_taken(const struct search *s, uint64_t number) { return *place_of(s, number) != 0; }

// ---- drawing

static uint64_t draw_uniform(struct search *s) {
  uint64_t number = draw(s) % s->space->size;
  while (is_taken(s, number)) number = (number + 1) % s->space->size;  // one is free: the caller has looked
  return number;
}

// How much of a set's weight lies at a value of an axis: a bump around each of its points, beside a little everywhere. Bumps are
// rational, so that every machine draws the same; without order the bump is one value wide.
static double weight_at(size_t value, const size_t *points, size_t count, double set, bool ordered) {
  double width = (double)count / (2 + 2 * sqrt(set)), sum = 1 / (double)count;
  if (width < 1) width = 1;
  for (size_t at = 0; at < count; at++) {
    const double apart = fabs((double)at - (double)value) / width;
    if (points[at] && (ordered || at == value)) sum += (double)points[at] * (ordered ? 1 / ((1 + apart * apart) * (width * 3)) : 1);
  }
  return sum / (set + 1);
}

static int best_first(const void *a, const void *b) {
  const struct seen_point *x = a, *y = b;
  if (x->score != y->score) return x->score > y->score ? -1 : 1;
  return memcmp(&x->point, &y->point, sizeof x->point);
}

static void densities_make(struct search *s, struct densities *d) {
  qsort(s->seen, s->told, sizeof *s->seen, best_first);
  const size_t good = (s->told + GOOD_SHARE - 1) / GOOD_SHARE;
  for (int a = 0; a < s->space->axis_count; a++) {
    const size_t count = s->space->axes[a].count;
    const bool ordered = space_ordered(s->space, a);
    size_t points[2][SPACE_VALUES_MAX] = {{0}};
    for (size_t i = 0; i < s->told; i++) points[i < good][s->seen[i].point.at[a]]++;
    d->total[a] = 0;
    for (size_t v = 0; v < count; v++) {
      d->total[a] += d->good[a][v] = weight_at(v, points[1], count, (double)good, ordered);
      d->bad[a][v] = weight_at(v, points[0], count, (double)(s->told - good), ordered);
    }
  }
}

static struct point draw_good(struct search *s, const struct densities *d, double *ret_gain) {
  struct point p = {{0}};
  *ret_gain = 1;
  for (int a = 0; a < s->space->axis_count; a++) {
    const size_t count = s->space->axes[a].count;
    double left = draw_unit(s) * d->total[a];
    size_t v = 0;
    while (v + 1 < count && (left -= d->good[a][v]) > 0) v++;
    p.at[a] = (uint16_t)v;
    *ret_gain *= d->good[a][v] / d->bad[a][v];
  }
  return p;
}

static uint64_t draw_estimated(struct search *s, const struct densities *d) {
  double best = -1;
  uint64_t number = 0;
  for (int i = 0; i < CANDIDATES; i++) {
    double gain;
    const struct point p = draw_good(s, d, &gain);
    const uint64_t n = space_number(s->space, &p);
    if (gain <= best || is_taken(s, n)) continue;
    best = gain;
    number = n;
  }
  return best < 0 ? draw_uniform(s) : number;
}

// ---- the interface

static size_t ask_grid(struct search *s, struct point *ret) {
  size_t n = 0;
  while (n < SEARCH_BATCH && s->next < s->space->size) ret[n++] = space_point(s->space, s->next++);
  return n;
}

size_t search_ask(struct search *s, struct point *ret) {
  if (s->method == SEARCH_GRID) return ask_grid(s, ret);
  const size_t startup = s->trials / 5 > STARTUP_MIN ? s->trials / 5 : STARTUP_MIN;
  struct densities *d = s->told >= startup ? s->densities : NULL;
  if (d) densities_make(s, d);
  size_t n = 0;
  while (n < SEARCH_BATCH && s->told + n < s->trials && s->asked < s->space->size && s->asked < s->trials * (REFUSED_SHARE + 1)) {
    const uint64_t number = d ? draw_estimated(s, d) : draw_uniform(s);
    *place_of(s, number) = number + 1;
    s->asked++;
    ret[n++] = space_point(s->space, number);
  }
  return n;
}

void search_tell(struct search *s, const struct point *points, size_t count, const double *scores) {
  if (s->method == SEARCH_GRID) return;
  for (size_t i = 0; i < count; i++)
    if (!isnan(scores[i])) s->seen[s->told++] = (struct seen_point){points[i], scores[i]};
}

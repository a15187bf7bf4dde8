// venue/vector_compare.c – when two JSON values say the same: numbers by value, booleans also as texts, answers within 1e-9.
#include "venue/vector_impl.h"

#include "base/decimal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RELATIVE 1e-9

bool vector_number(const json_t *v, char *ret, size_t size) {
  struct decimal d;
  if (json_is_integer(v)) return snprintf(ret, size, "%lld", (long long)json_integer_value(v)) < (int)size;
  if (json_is_real(v)) {  // the shortest text that reads back as the same double is what the author wrote
    for (int digits = 1; digits <= 17; digits++) {
      char text[64];
      snprintf(text, sizeof text, "%.*g", digits, json_real_value(v));
      if (strtod(text, NULL) != json_real_value(v)) continue;
      if (!decimal_parse(text, strlen(text), &d)) return false;
      char plain[DECIMAL_TEXT_MAX];
      decimal_format(d, plain);
      return snprintf(ret, size, "%s", plain) < (int)size;
    }
    return false;
  }
  const char *s = json_string_value(v);
  if (s == NULL || strlen(s) >= size || *s == '\0') return false;
  char *end;
  if (strspn(s, "+-0123456789.eE") != strlen(s) || (strtod(s, &end), *end != '\0')) return false;
  strcpy(ret, s);
  return true;
}

static bool numbers_equal(const char *a, const char *b) {
  struct decimal x, y;
  if (!decimal_parse(a, strlen(a), &x) || !decimal_parse(b, strlen(b), &y)) return strcmp(a, b) == 0;
  x = decimal_normal(x);
  y = decimal_normal(y);
  return x.digits == y.digits && (x.scale == y.scale || x.digits == 0);
}

static const char *truth_text(const json_t *v) {
  return json_is_true(v) ? "true" : json_is_false(v) ? "false" : json_string_value(v);
}

static bool lists_agree(const json_t *want, const json_t *got, bool (*same)(const json_t *, const json_t *)) {
  size_t i;
  json_t *item;
  if (!json_is_array(got) || json_array_size(want) != json_array_size(got)) return false;
  json_array_foreach(want, i, item) {
    if (!same(item, json_array_get(got, i))) return false;
  }
  return true;
}

bool vector_same(const json_t *want, const json_t *got) {
  char a[128], b[128];
  if (want == NULL || got == NULL) return want == got;
  if (json_is_array(want)) return lists_agree(want, got, vector_same);
  if (json_is_object(want)) {
    const char *key;
    json_t *item;
    if (!json_is_object(got) || json_object_size(got) != json_object_size(want)) return false;
    json_object_foreach((json_t *)want, key, item) {
      if (!vector_same(item, json_object_get(got, key))) return false;
    }
    return true;
  }
  if (vector_number(want, a, sizeof a) && vector_number(got, b, sizeof b)) return numbers_equal(a, b);
  const char *s = truth_text(want), *t = truth_text(got);
  if (s != NULL && t != NULL) return strcmp(s, t) == 0;
  return json_equal(want, got) != 0;
}

bool vector_near(const json_t *want, const json_t *got) {
  char a[128], b[128];
  if (json_is_array(want)) return lists_agree(want, got, vector_near);
  if (want != NULL && got != NULL && vector_number(want, a, sizeof a) && vector_number(got, b, sizeof b)) {
    double x = strtod(a, NULL), y = strtod(b, NULL);
    return x == y || fabs(x - y) <= RELATIVE * fmax(fabs(x), fabs(y));
  }
  return vector_same(want, got);
}

bool vector_covers(struct vector_run *r, const json_t *want, const json_t *got, const char *where) {
  const char *key;
  json_t *item;
  if (!json_is_object(want)) {
    if (vector_near(want, got)) return true;
  } else if (json_is_object(got)) {
    json_object_foreach((json_t *)want, key, item) {
      char path[160];
      // The recorder's own word where it knew no such market: no symbol of the venue.
      if (strcmp(key, "symbol_id") == 0 && json_is_string(item) && strchr(json_string_value(item), '/') != NULL) continue;
      snprintf(path, sizeof path, "%s%s%s", where, *where != '\0' ? "." : "", key);
      if (!vector_covers(r, item, json_object_get(got, key), path)) return false;
    }
    return true;
  }
  char *expected = json_dumps(want, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
  char *had = got != NULL ? json_dumps(got, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
  vector_fail(r, "%s: expected %.120s, got %.120s", where, expected != NULL ? expected : "?", had != NULL ? had : "nothing");
  free(expected);
  free(had);
  return false;
}

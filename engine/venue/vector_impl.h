// venue/vector_impl.h – the parts of the judge. Private to venue/.
#pragma once
#include "venue/vector.h"

#define VECTOR_WHY_MAX 400

struct vector_run {
  struct dialect *d;
  const char *file;
  const json_t *vectors;        // the list
  json_t *symbols;              // unified symbol → the venue's, of all vectors of the file
  struct dialect_secret secret;
  int64_t now_ms;
  int signatures;
  bool note;                    // the verdict is "passed", why is worth a line
  char why[VECTOR_WHY_MAX];     // of a verdict that is not "passed"
};
enum vector_verdict vector_fail(struct vector_run *r, const char *fmt, ...) PRINTF(2, 3);
enum vector_verdict vector_skip(struct vector_run *r, const char *fmt, ...) PRINTF(2, 3);

// ---- vector_input.c
struct vector_ask {  // what a vector's input means in our words
  enum dialect_op op;
  json_t *args;      // owned
  char category[DIALECT_NAME_MAX];
  char stream[DIALECT_NAME_MAX];  // of ws: "private", "public"; "" else
};
// False: r->why says what in it has no meaning for us.
bool vector_input(struct vector_run *r, const json_t *v, struct vector_ask *ret);
void vector_ask_finish(struct vector_ask *a);
// The venue's symbol for a unified one; NULL: none. Owned by the run.
const char *vector_symbol(struct vector_run *r, const char *unified);

// ---- vector_compare.c
// A JSON value as a decimal text: of a text its own, of a real what it was written as. false: no number.
bool vector_number(const json_t *v, char *ret, size_t size);
// Equal by the rules of a request: numbers by value, booleans also as texts.
bool vector_same(const json_t *want, const json_t *got);
// Equal within 1e-9.
bool vector_near(const json_t *want, const json_t *got);
// Every field of want is in got, with numbers as vector_near; r->why names the first that is not.
bool vector_covers(struct vector_run *r, const json_t *want, const json_t *got, const char *where);

// ---- vector_rows.c
// Our rows in the words of the expectations, where expect is one object or a list; NULL: no memory. New reference.
json_t *vector_rows(enum dialect_op op, const json_t *data, const json_t *args);
enum vector_verdict vector_compare_rows(struct vector_run *r, enum dialect_op op, const json_t *expect, const json_t *data, const json_t *args);

// ---- the kinds
enum vector_verdict vector_request(struct vector_run *r, const json_t *v);
enum vector_verdict vector_sign(struct vector_run *r, const json_t *v);
enum vector_verdict vector_response(struct vector_run *r, const json_t *v);
enum vector_verdict vector_ws(struct vector_run *r, const json_t *v);
enum vector_verdict vector_error(struct vector_run *r, const json_t *v);

// venue/vector.h – judges a dialect by vectors: what a real client sent and what a venue answered, written down by others.
//
// The format is a file {"meta": {credentials, now_ms}, "vectors": [{kind, op, input, expect …}]} as lua/venues/README.md tells it. The
// inputs speak the language of unified client libraries ("createOrder", [symbol, type, side, amount, price, params]); what they mean in
// ours is decided here, once, for all venues, so that a dialect cannot be written towards a file of vectors.
#pragma once
#include "base/json.h"
#include "base/status.h"
#include "script/dialect.h"

#include <stdbool.h>
#include <stddef.h>

#define VECTOR_KIND_LIST(X) \
  X(REQUEST, "request") X(SIGN, "sign") X(RESPONSE, "response") X(WS, "ws") X(ERROR, "error") X(DOC_EXAMPLE, "doc_example")
enum vector_kind {
#define X(id, text) VECTOR_##id,
  VECTOR_KIND_LIST(X)
#undef X
  VECTOR_KIND_COUNT
};
const char *vector_kind_text(enum vector_kind k);

enum vector_verdict { VECTOR_PASSED, VECTOR_FAILED, VECTOR_SKIPPED };

struct vector_report {
  int count[VECTOR_KIND_COUNT][3];  // by verdict
  int signatures;                   // requests whose signature was compared byte by byte
  json_t *notes;                    // {file, id, kind, op, verdict, why} of what did not pass, and of advice that was not taken; owned
};
// ERR_INVALID: no file of vectors. The report adds up over several files; begin with zeros and notes = json_array().
enum status vector_run(struct dialect *d, const char *file, const json_t *vectors, struct vector_report *report, struct err *err) MUST_CHECK;

#include "order/reason.h"

#include <assert.h>

static const struct { const char *code, *text; } reasons[] = {
#define X(name, explanation) { #name, explanation },
  REASON_LIST(X)
#undef X
};

const char *reason_code(enum reason r) {
  assert((unsigned)r < REASON_COUNT);
  return reasons[r].code;
}

const char *reason_text(enum reason r) {
  assert((unsigned)r < REASON_COUNT);
  return reasons[r].text;
}

// exchange/code.c – see code.h.
#include "exchange/code.h"

#include <stddef.h>

static const struct {
  int code;
  const char *text;
} rows[] = {
#define X(name, number, text) {number, text},
  EXCH_CODE_LIST(X)
#undef X
};

const char *exch_code_text(int code) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (rows[i].code == code) return rows[i].text;
  return "Unknown error.";
}

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

int exch_code_of_spot(int code) {
  static const int pairs[][2] = {{CODE_NO_ORDER, CODE_SPOT_NO_ORDER}, {CODE_BALANCE, CODE_SPOT_BALANCE}, {CODE_NOTIONAL, CODE_SPOT_NOTIONAL},
    {CODE_DUPLICATE, CODE_SPOT_DUPLICATE}, {CODE_FINISHED, CODE_SPOT_FINISHED}, {CODE_CANCELLED, CODE_SPOT_CANCELLED},
    {CODE_PRICE, CODE_SPOT_BUY_PRICE}, {CODE_ACTIVE, CODE_SPOT_ACTIVE},
    {CODE_CONDITIONALS, CODE_SPOT_ACTIVE}};
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
    if (pairs[i][0] == code) return pairs[i][1];
  return code;
}

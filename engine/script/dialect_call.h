// script/dialect_call.h – the state and the one way into it, shared by dialect.c, dialect_ask.c and dialect_hear.c. Private to script/.
#pragma once
#include "script/dialect_impl.h"
#include "script/vm.h"

#define DIALECT_RESULTS 2

struct dialect {
  struct dialect_info info;
  struct dialect_errors errors;
  struct vm *vm;  // NULL: thrown away after a kill
  struct watchdog *watchdog;
  size_t len;
  char *chunkname, *source;
};

enum dialect_function { DIALECT_CALL_REQUEST, DIALECT_CALL_SIGN, DIALECT_CALL_RESPONSE, DIALECT_CALL_STREAMS, DIALECT_CALL_FRAME };

struct dialect_call {
  struct dialect *d;
  enum dialect_function what;
  enum dialect_op op;
  const char *kind;
  const json_t *args;
  const struct dialect_env *env;
  const struct dialect_secret *secret;
  const struct dialect_request *request;
  int status;
  const char *bytes;
  size_t len;
};

// Calls the function. OK: its results are on the stack, the last two at -2 and -1, to be popped with dialect_done.
enum status dialect_call(struct dialect_call *c, struct err *err) MUST_CHECK;
void dialect_done(struct dialect *d);
// ERR_SCRIPT: "bybit.lua: request(create_order) gave no table".
enum status dialect_wrong(const struct dialect_call *c, struct err *err, const char *what);

// No blank, control, non-ASCII character or '#'. In dialect_ask.c.
bool dialect_url_text(const char *s);

// script/dialect_impl.h – the parts of a dialect's state. Private to script/.
#pragma once
#include "base/json.h"
#include "script/dialect.h"
#include "script/lib.h"
#include "script/value.h"

#include <lauxlib.h>
#include <lua.h>

// ---- libraries; each ends with a NULL name
extern const luaL_Reg dialect_lib_decimal[], dialect_lib_text[];  // dialect_decimal.c, dialect_secret.c
// Pushes the list of {name, value} at ix as name=value&…; a pair without a value, or false for a pair, is left out.
void dialect_query(lua_State *L, int ix);
// Sets them in the globals table on top of the stack.
void dialect_libraries(lua_State *L);

// ---- credentials (dialect_secret.c)
// Pushes the object a dialect signs with. It works until dialect_secret_end, whatever becomes of the object.
void dialect_secret_push(lua_State *L, const struct dialect_secret *s);
void dialect_secret_end(lua_State *L);

// ---- header (dialect_head.c)
struct dialect_error {  // of the table of errors
  char code[DIALECT_CODE_MAX];
  char why[DIALECT_WHY_MAX];
  enum dialect_action action;
  struct dialect_exception {
    enum dialect_op op;
    enum dialect_action action;
  } by_op[4];
  int by_op_count;
};
struct dialect_errors {
  struct dialect_error *list;  // by code, in byte order
  int count;
};
// Reads the header's table at the top of the stack; raises with file:line:column. e->list must be NULL; the caller frees it.
struct table_reader;
void dialect_read_header(struct table_reader *r, struct dialect_info *info, struct dialect_errors *e);
const struct dialect_error *dialect_error_find(const struct dialect_errors *e, const char *code);

// ---- shapes (dialect_check.c)
// Whether data is what op answers with; false: what says why, "orders[3].status: 'Foo' is none of open, filled, …".
bool dialect_check_answer(enum dialect_op op, const json_t *data, char *what, size_t size);
// Likewise of an event.
bool dialect_check_event(const json_t *event, char *what, size_t size);

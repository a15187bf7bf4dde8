// script/value.h – values of operators' scripts: JSON to Lua and back, and fields of what a script returned. Private to script/.
//
// Dialects speak of money, so there no number passes a double: what is not a whole number within ±2^53 stays the text it was
// written as. Rules see a signal as a strategy does, with fractions as Lua numbers: `fractions` says which it is.
#pragma once
#include "base/json.h"

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

struct sbuf;

#define VALUE_DEPTH_MAX 16   // of nested values, in and out
#define VALUE_MARK '\x7f'    // begins and ends what only C makes: placeholders, JSON numbers

// Pushes the JSON text as a Lua value: whole numbers within ±2^53 as integers, all other numbers as the text they were written as,
// null as nothing (in a list as false). Returns false and pushes nothing when it is no JSON text or nested too deeply. May raise
// for memory; inside protected calls only.
bool value_push_json(lua_State *L, const char *text, size_t len);
// Pushes a tree of ours; raises for a text with VALUE_MARK, and for a JSON real unless fractions. NULL: nil.
void value_push_tree(lua_State *L, const json_t *v, bool fractions);
// Writes the value at ix as compact JSON text, keys in byte order. Raises for what JSON or the dialects' convention does not have.
void value_encode(lua_State *L, int ix, struct sbuf *b);
// The value at ix as a tree (new reference), allocating nothing in Lua: also outside of protected calls. NULL: something that cannot be
// told (a float unless fractions, a function, too deep); what says which. An empty table becomes a list.
json_t *value_tree(lua_State *L, int ix, bool fractions, const char **what);

// ---- fields of a table on the stack, read without allocating in Lua: also outside of protected calls
// Pushes the field; returns its type.
int value_field(lua_State *L, int ix, const char *key);
// Copies a text (none: ""); false when it is something else, too long, or holds a control character.
bool value_copy(lua_State *L, int ix, const char *key, char *to, size_t size);
bool value_truth(lua_State *L, int ix, const char *key);
// A duplicate (malloc) of a text; NULL: none, or not one, or no memory. ret_len may be NULL.
char *value_text(lua_State *L, int ix, const char *key, size_t *ret_len);

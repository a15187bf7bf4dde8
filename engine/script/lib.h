// script/lib.h – the standard library that scripts see, rewritten where Lua's own can run long, escape a kill or depend on
// addresses. Private to script/.
//
// Every function is a light C function (no memory of its own); all raise with the line of their caller; loops poll the kill.
#pragma once
#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

// Ends with a NULL name.
extern const luaL_Reg lib_base[], lib_math[], lib_string[], lib_table[], lib_utf8[];

// tostring() without addresses: pushes the text of the value at ix. Calls __tostring.
const char *lib_tostring(lua_State *L, int ix, size_t *ret_len);

// Registry keys (by address): the metatable of each protected table has [&lib_protected_key]=true, our copy of a script's
// metatable has [&lib_copy_key]=the original, and an original has [&lib_copy_key]=the copy. Scripts cannot make such keys.
extern const char lib_protected_key, lib_copy_key;

// A string built piece by piece in a userdata at a fixed stack index, so that an error frees it. Declare it, sbuf_init (which
// takes one stack slot), add, sbuf_push. Other values may lie above the slot.
struct sbuf {
  lua_State *L;
  char *data;
  size_t len, cap;
  int slot;
  char local[512];
};
void sbuf_init(struct sbuf *b, lua_State *L);
// Room for n more bytes; the caller writes them and adds to b->len.
char *sbuf_reserve(struct sbuf *b, size_t n);
void sbuf_add(struct sbuf *b, const char *text, size_t n);
// Pushes the text.
void sbuf_push(struct sbuf *b);

// string.pack, packsize, unpack
int lib_string_pack(lua_State *L);
int lib_string_packsize(lua_State *L);
int lib_string_unpack(lua_State *L);
// string.find, match, gmatch, gsub
int lib_string_find(lua_State *L);
int lib_string_match(lua_State *L);
int lib_string_gmatch(lua_State *L);
int lib_string_gsub(lua_State *L);
// string.format
int lib_string_format(lua_State *L);

// Lua's reading of string positions: negative ones count from the end. Start clipped to 1 …, end to … len.
size_t lib_start(lua_Integer pos, size_t len);
size_t lib_end(lua_Integer pos, size_t len);

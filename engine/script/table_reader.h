// script/table_reader.h – reads the tables a script's header gives, key by key, and refuses with file:line:column, the
// offending key and what was probably meant. Private to script/; used inside vm_call, where raising is allowed.
//
// All look-ups are raw: the tables are the author's, and reading them runs none of the author's code.
#pragma once
#include "base/status.h"

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_reader {
  lua_State *L;
  const char *chunkname;
  const char *source;  // NUL-terminated
  const char *head;    // the header's function ("tiers"): where an error points when its word is not in the source
  long from;           // words are looked for from here on first, so that the second tier's `bots` is found in the second tier
};

// Offset of `word` as a table key (word =), or as a quoted text; -1: not there. Comments and texts are skipped for keys.
long table_find_word(const char *source, long from, const char *word, bool quoted);

// Raises "file:line:col: message", the source line and a mark below the word. word may be NULL.
_Noreturn void table_fail(struct table_reader *r, const char *word, const char *fmt, ...) PRINTF(3, 4);

// Raises unless key is one of known[0..n). where: "params.fast".
void table_check_key(struct table_reader *r, const char *where, const char *key, const char *const *known, size_t n);

// Raises for any key of the table at ix that is not a text in known[0..n). where: "tiers.pro".
void table_check_keys(struct table_reader *r, int ix, const char *where, const char *const *known, size_t n);

// Pushes the field without metamethods; returns its type.
int table_field(struct table_reader *r, int ix, const char *key);
// As table_field; raises unless it is a table (or absent: then nothing is pushed and false returned).
bool table_section(struct table_reader *r, int ix, const char *where, const char *key);

// Copies the text; false when absent. Raises for another type, a NUL byte, control characters, bad UTF-8, or when it does not
// fit in size bytes.
bool table_text(struct table_reader *r, int ix, const char *where, const char *key, char *ret, size_t size);
// As table_text for a short name: lower-case letters, digits, _ and -, beginning with a letter.
bool table_name(struct table_reader *r, int ix, const char *where, const char *key, char *ret, size_t size);
// A whole number in min … max; false when absent.
bool table_int(struct table_reader *r, int ix, const char *where, const char *key, int64_t min, int64_t max, int64_t *ret);
// An amount of money as a decimal text, not negative, in 1e-8; false when absent.
bool table_money(struct table_reader *r, int ix, const char *where, const char *key, int64_t *ret_e8);

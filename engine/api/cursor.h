// api/cursor.h – the opaque `next_cursor` of lists: where a page ended, signed, so that nobody can point a query elsewhere.
//
// A cursor holds the sort key of the last row shown (two integers) and a MAC over them, the operation and the tenant: it works
// on the list it came from, for the tenant it was made for, and nowhere else. It does not expire: rows before it may go away.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CURSOR_KEY_BYTES 32
#define CURSOR_TEXT_SIZE 45  // with the final NUL

struct cursor {
  int64_t key, id;  // the sort key, and the id among equal keys
};

void cursor_format(struct cursor c, const uint8_t secret[CURSOR_KEY_BYTES], const char *operation, int64_t tenant, char ret_text[CURSOR_TEXT_SIZE]);
// False unless cursor_format made the text with the same secret, operation and tenant.
bool cursor_parse(const char *text, size_t len, const uint8_t secret[CURSOR_KEY_BYTES], const char *operation, int64_t tenant, struct cursor *ret);

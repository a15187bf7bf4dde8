// bot/wire_codec.h – private to bot/wire*.c: numbers, texts and tables of fields, to and from little-endian bytes.
#pragma once
#include "bot/wire.h"

#include <stddef.h>

// A structure is a table of its fields, from which both writing and reading follow.
struct wire_field {
  uint16_t offset;
  uint8_t size;         // in memory and on the wire: 1, 4 or 8
  int64_t least, most;  // refused outside
};
#define FIELD(type, member, least, most) {offsetof(type, member), sizeof(((type *)0)->member), least, most}
#define ANY(type, member) FIELD(type, member, INT64_MIN, INT64_MAX)
#define LENGTH(table) (sizeof(table) / sizeof *(table))

// ---- writing
void wire_put(struct buf *b, uint64_t value, int size);
void wire_put_double(struct buf *b, double value);
void wire_put_fields(struct buf *b, const void *base, const struct wire_field *fields, size_t count);
// Returns where the payload begins, for wire_end(), which writes its length.
size_t wire_begin(struct buf *b, enum wire_type type);
void wire_end(struct buf *b, size_t payload);
void wire_put_text(struct buf *b, const char *text);  // u16 length; cut to WIRE_TEXT_MAX
void wire_put_bytes(struct buf *b, struct wire_text t);  // u32 length

// ---- reading: the first fault is kept, and everything after it reads as zero
struct wire_cursor {
  const unsigned char *p;
  size_t left;
  const char *fault;
};
const unsigned char *wire_take(struct wire_cursor *c, size_t n);  // NULL: too short
uint64_t wire_get(struct wire_cursor *c, int size);
double wire_get_double(struct wire_cursor *c);
void wire_get_fields(struct wire_cursor *c, void *base, const struct wire_field *fields, size_t count);
// A text of at most `most` bytes after a length of so many bytes (2 or 4).
struct wire_text wire_get_text(struct wire_cursor *c, int length_size, size_t most);

// wire_open.c: the payloads that frames keep for later, after the bot's number.
void wire_get_open(struct wire_cursor *c, struct wire_open *ret);
void wire_get_opened(struct wire_cursor *c, struct wire_opened *ret);
void wire_get_signal(struct wire_cursor *c, struct wire_signal *ret);
void wire_get_reload(struct wire_cursor *c, struct wire_reload *ret);

// bot/wire_codec.c – see wire_codec.h.
#include "bot/wire_codec.h"

#include <assert.h>
#include <string.h>

// ---- writing

void wire_put(struct buf *b, uint64_t value, int size) {
  unsigned char bytes[8];
  for (int i = 0; i < size; i++) bytes[i] = (unsigned char)(value >> (8 * i));
  buf_add(b, bytes, (size_t)size);
}

void wire_put_double(struct buf *b, double value) {
  uint64_t bits;
  memcpy(&bits, &value, 8);
  wire_put(b, bits, 8);
}

static uint64_t member_get(const void *base, const struct wire_field *f) {
  const char *at = (const char *)base + f->offset;
  uint8_t v1;
  uint32_t v4;
  uint64_t v8;
  switch (f->size) {
    case 1: return memcpy(&v1, at, 1), v1;
    case 4: return memcpy(&v4, at, 4), v4;
    default: return memcpy(&v8, at, 8), v8;
  }
}

static void member_set(void *base, const struct wire_field *f, uint64_t value) {
  char *at = (char *)base + f->offset;
  uint8_t v1 = (uint8_t)value;
  uint32_t v4 = (uint32_t)value;
  switch (f->size) {
    case 1: memcpy(at, &v1, 1); break;
    case 4: memcpy(at, &v4, 4); break;
    default: memcpy(at, &value, 8);
  }
}

void wire_put_fields(struct buf *b, const void *base, const struct wire_field *fields, size_t count) {
  for (size_t i = 0; i < count; i++) wire_put(b, member_get(base, &fields[i]), fields[i].size);
}

size_t wire_begin(struct buf *b, enum wire_type type) {
  wire_put(b, 0, 4);
  wire_put(b, type, 1);
  return b->len;
}

void wire_end(struct buf *b, size_t payload) {
  if (b->failed) return;
  size_t len = b->len - payload;
  unsigned char *head = (unsigned char *)b->data + payload - WIRE_HEAD;
  for (int i = 0; i < 4; i++) head[i] = (unsigned char)(len >> (8 * i));
}

void wire_put_text(struct buf *b, const char *text) {
  size_t n = strnlen(text, WIRE_TEXT_MAX);
  wire_put(b, n, 2);
  buf_add(b, text, n);
}

void wire_put_bytes(struct buf *b, struct wire_text t) {
  wire_put(b, t.len, 4);
  buf_add(b, t.len ? t.text : "", t.len);
}

// ---- reading

const unsigned char *wire_take(struct wire_cursor *c, size_t n) {
  if (!c->fault && n > c->left) c->fault = "it ends too early";
  if (c->fault) return NULL;
  const unsigned char *at = c->p;
  c->p += n;
  c->left -= n;
  return at;
}

uint64_t wire_get(struct wire_cursor *c, int size) {
  const unsigned char *at = wire_take(c, (size_t)size);
  uint64_t v = 0;
  for (int i = 0; at && i < size; i++) v |= (uint64_t)at[i] << (8 * i);
  return v;
}

double wire_get_double(struct wire_cursor *c) {
  uint64_t bits = wire_get(c, 8);
  double v;
  memcpy(&v, &bits, 8);
  return v;
}

void wire_get_fields(struct wire_cursor *c, void *base, const struct wire_field *fields, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const struct wire_field *f = &fields[i];
    uint64_t raw = wire_get(c, f->size);
    int64_t v = f->size == 4 ? (int32_t)raw : (int64_t)raw;
    if (!c->fault && (v < f->least || v > f->most)) c->fault = "a field is out of range";
    if (c->fault) return;
    member_set(base, f, raw);
  }
}

struct wire_text wire_get_text(struct wire_cursor *c, int length_size, size_t most) {
  size_t n = wire_get(c, length_size);
  if (!c->fault && n > most) c->fault = "a text is too long";
  const unsigned char *at = wire_take(c, n);
  return at ? wire_text((const char *)at, n) : wire_text(NULL, 0);
}

// base/pack.c – see pack.h.
#include "base/pack.h"

#include <assert.h>
#include <string.h>

static uint64_t zigzag(int64_t v) { return (uint64_t)v << 1 ^ (uint64_t)(v >> 63); }
static int64_t unzigzag(uint64_t u) { return (int64_t)(u >> 1 ^ (0 - (u & 1))); }

static void put(struct buf *b, uint64_t v) {
  uint8_t bytes[10];
  size_t n = 0;
  for (; v > 127; v >>= 7) bytes[n++] = (uint8_t)(v | 128);
  bytes[n++] = (uint8_t)v;
  buf_add(b, bytes, n);
}

static uint64_t get(struct pack *p) {
  uint64_t v = 0;
  for (int shift = 0; shift < 70 && !p->failed; shift += 7) {
    if (p->left == 0 || (shift == 63 && *p->from > 1)) break;
    const uint8_t byte = *p->from++;
    p->left--;
    v |= (uint64_t)(byte & 127) << shift;
    if (byte < 128) return v;
  }
  p->failed = true;
  return 0;
}

int64_t pack_number(struct pack *p, int64_t v, int64_t least, int64_t most) {
  if (p->to) {
    assert(v >= least && v <= most);
    put(p->to, zigzag(v));
    return v;
  }
  const int64_t read = unzigzag(get(p));
  if (read < least || read > most) p->failed = true;
  return p->failed ? v : read;
}

size_t pack_count(struct pack *p, size_t count, size_t most) {
  const size_t n = (size_t)pack_number(p, (int64_t)count, 0, (int64_t)most);
  if (p->to) return n;
  if (n > p->left) p->failed = true;
  return p->failed ? 0 : n;
}

int128 pack_wide(struct pack *p, int128 v) {
  const uint64_t low = (uint64_t)pack_any(p, (int64_t)(uint64_t)v);
  const int64_t high = pack_any(p, (int64_t)(v >> 64));
  return (int128)((unsigned __int128)(uint64_t)high << 64 | low);
}

void pack_bytes(struct pack *p, void *at, size_t len) {
  if (p->to) {
    buf_add(p->to, at, len);
    return;
  }
  if (len > p->left) p->failed = true;
  if (p->failed) {
    memset(at, 0, len);
    return;
  }
  memcpy(at, p->from, len);
  p->from += len;
  p->left -= len;
}

static int64_t member_of(const void *base, const struct pack_field *f) {
  const char *at = (const char *)base + f->offset;
  uint8_t v1;
  int32_t v4;
  int64_t v8;
  switch (f->size) {
    case 1: return memcpy(&v1, at, 1), v1;
    case 4: return memcpy(&v4, at, 4), v4;
    default: return memcpy(&v8, at, 8), v8;
  }
}

static void member_set(void *base, const struct pack_field *f, int64_t v) {
  char *at = (char *)base + f->offset;
  const uint8_t v1 = (uint8_t)v;
  const int32_t v4 = (int32_t)v;
  switch (f->size) {
    case 1: memcpy(at, &v1, 1); break;
    case 4: memcpy(at, &v4, 4); break;
    default: memcpy(at, &v, 8);
  }
}

void pack_fields(struct pack *p, void *base, const struct pack_field *fields, size_t count) {
  uint64_t mask = 0;
  assert(count <= 64);
  for (size_t i = 0; p->to && i < count; i++)
    if (member_of(base, &fields[i]) != fields[i].usual) mask |= UINT64_C(1) << i;
  if (p->to) put(p->to, mask);
  else mask = get(p);
  if (count < 64 && mask >> count) p->failed = true;
  for (size_t i = 0; !p->failed && i < count; i++) {
    const struct pack_field *f = &fields[i];
    if (mask >> i & 1) member_set(base, f, pack_number(p, member_of(base, f), f->least, f->most));
    else if (!p->to) member_set(base, f, f->usual);
  }
}

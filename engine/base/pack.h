// base/pack.h – structures to bytes and back, by one description: a function that names each member once writes it, or reads it.
//
// For images of memory that this program makes for itself, such as a bot's books between two starts: what is kept of them is a format
// number before them and a digest behind them, so that an image of another program, or a damaged one, is not read at all. Numbers are
// written in seven bits a byte, small ones of either sign in one. Pure.
//
//     static void thing_pack(struct thing *t, struct pack *p) {
//       t->count = pack_count(p, t->count, THINGS_MAX);
//       pack_fields(p, t, thing_fields, LENGTH(thing_fields));
//     }
#pragma once
#include "base/buf.h"
#include "base/money.h"

#include <stddef.h>

struct pack {
  struct buf *to;       // NULL: it reads
  const uint8_t *from;
  size_t left;
  bool failed;          // of reading: too short, or out of range; everything after it reads as it was
};
static inline struct pack pack_writer(struct buf *to) { return (struct pack){.to = to}; }
static inline struct pack pack_reader(const void *bytes, size_t len) { return (struct pack){.from = bytes, .left = len}; }
static inline bool pack_reads(const struct pack *p) { return !p->to; }
// Whoever finds that what was read cannot be.
static inline void pack_fail(struct pack *p) { p->failed = true; }

// Writes v and returns it; or returns what was read, v where that failed or is not in [least, most].
int64_t pack_number(struct pack *p, int64_t v, int64_t least, int64_t most);
static inline int64_t pack_any(struct pack *p, int64_t v) { return pack_number(p, v, INT64_MIN, INT64_MAX); }
static inline bool pack_bool(struct pack *p, bool v) { return pack_number(p, v, 0, 1) != 0; }
// How many items follow, each of at least a byte: never more than there are bytes left. 0 where it failed.
size_t pack_count(struct pack *p, size_t count, size_t most);
int128 pack_wide(struct pack *p, int128 v);
void pack_bytes(struct pack *p, void *at, size_t len);  // read: zeros where it failed

// A structure's plain members: which of them differ from their usual value, and those.
struct pack_field {
  uint16_t offset;
  uint8_t size;          // in memory: 1, 4 (with sign) or 8
  int64_t usual, least, most;
};
#define PACK_FIELD(type, member, usual, least, most) {offsetof(type, member), sizeof(((type *)0)->member), usual, least, most}
#define PACK_ANY(type, member) PACK_FIELD(type, member, 0, INT64_MIN, INT64_MAX)
void pack_fields(struct pack *p, void *base, const struct pack_field *fields, size_t count);  // at most 64

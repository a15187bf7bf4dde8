// base/intern.h – equal bytes stored once: what thousands of bots have in common – a script, parameters, settings, a plan – is
// held by each of them and is in memory one time. One thread.
#pragma once
#include <stddef.h>

struct intern;
struct intern *intern_create(void);  // NULL: no memory
// Everything was put back. NULL does nothing.
void intern_destroy(struct intern *in);

// The one copy of these bytes, aligned for any type and followed by a 0 that does not count; len may be 0. Equal bytes: the same
// pointer. Never to be written to; valid until it was put back as often as it was got. NULL: no memory, or 4 GiB and more.
const void *intern_get(struct intern *in, const void *bytes, size_t len);
void intern_put(struct intern *in, const void *p);  // NULL does nothing

struct intern_stats {
  size_t count, bytes;  // of different ones
};
struct intern_stats intern_stats(const struct intern *in);

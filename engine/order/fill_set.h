// order/fill_set.h – which executions have been booked: keyed by (account, venue, trade id), so that a repeated message, a
// stream that resumes too early or a query after a restart books nothing twice.
//
// A key is the first 128 bits of a SHA-256 over all three, so a slot costs 16 bytes however long a venue's ids are, and
// nobody can choose ids that collide. The journal's unique index is the last word; this set answers without asking it.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fill_key { uint64_t hi, lo; };

struct fill_set {
  struct fill_key *slots;  // open addressing; {0, 0} is free
  size_t count, cap;       // cap is 0 or a power of two
};

// The key of an execution. trade_id: the venue's own text, len > 0.
struct fill_key fill_key(uint64_t account, uint64_t venue, const char *trade_id, size_t len);

void fill_set_init(struct fill_set *s);
void fill_set_finish(struct fill_set *s);
// Room for `more` further keys; false: no memory, nothing changed. Before booking, so that fill_set_add cannot fail.
bool fill_set_reserve(struct fill_set *s, size_t more);
bool fill_set_has(const struct fill_set *s, struct fill_key key);
// Its keys to bytes, by rising number; or into a set, to those that it has (base/pack.h).
struct pack;
void fill_set_pack(struct fill_set *s, struct pack *p);
// True when the key is new and now in; false when it was there: the execution is a repetition. Asserts that room was reserved.
bool fill_set_add(struct fill_set *s, struct fill_key key);

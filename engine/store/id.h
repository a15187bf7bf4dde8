// store/id.h – the ids of all rows: 64-bit, growing with time, so that rows are stored in the order of their making (hashed ids
// cost half the throughput, ../reliability), and unique over ten bits of nodes.
//
// 41 bits of milliseconds since 2020 | 10 bits of node | 12 bits of sequence. Clients see prefix_ and 13 characters of Crockford
// base32, e.g. usr_01JD3M8Q4X0TB.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ID_TEXT_SIZE 24  // "usr_" + 13 + NUL, with room

struct id_source {
  int node;          // 0 … 1023
  int64_t last;      // the greatest id given
};

// The next id: greater than all before it, also when the clock goes back or more than 4,096 are made in a millisecond (then it
// runs ahead of the clock). now_ns is Unix time. Not thread-safe; id_next is.
int64_t id_make(struct id_source *s, int64_t now_ns);
// From the process-wide source (node 0); any thread.
int64_t id_next(int64_t now_ns);
// Ids given from now on are greater than this one (after opening a database).
void id_seen(int64_t id);

void id_format(const char *prefix, int64_t id, char ret_text[ID_TEXT_SIZE]);
// False unless text is exactly what id_format writes for that prefix.
bool id_parse(const char *prefix, const char *text, size_t len, int64_t *ret);
// Ids made at that time or later are not below this one.
int64_t id_from(int64_t unix_ns);
// Unix milliseconds of its making.
int64_t id_ms(int64_t id);

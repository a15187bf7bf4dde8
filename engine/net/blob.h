// net/blob.h – immutable bytes that many connections send without a copy each: a WebSocket event for ten thousand clients,
// a file of the console. Counted references; one thread (the loop's).
#pragma once
#include <stddef.h>

struct blob {
  size_t refs, len;
  char data[];
};

// A copy of bytes (uninitialised when bytes is NULL, to be filled by the caller), with one reference. NULL: no memory.
struct blob *blob_create(const void *bytes, size_t len);
struct blob *blob_retain(struct blob *blob);
// NULL does nothing.
void blob_release(struct blob *blob);

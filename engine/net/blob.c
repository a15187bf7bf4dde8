// net/blob.c – see blob.h.
#include "net/blob.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct blob *blob_create(const void *bytes, size_t len) {
  struct blob *blob = malloc(sizeof *blob + len);
  if (!blob) return NULL;
  blob->refs = 1;
  blob->len = len;
  if (bytes) memcpy(blob->data, bytes, len);
  return blob;
}

struct blob *blob_retain(struct blob *blob) {
  assert(blob->refs > 0);
  blob->refs++;
  return blob;
}

void blob_release(struct blob *blob) {
  if (!blob) return;
  assert(blob->refs > 0);
  if (--blob->refs == 0) free(blob);
}

// base/buf.h – a growing byte buffer created with its maximum: nothing a tenant sends can make it grow without bound.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
  char *data;   // NUL-terminated after every append
  size_t len, cap, max;
  bool secret;  // what it held is overwritten when it moves, is cleared or finished
  bool failed;  // an append did not fit or memory ran out; later appends do nothing, so one check at the end is enough
};

void buf_init(struct buf *b, size_t max_bytes);
void buf_init_secret(struct buf *b, size_t max_bytes);
void buf_finish(struct buf *b);
void buf_clear(struct buf *b);
void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_str(struct buf *b, const char *text);
void buf_int(struct buf *b, int64_t v);  // decimal; much quicker than buf_printf
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);

// Reads a whole regular file (or pipe) of at most max_bytes into b. ERR_LIMIT names the limit; a directory is ERR_IO.
enum status buf_read_file(struct buf *b, const char *path, struct err *err) MUST_CHECK;
// Writes a file whole or not at all: a temporary beside it, fsync, rename. path "-" is stdout.
enum status file_write_atomic(const char *path, const void *bytes, size_t len, struct err *err) MUST_CHECK;

// tests/unit/venue/memory_file.h – a growing file without a disk: appended to, cut, replaced, failing at will.
#pragma once
#include "venue/feed_file.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct memory_bytes {
  char *p;
  size_t len;
  int users;  // as a path, as an open file
};
struct memory_file {
  struct memory_bytes *path, *opened;
  size_t read_max;  // bytes a read gives at most; 0: all
  int fail_reads;   // so many of the next calls fail
  int fail_after;   // when so many have not
};

static inline void memory_release(struct memory_bytes *b) {
  if (!b || --b->users > 0) return;
  free(b->p);
  free(b);
}
static inline enum status memory_fails(struct memory_file *m, struct err *err) {
  if (m->fail_after > 0) return m->fail_after--, OK;
  if (m->fail_reads == 0) return OK;
  m->fail_reads--;
  return err_set(err, ERR_IO, "the disk failed");
}
static inline enum status memory_look(void *self, struct feed_reader_state *ret, struct err *err) {
  struct memory_file *m = self;
  *ret = (struct feed_reader_state){m->opened != NULL, m->path != NULL, m->path && m->path == m->opened, m->opened ? m->opened->len : 0};
  return memory_fails(m, err);
}
static inline enum status memory_open(void *self, struct err *err) {
  struct memory_file *m = self;
  if (!m->path) return err_set(err, ERR_NOTFOUND, "not there");
  enum status st = memory_fails(m, err);
  if (st != OK) return st;
  memory_release(m->opened);
  m->opened = m->path;
  m->opened->users++;
  return OK;
}
static inline enum status memory_read(void *self, uint64_t offset, void *buf, size_t len, size_t *ret_len, struct err *err) {
  struct memory_file *m = self;
  size_t n = offset >= m->opened->len ? 0 : m->opened->len - (size_t)offset;
  if (n > len) n = len;
  if (m->read_max && n > m->read_max) n = m->read_max;
  if (n) memcpy(buf, m->opened->p + offset, n);
  *ret_len = n;
  return memory_fails(m, err);
}
static inline void memory_destroy(void *self) {
  struct memory_file *m = self;
  memory_release(m->opened);
  m->opened = NULL;
}

static inline struct feed_reader memory_reader(struct memory_file *m) {
  return (struct feed_reader){m, memory_look, memory_open, memory_read, memory_destroy};
}
// Another file at the path (after a rename away), empty.
static inline void memory_replace(struct memory_file *m) {
  memory_release(m->path);
  m->path = calloc(1, sizeof *m->path);
  assert(m->path);
  m->path->users = 1;
}
static inline void memory_remove(struct memory_file *m) {
  memory_release(m->path);
  m->path = NULL;
}
static inline void memory_append(struct memory_file *m, const void *bytes, size_t len) {
  if (!m->path) memory_replace(m);
  m->path->p = realloc(m->path->p, m->path->len + len + 1);
  assert(m->path->p);
  if (len) memcpy(m->path->p + m->path->len, bytes, len);
  m->path->len += len;
}
static inline void memory_print(struct memory_file *m, const char *text) { memory_append(m, text, strlen(text)); }
static inline void memory_cut(struct memory_file *m, size_t len) {
  if (m->path && len < m->path->len) m->path->len = len;
}

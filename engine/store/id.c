#include "store/id.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#define EPOCH_MS INT64_C(1577836800000)  // 2020-01-01
static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

int64_t id_make(struct id_source *s, int64_t now_ns) {
  int64_t ms = now_ns / 1000000 - EPOCH_MS;
  if (ms < 0) ms = 0;
  const int64_t first = ms << 22 | (int64_t)s->node << 12;
  if (first > s->last) return s->last = first;
  const int64_t seq = s->last & 0xfff;
  return s->last = seq < 0xfff ? s->last + 1 : (((s->last >> 22) + 1) << 22 | (int64_t)s->node << 12);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct id_source process;

int64_t id_next(int64_t now_ns) {
  pthread_mutex_lock(&lock);
  const int64_t id = id_make(&process, now_ns);
  pthread_mutex_unlock(&lock);
  return id;
}

void id_seen(int64_t id) {
  pthread_mutex_lock(&lock);
  if (id > process.last) process.last = (id >> 22) << 22 | (int64_t)process.node << 12 | 0xfff;
  pthread_mutex_unlock(&lock);
}

void id_format(const char *prefix, int64_t id, char ret_text[ID_TEXT_SIZE]) {
  assert(id >= 0 && strlen(prefix) <= 8);
  size_t n = strlen(prefix);
  memcpy(ret_text, prefix, n);
  ret_text[n++] = '_';
  for (int shift = 60; shift >= 0; shift -= 5) ret_text[n++] = digits[id >> shift & 31];
  ret_text[n] = '\0';
}

bool id_parse(const char *prefix, const char *text, size_t len, int64_t *ret) {
  const size_t n = strlen(prefix);
  if (len != n + 14 || memcmp(text, prefix, n) != 0 || text[n] != '_') return false;
  uint64_t id = 0;
  for (size_t i = n + 1; i < len; i++) {
    const char *d = text[i] ? strchr(digits, text[i]) : NULL;
    if (!d || (i == n + 1 && d - digits > 7)) return false;
    id = id << 5 | (uint64_t)(d - digits);
  }
  *ret = (int64_t)id;
  return true;
}

int64_t id_from(int64_t unix_ns) {
  const int64_t ms = unix_ns / 1000000 - EPOCH_MS;
  return ms > 0 ? ms << 22 : 0;
}
int64_t id_ms(int64_t id) { return (id >> 22) + EPOCH_MS; }

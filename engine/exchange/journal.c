// exchange/journal.c – see journal.h.
#include "exchange/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_BYTES 65536
#define FILE_MAX_BYTES ((size_t)4 << 30)

struct journal {
  int fd;
  bool failed;
};

static uint32_t checksum(const char *bytes, size_t len) {
  uint64_t h = UINT64_C(14695981039346656037);
  for (size_t i = 0; i < len; i++) h = (h ^ (unsigned char)bytes[i]) * UINT64_C(1099511628211);
  return (uint32_t)(h ^ h >> 32);
}

static bool write_all(int fd, const char *bytes, size_t len) {
  while (len > 0) {
    ssize_t n = write(fd, bytes, len);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes += n;
    len -= (size_t)n;
  }
  return true;
}

static bool write_line(struct journal *j, json_t *record, bool durable) {
  char *text = record ? json_dumps(record, JSON_COMPACT) : NULL;
  json_decref(record);
  if (!text) return false;
  size_t len = strlen(text);
  char *line = malloc(len + 11);
  bool ok = line && len < LINE_MAX_BYTES;
  if (ok) {
    snprintf(line, 10, "%08" PRIx32 " ", checksum(text, len));
    memcpy(line + 9, text, len);
    line[len + 9] = '\n';
    ok = write_all(j->fd, line, len + 10) && (!durable || fdatasync(j->fd) == 0);
  }
  free(line);
  free(text);
  return ok;
}

bool exch_journal_write(
  struct journal *j, enum command c, int account, int64_t time_ms, const json_t *p, bool durable) {
  if (j->failed) return false;
  json_t *record =
    json_pack("{s:I, s:s, s:i, s:O?}", "t", (json_int_t)time_ms, "c", exch_command_text(c), "a", account, "p", p);
  if (!write_line(j, record, durable)) j->failed = true;  // what is behind a half line could not be read again
  return !j->failed;
}

static const char *symbol_names(const struct exch *x, char ret[SYMBOL_MAX * EXCH_SYMBOLS_MAX]) {
  size_t len = 0;
  ret[0] = '\0';
  for (int i = 0; i < x->symbol_count; i++)
    len += (size_t)sprintf(ret + len, "%s%s", i > 0 ? "," : "", x->symbols[i].inst.symbol);
  return ret;
}

static enum status apply(
  struct exch *x, const char *path, uint64_t number, json_t *record, int64_t *last_ms, struct err *err) {
  const char *name = json_string_value(json_object_get(record, "c"));
  enum command c;
  if (number == 1) {
    char names[SYMBOL_MAX * EXCH_SYMBOLS_MAX];
    const char *had = json_string_value(json_object_get(record, "symbols"));
    uint64_t seed = (uint64_t)json_integer_value(json_object_get(record, "seed"));
    int64_t depth = (int64_t)json_integer_value(json_object_get(record, "depth"));
    if (seed != x->seed || depth != x->depth_e8)
      return err_set(
        err, ERR_INVALID, "%s: was begun with --seed %" PRIu64 " and another --depth or seed than now", path, seed);
    if (!had || strcmp(had, symbol_names(x, names)) != 0)
      return err_set(err, ERR_INVALID, "%s: was begun with the symbols %s", path, had ? had : "?");
    return OK;
  }
  if (!name || !exch_command_parse(name, &c))
    return err_set(err, ERR_INVALID, "%s:%" PRIu64 ": not a command", path, number);
  int64_t t = (int64_t)json_integer_value(json_object_get(record, "t"));
  *last_ms = t;
  exch_command_apply(
    x, c, (int)json_integer_value(json_object_get(record, "a")), t, json_object_get(record, "p"), NULL);
  return OK;
}

static enum status replay(
  FILE *file, const char *path, struct exch *x, uint64_t *records, long *good, int64_t *last_ms, struct err *err) {
  char *line = NULL;
  size_t cap = 0;
  ssize_t len;
  enum status st = OK;
  while (st == OK && (len = getline(&line, &cap, file)) > 0) {
    bool whole = line[len - 1] == '\n';
    uint32_t sum = 0;
    bool sound =
      whole && len > 10 && sscanf(line, "%8" SCNx32, &sum) == 1 && sum == checksum(line + 9, (size_t)len - 10);
    if (!sound) {
      if (fgetc(file) == EOF) break;  // torn: never acknowledged
      st =
        err_set(err, ERR_INVALID, "%s:%" PRIu64 ": damaged; what stands behind it would be lost", path, *records + 1);
      break;
    }
    json_t *record = json_loadb(line + 9, (size_t)len - 10, 0, NULL);
    ++*records;
    st = record ? apply(x, path, *records, record, last_ms, err)
                : err_set(err, ERR_INVALID, "%s:%" PRIu64 ": not JSON", path, *records);
    json_decref(record);
    *good = ftell(file);
  }
  free(line);
  return st;
}

enum status exch_journal_open(
  const char *dir, struct exch *x, struct journal **ret, uint64_t *ret_records, int64_t *ret_last_ms, struct err *err) {
  char path[4096];
  snprintf(path, sizeof path, "%s/exchange.log", dir);
  if (mkdir(dir, 0700) && errno != EEXIST) return err_errno(err, errno, "%s", dir);
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_APPEND, 0600);
  if (fd < 0) return err_errno(err, errno, "%s", path);
  if (flock(fd, LOCK_EX | LOCK_NB)) {
    close(fd);
    return err_set(err, ERR_EXISTS, "%s: another exchange uses it", path);
  }
  int copy = dup(fd);
  FILE *file = copy >= 0 ? fdopen(copy, "r") : NULL;
  struct journal *j = calloc(1, sizeof *j);
  uint64_t records = 0;
  long good = 0;
  enum status st = file && j ? OK : err_set(err, ERR_NOMEM, "%s: out of memory", path);
  *ret_last_ms = 0;
  x->no_candles = true;
  if (st == OK) st = replay(file, path, x, &records, &good, ret_last_ms, err);
  x->no_candles = false;
  if (file) fclose(file);
  if (st == OK && ftruncate(fd, good)) st = err_errno(err, errno, "%s", path);
  if (st == OK) {
    j->fd = fd;
    char names[SYMBOL_MAX * EXCH_SYMBOLS_MAX];
    json_t *first = json_pack("{s:s, s:I, s:I, s:s}", "c", "begin", "seed", (json_int_t)x->seed, "depth",
      (json_int_t)x->depth_e8, "symbols", symbol_names(x, names));
    if (records == 0 && !write_line(j, first, true))
      st = err_errno(err, errno, "%s", path);
    else if (records > 0)
      json_decref(first);
  }
  if (st != OK) {
    free(j);
    close(fd);
    return st;
  }
  *ret = j;
  *ret_records = records;
  return OK;
}

void exch_journal_close(struct journal *j) {
  if (!j) return;
  if (fdatasync(j->fd)) j->failed = true;
  close(j->fd);
  free(j);
}

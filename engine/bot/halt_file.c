// bot/halt_file.c – see halt_file.h.
#include "bot/halt_file.h"

#include "base/buf.h"
#include "crypto/sha256.h"
#include "store/id.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4200
#define TRIGGER_MAX 65536  // bytes of HALT

struct halt_file {
  char path[PATH_SIZE], trigger[PATH_SIZE], dir[PATH_SIZE];
  int fd;
  bool dirty;  // the state is not on disk
  int first;   // the copy that is written first: the other is whole on the disk
  struct halt_state *state;
  struct halt_state next;  // of a change that is to be durable before it counts
  bool unsynced;  // a larger file has taken the other's place, and the directory does not say so for certain
  uint8_t record[HALT_RECORD_BYTES_MAX];
};

// ---- names

#define VENUE_CHARS 12
#define VENUE_BASE 39
static const char venue_digits[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";  // from 1; 0 ends a name
static const uint64_t venue_hashes = UINT64_C(12381557655576425121);          // 39^12: from here on

static char lower(char c) { return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); }

uint64_t halt_venue_id(const char *name) {
  const size_t n = strlen(name);
  uint64_t id = 0, place = 1;
  bool fits = n > 0 && n <= VENUE_CHARS;
  for (size_t i = 0; fits && i < n; i++, place *= VENUE_BASE) {
    const char *at = strchr(venue_digits, lower(name[i]));
    fits = at != NULL;
    if (fits) id += (uint64_t)(at - venue_digits + 1) * place;
  }
  if (fits) return id;
  struct sha256_ctx ctx;
  uint8_t digest[SHA256_BYTES];
  sha256_init(&ctx);
  for (size_t i = 0; i < n; i++) sha256_update(&ctx, &(char){lower(name[i])}, 1);
  sha256_finish(&ctx, digest);
  uint64_t hash = 0;
  for (int i = 0; i < 8; i++) hash = hash << 8 | digest[i];
  return venue_hashes + hash % (UINT64_MAX - venue_hashes);
}

static void venue_name(uint64_t id, char ret[HALT_NAME_SIZE]) {
  size_t n = 0;
  if (id >= venue_hashes) {
    snprintf(ret, HALT_NAME_SIZE, "venue#%016llx", (unsigned long long)id);
    return;
  }
  for (; id > 0 && id % VENUE_BASE != 0; id /= VENUE_BASE) ret[n++] = venue_digits[id % VENUE_BASE - 1];
  ret[n] = '\0';
}

char *halt_name(enum refusal_level level, uint64_t id, char ret[HALT_NAME_SIZE]) {
  if (level == LEVEL_VENUE) venue_name(id, ret);
  else if (level == LEVEL_ALL || id > INT64_MAX) snprintf(ret, HALT_NAME_SIZE, "%s", level == LEVEL_ALL ? "everything" : "?");
  else id_format(level == LEVEL_TENANT ? "org" : "bot", (int64_t)id, ret);
  return ret;
}

// The next word of a line; its length in *ret_len, 0 at the end.
static const char *word(const char **at, const char *end, size_t *ret_len) {
  while (*at < end && (**at == ' ' || **at == '\t' || **at == '\r')) ++*at;
  const char *begin = *at;
  while (*at < end && **at != ' ' && **at != '\t' && **at != '\r') ++*at;
  *ret_len = (size_t)(*at - begin);
  return begin;
}
static bool is(const char *text, size_t len, const char *name) { return strlen(name) == len && memcmp(text, name, len) == 0; }

static bool id_of(enum refusal_level level, const char *text, size_t len, uint64_t *ret) {
  char name[64];
  int64_t id;
  if (level == LEVEL_VENUE) {
    if (len == 0 || len >= sizeof name) return false;
    snprintf(name, sizeof name, "%.*s", (int)len, text);
    *ret = halt_venue_id(name);
    return true;
  }
  if (!id_parse(level == LEVEL_TENANT ? "org" : "bot", text, len, &id)) return false;
  *ret = (uint64_t)id;
  return true;
}

bool halt_line_parse(const char *line, size_t len, enum refusal_level *ret_level, uint64_t *ret_id, enum halt_mode *ret_mode) {
  static const struct { const char *name; enum refusal_level level; } levels[] = {
    {"all", LEVEL_ALL}, {"tenant", LEVEL_TENANT}, {"bot", LEVEL_BOT}, {"venue", LEVEL_VENUE}};
  static const enum halt_mode modes[] = {HALT_SILENT, HALT_REDUCE, HALT_FLATTEN};
  const char *at = line, *const end = line + len;
  size_t n;
  const char *w = word(&at, end, &n);
  bool known = false;
  for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
    if (is(w, n, levels[i].name)) *ret_level = levels[i].level, known = true;
  if (!known) return false;
  *ret_id = 0;
  if (*ret_level != LEVEL_ALL) {
    w = word(&at, end, &n);
    if (!id_of(*ret_level, w, n, ret_id)) return false;
  }
  w = word(&at, end, &n);
  *ret_mode = HALT_SILENT;
  known = n == 0;
  for (size_t i = 0; n > 0 && i < sizeof modes / sizeof *modes; i++)
    if (is(w, n, halt_mode_text(modes[i]))) *ret_mode = modes[i], known = true;
  (void)word(&at, end, &n);
  return known && n == 0;
}

// ---- the file

static enum status sync_dir(const char *dir, struct err *err) {
  const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && fsync(fd) == 0;
  const int why = errno;
  if (fd >= 0) close(fd);
  return synced ? OK : err_errno(err, why, "%s", dir);
}

static enum status write_copy(int fd, int copy, const uint8_t *record, size_t bytes) {
  size_t done = 0;
  while (done < bytes) {
    const ssize_t n = pwrite(fd, record + done, bytes - done, (off_t)copy * (off_t)bytes + (off_t)done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return ERR_IO;
    done += (size_t)n;
  }
  return fdatasync(fd) == 0 ? OK : ERR_IO;
}

// One copy is whole at any time. So where a write failed, the next one begins with that copy: the other is all that there is.
static enum status write_both(struct halt_file *f, const struct halt_state *state, struct err *err) {
  if (f->unsynced && sync_dir(f->dir, err) != OK) return ERR_IO;
  f->unsynced = false;
  halt_encode(state, f->record);
  for (int i = 0, copy = f->first; i < 2; i++, copy = 1 - copy) {
    if (write_copy(f->fd, copy, f->record, halt_record_bytes(state->capacity)) == OK) continue;
    const int why = errno;
    f->first = copy;
    return err_errno(err, why, "%s", f->path);
  }
  return OK;
}

static void read_copy(int fd, int copy, uint8_t *record, size_t bytes) {
  size_t done = 0;
  memset(record, 0, bytes);
  while (done < bytes) {
    const ssize_t n = pread(fd, record + done, bytes - done, (off_t)copy * (off_t)bytes + (off_t)done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // what is missing does not fit its checksum
    done += (size_t)n;
  }
}

// Of each copy in that file: one that was cut off has the smallest, and no copy that is whole.
static size_t record_bytes(int fd) {
  struct stat info;
  const size_t half = fstat(fd, &info) == 0 ? (size_t)info.st_size / 2 : 0;
  for (uint32_t n = HALT_ENTRIES; n <= HALT_ENTRIES_MAX; n *= 2)
    if (halt_record_bytes(n) == half) return half;
  return HALT_RECORD_BYTES;
}

// How many copies are whole; *ret is the newest of them. *ret_alike: both are, and say the same. *ret_first: the one to write first, which is not whole, or the
// newer one, which may have been written and not have come to the disk.
static int read_both(int fd, uint8_t record[HALT_RECORD_BYTES_MAX], struct halt_state *ret, bool *ret_alike, int *ret_first) {
  const size_t bytes = record_bytes(fd);
  uint64_t first = 0;
  int whole = 0;
  *ret_alike = false;
  *ret_first = 0;
  read_copy(fd, 0, record, bytes);
  if (halt_decode(record, bytes, ret)) first = ret->epoch, whole++;
  read_copy(fd, 1, record, bytes);
  struct halt_state *second = malloc(sizeof *second);
  if (second && halt_decode(record, bytes, second)) {
    *ret_alike = whole && second->epoch == first;
    if (second->epoch > first) halt_copy(ret, second);
    *ret_first = whole && second->epoch > first;
    whole++;
  } else if (whole) {
    *ret_first = 1;
  }
  free(second);
  return whole;
}

// All its blocks are taken now, by real bytes: some file systems forget that they promised them.
static enum status make(struct halt_file *f, struct err *err) {
  f->fd = open(f->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (f->fd < 0) return err_errno(err, errno, "%s", f->path);
  enum status st = write_both(f, f->state, err);
  if (st == OK && fsync(f->fd) != 0) st = err_errno(err, errno, "%s", f->path);
  return st == OK ? sync_dir(f->dir, err) : st;
}

static enum status load(struct halt_file *f, bool must_exist, int64_t now_ns, bool *ret_damaged, struct err *err) {
  bool alike = false;
  int whole = 0;
  *ret_damaged = false;
  f->fd = open(f->path, O_RDWR | O_CLOEXEC);
  if (f->fd < 0 && errno != ENOENT) return err_errno(err, errno, "%s", f->path);
  const bool there = f->fd >= 0;
  if (there) whole = read_both(f->fd, f->record, f->state, &alike, &f->first);
  if (whole == 0) halt_init(f->state);
  if (whole == 0 && (there || must_exist)) {
    halt_set(f->state, LEVEL_ALL, 0, HALT_SILENT, HALT_BY_DAMAGED, now_ns);
    *ret_damaged = true;
  }
  if (!there) return make(f, err);
  // A copy that is damaged or older is made good; when the disk refuses, what was read counts all the same.
  if (!alike) f->dirty = write_both(f, f->state, NULL) != OK;
  return OK;
}

enum status halt_file_open(const char *dir, bool must_exist, int64_t now_ns, struct halt_state *state, struct halt_file **ret, bool *ret_damaged, struct err *err) {
  struct halt_file *f = calloc(1, sizeof *f);
  if (!f) return err_set(err, ERR_NOMEM, "out of memory");
  f->state = state;
  f->fd = -1;
  snprintf(f->dir, sizeof f->dir, "%s", dir);
  snprintf(f->path, sizeof f->path, "%s/" HALT_FILE, dir);
  snprintf(f->trigger, sizeof f->trigger, "%s/" HALT_TRIGGER, dir);
  enum status st = load(f, must_exist, now_ns, ret_damaged, err);
  if (st != OK) {
    halt_file_close(f);
    return st;
  }
  *ret = f;
  return OK;
}

void halt_file_close(struct halt_file *f) {
  if (!f) return;
  if (f->fd >= 0) close(f->fd);
  free(f);
}

enum status halt_file_read(const char *dir, struct halt_state *ret, struct err *err) {
  char path[PATH_SIZE];
  bool alike;
  int copy;
  snprintf(path, sizeof path, "%s/" HALT_FILE, dir);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return err_errno(err, errno, "%s", path);
  uint8_t *record = malloc(HALT_RECORD_BYTES_MAX);
  const int whole = record ? read_both(fd, record, ret, &alike, &copy) : 0;
  const enum status st = !record ? err_set(err, ERR_NOMEM, "out of memory")
                         : whole > 0 ? OK
                                     : err_set(err, ERR_INVALID, "%s: neither copy can be read, so everything is halted at the next start", path);
  free(record);
  close(fd);
  return st;
}

// ---- changes

// A larger file in the place of this one, long before it is full: where the disk has no room for it, this one goes on.
static void grow(struct halt_file *f) {
  char larger[PATH_SIZE + 8];
  const uint32_t before = f->state->capacity;
  if (before == HALT_ENTRIES_MAX || f->state->count < before / 4 * 3) return;
  snprintf(larger, sizeof larger, "%s.new", f->path);
  const int fd = open(larger, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return;
  f->state->capacity = 2 * before;
  const size_t bytes = halt_record_bytes(f->state->capacity);
  halt_encode(f->state, f->record);
  if (write_copy(fd, 0, f->record, bytes) == OK && write_copy(fd, 1, f->record, bytes) == OK && fsync(fd) == 0 && rename(larger, f->path) == 0) {
    close(f->fd);
    f->fd = fd, f->first = 0, f->unsynced = true;
    return;
  }
  f->state->capacity = before;
  close(fd);
  unlink(larger);
}

enum status halt_file_save(struct halt_file *f, struct err *err) {
  grow(f);
  const enum status st = write_both(f, f->state, err);
  f->dirty = st != OK;
  return st;
}

// What only its owner asked for, its owner may resume. So anybody else who halts the same takes it over, and an owner who makes it
// stricter takes nothing over.
static void set_state(struct halt_state *s, enum refusal_level level, uint64_t id, enum halt_mode mode, enum halt_cause cause, int64_t now_ns) {
  const struct halt_entry *e = halt_find(s, level, id);
  const bool owners = e && e->cause == HALT_BY_OWNER;
  if (e && !owners && cause == HALT_BY_OWNER) cause = (enum halt_cause)e->cause;
  if (owners && cause != HALT_BY_OWNER && e->mode >= mode) {
    mode = (enum halt_mode)e->mode;
    halt_clear(s, level, id);
  }
  halt_set(s, level, id, mode, cause, now_ns);
}

enum status halt_file_set(struct halt_file *f, enum refusal_level level, uint64_t id, enum halt_mode mode, enum halt_cause cause, int64_t now_ns, struct err *err) {
  struct halt_state *s = f->state;
  if (cause == HALT_BY_OWNER && s->count >= s->capacity / 8 * 7 && !halt_find(s, level, id) && !halt_fold(s, now_ns))
    return err_set(err, ERR_LIMIT, "there is no room for another halt");
  set_state(s, level, id, mode, cause, now_ns);
  return halt_file_save(f, err);
}

// ---- HALT

// Calls fn for each thing that HALT names; false: there is no such file.
typedef void (*named_fn)(void *arg, enum refusal_level level, uint64_t id, enum halt_mode mode);
static bool named(const struct halt_file *f, named_fn fn, void *arg) {
  struct stat info;
  if (lstat(f->trigger, &info) != 0) return false;
  struct buf text;
  buf_init(&text, TRIGGER_MAX);
  bool any = false, understood = S_ISREG(info.st_mode) && buf_read_file(&text, f->trigger, NULL) == OK;
  for (const char *at = text.data, *end = understood && at ? at + text.len : at; at < end;) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    const size_t len = (size_t)((stop ? stop : end) - at), bare = strspn(at, " \t\r");
    enum refusal_level level;
    enum halt_mode mode;
    uint64_t id;
    if (bare < len && at[bare] != '#') {
      if (halt_line_parse(at, len, &level, &id, &mode)) fn(arg, level, id, mode), any = true;
      else understood = false;
    }
    at += len + 1;
  }
  buf_finish(&text);
  if (!any || !understood) fn(arg, LEVEL_ALL, 0, HALT_SILENT);
  return true;
}

struct asked {
  struct halt_file *file;
  enum refusal_level level;
  uint64_t id;
  int64_t now_ns;
  bool found, changed;
};
static void look_for(void *arg, enum refusal_level level, uint64_t id, enum halt_mode mode) {
  struct asked *a = arg;
  (void)mode;
  a->found |= level == a->level && id == a->id;
}
static void apply(void *arg, enum refusal_level level, uint64_t id, enum halt_mode mode) {
  struct asked *a = arg;
  const struct halt_entry *there = halt_find(a->file->state, level, id);
  if (there && there->mode >= mode) return;
  grow(a->file);  // it may name many
  halt_set(a->file->state, level, id, mode, HALT_BY_FILE, a->now_ns);
  a->changed = true;
}

enum status halt_file_clear(struct halt_file *f, enum refusal_level level, uint64_t id, struct err *err) {
  struct asked asked = {.level = level, .id = id};
  char name[HALT_NAME_SIZE];
  halt_copy(&f->next, f->state);
  if (!halt_clear(&f->next, level, id)) return err_set(err, ERR_NOTFOUND, "%s is not halted", halt_name(level, id, name));
  if (named(f, look_for, &asked) && asked.found)
    return err_set(err, ERR_EXISTS, "the file %s still asks for it: remove the file, or its line, first", f->trigger);
  enum status st = write_both(f, &f->next, err);
  if (st == OK) {
    halt_copy(f->state, &f->next);
    f->dirty = false;
  } else {  // one copy may say that it is resumed, and be the newer: what counts has to be newer still
    f->state->epoch = f->next.epoch + 1;
    f->dirty = true;
  }
  return st;
}

enum status halt_file_poll(struct halt_file *f, int64_t now_ns, bool *ret_changed, struct err *err) {
  struct asked asked = {.file = f, .now_ns = now_ns};
  (void)named(f, apply, &asked);
  *ret_changed = asked.changed;
  return asked.changed || f->dirty ? halt_file_save(f, err) : OK;
}

enum status halt_trigger(const char *dir, const char *line, bool *ret_everything, struct err *err) {
  char path[PATH_SIZE], text[256];
  snprintf(path, sizeof path, "%s/" HALT_TRIGGER, dir);
  const int len = snprintf(text, sizeof text, "%s\n", line);
  assert(len > 0 && (size_t)len < sizeof text);
  struct stat before;
  const bool empty = stat(path, &before) == 0 && before.st_size == 0;  // it asks for everything: leave it so
  const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return err_errno(err, errno, "%s", path);
  const bool written = !empty && write(fd, text, (size_t)len) == len && fsync(fd) == 0;
  enum status st = written || empty || ftruncate(fd, 0) == 0 ? OK : err_errno(err, errno, "%s", path);
  *ret_everything = !written;
  close(fd);
  return st == OK ? sync_dir(dir, err) : st;
}

// ---- the desk

static enum status desk_set(void *self, enum refusal_level level, uint64_t id, enum halt_mode mode, enum halt_cause cause, int64_t now_ns, struct err *err) {
  return halt_file_set(self, level, id, mode, cause, now_ns, err);
}
static enum status desk_clear(void *self, enum refusal_level level, uint64_t id, struct err *err) { return halt_file_clear(self, level, id, err); }
static const struct halt_state *desk_list(void *self) { return ((struct halt_file *)self)->state; }
struct halt_desk halt_file_desk(struct halt_file *f) { return (struct halt_desk){.self = f, .set = desk_set, .clear = desk_clear, .list = desk_list}; }

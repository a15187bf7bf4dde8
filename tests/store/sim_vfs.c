// tests/store/sim_vfs.c – see sim_vfs.h.
#include "sim_vfs.h"

#include <assert.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES 200
#define SECTOR 512
#define SHM_REGIONS 4
#define SHM_REGION_BYTES 32768

struct content {
  uint8_t *bytes;
  int64_t size, room;
};
struct file {
  char name[256];
  bool exists, fresh, deleted;  // fresh: a log or journal not yet synced; deleted: not yet in the directory on the disk
  struct content now;
  int handles;
  // locks between the connections of this process
  int shared;
  void *reserved, *exclusive;
  uint8_t *shm[SHM_REGIONS];
  int shm_users, shm_shared[SQLITE_SHM_NLOCK];
  void *shm_exclusive[SQLITE_SHM_NLOCK];
};
enum op_kind { OP_WRITE, OP_TRUNCATE, OP_SYNC, OP_DELETE, OP_MARK, OP_DONE };
struct op {
  enum op_kind kind;
  int file;
  int64_t offset, length;  // OP_MARK: the number is in offset
  uint8_t *data;
  // of a tail: what it changed, behind the data
  uint8_t *old;
  int64_t old_length, old_size;
};
struct sim_trace {
  struct op *ops;
  size_t count, room;
  struct content durable[FILES];
  bool exists[FILES];
  size_t durable_until[FILES];  // operations of a file before this one are done
  // progress of sim_lose_power
  size_t at;
  int64_t mark;
  // a tail: only what is not synced
  bool tail;
};
struct handle {
  sqlite3_file base;
  struct file *file;
  int level;
  bool shm, delete_on_close;
  unsigned shm_shared, shm_exclusive;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file files[FILES];
static struct sim_trace *trace;
static unsigned fault_kinds;
static int64_t fault_nth, calls;
static bool fault_sticky, fault_full, lie_log, lie_file, frozen;
static uint64_t random_state;

static uint64_t next_random(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

// The disk's memory is not the program's: it must not run out with it (faults.c wraps malloc and its kin, not this).
static void *bytes_of_disk(void *old, size_t old_size, size_t size) {
  void *p = aligned_alloc(16, (size + 15) / 16 * 16);
  assert(p);
  if (old_size) memcpy(p, old, old_size);
  free(old);
  return p;
}

// ---- contents

static void grow(struct content *c, int64_t size) {
  if (size > c->room) {
    c->bytes = bytes_of_disk(c->bytes, (size_t)c->size, (size_t)size * 2);
    c->room = size * 2;
  }
  if (size > c->size) {
    memset(c->bytes + c->size, 0, (size_t)(size - c->size));
    c->size = size;
  }
}
static void put(struct content *c, int64_t offset, const uint8_t *data, int64_t length) {
  grow(c, offset + length);
  memcpy(c->bytes + offset, data, (size_t)length);
}
static void copy(struct content *to, const struct content *from) {
  to->size = 0;
  if (from->size) put(to, 0, from->bytes, from->size);
}

static struct op *op_new(void) {
  if (trace->count == trace->room) {
    trace->room = trace->room * 2 + 256;
    trace->ops = bytes_of_disk(trace->ops, trace->count * sizeof *trace->ops, trace->room * sizeof *trace->ops);
  }
  return &trace->ops[trace->count++];
}

// No loss of power takes it any more.
static void synced(int file) {
  size_t kept = 0;
  for (size_t i = 0; i < trace->count; i++) {
    if (trace->ops[i].file == file) free(trace->ops[i].data);
    else trace->ops[kept++] = trace->ops[i];
  }
  trace->count = kept;
}

static void log_tail(enum op_kind kind, const struct file *f, int64_t offset, const void *data, int64_t length) {
  if (kind == OP_SYNC) synced((int)(f - files));
  if (kind == OP_SYNC || kind == OP_MARK) return;
  const int64_t end = kind == OP_WRITE && offset + length < f->now.size ? offset + length : f->now.size;
  struct op op = {.kind = kind, .file = (int)(f - files), .offset = offset, .length = length, .old_length = end > offset ? end - offset : 0, .old_size = f->now.size};
  op.data = bytes_of_disk(NULL, 0, (size_t)(length + op.old_length) + 1);
  op.old = op.data + length;
  if (length) memcpy(op.data, data, (size_t)length);
  if (op.old_length) memcpy(op.old, f->now.bytes + offset, (size_t)op.old_length);
  *op_new() = op;
}

// Before it is done.
static void log_op(enum op_kind kind, const struct file *f, int64_t offset, const void *data, int64_t length) {
  if (!trace) return;
  if (trace->tail) {
    log_tail(kind, f, offset, data, length);
    return;
  }
  struct op op = {.kind = kind, .file = f ? (int)(f - files) : 0, .offset = offset, .length = length};
  if (data) {
    op.data = bytes_of_disk(NULL, 0, (size_t)length);
    memcpy(op.data, data, (size_t)length);
  }
  *op_new() = op;
}

// With the lock held. True: this call is to fail.
static bool fails(unsigned kind) {
  if (!(fault_kinds & kind)) return false;
  calls++;
  return fault_nth && (fault_sticky ? calls >= fault_nth : calls == fault_nth);
}

#define LOCKED(...)                \
  pthread_mutex_lock(&lock);       \
  int rc = SQLITE_OK;              \
  __VA_ARGS__                      \
  pthread_mutex_unlock(&lock);     \
  return rc

// ---- files

static int sim_read(sqlite3_file *h, void *buf, int n, sqlite3_int64 offset) {
  struct file *f = ((struct handle *)h)->file;
  LOCKED(
    if (fails(SIM_READ)) rc = SQLITE_IOERR_READ;
    else {
      int64_t have = f->now.size - offset;
      have = have < 0 ? 0 : have > n ? n : have;
      if (have) memcpy(buf, f->now.bytes + offset, (size_t)have);
      if (have < n) {
        memset((char *)buf + have, 0, (size_t)(n - have));
        rc = SQLITE_IOERR_SHORT_READ;
      }
    });
}
static int sim_write(sqlite3_file *h, const void *buf, int n, sqlite3_int64 offset) {
  struct file *f = ((struct handle *)h)->file;
  LOCKED(
    if (fails(SIM_WRITE)) {
      rc = fault_full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
      n /= 2;
    }
    if (n && !frozen) {
      log_op(OP_WRITE, f, offset, buf, n);
      put(&f->now, offset, buf, n);
    });
}
static int sim_truncate(sqlite3_file *h, sqlite3_int64 size) {
  struct file *f = ((struct handle *)h)->file;
  LOCKED(
    if (fails(SIM_WRITE)) rc = fault_full ? SQLITE_FULL : SQLITE_IOERR_TRUNCATE;
    else if (size < f->now.size) {
      log_op(OP_TRUNCATE, f, size, NULL, 0);
      f->now.size = size;
    });
}
static bool is_log(const struct file *f) {
  const size_t n = strlen(f->name);
  return n > 4 && strcmp(f->name + n - 4, "-wal") == 0;
}
static int sim_sync(sqlite3_file *h, int flags) {
  (void)flags;
  struct file *f = ((struct handle *)h)->file;
  LOCKED(
    if (fails(SIM_SYNC)) rc = SQLITE_IOERR_FSYNC;
    else if (!(is_log(f) ? lie_log : lie_file)) {
      log_op(OP_SYNC, f, 0, NULL, 0);
      // The first sync of a new log or journal syncs the directory too, as SQLite's own VFS does.
      for (int i = 0; f->fresh && i < FILES; i++) {
        if (files[i].deleted) log_op(OP_SYNC, &files[i], 0, NULL, 0);
        files[i].deleted = false;
      }
      f->fresh = false;
    });
}
static int sim_size(sqlite3_file *h, sqlite3_int64 *ret) {
  struct file *f = ((struct handle *)h)->file;
  LOCKED(
    if (fails(SIM_OTHER)) rc = SQLITE_IOERR_FSTAT;
    *ret = f->now.size;);
}

// ---- locks

static void unlock_to(struct handle *h, int level) {
  struct file *f = h->file;
  if (level < SQLITE_LOCK_EXCLUSIVE && f->exclusive == h) f->exclusive = NULL;
  if (level < SQLITE_LOCK_RESERVED && f->reserved == h) f->reserved = NULL;
  if (level < SQLITE_LOCK_SHARED && h->level >= SQLITE_LOCK_SHARED) f->shared--;
  h->level = level;
}
static int sim_lock(sqlite3_file *base, int level) {
  struct handle *h = (struct handle *)base;
  struct file *f = h->file;
  LOCKED(
    if (h->level < level) {
      const bool others = f->shared - (h->level >= SQLITE_LOCK_SHARED) > 0;
      if (f->exclusive && f->exclusive != h) rc = SQLITE_BUSY;
      else if (level >= SQLITE_LOCK_RESERVED && f->reserved && f->reserved != h) rc = SQLITE_BUSY;
      else if (level == SQLITE_LOCK_EXCLUSIVE && others) rc = SQLITE_BUSY;
      if (rc == SQLITE_OK) {
        if (h->level < SQLITE_LOCK_SHARED) f->shared++;
        if (level >= SQLITE_LOCK_RESERVED) f->reserved = h;
        if (level == SQLITE_LOCK_EXCLUSIVE) f->exclusive = h;
        h->level = level;
      }
    });
}
static int sim_unlock(sqlite3_file *base, int level) {
  struct handle *h = (struct handle *)base;
  LOCKED(if (h->level > level) unlock_to(h, level););
}
static int sim_reserved(sqlite3_file *base, int *ret) {
  struct file *f = ((struct handle *)base)->file;
  LOCKED(*ret = f->reserved != NULL;);
}

static int sim_shm_map(sqlite3_file *base, int region, int bytes, int extend, void volatile **ret) {
  struct handle *h = (struct handle *)base;
  *ret = NULL;
  LOCKED(
    assert(bytes == SHM_REGION_BYTES && region < SHM_REGIONS);
    if (fails(SIM_OTHER)) rc = SQLITE_IOERR_SHMMAP;
    else {
      if (!h->shm) {
        h->shm = true;
        h->file->shm_users++;
      }
      if (!h->file->shm[region] && extend) {
        h->file->shm[region] = calloc(1, SHM_REGION_BYTES);  // may be made to fail, like every calloc of this program
        if (!h->file->shm[region]) rc = SQLITE_IOERR_NOMEM;
      }
      *ret = h->file->shm[region];
    });
}
static int sim_shm_lock(sqlite3_file *base, int first, int n, int flags) {
  struct handle *h = (struct handle *)base;
  struct file *f = h->file;
  LOCKED(
    for (int i = first; i < first + n && flags & SQLITE_SHM_LOCK; i++) {
      const bool mine = h->shm_shared >> i & 1;
      if (f->shm_exclusive[i] && f->shm_exclusive[i] != h) rc = SQLITE_BUSY;
      if (flags & SQLITE_SHM_EXCLUSIVE && f->shm_shared[i] - mine > 0) rc = SQLITE_BUSY;
    }
    for (int i = first; i < first + n && rc == SQLITE_OK; i++) {
      const unsigned bit = 1u << i;
      if (flags & SQLITE_SHM_EXCLUSIVE) {
        f->shm_exclusive[i] = flags & SQLITE_SHM_LOCK ? h : f->shm_exclusive[i] == h ? NULL : f->shm_exclusive[i];
        h->shm_exclusive = flags & SQLITE_SHM_LOCK ? h->shm_exclusive | bit : h->shm_exclusive & ~bit;
      } else if (flags & SQLITE_SHM_LOCK) {
        f->shm_shared[i] += !(h->shm_shared & bit);
        h->shm_shared |= bit;
      } else {
        f->shm_shared[i] -= (h->shm_shared & bit) != 0;
        h->shm_shared &= ~bit;
      }
    });
}
static void sim_shm_barrier(sqlite3_file *base) {
  (void)base;
  pthread_mutex_lock(&lock);
  pthread_mutex_unlock(&lock);
}
static void shm_drop(struct file *f) {
  for (int i = 0; i < SHM_REGIONS; i++) {
    free(f->shm[i]);
    f->shm[i] = NULL;
  }
}
static int sim_shm_unmap(sqlite3_file *base, int delete) {
  (void)delete;
  struct handle *h = (struct handle *)base;
  struct file *f = h->file;
  LOCKED(
    for (int i = 0; i < SQLITE_SHM_NLOCK; i++) {
      f->shm_shared[i] -= h->shm_shared >> i & 1;
      if (f->shm_exclusive[i] == h) f->shm_exclusive[i] = NULL;
    }
    h->shm_shared = h->shm_exclusive = 0;
    if (h->shm && --f->shm_users == 0) shm_drop(f);
    h->shm = false;);
}

static int sim_control(sqlite3_file *h, int op, void *arg) {
  (void)h, (void)op, (void)arg;
  return SQLITE_NOTFOUND;
}
static int sim_sector(sqlite3_file *h) {
  (void)h;
  return SECTOR;
}
static int sim_character(sqlite3_file *h) {
  (void)h;
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}
static int sim_close(sqlite3_file *base) {
  struct handle *h = (struct handle *)base;
  LOCKED(
    unlock_to(h, SQLITE_LOCK_NONE);
    h->file->handles--;
    if (h->delete_on_close) {
      h->file->exists = false;
      h->file->now.size = 0;
    });
}

static const sqlite3_io_methods methods = {.iVersion = 2, .xClose = sim_close, .xRead = sim_read, .xWrite = sim_write,
  .xTruncate = sim_truncate, .xSync = sim_sync, .xFileSize = sim_size, .xLock = sim_lock, .xUnlock = sim_unlock,
  .xCheckReservedLock = sim_reserved, .xFileControl = sim_control, .xSectorSize = sim_sector,
  .xDeviceCharacteristics = sim_character, .xShmMap = sim_shm_map, .xShmLock = sim_shm_lock, .xShmBarrier = sim_shm_barrier,
  .xShmUnmap = sim_shm_unmap};

// ---- the file system

static struct file *find(const char *name, bool create) {
  struct file *unused = NULL;
  for (int i = 0; i < FILES; i++) {
    if (files[i].name[0] && strcmp(files[i].name, name) == 0) return files[i].exists || create ? &files[i] : NULL;
    if (!files[i].name[0] && !unused) unused = &files[i];
  }
  if (!create) return NULL;
  assert(unused && strlen(name) < sizeof unused->name);
  strcpy(unused->name, name);
  return unused;
}
static int sim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *ret_flags) {
  (void)vfs;
  struct handle *h = (struct handle *)base;
  memset(h, 0, sizeof *h);
  LOCKED(
    struct file *f = fails(SIM_OPEN) ? NULL : find(name ? name : "(temporary)", flags & SQLITE_OPEN_CREATE);
    if (!f) rc = SQLITE_CANTOPEN;
    else {
      f->fresh |= !f->exists && flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL);
      f->exists = true;
      f->handles++;
      h->base.pMethods = &methods;
      h->file = f;
      h->delete_on_close = flags & SQLITE_OPEN_DELETEONCLOSE;
      if (ret_flags) *ret_flags = flags;
    });
}
static int sim_delete(sqlite3_vfs *vfs, const char *name, int sync_dir) {
  (void)vfs;
  LOCKED(
    struct file *f = find(name, false);
    if (fails(SIM_OTHER)) rc = SQLITE_IOERR_DELETE;
    else if (!f) rc = SQLITE_IOERR_DELETE_NOENT;
    else {
      log_op(OP_DELETE, f, 0, NULL, 0);
      f->exists = false;
      f->now.size = 0;
      f->deleted = !sync_dir;
      if (sync_dir) log_op(OP_SYNC, f, 0, NULL, 0);
    });
}
static int sim_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret) {
  (void)vfs, (void)flags;
  LOCKED(
    if (fails(SIM_OTHER)) rc = SQLITE_IOERR_ACCESS;
    const struct file *f = find(name, false);
    *ret = f != NULL && (flags != SQLITE_ACCESS_EXISTS || f->now.size > 0););
}
static int sim_full_path(sqlite3_vfs *vfs, const char *name, int n, char *ret) {
  (void)vfs;
  sqlite3_snprintf(n, ret, "%s", name);
  return SQLITE_OK;
}
static int sim_randomness(sqlite3_vfs *vfs, int n, char *ret) {
  (void)vfs;
  for (int i = 0; i < n; i++) ret[i] = (char)next_random(&random_state);
  return n;
}
static int sim_sleep(sqlite3_vfs *vfs, int us) {
  (void)vfs;
  return us;
}
static int sim_time(sqlite3_vfs *vfs, sqlite3_int64 *ret) {
  (void)vfs;
  *ret = 212000000000000;
  return SQLITE_OK;
}
static int sim_last_error(sqlite3_vfs *vfs, int n, char *ret) {
  (void)vfs, (void)n, (void)ret;
  return 0;
}

void sim_init(void) {
  static sqlite3_vfs vfs = {.iVersion = 2, .szOsFile = sizeof(struct handle), .mxPathname = 255, .zName = "sim", .xOpen = sim_open,
    .xDelete = sim_delete, .xAccess = sim_access, .xFullPathname = sim_full_path, .xRandomness = sim_randomness,
    .xSleep = sim_sleep, .xCurrentTimeInt64 = sim_time, .xGetLastError = sim_last_error};
  const int rc = sqlite3_vfs_register(&vfs, 1);
  assert(rc == SQLITE_OK);
  (void)rc;
}

void sim_reset(void) {
  assert(!trace);
  for (int i = 0; i < FILES; i++) {
    assert(files[i].handles == 0);
    shm_drop(&files[i]);
    free(files[i].now.bytes);
    files[i] = (struct file){0};
  }
  sim_fail(0, 0, false, false);
  sim_lie(false, false);
}

void sim_fail(unsigned kinds, int64_t nth, bool sticky, bool full) {
  pthread_mutex_lock(&lock);
  fault_kinds = kinds, fault_nth = nth, fault_sticky = sticky, fault_full = full, calls = 0;
  frozen = false;
  pthread_mutex_unlock(&lock);
}
int64_t sim_calls(void) {
  pthread_mutex_lock(&lock);
  const int64_t n = calls;
  pthread_mutex_unlock(&lock);
  return n;
}
void sim_lie(bool log, bool file) {
  pthread_mutex_lock(&lock);
  lie_log = log, lie_file = file;
  pthread_mutex_unlock(&lock);
}

// ---- traces

void sim_record(void) {
  pthread_mutex_lock(&lock);
  assert(!trace);
  trace = memset(bytes_of_disk(NULL, 0, sizeof *trace), 0, sizeof *trace);
  for (int i = 0; i < FILES; i++) {
    trace->exists[i] = files[i].exists;
    copy(&trace->durable[i], &files[i].now);
  }
  pthread_mutex_unlock(&lock);
}
void sim_record_tail(void) {
  pthread_mutex_lock(&lock);
  assert(!trace);
  trace = memset(bytes_of_disk(NULL, 0, sizeof *trace), 0, sizeof *trace);
  trace->tail = true;
  for (int i = 0; i < FILES; i++) trace->exists[i] = files[i].exists;
  pthread_mutex_unlock(&lock);
}
void sim_freeze(void) {
  sim_fail(SIM_ALL, 1, true, false);
  frozen = true;
}
void sim_mark(int64_t number) {
  pthread_mutex_lock(&lock);
  log_op(OP_MARK, NULL, number, NULL, 0);
  pthread_mutex_unlock(&lock);
}
const struct sim_trace *sim_now(void) { return trace; }
struct sim_trace *sim_take(void) {
  pthread_mutex_lock(&lock);
  struct sim_trace *t = trace;
  trace = NULL;
  pthread_mutex_unlock(&lock);
  return t;
}
void sim_trace_free(struct sim_trace *t) {
  for (size_t i = 0; i < t->count; i++) free(t->ops[i].data);
  for (int i = 0; i < FILES; i++) free(t->durable[i].bytes);
  free(t->ops);
  free(t);
}
size_t sim_trace_length(const struct sim_trace *t) { return t->count; }

// What the disk is sure to have: everything of this file up to its sync.
static void make_durable(struct sim_trace *t, int file, size_t until) {
  for (size_t i = t->durable_until[file]; i < until; i++) {
    struct op *op = &t->ops[i];
    if (op->file != file) continue;
    if (op->kind == OP_WRITE) {
      put(&t->durable[file], op->offset, op->data, op->length);
      free(op->data);
      op->data = NULL;
    } else if (op->kind == OP_TRUNCATE) {
      if (op->offset < t->durable[file].size) t->durable[file].size = op->offset;
    } else if (op->kind == OP_DELETE) {
      t->durable[file].size = 0;
    } else {
      continue;
    }
    op->kind = OP_DONE;
  }
  t->durable_until[file] = until;
}

enum style { STYLE_ALL, STYLE_NONE, STYLE_LAST_TORN, STYLE_PREFIX, STYLE_ANY, STYLES };

// Of what was not synced: each 512 bytes are there, or not, or garbage.
static void lose(const struct sim_trace *t, size_t ops, uint64_t seed) {
  uint64_t state = seed * 0x2545f4914f6cdd1d + ops;
  const enum style style = (enum style)(next_random(&state) % STYLES);
  size_t stop = style == STYLE_PREFIX ? next_random(&state) % (ops + 1) : ops;
  for (size_t i = 0; i < stop; i++) {
    const struct op *op = &t->ops[i];
    struct content *c = &files[op->file].now;
    const bool torn = style == STYLE_ANY || (style == STYLE_LAST_TORN && i + 1 == ops);
    if (op->kind == OP_MARK || op->kind == OP_SYNC || op->kind == OP_DONE) continue;
    if (style == STYLE_NONE) continue;
    if (op->kind == OP_DELETE) {
      if (!torn || next_random(&state) & 1) c->size = 0;
    } else if (op->kind == OP_TRUNCATE) {
      if ((!torn || next_random(&state) & 1) && op->offset < c->size) c->size = op->offset;
    } else {
      files[op->file].exists = true;
      for (int64_t done = 0; done < op->length;) {
        int64_t n = SECTOR - (op->offset + done) % SECTOR;
        if (n > op->length - done) n = op->length - done;
        const unsigned fate = torn ? next_random(&state) % 5 : 0;
        if (fate <= 1) put(c, op->offset + done, op->data + done, n);
        if (fate == 4) {
          grow(c, op->offset + done + n);
          for (int64_t b = 0; b < n; b++) c->bytes[op->offset + done + b] = (uint8_t)next_random(&state);
        }
        done += n;
      }
    }
  }
}


int64_t sim_lose_power(struct sim_trace *t, size_t ops, uint64_t seed) {
  assert(ops >= t->at && ops <= t->count && !trace && !t->tail);
  for (; t->at < ops; t->at++) {
    const struct op *op = &t->ops[t->at];
    if (op->kind == OP_MARK && op->offset > t->mark) t->mark = op->offset;
    if (op->kind == OP_SYNC) make_durable(t, op->file, t->at);
  }
  for (int i = 0; i < FILES; i++) {
    assert(files[i].handles == 0);
    shm_drop(&files[i]);
    copy(&files[i].now, &t->durable[i]);
    files[i].exists = t->exists[i] || files[i].now.size > 0;
  }
  lose(t, ops, seed);
  return t->mark;
}

void sim_lose_tail(struct sim_trace *t, uint64_t seed) {
  assert(t->tail && !trace);
  for (size_t i = t->count; i-- > 0;) {
    const struct op *op = &t->ops[i];
    struct content *c = &files[op->file].now;
    grow(c, op->old_size);
    c->size = op->old_size;
    if (op->old_length) memcpy(c->bytes + op->offset, op->old, (size_t)op->old_length);
  }
  for (int i = 0; i < FILES; i++) {
    assert(files[i].handles == 0);
    shm_drop(&files[i]);
    files[i].exists = t->exists[i] || files[i].now.size > 0;
  }
  lose(t, t->count, seed);
}

// A file of size 0 in a directory or none: SQLite makes a difference, so this does too.
uint64_t sim_image(const char *path) {
  const size_t n = strlen(path);
  uint64_t sum = 0;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < FILES; i++) {
    const struct file *f = &files[i];
    if (!f->exists || strncmp(f->name, path, n) != 0) continue;
    uint64_t h[4] = {(uint64_t)f->now.size, UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xbf58476d1ce4e5b9), UINT64_C(0x94d049bb133111eb)};  // four, for the processor's sake
    for (const char *c = f->name + n; *c; c++) h[1] = (h[1] ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    const uint8_t *at = f->now.bytes;
    int64_t left = f->now.size;
    for (; left >= 32; left -= 32, at += 32)
      for (int k = 0; k < 4; k++) {
        uint64_t word;
        memcpy(&word, at + 8 * k, 8);
        h[k] = (h[k] ^ word) * UINT64_C(0xff51afd7ed558ccd);
        h[k] ^= h[k] >> 29;
      }
    for (; left > 0; left--, at++) h[0] = (h[0] ^ *at) * UINT64_C(0x100000001b3);
    for (int k = 0; k < 4; k++) sum += next_random(&h[k]) * (uint64_t)(2 * k + 3);
  }
  pthread_mutex_unlock(&lock);
  return sum;
}

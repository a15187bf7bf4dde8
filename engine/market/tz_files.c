#include "market/tz_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX 4096
#define DEPTH_MAX 4

struct zone_file {
  char *name;
  struct buf file;
};
static struct zone_file *files;
static size_t count, capacity;
static bool preloaded;

const char *tz_directory(void) {
  const char *dir = getenv("TZDIR");
  return dir && *dir ? dir : "/usr/share/zoneinfo";
}

bool tz_preloaded(void) { return preloaded; }

static int compare(const void *a, const void *b) { return strcmp(((const struct zone_file *)a)->name, ((const struct zone_file *)b)->name); }

const struct buf *tz_preloaded_file(const char *name) {
  struct zone_file key = {.name = (char *)name};
  struct zone_file *z = count ? bsearch(&key, files, count, sizeof *files, compare) : NULL;
  return z ? &z->file : NULL;
}

// Not zones, or copies of all of them.
static bool skipped(const char *name) { return name[0] == '.' || strcmp(name, "posix") == 0 || strcmp(name, "right") == 0; }

static enum status add_file(const char *path, const char *name, struct err *err) {
  struct buf b;
  buf_init(&b, TZ_FILE_MAX);
  struct err ignored;
  if (buf_read_file(&b, path, &ignored) != OK || b.len < 4 || memcmp(b.data, "TZif", 4) != 0) {  // leap seconds, tables, scripts
    buf_finish(&b);
    return OK;
  }
  if (count == capacity) {
    size_t want = capacity ? capacity * 2 : 1024;
    struct zone_file *grown = want <= FILES_MAX ? reallocarray(files, want, sizeof *files) : NULL;
    if (grown) files = grown, capacity = want;
  }
  char *copy = count < capacity ? strdup(name) : NULL;
  if (!copy) {
    buf_finish(&b);
    return err_set(err, ERR_NOMEM, "no memory for the time zones");
  }
  files[count++] = (struct zone_file){copy, b};
  return OK;
}

// rel: "" or "America/"
static enum status add_directory(const char *rel, int depth, struct err *err) {
  char path[4096];
  if (snprintf(path, sizeof path, "%s/%s", tz_directory(), rel) >= (int)sizeof path) return err_set(err, ERR_INVALID, "the time zone directory's name is too long");
  DIR *dir = opendir(path);
  if (!dir) return err_errno(err, errno, "%s", path);
  enum status st = OK;
  for (struct dirent *e; st == OK && (e = readdir(dir));) {
    char name[512], file[4096];
    if (skipped(e->d_name) || snprintf(name, sizeof name, "%s%s", rel, e->d_name) >= (int)sizeof name - 1 ||
        snprintf(file, sizeof file, "%s/%s", tz_directory(), name) >= (int)sizeof file)
      continue;
    if (e->d_type == DT_DIR && depth < DEPTH_MAX) {
      strcat(name, "/");
      st = add_directory(name, depth + 1, err);
    } else if (e->d_type != DT_DIR) {
      st = add_file(file, name, err);
    }
  }
  closedir(dir);
  return st;
}

enum status tz_preload(struct err *err) {
  if (preloaded) return OK;
  enum status st = add_directory("", 0, err);
  if (st != OK) {
    tz_preload_finish();
    return err_wrap(err, st, "time zones");
  }
  if (count) qsort(files, count, sizeof *files, compare);
  preloaded = true;
  return OK;
}

void tz_preload_finish(void) {
  for (size_t i = 0; i < count; i++) {
    free(files[i].name);
    buf_finish(&files[i].file);
  }
  free(files);
  files = NULL;
  count = capacity = 0;
  preloaded = false;
}

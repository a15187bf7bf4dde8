// api/console.c – see console.h.
#include "api/console.h"

#include "base/buf.h"
#include "net/blob.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX (8 << 20)
#define PATH_TEXT_MAX 512

// No inline code, nothing from elsewhere, in nobody's frame. Pictures as data: QR codes and icons in style sheets.
const char console_csp[] = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; "
                           "frame-src 'self' blob:; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

struct console {
  char *dir;            // NULL: the pack
  struct blob **blobs;  // two per entry of the pack, made when first asked for: plain, gzip
  char *pages;          // of a directory: lines "PATTERN FILE"
};

// ---- which page a path is shown by

static bool matches(const char *pattern, size_t pattern_len, const char *path) {
  const char *p = pattern, *end = pattern + pattern_len;
  while (p < end) {
    if (*p == '*') return true;
    if (*p == ':') {  // a segment, not empty
      p += strcspn(p, "/ \n");
      const size_t len = strcspn(path, "/");
      if (len == 0) return false;
      path += len;
    } else if (*p++ != *path++) {
      return false;
    }
  }
  return *path == '\0' || (path[0] == '/' && path[1] == '\0');
}

// ---- the pack

static bool from_pack(struct console *c, const char *path, bool gzip, struct console_file *ret) {
  size_t i = 0;
  while (i < console_pack.entry_count && strcmp(console_pack.entries[i].path, path) != 0) i++;
  if (i == console_pack.entry_count) return false;
  const struct console_entry *e = &console_pack.entries[i];
  const bool zipped = gzip && e->gzip_len > 0;
  struct blob **blob = &c->blobs[2 * i + zipped];
  if (!*blob) *blob = zipped ? blob_create(console_pack.bytes + e->gzip_at, e->gzip_len) : blob_create(console_pack.bytes + e->at, e->len);
  if (!*blob) return false;
  *ret = (struct console_file){.blob = blob_retain(*blob), .type = e->type, .gzip = zipped, .negotiated = e->gzip_len > 0, .immutable = e->immutable};
  snprintf(ret->etag, sizeof ret->etag, "\"%s%s\"", e->etag, zipped ? "-z" : "");  // two forms, two tags
  return true;
}

// ---- a directory

static const char *type_of(const char *path) {
  static const char *const types[][2] = {{".html", "text/html; charset=utf-8"}, {".js", "text/javascript; charset=utf-8"}, {".css", "text/css; charset=utf-8"},
                                         {".svg", "image/svg+xml"}, {".png", "image/png"}, {".json", "application/json"}, {".webmanifest", "application/manifest+json"},
                                         {".woff2", "font/woff2"}, {".txt", "text/plain; charset=utf-8"}};
  const char *dot = strrchr(path, '.');
  for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
    if (strcmp(dot, types[i][0]) == 0) return types[i][1];
  return "application/octet-stream";
}

static bool from_dir(struct console *c, const char *path, struct console_file *ret) {
  char name[PATH_TEXT_MAX];
  struct stat info;
  struct buf text;
  struct err err;
  // No way out of the directory: only names as the build makes them.
  if (strstr(path, "..") || path[strspn(path, "/.-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")] != '\0') return false;
  if (snprintf(name, sizeof name, "%s%s", c->dir, path) >= (int)sizeof name || stat(name, &info) != 0 || !S_ISREG(info.st_mode)) return false;
  buf_init(&text, FILE_MAX);
  struct blob *blob = buf_read_file(&text, name, &err) == OK ? blob_create(text.data ? text.data : "", text.len) : NULL;
  buf_finish(&text);
  if (!blob) return false;
  *ret = (struct console_file){.blob = blob, .type = type_of(path)};
  return true;
}

// ---- both

static bool page_of(const struct console *c, const char *path, char ret_file[PATH_TEXT_MAX]) {
  for (size_t i = 0; !c->dir && i < console_pack.page_count; i++) {
    const struct console_page *p = &console_pack.pages[i];
    if (matches(p->pattern, strlen(p->pattern), path)) return snprintf(ret_file, PATH_TEXT_MAX, "%s", p->file) > 0;
  }
  for (const char *line = c->pages; line && *line;) {
    const size_t pattern = strcspn(line, " \n"), file = line[pattern] == ' ' ? strcspn(line + pattern + 1, "\n") : 0;
    if (file && matches(line, pattern, path)) return snprintf(ret_file, PATH_TEXT_MAX, "%.*s", (int)file, line + pattern + 1) > 0;
    line += strcspn(line, "\n");
    line += *line == '\n';
  }
  return false;
}

bool console_get(struct console *c, const char *path, bool gzip, struct console_file *ret) {
  char file[PATH_TEXT_MAX];
  if (page_of(c, path, file)) path = file;
  return c->dir ? from_dir(c, path, ret) : from_pack(c, path, gzip, ret);
}

bool console_present(const struct console *c) { return c->dir || console_pack.present; }

static enum status open_dir(struct console *c, const char *dir, struct err *err) {
  struct buf text;
  char name[PATH_TEXT_MAX];
  if (snprintf(name, sizeof name, "%s/pages.txt", dir) >= (int)sizeof name) return err_set(err, ERR_LIMIT, "%s: too long a name", dir);
  buf_init(&text, 1 << 20);
  enum status st = buf_read_file(&text, name, err);
  if (st == OK) {
    c->dir = strdup(dir);
    c->pages = strndup(text.data ? text.data : "", text.len);
    if (!c->dir || !c->pages) st = err_set(err, ERR_NOMEM, "out of memory");
  } else {
    struct err why = *err;
    st = err_set(err, ERR_NOTFOUND, "%s holds no console (%s): npm run build in admin/console makes one in dist/", dir, why.msg);
  }
  buf_finish(&text);
  return st;
}

enum status console_create(const char *dir, struct console **ret, struct err *err) {
  struct console *c = calloc(1, sizeof *c);
  if (!c) return err_set(err, ERR_NOMEM, "out of memory");
  c->blobs = calloc(2 * console_pack.entry_count + 1, sizeof *c->blobs);
  enum status st = !c->blobs ? err_set(err, ERR_NOMEM, "out of memory") : dir ? open_dir(c, dir, err) : OK;
  if (st != OK) {
    console_destroy(c);
    return st;
  }
  *ret = c;
  return OK;
}

void console_destroy(struct console *c) {
  if (!c) return;
  for (size_t i = 0; c->blobs && i < 2 * console_pack.entry_count; i++) blob_release(c->blobs[i]);
  free(c->blobs);
  free(c->dir);
  free(c->pages);
  free(c);
}

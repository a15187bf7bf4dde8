// api/console.h – the files of the web consoles: those in the binary (admin/console, packed by its build), or those of a
// directory, for who works on them. Which paths are a console's pages is told by the build as well, from the tables that the
// consoles route by; everything else stays unknown: 404, which who accepts HTML is told by the console's own page (api/server.c).
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

struct blob;
struct console;

struct console_file {
  struct blob *blob;     // the caller releases it
  const char *type;      // Content-Type
  char etag[40];         // with its quotes; "" for a directory's files
  bool gzip;             // blob is compressed so
  bool negotiated;       // there is another form of it for who (does not) accept gzip
  bool immutable;        // its name tells its content
};

// What every page of the consoles may do: nothing but talk to this service with scripts and styles of this service.
extern const char console_csp[];

// dir: the output of `npm run build` in admin/console; NULL: the binary's own files. ERR_NOTFOUND: it holds no console.
enum status console_create(const char *dir, struct console **ret, struct err *err) MUST_CHECK;
void console_destroy(struct console *console);
// The file of a path, or the page that a console's path is shown by. False: neither; then nothing is set. One thread.
bool console_get(struct console *console, const char *path, bool gzip, struct console_file *ret);
// Whether the binary was built with the consoles, rather than a page that tells how to get them.
bool console_present(const struct console *console);

// ---- what admin/console/pack.mjs (or build.sh, without the consoles) generates

struct console_entry {
  const char *path, *type, *etag;
  size_t at, len;            // in the pack
  size_t gzip_at, gzip_len;  // likewise; 0: there is no such form
  bool immutable;
};
struct console_page {
  const char *pattern;  // "/bots/:id": a segment with ":" is any, a last "*" any rest
  const char *file;     // the entry's path
};
struct console_pack {
  const unsigned char *bytes;
  const struct console_entry *entries;
  size_t entry_count;
  const struct console_page *pages;
  size_t page_count;
  bool present;
};
extern const struct console_pack console_pack;

#include "api/etag.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void etag_format(int64_t revision, char ret_text[ETAG_TEXT_SIZE]) { snprintf(ret_text, ETAG_TEXT_SIZE, "\"r%" PRId64 "\"", revision); }

static const char *skip_blanks(const char *p) { return p + strspn(p, " \t"); }

enum etag_result etag_compare(const char *header, int64_t revision, bool weak_ok) {
  char mine[ETAG_TEXT_SIZE];
  etag_format(revision, mine);
  const char *p = skip_blanks(header);
  if (*p == '*') return *skip_blanks(p + 1) == '\0' ? ETAG_MATCHES : ETAG_MALFORMED;
  bool matches = false;
  for (;;) {
    const bool weak = p[0] == 'W' && p[1] == '/';
    if (weak) p += 2;
    const char *end = *p == '"' ? strchr(p + 1, '"') : NULL;
    if (!end) return ETAG_MALFORMED;
    const size_t len = (size_t)(end + 1 - p);
    matches |= (!weak || weak_ok) && len == strlen(mine) && memcmp(p, mine, len) == 0;
    p = skip_blanks(end + 1);
    if (*p == '\0') return matches ? ETAG_MATCHES : ETAG_DIFFERS;
    if (*p != ',') return ETAG_MALFORMED;
    p = skip_blanks(p + 1);
  }
}

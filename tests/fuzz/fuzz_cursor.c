// tests/fuzz/fuzz_cursor.c – any bytes as a cursor or an If-Match header: nothing but what we signed is accepted.
#include "api/cursor.h"
#include "api/etag.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const uint8_t secret[CURSOR_KEY_BYTES] = "a key that the fuzzer cannot use";
  struct cursor c;
  if (cursor_parse((const char *)data, size, secret, "list", 7, &c)) {
    char text[CURSOR_TEXT_SIZE];
    cursor_format(c, secret, "list", 7, text);
    assert(size == CURSOR_TEXT_SIZE - 1 && memcmp(text, data, size) == 0);
  }
  char *header = malloc(size + 1);
  assert(header);
  memcpy(header, data, size);
  header[size] = '\0';
  enum etag_result strict = etag_compare(header, 17, false), weak = etag_compare(header, 17, true);
  assert((strict == ETAG_MALFORMED) == (weak == ETAG_MALFORMED));
  assert(strict != ETAG_MATCHES || weak == ETAG_MATCHES);
  if (strict == ETAG_MATCHES) assert(strchr(header, '*') || strstr(header, "\"r17\""));
  free(header);
  return 0;
}

// ea/protocol.c – see protocol.h.
#include "ea/protocol.h"

#include "base/buf.h"
#include "crypto/encode.h"
#include "crypto/secret.h"

#include <inttypes.h>
#include <string.h>

enum status ea_sign(const char *secret, const char *method, const char *path, size_t path_len, uint64_t number, const void *body, size_t len, char ret[EA_SIGNATURE_SIZE],
  struct err *err) {
  uint8_t mac[HMAC_SHA256_BYTES];
  struct buf text;
  buf_init(&text, EA_BODY_MAX + 4096);
  buf_str(&text, method);
  buf_str(&text, "\n");
  buf_add(&text, path, path_len);
  buf_printf(&text, "\n%" PRIu64 "\n", number);
  buf_add(&text, body, len);
  const bool failed = text.failed;
  if (!failed) {
    hmac_sha256(secret, strlen(secret), text.data, text.len, mac);
    hex_encode(mac, sizeof mac, ret);
  }
  buf_finish(&text);
  return failed ? err_set(err, ERR_LIMIT, "a message that is too long to be signed, or no memory for it") : OK;
}

bool ea_signature_fits(const char right[EA_SIGNATURE_SIZE], const char *given) {
  return given && strlen(given) == EA_SIGNATURE_SIZE - 1 && secret_equal(right, given, EA_SIGNATURE_SIZE - 1);
}

bool ea_number_parse(const char *text, uint64_t *ret) {
  uint64_t n = 0;
  if (!text || text[0] < '1' || text[0] > '9') return false;
  for (const char *c = text; *c; c++) {
    if (*c < '0' || *c > '9' || c - text > 16) return false;
    n = n * 10 + (uint64_t)(*c - '0');
  }
  if (n > EA_NUMBER_MAX) return false;
  return *ret = n, true;
}

void ea_numbers_init(struct ea_numbers *n, uint64_t reserved) {
  *n = (struct ea_numbers){reserved, reserved};
}

enum ea_number ea_number_take(struct ea_numbers *n, uint64_t number) {
  if (number <= n->last) return EA_NUMBER_OLD;
  n->last = number;
  return number > n->reserved ? EA_NUMBER_RESERVE : EA_NUMBER_TAKEN;
}

uint64_t ea_numbers_ahead(const struct ea_numbers *n) {
  return n->last > EA_NUMBER_MAX - EA_RESERVE ? EA_NUMBER_MAX : n->last + EA_RESERVE;
}

void ea_numbers_written(struct ea_numbers *n, uint64_t reserved) {
  if (reserved > n->reserved) n->reserved = reserved;
}

// notice/sign.c – see sign.h.
#include "notice/sign.h"

#include "crypto/hmac.h"
#include "crypto/secret.h"
#include "net/mail_message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(NOTICE_SECRET_SIZE >= 6 + BASE64_SIZE(NOTICE_KEY_BYTES) && NOTICE_SIGNATURE_SIZE >= 3 + BASE64_SIZE(HMAC_SHA256_BYTES), "texts fit");

void notice_secret_text(const uint8_t key[NOTICE_KEY_BYTES], char ret[NOTICE_SECRET_SIZE]) {
  memcpy(ret, "whsec_", 6);
  base64_encode(key, NOTICE_KEY_BYTES, ret + 6);
}

// HMAC in the two passes of RFC 2104 would need the body in one piece with its prefix; hmac_sha256 takes one piece, so it is put together.
void notice_sign(const uint8_t key[NOTICE_KEY_BYTES], const char *id, int64_t timestamp_s, const void *body, size_t len, char ret[NOTICE_SIGNATURE_SIZE]) {
  uint8_t mac[HMAC_SHA256_BYTES] = {0};
  const size_t room = strlen(id) + 24 + len;
  char *text = malloc(room);
  if (text) {
    const int head = snprintf(text, room, "%s.%" PRId64 ".", id, timestamp_s);
    memcpy(text + head, body, len);
    hmac_sha256(key, NOTICE_KEY_BYTES, text, (size_t)head + len, mac);
    free(text);
  }
  memcpy(ret, "v1,", 3);
  base64_encode(mac, sizeof mac, ret + 3);
}

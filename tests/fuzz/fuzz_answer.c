// Bytes of servers that we talk to: answers of HTTP and of SMTP, in pieces that the first byte decides. Neither may read beyond
// its bounds, and what is whole stays within them.
#include "net/http_answer.h"
#include "net/smtp_dialogue.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void http(const char *bytes, size_t len, size_t piece) {
  struct http_answer_reader r;
  struct http_client_field fields[HTTP_CLIENT_FIELDS_MAX];
  struct http_client_answer a;
  http_answer_init(&r, false, 1000);
  enum http_answer_state state = HTTP_ANSWER_MORE;
  for (size_t at = 0; at < len && state == HTTP_ANSWER_MORE; at += piece) state = http_answer_feed(&r, bytes + at, len - at < piece ? len - at : piece);
  if (state == HTTP_ANSWER_MORE) state = http_answer_end(&r);
  assert(state != HTTP_ANSWER_MORE && (state == HTTP_ANSWER_BAD) == !!r.wrong);
  if (state == HTTP_ANSWER_WHOLE) {
    http_answer_get(&r, fields, &a);
    assert(a.status >= 200 && a.body_len <= 1000 && a.body[a.body_len] == '\0');
    size_t total = 0;
    for (size_t i = 0; i < a.field_count; i++) total += strlen(a.fields[i].name) + strlen(a.fields[i].value);
    assert(total <= HTTP_CLIENT_HEAD_MAX);
  }
  http_answer_finish(&r);
}

static void smtp(const char *bytes, size_t len, size_t piece, unsigned how) {
  const struct smtp_server server = {.security = (enum smtp_security)(how % 3), .local = how & 4, .port = 25, .host = "a", .user = "u", .password = "secret"};
  const struct smtp_mail mail = {"a@example.org", "b@example.org", "X: y\r\n\r\n.\r\n", 11};
  struct smtp_dialogue d;
  struct buf out;
  buf_init(&out, 1 << 16);
  smtp_dialogue_init(&d, &server, "example.org", server.security == SMTP_TLS, &out);
  unsigned sent = 0;
  for (size_t at = 0; at < len && !d.over; at += piece) {
    bool protected = d.tls || server.security == SMTP_PLAIN || server.local;
    enum smtp_step step = smtp_dialogue_feed(&d, bytes + at, len - at < piece ? len - at : piece);
    // Neither password nor mail goes out in plain where it must not.
    if (out.len > 0 && !protected) assert(!strstr(out.data, "AUTH") && !strstr(out.data, "MAIL"));
    assert(strlen(d.detail) < SMTP_DETAIL_SIZE);
    buf_clear(&out);
    if (step == SMTP_START_TLS) smtp_dialogue_secured(&d);
    else if ((step == SMTP_READY || step == SMTP_DONE) && !d.over && sent++ < 3) smtp_dialogue_mail(&d, &mail);
    else if (step == SMTP_READY || step == SMTP_DONE) break;
  }
  buf_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  const size_t piece = 1 + data[0] % 64;
  // A block of its own, so that a sanitizer sees the first byte read too many.
  char *bytes = malloc(size - 1);
  if (!bytes) return 0;
  memcpy(bytes, data + 1, size - 1);
  if (data[0] & 64) http(bytes, size - 1, piece);
  else smtp(bytes, size - 1, piece, data[0] >> 3);
  free(bytes);
  return 0;
}

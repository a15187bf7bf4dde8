// tests/fuzz/fuzz_http.c – requests out of any bytes: whatever is accepted keeps http_server.h's promises, arrives the same in
// pieces of any size, and llhttp by itself sees the very same requests end at the very same bytes (no smuggling between the
// two). The first byte picks the size of the pieces.
#include "net/http_head.h"

#include <assert.h>
#include <llhttp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BODY_MAX 4096

struct parsed {
  int status;      // 0: all bytes were whole requests, -1: an incomplete one at the end, else the refusal's
  size_t count, ended_at, body_bytes;
  uint64_t digest;  // over methods, paths, fields, bodies
};

static uint64_t mix(uint64_t h, const void *bytes, size_t len) {
  const uint8_t *b = bytes;
  for (size_t i = 0; i < len; i++) h = (h ^ b[i]) * 0x100000001b3;
  return (h ^ 0xff) * 0x100000001b3;
}

static void check_text(const char *text, size_t len) {
  assert(strlen(text) == len);
  for (size_t i = 0; i < len; i++) assert(((unsigned char)text[i] >= 0x20 || text[i] == '\t') && text[i] != 0x7f);
}

static void check_request(const struct http_request *req, const struct http_meaning *m) {
  check_text(req->path, req->path_len);
  check_text(req->query, req->query_len);
  assert(req->path[0] == '/' || (strcmp(req->path, "*") == 0 && req->method == METHOD_OPTIONS));
  assert(!strpbrk(req->path, " \t?#") && !strpbrk(req->query, " \t#"));
  assert(m->http10 || req->host[0]);
  assert(!(m->chunked && (m->content_length || m->http10)));
  unsigned hosts = 0;
  for (size_t i = 0; i < req->field_count; i++) {
    const struct http_field *f = &req->fields[i];
    check_text(f->name, f->name_len);
    check_text(f->value, f->value_len);
    assert(f->name_len > 0 && !strpbrk(f->name, " \t:\"(),/;<=>?@[\\]{}ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
    assert(f->value_len == 0 || (!strchr(" \t", f->value[0]) && !strchr(" \t", f->value[f->value_len - 1])));
    hosts += strcmp(f->name, "host") == 0;
  }
  assert(hosts <= 1 && (m->http10 || hosts == 1));
  char out[64];
  (void)!http_query(req, "a", out, sizeof out);
  size_t pos = 0, n = 0;
  struct http_pair pair;
  while (http_query_next(req, &pos, &pair)) {
    assert(pair.name + pair.name_len <= req->query + req->query_len && pair.value + pair.value_len <= req->query + req->query_len);
    assert(++n <= req->query_len);
  }
}

static struct parsed parse(const char *bytes, size_t len, size_t piece) {
  static char buf[HTTP_HEAD_BUF];
  static struct http_field fields[HTTP_FIELDS_MAX];
  struct parsed p = {.digest = 0xcbf29ce484222325};
  struct http_head head = {0};
  struct http_meaning m;
  struct http_refusal refusal = {0};
  struct http_chunks chunks;
  size_t left = 0, at = 0;
  enum { HEAD, LENGTH, CHUNKED } state = HEAD;
  while (at < len) {
    size_t take = len - at < piece ? len - at : piece, used = 0, data_len = 0;
    const char *data = bytes + at;
    bool whole = false;
    if (state == HEAD) {
      enum http_feed fed = http_head_feed(&head, buf, bytes + at, take, &used, &refusal);
      assert(used <= take);
      if (fed == HTTP_FEED_REFUSED) return p.status = refusal.status, p;
      if (fed == HTTP_FEED_DONE) {
        struct http_request req = {0};
        if (!http_head_parse(buf, head.len, &req, fields, &m, &refusal)) {
          assert(refusal.status >= 400 && refusal.detail);
          return p.status = refusal.status, p;
        }
        check_request(&req, &m);
        p.digest = mix(p.digest, req.path, req.path_len);
        for (size_t i = 0; i < req.field_count; i++) {
          p.digest = mix(p.digest, fields[i].name, fields[i].name_len);
          p.digest = mix(p.digest, fields[i].value, fields[i].value_len);
        }
        head = (struct http_head){0};
        chunks = (struct http_chunks){0};
        left = (size_t)m.content_length;
        state = m.chunked ? CHUNKED : left ? LENGTH : HEAD;
        whole = state == HEAD;
      }
    } else if (state == LENGTH) {
      used = data_len = left < take ? left : take;
      left -= used;
      whole = left == 0;
    } else {
      enum http_feed fed = http_chunks_feed(&chunks, bytes + at, take, &used, &data, &data_len);
      if (fed == HTTP_FEED_REFUSED) return p.status = 400, p;
      assert(used <= take && data >= bytes + at && data + data_len <= bytes + at + take);
      whole = fed == HTTP_FEED_DONE;
    }
    assert(used > 0);
    at += used;
    p.body_bytes += data_len;
    for (size_t i = 0; i < data_len; i++) p.digest = (p.digest ^ (uint8_t)data[i]) * 0x100000001b3;
    if (!whole) continue;
    state = HEAD;
    p.count++;
    p.ended_at = at;
    if (!m.keep_alive && at < len) return p.status = 400, p;
  }
  p.status = state == HEAD && head.len == 0 ? 0 : -1;
  return p;
}

// ---- what llhttp alone makes of the same bytes ----

struct other {
  size_t count, body_bytes;
};

static int on_body(llhttp_t *h, const char *at, size_t len) {
  (void)at;
  ((struct other *)h->data)->body_bytes += len;
  return 0;
}

static int on_complete(llhttp_t *h) {
  ((struct other *)h->data)->count++;
  h->upgrade = 0;  // an Upgrade that nobody grants changes nothing
  return 0;
}

static void check_against_llhttp(const char *bytes, const struct parsed *p) {
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  settings.on_body = on_body;
  settings.on_message_complete = on_complete;
  struct other other = {0};
  llhttp_t h;
  llhttp_init(&h, HTTP_REQUEST, &settings);
  h.data = &other;
  llhttp_errno_t code = llhttp_execute(&h, bytes, p->ended_at);
  if (code == HPE_PAUSED_UPGRADE) return;  // it stops to ask; nothing to compare
  assert(code == HPE_OK || code == HPE_CLOSED_CONNECTION);
  assert(other.count == p->count && other.body_bytes == p->body_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1 || size > 60000) return 0;
  size_t piece = 1 + data[0];
  const char *bytes = (const char *)data + 1;
  size--;
  struct parsed whole = parse(bytes, size, size + 1), pieces = parse(bytes, size, piece);
  // In pieces a rule may be seen broken earlier, never later, and never by another request's bytes.
  assert(whole.count == pieces.count && whole.ended_at == pieces.ended_at);
  if (whole.status <= 0) {
    assert(whole.status == pieces.status && whole.digest == pieces.digest);
    if (whole.status == 0 && whole.count > 0) check_against_llhttp(bytes, &whole);
  } else {
    assert(pieces.status > 0);
  }
  return 0;
}

// net/http_answer.c – see http_answer.h.
#include "net/http_answer.h"

#include <string.h>

#define INTERIM_MAX 4

static int fail(struct http_answer_reader *r, const char *why) {
  if (!r->wrong) r->wrong = why;
  return -1;
}

static struct http_answer_reader *reader(llhttp_t *p) {
  return p->data;
}

static int on_name(llhttp_t *p, const char *at, size_t len) {
  struct http_answer_reader *r = reader(p);
  if (r->in_value || r->count == 0) {
    if (r->count == HTTP_CLIENT_FIELDS_MAX) return fail(r, "too many fields");
    if (r->count > 0) buf_add(&r->head, "", 1);
    r->in_value = false;
    r->name_at[r->count++] = r->head.len;
  }
  for (size_t i = 0; i < len; i++) {
    char c = at[i] >= 'A' && at[i] <= 'Z' ? (char)(at[i] + 32) : at[i];
    if (c <= 0x20 || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c)) return fail(r, "a field name that is none");  // llhttp forgives spaces
    buf_add(&r->head, &c, 1);
  }
  return r->head.failed ? fail(r, "the head is too long") : 0;
}

static int on_value(llhttp_t *p, const char *at, size_t len) {
  struct http_answer_reader *r = reader(p);
  if (r->count == 0) return fail(r, "a value without a name");
  if (memchr(at, '\0', len)) return fail(r, "a NUL in a field");
  if (!r->in_value) {
    if (r->head.len == r->name_at[r->count - 1]) return fail(r, "a field without a name");
    buf_add(&r->head, "", 1);
    r->in_value = true;
    r->value_at[r->count - 1] = r->head.len;
  }
  buf_add(&r->head, at, len);
  return r->head.failed ? fail(r, "the head is too long") : 0;
}

// A value may be empty, and then has not been heard of; white space behind it is none of it.
static int on_value_complete(llhttp_t *p) {
  struct http_answer_reader *r = reader(p);
  int code = on_value(p, "", 0);
  if (code != 0) return code;
  while (r->head.len > r->value_at[r->count - 1] && strchr(" \t", r->head.data[r->head.len - 1])) r->head.len--;
  return 0;
}

static int on_head(llhttp_t *p) {
  struct http_answer_reader *r = reader(p);
  if (r->count > 0) buf_add(&r->head, "", 1);
  if (p->http_major != 1) return fail(r, "not HTTP/1");
  if (p->status_code == 101 || p->upgrade) return fail(r, "an upgrade that nobody asked for");
  if (p->status_code < 100) return fail(r, "a status that is none");
  return r->head_only || p->status_code < 200 ? 1 : 0;  // 1: there is no body
}

static int on_body(llhttp_t *p, const char *at, size_t len) {
  struct http_answer_reader *r = reader(p);
  if (r->cut && len > r->body.max - r->body.len) {
    buf_add(&r->body, at, r->body.max - r->body.len);
    r->whole = true;
    return -1;  // nothing more is read
  }
  buf_add(&r->body, at, len);
  return r->body.failed ? fail(r, "the body is too large") : 0;
}

static int on_complete(llhttp_t *p) {
  struct http_answer_reader *r = reader(p);
  if (p->status_code >= 200) {
    r->whole = true;
    r->keep = llhttp_should_keep_alive(p);
    return HPE_PAUSED;
  }
  // 100 or 103: the real answer follows.
  if (++r->interim > INTERIM_MAX) return fail(r, "interim answers without an end");
  buf_clear(&r->head);
  r->count = 0;
  r->in_value = false;
  return 0;
}

static const llhttp_settings_t settings = {
  .on_header_field = on_name, .on_header_value = on_value, .on_header_value_complete = on_value_complete, .on_headers_complete = on_head,
  .on_body = on_body, .on_message_complete = on_complete,
};

void http_answer_init(struct http_answer_reader *r, bool head_only, size_t answer_max) {
  memset(r, 0, sizeof *r);
  llhttp_init(&r->parser, HTTP_RESPONSE, &settings);
  r->parser.data = r;
  r->head_only = head_only;
  buf_init_secret(&r->head, HTTP_CLIENT_HEAD_MAX);
  buf_init_secret(&r->body, answer_max);
}

void http_answer_finish(struct http_answer_reader *r) {
  buf_finish(&r->head);
  buf_finish(&r->body);
}

static enum http_answer_state verdict(struct http_answer_reader *r, llhttp_errno_t code) {
  if (r->whole && !r->wrong) return HTTP_ANSWER_WHOLE;
  if (code == HPE_OK && !r->wrong) return HTTP_ANSWER_MORE;
  if (!r->wrong) r->wrong = "this is no answer of HTTP";
  return HTTP_ANSWER_BAD;
}

enum http_answer_state http_answer_feed(struct http_answer_reader *r, const char *bytes, size_t len) {
  if (r->wrong || r->whole) return r->wrong ? HTTP_ANSWER_BAD : HTTP_ANSWER_WHOLE;
  r->started |= len > 0;
  // Reason phrases and chunk extensions are kept nowhere, but not read for ever either.
  if (r->body.len == 0 && (r->head_bytes += len) > HTTP_CLIENT_HEAD_MAX + r->body.max + 65536) {
    r->wrong = "the head is too long";
    return HTTP_ANSWER_BAD;
  }
  const enum http_answer_state state = verdict(r, llhttp_execute(&r->parser, bytes, len));
  const char *end = llhttp_get_error_pos(&r->parser);
  if (state == HTTP_ANSWER_WHOLE && end) r->rest = (size_t)(bytes + len - end);
  return state;
}

enum http_answer_state http_answer_end(struct http_answer_reader *r) {
  if (r->wrong || r->whole) return r->wrong ? HTTP_ANSWER_BAD : HTTP_ANSWER_WHOLE;
  verdict(r, llhttp_finish(&r->parser));
  if (r->whole) return HTTP_ANSWER_WHOLE;
  r->wrong = r->started ? "closed in the middle of the answer" : "closed without an answer";
  return HTTP_ANSWER_BAD;
}

void http_answer_get(const struct http_answer_reader *r, struct http_client_field *fields, struct http_client_answer *ret) {
  for (size_t i = 0; i < r->count; i++)
    fields[i] = (struct http_client_field){r->head.data + r->name_at[i], r->head.data + r->value_at[i]};
  *ret = (struct http_client_answer){.status = r->parser.status_code, .fields = fields, .field_count = r->count,
    .body = r->body.data ? r->body.data : "", .body_len = r->body.len};
}

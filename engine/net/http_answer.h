// net/http_answer.h – from a server's bytes to an answer of HTTP/1.1, bounded in everything. Pure; llhttp judges. Inside net/.
#pragma once
#include "net/http_client.h"

#include <llhttp.h>

enum http_answer_state { HTTP_ANSWER_MORE, HTTP_ANSWER_WHOLE, HTTP_ANSWER_BAD };

struct http_answer_reader {
  llhttp_t parser;
  struct buf head;       // names and values, each NUL-terminated
  struct buf body;
  size_t name_at[HTTP_CLIENT_FIELDS_MAX], value_at[HTTP_CLIENT_FIELDS_MAX];
  size_t count;          // of fields begun
  size_t head_bytes;     // as they came: a bound on what makes no field
  bool in_value, head_only, whole, started;
  bool cut;              // set by the owner before the first feed: a body that is longer than answer_max ends there, WHOLE
  bool keep;             // when WHOLE: its head and framing let the connection be used again
  size_t rest;           // when WHOLE: bytes of the last feed that were not the answer's
  unsigned interim;      // 1xx answers before the real one
  const char *wrong;     // why BAD
};

// head_only: the answer to HEAD. answer_max: bytes of the body.
void http_answer_init(struct http_answer_reader *r, bool head_only, size_t answer_max);
void http_answer_finish(struct http_answer_reader *r);
enum http_answer_state http_answer_feed(struct http_answer_reader *r, const char *bytes, size_t len);
// The server has ended the connection properly: the end of an answer that has no length.
enum http_answer_state http_answer_end(struct http_answer_reader *r);
// When WHOLE; valid until finish. fields has room for HTTP_CLIENT_FIELDS_MAX.
void http_answer_get(const struct http_answer_reader *r, struct http_client_field *fields, struct http_client_answer *ret);

// net/http_head.h – from bytes to a request's head, strictly. Pure: no sockets, no time, no memory of its own. Inside net/.
//
// A first pass cuts lines and refuses what is no clean line; llhttp then judges tokens and numbers; a last pass refuses what
// llhttp 8.1 lets through. The body's framing is decided here too, from fields that were each seen exactly once.
#pragma once
#include "net/http_server.h"

#define HTTP_HEAD_BUF (HTTP_LINE_MAX + HTTP_HEAD_MAX + 4)

// Why a request is refused: status and words for the answer.
struct http_refusal {
  int status;  // 0: not refused
  const char *detail;
};

struct http_head {
  size_t len;    // bytes in the buffer
  size_t line;   // where its last, incomplete line begins
  size_t fields; // where the line behind the request line begins
  unsigned lines;
  bool empty_line_skipped;
};

enum http_feed { HTTP_FEED_MORE, HTTP_FEED_DONE, HTTP_FEED_REFUSED };

// Copies bytes up to the end of the head into buf (HTTP_HEAD_BUF bytes). ret_used says how many were taken.
enum http_feed http_head_feed(struct http_head *head, char *buf, const char *bytes, size_t len, size_t *ret_used,
  struct http_refusal *ret_refusal);

struct http_meaning {
  bool keep_alive;
  bool http10;
  bool expect_continue;
  bool chunked;
  int64_t content_length;  // 0 without a body
};

// Parses a complete head in place: req's texts and fields (HTTP_FIELDS_MAX of them) point into buf, which is changed.
// false: refused.
bool http_head_parse(char *buf, size_t len, struct http_request *req, struct http_field *fields, struct http_meaning *ret,
  struct http_refusal *ret_refusal);

// A comma-separated list has this token (compared without case).
bool http_list_has(const char *list, const char *token);

// ---- chunked bodies ----

struct http_chunks {
  uint8_t state, digits;
  uint64_t left;
};

// Takes bytes from the front; *ret_data, *ret_len: body bytes among them (a span of bytes, perhaps empty). DONE: the body is
// whole and ret_used ends it.
enum http_feed http_chunks_feed(struct http_chunks *chunks, const char *bytes, size_t len, size_t *ret_used,
  const char **ret_data, size_t *ret_len);

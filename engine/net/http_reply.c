// net/http_reply.c – answers become bytes: gathered in the server's output buffer, so that answers to pipelined requests
// leave together; see http_server.h.
#include "net/http_impl.h"

#include "crypto/secret.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define EXTRA_MAX 16384
#define HEAD_FIXED_MAX 512    // status line and our own fields, without content type and the handler's fields
#define CONTENT_TYPE_MAX 255
#define FILE_BLOCK 65536
#define PROBLEM_MAX 1024

static struct http_exchange *exchange_of(struct http_request *req) {
  return (struct http_exchange *)req;  // its first member
}

// ---- gathering ----

void http_out_flush(struct http_server *server) {
  struct http_conn *conn = server->out_conn;
  server->out_conn = NULL;
  size_t len = server->out_len;
  server->out_len = 0;
  if (conn && len > 0) stream_write(&conn->stream, server->out, len);
  secret_wipe(server->out, len);
}

char *http_out(struct http_conn *conn, size_t len) {
  struct http_server *server = conn->server;
  if (server->out_conn != conn || server->out_len + len > OUT_MAX) http_out_flush(server);
  if (len > OUT_MAX) return NULL;
  server->out_conn = conn;
  return server->out + server->out_len;
}

void http_out_add(struct http_conn *conn, const void *bytes, size_t len) {
  char *to = http_out(conn, len);
  if (to) {
    memcpy(to, bytes, len);
    conn->server->out_len += len;
  } else {
    stream_write(&conn->stream, bytes, len);
  }
}

static char *put(char *to, const char *text, size_t len) {
  memcpy(to, text, len);
  return to + len;
}
#define PUT(to, literal) put(to, literal, sizeof(literal) - 1)

static char *put_number(char *to, uint64_t n) {
  char digits[20];
  size_t len = 0;
  do {
    digits[sizeof digits - ++len] = (char)('0' + n % 10);
    n /= 10;
  } while (n > 0);
  return put(to, digits + sizeof digits - len, len);
}

// ---- heads ----

static bool has_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

// length -1: chunked, or until the end for HTTP/1.0. Returns whether the connection stays open.
static bool put_head(struct http_exchange *ex, int status, const char *content_type, int64_t length) {
  struct http_conn *conn = ex->conn;
  struct http_server *server = ex->server;
  assert(status >= 200 && status <= 599);
  bool keep = ex->meaning.keep_alive && !ex->close_after && !server->stopping;
  if (!ex->dispatched && ex->req.body_declared != 0) keep = false;  // the body will not be read
  bool chunked = length < 0 && !ex->meaning.http10 && has_body(status);
  if (length < 0 && !chunked) keep = false;
  size_t type_len = content_type ? strnlen(content_type, CONTENT_TYPE_MAX) : 0;
  char *begin = http_out(conn, HEAD_FIXED_MAX + type_len + ex->extra_len), *to = begin;
  const char *phrase = http_status_text(status);
  to = PUT(to, "HTTP/1.1 ");
  to = put_number(to, (uint64_t)status);
  *to++ = ' ';
  to = put(to, phrase, strlen(phrase));
  to = PUT(to, "\r\n");
  to = put(to, server->date, server->date_len);
  to = put(to, server->name_line, strlen(server->name_line));
  if (content_type) {
    to = PUT(to, "Content-Type: ");
    to = put(to, content_type, type_len);
    to = PUT(to, "\r\n");
  }
  if (chunked) {
    to = PUT(to, "Transfer-Encoding: chunked\r\n");
  } else if (length >= 0 && has_body(status)) {
    to = PUT(to, "Content-Length: ");
    to = put_number(to, (uint64_t)length);
    to = PUT(to, "\r\n");
  }
  if (!keep) to = PUT(to, "Connection: close\r\n");
  else if (ex->meaning.http10) to = PUT(to, "Connection: keep-alive\r\n");
  to = put(to, ex->extra, ex->extra_len);
  to = PUT(to, "\r\n");
  server->out_len += (size_t)(to - begin);
  ex->chunked_out = chunked;
  return keep;
}

static void add_extra(struct http_exchange *ex, const char *bytes, size_t len) {
  if (ex->extra_len + len > ex->extra_cap) {
    size_t cap = ex->extra_cap * 2 > ex->extra_len + len ? ex->extra_cap * 2 : ex->extra_len + len;
    char *extra = malloc(cap);
    assert(extra);
    memcpy(extra, ex->extra, ex->extra_len);
    secret_wipe(ex->extra, ex->extra_len);
    if (ex->extra != ex->extra_inline) free(ex->extra);
    ex->extra = extra;
    ex->extra_cap = cap;
  }
  memcpy(ex->extra + ex->extra_len, bytes, len);
  ex->extra_len += len;
}

static bool is_ours(const char *name) {
  return strcasecmp(name, "Content-Length") == 0 || strcasecmp(name, "Transfer-Encoding") == 0 ||
    strcasecmp(name, "Connection") == 0 || strcasecmp(name, "Date") == 0;
}

void http_reply_field(struct http_request *req, const char *name, const char *value) {
  struct http_exchange *ex = exchange_of(req);
  size_t name_len = strlen(name), value_len = strlen(value);
  assert(!ex->begun && !is_ours(name) && name_len > 0 && name[strcspn(name, " :\t\r\n")] == '\0');
  assert(ex->extra_len + name_len + value_len + 4 <= EXTRA_MAX);
  add_extra(ex, name, name_len);
  add_extra(ex, ": ", 2);
  size_t at = ex->extra_len;
  add_extra(ex, value, value_len);
  for (char *c = ex->extra + at; c < ex->extra + ex->extra_len; c++) {
    if (((unsigned char)*c < 0x20 && *c != '\t') || *c == 0x7f) *c = ' ';
  }
  add_extra(ex, "\r\n", 2);
}

void http_reply_fieldf(struct http_request *req, const char *name, const char *fmt, ...) {
  char value[4096];
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(value, sizeof value, fmt, ap);
  va_end(ap);
  assert(n >= 0 && (size_t)n < sizeof value);
  http_reply_field(req, name, value);
}

void http_reply_close(struct http_request *req) {
  exchange_of(req)->close_after = true;
}

// ---- whole answers ----

static void finish(struct http_exchange *ex, bool keep) {
  struct http_conn *conn = ex->conn;
  conn->ex = NULL;
  http_exchange_free(ex);
  http_conn_answered(conn, keep);
}

void http_reply(struct http_request *req, int status, const char *content_type, const void *body, size_t len) {
  struct http_exchange *ex = exchange_of(req);
  assert(!ex->begun);
  if (!ex->conn) {
    http_exchange_free(ex);
    return;
  }
  bool keep = put_head(ex, status, content_type, (int64_t)len);
  if (has_body(status) && req->method != METHOD_HEAD && len > 0) http_out_add(ex->conn, body, len);
  finish(ex, keep);
}

void http_reply_cut(struct http_request *req, int status, const char *content_type, const void *body, size_t len, int64_t keep) {
  struct http_exchange *ex = exchange_of(req);
  struct http_conn *conn = ex->conn;
  assert(!ex->begun);
  if (!conn) {
    http_exchange_free(ex);
    return;
  }
  http_out_flush(conn->server);  // answers to earlier requests are whole
  put_head(ex, status, content_type, (int64_t)len);
  size_t head = conn->server->out_len, room = OUT_MAX - head, most = keep < 0 ? head + (size_t)-keep : (size_t)keep;
  size_t body_part = most > head ? most - head : 0;
  if (body_part > len) body_part = len;
  if (body_part > room) body_part = room;
  if (body_part > 0) http_out_add(conn, body, body_part);
  if (conn->server->out_len > most) conn->server->out_len = most;
  finish(ex, false);
}

void http_reply_blob(struct http_request *req, int status, const char *content_type, struct blob *blob) {
  struct http_exchange *ex = exchange_of(req);
  if (blob->len <= OUT_MAX / 4 || !ex->conn) {
    http_reply(req, status, content_type, blob->data, blob->len);
    return;
  }
  assert(!ex->begun && has_body(status));
  bool keep = put_head(ex, status, content_type, (int64_t)blob->len);
  if (req->method != METHOD_HEAD) {
    http_out_flush(ex->server);
    stream_write_blob(&ex->conn->stream, blob, 0);
  }
  finish(ex, keep);
}

void http_problem(struct http_exchange *ex, int status, const char *detail) {
  const struct http_handler *h = &ex->server->handler;
  char body[PROBLEM_MAX];
  ex->peer = ex->conn ? ex->conn->peer : ex->peer;
  ex->req.peer = &ex->peer;
  size_t len = h->problem ? h->problem(ex->server->arg, &ex->req, status, detail, body, sizeof body)
    : (size_t)snprintf(body, sizeof body, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"detail\":\"%s\"}",
        http_status_text(status), status, detail);
  assert(len < sizeof body);
  http_reply(&ex->req, status, "application/problem+json", body, len);
}

void http_refuse(struct http_conn *conn, struct http_refusal refusal) {
  struct http_exchange *ex = conn->ex;
  assert(ex && !ex->dispatched);
  conn->server->stats.refused++;
  ex->close_after = true;
  ex->extra_len = 0;
  http_problem(ex, refusal.status, refusal.detail);
}

// ---- streamed answers ----

void http_reply_begin(struct http_request *req, int status, const char *content_type, int64_t length) {
  struct http_exchange *ex = exchange_of(req);
  assert(!ex->begun && ex->dispatched && has_body(status));
  ex->begun = true;
  ex->out_left = length;
  if (!ex->conn) return;
  ex->close_after = !put_head(ex, status, content_type, length);
  if (!ex->conn->processing) http_out_flush(ex->server);
}

bool http_reply_write(struct http_request *req, const void *bytes, size_t len) {
  struct http_exchange *ex = exchange_of(req);
  assert(ex->begun);
  if (ex->out_left >= 0) {
    assert((uint64_t)ex->out_left >= len);
    ex->out_left -= (int64_t)len;
  }
  struct http_conn *conn = ex->conn;
  if (!conn || stream_broken(&conn->stream) || stream_queued(&conn->stream) > HTTP_QUEUE_MAX) return false;
  if (len == 0 || req->method == METHOD_HEAD) return true;
  if (ex->chunked_out) {
    char line[24];
    http_out_add(conn, line, (size_t)snprintf(line, sizeof line, "%zx\r\n", len));
    http_out_add(conn, bytes, len);
    http_out_add(conn, "\r\n", 2);
  } else {
    http_out_add(conn, bytes, len);
  }
  if (!conn->processing) http_out_flush(ex->server);
  return true;
}

size_t http_reply_queued(const struct http_request *req) {
  const struct http_exchange *ex = (const struct http_exchange *)req;
  return ex->conn ? stream_queued(&ex->conn->stream) : 0;
}

void http_reply_on_drain(struct http_request *req, void (*fn)(void *arg, struct http_request *req), void *arg) {
  struct http_exchange *ex = exchange_of(req);
  ex->on_drain = fn;
  ex->drain_arg = arg;
}

void http_reply_end(struct http_request *req) {
  struct http_exchange *ex = exchange_of(req);
  assert(ex->begun);
  struct http_conn *conn = ex->conn;
  if (!conn) {
    http_exchange_free(ex);
    return;
  }
  if (ex->out_left > 0 && req->method != METHOD_HEAD) {  // less than promised: the client must not take it for the whole
    ex->conn = NULL;
    conn->ex = NULL;
    http_exchange_free(ex);
    http_conn_close(conn);
    return;
  }
  if (ex->chunked_out && req->method != METHOD_HEAD) http_out_add(conn, "0\r\n\r\n", 5);
  finish(ex, !ex->close_after);
}

// ---- files ----

// Fills the queue up to a block; the rest when it has drained.
static void send_file(struct http_exchange *ex) {
  static char block[FILE_BLOCK];
  while (ex->out_left > 0 && http_reply_queued(&ex->req) < FILE_BLOCK) {
    size_t want = ex->out_left < FILE_BLOCK ? (size_t)ex->out_left : FILE_BLOCK;
    ssize_t n = read(ex->file_fd, block, want);
    if (n <= 0) break;  // shorter than it was: the end below cuts the connection
    if (!http_reply_write(&ex->req, block, (size_t)n)) break;
  }
  if (ex->out_left > 0 && http_reply_queued(&ex->req) > 0) return;
  http_reply_end(&ex->req);
}

void http_exchange_drained(struct http_exchange *ex) {
  if (ex->file_fd >= 0) send_file(ex);
  else if (ex->on_drain) ex->on_drain(ex->drain_arg, &ex->req);
}

void http_reply_file(struct http_request *req, int status, const char *content_type, int fd, int64_t length) {
  struct http_exchange *ex = exchange_of(req);
  ex->file_fd = fd;
  http_reply_begin(req, status, content_type, length);
  if (req->method == METHOD_HEAD || !ex->conn) {
    ex->out_left = 0;
    http_reply_end(req);
    return;
  }
  if (ex->conn->processing) http_out_flush(ex->server);
  send_file(ex);
}

// net/http_server.h – HTTP/1.1 for people who may be hostile: strict about what is a request, bounded in bytes and seconds,
// and quick, because it does as little as possible per request.
//
//     static void on_request(void *arg, struct http_request *req) {
//       http_reply_field(req, "Cache-Control", "no-store");
//       http_reply(req, 200, "application/json", "{}", 2);
//     }
//
// Everything runs on the loop's thread. A request gets exactly one answer, at once or later, from any callback on the loop;
// it stays valid until that call, also when its client has gone meanwhile (then the answer goes nowhere).
//
// What a request must be (RFC 9112, and stricter, since an intermediary may read the same bytes differently): lines end in
// CR LF, no bare CR or LF, no folded fields, no empty field name, exactly one Host with HTTP/1.1, no Transfer-Encoding in
// HTTP/1.0 nor beside Content-Length, no coding but "chunked", no chunk extensions, no trailers, nothing behind the body of
// a request that says `Connection: close`. Fields that must be single are refused when doubled. Whatever breaks a rule is
// answered with 400 (413, 414, 417, 431, 501, 505 where they say more) and the connection is closed. A method outside the list
// below is not recognized: 501 (RFC 9110 §9.1); one that is known but not allowed somewhere is the handler's 405.
#pragma once
#include "base/status.h"
#include "net/blob.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct loop;
struct tls_server;
struct http_server;

#define HTTP_METHOD_LIST(X) \
  X(METHOD_GET, "GET") X(METHOD_HEAD, "HEAD") X(METHOD_POST, "POST") X(METHOD_PUT, "PUT") X(METHOD_PATCH, "PATCH") \
  X(METHOD_DELETE, "DELETE") X(METHOD_OPTIONS, "OPTIONS") X(METHOD_TRACE, "TRACE")

enum http_method {
#define X(name, text) name,
  HTTP_METHOD_LIST(X)
#undef X
};
const char *http_method_text(enum http_method method);
// The reason phrase ("Not Found"); "Status" for a number it does not know.
const char *http_status_text(int status);

// Limits that are not options, see reliability targets in the tests: request line, head without it, fields.
#define HTTP_LINE_MAX 8192
#define HTTP_HEAD_MAX 16384
#define HTTP_FIELDS_MAX 100

struct http_field {
  const char *name;   // lower case, NUL-terminated
  const char *value;  // without surrounding white space, NUL-terminated, no control characters but TAB
  uint16_t name_len, value_len;
};

struct http_peer {
  char address[46];  // "192.0.2.1", "2001:db8::1"; a mapped IPv4 address shows as IPv4; "" for a unix socket
  uint16_t port;
  bool tls;
  bool is_unix;      // then the next three tell who it is, from the kernel
  uid_t uid;
  gid_t gid;
  pid_t pid;
};

struct http_request {
  enum http_method method;
  const char *path;   // as sent, percent signs and all; begins with "/" (or is "*" for OPTIONS); NUL-terminated
  const char *query;  // what follows "?", as sent; "" without
  size_t path_len, query_len;
  const char *host;   // as sent; "" only in HTTP/1.0
  const struct http_field *fields;
  size_t field_count;
  const char *body;   // whole, NUL-terminated; "" without one, and in on_head
  size_t body_len;
  int64_t body_declared;  // in on_head: Content-Length, 0 without a body, -1 chunked
  size_t body_max;    // on_head may change it; a larger body is refused with 413, before it arrives if its length is told
  const struct http_peer *peer;
  int64_t received_ns;    // monotonic, when the head was complete
  void *user;         // the handler's own; NULL at first
};

struct http_handler {
  // The head is here, the body is not; NULL if not needed. May set body_max and user, or answer right away (401, 404, 413):
  // then on_request is not called, and the connection closes if a body was to follow.
  void (*on_head)(void *arg, struct http_request *req);
  // The request is complete. Must lead to one answer, now or later.
  void (*on_request)(void *arg, struct http_request *req);
  // The client went away before the answer to a request that was passed to on_request was sent in full; NULL if not
  // needed. The request stays valid and still wants its answer (http_reply or http_reply_end), which frees it.
  void (*on_gone)(void *arg, struct http_request *req);
  // A request's first bytes are there (the beginning of its head, as much as has come): how many bytes of it are let in; then the
  // connection is cut, without a word. -1: all. NULL, for all but simulators of bad networks: all.
  int64_t (*on_begin)(void *arg, const char *bytes, size_t len);
  // The document (RFC 9457) for what the server refuses by itself: writes fewer than size bytes of JSON to ret, returns how
  // many; may add fields to the answer. NULL: type, title, status and detail. detail needs no escaping. Of the request only
  // peer is sure to be there: without a whole head, its texts and fields are empty.
  size_t (*problem)(void *arg, struct http_request *req, int status, const char *detail, char *ret, size_t size);
};

struct http_options {
  unsigned connections_max;   // 0: 16384; more are answered 503 and closed
  size_t body_max;            // 0: 1 MiB; of one request, unless on_head says otherwise
  size_t body_total_max;      // 0: 256 MiB; of all requests under way; beyond it 503
  unsigned head_timeout_ms;   // 0: 10,000; from the first byte (for the first request: from the connection) to a whole head
  unsigned idle_timeout_ms;   // 0: 60,000; between requests
  unsigned body_rate_min;     // 0: 500 bytes/s, both ways, after a grace of head_timeout_ms
  const char *server_name;    // the Server field; NULL: none
};

// options may be NULL. handler is copied.
enum status http_server_create(struct loop *loop, const struct http_handler *handler, void *arg,
  const struct http_options *options, struct http_server **ret, struct err *err) MUST_CHECK;

// Listens on "127.0.0.1:8080", "[::1]:8080", "localhost:0" (port 0: any free one). With tls (may be NULL) the listener speaks
// TLS only; the server takes a reference. ret_port may be NULL.
enum status http_server_listen(struct http_server *server, const char *address, struct tls_server *tls, uint16_t *ret_port,
  struct err *err) MUST_CHECK;
// Listens on a unix socket with mode 0600; a socket that is left there from a former life is replaced, so the caller
// holds a lock that says it is alone. The file goes away when the server stops.
enum status http_server_listen_unix(struct http_server *server, const char *path, struct err *err) MUST_CHECK;
// For new connections on all TLS listeners, e.g. after a certificate was renewed.
void http_server_replace_tls(struct http_server *server, struct tls_server *tls);

// No new connections from now on; idle ones close, requests under way are answered with `Connection: close`, WebSockets
// get 1001. After grace_ms what is left is cut. Then stopped(arg) is called (may be NULL), once every request that was
// handed out has also been answered.
void http_server_stop(struct http_server *server, int64_t grace_ms, void (*stopped)(void *arg), void *arg);
// After `stopped`, or if nothing ever listened.
void http_server_destroy(struct http_server *server);

struct http_stats {
  uint64_t connections, requests, refused;  // ever; refused: answered by the server itself because a rule was broken
  unsigned open, websockets;                // now
  size_t body_bytes;                        // held now
};
struct http_stats http_server_stats(const struct http_server *server);

// ---- reading a request ----

// Value of the first field of that name (lower case), NULL without one.
const char *http_field(const struct http_request *req, const char *name);
// Decodes percent escapes (and "+" as a space when form) into ret (size bytes, NUL-terminated). ERR_INVALID: a bad escape or
// a NUL; ERR_LIMIT: does not fit.
enum status http_unescape(const char *text, size_t len, bool form, char *ret, size_t size) MUST_CHECK;
// The first query parameter of that name, decoded. ERR_NOTFOUND without it; else like http_unescape.
enum status http_query(const struct http_request *req, const char *name, char *ret, size_t size) MUST_CHECK;
// Iterates "a=b&c=d": sets the raw spans of the next pair, *pos (from 0) moves on; false at the end.
struct http_pair {
  const char *name, *value;
  size_t name_len, value_len;
};
bool http_query_next(const struct http_request *req, size_t *pos, struct http_pair *ret);
// The client's address behind trusted proxies: net/address.h.

// ---- answering ----

// Adds a field to the answer that follows. Control characters in the value (whoever wrote it) become spaces. A field set
// twice is sent twice. Content-Length, Transfer-Encoding, Connection and Date are the server's own (asserted).
void http_reply_field(struct http_request *req, const char *name, const char *value);
void http_reply_fieldf(struct http_request *req, const char *name, const char *fmt, ...) PRINTF(3, 4);
// The answer: body is copied; content_type may be NULL. HEAD gets the same without the body. req is gone afterwards.
void http_reply(struct http_request *req, int status, const char *content_type, const void *body, size_t len);
// The same without a copy; takes its own reference.
void http_reply_blob(struct http_request *req, int status, const char *content_type, struct blob *blob);
// For who simulates a bad network: only `keep` bytes of the answer, head included, are sent, then the connection closes; a negative
// keep: the whole head and -keep bytes of the body. Nothing tells the client that there was more but Content-Length.
void http_reply_cut(struct http_request *req, int status, const char *content_type, const void *body, size_t len, int64_t keep);
// Ask for the connection to be closed after the answer. Before http_reply*.
void http_reply_close(struct http_request *req);

// An answer whose length is not known (chunked) or which should not be in memory as a whole. length -1: unknown.
void http_reply_begin(struct http_request *req, int status, const char *content_type, int64_t length);
// false: the client is gone or more than 4 MiB behind, and the caller should end.
bool http_reply_write(struct http_request *req, const void *bytes, size_t len);
// Bytes that wait for the client to read.
size_t http_reply_queued(const struct http_request *req);
// Called (once per time the queue runs empty after having waited) until the end.
void http_reply_on_drain(struct http_request *req, void (*fn)(void *arg, struct http_request *req), void *arg);
// req is gone afterwards. If `length` bytes were promised and not written, the connection is cut.
void http_reply_end(struct http_request *req);
// Streams an open regular file of that length, reading as the client takes it; closes fd. req is gone for the caller.
void http_reply_file(struct http_request *req, int status, const char *content_type, int fd, int64_t length);

// net/http_client.h – one HTTP/1.1 request to somebody else's server, answered once: a webhook, a venue's or a payment service's
// API. TLS verifies the name; everything is bounded: time, head, body.
//
// For URLs that customers write, public_only is the egress rule: https only, the name is resolved once, all its addresses must be
// globally reachable, and the connection goes to one of those. Redirects are never followed, whoever asked: a 3xx is the answer.
// The answer to a customer's URL must not be shown to the customer.
#pragma once
#include "base/buf.h"

struct loop;
struct tls_client;
struct http_client;

#define HTTP_CLIENT_FIELDS_MAX 100
#define HTTP_CLIENT_HEAD_MAX 16384
#define HTTP_CLIENT_URL_MAX 2048

struct http_client_field {
  const char *name, *value;  // of an answer: the name in lower case
};

struct http_client_request {
  const char *method;        // "GET", "POST" …
  const char *url;           // "https://host[:port]/path?query"; no user, no fragment, nothing that must be escaped
  const struct http_client_field *fields;  // beside Host, User-Agent, Content-Length and Connection, which are the client's own
  size_t field_count;
  const void *body;          // copied
  size_t body_len;
  struct tls_client *tls;    // whom we trust; a reference is taken
  bool plain_allowed;        // http:// too: for services on this machine or a network of one's own
  bool public_only;          // see above; plain_allowed does not go with it
  size_t answer_max;         // bytes of the answer's body; 0: 64 KiB
  bool answer_cut;           // what the body has beyond that is left unread, since the status says enough; else such an answer is none
  int64_t timeout_ms;        // for all of it, from look-up to the last byte; 0: 5,000
};

struct http_client_answer {
  int status;                // 200 to 999
  const struct http_client_field *fields;
  size_t field_count;
  const char *body;          // NUL-terminated
  size_t body_len;
};
// The value of the first field of that name (lower case); NULL without.
const char *http_client_field(const struct http_client_answer *answer, const char *name);

// Called once, never from within http_client_send; the answer is valid during the call. answer NULL: why says what went wrong,
// in words for a log.
typedef void (*http_client_done)(void *arg, const struct http_client_answer *answer, const char *why);

// ERR_INVALID: the URL, the method or a field is none. ret may be NULL; the client is gone when done returns.
enum status http_client_send(struct loop *loop, const struct http_client_request *request, http_client_done done, void *arg,
  struct http_client **ret, struct err *err) MUST_CHECK;
// done is not called any more. Not after done. NULL does nothing.
void http_client_cancel(struct http_client *c);

// What a URL names. host without brackets; port 0 never.
struct http_url {
  bool tls, v6;
  uint16_t port;
  char host[254];
  const char *target;        // "/path?query" within the text given; "" means "/"
};
// ERR_INVALID says what is wrong.
enum status http_url_parse(const char *url, struct http_url *ret, struct err *err) MUST_CHECK;

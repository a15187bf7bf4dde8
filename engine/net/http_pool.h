// net/http_pool.h – HTTP/1.1 requests over connections that are kept: to venues, many times a second. One request at a time on a
// connection, never a second behind it (no pipelining), never one sent twice.
//
// What may be sent again is the caller's to know, so each answer comes with `written`: whether a byte of the request may have left.
// A kept connection that turns out to be closed before the first byte is replaced quietly; after it, nothing is repeated here.
#pragma once
#include "net/http_client.h"

struct loop;
struct http_pool;
struct http_pool_call;

struct http_pool_options {
  unsigned per_origin_max;  // connections to one (host, port, TLS); others wait in the order of asking. 0: 16
  int64_t idle_ms;          // a kept connection is closed after so long without a request: before the server does. 0: 20,000
};
enum status http_pool_create(struct loop *loop, const struct http_pool_options *options, struct http_pool **ret, struct err *err) MUST_CHECK;
// Ends all connections and calls; their done is not called. Not from within a done. NULL does nothing.
void http_pool_destroy(struct http_pool *pool);

// Called once, never from within http_pool_send. answer NULL: why says what went wrong, in words for a log, and written whether
// bytes of the request may have left; with an answer written is true. Valid during the call.
typedef void (*http_pool_done)(void *arg, const struct http_client_answer *answer, bool written, const char *why);

// As http_client_send (same checks, bounds and defaults; public_only is for http_client alone); timeout_ms counts from now and
// includes waiting for a connection. Where a connection is idle the bytes are handed to the kernel before this returns. ret may be NULL.
enum status http_pool_send(struct http_pool *pool, const struct http_client_request *request, http_pool_done done, void *arg,
  struct http_pool_call **ret, struct err *err) MUST_CHECK;
// done is not called any more; a connection on which bytes were written is closed. Not after done. NULL does nothing.
void http_pool_cancel(struct http_pool_call *call);
// When the first bytes of the request were handed to the kernel, by the monotonic clock; 0: not one was. Also within done.
int64_t http_pool_written_ns(const struct http_pool_call *call);

// So many connections to where the URL leads, ahead of requests, so that those need not wait for TLS. Those that are open or being opened
// count, unless they are idle and about to be closed for it; never more than per_origin_max.
void http_pool_warm(struct http_pool *pool, const struct http_client_request *request, unsigned count);

struct http_pool_stats { uint64_t opened, reused, replaced; unsigned connections, waiting; };
struct http_pool_stats http_pool_stats(const struct http_pool *pool);

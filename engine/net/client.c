// net/client.c – see client.h.
#include "net/client.h"

#include "net/stream.h"

#include <assert.h>
#include <ctype.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESSES_MAX 8
#define HOST_MAX 253

struct client {
  struct stream stream;  // first: see stream_closed
  struct loop *loop;
  const struct client_events *events;
  void *arg;
  struct tls_client *tls;
  struct loop_timer *timer;
  struct loop_task later;  // begins, so that no event comes before client_open returns
  uv_getaddrinfo_t lookup;
  uv_connect_t connect;
  struct address addresses[ADDRESSES_MAX];
  unsigned address_count, address_at;
  char host[HOST_MAX + 1];
  char why[160];           // of the last address that did not work
  bool public_only, numeric;
  bool looking_up, has_stream, open, told, destroyed;
};

static void connect_next(struct client *c);

// Memory goes when nothing of libuv refers to it any more.
static void release(struct client *c) {
  if (!c->destroyed || c->looking_up || c->has_stream || c->later.waiting) return;
  tls_client_release(c->tls);
  free(c);
}

static void stream_closed(struct stream *s) {
  struct client *c = (struct client *)s;
  c->has_stream = false;
  if (c->destroyed || c->told) release(c);
  else connect_next(c);
}

static void close_stream(struct client *c) {
  if (c->has_stream && !c->stream.closing) stream_close(&c->stream, stream_closed);
}

static void tell(struct client *c, const char *why) {
  if (c->told || c->destroyed) return;
  c->told = true;
  c->open = false;
  loop_timer_stop(c->timer);
  close_stream(c);
  c->events->on_close(c->arg, why);
}

static void on_timeout(void *arg) {
  tell(arg, "timed out");
}

// ---- the stream ----

static void opened(struct client *c) {
  c->open = true;
  loop_timer_stop(c->timer);
  c->events->on_open(c->arg);
}

static void on_data(void *arg, const char *bytes, size_t len) {
  struct client *c = arg;
  if (!c->told && !c->destroyed) c->events->on_data(c->arg, bytes, len);
}

static void on_end(void *arg, const char *why) {
  struct client *c = arg;
  char text[128];
  if (why) snprintf(text, sizeof text, "%s", why);  // why may live in the stream, which tell closes
  tell(c, why ? text : c->open ? NULL : "closed before the connection was open");
}

static void on_ready(void *arg) {
  opened(arg);
}

static void on_drain(void *arg) {
  struct client *c = arg;
  if (!c->told && !c->destroyed && c->events->on_drain) c->events->on_drain(c->arg);
}

static const struct stream_events stream_events = {.on_data = on_data, .on_end = on_end, .on_ready = on_ready, .on_drain = on_drain};

static void on_connect(uv_connect_t *connect, int status) {
  struct client *c = connect->data;
  if (c->told || c->destroyed) return;
  if (status < 0) {
    char text[ADDRESS_TEXT_MAX];
    address_format(&c->addresses[c->address_at - 1], text, sizeof text);
    snprintf(c->why, sizeof c->why, "%s: %s", text, uv_strerror(status));
    close_stream(c);  // goes on with the next address
    return;
  }
  uv_tcp_nodelay(&c->stream.uv.tcp, 1);
  struct err err;
  if (c->tls && stream_tls_client(&c->stream, c->tls, c->host, &err) != OK) {
    tell(c, err.msg);
    return;
  }
  stream_start(&c->stream, &stream_events, c);
  if (!c->tls) opened(c);
}

static void connect_next(struct client *c) {
  if (c->address_at == c->address_count) {
    tell(c, c->why[0] ? c->why : "no address");
    return;
  }
  struct sockaddr_storage sa;
  address_to_sockaddr(&c->addresses[c->address_at++], &sa);
  stream_init_tcp(&c->stream, c->loop);
  c->has_stream = true;
  c->connect.data = c;
  int code = uv_tcp_connect(&c->connect, &c->stream.uv.tcp, (struct sockaddr *)&sa, on_connect);
  if (code == 0) return;
  snprintf(c->why, sizeof c->why, "%s", uv_strerror(code));
  close_stream(c);
}

// ---- the name ----

static void addresses_known(struct client *c) {
  for (unsigned i = 0; c->public_only && i < c->address_count; i++) {
    if (address_is_public(&c->addresses[i])) continue;
    tell(c, "the address is not a public one");  // which one is none of the customer's business
    return;
  }
  connect_next(c);
}

static void on_lookup(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found) {
  struct client *c = lookup->data;
  uint16_t port = c->addresses[0].port;
  c->looking_up = false;
  if (status == 0) {
    for (struct addrinfo *a = found; a && c->address_count < ADDRESSES_MAX; a = a->ai_next) {
      struct address *to = &c->addresses[c->address_count];
      if (!address_of_sockaddr(a->ai_addr, to)) continue;
      to->port = port;
      c->address_count++;
    }
  }
  uv_freeaddrinfo(found);
  if (c->destroyed) {
    release(c);
  } else if (c->told) {
    return;
  } else if (status != 0) {
    char why[300];
    snprintf(why, sizeof why, "%s: %s", c->host, uv_strerror(status));
    tell(c, why);
  } else {
    addresses_known(c);
  }
}

static void begin(struct loop_task *task) {
  struct client *c = (struct client *)((char *)task - offsetof(struct client, later));
  if (c->destroyed) {
    release(c);
    return;
  }
  if (c->numeric) {
    addresses_known(c);
    return;
  }
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  c->lookup.data = c;
  int code = uv_getaddrinfo(loop_uv(c->loop), &c->lookup, on_lookup, c->host, NULL, &hints);
  if (code) tell(c, uv_strerror(code));
  else c->looking_up = true;
}

static bool host_ok(const char *host) {
  size_t len = strlen(host);
  if (len == 0 || len > HOST_MAX) return false;
  for (size_t i = 0; i < len; i++) {
    if (!isalnum((unsigned char)host[i]) && !strchr("-._:", host[i])) return false;
  }
  return true;
}

enum status client_open(struct loop *loop, const struct client_options *o, const struct client_events *events, void *arg,
  struct client **ret, struct err *err) {
  assert(events->on_open && events->on_data && events->on_close);
  if (!o->host || !host_ok(o->host) || o->port == 0) return err_set(err, ERR_INVALID, "no host that one can connect to");
  struct client *c = calloc(1, sizeof *c);
  if (!c) return err_set(err, ERR_NOMEM, "connection");
  enum status st = loop_timer_create(loop, on_timeout, c, &c->timer, err);
  if (st != OK) {
    free(c);
    return st;
  }
  c->loop = loop;
  c->events = events;
  c->arg = arg;
  c->tls = o->tls ? tls_client_retain(o->tls) : NULL;
  c->public_only = o->public_only;
  snprintf(c->host, sizeof c->host, "%s", o->host);
  c->numeric = address_parse(o->host, &c->addresses[0]);
  c->addresses[0].port = o->port;
  if (c->numeric) c->address_count = 1;
  c->later.fn = begin;
  loop_post_task(loop, &c->later);
  loop_timer_start(c->timer, o->timeout_ms ? o->timeout_ms : 10000, 0);
  *ret = c;
  return OK;
}

enum status client_start_tls(struct client *c, struct tls_client *tls, struct err *err) {
  assert(c->open && !c->tls);
  enum status st = stream_tls_client(&c->stream, tls, c->host, err);
  if (st != OK) return st;
  c->tls = tls_client_retain(tls);
  c->open = false;
  loop_timer_start(c->timer, 10000, 0);
  return stream_tls_begin(&c->stream, err);
}

bool client_write(struct client *c, const void *bytes, size_t len) {
  return c->open && !c->told && stream_write(&c->stream, bytes, len);
}

size_t client_queued(const struct client *c) {
  return c->has_stream ? stream_queued(&c->stream) : 0;
}

uint64_t client_handed(const struct client *c) {
  return c->has_stream ? stream_handed(&c->stream) : 0;
}

bool client_quiet(const struct client *c) {
  return c->open && !c->told && stream_quiet(&c->stream);
}

const struct address *client_peer(const struct client *c) {
  return &c->addresses[c->address_at > 0 ? c->address_at - 1 : 0];
}

void client_destroy(struct client *c) {
  if (!c) return;
  assert(!c->destroyed);
  c->destroyed = true;
  loop_timer_destroy(c->timer);
  if (c->looking_up) uv_cancel((uv_req_t *)&c->lookup);
  close_stream(c);
  release(c);
}

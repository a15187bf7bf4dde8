// api/server.c – between net/ and the core: requests in, answers out, WebSockets to the stream hub.
#include "api/server.h"

#include "api/console.h"
#include "api/core.h"
#include "api/market_watch.h"
#include "api/router.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "net/blob.h"
#include "net/http_server.h"
#include "net/ws.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define NS_PER_MS INT64_C(1000000)
#define ADDRESSES_MAX 8
#define BODY_MAX (256 * 1024)  // sources are at most 64 KiB, which as JSON strings may grow sixfold only if all escaped

struct api_server {
  struct api_core *core;
  struct http_server *http;
  struct api_listen listen;
  uint16_t ports[ADDRESSES_MAX];
  struct loop_timer *tick;
};

// ---- requests

struct exchange {
  struct api_request req;
  struct http_request *http;
  char address[ADDRESS_TEXT_MAX];
};

static const char *field_of(const struct api_request *req, const char *name) { return http_field(((struct exchange *)req->transport)->http, name); }

static void answer(void *arg, const struct api_answer *a) {
  struct exchange *x = arg;
  for (int i = 0; i < a->field_count; i++) http_reply_field(x->http, a->fields[i].name, a->fields[i].value);
  http_reply(x->http, a->status, a->content_type, a->body, a->len);
  free(x);
}

static bool same_host(const char *origin, const char *host) {
  const char *authority = strstr(origin, "://");
  return authority && strcasecmp(authority + 3, host) == 0;
}

static bool origin_allowed(const struct api_core *core, const struct http_request *req) {
  const char *origin = http_field(req, "origin");
  if (!origin || same_host(origin, req->host)) return true;  // programs send none; browsers cannot leave it out
  for (const char *const *o = core->origins; o && *o; o++)
    if (strcmp(*o, origin) == 0) return true;
  return false;
}

// What never becomes a call – refused by net/, or before there is a route – is answered and logged like one.
static size_t problem(void *arg, struct http_request *req, int status, const char *detail, char *ret, size_t size) {
  struct api_server *s = arg;
  const enum problem p = problem_of_refusal(status);
  char id[24];
  api_request_id(id);
  http_reply_field(req, "X-Request-Id", id);
  for (int i = 0; i < API_STANDARD_FIELDS; i++) http_reply_field(req, api_standard_fields[i].name, api_standard_fields[i].value);
  http_reply_field(req, "Cache-Control", "no-store");
  api_log(s->core, "info", "refused", json_pack("{s:s, s:i, s:s, s:s, s:s}", "request_id", id, "status", status, "code", problem_code(p), "detail", detail,
                                               "ip", req->peer->address));
  // By hand: also where memory is out. Nothing in it needs to be escaped.
  return (size_t)snprintf(ret, size, "{\"type\":\"" PROBLEM_TYPE_PREFIX "%s\",\"title\":\"%s\",\"status\":%d,\"code\":\"%s\",\"detail\":\"%s\",\"request_id\":\"%s\"}",
                          problem_code(p), problem_title(p), status, problem_code(p), detail, id);
}

static void refuse(struct api_server *s, struct http_request *req, int status, const char *detail) {
  char body[1024];
  size_t len = problem(s, req, status, detail, body, sizeof body);
  http_reply(req, status, "application/problem+json", body, len);
}

// ---- WebSockets

static int64_t now_ms(void) { return clock_wall_ns() / NS_PER_MS; }
static void on_text(void *arg, struct ws *ws, const char *text, size_t len) {
  (void)ws;
  stream_client_text(arg, text, len, now_ms());
}
static void on_close(void *arg, struct ws *ws, int code, const char *reason) {
  (void)ws, (void)code, (void)reason;
  if (arg) stream_client_remove(arg);
}

// bot: of its own channel, which is subscribed to; NULL: none.
static void upgrade(struct api_server *s, struct http_request *req, const char *bot) {
  struct api_core *core = s->core;
  if (!origin_allowed(core, req)) {
    refuse(s, req, 403, "the page is not one that may connect");
    return;
  }
  char channel[STREAM_CHANNEL_NAME_MAX + 1] = "";  // the request is gone after the upgrade
  struct api_who who;
  // A cookie comes with whatever page opens the socket, so it counts for our own pages only; a program sends its token first.
  const char *origin = http_field(req, "origin");
  const bool known = origin && same_host(origin, req->host) && api_cookie_who(core, http_field(req, "cookie"), &who);
  if (bot) snprintf(channel, sizeof channel, "bot:%.60s", bot);
  static const struct ws_handler handler = {on_text, NULL, on_close};
  struct ws *ws = ws_upgrade(req, &handler, NULL, NULL);
  if (!ws) return;
  struct stream_client *client = stream_client_add(core->hub, ws, known ? &who : NULL, now_ms());
  ws_set_arg(ws, client);
  if (!client) ws_close(ws, WS_TRY_AGAIN, "out of memory");
  else if (bot) stream_client_subscribe(client, channel, now_ms());
}

static struct blob *port_frame(const char *text, size_t len) { return ws_frame_text(text, len); }
static bool port_send(void *conn, struct blob *frame) { return ws_send_frame(conn, frame); }
static void port_close(void *conn, int code, const char *reason) { ws_close(conn, code, reason); }
const struct stream_port api_ws_port = {port_frame, port_send, port_close};

// ---- files of the consoles

// Whether gzip is among what a browser accepts, and not with weight 0.
static bool accepts_gzip(const char *accepts) {
  const char *at = accepts ? strstr(accepts, "gzip") : NULL;
  return at && strncmp(at + 4, ";q=0", 4) != 0;
}

// The console that says that there is no such page, for who typed an address; programs are told by a problem, as everywhere.
static bool page_of_none(struct api_server *s, const struct http_request *req, bool gzip, struct console_file *ret) {
  struct route_match match;
  const char *accepts = http_field(req, "accept");
  if (!accepts || !strstr(accepts, "text/html") || router_find(s->core->table->router, ROUTE_GET, req->path, req->path_len, &match)) return false;
  const bool operators = strncmp(req->path, "/admin/", 7) == 0;
  return console_present(s->listen.console) && console_get(s->listen.console, operators ? "/admin" : "/", gzip, ret);
}

static bool serve_file(struct api_server *s, struct http_request *req) {
  struct console_file file;
  if (!s->listen.console || (req->method != METHOD_GET && req->method != METHOD_HEAD) || strncmp(req->path, "/api/", 5) == 0) return false;
  const bool gzip = accepts_gzip(http_field(req, "accept-encoding")), known = console_get(s->listen.console, req->path, gzip, &file);
  if (!known && !page_of_none(s, req, gzip, &file)) return false;
  const char *have = http_field(req, "if-none-match");
  for (int i = 0; i < API_STANDARD_FIELDS; i++)
    if (strcmp(api_standard_fields[i].name, "Content-Security-Policy") != 0) http_reply_field(req, api_standard_fields[i].name, api_standard_fields[i].value);
  http_reply_field(req, "Content-Security-Policy", console_csp);
  // What is named by its content never changes; the pages that name it are asked for each time.
  http_reply_field(req, "Cache-Control", file.immutable ? "public, max-age=31536000, immutable" : "no-cache");
  if (file.etag[0]) http_reply_field(req, "ETag", file.etag);
  if (file.negotiated) http_reply_field(req, "Vary", "Accept-Encoding");
  if (known && file.etag[0] && have && strcmp(have, file.etag) == 0) {
    http_reply(req, 304, NULL, "", 0);
  } else {
    if (file.gzip) http_reply_field(req, "Content-Encoding", "gzip");
    http_reply_blob(req, known ? 200 : 404, file.type, file.blob);
  }
  blob_release(file.blob);
  return true;
}

#define WS_BOTS API_PREFIX "/ws/bots/"

static void on_request(void *arg, struct http_request *req) {
  struct api_server *s = arg;
  if (req->path_len == sizeof API_PREFIX "/ws" - 1 && strcmp(req->path, API_PREFIX "/ws") == 0) {
    upgrade(s, req, NULL);
    return;
  }
  if (req->path_len > sizeof WS_BOTS - 1 && strncmp(req->path, WS_BOTS, sizeof WS_BOTS - 1) == 0) {
    upgrade(s, req, req->path + sizeof WS_BOTS - 1);
    return;
  }
  if (serve_file(s, req)) return;
  struct exchange *x = calloc(1, sizeof *x);
  if (!x) {
    refuse(s, req, 503, "out of memory");
    return;
  }
  x->http = req;
  http_client_address(req, s->listen.proxies, s->listen.proxy_count, x->address);
  x->req = (struct api_request){
      .method = http_method_text(req->method), .path = req->path, .path_len = req->path_len, .query = req->query, .query_len = req->query_len, .field = field_of,
      .transport = x, .body = req->body, .body_len = req->body_len, .address = x->address,
      .is_local = req->peer->is_unix && (req->peer->uid == geteuid() || req->peer->uid == 0),
      .is_tls = http_client_tls(req, s->listen.proxies, s->listen.proxy_count), .received_ns = req->received_ns};
  api_handle(s->core, &x->req, answer, x);
}

// ---- the server

static void on_tick(void *arg) {
  struct api_core *core = ((struct api_server *)arg)->core;
  stream_hub_tick(core->hub, now_ms());
  market_watch_tick(core);
}

static double gauge_open(void *arg) { return http_server_stats(arg).open; }
static double gauge_websockets(void *arg) { return http_server_stats(arg).websockets; }
static double gauge_refused(void *arg) { return (double)http_server_stats(arg).refused; }
static double gauge_connections(void *arg) { return (double)http_server_stats(arg).connections; }

enum status api_server_create(struct api_core *core, const struct api_listen *listen, struct api_server **ret, struct err *err) {
  struct api_server *s = calloc(1, sizeof *s);
  if (!s) return err_set(err, ERR_NOMEM, "out of memory");
  s->core = core;
  s->listen = *listen;
  const struct http_handler handler = {.on_request = on_request, .problem = problem};
  const struct http_options options = {.body_max = BODY_MAX};
  enum status st = http_server_create(core->loop, &handler, s, &options, &s->http, err);
  if (st == OK) st = loop_timer_create(core->loop, on_tick, s, &s->tick, err);
  for (size_t i = 0; st == OK && listen->addresses && listen->addresses[i]; i++)
    st = i < ADDRESSES_MAX ? http_server_listen(s->http, listen->addresses[i], listen->tls, &s->ports[i], err)
                           : err_set(err, ERR_LIMIT, "more than %d addresses to listen on", ADDRESSES_MAX);
  if (st == OK && listen->unix_path) st = http_server_listen_unix(s->http, listen->unix_path, err);
  if (st != OK) {
    api_server_destroy(s);
    return st;
  }
  loop_timer_start(s->tick, 500, 500);
  metrics_gauge(core->metrics, (struct metrics_gauge){"http_connections", "Open connections", "gauge", gauge_open, s->http});
  metrics_gauge(core->metrics, (struct metrics_gauge){"websocket_connections", "Open WebSockets", "gauge", gauge_websockets, s->http});
  metrics_gauge(core->metrics, (struct metrics_gauge){"http_connections_total", "Connections accepted", "counter", gauge_connections, s->http});
  metrics_gauge(core->metrics, (struct metrics_gauge){"http_refused_total", "Requests that broke a rule of HTTP", "counter", gauge_refused, s->http});
  *ret = s;
  return OK;
}

uint16_t api_server_port(const struct api_server *s, size_t i) {
  assert(i < ADDRESSES_MAX);
  return s->ports[i];
}

void api_server_replace_tls(struct api_server *s, struct tls_server *tls) { http_server_replace_tls(s->http, tls); }

void api_server_stop(struct api_server *s, int64_t grace_ms, void (*stopped)(void *arg), void *arg) {
  s->core->draining = true;
  http_server_stop(s->http, grace_ms, stopped, arg);
}

void api_server_destroy(struct api_server *s) {
  if (!s) return;
  loop_timer_destroy(s->tick);
  metrics_gauge_forget(s->core->metrics, s->http);
  if (s->http) http_server_destroy(s->http);
  free(s);
}

// ---- without sockets

struct local {
  struct api_request req;
  const char *const *fields;
  bool done;
  int status;
  char *body;
};

static const char *local_field(const struct api_request *req, const char *name) {
  const struct local *l = req->transport;
  for (const char *const *f = l->fields; f && *f; f += 2)
    if (strcasecmp(f[0], name) == 0) return f[1];
  return strcmp(name, "content-type") == 0 ? "application/json" : NULL;
}

static void local_answer(void *arg, const struct api_answer *a) {
  struct local *l = arg;
  l->done = true;
  l->status = a->status;
  l->body = malloc(a->len + 1);
  if (l->body) {
    memcpy(l->body, a->body, a->len);
    l->body[a->len] = '\0';
  }
}

enum status api_dispatch_local(struct api_core *core, const char *method, const char *target, const char *body, const char *const *fields, int *ret_status,
                               char **ret_body, struct err *err) {
  const char *mark = strchr(target, '?');
  struct local l = {.fields = fields};
  l.req = (struct api_request){.method = method, .path = target, .path_len = mark ? (size_t)(mark - target) : strlen(target), .query = mark ? mark + 1 : "",
                               .query_len = mark ? strlen(mark + 1) : 0, .field = local_field, .transport = &l, .body = body ? body : "", .body_len = body ? strlen(body) : 0,
                               .address = "", .is_local = true, .received_ns = clock_monotonic_ns()};
  api_handle(core, &l.req, local_answer, &l);
  while (!l.done) loop_turn(core->loop, true);
  if (!l.body) return err_set(err, ERR_NOMEM, "out of memory");
  *ret_status = l.status;
  *ret_body = l.body;
  return OK;
}

void api_publish(struct api_core *core, const char *channel, const char *type, const char *data) {
  json_t *tree = data ? json_loads(data, JSON_DECODE_ANY, NULL) : NULL;
  if (!stream_publish(core->hub, channel, type, tree, now_ms())) api_log(core, "warning", "event_lost", json_pack("{s:s, s:s}", "channel", channel, "type", type));
  json_decref(tree);
}

// net/http_server.c – listeners, accepting, time limits and the end of an HTTP server; see http_server.h.
#include "net/http_impl.h"

#include "crypto/secret.h"
#include "loop/clock.h"
#include "net/address.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BACKLOG 4096

// ---- exchanges ----

struct http_exchange *http_exchange_take(struct http_conn *conn) {
  struct http_server *server = conn->server;
  struct http_exchange *ex = server->free_exchanges;
  if (ex) {
    server->free_exchanges = ex->next_free;
    server->free_count--;
  } else {
    ex = malloc(sizeof *ex);
    if (!ex) return NULL;
  }
  memset(ex, 0, offsetof(struct http_exchange, extra_inline));  // what follows is written before it is read
  ex->server = server;
  ex->conn = conn;
  ex->file_fd = -1;
  ex->extra = ex->extra_inline;
  ex->extra_cap = sizeof ex->extra_inline;
  server->exchanges++;
  return ex;
}

void http_exchange_free(struct http_exchange *ex) {
  struct http_server *server = ex->server;
  if (ex->body_own) {
    server->stats.body_bytes -= ex->body_cap;
    secret_wipe(ex->body, ex->body_len);
    free(ex->body);
  }
  // Passwords and tokens were in it, and an exchange may lie unused for long.
  secret_wipe(ex->buf, ex->head.len + (ex->body_own ? 0 : ex->body_len));
  secret_wipe(ex->extra, ex->extra_len);
  if (ex->extra != ex->extra_inline) free(ex->extra);
  if (ex->file_fd >= 0) close(ex->file_fd);
  server->exchanges--;
  if (server->free_count < EXCHANGES_KEPT) {
    ex->next_free = server->free_exchanges;
    server->free_exchanges = ex;
    server->free_count++;
  } else {
    free(ex);
  }
  http_server_check_stopped(server);
}

// ---- time ----

static void set_date(struct http_server *server) {
  int64_t seconds = clock_wall_ns() / 1000000000;
  if (seconds == server->date_s) return;
  server->date_s = seconds;
  time_t t = (time_t)seconds;
  struct tm tm;
  gmtime_r(&t, &tm);
  static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  server->date_len = (size_t)snprintf(server->date, sizeof server->date, "Date: %.3s, %02d %.3s %d %02d:%02d:%02d GMT\r\n",
    days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void on_tick(void *arg) {
  struct http_server *server = arg;
  set_date(server);
  int64_t now = loop_now_ms(server->loop);
  for (struct http_conn *conn = server->conns, *next; conn; conn = next) {
    next = conn->next;  // closing frees later, so next stays
    http_conn_tick(conn, now);
  }
}

// ---- creation ----

static struct http_options with_defaults(const struct http_options *options) {
  struct http_options o = options ? *options : (struct http_options){0};
  if (!o.connections_max) o.connections_max = 16384;
  if (!o.body_max) o.body_max = 1 << 20;
  if (!o.body_total_max) o.body_total_max = 256 << 20;
  if (!o.head_timeout_ms) o.head_timeout_ms = 10000;
  if (!o.idle_timeout_ms) o.idle_timeout_ms = 60000;
  if (!o.body_rate_min) o.body_rate_min = 500;
  return o;
}

static void on_stopped(struct loop_task *task) {
  struct http_server *server = (struct http_server *)((char *)task - offsetof(struct http_server, stopped_task));
  server->stopped_told = true;
  if (server->stopped) server->stopped(server->stopped_arg);
}

enum status http_server_create(struct loop *loop, const struct http_handler *handler, void *arg,
  const struct http_options *options, struct http_server **ret, struct err *err) {
  assert(handler->on_request);
  struct http_server *server = calloc(1, sizeof *server);
  if (!server) return err_set(err, ERR_NOMEM, "HTTP server");
  server->loop = loop;
  server->handler = *handler;
  server->arg = arg;
  server->options = with_defaults(options);
  server->stopped_task.fn = on_stopped;
  if (options && options->server_name)
    snprintf(server->name_line, sizeof server->name_line, "Server: %.60s\r\n", options->server_name);
  enum status st = loop_timer_create(loop, on_tick, server, &server->tick, err);
  if (st != OK) {
    free(server);
    return st;
  }
  loop_timer_start(server->tick, HTTP_TICK_MS, HTTP_TICK_MS);
  set_date(server);
  *ret = server;
  return OK;
}

// ---- accepting ----

static void free_refused(struct stream *stream) {
  free(stream);
}

static void peer_of(struct http_conn *conn, const struct http_listener *listener) {
  struct http_peer *peer = &conn->peer;
  peer->tls = listener->tls != NULL;
  peer->is_unix = listener->is_unix;
  uv_os_fd_t fd = -1;
  if (listener->is_unix) {
    struct ucred cred = {.uid = (uid_t)-1, .gid = (gid_t)-1};
    socklen_t len = sizeof cred;
    uv_fileno(&conn->stream.uv.handle, &fd);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0) cred = (struct ucred){.uid = (uid_t)-1, .gid = (gid_t)-1};
    peer->uid = cred.uid;
    peer->gid = cred.gid;
    peer->pid = cred.pid;
    return;
  }
  struct sockaddr_storage sa;
  int len = sizeof sa;
  if (uv_tcp_getpeername(&conn->stream.uv.tcp, (struct sockaddr *)&sa, &len) != 0) return;
  struct address a;
  if (address_of_sockaddr((struct sockaddr *)&sa, &a)) {
    address_format(&a, peer->address, sizeof peer->address);
    peer->port = a.port;
  }
}

static void on_connection(uv_stream_t *uv, int status) {
  struct http_listener *listener = uv->data;
  struct http_server *server = listener->server;
  if (status < 0) return;  // out of descriptors: libuv has dropped the connection
  struct http_conn *conn = calloc(1, sizeof *conn);
  if (!conn) return;
  conn->server = server;
  if (listener->is_unix) stream_init_pipe(&conn->stream, server->loop);
  else stream_init_tcp(&conn->stream, server->loop);
  if (uv_accept(uv, &conn->stream.uv.stream) != 0) {
    stream_close(&conn->stream, free_refused);
    return;
  }
  server->stats.connections++;
  if (server->stats.open >= server->options.connections_max || server->stopping) {
    // Always the same bytes: who is short of everything makes no document of its own.
    static const char full[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nContent-Length: 87\r\n"
      "Retry-After: 5\r\nConnection: close\r\n\r\n"
      "{\"type\":\"about:blank\",\"title\":\"Too many connections\",\"status\":503,\"code\":\"unavailable\"}";
    uv_buf_t buf = uv_buf_init((char *)full, sizeof full - 1);
    if (!listener->tls) uv_try_write(&conn->stream.uv.stream, &buf, 1);
    stream_close(&conn->stream, free_refused);
    return;
  }
  if (!listener->is_unix) uv_tcp_nodelay(&conn->stream.uv.tcp, 1);
  if (listener->tls && stream_tls_server(&conn->stream, listener->tls, NULL) != OK) {
    stream_close(&conn->stream, free_refused);
    return;
  }
  peer_of(conn, listener);
  server->stats.open++;
  http_conn_open(server, conn);
}

// ---- listeners ----

static void on_listener_closed(uv_handle_t *handle) {
  struct http_listener *listener = handle->data;
  struct http_server *server = listener->server;
  tls_server_release(listener->tls);
  free(listener);
  server->listeners_open--;
  http_server_check_stopped(server);
}

static struct http_listener *listener_new(struct http_server *server) {
  struct http_listener *listener = calloc(1, sizeof *listener);
  if (listener) listener->server = server;
  return listener;
}

static void listener_open(struct http_server *server, struct http_listener *listener) {
  listener->uv.handle.data = listener;
  listener->next = server->listeners;
  server->listeners = listener;
  server->listeners_open++;
}

static void close_listeners(struct http_server *server) {
  for (struct http_listener *l = server->listeners, *next; l; l = next) {
    next = l->next;
    if (l->path[0]) unlink(l->path);
    uv_close(&l->uv.handle, on_listener_closed);
  }
  server->listeners = NULL;
}

// Takes back the listener opened last.
static enum status listen_failed(struct http_server *server, struct http_listener *listener, int code, const char *what,
  struct err *err) {
  assert(server->listeners == listener);
  server->listeners = listener->next;
  listener->path[0] = '\0';
  uv_close(&listener->uv.handle, on_listener_closed);
  if (code == UV_EADDRINUSE) return err_set(err, ERR_IO, "%s is taken: another program listens there; choose another port", what);
  return err_errno(err, -code, "listening on %s", what);
}

enum status http_server_listen(struct http_server *server, const char *text, struct tls_server *tls, uint16_t *ret_port,
  struct err *err) {
  struct address address;
  enum status st = address_parse_listen(text, &address, err);
  if (st != OK) return st;
  struct sockaddr_storage sa;
  address_to_sockaddr(&address, &sa);
  struct http_listener *listener = listener_new(server);
  if (!listener) return err_set(err, ERR_NOMEM, "listener");
  uv_tcp_init(loop_uv(server->loop), &listener->uv.tcp);
  listener_open(server, listener);
  int code = uv_tcp_bind(&listener->uv.tcp, (struct sockaddr *)&sa, 0);
  if (code == 0) code = uv_listen(&listener->uv.stream, BACKLOG, on_connection);
  if (code) return listen_failed(server, listener, code, text, err);
  if (tls) listener->tls = tls_server_retain(tls);
  if (ret_port) {
    int len = sizeof sa;
    code = uv_tcp_getsockname(&listener->uv.tcp, (struct sockaddr *)&sa, &len);
    assert(code == 0);
    bool known = address_of_sockaddr((struct sockaddr *)&sa, &address);
    assert(known);
    *ret_port = address.port;
  }
  return OK;
}

enum status http_server_listen_unix(struct http_server *server, const char *path, struct err *err) {
  struct stat sb;
  if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path)) return err_set(err, ERR_LIMIT, "%s: path too long for a socket", path);
  if (lstat(path, &sb) == 0) {
    if (!S_ISSOCK(sb.st_mode)) return err_set(err, ERR_EXISTS, "%s is in the way and no socket", path);
    if (unlink(path) != 0) return err_errno(err, errno, "%s", path);
  }
  struct http_listener *listener = listener_new(server);
  if (!listener) return err_set(err, ERR_NOMEM, "listener");
  uv_pipe_init(loop_uv(server->loop), &listener->uv.pipe, 0);
  listener->is_unix = true;
  listener_open(server, listener);
  int code = uv_pipe_bind(&listener->uv.pipe, path);
  if (code) return listen_failed(server, listener, code, path, err);
  snprintf(listener->path, sizeof listener->path, "%s", path);
  // Before listening, so that nobody connects while the mode is the umask's.
  if (chmod(path, 0600) != 0) code = -errno;
  if (code == 0) code = uv_listen(&listener->uv.stream, BACKLOG, on_connection);
  if (code == 0) return OK;
  unlink(path);
  return listen_failed(server, listener, code, path, err);
}

void http_server_replace_tls(struct http_server *server, struct tls_server *tls) {
  for (struct http_listener *l = server->listeners; l; l = l->next) {
    if (!l->tls) continue;
    tls_server_release(l->tls);
    l->tls = tls_server_retain(tls);
  }
}

// ---- the end ----

static void free_server(struct http_server *server) {
  while (server->free_exchanges) {
    struct http_exchange *ex = server->free_exchanges;
    server->free_exchanges = ex->next_free;
    free(ex);
  }
  free(server);
}

void http_server_check_stopped(struct http_server *server) {
  if (!server->stopping || server->listeners_open > 0 || server->conns || server->exchanges > 0 ||
    server->stats.websockets > 0) return;
  if (server->destroyed) {
    free_server(server);
  } else if (!server->stopped_posted) {
    server->stopped_posted = true;
    loop_post_task(server->loop, &server->stopped_task);
  }
}

void http_server_stop(struct http_server *server, int64_t grace_ms, void (*stopped)(void *arg), void *arg) {
  assert(!server->stopping);
  server->stopping = true;
  server->cut_ms = loop_now_ms(server->loop) + grace_ms;
  server->stopped = stopped;
  server->stopped_arg = arg;
  close_listeners(server);
  for (struct http_conn *conn = server->conns, *next; conn; conn = next) {
    next = conn->next;
    if (conn->state == CONN_IDLE) http_conn_close(conn);
    else if (conn->state == CONN_WS) ws_stop(conn->ws);
  }
  http_server_check_stopped(server);
}

void http_server_destroy(struct http_server *server) {
  if (!server) return;
  assert(server->stopping ? server->stopped_told : !server->conns);
  loop_timer_destroy(server->tick);
  server->stopping = true;
  server->destroyed = true;
  close_listeners(server);
  http_server_check_stopped(server);
}

struct http_stats http_server_stats(const struct http_server *server) {
  return server->stats;
}

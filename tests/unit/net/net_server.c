// tests/unit/net/net_server.c – the server of net/ with a handler for tests and measurements: what server_test.py and
// tests/bench/http talk to. Prints "port N" lines and runs until SIGTERM (graceful stop) or the end of its standard input.
//
//   net_server [--unix PATH] [--tls CERT KEY] [--port N] [--head-ms N] [--idle-ms N] [--rate N] [--connections N]
//              [--body-total N] [--grace-ms N] [--watch-stdin]
//
//   GET  /hello          13 bytes                    POST /echo        the body        POST /small   at most 10 bytes
//   GET  /later?ms=N     the same, N ms later        GET  /blob?n=N    N bytes, shared
//   GET  /stream?n=N     N chunks of 1000 bytes      GET  /file        this program's own file, streamed
//   GET  /who            peer and fields             GET  /stats       counters        GET /early (on_head says 401)
//   GET  /ws             WebSocket: echoes; "close CODE", "flood N", "join" (broadcasts), "all TEXT"
#include "loop/loop.h"
#include "net/address.h"
#include "net/http_server.h"
#include "net/tls.h"
#include "net/ws.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct loop *loop;
static struct http_server *server;
static int64_t grace_ms = 1000;
static unsigned gone, ws_closed, stopping;
static struct blob *shared;
static const char *self_path;

#define MEMBERS_MAX 20000
static struct ws *members[MEMBERS_MAX];
static unsigned member_count;

// ---- WebSocket ----

static void leave(struct ws *ws) {
  for (unsigned i = 0; i < member_count; i++) {
    if (members[i] == ws) {
      members[i] = members[--member_count];
      return;
    }
  }
}

static void on_text(void *arg, struct ws *ws, const char *text, size_t len) {
  (void)arg;
  if (strncmp(text, "close ", 6) == 0) {
    ws_close(ws, atoi(text + 6), "as you wish");
  } else if (strncmp(text, "flood ", 6) == 0) {
    char kilobyte[1024];
    memset(kilobyte, 'f', sizeof kilobyte);
    for (int i = 0; i < atoi(text + 6); i++) {
      if (!ws_send_text(ws, kilobyte, sizeof kilobyte)) break;
    }
  } else if (strcmp(text, "join") == 0) {
    if (member_count < MEMBERS_MAX) members[member_count++] = ws;
  } else if (strncmp(text, "all ", 4) == 0) {
    struct blob *frame = ws_frame_text(text, len);
    for (unsigned i = 0; i < member_count; i++) ws_send_frame(members[i], frame);
    blob_release(frame);
  } else {
    ws_send_text(ws, text, len);
  }
}

static void on_ws_close(void *arg, struct ws *ws, int code, const char *reason) {
  (void)arg;
  leave(ws);
  ws_closed++;
  printf("ws closed %d %s\n", code, reason);
}

// ---- HTTP ----

struct delayed {
  struct http_request *req;
  struct loop_timer *timer;
  unsigned left;
};

static void reply_later(void *arg) {
  struct delayed *d = arg;
  http_reply(d->req, 200, "text/plain", "later", 5);
  loop_timer_destroy(d->timer);
  free(d);
}

static void stream_some(void *arg) {
  struct delayed *d = arg;
  char kilobyte[1000];
  memset(kilobyte, 's', sizeof kilobyte);
  bool open = http_reply_write(d->req, kilobyte, sizeof kilobyte);
  if (open && --d->left > 0) return;
  http_reply_end(d->req);
  loop_timer_destroy(d->timer);
  free(d);
}

static struct delayed *delay(struct http_request *req, void (*fn)(void *arg), int64_t ms, int64_t repeat_ms) {
  struct delayed *d = calloc(1, sizeof *d);
  struct err err;
  d->req = req;
  if (loop_timer_create(loop, fn, d, &d->timer, &err) != OK) exit(1);
  loop_timer_start(d->timer, ms, repeat_ms);
  return d;
}

static long query_number(struct http_request *req, const char *name) {
  char text[24];
  return http_query(req, name, text, sizeof text) == OK ? atol(text) : 0;
}

static void reply_who(struct http_request *req) {
  static char text[65536];
  struct address_range proxies[1];
  struct err err;
  char client[ADDRESS_TEXT_MAX];
  if (address_range_parse("127.0.0.0/8", &proxies[0], &err) != OK) exit(1);
  http_client_address(req, proxies, 1, client);
  int n = snprintf(text, sizeof text, "%s path=%s query=%s host=%s address=%s client=%s tls=%d unix=%d uid=%d body=%zu\n",
    http_method_text(req->method), req->path, req->query, req->host, req->peer->address, client, req->peer->tls, req->peer->is_unix,
    (int)req->peer->uid, req->body_len);
  for (size_t i = 0; i < req->field_count; i++)
    n += snprintf(text + n, sizeof text - (size_t)n, "[%s]=[%s]\n", req->fields[i].name, req->fields[i].value);
  http_reply(req, 200, "text/plain", text, (size_t)n);
}

static void reply_stats(struct http_request *req) {
  struct http_stats s = http_server_stats(server);
  char text[512];
  long pages = 0, rss = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (f) {
    if (fscanf(f, "%ld %ld", &pages, &rss) != 2) rss = 0;
    fclose(f);
  }
  int n = snprintf(text, sizeof text,
    "{\"connections\":%llu,\"requests\":%llu,\"refused\":%llu,\"open\":%u,\"websockets\":%u,\"body_bytes\":%zu,\"gone\":%u,\"ws_closed\":%u,\"rss_kb\":%ld}",
    (unsigned long long)s.connections, (unsigned long long)s.requests, (unsigned long long)s.refused, s.open, s.websockets, s.body_bytes,
    gone, ws_closed, rss * 4);
  http_reply(req, 200, "application/json", text, (size_t)n);
}

static void on_head(void *arg, struct http_request *req) {
  (void)arg;
  if (strcmp(req->path, "/small") == 0) req->body_max = 10;
  if (strcmp(req->path, "/early") == 0) http_reply(req, 401, NULL, NULL, 0);
}

static void on_request(void *arg, struct http_request *req) {
  (void)arg;
  static const struct ws_handler ws_handler = {.on_text = on_text, .on_close = on_ws_close};
  const char *path = req->path;
  if (strcmp(path, "/hello") == 0) {
    http_reply(req, 200, "text/plain", "Hello, World!", 13);
  } else if (strcmp(path, "/echo") == 0 || strcmp(path, "/small") == 0) {
    http_reply(req, 200, "application/octet-stream", req->body, req->body_len);
  } else if (strcmp(path, "/later") == 0) {
    delay(req, reply_later, query_number(req, "ms"), 0);
  } else if (strcmp(path, "/stream") == 0) {
    http_reply_begin(req, 200, "text/plain", -1);
    delay(req, stream_some, 0, 1)->left = (unsigned)query_number(req, "n");
  } else if (strcmp(path, "/blob") == 0) {
    blob_release(shared);
    shared = blob_create(NULL, (size_t)query_number(req, "n"));
    memset(shared->data, 'b', shared->len);
    http_reply_blob(req, 200, "text/plain", shared);
  } else if (strcmp(path, "/file") == 0) {
    struct stat sb;
    int fd = open(self_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &sb) != 0) exit(1);
    http_reply_file(req, 200, "application/octet-stream", fd, sb.st_size);
  } else if (strcmp(path, "/who") == 0) {
    http_reply_field(req, "X-Test", "a\r\nInjected: b");
    reply_who(req);
  } else if (strcmp(path, "/stats") == 0) {
    reply_stats(req);
  } else if (strcmp(path, "/ws") == 0) {
    ws_upgrade(req, &ws_handler, NULL, NULL);
  } else {
    http_reply(req, 404, "text/plain", "no", 2);
  }
}

static void on_gone(void *arg, struct http_request *req) {
  (void)arg, (void)req;
  gone++;
}

// ---- the end ----

static void on_stopped(void *arg) {
  (void)arg;
  loop_stop(loop);
}

static void stop(void) {
  if (stopping++) return;
  http_server_stop(server, grace_ms, on_stopped, NULL);
}

static void on_signal(void *arg, int signum) {
  (void)arg, (void)signum;
  stop();
}

static void on_stdin(void *arg, unsigned events) {
  (void)events;
  char bytes[64];
  if (read(0, bytes, sizeof bytes) > 0) return;
  loop_watch_set(*(struct loop_watch **)arg, 0);
  stop();
}

static void must(enum status st, const struct err *err) {
  if (st == OK) return;
  fprintf(stderr, "net_server: %s\n", err->msg);
  exit(1);
}

int main(int argc, char **argv) {
  struct err err;
  struct http_options options = {.server_name = "perigee"};
  const char *unix_path = NULL, *cert = NULL, *key = NULL, *port = "0";
  bool watch_stdin = false;
  self_path = argv[0];
  for (int i = 1; i < argc; i++) {
    const char *name = argv[i];
    bool more = i + 1 < argc;
    if (strcmp(name, "--watch-stdin") == 0) watch_stdin = true;
    else if (strcmp(name, "--unix") == 0 && more) unix_path = argv[++i];
    else if (strcmp(name, "--port") == 0 && more) port = argv[++i];
    else if (strcmp(name, "--tls") == 0 && i + 2 < argc) cert = argv[++i], key = argv[++i];
    else if (strcmp(name, "--head-ms") == 0 && more) options.head_timeout_ms = (unsigned)atoi(argv[++i]);
    else if (strcmp(name, "--idle-ms") == 0 && more) options.idle_timeout_ms = (unsigned)atoi(argv[++i]);
    else if (strcmp(name, "--rate") == 0 && more) options.body_rate_min = (unsigned)atoi(argv[++i]);
    else if (strcmp(name, "--connections") == 0 && more) options.connections_max = (unsigned)atoi(argv[++i]);
    else if (strcmp(name, "--body-total") == 0 && more) options.body_total_max = (size_t)atol(argv[++i]);
    else if (strcmp(name, "--grace-ms") == 0 && more) grace_ms = atol(argv[++i]);
    else {
      fprintf(stderr, "net_server: %s?\n", name);
      return 2;
    }
  }
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  signal(SIGPIPE, SIG_IGN);
  setvbuf(stdout, NULL, _IOLBF, 0);
  must(loop_create(&loop, NULL, &err), &err);
  const struct http_handler handler = {.on_head = on_head, .on_request = on_request, .on_gone = on_gone};
  must(http_server_create(loop, &handler, NULL, &options, &server, &err), &err);
  char address[64];
  uint16_t bound;
  snprintf(address, sizeof address, "127.0.0.1:%s", port);
  must(http_server_listen(server, address, NULL, &bound, &err), &err);
  printf("port %d\n", bound);
  if (cert) {
    struct tls_server *tls;
    must(tls_server_create(cert, key, &tls, &err), &err);
    must(http_server_listen(server, "127.0.0.1:0", tls, &bound, &err), &err);
    tls_server_release(tls);
    printf("tls %d\n", bound);
  }
  if (unix_path) must(http_server_listen_unix(server, unix_path, &err), &err);
  struct loop_signal *sig;
  must(loop_signal_create(loop, SIGTERM, on_signal, NULL, &sig, &err), &err);
  struct loop_watch *watch = NULL;
  if (watch_stdin) {
    must(loop_watch_create(loop, 0, on_stdin, &watch, &watch, &err), &err);
    loop_watch_set(watch, LOOP_READABLE);
  }
  printf("ready\n");
  loop_run(loop);
  http_server_destroy(server);
  loop_signal_destroy(sig);
  loop_watch_destroy(watch);
  loop_destroy(loop);
  blob_release(shared);
  printf("stopped\n");
  return 0;
}

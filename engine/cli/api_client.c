// cli/api_client.c – see api_client.h. HTTP/1.1 over a unix socket, one connection per call: our own server is the only peer, and
// it closes when told to, so an answer is all that comes until then.
#include "cli/api_client.h"

#include "base/buf.h"
#include "cli/service.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_MAX = 64 << 20, CONNECT_MS = 5000 };

struct api_client {
  char socket[sizeof((struct sockaddr_un *)0)->sun_path];
  struct service *local;  // NULL: a service runs
  char tenant[48];        // "": nobody's
  int timeout_ms;
};

void api_client_tenant(struct api_client *c, const char *tenant_id) { snprintf(c->tenant, sizeof c->tenant, "%s", tenant_id); }

static int dial(const char *path, int timeout_ms) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const struct timeval wait = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};  // 0: for ever
  (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);  // of connect too
  if (connect(fd, (const struct sockaddr *)(const void *)&address, sizeof address) == 0) return fd;
  int why = errno;
  close(fd);
  errno = why;
  return -1;
}

enum status api_client_open(const char *dir, struct api_client **ret, struct err *err) {
  struct api_client *c = calloc(1, sizeof *c);
  if (!c) return err_set(err, ERR_NOMEM, "out of memory");
  enum status st = OK;
  if ((size_t)snprintf(c->socket, sizeof c->socket, "%s/perigee.sock", dir) >= sizeof c->socket)
    st = err_set(err, ERR_INVALID, "%s: too long for a socket's name (%zu bytes)", dir, sizeof c->socket - 14);
  int fd = st == OK ? dial(c->socket, CONNECT_MS) : -1;
  if (fd >= 0) {
    close(fd);
  } else if (st == OK && errno != ENOENT && errno != ECONNREFUSED) {
    st = err_errno(err, errno, "%s", c->socket);
  } else if (st == OK) {
    char control[600];
    snprintf(control, sizeof control, "%s/control.db", dir);
    if (access(control, F_OK) != 0)
      st = err_set(err, ERR_NOTFOUND, "%s holds no service's data; start one with `perigee serve --data-dir %s`, or name another --data-dir", dir, dir);
    else
      st = service_open_local(dir, &c->local, err);
  }
  if (st != OK) {
    api_client_close(c);
    return st;
  }
  *ret = c;
  return OK;
}

void api_client_close(struct api_client *c) {
  if (!c) return;
  service_close(c->local);
  free(c);
}

void api_client_timeout(struct api_client *c, int timeout_ms) { c->timeout_ms = timeout_ms; }

static enum status send_all(int fd, const char *data, size_t len, struct err *err) {
  while (len > 0) {
    ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return err_errno(err, errno, "the service");
    data += n;
    len -= (size_t)n;
  }
  return OK;
}

static enum status receive_all(int fd, struct buf *out, struct err *err) {
  char chunk[65536];
  for (;;) {
    ssize_t n = read(fd, chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return err_set(err, ERR_IO, "no answer in time");
    if (n < 0) return err_errno(err, errno, "the service");
    if (n == 0) break;
    buf_add(out, chunk, (size_t)n);
  }
  buf_add(out, "", 1);
  return out->failed ? err_set(err, ERR_LIMIT, "the service's answer is larger than %d MiB", ANSWER_MAX >> 20) : OK;
}

// Over the socket: status and body (malloc'ed).
static enum status call_socket(const char *socket, int timeout_ms, const char *tenant, const char *method, const char *target, const char *body, int *ret_status, char **ret_body, struct err *err) {
  int fd = dial(socket, timeout_ms);
  if (fd < 0) return err_errno(err, errno, "%s", socket);
  struct buf text;
  buf_init(&text, ANSWER_MAX);
  size_t len = body ? strlen(body) : 0;
  buf_printf(&text, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", method, target);
  if (tenant[0]) buf_printf(&text, "Perigee-Tenant: %s\r\n", tenant);
  if (body) buf_printf(&text, "Content-Type: application/json\r\nContent-Length: %zu\r\n", len);
  buf_str(&text, "\r\n");
  if (body) buf_add(&text, body, len);
  enum status st = text.failed ? err_set(err, ERR_NOMEM, "out of memory") : send_all(fd, text.data, text.len, err);
  buf_finish(&text);
  buf_init(&text, ANSWER_MAX);
  if (st == OK) st = receive_all(fd, &text, err);
  close(fd);
  char *end = st == OK ? strstr(text.data, "\r\n\r\n") : NULL;
  if (st == OK && (!end || sscanf(text.data, "HTTP/1.1 %3d", ret_status) != 1)) st = err_set(err, ERR_IO, "the service broke off; its log tells why");
  if (st == OK && !(*ret_body = strdup(end + 4))) st = err_set(err, ERR_NOMEM, "out of memory");
  buf_finish(&text);
  return st;
}

// A problem's words: detail, then each field's error.
static enum status problem(int status, const json_t *answer, struct err *err) {
  char text[900];
  const char *detail = json_string_value(json_object_get(answer, "detail")), *title = json_string_value(json_object_get(answer, "title"));
  int at = snprintf(text, sizeof text, "%s", detail ? detail : title ? title : "refused");
  size_t i;
  json_t *e;
  json_array_foreach(json_object_get(answer, "errors"), i, e) {
    const char *pointer = json_string_value(json_object_get(e, "pointer")), *why = json_string_value(json_object_get(e, "detail"));
    if (at < (int)sizeof text) at += snprintf(text + at, sizeof text - (size_t)at, "\n  %s: %s", pointer ? pointer : "", why ? why : "");
  }
  enum status st = status == 404 ? ERR_NOTFOUND : status == 409 || status == 412 ? ERR_EXISTS : status == 429 ? ERR_LIMIT : status >= 500 ? ERR_IO : ERR_INVALID;
  return err_set(err, st, "%s", text);
}

enum status api_client_call(struct api_client *c, const char *method, const char *path, const json_t *body, json_t **ret, struct err *err) {
  char *text = body ? json_dumps(body, JSON_COMPACT) : NULL, *answer = NULL;
  if (body && !text) return err_set(err, ERR_NOMEM, "out of memory");
  char target[1024];
  snprintf(target, sizeof target, "/api/v1%s", path);
  int status = 0;
  const char *const fields[] = {"Perigee-Tenant", c->tenant, NULL};
  enum status st = c->local ? service_call_as(c->local, method, target, text, c->tenant[0] ? fields : NULL, &status, &answer, err)
                            : call_socket(c->socket, c->timeout_ms, c->tenant, method, target, text, &status, &answer, err);
  free(text);
  json_t *tree = NULL;
  if (st == OK && answer && *answer && !(tree = json_loads(answer, JSON_REJECT_DUPLICATES, NULL)))
    st = err_set(err, ERR_IO, "the service answered %d with something that is not JSON", status);
  free(answer);
  if (st == OK && status >= 400) st = problem(status, tree, err);
  if (st != OK) {
    json_decref(tree);
    return st;
  }
  *ret = tree;
  return OK;
}

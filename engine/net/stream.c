// net/stream.c – see stream.h.
#include "net/stream.h"

#include "base/wipe.h"
#include "crypto/secret.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READ_MAX 65536
#define CHUNK_MIN 4096
#define IOV_MAX_AT_ONCE 16
#define FLIGHT_MAX 262144

// Bytes that wait: a blob's from an offset on, or own ones.
struct stream_chunk {
  struct stream_chunk *next;
  struct blob *blob;
  size_t off, len, cap;
  char own[];
};

static void tls_on_send(void *arg, const char *bytes, size_t len);
static void tls_on_ready(void *arg);
static void tls_on_receive(void *arg, const char *bytes, size_t len);
static const struct tls_events tls_events = {.send = tls_on_send, .ready = tls_on_ready, .receive = tls_on_receive};

static void on_broken(struct loop_task *task);

static void stream_init(struct stream *s, struct loop *loop) {
  memset(s, 0, sizeof *s);
  s->loop = loop;
  s->broken.fn = on_broken;
}

void stream_init_tcp(struct stream *s, struct loop *loop) {
  stream_init(s, loop);
  int failed = uv_tcp_init(loop_uv(loop), &s->uv.tcp);
  assert(!failed);
  s->uv.handle.data = s;
}

void stream_init_pipe(struct stream *s, struct loop *loop) {
  stream_init(s, loop);
  int failed = uv_pipe_init(loop_uv(loop), &s->uv.pipe, 0);
  assert(!failed);
  s->uv.handle.data = s;
}

enum status stream_tls_server(struct stream *s, struct tls_server *tls, struct err *err) {
  return tls_session_create_server(tls, &tls_events, s, &s->tls, err);
}

enum status stream_tls_client(struct stream *s, struct tls_client *tls, const char *hostname, struct err *err) {
  return tls_session_create_client(tls, hostname, &tls_events, s, &s->tls, err);
}

// ---- ends ----

static void say_end(struct stream *s, const char *why) {
  if (s->closing || s->failed || (!why && s->ended)) return;
  s->ended = true;
  if (why) s->failed = true;
  s->events->on_end(s->arg, why);
}

static void finish_close(struct stream *s) {
  // Both the handle and the posted task must have let go.
  if (s->closed_uv && !s->broken.waiting && s->closed) s->closed(s);
}

static void on_broken(struct loop_task *task) {
  struct stream *s = (struct stream *)((char *)task - offsetof(struct stream, broken));
  if (s->closing) finish_close(s);
  else say_end(s, s->why);
}

// A write failed, perhaps inside somebody's call of stream_write: told on the next turn.
static void break_later(struct stream *s, const char *why) {
  if (s->why[0]) return;
  snprintf(s->why, sizeof s->why, "%s", why);
  loop_post_task(s->loop, &s->broken);
}

// ---- reading ----

static _Thread_local char read_buf[READ_MAX];  // a loop reads one stream at a time, and hands out the bytes at once

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  (void)handle, (void)suggested;
  *buf = uv_buf_init(read_buf, sizeof read_buf);
}

static void receive_tls(struct stream *s, const char *bytes, size_t len) {
  struct err err;
  enum status st = tls_receive(s->tls, bytes, len, &err);
  if (s->closing) return;
  if (st == ERR_CANCELLED) say_end(s, NULL);
  else if (st != OK) say_end(s, err.msg);
}

static void on_read(uv_stream_t *uv, ssize_t n, const uv_buf_t *buf) {
  struct stream *s = uv->data;
  if (n > 0) {
    if (s->tls) receive_tls(s, buf->base, (size_t)n);
    else s->events->on_data(s->arg, buf->base, (size_t)n);
    secret_wipe(buf->base, (size_t)n);  // may be gone: s
  } else if (n < 0) {
    s->reading = false;
    uv_read_stop(uv);
    // With TLS an end without close_notify may be an attacker's: not a proper end.
    const char *why = n != UV_EOF ? uv_strerror((int)n) : s->tls ? "closed without TLS close_notify" : NULL;
    say_end(s, why);
  }
}

static void tls_on_ready(void *arg) {
  struct stream *s = arg;
  if (!s->closing && s->events->on_ready) s->events->on_ready(s->arg);
}

static void tls_on_receive(void *arg, const char *bytes, size_t len) {
  struct stream *s = arg;
  if (!s->closing && !s->ended) s->events->on_data(s->arg, bytes, len);
}

void stream_start(struct stream *s, const struct stream_events *events, void *arg) {
  s->events = events;
  s->arg = arg;
  stream_read_resume(s);
  struct err err;
  if (s->tls && tls_start(s->tls, &err) != OK) break_later(s, err.msg);
}

enum status stream_tls_begin(struct stream *s, struct err *err) {
  return tls_start(s->tls, err);
}

void stream_read_pause(struct stream *s) {
  if (!s->reading) return;
  s->reading = false;
  uv_read_stop(&s->uv.stream);
}

void stream_read_resume(struct stream *s) {
  if (s->reading || s->closing || s->ended) return;
  int code = uv_read_start(&s->uv.stream, on_alloc, on_read);
  if (code) break_later(s, uv_strerror(code));
  else s->reading = true;
}

// ---- writing ----

static void shut_if_due(struct stream *s) {
  if (!s->shut_wanted || s->first || s->closing) return;
  if (s->tls && !s->tls_finished) {
    s->tls_finished = true;
    tls_finish(s->tls);
    if (s->first) return;
  }
  uv_os_fd_t fd;
  if (uv_fileno(&s->uv.handle, &fd) == 0) shutdown(fd, SHUT_WR);
}

// What was queued without TLS may hold passwords and tokens.
static void free_chunk(struct stream *s, struct stream_chunk *chunk) {
  blob_release(chunk->blob);
  if (s->tls) free(chunk);
  else wipe_free(chunk);
}

static void drop_queue(struct stream *s) {
  while (s->first) {
    struct stream_chunk *chunk = s->first;
    s->first = chunk->next;
    free_chunk(s, chunk);
  }
  s->last = NULL;
  s->queued = 0;
}

static void write_queue(struct stream *s);

static void on_written(uv_write_t *write, int status) {
  struct stream *s = write->data;
  size_t done = s->flying;
  s->flying = 0;
  if (status < 0) {
    drop_queue(s);
    if (!s->closing) break_later(s, uv_strerror(status));
    return;
  }
  s->queued -= done;
  s->drained += done;
  while (done > 0) {
    struct stream_chunk *chunk = s->first;
    size_t take = chunk->len < done ? chunk->len : done;
    chunk->off += take;
    chunk->len -= take;
    done -= take;
    if (chunk->len > 0) break;
    s->first = chunk->next;
    if (!s->first) s->last = NULL;
    free_chunk(s, chunk);
  }
  if (s->first) {
    write_queue(s);
    return;
  }
  s->drained = 0;
  if (s->closing) return;
  shut_if_due(s);
  if (!s->closing && s->events->on_drain) s->events->on_drain(s->arg);
}

// Hands the front of the queue to the kernel, as much as makes sense at once.
static void write_queue(struct stream *s) {
  uv_buf_t bufs[IOV_MAX_AT_ONCE];
  unsigned count = 0;
  size_t bytes = 0;
  for (struct stream_chunk *c = s->first; c && count < IOV_MAX_AT_ONCE && bytes < FLIGHT_MAX; c = c->next) {
    size_t take = c->len < FLIGHT_MAX - bytes ? c->len : FLIGHT_MAX - bytes;
    bufs[count++] = uv_buf_init((c->blob ? c->blob->data : c->own) + c->off, (unsigned)take);
    bytes += take;
  }
  s->flying = bytes;
  s->write.data = s;
  int code = uv_write(&s->write, &s->uv.stream, bufs, count, on_written);
  if (code == 0) {
    s->handed += bytes;
    return;
  }
  s->flying = 0;
  drop_queue(s);
  break_later(s, uv_strerror(code));
}

static bool add_chunk(struct stream *s, struct stream_chunk *chunk, size_t len) {
  if (!chunk) {
    break_later(s, "out of memory");
    return false;
  }
  chunk->len = len;
  if (s->last) s->last->next = chunk;
  else s->first = chunk;
  s->last = chunk;
  s->queued += len;
  return true;
}

static bool queue_bytes(struct stream *s, const char *bytes, size_t len) {
  struct stream_chunk *last = s->last;
  if (last && !last->blob) {  // room behind the last one; growing it does not disturb what is in flight
    size_t end = last->off + last->len, take = last->cap - end < len ? last->cap - end : len;
    memcpy(last->own + end, bytes, take);
    last->len += take;
    s->queued += take;
    bytes += take;
    len -= take;
    if (len == 0) return true;
  }
  size_t cap = len < CHUNK_MIN ? CHUNK_MIN : len;
  struct stream_chunk *chunk = malloc(sizeof *chunk + cap);
  if (chunk) {
    *chunk = (struct stream_chunk){.cap = cap};
    memcpy(chunk->own, bytes, len);
  }
  return add_chunk(s, chunk, len);
}

// How much the kernel took at once; -1: broken.
static ssize_t try_write(struct stream *s, const char *bytes, size_t len) {
  if (s->first) return 0;
  uv_buf_t buf = uv_buf_init((char *)bytes, (unsigned)len);
  int n = uv_try_write(&s->uv.stream, &buf, 1);
  if (n >= 0) {
    s->handed += (uint64_t)n;
    return n;
  }
  if (n == UV_EAGAIN) return 0;
  break_later(s, uv_strerror(n));
  return -1;
}

static bool write_raw(struct stream *s, const char *bytes, size_t len) {
  ssize_t n = try_write(s, bytes, len);
  if (n < 0) return false;
  if ((size_t)n == len) return true;
  bool waiting = s->first != NULL;
  if (!queue_bytes(s, bytes + n, len - (size_t)n)) return false;
  if (!waiting) write_queue(s);
  return true;
}

static void tls_on_send(void *arg, const char *bytes, size_t len) {
  struct stream *s = arg;
  if (!s->closing && !s->why[0]) write_raw(s, bytes, len);
}

static bool can_write(const struct stream *s) {
  return !s->closing && !s->shut_wanted && !s->why[0];
}

bool stream_write(struct stream *s, const void *bytes, size_t len) {
  if (!can_write(s)) return false;
  if (len == 0) return true;
  if (!s->tls) return write_raw(s, bytes, len);
  struct err err;
  if (tls_send(s->tls, bytes, len, &err) == OK) return true;
  break_later(s, err.msg);
  return false;
}

bool stream_write_blob(struct stream *s, struct blob *blob, size_t offset) {
  assert(offset <= blob->len);
  if (s->tls || blob->len - offset < CHUNK_MIN / 4) return stream_write(s, blob->data + offset, blob->len - offset);
  if (!can_write(s)) return false;
  ssize_t n = try_write(s, blob->data + offset, blob->len - offset);
  if (n < 0) return false;
  offset += (size_t)n;
  if (offset == blob->len) return true;
  bool waiting = s->first != NULL;
  struct stream_chunk *chunk = malloc(sizeof *chunk);
  if (chunk) *chunk = (struct stream_chunk){.blob = blob_retain(blob), .off = offset};
  if (!add_chunk(s, chunk, blob->len - offset)) return false;
  if (!waiting) write_queue(s);
  return true;
}

bool stream_quiet(const struct stream *s) {
  uv_os_fd_t fd;
  char byte;
  if (s->closing || s->ended || s->failed || s->why[0] || uv_fileno(&s->uv.handle, &fd) != 0) return false;
  ssize_t n;
  do n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

uint64_t stream_drained(const struct stream *s) {
  if (s->flying == 0) return s->drained;
  size_t left = uv_stream_get_write_queue_size(&s->uv.stream);
  return s->drained + (s->flying > left ? s->flying - left : 0);
}

void stream_shutdown(struct stream *s) {
  if (!can_write(s)) return;
  s->shut_wanted = true;
  shut_if_due(s);
}

static void on_uv_closed(uv_handle_t *handle) {
  struct stream *s = handle->data;
  drop_queue(s);
  tls_session_destroy(s->tls);
  s->tls = NULL;
  s->closed_uv = true;
  finish_close(s);
}

void stream_close(struct stream *s, void (*closed)(struct stream *s)) {
  assert(!s->closing);
  s->closing = true;
  s->closed = closed;
  if (!uv_is_closing(&s->uv.handle)) uv_close(&s->uv.handle, on_uv_closed);
}

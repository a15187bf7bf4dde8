// net/stream.h – bytes over TCP or a unix socket, with or without TLS: what HTTP, WebSocket and SMTP stand on. Inside net/.
//
// Writing never fails for want of room: what the kernel does not take at once waits in a queue, and whoever writes looks at
// stream_queued and stops or drops. Nothing calls back from within a write: errors come later, as on_end.
#pragma once
#include "base/status.h"
#include "loop/loop.h"
#include "net/blob.h"
#include "net/tls.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

struct stream;
struct stream_events {
  void (*on_data)(void *arg, const char *bytes, size_t len);  // plaintext; valid during the call
  // The other side has sent its last byte (why NULL; writing may go on), or the connection broke (why says how). At most
  // once each, nothing after the latter.
  void (*on_end)(void *arg, const char *why);
  void (*on_ready)(void *arg);  // the TLS handshake is done (NULL if not needed)
  void (*on_drain)(void *arg);  // the queue ran empty after having waited
};

struct stream_chunk;

struct stream {
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } uv;
  struct loop *loop;
  const struct stream_events *events;
  void *arg;
  struct tls_session *tls;
  struct stream_chunk *first, *last;  // not yet written
  size_t queued;                      // bytes of them
  size_t flying;                      // bytes of the front that libuv has
  uint64_t drained;                   // bytes written since the queue was last empty
  uint64_t handed;                    // bytes that the kernel has or may have taken, ever; with TLS: of ciphertext
  uv_write_t write;
  struct loop_task broken;            // says on_end after a failed write
  void (*closed)(struct stream *s);
  char why[96];
  bool reading, closing, closed_uv, ended, failed, shut_wanted, tls_finished;
};

void stream_init_tcp(struct stream *s, struct loop *loop);
void stream_init_pipe(struct stream *s, struct loop *loop);
// After the handle is connected or accepted. events stay valid for the stream's life.
void stream_start(struct stream *s, const struct stream_events *events, void *arg);
// Before stream_start; the session is the stream's from then on. For servers, resp. clients that verify `hostname`.
enum status stream_tls_server(struct stream *s, struct tls_server *tls, struct err *err) MUST_CHECK;
enum status stream_tls_client(struct stream *s, struct tls_client *tls, const char *hostname, struct err *err) MUST_CHECK;
// A stream that has started in plain goes on with TLS: after stream_tls_client.
enum status stream_tls_begin(struct stream *s, struct err *err) MUST_CHECK;

void stream_read_pause(struct stream *s);
void stream_read_resume(struct stream *s);

// false once the stream is closing or broken.
bool stream_write(struct stream *s, const void *bytes, size_t len);
// As above without a copy where there is no TLS.
bool stream_write_blob(struct stream *s, struct blob *blob, size_t offset);
static inline size_t stream_queued(const struct stream *s) {
  return s->queued;
}
// Bytes handed to the kernel, ever (those that libuv has count: the kernel may have taken them). Unchanged over a write: not one
// byte of it has left.
static inline uint64_t stream_handed(const struct stream *s) {
  return s->handed;
}
// Nothing has come that was not read yet, no end either: asks the kernel.
bool stream_quiet(const struct stream *s);
// A write failed; on_end follows.
static inline bool stream_broken(const struct stream *s) {
  return s->why[0] != '\0';
}
// Bytes the kernel took since the queue was last empty: whether a slow reader reads at all.
uint64_t stream_drained(const struct stream *s);
// No more is written: tells the other side once the queue is empty. Reading goes on.
void stream_shutdown(struct stream *s);
// Drops the queue; no more events. closed(s) once the memory may be freed or reused, never before this returns.
void stream_close(struct stream *s, void (*closed)(struct stream *s));

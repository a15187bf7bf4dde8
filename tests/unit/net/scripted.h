// tests/unit/net/scripted.h – a server made of raw bytes, on the test's own loop: it keeps what each connection said and does what
// the test's on_bytes tells it, whole, in halves, or cutting the wire. For clients that must survive anything.
#pragma once
#include "loop/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEERS_MAX 64
#define PEER_IN_MAX 262144

struct peer {
  struct scripted *server;
  struct loop_watch *watch;
  int fd;           // -1: closed
  unsigned number;  // of its accept, from 0
  size_t len, seen; // seen: what the test has dealt with
  char *in;
};

struct scripted {
  struct loop *loop;
  struct loop_watch *watch;
  int fd;
  uint16_t port;
  unsigned accepted;
  struct peer peers[PEERS_MAX];
  void (*on_bytes)(struct scripted *s, struct peer *p);  // something came; NULL: nothing is ever said
  const char *greet;                                     // said at once, before anything was asked; may be NULL
  void *arg;
};

static void peer_close(struct peer *p) {
  if (p->fd < 0) return;
  loop_watch_destroy(p->watch);
  close(p->fd);
  p->fd = -1;
}

// With a reset, as of a process that died with unread bytes.
static inline void peer_reset(struct peer *p) {
  const struct linger hard = {.l_onoff = 1};
  if (p->fd >= 0) setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  peer_close(p);
}

static inline void peer_send(struct peer *p, const void *bytes, size_t len) {
  for (const char *at = bytes; len > 0 && p->fd >= 0;) {
    ssize_t n = send(p->fd, at, len, MSG_NOSIGNAL);
    if (n <= 0) {
      if (n < 0 && errno == EAGAIN) continue;
      return;
    }
    at += n;
    len -= (size_t)n;
  }
}

static inline void peer_say(struct peer *p, const char *text) {
  peer_send(p, text, strlen(text));
}

static void peer_ready(void *arg, unsigned events) {
  struct peer *p = arg;
  (void)events;
  for (;;) {
    if (PEER_IN_MAX - 1 - p->len == 0) abort();
    ssize_t n = recv(p->fd, p->in + p->len, PEER_IN_MAX - 1 - p->len, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
      peer_close(p);
      return;
    }
    p->len += (size_t)n;
    p->in[p->len] = '\0';
    if (p->server->on_bytes) p->server->on_bytes(p->server, p);
    if (p->fd < 0) return;
  }
}

static void scripted_ready(void *arg, unsigned events) {
  struct scripted *s = arg;
  struct err err;
  (void)events;
  for (;;) {
    int fd = accept(s->fd, NULL, NULL);
    if (fd < 0) return;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    struct peer *p = NULL;
    for (unsigned i = 0; i < PEERS_MAX && !p; i++) {
      if (s->peers[i].fd < 0) p = &s->peers[i];
    }
    if (!p) abort();
    if (!p->in) p->in = malloc(PEER_IN_MAX);
    p->server = s;
    p->fd = fd;
    p->len = p->seen = 0;
    p->number = s->accepted++;
    if (loop_watch_create(s->loop, fd, peer_ready, p, &p->watch, &err) != OK) abort();
    loop_watch_set(p->watch, LOOP_READABLE);
    if (s->greet) peer_say(p, s->greet);
  }
}

static void scripted_start(struct scripted *s, struct loop *on) {
  struct err err;
  signal(SIGPIPE, SIG_IGN);  // as the engine does
  memset(s, 0, sizeof *s);
  for (unsigned i = 0; i < PEERS_MAX; i++) s->peers[i].fd = -1;
  s->loop = on;
  s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof at;
  if (bind(s->fd, (struct sockaddr *)&at, len) || listen(s->fd, 64) || getsockname(s->fd, (struct sockaddr *)&at, &len)) abort();
  s->port = ntohs(at.sin_port);
  if (loop_watch_create(on, s->fd, scripted_ready, s, &s->watch, &err) != OK) abort();
  loop_watch_set(s->watch, LOOP_READABLE);
}

static void scripted_stop(struct scripted *s) {
  for (unsigned i = 0; i < PEERS_MAX; i++) {
    peer_close(&s->peers[i]);
    free(s->peers[i].in);
  }
  loop_watch_destroy(s->watch);
  close(s->fd);
}

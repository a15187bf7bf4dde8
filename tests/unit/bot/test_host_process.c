// tests/unit/bot/test_host_process.c – the real host in its jail: three shipped strategies over 2,000 bars through a socket; it is killed at
// half of them and replaced; hostile scripts take nobody with them; nonsense ends it with a word.
#include "bot/host_word.h"
#include "host_core.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define BARS 2000
static const char *const shipped[] = {"strategies/sma_cross.lua", "strategies/ema_dca.lua", "strategies/grid.lua"};
#define SHIPPED 3

struct host {
  pid_t pid;
  int fd;
  const struct host_word *word;
  struct buf to, from;
};

static void host_start(struct host *h, int stderr_fd) {
  struct err err;
  int pair[2], word_fd;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  core_must(host_word_create(&h->word, &word_fd, &err), &err);
  const char *exe = getenv("PERIGEE_EXE");
  assert_non_null(exe);
  h->pid = fork();
  assert_true(h->pid >= 0);
  if (h->pid == 0) {
    // Away from 3 and 4 first, so that none lands on another.
    int socket_fd = dup2(pair[1], 20), word = dup2(word_fd, 21);
    if (socket_fd < 0 || word < 0 || (stderr_fd >= 0 && dup2(stderr_fd, 2) < 0) || dup2(socket_fd, HOST_SOCKET_FD) < 0 || dup2(word, HOST_WORD_FD) < 0) _exit(126);
    execl(exe, "perigee", "host", "--live", (char *)NULL);
    _exit(127);
  }
  close(pair[1]);
  close(word_fd);
  h->fd = pair[0];
  buf_init(&h->to, 64 << 20);
  buf_init(&h->from, 64 << 20);
}

// The exit status. An orderly end: the socket is closed first.
static int host_end(struct host *h, bool kill_it) {
  int status = 0;
  if (kill_it) kill(h->pid, SIGKILL);
  else close(h->fd);
  assert_int_equal(waitpid(h->pid, &status, 0), h->pid);
  if (kill_it) close(h->fd);
  host_word_unmap(h->word);
  buf_finish(&h->to);
  buf_finish(&h->from);
  return status;
}

static void send_it(struct host *h) {
  for (size_t at = 0; at < h->to.len;) {
    ssize_t n = write(h->fd, h->to.data + at, h->to.len - at);
    if (n < 0 && errno == EINTR) continue;
    assert_true(n > 0);
    at += (size_t)n;
  }
  buf_clear(&h->to);
}

static void receive(struct host *h, struct core *c) {
  char bytes[65536];
  ssize_t n;
  do n = read(h->fd, bytes, sizeof bytes);
  while (n < 0 && errno == EINTR);
  if (n <= 0) fail_msg("the host has gone");
  buf_add(&h->from, bytes, (size_t)n);
  size_t used = core_take(c, h->from.data, h->from.len);
  memmove(h->from.data, h->from.data + used, h->from.len - used);
  h->from.len -= used;
}

static void fence(struct host *h, struct core *c) {
  static uint64_t token;
  wire_put_ping(&h->to, ++token);
  send_it(h);
  while (c->pong != token) receive(h, c);
}

static void open_all(struct host *h, struct core *c) {
  core_put_hello(c, &h->to);
  for (int i = 0; i < c->bot_count; i++) core_put_open(c, &c->bots[i], &h->to);
  fence(h, c);
  for (int i = 0; i < c->bot_count; i++)
    if (!c->bots[i].opened) fail_msg("bot %d: %s", i + 1, c->bots[i].fault_text);
}

static void instants(struct host *h, struct core *c, size_t n) {
  for (size_t i = 0; i < n; i++) {
    core_put_instant(c, &h->to);
    send_it(h);
    int64_t now_ns = c->data.bars[c->shown - 1].open_ns + NS_PER_MINUTE;
    while (c->done_ns != now_ns) receive(h, c);
    core_end(c);
  }
}

static void same_hashes(struct host *h, struct core *c) {
  char want[SHA256_HEX_SIZE];
  for (int i = 0; i < c->bot_count; i++) wire_put_digest(&h->to, c->bots[i].id);
  fence(h, c);
  for (int i = 0; i < c->bot_count; i++) {
    if (c->bots[i].gone) continue;
    core_hash(&c->bots[i], want);
    assert_string_equal(c->bots[i].hash, want);
  }
}

static void run(size_t kill_at, char ret_hashes[SHIPPED][SHA256_HEX_SIZE]) {
  struct core c;
  struct host h;
  core_init(&c, BARS);
  for (int i = 0; i < SHIPPED; i++) core_bot_add(&c, (uint64_t)i + 1, shipped[i]);
  host_start(&h, -1);
  open_all(&h, &c);
  instants(&h, &c, kill_at ? kill_at : BARS);
  if (kill_at) {
    // It dies with an instant half done, which the books have not kept.
    int status = host_end(&h, true);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    host_start(&h, -1);
    open_all(&h, &c);
    for (int i = 0; i < SHIPPED; i++) {
      char want[SHA256_HEX_SIZE];
      core_hash(&c.bots[i], want);
      assert_string_equal(c.bots[i].as_opened.hash, want);
    }
    instants(&h, &c, BARS - kill_at);
  }
  same_hashes(&h, &c);
  for (int i = 0; i < SHIPPED; i++) {
    core_hash(&c.bots[i], ret_hashes[i]);
    assert_true(c.bots[i].commands > 20 && c.bots[i].faults == 0);
  }
  assert_int_equal(host_word_get(h.word), 0);
  assert_true(host_word_turns(h.word) > BARS);
  assert_int_equal(host_end(&h, false), 0);
  core_finish(&c);
}

static void killed_at_half_it_ends_the_same(void **state) {
  (void)state;
  char whole[SHIPPED][SHA256_HEX_SIZE], halved[SHIPPED][SHA256_HEX_SIZE];
  run(0, whole);
  run(BARS / 2, halved);
  for (int i = 0; i < SHIPPED; i++) assert_string_equal(whole[i], halved[i]);
}

#define HEAD "strategy{ name='t', api=1 }\n"
static void hostile_scripts_go_alone(void **state) {
  (void)state;
  struct core c;
  struct host h;
  core_init(&c, 40);
  core_bot_add(&c, 1, HEAD "local n = 0\nfunction on_bar(ctx) n = n + 1; if n == 20 then while true do end end end");
  core_bot_add(&c, 2, HEAD "local t = {}\nfunction on_bar(ctx) while true do pcall(function() t[#t+1] = string.rep('x', 10000 + #t) end) end end");
  core_bot_add(&c, 3, HEAD "function on_bar(ctx) local s = string.rep('a', 30); return s:find(string.rep('a?', 30) .. s) end");
  core_bot_add(&c, 4, HEAD "function on_bar(ctx) for i = 1, 1e9 do ctx:log('info', 'spam') end end");
  core_bot_add(&c, 5, "strategies/grid.lua");
  for (int i = 0; i < 4; i++) c.bots[i].limits.callback_cpu_ns = 10 * NS_PER_MS;
  host_start(&h, -1);
  open_all(&h, &c);
  instants(&h, &c, 40);
  assert_true(c.bots[0].gone && c.bots[0].fault == ERR_BUDGET && c.bots[1].gone && c.bots[1].fault == ERR_BUDGET);
  assert_true(c.bots[2].gone && c.bots[3].gone && c.bots[3].logs <= 101);
  assert_true(!c.bots[4].gone && c.bots[4].faults == 0 && c.bots[4].commands > 0);
  same_hashes(&h, &c);
  assert_int_equal(host_end(&h, false), 0);
  core_finish(&c);
}

static void nonsense_ends_it_with_a_word(void **state) {
  (void)state;
  struct host h;
  int words[2];
  char text[200] = "";
  assert_int_equal(pipe(words), 0);
  host_start(&h, words[1]);
  close(words[1]);
  buf_add(&h.to, "\x01\0\0\0\xee\0", 6);
  send_it(&h);
  char hello[64];
  while (read(h.fd, hello, sizeof hello) > 0) {}
  int status = host_end(&h, false);
  assert_int_equal(status, 1 << 8);
  assert_true(read(words[0], text, sizeof text - 1) > 0);
  assert_non_null(strstr(text, "perigee host: a frame of the unknown type 238"));
  close(words[0]);
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(killed_at_half_it_ends_the_same),
      cmocka_unit_test(hostile_scripts_go_alone),
      cmocka_unit_test(nonsense_ends_it_with_a_word),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

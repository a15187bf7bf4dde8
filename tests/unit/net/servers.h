// tests/unit/net/servers.h – a server on three ports (plain, TLS for "localhost", TLS for another name), clients that trust it or
// somebody else, and the loop they share: group setup and teardown of the tests that talk to it.
#pragma once
#include "loop/loop.h"
#include "net/http_server.h"
#include "net/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct err err;
static struct loop *loop;
static struct http_server *server;
static struct tls_client *trusting, *distrusting;
static uint16_t plain_port, good_port, other_port;

static void on_request(void *arg, struct http_request *req);  // each test's own

static const char *fixture(const char *name) {
  static char path[2][4096];
  static unsigned turn;
  const char *root = getenv("PERIGEE_ROOT");
  char *to = path[turn++ % 2];
  snprintf(to, sizeof path[0], "%s/tests/fixtures/tls/%s", root && *root ? root : ".", name);
  return to;
}

static void listen_tls(const char *cert, const char *key, uint16_t *ret_port) {
  struct tls_server *tls;
  assert_int_equal(tls_server_create(fixture(cert), fixture(key), &tls, &err), OK);
  assert_int_equal(http_server_listen(server, "127.0.0.1:0", tls, ret_port, &err), OK);
  tls_server_release(tls);
}

static int setup(void **state) {
  (void)state;
  const struct http_handler handler = {.on_request = on_request};
  assert_int_equal(loop_create(&loop, NULL, &err), OK);
  assert_int_equal(http_server_create(loop, &handler, NULL, NULL, &server, &err), OK);
  assert_int_equal(http_server_listen(server, "127.0.0.1:0", NULL, &plain_port, &err), OK);
  listen_tls("localhost.pem", "localhost.key", &good_port);
  listen_tls("other.example.pem", "other.example.key", &other_port);
  assert_int_equal(tls_client_create(fixture("ca.pem"), &trusting, &err), OK);
  assert_int_equal(tls_client_create(fixture("other.example.pem"), &distrusting, &err), OK);
  return 0;
}

static void on_stopped(void *arg) {
  (void)arg;
  loop_stop(loop);
}

static int teardown(void **state) {
  (void)state;
  http_server_stop(server, 100, on_stopped, NULL);
  loop_run(loop);
  http_server_destroy(server);
  loop_destroy(loop);
  tls_client_release(trusting);
  tls_client_release(distrusting);
  return 0;
}

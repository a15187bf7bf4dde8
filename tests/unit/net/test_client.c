// Outgoing connections: a certificate for another name is refused, TLS without a name cannot be, customers' addresses lead
// nowhere inside.
#include "net/client.h"
#include "servers.h"

static void on_request(void *arg, struct http_request *req) {
  (void)arg;
  http_reply(req, 200, "text/plain", "hello", 5);
}

static struct client *client;
static unsigned opened, closed;
static char heard[1024], why_closed[256];

static void on_open(void *arg) {
  (void)arg;
  opened++;
  static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  assert_true(client_write(client, request, sizeof request - 1));
}

static void on_data(void *arg, const char *bytes, size_t len) {
  (void)arg;
  snprintf(heard + strlen(heard), sizeof heard - strlen(heard), "%.*s", (int)len, bytes);
}

static void on_close(void *arg, const char *why) {
  (void)arg;
  closed++;
  snprintf(why_closed, sizeof why_closed, "%s", why ? why : "");
  loop_stop(loop);
}

// Asks once; the reason why the connection closed ("" for a proper end).
static const char *ask(const char *host, uint16_t port, struct tls_client *tls, bool public_only) {
  static const struct client_events events = {.on_open = on_open, .on_data = on_data, .on_close = on_close};
  opened = closed = 0;
  heard[0] = why_closed[0] = '\0';
  assert_int_equal(client_open(loop, &(struct client_options){.host = host, .port = port, .tls = tls, .public_only = public_only},
    &events, NULL, &client, &err), OK);
  assert_int_equal(opened + closed, 0);
  loop_run(loop);
  assert_int_equal(closed, 1);
  client_destroy(client);
  return why_closed;
}

static void test_answers(void **state) {
  (void)state;
  assert_string_equal(ask("127.0.0.1", plain_port, NULL, false), "");
  assert_non_null(strstr(heard, "hello"));
  assert_string_equal(ask("localhost", good_port, trusting, false), "");
  assert_non_null(strstr(heard, "hello"));
}

static void test_certificates(void **state) {
  (void)state;
  assert_non_null(strstr(ask("localhost", other_port, trusting, false), "certificate refused"));  // for another name
  assert_int_equal(opened, 0);
  assert_non_null(strstr(ask("127.0.0.1", good_port, trusting, false), "certificate refused"));   // for a name, not an address
  assert_non_null(strstr(ask("localhost", good_port, distrusting, false), "certificate refused"));  // signed by a stranger
  assert_int_equal(opened, 0);
  assert_string_not_equal(ask("localhost", plain_port, trusting, false), "");
  assert_int_equal(opened, 0);
  assert_string_equal(heard, "");
}

static void test_no_name_no_tls(void **state) {
  (void)state;
  struct tls_session *session = NULL;
  static const struct tls_events none = {0};
  assert_int_equal(tls_session_create_client(trusting, NULL, &none, NULL, &session, &err), ERR_INVALID);
  assert_int_equal(tls_session_create_client(trusting, "", &none, NULL, &session, &err), ERR_INVALID);
  assert_null(session);
}

static void test_public_only(void **state) {
  (void)state;
  static const char *const inside[] = {"127.0.0.1", "localhost", "::1", "::ffff:127.0.0.1", "169.254.169.254", "10.0.0.1", "0.0.0.0"};
  for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
    assert_string_equal(ask(inside[i], plain_port, NULL, true), "the address is not a public one");
    assert_int_equal(opened, 0);
  }
}

static void test_nobody_there(void **state) {
  (void)state;
  assert_non_null(strstr(ask("127.0.0.1", 1, NULL, false), "refused"));
  struct client *none;
  static const struct client_events events = {.on_open = on_open, .on_data = on_data, .on_close = on_close};
  static const char *const bad[] = {"", "a b", "a/b", "a\r\nb", "u@h"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(client_open(loop, &(struct client_options){.host = bad[i], .port = 1}, &events, NULL, &none, &err), ERR_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_answers),     cmocka_unit_test(test_certificates), cmocka_unit_test(test_no_name_no_tls),
    cmocka_unit_test(test_public_only), cmocka_unit_test(test_nobody_there),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}

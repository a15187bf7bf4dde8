// What requests carry – keys, tokens, passwords – is overwritten before its memory goes back: every block that is freed or moved
// is searched for a mark. And a request that cannot be written ends at once. malloc's functions and client_write are wrapped by the
// linker.
#include "net/client.h"
#include "net/http_client.h"
#include "servers.h"

#include <malloc.h>

#define MARK "k3y-of-s0mebody"
#define BODY_BYTES 300000

static volatile unsigned left_behind;  // blocks given back with the mark in them; volatile: compilers know that free changes nothing
static bool refuse_writes;
static char body[BODY_BYTES];

void __real_free(void *p);
void *__real_realloc(void *p, size_t size);
bool __real_client_write(struct client *client, const void *bytes, size_t len);
void __wrap_free(void *p);
void *__wrap_realloc(void *p, size_t size);
bool __wrap_client_write(struct client *client, const void *bytes, size_t len);

static void inspect(void *p) {
  if (p && memmem(p, malloc_usable_size(p), MARK, strlen(MARK))) left_behind++;
}

void __wrap_free(void *p) {
  inspect(p);
  __real_free(p);
}

// A block may move, and the old one is not ours any more.
void *__wrap_realloc(void *p, size_t size) {
  inspect(p);
  return __real_realloc(p, size);
}

bool __wrap_client_write(struct client *client, const void *bytes, size_t len) {
  return !refuse_writes && __real_client_write(client, bytes, len);
}

static size_t heard_len;
static struct http_request *late;

static void answer_later(struct loop_task *task) {
  (void)task;
  http_reply(late, 200, NULL, NULL, 0);
}

static void on_request(void *arg, struct http_request *req) {
  static struct loop_task task = {.fn = answer_later};
  (void)arg;
  if (strcmp(req->path, "/later") == 0) {
    late = req;
    loop_post_task(loop, &task);
    return;
  }
  heard_len = req->body_len;
  char cookie[3000];
  snprintf(cookie, sizeof cookie, "%2900s" MARK, "");
  memset(cookie, 'c', 2900);
  http_reply_field(req, "Set-Cookie", cookie);  // longer than the room that an exchange has for fields
  http_reply(req, 200, "text/plain", MARK, strlen(MARK));  // answers hold tokens, too
}

static unsigned calls;
static char why_not[256];

static void done(void *arg, const struct http_client_answer *answer, const char *why) {
  (void)arg;
  calls++;
  snprintf(why_not, sizeof why_not, "%s", why ? why : "");
  assert_true(why || strcmp(answer->body, MARK) == 0);
}

static void post(const char *scheme, uint16_t port, size_t body_len) {
  char url[64];
  snprintf(url, sizeof url, "%s://localhost:%u/", scheme, port);
  for (size_t at = 0; at + strlen(MARK) <= sizeof body; at += 100) memcpy(body + at, MARK, strlen(MARK));
  const struct http_client_field field = {"Authorization", "Bearer " MARK};
  const struct http_client_request q = {.method = "POST", .url = url, .fields = &field, .field_count = 1, .body = body, .body_len = body_len,
    .tls = trusting, .plain_allowed = true};
  calls = left_behind = 0;
  assert_int_equal(http_client_send(loop, &q, done, NULL, NULL, &err), OK);
  while (calls == 0) loop_turn(loop, true);
  for (int i = 0; i < 5; i++) loop_turn(loop, false);
  assert_int_equal(calls, 1);
}

static void the_search_finds(void **state) {
  (void)state;
  left_behind = 0;
  char *volatile marked = strdup("x " MARK), *volatile unmarked = strdup("nothing");  // volatile: or both are left out
  free(marked);
  free(unmarked);
  assert_int_equal(left_behind, 1);
}

static void small_requests(void **state) {
  (void)state;
  post("https", good_port, 50);
  assert_string_equal(why_not, "");
  assert_int_equal(left_behind, 0);
  post("http", plain_port, 50);
  assert_string_equal(why_not, "");
  assert_int_equal(left_behind, 0);
}

static void a_request_that_cannot_be_written(void **state) {
  (void)state;
  refuse_writes = true;
  post("http", plain_port, 50);
  assert_non_null(strstr(why_not, "before the request was sent"));
  post("https", good_port, 50);
  assert_non_null(strstr(why_not, "before the request was sent"));
  refuse_writes = false;
  assert_int_equal(left_behind, 0);
}

static void large_bodies(void **state) {
  (void)state;
  post("http", plain_port, sizeof body);
  assert_string_equal(why_not, "");
  assert_int_equal(heard_len, sizeof body);
  assert_int_equal(left_behind, 0);
  post("https", good_port, sizeof body);
  assert_int_equal(heard_len, sizeof body);
  assert_int_equal(left_behind, 0);
}

static struct client *raw;

static void on_open(void *arg) { assert_true(__real_client_write(raw, arg, strlen(arg))); }

static void on_data(void *arg, const char *bytes, size_t len) { (void)arg, (void)bytes, (void)len; }

static void on_close(void *arg, const char *why) {
  (void)arg, (void)why;
  calls++;
}

// Sends the text as it is, and waits until the server ends the connection.
static void say(char *text) {
  static const struct client_events events = {.on_open = on_open, .on_data = on_data, .on_close = on_close};
  const struct client_options options = {.host = "127.0.0.1", .port = plain_port};
  calls = left_behind = 0;
  assert_int_equal(client_open(loop, &options, &events, text, &raw, &err), OK);
  while (calls == 0) loop_turn(loop, true);
  client_destroy(raw);
  for (int i = 0; i < 5; i++) loop_turn(loop, false);
}

// A body without a known length grows out of the room behind its head; what was there stays in the exchange, which lies unused.
static void chunked_bodies(void **state) {
  (void)state;
  static char text[40000];
  size_t n = (size_t)sprintf(text, "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 1000; i++) n += (size_t)sprintf(text + n, "%zx\r\n%s\r\n", strlen(MARK), MARK);
  sprintf(text + n, "0\r\n\r\n");
  say(text);
  assert_int_equal(heard_len, 1000 * strlen(MARK));
  assert_int_equal(left_behind, 0);
}

// Requests behind one that is not yet answered wait in memory of their own.
static void requests_read_ahead(void **state) {
  (void)state;
  static char text[4000];
  size_t n = (size_t)sprintf(text, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
  for (int i = 0; i < 3; i++) n += (size_t)sprintf(text + n, "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n%s\r\n", MARK, i == 2 ? "Connection: close\r\n" : "");
  say(text);
  assert_int_equal(left_behind, 0);
}

// Exchanges that were used wait for their next request: they are freed with the server.
static int teardown_and_inspect(void **state) {
  left_behind = 0;
  const int code = teardown(state);
  return left_behind ? -1 : code;
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_search_finds), cmocka_unit_test(small_requests), cmocka_unit_test(a_request_that_cannot_be_written),
    cmocka_unit_test(large_bodies),     cmocka_unit_test(chunked_bodies), cmocka_unit_test(requests_read_ahead),
  };
  return cmocka_run_group_tests(tests, setup, teardown_and_inspect);
}

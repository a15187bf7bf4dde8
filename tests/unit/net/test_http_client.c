// Requests to others: URLs, answers in any pieces, servers that lie about lengths or never end, names that lead inside.
#include "net/http_answer.h"
#include "servers.h"

// ---- URLs ----

static void urls(void **state) {
  (void)state;
  struct http_url u;
  assert_int_equal(http_url_parse("https://hooks.example.org/a/b?c=d&e=%20", &u, &err), OK);
  assert_true(u.tls && u.port == 443 && !u.v6);
  assert_string_equal(u.host, "hooks.example.org");
  assert_string_equal(u.target, "/a/b?c=d&e=%20");
  assert_int_equal(http_url_parse("HTTP://[2001:db8::1]:8080?x", &u, &err), OK);
  assert_true(!u.tls && u.port == 8080 && u.v6);
  assert_string_equal(u.host, "2001:db8::1");
  assert_string_equal(u.target, "?x");
  assert_int_equal(http_url_parse("https://a", &u, &err), OK);
  assert_string_equal(u.target, "");
  static const char *const bad[] = {"", "ftp://a/", "//a/", "https:/a", "https://", "https:///x", "https://:443/", "https://a:0/", "https://a:65536/", "https://a:x/",
    "https://a:-1/", "https://u@a/", "https://u:p@a/", "https://a@b@c/", "https://a/b c", "https://a/\r\nX: y", "https://a/#f", "https://a\\b/", "https://[::1/",
    "https://[a]/", "https://[127.0.0.1]/", "https://a[b/", "https://\xc3\xa4/", "https://a/\"", "https://a%2eb/", "javascript:alert(1)"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    if (http_url_parse(bad[i], &u, &err) != ERR_INVALID) fail_msg("accepted: %s", bad[i]);
  }
  char wide[HTTP_CLIENT_URL_MAX + 2] = "https://a/";
  memset(wide + 10, 'x', sizeof wide - 11);
  assert_int_equal(http_url_parse(wide, &u, &err), ERR_INVALID);
}

// ---- answers ----

static struct http_answer_reader reader;
static struct http_client_field fields[HTTP_CLIENT_FIELDS_MAX];
static struct http_client_answer answer;

static enum http_answer_state feed(const char *bytes, size_t piece, bool head_only) {
  http_answer_finish(&reader);
  http_answer_init(&reader, head_only, 1000);
  enum http_answer_state state = HTTP_ANSWER_MORE;
  for (size_t at = 0, len = strlen(bytes); at < len && state == HTTP_ANSWER_MORE; at += piece)
    state = http_answer_feed(&reader, bytes + at, len - at < piece ? len - at : piece);
  if (state == HTTP_ANSWER_MORE) state = http_answer_end(&reader);
  if (state == HTTP_ANSWER_WHOLE) http_answer_get(&reader, fields, &answer);
  return state;
}

static void good_answers(void **state) {
  (void)state;
  static const struct { const char *bytes; int status; const char *body, *x; } table[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b  \r\n\r\nhello", 200, "hello", "b"},
    {"HTTP/1.1 200 OK\r\nX-A:\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", 200, "hello", ""},
    {"HTTP/1.1 200 OK\r\n\r\nuntil the end", 200, "until the end", NULL},
    {"HTTP/1.0 200 OK\r\nX-A: 1\r\nX-A: 2\r\n\r\nold", 200, "old", "1"},
    {"HTTP/1.1 204 No Content\r\n\r\n", 204, "", NULL},
    {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", 302, "", NULL},
    {"HTTP/1.1 100 Continue\r\nX-A: early\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\nX-A: late\r\n\r\nok", 201, "ok", "late"},
    {"HTTP/1.1 500\r\nContent-Length: 0\r\n\r\n", 500, "", NULL},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    for (size_t piece = 1; piece < 40; piece++) {
      if (feed(table[i].bytes, piece, false) != HTTP_ANSWER_WHOLE) fail_msg("%zu in pieces of %zu: %s", i, piece, reader.wrong);
      assert_int_equal(answer.status, table[i].status);
      assert_string_equal(answer.body, table[i].body);
      assert_int_equal(answer.body_len, strlen(table[i].body));
      const char *x = http_client_field(&answer, "x-a");
      assert_true(table[i].x ? x && strcmp(x, table[i].x) == 0 : !x);
    }
  }
  assert_int_equal(feed("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", 7, true), HTTP_ANSWER_WHOLE);  // to HEAD
  assert_int_equal(answer.body_len, 0);
}

static void bad_answers(void **state) {
  (void)state;
  static const char *const table[] = {
    "", "H", "SSH-2.0-x\r\n", "220 mail\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 99 x\r\n\r\n", "HTTP/1.1 abc x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 200 OK\r\nX y: z\r\n\r\n", "HTTP/1.1 200 OK\r\n: z\r\n\r\n",
    "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "HTTP/1.1 200 OK\r\nX: y", "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    for (size_t piece = 1; piece < 60; piece += 3) {
      if (i + 1 == sizeof table / sizeof *table) break;
      if (feed(table[i], piece, false) != HTTP_ANSWER_BAD || !reader.wrong) fail_msg("%zu in pieces of %zu", i, piece);
    }
  }
  static char flood[400000];
  // A body, a field, fields, a reason, interim answers: none without bound.
  size_t n = (size_t)sprintf(flood, "HTTP/1.1 200 OK\r\n\r\n");
  memset(flood + n, 'x', 2000);
  flood[n + 2000] = '\0';
  assert_int_equal(feed(flood, 100, false), HTTP_ANSWER_BAD);
  assert_string_equal(reader.wrong, "the body is too large");
  n = (size_t)sprintf(flood, "HTTP/1.1 200 OK\r\nX: ");
  memset(flood + n, 'x', 300000);
  flood[n + 300000] = '\0';
  assert_int_equal(feed(flood, 1000, false), HTTP_ANSWER_BAD);
  n = (size_t)sprintf(flood, "HTTP/1.1 200 ");
  memset(flood + n, 'x', 300000);
  flood[n + 300000] = '\0';
  assert_int_equal(feed(flood, 1000, false), HTTP_ANSWER_BAD);
  n = (size_t)sprintf(flood, "HTTP/1.1 200 OK\r\n");
  for (int i = 0; i <= HTTP_CLIENT_FIELDS_MAX; i++) n += (size_t)sprintf(flood + n, "X: y\r\n");
  sprintf(flood + n, "\r\n");
  assert_int_equal(feed(flood, 1000, false), HTTP_ANSWER_BAD);
  assert_string_equal(reader.wrong, "too many fields");
  n = 0;
  for (int i = 0; i < 20; i++) n += (size_t)sprintf(flood + n, "HTTP/1.1 103 Early Hints\r\n\r\n");
  assert_int_equal(feed(flood, 1000, false), HTTP_ANSWER_BAD);
}

// ---- over the network ----

static char heard[4096];
static struct http_request *kept;

static void on_request(void *arg, struct http_request *req) {
  (void)arg;
  int n = snprintf(heard, sizeof heard, "%s %s?%s %s|%.*s|", http_method_text(req->method), req->path, req->query, req->host, (int)req->body_len, req->body);
  for (size_t i = 0; i < req->field_count; i++) n += snprintf(heard + n, sizeof heard - (size_t)n, "%s: %s|", req->fields[i].name, req->fields[i].value);
  if (strcmp(req->path, "/redirect") == 0) {
    http_reply_field(req, "Location", "/elsewhere");
    http_reply(req, 302, NULL, NULL, 0);
  } else if (strcmp(req->path, "/never") == 0) {
    kept = req;
  } else if (strcmp(req->path, "/cut") == 0) {
    http_reply_begin(req, 200, "text/plain", 100);
    http_reply_write(req, "half", 4);
    http_reply_end(req);
  } else if (strcmp(req->path, "/large") == 0) {
    static char large[200000];
    http_reply(req, 200, "text/plain", large, sizeof large);
  } else {
    http_reply(req, 200, "text/plain", "hello", 5);
  }
}

static unsigned calls;
static int status;
static char body[256], why_not[256];

static void done(void *arg, const struct http_client_answer *a, const char *why) {
  (void)arg;
  calls++;
  status = a ? a->status : 0;
  snprintf(body, sizeof body, "%s", a ? a->body : "");
  snprintf(why_not, sizeof why_not, "%s", why ? why : "");
  assert_true(!a == !!why);
}

static void run(struct http_client_request q, const char *scheme, const char *host, uint16_t port, const char *target) {
  char url[512];
  snprintf(url, sizeof url, "%s://%s:%u%s", scheme, host, port, target);
  q.url = url;
  if (!q.method) q.method = "GET";
  calls = 0;
  assert_int_equal(http_client_send(loop, &q, done, NULL, NULL, &err), OK);
  assert_int_equal(calls, 0);
  while (calls == 0) loop_turn(loop, true);
  for (int i = 0; i < 5; i++) loop_turn(loop, false);
  assert_int_equal(calls, 1);
}

static void requests(void **state) {
  (void)state;
  const struct http_client_field sent[] = {{"X-Signature", "v1=abc"}, {"Content-Type", "application/json"}};
  const struct http_client_request post = {.method = "POST", .fields = sent, .field_count = 2, .body = "{\"a\":1}", .body_len = 7, .tls = trusting};
  run(post, "https", "localhost", good_port, "/hook?a=b");
  assert_int_equal(status, 200);
  assert_string_equal(body, "hello");
  char host[64];
  snprintf(host, sizeof host, "POST /hook?a=b localhost:%u|{\"a\":1}|", good_port);
  assert_non_null(strstr(heard, host));
  assert_non_null(strstr(heard, "x-signature: v1=abc|"));
  assert_non_null(strstr(heard, "content-length: 7|"));
  assert_non_null(strstr(heard, "connection: close|"));
  run((struct http_client_request){.plain_allowed = true}, "http", "127.0.0.1", plain_port, "");
  assert_int_equal(status, 200);
  assert_non_null(strstr(heard, "GET /? "));
  run((struct http_client_request){.method = "HEAD", .plain_allowed = true}, "http", "127.0.0.1", plain_port, "?x");
  assert_int_equal(status, 200);
  assert_string_equal(body, "");
  run((struct http_client_request){.tls = trusting}, "https", "localhost", good_port, "/redirect");
  assert_int_equal(status, 302);
  assert_non_null(strstr(heard, "/redirect"));  // and nothing came after it
}

static void what_fails(void **state) {
  (void)state;
  run((struct http_client_request){.tls = trusting}, "https", "localhost", other_port, "/");
  assert_non_null(strstr(why_not, "certificate"));
  run((struct http_client_request){.tls = distrusting}, "https", "localhost", good_port, "/");
  assert_non_null(strstr(why_not, "certificate"));
  run((struct http_client_request){.tls = trusting}, "https", "localhost", plain_port, "/");
  assert_int_equal(status, 0);
  run((struct http_client_request){.tls = trusting}, "https", "localhost", 1, "/");
  assert_non_null(strstr(why_not, "refused"));
  run((struct http_client_request){.tls = trusting}, "https", "no-such-host.invalid", good_port, "/");
  assert_int_equal(status, 0);
  run((struct http_client_request){.plain_allowed = true}, "http", "127.0.0.1", plain_port, "/cut");
  assert_non_null(strstr(why_not, "closed"));
  run((struct http_client_request){.plain_allowed = true}, "http", "127.0.0.1", plain_port, "/large");
  assert_non_null(strstr(why_not, "too large"));
  run((struct http_client_request){.plain_allowed = true, .answer_max = 1000, .answer_cut = true}, "http", "127.0.0.1", plain_port, "/large");  // the status is what counts
  assert_int_equal(status, 200);
  run((struct http_client_request){.plain_allowed = true, .answer_max = 300000}, "http", "127.0.0.1", plain_port, "/large");
  assert_int_equal(status, 200);
  run((struct http_client_request){.plain_allowed = true, .timeout_ms = 50}, "http", "127.0.0.1", plain_port, "/never");
  assert_string_equal(why_not, "timed out");
  http_reply(kept, 200, NULL, NULL, 0);
}

static void nothing_inside(void **state) {
  (void)state;
  static const char *const inside[] = {"127.0.0.1", "localhost", "[::1]", "10.0.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "[::ffff:127.0.0.1]",
    "[fe80::1]", "[fd00::1]", "2130706433", "0x7f.1", "[64:ff9b::7f00:1]"};
  for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
    *heard = '\0';
    run((struct http_client_request){.tls = trusting, .public_only = true}, "https", inside[i], good_port, "/");
    assert_int_equal(status, 0);
    assert_string_equal(heard, "");
    if (!strstr(why_not, "not a public")) fail_msg("%s: %s", inside[i], why_not);
  }
}

static void what_is_refused(void **state) {
  (void)state;
  struct http_client_request q = {.method = "GET", .url = "http://example.org/", .tls = trusting};
  assert_int_equal(http_client_send(loop, &q, done, NULL, NULL, &err), ERR_INVALID);  // plain only where it is allowed
  q.url = "https://example.org/";
  static const char *const methods[] = {"", "GET /x HTTP/1.1\r\nX:", "G T"};
  for (size_t i = 0; i < 3; i++) {
    q.method = methods[i];
    assert_int_equal(http_client_send(loop, &q, done, NULL, NULL, &err), ERR_INVALID);
  }
  q.method = "GET";
  static const struct http_client_field bad[] = {{"", "x"}, {"A B", "x"}, {"A:", "x"}, {"A\r\nB", "x"}, {"A", "x\r\nHost: evil"}, {"A", "x\ny"}, {"A", "\x01"}, {"host", "x"},
    {"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}, {"Connection", "x"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    q.fields = &bad[i];
    q.field_count = 1;
    if (http_client_send(loop, &q, done, NULL, NULL, &err) != ERR_INVALID) fail_msg("accepted: %s: %s", bad[i].name, bad[i].value);
  }
}

static void cancelling(void **state) {
  (void)state;
  struct http_client *c;
  char url[64];
  snprintf(url, sizeof url, "http://127.0.0.1:%u/never", plain_port);
  const struct http_client_request q = {.method = "GET", .url = url, .plain_allowed = true};
  calls = 0;
  for (int turns = 0; turns < 6; turns++) {
    kept = NULL;
    assert_int_equal(http_client_send(loop, &q, done, NULL, &c, &err), OK);
    for (int i = 0; i < turns; i++) loop_turn(loop, false);
    http_client_cancel(c);
    for (int i = 0; i < 10; i++) loop_turn(loop, false);
    if (kept) http_reply(kept, 200, NULL, NULL, 0);
  }
  assert_int_equal(calls, 0);
}

static int teardown_reader(void **state) {
  http_answer_finish(&reader);
  return teardown(state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(urls), cmocka_unit_test(good_answers), cmocka_unit_test(bad_answers), cmocka_unit_test(requests), cmocka_unit_test(what_fails),
    cmocka_unit_test(nothing_inside), cmocka_unit_test(what_is_refused), cmocka_unit_test(cancelling),
  };
  return cmocka_run_group_tests(tests, setup, teardown_reader);
}

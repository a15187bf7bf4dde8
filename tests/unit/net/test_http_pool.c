// Kept connections: what is used again, what never is, and above all whether a byte of a request may have left. Against a server of
// raw bytes that cuts requests and answers everywhere, and against the real one with TLS.
#include "net/http_answer.h"
#include "net/http_pool.h"
#include "scripted.h"
#include "servers.h"

static struct scripted raw;
static struct http_pool *pool;
static char heard[256];

static void on_request(void *arg, struct http_request *req) {
  (void)arg;
  heard[0] = '\0';
  for (size_t i = 0; i < req->field_count; i++) {
    if (strcmp(req->fields[i].name, "connection") == 0) snprintf(heard, sizeof heard, "%s", req->fields[i].value);
  }
  http_reply(req, 200, "text/plain", "hello", 5);
}

struct outcome {
  unsigned calls;
  int status;
  bool written;
  char body[128], why[256];
};

static void done(void *arg, const struct http_client_answer *a, bool written, const char *why) {
  struct outcome *o = arg;
  o->calls++;
  o->status = a ? a->status : 0;
  o->written = written;
  snprintf(o->body, sizeof o->body, "%s", a ? a->body : "");
  snprintf(o->why, sizeof o->why, "%s", why ? why : "");
  assert_true(!a == !!why);
}

static struct http_pool_call *begin(struct outcome *o, const char *scheme, const char *host, uint16_t port, struct http_client_request q) {
  struct http_pool_call *call;
  char url[128];
  snprintf(url, sizeof url, "%s://%s:%u/x", scheme, host, port);
  q.url = url;
  if (!q.method) q.method = "GET";
  if (!q.tls) q.plain_allowed = true;
  *o = (struct outcome){0};
  assert_int_equal(http_pool_send(pool, &q, done, o, &call, &err), OK);
  assert_int_equal(o->calls, 0);
  return call;
}

static void wait_for(struct outcome *o) {
  while (o->calls == 0) loop_turn(loop, true);
  for (int i = 0; i < 4; i++) loop_turn(loop, false);
  assert_int_equal(o->calls, 1);
}

static void settle(void) {
  for (int i = 0; i < 20; i++) loop_turn(loop, false);
}

static void fresh(struct http_pool_options options) {
  http_pool_destroy(pool);
  for (unsigned i = 0; i < PEERS_MAX; i++) peer_close(&raw.peers[i]);
  assert_int_equal(http_pool_create(loop, &options, &pool, &err), OK);
  settle();
  raw.accepted = 0;
  raw.on_bytes = NULL;
}

// ---- the script of the raw server: answers each whole request with `answer`, of which only `upto` bytes go out ----

static const char *answer;
static size_t upto, piece;
static enum { KEEP, CLOSE, RESET } ending;
static unsigned requests;

static void answer_requests(struct scripted *s, struct peer *p) {
  (void)s;
  char *end;
  while (p->fd >= 0 && (end = strstr(p->in + p->seen, "\r\n\r\n"))) {
    p->seen = (size_t)(end + 4 - p->in);
    requests++;
    for (size_t at = 0; at < upto; at += piece) {
      peer_send(p, answer + at, upto - at < piece ? upto - at : piece);
      if (piece < upto) settle();
      if (p->fd < 0) return;
    }
    if (ending == CLOSE) peer_close(p);
    else if (ending == RESET) peer_reset(p);
  }
}

static void serve_raw(const char *bytes, size_t count, size_t in_pieces, int how) {
  raw.on_bytes = answer_requests;
  answer = bytes;
  upto = count;
  piece = in_pieces ? in_pieces : count + 1;
  ending = how;
  requests = 0;
}

static const char good[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

static void kept(void **state) {
  (void)state;
  struct outcome o;
  static const struct { const char *bytes; bool kept; } table[] = {
    {good, true}, {"HTTP/1.1 204 No\r\n\r\n", true}, {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n", true}, {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true},
    {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", false}, {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello!", false},              // bytes behind the answer
    {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n", false},  // an answer that nobody asked for
    {"HTTP/1.1 204 No\r\n\r\n\n", false}, {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nx", false},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    fresh((struct http_pool_options){0});
    serve_raw(table[i].bytes, strlen(table[i].bytes), 0, KEEP);
    for (int n = 0; n < 3; n++) {
      begin(&o, "http", "127.0.0.1", raw.port, (struct http_client_request){0});
      wait_for(&o);
      if (o.status < 200 || o.status > 204 || !o.written) fail_msg("%zu: %d %s", i, o.status, o.why);
    }
    if (raw.accepted != (table[i].kept ? 1u : 3u)) fail_msg("%zu: %u connections", i, raw.accepted);
    assert_int_equal(requests, 3);
  }
}

// An answer cut after each of its bytes, by an end or a reset: never an answer, always written, the request never sent again.
static void cut_answers(void **state) {
  (void)state;
  struct outcome o;
  static const char *const table[] = {good, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno"};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    for (int reset = 0; reset < 2; reset++) {
      for (size_t cut = 0; cut < strlen(table[i]); cut++) {
        fresh((struct http_pool_options){0});
        serve_raw(table[i], cut, 0, reset ? RESET : CLOSE);
        begin(&o, "http", "127.0.0.1", raw.port, (struct http_client_request){.method = "POST"});
        wait_for(&o);
        if (o.status || !o.written || requests != 1 || raw.accepted != 1) fail_msg("%zu cut at %zu: %d, %u requests", i, cut, o.status, requests);
      }
    }
    for (size_t in_pieces = 1; in_pieces < 5; in_pieces++) {
      fresh((struct http_pool_options){0});
      serve_raw(table[i], strlen(table[i]), in_pieces, KEEP);
      begin(&o, "http", "127.0.0.1", raw.port, (struct http_client_request){0});
      wait_for(&o);
      assert_int_not_equal(o.status, 0);
      assert_int_equal(requests, 1);
    }
  }
}

// The server stops reading and cuts after each byte of the request.
static size_t cut_request_at;
static void cut_request(struct scripted *s, struct peer *p) {
  (void)s;
  if (p->len >= cut_request_at) peer_reset(p);
}
static void cut_requests(void **state) {
  (void)state;
  struct outcome o;
  for (cut_request_at = 1; cut_request_at < 120; cut_request_at += 7) {
    fresh((struct http_pool_options){0});
    raw.on_bytes = cut_request;
    begin(&o, "http", "127.0.0.1", raw.port, (struct http_client_request){.method = "POST", .body = "{}", .body_len = 2});
    wait_for(&o);
    assert_true(o.written && o.status == 0);
    assert_int_equal(raw.accepted, 1);
  }
}

// A kept connection that the server has closed meanwhile is noticed before a byte is written, also when the loop has not turned.
static void stale(void **state) {
  (void)state;
  struct outcome o;
  for (int turned = 0; turned < 2; turned++) {
    for (int reset = 0; reset < 2; reset++) {
      fresh((struct http_pool_options){0});
      serve_raw(good, sizeof good - 1, 0, KEEP);
      begin(&o, "http", "127.0.0.1", raw.port, (struct http_client_request){0});
      wait_for(&o);
      for (unsigned i = 0; i < PEERS_MAX; i++) reset ? peer_reset(&raw.peers[i]) : peer_close(&raw.peers[i]);
      if (turned) settle();
      begin(&o, "http", "127.0.0.1", raw.port, (struct http_client_request){.method = "POST"});
      wait_for(&o);
      assert_int_equal(o.status, 200);
      assert_int_equal(requests, 2);
      assert_int_equal(raw.accepted, 2);
    }
  }
}

static void not_sent(void **state) {
  (void)state;
  struct outcome o;
  fresh((struct http_pool_options){0});
  begin(&o, "http", "127.0.0.1", 1, (struct http_client_request){.method = "POST"});
  wait_for(&o);
  assert_false(o.written);
  assert_non_null(strstr(o.why, "refused"));
  begin(&o, "https", "localhost", other_port, (struct http_client_request){.tls = trusting, .method = "POST"});  // a certificate for another name
  wait_for(&o);
  assert_false(o.written);
  assert_non_null(strstr(o.why, "certificate"));
  begin(&o, "https", "localhost", good_port, (struct http_client_request){.tls = distrusting, .method = "POST"});
  wait_for(&o);
  assert_false(o.written);
  begin(&o, "https", "localhost", plain_port, (struct http_client_request){.tls = trusting, .method = "POST"});
  wait_for(&o);
  assert_false(o.written);
  // Waits for a connection until its time is over.
  struct outcome first;
  fresh((struct http_pool_options){.per_origin_max = 1});
  begin(&first, "http", "127.0.0.1", raw.port, (struct http_client_request){.timeout_ms = 60});
  begin(&o, "http", "127.0.0.1", raw.port, (struct http_client_request){.timeout_ms = 20});
  wait_for(&o);
  assert_false(o.written);
  assert_int_equal(raw.accepted, 1);
  wait_for(&first);
  assert_true(first.written);  // it had been sent, and nothing came
  // A server that speaks first gets nothing, and not connection after connection either.
  fresh((struct http_pool_options){0});
  raw.greet = "SSH-2.0-x\r\n";
  begin(&o, "http", "127.0.0.1", raw.port, (struct http_client_request){.timeout_ms = 60});
  wait_for(&o);
  raw.greet = NULL;
  assert_true(o.status == 0 && raw.accepted <= 3);
}

static void many(void **state) {
  (void)state;
  struct outcome o[20];
  fresh((struct http_pool_options){.per_origin_max = 3});
  serve_raw(good, sizeof good - 1, 0, KEEP);
  for (int i = 0; i < 20; i++) begin(&o[i], "http", "127.0.0.1", raw.port, (struct http_client_request){0});
  for (int i = 0; i < 20; i++) wait_for(&o[i]);
  for (int i = 0; i < 20; i++) assert_int_equal(o[i].status, 200);
  assert_int_equal(raw.accepted, 3);
  assert_int_equal(requests, 20);
  const struct http_pool_stats stats = http_pool_stats(pool);
  assert_int_equal(stats.opened, 3);
  assert_int_equal(stats.waiting, 0);
  assert_int_equal(stats.connections, 3);
}

static void with_tls(void **state) {
  (void)state;
  struct outcome o;
  fresh((struct http_pool_options){0});
  for (int i = 0; i < 3; i++) {
    begin(&o, "https", "localhost", good_port, (struct http_client_request){.tls = trusting, .method = "POST", .body = "{}", .body_len = 2});
    wait_for(&o);
    assert_int_equal(o.status, 200);
    assert_string_equal(heard, "keep-alive");
  }
  assert_int_equal(http_pool_stats(pool).opened, 1);
  assert_int_equal(http_pool_stats(pool).reused, 2);
}

static void idle_and_warm(void **state) {
  (void)state;
  struct outcome o;
  fresh((struct http_pool_options){.idle_ms = 15});
  serve_raw(good, sizeof good - 1, 0, KEEP);
  char url[64];
  snprintf(url, sizeof url, "http://127.0.0.1:%u/", raw.port);
  const struct http_client_request q = {.method = "GET", .url = url, .plain_allowed = true};
  http_pool_warm(pool, &q, 1);
  http_pool_warm(pool, &q, 1);
  while (raw.accepted == 0) loop_turn(loop, true);
  settle();
  begin(&o, "http", "127.0.0.1", raw.port, (struct http_client_request){0});
  wait_for(&o);
  assert_int_equal(raw.accepted, 1);
  while (http_pool_stats(pool).connections > 0) loop_turn(loop, true);  // idle for too long
  // As many as are wanted, those that are there among them; never more than an origin may have.
  http_pool_warm(pool, &q, 3);
  assert_int_equal(http_pool_stats(pool).connections, 3);
  http_pool_warm(pool, &q, 2);
  assert_int_equal(http_pool_stats(pool).connections, 3);
  http_pool_warm(pool, &q, 1000);
  assert_int_equal(http_pool_stats(pool).connections, 16);
}

// Bytes on a connection that nobody asked for end it; they are never taken for the next answer.
static void uninvited(void **state) {
  (void)state;
  struct outcome o;
  fresh((struct http_pool_options){0});
  serve_raw(good, sizeof good - 1, 0, KEEP);
  begin(&o, "http", "127.0.0.1", raw.port, (struct http_client_request){0});
  wait_for(&o);
  for (unsigned i = 0; i < PEERS_MAX; i++) peer_say(&raw.peers[i], "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
  begin(&o, "http", "127.0.0.1", raw.port, (struct http_client_request){0});
  wait_for(&o);
  assert_string_equal(o.body, "hello");
  assert_int_equal(raw.accepted, 2);
}

static void cancelling(void **state) {
  (void)state;
  struct outcome o, other;
  for (int turns = 0; turns < 8; turns++) {
    fresh((struct http_pool_options){.per_origin_max = 1});
    serve_raw(good, sizeof good - 1, 0, KEEP);
    struct http_pool_call *call = begin(&o, "http", "127.0.0.1", raw.port, (struct http_client_request){0});
    begin(&other, "http", "127.0.0.1", raw.port, (struct http_client_request){0});
    for (int i = 0; i < turns && o.calls == 0; i++) loop_turn(loop, false);
    if (o.calls == 0) http_pool_cancel(call);
    const unsigned had = o.calls;
    wait_for(&other);
    assert_int_equal(other.status, 200);
    assert_int_equal(o.calls, had);
  }
  // What is under way when the pool ends is not told.
  fresh((struct http_pool_options){0});
  begin(&o, "http", "127.0.0.1", raw.port, (struct http_client_request){0});
  begin(&other, "https", "localhost", good_port, (struct http_client_request){.tls = trusting});
  loop_turn(loop, false);
  fresh((struct http_pool_options){0});
  settle();
  assert_int_equal(o.calls + other.calls, 0);
}

static int setup_pool(void **state) {
  setup(state);
  scripted_start(&raw, loop);
  return 0;
}

static int teardown_pool(void **state) {
  http_pool_destroy(pool);
  scripted_stop(&raw);
  return teardown(state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(kept), cmocka_unit_test(cut_answers), cmocka_unit_test(cut_requests), cmocka_unit_test(stale), cmocka_unit_test(not_sent), cmocka_unit_test(many),
    cmocka_unit_test(with_tls), cmocka_unit_test(idle_and_warm), cmocka_unit_test(uninvited), cmocka_unit_test(cancelling),
  };
  return cmocka_run_group_tests(tests, setup_pool, teardown_pool);
}

// Heads, chunks, escapes and queries as pure functions; what net_server refuses over sockets is in server_test.py.
#include "net/http_head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static char buf[HTTP_HEAD_BUF];
static struct http_field fields[HTTP_FIELDS_MAX];
static struct http_request req;
static struct http_meaning meaning;
static struct http_refusal refusal;

// Feeds text in pieces of n bytes; returns the status of the refusal, 0 when it parsed. *ret_used: bytes of the head.
static int parse(const char *text, size_t piece, size_t *ret_used) {
  struct http_head head = {0};
  size_t len = strlen(text), at = 0;
  enum http_feed fed = HTTP_FEED_MORE;
  memset(buf, 'Z', sizeof buf);
  while (at < len && fed == HTTP_FEED_MORE) {
    size_t used;
    fed = http_head_feed(&head, buf, text + at, len - at < piece ? len - at : piece, &used, &refusal);
    at += used;
  }
  *ret_used = at;
  if (fed == HTTP_FEED_REFUSED) return refusal.status;
  if (fed == HTTP_FEED_MORE) return -1;
  req = (struct http_request){0};
  return http_head_parse(buf, head.len, &req, fields, &meaning, &refusal) ? 0 : refusal.status;
}

static void test_parts(void **state) {
  (void)state;
  const char *text = "\r\nPOST /a/b%20c?x=1&y=?z HTTP/1.1\r\nHost: h:1\r\nContent-Length: 0012\r\nX-Long:   v  \r\nx-empty:\r\n"
    "CONNECTION: Keep-Alive , upgrade\r\nExpect: 100-Continue\r\n\r\nbody";
  for (size_t piece = 1; piece < 40; piece++) {
    size_t used;
    assert_int_equal(parse(text, piece, &used), 0);
    assert_string_equal(text + used, "body");
    assert_int_equal(req.method, METHOD_POST);
    assert_string_equal(req.path, "/a/b%20c");
    assert_int_equal(req.path_len, 8);
    assert_string_equal(req.query, "x=1&y=?z");
    assert_int_equal(req.query_len, 8);
    assert_string_equal(req.host, "h:1");
    assert_int_equal(req.field_count, 6);
    assert_string_equal(http_field(&req, "x-long"), "v");
    assert_string_equal(http_field(&req, "x-empty"), "");
    assert_null(http_field(&req, "x-none"));
    for (size_t i = 0; i < req.field_count; i++) {
      assert_int_equal(strlen(fields[i].name), fields[i].name_len);
      assert_int_equal(strlen(fields[i].value), fields[i].value_len);
    }
    assert_true(meaning.keep_alive && meaning.expect_continue && !meaning.chunked && !meaning.http10);
    assert_int_equal(meaning.content_length, 12);
  }
}

static void test_meaning(void **state) {
  (void)state;
  size_t used;
  assert_int_equal(parse("GET / HTTP/1.0\r\n\r\n", 99, &used), 0);
  assert_true(meaning.http10 && !meaning.keep_alive);
  assert_string_equal(req.host, "");
  assert_string_equal(req.query, "");
  assert_int_equal(parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\n\r\n", 99, &used), 0);
  assert_true(meaning.keep_alive && !meaning.expect_continue);
  assert_int_equal(parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n\r\n", 99, &used), 0);
  assert_true(meaning.keep_alive);
  assert_int_equal(parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: y,\tCLOSE\r\n\r\n", 99, &used), 0);
  assert_false(meaning.keep_alive);
  assert_int_equal(parse("PUT http://A/?q HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", 99, &used), 0);
  assert_true(meaning.chunked && meaning.content_length == 0);
  assert_string_equal(req.path, "/");
  assert_string_equal(req.query, "q");
  assert_int_equal(parse("GET / HTTP/1.1\r\nHost: a\r\n", 99, &used), -1);
}

static void test_limits(void **state) {
  (void)state;
  static char text[40000];
  size_t used;
  for (int extra = 0; extra < 2; extra++) {  // a line of exactly HTTP_LINE_MAX bytes, then one more
    char *to = text + sprintf(text, "GET /");
    size_t fill = HTTP_LINE_MAX - strlen("GET / HTTP/1.1") + (size_t)extra;
    memset(to, 'a', fill);
    strcpy(to + fill, " HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(parse(text, 1000, &used), extra ? 414 : 0);
  }
  for (int extra = 0; extra < 2; extra++) {  // fields of exactly HTTP_HEAD_MAX bytes
    char *to = text + sprintf(text, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    size_t fill = HTTP_HEAD_MAX - strlen("Host: a\r\nX: \r\n") + (size_t)extra;
    memset(to, 'a', fill);
    strcpy(to + fill, "\r\n\r\n");
    assert_int_equal(parse(text, 1000, &used), extra ? 431 : 0);
  }
  for (int extra = 0; extra < 2; extra++) {
    char *to = text + sprintf(text, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < HTTP_FIELDS_MAX - 1 + extra; i++) to += sprintf(to, "x%d: y\r\n", i);
    strcpy(to, "\r\n");
    assert_int_equal(parse(text, 1000, &used), extra ? 431 : 0);
    if (!extra) assert_int_equal(req.field_count, HTTP_FIELDS_MAX);
  }
}

static void test_list(void **state) {
  (void)state;
  assert_true(http_list_has("close", "close") && http_list_has(" ,, Close\t, x", "close") && http_list_has("x,close", "close"));
  assert_false(http_list_has("", "close") || http_list_has("close2", "close") || http_list_has("xclose", "close") || http_list_has("clo se", "close"));
}

static void test_chunks(void **state) {
  (void)state;
  const char *text = "5\r\nhello\r\n0a\r\n0123456789\r\n00000000\r\n\r\nnext";
  for (size_t piece = 1; piece < 50; piece++) {
    struct http_chunks c = {0};
    char body[64];
    size_t body_len = 0, at = 0;
    enum http_feed fed = HTTP_FEED_MORE;
    while (fed == HTTP_FEED_MORE && at < strlen(text)) {
      size_t used, data_len, len = strlen(text) - at < piece ? strlen(text) - at : piece;
      const char *data;
      fed = http_chunks_feed(&c, text + at, len, &used, &data, &data_len);
      assert_true(used <= len && (used > 0 || fed == HTTP_FEED_REFUSED));
      memcpy(body + body_len, data, data_len);
      body_len += data_len;
      at += used;
    }
    assert_int_equal(fed, HTTP_FEED_DONE);
    assert_string_equal(text + at, "next");
    assert_int_equal(body_len, 15);
    assert_memory_equal(body, "hello0123456789", 15);
  }
}

static void test_unescape(void **state) {
  (void)state;
  static const struct {
    const char *in;
    bool form;
    enum status st;
    const char *out;
  } cases[] = {
    {"abc", false, OK, "abc"}, {"a%20b%2F%e4", false, OK, "a b/\xe4"}, {"a+b", false, OK, "a+b"}, {"a+b%2B", true, OK, "a b+"}, {"", true, OK, ""},
    {"%", false, ERR_INVALID, ""}, {"%4", false, ERR_INVALID, ""}, {"%4g", false, ERR_INVALID, ""}, {"%00", false, ERR_INVALID, ""},
    {"1234567", false, OK, "1234567"}, {"12345678", false, ERR_LIMIT, ""}, {"%41%41%41%41%41%41%41%41", false, ERR_LIMIT, ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char out[8];
    assert_int_equal(http_unescape(cases[i].in, strlen(cases[i].in), cases[i].form, out, sizeof out), cases[i].st);
    if (cases[i].st == OK) assert_string_equal(out, cases[i].out);
  }
}

static void test_query(void **state) {
  (void)state;
  char out[16];
  req = (struct http_request){.query = "&a=1&&b&c=x%20y+z&a=2&=4&d==", .query_len = 28};
  assert_int_equal(http_query(&req, "a", out, sizeof out), OK);
  assert_string_equal(out, "1");
  assert_int_equal(http_query(&req, "b", out, sizeof out), OK);
  assert_string_equal(out, "");
  assert_int_equal(http_query(&req, "c", out, sizeof out), OK);
  assert_string_equal(out, "x y z");
  assert_int_equal(http_query(&req, "d", out, sizeof out), OK);
  assert_string_equal(out, "=");
  assert_int_equal(http_query(&req, "e", out, sizeof out), ERR_NOTFOUND);
  size_t pos = 0, count = 0;
  struct http_pair pair;
  while (http_query_next(&req, &pos, &pair)) count++;
  assert_int_equal(count, 6);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_parts),  cmocka_unit_test(test_meaning),  cmocka_unit_test(test_limits), cmocka_unit_test(test_list),
    cmocka_unit_test(test_chunks), cmocka_unit_test(test_unescape), cmocka_unit_test(test_query),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

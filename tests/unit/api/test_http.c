// Tests of api/router.h, query.h, cursor.h, etag.h and problem.h.
#include "api/cursor.h"
#include "api/etag.h"
#include "api/problem.h"
#include "api/query.h"
#include "api/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct { enum route_method method; const char *path; } table[] = {
    {ROUTE_GET, "/"}, {ROUTE_GET, "/a"}, {ROUTE_POST, "/a"}, {ROUTE_GET, "/a/{id}"}, {ROUTE_DELETE, "/a/{id}"},
    {ROUTE_GET, "/a/special"}, {ROUTE_POST, "/a/{id}/versions/{n}/activate"}};

static struct router *router_of_table(void) {
  struct router *r;
  struct err err;
  assert_int_equal(router_create(&r, &err), OK);
  for (int i = 0; i < (int)(sizeof table / sizeof *table); i++)
    if (router_add(r, table[i].method, table[i].path, i, &err) != OK) fail_msg("%s", err.msg);
  return r;
}

static void routes(void **state) {
  (void)state;
  struct router *r = router_of_table();
  struct route_match m;
  static const struct { enum route_method method; const char *path; int route; } cases[] = {
      {ROUTE_GET, "/", 0}, {ROUTE_GET, "/a", 1}, {ROUTE_POST, "/a", 2}, {ROUTE_GET, "/a/x", 3}, {ROUTE_DELETE, "/a/x", 4},
      {ROUTE_GET, "/a/special", 5}, {ROUTE_GET, "/%61/sp%65cial", 5}, {ROUTE_POST, "/a/x%20y/versions/7/activate", 6},
      {ROUTE_PUT, "/a", -1}, {ROUTE_COUNT, "/a", -1}, {ROUTE_DELETE, "/a/special", -1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    if (!router_find(r, cases[i].method, cases[i].path, strlen(cases[i].path), &m)) fail_msg("%s", cases[i].path);
    assert_int_equal(m.route, cases[i].route);
  }
  assert_true(router_find(r, ROUTE_POST, "/a/x%20y/versions/7/activate", 28, &m));
  assert_int_equal(m.param_count, 2);
  assert_string_equal(m.params[0].name == NULL ? "" : m.params[0].value, "x y");
  assert_string_equal(m.params[1].value, "7");
  assert_true(router_find(r, ROUTE_PUT, "/a", 2, &m));
  char allow[64];
  route_allow_text(m.allowed, allow, sizeof allow);
  assert_string_equal(allow, "GET, POST");
  static const char *const nowhere[] = {"", "a", "/b", "/a/", "//a", "/a//b", "/a/.", "/a/..", "/a/%2e%2e", "/a/%2E", "/a/x%2fy", "/a/x%5Cy", "/a/%00", "/a/%0a", "/a/%zz",
                                        "/a/%2", "/a/%ff", "/a/%c0%af", "/a/x/versions", "/a/x/versions/7", "/A"};
  for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; i++)
    if (router_find(r, ROUTE_GET, nowhere[i], strlen(nowhere[i]), &m)) fail_msg("found: %s", nowhere[i]);
  char huge[5000];
  memset(huge, 'x', sizeof huge);
  memcpy(huge, "/a/", 3);
  assert_false(router_find(r, ROUTE_GET, huge, sizeof huge, &m));
  assert_true(router_find(r, ROUTE_GET, huge, ROUTER_PATH_MAX - 1, &m));
  struct err err;
  assert_int_equal(router_add(r, ROUTE_GET, "/a", 9, &err), ERR_EXISTS);
  assert_int_equal(router_add(r, ROUTE_GET, "/a/{other}/x", 9, &err), ERR_INVALID);
  assert_int_equal(router_add(r, ROUTE_GET, "a", 9, &err), ERR_INVALID);
  assert_int_equal(router_add(r, ROUTE_GET, "/a//b", 9, &err), ERR_INVALID);
  assert_int_equal(router_add(r, ROUTE_GET, "/{", 9, &err), ERR_INVALID);
  router_destroy(r);
}

static void queries(void **state) {
  (void)state;
  json_t *components = json_pack("{s:{s:s,s:i,s:i}, s:{s:s,s:i}, s:{s:s}}", "Limit", "type", "integer", "minimum", 1, "maximum", 100, "Text", "type", "string",
                                 "maxLength", 5, "Flag", "type", "boolean");
  struct schema_set *set;
  struct err err;
  assert_int_equal(schema_set_create(components, &set, &err), OK);
  json_t *twenty = json_integer(20);
  const struct query_param params[] = {{"limit", schema_find(set, "Limit"), false, twenty}, {"q", schema_find(set, "Text"), true, NULL},
                                       {"all", schema_find(set, "Flag"), false, NULL}};
  static const struct { const char *text, *pointer; } bad[] = {
      {"", "?q"}, {"q=123456", "?q"}, {"q=a&q=b", "?q"}, {"q=a&limit=0", "?limit"}, {"q=a&limit=x", "?limit"}, {"q=a&limt=3", "?limt"}, {"q=%zz", "?"},
      {"q=%00", "?"}, {"q=a&all=yes", "?all"}, {"%ff=1", "?"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct schema_errors errors = {0};
    json_t *v;
    if (query_parse(bad[i].text, strlen(bad[i].text), params, 3, &errors, &v)) fail_msg("accepted: %s", bad[i].text);
    assert_string_equal(errors.items[0].pointer, bad[i].pointer);
  }
  struct schema_errors errors = {0};
  json_t *v;
  assert_true(query_parse("q=a+b%26&all=true&", 18, params, 3, &errors, &v));
  assert_string_equal(json_string_value(json_object_get(v, "q")), "a b&");
  assert_true(json_is_true(json_object_get(v, "all")));
  assert_int_equal(json_integer_value(json_object_get(v, "limit")), 20);
  json_decref(v);
  char *huge = malloc(100000);
  memset(huge, 'a', 100000);
  assert_false(query_parse(huge, 100000, params, 3, &errors, &v));
  free(huge);
  json_decref(twenty);
  schema_set_destroy(set);
  json_decref(components);
}

static void cursors(void **state) {
  (void)state;
  const uint8_t secret[CURSOR_KEY_BYTES] = {1, 2, 3}, other_secret[CURSOR_KEY_BYTES] = {1, 2, 4};
  char text[CURSOR_TEXT_SIZE];
  struct cursor c;
  cursor_format((struct cursor){-5, INT64_MAX}, secret, "strategies_list", 77, text);
  assert_int_equal(strlen(text), CURSOR_TEXT_SIZE - 1);
  assert_true(cursor_parse(text, strlen(text), secret, "strategies_list", 77, &c));
  assert_true(c.key == -5 && c.id == INT64_MAX);
  assert_false(cursor_parse(text, strlen(text), other_secret, "strategies_list", 77, &c));
  assert_false(cursor_parse(text, strlen(text), secret, "backtests_list", 77, &c));
  assert_false(cursor_parse(text, strlen(text), secret, "strategies_list", 78, &c));
  assert_false(cursor_parse(text, strlen(text) - 1, secret, "strategies_list", 77, &c));
  for (size_t i = 0; i < strlen(text); i++) {
    char changed[CURSOR_TEXT_SIZE];
    memcpy(changed, text, sizeof changed);
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    assert_false(cursor_parse(changed, strlen(changed), secret, "strategies_list", 77, &c));
    changed[i] = '+';
    assert_false(cursor_parse(changed, strlen(changed), secret, "strategies_list", 77, &c));
  }
}

static void etags(void **state) {
  (void)state;
  char text[ETAG_TEXT_SIZE];
  etag_format(INT64_MIN, text);
  assert_string_equal(text, "\"r-9223372036854775808\"");
  assert_int_equal(etag_compare("\"r17\"", 17, false), ETAG_MATCHES);
  assert_int_equal(etag_compare(" \"x\" , \"r17\" ", 17, false), ETAG_MATCHES);
  assert_int_equal(etag_compare("*", 17, false), ETAG_MATCHES);
  assert_int_equal(etag_compare("\"r18\"", 17, false), ETAG_DIFFERS);
  assert_int_equal(etag_compare("W/\"r17\"", 17, false), ETAG_DIFFERS);
  assert_int_equal(etag_compare("W/\"r17\"", 17, true), ETAG_MATCHES);
  static const char *const bad[] = {"", "r17", "\"r17", "\"r17\" \"r18\"", "\"a\",", "**", "W/"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_int_equal(etag_compare(bad[i], 17, true), ETAG_MALFORMED);
}

static void problems(void **state) {
  (void)state;
  for (int p = PROBLEM_NONE + 1; p < PROBLEM_COUNT; p++) {
    assert_true(problem_status((enum problem)p) >= 400 && problem_status((enum problem)p) < 600);
    assert_int_equal(problem_by_code(problem_code((enum problem)p)), p);
  }
  assert_int_equal(problem_by_code("nothing"), PROBLEM_NONE);
  struct schema_errors errors = {0};
  schema_errors_add(&errors, "/a", "must be %d", 3);
  json_t *o = problem_json(PROBLEM_validation_failed, "bad \xff bytes", &errors, "req_1");
  assert_non_null(o);
  assert_string_equal(json_string_value(json_object_get(o, "type")), "urn:perigee:problem:validation_failed");
  assert_int_equal(json_integer_value(json_object_get(o, "status")), 422);
  assert_null(json_object_get(o, "detail"));
  assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(o, "errors"), 0), "pointer")), "/a");
  json_decref(o);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(routes), cmocka_unit_test(queries), cmocka_unit_test(cursors), cmocka_unit_test(etags), cmocka_unit_test(problems),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

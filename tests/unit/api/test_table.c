// Tests of api/table.h: the embedded routes load, every mistake in a route is refused, the OpenAPI document is complete.
#include "api/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void embedded(void **state) {
  (void)state;
  struct api_table *t;
  struct err err;
  if (api_table_create(&t, &err) != OK) fail_msg("%s", err.msg);
  assert_true(t->route_count >= 4);
  for (int i = 0; i < t->route_count; i++) {
    const struct route *r = &t->routes[i];
    assert_ptr_equal(api_table_route(t, r->id), r);
    // Every path finds its own route; parameters filled with what cannot be a literal.
    char path[512];
    size_t n = 0;
    for (const char *c = r->path; *c; c++) {
      if (*c == '{') {
        path[n++] = '~';
        c = strchr(c, '}');
      } else {
        path[n++] = *c;
      }
    }
    struct route_match m;
    if (!router_find(t->router, r->method, path, n, &m) || m.route != i) fail_msg("%s %s", r->id, r->path);
    assert_int_equal(api_table_params_fit(t, &m), m.param_count == 0);
    assert_true(r->auth != AUTH_USER || r->permission != PERMISSION_UNKNOWN);
    if (r->request) assert_int_not_equal(r->method, ROUTE_GET);
  }
  json_t *doc = api_openapi(t, "0.0");
  assert_non_null(doc);
  json_t *paths = json_object_get(doc, "paths");
  int operations = 0;
  const char *path;
  json_t *item;
  json_object_foreach(paths, path, item) operations += (int)json_object_size(item);
  assert_int_equal(operations, t->route_count);
  char *text = json_dumps(doc, 0);
  assert_null(strstr(text, "x-prefix"));
  free(text);
  json_decref(doc);
  api_table_destroy(t);
}

#define HEAD "[{\"components\":{\"A\":{\"type\":\"string\"}},\"params\":{\"a\":\"A\"},\"list_query\":{\"limit\":{\"schema\":{\"type\":\"integer\",\"default\":5}}},\"routes\":["

static void documents(void **state) {
  (void)state;
  static const char text[] = HEAD "{\"method\":\"POST\",\"path\":\"/x/{a}\",\"id\":\"x\",\"tag\":\"t\",\"summary\":\"s\",\"auth\":\"none\",\"request\":\"A\",\"list\":true,"
                                  "\"responses\":{\"200\":\"A\",\"204\":null},\"problems\":[\"conflict\"]}]}]";
  struct api_table *t;
  struct err err;
  if (api_table_parse(text, sizeof text - 1, &t, &err) != OK) fail_msg("%s", err.msg);
  const struct route *r = api_table_route(t, "x");
  json_t *good = json_string("x"), *bad = json_integer(1);
  struct schema_errors errors = {0};
  assert_true(route_documents(r, 200, good, &errors) && route_documents(r, 204, NULL, &errors));
  assert_false(route_documents(r, 200, bad, &errors) || route_documents(r, 200, NULL, &errors) || route_documents(r, 204, good, &errors) || route_documents(r, 201, good, &errors));
  assert_string_equal(r->query[0].name, "limit");
  assert_int_equal(json_integer_value(r->query[0].absent), 5);
  json_decref(good);
  json_decref(bad);
  api_table_destroy(t);
}

static void refuses(void **state) {
  (void)state;
  static const char *const bad[] = {
      "{\"method\":\"PUSH\",\"path\":\"/x\",\"id\":\"x\",\"tag\":\"t\",\"summary\":\"s\",\"auth\":\"none\",\"responses\":{\"204\":null}}",
      "{\"method\":\"GET\",\"path\":\"/x/{b}\",\"id\":\"x\",\"tag\":\"t\",\"summary\":\"s\",\"auth\":\"none\",\"responses\":{\"204\":null}}",
      "{\"method\":\"GET\",\"path\":\"/x\",\"tag\":\"t\",\"summary\":\"s\",\"auth\":\"none\",\"responses\":{\"204\":null}}",
      "{\"method\":\"GET\",\"path\":\"/x\",\"id\":\"x\",\"tag\":\"t\",\"summary\":\"s\",\"responses\":{\"204\":null}}",
      "{\"method\":\"GET\",\"path\":\"/x\",\"id\":\"x\",\"tag\":\"t\",\"summary\":\"s\",\"auth\":\"user\",\"responses\":{\"204\":null}}",
      "{\"method\":\"GET\",\"path\":\"/x\",\"id\":\"x\",\"tag\":\"t\",\"summary\":\"s\",\"auth\":\"none\",\"responses\":{}}",
      "{\"method\":\"GET\",\"path\":\"/x\",\"id\":\"x\",\"tag\":\"t\",\"summary\":\"s\",\"auth\":\"none\",\"responses\":{\"200\":\"B\"}}",
      "{\"method\":\"GET\",\"path\":\"/x\",\"id\":\"x\",\"tag\":\"t\",\"summary\":\"s\",\"auth\":\"none\",\"responses\":{\"404\":null}}",
      "{\"method\":\"GET\",\"path\":\"/x\",\"id\":\"x\",\"tag\":\"t\",\"summary\":\"s\",\"auth\":\"none\",\"responses\":{\"204\":null},\"problems\":[\"oops\"]}",
      "{\"method\":\"GET\",\"path\":\"/x\",\"id\":\"x\",\"tag\":\"t\",\"summary\":\"s\",\"auth\":\"none\",\"responses\":{\"204\":null},\"scpoe\":1}",
      "{\"method\":\"GET\",\"path\":\"/x\",\"id\":\"x\",\"tag\":\"t\",\"summary\":\"s\",\"auth\":\"user\",\"permission\":\"everything\",\"responses\":{\"204\":null}}",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char text[2000];
    const int n = snprintf(text, sizeof text, HEAD "%s]}]", bad[i]);
    struct api_table *t;
    struct err err = {0};
    if (api_table_parse(text, (size_t)n, &t, &err) == OK) fail_msg("accepted: %s", bad[i]);
    assert_true(err.msg[0] != '\0');
  }
}

#define CHANNEL(name, permission, events) "[{\"components\":{\"A\":{\"type\":\"string\"}},\"channels\":{\"" name "\":{\"summary\":\"s\",\"permission\":\"" permission "\",\"events\":" events "}}}]"
static bool fits(const struct api_table *t, const char *channel, const char *type, json_t *data) {
  struct schema_errors errors = {0};
  const bool ok = channel_documents(t, channel, type, data, &errors);
  assert_int_equal(errors.count > 0, !ok);
  json_decref(data);
  return ok;
}

static void channels(void **state) {
  (void)state;
  static const char text[] = CHANNEL("x:{id}", "bots.read", "{\"a\":{\"summary\":\"s\",\"data\":\"A\"},\"b\":{\"summary\":\"s\",\"data\":{\"type\":\"integer\"}}}");
  static const char plain[] = CHANNEL("x", "bots.read", "{\"a\":{\"summary\":\"s\",\"data\":\"A\"}}");
  static const char *const bad[] = {CHANNEL("x", "everything", "{\"a\":{\"summary\":\"s\",\"data\":\"A\"}}"), CHANNEL("x", "bots.read", "{}"), CHANNEL("x", "bots.read", "{\"a\":{\"data\":\"A\"}}"),
                                    CHANNEL("x", "bots.read", "{\"a\":{\"summary\":\"s\",\"data\":\"B\"}}")};
  struct api_table *t;
  struct err err;
  if (api_table_parse(text, sizeof text - 1, &t, &err) != OK) fail_msg("%s", err.msg);
  assert_true(fits(t, "x:7", "a", json_string("s")) && fits(t, "x:7", "b", json_integer(1)) && fits(t, "y", "c", json_null()));
  assert_false(fits(t, "x:7", "a", json_integer(1)) || fits(t, "x:7", "c", json_string("s")));
  api_table_destroy(t);
  if (api_table_parse(plain, sizeof plain - 1, &t, &err) != OK) fail_msg("%s", err.msg);
  assert_true(fits(t, "x", "a", json_string("s")) && fits(t, "xy", "a", json_integer(1)));
  assert_false(fits(t, "x", "a", json_integer(1)));
  api_table_destroy(t);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    err.msg[0] = '\0';
    if (api_table_parse(bad[i], strlen(bad[i]), &t, &err) == OK) fail_msg("accepted: %s", bad[i]);
    assert_true(err.msg[0] != '\0');
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(embedded), cmocka_unit_test(documents), cmocka_unit_test(refuses), cmocka_unit_test(channels)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

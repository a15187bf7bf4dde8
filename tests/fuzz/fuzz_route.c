// tests/fuzz/fuzz_route.c – any bytes as a request target: what is found has clean parameters that stand for exactly that path.
#include "api/format.h"
#include "api/query.h"
#include "api/router.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct router *router;
static struct schema_set *set;

static void setup(void) {
  static const char *const paths[] = {"/", "/a", "/a/{id}", "/a/b", "/a/{id}/c/{n}", "/a/{id}/c/{n}/d"};
  struct err err;
  enum status st = router_create(&router, &err);
  for (int i = 0; st == OK && i < 6; i++) st = router_add(router, ROUTE_GET, paths[i], i, &err);
  json_t *components = json_pack("{s:{s:s,s:i}, s:{s:s,s:i}}", "N", "type", "integer", "minimum", 0, "T", "type", "string", "maxLength", 20);
  if (st == OK) st = schema_set_create(components, &set, &err);
  json_decref(components);
  assert(st == OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!router) setup();
  const char *text = (const char *)data;
  const char *mark = memchr(text, '?', size);
  const size_t path_len = mark ? (size_t)(mark - text) : size;
  struct route_match m;
  if (router_find(router, ROUTE_GET, text, path_len, &m)) {
    assert(m.route >= 0 && m.route < 6 && m.param_count <= 2 && m.allowed == 1);
    for (int i = 0; i < m.param_count; i++) {
      size_t points;
      assert(m.params[i].len > 0 && strlen(m.params[i].value) == m.params[i].len);
      assert(format_utf8(m.params[i].value, m.params[i].len, &points));
      assert(!strpbrk(m.params[i].value, "/\\") && strcmp(m.params[i].value, "..") != 0 && strcmp(m.params[i].value, ".") != 0);
    }
  }
  if (!mark) return 0;
  const struct query_param params[] = {{"limit", schema_find(set, "N"), false, NULL}, {"q", schema_find(set, "T"), false, NULL}};
  struct schema_errors errors = {0};
  json_t *query;
  if (query_parse(mark + 1, size - path_len - 1, params, 2, &errors, &query)) {
    assert(json_object_size(query) <= 2 && errors.count == 0);
    json_decref(query);
  } else {
    assert(errors.count > 0);
  }
  return 0;
}

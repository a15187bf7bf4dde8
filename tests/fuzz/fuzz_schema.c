// tests/fuzz/fuzz_schema.c – any bytes as a request body against schemas with every keyword: no crash, errors that are complete, and
// a value that fits still fits after a round trip through text. With a first byte of 1 the bytes are a schema.
#include "api/schema.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char components[] =
    "{\"Order\":{\"type\":\"object\",\"required\":[\"symbol\",\"qty\"],\"properties\":{\"symbol\":{\"type\":\"string\",\"format\":\"symbol\"},"
    "\"qty\":{\"type\":\"string\",\"format\":\"decimal\"},\"side\":{\"enum\":[\"buy\",\"sell\"]},\"tags\":{\"type\":\"array\",\"maxItems\":3,\"uniqueItems\":true,"
    "\"items\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":4}},\"n\":{\"type\":[\"integer\",\"null\"],\"minimum\":-5,\"maximum\":5},"
    "\"mail\":{\"type\":\"string\",\"format\":\"email\"},\"at\":{\"type\":\"string\",\"format\":\"date-time\"},\"url\":{\"type\":\"string\",\"format\":\"uri\"},"
    "\"id\":{\"type\":\"string\",\"format\":\"id\",\"x-prefix\":\"ord\"},\"line\":{\"type\":\"string\",\"format\":\"line\"},\"cidr\":{\"type\":\"string\",\"format\":\"cidr\"},"
    "\"params\":{\"type\":\"object\",\"additionalProperties\":{\"type\":[\"number\",\"boolean\",\"string\"]},\"maxProperties\":3},"
    "\"children\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Order\"}},\"parent\":{\"anyOf\":[{\"$ref\":\"#/components/schemas/Order\"},{\"type\":\"null\"}]}}}}";

static void as_schema(const uint8_t *data, size_t size) {
  struct err err = {0};
  json_t *source;
  if (json_parse_strict((const char *)data, size, &source, &err) != OK) return;
  json_t *all = json_object();
  json_object_set_new(all, "A", source);
  struct schema_set *set;
  if (schema_set_create(all, &set, &err) == OK) {
    struct schema_errors errors = {0};
    assert(schema_check(schema_find(set, "A"), source, &errors) == (errors.count == 0));
    schema_set_destroy(set);
  } else {
    assert(err.msg[0]);
  }
  json_decref(all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct schema_set *set;
  struct err err = {0};
  if (!set) {
    json_t *all;
    enum status st = json_parse_strict(components, sizeof components - 1, &all, &err);
    if (st == OK) st = schema_set_create(all, &set, &err);
    assert(st == OK);
    json_decref(all);
  }
  if (size > 0 && data[0] == 1) {
    as_schema(data + 1, size - 1);
    return 0;
  }
  json_t *v;
  if (json_parse_strict((const char *)data, size, &v, &err) != OK) {
    assert(err.msg[0]);
    return 0;
  }
  struct schema_errors errors = {0};
  const bool fits = schema_check(schema_find(set, "Order"), v, &errors);
  assert(fits == (errors.count == 0) && errors.count <= SCHEMA_ERRORS_MAX);
  for (int i = 0; i < errors.count; i++) assert(errors.items[i].message[0] && (!errors.items[i].pointer[0] || errors.items[i].pointer[0] == '/'));
  char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
  json_t *again;
  enum status st = json_parse_strict(text, strlen(text), &again, &err);
  assert(st == OK);
  struct schema_errors second = {0};
  assert(schema_check(schema_find(set, "Order"), again, &second) == fits);
  json_decref(again);
  free(text);
  json_decref(v);
  return 0;
}

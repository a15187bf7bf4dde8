// Tests of api/schema.h and api/format.h: what fits, what does not and where, and that no schema is half understood.
#include "api/format.h"
#include "api/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json_t *parse(const char *text) {
  json_t *v = NULL;
  struct err err;
  if (json_parse_strict(text, strlen(text), &v, &err) != OK) fail_msg("%s: %s", text, err.msg);
  return v;
}

// A set whose component "S" is the given schema beside a few helpers.
static struct schema_set *set_of(const char *schema, struct err *err) {
  json_t *components = parse("{\"Leaf\": {\"type\": \"string\", \"maxLength\": 3},"
                             " \"Tree\": {\"type\": \"object\", \"properties\": {\"kids\": {\"type\": \"array\", \"items\": {\"$ref\": \"#/components/schemas/Tree\"}}}}}");
  json_object_set_new(components, "S", parse(schema));
  struct schema_set *set = NULL;
  enum status st = schema_set_create(components, &set, err);
  json_decref(components);
  return st == OK ? set : NULL;
}

static void check_one(const char *schema, const char *value, const char *pointer, const char *message) {
  struct err err;
  struct schema_set *set = set_of(schema, &err);
  if (!set) fail_msg("%s: %s", schema, err.msg);
  json_t *v = parse(value);
  struct schema_errors errors = {0};
  const bool fits = schema_check(schema_find(set, "S"), v, &errors);
  if (!pointer) {
    if (!fits) fail_msg("%s does not fit %s: %s %s", value, schema, errors.items[0].pointer, errors.items[0].message);
    assert_int_equal(errors.count, 0);
  } else {
    if (fits) fail_msg("%s fits %s", value, schema);
    assert_string_equal(errors.items[0].pointer, pointer);
    if (!strstr(errors.items[0].message, message)) fail_msg("%s: %s", value, errors.items[0].message);
  }
  json_decref(v);
  schema_set_destroy(set);
}

static void check_values(void **state) {
  (void)state;
  static const struct { const char *schema, *value, *pointer, *message; } cases[] = {
      {"{\"type\":\"integer\",\"minimum\":1,\"maximum\":10}", "1", NULL, NULL},
      {"{\"type\":\"integer\",\"minimum\":1,\"maximum\":10}", "0", "", "at least 1"},
      {"{\"type\":\"integer\",\"minimum\":1,\"maximum\":10}", "11", "", "at most 10"},
      {"{\"type\":\"integer\"}", "1.0", NULL, NULL},
      {"{\"type\":\"integer\"}", "1.5", "", "must be integer"},
      {"{\"type\":\"number\"}", "1", NULL, NULL},
      {"{\"type\":[\"string\",\"null\"]}", "null", NULL, NULL},
      {"{\"type\":[\"string\",\"null\"]}", "true", "", "must be null or string"},
      {"{\"type\":\"string\",\"minLength\":2,\"maxLength\":3}", "\"\\u20ac\\u20ac\\u20ac\"", NULL, NULL},
      {"{\"type\":\"string\",\"minLength\":2,\"maxLength\":3}", "\"\\ud83d\\ude00\"", "", "at least 2 characters"},
      {"{\"type\":\"string\",\"maxLength\":3}", "\"abcd\"", "", "at most 3"},
      {"{\"enum\":[\"a\",\"b\",3]}", "3", NULL, NULL},
      {"{\"enum\":[\"a\",\"b\",3]}", "\"c\"", "", "one of \"a\", \"b\", 3"},
      {"{\"const\":\"a\"}", "\"b\"", "", "must be \"a\""},
      {"{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Leaf\"},\"maxItems\":2,\"uniqueItems\":true}", "[\"a\",\"b\"]", NULL, NULL},
      {"{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Leaf\"},\"maxItems\":2}", "[\"a\",\"bcde\"]", "/1", "at most 3"},
      {"{\"type\":\"array\",\"items\":{},\"maxItems\":2,\"uniqueItems\":true}", "[1,1]", "/1", "twice"},
      {"{\"type\":\"array\",\"maxItems\":2,\"minItems\":1}", "[]", "", "at least 1 item"},
      {"{\"type\":\"array\",\"maxItems\":2}", "[1,2,3]", "", "at most 2 items"},
      {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}},\"required\":[\"a\"]}", "{}", "/a", "required"},
      {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}},\"required\":[\"a\"]}", "{\"a\":\"\"}", "/a", "must be integer"},
      {"{\"type\":\"object\",\"properties\":{}}", "{\"a/b~c\":1}", "/a~1b~0c", "not known"},
      {"{\"type\":\"object\",\"additionalProperties\":true}", "{\"x\":[1,{}]}", NULL, NULL},
      {"{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"},\"maxProperties\":1}", "{\"x\":1,\"y\":2}", "", "at most 1 members"},
      {"{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"}}", "{\"x\":\"\"}", "/x", "must be integer"},
      {"{\"anyOf\":[{\"$ref\":\"#/components/schemas/Leaf\"},{\"type\":\"null\"}]}", "null", NULL, NULL},
      {"{\"anyOf\":[{\"$ref\":\"#/components/schemas/Leaf\"},{\"type\":\"null\"}]}", "\"abcd\"", "", "at most 3"},
      {"{\"anyOf\":[{\"$ref\":\"#/components/schemas/Leaf\"},{\"type\":\"null\"}]}", "1", "", "must be string"},
      {"{\"$ref\":\"#/components/schemas/Tree\"}", "{\"kids\":[{\"kids\":[{}]},{}]}", NULL, NULL},
      {"{\"$ref\":\"#/components/schemas/Tree\"}", "{\"kids\":[{\"kids\":[{\"kids\":1}]}]}", "/kids/0/kids/0/kids", "array"},
      {"{\"type\":\"string\",\"format\":\"id\",\"x-prefix\":\"str\"}", "\"str_0D3ABCDEFGH12\"", NULL, NULL},
      {"{\"type\":\"string\",\"format\":\"id\",\"x-prefix\":\"str\"}", "\"usr_0D3ABCDEFGH12\"", "", "must be an id"},
      {"{\"type\":\"string\",\"format\":\"decimal\"}", "\"0.10\"", NULL, NULL},
      {"{\"type\":\"string\",\"format\":\"decimal\"}", "\"1e5\"", "", "decimal"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_one(cases[i].schema, cases[i].value, cases[i].pointer, cases[i].message);
}

static void collects_up_to_a_bound(void **state) {
  (void)state;
  struct err err;
  struct schema_set *set = set_of("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"type\":\"string\"},\"c\":{}},\"required\":[\"c\"]}", &err);
  assert_non_null(set);
  json_t *v = parse("{\"a\":\"x\",\"b\":1,\"z\":0}");
  struct schema_errors errors = {0};
  assert_false(schema_check(schema_find(set, "S"), v, &errors));
  assert_int_equal(errors.count, 4);
  json_decref(v);
  v = json_object();
  for (int i = 0; i < 1000; i++) {
    char key[300];
    memset(key, '~', sizeof key);
    snprintf(key + 280, sizeof key - 280, "%d", i);
    json_object_set_new(v, key, json_null());
  }
  errors.count = 0;
  assert_false(schema_check(schema_find(set, "S"), v, &errors));
  assert_int_equal(errors.count, SCHEMA_ERRORS_MAX);
  json_decref(v);
  schema_set_destroy(set);
}

static void refuses_schemas(void **state) {
  (void)state;
  static const char *const bad[] = {
      "{\"type\":\"strnig\"}", "{\"typ\":\"string\"}", "{\"type\":[]}", "[]", "{\"format\":\"rot13\"}", "{\"format\":\"id\"}",
      "{\"$ref\":\"#/components/schemas/Nothing\"}", "{\"$ref\":\"#/components/schemas/S\"}", "{\"required\":[\"x\"]}",
      "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"integer\"}]}", "{\"anyOf\":[{\"$ref\":\"#/components/schemas/S\"},{\"type\":\"null\"}]}",
      "{\"$ref\":\"#/components/schemas/Leaf\",\"maxLength\":1}", "{\"pattern\":\"(a+)+\"}", "{\"minLength\":-1}", "{\"enum\":1}",
      "{\"type\":\"array\",\"uniqueItems\":true}", "{\"properties\":{\"a\":{\"b\":1}}}"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct err err = {0};
    struct schema_set *set = set_of(bad[i], &err);
    if (set) fail_msg("accepted: %s", bad[i]);
    assert_true(err.msg[0] != '\0');
  }
}

static void text_values(void **state) {
  (void)state;
  struct err err;
  struct schema_set *set = set_of("{\"type\":\"integer\",\"minimum\":1}", &err);
  assert_non_null(set);
  static const struct { const char *text; int want; } cases[] = {{"7", 7}, {"0", 0}, {" 7", 0}, {"7 ", 7}, {"7x", 0}, {"", 0}, {"1.5", 0}, {"99999999999999999999", 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct schema_errors errors = {0};
    json_t *v = NULL;
    assert_int_equal(schema_check_text(schema_find(set, "S"), cases[i].text, strlen(cases[i].text), "?n", &errors, &v), cases[i].want != 0);
    if (v) assert_int_equal(json_integer_value(v), cases[i].want);
    else assert_string_equal(errors.items[0].pointer, "?n");
    json_decref(v);
  }
  schema_set_destroy(set);
}

static void strict_json(void **state) {
  (void)state;
  static const char *const bad[] = {"", "{", "{\"a\":1,\"a\":2}", "{} {}", "\"\\u0000\"", "\"\xff\"", "\"\\ud800\"", "01", "1e999", "99999999999999999999",
                                    "NaN", "{'a':1}", "[1,]", "// x\n1", "\xef\xbb\xbf{}", "tru"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    json_t *v;
    struct err err;
    if (json_parse_strict(bad[i], strlen(bad[i]), &v, &err) == OK) fail_msg("accepted: %s", bad[i]);
  }
  char deep[200] = {0};
  memset(deep, '[', 32), memset(deep + 32, ']', 32);
  json_decref(parse(deep));
  memset(deep, '[', 33), memset(deep + 33, ']', 33);
  json_t *v;
  struct err err;
  assert_int_equal(json_parse_strict(deep, 66, &v, &err), ERR_LIMIT);
  json_decref(parse("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[\""));
}

static void formats(void **state) {
  (void)state;
  static const struct { const char *format, *text; bool fits; } cases[] = {
      {"email", "a@b.example", true}, {"email", "a.b+c@sub.example.org", true}, {"email", "a@b", true}, {"email", "a@@b", false},
      {"email", "a b@c.d", false}, {"email", "@b.c", false}, {"email", "a@b.", false}, {"email", "a@-b.c", false}, {"email", "a@b\r\nX: y", false},
      {"email", ".a@b.c", false}, {"decimal", "0", true}, {"decimal", "-12.50", true}, {"decimal", "01", false}, {"decimal", "1.", false},
      {"decimal", ".5", false}, {"decimal", "+1", false}, {"decimal", "1e3", false}, {"decimal", "", false}, {"decimal", "9999999999999999999", false},
      {"decimal", "NaN", false}, {"uri", "https://example.org/x?y=1", true}, {"uri", "http://[::1]:80/", true}, {"uri", "ftp://x.y", false},
      {"uri", "https://a b", false}, {"uri", "https://", false}, {"uri", "javascript:alert(1)", false}, {"date-time", "2026-02-28T23:59:59Z", true},
      {"date-time", "2024-02-29T00:00:00.5+02:00", true}, {"date-time", "2026-02-29T00:00:00Z", false}, {"date-time", "2026-13-01T00:00:00Z", false},
      {"date-time", "2026-01-01 00:00:00Z", false}, {"date-time", "2026-01-01T00:00:00", false}, {"line", "Žluťoučký kůň", true}, {"line", "a\nb", false},
      {"line", " a", false}, {"line", "a\xe2\x80\xae""b", false}, {"line", "a\xc2\x85", false}, {"line", "\xe2\x82\xac\xe2\x80", false},
      {"token", "abc-_.~", true}, {"token", "a/b", false}, {"token", "", false}, {"name", "sma_cross", true}, {"name", "Sma", false}, {"name", "../x", false},
      {"symbol", "BTCUSDT", true}, {"symbol", "BTC/USDT", false}, {"symbol", "..", false}, {"timeframe", "15m", true}, {"timeframe", "0m", false},
      {"timeframe", "m", false}, {"totp", "012345", true}, {"totp", "12345", false}, {"cidr", "10.0.0.0/8", true}, {"cidr", "::1", true},
      {"cidr", "10.0.0.0/", false}, {"cidr", "x", false}, {"sha256", "00", false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const struct format *f = format_find(cases[i].format);
    assert_non_null(f);
    if (f->check(cases[i].text, strlen(cases[i].text)) != cases[i].fits) fail_msg("%s %s", cases[i].format, cases[i].text);
  }
  assert_false(format_id("str_ZD3ABCDEFGH12", 17, "str"));  // beyond 63 bits
  assert_false(format_id("str_0D3ABCDEFGHI2", 17, "str"));  // I is not a digit
  assert_false(format_id("str_0d3abcdefgh12", 17, "str"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(check_values), cmocka_unit_test(collects_up_to_a_bound), cmocka_unit_test(refuses_schemas),
      cmocka_unit_test(text_values),  cmocka_unit_test(strict_json),            cmocka_unit_test(formats),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

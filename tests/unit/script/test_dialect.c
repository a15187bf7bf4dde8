// Dialects: the header, exact numbers, secrets, and what holds whatever the Lua says: answers nobody understands, shapes, budgets.
#include "dialect_source.h"
#include "script/dialect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct dialect_env env = {.now_ms = 1700000000000};

static struct dialect *make(const char *source) {
  struct err err = {0};
  struct dialect *d = NULL;
  if (dialect_create("d.lua", source, strlen(source), NULL, &d, &err) != OK) fail_msg("%s", err.msg);
  return d;
}

static void refused(const char *source, const char *words) {
  struct err err = {0};
  struct dialect *d;
  assert_int_equal(dialect_create("d.lua", source, strlen(source), NULL, &d, &err), ERR_SCRIPT);
  if (strstr(err.msg, words) == NULL) fail_msg("expected \"%s\" in: %s", words, err.msg);
}

static void header(void **state) {
  (void)state;
  struct dialect *d = make(DIALECT_TINY);
  const struct dialect_info *i = dialect_info(d);
  assert_string_equal(i->name, "tiny");
  assert_string_equal(i->environments[0].rest, "https://tiny.example");
  assert_int_equal(i->ops, 1u << DIALECT_TICKER | 1u << DIALECT_CREATE_ORDER);
  assert_int_equal(i->client_id_max, 31);
  json_t *o = dialect_info_json(i);
  assert_string_equal(json_string_value(json_array_get(json_object_get(o, "ops"), 0)), "create_order");
  json_decref(o);
  dialect_destroy(d);
  refused("dialect{" DIALECT_HEAD "}\nfunction request() end", "must define the function response");
  refused("dialect{" DIALECT_HEAD ", budgts={}}\n" DIALECT_FUNCTIONS, "did you mean 'budgets'");
  refused("dialect{" DIALECT_HEAD ", capabilities={ammend=true}}\n" DIALECT_FUNCTIONS, "did you mean 'amend'");
  refused("dialect{" DIALECT_HEAD ", capabilities={amend={'moon'}}}\n" DIALECT_FUNCTIONS, "true or a list of categories");
  refused("dialect{" DIALECT_HEAD ", errors={X={why='fund', action='fatal'}}}\n" DIALECT_FUNCTIONS, "did you mean 'funds'");
  refused("dialect{" DIALECT_HEAD ", errors={X={why='funds', action='fatal', cancel='done'}}}\n" DIALECT_FUNCTIONS, "unknown 'cancel'");
  refused("dialect{" DIALECT_HEAD ", credentials={'key'}}\n" DIALECT_FUNCTIONS, "must define the function sign");
  refused("dialect{name='x', api=1, environments={live={rest='http://x'}}, categories={'spot'}, ops={'ticker'}}\n" DIALECT_FUNCTIONS, "must begin with https://");
  refused("dialect{name='x', api=1, environments={live={rest='https://x/v1'}}, categories={'spot'}, ops={'ticker'}}\n" DIALECT_FUNCTIONS, "without a path");
  refused("x = 1", "no header");
  static const char by_category[] = "dialect{name='two', api=1, environments={live={rest='https://x'}}, categories={'linear', 'spot'}, ops={'ticker'},\n"
                                    "  capabilities={amend=true, positions={'linear'}, stops={'spot', 'linear'}}}\n" DIALECT_FUNCTIONS;
  struct err err;
  assert_int_equal(dialect_create("two.lua", by_category, strlen(by_category), NULL, &d, &err), OK);
  const struct dialect_caps *linear = dialect_can(dialect_info(d), "linear"), *spot = dialect_can(dialect_info(d), "spot");
  assert_true(linear->amend && linear->positions && linear->stops && !linear->hedge);
  assert_true(spot->amend && !spot->positions && spot->stops);
  assert_ptr_equal(dialect_can(dialect_info(d), NULL), linear);
  dialect_destroy(d);
}

// ---- numbers

// The text that the Lua expression gives, as the path of a request.
static char *lua_text(const char *expression) {
  static char got[512];
  char source[4096];
  struct err err = {0};
  struct dialect_request r;
  snprintf(source, sizeof source, "dialect{" DIALECT_HEAD "}\nfunction response() end\nfunction request(op, a, env)\n"
    "local ok, v = pcall(function() return %s end)\n"
    "return {method='POST', path='/', body=ok and tostring(v) or 'error'}\nend", expression);
  struct dialect *d = make(source);
  json_t *args = json_pack("{s:s, s:I}", "qty", "0.1000000000000000055511151231257827", "id", (json_int_t)INT64_C(9007199254740993));
  enum status st = dialect_request(d, DIALECT_TICKER, args, &env, &r, &err);
  if (st != OK) fail_msg("%s: %s", expression, err.msg);
  snprintf(got, sizeof got, "%s", r.body);
  dialect_request_finish(&r);
  json_decref(args);
  dialect_destroy(d);
  return got;
}

static void exact_numbers(void **state) {
  (void)state;
  static const struct {
    const char *expression, *value;
  } cases[] = {{"decimal.add('0.1', '0.2')", "0.3"}, {"decimal.sub('1', '1.000')", "0"}, {"decimal.mul('0.00000001', '123456789.12345678')", "1.2345678912345678"},
    {"decimal.div('1', '3', 5)", "0.33333"}, {"decimal.div('2', '3', 5)", "0.66667"}, {"decimal.div('-2', '3', 2)", "-0.67"},
    {"decimal.div('1', '0', 2)", "error"}, {"decimal.trunc('0.0129999', '0.001')", "0.012"}, {"decimal.trunc('-0.0129999', '0.001')", "-0.012"},
    {"decimal.round('42000.537', '0.1')", "42000.5"}, {"decimal.round('0.25', '0.1')", "0.3"}, {"decimal.cmp('1.10', '1.1')", "0"},
    {"decimal.cmp('-2', 1)", "-1"}, {"decimal.shift(1, -4)", "0.0001"}, {"decimal.shift('1.5', 3)", "1500"}, {"decimal.norm('1e-7')", "0.0000001"},
    {"decimal.norm('1.20E3')", "1200"}, {"decimal.neg('0')", "0"}, {"decimal.norm('')", "error"}, {"decimal.norm('1,5')", "error"},
    {"decimal.norm('0x10')", "error"}, {"decimal.norm(0.5)", "error"}, {"decimal.sign('abc')", "nil"}, {"decimal.sign('-0.0')", "0"},
    {"decimal.mul('99999999999999999999', '99999999999999999999')", "error"}, {"decimal.trunc('1', '0')", "error"},
    {"decimal.norm('00.5000')", "0.5"}, {"decimal.add('99999999999999999999999999', '0.0000000001')", "99999999999999999999999999.0000000001"},
    {"a.qty", "0.1000000000000000055511151231257827"}, {"a.id", "9007199254740993"},
    // JSON: numbers are integers within 2^53, or else their text
    {"json.decode('0.10')", "0.10"}, {"json.decode('9007199254740993')", "9007199254740993"}, {"math.type(json.decode('9007199254740992'))", "integer"},
    {"type(json.decode('9007199254740993'))", "string"}, {"json.decode('1e3')", "1e3"}, {"json.decode('01')", "nil"}, {"json.decode('[1,]')", "nil"},
    {"json.decode('{\"a\":null}').a", "nil"}, {"json.decode('[null,2]')[1]", "false"}, {"json.decode('\"\\\\u20ac\\\\n\"')", "\xe2\x82\xac\n"},
    {"json.decode('\"\\\\ud83d\\\\ude00\"')", "\xf0\x9f\x98\x80"}, {"json.decode('\"\\\\ud83d\"')", "nil"}, {"json.decode('\"\\\\x\"')", "nil"},
    {"json.decode(('['):rep(17) .. (']'):rep(17))", "nil"}, {"#json.decode(('['):rep(15) .. '1,2' .. (']'):rep(15))", "1"},
    {"json.encode{b=1, a={'x', true}, c={}}", "{\"a\":[\"x\",true],\"b\":1,\"c\":[]}"}, {"json.encode('q\"\\\\\\1')", "\"q\\\"\\\\\\u0001\""},
    {"json.encode{0.5}", "error"}, {"json.encode{p=json.number('0.10')}", "{\"p\":0.10}"}, {"json.number('1e5')", "error"},
    {"url.query{{'a', 'x y&'}, {'b'}, {'c', 1}, false}", "a=x%20y%26&c=1"}, {"text.base64('Ma')", "TWE="}, {"text.hex('\\255a')", "ff61"},
    {"os", "error"}, {"io", "error"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *got = lua_text(cases[i].expression);
    if (strcmp(got, cases[i].value) != 0) fail_msg("%s: expected %s, got %s", cases[i].expression, cases[i].value, got);
  }
}

// ---- secrets

static const struct dialect_secret secret = {.key = "Aladdin", .secret = "open sesame", .passphrase = "pa\"ss"};

static enum status sign(const char *body_of_sign, struct dialect_request *r, struct err *err) {
  char source[4096];
  snprintf(source, sizeof source, "dialect{" DIALECT_HEAD ", credentials={'key', 'secret'}}\n" DIALECT_FUNCTIONS "function sign(r, cred, env)\n%s\nend", body_of_sign);
  struct dialect *d = make(source);
  enum status st = dialect_request(d, DIALECT_CREATE_ORDER, NULL, &env, r, err);
  if (st == OK) st = dialect_sign(d, r, &secret, &env, err);
  dialect_destroy(d);
  return st;
}

static void revealed(const char *text, bool json, const char *want) {
  struct buf b;
  buf_init_secret(&b, 1024);
  dialect_reveal(text, strlen(text), json, &secret, &b);
  assert_false(b.failed);
  assert_string_equal(b.data, want);
  buf_finish(&b);
}

static void secrets(void **state) {
  (void)state;
  struct dialect_request r;
  struct err err = {0};
  // RFC 7617's own example
  assert_int_equal(sign("return {headers={Authorization=cred:basic()}}", &r, &err), OK);
  assert_null(strstr(r.headers[0].value, "sesame"));
  revealed(r.headers[0].value, false, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  dialect_request_finish(&r);
  assert_int_equal(sign("return {headers={P=cred:passphrase_placeholder(), K=cred.key}, query='sig=1'}", &r, &err), OK);
  assert_string_equal(r.headers[0].name, "K");
  assert_string_equal(r.query, "sig=1");
  revealed(r.headers[1].value, false, "pa\"ss");
  revealed(r.headers[1].value, true, "pa\\\"ss");
  dialect_request_finish(&r);
  static const char *const thieves[] = {"return {headers={X=cred.secret}}", "return {headers={X=tostring(cred)}}", "for k, v in pairs(cred) do end",
    "kept = cred return {headers={X='1\\n2'}}", "return {headers={['X:']='1'}}", "return {headers={X=getmetatable(cred).__index(cred, 'secret')}}",
    "return {headers={X='\\127secret'}}", "return {query='a b'}"};
  for (size_t i = 0; i < sizeof thieves / sizeof *thieves; i++) {
    enum status st = sign(thieves[i], &r, &err);
    for (int k = 0; st == OK && k < r.header_count; k++) assert_null(strstr(r.headers[k].value, "sesame"));
    if (strstr(thieves[i], "tostring") == NULL && strstr(thieves[i], "127") == NULL) assert_int_equal(st, ERR_SCRIPT);
    dialect_request_finish(&r);
  }
  struct buf b;  // a mark that is nobody's is never sent
  buf_init(&b, 100);
  dialect_reveal("\x7fsecret", 7, false, &secret, &b);
  assert_true(b.failed);
  buf_finish(&b);
  // a placeholder cannot come from outside
  struct dialect *d = make(DIALECT_TINY);
  json_t *args = json_pack("{s:s}", "symbol", "\x7fsecret\x7f");
  assert_int_equal(dialect_request(d, DIALECT_TICKER, args, &env, &r, &err), ERR_SCRIPT);
  dialect_request_finish(&r);
  json_decref(args);
  args = json_pack("{s:f}", "qty", 0.1);
  assert_int_equal(dialect_request(d, DIALECT_TICKER, args, &env, &r, &err), ERR_SCRIPT);
  assert_non_null(strstr(err.msg, "decimal texts"));
  json_decref(args);
  dialect_request_finish(&r);
  dialect_destroy(d);
}

// RFC 4231, test case 2: its key is a text, its answer known.
static void hmac(void **state) {
  (void)state;
  struct dialect_request r;
  struct err err = {0};
  const struct dialect_secret jefe = {.key = "k", .secret = "Jefe"};
  struct dialect *d = make("dialect{" DIALECT_HEAD ", credentials={'key', 'secret'}}\n" DIALECT_FUNCTIONS
    "function sign(r, cred) kept = cred return {headers={A=cred:hmac_sha256_hex('what do ya want for nothing?'), B=cred:hmac_sha256_base64('what do ya want for nothing?')}} end");
  assert_int_equal(dialect_request(d, DIALECT_CREATE_ORDER, NULL, &env, &r, &err), OK);
  assert_int_equal(dialect_sign(d, &r, &jefe, &env, &err), OK);
  assert_string_equal(r.headers[0].value, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  assert_string_equal(r.headers[1].value, "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
  dialect_request_finish(&r);
  dialect_destroy(d);
}

// ---- requests that are refused

static void bad_requests(void **state) {
  (void)state;
  static const char *const bad[] = {"{method='GRAB', path='/'}", "{method='GET', path='x'}", "{method='GET', path='/a b'}", "{method='GET', path='/a?b=1'}",
    "{method='GET'}", "{method='POST', path='/', safe=true}", "{method='POST', path='/', body={0.5}}", "{method='POST', path='/', headers={A=1}}",
    "{method='POST', path='/', headers={A='x\\r\\nB: y'}}", "{method='POST', path='/', body='\\127secret\\127'}", "error('no')", "({}).x.y"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char source[2048];
    struct dialect_request r;
    struct err err = {0};
    snprintf(source, sizeof source, "dialect{" DIALECT_HEAD "}\nfunction response() end\nfunction request() return %s end", bad[i]);
    struct dialect *d = make(source);
    enum status st = dialect_request(d, DIALECT_CREATE_ORDER, NULL, &env, &r, &err);
    if (st != ERR_SCRIPT) fail_msg("%s: %d", bad[i], (int)st);
    dialect_request_finish(&r);
    dialect_destroy(d);
  }
  struct dialect *d = make("dialect{" DIALECT_HEAD "}\nfunction response() end\nfunction request(op) return nil, 'not on Sundays' end");
  struct dialect_request r;
  struct err err = {0};
  assert_int_equal(dialect_request(d, DIALECT_TICKER, NULL, &env, &r, &err), ERR_NOTFOUND);
  assert_non_null(strstr(err.msg, "not on Sundays"));
  dialect_request_finish(&r);
  assert_int_equal(dialect_request(d, DIALECT_FILLS, NULL, &env, &r, &err), ERR_NOTFOUND);
  dialect_request_finish(&r);
  struct dialect_env other = {.environment = "demo"};
  assert_int_equal(dialect_request(d, DIALECT_TICKER, NULL, &other, &r, &err), ERR_SCRIPT);
  dialect_request_finish(&r);
  dialect_destroy(d);
}

// ---- answers

#define JUDGE                                                                                                                        \
  "dialect{" DIALECT_HEAD ", errors={[1]={why='funds', action='fatal'}, Slow={why='throttled', action='throttle', create_order='unknown'}, " \
  "Same={why='unchanged', action='ok'}}}\nfunction request() end\n"                                                                  \
  "function response(op, status, body, args) if type(body) ~= 'table' then return {error={code='?'}} end\n"                         \
  "if body.code then return {error={code=body.code, text=body.text, why=body.why, action=body.action}} end\n"                       \
  "if body.run then while true do end end if body.eat then local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1000) .. i end end\n"     \
  "return {ok=true, data=body.data, next=body.next} end\n"

static void answers(void **state) {
  (void)state;
  static const struct {
    enum dialect_op op;
    int status;
    const char *body;
    enum dialect_action action;
    const char *why;
    enum status st;
  } cases[] = {
    {DIALECT_CREATE_ORDER, 200, "{\"data\":{\"id\":\"1\"}}", DIALECT_IS_OK, "none", OK},
    {DIALECT_CREATE_ORDER, 400, "{\"code\":1}", DIALECT_IS_FATAL, "funds", OK},
    {DIALECT_CREATE_ORDER, 200, "{\"code\":\"1\"}", DIALECT_IS_FATAL, "funds", OK},
    {DIALECT_CREATE_ORDER, 503, "{\"code\":1}", DIALECT_IS_UNKNOWN, "funds", OK},          // 5xx: unknown, whatever it says
    {DIALECT_CREATE_ORDER, 503, "{\"data\":{}}", DIALECT_IS_UNKNOWN, "request", OK},
    {DIALECT_CREATE_ORDER, 400, "{\"code\":2}", DIALECT_IS_UNKNOWN, "other", OK},          // a code nobody knows
    {DIALECT_TICKER, 400, "{\"code\":2}", DIALECT_IS_FATAL, "other", OK},
    {DIALECT_TICKER, 400, "{\"code\":\"Slow\"}", DIALECT_IS_THROTTLE, "throttled", OK},
    {DIALECT_CREATE_ORDER, 400, "{\"code\":\"Slow\"}", DIALECT_IS_UNKNOWN, "throttled", OK},
    {DIALECT_TICKER, 400, "{\"code\":\"Same\"}", DIALECT_IS_OK, "unchanged", OK},
    {DIALECT_TICKER, 400, "{\"code\":2,\"why\":\"price\",\"action\":\"retry\"}", DIALECT_IS_RETRY, "price", OK},
    {DIALECT_CREATE_ORDER, 400, "{\"code\":2,\"why\":\"weather\"}", DIALECT_IS_UNKNOWN, "request", ERR_SCRIPT},
    {DIALECT_CREATE_ORDER, 400, "{\"code\":2,\"action\":\"resend\"}", DIALECT_IS_UNKNOWN, "request", ERR_SCRIPT},
    {DIALECT_CREATE_ORDER, 200, "<html>", DIALECT_IS_UNKNOWN, "other", OK},
    {DIALECT_CREATE_ORDER, 200, "{\"data\":{\"id\":\"1\"}", DIALECT_IS_UNKNOWN, "other", OK},  // cut
    {DIALECT_CREATE_ORDER, 200, "", DIALECT_IS_UNKNOWN, "other", OK},
    {DIALECT_CREATE_ORDER, 200, "{\"data\":{\"id\":1}}", DIALECT_IS_UNKNOWN, "request", ERR_SCRIPT},  // an id is a text
    {DIALECT_CREATE_ORDER, 200, "{\"data\":{\"uid\":\"1\"}}", DIALECT_IS_UNKNOWN, "request", ERR_SCRIPT},
    {DIALECT_TICKER, 200, "{\"data\":{\"symbol\":\"X\",\"last\":\"1.5\"}}", DIALECT_IS_OK, "none", OK},
    {DIALECT_TICKER, 200, "{\"data\":{\"symbol\":\"X\",\"last\":1.5}}", DIALECT_IS_OK, "none", OK},
    {DIALECT_TICKER, 200, "{\"data\":{\"symbol\":\"X\",\"last\":\"1,5\"}}", DIALECT_IS_FATAL, "request", ERR_SCRIPT},
    {DIALECT_TICKER, 200, "{\"data\":{\"last\":\"1\"}}", DIALECT_IS_FATAL, "request", ERR_SCRIPT},
    {DIALECT_TICKER, 200, "{\"data\":[]}", DIALECT_IS_FATAL, "request", ERR_SCRIPT},
    {DIALECT_OPEN_ORDERS, 200, "{\"data\":[{\"symbol\":\"X\",\"status\":\"open\"}]}", DIALECT_IS_OK, "none", OK},
    {DIALECT_OPEN_ORDERS, 200, "{\"data\":[{\"symbol\":\"X\",\"status\":\"?Weird\"}]}", DIALECT_IS_FATAL, "request", ERR_SCRIPT},
    {DIALECT_OPEN_ORDERS, 200, "{\"data\":[{\"symbol\":\"X\",\"status\":\"ope\"}]}", DIALECT_IS_FATAL, "request", ERR_SCRIPT},
    {DIALECT_CREATE_ORDER, 200, "{\"run\":1}", DIALECT_IS_UNKNOWN, "request", ERR_BUDGET},
    {DIALECT_CREATE_ORDER, 200, "{\"eat\":1}", DIALECT_IS_UNKNOWN, "request", ERR_BUDGET},
    {DIALECT_CREATE_ORDER, 200, "{\"data\":{\"id\":\"2\"}}", DIALECT_IS_OK, "none", OK},  // the next call works
  };
  struct dialect *d = make(JUDGE);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct dialect_answer a;
    struct err err = {0};
    enum status st = dialect_response(d, cases[i].op, cases[i].status, cases[i].body, strlen(cases[i].body), NULL, &a, &err);
    if (st != cases[i].st || a.action != cases[i].action || strcmp(a.why, cases[i].why) != 0)
      fail_msg("%s %s: %d %s %s: %s", dialect_op_text(cases[i].op), cases[i].body, (int)st, dialect_action_text(a.action), a.why, err.msg);
    assert_int_equal(a.data != NULL, a.action == DIALECT_IS_OK && strcmp(a.why, "none") == 0);
    dialect_answer_finish(&a);
  }
  assert_true(dialect_explains(d, "1") && !dialect_explains(d, "2"));
  struct dialect_answer a;
  char text[] = "{\"code\":2,\"text\":\"bad\\u001b[31m \\u202e words\"}";
  assert_int_equal(dialect_response(d, DIALECT_TICKER, 400, text, strlen(text), NULL, &a, NULL), OK);
  assert_null(strchr(a.text, 27));
  dialect_answer_finish(&a);
  dialect_destroy(d);
}

// ---- frames

static void frames(void **state) {
  (void)state;
  struct dialect *d = make("dialect{name='t', api=1, environments={live={rest='https://t', private_ws='wss://t/u'}}, categories={'spot'}, ops={'ticker'}}\n"
    DIALECT_FUNCTIONS "function streams(kind) if kind == 'private' then return {url='wss://t/u', subscribe={'a'}} end return nil, 'nothing public' end\n"
    "function frame(kind, m) if type(m) == 'string' then return {type='pong'} end return m.events end");
  json_t *events;
  struct err err = {0};
  const char *mixed = "{\"events\":[{\"type\":\"order\",\"symbol\":\"X\",\"status\":\"filled\",\"kind\":\"limit\"},{\"type\":\"order\",\"symbol\":\"X\",\"status\":\"New\"},"
                      "{\"type\":\"dance\"},{\"type\":\"book\",\"bids\":[{\"price\":\"x\"}]},{\"type\":\"fill\",\"symbol\":\"X\",\"kind\":\"trade\",\"qty\":\"1\"}]}";
  assert_int_equal(dialect_frame(d, "private", mixed, strlen(mixed), &events, &err), OK);
  static const char *const types[] = {"order", "error", "error", "error", "fill"};
  assert_int_equal(json_array_size(events), 5);
  for (size_t i = 0; i < 5; i++) assert_string_equal(json_string_value(json_object_get(json_array_get(events, i), "type")), types[i]);
  assert_non_null(strstr(json_string_value(json_object_get(json_array_get(events, 1), "text")), "order.status: 'New'"));
  json_decref(events);
  assert_int_equal(dialect_frame(d, "private", "pong", 4, &events, &err), OK);
  assert_int_equal(json_array_size(events), 1);
  json_decref(events);
  assert_int_equal(dialect_frame(d, "private", "{}", 2, &events, &err), ERR_SCRIPT);  // no list
  assert_null(events);
  json_t *list;
  assert_int_equal(dialect_streams(d, "private", NULL, NULL, &env, &list, &err), OK);
  assert_int_equal(json_array_size(list), 1);
  json_decref(list);
  assert_int_equal(dialect_streams(d, "public", NULL, NULL, &env, &list, &err), ERR_NOTFOUND);
  assert_null(list);
  dialect_destroy(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(header), cmocka_unit_test(exact_numbers), cmocka_unit_test(secrets), cmocka_unit_test(hmac),
    cmocka_unit_test(bad_requests), cmocka_unit_test(answers), cmocka_unit_test(frames)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

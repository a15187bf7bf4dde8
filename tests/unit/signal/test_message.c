// Messages of senders as signals: JSON by usual names and by a mapping, text, times, numbers, what is refused, and what makes two deliveries one.
#include "signal/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// The signal without raw, as sorted JSON; or "! " and the error.
static char *read_as(const char *body, const char *mapping) {
  static char out[2000];
  struct err err;
  json_t *signal = NULL, *map = mapping ? json_loads(mapping, 0, NULL) : NULL;
  if (message_read(body, strlen(body), map, &signal, &err) != OK) {
    snprintf(out, sizeof out, "! %s", err.msg);
  } else {
    assert_string_equal(json_string_value(json_object_get(signal, "raw")), body);
    json_object_del(signal, "raw");
    char *text = json_dumps(signal, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(12));
    snprintf(out, sizeof out, "%s", text);
    free(text);
  }
  json_decref(signal);
  json_decref(map);
  return out;
}

static void usual_names(void **state) {
  (void)state;
  // TradingView's placeholders as its manual shows them
  assert_string_equal(read_as("{\"ticker\":\"BTCUSDT\",\"strategy\":{\"order\":{\"action\":\"BUY\",\"contracts\":\"0.5\",\"price\":43000.5}},\"time\":\"2026-03-30T07:00:00Z\",\"close\":43001}", NULL),
    "{\"action\":\"buy\",\"price\":43001.0,\"size\":0.5,\"symbol\":\"BTCUSDT\",\"ts\":1774854000000}");
  assert_string_equal(read_as("{\"symbol\":\"EURUSD\",\"side\":\"sell\",\"lots\":0.1,\"sl\":1.1,\"tp\":\"1.05\",\"magic\":77,\"id\":\"a-1\"}", NULL),
    "{\"action\":\"sell\",\"id\":\"a-1\",\"key\":\"77\",\"size\":0.1,\"sl\":1.1,\"symbol\":\"EURUSD\",\"tp\":1.05}");
  assert_string_equal(read_as("{\"action\":null,\"qty\":\"\",\"note\":\"nothing we know\"}", NULL), "{}");
  assert_string_equal(read_as("{\"nothing\":true}", NULL), "{}");
}

static void mapped(void **state) {
  (void)state;
  const char *map = "{\"symbol\":\"data.pair\",\"action\":\"orders.1.side\",\"size\":\"orders.1.q\",\"source\":\"=desk 3\"}";
  assert_string_equal(read_as("{\"data\":{\"pair\":\"XBTMYR\"},\"orders\":[{\"side\":\"buy\"},{\"side\":\"Sell\",\"q\":2}],\"symbol\":\"ignored\"}", map),
    "{\"action\":\"sell\",\"size\":2.0,\"source\":\"desk 3\",\"symbol\":\"XBTMYR\"}");
  assert_string_equal(read_as("{\"data\":{\"pair\":{\"x\":1}}}", map), "! symbol: must be a text or a number");
  struct err err;
  static const struct { const char *map, *says; } wrong[] = {{"{\"symbl\":\"a\"}", "is 'symbol' meant?"}, {"{\"symbol\":1}", "the path"}, {"{\"symbol\":\"\"}", "the path"}, {"{\"symbol\":\"a..b\"}", "no path"}, {"{\"symbol\":\"a.\"}", "no path"}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    json_t *v = json_loads(wrong[i].map, 0, NULL);
    assert_int_equal(message_mapping_check(v, &err), ERR_INVALID);
    if (!strstr(err.msg, wrong[i].says)) fail_msg("%s: %s", wrong[i].map, err.msg);
    json_decref(v);
  }
  json_t *good = json_loads(map, 0, NULL);
  assert_int_equal(message_mapping_check(good, &err), OK);
  json_decref(good);
}

static void text(void **state) {
  (void)state;
  assert_string_equal(read_as("buy BTCUSDT 0.5 @ 43000 sl=42000 tp=45000", NULL), "{\"action\":\"buy\",\"price\":43000.0,\"size\":0.5,\"sl\":42000.0,\"symbol\":\"BTCUSDT\",\"tp\":45000.0}");
  assert_string_equal(read_as("symbol=ETHUSDT;action=SHORT;qty=3", NULL), "{\"action\":\"short\",\"size\":3.0,\"symbol\":\"ETHUSDT\"}");
  assert_string_equal(read_as("Ticker: SOLUSDT", NULL), "{}");  // a blank behind the colon: prose
  assert_string_equal(read_as("SELL\nSOLUSDT\n@1.25", NULL), "{\"action\":\"sell\",\"price\":1.25,\"symbol\":\"SOLUSDT\"}");
  assert_string_equal(read_as("Good morning everybody", NULL), "{}");
  assert_string_equal(read_as("buy BTCUSDT size=lots", NULL), "! size: 'lots' is no number");
  assert_string_equal(read_as("buy BINANCE:BTCUSDT.P 0.5", NULL), "{\"action\":\"buy\",\"size\":0.5,\"symbol\":\"BINANCE:BTCUSDT.P\"}");
  assert_string_equal(read_as("SELL 1000PEPEUSDT 5 SL:0.01", NULL), "{\"action\":\"sell\",\"size\":5.0,\"sl\":0.01,\"symbol\":\"1000PEPEUSDT\"}");
  assert_string_equal(read_as("buy 1e5", NULL), "{\"action\":\"buy\"}");
  assert_string_equal(read_as("[INFO] buy BTCUSDT 1", NULL), "{\"action\":\"buy\",\"size\":1.0,\"symbol\":\"BTCUSDT\"}");
}

// The text that an alert of a strategy has when nobody writes another: the number behind @ is no price, "filled" no symbol, and the name says nothing.
static void filled_orders(void **state) {
  (void)state;
  assert_string_equal(read_as("Long only (close, 12, 26): order sell @ 0.5 filled on BTCUSDT. New strategy position is -0.5", NULL),
    "{\"action\":\"sell\",\"key\":\"Long only (close, 12, 26)\",\"size\":0.5,\"symbol\":\"BTCUSDT\"}");
  assert_string_equal(read_as("order buy @ 2 filled on BINANCE:BTCUSDT.P. New strategy position is 2", NULL), "{\"action\":\"buy\",\"size\":2.0,\"symbol\":\"BINANCE:BTCUSDT.P\"}");
  assert_string_equal(read_as("My order book: order BUY @ 33.25 filled on ES1!", NULL), "{\"action\":\"buy\",\"key\":\"My order book\",\"size\":33.25,\"symbol\":\"ES1!\"}");
  assert_string_equal(read_as("in order to buy @ 2 filled on X", NULL), "{\"action\":\"buy\",\"price\":2.0,\"symbol\":\"filled\"}");  // somebody's prose
}

// What was meant as JSON and is none is refused: as prose it would be a signal of nothing.
static void broken(void **state) {
  (void)state;
  assert_string_equal(read_as("{\"ticker\": \"BTCUSDT\",\n \"action\": buy}", NULL), "! it begins with { and is no JSON: line 2, column 14: invalid token near 'buy'");
  assert_string_equal(read_as("{\"id\":1,\"id\":2}", NULL), "! it begins with { and is no JSON: line 1, column 12: duplicate object key near '\"id\"'");
  assert_string_equal(read_as("  {{ticker}} buy", NULL), "! it begins with { and is no JSON: line 1, column 4: string or '}' expected near '{'");
  if (!strstr(read_as("[{\"symbol\":\"A\"}]", NULL), "give the hook a mapping")) fail_msg("a list: %s", read_as("[{\"symbol\":\"A\"}]", NULL));
  assert_string_equal(read_as("[{\"symbol\":\"A\",\"side\":\"BUY\"}]", "{\"symbol\":\"0.symbol\",\"action\":\"0.side\"}"), "{\"action\":\"buy\",\"symbol\":\"A\"}");
}

// The secret goes, and nothing else changes: digits, blanks and order are the sender's.
static void cut_out(void **state) {
  (void)state;
  static const struct { const char *body, *path, *value, *left; } cases[] = {
    {"{\"secret\":\"s\",\"price\":43000.10,\"n\":1e2}", "secret", "s", "{\"price\":43000.10,\"n\":1e2}"}, {"{ \"a\" : 1.0 ,\n \"secret\" : \"s\" }", "secret", "s", "{ \"a\" : 1.0 }"},
    {"{\"a\":{\"secret\":\"no\",\"x\":[{\"b\":\"]}\\\"\"}]},\"secret\":\"s\",\"c\":null}", "secret", "s", "{\"a\":{\"secret\":\"no\",\"x\":[{\"b\":\"]}\\\"\"}]},\"c\":null}"},
    {" {\"a\":{\"k\":\"s\"},\"b\":-0.10}", "a.k", "s", " {\"a\":{},\"b\":-0.10}"}, {"{\"\\u0073ecret\":\"\\u0041\\\\\",\"b\":true}", "secret", "A\\", "{\"b\":true}"}, {"{\"secret\":\"s\"}", "secret", "s", "{}"},
    {"{\"secret\":7}", "secret", NULL, NULL}, {"{\"a\":1}", "secret", NULL, NULL}, {"{\"secret\":\"s\"", "secret", NULL, NULL}, {"buy secret=s", "secret", NULL, NULL}, {"[\"secret\"]", "secret", NULL, NULL},
    {"{\"secret\":\"s\",\"secret\":\"t\"}", "secret", NULL, NULL}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct err err;
    json_t *value;
    char *left;
    assert_int_equal(message_cut(cases[i].body, strlen(cases[i].body), cases[i].path, &value, &left, &err), OK);
    if (cases[i].value) assert_string_equal(json_string_value(value), cases[i].value), assert_string_equal(left, cases[i].left);
    else if (value || left) fail_msg("%s: %s", cases[i].body, left);
    json_decref(value);
    free(left);
  }
}

static void times_and_numbers(void **state) {
  (void)state;
  static const struct { const char *ts, *is; } times[] = {
    {"1774854000", "{\"ts\":1774854000000}"}, {"1774854000123", "{\"ts\":1774854000123}"}, {"1774854000123456", "{\"ts\":1774854000123}"}, {"\"1774854000\"", "{\"ts\":1774854000000}"},
    {"\"2026-03-30T07:00:00.250Z\"", "{\"ts\":1774854000250}"}, {"\"2024-02-29T00:00:00Z\"", "{\"ts\":1709164800000}"}, {"\"2026-02-29T00:00:00Z\"", NULL}, {"\"2026-03-30T07:00:00+02:00\"", NULL}, {"5", NULL}, {"\"soon\"", NULL}};
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    char body[100];
    snprintf(body, sizeof body, "{\"ts\":%s}", times[i].ts);
    const char *got = read_as(body, NULL);
    if (times[i].is ? strcmp(got, times[i].is) != 0 : got[0] != '!') fail_msg("%s: %s", times[i].ts, got);
  }
  static const char *const wrong[] = {"\"nan\"", "\"inf\"", "\"1e999\"", "\"0x10\"", "\"1,5\"", "\"1 2\"", "true", "[1]"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    char body[100];
    snprintf(body, sizeof body, "{\"sl\":%s}", wrong[i]);
    const char *got = read_as(body, "{\"sl\":\"sl\"}");
    if (got[0] != '!') fail_msg("%s was taken: %s", wrong[i], got);
  }
}

static void refused(void **state) {
  (void)state;
  struct err err;
  json_t *signal = NULL;
  char *big = malloc(MESSAGE_MAX + 2);
  memset(big, 'a', MESSAGE_MAX + 1);
  assert_int_equal(message_read(big, MESSAGE_MAX + 1, NULL, &signal, &err), ERR_LIMIT);
  assert_int_equal(message_read(big, MESSAGE_MAX, NULL, &signal, &err), OK);
  json_decref(signal);
  free(big);
  assert_int_equal(message_read("", 0, NULL, &signal, &err), ERR_INVALID);
  assert_int_equal(message_read("\xff\xfe", 2, NULL, &signal, &err), ERR_INVALID);
  assert_int_equal(message_read("{\"symbol\":\"A\\u0000B\"}", 21, NULL, &signal, &err), ERR_INVALID);  // no JSON that we take
  assert_string_equal(read_as("{\"symbol\":\"{{tickr}}\"}", NULL), "! symbol: '{{tickr}}' is no value: the sender knows no such placeholder, or did not fill it in");
  assert_string_equal(read_as("buy {{ticker}}", NULL), "{\"action\":\"buy\"}");
  assert_string_equal(read_as("{\"size\":\"a€€€€€€€€€€€€€€€€€€€€€\"}", NULL), "! size: 'a€€€€€€€€€€€€€€€€€€€' is no number");  // quoted by whole characters
  assert_string_equal(read_as("{\"symbol\":\"A\\nB\"}", NULL), "! symbol: holds a control character");
  assert_string_equal(read_as("{\"symbol\":\"12345678901234567890123456789012345678901\"}", NULL), "! symbol: has 41 bytes, at most 40 are allowed");
}

static void dedupe_of(const char *body, char out[MESSAGE_DEDUPE_SIZE]) {
  struct err err;
  json_t *signal = NULL;
  assert_int_equal(message_read(body, strlen(body), NULL, &signal, &err), OK);
  message_dedupe(signal, out);
  json_decref(signal);
}

static void deduplicates(void **state) {
  (void)state;
  char a[MESSAGE_DEDUPE_SIZE], b[MESSAGE_DEDUPE_SIZE];
  dedupe_of("{\"id\":\"7\",\"symbol\":\"A\"}", a);
  dedupe_of("{\"id\":\"7\",\"symbol\":\"B\"}", b);
  assert_string_equal(a, b);  // the sender says it is the same
  assert_int_equal(strlen(a), 64);
  dedupe_of("{\"symbol\":\"A\",\"action\":\"buy\",\"time\":1774854000}", a);
  dedupe_of("{\"time\":1774854000000,\"action\":\"BUY\",\"symbol\":\"A\",\"price\":7}", b);
  assert_string_equal(a, b);
  static const char *const others[] = {"{\"symbol\":\"A\",\"action\":\"sell\",\"time\":1774854000}", "{\"symbol\":\"A\",\"action\":\"buy\",\"time\":1774854060}", "{\"symbol\":\"A\",\"action\":\"buy\",\"time\":1774854000,\"key\":\"k\"}",
    "{\"symbol\":\"Ab\",\"action\":\"uy\",\"time\":1774854000}"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    dedupe_of(others[i], b);
    assert_string_not_equal(a, b);
  }
  dedupe_of("{\"symbol\":\"A\",\"action\":\"buy\"}", b);
  assert_string_equal(b, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(usual_names), cmocka_unit_test(mapped), cmocka_unit_test(text), cmocka_unit_test(filled_orders), cmocka_unit_test(broken), cmocka_unit_test(cut_out), cmocka_unit_test(times_and_numbers), cmocka_unit_test(refused), cmocka_unit_test(deduplicates)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

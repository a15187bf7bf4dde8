// What a terminal signs and says, and the life of a command. tests/service/ea.py does the same over HTTP.
#include "ea/lease.h"
#include "ea/message.h"
#include "ea/protocol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char key[] = "0123456789abcdef0123456789abcdef";

// By OpenSSL: printf 'POST\n/api/v1/ea/T/poll\n7\n{}' | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
#define SIGNED "7b5788328e5957a6a9d65041dea549293ebefe5138e6bec1e48758de7d1ce912"

static void test_signature(void **state) {
  char right[EA_SIGNATURE_SIZE], other[EA_SIGNATURE_SIZE];
  struct err err;
  (void)state;
  static const struct { const char *method, *path, *body; uint64_t number; } others[] = {
    {"GET", "/api/v1/ea/T/poll", "{}", 7}, {"POST", "/api/v1/ea/T/hello", "{}", 7}, {"POST", "/api/v1/ea/T/poll", "{ }", 7}, {"POST", "/api/v1/ea/T/poll", "{}", 8}, {"ANSWER", "/api/v1/ea/T/poll", "{}", 7}};
  assert_int_equal(ea_sign(key, "POST", "/api/v1/ea/T/poll", 17, 7, "{}", 2, right, &err), OK);
  assert_string_equal(right, SIGNED);
  assert_true(ea_signature_fits(right, SIGNED));
  assert_false(ea_signature_fits(right, SIGNED "0"));
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    assert_int_equal(ea_sign(key, others[i].method, others[i].path, strlen(others[i].path), others[i].number, others[i].body, strlen(others[i].body), other, &err), OK);
    assert_false(ea_signature_fits(right, other));
  }
  other[0] = '\0';
  assert_false(ea_signature_fits(right, other));
  assert_false(ea_signature_fits(right, NULL));
  char *longest = calloc(1, EA_BODY_MAX + 8192);
  assert_int_equal(ea_sign(key, "POST", "/", 1, 7, longest, EA_BODY_MAX + 8192, other, &err), ERR_LIMIT);
  free(longest);
}

static void test_numbers(void **state) {
  static const char *const bad[] = {"", "0", "01", "-1", "+1", " 1", "1 ", "1.0", "9007199254740993", "99999999999999999999", "1e3", "x"};
  uint64_t n;
  struct ea_numbers seen;
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(ea_number_parse(bad[i], &n));
  assert_false(ea_number_parse(NULL, &n));
  assert_true(ea_number_parse("9007199254740992", &n) && n == EA_NUMBER_MAX);
  ea_numbers_init(&seen, 0);
  assert_int_equal(ea_number_take(&seen, 0), EA_NUMBER_OLD);
  assert_int_equal(ea_number_take(&seen, 1), EA_NUMBER_RESERVE);
  assert_int_equal(ea_numbers_ahead(&seen), 1 + EA_RESERVE);
  ea_numbers_written(&seen, ea_numbers_ahead(&seen));
  assert_int_equal(ea_number_take(&seen, 1), EA_NUMBER_OLD);
  assert_int_equal(ea_number_take(&seen, 5), EA_NUMBER_TAKEN);
  assert_int_equal(ea_number_take(&seen, 4), EA_NUMBER_OLD);
  assert_int_equal(ea_number_take(&seen, EA_RESERVE + 1), EA_NUMBER_TAKEN);
  assert_int_equal(ea_number_take(&seen, EA_RESERVE + 2), EA_NUMBER_RESERVE);
  // A process that was killed: what it had taken since the reserve was written is refused by the next.
  struct ea_numbers next;
  ea_numbers_init(&next, seen.reserved);
  for (n = 1; n <= EA_RESERVE + 1; n++) assert_int_equal(ea_number_take(&next, n), EA_NUMBER_OLD);
  assert_int_equal(ea_number_take(&next, EA_NUMBER_MAX), EA_NUMBER_RESERVE);
  assert_int_equal(ea_numbers_ahead(&next), EA_NUMBER_MAX);
}

// Whatever comes in whichever order: a command is handed out once, and an end stays one.
static void test_lease(void **state) {
  (void)state;
  for (unsigned seed = 0; seed < 20000; seed++) {
    enum ea_lease_state s = EA_LEASE_QUEUED, was;
    int handed = 0;
    unsigned random = seed;
    for (int i = 0; i < 6; i++, random /= EA_EV_COUNT) {
      const enum ea_lease_event ev = (enum ea_lease_event)(random % EA_EV_COUNT);
      was = s;
      const enum ea_lease_kind kind = ea_lease_next(was, ev, &s);
      assert_true(kind == EA_MOVE || s == was);
      assert_true(kind != EA_MOVE || s != was);
      handed += kind == EA_MOVE && s == EA_LEASE_LEASED;
      if (was == EA_LEASE_DONE || was == EA_LEASE_REFUSED || was == EA_LEASE_DROPPED) assert_int_equal(s, was);
      if (ea_lease_over(was)) assert_true(ea_lease_over(s));
    }
    assert_true(handed <= 1);
    if (handed == 0) assert_true(s == EA_LEASE_QUEUED || s == EA_LEASE_DROPPED);
  }
  enum ea_lease_state to;
  assert_int_equal(ea_lease_next(EA_LEASE_LAPSED, EA_EV_DONE, &to), EA_MOVE);
  assert_int_equal(to, EA_LEASE_DONE);
}

// ---- messages

#define HELLO_TOP "\"protocol\":1,\"platform\":\"mt5\",\"version\":\"1.0 (4150)\",\"login\":\"12345\",\"server\":\"Demo Server\",\"currency\":\"USD\",\"hedging\":true,\"real\":false"
#define SYMBOL "{\"symbol\":\"EURUSD\",\"base\":\"EUR\",\"profit\":\"USD\",\"tick\":\"0.00001\",\"contract\":\"100000\",\"volume_min\":\"0.01\",\"volume_max\":\"50.00\",\"volume_step\":\"0.01\",\"trading\":true}"
#define ACCOUNT "\"account\":{\"balance\":\"1000.00\",\"equity\":\"999.5\",\"margin\":\"0\",\"free\":\"999.5\",\"trading\":true}"
#define REPORT_TOP "\"turn\":5,\"since_ms\":1700000000000,\"more\":false," ACCOUNT
#define ORDER "{\"ticket\":\"77\",\"client\":\"\",\"symbol\":\"EURUSD\",\"state\":\"open\",\"side\":\"sell\",\"volume\":\"0.10\",\"filled\":\"0\",\"price\":\"1.1\",\"time_ms\":1700000000000}"
#define DEAL "{\"ticket\":\"9\",\"order\":\"77\",\"client\":\"\",\"symbol\":\"EURUSD\",\"side\":\"buy\",\"volume\":\"0.10\",\"price\":\"1.1\",\"fee\":\"-0.2\",\"time_ms\":1700000000000}"

static void test_hello(void **state) {
  struct ea_hello h;
  struct err err;
  (void)state;
  static const char good[] = "{" HELLO_TOP ",\"symbols\":[" SYMBOL "]}";
  assert_int_equal(ea_hello_read(good, strlen(good), &h, &err), OK);
  assert_int_equal(h.symbol_count, 1);
  assert_true(h.hedging && !h.real && strcmp(h.server, "Demo Server") == 0 && h.symbols[0].tick.digits == 1 && h.symbols[0].tick.scale == 5 && h.symbols[0].trading);
  ea_hello_finish(&h);
  static const struct { const char *text, *where; } bad[] = {
    {"", "/"}, {"[]", "/"}, {"{}", "/protocol"}, {"{" HELLO_TOP "}", "/symbols"}, {"{" HELLO_TOP ",\"symbols\":{}}", "/symbols"}, {"{" HELLO_TOP ",\"symbols\":[],\"password\":\"x\"}", "/"},
    {"{" HELLO_TOP ",\"symbols\":[" SYMBOL ",{}]}", "/symbols/1/symbol"}, {"{" HELLO_TOP ",\"login\":\"2\",\"symbols\":[]}", "/"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(ea_hello_read(bad[i].text, strlen(bad[i].text), &h, &err), ERR_INVALID);
    assert_memory_equal(err.msg, bad[i].where, strlen(bad[i].where));
    assert_null(h.symbols);
  }
}

static void swap(const char *text, const char *what, const char *with, char ret[4096]) {
  const char *at = strstr(text, what);
  assert_non_null(at);
  const int n = snprintf(ret, 4096, "%.*s%s%s", (int)(at - text), text, with, at + strlen(what));
  assert_true(n > 0 && n < 4096);
}

static void test_report(void **state) {
  struct ea_report r;
  struct err err;
  (void)state;
  static const char good[] = "{" REPORT_TOP ",\"orders\":[" ORDER "],\"positions\":[{\"ticket\":\"1\",\"symbol\":\"EURUSD\",\"side\":\"buy\",\"volume\":\"0.1\",\"price\":\"1.1\",\"profit\":\"-3.50\"}],"
    "\"deals\":[" DEAL "],\"results\":[{\"id\":\"eac_1\",\"said\":\"refused\",\"why\":\"funds\",\"code\":10019,\"text\":\"No money\"}],\"told\":[{\"client\":\"P1\",\"state\":\"absent\"}],"
    "\"ticks\":[{\"symbol\":\"EURUSD\",\"bid\":\"1.1\",\"ask\":\"1.10002\",\"time_ms\":1700000000000}]}";
  assert_int_equal(ea_report_read(good, strlen(good), &r, &err), OK);
  assert_true(r.turn == 5 && !r.more && r.orders[0].side == SIDE_SELL && r.orders[0].trigger.scale < 0 && r.deals[0].fee.digits == -2 && r.results[0].why == VENUE_WHY_FUNDS);
  assert_true(r.told[0].state == EA_ORDER_ABSENT && r.tick_count == 1 && r.positions[0].profit.digits == -35);
  ea_report_finish(&r);
  static const struct { const char *what, *with, *where; } bad[] = {
    {"\"turn\":5", "\"turn\":-5", "/turn"}, {"\"turn\":5", "\"turn\":5.0", "/turn"}, {"\"volume\":\"0.10\",\"filled\"", "\"volume\":\"0\",\"filled\"", "/orders/0/volume"},
    {"\"volume\":\"0.10\",\"filled\"", "\"volume\":0.1,\"filled\"", "/orders/0/volume"}, {"\"state\":\"open\"", "\"state\":\"absent\"", "/orders/0/state"}, {"\"side\":\"sell\"", "\"side\":\"short\"", "/orders/0/side"},
    {"\"fee\":\"-0.2\"", "\"fee\":\"nan\"", "/deals/0/fee"}, {"\"price\":\"1.1\",\"fee\"", "\"price\":\"-1.1\",\"fee\"", "/deals/0/price"}, {"\"trading\":true", "\"trading\":1", "/account/trading"},
    {"\"balance\":\"1000.00\",", "", "/account/balance"}, {"\"said\":\"refused\"", "\"said\":\"ok\"", "/results/0/said"}, {"\"why\":\"funds\"", "\"why\":\"poor\"", "/results/0/why"},
    {"\"ask\":\"1.10002\"", "\"ask\":\"1.0\"", "/ticks/0/ask"}, {"\"state\":\"absent\"", "\"state\":\"open\"", "/told/0"}, {"\"ticket\":\"9\"", "\"ticket\":\"9\\u0000\"", "/"},
    {"\"ticket\":\"9\"", "\"ticket\":\"9 9\"", "/deals/0/ticket"}, {"\"ticket\":\"9\"", "\"ticket\":\"123456789012345678901234567890\"", "/deals/0/ticket"}, {"\"more\":false", "\"more\":false,\"x\":1", "/"},
    {"\"time_ms\":1700000000000}]", "\"time_ms\":\"now\"}]", "/orders/0/time_ms"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char text[4096];
    swap(good, bad[i].what, bad[i].with, text);
    assert_int_equal(ea_report_read(text, strlen(text), &r, &err), ERR_INVALID);
    assert_memory_equal(err.msg, bad[i].where, strlen(bad[i].where));
    assert_true(!r.orders && !r.deals);
  }
  // Cut anywhere it is no message.
  for (size_t n = 0; n < strlen(good); n++) assert_int_equal(ea_report_read(good, n, &r, &err), ERR_INVALID);
}

static void test_command(void **state) {
  (void)state;
  const struct ea_command c = {.id = "P1", .client = "P1", .symbol = "EURUSD", .magic = 7, .side = SIDE_SELL, .type = ORDER_STOP_LIMIT, .volume = {10, 2}, .price = {11, 1}, .trigger = {12, 1}};
  json_t *o = ea_command_json(&c, 5000), *want = json_loads("{\"id\":\"P1\",\"do\":\"place\",\"lease_ms\":5000,\"magic\":7,\"client\":\"P1\",\"symbol\":\"EURUSD\",\"side\":\"sell\",\"type\":\"stop_limit\","
    "\"reduce\":false,\"volume\":\"0.1\",\"price\":\"1.1\",\"trigger\":\"1.2\"}", 0, NULL);
  assert_true(json_equal(o, want));
  json_decref(o);
  json_decref(want);
  const struct ea_command cancel = {.id = "eac_1", .cancel = true, .client = "P1", .ticket = "77", .symbol = "EURUSD", .magic = 7, .volume = NO_DECIMAL, .price = NO_DECIMAL, .trigger = NO_DECIMAL};
  o = ea_command_json(&cancel, 1), want = json_loads("{\"id\":\"eac_1\",\"do\":\"cancel\",\"lease_ms\":1,\"magic\":7,\"client\":\"P1\",\"symbol\":\"EURUSD\",\"ticket\":\"77\"}", 0, NULL);
  assert_true(json_equal(o, want));
  json_decref(o);
  json_decref(want);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_signature), cmocka_unit_test(test_numbers), cmocka_unit_test(test_lease), cmocka_unit_test(test_hello), cmocka_unit_test(test_report),
    cmocka_unit_test(test_command)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

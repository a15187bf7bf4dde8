// Addresses: text, ranges, what is public, and who the client behind proxies is.
#include "net/address.h"
#include "net/http_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

static struct err err;

static void test_parse(void **state) {
  (void)state;
  static const struct {
    const char *in, *out;  // out NULL: refused
  } cases[] = {
    {"1.2.3.4", "1.2.3.4"}, {"::1", "::1"}, {"2001:DB8::0:1", "2001:db8::1"}, {"::ffff:10.0.0.1", "10.0.0.1"},
    {"::ffff:a00:1", "10.0.0.1"}, {"1.2.3", NULL}, {"1.2.3.4.5", NULL}, {"01.2.3.4", NULL}, {"0x7f.1", NULL}, {"2130706433", NULL},
    {"1.2.3.256", NULL}, {"", NULL}, {"localhost", NULL}, {"[::1]", NULL}, {"1.2.3.4 ", NULL},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct address a;
    char text[ADDRESS_TEXT_MAX];
    assert_int_equal(address_parse(cases[i].in, &a), cases[i].out != NULL);
    if (!cases[i].out) continue;
    address_format(&a, text, sizeof text);
    assert_string_equal(text, cases[i].out);
    struct sockaddr_storage sa;
    struct address back;
    a.port = 4711;
    address_to_sockaddr(&a, &sa);
    assert_true(address_of_sockaddr((struct sockaddr *)&sa, &back));
    assert_memory_equal(&back, &a, sizeof a);
  }
}

static void test_listen(void **state) {
  (void)state;
  static const struct {
    const char *in, *host;
    int port;  // -1: refused
  } cases[] = {
    {"127.0.0.1:8080", "127.0.0.1", 8080}, {"localhost:0", "127.0.0.1", 0}, {"*:80", "0.0.0.0", 80}, {"[::1]:443", "::1", 443},
    {"[::]:65535", "::", 65535}, {"127.0.0.1", "", -1}, {"127.0.0.1:", "", -1}, {":80", "", -1}, {"::1:80", "", -1}, {"[::1]", "", -1},
    {"127.0.0.1:65536", "", -1}, {"127.0.0.1:-1", "", -1}, {"example.com:80", "", -1}, {"", "", -1}, {"[]:1", "", -1},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct address a;
    char text[ADDRESS_TEXT_MAX];
    enum status st = address_parse_listen(cases[i].in, &a, &err);
    assert_int_equal(st, cases[i].port < 0 ? ERR_INVALID : OK);
    if (st != OK) continue;
    address_format(&a, text, sizeof text);
    assert_string_equal(text, cases[i].host);
    assert_int_equal(a.port, cases[i].port);
  }
}

static void test_ranges(void **state) {
  (void)state;
  static const struct {
    const char *range, *in, *out;
  } cases[] = {
    {"10.0.0.0/8", "10.255.0.1", "11.0.0.0"}, {"192.168.1.128/25", "192.168.1.200", "192.168.1.127"}, {"1.2.3.4", "1.2.3.4", "1.2.3.5"},
    {"0.0.0.0/0", "255.1.1.1", "::1"}, {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"}, {"::1", "::1", "::2"},
    {"10.0.0.0/8", "::ffff:10.1.1.1", "::ffff:11.1.1.1"},
  };
  struct address_range range;
  struct address a;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_int_equal(address_range_parse(cases[i].range, &range, &err), OK);
    assert_true(address_parse(cases[i].in, &a) && address_range_has(&range, &a));
    assert_true(address_parse(cases[i].out, &a) && !address_range_has(&range, &a));
  }
  static const char *const bad[] = {"", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "::/129", "10/8", "a/8"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_int_equal(address_range_parse(bad[i], &range, &err), ERR_INVALID);
}

static void test_public(void **state) {
  (void)state;
  static const char *const public[] = {"1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255",
    "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8"};
  static const char *const not_public[] = {"0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.0", "100.127.255.255", "127.0.0.1", "127.255.255.255",
    "169.254.169.254", "172.16.0.0", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.0", "198.19.255.255",
    "198.51.100.7", "203.0.113.7", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:1ff::", "2001:db8::1", "2002:7f00:1::",
    "3fff::1", "fc00::1", "fdff::1", "fe80::1", "fec0::1", "ff02::1", "5f00::1"};
  struct address a;
  for (size_t i = 0; i < sizeof public / sizeof *public; i++) {
    assert_true(address_parse(public[i], &a));
    if (!address_is_public(&a)) fail_msg("%s is public", public[i]);
  }
  for (size_t i = 0; i < sizeof not_public / sizeof *not_public; i++) {
    assert_true(address_parse(not_public[i], &a));
    if (address_is_public(&a)) fail_msg("%s is not public", not_public[i]);
  }
}

static void test_behind_proxies(void **state) {
  (void)state;
  static const struct {
    const char *peer, *first, *second, *client;
  } cases[] = {
    {"9.9.9.9", "1.1.1.1", NULL, "9.9.9.9"},                      // not a proxy: its word counts for nothing
    {"10.0.0.1", NULL, NULL, "10.0.0.1"},
    {"10.0.0.1", "1.1.1.1", NULL, "1.1.1.1"},
    {"10.0.0.1", "6.6.6.6, 1.1.1.1", NULL, "1.1.1.1"},            // 6.6.6.6 is the client's own claim
    {"10.0.0.1", "6.6.6.6, 1.1.1.1, 10.0.0.2", NULL, "1.1.1.1"},
    {"10.0.0.1", "6.6.6.6", "1.1.1.1,10.0.0.2", "1.1.1.1"},       // two fields are one list
    {"10.0.0.1", "1.1.1.1", "10.0.0.2", "1.1.1.1"},
    {"10.0.0.1", "10.0.0.3, 10.0.0.2", NULL, "10.0.0.3"},         // all are proxies: the farthest
    {"10.0.0.1", "6.6.6.6, unknown", NULL, "10.0.0.1"},
    {"10.0.0.1", "6.6.6.6, unknown, 10.0.0.2", NULL, "10.0.0.2"},
    {"10.0.0.1", "1.1.1.1:4711", NULL, "1.1.1.1"},
    {"10.0.0.1", "[2001:db8::5]:80", NULL, "2001:db8::5"},
    {"10.0.0.1", "2001:db8::5", NULL, "2001:db8::5"},
    {"10.0.0.1", "::ffff:1.1.1.1", NULL, "1.1.1.1"},
    {"10.0.0.1", "", NULL, "10.0.0.1"},
    {"10.0.0.1", ",,", NULL, "10.0.0.1"},
    {"", "1.1.1.1", NULL, ""},                                    // a unix socket
  };
  struct address_range proxies[1];
  assert_int_equal(address_range_parse("10.0.0.0/24", &proxies[0], &err), OK);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct http_field fields[2];
    struct http_peer peer = {.is_unix = !*cases[i].peer};
    struct http_request req = {.fields = fields, .peer = &peer};
    strcpy(peer.address, cases[i].peer);
    const char *values[] = {cases[i].first, cases[i].second};
    for (int j = 0; j < 2; j++) {
      if (values[j]) fields[req.field_count++] = (struct http_field){"x-forwarded-for", values[j], 15, (uint16_t)strlen(values[j])};
    }
    char client[ADDRESS_TEXT_MAX];
    http_client_address(&req, proxies, 1, client);
    assert_string_equal(client, cases[i].client);
    http_client_address(&req, NULL, 0, client);
    assert_string_equal(client, cases[i].peer);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_parse),  cmocka_unit_test(test_listen),         cmocka_unit_test(test_ranges),
    cmocka_unit_test(test_public), cmocka_unit_test(test_behind_proxies),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

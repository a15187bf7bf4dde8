// net/address.h – internet addresses: text, ranges, who is private, and who the client behind trusted proxies is.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;
struct sockaddr_storage;
struct http_request;

// IPv4 is kept as itself; an IPv4-mapped IPv6 address becomes IPv4, so that no rule for one is passed by the other.
struct address {
  bool v6;
  uint16_t port;
  uint8_t bytes[16];  // network order; the first 4 for IPv4
};

#define ADDRESS_TEXT_MAX 46  // without port, with NUL

// "192.0.2.1" or "2001:db8::1"; port 0. false: not an address.
bool address_parse(const char *text, struct address *ret);
// "HOST:PORT" to listen on: HOST a numeric address, "[v6]", "localhost" (127.0.0.1) or "*" (all of IPv4).
enum status address_parse_listen(const char *text, struct address *ret, struct err *err) MUST_CHECK;
void address_format(const struct address *a, char *ret, size_t size);
// false: neither IPv4 nor IPv6.
bool address_of_sockaddr(const struct sockaddr *sa, struct address *ret);
void address_to_sockaddr(const struct address *a, struct sockaddr_storage *ret);

// May a customer's URL lead there? Only to what is globally reachable unicast: not private, loopback, link-local, carrier
// NAT, multicast, documentation, unique local; nor addresses that carry such an IPv4 inside (6to4, NAT64, Teredo).
bool address_is_public(const struct address *a);

struct address_range {
  struct address address;
  uint8_t bits;
};
// "10.0.0.0/8", "2001:db8::/32", or a single address. ERR_INVALID names the text.
enum status address_range_parse(const char *text, struct address_range *ret, struct err *err) MUST_CHECK;
bool address_range_has(const struct address_range *range, const struct address *a);

// Who asks: the peer, or, if the peer is a listed proxy, the last entry of X-Forwarded-For that is not itself a listed
// proxy. Entries further left are the client's own claims and count for nothing. A unix socket has no address: "".
void http_client_address(const struct http_request *req, const struct address_range *proxies, size_t proxy_count,
  char ret[ADDRESS_TEXT_MAX]);
// Whether the client's own connection was TLS: the peer's, or what a listed proxy says in X-Forwarded-Proto.
bool http_client_tls(const struct http_request *req, const struct address_range *proxies, size_t proxy_count);

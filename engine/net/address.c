// net/address.c – see address.h.
#include "net/address.h"

#include "net/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static struct address from_v6(const uint8_t bytes[16]) {
  struct address a = {.v6 = true};
  if (memcmp(bytes, mapped_prefix, 12) == 0) {
    a.v6 = false;
    memcpy(a.bytes, bytes + 12, 4);
  } else {
    memcpy(a.bytes, bytes, 16);
  }
  return a;
}

bool address_parse(const char *text, struct address *ret) {
  uint8_t bytes[16];
  *ret = (struct address){0};
  if (inet_pton(AF_INET, text, ret->bytes) == 1) return true;
  if (inet_pton(AF_INET6, text, bytes) != 1) return false;
  *ret = from_v6(bytes);
  return true;
}

static bool parse_port(const char *text, uint16_t *ret) {
  unsigned n = 0;
  if (!*text || strlen(text) > 5) return false;
  for (; *text; text++) {
    if (*text < '0' || *text > '9') return false;
    n = n * 10 + (unsigned)(*text - '0');
  }
  *ret = (uint16_t)n;
  return n <= 65535;
}

enum status address_parse_listen(const char *text, struct address *ret, struct err *err) {
  char host[ADDRESS_TEXT_MAX + 2];
  const char *colon = strrchr(text, ':');
  uint16_t port = 0;
  size_t len = colon ? (size_t)(colon - text) : 0;
  if (len == 0 || len >= sizeof host || !parse_port(colon + 1, &port))
    return err_set(err, ERR_INVALID, "\"%s\": write HOST:PORT, as 127.0.0.1:8080 or [::1]:8080", text);
  memcpy(host, text, len);
  host[len] = '\0';
  const char *name = host;
  if (strcmp(host, "localhost") == 0) name = "127.0.0.1";
  if (strcmp(host, "*") == 0) name = "0.0.0.0";
  if (host[0] == '[' && host[len - 1] == ']') {
    host[len - 1] = '\0';
    name = host + 1;
  } else if (strchr(host, ':')) {
    name = "";  // an IPv6 address without brackets is ambiguous
  }
  if (!address_parse(name, ret)) return err_set(err, ERR_INVALID, "\"%s\": the host must be a numeric address, localhost or *", text);
  ret->port = port;
  return OK;
}

void address_format(const struct address *a, char *ret, size_t size) {
  if (!inet_ntop(a->v6 ? AF_INET6 : AF_INET, a->bytes, ret, (socklen_t)size) && size) ret[0] = '\0';
}

bool address_of_sockaddr(const struct sockaddr *sa, struct address *ret) {
  *ret = (struct address){0};
  if (sa->sa_family == AF_INET) {
    const struct sockaddr_in *in = (const struct sockaddr_in *)sa;
    memcpy(ret->bytes, &in->sin_addr, 4);
    ret->port = ntohs(in->sin_port);
    return true;
  }
  if (sa->sa_family != AF_INET6) return false;
  const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;
  *ret = from_v6(in6->sin6_addr.s6_addr);
  ret->port = ntohs(in6->sin6_port);
  return true;
}

void address_to_sockaddr(const struct address *a, struct sockaddr_storage *ret) {
  memset(ret, 0, sizeof *ret);
  if (a->v6) {
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(a->port);
    memcpy(in6->sin6_addr.s6_addr, a->bytes, 16);
  } else {
    struct sockaddr_in *in = (struct sockaddr_in *)ret;
    in->sin_family = AF_INET;
    in->sin_port = htons(a->port);
    memcpy(&in->sin_addr, a->bytes, 4);
  }
}

// ---- ranges ----

enum status address_range_parse(const char *text, struct address_range *ret, struct err *err) {
  char host[ADDRESS_TEXT_MAX];
  const char *slash = strchr(text, '/');
  size_t len = slash ? (size_t)(slash - text) : strlen(text);
  if (len >= sizeof host) return err_set(err, ERR_INVALID, "\"%s\" is no address range", text);
  memcpy(host, text, len);
  host[len] = '\0';
  if (!address_parse(host, &ret->address)) return err_set(err, ERR_INVALID, "\"%s\" is no address range", text);
  unsigned most = ret->address.v6 ? 128 : 32;
  uint16_t bits = (uint16_t)most;
  if (slash && (!parse_port(slash + 1, &bits) || bits > most)) return err_set(err, ERR_INVALID, "\"%s\" is no address range", text);
  ret->bits = (uint8_t)bits;
  return OK;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits) {
  unsigned whole = bits / 8, rest = bits % 8;
  if (memcmp(a, b, whole) != 0) return false;
  return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

bool address_range_has(const struct address_range *range, const struct address *a) {
  return range->address.v6 == a->v6 && same_bits(range->address.bytes, a->bytes, range->bits);
}

struct bytes_range {
  uint8_t bytes[16];
  uint8_t bits;
};

static bool in_any(const struct bytes_range *ranges, size_t count, const uint8_t *bytes) {
  for (size_t i = 0; i < count; i++) {
    if (same_bits(ranges[i].bytes, bytes, ranges[i].bits)) return true;
  }
  return false;
}
#define IN_ANY(ranges, bytes) in_any(ranges, sizeof ranges / sizeof *ranges, bytes)

// IANA special-purpose address registries (RFC 6890 and successors): everything not "globally reachable".
bool address_is_public(const struct address *a) {
  static const struct bytes_range special4[] = {
    {{0}, 8}, {{10}, 8}, {{100, 64}, 10}, {{127}, 8}, {{169, 254}, 16}, {{172, 16}, 12}, {{192, 0, 0}, 24}, {{192, 0, 2}, 24},
    {{192, 31, 196}, 24}, {{192, 52, 193}, 24}, {{192, 88, 99}, 24}, {{192, 168}, 16}, {{192, 175, 48}, 24}, {{198, 18}, 15},
    {{198, 51, 100}, 24}, {{203, 0, 113}, 24}, {{224}, 4}, {{240}, 4},
  };
  // Of IPv6 only 2000::/3 is global unicast; out of it go Teredo and the rest of 2001::/23, documentation, 6to4, SRv6.
  static const struct bytes_range global6[] = {{{0x20}, 3}};
  static const struct bytes_range special6[] = {
    {{0x20, 0x01, 0x00}, 23}, {{0x20, 0x01, 0x0d, 0xb8}, 32}, {{0x20, 0x02}, 16}, {{0x3f, 0xff}, 20},
  };
  if (!a->v6) return !IN_ANY(special4, a->bytes);
  return IN_ANY(global6, a->bytes) && !IN_ANY(special6, a->bytes);
}

// ---- proxies ----

static bool listed(const struct address *a, const struct address_range *ranges, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (address_range_has(&ranges[i], a)) return true;
  }
  return false;
}

static bool peer_listed(const struct http_request *req, const struct address_range *proxies, size_t count) {
  struct address peer;
  return !req->peer->is_unix && address_parse(req->peer->address, &peer) && listed(&peer, proxies, count);
}

// One entry of X-Forwarded-For: an address, perhaps with a port or in brackets.
static bool parse_entry(const char *text, size_t len, struct address *ret) {
  char host[ADDRESS_TEXT_MAX + 8];
  while (len > 0 && (*text == ' ' || *text == '\t')) text++, len--;
  while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t')) len--;
  if (len == 0 || len >= sizeof host) return false;
  memcpy(host, text, len);
  host[len] = '\0';
  if (host[0] == '[') {
    char *end = strchr(host, ']');
    if (!end) return false;
    *end = '\0';
    return address_parse(host + 1, ret);
  }
  char *colon = strchr(host, ':');
  if (colon && !strchr(colon + 1, ':')) *colon = '\0';  // IPv4 with a port
  return address_parse(host, ret);
}

void http_client_address(const struct http_request *req, const struct address_range *proxies, size_t proxy_count,
  char ret[ADDRESS_TEXT_MAX]) {
  snprintf(ret, ADDRESS_TEXT_MAX, "%s", req->peer->address);
  if (!peer_listed(req, proxies, proxy_count)) return;
  // Several fields are one list; the last entry is the nearest proxy's word. ret moves left while that word is trusted.
  for (size_t i = req->field_count; i-- > 0;) {
    const struct http_field *f = &req->fields[i];
    if (strcmp(f->name, "x-forwarded-for") != 0) continue;
    size_t end = f->value_len;
    for (;;) {
      size_t begin = end;
      while (begin > 0 && f->value[begin - 1] != ',') begin--;
      struct address a;
      if (!parse_entry(f->value + begin, end - begin, &a)) return;  // "unknown", a forged word: the last proxy stands
      address_format(&a, ret, ADDRESS_TEXT_MAX);
      if (!listed(&a, proxies, proxy_count)) return;
      if (begin == 0) break;
      end = begin - 1;
    }
  }
}

bool http_client_tls(const struct http_request *req, const struct address_range *proxies, size_t proxy_count) {
  if (!peer_listed(req, proxies, proxy_count)) return req->peer->tls;
  const char *proto = http_field(req, "x-forwarded-proto");
  return proto ? strcasecmp(proto, "https") == 0 : req->peer->tls;
}

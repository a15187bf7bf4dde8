// tenant/network.c – see network.h.
#include "tenant/network.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// Every address as 16 bytes; IPv4 as ::ffff:a.b.c.d, its prefix 96 bits longer.
static bool parse_address(const char *text, uint8_t ret[16], bool *ret_v4) {
  *ret_v4 = inet_pton(AF_INET, text, ret + 12) == 1;
  if (*ret_v4) {
    memset(ret, 0, 10);
    ret[10] = ret[11] = 0xff;
    return true;
  }
  return inet_pton(AF_INET6, text, ret) == 1;
}

static bool parse_block(const char *text, size_t len, uint8_t ret[16], int *ret_bits) {
  char copy[64];
  if (len == 0 || len >= sizeof copy) return false;
  memcpy(copy, text, len);
  copy[len] = '\0';
  char *slash = strchr(copy, '/');
  if (slash) *slash++ = '\0';
  bool v4;
  if (!parse_address(copy, ret, &v4)) return false;
  int bits = v4 ? 32 : 128, most = bits;
  if (slash) {
    size_t digits = strspn(slash, "0123456789");
    if (digits == 0 || digits > 3 || slash[digits] || (digits > 1 && *slash == '0')) return false;
    bits = atoi(slash);
    if (bits > most) return false;
  }
  *ret_bits = v4 ? bits + 96 : bits;
  for (int i = *ret_bits; i < 128; i++) {
    if (ret[i / 8] & (0x80 >> i % 8)) return false;
  }
  return true;
}

bool network_is_block(const char *text) {
  uint8_t net[16];
  int bits;
  return parse_block(text, strlen(text), net, &bits);
}

bool network_list_has(const char *list, const char *address) {
  if (!*list) return true;
  uint8_t it[16], net[16];
  bool v4;
  int bits;
  if (!address || !parse_address(address, it, &v4)) return false;
  while (*list) {
    size_t len = strcspn(list, " ");
    if (parse_block(list, len, net, &bits)) {
      int i = 0;
      while (i < bits && !((it[i / 8] ^ net[i / 8]) & (0x80 >> i % 8))) i++;
      if (i == bits) return true;
    }
    list += len + strspn(list + len, " ");
  }
  return false;
}

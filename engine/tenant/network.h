// tenant/network.h – address blocks of API keys.
#pragma once
#include <stdbool.h>

// "192.0.2.0/24", "2001:db8::/32", or a single address. Bits beyond the prefix must be zero, so a block has one meaning.
bool network_is_block(const char *text);
// list: blocks apart by blanks. Empty: every address, also an unknown one; otherwise an address that does not parse is in none.
// An IPv4 address inside IPv6 (::ffff:…) counts as IPv4.
bool network_list_has(const char *list, const char *address);

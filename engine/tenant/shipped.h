// tenant/shipped.h – the tier scripts of lua/tiers, the dialects of lua/venues, the signal rules of lua/rules, the strategies of strategies/ and its rule sets, compiled in, so that a fresh installation
// has prices, and editions have strategies wherever the binary stands.
#pragma once
#include <stddef.h>

#define EDITION_DEFAULT "dca"

struct shipped {
  const char *name, *file, *source;  // a tier script's name is its edition's; source is NUL-terminated
  size_t len;
};
extern const struct shipped shipped_tiers[], shipped_strategies[];  // by name; end with name NULL
extern const struct shipped shipped_dialects[];                      // of lua/venues
extern const struct shipped shipped_rules[];                         // of lua/rules
extern const struct shipped shipped_rule_sets[];                     // of strategies/rules: risk/rule_read.c; their source is JSON

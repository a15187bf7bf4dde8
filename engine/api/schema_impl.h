// api/schema_impl.h – private to schema*.c: what a compiled schema is made of.
#pragma once
#include "api/schema.h"

struct format;

enum { T_NULL = 1, T_BOOL = 2, T_INTEGER = 4, T_NUMBER = 8, T_STRING = 16, T_ARRAY = 32, T_OBJECT = 64, T_ANY = 127 };
#define SCHEMA_TYPES 7
extern const struct schema_type {
  const char *name;
  unsigned bit;
} schema_types[SCHEMA_TYPES];

struct property {
  const char *name;
  const struct schema *schema;
  bool required;
};

struct schema {
  struct schema *next_owned;
  const struct schema *ref;  // all else but nullable is unset
  bool nullable;             // of a reference: null fits as well
  unsigned types;
  struct property *properties;  // sorted by name
  size_t property_count;
  const struct schema *additional;  // of properties that are not listed; NULL: refused
  const struct schema *items;
  json_t *choices;  // enum, or [const]
  double minimum, maximum;
  size_t min_length, max_length, min_items, max_items, min_properties, max_properties;
  bool unique;
  const struct format *format;
  const char *id_prefix;
  json_t *pending_ref;  // while compiling
};

// NULL: there is none of that name.
struct property *schema_property(const struct schema *s, const char *name);

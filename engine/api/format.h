// api/format.h – the closed list of string formats the API speaks, each with its checker and its regular expression.
//
// A schema says "format": "decimal"; the checker decides, by hand-written code that looks at each byte once (no regular
// expression engine meets a customer's text), and the pattern goes into the OpenAPI document so that clients and fuzzers know.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct format {
  const char *name;
  bool (*check)(const char *text, size_t len);
  const char *pattern;  // ECMA-262; NULL: the name is a format OpenAPI tools know
  const char *about;    // "must be …"
};

// NULL when there is no such format.
const struct format *format_find(const char *name);

// An id as the API shows it: prefix, '_', 13 characters of Crockford base32 in capitals.
#define API_ID_DIGITS 13
bool format_id(const char *text, size_t len, const char *prefix);

// Well-formed UTF-8 without NUL; *ret_points is the number of code points.
bool format_utf8(const char *text, size_t len, size_t *ret_points);

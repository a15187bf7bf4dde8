// api/schema.h – a validator for the subset of JSON Schema 2020-12 that routes.json is written in.
//
// Understood: type (one or a list, null among them), properties, required, additionalProperties (false by default; true; a
// schema), minProperties, maxProperties, enum, const, minLength and maxLength (code points), format (api/format.h; "id" with
// "x-prefix"), minimum, maximum, items, minItems, maxItems, uniqueItems, $ref to "#/components/schemas/NAME", and
// anyOf [X, {"type": "null"}] for "X or null". Annotations are passed over: title, description, default, examples,
// deprecated, readOnly, writeOnly. Any other keyword is refused when the schema is compiled, so that none is silently ignored.
//
// Compiled once; checking allocates nothing, costs time proportional to the value, and goes down no deeper than the value.
#pragma once
#include "base/json.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

struct schema;      // one compiled schema; lives as long as its set
struct schema_set;  // named schemas, and every schema compiled against them

#define SCHEMA_ERRORS_MAX 16
#define SCHEMA_DEPTH_MAX 32  // of a schema's text, and of any JSON text the API reads

struct schema_error {
  char pointer[200];  // JSON pointer (RFC 6901) to the value, cut when longer
  char message[160];  // "must be at most 100"
};
struct schema_errors {
  int count;  // of items; checking stops when they are full
  struct schema_error items[SCHEMA_ERRORS_MAX];
};

// components: {"NAME": schema, …}; may refer to each other in any order. References that lead back without going down into
// the value are refused.
enum status schema_set_create(json_t *components, struct schema_set **ret, struct err *err) MUST_CHECK;
void schema_set_destroy(struct schema_set *set);
// A schema by its name among the components; NULL when there is none.
const struct schema *schema_find(const struct schema_set *set, const char *name);
// Compiles one more schema, which must live as long as the set does.
enum status schema_compile(struct schema_set *set, json_t *source, const struct schema **ret, struct err *err) MUST_CHECK;

// True when value fits. Otherwise all that is wrong, up to SCHEMA_ERRORS_MAX, is appended to errors.
bool schema_check(const struct schema *s, json_t *value, struct schema_errors *errors);
// Checks text as a query parameter or path segment: "12" for an integer, "true" for a boolean. *ret_value gets the value it
// stands for (a new reference) when it fits.
bool schema_check_text(const struct schema *s, const char *text, size_t len, const char *pointer, struct schema_errors *errors, json_t **ret_value);
// The schema wants an array (a repeated or comma-separated query parameter).
bool schema_is_array(const struct schema *s);

// Appends one error; for checks that a schema cannot express.
void schema_errors_add(struct schema_errors *errors, const char *pointer, const char *fmt, ...) PRINTF(3, 4);

// Strict JSON: UTF-8, no duplicate keys, no NUL, no depth beyond SCHEMA_DEPTH_MAX, nothing after the value, integers within
// 64 bits. The message tells line and column.
enum status json_parse_strict(const char *text, size_t len, json_t **ret, struct err *err) MUST_CHECK;

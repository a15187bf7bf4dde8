#include "api/schema.h"

#include "api/format.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { T_NULL = 1, T_BOOL = 2, T_INTEGER = 4, T_NUMBER = 8, T_STRING = 16, T_ARRAY = 32, T_OBJECT = 64, T_ANY = 127 };
static const struct { const char *name; unsigned bit; } type_names[] = {
    {"null", T_NULL},     {"boolean", T_BOOL}, {"integer", T_INTEGER}, {"number", T_NUMBER},
    {"string", T_STRING}, {"array", T_ARRAY},  {"object", T_OBJECT}};

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

struct schema_set {
  json_t *components;
  struct schema *owned;
  struct { const char *name; struct schema *schema; } *named;
  size_t named_count;
  struct schema any;
};

static struct schema *node_new(struct schema_set *set) {
  struct schema *s = calloc(1, sizeof *s);
  if (!s) return NULL;
  s->types = T_ANY;
  s->minimum = -INFINITY, s->maximum = INFINITY;
  s->max_length = s->max_items = s->max_properties = SIZE_MAX;
  s->next_owned = set->owned;
  set->owned = s;
  return s;
}

static enum status compile(struct schema_set *set, json_t *source, int depth, struct schema **ret, struct err *err);

static enum status compile_types(struct schema *s, json_t *v, struct err *err) {
  s->types = 0;
  const size_t n = json_is_array(v) ? json_array_size(v) : 1;
  for (size_t i = 0; i < n; i++) {
    const char *name = json_string_value(json_is_array(v) ? json_array_get(v, i) : v);
    unsigned bit = 0;
    for (size_t t = 0; name && t < sizeof type_names / sizeof *type_names; t++)
      if (strcmp(name, type_names[t].name) == 0) bit = type_names[t].bit;
    if (bit == 0) return err_set(err, ERR_INVALID, "type: unknown type %s", name ? name : "(not a string)");
    s->types |= bit;
  }
  return s->types ? OK : err_set(err, ERR_INVALID, "type: an empty list");
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct property *)a)->name, ((const struct property *)b)->name);
}

static struct property *property_find(const struct schema *s, const char *name) {
  struct property key = {.name = name};
  return s->property_count ? bsearch(&key, s->properties, s->property_count, sizeof key, by_name) : NULL;
}

static enum status compile_properties(struct schema_set *set, struct schema *s, json_t *v, int depth, struct err *err) {
  if (!json_is_object(v)) return err_set(err, ERR_INVALID, "properties: not an object");
  s->properties = calloc(json_object_size(v) + 1, sizeof *s->properties);
  if (!s->properties) return err_set(err, ERR_NOMEM, "out of memory");
  const char *name;
  json_t *sub;
  json_object_foreach(v, name, sub) {
    struct schema *child;
    enum status st = compile(set, sub, depth + 1, &child, err);
    if (st != OK) return err_wrap(err, st, "%s", name);
    s->properties[s->property_count++] = (struct property){name, child, false};
  }
  qsort(s->properties, s->property_count, sizeof *s->properties, by_name);
  return OK;
}

static enum status compile_size(json_t *v, const char *key, size_t *ret, struct err *err) {
  if (!json_is_integer(v) || json_integer_value(v) < 0) return err_set(err, ERR_INVALID, "%s: not a count", key);
  *ret = (size_t)json_integer_value(v);
  return OK;
}

static enum status compile_key(struct schema_set *set, struct schema *s, const char *key, json_t *v, int depth, struct err *err) {
  static const char *const annotations[] = {"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "x-prefix", "required"};
  for (size_t i = 0; i < sizeof annotations / sizeof *annotations; i++)
    if (strcmp(key, annotations[i]) == 0) return OK;
  if (strcmp(key, "type") == 0) return compile_types(s, v, err);
  if (strcmp(key, "properties") == 0) return compile_properties(set, s, v, depth, err);
  if (strcmp(key, "items") == 0 || strcmp(key, "additionalProperties") == 0) {
    const struct schema **slot = key[0] == 'i' ? &s->items : &s->additional;
    if (json_is_boolean(v)) {
      *slot = json_is_true(v) ? &set->any : NULL;
      return OK;
    }
    struct schema *child;
    enum status st = compile(set, v, depth + 1, &child, err);
    *slot = st == OK ? child : NULL;
    return st == OK ? OK : err_wrap(err, st, "%s", key);
  }
  if (strcmp(key, "enum") == 0 || strcmp(key, "const") == 0) {
    if (key[0] == 'e' && !json_is_array(v)) return err_set(err, ERR_INVALID, "enum: not a list");
    json_decref(s->choices);
    s->choices = key[0] == 'e' ? json_incref(v) : json_pack("[O]", v);
    return s->choices ? OK : err_set(err, ERR_NOMEM, "out of memory");
  }
  if (strcmp(key, "minimum") == 0 || strcmp(key, "maximum") == 0) {
    if (!json_is_number(v)) return err_set(err, ERR_INVALID, "%s: not a number", key);
    *(key[1] == 'i' ? &s->minimum : &s->maximum) = json_number_value(v);
    return OK;
  }
  if (strcmp(key, "minLength") == 0) return compile_size(v, key, &s->min_length, err);
  if (strcmp(key, "maxLength") == 0) return compile_size(v, key, &s->max_length, err);
  if (strcmp(key, "minItems") == 0) return compile_size(v, key, &s->min_items, err);
  if (strcmp(key, "maxItems") == 0) return compile_size(v, key, &s->max_items, err);
  if (strcmp(key, "minProperties") == 0) return compile_size(v, key, &s->min_properties, err);
  if (strcmp(key, "maxProperties") == 0) return compile_size(v, key, &s->max_properties, err);
  if (strcmp(key, "uniqueItems") == 0) {
    s->unique = json_is_true(v);
    return OK;
  }
  if (strcmp(key, "format") == 0) {
    const char *name = json_string_value(v);
    if (name && strcmp(name, "id") == 0) return OK;  // with x-prefix, below
    s->format = name ? format_find(name) : NULL;
    return s->format ? OK : err_set(err, ERR_INVALID, "format: there is no %s", name ? name : "(not a string)");
  }
  return err_set(err, ERR_INVALID, "%s: not a keyword of the subset", key);
}

static enum status compile(struct schema_set *set, json_t *source, int depth, struct schema **ret, struct err *err) {
  if (!json_is_object(source)) return err_set(err, ERR_INVALID, "a schema must be an object");
  if (depth > SCHEMA_DEPTH_MAX) return err_set(err, ERR_LIMIT, "schema nested too deep");
  struct schema *s = node_new(set);
  if (!s) return err_set(err, ERR_NOMEM, "out of memory");
  *ret = s;
  json_t *ref = json_object_get(source, "$ref"), *any = json_object_get(source, "anyOf");
  if (any) {
    json_t *other = json_array_get(any, 1);
    const char *null_type = json_string_value(json_object_get(other, "type"));
    if (json_array_size(any) != 2 || !null_type || strcmp(null_type, "null") != 0 || json_object_size(other) != 1)
      return err_set(err, ERR_INVALID, "anyOf: only [X, {\"type\": \"null\"}]");
    struct schema *x;
    enum status st = compile(set, json_array_get(any, 0), depth + 1, &x, err);
    if (st != OK) return st;
    s->ref = x;
    s->nullable = true;
  } else if (ref) {
    if (!json_is_string(ref)) return err_set(err, ERR_INVALID, "$ref: not a string");
    s->pending_ref = ref;
  }
  const char *key;
  json_t *v;
  json_object_foreach(source, key, v) {
    if ((any && strcmp(key, "anyOf") == 0) || (ref && strcmp(key, "$ref") == 0)) continue;
    if ((any || ref) && strcmp(key, "description") != 0 && strcmp(key, "examples") != 0)
      return err_set(err, ERR_INVALID, "%s: not beside a reference", key);
    enum status st = compile_key(set, s, key, v, depth, err);
    if (st != OK) return st;
  }
  const char *format = json_string_value(json_object_get(source, "format"));
  if (format && strcmp(format, "id") == 0) {
    s->id_prefix = json_string_value(json_object_get(source, "x-prefix"));
    if (!s->id_prefix) return err_set(err, ERR_INVALID, "format id needs x-prefix");
  }
  json_t *required = json_object_get(source, "required");
  for (size_t i = 0; i < json_array_size(required); i++) {
    const char *name = json_string_value(json_array_get(required, i));
    struct property *p = name ? property_find(s, name) : NULL;
    if (!p) return err_set(err, ERR_INVALID, "required: %s is not among the properties", name ? name : "(not a string)");
    p->required = true;
  }
  if (s->unique && s->max_items > 256) return err_set(err, ERR_INVALID, "uniqueItems needs maxItems of at most 256");
  return OK;
}

static enum status resolve(struct schema_set *set, struct err *err) {
  static const char prefix[] = "#/components/schemas/";
  for (struct schema *s = set->owned; s; s = s->next_owned) {
    if (!s->pending_ref) continue;
    const char *to = json_string_value(s->pending_ref);
    s->ref = strncmp(to, prefix, sizeof prefix - 1) == 0 ? schema_find(set, to + sizeof prefix - 1) : NULL;
    if (!s->ref) return err_set(err, ERR_INVALID, "$ref: there is no %s", to);
    s->pending_ref = NULL;
  }
  for (struct schema *s = set->owned; s; s = s->next_owned) {
    int steps = 0;
    for (const struct schema *r = s->ref; r; r = r->ref)
      if (++steps > 64) return err_set(err, ERR_INVALID, "$ref: a circle of references");
  }
  return OK;
}

const struct schema *schema_find(const struct schema_set *set, const char *name) {
  for (size_t i = 0; i < set->named_count; i++)
    if (strcmp(set->named[i].name, name) == 0) return set->named[i].schema;
  return NULL;
}

enum status schema_set_create(json_t *components, struct schema_set **ret, struct err *err) {
  struct schema_set *set = calloc(1, sizeof *set);
  if (!set) return err_set(err, ERR_NOMEM, "out of memory");
  set->any = (struct schema){.types = T_ANY, .minimum = -INFINITY, .maximum = INFINITY, .max_length = SIZE_MAX, .max_items = SIZE_MAX,
                             .max_properties = SIZE_MAX, .additional = &set->any, .items = &set->any};
  set->components = json_incref(components);
  set->named = calloc(json_object_size(components) + 1, sizeof *set->named);
  enum status st = set->named ? OK : err_set(err, ERR_NOMEM, "out of memory");
  const char *name;
  json_t *source;
  json_object_foreach(components, name, source) {
    if (st != OK) break;
    struct schema *s;
    st = compile(set, source, 0, &s, err);
    if (st != OK) err_wrap(err, st, "schema %s", name);
    else set->named[set->named_count].name = name, set->named[set->named_count++].schema = s;
  }
  if (st == OK) st = resolve(set, err);
  if (st != OK) {
    schema_set_destroy(set);
    return st;
  }
  *ret = set;
  return OK;
}

void schema_set_destroy(struct schema_set *set) {
  if (!set) return;
  for (struct schema *s = set->owned, *next; s; s = next) {
    next = s->next_owned;
    free(s->properties);
    json_decref(s->choices);
    free(s);
  }
  free(set->named);
  json_decref(set->components);
  free(set);
}

enum status schema_compile(struct schema_set *set, json_t *source, const struct schema **ret, struct err *err) {
  struct schema *s;
  enum status st = compile(set, source, 0, &s, err);
  if (st == OK) st = resolve(set, err);
  if (st == OK) *ret = s;
  return st;
}

static const struct schema *target(const struct schema *s, bool *ret_nullable) {
  *ret_nullable = false;
  for (; s->ref; s = s->ref) *ret_nullable |= s->nullable;
  return s;
}

bool schema_is_array(const struct schema *s) {
  bool nullable;
  return target(s, &nullable)->types == T_ARRAY;
}

// ---- checking

// The way down to the value at hand, on the checker's stack; written out only when something is wrong.
struct path {
  const struct path *up;
  const char *key;  // NULL: index
  size_t index;
};

static size_t path_write(const struct path *p, char *out, size_t size) {
  if (!p) return 0;
  size_t n = path_write(p->up, out, size);
  char part[128];
  size_t len = 0;
  part[len++] = '/';
  if (!p->key) len += (size_t)snprintf(part + len, sizeof part - len, "%zu", p->index);
  for (const char *c = p->key; c && *c && len + 3 < sizeof part; c++) {
    if (*c == '~' || *c == '/') part[len++] = '~', part[len++] = *c == '~' ? '0' : '1';
    else part[len++] = *c;
  }
  while (len > 0 && p->key && (part[len - 1] & 0x80) && strlen(p->key) > 100) len--;  // do not end within a character
  if (n + len >= size) return n;
  memcpy(out + n, part, len);
  return n + len;
}

static void complain_v(struct schema_errors *e, const struct path *p, const char *fmt, va_list ap) __attribute__((format(printf, 3, 0)));
static void complain_v(struct schema_errors *e, const struct path *p, const char *fmt, va_list ap) {
  if (e->count >= SCHEMA_ERRORS_MAX) return;
  struct schema_error *item = &e->items[e->count++];
  item->pointer[path_write(p, item->pointer, sizeof item->pointer)] = '\0';
  vsnprintf(item->message, sizeof item->message, fmt, ap);
}
static void complain(struct schema_errors *e, const struct path *p, const char *fmt, ...) PRINTF(3, 4);
static void complain(struct schema_errors *e, const struct path *p, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  complain_v(e, p, fmt, ap);
  va_end(ap);
}

void schema_errors_add(struct schema_errors *errors, const char *pointer, const char *fmt, ...) {
  if (errors->count >= SCHEMA_ERRORS_MAX) return;
  struct schema_error *item = &errors->items[errors->count++];
  snprintf(item->pointer, sizeof item->pointer, "%s", pointer);
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(item->message, sizeof item->message, fmt, ap);
  va_end(ap);
}

static unsigned type_of(json_t *v) {
  switch (json_typeof(v)) {
    case JSON_NULL: return T_NULL;
    case JSON_TRUE: case JSON_FALSE: return T_BOOL;
    case JSON_INTEGER: return T_INTEGER;
    case JSON_REAL: return json_real_value(v) == floor(json_real_value(v)) && fabs(json_real_value(v)) < 0x1p53 ? T_NUMBER | T_INTEGER : T_NUMBER;
    case JSON_STRING: return T_STRING;
    case JSON_ARRAY: return T_ARRAY;
    case JSON_OBJECT: return T_OBJECT;
  }
  return 0;
}

static void types_text(unsigned types, char *out, size_t size) {
  size_t n = 0;
  out[0] = '\0';
  if ((types & (T_NUMBER | T_INTEGER)) == (T_NUMBER | T_INTEGER)) types &= ~(unsigned)T_INTEGER;
  for (size_t i = 0; i < sizeof type_names / sizeof *type_names; i++)
    if ((types & type_names[i].bit) && n < size) n += (size_t)snprintf(out + n, size - n, "%s%s", n ? " or " : "", type_names[i].name);
}

static void choices_text(json_t *choices, char *out, size_t size) {
  size_t n = 0, i;
  json_t *c;
  out[0] = '\0';
  json_array_foreach(choices, i, c) {
    char *text = json_dumps(c, JSON_ENCODE_ANY);
    if (text && n < size) n += (size_t)snprintf(out + n, size - n, "%s%s", n ? ", " : "", text);
    free(text);
  }
}

static bool check(const struct schema *s, json_t *v, const struct path *p, struct schema_errors *e);

static void check_string(const struct schema *s, json_t *v, const struct path *p, struct schema_errors *e) {
  const char *text = json_string_value(v);
  const size_t len = json_string_length(v);
  size_t points = 0;
  if (!format_utf8(text, len, &points)) {
    complain(e, p, "must be text in UTF-8 without NUL");
    return;
  }
  if (points < s->min_length) complain(e, p, "must have at least %zu character%s", s->min_length, s->min_length == 1 ? "" : "s");
  else if (points > s->max_length) complain(e, p, "must have at most %zu characters", s->max_length);
  else if (s->id_prefix && !format_id(text, len, s->id_prefix)) complain(e, p, "must be an id: %s_ and %d characters", s->id_prefix, API_ID_DIGITS);
  else if (s->format && !s->format->check(text, len)) complain(e, p, "%s", s->format->about);
}

static void check_array(const struct schema *s, json_t *v, const struct path *p, struct schema_errors *e) {
  const size_t n = json_array_size(v);
  if (n < s->min_items) complain(e, p, "must have at least %zu item%s", s->min_items, s->min_items == 1 ? "" : "s");
  if (n > s->max_items) {
    complain(e, p, "must have at most %zu items", s->max_items);
    return;
  }
  for (size_t i = 0; i < n && e->count < SCHEMA_ERRORS_MAX; i++) {
    const struct path here = {p, NULL, i};
    if (s->items) check(s->items, json_array_get(v, i), &here, e);
    // Lists with uniqueItems are short (compile a maxItems with them): comparing all pairs is the simplest that is exact.
    for (size_t k = 0; s->unique && k < i; k++)
      if (json_equal(json_array_get(v, k), json_array_get(v, i))) {
        complain(e, &here, "must not be there twice");
        break;
      }
  }
}

static void check_object(const struct schema *s, json_t *v, const struct path *p, struct schema_errors *e) {
  for (size_t i = 0; i < s->property_count; i++)
    if (s->properties[i].required && !json_object_get(v, s->properties[i].name)) {
      const struct path here = {p, s->properties[i].name, 0};
      complain(e, &here, "is required");
    }
  const size_t n = json_object_size(v);
  if (n < s->min_properties) complain(e, p, "must have at least %zu member%s", s->min_properties, s->min_properties == 1 ? "" : "s");
  if (n > s->max_properties) {
    complain(e, p, "must have at most %zu members", s->max_properties);
    return;
  }
  const char *key;
  json_t *child;
  json_object_foreach(v, key, child) {
    if (e->count >= SCHEMA_ERRORS_MAX) return;
    const struct path here = {p, key, 0};
    const struct property *known = property_find(s, key);
    if (known) check(known->schema, child, &here, e);
    else if (s->additional) check(s->additional, child, &here, e);
    else complain(e, &here, "is not known here");
  }
}

static bool check(const struct schema *s, json_t *v, const struct path *p, struct schema_errors *e) {
  const int before = e->count;
  bool nullable;
  s = target(s, &nullable);
  if (nullable && json_is_null(v)) return true;
  const unsigned type = type_of(v);
  if ((type & s->types) == 0 && !(type == T_INTEGER && (s->types & T_NUMBER))) {
    char want[80];
    types_text(s->types, want, sizeof want);
    complain(e, p, "must be %s", want);
    return false;
  }
  if (s->choices) {
    bool found = false;
    for (size_t i = 0; i < json_array_size(s->choices) && !found; i++) found = json_equal(json_array_get(s->choices, i), v);
    if (!found) {
      char list[120];
      choices_text(s->choices, list, sizeof list);
      complain(e, p, "must be %s%s", json_array_size(s->choices) > 1 ? "one of " : "", list);
      return false;
    }
  }
  if (json_is_number(v)) {
    // As doubles: the limits of the API are far below 2^53, where this is exact.
    const double x = json_number_value(v);
    if (x < s->minimum) complain(e, p, "must be at least %.15g", s->minimum);
    if (x > s->maximum) complain(e, p, "must be at most %.15g", s->maximum);
  } else if (json_is_string(v)) {
    check_string(s, v, p, e);
  } else if (json_is_array(v)) {
    check_array(s, v, p, e);
  } else if (json_is_object(v)) {
    check_object(s, v, p, e);
  }
  return e->count == before;
}

bool schema_check(const struct schema *s, json_t *value, struct schema_errors *errors) { return check(s, value, NULL, errors); }

static json_t *value_of_text(unsigned types, const char *text, size_t len) {
  if (types & T_STRING) return json_stringn_nocheck(text, len);
  if ((types & T_BOOL) && len == 4 && memcmp(text, "true", 4) == 0) return json_true();
  if ((types & T_BOOL) && len == 5 && memcmp(text, "false", 5) == 0) return json_false();
  if ((types & (T_INTEGER | T_NUMBER)) && len > 0 && (text[0] == '-' || (text[0] >= '0' && text[0] <= '9'))) {
    json_t *v = json_loadb(text, len, JSON_DECODE_ANY, NULL);
    if (json_is_integer(v) || ((types & T_NUMBER) && json_is_number(v))) return v;
    json_decref(v);
  }
  return NULL;
}

bool schema_check_text(const struct schema *s, const char *text, size_t len, const char *pointer, struct schema_errors *errors, json_t **ret_value) {
  bool nullable;
  const struct schema *to = target(s, &nullable);
  json_t *v = value_of_text(to->types, text, len);
  if (!v) {
    char want[80];
    types_text(to->types, want, sizeof want);
    schema_errors_add(errors, pointer, "must be %s", want);
    return false;
  }
  const int before = errors->count;
  if (!check(to, v, NULL, errors)) {
    for (int i = before; i < errors->count; i++) snprintf(errors->items[i].pointer, sizeof errors->items[i].pointer, "%s", pointer);
    json_decref(v);
    return false;
  }
  *ret_value = v;
  return true;
}

// The depth of brackets outside strings; enough to bound it, the parser proper does the rest.
static size_t depth_of(const char *text, size_t len) {
  size_t depth = 0, max = 0;
  bool in_string = false;
  for (size_t i = 0; i < len; i++) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') i++;
      else if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > max) max = depth;
    } else if ((c == '}' || c == ']') && depth > 0) {
      depth--;
    }
  }
  return max;
}

enum status json_parse_strict(const char *text, size_t len, json_t **ret, struct err *err) {
  if (depth_of(text, len) > SCHEMA_DEPTH_MAX) return err_set(err, ERR_LIMIT, "nested deeper than %d levels", SCHEMA_DEPTH_MAX);
  json_error_t e;
  json_t *v = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
  if (!v) {
    if (json_error_code(&e) == json_error_out_of_memory) return err_set(err, ERR_NOMEM, "out of memory");
    return err_set(err, ERR_INVALID, "line %d, column %d: %s", e.line, e.column, e.text);
  }
  *ret = v;
  return OK;
}

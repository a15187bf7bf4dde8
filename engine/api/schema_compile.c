// api/schema_compile.c – schemas from their JSON; see schema.h for what is understood.
#include "api/schema_impl.h"

#include "api/format.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct schema_type schema_types[SCHEMA_TYPES] = {
    {"null", T_NULL},     {"boolean", T_BOOL}, {"integer", T_INTEGER}, {"number", T_NUMBER},
    {"string", T_STRING}, {"array", T_ARRAY},  {"object", T_OBJECT}};

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
    for (size_t t = 0; name && t < SCHEMA_TYPES; t++)
      if (strcmp(name, schema_types[t].name) == 0) bit = schema_types[t].bit;
    if (bit == 0) return err_set(err, ERR_INVALID, "type: unknown type %s", name ? name : "(not a string)");
    s->types |= bit;
  }
  return s->types ? OK : err_set(err, ERR_INVALID, "type: an empty list");
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct property *)a)->name, ((const struct property *)b)->name);
}

struct property *schema_property(const struct schema *s, const char *name) {
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
    struct property *p = name ? schema_property(s, name) : NULL;
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

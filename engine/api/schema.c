// api/schema.c – does a value fit its schema; and strict JSON; see schema.h.
#include "api/schema_impl.h"

#include "api/format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
  for (size_t i = 0; i < SCHEMA_TYPES; i++)
    if ((types & schema_types[i].bit) && n < size) n += (size_t)snprintf(out + n, size - n, "%s%s", n ? " or " : "", schema_types[i].name);
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
    const struct property *known = schema_property(s, key);
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

// exchange/fault.c – see fault.h.
#include "exchange/fault.h"

#include "base/decimal.h"
#include "exchange/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct fault_about exch_fault_table[FAULT_COUNT] = {
#define X(name, text, where, value, about) {text, where, value, about},
  FAULT_LIST(X)
#undef X
};

static const struct {
  const char *name, *spec;
} presets[] = {
#define X(name, spec) {name, spec},
  FAULT_PRESETS(X)
#undef X
};

static bool integer(const char *text, int scale, int64_t *ret) {
  return decimal_parse_scaled(text, strlen(text), scale, ret);
}

static enum status set(struct fault_rule *r, const char *key, const char *value, struct err *err) {
  int64_t n = 0;
  if (strcmp(key, "on") == 0) {
    if (strlen(value) >= sizeof r->on) return err_set(err, ERR_INVALID, "faults: on=%s: too long", value);
    snprintf(r->on, sizeof r->on, "%s", value);
    return OK;
  }
  if (strcmp(key, "link") == 0) {
    if (strlen(value) >= sizeof r->link) return err_set(err, ERR_INVALID, "faults: link=%s: too long", value);
    snprintf(r->link, sizeof r->link, "%s", value);
    return OK;
  }
  if (strcmp(key, "p") == 0) {
    if (!integer(value, 9, &r->p_e9) || r->p_e9 < 0 || r->p_e9 > 1000000000)
      return err_set(err, ERR_INVALID, "faults: p=%s: a probability from 0 to 1", value);
    return OK;
  }
  if (!integer(value, 0, &n)) return err_set(err, ERR_INVALID, "faults: %s=%s: a whole number", key, value);
  if (strcmp(key, "value") == 0)
    r->value = n;
  else if (n < 0)
    return err_set(err, ERR_INVALID, "faults: %s=%s: not below 0", key, value);
  else if (strcmp(key, "after") == 0)
    r->after = (uint64_t)n;
  else if (strcmp(key, "count") == 0)
    r->count = (uint64_t)n;
  else if (strcmp(key, "every") == 0)
    r->every_ms = n;
  else
    return err_set(err, ERR_INVALID, "faults: %s: no such key; there are on, link, p, value, after, count, every", key);
  return OK;
}

static enum status begin(struct faults *f, const char *name, struct fault_rule **ret, struct err *err) {
  if (f->count == FAULT_RULES_MAX) return err_set(err, ERR_LIMIT, "faults: at most %d rules", FAULT_RULES_MAX);
  struct fault_rule *r = &f->rules[f->count];
  *r = (struct fault_rule){.fault = FAULT_NONE, .p_e9 = 1000000000};
  for (int i = 0; i < FAULT_COUNT; i++)
    if (strcmp(exch_fault_table[i].name, name) == 0) r->fault = (enum fault)i;
  if (r->fault == FAULT_NONE)
    return err_set(err, ERR_INVALID, "faults: \"%s\": no such fault; see perigee exchange --help", name);
  r->value = exch_fault_table[r->fault].value;
  *ret = r;
  return OK;
}

static enum status finish(struct faults *f, struct fault_rule *r, struct err *err) {
  bool status = r->fault == FAULT_ERROR_BEFORE || r->fault == FAULT_ERROR_AFTER;
  if (status && (r->value < 400 || r->value > 599))
    return err_set(
      err, ERR_INVALID, "faults: %s: value is an HTTP status from 400 to 599", exch_fault_table[r->fault].name);
  if (r->fault == FAULT_PARTIAL_CANCEL && (r->value < 1 || r->value > 99))
    return err_set(err, ERR_INVALID, "faults: partial_cancel: value is a percentage from 1 to 99");
  if (r->value < 0 && r->fault != FAULT_SKEW && r->fault != FAULT_FUNDING)
    return err_set(err, ERR_INVALID, "faults: %s: value is not below 0", exch_fault_table[r->fault].name);
  f->count++;
  return OK;
}

static char *trim(char *text) {
  while (*text == ' ' || *text == '\t') text++;
  size_t len = strlen(text);
  while (len > 0 && strchr(" \t\r", text[len - 1])) text[--len] = '\0';
  return text;
}

static enum status add_one(struct faults *f, char *text, struct err *err) {
  char *hash = strchr(text, '#');
  if (hash) *hash = '\0';
  text = trim(text);
  if (!text[0]) return OK;
  for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++)
    if (strcmp(presets[i].name, text) == 0) return exch_faults_add(f, presets[i].spec, err);
  struct fault_rule *r;
  char *rest = strchr(text, ':');
  if (rest) *rest++ = '\0';
  enum status st = begin(f, trim(text), &r, err);
  while (st == OK && rest && rest[0]) {
    char *next = strchr(rest, ',');
    if (next) *next++ = '\0';
    char *value = strchr(rest, '=');
    if (!value) return err_set(err, ERR_INVALID, "faults: \"%s\": key=value", rest);
    *value++ = '\0';
    st = set(r, trim(rest), trim(value), err);
    rest = next;
  }
  return st == OK ? finish(f, r, err) : st;
}

enum status exch_faults_add(struct faults *f, const char *spec, struct err *err) {
  int had = f->count;
  char *copy = strdup(spec);
  if (!copy) return err_set(err, ERR_NOMEM, "out of memory");
  enum status st = OK;
  for (char *at = copy; st == OK && at;) {
    char *end = at + strcspn(at, ";\n"), *next = *end ? end + 1 : NULL;
    *end = '\0';
    st = add_one(f, at, err);
    at = next;
  }
  free(copy);
  if (st != OK) f->count = had;
  return st;
}

enum status exch_faults_add_json(struct faults *f, const json_t *rule, struct err *err) {
  struct fault_rule *r;
  const char *key;
  json_t *v;
  char text[64];
  if (json_is_string(rule)) return exch_faults_add(f, json_string_value(rule), err);
  const char *name = json_string_value(json_object_get(rule, "fault"));
  if (!name) return err_set(err, ERR_INVALID, "faults: a rule is {\"fault\":NAME, …} or a spec");
  enum status st = begin(f, name, &r, err);
  json_object_foreach((json_t *)(uintptr_t)rule, key, v) {
    if (st != OK || strcmp(key, "fault") == 0) continue;
    st = set(r, key, exch_param_text(rule, key, text), err);
  }
  return st == OK ? finish(f, r, err) : st;
}

json_t *exch_faults_json(const struct faults *f) {
  json_t *list = json_array();
  for (int i = 0; i < f->count; i++) {
    const struct fault_rule *r = &f->rules[i];
    char p[DECIMAL_TEXT_MAX];
    decimal_format_scaled(r->p_e9, 9, p);
    json_array_append_new(
      list, json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "fault", exch_fault_table[r->fault].name,
              "on", r->on, "link", r->link, "p", p, "value", (json_int_t)r->value, "after", (json_int_t)r->after,
              "count", (json_int_t)r->count, "every", (json_int_t)r->every_ms, "matches", (json_int_t)r->matches,
              "fired", (json_int_t)r->fired));
  }
  return list;
}

static bool spent(const struct fault_rule *r) {
  return r->count > 0 && r->fired >= r->count;
}

// Without `on`: what moves money or tells about it, not the public market data.
static bool matches(const struct fault_rule *r, const char *what, const char *link) {
  if (r->link[0] && strncmp(link, r->link, strlen(r->link)) != 0) return false;
  if (r->on[0]) return strstr(what, r->on) != NULL;
  const bool of_one_category = strncmp(what, "order.", 6) == 0 || strncmp(what, "execution.", 10) == 0;
  if (exch_fault_table[r->fault].where == AT_FRAME) return of_one_category || !strchr(what, '.');
  return strncmp(what, "/v5/market/", 11) != 0 && strncmp(what, "/admin", 6) != 0;
}

static bool roll(struct faults *f, const struct fault_rule *r) {
  return (int64_t)(exch_mix(exch_mix(f->seed, (uint64_t)(r - f->rules) + 1), ++f->number) % 1000000000u) < r->p_e9;
}

struct fault_rule *exch_faults_pick(struct faults *f, enum fault_where where, const char *what, const char *link) {
  for (int i = 0; i < f->count; i++) {
    struct fault_rule *r = &f->rules[i];
    if (exch_fault_table[r->fault].where != where || spent(r) || !matches(r, what, link)) continue;
    if (r->fault == FAULT_PARTIAL_CANCEL && !strstr(what, "order/create")) continue;
    if (r->matches++ < r->after || !roll(f, r)) continue;
    r->fired++;
    return r;
  }
  return NULL;
}

struct fault_rule *exch_faults_due(struct faults *f, int64_t now_ms) {
  for (int i = 0; i < f->count; i++) {
    struct fault_rule *r = &f->rules[i];
    if (exch_fault_table[r->fault].where != AT_TIME || spent(r)) continue;
    if (r->every_ms == 0) {  // once, at once
      if (r->fired > 0) continue;
    } else {
      if (r->next_ms == 0) r->next_ms = now_ms + r->every_ms;
      if (now_ms < r->next_ms) continue;
      r->next_ms = now_ms + r->every_ms;
    }
    r->matches++;
    if (r->matches <= r->after || !roll(f, r)) continue;
    r->fired++;
    return r;
  }
  return NULL;
}

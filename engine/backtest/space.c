#include "backtest/space.h"

#include "base/decimal.h"
#include "base/suggest.h"
#include "market/bar.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static bool is_number(enum param_kind kind) { return kind <= PARAM_MONEY; }

void space_init(struct space *s, const struct script_spec *spec) {
  memset(s, 0, sizeof *s);
  s->spec = spec;
  s->size = 1;
}

// ---- reading

// The parameter named before "="; -1 when there is none.
static int named(const struct script_spec *spec, const char *assignment, const char **ret_text) {
  const char *equals = strchr(assignment, '=');
  char name[SPEC_NAME_MAX];
  if (!equals || equals - assignment >= SPEC_NAME_MAX) return -1;
  snprintf(name, sizeof name, "%.*s", (int)(equals - assignment), assignment);
  *ret_text = equals + 1;
  return params_find(spec, name);
}

bool space_is_axis(const struct script_spec *spec, const char *assignment) {
  const char *text;
  const int param = named(spec, assignment, &text);
  if (param < 0) return false;
  const enum param_kind kind = spec->params[param].kind;
  if (is_number(kind)) return strstr(text, "..") || strchr(text, ',');
  return kind != PARAM_TEXT && kind != PARAM_TIME && strchr(text, ',');
}

// "PARAM: …" as params_set_text says it of one value.
static enum status check_text(const struct space *s, const struct space_axis *a, const char *value, struct err *err) {
  char assignment[SPEC_NAME_MAX + SPEC_TEXT_MAX];
  struct param_value scratch[SPEC_PARAMS_MAX];
  snprintf(assignment, sizeof assignment, "%s=%s", s->spec->params[a->param].name, value);
  return params_set_text(s->spec, assignment, scratch, err);
}

static enum status read_list(const struct space *s, struct space_axis *a, const char *text, struct err *err) {
  const char *name = s->spec->params[a->param].name;
  a->listed = true;
  for (const char *p = text;; p++) {
    size_t len = strcspn(p, ",");
    const char *end = p + len;
    while (len && *p == ' ') p++, len--;
    while (len && p[len - 1] == ' ') len--;
    if (a->count == SPACE_LIST_MAX) return err_set(err, ERR_INVALID, "%s: at most %d values; write a range for more", name, SPACE_LIST_MAX);
    if (len == 0 || len >= SPEC_NAME_MAX) return err_set(err, ERR_INVALID, "%s: a value is %s", name, len ? "too long" : "missing between commas");
    snprintf(a->list[a->count], SPEC_NAME_MAX, "%.*s", (int)len, p);
    for (size_t i = 0; i < a->count; i++)
      if (strcmp(a->list[i], a->list[a->count]) == 0) return err_set(err, ERR_INVALID, "%s: %s is there twice", name, a->list[i]);
    enum status st = check_text(s, a, a->list[a->count], err);
    if (st != OK) return st;
    a->count++;
    p = end;
    if (!*p) return OK;
  }
}

// What a range goes by when it does not say.
static struct decimal usual_step(const struct param_spec *p, struct decimal from, struct decimal to) {
  struct decimal step = {1, 0};
  char text[40];
  if (p->has_step && snprintf(text, sizeof text, "%.15g", p->step) > 0 && decimal_parse(text, strlen(text), &step)) return step;
  if (p->kind == PARAM_INT) return step;
  const int scale = (from.scale > to.scale ? from.scale : to.scale) + 2;
  int64_t a, b;
  if (!decimal_rescale(from, scale, &a) || !decimal_rescale(to, scale, &b) || b - a < 100) return step;
  return decimal_normal((struct decimal){(b - a) / 100, scale});
}

static enum status read_range(const struct space *s, struct space_axis *a, const char *text, struct err *err) {
  const struct param_spec *p = &s->spec->params[a->param];
  const char *dots = strstr(text, ".."), *colon = strchr(dots, ':');
  const char *end = colon ? colon : text + strlen(text);
  struct decimal from, to, step;
  if (!decimal_parse(text, (size_t)(dots - text), &from) || !decimal_parse(dots + 2, (size_t)(end - dots - 2), &to) || (colon && !decimal_parse(colon + 1, strlen(colon + 1), &step)))
    return err_set(err, ERR_INVALID, "%s = \"%.100s\": write from..to or from..to:step, as in %s=5..50:5", p->name, text, p->name);
  if (!colon) step = usual_step(p, from, to);
  a->scale = from.scale > to.scale ? from.scale : to.scale;
  if (step.scale > a->scale) a->scale = step.scale;
  int64_t last;
  if (!decimal_rescale(from, a->scale, &a->first) || !decimal_rescale(to, a->scale, &last) || !decimal_rescale(step, a->scale, &a->step) || last > INT64_MAX / 4 ||
      last < -INT64_MAX / 4 || a->first > INT64_MAX / 4 || a->first < -INT64_MAX / 4)
    return err_set(err, ERR_RANGE, "%s = \"%.100s\": the numbers have too many digits", p->name, text);
  if (a->first > last) return err_set(err, ERR_INVALID, "%s = \"%.100s\": the first value is above the last", p->name, text);
  if (a->step <= 0) return err_set(err, ERR_INVALID, "%s = \"%.100s\": the step must be above 0", p->name, text);
  const int64_t count = (last - a->first) / a->step + 1;
  if (count > SPACE_VALUES_MAX) return err_set(err, ERR_INVALID, "%s = \"%.100s\" has %lld values, at most %d: take a wider step", p->name, text, (long long)count, SPACE_VALUES_MAX);
  a->count = (size_t)count;
  // Limits bind at the ends; a whole number is one throughout if the first and the second are.
  const size_t ends[] = {0, a->count > 1 ? 1 : 0, a->count - 1};
  for (size_t i = 0; i < 3; i++) {
    char value[DECIMAL_TEXT_MAX];
    decimal_format_scaled(a->first + (int64_t)ends[i] * a->step, a->scale, value);
    enum status st = check_text(s, a, value, err);
    if (st != OK) return st;
  }
  return OK;
}

static enum status unknown(const struct space *s, const char *assignment, struct err *err) {
  struct param_value scratch[SPEC_PARAMS_MAX];  // its words for a name that is none
  enum status st = params_set_text(s->spec, assignment, scratch, err);
  return st != OK ? st : err_set(err, ERR_INVALID, "\"%.100s\" is no range", assignment);
}

enum status space_add(struct space *s, const char *assignment, struct err *err) {
  const char *text = "";
  const int param = named(s->spec, assignment, &text);
  if (param < 0) return unknown(s, assignment, err);
  const struct param_spec *p = &s->spec->params[param];
  if (s->axis_count == SPACE_AXES_MAX) return err_set(err, ERR_INVALID, "%s: at most %d parameters may be varied at once", p->name, SPACE_AXES_MAX);
  for (int i = 0; i < s->axis_count; i++)
    if (s->axes[i].param == param) return err_set(err, ERR_INVALID, "%s: it is there twice", p->name);
  struct space_axis *a = &s->axes[s->axis_count];
  memset(a, 0, sizeof *a);
  a->param = param;
  enum status st = is_number(p->kind) && strstr(text, "..") ? read_range(s, a, text, err) : read_list(s, a, text, err);
  if (st != OK) return st;
  if (s->size > SPACE_SIZE_MAX / a->count) return err_set(err, ERR_INVALID, "%s: more than %llu combinations: narrow the ranges", p->name, (unsigned long long)SPACE_SIZE_MAX);
  s->size *= a->count;
  s->axis_count++;
  return OK;
}

static enum status add_declared(struct space *s, const struct param_spec *p, struct err *err) {
  char text[SPEC_NAME_MAX * (SPEC_CHOICES_MAX + 2) + 80];
  int n = snprintf(text, sizeof text, "%s=", p->name);
  if (p->kind == PARAM_BOOL) {
    snprintf(text + n, sizeof text - (size_t)n, "false,true");
  } else if (p->kind == PARAM_ENUM) {
    for (int i = 0; i < p->choice_count; i++) n += snprintf(text + n, sizeof text - (size_t)n, "%s%s", i ? "," : "", p->choices[i]);
  } else if (is_number(p->kind) && p->has_min && p->has_max) {
    snprintf(text + n, sizeof text - (size_t)n, "%.15g..%.15g", p->min, p->max);
  } else {
    return err_set(err, ERR_INVALID, "%s may be varied, but the header does not say between which values: give its range", p->name);
  }
  return space_add(s, text, err);
}

enum status space_add_declared(struct space *s, struct err *err) {
  enum status st = OK;
  for (int i = 0; st == OK && i < s->spec->param_count; i++)
    if (s->spec->params[i].opt) st = add_declared(s, &s->spec->params[i], err);
  if (st == OK && s->axis_count == 0)
    st = err_set(err, ERR_INVALID, "nothing to vary: give a parameter a range, as in fast=5..50:5, or mark it with opt=true in the header");
  return st;
}

// ---- values and points

char *space_text(const struct space *s, int axis, size_t index, char *buf) {
  const struct space_axis *a = &s->axes[axis];
  assert(index < a->count);
  if (a->listed) snprintf(buf, SPEC_TEXT_MAX, "%s", a->list[index]);
  else decimal_format_scaled(a->first + (int64_t)index * a->step, a->scale, buf);
  return buf;
}

void space_apply(const struct space *s, const struct point *p, struct param_value *values) {
  for (int i = 0; i < s->axis_count; i++) {
    char text[SPEC_NAME_MAX + SPEC_TEXT_MAX], value[SPEC_TEXT_MAX];
    struct err err;
    snprintf(text, sizeof text, "%s=%s", s->spec->params[s->axes[i].param].name, space_text(s, i, p->at[i], value));
    enum status st = params_set_text(s->spec, text, values, &err);
    assert(st == OK);  // each was checked when its axis was read
    (void)st;
  }
}

struct point space_point(const struct space *s, uint64_t number) {
  struct point p = {{0}};
  for (int i = s->axis_count - 1; i >= 0; i--) {
    p.at[i] = (uint16_t)(number % s->axes[i].count);
    number /= s->axes[i].count;
  }
  return p;
}

uint64_t space_number(const struct space *s, const struct point *p) {
  uint64_t n = 0;
  for (int i = 0; i < s->axis_count; i++) n = n * s->axes[i].count + p->at[i];
  return n;
}

bool space_ordered(const struct space *s, int axis) { return is_number(s->spec->params[s->axes[axis].param].kind); }

// script/rule_head.c – the settings that a rule's header declares, and filling them with what somebody gives.
#include "script/rule_impl.h"

#include "base/suggest.h"
#include "market/tz.h"
#include "script/value.h"

#include <inttypes.h>
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 40
#define ONE_OF_MAX 32
#define MAP_MAX 256       // entries of a map
#define TEXT_BYTES_MAX 400

static int by_name(const void *a, const void *b) { return strcmp(a, b); }

// ---- forms: what a text must be that is more than a text

static bool is_time(const char *text) {
  const char *colon = strchr(text, ':');
  const size_t hours = colon ? (size_t)(colon - text) : 0;
  if (hours < 1 || hours > 2 || strlen(colon) != 3 || strspn(text, "0123456789") != hours || strspn(colon + 1, "0123456789") != 2) return false;
  const int minute = atoi(text) * 60 + atoi(colon + 1);
  return colon[1] < '6' && minute <= 24 * 60;
}

static bool is_zone(const char *text) {
  struct tz *zone;
  struct err err;
  if (tz_load(text, &zone, &err) != OK) return false;
  tz_destroy(zone);
  return true;
}

static const struct form {
  const char *name;
  bool (*fits)(const char *text);
  const char *is;
} forms[] = {{"time", is_time, "a time of day such as 08:30"}, {"zone", is_zone, "the IANA name of a zone that this machine knows, such as Europe/London"}};

static const struct form *form_of(const char *name) {
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
    if (name && strcmp(forms[i].name, name) == 0) return &forms[i];
  return NULL;
}

// ---- reading: the header of a file

static const char *kind_of(lua_State *L, int ix) {
  switch (lua_type(L, ix)) {
    case LUA_TNUMBER: return lua_isinteger(L, ix) ? "int" : "num";
    case LUA_TBOOLEAN: return "bool";
    case LUA_TSTRING: return "text";
    case LUA_TTABLE: return "map";
    default: return NULL;
  }
}

// The field as a number into the setting; a "num" may have whole bounds, an "int" no others.
static void read_bound(struct table_reader *r, const char *where, const char *key, const char *kind, json_t *setting) {
  lua_State *L = r->L;
  const int type = table_field(r, -1, key);
  if (type == LUA_TNIL) return lua_pop(L, 1);
  const bool whole = lua_isinteger(L, -1);
  if (strcmp(kind, "int") != 0 && strcmp(kind, "num") != 0) table_fail(r, key, "%s.%s: only numbers have bounds", where, key);
  if (type != LUA_TNUMBER || (strcmp(kind, "int") == 0 && !whole) || !isfinite(lua_tonumber(L, -1)))
    table_fail(r, key, "%s.%s must be a %s, as the default is", where, key, strcmp(kind, "int") == 0 ? "whole number" : "number");
  json_object_set_new(setting, key, strcmp(kind, "int") == 0 ? json_integer(lua_tointeger(L, -1)) : json_real(lua_tonumber(L, -1)));
  lua_pop(L, 1);
}

static void read_one_of(struct table_reader *r, const char *where, const char *kind, json_t *setting) {
  lua_State *L = r->L;
  if (!table_section(r, -1, where, "one_of")) return;
  const lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
  if (strcmp(kind, "text") != 0) table_fail(r, "one_of", "%s.one_of: only of texts", where);
  if (n < 1 || n > ONE_OF_MAX) table_fail(r, "one_of", "%s.one_of: between 1 and %d texts", where, ONE_OF_MAX);
  json_t *list = json_array();
  json_object_set_new(setting, "one_of", list);
  for (lua_Integer i = 1; i <= n; i++) {
    size_t len = 0;
    const char *text = lua_rawgeti(L, -1, i) == LUA_TSTRING ? lua_tolstring(L, -1, &len) : NULL;
    if (text == NULL || len == 0 || len > TEXT_BYTES_MAX || json_array_append_new(list, json_stringn(text, len)) != 0) table_fail(r, "one_of", "%s.one_of[%d] must be a text", where, (int)i);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

static void read_form(struct table_reader *r, const char *where, const char *kind, json_t *setting) {
  char form[20];
  if (!table_text(r, -1, where, "form", form, sizeof form)) return;
  if (strcmp(kind, "text") != 0) table_fail(r, "form", "%s.form: only of texts", where);
  if (!form_of(form)) table_fail(r, "form", "%s.form: there are time and zone", where);
  json_object_set_new(setting, "form", json_string(form));
}

static json_t *default_tree(struct table_reader *r, const char *where) {
  const char *what;
  json_t *v = value_tree(r->L, -1, true, &what);
  if (v != NULL && json_is_array(v) && json_array_size(v) == 0) {
    json_decref(v);
    v = json_object();
  }
  if (v == NULL) table_fail(r, "default", "%s.default: %s", where, what);
  return v;
}

// The setting whose table is at the top; all that is read goes into `setting`, which the list owns.
static void read_setting(struct table_reader *r, const char *name, json_t *setting) {
  static const char *const keys[] = {"default", "min", "max", "one_of", "form", "about"};
  lua_State *L = r->L;
  char where[64 + NAME_MAX_BYTES], about[400];
  snprintf(where, sizeof where, "settings.%s", name);
  if (!lua_istable(L, -1)) table_fail(r, name, "%s must be a table: %s={default=…, about=\"…\"}", where, name);
  table_check_keys(r, -1, where, keys, sizeof keys / sizeof *keys);
  table_field(r, -1, "default");
  const char *kind = kind_of(L, -1);
  if (kind == NULL) table_fail(r, name, "%s.default is missing: it says what kind of setting it is", where);
  json_object_set_new(setting, "name", json_string(name));
  json_object_set_new(setting, "kind", json_string(kind));
  json_object_set_new(setting, "default", default_tree(r, where));
  lua_pop(L, 1);
  if (table_text(r, -1, where, "about", about, sizeof about)) json_object_set_new(setting, "about", json_string(about));
  read_bound(r, where, "min", kind, setting);
  read_bound(r, where, "max", kind, setting);
  read_one_of(r, where, kind, setting);
  read_form(r, where, kind, setting);
}

void rule_read_settings(struct table_reader *r, json_t **ret) {
  lua_State *L = r->L;
  char names[RULE_SETTINGS_MAX][NAME_MAX_BYTES];
  size_t n = 0;
  *ret = json_array();
  if (*ret == NULL) luaL_error(L, "out of memory");
  if (!table_section(r, -1, r->head, "settings")) return;
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
    size_t len = 0;
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &len) : "";
    if (len == 0 || len >= NAME_MAX_BYTES || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != len)
      table_fail(r, "settings", "a setting's name is at most %d lower-case letters, digits and _", NAME_MAX_BYTES - 1);
    if (n == RULE_SETTINGS_MAX) table_fail(r, "settings", "at most %d settings", RULE_SETTINGS_MAX);
    memcpy(names[n++], name, len + 1);
  }
  qsort(names, n, sizeof *names, by_name);
  for (size_t i = 0; i < n; i++) {
    json_t *setting = json_object();
    if (json_array_append_new(*ret, setting) != 0) luaL_error(L, "out of memory");
    table_field(r, -1, names[i]);
    read_setting(r, names[i], setting);
    lua_pop(L, 1);
    json_t *full = NULL;
    struct err err;
    json_t *own = json_pack("[O]", setting);
    const enum status st = rule_settings_fill(own, NULL, &full, &err);  // its default keeps to its bounds
    json_decref(own);
    json_decref(full);
    if (st != OK) table_fail(r, names[i], "the default of %s", err.msg);
  }
  lua_pop(L, 1);
}

// ---- filling

static enum status wrong(struct err *err, const char *name, const char *fmt, ...) PRINTF(3, 4);
static enum status wrong(struct err *err, const char *name, const char *fmt, ...) {
  char text[300];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  return err_set(err, ERR_INVALID, "settings.%s %s", name, text);
}

static enum status number_fits(const json_t *s, const char *name, const json_t *v, struct err *err) {
  const json_t *min = json_object_get(s, "min"), *max = json_object_get(s, "max");
  if (min && json_number_value(v) < json_number_value(min)) return wrong(err, name, "is below %g", json_number_value(min));
  if (max && json_number_value(v) > json_number_value(max)) return wrong(err, name, "is above %g", json_number_value(max));
  return OK;
}

static enum status text_fits(const json_t *s, const char *name, const json_t *v, struct err *err) {
  const json_t *list = json_object_get(s, "one_of");
  if (!list) return json_string_length(v) <= TEXT_BYTES_MAX ? OK : wrong(err, name, "has more than %d bytes", TEXT_BYTES_MAX);
  const char *words[ONE_OF_MAX];
  const size_t n = json_array_size(list);
  for (size_t i = 0; i < n; i++) {
    words[i] = json_string_value(json_array_get(list, i));
    if (strcmp(words[i], json_string_value(v)) == 0) return OK;
  }
  const char *near = suggest_nearest(json_string_value(v), words, n);
  char all[200] = "";
  for (size_t i = 0, at = 0; i < n && at < sizeof all; i++) at += (size_t)snprintf(all + at, sizeof all - at, "%s%s", i ? ", " : "", words[i]);
  return near ? wrong(err, name, "is none of %s; is '%s' meant?", all, near) : wrong(err, name, "is none of %s", all);
}

static enum status map_fits(const char *name, const json_t *v, struct err *err) {
  const char *key;
  json_t *item;
  if (json_object_size(v) > MAP_MAX) return wrong(err, name, "has more than %d entries", MAP_MAX);
  json_object_foreach((json_t *)v, key, item)
    if (!json_is_string(item) || json_string_length(item) > TEXT_BYTES_MAX || strlen(key) > TEXT_BYTES_MAX) return wrong(err, name, "maps a text to a text, but '%.40s' is not so", key);
  return OK;
}

// One that is given, as it is to stand: a whole number does for a "num".
static enum status fit(const json_t *s, const char *name, const json_t *v, json_t **ret, struct err *err) {
  const char *kind = json_string_value(json_object_get(s, "kind"));
  const bool right = strcmp(kind, "int") == 0 ? json_is_integer(v) : strcmp(kind, "num") == 0 ? json_is_number(v) : strcmp(kind, "bool") == 0 ? json_is_boolean(v) :
    strcmp(kind, "text") == 0 ? json_is_string(v) : json_is_object(v);
  if (!right) return wrong(err, name, "must be %s", strcmp(kind, "int") == 0 ? "a whole number" : strcmp(kind, "num") == 0 ? "a number" : strcmp(kind, "bool") == 0 ? "true or false" :
    strcmp(kind, "text") == 0 ? "a text" : "an object of texts");
  enum status st = OK;
  if (json_is_number(v)) st = number_fits(s, name, v, err);
  else if (json_is_string(v)) st = text_fits(s, name, v, err);
  else if (json_is_object(v)) st = map_fits(name, v, err);
  if (st == OK) *ret = strcmp(kind, "num") == 0 ? json_real(json_number_value(v)) : json_deep_copy(v);
  return st;
}

enum status rule_settings_fill(const json_t *settings, const json_t *given, json_t **ret, struct err *err) {
  const char *names[RULE_SETTINGS_MAX], *key;
  const size_t n = json_array_size(settings);
  json_t *out = json_object(), *v;
  enum status st = out ? OK : err_set(err, ERR_NOMEM, "out of memory");
  for (size_t i = 0; st == OK && i < n; i++) {
    const json_t *s = json_array_get(settings, i);
    names[i] = json_string_value(json_object_get(s, "name"));
    const json_t *own = json_object_get(given, names[i]);
    json_t *value = NULL;
    st = fit(s, names[i], own ? own : json_object_get(s, "default"), &value, err);
    if (st == OK && json_object_set_new(out, names[i], value) != 0) st = err_set(err, ERR_NOMEM, "out of memory");
  }
  if (st == OK)
    json_object_foreach((json_t *)given, key, v) {
      if (json_object_get(out, key)) continue;
      const char *near = suggest_nearest(key, names, n);
      st = near ? wrong(err, key, "does not exist; is '%s' meant?", near) : wrong(err, key, "does not exist");
      break;
    }
  if (st == OK) *ret = out;
  else json_decref(out);
  return st;
}

enum status rule_settings_check(const json_t *settings, const json_t *given, struct err *err) {
  json_t *full = NULL;
  enum status st = rule_settings_fill(settings, given, &full, err);
  for (size_t i = 0; st == OK && i < json_array_size(settings); i++) {
    const json_t *s = json_array_get(settings, i);
    const char *name = json_string_value(json_object_get(s, "name"));
    const struct form *form = form_of(json_string_value(json_object_get(s, "form")));
    if (form && !form->fits(json_string_value(json_object_get(full, name)))) st = wrong(err, name, "must be %s", form->is);
  }
  json_decref(full);
  return st;
}

// script/header.c – reads strategy{…} into struct script_spec. Every mistake a quant can make in a header ends here in one
// message: file:line:column, what is wrong, what was probably meant.
//
// All functions named read_… run inside vm_protect() and may raise; they hold nothing that a raise would leak.
#include "script/header.h"

#include "base/suggest.h"
#include "market/bar.h"
#include "script/table_reader.h"

#include <ctype.h>
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char header_key = 'h', kind_key = 'k';  // registry and tag keys: their addresses, unreachable for scripts

struct reader {
  struct table_reader t;  // first: where errors point to
  lua_State *L;
  struct script_spec *spec;
};

// ---- the globals

static int l_strategy(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  if (lua_gettop(L) != 1) return luaL_error(L, "strategy takes one table: strategy{ name=…, api=1, … }");
  lua_rawgetp(L, LUA_REGISTRYINDEX, &header_key);
  if (!lua_isnil(L, -1)) return luaL_error(L, "strategy{…} stands in the file twice");
  lua_settop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &header_key);
  return 0;
}

static int param_new(lua_State *L, enum param_kind kind) {
  if (!lua_istable(L, 1))
    return luaL_error(L, "%s takes a table: %s{default, min=…, max=…}", param_kind_name(kind), param_kind_name(kind));
  lua_settop(L, 1);
  lua_pushinteger(L, kind);
  lua_rawsetp(L, 1, &kind_key);
  return 1;
}

#define X(kind, name, about) \
  static int l_##kind(lua_State *L) { return param_new(L, kind); }
PARAM_KIND_LIST(X)
#undef X

static const luaL_Reg header_globals[] = {{"strategy", l_strategy},
#define X(kind, name, about) {name, l_##kind},
                                          PARAM_KIND_LIST(X)
#undef X
                                              {NULL, NULL}};

const struct luaL_Reg *header_functions(void) { return header_globals; }

void header_forget(lua_State *L) {
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &header_key);
}

void header_push(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &header_key);
}

// ---- reading a table

// The field without metamethods: the header's tables are the tenant's, and reading them must run none of its code – it could
// hang, or free what the reader holds. Leaves the value on the stack, returns its type.
static int raw_field(lua_State *L, int ix, const char *key) {
  ix = lua_absindex(L, ix);
  lua_pushstring(L, key);
  return lua_rawget(L, ix);
}

static bool word_char(char c) {
  return isalnum((unsigned char)c) || c == '_';
}

#define fail(r, ...) table_fail(&(r)->t, __VA_ARGS__)

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

// Raises for any key of the table at ix that is not in known, is not a string, or (positional > 0) not 1 … positional.
static void check_keys(struct reader *r, int ix, const char *where, const char *const *known, size_t n, int positional) {
  lua_State *L = r->L;
  ix = lua_absindex(L, ix);
  for (lua_pushnil(L); lua_next(L, ix); lua_pop(L, 1)) {
    if (lua_touserdata(L, -2) == &kind_key) continue;  // our own tag
    if (lua_isinteger(L, -2) && lua_tointeger(L, -2) >= 1 && lua_tointeger(L, -2) <= positional) continue;
    if (lua_type(L, -2) != LUA_TSTRING)
      fail(r, NULL, "%s: only named keys%s are allowed", where, positional ? " after the positional values" : "");
    table_check_key(&r->t, where, lua_tostring(L, -2), known, n);
  }
}

// Copies the string field `key` of the table at ix; false when absent.
static bool read_text(struct reader *r, int ix, const char *where, const char *key, char *ret, size_t size) {
  lua_State *L = r->L;
  int type = raw_field(L, ix, key);
  if (type == LUA_TNIL) return lua_pop(L, 1), false;
  size_t len;
  if (type != LUA_TSTRING) fail(r, key, "%s.%s must be a text, not a %s", where, key, lua_typename(L, type));
  const char *text = lua_tolstring(L, -1, &len);
  if (len >= size) fail(r, key, "%s.%s has %zu bytes; at most %zu are kept", where, key, len, size - 1);
  if (strlen(text) != len) fail(r, key, "%s.%s holds a NUL byte", where, key);
  memcpy(ret, text, len + 1);
  lua_pop(L, 1);
  return true;
}

static bool read_number(struct reader *r, int ix, const char *where, const char *key, double *ret) {
  lua_State *L = r->L;
  int type = raw_field(L, ix, key);
  if (type == LUA_TNIL) return lua_pop(L, 1), false;
  if (type != LUA_TNUMBER || !isfinite(lua_tonumber(L, -1))) fail(r, key, "%s.%s must be a finite number", where, key);
  *ret = lua_tonumber(L, -1);
  lua_pop(L, 1);
  return true;
}

static bool read_bool(struct reader *r, int ix, const char *where, const char *key) {
  lua_State *L = r->L;
  int type = raw_field(L, ix, key);
  if (type != LUA_TNIL && type != LUA_TBOOLEAN) fail(r, key, "%s.%s must be true or false", where, key);
  bool value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

static void copy_name(struct reader *r, const char *where, const char *name, char *ret) {
  size_t len = strlen(name);
  if (len == 0 || len >= SPEC_NAME_MAX) fail(r, name, "%s: a name has 1 to %d bytes", where, SPEC_NAME_MAX - 1);
  for (const char *p = name; *p; p++)
    if (!word_char(*p) || (p == name && isdigit((unsigned char)*p)))
      fail(r, name, "%s: '%.40s' is no name (letters, digits and _ only)", where, name);
  memcpy(ret, name, len + 1);
}

// ---- params

static void read_default(struct reader *r, int ix, struct param_spec *p) {
  lua_State *L = r->L;
  char where[SPEC_NAME_MAX + 8];
  snprintf(where, sizeof where, "params.%s", p->name);
  int type = lua_rawgeti(L, ix, 1);
  const char *kind = param_kind_name(p->kind);
  if (type == LUA_TNIL) fail(r, p->name, "%s: %s{…} needs a default as its first value", where, kind);
  if (p->kind <= PARAM_MONEY) {
    if (type != LUA_TNUMBER) fail(r, p->name, "%s: the default of %s must be %s", where, kind, param_kind_about(p->kind));
    p->def.num = lua_tonumber(L, -1);
  } else if (p->kind == PARAM_BOOL) {
    if (type != LUA_TBOOLEAN) fail(r, p->name, "%s: the default of bool must be true or false", where);
    p->def.num = lua_toboolean(L, -1);
  } else {
    if (type != LUA_TSTRING) fail(r, p->name, "%s: the default of %s must be %s", where, kind, param_kind_about(p->kind));
    size_t len;
    const char *text = lua_tolstring(L, -1, &len);
    if (len >= SPEC_TEXT_MAX || strlen(text) != len) fail(r, p->name, "%s: a text of at most %d bytes", where, SPEC_TEXT_MAX - 1);
    memcpy(p->def.text, text, len + 1);
  }
  lua_pop(L, 1);
}

// enum{"a","b","c"} lists its choices, the first being the default; enum{"b", of={"a","b"}} names them apart.
static void read_choices(struct reader *r, int ix, struct param_spec *p) {
  lua_State *L = r->L;
  int list = ix;
  if (raw_field(L, ix, "of") == LUA_TTABLE) list = lua_gettop(L);
  int n = (int)lua_rawlen(L, list);
  if (n < 1 || n > SPEC_CHOICES_MAX) fail(r, p->name, "params.%s: an enum has 1 to %d choices", p->name, SPEC_CHOICES_MAX);
  for (int i = 1; i <= n; i++) {
    size_t len = 0;
    const char *text = lua_rawgeti(L, list, i) == LUA_TSTRING ? lua_tolstring(L, -1, &len) : NULL;
    if (!text || len >= SPEC_NAME_MAX || strlen(text) != len) fail(r, p->name, "params.%s: choices are short texts", p->name);
    memcpy(p->choices[i - 1], text, len + 1);
    lua_pop(L, 1);
  }
  p->choice_count = n;
  lua_pop(L, 1);
}

static void read_param(struct reader *r, const char *name, int ix) {
  static const char *const keys[] = {"min", "max", "step", "label", "group", "opt", "live", "of"};
  lua_State *L = r->L;
  struct script_spec *spec = r->spec;
  if (spec->param_count == SPEC_PARAMS_MAX) fail(r, name, "params: at most %d parameters", SPEC_PARAMS_MAX);
  struct param_spec *p = &spec->params[spec->param_count];
  copy_name(r, "params", name, p->name);
  char where[SPEC_NAME_MAX + 8];
  snprintf(where, sizeof where, "params.%s", p->name);
  int tag = lua_istable(L, ix) ? lua_rawgetp(L, ix, &kind_key) : (lua_pushnil(L), LUA_TNIL);
  if (tag != LUA_TNUMBER)
    fail(r, name, "%s: write its kind, for example %s=int{10, min=2, max=100} (kinds: int num pct money bool enum text tf symbol time)",
         where, name);
  p->kind = (enum param_kind)lua_tointeger(L, -1);
  if ((unsigned)p->kind >= PARAM_KIND_COUNT) fail(r, name, "%s: not made by a kind such as int{…}", where);
  lua_pop(L, 1);
  check_keys(r, ix, where, keys, COUNT(keys), p->kind == PARAM_ENUM ? SPEC_CHOICES_MAX : 1);
  read_default(r, ix, p);
  if (p->kind == PARAM_ENUM) read_choices(r, ix, p);
  p->has_min = read_number(r, ix, where, "min", &p->min);
  p->has_max = read_number(r, ix, where, "max", &p->max);
  p->has_step = read_number(r, ix, where, "step", &p->step);
  if ((p->has_min || p->has_max || p->has_step) && p->kind > PARAM_MONEY)
    fail(r, name, "%s: min, max and step are for numbers only", where);
  if (p->has_min && p->has_max && p->min > p->max) fail(r, name, "%s: min %.15g is above max %.15g", where, p->min, p->max);
  if (p->has_step && p->step <= 0) fail(r, name, "%s: step must be above 0", where);
  read_text(r, ix, where, "label", p->label, sizeof p->label);
  read_text(r, ix, where, "group", p->group, sizeof p->group);
  p->opt = read_bool(r, ix, where, "opt");
  p->live = read_bool(r, ix, where, "live");
  struct err err;
  if (params_check(p, &p->def, &err) != OK) fail(r, name, "%s: the default is refused: %s", where, err.msg);
  spec->param_count++;
}

// ---- data

static void read_stream(struct reader *r, const char *name, int ix) {
  static const char *const keys[] = {"symbol", "tf"};
  struct script_spec *spec = r->spec;
  if (!lua_istable(r->L, ix)) fail(r, name, "data.%s must be a table such as {tf=\"1h\"}", name);
  bool is_main = strcmp(name, "main") == 0;
  if (!is_main && spec->stream_count == SPEC_STREAMS_MAX) fail(r, name, "data: at most %d streams", SPEC_STREAMS_MAX);
  struct stream_spec *s = &spec->streams[is_main ? 0 : spec->stream_count];
  s->symbol_param = s->timeframe_param = -1;
  copy_name(r, "data", name, s->name);
  char where[SPEC_NAME_MAX + 8], text[SPEC_TEXT_MAX];
  snprintf(where, sizeof where, "data.%s", s->name);
  check_keys(r, ix, where, keys, COUNT(keys), 0);
  if (read_text(r, ix, where, "symbol", text, sizeof text)) {
    int param = params_find(spec, text);
    if (param >= 0 && spec->params[param].kind == PARAM_SYMBOL)
      s->symbol_param = param;
    else if (strlen(text) < sizeof s->symbol)
      strcpy(s->symbol, text);
    else
      fail(r, name, "%s: a symbol has at most %d bytes", where, SYMBOL_MAX - 1);
  }
  if (read_text(r, ix, where, "tf", text, sizeof text)) {
    int param = params_find(spec, text);
    if (param >= 0 && spec->params[param].kind == PARAM_TF)
      s->timeframe_param = param;
    else if (!timeframe_parse(text, &s->timeframe_ns))
      fail(r, name, "%s: tf \"%s\" is no timeframe (\"1m\", \"4h\", \"1d\") nor the name of a tf parameter", where, text);
  }
  if (!is_main) spec->stream_count++;
}

// ---- ind

static int stream_find(const struct script_spec *spec, const char *name) {
  for (int i = 0; i < spec->stream_count; i++)
    if (strcmp(spec->streams[i].name, name) == 0) return i;
  return -1;
}

static void read_indicator_kind(struct reader *r, const char *name, int ix, struct indicator_use *u) {
  lua_State *L = r->L;
  if (lua_rawgeti(L, ix, 1) != LUA_TSTRING)
    fail(r, name, "ind.%s: its first value is the indicator's name: {\"sma\", 20}", name);
  size_t len;
  const char *kind = lua_tolstring(L, -1, &len);
  u->desc = indicator_find(kind, len);
  if (!u->desc) {
    const char *names[256];
    size_t n = 0;
    for (; n < indicator_count() && n < COUNT(names); n++) names[n] = indicator_at(n)->name;
    const char *near = suggest_nearest(kind, names, n);
    if (near) fail(r, kind, "ind.%s: there is no indicator \"%.40s\"; did you mean \"%s\"?", name, kind, near);
    fail(r, kind, "ind.%s: there is no indicator \"%.40s\" (see the reference for the list)", name, kind);
  }
  lua_pop(L, 1);
}

static void read_indicator_args(struct reader *r, const char *name, int ix, struct indicator_use *u) {
  lua_State *L = r->L;
  struct script_spec *spec = r->spec;
  int n = (int)lua_rawlen(L, ix) - 1;
  if (n > u->desc->n_params)
    fail(r, name, "ind.%s: %s takes %d parameter%s, not %d", name, u->desc->name, u->desc->n_params,
         u->desc->n_params == 1 ? "" : "s", n);
  for (int i = 0; i < n; i++) {
    struct indicator_spec_arg *a = &u->args[i];
    a->param = -1;
    int type = lua_rawgeti(L, ix, i + 2);
    if (type == LUA_TNUMBER) {
      a->value = lua_tonumber(L, -1);
    } else if (type == LUA_TSTRING) {
      const char *text = lua_tostring(L, -1);
      a->param = params_find(spec, text);
      if (a->param < 0) {
        const char *names[SPEC_PARAMS_MAX];
        for (int k = 0; k < spec->param_count; k++) names[k] = spec->params[k].name;
        const char *near = suggest_nearest(text, names, (size_t)spec->param_count);
        fail(r, text, "ind.%s: \"%.40s\" is no parameter of this script%s%s%s", name, text, near ? "; did you mean \"" : "",
             near ? near : "", near ? "\"?" : "");
      }
      if (spec->params[a->param].kind > PARAM_MONEY) fail(r, name, "ind.%s: parameter \"%s\" is no number", name, text);
    } else {
      fail(r, name, "ind.%s: parameters are numbers or names of params", name);
    }
    lua_pop(L, 1);
  }
  u->arg_count = n;
}

static void read_indicator(struct reader *r, const char *name, int ix) {
  static const char *const keys[] = {"on", "source"};
  struct script_spec *spec = r->spec;
  if (spec->indicator_count == SPEC_INDICATORS_MAX) fail(r, name, "ind: at most %d indicators", SPEC_INDICATORS_MAX);
  if (!lua_istable(r->L, ix)) fail(r, name, "ind.%s must be a table such as {\"sma\", 20}", name);
  struct indicator_use *u = &spec->indicators[spec->indicator_count];
  copy_name(r, "ind", name, u->name);
  char where[SPEC_NAME_MAX + 8], text[SPEC_TEXT_MAX];
  snprintf(where, sizeof where, "ind.%s", u->name);
  check_keys(r, ix, where, keys, COUNT(keys), 1 + SPEC_INDICATOR_PARAMS_MAX);
  read_indicator_kind(r, name, ix, u);
  read_indicator_args(r, name, ix, u);
  u->source = u->desc->default_source;
  bool sourced = read_text(r, ix, where, "source", text, sizeof text);
  if (sourced && !(u->desc->needs & NEED_SOURCE)) fail(r, "source", "%s: %s reads the whole bar and takes no source", where, u->desc->name);
  if (sourced && !indicator_source_parse(text, strlen(text), &u->source))
    fail(r, "source", "%s: source \"%s\" is none of close open high low volume hl2 hlc3 ohlc4", where, text);
  if (read_text(r, ix, where, "on", text, sizeof text)) {
    u->stream = stream_find(spec, text);
    if (u->stream < 0) fail(r, "on", "%s: there is no stream \"%s\" in data={…}", where, text);
  }
  spec->indicator_count++;
}

// ---- sections

struct section_entry {
  const char *name;
  long at;
};

static int entry_compare(const void *a, const void *b) {
  const struct section_entry *x = a, *y = b;
  if (x->at != y->at) return x->at < y->at ? -1 : 1;
  return strcmp(x->name, y->name);
}

// Calls read for each name in the section's table, in the order in which the author wrote them.
static void read_section(struct reader *r, int header, const char *section, void (*read)(struct reader *, const char *, int)) {
  struct section_entry entries[SPEC_PARAMS_MAX];
  lua_State *L = r->L;
  int type = raw_field(L, header, section);
  if (type == LUA_TNIL) {
    lua_pop(L, 1);
    return;
  }
  if (type != LUA_TTABLE) fail(r, section, "%s must be a table", section);
  int ix = lua_gettop(L), n = 0;
  for (lua_pushnil(L); lua_next(L, ix); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) fail(r, section, "%s: every entry needs a name", section);
    if (n == (int)COUNT(entries)) fail(r, section, "%s: at most %d entries", section, (int)COUNT(entries));
    entries[n].name = lua_tostring(L, -2);
    entries[n].at = table_find_word(r->t.source, 0, entries[n].name, false);
    n++;
  }
  qsort(entries, (size_t)n, sizeof entries[0], entry_compare);
  for (int i = 0; i < n; i++) {
    raw_field(L, ix, entries[i].name);
    read(r, entries[i].name, lua_gettop(L));
    lua_settop(L, ix);
  }
  lua_pop(L, 1);
}

static void read_mode(struct reader *r, int header) {
  char mode[SPEC_NAME_MAX];
  if (!read_text(r, header, "strategy", "mode", mode, sizeof mode)) return;
  r->spec->hedging = strcmp(mode, "hedging") == 0;
  if (!r->spec->hedging && strcmp(mode, "netting") != 0)
    fail(r, "mode", "strategy.mode is \"netting\" or \"hedging\", not \"%s\"", mode);
}

static void read_risk(struct reader *r, int header) {
  static const char *const keys[] = {"max_notional"};
  lua_State *L = r->L;
  int type = raw_field(L, header, "risk");
  if (type == LUA_TTABLE) {
    int ix = lua_gettop(L);
    check_keys(r, ix, "risk", keys, COUNT(keys), 0);
    if (raw_field(L, ix, "max_notional") == LUA_TFUNCTION)
      r->spec->has_max_notional = true;
    else if (!lua_isnil(L, -1))
      fail(r, "max_notional", "risk.max_notional must be a function(p)");
    lua_pop(L, 1);
  } else if (type != LUA_TNIL) {
    fail(r, "risk", "risk must be a table such as {max_notional=function(p) return p.size end}");
  }
  lua_pop(L, 1);
}

static int read_count(struct reader *r, int header, const char *key, int absent, int max) {
  double v = absent;
  if (!read_number(r, header, "strategy", key, &v)) return absent;
  if (v != floor(v) || v < 0 || v > max) fail(r, key, "strategy.%s must be a whole number from 0 to %d", key, max);
  return (int)v;
}

void header_read(lua_State *L, const char *chunkname, const char *source, struct script_spec *spec) {
  static const char *const keys[] = {"name", "api", "about", "params", "check", "data", "ind", "warmup", "lookback", "risk", "mode"};
  struct reader reader = {{.L = L, .chunkname = chunkname, .source = source, .head = "strategy"}, L, spec}, *r = &reader;
  luaL_checkstack(L, 16, NULL);
  header_push(L);
  if (!lua_istable(L, -1))
    fail(r, NULL, "the script has no header; begin it with strategy{ name=\"…\", api=1, … }");
  int header = lua_gettop(L);
  check_keys(r, header, "strategy", keys, COUNT(keys), 0);
  if (!read_text(r, header, "strategy", "name", spec->name, sizeof spec->name) || !spec->name[0])
    fail(r, "name", "strategy.name is missing");
  read_text(r, header, "strategy", "about", spec->about, sizeof spec->about);
  double api;
  if (!read_number(r, header, "strategy", "api", &api)) fail(r, "api", "strategy.api is missing; write api=1");
  if (api != 1) fail(r, "api", "strategy.api is %.15g; this engine speaks version 1", api);
  spec->api = 1;
  read_mode(r, header);
  spec->warmup = read_count(r, header, "warmup", 0, 1000000);
  spec->lookback = read_count(r, header, "lookback", SPEC_LOOKBACK_DEFAULT, SPEC_LOOKBACK_MAX);
  read_section(r, header, "params", read_param);
  spec->stream_count = 1;
  spec->streams[0] = (struct stream_spec){.name = "main", .symbol_param = -1, .timeframe_param = -1};
  read_section(r, header, "data", read_stream);
  read_section(r, header, "ind", read_indicator);
  int type = raw_field(L, header, "check");
  if (type != LUA_TNIL && type != LUA_TFUNCTION) fail(r, "check", "strategy.check must be a function(p)");
  spec->has_check = type == LUA_TFUNCTION;
  lua_pop(L, 1);
  read_risk(r, header);
  lua_pop(L, 1);
}

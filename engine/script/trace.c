// script/trace.c – a line hook that reads numbers, booleans and texts where they lie. See trace.h.
#include "script/trace.h"

#include "script/instance.h"
#include "script/vm_impl.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#define TEXT_SHOWN 60
#define LOCALS_SHOWN 40

static const char *kind_text(lua_State *L) {
  static const struct { enum ud_kind kind; const char *text; } kinds[UD_KIND_COUNT] = {
      {UD_SERIES, "series"}, {UD_BARS, "bars"}, {UD_BAR, "bar"}, {UD_ORDER, "order"}, {UD_POSITION, "position"}, {UD_ACCOUNT, "account"}, {UD_SYMBOL, "symbol"}};
  for (int i = 0; i < UD_KIND_COUNT; i++)
    if (ud_test(L, -1, kinds[i].kind)) return kinds[i].text;
  return "userdata";
}

// The value on top as text, without a conversion that would allocate.
static const char *value_text(lua_State *L, char *buf, size_t size) {
  switch (lua_type(L, -1)) {
    case LUA_TNIL: return "nil";
    case LUA_TBOOLEAN: return lua_toboolean(L, -1) ? "true" : "false";
    case LUA_TNUMBER:
      if (lua_isinteger(L, -1)) snprintf(buf, size, "%lld", (long long)lua_tointeger(L, -1));
      else snprintf(buf, size, "%.15g", lua_tonumber(L, -1));
      return buf;
    case LUA_TSTRING: snprintf(buf, size, "\"%.*s\"", TEXT_SHOWN, lua_tostring(L, -1)); return buf;
    case LUA_TUSERDATA: return kind_text(L);
    default: return lua_typename(L, lua_type(L, -1));
  }
}

// The name of the callback that is the function at this line; "": it is none.
static const char *callback_at(lua_State *L, struct script *s, lua_Debug *ar) {
  const char *name = "";
  lua_getinfo(L, "f", ar);
  const void *function = lua_topointer(L, -1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->ref_callbacks);
  for (int cb = 0; cb < CALLBACK_COUNT; cb++) {
    lua_rawgeti(L, -1, SLOT_CALLBACK + cb);
    if (lua_isfunction(L, -1) && lua_topointer(L, -1) == function) name = callback_name((enum callback)cb);
    lua_pop(L, 1);
  }
  lua_pop(L, 2);
  return name;
}

static void on_line(lua_State *L, lua_Debug *ar) {
  struct script *s = script_of(L);
  const struct script_tracer *t = s->tracer;
  char buf[TEXT_SHOWN + 8];
  if (!t || vm_killed(vm_of(L)) != VM_ALIVE) return;
  lua_getinfo(L, "n", ar);
  const char *callback = s->calls != s->traced_calls ? callback_at(L, s, ar) : "";
  if (s->calls != s->traced_calls && t->enter) t->enter(t->self, callback);
  s->traced_calls = s->calls;
  if (t->line) t->line(t->self, ar->currentline, ar->name ? ar->name : callback);
  if (!t->local) return;
  for (int i = 1; i <= LOCALS_SHOWN; i++) {
    const char *name = lua_getlocal(L, ar, i);
    if (!name) break;
    if (name[0] != '(') t->local(t->self, name, value_text(L, buf, sizeof buf));
    lua_pop(L, 1);
  }
}

void script_trace(struct script *s, const struct script_tracer *tracer) {
  assert(!s->vm->fuelled);
  s->tracer = tracer;
  s->traced_calls = s->calls;
  lua_sethook(vm_lua(s->vm), tracer ? on_line : NULL, tracer ? LUA_MASKLINE : 0, 0);
}

const struct param_value *script_values(const struct script *s) { return s->values; }

double script_indicator_at(const struct script *s, int indicator, int output, size_t back) {
  assert(indicator >= 0 && indicator < s->spec->indicator_count);
  const struct running_indicator *r = &s->indicators[indicator];
  assert(output >= 0 && output < r->output_count);
  const struct series_ring *ring = &s->outputs[r->first_output + output];
  return ring->count <= back || back > ring->mask ? NAN : ring->values[(ring->count - 1 - back) & ring->mask];
}

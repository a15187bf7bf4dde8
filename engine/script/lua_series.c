// script/lua_series.c – series, bars and a bar as Lua sees them, and the pure helpers over series.
//
// k = 0 is the bar just closed, 1 the one before; nil while warming up; a negative k raises, so the future has no name.
#include "script/instance.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>

static const char *const bar_fields[] = {"time", "open", "high", "low", "close", "volume"};

static double bar_value(const struct series *s, const struct bar *b, enum bar_field field) {
  switch (field) {
    case FIELD_TIME: return (double)(b->open_ns / NS_PER_MS);
    case FIELD_OPEN: return price_double_fast(&s->inst, b->open);
    case FIELD_HIGH: return price_double_fast(&s->inst, b->high);
    case FIELD_LOW: return price_double_fast(&s->inst, b->low);
    case FIELD_CLOSE: return price_double_fast(&s->inst, b->close);
    default: return b->volume < 0 ? 0 : volume_double(s, b->volume);
  }
}

// NaN: no value (warming up, or before the first bar).
double script_series_at(const struct script *s, const struct ud *u, uint64_t k) {
  const struct series_ring *r = u->series.ring;
  if (r) {
    return k < r->count && k <= r->mask ? r->values[(r->count - 1 - k) & r->mask] : NAN;
  }
  const struct running_stream *st = &s->streams[u->series.stream];
  return k < st->count ? bar_value(st->series, &st->series->bars[st->ix - k], (enum bar_field)u->series.field) : NAN;
}

// The lookback index at stack position ix; raises for anything but 0 … limit-1.
static uint64_t check_lookback(lua_State *L, int ix, const struct script *s, const char *what) {
  int is_number;
  lua_Integer k = lua_tointegerx(L, ix, &is_number);
  if (!is_number || lua_type(L, ix) != LUA_TNUMBER) {
    const char *key = lua_type(L, ix) == LUA_TSTRING ? lua_tostring(L, ix) : luaL_typename(L, ix);
    luaL_error(L, "%s is indexed by a whole number (0 is the bar just closed), not by '%s'", what, key);
  }
  if (k < 0) luaL_error(L, "%s[%I] would look into the future; 0 is the bar just closed, 1 the one before", what, (LUAI_UACINT)k);
  if (k >= s->spec->lookback)
    luaL_error(L, "%s[%I] is older than the %d values kept; raise lookback= in the header", what, (LUAI_UACINT)k, s->spec->lookback);
  return (uint64_t)k;
}

static int push_value(lua_State *L, double v) {
  if (isnan(v))
    lua_pushnil(L);
  else
    lua_pushnumber(L, v);
  return 1;
}

int l_series_index(lua_State *L) {
  struct script *s = script_of(L);
  return push_value(L, script_series_at(s, lua_touserdata(L, 1), check_lookback(L, 2, s, "a series")));
}

static int field_find(const char *key) {
  for (int i = 0; i < 6; i++)
    if (strcmp(bar_fields[i], key) == 0) return i;
  return -1;
}

int l_bar_index(lua_State *L) {
  struct script *s = script_of(L);
  const struct ud *u = lua_touserdata(L, 1);
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";
  int field = field_find(key);
  if (field < 0) raise_unknown_field(L, "bar", key, bar_fields, 6);
  const struct running_stream *st = &s->streams[u->bar.stream];
  size_t ix = u->bar.ix < 0 ? st->ix : (size_t)u->bar.ix;
  const struct bar *b = &st->series->bars[ix];
  if (field == FIELD_TIME) {
    lua_pushinteger(L, b->open_ns / NS_PER_MS);
    return 1;
  }
  lua_pushnumber(L, bar_value(st->series, b, (enum bar_field)field));
  return 1;
}

// bars[k] is a bar; bars.close is the series of closes, and so on.
int l_bars_index(lua_State *L) {
  struct script *s = script_of(L);
  const struct ud *u = lua_touserdata(L, 1);
  int32_t stream = u->bars.stream;
  if (lua_type(L, 2) == LUA_TSTRING) {
    int field = field_find(lua_tostring(L, 2));
    if (field < 0) raise_unknown_field(L, "ctx:bars()", lua_tostring(L, 2), bar_fields, 6);
    struct ud *v = ud_push(L, UD_SERIES);
    v->series.stream = stream;
    v->series.field = (uint8_t)field;
    return 1;
  }
  uint64_t k = check_lookback(L, 2, s, "ctx:bars()");
  const struct running_stream *st = &s->streams[stream];
  if (k >= st->count) {
    lua_pushnil(L);
    return 1;
  }
  struct ud *v = ud_push(L, UD_BAR);
  v->bar.stream = stream;
  v->bar.ix = (int64_t)(st->ix - k);
  return 1;
}

int l_ctx_bars(lua_State *L) {
  struct script *s = ctx_check(L, "bars");
  const char *name = luaL_optstring(L, 2, "main");
  const char *names[SPEC_STREAMS_MAX];
  for (int i = 0; i < s->spec->stream_count; i++) {
    names[i] = s->spec->streams[i].name;
    if (strcmp(names[i], name) == 0) {
      ud_push(L, UD_BARS)->bars.stream = i;
      return 1;
    }
  }
  raise_unknown_field(L, "data", name, names, (size_t)s->spec->stream_count);
}

// ---- helpers: a series or a number

// What a helper compares: the ring of an indicator (the usual case), any other series, or a number.
struct operand {
  const struct series_ring *ring;
  const struct ud *series;
  double number;
};

static inline struct operand check_operand(lua_State *L, int ix, const char *function) {
  const struct ud *u = ud_test(L, ix, UD_SERIES);
  if (u) return (struct operand){u->series.ring, u, 0};
  if (lua_type(L, ix) != LUA_TNUMBER)
    luaL_error(L, "%s: argument %d must be a series such as ctx.ind.fast, or a number, not %s", function, ix,
               lua_isnoneornil(L, ix) ? "nil (misspelt?)" : luaL_typename(L, ix));
  return (struct operand){NULL, NULL, lua_tonumber(L, ix)};
}

// The ring of at least two values behind the argument, or NULL: not an indicator, or too young.
static inline const struct series_ring *ring_of(lua_State *L, int ix) {
  const struct ud *u = ud_test(L, ix, UD_SERIES);
  return u && u->series.ring && u->series.ring->count >= 2 ? u->series.ring : NULL;
}

static inline double ring_at(const struct series_ring *r, uint64_t k) {
  return r->values[(r->count - 1 - k) & r->mask];
}

static inline double operand_at(const struct script *s, struct operand o, uint64_t k) {
  if (o.ring) return k < o.ring->count && k <= o.ring->mask ? ring_at(o.ring, k) : NAN;
  return o.series ? script_series_at(s, o.series, k) : o.number;
}

// a rose above b with the bar just closed: a[0] > b[0], and the last bar before on which they differed had a below b. Bars on
// which both are equal decide nothing, so touching and turning back is no cross and touching for three bars then passing is
// one. This is backtrader's CrossOver.
static int crossed_search(lua_State *L, double sign, const char *function) {
  const struct script *s = script_of(L);
  struct operand a = check_operand(L, 1, function), b = check_operand(L, 2, function);
  bool result = false;
  if (sign * (operand_at(s, a, 0) - operand_at(s, b, 0)) > 0)
    for (uint64_t k = 1; k < (uint64_t)s->spec->lookback; k++) {
      double before = sign * (operand_at(s, a, k) - operand_at(s, b, k));
      if (before == 0) continue;
      result = before < 0;  // false for NaN: warming up
      break;
    }
  lua_pushboolean(L, result);
  return 1;
}

// Two indicators are decided by the last bar nearly always, and by the one before it nearly always else.
static inline int crossed(lua_State *L, double sign, const char *function) {
  const struct series_ring *f = ring_of(L, 1), *g = ring_of(L, 2);
  if (!f || !g) return crossed_search(L, sign, function);
  bool above = sign * (ring_at(f, 0) - ring_at(g, 0)) > 0;  // false for NaN: warming up
  if (above && !(sign * (ring_at(f, 1) - ring_at(g, 1)) > 0)) return crossed_search(L, sign, function);
  lua_pushboolean(L, false);
  return 1;
}

int l_crossed_up(lua_State *L) {
  return crossed(L, 1, "crossed_up");
}

int l_crossed_down(lua_State *L) {
  return crossed(L, -1, "crossed_down");
}

static int extreme(lua_State *L, double sign, const char *function) {
  struct script *s = script_of(L);
  const struct ud *u = ud_test(L, 1, UD_SERIES);
  if (!u) luaL_error(L, "%s: argument 1 must be a series such as ctx.ind.fast or ctx:bars().high, not %s", function, luaL_typename(L, 1));
  lua_Integer n = luaL_checkinteger(L, 2);
  if (n < 1 || n > s->spec->lookback) luaL_error(L, "%s: n = %I is outside 1 … %d (lookback= in the header)", function, (LUAI_UACINT)n, s->spec->lookback);
  double best = NAN;
  for (uint64_t k = 0; k < (uint64_t)n; k++) {
    double v = script_series_at(s, u, k);
    if (isnan(v)) return push_value(L, NAN);  // fewer than n values: still warming up
    if (!(sign * v <= sign * best)) best = v;
  }
  return push_value(L, best);
}

int l_highest(lua_State *L) {
  return extreme(L, 1, "highest");
}

int l_lowest(lua_State *L) {
  return extreme(L, -1, "lowest");
}

// script/lib_match.c – string.find, match, gmatch and gsub on the budgeted matcher.
#include "script/lib.h"
#include "script/pattern.h"
#include "script/vm_impl.h"

#include <string.h>

static void poll(void *L) { vm_poll(L, PATTERN_POLL_STEPS); }

static const char *match_at(lua_State *L, struct pattern *m, const char *s, const char *p) {
  const char *e = pattern_match(m, s, p);
  if (m->error != NULL) luaL_error(L, "%s", m->error);
  return e;
}

// Pushes capture k; without captures, 0 is the whole match.
static void push_capture(lua_State *L, const struct pattern *m, int k, const char *s, const char *e) {
  if (k >= m->captures) {
    if (k != 0) luaL_error(L, "invalid capture index %%%d", k + 1);
    lua_pushlstring(L, s, (size_t)(e - s));
    return;
  }
  const struct pattern_capture *c = &m->capture[k];
  if (c->len == PATTERN_POSITION) {
    lua_pushinteger(L, c->at - m->subject + 1);
  } else {
    if (c->len < 0) luaL_error(L, "unfinished capture");
    lua_pushlstring(L, c->at, (size_t)c->len);
  }
}

static int push_captures(lua_State *L, const struct pattern *m, const char *s, const char *e) {
  int n = m->captures == 0 && s != NULL ? 1 : m->captures;
  luaL_checkstack(L, n, "too many captures");
  for (int i = 0; i < n; i++) push_capture(L, m, i, s, e);
  return n;
}

static bool is_plain(const char *p, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (strchr("^$*+?.([%-", p[i]) != NULL && p[i] != '\0') return false;
  return true;
}

static int find(lua_State *L, bool want_position) {
  size_t ls, lp;
  const char *s = luaL_checklstring(L, 1, &ls), *p = luaL_checklstring(L, 2, &lp);
  size_t init = lib_start(luaL_optinteger(L, 3, 1), ls) - 1;
  if (init > ls) {
    luaL_pushfail(L);
    return 1;
  }
  if (want_position && (lua_toboolean(L, 4) || is_plain(p, lp))) {
    vm_poll(L, (unsigned)((ls - init) / 64 + 1));
    const char *at = memmem(s + init, ls - init, p, lp);  // two-way: linear, whatever the texts
    if (at == NULL) {
      luaL_pushfail(L);
      return 1;
    }
    lua_pushinteger(L, at - s + 1);
    lua_pushinteger(L, at - s + (lua_Integer)lp);
    return 2;
  }
  struct pattern m;
  pattern_init(&m, s, ls, p, lp, poll, L);
  bool anchor = lp > 0 && *p == '^';
  if (anchor) p++;
  const char *from = s + init;
  do {
    const char *e = match_at(L, &m, from, p);
    if (e == NULL) continue;
    if (!want_position) return push_captures(L, &m, from, e);
    lua_pushinteger(L, from - s + 1);
    lua_pushinteger(L, e - s);
    return 2 + push_captures(L, &m, NULL, NULL);
  } while (from++ < m.subject_end && !anchor);
  luaL_pushfail(L);
  return 1;
}

int lib_string_find(lua_State *L) { return find(L, true); }
int lib_string_match(lua_State *L) { return find(L, false); }

// upvalues: 1 subject, 2 pattern, 3 where to go on, 4 end of the last match (0: none). The matcher itself lives only during a
// step: Lua's own keeps it in a userdata, which an error in between leaves stale.
static int l_gmatch_step(lua_State *L) {
  size_t ls, lp;
  const char *s = lua_tolstring(L, lua_upvalueindex(1), &ls), *p = lua_tolstring(L, lua_upvalueindex(2), &lp);
  const char *from = s + lua_tointeger(L, lua_upvalueindex(3));
  lua_Integer last = lua_tointeger(L, lua_upvalueindex(4));
  struct pattern m;
  pattern_init(&m, s, ls, p, lp, poll, L);
  for (; from <= m.subject_end; from++) {
    const char *e = match_at(L, &m, from, p);
    if (e == NULL || e - s + 1 == last) continue;
    lua_pushinteger(L, e - s);
    lua_replace(L, lua_upvalueindex(3));
    lua_pushinteger(L, e - s + 1);
    lua_replace(L, lua_upvalueindex(4));
    return push_captures(L, &m, from, e);
  }
  lua_pushinteger(L, (lua_Integer)ls + 1);
  lua_replace(L, lua_upvalueindex(3));
  return 0;
}

int lib_string_gmatch(lua_State *L) {
  size_t ls;
  luaL_checklstring(L, 1, &ls);
  luaL_checkstring(L, 2);
  size_t init = lib_start(luaL_optinteger(L, 3, 1), ls) - 1;
  lua_settop(L, 2);
  lua_pushinteger(L, init > ls ? (lua_Integer)ls + 1 : (lua_Integer)init);
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, l_gmatch_step, 4);
  return 1;
}

// Appends the replacement text with its %0 … %9.
static void add_template(lua_State *L, struct sbuf *b, struct pattern *m, const char *s, const char *e) {
  size_t len, cap_len;
  const char *t = lua_tolstring(L, 3, &len), *end = t + len;
  while (t < end) {
    const char *percent = memchr(t, '%', (size_t)(end - t));
    if (percent == NULL) break;
    sbuf_add(b, t, (size_t)(percent - t));
    char c = percent + 1 < end ? percent[1] : '\0';
    if (c == '%') {
      sbuf_add(b, "%", 1);
    } else if (c == '0') {
      sbuf_add(b, s, (size_t)(e - s));
    } else if (c >= '1' && c <= '9') {
      push_capture(L, m, c - '1', s, e);
      const char *text = lua_tolstring(L, -1, &cap_len);
      sbuf_add(b, text, cap_len);
      lua_settop(L, -2);
    } else {
      luaL_error(L, "invalid use of '%%' in replacement string");
    }
    t = percent + 2;
  }
  sbuf_add(b, t, (size_t)(end - t));
}

static bool add_replacement(lua_State *L, struct sbuf *b, struct pattern *m, const char *s, const char *e, int type) {
  if (type == LUA_TSTRING || type == LUA_TNUMBER) {
    add_template(L, b, m, s, e);
    return true;
  }
  int top = lua_gettop(L);
  if (type == LUA_TTABLE) {
    push_capture(L, m, 0, s, e);
    lua_gettable(L, 3);
  } else {
    lua_pushvalue(L, 3);
    int n = push_captures(L, m, s, e);
    lua_call(L, n, 1);
  }
  bool replaced = lua_toboolean(L, -1);
  if (!replaced) {
    sbuf_add(b, s, (size_t)(e - s));
  } else {
    if (lua_type(L, -1) != LUA_TSTRING && lua_type(L, -1) != LUA_TNUMBER)
      luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    size_t len;
    const char *text = lua_tolstring(L, -1, &len);
    sbuf_add(b, text, len);
  }
  lua_settop(L, top);
  return replaced;
}

int lib_string_gsub(lua_State *L) {
  size_t ls, lp;
  const char *s = luaL_checklstring(L, 1, &ls), *p = luaL_checklstring(L, 2, &lp), *last = NULL;
  int type = lua_type(L, 3);
  luaL_argexpected(L, type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TTABLE || type == LUA_TFUNCTION, 3,
                   "string/function/table");
  lua_Integer max = luaL_optinteger(L, 4, (lua_Integer)ls + 1), n = 0;
  lua_settop(L, 4);
  if (type == LUA_TNUMBER) lua_tolstring(L, 3, NULL);
  bool anchor = lp > 0 && *p == '^';
  const char *items = anchor ? p + 1 : p;
  struct pattern m;
  pattern_init(&m, s, ls, p, lp, poll, L);
  struct sbuf b;
  sbuf_init(&b, L);
  while (n < max) {
    const char *e = match_at(L, &m, s, items);
    if (e != NULL && e != last) {
      n++;
      vm_poll(L, 8);
      add_replacement(L, &b, &m, s, e, type);
      s = last = e;
    } else if (s < m.subject_end) {
      sbuf_add(&b, s++, 1);
    } else {
      break;
    }
    if (anchor) break;
  }
  sbuf_add(&b, s, (size_t)(m.subject_end - s));
  sbuf_push(&b);
  lua_pushinteger(L, n);
  return 2;
}

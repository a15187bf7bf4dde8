// script/dialect_ask.c – request and sign: what a dialect returns becomes bytes to be sent, or is refused.
#include "script/dialect_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUERY_MAX 8192

static bool plain(const char *s, bool marks) {
  for (; *s != '\0'; s++)
    if ((unsigned char)*s < 0x20 || (*s == VALUE_MARK && !marks)) return false;
  return true;
}

// Adds the headers of the table at ix, in byte order of their names. NULL: fine, or what is wrong.
static const char *add_headers(lua_State *L, int ix, struct dialect_request *r, bool marks) {
  const char *wrong = NULL;
  int first = r->header_count;
  int type = value_field(L, ix, "headers");
  if (type != LUA_TTABLE) {
    lua_settop(L, -2);
    return type == LUA_TNIL ? NULL : "headers that are no table";
  }
  int at = lua_gettop(L);
  for (lua_pushnil(L); wrong == NULL && lua_next(L, at) != 0; lua_settop(L, -2)) {
    if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING) wrong = "a header that is no text";
    else if (r->header_count == DIALECT_HEADERS_MAX) wrong = "too many headers";
    else if (!plain(lua_tostring(L, -1), marks) || lua_rawlen(L, -1) != strlen(lua_tostring(L, -1)) ||
             strspn(lua_tostring(L, -2), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != lua_rawlen(L, -2))
      wrong = "a header with a character that headers cannot have";
    else {
      struct dialect_header *h = &r->headers[r->header_count++];
      h->name = strdup(lua_tostring(L, -2));
      h->value = strdup(lua_tostring(L, -1));
      if (h->name == NULL || h->value == NULL) wrong = "no memory";
    }
  }
  lua_settop(L, at - 1);
  for (int i = first + 1; i < r->header_count && wrong == NULL; i++)
    for (int k = i; k > first && strcmp(r->headers[k].name, r->headers[k - 1].name) < 0; k--) {
      struct dialect_header h = r->headers[k];
      r->headers[k] = r->headers[k - 1];
      r->headers[k - 1] = h;
    }
  return wrong;
}

// ---- request

bool dialect_url_text(const char *s) {
  for (; *s != '\0'; s++)
    if ((unsigned char)*s <= 0x20 || (unsigned char)*s >= 0x7f || *s == '#') return false;
  return true;
}

static const char *read_request(lua_State *L, int ix, const struct dialect_call *c, struct dialect_request *r) {
  static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", "PATCH"};
  bool known = false;
  if (!value_copy(L, ix, "method", r->method, sizeof r->method)) return "a method that is no text";
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) known = known || strcmp(methods[i], r->method) == 0;
  if (!known) return "no HTTP method";
  if (!value_copy(L, ix, "budget", r->budget, sizeof r->budget)) return "a budget that is no name";
  r->auth = value_truth(L, ix, "auth");
  r->safe = value_truth(L, ix, "safe");
  if (r->safe && dialect_op_trades(c->op)) return "safe=true for what must never be repeated";
  r->path = value_text(L, ix, "path", NULL);
  if (r->path == NULL || r->path[0] != '/' || !dialect_url_text(r->path) || strchr(r->path, '?') != NULL) return "no path, which begins with '/'";
  r->query = value_text(L, ix, "query", NULL);
  if (r->query == NULL) r->query = strdup("");
  if (r->query == NULL || !dialect_url_text(r->query) || strlen(r->query) > QUERY_MAX) return "a query that is too long or not encoded";
  r->body = value_text(L, ix, "body", &r->body_len);
  if (r->body != NULL && memchr(r->body, VALUE_MARK, r->body_len) != NULL) return "a body with a placeholder";
  const struct dialect_info *info = &c->d->info;
  const char *rest = c->env->rest;
  for (int i = 0; rest == NULL && i < info->environment_count; i++)
    if (c->env->environment == NULL || strcmp(info->environments[i].name, c->env->environment) == 0) rest = info->environments[i].rest;
  r->rest = strdup(rest != NULL ? rest : "");
  if (r->rest == NULL) return "no memory";
  return add_headers(L, ix, r, false);
}

enum status dialect_request(struct dialect *d, enum dialect_op op, const json_t *args, const struct dialect_env *env,
  struct dialect_request *ret, struct err *err) {
  memset(ret, 0, sizeof *ret);
  struct dialect_call c = {.d = d, .what = DIALECT_CALL_REQUEST, .op = op, .args = args, .env = env};
  if ((d->info.ops >> op & 1) == 0) return err_set(err, ERR_NOTFOUND, "%s has no %s", d->info.name, dialect_op_text(op));
  enum status st = dialect_call(&c, err);
  if (st != OK) return st;
  lua_State *L = vm_lua(d->vm);
  if (lua_type(L, -2) == LUA_TTABLE) {
    const char *what = read_request(L, -2, &c, ret);
    if (what != NULL) st = dialect_wrong(&c, err, what);
  } else {
    const char *why = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "not with these arguments";
    st = err_set(err, ERR_NOTFOUND, "%s: %s: %.200s", d->info.name, dialect_op_text(op), why);
  }
  dialect_done(d);
  return st;
}

void dialect_request_finish(struct dialect_request *r) {
  free(r->rest);
  free(r->path);
  free(r->query);
  free(r->body);
  for (int i = 0; i < r->header_count; i++) {
    free(r->headers[i].name);
    free(r->headers[i].value);
  }
  memset(r, 0, sizeof *r);
}

enum status dialect_sign(struct dialect *d, struct dialect_request *r, const struct dialect_secret *secret,
  const struct dialect_env *env, struct err *err) {
  struct dialect_call c = {.d = d, .what = DIALECT_CALL_SIGN, .kind = "…", .env = env, .secret = secret, .request = r};
  enum status st = dialect_call(&c, err);
  if (st != OK) return st;
  lua_State *L = vm_lua(d->vm);
  if (lua_type(L, -2) != LUA_TTABLE) {
    st = dialect_wrong(&c, err, "no table");
  } else {
    const char *what = add_headers(L, lua_absindex(L, -2), r, true);
    char *more = value_text(L, lua_absindex(L, -2), "query", NULL);
    if (what == NULL && more != NULL) {  // in place of the request's
      if (!dialect_url_text(more)) what = "a query that is not encoded";
      free(r->query);
      r->query = more;
      more = NULL;
    }
    free(more);
    if (what != NULL) st = dialect_wrong(&c, err, what);
  }
  dialect_done(d);
  return st;
}

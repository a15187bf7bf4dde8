// script/dialect_hear.c – response, streams and frame: what a venue said, judged by the rules that hold for every venue.
#include "script/dialect_call.h"

#include "script/script_error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- streams and frames

enum status dialect_streams(struct dialect *d, const char *kind, const json_t *args, const struct dialect_secret *secret,
  const struct dialect_env *env, json_t **ret, struct err *err) {
  static const struct dialect_secret nobody;
  struct dialect_call c = {.d = d, .what = DIALECT_CALL_STREAMS, .kind = kind, .args = args, .env = env, .secret = secret != NULL ? secret : &nobody};
  *ret = NULL;
  enum status st = dialect_call(&c, err);
  if (st != OK) return st;
  lua_State *L = vm_lua(d->vm);
  const char *what;
  json_t *made = value_tree(L, -2, false, &what), *item;
  if (json_is_object(made)) {  // one connection
    json_t *list = json_array();
    if (json_array_append_new(list, made) != 0) json_decref(list), list = NULL;
    made = list;
  }
  if (made == NULL) {
    st = dialect_wrong(&c, err, what != NULL ? what : "no memory");
  } else if (!json_is_array(made)) {
    const char *why = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "there is no such stream";
    st = err_set(err, ERR_NOTFOUND, "%s: %s: %.200s", d->info.name, kind, why);
  }
  size_t i;
  json_array_foreach(made, i, item) {
    const char *url = json_string_value(json_object_get(item, "url"));
    const json_t *subscribe = json_object_get(item, "subscribe");
    if (st == OK && (url == NULL || !dialect_url_text(url) || (strncmp(url, "wss://", 6) != 0 && strncmp(url, "ws://", 5) != 0)))
      st = dialect_wrong(&c, err, "a connection without a URL");
    if (st == OK && subscribe != NULL && !json_is_array(subscribe)) st = dialect_wrong(&c, err, "subscribe, which is no list");
    for (size_t k = 0; st == OK && k < json_array_size(subscribe); k++)
      if (!json_is_string(json_array_get(subscribe, k))) st = dialect_wrong(&c, err, "a message that is no text");
  }
  dialect_done(d);
  if (st == OK) *ret = made;
  else json_decref(made);
  return st;
}

// An event that is not what it should be becomes one that says so.
static json_t *checked(json_t *event) {
  char what[DIALECT_TEXT_MAX];
  if (dialect_check_event(event, what, sizeof what)) return event;
  json_decref(event);
  return json_pack("{s:s, s:s, s:s}", "type", "error", "code", "dialect", "text", what);
}

enum status dialect_frame(struct dialect *d, const char *kind, const char *text, size_t len, json_t **ret, struct err *err) {
  *ret = NULL;
  if (len > DIALECT_FRAME_MAX) return err_set(err, ERR_LIMIT, "%s: a frame of %zu bytes, at most %d are read", d->info.name, len, DIALECT_FRAME_MAX);
  struct dialect_call c = {.d = d, .what = DIALECT_CALL_FRAME, .kind = kind, .bytes = text, .len = len};
  enum status st = dialect_call(&c, err);
  if (st != OK) return st;
  const char *what;
  json_t *made = value_tree(vm_lua(d->vm), -2, false, &what);
  if (json_is_object(made)) {
    json_t *list = json_array();
    if (json_array_append_new(list, made) != 0) json_decref(list), list = NULL;
    made = list;
  }
  if (made == NULL) st = dialect_wrong(&c, err, what != NULL ? what : "no memory");
  else if (!json_is_array(made)) st = dialect_wrong(&c, err, "no list of events");
  for (size_t i = 0; st == OK && i < json_array_size(made); i++)
    if (json_array_set_new(made, i, checked(json_incref(json_array_get(made, i)))) != 0) st = dialect_wrong(&c, err, "an event too large");
  dialect_done(d);
  if (st == OK) *ret = made;
  else json_decref(made);
  return st;
}

// ---- answers

// What nobody understands.
static void not_understood(struct dialect_answer *a, enum dialect_op op, const char *text) {
  a->action = dialect_op_trades(op) ? DIALECT_IS_UNKNOWN : DIALECT_IS_FATAL;
  snprintf(a->why, sizeof a->why, "%s", "request");
  script_text_escape(a->text, sizeof a->text, text, strlen(text), true);
}

// The table of errors, then what the dialect says of its own, then the rules that hold for every venue.
static const char *judge(lua_State *L, int ix, const struct dialect_call *c, struct dialect_answer *a) {
  char words[1024] = "", why[DIALECT_WHY_MAX] = "", action[DIALECT_WHY_MAX] = "";
  size_t len = 0;
  if (value_field(L, ix, "code") == LUA_TNUMBER && lua_isinteger(L, -1)) {
    snprintf(a->code, sizeof a->code, "%lld", (long long)lua_tointeger(L, -1));
    lua_settop(L, -2);
  } else {
    lua_settop(L, -2);
    if (!value_copy(L, ix, "code", a->code, sizeof a->code)) return "an error code that is too long or no text";
  }
  if (value_field(L, ix, "text") == LUA_TSTRING) {
    const char *s = lua_tolstring(L, -1, &len);
    snprintf(words, sizeof words, "%.*s", (int)(len < sizeof words ? len : sizeof words - 1), s);
  }
  lua_settop(L, -2);
  script_text_escape(a->text, sizeof a->text, words, strlen(words), true);
  if (!value_copy(L, ix, "why", why, sizeof why) || !value_copy(L, ix, "action", action, sizeof action)) return "a why or action that is no word";
  const struct dialect_error *e = dialect_error_find(&c->d->errors, a->code);
  if (e != NULL) {
    snprintf(a->why, sizeof a->why, "%s", e->why);
    a->action = e->action;
    for (int i = 0; i < e->by_op_count; i++)
      if (e->by_op[i].op == c->op) a->action = e->by_op[i].action;
  } else {
    a->action = dialect_op_trades(c->op) ? DIALECT_IS_UNKNOWN : DIALECT_IS_FATAL;
    snprintf(a->why, sizeof a->why, "other");
  }
  if (why[0] != '\0') {
    if (!dialect_why_known(why)) return "a why that nobody knows";
    snprintf(a->why, sizeof a->why, "%s", why);
  }
  for (int i = 0; action[0] != '\0'; i++) {
    if (i == DIALECT_ACTION_COUNT) return "an action that nobody knows";
    if (strcmp(dialect_action_text((enum dialect_action)i), action) != 0) continue;
    a->action = (enum dialect_action)i;
    break;
  }
  if (c->status >= 500 && dialect_op_trades(c->op)) a->action = DIALECT_IS_UNKNOWN;
  return NULL;
}

enum status dialect_response(struct dialect *d, enum dialect_op op, int status, const char *body, size_t len, const json_t *args,
  struct dialect_answer *ret, struct err *err) {
  memset(ret, 0, sizeof *ret);
  snprintf(ret->why, sizeof ret->why, "none");
  struct dialect_call c = {.d = d, .what = DIALECT_CALL_RESPONSE, .op = op, .args = args, .status = status, .bytes = body, .len = len};
  if (len > DIALECT_BODY_MAX) {
    not_understood(ret, op, "an answer too long to be read");
    return OK;
  }
  struct err own;
  if (err == NULL) err = &own;
  enum status st = dialect_call(&c, err);
  if (st != OK) {
    not_understood(ret, op, "the dialect failed");
    return st;
  }
  lua_State *L = vm_lua(d->vm);
  int ix = lua_absindex(L, -2);
  const char *what = NULL;
  char shape[DIALECT_TEXT_MAX];
  if (lua_type(L, ix) != LUA_TTABLE) {
    what = "no table";
  } else if (value_field(L, ix, "error") == LUA_TTABLE) {
    what = judge(L, -1, &c, ret);
    lua_settop(L, -2);
  } else {
    lua_settop(L, -2);
    if (status >= 500 && dialect_op_trades(op)) {
      not_understood(ret, op, "the venue failed");
    } else if (!value_truth(L, ix, "ok")) {
      what = "neither ok nor error";
    } else {
      value_field(L, ix, "data");
      ret->data = value_tree(L, -1, false, &what);
      lua_settop(L, -2);
      if (value_field(L, ix, "next") == LUA_TSTRING) ret->next = value_tree(L, -1, false, &what);
      lua_settop(L, -2);
      if (what == NULL && !dialect_check_answer(op, ret->data, shape, sizeof shape)) what = shape;
    }
  }
  if (what != NULL) {
    st = dialect_wrong(&c, err, what);
    dialect_answer_finish(ret);
    not_understood(ret, op, what);
  }
  dialect_done(d);
  return st;
}

void dialect_answer_finish(struct dialect_answer *a) {
  json_decref(a->data);
  json_decref(a->next);
  a->data = a->next = NULL;
}

bool dialect_explains(const struct dialect *d, const char *code) {
  return dialect_error_find(&d->errors, code) != NULL;
}

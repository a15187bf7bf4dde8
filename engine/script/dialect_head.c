// script/dialect_head.c – dialect{…} into struct dialect_info, and the table of errors.
#include "script/dialect_impl.h"

#include "base/suggest.h"
#include "script/table_reader.h"
#include "script/vm.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define ERRORS_MAX 1000

static const char *const op_names[DIALECT_OP_COUNT] = {
#define X(id, text, trade) [DIALECT_##id] = text,
  DIALECT_OP_LIST(X)
#undef X
};
static const bool op_trades[DIALECT_OP_COUNT] = {
#define X(id, text, trade) [DIALECT_##id] = trade,
  DIALECT_OP_LIST(X)
#undef X
};
static const char *const action_names[DIALECT_ACTION_COUNT] = {
#define X(id, text) [DIALECT_IS_##id] = text,
  DIALECT_ACTION_LIST(X)
#undef X
};
static const char *const why_names[] = {"none", "credentials", "clock", "throttled", "duplicate", "not_found", "done", "unchanged",
  "funds", "price", "quantity", "notional", "post_only", "reduce_only", "limit", "closed", "liquidation", "self_trade", "time",
  "asked", "request", "unsupported", "other"};

const char *dialect_op_text(enum dialect_op op) {
  return op_names[op];
}
bool dialect_op_trades(enum dialect_op op) {
  return op_trades[op];
}
const char *dialect_action_text(enum dialect_action a) {
  return action_names[a];
}

static int find(const char *text, const char *const *names, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (strcmp(names[i], text) == 0) return (int)i;
  return -1;
}

bool dialect_op_parse(const char *text, enum dialect_op *ret) {
  int i = find(text, op_names, DIALECT_OP_COUNT);
  if (i >= 0) *ret = (enum dialect_op)i;
  return i >= 0;
}

bool dialect_why_known(const char *text) {
  return find(text, why_names, COUNT(why_names)) >= 0;
}

// ---- words of closed lists

static _Noreturn void unknown_word(struct table_reader *r, const char *where, const char *word, const char *const *names, size_t n) {
  const char *near = suggest_nearest(word, names, n);
  if (near != NULL) table_fail(r, word, "%s: unknown '%.40s'; did you mean '%s'?", where, word, near);
  char list[400] = "";
  for (size_t i = 0; i < n; i++) snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i != 0 ? ", " : "", names[i]);
  table_fail(r, word, "%s: unknown '%.40s'; known are %s", where, word, list);
}

// The word at key as an index of names; other when the key is absent.
static int word(struct table_reader *r, int ix, const char *where, const char *key, const char *const *names, size_t n, int other) {
  char text[DIALECT_TEXT_MAX];
  if (!table_text(r, ix, where, key, text, sizeof text)) return other;
  int i = find(text, names, n);
  char path[DIALECT_TEXT_MAX];
  snprintf(path, sizeof path, "%s.%s", where, key);
  if (i < 0) unknown_word(r, path, text, names, n);
  return i;
}

// A list of short names at key; returns how many.
static int names(struct table_reader *r, int ix, const char *key, char (*ret)[DIALECT_NAME_MAX], int max) {
  lua_State *L = r->L;
  if (!table_section(r, ix, "dialect", key)) return 0;
  lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
  if (n > max) table_fail(r, key, "dialect.%s: at most %d", key, max);
  for (lua_Integer i = 1; i <= n; i++) {
    size_t len = 0;
    const char *text = lua_rawgeti(L, -1, i) == LUA_TSTRING ? lua_tolstring(L, -1, &len) : NULL;
    if (text == NULL || len == 0 || len >= DIALECT_NAME_MAX || strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") != len)
      table_fail(r, key, "dialect.%s: a list of short names", key);
    memcpy(ret[i - 1], text, len + 1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return (int)n;
}

static bool flag(struct table_reader *r, int ix, const char *where, const char *key) {
  int type = table_field(r, ix, key);
  if (type != LUA_TNIL && type != LUA_TBOOLEAN) table_fail(r, key, "%s.%s must be true or false", where, key);
  bool on = lua_toboolean(r->L, -1);
  lua_pop(r->L, 1);
  return on;
}

// ---- sections

static void url(struct table_reader *r, int ix, const char *where, const char *key, const char *scheme, char *ret) {
  if (!table_text(r, ix, where, key, ret, DIALECT_URL_MAX)) return;
  size_t n = strlen(scheme), len = strlen(ret);
  if (strncmp(ret, scheme, n) != 0 || len <= n || strpbrk(ret, " ?#@") != NULL)
    table_fail(r, ret, "%s.%s must begin with %s and hold no '?', '#', '@' or blank", where, key, scheme);
}

static void read_environment(struct table_reader *r, const char *name, struct dialect_environment *e) {
  static const char *const keys[] = {"rest", "private_ws", "public_ws"};
  lua_State *L = r->L;
  int ix = lua_gettop(L);
  char where[DIALECT_TEXT_MAX];
  snprintf(where, sizeof where, "environments.%s", name);
  snprintf(e->name, sizeof e->name, "%s", name);
  table_check_keys(r, ix, where, keys, COUNT(keys));
  url(r, ix, where, "rest", "https://", e->rest);
  if (e->rest[0] == '\0') table_fail(r, name, "%s.rest is missing", where);
  if (strchr(e->rest + 8, '/') != NULL) table_fail(r, e->rest, "%s.rest is a scheme and a host, without a path", where);
  url(r, ix, where, "private_ws", "wss://", e->private_ws);
  if (!table_section(r, ix, where, "public_ws")) return;
  snprintf(where, sizeof where, "environments.%s.public_ws", name);
  int urls = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, urls) != 0; lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) table_fail(r, NULL, "%s: a URL for each category", where);
    if (e->public_count == DIALECT_CATEGORIES_MAX) table_fail(r, name, "%s: at most %d", where, DIALECT_CATEGORIES_MAX);
    const char *category = lua_tostring(L, -2);
    if (strlen(category) >= DIALECT_NAME_MAX) table_fail(r, category, "%s: too long a name", where);
    snprintf(e->public_ws[e->public_count].category, DIALECT_NAME_MAX, "%s", category);
    url(r, urls, where, category, "wss://", e->public_ws[e->public_count].url);
    e->public_count++;
  }
  lua_pop(L, 1);
}

static int by_environment(const void *a, const void *b) {  // live first
  const struct dialect_environment *x = a, *y = b;
  bool lx = strcmp(x->name, "live") == 0, ly = strcmp(y->name, "live") == 0;
  return lx != ly ? (lx ? -1 : 1) : strcmp(x->name, y->name);
}

static void read_environments(struct table_reader *r, int ix, struct dialect_info *info) {
  static const char *const known[] = {"live", "testnet", "demo"};
  lua_State *L = r->L;
  if (!table_section(r, ix, "dialect", "environments")) table_fail(r, NULL, "dialect.environments is missing");
  int list = lua_gettop(L);
  table_check_keys(r, list, "environments", known, COUNT(known));
  for (lua_pushnil(L); lua_next(L, list) != 0; lua_pop(L, 1)) {
    const char *name = lua_tostring(L, -2);
    if (!lua_istable(L, -1)) table_fail(r, name, "environments.%s must be a table", name);
    read_environment(r, name, &info->environments[info->environment_count++]);
  }
  lua_pop(L, 1);
  if (info->environment_count == 0) table_fail(r, "environments", "dialect.environments must have at least one");
  qsort(info->environments, (size_t)info->environment_count, sizeof info->environments[0], by_environment);
}

static void read_budgets(struct table_reader *r, int ix, struct dialect_info *info) {
  static const char *const keys[] = {"name", "per_ms", "count", "by"}, *const by[] = {"key", "ip"};
  lua_State *L = r->L;
  if (!table_section(r, ix, "dialect", "budgets")) return;
  lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
  if (n > DIALECT_BUDGETS_MAX) table_fail(r, "budgets", "dialect.budgets: at most %d", DIALECT_BUDGETS_MAX);
  for (lua_Integer i = 1; i <= n; i++) {
    struct dialect_budget *b = &info->budgets[info->budget_count++];
    int64_t count = 0;
    if (lua_rawgeti(L, -1, i) != LUA_TTABLE) table_fail(r, "budgets", "dialect.budgets: a list of {name=, per_ms=, count=, by=}");
    int at = lua_gettop(L);
    table_check_keys(r, at, "budgets", keys, COUNT(keys));
    if (!table_name(r, at, "budgets", "name", b->name, sizeof b->name)) table_fail(r, "budgets", "budgets: a name is missing");
    if (!table_int(r, at, "budgets", "per_ms", 1, 86400000, &b->per_ms) || !table_int(r, at, "budgets", "count", 1, 1000000, &count))
      table_fail(r, b->name, "budgets: '%s' needs per_ms and count", b->name);
    b->count = (int)count;
    b->by = (enum dialect_by)word(r, at, "budgets", "by", by, COUNT(by), DIALECT_BY_KEY);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

static void read_rate(struct table_reader *r, int ix, struct dialect_info *info) {
  static const char *const keys[] = {"left", "reset_ms", "after_s"};
  char *const to[] = {info->rate.left, info->rate.reset, info->rate.after};
  if (!table_section(r, ix, "dialect", "rate")) return;
  const int at = lua_gettop(r->L);
  table_check_keys(r, at, "rate", keys, COUNT(keys));
  for (size_t i = 0; i < COUNT(keys); i++)
    if (table_text(r, at, "rate", keys[i], to[i], DIALECT_CODE_MAX) && strspn(to[i], "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(to[i]))
      table_fail(r, keys[i], "rate.%s: a header's name in lower case", keys[i]);
  lua_pop(r->L, 1);
}

static const struct {
  const char *name;
  size_t at;
} capabilities[] = {
#define CAN(name) {#name, offsetof(struct dialect_caps, name)}
  CAN(amend), CAN(positions), CAN(leverage), CAN(stops), CAN(reduce_only), CAN(post_only), CAN(hedge), CAN(cancel_all), CAN(market_by_quote), CAN(attached), CAN(fill_ids),
#undef CAN
};
static bool *can(struct dialect_caps *c, size_t i) { return (bool *)((char *)c + capabilities[i].at); }

// true: in each category; else a list of those that have it.
static void read_capability(struct table_reader *r, int ix, size_t i, struct dialect_info *info) {
  const char *key = capabilities[i].name;
  lua_State *L = r->L;
  if (table_field(r, ix, key) != LUA_TTABLE) {
    lua_pop(L, 1);
    const bool all = flag(r, ix, "capabilities", key);
    for (int c = 0; c < info->category_count; c++) *can(&info->caps[c], i) = all;
    return;
  }
  for (lua_Integer n = 1; lua_rawgeti(L, -1, n) != LUA_TNIL; n++) {
    int c = info->category_count - 1;
    while (c >= 0 && (lua_type(L, -1) != LUA_TSTRING || strcmp(info->categories[c], lua_tostring(L, -1)) != 0)) c--;
    if (c < 0) table_fail(r, key, "capabilities.%s must be true or a list of categories", key);
    *can(&info->caps[c], i) = true;
    lua_pop(L, 1);
  }
  lua_pop(L, 2);
}

static void read_capabilities(struct table_reader *r, int ix, struct dialect_info *info) {
  const char *keys[COUNT(capabilities)];
  for (size_t i = 0; i < COUNT(capabilities); i++) keys[i] = capabilities[i].name;
  if (!table_section(r, ix, "dialect", "capabilities")) return;
  int at = lua_gettop(r->L);
  table_check_keys(r, at, "capabilities", keys, COUNT(capabilities));
  for (size_t i = 0; i < COUNT(capabilities); i++) read_capability(r, at, i, info);
  lua_pop(r->L, 1);
}

const struct dialect_caps *dialect_can(const struct dialect_info *info, const char *category) {
  for (int i = 0; category && i < info->category_count; i++)
    if (strcmp(info->categories[i], category) == 0) return &info->caps[i];
  return &info->caps[0];
}

static void read_ops(struct table_reader *r, int ix, struct dialect_info *info) {
  char ops[DIALECT_OP_COUNT][DIALECT_NAME_MAX];
  int n = names(r, ix, "ops", ops, DIALECT_OP_COUNT);
  for (int i = 0; i < n; i++) {
    enum dialect_op op;
    if (!dialect_op_parse(ops[i], &op)) unknown_word(r, "ops", ops[i], op_names, DIALECT_OP_COUNT);
    info->ops |= 1u << op;
  }
  if (info->ops == 0) table_fail(r, NULL, "dialect.ops is missing: the operations it knows, such as \"create_order\"");
}

static void read_lookups(struct table_reader *r, int ix, struct dialect_info *info) {
  static const char *const known[] = {"id", "open", "fills"};
  char list[3][DIALECT_NAME_MAX];
  int n = names(r, ix, "lookups", list, 3);
  for (int i = 0; i < n; i++) {
    int k = find(list[i], known, COUNT(known));
    if (k < 0) unknown_word(r, "lookups", list[i], known, COUNT(known));
    *(k == 0 ? &info->by_id : k == 1 ? &info->by_open : &info->by_fills) = true;
  }
}

// ---- errors

static int by_code(const void *a, const void *b) {
  return strcmp(((const struct dialect_error *)a)->code, ((const struct dialect_error *)b)->code);
}

static void read_error(struct table_reader *r, struct dialect_error *e) {
  lua_State *L = r->L;
  int ix = lua_gettop(L);
  int why = word(r, ix, "errors", "why", why_names, COUNT(why_names), -1);
  int action = word(r, ix, "errors", "action", action_names, DIALECT_ACTION_COUNT, -1);
  if (why < 0 || action < 0) table_fail(r, e->code, "errors: '%s' needs why and action", e->code);
  snprintf(e->why, sizeof e->why, "%s", why_names[why]);
  e->action = (enum dialect_action)action;
  for (lua_pushnil(L); lua_next(L, ix) != 0; lua_pop(L, 1)) {
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
    enum dialect_op op;
    if (strcmp(key, "why") == 0 || strcmp(key, "action") == 0) continue;
    if (!dialect_op_parse(key, &op)) unknown_word(r, "errors", key, op_names, DIALECT_OP_COUNT);
    if (e->by_op_count == COUNT(e->by_op)) table_fail(r, key, "errors: '%s' has more than %zu exceptions", e->code, COUNT(e->by_op));
    int other = word(r, ix, "errors", key, action_names, DIALECT_ACTION_COUNT, -1);
    e->by_op[e->by_op_count++] = (struct dialect_exception){op, (enum dialect_action)other};
  }
}

static void read_errors(struct table_reader *r, int ix, struct dialect_errors *errors) {
  lua_State *L = r->L;
  if (!table_section(r, ix, "dialect", "errors")) return;
  int list = lua_gettop(L);
  size_t n = 0;
  for (lua_pushnil(L); lua_next(L, list) != 0; lua_pop(L, 1)) n++;
  if (n > ERRORS_MAX) table_fail(r, "errors", "dialect.errors: at most %d codes", ERRORS_MAX);
  errors->list = calloc(n + 1, sizeof *errors->list);
  if (errors->list == NULL) table_fail(r, NULL, "dialect.errors: no memory");
  for (lua_pushnil(L); lua_next(L, list) != 0; lua_pop(L, 1)) {
    struct dialect_error *e = &errors->list[errors->count++];
    if (lua_isinteger(L, -2)) snprintf(e->code, sizeof e->code, "%lld", (long long)lua_tointeger(L, -2));
    else if (lua_type(L, -2) == LUA_TSTRING && strlen(lua_tostring(L, -2)) < sizeof e->code) strcpy(e->code, lua_tostring(L, -2));
    else table_fail(r, "errors", "dialect.errors: a code is a text or a whole number");
    if (!lua_istable(L, -1)) table_fail(r, e->code, "errors: '%s' must be {why=, action=}", e->code);
    read_error(r, e);
  }
  lua_pop(L, 1);
  qsort(errors->list, (size_t)errors->count, sizeof *errors->list, by_code);
}

const struct dialect_error *dialect_error_find(const struct dialect_errors *e, const char *code) {
  if (e->count == 0 || strlen(code) >= DIALECT_CODE_MAX) return NULL;
  struct dialect_error key;
  strcpy(key.code, code);
  return bsearch(&key, e->list, (size_t)e->count, sizeof key, by_code);
}

// ---- all of it

static void need_function(struct table_reader *r, const char *name, bool must) {
  lua_State *L = r->L;
  vm_push_globals(L);
  lua_pushstring(L, name);
  int type = lua_rawget(L, -2);
  lua_pop(L, 2);
  if (type == LUA_TFUNCTION || (type == LUA_TNIL && !must)) return;
  table_fail(r, NULL, "a dialect must define the function %s", name);
}

void dialect_read_header(struct table_reader *r, struct dialect_info *info, struct dialect_errors *errors) {
  static const char *const keys[] = {"name", "api", "about", "environments", "categories", "credentials", "expiry_ms", "ping_ms",
    "client_id_max", "clock", "capabilities", "lookups", "ops", "budgets", "rate", "errors"};
  static const char *const clocks[] = {"none", "op", "date"};
  lua_State *L = r->L;
  int ix = lua_gettop(L);
  luaL_checkstack(L, 24, NULL);
  table_check_keys(r, ix, "dialect", keys, COUNT(keys));
  if (!table_name(r, ix, "dialect", "name", info->name, sizeof info->name)) table_fail(r, NULL, "dialect.name is missing");
  int64_t n = 0;
  if (!table_int(r, ix, "dialect", "api", 1, 1, &n)) table_fail(r, NULL, "dialect.api is missing; write api=1");
  table_text(r, ix, "dialect", "about", info->about, sizeof info->about);
  read_environments(r, ix, info);
  info->category_count = names(r, ix, "categories", info->categories, DIALECT_CATEGORIES_MAX);
  if (info->category_count == 0) table_fail(r, NULL, "dialect.categories is missing: such as {\"spot\"}");
  info->credential_count = names(r, ix, "credentials", info->credentials, DIALECT_CREDENTIALS_MAX);
  table_int(r, ix, "dialect", "expiry_ms", 0, 600000, &info->expiry_ms);
  table_int(r, ix, "dialect", "ping_ms", 0, 600000, &info->ping_ms);
  n = 31;
  table_int(r, ix, "dialect", "client_id_max", 8, 255, &n);
  info->client_id_max = (int)n;
  info->clock = (enum dialect_clock)word(r, ix, "dialect", "clock", clocks, COUNT(clocks), DIALECT_CLOCK_NONE);
  read_capabilities(r, ix, info);
  read_lookups(r, ix, info);
  read_ops(r, ix, info);
  read_budgets(r, ix, info);
  read_rate(r, ix, info);
  read_errors(r, ix, errors);
  info->error_count = errors->count;
  need_function(r, "request", true);
  need_function(r, "response", true);
  need_function(r, "sign", info->credential_count > 0);
  bool ws = info->environments[0].private_ws[0] != '\0' || info->environments[0].public_count > 0;
  need_function(r, "streams", ws);
  need_function(r, "frame", ws);
}

json_t *dialect_info_json(const struct dialect_info *info) {
  json_t *environments = json_object(), *categories = json_array(), *credentials = json_array(), *budgets = json_array();
  json_t *ops = json_array(), *able = json_object(), *lookups = json_array();
  for (int i = 0; i < info->environment_count; i++) {
    const struct dialect_environment *e = &info->environments[i];
    json_t *public = json_object();
    for (int k = 0; k < e->public_count; k++) json_object_set_new(public, e->public_ws[k].category, json_string(e->public_ws[k].url));
    json_object_set_new(environments, e->name, json_pack("{s:s, s:s, s:o}", "rest", e->rest, "private_ws", e->private_ws, "public_ws", public));
  }
  for (int i = 0; i < info->category_count; i++) json_array_append_new(categories, json_string(info->categories[i]));
  for (int i = 0; i < info->credential_count; i++) json_array_append_new(credentials, json_string(info->credentials[i]));
  for (int i = 0; i < info->budget_count; i++) {
    const struct dialect_budget *b = &info->budgets[i];
    json_array_append_new(budgets, json_pack("{s:s, s:I, s:i, s:s}", "name", b->name, "per_ms", (json_int_t)b->per_ms, "count",
      b->count, "by", b->by == DIALECT_BY_IP ? "ip" : "key"));
  }
  for (int i = 0; i < DIALECT_OP_COUNT; i++)
    if (info->ops >> i & 1) json_array_append_new(ops, json_string(op_names[i]));
  for (int c = 0; c < info->category_count; c++) {
    json_t *list = json_array();
    for (size_t i = 0; i < COUNT(capabilities); i++)
      if (*(const bool *)((const char *)&info->caps[c] + capabilities[i].at)) json_array_append_new(list, json_string(capabilities[i].name));
    json_object_set_new(able, info->categories[c], list);
  }
  if (info->by_id) json_array_append_new(lookups, json_string("id"));
  if (info->by_open) json_array_append_new(lookups, json_string("open"));
  if (info->by_fills) json_array_append_new(lookups, json_string("fills"));
  static const char *const clocks[] = {"none", "op", "date"};
  return json_pack("{s:s, s:s, s:o, s:o, s:o, s:I, s:I, s:i, s:s, s:o, s:o, s:o, s:o, s:i, s:s}", "name", info->name, "about", info->about,
    "environments", environments, "categories", categories, "credentials", credentials, "expiry_ms", (json_int_t)info->expiry_ms,
    "ping_ms", (json_int_t)info->ping_ms, "client_id_max", info->client_id_max, "clock", clocks[info->clock], "capabilities", able,
    "lookups", lookups, "ops", ops, "budgets", budgets, "errors", info->error_count, "sha256", info->sha256);
}

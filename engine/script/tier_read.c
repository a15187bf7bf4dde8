// script/tier_read.c – the closed tables of limits, rights and actions; tiers{…} into struct plan_set.
#include "script/tier_script.h"

#include "base/decimal.h"
#include "base/suggest.h"
#include "crypto/sha256.h"
#include "script/profile_impl.h"
#include "script/table_reader.h"
#include "script/tier_impl.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

// ---- the closed tables

static const struct {
  const char *name, *about;
  enum meter_kind kind;
} limit_table[LIMIT_COUNT] = {
#define X(id, text, meter, meaning) [id] = {.name = text, .about = meaning, .kind = meter},
  LIMIT_LIST(X)
#undef X
};
static const char *const limit_names[LIMIT_COUNT] = {
#define X(id, text, meter, meaning) [id] = text,
  LIMIT_LIST(X)
#undef X
};
static const char *const right_names[RIGHT_COUNT] = {
#define X(id, text, meaning) [id] = text,
  RIGHT_LIST(X)
#undef X
};
static const char *const right_abouts[RIGHT_COUNT] = {
#define X(id, text, meaning) [id] = meaning,
  RIGHT_LIST(X)
#undef X
};
static const struct {
  const char *name;
  int limits[2], right;
  bool ask;
} action_table[ACTION_COUNT] = {
#define X(id, text, first, second, need, asked) \
  [id] = {.name = text, .limits = {(int)first, (int)second}, .right = (int)need, .ask = asked},
  ACTION_LIST(X)
#undef X
};

const char *plan_limit_name(enum plan_limit limit) {
  return limit_table[limit].name;
}
const char *plan_limit_about(enum plan_limit limit) {
  return limit_table[limit].about;
}
enum meter_kind plan_limit_kind(enum plan_limit limit) {
  return limit_table[limit].kind;
}
const char *plan_right_name(enum plan_right right) {
  return right_names[right];
}
const char *plan_right_about(enum plan_right right) {
  return right_abouts[right];
}
const char *plan_action_name(enum plan_action action) {
  return action_table[action].name;
}
enum plan_right plan_action_right(enum plan_action action) {
  return (enum plan_right)action_table[action].right;
}
bool plan_action_asks(enum plan_action action) {
  return action_table[action].ask;
}

void plan_action_limits(enum plan_action action, enum plan_limit ret_limits[2]) {
  for (int i = 0; i < 2; i++) ret_limits[i] = (enum plan_limit)action_table[action].limits[i];
}

bool plan_limit_parse(const char *text, enum plan_limit *ret) {
  for (int i = 0; i < LIMIT_COUNT; i++) {
    if (strcmp(limit_names[i], text) != 0) continue;
    *ret = (enum plan_limit)i;
    return true;
  }
  return false;
}

int plan_find(const struct plan_set *set, const char *id) {
  for (int i = 0; i < set->plan_count; i++)
    if (strcmp(set->plans[i].id, id) == 0) return i;
  return -1;
}

int addon_find(const struct plan_set *set, const char *id) {
  for (int i = 0; i < set->addon_count; i++)
    if (strcmp(set->addons[i].id, id) == 0) return i;
  return -1;
}

void plan_add(struct plan *plan, const struct addon *addon, int64_t n) {
  if (n <= 0) return;
  for (int i = 0; i < LIMIT_COUNT; i++) {
    if (plan->limits[i] == PLAN_UNLIMITED || addon->adds[i] == 0) continue;
    int64_t more, sum;
    if (__builtin_mul_overflow(addon->adds[i], n, &more) || __builtin_add_overflow(plan->limits[i], more, &sum) ||
        sum > PLAN_LIMIT_MAX)
      sum = PLAN_LIMIT_MAX;
    plan->limits[i] = sum;
  }
  plan->rights |= addon->rights;
}

// ---- reading

#define ABSENT (-1)  // of a limit neither the tier nor base gives

// Sets what the table gives; the rest keeps its value. min: 0 for limits, 1 for what an add-on adds.
static void read_limits(struct table_reader *r, int ix, const char *where, bool adds, int64_t limits[LIMIT_COUNT]) {
  lua_State *L = r->L;
  char path[PLAN_ID_MAX + 32];
  if (!table_section(r, ix, where, "limits")) return;
  int section = lua_gettop(L);
  snprintf(path, sizeof path, "%s.limits", where);
  table_check_keys(r, section, path, limit_names, LIMIT_COUNT);
  for (int i = 0; i < LIMIT_COUNT; i++) {
    const char *name = limit_names[i];
    int type = table_field(r, section, name);
    if (type == LUA_TSTRING && strcmp(lua_tostring(L, -1), "unlimited") == 0) {
      if (adds) table_fail(r, name, "%s.%s: an add-on adds a number; unlimited is for tiers", path, name);
      limits[i] = PLAN_UNLIMITED;
    } else if (type != LUA_TNIL) {
      if (type != LUA_TNUMBER)
        table_fail(r, name, "%s.%s must be a whole number or unlimited, not a %s", path, name, lua_typename(L, type));
      table_int(r, section, path, name, adds ? 1 : 0, PLAN_LIMIT_MAX, &limits[i]);
    }
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

static void read_rights(struct table_reader *r, int ix, const char *where, uint64_t *rights) {
  lua_State *L = r->L;
  char path[PLAN_ID_MAX + 32];
  if (!table_section(r, ix, where, "rights")) return;
  int section = lua_gettop(L);
  snprintf(path, sizeof path, "%s.rights", where);
  table_check_keys(r, section, path, right_names, RIGHT_COUNT);
  for (int i = 0; i < RIGHT_COUNT; i++) {
    int type = table_field(r, section, right_names[i]);
    if (type != LUA_TNIL && type != LUA_TBOOLEAN)
      table_fail(
        r, right_names[i], "%s.%s must be true or false, not a %s", path, right_names[i], lua_typename(L, type));
    if (type == LUA_TBOOLEAN) *rights = (*rights & ~(UINT64_C(1) << i)) | (uint64_t)lua_toboolean(L, -1) << i;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

// Errors of the n-th entry of a list point into that entry: its id stands there as a quoted text.
static void read_id(struct table_reader *r, int ix, const char *list, int n, char *ret, size_t size) {
  char where[64];
  snprintf(where, sizeof where, "%s[%d]", list, n);
  if (!table_name(r, ix, where, "id", ret, size)) table_fail(r, list, "%s needs an id such as id='pro'", where);
  long at = table_find_word(r->source, r->from, ret, true);
  if (at > 0) r->from = at - 1;  // its opening quote
}

static void read_plan(struct table_reader *r, int ix, int n, const struct plan *base, struct plan_set *set) {
  static const char *const keys[] = {"id", "name", "about", "price_month", "price_year", "limits", "rights"};
  struct plan *plan = &set->plans[set->plan_count];
  char where[PLAN_ID_MAX + 16];
  *plan = *base;
  read_id(r, ix, "tiers", n, plan->id, sizeof plan->id);
  if (plan_find(set, plan->id) >= 0) table_fail(r, plan->id, "tiers[%d]: there is a tier '%s' already", n, plan->id);
  snprintf(where, sizeof where, "tier %s", plan->id);
  table_check_keys(r, ix, where, keys, COUNT(keys));
  if (!table_text(r, ix, where, "name", plan->name, sizeof plan->name))
    table_fail(r, plan->id, "%s: name is missing", where);
  table_text(r, ix, where, "about", plan->about, sizeof plan->about);
  if (!table_money(r, ix, where, "price_month", &plan->month_e8))
    table_fail(r, plan->id, "%s: price_month is missing ('0' is free)", where);
  plan->has_year = table_money(r, ix, where, "price_year", &plan->year_e8);
  read_limits(r, ix, where, false, plan->limits);
  read_rights(r, ix, where, &plan->rights);
  // Came later than scripts that stand on their own: where it is not given, the channels' own limits hold.
  if (plan->limits[LIMIT_NOTICES_PER_DAY] == ABSENT) plan->limits[LIMIT_NOTICES_PER_DAY] = PLAN_UNLIMITED;
  for (int i = 0; i < LIMIT_COUNT; i++)
    if (plan->limits[i] == ABSENT)
      table_fail(r, plan->id, "%s: the limit %s is given neither here nor in base; write a number or unlimited", where,
        limit_names[i]);
  set->plan_count++;
}

static void read_addon(struct table_reader *r, int ix, int n, const struct plan *base, struct plan_set *set) {
  static const char *const keys[] = {"id", "name", "price_month", "limits", "rights"};
  struct addon *addon = &set->addons[set->addon_count];
  char where[PLAN_ID_MAX + 16];
  (void)base;
  read_id(r, ix, "addons", n, addon->id, sizeof addon->id);
  if (addon_find(set, addon->id) >= 0)
    table_fail(r, addon->id, "addons[%d]: there is an add-on '%s' already", n, addon->id);
  snprintf(where, sizeof where, "addon %s", addon->id);
  table_check_keys(r, ix, where, keys, COUNT(keys));
  if (!table_text(r, ix, where, "name", addon->name, sizeof addon->name))
    table_fail(r, addon->id, "%s: name is missing", where);
  if (!table_money(r, ix, where, "price_month", &addon->month_e8))
    table_fail(r, addon->id, "%s: price_month is missing", where);
  read_limits(r, ix, where, true, addon->adds);
  read_rights(r, ix, where, &addon->rights);
  set->addon_count++;
}

typedef void (*entry_reader)(struct table_reader *r, int ix, int n, const struct plan *base, struct plan_set *set);

static void read_list(struct table_reader *r, int header, const char *key, int max, entry_reader read,
  const struct plan *base, struct plan_set *set) {
  lua_State *L = r->L;
  if (!table_section(r, header, "tiers", key)) return;
  int list = lua_gettop(L), n = 0;
  r->from = 0;
  long at = table_find_word(r->source, 0, key, false);
  if (at > 0) r->from = at;
  for (;; n++) {
    int type = lua_rawgeti(L, list, n + 1);
    if (type == LUA_TNIL) break;
    if (type != LUA_TTABLE) table_fail(r, key, "%s[%d] must be a table, not a %s", key, n + 1, lua_typename(L, type));
    if (n == max) table_fail(r, key, "%s has more than %d entries", key, max);
    read(r, lua_gettop(L), n + 1, base, set);
    lua_settop(L, list);
  }
  lua_settop(L, list);
  int entries = 0;  // anything beside the list would be ignored in silence
  for (lua_pushnil(L); lua_next(L, list) != 0; lua_pop(L, 1)) entries++;
  r->from = 0;
  if (entries != n) table_fail(r, key, "%s is a list of tables { {…}, {…} } without names and without holes", key);
  lua_pop(L, 1);
}

static void read_set(struct table_reader *r, struct plan_set *set) {
  static const char *const keys[] = {
    "edition", "name", "about", "currency", "default", "grace_days", "base", "tiers", "addons", "allow"};
  static const char *const base_keys[] = {"limits", "rights"};
  lua_State *L = r->L;
  luaL_checkstack(L, 32, NULL);
  profile_push_header(L);
  int header = lua_gettop(L);
  table_check_keys(r, header, "tiers", keys, COUNT(keys));
  if (!table_name(r, header, "tiers", "edition", set->edition, sizeof set->edition))
    table_fail(r, NULL, "tiers.edition is missing");
  if (!table_text(r, header, "tiers", "name", set->name, sizeof set->name)) strcpy(set->name, set->edition);
  table_text(r, header, "tiers", "about", set->about, sizeof set->about);
  if (!table_text(r, header, "tiers", "currency", set->currency, sizeof set->currency))
    table_fail(r, NULL, "tiers.currency is missing, such as 'USD'");
  if (strlen(set->currency) != 3 || strspn(set->currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3)
    table_fail(r, "currency", "tiers.currency '%s' is no currency code of three capital letters", set->currency);
  int64_t days = PLAN_GRACE_DAYS;
  table_int(r, header, "tiers", "grace_days", 0, 365, &days);
  set->grace_days = (int)days;

  struct plan base = {0};
  for (int i = 0; i < LIMIT_COUNT; i++) base.limits[i] = ABSENT;
  if (table_section(r, header, "tiers", "base")) {
    int ix = lua_gettop(L);
    table_check_keys(r, ix, "base", base_keys, COUNT(base_keys));
    read_limits(r, ix, "base", false, base.limits);
    read_rights(r, ix, "base", &base.rights);
    lua_pop(L, 1);
  }
  read_list(r, header, "tiers", PLANS_MAX, read_plan, &base, set);
  if (set->plan_count == 0) table_fail(r, NULL, "tiers.tiers must list at least one tier");
  read_list(r, header, "addons", ADDONS_MAX, read_addon, &base, set);

  char id[PLAN_ID_MAX];
  if (!table_text(r, header, "tiers", "default", id, sizeof id))
    table_fail(r, NULL, "tiers.default is missing: the tier of a tenant without a subscription");
  set->default_plan = plan_find(set, id);
  if (set->default_plan < 0) {
    const char *ids[PLANS_MAX];
    for (int i = 0; i < set->plan_count; i++) ids[i] = set->plans[i].id;
    const char *near = suggest_nearest(id, ids, (size_t)set->plan_count);
    table_fail(r, "default", "tiers.default: there is no tier '%s'%s%s%s", id, near != NULL ? "; did you mean '" : "",
      near != NULL ? near : "", near != NULL ? "'?" : "");
  }
  int type = table_field(r, header, "allow");
  if (type != LUA_TNIL && type != LUA_TFUNCTION)
    table_fail(r, "allow", "tiers.allow must be a function(action, usage), not a %s", lua_typename(L, type));
  set->has_allow = type == LUA_TFUNCTION;
  lua_pop(L, 2);
}

struct describe {
  struct table_reader r;
  struct plan_set *set;
};

static int l_describe(lua_State *L) {
  struct describe *d = lua_touserdata(L, 1);
  d->r.L = L;
  read_set(&d->r, d->set);
  return 0;
}

enum status tier_open(const char *chunkname, const char *source, size_t len, struct watchdog *watchdog,
  struct vm **ret_vm, struct plan_set **ret_set, struct err *err) {
  struct vm *vm;
  enum status st = profile_open(SCRIPT_TIER, chunkname, source, len, watchdog, &vm, err);
  if (st != OK) return st;
  struct plan_set *set = calloc(1, sizeof *set);
  char *text = malloc(len + 1);
  if (set == NULL || text == NULL) st = err_set(err, ERR_NOMEM, "%s: out of memory", chunkname);
  if (st == OK) {
    memcpy(text, source, len);
    text[len] = '\0';
    struct describe d = {{.chunkname = chunkname, .source = text, .head = "tiers"}, set};
    lua_pushcfunction(vm_lua(vm), l_describe);
    lua_pushlightuserdata(vm_lua(vm), &d);
    st = vm_call(vm, 1, 0, err);
    sha256_hex(source, len, set->sha256);
  }
  free(text);
  if (st != OK) {
    free(set);
    vm_destroy(vm);
    return st;
  }
  *ret_vm = vm;
  *ret_set = set;
  return OK;
}

enum status tier_describe(const char *chunkname, const char *source, size_t len, struct watchdog *watchdog,
  struct plan_set **ret_set, struct err *err) {
  struct vm *vm;
  enum status st = tier_open(chunkname, source, len, watchdog, &vm, ret_set, err);
  if (st == OK) vm_destroy(vm);
  return st;
}

// ---- as JSON

static json_t *limits_json(const int64_t limits[LIMIT_COUNT], bool only_set) {
  json_t *o = json_object();
  for (int i = 0; i < LIMIT_COUNT; i++)
    if (!only_set || limits[i] != 0)
      json_object_set_new(o, limit_names[i], limits[i] == PLAN_UNLIMITED ? json_null() : json_integer(limits[i]));
  return o;
}

static json_t *rights_json(uint64_t rights) {
  json_t *list = json_array();
  for (int i = 0; i < RIGHT_COUNT; i++)
    if (rights >> i & 1) json_array_append_new(list, json_string(right_names[i]));
  return list;
}

static json_t *money_json(int64_t e8) {
  char text[DECIMAL_TEXT_MAX];
  decimal_format_scaled(e8, 8, text);
  return json_string(text);
}

json_t *plan_json(const struct plan_set *set, const struct plan *plan) {
  return json_pack("{s:s, s:s, s:s, s:o, s:o, s:s, s:o, s:o}", "id", plan->id, "name", plan->name, "about", plan->about,
    "monthly_price", money_json(plan->month_e8), "yearly_price",
    plan->has_year ? money_json(plan->year_e8) : json_null(), "currency", set->currency, "limits",
    limits_json(plan->limits, false), "rights", rights_json(plan->rights));
}

json_t *addon_json(const struct plan_set *set, const struct addon *a) {
  return json_pack("{s:s, s:s, s:o, s:s, s:o, s:o}", "id", a->id, "name", a->name, "monthly_price", money_json(a->month_e8),
    "currency", set->currency, "limits", limits_json(a->adds, true), "rights", rights_json(a->rights));
}

json_t *plan_set_json(const struct plan_set *set) {
  json_t *plans = json_array(), *addons = json_array();
  for (int i = 0; i < set->plan_count; i++) json_array_append_new(plans, plan_json(set, &set->plans[i]));
  for (int i = 0; i < set->addon_count; i++) json_array_append_new(addons, addon_json(set, &set->addons[i]));
  return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:b, s:o, s:o}", "edition", set->edition, "name", set->name, "about",
    set->about, "currency", set->currency, "default", set->plans[set->default_plan].id, "grace_days", set->grace_days,
    "has_allow", (int)set->has_allow, "tiers", plans, "addons", addons);
}

// api/shadows.c – a version beside the one that trades (bot/live_shadow): begun and ended for all running bots of a strategy, and what it
// would have done.
#include "api/bots.h"
#include "api/core.h"
#include "api/handlers.h"
#include "api/scripts.h"
#include "store/store.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define BOTS_SHOWN 1000
#define DIFFERENCES_SHOWN 5  // of each bot in the summary

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

static enum status find(struct api_call *call, struct db *db, struct script_row *ret) {
  enum status st = script_get(db, call->who.tenant_id, api_param_id(call, "strategy_id"), ret, &call->err);
  return st == OK && strcmp(ret->kind, "strategy") != 0 ? err_set(&call->err, ERR_NOTFOUND, "not a strategy") : st;
}

// ---- the summary

struct summary {
  struct api_call *call;
  json_t *items;
  int64_t version;
  int64_t bots;
};

static bool add(void *arg, const struct bot_row *row) {
  struct summary *s = arg;
  if (row->shadow_version != s->version) return true;
  if (++s->bots > BOTS_SHOWN) return true;
  json_t *one = s->call->core->live ? live_shadow_json(s->call->core->live, row->id) : NULL;
  if (!one) one = json_pack("{s:I, s:s}", "version", (json_int_t)s->version, "state", "waiting");
  json_t *differences = json_object_get(one, "items");
  while (json_array_size(differences) > DIFFERENCES_SHOWN) json_array_remove(differences, json_array_size(differences) - 1);
  json_object_set_new(one, "bot_id", api_id("bot", row->id));
  json_array_append_new(s->items, one);
  return true;
}

static enum status summary(struct api_call *call, struct db *db, int64_t script_id, int64_t version) {
  struct summary s = {.call = call, .items = json_array(), .version = version};
  const struct bot_filter of_script = {.tenant_id = call->who.tenant_id, .script_id = script_id};
  enum status st = bot_list(db, &of_script, INT64_MAX, INT_MAX, add, &s, &call->err);
  if (st == OK) return api_json(call, 200, json_pack("{s:I, s:I, s:o}", "version", (json_int_t)version, "bots", (json_int_t)s.bots, "items", s.items));
  json_decref(s.items);
  return st;
}

enum status api_version_shadow_get(struct api_call *call) {
  struct script_row row;
  enum status st = find(call, reader(call), &row);
  return st == OK ? summary(call, reader(call), row.id, strtoll(api_param(call, "version"), NULL, 10)) : st;
}

// ---- begun, and ended

static enum status write_shadow(struct api_call *call, struct db *db) {
  const int64_t number = strtoll(api_param(call, "version"), NULL, 10);
  const bool off = api_body_flag(call, "off");
  struct script_row row;
  struct script_version_row v;
  enum status st = find(call, db, &row);
  if (st != OK) return st;
  st = script_version_get(db, row.tenant_id, row.id, number, &v, &call->err);
  if (st == ERR_NOTFOUND) return api_problemf(call, PROBLEM_not_found, "There is no version %lld of this script.", (long long)number);
  if (st != OK) return st;
  if (v.state != SCRIPT_PROVEN) st = api_problem(call, PROBLEM_not_proven, NULL);
  script_version_finish(&v);
  if (st == OK) st = bot_set_shadow(db, row.id, number, !off, &call->err);
  if (st == OK) st = api_audit(call, db, off ? "shadow.end" : "shadow.start", "str", row.id, NULL);
  // What is said of them is asked again on the loop, when they know.
  return st == OK ? api_json(call, 200, json_pack("{s:I, s:i, s:[]}", "version", (json_int_t)number, "bots", 0, "items")) : st;
}

static enum status changed(struct api_call *call) {
  struct script_row row;
  if (call->core->live) live_shadow_changed(call->core->live, api_param_id(call, "strategy_id"));
  enum status st = find(call, reader(call), &row);
  return st == OK ? summary(call, reader(call), row.id, strtoll(api_param(call, "version"), NULL, 10)) : st;
}

enum status api_version_shadow(struct api_call *call) { return api_write_then(call, write_shadow, changed); }

// ---- of one bot

enum status api_bot_shadow(struct api_call *call) {
  struct bot_row row;
  enum status st = bot_get(reader(call), call->who.tenant_id, api_param_id(call, "bot_id"), &row, &call->err);
  if (st != OK) return st;
  json_t *shadow = call->core->live ? live_shadow_json(call->core->live, row.id) : NULL;
  if (!shadow && row.shadow_version) shadow = json_pack("{s:I, s:s}", "version", (json_int_t)row.shadow_version, "state", "waiting");  // for its bot
  bot_row_finish(&row);
  return shadow ? api_json(call, 200, shadow) : api_problem(call, PROBLEM_not_found, "It has no shadow now.");
}

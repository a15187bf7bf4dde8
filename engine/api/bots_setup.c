// api/bots_setup.c – what a bot is set up as: its script's version, parameters against that version's header, pairs against the plan. The
// header was read in a jailed child when the script was uploaded and is kept as JSON: no customer's Lua runs here.
#include "api/bots.h"
#include "api/core.h"
#include "api/header_params.h"
#include "api/tier.h"
#include "bot/plan.h"
#include "script/spec.h"
#include "store/id.h"
#include "store/script_rows.h"
#include "store/store.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_SIZE (ID_TEXT_SIZE + SYMBOL_MAX + 1)

// ---- scripts: the tenant's own, else the installation's

static enum status version_of(struct api_call *call, struct db *db, const struct bot_row *row, struct script_version_row *ret) {
  enum status st = script_version_get(db, row->tenant_id, row->script_id, row->version, ret, &call->err);
  if (st == ERR_NOTFOUND) st = script_version_get(db, 0, row->script_id, row->version, ret, &call->err);
  if (st == ERR_NOTFOUND && row->version) return api_problemf(call, PROBLEM_not_found, "There is no version %lld of its script.", (long long)row->version);
  return st == ERR_NOTFOUND ? api_problem(call, PROBLEM_not_proven, "Its script has no active version.") : st;
}

enum status bots_version_now(struct api_call *call, struct db *db, const struct bot_row *row, int64_t *ret) {
  struct script_version_row version;
  enum status st = version_of(call, db, row, &version);
  if (st != OK) return st;
  *ret = version.version;
  script_version_finish(&version);
  return OK;
}

enum status bots_script(struct api_call *call, struct db *db, int64_t *ret_script_id) {
  const char *name = api_body_text(call, "strategy");
  struct script_row row;
  enum status st;
  if (name) {
    st = script_find(db, 0, "strategy", name, &row, &call->err);
    if (st == ERR_NOTFOUND) return api_invalid_at(call, "/strategy", "the installation has no strategy of this name");
  } else {
    const int64_t id = api_body_id(call, "strategy_id");
    if (!id) return api_invalid_at(call, "/strategy_id", "strategy_id or strategy must be given");
    st = script_get(db, call->who.tenant_id, id, &row, &call->err);
    if (st == ERR_NOTFOUND) st = script_get(db, 0, id, &row, &call->err);
    if (st == ERR_NOTFOUND || (st == OK && strcmp(row.kind, "strategy") != 0)) return api_invalid_at(call, "/strategy_id", "there is no such strategy");
  }
  if (st == OK) *ret_script_id = row.id;
  return st;
}

json_t *bots_preset(struct db *db, const char *strategy, const char *preset) {
  struct edition_row row;
  struct err err;
  if (edition_get(db, &row, &err) != OK) return NULL;
  json_t *list = json_loads(row.presets, 0, NULL), *found = NULL, *v;
  edition_row_finish(&row);
  size_t i;
  json_array_foreach(list, i, v) {
    const char *of = json_string_value(json_object_get(v, "strategy")), *name = json_string_value(json_object_get(v, "name"));
    if (of && name && strcmp(of, strategy) == 0 && strcmp(name, preset) == 0) found = json_incref(json_object_get(v, "params"));
  }
  json_decref(list);
  return found;
}

const char *bots_text(struct api_call *call, const json_t *tree) {
  char *text = json_dumps(tree, JSON_COMPACT | JSON_SORT_KEYS), *kept = text ? api_alloc(call, strlen(text) + 1) : NULL;
  if (kept) strcpy(kept, text);
  free(text);
  return kept;
}

// ---- parameters

static enum status params_fit(struct api_call *call, const json_t *header, const json_t *params, bool given, bool live_only) {
  struct schema_errors errors = {0};
  enum status st = header_params_check(header, params, live_only, &errors, &call->err);
  if (st != OK || !errors.count) return st;
  return api_invalid(call, PROBLEM_validation_failed, given ? NULL : "The bot's parameters do not fit this version of its script.", &errors);
}

// ---- pairs and the plan

static enum status pairs_fit(struct api_call *call, struct bot_row *row, const json_t *header, const json_t *params) {
  struct bot_plan *plan = malloc(sizeof *plan);
  int64_t timeframe_ns = 0;
  if (!plan) return err_set(&call->err, ERR_NOMEM, "out of memory");
  if (!timeframe_parse(row->timeframe, &timeframe_ns)) {
    free(plan);
    return api_invalid_at(call, "/timeframe", "must be a timeframe such as 5m, 1h, 1d");
  }
  enum status st = plan_make(header, params, row->symbol, timeframe_ns, plan, &call->err);
  json_t *pairs = st == OK ? json_array() : NULL;
  for (int i = 0; pairs && i < plan->symbol_count; i++) json_array_append_new(pairs, json_string(plan->symbols[i].name));
  const int count = st == OK ? plan->symbol_count : 0;
  free(plan);
  if (st == ERR_INVALID) {
    const char *colon = call->err.msg[0] == '/' ? strstr(call->err.msg, ": ") : NULL;
    char pointer[100];
    snprintf(pointer, sizeof pointer, "%.*s", colon ? (int)(colon - call->err.msg) : 0, call->err.msg);
    return api_invalid_at(call, pointer, colon ? colon + 2 : call->err.msg);
  }
  row->pairs = pairs ? bots_text(call, pairs) : NULL;
  json_decref(pairs);
  if (!row->pairs) return st == OK ? err_set(&call->err, ERR_NOMEM, "out of memory") : st;
  const int64_t most = call->entitlement ? call->entitlement->plan.limits[LIMIT_PAIRS_PER_BOT] : PLAN_UNLIMITED;
  if (most != PLAN_UNLIMITED && count > most)
    return api_problemf(call, PROBLEM_tier_limit, "The plan allows %lld pairs of one bot; this one has %d.", (long long)most, count);
  return OK;
}

enum status bots_fit(struct api_call *call, struct db *db, struct bot_row *row, const json_t *params, const json_t *given, bool live_only) {
  struct script_version_row version;
  if (given && json_object_size(given) && call->entitlement && !plan_has(&call->entitlement->plan, RIGHT_CUSTOM_PARAMETERS))
    return api_problem(call, PROBLEM_tier_forbids, "The plan does not include parameters of one's own; a preset's may be taken.");
  enum status st = version_of(call, db, row, &version);
  if (st != OK) return st;
  json_t *header = version.header ? json_loads(version.header, 0, NULL) : NULL;
  const bool proven = version.state == SCRIPT_PROVEN && header;
  script_version_finish(&version);
  if (!proven) {
    json_decref(header);
    return api_problem(call, PROBLEM_not_proven, "Only a proven version can run.");
  }
  st = given ? params_fit(call, header, given, true, live_only) : OK;
  if (st == OK) st = params_fit(call, header, params, given != NULL, false);
  if (st == OK) st = pairs_fit(call, row, header, params);
  json_decref(header);
  if (st != OK) return st;
  row->params = bots_text(call, params);
  return row->params ? OK : err_set(&call->err, ERR_NOMEM, "out of memory");
}

// ---- another version for all that follow the script

struct followers {
  struct script_spec *spec;
  struct param_value *values;
  int faults;
  char first[400];
};

static bool follower_fits(void *arg, const struct bot_row *row) {
  struct followers *f = arg;
  struct err err;
  char id[ID_TEXT_SIZE];
  if (row->version || strcmp(row->wanted, "stopped") == 0) return true;
  json_t *params = json_loads(row->params, 0, NULL);
  if (params_set_json(f->spec, "", params, f->values, &err) != OK && f->faults++ == 0) {
    id_format("bot", row->id, id);
    snprintf(f->first, sizeof f->first, "%s (%.60s): %.250s", id, row->name, err.msg);
  }
  json_decref(params);
  return true;
}

enum status bots_followers_fit(struct api_call *call, struct db *db, const struct script_row *script, const char *header) {
  json_t *tree = header ? json_loads(header, 0, NULL) : NULL;
  struct followers f = {.spec = header_params(tree), .values = calloc(SPEC_PARAMS_MAX, sizeof *f.values)};
  const struct bot_filter of_script = {.tenant_id = script->tenant_id, .script_id = script->id};
  enum status st = f.spec && f.values ? bot_list(db, &of_script, INT64_MAX, INT_MAX, follower_fits, &f, &call->err) : err_set(&call->err, ERR_NOMEM, "out of memory");
  json_decref(tree);
  free(f.spec);
  free(f.values);
  if (st != OK || !f.faults) return st;
  return api_problemf(call, PROBLEM_conflict, "The parameters of %d started bots that follow this strategy do not fit the version. The first, %s", f.faults, f.first);
}

bool bots_may_start(struct api_call *call, const struct bot_row *row) {
  if (call->who.kind == WHO_OPERATOR) return true;
  if (!api_entitlement(call)) return false;
  if (row && strcmp(row->wanted, "stopped") != 0) return true;  // it has its places
  return api_may(call, ACTION_BOT_START) && api_may(call, ACTION_PAIR_ADD);
}

static void pair_key(char key[KEY_SIZE], int64_t bot_id, const char *symbol) {
  id_format("bot", bot_id, key);
  const size_t n = strlen(key);
  snprintf(key + n, KEY_SIZE - n, "/%s", symbol);
}

// On paper nothing of it is real; entries wait for a plan that has them (live_grant).
static enum status money_fits(struct api_call *call, const struct account_row *account) {
  if (!call->entitlement || strcmp(account->venue, ACCOUNT_PAPER) == 0) return OK;
  const struct plan *plan = &call->entitlement->plan;
  json_t *settings = json_loads(account->settings, 0, NULL);
  const char *environment = json_string_value(json_object_get(settings, "environment"));
  const bool real = environment && strcmp(environment, "live") == 0, may = plan_has(plan, RIGHT_LIVE) || (!real && plan_has(plan, RIGHT_TESTNET));
  json_decref(settings);
  if (may) return OK;
  return api_problem(call, PROBLEM_tier_forbids, real ? "The plan does not include trading with real money." : "The plan does not include trading on test networks.");
}

enum status bots_hold(struct api_call *call, struct db *db, const struct bot_row *row) {
  char key[KEY_SIZE];
  struct account_row account;
  enum status st = account_get(db, row->tenant_id, row->account_id, &account, &call->err);
  if (st == OK) st = money_fits(call, &account);
  id_format("bot", row->id, key);
  if (st == OK) st = api_take(call, db, ACTION_BOT_START, key);
  json_t *pairs = json_loads(row->pairs, 0, NULL), *v;
  size_t i;
  json_array_foreach(pairs, i, v) {
    pair_key(key, row->id, json_string_value(v));
    if (st == OK) st = api_take(call, db, ACTION_PAIR_ADD, key);
  }
  json_decref(pairs);
  return st;
}

enum status bots_let_go(struct db *db, const struct bot_row *row, struct err *err) {
  char key[KEY_SIZE];
  id_format("bot", row->id, key);
  enum status st = usage_release_action(db, row->tenant_id, ACTION_BOT_START, key, err);
  json_t *pairs = json_loads(row->pairs, 0, NULL), *v;
  size_t i;
  json_array_foreach(pairs, i, v) {
    pair_key(key, row->id, json_string_value(v));
    if (st == OK) st = usage_release_action(db, row->tenant_id, ACTION_PAIR_ADD, key, err);
  }
  json_decref(pairs);
  return st;
}

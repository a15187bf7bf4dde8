// api/me_export.c – GET /me/export: what is stored about a person and in their own tenant, so that nothing that erasing the account
// takes away is lost without a copy. Secrets stay out: who holds them wrote them down.
#include "api/bots.h"
#include "api/core.h"
#include "api/handlers.h"
#include "api/me.h"
#include "api/notices.h"
#include "api/scripts.h"
#include "store/audit_rows.h"
#include "store/backtest_rows.h"
#include "store/org_rows.h"
#include "store/store.h"
#include "store/vault_rows.h"
#include "tenant/entitlement.h"
#include "tenant/registry.h"
#include "tenant/usage.h"

#include <limits.h>
#include <stdlib.h>

struct exported {
  struct api_call *call;
  struct db *db;
  int64_t tenant_id;  // the person's own
  json_t *items;
  enum status status;
};

static bool add_audit(void *arg, const struct audit_row *row, const char *address) {
  json_array_append_new(arg, json_pack("{s:s, s:s, s:s, s:o}", "action", row->action, "object", row->object, "address", address, "at_ms", api_ms(row->at_ns)));
  return true;
}

static bool add_org(void *arg, const struct tenant_row *row, int role) {
  json_array_append_new(arg, json_pack("{s:o, s:s, s:s}", "id", api_id("org", row->id), "name", row->name, "role", member_role_text((enum member_role)role)));
  return true;
}

static void add_strategy(void *arg, const struct script_row *row) {
  struct exported *e = arg;
  json_t *strategy = script_json(row, false), *versions = json_array();
  for (int64_t n = 1; e->status == OK && n <= row->latest_version; n++) {
    struct script_version_row version;
    e->status = script_version_get(e->db, e->tenant_id, row->id, n, &version, &e->call->err);
    if (e->status != OK) break;
    json_array_append_new(versions, script_version_tree(&version, true));
    script_version_finish(&version);
  }
  json_object_set_new(strategy, "versions", versions);
  json_array_append_new(e->items, strategy);
}

// Without its result, which is a function of the rest.
static void add_backtest(void *arg, const struct backtest_row *row) {
  json_array_append_new(((struct exported *)arg)->items,
                        json_pack("{s:o, s:o, s:I, s:s, s:o, s:o, s:o}", "id", api_id(row->kind == BACKTEST_SEARCH ? "opt" : "bkt", row->id), "strategy_id", api_id("str", row->strategy_id), "version",
                                  (json_int_t)row->version, "state", backtest_state_text(row->state), "created_at_ms", api_ms(row->created_ns), "finished_at_ms",
                                  api_ms(row->finished_ns), "request", json_loads(row->request, 0, NULL)));
}

// As it is shown: what is secret in an address stays out.
static bool add_channel(void *arg, const struct channel_row *row) {
  json_array_append_new(((struct exported *)arg)->items, json_pack("{s:o, s:s, s:s, s:s, s:s, s:o}", "id", api_id("chn", row->id), "kind", row->kind, "name", row->name, "address", row->shown, "state", row->state, "created_at_ms", api_ms(row->created_ns)));
  return true;
}

static bool add_account(void *arg, const struct account_row *row) {
  json_array_append_new(((struct exported *)arg)->items,
                        json_pack("{s:o, s:s, s:s, s:o, s:o}", "id", api_id("acc", row->id), "venue", row->venue, "name", row->name, "settings", json_loads(row->settings, 0, NULL),
                                  "created_at_ms", api_ms(row->created_ns)));
  return true;
}

static bool add_bot(void *arg, const struct bot_row *row) {
  const struct exported *e = arg;
  json_array_append_new(e->items, bots_json(e->call, e->db, row, false));
  return true;
}

static json_t *list_in(json_t *all, const char *name) {
  json_t *list = json_array();
  json_object_set_new(all, name, list);
  return list;
}

static enum status add_person(struct api_call *call, struct db *db, const struct user_row *row, json_t *all) {
  struct api_list sessions = {.call = call, .items = list_in(all, "sessions"), .limit = INT_MAX}, keys = {.call = call, .items = list_in(all, "api_keys"), .limit = INT_MAX};
  json_object_set_new(all, "me", me_json(row));
  enum status st = session_list(db, row->id, INT64_MAX, 10000, call->now_ns, me_add_session, &sessions, &call->err);
  if (st == OK) st = key_list(db, row->id, INT64_MAX, 10000, me_add_key, &keys, &call->err);
  if (st == OK) st = org_list(db, row->id, 0, 10000, add_org, list_in(all, "organisations"), &call->err);
  return st == OK ? audit_of_user(db, row->id, add_audit, list_in(all, "audit"), &call->err) : st;
}

static enum status add_tenant(struct api_call *call, struct db *db, int64_t tenant_id, json_t *all) {
  struct exported strategies = {call, db, tenant_id, list_in(all, "strategies"), OK}, backtests = {call, db, tenant_id, list_in(all, "backtests"), OK},
                  optimizations = {call, db, tenant_id, list_in(all, "optimizations"), OK},
                  accounts = {call, db, tenant_id, list_in(all, "accounts"), OK}, channels = {call, db, tenant_id, list_in(all, "channels"), OK}, bots = {call, db, tenant_id, list_in(all, "bots"), OK};
  enum status st = script_list(db, tenant_id, "strategy", 0, INT_MAX, add_strategy, &strategies, &call->err);
  if (st == OK) st = strategies.status;
  if (st == OK) st = backtest_list(db, tenant_id, BACKTEST_ONE, 0, INT64_MAX, INT_MAX, add_backtest, &backtests, &call->err);
  if (st == OK) st = backtest_list(db, tenant_id, BACKTEST_SEARCH, 0, INT64_MAX, INT_MAX, add_backtest, &optimizations, &call->err);
  if (st == OK) st = account_list(db, tenant_id, INT64_MAX, INT_MAX, add_account, &accounts, &call->err);
  if (st == OK) st = channel_list(db, tenant_id, INT64_MAX, INT_MAX, add_channel, &channels, &call->err);
  return st == OK ? bot_list(db, &(struct bot_filter){.tenant_id = tenant_id}, INT64_MAX, INT_MAX, add_bot, &bots, &call->err) : st;
}

static enum status add_plan(struct api_call *call, struct db *db, int64_t tenant_id, json_t *all) {
  json_t *used = NULL;
  struct entitlement *e = api_alloc(call, sizeof *e);
  if (!e) return err_set(&call->err, ERR_NOMEM, "out of memory");
  enum status st = entitlement_load(db, registry_plans(call->core->registry), tenant_id, call->now_ns, e, &call->err);
  if (st == OK) st = usage_json(call->core->usage, db, e, tenant_id, call->now_ns, &used, &call->err);
  if (st != OK) return st;
  json_object_set_new(all, "subscription", entitlement_json(e));
  json_object_set_new(all, "usage", used);
  return OK;
}

enum status api_me_export(struct api_call *call) {
  struct db *db = store_reader(api_store(call), STORE_CONTROL);
  struct user_row row;
  if (call->who.user_id == 0) return api_problem(call, PROBLEM_not_found, NULL);
  enum status st = user_get(db, call->who.user_id, &row, &call->err);
  if (st != OK) return st;
  json_t *all = json_object();
  st = add_person(call, db, &row, all);
  if (st == OK) st = add_tenant(call, db, row.tenant_id, all);
  if (st == OK) st = add_plan(call, db, row.tenant_id, all);
  if (st == OK) return api_json(call, 200, all);
  json_decref(all);
  return st;
}

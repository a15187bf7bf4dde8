// api/unknown_orders.c – what became of these? Orders of accounts at venues whose outcome nobody has proven, for operators; and how an
// account's session does, for its owner.
#include "api/core.h"
#include "api/handlers.h"
#include "bot/live.h"
#include "store/id.h"
#include "store/store.h"
#include "store/vault_rows.h"

#include <stdlib.h>
#include <string.h>

enum status api_account_connection(struct api_call *call) {
  struct account_row row;
  const enum status st = account_get(store_reader(api_store(call), STORE_CONTROL), call->who.tenant_id, api_param_id(call, "account_id"), &row, &call->err);
  if (st != OK) return st;
  json_t *c = call->core->live ? live_venue_json(call->core->live, row.id) : NULL;
  return c ? api_json(call, 200, c) : api_problem(call, PROBLEM_unavailable, "No bot that runs uses this account's venue; POST /accounts/{account_id}/test asks it.");
}

static void named(json_t *o, const char *key, const char *kind) {
  json_object_set_new(o, key, api_id(kind, json_integer_value(json_object_get(o, key))));
}

enum status api_admin_unknown_list(struct api_call *call) {
  if (!call->core->live) return api_problem(call, PROBLEM_unavailable, "No bots run in this process.");
  json_t *all = live_unknown_json(call->core->live), *o;
  size_t i;
  if (!all) return err_set(&call->err, ERR_NOMEM, "out of memory");
  json_array_foreach(all, i, o) named(o, "bot_id", "bot"), named(o, "tenant_id", "org"), named(o, "account_id", "acc");
  return api_json(call, 200, json_pack("{s:o}", "items", all));
}

static enum status audit_it(struct api_call *call, struct db *db) {
  char detail[96];
  snprintf(detail, sizeof detail, "{\"order\":%lld,\"decision\":\"%s\"}", (long long)json_integer_value(json_object_get(call->body, "order")), api_body_text(call, "decision"));
  return api_audit(call, db, "order.decide", "bot", api_param_id(call, "bot_id"), detail);
}

static enum status decided(struct api_call *call) {
  const enum live_decision d = strcmp(api_body_text(call, "decision"), "ask") == 0 ? LIVE_DECISION_ASK : LIVE_DECISION_DEAD;
  const uint64_t order = (uint64_t)json_integer_value(json_object_get(call->body, "order"));
  const enum status st = live_unknown_decide(call->core->live, api_param_id(call, "bot_id"), order, d, &call->err);
  if (st == ERR_NOTFOUND) return api_problemf(call, PROBLEM_not_found, "%s", call->err.msg);
  if (st == ERR_EXISTS) return api_problemf(call, PROBLEM_conflict, "%s", call->err.msg);
  return st == OK ? api_json(call, 204, NULL) : st;
}

enum status api_admin_unknown_decide(struct api_call *call) {
  if (!call->core->live) return api_problem(call, PROBLEM_unavailable, "No bots run in this process.");
  return api_write_then(call, audit_it, decided);
}

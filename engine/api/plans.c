// api/plans.c – plans of the edition in force, the tenant's subscription, and what it has used.
#include "api/core.h"
#include "api/handlers.h"
#include "api/list.h"
#include "api/tier.h"
#include "bot/live.h"
#include "store/id.h"
#include "store/store.h"
#include "tenant/registry.h"

#include <stdlib.h>

enum status api_plans_list(struct api_call *call) {
  const struct plan_set *set = registry_plans(call->core->registry);
  struct api_list l;
  if (!api_list_begin(call, &l, API_LIST_OLDEST)) return OK;
  for (int i = (int)l.at; i >= 0 && i < set->plan_count && api_list_room(&l, i + 1); i++) json_array_append_new(l.items, plan_json(set, &set->plans[i]));
  enum status st = api_list_end(&l, OK);
  if (st != OK) return st;
  json_t *addons = json_array();
  for (int i = 0; i < set->addon_count; i++) json_array_append_new(addons, addon_json(set, &set->addons[i]));
  json_object_set_new(call->out, "addons", addons);
  return OK;
}

static enum status answer_subscription(struct api_call *call) {
  call->entitlement = NULL;  // as of now, after a change
  const struct entitlement *e = api_entitlement(call);
  return e ? api_json(call, 200, entitlement_json(e)) : call->err.code;
}

enum status api_subscription_get(struct api_call *call) { return answer_subscription(call); }

static struct plan_change change_of(const struct api_call *call) {
  return (struct plan_change){.tenant_id = call->who.tenant_id, .actor_id = call->who.user_id, .now_ns = call->now_ns, .event_id = id_next(call->now_ns)};
}

static enum status upgrade(struct api_call *call, struct db *db) {
  const struct plan_change change = change_of(call);
  json_t *wanted = json_object_get(call->body, "addons");
  char *addons = wanted ? json_dumps(wanted, JSON_COMPACT) : NULL;
  if (wanted && !addons) return err_set(&call->err, ERR_NOMEM, "out of memory");
  const bool known = plan_find(snapshot_plans(call->snapshot), api_body_text(call, "plan")) >= 0;
  enum status st = subscription_change(db, snapshot_plans(call->snapshot), &change, api_body_text(call, "plan"), addons, &call->err);
  free(addons);
  if (st == ERR_NOTFOUND || st == ERR_INVALID) return api_invalid_at(call, known ? "/addons" : "/plan", call->err.msg);
  if (st == ERR_CANCELLED) return api_problem(call, PROBLEM_conflict, call->err.msg);
  return st == OK ? api_audit(call, db, "plan.change", NULL, 0, NULL) : st;
}
static enum status changed(struct api_call *call) {
  usage_forget(call->core->usage, call->who.tenant_id);
  if (call->core->live) live_tenant_changed(call->core->live, call->who.tenant_id);
  return answer_subscription(call);
}
enum status api_subscription_upgrade(struct api_call *call) {
  return api_entitlement(call) ? api_write_then(call, upgrade, changed) : call->err.code;
}

static enum status cancel(struct api_call *call, struct db *db) {
  const struct plan_change change = change_of(call);
  enum status st = subscription_cancel(db, &change, &call->err);
  if (st == ERR_NOTFOUND) return api_problem(call, PROBLEM_conflict, "There is no subscription to cancel.");
  return st == OK ? api_audit(call, db, "plan.cancel", NULL, 0, NULL) : st;
}
enum status api_subscription_cancel(struct api_call *call) { return api_write_then(call, cancel, changed); }

enum status api_usage_get(struct api_call *call) {
  const struct entitlement *e = api_entitlement(call);
  json_t *tree = NULL;
  if (!e) return call->err.code;
  enum status st = usage_json(call->core->usage, store_reader(api_store(call), STORE_CONTROL), e, call->who.tenant_id, call->now_ns, &tree, &call->err);
  return st == OK ? api_json(call, 200, tree) : st;
}

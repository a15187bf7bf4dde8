// api/admin_desk.c – for who runs the business: tenants with what they use of their plans, revenue, and which version of a script was active when.
#include "api/core.h"
#include "api/handlers.h"
#include "api/list.h"
#include "api/tier.h"
#include "market/instrument.h"
#include "store/desk_rows.h"
#include "store/script_rows.h"
#include "store/store.h"
#include "store/user_rows.h"
#include "tenant/registry.h"
#include "tenant/revenue.h"
#include "tenant/usage.h"

#include <string.h>

#define TENANTS_PAGE_MAX 50  // each asks for its plan and a dozen meters, on the loop

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

// ---- tenants

static bool add_tenant(void *arg, const struct desk_tenant *row) {
  struct api_list *l = arg;
  struct api_call *call = l->call;
  const int64_t id = row->tenant.id;
  if (!api_list_room(l, id)) return false;
  struct entitlement e;
  json_t *used = NULL;
  enum status st = entitlement_load(reader(call), registry_plans(call->core->registry), id, call->now_ns, &e, &call->err);
  if (st == OK) st = usage_json(call->core->usage, reader(call), &e, id, call->now_ns, &used, &call->err);
  json_array_append_new(l->items, json_pack("{s:o, s:b, s:s, s:s, s:o, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "id", api_id("org", id), "personal", row->tenant.personal, "name",
                                            row->tenant.name, "email", row->email, "user_id", api_id("usr", row->user_id), "members", (json_int_t)row->members, "bots",
                                            (json_int_t)row->bots, "bots_started", (json_int_t)row->started, "accounts", (json_int_t)row->accounts, "created_at_ms",
                                            api_ms(row->tenant.created_ns), "subscription", st == OK ? entitlement_json(&e) : json_null(), "usage", used ? used : json_null()));
  return true;
}

enum status api_admin_tenants_list(struct api_call *call) {
  struct api_list l;
  if (!api_list_begin(call, &l, API_LIST_NEWEST)) return OK;
  if (l.limit > TENANTS_PAGE_MAX) l.limit = TENANTS_PAGE_MAX;
  const char *q = api_query_text(call, "q");
  return api_list_end(&l, desk_tenants(reader(call), q && *q ? q : NULL, l.at, l.limit + 1, add_tenant, &l, &call->err));
}

// ---- activations of a script of the installation

static bool add_activation(void *arg, const struct desk_activation *row) {
  struct api_list *l = arg;
  struct user_row user;
  struct err err;
  if (!api_list_room(l, row->revision)) return false;
  const bool known = row->actor_id && user_get(reader(l->call), row->actor_id, &user, &err) == OK;
  json_array_append_new(l->items, json_pack("{s:I, s:I, s:o, s:o, s:o, s:o}", "revision", (json_int_t)row->revision, "version", (json_int_t)row->version, "previous",
                                            row->previous ? json_integer(row->previous) : json_null(), "actor_id", api_id("usr", row->actor_id), "actor",
                                            known && user.email[0] ? json_string(user.email) : json_null(), "at_ms", api_ms(row->at_ns)));
  return true;
}

enum status api_admin_activations_list(struct api_call *call) {
  struct script_row row;
  enum status st = script_get(reader(call), 0, api_param_id(call, "script_id"), &row, &call->err);
  struct api_list l;
  if (st != OK || !api_list_begin(call, &l, API_LIST_NEWEST)) return st;
  return api_list_end(&l, desk_activations(reader(call), row.id, l.at, l.limit + 1, add_activation, &l, &call->err));
}

// ---- revenue: it reads all subscriptions, so in the pool

struct business {
  struct revenue revenue;
  enum status status;
};

static void load(struct api_call *call) {
  struct business *b = call->state;
  struct db *db;
  b->status = store_reader_open(api_store(call), STORE_CONTROL, &db, &call->err);
  if (b->status != OK) return;
  b->status = revenue_load(db, snapshot_plans(call->snapshot), call->now_ns, &b->revenue, &call->err);
  store_reader_close(db);
}

static json_t *money(int64_t e8) {
  char text[DECIMAL_TEXT_MAX];
  return json_string(cash_text((cash){e8}, text));
}

static json_t *plans_json(const struct plan_set *set, const struct revenue *r) {
  json_t *plans = json_array();
  for (int i = 0; i < set->plan_count; i++) {
    const struct revenue_plan *p = &r->plans[i];
    json_array_append_new(plans, json_pack("{s:s, s:s, s:o, s:I, s:I, s:I, s:I, s:o}", "plan", set->plans[i].id, "name", set->plans[i].name, "monthly_price",
                                           money(set->plans[i].month_e8), "active", (json_int_t)p->active, "past_due", (json_int_t)p->past_due, "leaving", (json_int_t)p->leaving,
                                           "granted", (json_int_t)p->granted, "mrr", money(p->mrr_e8)));
  }
  return plans;
}

static json_t *addons_json(const struct plan_set *set, const struct revenue *r) {
  json_t *addons = json_array();
  for (int i = 0; i < set->addon_count; i++)
    json_array_append_new(addons, json_pack("{s:s, s:s, s:o, s:I, s:o}", "addon", set->addons[i].id, "name", set->addons[i].name, "monthly_price", money(set->addons[i].month_e8),
                                            "count", (json_int_t)r->addons[i], "mrr", money(r->addons_mrr_e8[i])));
  return addons;
}

static enum status told(struct api_call *call) {
  const struct business *b = call->state;
  const struct revenue *r = &b->revenue;
  const struct plan_set *set = snapshot_plans(call->snapshot);
  int64_t year_e8;
  if (b->status != OK) return b->status;
  if (!narrow_checked((int128)r->mrr_e8 * 12, &year_e8)) return err_set(&call->err, ERR_LIMIT, "a year's revenue does not fit");
  json_t *churn = json_pack("{s:o, s:I, s:I, s:I, s:o}", "from_ms", api_ms(call->now_ns - REVENUE_WINDOW_NS), "paying_then", (json_int_t)r->before, "lost", (json_int_t)r->lost,
                            "joined", (json_int_t)r->joined, "rate_pct", r->before ? json_real(100.0 * (double)r->lost / (double)r->before) : json_null());
  return api_json(call, 200, json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "edition", set->edition, "currency", set->currency,
                                       "at_ms", api_ms(call->now_ns), "mrr", money(r->mrr_e8), "arr", money(year_e8), "leaving_mrr", money(r->leaving_mrr_e8), "arpu",
                                       r->paying ? money(r->arpu_e8) : json_null(), "ltv", r->lost && r->before ? money(r->ltv_e8) : json_null(), "tenants", (json_int_t)r->tenants,
                                       "paying", (json_int_t)r->paying, "past_due", (json_int_t)r->past_due, "leaving", (json_int_t)r->leaving, "unpriced",
                                       (json_int_t)r->unpriced, "exceptions", (json_int_t)r->exceptions, "churn", churn, "plans", plans_json(set, r), "addons", addons_json(set, r)));
}

enum status api_admin_business_get(struct api_call *call) {
  plans_hold(call);
  if (!(call->state = api_alloc(call, sizeof(struct business)))) return err_set(&call->err, ERR_NOMEM, "out of memory");
  return api_work(call, load, told);
}

// api/rule_sets.c – rule sets (risk/rule_set.h) as rows that owners and operators put, and as they stand over an account. A name means the
// tenant's own set, else the installation's, else one that ships with the program.
#include "api/bots.h"
#include "api/core.h"
#include "api/handlers.h"
#include "base/decimal.h"
#include "market/instrument.h"
#include "risk/rule_set.h"
#include "store/risk_rows.h"
#include "store/id.h"
#include "store/store.h"
#include "tenant/shipped.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETS_MAX 100  // of a tenant
#define SOME_BALANCE ((cash){INT64_C(100000) * CASH_ONE})  // for sets that leave it to the account

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

static const struct shipped *shipped_find(const char *name) {
  for (const struct shipped *s = shipped_rule_sets; s->name; s++)
    if (strcmp(s->name, name) == 0) return s;
  return NULL;
}

char *rule_set_text(struct db *db, int64_t tenant_id, const char *name) {
  struct rule_set_row row;
  struct err err;
  enum status st = rule_set_find(db, tenant_id, name, &row, &err);
  if (st == ERR_NOTFOUND && tenant_id) st = rule_set_find(db, 0, name, &row, &err);
  if (st == OK) return row.texts;  // the caller's now
  const struct shipped *s = st == ERR_NOTFOUND ? shipped_find(name) : NULL;
  return s ? strndup(s->source, s->len) : NULL;
}

// ---- refusing

// "line 1:7: day: soft_pct: a percentage … is required" → "/rules/day/soft_pct": the words of one key each.
static enum status refuse_rules(struct api_call *call, const char *root) {
  const char *p = strncmp(call->err.msg, "line ", 5) == 0 && strstr(call->err.msg, ": ") ? strstr(call->err.msg, ": ") + 2 : call->err.msg;
  char pointer[160];
  size_t n = (size_t)snprintf(pointer, sizeof pointer, "%s", root);
  for (const char *colon; (colon = strstr(p, ": ")) && strcspn(p, " ") > (size_t)(colon - p) && n + (size_t)(colon - p) + 2 < sizeof pointer; p = colon + 2)
    n += (size_t)snprintf(pointer + n, sizeof pointer - n, "/%.*s", (int)(colon - p), p);
  return api_invalid_at(call, pointer, p);
}

enum status risk_settings_fit(struct api_call *call, struct db *db, int64_t tenant_id, const json_t *settings) {
  enum status st = bots_settings(call, NULL, settings);
  const char *name = json_string_value(json_object_get(settings, "rules")), *balance = json_string_value(json_object_get(settings, "balance"));
  cash initial = {10000 * CASH_ONE};
  if (st != OK || !name || !name[0]) return st;
  if (balance && !decimal_parse_scaled(balance, strlen(balance), 8, &initial.e8)) initial.e8 = 10000 * CASH_ONE;
  char *text = rule_set_text(db, tenant_id, name);
  struct rule_set *set;
  if (!text) return api_invalid_at(call, "/settings/rules", "there is no rule set of this name: GET /risk/rule-sets lists them");
  st = rule_set_parse_of(text, strlen(text), initial, &set, &call->err);
  free(text);
  if (st == ERR_INVALID) return api_invalid_at(call, "/settings/rules", call->err.msg);
  if (st == OK) rule_set_destroy(set);
  return st;
}

// ---- showing

static json_t *set_json(const char *name, const char *owner, const char *text, size_t len, int64_t revision) {
  json_t *rules = json_loadb(text, len, 0, NULL);
  return json_pack("{s:s, s:s, s:o, s:I}", "name", name, "owner", owner, "rules", rules ? rules : json_object(), "revision", (json_int_t)revision);
}

static const char *owner_of(int64_t tenant_id) { return tenant_id ? "tenant" : "installation"; }

static bool add_set(void *arg, const struct rule_set_row *row) {
  json_array_append_new(arg, set_json(row->name, owner_of(row->tenant_id), row->body, strlen(row->body), row->revision));
  return true;
}

enum status api_rule_sets_list(struct api_call *call) {
  json_t *items = json_array();
  enum status st = call->who.tenant_id ? rule_set_list(reader(call), call->who.tenant_id, INT64_MAX, SETS_MAX, add_set, items, &call->err) : OK;
  if (st == OK) st = rule_set_list(reader(call), 0, INT64_MAX, SETS_MAX, add_set, items, &call->err);
  for (const struct shipped *s = shipped_rule_sets; st == OK && s->name; s++) json_array_append_new(items, set_json(s->name, "shipped", s->source, s->len, 0));
  if (st == OK) return api_json(call, 200, json_pack("{s:o}", "items", items));
  json_decref(items);
  return st;
}

static enum status answer_row(struct api_call *call, const struct rule_set_row *row, int status) {
  char tag[ETAG_TEXT_SIZE];
  etag_format(row->revision, tag);
  api_field(call, "ETag", "%s", tag);
  return api_json(call, status, set_json(row->name, owner_of(row->tenant_id), row->body, strlen(row->body), row->revision));
}

enum status api_rule_set_get(struct api_call *call) {
  const char *name = api_param(call, "rule_set");
  struct rule_set_row row;
  enum status st = rule_set_find(reader(call), call->who.tenant_id, name, &row, &call->err);
  if (st == ERR_NOTFOUND && call->who.tenant_id) st = rule_set_find(reader(call), 0, name, &row, &call->err);
  const struct shipped *s = st == ERR_NOTFOUND ? shipped_find(name) : NULL;
  if (s) return api_json(call, 200, set_json(s->name, "shipped", s->source, s->len, 0));
  if (st != OK) return st;
  st = answer_row(call, &row, 200);
  rule_set_row_finish(&row);
  return st;
}

// ---- putting

static enum status check(struct api_call *call, const char *text) {
  struct rule_set *set;
  const enum status st = rule_set_parse_of(text, strlen(text), SOME_BALANCE, &set, &call->err);
  if (st == ERR_INVALID) return refuse_rules(call, "/rules");
  if (st == OK) rule_set_destroy(set);
  return st;
}

static bool count_set(void *arg, const struct rule_set_row *row) { return (void)row, ++*(int *)arg, true; }

static enum status insert(struct api_call *call, struct db *db, struct rule_set_row *row) {
  int count = 0;
  enum status st = rule_set_list(db, row->tenant_id, INT64_MAX, SETS_MAX, count_set, &count, &call->err);
  if (st == OK && count >= SETS_MAX) return api_problemf(call, PROBLEM_conflict, "There are %d rule sets already; delete some first.", SETS_MAX);
  row->id = id_next(call->now_ns);
  row->created_ns = call->now_ns;
  row->revision = 1;
  return st == OK ? rule_set_insert(db, row, &call->err) : st;
}

static enum status put_for(struct api_call *call, struct db *db, int64_t tenant_id) {
  struct rule_set_row row = {.tenant_id = tenant_id, .updated_ns = call->now_ns}, before;
  snprintf(row.name, sizeof row.name, "%s", api_param(call, "rule_set"));
  row.body = bots_text(call, json_object_get(call->body, "rules"));
  if (!row.body) return err_set(&call->err, ERR_NOMEM, "out of memory");
  if (strlen(row.body) > RULE_SET_BODY_MAX) return api_invalid_at(call, "/rules", "is too long");
  enum status st = check(call, row.body);
  if (st != OK) return st;
  st = rule_set_find(db, tenant_id, row.name, &before, &call->err);
  json_t *was = st == OK ? json_loads(before.body, 0, NULL) : json_object();
  char *detail = risk_difference(was, json_object_get(call->body, "rules"));
  json_decref(was);
  if (st == OK) {
    row.id = before.id, row.revision = before.revision + 1;
    if (!api_if_match(call, before.revision)) st = ERR_CANCELLED;
    rule_set_row_finish(&before);
    if (st == OK) st = rule_set_update(db, &row, &call->err);
  } else if (st == ERR_NOTFOUND) {
    st = insert(call, db, &row);
  }
  if (st == OK) st = api_audit(call, db, "risk.rules", "rul", row.id, detail);
  free(detail);
  return st == OK ? answer_row(call, &row, 200) : st;
}

static enum status delete_for(struct api_call *call, struct db *db, int64_t tenant_id) {
  struct rule_set_row row;
  enum status st = rule_set_find(db, tenant_id, api_param(call, "rule_set"), &row, &call->err);
  if (st != OK) return st;
  st = rule_set_delete(db, tenant_id, row.id, call->now_ns, &call->err);
  if (st == OK) st = api_audit(call, db, "risk.rules.delete", "rul", row.id, NULL);
  rule_set_row_finish(&row);
  return st == OK ? api_json(call, 204, NULL) : st;
}

static enum status put_own(struct api_call *call, struct db *db) { return put_for(call, db, call->who.tenant_id); }
static enum status put_all(struct api_call *call, struct db *db) { return put_for(call, db, 0); }
static enum status delete_own(struct api_call *call, struct db *db) { return delete_for(call, db, call->who.tenant_id); }
static enum status delete_all(struct api_call *call, struct db *db) { return delete_for(call, db, 0); }
// A set that is gone goes on over accounts that have it, until the service starts again: nobody loses a rule by another's mistake.
static enum status changed_own(struct api_call *call) {
  if (call->core->live) live_rule_set_changed(call->core->live, call->who.tenant_id, api_param(call, "rule_set"));
  return OK;
}
static enum status changed_all(struct api_call *call) {
  if (call->core->live) live_rule_set_changed(call->core->live, 0, api_param(call, "rule_set"));
  return OK;
}
enum status api_rule_set_put(struct api_call *call) { return api_write_then(call, put_own, changed_own); }
enum status api_rule_set_delete(struct api_call *call) { return api_write(call, delete_own); }
enum status api_admin_rule_set_put(struct api_call *call) { return api_write_then(call, put_all, changed_all); }
enum status api_admin_rule_set_delete(struct api_call *call) { return api_write(call, delete_all); }

// ---- over an account

static json_t *money(int64_t e8) {
  char text[DECIMAL_TEXT_MAX];
  return e8 == INT64_MIN ? json_null() : json_string(cash_text((cash){e8}, text));
}

static json_t *level(const struct rule_state *s, int64_t reference, int64_t floor, int64_t soft) {
  if (floor == INT64_MIN) return json_null();
  return json_pack("{s:o, s:o, s:o, s:o, s:o}", "reference", money(reference), "floor", money(floor), "soft_floor", money(soft), "room", money(s->equity_e8 - floor), "soft_room",
                   money(s->equity_e8 - soft));
}

static json_t *rules_json(const char *name, const struct rule_state *s) {
  const struct rule_result r = rule_standing(s);
  char text[REFUSAL_TEXT_SIZE];
  int64_t share;
  const char *state = s->failed ? "failed" : s->stopped ? "stopped" : s->day_done ? "day_done" : "open";
  json_t *v = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:s, s:s}", "rules", name, "title", s->rules->name, "state", state, "text",
                        r.action == RULE_GO_ON ? "entries are allowed" : refusal_text(&r.why, NULL, text), "initial", money(s->rules->initial.e8), "balance", money(s->balance_e8), "equity",
                        money(s->equity_e8), "next_reset_ms", json_integer(s->next_reset_ns / 1000000), "basis", rule_basis_text(s->rules->day_basis), "trail", rule_trail_text(s->rules->trail));
  json_object_set_new(v, "day", level(s, s->day_ref_e8, s->day_floor_e8, s->day_soft_floor_e8));
  json_object_set_new(v, "total", level(s, s->high_e8, s->total_floor_e8, s->total_soft_floor_e8));
  json_object_set_new(v, "day_profit", money(s->balance_e8 - s->day_balance_e8));
  json_object_set_new(v, "consistency_pct", rule_consistency(s, &share) ? json_real((double)share / 1e6) : json_null());
  return v;
}

struct kept {
  struct rule_set *set;
  struct rule_state state;
  bool fits;
};
static void take_kept(void *arg, const struct account_rules_row *row) {
  struct kept *k = arg;
  k->fits = rule_state_get(row->state, row->state_len, k->set, &k->state);
}

// Of an account that no bot is using: what the journal remembers, or as it would begin.
static enum status idle_answer(struct api_call *call, const struct account_row *row, const char *name) {
  json_t *settings = json_loads(row->settings, 0, NULL);
  const char *balance = json_string_value(json_object_get(settings, "balance"));
  cash initial = {10000 * CASH_ONE};
  if (balance && !decimal_parse_scaled(balance, strlen(balance), 8, &initial.e8)) initial.e8 = 10000 * CASH_ONE;
  json_decref(settings);
  struct kept k = {0};
  char *text = rule_set_text(reader(call), call->who.tenant_id, name);
  if (!text) return api_problemf(call, PROBLEM_conflict, "Its rule set \"%s\" does not exist any more: choose another, or none.", name);
  enum status st = rule_set_parse_of(text, strlen(text), initial, &k.set, &call->err);
  free(text);
  if (st != OK) return st == ERR_INVALID ? api_problem(call, PROBLEM_conflict, call->err.msg) : st;
  st = account_rules_get(store_reader(api_store(call), STORE_JOURNAL), row->id, take_kept, &k, &call->err);
  if (st == ERR_NOTFOUND || (st == OK && !k.fits)) rule_state_init(&k.state, k.set, initial, initial, call->now_ns), st = OK;
  json_t *v = st == OK ? rules_json(name, &k.state) : NULL;
  rule_set_destroy(k.set);
  return st == OK ? api_json(call, 200, v) : st;
}

enum status api_account_rules_get(struct api_call *call) {
  struct account_row row;
  struct live_rules now;
  char name[RULE_SET_NAME_SIZE];
  const int64_t id = api_param_id(call, "account_id");
  enum status st = account_get(reader(call), call->who.tenant_id, id, &row, &call->err);
  if (st != OK) return st;
  if (call->core->live && live_account_rules(call->core->live, id, &now)) return api_json(call, 200, rules_json(now.name, now.state));
  json_t *settings = json_loads(row.settings, 0, NULL);
  const char *set = json_string_value(json_object_get(settings, "rules"));
  snprintf(name, sizeof name, "%s", set ? set : "");
  json_decref(settings);
  if (name[0]) return idle_answer(call, &row, name);
  return api_json(call, 200, json_pack("{s:n, s:s, s:s}", "rules", "state", "none", "text", "the account has no rules"));
}

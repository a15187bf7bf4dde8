// api/risk.c – limits of accounts and tenants. A change is written and audited with what it was and is, then told to the runtime: it holds from
// the next order on.
#include "api/account_watch.h"
#include "api/bots.h"
#include "api/core.h"
#include "api/handlers.h"
#include "api/tier.h"
#include "store/risk_rows.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

// ---- audit: {"max_order": ["100", "50"], …}, of what is different

char *risk_difference(const json_t *before, const json_t *after) {
  json_t *out = json_object();
  const char *key;
  json_t *v;
  json_object_foreach((json_t *)after, key, v)
    if (!json_equal(json_object_get(before, key), v)) json_object_set_new(out, key, json_pack("[O?, O]", json_object_get(before, key), v));
  json_object_foreach((json_t *)before, key, v)
    if (!json_object_get(after, key)) json_object_set_new(out, key, json_pack("[O, n]", v));
  char *text = json_dumps(out, JSON_COMPACT | JSON_SORT_KEYS);
  json_decref(out);
  return text;
}

// ---- an account

// What the change says, over what there is; and what may not change now. False: answered in *ret.
static bool merge(struct api_call *call, struct db *db, const struct account_row *row, const json_t *given, json_t *settings, enum status *ret) {
  const char *key;
  json_t *v;
  char pointer[100];
  int64_t started = 0;
  json_object_foreach((json_t *)given, key, v) {
    json_t *before = json_object_get(settings, key);
    const bool same = before ? json_equal(before, v) : json_is_null(v);
    snprintf(pointer, sizeof pointer, "/settings/%.64s", key);
    if (!same && (strcmp(key, "balance") == 0 || strcmp(key, "currency") == 0))
      return *ret = api_invalid_at(call, pointer, "is what the account began with, and does not change"), false;
    if (live_account_setting(key) == LIVE_SETTING_NONE) return *ret = api_invalid_at(call, pointer, "is no setting of a paper account"), false;
    if (!same && live_account_setting(key) == LIVE_SETTING_RUN) {
      if ((*ret = bot_count_started(db, row->id, &started, &call->err)) != OK) return false;
      if (started) return *ret = api_problemf(call, PROBLEM_conflict, "%s is what running bots' books are made of: stop the %lld that trade on it first.", key, (long long)started), false;
    }
    if (json_is_null(v)) json_object_del(settings, key);
    else json_object_set_new(settings, key, live_account_value(key, v));
  }
  return true;
}

static enum status patch_settings(struct api_call *call, struct db *db, struct account_row *row, char **ret_detail) {
  const json_t *given = json_object_get(call->body, "settings");
  if (!given) return OK;
  json_t *before = json_loads(row->settings, 0, NULL), *after = json_deep_copy(before);
  enum status st;
  if (merge(call, db, row, given, after, &st)) st = venue_settings_fit(call, row->venue, after);
  if (st == OK) st = risk_settings_fit(call, db, row->tenant_id, after);
  char *text = st == OK ? json_dumps(after, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
  if (st == OK && !text) st = err_set(&call->err, ERR_NOMEM, "out of memory");
  if (st == OK && strlen(text) >= sizeof row->settings) st = api_invalid_at(call, "/settings", "is too long");
  if (st == OK) strcpy(row->settings, text);
  if (st == OK) *ret_detail = risk_difference(before, after);
  free(text);
  json_decref(before);
  json_decref(after);
  return st;
}

static enum status patch_account(struct api_call *call, struct db *db) {
  const char *name = api_body_text(call, "name");
  struct account_row row;
  char *detail = NULL;
  enum status st = account_get(db, call->who.tenant_id, api_param_id(call, "account_id"), &row, &call->err);
  if (st != OK) return st;
  if (!api_if_match(call, row.revision)) return ERR_CANCELLED;
  if (name) snprintf(row.name, sizeof row.name, "%s", name);
  st = patch_settings(call, db, &row, &detail);
  if (st == OK) st = account_update(db, &row, &call->err);
  if (st == OK) st = api_audit(call, db, "account.change", "acc", row.id, detail);
  free(detail);
  if (st != OK) return st;
  char tag[ETAG_TEXT_SIZE];
  etag_format(row.revision + 1, tag);
  api_field(call, "ETag", "%s", tag);
  json_t *answer = accounts_json(call, db, &row, &st);
  if (st == OK) return api_json(call, 200, answer);
  json_decref(answer);
  return st;
}

static enum status account_patched(struct api_call *call) {
  account_watch_forget(call->core->accounts, api_param_id(call, "account_id"));
  if (call->core->live) live_account_changed(call->core->live, api_param_id(call, "account_id"));
  return OK;
}
enum status api_account_patch(struct api_call *call) {
  plans_hold(call);
  return api_write_then(call, patch_account, account_patched);
}

// ---- a tenant

static enum status limits_answer(struct api_call *call, const char *text, int64_t revision) {
  char tag[ETAG_TEXT_SIZE];
  etag_format(revision, tag);
  api_field(call, "ETag", "%s", tag);
  json_t *limits = json_loads(text, 0, NULL);
  return api_json(call, 200, json_pack("{s:o, s:I}", "limits", limits ? limits : json_object(), "revision", (json_int_t)revision));
}

enum status api_risk_limits_get(struct api_call *call) {
  char *text;
  int64_t revision;
  enum status st = tenant_limits_get(reader(call), call->who.tenant_id, &text, &revision, &call->err);
  if (st != OK) return st;
  st = limits_answer(call, text, revision);
  free(text);
  return st;
}

static enum status put_limits(struct api_call *call, struct db *db) {
  const json_t *limits = json_object_get(call->body, "limits");
  char *before = NULL, *detail = NULL;
  int64_t revision;
  const char *text = bots_text(call, limits);
  enum status st = tenant_limits_get(db, call->who.tenant_id, &before, &revision, &call->err);
  if (st == OK && !text) st = err_set(&call->err, ERR_NOMEM, "out of memory");
  if (st == OK && !api_if_match(call, revision)) st = ERR_CANCELLED;
  if (st == OK && (st = live_settings_check(NULL, NULL, limits, &call->err)) == ERR_INVALID) st = bots_settings_refuse(call);
  if (st == OK) st = tenant_limits_put(db, call->who.tenant_id, text, call->now_ns, &call->err);
  json_t *was = st == OK ? json_loads(before, 0, NULL) : NULL;
  if (st == OK) detail = risk_difference(was, limits);
  json_decref(was);
  if (st == OK) st = api_audit(call, db, "risk.limits", "org", call->who.tenant_id, detail);
  if (st == OK) st = limits_answer(call, text, revision + 1);
  free(before);
  free(detail);
  return st;
}
static enum status limits_put(struct api_call *call) {
  if (call->core->live) live_tenant_changed(call->core->live, call->who.tenant_id);
  return OK;
}
enum status api_risk_limits_put(struct api_call *call) { return api_write_then(call, put_limits, limits_put); }

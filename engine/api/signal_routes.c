// api/signal_routes.c – the stages that signals pass before those of a hook, and the rules that stages can name.
#include "api/bots.h"
#include "api/core.h"
#include "api/handlers.h"
#include "api/list.h"
#include "api/signal_desk.h"
#include "api/signal_stages.h"
#include "api/tier.h"
#include "store/hook_rows.h"
#include "store/script_rows.h"
#include "store/store.h"
#include "tenant/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

enum status signal_stages_wrong(struct api_call *call, const char *where) {
  char pointer[120];
  const char *colon = call->err.msg[0] == '/' ? strchr(call->err.msg, ':') : NULL;
  snprintf(pointer, sizeof pointer, "%s%.*s", where, colon ? (int)(colon - call->err.msg) : 0, call->err.msg);
  return api_invalid_at(call, pointer, colon ? colon + 2 : call->err.msg);
}

static enum status stages_answer(struct api_call *call, const char *text, int64_t revision) {
  char tag[ETAG_TEXT_SIZE];
  etag_format(revision, tag);
  api_field(call, "ETag", "%s", tag);
  json_t *v = json_loads(text, 0, NULL);
  return api_json(call, 200, json_pack("{s:o, s:I}", "stages", v ? v : json_array(), "revision", (json_int_t)revision));
}

static enum status get_stages(struct api_call *call, int64_t tenant_id) {
  char *text;
  int64_t revision;
  enum status st = stages_get(reader(call), tenant_id, &text, &revision, &call->err);
  if (st != OK) return st;
  st = api_not_modified(call, revision) ? OK : stages_answer(call, text, revision);
  free(text);
  return st;
}
enum status api_stages_get(struct api_call *call) { return get_stages(call, call->who.tenant_id); }
enum status api_admin_stages_get(struct api_call *call) { return get_stages(call, 0); }

static enum status put_stages(struct api_call *call, struct db *db, int64_t tenant_id) {
  const json_t *stages = json_object_get(call->body, "stages");
  const char *text = bots_text(call, stages);
  char *before = NULL;
  int64_t revision;
  enum status st = text ? stages_get(db, tenant_id, &before, &revision, &call->err) : err_set(&call->err, ERR_NOMEM, "out of memory");
  free(before);
  if (st == OK && !api_if_match(call, revision)) return ERR_CANCELLED;
  if (st == OK && (st = signal_stages_check(call->snapshot, db, tenant_id, stages, &call->err)) == ERR_INVALID) return signal_stages_wrong(call, "/stages");
  if (st == OK) st = stages_put(db, tenant_id, text, call->now_ns, &call->err);
  json_t *detail = json_pack("{s:O}", "stages", stages);
  const char *told = detail ? bots_text(call, detail) : NULL;
  json_decref(detail);
  if (st == OK) st = told ? api_audit(call, db, "signal.stages", tenant_id ? "org" : NULL, tenant_id, told) : err_set(&call->err, ERR_NOMEM, "out of memory");
  return st == OK ? stages_answer(call, text, revision + 1) : st;
}
static enum status put_own(struct api_call *call, struct db *db) { return put_stages(call, db, call->who.tenant_id); }
static enum status put_all(struct api_call *call, struct db *db) { return put_stages(call, db, 0); }
static enum status stages_changed(struct api_call *call) {
  signal_desk_forget_all(call->core->desk);
  return OK;
}
enum status api_stages_put(struct api_call *call) {
  plans_hold(call);
  return api_write_then(call, put_own, stages_changed);
}
enum status api_admin_stages_put(struct api_call *call) {
  plans_hold(call);
  return api_write_then(call, put_all, stages_changed);
}

// ---- rules

// sha256: of the version that would be asked.
static json_t *rule_json(const struct api_call *call, const char *name, const json_t *header, bool own, const char *sha256) {
  json_t *settings = json_object_get(header, "settings");
  const char *about = json_string_value(json_object_get(header, "about")), *title = json_string_value(json_object_get(header, "name"));
  return json_pack("{s:s, s:s, s:s, s:b, s:o, s:o}", "name", name, "title", title ? title : name, "about", about ? about : "", "own", own, "settings", settings ? json_incref(settings) : json_array(), "held",
    signal_desk_held(call, sha256));
}

struct rules {
  struct api_call *call;
  json_t *items;
  enum status status;
};

static void add_own_rule(void *arg, const struct script_row *row) {
  struct rules *r = arg;
  struct script_version_row v;
  if (r->status != OK) return;
  r->status = script_version_get(reader(r->call), row->tenant_id, row->id, row->active_version ? row->active_version : row->latest_version, &v, &r->call->err);
  if (r->status != OK) return;
  json_t *header = v.header ? json_loads(v.header, 0, NULL) : NULL, *rule = rule_json(r->call, row->name, header, true, v.sha256);
  json_object_set_new(rule, "active_version", row->active_version ? json_integer(row->active_version) : json_null());
  json_object_set_new(rule, "latest_version", json_integer(row->latest_version));
  json_array_append_new(r->items, rule);
  json_decref(header);
  script_version_finish(&v);
}

// Of the installation, which may be a shipped one that no row has: its header is evaluated, alone and within a budget.
static json_t *installation_rule(const struct api_call *call, const struct active_script *s) {
  struct script_draft draft;
  struct err err;
  if (registry_describe(SCRIPT_RULE, s->name, s->source, s->source_len, NULL, &draft, &err) != OK) return NULL;
  json_t *header = json_loads(draft.header, 0, NULL), *v = rule_json(call, s->name, header, false, s->sha256);
  json_decref(header);
  script_draft_finish(&draft);
  return v;
}

enum status api_rules_list(struct api_call *call) {
  struct rules r = {call, json_array(), OK};
  enum status st = script_list(reader(call), call->who.tenant_id, "rule", 0, 200, add_own_rule, &r, &call->err);
  const struct snapshot *scripts = registry_snapshot(call->core->registry);
  const struct active_script *s;
  for (size_t i = 0; st == OK && (s = snapshot_at(scripts, i)); i++) {
    json_t *v = s->kind == SCRIPT_RULE ? installation_rule(call, s) : NULL;
    if (v) json_array_append_new(r.items, v);
  }
  if (st == OK) st = r.status;
  if (st == OK) return api_json(call, 200, json_pack("{s:o}", "items", r.items));
  json_decref(r.items);
  return st;
}

// ---- in quarantine

static bool add_held(void *arg, const struct held_rule_row *row) {
  struct api_list *l = arg;
  if (!api_list_room(l, row->id)) return false;
  json_array_append_new(l->items, json_pack("{s:o, s:o, s:s%, s:s, s:s, s:o}", "id", api_id("hld", row->id), "tenant_id", api_id("org", row->tenant_id), "rule", row->file, strcspn(row->file, "."), "sha256",
    row->sha256, "reason", row->why, "since_ms", api_ms(row->since_ns)));
  return true;
}

enum status api_admin_held_rules(struct api_call *call) {
  struct api_list l;
  if (!api_list_begin(call, &l, API_LIST_NEWEST)) return OK;
  return api_list_end(&l, held_rule_list(reader(call), l.at, l.limit + 1, add_held, &l, &call->err));
}

struct release {
  int64_t tenant_id;
  char sha256[65];
};
static bool take_held(void *arg, const struct held_rule_row *row) {
  struct release *r = arg;
  r->tenant_id = row->tenant_id;
  snprintf(r->sha256, sizeof r->sha256, "%s", row->sha256);
  return false;
}
static enum status release(struct api_call *call, struct db *db) {
  const int64_t id = api_param_id(call, "held_id");
  enum status st = held_rule_get(db, id, take_held, call->state, &call->err);
  if (st == OK) st = held_rule_delete(db, id, &call->err);
  if (st == OK) st = api_audit(call, db, "rule.release", "org", ((struct release *)call->state)->tenant_id, NULL);
  return st == OK ? api_json(call, 204, NULL) : st;
}
static enum status released(struct api_call *call) {
  const struct release *r = call->state;
  if (call->core->desk) rules_host_release(signal_desk_rules(call->core->desk), r->tenant_id, r->sha256);
  return OK;
}
enum status api_admin_held_rule_release(struct api_call *call) {
  if (!(call->state = api_alloc(call, sizeof(struct release)))) return err_set(&call->err, ERR_NOMEM, "out of memory");
  return api_write_then(call, release, released);
}

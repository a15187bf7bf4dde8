// api/signal_routes.c – the stages that signals pass before those of a hook, and the rules that stages can name.
#include "api/bots.h"
#include "api/core.h"
#include "api/handlers.h"
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

static json_t *rule_json(const char *name, const json_t *header, bool own) {
  json_t *settings = json_object_get(header, "settings");
  const char *about = json_string_value(json_object_get(header, "about")), *title = json_string_value(json_object_get(header, "name"));
  return json_pack("{s:s, s:s, s:s, s:b, s:o}", "name", name, "title", title ? title : name, "about", about ? about : "", "own", own, "settings", settings ? json_incref(settings) : json_array());
}

struct rules {
  struct api_call *call;
  json_t *items;
  enum status status;
};

static void add_own_rule(void *arg, const struct script_row *row) {
  struct rules *r = arg;
  struct script_version_row v;
  if (row->active_version == 0 || r->status != OK) return;
  r->status = script_version_get(reader(r->call), row->tenant_id, row->id, 0, &v, &r->call->err);
  if (r->status != OK) return;
  json_t *header = v.header ? json_loads(v.header, 0, NULL) : NULL;
  json_array_append_new(r->items, rule_json(row->name, header, true));
  json_decref(header);
  script_version_finish(&v);
}

// Of the installation, which may be a shipped one that no row has: its header is evaluated, alone and within a budget.
static json_t *installation_rule(const struct active_script *s) {
  struct script_draft draft;
  struct err err;
  if (registry_describe(SCRIPT_RULE, s->name, s->source, s->source_len, NULL, &draft, &err) != OK) return NULL;
  json_t *header = json_loads(draft.header, 0, NULL), *v = rule_json(s->name, header, false);
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
    json_t *v = s->kind == SCRIPT_RULE ? installation_rule(s) : NULL;
    if (v) json_array_append_new(r.items, v);
  }
  if (st == OK) st = r.status;
  if (st == OK) return api_json(call, 200, json_pack("{s:o}", "items", r.items));
  json_decref(r.items);
  return st;
}

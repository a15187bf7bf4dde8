// api/admin_scripts.c – operators put, compare, activate and roll back the installation's own scripts: tiers, rules, dialects,
// shipped strategies. Whatever tenant the caller belongs to, these are tenant 0's.
#include "api/bots.h"
#include "api/core.h"
#include "api/handlers.h"
#include "api/list.h"
#include "api/scripts.h"
#include "loop/loop.h"
#include "script/script_error.h"
#include "store/store.h"
#include "tenant/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct db *site(struct api_call *call) {
  call->who.tenant_id = 0;
  return store_reader(api_store(call), STORE_CONTROL);
}

static void add_script(void *arg, const struct script_row *row) {
  struct api_list *l = arg;
  if (api_list_room(l, row->id)) json_array_append_new(l->items, script_json(row, true));
}

enum status api_admin_scripts_list(struct api_call *call) {
  struct db *db = site(call);
  struct api_list l;
  if (!api_list_begin(call, &l, API_LIST_OLDEST)) return OK;
  return api_list_end(&l, script_list(db, 0, api_query_text(call, "kind"), l.at, l.limit + 1, add_script, &l, &call->err));
}

static enum status find(struct api_call *call, struct script_row *ret) { return script_get(site(call), 0, api_param_id(call, "script_id"), ret, &call->err); }

enum status api_admin_script_get(struct api_call *call) {
  struct script_row row;
  enum status st = find(call, &row);
  if (st != OK) return st;
  return api_not_modified(call, row.revision) ? OK : script_answer(call, site(call), 200, &row, true);
}
enum status api_admin_versions_list(struct api_call *call) {
  struct script_row row;
  enum status st = find(call, &row);
  return st == OK ? script_versions_answer(call, &row) : st;
}
enum status api_admin_version_get(struct api_call *call) {
  struct script_row row;
  enum status st = find(call, &row);
  return st == OK ? script_version_answer(call, &row) : st;
}
enum status api_admin_script_diff(struct api_call *call) {
  struct script_row row;
  enum status st = find(call, &row);
  return st == OK ? script_diff_answer(call, row.id) : st;
}

// ---- putting: described in the pool, then written

struct put {
  enum script_kind kind;
  struct script_draft draft;
  enum status status;
};
static void put_cleanup(struct api_call *call) { script_draft_finish(&((struct put *)call->state)->draft); }

static void describe(struct api_call *call) {
  struct put *p = call->state;
  const char *source = api_body_text(call, "source");
  p->status = registry_describe(p->kind, api_body_text(call, "name"), source, strlen(source), NULL, &p->draft, &call->err);
}

static enum status write_put(struct api_call *call, struct db *db) {
  struct put *p = call->state;
  struct script_put_result done;
  struct script_row row;
  enum status st = registry_put(db, &p->draft, 0, api_body_text(call, "name"), api_body_text(call, "comment"), call->who.user_id, call->now_ns, &done, &call->err);
  if (st == OK) st = api_audit(call, db, "script.put", "str", done.script_id, NULL);
  if (st == OK) st = script_get(db, 0, done.script_id, &row, &call->err);
  return st == OK ? script_answer(call, db, 201, &row, true) : st;
}

static enum status described(struct api_call *call) {
  struct put *p = call->state;
  if (p->status == ERR_NOMEM) return p->status;
  return p->status == OK ? api_write(call, write_put) : script_refuse(call, call->err.msg);
}

// ---- checking while somebody writes: strategies as their owners' are (strategy_check.c), other kinds described in the pool and not kept

static enum status checked(struct api_call *call) {
  const struct put *p = call->state;
  if (p->status == ERR_NOMEM) return p->status;
  json_t *problems = json_array(), *header = p->status == OK ? json_loads(p->draft.header, 0, NULL) : json_null();
  if (p->status != OK) {
    char file[SCRIPT_NAME_SIZE + 8];
    struct script_place at;
    const char *source = api_body_text(call, "source");
    snprintf(file, sizeof file, "%s.lua", api_body_text(call, "name"));
    script_error_place(call->err.msg, file, source, strlen(source), &at);
    json_array_append_new(problems, json_pack("{s:s, s:s, s:s, s:s, s:o, s:i, s:i}", "severity", "error", "check", "describe", "message", at.message, "hint", at.hint, "line",
                                              at.line ? json_integer(at.line) : json_null(), "column", at.column, "length", at.length));
  }
  return api_json(call, 200, json_pack("{s:b, s:o, s:o}", "ok", p->status == OK, "header", header, "problems", problems));
}

// ---- both begin alike; *ret NULL: answered, or call->err says why not
static enum status begin_put(struct api_call *call, struct put **ret) {
  enum script_kind kind = SCRIPT_STRATEGY;
  *ret = NULL;
  (void)script_kind_parse(api_body_text(call, "kind"), &kind);
  if (registry_check_name(kind, api_body_text(call, "name"), &call->err) != OK) return api_invalid_at(call, "/name", call->err.msg);
  struct put *p = *ret = api_alloc(call, sizeof *p);
  if (!p) return err_set(&call->err, ERR_NOMEM, "out of memory");
  p->kind = kind;
  return OK;
}
static enum status describe_in_pool(struct api_call *call, struct put *p, api_phase then) {
  call->state = p;
  call->cleanup = put_cleanup;
  return api_work(call, describe, then);
}

enum status api_admin_script_put(struct api_call *call) {
  struct db *db = site(call);
  struct put *p;
  enum status st = begin_put(call, &p);
  if (!p) return st;
  if (p->kind != SCRIPT_STRATEGY) return describe_in_pool(call, p, described);
  struct script_row row;
  st = script_find(db, 0, "strategy", api_body_text(call, "name"), &row, &call->err);
  return st == OK || st == ERR_NOTFOUND ? script_upload(call, st == OK ? row.id : 0, true) : st;
}

enum status api_admin_script_check(struct api_call *call) {
  struct put *p;
  const enum status st = begin_put(call, &p);
  if (!p) return st;
  return p->kind == SCRIPT_STRATEGY ? api_strategy_check(call) : describe_in_pool(call, p, checked);
}

// ---- activating: prepared on the loop, written, then swapped in by one pointer

static void activation_cleanup(struct api_call *call) {
  if (call->state) registry_discard(call->state);
}

static enum status write_activation(struct api_call *call, struct db *db) {
  struct activation *a = call->state;
  // What was compared on the loop, again where nobody can come between.
  const int64_t seen = call->req->field(call->req, "if-match") ? activation_row(a)->revision : 0;
  struct script_row row = *activation_row(a);
  bool trial;
  enum status st = trial_activate(call, db, &row, activation_version(a), &trial);
  if (st != OK) return st;
  if (trial) return script_changed(call, db, &row, true);
  st = registry_activate(a, db, seen, call->who.user_id, call->now_ns, &call->err);
  if (st == ERR_CANCELLED) return api_problem(call, PROBLEM_precondition_failed, call->err.msg);
  if (st == OK) st = api_audit(call, db, "script.activate", "str", activation_row(a)->id, NULL);
  return st == OK ? script_changed(call, db, activation_row(a), true) : st;
}

static enum status swap(struct api_call *call) {
  const int64_t script_id = activation_row(call->state)->id;
  if (call->body && api_body_int(call, "canary_percent", 0) > 0) registry_discard(call->state);  // a trial: nothing else is active
  else registry_commit(call->core->registry, call->state);
  bots_script_changed(call->core, script_id);
  call->state = NULL;
  return OK;
}

static enum status activate(struct api_call *call, int64_t version) {
  struct script_row row;
  struct activation *a = NULL;
  enum status st = find(call, &row);
  if (st == OK && !api_if_match(call, row.revision)) return OK;
  if (st != OK) return st;
  st = registry_prepare(call->core->registry, site(call), 0, row.id, version, &a, &call->err);
  if (st == ERR_NOTFOUND && version) return api_problemf(call, PROBLEM_not_found, "There is no version %lld of this script.", (long long)version);
  if (st == ERR_NOTFOUND) return api_problem(call, PROBLEM_not_found, "No version was active before this one.");
  if (st == ERR_INVALID) return api_problem(call, PROBLEM_not_proven, call->err.msg);
  if (st == ERR_SCRIPT || st == ERR_BUDGET) return api_problem(call, PROBLEM_script_rejected, call->err.msg);
  if (st != OK) return st;
  call->state = a;
  call->cleanup = activation_cleanup;
  return api_write_then(call, write_activation, swap);
}
enum status api_admin_version_activate(struct api_call *call) { return activate(call, strtoll(api_param(call, "version"), NULL, 10)); }

// Back: from a trial that runs, else to the version before.
static enum status write_trial_end(struct api_call *call, struct db *db) {
  struct script_row row;
  bool was;
  enum status st = script_get(db, 0, api_param_id(call, "script_id"), &row, &call->err);
  if (st == OK && !api_if_match(call, row.revision)) st = ERR_CANCELLED;
  if (st == OK) st = trial_end(call, db, row.id, "rolled_back", "by hand", &was);
  return st == OK ? script_changed(call, db, &row, true) : st;
}
static enum status trial_ended(struct api_call *call) {
  bots_script_changed(call->core, api_param_id(call, "script_id"));
  return OK;
}
enum status api_admin_script_rollback(struct api_call *call) {
  json_t *trial = trial_json(site(call), api_param_id(call, "script_id"));
  const char *state = json_string_value(json_object_get(trial, "state"));
  const bool runs = state && strcmp(state, "running") == 0;
  json_decref(trial);
  return runs ? api_write_then(call, write_trial_end, trial_ended) : activate(call, 0);
}

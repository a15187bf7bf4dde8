// api/own_rules.c – signal rules that customers write: put, shown, activated, deleted. Their Lua never runs in this process: headers are
// evaluated by the process that asks rules (signal/rules_host.h), and settings are checked against what that said.
#include "api/core.h"
#include "api/handlers.h"
#include "api/scripts.h"
#include "api/signal_desk.h"
#include "api/tier.h"
#include "crypto/sha256.h"
#include "script/script_error.h"
#include "store/id.h"
#include "store/script_rows.h"
#include "store/store.h"
#include "tenant/entitlement.h"
#include "tenant/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OWN_RULES_MAX 100  // of a tenant
#define VERSIONS_SHOWN 50

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

static void add_version(void *arg, const struct script_version_row *v) {
  json_array_append_new(arg, json_pack("{s:I, s:b, s:o, s:s}", "version", (json_int_t)v->version, "active", v->active, "created_at_ms", api_ms(v->created_ns), "comment", v->comment ? v->comment : ""));
}

// version 0: the active one, or else the latest.
static enum status answer(struct api_call *call, struct db *db, int status, const struct script_row *row, int64_t version) {
  struct script_version_row v;
  json_t *versions = json_array();
  if (version == 0) version = row->active_version ? row->active_version : row->latest_version;
  enum status st = script_version_list(db, row->tenant_id, row->id, 0, VERSIONS_SHOWN, add_version, versions, &call->err);
  if (st == OK) st = script_version_get(db, row->tenant_id, row->id, version, &v, &call->err);
  if (st != OK) return json_decref(versions), st;
  json_t *header = v.header ? json_loads(v.header, 0, NULL) : NULL;
  json_t *tree = json_pack("{s:s, s:o, s:I, s:I, s:o, s:s%, s:o, s:o}", "name", row->name, "active_version", row->active_version ? json_integer(row->active_version) : json_null(), "latest_version",
    (json_int_t)row->latest_version, "version", (json_int_t)version, "header", header ? header : json_object(), "source", v.source, v.source_len, "versions", versions, "held", signal_desk_held(call, v.sha256));
  script_version_finish(&v);
  return api_json(call, status, tree);
}

static enum status find(struct api_call *call, struct db *db, struct script_row *ret) { return script_find(db, call->who.tenant_id, "rule", api_param(call, "rule"), ret, &call->err); }

enum status api_rule_get(struct api_call *call) {
  struct script_row row;
  const enum status st = find(call, reader(call), &row);
  return st == OK ? answer(call, reader(call), 200, &row, 0) : st;
}

enum status api_rule_version_get(struct api_call *call) {
  struct script_row row;
  const enum status st = find(call, reader(call), &row);
  return st == OK ? answer(call, reader(call), 200, &row, atoll(api_param(call, "version"))) : st;
}

static enum status changed(struct api_call *call) {
  signal_desk_forget_all(call->core->desk);
  return OK;
}

static enum status activate(struct api_call *call, struct db *db) {
  struct script_row row;
  char version[32];
  enum status st = find(call, db, &row);
  const int64_t n = atoll(api_param(call, "version"));
  if (st == OK) st = script_activate(db, call->who.tenant_id, row.id, n, 0, call->who.user_id, call->now_ns, &row, &call->err);
  snprintf(version, sizeof version, "{\"version\":%lld}", (long long)n);
  if (st == OK) st = api_audit(call, db, "rule.activate", "str", row.id, version);
  return st == OK ? answer(call, db, 200, &row, n) : st;
}
enum status api_rule_activate(struct api_call *call) { return api_write_then(call, activate, changed); }

static enum status delete(struct api_call *call, struct db *db) {
  struct script_row row;
  enum status st = find(call, db, &row);
  if (st == OK) st = script_delete(db, call->who.tenant_id, row.id, &call->err);
  if (st == OK) st = api_audit(call, db, "rule.delete", "str", row.id, NULL);
  return st == OK ? api_json(call, 204, NULL) : st;
}
enum status api_rule_delete(struct api_call *call) { return api_write_then(call, delete, changed); }

// ---- put: described elsewhere, then written

struct putting {
  char *header;           // JSON, of the call's memory
  char reason[600];       // why it is not accepted; with file:line
  bool broke;             // it could not be asked
  char file[SCRIPT_NAME_SIZE + 8];  // what messages call it
  api_phase then;
};

static enum status write_rule(struct api_call *call, struct db *db) {
  const struct putting *p = call->state;
  const char *name = api_body_text(call, "name"), *source = api_body_text(call, "source");
  struct script_row row;
  struct script_put_result put;
  int64_t count = 0;
  char sha[SHA256_HEX_SIZE];
  enum status st = script_find(db, call->who.tenant_id, "rule", name, &row, &call->err);
  if (st == ERR_NOTFOUND) {
    st = script_count(db, call->who.tenant_id, "rule", &count, &call->err);
    if (st == OK && count >= OWN_RULES_MAX) return api_problemf(call, PROBLEM_tier_limit, "There are %d rules already; delete some first.", OWN_RULES_MAX);
  }
  if (st != OK) return st;
  sha256_hex(source, strlen(source), sha);
  const struct script_put s = {.tenant_id = call->who.tenant_id, .kind = "rule", .name = name, .source = source, .source_len = strlen(source), .sha256 = sha, .comment = api_body_text(call, "comment"),
    .header = p->header, .state = SCRIPT_PROVEN, .author_id = call->who.user_id, .script_id = id_next(call->now_ns), .version_id = id_next(call->now_ns), .now_ns = call->now_ns};
  st = script_put(db, &s, &put, &call->err);
  if (st == OK && api_body_flag(call, "activate")) st = script_activate(db, call->who.tenant_id, put.script_id, put.version, 0, call->who.user_id, call->now_ns, &row, &call->err);
  if (st == OK) st = script_get(db, call->who.tenant_id, put.script_id, &row, &call->err);
  if (st == OK) st = api_audit(call, db, "rule.put", "str", row.id, NULL);
  return st == OK ? answer(call, db, 201, &row, put.version) : st;
}

static enum status described(struct api_call *call) {
  const struct putting *p = call->state;
  if (p->broke) return api_problem(call, PROBLEM_unavailable, p->reason);
  return p->reason[0] ? script_refuse(call, p->reason) : api_write_then(call, write_rule, changed);
}

static void on_described(void *arg, bool accept, json_t *log, json_t *header, const struct err *err) {
  struct api_call *call = arg;
  struct putting *p = call->state;
  if (accept) {
    char *text = json_dumps(header, JSON_COMPACT);
    p->header = text ? api_alloc(call, strlen(text) + 1) : NULL;
    if (p->header) strcpy(p->header, text);
    else p->broke = true, snprintf(p->reason, sizeof p->reason, "No memory; try again.");
    free(text);
  } else if (log) {
    const char *error = json_string_value(json_object_get(json_array_get(log, 0), "error"));
    snprintf(p->reason, sizeof p->reason, "%.599s", error ? error : "It does not describe itself.");
  } else {
    p->broke = true;
    snprintf(p->reason, sizeof p->reason, "%.599s", err->msg);
  }
  api_resume(call, p->then);
}

// `then` goes on when its header is known, or what is wrong with it.
static enum status ask_description(struct api_call *call, const char *name, api_phase then) {
  const char *source = api_body_text(call, "source");
  struct putting *p = call->state = api_alloc(call, sizeof *p);
  if (!call->core->desk) return api_problem(call, PROBLEM_unavailable, "No service is running that could look at rules.");
  if (!p) return err_set(&call->err, ERR_NOMEM, "out of memory");
  p->then = then;
  snprintf(p->file, sizeof p->file, "%s.lua", name);
  const enum status st = rules_host_describe(signal_desk_rules(call->core->desk), call->who.tenant_id, p->file, source, strlen(source), on_described, call, &call->err);
  return st == OK ? api_wait(call) : st;
}

enum status api_rule_put(struct api_call *call) {
  const struct entitlement *e = api_entitlement(call);
  const char *name = api_body_text(call, "name");
  if (!e) return call->err.code;
  if (!plan_has(&e->plan, RIGHT_CUSTOM_STRATEGIES)) return api_problem(call, PROBLEM_tier_forbids, "The plan does not include scripts of one's own.");
  if (registry_check_name(SCRIPT_RULE, name, &call->err) != OK) return api_invalid_at(call, "/name", call->err.msg);
  return ask_description(call, name, described);
}

// ---- looked at while somebody types: described in the same place, kept nowhere

static enum status checked(struct api_call *call) {
  const struct putting *p = call->state;
  json_t *problems = json_array(), *header = p->header ? json_loads(p->header, 0, NULL) : NULL;
  if (p->broke) return json_decref(problems), api_problem(call, PROBLEM_unavailable, p->reason);
  if (p->reason[0]) {
    const char *source = api_body_text(call, "source");
    struct script_place at;
    script_error_place(p->reason, p->file, source, strlen(source), &at);
    json_array_append_new(problems, json_pack("{s:s, s:s, s:s, s:s, s:o, s:i, s:i}", "severity", "error", "check", "describe", "message", at.message, "hint", at.hint, "line",
                                              at.line ? json_integer(at.line) : json_null(), "column", at.column, "length", at.length));
  }
  return api_json(call, 200, json_pack("{s:b, s:o, s:o}", "ok", !p->reason[0], "header", header ? header : json_null(), "problems", problems));
}

enum status api_rule_check(struct api_call *call) {
  const char *name = api_body_text(call, "name");
  return ask_description(call, name ? name : "rule", checked);
}

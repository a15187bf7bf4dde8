// api/strategies.c – strategies in Lua and their immutable versions; what the installation offers is read here too, without its text. An upload is proven in a jail before it is stored as what
// it is: one that does not even describe itself is refused, one that fails a proof is kept with its verdict and cannot be active.
#include "api/bots.h"
#include "api/core.h"
#include "api/handlers.h"
#include "api/jobs.h"
#include "api/list.h"
#include "api/scripts.h"
#include "api/tier.h"
#include "crypto/sha256.h"
#include "script/script_error.h"
#include "store/id.h"
#include "store/script_rows.h"
#include "store/store.h"
#include "tenant/text_diff.h"

#include <stdlib.h>
#include <string.h>

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

json_t *script_json(const struct script_row *row, bool with_kind) {
  json_t *v = json_pack("{s:o, s:s, s:o, s:I, s:o, s:o}", "id", api_id("str", row->id), "name", row->name, "active_version",
                   row->active_version ? json_integer(row->active_version) : json_null(), "latest_version", (json_int_t)row->latest_version, "created_at_ms",
                   api_ms(row->created_ns), "updated_at_ms", api_ms(row->updated_ns));
  if (v && with_kind) json_object_set_new(v, "kind", json_string(row->kind));
  return v;
}

static json_t *tree_of(const char *text) {
  json_t *v = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
  return json_is_object(v) ? v : (json_decref(v), json_null());
}

json_t *script_version_tree(const struct script_version_row *row, bool whole) {
  json_t *v = json_pack("{s:I, s:s, s:s, s:b, s:s, s:o, s:o}", "version", (json_int_t)row->version, "sha256", row->sha256, "state", script_state_text(row->state), "active",
                        row->active, "comment", row->comment ? row->comment : "", "author_id", api_id("usr", row->author_id), "created_at_ms", api_ms(row->created_ns));
  if (v && whole) {
    json_object_set_new(v, "header", tree_of(row->header));
    json_object_set_new(v, "verdict", tree_of(row->verdict));
    if (row->source) json_object_set_new(v, "source", json_stringn(row->source, row->source_len));
  }
  return v;
}

// ---- reading

static void add_strategy(void *arg, const struct script_row *row) {
  struct json_out *o = api_list_item(arg, row->id);
  if (!o) return;
  jo_id(o, "id", "str", row->id);
  jo_text(o, "name", row->name);
  if (row->active_version) jo_int(o, "active_version", row->active_version);
  else jo_null(o, "active_version");
  jo_int(o, "latest_version", row->latest_version);
  jo_ms(o, "created_at_ms", row->created_ns);
  jo_ms(o, "updated_at_ms", row->updated_ns);
  jo_close(o);
}
static void add_version(void *arg, const struct script_version_row *row) {
  struct api_list *l = arg;
  if (api_list_room(l, row->version)) json_array_append_new(l->items, script_version_tree(row, false));
}

static void add_offered(void *arg, const struct script_version_row *row) {
  struct script_version_row closed = *row;
  closed.author_id = 0;
  closed.comment = NULL;
  add_version(arg, &closed);
}

enum status api_strategies_list(struct api_call *call) {
  struct api_list l;
  if (!api_list_begin(call, &l, API_LIST_OLDEST)) return OK;
  return api_list_end(&l, script_list(reader(call), call->who.tenant_id, "strategy", l.at, l.limit + 1, add_strategy, &l, &call->err));
}

static enum status find_strategy(struct api_call *call, struct db *db, struct script_row *ret) {
  enum status st = script_get(db, call->who.tenant_id, api_param_id(call, "strategy_id"), ret, &call->err);
  return st == OK && strcmp(ret->kind, "strategy") != 0 ? err_set(&call->err, ERR_NOTFOUND, "not a strategy") : st;
}

// What the installation offers is the operators': customers run it and see its header, not its text, nor what was said about it by whom.
static bool is_offered(const struct api_call *call, const struct script_row *row) { return row->tenant_id != call->who.tenant_id; }

static void close_version(struct script_version_row *version) {
  free(version->source);
  free(version->verdict);
  free(version->comment);
  version->source = version->verdict = version->comment = NULL;
  version->author_id = 0;
}

enum status script_answer(struct api_call *call, struct db *db, int status, const struct script_row *row, bool with_kind) {
  json_t *v = script_json(row, with_kind);
  struct script_version_row version;
  const int64_t shown = row->active_version ? row->active_version : row->latest_version;
  enum status st = script_version_get(db, row->tenant_id, row->id, shown, &version, &call->err);
  if (st == OK) {
    free(version.source);
    version.source = NULL;
    if (is_offered(call, row)) close_version(&version);
    json_object_set_new(v, "version", script_version_tree(&version, true));
    json_object_set_new(v, "trial", is_offered(call, row) ? json_null() : trial_json(db, row->id));
    if (!with_kind) json_object_set_new(v, "offered", json_boolean(is_offered(call, row)));
    script_version_finish(&version);
  }
  if (st != OK) {
    json_decref(v);
    return st;
  }
  return api_json(call, status, v);
}

enum status script_changed(struct api_call *call, struct db *db, const struct script_row *row, bool with_kind) {
  char tag[ETAG_TEXT_SIZE];
  etag_format(row->revision, tag);
  api_field(call, "ETag", "%s", tag);
  return script_answer(call, db, 200, row, with_kind);
}

// For reading: the tenant's own, else one that the installation offers.
static enum status find_readable(struct api_call *call, struct script_row *ret) {
  enum status st = find_strategy(call, reader(call), ret);
  if (st != ERR_NOTFOUND) return st;
  st = script_get(reader(call), 0, api_param_id(call, "strategy_id"), ret, &call->err);
  return st == OK && (strcmp(ret->kind, "strategy") != 0 || !ret->active_version) ? err_set(&call->err, ERR_NOTFOUND, "not offered") : st;
}

enum status api_strategy_get(struct api_call *call) {
  struct script_row row;
  enum status st = find_readable(call, &row);
  if (st != OK) return st;
  return api_not_modified(call, row.revision) ? OK : script_answer(call, reader(call), 200, &row, false);
}

enum status script_versions_answer(struct api_call *call, const struct script_row *row) {
  struct api_list l;
  if (!api_list_begin(call, &l, 0)) return OK;  // 0: from the newest
  return api_list_end(&l, script_version_list(reader(call), row->tenant_id, row->id, l.at, l.limit + 1, is_offered(call, row) ? add_offered : add_version, &l, &call->err));
}

enum status api_versions_list(struct api_call *call) {
  struct script_row row;
  enum status st = find_readable(call, &row);
  return st == OK ? script_versions_answer(call, &row) : st;
}

static enum status get_version(struct api_call *call, int64_t tenant_id, int64_t script_id, int64_t number, struct script_version_row *ret) {
  enum status st = script_version_get(reader(call), tenant_id, script_id, number, ret, &call->err);
  if (st == ERR_NOTFOUND) (void)api_problemf(call, PROBLEM_not_found, "There is no version %lld of this script.", (long long)number);
  return st;
}

enum status script_version_answer(struct api_call *call, const struct script_row *row) {
  struct script_version_row version;
  enum status st = get_version(call, row->tenant_id, row->id, strtoll(api_param(call, "version"), NULL, 10), &version);
  if (st != OK) return st;
  if (is_offered(call, row)) close_version(&version);
  json_t *v = script_version_tree(&version, true);
  script_version_finish(&version);
  return api_json(call, 200, v);
}

enum status api_version_get(struct api_call *call) {
  struct script_row row;
  enum status st = find_readable(call, &row);
  return st == OK ? script_version_answer(call, &row) : st;
}

enum status script_diff_answer(struct api_call *call, int64_t script_id) {
  const int64_t from = api_query_int(call, "from", 0), to = api_query_int(call, "to", 0);
  struct script_version_row a, b;
  enum status st = get_version(call, call->who.tenant_id, script_id, from, &a);
  if (st != OK) return st;
  st = get_version(call, call->who.tenant_id, script_id, to, &b);
  if (st != OK) {
    script_version_finish(&a);
    return st;
  }
  char from_name[32], to_name[32];
  snprintf(from_name, sizeof from_name, "version %lld", (long long)from);
  snprintf(to_name, sizeof to_name, "version %lld", (long long)to);
  struct buf diff;
  buf_init(&diff, 1 << 20);
  st = text_diff(&diff, from_name, a.source, a.source_len, to_name, b.source, b.source_len, &call->err);
  script_version_finish(&a);
  script_version_finish(&b);
  if (st == OK) st = api_json(call, 200, json_pack("{s:I, s:I, s:s}", "from", (json_int_t)from, "to", (json_int_t)to, "diff", diff.data ? diff.data : ""));
  buf_finish(&diff);
  return st;
}

enum status api_strategy_diff(struct api_call *call) {
  struct script_row row;
  enum status st = find_strategy(call, reader(call), &row);
  return st == OK ? script_diff_answer(call, row.id) : st;
}

// ---- uploading: judge in a child, then write

struct upload {
  int64_t script_id;  // 0: a new strategy
  bool as_script;
  char sha256[SHA256_HEX_SIZE];
  enum script_state state;
  char *header, *verdict;  // in the call's memory
  char reason[1100];       // why it is refused; "" when it is not
};

static char *keep(struct api_call *call, json_t *tree) {
  char *text = tree ? json_dumps(tree, JSON_COMPACT) : NULL;
  char *kept = text ? api_alloc(call, strlen(text) + 1) : NULL;
  if (kept) strcpy(kept, text);
  free(text);
  return kept;
}

// The first check that failed; describe is what everything else needs.
static bool describe_failed(json_t *checks, const char **ret_reason) {
  size_t i;
  json_t *c;
  json_array_foreach(checks, i, c) {
    const char *name = json_string_value(json_object_get(c, "check")), *status = json_string_value(json_object_get(c, "status"));
    if (!name || !status || strcmp(name, "describe") != 0 || strcmp(status, "fail") != 0) continue;
    *ret_reason = json_string_value(json_object_get(c, "reason"));
    return true;
  }
  return false;
}

static enum status store_version(struct api_call *call, struct db *db) {
  struct upload *u = call->state;
  struct script_put_result put;
  struct script_row row;
  enum status st;
  const char *name = api_body_text(call, "name");
  if (u->script_id == 0) {
    st = script_find(db, call->who.tenant_id, "strategy", name, &row, &call->err);
    if (st == OK) return api_problem(call, PROBLEM_already_exists, "A strategy of this name is there already.");
    if (st != ERR_NOTFOUND) return st;
  } else {
    st = script_get(db, call->who.tenant_id, u->script_id, &row, &call->err);
    if (st != OK) return st;
    name = row.name;
  }
  const char *source = api_body_text(call, "source");
  const struct script_put p = {.tenant_id = call->who.tenant_id, .kind = "strategy", .name = name, .source = source, .source_len = strlen(source), .sha256 = u->sha256,
                               .comment = api_body_text(call, "comment"), .header = u->header, .verdict = u->verdict, .state = u->state, .author_id = call->who.user_id,
                               .script_id = id_next(call->now_ns), .version_id = id_next(call->now_ns), .now_ns = call->now_ns};
  st = script_put(db, &p, &put, &call->err);
  const bool activates = api_body_flag(call, "activate") && u->state == SCRIPT_PROVEN;
  bool trial;
  if (st == OK && u->script_id && activates) st = trial_activate(call, db, &row, put.version, &trial);
  if (st == OK && activates)
    st = script_activate(db, call->who.tenant_id, put.script_id, put.version, 0, call->who.user_id, call->now_ns, &row, &call->err);
  if (st == OK) st = script_get(db, call->who.tenant_id, put.script_id, &row, &call->err);
  if (st != OK) return st;
  if (u->script_id == 0) {
    char key[ID_TEXT_SIZE];
    id_format("str", row.id, key);
    st = api_take(call, db, ACTION_STRATEGY_ADD, key);
    return st == OK ? script_answer(call, db, 201, &row, u->as_script) : st;
  }
  if (u->as_script) return script_answer(call, db, 201, &row, true);
  struct script_version_row version;
  st = script_version_get(db, call->who.tenant_id, put.script_id, put.version, &version, &call->err);
  if (st != OK) return st;
  json_t *v = script_version_tree(&version, true);
  json_object_del(v, "source");
  script_version_finish(&version);
  return api_json(call, 201, v);
}

enum status script_refuse(struct api_call *call, const char *reason) {
  struct schema_errors errors = {0};
  schema_errors_add(&errors, "/source", "%s", reason);
  const char *source = api_body_text(call, "source"), *end = strstr(reason, ".lua:");
  struct buf shown;
  buf_init(&shown, 16384);
  if (source && end) {  // with the line and a mark under what is wrong
    char file[SCRIPT_NAME_SIZE + 8];
    snprintf(file, sizeof file, "%.*s", (int)(end + 4 - reason), reason);
    script_error_show(&shown, reason, file, source, strlen(source));
  }
  enum status st = api_invalid(call, PROBLEM_script_rejected, shown.data ? shown.data : reason, &errors);
  buf_finish(&shown);
  return st;
}

static enum status stored(struct api_call *call) {
  const struct upload *u = call->state;
  if (u->script_id && api_body_flag(call, "activate")) bots_script_changed(call->core, u->script_id);
  return OK;
}

static enum status judged(struct api_call *call) {
  struct upload *u = call->state;
  return u->reason[0] ? script_refuse(call, u->reason) : api_write_then(call, store_version, stored);
}

static enum status judge_broke(struct api_call *call) { return api_problem(call, PROBLEM_unavailable, "The proof could not be carried out; try again."); }

static void on_verdict(void *arg, const struct job_outcome *o) {
  struct api_call *call = arg;
  struct upload *u = call->state;
  json_t *tree = NULL;
  if (o->end == JOB_FAILED || o->end == JOB_OVER_CPU || o->end == JOB_OVER_MEMORY || o->end == JOB_OVER_WALL) {
    snprintf(u->reason, sizeof u->reason, "%s", o->reason[0] ? o->reason : "The proof used up its time or memory.");
    api_resume(call, judged);
    return;
  }
  if (o->end != JOB_DONE || json_parse_strict(o->text, o->len, &tree, &call->err) != OK) {
    api_resume(call, judge_broke);
    return;
  }
  const char *verdict = json_string_value(json_object_get(tree, "verdict")), *reason = NULL;
  if (describe_failed(json_object_get(tree, "checks"), &reason)) snprintf(u->reason, sizeof u->reason, "%s", reason ? reason : "It does not describe itself.");
  u->state = verdict && strcmp(verdict, "fail") != 0 ? SCRIPT_PROVEN : SCRIPT_REJECTED;
  u->header = keep(call, json_object_get(tree, "script"));
  json_object_del(tree, "script");
  u->verdict = keep(call, tree);
  json_decref(tree);
  api_resume(call, judged);
}

enum status script_upload(struct api_call *call, int64_t script_id, bool as_script) {
  if (!call->core->jobs) return api_problem(call, PROBLEM_unavailable, "Proofs need a running server.");
  struct upload *u = api_alloc(call, sizeof *u);
  if (!u) return err_set(&call->err, ERR_NOMEM, "out of memory");
  call->state = u;
  u->script_id = script_id;
  u->as_script = as_script;
  const char *source = api_body_text(call, "source");
  sha256_hex(source, strlen(source), u->sha256);
  const struct jobs_grant grant = api_jobs_grant(call);
  enum status st = jobs_verdict(call->core->jobs, call->who.tenant_id, source, strlen(source), &grant, on_verdict, call, &call->err);
  if (st == ERR_LIMIT) return api_problem(call, PROBLEM_unavailable, call->err.msg);
  return st == OK ? api_wait(call) : st;
}

enum status api_strategy_create(struct api_call *call) { return api_may(call, ACTION_STRATEGY_ADD) ? script_upload(call, 0, false) : call->err.code; }

enum status api_version_create(struct api_call *call) {
  struct script_row row;
  enum status st = find_strategy(call, reader(call), &row);
  return st == OK ? script_upload(call, row.id, false) : st;
}

// ---- changing

static enum status delete_strategy(struct api_call *call, struct db *db) {
  struct script_row row;
  int64_t bots = 0;
  enum status st = find_strategy(call, db, &row);
  if (st == OK) st = bot_count(db, call->who.tenant_id, row.id, 0, &bots, &call->err);
  if (st == OK && bots) return api_problemf(call, PROBLEM_conflict, "%lld bots are made of it; delete them first.", (long long)bots);
  if (st == OK) st = script_delete(db, call->who.tenant_id, row.id, &call->err);
  return st == OK ? api_json(call, 204, NULL) : st;
}
enum status api_strategy_delete(struct api_call *call) { return api_write(call, delete_strategy); }

// api/strategy_check.c – a quick look at a strategy while somebody types: its header, or what is wrong, with the places to underline. Runs in a
// jailed child as uploads do; nothing is stored.
#include "api/core.h"
#include "api/handlers.h"
#include "api/jobs.h"
#include "script/script_error.h"

#include <string.h>

#define FILE_NAME "strategy.lua"  // what messages of the child call it

struct look {
  json_t *answer;
};

static void cleanup(struct api_call *call) { json_decref(((struct look *)call->state)->answer); }

static void add_problem(struct api_call *call, const char *severity, const char *check, const char *reason) {
  struct look *l = call->state;
  const char *source = api_body_text(call, "source");
  struct script_place at;
  script_error_place(reason, FILE_NAME, source, strlen(source), &at);
  json_t *p = json_pack("{s:s, s:s, s:s, s:s, s:o, s:i, s:i}", "severity", severity, "check", check, "message", at.message, "hint", at.hint, "line",
                        at.line ? json_integer(at.line) : json_null(), "column", at.column, "length", at.length);
  json_array_append_new(json_object_get(l->answer, "problems"), p);
  if (strcmp(severity, "error") == 0) json_object_set_new(l->answer, "ok", json_false());
}

static enum status looked(struct api_call *call) {
  struct look *l = call->state;
  return l->answer ? api_json(call, 200, json_incref(l->answer)) : api_problem(call, PROBLEM_unavailable, "The check could not be carried out; try again.");
}

static void read_checks(struct api_call *call, json_t *checks) {
  size_t i;
  json_t *c;
  json_array_foreach(checks, i, c) {
    const char *name = json_string_value(json_object_get(c, "check")), *status = json_string_value(json_object_get(c, "status")),
               *reason = json_string_value(json_object_get(c, "reason"));
    if (name && status && reason && (strcmp(status, "fail") == 0 || strcmp(status, "warn") == 0))
      add_problem(call, strcmp(status, "fail") == 0 ? "error" : "warning", name, reason);
  }
}

static void on_check(void *arg, const struct job_outcome *o) {
  struct api_call *call = arg;
  struct look *l = call->state;
  json_t *tree = NULL;
  const bool said = o->end == JOB_DONE && json_parse_strict(o->text, o->len, &tree, &call->err) == OK;
  const bool refused = o->end == JOB_FAILED || o->end == JOB_OVER_CPU || o->end == JOB_OVER_MEMORY || o->end == JOB_OVER_WALL;
  if (said || refused) l->answer = json_pack("{s:b, s:O?, s:[]}", "ok", 1, "header", json_object_get(tree, "script"), "problems");
  if (l->answer && said) read_checks(call, json_object_get(tree, "checks"));
  if (l->answer && refused) add_problem(call, "error", "run", o->reason[0] ? o->reason : "It used up its time or memory.");
  json_decref(tree);
  api_resume(call, looked);
}

enum status api_strategy_check(struct api_call *call) {
  if (!call->core->jobs) return api_problem(call, PROBLEM_unavailable, "Checks need a running server.");
  call->state = api_alloc(call, sizeof(struct look));
  if (!call->state) return err_set(&call->err, ERR_NOMEM, "out of memory");
  call->cleanup = cleanup;
  const char *source = api_body_text(call, "source");
  const struct jobs_grant grant = api_jobs_grant(call);
  const enum status st = jobs_check(call->core->jobs, call->who.tenant_id, source, strlen(source), &grant, on_check, call, &call->err);
  if (st == ERR_LIMIT) return api_problem(call, PROBLEM_unavailable, "Too many checks are under way; ask again in a moment.");
  return st == OK ? api_wait(call) : st;
}

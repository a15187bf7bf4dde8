// api/hook_trial.c – what rules would say, without consequences: to one message, or to those of a day; the hook's stages, others, or a rule that is
// not saved yet.
#include "api/hooks.h"

#include "api/core.h"
#include "api/handlers.h"
#include "api/signal_desk.h"
#include "api/signal_past.h"
#include "api/signal_stages.h"
#include "base/utf8.h"
#include "crypto/sha256.h"
#include "signal/message.h"
#include "store/id.h"
#include "store/store.h"
#include "tenant/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS INT64_C(1000000)
#define DRY_MAX 100    // signals
#define DRY_ROWS 2000  // among so many deliveries: duplicates and what was refused are none

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

struct trial {
  struct hook_row hook;
  json_t *settings, *stages;     // stages NULL: the hook's
  struct signal_draft draft;     // without source: none
  json_t *signals;               // [{"signal", "received_ms", "delivery_id"?, "state"?}], oldest first
  size_t at;
  json_t *items;
  struct signal_past past;
  bool one;
  json_t *answer;
  bool cannot;      // the hook's own stages cannot be asked: a rule of theirs is gone, say
  bool described;
  char why[300], wrong[600];
};

static void trial_finish(struct api_call *call) {
  struct trial *t = call->state;
  hook_row_finish(&t->hook);
  rules_source_free(t->draft.source);
  json_decref(t->settings);
  json_decref(t->stages);
  json_decref(t->signals);
  json_decref(t->items);
  signal_past_finish(&t->past);
  json_decref(t->answer);
}

static enum status trial_done(struct api_call *call) {
  struct trial *t = call->state;
  if (t->why[0]) return api_problem(call, t->cannot ? PROBLEM_conflict : PROBLEM_unavailable, t->why);
  json_t *v = t->answer;
  t->answer = NULL;
  return api_json(call, 200, v);
}

static bool trial_over(struct api_call *call);
static enum status draft_known(struct api_call *call);
static bool trial_ask(struct api_call *call);

static const char *reason_of(const json_t *log) {
  const char *reason = json_string_value(json_object_get(json_array_get(log, json_array_size(log) - 1), "reason"));
  return reason ? reason : "";
}

static void trial_answered(void *arg, bool accepted, json_t *log, json_t *signal, const struct err *err) {
  struct api_call *call = arg;
  struct trial *t = call->state;
  const json_t *asked = json_array_get(t->signals, t->at);
  if (!log) {
    utf8_copy(t->why, sizeof t->why, err->msg);
    return api_resume(call, trial_done);
  }
  if (t->one) {
    t->answer = json_pack("{s:b, s:s, s:O, s:O}", "accept", accepted, "reason", accepted ? "" : reason_of(log), "signal", signal ? signal : json_object_get(asked, "signal"), "log", log);
    return api_resume(call, trial_done);
  }
  json_array_append_new(t->items, json_pack("{s:O, s:O, s:b, s:s, s:O}", "delivery_id", json_object_get(asked, "delivery_id"), "state", json_object_get(asked, "state"), "accept", accepted, "reason",
    accepted ? "" : reason_of(log), "log", log));
  if (accepted) signal_past_add(&t->past, signal, json_integer_value(json_object_get(asked, "received_ms")) * NS_PER_MS);
  t->at++;
  if (trial_over(call) || !trial_ask(call)) api_resume(call, trial_done);
}

// All were asked about: the answer is made.
static bool trial_over(struct api_call *call) {
  struct trial *t = call->state;
  if (t->at < json_array_size(t->signals)) return false;
  json_int_t accepted = 0;
  for (size_t i = 0; i < json_array_size(t->items); i++) accepted += json_is_true(json_object_get(json_array_get(t->items, i), "accept"));
  t->answer = json_pack("{s:I, s:I, s:O}", "accepted", accepted, "rejected", (json_int_t)json_array_size(t->items) - accepted, "items", t->items);
  return true;
}

// False: they cannot be asked; t->why says why.
static bool trial_ask(struct api_call *call) {
  struct trial *t = call->state;
  struct err err;
  const json_t *one = json_array_get(t->signals, t->at);
  const char *accepted;
  json_t *env = signal_past_env(&t->past, t->hook.id, json_integer_value(json_object_get(one, "received_ms")) * NS_PER_MS, &accepted);
  const enum status st = signal_desk_ask(call->core->desk, &t->hook, t->stages, t->draft.source ? &t->draft : NULL, json_object_get(one, "signal"), env, accepted, trial_answered, call, &err);
  json_decref(env);
  t->cannot = st == ERR_INVALID || st == ERR_LIMIT;
  if (st != OK) utf8_copy(t->why, sizeof t->why, err.msg);
  return st == OK;
}

// The hook, and the stages to try, into the call's state; NULL: answered, or *ret says why not.
static struct trial *trial_begin(struct api_call *call, enum status *ret) {
  struct trial *t = api_alloc(call, sizeof *t);
  *ret = t ? hook_get(reader(call), call->who.tenant_id, api_param_id(call, "hook"), &t->hook, &call->err) : err_set(&call->err, ERR_NOMEM, "out of memory");
  if (*ret != OK) return NULL;
  call->state = t;
  call->cleanup = trial_finish;
  t->settings = json_loads(t->hook.settings, 0, NULL);
  t->stages = json_incref(json_object_get(call->body, "stages"));
  t->signals = json_array(), t->items = json_array();
  signal_past_init(&t->past, 0);
  if (t->stages && (*ret = signal_stages_check(registry_snapshot(call->core->registry), reader(call), call->who.tenant_id, t->stages, &call->err)) != OK) {
    if (*ret == ERR_INVALID) *ret = signal_stages_wrong(call, "/stages");
    return NULL;
  }
  if (call->core->desk) return t;
  *ret = api_problem(call, PROBLEM_unavailable, "No service is running that could ask the rules.");
  return NULL;
}

enum status api_hook_test(struct api_call *call) {
  enum status st;
  struct trial *t = trial_begin(call, &st);
  json_t *signal = NULL, *body = json_object_get(call->body, "body"), *mapping = json_object_get(call->body, "mapping");
  if (!t || !hook_mapping_fits(call, mapping, "/mapping", &st)) return st;
  st = message_read(json_string_value(body), json_string_length(body), mapping ? mapping : json_object_get(t->settings, "mapping"), &signal, &call->err);
  if (st == ERR_INVALID || st == ERR_LIMIT) return api_json(call, 200, json_pack("{s:b, s:s, s:{}, s:[]}", "accept", 0, "reason", call->err.msg, "signal", "log"));
  if (st != OK) return st;
  json_array_append_new(t->signals, json_pack("{s:o, s:I}", "signal", signal, "received_ms", (json_int_t)(call->now_ns / NS_PER_MS)));
  t->one = true;
  return trial_ask(call) ? api_wait(call) : trial_done(call);
}

static bool add_signal(void *arg, const struct delivery_row *d) {
  struct trial *t = arg;
  if (strcmp(d->state, "delivered") != 0 && strcmp(d->state, "rejected") != 0) return true;
  json_t *signal = NULL;
  struct err err;
  // As it came, not as the rules of then left it.
  if (message_read(d->body, strlen(d->body), json_object_get(t->settings, "mapping"), &signal, &err) != OK) return true;
  json_array_insert_new(t->signals, 0, json_pack("{s:o, s:I, s:o, s:s}", "signal", signal, "received_ms", (json_int_t)(d->received_ns / NS_PER_MS), "delivery_id", api_id("dlv", d->id), "state", d->state));
  return json_array_size(t->signals) < DRY_MAX;
}

static enum status trial_of_day(struct api_call *call, struct trial *t) {
  enum status st;
  const int64_t since_ns = api_body_int(call, "since_ms", call->now_ns / NS_PER_MS - 86400000) * NS_PER_MS;
  st = delivery_list(reader(call), t->hook.id, INT64_MAX, DRY_ROWS, add_signal, t, &call->err);
  if (st != OK) return st;
  for (size_t n; (n = json_array_size(t->signals)) && json_integer_value(json_object_get(json_array_get(t->signals, 0), "received_ms")) * NS_PER_MS < since_ns;) json_array_remove(t->signals, 0);
  return trial_over(call) || !trial_ask(call) ? trial_done(call) : api_wait(call);
}

enum status api_hook_dry_run(struct api_call *call) {
  enum status st;
  struct trial *t = trial_begin(call, &st);
  return t ? trial_of_day(call, t) : st;
}

// Is it a rule, and do its settings fit? What it was described as is of no use otherwise.
static void draft_described(void *arg, bool accepted, json_t *log, json_t *signal, const struct err *err) {
  struct api_call *call = arg;
  struct trial *t = call->state;
  (void)signal;
  const char *wrong = json_string_value(json_object_get(json_array_get(log, 0), "error"));
  t->described = accepted;
  if (!log) utf8_copy(t->why, sizeof t->why, err->msg);
  else if (!accepted) utf8_copy(t->wrong, sizeof t->wrong, wrong ? wrong : "it is no rule");
  api_resume(call, draft_known);
}

static enum status draft_known(struct api_call *call) {
  struct trial *t = call->state;
  if (t->described) return trial_of_day(call, t);
  return t->wrong[0] ? api_invalid_at(call, "/source", t->wrong) : trial_done(call);
}

enum status api_hook_rule_run(struct api_call *call) {
  enum status st;
  char sha[SHA256_HEX_SIZE];
  struct trial *t = trial_begin(call, &st);
  if (!t) return st;
  const char *source = api_body_text(call, "source");
  sha256_hex(source, strlen(source), sha);
  if (!t->stages) t->stages = json_array();
  t->draft = (struct signal_draft){rules_source_create(call->who.tenant_id, "draft.lua", sha, source, strlen(source)), json_object_get(call->body, "settings")};
  if (!t->draft.source) return err_set(&call->err, ERR_NOMEM, "out of memory");
  st = rules_host_describe(signal_desk_rules(call->core->desk), call->who.tenant_id, "draft.lua", source, strlen(source), draft_described, call, &call->err);
  return st == OK ? api_wait(call) : st;
}

// api/ea_terminal.c – what terminals of MetaTrader ask: /ea/{ea}/hello, poll, commands, signals. Each request is looked at in the same order:
// token, signature, rate, number; only then is it read. What it hands out or uses up is on the disk before the answer leaves.
#include "api/core.h"
#include "api/ea_desk.h"
#include "api/handlers.h"
#include "api/hooks.h"
#include "loop/clock.h"
#include "store/id.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PER_MINUTE 1200   // of an account; usual are 240
#define BURST 240

struct terminal {
  struct ea_client *client;       // stays as long as the desk does
  uint64_t number, reserve;       // reserve: to be written; 0: nothing is
  struct ea_hello hello;
  struct ea_result *results;      // of a report, as it was
  size_t result_count;
  struct ea_handed handed[EA_HAND_MAX];
  char *texts[EA_HAND_MAX];
  bool twice[EA_HAND_MAX];        // its name was handed out before
  size_t handed_count;
  int64_t asked_ns, wait_ms;      // when it came, monotonic; how long it may be held
  bool written;
};

static enum status no_memory(struct api_call *call) { return err_set(&call->err, ERR_NOMEM, "out of memory"); }

// Whatever becomes of the call: what was taken out of the bridge and not written down was never handed out.
static void finish(struct api_call *call) {
  struct terminal *t = call->state;
  for (size_t i = 0; i < t->handed_count; i++) {
    if (!t->written) ea_bridge_keep(t->client->bridge, t->handed[i].command.id);
    free(t->texts[i]);
  }
  ea_hello_finish(&t->hello);
  free(t->results);
}

// ---- who asks

// The path as it is signed: without the query.
static size_t path_len(const struct api_request *req) { return req->path_len; }

static enum status refuse_number(struct api_call *call, const struct ea_client *c) {
  api_field(call, "X-Perigee-Sequence", "%" PRIu64, c->numbers.last);
  return api_problemf(call, PROBLEM_conflict, "The sequence is used: go on above %" PRIu64 ".", c->numbers.last);
}

static bool within_rate(struct api_call *call, const struct ea_client *c) {
  const struct rate_result r = api_rate_take(call->core, "a terminal", &c->account_id, sizeof c->account_id, PER_MINUTE, BURST);
  if (!r.allowed) api_field(call, "Retry-After", "%lld", (long long)r.retry_after_s);
  return r.allowed;
}

// False: answered, or *ret tells why not.
static bool enter(struct api_call *call, struct terminal **ret_terminal, enum status *ret) {
  const struct api_request *req = call->req;
  struct terminal *t = api_alloc(call, sizeof *t);
  char right[EA_SIGNATURE_SIZE];
  *ret = t ? OK : no_memory(call);
  if (!t) return false;
  if (!api_guess_allowed(call->core, req->address)) return *ret = api_problem(call, PROBLEM_rate_limited, "There were too many addresses from here that are none."), false;
  if (!call->core->eas) return *ret = api_problem(call, PROBLEM_unavailable, "No service is running that terminals could work with."), false;
  *ret = ea_desk_client(call->core->eas, api_param(call, "ea"), &t->client, &call->err);
  if (*ret == ERR_NOTFOUND) {
    api_guess_failed(call->core, req->address);
    return *ret = api_problem(call, PROBLEM_not_found, NULL), false;
  }
  if (*ret != OK) return false;
  if (req->body_len > EA_BODY_MAX) return *ret = api_problemf(call, PROBLEM_body_too_large, "A message has at most %d bytes.", EA_BODY_MAX), false;
  const bool numbered = ea_number_parse(req->field(req, EA_FIELD_NUMBER), &t->number);
  *ret = ea_sign(t->client->secret, req->method, req->path, path_len(req), t->number, req->body, req->body_len, right, &call->err);
  if (*ret != OK) return false;
  if (!numbered || !ea_signature_fits(right, req->field(req, EA_FIELD_SIGNATURE))) {
    api_guess_failed(call->core, req->address);
    return *ret = api_problem(call, PROBLEM_forbidden, "X-Perigee-Sequence and X-Perigee-Signature are not those of this request."), false;
  }
  if (!within_rate(call, t->client)) return *ret = api_problem(call, PROBLEM_rate_limited, "More requests than a terminal may make in a minute."), false;
  const enum ea_number n = ea_number_take(&t->client->numbers, t->number);
  if (n == EA_NUMBER_OLD) return *ret = refuse_number(call, t->client), false;
  if (n == EA_NUMBER_RESERVE) t->reserve = ea_numbers_ahead(&t->client->numbers);
  t->asked_ns = clock_monotonic_ns();
  call->state = t;
  call->cleanup = finish;
  *ret_terminal = t;
  return true;
}

static enum status write_reserve(struct api_call *call, struct db *db) {
  const struct terminal *t = call->state;
  return t->reserve ? ea_link_reserve(db, t->client->account_id, t->reserve, &call->err) : OK;
}
static void reserved(const struct terminal *t) {
  if (t->reserve) ea_numbers_written(&t->client->numbers, t->reserve);
}

// Takes body.
static enum status answer(struct api_call *call, const struct terminal *t, json_t *body) {
  char right[EA_SIGNATURE_SIZE];
  char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
  json_decref(body);
  if (!text) return no_memory(call);
  const enum status st = ea_sign(t->client->secret, "ANSWER", call->req->path, path_len(call->req), t->number, text, strlen(text), right, &call->err);
  if (st != OK) return free(text), st;
  api_field(call, "X-Perigee-Signature", "%s", right);
  return api_text(call, 200, "application/json", text, strlen(text));
}

// ---- hello

static enum status write_hello(struct api_call *call, struct db *db) {
  const struct terminal *t = call->state;
  enum status st = write_reserve(call, db);
  if (st == OK) st = ea_link_bind(db, t->client->account_id, t->hello.login, t->hello.server, call->now_ns, &call->err);
  if (st == ERR_EXISTS) return api_problem(call, PROBLEM_conflict, "The account belongs to another login: make a new token if the terminal is to change.");
  return st;
}

static enum status greeted(struct api_call *call) {
  struct terminal *t = call->state;
  reserved(t);
  snprintf(t->client->login, sizeof t->client->login, "%s", t->hello.login);
  snprintf(t->client->server, sizeof t->client->server, "%s", t->hello.server);
  ea_bridge_hello(t->client->bridge, &t->hello);
  json_t *body = ea_bridge_answer(t->client->bridge);
  json_object_set_new(body, "protocol", json_integer(EA_PROTOCOL));
  json_object_set_new(body, "commands", json_array());
  return answer(call, t, body);
}

enum status api_ea_hello(struct api_call *call) {
  struct terminal *t;
  enum status st;
  if (!enter(call, &t, &st)) return st;
  st = ea_hello_read(call->req->body, call->req->body_len, &t->hello, &call->err);
  if (st == ERR_INVALID) return api_problem(call, PROBLEM_validation_failed, call->err.msg);
  if (st != OK) return st;
  if (t->hello.protocol != EA_PROTOCOL) return api_problemf(call, PROBLEM_conflict, "The protocol is %d.", EA_PROTOCOL);
  if (strncmp(t->client->venue, t->hello.platform, 3) != 0) return api_problemf(call, PROBLEM_conflict, "The account is one of %s.", t->client->venue);
  return api_write_then(call, write_hello, greeted);
}

// ---- reports and commands

static enum status write_results(struct api_call *call, struct db *db) {
  static const char *const states[] = {[EA_SAID_DONE] = "done", [EA_SAID_REFUSED] = "refused", [EA_SAID_MISSED] = "missed", [EA_SAID_UNSURE] = "unsure"};
  const struct terminal *t = call->state;
  enum status st = OK;
  for (size_t i = 0; st == OK && i < t->result_count; i++) {
    const struct ea_result *r = &t->results[i];
    st = ea_command_finish(db, &(struct ea_command_row){.account_id = t->client->account_id, .name = r->id, .state = states[r->said], .done_ns = call->now_ns, .ticket = r->ticket, .code = r->code, .text = r->text}, &call->err);
  }
  return st;
}

static enum status write_handed(struct api_call *call, struct db *db) {
  struct terminal *t = call->state;
  enum status st = write_reserve(call, db);
  if (st == OK) st = write_results(call, db);
  for (size_t i = 0; st == OK && i < t->handed_count; i++) {
    st = ea_command_insert(db, &(struct ea_command_row){.id = id_next(call->now_ns), .account_id = t->client->account_id, .name = t->handed[i].command.id, .command = t->texts[i], .leased_ns = call->now_ns}, &call->err);
    if (st == ERR_EXISTS) t->twice[i] = true, st = OK;
  }
  return st;
}

static enum status handed(struct api_call *call) {
  struct terminal *t = call->state;
  json_t *body = ea_bridge_answer(t->client->bridge), *list = json_array();
  reserved(t);
  t->written = true;
  for (size_t i = 0; i < t->handed_count; i++) {
    if (t->twice[i]) ea_bridge_unsure(t->client->bridge, t->handed[i].command.id);
    else json_array_append_new(list, json_loads(t->texts[i], 0, NULL));
  }
  json_object_set_new(body, "commands", list);
  return answer(call, t, body);
}

static enum status hand_out(struct api_call *call, struct terminal *t) {
  t->handed_count = ea_bridge_hand(t->client->bridge, t->handed);
  // Its lease begins when the terminal asked, and the request was held since.
  const int64_t held_ms = (clock_monotonic_ns() - t->asked_ns) / INT64_C(1000000);
  for (size_t i = 0; i < t->handed_count; i++) {
    json_t *o = ea_command_json(&t->handed[i].command, t->handed[i].lease_ms + held_ms);
    t->texts[i] = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (!t->texts[i]) return no_memory(call);
  }
  return t->handed_count || t->result_count || t->reserve ? api_write_then(call, write_handed, handed) : handed(call);
}

static enum status go_on(struct api_call *call) { return hand_out(call, call->state); }

// With nothing to hand out, to write down or to ask it may wait for a command.
static enum status hand_out_or_hold(struct api_call *call, struct terminal *t) {
  struct ea_desk *desk = call->core->eas;
  if (t->client->held) ea_desk_release(desk, t->client);  // an older one: nobody listens to it any more
  if (t->wait_ms == 0 || t->result_count || t->reserve || ea_bridge_waits(t->client->bridge) || ea_bridge_asks(t->client->bridge)) return hand_out(call, t);
  (void)ea_bridge_hand(t->client->bridge, t->handed);  // there are none: but of the next we are told
  return ea_desk_hold(desk, t->client, call, t->wait_ms, go_on);
}

static enum status not_greeted(struct api_call *call) { return api_problem(call, PROBLEM_conflict, "No hello has come since the service began: POST …/hello first."); }

enum status api_ea_poll(struct api_call *call) {
  struct terminal *t;
  struct ea_report report;
  enum status st;
  if (!enter(call, &t, &st)) return st;
  st = ea_report_read(call->req->body, call->req->body_len, &report, &call->err);
  if (st == ERR_INVALID) return api_problem(call, PROBLEM_validation_failed, call->err.msg);
  if (st != OK) return st;
  t->results = report.result_count ? malloc(report.result_count * sizeof *t->results) : NULL;
  if (report.result_count && !t->results) return ea_report_finish(&report), no_memory(call);
  if (t->results) memcpy(t->results, report.results, report.result_count * sizeof *t->results);
  t->result_count = report.result_count;
  t->wait_ms = report.wait_ms < EA_WAIT_MAX_MS ? report.wait_ms : EA_WAIT_MAX_MS;
  st = ea_bridge_report(t->client->bridge, &report, &call->err);
  if (st == ERR_CANCELLED) return not_greeted(call);
  if (st == ERR_INVALID) return api_problem(call, PROBLEM_validation_failed, call->err.msg);
  return st == OK ? hand_out_or_hold(call, t) : st;
}

enum status api_ea_commands(struct api_call *call) {
  struct terminal *t;
  enum status st;
  if (!enter(call, &t, &st)) return st;
  return ea_bridge_greeted(t->client->bridge) ? hand_out(call, t) : not_greeted(call);
}

// ---- signals: the terminal's own hook takes them

static enum status signed_receipt(struct api_call *call, void *arg) {
  json_t *body = json_incref(call->out);
  return answer(call, arg, body);
}

static enum status take_signal(struct api_call *call) {
  struct terminal *t = call->state;
  reserved(t);
  return hook_take(call, t->client->tenant_id, t->client->hook_id, call->req->body, call->req->body_len, signed_receipt, t);
}

enum status api_ea_signal(struct api_call *call) {
  struct terminal *t;
  enum status st;
  if (!enter(call, &t, &st)) return st;
  if (t->client->hook_id == 0) return api_problem(call, PROBLEM_conflict, "No hook takes this terminal's signals: PUT /accounts/{id}/ea/hook.");
  return t->reserve ? api_write_then(call, write_reserve, take_signal) : take_signal(call);
}

// api/replays.c – replays, what-ifs and checks of a bot's run that somebody asked for: acknowledged when their row is committed, worked on in
// a jailed child, followed on the bot's channel; after a restart what was not done begins again, since it is a function of its request.
#include "api/replays.h"

#include "api/bots.h"
#include "api/core.h"
#include "api/handlers.h"
#include "api/list.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "market/bar.h"
#include "store/id.h"
#include "store/replay_rows.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct running {
  struct running *next;
  struct replays *all;
  struct job *job;
  int64_t id, tenant_id, bot_id;
  bool is_parity, is_cancelled;
  unsigned permille, told;
};

struct replays {
  struct api_core *core;
  struct parity_night *night;
  struct running *first;
  unsigned writes;  // handed to the store and not yet answered
};

struct parity_night *replays_night(struct replays *r) { return r->night; }

// ---- work

static void publish(struct running *r, const char *state, json_t *more) {
  char channel[40] = "bot:";
  id_format("bot", r->bot_id, channel + 4);
  json_t *data = more ? more : json_object();
  json_object_set_new(data, "id", api_id("rpl", r->id));
  json_object_set_new(data, "state", json_string(state));
  stream_publish(r->all->core->hub, channel, "replay", data, clock_wall_ns() / 1000000);
  json_decref(data);
}

struct change {
  struct running *ended;  // NULL: it has begun
  struct replays *all;
  int64_t id, now_ns;
  enum backtest_state state;
  char *error, *result;
  size_t len;
};

static enum status change_write(struct db *db, void *arg, struct err *err) {
  const struct change *c = arg;
  if (!c->ended) return replay_start(db, c->id, c->now_ns, err);
  return replay_end(db, c->id, c->state, c->now_ns, c->error, c->result, c->len, err);
}

static void change_done(void *arg, enum status st, const struct err *err) {
  struct change *c = arg;
  c->all->writes--;
  if (c->ended && st == OK) publish(c->ended, backtest_state_text(c->state), c->error ? json_pack("{s:s}", "error", c->error) : NULL);
  else if (st != OK && st != ERR_NOTFOUND) api_log(c->all->core, "error", "replay_row", json_pack("{s:s}", "error", err->msg));
  free(c->ended);
  free(c->error);
  free(c->result);
  free(c);
}

static void change(struct running *r, enum backtest_state state, const char *error, const char *result, size_t len, bool ended) {
  struct change *c = calloc(1, sizeof *c);
  char *copy = c && result ? malloc(len + 1) : NULL;
  if (!c || (result && !copy)) {  // its row stays, and the next start works on it
    free(c);
    if (ended) free(r);
    return;
  }
  *c = (struct change){ended ? r : NULL, r->all, r->id, clock_wall_ns(), state, error ? strdup(error) : NULL, copy, len};
  if (copy) memcpy(copy, result, len);
  r->all->writes++;
  store_write(r->all->core->store, STORE_CONTROL, change_write, change_done, c);
}

static void on_start(void *arg) {
  struct running *r = arg;
  change(r, BACKTEST_RUNNING, NULL, NULL, 0, false);
  publish(r, "running", NULL);
}

static void on_progress(void *arg, unsigned permille) {
  struct running *r = arg;
  r->permille = permille;
  if (r->told && permille < r->told + 10) return;  // the first is told whatever it is: one that is quick has no other
  r->told = permille;
  publish(r, "running", json_pack("{s:f}", "progress", permille / 1000.0));
}

static void on_done(void *arg, const struct job_outcome *o) {
  struct running *r = arg;
  struct running **at = &r->all->first;
  char words[600];
  while (*at != r) at = &(*at)->next;
  *at = r->next;
  if (r->is_cancelled || (o->end == JOB_CANCELLED && r->all->core->draining)) {  // its row says so already; or stays, for the next start
    if (r->is_cancelled && !r->all->core->draining) publish(r, "cancelled", NULL);
    free(r);
    return;
  }
  if (r->is_parity) parity_night_came(r->all->night, r->tenant_id, r->bot_id, o);
  if (o->end == JOB_DONE) change(r, BACKTEST_DONE, NULL, o->text, o->len, true);
  else if (o->end == JOB_CANCELLED) change(r, BACKTEST_CANCELLED, NULL, NULL, 0, true);
  else change(r, BACKTEST_FAILED, replay_job_error(o, words), NULL, 0, true);
}

static int64_t number(const json_t *request, const char *key, int64_t absent) {
  const json_t *v = json_object_get(request, key);
  return json_is_integer(v) ? json_integer_value(v) : absent;
}

// The customer's request as bot/replay_task.h wants it.
static json_t *task_of(struct replays *all, const char *kind, const json_t *request, struct replay_wish *wish) {
  if (strcmp(kind, "parity") == 0) return parity_night_task(all->core, wish->bot_id, wish);
  const int64_t to_ms = number(request, "to_ms", 0);
  wish->run = (uint32_t)number(request, "run", 0);
  wish->to_ns = to_ms ? to_ms * NS_PER_MS : INT64_MAX;
  if (strcmp(kind, "what_if") == 0) {
    wish->version = (uint32_t)number(request, "version", 0);
    const json_t *params = json_object_get(request, "params");
    return json_pack("{s:s, s:I, s:o, s:I}", "task", "what_if", "at_ns", (json_int_t)(number(request, "from_ms", 0) * NS_PER_MS), "params", params ? json_deep_copy(params) : json_object(),
                     "version", (json_int_t)wish->version);
  }
  const bool whole = !json_object_get(request, "from_ms") && !to_ms;
  json_t *task = json_pack("{s:s, s:b, s:b}", "task", "verify", "list", !json_is_true(json_object_get(request, "verify")), "certify", json_is_true(json_object_get(request, "verify")) && whole);
  if (json_object_get(request, "from_ms")) json_object_set(task, "from_ms", json_object_get(request, "from_ms"));
  if (json_is_true(json_object_get(request, "plots"))) json_object_set_new(task, "plots", json_true());
  if (json_object_get(request, "explain_ms")) json_object_set_new(task, "explain_ns", json_integer(number(request, "explain_ms", 0) * NS_PER_MS));
  return task;
}

void replays_submit(struct replays *all, int64_t id, int64_t tenant_id, int64_t bot_id, const char *kind, const char *request) {
  struct running *r = calloc(1, sizeof *r);
  struct err err;
  if (!r) return;
  *r = (struct running){.all = all, .id = id, .tenant_id = tenant_id, .bot_id = bot_id, .is_parity = strcmp(kind, "parity") == 0};
  json_t *tree = json_loads(request, 0, NULL);
  const struct jobs_grant grant = jobs_grant_now(all->core, tenant_id, clock_wall_ns());
  struct replay_job how = {.tenant_id = tenant_id, .parallel = grant.parallel, .wish = {.tenant_id = tenant_id, .bot_id = bot_id, .to_ns = INT64_MAX}, .cpu_s = grant.cpu_s ? grant.cpu_s : REPLAY_CPU_S,
                           .start = on_start, .progress = on_progress, .done = on_done, .arg = r};
  json_t *task = task_of(all, kind, tree, &how.wish);
  how.task = task;
  enum status st = task ? replay_job_start(all->core, &how, &r->job, &err) : err_set(&err, ERR_NOMEM, "out of memory");
  json_decref(task);
  json_decref(tree);
  if (st != OK) {
    change(r, BACKTEST_FAILED, err.msg, NULL, 0, true);
    return;
  }
  r->next = all->first;
  all->first = r;
}

static struct running *find(const struct replays *all, int64_t id) {
  struct running *r = all ? all->first : NULL;
  while (r && r->id != id) r = r->next;
  return r;
}

// ---- answers

static json_t *replay_json(struct api_core *core, const struct replay_row *row) {
  const struct running *r = row->state == BACKTEST_RUNNING ? find(core->replays, row->id) : NULL;  // on the loop's thread then
  const double progress = row->state == BACKTEST_DONE ? 1.0 : r ? r->permille / 1000.0 : 0.0;
  json_t *result = row->result ? json_loads(row->result, 0, NULL) : NULL;
  return json_pack("{s:o, s:o, s:s, s:s, s:f, s:s?, s:o, s:o, s:o, s:o, s:o}", "id", api_id("rpl", row->id), "bot_id", api_id("bot", row->bot_id), "kind", row->kind, "state",
                   backtest_state_text(row->state), "progress", progress, "error", row->error, "created_at_ms", api_ms(row->created_ns), "started_at_ms", api_ms(row->started_ns),
                   "finished_at_ms", api_ms(row->finished_ns), "request", json_loads(row->request, 0, NULL), "result", result ? result : json_null());
}

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

static bool own_bot(struct api_call *call, enum status *ret) {
  struct bot_row row;
  *ret = bot_get(reader(call), call->who.tenant_id, api_param_id(call, "bot_id"), &row, &call->err);
  if (*ret != OK) return false;
  bot_row_finish(&row);
  return true;
}

static void add_replay(void *arg, const struct replay_row *row) {
  struct api_list *l = arg;
  if (api_list_room(l, row->id)) json_array_append_new(l->items, replay_json(l->call->core, row));
}

enum status api_bot_replays(struct api_call *call) {
  struct api_list l;
  enum status st;
  if (!own_bot(call, &st)) return st;
  if (!api_list_begin(call, &l, API_LIST_NEWEST)) return OK;
  return api_list_end(&l, replay_list(reader(call), call->who.tenant_id, api_param_id(call, "bot_id"), l.at, l.limit + 1, add_replay, &l, &call->err));
}

static void take_one(void *arg, const struct replay_row *row) {
  struct api_call *call = arg;
  call->state = replay_json(call->core, row);
}

enum status api_bot_replay_get(struct api_call *call) {
  enum status st = replay_get(reader(call), call->who.tenant_id, api_param_id(call, "bot_id"), api_param_id(call, "replay_id"), take_one, call, &call->err);
  return st == OK ? api_json(call, 200, call->state) : st;
}

// ---- asking

struct asked {
  int64_t id;
  const char *kind;
  const char *request;  // lives as long as the call
};

static enum status insert(struct api_call *call, struct db *db) {
  const struct asked *a = call->state;
  struct replay_row row = {.id = a->id, .tenant_id = call->who.tenant_id, .bot_id = api_param_id(call, "bot_id"), .user_id = call->who.user_id, .state = BACKTEST_QUEUED,
                           .created_ns = call->now_ns, .request = a->request};
  snprintf(row.kind, sizeof row.kind, "%s", a->kind);
  enum status st = replay_insert(db, &row, &call->err);
  return st == OK ? api_json(call, 202, replay_json(call->core, &row)) : st;
}

static enum status submit(struct api_call *call) {
  const struct asked *a = call->state;
  replays_submit(call->core->replays, a->id, call->who.tenant_id, api_param_id(call, "bot_id"), a->kind, a->request);
  return OK;
}

static enum status ask(struct api_call *call, const char *kind) {
  int64_t open = 0;
  enum status st;
  if (!call->core->replays) return api_problem(call, PROBLEM_unavailable, "Replays need a running server.");
  if (!own_bot(call, &st)) return st;
  if ((st = replay_count_open(reader(call), call->who.tenant_id, &open, &call->err)) != OK) return st;
  if (open >= REPLAYS_OPEN_MAX) return api_problemf(call, PROBLEM_conflict, "At most %d replays may wait or run at once: let some end, or cancel them.", REPLAYS_OPEN_MAX);
  const int64_t from_ms = call->body ? api_body_int(call, "from_ms", 0) : 0, to_ms = call->body ? api_body_int(call, "to_ms", 0) : 0;
  if (to_ms && to_ms <= from_ms) return api_invalid_at(call, "/to_ms", "must be after from_ms");
  struct asked *a = api_alloc(call, sizeof *a);
  const char *text = call->body ? bots_text(call, call->body) : "{}";
  if (!a || !text) return err_set(&call->err, ERR_NOMEM, "out of memory");
  *a = (struct asked){id_next(call->now_ns), kind, text};
  call->state = a;
  char id[ID_TEXT_SIZE];
  id_format("rpl", a->id, id);
  api_field(call, "Location", API_PREFIX "/bots/%s/replays/%s", api_param(call, "bot_id"), id);
  return api_write_then(call, insert, submit);
}

enum status api_bot_replay(struct api_call *call) { return ask(call, "replay"); }
enum status api_bot_what_if(struct api_call *call) { return ask(call, "what_if"); }
enum status api_bot_parity_check(struct api_call *call) { return ask(call, "parity"); }

static void ignore(void *arg, const struct replay_row *row) { (void)arg, (void)row; }

// Its row says cancelled, and only then the child is ended, so that no crash brings it back. Ended: the row goes.
static enum status cancel_or_forget(struct api_call *call, struct db *db) {
  const int64_t id = api_param_id(call, "replay_id"), bot_id = api_param_id(call, "bot_id");
  enum status st = replay_get(db, call->who.tenant_id, bot_id, id, ignore, NULL, &call->err);
  if (st == OK) st = replay_end(db, id, BACKTEST_CANCELLED, call->now_ns, NULL, NULL, 0, &call->err);
  if (st == ERR_NOTFOUND) st = replay_delete(db, call->who.tenant_id, bot_id, id, &call->err);
  return st == OK ? api_json(call, 204, NULL) : st;
}
static enum status end_work(struct api_call *call) {
  struct running *r = find(call->core->replays, api_param_id(call, "replay_id"));
  if (!r || r->tenant_id != call->who.tenant_id) return OK;
  r->is_cancelled = true;
  job_cancel(r->job);
  return OK;
}
enum status api_bot_replay_delete(struct api_call *call) { return api_write_then(call, cancel_or_forget, end_work); }

// ---- certificates

static void add_certificate(void *arg, const struct parity_row *row) {
  struct api_list *l = arg;
  if (!api_list_room(l, row->id)) return;
  json_t *item = json_loads(row->body, 0, NULL);
  if (!item) item = json_object();
  json_object_set_new(item, "run", json_integer(row->run));
  json_object_set_new(item, "made_at_ms", api_ms(row->made_ns));
  json_object_set_new(item, "verdict", json_string(parity_verdict_text(row->verdict)));
  json_array_append_new(l->items, item);
}

enum status api_bot_parity(struct api_call *call) {
  struct api_list l;
  enum status st;
  if (!own_bot(call, &st)) return st;
  if (!api_list_begin(call, &l, API_LIST_NEWEST)) return OK;
  return api_list_end(&l, parity_list(reader(call), call->who.tenant_id, api_param_id(call, "bot_id"), l.at, l.limit + 1, add_certificate, &l, &call->err));
}

// ---- beginning and end

static void run_again(void *arg, const struct replay_row *row) { replays_submit(arg, row->id, row->tenant_id, row->bot_id, row->kind, row->request); }

enum status replays_create(struct api_core *core, int hour, struct replays **ret, struct err *err) {
  struct replays *r = calloc(1, sizeof *r);
  if (!r) return err_set(err, ERR_NOMEM, "out of memory");
  r->core = core;
  *ret = r;
  enum status st = parity_night_create(core, hour, &r->night, err);
  return st == OK ? replay_list_unfinished(store_reader(core->store, STORE_CONTROL), run_again, r, err) : st;
}

void replays_destroy(struct replays *r) {
  if (!r) return;
  while (r->writes) loop_turn(r->core->loop, true);
  parity_night_destroy(r->night);
  free(r);
}

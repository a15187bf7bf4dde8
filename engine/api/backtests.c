// api/backtests.c – backtests and searches for parameters on the server: queued by a committed row, run in a jailed child, followed on a
// channel. A search is a backtest's request with ranges, so all but its name and its wish is one.
#include "api/bots.h"
#include "api/core.h"
#include "api/handlers.h"
#include "api/header_params.h"
#include "api/jobs.h"
#include "api/list.h"
#include "api/market_data.h"
#include "api/tier.h"
#include "backtest/optimize_request.h"
#include "backtest/request.h"
#include "base/decimal.h"
#include "bot/live.h"
#include "loop/clock.h"
#include "risk/rule_set.h"
#include "store/backtest_rows.h"
#include "store/id.h"
#include "store/script_rows.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPEN_MAX 40  // of one tenant; the runner's own bound is above it

static const struct work_kind {
  enum backtest_kind kind;
  const char *prefix, *param, *path;
  enum plan_action action;
} one_run = {BACKTEST_ONE, "bkt", "backtest_id", "backtests", ACTION_BACKTEST}, search = {BACKTEST_SEARCH, "opt", "optimization_id", "optimizations", ACTION_OPTIMIZE};

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

static json_t *backtest_json(struct api_core *core, const struct backtest_row *row) {
  const double progress = row->state == BACKTEST_DONE ? 1.0 : row->state == BACKTEST_RUNNING && core->jobs ? jobs_permille(core->jobs, row->id) / 1000.0 : 0.0;
  json_t *summary = row->summary ? json_loads(row->summary, 0, NULL) : NULL;
  return json_pack("{s:o, s:o, s:I, s:s, s:f, s:s?, s:o, s:o, s:o, s:o, s:o?}", "id", api_id(row->kind == BACKTEST_SEARCH ? search.prefix : one_run.prefix, row->id), "strategy_id", api_id("str", row->strategy_id), "version",
                   (json_int_t)row->version, "state", backtest_state_text(row->state), "progress", progress, "error", row->error, "created_at_ms", api_ms(row->created_ns),
                   "started_at_ms", api_ms(row->started_ns), "finished_at_ms", api_ms(row->finished_ns), "request", json_loads(row->request, 0, NULL), "summary", summary);
}

// ---- reading

// Texts of the request that may have 128 KiB each: one backtest shows them, a list does not.
static const char *const files[] = {"funding", "signals", "terms", "news", "rule_set"};

static void add_backtest(void *arg, const struct backtest_row *row) {
  struct api_list *l = arg;
  if (!api_list_room(l, row->id)) return;
  json_t *item = backtest_json(l->call->core, row), *request = json_object_get(item, "request");
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) json_object_del(request, files[i]);
  json_array_append_new(l->items, item);
}

static enum status list_of(struct api_call *call, const struct work_kind *kind) {
  struct api_list l;
  if (!api_list_begin(call, &l, API_LIST_NEWEST)) return OK;
  return api_list_end(&l, backtest_list(reader(call), call->who.tenant_id, kind->kind, api_query_id(call, "strategy_id"), l.at, l.limit + 1, add_backtest, &l, &call->err));
}
enum status api_backtests_list(struct api_call *call) { return list_of(call, &one_run); }
enum status api_optimizations_list(struct api_call *call) { return list_of(call, &search); }

// A result may have megabytes: it was parsed when it came in, and goes out as the text it is.
struct one {
  struct api_core *core;
  struct buf text;
};
static void write_one(void *arg, const struct backtest_row *row) {
  struct one *one = arg;
  json_t *tree = backtest_json(one->core, row);
  char *head = tree ? json_dumps(tree, JSON_COMPACT) : NULL;
  json_decref(tree);
  if (!head) {
    one->text.failed = true;
    return;
  }
  buf_add(&one->text, head, strlen(head) - 1);  // without the brace
  buf_str(&one->text, ",\"result\":");
  buf_str(&one->text, row->result ? row->result : "null");
  buf_str(&one->text, "}");
  free(head);
}

static enum status get_of(struct api_call *call, const struct work_kind *kind) {
  struct one one = {.core = call->core};
  buf_init(&one.text, 64u << 20);
  enum status st = backtest_get(reader(call), call->who.tenant_id, kind->kind, api_param_id(call, kind->param), true, write_one, &one, &call->err);
  if (st == OK && one.text.failed) st = err_set(&call->err, ERR_NOMEM, "out of memory");
  if (st != OK) {
    buf_finish(&one.text);
    return st;
  }
  return api_text(call, 200, "application/json", one.text.data, one.text.len);
}
enum status api_backtest_get(struct api_call *call) { return get_of(call, &one_run); }
enum status api_optimization_get(struct api_call *call) { return get_of(call, &search); }

// ---- queueing

struct wish {
  const struct work_kind *kind;
  int64_t id, strategy_id, version;
  char *request;   // the row's, in the call's memory
  char *source;
  size_t source_len;
};

// A message that begins with a JSON pointer, as the problem of that field; of another, the whole's.
static bool refused_at(struct api_call *call, const char *whole) {
  const char *colon = call->err.msg[0] == '/' ? strchr(call->err.msg, ':') : NULL;
  char pointer[128];
  snprintf(pointer, sizeof pointer, "%.*s", colon ? (int)(colon - call->err.msg) : 0, call->err.msg);
  (void)api_invalid_at(call, colon ? pointer : whole, colon ? colon + 2 : call->err.msg);
  return false;
}

// What the schema cannot say of a config: limits of each figure, in the words of the engine itself.
static bool config_fits(struct api_call *call) {
  struct backtest_config *c = malloc(sizeof *c);
  if (!c) return false;
  backtest_config_init(c);
  json_t *config = json_object_get(call->body, "config");
  enum status st = config ? request_config_parse(config, c, &call->err) : OK;
  free(c);
  return st == OK || refused_at(call, "/config");
}

// What is wrong with a search. header: NULL where its script has none as yet, and the child will say what its ranges are worth.
static bool search_wish_fits(struct api_call *call, const json_t *header) {
  static const char *const keys[] = {"ranges", "method", "trials", "seed", "objective", "require", "out_of_sample_pct", "walk_forward", "anchored"};
  struct optimize_options *o = malloc(sizeof *o);
  struct script_spec *spec = header ? header_params(header) : NULL;
  json_t *wish = json_object();
  enum status st = o && wish && (spec || !header) ? OK : err_set(&call->err, ERR_NOMEM, "out of memory");
  for (size_t i = 0; st == OK && i < sizeof keys / sizeof *keys; i++) json_object_set(wish, keys[i], json_object_get(call->body, keys[i]));
  if (st == OK) {
    optimize_options_init(o, spec);
    st = optimize_request_parse(wish, spec != NULL, o, &call->err);
  }
  const char *whole = "/ranges";
  if (st == OK && spec && (st = search_fits(&o->space, o->method, o->trials, &call->err)) != OK) whole = "/trials";
  json_decref(wish);
  free(spec);
  free(o);
  return st == OK || refused_at(call, whole);
}

// Parameters and ranges by the script's header, so that a form hears of a mistake at once and at its field.
static bool header_fits(struct api_call *call, const struct work_kind *kind, const char *text) {
  json_t *header = text ? json_loads(text, 0, NULL) : NULL;
  struct schema_errors errors = {0};
  bool fits = !header || header_params_check(header, json_object_get(call->body, "params"), false, &errors, &call->err) == OK;
  if (!fits) (void)api_problem(call, PROBLEM_unavailable, call->err.msg);
  if (errors.count) fits = false, (void)api_invalid(call, PROBLEM_validation_failed, NULL, &errors);
  if (fits && kind == &search) fits = search_wish_fits(call, header);
  json_decref(header);
  return fits;
}

static bool roles_fit(struct api_call *call) {
  static const char *const roles[] = {"bars", "detail", "mark"};
  int count[3] = {0};
  size_t i;
  json_t *d;
  json_array_foreach(json_object_get(call->body, "data"), i, d) {
    const char *role = json_string_value(json_object_get(d, "role"));
    size_t k = 0;
    while (role && strcmp(roles[k], role) != 0) k++;  // the schema knows these three
    char pointer[40];
    snprintf(pointer, sizeof pointer, "/data/%zu/%s", i, k > 0 && json_object_get(d, "stream") ? "stream" : "role");
    if (k > 0 && json_object_get(d, "stream")) return (void)api_invalid_at(call, pointer, "goes with role bars only"), false;
    if (++count[k] > 1 && k > 0) return (void)api_invalid_at(call, pointer, "is there twice"), false;
  }
  if (!count[0]) (void)api_invalid_at(call, "/data", "must have history of role bars");
  return count[0] > 0;
}

static bool data_there(struct api_call *call) {
  size_t i;
  json_t *d;
  json_array_foreach(json_object_get(call->body, "data"), i, d) {
    const char *venue = json_string_value(json_object_get(d, "venue"));
    if (market_data_known(store_reader(api_store(call), STORE_MARKET), venue ? venue : "", json_string_value(json_object_get(d, "symbol")),
                          json_string_value(json_object_get(d, "timeframe"))) ||
        market_data_live_known(call->core->live ? live_hub(call->core->live) : NULL, call->who.tenant_id, venue ? venue : "", json_string_value(json_object_get(d, "symbol"))))
      continue;
    char pointer[32];
    snprintf(pointer, sizeof pointer, "/data/%zu", i);
    (void)api_invalid_at(call, pointer, "there is no such history; GET /markets lists what there is");
    return false;
  }
  return true;
}

// The set by its name, as it stands now: put into the request, so that the run is one of its request alone.
static bool rules_fit(struct api_call *call, json_t *request) {
  const char *name = api_body_text(call, "rules"), *cash_text = json_string_value(json_object_get(json_object_get(call->body, "config"), "cash"));
  cash deposit = {10000 * CASH_ONE};
  if (json_object_get(request, "news") && !name) return (void)api_invalid_at(call, "/news", "goes with rules"), false;
  if (!name) return true;
  if (cash_text) (void)!decimal_parse_scaled(cash_text, strlen(cash_text), 8, &deposit.e8);  // config_fits() has said what is wrong
  char *text = rule_set_text(reader(call), call->who.tenant_id, name);
  if (!text) return (void)api_invalid_at(call, "/rules", "there is no rule set of this name: GET /risk/rule-sets lists them"), false;
  struct rule_set *set = NULL;
  const enum status st = rule_set_parse_of(text, strlen(text), deposit, &set, &call->err);
  rule_set_destroy(set);
  json_object_set_new(request, "rule_set", json_loads(text, 0, NULL));
  free(text);
  if (st != OK) (void)api_invalid_at(call, "/rules", call->err.msg);
  return st == OK;
}

static enum status queue(struct api_call *call, struct db *db) {
  struct wish *w = call->state;
  const struct backtest_row row = {.kind = w->kind->kind, .id = w->id, .tenant_id = call->who.tenant_id, .user_id = call->who.user_id, .strategy_id = w->strategy_id, .version = w->version,
                                   .state = BACKTEST_QUEUED, .created_ns = call->now_ns, .request = w->request};
  char key[ID_TEXT_SIZE];
  id_format(w->kind->prefix, w->id, key);
  enum status st = backtest_insert(db, &row, &call->err);
  // Counted for the day. How many run at once is the runner's to hold: the rest waits in the queue.
  if (st == OK) st = api_take(call, db, w->kind->action, key);
  if (st == OK) st = usage_release_action(db, call->who.tenant_id, w->kind->action, key, &call->err);
  if (st != OK) return st;
  json_t *answer = backtest_json(call->core, &row);
  json_object_set_new(answer, "result", json_null());
  return api_json(call, 202, answer);
}

static enum status submit(struct api_call *call) {
  struct wish *w = call->state;
  const struct jobs_grant grant = api_jobs_grant(call);
  jobs_submit(call->core->jobs, w->kind->kind, call->who.tenant_id, w->id, w->request, w->source, w->source_len, &grant);
  return OK;
}

// A strategy of the installation's that a bot could run, too.
static enum status offered_get(struct api_call *call, struct script_row *ret) {
  enum status st = script_get(reader(call), 0, api_body_id(call, "strategy_id"), ret, &call->err);
  return st == OK && (strcmp(ret->kind, "strategy") != 0 || !ret->active_version) ? err_set(&call->err, ERR_NOTFOUND, "not offered") : st;
}

static enum status create_of(struct api_call *call, const struct work_kind *kind) {
  if (!call->core->jobs) return api_problem(call, PROBLEM_unavailable, "Backtests need a running server.");
  if (!api_may(call, kind->action)) return call->err.code;
  int64_t open = 0;
  enum status st = backtest_count_open(reader(call), call->who.tenant_id, &open, &call->err);
  if (st != OK) return st;
  if (open >= OPEN_MAX) return api_problemf(call, PROBLEM_tier_limit, "At most %d backtests may wait or run at once.", OPEN_MAX);
  if (!config_fits(call) || !roles_fit(call) || !data_there(call) || !rules_fit(call, call->body)) return OK;
  struct wish *w = api_alloc(call, sizeof *w);
  if (!w) return err_set(&call->err, ERR_NOMEM, "out of memory");
  struct script_row strategy;
  struct script_version_row version;
  st = script_get(reader(call), call->who.tenant_id, api_body_id(call, "strategy_id"), &strategy, &call->err);
  if (st == ERR_NOTFOUND) st = offered_get(call, &strategy);
  if (st == OK) {
    const int64_t wanted = api_body_int(call, "version", strategy.active_version ? strategy.active_version : strategy.latest_version);
    st = script_version_get(reader(call), strategy.tenant_id, strategy.id, wanted, &version, &call->err);
  }
  if (st == ERR_NOTFOUND) return api_problem(call, PROBLEM_not_found, "There is no such strategy or version.");
  if (st != OK) return st;
  if (!header_fits(call, kind, version.header)) {
    script_version_finish(&version);
    return OK;
  }
  char *request = json_dumps(call->body, JSON_COMPACT);
  *w = (struct wish){kind, id_next(call->now_ns), strategy.id, version.version, api_alloc(call, request ? strlen(request) + 1 : 1), api_alloc(call, version.source_len + 1),
                     version.source_len};
  if (request && w->request && w->source) {
    strcpy(w->request, request);
    memcpy(w->source, version.source, version.source_len);
  } else {
    st = err_set(&call->err, ERR_NOMEM, "out of memory");
  }
  free(request);
  script_version_finish(&version);
  if (st != OK) return st;
  call->state = w;
  char id[ID_TEXT_SIZE];
  id_format(kind->prefix, w->id, id);
  api_field(call, "Location", API_PREFIX "/%s/%s", kind->path, id);
  return api_write_then(call, queue, submit);
}
enum status api_backtest_create(struct api_call *call) { return create_of(call, &one_run); }
enum status api_optimization_create(struct api_call *call) { return create_of(call, &search); }

// ---- ending

// Queued or running: the row says cancelled, and only then the child is ended, so that no crash brings it back. Ended: the row goes.
static void look(void *arg, const struct backtest_row *row) { *(bool *)arg = row->state == BACKTEST_QUEUED || row->state == BACKTEST_RUNNING; }
static enum status cancel_or_forget(struct api_call *call, struct db *db) {
  const struct work_kind *kind = call->state;
  const int64_t id = api_param_id(call, kind->param);
  bool open = false;
  enum status st = backtest_get(db, call->who.tenant_id, kind->kind, id, false, look, &open, &call->err);
  if (st == OK && open) st = backtest_finish(db, call->who.tenant_id, id, BACKTEST_CANCELLED, call->now_ns, NULL, NULL, 0, NULL, &call->err);
  else if (st == OK) st = backtest_delete(db, call->who.tenant_id, kind->kind, id, &call->err);
  return st == OK ? api_json(call, 204, NULL) : st;
}
static enum status end_work(struct api_call *call) {
  const struct work_kind *kind = call->state;
  if (call->core->jobs) jobs_cancel(call->core->jobs, call->who.tenant_id, api_param_id(call, kind->param));
  return OK;
}
static enum status delete_of(struct api_call *call, const struct work_kind *kind) {
  call->state = (void *)kind;
  return api_write_then(call, cancel_or_forget, end_work);
}
enum status api_backtest_delete(struct api_call *call) { return delete_of(call, &one_run); }
enum status api_optimization_delete(struct api_call *call) { return delete_of(call, &search); }

// ---- after a restart

struct again {
  struct api_core *core;
  enum status status;
};
static void run_again(void *arg, const struct backtest_row *row) {
  struct again *a = arg;
  struct script_version_row version;
  struct err err;
  // The reader is in the middle of a list of its own; nested reads are fine.
  enum status st = script_version_get(store_reader(a->core->store, STORE_CONTROL), row->tenant_id, row->strategy_id, row->version, &version, &err);
  if (st == ERR_NOTFOUND) st = script_version_get(store_reader(a->core->store, STORE_CONTROL), 0, row->strategy_id, row->version, &version, &err);
  if (st != OK) {
    jobs_fail(a->core->jobs, row->kind, row->tenant_id, row->id, st == ERR_NOTFOUND ? "its strategy was deleted" : err.msg);
    return;
  }
  const struct jobs_grant grant = jobs_grant_now(a->core, row->tenant_id, clock_wall_ns());
  jobs_submit(a->core->jobs, row->kind, row->tenant_id, row->id, row->request, version.source, version.source_len, &grant);
  script_version_finish(&version);
}

enum status backtests_resume(struct api_core *core, struct err *err) {
  struct again a = {.core = core};
  return backtest_list_unfinished(store_reader(core->store, STORE_CONTROL), run_again, &a, err);
}

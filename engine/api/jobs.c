#include "api/jobs.h"

#include "api/core.h"
#include "api/market_data.h"
#include "bot/live.h"
#include "loop/clock.h"
#include "risk/news.h"
#include "store/backtest_rows.h"
#include "store/id.h"
#include "store/market_rows.h"
#include "store/news_rows.h"
#include "store/store.h"
#include "tenant/usage.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHECKS_PARALLEL 2
#define CHECKS_WAITING 64
#define CHECKS_TENANT_WAITING 4
#define CHECK_CPU_S 2
#define SUMMARY_SCAN_MAX 16384  // bytes of a result's stats

struct running {
  struct running *next;
  struct jobs *jobs;
  struct job *job;
  enum backtest_kind kind;
  int64_t tenant_id, id;  // id 0: a verdict
  unsigned permille, told_permille;
  bool is_started, is_cancelled;
  int64_t heap_bytes;     // granted
  struct jobs_data data[JOBS_DATA_MAX];
  int data_count;
  void (*done)(void *arg, const struct job_outcome *outcome);
  void *arg;
};

struct jobs {
  struct api_core *core;
  struct job_runner *runner, *checks;  // checks: of people who type
  struct running *first;
};

static int64_t memory_in_use(void *arg, int64_t tenant_id);

enum status jobs_create(struct api_core *core, const char *exe, struct jobs **ret, struct err *err) {
  struct jobs *jobs = calloc(1, sizeof *jobs);
  if (!jobs) return err_set(err, ERR_NOMEM, "out of memory");
  jobs->core = core;
  const struct job_runner_options options = {.exe = exe, .stderr_fd = STDERR_FILENO};
  const struct job_runner_options check_options = {.exe = exe, .parallel = CHECKS_PARALLEL, .queue_max = CHECKS_WAITING, .tenant_queue_max = CHECKS_TENANT_WAITING, .stderr_fd = STDERR_FILENO};
  enum status st = job_runner_create(core->loop, &options, &jobs->runner, err);
  if (st == OK) st = job_runner_create(core->loop, &check_options, &jobs->checks, err);
  if (st != OK) {
    job_runner_destroy(jobs->runner);
    free(jobs);
    return st;
  }
  usage_gauge_by(core->usage, LIMIT_LUA_MEMORY_KIB, memory_in_use, jobs);
  *ret = jobs;
  return OK;
}

void jobs_destroy(struct jobs *jobs) {
  if (!jobs) return;
  jobs->core->draining = true;  // what is ended now stays queued in its row, for the next start
  job_runner_destroy(jobs->runner);
  job_runner_destroy(jobs->checks);
  assert(!jobs->first);
  free(jobs);
}

struct job_runner_stats jobs_stats(const struct jobs *jobs) { return job_runner_stats(jobs->runner); }

static void drop(struct running *r) {
  for (int i = 0; i < r->data_count; i++)
    if (r->data[i].is_read) close(r->data[i].fd);
  free(r);
}

static const char *const prefixes[BACKTEST_KINDS] = {"bkt", "opt"};

static void publish(struct running *r, const char *type, json_t *data) {
  char channel[48], id[ID_TEXT_SIZE];
  id_format(prefixes[r->kind], r->id, id);
  snprintf(channel, sizeof channel, "%s:%s", r->kind == BACKTEST_SEARCH ? "optimization" : "backtest", id);
  stream_publish(r->jobs->core->hub, channel, type, data, clock_wall_ns() / 1000000);
  json_decref(data);
}

// ---- rows of what happens

struct change {
  int64_t tenant_id, id, now_ns;
  enum backtest_state state;
  char *error, *result, *summary;
  size_t result_len;
  struct running *ended;  // told when it is committed
};

static enum status change_write(struct db *db, void *arg, struct err *err) {
  const struct change *c = arg;
  if (c->state == BACKTEST_RUNNING) return backtest_start(db, c->tenant_id, c->id, c->now_ns, err);
  return backtest_finish(db, c->tenant_id, c->id, c->state, c->now_ns, c->error, c->result, c->result_len, c->summary, err);
}

static void change_done(void *arg, enum status st, const struct err *err) {
  struct change *c = arg;
  if (c->ended) {
    struct running *r = c->ended;
    if (st == OK) publish(r, backtest_state_text(c->state), c->error ? json_pack("{s:s}", "error", c->error) : json_object());
    else if (st == ERR_NOTFOUND) publish(r, "cancelled", json_object());  // somebody was faster
    else api_log(r->jobs->core, "error", "backtest_row", json_pack("{s:s}", "error", err->msg));
    drop(r);
  }
  free(c->error);
  free(c->result);
  free(c->summary);
  free(c);
}

// What lists show of a result, out of its "stats": those come before anything that is long, and a key of that name with an object is
// nowhere before them, since all else there is flat. A child says what it likes, but only its owner reads it, and what is no flat
// object is left out. NULL: nothing there.
static char *summary_of(const char *result, size_t len) {
  static const char *const shown[] = {"return_pct", "buy_hold_return_pct", "max_drawdown_pct", "sharpe", "trades", "win_rate_pct", "profit_factor", "equity_final", "ambiguous_pct"};
  static const char key[] = "\"stats\":{";
  const char *at = memmem(result, len, key, sizeof key - 1), *end;
  if (!at) return NULL;
  at += sizeof key - 2;
  end = memchr(at, '}', len - (size_t)(at - result));
  json_t *stats = end && end - at < SUMMARY_SCAN_MAX ? json_loadb(at, (size_t)(end + 1 - at), 0, NULL) : NULL, *summary = json_object();
  for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
    json_t *v = json_object_get(stats, shown[i]);
    if (v && (!json_is_string(v) || json_string_length(v) < 64)) json_object_set(summary, shown[i], v);
  }
  char *text = stats ? json_dumps(summary, JSON_COMPACT) : NULL;
  json_decref(stats);
  json_decref(summary);
  return text;
}

static void change(struct running *r, enum backtest_state state, const char *error, const char *result, size_t result_len, bool ended) {
  struct change *c = calloc(1, sizeof *c);
  char *copy = c && result ? malloc(result_len + 1) : NULL;
  if (!c || (result && !copy)) {  // the row stays as it is, and the next start runs it again
    free(c);
    if (ended) drop(r);
    return;
  }
  *c = (struct change){.tenant_id = r->tenant_id, .id = r->id, .now_ns = clock_wall_ns(), .state = state, .error = error ? strdup(error) : NULL,
                       .ended = ended ? r : NULL};
  if (result) {
    memcpy(copy, result, result_len);
    c->result = copy;
    c->result_len = result_len;
    c->summary = summary_of(result, result_len);
  }
  store_write(r->jobs->core->store, STORE_CONTROL, change_write, change_done, c);
}

// ---- the runner's calls

static void on_start(void *arg) {
  struct running *r = arg;
  r->is_started = true;
  if (r->id == 0) return;
  change(r, BACKTEST_RUNNING, NULL, NULL, 0, false);
  publish(r, "running", json_object());
}

static void on_progress(void *arg, unsigned permille) {
  struct running *r = arg;
  r->permille = permille;
  if (r->id == 0 || permille < r->told_permille + 10) return;
  r->told_permille = permille;
  publish(r, "progress", json_pack("{s:f}", "progress", permille / 1000.0));
}

static void unlink_running(struct running *r) {
  struct running **at = &r->jobs->first;
  while (*at != r) at = &(*at)->next;
  *at = r->next;
}

static void on_end(void *arg, const struct job_outcome *o) {
  struct running *r = arg;
  struct api_core *core = r->jobs->core;
  unlink_running(r);
  if (o->detail[0])
    api_log(core, "warning", "job", json_pack("{s:o, s:s, s:s, s:s}", "job", api_id(prefixes[r->kind], r->id), "end", job_end_text(o->end), "reason", o->reason, "detail", o->detail));
  if (r->done) {
    r->done(r->arg, o);
    drop(r);
    return;
  }
  if (r->is_cancelled || (o->end == JOB_CANCELLED && core->draining)) {
    if (r->is_cancelled && !core->draining) publish(r, "cancelled", json_object());  // its row says so already
    drop(r);
    return;
  }
  if (o->end == JOB_DONE) change(r, BACKTEST_DONE, NULL, o->text, o->len, true);  // the runner has checked that it is a JSON object
  else if (o->end == JOB_CANCELLED) change(r, BACKTEST_CANCELLED, NULL, NULL, 0, true);
  else change(r, BACKTEST_FAILED, o->reason[0] ? o->reason : job_end_text(o->end), NULL, 0, true);
}

// On a thread of the pool, with a connection of its own: years of minutes take milliseconds.
static enum status load_data(void *arg, int *ret_fds, unsigned *ret_count, struct err *err) {
  struct running *r = arg;
  struct db *db;
  *ret_count = 0;
  enum status st = market_db_open(store_dir(r->jobs->core->store), &db, err);
  if (st != OK) return st;
  for (int i = 0; st == OK && i < r->data_count; i++) {
    struct jobs_data *d = &r->data[i];
    if (d->is_read) ret_fds[i] = d->fd;
    else st = market_data_memfd(db, d->venue, d->symbol, d->timeframe, &ret_fds[i], err);
    d->is_read = false;
    if (st == OK) ++*ret_count;
    else err_wrap(err, st, "%s %s", d->symbol, d->timeframe);
  }
  market_db_close(db);
  while (st != OK && *ret_count > 0) close(ret_fds[--*ret_count]);
  return st;
}

// ---- handing in

static void read_data(struct running *r, json_t *list) {
  size_t i;
  json_t *v;
  json_array_foreach(list, i, v) {
    if (r->data_count == JOBS_DATA_MAX) break;
    struct jobs_data *d = &r->data[r->data_count++];
    const char *venue = json_string_value(json_object_get(v, "venue")), *stream = json_string_value(json_object_get(v, "stream")),
               *role = json_string_value(json_object_get(v, "role"));
    snprintf(d->venue, sizeof d->venue, "%s", venue ? venue : "");
    snprintf(d->symbol, sizeof d->symbol, "%s", json_string_value(json_object_get(v, "symbol")));
    snprintf(d->timeframe, sizeof d->timeframe, "%s", json_string_value(json_object_get(v, "timeframe")));
    snprintf(d->stream, sizeof d->stream, "%s", stream ? stream : "");
    snprintf(d->role, sizeof d->role, "%s", role ? role : "bars");
  }
}

// What is stored is read when its turn comes; a live market's newest bars are those of now, and its feed is this thread's.
static enum status read_live(struct running *r, struct err *err) {
  struct api_core *core = r->jobs->core;
  struct db *stored = store_reader(core->store, STORE_MARKET);
  enum status st = OK;
  for (int i = 0; st == OK && i < r->data_count; i++) {
    struct jobs_data *d = &r->data[i];
    if (market_data_known(stored, d->venue, d->symbol, d->timeframe) || !core->live) continue;
    st = market_data_live_memfd(live_hub(core->live), r->tenant_id, d->venue, d->symbol, d->timeframe, &d->fd, err);
    d->is_read = st == OK;
    if (st != OK) err_wrap(err, st, "%s %s", d->symbol, d->timeframe);
  }
  return st;
}

// ---- calendars that rules keep clear of: the tenant's own and the installation's, as the file of --news

static bool add_news(void *arg, const struct news_row *row) {
  const enum news_impact impact = row->impact >= 0 && row->impact < NEWS_IMPACT_COUNT ? (enum news_impact)row->impact : NEWS_HIGH;
  buf_printf(arg, "%lld,%lld,\"%s\",%s\n", (long long)(row->from_ns / 1000000), (long long)(row->to_ns / 1000000), row->what, news_impact_text(impact));
  return true;
}

static json_t *calendars(const struct running *r) {
  struct db *db = store_reader(r->jobs->core->store, STORE_CONTROL);
  struct buf text;
  struct err err;
  buf_init(&text, 1 << 20);
  buf_str(&text, "from,to,concerns,impact\n");
  enum status st = news_list_rows(db, r->tenant_id, 0, INT64_MAX, NEWS_ROWS_MAX, add_news, &text, &err);
  if (st == OK) st = news_list_rows(db, 0, 0, INT64_MAX, NEWS_ROWS_MAX, add_news, &text, &err);
  json_t *v = st == OK && !text.failed ? json_string(text.data) : NULL;
  if (!v) api_log(r->jobs->core, "error", "news_unreadable", json_pack("{s:s}", "error", st == OK ? "too long" : err.msg));
  buf_finish(&text);
  return v;
}

// The customer's request as request.h wants it: data by descriptor, limits from the plan. wish: NULL for a verdict.
static char *runner_request(const struct running *r, const char *kind, json_t *wish, const struct jobs_grant *grant) {
  static const char *const taken[] = {"params", "config", "funding", "signals", "terms", "rule_set", "news"};
  static const char *const searched[] = {"ranges", "method", "trials", "seed", "objective", "require", "out_of_sample_pct", "walk_forward", "anchored"};
  json_t *data = json_array(), *limits = json_object();
  for (int i = 0; i < r->data_count; i++) {
    json_t *entry = json_pack("{s:s, s:s}", "format", "bars", "role", r->data[i].role);
    if (r->data[i].stream[0]) json_object_set_new(entry, "stream", json_string(r->data[i].stream));
    json_array_append_new(data, entry);
  }
  if (grant->heap_bytes) json_object_set_new(limits, "heap_bytes", json_integer(grant->heap_bytes));
  json_t *request = json_pack("{s:s, s:s, s:o, s:o}", "kind", kind, "name", "strategy.lua", "data", data, "limits", limits);
  for (size_t i = 0; wish && i < sizeof taken / sizeof *taken; i++) json_object_set(request, taken[i], json_object_get(wish, taken[i]));
  json_t *optimize = r->kind == BACKTEST_SEARCH ? json_object() : NULL;
  for (size_t i = 0; optimize && i < sizeof searched / sizeof *searched; i++) json_object_set(optimize, searched[i], json_object_get(wish, searched[i]));
  if (optimize) json_object_set_new(request, "optimize", optimize);
  if (json_object_get(json_object_get(request, "rule_set"), "news") && !json_object_get(request, "news")) json_object_set_new(request, "news", calendars(r));
  char *text = json_dumps(request, JSON_COMPACT);
  json_decref(request);
  return text;
}

static enum status hand_in(struct running *r, const char *kind, json_t *wish, const char *source, size_t source_len, const struct jobs_grant *grant, struct err *err) {
  char *text = runner_request(r, kind, wish, grant);
  if (!text) return err_set(err, ERR_NOMEM, "out of memory");
  const struct job_request request = {.tenant = r->tenant_id, .tenant_parallel = grant->parallel, .request = text, .request_len = strlen(text), .source = source,
                                      .source_len = source_len, .limits = {.cpu_s = grant->cpu_s}, .load_data = r->data_count ? load_data : NULL, .on_start = on_start,
                                      .on_progress = on_progress, .on_end = on_end, .arg = r};
  enum status st = job_submit(strcmp(kind, "check") == 0 ? r->jobs->checks : r->jobs->runner, &request, &r->job, err);
  free(text);
  if (st != OK) return st;
  r->heap_bytes = grant->heap_bytes;
  r->next = r->jobs->first;
  r->jobs->first = r;
  return OK;
}

void jobs_submit(struct jobs *jobs, enum backtest_kind kind, int64_t tenant_id, int64_t id, const char *request, const char *source, size_t source_len, const struct jobs_grant *grant) {
  struct running *r = calloc(1, sizeof *r);
  if (!r) return;
  r->jobs = jobs, r->kind = kind, r->tenant_id = tenant_id, r->id = id;
  json_t *tree = json_loads(request, 0, NULL);
  read_data(r, json_object_get(tree, "data"));
  struct err err;
  enum status st = read_live(r, &err);
  if (st == OK) st = hand_in(r, backtest_kind_text(kind), tree, source, source_len, grant, &err);
  json_decref(tree);
  if (st != OK) change(r, BACKTEST_FAILED, err.msg, NULL, 0, true);
}

static enum status judge(struct jobs *jobs, const char *kind, int64_t tenant_id, const char *source, size_t source_len, const struct jobs_grant *grant,
                         void (*done)(void *arg, const struct job_outcome *outcome), void *arg, struct err *err) {
  struct running *r = calloc(1, sizeof *r);
  if (!r) return err_set(err, ERR_NOMEM, "out of memory");
  *r = (struct running){.jobs = jobs, .tenant_id = tenant_id, .done = done, .arg = arg};
  enum status st = hand_in(r, kind, NULL, source, source_len, grant, err);
  if (st != OK) drop(r);
  return st;
}

enum status jobs_verdict(struct jobs *jobs, int64_t tenant_id, const char *source, size_t source_len, const struct jobs_grant *grant,
                         void (*done)(void *arg, const struct job_outcome *outcome), void *arg, struct err *err) {
  return judge(jobs, "verdict", tenant_id, source, source_len, grant, done, arg, err);
}

enum status jobs_check(struct jobs *jobs, int64_t tenant_id, const char *source, size_t source_len, const struct jobs_grant *grant,
                       void (*done)(void *arg, const struct job_outcome *outcome), void *arg, struct err *err) {
  const struct jobs_grant one = {.parallel = 1, .cpu_s = CHECK_CPU_S, .heap_bytes = grant->heap_bytes};
  return judge(jobs, "check", tenant_id, source, source_len, &one, done, arg, err);
}

enum status jobs_run(struct jobs *jobs, const struct job_request *request, struct job **ret, struct err *err) { return job_submit(jobs->runner, request, ret, err); }

static struct running *find(const struct jobs *jobs, int64_t id) {
  struct running *r = jobs->first;
  while (r && r->id != id) r = r->next;
  return r;
}

void jobs_cancel(struct jobs *jobs, int64_t tenant_id, int64_t id) {
  struct running *r = find(jobs, id);
  if (!r || r->tenant_id != tenant_id) return;
  r->is_cancelled = true;
  job_cancel(r->job);
}

void jobs_fail(struct jobs *jobs, enum backtest_kind kind, int64_t tenant_id, int64_t id, const char *reason) {
  struct running *r = calloc(1, sizeof *r);
  if (!r) return;
  r->jobs = jobs, r->kind = kind, r->tenant_id = tenant_id, r->id = id;
  change(r, BACKTEST_FAILED, reason, NULL, 0, true);
}

// KiB of Lua memory that the tenant's children may use at the moment.
static int64_t memory_in_use(void *arg, int64_t tenant_id) {
  int64_t bytes = 0;
  for (const struct running *r = ((const struct jobs *)arg)->first; r; r = r->next)
    if (r->is_started && r->tenant_id == tenant_id) bytes += r->heap_bytes;
  return bytes / 1024;
}

unsigned jobs_permille(const struct jobs *jobs, int64_t id) {
  const struct running *r = find(jobs, id);
  return r ? r->permille : 0;
}

// api/parity_night.c – each night every bot's latest run is made again, as it was and as a backtest would make it: one at a time, in the
// background, from the hour that is set on. A certificate says that both end where the core's books did, or itemises why not. Who has one
// since that hour is not asked again, so a restart goes on where it was.
#include "api/core.h"
#include "api/replays.h"
#include "bot/live.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "market/bar.h"
#include "store/id.h"
#include "store/replay_rows.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 20000
#define FIRST_TICK_MS 2000

struct parity_night {
  struct api_core *core;
  struct loop_timer *timer;
  int hour;
  int64_t since_ns, after_bot;  // of the round that is made; since 0: none
  bool finished;                // it has been through all
  int64_t bot_id, tenant_id;    // being checked; 0: none
  struct job *job;
  unsigned writes;
  uint64_t counts[PARITY_VERDICTS];
};

static void next(struct parity_night *n);

// ---- what it came to

struct storing {
  struct parity_night *night;
  struct parity_row row;
  char *body;
};

static enum status store_it(struct db *db, void *arg, struct err *err) { return parity_insert(db, &((struct storing *)arg)->row, err); }
static void stored(void *arg, enum status st, const struct err *err) {
  struct storing *s = arg;
  s->night->writes--;
  if (st != OK) api_log(s->night->core, "error", "parity_row", json_pack("{s:s}", "error", err->msg));
  free(s->body);
  free(s);
}

static json_t *body_of(const struct job_outcome *o, enum parity_verdict *ret_verdict, int64_t *ret_run) {
  char words[600];
  json_t *body = o->end == JOB_DONE ? json_loadb(o->text, o->len, 0, NULL) : NULL;
  const char *verdict = json_string_value(json_object_get(body, "verdict"));
  *ret_run = json_integer_value(json_object_get(body, "run"));
  *ret_verdict = PARITY_UNCHECKED;
  if (verdict && parity_verdict_parse(verdict, ret_verdict)) return body;
  json_decref(body);
  return json_pack("{s:s}", "error", replay_job_error(o, words));
}

void parity_night_came(struct parity_night *n, int64_t tenant_id, int64_t bot_id, const struct job_outcome *o) {
  enum parity_verdict verdict;
  int64_t run;
  const int64_t now_ns = clock_wall_ns();
  json_t *body = body_of(o, &verdict, &run);
  char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
  struct storing *s = calloc(1, sizeof *s);
  n->counts[verdict]++;
  if (verdict == PARITY_BROKEN)
    api_log(n->core, "error", "parity_broken", json_pack("{s:o, s:I, s:O?, s:O?}", "bot", api_id("bot", bot_id), "run", (json_int_t)run, "difference", json_object_get(body, "difference"), "reasons",
                                                         json_object_get(body, "reasons")));
  json_decref(body);
  if (!s || !text) {
    free(s);
    free(text);
    return;
  }
  *s = (struct storing){n, {.id = id_next(now_ns), .tenant_id = tenant_id, .bot_id = bot_id, .run = run, .made_ns = now_ns, .verdict = verdict, .body = text}, text};
  n->writes++;
  store_write(n->core->store, STORE_CONTROL, store_it, stored, s);
}

json_t *parity_night_task(struct api_core *core, int64_t bot_id, struct replay_wish *ret_wish) {
  char hash[65];
  int64_t at_ns;
  json_t *task = json_pack("{s:s}", "task", "parity");
  ret_wish->to_ns = INT64_MAX;
  if (core->live && live_settled(core->live, bot_id, &at_ns, hash)) {
    ret_wish->to_ns = at_ns;
    ret_wish->exact = true;
    json_object_set_new(task, "live_hash", json_string(hash));
  }
  return task;
}

// ---- a round

static void on_done(void *arg, const struct job_outcome *o) {
  struct parity_night *n = arg;
  const int64_t bot_id = n->bot_id;
  n->job = NULL;
  n->bot_id = 0;
  if (o->end == JOB_CANCELLED) return;  // the service ends
  parity_night_came(n, n->tenant_id, bot_id, o);
  next(n);
}

static bool take_due(void *arg, int64_t bot_id, int64_t tenant_id) {
  struct parity_night *n = arg;
  n->bot_id = bot_id;
  n->tenant_id = tenant_id;
  return false;
}

static void next(struct parity_night *n) {
  struct err err;
  if (n->core->draining || n->bot_id) return;
  enum status st = parity_due(store_reader(n->core->store, STORE_CONTROL), n->after_bot, n->since_ns, 1, take_due, n, &err);
  if (st == OK && n->bot_id) {
    struct replay_job how = {.parallel = 1, .wish = {.bot_id = n->bot_id}, .cpu_s = REPLAY_CPU_S, .done = on_done, .arg = n};
    json_t *task = parity_night_task(n->core, n->bot_id, &how.wish);
    how.task = task;
    n->after_bot = n->bot_id;
    st = replay_job_start(n->core, &how, &n->job, &err);
    json_decref(task);
    if (st == OK) return;
    n->bot_id = 0;
  }
  if (st != OK) api_log(n->core, "error", "parity", json_pack("{s:s}", "error", err.msg));
  n->finished = st == OK;  // else looked at again with the next tick
}

static void on_tick(void *arg) {
  struct parity_night *n = arg;
  const int64_t now_ns = clock_wall_ns(), day_ns = now_ns - now_ns % NS_PER_DAY, hour_ns = n->hour * 3600 * NS_PER_S;
  const int64_t since_ns = now_ns >= day_ns + hour_ns ? day_ns + hour_ns : day_ns + hour_ns - NS_PER_DAY;
  if (since_ns != n->since_ns) n->since_ns = since_ns, n->after_bot = 0, n->finished = false;
  if (!n->finished) next(n);
}

static double certified(void *arg) { return (double)((struct parity_night *)arg)->counts[PARITY_CERTIFIED]; }
static double explained(void *arg) { return (double)((struct parity_night *)arg)->counts[PARITY_EXPLAINED]; }
static double broken(void *arg) { return (double)((struct parity_night *)arg)->counts[PARITY_BROKEN]; }
static double unchecked(void *arg) { return (double)((struct parity_night *)arg)->counts[PARITY_UNCHECKED]; }

enum status parity_night_create(struct api_core *core, int hour, struct parity_night **ret, struct err *err) {
  static const struct { const char *name, *help; double (*read)(void *); } counters[] = {
      {"parity_certified_total", "Checks of bots: a fresh walk over the same bars ends as the core's books did", certified},
      {"parity_explained_total", "Checks of bots: it ends elsewhere, and the journal says why", explained},
      {"parity_broken_total", "Checks of bots: it ends elsewhere, and nothing explains it", broken},
      {"parity_unchecked_total", "Checks of bots that could not be made", unchecked}};
  struct parity_night *n = calloc(1, sizeof *n);
  if (!n) return err_set(err, ERR_NOMEM, "out of memory");
  n->core = core;
  n->hour = hour;
  *ret = n;
  for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
    metrics_gauge(core->metrics, (struct metrics_gauge){counters[i].name, counters[i].help, "counter", counters[i].read, n});
  if (hour < 0) return OK;
  enum status st = loop_timer_create(core->loop, on_tick, n, &n->timer, err);
  if (st == OK) loop_timer_start(n->timer, FIRST_TICK_MS, TICK_MS);
  return st;
}

void parity_night_destroy(struct parity_night *n) {
  if (!n) return;
  if (n->timer) loop_timer_destroy(n->timer);
  while (n->writes) loop_turn(n->core->loop, true);
  metrics_gauge_forget(n->core->metrics, n);
  free(n);
}

// api/admin_system.c – see admin_system.h.
#include "api/admin_system.h"

#include "api/core.h"
#include "api/handlers.h"
#include "api/jobs.h"
#include "bot/fleet.h"
#include "bot/hub.h"
#include "bot/live.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "store/desk_rows.h"
#include "store/outbox_rows.h"
#include "store/store.h"
#include "store/user_rows.h"
#include "tenant/audit.h"
#include "tenant/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// ---- durations: how many, and below which bound so many of them were

// buckets has one more than bounds, which has none. The bound of the bucket in which the share lies; null: nothing was measured, or it was longer than all.
static json_t *quantile(const double *bounds_s, const uint64_t *buckets, int bounds, uint64_t count, double share) {
  uint64_t seen = 0;
  for (int b = 0; b < bounds; b++)
    if ((double)(seen += buckets[b]) >= share * (double)count && count) return json_real(bounds_s[b] * 1e3);
  return json_null();
}

static json_t *histogram(const double *bounds_s, const uint64_t *buckets, int bounds, double sum_s) {
  uint64_t count = 0;
  for (int b = 0; b <= bounds; b++) count += buckets[b];
  return json_pack("{s:I, s:o, s:o, s:o, s:o}", "count", (json_int_t)count, "mean_ms", count ? json_real(sum_s * 1e3 / (double)count) : json_null(), "p50_ms",
                   quantile(bounds_s, buckets, bounds, count, 0.5), "p95_ms", quantile(bounds_s, buckets, bounds, count, 0.95), "p99_ms",
                   quantile(bounds_s, buckets, bounds, count, 0.99));
}

static json_t *latency_json(struct api_core *core) {
  const struct loop_stats turns = loop_stats(core->loop);
  const struct store_watch journal = store_watch(core->store, STORE_JOURNAL), control = store_watch(core->store, STORE_CONTROL);
  json_t *v = json_pack("{s:o, s:o, s:o, s:f}", "loop_turn", histogram(loop_turn_bounds_s, turns.buckets, LOOP_TURN_BOUNDS, turns.turns_s), "journal_commit",
                        histogram(store_commit_bounds_s, journal.buckets, STORE_COMMIT_BOUNDS, journal.commits_s), "control_commit",
                        histogram(store_commit_bounds_s, control.buckets, STORE_COMMIT_BOUNDS, control.commits_s), "loop_turn_longest_ms", turns.longest_s * 1e3);
  if (!v || !core->live) return v;
  const struct live_sends sends = live_sends(core->live);
  const struct fleet_stats fleet = fleet_stats(live_fleet(core->live));
  double bounds_s[FLEET_BUCKETS - 1];
  for (int b = 0; b < FLEET_BUCKETS - 1; b++) bounds_s[b] = 16e-6 * (double)(UINT64_C(1) << b);
  json_object_set_new(v, "order_send", histogram(live_send_bounds_s, sends.buckets, LIVE_SEND_BOUNDS, sends.sum_s));
  json_object_set_new(v, "callbacks", histogram(bounds_s, fleet.latency_us, FLEET_BUCKETS - 1, (double)fleet.latency_us_sum * 1e-6));
  return v;
}

// ---- storage, hosts, feeds, venues

static json_t *file_json(struct store *store, enum store_file file) {
  const struct store_stats s = store_stats(store, file);
  const struct store_watch w = store_watch(store, file);
  return json_pack("{s:I, s:I, s:I, s:i, s:b, s:b, s:I, s:I}", "writes", (json_int_t)s.writes, "commits", (json_int_t)s.commits, "failures", (json_int_t)s.failures, "waiting",
                   (int)s.waiting, "refusing", s.refusing, "readonly", s.readonly, "file_bytes", (json_int_t)w.file_bytes, "log_bytes", (json_int_t)w.log_bytes);
}

// Resident memory of a process of ours; null where that cannot be told.
static json_t *memory_json(pid_t pid) {
  char path[40];
  long pages = 0;
  snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
  FILE *f = pid > 0 ? fopen(path, "re") : NULL;
  const bool known = f && fscanf(f, "%*d %ld", &pages) == 1;
  if (f) fclose(f);
  return known ? json_integer((json_int_t)pages * sysconf(_SC_PAGESIZE)) : json_null();
}

static json_t *hosts_json(const struct fleet *f) {
  json_t *hosts = json_array();
  const int count = fleet_stats(f).hosts;
  for (int i = 0; i < count; i++) {
    const struct fleet_host_stats h = fleet_host_stats(f, i);
    if (!h.up && !h.pid && !h.bots) continue;  // a place for one that nobody has needed yet
    json_array_append_new(hosts, json_pack("{s:i, s:o, s:b, s:s, s:i, s:i, s:i, s:i, s:I, s:o, s:o}", "host", i, "pid", h.pid ? json_integer(h.pid) : json_null(), "up", h.up, "kind",
                                           h.own ? "own" : h.slow ? "slow" : h.newcomers ? "newcomers" : "shared", "tenants", (int)h.tenants, "bots", (int)h.bots, "bots_open", (int)h.bots_open, "queue",
                                           (int)h.queue, "restarts", (json_int_t)h.restarts, "memory_bytes", memory_json(h.pid), "instant_ms", json_real((double)h.instant_us / 1e3)));
  }
  return hosts;
}

static json_t *feeds_json(const struct hub *hub) {
  json_t *feeds = json_array();
  for (int v = 0; v < hub_venue_count(hub); v++) {
    struct hub_venue_status s;
    hub_venue_status(hub, v, &s);
    json_t *notes = json_object();
    for (int code = LIVE_TAKEN + 1; code < HUB_NOTE_COUNT; code++)
      if (s.notes[code]) json_object_set_new(notes, hub_note_text(code), json_integer((json_int_t)s.notes[code]));
    json_array_append_new(feeds, json_pack("{s:s, s:s, s:s, s:o, s:i, s:i, s:I, s:I, s:o}", "venue", s.name, "kind", s.kind, "state",
                                           s.failing ? "failing" : s.ended ? "ended" : s.time_ns == INT64_MIN ? "waiting" : "running", "time_ms",
                                           s.time_ns == INT64_MIN ? json_null() : json_integer(s.time_ns / 1000000), "symbols", s.symbols, "series", s.series, "events",
                                           (json_int_t)s.events, "bars", (json_int_t)s.bars, "notes", notes));
  }
  return feeds;
}

static void named(json_t *o, const char *key, const char *prefix) { json_object_set_new(o, key, api_id(prefix, json_integer_value(json_object_get(o, key)))); }

static json_t *venues_json(const struct live *live) {
  json_t *all = live_venues_json(live), *v;
  size_t i;
  json_array_foreach(all, i, v) named(v, "account_id", "acc"), named(v, "tenant_id", "org");
  return all;
}

static void add_state(void *arg, const char *state, int64_t count) { json_object_set_new(arg, state, json_integer(count)); }

static enum status live_part(struct api_core *core, json_t *v, struct err *err) {
  struct live *live = core->live;
  const struct live_stats s = live_stats(live);
  const struct fleet_stats f = fleet_stats(live_fleet(live));
  json_t *states = json_object();
  const enum status st = desk_bot_states(store_reader(core->store, STORE_CONTROL), add_state, states, err);
  json_object_set_new(v, "bots", json_pack("{s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "open", s.bots_running, "opening", s.bots_starting, "instants", (json_int_t)s.instants,
                                           "intents", (json_int_t)s.intents, "fills", (json_int_t)s.fills, "denials", (json_int_t)s.denials, "divergences", (json_int_t)s.divergences,
                                           "host_restarts", (json_int_t)s.host_restarts, "quarantined", (json_int_t)f.quarantined, "states", states));
  json_object_set_new(v, "hosts", hosts_json(live_fleet(live)));
  json_object_set_new(v, "feeds", feeds_json(live_hub(live)));
  json_object_set_new(v, "venues", venues_json(live));
  return st;
}

enum status system_json(struct api_core *core, json_t **ret, struct err *err) {
  int64_t users = 0, super_admins = 0, mail = 0;
  enum status st = user_count(store_reader(core->store, STORE_CONTROL), &users, &super_admins, err);
  if (st == OK) st = outbox_waiting(store_reader(core->store, STORE_CONTROL), &mail, err);
  if (st != OK) return st;
  const struct job_runner_stats jobs = core->jobs ? jobs_stats(core->jobs) : (struct job_runner_stats){0};
  const struct stream_stats stream = stream_hub_stats(core->hub);
  const int64_t left = store_free_bytes(core->store);
  json_t *v = json_pack("{s:s, s:s, s:o, s:I, s:I, s:{s:i, s:i, s:I}, s:{s:i, s:i, s:I, s:I, s:I}, s:{s:o, s:o, s:o}, s:o, s:o, s:o}", "version", core->version, "edition",
                        registry_edition(core->registry), "at_ms", api_ms(clock_wall_ns()), "users", (json_int_t)users, "mail_waiting", (json_int_t)mail, "jobs", "running",
                        (int)jobs.running, "waiting", (int)jobs.waiting, "ended", (json_int_t)jobs.ended, "stream", "clients", (int)stream.clients, "channels", (int)stream.channels,
                        "events", (json_int_t)stream.events, "sent", (json_int_t)stream.sent, "dropped", (json_int_t)stream.dropped, "storage", "control",
                        file_json(core->store, STORE_CONTROL), "journal", file_json(core->store, STORE_JOURNAL), "market", file_json(core->store, STORE_MARKET), "free_bytes",
                        left >= 0 ? json_integer(left) : json_null(), "memory_bytes", memory_json(getpid()), "latency", latency_json(core));
  if (!v) return err_set(err, ERR_NOMEM, "out of memory");
  if (core->live) st = live_part(core, v, err);
  if (st == OK) *ret = v;
  else json_decref(v);
  return st;
}

enum status api_admin_system_get(struct api_call *call) {
  json_t *v;
  const enum status st = system_json(call->core, &v, &call->err);
  return st == OK ? api_json(call, 200, v) : st;
}

// ---- live, while somebody listens

struct system_watch {
  struct api_core *core;
  struct loop_timer *timer;
  int64_t audit_id;  // the newest entry at the last turn; 0: there was none yet
  bool known;        // it is
};

#define AUDIT_TOLD_MAX 100  // in one turn; who wants all of them reads the log

struct news {
  struct api_core *core;
  int64_t after, newest;
  json_t *list;  // newest first; NULL: nobody wants them, only where the log stands
};

static bool add_news(void *arg, const struct audit_row *row, const char *address) {
  struct news *n = arg;
  if (row->id <= n->after) return false;
  if (row->id > n->newest) n->newest = row->id;
  if (n->list) json_array_append_new(n->list, admin_audit_json(store_reader(n->core->store, STORE_CONTROL), row, address));
  return n->list != NULL;
}

// Where the log stands is kept also while nobody listens: who subscribes misses nothing from then on, and may be told again what was written in the
// two seconds before.
static void tell_audit(struct system_watch *w, int64_t now_ms) {
  struct api_core *core = w->core;
  struct err err;
  const bool wanted = w->known && stream_listened(core->hub, AUDIT_CHANNEL);
  struct news n = {.core = core, .after = w->audit_id, .newest = w->audit_id, .list = wanted ? json_array() : NULL};
  const struct audit_filter all = {.tenant_id = -1};
  if (audit_list(store_reader(core->store, STORE_CONTROL), &all, INT64_MAX, wanted ? AUDIT_TOLD_MAX : 1, add_news, &n, &err) == OK) {
    for (size_t i = json_array_size(n.list); i > 0; i--) (void)stream_publish(core->hub, AUDIT_CHANNEL, "audit", json_array_get(n.list, i - 1), now_ms);
    w->audit_id = n.newest;
    w->known = true;
  }
  json_decref(n.list);
}

static void tell_system(struct api_core *core, int64_t now_ms) {
  json_t *v;
  struct err err;
  if (!stream_listened(core->hub, SYSTEM_CHANNEL) || system_json(core, &v, &err) != OK) return;
  (void)stream_publish(core->hub, SYSTEM_CHANNEL, "system", v, now_ms);
  json_decref(v);
}

static void tell(void *arg) {
  struct system_watch *w = arg;
  const int64_t now_ms = clock_wall_ns() / 1000000;
  tell_system(w->core, now_ms);
  tell_audit(w, now_ms);
}

enum status system_watch_create(struct api_core *core, struct system_watch **ret, struct err *err) {
  struct system_watch *w = *ret = calloc(1, sizeof *w);
  if (!w) return err_set(err, ERR_NOMEM, "out of memory");
  w->core = core;
  const enum status st = loop_timer_create(core->loop, tell, w, &w->timer, err);
  if (st == OK) loop_timer_start(w->timer, SYSTEM_WATCH_MS, SYSTEM_WATCH_MS);
  if (st == OK) tell_audit(w, 0);  // where the log stands before anybody can subscribe
  return st;
}

void system_watch_destroy(struct system_watch *w) {
  if (!w) return;
  loop_timer_destroy(w->timer);
  free(w);
}

// api/signal_desk.c – see signal_desk.h.
#include "api/signal_desk.h"

#include "api/core.h"
#include "api/signal_fanout.h"
#include "api/signal_past.h"
#include "api/signal_stages.h"
#include "base/utf8.h"
#include "loop/clock.h"
#include "store/hook_rows.h"
#include "store/id.h"
#include "store/store.h"
#include "tenant/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS INT64_C(1000000)
#define DAY_NS (INT64_C(86400) * 1000000000)
#define WAITING_MAX 20000   // of one hook
#define SWEEP_EVERY 64      // deliveries of a hook: so many go at once, a millisecond of the writer
#define PROMPT_NS (5 * NS_PER_MS)  // as the rules were with the last one
#define PROMPT_WAITING 4    // before it
#define REASON_SIZE 300     // of a verdict, in a delivery's row

struct waiting {
  struct waiting *next;
  int64_t id, received_ns, expires_ns;
  json_t *signal;
};

struct desk_hook {
  struct desk_hook *next;
  int64_t id, tenant_id;
  char name[HOOK_NAME_SIZE];
  bool loaded, busy;
  json_t *settings;
  struct kept_stage *stages;  // STAGES_MAX
  size_t stage_count;
  struct signal_past past;
  struct waiting *first, **last;
  unsigned count, since_sweep;
  int64_t asked_ns, took_ns;  // by the monotonic clock; took_ns: until the last verdict
};

struct signal_desk {
  struct api_core *core;
  struct rules_host *rules;
  struct signal_fanout *fanout;
  struct desk_hook *hooks;
  struct desk_coming *coming;
  unsigned waiting;
};

static void next(struct signal_desk *d, struct desk_hook *h);

struct signal_desk_stats signal_desk_stats(const struct signal_desk *d) {
  const struct signal_fanout_stats f = signal_fanout_stats(d->fanout);
  return (struct signal_desk_stats){f.delivered, f.rejected, f.failed, f.signals, d->waiting + f.waiting};
}
struct rules_host *signal_desk_rules(struct signal_desk *d) { return d->rules; }
static struct db *reader(const struct signal_desk *d) { return store_reader(d->core->store, STORE_CONTROL); }

static struct desk_hook *hook_of(struct signal_desk *d, int64_t id) {
  for (struct desk_hook *h = d->hooks; h; h = h->next)
    if (h->id == id) return h;
  return NULL;
}

bool signal_desk_has_room(const struct signal_desk *d, int64_t hook_id) {
  const struct desk_hook *h = hook_of((struct signal_desk *)d, hook_id);
  return !h || h->count < WAITING_MAX;
}

bool signal_desk_comes(struct signal_desk *d, struct desk_coming *c, int64_t hook_id, const char *dedupe) {
  if (!dedupe) return true;
  for (const struct desk_coming *o = d->coming; o; o = o->next)
    if (o->hook_id == hook_id && strcmp(o->dedupe, dedupe) == 0) return false;
  *c = (struct desk_coming){.next = d->coming, .at = &d->coming, .hook_id = hook_id, .dedupe = dedupe};
  if (c->next) c->next->at = &c->next;
  d->coming = c;
  return true;
}

void signal_desk_came(struct desk_coming *c) {
  if (!c->at) return;
  *c->at = c->next;
  if (c->next) c->next->at = c->at;
  c->at = NULL;
}

bool signal_desk_is_prompt(const struct signal_desk *d, int64_t hook_id) {
  const struct desk_hook *h = hook_of((struct signal_desk *)d, hook_id);
  return h && h->loaded && h->count < PROMPT_WAITING && (h->stage_count == 0 || h->took_ns < PROMPT_NS);
}

// ---- what is kept of a hook

static void unload(struct desk_hook *h) {
  signal_stages_free(h->stages, h->stage_count);
  free(h->stages);
  json_decref(h->settings);
  signal_past_finish(&h->past);
  h->stages = NULL;
  h->stage_count = 0;
  h->settings = NULL;
  h->loaded = false;
}

static bool add_recent(void *arg, const struct delivery_row *row) {
  json_t *signal = json_loads(row->signal, 0, NULL);
  signal_past_older(arg, signal, row->received_ns);
  json_decref(signal);
  return true;
}

static enum status load(struct signal_desk *d, struct desk_hook *h, struct err *err) {
  struct hook_row row;
  const int64_t now_ns = clock_wall_ns();
  enum status st = hook_find(reader(d), h->id, &row, err);
  if (st != OK) return st;
  h->tenant_id = row.tenant_id;
  snprintf(h->name, sizeof h->name, "%s", row.name);
  h->settings = json_loads(row.settings, 0, NULL);
  hook_row_finish(&row);
  h->stages = calloc(STAGES_MAX, sizeof *h->stages);
  signal_past_init(&h->past, now_ns);
  if (!h->stages || !h->settings) st = err_set(err, ERR_NOMEM, "out of memory");
  if (st == OK) st = signal_stages_load(registry_snapshot(d->core->registry), reader(d), h->tenant_id, json_object_get(h->settings, "stages"), h->stages, &h->stage_count, err);
  if (st == OK) st = delivery_recent(reader(d), h->id, now_ns - DAY_NS, SIGNAL_PAST_MAX, add_recent, &h->past, err);
  if (st == OK) st = delivery_count_since(reader(d), h->id, h->past.day * DAY_NS, &h->past.today, err);
  if (st == OK) h->loaded = true;
  else unload(h);
  return st;
}

// ---- one after the other

struct asked {
  struct signal_desk *desk;
  struct desk_hook *hook;
};

static void waiting_free(struct waiting *w) {
  json_decref(w->signal);
  free(w);
}

static struct waiting *take_first(struct signal_desk *d, struct desk_hook *h) {
  struct waiting *w = h->first;
  h->first = w->next;
  if (!h->first) h->last = &h->first;
  h->count--;
  d->waiting--;
  return w;
}

// The first is over. signal: as the rules left it.
static void conclude(struct signal_desk *d, struct desk_hook *h, const char *state, const char *reason, const json_t *signal, const json_t *log) {
  struct waiting *w = take_first(d, h);
  const bool delivered = strcmp(state, "delivered") == 0;
  struct signal_verdict v = {.hook_id = h->id, .tenant_id = h->tenant_id, .delivery_id = w->id, .received_ns = w->received_ns, .expires_ns = w->expires_ns, .hook_name = h->name, .settings = h->settings,
    .signal = signal ? signal : w->signal, .log = log, .state = state, .reason = reason};
  if (++h->since_sweep >= SWEEP_EVERY) v.sweep = true, h->since_sweep = 0;
  if (signal_fanout(d->fanout, &v) && delivered) signal_past_add(&h->past, v.signal, w->received_ns);
  waiting_free(w);
}

static const char *text_of(const json_t *entry, const char *key) {
  const char *text = json_string_value(json_object_get(entry, key));
  return text ? text : "";
}

static void answered(void *arg, bool accept, json_t *log, json_t *signal, const struct err *err) {
  struct desk_hook *h = ((struct asked *)arg)->hook;
  struct signal_desk *d = ((struct asked *)arg)->desk;
  struct err own = {0};
  free(arg);
  h->took_ns = clock_monotonic_ns() - h->asked_ns;
  const json_t *last = json_array_get(log, json_array_size(log) - 1);
  char reason[REASON_SIZE] = "";
  // The hook may have been changed meanwhile: its route and caps are those of now.
  const enum status st = h->loaded ? OK : load(d, h, &own);
  if (!log || st != OK) utf8_copy(reason, sizeof reason, log ? own.msg : err->msg);
  else if (!accept) {
    char said[600];
    snprintf(said, sizeof said, "%s: %s", text_of(last, "stage"), text_of(last, "reason"));
    utf8_copy(reason, sizeof reason, said);
  }
  conclude(d, h, !log || st != OK ? "failed" : accept ? "delivered" : "rejected", reason, signal, log);
  h->busy = false;
  next(d, h);
}

static enum status ask_first(struct signal_desk *d, struct desk_hook *h, struct err *err) {
  struct rules_stage stages[STAGES_MAX];
  for (size_t i = 0; i < h->stage_count; i++) {
    const struct kept_stage *s = &h->stages[i];
    stages[i] = (struct rules_stage){s->name, s->source, s->settings};
  }
  struct asked *a = malloc(sizeof *a);
  const char *accepted;
  json_t *env = signal_past_env(&h->past, h->id, h->first->received_ns, &accepted);
  if (a) *a = (struct asked){d, h};
  h->asked_ns = clock_monotonic_ns();
  const enum status st = a && env ? rules_host_ask(d->rules, h->tenant_id, stages, h->stage_count, h->first->signal, env, accepted, answered, a, err) : err_set(err, ERR_NOMEM, "out of memory");
  json_decref(env);
  if (st != OK) free(a);
  return st;
}

// The one that waits longest is asked about, or concluded at once; until one is under way or none waits.
static void next(struct signal_desk *d, struct desk_hook *h) {
  while (h->first && !h->busy) {
    struct err err = {0};
    enum status st = h->loaded ? OK : load(d, h, &err);
    if (st == ERR_NOTFOUND) {  // deleted: its deliveries went with it
      waiting_free(take_first(d, h));
    } else if (st == OK && clock_wall_ns() > h->first->expires_ns) {
      conclude(d, h, "failed", "its time was over before the rules could be asked", NULL, NULL);
    } else if (st == OK && h->stage_count == 0) {
      conclude(d, h, "delivered", "", NULL, NULL);
    } else {
      h->busy = true;
      if (st == OK) st = ask_first(d, h, &err);
      if (st == OK) return;
      h->busy = false;
      conclude(d, h, "failed", err.msg, NULL, NULL);
    }
  }
}

void signal_desk_take(struct signal_desk *d, int64_t hook_id, int64_t delivery_id, int64_t received_ns, int64_t expires_ns, json_t *signal) {
  struct desk_hook *h = hook_of(d, hook_id);
  struct waiting *w = calloc(1, sizeof *w);
  if (!h && (h = calloc(1, sizeof *h))) {
    *h = (struct desk_hook){.id = hook_id, .next = d->hooks};
    h->last = &h->first;
    d->hooks = h;
  }
  if (!w || !h) {  // its row stays accepted
    free(w);
    json_decref(signal);
    return;
  }
  *w = (struct waiting){.id = delivery_id, .received_ns = received_ns, .expires_ns = expires_ns, .signal = signal};
  *h->last = w;
  h->last = &w->next;
  h->count++;
  d->waiting++;
  next(d, h);
}

void signal_desk_forget(struct signal_desk *d, int64_t hook_id) {
  struct desk_hook *h = d ? hook_of(d, hook_id) : NULL;
  if (h) unload(h);  // one that is being asked about has what it needs with the question
}

void signal_desk_forget_all(struct signal_desk *d) {
  for (struct desk_hook *h = d ? d->hooks : NULL; h; h = h->next) unload(h);
}

enum status signal_desk_ask(struct signal_desk *d, const struct hook_row *hook, const json_t *own, const struct signal_draft *draft, const json_t *signal, const json_t *env, const char *accepted, rules_answered fn, void *arg, struct err *err) {
  struct kept_stage kept[STAGES_MAX];
  struct rules_stage stages[STAGES_MAX];
  size_t count;
  json_t *settings = own ? NULL : json_loads(hook->settings, 0, NULL);
  enum status st = signal_stages_load(registry_snapshot(d->core->registry), reader(d), hook->tenant_id, own ? own : json_object_get(settings, "stages"), kept, &count, err);
  json_decref(settings);
  if (st != OK) return st;
  for (size_t i = 0; i < count; i++) stages[i] = (struct rules_stage){kept[i].name, kept[i].source, kept[i].settings};
  if (draft && count == STAGES_MAX) {
    signal_stages_free(kept, count);
    return err_set(err, ERR_LIMIT, "there are %d stages already: there is no room for another", STAGES_MAX);
  }
  const size_t asked = count + (draft != NULL);
  if (draft) stages[count] = (struct rules_stage){"draft", draft->source, draft->settings};
  st = rules_host_ask(d->rules, hook->tenant_id, stages, asked, signal, env, accepted, fn, arg, err);
  signal_stages_free(kept, count);
  return st;
}

// ---- beginning and end

static bool take_up(void *arg, const struct delivery_row *row) {
  json_t *signal = json_loads(row->signal, 0, NULL);
  signal_desk_take(arg, row->hook_id, row->id, row->received_ns, row->expires_ns, signal ? signal : json_object());
  return true;
}

static void rules_log(void *arg, const char *event, const char *detail) { api_log(((struct signal_desk *)arg)->core, "error", event, json_pack("{s:s}", "detail", detail)); }

// ---- rules in quarantine

struct holding {
  struct held_rule_row row;
  char sha256[65], file[128], why[300];
};
static enum status write_held(struct db *db, void *arg, struct err *err) { return held_rule_add(db, &((struct holding *)arg)->row, err); }
static void held_written(void *arg, enum status st, const struct err *err) {
  (void)st, (void)err;  // after a restart it is found out anew
  free(arg);
}

static void rule_held(void *arg, const struct rules_held *what) {
  struct signal_desk *d = arg;
  struct holding *h = calloc(1, sizeof *h);
  const int64_t now_ns = clock_wall_ns();
  json_t *data = json_pack("{s:s%, s:s}", "rule", what->file, strcspn(what->file, "."), "reason", what->why);
  if (data) stream_publish_of(d->core->hub, what->tenant_id, "signals", "rule_held", data, now_ns / NS_PER_MS);
  json_decref(data);
  if (!h) return;
  snprintf(h->sha256, sizeof h->sha256, "%s", what->sha256);
  snprintf(h->file, sizeof h->file, "%s", what->file);
  snprintf(h->why, sizeof h->why, "%s", what->why);
  h->row = (struct held_rule_row){.id = id_next(now_ns), .tenant_id = what->tenant_id, .since_ns = now_ns, .sha256 = h->sha256, .file = h->file, .why = h->why};
  store_write(d->core->store, STORE_CONTROL, write_held, held_written, h);
}

json_t *signal_desk_held(const struct api_call *call, const char *sha256) {
  const char *why = call->core->desk ? rules_host_held(call->core->desk->rules, call->who.tenant_id, sha256) : NULL;
  return why ? json_string(why) : json_null();
}

static bool hold_again(void *arg, const struct held_rule_row *row) {
  rules_host_hold(arg, &(struct rules_held){row->tenant_id, row->sha256, row->file, row->why});
  return true;
}

static double gauge_delivered(void *arg) { return (double)signal_desk_stats(arg).delivered; }
static double gauge_rejected(void *arg) { return (double)signal_desk_stats(arg).rejected; }
static double gauge_failed(void *arg) { return (double)signal_desk_stats(arg).failed; }
static double gauge_signals(void *arg) { return (double)signal_desk_stats(arg).signals; }
static double gauge_waiting(void *arg) { return signal_desk_stats(arg).waiting; }
static double gauge_died(void *arg) { return (double)rules_host_stats(((struct signal_desk *)arg)->rules).died; }
static double gauge_held(void *arg) { return rules_host_stats(((struct signal_desk *)arg)->rules).held; }
static double gauge_apart(void *arg) { return (double)rules_host_stats(((struct signal_desk *)arg)->rules).apart; }

static void show(struct signal_desk *d) {
  static const struct { const char *name, *help, *type; double (*read)(void *); } gauges[] = {
    {"signals_delivered_total", "Messages of hooks that the rules let pass", "counter", gauge_delivered},
    {"signals_rejected_total", "Messages of hooks that a rule refused", "counter", gauge_rejected},
    {"signals_failed_total", "Messages of hooks about which the rules could not be asked in time", "counter", gauge_failed},
    {"signals_to_bots_total", "Signals that messages became", "counter", gauge_signals},
    {"signals_waiting", "Messages accepted and not yet worked off", "gauge", gauge_waiting},
    {"rules_held", "Rules in quarantine", "gauge", gauge_held},
    {"rules_asked_apart_total", "Questions of tenants whose rules had hung, ended or held up the process that all share", "counter", gauge_apart},
    {"rules_process_deaths_total", "Times that the process that asks rules died or did not answer", "counter", gauge_died}};
  for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++) metrics_gauge(d->core->metrics, (struct metrics_gauge){gauges[i].name, gauges[i].help, gauges[i].type, gauges[i].read, d});
}

enum status signal_desk_create(struct api_core *core, const char *exe, struct signal_desk **ret, struct err *err) {
  struct signal_desk *d = calloc(1, sizeof *d);
  if (!d) return err_set(err, ERR_NOMEM, "out of memory");
  d->core = core;
  enum status st = rules_host_create(&(struct rules_host_options){.loop = core->loop, .exe = exe, .log = rules_log, .held = rule_held, .arg = d}, &d->rules, err);
  if (st == OK) st = held_rule_list(reader(d), INT64_MAX, INT32_MAX, hold_again, d->rules, err);
  if (st == OK) st = signal_fanout_create(core, &d->fanout, err);
  if (st == OK) st = delivery_open(reader(d), take_up, d, err);
  if (st == OK) show(d), *ret = d;
  else signal_desk_destroy(d);
  return st;
}

void signal_desk_destroy(struct signal_desk *d) {
  if (!d) return;
  rules_host_destroy(d->rules);
  signal_fanout_destroy(d->fanout);
  while (d->hooks) {
    struct desk_hook *h = d->hooks;
    d->hooks = h->next;
    while (h->first) waiting_free(take_first(d, h));
    unload(h);
    free(h);
  }
  free(d);
}

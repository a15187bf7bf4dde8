// signal/rules_host.c – see rules_host.h: whose questions are asked where and when, and who is to blame for the end of a process.
#include "signal/rules_host.h"

#include "loop/loop.h"
#include "signal/rules_child.h"
#include "signal/rules_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 256
#define LOOK_MS 20
#define TRIES_MAX 3        // processes that ended over a question and by nobody's fault
#define STILLBORN_MAX 3
#define SLOW_US 2000       // of CPU, for all stages of a question; without loading them
#define SLOW_QUESTIONS 3
#define QUICK_QUESTIONS 64  // in a row: the slow ones before are forgotten
#define HELD_APART 10

struct rules_host {
  struct rules_host_options o;
  char *exe;
  struct rules_lane lanes[LANES];
  struct rules_tenant *tenants[BUCKETS];
  struct held *held;
  struct question *ready, **ready_last;  // have their answer, which is told with the next turn
  struct loop_timer *ticker, *teller;
  bool ticking;
  int64_t n;
  struct rules_host_stats stats;
};

const struct rules_host_options *rules_options(const struct rules_host *h) { return &h->o; }
struct rules_host_stats rules_host_stats(const struct rules_host *h) { return h->stats; }

static void say(const struct rules_host *h, const char *event, const char *detail) {
  if (h->o.log) h->o.log(h->o.arg, event, detail);
}

// ---- what is held

const char *rules_host_held(const struct rules_host *h, int64_t tenant_id, const char *sha256) { return held_why(h->held, tenant_id, sha256); }

void rules_host_hold(struct rules_host *h, const struct rules_held *what) { h->stats.held += held_add(&h->held, what); }

void rules_host_release(struct rules_host *h, int64_t tenant_id, const char *sha256) {
  char line[200];
  if (!held_remove(&h->held, tenant_id, sha256)) return;
  h->stats.held--;
  snprintf(line, sizeof line, "{\"drop\":\"%lld:%s\"}\n", (long long)tenant_id, sha256);  // it has stopped asking it by itself, perhaps
  for (int i = 0; i < LANES; i++) lane_tell(&h->lanes[i], line);
}

static void hold(struct rules_host *h, const struct rules_tenant *t, const struct rules_source *s, const char *why) {
  const struct rules_held what = {t->id, s->sha256, s->file, why};
  char text[500];
  if (held_why(h->held, t->id, s->sha256)) return;
  rules_host_hold(h, &what);
  snprintf(text, sizeof text, "%s of tenant %lld: %s", s->file, (long long)t->id, why);
  say(h, "rules_held", text);
  if (h->o.held) h->o.held(h->o.arg, &what);
}

// ---- tenants and their turns

static struct rules_tenant *tenant_of(struct rules_host *h, int64_t id) {
  struct rules_tenant **bucket = &h->tenants[(uint64_t)id * UINT64_C(0x9e3779b97f4a7c15) >> 56], *t = *bucket;
  while (t && t->id != id) t = t->next;
  if (!t && (t = calloc(1, sizeof *t))) {
    t->id = id;
    t->last = &t->first;
    t->next = *bucket;
    *bucket = t;
  }
  return t;
}

// One that has no question and no past is forgotten.
static void tenant_leave(struct rules_host *h, struct rules_tenant *t) {
  if (t->alive || t->slow || t->apart_until_ms > loop_now_ms(h->o.loop)) return;
  struct rules_tenant **at = &h->tenants[(uint64_t)t->id * UINT64_C(0x9e3779b97f4a7c15) >> 56];
  while (*at != t) at = &(*at)->next;
  *at = t->next;
  free(t);
}

static void turn_leave(struct rules_tenant *t) {
  struct rules_lane *l = t->lane;
  if (!l) return;
  struct rules_tenant **at = &l->turn;
  while (*at != t) at = &(*at)->turn_next;
  *at = t->turn_next;
  if (l->turn_last == &t->turn_next) l->turn_last = at;
  t->lane = NULL;
}

static void turn_join(struct rules_host *h, struct rules_tenant *t) {
  if (t->lane || !t->first) return;
  struct rules_lane *l = &h->lanes[t->apart_until_ms > loop_now_ms(h->o.loop) ? LANE_APART : LANE_SHARED];
  t->lane = l;
  t->turn_next = NULL;
  *l->turn_last = t;
  l->turn_last = &t->turn_next;
}

static void apart(struct rules_host *h, struct rules_tenant *t, int64_t ms) {
  const int64_t until_ms = loop_now_ms(h->o.loop) + ms;
  if (until_ms > t->apart_until_ms) t->apart_until_ms = until_ms;
  turn_leave(t);
  turn_join(h, t);
}

static void wait_first(struct rules_host *h, struct question *q) {
  struct rules_tenant *t = q->tenant;
  q->next = t->first;
  if (!t->first) t->last = &q->next;
  t->first = q;
  turn_join(h, t);
}

static struct question *take_first(struct rules_tenant *t) {
  struct question *q = t->first;
  t->first = q->next;
  if (!t->first) t->last = &t->first;
  q->next = NULL;
  return q;
}

// The first of its stages that is held; -1: none.
static int held_stage(const struct rules_host *h, const struct question *q) {
  for (size_t i = 0; h->held && i < q->count; i++)
    if (held_why(h->held, q->tenant->id, q->sources[i]->sha256)) return (int)i;
  return -1;
}

static void answer_soon(struct rules_host *h, struct question *q, size_t stage, const char *why);

// Hands on what there is room for, a question of each tenant in turn.
void rules_wanted(struct rules_lane *l) {
  struct rules_host *h = l->host;
  while (l->turn && lane_has_room(l)) {
    struct rules_tenant *t = l->turn;
    turn_leave(t);
    struct question *q = take_first(t);
    const int held = held_stage(h, q);
    if (held >= 0) {
      answer_soon(h, q, (size_t)held, held_why(h->held, t->id, q->sources[held]->sha256));
    } else {
      h->stats.apart += l->kind == LANE_APART;
      lane_send(l, q);
    }
    turn_join(h, t);
  }
  lane_pump(l);
  if (h->ticking || !h->stats.waiting) return;
  loop_timer_start(h->ticker, LOOK_MS, LOOK_MS);
  h->ticking = true;
}

// ---- the end of a question

static void question_free(struct question *q) {
  for (size_t i = 0; i < q->count; i++) rules_source_free(q->sources[i]);
  json_decref(q->stages);
  json_decref(q->answer);
  free(q->text);
  free(q);
}

static void question_end(struct rules_host *h, struct question *q, bool accept, json_t *log, json_t *signal, const struct err *err) {
  struct rules_tenant *t = q->tenant;
  h->stats.waiting--;
  q->fn(q->arg, accept, log, signal, err);
  t->alive--;
  question_free(q);
  tenant_leave(h, t);
}

static void fail(struct rules_host *h, struct question *q, const char *why) {
  struct err err;
  (void)err_set(&err, ERR_BUDGET, "%s", why);
  question_end(h, q, false, NULL, NULL, &err);
}

// Not from inside of who asks: with the next turn.
static void answer_soon(struct rules_host *h, struct question *q, size_t stage, const char *why) {
  const char *name = json_string_value(json_array_get(q->stages, stage));
  q->answer = json_pack("[{s:s, s:b, s:s, s:s}]", "stage", name ? name : "?", "accept", 0, "reason", why, "error", why);
  q->next = NULL;
  *h->ready_last = q;
  h->ready_last = &q->next;
  loop_timer_start(h->teller, 0, 0);
}

static void tell(void *arg) {
  struct rules_host *h = arg;
  struct question *q = h->ready;
  h->ready = NULL;
  h->ready_last = &h->ready;
  while (q) {
    struct question *next = q->next;
    struct err err = {0};
    json_t *log = q->answer;
    if (log) question_end(h, q, false, log, NULL, &err);
    else fail(h, q, "out of memory");
    q = next;
  }
}

static struct question *unqueue(struct rules_lane *l) {
  struct question *q = l->first;
  l->first = q->next;
  if (!l->first) l->last = &l->first;
  l->in_flight--;
  q->next = NULL;
  return q;
}

static void judge_pace(struct rules_host *h, struct rules_tenant *t, int64_t us) {
  char text[120];
  if (us <= SLOW_US) {
    if (t->slow && ++t->quick >= QUICK_QUESTIONS) t->slow = t->quick = 0;
    return;
  }
  t->quick = 0;
  if (++t->slow < SLOW_QUESTIONS) return;
  t->slow = 0;
  if (t->apart_until_ms <= loop_now_ms(h->o.loop)) {
    snprintf(text, sizeof text, "the rules of tenant %lld take %lld µs a question: they are asked apart", (long long)t->id, (long long)us);
    say(h, "rules_slow", text);
  }
  apart(h, t, h->o.apart_ms);
}

bool rules_heard(struct rules_lane *l, json_t *answer) {
  struct rules_host *h = l->host;
  struct err err = {0};
  json_t *log = json_object_get(answer, "log"), *signal = json_object_get(answer, "signal"), *worn = json_object_get(answer, "worn");
  if (json_is_true(json_object_get(answer, "missing"))) {
    struct question *q = unqueue(l);
    for (size_t i = 0; i < q->count; i++) q->sources[i]->told[l->kind] = 0;
    if (++q->tries <= TRIES_MAX) wait_first(h, q);
    else fail(h, q, "more rules are in use than can be kept");
    return true;
  }
  if (!json_is_array(log) || !json_is_object(signal)) return false;
  struct question *q = unqueue(l);
  judge_pace(h, q->tenant, json_integer_value(json_object_get(answer, "us")));
  if (json_is_integer(worn) && json_integer_value(worn) >= 0 && json_integer_value(worn) < (json_int_t)q->count)
    hold(h, q->tenant, q->sources[json_integer_value(worn)], "its budgets had to stop it eight times; put another version");
  question_end(h, q, json_is_true(json_object_get(answer, "accept")), log, signal, &err);
  return true;
}

// ---- the end of a process

static const char *loss_text(enum rules_loss loss) {
  switch (loss) {
    case LOSS_OUTSIDE: return "was killed by somebody else";
    case LOSS_HUNG: return "hung";
    case LOSS_DIED: return "ended";
    case LOSS_WORDS: return "said what is no answer";
  }
  return "?";
}

// It ended over this question in a process of its own, too.
static void convict(struct rules_host *h, struct question *q, int stage, enum rules_loss loss) {
  char why[200];
  snprintf(why, sizeof why, "the process that asked it %s twice; the rule is in quarantine until it has another version or the operator of this service lets it go", loss_text(loss));
  apart(h, q->tenant, HELD_APART * h->o.apart_ms);
  if (stage >= 0 && (size_t)stage < q->count) {
    hold(h, q->tenant, q->sources[stage], why);
    return answer_soon(h, q, (size_t)stage, why);
  }
  snprintf(why, sizeof why, "The process that looked at it %s, twice.", loss_text(loss));
  answer_soon(h, q, 0, why);
}

void rules_lost(struct rules_lane *l, enum rules_loss loss, int64_t n, int stage) {
  struct rules_host *h = l->host;
  struct question *list = NULL, *guilty = NULL;
  char text[200];
  h->stats.died++;
  // Latest first, so that each goes before those that were asked after it.
  while (l->first) {
    struct question *q = unqueue(l);
    q->next = list;
    list = q;
    if (q->n == n && loss != LOSS_OUTSIDE) guilty = q;
  }
  if (!guilty && !l->greeted && loss == LOSS_DIED) lane_stillborn(l);
  snprintf(text, sizeof text, "%s", loss_text(loss));
  if (guilty) snprintf(text, sizeof text, "%s over a question of tenant %lld%s", loss_text(loss), (long long)guilty->tenant->id, l->kind == LANE_APART ? ", apart" : "");
  say(h, "rules_died", text);
  while (list) {
    struct question *q = list, *oldest = q->next;
    list = oldest;
    q->next = NULL;
    if (q == guilty && l->kind == LANE_APART) {
      convict(h, q, stage, loss);
    } else if (q == guilty) {
      apart(h, q->tenant, h->o.apart_ms);
      wait_first(h, q);
    } else if (!guilty && !oldest && loss != LOSS_OUTSIDE && ++q->tries > TRIES_MAX) {  // first in line, and nobody knows better
      answer_soon(h, q, 0, "the process that asks the rules kept on ending over it");
    } else {
      wait_first(h, q);
    }
  }
  for (int i = 0; i < LANES; i++) rules_wanted(&h->lanes[i]);
}

// ---- asking

static enum status queue(struct rules_host *h, int64_t tenant_id, json_t *body, const char *accepted, const struct rules_stage *stages, size_t count, rules_answered fn, void *arg, struct err *err) {
  struct rules_tenant *t = tenant_of(h, tenant_id);
  struct question *q = calloc(1, sizeof *q + count * sizeof *q->sources);
  if (body) json_object_set_new(body, "n", json_integer(h->n + 1));
  char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
  const size_t len = text ? strlen(text) : 0, more = accepted ? strlen(accepted) + 1 : 0;
  if (q) *q = (struct question){.tenant = t, .n = ++h->n, .since_ms = loop_now_ms(h->o.loop), .text = text ? realloc(text, len + more + 2) : NULL, .len = len + more + 1, .stages = json_array(), .fn = fn, .arg = arg};
  if (!q || !q->text || !t || !q->stages) {
    if (q && q->text) text = NULL;
    free(text);
    if (q) question_free(q);
    if (t) tenant_leave(h, t);
    return err_set(err, ERR_NOMEM, "out of memory");
  }
  if (more) q->text[len] = '\t', memcpy(q->text + len + 1, accepted, more - 1);
  memcpy(q->text + len + more, "\n", 2);
  for (size_t i = 0; i < count; i++) {
    q->sources[q->count++] = stages[i].source;
    stages[i].source->refs++;
    json_array_append_new(q->stages, json_string(stages[i].name));
  }
  t->alive++;
  h->stats.asked++;
  h->stats.waiting++;
  *t->last = q;
  t->last = &q->next;
  turn_join(h, t);
  rules_wanted(t->lane ? t->lane : &h->lanes[LANE_SHARED]);
  return OK;
}

enum status rules_host_ask(struct rules_host *h, int64_t tenant_id, const struct rules_stage *stages, size_t count, const json_t *signal, const json_t *env, const char *accepted,
  rules_answered fn, void *arg, struct err *err) {
  if (count > STAGES_MAX) return err_set(err, ERR_LIMIT, "%zu stages, at most %d are allowed", count, STAGES_MAX);
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++) {
    json_t *s = json_pack("{s:s, s:s}", "name", stages[i].name, "key", stages[i].source->key);
    if (s && stages[i].settings) json_object_set(s, "settings", (json_t *)stages[i].settings);
    json_array_append_new(list, s);
  }
  json_t *body = json_array_size(list) == count ? json_pack("{s:O, s:O, s:O}", "signal", signal, "env", env, "stages", list) : NULL;
  json_decref(list);
  const enum status st = queue(h, tenant_id, body, accepted, stages, count, fn, arg, err);
  json_decref(body);
  return st;
}

enum status rules_host_describe(struct rules_host *h, int64_t tenant_id, const char *file, const char *source, size_t len, rules_answered fn, void *arg, struct err *err) {
  json_t *body = json_pack("{s:{s:s, s:s%}}", "describe", "file", file, "source", source, len);
  const enum status st = queue(h, tenant_id, body, NULL, NULL, 0, fn, arg, err);
  json_decref(body);
  return st;
}

// ---- time

// Where no process can be started, nobody waits for ever.
static void give_up_old(struct rules_host *h, struct rules_lane *l) {
  const int64_t since_ms = loop_now_ms(h->o.loop) - h->o.patience_ms;
  if (l->fd >= 0 || l->stillborn < STILLBORN_MAX) return;
  struct question *old = NULL;
  for (struct question **at = &l->first; *at;) {
    struct question *q = *at;
    if (q->since_ms > since_ms) {
      at = &q->next;
      continue;
    }
    *at = q->next;
    l->in_flight--;
    q->next = old;
    old = q;
  }
  for (l->last = &l->first; *l->last;) l->last = &(*l->last)->next;
  while (old) {
    struct question *q = old;
    old = q->next;
    fail(h, q, "the process that asks the rules cannot be started");
  }
}

static void tick(void *arg) {
  struct rules_host *h = arg;
  for (int i = 0; i < LANES; i++) {
    lane_look(&h->lanes[i]);
    give_up_old(h, &h->lanes[i]);
    rules_wanted(&h->lanes[i]);
  }
  if (h->stats.waiting) return;
  loop_timer_stop(h->ticker);
  h->ticking = false;
}

// ---- beginning and end

static int64_t or_else(int64_t value, int64_t absent) { return value > 0 ? value : absent; }

enum status rules_host_create(const struct rules_host_options *options, struct rules_host **ret, struct err *err) {
  struct rules_host *h = calloc(1, sizeof *h);
  if (!h || !(h->exe = strdup(options->exe))) return free(h), err_set(err, ERR_NOMEM, "out of memory");
  h->o = *options;
  h->o.exe = h->exe;
  h->o.stage_cpu_ms = or_else(h->o.stage_cpu_ms, 150);
  h->o.answer_ms = or_else(h->o.answer_ms, 5000);
  h->o.patience_ms = or_else(h->o.patience_ms, 10000);
  h->o.apart_ms = or_else(h->o.apart_ms, 60000);
  h->ready_last = &h->ready;
  enum status st = OK;
  for (int i = 0; i < LANES; i++) {
    const enum status one = lane_init(&h->lanes[i], h, (enum rules_lane_kind)i, err);
    if (one != OK) st = one;
  }
  if (st == OK) st = loop_timer_create(h->o.loop, tick, h, &h->ticker, err);
  if (st == OK) st = loop_timer_create(h->o.loop, tell, h, &h->teller, err);
  if (st == OK) *ret = h;
  else rules_host_destroy(h);
  return st;
}

static void free_list(struct question *q) {
  while (q) {
    struct question *next = q->next;
    question_free(q);
    q = next;
  }
}

void rules_host_destroy(struct rules_host *h) {
  if (!h) return;
  for (int i = 0; i < LANES; i++) {
    lane_finish(&h->lanes[i]);
    free_list(h->lanes[i].first);
  }
  free_list(h->ready);
  for (int i = 0; i < BUCKETS; i++)
    while (h->tenants[i]) {
      struct rules_tenant *t = h->tenants[i];
      h->tenants[i] = t->next;
      free_list(t->first);
      free(t);
    }
  held_finish(&h->held);
  loop_timer_destroy(h->ticker);
  loop_timer_destroy(h->teller);
  free(h->exe);
  free(h);
}

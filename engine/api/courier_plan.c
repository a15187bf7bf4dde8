// api/courier_plan.c – to which channels open notices go, and when; storms. One write a batch, on the writer's thread: what it reads is what it
// writes by.
#include "api/courier_impl.h"

#include "api/tier.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "notice/storm.h"
#include "store/id.h"
#include "store/store.h"
#include "tenant/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 16  // notices in one write: others want the writer too

struct plan_lane {
  int64_t channel_id, next_ns;
};

struct open_notice {
  int64_t id, tenant_id, channel_id, created_ns;
  char event[NOTICE_EVENT_SIZE], subject[NOTICE_SUBJECT_SIZE];
  bool summary;  // of a storm
};

struct planner {
  struct courier *courier;
  struct snapshot *snapshot;
  bool available[NOTICE_KIND_COUNT];  // as the loop knows it
  const char *why[NOTICE_KIND_COUNT];
  int64_t now_ns, window_ns;
  struct plan_lane *lanes;
  size_t lane_count;
  uint64_t planned, folded;
  // Of the notice that is being decided about.
  struct db *db;
  struct err *err;
  enum status st;
  const struct open_notice *n;
  enum notice_event event;
  struct notice_rules *rules;
  struct entitlement *entitled;
  // The batch.
  struct open_notice open[BATCH];
  size_t count;
};

// ---- one notice, one channel

// Counts it for the plan; why it is too many.
static const char *used_up(struct planner *p, const struct channel_row *c) {
  struct usage_decision d;
  char key[60];
  snprintf(key, sizeof key, "%lld:%lld", (long long)p->n->id, (long long)c->id);
  const enum status st = usage_take(p->courier->core->usage, p->db, &p->entitled->plan, p->n->tenant_id, ACTION_NOTICE, key, 1, p->now_ns, &d, p->err);
  if (st == ERR_LIMIT) return "The plan's notices of the day are used up.";
  p->st = st;
  return NULL;
}

// Why it is not sent there; NULL: it is.
static const char *refusal(struct planner *p, const struct channel_row *c, enum notice_kind kind) {
  const bool critical = notice_about(p->event)->critical;
  int64_t waiting = 0;
  if (!p->available[kind]) return p->why[kind];
  if (!notices_included(p->entitled, kind) && !(critical && c->own)) return "The plan does not include it.";
  if (critical) return NULL;
  p->st = sending_count_waiting(p->db, c->id, &waiting, p->err);
  if (p->st != OK || waiting >= COURIER_WAITING_MAX) return "Too many wait there already.";
  return p->event == NOTICE_TEST ? NULL : used_up(p, c);
}

static bool decide(void *arg, const struct channel_row *c) {
  struct planner *p = arg;
  const int kind = notice_kind_parse(c->kind);
  char id[ID_TEXT_SIZE];
  if (kind < 0 || strcmp(c->state, "active") != 0 || (p->n->channel_id && p->n->channel_id != c->id)) return true;
  id_format("chn", c->id, id);
  struct notice_decision d = notice_decide(p->rules, p->event, (enum notice_kind)kind, id, p->now_ns);
  if (p->event == NOTICE_TEST) d = (struct notice_decision){NOTICE_NOW, p->now_ns};
  if (d.mode == NOTICE_OFF) return true;
  struct sending_row s = {.id = id_next(p->now_ns), .notice_id = p->n->id, .channel_id = c->id, .tenant_id = p->n->tenant_id, .digest = d.mode == NOTICE_DIGEST, .next_ns = d.at_ns, .began_ns = d.at_ns, .created_ns = p->now_ns};
  const char *why = refusal(p, c, (enum notice_kind)kind);
  snprintf(s.state, sizeof s.state, "%s", why ? "skipped" : s.digest ? "held" : "waiting");
  if (why) s.next_ns = 0, snprintf(s.reason, sizeof s.reason, "%s", why);
  if (p->st == OK) p->st = sending_insert(p->db, &s, p->err);
  if (p->st == OK && s.next_ns) p->lanes[p->lane_count++] = (struct plan_lane){c->id, s.next_ns};
  return p->st == OK;
}

static enum status decide_all(struct planner *p) {
  enum status st = channel_own(p->db, p->n->tenant_id, id_next(p->now_ns), p->now_ns, p->err);
  if (st == OK) st = notices_rules(p->db, p->n->tenant_id, &p->rules, p->err);
  if (st == OK) st = entitlement_load(p->db, snapshot_plans(p->snapshot), p->n->tenant_id, p->now_ns, p->entitled, p->err);
  if (st == OK) st = channel_list(p->db, p->n->tenant_id, INT64_MAX, CHANNELS_MAX + 1, decide, p, p->err);
  notice_rules_destroy(p->rules);
  p->rules = NULL;
  return st == OK ? p->st : st;
}

// ---- storms

static enum status fold(struct planner *p, const char *subject, int64_t burst, bool *ret_folded) {
  struct storm_row row;
  enum status st = storm_get(p->db, p->n->tenant_id, p->n->event, subject, &row, p->err);
  if (st != OK) return st;
  struct notice_storm s = {row.since_ns, row.sent, row.folded};
  *ret_folded = !notice_storm_take(&s, burst, p->now_ns, p->window_ns);
  row.since_ns = s.since_ns, row.sent = s.sent, row.folded = s.folded;
  if (*ret_folded) row.last_id = p->n->id;
  return storm_put(p->db, &row, p->err);
}

struct last {
  struct planner *p;
  const struct storm_row *storm;
  int64_t more;
};
static bool tell_more(void *arg, const struct notice_row *row) {
  struct last *l = arg;
  char once[40];
  snprintf(once, sizeof once, "storm:%lld", (long long)row->id);
  const struct notice_row n = {.tenant_id = row->tenant_id, .event = row->event, .subject = row->subject, .data = row->data, .once = once, .more = l->more, .created_ns = l->p->now_ns};
  l->p->st = notice_add(l->p->db, &n, NULL, l->p->err);
  return false;
}

// The storm whose window is over longest, if one is: the last of what was folded is told, with how many more there were.
static enum status tell_storm(struct planner *p) {
  struct storm_row row;
  enum status st = storm_first(p->db, &row, p->err);
  if (st == ERR_NOTFOUND) return OK;
  struct notice_storm s = {row.since_ns, row.sent, row.folded};
  if (st != OK || !notice_storm_due(&s, p->now_ns, p->window_ns)) return st;
  struct last l = {p, &row, notice_storm_tell(&s, p->now_ns) - 1};
  row.since_ns = s.since_ns, row.sent = s.sent, row.folded = s.folded;
  st = storm_put(p->db, &row, p->err);
  if (st == OK) st = notice_get(p->db, row.tenant_id, row.last_id, tell_more, &l, p->err);
  if (st == ERR_NOTFOUND) return OK;  // erased
  return st == OK ? p->st : st;
}

// ---- the batch

static bool take_open(void *arg, const struct notice_row *row) {
  struct planner *p = arg;
  struct open_notice *n = &p->open[p->count++];
  *n = (struct open_notice){.id = row->id, .tenant_id = row->tenant_id, .channel_id = row->channel_id, .created_ns = row->created_ns, .summary = row->once && strncmp(row->once, "storm:", 6) == 0};
  snprintf(n->event, sizeof n->event, "%s", row->event);
  snprintf(n->subject, sizeof n->subject, "%s", row->subject);
  return p->count < BATCH;
}

static enum status plan(struct db *db, void *arg, struct err *err) {
  struct planner *p = arg;
  p->db = db;
  p->err = err;
  p->st = OK;
  enum status st = tell_storm(p);
  if (st == OK) st = notice_open_list(db, 0, BATCH, take_open, p, err);
  for (size_t i = 0; st == OK && i < p->count; i++) {
    bool folded = false;
    p->n = &p->open[i];
    const bool known = notice_event_parse(p->n->event, &p->event);  // not: of a later version
    if (known && !p->n->summary && p->event != NOTICE_TEST) st = fold(p, p->n->subject, NOTICE_STORM_BURST, &folded);
    if (st == OK && known && !p->n->summary && !folded && p->event != NOTICE_TEST) st = fold(p, "*", NOTICE_STORM_BURST_ALL, &folded);
    if (st == OK && known && !folded) st = decide_all(p);
    if (st == OK) st = notice_closed(db, p->n->id, folded, err);
    p->planned++;
    p->folded += folded;
  }
  return st;
}

static void planned(void *arg, enum status st, const struct err *err) {
  struct planner *p = arg;
  struct courier *c = p->courier;
  c->planning = false;
  c->writes--;
  if (st == OK) {
    c->planned += p->planned;
    c->folded += p->folded;
    for (size_t i = 0; i < p->lane_count; i++) (void)courier_lane(c, p->lanes[i].channel_id, p->lanes[i].next_ns);
    if (p->lane_count && !c->leaving) loop_timer_start(c->timer, 0, 100);
  } else {
    api_log(c->core, "error", "notices_not_planned", json_pack("{s:s}", "error", err->msg));
  }
  snapshot_release(p->snapshot);
  free(p->entitled);
  free(p->lanes);
  free(p);
}

static bool is_any(void *arg, const struct notice_row *row) {
  (void)row;
  *(bool *)arg = true;
  return false;
}

void courier_plan(struct courier *c) {
  struct db *db = store_reader(c->core->store, STORE_CONTROL);
  struct storm_row storm;
  struct err err;
  bool any = false;
  if (c->planning) return;
  const int64_t now_ns = clock_wall_ns(), window_ns = NOTICE_STORM_NS / 100 * c->s.percent;
  if (notice_open_list(db, 0, 1, is_any, &any, &err) != OK) return;
  if (!any && storm_first(db, &storm, &err) == OK) any = notice_storm_due(&(struct notice_storm){storm.since_ns, storm.sent, storm.folded}, now_ns, window_ns);
  struct planner *p = any ? calloc(1, sizeof *p) : NULL;
  if (!p) return;
  p->entitled = calloc(1, sizeof *p->entitled);
  p->lanes = calloc((size_t)BATCH * (CHANNELS_MAX + 1), sizeof *p->lanes);
  if (!p->entitled || !p->lanes) {
    free(p->entitled);
    free(p->lanes);
    free(p);
    return;
  }
  p->courier = c;
  p->now_ns = now_ns;
  p->window_ns = window_ns;
  p->snapshot = registry_snapshot(c->core->registry);
  snapshot_retain(p->snapshot);
  for (int k = 0; k < NOTICE_KIND_COUNT; k++) p->available[k] = courier_available(c, (enum notice_kind)k, &p->why[k]);
  c->planning = true;
  c->writes++;
  store_write(c->core->store, STORE_CONTROL, plan, planned, p);
}

// bot/live_ahead.c – before a bot's books are opened: histories that take long are made on the pool, while the loop serves everybody else.
#include "bot/live_impl.h"

#include "loop/loop.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct live_ahead {
  struct live_ahead *next;
  struct live *live;
  struct hub_ahead made;
  enum status st;
  atomic_uint permille;     // of the pool's thread
  atomic_bool unwanted;
};

#define TELL_MS 100

// ---- how far it is

static bool concerns(const struct live_bot *b, const struct live_ahead *j) {
  for (int i = 0; b->plan && i < b->plan->stream_count; i++)
    if (b->plan->streams[i].timeframe_ns == j->made.timeframe_ns && strcmp(b->plan->streams[i].symbol, j->made.symbol) == 0) return true;
  return false;
}

bool live_preparing(const struct live *l, int64_t bot_id, double *ret) {
  const struct live_bot *b = live_find(l, bot_id);
  if (!b || !b->awaits_history) return false;
  unsigned permille = b->awaits_venue ? 0 : 1000;
  for (struct live_ahead *j = l->ahead; j; j = j->next)
    if (concerns(b, j) && atomic_load(&j->permille) < permille) permille = atomic_load(&j->permille);
  *ret = permille / 1000.0;
  return true;
}

static void tell(void *arg) {
  struct live *l = arg;
  for (int i = 0; i < LIVE_BUCKETS && !l->closing; i++)
    for (struct live_bot *b = l->bots[i]; b; b = b->next) {
      double share;
      if (!live_preparing(l, b->id, &share) || !live_heard(b)) continue;
      l->config.publish(l->config.self, b->channel, "status", json_pack("{s:s, s:s, s:s, s:f}", "state", life_state_text(b->life.state), "reason_code", life_reason_code(b->life.reason), "reason",
        life_reason_text(b->life.reason), "progress", share));
    }
}

// The timer runs as long as something is made.
static void watch(struct live *l) {
  struct err err;
  if (!l->ahead_timer && loop_timer_create(l->config.loop, tell, l, &l->ahead_timer, &err) != OK) return;
  loop_timer_start(l->ahead_timer, TELL_MS, TELL_MS);
}

void live_ahead_end(struct live *l) {
  for (struct live_ahead *j = l->ahead; j; j = j->next) atomic_store(&j->unwanted, true);
  loop_timer_destroy(l->ahead_timer);
  l->ahead_timer = NULL;
}

// ---- making it

static bool under_way(const struct live *l, const struct hub_ahead *a) {
  for (const struct live_ahead *j = l->ahead; j; j = j->next)
    if (j->made.venue == a->venue && j->made.timeframe_ns == a->timeframe_ns && strcmp(j->made.symbol, a->symbol) == 0) return true;
  return false;
}

static bool progress(void *self, unsigned permille) {
  struct live_ahead *j = self;
  atomic_store(&j->permille, permille);
  return !atomic_load(&j->unwanted);
}

static void work(void *arg) {
  struct live_ahead *j = arg;
  struct err err;
  j->st = hub_ahead_make(&j->made, progress, j, &err);
}

// Those that wait ask again.
static void go_on(struct live *l) {
  for (int i = 0; i < LIVE_BUCKETS && !l->closing; i++)
    for (struct live_bot *b = l->bots[i], *next; b; b = next) {
      next = b->next;
      if (!b->awaits_history) continue;
      b->awaits_history = false;
      live_act(b);
    }
}

void live_ahead_ready(void *live, int venue) {
  (void)venue;
  go_on(live);
}

static void done(void *arg) {
  struct live_ahead *j = arg;
  struct live *l = j->live;
  for (struct live_ahead **p = &l->ahead; *p; p = &(*p)->next)
    if (*p == j) {
      *p = j->next;
      break;
    }
  l->writes--;
  if (!l->ahead && l->ahead_timer) loop_timer_stop(l->ahead_timer);
  if (j->st == OK) hub_ahead_take(l->hub, &j->made);  // else it is tried where everybody waits, which says why
  free(j);
  go_on(l);
}

bool live_ahead(struct live_bot *b) {
  struct live *l = b->live;
  char venue[BOT_VENUE_SIZE];
  struct err err;
  bool waits = false;
  if (b->clerk) return false;
  const struct live_setup *setup = intern_get(l->common, b->setup, sizeof *setup);  // what its journal said of it stays
  const enum status st = live_plan_read(b, &err);
  intern_put(l->common, b->setup);
  b->setup = setup;
  if (st != OK) return false;
  b->awaits_venue = false;
  venue[0] = '\0';
  const bool found = live_venue_find(b, venue, &err) == OK;  // a venue tells its symbols late
  for (int i = 0; i < b->plan->stream_count; i++) {
    const struct plan_stream *s = &b->plan->streams[i];
    if (!hub_prepare(l->hub, venue, s->symbol, s->timeframe_ns, live_series_wanted(l, venue, s->symbol, s->timeframe_ns, (size_t)b->plan->history_bars))) b->awaits_venue = true;
  }
  if (b->awaits_venue) return b->awaits_history = true;
  if (!found) return false;  // opening it says why not
  for (int i = 0; i < b->plan->stream_count; i++) {
    struct hub_ahead wanted;
    if (!hub_ahead_wanted(l->hub, venue, b->plan->streams[i].symbol, b->plan->streams[i].timeframe_ns, (size_t)b->plan->history_bars, &wanted)) continue;
    struct live_ahead *j = under_way(l, &wanted) ? NULL : calloc(1, sizeof *j);
    if (!j && !under_way(l, &wanted)) continue;
    waits = true;
    if (!j) continue;
    j->live = l;
    j->made = wanted;
    if (loop_work(l->config.loop, work, done, j, &err) != OK) {
      free(j);
      return false;
    }
    j->next = l->ahead;
    l->ahead = j;
    l->writes++;
    watch(l);
  }
  return b->awaits_history = waits;
}

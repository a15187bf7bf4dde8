// bot/timers.c – ctx:timer on the engine's clock: every so long since the epoch's grid, or daily at a local time of day.
#include "bot/bot_impl.h"

#include "market/tz.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The first due time after t. Repeating timers stand on the grid of their period, so they do not depend on when they were set.
static int64_t next_due(const struct timer *t, int64_t after_ns) {
  if (t->second_of_day < 0) return timeframe_floor(after_ns, t->every_ns) + t->every_ns;
  int64_t after_s = after_ns >= 0 ? after_ns / NS_PER_S : -((-after_ns + NS_PER_S - 1) / NS_PER_S);
  return tz_next_time_of_day(t->tz, after_s, t->second_of_day) * NS_PER_S;
}

static void refresh_next(struct bot *b) {
  b->timer_changes++;
  b->timer_next_ns = INT64_MAX;
  for (int i = 0; i < TIMERS_MAX; i++)
    if (b->timers[i].used && b->timers[i].due_ns < b->timer_next_ns) b->timer_next_ns = b->timers[i].due_ns;
}

bool timer_set(void *self, const char *name, int64_t every_ns, int at_minute, const char *tz, char *ret_why, size_t why_size) {
  struct bot *b = self;
  struct timer *slot = NULL;
  if (!b->timers && !(b->timers = calloc(TIMERS_MAX, sizeof *b->timers))) {
    snprintf(ret_why, why_size, "out of memory");
    return false;
  }
  for (int i = 0; i < TIMERS_MAX; i++) {
    struct timer *t = &b->timers[i];
    if (t->used && strcmp(t->name, name) == 0) {
      slot = t;
      break;
    }
    if (!t->used && !slot) slot = t;
  }
  if (every_ns == 0 && at_minute < 0) {  // off
    if (slot && slot->used) {
      tz_destroy(slot->tz);
      *slot = (struct timer){0};
      refresh_next(b);
    }
    return true;
  }
  if (!slot) {
    snprintf(ret_why, why_size, "at most %d timers", TIMERS_MAX);
    return false;
  }
  struct timer t = {.every_ns = every_ns, .second_of_day = at_minute < 0 ? -1 : at_minute * 60, .used = true};
  snprintf(t.name, sizeof t.name, "%s", name);
  if (at_minute >= 0) {
    struct err err;
    if (tz_load(tz, &t.tz, &err) != OK) {
      snprintf(ret_why, why_size, "%.150s", err.msg);
      return false;
    }
  }
  // One that is set again as it is goes on as it was: who sets it at every bar does not put it off for ever.
  if (slot->used && slot->every_ns == t.every_ns && slot->second_of_day == t.second_of_day && (!t.tz || strcmp(tz_name(slot->tz), tz_name(t.tz)) == 0)) {
    tz_destroy(t.tz);
    return true;
  }
  t.due_ns = next_due(&t, b->now_ns);
  if (slot->used) tz_destroy(slot->tz);
  *slot = t;
  refresh_next(b);
  return true;
}

void timers_free(struct timer *timers) {
  for (int i = 0; timers && i < TIMERS_MAX; i++) tz_destroy(timers[i].tz);
  free(timers);
}

void timers_finish(struct bot *b) { timers_free(b->timers); }

int64_t bot_timer_next(const struct bot *b) {
  return b->timer_next_ns;
}

uint32_t bot_timer_changes(const struct bot *b) { return b->timer_changes; }

enum status bot_timers_fire(struct bot *b, int64_t now_ns, struct err *err) {
  for (int i = 0; b->timers && !b->muted && i < TIMERS_MAX; i++) {  // muted: due all the same in the next instant
    struct timer *t = &b->timers[i];
    if (!t->used || t->due_ns > now_ns) continue;
    t->due_ns = next_due(t, now_ns);  // a gap in the data fires a timer once, not once per missed period
    refresh_next(b);
    char name[SPEC_NAME_MAX];
    strcpy(name, t->name);
    b->now_ns = now_ns;
    script_now(b->script, now_ns);
    desk_begin(b);
    enum status st = bot_finish_callback(b, script_on_timer(b->script, name, err), err);
    if (st == OK) st = bot_settle(b, now_ns, err);
    if (st != OK) return st;
  }
  return OK;
}

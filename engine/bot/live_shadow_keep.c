// bot/live_shadow_keep.c – what was compared of a shadow, over a restart: rows of control.db, written behind what happens, twice a second.
// After a restart the shadow begins again from its live bot's state, orders and account, and the counts go on: how often that was, and
// since when they count, is told with them.
#include "bot/live_shadow.h"

#include "loop/clock.h"
#include "loop/loop.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#define KEEP_MS 500

// ---- writing

struct keep_job {
  struct live *live;
  struct shadow_row row;
  size_t count;
  struct shadow_difference items[];
};

static enum status write_row(struct db *db, void *arg, struct err *err) {
  const struct keep_job *j = arg;
  return shadow_put(db, &j->row, j->items, j->count, err);
}

static void written(void *arg, enum status st, const struct err *err) {
  struct keep_job *j = arg;
  struct live_bot *b = live_find(j->live, j->row.bot_id);
  j->live->writes--;
  if (st != OK && b && b->shadow && b->shadow->row.began_ns == j->row.began_ns) {  // tried again with what follows
    b->shadow->kept = j->count && j->items[0].number < b->shadow->kept ? j->items[0].number : b->shadow->kept;
    b->shadow->dirty = true;
    j->live->config.log(j->live->config.self, "error", "shadow_unsaved", json_pack("{s:s}", "error", err->msg));
  }
  for (size_t i = 0; i < j->count; i++) free((char *)j->items[i].live), free((char *)j->items[i].shadow);
  free(j);
}

static void keep(struct live_bot *b) {
  struct live_shadow *s = b->shadow;
  const int64_t first = s->row.different - s->kept > SHADOW_DIFFERENCES_MAX ? s->row.different - SHADOW_DIFFERENCES_MAX : s->kept;
  const size_t count = (size_t)(s->row.different - first);
  struct keep_job *j = calloc(1, sizeof *j + count * sizeof *j->items);
  if (!j) return;
  j->live = b->live;
  j->row = s->row;
  for (int64_t n = first; n < s->row.different; n++) {
    const struct live_difference *d = &s->items[n % SHADOW_DIFFERENCES_MAX];
    char *live = strdup(d->live ? d->live : ""), *shadow = strdup(d->shadow ? d->shadow : "");
    if (live && shadow) j->items[j->count++] = (struct shadow_difference){n, d->time_ns, live, shadow};
    else free(live), free(shadow);
  }
  s->kept = s->row.different;
  s->dirty = false;
  b->live->writes++;
  store_write(b->live->config.store, STORE_CONTROL, write_row, written, j);
}

void live_shadow_keep(struct live *l) {
  l->shadows_dirty = false;
  for (int i = 0; i < LIVE_BUCKETS; i++)
    for (struct live_bot *b = l->bots[i]; b; b = b->next)
      if (b->shadow && b->shadow->dirty) keep(b);
}

static void on_timer(void *arg) {
  struct live *l = arg;
  if (!l->closing) live_shadow_keep(l);
  if (!l->shadows_dirty) loop_timer_stop(l->shadow_timer);
}

enum status live_shadow_begin(struct live *l, struct err *err) { return loop_timer_create(l->config.loop, on_timer, l, &l->shadow_timer, err); }

void live_shadow_finish(struct live *l) {
  if (l->shadow_timer) loop_timer_destroy(l->shadow_timer);
  l->shadow_timer = NULL;
}

void live_shadow_touch(struct live_bot *b) {
  struct live *l = b->live;
  b->shadow->dirty = true;
  if (!l->shadows_dirty && !l->closing) loop_timer_start(l->shadow_timer, KEEP_MS, KEEP_MS);
  l->shadows_dirty = true;
}

// ---- reading

static void take(void *arg, const struct shadow_difference *d) {
  struct live_shadow *s = arg;
  struct live_difference *item = &s->items[d->number % SHADOW_DIFFERENCES_MAX];
  if (d->number >= s->row.different) return;
  free(item->live);
  free(item->shadow);
  *item = (struct live_difference){d->time_ns, strdup(d->live), strdup(d->shadow)};
}

struct live_shadow *live_shadow_read(struct live_bot *b) {
  struct db *db = store_reader(b->live->config.store, STORE_CONTROL);
  struct live_shadow *s = calloc(1, sizeof *s);
  struct err err;
  if (!s) return NULL;
  s->script.version = (uint32_t)b->row.shadow_version;
  const enum status st = shadow_get(db, b->id, b->row.shadow_version, &s->row, &err);
  if (st == OK && shadow_differences(db, b->id, take, s, &err) == OK) s->kept = s->row.different;
  else s->row = (struct shadow_row){.bot_id = b->id, .version = b->row.shadow_version, .began_ns = clock_wall_ns()};
  return s;
}

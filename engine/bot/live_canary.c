// bot/live_canary.c – a version on trial: a share of the bots that follow a script runs it, chosen by their numbers, so always the same
// ones. Errors of all of them are counted, and each one's equity is watched; over a limit all go back to the active version. When its
// time is over it becomes the active one. Its row is the truth: a restart goes on with it.
#include "bot/canary.h"
#include "bot/live_impl.h"

#include "loop/clock.h"
#include "loop/loop.h"
#include "store/canary_rows.h"
#include "store/script_rows.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS 200
#define KEEP_MS 2000  // between two writes of peaks: so old are those that a crash leaves

struct live_canary {
  struct live_canary *next;
  struct canary_row row;
  struct canary_bot *bots;
  size_t count, cap;
  bool ending;                // on its way to the store
  int64_t kept_ms;            // by the loop's clock: when peaks were written
};

// ---- whose

static struct live_canary *of_script(const struct live *l, int64_t script_id) {
  struct live_canary *c = l->canaries;
  while (c && c->row.script_id != script_id) c = c->next;
  return c;
}

int64_t live_canary_version(const struct live_bot *b) {
  const struct live_canary *c = of_script(b->live, b->row.script_id);
  return c && !b->row.version && canary_chosen(b->id, c->row.version, c->row.percent) ? c->row.version : 0;
}

static struct canary_bot *tried_of(struct live_canary *c, int64_t bot_id) {
  for (size_t i = 0; i < c->count; i++)
    if (c->bots[i].bot_id == bot_id) return &c->bots[i];
  return NULL;
}

static void add(void *arg, int64_t bot_id, int64_t equity_e8, int64_t peak_e8) {
  struct live_canary *c = arg;
  if (c->count == c->cap) {
    const size_t cap = c->cap ? 2 * c->cap : 16;
    struct canary_bot *more = realloc(c->bots, cap * sizeof *more);
    if (!more) return;
    c->bots = more;
    c->cap = cap;
  }
  c->bots[c->count++] = (struct canary_bot){bot_id, equity_e8, peak_e8, peak_e8};
}

// ---- its end

struct end_job {
  struct live *live;
  struct canary_row row;
};

static enum status write_end(struct db *db, void *arg, struct err *err) {
  struct end_job *j = arg;
  struct script_row script;
  enum status st = canary_end(db, &j->row, err);
  if (st == OK && strcmp(j->row.state, "promoted") == 0) st = script_activate(db, j->row.tenant_id, j->row.script_id, j->row.version, 0, 0, j->row.ended_ns, &script, err);
  if (st == OK && j->live->config.audit) {
    char action[40], detail[CANARY_REASON_SIZE + 64];
    snprintf(action, sizeof action, "canary.%s", j->row.state);
    json_t *told = json_pack("{s:I, s:s}", "version", (json_int_t)j->row.version, "reason", j->row.reason);
    char *text = told ? json_dumps(told, JSON_COMPACT) : NULL;
    snprintf(detail, sizeof detail, "%s", text ? text : "");
    st = j->live->config.audit(j->live->config.self, db, j->row.tenant_id, action, j->row.script_id, detail, j->row.ended_ns, err);
    free(text);
    json_decref(told);
  }
  return st;
}

static void ended(void *arg, enum status st, const struct err *err) {
  struct end_job *j = arg;
  struct live *l = j->live;
  l->writes--;
  if (!l->closing) {
    struct live_canary *c = of_script(l, j->row.script_id);
    if (st != OK && st != ERR_NOTFOUND) {  // tried again with the next look
      l->config.log(l->config.self, "error", "canary_unsaved", json_pack("{s:s}", "error", err ? err->msg : ""));
      if (c) c->ending = false;
    } else {
      live_script_changed(l, j->row.script_id);
    }
  }
  free(j);
}

static void tell(struct live_canary *c, struct live *l, const char *state, const char *reason) {
  for (size_t i = 0; i < c->count; i++) {
    struct live_bot *b = live_find(l, c->bots[i].bot_id);
    if (b) l->config.publish(l->config.self, b->channel, "canary", json_pack("{s:I, s:s, s:s}", "version", (json_int_t)c->row.version, "state", state, "reason", reason));
  }
}

static void end(struct live *l, struct live_canary *c, const char *state, const char *reason) {
  struct end_job *j = c->ending ? NULL : calloc(1, sizeof *j);
  if (!j) return;
  c->ending = true;
  j->live = l;
  j->row = c->row;
  snprintf(j->row.state, sizeof j->row.state, "%s", state);
  snprintf(j->row.reason, sizeof j->row.reason, "%s", reason);
  j->row.ended_ns = clock_wall_ns();
  tell(c, l, state, reason);
  l->config.log(l->config.self, "info", "canary_ended", json_pack("{s:I, s:s, s:s}", "version", (json_int_t)c->row.version, "state", state, "reason", reason));
  l->writes++;
  store_write(l->config.store, STORE_CONTROL, write_end, ended, j);
}

// ---- what is watched

struct bot_job {
  struct live *live;
  int64_t canary_id, bot_id, number;
};

static enum status write_bot(struct db *db, void *arg, struct err *err) {
  const struct bot_job *j = arg;
  return j->bot_id ? canary_bot_add(db, j->canary_id, j->bot_id, j->number, err) : canary_set_errors(db, j->canary_id, j->number, err);
}
static void written(void *arg, enum status st, const struct err *err) {
  struct bot_job *j = arg;
  (void)st, (void)err;  // after a restart it would be watched from there
  j->live->writes--;
  free(j);
}
static void store(struct live *l, int64_t canary_id, int64_t bot_id, int64_t number) {
  struct bot_job *j = malloc(sizeof *j);
  if (!j) return;
  *j = (struct bot_job){l, canary_id, bot_id, number};
  l->writes++;
  store_write(l->config.store, STORE_CONTROL, write_bot, written, j);
}

static int64_t equity_of(const struct live_bot *b) { return account_equity(matcher_account(clerk_matcher(b->clerk))).e8; }

void live_canary_joined(struct live_bot *b) {
  struct live_canary *c = of_script(b->live, b->row.script_id);
  if (!c || b->row.version || b->version != c->row.version || tried_of(c, b->id)) return;
  const int64_t equity_e8 = equity_of(b);
  add(c, b->id, equity_e8, equity_e8);
  store(b->live, c->row.id, b->id, equity_e8);
}

void live_canary_error(struct live_bot *b, uint32_t version, const char *text) {
  struct live_canary *c = of_script(b->live, b->row.script_id);
  char reason[CANARY_REASON_SIZE];
  if (!c || b->row.version || version != c->row.version) return;
  c->row.errors++;
  store(b->live, c->row.id, 0, c->row.errors);
  if (c->row.errors <= c->row.errors_max) return;
  snprintf(reason, sizeof reason, "%lld of its bots' errors, of at most %lld; the last, of %s: %.300s", (long long)c->row.errors, (long long)c->row.errors_max, b->channel + 4, text);
  end(b->live, c, "rolled_back", reason);
}

static bool fell(struct live *l, struct live_canary *c, struct canary_bot *t) {
  const struct live_bot *b = live_find(l, t->bot_id);
  return b && b->clerk && b->version == c->row.version && canary_fell(t, equity_of(b), c->row.drawdown_e8);
}

struct peaks_job {
  struct live *live;
  int64_t canary_id;
  size_t count;
  struct {
    int64_t bot_id, peak_e8;
  } items[];
};

static enum status write_peaks(struct db *db, void *arg, struct err *err) {
  const struct peaks_job *j = arg;
  enum status st = OK;
  for (size_t i = 0; i < j->count && st == OK; i++) st = canary_bot_peak(db, j->canary_id, j->items[i].bot_id, j->items[i].peak_e8, err);
  return st;
}
static void wrote_peaks(void *arg, enum status st, const struct err *err) {
  struct peaks_job *j = arg;
  (void)st, (void)err;  // those that rise further are written again
  j->live->writes--;
  free(j);
}
static void keep_peaks(struct live *l, struct live_canary *c) {
  const int64_t now_ms = loop_now_ms(l->config.loop);
  if (c->row.drawdown_e8 == 0 || now_ms - c->kept_ms < KEEP_MS) return;
  struct peaks_job *j = malloc(sizeof *j + c->count * sizeof *j->items);
  if (!j) return;
  c->kept_ms = now_ms;
  j->live = l;
  j->canary_id = c->row.id;
  j->count = 0;
  for (size_t i = 0; i < c->count; i++) {
    struct canary_bot *t = &c->bots[i];
    if (t->peak_e8 == t->kept_e8) continue;
    j->items[j->count].bot_id = t->bot_id;
    j->items[j->count++].peak_e8 = t->kept_e8 = t->peak_e8;
  }
  if (j->count == 0) {
    free(j);
    return;
  }
  l->writes++;
  store_write(l->config.store, STORE_CONTROL, write_peaks, wrote_peaks, j);
}

static void look(struct live *l, struct live_canary *c) {
  char reason[CANARY_REASON_SIZE], id[ID_TEXT_SIZE];
  for (size_t i = 0; i < c->count && !c->ending; i++)
    if (fell(l, c, &c->bots[i])) {
      id_format("bot", c->bots[i].bot_id, id);
      snprintf(reason, sizeof reason, "the equity of %s fell by more than %.4g%% since it took the version", id, (double)c->row.drawdown_e8 / 1e6);
      end(l, c, "rolled_back", reason);
    }
  if (c->ending) return;
  keep_peaks(l, c);
  const enum canary_verdict v = canary_due(c->row.until_ns, clock_wall_ns(), c->count > 0);
  if (v == CANARY_PROMOTED) end(l, c, "promoted", "its time is over, and no limit was broken");
  else if (v == CANARY_ROLLED_BACK) end(l, c, "rolled_back", "its time is over, and no bot has tried it");
}

static void on_timer(void *arg) {
  struct live *l = arg;
  if (l->closing) return;
  for (struct live_canary *c = l->canaries, *next; c; c = next) {
    next = c->next;
    if (!c->ending) look(l, c);
  }
}

// ---- rows

static void forget(struct live *l, int64_t script_id) {
  for (struct live_canary **p = &l->canaries; *p;)
    if (script_id == 0 || (*p)->row.script_id == script_id) {
      struct live_canary *c = *p;
      *p = c->next;
      free(c->bots);
      free(c);
    } else {
      p = &(*p)->next;
    }
}

static bool take(void *arg, const struct canary_row *row) {
  struct live *l = arg;
  struct err err;
  struct live_canary *c = calloc(1, sizeof *c);
  if (!c) return false;
  c->row = *row;
  (void)!canary_bots(store_reader(l->config.store, STORE_CONTROL), row->id, add, c, &err);
  c->next = l->canaries;
  l->canaries = c;
  return true;
}

enum status live_canary_begin(struct live *l, struct err *err) {
  enum status st = loop_timer_create(l->config.loop, on_timer, l, &l->canary_timer, err);
  if (st == OK) st = canary_list_running(store_reader(l->config.store, STORE_CONTROL), take, l, err);
  if (st == OK && l->canaries) loop_timer_start(l->canary_timer, LOOK_MS, LOOK_MS);
  return st;
}

void live_canary_finish(struct live *l) {
  forget(l, 0);
  if (l->canary_timer) loop_timer_destroy(l->canary_timer);
  l->canary_timer = NULL;
}

void live_script_changed(struct live *l, int64_t script_id) {
  struct canary_row row;
  struct err err;
  struct live_canary *c = of_script(l, script_id);
  const enum status st = canary_last(store_reader(l->config.store, STORE_CONTROL), script_id, &row, &err);
  const bool runs = st == OK && strcmp(row.state, "running") == 0;
  if (c && (!runs || c->row.id != row.id)) forget(l, script_id), c = NULL;
  if (runs && !c && take(l, &row)) loop_timer_start(l->canary_timer, LOOK_MS, LOOK_MS);
  if (!l->canaries) loop_timer_stop(l->canary_timer);
  for (int i = 0; i < LIVE_BUCKETS; i++)
    for (struct live_bot *b = l->bots[i], *next; b; b = next) {
      next = b->next;
      if (b->has_row && b->row.script_id == script_id && !b->row.version) live_reload_look(b);
    }
}

// bot/live_bot.c – a bot's life in this process: its row says what is wanted, bot/life.h what comes next, and here it is done.
#include "bot/live_impl.h"

#include "loop/clock.h"
#include "loop/loop.h"
#include "notice/tell.h"
#include "store/db.h"
#include "store/store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOOKLESS_MOST_MS 60000  // between two tries to open books, of a bot whose every write is refused

// ---- its row

struct standing_job {
  struct live *live;
  int64_t bot_id;
  struct bot_standing standing;
  struct bot_failure failure;
  bool failed;
  bool noticed;          // its owner is told
  enum notice_event event;
  int64_t tenant_id, now_ns;
  char name[BOT_NAME_SIZE];
  char *detail, *said;   // behind text
  char text[];
};

// Once for each time that a state was entered, however often it is written.
static enum status tell_owner(struct db *db, const struct standing_job *j, struct err *err) {
  char id[ID_TEXT_SIZE], once[80];
  id_format("bot", j->bot_id, id);
  snprintf(once, sizeof once, "standing:%s:%lld", id, (long long)j->standing.since_ns);
  return notice_tell(db, j->tenant_id, j->event, id, once, json_pack("{s:s, s:s, s:s, s:s}", "bot", j->name, "state", j->standing.state, "reason", life_reason_text((enum life_reason)life_reason_parse(j->standing.reason_code)),
    "detail", j->detail), j->now_ns, err);
}

static enum status write_standing(struct db *db, void *arg, struct err *err) {
  struct standing_job *j = arg;
  j->standing.reason = j->text;
  enum status st = bot_set_state(db, j->bot_id, &j->standing, err);
  if (st == ERR_NOTFOUND) return OK;
  if (st == OK && j->noticed) st = tell_owner(db, j, err);
  if (st == OK && j->failed) {
    j->failure.detail = j->detail;
    st = bot_failure_add(db, &j->failure, err);
  }
  return st;
}

#define SAID_MAX 255  // of a detail, in a state that is written again

static void standing_written(void *arg, enum status st, const struct err *err) {
  struct standing_job *j = arg;
  j->live->writes--;
  struct live_bot *b = st != OK && !j->live->closing ? live_find(j->live, j->bot_id) : NULL;
  (void)err;
  // A full disk: the owner is to see the state as soon as there is room. One that waits for another try is written with that.
  if (b && b->life.state != LIFE_RETRYING) {
    b->unsaved = true;
    free(b->unsaved_why);
    b->unsaved_why = strdup(j->said);
    live_again(b, LIVE_AGAIN_MS);
  }
  free(j);
}

static const enum life_event failures[] = {LIFE_SCRIPT_FAILED, LIFE_UNFIT, LIFE_NO_DATA, LIFE_BROKE_HOST, LIFE_JOURNAL_FAILED};

// Which states their owners are told of, beside seeing them.
static bool is_noticed(const struct life *f, enum notice_event *ret) {
  static const struct { enum life_state state; enum notice_event event; } told[] = {{LIFE_QUARANTINED, NOTICE_BOT_QUARANTINED}, {LIFE_RETIRED, NOTICE_BOT_RETIRED}, {LIFE_DEAD, NOTICE_BOT_DEAD}};
  for (size_t i = 0; i < sizeof told / sizeof *told; i++)
    if (f->state == told[i].state) return *ret = told[i].event, true;
  if (f->state == LIFE_RETRYING && f->reason != LIFE_WHY_HOST_LOST) return *ret = NOTICE_BOT_FAILED, true;
  if (f->state == LIFE_HALTED && f->reason == LIFE_WHY_RULE) return *ret = NOTICE_BOT_HALTED, true;
  if (f->state == LIFE_PAUSED && f->reason == LIFE_WHY_JOURNAL) return *ret = NOTICE_BOT_PAUSED, true;
  return false;
}

static void store_standing(struct live_bot *b, enum life_event e, const char *detail) {
  const struct life *f = &b->life;
  char text[RECORD_TEXT_MAX + 512];
  if (!detail) detail = "";
  life_explain(f->reason, detail, text, sizeof text);
  const size_t text_size = strlen(text) + 1, detail_size = strnlen(detail, RECORD_TEXT_MAX - 1) + 1, said_size = strnlen(detail, SAID_MAX) + 1;
  struct standing_job *j = calloc(1, sizeof *j + text_size + detail_size + said_size);
  if (!j) return;
  memcpy(j->text, text, text_size);
  j->detail = memcpy(j->text + text_size, detail, detail_size - 1);
  j->said = memcpy(j->detail + detail_size, detail, said_size - 1);
  j->live = b->live;
  j->bot_id = b->id;
  j->tenant_id = b->tenant_id;
  j->now_ns = clock_wall_ns();
  j->noticed = e != LIFE_BOOT && is_noticed(f, &j->event);
  if (b->has_row) snprintf(j->name, sizeof j->name, "%s", b->row.name);
  b->unsaved = false;
  snprintf(j->standing.state, sizeof j->standing.state, "%s", life_state_text(f->state));
  snprintf(j->standing.reason_code, sizeof j->standing.reason_code, "%s", life_reason_code(f->reason));
  j->standing.strikes = f->strikes;
  j->standing.retries = f->retries;
  j->standing.since_ns = f->since_ns;
  j->standing.retry_at_ns = f->retry_at_ns;
  for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) j->failed |= failures[i] == e;
  if (j->failed) {
    const int64_t now_ns = clock_wall_ns();
    j->failure = (struct bot_failure){.id = id_next(now_ns), .bot_id = b->id, .at_ns = now_ns, .version = b->version, .strikes = f->strikes, .retries = f->retries};
    snprintf(j->failure.what, sizeof j->failure.what, "%s", life_event_text(e));
  }
  b->live->config.publish(b->live->config.self, b->channel, "status", json_pack("{s:s, s:s, s:s}", "state", j->standing.state, "reason_code", j->standing.reason_code, "reason", j->text));
  b->live->writes++;
  store_write(b->live->config.store, STORE_CONTROL, write_standing, standing_written, j);
}

void live_said(struct live_bot *b, const char *detail) { store_standing(b, LIFE_BOOT, detail); }

void live_event(struct live_bot *b, enum life_event e, const char *detail) {
  if (life_step(&b->life, e, clock_wall_ns(), NULL) != LIFE_CHANGED) return;
  store_standing(b, e, detail);
  live_act(b);
}

// ---- what a state asks for

// Who has orders or positions has books, whether its script runs or not; others open them by what they do.
static bool rests(enum life_state s) { return s == LIFE_PAUSED || s == LIFE_HALTED || life_is_held(s); }

void live_bookless(struct live_bot *b) {
  b->bookless = !b->clerk && rests(b->life.state);
  if (!b->bookless) return;
  b->bookless_ms = b->bookless_ms == 0 ? LIVE_AGAIN_MS : 2 * b->bookless_ms < BOOKLESS_MOST_MS ? 2 * b->bookless_ms : BOOKLESS_MOST_MS;
  live_again(b, b->bookless_ms);
}

// As at a start of the service.
static void open_again(struct live_bot *b) {
  const struct halt_state *halt = &b->live->halt;
  struct err err;
  b->bookless = !b->clerk && rests(b->life.state);
  if (!b->bookless) return;
  if (store_stats(b->live->config.store, STORE_JOURNAL).refusing || live_waits(b)) live_again(b, LIVE_AGAIN_MS);
  else if (live_books_open(b, &err) != OK) {
    b->live->config.log(b->live->config.self, "error", "books_unreadable", json_pack("{s:s, s:s}", "bot", b->channel + 4, "error", err.msg));
    live_bookless(b);
  } else {
    b->bookless = false;
    if (halt->count > 0 || halt->all.mode != HALT_NONE) b->live->halts_looked = false;  // its books are to follow what was halted meanwhile
  }
}

static void on_retry(void *arg) {
  struct live_bot *b = arg;
  if (b->live->closing) return;
  const bool unsaved = b->unsaved;
  if (unsaved) store_standing(b, LIFE_BOOT, b->unsaved_why);
  if (b->bookless) open_again(b);
  if (b->life.state == LIFE_STOPPING) live_act(b);  // its last words take too long
  else if (unsaved) return;
  else if (b->life.state == LIFE_STOPPED) live_act(b);
  else live_event(b, LIFE_RETRY_DUE, NULL);
}

// Most bots never wait for anything: they have no timer.
void live_again(struct live_bot *b, int64_t in_ms) {
  struct err err;
  if (b->retry || loop_timer_create(b->live->config.loop, on_retry, b, &b->retry, &err) == OK) loop_timer_start(b->retry, in_ms, 0);
  else b->live->config.log(b->live->config.self, "error", "no_timer", json_pack("{s:s, s:s}", "bot", b->channel + 4, "error", err.msg));
}

void live_leave_host(struct live_bot *b, const char *why) {
  if (b->place == LIVE_HOSTLESS && fleet_host_of(b->live->fleet, b->id) < 0) return;
  fleet_remove(b->live->fleet, b->id, why);
  live_left_host(b);
}

int live_needs(const struct live_bot *b, struct fleet_need needs[SPEC_STREAMS_MAX]) {
  struct hub_venue_status venue;
  hub_venue_status(b->live->hub, b->venue, &venue);
  for (int i = 0; i < b->series_count; i++) {
    // A run that goes on has the bars again that warmed it up.
    const int64_t begin_ns = b->told_run ? b->run_from_ns - b->plan->history_bars * b->series[i]->timeframe_ns : venue.time_ns;
    // Its indicators begin where they did, also after a restart, and where those of others do. Of several series only the oldest's
    // beginning is known.
    int64_t from_ns = begin_ns - b->series[i]->timeframe_ns;
    if (b->series_count == 1 && b->warm_from_ns < from_ns) from_ns = b->warm_from_ns;
    needs[i] = (struct fleet_need){.series = b->series[i]->hub, .venue = b->venue, .bars = (size_t)b->plan->history_bars, .from_ns = from_ns,
                                   .keep = (size_t)b->plan->history_bars};
  }
  return b->series_count;
}

static enum status place(struct live_bot *b, struct err *err) {
  struct fleet_need needs[SPEC_STREAMS_MAX];
  (void)live_needs(b, needs);
  const enum status st = fleet_place(b->live->fleet, b->id, b->tenant_id, b->grant.own_host, needs, b->series_count, err);
  // From here on its host's queue says what time it is for the bot, also before it is opened there.
  if (st == OK) b->place = fleet_host_of(b->live->fleet, b->id);
  return st;
}

// Its books are made from the journal, so all that it did must be there first. And what it does on a host follows, in the journal, what
// happened while it had none: so that must be there before it gets one.
bool live_waits(const struct live_bot *b) { return b->unwritten && (!b->clerk || b->place == LIVE_HOSTLESS); }

static void start(struct live_bot *b) {
  struct err err;
  if (b->ending) return;  // live_stopped() goes on
  // What failed is not tried once more where its owner has given it something else.
  if (b->mend && b->clerk && fleet_host_of(b->live->fleet, b->id) < 0 && live_version_wished(b) && (live_version_wished(b) != b->version || strcmp(b->params, b->row.params) != 0))
    live_books_close(b);
  if (live_waits(b)) return;  // live_written() goes on
  if (fleet_host_of(b->live->fleet, b->id) >= 0) {
    if (b->opened) live_event(b, LIFE_OPENED, NULL);  // a request read its row before it was open
    return;
  }
  if (live_ahead(b)) return;  // goes on when there is a history
  enum status st = live_books_open(b, &err);
  if (st == OK && b->behind) {
    st = live_catch_up(b, &err);
    live_hand_over(b->live, LIVE_HOSTLESS);
  }
  if (st == OK && live_waits(b)) return;  // for what has happened since
  if (st == OK) st = place(b, &err);
  if (st == OK) return;
  live_event(b, st == ERR_NOTFOUND || st == ERR_NOMEM || st == ERR_IO ? LIFE_NO_DATA : LIFE_UNFIT, err.msg);
}

// A tenant whose bots take long goes where only others of that kind wait for it: as after a restart, with what ctx.state keeps.
void live_tenant_slow(void *self, int host, int64_t tenant) {
  struct live *l = self;
  int moved = 0;
  for (int i = 0; i < LIVE_BUCKETS && !l->closing; i++)
    for (struct live_bot *b = l->bots[i]; b; b = b->next) {
      if (b->tenant_id != tenant || b->place != host || b->grant.own_host || b->ending) continue;
      if (b->life.state != LIFE_RUNNING && b->life.state != LIFE_STARTING) continue;
      live_leave_host(b, "moved");
      b->life.state = LIFE_STARTING;
      start(b);
      moved++;
    }
  if (moved) l->config.log(l->config.self, "info", "tenant_slow", json_pack("{s:I, s:i, s:i}", "tenant", (json_int_t)tenant, "host", host, "bots", moved));
}

void live_act(struct live_bot *b) {
  if (b->live->closing) return;
  if (b->retry && !b->unsaved && !b->bookless) loop_timer_stop(b->retry);
  const enum life_reason why = b->life.reason;
  if (why == LIFE_WHY_STRIKE || why == LIFE_WHY_RETIRED || why == LIFE_WHY_UNFIT || why == LIFE_WHY_DEAD || why == LIFE_WHY_QUARANTINED) b->mend = true;
  switch (b->life.state) {
    case LIFE_STARTING: start(b); break;
    case LIFE_RUNNING:  // a request may have read a row that was behind
      if (!b->opened && fleet_host_of(b->live->fleet, b->id) < 0) {
        b->life.state = LIFE_STARTING;
        start(b);
      }
      break;
    case LIFE_HALTED: break;
    case LIFE_PAUSED:
    case LIFE_QUARANTINED:
    case LIFE_DEAD:
    case LIFE_RETIRED: live_leave_host(b, life_state_text(b->life.state)); break;
    case LIFE_RETRYING: {
      live_leave_host(b, "it is tried again shortly");
      const int64_t delay_ms = (b->life.retry_at_ns - clock_wall_ns()) / NS_PER_MS;
      live_again(b, delay_ms > 0 ? delay_ms : 1);
      break;
    }
    case LIFE_STOPPING: live_stop(b); break;
    case LIFE_STOPPED: live_end_run(b); break;
    case LIFE_STATE_COUNT: assert(false);
  }
}

void live_written(struct live_bot *b) {
  const enum life_state s = b->life.state;
  if (s == LIFE_STARTING ? fleet_host_of(b->live->fleet, b->id) < 0 : !b->clerk && (s == LIFE_STOPPING || s == LIFE_STOPPED)) live_act(b);
  else if (s == LIFE_STOPPING && b->words == WORDS_SAID && b->place != LIVE_HOSTLESS) live_act(b);
}

// ---- rows

static struct live_bot *add(struct live *l, int64_t id) {
  struct live_bot *b = calloc(1, sizeof *b);
  if (!b) return NULL;
  b->live = l;
  if (!live_plan_set(b, &(struct bot_plan){0}) || !live_setup_set(b, &(struct live_setup){0})) {
    intern_put(l->common, b->plan);
    free(b);
    return NULL;
  }
  b->id = id;
  b->place = LIVE_HOSTLESS;
  b->timer_ns = b->soon_ns = b->news_ns = INT64_MAX;
  id_format("bot", id, b->channel + 4);
  memcpy(b->channel, "bot:", 4);
  live_past_forget(b);
  buf_init(&b->state, WIRE_MEMORY_MAX + SCRIPT_STATE_MAX);
  buf_init(&b->memory, WIRE_MEMORY_MAX);
  buf_init(&b->turn, 1u << 20);
  life_init(&b->life, clock_wall_ns());
  struct live_bot **bucket = &l->bots[live_bucket(id)];
  b->next = *bucket;
  return *bucket = b;
}

void live_bot_destroy(struct live_bot *b) {
  struct live_bot **p = &b->live->bots[live_bucket(b->id)];
  while (*p != b) p = &(*p)->next;
  *p = b->next;
  live_books_close(b);
  live_reload_free(b);
  live_shadow_free(b);
  loop_timer_destroy(b->retry);
  if (b->has_row) bot_row_finish(&b->row);
  buf_finish(&b->past_bytes);
  buf_finish(&b->shelf);
  buf_finish(&b->state);
  buf_finish(&b->memory);
  buf_finish(&b->turn);
  free(b->fault);
  free(b->unsaved_why);
  intern_put(b->live->common, b->plan);
  intern_put(b->live->common, b->setup);
  free(b);
}

static void life_of(const struct bot_row *row, struct life *ret) {
  const int state = life_state_parse(row->standing.state), wanted = life_want_parse(row->wanted), reason = life_reason_parse(row->standing.reason_code);
  life_init(ret, row->standing.since_ns);
  if (state >= 0) ret->state = (enum life_state)state;
  if (wanted >= 0) ret->wanted = (enum life_want)wanted;
  if (reason >= 0) ret->reason = (enum life_reason)reason;
  ret->strikes = (int)row->standing.strikes;
  ret->retries = (int)row->standing.retries;
  ret->retry_at_ns = row->standing.retry_at_ns;
}

// Other versions and parameters come to it while it runs: live_reload.c.
static bool differs(const struct bot_row *a, const struct bot_row *b) {
  return a->generation != b->generation || a->account_id != b->account_id || a->script_id != b->script_id;
}

void live_bot_changed(struct live *l, int64_t bot_id) {
  if (l->closing) return;  // read by the next start; hosts are gone
  struct live_bot *b = live_find(l, bot_id);
  struct bot_row row;
  struct err err;
  const enum status st = bot_find(store_reader(l->config.store, STORE_CONTROL), bot_id, &row, &err);
  if (st == ERR_NOTFOUND) {  // deleted, which is only allowed when it is stopped
    if (b) {
      live_leave_host(b, "deleted");
      live_bot_destroy(b);
    }
    return;
  }
  if (st != OK || (!b && !(b = add(l, bot_id)))) {
    l->config.log(l->config.self, "error", "bot_unreadable", json_pack("{s:s}", "error", st != OK ? err.msg : "out of memory"));
    if (st == OK) bot_row_finish(&row);
    return;
  }
  const bool anew = b->has_row && b->clerk && differs(&b->row, &row), known = b->has_row;
  const bool limits = b->has_row && b->clerk && !anew && strcmp(b->row.settings, row.settings) != 0;
  if (b->has_row) bot_row_finish(&b->row);
  b->row = row;
  b->has_row = true;
  b->tenant_id = row.tenant_id;
  if (limits) live_limits_changed(b);
  struct life wished;
  life_of(&row, &wished);
  // Whoever changed the state last is right. A request that read a row that was behind may still have wished something new: that is
  // done from the state as it is.
  static const enum life_event wishes[LIFE_WANT_COUNT] = {[LIFE_WANT_STOPPED] = LIFE_STOP, [LIFE_WANT_PAUSED] = LIFE_PAUSE, [LIFE_WANT_RUNNING] = LIFE_START};
  const bool newer = wished.since_ns > b->life.since_ns || !known;
  const bool moved = newer && wished.state != b->life.state, wishes_new = !newer && wished.wanted != b->life.wanted;
  if (newer) b->life = wished;
  if (anew && (b->life.state == LIFE_RUNNING || b->life.state == LIFE_STARTING)) {
    // Opened anew from its journal, with what is different now.
    live_leave_host(b, "changed");
    live_books_close(b);
    b->life.state = LIFE_STARTING;
    live_act(b);
  } else if (wishes_new) {
    live_event(b, wishes[wished.wanted], NULL);
  } else if (moved || b->life.state == LIFE_STARTING || b->life.state == LIFE_STOPPING) {
    live_act(b);
  }
  live_reload_look(b);
  live_shadow_look(b);
}

// ---- when the service starts

struct waking {
  struct live *live;
  int64_t *ids;
  size_t count, cap;
};

static bool wake_id(struct waking *w, int64_t id) {
  if (w->count == w->cap) {
    const size_t cap = w->cap ? w->cap * 2 : 256;
    int64_t *ids = realloc(w->ids, cap * sizeof *ids);
    if (!ids) return false;
    w->ids = ids;
    w->cap = cap;
  }
  w->ids[w->count++] = id;
  return true;
}
static bool wake(void *arg, const struct bot_row *row) { return wake_id(arg, row->id); }

// Stopped, but the service died before its run had ended.
static void wake_open(void *arg, const struct journal_run *r) {
  struct waking *w = arg;
  struct bot_row row;
  struct err err;
  if (bot_find(store_reader(w->live->config.store, STORE_CONTROL), r->bot_id, &row, &err) != OK) return;
  if (strcmp(row.wanted, "stopped") == 0 && strcmp(row.standing.state, "stopped") == 0) (void)wake_id(w, r->bot_id);
  bot_row_finish(&row);
}

// A market of its own time goes on behind all that bots did there: their instants may be later than any bar's end.
static void resume_venues(struct live *l, const struct waking *w) {
  for (size_t i = 0; i < w->count; i++) {
    const struct live_bot *b = live_find(l, w->ids[i]);
    char venue[BOT_VENUE_SIZE];
    if (!b || !b->read_run || live_venue_find(b, venue, NULL) != OK) continue;
    const int64_t done_ns = b->past_count ? b->past[b->past_count - 1].time_ns : b->run_from_ns;
    hub_feed_resume(l->hub, venue, done_ns > b->kept_ns ? done_ns : b->kept_ns);
  }
}

enum status live_start(struct live *l, struct err *err) {
  struct waking w = {.live = l};
  struct db *db = store_reader(l->config.store, STORE_CONTROL);
  enum status st = bot_list_at_work(db, wake, &w, err);
  if (st == OK) st = journal_runs_open(store_reader(l->config.store, STORE_JOURNAL), wake_open, &w, err);
  for (size_t i = 0; st == OK && i < w.count; i++) {
    struct live_bot *b = add(l, w.ids[i]);
    struct err why;
    if (!b) st = err_set(err, ERR_NOMEM, "out of memory");
    else if (bot_find(db, w.ids[i], &b->row, &why) == OK) {
      b->has_row = true;
      b->tenant_id = b->row.tenant_id;
      life_of(&b->row, &b->life);
    }
  }
  if (st == OK) st = live_runs_read(l, err);
  if (st == OK) resume_venues(l, &w);
  for (size_t i = 0; st == OK && i < w.count; i++) {
    struct live_bot *b = live_find(l, w.ids[i]);
    struct err why;
    if (!b || !b->has_row) continue;
    // Who has orders or positions has books, whether its script runs or not.
    if (life_step(&b->life, LIFE_BOOT, clock_wall_ns(), NULL) == LIFE_CHANGED) store_standing(b, LIFE_BOOT, NULL);
    if (b->life.state != LIFE_STARTING && b->life.state != LIFE_STOPPING && b->life.state != LIFE_STOPPED && live_books_open(b, &why) != OK)
      l->config.log(l->config.self, "error", "books_unreadable", json_pack("{s:s, s:s}", "bot", b->channel + 4, "error", why.msg));
    live_act(b);
  }
  free(w.ids);
  return st;
}

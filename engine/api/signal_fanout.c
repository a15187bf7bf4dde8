// api/signal_fanout.c – see signal_fanout.h.
#include "api/signal_fanout.h"

#include "api/bots.h"
#include "api/core.h"
#include "api/courier.h"
#include "api/signal_desk.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "notice/tell.h"
#include "store/hook_rows.h"
#include "store/id.h"
#include "store/signal_rows.h"
#include "store/store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS INT64_C(1000000)
#define WAKE_AT_ONCE 256  // bots in one turn of the loop
#define RETRY_MS 1000     // a write that the disk refused

struct wake {
  struct wake *next;
  size_t at, count;
  int64_t ids[];
};

struct signal_fanout {
  struct api_core *core;
  struct loop_timer *waker, *retry;
  struct wake *wakes, **wakes_end;
  struct work *unwritten, **unwritten_end;  // the disk refused, and what came after it: bots hear signals in their order
  struct signal_fanout_stats stats;
};

// A verdict on its way to the disk.
struct work {
  struct work *next;
  struct signal_fanout *fanout;
  int64_t hook_id, tenant_id, delivery_id, received_ns, expires_ns, now_ns;
  bool by_symbol, sweep, noticed;  // noticed: its owner is told that it went nowhere
  int64_t cap_bots;          // INT64_MAX: none
  char state[12], symbol[BOT_SYMBOL_SIZE];
  char hook_name[101];
  char *reason, *signal, *log, *body;  // body: as bots get it
  int64_t *bots;             // in the order in which they are told
  size_t bot_count, bot_cap;
  bool failed;
  bool is_void;              // there is no such delivery any more, or its acceptance was refused by the disk
};

struct signal_fanout_stats signal_fanout_stats(const struct signal_fanout *f) { return f->stats; }
static bool goes_out(const struct work *w) { return strcmp(w->state, "delivered") == 0; }

static void work_free(struct work *w) {
  free(w->reason);
  free(w->signal);
  free(w->log);
  free(w->body);
  free(w->bots);
  free(w);
}

// ---- bots wake up, some in each turn of the loop

static void wake_some(void *arg) {
  struct signal_fanout *f = arg;
  for (int n = 0; f->wakes && n < WAKE_AT_ONCE; n++) {
    struct wake *w = f->wakes;
    bots_signalled(f->core, w->ids[w->at++]);
    f->stats.waking--;
    if (w->at < w->count) continue;
    f->wakes = w->next;
    if (!f->wakes) f->wakes_end = &f->wakes;
    free(w);
  }
  if (f->wakes) loop_timer_start(f->waker, 0, 0);
}

static void wake_bots(struct signal_fanout *f, const struct work *work) {
  struct wake *w = work->bot_count ? malloc(sizeof *w + work->bot_count * sizeof w->ids[0]) : NULL;
  if (!w) return;  // they read what waits for them with the next signal, or when they are opened
  *w = (struct wake){.count = work->bot_count};
  f->stats.waking += (unsigned)w->count;
  memcpy(w->ids, work->bots, work->bot_count * sizeof w->ids[0]);
  *f->wakes_end = w;
  f->wakes_end = &w->next;
  if (w == f->wakes) wake_some(f);  // a signal to a few bots waits for nothing
}

// ---- the write

static void hold_back(struct signal_fanout *f, struct work *w) {
  if (!f->unwritten) loop_timer_start(f->retry, RETRY_MS, 0);
  w->next = NULL;
  *f->unwritten_end = w;
  f->unwritten_end = &w->next;
}

static bool collect(void *arg, int64_t bot_id) {
  struct work *w = arg;
  if (w->bot_count == w->bot_cap) {
    const size_t cap = w->bot_cap ? 2 * w->bot_cap : 64;
    int64_t *more = realloc(w->bots, cap * sizeof *more);
    if (!more) return !(w->failed = true);
    w->bots = more;
    w->bot_cap = cap;
  }
  w->bots[w->bot_count++] = bot_id;
  return true;
}

// Fair: who is first is drawn anew for each delivery, and can be drawn again from its id (SplitMix64, Fisher-Yates).
static void shuffle(struct work *w) {
  uint64_t x = (uint64_t)w->delivery_id;
  for (size_t i = w->bot_count; i > 1; i--) {
    uint64_t z = x += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    const size_t k = (size_t)((z ^ z >> 31) % i);
    const int64_t bot = w->bots[i - 1];
    w->bots[i - 1] = w->bots[k];
    w->bots[k] = bot;
  }
}

static enum notice_event event_of(const struct work *w) { return strcmp(w->state, "failed") == 0 ? NOTICE_HOOK_FAILED : NOTICE_HOOK_REJECTED; }
static enum status tell_owner(struct db *db, const struct work *w, struct err *err) {
  char id[ID_TEXT_SIZE], once[ID_TEXT_SIZE];
  id_format("hok", w->hook_id, id);
  id_format("dlv", w->delivery_id, once);
  return notice_tell(db, w->tenant_id, event_of(w), id, once, json_pack("{s:s, s:s}", "hook", w->hook_name, "reason", w->reason), w->now_ns, err);
}

static enum status write_work(struct db *db, void *arg, struct err *err) {
  struct work *w = arg;
  enum status st = OK;
  w->bot_count = 0;  // a try before may have failed
  w->failed = false;
  if (goes_out(w)) st = hook_bots(db, w->hook_id, 0, true, w->by_symbol ? w->symbol : NULL, collect, w, err);
  if (st == OK && w->failed) st = err_set(err, ERR_NOMEM, "out of memory");
  if (st != OK) return st;
  shuffle(w);
  if ((int64_t)w->bot_count > w->cap_bots) w->bot_count = (size_t)w->cap_bots;
  const struct delivery_row row = {.id = w->delivery_id, .state = w->state, .reason = w->reason, .signal = w->signal, .log = w->log, .bots = (int64_t)w->bot_count, .done_ns = w->now_ns};
  st = delivery_finish(db, &row, err);
  if ((w->is_void = st == ERR_NOTFOUND)) return w->bot_count = 0, OK;  // its hook was deleted meanwhile
  for (size_t i = 0; st == OK && i < w->bot_count; i++)
    st = signal_add(db, &(struct signal_row){.bot_id = w->bots[i], .received_ns = w->received_ns, .expires_ns = w->expires_ns, .body = w->body, .delivery_id = w->delivery_id}, err);
  if (st == OK && w->noticed) st = tell_owner(db, w, err);
  if (st == OK && w->sweep) st = delivery_sweep(db, w->hook_id, w->now_ns, err);
  return st;
}

static void tell(struct signal_fanout *f, const struct work *w) {
  json_t *data = json_pack("{s:o, s:o, s:s, s:s, s:I}", "id", api_id("dlv", w->delivery_id), "hook_id", api_id("hok", w->hook_id), "state", w->state, "reason", w->reason, "bots", (json_int_t)w->bot_count);
  if (data) stream_publish_of(f->core->hub, w->tenant_id, "signals", "delivery", data, clock_wall_ns() / NS_PER_MS);
  json_decref(data);
}

static void written(void *arg, enum status st, const struct err *err) {
  struct work *w = arg;
  struct signal_fanout *f = w->fanout;
  if (st != OK) {  // nothing of it stands
    api_log(f->core, "error", "signal_not_written", json_pack("{s:o, s:s}", "delivery", api_id("dlv", w->delivery_id), "error", err->msg));
    return hold_back(f, w);
  }
  f->stats.waiting--;
  if (w->is_void) {
    signal_desk_forget(f->core->desk, w->hook_id);  // what it counts as accepted is read anew
    work_free(w);
    return;
  }
  *(goes_out(w) ? &f->stats.delivered : strcmp(w->state, "failed") == 0 ? &f->stats.failed : &f->stats.rejected) += 1;
  f->stats.signals += w->bot_count;
  tell(f, w);
  wake_bots(f, w);
  work_free(w);
}

static void retry(void *arg) {
  struct signal_fanout *f = arg;
  struct work *list = f->unwritten;
  f->unwritten = NULL;
  f->unwritten_end = &f->unwritten;
  while (list) {
    struct work *w = list;
    list = w->next;
    store_write(f->core->store, STORE_CONTROL, write_work, written, w);
  }
}

// ---- what a verdict becomes

// The signal as a strategy gets it.
static char *bot_body(const struct signal_verdict *v) {
  char id[ID_TEXT_SIZE], source[101];
  json_t *body = json_copy((json_t *)v->signal);
  id_format("dlv", v->delivery_id, id);
  snprintf(source, sizeof source, "%.100s", v->hook_name);
  if (!json_object_get(body, "id")) json_object_set_new(body, "id", json_string(id));
  if (!json_object_get(body, "source")) json_object_set_new(body, "source", json_string(source));
  char *text = json_dumps(body, JSON_COMPACT);
  json_decref(body);
  return text;
}

// At most so many bots: by their number, and by the sizes that they would trade together.
static int64_t cap_of(const struct signal_verdict *v) {
  const json_t *cap = json_object_get(v->settings, "cap"), *bots = json_object_get(cap, "bots"), *size = json_object_get(cap, "size");
  const double own = fabs(json_number_value(json_object_get(v->signal, "size")));  // to sell is no less
  const int64_t most = bots ? json_integer_value(bots) : INT64_MAX;
  if (!size || !(own > 0)) return most;
  const double by_size = json_number_value(size) / own * (1 + 1e-12);  // 0.3 has room for three of 0.1
  return by_size < (double)most ? (int64_t)by_size : most;
}

bool signal_fanout(struct signal_fanout *f, const struct signal_verdict *v) {
  struct work *w = calloc(1, sizeof *w);
  if (!w) return false;
  const char *route = json_string_value(json_object_get(v->settings, "route")), *symbol = json_string_value(json_object_get(v->signal, "symbol"));
  *w = (struct work){.fanout = f, .hook_id = v->hook_id, .tenant_id = v->tenant_id, .delivery_id = v->delivery_id, .received_ns = v->received_ns, .expires_ns = v->expires_ns, .now_ns = clock_wall_ns(),
    .by_symbol = route && strcmp(route, "symbol") == 0, .sweep = v->sweep, .cap_bots = cap_of(v), .reason = strdup(v->reason), .signal = json_dumps(v->signal, JSON_COMPACT),
    .log = v->log ? json_dumps(v->log, JSON_COMPACT) : strdup("[]"), .body = bot_body(v)};
  snprintf(w->state, sizeof w->state, "%s", v->state);
  snprintf(w->symbol, sizeof w->symbol, "%s", symbol ? symbol : "");
  snprintf(w->hook_name, sizeof w->hook_name, "%s", v->hook_name);
  w->noticed = !goes_out(w) && courier_wanted(f->core->courier, w->tenant_id, event_of(w));
  if (!w->reason || !w->signal || !w->log || !w->body) return work_free(w), false;
  f->stats.waiting++;
  if (f->unwritten) hold_back(f, w);
  else store_write(f->core->store, STORE_CONTROL, write_work, written, w);
  return true;
}

enum status signal_fanout_create(struct api_core *core, struct signal_fanout **ret, struct err *err) {
  struct signal_fanout *f = calloc(1, sizeof *f);
  if (!f) return err_set(err, ERR_NOMEM, "out of memory");
  f->core = core;
  f->wakes_end = &f->wakes;
  f->unwritten_end = &f->unwritten;
  enum status st = loop_timer_create(core->loop, wake_some, f, &f->waker, err);
  if (st == OK) st = loop_timer_create(core->loop, retry, f, &f->retry, err);
  if (st == OK) *ret = f;
  else signal_fanout_destroy(f);
  return st;
}

void signal_fanout_destroy(struct signal_fanout *f) {
  if (!f) return;
  store_settle(f->core->store, f->core->loop);
  loop_timer_destroy(f->waker);
  loop_timer_destroy(f->retry);
  while (f->wakes) {
    struct wake *w = f->wakes;
    f->wakes = w->next;
    free(w);
  }
  while (f->unwritten) {
    struct work *w = f->unwritten;
    f->unwritten = w->next;
    work_free(w);
  }
  free(f);
}

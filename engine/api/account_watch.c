// api/account_watch.c – see account_watch.h. A link is a session with an account, and what it told last.
#include "api/account_watch.h"

#include "api/bots.h"
#include "api/core.h"
#include "api/handlers.h"
#include "api/venue_desk.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "store/bot_rows.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 1000
#define EVERY_MS 60000
#define IDLE_MS 600000
#define PATIENCE_MS 20000
#define LINKS_MAX 1000

struct waiting {
  struct waiting *next;
  struct api_call *call;
  struct link *link;          // NULL: it is gone
  int64_t until_ms;
  char why[VENUE_TEXT_MAX];   // without a link: why there is no answer
};
struct link {
  struct link *next;
  struct account_watch *watch;
  int64_t tenant_id, account_id;
  struct venue venue;
  bool good, asking, failed;  // good: clock and key are known
  unsigned downs;             // in a row
  json_t *items;              // NULL: never told
  int64_t told_ns, next_ms, asked_ms;
  char why[VENUE_TEXT_MAX];
};
struct account_watch {
  struct api_core *core;
  struct loop_timer *timer;
  struct link *links;
  struct waiting *waits;
  struct account_test *tests;
  unsigned link_count;
};

struct account_test **account_watch_tests(struct account_watch *w) { return &w->tests; }

// ---- answers

static json_t *number(struct decimal d) {
  char text[DECIMAL_TEXT_MAX];
  if (!decimal_given(d)) return json_null();
  decimal_format(d, text);
  return json_string(text);
}

json_t *account_balances_json(const struct venue_balance *list, size_t count) {
  json_t *items = json_array();
  for (size_t i = 0; i < count; i++)
    json_array_append_new(items, json_pack("{s:s, s:o, s:o, s:o, s:o}", "currency", list[i].asset, "balance", number(list[i].total), "free", number(list[i].free), "used",
                                           number(list[i].used), "equity", number(list[i].equity)));
  return items;
}

static enum status answer_items(struct api_call *call, const struct link *k) {
  return api_json(call, 200, json_pack("{s:o, s:O}", "at_ms", api_ms(k->told_ns), "items", k->items));
}

static enum status resumed(struct api_call *call) {
  struct waiting *w = call->state;
  return w->link ? answer_items(call, w->link) : api_problem(call, PROBLEM_unavailable, w->why);
}

// Everybody who waits for the link hears of it: its balances, or why there are none.
static void tell(struct account_watch *watch, struct link *k, const char *why) {
  for (struct waiting **at = &watch->waits; *at;) {
    struct waiting *w = *at;
    if (w->link != k) {
      at = &w->next;
      continue;
    }
    *at = w->next;
    if (why) {
      w->link = NULL;
      snprintf(w->why, sizeof w->why, "%s", why);
    }
    api_resume(w->call, resumed);
    at = &watch->waits;
  }
}

// ---- links

static void link_end(struct link *k, const char *why) {
  struct account_watch *watch = k->watch;
  for (struct link **at = &watch->links; *at; at = &(*at)->next) {
    if (*at != k) continue;
    *at = k->next;
    break;
  }
  watch->link_count--;
  if (k->venue.self) k->venue.ops->destroy(k->venue.self);
  k->venue.self = NULL;
  tell(watch, k, why);
  json_decref(k->items);
  free(k);
}

static void on_balances(void *arg, const struct venue_reply *r, const struct venue_balance *list, size_t count) {
  struct link *k = arg;
  k->asking = false;
  if (r->outcome != VENUE_ACCEPTED) {
    snprintf(k->why, sizeof k->why, "%s", r->text);
    if (!k->items) tell(k->watch, k, k->why);
    return;
  }
  json_decref(k->items);
  k->items = account_balances_json(list, count);
  k->told_ns = clock_wall_ns();
  tell(k->watch, k, NULL);
}

static void ask(struct link *k) {
  if (k->asking || !k->good) return;
  k->asking = true;
  k->next_ms = loop_now_ms(k->watch->core->loop) + EVERY_MS;
  k->venue.ops->balances(k->venue.self, on_balances, k);
}

static void on_state(void *self, enum venue_state from, enum venue_state to, const char *why) {
  struct link *k = self;
  (void)from;
  k->good = to == VENUE_STATE_RECONCILING;
  if (k->good) k->downs = 0, ask(k);
  if (to != VENUE_STATE_REFUSED && to != VENUE_STATE_DOWN) return;
  k->asking = false;
  k->failed = to == VENUE_STATE_REFUSED;  // ended by the timer: a session does not end within its own word
  snprintf(k->why, sizeof k->why, "%s", why);
  // Once is a hiccup: it connects again, and who waits has time. A second time in a row there is no use in waiting.
  if (k->failed || (!k->items && ++k->downs > 1)) tell(k->watch, k, k->why);
}

static enum status link_open(struct account_watch *watch, int64_t tenant_id, int64_t account_id, struct link **ret, struct err *err) {
  static const struct venue_events events = {.state = on_state};
  static const struct venue_desk_wish wish = {.read_only = true, .no_streams = true};
  struct link *k = watch->link_count < LINKS_MAX ? calloc(1, sizeof *k) : NULL;
  if (!k) return err_set(err, ERR_LIMIT, "too many accounts are looked at");
  *k = (struct link){.watch = watch, .tenant_id = tenant_id, .account_id = account_id};
  const enum status st = venue_desk_session(watch->core->venues, tenant_id, account_id, &wish, &events, k, &k->venue, err);
  if (st != OK) {
    free(k);
    return st;
  }
  k->next = watch->links;
  watch->links = k;
  watch->link_count++;
  return *ret = k, OK;
}

static bool has_bots(const struct link *k) {
  struct err err;
  int64_t bots = 0;
  return bot_count(store_reader(k->watch->core->store, STORE_CONTROL), k->tenant_id, 0, k->account_id, &bots, &err) == OK && bots > 0;
}

static void on_timer(void *arg) {
  struct account_watch *watch = arg;
  const int64_t now_ms = loop_now_ms(watch->core->loop);
  venue_desk_look(watch->core->venues);
  for (struct link *k = watch->links, *next; k; k = next) {
    next = k->next;
    if (k->failed) link_end(k, k->why);
    else if (now_ms - k->asked_ms > IDLE_MS && !has_bots(k)) link_end(k, "nobody asked");
    else if (k->good && now_ms >= k->next_ms) ask(k);
  }
  for (struct waiting *w = watch->waits; w; w = w->next) {
    if (now_ms < w->until_ms) continue;
    tell(watch, w->link, w->link->why[0] ? w->link->why : "The venue does not answer.");
    break;  // the list is another; the rest in a second
  }
}

void account_watch_forget(struct account_watch *watch, int64_t account_id) {
  if (!watch) return;
  for (struct link *k = watch->links, *next; k; k = next) {
    next = k->next;
    if (k->account_id == account_id) link_end(k, "The account has changed; ask again.");
  }
}

enum status account_watch_answer(struct api_call *call, int64_t account_id) {
  struct account_watch *watch = call->core->accounts;
  if (!watch) return api_problem(call, PROBLEM_unavailable, "Nothing is connected in this process.");
  struct link *k = watch->links;
  while (k && k->account_id != account_id) k = k->next;
  if (k && k->failed) {
    link_end(k, k->why);
    k = NULL;
  }
  const enum status st = k ? OK : link_open(watch, call->who.tenant_id, account_id, &k, &call->err);
  if (st == ERR_NOTFOUND || st == ERR_INVALID || st == ERR_LIMIT) return api_problem(call, PROBLEM_unavailable, call->err.msg);
  if (st != OK) return st;
  k->asked_ms = loop_now_ms(call->core->loop);
  if (k->items) return answer_items(call, k);
  struct waiting *w = api_alloc(call, sizeof *w);
  if (!w) return err_set(&call->err, ERR_NOMEM, "out of memory");
  *w = (struct waiting){.next = watch->waits, .call = call, .link = k, .until_ms = k->asked_ms + PATIENCE_MS};
  watch->waits = w;
  call->state = w;
  return api_wait(call);
}

enum status account_watch_create(struct api_core *core, struct account_watch **ret, struct err *err) {
  struct account_watch *watch = calloc(1, sizeof *watch);
  if (!watch) return err_set(err, ERR_NOMEM, "accounts");
  watch->core = core;
  const enum status st = loop_timer_create(core->loop, on_timer, watch, &watch->timer, err);
  if (st != OK) {
    free(watch);
    return st;
  }
  loop_timer_start(watch->timer, TICK_MS, TICK_MS);
  return *ret = watch, OK;
}

void account_watch_destroy(struct account_watch *watch) {
  if (!watch) return;
  watch->core->accounts = NULL;
  while (watch->tests) account_test_end(watch->tests);
  while (watch->links) link_end(watch->links, "The service is stopping.");
  loop_timer_destroy(watch->timer);
  free(watch);
}

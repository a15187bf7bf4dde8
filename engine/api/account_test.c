// api/account_test.c – POST /accounts/{account_id}/test: are the credentials what they must be? Read-only questions over a session of their
// own, one after the other; each answer is a check with words for its owner.
#include "api/account_watch.h"
#include "api/core.h"
#include "bot/live.h"
#include "api/handlers.h"
#include "api/venue_desk.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "store/store.h"
#include "store/vault_rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_MS 20000

struct account_test {
  struct account_test *next;
  struct api_call *call;
  struct account_watch *watch;
  struct account_row row;
  char environment[32];
  struct venue venue;
  struct loop_timer *timer;    // the end of patience; then, when all is known, the end of the session
  json_t *checks, *balances;
  bool failed, over, cancelled;
};

enum verdict { BAD, GOOD, SAID };  // SAID: for information

static void check(struct account_test *t, const char *name, enum verdict v, const char *text) {
  json_t *ok = v == SAID ? json_null() : json_boolean(v == GOOD);
  t->failed |= v == BAD;
  json_array_append_new(t->checks, json_pack("{s:s, s:o, s:s}", "name", name, "ok", ok, "text", text[0] ? text : "no answer"));
}

static enum status answer(struct api_call *call) {
  struct account_test *t = call->state;
  if (t->cancelled) return api_problem(call, PROBLEM_unavailable, "The service is stopping.");
  return api_json(call, 200, json_pack("{s:b, s:s, s:s, s:O, s:O, s:o}", "ok", !t->failed, "venue", t->row.venue, "environment", t->environment, "checks", t->checks, "balances",
                                       t->balances, "tested_at_ms", api_ms(clock_wall_ns())));
}

static void cleanup(struct api_call *call) {
  struct account_test *t = call->state;
  json_decref(t->checks);
  json_decref(t->balances);
}

// Ends the session and answers; not within a word of the session's.
static void finish(struct account_test *t) {
  struct account_test **at = account_watch_tests(t->watch);
  while (*at != t) at = &(*at)->next;
  *at = t->next;
  if (t->venue.self) t->venue.ops->destroy(t->venue.self);
  t->venue.self = NULL;
  loop_timer_destroy(t->timer);
  t->timer = NULL;
  struct err why;
  struct live *live = t->call->core->live;
  if (!t->failed && !t->cancelled && live && live_venue_mended(live, t->row.id, &why) != OK)
    api_log(t->call->core, "warning", "venue_not_renewed", json_pack("{s:s}", "error", why.msg));
  api_resume(t->call, answer);
}

void account_test_end(struct account_test *t) {
  t->cancelled = true;
  finish(t);
}

static void over(struct account_test *t) {
  if (t->over) return;
  t->over = true;
  loop_timer_start(t->timer, 0, 0);
}

static void on_timer(void *arg) {
  struct account_test *t = arg;
  if (!t->over) check(t, "connection", BAD, "The venue did not answer in time.");
  t->over = true;
  finish(t);
}

// ---- one question after the other

static void on_balances(void *arg, const struct venue_reply *r, const struct venue_balance *list, size_t count) {
  struct account_test *t = arg;
  if (t->over) return;
  if (r->outcome == VENUE_ACCEPTED) {
    char text[64];
    json_decref(t->balances);
    t->balances = account_balances_json(list, count);
    snprintf(text, sizeof text, "%zu currencies", count);
    check(t, "balances", GOOD, count == 1 ? "1 currency" : text);
  } else {
    check(t, "balances", BAD, r->text);
  }
  over(t);
}

static void judge_key(struct account_test *t, const struct venue_key *key) {
  check(t, "withdraw", key->withdraw ? BAD : GOOD, key->withdraw ? "It may withdraw: such keys are not used. Make one without that right." : "It cannot withdraw.");
  check(t, "trade", key->trade ? GOOD : BAD, key->trade ? "It may trade." : "It may not trade.");
  check(t, "ip", key->ip_bound ? GOOD : SAID, key->ip_bound ? "It is bound to addresses." : "It is not bound to addresses: whoever has it can use it from anywhere.");
}

static void on_key(void *arg, const struct venue_reply *r, const struct venue_key *key) {
  struct account_test *t = arg;
  if (t->over) return;
  check(t, "key", GOOD, "The venue knows it.");  // clock and key came before
  if (key && key->known) {
    judge_key(t, key);
  } else if (r->why == VENUE_WHY_UNSUPPORTED) {
    static const char *const untold[] = {"withdraw", "trade", "ip"};
    for (size_t i = 0; i < 3; i++) check(t, untold[i], SAID, "The venue does not tell what a key may do: look there that it cannot withdraw.");
  } else {
    check(t, "withdraw", BAD, r->text);
  }
  t->venue.ops->balances(t->venue.self, on_balances, t);
}

static void say_clock(struct account_test *t) {
  const double apart_s = (double)(t->venue.ops->now_ns(t->venue.self) - clock_wall_ns()) / 1e9;
  char text[96];
  snprintf(text, sizeof text, "Its clock is %.3f s %s ours; it is its clock that counts.", fabs(apart_s), apart_s < 0 ? "behind" : "ahead of");
  check(t, "clock", GOOD, text);
}

static void on_state(void *self, enum venue_state from, enum venue_state to, const char *why) {
  struct account_test *t = self;
  (void)from;
  if (t->over) return;
  if (to == VENUE_STATE_RECONCILING) {
    check(t, "connection", GOOD, "The venue answers.");
    say_clock(t);
    t->venue.ops->key(t->venue.self, on_key, t);
  } else if (to == VENUE_STATE_REFUSED) {
    check(t, "connection", GOOD, "The venue answers.");
    check(t, "key", BAD, why);
    over(t);
  } else if (to == VENUE_STATE_DOWN) {
    check(t, "connection", BAD, why);
    over(t);
  }
}

// ---- the request

static bool is_live(const struct account_test *t) { return strcmp(t->environment, "live") == 0; }

static enum status start(struct api_call *call, struct account_test *t) {
  static const struct venue_events events = {.state = on_state};
  static const struct venue_desk_wish wish = {.read_only = true, .no_streams = true, .probe = true};
  struct account_test **tests = account_watch_tests(t->watch);
  for (const struct account_test *o = *tests; o; o = o->next)
    if (o->row.id == t->row.id) return api_problem(call, PROBLEM_conflict, "It is being tested already.");
  enum status st = loop_timer_create(call->core->loop, on_timer, t, &t->timer, &call->err);
  if (st == OK) st = venue_desk_session(call->core->venues, t->row.tenant_id, t->row.id, &wish, &events, t, &t->venue, &call->err);
  if (st != OK) {
    loop_timer_destroy(t->timer);
    t->timer = NULL;
    return st == ERR_NOTFOUND || st == ERR_INVALID ? api_problem(call, PROBLEM_conflict, call->err.msg) : st;
  }
  loop_timer_start(t->timer, PATIENCE_MS, 0);
  t->next = *tests;
  *tests = t;
  account_watch_forget(t->watch, t->row.id);  // its credentials may be others now
  return api_wait(call);
}

enum status api_account_test(struct api_call *call) {
  struct account_test *t = api_alloc(call, sizeof *t);
  if (!t) return err_set(&call->err, ERR_NOMEM, "out of memory");
  *t = (struct account_test){.call = call, .watch = call->core->accounts};
  enum status st = account_get(store_reader(api_store(call), STORE_CONTROL), call->who.tenant_id, api_param_id(call, "account_id"), &t->row, &call->err);
  if (st != OK) return st;
  if (strcmp(t->row.venue, ACCOUNT_PAPER) == 0) return api_problem(call, PROBLEM_conflict, "A paper account has no credentials.");
  if (!t->watch) return api_problem(call, PROBLEM_unavailable, "Nothing is connected in this process.");
  json_t *settings = json_loads(t->row.settings, 0, NULL);
  const char *environment = json_string_value(json_object_get(settings, "environment"));
  snprintf(t->environment, sizeof t->environment, "%s", environment ? environment : "testnet");
  json_decref(settings);
  if (is_live(t) && !call->who.may.mfa) return api_problem(call, PROBLEM_second_factor_missing, NULL);
  t->checks = json_array();
  t->balances = json_array();
  call->state = t;
  call->cleanup = cleanup;
  return start(call, t);
}

// ea/bridge.c – see bridge.h. Hello, reports and what is new in them, commands on their way out, time.
#include "ea/bridge_impl.h"

#include "loop/clock.h"
#include "loop/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS 500
#define FIRST_DEALS_MS (10 * 60000)

int64_t ea_mono_ns(const struct ea_bridge *b) { return b->o.mono_ns ? b->o.mono_ns() : clock_monotonic_ns(); }
int64_t ea_now_ns(const struct ea_bridge *b) { return b->wall_ns + (ea_mono_ns(b) - b->mono_ns); }

void ea_soon(struct ea_bridge *b) { loop_timer_start(b->timer, 0, LOOK_MS); }

void ea_log(const struct ea_bridge *b, const char *event, const char *text) {
  if (b->o.log) b->o.log(b->o.arg, b->o.account_id, event, text);
}

// ---- the terminal

void ea_bridge_hello(struct ea_bridge *b, struct ea_hello *hello) {
  ea_hello_finish(&b->hello);
  b->hello = *hello;
  *hello = (struct ea_hello){0};
  b->greeted = true;
  if (b->prices.changed) b->prices.changed(b->prices.self);
}

void ea_bridge_prices(struct ea_bridge *b, const struct ea_prices *prices) { b->prices = prices ? *prices : (struct ea_prices){0}; }

bool ea_bridge_greeted(const struct ea_bridge *b) { return b->greeted; }

static enum status check(const struct ea_bridge *b, const struct ea_report *r, struct err *err) {
  if (!b->greeted) return err_set(err, ERR_CANCELLED, "no hello has come since the engine began");
  if (r->turn > b->turn) return err_set(err, ERR_INVALID, "/turn: no answer had that one");
#define NAMED(list)                                                                                                                                              \
  for (size_t i = 0; i < r->list##_count; i++)                                                                                                                   \
    if (r->list##s[i].symbol[0] && !ea_symbol_of(b, r->list##s[i].symbol)) return err_set(err, ERR_INVALID, "/" #list "s/%zu/symbol: the hello did not tell of it", i);
  NAMED(order)
  NAMED(position)
  NAMED(deal)
  NAMED(tick)
  NAMED(bar)
#undef NAMED
  for (size_t i = 0; i < r->told_count; i++)
    if (r->told[i].symbol[0] && !ea_symbol_of(b, r->told[i].symbol)) return err_set(err, ERR_INVALID, "/told/%zu/symbol: the hello did not tell of it", i);
  return OK;
}

enum status ea_bridge_report(struct ea_bridge *b, struct ea_report *report, struct err *err) {
  const enum status st = check(b, report, err);
  struct ea_arrived *a = st == OK ? calloc(1, sizeof *a) : NULL;
  if (!a) {
    ea_report_finish(report);
    return st == OK ? err_set(err, ERR_NOMEM, "no memory for a terminal's report") : st;
  }
  a->report = *report;
  *report = (struct ea_report){0};
  *b->last_arrived = a;
  b->last_arrived = &a->next;
  b->heard_mono_ns = ea_mono_ns(b);
  b->heard_wall_ns = clock_wall_ns();
  b->counts.reports++;
  ea_soon(b);
  return OK;
}

// ---- commands

static struct ea_work *work_of(struct ea_bridge *b, const char *id) {
  for (struct ea_work *w = b->works; w; w = w->next)
    if (strcmp(w->command.id, id) == 0) return w;
  return NULL;
}

static struct venue_reply reply_of(const struct ea_work *w, enum ea_lease_event ev, const struct ea_result *r) {
  struct venue_reply v = {.asked_ns = w->asked_ns, .expiry_ns = w->expiry_ns, .outcome = VENUE_UNKNOWN, .why = VENUE_WHY_OTHER};
  const char *text = r ? r->text : "";
  switch (w->state) {
    case EA_LEASE_DONE: v.outcome = VENUE_ACCEPTED, v.why = VENUE_WHY_NONE; break;
    case EA_LEASE_REFUSED:
      v.outcome = VENUE_REFUSED, v.why = ev == EA_EV_MISSED ? VENUE_WHY_TIME : r && r->why != VENUE_WHY_NONE ? r->why : VENUE_WHY_OTHER;
      if (ev == EA_EV_MISSED) text = "it reached the terminal too late, and was left";
      break;
    case EA_LEASE_DROPPED: v.outcome = VENUE_NOT_SENT, v.why = VENUE_WHY_THROTTLED, text = "the terminal did not ask for it in time"; break;
    default:
      // One whose name is taken has an order there already: what it is about is that one's fate.
      if (r && r->why == VENUE_WHY_DUPLICATE) v.why = VENUE_WHY_DUPLICATE;
      else text = "the terminal has not told what became of it";
  }
  if (r) snprintf(v.venue_id, sizeof v.venue_id, "%s", r->ticket);
  snprintf(v.text, sizeof v.text, "%s", text);
  return v;
}

void ea_work_move(struct ea_bridge *b, struct ea_work *w, enum ea_lease_event ev, const struct ea_result *r) {
  enum ea_lease_state to;
  const enum ea_lease_kind kind = ea_lease_next(w->state, ev, &to);
  if (kind == EA_ODD) {
    char text[160];
    snprintf(text, sizeof text, "command %s is %s, and the terminal says otherwise", w->command.id, ea_lease_text(w->state));
    ea_log(b, "ea_contradicts", text);
  }
  if (kind != EA_MOVE) return;
  w->state = to;
  uint64_t *const counts[] = {[EA_LEASE_LEASED] = &b->counts.handed, [EA_LEASE_DONE] = &b->counts.done, [EA_LEASE_REFUSED] = &b->counts.refused, [EA_LEASE_LAPSED] = &b->counts.lapsed,
    [EA_LEASE_DROPPED] = &b->counts.dropped};
  if (to != EA_LEASE_QUEUED) ++*counts[to];
  if (!ea_lease_over(to) || !w->done) return;
  const struct venue_reply reply = reply_of(w, ev, r);
  if (w->session) ea_verdict_reply(b, w->session, w->done, w->arg, &reply);
  w->done = NULL;
}

static void results(struct ea_bridge *b, const struct ea_report *r) {
  static const enum ea_lease_event events[] = {[EA_SAID_DONE] = EA_EV_DONE, [EA_SAID_REFUSED] = EA_EV_REFUSED, [EA_SAID_MISSED] = EA_EV_MISSED, [EA_SAID_UNSURE] = EA_EV_UNSURE};
  for (size_t i = 0; i < r->result_count; i++) {
    struct ea_work *w = work_of(b, r->results[i].id);  // of a process before this one: its orders are asked about
    if (w) ea_work_move(b, w, r->results[i].said == EA_SAID_REFUSED && r->results[i].why == VENUE_WHY_DUPLICATE ? EA_EV_UNSURE : events[r->results[i].said], &r->results[i]);
  }
}

bool ea_bridge_asks(const struct ea_bridge *b) {
  json_t *bars = json_array();
  if (b->prices.ask) b->prices.ask(b->prices.self, bars);
  const bool news = json_array_size(bars) > 0 && !(b->asked && json_equal(bars, b->asked));
  json_decref(bars);
  return news;
}

bool ea_bridge_waits(const struct ea_bridge *b) {
  for (const struct ea_work *w = b->works; w; w = w->next)
    if (w->state == EA_LEASE_QUEUED && w->session) return true;
  return false;
}

size_t ea_bridge_hand(struct ea_bridge *b, struct ea_handed ret[EA_HAND_MAX]) {
  size_t n = 0;
  const int64_t mono_ns = ea_mono_ns(b);
  b->waiting_told = false;
  for (int cancels = 1; cancels >= 0; cancels--)
    for (struct ea_work *w = b->works; w && n < EA_HAND_MAX; w = w->next) {
      if (w->state != EA_LEASE_QUEUED || !w->session || w->command.cancel != cancels) continue;
      if (mono_ns >= w->due_ns) continue;  // too late; the next look says so
      ea_work_move(b, w, EA_EV_HAND, NULL);
      w->expiry_ns = ea_now_ns(b) + b->o.lease_ms * EA_MS;
      w->due_ns = mono_ns + (b->o.lease_ms + b->o.answer_ms) * EA_MS;
      ret[n++] = (struct ea_handed){w->command, b->o.lease_ms};
    }
  return n;
}

void ea_bridge_keep(struct ea_bridge *b, const char *id) {
  struct ea_work *w = work_of(b, id);
  if (w) ea_work_move(b, w, EA_EV_KEEP, NULL);
  ea_soon(b);
}

void ea_bridge_unsure(struct ea_bridge *b, const char *id) {
  struct ea_work *w = work_of(b, id);
  if (w) ea_work_move(b, w, EA_EV_UNSURE, &(struct ea_result){.why = VENUE_WHY_DUPLICATE});
  ea_log(b, "ea_twice", id);
  ea_soon(b);
}

static void works_look(struct ea_bridge *b) {
  const int64_t mono_ns = ea_mono_ns(b);
  for (struct ea_work **at = &b->works, *w; (w = *at);) {
    if (mono_ns >= w->due_ns && !ea_lease_over(w->state)) ea_work_move(b, w, EA_EV_LATE, NULL);
    // An answer after all is understood for a while, and a name is refused the second time before it reaches the disk.
    if (ea_lease_over(w->state) && w->over_ns == 0) w->over_ns = mono_ns;
    if (!ea_lease_over(w->state) || w->done || (w->state != EA_LEASE_DROPPED && mono_ns < w->over_ns + EA_REMEMBER_NS)) {
      at = &w->next;
      continue;
    }
    *at = w->next;
    free(w);
  }
}

// ---- what is new in a report

struct telling {
  struct ea_bridge *b;
};

// Only to those that are up: who is not compares lists first.
#define TELL(b, member, value)                                                                                                      \
  for (struct ea_session *s = (b)->sessions; s; s = s->next)                                                                        \
    if (!s->dead && !s->wish.no_events && s->events->member && (s->state == VENUE_STATE_RECONCILING || s->state == VENUE_STATE_READY)) s->events->member(s->self, value)

static void fresh_deal(void *arg, const struct ea_deal *d) {
  struct ea_bridge *b = ((struct telling *)arg)->b;
  struct venue_fill f;
  ea_fill_of(b, d, &f);
  if (decimal_given(f.qty)) {
    TELL(b, fill, &f);
  } else {
    ea_log(b, "ea_volume", "a deal's volume is no exact number of base units");
  }
}

static struct ea_known *known_of(struct ea_bridge *b, const char *ticket) {
  for (size_t i = 0; i < b->known_count; i++)
    if (strcmp(b->known[i].ticket, ticket) == 0) return &b->known[i];
  if (b->known_count == b->known_cap) {
    const size_t cap = b->known_cap ? b->known_cap * 2 : 64;
    struct ea_known *more = realloc(b->known, cap * sizeof *more);
    if (!more) return NULL;
    b->known = more;
    b->known_cap = cap;
  }
  struct ea_known *k = &b->known[b->known_count++];
  *k = (struct ea_known){.state = EA_ORDER_ABSENT};
  memcpy(k->ticket, ticket, sizeof k->ticket);
  return k;
}

static void orders(struct ea_bridge *b, const struct ea_report *r) {
  for (size_t i = 0; i < r->order_count; i++) {
    const struct ea_order *o = &r->orders[i];
    struct ea_known *k = known_of(b, o->ticket);
    const bool same = k && k->state == o->state && k->filled.digits == o->filled.digits && k->filled.scale == o->filled.scale;
    if (k) k->report = b->reports_seen, k->state = o->state, k->filled = o->filled;
    struct venue_order v;
    ea_order_of(b, o, &v);
    if (!same) TELL(b, order, &v);
  }
  size_t kept = 0;
  for (size_t i = 0; i < b->known_count; i++)
    if (b->known[i].report == b->reports_seen) b->known[kept++] = b->known[i];
  b->known_count = kept;
}

static bool net_of(const struct ea_bridge *b, const struct ea_position *list, size_t count, const char *symbol, struct decimal *ret) {
  const struct ea_symbol *s = ea_symbol_of(b, symbol);
  struct decimal units;
  int64_t sum = 0, steps;
  for (size_t i = 0; i < count; i++) {
    if (strcmp(list[i].symbol, symbol) != 0) continue;
    if (!ea_on_grid(list[i].volume, s->volume_step, &steps)) return false;
    sum += steps * list[i].side;
  }
  return ea_times((struct decimal){sum, 0}, s->volume_step, &units) && ea_units(s, units, ret);
}

static void positions(struct ea_bridge *b, struct ea_report *r) {
  for (size_t i = 0; i < b->hello.symbol_count; i++) {
    const char *symbol = b->hello.symbols[i].symbol;
    struct decimal was, is;
    if (!net_of(b, b->positions, b->position_count, symbol, &was) || !net_of(b, r->positions, r->position_count, symbol, &is)) continue;
    if (was.digits == is.digits && was.scale == is.scale) continue;
    struct venue_position p = {.leg = LEG_NET, .qty = is, .avg = NO_DECIMAL, .upnl = NO_DECIMAL, .leverage = NO_DECIMAL, .liquidation_px = NO_DECIMAL};
    memcpy(p.symbol, symbol, sizeof p.symbol);
    for (size_t k = 0; k < r->position_count; k++)
      if (strcmp(r->positions[k].symbol, symbol) == 0) p.avg = r->positions[k].price;
    TELL(b, position, &p);
  }
  free(b->positions);
  b->positions = r->positions;
  b->position_count = r->position_count;
  r->positions = NULL;
  r->position_count = 0;
}

static void ticks(struct ea_bridge *b, const struct ea_report *r) {
  for (size_t i = 0; i < r->tick_count; i++) {
    size_t at = 0;
    while (at < b->tick_count && strcmp(b->ticks[at].symbol, r->ticks[i].symbol) != 0) at++;
    if (at == EA_TICKS_MAX) continue;
    if (at == b->tick_count) b->tick_count++;
    if (r->ticks[i].time_ms > b->ticks[at].time_ms && b->prices.tick) b->prices.tick(b->prices.self, &r->ticks[i]);
    if (r->ticks[i].time_ms >= b->ticks[at].time_ms) b->ticks[at] = r->ticks[i];
  }
}

static void hear(struct ea_bridge *b, struct ea_report *r) {
  b->reports_seen++;
  b->account = r->account;
  b->trading = r->account.trading;
  if (!b->up && b->prices.changed) b->prices.changed(b->prices.self);
  b->up = true;
  ticks(b, r);
  for (size_t i = 0; b->prices.bars && i < r->bar_count; i++) b->prices.bars(b->prices.self, &r->bars[i], r->bar_rows + r->bars[i].first);
  results(b, r);
  ea_sessions_heard(b, r->turn);
  ea_verdicts_tell(b);
  ea_deals_heard(&b->deals, r->deals, r->deal_count, r->since_ms, r->more, fresh_deal, &(struct telling){b});
  orders(b, r);
  ea_questions_answer(b, r);
  positions(b, r);
}

// ---- time

static void purge(struct ea_bridge *b, const struct ea_session *s) {
  for (struct ea_question **at = &b->questions, *q; (q = *at);) {
    if (q->session != s) at = &q->next;
    else *at = q->next, free(q);
  }
  struct ea_verdict **at = &b->verdicts;
  for (struct ea_verdict *v; (v = *at);) {
    if (v->session != s) at = &v->next;
    else *at = v->next, free(v);
  }
  b->last_verdict = at;
}

static void sweep(struct ea_bridge *b) {
  for (struct ea_session **at = &b->sessions, *s; (s = *at);) {
    if (!s->dead) {
      at = &s->next;
      continue;
    }
    *at = s->next;
    purge(b, s);
    free(s);
  }
}

static void on_timer(void *arg) {
  struct ea_bridge *b = arg;
  b->inside++;
  while (b->arrived) {
    struct ea_arrived *a = b->arrived;
    b->arrived = a->next;
    if (!b->arrived) b->last_arrived = &b->arrived;
    hear(b, &a->report);
    ea_report_finish(&a->report);
    free(a);
  }
  if (b->up && ea_mono_ns(b) - b->heard_mono_ns > EA_SILENT_NS) {
    b->up = false;
    if (b->prices.changed) b->prices.changed(b->prices.self);
    ea_sessions_lost(b);
  }
  works_look(b);
  ea_questions_answer(b, NULL);
  ea_verdicts_tell(b);
  b->inside--;
  sweep(b);
  if (b->o.waiting && !b->waiting_told && (ea_bridge_waits(b) || ea_bridge_asks(b))) {
    b->waiting_told = true;
    b->o.waiting(b->o.arg, b);
  }
}

json_t *ea_bridge_answer(struct ea_bridge *b) {
  int64_t wanted_ms = INT64_MAX;
  json_t *ask = json_array(), *bars = json_array();
  b->turn++;
  if (b->prices.ask) b->prices.ask(b->prices.self, bars);
  json_decref(b->asked);
  b->asked = json_incref(bars);
  for (const struct ea_question *q = b->questions; q; q = q->next) {
    if (q->ask == EA_ASK_FILLS && q->since_ms < wanted_ms) wanted_ms = q->since_ms;
    if (q->ask != EA_ASK_ORDER || json_array_size(ask) >= EA_ASK_MAX) continue;
    bool there = false;
    for (size_t i = 0; i < json_array_size(ask); i++) there |= strcmp(json_string_value(json_array_get(ask, i)), q->client) == 0;
    if (!there) json_array_append_new(ask, json_string(q->client));
  }
  const int64_t since_ms = ea_deals_next_ms(&b->deals, wanted_ms, clock_wall_ns() / EA_MS - FIRST_DEALS_MS);
  return json_pack("{s:I, s:I, s:i, s:o, s:o}", "turn", (json_int_t)b->turn, "since_ms", (json_int_t)(since_ms > 0 ? since_ms : 0), "poll_ms", EA_POLL_MS, "ask", ask, "bars", bars);
}

struct ea_view ea_bridge_view(const struct ea_bridge *b) {
  struct ea_view v = b->counts;
  v.greeted = b->greeted, v.up = b->up, v.trading = b->trading, v.hello = &b->hello, v.heard_ns = b->heard_wall_ns;
  v.account = b->reports_seen ? &b->account : NULL, v.positions = b->positions, v.position_count = b->position_count;
  for (const struct ea_work *w = b->works; w; w = w->next) v.waiting += w->state == EA_LEASE_QUEUED, v.out += w->state == EA_LEASE_LEASED, v.unknown += w->state == EA_LEASE_LAPSED;
  return v;
}

void ea_bridge_terms(struct ea_bridge *b, bool real_allowed, const char *currency) {
  b->real_allowed = real_allowed;
  snprintf(b->currency, sizeof b->currency, "%s", currency);
}

enum status ea_bridge_create(const struct ea_bridge_options *options, struct ea_bridge **ret, struct err *err) {
  struct ea_bridge *b = calloc(1, sizeof *b);
  if (!b) return err_set(err, ERR_NOMEM, "no memory for a terminal");
  b->o = *options;
  if (!b->o.lease_ms) b->o.lease_ms = EA_LEASE_MS;
  if (!b->o.answer_ms) b->o.answer_ms = EA_ANSWER_MS;
  b->last_arrived = &b->arrived;
  b->last_verdict = &b->verdicts;
  b->wall_ns = clock_wall_ns();
  b->mono_ns = ea_mono_ns(b);
  b->turn = (uint64_t)(b->wall_ns / EA_MS);  // above those of a process before
  enum status st = ea_deals_init(&b->deals, err);
  if (st == OK) st = loop_timer_create(options->loop, on_timer, b, &b->timer, err);
  if (st != OK) {
    ea_bridge_destroy(b);
    return st;
  }
  loop_timer_start(b->timer, LOOK_MS, LOOK_MS);
  return *ret = b, OK;
}

void ea_bridge_destroy(struct ea_bridge *b) {
  if (!b) return;
  if (b->timer) loop_timer_destroy(b->timer);
  for (struct ea_arrived *a = b->arrived, *n; a; a = n) n = a->next, ea_report_finish(&a->report), free(a);
  for (struct ea_work *w = b->works, *n; w; w = n) n = w->next, free(w);
  for (struct ea_question *q = b->questions, *n; q; q = n) n = q->next, free(q);
  for (struct ea_verdict *v = b->verdicts, *n; v; v = n) n = v->next, free(v);
  for (struct ea_session *s = b->sessions, *n; s; s = n) n = s->next, free(s);
  ea_deals_finish(&b->deals);
  ea_hello_finish(&b->hello);
  json_decref(b->asked);
  free(b->positions);
  free(b->known);
  free(b);
}

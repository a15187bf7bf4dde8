// bot/live_venue.c – see live_venue.h.
#include "bot/live_venue.h"

#include "loop/clock.h"
#include "loop/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AHEAD_NS 150000         // requests are made ahead for so long
#define MAIL_MOST 100000       // a venue that says more than its bots can hear is connected to anew

static bool ready(const struct live_venue *v) {
  const char *why;
  return v->venue.ops->state(v->venue.self, &why) == VENUE_STATE_READY;
}

struct live_venue *live_venue_of(const struct live *l, int64_t account_id) {
  struct live_venue *v = l->venues;
  while (v && v->account_id != account_id) v = v->next;
  return v;
}

static void say(const struct live_venue *v, const char *level, const char *event, const char *text) {
  v->live->config.log(v->live->config.self, level, event, json_pack("{s:I, s:s}", "account", (json_int_t)v->account_id, "text", text));
}

void live_venue_look(struct live_venue *v, int64_t at_ns) {
  if (at_ns >= v->due_ns || v->live->closing || !v->timer) return;
  const int64_t in_ns = at_ns - clock_monotonic_ns();
  v->due_ns = at_ns;
  loop_timer_start(v->timer, in_ns > 0 ? (in_ns + NS_PER_MS - 1) / NS_PER_MS : 0, 0);
}

static void look_soon(struct live_venue *v) { live_venue_look(v, clock_monotonic_ns() + LIVE_VENUE_LOOK_NS); }

// ---- the inbox

void live_venue_post(struct live_venue *v, const struct live_mail *mail) {
  struct live_mail *m = malloc(sizeof *m);
  if (!m || v->mail_count >= MAIL_MOST) {
    free(m);
    v->failed = true;  // something was not heard: all of it is asked for again
    look_soon(v);
    snprintf(v->why, sizeof v->why, "%s", "too much is heard at once, or no memory for it");
    return;
  }
  *m = *mail;
  m->next = NULL;
  if (v->last) v->last->next = m;
  else v->first = m;
  v->last = m;
  v->mail_count++;
}

struct live_bot *live_venue_bot(const struct live_venue *v, int64_t id) {
  struct live_bot *b = live_find(v->live, id);
  return b && b->clerk && clerk_is_remote(b->clerk) && b->account && b->account->id == v->account_id ? b : NULL;
}

bool live_venue_can_hear(const struct live_bot *b) { return !b->busy && !b->unwritten && !b->touched && !b->ending && !b->live->closing; }

static void unfit(struct live_venue *v, const struct live_bot *b, const char *text) {
  char line[VENUE_TEXT_MAX + 64];
  snprintf(line, sizeof line, "bot %lld: %s", (long long)b->id, text);
  say(v, "error", "venue_contradicts", line);
  snprintf(v->why, sizeof v->why, "%s", text);
}

// The venue's own words are in the bot's log, and in the notice that follows from them.
static void hear_reply(struct live_bot *b, uint64_t order, enum clerk_request what, uint32_t change, const struct venue_reply *r) {
  char words[VENUE_TEXT_MAX], line[VENUE_TEXT_MAX + 64];
  const bool refused = what == CLERK_PLACE && (r->outcome == VENUE_REFUSED || r->outcome == VENUE_NOT_SENT) && r->text[0];
  snprintf(words, sizeof words, "%s", r->text);
  live_plain(words, strlen(words));
  if (refused) {
    const int n = snprintf(line, sizeof line, "order %llu was refused: %s", (unsigned long long)order, words);
    live_log(b, b->instant_ns, LOG_WARN, line, (size_t)n);
    b->venue_says = words;
  }
  clerk_remote_replied(b->clerk, order, what, change, r);
  b->venue_says = NULL;
}

static void hear(struct live_venue *v, struct live_bot *b, const struct live_mail *m) {
  char text[VENUE_TEXT_MAX] = "";
  enum clerk_heard h = CLERK_HEARD;
  switch (m->kind) {
    case HEARD_ORDER: h = clerk_remote_order(b->clerk, &m->u.order.order, m->u.order.asked_ns, text); break;
    case HEARD_FILL: h = clerk_remote_fill(b->clerk, &m->u.fill, text); break;
    case HEARD_REPLY: hear_reply(b, m->u.reply.order, m->u.reply.what, m->u.reply.change, &m->u.reply.reply); break;
    case HEARD_ASKED: clerk_remote_asked(b->clerk, m->u.asked.order, m->u.asked.question, m->u.asked.answer); break;
    case HEARD_CASH: clerk_remote_cash(b->clerk, m->u.cash.symbol, m->u.cash.paid, m->u.cash.id, m->u.cash.at_ns); break;
    case HEARD_LISTED: clerk_remote_listed(b->clerk, m->u.listed_ns); break;
  }
  if (h == CLERK_UNFIT) unfit(v, b, text);
  if (h == CLERK_HEARD && m->kind == HEARD_FILL) live_reconcile_fee(v, b, &m->u.fill);
  if (h == CLERK_STRANGE && m->kind == HEARD_ORDER && m->u.order.order.state == VENUE_ORDER_OPEN) live_venue_strange(v, "order", &m->u.order.order.ref, "an order of a run of this bot that has ended");
  if (h == CLERK_STRANGE && m->kind == HEARD_FILL && !m->past) live_venue_strange(v, "execution", &m->u.fill.ref, "of a run of this bot that has ended");
}

void live_venue_journal(struct live_bot *b) {
  const bool news = b->turn.len > 0 || b->content;
  live_commands_flush(b);
  if (!news) return;
  if (b->opened) live_clock_soon(b);
  live_hand_over(b->live, b->place);
}

bool live_venue_unsent(struct live_bot *b, const char *why) {
  char line[VENUE_TEXT_MAX + 512];
  const size_t count = clerk_remote_unsent(b->clerk);
  if (count == 0) return false;
  const int len = snprintf(line, sizeof line, "%zu order%s refused before %s left: %s", count, count == 1 ? " was" : "s were", count == 1 ? "it" : "they", why);
  live_log(b, b->instant_ns, LOG_WARN, line, (size_t)len < sizeof line ? (size_t)len : sizeof line - 1);
  return true;
}

static void not_connected(const struct live_venue *v, char *text, size_t size) {
  const char *why;
  const char *state = venue_state_text(v->venue.ops->state(v->venue.self, &why));
  snprintf(text, size, "the account's session at the venue is %s%s%s", state, why && why[0] ? ": " : "", why && why[0] ? why : "");
}

// By the venue's clock; INT64_MAX: when something happens.
static void look_then(struct live_venue *v, int64_t next_ns) {
  const int64_t in_ns = next_ns < INT64_MAX ? next_ns - v->venue.ops->now_ns(v->venue.self) : 0;
  if (next_ns < INT64_MAX) live_venue_look(v, clock_monotonic_ns() + (in_ns > NS_PER_MS ? in_ns : NS_PER_MS));
}

// Also what is due by time: questions, cancels that are asked for again.
static void act(struct live_venue *v, struct live_bot *b) {
  char why[VENUE_TEXT_MAX + 256] = "";
  if (!live_venue_can_hear(b)) {
    look_soon(v);
    return;
  }
  if (ready(v)) {
    const enum live_places places = live_mode_places(v, b);
    if (places == LIVE_PLACES_NOT) {
      live_mode_why(v, b, why, sizeof why);
      (void)live_venue_unsent(b, why);
    }
    if (places == LIVE_PLACES_SOON) look_soon(v);
    look_then(v, clerk_remote_sync(b->clerk));
  } else {
    not_connected(v, why, sizeof why);
    (void)live_venue_unsent(b, why);
    look_then(v, clerk_remote_away(b->clerk));
  }
  if (b->life.state == LIFE_STOPPING) look_soon(v);
  live_venue_journal(b);
  live_stop_look(b);
}

void live_venue_drain(struct live_venue *v) {
  if (v->draining || v->live->closing) return;
  v->draining = true;
  // Bots whose mail has to wait keep it in its order; the list is walked once for all.
  struct live_mail **at = &v->first, *kept = NULL;
  while (*at) {
    struct live_mail *m = *at;
    struct live_bot *b = live_venue_bot(v, m->bot_id);
    if (b && !live_venue_can_hear(b)) {
      kept = m;
      at = &m->next;
      continue;
    }
    if (b) hear(v, b, m);
    else if (m->kind == HEARD_FILL && !m->past) live_venue_strange(v, "execution", &m->u.fill.ref, "of a bot that has no books now");
    *at = m->next;
    v->mail_count--;
    const struct live_mail *next = *at;
    const bool more = next && next->bot_id == m->bot_id;
    free(m);
    if (b && !more) act(v, b);
  }
  v->last = kept;
  v->draining = false;
  if (kept) look_soon(v);
  if (!v->first) live_reconcile_heard(v);
}

void live_venue_halt(struct live_bot *b) {
  struct live_venue *v = clerk_is_remote(b->clerk) && b->account ? live_venue_of(b->live, b->account->id) : NULL;
  if (v && ready(v)) clerk_remote_halt(b->clerk);
}

void live_venue_flush(struct live_bot *b) {
  struct live_venue *v = b->clerk && clerk_is_remote(b->clerk) && b->account ? live_venue_of(b->live, b->account->id) : NULL;
  if (!v) return;
  if (v->first) live_venue_drain(v);
  if (b->clerk) act(v, b);
}

// ---- what clerks ask for

struct live_request *live_request(struct live_venue *v, uint64_t bot, uint64_t order) {
  struct live_request *r = calloc(1, sizeof *r);
  if (!r) return NULL;
  *r = (struct live_request){.next = v->requests, .back = &v->requests, .venue = v, .bot_id = (int64_t)bot, .order = order, .asked_ns = v->venue.ops->now_ns(v->venue.self)};
  if (r->next) r->next->back = &r->next;
  return v->requests = r;
}

void live_request_end(struct live_request *r) {
  *r->back = r->next;
  if (r->next) r->next->back = r->back;
  free(r);
}

const double live_send_bounds_s[LIVE_SEND_BOUNDS] = {0.0002, 0.00035, 0.0005, 0.0007, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05};
struct live_sends live_sends(const struct live *l) { return l->sends; }
struct live_sends live_hears(const struct live *l) { return l->hears; }

// Until the first byte of the request was the kernel's. One that never was does not count.
void live_took(struct live_sends *s, int64_t from_ns, int64_t to_ns) {
  if (from_ns == 0 || to_ns == 0) return;
  const double took_s = (double)(to_ns - from_ns) / 1e9;
  int at = 0;
  while (at < LIVE_SEND_BOUNDS && took_s > live_send_bounds_s[at]) at++;
  s->buckets[at]++;
  s->sum_s += took_s;
}

static void replied(void *arg, const struct venue_reply *reply) {
  struct live_request *r = arg;
  struct live_mail m = {.bot_id = r->bot_id, .kind = HEARD_REPLY, .u.reply = {.order = r->order, .what = r->what, .change = r->change, .reply = *reply}};
  live_venue_post(r->venue, &m);
  struct live_venue *v = r->venue;
  live_took(&v->live->sends, r->intent_ns, reply->sent_ns);
  live_request_end(r);
  live_venue_drain(v);
}

// Without memory for a request it was not sent.
static void not_sent(struct live_venue *v, uint64_t bot, uint64_t order, enum clerk_request what, uint32_t change) {
  struct live_mail m = {.bot_id = (int64_t)bot, .kind = HEARD_REPLY, .u.reply = {.order = order, .what = what, .change = change, .reply = {.outcome = VENUE_NOT_SENT, .why = VENUE_WHY_OTHER}}};
  live_venue_post(v, &m);
}

// Of the first order of an instant; what follows leaves with it. Exits that come later have nobody who waits for them.
static int64_t intent_of(struct live_bot *b) {
  const int64_t at_ns = b ? b->asked_ns : 0;
  if (b) b->asked_ns = 0;
  return at_ns;
}

static void port_place(void *self, uint64_t bot, uint64_t order, const struct venue_place *p) {
  struct live_venue *v = self;
  struct live_request *r = live_request(v, bot, order);
  if (!r) return not_sent(v, bot, order, CLERK_PLACE, 0);
  r->what = CLERK_PLACE;
  r->intent_ns = intent_of(live_find(v->live, (int64_t)bot));
  v->venue.ops->place(v->venue.self, p, replied, r);
}
static void port_amend(void *self, uint64_t bot, uint64_t order, uint32_t change, const struct venue_ref *ref, const struct venue_change *c) {
  struct live_venue *v = self;
  struct live_request *r = live_request(v, bot, order);
  if (!r) return not_sent(v, bot, order, CLERK_AMEND, change);
  r->what = CLERK_AMEND, r->change = change;
  v->venue.ops->amend(v->venue.self, ref, c, replied, r);
}
static void port_cancel(void *self, uint64_t bot, uint64_t order, const struct venue_ref *ref) {
  struct live_venue *v = self;
  struct live_request *r = live_request(v, bot, order);
  if (!r) return not_sent(v, bot, order, CLERK_CANCEL, 0);
  r->what = CLERK_CANCEL;
  v->venue.ops->cancel(v->venue.self, ref, replied, r);
}

static void port_ahead(void *self, const struct venue_place *p) {
  struct live_venue *v = self;
  v->venue.ops->ahead(v->venue.self, p);
}

static bool port_places(void *self, uint64_t bot) {
  const struct live_venue *v = self;
  const struct live_bot *b = live_venue_bot(v, (int64_t)bot);
  return b && live_mode_places(v, b) == LIVE_PLACES;
}

static int64_t port_now(void *self) {
  struct live_venue *v = self;
  return v->venue.ops->now_ns(v->venue.self);
}
static struct venue_caps port_caps(void *self) {
  struct live_venue *v = self;
  return v->venue.ops->caps(v->venue.self);
}

struct clerk_port live_venue_port(struct live_venue *v) {
  return (struct clerk_port){.self = v, .now_ns = port_now, .caps = port_caps, .places = port_places, .place = port_place, .amend = port_amend, .cancel = port_cancel, .ask = live_venue_ask, .ahead = port_ahead};
}

void live_venues_brace(struct live *l, const int64_t *bots, size_t count) {
  if (!l->venues) return;
  const int64_t began_ns = clock_monotonic_ns();
  for (size_t i = 0; i < count; i++) {
    const struct live_bot *b = live_find(l, bots[i]);
    struct live_venue *v = b && b->clerk && b->asked_ns > 0 && b->account ? live_venue_of(l, b->account->id) : NULL;
    if (!v) continue;
    v->expected++;
    // Not for longer than a quick disk takes: others' requests are made behind the first one's, when that has left.
    if (clerk_is_remote(b->clerk) && !b->busy && clock_monotonic_ns() - began_ns < AHEAD_NS) clerk_remote_ahead(b->clerk);
  }
  for (struct live_venue *v = l->venues; v; v = v->next) {
    if (v->expected > 0) v->venue.ops->brace(v->venue.self, v->expected);
    v->expected = 0;
  }
}

// ---- what is heard

static int64_t bot_of(const struct venue_ref *ref) {
  struct client_id id;
  return client_id_parse(ref->client_id, strlen(ref->client_id), &id) ? (int64_t)id.bot : 0;
}

static void on_order(void *self, const struct venue_order *o) {
  struct live_venue *v = self;
  struct live_mail m = {.bot_id = bot_of(&o->ref), .kind = HEARD_ORDER, .u.order = {.order = *o}};
  live_left_seen(v, o);
  if (m.bot_id == 0) {
    if (o->state == VENUE_ORDER_OPEN) live_venue_strange(v, "order", &o->ref, "not an order of a bot");
    return;
  }
  live_venue_post(v, &m);
  live_venue_drain(v);
}
static void on_fill(void *self, const struct venue_fill *f) {
  struct live_venue *v = self;
  struct live_mail m = {.bot_id = bot_of(&f->ref), .kind = HEARD_FILL, .u.fill = *f};
  if (f->funding) {
    live_venue_funding(v, f);
    live_venue_drain(v);
    return;
  }
  if (m.bot_id == 0) {
    live_venue_strange(v, "execution", &f->ref, f->liquidation ? "the venue has liquidated" : "not of an order of a bot");
    return;
  }
  live_venue_post(v, &m);
  live_venue_drain(v);
}

void live_venue_funding(struct live_venue *v, const struct venue_fill *f) {
  cash paid, given = {0};
  int64_t total = 0, seen = 0;
  if (!clerk_cash_of(f->fee, &paid)) return;
  for (size_t i = 0; i < v->bot_count; i++) {
    const struct live_bot *b = live_venue_bot(v, v->bots[i]);
    total += b ? clerk_remote_lots(b->clerk, f->ref.symbol) : 0;
  }
  for (size_t i = 0; total != 0 && i < v->bot_count; i++) {
    const struct live_bot *b = live_venue_bot(v, v->bots[i]);
    const int64_t lots = b ? clerk_remote_lots(b->clerk, f->ref.symbol) : 0;
    if (lots == 0) continue;
    seen += lots;
    struct live_mail m = {.bot_id = b->id, .kind = HEARD_CASH, .u.cash.at_ns = f->time_ns};
    // Up to here and no more than that: parts add up to the whole.
    m.u.cash.paid.e8 = (int64_t)div_round((int128)paid.e8 * (total < 0 ? -seen : seen), total < 0 ? -total : total) - given.e8;
    given.e8 += m.u.cash.paid.e8;
    memcpy(m.u.cash.symbol, f->ref.symbol, sizeof m.u.cash.symbol);
    memcpy(m.u.cash.id, f->trade_id, sizeof m.u.cash.id);
    live_venue_post(v, &m);
  }
}

// Its owner has to do something about the key: in each bot's log, and told once.
static void tell_refused(struct live_venue *v, const char *why) {
  char line[VENUE_TEXT_MAX + 80];
  const int len = snprintf(line, sizeof line, "the account's key is not used any more: %s", why);
  bool told = false;
  for (size_t i = 0; i < v->bot_count; i++) {
    struct live_bot *b = live_venue_bot(v, v->bots[i]);
    if (!b) continue;
    live_log(b, b->instant_ns > 0 ? b->instant_ns : clock_wall_ns(), LOG_WARN, line, (size_t)len);
    if (!told) live_notice(b, NOTICE_ACCOUNT_REFUSED, json_pack("{s:s}", "detail", why));
    told = true;
  }
}

static void on_state(void *self, enum venue_state from, enum venue_state to, const char *why) {
  struct live_venue *v = self;
  char text[VENUE_TEXT_MAX + 64];
  snprintf(text, sizeof text, "%s after %s%s%s", venue_state_text(to), venue_state_text(from), why && why[0] ? ": " : "", why ? why : "");
  say(v, to == VENUE_STATE_REFUSED ? "error" : "info", "venue_session", text);
  if (to == VENUE_STATE_RECONCILING) {
    live_modes_forget(v, false);
    live_reconcile_begin(v);
  }
  if (to == VENUE_STATE_REFUSED) tell_refused(v, why && why[0] ? why : "the venue refuses it");
  live_venue_look(v, clock_monotonic_ns());
}

static void on_timer(void *arg) {
  struct live_venue *v = arg;
  v->due_ns = INT64_MAX;
  if (v->live->closing) return;
  live_venue_drain(v);
  live_reconcile_look(v);
  live_reconcile_freeze(v);
  live_modes_look(v);
  live_left_look(v);
  live_venue_act(v);
}

void live_venue_act(struct live_venue *v) {
  for (size_t i = v->bot_count; i-- > 0;) {
    struct live_bot *b = i < v->bot_count ? live_venue_bot(v, v->bots[i]) : NULL;
    if (b) act(v, b);
  }
}

bool live_venue_join(struct live_venue *v, struct live_bot *b) {
  if (v->bot_count == v->bot_cap) {
    const size_t cap = v->bot_cap ? v->bot_cap * 2 : 4;
    int64_t *more = realloc(v->bots, cap * sizeof *more);
    if (!more) return false;
    v->bots = more;
    v->bot_cap = cap;
  }
  v->bots[v->bot_count++] = b->id;
  b->joined = true;
  // Whatever it missed while it had no books: the account is compared again.
  v->again_ns = 0;
  live_venue_look(v, clock_monotonic_ns());
  return true;
}

void live_venue_leave(struct live_bot *b) {
  struct live_venue *v = b->account ? live_venue_of(b->live, b->account->id) : NULL;
  for (size_t i = 0; v && i < v->bot_count; i++)
    if (v->bots[i] == b->id) {
      v->bots[i] = v->bots[--v->bot_count];
      if (!b->live->closing && b->clerk && clerk_is_remote(b->clerk)) live_left_keep(v, b);
      live_reconcile_left(v, b);
      return;
    }
}

// ---- the session

static const struct venue_events session_events = {.state = on_state, .order = on_order, .fill = on_fill};

enum status live_venue_use(struct live *l, int64_t tenant_id, int64_t account_id, const char *venue, struct live_venue **ret, struct err *err) {
  struct live_venue *v = live_venue_of(l, account_id);
  if (v) return *ret = v, OK;
  if (!l->config.venue_open) return err_set(err, ERR_INVALID, "accounts at %s cannot be traded by this process", venue);
  v = calloc(1, sizeof *v);
  if (!v) return err_set(err, ERR_NOMEM, "no memory for an account's session");
  v->live = l, v->account_id = account_id, v->tenant_id = tenant_id, v->due_ns = INT64_MAX;
  enum status st = l->config.venue_open(l->config.self, tenant_id, account_id, &session_events, v, &v->venue, err);
  if (st == OK) st = loop_timer_create(l->config.loop, on_timer, v, &v->timer, err);
  if (st != OK) {
    if (v->venue.ops) v->venue.ops->destroy(v->venue.self);
    free(v);
    return st;
  }
  look_soon(v);
  v->next = l->venues;
  l->venues = v;
  return *ret = v, OK;
}

// Whoever waits for an answer of the session that goes is told what that means: outcomes are unknown, questions were not answered.
static void unanswered(struct live_venue *v) {
  live_venue_unasked(v);
  while (v->requests) {
    const struct live_request *r = v->requests;
    struct live_mail m = {.bot_id = r->bot_id, .kind = r->asks ? HEARD_ASKED : HEARD_REPLY};
    if (r->asks) m.u.asked.order = r->order, m.u.asked.question = r->question, m.u.asked.answer = ANSWER_UNREACHABLE;
    else m.u.reply.order = r->order, m.u.reply.what = r->what, m.u.reply.change = r->change, m.u.reply.reply = (struct venue_reply){.outcome = VENUE_UNKNOWN, .why = VENUE_WHY_OTHER};
    live_venue_post(v, &m);
    live_request_end(v->requests);
  }
}

enum status live_venue_renew(struct live *l, int64_t account_id, struct err *err) {
  struct live_venue *v = live_venue_of(l, account_id);
  struct venue fresh = {0};
  if (!v || l->closing) return OK;
  const enum status st = l->config.venue_open(l->config.self, v->tenant_id, account_id, &session_events, v, &fresh, err);
  if (st != OK) return st;  // the old one goes on
  v->venue.ops->destroy(v->venue.self);
  v->venue = fresh;
  v->asked = 0;
  v->stage = RECONCILE_NONE;
  live_modes_forget(v, true);
  live_left_unanswered(v);
  unanswered(v);
  live_venue_drain(v);
  look_soon(v);
  return OK;
}

enum status live_venue_mended(struct live *l, int64_t account_id, struct err *err) {
  const struct live_venue *v = live_venue_of(l, account_id);
  const char *why;
  return v && v->venue.ops->state(v->venue.self, &why) == VENUE_STATE_REFUSED ? live_venue_renew(l, account_id, err) : OK;
}

void live_venues_close(struct live *l) {
  for (struct live_venue *v = l->venues, *next; v; v = next) {
    next = v->next;
    v->venue.ops->destroy(v->venue.self);
    loop_timer_destroy(v->timer);
    for (struct live_mail *m = v->first, *n; m; m = n) n = m->next, free(m);
    for (struct live_request *r = v->requests, *n; r; r = n) n = r->next, free(r);
    live_venue_unasked(v);
    live_modes_close(v);
    live_left_close(v);
    free(v->house);
    free(v->strange);
    free(v->bots);
    free(v);
  }
  l->venues = NULL;
}

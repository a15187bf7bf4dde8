// bot/live_reconcile.c – is what a venue has what the bots' books say? At each connection before anything is sent, then every minute.
//
//     open orders ─► executions since the last comparison, by symbol ─► all of it heard by the bots ─► positions ─► done: READY
//
// Where there are no positions (spot) the coins are compared: what is held of the asset that a symbol begins with. Fees that were taken out of it
// are counted, so that they are no difference.
//
// What only the venue has is a stranger's: an order that no bot knows is reported, once, never touched. A position that no bot holds is the
// house's – somebody trades by hand, or a bot was stopped and left it. The account's setting `foreign` says what becomes of it: adopted as it
// was found at first, and told when it changes without an execution of ours; told each time; or told, and bots open nothing until somebody
// has looked. Told are the log, the logs of the account's bots, and GET /accounts/{id}/connection.
#include "bot/held.h"
#include "bot/live_venue.h"

#include "loop/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGAIN_NS (60 * NS_PER_S)
#define RETRY_NS (3 * NS_PER_S)
#define DOUBT_NS (2 * NS_PER_S)        // what differs may be on its way: looked at once more
#define FIRST_NS (7 * NS_PER_DAY)      // executions before the first comparison of this process
#define OVERLAP_NS (10 * 60 * NS_PER_S)
#define LISTS_MOST 16                  // of executions, asked for at once: the others' turn comes with their answers

static int64_t venue_now(const struct live_venue *v) { return v->venue.ops->now_ns(v->venue.self); }
static bool in_state(const struct live_venue *v, enum venue_state s) {
  const char *why;
  return v->venue.ops->state(v->venue.self, &why) == s;
}

// Room for one more; NULL: no memory.
static struct live_strange *strange_new(struct live_venue *v) {
  if (v->strange_count == v->strange_cap && v->strange_cap < LIVE_STRANGE_MAX) {
    const int cap = v->strange_cap ? 2 * v->strange_cap : 8;
    struct live_strange *more = realloc(v->strange, (size_t)cap * sizeof *more);
    if (!more && v->strange_cap == 0) return NULL;
    if (more) v->strange = more, v->strange_cap = cap;
  }
  if (v->strange_count < v->strange_cap) return &v->strange[v->strange_count++];
  struct live_strange *oldest = v->strange;
  for (int i = 1; i < v->strange_count; i++)
    if (v->strange[i].again_ns < oldest->again_ns) oldest = &v->strange[i];
  return oldest;
}

void live_venue_strange(struct live_venue *v, const char *kind, const struct venue_ref *ref, const char *text) {
  const char *name = ref->client_id[0] ? ref->client_id : ref->venue_id;
  const int64_t now_ns = clock_wall_ns();
  for (int i = 0; i < v->strange_count; i++)
    if (strcmp(v->strange[i].name, name) == 0 && strcmp(v->strange[i].kind, kind) == 0) {
      v->strange[i].again_ns = now_ns;
      return;
    }
  struct live_strange *s = strange_new(v);
  if (s) {
    *s = (struct live_strange){.seen_ns = now_ns, .again_ns = now_ns};
    snprintf(s->kind, sizeof s->kind, "%s", kind);
    snprintf(s->symbol, sizeof s->symbol, "%s", ref->symbol);
    snprintf(s->name, sizeof s->name, "%s", name);
    snprintf(s->text, sizeof s->text, "%s", text);
  }
  if (v->foreign == FOREIGN_FREEZE && (strcmp(kind, "order") == 0 || strcmp(kind, "position") == 0)) v->freezing = true;
  char line[VENUE_TEXT_MAX + VENUE_ID_MAX + 64];
  const int len = snprintf(line, sizeof line, "at the venue there is a stranger's %s, %s: %s", kind, name, text);
  for (size_t i = 0; i < v->bot_count; i++) {
    struct live_bot *b = live_venue_bot(v, v->bots[i]);
    if (!b) continue;
    live_log(b, b->instant_ns > 0 ? b->instant_ns : clock_wall_ns(), LOG_WARN, line, (size_t)len);
    live_news(b, "stranger", json_pack("{s:s, s:s, s:s, s:s}", "kind", kind, "symbol", ref->symbol, "name", name, "text", text));
  }
  v->live->config.log(v->live->config.self, "warning", "venue_stranger",
    json_pack("{s:I, s:s, s:s, s:s, s:s}", "account", (json_int_t)v->account_id, "kind", kind, "symbol", ref->symbol, "name", name, "text", text));
}

// What is told from now on is news again: the same size is another stranger's when it has been another one meanwhile.
static void forget_position(struct live_venue *v, const char *symbol) {
  int kept = 0;
  for (int i = 0; i < v->strange_count; i++) {
    const struct live_strange *s = &v->strange[i];
    const bool held = strcmp(s->kind, "position") == 0 || strcmp(s->kind, "gone") == 0;
    if (!held || strcmp(s->symbol, symbol) != 0) v->strange[kept++] = *s;
  }
  v->strange_count = kept;
}

// Orders that were not among those that are open.
static void forget_orders(struct live_venue *v) {
  int kept = 0;
  for (int i = 0; i < v->strange_count; i++)
    if (strcmp(v->strange[i].kind, "order") != 0 || v->strange[i].again_ns >= v->began_ns) v->strange[kept++] = v->strange[i];
  v->strange_count = kept;
}

static void failed(struct live_venue *v, const struct venue_reply *r) {
  v->stage = RECONCILE_NONE;
  v->again_ns = clock_monotonic_ns() + RETRY_NS;
  live_venue_look(v, v->again_ns);
  v->live->config.log(v->live->config.self, "warning", "venue_not_compared", json_pack("{s:I, s:s}", "account", (json_int_t)v->account_id, "text", r->text));
}

// ---- positions

// Valid until the next call. NULL: no memory.
static struct live_house *house_of(struct live_venue *v, const char *symbol) {
  for (size_t i = 0; i < v->house_count; i++)
    if (strcmp(v->house[i].symbol, symbol) == 0) return &v->house[i];
  if (v->house_count == v->house_cap) {
    const size_t cap = v->house_cap ? 2 * v->house_cap : 8;
    struct live_house *more = realloc(v->house, cap * sizeof *more);
    if (!more) return NULL;
    v->house = more;
    v->house_cap = cap;
  }
  struct live_house *h = &v->house[v->house_count++];
  *h = (struct live_house){0};
  snprintf(h->symbol, sizeof h->symbol, "%s", symbol);
  return h;
}

static const struct instrument *instrument_of(const struct live_venue *v, const char *symbol, int64_t *ret_lots) {
  const struct instrument *inst = NULL;
  *ret_lots = 0;
  for (size_t i = 0; i < v->bot_count; i++) {
    const struct live_bot *b = live_venue_bot(v, v->bots[i]);
    if (!b) continue;
    const struct matcher *m = clerk_matcher(b->clerk);
    for (int s = 0; s < matcher_account(m)->symbol_count; s++)
      if (strcmp(matcher_symbol_config(m, s)->inst.symbol, symbol) == 0) inst = &matcher_symbol_config(m, s)->inst;
    *ret_lots += clerk_remote_lots(b->clerk, symbol);
  }
  return inst;
}

static bool is_frozen(const struct halt_desk *desk, int64_t bot) {
  const struct halt_entry *e = halt_find(desk->list(desk->self), LEVEL_BOT, (uint64_t)bot);
  return e && e->cause == HALT_BY_VENUE;
}

// Who resumes one of an account's bots has looked.
static bool looked_at(const struct live_venue *v, const struct halt_desk *desk) {
  for (size_t i = 0; i < v->bot_count; i++) {
    const struct live_bot *b = live_venue_bot(v, v->bots[i]);
    if (b && !b->joined && !is_frozen(desk, b->id)) return true;
  }
  return false;
}

// Exits go on; entries wait for somebody to look, and to resume them: those of bots that come to the account meanwhile, too.
void live_reconcile_freeze(struct live_venue *v) {
  struct err err;
  const struct halt_desk *desk = live_halts(v->live);
  if (v->frozen && (v->foreign != FOREIGN_FREEZE || looked_at(v, desk))) v->frozen = false;
  const bool all = v->freezing;
  v->frozen |= all, v->freezing = false;
  for (size_t i = 0; i < v->bot_count; i++) {
    struct live_bot *b = live_venue_bot(v, v->bots[i]);
    const bool comes = b && b->joined;
    if (b) b->joined = false;
    if (!all && !(v->frozen && comes)) continue;
    if (desk->set(desk->self, LEVEL_BOT, (uint64_t)v->bots[i], HALT_REDUCE, HALT_BY_VENUE, clock_wall_ns(), &err) != OK)
      v->live->config.log(v->live->config.self, "error", "halt_not_durable", json_pack("{s:s}", "error", err.msg));
  }
}

static void name_of(const struct instrument *inst, int64_t lots, struct venue_ref *ret) {
  char text[DECIMAL_TEXT_MAX];
  snprintf(ret->venue_id, sizeof ret->venue_id, "%s %s", inst->symbol, quantity_text(inst, (quantity){lots}, text));
}

// The difference that was told is over.
static void agrees(struct live_venue *v, const char *symbol) {
  const size_t len = strlen(symbol);
  if (strncmp(v->why, symbol, len) == 0 && v->why[len] == ':') v->why[0] = '\0';
}

// True: it differs from what is known, and is worth another look.
static bool compare(struct live_venue *v, const char *symbol, int64_t venue_lots) {
  int64_t ours;
  struct live_house *h = house_of(v, symbol);
  const struct instrument *inst = instrument_of(v, symbol, &ours);
  if (!h || !inst) return false;
  const int64_t rest = venue_lots - ours;
  if (rest == 0) agrees(v, symbol);
  if (h->known && rest == h->lots) return h->doubted = false, false;
  if (!h->known && (rest == 0 || v->foreign == FOREIGN_ADOPT)) {
    h->known = true, h->lots = rest;
    if (rest == 0) return false;
    struct venue_ref ref = {0};
    snprintf(ref.symbol, sizeof ref.symbol, "%s", symbol);
    name_of(inst, rest, &ref);
    live_venue_strange(v, "position", &ref, "held before any bot of this account traded: not theirs");
    return false;
  }
  if (!h->doubted) return h->doubted = true;
  h->known = true, h->lots = rest, h->doubted = false;
  struct venue_ref ref = {0};
  snprintf(ref.symbol, sizeof ref.symbol, "%s", symbol);
  name_of(inst, rest, &ref);
  forget_position(v, symbol);
  if (rest == 0) {
    live_venue_strange(v, "gone", &ref, "the venue holds what the bots' books say");
    return false;
  }
  char held[DECIMAL_TEXT_MAX], booked[DECIMAL_TEXT_MAX];
  snprintf(v->why, sizeof v->why, "%s: the venue holds %s, the bots' books say %s", symbol, quantity_text(inst, (quantity){venue_lots}, held), quantity_text(inst, (quantity){ours}, booked));
  live_venue_strange(v, "position", &ref, v->why);
  return false;
}

static void house_gets(struct live_venue *v, const struct live_bot *b, int sign) {
  const struct matcher *m = clerk_matcher(b->clerk);
  for (int s = 0; s < matcher_account(m)->symbol_count; s++) {
    const char *symbol = matcher_symbol_config(m, s)->inst.symbol;
    for (size_t i = 0; i < v->house_count; i++)
      if (strcmp(v->house[i].symbol, symbol) == 0 && v->house[i].known) v->house[i].lots += sign * clerk_remote_lots(b->clerk, symbol);
  }
}

void live_reconcile_holds(struct live_bot *b) {
  struct live_venue *v = live_venue_of(b->live, b->account->id);
  if (!v || b->counted) return;
  b->counted = true;
  house_gets(v, b, -1);
}

void live_reconcile_left(struct live_venue *v, struct live_bot *b) {
  if (!b->counted || !b->clerk || !clerk_is_remote(b->clerk)) return;
  b->counted = false;
  house_gets(v, b, 1);
  if (!b->over) return;
  const struct matcher *m = clerk_matcher(b->clerk);
  for (int s = 0; s < matcher_account(m)->symbol_count; s++) {
    const char *symbol = matcher_symbol_config(m, s)->inst.symbol;
    const int64_t lots = clerk_remote_lots(b->clerk, symbol);
    struct venue_ref ref = {0};
    if (lots == 0) continue;
    snprintf(ref.symbol, sizeof ref.symbol, "%s", symbol);
    name_of(&matcher_symbol_config(m, s)->inst, lots, &ref);
    live_venue_strange(v, "left", &ref, "a position of a bot that was stopped without `close`: it is the owner's now");
  }
}

// Before anything is sent: by `freeze` nothing is as long as something differs that may be a stranger's, and then it is known.
static void done(struct live_venue *v, bool doubt) {
  v->stage = RECONCILE_DONE;
  v->compared_ns = venue_now(v);
  v->again_ns = clock_monotonic_ns() + (doubt ? DOUBT_NS : AGAIN_NS);
  forget_orders(v);
  live_venue_look(v, v->again_ns);
  live_reconcile_freeze(v);
  if (doubt && v->foreign == FOREIGN_FREEZE) return;
  if (in_state(v, VENUE_STATE_RECONCILING) && v->venue.ops->reconciled(v->venue.self)) live_venue_act(v);
}

// ---- what is held

void live_reconcile_fee(struct live_venue *v, const struct live_bot *b, const struct venue_fill *f) {
  int64_t ours;
  int128 fee;
  if (v->venue.ops->caps(v->venue.self).positions || !held_is_coin(f->fee_asset, f->ref.symbol, b->setup->currency)) return;
  const struct instrument *inst = instrument_of(v, f->ref.symbol, &ours);
  struct live_house *h = house_of(v, f->ref.symbol);
  if (inst && h && held_e8(f->fee, inst->lot, &fee)) h->fees_e8 += fee;
}

// Not knowing is no agreement: it is told.
static void uncompared(struct live_venue *v, const struct instrument *inst, const char *text) {
  struct venue_ref ref = {0};
  snprintf(ref.symbol, sizeof ref.symbol, "%s", inst->symbol);
  snprintf(ref.venue_id, sizeof ref.venue_id, "%s", inst->symbol);
  snprintf(v->why, sizeof v->why, "%s: %s, so it is not compared with the bots' books", inst->symbol, text);
  live_venue_strange(v, "position", &ref, v->why);
}

// Of every symbol of every bot, once: what the venue has against the books. What came meanwhile is heard first, and then it is compared.
static void compare_all(struct live_venue *v, const struct venue_reply *r, const struct held_list *list) {
  v->asked--;
  if (v->stage != RECONCILE_POSITIONS) return;
  if (r->outcome != VENUE_ACCEPTED) {
    failed(v, r);
    return;
  }
  const bool unheard = v->first != NULL;
  bool doubt = unheard;
  v->round++;
  for (size_t i = 0; i < v->bot_count && !unheard; i++) {
    const struct live_bot *b = live_venue_bot(v, v->bots[i]);
    const struct matcher *m = b ? clerk_matcher(b->clerk) : NULL;
    for (int s = 0; m && s < matcher_account(m)->symbol_count; s++) {
      const struct instrument *inst = &matcher_symbol_config(m, s)->inst;
      struct live_house *h = house_of(v, inst->symbol);
      int64_t lots;
      if (!list->coins) live_mode_seen(v, b, inst->symbol, list->positions, list->count);
      if (h && h->round == v->round) continue;
      if (h) h->round = v->round;
      if (!h) uncompared(v, inst, "there is no memory to compare it");
      else if (!held_lots(list, inst, b->setup->currency, list->coins ? h->fees_e8 : 0, &lots)) uncompared(v, inst, "the venue holds an amount that is no number of lots");
      else doubt |= compare(v, inst->symbol, lots);
    }
  }
  done(v, doubt);
}

static void on_balances(void *arg, const struct venue_reply *r, const struct venue_balance *list, size_t count) {
  compare_all(arg, r, &(struct held_list){.coins = true, .balances = list, .count = count});
}
static void on_positions(void *arg, const struct venue_reply *r, const struct venue_position *list, size_t count) {
  compare_all(arg, r, &(struct held_list){.positions = list, .count = count});
}

// ---- executions

static void ask_more(struct live_venue *v);

static void on_fills(void *arg, const struct venue_reply *r, const struct venue_fill *list, size_t count) {
  struct live_venue *v = arg;
  v->asked--;
  if (v->stage != RECONCILE_FILLS) return;
  if (r->outcome != VENUE_ACCEPTED) {
    failed(v, r);
    return;
  }
  for (size_t i = 0; i < count; i++) {
    struct client_id id;
    if (list[i].funding) live_venue_funding(v, &list[i]);
    if (list[i].funding || !client_id_parse(list[i].ref.client_id, strlen(list[i].ref.client_id), &id)) continue;
    struct live_mail m = {.bot_id = (int64_t)id.bot, .kind = HEARD_FILL, .past = true, .u.fill = list[i]};
    live_venue_post(v, &m);
  }
  ask_more(v);
}

// As many lists as may be under way at once; when all are there, what they say is heard.
static void ask_more(struct live_venue *v) {
  for (size_t i = 0; i < v->house_count && v->asked < LISTS_MOST; i++) {
    struct live_house *h = &v->house[i];
    if (!h->unasked) continue;
    h->unasked = false;
    v->asked++;
    v->venue.ops->fills(v->venue.self, h->symbol, v->fills_since_ns, on_fills, v);
  }
  if (v->asked > 0) return;
  v->stage = RECONCILE_HEAR;
  live_venue_drain(v);
}

static void ask_fills(struct live_venue *v) {
  v->fills_since_ns = v->compared_ns > 0 ? v->compared_ns - OVERLAP_NS : venue_now(v) - FIRST_NS;
  for (size_t i = 0; i < v->house_count; i++) v->house[i].unasked = false;
  for (size_t i = 0; i < v->bot_count; i++) {
    const struct live_bot *b = live_venue_bot(v, v->bots[i]);
    const struct matcher *m = b ? clerk_matcher(b->clerk) : NULL;
    for (int s = 0; m && s < matcher_account(m)->symbol_count; s++) {
      struct live_house *h = house_of(v, matcher_symbol_config(m, s)->inst.symbol);
      if (!h) {
        failed(v, &(struct venue_reply){.text = "no memory for the account's symbols"});
        return;
      }
      h->unasked = true;
    }
  }
  v->stage = RECONCILE_FILLS;
  ask_more(v);
}

// ---- orders

static void on_orders(void *arg, const struct venue_reply *r, const struct venue_order *list, size_t count) {
  struct live_venue *v = arg;
  v->asked--;
  if (v->stage != RECONCILE_ORDERS) return;
  if (r->outcome != VENUE_ACCEPTED) {
    failed(v, r);
    return;
  }
  for (size_t i = 0; i < count; i++) {
    struct client_id id;
    live_left_seen(v, &list[i]);
    const bool ours = client_id_parse(list[i].ref.client_id, strlen(list[i].ref.client_id), &id);
    if (!ours || !live_venue_bot(v, (int64_t)id.bot)) {
      live_venue_strange(v, "order", &list[i].ref, ours ? "of a bot that does not trade on this account now" : "not an order of a bot");
      continue;
    }
    struct live_mail m = {.bot_id = (int64_t)id.bot, .kind = HEARD_ORDER, .u.order = {.order = list[i], .asked_ns = r->asked_ns}};
    live_venue_post(v, &m);
  }
  for (size_t i = 0; i < v->bot_count; i++) {
    struct live_mail m = {.bot_id = v->bots[i], .kind = HEARD_LISTED, .u.listed_ns = r->asked_ns};
    live_venue_post(v, &m);
  }
  ask_fills(v);
}

void live_reconcile_begin(struct live_venue *v) {
  v->failed = v->asked > 0;  // answers of the one before come first: again, after them
  if (v->failed) return;
  v->stage = RECONCILE_ORDERS;
  v->began_ns = clock_wall_ns();
  v->asked++;
  v->venue.ops->open_orders(v->venue.self, NULL, on_orders, v);
}

void live_reconcile_heard(struct live_venue *v) {
  if (v->stage != RECONCILE_HEAR) return;
  v->stage = RECONCILE_POSITIONS;
  v->asked++;
  if (v->venue.ops->caps(v->venue.self).positions) v->venue.ops->positions(v->venue.self, on_positions, v);
  else v->venue.ops->balances(v->venue.self, on_balances, v);
}

void live_reconcile_look(struct live_venue *v) {
  const bool rests = v->stage == RECONCILE_NONE || v->stage == RECONCILE_DONE, open = in_state(v, VENUE_STATE_RECONCILING) || in_state(v, VENUE_STATE_READY);
  if (open && v->asked == 0 && (rests || v->failed) && (v->failed || clock_monotonic_ns() >= v->again_ns)) live_reconcile_begin(v);
  if (!open) return;  // a connection begins it anew
  const bool under_way = v->asked > 0 || v->failed || (v->stage != RECONCILE_NONE && v->stage != RECONCILE_DONE);
  live_venue_look(v, under_way ? clock_monotonic_ns() + LIVE_VENUE_LOOK_NS : v->again_ns);
}

// bot/live_mode.c – does a venue hold one position of a symbol, or both legs at once? A bot in hedging mode needs the one, any other the other; an
// order in the wrong mode is refused. So at each connection the mode of each symbol is set (what is so already is no error), before the first order of
// a bot leaves, and again when a position shows that somebody has switched it.
//
//     not known ─► asked ─┬─► known: orders leave
//                         ├─► refused: something is open there in the other mode, or it cannot be done: the bot ends with the venue's words,
//                         │     once its script has heard that the orders which it had sent are refused
//                         └─► failed: asked again; meanwhile entries of a hedging bot are refused
//
// For a bot that does not hedge only a refusal counts: a key without that right, or a venue that answers nothing, does not keep it from trading as it
// did before anybody asked. One account has one mode per symbol: of two bots that want different ones the later is refused.
#include "bot/live_venue.h"

#include "loop/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGAIN_NS (3 * NS_PER_S)
#define REFUSED_NS (60 * NS_PER_S)  // of a bot that cannot be ended for it
#define HEARD_NS (10 * NS_PER_S)    // for a script to hear of its orders, before its bot ends

static bool hedges(const struct live_bot *b) { return matcher_config(clerk_matcher(b->clerk))->hedging; }
static bool is_live(const struct live_bot *b) { return b->life.state == LIFE_STARTING || b->life.state == LIFE_RUNNING; }
static int symbols(const struct live_bot *b) { return matcher_account(clerk_matcher(b->clerk))->symbol_count; }
static const char *symbol_at(const struct live_bot *b, int i) { return matcher_symbol_config(clerk_matcher(b->clerk), i)->inst.symbol; }

// May it have anything to send? One that has ended and holds nothing is not asked for.
static bool acts(const struct live_bot *b) {
  const enum life_state s = b->life.state;
  bool holds = false;
  for (int i = 0; i < symbols(b); i++)
    for (int leg = 0; leg < LEG_COUNT; leg++) holds |= matcher_account(clerk_matcher(b->clerk))->symbols[i].pos[leg].lots != 0;
  return is_live(b) || holds || s == LIFE_PAUSED || s == LIFE_HALTED || s == LIFE_STOPPING || s == LIFE_RETRYING;
}

static struct live_mode *find(const struct live_venue *v, const char *symbol) {
  for (struct live_mode *m = v->modes; m; m = m->next)
    if (strcmp(m->symbol, symbol) == 0) return m;
  return NULL;
}

// NULL: no memory.
static struct live_mode *find_or_add(struct live_venue *v, const char *symbol) {
  struct live_mode *m = find(v, symbol);
  if (m || !(m = malloc(sizeof *m))) return m;
  *m = (struct live_mode){.next = v->modes, .venue = v};
  snprintf(m->symbol, sizeof m->symbol, "%s", symbol);
  return v->modes = m;
}

enum live_places live_mode_places(const struct live_venue *v, const struct live_bot *b) {
  const bool hedging = hedges(b);
  enum live_places places = LIVE_PLACES;
  if (!v->venue.ops->caps(v->venue.self).hedge) return hedging ? LIVE_PLACES_NOT : LIVE_PLACES;
  for (int i = 0; i < symbols(b); i++) {
    const struct live_mode *m = find(v, symbol_at(b, i));
    if (m && m->hedge == hedging && m->state == MODE_KNOWN) continue;
    if (!acts(b) || (m && (m->state == MODE_FAILED || m->state == MODE_REFUSED))) return LIVE_PLACES_NOT;
    places = LIVE_PLACES_SOON;
  }
  return places;
}

void live_modes_forget(struct live_venue *v, bool session) {
  for (struct live_mode *m = v->modes; m; m = m->next)
    if (session || m->state != MODE_ASKED) m->state = MODE_UNKNOWN;
}

void live_modes_close(struct live_venue *v) {
  for (struct live_mode *m = v->modes, *next; m; m = next) next = m->next, free(m);
  v->modes = NULL;
}

static void on_mode(void *arg, const struct venue_reply *r) {
  struct live_mode *m = arg;
  struct live_venue *v = m->venue;
  const bool right = r->outcome == VENUE_REFUSED && r->why == VENUE_WHY_CREDENTIALS;
  const bool refused = r->outcome == VENUE_REFUSED && !right && r->why != VENUE_WHY_THROTTLED && r->why != VENUE_WHY_CLOCK;
  // Where there is no other mode, one position is what there is.
  const bool only = refused && r->why == VENUE_WHY_UNSUPPORTED;
  if (r->outcome == VENUE_ACCEPTED || (!m->hedge && (!refused || only))) m->state = MODE_KNOWN;
  else if (refused || right) m->state = MODE_REFUSED;
  else m->state = MODE_FAILED;
  m->again_ns = clock_monotonic_ns() + (m->state == MODE_REFUSED ? REFUSED_NS : AGAIN_NS);
  snprintf(m->why, sizeof m->why, "%s", r->text);
  if (r->outcome != VENUE_ACCEPTED)
    v->live->config.log(v->live->config.self, "warning", "venue_mode", json_pack("{s:I, s:s, s:b, s:s}", "account", (json_int_t)v->account_id, "symbol", m->symbol, "hedge", m->hedge, "text", r->text));
  live_venue_look(v, clock_monotonic_ns());
}

// Another one's, which wants the other mode and may send something or holds something.
static const struct live_bot *opponent(const struct live_venue *v, const struct live_bot *b, const char *symbol) {
  for (size_t i = 0; i < v->bot_count; i++) {
    const struct live_bot *o = live_venue_bot(v, v->bots[i]);
    if (!o || o == b || hedges(o) == hedges(b) || !acts(o) || o->unfit_ns > 0) continue;
    for (int k = 0; k < symbols(o); k++)
      if (strcmp(symbol_at(o, k), symbol) == 0) return o;
  }
  return NULL;
}

static const char one_position[] = "its strategy is in hedging mode, and there is one position per symbol at the venue: give it another account, or a strategy without mode=\"hedging\"";

static void say_mode(char *text, size_t size, const struct live_bot *b, const char *symbol, const char *why) {
  snprintf(text, size, "%s: the account's position mode there cannot be made %s: %s. Close what is open in %s at the venue and cancel its orders, then start the bot again", symbol,
           hedges(b) ? "hedge (both legs at once), which its strategy needs" : "one-way, which its strategy needs", why[0] ? why : "the venue refuses", symbol);
}

void live_mode_why(const struct live_venue *v, const struct live_bot *b, char *text, size_t size) {
  if (hedges(b) && !v->venue.ops->caps(v->venue.self).hedge) {
    snprintf(text, size, "%s", one_position);
    return;
  }
  for (int i = 0; i < symbols(b); i++) {
    const struct live_mode *m = find(v, symbol_at(b, i));
    if (m && m->hedge == hedges(b) && m->state == MODE_REFUSED) {
      say_mode(text, size, b, symbol_at(b, i), m->why);
      return;
    }
    if (m && m->state == MODE_FAILED) {
      snprintf(text, size, "%s: the account's position mode there is not known yet, and is asked for again: %s", symbol_at(b, i), m->why);
      return;
    }
  }
  snprintf(text, size, "the bot does not trade any more");
}

// False: something keeps it from trading; text says what.
static bool look(struct live_venue *v, const struct live_bot *b, char *text, size_t size) {
  const int64_t now_ns = clock_monotonic_ns();
  const bool hedging = hedges(b);
  if (!v->venue.ops->caps(v->venue.self).hedge) {
    snprintf(text, size, "%s", one_position);
    return !hedging;
  }
  for (int i = 0; i < symbols(b); i++) {
    const char *symbol = symbol_at(b, i);
    struct live_mode *m = find_or_add(v, symbol);
    if (!m) {  // its orders wait meanwhile
      live_venue_look(v, now_ns + AGAIN_NS);
      return true;
    }
    if (m->state == MODE_ASKED || (m->state == MODE_KNOWN && m->hedge == hedging)) continue;
    if (m->state == MODE_REFUSED && m->hedge == hedging) {
      say_mode(text, size, b, symbol, m->why);
      if (!is_live(b)) m->state = MODE_UNKNOWN;
      return false;
    }
    const bool later = m->hedge == hedging && now_ns < m->again_ns && (m->state == MODE_FAILED || (m->state == MODE_UNKNOWN && !is_live(b)));
    if (later) {
      live_venue_look(v, m->again_ns);
      continue;
    }
    const struct live_bot *other = opponent(v, b, symbol);
    if (other) {
      snprintf(text, size, "bot %lld of the same account trades %s %s: an account has one position mode per symbol. Stop that one, or use another account", (long long)other->id, symbol,
               hedging ? "without hedging" : "in hedging mode");
      return false;
    }
    m->hedge = hedging;
    m->state = MODE_ASKED;
    v->venue.ops->set_position_mode(v->venue.self, symbol, hedging, on_mode, m);
  }
  return true;
}

// What its script has sent and the venue has not is refused, and the script hears so in one instant more: else it would go on from a memory of
// orders that never were, when somebody starts it again. True: it has not heard yet.
static bool hears_first(struct live_venue *v, struct live_bot *b, const char *text) {
  const int64_t now_ns = clock_monotonic_ns();
  const bool told = b->unfit_ns > 0;
  if (b->opened && !told && live_venue_unsent(b, text)) {
    b->unfit_ns = now_ns, b->unfit_instant_ns = b->instant_ns;
    live_venue_journal(b);
  }
  if (!b->opened || b->unfit_ns == 0 || b->instant_ns != b->unfit_instant_ns || now_ns >= b->unfit_ns + HEARD_NS) return false;
  live_venue_look(v, now_ns + LIVE_VENUE_LOOK_NS);
  return true;
}

static void end(struct live_venue *v, struct live_bot *b, const char *text) {
  b->unfit_ns = 0;
  (void)live_venue_unsent(b, text);  // also what it answered to that
  live_venue_journal(b);
  for (int i = 0; i < symbols(b); i++) {  // when it is started again it is asked again
    struct live_mode *m = find(v, symbol_at(b, i));
    if (m && m->state == MODE_REFUSED && m->hedge == hedges(b)) m->state = MODE_UNKNOWN;
  }
  live_event(b, LIFE_UNFIT, text);
}

void live_modes_look(struct live_venue *v) {
  const char *why;
  const enum venue_state s = v->venue.ops->state(v->venue.self, &why);
  if (s != VENUE_STATE_RECONCILING && s != VENUE_STATE_READY) return;
  for (size_t i = v->bot_count; i-- > 0;) {
    char text[VENUE_TEXT_MAX + 256] = "";
    struct live_bot *b = i < v->bot_count ? live_venue_bot(v, v->bots[i]) : NULL;
    if (!b || !acts(b)) continue;
    if (!live_venue_can_hear(b)) live_venue_look(v, clock_monotonic_ns() + LIVE_VENUE_LOOK_NS);
    else if (look(v, b, text, sizeof text)) b->unfit_ns = 0;
    else if (is_live(b) && !hears_first(v, b, text)) end(v, b, text);
  }
}

void live_mode_seen(struct live_venue *v, const struct live_bot *b, const char *symbol, const struct venue_position *list, size_t count) {
  struct live_mode *m = find(v, symbol);
  if (!m || m->state != MODE_KNOWN || m->hedge != hedges(b)) return;
  for (size_t i = 0; i < count; i++) {
    const bool other = list[i].qty.digits != 0 && strcmp(list[i].symbol, symbol) == 0 && (list[i].leg != LEG_NET) != m->hedge;
    if (!other) continue;
    m->state = MODE_UNKNOWN;
    live_venue_look(v, clock_monotonic_ns());
    return;
  }
}

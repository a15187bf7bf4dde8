// venue/cards.c – see cards.h. What there is, what a header claims of it, and one run after the other.
#include "venue/cards_impl.h"

#include "loop/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct card cards[] = {
#define X(function, name, proves, needs) {name, proves, needs, card_##function},
  CARD_LIST(X)
#undef X
};
#define COUNT ((int)(sizeof cards / sizeof cards[0]))
enum { CONNECT = 1, MARKET = 2 };  // what all others build upon

const char *card_verdict_text(enum card_verdict v) {
  static const char *const texts[] = {"passed", "failed", "unsupported", "skipped"};
  return texts[v];
}

int cards_count(void) {
  return COUNT;
}

const struct card *cards_get(int number) {
  return number >= 1 && number <= COUNT ? &cards[number - 1] : NULL;
}

// ---- what the header claims

static bool has_op(const struct dialect_info *i, enum dialect_op op) {
  return i->ops >> op & 1;
}

// The first capability that lacks, in the header's words; NULL: none.
static const char *lacks(const struct dialect_info *i, const char *category, unsigned needs) {
  const struct dialect_caps *can = dialect_can(i, category);
  const struct {
    unsigned need;
    bool there;
    const char *text;
  } list[] = {
    {NEED_AMEND, can->amend && has_op(i, DIALECT_AMEND_ORDER), "no capability amend"},
    {NEED_POSITIONS, can->positions, "no capability positions"},
    {NEED_LEVERAGE, can->leverage && has_op(i, DIALECT_SET_LEVERAGE), "no capability leverage"},
    {NEED_STOPS, can->stops, "no capability stops"},
    {NEED_REDUCE, can->reduce_only, "no capability reduce_only"},
    {NEED_POST, can->post_only, "no capability post_only"},
    {NEED_CANCEL_ALL, can->cancel_all && has_op(i, DIALECT_CANCEL_ALL), "no capability cancel_all"},
    {NEED_ID, i->by_id, "no lookup by client id"},
    {NEED_OPEN, i->by_open, "no lookup by open orders"},
    {NEED_FILLS, i->by_fills, "no lookup by fills"},
    {NEED_MARKET, !can->market_by_quote, "capability market_by_quote: market buys are by what to spend"},
    {NEED_CLOCK, i->clock == DIALECT_CLOCK_OP, "no operation server_time"},
    {NEED_KEY, has_op(i, DIALECT_KEY_INFO), "no operation key_info"},
    {NEED_HEDGE, can->hedge && has_op(i, DIALECT_SET_POSITION_MODE), "no capability hedge"},
    {NEED_ATTACHED, can->attached, "no capability attached"},
    {NEED_SECRET, i->credential_count > 0, "no credentials of ours are shown to it"},
    {NEED_HISTORY, has_op(i, DIALECT_KLINES) && has_op(i, DIALECT_INSTRUMENTS), "no operations instruments and klines"},
  };
  for (size_t k = 0; k < sizeof list / sizeof list[0]; k++)
    if ((needs & list[k].need) != 0 && !list[k].there) return list[k].text;
  return NULL;
}

static struct card_result result_of(const struct card *card, enum card_verdict verdict, const char *text) {
  struct card_result r = {.number = (int)(card - cards) + 1, .name = card->name, .proves = card->proves, .verdict = verdict};
  snprintf(r.text, sizeof r.text, "%s", text);
  return r;
}

struct card_result cards_declare(const struct dialect_info *info, const char *category, const struct card *card) {
  const char *missing = lacks(info, category, card->needs);
  if (missing) return result_of(card, CARD_UNSUPPORTED, missing);
  if ((card->needs & NEED_ADMIN) != 0) return result_of(card, CARD_SKIPPED, "needs an exchange with /admin");
  return result_of(card, CARD_PASSED, "");
}

// ---- running

// What a run needs before a card: a session that is ready, sizes, an account with nothing in the symbol. The last is looked at once.
static bool prepare(struct cards *c, bool *checked) {
  int64_t held;
  if (!c->connected && !cards_connect(c)) return false;
  if (!cards_wait_state(c, VENUE_STATE_READY, CARD_LIVE_MS)) return cards_no(c, "the session is not ready");
  if (!cards_market(c)) return false;
  if (*checked) return true;
  if (!cards_held(c, &held)) return false;
  if (held != 0) return cards_no(c, "the account holds %s: cards need one with nothing in it", c->o->symbol);
  const int open = cards_open_count(c, NULL);
  if (open < 0) return cards_no(c, "open orders: %s", cards_said(c));
  if (open > 0) return cards_no(c, "the account has %d open orders in %s: cards need one with none", open, c->o->symbol);
  *checked = true;
  return true;
}

const struct dialect_info *cards_info(const struct cards_options *o) { return o->venue ? o->venue->info : remote_site_info(o->site); }

static struct card_result run_one(struct cards *c, const struct card *card, bool *ret_fatal, bool *checked) {
  struct card_result r = cards_declare(cards_info(c->o), c->o->category, card);
  if (r.verdict == CARD_UNSUPPORTED || (r.verdict == CARD_SKIPPED && !c->admin)) return r;
  const int64_t begin_ns = clock_monotonic_ns();
  c->card = r.number;
  c->text[0] = '\0';
  const bool ready = r.number == CONNECT || prepare(c, checked);
  bool passed = ready && card->run(c);
  r = result_of(card, passed ? CARD_PASSED : CARD_FAILED, c->text);
  c->hold = false;
  if (c->connected && !c->stopped && r.number > MARKET && !cards_tidy(c)) {
    if (passed) r = result_of(card, CARD_FAILED, c->text);  // what it left is its own fault
    *ret_fatal = true;
  }
  *ret_fatal |= !ready || c->stopped || (!passed && r.number <= MARKET);
  r.took_ms = (clock_monotonic_ns() - begin_ns) / INT64_C(1000000);
  return r;
}

static void tick(void *arg) {
  (void)arg;
}

static void finish(struct cards *c) {
  if (c->admin && !c->stopped && !cards_fault(c, "")) c->admin = false;
  cards_disconnect(c);
  loop_timer_destroy(c->timer);
  json_decref(c->admin_body);
  void *const lists[] = {c->orders, c->fills, c->positions, c->balances, c->klines, c->heard, c->told};
  for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) free(lists[i]);
  free(c);
}

enum status cards_run(const struct cards_options *options, struct err *err) {
  if (options->only != 0 && !cards_get(options->only)) return err_set(err, ERR_INVALID, "there are cards 1 to %d", COUNT);
  struct cards *c = calloc(1, sizeof *c);
  bool fatal = false, checked = false;
  if (!c) return err_set(err, ERR_NOMEM, "cards");
  c->o = options;
  c->run_ms = clock_wall_ns() / INT64_C(1000000);
  enum status st = loop_timer_create(options->loop, tick, NULL, &c->timer, err);
  if (st == OK) {
    loop_timer_start(c->timer, 20, 20);
    // Some venues answer 200 to whatever they do not know: an exchange of ours tells its time.
    c->admin = options->url != NULL && cards_admin(c, "state", NULL) && json_is_integer(json_object_get(c->admin_body, "time"));
    for (int n = 1; n <= COUNT && !fatal; n++) {
      if (options->only != 0 && n != options->only) continue;
      const struct card_result r = run_one(c, &cards[n - 1], &fatal, &checked);
      if (options->told) options->told(options->arg, &r);
      if (fatal) st = err_set(err, ERR_IO, "card %d ended the run: %s", n, c->text[0] != '\0' ? c->text : "the venue does not answer");
    }
  }
  if (options->stop && options->stop()) st = err_set(err, ERR_CANCELLED, "interrupted");
  finish(c);
  return st;
}

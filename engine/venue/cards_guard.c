// venue/cards_guard.c – the card about exits that a venue makes by itself, of an order that bore a take profit and a stop loss.
#include "venue/cards_impl.h"

#include <inttypes.h>

#define TRIES 30
#define PAUSE_MS 100

// Both exits, of no more than was bought, on their sides of the price; *ret_lots: of each.
static bool guarded(struct cards *c, int64_t lots, struct venue_ref ret[2], int64_t *ret_lots) {
  int count = 0, above = 0;
  for (int i = 0; i < TRIES && cards_guards(c) != 2; i++) cards_pause(c, PAUSE_MS);
  for (size_t i = 0; i < c->count; i++) {
    const struct venue_order *o = &c->orders[i];
    int64_t px, now;
    if (!o->ref.attached || count == 2) continue;
    if (o->side != SIDE_SELL || !cards_lots(c, o->qty, ret_lots) || *ret_lots < 1 || *ret_lots > lots) return cards_no(c, "an exit is not of what was bought");
    if (!decimal_given(o->trigger) || !decimal_rescale(o->trigger, 8, &px) || !decimal_rescale(c->px, 8, &now)) return cards_no(c, "an exit without a trigger");
    if (o->awaits != 0 && o->awaits != (px > now ? 1 : -1)) return cards_no(c, "an exit waits for the other way");
    above += px > now;
    ret[count++] = o->ref;
  }
  return (count == 2 && above == 1) || cards_no(c, "%d exits wait after a buy with take profit and stop loss, %d of them above the price", count, above);
}

static bool unguarded(struct cards *c) {
  for (int i = 0; i < TRIES && cards_guards(c) != 0; i++) cards_pause(c, PAUSE_MS);
  return cards_guards(c) == 0 || cards_no(c, "an exit waits though nothing is left for it");
}

static bool buy_guarded(struct cards *c, struct venue_ref ret[2], int64_t *ret_lots) {
  const int64_t lots = 2 * c->lots;  // a fee that is taken out of them leaves some
  struct venue_place p = cards_order(c, SIDE_BUY, ORDER_LIMIT, lots, cards_at(c, 200));
  int64_t heard = 0;
  p.take_profit = cards_at(c, 500);
  p.stop_loss = cards_at(c, -500);
  if (cards_place(c, &p) != VENUE_ACCEPTED) return cards_no(c, "a limit order with take profit and stop loss: %s", cards_said(c));
  for (int i = 0; i < TRIES && (heard = cards_heard_lots(c, p.client_id)) != lots; i++) cards_pause(c, PAUSE_MS);
  if (heard != lots) return cards_no(c, "the stream told of %" PRId64 " of its %" PRId64 " lots", heard, lots);
  cards_bought(c, c->heard, c->heard_count, p.client_id);
  return guarded(c, lots, ret, ret_lots);
}

static bool cancelled(struct cards *c, const struct venue_ref exits[2]) {
  for (int i = 0; i < 2; i++)
    if (cards_cancel(c, &exits[i]) != VENUE_ACCEPTED) return cards_no(c, "cancelling an exit: %s", cards_said(c));
  return unguarded(c);
}

// By price where that can be had, which leaves nothing held; else, and of spot then, by hand.
bool card_attached(struct cards *c) {
  const bool positions = c->venue.ops->caps(c->venue.self).positions;
  struct venue_ref exits[2];
  int64_t each = 0, held = 0;
  if (!buy_guarded(c, exits, &each)) return false;
  if (c->admin) {
    if (!cards_price(c, cards_at(c, 510)) || !unguarded(c)) return false;
    c->spot_lots = c->spot_lots > each ? c->spot_lots - each : 0;
    for (int i = 0; positions && i < TRIES && cards_held(c, &held) && held != 0; i++) cards_pause(c, PAUSE_MS);
    if (held != 0) return cards_no(c, "the take profit has not closed what the order opened");
    if (!positions && (!cards_market(c) || !buy_guarded(c, exits, &each))) return false;
  } else if (positions && !cards_take(c, SIDE_SELL, 2 * c->lots, NULL)) {
    return false;
  }
  if (positions) return unguarded(c);
  return cancelled(c, exits) && (c->admin || cards_remark(c, "cancelled by hand: no price came to one of them"));
}

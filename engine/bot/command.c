// bot/command.c – see command.h.
#include "bot/command.h"

#include <assert.h>

const char *command_kind_text(enum command_kind kind) {
  static const char *const texts[] = {
#define X(name, text) text,
      COMMAND_KIND_LIST(X)
#undef X
  };
  assert((unsigned)kind < COMMAND_KIND_COUNT);
  return texts[kind];
}

// ---- what may come from elsewhere

#define WITHIN(value, first, last) ((int)(value) >= (int)(first) && (int)(value) <= (int)(last))

static bool price_sane(price px) { return !price_given(px) || (px.ticks > 0 && px.ticks <= INT64_MAX / 2); }

static const char *intent_fault(const struct matcher *m, const struct intent *in, quantity qty) {
  if (in->symbol < 0 || in->symbol >= matcher_account(m)->symbol_count) return "a symbol that the bot does not trade";
  if (in->side != SIDE_BUY && in->side != SIDE_SELL) return "a side that does not exist";
  if (!WITHIN(in->type, ORDER_MARKET, ORDER_TRAILING) || !WITHIN(in->tif, TIF_GTC, TIF_GTD) || !WITHIN(in->leg, LEG_NET, LEG_COUNT - 1) ||
      !WITHIN(in->size_kind, SIZE_QTY, SIZE_CLOSE))
    return "a type, time in force, leg or kind of size that does not exist";
  if (matcher_config(m)->hedging ? in->leg == LEG_NET : in->leg != LEG_NET) return "a leg that the account does not have";
  if (!price_sane(in->limit) || !price_sane(in->trigger) || !price_sane(in->sl) || !price_sane(in->tp)) return "a price out of range";
  if (in->size < 0 || in->trail_ticks < 0 || in->trail_ticks > INT64_MAX / 2 || in->trail_frac_e8 < 0 || in->tp_r_e6 < 0 || in->expires_ns < 0) return "a negative size, distance or time";
  bool at_fill = fill_model_compat(matcher_config(m)->model) && in->size_kind == SIZE_PCT && !in->reduce;
  if (at_fill ? qty.lots < 0 || in->size <= 0 : qty.lots <= 0) return "no quantity";
  return NULL;
}

static const char *change_fault(const struct order_change *c) {
  if (!price_sane(c->limit) || !price_sane(c->trigger) || !price_sane(c->sl) || !price_sane(c->tp)) return "a price out of range";
  if (c->qty.lots < 0 || c->trail_ticks < 0 || c->trail_ticks > INT64_MAX / 2 || c->trail_frac_e8 < 0) return "a negative quantity or distance";
  return NULL;
}

static bool of_venue(const struct matcher *m, const struct bot_command *c) { return matcher_config(m)->model == MODEL_REMOTE && matcher_order(m, c->id); }
static bool venue_status(enum order_status s) {
  return s == ORDER_OPEN || s == ORDER_UNKNOWN || s == ORDER_CANCELED || s == ORDER_EXPIRED || s == ORDER_REJECTED;
}

static const char *fault(const struct matcher *m, const struct bot_command *c) {
  uint64_t last = matcher_order_last(m);
  switch (c->kind) {
    case COMMAND_RESERVE: return c->id > last && c->id - last <= COMMAND_RESERVE_MAX ? NULL : "ids that do not follow on the last";
    case COMMAND_SUBMIT: return matcher_id_open(m, c->id) ? intent_fault(m, &c->intent, c->qty) : "an id that was not reserved, or is taken";
    case COMMAND_CANCEL: return WITHIN(c->why, REASON_NONE + 1, REASON_COUNT - 1) ? NULL : "a reason that does not exist";
    case COMMAND_MODIFY: return change_fault(&c->change);
    case COMMAND_MARK: return NULL;
    case COMMAND_EXECUTE: return price_given(c->change.limit) && price_sane(c->change.limit) ? NULL : "no price";
    case COMMAND_LOST: return matcher_order(m, c->id) ? NULL : "an order that does not exist";
    case COMMAND_FOUND: return !matcher_order(m, c->id) ? "an order that does not exist" : WITHIN(c->why, REASON_NONE, REASON_COUNT - 1) ? NULL : "a reason that does not exist";
    case COMMAND_FUNDING: return c->intent.symbol >= 0 && c->intent.symbol < matcher_account(m)->symbol_count && price_sane(c->funding.mark) ? NULL : "no symbol or price";
    case COMMAND_VENUE: return !of_venue(m, c) ? "an order that does not exist, or whose market is ourselves" : venue_status(c->venue.status) && WITHIN(c->why, REASON_NONE, REASON_COUNT - 1) ? NULL : "a state or reason that does not exist";
    case COMMAND_FILL: return !of_venue(m, c) ? "an order that does not exist, or whose market is ourselves" : c->qty.lots > 0 && price_given(c->change.limit) && price_sane(c->change.limit) ? NULL : "no quantity or price";
    case COMMAND_CASH: return matcher_config(m)->model == MODEL_REMOTE && c->intent.symbol >= 0 && c->intent.symbol < matcher_account(m)->symbol_count ? NULL : "no symbol, or a market of ourselves";
    default: return "a kind of command that does not exist";
  }
}

bool command_valid(const struct matcher *m, const struct bot_command *c, const char **ret_why) {
  const char *why = c->time_ns < 0 ? "a time before 1970" : fault(m, c);
  if (ret_why) *ret_why = why;
  return !why;
}

// ---- doing it

static enum reason reserve(struct matcher *m, const struct bot_command *c) {
  while (matcher_order_last(m) < c->id) matcher_id_reserve(m);
  return REASON_NONE;
}
static enum reason submit(struct matcher *m, const struct bot_command *c) { return matcher_submit_as(m, c->id, &c->intent, c->qty, c->time_ns); }
static enum reason cancel(struct matcher *m, const struct bot_command *c) { return matcher_cancel(m, c->id, c->why, c->time_ns); }
static enum reason modify(struct matcher *m, const struct bot_command *c) { return matcher_modify(m, c->id, &c->change, c->time_ns); }
static enum reason nothing(struct matcher *m, const struct bot_command *c) {
  (void)m, (void)c;
  return REASON_NONE;
}
static enum reason do_execute(struct matcher *m, const struct bot_command *c) {
  return matcher_execute(m, c->id, c->change.limit, c->time_ns) ? REASON_NONE : REASON_UNKNOWN_ORDER;
}
static enum reason lost(struct matcher *m, const struct bot_command *c) { return matcher_lost(m, c->id, c->time_ns) ? REASON_NONE : REASON_UNKNOWN_ORDER; }
static enum reason found(struct matcher *m, const struct bot_command *c) { return matcher_found(m, c->id, c->why, c->time_ns) ? REASON_NONE : REASON_UNKNOWN_ORDER; }
static enum reason venue(struct matcher *m, const struct bot_command *c) {
  return matcher_venue_says(m, c->id, c->venue.status, c->why, c->time_ns) ? REASON_NONE : REASON_UNKNOWN_ORDER;
}
static enum reason fill(struct matcher *m, const struct bot_command *c) {
  const struct match_execution x = {.px = c->change.limit, .qty = c->qty, .fee = c->venue.fee, .maker = c->venue.maker};
  return matcher_venue_fill(m, c->id, &x, c->time_ns) ? REASON_NONE : REASON_OVERFLOW;
}
static enum reason pay(struct matcher *m, const struct bot_command *c) { return matcher_venue_cash(m, c->venue.fee) ? REASON_NONE : REASON_OVERFLOW; }

enum reason command_apply(struct matcher *m, const struct bot_command *c) {
  static enum reason (*const apply[COMMAND_KIND_COUNT])(struct matcher *, const struct bot_command *) = {
      [COMMAND_RESERVE] = reserve, [COMMAND_SUBMIT] = submit, [COMMAND_CANCEL] = cancel, [COMMAND_MODIFY] = modify, [COMMAND_MARK] = nothing,
      [COMMAND_EXECUTE] = do_execute, [COMMAND_FUNDING] = nothing, [COMMAND_LOST] = lost, [COMMAND_FOUND] = found, [COMMAND_VENUE] = venue, [COMMAND_FILL] = fill, [COMMAND_CASH] = pay};
  assert((unsigned)c->kind < COMMAND_KIND_COUNT);
  return apply[c->kind](m, c);
}

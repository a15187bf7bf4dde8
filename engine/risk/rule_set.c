// risk/rule_set.c – floors, days and judgements.
#include "risk/rule_set.h"

#include <assert.h>
#include <stdlib.h>

#define FRAC_ONE INT64_C(100000000)
#define NS_PER_S INT64_C(1000000000)
#define OFF INT64_MIN  // a floor that nothing reaches

static int64_t saturate(int128 v) { return v > INT64_MAX ? INT64_MAX : v < INT64_MIN + 1 ? INT64_MIN + 1 : (int64_t)v; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

static int64_t amount(const struct rule_set *r, const struct rule_amount *a, int64_t basis_e8) {
  switch (a->of) {
  case AMOUNT_MONEY: return a->value_e8;
  case AMOUNT_OF_INITIAL: return (int64_t)div_floor((int128)r->initial.e8 * a->value_e8, FRAC_ONE);
  case AMOUNT_OF_BASIS: return (int64_t)div_floor((int128)most(basis_e8, 0) * a->value_e8, FRAC_ONE);
  case AMOUNT_NONE: break;
  }
  assert(false);
  return 0;
}

static void floors(int64_t ref_e8, int64_t amount_e8, int64_t soft_e8, int64_t *ret_floor, int64_t *ret_soft) {
  *ret_floor = saturate((int128)ref_e8 - amount_e8);
  *ret_soft = saturate((int128)ref_e8 - div_floor((int128)amount_e8 * soft_e8, FRAC_ONE));
}

static void floors_update(struct rule_state *s) {
  const struct rule_set *r = s->rules;
  s->day_floor_e8 = s->day_soft_floor_e8 = s->total_floor_e8 = s->total_soft_floor_e8 = OFF;
  if (r->day.of != AMOUNT_NONE)
    floors(s->day_ref_e8, amount(r, &r->day, s->day_ref_e8), r->day_soft_e8, &s->day_floor_e8, &s->day_soft_floor_e8);
  if (r->total.of == AMOUNT_NONE) return;
  int64_t sum = amount(r, &r->total, s->high_e8);
  floors(s->high_e8, sum, r->total_soft_e8, &s->total_floor_e8, &s->total_soft_floor_e8);
  if (s->total_floor_e8 > r->lock_e8)  // locked: the soft level keeps its distance to the floor
    floors(saturate((int128)r->lock_e8 + sum), sum, r->total_soft_e8, &s->total_floor_e8, &s->total_soft_floor_e8);
}

static int64_t day_basis(const struct rule_state *s) {
  switch (s->rules->day_basis) {
  case BASIS_BALANCE: return s->balance_e8;
  case BASIS_EQUITY: case BASIS_EQUITY_HIGH: return s->equity_e8;
  case BASIS_HIGHER: return most(s->balance_e8, s->equity_e8);
  }
  assert(false);
  return 0;
}

static void raise_high(struct rule_state *s, bool day_ends) {
  switch (s->rules->trail) {
  case TRAIL_STATIC: return;
  case TRAIL_BALANCE_EOD: if (day_ends) s->high_e8 = most(s->high_e8, s->balance_e8); return;
  case TRAIL_EQUITY_EOD: if (day_ends) s->high_e8 = most(s->high_e8, s->equity_e8); return;
  case TRAIL_BALANCE: s->high_e8 = most(s->high_e8, s->balance_e8); return;
  case TRAIL_EQUITY: s->high_e8 = most(s->high_e8, s->equity_e8); return;
  }
  assert(false);
}

static int64_t day_profit(const struct rule_state *s) { return saturate((int128)s->balance_e8 - s->day_balance_e8); }

static int64_t seconds(int64_t ns) { return ns / NS_PER_S - (ns % NS_PER_S < 0); }

static void day_begin(struct rule_state *s, int64_t now_ns) {
  s->day_ref_e8 = day_basis(s);
  s->day_balance_e8 = s->balance_e8;
  s->day_done = false;
  s->next_reset_ns = tz_next_time_of_day(s->rules->zone, seconds(now_ns), s->rules->reset_s) * NS_PER_S;
}

void rule_state_init(struct rule_state *s, const struct rule_set *rules, cash balance, cash equity, int64_t now_ns) {
  *s = (struct rule_state){.rules = rules, .balance_e8 = balance.e8, .equity_e8 = equity.e8, .high_e8 = rules->initial.e8};
  raise_high(s, true);
  day_begin(s, now_ns);
  floors_update(s);
}

static bool at_floor(const struct rule_state *s, int64_t floor_e8) { return floor_e8 != OFF && s->equity_e8 <= floor_e8; }

// The flags stay until the day turns, or for ever: a close that failed is asked for again at the next mark.
static struct rule_result judge(struct rule_state *s) {
  bool total_hard = at_floor(s, s->total_floor_e8), day_hard = at_floor(s, s->day_floor_e8);
  bool total_soft = at_floor(s, s->total_soft_floor_e8), day_soft = at_floor(s, s->day_soft_floor_e8);
  if (!s->failed && (total_hard || (day_hard && s->rules->day_is_fatal))) {
    s->failed = true;
    s->end_floor_e8 = total_hard ? s->total_floor_e8 : s->day_floor_e8;
  } else if (!s->failed && !s->stopped && total_soft) {
    s->stopped = true;
    s->end_floor_e8 = s->total_soft_floor_e8;
  }
  if (!s->day_done && (day_soft || day_hard)) {
    s->day_done = true;
    s->day_end_floor_e8 = day_hard ? s->day_floor_e8 : s->day_soft_floor_e8;
  }
  return rule_standing(s);
}

struct rule_result rule_standing(const struct rule_state *s) {
  struct rule_result out = {RULE_GO_ON, {0}};
  if (s->failed || s->stopped) {
    out.action = s->failed ? RULE_BREACH : RULE_FLATTEN;
    refuse(&out.why, REFUSE_PROP_FAILED, LEVEL_ACCOUNT, s->end_floor_e8, s->equity_e8);
  } else if (s->day_done) {
    out.action = RULE_FLATTEN;
    refuse(&out.why, REFUSE_PROP_DAY_DONE, LEVEL_ACCOUNT, s->day_end_floor_e8, s->equity_e8);
    out.why.until_ns = s->next_reset_ns;
  }
  return out;
}

struct rule_result rule_mark(struct rule_state *s, cash balance, cash equity, int64_t now_ns) {
  bool turned = false;
  while (now_ns >= s->next_reset_ns) {
    s->best_day_e8 = most(s->best_day_e8, day_profit(s));
    raise_high(s, true);
    day_begin(s, s->next_reset_ns);
    turned = true;
  }
  s->balance_e8 = balance.e8;
  s->equity_e8 = equity.e8;
  int64_t high = s->high_e8, ref = s->day_ref_e8;
  raise_high(s, false);
  if (s->rules->day_basis == BASIS_EQUITY_HIGH) s->day_ref_e8 = most(s->day_ref_e8, s->equity_e8);
  if (turned || s->high_e8 != high || s->day_ref_e8 != ref) floors_update(s);
  return judge(s);
}

void rule_state_swap(struct rule_state *s, const struct rule_set *rules, int64_t now_ns) {
  s->rules = rules;
  s->next_reset_ns = tz_next_time_of_day(rules->zone, seconds(now_ns), rules->reset_s) * NS_PER_S;
  if (rules->trail == TRAIL_STATIC) s->high_e8 = rules->initial.e8;
  floors_update(s);
}

void rule_state_paid(struct rule_state *s, cash amount) {
  int64_t *const all[] = {&s->balance_e8, &s->equity_e8, &s->day_ref_e8, &s->day_balance_e8, &s->high_e8};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) *all[i] = saturate((int128)*all[i] + amount.e8);
  floors_update(s);
}

// --- bytes -----------------------------------------------------------------------------------------------------------------

enum { STATE_VERSION = 1, STATE_NUMBERS = 9 };
_Static_assert(RULE_STATE_BYTES == 2 + 8 * STATE_NUMBERS, "version, flags and numbers");
static const size_t numbers[STATE_NUMBERS] = {offsetof(struct rule_state, balance_e8), offsetof(struct rule_state, equity_e8), offsetof(struct rule_state, day_ref_e8),
  offsetof(struct rule_state, day_balance_e8), offsetof(struct rule_state, high_e8), offsetof(struct rule_state, best_day_e8), offsetof(struct rule_state, next_reset_ns),
  offsetof(struct rule_state, day_end_floor_e8), offsetof(struct rule_state, end_floor_e8)};

void rule_state_put(const struct rule_state *s, uint8_t ret[RULE_STATE_BYTES]) {
  ret[0] = STATE_VERSION;
  ret[1] = (uint8_t)(s->day_done | s->stopped << 1 | s->failed << 2);
  for (size_t i = 0; i < STATE_NUMBERS; i++) {
    const uint64_t v = (uint64_t) * (const int64_t *)(const void *)((const char *)s + numbers[i]);
    for (size_t k = 0; k < 8; k++) ret[2 + 8 * i + k] = (uint8_t)(v >> 8 * k);
  }
}

bool rule_state_get(const uint8_t *bytes, size_t len, const struct rule_set *rules, struct rule_state *ret) {
  if (len != RULE_STATE_BYTES || bytes[0] != STATE_VERSION || bytes[1] > 7) return false;
  *ret = (struct rule_state){.rules = rules, .day_done = bytes[1] & 1, .stopped = bytes[1] & 2, .failed = bytes[1] & 4};
  for (size_t i = 0; i < STATE_NUMBERS; i++) {
    uint64_t v = 0;
    for (size_t k = 8; k-- > 0;) v = v << 8 | bytes[2 + 8 * i + k];
    *(int64_t *)(void *)((char *)ret + numbers[i]) = (int64_t)v;
  }
  floors_update(ret);
  return true;
}

// --- orders ----------------------------------------------------------------------------------------------------------------

bool rule_news(const struct rule_state *s, const char *symbol, int64_t now_ns, struct refusal *why) {
  int64_t over_ns;
  const struct news_event *e = s->rules->news && s->news && symbol ? news_now(s->news, &s->rules->around, symbol, now_ns, &over_ns) : NULL;
  if (!e) return false;
  refuse(why, REFUSE_PROP_NEWS, LEVEL_ACCOUNT, over_ns - e->from_ns + s->rules->around.before_ns, over_ns - now_ns);
  why->until_ns = over_ns;
  return true;
}

int64_t rule_news_next(const struct rule_state *s, const char *symbol, int64_t now_ns) {
  return s->rules->news && s->news ? news_next(s->news, &s->rules->around, symbol, now_ns) : INT64_MAX;
}

static bool check_losses(const struct rule_state *s, const struct rule_order *o, struct refusal *why) {
  if (s->day_floor_e8 == OFF && s->total_floor_e8 == OFF) return true;
  if (o->loss_e8 == RULE_UNBOUNDED || o->open_loss_e8 == RULE_UNBOUNDED)
    return refuse(why, REFUSE_PROP_NO_STOP, LEVEL_ACCOUNT, 0, 0);
  int64_t left = saturate((int128)s->equity_e8 - o->loss_e8 - o->open_loss_e8);
  if (s->total_floor_e8 != OFF && left <= s->total_floor_e8)
    return refuse(why, REFUSE_PROP_TOTAL_LOSS, LEVEL_ACCOUNT, s->total_floor_e8, left);
  if (s->day_floor_e8 != OFF && left <= s->day_floor_e8) {
    refuse(why, REFUSE_PROP_DAY_LOSS, LEVEL_ACCOUNT, s->day_floor_e8, left);
    why->until_ns = s->next_reset_ns;
    return false;
  }
  return true;
}

static bool check_trade(const struct rule_state *s, const struct rule_order *o, struct refusal *why) {
  const struct rule_set *r = s->rules;
  if (r->stop_required && !o->has_stop) return refuse(why, REFUSE_PROP_NO_STOP, LEVEL_ACCOUNT, 0, 0);
  if (r->trade_risk.of == AMOUNT_NONE) return true;
  int64_t most_e8 = amount(r, &r->trade_risk, s->balance_e8);
  return o->loss_e8 <= most_e8 || refuse(why, REFUSE_PROP_TRADE_RISK, LEVEL_ACCOUNT, most_e8, o->loss_e8);
}

bool rule_check_stops(const struct rule_state *s, const struct rule_order *o, struct refusal *why) {
  assert(o->loss_e8 >= 0 && o->open_loss_e8 >= 0);
  struct rule_order all = *o;
  all.loss_e8 = 0;  // is part of open_loss_e8
  return check_trade(s, o, why) && check_losses(s, &all, why);
}

bool rule_check(const struct rule_state *s, const struct rule_order *o, struct refusal *why) {
  const struct rule_set *r = s->rules;
  assert(o->loss_e8 >= 0 && o->open_loss_e8 >= 0);
  if (!o->grows) return true;
  if (s->failed || s->stopped)
    return refuse(why, REFUSE_PROP_FAILED, LEVEL_ACCOUNT, s->end_floor_e8, s->equity_e8);
  if (s->day_done) {
    refuse(why, REFUSE_PROP_DAY_DONE, LEVEL_ACCOUNT, s->day_end_floor_e8, s->equity_e8);
    why->until_ns = s->next_reset_ns;
    return false;
  }
  if (rule_news(s, o->symbol, o->now_ns, why)) return false;
  if (!check_trade(s, o, why)) return false;
  if (r->max_qty_e8 > 0 && o->qty_after_e8 > r->max_qty_e8)
    return refuse(why, REFUSE_PROP_QTY, LEVEL_ACCOUNT, r->max_qty_e8, o->qty_after_e8);
  if (r->max_positions > 0 && o->positions_after > r->max_positions)
    return refuse(why, REFUSE_PROP_POSITIONS, LEVEL_ACCOUNT, r->max_positions, o->positions_after);
  if (r->consistency_e8 > 0 && r->target_e8 > 0) {
    int64_t share = (int64_t)div_floor((int128)r->target_e8 * r->consistency_e8, FRAC_ONE);
    if (day_profit(s) >= share) {
      refuse(why, REFUSE_PROP_CONSISTENCY, LEVEL_ACCOUNT, share, day_profit(s));
      why->until_ns = s->next_reset_ns;
      return false;
    }
  }
  return check_losses(s, o, why);
}

int64_t rule_stop_loss(const struct rule_set *rules, const struct instrument *inst, enum side entry, price px, price stop,
                       int64_t lots, cash fee) {
  assert(lots >= 0);
  if (!price_given(stop)) {
    if (entry == SIDE_SELL) return RULE_UNBOUNDED;
    stop.ticks = 0;
  }
  // Slippage goes against the position: a long's stop fills lower, a short's higher. Ceil: away from the customer.
  int128 slip = div_ceil((int128)(stop.ticks < 0 ? -stop.ticks : stop.ticks) * rules->stop_slip_e8, FRAC_ONE);
  int128 distance = ((int128)px.ticks - stop.ticks) * entry + slip, value;
  if (distance < 0) distance = 0;
  if (__builtin_mul_overflow(distance, (int128)lots, &value) || __builtin_mul_overflow(value, (int128)inst->value_num, &value))
    return RULE_UNBOUNDED;
  int64_t loss;
  if (!narrow_checked(div_ceil(value, inst->value_den), &loss) || !add_checked(loss, fee.e8, &loss)) return RULE_UNBOUNDED;
  return most(loss, 0);
}

int64_t rule_open_loss(const struct rule_set *rules, const struct rule_open *open, size_t count) {
  int64_t sum = 0;
  for (size_t i = 0; i < count; i++) {
    const struct rule_open *o = &open[i];
    int64_t loss = rule_stop_loss(rules, o->inst, o->entry, o->px, o->stop, o->lots, o->fee);
    if (loss == RULE_UNBOUNDED || !add_checked(sum, loss, &sum)) return RULE_UNBOUNDED;
  }
  return sum;
}

bool rule_consistency(const struct rule_state *s, int64_t *ret_frac_e8) {
  int64_t profit = saturate((int128)s->balance_e8 - s->rules->initial.e8), best = most(s->best_day_e8, day_profit(s));
  if (profit <= 0) return false;
  *ret_frac_e8 = saturate(div_ceil((int128)best * FRAC_ONE, profit));
  return true;
}

// match/walk.c – one finest bar under strict or classic: orders meet the path in the order in which it reaches them.
//
//     open ──► arrivals and gaps at the open ──► stretch 1 ──► stretch 2 ──► stretch 3 (to the close)
//     a stretch: the nearest level ahead fires; what it brought to life arrives there; repeat; then trailing stops ratchet
//
// Rule 11 sits in fire(): within a bar only the open is certain, so when a stop and a target of one group are both inside the
// bar's range, the path is not asked.
#include <assert.h>

#include "match/impl.h"

struct walk {
  struct matcher *m;
  struct match_symbol *s;
  const struct bar *bar, *mark;
  int64_t time_ns;
  int64_t at;     // current point
  bool at_open;
  bool danger;    // of liquidation
};

// The price an order's own side sees when the data stand at point, and back.
static int64_t own_price(const struct match_symbol *s, const struct order *o, int64_t point) {
  return o->side == SIDE_BUY ? point + s->shift_ticks : point;
}
static int64_t data_price(const struct match_symbol *s, const struct order *o, int64_t own) {
  return o->side == SIDE_BUY ? own - s->shift_ticks : own;
}

static int64_t stop_level(const struct order *o) {
  return o->type == ORDER_TRAILING ? trailing_level(o) : o->trigger.ticks;
}

static bool may_act(const struct walk *w, const struct order *o) {
  return o->status != ORDER_SENT && o->status != ORDER_UNKNOWN && o->active_ns <= w->time_ns;
}

static int64_t worst(int64_t px, int64_t limit, enum side side) { return (px - limit) * side > 0 ? limit : px; }

// Takes liquidity at the current point; a limit caps the price.
static void take(struct walk *w, struct order *o, bool ambiguous, int64_t point) {
  int64_t px = slipped(&w->s->cfg.costs, o->side, quote_at(w->s, o->side, point));
  if (order_is_limit(o)) px = worst(px, o->limit.ticks, o->side);
  bool whole_or_none = o->tif == TIF_FOK;
  if (whole_or_none && order_left(o).lots > w->s->room_lots) {
    order_end(w->m, o, ORDER_CANCELED, REASON_FOK, w->time_ns);
    return;
  }
  struct execution x = {.point = point, .px = px, .undisturbed = own_price(w->s, o, point), .ambiguous = ambiguous,
                        .time_ns = w->time_ns, .lots = INT64_MAX};
  execute(w->m, w->s, o, &x);
  if (order_alive(o) && (o->tif == TIF_IOC || whole_or_none))
    order_end(w->m, o, ORDER_CANCELED, whole_or_none ? REASON_FOK : REASON_IOC, w->time_ns);
}

static void limit_arrives(struct walk *w, struct order *o, int64_t point) {
  bool marketable = (quote_at(w->s, o->side, point) - o->limit.ticks) * o->side <= 0;
  o->rested = true;
  if (marketable && o->post) {
    order_end(w->m, o, ORDER_REJECTED, REASON_POST_ONLY, w->time_ns);
  } else if (marketable) {
    take(w, o, false, point);
    if (order_alive(o)) o->rested = false;  // no room yet: still marketable at the next event
  } else if (o->tif == TIF_IOC || o->tif == TIF_FOK) {
    order_end(w->m, o, ORDER_CANCELED, o->tif == TIF_IOC ? REASON_IOC : REASON_FOK, w->time_ns);
  }
}

static void stop_triggers(struct walk *w, struct order *o, bool ambiguous, int64_t point) {
  o->triggered = true;
  if (o->type == ORDER_STOP_LIMIT) limit_arrives(w, o, point);
  else take(w, o, ambiguous, point);
}

// An order's turn at the current point when nothing has moved: its arrival, or a gap at the open. True: it acted.
static bool act_here(struct walk *w, struct order *o) {
  if (!may_act(w, o)) return false;
  bool immediate = o->tif == TIF_IOC || o->tif == TIF_FOK;
  if (w->s->room_lots == 0 && !(immediate && (order_is_market(o) || !o->rested))) return false;
  if (order_is_market(o)) {
    if (!w->at_open && o->rested) return false;  // what was left of it waits for the next bar
    o->rested = true;
    take(w, o, false, w->at);
    return true;
  }
  int64_t own = own_price(w->s, o, w->at);
  bool arrives = !o->rested;
  if (order_is_limit(o)) {
    if (arrives) {
      limit_arrives(w, o, w->at);
      return true;
    }
    const struct limit_rules *rules = limit_rules_of(w->m);
    if (!w->at_open || (own - rules->reach(o)) * o->side > 0) return false;
    struct execution x = {.point = w->at, .px = rules->gap_price(o, own), .undisturbed = o->limit.ticks, .maker = true,
                          .time_ns = w->time_ns, .lots = INT64_MAX};
    execute(w->m, w->s, o, &x);
    return true;
  }
  if (!arrives && !w->at_open) return false;
  o->rested = true;
  if ((own - stop_level(o)) * o->side >= 0) {
    stop_triggers(w, o, false, w->at);
    return true;
  }
  return false;
}

static void act_all(struct walk *w) {
  struct match_symbol *s = w->s;
  for (size_t i = 0; i < s->work_count;) i = act_here(w, s->work[i]) ? 0 : i + 1;
}

// Where, moving from the current point to b, an order fires; false: it does not.
static bool level_ahead(const struct walk *w, const struct order *o, int64_t b, int64_t *ret) {
  if (!may_act(w, o) || !o->rested || order_is_market(o)) return false;
  bool is_limit = order_is_limit(o);
  int direction = is_limit ? -o->side : o->side;  // of the move that fires it
  if ((b - w->at) * direction <= 0) return false;
  int64_t level = data_price(w->s, o, is_limit ? limit_rules_of(w->m)->reach(o) : stop_level(o));
  if ((b - level) * direction < 0) return false;
  *ret = (level - w->at) * direction < 0 ? w->at : level;
  return true;
}

static bool in_range(const struct walk *w, const struct order *o, int64_t *ret_level) {
  int64_t level = data_price(w->s, o, order_is_stop(o) ? stop_level(o) : limit_rules_of(w->m)->reach(o));
  *ret_level = level;
  return level >= w->bar->low.ticks && level <= w->bar->high.ticks;
}

// o fires at level inside the bar.
static void fire(struct walk *w, struct order *o, int64_t level) {
  struct order *rival = group_rival(w->m, w->s, o);
  int64_t rival_level;
  bool ambiguous = rival && may_act(w, rival) && in_range(w, rival, &rival_level);
  if (ambiguous && order_is_stop(o) == (w->m->cfg.path == PATH_FAVOURABLE)) {
    o = rival;
    level = rival_level;
  }
  if (order_is_limit(o)) {
    struct execution x = {.point = level, .px = o->limit.ticks, .undisturbed = o->limit.ticks, .maker = true,
                          .ambiguous = ambiguous, .time_ns = w->time_ns, .lots = INT64_MAX};
    execute(w->m, w->s, o, &x);
  } else {
    stop_triggers(w, o, ambiguous, level);
  }
}

static void ratchet_all(struct walk *w) {
  for (size_t i = 0; i < w->s->work_count; i++) {
    struct order *o = w->s->work[i];
    if (o->type == ORDER_TRAILING && may_act(w, o)) trailing_ratchet(o, own_price(w->s, o, w->at));
  }
}

static void extend_all(struct walk *w) {
  struct account_symbol *as = &w->m->account.symbols[w->s->index];
  for (int leg = 0; leg < LEG_COUNT; leg++)
    if (as->pos[leg].lots != 0) lot_list_extend(&as->pos[leg].open, (price){w->at});
}

// Is x/dx < y/dy of the way (both stretches whole > 0)?
static bool nearer(int64_t x, int64_t dx, int64_t y, int64_t dy) { return (int128)x * dy < (int128)y * dx; }
static int64_t distance(int64_t a, int64_t b) { return a < b ? b - a : a - b; }

// Liquidation on this stretch, from start to b, comes before an order at level (has_level)? On the mark's own stretch if given.
static bool liquidates_first(struct walk *w, int64_t start, int64_t b, int64_t mark_a, int64_t mark_b, bool has_level,
                             int64_t level) {
  int64_t point;
  if (!w->danger) return false;
  if (!w->mark) {
    if (!liquidation_point(w->m, w->s, w->at, b, &point)) return false;
    if (has_level && distance(w->at, point) >= distance(w->at, level)) return false;
    w->at = point;
    return true;
  }
  if (!liquidation_point(w->m, w->s, mark_a, mark_b, &point)) return false;
  int64_t whole = distance(mark_a, mark_b), gone = distance(mark_a, point);
  if (has_level && whole > 0 && !nearer(gone, whole, distance(start, level), distance(start, b))) return false;
  account_mark(&w->m->account, w->s->index, (price){point});
  return true;
}

static void stretch(struct walk *w, int64_t b, int64_t mark_a, int64_t mark_b) {
  struct match_symbol *s = w->s;
  int64_t start = w->at;
  for (;;) {
    struct order *next = NULL;
    int64_t level = b;
    for (size_t i = 0; i < s->work_count && s->room_lots > 0; i++) {
      int64_t at;
      if (!level_ahead(w, s->work[i], b, &at)) continue;
      if (next && distance(w->at, at) >= distance(w->at, level)) continue;
      next = s->work[i];
      level = at;
    }
    if (liquidates_first(w, start, b, mark_a, mark_b, next != NULL, level)) {
      liquidate(w->m, s, w->time_ns);
      break;
    }
    if (!next) break;
    w->at = level;
    fire(w, next, level);
    act_all(w);
    w->danger = liquidation_danger(w->m);
  }
  w->at = b;
  account_mark(&w->m->account, s->index, (price){b});
  extend_all(w);
  ratchet_all(w);
}

// Lots that participation allows in this bar (rule 13).
static int64_t room_of(const struct matcher *m, const struct match_symbol *s, const struct bar *b) {
  if (m->cfg.participation_frac_e8 == 0 || b->volume < 0) return INT64_MAX;
  // volume × 10^-volume_scale / (lot digits × 10^-lot scale) × participation
  int128 num = (int128)b->volume * m->cfg.participation_frac_e8, den = (int128)s->cfg.inst.lot.digits * FRAC_ONE;
  int shift = s->cfg.inst.lot.scale - s->cfg.volume_scale;
  if (shift < 0) den *= pow10_i64(-shift);
  else if (num > (((int128)1 << 126) / pow10_i64(shift))) return INT64_MAX;
  else num *= pow10_i64(shift);
  int64_t lots;
  return narrow_checked(num / den, &lots) ? lots : INT64_MAX;
}

static int sign_of(int64_t v) { return (v > 0) - (v < 0); }

static int pending_sign(const struct match_symbol *s) {
  for (size_t i = 0; i < s->work_count; i++)
    if (!s->work[i]->reduce) return s->work[i]->side;
  return 0;
}

// The way of a mark bar while part `part` of `parts` finer bars is walked: its three stretches, cut into that many equal pieces.
// Their ends fall on the pieces' ends, so no extreme is lost.
static void mark_part(const struct path *whole, int64_t part, int64_t parts, struct path *ret) {
  for (int i = 0; i < 4; i++) {
    int64_t at = 3 * part + i, from = at / parts;
    int64_t a = whole->point[from], b = whole->point[from < 3 ? from + 1 : 3];
    ret->point[i] = a + (int64_t)((int128)(b - a) * (at % parts) / parts);
  }
}

void walk_bar(struct matcher *m, struct match_symbol *s, const struct bar *b, const struct bar *mark, int64_t part,
              int64_t parts) {
  assert(b->low.ticks > 0 && b->low.ticks <= b->open.ticks && b->open.ticks <= b->high.ticks);
  s->bar = b;
  s->room_lots = room_of(m, s, b);
  s->shift_ticks = s->cfg.costs.kind == MARKET_BID ? spread_ticks_at(&s->cfg.costs, b->open.ticks) : 0;
  struct walk w = {.m = m, .s = s, .bar = b, .mark = mark, .time_ns = b->open_ns, .at = b->open.ticks, .at_open = true};
  if (s->work_count > 0) orders_due(m, s, b->open_ns);
  account_mark(&m->account, s->index, b->open);
  extend_all(&w);
  int pending = pending_sign(s);
  act_all(&w);
  ratchet_all(&w);
  w.at_open = false;
  w.danger = liquidation_danger(m);
  if (s->work_count == 0 && !w.danger) {  // nothing can happen on the way
    w.at = b->low.ticks;
    extend_all(&w);
    w.at = b->high.ticks;
    extend_all(&w);
    s->bar = NULL;
    return;
  }
  struct path path, mark_path;
  int held = sign_of(account_lots(&m->account, s->index, LEG_NET));
  path_make(b, m->cfg.path, held, pending, &path);
  const struct bar *mb = mark ? mark : b;
  path_make(mb, m->cfg.path, held, pending, &mark_path);
  if (mark && parts > 1) {  // detail: the finer bars know their way, the mark keeps its own
    struct path whole = mark_path;
    mark_part(&whole, part, parts, &mark_path);
  } else if (mark && mark_path.low_first != path.low_first) {  // both walk the same way
    mark_path.point[1] = path.low_first ? mb->low.ticks : mb->high.ticks;
    mark_path.point[2] = path.low_first ? mb->high.ticks : mb->low.ticks;
  }
  if (w.danger && liquidated_at(m, s, mark_path.point[0])) {
    account_mark(&m->account, s->index, (price){mark_path.point[0]});
    liquidate(m, s, w.time_ns);
  }
  for (int i = 0; i < 3; i++) stretch(&w, path.point[i + 1], mark_path.point[i], mark_path.point[i + 1]);
  s->bar = NULL;
}

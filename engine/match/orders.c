// match/orders.c – an order from submit to its end: ids, the working list, what it holds of the funds, changes and cancels
// (with their latency), expiry.
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "match/impl.h"

// --- orders ----------------------------------------------------------------------------------------------------------------

static struct order *page_at(const struct matcher *m, uint64_t id) {
  const size_t page = (id - 1) / ORDER_PAGE;
  return page < m->base_page ? NULL : m->pages[page - m->base_page];
}

struct order *order_find(const struct matcher *m, uint64_t id) {
  if (id == 0 || id > m->last_order) return NULL;
  struct order *page = page_at(m, id), *o = page ? &page[(id - 1) % ORDER_PAGE] : NULL;
  return o && o->id ? o : NULL;  // an id that was reserved and never used is no order
}

const struct order *matcher_order(const struct matcher *m, uint64_t id) { return order_find(m, id); }

uint64_t matcher_id_reserve(struct matcher *m) {
  uint64_t id = m->last_order + 1;
  size_t page = (id - 1) / ORDER_PAGE;
  if (page >= m->page_count) {
    const size_t at = page - m->base_page;
    ensure_room((void **)&m->pages, &m->page_cap, at + 1, sizeof *m->pages);
    if (m->spare_count > 0) m->pages[at] = memset(m->spare[--m->spare_count], 0, ORDER_PAGE * sizeof **m->pages);
    else m->pages[at] = calloc(ORDER_PAGE, sizeof **m->pages);
    assert(m->pages[at]);
    m->page_count = page + 1;
  }
  m->last_order = id;
  return id;
}

bool matcher_id_open(const struct matcher *m, uint64_t id) {
  if (id == 0 || id > m->last_order) return false;
  const struct order *page = page_at(m, id);
  return page && page[(id - 1) % ORDER_PAGE].id == 0;
}

static struct order *order_at(struct matcher *m, uint64_t id) {
  assert(id > 0 && id <= m->last_order);
  struct order *o = &page_at(m, id)[(id - 1) % ORDER_PAGE];
  assert(o->id == 0);
  o->id = id;
  o->limit = o->trigger = o->sl = o->tp = o->trail_ref = NO_PRICE;
  o->expires_ns = o->due_ns = INT64_MAX;
  return o;
}

struct order *order_new(struct matcher *m) { return order_at(m, matcher_id_reserve(m)); }

static bool on_page(uint64_t id, size_t page) { return id > 0 && (id - 1) / ORDER_PAGE == page; }

// What the matcher itself may still ask for: orders that are alive, the entries of exits that are, and entries of what is held, whose
// exits may yet be changed.
static bool page_needed(const struct matcher *m, size_t page) {
  for (int i = 0; i < ORDER_PAGE; i++)
    if (m->pages[page - m->base_page][i].id && order_alive(&m->pages[page - m->base_page][i])) return true;
  for (int k = 0; k < m->account.symbol_count; k++) {
    const struct match_symbol *s = &m->symbols[k];
    for (size_t i = 0; i < s->work_count; i++)
      if (on_page(s->work[i]->parent, page)) return true;
    for (int leg = 0; leg < LEG_COUNT; leg++) {
      const struct lot_list *open = &m->account.symbols[k].pos[leg].open;
      for (size_t i = open->head; i < open->count; i++)
        if (on_page(open->items[i].order, page)) return true;
    }
  }
  return false;
}

void matcher_orders_release(struct matcher *m, uint64_t id_below) {
  for (size_t p = m->first_page; (p + 1) * ORDER_PAGE < id_below && p < m->page_count; p++) {
    struct order **page = &m->pages[p - m->base_page];
    if (!*page || page_needed(m, p)) continue;
    if (m->spare_count < SPARE_PAGES) m->spare[m->spare_count++] = *page;
    else free(*page);
    *page = NULL;
  }
  while (m->first_page < m->page_count && !m->pages[m->first_page - m->base_page]) m->first_page++;
  const size_t gone = m->first_page - m->base_page;
  if (gone < PAGES_GONE) return;  // their places, too: a bot that trades for years must not cost more each day
  memmove(m->pages, m->pages + gone, (m->page_count - m->first_page) * sizeof *m->pages);
  m->base_page = m->first_page;
}

void matcher_trades_forget(struct matcher *m) {
  struct trade_list *l = &m->account.trades;
  l->count = 0;
  if (l->cap <= TRADES_SPARE) return;
  trade_list_finish(l);  // of a burst
}

const struct order *matcher_working(const struct matcher *m, int symbol, size_t *pos) {
  assert(symbol >= 0 && symbol < m->account.symbol_count);
  const struct match_symbol *s = &m->symbols[symbol];
  return *pos < s->work_count ? s->work[(*pos)++] : NULL;
}

void order_hold(struct matcher *m, struct order *o) {
  struct account_symbol *as = &m->account.symbols[o->symbol];
  int64_t *lots = o->side == SIDE_BUY ? &as->work_buy_lots : &as->work_sell_lots;
  int64_t *value = o->side == SIDE_BUY ? &as->work_buy_e8 : &as->work_sell_e8;
  *lots -= o->held.lots;
  *value -= o->held_value.e8;
  assert(*lots >= 0 && *value >= 0);
  o->held = (quantity){0};
  o->held_value = (cash){0};
  int64_t left = order_left(o).lots, held_lots, held_value;
  if (o->reduce || !order_alive(o) || left == 0) return;
  price px = price_given(o->limit) ? o->limit : price_given(o->trigger) ? o->trigger : as->mark;
  cash v = {0};
  if (price_given(px) && !instrument_notional(&as->inst, px, (quantity){left}, ROUND_CEIL, &v)) v.e8 = 0;
  if (v.e8 < 0 || !add_checked(*lots, left, &held_lots) || !add_checked(*value, v.e8, &held_value)) return;
  o->held.lots = left;
  o->held_value = v;
  *lots = held_lots;
  *value = held_value;
}

void work_insert(struct matcher *m, struct match_symbol *s, struct order *o, size_t at) {
  assert(at <= s->work_count);
  ensure_room((void **)&s->work, &s->work_cap, s->work_count + 1, sizeof *s->work);
  memmove(s->work + at + 1, s->work + at, (s->work_count - at) * sizeof *s->work);
  s->work[at] = o;
  s->work_count++;
  m->account.work_count++;
  s->watch.low = INT64_MAX;
}

size_t work_index(const struct match_symbol *s, const struct order *o) {
  for (size_t i = 0; i < s->work_count; i++)
    if (s->work[i] == o) return i;
  assert(!"order is not working");
  return 0;
}

static void work_remove(struct matcher *m, struct match_symbol *s, const struct order *o) {
  size_t at = work_index(s, o);
  memmove(s->work + at, s->work + at + 1, (s->work_count - at - 1) * sizeof *s->work);
  s->work_count--;
  m->account.work_count--;
  s->watch.low = INT64_MAX;
}

void order_change_status(struct matcher *m, struct order *o, enum order_status to, enum reason why, int64_t now_ns) {
  enum order_status from = order_move(o, to, why);
  struct match_event *e = event_add(m, EVENT_ORDER, now_ns);
  e->order.id = o->id;
  e->order.from = from;
  e->order.to = to;
  e->order.reason = why;
  if (order_status_final(to)) {
    o->ended_ns = now_ns;
    if (from != ORDER_NEW) work_remove(m, &m->symbols[o->symbol], o);
    order_hold(m, o);
  }
}

void order_end(struct matcher *m, struct order *o, enum order_status to, enum reason why, int64_t now_ns) {
  assert(order_alive(o) && order_status_final(to) && to != ORDER_FILLED);
  if (to == ORDER_REJECTED && o->filled.lots > 0) to = ORDER_CANCELED;
  order_change_status(m, o, to, why, now_ns);
}

bool order_withdraw(struct matcher *m, struct order *o, enum reason why, int64_t now_ns) {
  if (!market_elsewhere(m)) {
    order_end(m, o, ORDER_CANCELED, why, now_ns);
    return true;
  }
  if (o->status == ORDER_UNKNOWN) o->reason = why;  // a wish; what it is, remains to be seen
  else if (o->status != ORDER_PENDING_CANCEL) order_change_status(m, o, ORDER_PENDING_CANCEL, why, now_ns);
  return false;
}

// --- submit, cancel, modify ------------------------------------------------------------------------------------------------

static enum reason self_trade(const struct match_symbol *s, const struct order *o) {
  if (o->type != ORDER_LIMIT || o->reduce) return REASON_NONE;
  for (size_t i = 0; i < s->work_count; i++) {
    const struct order *other = s->work[i];
    if (other->side == o->side || !order_is_limit(other) || other->reduce) continue;
    if ((o->limit.ticks - other->limit.ticks) * o->side >= 0) return REASON_SELF_TRADE;
  }
  return REASON_NONE;
}

static int64_t expiry_of(const struct intent *in, int64_t now_ns) {
  if (in->tif == TIF_GTD) return in->expires_ns;
  if (in->tif == TIF_DAY) return timeframe_floor(now_ns, NS_PER_DAY) + NS_PER_DAY;
  return INT64_MAX;
}

static enum reason order_shape_check(const struct matcher *m, const struct order *o) {
  const price given[] = {o->limit, o->trigger, o->sl, o->tp};
  for (size_t i = 0; i < sizeof given / sizeof *given; i++)
    if (price_given(given[i]) && given[i].ticks <= 0) return REASON_BAD_PRICE;
  if ((o->type == ORDER_LIMIT || o->type == ORDER_STOP_LIMIT) && !price_given(o->limit)) return REASON_BAD_PRICE;
  if ((o->type == ORDER_STOP || o->type == ORDER_STOP_LIMIT) && !price_given(o->trigger)) return REASON_BAD_PRICE;
  if (o->trail_ticks < 0 || o->trail_frac_e8 < 0 || o->trail_frac_e8 >= FRAC_ONE) return REASON_BAD_PRICE;
  if (o->type == ORDER_TRAILING) {
    if (o->trail_ticks == 0 && o->trail_frac_e8 == 0) return REASON_BAD_PRICE;
    if (!price_given(m->account.symbols[o->symbol].mark)) return REASON_NO_PRICE;
  }
  return REASON_NONE;
}

// Pairs o with the group of the working order it names.
static enum reason group_join(struct matcher *m, struct order *o, uint64_t with) {
  struct order *other = order_find(m, with);
  if (!other || !order_alive(other) || other->symbol != o->symbol) return REASON_UNKNOWN_ORDER;
  if (other->oco == 0) other->oco = other->id;
  o->oco = other->oco;
  return REASON_NONE;
}

static size_t work_place(const struct matcher *m, const struct match_symbol *s, const struct order *o) {
  return m->cfg.model == MODEL_COMPAT_BACKTESTING ? backtesting_place(s, o) : s->work_count;
}

enum reason matcher_submit(struct matcher *m, const struct intent *in, quantity qty, int64_t now_ns, uint64_t *ret_id) {
  *ret_id = matcher_id_reserve(m);
  return matcher_submit_as(m, *ret_id, in, qty, now_ns);
}

enum reason matcher_submit_as(struct matcher *m, uint64_t id, const struct intent *in, quantity qty, int64_t now_ns) {
  assert(in->symbol >= 0 && in->symbol < m->account.symbol_count);
  bool compat = fill_model_compat(m->cfg.model);
  bool later = compat && in->size_kind == SIZE_PCT && !in->reduce;
  assert(qty.lots > 0 || (later && qty.lots == 0));
  assert(!later || in->size > 0);
  struct match_symbol *s = &m->symbols[in->symbol];
  struct order *o = order_at(m, id);
  o->symbol = in->symbol, o->side = in->side, o->type = in->type, o->leg = in->leg, o->tif = in->tif;
  o->post = in->post, o->reduce = in->reduce || in->size_kind == SIZE_CLOSE, o->resolve_at_fill = later;
  o->size_kind = in->size_kind, o->size = in->size, o->qty = qty;
  o->limit = in->limit, o->trigger = in->trigger, o->sl = in->sl, o->tp = in->tp, o->tp_r_e6 = in->tp_r_e6;
  o->trail_ticks = in->trail_ticks, o->trail_frac_e8 = in->trail_frac_e8;
  o->tag = in->tag, o->closes = in->closes;
  o->decided_ns = now_ns, o->active_ns = market_elsewhere(m) ? INT64_MAX : now_ns + m->cfg.latency_ns, o->expires_ns = expiry_of(in, now_ns);

  enum reason why = order_shape_check(m, o);
  if (why == REASON_NONE && m->ruined) why = REASON_LIQUIDATED;
  if (why == REASON_NONE && m->cfg.self_trade_check) why = self_trade(s, o);
  if (why == REASON_NONE && in->oco) why = group_join(m, o, in->oco);
  if (why != REASON_NONE) {
    // A rejected order keeps its prices for the record; only its type must not claim what it lacks.
    if ((o->type == ORDER_LIMIT || o->type == ORDER_STOP_LIMIT) && !price_given(o->limit)) o->type = ORDER_MARKET;
    if ((o->type == ORDER_STOP || o->type == ORDER_STOP_LIMIT) && !price_given(o->trigger)) o->type = ORDER_MARKET;
    order_change_status(m, o, ORDER_REJECTED, why, now_ns);
    return why;
  }
  if (o->type == ORDER_TRAILING) o->trail_ref = m->account.symbols[o->symbol].mark;
  work_insert(m, s, o, work_place(m, s, o));
  order_hold(m, o);
  order_change_status(m, o, m->cfg.latency_ns > 0 || market_elsewhere(m) ? ORDER_SENT : ORDER_OPEN, REASON_NONE, now_ns);
  return REASON_NONE;
}

enum reason matcher_cancel(struct matcher *m, uint64_t id, enum reason why, int64_t now_ns) {
  assert(why != REASON_NONE);
  struct order *o = order_find(m, id);
  if (!o || !order_alive(o)) return REASON_UNKNOWN_ORDER;
  if (market_elsewhere(m)) {
    order_withdraw(m, o, why, now_ns);
  } else if (m->cfg.latency_ns == 0 || o->status == ORDER_UNKNOWN) {
    order_end(m, o, ORDER_CANCELED, why, now_ns);
  } else if (o->status != ORDER_PENDING_CANCEL) {
    o->due_ns = now_ns + m->cfg.latency_ns;
    m->symbols[o->symbol].watch.low = INT64_MAX;
    order_change_status(m, o, ORDER_PENDING_CANCEL, why, now_ns);
  }
  return REASON_NONE;
}

bool matcher_lost(struct matcher *m, uint64_t id, int64_t now_ns) {
  struct order *o = order_find(m, id);
  if (!o || o->filled.lots > 0 || (o->status != ORDER_SENT && o->status != ORDER_OPEN)) return false;
  m->symbols[o->symbol].watch.low = INT64_MAX;
  order_change_status(m, o, ORDER_UNKNOWN, REASON_NONE, now_ns);
  return true;
}

bool matcher_found(struct matcher *m, uint64_t id, enum reason why, int64_t now_ns) {
  struct order *o = order_find(m, id);
  if (!o || o->status != ORDER_UNKNOWN) return false;
  m->symbols[o->symbol].watch.low = INT64_MAX;
  if (why != REASON_NONE) order_end(m, o, ORDER_REJECTED, why, now_ns);
  else order_change_status(m, o, now_ns < o->active_ns ? ORDER_SENT : ORDER_OPEN, REASON_NONE, now_ns);
  return true;
}

int matcher_cancel_all(struct matcher *m, int symbol, uint32_t tag, enum reason why, int64_t now_ns) {
  int count = 0;
  for (int i = 0; i < m->account.symbol_count; i++) {
    if (symbol >= 0 && i != symbol) continue;
    struct match_symbol *s = &m->symbols[i];
    for (size_t k = s->work_count; k-- > 0;) {
      struct order *o = s->work[k];
      if ((tag != TAG_NONE && o->tag != tag) || o->status == ORDER_PENDING_CANCEL) continue;
      count += matcher_cancel(m, o->id, why, now_ns) == REASON_NONE;
    }
  }
  return count;
}

void order_change_init(struct order_change *c) {
  *c = (struct order_change){.limit = NO_PRICE, .trigger = NO_PRICE, .sl = NO_PRICE, .tp = NO_PRICE};
}

// Does the change make sense for o? Children of an entry may change for as long as the entry's position lives.
static enum reason change_check(const struct matcher *m, const struct order *o, const struct order_change *c) {
  const price given[] = {c->limit, c->trigger, c->sl, c->tp};
  for (size_t i = 0; i < sizeof given / sizeof *given; i++)
    if (price_given(given[i]) && given[i].ticks <= 0) return REASON_BAD_PRICE;
  if (c->trail_ticks < 0 || c->trail_frac_e8 < 0 || c->trail_frac_e8 >= FRAC_ONE) return REASON_BAD_PRICE;
  bool terms = price_given(c->limit) || price_given(c->trigger) || c->qty.lots != 0 || c->trail_ticks || c->trail_frac_e8;
  if (terms && !order_alive(o)) return REASON_UNKNOWN_ORDER;
  if (price_given(c->limit) && o->type != ORDER_LIMIT && o->type != ORDER_STOP_LIMIT) return REASON_MODIFY;
  if (price_given(c->trigger) && (o->type == ORDER_MARKET || o->type == ORDER_LIMIT || o->triggered)) return REASON_MODIFY;
  if (c->qty.lots < 0 || (c->qty.lots > 0 && c->qty.lots <= o->filled.lots)) return REASON_MODIFY;
  if ((c->trail_ticks || c->trail_frac_e8) && o->type != ORDER_TRAILING) return REASON_MODIFY;
  bool exits = price_given(c->sl) || price_given(c->tp) || c->sl_none || c->tp_none;
  if (exits && o->reduce) return REASON_MODIFY;
  const struct order *stop = price_given(c->sl) ? order_find(m, o->child_sl) : NULL;
  if (stop && order_alive(stop) && stop->triggered) return REASON_MODIFY;  // it is being executed
  if (market_elsewhere(m) && o->status == ORDER_PENDING_CANCEL && terms) return REASON_MODIFY;
  if (exits && !order_alive(o) && entry_lots(m, o) == 0)
    return REASON_UNKNOWN_ORDER;
  return REASON_NONE;
}

enum reason order_apply_change(struct matcher *m, struct order *o, const struct order_change *c, int64_t now_ns) {
  enum reason why = change_check(m, o, c);
  if (why != REASON_NONE) return why;
  struct match_symbol *s = &m->symbols[o->symbol];
  bool moved = price_given(c->limit) || price_given(c->trigger) || c->trail_ticks || c->trail_frac_e8;
  if (price_given(c->limit)) o->limit = c->limit;
  if (price_given(c->trigger)) o->trigger = c->trigger;
  if (c->trail_ticks) o->trail_ticks = c->trail_ticks, o->trail_frac_e8 = 0;
  if (c->trail_frac_e8) o->trail_frac_e8 = c->trail_frac_e8, o->trail_ticks = 0;
  if (c->qty.lots > 0) o->qty = c->qty, o->size_kind = SIZE_QTY, o->resolve_at_fill = false;
  if (moved) o->rested = false;  // new terms arrive anew: a marketable limit takes
  if (o->parent) {               // the entry's own record of its exits
    struct order *entry = order_find(m, o->parent);
    if (entry && entry->child_sl == o->id) entry->sl = o->type == ORDER_TRAILING ? entry->sl : o->trigger;
    if (entry && entry->child_tp == o->id) entry->tp = o->limit;
  }
  if (price_given(c->sl) || c->sl_none) {
    o->sl = c->sl_none ? NO_PRICE : c->sl;
    if (o->filled.lots > 0) child_set(m, s, o, true, o->sl, now_ns);
  }
  if (price_given(c->tp) || c->tp_none) {
    o->tp = c->tp_none ? NO_PRICE : c->tp;
    o->tp_r_e6 = 0;
    if (o->filled.lots > 0) child_set(m, s, o, false, o->tp, now_ns);
  }
  if (order_alive(o)) {
    if (moved && m->cfg.model == MODEL_COMPAT_BACKTESTING) {  // there a changed stop is a new one in front of the queue
      size_t at = work_index(s, o);
      memmove(s->work + at, s->work + at + 1, (s->work_count - at - 1) * sizeof *s->work);
      s->work_count--;
      size_t to = backtesting_place(s, o);
      memmove(s->work + to + 1, s->work + to, (s->work_count - to) * sizeof *s->work);
      s->work[to] = o;
      s->work_count++;
    }
    order_hold(m, o);
    order_check(o);
  }
  s->watch.low = INT64_MAX;
  return REASON_NONE;
}

enum reason matcher_modify(struct matcher *m, uint64_t id, const struct order_change *change, int64_t now_ns) {
  struct order *o = order_find(m, id);
  if (!o) return REASON_UNKNOWN_ORDER;
  if (o->status == ORDER_UNKNOWN) return REASON_MODIFY;  // nobody knows what would change
  if (m->cfg.latency_ns == 0 || !order_alive(o)) return order_apply_change(m, o, change, now_ns);
  if (o->status == ORDER_PENDING_CANCEL || o->status == ORDER_PENDING_MODIFY) return REASON_MODIFY;
  enum reason why = change_check(m, o, change);
  if (why != REASON_NONE) return why;
  ensure_room((void **)&m->changes, &m->change_cap, m->change_count + 1, sizeof *m->changes);
  m->changes[m->change_count++] = (struct pending_change){id, *change};
  o->due_ns = now_ns + m->cfg.latency_ns;
  m->symbols[o->symbol].watch.low = INT64_MAX;
  order_change_status(m, o, ORDER_PENDING_MODIFY, REASON_NONE, now_ns);
  return REASON_NONE;
}

// --- time ------------------------------------------------------------------------------------------------------------------

static void change_arrives(struct matcher *m, struct order *o, int64_t now_ns) {
  for (size_t i = 0; i < m->change_count; i++) {
    if (m->changes[i].id != o->id) continue;
    struct order_change c = m->changes[i].change;
    memmove(m->changes + i, m->changes + i + 1, (m->change_count - i - 1) * sizeof *m->changes);
    m->change_count--;
    if (o->status != ORDER_PENDING_MODIFY) return;  // a cancel overtook it
    enum reason why = order_apply_change(m, o, &c, now_ns);
    enum order_status back = now_ns < o->active_ns ? ORDER_SENT : o->filled.lots > 0 ? ORDER_PARTIAL : ORDER_OPEN;
    if (o->filled.lots == o->qty.lots) return;
    order_change_status(m, o, back, why, now_ns);
    return;
  }
}

void orders_due(struct matcher *m, struct match_symbol *s, int64_t now_ns) {
  for (size_t i = 0; i < s->work_count;) {
    struct order *o = s->work[i];
    if (o->due_ns <= now_ns) {
      o->due_ns = INT64_MAX;
      if (o->status == ORDER_PENDING_CANCEL) {
        order_end(m, o, ORDER_CANCELED, o->reason, now_ns);
        continue;
      }
      change_arrives(m, o, now_ns);
    }
    if (o->expires_ns <= now_ns && market_elsewhere(m)) {
      order_withdraw(m, o, o->tif == TIF_DAY ? REASON_DAY : REASON_GTD, now_ns);
    } else if (o->expires_ns <= now_ns) {
      order_end(m, o, ORDER_EXPIRED, o->tif == TIF_DAY ? REASON_DAY : REASON_GTD, now_ns);
      continue;
    }
    if (o->status == ORDER_SENT && o->active_ns <= now_ns) order_change_status(m, o, ORDER_OPEN, REASON_NONE, now_ns);
    i++;
  }
}

void matcher_time(struct matcher *m, int64_t now_ns) {
  for (int i = 0; i < m->account.symbol_count; i++) orders_due(m, &m->symbols[i], now_ns);
}

void matcher_mark(struct matcher *m, int symbol, price px) {
  assert(symbol >= 0 && symbol < m->account.symbol_count && px.ticks > 0);
  account_mark(&m->account, symbol, px);
}

// match/matcher.c – set-up, orders from submit to their end, the event queue, and what a bar does under every model.
#include "match/match.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "match/impl.h"

// --- set-up ----------------------------------------------------------------------------------------------------------------

static const char *const model_names[] = {"strict", "classic", "compat-backtesting", "compat-backtrader"};
static const char *const path_names[] = {"nearer", "adverse", "favourable"};

bool fill_model_parse(const char *text, enum fill_model *ret) {
  for (int i = 0; i < 4; i++)
    if (!strcmp(text, model_names[i])) return *ret = i, true;
  return false;
}

bool path_mode_parse(const char *text, enum path_mode *ret) {
  for (int i = 0; i < 3; i++)
    if (!strcmp(text, path_names[i])) return *ret = i, true;
  return false;
}

const char *fill_model_text(enum fill_model m) { return model_names[m]; }
const char *path_mode_text(enum path_mode p) { return path_names[p]; }
bool fill_model_compat(enum fill_model m) { return m == MODEL_COMPAT_BACKTESTING || m == MODEL_COMPAT_BACKTRADER; }

void match_config_init(struct match_config *c, cash deposit) { *c = (struct match_config){.deposit = deposit}; }

void match_symbol_config_init(struct match_symbol_config *c, const struct instrument *inst) {
  *c = (struct match_symbol_config){.inst = *inst, .leverage_e4 = LEVERAGE_ONE_E4, .maintenance_frac_e8 = 500000};
}

enum status matcher_create(const struct match_config *config, struct matcher **ret, struct err *err) {
  if (config->participation_frac_e8 < 0 || config->participation_frac_e8 > FRAC_ONE)
    return err_set(err, ERR_INVALID, "participation must be between 0 and 1");
  if (config->latency_ns < 0) return err_set(err, ERR_INVALID, "latency must not be negative");
  if (config->deposit.e8 <= 0) return err_set(err, ERR_INVALID, "cash must be above 0");
  if (config->hedging && fill_model_compat(config->model))
    return err_set(err, ERR_INVALID, "%s has no hedging mode", fill_model_text(config->model));
  struct matcher *m = calloc(1, sizeof *m);
  if (!m) return err_set(err, ERR_NOMEM, "matcher");
  m->cfg = *config;
  account_init(&m->account, config->hedging);
  if (!account_deposit(&m->account, config->deposit)) {
    matcher_destroy(m);
    return err_set(err, ERR_RANGE, "cash does not fit");
  }
  *ret = m;
  return OK;
}

void matcher_destroy(struct matcher *m) {
  if (!m) return;
  for (int i = 0; i < m->account.symbol_count; i++) free(m->symbols[i].work);
  for (size_t i = 0; i < m->page_count; i++) free(m->pages[i]);
  for (size_t i = 0; i < m->spare_count; i++) free(m->spare[i]);
  account_finish(&m->account);
  free(m->symbols);
  free(m->pages);
  free(m->events);
  free(m->changes);
  free(m->scratch);
  free(m);
}

static enum status symbol_config_check(const struct match_symbol_config *c, struct err *err) {
  const struct { const char *name; int64_t value, min, max; } fields[] = {
    {"maker fee", c->fees.maker_frac_e8, -FRAC_ONE, FRAC_ONE}, {"taker fee", c->fees.taker_frac_e8, -FRAC_ONE, FRAC_ONE},
    {"fixed fee", c->fees.fixed_e8, 0, INT64_C(1000000) * CASH_ONE}, {"fee per unit", c->fees.per_unit_e8, 0, INT64_C(1000000) * CASH_ONE},
    {"spread", c->costs.spread_ticks, 0, INT64_MAX / 4}, {"spread fraction", c->costs.spread_frac_e8, 0, FRAC_ONE},
    {"slippage", c->costs.slippage_ticks, 0, INT64_MAX / 4}, {"slippage fraction", c->costs.slippage_frac_e8, 0, FRAC_ONE},
    {"maintenance margin", c->maintenance_frac_e8, 0, FRAC_ONE}, {"volume scale", c->volume_scale, 0, DECIMAL_SCALE_MAX},
    {"futures margin", c->futures_margin.e8, 0, INT64_MAX / 4}};
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    if (fields[i].value < fields[i].min || fields[i].value > fields[i].max)
      return err_set(err, ERR_INVALID, "%s: %s is out of range", c->inst.symbol, fields[i].name);
  return OK;
}

enum status matcher_symbol_add(struct matcher *m, const struct match_symbol_config *config, int *ret_symbol,
                               struct err *err) {
  enum status st = symbol_config_check(config, err);
  if (st != OK) return st;
  if (m->account.symbol_count == m->symbol_cap) {
    int cap = m->symbol_cap ? m->symbol_cap * 2 : 2;
    struct match_symbol *symbols = realloc(m->symbols, (size_t)cap * sizeof *symbols);
    if (!symbols) return err_set(err, ERR_NOMEM, "symbols of a matcher");
    m->symbols = symbols;
    m->symbol_cap = cap;
  }
  int index;
  st = account_symbol_add(&m->account, &config->inst, config->leverage_e4, &index, err);
  if (st != OK) return st;
  m->symbols[index] = (struct match_symbol){.cfg = *config, .index = index, .room_lots = INT64_MAX};
  m->symbols[index].now.open_ns = m->symbols[index].prev.open_ns = INT64_MIN;
  for (int i = 0; i <= index; i++) {  // the account's symbols may have moved
    struct match_symbol *s = &m->symbols[i];
    s->watch = (struct match_watch){.low = INT64_MAX, .high = INT64_MIN, .acct = &m->account.symbols[i]};
  }
  *ret_symbol = index;
  return OK;
}

const struct account *matcher_account(const struct matcher *m) { return &m->account; }
const struct match_config *matcher_config(const struct matcher *m) { return &m->cfg; }
cash matcher_equity(const struct matcher *m) { return account_equity(&m->account); }
uint64_t matcher_order_last(const struct matcher *m) { return m->last_order; }

const struct match_symbol_config *matcher_symbol_config(const struct matcher *m, int symbol) {
  assert(symbol >= 0 && symbol < m->account.symbol_count);
  return &m->symbols[symbol].cfg;
}

struct match_watch *matcher_watch(struct matcher *m, int symbol) {
  assert(symbol >= 0 && symbol < m->account.symbol_count);
  return &m->symbols[symbol].watch;
}

void ensure_room(void **items, size_t *cap, size_t need, size_t item_size) {
  if (need <= *cap) return;
  size_t grown = *cap ? *cap * 2 : 16;
  if (grown < need) grown = need;
  void *p = realloc(*items, grown * item_size);
  assert(p);  // orders are bounded by MAX_OPEN, events are drained: a failure here is a broken caller or a dead machine
  *items = p;
  *cap = grown;
}

// --- events ----------------------------------------------------------------------------------------------------------------

struct match_event *event_add(struct matcher *m, enum match_event_kind kind, int64_t time_ns) {
  if (m->event_head == m->event_tail) m->event_head = m->event_tail = 0;
  if (m->event_tail == m->event_cap)
    ensure_room((void **)&m->events, &m->event_cap, m->event_tail + 1, sizeof *m->events);
  struct match_event *e = &m->events[m->event_tail++];
  e->kind = kind;
  e->time_ns = time_ns;
  return e;
}

size_t matcher_event_count(const struct matcher *m) { return m->event_tail - m->event_head; }

bool matcher_event_next(struct matcher *m, struct match_event *ret) {
  if (m->event_head == m->event_tail) return false;
  *ret = m->events[m->event_head++];
  return true;
}

// --- orders ----------------------------------------------------------------------------------------------------------------

struct order *order_find(const struct matcher *m, uint64_t id) {
  if (id == 0 || id > m->last_order) return NULL;
  struct order *page = m->pages[(id - 1) / ORDER_PAGE], *o = page ? &page[(id - 1) % ORDER_PAGE] : NULL;
  return o && o->id ? o : NULL;  // an id that was reserved and never used is no order
}

const struct order *matcher_order(const struct matcher *m, uint64_t id) { return order_find(m, id); }

uint64_t matcher_id_reserve(struct matcher *m) {
  uint64_t id = m->last_order + 1;
  size_t page = (id - 1) / ORDER_PAGE;
  if (page >= m->page_count) {
    ensure_room((void **)&m->pages, &m->page_cap, page + 1, sizeof *m->pages);
    if (m->spare_count > 0) m->pages[page] = memset(m->spare[--m->spare_count], 0, ORDER_PAGE * sizeof **m->pages);
    else m->pages[page] = calloc(ORDER_PAGE, sizeof **m->pages);
    assert(m->pages[page]);
    m->page_count = page + 1;
  }
  m->last_order = id;
  return id;
}

static struct order *order_at(struct matcher *m, uint64_t id) {
  assert(id > 0 && id <= m->last_order);
  struct order *o = &m->pages[(id - 1) / ORDER_PAGE][(id - 1) % ORDER_PAGE];
  assert(o->id == 0);
  o->id = id;
  o->limit = o->trigger = o->sl = o->tp = o->trail_ref = NO_PRICE;
  o->expires_ns = o->due_ns = INT64_MAX;
  return o;
}

struct order *order_new(struct matcher *m) { return order_at(m, matcher_id_reserve(m)); }

void matcher_orders_release(struct matcher *m, uint64_t id_below) {
  for (size_t p = m->first_page; (p + 1) * ORDER_PAGE < id_below && p < m->page_count; p++) {
    if (!m->pages[p]) continue;
    bool alive = false;
    for (int i = 0; i < ORDER_PAGE; i++) alive |= m->pages[p][i].id && order_alive(&m->pages[p][i]);
    if (alive) continue;
    if (m->spare_count < SPARE_PAGES) m->spare[m->spare_count++] = m->pages[p];
    else free(m->pages[p]);
    m->pages[p] = NULL;
  }
  while (m->first_page < m->page_count && !m->pages[m->first_page]) m->first_page++;
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
  o->decided_ns = now_ns, o->active_ns = now_ns + m->cfg.latency_ns, o->expires_ns = expiry_of(in, now_ns);

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
  order_change_status(m, o, m->cfg.latency_ns > 0 ? ORDER_SENT : ORDER_OPEN, REASON_NONE, now_ns);
  return REASON_NONE;
}

enum reason matcher_cancel(struct matcher *m, uint64_t id, enum reason why, int64_t now_ns) {
  assert(why != REASON_NONE);
  struct order *o = order_find(m, id);
  if (!o || !order_alive(o)) return REASON_UNKNOWN_ORDER;
  if (m->cfg.latency_ns == 0) {
    order_end(m, o, ORDER_CANCELED, why, now_ns);
  } else if (o->status != ORDER_PENDING_CANCEL) {
    o->due_ns = now_ns + m->cfg.latency_ns;
    m->symbols[o->symbol].watch.low = INT64_MAX;
    order_change_status(m, o, ORDER_PENDING_CANCEL, why, now_ns);
  }
  return REASON_NONE;
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
    if (o->expires_ns <= now_ns) {
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

// --- bars ------------------------------------------------------------------------------------------------------------------

// What a bar must at least reach before it needs a walk. Own-side levels become data prices by the spread's upper bound: a
// little too eager is fine, too lazy is not.
static void watch_order(const struct matcher *m, struct match_symbol *s, const struct order *o) {
  struct match_watch *w = &s->watch;
  bool resting = o->rested && (o->status == ORDER_OPEN || o->status == ORDER_PARTIAL) && o->type != ORDER_TRAILING &&
                 !order_is_market(o) && s->cfg.costs.kind == MARKET_MID && m->cfg.latency_ns == 0;
  if (!resting) {
    w->low = INT64_MAX;
    return;
  }
  int64_t level = order_is_limit(o) ? limit_rules_of(m)->reach(o) : o->trigger.ticks;
  bool from_above = order_is_limit(o) == (o->side == SIDE_BUY);  // fires when the price falls to the level
  if (from_above && level > w->low) w->low = level;
  if (!from_above && level < w->high) w->high = level;
  if (o->expires_ns < w->until_ns) w->until_ns = o->expires_ns;
}

void watch_money_moved(struct matcher *m) {
  for (int i = 0; i < m->account.symbol_count; i++) m->symbols[i].watch.low = INT64_MAX;
}

static void watch_refresh(struct matcher *m, struct match_symbol *s) {
  struct match_watch *w = &s->watch;
  w->low = INT64_MIN, w->high = INT64_MAX, w->until_ns = INT64_MAX, w->pos = NULL, w->lots = NULL, w->danger = false;
  if (m->ruined) {
    w->low = INT64_MAX;
    return;
  }
  if (fill_model_compat(m->cfg.model)) w->low = INT64_MAX;  // their bars always look at the queue
  for (size_t i = 0; i < s->work_count && w->low != INT64_MAX; i++) watch_order(m, s, s->work[i]);
  int held = 0;
  for (int leg = 0; leg < LEG_COUNT; leg++) {
    struct position *p = &w->acct->pos[leg];
    if (p->lots == 0) continue;
    held++;
    w->pos = p;
    w->lots = &p->open;
  }
  if (held > 1) w->low = INT64_MAX;  // hedged: two legs to count and extend
  if (held > 0 && w->low != INT64_MAX) liquidation_watch(m, s);
}

static void close_bar(struct matcher *m, struct match_symbol *s, const struct bar *b, int64_t close_ns) {
  struct account_symbol *as = &m->account.symbols[s->index];
  as->mark = b->close;
  for (int leg = 0; leg < LEG_COUNT; leg++) as->pos[leg].bars += as->pos[leg].lots != 0;
  if (s->work_count > 0) orders_due(m, s, close_ns);
}

void matcher_bar_match(struct matcher *m, int symbol, const struct match_bar *in) {
  assert(symbol >= 0 && symbol < m->account.symbol_count && in->close_ns > in->bar->open_ns);
  struct match_symbol *s = &m->symbols[symbol];
  bool fillable = !(in->bar->flags & BAR_FILLED_IN);
  if (fillable && in->bar->low.ticks > 0) {
    if (fill_model_compat(m->cfg.model)) {
      s->prev = s->now;
      s->now = *in->bar;
      orders_due(m, s, in->bar->open_ns);
      if (m->cfg.model == MODEL_COMPAT_BACKTESTING) backtesting_bar(m, s, in->bar);
      else backtrader_bar(m, s, in->bar);
    } else if (in->detail_count > 0) {
      for (size_t i = 0; i < in->detail_count; i++)
        if (!(in->detail[i].flags & BAR_FILLED_IN)) walk_bar(m, s, &in->detail[i], NULL);
    } else {
      walk_bar(m, s, in->bar, in->mark);
    }
  }
  close_bar(m, s, in->bar, in->close_ns);
  if (m->cfg.model == MODEL_COMPAT_BACKTESTING) backtesting_after(m, s);
  watch_refresh(m, s);
}

void matcher_finalize(struct matcher *m, int symbol, const struct match_bar *last) {
  if (m->cfg.model != MODEL_COMPAT_BACKTESTING || m->ruined) return;
  struct match_symbol *s = &m->symbols[symbol];
  const struct lot_list *open = &m->account.symbols[symbol].pos[LEG_NET].open;
  int64_t lots = account_lots(&m->account, symbol, LEG_NET);
  uint64_t last_entry = 0;
  for (size_t i = open->count; i-- > open->head;) {
    if (open->items[i].order == last_entry) continue;
    last_entry = open->items[i].order;
    struct intent in;
    intent_init(&in, symbol, lots > 0 ? SIDE_SELL : SIDE_BUY);
    in.reduce = true, in.closes = last_entry, in.tag = TAG_END;
    int64_t qty = 0;
    for (size_t k = open->head; k < open->count; k++) qty += open->items[k].order == last_entry ? open->items[k].lots : 0;
    uint64_t id;
    matcher_submit(m, &in, (quantity){qty}, last->close_ns, &id);
  }
  backtesting_bar(m, s, last->bar);
  account_mark(&m->account, symbol, last->bar->close);
  backtesting_after(m, s);
  watch_refresh(m, s);
}

// --- checks ----------------------------------------------------------------------------------------------------------------

void matcher_check(const struct matcher *m) {
  account_check(&m->account);
  int working = 0;
  for (int i = 0; i < m->account.symbol_count; i++) {
    const struct match_symbol *s = &m->symbols[i];
    int64_t buy = 0, sell = 0;
    for (size_t k = 0; k < s->work_count; k++) {
      const struct order *o = s->work[k];
      order_check(o);
      assert(order_alive(o) && o->status != ORDER_NEW && o->symbol == i && order_find(m, o->id) == o);
      assert(o->held.lots == 0 || o->held.lots == order_left(o).lots);
      *(o->side == SIDE_BUY ? &buy : &sell) += o->held.lots;
      if (o->parent) assert(o->reduce);
    }
    assert(buy == m->account.symbols[i].work_buy_lots && sell == m->account.symbols[i].work_sell_lots);
    working += (int)s->work_count;
  }
  assert(working == m->account.work_count);
}

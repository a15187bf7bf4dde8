// match/matcher.c – set-up, the event queue, and what a bar does under every model.
#include "match/match.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/prefetch.h"
#include "match/impl.h"

// --- set-up ----------------------------------------------------------------------------------------------------------------

static const char *const model_names[] = {"strict", "classic", "compat-backtesting", "compat-backtrader", "remote"};
static const char *const path_names[] = {"nearer", "adverse", "favourable"};

bool fill_model_parse(const char *text, enum fill_model *ret) {
  for (int i = 0; i < MODEL_REMOTE; i++)
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
  for (size_t i = m->base_page; i < m->page_count; i++) free(m->pages[i - m->base_page]);
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
    int cap = m->symbol_cap ? m->symbol_cap * 2 : 1;  // as the account
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

void matcher_prefetch(const struct matcher *m, int step) {
  if (step == 0) {
    prefetch(m, offsetof(struct matcher, pages));
    prefetch(&m->last_order, 64);
    return;
  }
  prefetch(&m->symbols->watch, sizeof m->symbols->watch);
  prefetch(&m->account.symbols->inst.value_num, offsetof(struct account_symbol, realised_q32) - offsetof(struct account_symbol, inst.value_num));
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
  size_t grown = *cap ? *cap * 2 : 4;  // most matchers are of live bots that wait
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
  if (fill_model_compat(m->cfg.model) || market_elsewhere(m)) w->low = INT64_MAX;  // their bars always look at the queue
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
    if (market_elsewhere(m)) {
      remote_bar(m, s, in->bar);
    } else if (fill_model_compat(m->cfg.model)) {
      s->prev = s->now;
      s->now = *in->bar;
      orders_due(m, s, in->bar->open_ns);
      if (m->cfg.model == MODEL_COMPAT_BACKTESTING) backtesting_bar(m, s, in->bar);
      else backtrader_bar(m, s, in->bar);
    } else if (in->detail_count > 0) {
      for (size_t i = 0; i < in->detail_count; i++)
        if (!(in->detail[i].flags & BAR_FILLED_IN)) walk_bar(m, s, &in->detail[i], in->mark, (int64_t)i, (int64_t)in->detail_count);
    } else {
      walk_bar(m, s, in->bar, in->mark, 0, 1);
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

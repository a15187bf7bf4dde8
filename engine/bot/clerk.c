// bot/clerk.c – life of a clerk, an instant, and the way back from the journal. See clerk.h.
#include "bot/clerk.h"

#include "bot/clerk_impl.h"
#include "bot/record.h"

#include <assert.h>
#include <stdlib.h>

#define PROTECT_TRADES 512
#define DAY_NS INT64_C(86400000000000)

// ---- what the blotter tells

static void seen_order(void *self, int64_t time_ns, const struct order *o, enum order_status from, enum order_status to, enum reason why) {
  struct clerk *c = self;
  c->events = true;
  if (o->parent) clerk_orders_child(c, o);
  clerk_guard_ended(c, o, to, why);
  clerk_tell_order(c, time_ns, o, from, to, why);
}

static void seen_fill(void *self, const struct fill *f) {
  struct clerk *c = self;
  c->events = true;
  struct clerk_symbol *s = clerk_symbol_of(c, f->symbol, f->leg);
  gate_fill(&s->path, f->side, f->qty.lots);
  bool fits = sub_books_fill(&c->account->books, c->slot, s->shared->book, f->side, f->px, f->qty, f->fee);
  assert(fits);  // the bot's own account has taken a larger sum
  struct clerk_order *w = clerk_order_find(c, f->order);
  if (w && (w->intent || w->denied || !w->committed) && c->shared->last && !c->restoring &&
      !last_check_filled(c->shared->last, w->intent, f->qty.lots))
    clerk_tripped(c);
  if (c->remote) clerk_remote_filled(c);
  clerk_tell_fill(c, f);
}

// ---- life

static enum status symbols_create(struct clerk *c, const struct clerk_config *config, struct err *err) {
  const struct blotter_config *b = &config->blotter;
  c->legs = b->match.hedging ? 2 : 1;
  c->symbols = calloc((size_t)b->symbol_count * (size_t)c->legs, sizeof *c->symbols);
  if (!c->symbols) return err_set(err, ERR_NOMEM, "no memory for a bot's symbols");
  for (int i = 0; i < b->symbol_count * c->legs; i++) {
    struct clerk_symbol *s = &c->symbols[i];
    s->symbol = i / c->legs;
    s->leg = c->legs == 1 ? LEG_NET : i % 2 == 0 ? LEG_LONG : LEG_SHORT;
    const struct match_symbol_config *mc = matcher_symbol_config(c->blotter.matcher, s->symbol);
    enum status st = clerk_account_symbol_get(config->account, &mc->inst, config->venue_id, s->leg, mc->leverage_e4, &s->shared, err);
    if (st != OK) return st;
    gate_symbol_init(&s->gate, &mc->inst, mc->leverage_e4);
    s->path = (struct gate_path){.bot = &c->scope, .account = &config->account->scope, .tenant = &config->account->tenant->scope,
                                 .bot_symbol = &s->gate, .account_symbol = &s->shared->gate, .bot_id = c->bot_id,
                                 .tenant_id = config->account->tenant->id, .venue_id = config->venue_id, .halt = config->shared->halt,
                                 .protect = c->protect, .protect_symbol = s->symbol,
                                 .rules = config->account->rules.rules ? &config->account->rules : NULL};
    c->symbol_count++;
  }
  return OK;
}

enum status clerk_create(const struct clerk_config *config, struct clerk **ret, struct err *err) {
  if (fill_model_compat(config->blotter.match.model))
    return err_set(err, ERR_INVALID, "%s is for backtests: live sizes must be known before the fill", fill_model_text(config->blotter.match.model));
  struct clerk *c = calloc(1, sizeof *c);
  if (!c) return err_set(err, ERR_NOMEM, "no memory for a bot");
  c->bot_id = config->bot_id, c->version = config->version;
  c->shared = config->shared, c->account = config->account, c->observer = config->observer;
  c->now_ns = c->live_from_ns = config->live_from_ns;
  c->faults = config->faults;
  c->run = config->run;
  c->day = c->script_day = INT64_MIN;
  c->script_rate = config->script_rate;
  risk_state_init(&c->script, config->blotter.match.deposit);
  struct blotter_config blotter = config->blotter;
  blotter.observer = (struct blotter_observer){.self = c, .order = seen_order, .fill = seen_fill};
  cash deposit = config->blotter.match.deposit;
  enum status st = blotter_init(&c->blotter, &blotter, err);
  if (st == OK && config->protection_count)
    st = protect_create(config->protections, config->protection_count, config->blotter.symbol_count, PROTECT_TRADES, &c->protect, err);
  if (st == OK) {
    gate_scope_init(&c->scope, LEVEL_BOT, &config->limits, deposit);
    st = symbols_create(c, config, err);
  }
  if (st == OK) st = clerk_account_join(config->account, c, deposit, err);
  if (st != OK) {
    c->account = NULL;  // was not joined
    clerk_destroy(c);
    return st;
  }
  c->equity_e8 = c->balance_e8 = c->free_e8 = deposit.e8;
  *ret = c;
  return OK;
}

void clerk_destroy(struct clerk *c) {
  if (!c) return;
  if (c->account) {
    clerk_orders_release(c);
    for (int i = 0; i < c->symbol_count; i++) {
      struct clerk_symbol *s = &c->symbols[i];
      if (s->gate.lots != 0) gate_fill(&s->path, s->gate.lots > 0 ? SIDE_SELL : SIDE_BUY, s->gate.lots > 0 ? s->gate.lots : -s->gate.lots);
    }
    clerk_account_leave(c->account, c);
  }
  clerk_remote_close(c);
  blotter_finish(&c->blotter);
  protect_destroy(c->protect);
  risk_state_finish(&c->script);
  free(c->symbols);
  free(c->orders);
  free(c->names);
  free(c->waiting);
  free(c->guards);
  free(c->lost);
  free(c);
}

uint64_t clerk_bot(const struct clerk *c) { return c->bot_id; }
const struct matcher *clerk_matcher(const struct clerk *c) { return c->blotter.matcher; }
void clerk_hash(const struct clerk *c, char ret_hex[SHA256_HEX_SIZE]) { blotter_hash(&c->blotter, ret_hex); }
int64_t clerk_now(const struct clerk *c) { return c->now_ns; }
void clerk_version(struct clerk *c, uint32_t version) { clerk_version_from(c, version, matcher_order_last(c->blotter.matcher) + 1); }

void clerk_version_from(struct clerk *c, uint32_t version, uint64_t order) {
  struct clerk_names *names = realloc(c->names, (c->name_count + 1) * sizeof *names);
  if (!names) return;  // the former's goes on: names stay unique, since orders' numbers are
  c->names = names;
  c->names[c->name_count++] = (struct clerk_names){order, version};
}

uint32_t clerk_version_of(const struct clerk *c, uint64_t order) {
  size_t i = c->name_count;
  while (i > 0 && c->names[i - 1].from > order) i--;
  return i ? c->names[i - 1].version : c->version;
}

void clerk_limits(struct clerk *c, const struct gate_limits *limits) { c->scope.limits = *limits; }

void clerk_plan_denies(struct clerk *c, enum refusal_rule why) {
  for (int i = 0; i < c->symbol_count; i++) c->symbols[i].path.plan_denies = why;
  if (why == REFUSE_NONE) return;
  c->excess = true;
  c->excess_why = refusal_reason(why);
}

static bool closed_trade(const struct clerk *c, const struct trade *t, int64_t close_ns, struct protect_trade *ret) {
  cash cost;
  int64_t frac;
  const struct instrument *inst = c->symbols[t->symbol * c->legs].gate.inst;
  if (!instrument_notional(inst, t->entry_px, t->qty, ROUND_CEIL, &cost) || cost.e8 <= 0) return false;
  if (!narrow_checked(div_floor((int128)t->pnl.e8 * INT64_C(100000000), cost.e8), &frac)) return false;
  *ret = (struct protect_trade){.symbol = t->symbol, .close_ns = close_ns, .profit_e8 = frac, .stop = t->liquidated || t->exit_tag == TAG_SL};
  return true;
}

enum status clerk_protections(struct clerk *c, const struct protect_rule *rules, size_t count, struct err *err) {
  struct protect *made = NULL;
  if (count) {
    const enum status st = protect_create(rules, count, c->symbol_count / c->legs, PROTECT_TRADES, &made, err);
    if (st != OK) return st;
  }
  if (made && c->protect) protect_take(made, c->protect);
  else if (made) {
    const struct trade_list *trades = &matcher_account(c->blotter.matcher)->trades;
    struct protect_trade one;
    int64_t last_ns = INT64_MIN;
    for (size_t i = 0; i < trades->count; i++) {
      if (trades->items[i].exit_ns > last_ns) last_ns = trades->items[i].exit_ns;
      if (closed_trade(c, &trades->items[i], last_ns, &one)) (void)protect_closed(made, &one);
    }
  }
  protect_destroy(c->protect);
  c->protect = made;
  for (int i = 0; i < c->symbol_count; i++) c->symbols[i].path.protect = made;
  return OK;
}

void clerk_client_id(const struct clerk *c, uint64_t order, char ret_text[CLIENT_ID_SIZE]) {
  const struct client_id id = clerk_name(c, order);
  client_id_format(&id, ret_text);
}

struct client_id clerk_name(const struct clerk *c, uint64_t order) {
  return (struct client_id){c->bot_id, clerk_version_of(c, order), c->run ? record_intent(c->run, order) : order};
}

bool clerk_flat(const struct clerk *c) {
  for (int i = 0; i < c->symbol_count; i++)
    if (c->symbols[i].gate.lots != 0 || c->symbols[i].gate.buy_lots > 0 || c->symbols[i].gate.sell_lots > 0) return false;
  return true;
}

// ---- the market's part of an instant

void clerk_mark(struct clerk *c, int symbol, price px) { matcher_mark(c->blotter.matcher, symbol, px); }

// Funding is money without an execution: into the sub-ledger as well.
static enum status book_funding(struct clerk *c, struct err *err) {
  int64_t sum = ledger_total(&matcher_account(c->blotter.matcher)->ledger, BOOK_FUNDING).e8, delta = sum - c->funding_e8;
  if (delta == 0) return OK;
  if (!sub_books_deposit(&c->account->books, (cash){delta}) || !sub_books_allot(&c->account->books, c->slot, (cash){delta}))
    return err_set(err, ERR_RANGE, "funding does not fit in 64 bits");
  c->funding_e8 = sum;
  return OK;
}

static void trades_closed(struct clerk *c) {
  const struct trade_list *trades = &matcher_account(c->blotter.matcher)->trades;
  for (; c->trades_seen < trades->count; c->trades_seen++) {
    struct protect_trade one;
    if (c->protect && closed_trade(c, &trades->items[c->trades_seen], c->now_ns, &one)) (void)protect_closed(c->protect, &one);
  }
}

static bool occupied(const struct clerk_symbol *s) { return s->gate.lots != 0 || s->gate.buy_lots > 0 || s->gate.sell_lots > 0; }

// New prices where something depends on them. True: equity may have changed.
static bool reprice(struct clerk *c, bool funded) {
  bool held = c->events || funded;
  for (int i = 0; i < c->symbol_count; i++) {
    struct clerk_symbol *s = &c->symbols[i];
    price mark = matcher_account(c->blotter.matcher)->symbols[s->symbol].mark;
    if (!occupied(s) || !price_given(mark)) continue;
    held = held || s->gate.lots != 0;
    gate_price(&s->path, mark);
    struct refusal why;
    if (c->restoring || !gate_excess(&s->path, &why)) continue;
    c->excess = true;
    c->excess_why = refusal_reason(why.rule);
  }
  return held;
}

static void count_money(struct clerk *c) {
  const struct account *a = matcher_account(c->blotter.matcher);
  int64_t equity = account_equity(a).e8, balance = account_balance(a).e8, free = account_free_now(a).e8;
  clerk_account_moved(c->account, equity - c->equity_e8, balance - c->balance_e8, free - c->free_e8);
  c->equity_e8 = equity, c->balance_e8 = balance, c->free_e8 = free;
}

static void mark(struct clerk *c, bool funded) {
  bool changed = reprice(c, funded);
  if (changed) count_money(c);
  gate_scope_mark(&c->scope, (cash){c->equity_e8});
  int64_t today = c->now_ns / DAY_NS;
  bool turned = today > c->day;
  if (turned) {
    c->day = today;
    gate_scope_day(&c->scope);
  }
  const struct rule_state *rules = &c->account->rules;
  if (!c->restoring && (changed || turned || (rules->rules && c->now_ns >= rules->next_reset_ns))) clerk_account_marked(c->account, c->now_ns);
}

void clerk_funding(struct clerk *c, int64_t now_ns, const struct instant_funding *f) {
  bool concerned = false;
  for (int i = 0; i < c->symbol_count; i++) concerned = concerned || (c->symbols[i].symbol == f->symbol && occupied(&c->symbols[i]));
  const struct bot_command cmd = {.kind = COMMAND_FUNDING, .time_ns = now_ns, .intent.symbol = f->symbol, .funding = {f->ts_ns, f->rate_e12, f->mark, f->before_match}};
  assert(!c->busy && !c->restoring);
  if (concerned && blotter_due(&c->blotter, &cmd) && c->observer.imposed) c->observer.imposed(c->observer.self, &cmd);
}

bool clerk_follows(const struct clerk *c, int64_t now_ns) { return !c->busy && now_ns > c->now_ns; }

enum status clerk_market(struct clerk *c, const struct instant *in, struct err *err) {
  if (!clerk_follows(c, in->now_ns)) return err_set(err, ERR_EXISTS, "an instant that is not later than the bot's last, or before that has ended");
  c->at_stops.known = false;
  const bool funded = in->funding_count > 0 || c->blotter.due_count > 0;
  if (c->uncommitted > 0) clerk_uncommitted(c);
  c->now_ns = in->now_ns;
  c->busy = true;
  c->commands = 0;
  c->events = false;
  enum status st = blotter_market(&c->blotter, in, err);
  if (st == OK && funded) st = book_funding(c, err);
  if (st != OK) return st;
  if (c->events) {
    clerk_orders_sync(c);
    trades_closed(c);
  }
  mark(c, funded);
  if (c->now_ns / DAY_NS != c->script_day) c->market_e8 = matcher_equity(c->blotter.matcher).e8;
  c->busy = !c->restoring;
  return OK;
}

void clerk_script_saw(struct clerk *c) {
  const int64_t today = c->now_ns / DAY_NS;
  if (today == c->script_day) return;
  if (c->script_day != INT64_MIN) risk_state_day(&c->script, (cash){c->market_e8});
  c->script_day = today;
}

enum status clerk_brought(struct clerk *c, struct err *err) {
  const enum status st = book_funding(c, err);
  (void)reprice(c, true);
  count_money(c);
  gate_scope_mark(&c->scope, (cash){c->equity_e8});
  return st;
}

// Between two instants the core has closed something.
void clerk_executed(struct clerk *c) {
  trades_closed(c);
  count_money(c);
  gate_scope_mark(&c->scope, (cash){c->equity_e8});
  if (!c->restoring) clerk_account_marked(c->account, c->now_ns);
}

void clerk_paid(struct clerk *c) {
  struct err err;
  const enum status st = book_funding(c, &err);
  assert(st == OK);  // the bot's own ledger has taken it
  clerk_executed(c);
}

void clerk_end(struct clerk *c) {
  c->busy = false;
  clerk_act(c);
}

#define TRADES_MOST 16
bool clerk_forget(struct clerk *c) {
  assert(!c->busy);
  blotter_forget_orders(&c->blotter);
  if (matcher_account(c->blotter.matcher)->trades.count < TRADES_MOST || c->trades_seen < matcher_account(c->blotter.matcher)->trades.count) return false;
  matcher_trades_forget(c->blotter.matcher);
  c->trades_seen = 0;
  return true;
}

// ---- restore

void clerk_restore_begin(struct clerk *c) {
  assert(!c->busy && c->blotter.matcher && matcher_order_last(c->blotter.matcher) == 0);
  c->restoring = true;
  c->now_ns = INT64_MIN;
}

bool clerk_restore_command(struct clerk *c, const struct bot_command *cmd) {
  assert(c->restoring);
  struct clerk_verdict v;
  clerk_command(c, cmd, &v);
  return v.answer == CLERK_TAKEN;
}

void clerk_restore_retell(struct clerk *c) {
  assert(c->restoring);
  c->retelling = true;
}

void clerk_restore_end(struct clerk *c) {
  assert(c->restoring);
  c->restoring = c->retelling = false;
  if (c->now_ns == INT64_MIN) c->now_ns = c->live_from_ns;
  for (size_t i = 0; i < c->order_count; i++) {
    struct clerk_order *w = &c->orders[i];
    const struct order *o = matcher_order(c->blotter.matcher, w->id);
    if (!w->ticket.open || !c->shared->last) continue;
    w->intent = ++c->shared->intents;
    w->watched = c->remote ? w->largest_lots : o->qty.lots;
    if (!last_check_adopt(c->shared->last, w->intent, o->filled.lots, w->watched - o->filled.lots)) clerk_tripped(c);
  }
  if (c->remote) clerk_remote_restored(c);
  else clerk_route_restored(c);
  clerk_account_restored(c->account, c);
  clerk_account_marked(c->account, c->now_ns);
  clerk_act(c);
}

// ---- what must hold

void clerk_check(const struct clerk *c) {
  const struct matcher *m = c->blotter.matcher;
  matcher_check(m);
  size_t uncommitted = 0;
  for (int i = 0; i < c->symbol_count; i++) {
    const struct clerk_symbol *s = &c->symbols[i];
    const struct position *p = &matcher_account(m)->symbols[s->symbol].pos[s->leg];
    assert(s->gate.lots == p->lots);
    assert(sub_books_line(&c->account->books, c->slot, s->shared->book)->lots == p->lots);
    int128 buys = 0, sells = 0;
    size_t resting = 0;
    for (size_t k = 0; k < c->order_count; k++) {
      const struct clerk_order *w = &c->orders[k];
      if (w->symbol != i) continue;
      if (w->ticket.side == SIDE_BUY) buys += w->ticket.lots;
      else sells += w->ticket.lots;
      resting += w->rests;
      uncommitted += !w->committed;
      assert(matcher_order(m, w->id) && order_alive(matcher_order(m, w->id)));
      assert(k == 0 || c->orders[k - 1].id < w->id);
    }
    assert(buys == s->gate.buy_lots && sells == s->gate.sell_lots && resting == s->resting_count);
  }
  assert(uncommitted == c->uncommitted);
  clerk_rules_check(c);
  clerk_account_check(c->account);
}

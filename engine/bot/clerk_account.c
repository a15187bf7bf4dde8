// bot/clerk_account.c – sums over the bots of an account. See clerk_account.h.
#include "bot/clerk_account.h"

#include "bot/clerk_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FRAC_ONE INT64_C(100000000)

static int64_t saturate(int128 v) { return v > INT64_MAX ? INT64_MAX : v < INT64_MIN + 1 ? INT64_MIN + 1 : (int64_t)v; }

void clerk_tenant_init(struct clerk_tenant *t, uint64_t id, const struct gate_limits *limits) {
  *t = (struct clerk_tenant){.id = id, .day = INT64_MIN};
  gate_scope_init(&t->scope, LEVEL_TENANT, limits, (cash){0});
}

// ---- what others have of the tenant follows by differences

static int64_t in_tenants_currency(const struct clerk_account *a, int128 e8) { return saturate(div_floor(e8 * a->scope.rate_e8, FRAC_ONE)); }

static int64_t clerk_deposit(const struct clerk *c) { return matcher_config(c->blotter.matcher)->deposit.e8; }

static int128 account_equity_e8(const struct clerk_account *a) { return a->equity_e8 + a->books.slots[SUB_HOUSE].deposit_e8; }

static void equity_changed(struct clerk_account *a) {
  struct gate_scope *up = &a->tenant->scope;
  int64_t told = in_tenants_currency(a, account_equity_e8(a));
  gate_scope_mark(&a->scope, (cash){saturate(account_equity_e8(a))});
  gate_scope_mark(up, (cash){saturate((int128)up->equity_e8 + told - a->told_e8)});
  a->told_e8 = told;
  a->scope.free_e8 = saturate(a->free_e8 + a->books.slots[SUB_HOUSE].deposit_e8);
}

static void base_changed_one(struct gate_scope *s, int64_t day_e8, int64_t peak_e8) {
  s->day_start_e8 = saturate((int128)s->day_start_e8 + day_e8);
  s->peak_e8 = saturate((int128)s->peak_e8 + peak_e8);
}

// Money that came or went and is neither profit nor loss of today (of the time since the peak): marks move with it.
static void base_changed(struct clerk_account *a, int64_t day_e8, int64_t peak_e8) {
  base_changed_one(&a->scope, day_e8, peak_e8);
  base_changed_one(&a->tenant->scope, in_tenants_currency(a, day_e8), in_tenants_currency(a, peak_e8));
}

// ---- life

enum status clerk_account_create(const struct clerk_account_config *config, struct clerk_account **ret, struct err *err) {
  if (config->balance.e8 <= 0) return err_set(err, ERR_INVALID, "an account needs a balance above 0");
  struct clerk_account *a = calloc(1, sizeof *a);
  if (!a) return err_set(err, ERR_NOMEM, "no memory for an account");
  a->id = config->id;
  a->tenant = config->tenant;
  a->day = INT64_MIN;
  gate_scope_init(&a->scope, LEVEL_ACCOUNT, &config->limits, (cash){0});
  if (config->rate_e8) a->scope.rate_e8 = config->rate_e8;
  enum status st = sub_books_init(&a->books, err);
  if (st != OK) {
    free(a);
    return st;
  }
  bool fits = clerk_account_deposit(a, config->balance);
  assert(fits);
  if (config->rules) {
    rule_state_init(&a->rules, config->rules, config->balance, config->balance, config->now_ns);
    a->rules.news = config->news;
  }
  *ret = a;
  return OK;
}

void clerk_account_destroy(struct clerk_account *a) {
  if (!a) return;
  assert(a->clerk_count == 0);
  bool out = clerk_account_deposit(a, (cash){-clerk_account_house(a).e8});
  assert(out);
  for (int i = 0; i < a->symbol_count; i++) {
    resting_finish(&a->symbols[i]->resting);
    free(a->symbols[i]);
  }
  free(a->symbols);
  free(a->clerks);
  free(a->away);
  sub_books_finish(&a->books);
  free(a);
}

uint64_t clerk_account_id(const struct clerk_account *a) { return a->id; }
struct gate_scope *clerk_account_scope(struct clerk_account *a) { return &a->scope; }
const struct sub_books *clerk_account_books(const struct clerk_account *a) { return &a->books; }
struct rule_state *clerk_account_rules(struct clerk_account *a) { return a->rules.rules ? &a->rules : NULL; }
cash clerk_account_equity(const struct clerk_account *a) { return (cash){saturate(account_equity_e8(a))}; }
cash clerk_account_house(const struct clerk_account *a) { return (cash){a->books.slots[SUB_HOUSE].deposit_e8}; }
void clerk_account_limits(struct clerk_account *a, const struct gate_limits *limits) { a->scope.limits = *limits; }

bool clerk_account_deposit(struct clerk_account *a, cash amount) {
  int64_t house;
  if (!add_checked(clerk_account_house(a).e8, amount.e8, &house) || house < 0) return false;
  if (!sub_books_deposit(&a->books, amount)) return false;
  base_changed(a, amount.e8, amount.e8);
  equity_changed(a);
  return true;
}

void clerk_account_settle(struct clerk_account *a, cash result) {
  const bool fits = sub_books_deposit(&a->books, result);
  assert(fits);  // was counted in the account's equity before
  base_changed(a, result.e8, result.e8);
  equity_changed(a);
}

// ---- rules

void clerk_account_rule(struct clerk_account *a, const struct rule_set *rules, const struct rule_state *stored, int64_t now_ns) {
  const struct rule_state before = a->rules;
  const cash equity = clerk_account_equity(a), balance = {saturate(a->balance_e8 + a->books.slots[SUB_HOUSE].deposit_e8)};
  if (!rules) a->rules = (struct rule_state){0};
  else if (stored) a->rules = *stored;
  else if (before.rules) rule_state_swap(&a->rules, rules, now_ns);
  else rule_state_init(&a->rules, rules, balance, equity, now_ns);
  a->rules.rules = rules;
  a->rules.news = before.news;
  for (int i = 0; i < a->clerk_count; i++) {
    a->clerks[i]->at_stops.known = false;
    for (size_t k = 0; k < a->clerks[i]->order_count; k++) a->clerks[i]->orders[k].stop.rules = NULL;
    for (int k = 0; k < a->clerks[i]->symbol_count; k++) a->clerks[i]->symbols[k].path.rules = rules ? &a->rules : NULL;
  }
}

void clerk_account_news(struct clerk_account *a, const struct news_list *news) { a->rules.news = news; }

void clerk_account_hold(struct clerk_account *a, bool held) {
  const bool was = a->held;
  int64_t now_ns = INT64_MIN;
  a->held = held;
  for (int i = 0; i < a->clerk_count; i++)
    if (a->clerks[i]->now_ns > now_ns) now_ns = a->clerks[i]->now_ns;
  if (was && !held && now_ns > INT64_MIN) clerk_account_marked(a, now_ns);
}

void clerk_account_away(struct clerk_account *a, const struct clerk *c) {
  clerk_account_back(a, c->bot_id);
  clerk_room((void **)&a->away, &a->away_cap, a->away_count + 1, sizeof *a->away);
  const int64_t deposit = clerk_deposit(c);
  a->away[a->away_count++] = (struct clerk_away){c->bot_id, saturate((int128)c->equity_e8 - deposit), saturate((int128)c->balance_e8 - deposit)};
}

void clerk_account_back(struct clerk_account *a, uint64_t bot_id) {
  for (size_t i = 0; i < a->away_count; i++)
    if (a->away[i].bot_id == bot_id) {
      a->away[i] = a->away[--a->away_count];
      return;
    }
}

void clerk_account_paid(struct clerk_account *a, cash amount) {
  if (a->rules.rules) rule_state_paid(&a->rules, amount);
}

bool clerk_account_wants_flat(const struct clerk_account *a) {
  for (int i = 0; i < a->clerk_count; i++)
    if (a->clerks[i]->flatten_why == REASON_PROP_RULE) return true;
  return false;
}

void clerk_account_act(struct clerk_account *a) {
  for (int i = 0; i < a->clerk_count; i++)
    if (a->clerks[i]->flatten_why == REASON_PROP_RULE) clerk_act(a->clerks[i]);
}

// ---- who belongs to it

enum status clerk_account_join(struct clerk_account *a, struct clerk *c, cash deposit, struct err *err) {
  if (deposit.e8 > clerk_account_house(a).e8) return err_set(err, ERR_LIMIT, "the account has less left than the bot is to have");
  enum status st = sub_books_attach(&a->books, c->bot_id, &c->slot, err);
  if (st != OK) return st;
  bool fits = sub_books_allot(&a->books, c->slot, deposit);
  assert(fits);  // a part of what the house has
  size_t cap = (size_t)a->clerk_cap;
  clerk_room((void **)&a->clerks, &cap, (size_t)a->clerk_count + 1, sizeof *a->clerks);
  a->clerk_cap = (int)cap;
  a->clerks[a->clerk_count++] = c;
  clerk_account_moved(a, deposit.e8, deposit.e8, deposit.e8);
  return OK;
}

void clerk_account_leave(struct clerk_account *a, struct clerk *c) {
  int at = 0;
  while (a->clerks[at] != c) at++;
  a->clerks[at] = a->clerks[--a->clerk_count];
  sub_books_leave(&a->books, c->slot);
  bool out = sub_books_deposit(&a->books, (cash){-c->funding_e8});  // came with its history, goes with it
  assert(out);
  clerk_account_moved(a, -c->equity_e8, -c->balance_e8, -c->free_e8);
  int64_t profit = saturate((int128)c->equity_e8 - clerk_deposit(c));
  base_changed(a, -profit, -profit);  // goes with it too: no loss of the day, and no gain
  equity_changed(a);
}

void clerk_account_restored(struct clerk_account *a, const struct clerk *c) {
  int64_t day_start = c->day < a->day ? c->equity_e8 : c->scope.day_start_e8, deposit = clerk_deposit(c);
  base_changed(a, saturate((int128)day_start - deposit), saturate((int128)c->scope.peak_e8 - deposit));
}

static bool same(const struct clerk_account_symbol *s, const struct instrument *inst, uint64_t venue, enum leg leg) {
  const struct instrument *o = &s->inst;
  return s->venue == venue && s->leg == leg && strcmp(o->symbol, inst->symbol) == 0 && o->value_num == inst->value_num &&
         o->value_den == inst->value_den && o->tick.digits == inst->tick.digits && o->tick.scale == inst->tick.scale;
}

enum status clerk_account_symbol_get(struct clerk_account *a, const struct instrument *inst, uint64_t venue, enum leg leg, int64_t leverage_e4,
                                     struct clerk_account_symbol **ret, struct err *err) {
  for (int i = 0; i < a->symbol_count; i++)
    if (same(a->symbols[i], inst, venue, leg)) {
      *ret = a->symbols[i];
      return OK;
    }
  struct clerk_account_symbol *s = calloc(1, sizeof *s);
  if (!s) return err_set(err, ERR_NOMEM, "no memory for a symbol of an account");
  s->inst = *inst, s->venue = venue, s->leg = leg;
  enum status st = sub_books_symbol(&a->books, inst, &s->book, err);
  if (st != OK) {
    free(s);
    return st;
  }
  gate_symbol_init(&s->gate, &s->inst, leverage_e4);
  resting_init(&s->resting);
  size_t cap = (size_t)a->symbol_cap;
  clerk_room((void **)&a->symbols, &cap, (size_t)a->symbol_count + 1, sizeof *a->symbols);
  a->symbol_cap = (int)cap;
  *ret = a->symbols[a->symbol_count++] = s;
  return OK;
}

// ---- money

void clerk_account_moved(struct clerk_account *a, int64_t equity_e8, int64_t balance_e8, int64_t free_e8) {
  a->equity_e8 += equity_e8;
  a->balance_e8 += balance_e8;
  a->free_e8 += free_e8;
}

static void turn_day(struct gate_scope *s, int64_t *day, int64_t now_ns) {
  int64_t today = now_ns / INT64_C(86400000000000);
  if (today <= *day) return;
  *day = today;
  gate_scope_day(s);
}

// Only remembered here: between the market's part of one bot and that of another nothing may be done to the other's orders.
static void want_flat(struct clerk_account *a, const struct refusal *why) {
  char text[REFUSAL_TEXT_SIZE];
  refusal_text(why, NULL, text);
  for (int i = 0; i < a->clerk_count; i++) {
    struct clerk *c = a->clerks[i];
    if (clerk_flat(c) || c->flatten_why != REASON_NONE) continue;
    c->flatten_why = REASON_PROP_RULE;
    clerk_tell_intervened(c, REASON_PROP_RULE, text);
  }
}

static void judge(struct clerk_account *a, int64_t now_ns) {
  int128 equity = account_equity_e8(a), balance = a->balance_e8 + a->books.slots[SUB_HOUSE].deposit_e8;
  if (!a->rules.rules || a->held) return;
  for (size_t i = 0; i < a->away_count; i++) equity += a->away[i].equity_e8, balance += a->away[i].balance_e8;
  struct rule_result r = rule_mark(&a->rules, (cash){saturate(balance)}, (cash){saturate(equity)}, now_ns);
  if (r.action != RULE_GO_ON) want_flat(a, &r.why);
}

void clerk_account_marked(struct clerk_account *a, int64_t now_ns) {
  equity_changed(a);
  turn_day(&a->scope, &a->day, now_ns);
  turn_day(&a->tenant->scope, &a->tenant->day, now_ns);
  judge(a, now_ns);
}

void clerk_account_check(const struct clerk_account *a) {
  sub_books_check(&a->books);
  int128 equity = 0, free = 0, balance = 0;
  for (int i = 0; i < a->clerk_count; i++) {
    equity += a->clerks[i]->equity_e8;
    balance += a->clerks[i]->balance_e8;
    free += a->clerks[i]->free_e8;
  }
  assert(equity == a->equity_e8 && balance == a->balance_e8 && free == a->free_e8);
  for (int i = 0; i < a->symbol_count; i++) {
    const struct clerk_account_symbol *s = a->symbols[i];
    int128 lots = 0, buys = 0, sells = 0;
    size_t resting = 0;
    for (int k = 0; k < a->clerk_count; k++)
      for (int n = 0; n < a->clerks[k]->symbol_count; n++) {
        const struct clerk_symbol *own = &a->clerks[k]->symbols[n];
        if (own->shared != s) continue;
        lots += own->gate.lots, buys += own->gate.buy_lots, sells += own->gate.sell_lots;
        resting += own->resting_count;
      }
    assert(lots == s->gate.lots && buys == s->gate.buy_lots && sells == s->gate.sell_lots);
    assert(lots == a->books.account[s->book].lots && resting == s->resting.count);
  }
}

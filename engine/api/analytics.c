// api/analytics.c – what all trades of a tenant come to: over everything, by symbol, by strategy, by account, and by day. Sums are exact; those
// of different currencies are never added.
#include "api/bots.h"
#include "api/bots_page.h"
#include "api/core.h"
#include "api/handlers.h"
#include "api/list.h"
#include "api/tenant_view.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

// ---- groups

struct group {
  const char *key, *currency;  // of the view; key: symbol, or NULL
  int64_t id;                  // script or account; 0
  const struct tenant_view_bot *bot;  // one of it, for its names
  struct tenant_sums sums;
};

enum by { BY_ALL, BY_SYMBOL, BY_STRATEGY, BY_ACCOUNT };

struct groups {
  struct tenant_view *v;
  enum by by;
  struct group *items;
  size_t count;
};

static struct group *group_of(struct groups *g, const struct group *want) {
  for (size_t i = 0; i < g->count; i++) {
    struct group *there = &g->items[i];
    if (there->id == want->id && strcmp(there->currency, want->currency) == 0 && (!want->key || strcmp(there->key, want->key) == 0)) return there;
  }
  struct group *more = realloc(g->items, (g->count + 1) * sizeof *more);
  if (!more) return NULL;
  g->items = more;
  more[g->count] = *want;
  return &more[g->count++];
}

static void add_to(struct tenant_sums *to, const struct tenant_sums *s) {
  if (!to->trades || s->best_e8 > to->best_e8) to->best_e8 = s->best_e8;
  if (!to->trades || s->worst_e8 < to->worst_e8) to->worst_e8 = s->worst_e8;
  to->trades += s->trades;
  to->wins += s->wins;
  to->profit_e8 += s->profit_e8;
  to->loss_e8 += s->loss_e8;
  to->fees_e8 += s->fees_e8;
  to->held_ms += s->held_ms;
}

static void add_sums(void *arg, const struct tenant_sums *s) {
  struct groups *g = arg;
  struct group want = {.bot = tenant_view_bot(g->v, s->bot_id)};
  if (!want.bot) return;  // it is being erased
  want.currency = want.bot->currency;
  if (g->by == BY_STRATEGY) want.id = want.bot->script_id;
  if (g->by == BY_ACCOUNT) want.id = want.bot->account_id;
  if (g->by == BY_SYMBOL || g->v->filter.symbol) {
    const struct journal_series *series = tenant_view_series(g->v, s->series);
    if (!series || (g->v->filter.symbol && strcmp(g->v->filter.symbol, series->terms.inst.symbol) != 0)) return;
    if (g->by == BY_SYMBOL) want.key = series->terms.inst.symbol;
  }
  // Kept by value: the view's series move when it learns another.
  char *kept = NULL;
  if (want.key) {
    for (size_t i = 0; i < g->count && !kept; i++)
      if (strcmp(g->items[i].key, want.key) == 0) kept = (char *)g->items[i].key;
    if (!kept && (kept = api_alloc(g->v->call, strlen(want.key) + 1))) strcpy(kept, want.key);
    want.key = kept;
    if (!kept) {
      g->v->status = ERR_NOMEM;
      return;
    }
  }
  struct group *to = group_of(g, &want);
  if (to) add_to(&to->sums, s);
  else g->v->status = ERR_NOMEM;
}

static enum status gather(struct tenant_view *v, enum by by, struct groups *ret) {
  *ret = (struct groups){.v = v, .by = by};
  enum status st = tenant_sums(tenant_view_journal(v), &v->filter, add_sums, ret, &v->call->err);
  return st == OK && v->status != OK ? err_set(&v->call->err, v->status, "out of memory") : st;
}

// ---- as they are shown

static void put_sums(struct json_out *o, const struct tenant_sums *s) {
  jo_int(o, "trades", s->trades);
  jo_int(o, "wins", s->wins);
  bots_put_cash(o, "pnl", tenant_view_clamp(s->profit_e8 - s->loss_e8));
  bots_put_cash(o, "profit", tenant_view_clamp(s->profit_e8));
  bots_put_cash(o, "loss", tenant_view_clamp(s->loss_e8));
  bots_put_cash(o, "fees", tenant_view_clamp(s->fees_e8));
  if (s->trades) {
    jo_real(o, "win_rate_pct", 100.0 * (double)s->wins / (double)s->trades);
    bots_put_cash(o, "expectancy", tenant_view_clamp((s->profit_e8 - s->loss_e8) / s->trades));
    bots_put_cash(o, "best", (cash){s->best_e8});
    bots_put_cash(o, "worst", (cash){s->worst_e8});
    jo_int(o, "avg_held_ms", (int64_t)(s->held_ms / s->trades));
  } else {
    static const char *const none[] = {"win_rate_pct", "expectancy", "best", "worst", "avg_held_ms"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) jo_null(o, none[i]);
  }
  if (s->loss_e8 > 0) jo_real(o, "profit_factor", (double)s->profit_e8 / (double)s->loss_e8);
  else jo_null(o, "profit_factor");
}

static int by_pnl(const void *a, const void *b) {
  const struct group *x = a, *y = b;
  const int128 p = x->sums.profit_e8 - x->sums.loss_e8, q = y->sums.profit_e8 - y->sums.loss_e8;
  return p > q ? -1 : p < q;
}

static enum status by_what(struct api_call *call, enum by by) {
  struct tenant_view *v;
  struct groups g = {0};
  struct buf text;
  struct json_out o;
  enum status st = tenant_view_begin(call, &v);
  if (st == OK) st = gather(v, by, &g);
  buf_init(&text, 16u << 20);
  json_out_init(&o, &text, false);
  jo_open(&o, NULL, '{');
  jo_open(&o, "items", '[');
  if (g.count) qsort(g.items, g.count, sizeof *g.items, by_pnl);
  for (size_t i = 0; st == OK && i < g.count; i++) {
    const struct group *item = &g.items[i];
    jo_open(&o, NULL, '{');
    if (by == BY_SYMBOL) jo_text(&o, "symbol", item->key);
    if (by == BY_STRATEGY) jo_id(&o, "strategy_id", "str", item->id), jo_text(&o, "strategy", item->bot->script);
    if (by == BY_ACCOUNT) jo_id(&o, "account_id", "acc", item->id), jo_text(&o, "account", item->bot->account), jo_bool(&o, "paper", item->bot->paper);
    jo_text(&o, "currency", item->currency);
    put_sums(&o, &item->sums);
    jo_close(&o);
  }
  jo_close(&o);
  jo_close(&o);
  free(g.items);
  return tenant_view_answer(call, &text, st);
}

enum status api_analytics_by_symbol(struct api_call *call) { return by_what(call, BY_SYMBOL); }
enum status api_analytics_by_strategy(struct api_call *call) { return by_what(call, BY_STRATEGY); }
enum status api_analytics_by_account(struct api_call *call) { return by_what(call, BY_ACCOUNT); }

// ---- day by day

struct day_sum {
  int64_t day, trades, wins;
  const char *currency;
  int128 pnl_e8, fees_e8;
};
struct days {
  struct tenant_view *v;
  struct json_out *o;
  struct day_sum now[8];  // of one day, a currency each
  int count;
};

static void put_days(struct days *d) {
  for (int i = 0; i < d->count; i++) {
    jo_open(d->o, NULL, '{');
    jo_int(d->o, "day_ms", d->now[i].day * (NS_PER_DAY / NS_PER_MS));
    jo_text(d->o, "currency", d->now[i].currency);
    jo_int(d->o, "trades", d->now[i].trades);
    jo_int(d->o, "wins", d->now[i].wins);
    bots_put_cash(d->o, "pnl", tenant_view_clamp(d->now[i].pnl_e8));
    bots_put_cash(d->o, "fees", tenant_view_clamp(d->now[i].fees_e8));
    jo_close(d->o);
  }
  d->count = 0;
}

static void add_day(void *arg, int64_t bot_id, int64_t day, int64_t trades, int64_t wins, cash pnl, cash fees) {
  struct days *d = arg;
  const struct tenant_view_bot *b = tenant_view_bot(d->v, bot_id);
  if (!b) return;
  if (d->count && d->now[0].day != day) put_days(d);
  int i = 0;
  while (i < d->count && strcmp(d->now[i].currency, b->currency) != 0) i++;
  if (i == (int)(sizeof d->now / sizeof *d->now)) return;  // accounts in more than eight currencies
  if (i == d->count) d->now[d->count++] = (struct day_sum){.day = day, .currency = b->currency};
  d->now[i].trades += trades, d->now[i].wins += wins, d->now[i].pnl_e8 += pnl.e8, d->now[i].fees_e8 += fees.e8;
}

enum status api_analytics_by_day(struct api_call *call) {
  struct tenant_view *v;
  struct buf text;
  struct json_out o;
  enum status st = tenant_view_begin(call, &v);
  if (st != OK) return st;
  buf_init(&text, 16u << 20);
  json_out_init(&o, &text, false);
  jo_open(&o, NULL, '{');
  jo_open(&o, "items", '[');
  struct days d = {.v = v, .o = &o};
  st = tenant_days(tenant_view_journal(v), &v->filter, add_day, &d, &call->err);
  put_days(&d);
  jo_close(&o);
  jo_close(&o);
  return tenant_view_answer(call, &text, st);
}

// ---- overview

struct purse {
  const char *currency;
  int128 equity_e8, open_pnl_e8, today_e8;  // of bots that run; today with what others' trades of today come to
  int64_t bots, open_orders, positions, today_trades;
};
struct overview {
  struct tenant_view *v;
  struct purse purses[8];
  int count;
  struct tenant_filter today;
};

static struct purse *purse_of(struct overview *w, const char *currency) {
  for (int i = 0; i < w->count; i++)
    if (strcmp(w->purses[i].currency, currency) == 0) return &w->purses[i];
  if (w->count == (int)(sizeof w->purses / sizeof *w->purses)) return NULL;
  w->purses[w->count] = (struct purse){.currency = currency};
  return &w->purses[w->count++];
}

static void add_running(struct overview *w, const struct tenant_view_bot *b) {
  struct api_call *call = w->v->call;
  struct live_status s;
  struct purse *p = b->deleted || !bots_status(call->core, b->id, &s) ? NULL : purse_of(w, b->currency);
  if (!p) return;
  const int64_t day_ns = s.instant_ns / NS_PER_DAY * NS_PER_DAY;
  cash before = s.start_cash;
  if (s.instant_ns) (void)!tenant_before_day(tenant_view_journal(w->v), call->who.tenant_id, b->id, (uint32_t)s.run, day_ns, &before, &call->err);
  p->bots++;
  p->open_orders += s.open_orders;
  p->positions += s.position_count;
  p->equity_e8 += s.equity.e8;
  p->open_pnl_e8 += s.equity.e8 - s.start_cash.e8;
  if (s.instant_ns) p->today_e8 += s.equity.e8 - before.e8;
}

static void add_today(void *arg, int64_t bot_id, int64_t day, int64_t trades, int64_t wins, cash pnl, cash fees) {
  struct overview *w = arg;
  struct live_status s;
  const struct tenant_view_bot *b = tenant_view_bot(w->v, bot_id);
  struct purse *p = b ? purse_of(w, b->currency) : NULL;
  (void)day, (void)wins, (void)fees;
  if (!p) return;
  p->today_trades += trades;
  if (!bots_status(w->v->call->core, bot_id, &s)) p->today_e8 += pnl.e8;
}

static const char *const states[] = {"running", "starting", "retrying", "paused", "stopping", "halted", "quarantined", "dead", "retired", "stopped"};

static void put_states(struct json_out *o, const struct tenant_view *v) {
  jo_open(o, "bots", '{');
  for (size_t k = 0; k < sizeof states / sizeof *states; k++) {
    int64_t n = 0;
    for (size_t i = 0; i < v->count; i++) n += !v->bots[i].deleted && strcmp(v->bots[i].state, states[k]) == 0;
    jo_int(o, states[k], n);
  }
  jo_close(o);
}

enum status api_analytics_overview(struct api_call *call) {
  struct tenant_view *v;
  struct groups g = {0};
  enum status st = tenant_view_begin(call, &v);
  if (st == OK) st = gather(v, BY_ALL, &g);
  if (st != OK) return st;
  struct overview w = {.v = v, .today = v->filter};
  w.today.from_ns = call->now_ns / NS_PER_DAY * NS_PER_DAY;
  w.today.to_ns = w.today.from_ns + NS_PER_DAY;
  for (size_t i = 0; i < v->count; i++) add_running(&w, &v->bots[i]);
  st = tenant_days(tenant_view_journal(v), &w.today, add_today, &w, &call->err);
  for (size_t i = 0; i < g.count; i++) (void)purse_of(&w, g.items[i].currency);
  if (!w.count) (void)purse_of(&w, "USDT");
  struct buf text;
  struct json_out o;
  buf_init(&text, 1u << 20);
  json_out_init(&o, &text, false);
  jo_open(&o, NULL, '{');
  put_states(&o, v);
  jo_open(&o, "currencies", '[');
  for (int i = 0; i < w.count; i++) {
    const struct purse *p = &w.purses[i];
    jo_open(&o, NULL, '{');
    jo_text(&o, "currency", p->currency);
    jo_int(&o, "bots", p->bots);
    bots_put_cash(&o, "equity", tenant_view_clamp(p->equity_e8));
    bots_put_cash(&o, "open_pnl", tenant_view_clamp(p->open_pnl_e8));
    bots_put_cash(&o, "today_pnl", tenant_view_clamp(p->today_e8));
    jo_int(&o, "today_trades", p->today_trades);
    jo_int(&o, "open_orders", p->open_orders);
    jo_int(&o, "positions", p->positions);
    struct tenant_sums all = {0};
    for (size_t k = 0; k < g.count; k++)
      if (strcmp(g.items[k].currency, p->currency) == 0) add_to(&all, &g.items[k].sums);
    jo_open(&o, "trades", '{');
    put_sums(&o, &all);
    jo_close(&o);
    jo_close(&o);
  }
  jo_close(&o);
  jo_close(&o);
  free(g.items);
  return tenant_view_answer(call, &text, st);
}

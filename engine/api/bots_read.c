// api/bots_read.c – what a bot did: orders, fills, round trips, equity, logs, and what its trades come to. All from journal.db, which the
// runtime writes; prices and quantities are counts there and decimals here.
#include "api/bots_page.h"
#include "api/core.h"
#include "api/handlers.h"
#include "api/list.h"
#include "order/client_id.h"
#include "order/order.h"
#include "script/script.h"
#include "store/journal_rows.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

static const char *const legs[] = {"net", "long", "short"};
static const char *leg_text(int leg) { return leg >= 0 && leg < 3 ? legs[leg] : ""; }

// ---- orders

void bots_put_order(struct json_out *o, const struct instrument *inst, const struct journal_order *r) {
  char client_id[CLIENT_ID_SIZE];
  client_id_format(&(struct client_id){(uint64_t)r->bot_id, r->version, r->intent}, client_id);
  jo_text(o, "id", client_id);
  jo_int(o, "run", r->run);
  jo_int(o, "order", (int64_t)r->order);
  jo_int(o, "version", r->version);
  jo_text(o, "symbol", inst->symbol);
  jo_text(o, "side", side_text((enum side)r->side));
  jo_text(o, "type", order_type_text((enum order_type)r->type));
  jo_text(o, "tif", order_tif_text((enum order_tif)r->tif));
  jo_text(o, "leg", leg_text(r->leg));
  jo_text(o, "status", order_status_text((enum order_status)r->status));
  if (r->reason == REASON_NONE) jo_null(o, "reason");
  else jo_text(o, "reason", reason_code((enum reason)r->reason));
  jo_bool(o, "reduce", r->reduce);
  jo_bool(o, "post", r->post);
  bots_put_quantity(o, "qty", inst, r->qty);
  bots_put_quantity(o, "filled", inst, r->filled);
  bots_put_price(o, "limit", inst, r->limit);
  bots_put_price(o, "trigger", inst, r->trigger);
  bots_put_price(o, "sl", inst, r->sl);
  bots_put_price(o, "tp", inst, r->tp);
  bots_put_average(o, "avg_price", inst, r->avg_e6);
  bots_put_count(o, "parent", r->parent);
  bots_put_count(o, "oco", r->oco);
  jo_text(o, "tag", r->tag);
  jo_ms(o, "decided_ms", r->decided_ns);
  jo_ms(o, "updated_ms", r->updated_ns);
  jo_ms(o, "ended_ms", r->ended_ns);
}

static void add_order(void *arg, const struct journal_order *r) {
  struct bots_page *p = arg;
  const struct instrument *inst = bots_page_instrument(p, r->series);
  struct json_out *o = inst ? api_list_item(&p->l, (int64_t)r->intent) : NULL;
  if (!o) return;
  bots_put_order(o, inst, r);
  jo_close(o);
}

enum status api_bot_orders(struct api_call *call) {
  struct bots_page p;
  enum status st;
  if (!bots_page_begin(call, &p, &st)) return st;
  return bots_page_end(&p, journal_orders(bots_journal(call), call->who.tenant_id, p.bot_id, api_query_flag(call, "working"), p.l.at, p.l.limit + 1, add_order, &p, &call->err));
}

// ---- fills and round trips

void bots_put_fill(struct json_out *o, const struct instrument *inst, const struct journal_fill *f) {
  jo_int(o, "number", f->number);
  jo_int(o, "run", f->run);
  jo_int(o, "order", (int64_t)f->order);
  jo_text(o, "symbol", inst->symbol);
  jo_text(o, "side", side_text((enum side)f->side));
  jo_text(o, "leg", leg_text(f->leg));
  bots_put_quantity(o, "qty", inst, f->qty);
  bots_put_price(o, "price", inst, f->px);
  bots_put_cash(o, "fee", f->fee);
  bots_put_cash(o, "slippage", f->slippage);
  jo_bool(o, "maker", f->maker);
  jo_bool(o, "ambiguous", f->ambiguous);
  jo_text(o, "tag", f->tag);
  jo_ms(o, "time_ms", f->time_ns);
}

static void add_fill(void *arg, const struct journal_fill *f) {
  struct bots_page *p = arg;
  const struct instrument *inst = bots_page_instrument(p, f->series);
  struct json_out *o = inst ? api_list_item(&p->l, f->number) : NULL;
  if (!o) return;
  bots_put_fill(o, inst, f);
  jo_close(o);
}

enum status api_bot_fills(struct api_call *call) {
  struct bots_page p;
  enum status st;
  if (!bots_page_begin(call, &p, &st)) return st;
  return bots_page_end(&p, journal_fills(bots_journal(call), call->who.tenant_id, p.bot_id, p.l.at, p.l.limit + 1, add_fill, &p, &call->err));
}

void bots_put_trade(struct json_out *o, const struct instrument *inst, const struct journal_trade *t) {
  jo_int(o, "number", t->number);
  jo_int(o, "run", t->run);
  jo_text(o, "symbol", inst->symbol);
  jo_text(o, "side", t->direction > 0 ? "long" : "short");
  bots_put_quantity(o, "qty", inst, t->qty);
  jo_ms(o, "entry_ms", t->entry_ns);
  bots_put_price(o, "entry_price", inst, t->entry_px);
  jo_ms(o, "exit_ms", t->exit_ns);
  bots_put_price(o, "exit_price", inst, t->exit_px);
  jo_int(o, "entry_order", (int64_t)t->entry_order);
  jo_int(o, "exit_order", (int64_t)t->exit_order);
  bots_put_cash(o, "pnl", t->pnl);
  bots_put_cash(o, "fees", t->fees);
  bots_put_cash(o, "mae", t->mae);
  bots_put_cash(o, "mfe", t->mfe);
  jo_int(o, "bars", t->bars);
  jo_bool(o, "ambiguous", t->ambiguous);
  jo_bool(o, "liquidated", t->liquidated);
  jo_text(o, "tag", t->tag);
  jo_text(o, "exit_tag", t->exit_tag);
}

static void add_trade(void *arg, const struct journal_trade *t) {
  struct bots_page *p = arg;
  const struct instrument *inst = bots_page_instrument(p, t->series);
  struct json_out *o = inst ? api_list_item(&p->l, t->number) : NULL;
  if (!o) return;
  bots_put_trade(o, inst, t);
  jo_close(o);
}

enum status api_bot_trades(struct api_call *call) {
  struct bots_page p;
  enum status st;
  if (!bots_page_begin(call, &p, &st)) return st;
  return bots_page_end(&p, journal_trades(bots_journal(call), call->who.tenant_id, p.bot_id, p.l.at, p.l.limit + 1, add_trade, &p, &call->err));
}

// ---- logs

static const char *const levels[] = {"debug", "info", "warn", "error"};  // enum script_log_level

static void add_log(void *arg, const struct journal_log *r) {
  struct bots_page *p = arg;
  struct json_out *o = api_list_item(&p->l, r->number);
  if (!o) return;
  char text[JOURNAL_LOG_TEXT_MAX + 1];
  const size_t len = r->len < sizeof text ? r->len : sizeof text - 1;
  memcpy(text, r->text, len);
  text[len] = '\0';
  jo_int(o, "number", r->number);
  jo_int(o, "run", r->run);
  jo_ms(o, "time_ms", r->time_ns);
  jo_text(o, "level", levels[r->level >= LOG_DEBUG && r->level <= LOG_ERROR ? r->level : LOG_INFO]);
  jo_text(o, "text", text);
  jo_close(o);
}

enum status api_bot_logs(struct api_call *call) {
  struct bots_page p;
  enum status st;
  const char *wanted = api_query_text(call, "level");
  int level = LOG_DEBUG;
  while (wanted && level < LOG_ERROR && strcmp(levels[level], wanted) != 0) level++;
  if (!bots_page_begin(call, &p, &st)) return st;
  return bots_page_end(&p, journal_logs(bots_journal(call), call->who.tenant_id, p.bot_id, level, p.l.at, p.l.limit + 1, add_log, &p, &call->err));
}

// ---- equity

static void add_point(void *arg, const struct journal_point *p) {
  struct json_out *o = arg;
  jo_open(o, NULL, '{');
  jo_ms(o, "time_ms", p->time_ns);
  bots_put_cash(o, "equity", p->equity);
  bots_put_cash(o, "balance", p->balance);
  bots_put_cash(o, "lowest", p->lowest);
  bots_put_cash(o, "highest", p->highest);
  jo_close(o);
}

static enum status own_bot(struct api_call *call, int64_t *ret_id) {
  struct bot_row row;
  enum status st = bot_get(store_reader(api_store(call), STORE_CONTROL), call->who.tenant_id, api_param_id(call, "bot_id"), &row, &call->err);
  if (st != OK) return st;
  *ret_id = row.id;
  bot_row_finish(&row);
  return OK;
}

enum status api_bot_equity(struct api_call *call) {
  int64_t id;
  enum status st = own_bot(call, &id);
  if (st != OK) return st;
  const int64_t from_ns = api_query_int(call, "from_ms", 0) * NS_PER_MS, to_ms = api_query_int(call, "to_ms", 0);
  struct buf text;
  struct json_out o;
  buf_init(&text, 4u << 20);
  json_out_init(&o, &text, false);
  jo_open(&o, NULL, '{');
  jo_open(&o, "items", '[');
  st = journal_equity(bots_journal(call), call->who.tenant_id, id, (uint32_t)api_query_int(call, "run", 0), from_ns, to_ms ? to_ms * NS_PER_MS : INT64_MAX,
                      (int)api_query_int(call, "points", 500), add_point, &o, &call->err);
  jo_close(&o);
  jo_close(&o);
  if (st == OK && text.failed) st = err_set(&call->err, ERR_NOMEM, "out of memory");
  if (st == OK) return api_text(call, 200, "application/json", text.data, text.len);
  buf_finish(&text);
  return st;
}

// ---- what it comes to

struct sums {
  int64_t trades, wins, from_ns, to_ns;
  int128 profit_e8, loss_e8, fees_e8;  // loss: positive
  int64_t best_e8, worst_e8;
  int64_t peak_e8, drawdown_e8, peak_then_e8;  // of the equity
};

static void sum_trade(void *arg, const struct journal_trade *t) {
  struct sums *s = arg;
  if (!s->trades || t->pnl.e8 > s->best_e8) s->best_e8 = t->pnl.e8;
  if (!s->trades || t->pnl.e8 < s->worst_e8) s->worst_e8 = t->pnl.e8;
  if (!s->trades || t->entry_ns < s->from_ns) s->from_ns = t->entry_ns;
  if (t->exit_ns > s->to_ns) s->to_ns = t->exit_ns;
  s->trades++;
  s->wins += t->pnl.e8 > 0;
  if (t->pnl.e8 > 0) s->profit_e8 += t->pnl.e8;
  else s->loss_e8 -= t->pnl.e8;
  s->fees_e8 += t->fees.e8;
}

static void sum_point(void *arg, const struct journal_point *p) {
  struct sums *s = arg;
  // Within a span the highest may have come after the lowest: what is certain is the fall from an earlier peak.
  if (s->peak_e8 - p->lowest.e8 > s->drawdown_e8) {
    s->drawdown_e8 = s->peak_e8 - p->lowest.e8;
    s->peak_then_e8 = s->peak_e8;
  }
  if (p->highest.e8 > s->peak_e8) s->peak_e8 = p->highest.e8;
}

// Sums of at most JOURNAL_TRADES_MAX amounts may leave 64 bits only if somebody is very rich: shown at the bound then.
static cash clamp(int128 e8) { return (cash){e8 > INT64_MAX ? INT64_MAX : e8 < INT64_MIN ? INT64_MIN : (int64_t)e8}; }

enum status api_bot_stats(struct api_call *call) {
  int64_t id;
  struct sums s = {.peak_e8 = INT64_MIN / 2};
  enum status st = own_bot(call, &id);
  if (st == OK) st = journal_trades(bots_journal(call), call->who.tenant_id, id, INT64_MAX, JOURNAL_TRADES_MAX, sum_trade, &s, &call->err);
  if (st == OK) st = journal_equity(bots_journal(call), call->who.tenant_id, id, 0, 0, INT64_MAX, JOURNAL_POINTS_MAX, sum_point, &s, &call->err);
  if (st != OK) return st;
  struct buf text;
  struct json_out o;
  buf_init(&text, 65536);
  json_out_init(&o, &text, false);
  jo_open(&o, NULL, '{');
  jo_int(&o, "trades", s.trades);
  jo_int(&o, "wins", s.wins);
  bots_put_cash(&o, "pnl", clamp(s.profit_e8 - s.loss_e8));
  bots_put_cash(&o, "profit", clamp(s.profit_e8));
  bots_put_cash(&o, "loss", clamp(s.loss_e8));
  bots_put_cash(&o, "fees", clamp(s.fees_e8));
  bots_put_cash(&o, "max_drawdown", (cash){s.drawdown_e8});
  jo_real(&o, "max_drawdown_pct", s.peak_then_e8 > 0 ? 100.0 * (double)s.drawdown_e8 / (double)s.peak_then_e8 : 0.0);
  if (s.trades) {
    jo_real(&o, "win_rate_pct", 100.0 * (double)s.wins / (double)s.trades);
    bots_put_cash(&o, "expectancy", clamp((s.profit_e8 - s.loss_e8) / s.trades));
    bots_put_cash(&o, "best", (cash){s.best_e8});
    bots_put_cash(&o, "worst", (cash){s.worst_e8});
  } else {
    jo_null(&o, "win_rate_pct");
    jo_null(&o, "expectancy");
    jo_null(&o, "best");
    jo_null(&o, "worst");
  }
  if (s.loss_e8 > 0) jo_real(&o, "profit_factor", (double)s.profit_e8 / (double)s.loss_e8);
  else jo_null(&o, "profit_factor");
  jo_ms(&o, "from_ms", s.from_ns);
  jo_ms(&o, "to_ms", s.to_ns);
  jo_close(&o);
  if (!text.failed) return api_text(call, 200, "application/json", text.data, text.len);
  buf_finish(&text);
  return err_set(&call->err, ERR_NOMEM, "out of memory");
}

// api/tenant_lists.c – round trips, fills and open positions of all bots of a tenant, filtered, newest first.
#include "api/bots.h"
#include "api/bots_page.h"
#include "api/core.h"
#include "api/handlers.h"
#include "api/tenant_lists.h"
#include "order/order.h"
#include "store/store.h"

#include <string.h>

// ---- rows

void tenant_put_trade(struct json_out *o, const struct tenant_view *v, const struct journal_series *s, const struct journal_trade *t) {
  tenant_view_put_owner(o, v, t->bot_id);
  bots_put_trade(o, &s->terms.inst, t);
}

// ---- pages: a cursor is the time of the last row, and how many rows of that time were shown

struct page {
  struct tenant_view *v;
  struct tenant_place at;
  int limit, count;
  bool more;
  struct buf text;
  struct json_out out;
};

static enum status page_begin(struct api_call *call, struct page *p, bool *ret_go_on) {
  struct cursor c;
  *ret_go_on = false;
  if (!api_cursor(call, &c)) return OK;
  struct tenant_view *v;
  enum status st = tenant_view_begin(call, &v);
  if (st != OK) return st;
  *p = (struct page){.v = v, .at = {c.key, api_query_text(call, "cursor") ? c.id : 0}, .limit = api_limit(call)};
  buf_init(&p->text, 16u << 20);
  json_out_init(&p->out, &p->text, false);
  jo_open(&p->out, NULL, '{');
  jo_open(&p->out, "items", '[');
  *ret_go_on = true;
  return OK;
}

// An object of the page, open; NULL: it is full, or the row's series cannot be read.
static struct json_out *page_item(struct page *p, uint32_t series, int64_t time_ns, const struct journal_series **ret_series) {
  if (p->count == p->limit) {
    p->more = true;
    return NULL;
  }
  *ret_series = tenant_view_series(p->v, series);
  if (!*ret_series) return NULL;
  p->count++;
  p->at = time_ns == p->at.time_ns ? (struct tenant_place){time_ns, p->at.skip + 1} : (struct tenant_place){time_ns, 1};
  jo_open(&p->out, NULL, '{');
  return &p->out;
}

static enum status page_end(struct page *p, enum status st) {
  struct api_call *call = p->v->call;
  char text[CURSOR_TEXT_SIZE];
  jo_close(&p->out);
  if (p->more) cursor_format((struct cursor){p->at.time_ns, p->at.skip}, call->core->cursor_secret, call->route->id, call->who.tenant_id, text);
  if (p->more) jo_text(&p->out, "next_cursor", text);
  else jo_null(&p->out, "next_cursor");
  jo_close(&p->out);
  return tenant_view_answer(call, &p->text, st == OK ? p->v->status : st);
}

static void add_trade(void *arg, const struct journal_trade *t) {
  struct page *p = arg;
  const struct journal_series *s;
  struct json_out *o = page_item(p, t->series, t->exit_ns, &s);
  if (!o) return;
  tenant_put_trade(o, p->v, s, t);
  jo_close(o);
}

enum status api_trades_list(struct api_call *call) {
  struct page p;
  bool go_on;
  const enum status st = page_begin(call, &p, &go_on);
  return go_on ? page_end(&p, tenant_trades(tenant_view_journal(p.v), &p.v->filter, p.at, p.limit + 1, add_trade, &p, &call->err)) : st;
}

static void add_fill(void *arg, const struct journal_fill *f) {
  struct page *p = arg;
  const struct journal_series *s;
  struct json_out *o = page_item(p, f->series, f->time_ns, &s);
  if (!o) return;
  tenant_view_put_owner(o, p->v, f->bot_id);
  bots_put_fill(o, &s->terms.inst, f);
  jo_close(o);
}

enum status api_fills_list(struct api_call *call) {
  struct page p;
  bool go_on;
  const enum status st = page_begin(call, &p, &go_on);
  return go_on ? page_end(&p, tenant_fills(tenant_view_journal(p.v), &p.v->filter, p.at, p.limit + 1, add_fill, &p, &call->err)) : st;
}

// ---- positions

static void put_positions(struct json_out *o, const struct tenant_view *v, const struct tenant_view_bot *b) {
  struct live_status s;
  if (!bots_status(v->call->core, b->id, &s)) return;
  for (int i = 0; i < s.position_count; i++) {
    const struct live_position *p = &s.positions[i];
    jo_open(o, NULL, '{');
    tenant_view_put_owner(o, v, b->id);
    jo_text(o, "symbol", p->symbol);
    jo_text(o, "side", p->lots > 0 ? "long" : "short");
    jo_text(o, "qty", p->qty);
    jo_text(o, "avg_price", p->avg);
    jo_text(o, "unrealised", p->upnl);
    jo_bool(o, "paper", b->paper);
    jo_close(o);
  }
}

enum status api_positions_list(struct api_call *call) {
  struct tenant_view *v;
  const enum status st = tenant_view_begin(call, &v);
  struct buf text;
  struct json_out o;
  if (st != OK) return st;
  buf_init(&text, 16u << 20);
  json_out_init(&o, &text, false);
  jo_open(&o, NULL, '{');
  jo_open(&o, "items", '[');
  for (size_t i = 0; i < v->count; i++)
    if (!v->bots[i].deleted) put_positions(&o, v, &v->bots[i]);
  jo_close(&o);
  jo_close(&o);
  return tenant_view_answer(call, &text, OK);
}

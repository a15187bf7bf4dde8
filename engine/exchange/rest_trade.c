// exchange/rest_trade.c – answers about orders and what became of them, newest first, by pages. A cursor is the number of the last row.
#include "exchange/rest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HISTORY_SPAN_MS INT64_C(604800000)
#define CLOSED_KEPT 500  // of an account, that /order/realtime still knows

struct filter {
  const struct exch_symbol *symbol;
  bool spot;
  char id[64], link[64], status[64], kind[64];
  int64_t from_ms, to_ms;
  struct page page;
};

static int read_filter(struct call *c, int64_t absent, int64_t most, struct filter *f) {
  char symbol[64];
  bool empty;
  *f = (struct filter){.symbol = NULL};
  int code = exch_call_category(c, &empty);
  if (code != CODE_OK) return code;
  if (!exch_page_read(c, absent, most, &f->page) || !exch_param_int(c->params, "startTime", 0, &f->from_ms) ||
      !exch_param_int(c->params, "endTime", INT64_MAX, &f->to_ms))
    return exch_call_refuse(c, CODE_PARAMS, "params error: limit, cursor, startTime or endTime invalid");
  f->spot = c->spot;
  if (empty) f->page.limit = 0;
  if (exch_call_text(c, "symbol", symbol)[0] && !empty && !(f->symbol = exch_symbol_in(c->s->x, c->spot, symbol)))
    return exch_call_refuse(c, CODE_PARAMS, "params error: symbol invalid");
  exch_call_text(c, "orderId", f->id);
  exch_call_text(c, "orderLinkId", f->link);
  exch_call_text(c, "orderStatus", f->status);
  exch_call_text(c, "orderFilter", f->kind);
  return CODE_OK;
}

static void finish(struct call *c, json_t *list, uint64_t last) {
  char category[64];
  c->result = json_pack("{s:s, s:o, s:o}", "category", exch_call_text(c, "category", category), "nextPageCursor",
    last > 0 ? json_sprintf("%" PRIu64, last) : json_string(""), "list", list);
}

static bool fits(const struct call *c, const struct filter *f, const struct exch_order *o) {
  if (o->account != c->account || (int64_t)o->seq >= f->page.from) return false;
  if (c->hide && exch_server_now_ms(c->s) - o->created_ms < c->fault_value) return false;
  if (o->symbol->spot != f->spot || (f->symbol && o->symbol != f->symbol)) return false;
  if (f->id[0] && strcmp(f->id, o->id) != 0) return false;
  if (!f->id[0] && f->link[0] && strcmp(f->link, o->link) != 0) return false;
  if (f->status[0] && strcmp(f->status, exch_order_status_text(o->status)) != 0) return false;
  if (o->created_ms < f->from_ms || o->created_ms > f->to_ms) return false;
  if (strcmp(f->kind, "Order") == 0) return o->status != EXCH_UNTRIGGERED;
  if (f->kind[0] && o->symbol->spot) return strcmp(f->kind, exch_order_filter(o)) == 0;
  if (strcmp(f->kind, "StopOrder") == 0 || strcmp(f->kind, "tpslOrder") == 0) return o->stop != STOP_NONE;
  return true;
}

int exch_get_open_orders(struct call *c) {
  struct filter f;
  char coin[64];
  int64_t open_only;
  int code = read_filter(c, 20, 50, &f);
  if (code != CODE_OK) return code;
  if (!exch_param_int(c->params, "openOnly", 0, &open_only))
    return exch_call_refuse(c, CODE_PARAMS, "params error: openOnly invalid");
  bool by_id = f.id[0] || f.link[0];
  if (!f.symbol && !f.spot && f.page.limit > 0 && !by_id && !exch_call_text(c, "settleCoin", coin)[0] &&
      !exch_call_text(c, "baseCoin", coin)[0])
    return exch_call_refuse(
      c, CODE_PARAMS, "Missing some parameters that must be filled in, symbol, baseCoin or settleCoin");
  json_t *list = json_array();
  uint64_t last = 0;
  int closed = 0;
  if (by_id && f.page.limit > 0) {
    const struct exch_order *o = exch_find(c->s->x, c->account, f.id, f.link);
    if (o && fits(c, &f, o)) json_array_append_new(list, exch_render_order(o, false));
  }
  for (size_t i = c->s->x->order_count; !by_id && i-- > 0 && f.page.limit > 0;) {
    const struct exch_order *o = c->s->x->orders[i];
    if (o->account != c->account) continue;
    bool open = exch_order_open(o);
    if (!open && (open_only == 0 || ++closed > CLOSED_KEPT)) continue;
    if (open_only == 1 && open) continue;
    if (!fits(c, &f, o)) continue;
    if ((int64_t)json_array_size(list) == f.page.limit) break;
    json_array_append_new(list, exch_render_order(o, false));
    last = o->seq;
  }
  finish(c, list, (int64_t)json_array_size(list) == f.page.limit ? last : 0);
  return CODE_OK;
}

// History is told for at most seven days at a time: around what was named, else the last ones.
static int narrow(struct call *c, struct filter *f) {
  bool from = json_object_get(c->params, "startTime") != NULL, to = json_object_get(c->params, "endTime") != NULL;
  if (from && to && f->to_ms - f->from_ms > HISTORY_SPAN_MS)
    return exch_call_refuse(c, CODE_PARAMS, "The time range between startTime and endTime cannot exceed 7 days.");
  if (from && to) return CODE_OK;
  if (!to) f->to_ms = from && f->from_ms < INT64_MAX - HISTORY_SPAN_MS ? f->from_ms + HISTORY_SPAN_MS : INT64_MAX;
  if (!from) f->from_ms = (to ? f->to_ms : exch_server_now_ms(c->s)) - HISTORY_SPAN_MS;
  return CODE_OK;
}

int exch_get_order_history(struct call *c) {
  struct filter f;
  int code = read_filter(c, 20, 50, &f);
  if (code == CODE_OK) code = narrow(c, &f);
  if (code != CODE_OK) return code;
  json_t *list = json_array();
  uint64_t last = 0;
  for (size_t i = c->s->x->order_count; i-- > 0 && (int64_t)json_array_size(list) < f.page.limit;) {
    const struct exch_order *o = c->s->x->orders[i];
    if (exch_order_open(o) || !fits(c, &f, o)) continue;
    json_array_append_new(list, exch_render_order(o, false));
    last = o->seq;
  }
  finish(c, list, (int64_t)json_array_size(list) == f.page.limit ? last : 0);
  return CODE_OK;
}

static int executions(struct call *c, int64_t absent, bool closing) {
  static const char *const kinds[] = {"Trade", "Funding", "BustTrade"};
  struct filter f;
  char kind[64];
  int code = read_filter(c, absent, 100, &f);
  if (code == CODE_OK) code = narrow(c, &f);
  if (code != CODE_OK) return code;
  exch_call_text(c, "execType", kind);
  json_t *list = json_array();
  uint64_t last = 0;
  for (size_t i = c->s->x->execution_count; i-- > 0 && (int64_t)json_array_size(list) < f.page.limit;) {
    const struct exch_execution *e = &c->s->x->executions[i];
    if (e->account != c->account || (int64_t)e->seq >= f.page.from || e->symbol->spot != f.spot || (f.symbol && e->symbol != f.symbol)) continue;
    if (e->time_ms < f.from_ms || e->time_ms > f.to_ms || (kind[0] && strcmp(kind, kinds[e->kind]) != 0)) continue;
    if ((f.id[0] && (!e->order || strcmp(e->order->id, f.id) != 0)) ||
        (f.link[0] && (!e->order || strcmp(e->order->link, f.link) != 0)))
      continue;
    if (closing && e->closed == 0) continue;
    if (c->hide && e->order && exch_server_now_ms(c->s) - e->order->created_ms < c->fault_value) continue;
    json_array_append_new(list, closing ? exch_render_closed_pnl(c->s->x, e) : exch_render_execution(e, false));
    last = e->seq;
  }
  finish(c, list, (int64_t)json_array_size(list) == f.page.limit ? last : 0);
  return CODE_OK;
}

int exch_get_executions(struct call *c) {
  return executions(c, 50, false);
}
int exch_get_closed_pnl(struct call *c) {
  return executions(c, 50, true);
}

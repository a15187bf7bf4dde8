// api/hook_deliveries.c – what was posted to hooks and what became of it, and a receipt for each bot it went to.
#include "api/hooks.h"

#include "api/core.h"
#include "api/handlers.h"
#include "api/list.h"
#include "store/bot_rows.h"
#include "store/desk_rows.h"
#include "store/signal_rows.h"
#include "store/store.h"

#include <string.h>

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

json_t *delivery_json(const struct delivery_row *d) {
  json_t *signal = json_loads(d->signal, 0, NULL), *log = json_loads(d->log, 0, NULL);
  return json_pack("{s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:I}", "id", api_id("dlv", d->id), "hook_id", api_id("hok", d->hook_id), "state", d->state, "reason", d->reason, "received_at_ms",
    api_ms(d->received_ns), "expires_at_ms", api_ms(d->expires_ns), "done_at_ms", api_ms(d->done_ns), "address", d->address, "body", d->body, "signal", signal ? signal : json_object(), "log",
    log ? log : json_array(), "bots", (json_int_t)d->bots);
}

static bool add_delivery(void *arg, const struct delivery_row *row) {
  struct api_list *l = arg;
  if (!api_list_room(l, row->id)) return false;
  json_array_append_new(l->items, delivery_json(row));
  return true;
}

static enum status own_hook(struct api_call *call, int64_t *ret) {
  struct hook_row row;
  const enum status st = hook_get(reader(call), call->who.tenant_id, *ret = api_param_id(call, "hook"), &row, &call->err);
  if (st == OK) hook_row_finish(&row);
  return st;
}

enum status api_hook_deliveries(struct api_call *call) {
  struct api_list l;
  int64_t hook;
  enum status st = own_hook(call, &hook);
  if (st != OK || !api_list_begin(call, &l, API_LIST_NEWEST)) return st;
  return api_list_end(&l, delivery_list(reader(call), hook, l.at, l.limit + 1, add_delivery, &l, &call->err));
}

enum status api_signals_list(struct api_call *call) {
  struct api_list l;
  if (!api_list_begin(call, &l, API_LIST_NEWEST)) return OK;
  return api_list_end(&l, delivery_list_tenant(reader(call), call->who.tenant_id, l.at, l.limit + 1, add_delivery, &l, &call->err));
}

// ---- operators: of all customers, without what was in the messages

static bool add_any(void *arg, const struct delivery_row *d, int64_t tenant_id, const char *hook_name) {
  struct api_list *l = arg;
  char owner[256];
  struct err err;
  if (!api_list_room(l, d->id)) return false;
  json_t *log = json_loads(d->log, 0, NULL), *name = desk_tenant_name(reader(l->call), tenant_id, owner, sizeof owner, &err) == OK ? json_string(owner) : json_null();
  json_array_append_new(l->items, json_pack("{s:o, s:o, s:s, s:o, s:o, s:s, s:s, s:o, s:o, s:s, s:o, s:I}", "id", api_id("dlv", d->id), "hook_id", api_id("hok", d->hook_id), "hook_name", hook_name, "tenant_id",
    api_id("org", tenant_id), "owner", name, "state", d->state, "reason", d->reason, "received_at_ms", api_ms(d->received_ns), "done_at_ms", api_ms(d->done_ns), "address", d->address, "log", log ? log : json_array(),
    "bots", (json_int_t)d->bots));
  return true;
}

enum status api_admin_signals_list(struct api_call *call) {
  struct api_list l;
  if (!api_list_begin(call, &l, API_LIST_NEWEST)) return OK;
  return api_list_end(&l, delivery_list_any(reader(call), api_query_id(call, "tenant_id"), api_query_id(call, "hook_id"), api_query_text(call, "state"), l.at, l.limit + 1, add_any, &l, &call->err));
}

// ---- one

static bool one_delivery(void *arg, const struct delivery_row *row) {
  *(json_t **)arg = delivery_json(row);
  return false;
}
enum status api_hook_delivery(struct api_call *call) {
  json_t *v = NULL;
  int64_t hook;
  enum status st = own_hook(call, &hook);
  if (st == OK) st = delivery_get(reader(call), hook, api_param_id(call, "delivery_id"), one_delivery, &v, &call->err);
  return st == OK ? api_json(call, 200, v) : st;
}

struct receipts {
  struct api_list page;
  struct db *db;
  bool all;
  enum status status;
};

static bool add_receipt(void *arg, const struct signal_row *s) {
  struct receipts *r = arg;
  struct api_call *call = r->page.call;
  struct bot_row bot;
  const enum status st = bot_find(r->db, s->bot_id, &bot, &call->err);
  if (st == ERR_NOTFOUND) return true;  // deleted meanwhile
  if (st != OK) return r->status = st, false;
  const bool mine = bot.tenant_id == call->who.tenant_id;
  const bool room = !(mine || r->all) || api_list_room(&r->page, s->id);
  if (room && (mine || r->all)) {
    const char *state = strcmp(s->state, "waiting") == 0 && s->expires_ns < call->now_ns ? "expired" : s->state;
    json_t *v = json_pack("{s:o, s:o, s:s, s:o}", "bot_id", api_id("bot", s->bot_id), "signal_id", api_id("sig", s->id), "state", state, "delivered_ms", api_ms(s->delivered_ns));
    if (mine) json_object_set_new(v, "account_id", api_id("acc", bot.account_id));
    json_array_append_new(r->page.items, v);
  }
  bot_row_finish(&bot);
  return room;
}

enum status api_hook_receipts(struct api_call *call) {
  struct receipts r = {.db = reader(call), .status = OK};
  struct hook_row hook;
  json_t *v = NULL;
  enum status st = hook_find(r.db, api_param_id(call, "hook"), &hook, &call->err);
  if (st != OK) return st;
  r.all = hook.tenant_id == call->who.tenant_id;
  const bool open = r.all || hook.shared;
  const int64_t id = hook.id;
  hook_row_finish(&hook);
  if (!open) return ERR_NOTFOUND;
  st = delivery_get(r.db, id, api_param_id(call, "delivery_id"), one_delivery, &v, &call->err);
  json_decref(v);
  if (st != OK || !api_list_begin(call, &r.page, API_LIST_OLDEST)) return st;
  st = signal_list_delivery(r.db, api_param_id(call, "delivery_id"), r.page.at, INT32_MAX, add_receipt, &r, &call->err);
  return api_list_end(&r.page, st == OK ? r.status : st);
}

// api/admin_bots.c – operators look at anybody's bot: which there are, what they did and why, what failed. What they do to one is in
// bots_actions.c.
#include "api/bots.h"
#include "api/core.h"
#include "api/handlers.h"
#include "api/list.h"
#include "store/desk_rows.h"
#include "store/id.h"
#include "store/store.h"

#include <string.h>

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

static json_t *tenant_name(struct api_call *call, int64_t tenant_id) {
  char name[256];
  struct err err;
  return desk_tenant_name(reader(call), tenant_id, name, sizeof name, &err) == OK ? json_string(name) : json_null();
}

static json_t *with_tenant(struct api_call *call, json_t *bot, int64_t tenant_id) {
  if (!bot) return NULL;
  json_object_set_new(bot, "tenant_id", api_id("org", tenant_id));
  json_object_set_new(bot, "owner", tenant_name(call, tenant_id));
  return bot;
}

static bool add_any(void *arg, const struct bot_row *row) {
  struct api_list *l = arg;
  if (!api_list_room(l, row->id)) return false;
  json_array_append_new(l->items, with_tenant(l->call, bots_json(l->call, reader(l->call), row, true), row->tenant_id));
  return true;
}

enum status api_admin_bots_list(struct api_call *call) {
  struct api_list l;
  if (!api_list_begin(call, &l, API_LIST_NEWEST)) return OK;
  const char *q = api_query_text(call, "q");
  int64_t id;
  if (q && id_parse("bot", q, strlen(q), &id)) {
    struct bot_row row;
    const enum status st = bot_find(reader(call), id, &row, &call->err);
    if (st == OK) {
      (void)add_any(&l, &row);
      bot_row_finish(&row);
    }
    return api_list_end(&l, st == ERR_NOTFOUND ? OK : st);
  }
  const struct bot_filter f = {.tenant_id = api_query_id(call, "tenant_id"), .script_id = api_query_id(call, "strategy_id"), .account_id = api_query_id(call, "account_id"),
                               .state = api_query_text(call, "state"), .held = api_query_flag(call, "held"), .text = q && *q ? q : NULL};
  return api_list_end(&l, bot_list(reader(call), &f, l.at, l.limit + 1, add_any, &l, &call->err));
}

enum status api_admin_bot_get(struct api_call *call) {
  struct bot_row row;
  enum status st = bot_find(reader(call), api_param_id(call, "bot_id"), &row, &call->err);
  if (st != OK) return st;
  st = api_json(call, 200, with_tenant(call, bots_json(call, reader(call), &row, true), row.tenant_id));
  bot_row_finish(&row);
  return st;
}

// ---- what its owner reads of it, read for an operator: the same handler, with the owner's tenant

static enum status as_owner(struct api_call *call, api_handler read) {
  struct bot_row row;
  enum status st = bot_find(reader(call), api_param_id(call, "bot_id"), &row, &call->err);
  if (st != OK) return st;
  call->who.tenant_id = row.tenant_id;
  bot_row_finish(&row);
  return read(call);
}
enum status api_admin_bot_logs(struct api_call *call) { return as_owner(call, api_bot_logs); }
enum status api_admin_bot_decisions(struct api_call *call) { return as_owner(call, api_bot_decisions); }
enum status api_admin_bot_orders(struct api_call *call) { return as_owner(call, api_bot_orders); }
enum status api_admin_bot_why(struct api_call *call) { return as_owner(call, api_bot_order_why); }
enum status api_admin_bot_failures(struct api_call *call) { return as_owner(call, api_bot_failures); }

// ---- failures of all bots

static bool add_failure(void *arg, const struct desk_failure *row) {
  struct api_list *l = arg;
  const struct bot_failure *f = &row->failure;
  if (!api_list_room(l, f->id)) return false;
  json_array_append_new(l->items, json_pack("{s:o, s:o, s:s, s:o, s:I, s:I, s:s, s:o, s:s, s:s, s:o, s:o}", "id", api_id("flt", f->id), "at_ms", api_ms(f->at_ns), "what", f->what,
                                            "version", f->version ? json_integer(f->version) : json_null(), "strikes", (json_int_t)f->strikes, "retries", (json_int_t)f->retries,
                                            "detail", f->detail, "bot_id", api_id("bot", f->bot_id), "bot_name", row->bot_name, "bot_state", row->state, "tenant_id",
                                            api_id("org", row->tenant_id), "owner", tenant_name(l->call, row->tenant_id)));
  return true;
}

enum status api_admin_failures_list(struct api_call *call) {
  struct api_list l;
  if (!api_list_begin(call, &l, API_LIST_NEWEST)) return OK;
  return api_list_end(&l, desk_failures(reader(call), api_query_flag(call, "held"), l.at, l.limit + 1, add_failure, &l, &call->err));
}

// api/ea_owner.c – an account's terminal, as its owner sees it: keys, state, the hook of its signals, what was handed to it.
#include "api/core.h"
#include "api/ea_desk.h"
#include "api/handlers.h"
#include "api/list.h"
#include "bot/live.h"
#include "store/hook_rows.h"
#include "store/store.h"

#include <string.h>

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

// ERR_NOTFOUND also for accounts that are not at a terminal.
static enum status link_of(struct api_call *call, struct db *db, struct ea_link_row *ret) {
  struct account_row account;
  const int64_t id = api_param_id(call, "account_id");
  enum status st = account_get(db, call->who.tenant_id, id, &account, &call->err);
  if (st == OK && !ea_venue(account.venue)) st = err_set(&call->err, ERR_NOTFOUND, "the account is not at a terminal");
  return st == OK ? ea_link_get(db, call->who.tenant_id, id, ret, &call->err) : st;
}

enum status api_account_ea(struct api_call *call) {
  struct ea_link_row row;
  const enum status st = link_of(call, reader(call), &row);
  return st == OK ? api_json(call, 200, ea_link_json(call->core, &row)) : st;
}

static enum status renew(struct api_call *call, struct db *db) {
  struct ea_link_row row;
  json_t *keys = NULL;
  enum status st = link_of(call, db, &row);
  if (st == OK) st = ea_keys_make(call, db, row.account_id, &keys);
  if (st == OK) st = api_audit(call, db, "account.ea_token", "acc", row.account_id, NULL);
  if (st == OK) return api_json(call, 200, keys);
  json_decref(keys);
  return st;
}
static enum status changed(struct api_call *call) {
  ea_desk_forget(call->core->eas, api_param_id(call, "account_id"));
  return OK;
}
enum status api_account_ea_token(struct api_call *call) { return api_write_then(call, renew, changed); }

static enum status set_hook(struct api_call *call, struct db *db) {
  struct ea_link_row row;
  const int64_t hook_id = api_body_id(call, "hook_id");
  enum status st = link_of(call, db, &row);
  if (st == OK && hook_id) {
    struct hook_row hook;
    st = hook_get(db, call->who.tenant_id, hook_id, &hook, &call->err);
    if (st == ERR_NOTFOUND) return api_invalid_at(call, "/hook_id", "is no hook of yours");
    if (st == OK) hook_row_finish(&hook);
  }
  if (st == OK) st = ea_link_hook(db, call->who.tenant_id, row.account_id, hook_id, call->now_ns, &call->err);
  if (st == OK) st = api_audit(call, db, "account.ea_hook", "acc", row.account_id, NULL);
  return st == OK ? api_json(call, 204, NULL) : st;
}
enum status api_account_ea_hook(struct api_call *call) { return api_write_then(call, set_hook, changed); }

static bool add_command(void *arg, const struct ea_command_row *row) {
  struct api_list *l = arg;
  if (!api_list_room(l, row->id)) return false;
  json_array_append_new(l->items, json_pack("{s:s, s:o, s:s, s:o, s:o, s:s, s:I, s:s}", "name", row->name, "command", json_loads(row->command, 0, NULL), "state", row->state, "leased_at_ms", api_ms(row->leased_ns),
    "done_at_ms", api_ms(row->done_ns), "ticket", row->ticket, "code", (json_int_t)row->code, "text", row->text));
  return true;
}

enum status api_account_ea_commands(struct api_call *call) {
  struct ea_link_row row;
  struct api_list l = {0};
  enum status st = link_of(call, reader(call), &row);
  if (st != OK || !api_list_begin(call, &l, API_LIST_NEWEST)) return st;
  return api_list_end(&l, ea_command_list(reader(call), row.account_id, l.at, l.limit + 1, add_command, &l, &call->err));
}

// api/accounts.c – credentials of trading venues. They go in and never come out: answers name the fields, not what is in them.
#include "api/core.h"
#include "api/handlers.h"
#include "api/list.h"
#include "api/tier.h"
#include "store/id.h"
#include "store/store.h"
#include "tenant/identity.h"
#include "tenant/vault.h"

#include <stdio.h>
#include <string.h>

struct list {
  struct api_list page;
  struct db *db;
  enum status status;
};

static bool add_field(void *arg, const char *field) {
  json_array_append_new(arg, json_string(field));
  return true;
}

static json_t *account_json(struct api_call *call, struct db *db, const struct account_row *row, enum status *ret) {
  json_t *fields = json_array();
  *ret = secret_fields(db, row->tenant_id, row->id, add_field, fields, &call->err);
  return json_pack("{s:o, s:s, s:s, s:o, s:o}", "id", api_id("acc", row->id), "venue", row->venue, "name", row->name, "fields", fields, "created_at_ms", api_ms(row->created_ns));
}

static bool add_account(void *arg, const struct account_row *row) {
  struct list *l = arg;
  if (!api_list_room(&l->page, row->id)) return false;
  json_array_append_new(l->page.items, account_json(l->page.call, l->db, row, &l->status));
  return l->status == OK;
}

enum status api_accounts_list(struct api_call *call) {
  struct list l = {.db = store_reader(api_store(call), STORE_CONTROL), .status = OK};
  if (!api_list_begin(call, &l.page, API_LIST_NEWEST)) return OK;
  enum status st = account_list(l.db, call->who.tenant_id, l.page.at, l.page.limit + 1, add_account, &l, &call->err);
  return api_list_end(&l.page, st == OK ? l.status : st);
}

// Names are the vault's to judge; its objection is the client's mistake.
static enum status put_secrets(struct api_call *call, struct db *db, int64_t account_id) {
  const char *field;
  json_t *value;
  json_object_foreach(json_object_get(call->body, "secrets"), field, value) {
    enum status st = vault_put(identity_keys(call->core->identity), db, call->who.tenant_id, account_id, field, json_string_value(value), json_string_length(value), call->now_ns, &call->err);
    if (st == ERR_INVALID || st == ERR_RANGE) {
      char pointer[100];
      snprintf(pointer, sizeof pointer, "/secrets/%.64s", field);
      return api_invalid_at(call, pointer, "names are small letters, digits and _; values have at most 4096 bytes");
    }
    if (st != OK) return st;
  }
  return OK;
}

static enum status create(struct api_call *call, struct db *db) {
  struct account_row row = {.id = id_next(call->now_ns), .tenant_id = call->who.tenant_id, .created_ns = call->now_ns, .revision = 1};
  snprintf(row.venue, sizeof row.venue, "%s", api_body_text(call, "venue"));
  snprintf(row.name, sizeof row.name, "%s", api_body_text(call, "name"));
  bool known = false;
  enum status st = account_has_venue(db, row.tenant_id, row.venue, &known, &call->err);
  if (st == OK) st = account_insert(db, &row, &call->err);
  if (st == OK && !known) st = api_take(call, db, ACTION_VENUE_ADD, row.venue);
  if (st == OK) st = put_secrets(call, db, row.id);
  char key[ID_TEXT_SIZE];
  id_format("acc", row.id, key);
  if (st == OK) st = api_take(call, db, ACTION_ACCOUNT_ADD, key);
  if (st == OK) st = api_audit(call, db, "account.create", "acc", row.id, NULL);
  if (st != OK) return st;
  json_t *answer = account_json(call, db, &row, &st);
  if (st == OK) return api_json(call, 201, answer);
  json_decref(answer);
  return st;
}
enum status api_account_create(struct api_call *call) {
  bool known = false;
  enum status st = account_has_venue(store_reader(api_store(call), STORE_CONTROL), call->who.tenant_id, api_body_text(call, "venue"), &known, &call->err);
  if (st != OK) return st;
  if (!api_may(call, ACTION_ACCOUNT_ADD) || (!known && !api_may(call, ACTION_VENUE_ADD))) return call->err.code;
  return api_write(call, create);
}

static enum status replace(struct api_call *call, struct db *db) {
  const int64_t id = api_param_id(call, "account_id");
  struct account_row row;
  enum status st = account_get(db, call->who.tenant_id, id, &row, &call->err);
  if (st == OK) st = secret_clear(db, call->who.tenant_id, id, &call->err);
  if (st == OK) st = put_secrets(call, db, id);
  if (st == OK) st = account_touch(db, call->who.tenant_id, id, &call->err);
  if (st == OK) st = api_audit(call, db, "account.secrets", "acc", id, NULL);
  return st == OK ? api_json(call, 204, NULL) : st;
}
enum status api_account_secrets(struct api_call *call) { return api_write(call, replace); }

static enum status remove_account(struct api_call *call, struct db *db) {
  const int64_t id = api_param_id(call, "account_id");
  enum status st = account_delete(db, call->who.tenant_id, id, call->now_ns, &call->err);
  if (st == OK) st = api_audit(call, db, "account.delete", "acc", id, NULL);
  return st == OK ? api_json(call, 204, NULL) : st;
}
enum status api_account_delete(struct api_call *call) { return api_write(call, remove_account); }

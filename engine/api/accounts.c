// api/accounts.c – accounts that bots trade on. Those at venues are credentials, which go in and never come out: answers name the fields,
// not what is in them. Those of paper are settings: what the account begins with and what its venue costs.
#include "api/account_watch.h"
#include "api/bots.h"
#include "api/core.h"
#include "api/ea_desk.h"
#include "api/venue_desk.h"
#include "bot/live.h"
#include "api/handlers.h"
#include "api/list.h"
#include "api/tier.h"
#include "store/id.h"
#include "store/store.h"
#include "tenant/identity.h"
#include "tenant/vault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAPER_MAX 100  // of a tenant
#define PAPER_BALANCE "10000"
#define PAPER_CURRENCY "USDT"
#define EA_CURRENCY "USD"

struct list {
  struct api_list page;
  struct db *db;
  enum status status;
};

static bool add_field(void *arg, const char *field) {
  json_array_append_new(arg, json_string(field));
  return true;
}

static bool is_paper(const char *venue) { return strcmp(venue, ACCOUNT_PAPER) == 0; }

json_t *accounts_json(struct api_call *call, struct db *db, const struct account_row *row, enum status *ret) {
  json_t *fields = json_array();
  json_t *settings = json_loads(row->settings, 0, NULL);
  *ret = secret_fields(db, row->tenant_id, row->id, add_field, fields, &call->err);
  return json_pack("{s:o, s:s, s:s, s:b, s:o, s:o, s:o}", "id", api_id("acc", row->id), "venue", row->venue, "name", row->name, "paper", is_paper(row->venue), "settings",
                   settings ? settings : json_null(), "fields", fields, "created_at_ms", api_ms(row->created_ns));
}

static bool add_account(void *arg, const struct account_row *row) {
  struct list *l = arg;
  if (!api_list_room(&l->page, row->id)) return false;
  json_array_append_new(l->page.items, accounts_json(l->page.call, l->db, row, &l->status));
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

// What only accounts at venues have; and their environment, which the venue must have. On the writer's thread: plans_hold came before.
enum status venue_settings_fit(struct api_call *call, const char *venue, const json_t *settings) {
  static const char *const theirs[] = {"environment", "category", "risk_acknowledged", "foreign"};
  char pointer[100];
  for (size_t i = 0; is_paper(venue) && i < sizeof theirs / sizeof *theirs; i++) {
    snprintf(pointer, sizeof pointer, "/settings/%s", theirs[i]);
    if (json_object_get(settings, theirs[i])) return api_invalid_at(call, pointer, "is for accounts at venues");
  }
  const char *environment = json_string_value(json_object_get(settings, "environment"));
  if (environment && strcmp(environment, "live") == 0 && !call->who.may.mfa) return api_problem(call, PROBLEM_second_factor_missing, NULL);
  if (is_paper(venue) || !venue_desk_knows(call->snapshot, venue)) return OK;  // kept for a dialect that is to come
  struct err why;
  if (venue_desk_settings_check(call->snapshot, venue, settings, &why) == OK) return OK;
  const char *colon = why.msg[0] == '/' ? strchr(why.msg, ':') : NULL;
  if (!colon) return call->err = why, why.code;
  snprintf(pointer, sizeof pointer, "/settings%.*s", (int)(colon - why.msg), why.msg);
  return api_invalid_at(call, pointer, colon + 2);
}

// {"balance": "10000", "currency": "USDT"} and what else was given, as text.
static enum status take_settings(struct api_call *call, struct db *db, struct account_row *row) {
  json_t *given = json_object_get(call->body, "settings"), *all = json_pack("{s:s, s:s}", "balance", PAPER_BALANCE, "currency", ea_venue(row->venue) ? EA_CURRENCY : PAPER_CURRENCY);
  json_object_update(all, given);
  enum status st = venue_settings_fit(call, row->venue, all);
  if (st == OK) st = risk_settings_fit(call, db, row->tenant_id, all);
  if (st != OK) {
    json_decref(all);
    return st;
  }
  char *text = all ? json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
  json_decref(all);
  if (!text) return err_set(&call->err, ERR_NOMEM, "out of memory");
  const bool fits = strlen(text) < sizeof row->settings;
  if (fits) strcpy(row->settings, text);
  free(text);
  return fits ? OK : api_invalid_at(call, "/settings", "is too long");
}

static enum status create_paper(struct api_call *call, struct db *db, struct account_row *row) {
  int64_t count;
  enum status st = account_count_paper(db, row->tenant_id, &count, &call->err);
  if (st == OK && count >= PAPER_MAX) return api_problemf(call, PROBLEM_tier_limit, "There are %d paper accounts already; delete some first.", PAPER_MAX);
  if (st == OK) st = take_settings(call, db, row);
  if (st == OK) st = account_insert(db, row, &call->err);
  if (st == OK) st = api_audit(call, db, "account.create", "acc", row->id, NULL);
  if (st != OK) return st;
  json_t *answer = accounts_json(call, db, row, &st);
  if (st == OK) return api_json(call, 201, answer);
  json_decref(answer);
  return st;
}

static enum status create(struct api_call *call, struct db *db) {
  struct account_row row = {.id = id_next(call->now_ns), .tenant_id = call->who.tenant_id, .created_ns = call->now_ns, .revision = 1};
  snprintf(row.venue, sizeof row.venue, "%s", api_body_text(call, "venue"));
  snprintf(row.name, sizeof row.name, "%s", api_body_text(call, "name"));
  if (is_paper(row.venue)) return create_paper(call, db, &row);
  bool known = false;
  json_t *keys = NULL;
  enum status st = account_has_venue(db, row.tenant_id, row.venue, &known, &call->err);
  if (st == OK) st = take_settings(call, db, &row);
  if (st == OK) st = account_insert(db, &row, &call->err);
  if (st == OK && !known) st = api_take(call, db, ACTION_VENUE_ADD, row.venue);
  if (st == OK) st = ea_venue(row.venue) ? ea_keys_make(call, db, row.id, &keys) : put_secrets(call, db, row.id);
  char key[ID_TEXT_SIZE];
  id_format("acc", row.id, key);
  if (st == OK) st = api_take(call, db, ACTION_ACCOUNT_ADD, key);
  if (st == OK) st = api_audit(call, db, "account.create", "acc", row.id, NULL);
  if (st != OK) return json_decref(keys), st;
  json_t *answer = accounts_json(call, db, &row, &st);
  if (keys) json_object_set_new(answer, "ea", keys);
  if (st == OK) return api_json(call, 201, answer);
  json_decref(answer);
  return st;
}
enum status api_account_create(struct api_call *call) {
  bool known = false;
  plans_hold(call);
  // Paper is no credential: no second factor, and no plan counts it.
  if (is_paper(api_body_text(call, "venue"))) {
    if (json_object_get(call->body, "secrets")) return api_invalid_at(call, "/secrets", "a paper account has none");
    return api_write(call, create);
  }
  const bool terminal = ea_venue(api_body_text(call, "venue"));
  if (terminal && json_object_get(call->body, "secrets")) return api_invalid_at(call, "/secrets", "are made here: the answer has them");
  if (!terminal && !json_object_get(call->body, "secrets")) return api_invalid_at(call, "/secrets", "is required");
  if (!permission_allowed(&call->who.may, PERMISSION_accounts_secrets)) return api_problem(call, call->who.may.mfa ? PROBLEM_forbidden : PROBLEM_second_factor_missing, NULL);
  enum status st = account_has_venue(store_reader(api_store(call), STORE_CONTROL), call->who.tenant_id, api_body_text(call, "venue"), &known, &call->err);
  if (st != OK) return st;
  if (!api_may(call, ACTION_ACCOUNT_ADD) || (!known && !api_may(call, ACTION_VENUE_ADD))) return call->err.code;
  return api_write(call, create);
}

static enum status replace(struct api_call *call, struct db *db) {
  const int64_t id = api_param_id(call, "account_id");
  struct account_row row;
  enum status st = account_get(db, call->who.tenant_id, id, &row, &call->err);
  if (st == OK && is_paper(row.venue)) return api_invalid_at(call, "/secrets", "a paper account has none");
  if (st == OK && ea_venue(row.venue)) return api_invalid_at(call, "/secrets", "are made here: POST /accounts/{id}/ea/token");
  if (st == OK) st = secret_clear(db, call->who.tenant_id, id, &call->err);
  if (st == OK) st = put_secrets(call, db, id);
  if (st == OK) st = account_touch(db, call->who.tenant_id, id, &call->err);
  if (st == OK) st = api_audit(call, db, "account.secrets", "acc", id, NULL);
  return st == OK ? api_json(call, 204, NULL) : st;
}

// What was asked with the old credentials is forgotten; the answer is that of the write.
static enum status changed(struct api_call *call) {
  struct err why;
  account_watch_forget(call->core->accounts, api_param_id(call, "account_id"));
  ea_desk_forget(call->core->eas, api_param_id(call, "account_id"));
  // Its bots go on with the new ones; where those make no session, the old one goes on and the log says so.
  if (call->core->live && live_venue_renew(call->core->live, api_param_id(call, "account_id"), &why) != OK)
    api_log(call->core, "warning", "venue_not_renewed", json_pack("{s:s}", "error", why.msg));
  return OK;
}
enum status api_account_secrets(struct api_call *call) { return api_write_then(call, replace, changed); }

static enum status remove_account(struct api_call *call, struct db *db) {
  const int64_t id = api_param_id(call, "account_id");
  int64_t bots;
  enum status st = bot_count(db, call->who.tenant_id, 0, id, &bots, &call->err);
  if (st == OK && bots) return api_problemf(call, PROBLEM_conflict, "%lld bots trade on it; delete them first.", (long long)bots);
  if (st == OK) st = account_delete(db, call->who.tenant_id, id, call->now_ns, &call->err);
  if (st == OK) st = api_audit(call, db, "account.delete", "acc", id, NULL);
  return st == OK ? api_json(call, 204, NULL) : st;
}
enum status api_account_delete(struct api_call *call) { return api_write_then(call, remove_account, changed); }

// ---- what is on it

struct holdings {
  struct api_call *call;
  json_t *positions;
};

static bool add_holdings(void *arg, const struct bot_row *row) {
  struct holdings *h = arg;
  struct live_status s;
  if (!bots_status(h->call->core, row->id, &s)) return true;
  for (int i = 0; i < s.position_count; i++) {
    const struct live_position *p = &s.positions[i];
    json_array_append_new(h->positions, json_pack("{s:o, s:s, s:s, s:s, s:s}", "bot_id", api_id("bot", row->id), "symbol", p->symbol, "qty", p->qty, "avg_price", p->avg, "unrealised", p->upnl));
  }
  return true;
}

// Of an account at a venue what its bots have booked: what somebody else holds there is not theirs.
enum status api_account_positions(struct api_call *call) {
  struct account_row account;
  struct holdings h = {.call = call, .positions = json_array()};
  struct db *db = store_reader(api_store(call), STORE_CONTROL);
  enum status st = account_get(db, call->who.tenant_id, api_param_id(call, "account_id"), &account, &call->err);
  if (st == OK) st = bot_list(db, &(struct bot_filter){.tenant_id = call->who.tenant_id, .account_id = account.id}, INT64_MAX, BOTS_MAX, add_holdings, &h, &call->err);
  if (st == OK) return api_json(call, 200, json_pack("{s:o}", "items", h.positions));
  json_decref(h.positions);
  return st;
}

// api/bots_group.c – one bot on several accounts. A script has one account (ctx.acct), so each account has a bot of its own, with its own
// script state, orders and money; they are made alike, are a group, and actions with group=true reach all of them or none.
#include "api/bots.h"
#include "api/core.h"
#include "api/handlers.h"
#include "api/tier.h"
#include "store/id.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

struct members {
  int64_t bots[BOT_GROUP_MAX], accounts[BOT_GROUP_MAX];
  int count;
};

static bool add_member(void *arg, int64_t bot_id, int64_t account_id) {
  struct members *m = arg;
  if (m->count == BOT_GROUP_MAX) return false;
  m->bots[m->count] = bot_id;
  m->accounts[m->count++] = account_id;
  return true;
}

static enum status members_of(struct api_call *call, struct db *db, int64_t bot_id, struct members *ret, int64_t *ret_group) {
  *ret = (struct members){0};
  enum status st = bot_group_of(db, bot_id, ret_group, &call->err);
  return st == OK && *ret_group ? bot_group_list(db, call->who.tenant_id, *ret_group, add_member, ret, &call->err) : st;
}

enum status bots_group(struct api_call *call, int64_t bot_id, int64_t ret[BOT_GROUP_MAX], int *ret_count) {
  struct members m;
  int64_t group;
  ret[0] = bot_id;
  *ret_count = 1;
  if (!api_query_flag(call, "group")) return OK;
  const enum status st = members_of(call, reader(call), bot_id, &m, &group);
  for (int i = 0; st == OK && i < m.count; i++)
    if (m.bots[i] != bot_id && *ret_count < BOT_GROUP_MAX) ret[(*ret_count)++] = m.bots[i];
  return st;
}

static bool has(const struct members *m, int64_t account_id) {
  for (int i = 0; i < m->count; i++)
    if (m->accounts[i] == account_id) return true;
  return false;
}

static enum status group_json(struct api_call *call, struct db *db, int status, const struct members *m, int64_t group) {
  json_t *items = json_array();
  enum status st = OK;
  for (int i = 0; st == OK && i < m->count; i++) {
    struct bot_row row;
    st = bot_get(db, call->who.tenant_id, m->bots[i], &row, &call->err);
    if (st != OK) break;
    json_array_append_new(items, bots_json(call, db, &row, false));
    bot_row_finish(&row);
  }
  if (st == OK) return api_json(call, status, json_pack("{s:o, s:o}", "group_id", api_id("bot", group), "items", items));
  json_decref(items);
  return st;
}

// ---- making it

struct spread {
  int64_t bot_id;
  int64_t ids[BOT_GROUP_MAX];
  int count;
};

static enum status add_one(struct api_call *call, struct db *db, const struct bot_row *from, int64_t account_id, int64_t id, int64_t group) {
  struct account_row account;
  struct bot_row row = *from;
  enum status st = account_get(db, call->who.tenant_id, account_id, &account, &call->err);
  if (st == ERR_NOTFOUND) return api_invalid_at(call, "/account_ids", "there is no such account");
  if (st != OK) return st;
  bots_fresh(call, &row, id);
  row.account_id = account_id;
  row.previous_version = row.shadow_version = row.generation = 0;
  row.close = false;
  json_t *params = json_loads(from->params, 0, NULL);
  st = params ? bots_store_new(call, db, &row, params) : err_set(&call->err, ERR_NOMEM, "out of memory");
  json_decref(params);
  return st == OK ? bot_group_join(db, id, group, &call->err) : st;
}

static enum status spread(struct api_call *call, struct db *db) {
  struct spread *s = call->state;
  struct members m;
  struct bot_row from;
  int64_t group;
  size_t i;
  json_t *v;
  enum status st = bot_get(db, call->who.tenant_id, s->bot_id, &from, &call->err);
  if (st != OK) return st;
  st = members_of(call, db, s->bot_id, &m, &group);
  if (st == OK && !group) {
    group = s->bot_id;
    add_member(&m, from.id, from.account_id);
    st = bot_group_join(db, s->bot_id, group, &call->err);
  }
  json_array_foreach(json_object_get(call->body, "account_ids"), i, v) {
    int64_t account_id = 0;
    const char *text = json_string_value(v);
    if (st != OK || !id_parse("acc", text, strlen(text), &account_id)) break;
    if (has(&m, account_id)) st = api_problemf(call, PROBLEM_conflict, "It trades on the account %s already.", text);
    else if (m.count == BOT_GROUP_MAX) st = api_problemf(call, PROBLEM_conflict, "A bot can be on at most %d accounts.", BOT_GROUP_MAX);
    else st = add_one(call, db, &from, account_id, s->ids[i], group);
    if (st == OK) add_member(&m, s->ids[i], account_id);
  }
  bot_row_finish(&from);
  return st == OK ? group_json(call, db, 201, &m, group) : st;
}

static enum status spread_done(struct api_call *call) {
  const struct spread *s = call->state;
  for (int i = 0; i < s->count; i++) bots_changed(call->core, s->ids[i]);
  return OK;
}

enum status api_bot_accounts_add(struct api_call *call) {
  struct spread *s = call->state = api_alloc(call, sizeof *s);
  struct bot_row from;
  if (!s) return err_set(&call->err, ERR_NOMEM, "out of memory");
  s->bot_id = api_param_id(call, "bot_id");
  enum status st = bot_get(reader(call), call->who.tenant_id, s->bot_id, &from, &call->err);
  if (st != OK) return st;
  const bool start = api_body_flag(call, "start");
  json_t *settings = json_loads(from.settings, 0, NULL), *v;
  bool may = start ? bots_may_start(call, NULL) : api_entitlement(call) != NULL;
  size_t i;
  json_array_foreach(json_object_get(call->body, "account_ids"), i, v) {
    int64_t account_id = 0;
    const char *text = json_string_value(v);
    if (may && start && id_parse("acc", text, strlen(text), &account_id)) may = bots_afford(call, account_id, 0, settings);
    s->ids[s->count++] = id_next(call->now_ns);
  }
  json_decref(settings);
  bot_row_finish(&from);
  if (!may) return call->err.code;
  return api_write_then(call, spread, spread_done);
}

enum status api_bot_accounts(struct api_call *call) {
  struct members m;
  struct bot_row row;
  int64_t group;
  const int64_t id = api_param_id(call, "bot_id");
  enum status st = bot_get(reader(call), call->who.tenant_id, id, &row, &call->err);
  if (st != OK) return st;
  st = members_of(call, reader(call), id, &m, &group);
  if (st == OK && !group) add_member(&m, id, row.account_id);
  bot_row_finish(&row);
  return st == OK ? group_json(call, reader(call), 200, &m, group) : st;
}

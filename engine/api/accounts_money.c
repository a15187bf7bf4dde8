// api/accounts_money.c – the money of paper accounts: what is free and what bots have, every entry, and its owner's deposits, withdrawals
// and new beginnings.
//
// The books are the runtime's (bot/live.h) and live in journal.db beside what bots did; who moved the money is in the audit log, which is
// written after it. A request's key is kept with the entry too, so that a crash between both does nothing twice.
#include "api/account_watch.h"
#include "api/bots.h"
#include "api/core.h"
#include "api/handlers.h"
#include "api/list.h"
#include "base/decimal.h"
#include "market/instrument.h"
#include "store/account_rows.h"
#include "store/id.h"
#include "store/store.h"
#include "store/vault_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USUAL_BALANCE_E8 (10000 * CASH_ONE)

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

static int64_t cash_of(const json_t *object, const char *key, int64_t absent_e8) {
  const json_t *v = json_object_get(object, key);
  char whole[32];
  int64_t e8;
  const char *text = json_string_value(v);
  if (json_is_integer(v)) snprintf(whole, sizeof whole, "%lld", (long long)json_integer_value(v)), text = whole;
  return text && decimal_parse_scaled(text, strlen(text), 8, &e8) ? e8 : absent_e8;
}

static json_t *money(cash c) {
  char text[DECIMAL_TEXT_MAX];
  return json_string(cash_text(c, text));
}

static struct live_account_key key_of(const struct account_row *row, char currency[13]) {
  json_t *settings = json_loads(row->settings, 0, NULL);
  const char *name = json_string_value(json_object_get(settings, "currency"));
  if (currency) snprintf(currency, 13, "%s", name ? name : "USDT");
  const struct live_account_key key = {.id = row->id, .tenant_id = row->tenant_id, .opening.e8 = cash_of(settings, "balance", USUAL_BALANCE_E8)};
  json_decref(settings);
  return key;
}

// ---- what is there

struct shares {
  struct api_call *call;
  json_t *items;
};

static void add_share(void *arg, const struct live_share_status *s) {
  struct shares *l = arg;
  struct bot_row row;
  struct err err;
  const bool there = bot_get(reader(l->call), l->call->who.tenant_id, s->bot_id, &row, &err) == OK;
  json_array_append_new(l->items, json_pack("{s:o, s:s, s:I, s:o, s:o, s:o, s:o}", "bot_id", api_id("bot", s->bot_id), "name", there ? row.name : "", "run", (json_int_t)s->run,
                                            "cash", money(s->cash), "balance", money(s->balance), "equity", money(s->equity), "pnl", money((cash){s->equity.e8 - s->cash.e8})));
  if (there) bot_row_finish(&row);
}

// Of a paper account as it is this moment. NULL: where nothing runs, or call->err tells.
static json_t *money_json(struct api_call *call, const struct account_row *row) {
  struct live_account_status s;
  struct shares l = {call, json_array()};
  char currency[13];
  const struct live_account_key key = key_of(row, currency);
  if (!call->core->live || live_account_status(call->core->live, &key, &s, add_share, &l, &call->err) != OK) {
    json_decref(l.items);
    return NULL;
  }
  return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "currency", currency, "balance", money(s.balance), "free", money(s.free), "allocated", money(s.allocated), "equity",
                   money(s.equity), "paid_in", money(s.paid_in), "result", money(s.result), "bots", l.items);
}

static enum status find_account(struct api_call *call, struct account_row *ret) {
  return account_get(reader(call), call->who.tenant_id, api_param_id(call, "account_id"), ret, &call->err);
}

enum status api_account_get(struct api_call *call) {
  struct account_row row;
  enum status st = find_account(call, &row);
  if (st != OK) return st;
  json_t *v = accounts_json(call, reader(call), &row, &st);
  json_t *now = strcmp(row.venue, ACCOUNT_PAPER) == 0 ? money_json(call, &row) : NULL;
  if (v) json_object_set_new(v, "money", now ? now : json_null());
  if (st == OK) return api_json(call, 200, v);
  json_decref(v);
  return st;
}

// False: answered, or *ret tells why not.
static bool paper_account(struct api_call *call, struct account_row *row, enum status *ret) {
  *ret = find_account(call, row);
  if (*ret != OK) return false;
  const bool paper = strcmp(row->venue, ACCOUNT_PAPER) == 0;
  if (!paper || !call->core->live) *ret = api_problem(call, PROBLEM_unavailable, paper ? "No bots run in this process." : "Nothing is connected to this venue.");
  return paper && call->core->live;
}

enum status api_account_balances(struct api_call *call) {
  struct account_row row;
  if (find_account(call, &row) == OK && strcmp(row.venue, ACCOUNT_PAPER) != 0) return account_watch_answer(call, row.id);
  struct live_account_status s;
  char currency[13];
  enum status st;
  if (!paper_account(call, &row, &st)) return st;
  const struct live_account_key key = key_of(&row, currency);
  st = live_account_status(call->core->live, &key, &s, NULL, NULL, &call->err);
  if (st != OK) return st;
  return api_json(call, 200, json_pack("{s:[{s:s, s:o, s:o, s:o, s:o, s:o}]}", "items", "currency", currency, "balance", money(s.balance), "free", money(s.free), "allocated",
                                       money(s.allocated), "pnl", money((cash){s.equity.e8 - s.paid_in.e8}), "equity", money(s.equity)));
}

// ---- entries

static bool add_entry(void *arg, const struct account_entry *e) {
  struct api_list *l = arg;
  const bool run = e->run > 0;
  if (!api_list_room(l, e->id)) return false;
  json_t *v = json_pack("{s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "number", (json_int_t)e->id, "kind", account_move_text(e->kind), "paid_in", money((cash){e->change.paid_in_e8}),
                        "result", money((cash){e->change.result_e8}), "free", money((cash){e->change.free_e8}), "allocated", money((cash){e->change.allotted_e8}), "balance",
                        money((cash){e->balance_e8}), "bot_id", api_id("bot", e->bot_id), "time_ms", api_ms(e->clock_ns));
  json_object_set_new(v, "run", run ? json_integer(e->run) : json_null());
  json_array_append_new(l->items, v);
  return true;
}

enum status api_account_entries(struct api_call *call) {
  struct account_row row;
  struct api_list l;
  enum status st = find_account(call, &row);
  if (st != OK || !api_list_begin(call, &l, API_LIST_NEWEST)) return st;
  return api_list_end(&l, account_entries(store_reader(api_store(call), STORE_JOURNAL), row.tenant_id, row.id, l.at, l.limit + 1, add_entry, &l, &call->err));
}

// ---- moving it

struct moving {
  struct account_row row;
  enum account_move move;
  cash amount;
  enum status st;
  struct err err;
};

static enum status audit(struct api_call *call, struct db *db) {
  static const struct { enum account_move move; const char *action; } actions[] = {
    {ACCOUNT_MOVE_DEPOSIT, "account.deposit"}, {ACCOUNT_MOVE_WITHDRAW, "account.withdraw"}, {ACCOUNT_MOVE_RESET, "account.reset"}};
  const struct moving *m = call->state;
  char text[DECIMAL_TEXT_MAX], detail[DECIMAL_TEXT_MAX + 20];
  snprintf(detail, sizeof detail, "{\"amount\":\"%s\"}", cash_text(m->amount, text));
  for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
    if (actions[i].move == m->move) return api_audit(call, db, actions[i].action, "acc", m->row.id, detail);
  return OK;
}

static enum status moved(struct api_call *call) {
  const struct moving *m = call->state;
  // Done before: by a request with this key, whose answer a crash has swallowed.
  if (m->st != OK && m->st != ERR_EXISTS) {
    call->err = m->err;
    return m->st == ERR_LIMIT ? api_problem(call, PROBLEM_insufficient_funds, m->err.msg) : m->st;
  }
  json_t *now = money_json(call, &m->row);
  const enum status st = now ? api_json(call, 200, now) : err_set(&call->err, ERR_NOMEM, "out of memory");
  return st == OK ? api_write(call, audit) : st;
}

static void told(void *arg, enum status st, const struct err *err) {
  struct api_call *call = arg;
  struct moving *m = call->state;
  m->st = st;
  if (st != OK) m->err = *err;
  api_resume(call, moved);
}

static enum status move(struct api_call *call, enum account_move how, const char *amount_key, int64_t absent_e8) {
  struct moving *m = call->state = api_alloc(call, sizeof *m);
  enum status st;
  if (!m) return err_set(&call->err, ERR_NOMEM, "out of memory");
  m->move = how;
  if (!paper_account(call, &m->row, &st)) return st;
  const struct live_account_key key = key_of(&m->row, NULL);
  m->amount.e8 = cash_of(call->body, amount_key, absent_e8 ? absent_e8 : key.opening.e8);
  if (m->amount.e8 <= 0 || (json_object_get(call->body, amount_key) && !cash_of(call->body, amount_key, 0))) {
    char pointer[20];
    snprintf(pointer, sizeof pointer, "/%s", amount_key);
    return api_invalid_at(call, pointer, "must be above 0, with at most 8 decimals and 92 thousand million");
  }
  const struct live_move request = {.key = key, .move = how, .amount = m->amount, .request = call->req->field(call->req, "idempotency-key")};
  st = live_account_move(call->core->live, &request, told, call, &call->err);
  if (st == ERR_LIMIT) return api_problem(call, how == ACCOUNT_MOVE_RESET ? PROBLEM_conflict : PROBLEM_insufficient_funds, call->err.msg);
  return st == OK ? api_wait(call) : st;
}

enum status api_account_deposit(struct api_call *call) { return move(call, ACCOUNT_MOVE_DEPOSIT, "amount", -1); }
enum status api_account_withdraw(struct api_call *call) { return move(call, ACCOUNT_MOVE_WITHDRAW, "amount", -1); }
enum status api_account_reset(struct api_call *call) { return move(call, ACCOUNT_MOVE_RESET, "balance", 0); }

// ---- for who starts a bot

bool bots_afford(struct api_call *call, int64_t account_id, int64_t bot_id, const json_t *settings) {
  struct account_row row;
  if (!call->core->live) return true;
  // What is wrong with the account is told by those who look at it next.
  if (account_get(reader(call), call->who.tenant_id, account_id, &row, &call->err) != OK || strcmp(row.venue, ACCOUNT_PAPER) != 0) return true;
  const struct live_account_key key = key_of(&row, NULL);
  if (live_account_room(call->core->live, &key, bot_id, (cash){cash_of(settings, "cash", 0)}, &call->err) != ERR_LIMIT) return true;
  (void)api_problem(call, PROBLEM_insufficient_funds, call->err.msg);
  call->err.code = OK;  // answered
  return false;
}

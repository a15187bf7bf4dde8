// cli/demo.c – see demo.h. A client of the API like any other, without a socket.
#include "cli/demo.h"

#include "base/buf.h"
#include "base/json.h"
#include "cli/service.h"
#include "tenant/shipped.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Bots of one account do not trade with each other: a market order that would meet another's resting one is refused. So those that keep orders
// in the market have an account apart from others of their symbol.
static const struct demo_account {
  const char *name, *balance;
} demo_accounts[] = {{"Paper money", "30000"}, {"Paper money for averaging", "20000"}};
// Quick settings, so that there is something to see within minutes.
static const struct demo_bot {
  const char *name, *strategy, *symbol, *timeframe, *params;
  int account;
} demo_bots[] = {
  {"Trend on Bitcoin", "sma_cross", "BTCUSDT", "1m", "{\"fast\":5,\"slow\":15}", 0},
  {"Dips of Ether", "rsi_reversion", "ETHUSDT", "1m", "{\"buy_below\":25}", 0},
  {"Grid on Solana", "grid", "SOLUSDT", "1m", "{\"step\":0.3,\"rest\":20}", 0},
  {"DCA on Ether", "ema_dca", "ETHUSDT", "1m", "{\"step\":0.5,\"take\":0.5,\"rest\":10}", 1},
  {"Smart DCA on Bitcoin", "smart_dca", "BTCUSDT", "1m", "{\"step\":0.5,\"take\":0.6,\"rest\":10}", 1},
};
#define ACCOUNTS (sizeof demo_accounts / sizeof *demo_accounts)
#define BOTS (sizeof demo_bots / sizeof *demo_bots)

struct demo {
  struct service *service;
  char *token;  // NULL: as the operator
};

// Takes body. *ret_answer is NULL unless the status is one of success.
static enum status call(const struct demo *d, const char *method, const char *target, json_t *body, json_t **ret_answer, struct err *err) {
  char *text = body ? json_dumps(body, JSON_COMPACT) : NULL, *answer = NULL, bearer[2048];
  int status = 0;
  json_decref(body);
  snprintf(bearer, sizeof bearer, "Bearer %s", d->token ? d->token : "");
  const char *const fields[] = {"Authorization", bearer, NULL};
  enum status st = service_call_as(d->service, method, target, text, d->token ? fields : NULL, &status, &answer, err);
  *ret_answer = st == OK ? json_loads(answer, 0, NULL) : NULL;
  if (st == OK && status >= 300) st = err_set(err, ERR_INVALID, "%s %s: %.300s", method, target, answer);
  if (st != OK) {
    json_decref(*ret_answer);
    *ret_answer = NULL;
  }
  free(answer);
  free(text);
  return st;
}

static enum status sign_in(struct demo *d, const char *email, const char *password, struct err *err) {
  json_t *answer;
  enum status st = call(d, "POST", "/api/v1/auth/login", json_pack("{s:s, s:s}", "email", email, "password", password), &answer, err);
  if (st != OK) return st;
  const char *token = json_string_value(json_object_get(answer, "access_token"));
  d->token = token ? strdup(token) : NULL;
  json_decref(answer);
  return d->token ? OK : err_set(err, ERR_INVALID, "signing in gave no token");
}

// The edition's largest plan, and room for all five.
static enum status grant_plan(const struct demo *d, const char *user_id, struct err *err) {
  char target[128];
  json_t *plans, *answer = NULL;
  enum status st = call(d, "GET", "/api/v1/subscriptions/plans", NULL, &plans, err);
  if (st != OK) return st;
  const json_t *items = json_object_get(plans, "items");
  const char *largest = json_string_value(json_object_get(json_array_get(items, json_array_size(items) - 1), "id"));
  snprintf(target, sizeof target, "/api/v1/admin/users/%s/plan", user_id);
  st = call(d, "PUT", target, json_pack("{s:s, s:s?, s:{s:i, s:i, s:i, s:i}}", "reason", "demo", "plan", largest, "limits", "bots", 20, "pairs", 50, "pairs_per_bot", 10, "strategies", 20),
    &answer, err);
  json_decref(plans);
  json_decref(answer);
  return st;
}

static char *id_of(json_t *answer) {
  const char *id = json_string_value(json_object_get(answer, "id"));
  char *copy = id ? strdup(id) : NULL;
  json_decref(answer);
  return copy;
}

static enum status put_strategy(const struct demo *d, const char *name, char **ret_id, struct err *err) {
  const struct shipped *s = shipped_strategies;
  json_t *answer;
  while (s->name && strcmp(s->name, name) != 0) s++;
  if (!s->name) return err_set(err, ERR_NOTFOUND, "no shipped strategy %s", name);
  const enum status st = call(d, "POST", "/api/v1/strategies", json_pack("{s:s, s:s, s:b}", "name", name, "source", s->source, "activate", 1), &answer, err);
  if (st == OK) *ret_id = id_of(answer);
  return st;
}

static enum status put_account(const struct demo *d, const struct demo_account *a, char **ret_id, struct err *err) {
  json_t *answer;
  const enum status st = call(d, "POST", "/api/v1/accounts", json_pack("{s:s, s:s, s:{s:s, s:s, s:s}}", "venue", "paper", "name", a->name, "settings", "balance", a->balance, "fee_maker", "0.0002",
    "fee_taker", "0.0005"), &answer, err);
  if (st == OK) *ret_id = id_of(answer);
  return st;
}

static enum status put_bot(const struct demo *d, const struct demo_bot *b, const char *account, struct err *err) {
  char *strategy = NULL;
  json_t *answer;
  enum status st = put_strategy(d, b->strategy, &strategy, err);
  if (st != OK) return st;
  st = call(d, "POST", "/api/v1/bots", json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:{s:s}, s:b}", "name", b->name, "account_id", account, "strategy_id", strategy ? strategy : "",
    "symbol", b->symbol, "timeframe", b->timeframe, "params", json_loads(b->params, 0, NULL), "settings", "cash", "10000", "start", 1), &answer, err);
  json_decref(answer);
  free(strategy);
  return st;
}

enum status demo_make(struct service *service, const char *email, const char *password, const char *user_id, struct err *err) {
  const struct demo operator = {.service = service};
  struct demo d = {.service = service};
  char *accounts[ACCOUNTS] = {NULL};
  enum status st = grant_plan(&operator, user_id, err);
  if (st == OK) st = sign_in(&d, email, password, err);
  for (size_t i = 0; st == OK && i < ACCOUNTS; i++) st = put_account(&d, &demo_accounts[i], &accounts[i], err);
  for (size_t i = 0; st == OK && i < BOTS; i++) {
    struct err why;
    if (put_bot(&d, &demo_bots[i], accounts[demo_bots[i].account], &why) != OK) fprintf(stderr, "perigee: demo: %s is left out: %s\n", demo_bots[i].name, why.msg);
  }
  for (size_t i = 0; i < ACCOUNTS; i++) free(accounts[i]);
  free(d.token);
  return st;
}

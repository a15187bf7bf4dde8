// cli/cmd_account.c – `perigee account`: a tenant's accounts, their money and their limits, whether their credentials are good; for operators.
#include "cli/commands.h"

#include "cli/data_dir.h"
#include "cli/owner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum status need_tenant(struct owner *o) { return o->tenant ? OK : err_set(&o->err, ERR_USAGE, "whose account? --tenant org_… or --tenant MAIL-ADDRESS"); }

static enum status path_of(struct owner *o, const char *what, char ret[120]) {
  const char *id = o->args->positional[1];
  const enum status st = need_tenant(o);
  if (st == OK && (strncmp(id, "acc_", 4) != 0 || strspn(id + 4, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != strlen(id + 4)))
    return err_set(&o->err, ERR_USAGE, "\"%s\" is no account's id (acc_…); see: perigee account list --tenant %s", id, o->tenant);
  snprintf(ret, 120, "/accounts/%.40s%s", id, what);
  return st;
}

static enum status do_list(struct owner *o) {
  json_t *all = NULL, *a;
  size_t i;
  enum status st = need_tenant(o);
  if (st == OK) st = owner_list(o, "/accounts", INT64_MAX, &all);
  if (!owner_told(o, all, &st)) json_array_foreach(json_object_get(all, "items"), i, a) printf("%-20s %-10s %s\n", owner_text(a, "id"), owner_text(a, "venue"), owner_text(a, "name"));
  json_decref(all);
  return st;
}

static void print_money(const json_t *m) {
  static const char *const keys[] = {"balance", "free", "allocated", "equity", "paid_in", "result"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (*owner_text(m, keys[i])) printf("%s%s %s", i ? ", " : "", keys[i], owner_text(m, keys[i]));
  printf("\n");
}

static enum status do_show(struct owner *o) {
  char path[120], rules[120];
  json_t *answer = NULL, *standing = NULL, *v;
  const char *key;
  enum status st = path_of(o, "", path);
  if (st == OK) st = owner_call(o, "GET", path, NULL, &answer);
  if (st == OK) st = path_of(o, "/rules", rules);
  if (st == OK) st = owner_call(o, "GET", rules, NULL, &standing);
  json_t *whole = st == OK ? json_pack("{s:O, s:O}", "account", answer, "rules", standing) : NULL;
  if (!owner_told(o, whole, &st)) {
    printf("%s  %s  \"%s\"\n", owner_text(answer, "id"), owner_text(answer, "venue"), owner_text(answer, "name"));
    if (json_is_object(json_object_get(answer, "money"))) print_money(json_object_get(answer, "money"));
    json_object_foreach(json_object_get(answer, "settings"), key, v) {
      char *text = json_dumps(v, JSON_ENCODE_ANY);
      printf("  %s=%s\n", key, json_is_string(v) ? json_string_value(v) : text ? text : "?");
      free(text);
    }
    printf("rules: %s\n", owner_text(standing, "text"));
  }
  json_decref(whole);
  json_decref(answer);
  json_decref(standing);
  return st;
}

// body: taken.
static enum status move(struct owner *o, const char *what, json_t *body) {
  char path[120];
  json_t *answer = NULL;
  enum status st = path_of(o, what, path);
  if (st == OK && !body) st = err_set(&o->err, ERR_USAGE, "an amount is a number");
  if (st == OK) st = owner_call(o, "POST", path, body, &answer);
  if (!owner_told(o, answer, &st)) {
    print_money(answer);
    printf("next: perigee account show %s --tenant %s\n", o->args->positional[1], o->tenant);
  }
  json_decref(body);
  json_decref(answer);
  return st;
}

static enum status do_deposit(struct owner *o) { return move(o, "/deposit", json_pack("{s:s}", "amount", o->args->positional[2])); }
static enum status do_withdraw(struct owner *o) { return move(o, "/withdraw", json_pack("{s:s}", "amount", o->args->positional[2])); }
static enum status do_reset(struct owner *o) {
  const char *balance = cli_value(o->args, "--balance", NULL);
  return move(o, "/reset", balance ? json_pack("{s:s}", "balance", balance) : json_object());
}

static enum status do_set(struct owner *o) {
  char path[120], name[64];
  const char *given = o->args->positional[2], *equals = strchr(given, '=');
  json_t *answer = NULL;
  if (!equals || equals == given || (size_t)(equals - given) >= sizeof name) return err_set(&o->err, ERR_USAGE, "write NAME=VALUE, or NAME= to take the setting away, not \"%s\"", given);
  snprintf(name, sizeof name, "%.*s", (int)(equals - given), given);
  enum status st = path_of(o, "", path);
  json_t *value = equals[1] ? json_string(equals + 1) : json_null(), *body = value ? json_pack("{s:{s:o}}", "settings", name, value) : NULL;
  if (st == OK && !body) st = err_set(&o->err, ERR_USAGE, "a setting is UTF-8 text");
  if (st == OK) st = owner_call(o, "PATCH", path, body, &answer);
  json_decref(body);
  if (!owner_told(o, answer, &st)) printf("%s: %s. Limits and rules hold from the next order on.\nnext: perigee account show %s --tenant %s\n", o->args->positional[1], given, o->args->positional[1], o->tenant);
  json_decref(answer);
  return st;
}

static void print_balances(const json_t *items) {
  const json_t *b;
  size_t i;
  json_array_foreach(items, i, b)
    printf("%-8s balance %s, free %s, equity %s\n", owner_text(b, "currency"), owner_text(b, "balance"), owner_text(b, "free"), owner_text(b, "equity"));
}

static enum status do_balances(struct owner *o) {
  char path[120];
  json_t *answer = NULL;
  enum status st = path_of(o, "/balances", path);
  if (st == OK) st = owner_call(o, "GET", path, NULL, &answer);
  if (!owner_told(o, answer, &st)) {
    print_balances(json_object_get(answer, "items"));
    printf("next: perigee account show %s --tenant %s\n", o->args->positional[1], o->tenant);
  }
  json_decref(answer);
  return st;
}

// Exit code 1 when a check failed, for scripts.
static enum status do_test(struct owner *o) {
  char path[120];
  json_t *answer = NULL;
  const json_t *c;
  size_t i;
  enum status st = path_of(o, "/test", path);
  if (st == OK) st = owner_call(o, "POST", path, NULL, &answer);
  const bool good = st == OK && json_is_true(json_object_get(answer, "ok"));
  if (!owner_told(o, answer, &st)) {
    printf("%s, %s\n", owner_text(answer, "venue"), owner_text(answer, "environment"));
    json_array_foreach(json_object_get(answer, "checks"), i, c) {
      const json_t *ok = json_object_get(c, "ok");
      printf("  %-7s %-11s %s\n", json_is_true(ok) ? "ok" : json_is_false(ok) ? "FAILED" : "-", owner_text(c, "name"), owner_text(c, "text"));
    }
    print_balances(json_object_get(answer, "balances"));
    if (good) printf("next: perigee account balances %s --tenant %s\n", o->args->positional[1], o->tenant);
  }
  json_decref(answer);
  return st == OK && !good ? err_set(&o->err, ERR_INVALID, "the account cannot be traded on; its owner puts other credentials with PUT /accounts/{id}/secrets") : st;
}

static const struct operator_action actions[] = {{"list", "", 1}, {"show", "ID", 2}, {"deposit", "ID AMOUNT", 3}, {"withdraw", "ID AMOUNT", 3}, {"reset", "ID", 2}, {"set", "ID NAME=VALUE", 3}, {"test", "ID", 2}, {"balances", "ID", 2}, {NULL, NULL, 0}};
static const owner_fn runs[] = {do_list, do_show, do_deposit, do_withdraw, do_reset, do_set, do_test, do_balances};

static int run_account(const struct cli_args *a) { return owner_run(a, actions, runs); }

static const struct cli_option account_options[] = {OWNER_TENANT_OPTION, {"--balance", "AMOUNT", "reset: what it begins with (as at first)"}, OPERATOR_JSON_OPTION, CLI_DATA_DIR_OPTION, {NULL, NULL, NULL}};

const struct cli_command cmd_account = {
    "account", "list | show ID | deposit ID AMOUNT | withdraw ID AMOUNT | reset ID | set ID NAME=VALUE | test ID | balances ID", "a tenant's accounts: money, limits and rules; credentials tried",
    "Always with --tenant. Money moves only while the service runs, whose books they are: what bots have is not free. A setting is a limit (max_order,\n"
    "max_exposure, max_open, day_loss, drawdown, …), rules=NAME of a rule set, or what GET /api/v1/openapi.json names in PaperSettings; NAME= takes it away.\n"
    "test asks the venue of an account what changes nothing there: connection, clock, key, rights (a key that may withdraw fails), balances.",
    account_options, run_account,
    "perigee account list --tenant WHO             whose accounts have which ids\n"
    "perigee rules list                            rule sets for `set ID rules=NAME`"};

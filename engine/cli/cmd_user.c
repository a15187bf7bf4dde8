// cli/cmd_user.c – `perigee user`: accounts, for operators; and the first of them, which the service makes for itself.
#include "cli/commands.h"

#include "cli/api_client.h"
#include "cli/data_dir.h"
#include "cli/operator.h"
#include "crypto/encode.h"
#include "crypto/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PASSWORD_BYTES 15  // 24 base32 digits: nobody guesses it, and it can be read out on the phone

static const struct cli_option user_options[] = {
    CLI_DATA_DIR_OPTION,
    {"--role", "ROLE", "add: user, support, admin or super_admin (user)"},
    {"--name", "NAME", "add: what the person is called"},
    {"--reason", "TEXT", "suspend: why, for operators"},
    OPERATOR_JSON_OPTION,
    {NULL, NULL, NULL}};

struct work {
  const struct cli_args *args;
  struct api_client *client;
  struct err err;
};

void operator_password(char ret[OPERATOR_PASSWORD_SIZE]) {
  uint8_t raw[PASSWORD_BYTES];
  _Static_assert(OPERATOR_PASSWORD_SIZE >= BASE32_SIZE(PASSWORD_BYTES), "password does not fit");
  random_bytes(raw, sizeof raw);
  base32_encode(raw, sizeof raw, ret);
}

static const char *text(const json_t *o, const char *key) {
  const char *t = json_string_value(json_object_get(o, key));
  return t ? t : "";
}

// The answer as JSON where wanted; true when that was all there is to say.
static bool told_json(struct work *w, const json_t *answer, enum status *st) {
  const char *path = cli_value(w->args, "--json", NULL);
  if (path && *st == OK) *st = operator_write_json(answer, path, &w->err);
  return path || *st != OK;
}

static enum status do_add(struct work *w) {
  char password[OPERATOR_PASSWORD_SIZE];
  json_t *answer = NULL;
  operator_password(password);
  json_t *body = json_pack("{s:s, s:s, s:s}", "email", w->args->positional[1], "password", password, "role", cli_value(w->args, "--role", "user"));
  if (!body) return err_set(&w->err, ERR_INVALID, "an address is UTF-8 text");
  if (cli_has(w->args, "--name")) json_object_set_new(body, "name", json_string(cli_value(w->args, "--name", "")));
  enum status st = api_client_call(w->client, "POST", "/admin/users", body, &answer, &w->err);
  if (answer) json_object_set_new(answer, "password", json_string(password));
  if (!told_json(w, answer, &st)) printf("%s %s\npassword: %s\nIt is shown this once; have it changed at the first sign-in.\n", text(answer, "id"), text(answer, "email"), password);
  json_decref(body);
  json_decref(answer);
  return st;
}

static enum status do_list(struct work *w) {
  char target[160], cursor[128] = "";
  json_t *all = json_array();
  enum status st = OK;
  do {
    json_t *page = NULL, *items;
    snprintf(target, sizeof target, "/admin/users?limit=200%s%s", cursor[0] ? "&cursor=" : "", cursor);
    st = api_client_call(w->client, "GET", target, NULL, &page, &w->err);
    items = json_object_get(page, "items");
    if (st == OK) json_array_extend(all, items);
    snprintf(cursor, sizeof cursor, "%s", text(page, "next_cursor"));
    json_decref(page);
  } while (st == OK && cursor[0]);
  size_t i;
  json_t *u;
  if (!told_json(w, all, &st)) json_array_foreach(all, i, u) printf("%-18s %-11s %-10s %s  %s\n", text(u, "id"), text(u, "role"), text(u, "state"), text(u, "email"), text(u, "name"));
  json_decref(all);
  return st;
}

static enum status find(struct work *w, char ret_path[64]) {
  const char *wanted = w->args->positional[1];
  json_t *page = NULL, *u;
  size_t i;
  char target[400];
  enum status st = OK;
  if (strncmp(wanted, "usr_", 4) == 0) {
    snprintf(ret_path, 64, "/admin/users/%.40s", wanted);
    return OK;
  }
  // an address needs no escapes in a query but for '+'
  char query[300];
  size_t n = 0;
  for (const char *p = wanted; *p && n + 4 < sizeof query; p++) n += (size_t)(*p == '+' ? snprintf(query + n, sizeof query - n, "%%2B") : snprintf(query + n, sizeof query - n, "%c", *p));
  snprintf(target, sizeof target, "/admin/users?limit=200&q=%s", query);
  st = api_client_call(w->client, "GET", target, NULL, &page, &w->err);
  ret_path[0] = '\0';
  if (st == OK) json_array_foreach(json_object_get(page, "items"), i, u) if (strcmp(text(u, "email"), wanted) == 0) snprintf(ret_path, 64, "/admin/users/%s", text(u, "id"));
  json_decref(page);
  return st == OK && !ret_path[0] ? err_set(&w->err, ERR_NOTFOUND, "nobody has the address %s; see: perigee user list", wanted) : st;
}

static enum status patch(struct work *w, json_t *body) {
  char path[64];
  json_t *answer = NULL;
  enum status st = find(w, path);
  if (st == OK) st = api_client_call(w->client, "PATCH", path, body, &answer, &w->err);
  if (!told_json(w, answer, &st)) printf("%s is %s, %s\n", text(answer, "email"), text(answer, "state"), text(answer, "role"));
  json_decref(body);
  json_decref(answer);
  return st;
}

static enum status do_role(struct work *w) { return patch(w, json_pack("{s:s}", "role", w->args->positional[2])); }
static enum status do_suspend(struct work *w) { return patch(w, json_pack("{s:b, s:s}", "suspended", 1, "reason", cli_value(w->args, "--reason", "by an operator"))); }
static enum status do_resume(struct work *w) { return patch(w, json_pack("{s:b}", "suspended", 0)); }

static enum status do_reset(struct work *w) {
  json_t *answer = NULL, *body = json_pack("{s:s}", "email", w->args->positional[1]);
  enum status st = api_client_call(w->client, "POST", "/auth/forgot-password", body, &answer, &w->err);
  if (st == OK && !answer) answer = json_pack("{s:s, s:b}", "email", w->args->positional[1], "asked", 1);  // whether there is an account is not told
  if (!told_json(w, answer, &st)) printf("if %s has an account, a token is on its way by mail\n", w->args->positional[1]);
  json_decref(body);
  json_decref(answer);
  return st;
}

static const struct operator_action actions[] = {
    {"list", "", 1}, {"add", "EMAIL", 2}, {"role", "EMAIL ROLE", 3}, {"suspend", "EMAIL", 2}, {"resume", "EMAIL", 2}, {"reset-password", "EMAIL", 2}, {NULL, NULL, 0}};
static enum status (*const runs[])(struct work *w) = {do_list, do_add, do_role, do_suspend, do_resume, do_reset};

static int run_user(const struct cli_args *a) {
  int action = operator_action_find(a, actions);
  if (action < 0) return 2;
  umask(077);  // --json FILE may hold a password
  char dir[CLI_DATA_DIR_MAX];
  struct work w = {.args = a};
  if (!cli_data_dir(a, dir)) return 1;
  enum status st = api_client_open(dir, &w.client, &w.err);
  if (st == OK) st = runs[action](&w);
  api_client_close(w.client);
  if (st != OK) cli_error("%s", w.err.msg);
  return st == OK ? 0 : 1;
}

const struct cli_command cmd_user = {
    "user", "list | add EMAIL | role EMAIL ROLE | suspend EMAIL | resume EMAIL | reset-password EMAIL", "accounts: make, list, give a role, suspend",
    "Who may read the data directory is the operator: no password is asked. `add` prints a password once.",
    user_options, run_user,
    "perigee user role EMAIL support               what else there is: user, admin, super_admin\n"
    "perigee keys audit                            who did what, unchanged since"};

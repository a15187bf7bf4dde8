// cli/cmd_hook.c – `perigee hook`: hooks of a tenant, and moving in: a self-hosted bot's environment as a bot and the hook that it listens to.
#include "cli/commands.h"

#include "base/buf.h"
#include "cli/data_dir.h"
#include "cli/owner.h"
#include "signal/env_import.h"

#include <stdio.h>
#include <string.h>

static enum status need_tenant(struct owner *o) { return o->tenant ? OK : err_set(&o->err, ERR_USAGE, "whose? --tenant org_… or --tenant MAIL-ADDRESS"); }

static enum status do_list(struct owner *o) {
  json_t *all = NULL, *h;
  size_t i;
  enum status st = need_tenant(o);
  if (st == OK) st = owner_list(o, "/hooks", INT64_MAX, &all);
  if (!owner_told(o, all, &st)) json_array_foreach(json_object_get(all, "items"), i, h) printf("%-20s %3zu bots  %s\n", owner_text(h, "id"), json_array_size(json_object_get(h, "bots")), owner_text(h, "name"));
  json_decref(all);
  return st;
}

// ---- import-env

static void print_plan(const json_t *plan) {
  const json_t *bot = json_object_get(plan, "bot"), *one;
  size_t i;
  printf("bot \"%s\": %s, %s %s, %s%s\n", owner_text(bot, "name"), owner_text(bot, "strategy"), owner_text(bot, "symbol"), owner_text(bot, "timeframe"), json_is_true(json_object_get(plan, "paper")) ? "on paper" : "with money",
    json_is_true(json_object_get(plan, "testnet")) ? ", at the venue's test network" : "");
  json_array_foreach(json_object_get(plan, "taken"), i, one) printf("  taken    %-28s %s = %s\n", owner_text(one, "name"), owner_text(one, "as"), owner_text(one, "value"));
  json_array_foreach(json_object_get(plan, "ignored"), i, one) printf("  ignored  %-28s %s\n", owner_text(one, "name"), owner_text(one, "why"));
}

static enum status read_plan(const char *path, json_t **ret, struct err *err) {
  struct buf text;
  buf_init(&text, ENV_IMPORT_MAX + 1);
  enum status st = buf_read_file(&text, path, err);
  if (st == OK) st = env_import_read((const char *)text.data, text.len, ret, err);
  buf_finish(&text);
  if (st != OK && !strstr(err->msg, path)) return err_wrap(err, st, "%s", path);
  return st;
}

// A file that says it is a dry run does not become a bot with money.
static enum status check_account(struct owner *o, const json_t *plan, const char *account) {
  char path[80];
  json_t *answer = NULL;
  if (strncmp(account, "acc_", 4) != 0 || strlen(account) > 40 || strspn(account + 4, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") != strlen(account + 4))
    return err_set(&o->err, ERR_USAGE, "--account ID (acc_…) says whose money it trades; see: perigee account list --tenant %s", o->tenant);
  snprintf(path, sizeof path, "/accounts/%s", account);
  enum status st = owner_call(o, "GET", path, NULL, &answer);
  if (st == OK && json_is_true(json_object_get(plan, "paper")) && !json_is_true(json_object_get(answer, "paper")))
    st = err_set(&o->err, ERR_INVALID, "the file's bot runs dry (DRY_RUN is on, or not there), and account %s is one of %s: name a paper account, or write DRY_RUN=false", account, owner_text(answer, "venue"));
  json_decref(answer);
  return st;
}

static enum status create(struct owner *o, const json_t *plan, const char *account, json_t **ret) {
  char path[120], name[128];
  json_t *body = json_deep_copy(json_object_get(plan, "bot")), *bot = NULL, *hook = NULL, *nothing = NULL;
  const char *venue = cli_value(o->args, "--venue", NULL);
  json_object_set_new(body, "account_id", json_string(account));
  json_object_set_new(body, "start", json_false());
  if (venue) json_object_set_new(body, "venue", json_string(venue));
  enum status st = owner_call(o, "POST", "/bots", body, &bot);
  json_decref(body);
  snprintf(name, sizeof name, "%.88s (bridge)", owner_text(json_object_get(plan, "bot"), "name"));
  body = json_pack("{s:s, s:{s:i, s:i}}", "name", name, "settings", "max_age_s", 300, "ttl_s", 60);
  if (!body) body = json_pack("{s:s, s:{s:i, s:i}}", "name", "bridge", "settings", "max_age_s", 300, "ttl_s", 60);  // a name cut within a letter
  if (st == OK) st = owner_call(o, "POST", "/hooks", body, &hook);
  json_decref(body);
  snprintf(path, sizeof path, "/hooks/%.40s/bots/%.40s", owner_text(hook, "id"), owner_text(bot, "id"));
  if (st == OK) st = owner_call(o, "PUT", path, NULL, &nothing);
  if (st == OK) *ret = json_pack("{s:s, s:s, s:s}", "bot_id", owner_text(bot, "id"), "hook_id", owner_text(hook, "id"), "hook_path", owner_text(hook, "path"));
  else if (bot) err_wrap(&o->err, st, "bot %s was made, stopped, and has no hook", owner_text(bot, "id"));
  json_decref(bot);
  json_decref(hook);
  json_decref(nothing);
  return st;
}

static enum status do_import(struct owner *o) {
  json_t *plan = NULL, *made = NULL;
  const char *account = cli_value(o->args, "--account", "");
  enum status st = need_tenant(o);
  if (st == OK) st = read_plan(o->args->positional[1], &plan, &o->err);
  if (st == OK) st = check_account(o, plan, account);
  if (st == OK) st = create(o, plan, account, &made);
  if (st == OK) json_object_set(plan, "created", made);
  if (!owner_told(o, plan, &st)) {
    print_plan(plan);
    printf("made: bot %s, stopped, and hook %s that it listens to.\nIts address, shown this once: %s behind the site's\nnext: compare the bot's parameters with the old one's, then start it\n", owner_text(made, "bot_id"),
           owner_text(made, "hook_id"), owner_text(made, "hook_path"));
  }
  json_decref(plan);
  json_decref(made);
  return st;
}

// What the file means here; nobody is asked, and nothing is made.
static int dry_run(const struct cli_args *a) {
  json_t *plan = NULL;
  struct err err = {0};
  enum status st = read_plan(a->positional[1], &plan, &err);
  if (st == OK && cli_has(a, "--json")) st = operator_write_json(plan, cli_value(a, "--json", "-"), &err);
  else if (st == OK) print_plan(plan), printf("Nothing was made: without --dry-run, with --tenant and --account, it is.\n");
  json_decref(plan);
  if (st != OK) cli_error("%s", err.msg);
  return st == OK ? 0 : 1;
}

static const struct operator_action actions[] = {{"list", "", 1}, {"import-env", "FILE", 2}, {NULL, NULL, 0}};
static const owner_fn runs[] = {do_list, do_import};

static int run_hook(const struct cli_args *a) {
  const int action = operator_action_find(a, actions);
  if (action < 0) return 2;
  return cli_has(a, "--dry-run") && runs[action] == do_import ? dry_run(a) : owner_run(a, actions, runs);
}

static const struct cli_option hook_options[] = {OWNER_TENANT_OPTION,
  {"--account", "ID", "import-env: the account that the bot trades (acc_…)"},
  {"--venue", "V", "import-env: whose market data it reads; the account's where absent"},
  {"--dry-run", NULL, "import-env: only what the file means here; nothing is made"},
  OPERATOR_JSON_OPTION, CLI_DATA_DIR_OPTION, {NULL, NULL, NULL}};

const struct cli_command cmd_hook = {
    "hook", "list | import-env FILE [--dry-run]", "hooks that take signals; a self-hosted bot moves in",
    "import-env reads the environment of a self-hosted DCA bot (NAME=VALUE lines) and makes a bot of ema_dca with its parameters, stopped, and a hook that it listens\n"
    "to (bridge mode: examples/bridge). It says of each variable what became of it: taken as what, or ignored and why. Secrets are named and never read. A file\n"
    "that does not say DRY_RUN=false is for a paper account only.",
    hook_options, run_hook,
    "perigee hook import-env bot.env --dry-run               what its variables mean here\n"
    "perigee hook import-env bot.env --tenant WHO --account ID   makes bot and hook\n"
    "perigee account list --tenant WHO                       the ids of accounts"};

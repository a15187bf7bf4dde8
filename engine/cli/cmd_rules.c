// cli/cmd_rules.c – `perigee rules`: rule sets of accounts, the installation's or a tenant's own.
#include "cli/commands.h"

#include "base/buf.h"
#include "cli/data_dir.h"
#include "cli/owner.h"

#include <stdio.h>
#include <string.h>

#define FILE_MAX (64 << 10)

// The path of the set that the command names. False: said what is wrong.
static bool path_of(struct owner *o, const char *base, char ret[140]) {
  const char *name = o->args->positional[1];
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  if (!*name || strlen(name) > 63 || name[strspn(name, allowed)]) return (void)err_set(&o->err, ERR_USAGE, "\"%s\": a rule set's name has letters, digits, - _ and .", name), false;
  snprintf(ret, 140, "%s/%s", base, name);
  return true;
}

static const char *own_base(const struct owner *o) { return o->tenant ? "/risk/rule-sets" : "/admin/rule-sets"; }

static enum status do_list(struct owner *o) {
  json_t *answer = NULL, *set;
  size_t i;
  enum status st = owner_call(o, "GET", "/risk/rule-sets", NULL, &answer);
  if (!owner_told(o, answer, &st)) json_array_foreach(json_object_get(answer, "items"), i, set)
      printf("%-24s %-12s %s\n", owner_text(set, "name"), owner_text(set, "owner"), owner_text(json_object_get(set, "rules"), "name"));
  json_decref(answer);
  return st;
}

static enum status do_show(struct owner *o) {
  char path[140];
  json_t *answer = NULL;
  if (!path_of(o, "/risk/rule-sets", path)) return ERR_USAGE;
  enum status st = owner_call(o, "GET", path, NULL, &answer);
  if (!owner_told(o, answer, &st)) {
    printf("# %s, %s\n", owner_text(answer, "name"), owner_text(answer, "owner"));
    st = operator_write_json(json_object_get(answer, "rules"), "-", &o->err);
  }
  json_decref(answer);
  return st;
}

static enum status do_put(struct owner *o) {
  char path[140];
  struct buf text;
  json_error_t why;
  json_t *answer = NULL, *rules = NULL, *body;
  const char *file = o->args->positional[2];
  if (!path_of(o, own_base(o), path)) return ERR_USAGE;
  buf_init(&text, FILE_MAX);
  enum status st = buf_read_file(&text, file, &o->err);
  if (st == OK && !(rules = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &why))) st = err_set(&o->err, ERR_INVALID, "%s:%d:%d: %s", file, why.line, why.column, why.text);
  buf_finish(&text);
  body = st == OK ? json_pack("{s:o}", "rules", rules) : NULL;
  if (st == OK) st = owner_call(o, "PUT", path, body, &answer);
  if (!owner_told(o, answer, &st))
    printf("rule set \"%s\" (%s), revision %" JSON_INTEGER_FORMAT ": it holds at once over accounts that have it\nnext: perigee account set ID rules=%s --tenant WHO\n", owner_text(answer, "name"),
           owner_text(answer, "owner"), owner_number(answer, "revision"), owner_text(answer, "name"));
  json_decref(body);
  json_decref(answer);
  return st;
}

static enum status do_delete(struct owner *o) {
  char path[140];
  json_t *answer = NULL;
  if (!path_of(o, own_base(o), path)) return ERR_USAGE;
  enum status st = owner_call(o, "DELETE", path, NULL, &answer);
  if (!owner_told(o, answer, &st)) printf("rule set \"%s\" is deleted; accounts that have it keep it until the service starts again\n", o->args->positional[1]);
  json_decref(answer);
  return st;
}

static const struct operator_action actions[] = {{"list", "", 1}, {"show", "NAME", 2}, {"put", "NAME FILE", 3}, {"delete", "NAME", 2}, {NULL, NULL, 0}};
static const owner_fn runs[] = {do_list, do_show, do_put, do_delete};

static int run_rules(const struct cli_args *a) { return owner_run(a, actions, runs); }

static const struct cli_option rules_options[] = {OWNER_TENANT_OPTION, OPERATOR_JSON_OPTION, CLI_DATA_DIR_OPTION, {NULL, NULL, NULL}};

const struct cli_command cmd_rules = {
    "rules", "list | show NAME | put NAME FILE | delete NAME", "rule sets of accounts: which loss ends a day, or the account",
    "FILE is JSON; strategies/rules/README.md has every key. A name means the tenant's own set, else the installation's, else one that ships. Without --tenant\n"
    "the installation's are meant. (Signal rules in Lua are scripts: perigee script.)",
    rules_options, run_rules,
    "perigee rules show challenge_two_step         one that ships, to begin with\n"
    "perigee account set ID rules=NAME --tenant WHO   an account that follows it"};

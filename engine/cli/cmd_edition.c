// cli/cmd_edition.c – `perigee edition load DIR`: tiers, rules, dialects, strategies and branding of a product, whole or not at all.
#include "cli/commands.h"

#include "cli/api_client.h"
#include "cli/data_dir.h"
#include "cli/operator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *o, const char *key) {
  const char *text = json_string_value(json_object_get(o, key));
  return text ? text : "";
}

static int failed_with(const struct err *err) {
  cli_error("%s", err->msg);
  return 1;
}

// Strategies need proofs, which run one at a time behind the ordinary upload; the text is the one that was just loaded.
static enum status prove(struct api_client *client, const json_t *item, struct err *err) {
  char path[512];
  json_t *version = NULL, *body = NULL, *script = NULL, *active = NULL;
  const char *name = text_of(item, "name");
  snprintf(path, sizeof path, "/admin/scripts/%s/versions/%lld", text_of(item, "id"),
    (long long)json_integer_value(json_object_get(item, "version")));
  enum status st = api_client_call(client, "GET", path, NULL, &version, err);
  if (st == OK && strcmp(text_of(version, "state"), "proven") != 0) {
    body = json_pack("{s:s, s:s, s:s}", "kind", "strategy", "name", name, "source", text_of(version, "source"));
    st = body ? api_client_call(client, "POST", "/admin/scripts", body, &script, err)
              : err_set(err, ERR_NOMEM, "out of memory");
  }
  if (st == OK) {
    size_t len = strlen(path);
    snprintf(path + len, sizeof path - len, "/activate");
    st = api_client_call(client, "POST", path, NULL, &active, err);
  }
  json_decref(version);
  json_decref(body);
  json_decref(script);
  json_decref(active);
  return st == OK ? OK : err_wrap(err, st, "strategy %s", name);
}

static int load(const struct cli_args *a, struct api_client *client) {
  struct err err;
  json_t *answer = NULL;
  char *dir = realpath(a->positional[1], NULL);  // the service stands somewhere else
  if (!dir) return cli_error("%s: there is no such directory", a->positional[1]), 1;
  json_t *body = json_pack("{s:s}", "dir", dir);
  free(dir);
  if (!body) return cli_error("the directory's name is not UTF-8"), 1;
  enum status st = api_client_call(client, "POST", "/admin/edition", body, &answer, &err);
  json_decref(body);
  if (st != OK) return failed_with(&err);
  const json_t *scripts = json_object_get(answer, "scripts");
  int failed = 0;
  for (size_t i = 0; i < json_array_size(scripts); i++) {
    json_t *item = json_array_get(scripts, i);
    bool strategy = strcmp(text_of(item, "kind"), "strategy") == 0,
         active = !strategy || prove(client, item, &err) == OK;
    json_object_set_new(item, "active", json_boolean(active));
    if (!active) cli_error("%s", err.msg);
    failed += !active;
    if (!cli_has(a, "--json"))
      printf("%-9s %-32s version %lld%s%s\n", text_of(item, "kind"), text_of(item, "name"),
        (long long)json_integer_value(json_object_get(item, "version")), active ? ", active" : ", stored",
        json_is_true(json_object_get(item, "new_version")) ? "" : " (was there)");
  }
  if (!cli_has(a, "--json")) printf("edition %s is in force\n", text_of(answer, "edition"));
  int code = cli_has(a, "--json") ? operator_result(a, json_incref(answer)) : 0;
  json_decref(answer);
  return failed ? 1 : code;
}

static int run_edition(const struct cli_args *a) {
  if (a->positional_count != 2 || strcmp(a->positional[0], "load") != 0)
    return cli_usage(a, "write: perigee edition load DIR");
  char dir[CLI_DATA_DIR_MAX];
  struct api_client *client;
  struct err err;
  if (!cli_data_dir(a, dir)) return 1;
  if (api_client_open(dir, &client, &err) != OK) return failed_with(&err);
  int code = load(a, client);
  api_client_close(client);
  return code;
}

static const struct cli_option edition_options[] = {
  {"--json", "FILE", "what was loaded; - is standard output"}, CLI_DATA_DIR_OPTION, {NULL, NULL, NULL}};
const struct cli_command cmd_edition = {"edition", "load DIR [options]",
  "load a product's tiers, rules, dialects, strategies and branding",
  "DIR/edition.json names the scripts; examples/dca and its four neighbours are editions. Tiers, rules, dialects, presets "
  "and branding take\n"
  "effect together, at once, or not at all when one of them has a mistake. Strategies are stored with them, then proven "
  "and made active one\n"
  "by one.",
  edition_options, run_edition,
  "curl -s localhost:8080/api/v1/subscriptions/plans   its prices and limits\n"
  "curl -s localhost:8080/api/v1/edition               its branding and presets\n"
  "perigee script list"};

// cli/cmd_check.c – `perigee check` (describe and lint a script) and `perigee version`.
#include "cli/commands.h"

#include "base/buf.h"
#include "base/json.h"
#include "cli/operator.h"
#include "loop/watchdog.h"
#include "script/profile.h"
#include "script/spec.h"
#include "tenant/registry.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Rules, tiers and dialects, as `perigee script put` and `perigee edition load` would take them: the file's name is the script's.
static int check_kind(const struct cli_args *a, const char *path, const struct buf *source) {
  struct err err;
  struct watchdog *dog = NULL;
  struct script_draft draft = {0};
  enum script_kind kind;
  char name[SCRIPT_NAME_SIZE], file[SCRIPT_NAME_SIZE + 8];
  if (!script_kind_parse(cli_value(a, "--kind", ""), &kind)) return cli_usage(a, "--kind is strategy, rule, tier or dialect");
  const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path, *dot = strrchr(base, '.');
  snprintf(name, sizeof name, "%.*s", dot ? (int)(dot - base) : (int)strlen(base), base);
  snprintf(file, sizeof file, "%s.lua", name);
  enum status st = watchdog_create(&dog, &err);
  if (st == OK) st = registry_describe(kind, name, source->data ? source->data : "", source->len, dog, &draft, &err);
  watchdog_destroy(dog);
  if (st != OK) return cli_script_error(err.msg, file, source->data, source->len), 1;
  json_t *header = json_loads(draft.header, 0, NULL);
  script_draft_finish(&draft);
  return operator_result(a, header);
}

static int run_check(const struct cli_args *a) {
  if (a->positional_count != 1) return cli_usage(a, "check takes one script");
  const char *path = a->positional[0];
  struct buf source;
  if (!cli_script_read(path, &source)) return 1;
  if (cli_has(a, "--kind") && strcmp(cli_value(a, "--kind", ""), "strategy") != 0) {
    int code = check_kind(a, path, &source);
    buf_finish(&source);
    return code;
  }
  if (cli_has(a, "--verdict")) {
    int verdict = cmd_check_verdict(a, path, &source);
    buf_finish(&source);
    return verdict;
  }
  if (cli_has(a, "--data") || cli_has(a, "--fee") || cli_has(a, "--symbol") || cli_has(a, "--timeframe")) {
    buf_finish(&source);
    return cli_usage(a, "--data and what belongs to it go with --verdict");
  }
  struct err err;
  struct watchdog *dog = NULL;
  struct script_spec *spec = NULL;
  double max_notional = NAN;
  struct param_value values[SPEC_PARAMS_MAX];
  enum status st = watchdog_create(&dog, &err);
  if (st == OK) st = script_describe(path, source.data, source.len, dog, &spec, &err);
  if (st == OK) {
    params_default(spec, values);
    st = script_check_params(path, source.data, source.len, spec, values, dog, &max_notional, &err);
  }
  int code = 1;
  if (st == OK) {
    json_t *o = spec_json(spec);
    json_object_set_new(o, "max_notional", isnan(max_notional) ? json_null() : json_real(max_notional));
    code = operator_result(a, o);
  } else {
    cli_script_error(err.msg, path, source.data, source.len);
  }
  free(spec);
  watchdog_destroy(dog);
  buf_finish(&source);
  return code;
}

static const struct cli_option check_options[] = {
    {"--json", "FILE", "where the header (or the verdict) goes as JSON; - is standard output, the header's default"},
    {"--kind", "KIND", "strategy, rule, tier or dialect (strategy)"},
    {"--verdict", NULL, "prove it: determinism, look-ahead, warm-up, calendar, paths, doubled costs"},
    {"--data", "[STREAM=]FILE", "bars to prove it on; without any, a random walk is made. May be repeated"},
    {"--symbol", "S", "when the file does not tell"},
    {"--timeframe", "TF", "when the file does not tell"},
    {"--fee", "F", "fee as a fraction of notional per side (0.001)"},
    {NULL, NULL, NULL}};
const struct cli_command cmd_check = {
    "check", "SCRIPT [--kind KIND] [--json FILE] [--verdict [--data FILE]]", "describe a script: its header as JSON, or errors with line numbers",
    "Evaluates the header in a throw-away sandbox, checks every key, kind and limit, the names of callbacks and indicators,\n"
    "and runs check(p) and risk.max_notional(p) with the default parameters. Nothing is traded.\n"
    "With --verdict it is run a dozen times in seconds, as an upload is: exit code 1 when a check fails.\n"
    "With --kind, rules, tiers and dialects are checked as `perigee script put` would: perigee check --kind tier lua/tiers/dca.lua",
    check_options, run_check,
    "perigee check SCRIPT --verdict\n"
    "perigee backtest SCRIPT --data FILE --report report.html"};

static int run_version(const struct cli_args *a) {
  json_t *o = json_pack("{s:s, s:s, s:s}", "version", PERIGEE_VERSION, "lua", script_lua_version(), "jansson", jansson_version_str());
  if (cli_has(a, "--json")) return operator_result(a, o);
  json_decref(o);
  printf("perigee %s\n%s, jansson %s\n", PERIGEE_VERSION, script_lua_version(), jansson_version_str());
  return 0;
}

static const struct cli_option version_options[] = {{"--json", "FILE", "the versions as JSON; - is standard output"}, {NULL, NULL, NULL}};
const struct cli_command cmd_version = {"version", "[--json FILE]", "versions of the engine and its libraries", NULL, version_options, run_version, "perigee help"};

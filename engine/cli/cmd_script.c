// cli/cmd_script.c – `perigee script`: the installation's own scripts, for operators. Each is one or two calls of the API.
#include "cli/commands.h"

#include "base/buf.h"
#include "cli/api_client.h"
#include "cli/data_dir.h"
#include "cli/operator.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct cli_option script_options[] = {
    CLI_DATA_DIR_OPTION,
    {"--name", "NAME", "put: what it is called (the file's name without .lua)"},
    {"--comment", "TEXT", "put: why, for the list of versions"},
    {"--activate", NULL, "put: make it the active version when it is proven"},
    {"--canary", "PERCENT", "activate: of a strategy, only for so many of a hundred of its bots at first"},
    {"--errors", "N", "with --canary: more errors of those bots together, and all go back (0)"},
    {"--drawdown", "SHARE", "with --canary: a fall of one's equity by more than this share, such as 0.05, and all go back"},
    {"--minutes", "N", "with --canary: then for all (without it: when you activate it)"},
    {"--off", NULL, "shadow: end it"},
    {"--status", NULL, "shadow: only what it would have done so far"},
    {"--kind", "KIND", "list: only strategies, rules, tiers or dialects"},
    OPERATOR_JSON_OPTION,
    {NULL, NULL, NULL}};

struct work {
  const struct cli_args *args;
  struct api_client *client;
  struct err err;
};

static bool is_strategy(const char *kind) { return strcmp(kind, "strategy") == 0; }
static const char *base_of(const char *kind) { return is_strategy(kind) ? "/strategies" : "/admin/scripts"; }

static json_int_t number(const json_t *o, const char *key) { return json_integer_value(json_object_get(o, key)); }
static const char *text(const json_t *o, const char *key) {
  const char *t = json_string_value(json_object_get(o, key));
  return t ? t : "";
}

// The answer as JSON where wanted. True when that was all.
static enum status tell_json(struct work *w, const json_t *answer, bool *ret_told) {
  const char *path = cli_value(w->args, "--json", NULL);
  *ret_told = path != NULL;
  if (!path) return OK;
  return operator_write_json(answer, path, &w->err);
}

// The path of a script by kind and name, to be freed.
static enum status path_of(struct work *w, const char *kind, const char *name, char ret[128]) {
  char path[256], cursor[128] = "";
  for (;;) {
    snprintf(path, sizeof path, "%s?limit=200%s%s%s%s", base_of(kind), is_strategy(kind) ? "" : "&kind=", is_strategy(kind) ? "" : kind, cursor[0] ? "&cursor=" : "", cursor);
    json_t *page = NULL, *item;
    size_t i;
    enum status st = api_client_call(w->client, "GET", path, NULL, &page, &w->err);
    if (st != OK) return st;
    bool found = false;
    json_array_foreach(json_object_get(page, "items"), i, item) {
      if (strcmp(text(item, "name"), name) != 0) continue;
      snprintf(ret, 128, "%s/%s", base_of(kind), text(item, "id"));
      found = true;
    }
    snprintf(cursor, sizeof cursor, "%s", text(page, "next_cursor"));
    json_decref(page);
    if (found) return OK;
    if (!cursor[0]) return err_set(&w->err, ERR_NOTFOUND, "there is no %s \"%s\"; see: perigee script list", kind, name);
  }
}

static void print_when(json_int_t ms) {
  char out[32];
  time_t s = (time_t)(ms / 1000);
  struct tm tm;
  strftime(out, sizeof out, "%Y-%m-%d %H:%M", gmtime_r(&s, &tm));
  printf("%s", out);
}

// All of one kind, page after page, behind what is in ret_items; each tells its kind.
static enum status list_kind(struct work *w, const char *kind, json_t *ret_items) {
  char path[256], cursor[128] = "";
  enum status st = OK;
  do {
    json_t *page = NULL, *item;
    size_t i;
    snprintf(path, sizeof path, "%s?limit=200%s%s%s%s", base_of(kind), is_strategy(kind) ? "" : "&kind=", is_strategy(kind) ? "" : kind, cursor[0] ? "&cursor=" : "", cursor);
    st = api_client_call(w->client, "GET", path, NULL, &page, &w->err);
    json_array_foreach(json_object_get(page, "items"), i, item) json_object_set_new(item, "kind", json_string(kind));
    if (st == OK) json_array_extend(ret_items, json_object_get(page, "items"));
    snprintf(cursor, sizeof cursor, "%s", text(page, "next_cursor"));
    json_decref(page);
  } while (st == OK && cursor[0]);
  return st;
}

static void print_scripts(const json_t *edition, const json_t *items) {
  const json_t *item;
  size_t i;
  printf("edition %s is in force: %s\n", text(edition, "edition"), text(edition, "name"));
  json_array_foreach(items, i, item) {
    printf("%-9s %-30s ", text(item, "kind"), text(item, "name"));
    if (json_is_null(json_object_get(item, "active_version"))) printf("not active");
    else printf("active %-3" JSON_INTEGER_FORMAT, number(item, "active_version"));
    printf("  newest %-3" JSON_INTEGER_FORMAT "  ", number(item, "latest_version"));
    print_when(number(item, "updated_at_ms"));
    printf("\n");
  }
}

static enum status do_list(struct work *w) {
  static const char *const kinds[] = {"tier", "rule", "dialect", "strategy"};
  const char *only = cli_value(w->args, "--kind", NULL);
  json_t *edition = NULL, *items = json_array(), *whole = NULL;
  bool told = false, known = !only;
  enum status st = api_client_call(w->client, "GET", "/edition", NULL, &edition, &w->err);
  for (size_t k = 0; st == OK && k < sizeof kinds / sizeof *kinds; k++) {
    if (only && strcmp(only, kinds[k]) != 0) continue;
    known = true;
    st = list_kind(w, kinds[k], items);
  }
  if (st == OK && !known) st = err_set(&w->err, ERR_USAGE, "--kind is strategy, rule, tier or dialect, not \"%s\"", only);
  if (st == OK) whole = json_pack("{s:s, s:O}", "edition", text(edition, "edition"), "items", items);
  if (st == OK) st = tell_json(w, whole, &told);
  if (st == OK && !told) print_scripts(edition, items);
  json_decref(edition);
  json_decref(items);
  json_decref(whole);
  return st;
}

static enum status put_body(struct work *w, const char *kind, const char *file, json_t **ret) {
  struct buf source;
  char name[128];
  const char *slash = strrchr(file, '/'), *given = cli_value(w->args, "--name", NULL);
  snprintf(name, sizeof name, "%s", given ? given : slash ? slash + 1 : file);
  size_t len = strlen(name);
  if (!given && len > 4 && strcmp(name + len - 4, ".lua") == 0) name[len - 4] = '\0';
  buf_init(&source, 1 << 20);
  enum status st = buf_read_file(&source, file, &w->err);
  if (st == OK) {
    *ret = json_pack("{s:s, s:s#, s:s}", "name", name, "source", source.data ? source.data : "", (int)source.len, "comment", cli_value(w->args, "--comment", ""));
    if (!*ret) st = err_set(&w->err, ERR_INVALID, "%s is not UTF-8 text", file);
    else if (!is_strategy(kind)) json_object_set_new(*ret, "kind", json_string(kind));
    else json_object_set_new(*ret, "activate", json_boolean(cli_has(w->args, "--activate")));
  }
  buf_finish(&source);
  return st;
}

// A new script, or a new version of the strategy that has the name; other kinds have one route for both.
static enum status do_put(struct work *w) {
  const char *kind = w->args->positional[1];
  char path[140], name[128];
  json_t *body = NULL, *answer = NULL;
  snprintf(path, sizeof path, "%s", base_of(kind));
  enum status st = put_body(w, kind, w->args->positional[2], &body);
  snprintf(name, sizeof name, "%s", text(body, "name"));
  if (st == OK && is_strategy(kind)) {
    char known[128];
    enum status found = path_of(w, kind, name, known);
    if (found == OK) {
      snprintf(path, sizeof path, "%s/versions", known);
      json_object_del(body, "name");
    } else if (found != ERR_NOTFOUND) {
      st = found;
    }
  }
  if (st == OK) st = api_client_call(w->client, "POST", path, body, &answer, &w->err);
  const json_t *version = json_object_get(answer, "version");
  const json_int_t n = json_is_integer(version) ? json_integer_value(version) : number(answer, "latest_version");
  if (st == OK && !is_strategy(kind) && cli_has(w->args, "--activate")) {
    json_t *active = NULL;
    snprintf(path, sizeof path, "%s/%s/versions/%" JSON_INTEGER_FORMAT "/activate", base_of(kind), text(answer, "id"), n);
    st = api_client_call(w->client, "POST", path, NULL, &active, &w->err);
    json_decref(active);
  }
  bool told = false;
  if (st == OK) st = tell_json(w, answer, &told);
  if (st == OK && !told) {
    printf("%s \"%s\": version %" JSON_INTEGER_FORMAT "\n", kind, name, n);
    if (!cli_has(w->args, "--activate")) printf("next: perigee script activate %s \"%s\" %" JSON_INTEGER_FORMAT "\n", kind, name, n);
  }
  json_decref(body);
  json_decref(answer);
  return st;
}

static enum status do_show(struct work *w) {
  const struct cli_args *a = w->args;
  char path[128], versions[192];
  json_t *answer = NULL, *item;
  size_t i;
  bool told;
  enum status st = path_of(w, a->positional[1], a->positional[2], path);
  if (st != OK) return st;
  const bool one = a->positional_count > 3;
  snprintf(versions, sizeof versions, "%s/versions%s%.20s", path, one ? "/" : "?limit=200", one ? a->positional[3] : "");
  st = api_client_call(w->client, "GET", versions, NULL, &answer, &w->err);
  if (st == OK) st = tell_json(w, answer, &told);
  if (st == OK && !told && one) printf("%s", text(answer, "source"));
  if (st == OK && !told && !one) json_array_foreach(json_object_get(answer, "items"), i, item) {
      printf("%4" JSON_INTEGER_FORMAT " %s %-8s %.12s ", number(item, "version"), json_is_true(json_object_get(item, "active")) ? "active" : "      ", text(item, "state"), text(item, "sha256"));
      print_when(number(item, "created_at_ms"));
      printf("  %s\n", text(item, "comment"));
    }
  json_decref(answer);
  return st;
}

static enum status do_diff(struct work *w) {
  const struct cli_args *a = w->args;
  char path[128], diff[256];
  json_t *answer = NULL;
  bool told;
  enum status st = path_of(w, a->positional[1], a->positional[2], path);
  if (st != OK) return st;
  snprintf(diff, sizeof diff, "%s/diff?from=%.20s&to=%.20s", path, a->positional[3], a->positional[4]);
  st = api_client_call(w->client, "GET", diff, NULL, &answer, &w->err);
  if (st == OK) st = tell_json(w, answer, &told);
  if (st == OK && !told) printf("%s", text(answer, "diff"));
  json_decref(answer);
  return st;
}

// Posts, and tells which version is active then. body: taken; NULL: none.
static enum status tell_active(struct work *w, const char *target, json_t *body) {
  json_t *answer = NULL;
  bool told = false;
  enum status st = api_client_call(w->client, "POST", target, body, &answer, &w->err);
  if (st == OK) st = tell_json(w, answer, &told);
  if (st == OK && !told) {
    const json_t *trial = json_object_get(answer, "trial");
    printf("%s: version %" JSON_INTEGER_FORMAT " is active\n", text(answer, "name"), number(answer, "active_version"));
    if (strcmp(text(trial, "state"), "running") == 0)
      printf("version %" JSON_INTEGER_FORMAT " is on trial with %" JSON_INTEGER_FORMAT " %% of its bots\nnext: perigee script activate strategy \"%s\" %" JSON_INTEGER_FORMAT "   for all of them\n"
             "      perigee script rollback strategy \"%s\"\n", number(trial, "version"), number(trial, "canary_percent"), text(answer, "name"), number(trial, "version"), text(answer, "name"));
  }
  json_decref(body);
  json_decref(answer);
  return st;
}

static enum status change(struct work *w, const char *what, json_t *body) {
  char path[128], target[192];
  enum status st = path_of(w, w->args->positional[1], w->args->positional[2], path);
  if (st != OK) {
    json_decref(body);
    return st;
  }
  snprintf(target, sizeof target, "%s/%s", path, what);
  return tell_active(w, target, body);
}

// What goes with a trial, as the API names it; NULL: nothing was given.
static enum status trial_body(struct work *w, json_t **ret) {
  static const struct { const char *option, *name; } numbers[] = {{"--canary", "canary_percent"}, {"--errors", "errors_max"}, {"--minutes", "for_minutes"}};
  const char *drawdown = cli_value(w->args, "--drawdown", NULL);
  *ret = NULL;
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    const char *given = cli_value(w->args, numbers[i].option, NULL);
    char *end;
    if (!given) continue;
    const long n = strtol(given, &end, 10);
    if (*end || end == given) return err_set(&w->err, ERR_USAGE, "%s: \"%s\" is no whole number", numbers[i].option, given);
    if (!*ret) *ret = json_object();
    json_object_set_new(*ret, numbers[i].name, json_integer(n));
  }
  if (drawdown && !*ret) *ret = json_object();
  if (drawdown) json_object_set_new(*ret, "drawdown_limit", json_string(drawdown));
  if (!*ret || json_object_get(*ret, "canary_percent")) return OK;
  json_decref(*ret);
  *ret = NULL;
  return err_set(&w->err, ERR_USAGE, "--errors, --drawdown and --minutes go with --canary PERCENT");
}

static enum status do_activate(struct work *w) {
  char what[64];
  json_t *body;
  const enum status st = trial_body(w, &body);
  if (st != OK) return st;
  snprintf(what, sizeof what, "versions/%.20s/activate", w->args->positional[3]);
  return change(w, what, body);
}

// Strategies of the installation are among its scripts, too, and only there they can be rolled back.
static enum status do_rollback(struct work *w) {
  char path[128], target[192];
  enum status st = path_of(w, w->args->positional[1], w->args->positional[2], path);
  if (st != OK) return st;
  snprintf(target, sizeof target, "/admin/scripts%s/rollback", strrchr(path, '/'));
  return tell_active(w, target, NULL);
}

static void print_side(const char *who, const json_t *lines) {
  const json_t *line;
  size_t i;
  if (!json_array_size(lines)) printf("    %-7s nothing\n", who);
  json_array_foreach(lines, i, line) printf("    %-7s %s\n", who, json_string_value(line));
}

static void print_shadows(const json_t *answer) {
  const json_t *items = json_object_get(answer, "items"), *item, *difference;
  size_t i, k;
  printf("version %" JSON_INTEGER_FORMAT " runs beside the live one of %" JSON_INTEGER_FORMAT " bots\n", number(answer, "version"), number(answer, "bots"));
  json_array_foreach(items, i, item) {
    printf("%s %s: %" JSON_INTEGER_FORMAT " bars, %" JSON_INTEGER_FORMAT " times the same orders, %" JSON_INTEGER_FORMAT " times others, %" JSON_INTEGER_FORMAT " errors %s\n", text(item, "bot_id"),
           text(item, "state"), number(item, "instants"), number(item, "same"), number(item, "different"), number(item, "errors"), text(item, "why"));
    json_array_foreach(json_object_get(item, "items"), k, difference) {
      printf("  ");
      print_when(number(difference, "time_ms"));
      printf("\n");
      print_side("live", json_object_get(difference, "live"));
      print_side("shadow", json_object_get(difference, "shadow"));
    }
  }
}

static enum status do_shadow(struct work *w) {
  const struct cli_args *a = w->args;
  char path[128], target[192];
  json_t *answer = NULL, *body = NULL;
  bool told = false;
  if (!is_strategy(a->positional[1])) return err_set(&w->err, ERR_USAGE, "only a strategy has bots beside which a version can run");
  enum status st = path_of(w, a->positional[1], a->positional[2], path);
  if (st != OK) return st;
  snprintf(target, sizeof target, "%s/versions/%.20s/shadow", path, a->positional[3]);
  if (!cli_has(a, "--status")) {
    body = json_pack("{s:b}", "off", cli_has(a, "--off"));
    st = api_client_call(w->client, "POST", target, body, &answer, &w->err);
  } else {
    st = api_client_call(w->client, "GET", target, NULL, &answer, &w->err);
  }
  if (st == OK) st = tell_json(w, answer, &told);
  if (st == OK && !told) {
    print_shadows(answer);
    if (!cli_has(a, "--off")) printf("next: perigee script shadow strategy \"%s\" %s --status\n", a->positional[2], a->positional[3]);
  }
  json_decref(answer);
  json_decref(body);
  return st;
}

static const struct {
  const char *name, *arguments;
  int min, max;  // arguments, the name among them
  enum status (*run)(struct work *w);
} actions[] = {
    {"list", "", 1, 1, do_list},
    {"put", "KIND FILE", 3, 3, do_put},
    {"show", "KIND NAME [VERSION]", 3, 4, do_show},
    {"diff", "KIND NAME FROM TO", 5, 5, do_diff},
    {"activate", "KIND NAME VERSION", 4, 4, do_activate},
    {"rollback", "KIND NAME", 3, 3, do_rollback},
    {"shadow", "KIND NAME VERSION", 4, 4, do_shadow},
};

static int run_script(const struct cli_args *a) {
  const char *name = a->positional_count ? a->positional[0] : "";
  for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
    if (strcmp(actions[i].name, name) != 0) continue;
    if (a->positional_count < actions[i].min || a->positional_count > actions[i].max) return cli_usage(a, "perigee script %s %s", name, actions[i].arguments);
    const char *kind = a->positional_count > 1 ? a->positional[1] : "tier";
    if (strcmp(kind, "strategy") != 0 && strcmp(kind, "rule") != 0 && strcmp(kind, "tier") != 0 && strcmp(kind, "dialect") != 0)
      return cli_usage(a, "a script is a strategy, rule, tier or dialect, not a \"%s\"", kind);
    char dir[CLI_DATA_DIR_MAX];
    struct work w = {.args = a};
    if (!cli_data_dir(a, dir)) return 1;
    enum status st = api_client_open(dir, &w.client, &w.err);
    if (st == OK) st = actions[i].run(&w);
    api_client_close(w.client);
    if (st != OK) cli_error("%s", w.err.msg);
    return st == OK ? 0 : st == ERR_USAGE ? 2 : 1;
  }
  return cli_usage(a, "script takes list, put, show, diff, activate, rollback or shadow");
}

const struct cli_command cmd_script = {
    "script", "list | put KIND FILE | show KIND NAME [VERSION] | diff KIND NAME FROM TO | activate KIND NAME VERSION | rollback KIND NAME | shadow strategy NAME VERSION",
    "the installation's scripts: versions, comparison, activation",
    "KIND is strategy, rule, tier or dialect. A version never changes; one is active. It is described, linted and proven before it can be, and\n"
    "takes effect at once, in a running service too, for whole requests only; bots that trade take another version between two bars, with their state,\n"
    "orders and positions. A failure leaves the old version active.",
    script_options, run_script,
    "perigee script list                           which version of what is active\n"
    "perigee script rollback KIND NAME             back to the version before, or from a trial\n"
    "perigee script shadow strategy NAME VERSION   beside the live one: what it would have done"};

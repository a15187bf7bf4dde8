// cli/cmd_news.c – `perigee news`: calendars that rule sets keep clear of, from files.
#include "cli/commands.h"

#include "cli/data_dir.h"
#include "cli/owner.h"
#include "risk/news_read.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT_ONCE 500  // entries in one request

static const char *base_of(const struct owner *o) { return o->tenant ? "/risk/news" : "/admin/risk/news"; }

static void print_entry(const json_t *e) {
  const json_t *name;
  size_t i;
  owner_print_time(owner_number(e, "from_ms"));
  printf(" … ");
  owner_print_time(owner_number(e, "to_ms"));
  printf("  %-6s  %-12s  ", owner_text(e, "impact"), owner_text(e, "owner"));
  if (!json_array_size(json_object_get(e, "concerns"))) printf("everything");
  json_array_foreach(json_object_get(e, "concerns"), i, name) printf("%s%s", i ? "," : "", json_string_value(name));
  printf("  %s  %s\n", owner_text(e, "id"), owner_text(e, "title"));
}

static enum status do_list(struct owner *o) {
  char path[120];
  int64_t from_ns = 0;
  json_t *answer = NULL, *e;
  size_t i;
  const bool from = cli_has(o->args, "--from");
  if (from && !cli_time(o->args, "--from", &from_ns)) return err_set(&o->err, ERR_USAGE, "--from is a time");
  if (from) snprintf(path, sizeof path, "%s?from_ms=%" PRId64, base_of(o), from_ns / 1000000);
  else snprintf(path, sizeof path, "%s", base_of(o));
  enum status st = owner_call(o, "GET", path, NULL, &answer);
  if (!owner_told(o, answer, &st)) {
    json_array_foreach(json_object_get(answer, "items"), i, e) print_entry(e);
    if (!json_array_size(json_object_get(answer, "items"))) printf("nothing ahead\n");
    if (json_is_true(json_object_get(answer, "more"))) printf("there are later ones: see --from\n");
  }
  json_decref(answer);
  return st;
}

static json_t *entry_json(const struct news_entry *e) {
  json_t *concerns = json_array(), *out;
  for (const char *name = e->event.what; *name;) {
    const size_t len = strcspn(name, ",");
    json_array_append_new(concerns, json_stringn(name, len));
    name += len + (name[len] == ',');
  }
  out = json_pack("{s:I, s:I, s:s, s:o, s:s}", "from_ms", (json_int_t)(e->event.from_ns / 1000000), "to_ms", (json_int_t)(e->event.to_ns / 1000000), "impact",
                  news_impact_text(e->event.impact), "concerns", concerns, "title", e->title);
  return out;
}

static enum status send(struct owner *o, const struct news_entry *entries, size_t count, bool replace, json_t **ret) {
  json_t *items = json_array(), *body;
  for (size_t i = 0; i < count; i++) {
    json_t *one = entry_json(&entries[i]);
    if (!one) {
      json_decref(items);
      return err_set(&o->err, ERR_INVALID, "entry %zu: a title or a name that is not UTF-8", i + 1);
    }
    json_array_append_new(items, one);
  }
  json_decref(*ret);
  body = json_pack("{s:o, s:b}", "items", items, "replace", replace);
  const enum status st = owner_call(o, "POST", base_of(o), body, ret);
  json_decref(body);
  return st;
}

static enum status do_import(struct owner *o) {
  struct news_entry *entries;
  size_t count;
  json_t *answer = NULL;
  enum status st = news_csv_read(o->args->positional[1], &entries, &count, &o->err);
  const bool replace = cli_has(o->args, "--replace");
  if (st == OK && count == 0 && !replace) st = err_set(&o->err, ERR_INVALID, "%s has no entries", o->args->positional[1]);
  for (size_t at = 0; st == OK && (at < count || (at == 0 && replace)); at += AT_ONCE)
    st = send(o, entries + at, count - at < AT_ONCE ? count - at : AT_ONCE, replace && at == 0, &answer);
  free(entries);
  json_t *result = st == OK ? json_pack("{s:I, s:I}", "added", (json_int_t)count, "entries", owner_number(answer, "entries")) : NULL;
  if (!owner_told(o, result, &st))
    printf("%zu entries added, %" JSON_INTEGER_FORMAT " in the %s calendar\nnext: perigee news list%s%s\n", count, owner_number(answer, "entries"), o->tenant ? "tenant's" : "installation's",
           o->tenant ? " --tenant " : "", o->tenant ? o->tenant : "");
  json_decref(answer);
  json_decref(result);
  return st;
}

static enum status do_delete(struct owner *o) {
  char path[120];
  json_t *answer = NULL;
  const char *id = o->args->positional[1];
  if (strncmp(id, "nws_", 4) != 0) return err_set(&o->err, ERR_USAGE, "\"%s\" is no entry's id (nws_…); see: perigee news list", id);
  snprintf(path, sizeof path, "%s/%.40s", base_of(o), id);
  enum status st = owner_call(o, "DELETE", path, NULL, &answer);
  if (!owner_told(o, answer, &st)) printf("%s is deleted\n", id);
  json_decref(answer);
  return st;
}

static const struct operator_action actions[] = {{"list", "", 1}, {"import", "FILE", 2}, {"delete", "ID", 2}, {NULL, NULL, 0}};
static const owner_fn runs[] = {do_list, do_import, do_delete};

static int run_news(const struct cli_args *a) { return owner_run(a, actions, runs); }

static const struct cli_option news_options[] = {OWNER_TENANT_OPTION, {"--replace", NULL, "import: instead of all that there are"},
                                                 {"--from", "TIME", "list: entries that have not ended by then (a day ago)"}, OPERATOR_JSON_OPTION, CLI_DATA_DIR_OPTION, {NULL, NULL, NULL}};

const struct cli_command cmd_news = {
    "news", "list | import FILE | delete ID", "times that rule sets with news keep clear of",
    "FILE is CSV with a header: from (or time, date), and as they are wanted to, concerns (or currency, symbol), impact (low, medium, high) and title. Times are\n"
    "ISO 8601 or Unix time. The calendar is the installation's, for everybody, or with --tenant one tenant's own. It holds at once.",
    news_options, run_news,
    "perigee news list                             what is ahead\n"
    "perigee rules show NAME                       which news a rule set keeps clear of, and how"};

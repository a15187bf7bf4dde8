// cli/cmd_dialect.c – `perigee dialect`: describes a dialect, lints it, and judges it by files of vectors, through the engine's own calls.
#include "cli/commands.h"

#include "base/buf.h"
#include "base/json.h"
#include "cli/operator.h"
#include "cli/venue_dialect.h"
#include "loop/watchdog.h"
#include "script/dialect.h"
#include "script/profile.h"
#include "tenant/shipped.h"
#include "venue/vector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VECTORS_MAX (64 << 20)  // bytes of a file of vectors

enum status cli_venue_dialect(const char *name, struct watchdog *watchdog, struct dialect **ret) {
  struct buf source;
  struct err err;
  const struct shipped *s = shipped_dialects;
  while (s->name != NULL && strcmp(s->name, name) != 0) s++;
  if (s->name != NULL) {
    enum status shipped = dialect_create(s->file, s->source, s->len, watchdog, ret, &err);
    if (shipped != OK) cli_error("%s", err.msg);
    return shipped;
  }
  const char *slash = strrchr(name, '/'), *file = slash != NULL ? slash + 1 : name;
  buf_init(&source, SCRIPT_SOURCE_MAX + 1);
  enum status st = buf_read_file(&source, name, &err);
  if (st == OK) {
    st = dialect_create(file, source.data != NULL ? source.data : "", source.len, watchdog, ret, &err);
    if (st != OK) cli_script_error(err.msg, file, source.data, source.len);
  } else if (st == ERR_NOTFOUND && strpbrk(name, "/.") == NULL) {
    char list[200] = "";
    for (s = shipped_dialects; s->name != NULL; s++) snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", s != shipped_dialects ? ", " : "", s->name);
    cli_error("no dialect \"%s\" is shipped (%s are), and there is no such file", name, list);
  } else {
    cli_error("%s", err.msg);
  }
  buf_finish(&source);
  return st;
}

static enum status judge(const struct cli_args *a, struct dialect *d, struct vector_report *report, struct err *err) {
  enum status st = OK;
  for (int i = 0; st == OK && i < a->given_count; i++) {
    const char *path = a->given[i].value;
    json_error_t where;
    struct buf text;
    if (strcmp(a->given[i].option->name, "--vectors") != 0) continue;
    buf_init(&text, VECTORS_MAX);
    st = buf_read_file(&text, path, err);
    json_t *all = st == OK ? json_loadb(text.data != NULL ? text.data : "", text.len, 0, &where) : NULL;
    if (st == OK && all == NULL) st = err_set(err, ERR_INVALID, "%s:%d:%d: %s", path, where.line, where.column, where.text);
    if (st == OK) st = vector_run(d, path, all, report, err);
    json_decref(all);
    buf_finish(&text);
  }
  return st;
}

// By its first category: it is worked on one operation after the other, so that something lacks is no failure.
static void tell_lacks(const struct dialect_info *info, json_t *o) {
  char lacks[DIALECT_LACKS_MAX];
  if (!dialect_lacks(info, NULL, NULL, lacks, sizeof lacks)) return;
  if (o) json_object_set_new(o, "lacks", json_string(lacks));
  else printf("not enough to trade by yet: the header lacks %s\n", lacks);
}

static json_t *tallies(const struct vector_report *r, int ret_sum[3]) {
  json_t *kinds = json_object();
  for (int k = 0; k < VECTOR_KIND_COUNT; k++) {
    const int *n = r->count[k];
    for (int v = 0; v < 3; v++) ret_sum[v] += n[v];
    if (n[0] + n[1] + n[2] > 0)
      json_object_set_new(kinds, vector_kind_text((enum vector_kind)k), json_pack("{s:i, s:i, s:i}", "passed", n[0], "failed", n[1], "skipped", n[2]));
  }
  return kinds;
}

static void print_report(const struct vector_report *r) {
  size_t i;
  json_t *n;
  json_array_foreach(r->notes, i, n) {
    printf("%s %s %s (%s): %s\n", json_string_value(json_object_get(n, "verdict")), json_string_value(json_object_get(n, "id")),
      json_string_value(json_object_get(n, "kind")), json_string_value(json_object_get(n, "op")), json_string_value(json_object_get(n, "why")));
  }
  for (int k = 0; k < VECTOR_KIND_COUNT; k++) {
    const int *c = r->count[k];
    if (c[0] + c[1] + c[2] > 0)
      printf("%-12s %4d passed %4d failed %4d skipped\n", vector_kind_text((enum vector_kind)k), c[VECTOR_PASSED], c[VECTOR_FAILED], c[VECTOR_SKIPPED]);
  }
  printf("signatures   %4d equal byte by byte\n", r->signatures);
}

static int run_dialect(const struct cli_args *a) {
  if (a->positional_count != 1) return cli_usage(a, "dialect takes one dialect: a file, or the name of a shipped one");
  struct err err;
  struct watchdog *dog = NULL;
  struct dialect *d = NULL;
  struct vector_report report = {.notes = json_array()};
  int sum[3] = {0}, code = 1;
  enum status st = watchdog_create(&dog, &err);
  if (st == OK) {
    st = cli_venue_dialect(a->positional[0], dog, &d);
    if (st == OK && (st = judge(a, d, &report, &err)) != OK) cli_error("%s", err.msg);
  } else {
    cli_error("%s", err.msg);
  }
  if (st == OK) {
    bool vectors = cli_has(a, "--vectors");
    json_t *kinds = tallies(&report, sum);
    if (cli_has(a, "--json") || !vectors) {
      json_t *o = dialect_info_json(dialect_info(d));
      tell_lacks(dialect_info(d), o);
      if (vectors) {
        json_object_set(o, "vectors", kinds);
        json_object_set_new(o, "signatures", json_integer(report.signatures));
        json_object_set(o, "notes", report.notes);
      }
      code = operator_result(a, o);
    } else {
      print_report(&report);
      tell_lacks(dialect_info(d), NULL);
      code = 0;
    }
    if (sum[VECTOR_FAILED] > 0) code = 1;
    json_decref(kinds);
  }
  json_decref(report.notes);
  dialect_destroy(d);
  watchdog_destroy(dog);
  return code;
}

static const struct cli_option dialect_options[] = {
    {"--vectors", "FILE", "judge it by a file of vectors; may be repeated. Exit code 1 when one fails"},
    {"--json", "FILE", "the header and the verdicts as JSON; - is standard output"},
    {NULL, NULL, NULL}};
const struct cli_command cmd_dialect = {
    "dialect", "DIALECT [--vectors FILE]… [--json FILE]", "describe and prove a venue's dialect",
    "DIALECT is a file (lua/venues/README.md tells how one is written) or the name of a shipped one. Its header is checked and shown. With\n"
    "--vectors, what real clients sent and venues answered is put through it as the engine runs it: requests, signatures, answers, streams, errors.\n"
    "What it cannot do is skipped, with the reason.",
    dialect_options, run_dialect,
    "perigee dialect lua/venues/luno.lua --vectors FILE\n"
    "perigee script put dialect FILE       a new version for the installation"};

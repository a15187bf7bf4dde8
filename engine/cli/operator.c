// cli/operator.c – see operator.h.
#include "cli/operator.h"

#include "base/buf.h"

#include <string.h>

#define RESULT_MAX (64 << 20)

int operator_action_find(const struct cli_args *a, const struct operator_action *actions) {
  const char *name = a->positional_count ? a->positional[0] : "";
  for (int i = 0; actions[i].name; i++) {
    if (strcmp(actions[i].name, name) != 0) continue;
    if (a->positional_count == actions[i].count) return i;
    (void)cli_usage(a, actions[i].arguments[0] ? "write: perigee %s %s %s" : "write: perigee %s %s%s", a->command->name, name, actions[i].arguments);
    return -1;
  }
  (void)cli_usage(a, *name ? "there is no \"%s %s\"" : "%s takes a word that says what to do", a->command->name, name);
  return -1;
}

static int add(const char *text, size_t len, void *arg) {
  struct buf *out = arg;
  buf_add(out, text, len);
  return out->failed ? -1 : 0;
}

enum status operator_write_json(const json_t *tree, const char *path, struct err *err) {
  struct buf out;
  buf_init_secret(&out, RESULT_MAX);
  enum status st = json_dump_callback(tree, add, &out, JSON_INDENT(2)) == 0 ? OK : err_set(err, ERR_NOMEM, "out of memory");
  if (st == OK) buf_str(&out, "\n");
  if (st == OK) st = file_write_atomic(path, out.data, out.len, err);
  buf_finish(&out);
  return st;
}

int operator_result(const struct cli_args *a, json_t *tree) {
  struct err err;
  enum status st = tree ? operator_write_json(tree, cli_value(a, "--json", "-"), &err) : err_set(&err, ERR_NOMEM, "no result as JSON: a name is not UTF-8, or no memory");
  json_decref(tree);
  if (st == OK) return 0;
  cli_error("%s", err.msg);
  return 1;
}

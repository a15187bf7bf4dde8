// cli/operator.c – see operator.h.
#include "cli/operator.h"

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

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

enum status operator_write_json(const json_t *tree, const char *path, struct err *err) {
  char *text = json_dumps(tree, JSON_INDENT(2));
  if (!text) return err_set(err, ERR_NOMEM, "out of memory");
  enum status st = file_write_atomic(path, text, strlen(text), err);
  free(text);
  return st;
}

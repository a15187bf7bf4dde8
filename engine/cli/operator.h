// cli/operator.h – private to cli/: what operators' commands share.
#pragma once
#include "base/json.h"
#include "cli/cli.h"

// A command's first word and what follows it; ends with name NULL.
struct operator_action {
  const char *name, *arguments;
  int count;  // positional arguments, the name among them
};
// Index in actions, or -1 after saying what is wrong with the usage.
int operator_action_find(const struct cli_args *a, const struct operator_action *actions);

// Results as JSON; path "-" is standard output. The text is wiped: some hold passwords.
#define OPERATOR_JSON_OPTION {"--json", "FILE", "the result as JSON, and nothing else; - is standard output"}
enum status operator_write_json(const json_t *tree, const char *path, struct err *err) MUST_CHECK;
// A command's whole result where --json says. Takes tree; NULL is out of memory, or a name that is not UTF-8. The exit code.
int operator_result(const struct cli_args *a, json_t *tree);

#define OPERATOR_PASSWORD_SIZE 32
void operator_password(char ret[OPERATOR_PASSWORD_SIZE]);  // made up; cmd_user.c

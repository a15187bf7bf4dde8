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

enum status operator_write_json(const json_t *tree, const char *path, struct err *err) MUST_CHECK;

#define OPERATOR_PASSWORD_SIZE 32
void operator_password(char ret[OPERATOR_PASSWORD_SIZE]);  // made up; cmd_user.c

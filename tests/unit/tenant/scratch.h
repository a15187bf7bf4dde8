// A store in a directory of its own, for tests. Includes cmocka and what it needs.
#pragma once
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// loop: where writes without waiting are told; may be NULL.
static inline int scratch_open_on(struct loop *loop, char dir[64], struct store **ret) {
  struct err err = {0};
  strcpy(dir, "/tmp/perigee_tenant_XXXXXX");
  if (mkdtemp(dir) == NULL) return 1;
  struct store_options options = {loop};
  if (store_open(dir, &options, ret, &err) == OK) return 0;
  print_error("%s\n", err.msg);
  return 1;
}

static inline int scratch_open(char dir[64], struct store **ret) { return scratch_open_on(NULL, dir, ret); }

static inline void scratch_close(const char *dir, struct store *store) {
  char command[128];
  store_close(store);
  snprintf(command, sizeof command, "rm -rf '%s'", dir);
  if (system(command) != 0) print_error("%s stays\n", dir);
}

// tests/store/rig.h – what the tests on the simulated disk share: a directory (the lock is a real file), the workload, a store
// that moves its log into its file often enough. Includes cmocka and what it needs.
#pragma once
#include "sim_vfs.h"
#include "workload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char rig_dir[64];
static const struct workload *work = &work_toy;

static inline const char *rig_path(enum store_file file) {
  static char path[100];
  snprintf(path, sizeof path, "%s/%s.db", rig_dir, store_file_name(file));
  return path;
}

// So few pages that the log moves into the file several times within a run.
static inline struct store *rig_open(void) {
  struct store *store;
  struct err err;
  const struct store_options options = {.checkpoint_pages = 12};
  if (store_open(rig_dir, &options, &store, &err) != OK) fail_msg("%s", err.msg);
  return store;
}
static inline void rig_begin(struct store *store, enum store_file file) {
  struct err err;
  if (work->begin(store, file, &err) != OK) fail_msg("%s", err.msg);
}

static inline int rig_setup(void **state) {
  (void)state;
  sim_reset();
  strcpy(rig_dir, "/tmp/perigee-disk-XXXXXX");
  return mkdtemp(rig_dir) ? 0 : -1;
}
static inline int rig_teardown(void **state) {
  (void)state;
  char command[100];
  work->end();
  snprintf(command, sizeof command, "rm -rf '%s'", rig_dir);
  return system(command);
}
#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

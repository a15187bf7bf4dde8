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

// What work->check says of the control database (or another file). The same bytes that were told the same are judged once: of the images
// of power losses more than half are some other's. rig_judged counts those that were looked at.
#define RIG_JUDGED (1u << 20)
static long rig_judged;
static inline const char *rig_check(enum store_file file, int acked, int issued, const struct ledger *ledger, bool in_order) {
  static uint64_t good[RIG_JUDGED];
  const uint64_t told = ((uint64_t)acked << 32 | (uint32_t)issued) * 4 + (uint64_t)file + 1;
  uint64_t key = sim_image(rig_path(file)) ^ told * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)in_order << 63;
  for (int i = 1; ledger && i <= ledger->issued; i++) key = (key ^ ledger->told[i]) * UINT64_C(0x100000001b3);
  key |= 1;
  uint64_t *at = &good[(key >> 20) % RIG_JUDGED];
  if (*at == key) return "";
  const char *wrong = work->check(rig_path(file), acked, issued, ledger, in_order);
  if (!wrong[0]) *at = key;
  rig_judged++;
  return wrong;
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

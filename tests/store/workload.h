// tests/store/workload.h – jobs whose traces can be judged: each writes an item, its two parts and a total, so that a lost job,
// half a job, a job told as failed that stayed, and a lost update all show.
#pragma once
#include "base/status.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

#define JOBS_MAX 64

struct ledger {  // what the program was told
  int issued;    // jobs 1 … issued were handed over
  bool acked[JOBS_MAX + 1], failed[JOBS_MAX + 1];
};

// Makes the tables.
enum status work_create(struct store *store, enum store_file file, struct err *err) MUST_CHECK;
// One job, committed or failed when this returns. Every fifth writes and then fails by itself, which must leave nothing.
// Keeps the ledger.
enum status work_job(struct store *store, enum store_file file, int i, struct ledger *l, struct err *err);
bool work_fails(int i);

// Judges the database at path (opened, recovered, closed). "" or what is wrong.
//   acked     jobs up to this number were told as committed and must be there, but for those that fail by themselves
//   ledger    instead (NULL: acked counts): each as it was told
//   in_order  jobs were committed one after the other: none is missing before one that is there
const char *work_check(const char *path, int acked, int issued, const struct ledger *ledger, bool in_order);

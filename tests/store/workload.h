// tests/store/workload.h – what the harnesses lay their faults over: jobs that write, done one after the other, and a judge
// that reads the database afterwards and compares it with what the program was told.
//
//   work_toy      tables of its own: an item, its two parts and a total, so that a lost job, half a job, a job told as failed
//                 that stayed and a lost update all show
//   work_service  the writes of the service itself (service_ops.c), judged by service_check.c
#pragma once
#include "base/status.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

#define JOBS_MAX 4096

enum told {
  TOLD_NOTHING,  // not handed over, or no answer came
  TOLD_DONE,     // committed: it must be there, whole
  TOLD_FAILED,   // by the disk or for want of memory: there whole, or not at all
  TOLD_REFUSED,  // by the job itself: nothing of it may be there
};
struct ledger {  // what the program was told of jobs 1 … issued
  int issued;
  uint8_t told[JOBS_MAX + 1];
};

struct workload {
  const char *name;
  int jobs;   // of a run
  int round;  // jobs that build on each other: a program that starts anew goes on with the next round
  const char *look;  // a read, for who looks whether reading still works
  // Makes what the first job needs; again after each opening of the store. end: forgets what begin keeps in memory.
  enum status (*begin)(struct store *store, enum store_file file, struct err *err);
  void (*end)(void);
  // One job, committed or failed when this returns. Keeps the ledger.
  enum status (*job)(struct store *store, enum store_file file, int i, struct ledger *l, struct err *err);
  // Jobs that write and then refuse by themselves, which must leave nothing.
  bool (*refuses)(int i);
  // Judges the database at path (opened, recovered, closed). "" or what is wrong.
  //   acked     jobs up to this number were told as committed and must be there, but for those that refuse
  //   ledger    instead (NULL: acked counts): each as it was told
  //   in_order  jobs were committed one after the other: none is missing before one that is there
  const char *(*check)(const char *path, int acked, int issued, const struct ledger *ledger, bool in_order);
};
extern const struct workload work_toy, work_service;
const struct workload *work_named(const char *name);  // NULL: none

// What a job's status tells.
static inline enum told told_by(enum status st) {
  return st == OK ? TOLD_DONE : st == ERR_IO || st == ERR_NOMEM ? TOLD_FAILED : TOLD_REFUSED;
}
// How many jobs failed because of a fault.
static inline int ledger_failed(const struct ledger *l) {
  int n = 0;
  for (int i = 1; i <= l->issued; i++) n += l->told[i] == TOLD_FAILED;
  return n;
}

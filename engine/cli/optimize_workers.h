// cli/optimize_workers.h – runs of a search in several processes of this machine, which share the history that was loaded before they
// were made. Who makes a run decides nothing about it.
#pragma once
#include "backtest/optimize_run.h"

#define OPTIMIZE_WORKERS_MAX 64

struct optimize_workers;
// bench: open; its config's watchdog must be NULL, since a process has one of its own. count 1 … OPTIMIZE_WORKERS_MAX.
enum status optimize_workers_create(struct optimize_bench *bench, int count, struct optimize_workers **ret, struct err *err) MUST_CHECK;
// Ends the processes and waits for them. NULL does nothing.
void optimize_workers_destroy(struct optimize_workers *w);
// For struct optimize_runner; self is the workers. ERR_CANCELLED: Ctrl-C; ERR_IO: a process ended.
enum status optimize_workers_run(void *self, const struct optimize_ask *asks, size_t count, struct optimize_outcome *ret, struct err *err) MUST_CHECK;

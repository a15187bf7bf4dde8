// backtest/job_child.h – the inside of `perigee host --job`: one backtest, search for parameters or verdict in a jail, then gone.
#pragma once
#include <stdint.h>

struct job_child_options {
  int socket;               // frames both ways; data descriptors follow it: socket + 1, socket + 2, …
  int data_count;
  int64_t cpu_s;            // jail_options; 0: no limit
  uint64_t address_bytes;
  uint64_t result_bytes;    // longest result that the parent takes
  const char *engine_version;
};

// Returns the exit code: 0 when a result or an error was sent.
int job_child_run(const struct job_child_options *options);

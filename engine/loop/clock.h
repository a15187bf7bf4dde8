// loop/clock.h – the only place that asks the operating system for the time. Decisions never do: they get event time.
#pragma once
#include <stdint.h>

// For measuring spans; starts anywhere, never goes back, does not count time asleep (suspend).
int64_t clock_monotonic_ns(void);
// UTC since 1970; may jump when somebody sets the clock. For log lines and file names.
int64_t clock_wall_ns(void);
// CPU time this thread has used: what budgets are counted in, so load on the machine never changes a result.
int64_t clock_thread_cpu_ns(void);
// What another process has used, with all its threads; -1: it is gone, or not ours to ask.
int64_t clock_process_cpu_ns(int pid);

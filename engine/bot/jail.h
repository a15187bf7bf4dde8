// bot/jail.h – the last fence around hostile scripts: the process that runs them gives up everything it does not need.
//
// The sandbox of script/ is the first fence. Should a bug in the Lua VM ever let a script run machine code, that code finds a
// process without files, network, children or signals to others: seccomp kills the whole process at the first system call
// that is not on a short list, and rlimits bound what it may use up.
//
// Entered once, after set-up: threads have been started (the filter is laid on all of them), libraries initialised, zone files
// read (market/tz.h's tz_preload). It cannot be left.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Is this a build with a sanitizer? Their runtimes reserve terabytes of addresses, read /proc and start helpers when they
// report, so there the jail keeps no address limit and answers what is not on the list with EPERM instead of killing –
// except open, socket, exec, fork and signals to others, which kill in every build.
extern const bool jail_is_loose;

struct jail_options {
  const int *keep;            // descriptors that stay open; everything else is closed
  size_t keep_count;
  int64_t cpu_s;              // CPU time of all threads; then SIGXCPU ends the process, a second later SIGKILL. 0: no limit
  uint64_t address_bytes;     // address space; beyond it malloc fails. 0: no limit
};

// What stays possible: read, write, poll, lseek and close on descriptors already open (read-only mappings of them too),
// memory (never executable), futex, clocks, signals to the own process (the watchdog's), exit. Also set: no core files, no new
// files (FSIZE 0), no privileges by exec, not traceable, and death with the parent.
// ERR_IO: the kernel refused; the caller must not go on.
enum status jail_enter(const struct jail_options *options, struct err *err) MUST_CHECK;

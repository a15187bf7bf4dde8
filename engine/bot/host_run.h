// bot/host_run.h – the process that runs live bots: `perigee host --live`. Started by the core (bot/fleet.h) with a socket and the word that
// both share; enters the jail before it has read a byte, and ends when the core closes the socket or says what cannot be.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct host_run_options {
  int socket, word;        // descriptors (bot/host_word.h); word may be one that is not open
  uint64_t address_bytes;  // address space; 0: no limit
  bool last;               // runs only while nobody else wants the processor (SCHED_IDLE)
};
// The exit code: 0 when the core has closed the socket, 1 when something failed, which standard error tells.
int host_run(const struct host_run_options *options);
// For its environment: the C library then asks for large pages. Ten thousand scripts fit in no cache, and with small pages the addresses
// of their pages do not either: an instant takes a fifth longer. Other C libraries do not know it.
#define HOST_TUNABLES "GLIBC_TUNABLES=glibc.malloc.hugetlb=1"

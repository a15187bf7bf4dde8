// bot/host_word.h – one word of memory that a host process shares with the core: the bot that it is running right now.
//
// When a host dies, hangs or is killed by its jail, the core reads here whose script it was, exactly and at the price of two stores
// a callback; there is nothing to bisect. The word is a hint about the innocent as much as about the guilty: code that has taken
// over the host may write any bot of that host into it, never one of another.
#pragma once
#include "base/status.h"

#include <stdatomic.h>
#include <stdint.h>

#define HOST_SOCKET_FD 3  // in the host process, as the core passes them
#define HOST_WORD_FD 4

struct host_word {
  _Atomic uint64_t bot;    // 0: none, the host works for all or waits
  _Atomic uint64_t turns;  // counts the changes, so that one long run differs from many short ones
};

// Core: a new one, 0, sealed in its size (so that no host can make the core fault by cutting it), mapped read-only. *ret_fd is to
// be passed to the host as HOST_WORD_FD, then closed.
enum status host_word_create(const struct host_word **ret, int *ret_fd, struct err *err) MUST_CHECK;
// Host: maps the word of fd for writing; before the jail, which closes fd.
enum status host_word_map(int fd, struct host_word **ret, struct err *err) MUST_CHECK;
void host_word_unmap(const struct host_word *w);  // NULL does nothing

// Host: around everything that runs a bot's script or replays its history. Relaxed, since who reads it reads it after the
// process has stopped; the fence keeps the compiler from moving the script out of it.
static inline void host_word_set(struct host_word *w, uint64_t bot) {
  if (!w) return;
  atomic_signal_fence(memory_order_seq_cst);
  atomic_store_explicit(&w->bot, bot, memory_order_relaxed);
  atomic_store_explicit(&w->turns, atomic_load_explicit(&w->turns, memory_order_relaxed) + 1, memory_order_relaxed);
  atomic_signal_fence(memory_order_seq_cst);
}
static inline uint64_t host_word_get(const struct host_word *w) {
  return w ? atomic_load_explicit(&((struct host_word *)(uintptr_t)w)->bot, memory_order_relaxed) : 0;
}
static inline uint64_t host_word_turns(const struct host_word *w) {
  return w ? atomic_load_explicit(&((struct host_word *)(uintptr_t)w)->turns, memory_order_relaxed) : 0;
}

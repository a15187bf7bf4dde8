// loop/interrupt.c – see interrupt.h.
#include "loop/interrupt.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

#define COUNT 2
static const int signals[COUNT] = {SIGINT, SIGTERM};
static struct sigaction former[COUNT];
static bool installed;
static atomic_int seen;  // lock-free, hence fit for a handler

_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "the handler needs a lock-free int");

static void on_signal(int sig) {
  int none = 0;
  if (atomic_compare_exchange_strong(&seen, &none, sig)) return;
  // The second one: the default action, once this handler has returned and the signal is no longer blocked.
  int saved = errno;
  signal(sig, SIG_DFL);
  raise(sig);
  errno = saved;
}

void interrupt_install(void) {
  if (installed) return;
  installed = true;
  for (size_t i = 0; i < COUNT; i++) {
    struct sigaction act = {.sa_handler = on_signal};  // no SA_RESTART: a read that waits returns, and the flag is seen
    sigemptyset(&act.sa_mask);
    int failed = sigaction(signals[i], NULL, &former[i]);
    assert(!failed);
    if (former[i].sa_handler == SIG_IGN) continue;
    failed = sigaction(signals[i], &act, NULL);
    assert(!failed);
  }
}

void interrupt_uninstall(void) {
  if (!installed) return;
  for (size_t i = 0; i < COUNT; i++) {
    int failed = sigaction(signals[i], &former[i], NULL);
    assert(!failed);
  }
  installed = false;
  atomic_store(&seen, 0);
}

bool interrupted(void) {
  return atomic_load_explicit(&seen, memory_order_relaxed) != 0;
}

int interrupt_signal(void) {
  return atomic_load(&seen);
}

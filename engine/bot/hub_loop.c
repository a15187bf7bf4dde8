// bot/hub_loop.c – the hub on a loop: a timer that polls when something is due, by the system's clock.
#include "bot/hub_impl.h"
#include "loop/clock.h"
#include "loop/loop.h"

#include <stdlib.h>

#define SLEEP_MS_MAX 60000  // a clock that was set is noticed by then

struct hub_timer {
  struct hub *hub;
  struct loop_timer *timer;
};

int64_t hub_now(struct hub *h) { return h->timer ? clock_wall_ns() : h->now_ns; }

void hub_timer_again(struct hub *h) {
  if (h->timer && !h->busy) loop_timer_start(h->timer->timer, 0, 0);
}

static void on_timer(void *arg) {
  struct hub_timer *t = arg;
  const int64_t next_ns = hub_poll(t->hub, clock_wall_ns());
  const int64_t now_ns = clock_wall_ns(), wait_ns = next_ns > now_ns ? time_gap_ns(next_ns, now_ns) : 0;
  const int64_t wait_ms = wait_ns / NS_PER_MS + (wait_ns % NS_PER_MS != 0);
  loop_timer_start(t->timer, wait_ms < SLEEP_MS_MAX ? wait_ms : SLEEP_MS_MAX, 0);
}

enum status hub_attach(struct hub *h, struct loop *loop, struct err *err) {
  struct hub_timer *t = calloc(1, sizeof *t);
  if (!t) return err_set(err, ERR_NOMEM, "out of memory");
  t->hub = h;
  enum status st = loop_timer_create(loop, on_timer, t, &t->timer, err);
  if (st != OK) {
    free(t);
    return st;
  }
  h->timer = t;
  hub_timer_again(h);
  return OK;
}

void hub_detach(struct hub *h) {
  if (!h->timer) return;
  loop_timer_destroy(h->timer->timer);
  free(h->timer);
  h->timer = NULL;
}

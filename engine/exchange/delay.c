// exchange/delay.c – see delay.h.
#include "exchange/delay.h"

#include "loop/loop.h"

#include <stdlib.h>

struct waiting {
  struct server *s;
  struct waiting *next, *prev;
  struct loop_timer *timer;
  void (*fn)(void *arg);
  void *arg;
};

static void due(void *arg) {
  struct waiting *w = arg;
  void (*fn)(void *) = w->fn;
  void *fn_arg = w->arg;
  if (w->prev)
    w->prev->next = w->next;
  else
    w->s->waiting = w->next;
  if (w->next) w->next->prev = w->prev;
  loop_timer_destroy(w->timer);
  free(w);
  fn(fn_arg);
}

void exch_delay(struct server *s, int64_t ms, void (*fn)(void *arg), void *arg) {
  struct waiting *w = calloc(1, sizeof *w);
  struct err err;
  if (w) *w = (struct waiting){.s = s, .fn = fn, .arg = arg, .next = s->waiting};
  if (!w || s->stopping || loop_timer_create(s->loop, due, w, &w->timer, &err) != OK) {
    free(w);
    fn(arg);
    return;
  }
  if (s->waiting) s->waiting->prev = w;
  s->waiting = w;
  loop_timer_start(w->timer, ms, 0);
}

void exch_delay_all_now(struct server *s) {
  while (s->waiting) due(s->waiting);
}

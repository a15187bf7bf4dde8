// A session with `perigee exchange` that places orders and says what it was told: outcomes DIALECT.lua URL KEY SECRET COUNT.
// A line an order: client id, outcome, why. outcomes.py compares them with what truly happened.
#include "link.h"

#include "loop/clock.h"
#include "loop/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVERY_MS 8

static struct link link;
static struct loop_timer *timer;
static int wanted, asked, told;
static bool ready;

struct asked {
  char client_id[CLIENT_ID_SIZE];
};

static void on_reply(void *arg, const struct venue_reply *r) {
  static const char *const outcomes[] = {"ACCEPTED", "REFUSED", "UNKNOWN", "NOT_SENT"};
  struct asked *o = arg;
  printf("%s %s %s\n", o->client_id, outcomes[r->outcome], venue_why_text(r->why));
  free(o);
  if (++told == wanted) loop_stop(link.loop);
}

static void on_state(void *self, enum venue_state from, enum venue_state to, const char *why) {
  (void)self, (void)from, (void)why;
  ready = to == VENUE_STATE_READY;
  if (to == VENUE_STATE_RECONCILING) link.venue.ops->reconciled(link.venue.self);
}

static void on_timer(void *arg) {
  (void)arg;
  if (!ready || asked == wanted) return;
  struct asked *o = calloc(1, sizeof *o);
  if (!o) abort();
  struct venue_place p = {.symbol = "BTCUSDT", .side = SIDE_BUY, .type = ORDER_LIMIT, .tif = TIF_GTC, .qty = {1, 3}, .limit = {10000, 0}, .trigger = NO_DECIMAL};
  snprintf(o->client_id, sizeof o->client_id, "O%d", asked++);
  memcpy(p.client_id, o->client_id, sizeof p.client_id);
  link.venue.ops->place(link.venue.self, &p, on_reply, o);
}

int main(int argc, char **argv) {
  static const struct venue_events events = {.state = on_state};
  struct err err;
  if (argc != 6) return 2;
  wanted = atoi(argv[5]);
  if (!link_open(&link, &(struct link_to){argv[1], argv[2], argv[3], argv[4], .label = "outcomes", .retry_ms = 20}, &events)) return 1;
  if (loop_timer_create(link.loop, on_timer, NULL, &timer, &err) != OK) {
    fprintf(stderr, "%s\n", err.msg);
    return 1;
  }
  loop_timer_start(timer, EVERY_MS, EVERY_MS);
  loop_run(link.loop);
  loop_timer_destroy(timer);
  link_close(&link);
  return 0;
}

// A session with `perigee exchange` that places orders and says what it was told: outcomes DIALECT.lua URL KEY SECRET COUNT.
// A line an order: client id, outcome, why. outcomes.py compares them with what truly happened.
#include "base/buf.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "net/http_pool.h"
#include "script/dialect.h"
#include "venue/remote.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVERY_MS 8

static struct loop *loop;
static struct loop_timer *timer;
static struct venue venue;
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
  if (++told == wanted) loop_stop(loop);
}

static void on_state(void *self, enum venue_state from, enum venue_state to, const char *why) {
  (void)self, (void)from, (void)why;
  ready = to == VENUE_STATE_READY;
  if (to == VENUE_STATE_RECONCILING) venue.ops->reconciled(venue.self);
}

static void on_timer(void *arg) {
  (void)arg;
  if (!ready || asked == wanted) return;
  struct asked *o = calloc(1, sizeof *o);
  if (!o) abort();
  struct venue_place p = {.symbol = "BTCUSDT", .side = SIDE_BUY, .type = ORDER_LIMIT, .tif = TIF_GTC, .qty = {1, 3}, .limit = {10000, 0}, .trigger = NO_DECIMAL};
  snprintf(o->client_id, sizeof o->client_id, "O%d", asked++);
  memcpy(p.client_id, o->client_id, sizeof p.client_id);
  venue.ops->place(venue.self, &p, on_reply, o);
}

static int failed(const struct err *err) {
  fprintf(stderr, "%s\n", err->msg);
  return 1;
}

int main(int argc, char **argv) {
  static const struct venue_events events = {.state = on_state};
  struct err err;
  struct buf source;
  struct http_pool *pool;
  struct remote_site *site;
  if (argc != 6) return 2;
  signal(SIGPIPE, SIG_IGN);
  wanted = atoi(argv[5]);
  struct remote_site_options o = {.environment = "testnet", .url = argv[2], .timeout_ms = 1000, .retry_ms = 20};
  const struct remote_session_options s = {.label = "outcomes", .credentials = {argv[3], argv[4], NULL}};
  buf_init(&source, 1 << 20);
  if (buf_read_file(&source, argv[1], &err) != OK) return failed(&err);
  for (char *at = source.data; (at = strstr(at, "per_ms=")); at += 11) memcpy(at + 7, "0001", 4);  // budgets are not what is tried
  if (loop_create(&loop, NULL, &err) != OK || http_pool_create(loop, NULL, &pool, &err) != OK) return failed(&err);
  if (dialect_create("dialect", source.data, source.len, NULL, &o.dialect, &err) != OK) return failed(&err);
  buf_finish(&source);
  o.loop = loop;
  o.pool = pool;
  if (remote_site_create(&o, &site, &err) != OK || remote_session_create(site, &s, &events, NULL, &venue, &err) != OK) return failed(&err);
  if (loop_timer_create(loop, on_timer, NULL, &timer, &err) != OK) return failed(&err);
  loop_timer_start(timer, EVERY_MS, EVERY_MS);
  loop_run(loop);
  loop_timer_destroy(timer);
  venue.ops->destroy(venue.self);
  remote_site_destroy(site);
  http_pool_destroy(pool);
  loop_destroy(loop);
  return 0;
}

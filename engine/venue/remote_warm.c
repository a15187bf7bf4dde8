// venue/remote_warm.c – so that an order leaves as soon as it may: connections that are open before it comes; its request, made and signed while the
// journal is being written; and where nobody knows the order, a dry run of the dialect instead, which brings the code and the script's memory into the
// processor's caches (the first order after a second of quiet takes three times as long as the next). A dry run asks and signs as an order
// would; nothing of it is kept or sent.
#include "venue/remote_impl.h"

#include "loop/clock.h"
#include "venue/unified.h"

#include <string.h>

#define FLOOR 2           // connections of a session that may trade
#define MOST 16
#define SPAN_MS 600000    // so many orders at once are expected again for this long
#define FRESH_MS 5        // since the last dry run or request: all is warm still
#define AHEAD_MS 100      // what was signed before that is signed anew

// As many connections as orders were expected at once in this span or the one before.
static unsigned wanted(const struct remote_site *site) {
  const unsigned most = site->warm.most > site->warm.most_before ? site->warm.most : site->warm.most_before;
  return most > FLOOR ? most : FLOOR;
}

static void connect_ahead(struct remote_site *site) {
  const struct http_client_request q = {.method = "GET", .url = remote_rest(site), .tls = site->tls, .plain_allowed = site->plain, .timeout_ms = site->timeout_ms};
  http_pool_warm(site->pool, &q, wanted(site));
}

static bool trades(const struct remote_session *s) { return s->state == VENUE_STATE_READY && !s->read_only && !s->no_streams && !s->probe; }

void remote_warm_tick(struct remote_site *site) {
  const int64_t now_ms = loop_now_ms(site->loop);
  bool any = false;
  for (const struct remote_session *s = site->sessions; s; s = s->next) any |= trades(s);
  if (!any) return;
  if (now_ms - site->warm.since_ms >= SPAN_MS) {
    site->warm.since_ms = now_ms;
    site->warm.most_before = site->warm.most;
    site->warm.most = 0;
  }
  connect_ahead(site);
}

static enum status make(struct remote_session *s, const json_t *args, struct dialect_request *ret, struct err *err) {
  const struct dialect_env env = remote_env(s->site);
  const struct dialect_secret secret = remote_secret(s);
  enum status st = dialect_request(s->site->dialect, DIALECT_CREATE_ORDER, args, &env, ret, err);
  return st == OK && ret->auth ? dialect_sign(s->site->dialect, ret, &secret, &env, err) : st;
}

static void dry_run(struct remote_session *s) {
  const struct venue_place p = {.client_id = "dry-run", .symbol = "BTCUSDT", .side = SIDE_BUY, .type = ORDER_MARKET, .tif = TIF_IOC, .qty = {1, 0}, .limit = NO_DECIMAL, .trigger = NO_DECIMAL};
  struct dialect_request request = {0};
  struct err err;
  json_t *args = unified_args_place(&p);
  if (args) (void)!make(s, args, &request, &err);
  dialect_request_finish(&request);
  json_decref(args);
}

static void drop_first(struct remote_session *s) {
  json_decref(s->ahead[0].args);
  dialect_request_finish(&s->ahead[0].request);
  memmove(s->ahead, s->ahead + 1, --s->ahead_count * sizeof s->ahead[0]);
}

void remote_ahead_drop(struct remote_session *s) {
  while (s->ahead_count) drop_first(s);
}

void remote_ahead(void *self, const struct venue_place *p) {
  struct remote_session *s = self;
  struct err err;
  if (!trades(s)) return;
  if (s->ahead_count == REMOTE_AHEAD_MAX) drop_first(s);
  struct remote_made *m = &s->ahead[s->ahead_count];
  *m = (struct remote_made){.args = unified_args_place(p), .at_ns = clock_monotonic_ns()};
  s->site->warm.run_ns = m->at_ns;
  if (m->args && make(s, m->args, &m->request, &err) == OK) {
    s->ahead_count++;
    return;
  }
  json_decref(m->args);
  dialect_request_finish(&m->request);
}

bool remote_ahead_take(struct remote_session *s, const json_t *args, struct dialect_request *ret) {
  while (s->ahead_count && clock_monotonic_ns() - s->ahead[0].at_ns > AHEAD_MS * REMOTE_NS_OF_MS) drop_first(s);
  unsigned at = 0;
  while (at < s->ahead_count && !json_equal(args, s->ahead[at].args)) at++;
  if (at == s->ahead_count) return false;
  while (at--) drop_first(s);
  *ret = s->ahead[0].request;
  s->ahead[0].request = (struct dialect_request){0};
  drop_first(s);
  return true;
}

void remote_brace(void *self, unsigned orders) {
  struct remote_session *s = self;
  struct remote_site *site = s->site;
  if (!trades(s)) return;
  if (orders > MOST) orders = MOST;
  if (orders > site->warm.most) site->warm.most = orders;
  connect_ahead(site);
  const int64_t now_ns = clock_monotonic_ns();
  if (now_ns - site->warm.run_ns < FRESH_MS * REMOTE_NS_OF_MS) return;
  site->warm.run_ns = now_ns;
  dry_run(s);
}

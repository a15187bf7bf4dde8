// venue/feed_remote_fund.c – funding rates of a venue's perpetuals, for who keeps books of his own on its prices. The venue says when the next
// settlement is and what it will probably cost; at that time its history is asked for the rate that it came to. A bar that ends then waits for
// it, for a while: after that the last word before it counts.
#include "venue/feed_remote_impl.h"

#include "loop/loop.h"

#include <stdlib.h>
#include <string.h>

#define PAST_MS INT64_C(604800000)   // asked for at first: what a restart may have missed
#define TICKER_MS INT64_C(300000)    // so often the next settlement is asked about
#define AGAIN_RETRIES 4              // of the site's first wait
#define HOLD_NS (20 * NS_PER_S)
#define SAME_NS (60 * NS_PER_S)      // settlements are further apart than the jitter of their times

static void add(struct lane_rates *r, int64_t ts_ns, int64_t rate_e12) {
  if (r->count && ts_ns < r->of[r->count - 1].ts_ns + SAME_NS) return;
  if (r->count == LANE_RATES_MAX) memmove(r->of, r->of + 1, --r->count * sizeof r->of[0]);
  r->of[r->count++] = (struct funding){ts_ns, rate_e12};
}

static bool rate_of(const json_t *v, const char *key, int64_t *ret) {
  const char *text = json_string_value(json_object_get(v, key));
  return text && decimal_parse_scaled(text, strlen(text), 12, ret);
}

static int by_time(const void *a, const void *b) {
  const int64_t x = ((const struct funding *)a)->ts_ns, y = ((const struct funding *)b)->ts_ns;
  return (x > y) - (x < y);
}

static int64_t in_a_moment(const struct remote_feed *f) { return loop_now_ms(f->config.site->loop) + AGAIN_RETRIES * f->config.site->retry_ms; }

static void on_rates(struct remote_call *c) {
  struct remote_lane *l = c->arg;
  struct lane_rates *r = &l->rates;
  struct remote_feed *f = l->feed;
  const size_t count = json_is_array(c->rows) ? json_array_size(c->rows) : 0;
  struct funding *list = c->reply.outcome == VENUE_ACCEPTED ? calloc(count + 1, sizeof *list) : NULL;
  r->call = NULL;
  r->again_ms = in_a_moment(f);
  if (!list) {
    remote_log(f->config.site, NULL, "funding of %s: %s", l->info->inst.symbol, c->reply.text);
    if (++r->failed >= 3) r->known = true;  // bots are not kept waiting for what cannot be had
    f->config.wake(f->config.self);
    return;
  }
  size_t n = 0;
  for (size_t i = 0; i < count; i++) {
    const json_t *row = json_array_get(c->rows, i);
    const char *symbol = json_string_value(json_object_get(row, "symbol"));
    list[n].ts_ns = json_integer_value(json_object_get(row, "time_ms")) * NS_PER_MS;
    if (symbol && strcmp(symbol, l->info->inst.symbol) == 0 && list[n].ts_ns > 0 && rate_of(row, "rate", &list[n].rate_e12)) n++;
  }
  qsort(list, n, sizeof *list, by_time);
  for (size_t i = 0; i < n; i++) add(r, list[i].ts_ns, list[i].rate_e12);
  free(list);
  r->known = true;
  r->failed = 0;
  if (r->next_ns > 0 && r->count && r->of[r->count - 1].ts_ns > r->next_ns - SAME_NS) r->next_ns = 0, r->ticker_ms = 0;
  f->config.wake(f->config.self);
}

static void on_ticker(struct remote_call *c) {
  struct remote_lane *l = c->arg;
  struct lane_rates *r = &l->rates;
  const int64_t next_ms = json_integer_value(json_object_get(c->rows, "next_funding_ms"));
  r->call = NULL;
  r->ticker_ms = loop_now_ms(l->feed->config.site->loop) + TICKER_MS;
  r->again_ms = in_a_moment(l->feed);
  if (c->reply.outcome != VENUE_ACCEPTED) return;
  r->guessed = rate_of(c->rows, "funding", &r->guess_e12);
  const int64_t next_ns = next_ms > 0 && next_ms < INT64_MAX / NS_PER_MS ? next_ms * NS_PER_MS : 0;
  // What has not been settled yet is not forgotten for the one after it.
  if (next_ns > 0 && (r->next_ns == 0 || next_ns < r->next_ns)) r->next_ns = next_ns;
}

static void ask(struct remote_lane *l, enum dialect_op op, int64_t since_ms) {
  json_t *args = json_object();
  if (args) json_object_set_new(args, "symbol", json_string(l->info->inst.symbol));
  if (args && since_ms > 0) json_object_set_new(args, "since_ms", json_integer(since_ms));
  l->rates.call = remote_call_begin(l->feed->config.site, NULL, op, args, op == DIALECT_FUNDING ? on_rates : on_ticker);
  if (l->rates.call) l->rates.call->arg = l;
}

void remote_rates_look(struct remote_lane *l, int64_t now_ns) {
  struct lane_rates *r = &l->rates;
  const int64_t now_ms = loop_now_ms(l->feed->config.site->loop);
  const uint32_t ops = dialect_info(l->feed->config.site->dialect)->ops;
  if (!l->feed->funds) return;
  if (r->next_ns > 0 && now_ns > r->next_ns + HOLD_NS) {
    if (r->guessed) add(r, r->next_ns, r->guess_e12);
    remote_log(l->feed->config.site, NULL, "funding of %s: the venue does not tell what it came to%s", l->info->inst.symbol, r->guessed ? "; as it was expected" : "");
    r->next_ns = 0;
    r->ticker_ms = 0;
  }
  if (r->call || now_ms < r->again_ms) return;
  if (!r->known) ask(l, DIALECT_FUNDING, now_ns / NS_PER_MS - PAST_MS);
  else if (r->next_ns > 0 && now_ns >= r->next_ns) ask(l, DIALECT_FUNDING, (r->next_ns - SAME_NS) / NS_PER_MS);
  else if ((ops >> DIALECT_TICKER & 1) && now_ms >= r->ticker_ms) ask(l, DIALECT_TICKER, 0);
}

bool remote_rates_wait(const struct remote_lane *l) { return l->feed->funds && !l->rates.known; }

// Until remote_rates_look() has the rate or has given up: were it over by the clock alone, a bar could pass before the last word was taken.
int64_t remote_rates_hold(const struct remote_lane *l) { return l->feed->funds && l->rates.next_ns > 0 ? l->rates.next_ns - 1 : INT64_MAX; }

size_t feed_remote_fundings(void *feed, const char *symbol, int64_t after_ns, int64_t through_ns, struct funding *ret, size_t max) {
  const struct remote_feed *f = feed;
  for (int i = 0; i < f->lane_count; i++) {
    const struct remote_lane *l = f->lanes[i];
    if (strcmp(l->info->inst.symbol, symbol) != 0) continue;
    size_t end = l->rates.count, begin;
    while (end > 0 && l->rates.of[end - 1].ts_ns > through_ns) end--;
    for (begin = end; begin > 0 && l->rates.of[begin - 1].ts_ns > after_ns && end - begin < max;) begin--;
    memcpy(ret, l->rates.of + begin, (end - begin) * sizeof *ret);
    return end - begin;
  }
  return 0;
}

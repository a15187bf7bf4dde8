// venue/remote_klines.c – bars without holes. What a stream says is believed for the bar that comes next; anything else is asked for.
#include "venue/remote_market_impl.h"
#include "venue/unified.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK 1000                 // bars of a question
#define SETTLED_NS (2 * NS_PER_S)  // a bar that closed so long ago does not change any more
#define OVERDUE_NS (5 * NS_PER_S)  // a bar that should have come by then
#define LOOK_MS 5000

// False: the market is gone.
static bool give(struct market_topic *t, const struct venue_kline *k) {
  struct remote_market *m = t->market;
  if (k->open_ns < t->next_ns) return true;  // given before
  if (k->closed) t->next_ns = k->open_ns + t->timeframe_ns;
  if (!m->events->kline) return true;
  remote_market_enter(m);
  m->events->kline(m->self, t->symbol, t->timeframe, k);
  return remote_market_leave(m);
}

static int by_open(const void *a, const void *b) {
  const int64_t x = ((const struct venue_kline *)a)->open_ns, y = ((const struct venue_kline *)b)->open_ns;
  return (x > y) - (x < y);
}

// What waited goes out as far as nothing is missing before it.
static void drain(struct market_topic *t) {
  struct venue_kline kept[REMOTE_KEPT_MAX];
  const int count = t->kept_count;
  memcpy(kept, t->kept, sizeof kept[0] * (size_t)count);
  t->kept_count = 0;
  qsort(kept, (size_t)count, sizeof *kept, by_open);
  for (int i = 0; i < count; i++)
    if (!give(t, &kept[i])) return;
}

static void on_rows(struct remote_call *c) {
  struct market_topic *t = c->arg;
  const int64_t now_ns = remote_site_now_ns(c->site, NULL);
  const int64_t until_ns = json_integer_value(json_object_get(c->args, "until_ms")) * NS_PER_MS;
  const size_t count = json_is_array(c->rows) ? json_array_size(c->rows) : 0;
  struct remote_market *m = t->market;
  struct err err;
  t->call = NULL;
  t->repairing = false;
  t->look_ms = loop_now_ms(c->site->loop) + LOOK_MS;
  struct venue_kline *list = c->reply.outcome == VENUE_ACCEPTED ? calloc(count + 1, sizeof *list) : NULL;
  for (size_t i = 0; list && i < count; i++) {
    if (unified_kline(json_array_get(c->rows, i), &list[i], &err) == OK) continue;
    remote_log(c->site, NULL, "bars of %s: %s", t->symbol, err.msg);
    free(list);
    list = NULL;
  }
  if (!list) return;  // asked for again, later
  qsort(list, count, sizeof *list, by_open);
  remote_market_enter(m);
  for (size_t i = 0; i < count && !m->dead; i++) {
    list[i].closed = list[i].open_ns + t->timeframe_ns + SETTLED_NS <= now_ns;
    if (list[i].closed) give(t, &list[i]);
  }
  free(list);
  if (!m->dead) {
    const int64_t past_ns = until_ns - until_ns % t->timeframe_ns;
    const bool more = until_ns + t->timeframe_ns + SETTLED_NS < now_ns;
    if (more && t->next_ns < past_ns) t->next_ns = past_ns;  // the venue has no bars there
    if (more) remote_klines_repair(t);
    else drain(t);
  }
  remote_market_leave(m);
}

void remote_klines_repair(struct market_topic *t) {
  if (t->repairing) return;
  struct remote_site *site = t->market->site;
  const int64_t now_ns = remote_site_now_ns(site, NULL);
  int64_t until_ns = t->next_ns + (CHUNK - 1) * t->timeframe_ns;
  if (until_ns > now_ns) until_ns = now_ns;
  json_t *args = json_pack("{s:s, s:s, s:I, s:I, s:i}", "symbol", t->symbol, "timeframe", t->timeframe, "since_ms", (json_int_t)(t->next_ns / NS_PER_MS), "until_ms",
    (json_int_t)(until_ns / NS_PER_MS), "limit", CHUNK);
  t->repairing = true;
  t->call = remote_call_begin(site, NULL, DIALECT_KLINES, args, on_rows);
  t->call->arg = t;
}

void remote_kline_heard(struct market_topic *t, const struct venue_kline *k) {
  if (k->open_ns < t->next_ns) return;
  const bool next = k->open_ns == t->next_ns;
  if (!t->repairing && (next || !k->closed)) {
    // One that is not closed says nothing of those before it; it is passed on only where none is missing.
    if (next) give(t, k);
    else remote_klines_look(t, true);
    return;
  }
  if (k->closed && t->kept_count < REMOTE_KEPT_MAX) t->kept[t->kept_count++] = *k;
  if (!t->repairing) remote_klines_repair(t);
}

void remote_klines_look(struct market_topic *t, bool linked) {
  struct remote_site *site = t->market->site;
  const int64_t now_ms = loop_now_ms(site->loop);
  if (t->repairing || !linked || now_ms < t->look_ms) return;
  if (remote_site_now_ns(site, NULL) < t->next_ns + t->timeframe_ns + OVERDUE_NS) return;
  t->look_ms = now_ms + LOOK_MS;
  remote_klines_repair(t);
}

// venue/remote_public.c – questions that need no key: instruments and bars.
#include "venue/remote_impl.h"
#include "venue/unified.h"

#include <stdlib.h>

static void unreadable(struct remote_call *c, const struct err *err) {
  c->reply.outcome = VENUE_UNKNOWN;
  c->reply.why = VENUE_WHY_OTHER;
  remote_scrub(NULL, err->msg, c->reply.text, sizeof c->reply.text);
}

static size_t row_count(const struct remote_call *c) {
  return c->reply.outcome == VENUE_ACCEPTED && json_is_array(c->rows) ? json_array_size(c->rows) : 0;
}

static void done_instruments(struct remote_call *c) {
  const size_t count = row_count(c);
  struct err err;
  struct venue_instrument *list = calloc(count + 1, sizeof *list);
  enum status st = list ? OK : err_set(&err, ERR_NOMEM, "instruments");
  for (size_t i = 0; i < count && st == OK; i++) st = unified_instrument(json_array_get(c->rows, i), &list[i], &err);
  if (st != OK) unreadable(c, &err);
  const bool good = c->reply.outcome == VENUE_ACCEPTED;
  ((remote_instruments_fn)c->fn)(c->arg, &c->reply, good ? list : NULL, good ? count : 0);
  free(list);
}

static int by_time(const void *a, const void *b) {
  const int64_t x = ((const struct venue_kline *)a)->open_ns, y = ((const struct venue_kline *)b)->open_ns;
  return (x > y) - (x < y);
}

static void done_klines(struct remote_call *c) {
  const size_t count = row_count(c);
  struct err err;
  struct venue_kline *list = calloc(count + 1, sizeof *list);
  enum status st = list ? OK : err_set(&err, ERR_NOMEM, "bars");
  for (size_t i = 0; i < count && st == OK; i++) st = unified_kline(json_array_get(c->rows, i), &list[i], &err);
  if (st == OK) qsort(list, count, sizeof *list, by_time);
  else unreadable(c, &err);
  const bool good = c->reply.outcome == VENUE_ACCEPTED;
  ((remote_klines_fn)c->fn)(c->arg, &c->reply, good ? list : NULL, good ? count : 0);
  free(list);
}

struct remote_call *remote_site_instruments(struct remote_site *site, const char *symbol, remote_instruments_fn done, void *arg) {
  json_t *args = json_object();
  if (args && symbol) json_object_set_new(args, "symbol", json_string(symbol));
  struct remote_call *c = remote_call_begin(site, NULL, DIALECT_INSTRUMENTS, args, done_instruments);
  c->fn = (void (*)(void))done;
  c->arg = arg;
  return c;
}

struct remote_call *remote_site_klines(struct remote_site *site, const char *symbol, const char *timeframe, int64_t since_ms, int64_t until_ms, int limit,
  remote_klines_fn done, void *arg) {
  json_t *args = json_object();
  if (args) {
    json_object_set_new(args, "symbol", json_string(symbol));
    json_object_set_new(args, "timeframe", json_string(timeframe));
    if (since_ms > 0) json_object_set_new(args, "since_ms", json_integer(since_ms));
    if (until_ms > 0) json_object_set_new(args, "until_ms", json_integer(until_ms));
    if (limit > 0) json_object_set_new(args, "limit", json_integer(limit));
  }
  struct remote_call *c = remote_call_begin(site, NULL, DIALECT_KLINES, args, done_klines);
  c->fn = (void (*)(void))done;
  c->arg = arg;
  return c;
}

// venue/remote_hint.c – private streams that only say that something happened to an order. Some venues' streams name a fill without an id,
// or an end without saying which (a dialect without fill_ids): told as they are they could be booked twice. So what happened is asked.
#include "venue/remote_impl.h"

#include <string.h>

#define SINCE_NS (INT64_C(600) * 1000000000)  // fills are asked for from so long ago; the owner knows those that it has, by their ids

static void on_orders(void *arg, const struct venue_reply *r, const struct venue_order *list, size_t count) {
  struct remote_session *s = arg;
  (void)r;  // no answer: the owner's next comparison finds it
  for (size_t i = 0; i < count && !s->dead; i++)
    if (s->events->order) s->events->order(s->self, &list[i]);
}

static void on_fills(void *arg, const struct venue_reply *r, const struct venue_fill *list, size_t count) {
  struct remote_session *s = arg;
  (void)r;
  for (size_t i = 0; i < count && !s->dead; i++)
    if (s->events->fill) s->events->fill(s->self, &list[i]);
}

static void text(const json_t *e, const char *key, char *ret, size_t size) {
  const char *s = json_string_value(json_object_get(e, key));
  if (s != NULL && strlen(s) < size) strcpy(ret, s);
}

void remote_hint(struct remote_session *s, const json_t *e) {
  struct venue_ref ref = {0};
  text(e, "client_id", ref.client_id, sizeof ref.client_id);
  text(e, "id", ref.venue_id, sizeof ref.venue_id);
  if (json_object_get(e, "order_id") != NULL) text(e, "order_id", ref.venue_id, sizeof ref.venue_id);  // of a fill
  text(e, "symbol", ref.symbol, sizeof ref.symbol);
  // Fills first, so that an order is not known to have ended before its last fill.
  remote_ops.fills(s, ref.symbol[0] != '\0' ? ref.symbol : NULL, remote_ops.now_ns(s) - SINCE_NS, on_fills, s);
  if (ref.venue_id[0] != '\0' || ref.client_id[0] != '\0') remote_ops.order(s, &ref, on_orders, s);
}

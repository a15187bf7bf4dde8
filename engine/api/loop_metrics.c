// api/loop_metrics.c – see loop_metrics.h.
#include "api/loop_metrics.h"

#include "base/buf.h"
#include "bot/live.h"
#include "loop/loop.h"

#include <inttypes.h>

// buckets has one more than bounds, without an upper bound; sum in seconds.
static void histogram(struct buf *out, const char *name, const char *help, const double *bounds_s, const uint64_t *buckets, int bounds, double sum_s) {
  uint64_t count = 0;
  buf_printf(out, "# HELP perigee_%s %s\n# TYPE perigee_%s histogram\n", name, help, name);
  for (int b = 0; b < bounds; b++) {
    count += buckets[b];
    buf_printf(out, "perigee_%s_bucket{le=\"%g\"} %" PRIu64 "\n", name, bounds_s[b], count);
  }
  count += buckets[bounds];
  buf_printf(out, "perigee_%s_bucket{le=\"+Inf\"} %" PRIu64 "\nperigee_%s_sum %.9g\nperigee_%s_count %" PRIu64 "\n", name, count, name, sum_s, name, count);
}

void loop_metrics_write(const struct loop *loop, struct buf *out) {
  static const char *const kinds[LOOP_KINDS] = {[LOOP_TIMER] = "timer", [LOOP_DESCRIPTOR] = "descriptor", [LOOP_TASK] = "task", [LOOP_WORK] = "work"};
  const struct loop_stats s = loop_stats(loop);
  histogram(out, "loop_turn_duration_seconds", "A turn of the event loop without its waiting; nobody else is answered meanwhile", loop_turn_bounds_s, s.buckets, LOOP_TURN_BOUNDS, s.turns_s);
  buf_printf(out, "# HELP perigee_loop_turn_longest_seconds The longest turn since the start\n# TYPE perigee_loop_turn_longest_seconds gauge\nperigee_loop_turn_longest_seconds %.9g\n",
             s.longest_s);
  buf_printf(out, "# HELP perigee_loop_long_callbacks_total Callbacks of more than %d ms, by what they were called for\n# TYPE perigee_loop_long_callbacks_total counter\n", LOOP_LONG_MS);
  for (int k = 0; k < LOOP_KINDS; k++) buf_printf(out, "perigee_loop_long_callbacks_total{kind=\"%s\"} %" PRIu64 "\n", kinds[k], s.long_callbacks[k]);
}

void live_metrics_write(const struct live *live, struct buf *out) {
  const struct live_sends s = live_sends(live);
  histogram(out, "order_send_duration_seconds", "From a script's order in the core, through the journal, to the first byte of the request in the kernel", live_send_bounds_s, s.buckets, LIVE_SEND_BOUNDS, s.sum_s);
  const struct live_sends h = live_hears(live);
  histogram(out, "signal_delay_seconds", "From the moment in which a signal came from outside until its bot's script had heard it", live_send_bounds_s, h.buckets, LIVE_SEND_BOUNDS, h.sum_s);
}

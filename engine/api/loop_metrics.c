#include "api/loop_metrics.h"

#include "base/buf.h"
#include "bot/live.h"
#include "loop/loop.h"

#include <inttypes.h>

void loop_metrics_write(const struct loop *loop, struct buf *out) {
  static const char *const kinds[LOOP_KINDS] = {[LOOP_TIMER] = "timer", [LOOP_DESCRIPTOR] = "descriptor", [LOOP_TASK] = "task", [LOOP_WORK] = "work"};
  const struct loop_stats s = loop_stats(loop);
  uint64_t sum = 0;
  buf_printf(out, "# HELP perigee_loop_turn_duration_seconds A turn of the event loop without its waiting; nobody else is answered meanwhile\n"
                  "# TYPE perigee_loop_turn_duration_seconds histogram\n");
  for (int b = 0; b <= LOOP_TURN_BOUNDS; b++) {
    sum += s.buckets[b];
    if (b < LOOP_TURN_BOUNDS) buf_printf(out, "perigee_loop_turn_duration_seconds_bucket{le=\"%g\"} %" PRIu64 "\n", loop_turn_bounds_s[b], sum);
  }
  buf_printf(out, "perigee_loop_turn_duration_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\nperigee_loop_turn_duration_seconds_sum %.9g\nperigee_loop_turn_duration_seconds_count %" PRIu64 "\n",
             sum, s.turns_s, sum);
  buf_printf(out, "# HELP perigee_loop_turn_longest_seconds The longest turn since the start\n# TYPE perigee_loop_turn_longest_seconds gauge\nperigee_loop_turn_longest_seconds %.9g\n",
             s.longest_s);
  buf_printf(out, "# HELP perigee_loop_long_callbacks_total Callbacks of more than %d ms, by what they were called for\n# TYPE perigee_loop_long_callbacks_total counter\n", LOOP_LONG_MS);
  for (int k = 0; k < LOOP_KINDS; k++) buf_printf(out, "perigee_loop_long_callbacks_total{kind=\"%s\"} %" PRIu64 "\n", kinds[k], s.long_callbacks[k]);
}

void live_metrics_write(const struct live *live, struct buf *out) {
  const struct live_sends s = live_sends(live);
  uint64_t sum = 0;
  buf_printf(out, "# HELP perigee_order_send_duration_seconds From a script's order in the core, through the journal, to the session with its venue\n"
                  "# TYPE perigee_order_send_duration_seconds histogram\n");
  for (int b = 0; b <= LIVE_SEND_BOUNDS; b++) {
    sum += s.buckets[b];
    if (b < LIVE_SEND_BOUNDS) buf_printf(out, "perigee_order_send_duration_seconds_bucket{le=\"%g\"} %" PRIu64 "\n", live_send_bounds_s[b], sum);
  }
  buf_printf(out, "perigee_order_send_duration_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\nperigee_order_send_duration_seconds_sum %.9g\nperigee_order_send_duration_seconds_count %" PRIu64 "\n",
             sum, s.sum_s, sum);
}

// api/loop_metrics.h – durations in /metrics: of the loop's turns, in which nobody else is answered, and of an order's way to its venue.
#pragma once
struct buf;
struct live;
struct loop;

void live_metrics_write(const struct live *live, struct buf *out);
void loop_metrics_write(const struct loop *loop, struct buf *out);

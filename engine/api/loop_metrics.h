// api/loop_metrics.h – the loop's part of /metrics: how long its turns are, in which nobody else is answered.
#pragma once
struct buf;
struct live;
struct loop;

void live_metrics_write(const struct live *live, struct buf *out);
void loop_metrics_write(const struct loop *loop, struct buf *out);

// api/market_metrics.h – private to api/: figures of market data, by venue and by what became of it.
#pragma once
#include "base/buf.h"

struct hub;

// Appends Prometheus text. Venues are the service's own feeds (bot/hub.h: at most 32) and verdicts a closed list of some two dozen, of
// which those that have happened are written; symbols are no label.
void market_metrics_write(const struct hub *h, struct buf *out);

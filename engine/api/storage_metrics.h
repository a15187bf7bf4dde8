// api/storage_metrics.h – the store's part of /metrics: a series per database file.
#pragma once
#include "base/buf.h"

struct store;

// Appends Prometheus text: queue, writes, batches and how long they took, what the disk refused, sizes.
void storage_metrics_write(struct store *store, struct buf *out);

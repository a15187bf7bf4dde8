// api/signal_fanout.h – private to api/: what becomes of a delivery, in one write – its verdict, and a signal to each bot that listens – and waking
// those bots afterwards. What the disk refuses is tried again; a verdict that is never written leaves its delivery accepted, for the next start.
#pragma once
#include "base/json.h"
#include "store/bot_rows.h"

#include <stdbool.h>
#include <stdint.h>

struct api_core;
struct signal_fanout;

struct signal_verdict {
  int64_t hook_id, tenant_id, delivery_id, received_ns, expires_ns;
  const char *hook_name;
  const json_t *settings;      // of the hook: route, cap
  const json_t *signal, *log;  // as the rules left it; log NULL: no rule was asked
  const char *state;           // "delivered" "rejected" "failed"
  const char *reason;
  bool sweep;                  // also let go of the hook's old deliveries
};

struct signal_fanout_stats {
  uint64_t delivered, rejected, failed, signals;  // signals: to bots
  unsigned waiting, waking;                       // deliveries being written; bots that have theirs and are yet to be woken
};

enum status signal_fanout_create(struct api_core *core, struct signal_fanout **ret, struct err *err) MUST_CHECK;
// Waits for what is being written. NULL does nothing.
void signal_fanout_destroy(struct signal_fanout *f);
// Everything is borrowed for the call. False: no memory; the delivery stays accepted.
bool signal_fanout(struct signal_fanout *f, const struct signal_verdict *v);
struct signal_fanout_stats signal_fanout_stats(const struct signal_fanout *f);

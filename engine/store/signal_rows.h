// store/signal_rows.h – signals sent to bots (control.db). A row is the acceptance; that one was delivered stands in the bot's journal
// first, and here afterwards, so a row may say "waiting" of one that was.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct db;

#define SIGNAL_ROWS_MAX 1000  // kept of a bot
#define SIGNAL_STATE_SIZE 12

struct signal_row {
  int64_t id, bot_id, received_ns, expires_ns;
  char state[SIGNAL_STATE_SIZE];  // "waiting" "delivered" "expired"
  int64_t delivered_ns;           // 0: not
  int64_t delivery_id;            // of a hook (store/hook_rows.h); 0: it was sent to the bot itself
  const char *body;               // JSON object; during a callback
};

// Sets its id; its state is "waiting". The bot's oldest beyond SIGNAL_ROWS_MAX go, but for those that wait and are not over; not with every one, but with one in thirty-two.
// The id is taken here, on the writer's thread, so that those of a bot come in the order in which they are committed: who reads has all below the last it saw.
enum status signal_add(struct db *db, struct signal_row *row, struct err *err) MUST_CHECK;
// Of one that waits.
enum status signal_done(struct db *db, int64_t id, const char *state, int64_t delivered_ns, struct err *err) MUST_CHECK;
typedef bool (*signal_row_fn)(void *arg, const struct signal_row *row);  // false: enough
// Newest first. Whose bot it is, bot_get has said.
enum status signal_list(struct db *db, int64_t bot_id, int64_t before_id, int limit, signal_row_fn fn, void *arg, struct err *err) MUST_CHECK;
// All that a delivery of a hook became, in the order in which bots were told: ids above after_id.
enum status signal_list_delivery(struct db *db, int64_t delivery_id, int64_t after_id, int limit, signal_row_fn fn, void *arg, struct err *err) MUST_CHECK;
// Those that wait, oldest first, with ids above after_id.
enum status signal_waiting(struct db *db, int64_t bot_id, int64_t after_id, signal_row_fn fn, void *arg, struct err *err) MUST_CHECK;

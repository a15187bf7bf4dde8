// store/notice_rows.h – notices, to which channels each is sent, and every attempt (control.db).
//
// notice_add belongs into the write of what it tells of, so that neither is there without the other. What goes where is decided by the
// courier in a later write (notice_open_list, sending_insert, notice_closed); a process that dies in between finds it open.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct journal_notice;

#define NOTICE_EVENT_SIZE 32
#define NOTICE_SUBJECT_SIZE 32
#define NOTICE_REASON_SIZE 240
#define NOTICES_KEPT_NS (INT64_C(90 * 86400) * 1000000000)

struct notice_row {
  int64_t id, tenant_id, created_ns, more, channel_id;
  const char *event, *subject, *data;  // event: a name of notice/event.h; data: JSON object; during the callback, or the caller's
  const char *once;                    // NULL: each is one of its own
  bool open, folded;
};

// id 0: a new one. What has a row with the same `once` already is not added again: *ret_added (may be NULL) tells.
enum status notice_add(struct db *db, const struct notice_row *row, bool *ret_added, struct err *err) MUST_CHECK;

typedef bool (*notice_fn)(void *arg, const struct notice_row *row);  // false: enough
// Of all tenants, oldest first, ids above after_id: nobody has decided yet. For the courier.
enum status notice_open_list(struct db *db, int64_t after_id, int limit, notice_fn fn, void *arg, struct err *err) MUST_CHECK;
enum status notice_closed(struct db *db, int64_t id, bool folded, struct err *err) MUST_CHECK;
// Of one tenant, newest first, ids below before_id; event NULL: all.
enum status notice_list(struct db *db, int64_t tenant_id, const char *event, int64_t before_id, int limit, notice_fn fn, void *arg, struct err *err) MUST_CHECK;
// One, of one tenant; fn is called once. tenant_id 0: of any, for the courier. ERR_NOTFOUND.
enum status notice_get(struct db *db, int64_t tenant_id, int64_t id, notice_fn fn, void *arg, struct err *err) MUST_CHECK;

// ---- storms (notice/storm.h)
struct storm_row {
  int64_t tenant_id, since_ns, sent, folded, last_id;
  char event[NOTICE_EVENT_SIZE], subject[NOTICE_SUBJECT_SIZE];
};
// All zeros but the key where there is none.
enum status storm_get(struct db *db, int64_t tenant_id, const char *event, const char *subject, struct storm_row *ret, struct err *err) MUST_CHECK;
enum status storm_put(struct db *db, const struct storm_row *row, struct err *err) MUST_CHECK;
// The one whose window began first, of those with something untold. ERR_NOTFOUND.
enum status storm_first(struct db *db, struct storm_row *ret, struct err *err) MUST_CHECK;
enum status storm_sweep(struct db *db, int64_t before_ns, struct err *err) MUST_CHECK;

// ---- sendings
struct sending_row {
  int64_t id, notice_id, channel_id, tenant_id, next_ns, attempts, began_ns, created_ns, group_id;  // next_ns 0: nothing is to be done
  char state[12];            // "waiting" "held" (until a digest or the end of quiet hours) "handed" (to the mail server's queue) "sent" "failed" "skipped"
  char reason[NOTICE_REASON_SIZE];
  bool digest;
};
typedef bool (*sending_fn)(void *arg, const struct sending_row *row);
enum status sending_insert(struct db *db, const struct sending_row *row, struct err *err) MUST_CHECK;
enum status sending_get(struct db *db, int64_t id, struct sending_row *ret, struct err *err) MUST_CHECK;
// state, reason, digest, next_ns, attempts, began_ns, group_id.
enum status sending_update(struct db *db, const struct sending_row *row, struct err *err) MUST_CHECK;
// Due on a channel by now, by their time; those of events that are named in first (",bot.dead,order.unknown,") before all others.
enum status sending_due(struct db *db, int64_t channel_id, int64_t now_ns, const char *first, int limit, sending_fn fn, void *arg, struct err *err) MUST_CHECK;
// Those that go as one.
enum status sending_of_group(struct db *db, int64_t group_id, sending_fn fn, void *arg, struct err *err) MUST_CHECK;
// Channels with something to do, and when first. For the courier's start.
enum status sending_lanes(struct db *db, void (*fn)(void *arg, int64_t channel_id, int64_t next_ns), void *arg, struct err *err) MUST_CHECK;
// When something is to be done there next; INT64_MAX: nothing.
enum status sending_next(struct db *db, int64_t channel_id, int64_t *ret, struct err *err) MUST_CHECK;
enum status sending_count_waiting(struct db *db, int64_t channel_id, int64_t *ret, struct err *err) MUST_CHECK;
// That a tenant's notices were given to channels since then (those that were skipped not counted).
enum status sending_count_since(struct db *db, int64_t tenant_id, int64_t since_ns, int64_t *ret, struct err *err) MUST_CHECK;
enum status sending_of_notice(struct db *db, int64_t notice_id, sending_fn fn, void *arg, struct err *err) MUST_CHECK;
// All that is to be done there is not done.
enum status sending_skip_all(struct db *db, int64_t channel_id, const char *reason, struct err *err) MUST_CHECK;
// What is held of a tenant goes out now: it wants other hours.
enum status sending_release(struct db *db, int64_t tenant_id, int64_t now_ns, struct err *err) MUST_CHECK;
// Of all tenants, newest first, ids below before_id: failed for good. For operators.
enum status sending_failures(struct db *db, int64_t before_id, int limit, sending_fn fn, void *arg, struct err *err) MUST_CHECK;

// ---- attempts
struct attempt_row {
  int64_t id, sending_id, at_ns, took_ms;
  int status;                // of HTTP; 0: none was heard
  const char *outcome;       // "sent" "later" "never" "ours"
  const char *detail;
};
typedef bool (*attempt_fn)(void *arg, const struct attempt_row *row);
enum status attempt_insert(struct db *db, const struct attempt_row *row, struct err *err) MUST_CHECK;
// Oldest first.
enum status attempt_list(struct db *db, int64_t sending_id, int limit, attempt_fn fn, void *arg, struct err *err) MUST_CHECK;

// ---- those that bots' instants left in the journal
enum status journal_notice_put(struct db *db, const struct journal_notice *n, struct err *err) MUST_CHECK;
// Oldest first.
enum status journal_notice_list(struct db *db, int limit, bool (*fn)(void *arg, const struct journal_notice *n), void *arg, struct err *err) MUST_CHECK;
enum status journal_notice_drop(struct db *db, int64_t id, struct err *err) MUST_CHECK;

// Tenants with bots that are to run, at that venue (NULL: anywhere). Reads control.db.
enum status notice_traders(struct db *db, const char *venue, bool (*fn)(void *arg, int64_t tenant_id), void *arg, struct err *err) MUST_CHECK;

// ---- keeping house
// Older than before_ns and with nothing to be done, some at a time; *ret: how many.
enum status notice_sweep(struct db *db, int64_t before_ns, int64_t *ret, struct err *err) MUST_CHECK;
// All of it: channels, preferences, notices.
enum status notice_erase_tenant(struct db *db, int64_t tenant_id, struct err *err) MUST_CHECK;

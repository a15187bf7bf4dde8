// store/bot_rows.h – bots: how they are set up, what is wanted of them, how they fare; and the log of their failures.
//
// Requests call bot_insert, bot_update and bot_delete; the runtime reads rows and calls bot_set_state and bot_failure_add. Names of
// states, wishes, reasons and events are those of bot/life.h. Functions for handlers take the tenant; those for the runtime and for
// operators say that they do not.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;

#define BOT_NAME_SIZE 401
#define BOT_VENUE_SIZE 33
#define BOT_SYMBOL_SIZE 41
#define BOT_TIMEFRAME_SIZE 12
#define BOT_WORD_SIZE 24  // state, wanted, reason_code
#define BOT_FAILURES_MAX 100

// How it fares. reason is valid as long as the row it is part of.
struct bot_standing {
  char state[BOT_WORD_SIZE], reason_code[BOT_WORD_SIZE];
  const char *reason;
  int64_t strikes, retries;
  int64_t since_ns;     // when the state began
  int64_t retry_at_ns;  // 0: no try is due
};

// Texts behind pointers: after bot_get and bot_find of the row (bot_row_finish frees them); in lists valid during the callback.
struct bot_row {
  int64_t id, tenant_id, account_id, script_id;
  int64_t version;           // 0: whichever is active
  int64_t previous_version;  // before the last reload; 0: none
  int64_t shadow_version;    // 0: none
  const char *name;          // shorter than BOT_NAME_SIZE
  char venue[BOT_VENUE_SIZE], symbol[BOT_SYMBOL_SIZE], timeframe[BOT_TIMEFRAME_SIZE];
  const char *pairs, *params, *settings;  // JSON: list of symbols, object, object
  int64_t seed;
  char wanted[BOT_WORD_SIZE];
  bool close;                // the stop that is wanted closes positions too
  int64_t generation;        // goes up when it is to be opened anew though nothing else changed
  struct bot_standing standing;
  int64_t created_ns, updated_ns, revision;
  char *texts;               // owned; NULL in lists
};
void bot_row_finish(struct bot_row *row);

enum status bot_insert(struct db *db, const struct bot_row *row, struct err *err) MUST_CHECK;
// ERR_NOTFOUND: not in this tenant, or deleted.
enum status bot_get(struct db *db, int64_t tenant_id, int64_t id, struct bot_row *ret, struct err *err) MUST_CHECK;
// Of any tenant: for the runtime and operators.
enum status bot_find(struct db *db, int64_t id, struct bot_row *ret, struct err *err) MUST_CHECK;
// Everything that people change (name, account, version…, params, settings, wanted, close, generation, standing, updated_ns); the
// revision goes up by one. ERR_NOTFOUND as bot_get.
enum status bot_update(struct db *db, const struct bot_row *row, struct err *err) MUST_CHECK;
// Bots that trade on the account and have not ended: wanted or found in another state than stopped.
enum status bot_count_started(struct db *db, int64_t account_id, int64_t *ret, struct err *err) MUST_CHECK;
// Of any tenant; the revision stays. ERR_NOTFOUND: deleted meanwhile, which is nothing to worry about.
enum status bot_set_state(struct db *db, int64_t id, const struct bot_standing *standing, struct err *err) MUST_CHECK;
// A version beside the one that trades: on: for all bots of the script, of whichever tenant, that are to run; else for none that has it.
enum status bot_set_shadow(struct db *db, int64_t script_id, int64_t version, bool on, struct err *err) MUST_CHECK;
// The row stays for what refers to it.
enum status bot_delete(struct db *db, int64_t tenant_id, int64_t id, int64_t now_ns, struct err *err) MUST_CHECK;
enum status bot_erase_tenant(struct db *db, int64_t tenant_id, struct err *err) MUST_CHECK;

// ---- groups: one bot on several accounts, a row of bots for each
enum status bot_group_of(struct db *db, int64_t bot_id, int64_t *ret, struct err *err) MUST_CHECK;  // 0: of none
enum status bot_group_join(struct db *db, int64_t bot_id, int64_t group_id, struct err *err) MUST_CHECK;
typedef bool (*bot_group_fn)(void *arg, int64_t bot_id, int64_t account_id);  // false: enough
enum status bot_group_list(struct db *db, int64_t tenant_id, int64_t group_id, bot_group_fn fn, void *arg, struct err *err) MUST_CHECK;  // by id

// fn false ends the list.
typedef bool (*bot_row_fn)(void *arg, const struct bot_row *row);
struct bot_filter {
  int64_t tenant_id;             // 0: of all, for operators
  int64_t script_id, account_id;  // 0: any
  const char *state;             // NULL: any
  bool held;                     // only quarantined, dead and retired ones
  const char *text;              // part of its name, its symbol or its owner's address, whichever case; NULL: any
};
// Newest first, ids below before_id.
enum status bot_list(struct db *db, const struct bot_filter *filter, int64_t before_id, int limit, bot_row_fn fn, void *arg, struct err *err) MUST_CHECK;
// Of all tenants, by id: those that are to run, be paused, or have not reached their stop. When the service starts.
enum status bot_list_at_work(struct db *db, bot_row_fn fn, void *arg, struct err *err) MUST_CHECK;
// How many there are that are not deleted; 0 for any of the ids.
enum status bot_count(struct db *db, int64_t tenant_id, int64_t script_id, int64_t account_id, int64_t *ret, struct err *err) MUST_CHECK;

struct bot_failure {
  int64_t id, bot_id, at_ns;
  char what[BOT_WORD_SIZE];  // event of bot/life.h: "script-failed"
  int64_t version, strikes, retries;
  const char *detail;        // during the callback
};
// Of any tenant; the bot's oldest beyond BOT_FAILURES_MAX go.
enum status bot_failure_add(struct db *db, const struct bot_failure *f, struct err *err) MUST_CHECK;
typedef bool (*bot_failure_fn)(void *arg, const struct bot_failure *f);
// Newest first. Whose bot it is, bot_get has said.
enum status bot_failure_list(struct db *db, int64_t bot_id, int64_t before_id, int limit, bot_failure_fn fn, void *arg, struct err *err) MUST_CHECK;

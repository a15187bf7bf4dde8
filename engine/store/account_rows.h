// store/account_rows.h – the money of paper accounts in journal.db: entries that balance, their sums, and what open runs have. What moves
// money, and how it balances, is order/account_book's; here it is made durable, together with the run that it belongs to
// (journal_batch.entries).
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct db;

#define ACCOUNT_REQUEST_SIZE 65
#define ACCOUNT_ENTRY_OPENS 1  // the kind of the entry that an account's books begin with

struct account_sums {          // or a change of them, in units of 1e-8
  int64_t paid_in_e8, result_e8, free_e8, allotted_e8;
};
struct account_entry {
  int64_t id;                  // set when it is written: rising
  int64_t account_id, tenant_id;
  int kind;                    // enum account_move
  int64_t bot_id;              // of a run; else 0
  uint32_t run;
  struct account_sums change;
  int64_t balance_e8;          // set when it is written: paid in and won, after it
  int64_t clock_ns;
  char request[ACCOUNT_REQUEST_SIZE];  // a request's key: an account takes it once. "": none
  int64_t opening_e8;          // not stored: what the account begins with, if this is its first
  bool covered;                // not stored: refused when less than nothing would be free
};

// Inside a write. ERR_EXISTS: the run has such an entry, or the request was done before. ERR_LIMIT: covered, and it is not.
// ERR_INVALID: it does not balance, or returns what was not given.
enum status account_entry_put(struct db *db, struct account_entry *e, struct err *err) MUST_CHECK;
// ERR_NOTFOUND: there is no entry yet.
enum status account_sums_get(struct db *db, int64_t account_id, struct account_sums *ret, struct err *err) MUST_CHECK;
typedef bool (*account_share_fn)(void *arg, int64_t bot_id, uint32_t run, int64_t amount_e8);  // false: enough
enum status account_shares(struct db *db, int64_t account_id, account_share_fn fn, void *arg, struct err *err) MUST_CHECK;
// Newest first, below an id; limit rows at most.
typedef bool (*account_entry_fn)(void *arg, const struct account_entry *e);
enum status account_entries(struct db *db, int64_t tenant_id, int64_t account_id, int64_t before, int limit, account_entry_fn fn, void *arg, struct err *err) MUST_CHECK;

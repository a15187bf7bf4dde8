// tests/store/service_work.h – private to the service's workload: the table of its operations.
//
// Each operation happens at a time of its own (a quarter of a minute each), and every row of the schema carries the times at which it
// was made, used, ended. So the times in the tables tell which operations are there, and how much of each: an operation's
// effects say how many rows of which column carry its time once it is committed; all other columns have none.
#pragma once
#include "workload.h"

// table, column
#define COLUMN_LIST(X)                                                                                                   \
  X(users, created_ns) X(users, password_changed_ns) X(users, email_verified_ns) X(users, erased_ns)                     \
  X(tenants, created_ns) X(tenants, deleted_ns) X(members, since_ns) X(invitations, created_ns)                          \
  X(sessions, created_ns) X(sessions, revoked_ns) X(refresh_tokens, created_ns) X(refresh_tokens, used_ns)               \
  X(email_tokens, created_ns) X(totp, created_ns) X(totp, enabled_ns) X(api_keys, created_ns) X(api_keys, revoked_ns)    \
  X(audit, at_ns) X(audit_signatures, at_ns) X(tenant_keys, created_ns) X(accounts, created_ns) X(accounts, deleted_ns)  \
  X(account_secrets, created_ns) X(outbox, created_ns) X(outbox, sent_ns) X(script, created_ns)                          \
  X(script_version, created_ns) X(script_activation, at_ns) X(subscription_event, at_ns) X(usage_event, at_ns)           \
  X(usage_held, since_ns) X(usage_window, start_ns) X(idempotency, created_ns) X(backtests, created_ns)                  \
  X(backtests, started_ns) X(backtests, finished_ns)

enum column {
  COLUMN_NONE,
#define X(table, column) table##_##column,
  COLUMN_LIST(X)
#undef X
  COLUMNS
};

// In the order of a round: the life of a customer with an organisation, of a colleague, and of somebody who leaves.
enum operation_id {
  OP_NONE,
  OP_REGISTER, OP_VERIFY, OP_LOGIN, OP_REFRESH, OP_REUSE, OP_KEY, OP_KEY_DELETE, OP_COLLEAGUE, OP_TOTP, OP_TOTP_CONFIRM,
  OP_ORG, OP_INVITE, OP_ACCEPT, OP_ROLE, OP_ACCOUNT, OP_ACCOUNT_TOO_MANY, OP_SECRETS, OP_ACCOUNT_DELETE, OP_STRATEGY,
  OP_ACTIVATE, OP_VERSION, OP_RULE, OP_BACKTEST, OP_BACKTEST_START, OP_BACKTEST_FINISH, OP_REQUESTS, OP_PLAN, OP_SENT,
  OP_LOGIN_AGAIN, OP_PASSWORD, OP_LEAVER, OP_ERASE, OP_MEMBER_REMOVE, OP_SIGN,
  OPS_END,
};
#define OPS (OPS_END - 1)

struct effect {
  enum column column;
  int rows;
  enum operation_id unless;  // that operation of the same round takes them away again
};
struct call;
struct operation_of_service {
  const char *name;
  enum operation_id needs[3];  // told as done in this round, or it is left out
  bool answered;               // stores its answer for the Idempotency-Key
  bool refuses;                // writes, and is then refused
  enum status (*prepare)(struct call *c, struct err *err);  // on the caller's thread, as the service's loop; may be NULL
  enum status (*write)(struct call *c, struct db *db, struct err *err);
  void (*after)(struct call *c, bool committed);            // may be NULL
  struct effect effects[8];
};
extern const struct operation_of_service service_ops[OPS_END];

#define SERVICE_START_NS (INT64_C(1800000000) * 1000000000)
#define SERVICE_STEP_NS (INT64_C(15) * 1000000000)  // longer than a spent refresh token has grace; all of a run within a day
#define SERVICE_METER_TENANT 7  // its requests are written by OP_REQUESTS, five at a time

static inline enum operation_id op_of(int i) { return (enum operation_id)((i - 1) % OPS + 1); }
static inline int round_of(int i) { return (i - 1) / OPS; }
static inline int64_t time_of(int i) { return SERVICE_START_NS + i * SERVICE_STEP_NS; }

struct identity;
struct identity *service_identity(void);
const char *service_check(const char *path, int acked, int issued, const struct ledger *ledger, bool in_order);

// tests/store/service_check.c – judges a database of the service: every operation is there whole or not at all, as it was told,
// and what the service itself believes of its tables holds.
#include "service_work.h"

#include "store/db.h"
#include "tenant/audit.h"
#include "tenant/identity.h"
#include "tenant/vault.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static char wrong[1600];
static const char *say(const char *what, const struct err *err) {
  snprintf(wrong, sizeof wrong, "%s: %s", what, err->msg);
  return wrong;
}

static const char *const column_names[COLUMNS] = {
#define X(table, column) [table##_##column] = #table "." #column,
  COLUMN_LIST(X)
#undef X
};

// What may never be, whatever was lost.
static const struct {
  const char *what, *sql;
} never[] = {
#define NEVER(what, from) {what, "SELECT '' FROM " from},
  NEVER("a user without a tenant of its own", "users u WHERE erased_ns IS NULL AND NOT EXISTS (SELECT 1 FROM members m WHERE m.tenant_id = u.tenant_id AND m.user_id = u.id)")
  NEVER("an organisation without an owner", "tenants t WHERE kind = 'organisation' AND NOT EXISTS (SELECT 1 FROM members m WHERE m.tenant_id = t.id AND m.role = 3)")
  NEVER("a user whose address nobody confirms", "users u WHERE erased_ns IS NULL AND email_verified_ns IS NULL AND NOT EXISTS (SELECT 1 FROM email_tokens e WHERE e.user_id = u.id)")
  NEVER("something left of who was erased", "users u WHERE erased_ns IS NOT NULL AND (email IS NOT NULL OR password_hash IS NOT NULL"
        " OR EXISTS (SELECT 1 FROM members m WHERE m.user_id = u.id) OR EXISTS (SELECT 1 FROM email_tokens e WHERE e.user_id = u.id)"
        " OR EXISTS (SELECT 1 FROM outbox o WHERE o.user_id = u.id) OR EXISTS (SELECT 1 FROM audit a JOIN audit_context c ON c.audit_id = a.id WHERE a.user_id = u.id AND c.address <> ''))")
  NEVER("a session without its user", "sessions s WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = s.user_id)")
  NEVER("a session with no good refresh token, or two", "sessions s WHERE 1 <> (SELECT count(*) FROM refresh_tokens r WHERE r.session_id = s.id AND r.used_ns IS NULL)")
  NEVER("a second factor without its recovery codes", "totp t WHERE enabled_ns IS NOT NULL AND 10 <> (SELECT count(*) FROM recovery_codes r WHERE r.user_id = t.user_id)")
  NEVER("a member's role without the line that gave it", "tenants t WHERE kind = 'organisation' AND (SELECT count(*) FROM members m WHERE m.tenant_id = t.id AND m.role = 2)"
        " <> (SELECT total(CASE action WHEN 'member.role' THEN 1 WHEN 'member.remove' THEN -1 ELSE 0 END) FROM audit a WHERE a.tenant_id = t.id)")
  NEVER("an account without its two secrets", "accounts a WHERE deleted_ns IS NULL AND 2 <> (SELECT count(*) FROM account_secrets s WHERE s.account_id = a.id)")
  NEVER("secrets of a deleted account", "account_secrets s JOIN accounts a ON a.id = s.account_id WHERE a.deleted_ns IS NOT NULL")
  NEVER("a secret whose tenant has no key", "account_secrets s WHERE NOT EXISTS (SELECT 1 FROM tenant_keys k WHERE k.tenant_id = s.tenant_id AND k.wrapped IS NOT NULL)")
  NEVER("more accounts than the plan has", "accounts WHERE deleted_ns IS NULL GROUP BY tenant_id HAVING count(*) > 1")
  NEVER("a script whose newest version is another", "script s WHERE latest_version IS NOT (SELECT max(version) FROM script_version v WHERE v.script_id = s.id)")
  NEVER("an active version that is not there or not proven", "script s WHERE active_version IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM script_version v WHERE v.script_id = s.id AND v.version = s.active_version AND v.state = 'proven')")
  NEVER("an active version that nobody activated", "script s WHERE active_version IS NOT (SELECT version FROM script_activation a WHERE a.script_id = s.id ORDER BY revision DESC LIMIT 1)")
  NEVER("a plan that is not its newest event's", "subscription s WHERE plan IS NOT (SELECT plan_to FROM subscription_event e WHERE e.tenant_id = s.tenant_id ORDER BY id DESC LIMIT 1)")
  NEVER("an event of a plan without the plan", "subscription_event e WHERE NOT EXISTS (SELECT 1 FROM subscription s WHERE s.tenant_id = e.tenant_id)")
  NEVER("backtests counted that are not there, or not counted", "backtests b WHERE NOT EXISTS (SELECT 1 FROM usage_event e WHERE e.tenant_id = b.tenant_id AND e.at_ns = b.created_ns)")
  NEVER("a window that is not the sum of its events", "usage_window w WHERE meter = 'backtests_per_day' AND used <> (SELECT total(amount) FROM usage_event e WHERE e.tenant_id = w.tenant_id"
        " AND e.at_ns >= w.start_ns AND e.at_ns < w.start_ns + 86400000000000)")
  NEVER("an event in no window", "usage_event e WHERE NOT EXISTS (SELECT 1 FROM usage_window w WHERE w.tenant_id = e.tenant_id AND w.meter = 'backtests_per_day' AND w.start_ns <= e.at_ns)")
  NEVER("requests counted in one window and not in the other", "(SELECT total(CASE start_ns WHEN 0 THEN used ELSE -used END) AS more FROM usage_window WHERE tenant_id = 7) WHERE more <> 0")
  NEVER("a backtest in no possible state", "backtests WHERE CASE state WHEN 'queued' THEN started_ns IS NOT NULL OR finished_ns IS NOT NULL WHEN 'running' THEN started_ns IS NULL OR finished_ns IS NOT NULL"
        " ELSE finished_ns IS NULL OR result IS NULL END")
  NEVER("a result that is not counted", "backtests b WHERE (result IS NOT NULL) <> EXISTS (SELECT 1 FROM backtest_results r WHERE r.backtest_id = b.id AND r.bytes = length(b.result))")
  NEVER("a sent mail with its body, or one to send without", "outbox WHERE (next_ns IS NULL) <> (body IS NULL) OR (sent_ns IS NULL) <> (next_ns IS NOT NULL)")
  NEVER("ids that go back", "audit a JOIN audit b ON b.tenant_id = a.tenant_id AND b.seq = a.seq + 1 WHERE b.id <= a.id")
  NEVER("one id for two things", "(SELECT id FROM users UNION ALL SELECT id FROM tenants UNION ALL SELECT id FROM sessions UNION ALL SELECT id FROM audit UNION ALL SELECT id FROM accounts"
        " UNION ALL SELECT id FROM outbox UNION ALL SELECT id FROM script UNION ALL SELECT id FROM script_version UNION ALL SELECT id FROM backtests UNION ALL SELECT id FROM api_keys)"
        " GROUP BY id HAVING count(*) > 1")
  NEVER("an answer that is remembered in part", "idempotency WHERE length(answer) <> 300 OR status <> 201")
#undef NEVER
};

static const char *rows_that_are_wrong(struct db *db, const char *sql, const char *what) {
  struct db_rows rows;
  struct err err = {0};
  enum status st = db_query(db, &rows, &err, sql, "");
  while (st == OK && db_next(&rows))
    if (strcmp(db_text(&rows, 0), "ok") != 0 && !wrong[0]) snprintf(wrong, sizeof wrong, "%s %s", what, db_text(&rows, 0));
  return (st = db_end(&rows, st, &err)) != OK ? say(what, &err) : wrong;
}
static const char *check_never(struct db *db) {
  for (size_t n = 0; n < sizeof never / sizeof *never && !wrong[0]; n++) (void)rows_that_are_wrong(db, never[n].sql, never[n].what);
  return wrong;
}

// ---- operations

static uint8_t counts[JOBS_MAX + 1][COLUMNS];

static const char *count_times(struct db *db, int issued) {
  static char text[8000];
  size_t n = 0;
  if (!text[0]) {
    n += (size_t)snprintf(text, sizeof text, "SELECT 0, 0, 0 WHERE 0");
#define X(table, column) \
  n += (size_t)snprintf(text + n, sizeof text - n, " UNION ALL SELECT %d, " #column ", count(*) FROM " #table " WHERE " #column " > 0%s GROUP BY " #column, table##_##column, \
                        table##_##column == usage_window_start_ns ? " AND meter = 'api_calls_per_hour'" : "");
    COLUMN_LIST(X)
#undef X
  }
  struct db_rows rows;
  struct err err = {0};
  memset(counts, 0, sizeof *counts * ((size_t)issued + 1));
  enum status st = db_query(db, &rows, &err, text, "");
  while (st == OK && db_next(&rows)) {
    const int64_t column = db_int(&rows, 0), at = db_int(&rows, 1) - SERVICE_START_NS, i = at / SERVICE_STEP_NS;
    if (at <= 0 || at % SERVICE_STEP_NS != 0 || i > issued) snprintf(wrong, sizeof wrong, "%s has a row that nobody wrote", column_names[column]);
    else counts[i][column] = (uint8_t)db_int(&rows, 2);
  }
  return (st = db_end(&rows, st, &err)) != OK ? say("operations", &err) : wrong;
}

// The first column in which operation i is not what it is as a whole; COLUMN_NONE: it is whole.
static enum column differs(int i, int round_begin, const bool *there, int *ret_rows) {
  const struct operation_of_service *op = &service_ops[op_of(i)];
  int want[COLUMNS] = {0};
  for (size_t e = 0; e < sizeof op->effects / sizeof *op->effects && op->effects[e].column; e++) {
    const struct effect *effect = &op->effects[e];
    if (!effect->unless || !there[round_begin + effect->unless]) want[effect->column] = effect->rows;
  }
  for (int c = 1; c < COLUMNS; c++)
    if (counts[i][c] != want[c]) {
      *ret_rows = want[c];
      return (enum column)c;
    }
  return COLUMN_NONE;
}

static const char *judge_operations(int acked, int issued, const struct ledger *ledger, bool in_order) {
  static bool there[JOBS_MAX + OPS + 1];
  int gap = 0;
  for (int i = 1; i <= issued; i++) {
    there[i] = false;
    for (int c = 1; c < COLUMNS; c++) there[i] |= counts[i][c] > 0;
  }
  memset(there + issued + 1, 0, OPS);
  for (int i = 1; i <= issued; i++) {
    const struct operation_of_service *op = &service_ops[op_of(i)];
    const enum told told = ledger ? ledger->told[i] : op->refuses ? TOLD_REFUSED : i <= acked ? TOLD_DONE : TOLD_FAILED;
    int rows = 0;
    const enum column c = there[i] ? differs(i, (i - 1) / OPS * OPS, there, &rows) : COLUMN_NONE;
    if (told == TOLD_DONE && !there[i]) snprintf(wrong, sizeof wrong, "operation %d (%s) was told as done and is lost", i, op->name);
    else if (told != TOLD_DONE && told != TOLD_FAILED && there[i]) snprintf(wrong, sizeof wrong, "operation %d (%s) was refused or never begun and is there", i, op->name);
    else if (c) snprintf(wrong, sizeof wrong, "operation %d (%s) is there in part: %s has %d rows of it instead of %d", i, op->name, column_names[c], counts[i][c], rows);
    else if (in_order && gap && there[i]) snprintf(wrong, sizeof wrong, "operation %d (%s) is there, number %d before it is not", i, op->name, gap);
    if (wrong[0]) return wrong;
    if (!there[i] && !op->refuses) gap = i;
  }
  return wrong;
}

static const char *check_log_and_vault(struct db *db) {
  struct err err = {0};
  const struct keys *keys = identity_keys(service_identity());
  struct audit_report log;
  struct vault_report vault;
  if (audit_verify(db, keys->audit.pub, &log, &err) != OK) return say("audit", &err);
  if (!log.sound) snprintf(wrong, sizeof wrong, "audit: %s", log.fault);
  else if (vault_examine(keys, db, &vault, &err) != OK) return say("vault", &err);
  else if (vault.shut_tenants || vault.shut_fields || vault.shut_seeds) snprintf(wrong, sizeof wrong, "vault: %s", vault.first);
  return wrong;
}

const char *service_check(const char *path, int acked, int issued, const struct ledger *ledger, bool in_order) {
  struct db *db;
  struct err err = {0};
  wrong[0] = '\0';
  if (db_open(path, false, true, &db, &err) != OK) return say("open", &err);
  if (!rows_that_are_wrong(db, "PRAGMA integrity_check", "integrity:")[0] && !rows_that_are_wrong(db, "PRAGMA foreign_key_check", "a row that points nowhere, of")[0] &&
      !count_times(db, issued)[0] && !judge_operations(acked, issued, ledger, in_order)[0] && !check_never(db)[0])
    (void)check_log_and_vault(db);
  db_close(db);
  return wrong;
}

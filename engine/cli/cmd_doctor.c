// cli/cmd_doctor.c – `perigee doctor`: is the data directory sound, and do its keys open what is sealed.
#include "cli/commands.h"

#include "bot/halt_file.h"
#include "bot/record.h"
#include "cli/data_dir.h"
#include "cli/operator.h"
#include "loop/clock.h"
#include "store/backup.h"
#include "store/journal_rows.h"
#include "tenant/audit.h"
#include "tenant/sealed.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WHAT_MAX 1400

// What was found, as lines or as JSON.
struct findings {
  json_t *checks;  // NULL: lines
  bool sound;
};

static void show(void *arg, bool ok, const char *what) {
  struct findings *f = arg;
  f->sound = f->sound && ok;
  if (f->checks) json_array_append_new(f->checks, json_pack("{s:b, s:s}", "ok", ok, "what", what));
  else printf("%s  %s\n", ok ? "ok " : "BAD", what);
}

static void PRINTF(3, 4) showf(struct findings *f, bool ok, const char *fmt, ...) {
  char what[WHAT_MAX];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(what, sizeof what, fmt, ap);
  va_end(ap);
  show(f, ok, what);
}

// How to mend what was shown last.
static void PRINTF(2, 3) mend(struct findings *f, const char *fmt, ...) {
  char text[WHAT_MAX];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  if (f->checks) json_object_set_new(json_array_get(f->checks, json_array_size(f->checks) - 1), "mend", json_string(text));
  else printf("     %s\n", text);
}

static void mend_keys(struct findings *f, const char *dir) {
  mend(f, "Put back %s as it was when these files were written, also older master-N.key (`perigee restore FROM --keys FILE`). Until then a start is refused. "
          "Are they lost for good: `perigee keys abandon` lists what is lost with them, and gives it up.", dir);
}

static void check_vault(struct findings *f, const struct vault_report *report, const struct keys *keys, const char *dir, const struct err *no_keys) {
  const struct vault_report r = *report;
  if (r.shut_tenants + r.shut_fields + r.shut_seeds == 0) {
    showf(f, true, "vault: %" PRId64 " tenants' keys, %" PRId64 " secrets of accounts, %" PRId64 " second factors open", r.tenants, r.fields, r.seeds);
    return;
  }
  showf(f, false,
        "vault: of %" PRId64 " tenants' keys %" PRId64 " do not open, with %" PRId64 " of %" PRId64 " secrets of accounts (account_secrets.sealed) and %" PRId64 " of %" PRId64
        " second factors (totp.seed): %s",
        r.tenants, r.shut_tenants, r.shut_fields, r.fields, r.shut_seeds, r.seeds, keys ? r.first : no_keys->msg);
  mend_keys(f, dir);
}

// What hangs on site.key.
static void check_rest(struct findings *f, const struct sealed_report *r, const char *dir) {
  if (r->shut_mails + r->shut_answers == 0) {
    showf(f, true, "sealed: %" PRId64 " mails that wait, %" PRId64 " answers to Idempotency-Key open", r->mails, r->answers);
    return;
  }
  showf(f, false, "sealed: %" PRId64 " of %" PRId64 " mails that wait (outbox.body) and %" PRId64 " of %" PRId64 " answers to Idempotency-Key do not open: site.key is missing or another",
        r->shut_mails, r->mails, r->shut_answers, r->answers);
  mend_keys(f, dir);
}

static void check_opens(struct findings *f, struct db *db, const struct keys *keys, const char *dir, const struct err *no_keys) {
  struct sealed_report r;
  struct err err = {0};
  if (sealed_examine(keys, db, clock_wall_ns(), NULL, NULL, &r, &err) != OK) {
    showf(f, false, "sealed: %s", err.msg);
    return;
  }
  check_vault(f, &r.vault, keys, dir, no_keys);
  check_rest(f, &r, dir);
}

// Without the key the chains can be followed, but not who signed them.
static void check_audit(struct findings *f, struct db *db, const struct keys *keys) {
  struct audit_report r = {0};
  struct err err = {0};
  if (audit_verify(db, keys ? keys->audit.pub : NULL, &r, &err) == OK && r.sound) {
    showf(f, true, "audit: %" PRId64 " rows in %" PRId64 " chains, %" PRId64 " signatures%s", r.rows, r.chains, r.signatures, keys ? "" : " that nobody can check without the keys");
    return;
  }
  showf(f, false, "audit: %s", r.fault[0] ? r.fault : err.msg);
  if (r.fault[0]) mend(f, "Rows were changed outside of perigee, or keys/audit.key is another. Compare with a backup before you restore one.");
}

// A directory of files that a backup made has no keys, and needs none to be sound.
static bool is_backup(const char *dir) {
  char path[CLI_DATA_DIR_MAX + 16];
  snprintf(path, sizeof path, "%s/MANIFEST", dir);
  return access(path, F_OK) == 0;
}

static void check_sealed(struct findings *f, const char *dir) {
  char path[CLI_DATA_DIR_MAX + 8];
  snprintf(path, sizeof path, "%s/keys", dir);
  struct keys_source source = {.dir = path, .credentials = getenv("CREDENTIALS_DIRECTORY"), .master_hex = getenv("PERIGEE_MASTER_KEY"), .issuer = "perigee", .audience = "perigee"};
  struct keys *keys = NULL;
  struct db *db;
  struct err err = {0}, why = {0};
  const bool opened = keys_open(&source, clock_wall_ns(), &keys, &why) == OK;
  if (!is_backup(dir)) showf(f, opened, "%s%.1300s", opened ? "keys: " : "", opened ? path : why.msg);
  if (store_peek(dir, &db, &err) != OK) {
    show(f, false, err.msg);
  } else {
    if (opened || !is_backup(dir)) check_opens(f, db, keys, path, &why);
    check_audit(f, db, keys);
    store_peek_end(db);
  }
  keys_close(keys);
}

// ---- the journal: what runs are made of, and whether every record can be read

struct journal_look {
  struct findings *findings;
  int64_t records, bad, first_bad;
  bool sound;
  struct err why;  // of the first
};
static void on_fault(void *arg, const char *fault) {
  struct journal_look *l = arg;
  l->sound = false;
  showf(l->findings, false, "journal: %s", fault);
}
static bool on_record(void *arg, const struct journal_record *row) {
  struct journal_look *l = arg;
  struct record r;
  struct err err;
  l->records++;
  if (record_read(row->kind, row->time_ns, row->body, row->len, &r, &err) == OK) return true;
  if (l->bad++ == 0) l->first_bad = row->id, l->why = err;
  return true;
}

static void check_journal(struct findings *f, const char *dir) {
  struct journal_look l = {.findings = f, .sound = true};
  struct db *db;
  struct err err = {0};
  enum status st = store_peek_journal(dir, &db, &err);
  if (st != OK) {
    show(f, false, err.msg);
    return;
  }
  int64_t made = 0;
  st = journal_made(db, &made, &err);
  if (st == OK && made) st = journal_check(db, on_fault, &l, &err);
  if (st == OK && made) st = journal_scan(db, 0, 0, on_record, &l, &err);
  store_peek_end(db);
  if (st != OK) showf(f, false, "journal: %s", err.msg);
  else if (l.bad) showf(f, false, "journal: %" PRId64 " records cannot be read, the first is %" PRId64 ": %s", l.bad, l.first_bad, l.why.msg);
  else if (l.sound) showf(f, true, "journal: %" PRId64 " records, each of its run and readable", l.records);
  if (st == OK && (l.bad || !l.sound)) mend(f, "A bot whose history is damaged is not started. Restore a backup, or stop the bot and start it anew.");
}

static void check_halts(struct findings *f, const char *dir) {
  struct halt_state *s = malloc(sizeof *s);
  struct err err = {0};
  const enum status st = s ? halt_file_read(dir, s, &err) : err_set(&err, ERR_NOMEM, "out of memory");
  if (st == OK) showf(f, true, "halt: %s%u scopes are halted", s->all.mode != HALT_NONE ? "everything, and " : "", s->count);
  else if (st != ERR_NOTFOUND) showf(f, false, "%s", err.msg);
  if (st == ERR_INVALID) mend(f, "Look at what the bots did, then `perigee resume`.");
  free(s);
}

static int run_doctor(const struct cli_args *a) {
  char dir[CLI_DATA_DIR_MAX];
  struct err err;
  if (a->positional_count) return cli_usage(a, "%s: too much", a->positional[0]);
  if (!cli_data_dir(a, dir)) return 2;
  struct findings f = {.checks = cli_has(a, "--json") ? json_array() : NULL, .sound = true};
  enum status st = store_examine(dir, show, &f, &err);
  if (st == OK) check_sealed(&f, dir);  // what stands in broken files proves nothing
  if (st == OK) check_journal(&f, dir);
  if (st == OK) check_halts(&f, dir);
  else if (f.sound) show(&f, false, err.msg);
  if (!f.sound) cli_error("%s", st == OK ? "not sound" : err.msg);
  const int code = f.checks ? operator_result(a, json_pack("{s:s, s:b, s:o}", "data_dir", dir, "sound", f.sound, "checks", f.checks)) : 0;
  return f.sound ? code : 1;
}

static const struct cli_option options[] = {CLI_DATA_DIR_OPTION, OPERATOR_JSON_OPTION, {NULL}};
const struct cli_command cmd_doctor = {
    "doctor", "[--data-dir DIR]", "look whether the data directory is sound",
    "Integrity, foreign keys and schema of every file; whether the keys open every secret, mail and answer; whether every row of the audit log is as\n"
    "it was written, and every record of the journal of its run and readable. A server may be running. Also looks at a backup (--data-dir TO), whose keys are elsewhere.", options, run_doctor,
    "perigee restore FROM                          when something is not sound\n"
    "perigee backup DIR                            when all is"};

// cli/cmd_backup.c – `perigee backup`, `perigee restore` and `perigee doctor`: copies of a data directory, and whether it is sound.
#include "cli/commands.h"

#include "cli/data_dir.h"
#include "loop/clock.h"
#include "store/backup.h"
#include "tenant/audit.h"
#include "tenant/vault.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEYS_DIR_MAX (CLI_DATA_DIR_MAX + 8)

static const char *keys_dir(const char *dir, char ret[KEYS_DIR_MAX]) {
  snprintf(ret, KEYS_DIR_MAX, "%s/keys", dir);
  return ret;
}
static bool keys_elsewhere(void) { return getenv("CREDENTIALS_DIRECTORY") || getenv("PERIGEE_MASTER_KEY"); }

// ---- backup and restore

static int run_backup(const struct cli_args *a) {
  umask(077);  // password hashes and personal data: nobody else reads a copy of them either
  char dir[CLI_DATA_DIR_MAX], keys[KEYS_DIR_MAX];
  struct err err;
  int64_t bytes = 0;
  const char *saved = cli_value(a, "--keys", NULL);
  if (a->positional_count != 1) return cli_usage(a, "where to? give the name of a directory to make");
  if (!cli_data_dir(a, dir)) return 2;
  if (store_backup(dir, a->positional[0], &bytes, &err) != OK) return cli_error("%s", err.msg), 1;
  printf("%s: %" PRId64 " bytes, verified\n", a->positional[0], bytes);
  if (saved && keys_save(keys_dir(dir, keys), saved, &err) != OK) return cli_error("the copy is made, the keys are not: %s", err.msg), 1;
  if (saved) printf("%s: the keys; whoever has both reads every secret, so keep them apart\n", saved);
  else printf("without the keys of %s, which its secrets need: keep those elsewhere (--keys FILE copies them)\n", keys_dir(dir, keys));
  return 0;
}

static int run_restore(const struct cli_args *a) {
  char dir[CLI_DATA_DIR_MAX], keys[KEYS_DIR_MAX], control[CLI_DATA_DIR_MAX + 16];
  struct err err;
  const char *saved = cli_value(a, "--keys", NULL);
  if (a->positional_count != 1) return cli_usage(a, "which backup?");
  if (cli_has(a, "--verify")) {
    if (store_backup_verify(a->positional[0], &err) != OK) return cli_error("%s", err.msg), 1;
    printf("%s: sound\n", a->positional[0]);
    return 0;
  }
  if (!cli_data_dir(a, dir)) return 2;
  snprintf(control, sizeof control, "%s/control.db", dir);
  const bool replaced = access(control, F_OK) == 0;
  if (store_restore(a->positional[0], dir, &err) != OK) return cli_error("%s", err.msg), 1;
  printf("%s: restored%s\n", dir, replaced ? "; what was there is kept as *.db.before-restore" : "");
  if (saved && keys_take_back(saved, keys_dir(dir, keys), &err) != OK) return cli_error("the data is restored, the keys are not: %s", err.msg), 1;
  if (saved) printf("%s: the keys are back\n", keys_dir(dir, keys));
  else if (access(keys_dir(dir, keys), F_OK) != 0 && !keys_elsewhere())
    printf("A backup has no keys: before the first start put back %s of the time of the backup (or --keys FILE); without them a\n"
           "start is refused, as no account's secrets and no second factor could be opened.\n", keys);
  else printf("Its secrets open only with the keys of the time of the backup: `perigee doctor` tells whether %s has them.\n", keys_dir(dir, keys));
  return 0;
}

// ---- doctor

static void show(void *arg, bool ok, const char *what) {
  (void)arg;
  printf("%s  %s\n", ok ? "ok " : "BAD", what);
}

static bool check_vault(struct db *db, const struct keys *keys, const char *dir, const struct err *no_keys) {
  char what[1400];
  struct vault_report r;
  struct err err = {0};
  if (vault_examine(keys, db, &r, &err) != OK) {
    snprintf(what, sizeof what, "vault: %s", err.msg);
    show(NULL, false, what);
    return false;
  }
  const bool open = r.shut_tenants + r.shut_fields + r.shut_seeds == 0;
  if (open)
    snprintf(what, sizeof what, "vault: %" PRId64 " tenants' keys, %" PRId64 " secrets of accounts, %" PRId64 " second factors open", r.tenants, r.fields, r.seeds);
  else
    snprintf(what, sizeof what,
             "vault: of %" PRId64 " tenants' keys %" PRId64 " do not open, with %" PRId64 " of %" PRId64 " secrets of accounts (account_secrets.sealed) and %" PRId64 " of %" PRId64
             " second factors (totp.seed): %s",
             r.tenants, r.shut_tenants, r.shut_fields, r.fields, r.shut_seeds, r.seeds, keys ? r.first : no_keys->msg);
  show(NULL, open, what);
  if (!open)
    printf("     Put back %s as it was when these files were written, also older master-N.key. Are the keys lost, so are\n"
           "     these secrets, and a start is refused: then only a backup whose keys are there helps.\n", dir);
  return open;
}

// Without the key the chains can be followed, but not who signed them.
static bool check_audit(struct db *db, const struct keys *keys) {
  char what[1400];
  struct audit_report r = {0};
  struct err err = {0};
  const bool sound = audit_verify(db, keys ? keys->audit.pub : NULL, &r, &err) == OK && r.sound;
  if (sound)
    snprintf(what, sizeof what, "audit: %" PRId64 " rows in %" PRId64 " chains, %" PRId64 " signatures%s", r.rows, r.chains, r.signatures,
             keys ? "" : " that nobody can check without the keys");
  else
    snprintf(what, sizeof what, "audit: %s", r.fault[0] ? r.fault : err.msg);
  show(NULL, sound, what);
  if (!sound && r.fault[0]) printf("     Rows were changed outside of perigee, or keys/audit.key is another. Compare with a backup before you restore one.\n");
  return sound;
}

// A directory of files that a backup made has no keys, and needs none to be sound.
static bool is_backup(const char *dir) {
  char path[CLI_DATA_DIR_MAX + 16];
  snprintf(path, sizeof path, "%s/MANIFEST", dir);
  return access(path, F_OK) == 0;
}

static bool check_sealed(const char *dir) {
  char path[KEYS_DIR_MAX], what[1400];
  struct keys_source source = {.dir = keys_dir(dir, path), .credentials = getenv("CREDENTIALS_DIRECTORY"), .master_hex = getenv("PERIGEE_MASTER_KEY"),
                               .issuer = "perigee", .audience = "perigee"};
  struct keys *keys = NULL;
  struct db *db;
  struct err err = {0}, why = {0};
  const bool opened = keys_open(&source, clock_wall_ns(), &keys, &why) == OK;
  if (!is_backup(dir)) {
    snprintf(what, sizeof what, "%s%.1300s", opened ? "keys: " : "", opened ? path : why.msg);
    show(NULL, opened, what);
  }
  bool sound = opened || is_backup(dir);
  if (store_peek(dir, &db, &err) != OK) {
    show(NULL, false, err.msg);
    sound = false;
  } else {
    if (opened || !is_backup(dir)) sound &= check_vault(db, keys, path, &why);
    sound &= check_audit(db, keys);
    store_peek_end(db);
  }
  keys_close(keys);
  return sound;
}

static int run_doctor(const struct cli_args *a) {
  char dir[CLI_DATA_DIR_MAX];
  struct err err;
  if (a->positional_count) return cli_usage(a, "%s: too much", a->positional[0]);
  if (!cli_data_dir(a, dir)) return 2;
  if (store_examine(dir, show, NULL, &err) != OK) return cli_error("%s", err.msg), 1;  // what stands in broken files proves nothing
  if (!check_sealed(dir)) return cli_error("%s: not sound", dir), 1;
  return 0;
}

static const struct cli_option backup_options[] = {{"--keys", "FILE", "also copy the keys into FILE (0600), to be kept apart"}, CLI_DATA_DIR_OPTION, {NULL}};
static const struct cli_option restore_options[] = {
    {"--verify", NULL, "only look whether the backup is sound"}, {"--keys", "FILE", "also put back keys that `backup --keys FILE` copied"}, CLI_DATA_DIR_OPTION, {NULL}};
static const struct cli_option doctor_options[] = {CLI_DATA_DIR_OPTION, {NULL}};

const struct cli_command cmd_backup = {
    "backup", "TO", "copy the data directory, also while a server runs",
    "Makes the directory TO with control.db, journal.db, market.db and a MANIFEST of their SHA-256, each as it was at one moment,\n"
    "and verifies it. Secrets in it are sealed; the keys are not part of it: keep them elsewhere.",
    backup_options, run_backup,
    "perigee restore --verify TO                   is the copy sound\n"
    "perigee backup TO --keys FILE                 the keys, to be kept in another place than TO"};
const struct cli_command cmd_restore = {
    "restore", "FROM", "put a backup in the place of the data directory's files",
    "Verifies FROM first. No server may run. The files that were there are kept as *.db.before-restore. A backup has no keys: a new\n"
    "machine needs those of the old one in DATA_DIR/keys.", restore_options, run_restore,
    "perigee doctor\n"
    "perigee serve"};
const struct cli_command cmd_doctor = {
    "doctor", "[--data-dir DIR]", "look whether the data directory is sound",
    "Integrity, foreign keys and schema of every file; whether the keys open every secret; whether every row of the audit log is as\n"
    "it was written. A server may be running. Also looks at a backup (--data-dir TO), whose keys are elsewhere.", doctor_options, run_doctor,
    "perigee restore FROM                          when something is not sound"};

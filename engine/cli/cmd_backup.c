// cli/cmd_backup.c – `perigee backup`, `perigee restore` and `perigee doctor`: copies of a data directory, and whether it is sound.
#include "cli/commands.h"

#include "cli/data_dir.h"
#include "store/backup.h"

#include <inttypes.h>
#include <stdio.h>

static int run_backup(const struct cli_args *a) {
  char dir[CLI_DATA_DIR_MAX];
  struct err err;
  int64_t bytes = 0;
  if (a->positional_count != 1) return cli_usage(a, "where to? give the name of a directory to make");
  if (!cli_data_dir(a, dir)) return 2;
  if (store_backup(dir, a->positional[0], &bytes, &err) != OK) return cli_error("%s", err.msg), 1;
  printf("%s: %" PRId64 " bytes, verified\n", a->positional[0], bytes);
  return 0;
}

static int run_restore(const struct cli_args *a) {
  char dir[CLI_DATA_DIR_MAX];
  struct err err;
  if (a->positional_count != 1) return cli_usage(a, "which backup?");
  if (cli_has(a, "--verify")) {
    if (store_backup_verify(a->positional[0], &err) != OK) return cli_error("%s", err.msg), 1;
    printf("%s: sound\n", a->positional[0]);
    return 0;
  }
  if (!cli_data_dir(a, dir)) return 2;
  if (store_restore(a->positional[0], dir, &err) != OK) return cli_error("%s", err.msg), 1;
  printf("%s: restored; what was there is kept as *.db.before-restore\n", dir);
  return 0;
}

static void show(void *arg, bool ok, const char *what) {
  (void)arg;
  printf("%s  %s\n", ok ? "ok " : "BAD", what);
}
static int run_doctor(const struct cli_args *a) {
  char dir[CLI_DATA_DIR_MAX];
  struct err err;
  if (a->positional_count) return cli_usage(a, "%s: too much", a->positional[0]);
  if (!cli_data_dir(a, dir)) return 2;
  if (store_examine(dir, show, NULL, &err) != OK) return cli_error("%s", err.msg), 1;
  return 0;
}

static const struct cli_option backup_options[] = {CLI_DATA_DIR_OPTION, {NULL}};
static const struct cli_option restore_options[] = {{"--verify", NULL, "only look whether the backup is sound"}, CLI_DATA_DIR_OPTION, {NULL}};

const struct cli_command cmd_backup = {
    "backup", "TO", "copy the data directory, also while a server runs",
    "Makes the directory TO with control.db, journal.db, market.db and a MANIFEST of their SHA-256, each as it was at one moment,\n"
    "and verifies it. Secrets in it are sealed; the master key is not part of it: keep that elsewhere.",
    backup_options, run_backup,
    "perigee restore --verify TO                   is the copy sound\n"
    "cp -a DATA_DIR/keys …                         the keys, to another place"};
const struct cli_command cmd_restore = {
    "restore", "FROM", "put a backup in the place of the data directory's files",
    "Verifies FROM first. No server may run. The files that were there are kept as *.db.before-restore.", restore_options, run_restore,
    "perigee doctor\n"
    "perigee serve"};
const struct cli_command cmd_doctor = {
    "doctor", "[--data-dir DIR]", "look whether the data directory is sound",
    "Integrity, foreign keys and schema of every file. A server may be running.", backup_options, run_doctor,
    "perigee keys audit                            every row of the audit log, while no server runs\n"
    "perigee restore FROM                          when something is not sound"};

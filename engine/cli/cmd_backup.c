// cli/cmd_backup.c – `perigee backup` and `perigee restore`: copies of a data directory.
#include "cli/commands.h"

#include "cli/data_dir.h"
#include "cli/operator.h"
#include "store/backup.h"
#include "tenant/keys.h"

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
  const bool told = cli_has(a, "--json");
  if (!told) printf("%s: %" PRId64 " bytes, verified\n", a->positional[0], bytes);
  if (saved && keys_save(keys_dir(dir, keys), saved, &err) != OK) return cli_error("the copy is made, the keys are not: %s", err.msg), 1;
  if (told) return operator_result(a, json_pack("{s:s, s:I, s:b, s:s?}", "backup", a->positional[0], "bytes", (json_int_t)bytes, "verified", 1, "keys", saved));
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
    if (cli_has(a, "--json")) return operator_result(a, json_pack("{s:s, s:b}", "backup", a->positional[0], "sound", 1));
    printf("%s: sound\n", a->positional[0]);
    return 0;
  }
  if (!cli_data_dir(a, dir)) return 2;
  snprintf(control, sizeof control, "%s/control.db", dir);
  const bool replaced = access(control, F_OK) == 0;
  if (store_restore(a->positional[0], dir, &err) != OK) return cli_error("%s", err.msg), 1;
  const bool told = cli_has(a, "--json");
  if (!told) printf("%s: restored%s\n", dir, replaced ? "; what was there is kept as *.db.before-restore" : "");
  if (saved && keys_take_back(saved, keys_dir(dir, keys), &err) != OK) return cli_error("the data is restored, the keys are not: %s", err.msg), 1;
  if (told) return operator_result(a, json_pack("{s:s, s:b, s:b, s:b}", "data_dir", dir, "replaced", replaced, "keys_restored", saved != NULL, "keys_there",
                                                access(keys_dir(dir, keys), F_OK) == 0 || keys_elsewhere()));
  if (saved) printf("%s: the keys are back\n", keys_dir(dir, keys));
  else if (access(keys_dir(dir, keys), F_OK) != 0 && !keys_elsewhere())
    printf("A backup has no keys: before the first start put back %s of the time of the backup (or --keys FILE); without them a\n"
           "start is refused, as no account's secrets and no second factor could be opened.\n", keys);
  else printf("Its secrets open only with the keys of the time of the backup: `perigee doctor` tells whether %s has them.\n", keys_dir(dir, keys));
  return 0;
}

static const struct cli_option backup_options[] = {{"--keys", "FILE", "also copy the keys into FILE (0600), to be kept apart"}, CLI_DATA_DIR_OPTION, OPERATOR_JSON_OPTION, {NULL}};
static const struct cli_option restore_options[] = {
    {"--verify", NULL, "only look whether the backup is sound"}, {"--keys", "FILE", "also put back keys that `backup --keys FILE` copied"}, CLI_DATA_DIR_OPTION, OPERATOR_JSON_OPTION, {NULL}};

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

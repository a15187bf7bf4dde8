// cli/cmd_keys.c – `perigee keys`: new keys for old, and whether the audit log is as it was written. What touches the database is
// offline: it takes the data directory's lock, so that no server works with a master key it has not read. A new key for tokens is a
// file, which a running server reads on SIGHUP; until then it signs with the former one.
#include "cli/commands.h"

#include "cli/data_dir.h"
#include "cli/operator.h"
#include "loop/clock.h"
#include "store/store.h"
#include "tenant/audit.h"
#include "tenant/vault.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BATCH 500

static const struct cli_option keys_options[] = {
    CLI_DATA_DIR_OPTION,
    {"--yes", NULL, "abandon: do it, instead of only listing what would be lost"},
    {"--drop-factors", NULL, "abandon: people whose second factor is lost sign in without one; else with a recovery code"},
    OPERATOR_JSON_OPTION,
    {NULL, NULL, NULL}};
enum { ROTATE_MASTER, ROTATE_TOKENS, AUDIT, ABANDON };
static const struct operator_action actions[] = {{"rotate-master", "", 1}, {"rotate-tokens", "", 1}, {"audit", "", 1}, {"abandon", "", 1}, {NULL, NULL, 0}};

struct rewrap {
  const struct keys *keys;
  int64_t after;
  int count;
  bool done;
};

static enum status do_rewrap(struct db *db, void *arg, struct err *err) {
  struct rewrap *r = arg;
  return vault_rewrap(r->keys, db, &r->after, BATCH, &r->count, &r->done, err);
}

static enum status open_keys(const char *dir, struct keys **ret, struct err *err) {
  struct keys_source source = {.dir = dir, .credentials = getenv("CREDENTIALS_DIRECTORY"), .master_hex = getenv("PERIGEE_MASTER_KEY"),
                               .issuer = "perigee", .audience = "perigee", .create = false};
  return keys_open(&source, clock_wall_ns(), ret, err);
}

static enum status rotate_master(struct store *store, const char *dir, json_t *told, struct err *err) {
  struct keys *keys;
  int64_t version, total = 0;
  if (getenv("PERIGEE_MASTER_KEY")) return err_set(err, ERR_INVALID, "the master key comes from $PERIGEE_MASTER_KEY, not from a file");
  enum status st = keys_rotate_master(dir, &version, err);
  if (st != OK) return st;
  st = open_keys(dir, &keys, err);
  if (st != OK) return st;
  if (keys_master_current(keys) != version) st = err_set(err, ERR_INVALID, "keys are read from $CREDENTIALS_DIRECTORY: put the new file of %s there and try again", dir);
  struct rewrap r = {.keys = keys};
  while (st == OK && !r.done) {
    st = store_write_sync(store, STORE_CONTROL, do_rewrap, &r, err);
    total += r.count;
  }
  keys_close(keys);
  if (st == OK && told) json_object_update_new(told, json_pack("{s:I, s:I}", "master_key", (json_int_t)version, "tenants", (json_int_t)total));
  else if (st == OK)
    printf("master key %" PRId64 " wraps the keys of %" PRId64 " tenants now. Older ones open only older backups: keep them with those, away from %s.\n", version, total, dir);
  return st;
}

static enum status verify_audit(struct store *store, const char *dir, json_t *told, struct err *err) {
  struct keys *keys;
  struct audit_report report;
  enum status st = open_keys(dir, &keys, err);
  if (st != OK) return st;
  st = audit_verify(store_reader(store, STORE_CONTROL), keys->audit.pub, &report, err);
  keys_close(keys);
  if (st == OK && !report.sound) st = err_set(err, ERR_INVALID, "the audit log was tampered with: %s", report.fault);
  if (st == OK && told)
    json_object_update_new(told, json_pack("{s:b, s:I, s:I, s:I}", "sound", 1, "rows", (json_int_t)report.rows, "chains", (json_int_t)report.chains, "signatures",
                                           (json_int_t)report.signatures));
  else if (st == OK) printf("audit log: sound; %" PRId64 " rows in %" PRId64 " chains, %" PRId64 " signatures\n", report.rows, report.chains, report.signatures);
  return st;
}

static int run(const struct cli_args *args) {
  char data_dir[CLI_DATA_DIR_MAX], dir[CLI_DATA_DIR_MAX + 8];
  struct err err = {0};
  struct stat info;
  struct store *store = NULL;
  const int action = operator_action_find(args, actions);
  if (action < 0 || !cli_data_dir(args, data_dir)) return 2;
  snprintf(dir, sizeof dir, "%s/keys", data_dir);
  if (action == ABANDON) return cmd_keys_abandon(args, data_dir, dir);
  if (stat(dir, &info)) {
    cli_error("%s: no keys; `perigee serve` makes them at its first start", dir);
    return 1;
  }
  const struct store_options options = {NULL};
  json_t *told = cli_has(args, "--json") ? json_pack("{s:s}", "action", args->positional[0]) : NULL;
  enum status st = action == ROTATE_TOKENS ? keys_rotate_token(dir, clock_wall_ns(), &err) : store_open(data_dir, &options, &store, &err);
  if (st == OK && store) {
    st = action == ROTATE_MASTER ? rotate_master(store, dir, told, &err) : verify_audit(store, dir, told, &err);
    store_close(store);
  }
  if (st == OK && told) return operator_result(args, told);
  json_decref(told);
  if (st == OK && action == ROTATE_TOKENS) printf("a new key signs access tokens from the next start or SIGHUP on; sessions go on.\n");
  if (st != OK) cli_error("%s", err.msg);
  return st == OK ? 0 : 1;
}

const struct cli_command cmd_keys = {
    "keys", "rotate-master | rotate-tokens | audit | abandon [--yes] [--data-dir DIR]", "rotate keys, verify the audit log, give lost keys up",
    "rotate-master (while no server runs) makes a new master key and wraps every tenant's key with it; the sealed secrets themselves stay as they are.\n"
    "rotate-tokens makes a new key for access tokens; the two before it still verify. A running server takes it on SIGHUP.\n"
    "audit (while no server runs) checks that every row of the audit log is as it was written, and its signatures.\n"
    "abandon lists what cannot be opened any more because keys are lost, and with --yes (while no server runs) gives that up for good.",
    keys_options, run,
    "perigee doctor\n"
    "perigee backup DIR                            and keep the new master key elsewhere"};

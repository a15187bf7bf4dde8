// cli/cmd_keys_abandon.c – `perigee keys abandon`: when keys are lost for good. It lists what they alone could open, and with --yes gives
// that up, so that the service starts again with new ones. A copy of the files comes first, should the keys turn up after all.
#include "cli/commands.h"

#include "cli/data_dir.h"
#include "cli/operator.h"
#include "loop/clock.h"
#include "store/backup.h"
#include "store/id.h"
#include "store/store.h"
#include "store/user_rows.h"
#include "tenant/sealed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct listing {
  struct db *db;
  json_t *missing, *lost;  // paths of keys; what does not open
  bool words;
};

static void add_missing(void *arg, const char *path) {
  struct listing *l = arg;
  json_array_append_new(l->missing, json_string(path));
  if (l->words) printf("missing: %s\n", path);
}

static void add_lost(void *arg, const struct sealed_item *item) {
  static const char *const kinds[SEALED_KINDS] = {"tenant_key", "secret", "second_factor", "channel", "mail", "answer", "audit_signatures"};
  static const char *const words[SEALED_KINDS] = {"the key of", "a secret of account", "the second factor of", "the address of channel", "a mail to", "an answer that could be asked for again", "the audit log's signatures"};
  static const char *const prefixes[SEALED_KINDS] = {"org", "acc", "usr", "chn", "eml", NULL, NULL};
  struct listing *l = arg;
  char id[ID_TEXT_SIZE] = "";
  struct user_row user = {.id = 0};
  struct err err;
  const char *name = item->name;
  if (prefixes[item->kind]) id_format(prefixes[item->kind], item->kind == SEALED_TENANT_KEY ? item->tenant_id : item->id, id);
  if (item->kind == SEALED_SEED && user_get(l->db, item->id, &user, &err) == OK) name = user.email;
  json_t *o = json_pack("{s:s}", "kind", kinds[item->kind]);
  if (id[0]) json_object_set_new(o, "id", json_string(id));
  if (name[0]) json_object_set_new(o, item->kind == SEALED_FIELD ? "field" : item->kind == SEALED_CHANNEL ? "name" : "address", json_string(name));
  json_array_append_new(l->lost, o);
  if (l->words) printf("lost: %s%s%s%s%s\n", words[item->kind], id[0] ? " " : "", id, name[0] ? ", " : "", name);
}

static struct keys_source source_of(const char *keys_dir) {
  return (struct keys_source){.dir = keys_dir, .credentials = getenv("CREDENTIALS_DIRECTORY"), .master_hex = getenv("PERIGEE_MASTER_KEY"), .issuer = "perigee", .audience = "perigee"};
}

// What is lost with the keys that are there now; nothing is changed.
static enum status look(struct listing *l, const char *data_dir, const char *keys_dir, struct err *err) {
  struct keys_source source = source_of(keys_dir);
  struct sealed_report report;
  struct keys *keys = NULL;
  source.missing = add_missing;
  source.missing_arg = l;
  enum status st = keys_open(&source, clock_wall_ns(), &keys, err);
  if (st == OK) st = store_peek(data_dir, &l->db, err);
  if (st == OK) {
    st = sealed_examine(keys, l->db, clock_wall_ns(), add_lost, l, &report, err);
    store_peek_end(l->db);
  }
  keys_close(keys);
  return st;
}

struct abandoning {
  const struct keys *keys;
  bool drop_factors;
  struct sealed_report report;
};

static enum status do_abandon(struct db *db, void *arg, struct err *err) {
  struct abandoning *a = arg;
  return sealed_abandon(a->keys, db, clock_wall_ns(), a->drop_factors, &a->report, err);
}

static enum status abandon(const char *data_dir, const char *keys_dir, bool drop_factors, char copy[CLI_DATA_DIR_MAX + 64], struct err *err) {
  struct keys_source source = source_of(keys_dir);
  struct abandoning a = {.drop_factors = drop_factors};
  const struct store_options options = {NULL};
  struct store *store = NULL;
  struct keys *keys = NULL;
  const mode_t old = umask(077);
  snprintf(copy, CLI_DATA_DIR_MAX + 64, "%s/before-abandon-%" PRId64, data_dir, clock_wall_ns() / INT64_C(1000000000));
  enum status st = store_open(data_dir, &options, &store, err);  // takes the lock: no server runs
  if (st == OK) st = store_backup(data_dir, copy, NULL, err);
  source.create = true;
  if (st == OK) st = keys_open(&source, clock_wall_ns(), &keys, err);
  a.keys = keys;
  if (st == OK) st = store_write_sync(store, STORE_CONTROL, do_abandon, &a, err);
  store_close(store);
  keys_close(keys);
  umask(old);
  return st;
}

int cmd_keys_abandon(const struct cli_args *args, const char *data_dir, const char *keys_dir) {
  char copy[CLI_DATA_DIR_MAX + 64] = "";
  struct err err = {0};
  const bool told = cli_has(args, "--json"), yes = cli_has(args, "--yes");
  struct listing l = {.missing = json_array(), .lost = json_array(), .words = !told};
  enum status st = look(&l, data_dir, keys_dir, &err);
  const bool nothing = json_array_size(l.missing) == 0 && json_array_size(l.lost) == 0;
  if (st == OK && yes && !nothing) st = abandon(data_dir, keys_dir, cli_has(args, "--drop-factors"), copy, &err);
  if (st != OK) {
    json_decref(l.missing);
    json_decref(l.lost);
    return cli_error("%s", err.msg), 1;
  }
  if (told)
    return operator_result(args, json_pack("{s:s, s:b, s:o, s:o, s:s*}", "action", "abandon", "abandoned", yes && !nothing, "missing", l.missing, "lost", l.lost, "copy", copy[0] ? copy : NULL));
  const size_t lost = json_array_size(l.lost);
  json_decref(l.missing);
  json_decref(l.lost);
  if (nothing) printf("The keys are there and open everything: there is nothing to abandon.\n");
  else if (!yes)
    printf("Nothing was changed. %zu things do not open with the keys at hand. Look for the keys first: `perigee restore FROM --keys FILE` or the\n"
           "directory %s of then opens them again. Are they lost for good: perigee keys abandon --yes\n", lost, keys_dir);
  else
    printf("Given up: %zu things. The keys in %s are the database's from now on; keep a copy of them elsewhere.\n"
           "%s holds the files as they were, should the old keys turn up.\n"
           "Customers enter the credentials of their venues anew. %s\n", lost, keys_dir, copy,
           cli_has(args, "--drop-factors") ? "Second factors that were lost are gone: a password alone is enough until they make new ones."
                                           : "Second factors that were lost are still asked for: recovery codes pass, and then a new one can be made.");
  return 0;
}

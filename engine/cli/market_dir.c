#include "cli/market_dir.h"

#include "base/json.h"
#include "cli/api_client.h"
#include "cli/data_dir.h"
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool is_served(const char *dir) {
  struct api_client *client;
  struct err err;
  if (api_client_open(dir, &client, &err) != OK) return false;
  json_t *answer = NULL;
  bool served = api_client_call(client, "GET", "/admin/system", NULL, &answer, &err) == OK;
  json_decref(answer);
  api_client_close(client);
  return served;
}

enum status markets_open(const char *dir, bool write, struct markets *ret, struct err *err) {
  *ret = (struct markets){0};
  if (!write) return market_db_open(dir, &ret->db, err);
  enum status st = store_open(dir, &(struct store_options){NULL}, &ret->store, err);
  if (st != ERR_EXISTS) return st;
  // Somebody has the lock: a server, or a command that may be replacing the very file.
  if (!is_served(dir)) return err_wrap(err, st, "no server answers on %s/perigee.sock, so wait for the command that works there", dir);
  return market_db_open_writer(dir, &ret->db, err);
}

void markets_close(struct markets *m) {
  store_close(m->store);
  market_db_close(m->db);
}

struct import_call {
  const struct market_import *in;
  struct market_import_report *report;
};
static enum status run_call(struct db *db, void *arg, struct err *err) {
  struct import_call *c = arg;
  return market_import(db, c->in, c->report, err);
}

enum status markets_import(const struct markets *m, const struct market_import *in, struct market_import_report *ret, struct err *err) {
  struct import_call c = {in, ret};
  return m->store ? store_write_sync(m->store, STORE_MARKET, run_call, &c, err) : market_db_import(m->db, in, ret, err);
}

struct db *markets_reader(const struct markets *m) {
  return m->store ? store_reader(m->store, STORE_MARKET) : m->db;
}

bool cli_make_dirs(const char *dir) {
  char path[CLI_DATA_DIR_MAX];
  snprintf(path, sizeof path, "%s", dir);
  for (char *p = path + 1;; p++) {
    if (*p && *p != '/') continue;
    char kept = *p;
    *p = '\0';
    if (mkdir(path, 0700) != 0 && errno != EEXIST) return cli_error("%s: %s", path, strerror(errno)), false;
    if (!kept) return true;
    *p = kept;
  }
}

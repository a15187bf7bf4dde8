#include "api/services.h"

#include "api/signal_desk.h"

#include "api/server.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "loop/watchdog.h"
#include "store/id.h"
#include "store/org_rows.h"
#include "store/ea_rows.h"
#include "store/hook_rows.h"
#include "store/store.h"
#include "store/vault_rows.h"
#include "tenant/audit.h"
#include "tenant/identity.h"
#include "tenant/registry.h"
#include "tenant/usage.h"

#include <stdio.h>
#include <stdlib.h>

#define FLUSH_MS 5000
#define HOURLY_MS 3600000

struct services {
  struct api_core *core;
  struct watchdog *watchdog;
  struct loop_timer *flush, *hourly, *log;
};

static enum status start_identity(struct db *db, void *arg, struct err *err) { return identity_start(arg, db, clock_wall_ns(), err); }

static enum status start_scripts(struct db *db, void *arg, struct err *err) { return registry_ship(db, arg, clock_wall_ns(), err); }

static void on_activation(void *arg, int64_t tenant_id, enum script_kind kind, int64_t script_id, int64_t version) {
  struct api_core *core = arg;
  if (kind == SCRIPT_TIER && core->usage) usage_forget_all(core->usage);
  if (kind == SCRIPT_RULE) signal_desk_forget_all(core->desk);
  api_log(core, "info", "script_active", json_pack("{s:o, s:o, s:I}", "tenant", api_id("org", tenant_id), "script", api_id("str", script_id), "version", (json_int_t)version));
}

// ---- the clockwork

static void flush(void *arg) {
  struct services *s = arg;
  usage_flush(s->core->usage, s->core->store, clock_wall_ns());
}
static void flush_log(void *arg) { api_log_flush(((struct services *)arg)->core); }
static enum status sweep_and_sign(struct db *db, void *arg, struct err *err) {
  struct services *s = arg;
  bool is_signed;
  enum status st = identity_sweep(db, clock_wall_ns(), err);
  if (st == OK) st = delivery_sweep_all(db, clock_wall_ns(), err);
  if (st == OK) st = ea_command_sweep(db, clock_wall_ns(), err);
  return st == OK ? audit_sign(db, &identity_keys(s->core->identity)->audit, clock_wall_ns(), &is_signed, err) : st;
}
static void swept(void *arg, enum status st, const struct err *err) {
  if (st != OK) api_log(((struct services *)arg)->core, "error", "housekeeping", json_pack("{s:s}", "error", err->msg));
}
static void hourly(void *arg) {
  struct services *s = arg;
  store_write(s->core->store, STORE_CONTROL, sweep_and_sign, swept, s);
}

static enum status every(struct services *s, int64_t ms, void (*fn)(void *arg), struct loop_timer **ret, struct err *err) {
  enum status st = loop_timer_create(s->core->loop, fn, s, ret, err);
  if (st == OK) loop_timer_start(*ret, ms, ms);
  return st;
}

enum status services_create(struct api_core *core, const struct api_config *config, struct services **ret, struct err *err) {
  struct services *s = calloc(1, sizeof *s);
  if (!s) return err_set(err, ERR_NOMEM, "out of memory");
  s->core = core;
  char keys_dir[4200];
  snprintf(keys_dir, sizeof keys_dir, "%s/keys", store_dir(core->store));
  bool sealed = false;
  enum status st = identity_sealed(store_reader(core->store, STORE_CONTROL), &sealed, err);
  const struct identity_options identity = {.keys_dir = keys_dir, .credentials = getenv("CREDENTIALS_DIRECTORY"), .master_hex = getenv("PERIGEE_MASTER_KEY"), .sealed = sealed,
                                            .site_url = config->site_url ? config->site_url : config->own_url ? config->own_url : "http://localhost:8080", .product = config->product ? config->product : "Perigee",
                                            .require_verified = config->require_verified, .closed = config->closed};
  struct buf warnings;
  buf_init(&warnings, 1 << 16);
  *ret = s;
  if (st == OK) st = identity_create(&identity, clock_wall_ns(), &core->identity, err);
  if (st == OK) st = store_write_sync(core->store, STORE_CONTROL, start_identity, core->identity, err);
  if (st == OK) st = watchdog_create(&s->watchdog, err);
  if (st == OK) st = store_write_sync(core->store, STORE_CONTROL, start_scripts, s->watchdog, err);
  const struct registry_options registry = {.edition = config->edition, .watchdog = s->watchdog};
  if (st == OK) st = registry_create(store_reader(core->store, STORE_CONTROL), &registry, &core->registry, &warnings, err);
  if (st == OK && warnings.len > 0) api_log(core, "warning", "registry", json_pack("{s:s}", "warnings", warnings.data));
  buf_finish(&warnings);
  if (st == OK) st = usage_create(&core->usage, err);
  if (st == OK) usage_count_by(core->usage, LIMIT_ACCOUNTS, account_count);
  if (st == OK) usage_count_by(core->usage, LIMIT_VENUES, account_venues);
  if (st == OK) usage_count_by(core->usage, LIMIT_MEMBERS, member_count);
  if (st == OK) registry_listen(core->registry, on_activation, core);
  // Commands that run without a server do one thing and leave; they keep no house.
  if (st == OK && config->exe) st = every(s, LOG_MS, flush_log, &s->log, err);
  if (st == OK && config->exe) st = every(s, FLUSH_MS, flush, &s->flush, err);
  if (st == OK && config->exe) st = every(s, HOURLY_MS, hourly, &s->hourly, err);
  return st;
}

void services_destroy(struct services *s) {
  if (!s) return;
  struct err err;
  loop_timer_destroy(s->flush);
  loop_timer_destroy(s->hourly);
  loop_timer_destroy(s->log);
  store_settle(s->core->store, s->core->loop);  // a batch of counts, or the hourly round, may be under way
  if (s->core->usage && usage_flush_sync(s->core->usage, s->core->store, &err) != OK) api_log(s->core, "error", "usage", json_pack("{s:s}", "error", err.msg));
  usage_destroy(s->core->usage);
  registry_destroy(s->core->registry);
  watchdog_destroy(s->watchdog);
  identity_destroy(s->core->identity);
  free(s);
}

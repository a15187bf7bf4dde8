// api/core.c – puts the core together, and checks that every route has its handler and every handler its route.
#include "api/core.h"

#include "api/admin_system.h"
#include "api/courier.h"
#include "api/handlers.h"
#include "api/jobs.h"
#include "api/mailer.h"
#include "api/replays.h"
#include "api/market_watch.h"
#include "api/server.h"
#include "api/services.h"
#include "api/signal_desk.h"
#include "api/account_watch.h"
#include "api/ea_desk.h"
#include "api/venue_desk.h"
#include "api/telegram.h"
#include "bot/live.h"
#include "crypto/sha256.h"
#include "loop/clock.h"
#include "store/store.h"
#include "tenant/edition.h"
#include "tenant/identity.h"
#include "tenant/registry.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct { const char *id; api_handler handler; } handlers[] = {
#define X(id) {#id, api_##id},
    API_HANDLERS(X)
#undef X
};

static enum status bind_handlers(struct api_core *core, struct err *err) {
  const int count = sizeof handlers / sizeof *handlers;
  core->handlers = calloc((size_t)core->table->route_count + 1, sizeof *core->handlers);
  if (!core->handlers) return err_set(err, ERR_NOMEM, "out of memory");
  for (int i = 0; i < count; i++) {
    const struct route *r = api_table_route(core->table, handlers[i].id);
    if (!r) return err_set(err, ERR_INVALID, "handler api_%s has no route", handlers[i].id);
    core->handlers[r - core->table->routes] = handlers[i].handler;
  }
  for (int i = 0; i < core->table->route_count; i++)
    if (!core->handlers[i]) return err_set(err, ERR_INVALID, "route %s has no handler", core->table->routes[i].id);
  return OK;
}

static double gauge_events(void *arg) { return (double)stream_hub_stats(arg).events; }
static double gauge_sent(void *arg) { return (double)stream_hub_stats(arg).sent; }
static double gauge_dropped(void *arg) { return (double)stream_hub_stats(arg).dropped; }
static double gauge_channels(void *arg) { return stream_hub_stats(arg).channels; }

static double gauge_jobs_running(void *arg) { return jobs_stats(arg).running; }
static double gauge_jobs_waiting(void *arg) { return jobs_stats(arg).waiting; }
static double gauge_jobs_ended(void *arg) { return (double)jobs_stats(arg).ended; }

// What needs nothing but to be set.
static void api_core_apply(struct api_core *core, const struct api_config *config) {
  core->origins = config->origins;
  core->log_level = config->log_level ? api_log_level(config->log_level) : API_LOG_INFO;
  core->rate_percent = config->rate_percent ? config->rate_percent : 100;
  if (core->rate_percent < 0) core->rate_percent = 0;
}

static enum status start_identity(struct db *db, void *arg, struct err *err) { return identity_start(arg, db, clock_wall_ns(), err); }

enum status api_core_reload(struct api_core *core, const struct api_config *config, bool *ret_keys, struct err *err) {
  // What can fail comes first, and what it has changed by then is sound by itself.
  enum status st = mailer_configure(core->mailer, config, err);
  if (st == OK) st = courier_configure(core->courier, &config->notices, err);
  if (st == OK && config->edition && strcmp(config->edition, registry_edition(core->registry)) != 0)
    st = edition_use(core->registry, store_reader(core->store, STORE_CONTROL), config->edition, err);
  if (st == OK) st = identity_reload_keys(core->identity, clock_wall_ns(), ret_keys, err);
  if (st == OK && *ret_keys) st = store_write_sync(core->store, STORE_CONTROL, start_identity, core->identity, err);
  if (st != OK) return st;
  identity_set_policy(core->identity, (struct identity_policy){config->require_verified, config->closed});
  api_core_apply(core, config);
  return OK;
}

// As call.c's check_documented: what is not in the table is counted, which tests look for, and told in the log.
static void look_at_event(void *arg, const char *channel, const char *type, json_t *data) {
  struct api_core *core = arg;
  struct schema_errors errors = {0};
  char name[STREAM_CHANNEL_NAME_MAX + 1];
  snprintf(name, sizeof name, "%.*s", (int)strcspn(channel, "@"), channel);
  if (channel_documents(core->table, name, type, data, &errors)) return;
  metrics_add(core->metrics, METRIC_undocumented, 1);
  api_log(core, "error", "event_undocumented", json_pack("{s:s, s:s, s:s, s:s}", "channel", channel, "type", type, "at", errors.items[0].pointer, "message", errors.items[0].message));
}

enum status api_core_create(const struct api_config *config, struct api_core **ret, struct err *err) {
  struct api_core *core = calloc(1, sizeof *core);
  if (!core) return err_set(err, ERR_NOMEM, "out of memory");
  core->loop = config->loop;
  core->store = config->store;
  core->version = config->version;
  api_core_apply(core, config);
  const char *check = getenv("PERIGEE_CHECK_ANSWERS");
  core->check_answers = config->check_answers || (check && *check);
  core->log = config->log;
  core->log_arg = config->log_arg;
  core->log_gathers = config->exe != NULL;
  buf_init(&core->log_lines, 1 << 20);
  struct stream_rules rules = api_stream_rules;
  rules.arg = core;
  if (core->check_answers) rules.look = look_at_event;
  enum status st = services_create(core, config, &core->services, err);
  if (st == OK) {
    const struct keys *keys = identity_keys(core->identity);
    keys_derive(keys, "cursor", core->cursor_secret);
    keys_derive(keys, KEYS_FOR_ANSWERS, core->seal_key);
    keys_derive(keys, "csrf", core->csrf_key);
    st = api_table_create(&core->table, err);
  }
  if (st == OK) st = bind_handlers(core, err);
  if (st == OK) st = api_document_make(api_openapi(core->table, core->version), &core->openapi, err);
  if (st == OK) st = rate_create(65536, &core->rates, err);
  if (st == OK) st = metrics_create(core->table, &core->metrics, err);
  if (st == OK) st = stream_hub_create(&api_ws_port, &rules, &core->hub, err);
  if (st == OK && config->exe) st = jobs_create(core, config->exe, &core->jobs, err);
  if (st == OK && config->exe) st = backtests_resume(core, err);
  if (st == OK && config->exe) st = mailer_create(core, config, &core->mailer, err);
  if (st == OK && config->exe) st = courier_create(core, &config->notices, &core->courier, err);
  if (st != OK) {
    api_core_destroy(core);
    return st;
  }
  static const struct { const char *name, *help, *type; double (*read)(void *); } gauges[] = {
      {"stream_events_total", "Events published on WebSocket channels", "counter", gauge_events},
      {"stream_messages_sent_total", "Messages sent to WebSocket clients", "counter", gauge_sent},
      {"stream_clients_closed_total", "WebSocket clients closed by us: revoked, expired, too many messages", "counter", gauge_dropped},
      {"stream_channels", "WebSocket channels in memory", "gauge", gauge_channels}};
  for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++)
    metrics_gauge(core->metrics, (struct metrics_gauge){gauges[i].name, gauges[i].help, gauges[i].type, gauges[i].read, core->hub});
  if (core->jobs) {
    metrics_gauge(core->metrics, (struct metrics_gauge){"jobs_running", "Backtests and proofs in child processes", "gauge", gauge_jobs_running, core->jobs});
    metrics_gauge(core->metrics, (struct metrics_gauge){"jobs_waiting", "Backtests and proofs in the queue", "gauge", gauge_jobs_waiting, core->jobs});
    metrics_gauge(core->metrics, (struct metrics_gauge){"jobs_ended_total", "Backtests and proofs that ended", "counter", gauge_jobs_ended, core->jobs});
  }
  *ret = core;
  return OK;
}

void api_core_destroy(struct api_core *core) {
  if (!core) return;
  system_watch_destroy(core->system);
  telegram_destroy(core->telegram);
  core->telegram = NULL;
  signal_desk_destroy(core->desk);
  core->desk = NULL;
  live_destroy(core->live);
  account_watch_destroy(core->accounts);
  venue_desk_destroy(core->venues);
  ea_desk_destroy(core->eas);
  core->live = NULL;
  market_watch_destroy(core->watch);
  core->watch = NULL;
  jobs_destroy(core->jobs);
  replays_destroy(core->replays);
  courier_destroy(core->courier);
  core->courier = NULL;
  mailer_destroy(core->mailer);
  services_destroy(core->services);
  api_log_flush(core);
  buf_finish(&core->log_lines);
  assert(core->calls == 0);
  stream_hub_destroy(core->hub);
  metrics_destroy(core->metrics);
  rate_destroy(core->rates);
  api_table_destroy(core->table);
  free(core->standings);
  free(core->owners);
  free(core->known_users);
  free(core->handlers);
  api_document_finish(&core->openapi);
  api_document_finish(&core->reference);
  api_document_finish(&core->templates);
  free(core);
}

void api_core_log(struct api_core *core, const char *level, const char *event, const char *const *fields) {
  json_t *extra = json_object();
  for (; extra && *fields; fields += 2) json_object_set_new(extra, fields[0], json_string(fields[1]));
  api_log(core, level, event, extra);
}

// api/live_link.c – the running bots beside the routes: made when the service starts, their news go to the WebSocket's channels, their
// figures to /metrics.
#include "api/bots.h"
#include "api/admin_system.h"
#include "api/core.h"
#include "api/courier.h"
#include "api/account_watch.h"
#include "api/ea_desk.h"
#include "api/venue_desk.h"
#include "api/market_watch.h"
#include "api/replays.h"
#include "api/signal_desk.h"
#include "api/server.h"
#include "api/tier.h"
#include "api/telegram.h"
#include "bot/hub.h"
#include "bot/live.h"
#include "loop/clock.h"
#include "store/bot_rows.h"
#include "store/id.h"
#include "store/store.h"
#include "tenant/audit.h"

#include <stdlib.h>
#include <string.h>

#define OWNERS 4096

// Whose bot it is never changes, so what was looked up once holds. 0: nobody's any more.
static int64_t owner_of(struct api_core *core, int64_t bot_id) {
  struct bot_row row;
  struct err err;
  if (!core->owners) core->owners = calloc(OWNERS, sizeof *core->owners);
  struct bot_owner *o = core->owners ? &core->owners[(uint64_t)bot_id * UINT64_C(0x9e3779b97f4a7c15) >> 52] : NULL;
  if (o && o->bot_id == bot_id) return o->tenant_id;
  if (bot_find(store_reader(core->store, STORE_CONTROL), bot_id, &row, &err) != OK) return 0;
  bot_row_finish(&row);
  if (o) *o = (struct bot_owner){bot_id, row.tenant_id};
  return row.tenant_id;
}

// What concerns orders goes to the tenant's channel of all bots too, with the bot's id.
static void publish_to_tenant(struct api_core *core, const char *channel, const char *type, json_t *data, int64_t now_ms) {
  static const char *const types[] = {"order", "fill", "denied"};
  int64_t bot_id;
  bool wanted = false;
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) wanted |= strcmp(type, types[i]) == 0;
  if (!wanted || strncmp(channel, "bot:", 4) != 0 || !id_parse("bot", channel + 4, strlen(channel + 4), &bot_id)) return;
  const int64_t tenant_id = owner_of(core, bot_id);
  if (!tenant_id) return;
  json_object_set_new(data, "bot_id", json_string(channel + 4));
  (void)stream_publish_of(core->hub, tenant_id, "orders", type, data, now_ms);
}

static void publish(void *self, const char *channel, const char *type, json_t *data) {
  struct api_core *core = self;
  if (!data) return;
  const int64_t now_ms = clock_wall_ns() / 1000000;
  if (stream_kept(core->hub, channel)) (void)stream_publish(core->hub, channel, type, data, now_ms);
  publish_to_tenant(core, channel, type, data, now_ms);
  json_decref(data);
}

static bool heard(void *self, const char *channel, int64_t tenant_id) {
  const struct api_core *core = self;
  return stream_kept(core->hub, channel) || stream_kept_of(core->hub, tenant_id, "orders");
}

static void on_note(void *self, const struct hub_note *note) { market_watch_note(self, note); }

static void on_instant(void *self, const struct hub_instant *in) { market_watch_instant(self, in); }

static struct live_grant grant(void *self, int64_t tenant_id) { return tier_bots_grant(self, tenant_id, clock_wall_ns()); }

static enum status audit(void *self, struct db *db, int64_t tenant_id, const char *action, int64_t script_id, const char *detail, int64_t now_ns, struct err *err) {
  char object[ID_TEXT_SIZE];
  (void)self;
  id_format("str", script_id, object);
  const struct audit_event event = {.tenant_id = tenant_id, .action = action, .object = object, .detail = detail, .at_ns = now_ns};
  return audit_add(db, &event, err);
}

static bool noticed(void *self, int64_t tenant_id, enum notice_event event) { return courier_wanted(((struct api_core *)self)->courier, tenant_id, event); }

static char *rules(void *self, int64_t tenant_id, const char *name) { return rule_set_text(store_reader(((struct api_core *)self)->store, STORE_CONTROL), tenant_id, name); }

static void traded(void *self, int64_t tenant_id, const char *key) { tier_bot_traded(self, tenant_id, key, clock_wall_ns()); }

static void log_it(void *self, const char *level, const char *event, json_t *extra) { api_log(self, level, event, extra); }

#define GAUGE(name, member) \
  static double name(void *arg) { return (double)live_stats(arg).member; }
GAUGE(hosts, hosts)
GAUGE(hosts_up, hosts_up)
GAUGE(running, bots_running)
GAUGE(starting, bots_starting)
GAUGE(instants, instants)
GAUGE(intents, intents)
GAUGE(fills, fills)
GAUGE(denials, denials)
GAUGE(restarts, host_restarts)
GAUGE(divergences, divergences)
#undef GAUGE

static enum status venue_open(void *self, int64_t tenant_id, int64_t account_id, const struct venue_events *events, void *to, struct venue *ret, struct err *err) {
  const struct api_core *core = self;
  return venue_desk_session(core->venues, tenant_id, account_id, &(struct venue_desk_wish){0}, events, to, ret, err);
}

static enum status feed_open(void *self, const struct hub_remote *want, struct hub_feed_config *ret, struct err *err) {
  struct api_core *core = self;
  if (ea_desk_sells(want->venue)) return ea_desk_feed(core->eas, want, ret, err);
  return venue_desk_feed(core->venues, want, ret, err);
}

static bool own_market(void *self, const char *venue, int64_t account_id, char *ret, size_t ret_size) {
  (void)self;
  return ea_venue(venue) && ea_desk_market(venue, account_id, ret, ret_size);
}

enum status api_core_live(struct api_core *core, const struct api_live *config, struct err *err) {
  static const struct { const char *name, *help, *type; double (*read)(void *); } gauges[] = {
      {"hosts", "Processes for customers' scripts", "gauge", hosts},
      {"hosts_up", "Of them, those that work", "gauge", hosts_up},
      {"bots_running", "Bots whose script runs", "gauge", running},
      {"bots_starting", "Bots that are being opened", "gauge", starting},
      {"bot_instants_total", "Instants of hosts: bars that ended together, shown to the scripts", "counter", instants},
      {"bot_intents_total", "Orders that scripts asked for", "counter", intents},
      {"bot_fills_total", "Executions", "counter", fills},
      {"bot_denials_total", "Orders refused by the core", "counter", denials},
      {"bot_divergences_total", "Times that a host and the journal disagreed about a bot", "counter", divergences},
      {"host_restarts_total", "Hosts that died or hung and were replaced", "counter", restarts}};
  const struct live_options options = {.loop = core->loop, .store = core->store, .exe = config->exe, .version = core->version, .hosts = config->hosts,
                                       .feeds = config->feeds, .publish = publish, .heard = heard, .instant = on_instant, .note = on_note, .log = log_it, .grant = grant, .traded = traded, .noticed = noticed, .audit = audit, .rules = rules, .venue_open = venue_open, .feed_open = feed_open, .own_market = own_market, .self = core};
  enum status st = market_watch_create(&core->watch, err);
  if (st == OK) st = venue_desk_create(core, &(struct venue_desk_options){.urls = config->venue_urls, .ca_file = config->venue_ca}, &core->venues, err);
  if (st == OK) st = ea_desk_create(core, &core->eas, err);
  if (st == OK) st = account_watch_create(core, &core->accounts, err);
  if (st == OK) st = live_create(&options, &core->live, err);
  if (st == OK) core->halts = live_halts(core->live);
  for (size_t i = 0; st == OK && i < sizeof gauges / sizeof *gauges; i++)
    metrics_gauge(core->metrics, (struct metrics_gauge){gauges[i].name, gauges[i].help, gauges[i].type, gauges[i].read, core->live});
  if (st == OK) st = system_watch_create(core, &core->system, err);
  if (st == OK) st = replays_create(core, config->parity_hour, &core->replays, err);
  if (st == OK) st = signal_desk_create(core, config->exe, &core->desk, err);
  if (st == OK) st = telegram_create(core, &core->telegram, err);
  return st;
}

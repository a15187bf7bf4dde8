// api/live_link.c – the running bots beside the routes: made when the service starts, their news go to the WebSocket's channels, their
// figures to /metrics.
#include "api/core.h"
#include "api/server.h"
#include "bot/live.h"
#include "loop/clock.h"

static void publish(void *self, const char *channel, const char *type, json_t *data) {
  struct api_core *core = self;
  if (!data) return;
  (void)stream_publish(core->hub, channel, type, data, clock_wall_ns() / 1000000);
  json_decref(data);
}

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
#undef GAUGE

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
      {"host_restarts_total", "Hosts that died or hung and were replaced", "counter", restarts}};
  const struct live_options options = {.loop = core->loop, .store = core->store, .exe = config->exe, .version = core->version, .hosts = config->hosts,
                                       .feeds = config->feeds, .publish = publish, .log = log_it, .self = core};
  const enum status st = live_create(&options, &core->live, err);
  if (st == OK) core->halts = live_halts(core->live);
  for (size_t i = 0; st == OK && i < sizeof gauges / sizeof *gauges; i++)
    metrics_gauge(core->metrics, (struct metrics_gauge){gauges[i].name, gauges[i].help, gauges[i].type, gauges[i].read, core->live});
  return st;
}

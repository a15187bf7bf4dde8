// bot/live.c – see live.h. Made of parts: live_impl.h.
#include "bot/live_venue.h"

#include "loop/clock.h"
#include "loop/loop.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// More than an installation of one machine has: beyond them the last check stops everything. Unused room costs no memory.
#define LAST_INTENTS 1000000
#define LAST_OWNERS 200000

struct live_bot *live_find(const struct live *l, int64_t id) {
  struct live_bot *b = l->bots[live_bucket(id)];
  while (b && b->id != id) b = b->next;
  return b;
}

// ---- making it

static void fleet_log(void *self, const char *level, const char *text) {
  struct live *l = self;
  l->config.log(l->config.self, strcmp(level, "warn") == 0 ? "warning" : level, "fleet", json_pack("{s:s}", "detail", text));
}

static void host_up(void *self, int host) {
  struct live *l = self;
  l->config.log(l->config.self, "info", "host_up", json_pack("{s:i}", "host", host));
}

// A market that runs faster than scripts do waits for them.
static bool hub_behind(void *self) { return fleet_backlog(((struct live *)self)->fleet) > 256; }

static void hub_record(void *self, const struct hub_instant *in) {
  struct live *l = self;
  live_series_record(l, in);
  if (l->config.instant) l->config.instant(l->config.self, in);
}

static enum status add_feeds(struct live *l, struct err *err) {
  for (const char *const *f = l->config.feeds; f && *f; f++) {
    char venue[BOT_VENUE_SIZE];
    const char *equals = strchr(*f, '=');
    enum status st = hub_feed_check(*f, err);
    if (st != OK) return st;
    snprintf(venue, sizeof venue, "%.*s", (int)(equals - *f), *f);
    if ((st = hub_feed_add(l->hub, venue, equals + 1, err)) != OK) return err_wrap(err, st, "feed %s", *f);
  }
  return OK;
}

static enum status make_fleet(struct live *l, struct err *err) {
  struct fleet_config config = {.loop = l->config.loop, .exe = l->config.exe, .stderr_fd = 2, .hosts = l->config.hosts, .call = live_fleet_opening, .self = l};
  config.call.about_to_send = live_about_to_send;
  config.call.calls = live_calls;
  config.call.missed = live_missed;
  config.call.frame = live_frame;
  config.call.done = live_done;
  config.call.host_up = host_up;
  config.call.host_lost = live_host_lost;
  config.call.tenant_slow = live_tenant_slow;
  config.call.tenant_pace = live_tenant_pace;
  config.call.log = fleet_log;
  return fleet_create(&config, &l->fleet, err);
}

enum status live_create(const struct live_options *config, struct live **ret, struct err *err) {
  struct live *l = calloc(1, sizeof *l);
  if (!l) return err_set(err, ERR_NOMEM, "out of memory");
  l->config = *config;
  const struct last_budget account = {.window_ns = NS_PER_MINUTE, .orders = 100000}, tenant = {.window_ns = NS_PER_MINUTE, .orders = 1000000};
  l->last = last_check_create(LAST_INTENTS, LAST_OWNERS, account, tenant);
  l->shared = (struct clerk_shared){.halt = &l->halt, .last = l->last, .tripped = live_tripped, .self = l};
  const struct hub_config hub = {.sink = {.self = l, .record = hub_record, .instant = live_instant, .note = live_market_note, .symbol_note = live_symbol_note, .tick = live_tick, .behind = hub_behind, .clock = live_clock_next, .ready = live_ahead_ready}, .remote = config->feed_open, .remote_self = config->self, .market = store_reader(config->store, STORE_MARKET),
                                 .now_ns = clock_wall_ns()};
  l->common = intern_create();
  enum status st = l->last && l->common ? hub_create(&hub, &l->hub, err) : err_set(err, ERR_NOMEM, "out of memory");
  if (st == OK) st = add_feeds(l, err);
  if (st == OK) st = live_series_load(l, err);
  if (st == OK) st = live_halt_open(l, err);
  if (st == OK) st = live_keep_begin(l, err);
  if (st == OK) st = live_behind_begin(l, err);
  if (st == OK) st = live_canary_begin(l, err);
  if (st == OK) st = live_shadow_begin(l, err);
  if (st == OK) st = make_fleet(l, err);
  if (st == OK) st = live_pace_begin(l, err);
  l->starting = true;
  if (st == OK) st = live_start(l, err);
  if (st == OK) live_rules_release(l);
  if (st == OK) st = hub_attach(l->hub, config->loop, err);
  if (st != OK) {
    live_destroy(l);
    return st;
  }
  *ret = l;
  return OK;
}

void live_destroy(struct live *l) {
  if (!l) return;
  // The loop turns from here on for the hosts to end and the writes to be answered: nothing new may come of it.
  l->closing = true;
  if (l->hub) hub_detach(l->hub);
  live_ahead_end(l);
  live_venues_close(l);
  fleet_destroy(l->fleet);
  l->fleet = NULL;
  // An instant that a host had not finished ends as if the host had been lost: what its market part did is journalled with its time.
  for (int i = 0; i < LIVE_BUCKETS; i++)
    for (struct live_bot *b = l->bots[i]; b; b = b->next) {
      b->opened = false;
      if (b->busy) live_bot_end(b);
    }
  for (int i = 0; i <= FLEET_HOSTS_MAX; i++) {
    l->hosts[i].owes = l->hosts[i].in_turn = false;
    live_hand_over(l, i);
  }
  live_shadow_keep(l);
  live_pace_keep(l);
  while (l->writes) loop_turn(l->config.loop, true);
  live_behind_end(l);
  for (int i = 0; i < LIVE_BUCKETS; i++)
    while (l->bots[i]) live_bot_destroy(l->bots[i]);
  live_halt_close(l);
  live_keep_end(l);
  live_canary_finish(l);
  live_shadow_finish(l);
  live_pace_finish(l);
  hub_destroy(l->hub);
  while (l->series) {
    struct live_series *s = l->series;
    l->series = s->next;
    free(s);
  }
  live_money_finish(l);
  while (l->tenants) {
    struct live_tenant *t = l->tenants;
    l->tenants = t->next;
    live_news_finish(t);
    free(t);
  }
  for (size_t i = 0; i < l->by_hub_cap; i++) free(l->readers[i]);
  free(l->by_hub);
  free(l->readers);
  free(l->reader_count);
  free(l->reader_cap);
  free(l->touched);
  for (int i = 0; i <= FLEET_HOSTS_MAX; i++) {
    free(l->hosts[i].bots);
    free(l->hosts[i].called);
  }
  for (int i = 0; i < HUB_VENUES_MAX; i++) free(l->clocks[i].bots);
  free(l->due);
  last_check_destroy(l->last);
  intern_destroy(l->common);
  free(l);
}

// ---- figures

void live_position_read(const struct account *a, int symbol, enum leg leg, struct live_position *ret) {
  const struct account_symbol *s = &a->symbols[symbol];
  cash upnl;
  *ret = (struct live_position){.lots = s->pos[leg].lots};
  snprintf(ret->symbol, sizeof ret->symbol, "%s", s->inst.symbol);
  quantity_text(&s->inst, (quantity){ret->lots}, ret->qty);
  if (!ret->lots) return;
  price_text(&s->inst, account_avg(a, symbol, leg, ROUND_NEAREST), ret->avg);
  if (price_given(s->mark) && account_unrealised_at(a, symbol, leg, s->mark, &upnl)) cash_text(upnl, ret->upnl);
}

bool live_status(const struct live *l, int64_t bot_id, struct live_status *ret) {
  const struct live_bot *b = live_find(l, bot_id);
  if (!b || !b->clerk) return false;
  const struct account *a = matcher_account(clerk_matcher(b->clerk));
  memset(ret, 0, sizeof *ret);
  *ret = (struct live_status){.bot_id = b->id, .run = b->run, .instant_ns = b->instant_ns, .intents = b->intents, .fills = b->fills, .denials = b->denials, .errors = b->errors,
    .open_orders = a->work_count, .equity = account_equity(a), .balance = account_balance(a), .start_cash = b->setup->match.deposit};
  for (int s = 0; s < a->symbol_count; s++)
    for (enum leg leg = LEG_NET; leg < LEG_COUNT; leg++)
      if (a->symbols[s].pos[leg].lots && ret->position_count < (int)(sizeof ret->positions / sizeof *ret->positions)) live_position_read(a, s, leg, &ret->positions[ret->position_count++]);
  clerk_hash(b->clerk, ret->hash);
  static _Thread_local char host[16];
  host[0] = '\0';
  if (b->place != LIVE_HOSTLESS) snprintf(host, sizeof host, "host %d", b->place);
  ret->host = host;
  live_reload_status(b, ret);
  return true;
}

bool live_settled(const struct live *l, int64_t bot_id, int64_t *ret_instant_ns, char ret_hash[65]) {
  const struct live_bot *b = live_find(l, bot_id);
  if (!b || !b->clerk || !b->told_run || b->busy || b->turn.len || b->instant_ns <= b->run_from_ns || l->hosts[b->place].writes || l->hosts[b->place].batch) return false;
  *ret_instant_ns = b->instant_ns;
  clerk_hash(b->clerk, ret_hash);
  return true;
}

struct live_stats live_stats(const struct live *l) {
  struct live_stats s = l->stats;
  const struct fleet_stats f = fleet_stats(l->fleet);
  s.hosts = f.hosts;
  s.hosts_up = f.hosts_up;
  s.bots_running = (int)f.bots_open;
  s.bots_starting = (int)(f.bots - f.bots_open);
  return s;
}

struct hub *live_hub(struct live *l) { return l->hub; }
const struct fleet *live_fleet(const struct live *l) { return l->fleet; }

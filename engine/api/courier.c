// api/courier.c – see courier.h: settings, lanes, the clock.
#include "api/courier_impl.h"

#include "api/tier.h"
#include "crypto/secret.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "net/tls.h"
#include "store/id.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS 100
#define WANTED_NS (INT64_C(5) * 1000000000)  // what was looked up holds for so long
#define SWEEP_NS (INT64_C(3600) * 1000000000)

static struct db *reader(const struct courier *c) { return store_reader(c->core->store, STORE_CONTROL); }

// ---- settings

static enum status take_text(const char *name, const char *value, char *to, size_t size, struct err *err) {
  if (value && strlen(value) >= size) return err_set(err, ERR_USAGE, "%s is longer than %zu bytes", name, size - 1);
  snprintf(to, size, "%s", value ? value : "");
  return OK;
}

static enum status take_settings(struct courier_settings *to, const struct api_notices *s, struct err *err) {
  const char *const body = s->sms_body ? s->sms_body : "{\"to\":\"{to}\",\"text\":\"{text}\"}";
  enum status st = take_text("telegram-url", s->telegram_url ? s->telegram_url : "https://api.telegram.org", to->telegram_url, sizeof to->telegram_url, err);
  if (st == OK) st = take_text("the Telegram bot's token", s->telegram_token, to->telegram_token, sizeof to->telegram_token, err);
  if (st == OK) st = take_text("telegram-name", s->telegram_name, to->telegram_name, sizeof to->telegram_name, err);
  if (st == OK) st = take_text("sms-url", s->sms_url, to->sms_url, sizeof to->sms_url, err);
  if (st == OK) st = take_text("sms-body", body, to->sms_body, sizeof to->sms_body, err);
  if (st == OK) st = take_text("the SMS provider's authorization", s->sms_auth, to->sms_auth, sizeof to->sms_auth, err);
  if (st == OK) st = take_text("notice-ca", s->ca_file, to->ca_file, sizeof to->ca_file, err);
  if (st == OK && to->sms_url[0] && (!strstr(to->sms_body, "{to}") || !strstr(to->sms_body, "{text}"))) st = err_set(err, ERR_USAGE, "sms-body names neither {to} nor {text}, or only one of them");
  for (const char *p = to->telegram_token; st == OK && *p; p++)
    if (!strchr("0123456789:abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-", *p)) st = err_set(err, ERR_USAGE, "the Telegram bot's token has a character that no token has");
  struct http_url url;
  if (st == OK && http_url_parse(to->telegram_url, &url, err) != OK) st = err_wrap(err, ERR_USAGE, "telegram-url");
  if (st == OK && to->sms_url[0] && http_url_parse(to->sms_url, &url, err) != OK) st = err_wrap(err, ERR_USAGE, "sms-url");
  for (size_t i = 0; st == OK && s->reach && s->reach[i]; i++) {
    if (to->reach.count == COURIER_REACH_MAX) return err_set(err, ERR_USAGE, "notice-reach: at most %d ranges", COURIER_REACH_MAX);
    st = address_range_parse(s->reach[i], &to->ranges[to->reach.count], err);
    if (st == OK) to->reach.count++;
    else st = err_wrap(err, ERR_USAGE, "notice-reach");
  }
  to->percent = s->percent ? s->percent : 100;
  return st;
}

enum status courier_configure(struct courier *c, const struct api_notices *settings, struct err *err) {
  if (!c) return OK;
  struct courier_settings *fresh = calloc(1, sizeof *fresh);
  if (!fresh) return err_set(err, ERR_NOMEM, "out of memory");
  const enum status st = take_settings(fresh, settings, err);
  if (st == OK) {
    if (strcmp(fresh->ca_file, c->s.ca_file) != 0) tls_client_release(c->tls), c->tls = NULL;
    c->s = *fresh;
    c->s.reach.ranges = c->s.ranges;
    c->refused = false;
  }
  secret_wipe(fresh, sizeof *fresh);
  free(fresh);
  return st;
}

bool courier_available(const struct courier *c, enum notice_kind kind, const char **ret_why) {
  const char *why = "";
  if (!c) why = "No service is running that could send notices.";
  else if (kind == NOTICE_TELEGRAM && !c->s.telegram_token[0]) why = "This service has no bot on Telegram.";
  else if (kind == NOTICE_SMS && !c->s.sms_url[0]) why = "This service has no provider for SMS.";
  *ret_why = why;
  return !*why;
}

const struct notice_reach *courier_reach(const struct courier *c) {
  static const struct notice_reach nowhere = {0};
  return c ? &c->s.reach : &nowhere;
}
const char *courier_telegram_name(const struct courier *c) { return c && c->s.telegram_token[0] && c->s.telegram_name[0] ? c->s.telegram_name : NULL; }

// ---- lanes

static struct lane *lane_of(const struct courier *c, int64_t channel_id) {
  for (struct lane *l = c->lanes; l; l = l->next)
    if (l->channel_id == channel_id) return l;
  return NULL;
}

struct lane *courier_lane(struct courier *c, int64_t channel_id, int64_t next_ns) {
  struct lane *l = lane_of(c, channel_id);
  if (!l && (l = calloc(1, sizeof *l))) {
    *l = (struct lane){.next = c->lanes, .channel_id = channel_id, .next_ns = next_ns};
    c->lanes = l;
  }
  if (l && next_ns < l->next_ns) l->next_ns = next_ns;
  return l;
}

void courier_lane_over(struct courier *c, int64_t channel_id) {
  struct lane *l = lane_of(c, channel_id);
  struct err err;
  if (!l) return;
  l->busy = false;
  if (sending_next(reader(c), channel_id, &l->next_ns, &err) != OK) l->next_ns = clock_wall_ns() + 1000 * NS_PER_MS;
}

static void drop_idle(struct courier *c) {
  const int64_t now_ns = clock_wall_ns();
  for (struct lane **at = &c->lanes; *at;) {
    struct lane *l = *at;
    if (l->busy || l->next_ns != INT64_MAX || l->hold_ns > now_ns) {
      at = &l->next;
      continue;
    }
    *at = l->next;
    free(l);
  }
}

static void add_lane(void *arg, int64_t channel_id, int64_t next_ns) { (void)courier_lane(arg, channel_id, next_ns); }

// ---- the clock

struct sweep {
  struct courier *courier;
  int64_t now_ns, count;
};
static enum status sweep(struct db *db, void *arg, struct err *err) {
  struct sweep *s = arg;
  enum status st = notice_sweep(db, s->now_ns - NOTICES_KEPT_NS, &s->count, err);
  return st == OK ? storm_sweep(db, s->now_ns - 2 * NOTICE_TRIES_NS, err) : st;
}
static void swept(void *arg, enum status st, const struct err *err) {
  struct sweep *s = arg;
  (void)err;
  s->courier->writes--;
  if (st == OK && s->count > 0) s->courier->swept_ns = 0;  // there may be more
  free(s);
}
static void sweep_now_and_then(struct courier *c, int64_t now_ns) {
  if (now_ns - c->swept_ns < SWEEP_NS) return;
  struct sweep *s = calloc(1, sizeof *s);
  c->swept_ns = now_ns;
  if (!s) return;
  *s = (struct sweep){.courier = c, .now_ns = now_ns};
  c->writes++;
  store_write(c->core->store, STORE_CONTROL, sweep, swept, s);
}

static void look(void *arg) {
  struct courier *c = arg;
  if (c->leaving || c->core->draining) return;
  courier_fetch(c);
  courier_plan(c);
  const int64_t now_ns = clock_wall_ns();
  for (struct lane *l = c->lanes; l && c->under_way < COURIER_AT_ONCE; l = l->next)
    if (!l->busy && l->next_ns <= now_ns && l->hold_ns <= now_ns) (void)courier_send(c, l);
  drop_idle(c);
  sweep_now_and_then(c, now_ns);
}

void courier_look(struct courier *c) {
  struct err err;
  if (!c || c->leaving) return;
  if (sending_lanes(reader(c), add_lane, c, &err) != OK) return;
  loop_timer_start(c->timer, 0, LOOK_MS);
}

// ---- who wants what

struct asking {
  struct notice_rules *rules;
  uint64_t events;
};
static bool ask_channel(void *arg, const struct channel_row *row) {
  struct asking *a = arg;
  char id[ID_TEXT_SIZE];
  const int kind = notice_kind_parse(row->kind);
  id_format("chn", row->id, id);
  for (int e = 0; kind >= 0 && e < NOTICE_EVENT_COUNT; e++)
    if (strcmp(row->state, "active") == 0 && notice_wanted(a->rules, (enum notice_event)e, (enum notice_kind)kind, id)) a->events |= UINT64_C(1) << e;
  return true;
}

bool courier_wanted(struct courier *c, int64_t tenant_id, enum notice_event event) {
  if (!c) return false;
  if (notice_about(event)->critical || !c->wanted) return true;
  struct wanted *w = &c->wanted[(uint64_t)tenant_id * UINT64_C(0x9e3779b97f4a7c15) >> 54];
  const int64_t now_ns = clock_wall_ns();
  if (w->tenant_id != tenant_id || w->until_ns < now_ns || w->until_ns > now_ns + WANTED_NS) {
    struct asking a = {0};
    struct channel_row own = {.kind = "mail", .state = "active"};  // made with the first notice
    struct err err;
    if (notices_rules(reader(c), tenant_id, &a.rules, &err) != OK) return true;
    ask_channel(&a, &own);
    const enum status st = channel_list(reader(c), tenant_id, INT64_MAX, CHANNELS_MAX + 1, ask_channel, &a, &err);
    notice_rules_destroy(a.rules);
    if (st != OK) return true;
    *w = (struct wanted){tenant_id, now_ns + WANTED_NS, a.events};
  }
  return w->events >> event & 1;
}

void courier_forget(struct courier *c, int64_t tenant_id) {
  if (!c) return;
  if (c->wanted) c->wanted[(uint64_t)tenant_id * UINT64_C(0x9e3779b97f4a7c15) >> 54].tenant_id = 0;
  courier_look(c);
}

// ---- beginning and end

#define GAUGE(name, member) \
  static double name(void *arg) { return (double)((struct courier *)arg)->member; }
GAUGE(gauge_planned, planned)
GAUGE(gauge_folded, folded)
GAUGE(gauge_sent, sent)
GAUGE(gauge_later, later)
GAUGE(gauge_failed, failed)
GAUGE(gauge_disabled, disabled)
GAUGE(gauge_refused, refused)
#undef GAUGE

static void show(struct courier *c) {
  static const struct { const char *name, *help, *type; double (*read)(void *); } gauges[] = {
    {"notices_total", "Notices about which was decided where they go", "counter", gauge_planned},
    {"notices_folded_total", "Notices of storms that were counted instead of sent", "counter", gauge_folded},
    {"notice_sent_total", "Requests by which notices reached a channel; mails: handed to the outbox", "counter", gauge_sent},
    {"notice_later_total", "Attempts that failed and are made again", "counter", gauge_later},
    {"notice_failed_total", "Sendings given up", "counter", gauge_failed},
    {"notice_channels_disabled_total", "Channels disabled because nothing went through", "counter", gauge_disabled},
    {"notice_refused", "1: Telegram or the SMS provider refuses this service; nothing of that kind has gone through since", "gauge", gauge_refused}};
  for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++) metrics_gauge(c->core->metrics, (struct metrics_gauge){gauges[i].name, gauges[i].help, gauges[i].type, gauges[i].read, c});
}

enum status courier_create(struct api_core *core, const struct api_notices *settings, struct courier **ret, struct err *err) {
  struct courier *c = calloc(1, sizeof *c);
  if (!c) return err_set(err, ERR_NOMEM, "out of memory");
  c->core = core;
  *ret = c;  // its destruction is the core's from here on
  c->wanted = calloc(WANTED_SLOTS, sizeof *c->wanted);
  enum status st = courier_configure(c, settings, err);
  if (st == OK) st = loop_timer_create(core->loop, look, c, &c->timer, err);
  if (st == OK) st = sending_lanes(reader(c), add_lane, c, err);
  if (st != OK) return st;
  loop_timer_start(c->timer, LOOK_MS, LOOK_MS);
  show(c);
  return OK;
}

void courier_destroy(struct courier *c) {
  if (!c) return;
  c->leaving = true;
  if (c->core->metrics) metrics_gauge_forget(c->core->metrics, c);
  loop_timer_destroy(c->timer);
  courier_parcels_drop(c);
  courier_sayings_drop(c);
  while (c->writes) loop_turn(c->core->loop, true);
  while (c->lanes) {
    struct lane *l = c->lanes;
    c->lanes = l->next;
    free(l);
  }
  tls_client_release(c->tls);
  free(c->wanted);
  secret_wipe(&c->s, sizeof c->s);
  free(c);
}

// venue/remote_site.c – what the sessions with one venue share: its clock, the budgets of our address, the dialect.
#include "venue/remote_impl.h"
#include "venue/remote_limits.h"

#include "loop/clock.h"
#include "net/http_client.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 1000
#define SYNC_EVERY_MS 180000
#define SYNC_AGAIN_MS 5000
#define SYNC_APART_MS 1000    // however often it is asked for
#define SAMPLES 3
#define TIMEOUT_MS 10000
#define RETRY_MS 250
#define RIGHTS_MS 3600000

struct dialect_env remote_env(struct remote_site *site) {
  return (struct dialect_env){.environment = site->environment, .category = site->category,
    .now_ms = venue_clock_at(&site->clock, clock_monotonic_ns()) / REMOTE_NS_OF_MS, .rest = site->rest[0] ? site->rest : NULL,
    .private_ws = site->private_ws[0] ? site->private_ws : NULL, .public_ws = site->public_ws[0] ? site->public_ws : NULL};
}

void remote_log(const struct remote_site *site, const struct remote_session *s, const char *fmt, ...) {
  char text[512], clean[512], line[768];
  va_list ap;
  if (!site->log) return;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  remote_scrub(s, text, clean, sizeof clean);
  snprintf(line, sizeof line, "%s %s%s%s: %s", dialect_info(site->dialect)->name, site->environment, s ? " " : "", s ? s->label : "", clean);
  site->log(site->log_arg, line);
}

// ---- the clock

static void sync_over(struct remote_site *site, bool good) {
  site->syncing = false;
  site->sync_ms = loop_now_ms(site->loop) + (good ? SYNC_EVERY_MS : SYNC_AGAIN_MS);
  // One that is told waits no more, and its owner may end any.
  for (struct remote_session *s = site->sessions; s; s = remote_session_clocked(s, good) ? site->sessions : s->next)
    continue;
}

static void on_time(struct remote_call *c) {
  struct remote_site *site = c->site;
  const json_t *ms = json_object_get(c->rows, "time_ms");
  const bool good = c->reply.outcome == VENUE_ACCEPTED && json_is_integer(ms) && json_integer_value(ms) > 0 &&
    json_integer_value(ms) < INT64_MAX / REMOTE_NS_OF_MS && venue_clock_sample(&site->clock, c->sent_ns, c->heard_ns, json_integer_value(ms) * REMOTE_NS_OF_MS, REMOTE_NS_OF_MS);
  if (!good) remote_log(site, NULL, "its clock is not known: %s", c->reply.outcome == VENUE_ACCEPTED ? "the answer took too long" : c->reply.text);
  // The first answer came over a connection that had to be opened: not the best of samples.
  if (good && ++site->samples < SAMPLES) remote_call_begin(site, NULL, DIALECT_SERVER_TIME, json_object(), on_time);
  else sync_over(site, good);
}

void remote_sync(struct remote_site *site) {
  const int64_t now_ms = loop_now_ms(site->loop);
  if (site->syncing || dialect_info(site->dialect)->clock != DIALECT_CLOCK_OP) return;
  if (site->clock.known && site->sync_tried_ms && now_ms - site->sync_tried_ms < SYNC_APART_MS) return;
  site->syncing = true;
  site->sync_tried_ms = now_ms;
  site->samples = 0;
  site->clock.margin_ns = INT64_MAX / 4;  // what was measured then has drifted since
  remote_call_begin(site, NULL, DIALECT_SERVER_TIME, json_object(), on_time);
}

static void on_tick(void *arg) {
  struct remote_site *site = arg;
  if (venue_clock_jumped(&site->clock, clock_monotonic_ns(), clock_wall_ns())) {
    remote_log(site, NULL, "the machine's clock jumped");
    remote_sync(site);
  } else if (site->sessions && loop_now_ms(site->loop) >= site->sync_ms) {
    remote_sync(site);
  }
  remote_warm_tick(site);
}

static void on_pump(void *arg) {
  remote_call_pump(arg);
}

int64_t remote_site_now_ns(struct remote_site *site, bool *ret_known) {
  if (ret_known) *ret_known = site->clock.known;
  return venue_clock_tell(&site->clock, clock_monotonic_ns());
}

// ---- creation

static const struct dialect_environment *environment_of(const struct dialect_info *info, const char *name) {
  for (int i = 0; i < info->environment_count; i++)
    if (!name || strcmp(info->environments[i].name, name) == 0) return &info->environments[i];
  return NULL;
}

const char *remote_rest(const struct remote_site *site) {
  const struct dialect_environment *e = environment_of(dialect_info(site->dialect), site->environment);
  return site->rest[0] ? site->rest : e ? e->rest : "";
}

static const char *category_of(const struct dialect_info *info, const char *name) {
  for (int i = 0; i < info->category_count; i++)
    if (!name || strcmp(info->categories[i], name) == 0) return info->categories[i];
  return NULL;
}

// The path of a URL; "" for none.
static const char *path_of(const char *url) {
  const char *host = strstr(url, "://");
  const char *path = host ? strchr(host + 3, '/') : NULL;
  return path ? path : "";
}

// Puts the simulated exchange in the place of the environment's hosts.
static enum status override(struct remote_site *site, const struct dialect_environment *e, struct err *err) {
  struct http_url u;
  char host[DIALECT_URL_MAX];
  if (!site->base[0]) return OK;
  enum status st = http_url_parse(site->base, &u, err);
  if (st != OK) return st;
  if (u.target[0] && strcmp(u.target, "/") != 0) return err_set(err, ERR_INVALID, "the URL of an exchange has no path");
  site->plain = !u.tls;
  snprintf(host, sizeof host, "%s%s%s:%u", u.v6 ? "[" : "", u.host, u.v6 ? "]" : "", u.port);
  const char *public = "";
  for (int i = 0; i < e->public_count; i++)
    if (strcmp(e->public_ws[i].category, site->category) == 0) public = e->public_ws[i].url;
  int n = snprintf(site->rest, sizeof site->rest, "http%s://%s", u.tls ? "s" : "", host);
  if (e->private_ws[0]) n |= snprintf(site->private_ws, sizeof site->private_ws, "ws%s://%s%s", u.tls ? "s" : "", host, path_of(e->private_ws));
  if (public[0]) n |= snprintf(site->public_ws, sizeof site->public_ws, "ws%s://%s%s", u.tls ? "s" : "", host, path_of(public));
  return n >= 0 && strlen(site->private_ws) < DIALECT_URL_MAX - 1 ? OK : err_set(err, ERR_LIMIT, "the URL of an exchange is too long");
}

// Environment, category and hosts out of what the dialect says.
static enum status settle_in(struct remote_site *site, const struct dialect_info *info, const char *environment, const char *category, struct err *err) {
  const struct dialect_environment *e = environment_of(info, environment);
  const char *c = category_of(info, category);
  if (!e) return err_set(err, ERR_INVALID, "%s has no environment \"%s\"", info->name, environment ? environment : "");
  if (!c) return err_set(err, ERR_INVALID, "%s has no category \"%s\"", info->name, category ? category : "");
  if (e->name != site->environment) snprintf(site->environment, sizeof site->environment, "%s", e->name);
  if (c != site->category) snprintf(site->category, sizeof site->category, "%s", c);
  return override(site, e, err);
}

enum status remote_site_create(const struct remote_site_options *o, struct remote_site **ret, struct err *err) {
  struct remote_site *site = calloc(1, sizeof *site);
  if (!site) {
    dialect_destroy(o->dialect);
    return err_set(err, ERR_NOMEM, "a venue");
  }
  site->loop = o->loop;
  site->pool = o->pool;
  site->tls = o->tls;
  site->limits = o->limits;
  site->dialect = o->dialect;
  site->timeout_ms = o->timeout_ms ? o->timeout_ms : TIMEOUT_MS;
  site->retry_ms = o->retry_ms ? o->retry_ms : RETRY_MS;
  site->rights_ms = o->rights_ms ? o->rights_ms : RIGHTS_MS;
  site->log = o->log;
  site->log_arg = o->log_arg;
  venue_clock_init(&site->clock, clock_monotonic_ns(), clock_wall_ns());
  enum status st = OK;
  if (o->url && strlen(o->url) >= sizeof site->base) st = err_set(err, ERR_INVALID, "the URL of an exchange is too long");
  else if (o->url) strcpy(site->base, o->url);
  if (st == OK) st = settle_in(site, dialect_info(o->dialect), o->environment, o->category, err);
  if (st == OK && !site->limits) st = remote_limits_create(&site->own_limits, err);
  if (st == OK && !site->limits) site->limits = site->own_limits;
  if (st == OK) st = remote_budgets_get(site, NULL, &site->by_ip, err);
  if (st == OK) st = loop_timer_create(site->loop, on_pump, site, &site->pump, err);
  if (st == OK) st = loop_timer_create(site->loop, on_tick, site, &site->tick, err);
  if (st != OK) {
    remote_site_destroy(site);
    return st;
  }
  loop_timer_start(site->tick, TICK_MS, TICK_MS);
  *ret = site;
  return OK;
}

void remote_site_destroy(struct remote_site *site) {
  if (!site) return;
  assert(!site->sessions);
  while (site->open_calls) remote_call_cancel(site->open_calls);
  loop_timer_destroy(site->pump);
  loop_timer_destroy(site->tick);
  remote_budgets_put(site, site->by_ip);
  remote_limits_destroy(site->own_limits);
  dialect_destroy(site->dialect);
  free(site);
}

enum status remote_site_reload(struct remote_site *site, struct dialect *d, struct err *err) {
  const struct dialect_info *is = dialect_info(site->dialect), *will = dialect_info(d);
  enum status st = strcmp(is->name, will->name) == 0 ? settle_in(site, will, site->environment, site->category, err) : err_set(err, ERR_INVALID, "a dialect of another venue");
  const int64_t now_ms = loop_now_ms(site->loop);
  if (st == OK) st = remote_budgets_meet(site->by_ip, will, DIALECT_BY_IP, now_ms, err);
  for (struct remote_session *s = site->sessions; s && st == OK; s = s->next) st = remote_budgets_meet(s->by_key, will, DIALECT_BY_KEY, now_ms, err);
  if (st != OK) {
    dialect_destroy(d);
    return st;
  }
  for (struct remote_session *s = site->sessions; s; s = s->next) remote_ahead_drop(s);  // as the old one had it
  dialect_destroy(site->dialect);
  site->dialect = d;
  remote_log(site, NULL, "speaks by the dialect %.12s", will->sha256);
  return OK;
}

const char *remote_site_category(const struct remote_site *site) { return site->category; }
const struct dialect_info *remote_site_info(const struct remote_site *site) {
  return dialect_info(site->dialect);
}

// api/venue_desk.c – see venue_desk.h.
#include "api/venue_desk.h"

#include "api/core.h"
#include "api/ea_desk.h"
#include "bot/hub.h"
#include "crypto/secret.h"
#include "net/http_pool.h"
#include "net/tls.h"
#include "script/dialect.h"
#include "store/store.h"
#include "tenant/identity.h"
#include "tenant/registry.h"
#include "tenant/vault.h"
#include "venue/feed_remote.h"
#include "venue/remote_limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_ENVIRONMENT "testnet"

struct site {
  struct site *next;
  char venue[ACCOUNT_VENUE_SIZE], environment[DIALECT_NAME_MAX], category[DIALECT_NAME_MAX];  // category "": the dialect's first
  struct remote_site *remote;
  char refused[65];  // hash of the dialect that it cannot work with; told once
};
struct venue_desk {
  struct api_core *core;
  struct http_pool *pool;
  struct tls_client *tls;
  struct remote_limits *limits;
  const char *const *urls;
  struct site *sites;
};

static void log_line(void *arg, const char *text) {
  const struct venue_desk *d = arg;
  api_log(d->core, "info", "venue", json_pack("{s:s}", "text", text));
}

enum status venue_desk_create(struct api_core *core, const struct venue_desk_options *options, struct venue_desk **ret, struct err *err) {
  struct venue_desk *d = calloc(1, sizeof *d);
  if (!d) return err_set(err, ERR_NOMEM, "no memory for venues");
  d->core = core;
  d->urls = options->urls;
  enum status st = http_pool_create(core->loop, &(struct http_pool_options){0}, &d->pool, err);
  if (st == OK) st = remote_limits_create(&d->limits, err);
  if (st == OK) st = tls_client_create(options->ca_file, &d->tls, err);
  if (st != OK) {
    venue_desk_destroy(d);
    return st;
  }
  return *ret = d, OK;
}

void venue_desk_destroy(struct venue_desk *d) {
  if (!d) return;
  for (struct site *s = d->sites, *next; s; s = next) {
    next = s->next;
    remote_site_destroy(s->remote);
    free(s);
  }
  remote_limits_destroy(d->limits);
  http_pool_destroy(d->pool);
  if (d->tls) tls_client_release(d->tls);
  free(d);
}

// ---- sites

static const struct active_script *dialect_of(const struct venue_desk *d, const char *venue) {
  return snapshot_find(registry_snapshot(d->core->registry), SCRIPT_DIALECT, venue);
}
bool venue_desk_knows(const struct snapshot *scripts, const char *venue) { return ea_venue(venue) || snapshot_find(scripts, SCRIPT_DIALECT, venue) != NULL; }

static enum status dialect_make(const struct active_script *s, const char *venue, struct dialect **ret, struct err *err) {
  char chunkname[SCRIPT_NAME_SIZE + 8];
  if (!s) return err_set(err, ERR_NOTFOUND, "no dialect speaks to %s: it is put with `perigee script put dialect FILE`", venue);
  snprintf(chunkname, sizeof chunkname, "%s.lua", s->name);
  return dialect_create(chunkname, s->source, s->source_len, NULL, ret, err);
}

static const char *url_of(const struct venue_desk *d, const char *venue) {
  const size_t len = strlen(venue);
  for (const char *const *u = d->urls; u && *u; u++)
    if (strncmp(*u, venue, len) == 0 && (*u)[len] == '=') return *u + len + 1;
  return NULL;
}

// An activated dialect becomes the site's.
static enum status renew(const struct venue_desk *d, struct site *s, struct err *err) {
  const struct active_script *active = dialect_of(d, s->venue);
  struct dialect *fresh;
  if (!active || strcmp(active->sha256, remote_site_info(s->remote)->sha256) == 0) return OK;
  enum status st = dialect_make(active, s->venue, &fresh, err);
  if (st == OK) st = remote_site_reload(s->remote, fresh, err);
  if (st == OK) api_log(d->core, "info", "venue_dialect", json_pack("{s:s, s:s, s:I}", "venue", s->venue, "environment", s->environment, "version", (json_int_t)active->version));
  return st;
}

void venue_desk_look(struct venue_desk *d) {
  struct err err;
  for (struct site *s = d->sites; s; s = s->next) {
    const struct active_script *active = dialect_of(d, s->venue);
    if (!active || strcmp(active->sha256, s->refused) == 0 || renew(d, s, &err) == OK) continue;
    snprintf(s->refused, sizeof s->refused, "%s", active->sha256);
    api_log(d->core, "error", "venue_dialect", json_pack("{s:s, s:s, s:s}", "venue", s->venue, "environment", s->environment, "error", err.msg));
  }
}

static enum status site_get(struct venue_desk *d, const char *venue, const char *environment, const char *category, struct site **ret, struct err *err) {
  for (struct site *s = d->sites; s; s = s->next)
    if (strcmp(s->venue, venue) == 0 && strcmp(s->environment, environment) == 0 && strcmp(s->category, category) == 0) return *ret = s, renew(d, s, err);
  struct remote_site_options options = {.loop = d->core->loop, .pool = d->pool, .tls = d->tls, .limits = d->limits, .environment = environment, .category = *category ? category : NULL, .url = url_of(d, venue), .log = log_line, .log_arg = d};
  struct site *s = calloc(1, sizeof *s);
  if (!s) return err_set(err, ERR_NOMEM, "no memory for a venue");
  snprintf(s->venue, sizeof s->venue, "%s", venue);
  snprintf(s->environment, sizeof s->environment, "%s", environment);
  snprintf(s->category, sizeof s->category, "%s", category);
  enum status st = dialect_make(dialect_of(d, venue), venue, &options.dialect, err);
  if (st == OK) st = remote_site_create(&options, &s->remote, err);
  if (st != OK) {
    free(s);
    return st;
  }
  s->next = d->sites;
  d->sites = s;
  return *ret = s, OK;
}

// ---- market data

static size_t fundings(void *feed, const char *symbol, int64_t after_ns, int64_t through_ns, struct funding ret[HUB_FUNDINGS_MAX]) {
  return feed_remote_fundings(feed, symbol, after_ns, through_ns, ret, HUB_FUNDINGS_MAX);
}

enum status venue_desk_feed(struct venue_desk *d, const struct hub_remote *want, struct hub_feed_config *ret, struct err *err) {
  struct site *site;
  const char *category = want->category ? want->category : "";
  char venue[ACCOUNT_VENUE_SIZE];
  if (strlen(want->venue) >= sizeof venue || strlen(category) >= sizeof site->category) return err_set(err, ERR_INVALID, "remote: a name that is too long");
  strcpy(venue, want->venue);
  char *dash = venue_desk_knows(registry_snapshot(d->core->registry), venue) ? NULL : strrchr(venue, '-');  // "bybit-spot"
  if (dash) *dash = '\0';
  if (dash && !want->category) category = dash + 1;
  const enum status st = site_get(d, venue, want->environment ? want->environment : DEFAULT_ENVIRONMENT, category, &site, err);
  if (st != OK) return st;
  snprintf(ret->category, sizeof ret->category, "%s", remote_site_category(site->remote));
  ret->ready = feed_remote_ready;
  ret->symbol = feed_remote_symbol;
  ret->fundings = fundings;
  const enum status made = feed_remote_create(&(struct feed_remote_config){.site = site->remote, .ticks = want->ticks, .wake = want->wake, .self = want->wake_self}, &ret->feed, err);
  ret->fundings_self = ret->feed.self;
  return made;
}

// ---- settings

static const char *environment_of(const json_t *settings) {
  const char *e = json_string_value(json_object_get(settings, "environment"));
  return e ? e : DEFAULT_ENVIRONMENT;
}

static const char *category_of(const json_t *settings) {
  const char *c = json_string_value(json_object_get(settings, "category"));
  return c ? c : "";
}

static bool limited(const json_t *settings, const char *name) {
  const char *v = json_string_value(json_object_get(settings, name));
  return v && strtod(v, NULL) > 0;
}

// Real money: agreed to in so many words, and bounded.
static enum status live_agreed(const json_t *settings, struct err *err) {
  static const char *const needed[] = {"max_order", "max_exposure", "day_loss"};
  if (!json_is_true(json_object_get(settings, "risk_acknowledged")))
    return err_set(err, ERR_INVALID, "/risk_acknowledged: live trading moves real money: set it to true, or choose another environment");
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
    if (!limited(settings, needed[i])) return err_set(err, ERR_INVALID, "/%s: live trading needs this limit", needed[i]);
  return OK;
}

enum status venue_desk_settings_check(const struct snapshot *scripts, const char *venue, const json_t *settings, struct err *err) {
  struct dialect *dialect;
  if (ea_venue(venue)) {
    if (!ea_environment_ok(environment_of(settings))) return err_set(err, ERR_INVALID, "/environment: %s has demo, live, not %s", venue, environment_of(settings));
    return strcmp(environment_of(settings), "live") == 0 ? live_agreed(settings, err) : OK;
  }
  enum status st = dialect_make(snapshot_find(scripts, SCRIPT_DIALECT, venue), venue, &dialect, err);
  if (st != OK) return st;
  const struct dialect_info *info = dialect_info(dialect);
  const char *wanted = environment_of(settings);
  char names[DIALECT_ENVIRONMENTS_MAX * (DIALECT_NAME_MAX + 2)] = "";
  bool there = false;
  for (int i = 0; i < info->environment_count; i++) {
    there |= strcmp(info->environments[i].name, wanted) == 0;
    snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", i ? ", " : "", info->environments[i].name);
  }
  char kinds[DIALECT_CATEGORIES_MAX * (DIALECT_NAME_MAX + 2)] = "";
  bool traded = category_of(settings)[0] == '\0';
  for (int i = 0; i < info->category_count; i++) {
    traded |= strcmp(info->categories[i], category_of(settings)) == 0;
    snprintf(kinds + strlen(kinds), sizeof kinds - strlen(kinds), "%s%s", i ? ", " : "", info->categories[i]);
  }
  if (!there) st = err_set(err, ERR_INVALID, "/environment: %s has %s, not %s", venue, names, wanted);
  else if (!traded) st = err_set(err, ERR_INVALID, "/category: %s has %s, not %s", venue, kinds, category_of(settings));
  else if (strcmp(wanted, "live") == 0) st = live_agreed(settings, err);
  dialect_destroy(dialect);
  return st;
}

// ---- credentials

// Fields of the vault by the names that customers use for them.
static const struct { const char *credential, *field, *alias; size_t at; } fields[] = {
  {"key", "api_key", "key", offsetof(struct remote_credentials, key)},
  {"secret", "api_secret", "secret", offsetof(struct remote_credentials, secret)},
  {"passphrase", "passphrase", "password", offsetof(struct remote_credentials, passphrase)}};
enum { FIELDS = sizeof fields / sizeof *fields };

static enum status read_field(const struct venue_desk *d, int64_t tenant_id, int64_t account_id, const char *name, char value[VAULT_SECRET_MAX + 1], struct err *err) {
  size_t len = 0;
  const enum status st = vault_get(identity_keys(d->core->identity), store_reader(d->core->store, STORE_CONTROL), tenant_id, account_id, name, value, &len, err);
  if (st == OK) value[len] = '\0';
  return st;
}

static enum status read_credentials(const struct venue_desk *d, const struct dialect_info *info, int64_t tenant_id, int64_t account_id,
  char values[FIELDS][VAULT_SECRET_MAX + 1], struct remote_credentials *ret, struct err *err) {
  for (int i = 0; i < info->credential_count; i++)
    for (int f = 0; f < FIELDS; f++) {
      if (strcmp(info->credentials[i], fields[f].credential) != 0) continue;
      enum status st = read_field(d, tenant_id, account_id, fields[f].field, values[f], err);
      if (st == ERR_NOTFOUND) st = read_field(d, tenant_id, account_id, fields[f].alias, values[f], err);
      if (st == ERR_NOTFOUND) return err_set(err, ERR_NOTFOUND, "the account has no secret \"%s\": put it with PUT /accounts/{id}/secrets", fields[f].field);
      if (st != OK) return st;
      *(const char **)((char *)ret + fields[f].at) = values[f];
    }
  return OK;
}

// ---- sessions

static enum status open_session(struct venue_desk *d, const struct account_row *row, const struct venue_desk_wish *wish, const struct venue_events *events, void *to,
  struct venue *ret, struct err *err) {
  struct site *site = NULL;
  json_t *settings = json_loads(row->settings, 0, NULL);
  char environment[DIALECT_NAME_MAX], category[DIALECT_NAME_MAX];
  snprintf(environment, sizeof environment, "%s", environment_of(settings));
  snprintf(category, sizeof category, "%s", category_of(settings));
  enum status st = strcmp(environment, "live") == 0 ? live_agreed(settings, err) : OK;
  json_decref(settings);
  if (st == OK && ea_venue(row->venue)) return ea_desk_session(d->core->eas, row, wish, events, to, ret, err);
  if (st == OK) st = site_get(d, row->venue, environment, category, &site, err);
  if (st != OK) return st;
  char (*values)[VAULT_SECRET_MAX + 1] = calloc(FIELDS, sizeof *values);
  if (!values) return err_set(err, ERR_NOMEM, "no memory for credentials");
  char label[48];
  snprintf(label, sizeof label, "account %lld", (long long)row->id);
  struct remote_session_options options = {.label = label, .read_only = wish->read_only, .no_streams = wish->no_streams, .probe = wish->probe};
  st = read_credentials(d, remote_site_info(site->remote), row->tenant_id, row->id, values, &options.credentials, err);
  if (st == OK) st = remote_session_create(site->remote, &options, events, to, ret, err);
  secret_wipe(values, FIELDS * sizeof *values);
  free(values);
  return st;
}

enum status venue_desk_session(struct venue_desk *d, int64_t tenant_id, int64_t account_id, const struct venue_desk_wish *wish, const struct venue_events *events, void *to,
  struct venue *ret, struct err *err) {
  struct account_row row;
  const enum status st = account_get(store_reader(d->core->store, STORE_CONTROL), tenant_id, account_id, &row, err);
  if (st != OK) return st;
  if (strcmp(row.venue, ACCOUNT_PAPER) == 0) return err_set(err, ERR_INVALID, "a paper account has no venue");
  return open_session(d, &row, wish, events, to, ret, err);
}

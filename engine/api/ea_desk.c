// api/ea_desk.c – see ea_desk.h.
#include "api/ea_desk.h"

#include "api/core.h"
#include "api/hooks.h"
#include "api/venue_desk.h"
#include "bot/hub.h"
#include "crypto/encode.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "ea/feed.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "store/id.h"
#include "store/store.h"
#include "tenant/identity.h"
#include "tenant/vault.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
  struct entry *next;
  struct ea_client client;
  uint8_t token_hash[SHA256_BYTES];
  struct loop_timer *timer;    // of the poll that is held; NULL: none ever was
  api_phase resume;
  bool known;                  // token, key and numbers are those of the row
};
struct ea_desk {
  struct api_core *core;
  struct entry *entries;
};

bool ea_venue(const char *venue) { return strcmp(venue, EA_VENUE_MT4) == 0 || strcmp(venue, EA_VENUE_MT5) == 0; }
bool ea_environment_ok(const char *environment) { return strcmp(environment, "demo") == 0 || strcmp(environment, "live") == 0 || strcmp(environment, "testnet") == 0; }

static struct db *reader(const struct ea_desk *d) { return store_reader(d->core->store, STORE_CONTROL); }

// ---- keys

static void fresh(char ret[EA_TOKEN_SIZE]) {
  uint8_t bytes[EA_TOKEN_BYTES];
  random_bytes(bytes, sizeof bytes);
  base64url_encode(bytes, sizeof bytes, ret);
  secret_wipe(bytes, sizeof bytes);
}

enum status ea_keys_make(struct api_call *call, struct db *db, int64_t account_id, json_t **ret) {
  char token[EA_TOKEN_SIZE], secret[EA_TOKEN_SIZE], path[96];
  struct ea_link_row row = {.account_id = account_id, .tenant_id = call->who.tenant_id, .created_ns = call->now_ns, .updated_ns = call->now_ns};
  fresh(token);
  fresh(secret);
  hook_token_hash(token, strlen(token), row.token_hash);
  enum status st = vault_put(identity_keys(call->core->identity), db, row.tenant_id, account_id, EA_SECRET_FIELD, secret, strlen(secret), call->now_ns, &call->err);
  if (st == OK) st = ea_link_put(db, &row, &call->err);
  snprintf(path, sizeof path, API_PREFIX "/ea/%s", token);
  if (st == OK) {
    *ret = json_pack("{s:s, s:s, s:s}", "token", token, "secret", secret, "path", path);
    if (!*ret) st = err_set(&call->err, ERR_NOMEM, "out of memory");
  }
  secret_wipe(secret, sizeof secret);
  return st;
}

// ---- who is there

static struct entry *by_account(const struct ea_desk *d, int64_t account_id) {
  struct entry *e = d->entries;
  while (e && e->client.account_id != account_id) e = e->next;
  return e;
}

struct ea_client *ea_desk_by_account(struct ea_desk *d, int64_t account_id) {
  struct entry *e = d ? by_account(d, account_id) : NULL;
  return e ? &e->client : NULL;
}

void ea_desk_forget(struct ea_desk *d, int64_t account_id) {
  struct entry *e = d ? by_account(d, account_id) : NULL;
  if (e) e->known = false;
}

static void log_line(void *arg, int64_t account_id, const char *event, const char *text) {
  const struct ea_desk *d = arg;
  api_log(d->core, "warning", event, json_pack("{s:o, s:s}", "account", api_id("acc", account_id), "text", text));
}

// ---- a poll that waits for a command

static struct entry *entry_of(const struct ea_client *client) { return (struct entry *)((char *)(uintptr_t)client - offsetof(struct entry, client)); }

static void release(struct entry *e) {
  struct api_call *call = e->client.held;
  if (e->timer) loop_timer_stop(e->timer);
  e->client.held = NULL;
  if (call) api_resume(call, e->resume);
}
static void waited(void *arg) { release(arg); }
static void command_waits(void *arg, struct ea_bridge *b) {
  const struct ea_desk *d = arg;
  for (struct entry *e = d->entries; e; e = e->next)
    if (e->client.bridge == b) release(e);
}

void ea_desk_release(struct ea_desk *d, struct ea_client *client) {
  (void)d;
  release(entry_of(client));
}

enum status ea_desk_hold(struct ea_desk *d, struct ea_client *client, struct api_call *call, int64_t wait_ms, api_phase resume) {
  struct entry *e = entry_of(client);
  const enum status st = e->timer ? OK : loop_timer_create(d->core->loop, waited, e, &e->timer, &call->err);
  if (st != OK) return st;
  client->held = call;
  e->resume = resume;
  loop_timer_start(e->timer, wait_ms, 0);
  return api_wait(call);
}

static enum status entry_get(struct ea_desk *d, int64_t account_id, struct entry **ret, struct err *err) {
  struct entry *e = by_account(d, account_id);
  if (e) return *ret = e, OK;
  e = calloc(1, sizeof *e);
  if (!e) return err_set(err, ERR_NOMEM, "no memory for a terminal");
  e->client.account_id = account_id;
  const struct ea_bridge_options options = {.loop = d->core->loop, .account_id = account_id, .log = log_line, .waiting = command_waits, .arg = d};
  const enum status st = ea_bridge_create(&options, &e->client.bridge, err);
  if (st != OK) {
    free(e);
    return st;
  }
  e->next = d->entries;
  d->entries = e;
  return *ret = e, OK;
}

static void terms(struct ea_bridge *b, const struct account_row *account) {
  json_t *settings = json_loads(account->settings, 0, NULL);
  const char *environment = json_string_value(json_object_get(settings, "environment")), *currency = json_string_value(json_object_get(settings, "currency"));
  ea_bridge_terms(b, environment && strcmp(environment, "live") == 0 && json_is_true(json_object_get(settings, "risk_acknowledged")), currency ? currency : "");
  json_decref(settings);
}

static enum status load(struct ea_desk *d, const struct ea_link_row *row, struct entry **ret, struct err *err) {
  struct account_row account;
  char secret[VAULT_SECRET_MAX];
  size_t len = 0;
  enum status st = account_get(reader(d), row->tenant_id, row->account_id, &account, err);
  if (st == OK) st = vault_get(identity_keys(d->core->identity), reader(d), row->tenant_id, row->account_id, EA_SECRET_FIELD, secret, &len, err);
  if (st == OK && len >= EA_SECRET_SIZE) st = err_set(err, ERR_INVALID, "the secret of a terminal is none");
  if (st == OK) st = entry_get(d, row->account_id, ret, err);
  if (st == OK) {
    struct ea_client *c = &(*ret)->client;
    c->tenant_id = row->tenant_id, c->hook_id = row->hook_id;
    memcpy(c->venue, account.venue, sizeof c->venue);
    memcpy(c->login, row->login, sizeof c->login);
    memcpy(c->server, row->server, sizeof c->server);
    memcpy(c->secret, secret, len);
    c->secret[len] = '\0';
    // The same token: numbers that were taken since they were last reserved stay taken.
    if (memcmp((*ret)->token_hash, row->token_hash, sizeof row->token_hash) != 0) ea_numbers_init(&c->numbers, row->sequence);
    memcpy((*ret)->token_hash, row->token_hash, sizeof row->token_hash);
    terms(c->bridge, &account);
    (*ret)->known = true;
  }
  secret_wipe(secret, sizeof secret);
  return st;
}

enum status ea_desk_client(struct ea_desk *d, const char *token, struct ea_client **ret, struct err *err) {
  uint8_t hash[SHA256_BYTES];
  struct ea_link_row row;
  struct entry *e;
  hook_token_hash(token, strlen(token), hash);
  for (e = d->entries; e; e = e->next)
    if (e->known && memcmp(e->token_hash, hash, sizeof hash) == 0) return *ret = &e->client, OK;
  enum status st = ea_link_by_token(reader(d), hash, &row, err);
  if (st == OK) st = load(d, &row, &e, err);
  if (st == OK) *ret = &e->client;
  return st;
}

enum status ea_desk_session(struct ea_desk *d, const struct account_row *account, const struct venue_desk_wish *wish, const struct venue_events *events, void *to, struct venue *ret, struct err *err) {
  struct entry *e;
  const enum status st = entry_get(d, account->id, &e, err);
  if (st != OK) return st;
  terms(e->client.bridge, account);
  return ea_bridge_session(e->client.bridge, &(struct ea_session_wish){.read_only = wish->read_only, .no_events = wish->no_streams}, events, to, ret, err);
}

// "mt5-ea-acc_…"
static bool market_parse(const char *market, int64_t *ret_account_id) {
  static const char *const venues[] = {EA_VENUE_MT4 "-", EA_VENUE_MT5 "-"};
  for (size_t i = 0; i < sizeof venues / sizeof *venues; i++) {
    const size_t n = strlen(venues[i]);
    if (strncmp(market, venues[i], n) == 0 && id_parse("acc", market + n, strlen(market + n), ret_account_id)) return true;
  }
  return false;
}

bool ea_desk_market(const char *venue, int64_t account_id, char *ret, size_t ret_size) {
  char id[ID_TEXT_SIZE];
  id_format("acc", account_id, id);
  return (size_t)snprintf(ret, ret_size, "%s-%s", venue, id) < ret_size;
}

bool ea_desk_sells(const char *market) { return ea_venue(market) || market_parse(market, &(int64_t){0}); }

enum status ea_desk_feed(struct ea_desk *d, const struct hub_remote *want, struct hub_feed_config *ret, struct err *err) {
  int64_t account_id;
  struct entry *e;
  if (!market_parse(want->venue, &account_id)) return err_set(err, ERR_USAGE, "remote: the prices of %s are each account's own, and come by themselves", want->venue);
  const enum status st = entry_get(d, account_id, &e, err);
  if (st != OK) return st;
  ret->ready = ea_feed_ready;
  ret->symbol = ea_feed_symbol;
  ret->ticks_beside = true;
  return ea_feed_create(&(struct ea_feed_config){.bridge = e->client.bridge, .wake = want->wake, .self = want->wake_self}, &ret->feed, err);
}

static json_t *decimal_json(struct decimal d) {
  char text[DECIMAL_TEXT_MAX];
  decimal_format(d, text);
  return json_string(text);
}

static json_t *account_json(const struct ea_account *a) {
  return a ? json_pack("{s:o, s:o, s:o, s:o}", "balance", decimal_json(a->balance), "equity", decimal_json(a->equity), "margin", decimal_json(a->margin), "free", decimal_json(a->free)) : json_null();
}

static json_t *positions_json(const struct ea_position *list, size_t count) {
  json_t *ret = json_array();
  for (size_t i = 0; i < count; i++)
    json_array_append_new(ret, json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "ticket", list[i].ticket, "symbol", list[i].symbol, "side", side_text(list[i].side), "volume", decimal_json(list[i].volume),
      "price", decimal_json(list[i].price), "profit", decimal_json(list[i].profit)));
  return ret;
}

json_t *ea_link_json(struct api_core *core, const struct ea_link_row *row) {
  const struct ea_client *c = ea_desk_by_account(core->eas, row->account_id);
  const struct ea_view v = c ? ea_bridge_view(c->bridge) : (struct ea_view){0};
  const char *state = !c || !v.heard_ns ? (row->login[0] ? "away" : "never") : v.up ? "connected" : "away";
  json_t *commands = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "waiting", (json_int_t)v.waiting, "out", (json_int_t)v.out, "unknown", (json_int_t)v.unknown, "handed", (json_int_t)v.handed, "done",
    (json_int_t)v.done, "refused", (json_int_t)v.refused, "lapsed", (json_int_t)v.lapsed, "dropped", (json_int_t)v.dropped);
  return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:i, s:I, s:o, s:o, s:o, s:o, s:o}", "state", state, "login", row->login, "server", row->server, "platform", v.greeted ? v.hello->platform : "", "version",
    v.greeted ? v.hello->version : "", "currency", v.greeted ? v.hello->currency : "", "hedging", v.greeted && v.hello->hedging, "real", v.greeted && v.hello->real, "trading", v.trading, "symbols",
    v.greeted ? (int)v.hello->symbol_count : 0, "sequence", (json_int_t)(c && c->numbers.last ? c->numbers.last : row->sequence), "heard_at_ms", api_ms(v.heard_ns), "hook_id", api_id("hok", row->hook_id), "account",
    account_json(v.account), "positions", positions_json(v.positions, v.position_count), "commands", commands);
}

// ---- figures

static struct ea_view sum_of(const void *arg, double *ret_up) {
  const struct ea_desk *d = arg;
  struct ea_view all = {0};
  for (const struct entry *e = d->entries; e; e = e->next) {
    const struct ea_view v = ea_bridge_view(e->client.bridge);
    *ret_up += v.up;
    all.reports += v.reports, all.handed += v.handed, all.done += v.done, all.refused += v.refused, all.lapsed += v.lapsed, all.dropped += v.dropped;
  }
  return all;
}
static double connected(void *arg) {
  double up = 0;
  (void)sum_of(arg, &up);
  return up;
}
#define COUNTER(name) \
  static double name(void *arg) { return (double)sum_of(arg, &(double){0}).name; }
COUNTER(reports)
COUNTER(handed)
COUNTER(done)
COUNTER(refused)
COUNTER(lapsed)
COUNTER(dropped)
#undef COUNTER

static void count(struct api_core *core, struct ea_desk *d) {
  static const struct { const char *name, *help, *type; double (*read)(void *); } figures[] = {
    {"terminals_connected", "Terminals of MetaTrader that were heard of in the last 15 seconds", "gauge", connected},
    {"terminal_reports_total", "Reports of terminals", "counter", reports},
    {"terminal_commands_handed_total", "Commands handed out to terminals", "counter", handed},
    {"terminal_commands_done_total", "Of them, those that the terminal did", "counter", done},
    {"terminal_commands_refused_total", "Those that it, or its broker, refused, and those that came too late", "counter", refused},
    {"terminal_commands_lapsed_total", "Those that were not answered in time", "counter", lapsed},
    {"terminal_commands_dropped_total", "Commands that no terminal fetched in time, and that never went out", "counter", dropped}};
  for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) metrics_gauge(core->metrics, (struct metrics_gauge){figures[i].name, figures[i].help, figures[i].type, figures[i].read, d});
}

enum status ea_desk_create(struct api_core *core, struct ea_desk **ret, struct err *err) {
  struct ea_desk *d = calloc(1, sizeof *d);
  if (!d) return err_set(err, ERR_NOMEM, "no memory for terminals");
  d->core = core;
  if (core->metrics) count(core, d);
  return *ret = d, OK;
}

void ea_desk_destroy(struct ea_desk *d) {
  if (!d) return;
  if (d->core->metrics) metrics_gauge_forget(d->core->metrics, d);
  for (struct entry *e = d->entries, *next; e; e = next) {
    next = e->next;
    if (e->timer) loop_timer_destroy(e->timer);
    ea_bridge_destroy(e->client.bridge);
    secret_wipe(e->client.secret, sizeof e->client.secret);
    free(e);
  }
  free(d);
}

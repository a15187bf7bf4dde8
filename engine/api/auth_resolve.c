// api/auth_resolve.c – who asks: an operator on the unix socket, an access token, an API key, the console's cookie; and whether
// they may. Roles are those of now, not of when a token was made, so that a change holds at the next request.
#include "api/admin_system.h"
#include "api/core.h"
#include "api/format.h"
#include "api/tier.h"
#include "crypto/encode.h"
#include "crypto/hmac.h"
#include "crypto/secret.h"
#include "loop/clock.h"
#include "market/bar.h"
#include "store/backtest_rows.h"
#include "store/bot_rows.h"
#include "store/id.h"
#include "store/org_rows.h"
#include "store/store.h"
#include "tenant/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define KEY_USE_NOTED_NS (INT64_C(60) * 1000000000)

// ---- which tenant, and as what

// The tenant a request is about: of the path, else of the header, else the credential's own. False: named and no id.
static bool tenant_wanted(const struct api_call *call, int64_t own, int64_t *ret) {
  *ret = own;
  const char *header = call->req->field(call->req, "perigee-tenant");
  if (header && !id_parse("org", header, strlen(header), ret)) return false;
  for (int i = 0; i < call->match.param_count; i++)
    if (strncmp(call->match.params[i].name, "org_id}", 7) == 0 && !id_parse("org", call->match.params[i].value, call->match.params[i].len, ret)) return false;
  return true;
}

// The server's own user owns the database: asking them for a password would protect nothing.
static enum problem operator_of(struct api_call *call) {
  call->who = (struct api_who){.kind = WHO_OPERATOR, .may = {.role = ROLE_SUPER_ADMIN, .member_role = MEMBER_OWNER, .mfa = true}};
  if (!tenant_wanted(call, 0, &call->who.tenant_id)) return PROBLEM_not_found;
  struct tenant_row row;
  if (call->who.tenant_id == 0 || tenant_get(store_reader(call->core->store, STORE_CONTROL), call->who.tenant_id, &row, &call->err) == OK) return PROBLEM_NONE;
  return PROBLEM_not_found;
}

// What standing_get said, for as long as nothing was committed since: a look-up in SQLite costs more than all else that is done
// for a request, and between two writes it says the same.
struct standing_entry {
  int64_t user_id, tenant_id;
  uint64_t commits;
  struct standing standing;
};

static enum status standing_of(struct api_core *core, int64_t user_id, int64_t tenant_id, struct standing *ret, struct err *err) {
  if (!core->standings) core->standings = calloc(STANDINGS, sizeof *core->standings);
  const uint64_t commits = store_stats(core->store, STORE_CONTROL).commits + 1;  // 0 marks an empty entry
  const uint64_t hash = ((uint64_t)user_id ^ (uint64_t)tenant_id << 1) * UINT64_C(0x9e3779b97f4a7c15);
  struct standing_entry *e = core->standings ? &core->standings[hash >> 54] : NULL;
  if (e && e->commits == commits && e->user_id == user_id && e->tenant_id == tenant_id) {
    *ret = e->standing;
    return OK;
  }
  enum status st = standing_get(store_reader(core->store, STORE_CONTROL), user_id, tenant_id, ret, err);
  if (st == OK && e) *e = (struct standing_entry){user_id, tenant_id, commits, *ret};
  return st;
}

// Fills in the roles of now. PROBLEM_unauthenticated: user suspended or erased. Not being a member leaves member_role at none.
static enum problem standing(struct api_core *core, struct api_who *who, struct err *err) {
  struct standing s;
  enum status st = standing_of(core, who->user_id, who->tenant_id, &s, err);
  if (st == ERR_NOTFOUND || (st == OK && !s.active)) return PROBLEM_unauthenticated;
  if (st != OK) return PROBLEM_unavailable;
  who->may.role = (enum role)s.role;
  who->may.member_role = (enum member_role)s.member_role;
  return PROBLEM_NONE;
}

// ---- credentials

static enum problem by_access_token(struct api_core *core, const char *token, size_t len, struct api_who *ret) {
  struct access a;
  switch (access_token_check(core->identity, token, len, clock_wall_ns(), &a)) {
    case ACCESS_GOOD: break;
    case ACCESS_EXPIRED: return PROBLEM_token_expired;
    case ACCESS_BAD:
    case ACCESS_ENDED: return PROBLEM_unauthenticated;
  }
  *ret = (struct api_who){.kind = WHO_SESSION, .user_id = a.actor.user_id, .tenant_id = a.actor.tenant_id, .session_id = a.actor.session_id, .actor_id = a.actor.actor_id,
                          .may = {.mfa = a.actor.mfa, .impersonated = a.actor.actor_id != 0}, .expires_s = a.expires_s};
  return PROBLEM_NONE;
}

struct key_use {
  int64_t id, now_ns;
};
static enum status note_use(struct db *db, void *arg, struct err *err) {
  const struct key_use *u = arg;
  return key_used(db, u->id, u->now_ns, err);
}
static void noted(void *arg, enum status st, const struct err *err) {
  (void)st, (void)err;  // when a key was used last is worth no failure
  free(arg);
}

static enum problem by_api_key(struct api_core *core, const char *token, size_t len, const char *address, struct api_who *ret, struct err *err) {
  struct key_row row;
  bool good;
  const int64_t now_ns = clock_wall_ns();
  if (api_key_check(store_reader(core->store, STORE_CONTROL), token, len, address, now_ns, &good, &row, err) != OK) return PROBLEM_unavailable;
  if (!good) return PROBLEM_unauthenticated;
  *ret = (struct api_who){.kind = WHO_KEY, .user_id = row.user_id, .tenant_id = row.tenant_id, .key_id = row.id,
                          .may = {.by_key = true, .scopes = row.scopes, .mfa = row.mfa}, .expires_s = row.expires_ns / 1000000000};
  struct key_use *use = row.last_used_ns < now_ns - KEY_USE_NOTED_NS ? malloc(sizeof *use) : NULL;
  if (use) {
    *use = (struct key_use){row.id, now_ns};
    store_write(core->store, STORE_CONTROL, note_use, noted, use);
  }
  return PROBLEM_NONE;
}

static enum problem by_token(struct api_core *core, const char *token, size_t len, const char *address, struct api_who *ret, struct err *err) {
  const bool key = len > sizeof TOKEN_KEY - 1 && memcmp(token, TOKEN_KEY, sizeof TOKEN_KEY - 1) == 0;
  return key ? by_api_key(core, token, len, address, ret, err) : by_access_token(core, token, len, ret);
}

// ---- the console's cookie

static const char *cookie_in(const char *header, const char *name, size_t *ret_len) {
  const size_t n = strlen(name);
  while (header && *header) {
    header += strspn(header, " ;");
    const size_t len = strcspn(header, ";");
    if (len > n && strncmp(header, name, n) == 0 && header[n] == '=') {
      *ret_len = len - n - 1;
      return header + n + 1;
    }
    header += len;
  }
  return NULL;
}

const char *api_cookie(const struct api_call *call, const char *name, size_t *ret_len) { return cookie_in(call->req->field(call->req, "cookie"), name, ret_len); }

void api_csrf_token(const struct api_core *core, int64_t session_id, char ret_token[44]) {
  uint8_t mac[HMAC_SHA256_BYTES];
  hmac_sha256(core->csrf_key, sizeof core->csrf_key, &session_id, sizeof session_id, mac);
  base64url_encode(mac, sizeof mac, ret_token);
}

// A browser sends the cookie with whatever page asks it to; only our own pages know the token, and say where they are.
static bool from_console(const struct api_call *call) {
  if (strcmp(call->req->method, "GET") == 0 || strcmp(call->req->method, "HEAD") == 0) return true;
  const char *site = call->req->field(call->req, "sec-fetch-site"), *token = call->req->field(call->req, "x-csrf-token");
  if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0) return false;
  char want[44];
  api_csrf_token(call->core, call->who.session_id, want);
  return token && strlen(token) == 43 && secret_equal(token, want, 43);
}

static enum problem credentials(struct api_call *call) {
  struct api_core *core = call->core;
  const char *header = call->req->field(call->req, "authorization");
  size_t len;
  if (header) {
    if (strncasecmp(header, "Bearer ", 7) != 0) return PROBLEM_unauthenticated;
    return by_token(core, header + 7, strlen(header + 7), call->req->address, &call->who, &call->err);
  }
  const char *cookie = api_cookie(call, API_COOKIE, &len);
  if (!cookie) return call->route->auth == AUTH_USER ? PROBLEM_unauthenticated : PROBLEM_NONE;
  enum problem p = by_access_token(core, cookie, len, &call->who);
  if (p != PROBLEM_NONE) {
    call->who = (struct api_who){0};
    return call->route->auth == AUTH_OPTIONAL ? PROBLEM_NONE : p;
  }
  call->who.cookie = true;
  return from_console(call) ? PROBLEM_NONE : PROBLEM_csrf_failed;
}

static enum problem on_behalf(struct api_call *call) {
  const struct api_behalf *b = call->req->behalf;
  call->who = (struct api_who){.kind = WHO_KEY, .user_id = b->user_id, .tenant_id = b->tenant_id, .may = {.by_key = true, .scopes = KEY_SCOPE_READ | KEY_SCOPE_TRADE}};
  const enum problem p = standing(call->core, &call->who, &call->err);
  if (p != PROBLEM_NONE) return p;
  return call->who.may.member_role == MEMBER_NONE ? PROBLEM_not_found : api_meter_request(call);
}

enum problem api_authenticate(struct api_call *call) {
  struct api_core *core = call->core;
  if (call->req->behalf) return on_behalf(call);
  if (call->req->is_local && !call->req->field(call->req, "authorization")) return operator_of(call);
  if (call->route->auth == AUTH_NONE) return PROBLEM_NONE;
  if (!api_guess_allowed(core, call->req->address)) return PROBLEM_rate_limited;
  enum problem p = credentials(call);
  if (p == PROBLEM_unauthenticated && call->req->field(call->req, "authorization")) api_guess_failed(core, call->req->address);
  if (p != PROBLEM_NONE || call->who.kind == WHO_NOBODY) return p;
  const int64_t own = call->who.tenant_id;
  if (!tenant_wanted(call, own, &call->who.tenant_id)) return PROBLEM_not_found;
  // A key was made for one tenant, and is no way into its maker's others.
  if (call->who.kind == WHO_KEY && call->who.tenant_id != own) return PROBLEM_not_found;
  p = standing(core, &call->who, &call->err);
  if (p != PROBLEM_NONE) return p;
  if (call->who.may.member_role == MEMBER_NONE && call->who.tenant_id != own) return PROBLEM_not_found;
  return api_meter_request(call);
}

enum problem api_permit(struct api_call *call) {
  if (call->route->auth != AUTH_USER) return PROBLEM_NONE;
  const enum permission_verdict verdict = permission_check(&call->who.may, call->route->permission);
  if (verdict == PERMISSION_ALLOWED) return PROBLEM_NONE;
  metrics_add(call->core->metrics, METRIC_denied, 1);
  return verdict == PERMISSION_DENIED_MFA ? PROBLEM_second_factor_missing : PROBLEM_forbidden;
}

// ---- the same for WebSockets

static enum problem stream_authenticate(void *arg, const char *token, size_t len, struct api_who *ret) {
  struct api_core *core = arg;
  struct err err;
  enum problem p = by_token(core, token, len, "", ret, &err);
  return p == PROBLEM_NONE ? standing(core, ret, &err) : p;
}

bool api_cookie_who(struct api_core *core, const char *cookies, struct api_who *ret) {
  size_t len;
  struct err err;
  const char *token = cookie_in(cookies, API_COOKIE, &len);
  if (!token || by_access_token(core, token, len, ret) != PROBLEM_NONE) return false;
  ret->cookie = true;
  return standing(core, ret, &err) == PROBLEM_NONE;
}

static void ignore_row(void *arg, const struct backtest_row *row) { (void)arg, (void)row; }

static bool own_work(struct api_core *core, const struct api_who *who, enum backtest_kind kind, const char *prefix, const char *rest) {
  struct err err;
  int64_t id;
  return id_parse(prefix, rest, strlen(rest), &id) && backtest_get(store_reader(core->store, STORE_CONTROL), who->tenant_id, kind, id, false, ignore_row, NULL, &err) == OK;
}
static bool own_backtest(struct api_core *core, const struct api_who *who, const char *rest) { return own_work(core, who, BACKTEST_ONE, "bkt", rest); }
static bool own_optimization(struct api_core *core, const struct api_who *who, const char *rest) { return own_work(core, who, BACKTEST_SEARCH, "opt", rest); }
static bool own_bot(struct api_core *core, const struct api_who *who, const char *rest) {
  struct bot_row row;
  struct err err;
  int64_t id;
  if (!id_parse("bot", rest, strlen(rest), &id) || bot_get(store_reader(core->store, STORE_CONTROL), who->tenant_id, id, &row, &err) != OK) return false;
  bot_row_finish(&row);
  return true;
}
// SYMBOL:TF, whether there is such a market or not: names cost nothing, and what is there now may not be in a minute.
static bool market_name(struct api_core *core, const struct api_who *who, const char *rest) {
  (void)core, (void)who;
  const char *colon = strrchr(rest, ':');
  int64_t timeframe_ns;
  return colon && format_find("symbol")->check(rest, (size_t)(colon - rest)) && timeframe_parse(colon + 1, &timeframe_ns);
}
static bool whole(struct api_core *core, const struct api_who *who, const char *rest) {
  (void)core, (void)who;
  return *rest == '\0';
}

// Channels by their beginnings, what they need, and whether the rest names something of the caller's.
static const struct stream_kind {
  const char *prefix;
  enum permission permission;
  bool (*names)(struct api_core *core, const struct api_who *who, const char *rest);
} stream_kinds[] = {{"backtest:", PERMISSION_backtests_read, own_backtest}, {"optimization:", PERMISSION_backtests_read, own_optimization}, {"bot:", PERMISSION_bots_read, own_bot}, {"orders", PERMISSION_bots_read, whole}, {"signals", PERMISSION_signals_read, whole},
                    {"market:", PERMISSION_markets_read, market_name}, {SYSTEM_CHANNEL, PERMISSION_admin_system_read, whole}, {AUDIT_CHANNEL, PERMISSION_admin_audit_read, whole}};

static enum problem stream_permits(void *arg, const struct api_who *who, const char *channel) {
  for (size_t i = 0; i < sizeof stream_kinds / sizeof *stream_kinds; i++) {
    const struct stream_kind *k = &stream_kinds[i];
    const size_t len = strlen(k->prefix);
    if (strncmp(channel, k->prefix, len) != 0) continue;
    if (!permission_allowed(&who->may, k->permission)) return PROBLEM_forbidden;
    return k->names(arg, who, channel + len) ? PROBLEM_NONE : PROBLEM_not_found;
  }
  return PROBLEM_not_found;
}

static bool take_key_id(void *arg, const struct key_row *row) {
  *(int64_t *)arg = row->id;
  return false;
}

static bool stream_valid(void *arg, const struct api_who *who) {
  struct api_core *core = arg;
  struct err err;
  const int64_t now_ns = clock_wall_ns();
  // Ended sessions are known in memory. The rows behind are asked once a second, half of the clients in each half.
  if (who->kind == WHO_SESSION && identity_session_ended(core->identity, who->session_id, now_ns)) return false;
  if ((now_ns / 500000000 + who->user_id) % 2 != 0) return true;
  struct api_who now = *who;
  if (standing(core, &now, &err) != PROBLEM_NONE || now.may.member_role == MEMBER_NONE) return false;
  if (who->kind != WHO_KEY) return true;
  bool alive = false;  // the newest of the user's keys from this one down is this one
  int64_t found = 0;
  if (key_list(store_reader(core->store, STORE_CONTROL), who->user_id, who->key_id + 1, 1, take_key_id, &found, &err) == OK) alive = found == who->key_id;
  return alive;
}
static const char *const of_tenant[] = {"orders", "signals", NULL};
const struct stream_rules api_stream_rules = {stream_authenticate, stream_permits, stream_valid, NULL, of_tenant};

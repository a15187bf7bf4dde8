// tests/store/service_ops.c – the service's writes, composed of the same functions as its handlers compose them (tenant/, and
// api/ where a handler puts rows together), without HTTP and without the seconds of password hashing.
#include "service_work.h"

#include "crypto/encode.h"
#include "crypto/totp.h"
#include "store/backtest_rows.h"
#include "store/db.h"
#include "store/id.h"
#include "store/idem_rows.h"
#include "tenant/audit.h"
#include "tenant/belonging.h"
#include "tenant/mail.h"
#include "tenant/registry.h"
#include "tenant/second_factor.h"
#include "tenant/signin.h"
#include "tenant/usage.h"
#include "tenant/vault.h"

#include <stdio.h>
#include <string.h>

#define PASSWORD "h4rdly-guessed"
#define HASH "$argon2id$as-if-it-were-one"  // what takes milliseconds runs before a write, and is left out here
#define S INT64_C(1000000000)

// What a client knows of a round: ids and tokens it was told.
struct client {
  int round;
  uint64_t done;  // bit per operation_id
  struct actor ann, bob, lea;
  char first_refresh[TOKEN_SIZE], seed[40];
  int64_t key, org, account, strategy, rule, backtest;
};
struct call {
  enum operation_id op;
  int i;
  struct origin from;
  struct client *client;
  enum identity_refusal refusal;
  char token[TOKEN_SIZE];  // from a mail
  int64_t mail_id;
  struct script_draft draft;
  struct activation *activation;
};

static struct db *reader;
static struct identity *identity;
static struct usage *usage;
static struct registry *registry;
static struct plan plan;
static struct client client;

struct identity *service_identity(void) { return identity; }

static const char *address(const struct call *c, const char *who) {
  static char text[64];
  snprintf(text, sizeof text, "%s%d@example.org", who, c->client->round);
  return text;
}
static const char *name(const struct call *c, const char *what) {
  static char text[64];
  snprintf(text, sizeof text, "%s %d", what, c->client->round);
  return text;
}
static enum status audit(struct call *c, struct db *db, int64_t tenant_id, const char *action, struct err *err) {
  const struct actor *who = &c->client->ann;
  return identity_audit(db, tenant_id, who->user_id, 0, action, NULL, 0, NULL, &c->from, err);
}
static enum status take(struct call *c, struct db *db, enum plan_action action, const char *prefix, int64_t id, struct err *err) {
  struct usage_decision d;
  char key[ID_TEXT_SIZE];
  id_format(prefix, id, key);
  return usage_take(usage, db, &plan, c->client->org, action, key, 1, c->from.now_ns, &d, err);
}

// The token in the newest mail to somebody.
static enum status read_mail(struct db *db, const char *to, const char *prefix, char ret[TOKEN_SIZE], struct err *err) {
  struct db_rows rows;
  static struct outbox_row row;
  char body[MAIL_BODY_MAX + 1] = "";
  enum status st = db_query(db, &rows, err, "SELECT id, body FROM outbox WHERE recipient = ? ORDER BY id DESC LIMIT 1", "t", to);
  if (st == OK && db_next(&rows)) {
    row.id = db_int(&rows, 0);
    const void *sealed = db_blob(&rows, 1, &row.body_len);
    if (row.body_len && row.body_len <= sizeof row.body) memcpy(row.body, sealed, row.body_len);
    snprintf(row.recipient, sizeof row.recipient, "%s", to);
    st = mail_body(identity_keys(identity), &row, body, err);
  }
  st = db_end(&rows, st, err);
  const char *at = strstr(body, prefix);
  if (st == OK && !at) st = err_set(err, ERR_NOTFOUND, "no mail to %s", to);
  if (st == OK) snprintf(ret, TOKEN_SIZE, "%s", at);
  return st;
}

// ---- accounts of people

static enum status registered(struct call *c, struct db *db, const char *who, bool by_operator, struct actor *ret, struct err *err) {
  struct registration r = {.email = address(c, who), .password = PASSWORD, .from = c->from, .by_operator = by_operator};
  struct user_row row;
  registration_prepare(identity, &r);
  snprintf(r.work.hash, sizeof r.work.hash, HASH);
  enum status st = r.refusal == REFUSAL_NONE ? registration_commit(identity, db, &r, err) : OK;
  c->refusal = r.user_id ? r.refusal : REFUSAL_ALREADY;
  if (st == OK && r.user_id) st = user_get(db, r.user_id, &row, err);
  if (st == OK && r.user_id) *ret = (struct actor){.user_id = row.id, .tenant_id = row.tenant_id};
  return st;
}
static enum status w_register(struct call *c, struct db *db, struct err *err) { return registered(c, db, "ann", false, &c->client->ann, err); }
static enum status w_colleague(struct call *c, struct db *db, struct err *err) { return registered(c, db, "bob", true, &c->client->bob, err); }
static enum status w_leaver(struct call *c, struct db *db, struct err *err) { return registered(c, db, "lea", false, &c->client->lea, err); }

static enum status p_verify(struct call *c, struct err *err) {
  return read_mail(reader, address(c, "ann"), TOKEN_MAIL, c->token, err);
}
static enum status w_verify(struct call *c, struct db *db, struct err *err) {
  struct mail_token m = {.token = c->token, .from = c->from};
  const enum status st = verify_email_commit(db, &m, err);
  c->refusal = m.refusal;
  return st;
}

static enum status w_login(struct call *c, struct db *db, struct err *err) {
  struct login l = {.from = c->from, .work = {.match = true, .stored = HASH}};
  snprintf(l.address, sizeof l.address, "%s", address(c, "ann"));
  const enum status st = login_commit(identity, db, &l, err);
  c->refusal = l.refusal;
  c->client->ann.session_id = l.tokens.session_id;
  snprintf(c->client->first_refresh, TOKEN_SIZE, "%s", l.tokens.refresh);
  return st;
}
static enum status refreshed(struct call *c, struct db *db, struct err *err) {
  struct refresh r = {.token = c->client->first_refresh, .from = c->from};
  const enum status st = refresh_commit(identity, db, &r, err);
  c->refusal = r.refusal;
  return st;
}
// The same token once more, after the seconds of grace: it was stolen, and its session ends.
static enum status w_reuse(struct call *c, struct db *db, struct err *err) {
  const enum status st = refreshed(c, db, err);
  c->refusal = c->refusal == REFUSAL_TOKEN_REUSED ? REFUSAL_NONE : REFUSAL_BAD_TOKEN;
  return st;
}
static enum status w_password(struct call *c, struct db *db, struct err *err) {
  struct password_change p = {.user_id = c->client->ann.user_id, .from = c->from, .work = {.match = true, .stored = HASH, .hash = HASH}};
  const enum status st = password_change_commit(identity, db, &p, err);
  c->refusal = p.refusal;
  return st;
}
static enum status w_erase(struct call *c, struct db *db, struct err *err) {
  struct erasure e = {.user_id = c->client->lea.user_id, .from = c->from, .work = {.match = true, .stored = HASH}};
  const enum status st = erasure_commit(identity, db, &e, err);
  c->refusal = e.refusal;
  return st;
}

static enum status w_totp(struct call *c, struct db *db, struct err *err) {
  struct second_factor f = {.user_id = c->client->bob.user_id, .from = c->from, .work = {.match = true, .stored = HASH}};
  const enum status st = second_factor_enable_commit(identity, db, &f, err);
  c->refusal = f.refusal;
  snprintf(c->client->seed, sizeof c->client->seed, "%s", f.secret);
  return st;
}
static enum status w_totp_confirm(struct call *c, struct db *db, struct err *err) {
  uint8_t seed[TOTP_SEED_BYTES];
  size_t len;
  char code[TOTP_DIGITS + 1];
  struct confirmation f = {.user_id = c->client->bob.user_id, .code = code, .from = c->from};
  enum status st = base32_decode(c->client->seed, strlen(c->client->seed), seed, sizeof seed, &len);
  totp_code(seed, sizeof seed, c->from.now_ns / S, TOTP_DIGITS, code);
  if (st == OK) st = second_factor_confirm_commit(identity, db, &f, err);
  c->refusal = f.refusal;
  return st;
}

static enum status w_key(struct call *c, struct db *db, struct err *err) {
  struct key_create k = {.who = c->client->ann, .name = name(c, "key"), .scopes = KEY_SCOPE_READ, .networks = "", .from = c->from};
  const enum status st = key_create_commit(db, &k, err);
  c->refusal = k.refusal;
  c->client->key = k.row.id;
  return st;
}
static enum status w_key_delete(struct call *c, struct db *db, struct err *err) {
  return key_delete_commit(db, &c->client->ann, c->client->key, &c->from, err);
}

// ---- an organisation

static enum status w_org(struct call *c, struct db *db, struct err *err) {
  struct org_change o = {.who = c->client->ann, .from = c->from, .name = name(c, "Org")};
  const enum status st = org_create_commit(db, &o, err);
  c->refusal = o.refusal;
  c->client->org = o.tenant_id;
  return st;
}
static enum status w_invite(struct call *c, struct db *db, struct err *err) {
  struct org_change o = {.who = c->client->ann, .tenant_id = c->client->org, .from = c->from, .email = address(c, "bob"), .role = MEMBER_VIEWER};
  const enum status st = invite_commit(identity, db, &o, err);
  c->refusal = o.refusal;
  return st;
}
static enum status p_accept(struct call *c, struct err *err) {
  return read_mail(reader, address(c, "bob"), TOKEN_INVITE, c->token, err);
}
static enum status w_accept(struct call *c, struct db *db, struct err *err) {
  struct org_change o = {.who = c->client->bob, .from = c->from, .token = c->token};
  const enum status st = invitation_accept_commit(db, &o, err);
  c->refusal = o.refusal;
  return st;
}
static enum status w_role(struct call *c, struct db *db, struct err *err) {
  struct org_change o = {.who = c->client->ann, .tenant_id = c->client->org, .from = c->from, .user_id = c->client->bob.user_id, .role = MEMBER_TRADER};
  const enum status st = member_set_commit(db, &o, err);
  c->refusal = o.refusal;
  return st;
}
static enum status w_member_remove(struct call *c, struct db *db, struct err *err) {
  struct org_change o = {.who = c->client->ann, .tenant_id = c->client->org, .from = c->from, .user_id = c->client->bob.user_id};
  const enum status st = member_remove_commit(db, &o, err);
  c->refusal = o.refusal;
  return st;
}

// ---- venue accounts and their secrets (api/accounts.c)

static enum status put_secrets(struct call *c, struct db *db, int64_t account, struct err *err) {
  static const char *const fields[] = {"api_key", "api_secret"};
  enum status st = OK;
  for (int f = 0; st == OK && f < 2; f++) {
    const char *value = name(c, fields[f]);
    st = vault_put(identity_keys(identity), db, c->client->org, account, fields[f], value, strlen(value), c->from.now_ns, err);
  }
  return st;
}
static enum status w_account(struct call *c, struct db *db, struct err *err) {
  struct account_row row = {.id = id_next(c->from.now_ns), .tenant_id = c->client->org, .venue = "bybit", .name = "main", .created_ns = c->from.now_ns, .revision = 1};
  enum status st = account_insert(db, &row, err);
  if (st == OK) st = put_secrets(c, db, row.id, err);
  if (st == OK) st = take(c, db, ACTION_ACCOUNT_ADD, "acc", row.id, err);
  if (st == OK) st = audit(c, db, c->client->org, "account.create", err);
  if (st == OK) c->client->account = row.id;
  return st;
}
static enum status w_secrets(struct call *c, struct db *db, struct err *err) {
  const int64_t id = c->client->account;
  enum status st = secret_clear(db, c->client->org, id, err);
  if (st == OK) st = put_secrets(c, db, id, err);
  if (st == OK) st = account_touch(db, c->client->org, id, err);
  return st == OK ? audit(c, db, c->client->org, "account.secrets", err) : st;
}
static enum status w_account_delete(struct call *c, struct db *db, struct err *err) {
  enum status st = account_delete(db, c->client->org, c->client->account, c->from.now_ns, err);
  return st == OK ? audit(c, db, c->client->org, "account.delete", err) : st;
}

// ---- scripts (api/strategies.c, api/admin_scripts.c)

static enum status describe(struct call *c, enum script_kind kind, const char *source, struct err *err) {
  char text[200];
  snprintf(text, sizeof text, "%s\n-- %d\n", source, c->i);
  const enum status st = registry_describe(kind, "x", text, strlen(text), NULL, &c->draft, err);
  if (st == OK) c->draft.state = SCRIPT_PROVEN;  // as after the proofs
  return st;
}
static enum status p_strategy(struct call *c, struct err *err) {
  return describe(c, SCRIPT_STRATEGY, "strategy{ name='x', api=1 }\nfunction on_bar(ctx) end", err);
}
static enum status w_strategy(struct call *c, struct db *db, struct err *err) {
  struct script_put_result put;
  enum status st = registry_put(db, &c->draft, c->client->org, name(c, "strategy"), NULL, c->client->ann.user_id, c->from.now_ns, &put, err);
  c->client->strategy = put.script_id;
  return st == OK ? take(c, db, ACTION_STRATEGY_ADD, "str", put.script_id, err) : st;
}
static enum status w_version(struct call *c, struct db *db, struct err *err) {
  struct script_put_result put;
  struct script_row row;
  enum status st = registry_put(db, &c->draft, c->client->org, name(c, "strategy"), "two", c->client->ann.user_id, c->from.now_ns, &put, err);
  return st == OK ? script_activate(db, c->client->org, put.script_id, put.version, 0, c->client->ann.user_id, c->from.now_ns, &row, err) : st;
}
static enum status p_activate(struct call *c, struct err *err) {
  return registry_prepare(registry, reader, c->client->org, c->client->strategy, 1, &c->activation, err);
}
static enum status w_activate(struct call *c, struct db *db, struct err *err) {
  return registry_activate(c->activation, db, 0, c->client->ann.user_id, c->from.now_ns, err);
}
static void a_activate(struct call *c, bool committed) {
  if (committed) registry_commit(registry, c->activation);
  else registry_discard(c->activation);
}
static enum status p_rule(struct call *c, struct err *err) {
  return describe(c, SCRIPT_RULE, "rule{ name='x', api=1 }\nfunction on_signal(s) end", err);
}
static enum status w_rule(struct call *c, struct db *db, struct err *err) {
  struct script_put_result put;
  struct script_row row;
  enum status st = registry_put(db, &c->draft, 0, name(c, "rule"), NULL, 0, c->from.now_ns, &put, err);
  if (st == OK) st = script_activate(db, 0, put.script_id, put.version, 0, 0, c->from.now_ns, &row, err);
  return st == OK ? audit(c, db, 0, "script.activate", err) : st;
}

// ---- backtests, plans, meters, mail (api/backtests.c, api/jobs.c, api/plans.c, api/mailer.c, api/services.c)

static enum status w_backtest(struct call *c, struct db *db, struct err *err) {
  const struct backtest_row row = {.id = id_next(c->from.now_ns), .tenant_id = c->client->org, .user_id = c->client->ann.user_id, .strategy_id = c->client->strategy, .version = 1,
                                   .state = BACKTEST_QUEUED, .created_ns = c->from.now_ns, .request = "{}"};
  char key[ID_TEXT_SIZE];
  id_format("bkt", row.id, key);
  enum status st = backtest_insert(db, &row, err);
  if (st == OK) st = take(c, db, ACTION_BACKTEST, "bkt", row.id, err);
  if (st == OK) st = usage_release_action(db, c->client->org, ACTION_BACKTEST, key, err);
  c->client->backtest = row.id;
  return st;
}
static enum status w_backtest_start(struct call *c, struct db *db, struct err *err) {
  return backtest_start(db, c->client->org, c->client->backtest, c->from.now_ns, err);
}
static enum status w_backtest_finish(struct call *c, struct db *db, struct err *err) {
  char result[6000];  // longer than a page
  memset(result, ' ', sizeof result);
  result[0] = '{', result[sizeof result - 1] = '}';
  return backtest_finish(db, c->client->org, c->client->backtest, BACKTEST_DONE, c->from.now_ns, NULL, result, sizeof result, NULL, err);
}
// Requests counted in memory, of two windows: this one's and one that all share.
static enum status w_requests(struct call *c, struct db *db, struct err *err) {
  const char *meter = plan_limit_name(LIMIT_API_CALLS_PER_HOUR);
  enum status st = usage_add(db, SERVICE_METER_TENANT, meter, c->from.now_ns, 5, err);
  return st == OK ? usage_add(db, SERVICE_METER_TENANT, meter, 0, 5, err) : st;
}
static enum status w_plan(struct call *c, struct db *db, struct err *err) {
  const struct plan_set *set = registry_plans(registry);
  const struct plan_change change = {.tenant_id = c->client->ann.tenant_id, .actor_id = c->client->ann.user_id, .now_ns = c->from.now_ns, .event_id = id_next(c->from.now_ns)};
  enum status st = subscription_change(db, set, &change, set->plans[set->plan_count - 1].id, NULL, err);
  return st == OK ? audit(c, db, c->client->ann.tenant_id, "plan.change", err) : st;
}
static enum status p_sent(struct call *c, struct err *err) {
  static struct outbox_row row;
  const enum status st = outbox_due(reader, c->from.now_ns, &row, err);
  c->mail_id = row.id;
  return st;
}
static enum status w_sent(struct call *c, struct db *db, struct err *err) { return outbox_sent(db, c->mail_id, c->from.now_ns, err); }
static enum status w_sign(struct call *c, struct db *db, struct err *err) {
  bool made;
  const enum status st = audit_sign(db, &identity_keys(identity)->audit, c->from.now_ns, &made, err);
  c->refusal = made ? REFUSAL_NONE : REFUSAL_ALREADY;
  return st;
}

const struct operation_of_service service_ops[OPS_END] = {
  [OP_REGISTER] = {"register", .write = w_register, .effects = {{users_created_ns, 1}, {users_password_changed_ns, 1, OP_PASSWORD}, {tenants_created_ns, 1}, {members_since_ns, 1},
                   {email_tokens_created_ns, 1, OP_VERIFY}, {outbox_created_ns, 1}, {audit_at_ns, 1}}},
  [OP_VERIFY] = {"verify", {OP_REGISTER}, .prepare = p_verify, .write = w_verify, .effects = {{users_email_verified_ns, 1}, {audit_at_ns, 1}}},
  [OP_LOGIN] = {"login", {OP_REGISTER}, .write = w_login, .effects = {{sessions_created_ns, 1}, {refresh_tokens_created_ns, 1}, {audit_at_ns, 1}}},
  [OP_REFRESH] = {"refresh", {OP_LOGIN}, .write = refreshed, .effects = {{refresh_tokens_created_ns, 1}, {refresh_tokens_used_ns, 1}}},
  [OP_REUSE] = {"refresh again", {OP_REFRESH}, .write = w_reuse, .effects = {{sessions_revoked_ns, 1}, {audit_at_ns, 1}}},
  [OP_KEY] = {"key", {OP_REGISTER}, .answered = true, .write = w_key, .effects = {{api_keys_created_ns, 1}, {audit_at_ns, 1}, {idempotency_created_ns, 1}}},
  [OP_KEY_DELETE] = {"delete key", {OP_KEY}, .write = w_key_delete, .effects = {{api_keys_revoked_ns, 1}, {audit_at_ns, 1}}},
  [OP_COLLEAGUE] = {"user by operator", .write = w_colleague, .effects = {{users_created_ns, 1}, {users_password_changed_ns, 1}, {users_email_verified_ns, 1}, {tenants_created_ns, 1},
                    {members_since_ns, 1}, {audit_at_ns, 1}}},
  [OP_TOTP] = {"second factor", {OP_COLLEAGUE}, .write = w_totp, .effects = {{totp_created_ns, 1}, {tenant_keys_created_ns, 1}}},
  [OP_TOTP_CONFIRM] = {"confirm second factor", {OP_TOTP}, .write = w_totp_confirm, .effects = {{totp_enabled_ns, 1}, {audit_at_ns, 1}}},
  [OP_ORG] = {"organisation", {OP_REGISTER}, .answered = true, .write = w_org, .effects = {{tenants_created_ns, 1}, {members_since_ns, 1}, {audit_at_ns, 1}, {idempotency_created_ns, 1}}},
  [OP_INVITE] = {"invite", {OP_ORG, OP_COLLEAGUE}, .write = w_invite, .effects = {{invitations_created_ns, 1, OP_ACCEPT}, {outbox_created_ns, 1}, {audit_at_ns, 1}}},
  [OP_ACCEPT] = {"accept", {OP_INVITE}, .prepare = p_accept, .write = w_accept, .effects = {{members_since_ns, 1, OP_MEMBER_REMOVE}, {audit_at_ns, 1}}},
  [OP_ROLE] = {"member's role", {OP_ACCEPT}, .write = w_role, .effects = {{audit_at_ns, 1}}},
  [OP_ACCOUNT] = {"account", {OP_ORG}, .answered = true, .write = w_account, .effects = {{accounts_created_ns, 1}, {account_secrets_created_ns, 2, OP_SECRETS}, {tenant_keys_created_ns, 1},
                  {audit_at_ns, 1}, {idempotency_created_ns, 1}}},
  [OP_ACCOUNT_TOO_MANY] = {"account too many", {OP_ACCOUNT}, .refuses = true, .write = w_account},
  [OP_SECRETS] = {"account's secrets", {OP_ACCOUNT}, .write = w_secrets, .effects = {{account_secrets_created_ns, 2, OP_ACCOUNT_DELETE}, {audit_at_ns, 1}}},
  [OP_ACCOUNT_DELETE] = {"delete account", {OP_SECRETS}, .write = w_account_delete, .effects = {{accounts_deleted_ns, 1}, {audit_at_ns, 1}}},
  [OP_STRATEGY] = {"strategy", {OP_ORG}, .answered = true, .prepare = p_strategy, .write = w_strategy, .effects = {{script_created_ns, 1}, {script_version_created_ns, 1}, {idempotency_created_ns, 1}}},
  [OP_ACTIVATE] = {"activate", {OP_STRATEGY}, .prepare = p_activate, .write = w_activate, .after = a_activate, .effects = {{script_activation_at_ns, 1}}},
  [OP_VERSION] = {"version, activated", {OP_ACTIVATE}, .prepare = p_strategy, .write = w_version, .effects = {{script_version_created_ns, 1}, {script_activation_at_ns, 1}}},
  [OP_RULE] = {"site's rule", .prepare = p_rule, .write = w_rule, .effects = {{script_created_ns, 1}, {script_version_created_ns, 1}, {script_activation_at_ns, 1}, {audit_at_ns, 1}}},
  [OP_BACKTEST] = {"backtest", {OP_STRATEGY}, .answered = true, .write = w_backtest, .effects = {{backtests_created_ns, 1}, {usage_event_at_ns, 1}, {idempotency_created_ns, 1}}},
  [OP_BACKTEST_START] = {"start backtest", {OP_BACKTEST}, .write = w_backtest_start, .effects = {{backtests_started_ns, 1}}},
  [OP_BACKTEST_FINISH] = {"finish backtest", {OP_BACKTEST_START}, .write = w_backtest_finish, .effects = {{backtests_finished_ns, 1}}},
  [OP_REQUESTS] = {"requests", .write = w_requests, .effects = {{usage_window_start_ns, 1}}},
  [OP_PLAN] = {"plan", {OP_REGISTER}, .write = w_plan, .effects = {{subscription_event_at_ns, 1}, {audit_at_ns, 1}}},
  [OP_SENT] = {"mail sent", {OP_REGISTER}, .prepare = p_sent, .write = w_sent, .effects = {{outbox_sent_ns, 1}}},
  [OP_LOGIN_AGAIN] = {"login again", {OP_REUSE}, .write = w_login, .effects = {{sessions_created_ns, 1}, {refresh_tokens_created_ns, 1}, {audit_at_ns, 1}}},
  [OP_PASSWORD] = {"password", {OP_LOGIN_AGAIN}, .write = w_password, .effects = {{users_password_changed_ns, 1}, {sessions_revoked_ns, 1}, {outbox_created_ns, 1}, {audit_at_ns, 1}}},
  [OP_LEAVER] = {"register who leaves", .write = w_leaver, .effects = {{users_created_ns, 1}, {users_password_changed_ns, 1}, {tenants_created_ns, 1}, {members_since_ns, 1, OP_ERASE},
                 {email_tokens_created_ns, 1, OP_ERASE}, {outbox_created_ns, 1, OP_ERASE}, {audit_at_ns, 1}}},
  [OP_ERASE] = {"erase", {OP_LEAVER}, .write = w_erase, .effects = {{users_erased_ns, 1}, {tenants_deleted_ns, 1}, {tenant_keys_created_ns, 1}, {audit_at_ns, 1}}},
  [OP_MEMBER_REMOVE] = {"remove member", {OP_ROLE}, .write = w_member_remove, .effects = {{audit_at_ns, 1}}},
  [OP_SIGN] = {"sign the log", .write = w_sign, .effects = {{audit_signatures_at_ns, 1}}},
};

// ---- the workload

// What the client is told stands beside it, for the day it asks again (api/idem.c).
static enum status remember(const struct call *c, struct db *db, struct err *err) {
  uint8_t key[IDEM_HASH_BYTES], answer[300];
  const struct idem_row row = {.status = 201, .answer = answer, .answer_len = sizeof answer};
  memset(answer, c->i, sizeof answer);
  token_sha256(&c->i, sizeof c->i, key);
  return idem_put(db, key, c->from.now_ns, &row, err);
}

static enum status write_op(struct db *db, void *arg, struct err *err) {
  struct call *c = arg;
  enum status st = service_ops[c->op].write(c, db, err);
  return st == OK && c->refusal == REFUSAL_NONE && service_ops[c->op].answered ? remember(c, db, err) : st;
}

static enum status start(struct db *db, void *arg, struct err *err) {
  (void)arg;
  return identity_start(identity, db, SERVICE_START_NS, err);
}

static enum status begin(struct store *store, enum store_file file, struct err *err) {
  char keys[200];
  snprintf(keys, sizeof keys, "%s/keys", store_dir(store));
  const struct identity_options options = {.keys_dir = keys, .site_url = "https://perigee.test", .product = "Perigee"};
  enum status st = OK;
  reader = store_reader(store, file);
  client = (struct client){.round = -1};
  for (int l = 0; l < LIMIT_COUNT; l++) plan.limits[l] = l == LIMIT_ACCOUNTS ? 1 : PLAN_UNLIMITED;
  if (!identity) st = identity_create(&options, SERVICE_START_NS, &identity, err);
  if (st == OK && !usage) st = usage_create(&usage, err);
  if (st == OK) usage_count_by(usage, LIMIT_ACCOUNTS, account_count);
  if (st == OK && !registry) st = registry_create(reader, &(struct registry_options){0}, &registry, NULL, err);
  return st == OK ? store_write_sync(store, file, start, NULL, err) : st;
}

static void end(void) {
  registry_destroy(registry);
  usage_destroy(usage);
  identity_destroy(identity);
  registry = NULL, usage = NULL, identity = NULL;
}

static bool may_begin(const struct operation_of_service *op) {
  for (size_t n = 0; n < sizeof op->needs / sizeof *op->needs; n++)
    if (op->needs[n] && !(client.done >> op->needs[n] & 1)) return false;
  return true;
}

static enum status job(struct store *store, enum store_file file, int i, struct ledger *l, struct err *err) {
  const int64_t now = time_of(i);
  struct call c = {.op = op_of(i), .i = i, .client = &client, .from = {.address = "198.51.100.7", .user_agent = "test", .now_ns = now, .mono_ns = now}};
  const struct operation_of_service *op = &service_ops[c.op];
  if (client.round != round_of(i)) client = (struct client){.round = round_of(i)};
  l->issued = i;
  l->told[i] = TOLD_REFUSED;
  enum status st = may_begin(op) ? OK : err_set(err, ERR_CANCELLED, "%s: what it builds on is not there", op->name);
  if (st == OK && op->prepare) st = op->prepare(&c, err);
  const bool prepared = st == OK;
  if (st == OK) st = store_write_sync(store, file, write_op, &c, err);
  if (prepared && op->after) op->after(&c, st == OK);
  script_draft_finish(&c.draft);
  if (!prepared) return st;
  if (st == OK && c.refusal != REFUSAL_NONE) st = err_set(err, ERR_INVALID, "%s: %s", op->name, identity_refusal_text(c.refusal));
  l->told[i] = (uint8_t)told_by(st);
  if (st == OK) client.done |= UINT64_C(1) << c.op;
  return st;
}

static bool refuses(int i) { return service_ops[op_of(i)].refuses; }

const struct workload work_service = {"service", OPS * 2, OPS, "SELECT count(*) FROM audit", begin, end, job, refuses, service_check};

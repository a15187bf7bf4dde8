// The flows of identity in a real database, and what people try: wrong and stolen passwords, codes used twice, refresh tokens
// that come back, sessions that ended, other people's invitations, accounts that are gone.
#include "scratch.h"

#include "crypto/encode.h"
#include "crypto/totp.h"
#include "store/db.h"
#include "store/id.h"
#include "store/org_rows.h"
#include "tenant/audit.h"
#include "tenant/belonging.h"
#include "tenant/mail.h"
#include "tenant/second_factor.h"
#include "tenant/signin.h"
#include "tenant/vault.h"

#define S INT64_C(1000000000)
#define PASSWORD "h4rdly-guessed"

static char dir[64];
static struct store *store;
static struct identity *id;
static int64_t now = INT64_C(1800000000) * S;
static struct origin from;

static int setup(void **state) {
  (void)state;
  struct err err = {0};
  char keys[80];
  if (scratch_open(dir, &store)) return 1;
  snprintf(keys, sizeof keys, "%s/keys", dir);
  struct identity_options options = {.keys_dir = keys, .site_url = "https://perigee.test", .product = "Perigee"};
  if (identity_create(&options, now, &id, &err) != OK) return print_error("%s\n", err.msg), 1;
  from = (struct origin){.address = "198.51.100.7", .user_agent = "test", .now_ns = now, .mono_ns = 1000 * S};
  return 0;
}

static int teardown(void **state) {
  (void)state;
  identity_destroy(id);
  scratch_close(dir, store);
  return 0;
}

static struct db *reader(void) {
  return store_reader(store, STORE_CONTROL);
}

static void pass(int64_t seconds) {
  from.now_ns += seconds * S;
  from.mono_ns += seconds * S;
}

// A flow's commit as the write it is meant to be.
#define WRITE_FN(fn, type, call)                                             \
  static enum status w_##fn(struct db *db, void *arg, struct err *err) {     \
    type *x = arg;                                                           \
    return call;                                                             \
  }                                                                          \
  static void fn(type *x) {                                                  \
    struct err err = {0};                                                    \
    if (store_write_sync(store, STORE_CONTROL, w_##fn, x, &err) != OK)       \
      fail_msg(#fn ": %s", err.msg);                                         \
  }
WRITE_FN(registration_write, struct registration, registration_commit(id, db, x, err))
WRITE_FN(login_write, struct login, login_commit(id, db, x, err))
WRITE_FN(second_write, struct second_step, second_step_commit(id, db, x, err))
WRITE_FN(refresh_write, struct refresh, refresh_commit(id, db, x, err))
WRITE_FN(logout_write, struct actor, logout_commit(id, db, x, &from, err))
WRITE_FN(verify_write, struct mail_token, verify_email_commit(db, x, err))
WRITE_FN(forgot_write_at, const char *, forgot_password_commit(id, db, *x, &from, err))
WRITE_FN(reset_write, struct reset, reset_commit(id, db, x, err))
WRITE_FN(change_write, struct password_change, password_change_commit(id, db, x, err))
WRITE_FN(enable_write, struct second_factor, second_factor_enable_commit(id, db, x, err))
WRITE_FN(disable_write, struct second_factor, second_factor_disable_commit(id, db, x, err))
WRITE_FN(confirm_write, struct confirmation, second_factor_confirm_commit(id, db, x, err))
WRITE_FN(key_write, struct key_create, key_create_commit(db, x, err))
WRITE_FN(org_write, struct org_change, org_create_commit(db, x, err))
WRITE_FN(invite_write, struct org_change, invite_commit(id, db, x, err))
WRITE_FN(accept_write, struct org_change, invitation_accept_commit(db, x, err))
WRITE_FN(member_set_write, struct org_change, member_set_commit(db, x, err))
WRITE_FN(member_remove_write, struct org_change, member_remove_commit(db, x, err))
WRITE_FN(erase_write, struct erasure, erasure_commit(id, db, x, err))
WRITE_FN(suspend_write, struct operation, user_suspend_commit(id, db, x, "why", err))
WRITE_FN(impersonate_write, struct operation, impersonate_commit(id, db, x, err))
WRITE_FN(start_write, int64_t, identity_start(id, db, *x, err))

static int64_t registered(const char *email) {
  struct registration r = {.email = email, .password = PASSWORD, .from = from};
  registration_prepare(id, &r);
  assert_int_equal(r.refusal, REFUSAL_NONE);
  password_work_run(&r.work);
  registration_write(&r);
  return r.user_id;
}

static struct login signed_in(const char *email, const char *password, const char *code) {
  struct login l = {.email = email, .password = password, .code = code, .from = from};
  assert_int_equal(login_prepare(id, reader(), &l, NULL), OK);
  if (l.refusal != REFUSAL_NONE) return l;
  password_work_run(&l.work);
  login_write(&l);
  return l;
}

static enum access_verdict checked(const char *token, struct access *ret) {
  return access_token_check(id, token, strlen(token), from.now_ns, ret);
}

static struct refresh refreshed(const char *token) {
  struct refresh r = {.token = token, .from = from};
  refresh_write(&r);
  return r;
}

// The newest mail to somebody, and the token in it; "" when there is none.
static const char *mailed_token(const char *to, const char *prefix) {
  static char token[TOKEN_SIZE];
  *token = '\0';
  struct db_rows rows;
  struct outbox_row row = {0};
  char body[MAIL_BODY_MAX + 1];
  enum status st = db_query(reader(), &rows, NULL, "SELECT id, body FROM outbox WHERE recipient = ? ORDER BY id DESC LIMIT 1", "t", to);
  bool have = st == OK && db_next(&rows);
  if (have) {
    row.id = db_int(&rows, 0);
    const void *sealed = db_blob(&rows, 1, &row.body_len);
    memcpy(row.body, sealed, row.body_len);
    snprintf(row.recipient, sizeof row.recipient, "%s", to);
  }
  assert_int_equal(db_end(&rows, st, NULL), OK);
  if (!have) return token;
  assert_null(memmem(row.body, row.body_len, prefix, strlen(prefix)));  // sealed
  assert_int_equal(mail_body(identity_keys(id), &row, body, NULL), OK);
  const char *at = strstr(body, prefix);
  if (at) snprintf(token, sizeof token, "%.*s", TOKEN_SIZE - 1, at);
  return token;
}

static void forgot_write(const char *email) {
  forgot_write_at(&email);
}

static void registering(void **state) {
  (void)state;
  int64_t ann = registered("Ann@Example.org");
  assert_true(ann > 0);
  char token[TOKEN_SIZE];
  snprintf(token, sizeof token, "%s", mailed_token("ann@example.org", TOKEN_MAIL));
  assert_int_equal(strlen(token), TOKEN_SIZE - 1);
  // Again: answered alike, and the owner is told.
  pass(1);
  assert_int_equal(registered("ann@example.org"), 0);
  assert_string_equal(mailed_token("ann@example.org", TOKEN_MAIL), "");
  struct mail_token m = {.token = token, .from = from};
  verify_write(&m);
  assert_int_equal(m.refusal, REFUSAL_NONE);
  verify_write(&m);
  assert_int_equal(m.refusal, REFUSAL_BAD_TOKEN);  // once
  struct user_row user;
  assert_int_equal(user_get(reader(), ann, &user, NULL), OK);
  assert_true(user.email_verified_ns > 0);
  struct registration weak = {.email = "bob@example.org", .password = "password", .from = from};
  registration_prepare(id, &weak);
  assert_int_equal(weak.refusal, REFUSAL_WEAK_PASSWORD);
  assert_non_null(weak.detail);
}

static void signing_in(void **state) {
  (void)state;
  int64_t ann = registered("ann@example.org");
  struct login l = signed_in("ANN@example.org", PASSWORD, NULL);
  assert_int_equal(l.refusal, REFUSAL_NONE);
  struct access a;
  assert_int_equal(checked(l.tokens.access, &a), ACCESS_GOOD);
  assert_true(a.actor.user_id == ann && a.actor.session_id == l.tokens.session_id && !a.actor.mfa);
  assert_int_equal(a.member_role, MEMBER_OWNER);
  assert_int_equal(checked(l.tokens.refresh, &a), ACCESS_BAD);
  pass(ACCESS_TTL_S);
  assert_int_equal(checked(l.tokens.access, &a), ACCESS_EXPIRED);
  // A wrong password and an unknown address: the same answer, counted alike.
  for (int i = 0; i < 5; i++) {
    assert_int_equal(signed_in("ann@example.org", "wrong-password", NULL).refusal, REFUSAL_BAD_CREDENTIALS);
    assert_int_equal(signed_in("nobody@example.org", "wrong-password", NULL).refusal, REFUSAL_BAD_CREDENTIALS);
  }
  l = signed_in("ann@example.org", PASSWORD, NULL);
  assert_int_equal(l.refusal, REFUSAL_LOCKED);
  struct login other = signed_in("nobody@example.org", PASSWORD, NULL);
  assert_int_equal(other.refusal, REFUSAL_LOCKED);
  assert_int_equal(l.wait_s, other.wait_s);
  from.address = "203.0.113.5";  // the owner, elsewhere, is not locked out
  assert_int_equal(signed_in("ann@example.org", PASSWORD, NULL).refusal, REFUSAL_NONE);
  from.address = "198.51.100.7";
  pass(61);
  assert_int_equal(signed_in("ann@example.org", PASSWORD, NULL).refusal, REFUSAL_NONE);
}

static void refreshing(void **state) {
  (void)state;
  registered("ann@example.org");
  struct login l = signed_in("ann@example.org", PASSWORD, NULL);
  struct access a;
  pass(600);
  struct refresh one = refreshed(l.tokens.refresh);
  assert_int_equal(one.refusal, REFUSAL_NONE);
  assert_int_equal(checked(one.tokens.access, &a), ACCESS_GOOD);
  pass(REFRESH_GRACE_S);
  struct refresh lost = refreshed(l.tokens.refresh);  // the answer was lost: the same successor, not a second one
  assert_int_equal(lost.refusal, REFUSAL_NONE);
  assert_string_equal(lost.tokens.refresh, one.tokens.refresh);
  struct refresh two = refreshed(one.tokens.refresh);
  assert_int_equal(two.refusal, REFUSAL_NONE);
  assert_string_not_equal(two.tokens.refresh, one.tokens.refresh);
  // The first one is now two back: somebody stole it. Both lose, at once.
  assert_int_equal(refreshed(l.tokens.refresh).refusal, REFUSAL_TOKEN_REUSED);
  assert_int_equal(refreshed(two.tokens.refresh).refusal, REFUSAL_BAD_TOKEN);
  assert_int_equal(checked(two.tokens.access, &a), ACCESS_ENDED);
  // After the grace the previous one counts as stolen too.
  l = signed_in("ann@example.org", PASSWORD, NULL);
  one = refreshed(l.tokens.refresh);
  pass(REFRESH_GRACE_S + 1);
  assert_int_equal(refreshed(l.tokens.refresh).refusal, REFUSAL_TOKEN_REUSED);
  assert_int_equal(refreshed(one.tokens.refresh).refusal, REFUSAL_BAD_TOKEN);
  // Expiry, nonsense, another kind of token.
  l = signed_in("ann@example.org", PASSWORD, NULL);
  pass(REFRESH_TTL_S + 1);
  assert_int_equal(refreshed(l.tokens.refresh).refusal, REFUSAL_BAD_TOKEN);
  assert_int_equal(refreshed("pgr_").refusal, REFUSAL_BAD_TOKEN);
  assert_int_equal(refreshed(l.tokens.access).refusal, REFUSAL_BAD_TOKEN);
  // A family does not live for ever.
  l = signed_in("ann@example.org", PASSWORD, NULL);
  char token[TOKEN_SIZE];
  snprintf(token, sizeof token, "%s", l.tokens.refresh);
  int days = 0;
  for (; days < 40; days++) {
    pass(86400);
    struct refresh r = refreshed(token);
    if (r.refusal != REFUSAL_NONE) break;
    snprintf(token, sizeof token, "%s", r.tokens.refresh);
  }
  assert_in_range(days, 28, 30);
}

static void leaving_sessions(void **state) {
  (void)state;
  registered("ann@example.org");
  struct login l = signed_in("ann@example.org", PASSWORD, NULL), other = signed_in("ann@example.org", PASSWORD, NULL);
  struct access a;
  assert_int_equal(checked(l.tokens.access, &a), ACCESS_GOOD);
  logout_write(&a.actor);
  assert_int_equal(checked(l.tokens.access, &a), ACCESS_ENDED);
  assert_int_equal(refreshed(l.tokens.refresh).refusal, REFUSAL_BAD_TOKEN);
  assert_int_equal(checked(other.tokens.access, &a), ACCESS_GOOD);
  // Another process does not forget who left.
  struct identity *first = id;
  char keys[80];
  snprintf(keys, sizeof keys, "%s/keys", dir);
  struct identity_options options = {.keys_dir = keys, .site_url = "https://perigee.test", .product = "Perigee"};
  assert_int_equal(identity_create(&options, from.now_ns, &id, NULL), OK);
  assert_int_equal(checked(l.tokens.access, &a), ACCESS_GOOD);  // before it has looked
  start_write(&from.now_ns);
  assert_int_equal(checked(l.tokens.access, &a), ACCESS_ENDED);
  assert_int_equal(checked(other.tokens.access, &a), ACCESS_GOOD);
  identity_destroy(first);
}

static void new_passwords(void **state) {
  (void)state;
  int64_t ann = registered("ann@example.org");
  struct login l = signed_in("ann@example.org", PASSWORD, NULL), other = signed_in("ann@example.org", PASSWORD, NULL);
  struct access a;
  struct password_change c = {.user_id = ann, .session_id = l.tokens.session_id, .password = "not-my-password", .fresh = "an0ther-one!", .from = from};
  assert_int_equal(password_change_prepare(id, reader(), &c, NULL), OK);
  password_work_run(&c.work);
  change_write(&c);
  assert_int_equal(c.refusal, REFUSAL_BAD_CREDENTIALS);
  c.password = PASSWORD;
  assert_int_equal(password_change_prepare(id, reader(), &c, NULL), OK);
  password_work_run(&c.work);
  change_write(&c);
  assert_int_equal(c.refusal, REFUSAL_NONE);
  assert_int_equal(checked(l.tokens.access, &a), ACCESS_GOOD);      // one's own stays
  assert_int_equal(checked(other.tokens.access, &a), ACCESS_ENDED);  // all others go
  assert_int_equal(signed_in("ann@example.org", PASSWORD, NULL).refusal, REFUSAL_BAD_CREDENTIALS);
  // Forgotten: nobody learns who exists; the token works once and not for long.
  pass(1);
  forgot_write("nobody@example.org");
  assert_string_equal(mailed_token("nobody@example.org", TOKEN_MAIL), "");
  forgot_write("ann@example.org");
  char token[TOKEN_SIZE];
  snprintf(token, sizeof token, "%s", mailed_token("ann@example.org", TOKEN_MAIL));
  struct mail_token wrong_purpose = {.token = token, .from = from};
  verify_write(&wrong_purpose);
  assert_int_equal(wrong_purpose.refusal, REFUSAL_BAD_TOKEN);
  struct reset r = {.token = token, .password = "y3t-another", .from = from};
  assert_int_equal(reset_prepare(reader(), &r, NULL), OK);
  assert_int_equal(r.refusal, REFUSAL_NONE);
  password_work_run(&r.work);
  reset_write(&r);
  assert_int_equal(r.refusal, REFUSAL_NONE);
  assert_int_equal(checked(l.tokens.access, &a), ACCESS_ENDED);
  reset_write(&r);
  assert_int_equal(r.refusal, REFUSAL_BAD_TOKEN);
  assert_int_equal(signed_in("ann@example.org", "y3t-another", NULL).refusal, REFUSAL_NONE);
  forgot_write("ann@example.org");
  snprintf(token, sizeof token, "%s", mailed_token("ann@example.org", TOKEN_MAIL));
  pass(RESET_TTL_S + 1);
  r.from = from;
  assert_int_equal(reset_prepare(reader(), &r, NULL), OK);
  assert_int_equal(r.refusal, REFUSAL_BAD_TOKEN);
}

static void code_now(const char *secret, char ret[7]) {
  uint8_t seed[TOTP_SEED_BYTES];
  size_t len;
  assert_int_equal(base32_decode(secret, strlen(secret), seed, sizeof seed, &len), OK);
  totp_code(seed, len, from.now_ns / S, 6, ret);
}

// Enables it; the secret and the recovery codes.
static void enabled(int64_t user, char secret[40], char recovery[RECOVERY_CODES][RECOVERY_CODE_SIZE]) {
  struct second_factor f = {.user_id = user, .password = PASSWORD, .from = from};
  assert_int_equal(second_factor_prepare(id, reader(), &f, NULL), OK);
  password_work_run(&f.work);
  enable_write(&f);
  assert_int_equal(f.refusal, REFUSAL_NONE);
  snprintf(secret, 40, "%s", f.secret);
  assert_non_null(strstr(f.uri, f.secret));
  char code[7];
  code_now(secret, code);
  struct confirmation c = {.user_id = user, .code = code, .from = from};
  confirm_write(&c);
  assert_int_equal(c.refusal, REFUSAL_NONE);
  memcpy(recovery, c.recovery, sizeof c.recovery);
}

static void second_factors(void **state) {
  (void)state;
  int64_t ann = registered("ann@example.org");
  char secret[40], recovery[RECOVERY_CODES][RECOVERY_CODE_SIZE], code[7];
  struct login before = signed_in("ann@example.org", PASSWORD, NULL);
  enabled(ann, secret, recovery);
  struct access a;
  assert_int_equal(checked(before.tokens.access, &a), ACCESS_ENDED);  // it had shown no second factor
  // The code that confirmed it is spent.
  code_now(secret, code);
  assert_int_equal(signed_in("ann@example.org", PASSWORD, code).refusal, REFUSAL_BAD_CODE);
  pass(30);
  struct login l = signed_in("ann@example.org", PASSWORD, NULL);
  assert_int_equal(l.refusal, REFUSAL_SECOND_FACTOR_REQUIRED);
  assert_string_equal(l.tokens.access, "");
  assert_int_equal(checked(l.pending, &a), ACCESS_BAD);  // half a login opens nothing
  code_now(secret, code);
  struct second_step s = {.pending = l.pending, .code = code, .from = from};
  second_write(&s);
  assert_int_equal(s.refusal, REFUSAL_NONE);
  assert_int_equal(checked(s.tokens.access, &a), ACCESS_GOOD);
  assert_true(a.actor.mfa);
  second_write(&s);  // the same code, overheard
  assert_int_equal(s.refusal, REFUSAL_BAD_CODE);
  s.pending = s.tokens.access;
  second_write(&s);
  assert_int_equal(s.refusal, REFUSAL_BAD_TOKEN);
  s.pending = l.pending;
  pass(PENDING_TTL_S);
  s.from = from;
  second_write(&s);
  assert_int_equal(s.refusal, REFUSAL_BAD_TOKEN);
  // A recovery code, typed as people do, once.
  char typed[RECOVERY_CODE_SIZE + 2];
  snprintf(typed, sizeof typed, " %s", recovery[3]);
  for (char *p = typed; *p; p++) *p = (char)(*p == '-' ? ' ' : *p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
  assert_int_equal(signed_in("ann@example.org", PASSWORD, typed).refusal, REFUSAL_NONE);
  assert_int_equal(signed_in("ann@example.org", PASSWORD, recovery[3]).refusal, REFUSAL_BAD_CODE);
  // A reset mail does not get around it.
  forgot_write("ann@example.org");
  struct reset r = {.token = mailed_token("ann@example.org", TOKEN_MAIL), .password = PASSWORD "2", .from = from};
  assert_int_equal(reset_prepare(reader(), &r, NULL), OK);
  password_work_run(&r.work);
  reset_write(&r);
  assert_int_equal(r.refusal, REFUSAL_NONE);
  assert_int_equal(signed_in("ann@example.org", PASSWORD "2", NULL).refusal, REFUSAL_SECOND_FACTOR_REQUIRED);
}

// Who knows the password guesses codes: from many places, by every way that takes one. Five, and then waiting.
static void guessed_codes(void **state) {
  (void)state;
  int64_t ann = registered("ann@example.org");
  char secret[40], recovery[RECOVERY_CODES][RECOVERY_CODE_SIZE], code[7], wrong[7];
  enabled(ann, secret, recovery);
  pass(30);
  code_now(secret, code);
  snprintf(wrong, sizeof wrong, "%06d", (atoi(code) + 1) % 1000000);
  char address[32];
  from.address = address;
  for (int i = 0; i < 3; i++) {
    snprintf(address, sizeof address, "203.0.%d.1", i);
    assert_int_equal(signed_in("ann@example.org", PASSWORD, wrong).refusal, REFUSAL_BAD_CODE);
  }
  for (int i = 0; i < 2; i++) {
    struct second_factor f = {.user_id = ann, .password = PASSWORD, .code = wrong, .from = from};
    assert_int_equal(second_factor_prepare(id, reader(), &f, NULL), OK);
    password_work_run(&f.work);
    disable_write(&f);
    assert_int_equal(f.refusal, REFUSAL_BAD_CODE);
  }
  snprintf(address, sizeof address, "203.0.99.1");
  struct login l = signed_in("ann@example.org", PASSWORD, code);
  assert_int_equal(l.refusal, REFUSAL_LOCKED);
  assert_true(l.wait_s > 0);
  struct erasure e = {.user_id = ann, .password = PASSWORD, .code = code, .from = from};
  assert_int_equal(erasure_prepare(id, reader(), &e, NULL), OK);
  password_work_run(&e.work);
  erase_write(&e);
  assert_int_equal(e.refusal, REFUSAL_LOCKED);
  pass(61);
  code_now(secret, code);
  assert_int_equal(signed_in("ann@example.org", PASSWORD, code).refusal, REFUSAL_NONE);
}

static void api_keys(void **state) {
  (void)state;
  int64_t ann = registered("ann@example.org");
  struct login l = signed_in("ann@example.org", PASSWORD, NULL);
  struct key_create k = {.who = {.user_id = ann, .tenant_id = l.tokens.tenant_id}, .name = "bot", .scopes = KEY_SCOPE_READ, .networks = "192.0.2.0/24 2001:db8::/32",
    .expires_ns = from.now_ns + 1000 * S, .from = from};
  key_write(&k);
  assert_int_equal(k.refusal, REFUSAL_NONE);
  struct key_row row;
  bool good;
  static const struct { const char *address; bool want; } cases[] = {{"192.0.2.200", true}, {"192.0.3.1", false}, {"::ffff:192.0.2.1", true},
    {"2001:db8:1::1", true}, {"2001:db9::1", false}, {"", false}, {"garbage", false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_int_equal(api_key_check(reader(), k.key, strlen(k.key), cases[i].address, from.now_ns, &good, &row, NULL), OK);
    assert_int_equal(good, cases[i].want);
  }
  k.key[10] ^= 1;
  assert_int_equal(api_key_check(reader(), k.key, strlen(k.key), "192.0.2.1", from.now_ns, &good, &row, NULL), OK);
  assert_false(good);
  k.key[10] ^= 1;
  assert_int_equal(api_key_check(reader(), k.key, strlen(k.key), "192.0.2.1", from.now_ns + 1000 * S, &good, &row, NULL), OK);
  assert_false(good);
  k.networks = "192.0.2.1/24";  // bits beyond the prefix
  key_write(&k);
  assert_int_equal(k.refusal, REFUSAL_INVALID_NETWORK);
}

static void organisations(void **state) {
  (void)state;
  int64_t ann = registered("ann@example.org"), bob = registered("bob@example.org"), eve = registered("eve@example.org");
  struct org_change c = {.who.user_id = ann, .name = "Desk", .from = from};
  org_write(&c);
  assert_int_equal(c.refusal, REFUSAL_NONE);
  c.email = "Bob@example.org";
  c.role = MEMBER_TRADER;
  pass(1);
  c.from = from;
  invite_write(&c);
  assert_int_equal(c.refusal, REFUSAL_NONE);
  char token[TOKEN_SIZE];
  snprintf(token, sizeof token, "%s", mailed_token("bob@example.org", TOKEN_INVITE));
  struct org_change theft = {.who.user_id = eve, .token = token, .from = from}, join = {.who.user_id = bob, .token = token, .from = from};
  accept_write(&theft);
  assert_int_equal(theft.refusal, REFUSAL_BAD_TOKEN);  // somebody else's
  accept_write(&join);
  assert_int_equal(join.refusal, REFUSAL_NONE);
  accept_write(&join);
  assert_int_equal(join.refusal, REFUSAL_BAD_TOKEN);
  struct standing s;
  assert_int_equal(standing_get(reader(), bob, c.tenant_id, &s, NULL), OK);
  assert_int_equal(s.member_role, MEMBER_TRADER);
  assert_int_equal(standing_get(reader(), eve, c.tenant_id, &s, NULL), OK);
  assert_int_equal(s.member_role, MEMBER_NONE);
  // The only owner neither steps down nor leaves; handing over first is fine.
  c.user_id = ann;
  c.role = MEMBER_VIEWER;
  member_set_write(&c);
  assert_int_equal(c.refusal, REFUSAL_LAST_OWNER);
  member_remove_write(&c);
  assert_int_equal(c.refusal, REFUSAL_LAST_OWNER);
  c.user_id = bob;
  c.role = MEMBER_OWNER;
  member_set_write(&c);
  assert_int_equal(c.refusal, REFUSAL_NONE);
  c.user_id = ann;
  member_remove_write(&c);
  assert_int_equal(c.refusal, REFUSAL_NONE);
  c.user_id = eve;
  member_remove_write(&c);
  assert_int_equal(c.refusal, REFUSAL_NOT_FOUND);
}

static void operators(void **state) {
  (void)state;
  int64_t ann = registered("ann@example.org"), op = registered("op@example.org");
  struct login l = signed_in("ann@example.org", PASSWORD, NULL);
  struct operation o = {.actor_id = op, .user_id = ann, .from = from};
  impersonate_write(&o);
  assert_int_equal(o.refusal, REFUSAL_NONE);
  struct access a;
  assert_int_equal(checked(o.tokens.access, &a), ACCESS_GOOD);
  assert_true(a.actor.actor_id == op && a.actor.user_id == ann);
  assert_string_equal(o.tokens.refresh, "");
  suspend_write(&o);
  assert_int_equal(checked(l.tokens.access, &a), ACCESS_ENDED);
  assert_int_equal(checked(o.tokens.access, &a), ACCESS_ENDED);
  assert_int_equal(refreshed(l.tokens.refresh).refusal, REFUSAL_BAD_TOKEN);
  assert_int_equal(signed_in("ann@example.org", "wrong-password", NULL).refusal, REFUSAL_BAD_CREDENTIALS);  // tells a stranger nothing
  assert_int_equal(signed_in("ann@example.org", PASSWORD, NULL).refusal, REFUSAL_SUSPENDED);
}

static enum status count_column(struct db *db, const char *sql, const char *text, int64_t *ret) {
  struct db_rows rows;
  *ret = -1;
  enum status st = db_query(db, &rows, NULL, sql, "t", text);
  if (st == OK && db_next(&rows)) *ret = db_int(&rows, 0);
  return db_end(&rows, st, NULL);
}

static void erasing(void **state) {
  (void)state;
  int64_t ann = registered("ann@example.org"), count;
  char secret[40], recovery[RECOVERY_CODES][RECOVERY_CODE_SIZE], code[7];
  enabled(ann, secret, recovery);
  struct user_row user;
  assert_int_equal(user_get(reader(), ann, &user, NULL), OK);
  pass(30);
  code_now(secret, code);
  struct login l = signed_in("ann@example.org", PASSWORD, code);
  assert_int_equal(l.refusal, REFUSAL_NONE);
  struct erasure e = {.user_id = ann, .password = PASSWORD, .from = from};
  assert_int_equal(erasure_prepare(id, reader(), &e, NULL), OK);
  password_work_run(&e.work);
  erase_write(&e);
  assert_int_equal(e.refusal, REFUSAL_SECOND_FACTOR_REQUIRED);
  e.code = recovery[0];
  assert_int_equal(erasure_prepare(id, reader(), &e, NULL), OK);
  password_work_run(&e.work);
  erase_write(&e);
  assert_int_equal(e.refusal, REFUSAL_NONE);
  struct access a;
  assert_int_equal(checked(l.tokens.access, &a), ACCESS_ENDED);
  assert_int_equal(refreshed(l.tokens.refresh).refusal, REFUSAL_BAD_TOKEN);
  assert_int_equal(signed_in("ann@example.org", PASSWORD, recovery[1]).refusal, REFUSAL_BAD_CREDENTIALS);
  int64_t tenant = user.tenant_id;
  assert_int_equal(user_get(reader(), ann, &user, NULL), OK);
  assert_string_equal(user.email, "");
  assert_string_equal(user.password_hash, "");
  uint8_t key[KEY_BYTES];
  assert_int_equal(vault_tenant_key(identity_keys(id), reader(), tenant, false, 0, key, NULL), ERR_NOTFOUND);
  assert_int_equal(count_column(reader(), "SELECT count(*) FROM outbox WHERE recipient = ?", "ann@example.org", &count), OK);
  assert_int_equal(count, 0);
  assert_int_equal(count_column(reader(), "SELECT count(*) FROM audit_context WHERE address = ?", "198.51.100.7", &count), OK);
  assert_int_equal(count, 0);
  assert_int_equal(count_column(reader(), "SELECT count(*) FROM sessions WHERE address = ?", "198.51.100.7", &count), OK);
  assert_int_equal(count, 0);
  struct audit_report report;  // and the chain still holds
  assert_int_equal(audit_verify(reader(), identity_keys(id)->audit.pub, &report, NULL), OK);
  assert_true(report.sound && report.rows > 3);
  assert_true(registered("ann@example.org") > 0);  // the address is free again
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(registering, setup, teardown),
    cmocka_unit_test_setup_teardown(signing_in, setup, teardown),
    cmocka_unit_test_setup_teardown(refreshing, setup, teardown),
    cmocka_unit_test_setup_teardown(leaving_sessions, setup, teardown),
    cmocka_unit_test_setup_teardown(new_passwords, setup, teardown),
    cmocka_unit_test_setup_teardown(second_factors, setup, teardown),
    cmocka_unit_test_setup_teardown(guessed_codes, setup, teardown),
    cmocka_unit_test_setup_teardown(api_keys, setup, teardown),
    cmocka_unit_test_setup_teardown(organisations, setup, teardown),
    cmocka_unit_test_setup_teardown(operators, setup, teardown),
    cmocka_unit_test_setup_teardown(erasing, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// What must stay secret or unchanged: key files, sealed fields, the audit chain, mail, ended sessions – with the database edited
// behind the program's back.
#include "scratch.h"

#include "store/channel_rows.h"
#include "store/db.h"
#include "store/id.h"
#include "store/outbox_rows.h"
#include "tenant/audit.h"
#include "tenant/deny.h"
#include "tenant/identity.h"
#include "tenant/mail.h"
#include "tenant/network.h"
#include "tenant/sealed.h"

#include <sys/stat.h>
#include <unistd.h>

#define S INT64_C(1000000000)
#define NOW (INT64_C(1800000000) * S)

static char dir[64], keys_dir[80];
static struct store *store;
static struct keys *keys;

static enum status open_keys(bool create, struct keys **ret, struct err *err) {
  struct keys_source source = {.dir = keys_dir, .issuer = "https://perigee.test", .audience = "perigee-api", .create = create};
  return keys_open(&source, NOW, ret, err);
}

static int setup(void **state) {
  (void)state;
  if (scratch_open(dir, &store)) return 1;
  snprintf(keys_dir, sizeof keys_dir, "%s/keys", dir);
  return open_keys(true, &keys, NULL) != OK;
}

static int teardown(void **state) {
  (void)state;
  keys_close(keys);
  scratch_close(dir, store);
  return 0;
}

static struct db *reader(void) {
  return store_reader(store, STORE_CONTROL);
}

static enum status do_sql(struct db *db, void *arg, struct err *err) {
  return db_script(db, arg, err);
}

static void sql(const char *text) {
  struct err err = {0};
  if (store_write_sync(store, STORE_CONTROL, do_sql, (void *)(uintptr_t)text, &err) != OK) fail_msg("%s: %s", text, err.msg);
}

static void key_files(void **state) {
  (void)state;
  char path[128];
  struct stat st;
  static const char *const names[] = {"master-1.key", "token-1800000000.key", "audit.key", "site.key"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(path, sizeof path, "%s/%s", keys_dir, names[i]);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
  }
  assert_int_equal(stat(keys_dir, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0700);
  struct keys *again;
  assert_int_equal(open_keys(false, &again, NULL), OK);
  assert_memory_equal(keys->master[0].key, again->master[0].key, KEY_BYTES);
  assert_memory_equal(&keys->audit, &again->audit, sizeof keys->audit);
  keys_close(again);
  // One that others can read, that is no key, that is missing: refused by name.
  struct err err = {0};
  snprintf(path, sizeof path, "%s/site.key", keys_dir);
  assert_int_equal(chmod(path, 0644), 0);
  assert_int_equal(open_keys(true, &again, &err), ERR_INVALID);
  assert_non_null(strstr(err.msg, "site.key"));
  assert_int_equal(chmod(path, 0600), 0);
  FILE *f = fopen(path, "w");
  fputs("secret\n", f);
  fclose(f);
  assert_int_equal(open_keys(true, &again, &err), ERR_INVALID);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(open_keys(false, &again, &err), ERR_NOTFOUND);
}

static void token_keys_rotate(void **state) {
  (void)state;
  struct jwt_claims claims = {.sub = "usr_1", .iat_s = 1, .nbf_s = 1, .exp_s = 100}, back;
  char first[JWT_TOKEN_SIZE];
  assert_int_equal(jwt_make(&keys->tokens, JWT_ACCESS, &claims, first, NULL), OK);
  for (int i = 1; i <= 3; i++) {
    struct keys *rotated;
    char token[JWT_TOKEN_SIZE];
    assert_int_equal(keys_rotate_token(keys_dir, NOW, NULL), OK);  // the clock stands still: still a new key
    assert_int_equal(open_keys(false, &rotated, NULL), OK);
    assert_int_equal(jwt_make(&rotated->tokens, JWT_ACCESS, &claims, token, NULL), OK);
    assert_int_not_equal(jwt_verify(&keys->tokens, JWT_ACCESS, token, strlen(token), 50, &back), JWT_VALID);
    assert_int_equal(jwt_verify(&rotated->tokens, JWT_ACCESS, first, strlen(first), 50, &back), i < 3 ? JWT_VALID : JWT_FOREIGN);
    keys_close(rotated);
  }
}

struct put {
  int64_t tenant, account;
  const char *field, *value;
};

static enum status do_account(struct db *db, void *arg, struct err *err) {
  struct put *p = arg;
  struct account_row row = {.id = p->account, .tenant_id = p->tenant, .venue = "paper", .name = "main", .created_ns = NOW};
  return account_insert(db, &row, err);
}

static enum status do_put(struct db *db, void *arg, struct err *err) {
  struct put *p = arg;
  return vault_put(keys, db, p->tenant, p->account, p->field, p->value, strlen(p->value), NOW, err);
}

static enum status put(int64_t tenant, int64_t account, const char *field, const char *value) {
  struct put p = {tenant, account, field, value};
  return store_write_sync(store, STORE_CONTROL, do_put, &p, NULL);
}

static enum status got(const struct keys *with, int64_t tenant, int64_t account, const char *field, char value[VAULT_SECRET_MAX + 1]) {
  size_t len = 0;
  enum status st = vault_get(with, reader(), tenant, account, field, value, &len, NULL);
  value[len] = '\0';
  return st;
}

static void two_tenants(void) {
  sql("INSERT INTO tenants (id, kind, name, created_ns) VALUES (1, 'organisation', 'a', 1), (2, 'organisation', 'b', 1)");
  struct put a = {1, 11, NULL, NULL}, b = {2, 22, NULL, NULL}, c = {1, 12, NULL, NULL};
  assert_int_equal(store_write_sync(store, STORE_CONTROL, do_account, &a, NULL), OK);
  assert_int_equal(store_write_sync(store, STORE_CONTROL, do_account, &b, NULL), OK);
  assert_int_equal(store_write_sync(store, STORE_CONTROL, do_account, &c, NULL), OK);
  assert_int_equal(put(1, 11, "api_key", "CANARY-11"), OK);
  assert_int_equal(put(1, 11, "api_secret", "CANARY-11-secret"), OK);
  assert_int_equal(put(1, 12, "api_key", "CANARY-12"), OK);
  assert_int_equal(put(2, 22, "api_key", "CANARY-22"), OK);
}

static bool in_files(const char *needle) {
  char command[256];
  snprintf(command, sizeof command, "grep -rqa '%s' '%s'", needle, dir);
  return system(command) == 0;
}

static void sealed_fields(void **state) {
  (void)state;
  char value[VAULT_SECRET_MAX + 1];
  two_tenants();
  assert_int_equal(got(keys, 1, 11, "api_key", value), OK);
  assert_string_equal(value, "CANARY-11");
  assert_false(in_files("CANARY"));
  assert_true(in_files("organisation"));  // the search does find what is there
  // Another tenant's account: as if it were not there.
  assert_int_equal(got(keys, 2, 11, "api_key", value), ERR_NOTFOUND);
  assert_int_equal(put(2, 11, "api_key", "mine now"), ERR_NOTFOUND);
  assert_int_equal(put(1, 11, "../x", "v"), ERR_INVALID);
  // Rows swapped behind our back: other field, other account, an older value, another tenant.
  sql("UPDATE account_secrets SET sealed = (SELECT sealed FROM account_secrets WHERE account_id = 11 AND field = 'api_secret') "
      "WHERE account_id = 11 AND field = 'api_key'");
  assert_int_equal(got(keys, 1, 11, "api_key", value), ERR_INVALID);
  sql("UPDATE account_secrets SET sealed = (SELECT sealed FROM account_secrets WHERE account_id = 12) WHERE account_id = 11 AND field = 'api_secret'");
  assert_int_equal(got(keys, 1, 11, "api_secret", value), ERR_INVALID);
  sql("CREATE TABLE old AS SELECT * FROM account_secrets WHERE account_id = 12");
  assert_int_equal(put(1, 12, "api_key", "CANARY-new"), OK);
  assert_int_equal(got(keys, 1, 12, "api_key", value), OK);
  assert_string_equal(value, "CANARY-new");
  sql("UPDATE account_secrets SET sealed = (SELECT sealed FROM old) WHERE account_id = 12");
  assert_int_equal(got(keys, 1, 12, "api_key", value), ERR_INVALID);
  sql("UPDATE tenant_keys SET wrapped = (SELECT wrapped FROM tenant_keys WHERE tenant_id = 1) WHERE tenant_id = 2");
  assert_int_equal(got(keys, 2, 22, "api_key", value), ERR_INVALID);
}

struct rewrap {
  const struct keys *keys;
  int64_t after;
  int count;
  bool done;
};

static enum status do_rewrap(struct db *db, void *arg, struct err *err) {
  struct rewrap *r = arg;
  return vault_rewrap(r->keys, db, &r->after, 1, &r->count, &r->done, err);
}

static enum status do_destroy(struct db *db, void *arg, struct err *err) {
  return vault_destroy(db, *(int64_t *)arg, NOW, err);
}

static void master_keys_rotate(void **state) {
  (void)state;
  char value[VAULT_SECRET_MAX + 1], path[128];
  int64_t version;
  struct keys *both, *fresh;
  two_tenants();
  assert_int_equal(keys_rotate_master(keys_dir, &version, NULL), OK);
  assert_int_equal(version, 2);
  assert_int_equal(open_keys(false, &both, NULL), OK);
  assert_int_equal(keys_master_current(both), 2);
  assert_int_equal(got(both, 1, 11, "api_key", value), OK);  // before anything is rewrapped
  struct rewrap r = {.keys = both};
  int rewrapped = 0;
  while (!r.done) {
    assert_int_equal(store_write_sync(store, STORE_CONTROL, do_rewrap, &r, NULL), OK);
    rewrapped += r.count;
  }
  assert_int_equal(rewrapped, 2);
  snprintf(path, sizeof path, "%s/master-1.key", keys_dir);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(open_keys(false, &fresh, NULL), OK);
  assert_int_equal(got(fresh, 1, 11, "api_key", value), OK);
  assert_string_equal(value, "CANARY-11");
  assert_int_equal(got(fresh, 2, 22, "api_key", value), OK);
  assert_int_equal(got(keys, 2, 22, "api_key", value), ERR_INVALID);  // the old key alone
  int64_t tenant = 1;
  assert_int_equal(store_write_sync(store, STORE_CONTROL, do_destroy, &tenant, NULL), OK);
  assert_int_equal(got(fresh, 1, 11, "api_key", value), ERR_NOTFOUND);
  assert_int_equal(put(1, 11, "api_key", "again"), ERR_NOTFOUND);  // and no new key takes its place
  assert_int_equal(got(fresh, 2, 22, "api_key", value), OK);
  keys_close(both);
  keys_close(fresh);
}

static enum status do_start(struct db *db, void *arg, struct err *err) {
  return identity_start(arg, db, NOW, err);
}

// A database with another installation's keys, or with keys made anew after the old ones were lost.
static void foreign_keys(void **state) {
  (void)state;
  struct identity_options options = {.keys_dir = keys_dir, .site_url = "https://perigee.test", .product = "Perigee"};
  struct identity *id;
  struct err err = {0};
  assert_int_equal(identity_create(&options, NOW, &id, NULL), OK);
  assert_int_equal(store_write_sync(store, STORE_CONTROL, do_start, id, NULL), OK);
  assert_int_equal(store_write_sync(store, STORE_CONTROL, do_start, id, NULL), OK);
  identity_destroy(id);
  options.master_hex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
  assert_int_equal(identity_create(&options, NOW, &id, NULL), OK);
  assert_int_equal(store_write_sync(store, STORE_CONTROL, do_start, id, &err), ERR_INVALID);
  assert_non_null(strstr(err.msg, "master key"));
  identity_destroy(id);
}

static enum status do_event(struct db *db, void *arg, struct err *err) {
  struct audit_event e = {.tenant_id = *(int64_t *)arg, .user_id = 5, .action = "login", .object = "usr_x", .detail = "{\"n\":1}", .address = "192.0.2.1", .at_ns = NOW};
  return audit_add(db, &e, err);
}

static enum status do_sign(struct db *db, void *arg, struct err *err) {
  return audit_sign(db, &keys->audit, NOW, arg, err);
}

static void log_events(int64_t tenant, int count) {
  for (int i = 0; i < count; i++) assert_int_equal(store_write_sync(store, STORE_CONTROL, do_event, &tenant, NULL), OK);
}

static bool sign_log(void) {
  bool is_signed;
  assert_int_equal(store_write_sync(store, STORE_CONTROL, do_sign, &is_signed, NULL), OK);
  return is_signed;
}

static bool sound(const char *want_fault) {
  struct audit_report r;
  assert_int_equal(audit_verify(reader(), keys->audit.pub, &r, NULL), OK);
  if (want_fault && !strstr(r.fault, want_fault)) fail_msg("fault: '%s' instead of '%s'", r.fault, want_fault);
  return r.sound;
}

static void audit_chain(void **state) {
  (void)state;
  assert_false(sign_log());
  log_events(1, 4);
  log_events(2, 2);
  assert_true(sign_log());
  assert_false(sign_log());
  log_events(1, 2);
  assert_true(sign_log());
  assert_true(sound(NULL));
  // The triggers stop honest mistakes; who drops them is found out.
  struct err err = {0};
  assert_int_not_equal(store_write_sync(store, STORE_CONTROL, do_sql, (void *)(uintptr_t) "UPDATE audit SET user_id = 6 WHERE seq = 2", &err), OK);
  assert_int_not_equal(store_write_sync(store, STORE_CONTROL, do_sql, (void *)(uintptr_t) "DELETE FROM audit", &err), OK);
  sql("DELETE FROM audit_context");  // erasure
  assert_true(sound(NULL));
  sql("DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; CREATE TABLE kept AS SELECT * FROM audit");
  static const char *const columns[] = {"at_ns = at_ns + 1", "user_id = 6", "actor_id = 6", "action = 'logout'", "object = 'usr_y'", "detail = '{\"n\":2}'"};
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
    char text[128];
    snprintf(text, sizeof text, "UPDATE audit SET %s WHERE tenant_id = 1 AND seq = 2", columns[i]);
    sql(text);
    assert_false(sound("a row was changed"));
    sql("DELETE FROM audit; INSERT INTO audit SELECT * FROM kept");
    assert_true(sound(NULL));
  }
  sql("DELETE FROM audit WHERE tenant_id = 1 AND seq = 3");
  assert_false(sound("a row is missing"));
  sql("DELETE FROM audit; INSERT INTO audit SELECT * FROM kept; DELETE FROM audit WHERE tenant_id = 1 AND seq > 4");
  assert_false(sound("a signed row is gone"));  // the end cut off: the chain alone would not tell
  sql("DELETE FROM audit; INSERT INTO audit SELECT * FROM kept; DELETE FROM audit WHERE tenant_id = 2");
  assert_false(sound("a signed row is gone"));
  sql("DELETE FROM audit; INSERT INTO audit SELECT * FROM kept; UPDATE audit_signed_heads SET seq = 1 WHERE tenant_id = 2");
  assert_false(sound("a signature does not hold"));
}

static void audit_of_another_key(void **state) {
  (void)state;
  log_events(1, 1);
  assert_true(sign_log());
  keys->audit.pub[3] ^= 1;
  assert_false(sound("a signature does not hold"));
}

static void note_kind(void *arg, const struct sealed_item *item) { ((int *)arg)[item->kind]++; }

static enum status do_abandon(struct db *db, void *arg, struct err *err) { return sealed_abandon(keys, db, NOW, false, arg, err); }

// A lost key of the log: what it signed cannot be checked any more, and is removed when the key is abandoned. A changed row is no
// matter of keys, and stays a fault.
static void audit_key_lost(void **state) {
  (void)state;
  struct err err = {0};
  struct sealed_report r;
  int found[SEALED_KINDS] = {0};
  log_events(1, 2);
  assert_true(sign_log());
  assert_int_equal(sealed_examine(keys, reader(), NOW, note_kind, found, &r, &err), OK);
  assert_false(r.foreign_signatures);
  const uint8_t seed[SIGN_SEED_BYTES] = {7};
  sign_key_from_seed(seed, &keys->audit);
  assert_int_equal(sealed_examine(keys, reader(), NOW, note_kind, found, &r, &err), OK);
  assert_true(r.foreign_signatures);
  assert_int_equal(found[SEALED_SIGNATURES], 1);
  assert_int_equal(store_write_sync(store, STORE_CONTROL, do_abandon, &r, &err), OK);
  assert_true(sound(NULL));
  assert_true(sign_log());
  assert_true(sound(NULL));
  assert_int_equal(sealed_examine(keys, reader(), NOW, note_kind, found, &r, &err), OK);
  assert_false(r.foreign_signatures);
  sql("DROP TRIGGER audit_no_update; UPDATE audit SET user_id = 6 WHERE tenant_id = 1 AND seq = 1");
  sign_key_from_seed((const uint8_t[SIGN_SEED_BYTES]){8}, &keys->audit);
  assert_int_equal(sealed_examine(keys, reader(), NOW, note_kind, found, &r, &err), OK);
  assert_false(r.foreign_signatures);
  assert_false(sound("a row was changed"));
}

static enum status do_channel(struct db *db, void *arg, struct err *err) {
  struct channel_row c = {.id = 77, .tenant_id = 1, .kind = "webhook", .state = "active", .name = "Desk", .shown = "https://…", .address_len = 40, .created_ns = NOW, .updated_ns = NOW};
  (void)arg;
  memset(c.address, 9, c.address_len);  // sealed with another key
  return channel_insert(db, &c, err);
}

// A channel whose address does not open is listed, and when its key is given up it waits for another address.
static void channel_lost(void **state) {
  (void)state;
  struct err err = {0};
  struct sealed_report r;
  struct channel_row c;
  int found[SEALED_KINDS] = {0};
  sql("INSERT OR IGNORE INTO tenants (id, kind, name, created_ns) VALUES (1, 'organisation', 'a', 1)");
  assert_int_equal(store_write_sync(store, STORE_CONTROL, do_channel, NULL, &err), OK);
  assert_int_equal(sealed_examine(keys, reader(), NOW, note_kind, found, &r, &err), OK);
  assert_true(found[SEALED_CHANNEL] == 1 && r.channels == 1 && r.shut_channels == 1);
  assert_int_equal(store_write_sync(store, STORE_CONTROL, do_abandon, &r, &err), OK);
  assert_int_equal(channel_find(reader(), 77, &c, &err), OK);
  assert_true(strcmp(c.state, "disabled") == 0 && c.address_len == 0 && strstr(c.reason, "anew"));
  assert_int_equal(sealed_examine(keys, reader(), NOW, note_kind, found, &r, &err), OK);
  assert_true(found[SEALED_CHANNEL] == 1 && r.channels == 0);
}

static enum status do_mail(struct db *db, void *arg, struct err *err) {
  return mail_put(keys, db, 7, "ann@example.org", "Hello", arg, NOW, err);
}

static enum status do_sent(struct db *db, void *arg, struct err *err) {
  return outbox_sent(db, *(int64_t *)arg, NOW, err);
}

static void mail_is_sealed(void **state) {
  (void)state;
  char body[MAIL_BODY_MAX + 1];
  struct outbox_row row;
  assert_int_equal(store_write_sync(store, STORE_CONTROL, do_mail, (void *)(uintptr_t) "your token: CANARY-mail", NULL), OK);
  assert_false(in_files("CANARY-mail"));
  assert_int_equal(outbox_due(reader(), NOW, &row, NULL), OK);
  assert_int_equal(mail_body(keys, &row, body, NULL), OK);
  assert_string_equal(body, "your token: CANARY-mail");
  assert_true(mail_retry_ns(&row, NOW) == NOW + 60 * S);
  assert_true(mail_retry_ns(&row, NOW + 25 * 3600 * S) == 0);
  struct outbox_row other = row;
  snprintf(other.recipient, sizeof other.recipient, "eve@example.org");
  assert_int_equal(mail_body(keys, &other, body, NULL), ERR_INVALID);
  assert_int_equal(store_write_sync(store, STORE_CONTROL, do_sent, &row.id, NULL), OK);
  assert_int_equal(outbox_due(reader(), NOW + 1, &row, NULL), ERR_NOTFOUND);
}

static void ended_sessions(void **state) {
  (void)state;
  struct deny *d;
  assert_int_equal(deny_create(&d, NULL), OK);
  for (int64_t i = 1; i <= 20000; i++) deny_add(d, i << 22, 1000 + (i % 2) * 900, 900);
  for (int64_t i = 1; i <= 20000; i++) {
    assert_true(deny_has(d, i << 22, 999));
    assert_int_equal(deny_has(d, i << 22, 1500), i % 2);
    assert_false(deny_has(d, (i << 22) + 1, 999));
  }
  for (int64_t i = 1; i <= 60000; i++) deny_add(d, (i << 22) + 7, 3000, 2000);  // the expired make room
  assert_true(deny_has(d, (INT64_C(60000) << 22) + 7, 2999));
  assert_false(deny_has(d, (INT64_C(60000) << 22) + 7, 3000));
  deny_destroy(d);
}

static void networks(void **state) {
  (void)state;
  static const char *const good[] = {"0.0.0.0/0", "192.0.2.0/24", "192.0.2.7", "192.0.2.7/32", "2001:db8::/32", "::1", "::/0"};
  static const char *const bad[] = {"", "192.0.2.0/33", "192.0.2.1/24", "192.0.2.0/", "192.0.2.0/024", "192.0.2.0/-1", "192.0.2/24", "2001:db8::1/32", "::/129", "x", "1.2.3.4/8 "};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_true(network_is_block(good[i]));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(network_is_block(bad[i]));
  assert_true(network_list_has("", "garbage"));
  assert_true(network_list_has("10.0.0.0/8  192.0.2.0/25", "192.0.2.127"));
  assert_false(network_list_has("10.0.0.0/8  192.0.2.0/25", "192.0.2.128"));
  assert_false(network_list_has("0.0.0.0/0", "2001:db8::1"));
  assert_false(network_list_has("10.0.0.0/8", NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(key_files, setup, teardown),
    cmocka_unit_test_setup_teardown(token_keys_rotate, setup, teardown),
    cmocka_unit_test_setup_teardown(sealed_fields, setup, teardown),
    cmocka_unit_test_setup_teardown(master_keys_rotate, setup, teardown),
    cmocka_unit_test_setup_teardown(foreign_keys, setup, teardown),
    cmocka_unit_test_setup_teardown(audit_chain, setup, teardown),
    cmocka_unit_test_setup_teardown(audit_of_another_key, setup, teardown),
    cmocka_unit_test_setup_teardown(audit_key_lost, setup, teardown),
    cmocka_unit_test_setup_teardown(channel_lost, setup, teardown),
    cmocka_unit_test_setup_teardown(mail_is_sealed, setup, teardown),
    cmocka_unit_test(ended_sessions),
    cmocka_unit_test(networks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

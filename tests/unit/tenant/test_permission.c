// Every role × every permission, against rules written down a second time in words; and default deny.
#include "tenant/permission.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static bool starts(const char *text, const char *with) {
  return !strncmp(text, with, strlen(with));
}

static bool ends(const char *text, const char *with) {
  size_t a = strlen(text), b = strlen(with);
  return a >= b && !strcmp(text + a - b, with);
}

static bool is_read(const char *text) {
  return ends(text, ".read");
}

static void test_every_role(void **state) {
  (void)state;
  int allowed = 0;
  for (int p = PERMISSION_UNKNOWN + 1; p < PERMISSION_COUNT; p++) {
    const char *text = permission_text((enum permission)p);
    assert_int_equal(permission_parse(text), p);
    bool admin = starts(text, "admin."), own = starts(text, "me.") || starts(text, "sessions.") || starts(text, "keys.") ||
      !strcmp(text, "orgs.create") || !strcmp(text, "markets.read");
    for (int site = 0; site < ROLE_COUNT; site++) {
      for (int member = 0; member < MEMBER_ROLE_COUNT; member++) {
        bool want;
        if (admin) {
          bool top = !strcmp(text, "admin.roles.write") || !strcmp(text, "admin.system.write");
          want = is_read(text) && strcmp(text, "admin.business.read") ? site >= ROLE_SUPPORT : top ? site == ROLE_SUPER_ADMIN : site >= ROLE_ADMIN;
        } else if (own) {
          want = true;
        } else if (!strcmp(text, "audit.read")) {
          want = member == MEMBER_OWNER;
        } else if (is_read(text)) {
          want = member >= MEMBER_VIEWER;
        } else {
          bool owners = starts(text, "orgs.") || starts(text, "members.") || starts(text, "accounts.") ||
            starts(text, "plans.") || starts(text, "billing.");
          want = owners ? member == MEMBER_OWNER : member >= MEMBER_TRADER;
        }
        struct caller caller = {.role = (enum role)site, .member_role = (enum member_role)member, .mfa = true};
        assert_int_equal(permission_allowed(&caller, (enum permission)p), want);
        allowed += want;
      }
    }
  }
  assert_true(allowed > 300);
}

static void test_default_deny(void **state) {
  (void)state;
  struct caller all = {ROLE_SUPER_ADMIN, MEMBER_OWNER, false, KEY_SCOPE_ALL, true, false};
  assert_false(permission_allowed(&all, PERMISSION_UNKNOWN));
  assert_false(permission_allowed(&all, PERMISSION_COUNT));
  assert_false(permission_allowed(&all, (enum permission)-1));
  assert_false(permission_allowed(&all, permission_parse("bots.fly")));
  assert_false(permission_allowed(&all, permission_parse("")));
  struct caller odd = all;
  odd.role = (enum role)99;
  assert_false(permission_allowed(&odd, PERMISSION_admin_halt));
  odd = all;
  odd.member_role = (enum member_role)99;
  assert_false(permission_allowed(&odd, PERMISSION_bots_read));
  struct caller nobody = {0};
  assert_int_equal(permission_check(&nobody, PERMISSION_bots_read), PERMISSION_DENIED_ROLE);
}

// A key does what its scope says and its owner may; what hands out power or secrets takes a person.
static void test_keys(void **state) {
  (void)state;
  struct caller key = {ROLE_SUPER_ADMIN, MEMBER_OWNER, true, KEY_SCOPE_READ, true, false};
  for (int p = PERMISSION_UNKNOWN + 1; p < PERMISSION_COUNT; p++) {
    if (permission_allowed(&key, (enum permission)p)) assert_true(is_read(permission_text((enum permission)p)));
  }
  assert_int_equal(permission_check(&key, PERMISSION_bots_write), PERMISSION_DENIED_SCOPE);
  key.scopes = KEY_SCOPE_TRADE;
  assert_true(permission_allowed(&key, PERMISSION_bots_write));
  assert_int_equal(permission_check(&key, PERMISSION_bots_read), PERMISSION_DENIED_SCOPE);
  assert_int_equal(permission_check(&key, PERMISSION_admin_halt), PERMISSION_DENIED_SCOPE);
  key.scopes = KEY_SCOPE_ALL;
  static const enum permission by_hand[] = {PERMISSION_keys_write, PERMISSION_me_write, PERMISSION_sessions_write,
    PERMISSION_members_write, PERMISSION_accounts_secrets, PERMISSION_admin_roles_write, PERMISSION_admin_impersonate,
    PERMISSION_billing_write};
  for (size_t i = 0; i < sizeof by_hand / sizeof *by_hand; i++)
    assert_int_equal(permission_check(&key, by_hand[i]), PERMISSION_DENIED_SCOPE);
  key.role = ROLE_USER;
  assert_int_equal(permission_check(&key, PERMISSION_admin_users_read), PERMISSION_DENIED_ROLE);
}

static void test_second_factor_and_impersonation(void **state) {
  (void)state;
  struct caller caller = {.role = ROLE_ADMIN, .member_role = MEMBER_OWNER};
  assert_int_equal(permission_check(&caller, PERMISSION_accounts_secrets), PERMISSION_DENIED_MFA);
  assert_int_equal(permission_check(&caller, PERMISSION_admin_users_write), PERMISSION_DENIED_MFA);
  assert_true(permission_allowed(&caller, PERMISSION_admin_halt));  // stopping must never wait for a phone
  caller.mfa = true;
  assert_true(permission_allowed(&caller, PERMISSION_accounts_secrets));
  caller.impersonated = true;
  for (int p = PERMISSION_UNKNOWN + 1; p < PERMISSION_COUNT; p++) {
    const char *text = permission_text((enum permission)p);
    if (permission_allowed(&caller, (enum permission)p)) assert_true(is_read(text) && !starts(text, "admin."));
  }
  assert_int_equal(permission_check(&caller, PERMISSION_bots_write), PERMISSION_DENIED_READ_ONLY);
  assert_true(permission_allowed(&caller, PERMISSION_bots_read));
}

static void test_names(void **state) {
  (void)state;
  assert_int_equal(role_parse("super_admin"), ROLE_SUPER_ADMIN);
  assert_int_equal(role_parse("root"), -1);
  assert_string_equal(role_text(ROLE_SUPPORT), "support");
  assert_string_equal(role_text((enum role)7), "");
  assert_int_equal(member_role_parse("trader"), MEMBER_TRADER);
  assert_int_equal(member_role_parse("none"), -1);
  assert_string_equal(member_role_text(MEMBER_OWNER), "owner");
  assert_int_equal(key_scope_parse("strategies"), KEY_SCOPE_STRATEGIES);
  assert_int_equal(key_scope_parse("all"), -1);
  assert_string_equal(key_scope_text(KEY_SCOPE_ADMIN), "admin");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_every_role),
    cmocka_unit_test(test_default_deny),
    cmocka_unit_test(test_keys),
    cmocka_unit_test(test_second_factor_and_impersonation),
    cmocka_unit_test(test_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

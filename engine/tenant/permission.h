// tenant/permission.h – who may do what: one table, rows are permissions, columns what a caller must be. What is not in
// the table is denied. Handlers ask by name of the permission, never by role.
//
// Four things must agree: the caller's role (of the site, or in the tenant acted for), the scope when the caller is an API
// key, the second factor where money or power is at stake, and that an operator who impersonates somebody only reads.
#pragma once
#include <stdbool.h>

// Of a person, on the whole site. Each is more than the one before, except that support only reads.
enum role { ROLE_USER, ROLE_SUPPORT, ROLE_ADMIN, ROLE_SUPER_ADMIN, ROLE_COUNT };
// Of a person in a tenant; everybody owns their personal tenant.
enum member_role { MEMBER_NONE, MEMBER_VIEWER, MEMBER_TRADER, MEMBER_OWNER, MEMBER_ROLE_COUNT };
// Of an API key; a set.
enum key_scope { KEY_SCOPE_NONE = 0, KEY_SCOPE_READ = 1, KEY_SCOPE_TRADE = 2, KEY_SCOPE_STRATEGIES = 4, KEY_SCOPE_ADMIN = 8,
  KEY_SCOPE_ALL = 15 };

// name, text, least member role (MEMBER_NONE: not a tenant's affair), least site role, only read, scope (NONE: no key), needs mfa
#define PERMISSION_LIST(X)                                                                              \
  /* one's own person */                                                                                \
  X(me_read, "me.read", MEMBER_NONE, ROLE_USER, true, KEY_SCOPE_READ, false)                            \
  X(me_write, "me.write", MEMBER_NONE, ROLE_USER, false, KEY_SCOPE_NONE, false)                         \
  X(me_export, "me.export", MEMBER_NONE, ROLE_USER, false, KEY_SCOPE_NONE, false)                       \
  X(sessions_read, "sessions.read", MEMBER_NONE, ROLE_USER, true, KEY_SCOPE_NONE, false)                \
  X(sessions_write, "sessions.write", MEMBER_NONE, ROLE_USER, false, KEY_SCOPE_NONE, false)             \
  X(keys_read, "keys.read", MEMBER_NONE, ROLE_USER, true, KEY_SCOPE_NONE, false)                        \
  X(keys_write, "keys.write", MEMBER_NONE, ROLE_USER, false, KEY_SCOPE_NONE, false)                     \
  X(orgs_create, "orgs.create", MEMBER_NONE, ROLE_USER, false, KEY_SCOPE_NONE, false)                   \
  X(markets_read, "markets.read", MEMBER_NONE, ROLE_USER, true, KEY_SCOPE_READ, false)                  \
  /* a tenant's affairs */                                                                              \
  X(orgs_read, "orgs.read", MEMBER_VIEWER, ROLE_USER, true, KEY_SCOPE_READ, false)                      \
  X(orgs_write, "orgs.write", MEMBER_OWNER, ROLE_USER, false, KEY_SCOPE_NONE, false)                    \
  X(members_read, "members.read", MEMBER_VIEWER, ROLE_USER, true, KEY_SCOPE_READ, false)                \
  X(members_write, "members.write", MEMBER_OWNER, ROLE_USER, false, KEY_SCOPE_NONE, false)              \
  X(strategies_read, "strategies.read", MEMBER_VIEWER, ROLE_USER, true, KEY_SCOPE_READ, false)          \
  X(strategies_write, "strategies.write", MEMBER_TRADER, ROLE_USER, false, KEY_SCOPE_STRATEGIES, false) \
  X(backtests_read, "backtests.read", MEMBER_VIEWER, ROLE_USER, true, KEY_SCOPE_READ, false)            \
  X(backtests_run, "backtests.run", MEMBER_TRADER, ROLE_USER, false, KEY_SCOPE_STRATEGIES, false)       \
  X(accounts_read, "accounts.read", MEMBER_VIEWER, ROLE_USER, true, KEY_SCOPE_READ, false)              \
  X(accounts_write, "accounts.write", MEMBER_OWNER, ROLE_USER, false, KEY_SCOPE_NONE, false)            \
  X(accounts_secrets, "accounts.secrets", MEMBER_OWNER, ROLE_USER, false, KEY_SCOPE_NONE, true)         \
  X(bots_read, "bots.read", MEMBER_VIEWER, ROLE_USER, true, KEY_SCOPE_READ, false)                      \
  X(bots_write, "bots.write", MEMBER_TRADER, ROLE_USER, false, KEY_SCOPE_TRADE, false)                  \
  X(signals_read, "signals.read", MEMBER_VIEWER, ROLE_USER, true, KEY_SCOPE_READ, false)                \
  X(signals_write, "signals.write", MEMBER_TRADER, ROLE_USER, false, KEY_SCOPE_TRADE, false)            \
  X(analytics_read, "analytics.read", MEMBER_VIEWER, ROLE_USER, true, KEY_SCOPE_READ, false)            \
  X(notifications_read, "notifications.read", MEMBER_VIEWER, ROLE_USER, true, KEY_SCOPE_READ, false)    \
  X(notifications_write, "notifications.write", MEMBER_TRADER, ROLE_USER, false, KEY_SCOPE_NONE, false) \
  X(usage_read, "usage.read", MEMBER_VIEWER, ROLE_USER, true, KEY_SCOPE_READ, false)                    \
  X(plans_read, "plans.read", MEMBER_VIEWER, ROLE_USER, true, KEY_SCOPE_READ, false)                    \
  X(plans_write, "plans.write", MEMBER_OWNER, ROLE_USER, false, KEY_SCOPE_NONE, false)                  \
  X(billing_write, "billing.write", MEMBER_OWNER, ROLE_USER, false, KEY_SCOPE_NONE, false)              \
  X(audit_read, "audit.read", MEMBER_OWNER, ROLE_USER, true, KEY_SCOPE_READ, false)                     \
  /* the site's operation */                                                                            \
  X(admin_users_read, "admin.users.read", MEMBER_NONE, ROLE_SUPPORT, true, KEY_SCOPE_ADMIN, false)      \
  X(admin_users_write, "admin.users.write", MEMBER_NONE, ROLE_ADMIN, false, KEY_SCOPE_ADMIN, true)      \
  X(admin_roles_write, "admin.roles.write", MEMBER_NONE, ROLE_SUPER_ADMIN, false, KEY_SCOPE_NONE, true) \
  X(admin_impersonate, "admin.impersonate", MEMBER_NONE, ROLE_ADMIN, false, KEY_SCOPE_NONE, true)       \
  X(admin_bots_read, "admin.bots.read", MEMBER_NONE, ROLE_SUPPORT, true, KEY_SCOPE_ADMIN, false)        \
  X(admin_bots_write, "admin.bots.write", MEMBER_NONE, ROLE_ADMIN, false, KEY_SCOPE_ADMIN, true)        \
  X(admin_scripts_read, "admin.scripts.read", MEMBER_NONE, ROLE_SUPPORT, true, KEY_SCOPE_ADMIN, false)  \
  X(admin_scripts_write, "admin.scripts.write", MEMBER_NONE, ROLE_ADMIN, false, KEY_SCOPE_ADMIN, true)  \
  X(admin_halt, "admin.halt", MEMBER_NONE, ROLE_ADMIN, false, KEY_SCOPE_ADMIN, false)                   \
  X(admin_audit_read, "admin.audit.read", MEMBER_NONE, ROLE_SUPPORT, true, KEY_SCOPE_ADMIN, false)      \
  X(admin_metrics_read, "admin.metrics.read", MEMBER_NONE, ROLE_SUPPORT, true, KEY_SCOPE_ADMIN, false)  \
  X(admin_business_read, "admin.business.read", MEMBER_NONE, ROLE_ADMIN, true, KEY_SCOPE_ADMIN, false)  \
  X(admin_system_read, "admin.system.read", MEMBER_NONE, ROLE_SUPPORT, true, KEY_SCOPE_ADMIN, false)    \
  X(admin_system_write, "admin.system.write", MEMBER_NONE, ROLE_SUPER_ADMIN, false, KEY_SCOPE_NONE, true)

enum permission {
  PERMISSION_UNKNOWN,  // denied to everybody
#define X(name, text, member, site, read, scope, mfa) PERMISSION_##name,
  PERMISSION_LIST(X)
#undef X
  PERMISSION_COUNT
};

// Who asks, as authentication found it.
struct caller {
  enum role role;
  enum member_role member_role;  // in the tenant acted for
  bool by_key;
  unsigned scopes;               // enum key_scope; only with by_key
  bool mfa;                      // the session showed a second factor; a key: the session that made it had
  bool impersonated;             // an operator looks at somebody's account
};

enum permission_verdict {
  PERMISSION_ALLOWED,
  PERMISSION_DENIED_ROLE,
  PERMISSION_DENIED_SCOPE,      // the key was not made for this
  PERMISSION_DENIED_READ_ONLY,  // impersonation only looks
  PERMISSION_DENIED_MFA,        // everything fits but the second factor: enable it, sign in again
};

// Any value of `wanted`, also one cast from outside: what is not in the table is denied.
enum permission_verdict permission_check(const struct caller *caller, enum permission wanted);
bool permission_allowed(const struct caller *caller, enum permission wanted);

// "bots.write" ↔ PERMISSION_bots_write. Unknown: PERMISSION_UNKNOWN; text of it: "".
enum permission permission_parse(const char *text);
const char *permission_text(enum permission p);
// Is it about a tenant's affairs, and not a person's own or the site's?
bool permission_of_tenant(enum permission p);
// "super_admin", "trader", "strategies": -1 when there is no such name.
int role_parse(const char *text);
const char *role_text(enum role role);
int member_role_parse(const char *text);  // never gives MEMBER_NONE
const char *member_role_text(enum member_role role);
int key_scope_parse(const char *text);
const char *key_scope_text(enum key_scope one);

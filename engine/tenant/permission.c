// tenant/permission.c – see permission.h.
#include "tenant/permission.h"

#include <stddef.h>
#include <string.h>

static const struct rule {
  const char *text;
  enum member_role member;
  enum role site;
  bool read;
  enum key_scope scope;
  bool mfa;
} rules[PERMISSION_COUNT] = {
  [PERMISSION_UNKNOWN] = {.text = ""},
#define X(name, text, member, site, read, scope, mfa) [PERMISSION_##name] = {text, member, site, read, scope, mfa},
  PERMISSION_LIST(X)
#undef X
};

static const char *const role_texts[ROLE_COUNT] = {"user", "support", "admin", "super_admin"};
static const char *const member_texts[MEMBER_ROLE_COUNT] = {"none", "viewer", "trader", "owner"};
static const struct {
  enum key_scope scope;
  const char *text;
} scope_texts[] = {{KEY_SCOPE_READ, "read"}, {KEY_SCOPE_TRADE, "trade"}, {KEY_SCOPE_STRATEGIES, "strategies"},
  {KEY_SCOPE_ADMIN, "admin"}};

enum permission_verdict permission_check(const struct caller *caller, enum permission wanted) {
  if ((int)wanted <= PERMISSION_UNKNOWN || wanted >= PERMISSION_COUNT) return PERMISSION_DENIED_ROLE;
  const struct rule *rule = &rules[wanted];
  // Support reads the site's operation, and is a user like any other otherwise: it is below admin in both ways.
  if ((int)caller->role < (int)rule->site || caller->role >= ROLE_COUNT) return PERMISSION_DENIED_ROLE;
  if ((int)caller->member_role < (int)rule->member || caller->member_role >= MEMBER_ROLE_COUNT) return PERMISSION_DENIED_ROLE;
  if (caller->by_key && !(caller->scopes & (unsigned)rule->scope)) return PERMISSION_DENIED_SCOPE;
  // Looking at somebody's account shows what they see, and not the operation of the site.
  if (caller->impersonated && (!rule->read || rule->site > ROLE_USER)) return PERMISSION_DENIED_READ_ONLY;
  if (rule->mfa && !caller->mfa) return PERMISSION_DENIED_MFA;
  return PERMISSION_ALLOWED;
}

bool permission_allowed(const struct caller *caller, enum permission wanted) {
  return permission_check(caller, wanted) == PERMISSION_ALLOWED;
}

enum permission permission_parse(const char *text) {
  for (int p = PERMISSION_UNKNOWN + 1; p < PERMISSION_COUNT; p++) {
    if (!strcmp(rules[p].text, text)) return (enum permission)p;
  }
  return PERMISSION_UNKNOWN;
}

const char *permission_text(enum permission p) {
  return (int)p > PERMISSION_UNKNOWN && p < PERMISSION_COUNT ? rules[p].text : "";
}

bool permission_of_tenant(enum permission p) {
  return (int)p > PERMISSION_UNKNOWN && p < PERMISSION_COUNT && rules[p].member > MEMBER_NONE;
}

static int find(const char *const *texts, int first, int count, const char *text) {
  for (int i = first; i < count; i++) {
    if (!strcmp(texts[i], text)) return i;
  }
  return -1;
}

int role_parse(const char *text) {
  return find(role_texts, 0, ROLE_COUNT, text);
}

const char *role_text(enum role role) {
  return (int)role >= 0 && role < ROLE_COUNT ? role_texts[role] : "";
}

int member_role_parse(const char *text) {
  return find(member_texts, MEMBER_VIEWER, MEMBER_ROLE_COUNT, text);
}

const char *member_role_text(enum member_role role) {
  return (int)role >= 0 && role < MEMBER_ROLE_COUNT ? member_texts[role] : "";
}

int key_scope_parse(const char *text) {
  for (size_t i = 0; i < sizeof scope_texts / sizeof *scope_texts; i++) {
    if (!strcmp(scope_texts[i].text, text)) return (int)scope_texts[i].scope;
  }
  return -1;
}

const char *key_scope_text(enum key_scope one) {
  for (size_t i = 0; i < sizeof scope_texts / sizeof *scope_texts; i++) {
    if (scope_texts[i].scope == one) return scope_texts[i].text;
  }
  return "";
}

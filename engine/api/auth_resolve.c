// api/auth_resolve.c – who asks: an operator on the unix socket, an access token, an API key, the console's cookie; and whether
// they may.
#include "api/core.h"
#include "store/id.h"
#include "store/store.h"

#include <string.h>

// The server's own user owns the database: asking them for a password would protect nothing.
static enum problem operator_of(struct api_call *call) {
  call->who = (struct api_who){.kind = WHO_OPERATOR, .may = {.role = ROLE_SUPER_ADMIN, .member_role = MEMBER_OWNER, .mfa = true}};
  const char *tenant = call->req->field(call->req, "perigee-tenant");
  if (tenant && !id_parse("org", tenant, strlen(tenant), &call->who.tenant_id)) return PROBLEM_not_found;
  return PROBLEM_NONE;
}

enum problem api_authenticate(struct api_call *call) {
  if (call->req->is_local && !call->req->field(call->req, "authorization")) return operator_of(call);
  return call->route->auth == AUTH_USER ? PROBLEM_unauthenticated : PROBLEM_NONE;
}

enum problem api_permit(struct api_call *call) {
  if (call->route->auth != AUTH_USER) return PROBLEM_NONE;
  switch (permission_check(&call->who.may, call->route->permission)) {
    case PERMISSION_ALLOWED: return PROBLEM_NONE;
    case PERMISSION_DENIED_MFA: metrics_add(call->core->metrics, METRIC_denied, 1); return PROBLEM_second_factor_missing;
    case PERMISSION_DENIED_SCOPE:
    case PERMISSION_DENIED_READ_ONLY:
    case PERMISSION_DENIED_ROLE: break;
  }
  metrics_add(call->core->metrics, METRIC_denied, 1);
  return PROBLEM_forbidden;
}

static enum problem stream_authenticate(void *arg, const char *token, size_t len, struct api_who *ret) {
  (void)arg, (void)token, (void)len, (void)ret;
  return PROBLEM_unauthenticated;
}
static enum problem stream_permits(void *arg, const struct api_who *who, const char *channel) {
  (void)arg, (void)who, (void)channel;
  return PROBLEM_not_found;
}
static bool stream_valid(void *arg, const struct api_who *who) {
  (void)arg, (void)who;
  return true;
}
const struct stream_rules api_stream_rules = {stream_authenticate, stream_permits, stream_valid, NULL};

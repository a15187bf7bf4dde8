#include "api/identity_call.h"

#include "api/core.h"
#include "loop/clock.h"

#include <inttypes.h>
#include <string.h>

struct origin api_origin(const struct api_call *call) {
  return (struct origin){.address = call->req->address, .user_agent = call->req->field(call->req, "user-agent"), .now_ns = call->now_ns, .mono_ns = clock_monotonic_ns()};
}

struct actor api_actor(const struct api_call *call) {
  return (struct actor){.user_id = call->who.user_id, .tenant_id = call->who.tenant_id, .session_id = call->who.session_id, .actor_id = call->who.actor_id,
                        .mfa = call->who.may.mfa};
}

enum status api_refuse(struct api_call *call, enum identity_refusal why, const char *detail, int64_t wait_s) {
  const char *text = detail && *detail ? detail : identity_refusal_text(why);
  switch (why) {
    case REFUSAL_NONE: break;
    case REFUSAL_INVALID_EMAIL: return api_invalid_at(call, "/email", text);
    case REFUSAL_INVALID_NAME: return api_invalid_at(call, "/name", text);
    case REFUSAL_INVALID_NETWORK: return api_invalid_at(call, "/networks", text);
    case REFUSAL_WEAK_PASSWORD: return api_invalid_at(call, json_object_get(call->body, "new_password") ? "/new_password" : "/password", text);
    case REFUSAL_LOCKED:
      api_field(call, "Retry-After", "%" PRId64, wait_s > 0 ? wait_s : 1);
      return api_problem(call, PROBLEM_rate_limited, text);
    case REFUSAL_BAD_CREDENTIALS:
    case REFUSAL_BAD_CODE:
    case REFUSAL_TOKEN_REUSED:
      api_guess_failed(call->core, call->req->address);
      return api_problem(call, PROBLEM_invalid_credentials, text);
    case REFUSAL_SECOND_FACTOR_REQUIRED: return api_problem(call, PROBLEM_second_factor_required, text);
    case REFUSAL_BAD_TOKEN: return api_problem(call, PROBLEM_bad_token, text);
    case REFUSAL_NOT_VERIFIED: return api_problem(call, PROBLEM_not_verified, text);
    case REFUSAL_SUSPENDED:
    case REFUSAL_CLOSED:
    case REFUSAL_FORBIDDEN: return api_problem(call, PROBLEM_forbidden, text);
    case REFUSAL_ALREADY:
    case REFUSAL_NOT_ENABLED:
    case REFUSAL_LAST_OWNER:
    case REFUSAL_LAST_SUPER_ADMIN:
    case REFUSAL_LIMIT: return api_problem(call, PROBLEM_conflict, text);
    case REFUSAL_NOT_FOUND: return api_problem(call, PROBLEM_not_found, NULL);
  }
  return err_set(&call->err, ERR_INVALID, "a refusal of nothing");
}

// Secure cookies are for TLS and, by browsers' leave, for localhost; SameSite keeps them from travelling with other sites' forms.
static void set_cookie(struct api_call *call, const char *name, const char *value, const char *path, int64_t max_age_s) {
  api_field(call, "Set-Cookie", "%s=%s; Path=%s; Max-Age=%" PRId64 "; HttpOnly; Secure; SameSite=Strict", name, value, path, max_age_s);
}

json_t *api_tokens(struct api_call *call, const struct tokens *t, bool cookie) {
  char csrf[44];
  json_t *v = json_pack("{s:s, s:I}", "token_type", "Bearer", "expires_in", (json_int_t)(t->access_expires_s - call->now_ns / 1000000000));
  if (!v) return NULL;
  if (!cookie) {
    if (t->device[0]) json_object_set_new(v, "device_token", json_string(t->device));
    json_object_set_new(v, "access_token", json_string(t->access));
    if (t->refresh[0]) json_object_set_new(v, "refresh_token", json_string(t->refresh));
    return v;
  }
  api_csrf_token(call->core, t->session_id, csrf);
  json_object_set_new(v, "csrf_token", json_string(csrf));
  set_cookie(call, API_COOKIE, t->access, "/", ACCESS_TTL_S);
  if (t->device[0]) set_cookie(call, API_DEVICE_COOKIE, t->device, "/", DEVICE_TTL_S);
  if (t->refresh[0]) set_cookie(call, API_REFRESH_COOKIE, t->refresh, "/", REFRESH_TTL_S);
  return v;
}

// The device's stays: it opens nothing, and signing out is not a reason to be locked out.
void api_cookies_clear(struct api_call *call) {
  set_cookie(call, API_COOKIE, "", "/", 0);
  set_cookie(call, API_REFRESH_COOKIE, "", "/", 0);
}

// api/problem.h – errors as RFC 9457 application/problem+json, from one closed table: a code names a mistake for ever.
//
// Codes are a contract with clients: add, never rename or reuse. `detail` says what happened this time, `errors` where.
#pragma once
#include "api/schema.h"

// code, HTTP status, title
#define PROBLEM_LIST(X)                                                                            \
  X(malformed_request, 400, "The request is malformed")                                            \
  X(malformed_json, 400, "The body is not valid JSON")                                             \
  X(bad_cursor, 400, "The cursor is not valid here")                                               \
  X(bad_token, 400, "The token is not valid or has expired")                                       \
  X(unauthenticated, 401, "Authentication is required")                                            \
  X(invalid_credentials, 401, "The credentials are not accepted")                                  \
  X(token_expired, 401, "The access token has expired")                                            \
  X(second_factor_required, 401, "A second factor is required")                                    \
  X(forbidden, 403, "This is not permitted")                                                       \
  X(csrf_failed, 403, "The request does not come from the console")                                \
  X(not_verified, 403, "The mail address must be verified first")                                  \
  X(second_factor_missing, 403, "Two-factor authentication must be enabled first")                 \
  X(tier_forbids, 403, "The plan does not include this")                                           \
  X(not_found, 404, "There is no such thing")                                                      \
  X(method_not_allowed, 405, "This method is not allowed here")                                    \
  X(not_acceptable, 406, "No representation is acceptable")                                        \
  X(request_timeout, 408, "The request did not arrive in time")                                    \
  X(conflict, 409, "The state does not allow this")                                                \
  X(already_exists, 409, "It exists already")                                                      \
  X(idempotency_in_progress, 409, "The first request with this key is still being served")         \
  X(insufficient_funds, 409, "There is not so much money free")                                    \
  X(precondition_failed, 412, "It has changed since it was read")                                  \
  X(body_too_large, 413, "The body is too large")                                                  \
  X(target_too_long, 414, "The request line is too long")                                          \
  X(unsupported_media_type, 415, "The body's media type is not supported")                         \
  X(expectation_failed, 417, "The expectation cannot be met")                                      \
  X(validation_failed, 422, "The request does not fit its description")                            \
  X(idempotency_mismatch, 422, "This key was used for a different request")                        \
  X(script_rejected, 422, "The script is not accepted")                                            \
  X(not_proven, 422, "Only a proven version can be active")                                        \
  X(upgrade_required, 426, "Only a WebSocket is served here")                                      \
  X(rate_limited, 429, "Too many requests")                                                        \
  X(tier_limit, 429, "The plan's limit is reached")                                                \
  X(fields_too_large, 431, "The header fields are too large")                                      \
  X(internal, 500, "Something failed on our side")                                                 \
  X(not_implemented, 501, "This is not implemented")                                                \
  X(unavailable, 503, "The service cannot do this at the moment")                                  \
  X(storage_failed, 503, "Nothing was changed: the storage refused")                               \
  X(http_version, 505, "Only HTTP/1.1 and HTTP/1.0 are spoken here")

enum problem {
  PROBLEM_NONE,
#define X(code, status, title) PROBLEM_##code,
  PROBLEM_LIST(X)
#undef X
  PROBLEM_COUNT
};

#define PROBLEM_TYPE_PREFIX "urn:perigee:problem:"

const char *problem_code(enum problem p);   // "tier_limit"
int problem_status(enum problem p);
const char *problem_title(enum problem p);
enum problem problem_by_code(const char *code);  // PROBLEM_NONE when there is none
// What a refusal of the HTTP layer is called: by its status alone.
enum problem problem_of_refusal(int status);

// The document. detail and errors may be NULL; a new reference, NULL when memory is out.
json_t *problem_json(enum problem p, const char *detail, const struct schema_errors *errors, const char *request_id);

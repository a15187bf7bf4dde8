// api/identity_call.h – private to api/: between calls and the flows of tenant/: where a request comes from, what a refusal is as a
// problem, tokens as JSON and cookies.
#pragma once
#include "api/call.h"
#include "tenant/identity.h"

// The call's state: zeroed, wiped when the call ends. NULL: call->err says why.
void *flow_begin(struct api_call *call, size_t size);
// Runs the password's work in the pool, then next; trouble ends the call.
enum status flow_work(struct api_call *call, struct password_work *work, api_phase next);

struct origin api_origin(const struct api_call *call);
struct actor api_actor(const struct api_call *call);
// A problem for every refusal but NONE; sets the answer. detail: what is wrong with a password, or NULL. wait_s: of LOCKED.
enum status api_refuse(struct api_call *call, enum identity_refusal why, const char *detail, int64_t wait_s);
// {"access_token", "token_type", "expires_in", "refresh_token", "csrf_token"}; with cookie the tokens go there instead.
json_t *api_tokens(struct api_call *call, const struct tokens *tokens, bool cookie);
void api_cookies_clear(struct api_call *call);

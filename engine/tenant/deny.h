// tenant/deny.h – sessions that ended while access tokens of theirs are still good: looked up on every request, so that ending
// a session works at once. Any thread.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct deny;

enum status deny_create(struct deny **ret, struct err *err) MUST_CHECK;
void deny_destroy(struct deny *d);
// until_s: when the last access token of that session has expired. Entries past it are dropped as room is needed. When memory
// runs out, every session is denied until enough has expired: nothing revoked ever passes.
void deny_add(struct deny *d, int64_t session_id, int64_t until_s, int64_t now_s);
bool deny_has(struct deny *d, int64_t session_id, int64_t now_s);

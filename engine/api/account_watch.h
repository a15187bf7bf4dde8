// api/account_watch.h – accounts at venues seen from the API: what is on them, and whether their keys are as they must be.
//
// An account somebody asks about, or that bots trade on, is asked for its balances every minute over a session without streams; one
// that nobody has asked about for ten minutes is let go. A test has a session of its own with the credentials of this moment, asks only
// what changes nothing, and is over within 20 seconds.
#pragma once
#include "base/json.h"
#include "base/status.h"
#include "venue/venue.h"

#include <stddef.h>
#include <stdint.h>

struct account_watch;
struct api_call;
struct api_core;

enum status account_watch_create(struct api_core *core, struct account_watch **ret, struct err *err) MUST_CHECK;
// Before core->venues. Calls that wait are answered. NULL does nothing.
void account_watch_destroy(struct account_watch *w);

// The call is answered with the balances of an account at a venue: now, or when the venue has told them.
enum status account_watch_answer(struct api_call *call, int64_t account_id);
// New credentials or settings: what was asked with the old ones is forgotten.
void account_watch_forget(struct account_watch *w, int64_t account_id);

// A list of balances as clients see it. New reference.
json_t *account_balances_json(const struct venue_balance *list, size_t count);

// account_test.c: those under way.
struct account_test;
struct account_test **account_watch_tests(struct account_watch *w);
void account_test_end(struct account_test *t);  // answers that it was cancelled

// venue/remote_limits.h – what venues count: requests of an address and of a key, whoever of this process makes them. Two sessions with one key
// – a bot's, and one that looks at balances – and the sites of a venue's categories draw on the same budgets. They outlive the sessions:
// who connects anew has not got a new allowance.
//
// All on the loop's thread.
#pragma once
#include "base/status.h"

struct remote_limits;
enum status remote_limits_create(struct remote_limits **ret, struct err *err) MUST_CHECK;
// After the sites that were given it. NULL does nothing.
void remote_limits_destroy(struct remote_limits *limits);

// api/tenant_lists.h – private to api/: rows over all bots, as lists and reports show them.
#pragma once
#include "api/tenant_view.h"

// Members of a round trip, with whose it is.
void tenant_put_trade(struct json_out *o, const struct tenant_view *v, const struct journal_series *s, const struct journal_trade *t);

// api/market_data.h – private to api/: stored history for jobs, bars as JSON.
#pragma once
#include "base/json.h"
#include "base/status.h"

#include <stdbool.h>

struct bar;
struct db;
struct hub;
struct series;

// venue "": any that has it.
bool market_data_known(struct db *db, const char *venue, const char *symbol, const char *timeframe);
// The whole series, packed, in a sealed descriptor. ERR_NOTFOUND: there is none.
enum status market_data_memfd(struct db *db, const char *venue, const char *symbol, const char *timeframe, int *ret_fd, struct err *err) MUST_CHECK;
// The same of a live market's feed: its newest bars, as many as MARKET_DATA_LIVE and the feed make at once. A terminal's own market is
// its tenant's alone. h NULL: there is none. On the loop.
#define MARKET_DATA_LIVE 5000
bool market_data_live_known(struct hub *h, int64_t tenant_id, const char *venue, const char *symbol);
enum status market_data_live_memfd(struct hub *h, int64_t tenant_id, const char *venue, const char *symbol, const char *timeframe, int *ret_fd, struct err *err) MUST_CHECK;
// markets.c: a bar as routes and channels show it; NULL when memory is out.
json_t *market_bar_json(const struct series *s, const struct bar *b);

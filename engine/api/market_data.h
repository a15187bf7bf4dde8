// api/market_data.h – private to api/: stored history for jobs, bars as JSON.
#pragma once
#include "base/json.h"
#include "base/status.h"

#include <stdbool.h>

struct bar;
struct db;
struct series;

// venue "": any that has it.
bool market_data_known(struct db *db, const char *venue, const char *symbol, const char *timeframe);
// The whole series, packed, in a sealed descriptor. ERR_NOTFOUND: there is none.
enum status market_data_memfd(struct db *db, const char *venue, const char *symbol, const char *timeframe, int *ret_fd, struct err *err) MUST_CHECK;
// markets.c: a bar as routes and channels show it; NULL when memory is out.
json_t *market_bar_json(const struct series *s, const struct bar *b);

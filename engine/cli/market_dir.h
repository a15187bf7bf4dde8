// cli/market_dir.h – the market history of a data directory, for commands. Private to cli/.
//
// A writer takes the directory's lock when nobody serves it. When a server does, it writes to market.db beside the server's own
// writer, which SQLite keeps apart; the server sees the bars with its next read.
#pragma once
#include "store/market_rows.h"

#include <stdbool.h>

struct store;

struct markets {
  struct store *store;  // ours alone; or
  struct db *db;        // beside a server
};
enum status markets_open(const char *dir, bool write, struct markets *ret, struct err *err) MUST_CHECK;
void markets_close(struct markets *m);
// In a transaction of its own.
enum status markets_import(const struct markets *m, const struct market_import *in, struct market_import_report *ret, struct err *err) MUST_CHECK;
struct db *markets_reader(const struct markets *m);

// Makes the directory and its parents, as `mkdir -p`; false after printing an error.
bool cli_make_dirs(const char *dir);

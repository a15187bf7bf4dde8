// store/shadow_rows.h – what versions beside the ones that trade would have done (control.db). Written now and then: a crash forgets the
// last second.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;

#define SHADOW_WHY_SIZE 512
#define SHADOW_DIFFERENCES_MAX 200  // kept of a bot, the newest

struct shadow_row {
  int64_t bot_id, version;
  int64_t began_ns;              // wall clock; counted from then on
  int64_t starts, started_ns;    // times that it took the live version's state; the last of them
  int64_t instants, same, different, errors;
  bool ended;
  char why[SHADOW_WHY_SIZE];     // of its end, or of the last error
};
struct shadow_difference {
  int64_t number, time_ns;       // from 0; of the instant
  const char *live, *shadow;     // lines; when read, during the callback
};

// The row, and of its differences those given. Nothing is written when the bot does not wish that version any more. A row of another
// version goes, with its differences.
enum status shadow_put(struct db *db, const struct shadow_row *row, const struct shadow_difference *items, size_t count, struct err *err) MUST_CHECK;
// ERR_NOTFOUND: there is none of that version.
enum status shadow_get(struct db *db, int64_t bot_id, int64_t version, struct shadow_row *ret, struct err *err) MUST_CHECK;
// By rising number.
enum status shadow_differences(struct db *db, int64_t bot_id, void (*fn)(void *arg, const struct shadow_difference *d), void *arg, struct err *err) MUST_CHECK;

// store/image_rows.h – images of bots' books in journal.db (bot/clerk_image.h), and reading what a start needs beside one.
#pragma once
#include "store/journal_rows.h"

struct bot_image {
  int64_t bot_id, tenant_id;
  uint32_t run;
  int slot;          // 0 or 1
  int64_t last_id;   // the highest record that is in it: none of its bot's above it, all of the run's up to it
  int64_t time_ns;   // of its instant
  const void *body;
  size_t len;
};

// In place of what the slot had.
enum status bot_image_put(struct db *db, const struct bot_image *i, struct err *err) MUST_CHECK;
// The newest of the run from which all can go on: rows of orders, fills and marks are written up to it (journal_followed). Without the body.
// ERR_NOTFOUND: there is none.
enum status bot_image_pick(struct db *db, int64_t bot_id, uint32_t run, struct bot_image *ret, struct err *err) MUST_CHECK;
typedef void (*bot_image_fn)(void *arg, const struct bot_image *i);  // the body is valid during the callback
enum status bot_image_get(struct db *db, int64_t bot_id, int slot, bot_image_fn fn, void *arg, struct err *err) MUST_CHECK;  // ERR_NOTFOUND

// Records of a run up to an id, in their order, of what a start must know that is not in an image: how it began and went on, versions and
// parameters, signals, kill switches, last words (bot/record.h: 1, 2, 6, 7, 8, 11, 16). However long the run, these are few.
enum status journal_scan_rare(struct db *db, int64_t bot_id, uint32_t run, int64_t through_id, journal_record_fn fn, void *arg, struct err *err) MUST_CHECK;

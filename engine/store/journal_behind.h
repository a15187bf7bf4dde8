// store/journal_behind.h – projections, written behind the journal.
//
// An order waits for its own record to be durable, not for the rows that pages are made of: those are four fifths of the work, spread
// over as many pages as there are bots. They gather here once their records are committed, are sorted by bot – what happened to
// one order becomes one row – and written a piece at a time, between other writes. What a crash leaves unwritten is found by
// `followed` (journal_followed_get) and made again: writing a row twice changes nothing.
//
// On the loop's thread.
#pragma once
#include "store/journal_rows.h"

struct loop;
struct store;
struct journal_behind;

struct journal_behind_config {
  struct store *store;
  size_t rows_max;     // waiting; more is journal_behind_full(). 0: 20,000
  // With a loop, rows that come less than so long after others were written are gathered until then, or until there are 2,000: then those of one bot,
  // and the last of many for one order, lie together and are one page instead of many. NULL: all are written as soon as the writer has nothing else to do.
  struct loop *loop;
  int64_t gather_ms;
  // It was full and is no more. May be NULL.
  void (*room)(void *self);
  // The disk refuses (it is tried again with the next write or after a while), or rows were given up that can never be written.
  void (*failed)(void *self, const struct err *err, bool given_up);
  void *self;
};
enum status journal_behind_create(const struct journal_behind_config *config, struct journal_behind **ret, struct err *err) MUST_CHECK;
// Nothing may be under way: journal_behind_busy() is false, or the store is closed and the loop has told all completions.
void journal_behind_destroy(struct journal_behind *b);

// Orders, fills, trades, marks and `followed` of a batch whose records are committed, in the order of those commits. Copied. ERR_NOMEM:
// none were taken, and the caller says so somewhere; the next start makes them.
enum status journal_behind_add(struct journal_behind *b, const struct journal_batch *rows, struct err *err) MUST_CHECK;
bool journal_behind_busy(const struct journal_behind *b);  // some are not written yet
bool journal_behind_full(const struct journal_behind *b);
// Takes back all that waits, for who writes it together with something else: in front of the rows of `batch`, whose arrays of rows are of
// malloc. What is under way is taken too, and comes before what is handed to the store after this; refused, it is not tried again, for then
// it would come after newer rows. Who cannot write what was taken adds it again. ERR_NOMEM: nothing was changed.
enum status journal_behind_take(struct journal_behind *b, struct journal_batch *batch, struct err *err) MUST_CHECK;
// From now on what the disk refuses is left to the next start.
void journal_behind_close(struct journal_behind *b);
// Tries again what the disk refused.
void journal_behind_retry(struct journal_behind *b);

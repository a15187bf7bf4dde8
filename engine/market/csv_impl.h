// market/csv_impl.h – private to csv_*.c: the state of one load. csv.c loads, csv_read reads header and rows, csv_bar makes bars of
// rows, csv_repair mends what --repair may mend, csv_name reads the file's name.
#pragma once
#include "market/csv.h"
#include "market/text.h"

enum csv_role { ROLE_TIME, ROLE_OPEN, ROLE_HIGH, ROLE_LOW, ROLE_CLOSE, ROLE_VOLUME, ROLE_COUNT, ROLE_IGNORE = ROLE_COUNT };
extern const char *const csv_role_name[];

#define VOLUME_SCALE_MAX 8

// Exchanges' dumps write "8142.35000000"; nobody pads to as few decimals as this.
#define PADDED_SCALE 5

// A row as read: time in ns, the others as digits × 10^-scale by role.
struct csv_row {
  int64_t time_ns;
  struct decimal number[ROLE_COUNT];
};

struct csv_loader {
  const struct csv_options *options;
  struct text_reader reader;
  struct csv_report *report;
  struct err *err;
  enum status status;  // OK while the load goes on
  struct series out;

  int columns;                     // of the header
  uint8_t roles[CSV_FIELDS_MAX];   // by column
  bool no_volume;                  // repair: the file has none

  enum time_unit unit;
  int64_t fast_low, fast_high, fast_ns;  // Unix numbers that are this file's unit beyond doubt, and ns per one

  int scale;             // of the stored prices: the most decimals seen, or the given tick's
  int64_t price_max;     // largest stored
  int seen_scale;
  int volume_scale, volume_cap, volume_seen;
  int64_t volume_sum;
  bool volume_rounded;

  size_t first_duplicate, first_overlap, overlaps;  // first_…: lines
  size_t noisy, first_noisy;
  struct decimal noise_given, noise_read;
};

// ---- csv.c: saying what is wrong

// A message for the report; the first CSV_MESSAGES_MAX are kept.
void csv_note(struct csv_loader *l, const char *fmt, ...) PRINTF(2, 3);
// The line is wrong: the load ends, or with repair the line is dropped and noted. Always false.
bool csv_refuse(struct csv_loader *l, int column, const char *fmt, ...) PRINTF(3, 4);
// 1-based byte at which the column of a role begins on this line.
int csv_column_of(struct csv_loader *l, struct slice line, enum csv_role role);

// ---- csv_name.c: symbol and timeframe, from options or the file's name
enum status csv_name_series(struct csv_loader *l, const char *path) MUST_CHECK;

// ---- csv_read.c
enum status csv_read_header(struct csv_loader *l, struct slice line) MUST_CHECK;
// False: the row was refused. ended_open: it is the last, without line end.
bool csv_read_row(struct csv_loader *l, struct slice line, bool ended_open, struct csv_row *row);

// ---- csv_bar.c: exact prices in ticks and a volume; moves the scales of what is stored when this row needs more decimals.
// False: the row was refused.
bool csv_make_bar(struct csv_loader *l, struct slice line, const struct csv_row *row, struct bar *bar);

// ---- csv_repair.c
bool csv_same_bar(const struct bar *a, const struct bar *b);
// Sorted, of several bars for one time the first of the file, and none that begins in the first half of another.
enum status csv_mend(struct csv_loader *l) MUST_CHECK;

// market/csv_rows.h – bars out of a CSV that is still being written: the rules of csv.h, one line at a time. A line
// that is wrong is refused with file:line:column and reason, and the next one is read; what was read before cannot be
// taken back.
#pragma once
#include "market/csv.h"

struct csv_rows;

enum csv_rows_result {
  CSV_ROWS_BAR,
  CSV_ROWS_NOTHING,  // the header, or an empty line, or any line after a header that was refused
  CSV_ROWS_REFUSED,
};

// options: tick, timeframe_ns and symbol must be given, since a line cannot wait for those after it; lot, volume
// column and the rest as in csv.h, a missing volume column means unknown. Volumes are in 10^-volume_scale (0 … 8),
// rounded to it. path is the name in messages; it is copied. ERR_INVALID, ERR_NOMEM.
enum status csv_rows_create(const char *path, const struct csv_options *options, int volume_scale,
  struct csv_rows **ret, struct err *err) MUST_CHECK;
void csv_rows_destroy(struct csv_rows *r);
// The next line is the first of a file: its header.
void csv_rows_restart(struct csv_rows *r);
// Takes a line of up to TEXT_LINE_MAX bytes, without its LF (a CR before it is dropped, and so is a byte order mark
// before the header). The bytes may be rewritten, and TEXT_PAD bytes of 0 follow them (market/text.h). *ret_reason,
// for a refused line, is valid until the next call.
enum csv_rows_result csv_rows_line(struct csv_rows *r, char *line, size_t len, struct bar *ret, const char **ret_reason);
// The message for a line that the caller refuses (too long, cut off, a time that goes back), as above: file, number
// of the last line taken.
const char *csv_rows_refuse(struct csv_rows *r, const char *reason);
size_t csv_rows_line_number(const struct csv_rows *r);  // of the last line taken

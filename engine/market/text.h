// market/text.h – what the CSV readers share: lines out of a plain or gzip file within bounded memory, fields out of a
// line, and time stamps out of a field. zlib's home.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_LINE_MAX 65536  // a longer line is refused: no market file has one
#define TEXT_PAD 16          // readable bytes behind a line's end, so that parsers may look ahead

struct slice {
  const char *p;
  size_t len;
};

// Embedded reader; the fields are its own but for path and line (1-based number of the last line returned).
struct text_reader {
  const char *path;
  size_t line;
  int fd;
  void *inflate;     // z_stream when the file is gzip
  bool member_ended; // between gzip members
  bool input_ended, text_ended;
  char *in;          // packed bytes
  size_t in_pos, in_len;
  char *window;      // unpacked bytes: window[pos..len) are not yet returned
  size_t pos, len, cap, chunk;
  uint64_t total, max_bytes;
};

// Opens a file, pipe or device. chunk 0: 256 KiB. max_bytes limits the unpacked text.
enum status text_open(struct text_reader *r, const char *path, size_t chunk, uint64_t max_bytes, struct err *err) MUST_CHECK;
// The same over bytes in memory (for fuzzing): path is only the name in messages.
enum status text_open_bytes(struct text_reader *r, const char *path, const void *bytes, size_t len, size_t chunk,
                            struct err *err) MUST_CHECK;
void text_close(struct text_reader *r);
// The next line without its LF or CRLF, valid until the next call; a byte order mark before the first is skipped.
// ret->p is NULL at the end. *ret_ended_open tells a last line without line end.
enum status text_next(struct text_reader *r, struct slice *ret, bool *ret_ended_open, struct err *err) MUST_CHECK;

struct slice slice_trim(struct slice s);  // spaces and tabs
bool slice_is(struct slice s, const char *word);  // equal, ignoring case
// Printable form of a field for a message, cut to 40 characters; bad bytes as \xNN. buf holds SLICE_SHOW_MAX bytes.
#define SLICE_SHOW_MAX 256
char *slice_show(struct slice s, char *buf);

#define CSV_FIELDS_MAX 64
// Splits at commas; fields are trimmed and unquoted ("" inside quotes is one quote). Gives the number of
// fields, or -1 with *ret_column (1-based byte) and *ret_reason. ret_columns[i] is where field i begins. Fields with "" in them
// are rewritten into the line's own bytes, hence the line must be writable: it is the reader's window.
int csv_split(struct slice line, struct slice *ret_fields, int *ret_columns, int max_fields, int *ret_column,
              const char **ret_reason);

// Unix unit by magnitude: below 1e11 seconds, 1e14 milliseconds, 1e17 microseconds, else nanoseconds.
enum time_unit { TIME_UNIT_NONE, TIME_UNIT_S, TIME_UNIT_MS, TIME_UNIT_US, TIME_UNIT_NS, TIME_UNIT_ISO };
enum time_unit time_unit_of(int64_t number);
const char *time_unit_text(enum time_unit unit);
// Reads one time field into ns. *unit is what the file's rows use: NONE before the first, set by it. A number whose magnitude
// tells another unit is refused unless it lies within a year of previous_ns. NULL when read, else the reason.
const char *time_parse(struct slice field, enum time_unit *unit, int64_t previous_ns, int64_t *ret_ns);
// "2004-08-19", "2004-08-19T00:00:00.5Z", "2004-08-19 00:00+02:00": proleptic Gregorian, years 1700 to 2199.
bool time_parse_iso(struct slice field, int64_t *ret_ns);
// ISO text in UTC, seconds shown, fraction only where there is one. buf holds TIME_TEXT_MAX bytes; returns buf.
#define TIME_TEXT_MAX 40
char *time_text(int64_t t_ns, char *buf);

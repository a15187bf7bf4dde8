// venue/feed_file.h – a growing CSV file as a feed: what another program appends (csv.h tells the columns) comes out
// as bars.
//
// - A last line without line end waits until it is whole.
// - A line that is wrong is refused with file:line:column and skipped, as a note; then the bars have a gap.
// - A file that becomes shorter, or whose bytes before the reading place changed, is read again from its beginning
//   (FEED_NOTE_TRUNCATED); one that stands in the place of another is read from its beginning, after the rest of the
//   old one (FEED_NOTE_ROTATED). Bars up to the last known one are then passed over: what was given out stays.
// - A file that is not there is waited for.
//
// The CSV must be plain text, written in order of time, finished bars only.
#pragma once
#include "venue/feed.h"

// How the bytes are reached; so tests need no disk. Functions return ERR_IO when the disk fails, which may pass.
struct feed_reader_state {
  bool open;         // a file is open
  bool present;      // one stands at the path
  bool same;         // and it is the open one
  uint64_t size;     // of the open one
};
struct feed_reader {
  void *self;
  enum status (*look)(void *self, struct feed_reader_state *ret, struct err *err);
  // Opens what stands at the path instead of what was open. ERR_NOTFOUND.
  enum status (*open)(void *self, struct err *err);
  // Up to len bytes of the open file; 0 at its end.
  enum status (*read)(void *self, uint64_t offset, void *buf, size_t len, size_t *ret_len, struct err *err);
  void (*destroy)(void *self);
};
// Reads the regular file at path, which need not exist yet. ERR_NOMEM.
enum status feed_reader_create(const char *path, struct feed_reader *ret, struct err *err) MUST_CHECK;

struct feed_file_config {
  const char *path;           // its name in messages
  struct instrument inst;     // prices off its tick are refused
  int64_t timeframe_ns;
  int volume_scale;           // 0 … 8
  int64_t poll_ns;            // how often to look; 0: a second
  size_t history_bars;        // kept for history(); 0: FEED_FILE_HISTORY
};
#define FEED_FILE_HISTORY 200000

// Takes the reader over, on failure too. ERR_INVALID, ERR_NOMEM.
enum status feed_file_create(const struct feed_file_config *config, const struct feed_reader *reader, struct feed *ret,
  struct err *err) MUST_CHECK;

struct feed_file_counts {
  uint64_t lines, bars, refused;
  uint64_t known;       // bars passed over because they, or later ones, had come before
  uint64_t truncations, rotations;
};
struct feed_file_counts feed_file_counts(struct feed file);

// bot/wire.h – frames between the core and the host processes that run live bots, over one stream socket each.
//
// A frame is u32 length of the payload, u8 type, payload; everything little-endian, any number of frames in one write. The core
// believes nothing that a host says, for it runs hostile code, and a host has no reason to believe more: lengths, counts, enums and
// ranges of every frame are checked before anybody sees it. Whether a frame makes sense now (an id that is not open, a command
// that the matcher could not take: command_valid) is for its receiver to say. Pure: no descriptor is touched here.
#pragma once
#include "base/buf.h"
#include "bot/command.h"
#include "market/bar.h"

#define WIRE_VERSION 1
#define WIRE_HEAD 5
#define WIRE_BAR_BYTES 52
#define WIRE_BARS_MAX 16384     // in one frame; longer history goes in several
#define WIRE_INSTANT_MAX 16384  // bars that end at one time
#define WIRE_TEXT_MAX 1024

// Number, name, longest payload in bytes.
#define WIRE_LIST(X)                                                                                             \
  /* both ways, first */                                                                                         \
  X(WIRE_HELLO, 1, "hello", 4)                                                                                   \
  /* core to host */                                                                                             \
  X(WIRE_SERIES_OPEN, 2, "series-open", 256)                                                                     \
  X(WIRE_SERIES_BARS, 3, "series-bars", 8 + WIRE_BARS_MAX * WIRE_BAR_BYTES)       /* history, for the warm-up */ \
  X(WIRE_SERIES_TRIM, 4, "series-trim", 12)                                       /* bars before a time go */    \
  X(WIRE_BOT_CLOSE, 6, "bot-close", 8 + 2 + WIRE_TEXT_MAX)                                                       \
  X(WIRE_INSTANT, 7, "instant", 12 + WIRE_INSTANT_MAX * (4 + WIRE_BAR_BYTES))     /* for all bots at once */     \
  X(WIRE_PING, 10, "ping", 8)                                                                                    \
  /* host to core */                                                                                             \
  X(WIRE_FAULT, 17, "fault", 16 + 2 + WIRE_TEXT_MAX)                              /* one bot has stopped */      \
  X(WIRE_COMMAND, 18, "command", 256)                                                                            \
  X(WIRE_DONE, 24, "done", 16)                                                    /* an instant's callbacks have returned */ \
  X(WIRE_PONG, 25, "pong", 8)
enum wire_type {
#define X(name, number, text, max) name = number,
  WIRE_LIST(X)
#undef X
};
const char *wire_type_text(int type);  // "series-open"; NULL: no such type

struct wire_bar {
  uint32_t series;
  struct bar bar;
};

// ---- writing. Frames are appended; b->failed tells whether they fitted.
void wire_put_hello(struct buf *b);
// Instrument, timeframe and scales; the bars are not sent.
void wire_put_series_open(struct buf *b, uint32_t id, const struct series *s);
void wire_put_series_bars(struct buf *b, uint32_t id, const struct bar *bars, size_t count);  // splits long history
void wire_put_series_trim(struct buf *b, uint32_t id, int64_t before_ns);
void wire_put_bot_close(struct buf *b, uint64_t bot, const char *why);
void wire_put_instant(struct buf *b, int64_t now_ns, const struct wire_bar *bars, size_t count);  // at most WIRE_INSTANT_MAX
void wire_put_ping(struct buf *b, uint64_t token);
void wire_put_pong(struct buf *b, uint64_t token);
void wire_put_fault(struct buf *b, uint64_t bot, enum status st, int line, const char *text);  // text is cut to WIRE_TEXT_MAX
void wire_put_command(struct buf *b, uint64_t bot, const struct bot_command *c);
void wire_put_done(struct buf *b, int64_t now_ns, uint32_t bots_run, uint32_t bots_failed);

// ---- reading
struct wire_frame {
  enum wire_type type;
  uint64_t bot;        // BOT_CLOSE, FAULT, COMMAND
  uint32_t series_id;  // SERIES_…
  int64_t time_ns;     // SERIES_TRIM, INSTANT, DONE
  uint64_t token;      // PING, PONG
  struct series series;  // SERIES_OPEN: without bars
  struct bot_command command;
  enum status status;  // FAULT
  int line;
  uint32_t bots_run, bots_failed;   // DONE
  const char *text;    // BOT_CLOSE, FAULT: borrowed from the bytes, not terminated, any bytes
  size_t text_len;
  size_t bar_count;    // SERIES_BARS, INSTANT: wire_frame_bar()
  const unsigned char *bars;
};
// The first frame of n bytes at p. *ret_used is how many bytes it took; 0: it is not whole yet, read more. ret borrows from p.
// ERR_INVALID says what is wrong with which frame; nothing after it can be trusted, so the connection is to be closed.
enum status wire_read(const void *p, size_t n, struct wire_frame *ret, size_t *ret_used, struct err *err) MUST_CHECK;
// Bar i < bar_count; already checked. Its series is series_id's for SERIES_BARS.
struct wire_bar wire_frame_bar(const struct wire_frame *f, size_t i);

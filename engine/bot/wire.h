// bot/wire.h – frames between the core and the host processes that run live bots, over one stream socket each.
//
// A frame is u32 length of the payload, u8 type, payload; everything little-endian, any number of frames in one write. The core
// believes nothing that a host says, for it runs hostile code, and a host has no reason to believe more: lengths, counts, enums and
// ranges of every frame are checked before anybody sees it. Whether a frame makes sense now (an id that is not open, a command
// that the matcher could not take: command_valid) is for its receiver to say. Pure: no descriptor is touched here.
//
// How a bot comes to a host: SERIES_OPEN and SERIES_BARS for what is not there yet, BOT_OPEN, then the BOOKS and RESTORE frames that it announced;
// the host answers OPENED or FAULT. How an instant goes: SIGNALs for it, INSTANT; then come the bots' COMMANDs, TAGs, LOGs, STATEs …, and
// DONE. A script runs and orders only in instants for which the core has made its market's part: those in which a bar of the bot's
// series ends, and those to which the core has called it (CALL, before INSTANT), because its timer is due or something waits for it.
// Which bots those are the core knows by itself: it is told when a bot's next timer has become another (OPENED, TIMER), and it sends the
// rest. So signals, PARAMS, BOT_STOP and on_init of a run that is resumed wait for such an instant, too. IMPOSE and DIGEST are done as
// they arrive.
//
// Marks (COMMAND_MARK, the equity at the end of a main bar) are mostly not sent, since the core can make them: where the host sends any
// COMMAND of a bot in an instant in which the bot's main bar is delivered, its MARK is among them, at its place; where it sends
// none, the core marks by itself when the instant is DONE.
#pragma once
#include "base/buf.h"
#include "bot/command.h"
#include "crypto/sha256.h"
#include "market/bar.h"
#include "risk/risk.h"
#include "script/script.h"

#define WIRE_VERSION 6
#define WIRE_HEAD 5
#define WIRE_BAR_BYTES 52
#define WIRE_BARS_MAX 16384     // in one frame; longer history goes in several
#define WIRE_INSTANT_MAX 16384  // bars that end at one time
#define WIRE_FUNDING_MAX 4096   // fundings of one instant
#define WIRE_TEXT_MAX 1024
#define WIRE_RAW_MAX 16384      // of a signal's raw text
#define WIRE_PARAMS_MAX 24576   // JSON
#define WIRE_MEMORY_MAX 65536   // see bot/memory.h
#define WIRE_BOOKS_MAX 65536    // in one frame; larger ones go in several
#define WIRE_BOOKS_BYTES (1u << 20)  // of one bot

// Number, name, longest payload in bytes. Numbers are never reused.
#define WIRE_LIST(X)                                                                                                            \
  /* both ways, first */                                                                                                        \
  X(WIRE_HELLO, 1, "hello", 4)                                                                                                  \
  /* core to host */                                                                                                            \
  X(WIRE_SERIES_OPEN, 2, "series-open", 256)                                                                                    \
  X(WIRE_SERIES_BARS, 3, "series-bars", 8 + WIRE_BARS_MAX * WIRE_BAR_BYTES)       /* history, for the warm-up */                \
  X(WIRE_SERIES_TRIM, 4, "series-trim", 12)                                       /* bars before a time may go */               \
  X(WIRE_BOT_OPEN, 5, "bot-open", 256 * 1024)                                                                                   \
  X(WIRE_BOT_CLOSE, 6, "bot-close", 8 + 2 + WIRE_TEXT_MAX)                        /* at once, without a callback or answer */   \
  X(WIRE_INSTANT, 7, "instant", 20 + WIRE_INSTANT_MAX * (4 + WIRE_BAR_BYTES) + WIRE_FUNDING_MAX * 29) /* for all bots at once */ \
  X(WIRE_SERIES_CLOSE, 8, "series-close", 4)                                      /* no open bot has it */                      \
  X(WIRE_RESTORE, 9, "restore", 256)                                              /* a command of the journal, in its order */  \
  X(WIRE_BOOKS, 38, "books", 8 + 4 + WIRE_BOOKS_MAX)                              /* a part of a bot's books, after BOT_OPEN */  \
  X(WIRE_PING, 10, "ping", 8)                                                                                                   \
  X(WIRE_SIGNAL, 11, "signal", 96 + 5 * WIRE_TEXT_MAX + WIRE_RAW_MAX)             /* part of the next instant */                \
  X(WIRE_PARAMS, 12, "params", 24 + WIRE_PARAMS_MAX + VM_SOURCE_MAX)              /* answered by ANSWER */                      \
  X(WIRE_IMPOSE, 13, "impose", 256)                                               /* a command of the core's */                 \
  X(WIRE_DIGEST, 14, "digest", 8)                                                 /* answered by HASH */                        \
  X(WIRE_LIMITS, 16, "limits", 72)                                                /* of the checks beside the script, from the next instant on */ \
  X(WIRE_RISK, 31, "risk", 36)                                                    /* for on_risk, in the next instant */        \
  X(WIRE_BOT_STOP, 15, "bot-stop", 16 + 2 + WIRE_TEXT_MAX)                        /* runs on_stop; answered by ANSWER */        \
  X(WIRE_TICK, 36, "tick", 56)                                                    /* of one of its symbols, part of the next instant */ \
  X(WIRE_CALL, 32, "call", 8)                                                     /* it takes part in the next instant */       \
  /* host to core */                                                                                                            \
  X(WIRE_FAULT, 17, "fault", 17 + 2 + WIRE_TEXT_MAX)                              /* a callback failed */                       \
  X(WIRE_COMMAND, 18, "command", 256)                                                                                           \
  X(WIRE_LOG, 19, "log", 17 + 2 + WIRE_TEXT_MAX)                                                                                \
  X(WIRE_PLOT, 20, "plot", 24 + 2 + WIRE_TEXT_MAX)                                                                              \
  X(WIRE_MARK, 21, "mark", 16 + 2 + WIRE_TEXT_MAX)                                /* ctx:mark, words for the chart */           \
  X(WIRE_NOTIFY, 22, "notify", 16 + 2 + WIRE_TEXT_MAX)                                                                          \
  X(WIRE_DENIED, 23, "denied", 36 + 2 + WIRE_TEXT_MAX)                            /* the checks beside the script refused */    \
  X(WIRE_DONE, 24, "done", 16)                                                    /* an instant's callbacks have returned */    \
  X(WIRE_PONG, 25, "pong", 8)                                                                                                   \
  X(WIRE_OPENED, 26, "opened", 256)                                                                                             \
  X(WIRE_STATE, 27, "state", 8 + 8 + SCRIPT_STATE_MAX + WIRE_MEMORY_MAX)          /* when it changed in the instant */          \
  X(WIRE_TAG, 28, "tag", 12 + 2 + WIRE_TEXT_MAX)                                  /* a tag's text, before its first use */      \
  X(WIRE_ANSWER, 29, "answer", 16 + 2 + WIRE_TEXT_MAX)                                                                          \
  X(WIRE_HASH, 30, "hash", 8 + 64)                                                                                              \
  X(WIRE_TIMER, 33, "timer", 16)                                                  /* its next timer, when that has changed */    \
  X(WIRE_SLOW, 34, "slow", 8)                                                     /* a tenant's bots took long in this instant */ \
  X(WIRE_QUICK, 35, "quick", 9)                                                   /* for how many instants in a row a tenant's bots took little: another level */ \
  X(WIRE_WHOLE, 37, "whole", 0)                                                   /* what came before is taken now: a bot's turn in an instant as a whole, or none of it */ \
  /* both ways: another version of a bot's script */                                                                            \
  X(WIRE_RELOAD, 40, "reload", 256 + VM_SOURCE_MAX + WIRE_PARAMS_MAX)             /* core to host; answered by RELOADED */      \
  X(WIRE_RELOADED, 41, "reloaded", 21 + 2 + WIRE_TEXT_MAX)                        /* host to core */
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
// Funding of a series' instrument, one for each of its series: a bot takes that of the series on which the symbol is matched.
struct wire_funding {
  uint32_t series;
  int64_t ts_ns, rate_e12;  // see instant.h
  price mark;
  bool before_match;
};
struct wire_text {  // any bytes, not terminated, borrowed; text NULL: absent (where that is allowed)
  const char *text;
  size_t len;
};
static inline struct wire_text wire_text(const char *text, size_t len) { return (struct wire_text){text, len}; }

// Everything a bot depends on but its bars. Symbols are the matcher's, streams the script's, both by number.
struct wire_stream {
  uint32_t series;   // 1 …
  uint32_t history;  // 0, or a series whose bars stand in for those of `series` that close by live_from_ns: for a host whose own
                     // no longer begin early enough. Only read while the bot is opened
  int symbol;
};
struct wire_symbol {
  uint32_t series, history;     // the bars it is matched on: its finest. Also tells its instrument
  struct match_fees fees;
  struct match_costs costs;
  int64_t leverage_e4, maintenance_frac_e8;
  cash futures_margin;
};
struct wire_open {
  uint64_t bot, tenant;
  struct wire_text chunkname;   // "sma.lua", 1 … 63 bytes
  struct wire_text source;      // ≤ VM_SOURCE_MAX
  struct wire_text params;      // JSON object as in the bot's row; empty: all as the script says
  // What STATE told last, both; empty: none. With state, from (a version, "3") goes to migrate(state, from) unless empty.
  struct wire_text state, memory, from;
  uint64_t seed;
  uint32_t resume;              // 0: a new run; n: its n-th resumption, in which on_init runs in the first instant
  uint32_t restore_count;       // RESTORE frames that follow; it is opened when all have come
  // Its books as they were after that instant (bot/clerk_image.h), in BOOKS frames before those, so many bytes together: what came before is in
  // them. 0 bytes: its past is whole.
  uint32_t books_bytes;
  int64_t books_ns;
  // Bars that open before warm_from_ns do not exist for it. Those that close after run_from_ns are matched; those that close
  // after live_from_ns are for the script. A new run: run_from_ns = live_from_ns.
  int64_t warm_from_ns, run_from_ns, live_from_ns;
  int64_t seen_ns;              // resume: the last instant that its script saw (its batch is in the journal); what happened to its orders
                                // since then it is told after on_init. 0: live_from_ns, so nothing
  // Of a version that took over inside the run: in this instant, warmed up by so many bars of each stream that ended before. 0: it began it.
  int64_t version_ns;
  uint32_t version_history;
  struct match_config match;
  struct risk_limits risk;
  struct vm_limits limits;      // seed and fail_alloc are not sent
  // Of all bots of the tenant in this host together, from the last that was opened; 0: no limit.
  uint64_t tenant_memory_bytes;
  int64_t tenant_cpu_ns;        // in one instant
  uint32_t tenant_quick;        // its level, as another process told it; for a tenant that the host does not have yet
  int stream_count, symbol_count;
  struct wire_stream streams[SPEC_STREAMS_MAX];
  struct wire_symbol symbols[SPEC_STREAMS_MAX];
};

// How long a tenant's bots have been quick: 0 it is not known; n: for WIRE_QUICK_INSTANTS · 2^(n-1) instants in a row, or more.
#define WIRE_QUICK_INSTANTS 5
#define WIRE_QUICK_LEVELS 12

// Another version of a bot's script, or the same with parameters that its indicators are made of. It is built at once, aside, and tried on
// the newest bars; the bot goes on with the one it has until its next instant, in which the new one takes over or not (bot/pilot.h).
struct wire_reload {
  uint64_t bot;
  uint32_t version;             // comes back in RELOADED
  uint32_t history;             // bars of each stream that warm it up: no more than the host keeps of them
  uint64_t seed;                // of its random numbers
  struct vm_limits limits;      // seed and fail_alloc are not sent
  struct wire_text chunkname, source, params, from;  // as in wire_open
};
// It cannot be built, or failed when it was tried: all is as it was (ERR_CANCELLED: to be asked for once more); it waits for the next instant; it has taken over, which comes before
// the commands of the instant; its on_init failed then, and the former goes on. After REFUSED, TAKEN and FAILED nothing more comes.
enum wire_stage { RELOAD_REFUSED, RELOAD_BUILT, RELOAD_TAKEN, RELOAD_FAILED, RELOAD_STAGE_COUNT };

struct wire_opened {
  char spec_sha256[SHA256_HEX_SIZE];
  char hash[SHA256_HEX_SIZE];   // event hash after what was restored
  uint32_t callbacks;           // bit per enum callback
  int warmup, lookback;         // as the header says
  bool warm;                    // all indicators have values
  int64_t timer_next_ns;
};

struct wire_signal {            // absent texts: NULL; absent numbers: NaN
  struct wire_text id, source, key, symbol, action, raw;
  double size, price, sl, tp;
  int64_t ts_ns;
};

// ---- writing. Frames are appended; b->failed tells whether they fitted. Texts are cut to WIRE_TEXT_MAX.
void wire_put_hello(struct buf *b);
void wire_put_whole(struct buf *b);
// Instrument, timeframe and scales; the bars are not sent. Twice for one id is refused.
void wire_put_series_open(struct buf *b, uint32_t id, const struct series *s);
void wire_put_series_bars(struct buf *b, uint32_t id, const struct bar *bars, size_t count);  // splits long history
void wire_put_series_trim(struct buf *b, uint32_t id, int64_t before_ns);
void wire_put_series_close(struct buf *b, uint32_t id);
// Asserts the limits above: who makes it has checked them.
void wire_put_bot_open(struct buf *b, const struct wire_open *o);
void wire_put_books(struct buf *b, uint64_t bot, const void *bytes, size_t len);  // in as many frames as it takes
void wire_put_restore(struct buf *b, uint64_t bot, const struct bot_command *c);
void wire_put_bot_close(struct buf *b, uint64_t bot, const char *why);
void wire_put_bot_stop(struct buf *b, uint64_t bot, int64_t time_ns, const char *why);
// At most WIRE_INSTANT_MAX bars, all of which end at now_ns, and WIRE_FUNDING_MAX fundings. Times rise within a venue, whatever its
// number.
void wire_put_instant(struct buf *b, uint32_t venue, int64_t now_ns, const struct wire_bar *bars, size_t count, const struct wire_funding *funding,
                      size_t funding_count);
void wire_put_signal(struct buf *b, uint64_t bot, const struct wire_signal *s);  // texts fit, raw ≤ WIRE_RAW_MAX: asserted
// New parameters, all that differ from the script's own; time_ns: when they were wanted. source: the script's, for its check(p); empty:
// not asked.
void wire_put_params(struct buf *b, uint64_t bot, int64_t time_ns, struct wire_text json, struct wire_text source);
void wire_put_reload(struct buf *b, const struct wire_reload *r);  // asserts the limits, as BOT_OPEN
void wire_put_impose(struct buf *b, uint64_t bot, const struct bot_command *c);
void wire_put_limits(struct buf *b, uint64_t bot, const struct risk_limits *l);
// What the core denied, halted or lets go again: limit and value may be NaN, until_ns 0 (does not go by time).
void wire_put_risk(struct buf *b, uint64_t bot, enum reason code, double limit, double value, int64_t until_ns);
void wire_put_digest(struct buf *b, uint64_t bot);
void wire_put_call(struct buf *b, uint64_t bot);
void wire_put_tick(struct buf *b, uint64_t bot, const struct script_tick *t);
void wire_put_ping(struct buf *b, uint64_t token);

void wire_put_slow(struct buf *b, uint64_t tenant);
void wire_put_quick(struct buf *b, uint64_t tenant, unsigned level);
void wire_put_pong(struct buf *b, uint64_t token);
// After it the bot goes on with the next instant, as if this callback had not been; or the host has let go of it (or never opened it); or its script had no
// part in the instant at all, and what was told for that – signals, ticks – is forgotten by the host and was not heard.
enum wire_fault { FAULT_CALLBACK, FAULT_GONE, FAULT_SKIPPED };
void wire_put_fault(struct buf *b, uint64_t bot, enum status st, int line, enum wire_fault kind, const char *text);
void wire_put_command(struct buf *b, uint64_t bot, const struct bot_command *c);
void wire_put_log(struct buf *b, uint64_t bot, int64_t time_ns, enum script_log_level level, const char *text);
void wire_put_plot(struct buf *b, uint64_t bot, int64_t time_ns, const char *name, double value);
void wire_put_mark(struct buf *b, uint64_t bot, int64_t time_ns, const char *text);
void wire_put_notify(struct buf *b, uint64_t bot, int64_t time_ns, const char *text);
void wire_put_denied(struct buf *b, uint64_t bot, int64_t time_ns, enum reason code, double limit, double value, const char *text);
void wire_put_done(struct buf *b, int64_t now_ns, uint32_t bots_run, uint32_t bots_failed);
void wire_put_opened(struct buf *b, uint64_t bot, const struct wire_opened *o);
// state: canonical JSON of ctx.state; memory: what the engine beside the script has to keep (bot/memory.h). Both are kept by the core and
// come back in BOT_OPEN.
void wire_put_state(struct buf *b, uint64_t bot, struct wire_text state, struct wire_text memory);
void wire_put_tag(struct buf *b, uint64_t bot, uint32_t tag, const char *text);
// To PARAMS or BOT_STOP: OK, or why nothing changed (of BOT_STOP: what failed).
void wire_put_answer(struct buf *b, uint64_t bot, enum wire_type to, enum status st, const char *text);
void wire_put_hash(struct buf *b, uint64_t bot, const char hex[SHA256_HEX_SIZE]);
// callbacks: of TAKEN, those that the new version has (as OPENED tells them); else 0.
void wire_put_reloaded(struct buf *b, uint64_t bot, uint32_t version, enum wire_stage stage, enum status st, uint32_t callbacks, const char *text);
void wire_put_timer(struct buf *b, uint64_t bot, int64_t next_ns);  // by the time of its venue; INT64_MAX: none

// ---- reading
struct wire_frame {
  enum wire_type type;
  uint64_t bot;          // all that are about one bot
  uint32_t series_id;    // SERIES_…
  int64_t time_ns;       // SERIES_TRIM, INSTANT, DONE, PARAMS, BOT_STOP, LOG, PLOT, MARK, NOTIFY, DENIED; TIMER: when it is due
  uint64_t token;        // PING, PONG; SLOW, QUICK: the tenant
  unsigned quick;        // QUICK: WIRE_QUICK_LEVELS
  uint32_t venue;        // INSTANT
  struct series series;  // SERIES_OPEN: without bars
  struct bot_command command;  // COMMAND, RESTORE, IMPOSE
  enum status status;    // FAULT, ANSWER (OK there too)
  int line;              // FAULT; 0: unknown
  bool gone, skipped;    // FAULT
  uint32_t bots_run, bots_failed;  // DONE
  enum script_log_level level;     // LOG
  enum reason code;      // DENIED, RISK; time_ns of RISK: until when
  struct risk_limits limits;       // LIMITS
  double limit, value;   // DENIED, RISK (NaN: does not apply); PLOT: value
  uint32_t tag;          // TAG
  struct script_tick tick;         // TICK
  enum wire_type to;     // ANSWER
  uint32_t version, callbacks;     // RELOADED, with status and text
  enum wire_stage stage; // RELOADED
  // BOOKS; BOT_CLOSE, BOT_STOP, FAULT, LOG, PLOT (name), MARK, NOTIFY, DENIED, TAG, ANSWER; PARAMS: JSON; RELOADED; STATE: ctx.state; HASH: hex.
  // Borrowed from the bytes, not terminated, any bytes.
  const char *text;
  size_t text_len;
  struct wire_text memory;         // STATE
  struct wire_text source;         // PARAMS
  size_t bar_count, funding_count; // SERIES_BARS, INSTANT: wire_frame_bar(), wire_frame_funding()
  const unsigned char *bars, *funding;
  const unsigned char *payload;    // BOT_OPEN, OPENED, SIGNAL, RELOAD: wire_frame_open() …
  size_t payload_len;
};
// The first frame of n bytes at p. *ret_used is how many bytes it took; 0: it is not whole yet, read more. ret borrows from p.
// ERR_INVALID says what is wrong with which frame; nothing after it can be trusted, so the connection is to be closed.
enum status wire_read(const void *p, size_t n, struct wire_frame *ret, size_t *ret_used, struct err *err) MUST_CHECK;
// How far the frames at p are to be taken: behind the last WHOLE. *looked: so many bytes were looked at already (0 at first); *ret_end stays what
// it is when there is no further one. ERR_INVALID as of wire_read.
enum status wire_whole(const void *p, size_t n, size_t *looked, size_t *ret_end, struct err *err) MUST_CHECK;
// Bar i < bar_count; already checked. Its series is series_id's for SERIES_BARS.
struct wire_bar wire_frame_bar(const struct wire_frame *f, size_t i);
struct wire_funding wire_frame_funding(const struct wire_frame *f, size_t i);
// The rest of a frame of that type, already checked; texts are borrowed from its bytes. vm_limits.seed is left 0.
void wire_frame_open(const struct wire_frame *f, struct wire_open *ret);
void wire_frame_opened(const struct wire_frame *f, struct wire_opened *ret);
void wire_frame_signal(const struct wire_frame *f, struct wire_signal *ret);
void wire_frame_reload(const struct wire_frame *f, struct wire_reload *ret);

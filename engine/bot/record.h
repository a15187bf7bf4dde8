// bot/record.h – what the journal keeps of a bot: a closed list of records, and the bytes of each.
//
// A bot's run is the sequence of its records, in the order of their ids (store/journal_rows.h), and the bars of its series:
// with both, orders, fills, account and ctx.state come out again to the bit (bot/pilot.h, bot/blotter.h). A restart, a move to
// another host, a replay and a what-if read the same records.
//
// A body is one byte of format, then its fields in the order of a table (record.c): a mask of those that differ from their
// usual value, and of each of them its value, little end first, seven bits a byte. So an order takes some 30 bytes, and a later
// program's table may be longer: it reads what this one wrote. One record has exactly one encoding. Pure; who decodes bytes
// that a disk or an import returned is told ERR_INVALID and never shown half of a record.
#pragma once
#include "base/buf.h"
#include "bot/command.h"
#include "crypto/sha256.h"
#include "risk/halt.h"
#include "risk/refusal.h"
#include "script/script.h"

#define RECORD_FORMAT 1
#define RECORD_SERIES_MAX 16          // of one bot
#define RECORD_TEXT_MAX 1024          // names, reasons
#define RECORD_BODY_MAX (512 * 1024)  // of one record; state, parameters, settings and commands have 64 KiB each

// X(NAME, number, text). Numbers are stored and never reused. Which fields a body has: struct record.
#define RECORD_KIND_LIST(X)                                                                                           \
  X(RUN, 1, "run")                /* a run begins: everything it depends on; its first record */                      \
  X(RESUME, 2, "resume")          /* the script starts again inside a run, from its state: restart, move, reload */   \
  X(COMMANDS, 3, "commands")      /* what the script did to its orders in one instant */                              \
  X(IMPOSED, 4, "imposed")        /* what the core did to them: refused orders, kill switch, flatten */               \
  X(STATE, 5, "state")            /* ctx.state after the instant, when it changed and the batch says so */            \
  X(PARAMS, 6, "params")          /* new parameters, from this instant on */                                          \
  X(SIGNAL, 7, "signal")          /* a signal was delivered */                                                        \
  X(VERSION, 8, "version")        /* another version of the script, from this instant on */                           \
  X(STOP, 9, "stop")              /* the script runs no more: for now, or the run has ended */                        \
  X(DENY, 10, "deny")             /* an order was refused: by the core, its cancel follows as IMPOSED; or at once */    \
  X(HALT, 11, "halt")             /* a kill switch that applies to the bot was set, made stricter or cleared */       \
  X(QUARANTINE, 12, "quarantine") /* the script failed or stood still, and is kept out until a time */                \
  X(RISK, 13, "risk")             /* the core denied, intervened or lets go: for on_risk in the next instant */       \
  X(LIMITS, 14, "limits")         /* the bot's own limits are others, from the next instant on */ \
  X(CLOCK, 15, "clock")           /* the script took part in an instant in which no bar of its series ended */ \
  X(WORDS, 16, "last-words")      /* at the end of this instant on_stop was called: why */ \
  X(TICK, 17, "tick")             /* trades and quotes of a symbol were told to on_tick */ \
  X(SKIP, 18, "skip")             /* the script had no part in this instant: its tenant's CPU time was used up */
enum record_kind {
#define X(name, number, text) RECORD_##name = number,
  RECORD_KIND_LIST(X)
#undef X
};
const char *record_kind_text(int kind);                   // "quarantine"; NULL: no such kind
bool record_kind_parse(const char *text, int *ret_kind);  // false: no such kind

// Why a script runs no more. Stored: append only.
#define RECORD_STOP_LIST(X)                                                                     \
  X(ENDED, "ended")        /* the run is over: its positions are settled, the next is a new one */ \
  X(PAUSED, "paused")      /* by its owner; the run goes on with a RESUME */                    \
  X(FAILED, "failed")      /* its script raised or overran; to be retried, or not */            \
  X(MOVED, "moved")        /* to another host */                                                \
  X(SHUTDOWN, "shutdown")  /* the service stopped in order */                                   \
  X(OPERATOR, "operator")  /* force-stop */
enum record_stop {
#define X(name, text) RECORD_STOP_##name,
  RECORD_STOP_LIST(X)
#undef X
  RECORD_STOP_COUNT
};
const char *record_stop_text(enum record_stop s);

struct record_text {  // any bytes, not terminated; borrowed from the body when read
  const char *text;
  size_t len;
};
static inline struct record_text record_text(const char *text, size_t len) { return (struct record_text){text, len}; }

// Fields that a kind does not list are not stored, and are zero when read.
struct record {
  enum record_kind kind;
  int64_t time_ns;                  // of the instant: in the journal's own column, not in the body
  // COMMANDS, IMPOSED: record_command_next()
  struct record_text commands;      // encoded; of at least one command, of which at most one is a SUBMIT
  // RUN, VERSION: the script
  int64_t script_id;
  uint32_t version;                 // of the script, from 1
  uint8_t source_sha256[SHA256_BYTES];
  // RUN
  uint64_t seed;
  uint32_t series[RECORD_SERIES_MAX];  // of the journal (journal_series.id), by the number of the script's stream
  uint32_t series_count;
  // RUN, RESUME
  uint32_t resumes;                 // RESUME: 1 for the run's first
  int64_t live_from_ns;             // bars that close at or before are history for the script
  int64_t seen_ns;                  // RESUME, STOP: the last instant of which its script's doings are in the journal; 0: none yet
  struct record_text engine;        // version of the program, ≤ RECORD_TEXT_MAX
  // RUN, PARAMS, VERSION: JSON as in the bot's row
  struct record_text params;
  // RUN, RESUME, LIMITS (without account): JSON as in the bot's row, and in its account's, at that time. RESUME: empty where they are as before
  struct record_text settings, account;
  // RUN, RESUME, VERSION, STATE: canonical JSON of ctx.state (script_state_save); of VERSION after migrate
  struct record_text state;
  struct record_text memory;        // RESUME: what the engine beside the script keeps of it (bot/memory.h)
  // VERSION. why: it did not take over, its on_init failed; NULL text: it did
  uint32_t version_before;          // the same as version: with other parameters that its indicators are made of
  uint32_t history;                 // bars of each stream that warmed it up; 0: all of the run's, for a RESUME follows with it
  // TICK
  struct script_tick tick;
  // STOP. hash: of the run's end, the core's event hash
  enum record_stop stop;
  struct record_text hash;
  // STOP, QUARANTINE, VERSION, DENY, RISK, WORDS (why alone): a code (≤ 64 bytes is usual) and words for people, each ≤ RECORD_TEXT_MAX
  struct record_text code, why;
  // VERSION: the first order that is the new version's. DENY. By the core: the order and its refusal. At once, before it was an order:
  // order 0, code and why, and the numbers behind them
  uint64_t order;
  struct refusal refusal;
  double bound, amount;             // RISK too: the rule's limit and the order's value, in units; NaN: absent
  bool told;                        // RISK: its script is told
  // HALT. mode NONE: cleared
  struct halt_entry halt;
  // QUARANTINE; RISK: until_ns
  enum status status;
  int line;                         // of the script; 0: none
  uint32_t strikes;
  int64_t until_ns;                 // 0: until somebody starts it
  // SIGNAL: as the script sees it; NULL text: absent
  struct record_text signal_id, source, key, symbol, action, raw;
  double size, price, sl, tp;       // NaN: absent
  int64_t ts_ns;
  int64_t signal_row;               // its row (store/signal_rows.h)
};
// Zero, but for what has another usual value (NaN of a signal).
void record_init(struct record *r, enum record_kind kind, int64_t time_ns);

// Appends the body; b->failed tells whether it fitted (give b a maximum of at least RECORD_BODY_MAX). Asserts that numbers
// are in the ranges above and that texts fit: they come from this program.
void record_put(struct buf *b, const struct record *r);
// The body of a record of that kind and time. ret borrows from it. ERR_INVALID says what is wrong.
enum status record_read(int kind, int64_t time_ns, const void *body, size_t len, struct record *ret, struct err *err) MUST_CHECK;

// Commands of a COMMANDS or IMPOSED record: put one after the other into a buffer that becomes record.commands, with the time
// that the record will have.
void record_put_command(struct buf *b, int64_t record_time_ns, const struct bot_command *c);
// The next command, from *at (0 at first). False: that was the last. record_read() has checked them all.
bool record_command_next(const struct record *r, size_t *at, struct bot_command *ret);
// The number of the order in this record's SUBMIT; 0: it has none.
uint64_t record_order(const struct record *r);

// The intent's number in a client id (order/client_id.h): order ids begin anew with each run, client ids must not. The journal
// takes each (bot, intent) once. Asserts that both are in range: 32,767 runs (from 1), a thousand million orders each.
#define RECORD_RUN_MAX 32767
#define RECORD_ORDER_MAX ((UINT64_C(1) << 30) - 1)
uint64_t record_intent(uint32_t run, uint64_t order_id);
// Back: the order of this run; 0: the number is of another.
uint64_t record_intent_order(uint32_t run, uint64_t intent);

// store/journal_rows.h – journal.db: what bots decided, in the order in which it was decided, and what follows from it for who looks.
//
// The journal proper is append only: records of runs (their bodies are bot/record.h's), series and bars. An order exists for its
// market when the batch that holds it is committed. Recovery is one scan in the order of ids. What pages and charts are made of
// (orders, fills, trades, equity, logs) is a projection: capped per bot, and could be made again from the journal.
//
// Everything that serves an API takes the tenant, and finds nothing of another's. Times are the bots' own (of their instants,
// UTC), which in a replayed market are not the clock's.
#pragma once
#include "market/bar.h"
#include "store/account_rows.h"
#include "store/risk_rows.h"

struct db;

#define JOURNAL_VENUE_SIZE 32
#define JOURNAL_TAG_SIZE 64
#define JOURNAL_LOG_TEXT_MAX 1024

// How many rows a bot keeps of each. Of equity marks: each of the last; the last of each hour; the last of each day for ever.
#define JOURNAL_ORDERS_MAX 10000
#define JOURNAL_FILLS_MAX 10000
#define JOURNAL_TRADES_MAX 10000
#define JOURNAL_LOGS_MAX 5000
#define JOURNAL_MARKS_MAX 3000
#define JOURNAL_HOURS_MAX 20000

// ---- writing

struct journal_record {
  int64_t id;            // set by journal_append: rising, never used again
  int64_t bot_id, tenant_id;
  uint32_t run;          // of the bot, from 1
  int kind;              // enum record_kind
  int64_t time_ns;
  uint64_t intent;       // of a record that submits an order: record_intent(); else 0. Each (bot, intent) is taken once
  bool decision;         // GET /bots/{id}/decisions shows it
  bool opens, closes;    // the run's first; its last
  int64_t clock_ns;      // of one that opens or closes: the clock's time, by which runs age
  int64_t bars_from_ns;  // of one that opens: the oldest bar that replaying the run needs
  const void *body;
  size_t len;
};

// An instrument's history at one timeframe, as the bots saw it. Ids are the caller's, from 1, above all that were (see
// journal_series_list); a series whose instrument changes gets a new one.
struct journal_series {
  uint32_t id;
  char venue[JOURNAL_VENUE_SIZE];
  struct series terms;  // without bars
};
struct journal_bar {
  uint32_t series;
  struct bar bar;
};

// ctx.state after the bot's last instant, so that a restart needs no script to be run again.
struct journal_state {
  int64_t bot_id, tenant_id;
  uint32_t run, version, resumes;
  int64_t time_ns;  // the instant
  const void *body;
  size_t len;
};

// As it is now; a row that is there is replaced.
struct journal_order {
  int64_t bot_id, tenant_id;
  uint32_t run;
  uint64_t intent;       // record_intent(run, order)
  uint64_t order;        // its id in the run
  uint32_t version;      // of the script that asked: with bot and intent the client id
  uint32_t series;       // whose instrument the prices and quantities count in
  int side, type, leg, tif, status, reason;  // enums of order/order.h
  bool reduce, post;
  quantity qty, filled;
  price limit, trigger, sl, tp;              // NO_JOURNAL_PRICE: none
  int64_t avg_e6;        // average fill in ticks × 1e6; 0 while nothing filled
  uint64_t parent, oco;
  int64_t decided_ns, updated_ns, ended_ns;  // ended 0: it works
  char tag[JOURNAL_TAG_SIZE];
};
#define NO_JOURNAL_PRICE_TICKS INT64_MIN     // the same as order/order.h's NO_PRICE

struct journal_fill {
  int64_t number;        // given by journal_append: per bot, from 1
  int64_t bot_id, tenant_id;
  uint32_t run, series;
  uint64_t fill, order;  // ids in the run
  int side, leg;
  price px;
  quantity qty;
  cash fee, slippage;
  bool maker, complete, ambiguous, cut;
  int64_t time_ns;
  char tag[JOURNAL_TAG_SIZE];
};

// A round trip (order/trade.h): fills paired first-in-first-out, as the bot's account did.
struct journal_trade {
  int64_t number;        // given by journal_append: per bot, from 1
  int64_t bot_id, tenant_id;
  uint32_t run, series;
  int direction;         // 1 long, −1 short
  quantity qty;
  int64_t entry_ns, exit_ns;
  price entry_px, exit_px;
  uint64_t fill;         // not stored: the fill of the same batch that closed it; written with that one, behind it in the same order. 0: none
  uint64_t entry_order, exit_order, position_id;
  cash pnl, fees, mae, mfe;
  int64_t bars;
  bool ambiguous, liquidated;
  char tag[JOURNAL_TAG_SIZE], exit_tag[JOURNAL_TAG_SIZE];
};

struct journal_mark {
  int64_t bot_id, tenant_id;
  uint32_t run;
  int64_t time_ns;
  cash equity, balance;
};

// All rows of orders, fills, trades and marks of the bot's run that follow from instants before time_ns are written, or are in the same
// batch; and those of that instant that came before in the order of batches.
struct journal_followed {
  int64_t bot_id;
  uint32_t run;
  int64_t time_ns;
};

struct journal_log {
  int64_t number;        // given by journal_append: per bot, from 1
  int64_t bot_id, tenant_id;
  uint32_t run;
  int64_t time_ns;
  int level;             // enum script_log_level
  const char *text;      // UTF-8; valid during the callback when read
  size_t len;            // at most JOURNAL_LOG_TEXT_MAX
};

// Everything that is to be durable together. Rows of fills and marks that were written before – of the same run, not newer than the last –
// are left out (number 0), with the trades of such fills. Any part may be empty; nothing is copied, so all of it stays until the write is done.
struct journal_notice {      // what a bot's owner is to be told (store/notice_rows.h, journal_notice_list)
  int64_t id, bot_id, tenant_id, created_ns;
  const char *event;         // a name of notice/event.h
  const char *data;          // JSON object
};

struct journal_batch {
  struct journal_record *records;
  const struct journal_series *series;  // before the bars
  const struct journal_bar *bars;
  const struct journal_state *states;
  const struct journal_order *orders;
  struct journal_fill *fills;
  struct journal_trade *trades;
  const struct journal_mark *marks;
  struct journal_log *logs;
  struct account_entry *entries;        // after the records
  const struct journal_followed *followed;
  size_t followed_count;
  struct journal_notice *notices;
  size_t notice_count;
  size_t record_count, series_count, bar_count, state_count, order_count, fill_count, trade_count, mark_count, log_count, entry_count, rules_count;
  const struct account_rules_row *rules;
};

// A store_fn: arg is a struct journal_batch. All of it or nothing. ERR_EXISTS: an intent was journalled before, a run was opened
// before, or a bar or series that is there says something else (the same again is no error).
enum status journal_append(struct db *db, void *batch, struct err *err) MUST_CHECK;

// ---- recovery and replay

// A record as stored; the body is valid during the callback.
typedef bool (*journal_record_fn)(void *arg, const struct journal_record *r);  // false: enough
// Records of all bots (bot_id 0) or one, by id, ids above after_id. tenant_id is 0 in them, and opens and closes false. The
// connection's read transaction lasts as long, so let a long scan stop now and then, and go on after the last id.
enum status journal_scan(struct db *db, int64_t after_id, int64_t bot_id, journal_record_fn fn, void *arg, struct err *err) MUST_CHECK;
// One of them, by its id; ERR_NOTFOUND: there is none, or it is forgotten.
enum status journal_record_get(struct db *db, int64_t id, journal_record_fn fn, void *arg, struct err *err) MUST_CHECK;
// The record that submitted a bot's order (bot/record.h's record_intent); ERR_NOTFOUND: it is forgotten, or the engine made the order itself.
enum status journal_intent_get(struct db *db, int64_t bot_id, uint64_t intent, journal_record_fn fn, void *arg, struct err *err) MUST_CHECK;
// What scans of everything that runs may begin after: no record of an open run has this or a lower id.
enum status journal_scan_from(struct db *db, int64_t *ret_after_id, struct err *err) MUST_CHECK;

// Open times of its oldest and newest bar; *ret_first > *ret_last: it has none.
enum status journal_bars_span(struct db *db, uint32_t series, int64_t *ret_first_ns, int64_t *ret_last_ns, struct err *err) MUST_CHECK;

struct journal_run {
  int64_t bot_id, tenant_id;
  uint32_t run;
  int64_t first_id, last_id;       // last 0: open; first 0: its records are forgotten
  int64_t opened_ns, closed_ns;    // by the clock; closed 0: open
  int64_t bars_from_ns;
};
typedef void (*journal_run_fn)(void *arg, const struct journal_run *r);
enum status journal_runs_open(struct db *db, journal_run_fn fn, void *arg, struct err *err) MUST_CHECK;
// A bot's latest run, open or not; ERR_NOTFOUND: it never ran. tenant_id 0: whoever's.
enum status journal_run_last(struct db *db, int64_t tenant_id, int64_t bot_id, struct journal_run *ret, struct err *err) MUST_CHECK;
// One of them; ERR_NOTFOUND: it never was, or is forgotten with its number.
enum status journal_run_get(struct db *db, int64_t tenant_id, int64_t bot_id, uint32_t run, struct journal_run *ret, struct err *err) MUST_CHECK;
// The highest id that any record had; 0: there never was one.
enum status journal_last_id(struct db *db, int64_t *ret, struct err *err) MUST_CHECK;
// Of one bot's: looks from the end backwards, so it is quick for a bot that runs. 0: it has none.
enum status journal_bot_last_id(struct db *db, int64_t bot_id, int64_t *ret, struct err *err) MUST_CHECK;

struct journal_pace {       // what is known of a tenant's pace (bot/fleet.h)
  int64_t tenant_id;
  unsigned quick;
  bool slow;
  int64_t time_ns;          // wall clock: since when
};
enum status journal_pace_put(struct db *db, const struct journal_pace *p, struct err *err) MUST_CHECK;  // in place of what was there
enum status journal_paces(struct db *db, void (*fn)(void *arg, const struct journal_pace *p), void *arg, struct err *err) MUST_CHECK;
typedef void (*journal_series_fn)(void *arg, const struct journal_series *s);
enum status journal_series_list(struct db *db, journal_series_fn fn, void *arg, struct err *err) MUST_CHECK;  // by id
enum status journal_series_get(struct db *db, uint32_t id, struct journal_series *ret, struct err *err) MUST_CHECK;
// The newest bar that opens before a time; ERR_NOTFOUND.
enum status journal_bar_before(struct db *db, uint32_t series, int64_t before_ns, struct bar *ret, struct err *err) MUST_CHECK;
// Where the newest `count` (> 0) bars before a time begin: the open time of the oldest of them; INT64_MAX: there are none.
enum status journal_bars_from(struct db *db, uint32_t series, int64_t before_ns, size_t count, int64_t *ret_from_ns, struct err *err) MUST_CHECK;
// At most limit bars (0: no limit) that open in [from_ns, to_ns), oldest first, appended to ret->bars.
enum status journal_bars(struct db *db, uint32_t series, int64_t from_ns, int64_t to_ns, size_t limit, struct series *ret, struct err *err) MUST_CHECK;

// The latest; ERR_NOTFOUND: nothing was written yet.
enum status journal_followed_get(struct db *db, int64_t bot_id, struct journal_followed *ret, struct err *err) MUST_CHECK;

typedef void (*journal_state_fn)(void *arg, const struct journal_state *s);  // the body is valid during the callback
enum status journal_states(struct db *db, journal_state_fn fn, void *arg, struct err *err) MUST_CHECK;  // of all bots
enum status journal_state_get(struct db *db, int64_t bot_id, journal_state_fn fn, void *arg, struct err *err) MUST_CHECK;  // ERR_NOTFOUND

// ---- pages for the API: of one bot of that tenant, newest first, below a cursor (INT64_MAX: from the newest); limit rows at most.

typedef void (*journal_order_fn)(void *arg, const struct journal_order *o);
typedef void (*journal_fill_fn)(void *arg, const struct journal_fill *f);
typedef void (*journal_trade_fn)(void *arg, const struct journal_trade *t);
typedef void (*journal_log_fn)(void *arg, const struct journal_log *l);
// Cursor: intent. working: only those that have not ended.
enum status journal_orders(struct db *db, int64_t tenant_id, int64_t bot_id, bool working, int64_t before_intent, int limit, journal_order_fn fn, void *arg,
                           struct err *err) MUST_CHECK;
enum status journal_order_get(struct db *db, int64_t tenant_id, int64_t bot_id, uint64_t intent, journal_order_fn fn, void *arg, struct err *err) MUST_CHECK;
// Cursor: number.
enum status journal_fills(struct db *db, int64_t tenant_id, int64_t bot_id, int64_t before, int limit, journal_fill_fn fn, void *arg, struct err *err) MUST_CHECK;
enum status journal_trades(struct db *db, int64_t tenant_id, int64_t bot_id, int64_t before, int limit, journal_trade_fn fn, void *arg, struct err *err) MUST_CHECK;
// Of that level and above.
enum status journal_logs(struct db *db, int64_t tenant_id, int64_t bot_id, int level, int64_t before, int limit, journal_log_fn fn, void *arg,
                         struct err *err) MUST_CHECK;
// Decisions that were made in [from_ns, to_ns), of one kind (enum record_kind) or all (0). Cursor: id of a record.
enum status journal_decisions(struct db *db, int64_t tenant_id, int64_t bot_id, int64_t from_ns, int64_t to_ns, int kind, int64_t before_id, int limit,
                              journal_record_fn fn, void *arg, struct err *err) MUST_CHECK;

// The last mark of each of at most `points` equal spans of time, and the lowest and highest equity in each: what a chart can show.
// Oldest first. run 0: the latest.
struct journal_point {
  int64_t time_ns;
  cash equity, balance, lowest, highest;
};
typedef void (*journal_point_fn)(void *arg, const struct journal_point *p);
#define JOURNAL_POINTS_MAX 5000
enum status journal_equity(struct db *db, int64_t tenant_id, int64_t bot_id, uint32_t run, int64_t from_ns, int64_t to_ns, int points, journal_point_fn fn,
                           void *arg, struct err *err) MUST_CHECK;

// ---- keeping it small, and sound

// Forgets records and decisions of runs that closed before a time, then older bars that no run needs, a step at a time: a store_fn
// whose arg is a struct journal_prune. Start with all but before_ns zero; call it again while !finished. Projections stay.
struct journal_prune {
  int64_t before_ns;     // the clock's
  int step_rows;         // looked at in a step; 0: 2,000
  int64_t after_id;      // how far it is
  int phase;
  int64_t records, bars; // forgotten so far
  bool finished;
};
enum status journal_prune(struct db *db, void *prune, struct err *err) MUST_CHECK;
// Everything of a bot that is deleted for good (its run is closed), the projections too, a step at a time: arg is a struct journal_erase.
struct journal_erase {
  int64_t tenant_id, bot_id;
  int64_t after_id;
  int phase;
  bool finished;
};
enum status journal_erase(struct db *db, void *erase, struct err *err) MUST_CHECK;

// What the schema cannot say: every record belongs to a run and lies between its ends, every decision to a record, every run's
// first record is there, bars are whole. fault is called once for each kind of fault with the first place and how many there are.
typedef void (*journal_fault_fn)(void *arg, const char *fault);
// *ret_made 0: a file of before there was a journal, in which nothing above can be asked.
enum status journal_made(struct db *db, int64_t *ret_made, struct err *err) MUST_CHECK;
enum status journal_check(struct db *db, journal_fault_fn fault, void *arg, struct err *err) MUST_CHECK;

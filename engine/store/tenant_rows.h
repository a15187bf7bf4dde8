// store/tenant_rows.h – what all bots of a tenant did together, for overviews, tables and reports: from the projections of journal.db, and
// of the bots' rows in control.db what such pages need to name them.
//
// Times are the bots' own (of their instants, UTC), which in a replayed market are not the clock's. Every function names the tenant.
#pragma once
#include "store/journal_rows.h"

// Which rows are meant. Zero and NULL: any.
struct tenant_filter {
  int64_t tenant_id;
  const char *bots;           // JSON list of ids, "[1,2]"
  const char *symbol;
  int side;                   // of trades: 1 long, -1 short; of fills: 1 + enum side
  int result;                 // of trades: 1 won, -1 did not
  int64_t from_ns, to_ns;     // of a trade's exit or a fill, [from_ns, to_ns); to_ns 0: no end
};
// Where a page begins: with the rows of this time, less the first `skip` of them. {INT64_MAX, 0}: with the newest.
struct tenant_place {
  int64_t time_ns, skip;
};
// Newest first; of one time, those of newer bots first. At most limit rows.
enum status tenant_trades(struct db *journal, const struct tenant_filter *f, struct tenant_place at, int limit, journal_trade_fn fn, void *arg, struct err *err) MUST_CHECK;
enum status tenant_fills(struct db *journal, const struct tenant_filter *f, struct tenant_place at, int limit, journal_fill_fn fn, void *arg, struct err *err) MUST_CHECK;

// What trades come to: of one bot, series and direction, over days that the filter's times touch (whole days). They count trades that are
// not kept any more, too.
struct tenant_sums {
  int64_t bot_id;
  uint32_t series;
  int direction;
  int64_t trades, wins;
  int128 profit_e8, loss_e8, fees_e8, held_ms;  // loss: positive
  int64_t best_e8, worst_e8;                    // of one trade
};
typedef void (*tenant_sums_fn)(void *arg, const struct tenant_sums *s);
enum status tenant_sums(struct db *journal, const struct tenant_filter *f, tenant_sums_fn fn, void *arg, struct err *err) MUST_CHECK;  // by bot; filter: bots, side, times
// Day by day, oldest first, of all of them together: day in days since 1970.
typedef void (*tenant_day_fn)(void *arg, int64_t bot_id, int64_t day, int64_t trades, int64_t wins, cash pnl, cash fees);
enum status tenant_days(struct db *journal, const struct tenant_filter *f, tenant_day_fn fn, void *arg, struct err *err) MUST_CHECK;
// In a write, with the trade's own row.
enum status tenant_day_add(struct db *journal, const struct journal_trade *t, struct err *err) MUST_CHECK;

// Log lines that warn or tell of errors, newest first.
typedef void (*tenant_warning_fn)(void *arg, int64_t bot_id, const struct journal_log *l);
enum status tenant_warnings(struct db *journal, int64_t tenant_id, int limit, tenant_warning_fn fn, void *arg, struct err *err) MUST_CHECK;
// The newest refusal among a bot's last decisions (as many as are looked through quickly); ERR_NOTFOUND.
enum status tenant_denial(struct db *journal, int64_t tenant_id, int64_t bot_id, int kind, journal_record_fn fn, void *arg, struct err *err) MUST_CHECK;

// ---- equity of one bot's run, for curves over many

enum tenant_curve { CURVE_MARKS, CURVE_HOURS, CURVE_DAYS };  // each mark; the last of each hour, of each day, and the newest of all
// Marks of [from_ns, …), oldest first, as they are kept.
enum status tenant_curve(struct db *journal, int64_t tenant_id, int64_t bot_id, uint32_t run, enum tenant_curve level, int64_t from_ns, journal_point_fn fn, void *arg,
                         struct err *err) MUST_CHECK;
// The run's first and last mark that are kept (days are, for ever); ERR_NOTFOUND: it has none.
enum status tenant_curve_ends(struct db *journal, int64_t tenant_id, int64_t bot_id, uint32_t run, struct journal_point *ret_first, struct journal_point *ret_last,
                              struct err *err) MUST_CHECK;
// The last mark of a run before the UTC day that begins then; ERR_NOTFOUND: it began that day.
enum status tenant_before_day(struct db *journal, int64_t tenant_id, int64_t bot_id, uint32_t run, int64_t day_ns, cash *ret_equity, struct err *err) MUST_CHECK;
// What a run was given; ERR_NOTFOUND: it is not of a paper account.
enum status tenant_run_cash(struct db *journal, int64_t tenant_id, int64_t bot_id, uint32_t run, cash *ret, struct err *err) MUST_CHECK;

// ---- control.db

// A bot by name, with its account and script; deleted ones too, of which there may be trades still. Texts are valid during the callback.
struct tenant_bot {
  int64_t id, account_id, script_id;
  const char *name, *account, *script, *currency, *state, *reason_code, *reason;
  int64_t since_ns;
  bool paper, deleted;
};
typedef void (*tenant_bot_fn)(void *arg, const struct tenant_bot *b);
enum status tenant_bots(struct db *control, int64_t tenant_id, tenant_bot_fn fn, void *arg, struct err *err) MUST_CHECK;  // by id

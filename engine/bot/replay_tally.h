// bot/replay_tally.h – what a replayed run came to from a moment on: equity, drawdown, fills, round trips. Two of them are compared by a what-if.
#pragma once
#include "bot/replay.h"

#define REPLAY_FILLS_MAX 200   // told one by one; all are counted
#define REPLAY_POINTS_MAX 400  // of a curve

struct replay_point {
  int64_t time_ns;
  int64_t equity_e8;
};
struct replay_tally {
  int64_t from_ns;
  const struct match_symbol_config *symbols;
  struct replay_point *points;
  size_t point_count, point_cap;
  bool begun;
  int64_t begin_e8, peak_e8, last_e8, drawdown_e8, peak_then_e8;
  struct fill *fills;              // the first REPLAY_FILLS_MAX
  int64_t fill_count;
  int128 fees_e8, trade_pnl_e8;
  size_t trades_seen;              // of the account's
  int64_t trades, wins;
  bool failed;                     // no memory
};

// symbols: the run's, for prices and quantities; borrowed. deposit: the equity when nothing was before from_ns.
void replay_tally_init(struct replay_tally *t, int64_t from_ns, const struct match_symbol_config *symbols, cash deposit);
void replay_tally_finish(struct replay_tally *t);
struct replay_watch replay_tally_watch(struct replay_tally *t);
// {"equity_begin","equity_end","pnl","max_drawdown","max_drawdown_pct","fills","fees","trades","wins","trade_pnl"}: money as text.
json_t *replay_tally_json(const struct replay_tally *t);
// [{"time_ms","order","symbol","side","qty","price","fee"}]
json_t *replay_tally_fills(const struct replay_tally *t);
// [[time_ms, a's equity, b's equity]] at the times that both have, as numbers for a chart.
json_t *replay_tally_curves(const struct replay_tally *a, const struct replay_tally *b);

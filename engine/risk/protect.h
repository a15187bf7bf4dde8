// risk/protect.h – protections, as users of freqtrade know them: after closed trades of some kind, no entries for a while.
//
//     cooldown         after any trade of a symbol: that symbol pauses
//     stop_guard       n stop losses (or liquidations) with a profit below `profit` in a window
//     low_profit       at least n trades of a symbol in a window, whose profits sum to less than `profit`: that symbol pauses
//     window_drawdown  at least n trades in a window, whose cumulated profit fell by more than `drawdown` from its peak
//
// Where we differ: time is event time, in ns, and pauses are not rounded up to a candle; the drawdown's peak starts at zero, so
// a first loss counts. As there: profits are fractions of what the trade cost, a window holds trades closed after its start,
// a pause begins with the trade that caused it, and the same kind may be set several times with other numbers.
// Evaluated when a trade closes; asking costs a look per rule. Exits are never refused.
#pragma once
#include "base/status.h"
#include "risk/refusal.h"

#include <stddef.h>

enum protect_kind { PROTECT_COOLDOWN, PROTECT_STOP_GUARD, PROTECT_LOW_PROFIT, PROTECT_WINDOW_DRAWDOWN, PROTECT_KINDS };

struct protect_rule {
  enum protect_kind kind;
  int64_t pause_ns;       // > 0
  int64_t window_ns;      // > 0 but for a cooldown
  int trades;             // n, >= 1 but for a cooldown
  int64_t frac_e8;        // profit or drawdown
  bool per_symbol;        // of stop_guard: count and pause each symbol by itself
};

struct protect_trade {
  int symbol;
  int64_t close_ns;       // never earlier than that of the trade before
  int64_t profit_e8;      // of what it cost, net of fees: −2 % is −2,000,000
  bool stop;              // ended by a stop loss, a trailing stop or a liquidation
};

struct protect;

#define PROTECT_RULES_MAX 16
#define PROTECT_TRADES_MAX 4096

// Copies the rules. trades: how many closed trades are remembered; a window that holds more is judged by the last of them.
// ERR_INVALID names the rule; ERR_LIMIT: too many rules or trades.
enum status protect_create(const struct protect_rule *rules, size_t count, int symbols, size_t trades, struct protect **ret,
                           struct err *err) MUST_CHECK;
void protect_destroy(struct protect *p);
// A trade closed. No allocation. Returns how many rules began or prolonged a pause.
int protect_closed(struct protect *p, const struct protect_trade *trade);
// Shows p, which has seen no trade yet, all trades that `from` remembers. Both have the same symbols.
void protect_take(struct protect *p, const struct protect *from);
// The trades that p remembers to bytes; or back into one that has seen none, which then pauses as that one did (base/pack.h).
struct pack;
void protect_pack(struct protect *p, struct pack *bytes);
// False: an entry in the symbol is refused now, by the pause that ends last.
bool protect_check(const struct protect *p, int symbol, int64_t now_ns, struct refusal *ret_why);
const char *protect_kind_text(enum protect_kind k);

// bot/canary.h – a version on trial, as arithmetic: which bots try it, and when it ends. Pure; bot/live_canary does what it says.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// Does the bot try the version? The same answer always, of `percent` of a hundred bots on average; who is in at a percentage is in
// at any higher one.
bool canary_chosen(int64_t bot_id, int64_t version, int64_t percent);

struct canary_bot {
  int64_t bot_id;
  int64_t base_e8, peak_e8;  // worth when it took the version; most since
  int64_t kept_e8;           // of the peak: what its row has
};
// It is worth equity_e8 now: raises its peak. True: it has fallen from there by more than drawdown_e8 (1e8: all) of its base. 0: no limit.
bool canary_fell(struct canary_bot *b, int64_t equity_e8, int64_t drawdown_e8);

enum canary_verdict { CANARY_GOES_ON, CANARY_PROMOTED, CANARY_ROLLED_BACK };
// By the clock: at until_ns (0: by hand alone) it becomes the active one, unless no bot has tried it.
enum canary_verdict canary_due(int64_t until_ns, int64_t now_ns, bool tried);

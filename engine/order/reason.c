#include "order/reason.h"

#include <assert.h>

static const struct { const char *code, *text; } reasons[] = {
#define X(name, explanation) { #name, explanation },
  REASON_LIST(X)
#undef X
};

const char *reason_code(enum reason r) {
  assert((unsigned)r < REASON_COUNT);
  return reasons[r].code;
}

const char *reason_text(enum reason r) {
  assert((unsigned)r < REASON_COUNT);
  return reasons[r].text;
}

const char *reason_advice(enum reason r) {
  static const char *const advice[REASON_COUNT] = {
    [REASON_MIN_QTY] = "Give the script a larger size, or the bot more cash.",
    [REASON_MIN_NOTIONAL] = "Give the script a larger size, or the bot more cash.",
    [REASON_MARGIN] = "Pay in, close something, or trade a smaller size.",
    [REASON_COLLAR] = "Look at the price that the script asked for.",
    [REASON_RATE] = "Let the script order less often; the next order may pass.",
    [REASON_MAX_ORDER] = "Trade a smaller size.",
    [REASON_MAX_POSITION] = "Trade a smaller size, or close something first.",
    [REASON_HALTED] = "Take the halt off when its cause is gone.",
    [REASON_REDUCE_ONLY] = "Nothing: the position was closed before. Look whether that was meant.",
    [REASON_POST_ONLY] = "Place it further from the market, or without post.",
    [REASON_CLOSED] = "Wait until the market is open; the script was told.",
    [REASON_NO_PRICE] = "Look whether the bot's market data goes on.",
    [REASON_BAD_PRICE] = "Compare the order's prices with the market: the venue takes none that the market has passed.",
    [REASON_VENUE] = "Look at what the venue said, in the bot's log, and at the account's rights and limits there.",
    [REASON_ABSENT] = "Nothing: it does nothing there. If the script still wants it, it orders again.",
    [REASON_NOT_JOURNALLED] = "Look whether the disk is full; nothing was sent.",
  };
  assert((unsigned)r < REASON_COUNT);
  return advice[r] ? advice[r] : "The script was told; look at the order's why and at the bot's log.";
}

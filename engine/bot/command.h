// bot/command.h – what a bot tells its matcher: everything that changes orders goes through here, one command at a time.
//
// A matcher is a function of the bars it is shown and of its commands, in their order. So whoever has both has the same orders,
// fills and account: the host that runs the script, the core that keeps the books, a replay of the journal.
#pragma once
#include "match/match.h"

#define COMMAND_RESERVE_MAX 1024  // ids that one RESERVE may take

// A kind's number is stored in journals and never reused.
#define COMMAND_KIND_LIST(X)                                                                                  \
  X(RESERVE, "reserve")  /* order ids up to and including id are taken; those not submitted stay holes */      \
  X(SUBMIT, "submit")    /* a reserved id becomes an order */                                                  \
  X(CANCEL, "cancel")                                                                                         \
  X(MODIFY, "modify")                                                                                         \
  X(MARK, "mark")        /* a main bar that opened at time_ns has ended: the equity counts here; changes nothing */ \
  X(EXECUTE, "execute")  /* a market order of the core's is executed between two bars, at the price in change.limit */ \
  X(FUNDING, "funding")  /* of intent.symbol: a part of the instant's market, kept with the commands; changes nothing by itself */ \
  X(LOST, "lost")        /* the venue's answer to the order was lost: UNKNOWN, and no market meets it */         \
  X(FOUND, "found")      /* it has answered: the order works, or, with a reason, it never arrived */              \
  X(VENUE, "venue")      /* MODEL_REMOTE: the venue says that the order is venue.status now */                    \
  X(FILL, "fill")        /* MODEL_REMOTE: qty of it was executed there, at change.limit */       \
  X(CASH, "cash")        /* MODEL_REMOTE: venue.fee was paid there for holding intent.symbol; negative: received */
// The core's alone: a script's desk has none of these.
static inline bool command_of_core(int kind) { return kind > 4; }
enum command_kind {
#define X(name, text) COMMAND_##name,
  COMMAND_KIND_LIST(X)
#undef X
  COMMAND_KIND_COUNT
};
const char *command_kind_text(enum command_kind kind);  // "submit"

struct bot_command {
  enum command_kind kind;
  bool imposed;                // of a run's past: by the core, when the script had had its turn in that instant; it hears of it in the next
  int64_t time_ns;             // of the instant in which it was decided; of MARK see there
  uint64_t id;                 // the order; of RESERVE the highest id; of MARK 0
  struct intent intent;        // SUBMIT
  quantity qty;                // SUBMIT: what the risk checks made of the size
  struct order_change change;  // MODIFY
  enum reason why;             // CANCEL: recorded as the order's reason; FOUND: NONE, or why it was rejected; VENUE: of an end
  struct command_funding {     // FUNDING, as in instant_funding
    int64_t ts_ns, rate_e12;
    price mark;
    bool before_match;
  } funding;
  struct command_venue {       // VENUE, FILL
    enum order_status status;  // VENUE: OPEN, UNKNOWN, CANCELED, EXPIRED, REJECTED
    cash fee;                  // FILL
    bool maker;
    int64_t at_ns;             // when it happened there, by the venue's clock; time_ns is the instant after which it was heard
    uint64_t key_hi, key_lo;   // of the execution (order/fill_set.h): what was booked once is not booked again
  } venue;
};

// Could this command have come from a desk in front of this matcher? For those that arrive from another process: after true,
// command_apply() keeps every assertion of the matcher. ret_why (may be NULL) says what is wrong. Whether an order may be sent is
// not asked here: that is risk's.
bool command_valid(const struct matcher *m, const struct bot_command *c, const char **ret_why);
// What the matcher answers; NONE when it took it. The command is valid.
enum reason command_apply(struct matcher *m, const struct bot_command *c);

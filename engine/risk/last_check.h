// risk/last_check.h – the last look before bytes leave for a venue: arithmetic so simple that it can be seen to be right,
// written apart from everything it watches.
//
// In 2012 a router that had lost count turned 212 orders into four million in 45 minutes; its limits were not connected to
// what went out. So here nothing is shared with order/ or risk/gate: other counters, other algorithms, only <std…> headers.
//
//     per intent:            filled + working + this <= intended
//     per bot, account, tenant:   orders and notional in any window <= budget
//
// What fails is not refused but stops: a violation means that the checks before have failed. A broken intent, or a table that
// can no longer watch, trips everything; a broken budget trips its account or tenant. Tripped stays until a human resets it;
// the caller puts the same into the kill switch (risk/halt.h), which lasts over a restart.
// Budgets are meant as several times what the gate allows: this is the fuse, not the thermostat.
// Tables grow with what is open; no memory for more and nearly full, or the maximum reached: it trips (LAST_FULL).
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LAST_CHECK_WHY_LIST(X)                                                           \
  X(OK, "ok")                                                                            \
  X(TRIPPED, "tripped")              /* before, and not reset */                         \
  X(NO_INTENT, "no_intent")          /* an order whose intent was never announced */     \
  X(REPEATED, "repeated")            /* the same intent announced twice */               \
  X(QUANTITY, "quantity")            /* filled + working would exceed what was intended */ \
  X(OVERFILLED, "overfilled")        /* the venue executed more than that */             \
  X(UNSENT, "unsent")                /* executed more than was ever sent, or ended more than works */ \
  X(RATE, "rate")                    /* an account's or tenant's orders in a window */   \
  X(NOTIONAL, "notional")            /* likewise its notional */                         \
  X(FULL, "full")                    /* more intents or owners at a time than it can watch */ \
  X(NONSENSE, "nonsense")            /* quantity or notional not above zero */
enum last_why {
#define X(name, text) LAST_##name,
  LAST_CHECK_WHY_LIST(X)
#undef X
  LAST_WHY_COUNT
};

enum last_scope { LAST_NOTHING, LAST_BOT, LAST_ACCOUNT, LAST_TENANT, LAST_EVERYTHING };  // what was tripped

struct last_report {
  enum last_why why;
  enum last_scope scope;
  uint64_t intent, bot, account, tenant;
  int64_t limit, value;
  int64_t at_ns;
};

// Budgets per window; 0 switches one off.
struct last_budget {
  int64_t window_ns;    // > 0
  int64_t orders;
  int64_t notional_e8;
};

struct last_check;

// intents: that can be open at a time; owners: accounts plus tenants that exist (about 200 bytes each; a row stays once used).
// NULL: no memory.
struct last_check *last_check_create(size_t intents, size_t owners, struct last_budget account, struct last_budget tenant);
void last_check_destroy(struct last_check *c);

// All but reset and tripped return false when they trip, or when what they concern is tripped: then nothing may be sent. The
// caller asks last_check_report for why.
//
// The journal has committed an intent of this many lots. Ids are unique over all bots; 0 is none.
bool last_check_intend(struct last_check *c, uint64_t intent, int64_t lots);
// Likewise a change that makes it larger by lots.
bool last_check_raise(struct last_check *c, uint64_t intent, int64_t lots);
// Immediately before its bytes go out: an order for an intent, or a change that makes its order larger by lots.
bool last_check_send(struct last_check *c, uint64_t intent, uint64_t account, uint64_t tenant, int64_t lots, int64_t notional_e8,
                     int64_t now_ns);
// The same for an order of this bot, whose budget is looked at first; only bots that were given one have one.
bool last_check_send_by(struct last_check *c, uint64_t bot, uint64_t intent, uint64_t account, uint64_t tenant, int64_t lots, int64_t notional_e8,
                        int64_t now_ns);
// A budget of its own for a bot, an account or a tenant, in the window that all accounts (tenants) have; 0, 0: as the others of its kind.
// False: no room, which trips everything.
bool last_check_budget(struct last_check *c, enum last_scope scope, uint64_t id, int64_t orders, int64_t notional_e8);
// After a restart: an intent of which `filled` was executed and `working` works already, by the journal. No budget is spent.
bool last_check_adopt(struct last_check *c, uint64_t intent, int64_t filled, int64_t working);
// The venue executed lots of it. An execution that comes after the end of its order is late, not wrong.
bool last_check_filled(struct last_check *c, uint64_t intent, int64_t lots);
// Of what was sent, lots can no longer execute (cancelled, expired, rejected, proven absent, made smaller).
bool last_check_ended(struct last_check *c, uint64_t intent, int64_t lots);
// Its place is free. Not before the venue can no longer surprise (an hour after its end, say): an execution of a forgotten
// intent trips as NO_INTENT, and so does forgetting one that works, as QUANTITY.
bool last_check_forget(struct last_check *c, uint64_t intent);

// Would an order of these be stopped before it is looked at?
bool last_check_tripped(const struct last_check *c, uint64_t account, uint64_t tenant);
// The first violation since the last reset (why is OK when there was none).
struct last_report last_check_report(const struct last_check *c);
// The last violation: of another owner, maybe.
struct last_report last_check_latest(const struct last_check *c);
// Is this bot's own budget broken? (last_check_tripped() does not ask for bots.)
bool last_check_bot_tripped(const struct last_check *c, uint64_t bot);
// A human has looked: forgets trips, keeps counts.
void last_check_reset(struct last_check *c);
const char *last_why_text(enum last_why w);

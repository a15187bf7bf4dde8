// ea/bridge.h – an account at a terminal of MetaTrader as a venue (venue/venue.h). The terminal's expert asks, so nothing goes to it but with
// an answer: orders wait until it asks and are leased then (ea/lease.h); what it reports is compared with what was known, and what is new is told.
//
//     hello ─► symbols, currency, kind of account        report ─► results, orders, deals, positions, balance ─► sessions
//     place, cancel ─► QUEUED ─ hand ─► LEASED ─ result, or nobody knows ─► reply
//
// Every answer has a turn, and every report says which answer was read before it was collected. So a question is answered by a report that
// was collected after it was asked, never by one that was on its way.
//
// Quantities of the venue are base units: lots × contract size. Symbols whose profits are not in the account's currency are not traded: their
// results would be booked as the wrong money. Several sessions may look at one account; one trades.
// All on the loop's thread; owners are called from the loop, never from within a call of theirs.
#pragma once
#include "ea/lease.h"
#include "ea/message.h"

struct loop;
struct ea_bridge;

#define EA_SILENT_NS (15 * INT64_C(1000000000))   // without a word: the terminal is gone
#define EA_LEASE_MS 5000                          // in which a terminal must have begun
#define EA_ANSWER_MS 15000                        // after its lease: how long a terminal may take to say what became of it
#define EA_HAND_MAX 8                             // commands of one answer
#define EA_POLL_MS 250                            // how often a terminal is to ask

struct ea_bridge_options {
  struct loop *loop;
  int64_t account_id;
  void (*log)(void *arg, int64_t account_id, const char *event, const char *text);
  // A command is waiting, or other bars are needed than were asked for: whoever holds a terminal's request answers it now. Not from within a call of the bridge's. May be NULL.
  void (*waiting)(void *arg, struct ea_bridge *b);
  void *arg;
  int64_t lease_ms, answer_ms;  // how long a terminal may take to begin with a command, and then to tell the end; 0: EA_LEASE_MS, EA_ANSWER_MS
  int64_t (*mono_ns)(void);  // instead of the monotonic clock, for tests; NULL: the clock
};
enum status ea_bridge_create(const struct ea_bridge_options *options, struct ea_bridge **ret, struct err *err) MUST_CHECK;
// After its sessions. NULL does nothing.
void ea_bridge_destroy(struct ea_bridge *b);
// What the account's owner has set: whether real money is agreed to, and the currency that its books are in ("": any). A terminal that differs is
// refused. Until it is told, nothing real is.
void ea_bridge_terms(struct ea_bridge *b, bool real_allowed, const char *currency);

// ---- the terminal. What is read is taken, on failure too.
void ea_bridge_hello(struct ea_bridge *b, struct ea_hello *hello);
bool ea_bridge_greeted(const struct ea_bridge *b);
// ERR_CANCELLED: no hello yet. ERR_INVALID: it names a symbol or a turn that nobody told.
enum status ea_bridge_report(struct ea_bridge *b, struct ea_report *report, struct err *err) MUST_CHECK;

struct ea_handed {
  struct ea_command command;
  int64_t lease_ms;
};
// Commands for the answer that is being made: they are out from now on. Cancels come first.
size_t ea_bridge_hand(struct ea_bridge *b, struct ea_handed ret[EA_HAND_MAX]);
bool ea_bridge_waits(const struct ea_bridge *b);  // ea_bridge_hand would have some
bool ea_bridge_asks(const struct ea_bridge *b);   // an answer would ask for other bars than the last one did: a history comes as fast as the terminal tells it
// It does not go out after all, for it could not be written down.
void ea_bridge_keep(struct ea_bridge *b, const char *id);
// It did not go out with this answer, since it had gone out before: nobody knows what became of it.
void ea_bridge_unsure(struct ea_bridge *b, const char *id);
// {"turn", "since_ms", "poll_ms", "ask": […], "bars": […]}, for the answer to a report or a hello. New reference; NULL: no memory.
json_t *ea_bridge_answer(struct ea_bridge *b);

// ---- owners
struct ea_session_wish {
  bool read_only;      // will not trade: an account that lets nobody trade will do
  bool no_events;      // asks only
};
enum status ea_bridge_session(struct ea_bridge *b, const struct ea_session_wish *wish, const struct venue_events *events, void *to, struct venue *ret,
  struct err *err) MUST_CHECK;
// False: the terminal has not told of it.
bool ea_bridge_instrument(const struct ea_bridge *b, const char *symbol, struct venue_instrument *ret);
bool ea_bridge_tick(const struct ea_bridge *b, const char *symbol, struct ea_tick *ret);

// Who makes a market of the terminal's prices (ea/feed.h). Called from the loop.
struct ea_prices {
  void *self;
  void (*changed)(void *self);                   // a hello, or the terminal has come or gone
  void (*tick)(void *self, const struct ea_tick *tick);
  void (*bars)(void *self, const struct ea_bars *list, const struct ea_bar *rows);
  void (*ask)(void *self, json_t *list);         // adds {"symbol", "minutes", "from_ms"} of what the next report should have
};
void ea_bridge_prices(struct ea_bridge *b, const struct ea_prices *prices);  // one at a time; NULL: nobody any more

struct ea_view {
  bool greeted, up, trading;
  const struct ea_hello *hello;      // valid until the next one
  int64_t heard_ns;                  // Unix time of the last report; 0: none
  uint64_t reports, handed, done, refused, lapsed, dropped;
  size_t waiting, out, unknown;      // commands at present: not fetched; handed out; handed out without an end, of the last ten minutes
  const struct ea_account *account;  // of the last report, as positions; NULL: none has come. Valid within the call
  const struct ea_position *positions;
  size_t position_count;
};
struct ea_view ea_bridge_view(const struct ea_bridge *b);

// bot/clerk.h – one running bot in the core: its blotter behind the gate, the kill switch and the last check.
//
// The clerk believes nothing that a host says. Every order of the script passes the limits of bot, account and tenant; what happens is
// booked at once for the bot and for its account (bot/clerk_account.h), and what the core decides itself – the cancel of a denied
// order, a flatten, the kill switch – becomes an *imposed* command, told to the owner, who journals it and sends it to the host. So
// journal, blotter and pilot have one history and equal event hashes.
//
// An instant T, in this order (all calls by the thread that owns the clerk):
//     clerk_market(T)          before the INSTANT frame goes out: funding, matching, fills, marks, rules
//     clerk_command()          for every COMMAND frame, as they come. Denied: applied all the same, for the host has applied it; the
//                              cancel follows at clerk_end()
//     clerk_end()              after DONE(T), or when the host has died: what waited is imposed, now. Imposed commands are T's
//                              (time_ns = T): a pilot applies them after instant T and before the next
//     clerk_committed()        the batch with all of it is in the journal: the orders now exist for the market, if kill switch and
//     or clerk_uncommitted()   last check still agree. Not committed: they are cancelled (imposed) before any market sees them
// Between clerk_market() and clerk_end() nothing is imposed, only remembered; new orders are refused from the first moment on.
// Orders for which neither of the last two was called when the next clerk_market() comes are cancelled as not journalled.
//
// Denials of the core reach the script as the order's end (CANCELED with the reason of the refusal).
//
// Pure: no clock, no I/O; no allocation per command once a bot's largest number of working orders was reached.
#pragma once
#include "bot/blotter.h"
#include "bot/clerk_account.h"
#include "order/client_id.h"
#include "risk/gate.h"
#include "risk/last_check.h"

// What all clerks of the core share. Zeroed, then filled in; lives longer than they.
struct clerk_shared {
  struct halt_state *halt;   // borrowed; NULL: there is no kill switch
  struct last_check *last;   // borrowed; NULL: nobody checks
  uint64_t intents;          // counts the orders of all bots: their names for the last check
  // The last check has tripped: `halt` already has it (HALT_SILENT, HALT_BY_LAST_CHECK; of an account: its tenant). Make it durable.
  void (*tripped)(void *self, const struct last_report *r);
  void *self;
  struct last_report told;   // kept by the clerks: the violation that `tripped` was called for
};

// ---- what comes out, in the order in which it happens. Numbers as counts for arithmetic and as decimals for rows and JSON.

struct clerk_order_event {
  int64_t time_ns;
  const struct order *order;      // as it is now; borrowed for the call
  const struct instrument *inst;
  enum order_status from, to;
  enum reason reason;
  const char *client_id;          // of orders that were submitted; exits that came to life with their entry and liquidations: ""
  struct decimal qty, filled, limit, trigger, sl, tp;  // prices that are not given: scale −1
  struct decimal avg;             // of its fills, to a tick; scale −1 without any
  bool by_engine;                 // the core's own: flatten
};
struct clerk_fill_event {
  const struct fill *fill;
  const struct instrument *inst;
  struct decimal px, qty, fee;
  int64_t lots_after;             // the bot's position in the symbol and leg
  struct decimal position, position_avg;  // scale −1: flat
  cash realised;                  // of the symbol so far
};
struct clerk_equity_event {       // at every mark of the main stream
  int64_t time_ns;                // open of the bar
  cash equity, balance, margin;
};
struct clerk_denial {
  int64_t time_ns;
  uint64_t order;                 // its id; exists, and ends with the same reason
  enum reason code;
  const struct refusal *why;      // rule, level, limit, value, until
  const struct instrument *inst;
  const char *text;               // refusal_text()
};
struct clerk_observer {           // any may be NULL
  void *self;
  void (*order)(void *self, const struct clerk_order_event *e);
  void (*fill)(void *self, const struct clerk_fill_event *e);
  void (*equity)(void *self, const struct clerk_equity_event *e);
  void (*denied)(void *self, const struct clerk_denial *d);
  // Already applied to the blotter: append to the journal (kind imposed) and send to the host, in this order.
  void (*imposed)(void *self, const struct bot_command *c);
  // The core began to close the bot's positions, or to cancel its orders, by itself: say so, and pause the bot if it is to stay so.
  void (*intervened)(void *self, enum reason code, const char *text);
  // What a symbol of the blotter trades at now, for closing between its bars. False: nobody knows.
  bool (*last_price)(void *self, int symbol, price *ret);
};

// ---- life

// How often the paper venue does not answer, so that scripts and this program can be seen to bear it. Zeroed: never.
struct clerk_faults {
  int64_t lost_frac_e8;    // of orders, whose answer is lost
  int64_t absent_frac_e8;  // of those, that never arrived
  int64_t unanswered;      // of questions about one of them
};

struct clerk_config {
  uint64_t bot_id;
  uint32_t version;                 // of its script, for client ids
  uint32_t run;                     // likewise: order ids begin anew with each run; 0: there is only one
  struct clerk_shared *shared;      // borrowed, as are account and venue
  struct clerk_account *account;
  uint64_t venue_id;                // of the kill switch's venue level; 0: none
  struct blotter_config blotter;    // its observer is not used. match.deposit is the bot's part of the account, taken from the house
  struct gate_limits limits;        // of the bot
  const struct protect_rule *protections;  // copied
  size_t protection_count;
  struct clerk_faults faults;
  bool script_rate;                 // the checks beside the script limit its rate: what they remember of it goes into images (clerk_image.h)
  int64_t live_from_ns;             // the time of imposed commands before the first instant
  struct clerk_observer observer;
};
struct clerk;

// ERR_INVALID: what the blotter refuses; a compat model (its sizes are only known at the fill, when nobody can refuse them any more).
// ERR_LIMIT: the account's house has less than the deposit. ERR_EXISTS: the account has this bot already.
enum status clerk_create(const struct clerk_config *config, struct clerk **ret, struct err *err) MUST_CHECK;
// Leaves the account: its orders, its position and its money are no longer counted there (its deposit goes back to the house), until a
// clerk that is restored from the journal brings them back. NULL is fine.
void clerk_destroy(struct clerk *c);

uint64_t clerk_bot(const struct clerk *c);
const struct matcher *clerk_matcher(const struct clerk *c);
// Between two instants: ended orders that nobody asks for any more, and round trips, which the observer's owner has all read. True:
// the account's list of those is empty now.
bool clerk_forget(struct clerk *c);
void clerk_hash(const struct clerk *c, char ret_hex[SHA256_HEX_SIZE]);  // as blotter_hash
int64_t clerk_now(const struct clerk *c);                               // of the last instant
// The name of an order at a venue; ids above CLIENT_ID_INTENT_MAX do not occur.
void clerk_client_id(const struct clerk *c, uint64_t order, char ret_text[CLIENT_ID_SIZE]);
// A new version of the script gives names to all orders that are not yet there; of a run that is restored: from that order on.
void clerk_version(struct clerk *c, uint32_t version);
void clerk_version_from(struct clerk *c, uint32_t version, uint64_t order);
uint32_t clerk_version_of(const struct clerk *c, uint64_t order);
// Other limits from here on (a plan changed): running sums are kept.
void clerk_limits(struct clerk *c, const struct gate_limits *limits);
// Other protections from here on, judged as if they had always been there: by the trades that are remembered (those of its account,
// where there were no protections before). ERR_INVALID, ERR_LIMIT, ERR_NOMEM: nothing changed.
enum status clerk_protections(struct clerk *c, const struct protect_rule *rules, size_t count, struct err *err) MUST_CHECK;
// Why the plan keeps it from entering (REFUSE_NONE: it does not); leaving is always allowed. Orders that work and could open are cancelled
// at its next clerk_end().
void clerk_plan_denies(struct clerk *c, enum refusal_rule why);

// As pilot_mark().
void clerk_mark(struct clerk *c, int symbol, price px);

// ---- an instant

// Whether an instant may be the clerk's next: the last one has ended, and was earlier.
bool clerk_follows(const struct clerk *c, int64_t now_ns);
// ERR_EXISTS: it does not follow (clerk_follows()), and nothing has happened: whoever caught up with the market has seen it already.
// ERR_RANGE: an amount does not fit in 64 bits; the bot cannot go on, its clerk is only good for clerk_end() and clerk_destroy().
enum status clerk_market(struct clerk *c, const struct instant *in, struct err *err) MUST_CHECK;

enum clerk_answer {
  CLERK_TAKEN,    // applied: journal it
  CLERK_DENIED,   // likewise, and a cancel (of a change: of its order, or back to the old stop) follows at clerk_end()
  CLERK_INVALID,  // nothing happened: no desk sends this. The host is broken or hostile: end it
};
struct clerk_verdict {
  enum clerk_answer answer;
  enum reason reason;   // TAKEN: what the matcher answered (NONE: fine). DENIED: the code of `why`
  struct refusal why;   // DENIED
  const char *fault;    // INVALID: what is wrong, static
};
// The time of all but MARK must be that of the instant; a stop's commands too.
void clerk_command(struct clerk *c, const struct bot_command *cmd, struct clerk_verdict *ret);
// The script was shown the last instant: its day turns with the first of each.
void clerk_script_saw(struct clerk *c);
void clerk_end(struct clerk *c);
void clerk_committed(struct clerk *c);
void clerk_uncommitted(struct clerk *c);

// ---- what the core wants. Imposed at once between instants, else at clerk_end().

// Cancels all orders but reduce-only ones, closes all positions by market orders, and stays at it at every clerk_end() until
// clerk_flat(). A close that is in the journal is executed in the next instant, bar or no bar: at the last price with its costs. why: of the cancels, and told to `intervened` with text (NULL: the reason's own).
void clerk_flatten(struct clerk *c, enum reason why, const char *text);
// Its script has said its last words (on_stop): cancels all orders but market orders that reduce only, and executes those as closes above,
// each in the next instant after it is in the journal, until clerk_parted().
void clerk_part(struct clerk *c);
// No such order is left.
bool clerk_parted(const struct clerk *c);
// Cancels all orders but reduce-only ones: stops and targets of positions stay. all: those too.
void clerk_cancel_all(struct clerk *c, enum reason why, bool all);
// The kill switch has changed: does what it asks of this bot (REDUCE: cancels what could open; SILENT: all but reduce-only orders, so that
// positions keep their stops; FLATTEN: closes too). Call it for every bot concerned right after halt_set(), else the change is seen at
// the next clerk_end().
void clerk_halts(struct clerk *c);
// Funding that is due in the instant for which clerk_market() is called next: told to `imposed`, like all that the core does. Nothing
// happens where the bot holds nothing of the symbol and no order could make it.
void clerk_funding(struct clerk *c, int64_t now_ns, const struct instant_funding *f);
// Between clerk_market() and clerk_end(), where nothing is imposed.
bool clerk_busy(const struct clerk *c);
// Such an execution is due: give it an instant, with or without bars.
bool clerk_closing(const struct clerk *c);
// When the next entry of the account's calendar begins to hold for one of its symbols; INT64_MAX: none. There it wants a clerk_end().
int64_t clerk_news_next(const struct clerk *c);
// No position and no order that could open one.
bool clerk_flat(const struct clerk *c);

// ---- after a restart: the history again, from the journal

// Between these two nothing is checked, imposed or told: clerk_market() of all instants with the journalled bars, and after each
// the journalled commands of that time, imposed ones among them, in the order of the journal.
void clerk_restore_begin(struct clerk *c);
// From here on orders, fills and marks of the past are told, which were told before but perhaps not kept by whom; until the end.
void clerk_restore_retell(struct clerk *c);
// False: the command does not fit the history (the journal is damaged, or of another bot).
bool clerk_restore_command(struct clerk *c, const struct bot_command *cmd) MUST_CHECK;
// From here on it is live. What works is put before the last check again; the kill switch is looked at.
void clerk_restore_end(struct clerk *c);

// Asserts what must hold between blotter, gate, books and resting orders: for tests, and now and then in a run.
void clerk_check(const struct clerk *c);

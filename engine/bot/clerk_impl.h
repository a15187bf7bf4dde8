// bot/clerk_impl.h – private to bot/clerk*: a clerk's parts and who does what.
//   clerk.c life, an instant, restore → clerk_orders.c what is known of each working order, and commands → clerk_gate.c from a command to
//   the gate's question → clerk_rules.c losses at the stops, clerk_guard.c stops that were lost, clerk_news.c the calendar → clerk_impose.c what the core does
//   itself → clerk_tell.c the observer
#pragma once
#include "bot/blotter_impl.h"
#include "bot/clerk.h"
#include "order/route.h"
#include "risk/risk.h"

#define COMMANDS_MAX 131072              // of one instant: no callback chain of a desk makes as many
#define MARKET_REACH_E8 INT64_C(1000000) // a market order is taken to reach 1 % beyond the last price: whom it might meet

// What a bot had won that is not here now, but will be.
struct clerk_away {
  uint64_t bot_id;
  int64_t equity_e8, balance_e8;
};

// An instrument of an account, one leg of it where bots hedge. On the heap by itself: clerks point to it.
struct clerk_account_symbol {
  struct instrument inst;
  uint64_t venue;
  enum leg leg;
  struct gate_symbol gate;
  struct resting resting;
  int book;                      // its symbol in the sub-ledgers
};

struct clerk_account {
  uint64_t id;
  struct clerk_tenant *tenant;
  struct gate_scope scope;
  struct rule_state rules;       // rules.rules NULL: none
  struct sub_books books;
  struct clerk_account_symbol **symbols;
  struct clerk **clerks;
  int symbol_count, symbol_cap, clerk_count, clerk_cap;
  struct clerk_away *away;
  size_t away_count, away_cap;
  bool held;
  int64_t day;
  int64_t told_e8;               // its equity as the tenant has it
  int128 equity_e8, balance_e8, free_e8;  // Σ over clerks, without the house
};

// What a working entry would lose at its stop, and of which figures.
struct clerk_stop {
  const struct rule_set *rules;
  int64_t lots;
  price px, at;
  int64_t loss_e8;
};

// A stop that the instant has taken from a position, or moved: as it was before.
struct clerk_guard {
  uint64_t id;
  int symbol;               // index of clerk.symbols
  enum side side;           // of the stop
  price level, coming;      // coming: what changes on their way ask for at worst; NO_PRICE: none are
  int64_t lots, coming_lots;
  bool told;                // of its denial
};

// A working order.
struct clerk_order {
  uint64_t id;
  uint64_t intent;          // its name for the last check; 0: not watched
  uint64_t epoch;           // of the kill switch when it was checked
  int64_t watched;          // lots that the last check knows of: the order's quantity as it was told
  int64_t change_lots;      // lots that could still execute when a change arrives that is on its way (latency); 0: none
  int64_t largest_lots;     // that it ever was: to make it smaller is a wish that a venue may not have heard
  int64_t elsewhere_lots;   // lots that a venue may still execute, whatever is wished here; 0 where the market is the matcher's
  struct gate_ticket ticket;
  struct clerk_stop stop;
  price px;                 // at which the ticket is valued
  int symbol;               // index of clerk.symbols
  bool denied;              // lives only until its cancel
  bool committed;           // the market may see it
  bool grows;               // was not proven to reduce
  bool rests;               // is in the account's resting orders
  bool by_engine;
};

struct clerk_symbol {
  struct gate_symbol gate;
  struct clerk_account_symbol *shared;
  struct gate_path path;
  int symbol;                // of the matcher
  enum leg leg;
  uint64_t closing;          // the order by which the core closes the position; 0: none
  size_t resting_count;      // own orders in shared->resting
};

struct clerk {
  struct blotter blotter;
  uint64_t bot_id;
  struct clerk_names {  // whose orders are named by which version: rising
    uint64_t from;      // order
    uint32_t version;
  } *names;
  size_t name_count;
  uint32_t version;     // of orders before all of them
  struct clerk_shared *shared;
  struct clerk_account *account;
  struct clerk_observer observer;
  struct gate_scope scope;
  struct protect *protect;
  struct clerk_symbol *symbols;
  int symbol_count, legs;    // legs per symbol of the matcher: 1, or 2 where it hedges
  struct clerk_order *orders;  // by rising id
  size_t order_count, order_cap;
  size_t uncommitted;        // orders for which clerk_committed() is due
  struct bot_command *waiting;  // to be imposed at clerk_end()
  size_t waiting_count, waiting_cap;
  struct clerk_guard *guards;
  size_t guard_count, guard_cap;
  struct clerk_lost *lost;   // orders that are UNKNOWN
  size_t lost_count, lost_cap;
  struct clerk_faults faults;
  struct clerk_remote *remote;  // NULL: its market is its own
  uint32_t run;
  int slot;                  // in the account's books
  int64_t now_ns, day, live_from_ns;
  int64_t equity_e8, balance_e8, free_e8, funding_e8;
  struct {
    int64_t loss_e8;
    int128 qty_e8;
    bool known;
  } at_stops;                // what rules see of it when another bot asks; not known: something has happened since
  size_t trades_seen;
  // What the checks beside the script remember, for images: the script's process has it, and is not believed (clerk_image.h).
  struct risk_state script;
  bool script_rate;          // the times of its orders, too
  int64_t script_day;        // of the last instant that it saw; INT64_MIN: none
  int64_t market_e8;         // equity after the market's part of an instant in which its day turns
  uint32_t commands;         // in this instant
  bool busy;                 // between clerk_market() and clerk_end()
  bool restoring;
  bool retelling;            // what is restored is told all the same
  bool events;               // the blotter told of something
  bool excess;               // a limit could be passed by what is pending: cancel it
  enum reason cancel_why;    // NONE: nothing asked for
  bool cancel_all;
  enum reason flatten_why;   // NONE: not closing
  bool parting;              // only what its script has asked to close is left to do
  enum reason excess_why;
};

// clerk_orders.c
struct clerk_symbol *clerk_symbol_of(struct clerk *c, int symbol, enum leg leg);
struct client_id clerk_name(const struct clerk *c, uint64_t order);
struct clerk_order *clerk_order_find(struct clerk *c, uint64_t id);
// Lots that it has executed and may yet, changes on their way included.
int64_t clerk_order_total(const struct clerk_order *w, const struct order *o);
// Brings tickets, resting orders and last check up to what the matcher says, and forgets what has ended.
void clerk_orders_sync(struct clerk *c);
// An exit that came to life with its entry: rests, but occupies nothing.
void clerk_orders_child(struct clerk *c, const struct order *o);
void clerk_orders_release(struct clerk *c);
void clerk_orders_bring(struct clerk *c, const struct order *o, const struct clerk_order *was);  // of an image
enum reason clerk_submit(struct clerk *c, const struct bot_command *cmd, bool by_engine, struct clerk_verdict *ret);

// clerk_gate.c
struct gate_order clerk_gate_order(const struct clerk *c, const struct clerk_symbol *s, const struct intent *in, int64_t lots);
bool clerk_gate_check(struct clerk *c, struct clerk_symbol *s, const struct intent *in, const struct gate_order *g, struct refusal *ret_why);
// The id of an order in the account's resting orders, where the ids of several bots meet, and back.
#define CLERK_RESTING_BITS 44
static inline uint64_t clerk_resting_name(const struct clerk *c, uint64_t id) { return (uint64_t)c->slot << CLERK_RESTING_BITS | id; }
bool clerk_gate_grows(const struct clerk_symbol *s, const struct gate_order *g);
// Where a market order might end up: MARKET_REACH_E8 beyond the last price.
price clerk_gate_reach(price last, enum side side);

// clerk_rules.c
void clerk_rules_order(struct clerk *c, const struct clerk_symbol *s, const struct intent *in, struct gate_order *g);
// Would the stop of a filled entry at px (NO_PRICE: none) leave more at risk than the rules allow? False: *ret_why.
bool clerk_rules_stop(struct clerk *c, const struct order *entry, price px, struct refusal *ret_why);

// With what clerk.guards say was lost: is what could be lost now no more than with those stops, or allowed? False: *ret_why.
bool clerk_rules_guarded(struct clerk *c, struct refusal *ret_why);
// At which price the order ends a position, if it is a stop; NO_PRICE: it is none.
price clerk_rules_level(const struct order *o);
void clerk_rules_check(const struct clerk *c);

// clerk_guard.c
struct clerk_guard *clerk_guard_note(struct clerk *c, const struct order *o);  // it may change or end now; NULL: it guards nothing
struct clerk_guard *clerk_guard_noted(struct clerk *c, uint64_t id);  // in this instant; NULL: not
void clerk_guard_ended(struct clerk *c, const struct order *o, enum order_status to, enum reason why);
void clerk_guard_changing(struct clerk *c, const struct order *o, const struct order_change *ch);  // before a script's change of it
void clerk_guard_look(struct clerk *c);  // when the script has had its turn; may impose

// clerk.c
void clerk_paid(struct clerk *c);      // likewise a COMMAND_CASH
void clerk_executed(struct clerk *c);  // a COMMAND_EXECUTE was applied: trades, money, marks
enum status clerk_brought(struct clerk *c, struct err *err) MUST_CHECK;  // an image was read: sums follow

// clerk_impose.c
void clerk_wait(struct clerk *c, const struct bot_command *cmd);        // imposed at clerk_end()
void clerk_impose(struct clerk *c, const struct bot_command *cmd);      // now
void clerk_imposed(struct clerk *c, const struct bot_command *cmd);     // it was done: tells
void clerk_wait_cancel(struct clerk *c, uint64_t id, enum reason why);
void clerk_act(struct clerk *c);                                        // everything that is asked for and may be imposed now
void clerk_tripped(struct clerk *c);
enum clerk_which { WHICH_OPENING, WHICH_NOT_REDUCE, WHICH_NOT_LAST_WORD, WHICH_ALL };
// Together with the others on its side, could it do more than close?
bool clerk_could_open(struct clerk *c, const struct order *o);
// Do the halts in force cancel this working order?
bool clerk_halted(struct clerk *c, const struct order *o);
int clerk_cancel_working(struct clerk *c, enum reason why, enum clerk_which which, int symbol);  // symbol -1: of all. How many

// clerk_news.c
void clerk_news_look(struct clerk *c);

// clerk_route.c
void clerk_route_sent(struct clerk *c, uint64_t id);  // it is journalled and has left
void clerk_route_look(struct clerk *c);               // asks about those that are UNKNOWN; may impose
void clerk_route_restored(struct clerk *c);

// clerk_remote.c, clerk_heard.c
void clerk_remote_close(struct clerk *c);
void clerk_remote_booked(struct clerk *c, const struct bot_command *cmd);  // a COMMAND_FILL of the journal
void clerk_remote_filled(struct clerk *c);                                 // the blotter has booked one
void clerk_remote_durable(struct clerk *c);  // what was imposed so far is in the journal
void clerk_remote_restored(struct clerk *c);
int64_t clerk_remote_pending(const struct clerk *c, uint64_t order);       // lots; 0: nothing of it is there

// clerk_tell.c
void clerk_tell_order(struct clerk *c, int64_t time_ns, const struct order *o, enum order_status from, enum order_status to, enum reason why);
void clerk_tell_fill(struct clerk *c, const struct fill *f);
void clerk_tell_mark(struct clerk *c, int64_t time_ns);
void clerk_tell_denied(struct clerk *c, uint64_t id, const struct refusal *why, const struct instrument *inst);
void clerk_tell_intervened(struct clerk *c, enum reason why, const char *text);

// clerk_account.c
enum status clerk_account_join(struct clerk_account *a, struct clerk *c, cash deposit, struct err *err) MUST_CHECK;
void clerk_account_leave(struct clerk_account *a, struct clerk *c);
enum status clerk_account_symbol_get(struct clerk_account *a, const struct instrument *inst, uint64_t venue, enum leg leg, int64_t leverage_e4,
                                     struct clerk_account_symbol **ret, struct err *err) MUST_CHECK;
// After a restart: the day began and the peak was with what the bot's own history says. Peaks add up to more than the peak of the sum:
// a drawdown is overstated rather than forgotten.
void clerk_account_restored(struct clerk_account *a, const struct clerk *c);
// The clerk's money has changed by these; then, when it is at its new figures: marks, days and rules.
void clerk_account_moved(struct clerk_account *a, int64_t equity_e8, int64_t balance_e8, int64_t free_e8);
void clerk_account_marked(struct clerk_account *a, int64_t now_ns);

// Room for `need` items; asserts on no memory, as the matcher does: orders are bounded.
void clerk_room(void **items, size_t *cap, size_t need, size_t item_size);

// ea/message.h – what a terminal and the engine say to each other, as JSON: read strictly (an unknown member, a missing one, a number that is
// none or a list that is too long is an error with a JSON pointer), written by hand. Decimals are text, times are ms UTC. Pure.
//
// Volumes are the terminal's lots here; who makes base units of them is ea/bridge.h.
#pragma once
#include "base/json.h"
#include "venue/venue.h"

#define EA_NAME_MAX 64      // of a login's server, NUL included
#define EA_ID_MAX 40        // of a command, likewise
#define EA_TICKET_MAX 24
#define EA_SYMBOLS_MAX 500
#define EA_ORDERS_MAX 1000  // likewise positions; a report with more is refused
#define EA_DEALS_MAX 500
#define EA_RESULTS_MAX 100
#define EA_TICKS_MAX 500
#define EA_ASK_MAX 16
#define EA_WAIT_MAX_MS 2000
#define EA_BAR_LISTS_MAX 32 // of a report, and asked for in an answer
#define EA_BARS_MAX 500     // in all of them together

struct ea_symbol {
  char symbol[VENUE_SYMBOL_MAX], base[VENUE_ASSET_MAX], profit[VENUE_ASSET_MAX];  // profit: the currency that a price is in
  struct decimal tick, contract;                                                // contract: base units of one lot
  struct decimal volume_min, volume_max, volume_step;
  bool trading;
};
struct ea_hello {
  int64_t protocol;
  char platform[8], version[24], login[EA_TICKET_MAX], server[EA_NAME_MAX], currency[VENUE_ASSET_MAX];
  bool hedging;  // positions of both sides side by side; else netted
  bool real;     // money
  struct ea_symbol *symbols;
  size_t symbol_count;
};

struct ea_account {
  struct decimal balance, equity, margin, free;
  bool trading;  // experts may trade, and the broker lets the account
};
// What the terminal did with a command.
enum ea_said { EA_SAID_DONE, EA_SAID_REFUSED, EA_SAID_MISSED, EA_SAID_UNSURE };
struct ea_result {
  char id[EA_ID_MAX], ticket[EA_TICKET_MAX], text[VENUE_TEXT_MAX];
  enum ea_said said;
  enum venue_why why;  // REFUSED
  int64_t code;        // the terminal's own; 0: none
};
enum ea_order_state { EA_ORDER_OPEN, EA_ORDER_FILLED, EA_ORDER_CANCELED, EA_ORDER_EXPIRED, EA_ORDER_REJECTED,
  EA_ORDER_ABSENT, EA_ORDER_UNSURE };  // these two only of what was asked: there is none, and none was ever sent; nobody can say yet
struct ea_order {
  char ticket[EA_TICKET_MAX], client[CLIENT_ID_SIZE], symbol[VENUE_SYMBOL_MAX];
  enum ea_order_state state;
  enum side side;
  struct decimal volume, filled, price, trigger;
  int64_t time_ms;
};
struct ea_position {
  char ticket[EA_TICKET_MAX], symbol[VENUE_SYMBOL_MAX];
  enum side side;
  struct decimal volume, price, profit;
};
struct ea_deal {
  char ticket[EA_TICKET_MAX], order[EA_TICKET_MAX], client[CLIENT_ID_SIZE], symbol[VENUE_SYMBOL_MAX];
  enum side side;
  struct decimal volume, price, fee;  // fee: commission and swap that were paid
  bool stop_out;
  int64_t time_ms;
};
struct ea_tick {
  char symbol[VENUE_SYMBOL_MAX];
  struct decimal bid, ask;
  int64_t time_ms;
};
// Finished bars of a symbol, by the terminal's own chart.
struct ea_bar {
  int64_t time_ms;     // opens
  struct decimal open, high, low, close;
  int64_t volume;      // ticks
};
struct ea_bars {
  char symbol[VENUE_SYMBOL_MAX];
  int64_t minutes;     // of each: 1 or 60
  int64_t from_ms;     // as was asked:
  int64_t through_ms;  // all that open from then on and before this are in it, and none of them will change
  size_t first, count; // in ea_report.bar_rows
};
struct ea_report {
  uint64_t turn;       // of the last answer that was read before any of it was collected
  int64_t since_ms;    // deals and ended orders from then on are in it,
  bool more;           // but for some at the end
  int64_t wait_ms;     // so long it lets us look for a command before we answer
  struct ea_account account;
  struct ea_order *orders;
  struct ea_position *positions;
  struct ea_deal *deals;
  struct ea_result *results;
  struct ea_order *told;
  struct ea_tick *ticks;
  struct ea_bars *bars;
  struct ea_bar *bar_rows;
  size_t order_count, position_count, deal_count, result_count, told_count, tick_count, bar_count;
};

// ERR_INVALID: "/symbols/3/tick: …"; ERR_NOMEM. Nothing is left of it on failure.
enum status ea_hello_read(const char *text, size_t len, struct ea_hello *ret, struct err *err) MUST_CHECK;
void ea_hello_finish(struct ea_hello *h);
enum status ea_report_read(const char *text, size_t len, struct ea_report *ret, struct err *err) MUST_CHECK;
void ea_report_finish(struct ea_report *r);

// ---- commands
struct ea_command {
  char id[EA_ID_MAX];
  bool cancel;                       // else an order
  char client[CLIENT_ID_SIZE], ticket[EA_TICKET_MAX], symbol[VENUE_SYMBOL_MAX];  // ticket "": not known
  int32_t magic;
  enum side side;
  enum order_type type;
  bool reduce;
  struct decimal volume, price, trigger;
};
// lease_ms: from when the terminal asked. New reference; NULL: no memory.
json_t *ea_command_json(const struct ea_command *c, int64_t lease_ms);

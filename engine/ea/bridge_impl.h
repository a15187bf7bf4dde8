// ea/bridge_impl.h – private to ea/bridge*.c.
//
//     bridge.c         hello, reports, what is new in them; time
//     bridge_venue.c   sessions: struct venue_ops; commands and questions as they are asked
//     bridge_units.c   lots and base units
//     bridge_deals.c   deals that were heard, each once, and how far back the list is whole
#pragma once
#include "ea/bridge.h"

#define EA_MS INT64_C(1000000)
#define EA_QUEUE_NS (10000 * EA_MS)     // a command that nobody fetched by then never goes out
#define EA_REMEMBER_NS (600000 * EA_MS) // a command that is over
#define EA_QUESTION_NS (20000 * EA_MS)

struct ea_session {
  struct ea_session *next;
  struct ea_bridge *bridge;
  const struct venue_events *events;
  void *self;
  struct ea_session_wish wish;
  enum venue_state state;
  uint64_t turn;                 // a report of this turn or later brings it up
  char why[VENUE_TEXT_MAX];
  bool dead;
};

struct ea_work {                 // a command
  struct ea_work *next;
  struct ea_command command;
  enum ea_lease_state state;
  struct ea_session *session;    // NULL: gone
  venue_reply_fn done;           // NULL: told already
  void *arg;
  int64_t asked_ns, expiry_ns;   // by now_ns
  int64_t due_ns, over_ns;       // monotonic: what follows if nothing happens; since when it is over
};

enum ea_ask { EA_ASK_ORDER, EA_ASK_OPEN, EA_ASK_FILLS, EA_ASK_POSITIONS, EA_ASK_BALANCES };
struct ea_question {
  struct ea_question *next;
  struct ea_session *session;
  enum ea_ask ask;
  uint64_t turn;                 // reports from this on know of it
  char client[CLIENT_ID_SIZE], symbol[VENUE_SYMBOL_MAX];  // symbol "": all
  int64_t since_ms, asked_ns, due_ns;
  union {
    venue_orders_fn orders;
    venue_fills_fn fills;
    venue_positions_fn positions;
    venue_balances_fn balances;
  } fn;
  void *arg;
};

struct ea_verdict {              // a reply that is told from the loop
  struct ea_verdict *next;
  struct ea_session *session;
  venue_reply_fn reply_fn;
  venue_orders_fn orders_fn;
  venue_key_fn key_fn;
  void *arg;
  struct venue_reply reply;
};

struct ea_known {                // of an order, as it was told last
  char ticket[EA_TICKET_MAX];
  enum ea_order_state state;
  struct decimal filled;
  uint64_t report;
};

#define EA_DEALS_KEPT 16384
struct ea_deals {
  struct ea_deal *list;          // EA_DEALS_KEPT of them, a ring
  uint32_t *index;               // by ticket: 1 + place
  size_t count, first;
  int64_t from_ms, newest_ms;    // whole from then on (INT64_MAX: not at all); the newest one's time
  int64_t chain_ms, chain_next_ms;  // where a list that was cut began (INT64_MAX: none is), and goes on
};

struct ea_arrived {
  struct ea_arrived *next;
  struct ea_report report;
};

struct ea_bridge {
  struct ea_bridge_options o;
  struct loop_timer *timer;
  int64_t wall_ns, mono_ns;      // at its making
  struct ea_hello hello;
  bool greeted, up, trading, real_allowed;
  char currency[VENUE_ASSET_MAX];
  uint64_t turn, reports_seen;
  int64_t heard_mono_ns, heard_wall_ns;
  struct ea_account account;
  struct ea_session *sessions;
  struct ea_work *works;
  struct ea_question *questions;
  struct ea_verdict *verdicts, **last_verdict;
  struct ea_arrived *arrived, **last_arrived;
  struct ea_known *known;
  size_t known_count, known_cap;
  struct ea_position *positions; // of the last report
  size_t position_count;
  struct ea_tick ticks[EA_TICKS_MAX];
  size_t tick_count;
  struct ea_deals deals;
  struct ea_prices prices;       // without functions: nobody
  int inside;                    // telling owners: nothing is freed
  bool waiting_told;
  json_t *asked;                 // bars, with the last answer; NULL: there was none
  struct ea_view counts;
};

// bridge.c
int64_t ea_mono_ns(const struct ea_bridge *b);
int64_t ea_now_ns(const struct ea_bridge *b);
void ea_soon(struct ea_bridge *b);
void ea_work_move(struct ea_bridge *b, struct ea_work *w, enum ea_lease_event ev, const struct ea_result *r);
void ea_log(const struct ea_bridge *b, const char *event, const char *text);

// bridge_units.c
bool ea_times(struct decimal a, struct decimal b, struct decimal *ret);  // false: it does not fit
const struct ea_symbol *ea_symbol_of(const struct ea_bridge *b, const char *symbol);
// False: no exact number.
bool ea_units(const struct ea_symbol *s, struct decimal volume, struct decimal *ret);
bool ea_volume(const struct ea_symbol *s, struct decimal units, struct decimal *ret);  // false: no whole number of steps
bool ea_on_grid(struct decimal value, struct decimal step, int64_t *ret_count);
void ea_fill_of(const struct ea_bridge *b, const struct ea_deal *d, struct venue_fill *ret);
void ea_order_of(const struct ea_bridge *b, const struct ea_order *o, struct venue_order *ret);

// bridge_venue.c
void ea_session_event(struct ea_session *s, int event, const char *why);  // enum remote_event
void ea_sessions_heard(struct ea_bridge *b, uint64_t turn);
void ea_sessions_lost(struct ea_bridge *b);
void ea_verdict_reply(struct ea_bridge *b, struct ea_session *s, venue_reply_fn fn, void *arg, const struct venue_reply *reply);
void ea_verdicts_tell(struct ea_bridge *b);
// Those that the report answers; expired ones as well (report NULL: only those).
void ea_questions_answer(struct ea_bridge *b, const struct ea_report *r);

// bridge_deals.c
enum status ea_deals_init(struct ea_deals *d, struct err *err) MUST_CHECK;
void ea_deals_finish(struct ea_deals *d);
// A report's deals, which are whole from since_ms on up to the last of them (more) or to now. fresh is called with each that is new.
void ea_deals_heard(struct ea_deals *d, const struct ea_deal *list, size_t count, int64_t since_ms, bool more, void (*fresh)(void *arg, const struct ea_deal *deal), void *arg);
// What the next report is to begin with, so that the list is whole from wanted_ms on (INT64_MAX: nobody wants more); first_ms: of the very first.
int64_t ea_deals_next_ms(const struct ea_deals *d, int64_t wanted_ms, int64_t first_ms);
const struct ea_deal *ea_deals_get(const struct ea_deals *d, size_t i);  // oldest heard first

// venue/cards_impl.h – private to cards*.c: a run of cards, and what they have in common. A card is told top down: it asks, turns the loop
// until the answer is there or the time is over, and looks.
#pragma once
#include "base/json.h"
#include "loop/loop.h"
#include "net/http_pool.h"
#include "script/dialect.h"
#include "venue/cards.h"

#define CARD_HEAR_MS 5000   // for what a stream must tell
#define CARD_LIVE_MS 40000  // for a session to be ready

// What a card needs, bits; cards.c has the words.
enum card_need {
  NEED_ADMIN = 1, NEED_AMEND = 2, NEED_POSITIONS = 4, NEED_LEVERAGE = 8, NEED_STOPS = 16, NEED_REDUCE = 32, NEED_POST = 64, NEED_CANCEL_ALL = 128,
  NEED_ID = 256, NEED_OPEN = 512, NEED_FILLS = 1024, NEED_MARKET = 2048, NEED_CLOCK = 4096, NEED_KEY = 8192, NEED_HISTORY = 16384,
  NEED_HEDGE = 32768, NEED_SECRET = 65536, NEED_ATTACHED = 131072,
};

// The cards by number. X(function, name, what it proves, needs)
#define CARD_LIST(X)                                                                                                                              \
  X(connect, "connect", "clock, key and streams, then reconciling, then ready", 0)                                                                  \
  X(market, "market", "the instrument's increments and candles that make sense", NEED_HISTORY)                                                      \
  X(wrong_secret, "wrong secret", "wrong credentials are refused and not tried for ever", NEED_SECRET)                                                        \
  X(market_order, "market order", "a market order is taken and its executions come by the stream", NEED_MARKET | NEED_ID)                           \
  X(limit_order, "limit order", "it rests, is found by client id and among the open orders, and is cancelled", NEED_ID | NEED_OPEN)                 \
  X(reject, "reject", "a quantity or a price that is none and missing funds are refused, definitely", NEED_ID)                                      \
  X(duplicate, "duplicate", "a client id that is taken makes no second order", NEED_ID | NEED_OPEN)                                                 \
  X(amend, "amend", "quantity and price of a resting order change", NEED_AMEND | NEED_ID)                                                           \
  X(partial, "partial", "filled in part, then cancelled by the venue: told so, to the lot", NEED_ADMIN | NEED_ID)                                   \
  X(cancel_race, "cancel race", "a cancel that comes after the fill is refused, and the fill counts", NEED_ADMIN | NEED_ID)                         \
  X(post_only, "post only", "an order that would take is not executed", NEED_POST | NEED_ID)                                                        \
  X(reduce_only, "reduce only", "it opens nothing and turns nothing round", NEED_REDUCE | NEED_POSITIONS | NEED_MARKET)                             \
  X(stop_order, "stop order", "it waits for its price, is found and cancelled", NEED_STOPS | NEED_ID)                                               \
  X(executions, "executions", "the list of executions and the stream's are the same, none twice", NEED_FILLS)                                       \
  X(balances, "balances", "amounts of the account by currency", 0)                                                                                  \
  X(positions, "positions", "a position is there, of the right size, and gone when closed", NEED_POSITIONS)                                         \
  X(leverage, "leverage", "it is set; what is so already is no error", NEED_LEVERAGE)                                                               \
  X(cancel_all, "cancel all", "all orders of the symbol are cancelled at once", NEED_CANCEL_ALL | NEED_OPEN)                                        \
  X(lost_after, "lost answer", "answer lost after the effect: unknown, then found by client id, exactly one order", NEED_ADMIN | NEED_ID | NEED_OPEN) \
  X(lost_before, "lost request", "lost before the effect: unknown, then proven absent", NEED_ADMIN | NEED_ID | NEED_OPEN | NEED_FILLS)              \
  X(found_late, "found late", "not found at first, then found: absence is not believed too early", NEED_ADMIN | NEED_ID | NEED_OPEN | NEED_FILLS)   \
  X(reconnect, "reconnect", "streams are cut: reconciling, ready again, and the fill meanwhile is not missed", NEED_ADMIN | NEED_FILLS | NEED_ID)   \
  X(throttled, "throttled", "refused for the rate: not executed, and said so", NEED_ADMIN | NEED_ID)                                                \
  X(clock, "clock", "a clock outside the window is mended by synchronising; questions are asked again", NEED_ADMIN | NEED_CLOCK)                     \
  X(frames, "frames", "frames that come twice or in another order change no sum", NEED_ADMIN | NEED_ID | NEED_FILLS)                                \
  X(restart, "restart", "a new session finds the open orders", NEED_OPEN | NEED_ID)                                                                 \
  X(funding, "funding", "funding is told as such", NEED_ADMIN | NEED_POSITIONS | NEED_FILLS)                                                        \
  X(liquidation, "liquidation", "a liquidation is told as such and the position is gone", NEED_ADMIN | NEED_POSITIONS | NEED_FILLS)                 \
  X(half_answers, "half answers", "half a reply, 5xx and internal errors are unknown, never refused", NEED_ADMIN | NEED_ID)                         \
  X(trigger, "trigger", "a stop order is executed when its price comes", NEED_ADMIN | NEED_STOPS | NEED_MARKET | NEED_ID)                           \
  X(ioc, "immediate", "an IOC or FOK order that cannot be filled ends without an execution", NEED_ID)                                               \
  X(rights, "rights", "a key that may withdraw is not used", NEED_ADMIN | NEED_KEY)                                                                 \
  X(resting, "resting partial", "a resting order that is filled in part goes on working, and is cancelled with what it has", NEED_ADMIN | NEED_ID | NEED_FILLS) \
  X(hedge, "hedge", "both legs of a symbol are held at once, and closed one by one", NEED_HEDGE | NEED_POSITIONS | NEED_MARKET | NEED_REDUCE)                                          \
  X(late_stop, "late stop", "a stop that the price has passed already is refused, executed, or told to wait for the other way", NEED_STOPS | NEED_ID)                                     \
  X(attached, "attached", "a limit order's take profit and stop loss wait for what it filled; with one of them the other is gone", NEED_ATTACHED | NEED_OPEN)

struct cards;
struct card {
  const char *name, *proves;
  unsigned needs;
  bool (*run)(struct cards *c);  // false after cards_no; true: passed, cards_remark for a word on it
};
#define X(function, name, proves, needs) bool card_##function(struct cards *c);
CARD_LIST(X)
#undef X

struct cards {
  const struct cards_options *o;
  struct loop_timer *timer;       // wakes the loop, so that time-outs are seen
  struct venue venue;
  bool connected;                 // venue is one
  bool hold;                      // in RECONCILING the card itself says when it is over
  bool hedge_wanted;              // of the question under way
  bool admin;                     // the exchange has /admin
  bool dirty;                     // orders were placed since it was last tidied
  bool stopped;                   // options->stop said so, or a question was never answered
  unsigned states;                // bits of enum venue_state that were heard of
  struct venue_instrument inst;   // symbol "": not yet known
  struct decimal px;              // the last price known
  int64_t lots;                   // the least order, in lots
  int64_t spot_lots;              // bought and not yet sold, where there are no positions
  int card, named;                // the card's number; names given so far
  int64_t run_ms;                 // begin of the run, part of names
  char text[CARD_TEXT_MAX];
  // the answer to the last question; one at a time
  bool answered;
  struct venue_reply reply;
  struct venue_order *orders;
  struct venue_fill *fills;
  struct venue_position *positions;
  struct venue_balance *balances;
  struct venue_kline *klines;
  size_t count;
  // of the exchange's /admin
  bool admin_answered;
  int admin_status;
  json_t *admin_body;
  // heard on the stream
  struct venue_fill *heard;
  size_t heard_count, heard_cap;
  struct venue_order *told;
  size_t told_count, told_cap;
  int heard_positions;
};

// The card has failed; false.
bool cards_no(struct cards *c, const char *fmt, ...) PRINTF(2, 3);
// A word on a card that passes; true.
bool cards_remark(struct cards *c, const char *fmt, ...) PRINTF(2, 3);

const struct dialect_info *cards_info(const struct cards_options *o);

// ---- waiting
// Turns the loop until *flag, or until ms have passed. Whether it is set.
bool cards_wait(struct cards *c, const bool *flag, int64_t ms);
bool cards_wait_state(struct cards *c, enum venue_state state, int64_t ms);
void cards_pause(struct cards *c, int64_t ms);

// ---- the session
bool cards_connect(struct cards *c);     // a new one, up to READY (RECONCILING with hold)
void cards_disconnect(struct cards *c);
bool cards_market(struct cards *c);      // instrument, price, least quantity

// ---- sizes
struct decimal cards_qty(const struct cards *c, int64_t lots);
bool cards_lots(const struct cards *c, struct decimal qty, int64_t *ret);  // false: no whole number of them
struct decimal cards_at(const struct cards *c, int bp);  // the price, so many basis points off, on the grid of ticks

// ---- questions. Each waits for the answer, which is c->reply; lists are c's until the next question.
struct venue_place cards_order(struct cards *c, enum side side, enum order_type type, int64_t lots, struct decimal limit);  // with a name of its own
enum venue_outcome cards_place(struct cards *c, const struct venue_place *p);
void cards_place_begin(struct cards *c, const struct venue_place *p);  // does not wait
enum venue_outcome cards_cancel(struct cards *c, const struct venue_ref *ref);
void cards_cancel_begin(struct cards *c, const struct venue_ref *ref);
bool cards_answer(struct cards *c);  // waits for what was begun
const char *cards_said(const struct cards *c);  // the reply in words
enum cards_found { CARDS_FOUND, CARDS_ABSENT, CARDS_SILENT };
enum cards_found cards_find(struct cards *c, const char *client_id, struct venue_order *ret);
int cards_open_count(struct cards *c, const char *client_id);  // in the list of open orders; NULL: all of the symbol; -1: no answer
bool cards_fills(struct cards *c, int64_t since_ns);
bool cards_held(struct cards *c, int64_t *ret_lots);            // the position; of spot what the cards bought
bool cards_ask(struct cards *c, void (*ask)(struct cards *c));  // any other: ask begins it with cards_on_…
void cards_on_reply(void *arg, const struct venue_reply *r);
void cards_ask_balances(struct cards *c);
void cards_on_klines(void *arg, const struct venue_reply *r, const struct venue_kline *list, size_t count);

// ---- what cards do often; false after cards_no
bool cards_rest(struct cards *c, struct venue_place *ret);                 // a limit order that rests, and is found
bool cards_take(struct cards *c, enum side side, int64_t lots, struct venue_place *ret);  // an order that is filled, by its executions
void cards_bought(struct cards *c, const struct venue_fill *list, size_t count, const char *client_id);  // spot: its coins are there to be sold
int cards_guards(struct cards *c);                                         // exits that the venue made and that wait; -1: no answer
bool cards_gone(struct cards *c, const char *client_id);                   // cancelled, and told so
bool cards_tidy(struct cards *c);                                          // no orders, no position, no faults
bool cards_told(struct cards *c, const char *client_id, enum venue_order_state state);  // by the stream, within CARD_HEAR_MS; false after cards_no
int64_t cards_heard_lots(const struct cards *c, const char *client_id);    // filled by the stream, each execution once; -1: nonsense

// ---- the exchange behind /admin
bool cards_admin(struct cards *c, const char *path, json_t *body);         // body is taken; NULL asks. The answer: c->admin_body
bool cards_fault(struct cards *c, const char *spec);                       // instead of all others; "" none
bool cards_price(struct cards *c, struct decimal px);
int cards_ledger_orders(struct cards *c, const char *client_id);           // that truly exist; -1: no answer
int cards_ledger_sent(struct cards *c, const char *client_id);             // requests for it that arrived; -1: no answer

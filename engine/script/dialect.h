// script/dialect.h – speaks to a venue in its own words: runs a dialect, an operator's Lua file of pure functions.
//
// A dialect (lua/venues/*.lua; how one is written: lua/venues/README.md) knows how a venue is asked, what its answers and frames
// mean, and which of its errors leave an order in doubt. It touches nothing: no time, no network, no secret. What connects,
// waits, counts and remembers is venue/remote's.
//
// Values go in and out as JSON with one convention: an amount, a price, a rate is a decimal text ("0.001"), never a JSON real;
// whole numbers are times in ms, counts and sequence numbers within ±2^53. What a dialect returns is checked against the unified
// shapes (dialect_check.c) before anybody sees it: an enum text nobody knows or a number that is none is an error, not a guess.
//
// One thread at a time. A call that is killed or runs out of memory costs that call; the next one begins with a fresh state.
#pragma once
#include "base/buf.h"
#include "base/json.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct watchdog;
struct dialect;

#define DIALECT_NAME_MAX 32
#define DIALECT_URL_MAX 160
#define DIALECT_WHY_MAX 24
#define DIALECT_CODE_MAX 48
#define DIALECT_TEXT_MAX 160
#define DIALECT_ENVIRONMENTS_MAX 4
#define DIALECT_CATEGORIES_MAX 4
#define DIALECT_BUDGETS_MAX 16
#define DIALECT_CREDENTIALS_MAX 4
#define DIALECT_BODY_MAX (4 * 1024 * 1024)   // bytes of an answer
#define DIALECT_FRAME_MAX (1024 * 1024)      // bytes of a frame

// ---- operations

// What a dialect may be asked for. X(ID, text, trade): trade: changes orders, so its outcome may be unknown, and it is sent once.
// The arguments are an object; every symbol is the venue's own ("BTCUSDT"). What a venue does not have, its dialect leaves out.
//
//   create_order       client_id symbol side kind("market" "limit" "stop" "stop_limit") tif("gtc" "ioc" "fok") qty | quote_qty
//                      limit trigger trigger_rises trigger_by("last" "mark" "index") post reduce close leg("net" "long" "short")
//                      stop_loss take_profit (trigger prices) stop_loss_limit take_profit_limit ttl_ms (else expiry_ms)
//   amend_order        symbol id | client_id, qty limit trigger stop_loss take_profit: what is given changes
//   cancel_order       symbol id | client_id stops (true: a conditional order, where a venue keeps those apart)
//   cancel_all         symbol (none: all) stops
//   fetch_order        symbol id | client_id cursor → a list of none or one order, open or ended
//   open_orders        symbol cursor limit stops → orders
//   all_orders         symbol status since_ms limit cursor → ended orders, newest first or as the venue has them
//   fills              symbol since_ms until_ms order_id client_id kind("trade": no funding) limit cursor → fills
//   balance            asset account("fund") → balances        positions  symbol | symbols cursor → positions
//   set_leverage       symbol leverage   set_margin_mode  mode("cross" "isolated") symbol   set_position_mode  hedge symbol
//   ticker, tickers    symbol            klines  symbol timeframe("1m" … "1h" … "1d" "1w") since_ms until_ms limit
//   orderbook          symbol limit      public_trades  symbol limit
//   instruments        symbol cursor     server_time  → {time_ms}
//   funding            symbol since_ms limit → {symbol rate time_ms}     leverage_tiers  symbol
//   fee                symbol → {symbol maker taker}     closed_pnl  symbol since_ms limit     key_info → {read trade withdraw ip_bound expires_ms}
//   accounts           → {id asset}
#define DIALECT_OP_LIST(X)                                                                                            \
  X(CREATE_ORDER, "create_order", true) X(AMEND_ORDER, "amend_order", true) X(CANCEL_ORDER, "cancel_order", true)      \
  X(CANCEL_ALL, "cancel_all", true) X(FETCH_ORDER, "fetch_order", false) X(OPEN_ORDERS, "open_orders", false)          \
  X(ALL_ORDERS, "all_orders", false) X(FILLS, "fills", false) X(BALANCE, "balance", false)                             \
  X(POSITIONS, "positions", false) X(SET_LEVERAGE, "set_leverage", false)                                              \
  X(SET_MARGIN_MODE, "set_margin_mode", false) X(SET_POSITION_MODE, "set_position_mode", false)                        \
  X(TICKER, "ticker", false) X(TICKERS, "tickers", false) X(KLINES, "klines", false)                                   \
  X(ORDERBOOK, "orderbook", false) X(PUBLIC_TRADES, "public_trades", false) X(INSTRUMENTS, "instruments", false)       \
  X(SERVER_TIME, "server_time", false) X(FUNDING, "funding", false) X(LEVERAGE_TIERS, "leverage_tiers", false)         \
  X(FEE, "fee", false) X(CLOSED_PNL, "closed_pnl", false) X(KEY_INFO, "key_info", false) X(ACCOUNTS, "accounts", false)
enum dialect_op {
#define X(id, text, trade) DIALECT_##id,
  DIALECT_OP_LIST(X)
#undef X
  DIALECT_OP_COUNT
};
const char *dialect_op_text(enum dialect_op op);
bool dialect_op_parse(const char *text, enum dialect_op *ret);
bool dialect_op_trades(enum dialect_op op);

// ---- the header

enum dialect_clock { DIALECT_CLOCK_NONE, DIALECT_CLOCK_OP, DIALECT_CLOCK_DATE };  // the op server_time; the HTTP Date header
enum dialect_by { DIALECT_BY_KEY, DIALECT_BY_IP };
struct dialect_budget {   // at most count requests in per_ms
  char name[DIALECT_NAME_MAX];  // "all": counts every request
  int64_t per_ms;
  int count;
  enum dialect_by by;
};
struct dialect_environment {
  char name[DIALECT_NAME_MAX];          // "live", "testnet", "demo"
  char rest[DIALECT_URL_MAX];           // scheme and host, no path: "https://api.bybit.com"
  char private_ws[DIALECT_URL_MAX];     // "": none
  struct {
    char category[DIALECT_NAME_MAX], url[DIALECT_URL_MAX];
  } public_ws[DIALECT_CATEGORIES_MAX];
  int public_count;
};
struct dialect_caps {     // capabilities
  bool amend, positions, leverage, stops, reduce_only, post_only, hedge, cancel_all;
  bool market_by_quote;   // a market buy is by what to spend (quote_qty) only
  bool attached;          // a limit order may bear take_profit and stop_loss, by which the venue guards what is filled
  bool fill_ids;          // fills of the private stream have the ids that the op fills gives; else its orders and fills are hints to ask
};
struct dialect_info {
  char name[DIALECT_NAME_MAX], about[1024];
  struct dialect_environment environments[DIALECT_ENVIRONMENTS_MAX];  // the first is live
  int environment_count;
  char categories[DIALECT_CATEGORIES_MAX][DIALECT_NAME_MAX];  // kinds of markets a session is for; the first is the default
  int category_count;
  char credentials[DIALECT_CREDENTIALS_MAX][DIALECT_NAME_MAX];  // "key", "secret", "passphrase"
  int credential_count;
  int64_t expiry_ms;      // from its time stamp on a request is good for this long; 0: for ever
  int64_t ping_ms;        // a quiet stream is pinged this often; 0: never
  int client_id_max;      // letters and digits of a client order id
  enum dialect_clock clock;
  struct dialect_caps caps[DIALECT_CATEGORIES_MAX];  // of each category
  bool by_id, by_open, by_fills;  // an order can be asked about by: client id; the list of open orders; fills
  uint32_t ops;           // bit of each op it knows
  struct dialect_budget budgets[DIALECT_BUDGETS_MAX];
  int budget_count;
  // Fields of answers, in lower case, that tell of the request's budget: how many are left, when it is new again (ms UTC), how many
  // seconds to wait after a refusal (beside Retry-After). "": none.
  struct { char left[DIALECT_CODE_MAX], reset[DIALECT_CODE_MAX], after[DIALECT_CODE_MAX]; } rate;
  int error_count;        // codes its table of errors explains
  char sha256[65];
};

// Evaluates a source and keeps its state for calls. chunkname: for messages ("bybit.lua"). watchdog may be NULL: an instruction
// budget bounds each call in any case. ERR_SCRIPT, ERR_BUDGET with file:line:column; ERR_LIMIT: longer than a script may be.
enum status dialect_create(const char *chunkname, const char *source, size_t len, struct watchdog *watchdog,
  struct dialect **ret, struct err *err) MUST_CHECK;
void dialect_destroy(struct dialect *d);
const struct dialect_info *dialect_info(const struct dialect *d);
// What can be done in a category; NULL, or none of the dialect's: the first.
const struct dialect_caps *dialect_can(const struct dialect_info *info, const char *category);
// What its header lacks for orders to go by it, each with the reason, in words; the environment's, NULL: all of them. False: nothing, ret is "".
#define DIALECT_LACKS_MAX 1024
bool dialect_lacks(const struct dialect_info *info, const char *environment, const char *category, char *ret, size_t size);
json_t *dialect_info_json(const struct dialect_info *info);  // new reference; NULL: no memory

// ---- asking

// Credentials, borrowed during a call. A dialect can name key and compute with the others, never read them.
struct dialect_secret {
  const char *key, *secret, *passphrase;  // NULL: not given
};
struct dialect_env {
  const char *environment;  // NULL: live
  const char *category;     // NULL: the first
  int64_t now_ms;           // the venue's clock
  // Instead of what the header says, such as the address of a simulated exchange; NULL: the header's
  const char *rest, *private_ws, *public_ws;
};

struct dialect_header {
  char *name, *value;  // value: may hold a placeholder (dialect_reveal)
};
#define DIALECT_HEADERS_MAX 12
struct dialect_request {
  char method[8];
  bool auth;             // dialect_sign before it is sent
  bool safe;             // a read; may be repeated
  char budget[DIALECT_NAME_MAX];  // "": counts in "all" only
  char *rest;            // "https://api.bybit.com"
  char *path;            // "/v5/order/create"
  char *query;           // encoded, without '?'; "" for none
  char *body;            // NULL: none
  size_t body_len;
  struct dialect_header headers[DIALECT_HEADERS_MAX];
  int header_count;
};
// Fills *ret, to be finished in any case; ERR_NOTFOUND: the dialect does not know the operation, or not with these arguments.
enum status dialect_request(struct dialect *d, enum dialect_op op, const json_t *args, const struct dialect_env *env,
  struct dialect_request *ret, struct err *err) MUST_CHECK;
// Adds what authenticates the request: headers, perhaps more query. Once, right before it is sent, for it takes env's time.
enum status dialect_sign(struct dialect *d, struct dialect_request *r, const struct dialect_secret *secret,
  const struct dialect_env *env, struct err *err) MUST_CHECK;
void dialect_request_finish(struct dialect_request *r);

// Appends text (a header's value, a login frame) to out with secrets in place of placeholders, which stand for "Basic"
// credentials or a secret and are the only form in which a dialect holds them. json: inside a JSON text. Wipe out after use:
// make it with buf_init_secret.
void dialect_reveal(const char *text, size_t len, bool json, const struct dialect_secret *secret, struct buf *out);

// ---- answers

// What an answer says about the request. RETRY: not executed, may be asked anew (after the clock was synchronised, later);
// UNKNOWN: may have been executed; DONE: the order has ended before.
#define DIALECT_ACTION_LIST(X)                                                                                  \
  X(OK, "ok") X(FATAL, "fatal") X(RETRY, "retry") X(THROTTLE, "throttle") X(UNKNOWN, "unknown")                  \
  X(NOT_FOUND, "not_found") X(DONE, "done")
enum dialect_action {
#define X(id, text) DIALECT_IS_##id,
  DIALECT_ACTION_LIST(X)
#undef X
  DIALECT_ACTION_COUNT
};
const char *dialect_action_text(enum dialect_action a);

// Texts of "why", those of enum venue_why (venue/venue.h).
bool dialect_why_known(const char *text);

struct dialect_answer {
  enum dialect_action action;
  char why[DIALECT_WHY_MAX];    // "none"; of an OK "unchanged" where nothing had to change
  char code[DIALECT_CODE_MAX];  // the venue's, "" for none
  char text[DIALECT_TEXT_MAX];  // the venue's words, cut and escaped, for logs
  json_t *data;                 // OK: unified, a list or an object as the op says; NULL of an OK that is "unchanged"; owned
  json_t *next;                 // cursor of the next page, to be given as args.cursor; NULL: that was all; owned
};
// status: HTTP's; body: as received. *ret is always filled and to be finished: what nobody understands is UNKNOWN when op trades,
// or else FATAL "request". Rules that hold whatever the dialect says: 5xx of an op that trades is UNKNOWN; so is a code that
// its table of errors does not have. An err is for logs only: a status other than OK means the dialect itself failed.
enum status dialect_response(struct dialect *d, enum dialect_op op, int status, const char *body, size_t len, const json_t *args,
  struct dialect_answer *ret, struct err *err) MUST_CHECK;
void dialect_answer_finish(struct dialect_answer *a);

// ---- streams

// kind "private": args {topics=["orders","fills","positions","balance"]}, none: all it has. kind "public": args
// {topics=[{type="klines"|"ticker"|"trades"|"book", symbol=, timeframe=, depth=}]}.
// Gives a list of connections: {url, login?, login_acked, subscribe=[text…], ping?}. login: text to send first, with placeholders
// (dialect_reveal with json), whose acceptance is an event "login" when login_acked; subscribe: texts to send then, in order;
// ping: text to send every ping_ms (none: a WebSocket ping frame). New reference.
enum status dialect_streams(struct dialect *d, const char *kind, const json_t *args, const struct dialect_secret *secret,
  const struct dialect_env *env, json_t **ret, struct err *err) MUST_CHECK;

// A frame as a list of unified events (new reference), {type=…} with
//   order fill position balance kline ticker trade: the unified fields (an order's own type is "kind"); a ticker without "snapshot"=true changes only what it names
//   book     symbol snapshot bids asks, lists of {price qty id?} (qty "0": gone; id: an order of the book; id and less: that order
//            is less by so much), remove=[id], seq, prev (the seq it continues; another one is a gap)
//   hint     id client_id symbol: something happened to this order that the stream does not tell; it is asked about
//   login    ok code text      subscribed  ok topic text      pong      gap  text: begin anew
//   error    code text: the venue complains, or said what the dialect does not understand
enum status dialect_frame(struct dialect *d, const char *kind, const char *text, size_t len, json_t **ret, struct err *err)
  MUST_CHECK;

// Whether the dialect's table of errors has the code.
bool dialect_explains(const struct dialect *d, const char *code);

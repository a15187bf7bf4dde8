// exchange/server.h – the exchange's process, inside exchange/: what its files share. The state machine (core.h) is below; here are keys,
// clock, price source, connections, faults and the log of commands.
#pragma once
#include "base/buf.h"
#include "exchange/core.h"
#include "exchange/exchange.h"
#include "exchange/fault.h"
#include "net/http_server.h"
#include "net/ws.h"
#include "venue/feed.h"

#define ROUTES_MAX 48
#define SEEN_MAX 20000   // requests kept for GET /admin/ledger

struct loop_timer;
struct journal;

// A client's key. Rates are counted for its account and route by second, as the venue does.
struct key {
  char id[64], secret[128], ip[46];
  bool may_trade, may_withdraw, revoked;
  struct exch_account *account;
  int64_t expires_ms;  // 0: never
};
struct rate { int64_t second; int count; };
#define VISITORS 64  // addresses whose visits are counted; others share a place
#define VISITS_MAX 600
#define VISITS_SPAN_MS 5000

// A change of the exchange: everything that happens to it has one of these names, in its log too.
#define COMMAND_LIST(X) \
  X(CMD_CREATE, "create") X(CMD_AMEND, "amend") X(CMD_CANCEL, "cancel") X(CMD_CANCEL_ALL, "cancel_all") X(CMD_LEVERAGE, "leverage") \
  X(CMD_MODE, "mode") X(CMD_STOPS, "stops") X(CMD_MARGIN_MODE, "margin_mode") X(CMD_PUSH, "push") X(CMD_MARK, "mark") X(CMD_FUNDING, "funding") \
  X(CMD_FUNDING_DUE, "funding_due") X(CMD_LIQUIDATE, "liquidate") X(CMD_DEPOSIT, "deposit") X(CMD_ACCOUNT, "account") X(CMD_PARTIAL, "partial") \
  X(CMD_ADMIN_CANCEL, "admin_cancel") X(CMD_HIT, "hit")
enum command {
#define X(name, text) name,
  COMMAND_LIST(X)
#undef X
  CMD_NONE
};

// A request that was seen, for the oracle: also those that a fault dropped.
struct seen {
  uint64_t number;
  int64_t time_ms;
  bool post, effect;   // effect: it was passed to the exchange
  int code;            // retCode; -1: none was given
  const char *fault;   // its name, NULL without
  char path[48], link[EXCH_ID_MAX], id[EXCH_ID_MAX];
  int account;         // -1: nobody's
};

struct stream;   // a WebSocket, stream.c
struct waiting;  // an answer or effect that a fault delays, delay.c

struct source {  // of prices, source.c
  struct feed feed;
  struct series *series;
  int series_count;
  int subscription_symbol[EXCH_SYMBOLS_MAX];  // subscription number → symbol
  struct feed_symbol symbols[EXCH_SYMBOLS_MAX];
  int64_t anchor_real_ms, anchor_event_ns, speed_e3;
  int64_t bid[EXCH_SYMBOLS_MAX], ask[EXCH_SYMBOLS_MAX];
  struct point { int64_t at_ms; int symbol; int64_t ticks, lots; } *points;  // of bars, spread over their time
  size_t point_count, point_cap;
  bool is_replay;
};

struct server {
  struct loop *loop;
  struct http_server *http;
  const struct exchange_options *options;
  struct exch *x;
  struct key **keys;  // each stays where it is: streams and requests point at theirs
  int key_count;
  struct rate (*rates)[ROUTES_MAX];    // per account
  struct rate visits[VISITORS];        // per address, in spans of VISITS_SPAN_MS
  struct faults *faults;
  struct journal *journal;             // NULL: nothing is kept
  struct source source;
  struct stream *streams;
  struct waiting *waiting;
  struct loop_timer *tick;
  bool virtual_clock, running_clock, paused, stopping, muted;
  int64_t virtual_ms, wall_ms, skew_ms, started_ms, throttled_until_ms;
  struct seen *seen;                   // ring
  uint64_t seen_count;
  uint64_t ws_sequence;
};

// ---- server.c ----
int64_t exch_server_now_ms(const struct server *s);      // the exchange's own time, which rules deadlines and records
int64_t exch_server_shown_ms(const struct server *s);    // what it says and checks timestamps by: now + skew
struct key *exch_server_key(const struct server *s, const char *id);
// Adds KEY:SECRET[:rights]; ERR_INVALID says what is wrong.
enum status exch_server_key_add(struct server *s, const char *text, struct err *err) MUST_CHECK;
struct seen *exch_server_saw(struct server *s);
void exch_server_advance(struct server *s);  // does what is due, as the timer does

// ---- command.c ----
// Writes it to the log (synchronously when `durable`), then does it. Returns the venue's code; *ret may be NULL, also when OK.
// p is borrowed.
int exch_command_run(struct server *s, enum command c, struct exch_account *a, json_t *p, bool durable, json_t **ret);
// The same without the log; for reading the log back. account -1: none.
int exch_command_apply(struct exch *x, enum command c, int account, int64_t time_ms, json_t *p, json_t **ret);
bool exch_command_parse(const char *text, enum command *ret);
const char *exch_command_text(enum command c);

// ---- rest.c ----
void exch_rest_request(void *server, struct http_request *req);
// ---- stream.c ----
// A WebSocket handshake on /v5/public/linear, /v5/public/spot or /v5/private.
enum stream_kind { STREAM_LINEAR, STREAM_SPOT, STREAM_PRIVATE };
void exch_stream_open(struct server *s, struct http_request *req, enum stream_kind kind);
void exch_stream_sink(struct server *s);                    // connects the exchange's events
void exch_stream_tick(struct server *s, int64_t now_ms);    // changed books, tickers, candles; after each command
void exch_stream_drop_all(struct server *s, const char *why);
void exch_stream_drop_key(struct server *s, const struct key *k);
int exch_stream_count(const struct server *s);
// ---- source.c ----
enum status exch_source_open(struct server *s, struct err *err) MUST_CHECK;
void exch_source_begin(struct server *s);  // of a fresh exchange: the last price of its history
void exch_source_poll(struct server *s, int64_t now_ms);
void exch_source_close(struct server *s);
// ---- admin.c ----
void exch_admin_request(struct server *s, struct http_request *req);

// exchange/rest.h – a request as its handlers see it. Inside exchange/.
#pragma once
#include "exchange/render.h"
#include "exchange/server.h"

enum route_auth { AUTH_NONE, AUTH_READ, AUTH_TRADE };

struct call {
  struct server *s;
  struct http_request *req;  // NULL: nobody waits for an answer
  const struct route *route;
  struct key *key;
  struct exch_account *account;
  json_t *params;            // object; query or body
  json_t *result;
  const char *msg;           // instead of the code's own words
  char msg_own[256];
  int code;
  enum fault fault;
  int64_t fault_value;
  uint64_t seen;             // its number
  bool spot;                 // which markets it is about (exch_call_category)
  bool hide;                 // the fault not_found
};

struct route {
  bool post;
  const char *path;
  enum route_auth auth;
  int per_second;            // 0: not limited
  enum command command;      // CMD_NONE: handler
  int (*handler)(struct call *c);
};

// Reads `limit` (absent: a default) and `cursor`; false: out of range.
struct page { int64_t limit, from; };
bool exch_page_read(const struct call *c, int64_t absent, int64_t most, struct page *ret);
// A text parameter; "" when absent.
const char *exch_call_text(const struct call *c, const char *key, char buf[64]);
int exch_call_refuse(struct call *c, int code, const char *msg);
// category must be linear, or spot where there is any: c->spot; 0 or the code. Others that exist have empty lists: *ret_empty.
int exch_call_category(struct call *c, bool *ret_empty);

int exch_get_time(struct call *c);
int exch_get_instruments(struct call *c);
int exch_get_kline(struct call *c);
int exch_get_tickers(struct call *c);
int exch_get_orderbook(struct call *c);
int exch_get_trades(struct call *c);
int exch_get_funding(struct call *c);
int exch_get_risk_limit(struct call *c);
int exch_get_wallet(struct call *c);
int exch_get_account(struct call *c);
int exch_get_fee_rate(struct call *c);
int exch_get_key(struct call *c);
int exch_get_coins(struct call *c);
int exch_get_coin_balances(struct call *c);
int exch_get_positions(struct call *c);
int exch_get_closed_pnl(struct call *c);
int exch_get_open_orders(struct call *c);
int exch_get_order_history(struct call *c);
int exch_get_executions(struct call *c);

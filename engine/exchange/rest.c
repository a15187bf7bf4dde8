// exchange/rest.c – requests: found in a table, checked as the venue checks them, spoiled by faults, answered.
#include "exchange/rest.h"

#include "crypto/encode.h"
#include "crypto/hmac.h"
#include "crypto/secret.h"
#include "exchange/delay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Limits per account and second are the venue's for linear contracts.
static const struct route routes[] = {
  {false, "/v5/market/time", AUTH_NONE, 0, CMD_NONE, exch_get_time},
  {false, "/v5/market/instruments-info", AUTH_NONE, 0, CMD_NONE, exch_get_instruments},
  {false, "/v5/market/kline", AUTH_NONE, 0, CMD_NONE, exch_get_kline},
  {false, "/v5/market/tickers", AUTH_NONE, 0, CMD_NONE, exch_get_tickers},
  {false, "/v5/market/orderbook", AUTH_NONE, 0, CMD_NONE, exch_get_orderbook},
  {false, "/v5/market/recent-trade", AUTH_NONE, 0, CMD_NONE, exch_get_trades},
  {false, "/v5/market/funding/history", AUTH_NONE, 0, CMD_NONE, exch_get_funding},
  {false, "/v5/market/risk-limit", AUTH_NONE, 0, CMD_NONE, exch_get_risk_limit},
  {false, "/v5/account/wallet-balance", AUTH_READ, 50, CMD_NONE, exch_get_wallet},
  {false, "/v5/account/info", AUTH_READ, 50, CMD_NONE, exch_get_account},
  {false, "/v5/account/fee-rate", AUTH_READ, 10, CMD_NONE, exch_get_fee_rate},
  {true, "/v5/account/set-margin-mode", AUTH_TRADE, 5, CMD_MARGIN_MODE, NULL},
  {false, "/v5/user/query-api", AUTH_READ, 10, CMD_NONE, exch_get_key},
  {false, "/v5/asset/coin/query-info", AUTH_READ, 5, CMD_NONE, exch_get_coins},
  {false, "/v5/asset/transfer/query-account-coins-balance", AUTH_READ, 5, CMD_NONE, exch_get_coin_balances},
  {false, "/v5/position/list", AUTH_READ, 50, CMD_NONE, exch_get_positions},
  {true, "/v5/position/set-leverage", AUTH_TRADE, 10, CMD_LEVERAGE, NULL},
  {true, "/v5/position/switch-mode", AUTH_TRADE, 10, CMD_MODE, NULL},
  {true, "/v5/position/trading-stop", AUTH_TRADE, 10, CMD_STOPS, NULL},
  {false, "/v5/position/closed-pnl", AUTH_READ, 50, CMD_NONE, exch_get_closed_pnl},
  {true, "/v5/order/create", AUTH_TRADE, 10, CMD_CREATE, NULL},
  {true, "/v5/order/amend", AUTH_TRADE, 10, CMD_AMEND, NULL},
  {true, "/v5/order/cancel", AUTH_TRADE, 10, CMD_CANCEL, NULL},
  {true, "/v5/order/cancel-all", AUTH_TRADE, 10, CMD_CANCEL_ALL, NULL},
  {false, "/v5/order/realtime", AUTH_READ, 50, CMD_NONE, exch_get_open_orders},
  {false, "/v5/order/history", AUTH_READ, 50, CMD_NONE, exch_get_order_history},
  {false, "/v5/execution/list", AUTH_READ, 50, CMD_NONE, exch_get_executions},
};
#define ROUTE_COUNT (sizeof routes / sizeof routes[0])
_Static_assert(ROUTE_COUNT <= ROUTES_MAX, "rates are kept per route");

#define FREQUENT "access too frequent, please try again later"

// ---- answers ----

static void call_free(struct call *c) {
  json_decref(c->params);
  json_decref(c->result);
  free(c);
}

static char *envelope(struct call *c, size_t *ret_len) {
  const char *msg = c->msg && c->msg[0] ? c->msg : exch_code_text(c->code);
  json_t *result = c->code == CODE_OK && c->result ? json_incref(c->result) : json_object();
  json_t *j = json_pack("{s:i, s:s, s:o, s:{}, s:I}", "retCode", c->code, "retMsg", msg, "result", result, "retExtInfo",
    "time", (json_int_t)exch_server_shown_ms(c->s));
  char *text = json_dumps(j, JSON_COMPACT);
  json_decref(j);
  *ret_len = text ? strlen(text) : 0;
  return text;
}

// Its note, unless it has none or so many came later that it is gone.
static struct seen *seen_of(const struct call *c) {
  struct seen *seen = &c->s->seen[c->seen % SEEN_MAX];
  return c->seen > 0 && seen->number == c->seen ? seen : NULL;
}

static void rate_fields(struct call *c) {
  if (!c->account || c->route->per_second == 0) return;
  const struct rate *r = &c->s->rates[c->account->index][c->route - routes];
  int left = c->route->per_second - r->count;
  int64_t reset = c->fault == FAULT_THROTTLE ? exch_server_shown_ms(c->s) + c->fault_value : (r->second + 1) * 1000;
  http_reply_fieldf(c->req, "X-Bapi-Limit", "%d", c->route->per_second);
  http_reply_fieldf(c->req, "X-Bapi-Limit-Status", "%d", left > 0 && c->fault != FAULT_THROTTLE ? left : 0);
  http_reply_fieldf(c->req, "X-Bapi-Limit-Reset-Timestamp", "%" PRId64, reset);
}

// The end of every request that somebody waits for.
static void answer(struct call *c) {
  struct seen *seen = seen_of(c);
  bool after = c->fault == FAULT_DROP_AFTER || c->fault == FAULT_ERROR_AFTER || c->fault == FAULT_INTERNAL_AFTER ||
               c->fault == FAULT_HALF_REPLY || c->fault == FAULT_CUT_REPLY;
  if (seen) seen->code = after || !c->req ? -1 : c->code;
  if (!c->req) {
    call_free(c);
    return;
  }
  if (c->fault == FAULT_ERROR_AFTER) {
    http_reply(c->req, (int)c->fault_value, "text/html", "<html>\r\n<body>Bad Gateway</body>\r\n</html>\r\n", 44);
    call_free(c);
    return;
  }
  if (c->fault == FAULT_INTERNAL_AFTER) {
    c->code = (int)c->fault_value;
    c->msg = NULL;
  }
  size_t len;
  char *text = envelope(c, &len);
  rate_fields(c);
  if (!text) {
    http_reply(c->req, 500, NULL, NULL, 0);
  } else if (c->fault == FAULT_DROP_AFTER) {
    http_reply_cut(c->req, 200, "application/json", text, len, 0);
  } else if (c->fault == FAULT_CUT_REPLY) {
    http_reply_cut(c->req, 200, "application/json", text, len, c->fault_value);
  } else if (c->fault == FAULT_HALF_REPLY) {
    http_reply_cut(c->req, 200, "application/json", text, len, -(int64_t)(len / 2));
  } else {
    http_reply(c->req, 200, "application/json", text, len);
  }
  free(text);
  call_free(c);
}

static void perform(struct call *c) {
  struct server *s = c->s;
  struct seen *seen = seen_of(c);
  if (seen) seen->effect = true;
  if (c->hide && c->route->command != CMD_NONE) {
    c->code = CODE_NO_ORDER;
    return;
  }
  if (c->route->command == CMD_NONE) {
    c->code = c->route->handler(c);
    return;
  }
  if (c->fault == FAULT_PARTIAL_CANCEL && c->route->command == CMD_CREATE) {
    json_t *p = json_pack("{s:I}", "e8", (json_int_t)(c->fault_value * RATE_ONE / 100));
    exch_command_run(s, CMD_PARTIAL, c->account, p, false, NULL);
    json_decref(p);
  }
  c->code = exch_command_run(s, c->route->command, c->account, c->params, true, &c->result);
  if (s->x->partial_cancel_e8 > 0) {
    json_t *p = json_pack("{s:i}", "e8", 0);
    exch_command_run(s, CMD_PARTIAL, c->account, p, false, NULL);
    json_decref(p);
  }
  snprintf(c->msg_own, sizeof c->msg_own, "%s", s->x->msg);
  c->msg = c->msg_own;
  const char *id = json_string_value(json_object_get(c->result, "orderId"));
  if (id && seen) snprintf(seen->id, sizeof seen->id, "%s", id);
  exch_stream_tick(s, exch_server_now_ms(s));
}

static void late_effect(void *arg) {
  struct call *c = arg;
  perform(c);
  answer(c);
}
static void late_answer(void *arg) {
  answer(arg);
}

static void refuse_http(struct call *c, int status, const char *body) {
  http_reply(c->req, status, "text/html", body, strlen(body));
  call_free(c);
}

static void run(struct call *c) {
  struct server *s = c->s;
  switch (c->fault) {
  case FAULT_DROP_BEFORE:
    http_reply_cut(c->req, 200, NULL, "", 0, 0);
    call_free(c);
    return;
  case FAULT_ERROR_BEFORE:
    refuse_http(c, (int)c->fault_value, "<html>\r\n<body>Bad Gateway</body>\r\n</html>\r\n");
    return;
  case FAULT_BAN: refuse_http(c, 403, FREQUENT); return;
  case FAULT_INTERNAL_BEFORE:
    c->code = (int)c->fault_value;
    answer(c);
    return;
  case FAULT_THROTTLE:
    c->code = CODE_THROTTLED;
    answer(c);
    return;
  case FAULT_DELAY_BEFORE: exch_delay(s, c->fault_value, late_effect, c); return;
  case FAULT_DROP_THEN_EFFECT:
    http_reply_cut(c->req, 200, NULL, "", 0, 0);
    c->req = NULL;
    exch_delay(s, c->fault_value, late_effect, c);
    return;
  case FAULT_DELAY:
    perform(c);
    exch_delay(s, c->fault_value, late_answer, c);
    return;
  default: perform(c); answer(c);
  }
}

// ---- who asks ----

static int authenticate(struct call *c) {
  const struct http_request *req = c->req;
  const char *id = http_field(req, "x-bapi-api-key"), *stamp = http_field(req, "x-bapi-timestamp"),
             *window = http_field(req, "x-bapi-recv-window"), *sign = http_field(req, "x-bapi-sign");
  int64_t ts, window_ms = 5000, now = exch_server_shown_ms(c->s);
  if (!id || !id[0] || !(c->key = exch_server_key(c->s, id))) return CODE_KEY;
  if (c->key->ip[0] && strcmp(c->key->ip, req->peer->address) != 0) return CODE_ADDRESS;
  if (!stamp || !decimal_parse_scaled(stamp, strlen(stamp), 0, &ts)) return CODE_TIMESTAMP;
  if (window && window[0] &&
      (!decimal_parse_scaled(window, strlen(window), 0, &window_ms) || window_ms < 0 || window_ms > 1000000000))
    return CODE_TIMESTAMP;
  if (!(now - window_ms <= ts && ts < now + 1000)) {
    snprintf(c->msg_own, sizeof c->msg_own,
      "invalid request, please check your server timestamp or recv_window param. req_timestamp[%" PRId64
      "],server_timestamp[%" PRId64 "],recv_window[%" PRId64 "]",
      ts, now, window_ms);
    c->msg = c->msg_own;
    return CODE_TIMESTAMP;
  }
  // The very bytes that were sent: timestamp, key, window, then query or body.
  struct buf text;
  buf_init(&text, HTTP_LINE_MAX + req->body_len + 1024);
  buf_str(&text, stamp);
  buf_str(&text, id);
  buf_str(&text, window ? window : "");
  if (c->route->post)
    buf_add(&text, req->body, req->body_len);
  else
    buf_add(&text, req->query, req->query_len);
  uint8_t mac[HMAC_SHA256_BYTES];
  char hex[HEX_SIZE(HMAC_SHA256_BYTES)];
  hmac_sha256(c->key->secret, strlen(c->key->secret), text.data, text.len, mac);
  hex_encode(mac, sizeof mac, hex);
  bool same = !text.failed && sign && strlen(sign) == strlen(hex) && secret_equal(sign, hex, strlen(hex));
  if (!same && !text.failed) {
    snprintf(c->msg_own, sizeof c->msg_own, "error sign! origin_string[%.180s]", text.data ? text.data : "");
    c->msg = c->msg_own;
  }
  buf_finish(&text);
  if (!same) return CODE_SIGN;
  c->account = c->key->account;
  return c->route->auth == AUTH_TRADE && !c->key->may_trade ? CODE_RIGHTS : CODE_OK;
}

static bool within_rate(struct call *c) {
  if (!c->account || c->route->per_second == 0) return true;
  struct rate *r = &c->s->rates[c->account->index][c->route - routes];
  int64_t second = exch_server_shown_ms(c->s) / 1000;
  if (r->second != second) *r = (struct rate){second, 0};
  r->count++;
  return !c->s->options->limits || r->count <= c->route->per_second;
}

// ---- requests ----

static json_t *query_params(const struct http_request *req) {
  json_t *p = json_object();
  struct http_pair pair;
  size_t pos = 0;
  char name[64], value[512];
  while (http_query_next(req, &pos, &pair))
    if (http_unescape(pair.name, pair.name_len, true, name, sizeof name) == OK &&
        http_unescape(pair.value, pair.value_len, true, value, sizeof value) == OK)
      json_object_set_new(p, name, json_string(value));
  return p;
}

const char *exch_call_text(const struct call *c, const char *key, char buf[64]) {
  return exch_param_text(c->params, key, buf);
}

int exch_call_refuse(struct call *c, int code, const char *msg) {
  c->msg = msg;
  return code;
}

int exch_call_category(struct call *c, bool *ret_empty) {
  char text[64];
  exch_call_text(c, "category", text);
  c->spot = strcmp(text, "spot") == 0;
  *ret_empty = (c->spot && !c->s->x->with_spot) || strcmp(text, "inverse") == 0 || strcmp(text, "option") == 0;
  return c->spot || *ret_empty || strcmp(text, "linear") == 0 ? CODE_OK
                                                   : exch_call_refuse(c, CODE_PARAMS, "params error: category invalid");
}

bool exch_page_read(const struct call *c, int64_t absent, int64_t most, struct page *ret) {
  if (!exch_param_int(c->params, "limit", absent, &ret->limit) ||
      !exch_param_int(c->params, "cursor", INT64_MAX, &ret->from))
    return false;
  return ret->limit >= 1 && ret->limit <= most;
}

// 600 requests in five seconds from one address; then the venue answers 403.
static bool welcome_again(struct server *s, const struct http_request *req) {
  uint64_t h = 0;
  for (const char *c = req->peer->address; *c; c++) h = exch_mix(h, (unsigned char)*c);
  struct rate *r = &s->visits[h % VISITORS];
  int64_t span = exch_server_now_ms(s) / VISITS_SPAN_MS;
  if (r->second != span) *r = (struct rate){span, 0};
  return ++r->count <= VISITS_MAX || !s->options->limits;
}

static const struct route *find_route(const struct http_request *req) {
  for (size_t i = 0; i < ROUTE_COUNT; i++)
    if (routes[i].post == (req->method == METHOD_POST) && strcmp(routes[i].path, req->path) == 0) return &routes[i];
  return NULL;
}

struct seen *exch_server_saw(struct server *s) {
  uint64_t n = ++s->seen_count;
  struct seen *seen = &s->seen[n % SEEN_MAX];
  *seen = (struct seen){.number = n, .time_ms = exch_server_now_ms(s), .code = -1, .account = -1};
  return seen;
}

static void route_request(struct server *s, struct http_request *req, const struct route *route) {
  struct call *c = calloc(1, sizeof *c);
  if (!c) {
    http_reply(req, 503, NULL, NULL, 0);
    return;
  }
  *c = (struct call){.s = s, .req = req, .route = route, .fault = FAULT_NONE};
  c->params = route->post ? json_loadb(req->body, req->body_len, JSON_REJECT_DUPLICATES, NULL) : query_params(req);
  bool malformed = !json_is_object(c->params);
  if (malformed) {
    json_decref(c->params);
    c->params = json_object();
  }
  char link[64];
  exch_param_text(c->params, "orderLinkId", link);
  struct seen none = {0},
              *seen = route->auth != AUTH_NONE ? exch_server_saw(s) : &none;  // market data would crowd out the rest
  c->seen = seen->number;
  seen->post = route->post;
  snprintf(seen->path, sizeof seen->path, "%s", route->path);
  snprintf(seen->link, sizeof seen->link, "%.36s", link);
  if (route->auth != AUTH_NONE) c->code = authenticate(c);
  if (c->account) seen->account = c->account->index;
  if (c->code == CODE_OK && !within_rate(c)) c->code = CODE_THROTTLED;
  if (c->code == CODE_OK && malformed)
    c->code = exch_call_refuse(c, CODE_PARAMS, "params error: the body is no JSON object");
  struct fault_rule *r = c->code == CODE_OK ? exch_faults_pick(s->faults, AT_REQUEST, route->path, link) : NULL;
  if (r) {
    c->fault = r->fault;
    c->fault_value = r->value;
    c->hide = r->fault == FAULT_NOT_FOUND;
    seen->fault = exch_fault_table[r->fault].name;
  }
  if (c->hide && route->command != CMD_NONE) {  // only what names a young order
    const struct exch_order *o = c->account ? exch_find(s->x, c->account,
                                                json_string_value(json_object_get(c->params, "orderId"))
                                                  ? json_string_value(json_object_get(c->params, "orderId"))
                                                  : "",
                                                link)
                                            : NULL;
    c->hide = (route->command == CMD_AMEND || route->command == CMD_CANCEL) && o &&
              exch_server_now_ms(s) - o->created_ms < c->fault_value;
  }
  if (c->code != CODE_OK)
    answer(c);
  else
    run(c);
}

static void welcome(const struct server *s, struct http_request *req) {
  char text[512];
  int n = snprintf(text, sizeof text,
    "perigee exchange: a simulated exchange, Bybit v5 linear (and spot, with --spot).\nREST /v5/…, WebSocket /v5/public/linear and "
    "/v5/private, /admin/ledger, /admin/faults.\n%d symbols, %d accounts.\n",
    s->x->symbol_count, s->x->account_count);
  http_reply(req, 200, "text/plain; charset=utf-8", text, (size_t)n);
}

void exch_rest_request(void *server, struct http_request *req) {
  struct server *s = server;
  const struct route *route = find_route(req);
  if (strncmp(req->path, "/admin/", 7) == 0)
    exch_admin_request(s, req);
  else if (s->paused)
    http_reply(req, 503, "text/html", "maintenance", 11);
  else if (strcmp(req->path, "/v5/public/linear") == 0)
    exch_stream_open(s, req, STREAM_LINEAR);
  else if (strcmp(req->path, "/v5/public/spot") == 0 && s->x->with_spot)
    exch_stream_open(s, req, STREAM_SPOT);
  else if (strcmp(req->path, "/v5/private") == 0)
    exch_stream_open(s, req, STREAM_PRIVATE);
  else if (route && !welcome_again(s, req))
    http_reply(req, 403, "text/html", FREQUENT, sizeof FREQUENT - 1);
  else if (route)
    route_request(s, req, route);
  else if (strcmp(req->path, "/") == 0)
    welcome(s, req);
  else
    http_reply(req, 404, "application/json",
      "{\"retCode\":10017,\"retMsg\":\"Route not found.\",\"result\":{},\"retExtInfo\":{}}", 73);
}

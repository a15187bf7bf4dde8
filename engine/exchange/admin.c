// exchange/admin.c – the hands on the exchange: its ledger as the oracle, faults, prices, clock, keys. Not part of the venue's API.
#include "crypto/secret.h"
#include "exchange/render.h"
#include "exchange/server.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLOCK_STEP_MS 1000
#define CLOCK_JUMP_MAX_MS 86400000
#define CLOCK_MAX_MS INT64_C(4102444800000)  // 2100

static void send(struct http_request *req, int status, json_t *j) {
  char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;
  json_decref(j);
  if (text)
    http_reply(req, status, "application/json", text, strlen(text));
  else
    http_reply(req, 500, NULL, NULL, 0);
  free(text);
}
static void refuse(struct http_request *req, const char *why) {
  send(req, 400, json_pack("{s:s}", "error", why));
}

// ---- the oracle ----

static json_t *account_json(const struct server *s, const struct exch_account *a) {
  json_t *books = json_object(), *positions = json_array();
  for (int b = 0; b < BOOK_COUNT; b++)
    json_object_set_new(books, book_text((enum book)b),
      exch_json_e8(b == BOOK_CASH ? a->ledger.balance_e8[b] : -a->ledger.balance_e8[b]));
  for (int i = 0; i < s->x->symbol_count; i++)
    for (int k = 0; k < 3; k++)
      if (!s->x->symbols[i].spot && a->positions[i][k].lots != 0)
        json_array_append_new(positions, exch_render_position(s->x, a, &s->x->symbols[i], k, false));
  return json_pack("{s:i, s:I, s:o, s:o, s:o, s:I, s:I, s:I}", "account", a->index, "uid", (json_int_t)a->uid, "wallet",
    exch_render_wallet(s->x, a), "books", books, "positions", positions, "orders", (json_int_t)a->orders, "executions",
    (json_int_t)a->executions, "liquidations", (json_int_t)a->liquidations);
}

static json_t *seen_json(const struct seen *r) {
  return json_pack("{s:I, s:I, s:s, s:s, s:s, s:s, s:b, s:i, s:s?, s:i}", "n", (json_int_t)r->number, "time",
    (json_int_t)r->time_ms, "method", r->post ? "POST" : "GET", "path", r->path, "orderLinkId", r->link, "orderId",
    r->id, "effect", r->effect, "retCode", r->code, "fault", r->fault, "account", r->account);
}

static json_t *ledger_json(const struct server *s) {
  const struct exch *x = s->x;
  json_t *accounts = json_array(), *orders = json_array(), *executions = json_array(), *requests = json_array();
  exch_check(x);
  for (int i = 0; i < x->account_count; i++) json_array_append_new(accounts, account_json(s, x->accounts[i]));
  for (size_t i = 0; i < x->order_count; i++) {
    json_t *j = exch_render_order(x->orders[i], false);
    json_object_set_new(j, "category", json_string(exch_category(x->orders[i]->symbol)));
    json_object_set_new(j, "account", json_integer(x->orders[i]->account->index));
    json_array_append_new(orders, j);
  }
  for (size_t i = 0; i < x->execution_count; i++) {
    json_t *j = exch_render_execution(&x->executions[i], true);
    json_object_set_new(j, "account", json_integer(x->executions[i].account->index));
    json_array_append_new(executions, j);
  }
  uint64_t from = s->seen_count > SEEN_MAX ? s->seen_count - SEEN_MAX : 0;
  for (uint64_t n = from + 1; n <= s->seen_count; n++)
    json_array_append_new(requests, seen_json(&s->seen[n % SEEN_MAX]));
  return json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:I}", "time", (json_int_t)exch_server_now_ms(s), "seed",
    (json_int_t)x->seed, "accounts", accounts, "orders", orders, "executions", executions, "requests", requests,
    "requests_seen", (json_int_t)s->seen_count);
}

static void get_ledger(struct server *s, struct http_request *req, json_t *p) {
  (void)p;
  send(req, 200, ledger_json(s));
}

static void get_state(struct server *s, struct http_request *req, json_t *p) {
  (void)p;
  json_t *symbols = json_array();
  for (int i = 0; i < s->x->symbol_count; i++)
    if (!s->x->symbols[i].spot) json_array_append_new(symbols, exch_render_ticker(&s->x->symbols[i]));
  send(req, 200,
    json_pack("{s:I, s:I, s:b, s:b, s:i, s:I, s:I, s:o}", "time", (json_int_t)exch_server_now_ms(s), "skew",
      (json_int_t)s->skew_ms, "paused", s->paused, "virtual", s->virtual_clock, "streams", exch_stream_count(s),
      "orders", (json_int_t)s->x->order_count, "executions", (json_int_t)s->x->execution_count, "symbols", symbols));
}

// ---- faults ----

static void get_faults(struct server *s, struct http_request *req, json_t *p) {
  (void)p;
  send(req, 200, json_pack("{s:I, s:o}", "seed", (json_int_t)s->faults->seed, "faults", exch_faults_json(s->faults)));
}

// {"replace":true, "seed":7, "faults":[rule or spec, …]}
static void post_faults(struct server *s, struct http_request *req, json_t *p) {
  struct faults *had = malloc(sizeof *had);
  struct err err = {0};
  size_t i;
  json_t *rule, *seed = json_object_get(p, "seed");
  if (!had) {
    http_reply(req, 503, NULL, NULL, 0);
    return;
  }
  *had = *s->faults;
  if (exch_param_bool(p, "replace")) s->faults->count = 0;
  if (json_is_integer(seed)) {
    s->faults->seed = (uint64_t)json_integer_value(seed);
    s->faults->number = 0;
  }
  enum status st = OK;
  json_array_foreach(json_object_get(p, "faults"), i, rule) {
    if (st == OK) st = exch_faults_add_json(s->faults, rule, &err);
  }
  if (st != OK) *s->faults = *had;
  free(had);
  if (st != OK)
    refuse(req, err.msg);
  else
    get_faults(s, req, p);
}

// ---- the market ----

static void done(struct server *s, struct http_request *req) {
  exch_stream_tick(s, exch_server_now_ms(s));
  send(req, 200, json_pack("{s:b}", "ok", 1));
}

static struct exch_symbol *symbol_of(struct server *s, const json_t *p) {
  char text[64];
  return exch_symbol(s->x, exch_param_text(p, "symbol", text));
}

static void command(struct server *s, enum command c, struct exch_account *a, json_t *p) {
  exch_command_run(s, c, a, p, true, NULL);
  json_decref(p);
}

// {"symbol","price"[,"bid","ask","qty"]}: the market moves there.
static void post_price(struct server *s, struct http_request *req, json_t *p) {
  struct exch_symbol *sym = symbol_of(s, p);
  int64_t px, bid, ask, lots;
  if (!sym || !exch_param_ticks(p, "price", sym, &px) || px == 0 || px > sym->max_price ||
      !exch_param_ticks(p, "bid", sym, &bid) || !exch_param_ticks(p, "ask", sym, &ask) ||
      !exch_param_lots(p, "qty", sym, &lots)) {
    refuse(req, "symbol and price (a multiple of its tick) are required; bid, ask and qty may be given");
    return;
  }
  command(s, CMD_PUSH, NULL,
    json_pack("{s:s, s:I, s:I, s:I, s:I}", "s", sym->inst.symbol, "b", (json_int_t)bid, "k", (json_int_t)ask, "l",
      (json_int_t)px, "v", (json_int_t)(lots > 0 ? lots : 1)));
  done(s, req);
}

// {"symbol","price"}: the mark price is pinned; without a price it follows the market again.
static void post_mark(struct server *s, struct http_request *req, json_t *p) {
  struct exch_symbol *sym = symbol_of(s, p);
  int64_t mark;
  if (!sym || !exch_param_ticks(p, "price", sym, &mark) || mark > sym->max_price) {
    refuse(req, "symbol, and price (a multiple of its tick) or none");
    return;
  }
  command(s, CMD_MARK, NULL, json_pack("{s:s, s:I}", "s", sym->inst.symbol, "m", (json_int_t)mark));
  done(s, req);
}

// {"symbol","rate"}: funding now; without a rate the symbol's own.
static void post_funding(struct server *s, struct http_request *req, json_t *p) {
  struct exch_symbol *sym = symbol_of(s, p);
  char rate[64];
  int64_t rate_e8 = sym ? sym->funding_e8 : 0;
  if (!sym || (exch_param_text(p, "rate", rate)[0] && !decimal_parse_scaled(rate, strlen(rate), 8, &rate_e8)) ||
      rate_e8 > RATE_ONE || rate_e8 < -RATE_ONE) {
    refuse(req, "symbol, and rate (0.0001 is 0.01 %) or none");
    return;
  }
  command(s, CMD_FUNDING, NULL, json_pack("{s:s, s:I}", "s", sym->inst.symbol, "r", (json_int_t)rate_e8));
  done(s, req);
}

static struct exch_account *account_of(struct server *s, const json_t *p) {
  char text[64];
  int64_t index;
  struct key *k = exch_server_key(s, exch_param_text(p, "key", text));
  if (k) return k->account;
  return exch_param_int(p, "account", -1, &index) && index >= 0 && index < s->x->account_count ? s->x->accounts[index]
                                                                                               : NULL;
}

static void post_liquidation(struct server *s, struct http_request *req, json_t *p) {
  struct exch_symbol *sym = symbol_of(s, p);
  struct exch_account *a = account_of(s, p);
  int64_t idx;
  if (!sym || !a || !exch_param_int(p, "positionIdx", 0, &idx) || idx < 0 || idx > 2 ||
      a->positions[sym->index][idx].lots == 0) {
    refuse(req, "symbol and key (or account), with a position; positionIdx in hedge mode");
    return;
  }
  command(s, CMD_LIQUIDATE, a, json_pack("{s:s, s:I}", "s", sym->inst.symbol, "i", (json_int_t)idx));
  done(s, req);
}

static void post_deposit(struct server *s, struct http_request *req, json_t *p) {
  struct exch_account *a = account_of(s, p);
  char text[64];
  int64_t amount;
  exch_param_text(p, "coin", text);
  for (int i = 0; a && i < s->x->symbol_count; i++) {
    struct exch_symbol *sym = &s->x->symbols[i];
    if (!sym->spot || strcmp(sym->base, text) != 0) continue;
    exch_param_text(p, "amount", text);
    if (!decimal_parse_scaled(text, strlen(text), sym->lot_scale, &amount) || amount < 0 || amount > sym->max_lots || amount % sym->inst.lot.digits != 0) {
      refuse(req, "amount: whole lots of the coin");
      return;
    }
    command(s, CMD_DEPOSIT, a, json_pack("{s:s, s:I}", "s", sym->inst.symbol, "coins", (json_int_t)(amount / sym->inst.lot.digits * RATE_ONE)));
    done(s, req);
    return;
  }
  exch_param_text(p, "amount", text);
  if (!a || !decimal_parse_scaled(text, strlen(text), 8, &amount) || amount > INT64_C(10000000000000000) ||
      amount < INT64_C(-10000000000000000)) {
    refuse(req, "key (or account) and amount are required: of USDT, or of a coin of the spot markets");
    return;
  }
  command(s, CMD_DEPOSIT, a, json_pack("{s:I}", "e8", (json_int_t)amount));
  done(s, req);
}

// {"orderId"}: the exchange cancels a client's order by itself.
static void post_cancel(struct server *s, struct http_request *req, json_t *p) {
  char id[64];
  struct exch_order *o = exch_map_get(&s->x->by_id, exch_param_text(p, "orderId", id));
  if (!o || !exch_order_open(o)) {
    refuse(req, "orderId of an open order is required");
    return;
  }
  command(s, CMD_ADMIN_CANCEL, NULL, json_pack("{s:s}", "id", o->id));
  done(s, req);
}

// {"symbol","side","qty"[,"category"]}: somebody else takes so much of what clients have resting.
static void post_hit(struct server *s, struct http_request *req, json_t *p) {
  char text[64];
  int64_t lots;
  const bool spot = strcmp(exch_param_text(p, "category", text), "spot") == 0;
  struct exch_symbol *sym = exch_symbol_in(s->x, spot, exch_param_text(p, "symbol", text));
  const bool buy = strcmp(exch_param_text(p, "side", text), "Buy") == 0;
  if (!sym || !exch_param_lots(p, "qty", sym, &lots) || lots < 1 || (!buy && strcmp(text, "Sell") != 0)) {
    refuse(req, "symbol, side (Buy or Sell: what the other one does) and qty are required; category spot or linear");
    return;
  }
  command(s, CMD_HIT, NULL, json_pack("{s:s, s:b, s:b, s:I}", "s", sym->inst.symbol, "spot", spot, "buy", buy, "v", (json_int_t)lots));
  done(s, req);
}

static void post_key(struct server *s, struct http_request *req, json_t *p) {
  const char *spec = json_string_value(json_object_get(p, "key"));
  char text[64];
  struct err err = {0};
  struct key *gone = exch_server_key(s, exch_param_text(p, "revoke", text));
  if (gone) {
    gone->revoked = true;
    exch_stream_drop_key(s, gone);
    done(s, req);
  } else if (!spec)
    refuse(req, "key: KEY:SECRET[:rights], or revoke: KEY");
  else if (exch_server_key_add(s, spec, &err) != OK)
    refuse(req, err.msg);
  else
    done(s, req);
}

// ---- time and connections ----

// {"skew_ms"}; with --clock virtual or running {"advance_ms"} or {"now_ms"}.
static void post_clock(struct server *s, struct http_request *req, json_t *p) {
  int64_t skew, advance, now;
  if (!exch_param_int(p, "skew_ms", s->skew_ms, &skew) || !exch_param_int(p, "advance_ms", 0, &advance) ||
      !exch_param_int(p, "now_ms", s->virtual_ms, &now) || advance < 0 || advance > CLOCK_JUMP_MAX_MS ||
      now > CLOCK_MAX_MS || skew > CLOCK_MAX_MS || skew < -CLOCK_MAX_MS) {
    refuse(req, "skew_ms, advance_ms (at most a day), now_ms: whole numbers");
    return;
  }
  if ((advance > 0 || json_object_get(p, "now_ms")) && !s->virtual_clock) {
    refuse(req, "the clock is real: start with --clock virtual or running to move it");
    return;
  }
  if (now + advance - s->virtual_ms > CLOCK_JUMP_MAX_MS) {
    refuse(req, "at most a day at a time");
    return;
  }
  s->skew_ms = skew;
  while (s->virtual_clock &&
         s->virtual_ms < now + advance) {  // in steps, so that prices, candles and funding come at their times
    int64_t left = now + advance - s->virtual_ms;
    s->virtual_ms += left < CLOCK_STEP_MS ? left : CLOCK_STEP_MS;
    exch_server_advance(s);
  }
  send(req, 200, json_pack("{s:I, s:I}", "time", (json_int_t)exch_server_now_ms(s), "skew_ms", (json_int_t)s->skew_ms));
}

static void post_disconnect(struct server *s, struct http_request *req, json_t *p) {
  (void)p;
  exch_stream_drop_all(s, "disconnect");
  done(s, req);
}

// {"paused":true}: prices stand still and every request is answered 503.
static void post_pause(struct server *s, struct http_request *req, json_t *p) {
  s->paused = exch_param_bool(p, "paused");
  done(s, req);
}

static const struct {
  bool post;
  const char *path;
  void (*handler)(struct server *s, struct http_request *req, json_t *p);
} routes[] = {
  {false, "/admin/ledger", get_ledger},
  {false, "/admin/state", get_state},
  {false, "/admin/faults", get_faults},
  {true, "/admin/faults", post_faults},
  {true, "/admin/price", post_price},
  {true, "/admin/mark", post_mark},
  {true, "/admin/funding", post_funding},
  {true, "/admin/liquidation", post_liquidation},
  {true, "/admin/deposit", post_deposit},
  {true, "/admin/cancel", post_cancel},
  {true, "/admin/hit", post_hit},
  {true, "/admin/key", post_key},
  {true, "/admin/clock", post_clock},
  {true, "/admin/disconnect", post_disconnect},
  {true, "/admin/pause", post_pause},
};

static bool may(const struct server *s, const struct http_request *req) {
  const char *token = s->options->admin_token, *given = http_field(req, "authorization");
  if (!token) return strcmp(req->peer->address, "127.0.0.1") == 0 || strcmp(req->peer->address, "::1") == 0;
  return given && strncmp(given, "Bearer ", 7) == 0 && strlen(given + 7) == strlen(token) &&
         secret_equal(given + 7, token, strlen(token));
}

void exch_admin_request(struct server *s, struct http_request *req) {
  if (!may(s, req)) {
    send(req, 403, json_pack("{s:s}", "error", "only from this machine, or with --admin-token"));
    return;
  }
  for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
    if (routes[i].post != (req->method == METHOD_POST) || strcmp(routes[i].path, req->path) != 0) continue;
    json_t *p = req->body_len > 0 ? json_loadb(req->body, req->body_len, 0, NULL) : json_object();
    if (json_is_object(p))
      routes[i].handler(s, req, p);
    else
      refuse(req, "the body is no JSON object");
    json_decref(p);
    return;
  }
  send(req, 404, json_pack("{s:s}", "error", "no such route under /admin"));
}

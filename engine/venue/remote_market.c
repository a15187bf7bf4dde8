// venue/remote_market.c – see remote_market.h. A link is one connection; the dialect says which topics share it (by their URL).
#include "venue/remote_market_impl.h"

#include "crypto/random.h"
#include "net/ws_client.h"
#include "venue/unified.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 1000

struct market_link {
  struct market_link *next;
  struct remote_market *market;
  char url[DIALECT_URL_MAX];
  char *ping;
  struct ws_client *ws;       // NULL: waits for the next try
  struct loop_timer *timer;   // the next try, or the next ping
  unsigned tries;
  bool open;
};

static const char *const type_texts[] = {"klines", "trades", "ticker", "book"};

void remote_market_enter(struct remote_market *m) { m->inside++; }

static void link_close(struct market_link *l) {
  ws_client_destroy(l->ws);
  l->ws = NULL;
  l->open = false;
}

static void market_free(struct remote_market *m) {
  while (m->topics) {
    struct market_topic *t = m->topics;
    m->topics = t->next;
    book_finish(&t->book);
    json_decref(t->ticker);
    free(t);
  }
  free(m);
}

bool remote_market_leave(struct remote_market *m) {
  const bool dead = m->dead;
  if (--m->inside == 0 && dead) market_free(m);
  return !dead;
}

void remote_market_destroy(struct remote_market *m) {
  if (!m) return;
  assert(!m->dead);
  for (struct market_topic *t = m->topics; t; t = t->next)
    if (t->call) remote_call_cancel(t->call);
  while (m->links) {
    struct market_link *l = m->links;
    m->links = l->next;
    link_close(l);
    loop_timer_destroy(l->timer);
    free(l->ping);
    free(l);
  }
  loop_timer_destroy(m->tick);
  m->tick = NULL;
  m->dead = true;
  if (m->inside == 0) market_free(m);
}

// Tells when all have become subscribed, or not any more. False: gone.
static bool tell_up(struct remote_market *m, const char *why) {
  bool up = true;
  for (const struct market_link *l = m->links; l; l = l->next) up &= l->open;
  if (up == m->up) return true;
  m->up = up;
  if (!m->events->up) return true;
  remote_market_enter(m);
  m->events->up(m->self, up, why);
  return remote_market_leave(m);
}

// ---- what the dialect says

// The connection for these topics. New reference; NULL: err says why.
static json_t *spec_of(struct remote_market *m, json_t *topics, struct err *err) {
  const struct dialect_env env = remote_env(m->site);
  const struct dialect_secret none = {0};
  json_t *args = json_pack("{s:o}", "topics", topics), *list = NULL;
  const enum status st = dialect_streams(m->site->dialect, "public", args, &none, &env, &list, err);
  json_t *spec = st == OK ? json_incref(json_array_get(list, 0)) : NULL;
  if (st == OK && (json_array_size(list) != 1 || !json_is_string(json_object_get(spec, "url")))) {
    json_decref(spec);
    spec = NULL;
    err_set(err, ERR_INVALID, "no stream for it");
  }
  json_decref(args);
  json_decref(list);
  return spec;
}

static json_t *topic_json(const struct market_topic *t) {
  json_t *v = json_pack("{s:s, s:s}", "type", type_texts[t->type], "symbol", t->symbol);
  if (t->timeframe[0]) json_object_set_new(v, "timeframe", json_string(t->timeframe));
  return v;
}

static bool send_texts(struct market_link *l, const json_t *spec) {
  const json_t *texts = json_object_get(spec, "subscribe"), *text;
  size_t i;
  bool sent = true;
  json_array_foreach(texts, i, text) sent = sent && ws_client_send(l->ws, json_string_value(text), json_string_length(text));
  return sent;
}

// ---- links

static void link_lost(struct market_link *l, const char *why) {
  struct remote_market *m = l->market;
  uint32_t random;
  char text[256];
  snprintf(text, sizeof text, "%s", why);
  link_close(l);
  random_bytes(&random, sizeof random);
  loop_timer_start(l->timer, remote_life_wait_ms(m->site->retry_ms, l->tries++, random), 0);
  remote_log(m->site, NULL, "market data: %s", text);
  tell_up(m, text);
}

static void on_open(void *arg) {
  struct market_link *l = arg;
  struct remote_market *m = l->market;
  const int64_t ping_ms = dialect_info(m->site->dialect)->ping_ms;
  struct err err;
  json_t *topics = json_array();
  for (const struct market_topic *t = m->topics; t; t = t->next)
    if (t->link == l) json_array_append_new(topics, topic_json(t));
  json_t *spec = spec_of(m, topics, &err);
  const bool sent = spec && send_texts(l, spec);
  json_decref(spec);
  if (!sent) {
    link_lost(l, "it could not be subscribed");
    return;
  }
  l->open = true;
  if (l->ping && ping_ms > 0) loop_timer_start(l->timer, ping_ms, ping_ms);
  for (struct market_topic *t = m->topics; t; t = t->next) {
    if (t->link != l) continue;
    if (t->type == REMOTE_KLINES) remote_klines_repair(t);
    t->book.known = false;
  }
  tell_up(m, "");
}

// The first topic that an event is about; events without a symbol belong to a link of one.
static struct market_topic *topic_of(struct market_link *l, enum remote_topic type, const json_t *e) {
  const char *symbol = json_string_value(json_object_get(e, "symbol")), *timeframe = json_string_value(json_object_get(e, "timeframe"));
  for (struct market_topic *t = l->market->topics; t; t = t->next)
    if (t->link == l && t->type == type && (!symbol || strcmp(t->symbol, symbol) == 0) && (!timeframe || strcmp(t->timeframe, timeframe) == 0)) return t;
  return NULL;
}

// Each false: the link is lost or the market gone.
static bool hear_kline(struct market_link *l, const json_t *e) {
  struct market_topic *t = topic_of(l, REMOTE_KLINES, e);
  struct remote_market *m = l->market;
  struct venue_kline k;
  struct err err;
  if (!t) return true;
  if (unified_kline(e, &k, &err) != OK) return link_lost(l, err.msg), false;
  remote_market_enter(m);
  remote_kline_heard(t, &k);
  return remote_market_leave(m);
}

static bool hear_trade(struct market_link *l, const json_t *e) {
  struct remote_market *m = l->market;
  const struct market_topic *t = topic_of(l, REMOTE_TRADES, e);
  struct venue_trade trade;
  struct err err;
  if (!t || !m->events->trade) return true;
  if (unified_trade(e, &trade, &err) != OK) return link_lost(l, err.msg), false;
  snprintf(trade.symbol, sizeof trade.symbol, "%s", t->symbol);
  remote_market_enter(m);
  m->events->trade(m->self, &trade);
  return remote_market_leave(m);
}

static bool hear_ticker(struct market_link *l, const json_t *e) {
  struct remote_market *m = l->market;
  struct market_topic *t = topic_of(l, REMOTE_TICKER, e);
  if (!t) return true;
  if (json_is_true(json_object_get(e, "snapshot")) || !t->ticker) {
    json_decref(t->ticker);
    t->ticker = json_object();
  }
  json_object_update(t->ticker, (json_t *)e);
  json_object_del(t->ticker, "type");
  if (!m->events->ticker) return true;
  remote_market_enter(m);
  m->events->ticker(m->self, t->ticker);
  return remote_market_leave(m);
}

static bool hear_book(struct market_link *l, const json_t *e) {
  struct remote_market *m = l->market;
  struct market_topic *t = topic_of(l, REMOTE_BOOK, e);
  if (!t) return true;
  const enum book_result r = book_take(&t->book, e);
  if (r == BOOK_GAP) return link_lost(l, "a gap in a book"), false;
  if (r != BOOK_TAKEN || !m->events->book) return true;
  remote_market_enter(m);
  m->events->book(m->self, t->symbol, &t->book);
  return remote_market_leave(m);
}

static bool hear_trouble(struct market_link *l, const json_t *e) {
  const char *type = json_string_value(json_object_get(e, "type")), *text = json_string_value(json_object_get(e, "text"));
  const bool refused = strcmp(type, "subscribed") == 0 && !json_is_true(json_object_get(e, "ok"));
  if (strcmp(type, "gap") == 0 || refused) return link_lost(l, text ? text : type), false;
  if (strcmp(type, "error") == 0) remote_log(l->market->site, NULL, "market data: it complains: %s", text ? text : "");
  return true;
}

static void on_text(void *arg, const char *text, size_t len) {
  static const struct { const char *type; bool (*fn)(struct market_link *l, const json_t *e); } kinds[] = {{"kline", hear_kline}, {"trade", hear_trade},
    {"ticker", hear_ticker}, {"book", hear_book}, {"subscribed", hear_trouble}, {"gap", hear_trouble}, {"error", hear_trouble}};
  struct market_link *l = arg;
  struct remote_market *m = l->market;
  json_t *events = NULL;
  const json_t *e;
  struct err err;
  size_t i;
  if (dialect_frame(m->site->dialect, "public", text, len, &events, &err) != OK) {
    link_lost(l, err.msg);
    return;
  }
  remote_market_enter(m);
  bool here = true;
  json_array_foreach(events, i, e) {
    const char *type = json_string_value(json_object_get(e, "type"));
    for (size_t k = 0; here && type && k < sizeof kinds / sizeof *kinds; k++)
      if (strcmp(kinds[k].type, type) == 0) here = kinds[k].fn(l, e) && !m->dead;
    if (!here) break;
  }
  if (here) l->tries = 0;  // who is refused waits longer each time
  json_decref(events);
  remote_market_leave(m);
}

static void on_close(void *arg, int code, const char *reason) {
  char why[160];
  snprintf(why, sizeof why, "its stream closed: %d %s", code, reason);
  link_lost(arg, why);
}

static void link_open(struct market_link *l) {
  static const struct ws_client_events events = {.on_open = on_open, .on_text = on_text, .on_close = on_close};
  struct remote_site *site = l->market->site;
  const int64_t ping_ms = dialect_info(site->dialect)->ping_ms;
  const struct ws_client_options o = {.url = l->url, .tls = site->tls, .plain_allowed = site->plain, .message_max = DIALECT_FRAME_MAX, .ping_ms = ping_ms,
    .silence_ms = ping_ms > 0 ? 3 * ping_ms : 0};
  struct err err;
  if (ws_client_open(site->loop, &o, &events, l, &l->ws, &err) != OK) link_lost(l, err.msg);
}

static void on_timer(void *arg) {
  struct market_link *l = arg;
  if (!l->ws) link_open(l);
  else if (l->open && l->ping) ws_client_send(l->ws, l->ping, strlen(l->ping));
}

static enum status link_find(struct remote_market *m, const json_t *spec, struct market_link **ret, struct err *err) {
  const char *url = json_string_value(json_object_get(spec, "url")), *ping = json_string_value(json_object_get(spec, "ping"));
  for (struct market_link *l = m->links; l; l = l->next)
    if (strcmp(l->url, url) == 0) return *ret = l, OK;
  if (strlen(url) >= DIALECT_URL_MAX) return err_set(err, ERR_RANGE, "the URL of a stream is too long");
  struct market_link *l = calloc(1, sizeof *l);
  if (!l || (ping && !(l->ping = strdup(ping)))) {
    free(l);
    return err_set(err, ERR_NOMEM, "a stream");
  }
  l->market = m;
  strcpy(l->url, url);
  const enum status st = loop_timer_create(m->site->loop, on_timer, l, &l->timer, err);
  if (st != OK) {
    free(l->ping);
    free(l);
    return st;
  }
  l->next = m->links;
  m->links = l;
  loop_timer_start(l->timer, 0, 0);
  return *ret = l, OK;
}

// ---- the interface

static void on_tick(void *arg) {
  struct remote_market *m = arg;
  for (struct market_topic *t = m->topics; t; t = t->next)
    if (t->type == REMOTE_KLINES) remote_klines_look(t, t->link->open);
}

enum status remote_market_create(struct remote_site *site, const struct remote_market_events *events, void *self, struct remote_market **ret, struct err *err) {
  struct remote_market *m = calloc(1, sizeof *m);
  if (!m) return err_set(err, ERR_NOMEM, "market data");
  *m = (struct remote_market){.site = site, .events = events, .self = self};
  const enum status st = loop_timer_create(site->loop, on_tick, m, &m->tick, err);
  if (st != OK) {
    free(m);
    return st;
  }
  loop_timer_start(m->tick, TICK_MS, TICK_MS);
  if (!site->clock.known) remote_sync(site);
  return *ret = m, OK;
}

enum status remote_market_want(struct remote_market *m, enum remote_topic type, const char *symbol, const char *timeframe, int64_t from_ns, struct err *err) {
  int64_t timeframe_ns = 0;
  if (type == REMOTE_KLINES && (!timeframe || strlen(timeframe) >= TIMEFRAME_TEXT_MAX || !timeframe_parse(timeframe, &timeframe_ns)))
    return err_set(err, ERR_INVALID, "\"%.20s\" is no timeframe", timeframe ? timeframe : "");
  if (strlen(symbol) >= VENUE_SYMBOL_MAX) return err_set(err, ERR_INVALID, "a symbol that is too long");
  for (const struct market_topic *t = m->topics; t; t = t->next)
    if (t->type == type && strcmp(t->symbol, symbol) == 0 && (type != REMOTE_KLINES || strcmp(t->timeframe, timeframe) == 0)) return OK;
  struct market_topic *t = calloc(1, sizeof *t);
  if (!t) return err_set(err, ERR_NOMEM, "market data");
  t->market = m;
  t->type = type;
  t->timeframe_ns = timeframe_ns;
  book_init(&t->book);
  snprintf(t->symbol, sizeof t->symbol, "%s", symbol);
  if (timeframe_ns > 0) {
    snprintf(t->timeframe, sizeof t->timeframe, "%s", timeframe);
    t->next_ns = timeframe_floor(from_ns > 0 ? from_ns : remote_site_now_ns(m->site, NULL), timeframe_ns);
  }
  json_t *topics = json_array();
  json_array_append_new(topics, topic_json(t));
  json_t *spec = spec_of(m, topics, err);
  enum status st = spec ? link_find(m, spec, &t->link, err) : ERR_NOTFOUND;
  if (st != OK) {
    json_decref(spec);
    free(t);
    return st;
  }
  t->next = m->topics;
  m->topics = t;
  if (t->link->open) {  // on_open speaks for those that were there before
    send_texts(t->link, spec);
    if (type == REMOTE_KLINES) remote_klines_repair(t);
  }
  json_decref(spec);
  return OK;
}

// exchange/stream.c – WebSockets: who they are, what they asked for, and private events as they happen.
#include "exchange/stream.h"

#include "crypto/encode.h"
#include "crypto/hmac.h"
#include "crypto/secret.h"
#include "exchange/delay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- sending ----

static void send_text(struct stream *st, const char *text) {
  ws_send_text(st->ws, text, strlen(text));
}

struct unblock {
  struct server *s;
  uint64_t number;
};

static void unblock(void *arg) {
  struct unblock *u = arg;
  struct stream *st = u->s->streams;
  while (st && st->number != u->number) st = st->next;
  free(u);
  if (!st) return;
  st->blocked = false;
  while (st->later) {
    struct later *l = st->later;
    st->later = l->next;
    send_text(st, l->text);
    free(l->text);
    free(l);
  }
  st->later_end = &st->later;
}

static void block(struct stream *st, int64_t ms) {
  struct unblock *u = malloc(sizeof *u);
  if (!u) return;
  *u = (struct unblock){st->s, st->number};
  st->blocked = true;
  exch_delay(st->s, ms, unblock, u);
}

static void send_or_queue(struct stream *st, const char *text) {
  if (!st->blocked) {
    send_text(st, text);
    return;
  }
  struct later *l = malloc(sizeof *l);
  if (!l) return;
  *l = (struct later){NULL, strdup(text)};
  if (!l->text) {
    free(l);
    return;
  }
  *st->later_end = l;
  st->later_end = &l->next;
}

void exch_stream_push(struct stream *st, const char *topic, const char *link, json_t *frame) {
  char *text = frame ? json_dumps(frame, JSON_COMPACT) : NULL;
  json_decref(frame);
  if (!text) return;
  struct fault_rule *r = st->blocked ? NULL : exch_faults_pick(st->s->faults, AT_FRAME, topic, link);
  enum fault fault = r ? r->fault : FAULT_NONE;
  char *held = st->held;
  st->held = NULL;
  if (fault == FAULT_WS_DELAY) block(st, r->value);
  if (fault == FAULT_WS_CUT)
    ws_cut(st->ws);
  else if (fault == FAULT_WS_REORDER && !held)
    st->held = strdup(text);
  else if (fault != FAULT_WS_DROP)
    send_or_queue(st, text);
  if (fault == FAULT_WS_DUPLICATE) send_or_queue(st, text);
  if (held) send_or_queue(st, held);
  free(held);
  free(text);
}

// ---- private events ----

static void tell(struct server *s, const struct exch_account *a, enum topic_kind kind, const char *link, json_t *row) {
  const char *category = json_string_value(json_object_get(row, "category"));
  for (struct stream *st = s->streams; st && row; st = st->next) {
    if (!st->key || st->key->account != a) continue;
    for (int i = 0; i < st->topic_count; i++) {
      if (st->topics[i]->kind != kind || (st->topics[i]->category && category && strcmp(st->topics[i]->category, category) != 0)) continue;
      json_t *id = json_sprintf("%016" PRIx64, exch_mix(s->x->seed, ++s->ws_sequence));
      exch_stream_push(st, st->topics[i]->text, link,
        json_pack("{s:s, s:o, s:I, s:[O]}", "topic", st->topics[i]->text, "id", id, "creationTime",
          (json_int_t)exch_server_shown_ms(s), "data", row));
    }
  }
  json_decref(row);
}

static bool heard(const struct server *s, const struct exch_account *a) {
  if (s->muted) return false;
  for (const struct stream *st = s->streams; st; st = st->next)
    if (st->key && st->key->account == a) return true;
  return false;
}

static void on_order(void *self, const struct exch_order *o) {
  if (heard(self, o->account)) tell(self, o->account, TOPIC_ORDER, o->link, exch_render_order(o, true));
}
static void on_execution(void *self, const struct exch_execution *e) {
  if (heard(self, e->account))
    tell(self, e->account, TOPIC_EXECUTION, e->order ? e->order->link : "", exch_render_execution(e, true));
}
static void on_position(void *self, const struct exch_account *a, const struct exch_symbol *sym, int idx) {
  struct server *s = self;
  if (heard(s, a)) tell(s, a, TOPIC_POSITION, "", exch_render_position(s->x, a, sym, idx, true));
}
static void on_wallet(void *self, const struct exch_account *a) {
  struct server *s = self;
  if (heard(s, a)) tell(s, a, TOPIC_WALLET, "", exch_render_wallet(s->x, a));
}
static void on_trade(void *self, const struct exch_symbol *sym, const struct exch_public_trade *t) {
  struct server *s = self;
  if (s->muted) return;
  for (struct stream *st = s->streams; st; st = st->next)
    for (int i = 0; i < st->topic_count; i++)
      if (st->topics[i]->kind == TOPIC_TRADE && st->topics[i]->symbol == sym)
        exch_topic_trade(st, st->topics[i], t, exch_server_shown_ms(s));
}

void exch_stream_sink(struct server *s) {
  s->x->sink = (struct exch_sink){s, on_order, on_execution, on_position, on_wallet, on_trade, NULL};
}

void exch_stream_tick(struct server *s, int64_t now_ms) {
  (void)now_ms;
  int64_t shown = exch_server_shown_ms(s);
  for (struct stream *st = s->streams; st; st = st->next)
    for (int i = 0; i < st->topic_count; i++)
      if (st->topics[i]->kind >= TOPIC_KLINE) exch_topic_tell(st, st->topics[i], shown);
}

void exch_stream_drop_all(struct server *s, const char *why) {
  (void)why;
  for (struct stream *st = s->streams, *next; st; st = next) {
    next = st->next;
    ws_cut(st->ws);  // on_close comes later
  }
}

void exch_stream_drop_key(struct server *s, const struct key *k) {
  for (struct stream *st = s->streams, *next; st; st = next) {
    next = st->next;
    if (st->key == k) ws_cut(st->ws);
  }
}

int exch_stream_count(const struct server *s) {
  int n = 0;
  for (const struct stream *st = s->streams; st; st = st->next) n++;
  return n;
}

// ---- what clients say ----

static void reply(struct stream *st, const char *op, const char *req_id, bool success, const char *msg) {
  json_t *j = json_pack("{s:b, s:s, s:o, s:s, s:s}", "success", success, "ret_msg", msg, "conn_id",
    json_sprintf("%016" PRIx64, exch_mix(7, st->number)), "req_id", req_id, "op", op);
  char *text = json_dumps(j, JSON_COMPACT);
  if (text) send_text(st, text);
  free(text);
  json_decref(j);
}

static void auth(struct stream *st, const json_t *args, const char *req_id) {
  char id[64], expires[64], payload[128], hex[HEX_SIZE(HMAC_SHA256_BYTES)];
  uint8_t mac[HMAC_SHA256_BYTES];
  int64_t expires_ms;
  json_t *p = json_object();
  json_object_set(p, "id", json_array_get(args, 0));
  json_object_set(p, "expires", json_array_get(args, 1));
  exch_param_text(p, "id", id);
  exch_param_text(p, "expires", expires);
  json_decref(p);
  const char *sign = json_string_value(json_array_get(args, 2));
  struct key *k = exch_server_key(st->s, id);
  if (!k || !sign) {
    reply(st, "auth", req_id, false, "Params Error");
    return;
  }
  snprintf(payload, sizeof payload, "GET/realtime%s", expires);
  hmac_sha256(k->secret, strlen(k->secret), payload, strlen(payload), mac);
  hex_encode(mac, sizeof mac, hex);
  bool same = strlen(sign) == strlen(hex) && secret_equal(sign, hex, strlen(hex));
  bool fresh =
    decimal_parse_scaled(expires, strlen(expires), 0, &expires_ms) && expires_ms > exch_server_shown_ms(st->s);
  if (!same || !fresh) {
    reply(st, "auth", req_id, false, !same ? "error:auth failed" : "error:expires is in the past");
    return;
  }
  st->key = k;
  reply(st, "auth", req_id, true, "");
}

static struct topic *find_topic(const struct stream *st, const char *text, int *ret_at) {
  for (int i = 0; i < st->topic_count; i++) {
    if (strcmp(st->topics[i]->text, text) != 0) continue;
    *ret_at = i;
    return st->topics[i];
  }
  return NULL;
}

// Returns what is wrong, or NULL.
static const char *subscribe_one(struct stream *st, const char *text, char error[128]) {
  struct topic parsed, *t;
  int at;
  snprintf(error, 128, "error:handler not found,topic:%.60s", text);
  if (strlen(text) >= TOPIC_TEXT_MAX || !exch_topic_parse(st->s->x, text, st, &parsed)) return error;
  if (find_topic(st, text, &at)) {
    snprintf(error, 128, "error:already subscribed,topic:%.60s", text);
    return error;
  }
  if (st->topic_count == TOPICS_MAX || st->topic_chars + (int)strlen(text) > ARGS_CHARS_MAX)
    return "error:args size >21000";
  struct topic **more = realloc(st->topics, sizeof more[0] * (size_t)(st->topic_count + 1));
  if (more) st->topics = more;
  t = more ? malloc(sizeof *t) : NULL;
  if (!t) return "error:out of memory";
  *t = parsed;
  st->topics[st->topic_count++] = t;
  st->topic_chars += (int)strlen(text);
  return NULL;
}

static void subscribe(struct stream *st, const json_t *args, const char *req_id) {
  char error[128];
  if (st->is_private && !st->key) {
    reply(st, "subscribe", req_id, false, "Request not authorized");
    return;
  }
  int had = st->topic_count;
  for (size_t i = 0; i < json_array_size(args); i++) {
    const char *text = json_string_value(json_array_get(args, i)),
               *wrong = text ? subscribe_one(st, text, error) : "error:args";
    if (!wrong) continue;
    reply(st, "subscribe", req_id, false, wrong);
    break;
  }
  if (json_array_size(args) == (size_t)(st->topic_count - had)) reply(st, "subscribe", req_id, true, "");
  for (int i = had; i < st->topic_count; i++)
    if (st->topics[i]->kind >= TOPIC_KLINE) exch_topic_tell(st, st->topics[i], exch_server_shown_ms(st->s));
}

static void unsubscribe(struct stream *st, const json_t *args, const char *req_id) {
  for (size_t i = 0; i < json_array_size(args); i++) {
    const char *text = json_string_value(json_array_get(args, i));
    int at;
    struct topic *t = text ? find_topic(st, text, &at) : NULL;
    if (!t) continue;
    st->topic_chars -= (int)strlen(text);
    exch_topic_free(t);
    st->topics[at] = st->topics[--st->topic_count];
  }
  reply(st, "unsubscribe", req_id, true, "");
}

static void ping(struct stream *st, const char *req_id) {
  if (!st->is_private) {
    reply(st, "ping", req_id, true, "pong");
    return;
  }
  json_t *j = json_pack("{s:s, s:s, s:[o], s:o}", "req_id", req_id, "op", "pong", "args",
    exch_json_ms(exch_server_shown_ms(st->s)), "conn_id", json_sprintf("%016" PRIx64, exch_mix(7, st->number)));
  char *text = json_dumps(j, JSON_COMPACT);
  if (text) send_text(st, text);
  free(text);
  json_decref(j);
}

static void on_text(void *arg, struct ws *ws, const char *text, size_t len) {
  struct stream *st = arg;
  char req_id[64];
  (void)ws;
  json_t *j = json_loadb(text, len, 0, NULL);
  const char *op = json_string_value(json_object_get(j, "op"));
  const json_t *args = json_object_get(j, "args");
  exch_param_text(j, "req_id", req_id);
  if (!op)
    reply(st, "", req_id, false, "error:op is required");
  else if (strcmp(op, "ping") == 0)
    ping(st, req_id);
  else if (strcmp(op, "auth") == 0)
    auth(st, args, req_id);
  else if (strcmp(op, "subscribe") == 0)
    subscribe(st, args, req_id);
  else if (strcmp(op, "unsubscribe") == 0)
    unsubscribe(st, args, req_id);
  else if (strcmp(op, "pong") != 0)
    reply(st, op, req_id, false, "error:unknown op");
  json_decref(j);
}

static void on_close(void *arg, struct ws *ws, int code, const char *reason) {
  struct stream *st = arg;
  (void)ws;
  (void)code;
  (void)reason;
  if (st->prev)
    st->prev->next = st->next;
  else
    st->s->streams = st->next;
  if (st->next) st->next->prev = st->prev;
  for (int i = 0; i < st->topic_count; i++) exch_topic_free(st->topics[i]);
  free(st->topics);
  free(st->held);
  for (struct later *l = st->later, *next; l; l = next) {
    next = l->next;
    free(l->text);
    free(l);
  }
  free(st);
}

void exch_stream_open(struct server *s, struct http_request *req, enum stream_kind kind) {
  static const struct ws_handler handler = {.on_text = on_text, .on_close = on_close};
  struct stream *st = calloc(1, sizeof *st);
  if (!st) {
    http_reply(req, 503, NULL, NULL, 0);
    return;
  }
  struct ws *ws = ws_upgrade(req, &handler, st, NULL);
  if (!ws) {
    free(st);
    return;
  }
  *st = (struct stream){.s = s, .ws = ws, .number = ++s->ws_sequence, .is_private = kind == STREAM_PRIVATE, .is_spot = kind == STREAM_SPOT, .next = s->streams};
  st->later_end = &st->later;
  if (s->streams) s->streams->prev = st;
  s->streams = st;
}

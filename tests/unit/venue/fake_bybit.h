// tests/unit/venue/fake_bybit.h – just enough of Bybit v5 to be asked anything and to fail at any byte: REST and the private stream on one
// port of the test's own loop. Real faults over a whole exchange: `perigee exchange`.
#pragma once
#include "../net/scripted.h"
#include "loop/clock.h"
#include "net/ws_frame.h"

#include <stdbool.h>

enum fake_fault { FAULT_NONE, FAULT_CUT_REQUEST, FAULT_CUT_REPLY, FAULT_RESET_REPLY, FAULT_SILENCE, FAULT_RAW };
struct fake_order { char client_id[40], symbol[24]; };

static struct fake {
  struct scripted raw;
  int64_t skew_ms;           // of its clock against ours
  const char *key_info;      // result of /v5/user/query-api
  bool login_ok, mute, deaf, refusing; // refusing: no subscription is taken. mute: the stream's login is not answered; deaf: nor are pings
  const char *open_orders;   // "list" of /v5/order/realtime, JSON
  const char *history;       // likewise of /v5/order/history
  const char *executions;    // likewise of /v5/execution/list
  const char *instruments;   // likewise of /v5/market/instruments-info
  int64_t first_ms;          // its first bar; one a minute, but none at hole_ms
  int64_t hole_ms;
  // The next requests whose path begins so meet the fault, `times` times (-1: for ever).
  const char *path;
  enum fake_fault fault;
  int times;
  size_t at;                 // of FAULT_CUT_…: bytes that pass
  const char *raw_reply;     // of FAULT_RAW: the whole answer
  // What came.
  unsigned creates, cancels, reads, clocks, keys, logins, pings, subscriptions, streams;
  char last_create[1024], last_head[2048];
  struct fake_order orders[256];
  unsigned order_count;
  struct peer *stream;
  unsigned stream_number;    // a place of peers is used again
} fake;

static int64_t fake_now_ms(void) {
  return clock_wall_ns() / 1000000 + fake.skew_ms;
}

// ---- frames

static void fake_push(const char *text) {
  uint8_t head[10];
  const size_t len = strlen(text), n = ws_frame_header(1, len, head);
  if (!fake.stream || fake.stream->number != fake.stream_number) return;
  peer_send(fake.stream, head, n);
  peer_send(fake.stream, text, len);
}

static bool fake_event(void *arg, const struct ws_event *e) {
  (void)arg;
  if (e->kind != WS_TEXT) return true;
  if (strstr(e->bytes, "\"auth\"")) {
    fake.logins++;
    if (!fake.mute) fake_push(fake.login_ok ? "{\"success\":true,\"ret_msg\":\"\",\"op\":\"auth\",\"conn_id\":\"a\"}" : "{\"success\":false,\"ret_msg\":\"denied\",\"op\":\"auth\",\"conn_id\":\"a\"}");
  } else if (strstr(e->bytes, "\"subscribe\"")) {
    fake.subscriptions++;
    fake_push(fake.refusing ? "{\"success\":false,\"ret_msg\":\"no\",\"op\":\"subscribe\",\"conn_id\":\"a\"}" : "{\"success\":true,\"ret_msg\":\"\",\"op\":\"subscribe\",\"conn_id\":\"a\"}");
  } else if (strstr(e->bytes, "\"ping\"")) {
    fake.pings++;
    if (!fake.deaf) fake_push("{\"success\":true,\"ret_msg\":\"pong\",\"op\":\"ping\"}");
  }
  return true;
}

static void fake_stream_bytes(struct peer *p) {
  static struct ws_reader reader;
  ws_reader_finish(&reader);
  memset(&reader, 0, sizeof reader);
  // Whole frames come at once on loopback: a test's own are small.
  ws_reader_feed(&reader, p->in + p->seen, p->len - p->seen, fake_event, p);
  p->seen = p->len;
  ws_reader_finish(&reader);
}

static void fake_upgrade(struct peer *p) {
  char key[32] = "", accept[29], head[256];
  sscanf(strstr(p->in, "Sec-WebSocket-Key: ") + 19, "%31[^\r]", key);
  if (!ws_accept_key(key, accept)) abort();
  snprintf(head, sizeof head, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept);
  fake.streams++;
  fake.stream = p;
  fake.stream_number = p->number;
  p->seen = p->len;
  peer_say(p, head);
}

// ---- REST

static void fake_field(const char *body, const char *name, char *ret, size_t size) {
  char key[48];
  snprintf(key, sizeof key, "\"%s\":\"", name);
  const char *at = strstr(body, key);
  ret[0] = '\0';
  if (!at) return;
  at += strlen(key);
  snprintf(ret, size, "%.*s", (int)strcspn(at, "\""), at);
}

// Bars as Bybit tells them: the newest first. Each minute is its number since the first, and an hour is made of sixty.
static void fake_klines(const char *path, char *ret, size_t size) {
  const int64_t start = strtoll(strstr(path, "start=") + 6, NULL, 10), end = strtoll(strstr(path, "end=") + 4, NULL, 10);
  const int64_t minutes = strstr(path, "interval=60") ? 60 : 1, step = minutes * 60000;
  size_t n = (size_t)snprintf(ret, size, "{\"category\":\"linear\",\"symbol\":\"BTCUSDT\",\"list\":[");
  const char *comma = "";
  for (int64_t at = end - end % step; at >= start && at >= fake.first_ms; at -= step) {
    const long long i = (long long)((at - fake.first_ms) / 60000);
    if (at == fake.hole_ms) continue;
    n += (size_t)snprintf(ret + n, size - n, "%s[\"%lld\",\"%lld\",\"%lld\",\"%lld\",\"%lld\",\"%.1f\",\"2\"]", comma, (long long)at, i, i + minutes, i, i + minutes - 1, 1.5 * (double)minutes);
    comma = ",";
  }
  snprintf(ret + n, size - n, "]}");
}

// The body of the answer, and what it does.
static void fake_answer(const char *path, const char *body, char *ret, size_t size) {
  static char result[200000];
  strcpy(result, "{}");
  if (strncmp(path, "/v5/order/create", 16) == 0) {
    struct fake_order *o = &fake.orders[fake.order_count++];
    fake.creates++;
    snprintf(fake.last_create, sizeof fake.last_create, "%s", body);
    fake_field(body, "orderLinkId", o->client_id, sizeof o->client_id);
    snprintf(result, sizeof result, "{\"orderId\":\"venue-%u\",\"orderLinkId\":\"%s\"}", fake.order_count, o->client_id);
  } else if (strncmp(path, "/v5/order/cancel", 16) == 0 || strncmp(path, "/v5/order/amend", 15) == 0) {
    fake.cancels++;
    snprintf(result, sizeof result, "{\"orderId\":\"venue-1\",\"orderLinkId\":\"x\"}");
  } else if (strncmp(path, "/v5/market/time", 15) == 0) {
    fake.clocks++;
    snprintf(result, sizeof result, "{\"timeSecond\":\"%lld\",\"timeNano\":\"%lld000000\"}", (long long)(fake_now_ms() / 1000), (long long)fake_now_ms());
  } else if (strncmp(path, "/v5/user/query-api", 18) == 0) {
    fake.keys++;
    snprintf(result, sizeof result, "%s", fake.key_info);
  } else if (strncmp(path, "/v5/market/kline", 16) == 0) {
    fake.reads++;
    fake_klines(path, result, sizeof result);
  } else {
    fake.reads++;
    const char *list = strncmp(path, "/v5/order/realtime", 18) == 0 ? fake.open_orders : strncmp(path, "/v5/order/history", 17) == 0 ? fake.history : strncmp(path, "/v5/execution/list", 18) == 0 ? fake.executions
      : strncmp(path, "/v5/market/instruments-info", 27) == 0 ? fake.instruments : NULL;
    snprintf(result, sizeof result, "{\"category\":\"linear\",\"list\":[%s]}", list ? list : "");
  }
  snprintf(ret, size, "{\"retCode\":0,\"retMsg\":\"OK\",\"result\":%s,\"retExtInfo\":{},\"time\":%lld}", result, (long long)fake_now_ms());
}

static void fake_reply(struct peer *p, const char *path, const char *body) {
  static char text[210000], reply[220000];
  const bool faulty = fake.times != 0 && fake.path && fake.fault != FAULT_CUT_REQUEST && strncmp(path, fake.path, strlen(fake.path)) == 0;
  if (faulty && fake.times > 0) fake.times--;
  fake_answer(path, body, text, sizeof text);
  snprintf(reply, sizeof reply, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", strlen(text), text);
  if (!faulty) {
    peer_say(p, reply);
    return;
  }
  if (fake.fault == FAULT_RAW) {
    peer_say(p, fake.raw_reply);
    if (strstr(fake.raw_reply, "Connection: close")) peer_close(p);
  }
  if (fake.fault == FAULT_CUT_REPLY || fake.fault == FAULT_RESET_REPLY) {
    peer_send(p, reply, fake.at < strlen(reply) ? fake.at : strlen(reply));
    if (fake.fault == FAULT_CUT_REPLY) peer_close(p);
    else peer_reset(p);
  }
}

static void fake_bytes(struct scripted *s, struct peer *p) {
  (void)s;
  if (p == fake.stream && p->number == fake.stream_number) {
    fake_stream_bytes(p);
    return;
  }
  for (;;) {
    char *head = p->in + p->seen, *end = strstr(head, "\r\n\r\n");
    if (fake.fault == FAULT_CUT_REQUEST && fake.times != 0 && strncmp(head, "POST ", 5) == 0 && strlen(head) >= 5 + strlen(fake.path) &&
        strncmp(head + 5, fake.path, strlen(fake.path)) == 0 && p->len - p->seen >= fake.at) {
      if (fake.times > 0) fake.times--;
      peer_reset(p);
      return;
    }
    if (!end) return;
    const char *length = strstr(head, "Content-Length: ");
    const size_t body_len = length && length < end ? strtoul(length + 16, NULL, 10) : 0;
    if (p->len - (size_t)(end + 4 - p->in) < body_len) return;
    char path[1024] = "", body[4096];
    sscanf(head, "%*s %1023s", path);
    snprintf(body, sizeof body, "%.*s", (int)body_len, end + 4);
    snprintf(fake.last_head, sizeof fake.last_head, "%.*s", (int)(end - head), head);
    if (strcmp(path, "/v5/private") == 0 || strncmp(path, "/v5/public/", 11) == 0) {
      fake_upgrade(p);
      return;
    }
    p->seen = (size_t)(end + 4 - p->in) + body_len;
    fake_reply(p, path, body);
    if (p->fd < 0 || p->seen == p->len) return;
  }
}

#define FAKE_KEY "{\"id\":\"1\",\"readOnly\":0,\"permissions\":{\"ContractTrade\":[\"Order\",\"Position\"],\"Wallet\":[]},\"ips\":[\"127.0.0.1\"],\"expiredAt\":\"2030-01-02T03:04:05Z\"}"

static void fake_start(struct loop *loop) {
  memset(&fake, 0, sizeof fake);
  fake.key_info = FAKE_KEY;
  fake.login_ok = true;
  scripted_start(&fake.raw, loop);
  fake.raw.on_bytes = fake_bytes;
}

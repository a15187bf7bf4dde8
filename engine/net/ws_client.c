// net/ws_client.c – see ws_client.h.
#include "net/ws_client.h"

#include "base/wipe.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "loop/loop.h"
#include "net/client.h"
#include "net/http_request.h"
#include "net/mail_message.h"
#include "net/tls.h"
#include "net/ws_frame.h"

#include <assert.h>
#include <llhttp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wslay/wslay.h>

#define MESSAGE_MAX (4 << 20)
#define OPEN_MS 10000
#define PING_MS 20000
#define SILENCE_MS 60000
#define CLOSE_MS 2000
#define REASON_MAX 123

enum ws_client_state { OPENING, SHAKING, OPEN, CLOSING, OVER };

struct ws_client {
  struct loop *loop;
  struct client *client;
  struct loop_timer *timer;
  struct tls_client *tls;
  const struct ws_client_events *events;
  void *arg;
  struct buf request;             // of the handshake; then its answer's head
  struct ws_reader reader;
  char accept[29];
  int64_t open_ms, ping_ms, silence_ms;
  int64_t heard_ms, pinged_ms;
  enum ws_client_state state;
  bool shaken;                    // the handshake is done: frames come
  bool feeding, destroyed;
};

static void release(struct ws_client *w) {
  client_destroy(w->client);
  loop_timer_destroy(w->timer);
  tls_client_release(w->tls);
  buf_finish(&w->request);
  ws_reader_finish(&w->reader);
  free(w);
}

// Never within a call of the owner's.
static void over(struct ws_client *w, int code, const char *reason) {
  if (w->state == OVER || w->destroyed) return;
  w->state = OVER;
  loop_timer_stop(w->timer);
  char text[256];
  snprintf(text, sizeof text, "%s", reason);  // may live in what ends
  client_destroy(w->client);
  w->client = NULL;
  w->events->on_close(w->arg, code, text);
}

// ---- sending ----

static bool send_frame(struct ws_client *w, uint8_t opcode, const void *bytes, size_t len) {
  uint8_t small[1024], mask[4];
  uint8_t *frame = len + WS_MASKED_EXTRA <= sizeof small ? small : malloc(len + WS_MASKED_EXTRA);
  if (!frame) return false;
  random_bytes(mask, sizeof mask);
  const size_t size = ws_frame_masked(opcode, bytes, len, mask, frame);
  const bool sent = client_write(w->client, frame, size);
  secret_wipe(frame, size);
  if (frame != small) free(frame);
  return sent;
}

bool ws_client_send(struct ws_client *w, const char *text, size_t len) {
  if (w->state != OPEN || client_queued(w->client) > WS_CLIENT_QUEUE_MAX) return false;
  return send_frame(w, WSLAY_TEXT_FRAME, text, len);
}

static void send_close(struct ws_client *w, int code, const char *reason) {
  uint8_t payload[WS_CONTROL_MAX] = {(uint8_t)(code >> 8), (uint8_t)code};
  const size_t len = strnlen(reason, REASON_MAX);
  memcpy(payload + 2, reason, len);
  send_frame(w, WSLAY_CONNECTION_CLOSE, payload, code == WS_NO_STATUS ? 0 : 2 + len);
}

void ws_client_close(struct ws_client *w, int code, const char *reason) {
  if (w->state == CLOSING || w->state == OVER) return;
  if (w->state == OPEN) send_close(w, code, reason ? reason : "");
  const bool was_open = w->state == OPEN;
  w->state = CLOSING;
  loop_timer_start(w->timer, was_open ? CLOSE_MS : 0, 0);
}

// Our end of it, because of the other side's fault.
static void drop(struct ws_client *w, int code, const char *reason) {
  if (w->state == OPEN) send_close(w, code, reason);
  over(w, code, reason);
}

// ---- what comes ----

static bool on_event(void *arg, const struct ws_event *e) {
  struct ws_client *w = arg;
  if (e->kind == WS_TEXT) {
    if (w->state == OPEN) w->events->on_text(w->arg, e->bytes, e->len);
  } else if (e->kind == WS_PING) {
    if (w->state == OPEN) send_frame(w, WSLAY_PONG, e->bytes, e->len);
  } else if (e->kind == WS_CLOSE) {
    if (w->state == OPEN) send_close(w, e->code, "");
    over(w, e->code, e->bytes);
  }
  return !w->destroyed && w->state != OVER;
}

static void feed(struct ws_client *w, const char *bytes, size_t len) {
  w->heard_ms = loop_now_ms(w->loop);
  w->feeding = true;
  const bool good = ws_reader_feed(&w->reader, bytes, len, on_event, w);
  w->feeding = false;
  if (w->destroyed) release(w);
  else if (!good) drop(w, w->reader.fail_code ? w->reader.fail_code : WS_PROTOCOL, w->reader.fail_reason ? w->reader.fail_reason : "protocol");
}

// ---- the handshake ----

struct shake {
  llhttp_t parser;
  char name[32], value[128];  // longer ones are none of those that count
  size_t name_len, value_len;
  bool upgrade, connection, accept, other;  // seen and right; other: seen twice, wrong, or something we did not ask for
  const char *wanted;
  bool in_value;
};

static bool has_token(const char *list, const char *token) {
  const size_t len = strlen(token);
  for (const char *at = list; *at;) {
    at += strspn(at, ", \t");
    const size_t n = strcspn(at, ", \t");
    if (n == len && strncasecmp(at, token, n) == 0) return true;
    at += n;
  }
  return false;
}

static void judge_field(struct shake *k) {
  k->name[k->name_len] = k->value[k->value_len] = '\0';
  while (k->value_len > 0 && strchr(" \t", k->value[k->value_len - 1])) k->value[--k->value_len] = '\0';
  if (strcasecmp(k->name, "upgrade") == 0) {
    k->other |= k->upgrade || strcasecmp(k->value, "websocket") != 0;
    k->upgrade = true;
  } else if (strcasecmp(k->name, "connection") == 0) {
    k->connection |= has_token(k->value, "upgrade");
  } else if (strcasecmp(k->name, "sec-websocket-accept") == 0) {
    k->other |= k->accept || strcmp(k->value, k->wanted) != 0;
    k->accept = true;
  } else if (strcasecmp(k->name, "sec-websocket-extensions") == 0 || strcasecmp(k->name, "sec-websocket-protocol") == 0) {
    k->other = true;
  }
  k->name_len = k->value_len = 0;
  k->in_value = false;
}

static int on_name(llhttp_t *p, const char *at, size_t len) {
  struct shake *k = p->data;
  if (k->in_value) judge_field(k);
  for (size_t i = 0; i < len; i++) k->name[k->name_len < sizeof k->name - 1 ? k->name_len++ : k->name_len - 1] = at[i];
  return 0;
}

static int on_value(llhttp_t *p, const char *at, size_t len) {
  struct shake *k = p->data;
  k->in_value = true;
  for (size_t i = 0; i < len; i++) k->value[k->value_len < sizeof k->value - 1 ? k->value_len++ : k->value_len - 1] = at[i];
  return 0;
}

static int on_value_complete(llhttp_t *p) {
  ((struct shake *)p->data)->in_value = true;
  return 0;
}

static int on_head(llhttp_t *p) {
  struct shake *k = p->data;
  if (k->in_value) judge_field(k);
  return 2;  // whatever comes behind the head is not HTTP
}

// Judges the answer's whole head; NULL: it is what RFC 6455 §4.1 asks for.
static const char *shake_judge(const char *head, size_t len, const char *accept, int *ret_status) {
  static const llhttp_settings_t settings = {.on_header_field = on_name, .on_header_value = on_value, .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_head};
  struct shake k = {.wanted = accept};
  llhttp_init(&k.parser, HTTP_RESPONSE, &settings);
  k.parser.data = &k;
  const llhttp_errno_t code = llhttp_execute(&k.parser, head, len);
  if ((code != HPE_OK && code != HPE_PAUSED_UPGRADE) || k.parser.http_major != 1) return "no answer of HTTP";
  *ret_status = k.parser.status_code;
  if (k.parser.status_code != 101) return "refused";
  if (k.parser.http_minor != 1) return "an upgrade by HTTP/1.0";
  if (!k.upgrade || !k.connection || !k.accept || k.other) return "a handshake that proves nothing";
  return NULL;
}

static void shake_feed(struct ws_client *w, const char *bytes, size_t len) {
  const size_t had = w->request.len;
  buf_add(&w->request, bytes, len);
  const char *from = w->request.data + (had > 3 ? had - 3 : 0);
  const char *end = w->request.failed ? NULL : memmem(from, w->request.len - (size_t)(from - w->request.data), "\r\n\r\n", 4);
  if (!end) {
    if (w->request.failed || w->request.len > HTTP_CLIENT_HEAD_MAX) over(w, WS_ABNORMAL, "the handshake's answer is too long");
    return;
  }
  const size_t head_len = (size_t)(end - w->request.data) + 4;
  int status = 0;
  const char *wrong = head_len > HTTP_CLIENT_HEAD_MAX ? "the handshake's answer is too long" : shake_judge(w->request.data, head_len, w->accept, &status);
  if (wrong) {
    char why[96];
    if (status && status != 101) snprintf(why, sizeof why, "the handshake was answered with %d", status);
    else snprintf(why, sizeof why, "%s", wrong);
    over(w, WS_ABNORMAL, why);
    return;
  }
  const size_t rest = had + len - head_len;
  w->state = OPEN;
  w->shaken = true;
  w->heard_ms = loop_now_ms(w->loop);
  buf_finish(&w->request);
  const int64_t tick_ms = w->ping_ms / 2 > 0 ? w->ping_ms / 2 : 1;
  loop_timer_start(w->timer, tick_ms, tick_ms);
  w->feeding = true;
  w->events->on_open(w->arg);
  w->feeding = false;
  if (w->destroyed) release(w);
  else if (rest > 0 && w->state == OPEN) feed(w, bytes + len - rest, rest);
}

// ---- events ----

static void on_open(void *arg) {
  struct ws_client *w = arg;
  if (w->state != OPENING) return;
  const bool sent = client_write(w->client, w->request.data, w->request.len);
  buf_finish(&w->request);
  buf_init_secret(&w->request, HTTP_CLIENT_HEAD_MAX + 65536 + 4);  // the head, and what of the first frames came with it
  w->state = SHAKING;
  if (!sent) over(w, WS_ABNORMAL, "the connection broke in the handshake");
}

static void on_data(void *arg, const char *bytes, size_t len) {
  struct ws_client *w = arg;
  if (w->state == SHAKING) shake_feed(w, bytes, len);
  else if (w->shaken) feed(w, bytes, len);
}

static void on_close(void *arg, const char *why) {
  struct ws_client *w = arg;
  over(w, WS_ABNORMAL, why ? why : w->state == OPEN ? "closed without a word" : "closed in the handshake");
}

static void on_timer(void *arg) {
  struct ws_client *w = arg;
  if (w->state == OPENING || w->state == SHAKING) {
    over(w, WS_ABNORMAL, "timed out in the handshake");
    return;
  }
  if (w->state == CLOSING) {
    over(w, WS_NORMAL, "closed");
    return;
  }
  const int64_t now_ms = loop_now_ms(w->loop), silent_ms = now_ms - w->heard_ms;
  if (silent_ms >= w->silence_ms) drop(w, WS_GOING_AWAY, "silent for too long");
  else if (client_queued(w->client) > WS_CLIENT_QUEUE_MAX) over(w, WS_ABNORMAL, "it does not read");
  else if (silent_ms >= w->ping_ms && now_ms - w->pinged_ms >= w->ping_ms) {
    w->pinged_ms = now_ms;
    send_frame(w, WSLAY_PING, "", 0);
  }
}

static enum status handshake_write(struct ws_client *w, const struct ws_client_options *o, const struct http_url *url, struct err *err) {
  uint8_t nonce[16];
  char key[32];
  random_bytes(nonce, sizeof nonce);
  base64_encode(nonce, sizeof nonce, key);
  if (!ws_accept_key(key, w->accept)) assert(!"a key of ours is one");
  buf_printf(&w->request, "GET %s%s HTTP/1.1\r\nHost: %s%s%s", *url->target == '/' ? "" : "/", url->target, url->v6 ? "[" : "", url->host, url->v6 ? "]" : "");
  if (url->port != (url->tls ? 443 : 80)) buf_printf(&w->request, ":%u", url->port);
  buf_printf(&w->request, "\r\nUser-Agent: perigee\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n", key);
  for (size_t i = 0; i < o->field_count; i++) {
    const struct http_client_field *f = &o->fields[i];
    if (!http_request_field_ok(f) || strncasecmp(f->name, "sec-websocket-", 14) == 0) return err_set(err, ERR_INVALID, "field \"%.40s\" cannot be sent", f->name);
    buf_printf(&w->request, "%s: %s\r\n", f->name, f->value);
  }
  buf_str(&w->request, "\r\n");
  return w->request.failed ? err_set(err, ERR_LIMIT, "the handshake is too long") : OK;
}

enum status ws_client_open(struct loop *loop, const struct ws_client_options *o, const struct ws_client_events *events, void *arg,
  struct ws_client **ret, struct err *err) {
  char text[HTTP_CLIENT_URL_MAX + 8];
  struct http_url url;
  if (strncasecmp(o->url, "ws", 2) != 0) return err_set(err, ERR_INVALID, "the URL begins neither with wss:// nor with ws://");
  snprintf(text, sizeof text, "http%s", o->url + 2);
  enum status st = http_url_parse(text, &url, err);
  if (st != OK) return st;
  if (!url.tls && !o->plain_allowed) return err_set(err, ERR_INVALID, "the URL must begin with wss://");
  assert(o->tls || !url.tls);
  struct ws_client *w = calloc(1, sizeof *w);
  if (!w) return err_set(err, ERR_NOMEM, "connection");
  w->loop = loop;
  w->events = events;
  w->arg = arg;
  w->open_ms = o->open_ms ? o->open_ms : OPEN_MS;
  w->ping_ms = o->ping_ms ? o->ping_ms : PING_MS;
  w->silence_ms = o->silence_ms ? o->silence_ms : SILENCE_MS;
  w->reader.of_server = true;
  w->reader.message_max = o->message_max ? o->message_max : MESSAGE_MAX;
  buf_init_secret(&w->request, HTTP_CLIENT_HEAD_MAX);
  static const struct client_events client_events = {.on_open = on_open, .on_data = on_data, .on_close = on_close};
  const struct client_options options = {.host = url.host, .port = url.port, .tls = url.tls ? o->tls : NULL, .timeout_ms = w->open_ms};
  st = handshake_write(w, o, &url, err);
  if (st == OK && url.tls) w->tls = tls_client_retain(o->tls);
  if (st == OK) st = loop_timer_create(loop, on_timer, w, &w->timer, err);
  if (st == OK) st = client_open(loop, &options, &client_events, w, &w->client, err);
  if (st != OK) {
    release(w);
    return st;
  }
  loop_timer_start(w->timer, w->open_ms, 0);
  *ret = w;
  return OK;
}

void ws_client_destroy(struct ws_client *w) {
  if (!w) return;
  assert(!w->destroyed);
  w->destroyed = true;
  if (!w->feeding) release(w);
}

// A WebSocket to a server that may lie: handshakes that prove nothing, frames in any pieces, masked, too large, broken, cut at every
// byte; and against our own server over TLS, by name.
#include "net/ws_client.h"
#include "net/ws_frame.h"
#include "scripted.h"
#include "servers.h"

static struct scripted raw;

// ---- our own server: echoes ----

static void echo(void *arg, struct ws *ws, const char *text, size_t len) {
  (void)arg;
  if (strcmp(text, "close") == 0) ws_close(ws, 4000, "as you say");
  else ws_send_text(ws, text, len);
}
static void echo_closed(void *arg, struct ws *ws, int code, const char *reason) { (void)arg, (void)ws, (void)code, (void)reason; }

static void on_request(void *arg, struct http_request *req) {
  static const struct ws_handler handler = {.on_text = echo, .on_close = echo_closed};
  (void)arg;
  if (strcmp(req->path, "/no") == 0) http_reply(req, 403, "text/plain", "no", 2);
  else ws_upgrade(req, &handler, NULL, NULL);
}

// ---- the client ----

static struct ws_client *ws;
static unsigned opened, closed, texts;
static int code;
static size_t last_len;
static char last[512], reason[256];
static enum { NOTHING, DESTROY_ON_OPEN, DESTROY_ON_TEXT } mischief;

static void on_open(void *arg) {
  (void)arg;
  opened++;
  if (mischief == DESTROY_ON_OPEN) ws_client_destroy(ws), ws = NULL;
}
static void on_text(void *arg, const char *text, size_t len) {
  (void)arg;
  texts++;
  last_len = len;
  assert_int_equal(text[len], '\0');
  snprintf(last, sizeof last, "%s", text);
  if (mischief == DESTROY_ON_TEXT) ws_client_destroy(ws), ws = NULL;
}
static void on_close(void *arg, int c, const char *why) {
  (void)arg;
  closed++;
  code = c;
  snprintf(reason, sizeof reason, "%s", why);
}
static const struct ws_client_events events = {.on_open = on_open, .on_text = on_text, .on_close = on_close};

static void open_url(struct ws_client_options o, const char *scheme, const char *host, uint16_t port, const char *target) {
  char url[256];
  ws_client_destroy(ws);
  ws = NULL;
  snprintf(url, sizeof url, "%s://%s:%u%s", scheme, host, port, target);
  o.url = url;
  o.plain_allowed = o.tls == NULL;
  opened = closed = texts = 0;
  code = 0;
  last[0] = reason[0] = '\0';
  assert_int_equal(ws_client_open(loop, &o, &events, NULL, &ws, &err), OK);
  assert_int_equal(opened + closed, 0);
}

static void until(const unsigned *count, unsigned n) {
  while (*count < n && (closed == 0 || count == &closed)) loop_turn(loop, true);
}

static void settle(void) {
  for (int i = 0; i < 20; i++) loop_turn(loop, false);
}

static void with_our_server(void **state) {
  (void)state;
  static char large[60001];
  open_url((struct ws_client_options){.tls = trusting}, "wss", "localhost", good_port, "/");
  assert_false(ws_client_send(ws, "early", 5));
  until(&opened, 1);
  assert_int_equal(opened, 1);
  assert_true(ws_client_send(ws, "hello", 5));
  until(&texts, 1);
  assert_string_equal(last, "hello");
  static const size_t sizes[] = {0, 1, 125, 126, 127, 1009, 1010, 1011, 60000};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    memset(large, 'a' + (int)i, sizes[i]);
    large[sizes[i]] = '\0';
    assert_true(ws_client_send(ws, large, sizes[i]));
    until(&texts, (unsigned)i + 2);
    assert_int_equal(last_len, sizes[i]);
    assert_memory_equal(last, large, sizes[i] < sizeof last ? sizes[i] : sizeof last - 1);
  }
  assert_true(ws_client_send(ws, "close", 5));
  until(&closed, 1);
  assert_int_equal(code, 4000);
  assert_string_equal(reason, "as you say");
  assert_false(ws_client_send(ws, "late", 4));
  // We close.
  open_url((struct ws_client_options){0}, "ws", "127.0.0.1", plain_port, "/");
  until(&opened, 1);
  ws_client_close(ws, WS_NORMAL, "bye");
  assert_int_equal(closed, 0);
  until(&closed, 1);
  assert_int_equal(code, WS_NORMAL);
  // Before it is open.
  open_url((struct ws_client_options){0}, "ws", "127.0.0.1", plain_port, "/");
  ws_client_close(ws, WS_NORMAL, "bye");
  until(&closed, 1);
  assert_int_equal(opened, 0);
}

static void who_is_refused(void **state) {
  (void)state;
  open_url((struct ws_client_options){.tls = trusting}, "wss", "localhost", other_port, "/");
  until(&closed, 1);
  assert_non_null(strstr(reason, "certificate"));
  open_url((struct ws_client_options){.tls = trusting}, "wss", "127.0.0.1", good_port, "/");
  until(&closed, 1);
  assert_non_null(strstr(reason, "certificate"));
  open_url((struct ws_client_options){.tls = distrusting}, "wss", "localhost", good_port, "/");
  until(&closed, 1);
  assert_non_null(strstr(reason, "certificate"));
  open_url((struct ws_client_options){0}, "ws", "127.0.0.1", plain_port, "/no");
  until(&closed, 1);
  assert_string_equal(reason, "the handshake was answered with 403");
  open_url((struct ws_client_options){0}, "ws", "127.0.0.1", 1, "/");
  until(&closed, 1);
  assert_int_equal(code, WS_ABNORMAL);
  assert_int_equal(opened, 0);
  static const char *const bad[] = {"http://a/", "ws://a/", "wss://u@a/", "wss:///", "wss://a/#x", "wss://a/ b", ""};
  struct ws_client *none;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(ws_client_open(loop, &(struct ws_client_options){.url = bad[i], .tls = trusting}, &events, NULL, &none, &err), ERR_INVALID);
  static const struct http_client_field fields[] = {{"Sec-WebSocket-Protocol", "x"}, {"X", "a\r\nB: c"}, {"Host", "x"}};
  for (size_t i = 0; i < 3; i++) {
    const struct ws_client_options o = {.url = "wss://a/", .tls = trusting, .fields = &fields[i], .field_count = 1};
    assert_int_equal(ws_client_open(loop, &o, &events, NULL, &none, &err), ERR_INVALID);
  }
}

// ---- a server of raw bytes ----

static const char *head;      // of the handshake's answer; @: the right proof
static const char *frames;    // behind it
static size_t frames_len, cut_at, piece;
static bool then_close;

static void shake(struct scripted *s, struct peer *p) {
  (void)s;
  if (p->seen || !strstr(p->in, "\r\n\r\n")) return;
  p->seen = p->len;
  char key[32] = "", accept[29] = "", bytes[4096];
  const char *at = strstr(p->in, "Sec-WebSocket-Key: ");
  assert_non_null(at);
  sscanf(at + 19, "%31[^\r]", key);
  assert_true(ws_accept_key(key, accept));
  const char *mark = strchr(head, '@');
  size_t len = (size_t)snprintf(bytes, sizeof bytes, "%.*s%s%s", (int)(mark - head), head, accept, mark + 1);
  assert_true(len + frames_len < sizeof bytes);
  memcpy(bytes + len, frames, frames_len);
  len += frames_len;
  if (cut_at < len) len = cut_at;
  for (size_t i = 0; i < len && p->fd >= 0; i += piece) {
    peer_send(p, bytes + i, len - i < piece ? len - i : piece);
    if (piece < len) loop_turn(loop, false);
  }
  if (then_close) peer_close(p);
}

#define HEAD "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: @\r\n\r\n"

static void against(const char *with_head, const char *bytes, size_t len, size_t cut, size_t in_pieces, bool close_then, struct ws_client_options o) {
  for (unsigned i = 0; i < PEERS_MAX; i++) peer_close(&raw.peers[i]);
  raw.on_bytes = shake;
  head = with_head;
  frames = bytes;
  frames_len = len;
  cut_at = cut;
  piece = in_pieces;
  then_close = close_then;
  open_url(o, "ws", "127.0.0.1", raw.port, "/v5/private");
}

static void handshakes(void **state) {
  (void)state;
  static const char *const bad[] = {
    "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nX: @\r\n\r\n",  // somebody else's
    "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX: @\r\n\r\n", "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: @\r\n\r\n",
    "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: @\r\n\r\n", "HTTP/1.1 101 X\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: @\r\n\r\n",
    "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Accept: @\r\n\r\n",
    "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: x\r\nSec-WebSocket-Accept: @\r\n\r\n",
    "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: @\r\nSec-WebSocket-Accept: x\r\n\r\n",
    "HTTP/1.0 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: @\r\n\r\n",
    "HTTP/1.1 200 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: @\r\n\r\n", "HTTP/1.1 302 Go\r\nLocation: ws://x/\r\nX: @\r\n\r\n", "SSH-2.0 @\r\n\r\n",
    "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: @A\r\n\r\n",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    against(bad[i], "", 0, SIZE_MAX, 4096, false, (struct ws_client_options){0});
    until(&closed, 1);
    if (opened || code != WS_ABNORMAL) fail_msg("%zu: opened", i);
  }
  static const char *const fine[] = {HEAD, "HTTP/1.1 101 X\r\nSEC-WEBSOCKET-ACCEPT:@ \r\nupgrade: WebSocket\r\nconnection: keep-alive, upgrade\r\nServer: y\r\n\r\n"};
  for (size_t i = 0; i < 2; i++) {
    for (size_t in_pieces = 1; in_pieces < 300; in_pieces += 37) {
      against(fine[i], "\x81\x02hi", 4, SIZE_MAX, in_pieces, false, (struct ws_client_options){0});
      until(&texts, 1);
      assert_string_equal(last, "hi");
    }
  }
  // Cut at every byte, of the head and of a frame: it never opens by half, and a cut frame is no message.
  const size_t whole = strlen(HEAD) - 1 + 28;
  for (size_t cut = 0; cut < whole + 7; cut++) {
    against(HEAD, "\x81\x05hello", 7, cut, 4096, true, (struct ws_client_options){0});
    until(&closed, 1);
    if (opened != (cut >= whole) || texts != 0 || code != WS_ABNORMAL) fail_msg("cut at %zu: %u %u", cut, opened, texts);
  }
}

static void messages(void **state) {
  (void)state;
  static const struct { const char *bytes; size_t len; unsigned texts; const char *last; int code; } table[] = {
    {"\x81\x03one\x81\x03two", 10, 2, "two", 0},
    {"\x01\x03one\x89\x01p\x00\x03two\x80\x01!", 16, 1, "onetwo!", 0},                 // fragments, a ping between
    {"\x8a\x00\x81\x00", 4, 1, "", 0},
    {"\x81\x85" "abcd" "\x00\x00\x00\x00\x00", 11, 0, "", WS_PROTOCOL},                    // masked
    {"\x82\x01x", 3, 0, "", WS_UNSUPPORTED}, {"\xc1\x01x", 3, 0, "", WS_PROTOCOL}, {"\x83\x01x", 3, 0, "", WS_PROTOCOL},
    {"\x80\x01x", 3, 0, "", WS_PROTOCOL}, {"\x01\x01x\x81\x01y", 6, 0, "", WS_PROTOCOL}, {"\x81\x02\xc3\x28", 4, 0, "", WS_INVALID},
    {"\x81\x7e\x00\x01x", 5, 0, "", WS_PROTOCOL}, {"\x89\x7e\x00\x7exx", 6, 0, "", WS_PROTOCOL}, {"\x81\x7f\x00\x00\x00\x01\x00\x00\x00\x00x", 11, 0, "", WS_TOO_BIG},
    {"\x81\x7e\x00\x81x", 5, 0, "", WS_TOO_BIG}, {"\x88\x02\x03\xe9", 4, 0, "", WS_GOING_AWAY}, {"\x88\x00", 2, 0, "", WS_NO_STATUS}, {"\x88\x01x", 3, 0, "", WS_PROTOCOL},
    {"\x81\x01x\x88\x06\x03\xe8okay\x81\x01y", 14, 1, "x", WS_NORMAL},                    // nothing counts behind a close
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    for (size_t in_pieces = 1; in_pieces <= 200; in_pieces += 199) {
      against(HEAD, table[i].bytes, table[i].len, SIZE_MAX, in_pieces, false, (struct ws_client_options){.message_max = 128});
      if (table[i].code) until(&closed, 1);
      else until(&texts, table[i].texts);
      settle();
      if (texts != table[i].texts || code != table[i].code || strcmp(last, table[i].last) != 0)
        fail_msg("%zu in pieces of %zu: %u texts, %d %s, \"%s\"", i, in_pieces, texts, code, reason, last);
    }
  }
}

// What we send is masked, and pings are answered with their own bytes.
static void masked(void **state) {
  (void)state;
  against(HEAD, "\x89\x04ping", 6, SIZE_MAX, 4096, false, (struct ws_client_options){0});
  until(&opened, 1);
  assert_true(ws_client_send(ws, "secret", 6));
  assert_true(ws_client_send(ws, "secret", 6));
  settle();
  struct peer *p = &raw.peers[0];
  const uint8_t *at = (const uint8_t *)p->in + p->seen;
  assert_int_equal(p->len - p->seen, 12 + 12 + 10);
  uint8_t mask[3][4];
  for (int i = 0; i < 3; i++) {
    const char *wanted = i > 0 ? "secret" : "ping";
    const size_t len = strlen(wanted);
    assert_int_equal(at[0], i > 0 ? 0x81 : 0x8a);
    assert_int_equal(at[1], 0x80 | len);
    memcpy(mask[i], at + 2, 4);
    for (size_t b = 0; b < len; b++) assert_int_equal(at[6 + b] ^ at[2 + (b & 3)], wanted[b]);
    at += 6 + len;
  }
  assert_memory_not_equal(mask[1], mask[2], 4);
}

static void silence(void **state) {
  (void)state;
  against(HEAD, "", 0, SIZE_MAX, 4096, false, (struct ws_client_options){.ping_ms = 10, .silence_ms = 40});
  until(&closed, 1);
  assert_int_equal(opened, 1);
  assert_int_equal(code, WS_GOING_AWAY);
  settle();
  bool pinged = false;
  for (size_t i = raw.peers[0].seen; i + 1 < raw.peers[0].len; i++) pinged |= (uint8_t)raw.peers[0].in[i] == 0x89 && (uint8_t)raw.peers[0].in[i + 1] == 0x80;
  assert_true(pinged);
  raw.on_bytes = NULL;  // not even a handshake
  open_url((struct ws_client_options){.open_ms = 20}, "ws", "127.0.0.1", raw.port, "/");
  until(&closed, 1);
  assert_int_equal(opened, 0);
}

static void destroyed_within(void **state) {
  (void)state;
  for (int how = DESTROY_ON_OPEN; how <= DESTROY_ON_TEXT; how++) {
    mischief = how;
    against(HEAD, "\x81\x01x\x81\x01y", 6, SIZE_MAX, 4096, false, (struct ws_client_options){0});
    while (ws) loop_turn(loop, true);
    settle();
    assert_int_equal(texts, how == DESTROY_ON_TEXT);
    assert_int_equal(closed, 0);
  }
  mischief = NOTHING;
  for (int turns = 0; turns < 8; turns++) {
    open_url((struct ws_client_options){.tls = trusting}, "wss", "localhost", good_port, "/");
    for (int i = 0; i < turns; i++) loop_turn(loop, false);
    ws_client_destroy(ws);
    ws = NULL;
    settle();
    assert_int_equal(closed, 0);
  }
}

static int setup_raw(void **state) {
  setup(state);
  scripted_start(&raw, loop);
  return 0;
}

static int teardown_raw(void **state) {
  ws_client_destroy(ws);
  scripted_stop(&raw);
  return teardown(state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(with_our_server), cmocka_unit_test(who_is_refused), cmocka_unit_test(handshakes), cmocka_unit_test(messages),
    cmocka_unit_test(masked), cmocka_unit_test(silence), cmocka_unit_test(destroyed_within),
  };
  return cmocka_run_group_tests(tests, setup_raw, teardown_raw);
}

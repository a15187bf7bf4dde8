// venue/remote_stream.c – the private streams of a session: opened, logged in, subscribed, pinged, read. One that ends, falls silent or has
// a gap takes all down: what was missed is asked for by the owner, in RECONCILING.
#include "venue/remote_impl.h"

#include "net/ws_client.h"
#include "venue/unified.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOGIN_MS 10000
#define CONFIRM_MS 3000      // venues that confirm subscriptions do so within this; others are believed
#define LOGIN_MAX 8192

enum link_state { LINK_OPENING, LINK_LOGIN, LINK_SUBSCRIBING, LINK_UP };

struct remote_link {
  struct remote_link *next;
  struct remote_session *session;
  struct ws_client *ws;
  struct loop_timer *timer;
  json_t *spec;              // of dialect_streams
  enum link_state state;
  size_t subscribed;         // confirmed
};

static const char *text_of(const json_t *o, const char *key) {
  return json_string_value(json_object_get(o, key));
}

static void lost(struct remote_link *l, const char *fmt, ...) PRINTF(2, 3);
static void lost(struct remote_link *l, const char *fmt, ...) {
  char why[256];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(why, sizeof why, fmt, ap);
  va_end(ap);
  remote_session_event(l->session, REMOTE_EVENT_LOST, why);  // closes the links
}

static void up(struct remote_link *l) {
  const int64_t ping_ms = dialect_info(l->session->site->dialect)->ping_ms;
  l->state = LINK_UP;
  loop_timer_stop(l->timer);
  if (ping_ms > 0 && text_of(l->spec, "ping")) loop_timer_start(l->timer, ping_ms, ping_ms);
  for (struct remote_link *k = l->session->links; k; k = k->next)
    if (k->state != LINK_UP) return;
  remote_session_event(l->session, REMOTE_EVENT_LINKED, "");
}

static void subscribe(struct remote_link *l) {
  const json_t *texts = json_object_get(l->spec, "subscribe"), *text;
  size_t i;
  l->state = LINK_SUBSCRIBING;
  json_array_foreach(texts, i, text) {
    if (ws_client_send(l->ws, json_string_value(text), json_string_length(text))) continue;
    lost(l, "the stream broke while it was subscribed");
    return;
  }
  if (json_array_size(texts) == 0) up(l);
  else loop_timer_start(l->timer, CONFIRM_MS, 0);
}

static void on_open(void *arg) {
  struct remote_link *l = arg;
  struct remote_session *s = l->session;
  const json_t *login = json_object_get(l->spec, "login");
  if (!json_is_string(login)) {
    subscribe(l);
    return;
  }
  struct buf frame;
  const struct dialect_secret secret = remote_secret(s);
  buf_init_secret(&frame, LOGIN_MAX);
  dialect_reveal(json_string_value(login), json_string_length(login), true, &secret, &frame);
  const bool sent = !frame.failed && ws_client_send(l->ws, frame.data, frame.len);
  buf_finish(&frame);
  if (!sent) {
    lost(l, "the stream broke at its login");
  } else if (json_is_true(json_object_get(l->spec, "login_acked"))) {
    l->state = LINK_LOGIN;
    loop_timer_start(l->timer, LOGIN_MS, 0);
  } else {
    subscribe(l);
  }
}

static void on_timer(void *arg) {
  struct remote_link *l = arg;
  const char *ping = text_of(l->spec, "ping");
  if (l->state == LINK_LOGIN) lost(l, "the login was not answered");
  else if (l->state == LINK_SUBSCRIBING) up(l);
  else if (l->state == LINK_UP && ping) ws_client_send(l->ws, ping, strlen(ping));
}

// ---- events

#define TELL(kind, unified)                                                                        \
  static void on_##kind(struct remote_link *l, const json_t *e) {                                  \
    struct remote_session *s = l->session;                                                         \
    struct venue_##kind v;                                                                         \
    struct err err;                                                                                \
    if (unified(e, &v, &err) != OK) lost(l, "its stream says what cannot be held: " #kind ": %s", err.msg); \
    else if (s->events->kind) s->events->kind(s->self, &v);                                        \
  }
TELL(order, unified_order)
TELL(fill, unified_fill)
TELL(position, unified_position)
TELL(balance, unified_balance)
#undef TELL

static void on_login(struct remote_link *l, const json_t *e) {
  if (l->state != LINK_LOGIN) return;
  if (json_is_true(json_object_get(e, "ok"))) {
    loop_timer_stop(l->timer);
    subscribe(l);
    return;
  }
  // Whether it is the key or the moment, the venue says by a code that only REST's errors explain: the key is asked about again.
  char why[VENUE_TEXT_MAX];
  snprintf(why, sizeof why, "the login was refused: %s %s", text_of(e, "code") ? text_of(e, "code") : "", text_of(e, "text") ? text_of(e, "text") : "");
  l->session->key_checked = false;
  remote_session_event(l->session, REMOTE_EVENT_LOST, why);
}

static void on_subscribed(struct remote_link *l, const json_t *e) {
  if (!json_is_true(json_object_get(e, "ok"))) lost(l, "a subscription was refused: %s", text_of(e, "text") ? text_of(e, "text") : "");
  else if (l->state == LINK_SUBSCRIBING && ++l->subscribed >= json_array_size(json_object_get(l->spec, "subscribe"))) up(l);
}

static bool tells_all(const struct remote_link *l) {
  const struct remote_site *site = l->session->site;
  return dialect_can(dialect_info(site->dialect), site->category)->fill_ids;
}
static void on_hint(struct remote_link *l, const json_t *e) {
  remote_hint(l->session, e);
}
static void on_order_or_hint(struct remote_link *l, const json_t *e) {
  if (tells_all(l)) on_order(l, e);
  else on_hint(l, e);
}
static void on_fill_or_hint(struct remote_link *l, const json_t *e) {
  if (tells_all(l)) on_fill(l, e);
  else on_hint(l, e);
}

static void on_gap(struct remote_link *l, const json_t *e) {
  lost(l, "a gap: %s", text_of(e, "text") ? text_of(e, "text") : "");
}

static void on_error(struct remote_link *l, const json_t *e) {
  const char *code = text_of(e, "code");
  if (code && strcmp(code, "dialect") == 0) {  // an event that was not what it should be: perhaps a fill (script/dialect_hear.c)
    lost(l, "its stream says what is not understood: %s", text_of(e, "text"));
    return;
  }
  remote_log(l->session->site, l->session, "its stream complains: %s %s", code ? code : "", text_of(e, "text") ? text_of(e, "text") : "");
}

static const struct {
  const char *type;
  void (*fn)(struct remote_link *l, const json_t *e);
} kinds[] = {{"order", on_order_or_hint}, {"fill", on_fill_or_hint}, {"hint", on_hint}, {"position", on_position}, {"balance", on_balance}, {"login", on_login}, {"subscribed", on_subscribed},
  {"gap", on_gap}, {"error", on_error}};  // others (pong) only show that it lives

static void on_text(void *arg, const char *text, size_t len) {
  struct remote_link *l = arg;
  struct remote_session *s = l->session;
  struct ws_client *ws = l->ws;
  json_t *events = NULL;
  struct err err;
  if (dialect_frame(s->site->dialect, "private", text, len, &events, &err) != OK) {
    lost(l, "its stream says what is not understood: %s", err.msg);
    return;
  }
  remote_enter(s);
  size_t i;
  const json_t *e;
  json_array_foreach(events, i, e) {
    const char *type = text_of(e, "type");
    for (size_t k = 0; type && k < sizeof kinds / sizeof *kinds; k++)
      if (strcmp(kinds[k].type, type) == 0) kinds[k].fn(l, e);
    // The owner may have ended the session, an event the streams.
    bool here = false;
    for (const struct remote_link *k = s->dead ? NULL : s->links; k; k = k->next) here |= k == l && k->ws == ws;
    if (!here) break;
  }
  json_decref(events);
  remote_leave(s);
}

static void on_close(void *arg, int code, const char *reason) {
  struct remote_link *l = arg;
  lost(l, "its stream closed: %d %s", code, reason);
}

static const struct ws_client_events link_events = {.on_open = on_open, .on_text = on_text, .on_close = on_close};

// ---- opening and closing

static void link_free(struct remote_link *l) {
  ws_client_destroy(l->ws);
  loop_timer_destroy(l->timer);
  json_decref(l->spec);
  free(l);
}

void remote_streams_close(struct remote_session *s) {
  while (s->links) {
    struct remote_link *l = s->links;
    s->links = l->next;
    link_free(l);
  }
}

static enum status link_open(struct remote_session *s, json_t *spec, struct err *err) {
  struct remote_site *site = s->site;
  const char *url = text_of(spec, "url");
  const int64_t ping_ms = dialect_info(site->dialect)->ping_ms;
  if (!url) return err_set(err, ERR_INVALID, "a stream without a URL");
  const struct ws_client_options o = {.url = url, .tls = site->tls, .plain_allowed = site->plain, .message_max = DIALECT_FRAME_MAX, .ping_ms = ping_ms,
    .silence_ms = ping_ms > 0 ? 3 * ping_ms : 0};
  struct remote_link *l = calloc(1, sizeof *l);
  if (!l) return err_set(err, ERR_NOMEM, "a stream");
  l->session = s;
  l->spec = json_incref(spec);
  enum status st = loop_timer_create(site->loop, on_timer, l, &l->timer, err);
  if (st == OK) st = ws_client_open(site->loop, &o, &link_events, l, &l->ws, err);
  if (st != OK) {
    link_free(l);
    return st;
  }
  l->next = s->links;
  s->links = l;
  return OK;
}

void remote_streams_open(struct remote_session *s) {
  const struct dialect_secret secret = remote_secret(s);
  const struct dialect_env env = remote_env(s->site);
  json_t *list = NULL, *args = json_object(), *spec;
  struct err err;
  size_t i;
  enum status st = args ? dialect_streams(s->site->dialect, "private", args, &secret, &env, &list, &err) : err_set(&err, ERR_NOMEM, "a stream");
  json_array_foreach(list, i, spec)
    if (st == OK) st = link_open(s, spec, &err);
  json_decref(args);
  json_decref(list);
  if (st != OK) remote_session_event(s, REMOTE_EVENT_LOST, err.msg);
  else if (!s->links) remote_session_event(s, REMOTE_EVENT_LINKED, "");  // a venue without private streams
}

// net/smtp.c – the SMTP dialogue (net/smtp_dialogue.h) on a connection (net/client.h), with its time limits; see smtp.h.
#include "net/smtp.h"

#include "crypto/secret.h"
#include "loop/loop.h"
#include "net/address.h"
#include "net/client.h"
#include "net/http_server.h"
#include "net/mail_message.h"
#include "net/smtp_dialogue.h"
#include "net/tls.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUT_MAX (1 << 20)
#define MAILS_MAX 100  // of one connection; servers have limits too

struct smtp {
  struct loop *loop;
  struct smtp_server server;
  struct tls_client *tls;
  char hello[SMTP_TEXT_MAX];
  int64_t reply_ms, final_ms, keep_ms;
  struct client *client;       // NULL: not connected
  struct loop_timer *timer;
  struct smtp_dialogue dialogue;
  struct buf out;
  const struct smtp_mail *mail;  // under way; NULL: none
  void (*done)(void *arg, enum smtp_outcome outcome, const char *detail, bool reached);
  void *arg;
  bool ready;                  // the dialogue waits for a mail
  bool greeted;                // the session came about once
  unsigned mails;              // handed over on this connection
};

// ---- the URL ----

static enum status decode(const char *text, size_t len, char ret[SMTP_TEXT_MAX], const char *what, struct err *err) {
  if (http_unescape(text, len, false, ret, SMTP_TEXT_MAX) == OK) return OK;
  return err_set(err, ERR_INVALID, "the %s in the mail server's URL is too long or has a bad escape", what);
}

// ":25", "/", ":25/" or nothing.
static bool port_parse(const char *text, uint16_t *ret) {
  if (*text == ':') {
    char *end;
    long n = strtol(++text, &end, 10);
    if (n < 1 || n > 65535 || *text < '0' || *text > '9') return false;
    *ret = (uint16_t)n;
    text = end;
  }
  return !*text || strcmp(text, "/") == 0;
}

static bool is_local(const char *host) {
  struct address a;
  if (strcmp(host, "localhost") == 0) return true;
  static const uint8_t one[16] = {[15] = 1};
  return address_parse(host, &a) && (a.v6 ? memcmp(a.bytes, one, 16) == 0 : a.bytes[0] == 127);
}

enum status smtp_server_parse(const char *url, struct smtp_server *ret, struct err *err) {
  static const struct { const char *scheme; enum smtp_security security; uint16_t port; } schemes[] = {
    {"smtp://", SMTP_STARTTLS, 587}, {"smtps://", SMTP_TLS, 465}, {"smtp+plain://", SMTP_PLAIN, 25}};
  *ret = (struct smtp_server){0};
  const char *at = NULL;
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes && !at; i++) {
    size_t len = strlen(schemes[i].scheme);
    if (strncmp(url, schemes[i].scheme, len) != 0) continue;
    at = url + len;
    ret->security = schemes[i].security;
    ret->port = schemes[i].port;
  }
  if (!at) return err_set(err, ERR_INVALID, "a mail server is smtp://, smtps:// or smtp+plain://[user[:password]@]host[:port]");
  const char *host = strrchr(at, '@');
  enum status st = OK;
  if (host) {
    const char *colon = memchr(at, ':', (size_t)(host - at));
    st = decode(at, (size_t)((colon ? colon : host) - at), ret->user, "user", err);
    if (st == OK && colon) st = decode(colon + 1, (size_t)(host - colon - 1), ret->password, "password", err);
    if (st != OK) return st;
    if (!ret->user[0]) return err_set(err, ERR_INVALID, "the mail server's URL has a password, but no user");
  }
  host = host ? host + 1 : at;
  bool bracket = *host == '[';
  size_t len = bracket ? strcspn(++host, "]") : strcspn(host, ":/");
  const char *behind = host + len + (bracket && host[len] == ']');
  if (len == 0 || len >= SMTP_TEXT_MAX || (bracket && host[len] != ']')) return err_set(err, ERR_INVALID, "the mail server's URL has no host");
  if (!port_parse(behind, &ret->port)) return err_set(err, ERR_INVALID, "the mail server's URL does not end after host and port");
  memcpy(ret->host, host, len);
  ret->host[len] = '\0';
  ret->local = is_local(ret->host);
  return OK;
}

// ---- ends ----

static void disconnect(struct smtp *s) {
  struct client *client = s->client;
  s->client = NULL;
  s->ready = false;
  loop_timer_stop(s->timer);
  client_destroy(client);
}

// The last thing anybody does here: done may send the next mail.
static void tell(struct smtp *s, enum smtp_outcome outcome, const char *detail) {
  if (!s->mail) return;
  s->mail = NULL;
  s->done(s->arg, outcome, detail, s->greeted);
}

static enum status connect_server(struct smtp *s, struct err *err);

static void lost(struct smtp *s, const char *why) {
  struct err err;
  // A kept connection may have died of age; what it was asked last shows that no byte of the mail was taken.
  bool stale = s->mail && s->mails > 0 && !s->dialogue.answered;
  bool sent = s->dialogue.text_sent;
  char detail[SMTP_DETAIL_SIZE];
  snprintf(detail, sizeof detail, "%s: %.120s%s", s->dialogue.hello ? smtp_dialogue_at(&s->dialogue) : "connecting", why,
    sent ? "; the mail may have arrived" : "");
  disconnect(s);
  if (stale && connect_server(s, &err) == OK) return;
  tell(s, SMTP_LATER, detail);
}

static void on_timeout(void *arg) {
  struct smtp *s = arg;
  if (s->ready && !s->mail) {
    client_write(s->client, "QUIT\r\n", 6);
    disconnect(s);
    return;
  }
  lost(s, "no answer in time");
}

// ---- the connection ----

static void wait_answer(struct smtp *s) {
  loop_timer_start(s->timer, s->dialogue.text_sent ? s->final_ms : s->reply_ms, 0);
}

static void flush(struct smtp *s) {
  if (s->out.len > 0) client_write(s->client, s->out.data, s->out.len);
  buf_clear(&s->out);
}

static void hand_over(struct smtp *s) {
  s->ready = false;
  smtp_dialogue_mail(&s->dialogue, s->mail);
  flush(s);
  wait_answer(s);
}

static void step(struct smtp *s, enum smtp_step step) {
  bool failed = s->out.failed;
  flush(s);
  if (failed) {
    lost(s, "out of memory");
    return;
  }
  switch (step) {
  case SMTP_GOES_ON: wait_answer(s); return;
  case SMTP_START_TLS: {
    struct err err;
    wait_answer(s);
    if (client_start_tls(s->client, s->tls, &err) != OK) lost(s, err.msg);
    return;
  }
  case SMTP_READY:
    s->greeted = true;
    if (s->mail) {
      hand_over(s);
      return;
    }
    break;
  case SMTP_DONE: {
    struct smtp_dialogue *d = &s->dialogue;
    char detail[SMTP_DETAIL_SIZE];
    memcpy(detail, d->detail, sizeof detail);
    enum smtp_outcome outcome = d->outcome;
    s->mails++;
    if (d->over || s->mails >= MAILS_MAX) disconnect(s);
    else s->ready = true;
    if (s->ready) loop_timer_start(s->timer, s->keep_ms, 0);
    tell(s, outcome, detail);
    return;
  }
  }
  s->ready = true;
  loop_timer_start(s->timer, s->keep_ms, 0);
}

static void on_open(void *arg) {
  struct smtp *s = arg;
  if (s->dialogue.hello) {  // for the second time: STARTTLS is done
    smtp_dialogue_secured(&s->dialogue);
    step(s, SMTP_GOES_ON);
    return;
  }
  smtp_dialogue_init(&s->dialogue, &s->server, s->hello, s->server.security == SMTP_TLS, &s->out);
  wait_answer(s);
}

static void on_data(void *arg, const char *bytes, size_t len) {
  struct smtp *s = arg;
  if (s->ready && !s->mail) {  // "421 idle for too long" and the like
    disconnect(s);
    return;
  }
  enum smtp_step next = smtp_dialogue_feed(&s->dialogue, bytes, len);
  // A reply in pieces does not extend its time.
  if (next != SMTP_GOES_ON || s->out.len > 0) step(s, next);
}

static void on_close(void *arg, const char *why) {
  lost(arg, why ? why : "the server closed the connection");
}

static const struct client_events events = {.on_open = on_open, .on_data = on_data, .on_close = on_close};

static enum status connect_server(struct smtp *s, struct err *err) {
  const struct client_options options = {.host = s->server.host, .port = s->server.port,
    .tls = s->server.security == SMTP_TLS ? s->tls : NULL, .timeout_ms = 30000};
  s->dialogue.hello = NULL;
  s->dialogue.text_sent = s->dialogue.answered = false;
  s->mails = 0;
  s->ready = s->greeted = false;
  return client_open(s->loop, &options, &events, s, &s->client, err);
}

// ---- outside ----

enum status smtp_create(struct loop *loop, const struct smtp_options *o, struct smtp **ret, struct err *err) {
  assert(o->server && o->hello && *o->hello && (o->tls || o->server->security == SMTP_PLAIN));
  struct smtp *s = calloc(1, sizeof *s);
  if (!s) return err_set(err, ERR_NOMEM, "mail");
  enum status st = loop_timer_create(loop, on_timeout, s, &s->timer, err);
  if (st != OK) {
    free(s);
    return st;
  }
  s->loop = loop;
  s->server = *o->server;
  s->tls = o->tls ? tls_client_retain(o->tls) : NULL;
  snprintf(s->hello, sizeof s->hello, "%s", o->hello);
  s->reply_ms = o->reply_ms ? o->reply_ms : 60000;
  s->final_ms = o->final_ms ? o->final_ms : 300000;
  s->keep_ms = o->keep_ms ? o->keep_ms : 10000;
  buf_init_secret(&s->out, OUT_MAX);
  *ret = s;
  return OK;
}

enum status smtp_send(struct smtp *s, const struct smtp_mail *mail,
  void (*done)(void *arg, enum smtp_outcome outcome, const char *detail, bool reached), void *arg, struct err *err) {
  assert(!s->mail);
  if (!mail_address_ok(mail->from) || !mail_address_ok(mail->to)) return err_set(err, ERR_INVALID, "not an address");
  s->mail = mail;
  s->done = done;
  s->arg = arg;
  s->greeted = s->ready;
  if (s->ready) {
    hand_over(s);
    return OK;
  }
  enum status st = connect_server(s, err);
  if (st != OK) s->mail = NULL;
  return st;
}

void smtp_destroy(struct smtp *s) {
  if (!s) return;
  if (s->client && s->ready) client_write(s->client, "QUIT\r\n", 6);
  disconnect(s);
  loop_timer_destroy(s->timer);
  tls_client_release(s->tls);
  buf_finish(&s->out);
  secret_wipe(&s->server, sizeof s->server);
  free(s);
}

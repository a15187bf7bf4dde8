// venue/remote_session.c – the life of a session: clock, key, streams, and what brings it down. The table is remote_life.c's.
#include "venue/remote_impl.h"

#include "crypto/random.h"
#include "crypto/secret.h"
#include "venue/unified.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 30000   // for clock, key and streams together
#define RIGHTS_AGAIN_MS 60000  // until a key's rights are asked for once more when there was no answer
#define STEADY_MS 60000    // up for so long: the next try after a loss is the first again

static void step(struct remote_session *s);

// ---- secrets

struct dialect_secret remote_secret(const struct remote_session *s) {
  return (struct dialect_secret){.key = s->key, .secret = s->secret, .passphrase = s->passphrase};
}

// Takes `what` out of text, wherever it is.
static void take_out(char *text, const char *what) {
  const size_t len = what ? strlen(what) : 0;
  if (len < 4) return;  // nothing that short is a secret, and everything holds it
  for (char *at; (at = strstr(text, what));) {
    *at = '*';
    memmove(at + 1, at + len, strlen(at + len) + 1);
  }
}

void remote_scrub(const struct remote_session *s, const char *text, char *ret, size_t size) {
  char copy[1024];
  snprintf(copy, sizeof copy, "%s", text ? text : "");
  if (s) {
    take_out(copy, s->secret);
    take_out(copy, s->passphrase);
    take_out(copy, s->key);
  }
  size_t n = 0;
  for (const char *c = copy; *c && n + 1 < size; c++) ret[n++] = (unsigned char)*c < 0x20 || *c == 0x7f ? ' ' : *c;
  while (n > 0 && ((unsigned char)ret[n - 1] & 0x80) && n + 1 >= size) n--;  // half a character of UTF-8 at the cut
  ret[n] = '\0';
}

// ---- the owner

void remote_enter(struct remote_session *s) {
  s->inside++;
}

static void session_free(struct remote_session *s) {
  loop_timer_destroy(s->timer);
  remote_budgets_put(s->site, s->by_key);
  char *const secrets[] = {s->key, s->secret, s->passphrase};
  for (size_t i = 0; i < 3; i++) {
    if (secrets[i]) secret_wipe(secrets[i], strlen(secrets[i]));
    free(secrets[i]);
  }
  free(s);
}

static bool knows(const struct remote_session *s, enum dialect_op op) {
  return dialect_info(s->site->dialect)->ops >> op & 1;
}

// Rights can be given to a key later, at the venue: they are asked for as long as it is used.
static void look_later(struct remote_session *s) {
  if (s->probe || !knows(s, DIALECT_KEY_INFO)) return;
  const int64_t wait_ms = s->rights_at_ms - loop_now_ms(s->site->loop);
  loop_timer_start(s->timer, wait_ms > 0 ? wait_ms : 0, 0);
}

bool remote_leave(struct remote_session *s) {
  const bool dead = s->dead;
  if (--s->inside == 0 && dead) session_free(s);
  return !dead;
}

void remote_session_destroy(void *self) {
  struct remote_session *s = self;
  assert(!s->dead);
  for (struct remote_session **at = &s->site->sessions; *at; at = &(*at)->next) {
    if (*at != s) continue;
    *at = s->next;
    break;
  }
  while (s->calls) remote_call_cancel(s->calls);
  remote_ahead_drop(s);
  remote_streams_close(s);
  loop_timer_stop(s->timer);
  s->dead = true;
  if (s->inside == 0) session_free(s);
}

void remote_session_event(struct remote_session *s, enum remote_event event, const char *why) {
  enum venue_state to;
  const enum venue_state from = s->state;
  if (s->dead || !remote_life_next(from, event, &to)) return;
  s->state = to;
  remote_scrub(s, why, s->why, sizeof s->why);
  const int64_t now_ms = loop_now_ms(s->site->loop);
  loop_timer_stop(s->timer);
  if (event == REMOTE_EVENT_LINKED) s->up_ms = now_ms;
  if (event == REMOTE_EVENT_LINKED || event == REMOTE_EVENT_RECONCILED) look_later(s);
  if (event == REMOTE_EVENT_LOST || event == REMOTE_EVENT_REFUSED || event == REMOTE_EVENT_STOP) remote_streams_close(s);
  if (event == REMOTE_EVENT_REFUSED) s->key_checked = false;
  if (event == REMOTE_EVENT_LOST) {
    uint32_t random;
    random_bytes(&random, sizeof random);
    if (from != VENUE_STATE_CONNECTING && now_ms - s->up_ms >= STEADY_MS) s->tries = 0;
    loop_timer_start(s->timer, remote_life_wait_ms(s->site->retry_ms, s->tries++, random), 0);
  }
  remote_log(s->site, s, "%s → %s%s%s", venue_state_text(from), venue_state_text(to), s->why[0] ? ": " : "", s->why);
  char told[VENUE_TEXT_MAX];
  memcpy(told, s->why, sizeof told);
  remote_enter(s);
  if (s->events->state) s->events->state(s->self, from, to, told);
  if (!remote_leave(s)) return;
  if (event == REMOTE_EVENT_BEGIN && s->state == VENUE_STATE_CONNECTING) {
    loop_timer_start(s->timer, CONNECT_MS, 0);
    s->step = REMOTE_STEP_CLOCK;
    step(s);
  }
}

// ---- connecting

// Why such a key is not used; NULL: it is.
static const char *unfit(const struct remote_session *s, const struct venue_key *key) {
  if (s->probe || !key->known) return NULL;
  if (key->withdraw) return "the key may withdraw: such keys are not used. Take that right from it at the venue, or give the account another key";
  return key->trade || s->read_only ? NULL : "the key may not trade";
}

static void on_rights(struct remote_call *c) {
  struct remote_session *s = c->session;
  struct venue_key key = {0};
  const bool told = c->reply.outcome == VENUE_ACCEPTED && unified_key(c->rows, &key, NULL) == OK;
  const char *why = told ? unfit(s, &key) : NULL;
  s->rights_at_ms = loop_now_ms(s->site->loop) + (told || s->site->rights_ms < RIGHTS_AGAIN_MS ? s->site->rights_ms : RIGHTS_AGAIN_MS);
  if (s->state != VENUE_STATE_RECONCILING && s->state != VENUE_STATE_READY) return;
  if (why) remote_session_event(s, REMOTE_EVENT_REFUSED, why);
  else look_later(s);
}

static void on_key(struct remote_call *c) {
  struct remote_session *s = c->session;
  struct venue_key key = {0};
  struct err err;
  if (s->state != VENUE_STATE_CONNECTING || s->step != REMOTE_STEP_KEY) return;
  // Refused credentials have been told by the call itself, after this.
  if (c->reply.outcome != VENUE_ACCEPTED) {
    if (c->reply.outcome != VENUE_REFUSED || c->reply.why != VENUE_WHY_CREDENTIALS) remote_session_event(s, REMOTE_EVENT_LOST, c->reply.text);
  } else if (c->op == DIALECT_KEY_INFO && unified_key(c->rows, &key, &err) != OK) {
    remote_session_event(s, REMOTE_EVENT_LOST, err.msg);
  } else if (unfit(s, &key)) {
    remote_session_event(s, REMOTE_EVENT_REFUSED, unfit(s, &key));
  } else {
    s->key_checked = true;
    s->rights_at_ms = loop_now_ms(s->site->loop) + s->site->rights_ms;
    s->step = REMOTE_STEP_STREAMS;
    step(s);
  }
}

// Goes on with connecting where it is.
static void step(struct remote_session *s) {
  struct remote_site *site = s->site;
  if (s->step == REMOTE_STEP_CLOCK) {
    if (dialect_info(site->dialect)->clock == DIALECT_CLOCK_OP && !site->clock.known) {
      remote_sync(site);
      return;  // remote_session_clocked
    }
    s->step = REMOTE_STEP_KEY;
  }
  if (s->step == REMOTE_STEP_KEY) {
    if (!s->key_checked) {
      // Without a word about the key: a question that only the right one may ask.
      remote_call_begin(site, s, knows(s, DIALECT_KEY_INFO) ? DIALECT_KEY_INFO : DIALECT_BALANCE, json_object(), on_key);
      return;
    }
    s->step = REMOTE_STEP_STREAMS;
  }
  if (s->step == REMOTE_STEP_STREAMS) {
    s->step = REMOTE_STEP_UP;
    if (s->no_streams) remote_session_event(s, REMOTE_EVENT_LINKED, "");
    else remote_streams_open(s);
  }
}

bool remote_session_clocked(struct remote_session *s, bool good) {
  if (s->state != VENUE_STATE_CONNECTING || s->step != REMOTE_STEP_CLOCK) return false;
  if (!good) remote_session_event(s, REMOTE_EVENT_LOST, "the venue's clock is not known");
  else step(s);
  return true;
}

static void on_timer(void *arg) {
  struct remote_session *s = arg;
  if (s->state == VENUE_STATE_DOWN) remote_session_event(s, REMOTE_EVENT_BEGIN, "");
  else if (s->state == VENUE_STATE_CONNECTING) remote_session_event(s, REMOTE_EVENT_LOST, "connecting took too long");
  else if (s->state == VENUE_STATE_RECONCILING || s->state == VENUE_STATE_READY) remote_call_begin(s->site, s, DIALECT_KEY_INFO, json_object(), on_rights);
}

static enum status copy_secrets(struct remote_session *s, const struct remote_credentials *c, struct err *err) {
  const char *from[] = {c->key, c->secret, c->passphrase};
  char **to[] = {&s->key, &s->secret, &s->passphrase};
  for (size_t i = 0; i < 3; i++)
    if (from[i] && !(*to[i] = strdup(from[i]))) return err_set(err, ERR_NOMEM, "credentials");
  return OK;
}

enum status remote_session_create(struct remote_site *site, const struct remote_session_options *o, const struct venue_events *events,
  void *self, struct venue *ret, struct err *err) {
  char lacks[DIALECT_LACKS_MAX];
  const bool trades = !o->no_streams && !o->read_only && !o->probe;
  if (trades && dialect_lacks(dialect_info(site->dialect), site->environment, site->category, lacks, sizeof lacks))
    return err_set(err, ERR_INVALID, "the dialect %s cannot be traded by: its header lacks %s", dialect_info(site->dialect)->name, lacks);
  struct remote_session *s = calloc(1, sizeof *s);
  if (!s) return err_set(err, ERR_NOMEM, "a session");
  s->site = site;
  s->events = events;
  s->self = self;
  s->read_only = o->read_only;
  s->no_streams = o->no_streams;
  s->probe = o->probe;
  snprintf(s->label, sizeof s->label, "%s", o->label ? o->label : "");
  enum status st = copy_secrets(s, &o->credentials, err);
  if (st == OK) st = remote_budgets_get(site, s->key ? s->key : "", &s->by_key, err);
  if (st == OK) st = loop_timer_create(site->loop, on_timer, s, &s->timer, err);
  if (st != OK) {
    session_free(s);
    return st;
  }
  s->next = site->sessions;
  site->sessions = s;
  s->state = VENUE_STATE_DOWN;
  loop_timer_start(s->timer, 0, 0);
  *ret = (struct venue){&remote_ops, s};
  return OK;
}

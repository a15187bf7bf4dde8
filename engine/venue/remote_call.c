// venue/remote_call.c – one question to a venue: asked by the dialect, held back by budgets, signed at the last moment, answered once.
// What comes of it is decided in one place: answered() and unanswered().
#include "venue/remote_impl.h"

#include "loop/clock.h"
#include "venue/unified.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIES_MAX 3
#define READ_PATIENCE_MS 30000
#define PAGES_MAX 200

static void call_try(struct remote_call *c, bool granted);
static void on_answer(void *arg, const struct http_client_answer *a, bool written, const char *why);

// ---- ends

static void unlink_all(struct remote_call *c) {
  *c->all_at = c->all_next;
  if (c->all_next) c->all_next->all_at = c->all_at;
}

static void unlink_waiting(struct remote_call *c) {
  if (!c->waiting) return;
  struct remote_call *before = NULL;
  for (struct remote_call *w = c->site->first; w != c; w = w->next) before = w;
  if (before) before->next = c->next;
  else c->site->first = c->next;
  if (c->site->last == c) c->site->last = before;
  c->waiting = false;
}

static void call_free(struct remote_call *c) {
  dialect_request_finish(&c->request);
  json_decref(c->args);
  json_decref(c->rows);
  free(c);
}

void remote_call_cancel(struct remote_call *c) {
  unlink_waiting(c);
  unlink_all(c);
  http_pool_cancel(c->http);
  c->http = NULL;
  c->dead = true;
  if (!c->later.waiting) call_free(c);
}

static void finish(struct remote_call *c) {
  struct remote_session *s = c->session;
  unlink_all(c);
  if (s) remote_enter(s);
  c->done(c);
  call_free(c);
  if (s) remote_leave(s);
}

static void on_later(struct loop_task *task) {
  struct remote_call *c = (struct remote_call *)((char *)task - offsetof(struct remote_call, later));
  if (c->dead) call_free(c);
  else finish(c);
}

static void settle(struct remote_call *c, enum venue_outcome outcome, enum venue_why why, const char *text) {
  c->reply.outcome = outcome;
  c->reply.why = why;
  remote_scrub(c->session, text, c->reply.text, sizeof c->reply.text);
}

static void finish_later(struct remote_call *c, enum venue_why why, const char *text) {
  settle(c, VENUE_NOT_SENT, why, text);
  loop_post_task(c->site->loop, &c->later);
}

static struct remote_call *call_create(struct remote_site *site, struct remote_session *s, void (*done)(struct remote_call *c)) {
  struct remote_call *c = calloc(1, sizeof *c);
  if (!c) abort();  // a question that is never answered would leave an order in doubt for ever
  c->site = site;
  c->session = s;
  c->done = done;
  c->later.fn = on_later;
  struct remote_call **list = s ? &s->calls : &site->open_calls;
  c->all_next = *list;
  c->all_at = list;
  if (c->all_next) c->all_next->all_at = &c->all_next;
  return *list = c;
}

// ---- budgets

static int64_t free_ms(struct remote_call *c, struct budget *const *list, unsigned n, int64_t now_ms) {
  int64_t at_ms = now_ms;
  for (unsigned i = 0; i < n; i++) {
    // Those that wait for the same and go before it.
    int ahead = 0;
    for (struct remote_call *w = c->site->first; w && w != c; w = w->next) {
      struct budget *theirs[REMOTE_BUDGETS_MAX];
      const unsigned m = w->rank >= c->rank && w->not_before_ms <= now_ms ? remote_budgets_of(w, theirs) : 0;
      for (unsigned k = 0; k < m; k++) ahead += theirs[k] == list[i];
    }
    const int64_t this_ms = budget_free_ms(list[i], c->rank, ahead, now_ms);
    if (this_ms > at_ms) at_ms = this_ms;
  }
  return at_ms;
}

// ---- waiting

// Behind those of its rank and above.
static void wait_for(struct remote_call *c, int64_t until_ms) {
  struct remote_site *site = c->site;
  c->not_before_ms = until_ms;
  struct remote_call **at = &site->first;
  while (*at && (*at)->rank >= c->rank) at = &(*at)->next;
  c->next = *at;
  *at = c;
  if (!c->next) site->last = c;
  c->waiting = true;
}

// Never later than somebody waits for already.
static void pump_at(struct remote_site *site, int64_t at_ms) {
  if (site->pump_ms > 0 && site->pump_ms <= at_ms) return;
  site->pump_ms = at_ms;
  const int64_t in_ms = at_ms - loop_now_ms(site->loop);
  loop_timer_start(site->pump, in_ms > 0 ? in_ms : 1, 0);
}

void remote_call_pump(struct remote_site *site) {
  const int64_t now_ms = loop_now_ms(site->loop);
  int64_t next_ms = INT64_MAX;
  site->pump_ms = 0;
  for (struct remote_call *c = site->first, *next; c; c = next) {
    struct budget *list[REMOTE_BUDGETS_MAX];
    next = c->next;
    int64_t at_ms = c->not_before_ms;
    if (at_ms <= now_ms) {
      const unsigned n = remote_budgets_of(c, list);
      at_ms = free_ms(c, list, n, now_ms);
      if (at_ms <= now_ms) {
        unlink_waiting(c);
        call_try(c, true);
        continue;
      }
    }
    if (c->give_up_ms <= now_ms) {
      unlink_waiting(c);
      finish_later(c, VENUE_WHY_THROTTLED, "no budget for it in time");
      continue;
    }
    if (at_ms > c->give_up_ms) at_ms = c->give_up_ms;
    if (at_ms < next_ms) next_ms = at_ms;
  }
  if (next_ms != INT64_MAX) pump_at(site, next_ms);
}

// ---- asking

static enum status build(struct remote_call *c, struct err *err) {
  const struct dialect_env env = remote_env(c->site);
  dialect_request_finish(&c->request);
  memset(&c->request, 0, sizeof c->request);
  c->is_signed = c->op == DIALECT_CREATE_ORDER && c->session && remote_ahead_take(c->session, c->args, &c->request);
  enum status st = c->is_signed ? OK : dialect_request(c->site->dialect, c->op, c->args, &env, &c->request, err);
  if (st == OK && c->request.auth && !c->session) st = err_set(err, ERR_INVALID, "%s wants a key", dialect_op_text(c->op));
  c->once |= !c->request.safe || dialect_op_trades(c->op);
  return st;
}

// Headers with the secrets they stand for, one after the other in `text`.
static enum status reveal(struct remote_call *c, const struct dialect_secret *secret, struct buf *text, struct http_client_field *fields, struct err *err) {
  size_t at[DIALECT_HEADERS_MAX];
  for (int i = 0; i < c->request.header_count; i++) {
    at[i] = text->len;
    dialect_reveal(c->request.headers[i].value, strlen(c->request.headers[i].value), false, secret, text);
    buf_add(text, "", 1);
  }
  if (text->failed) return err_set(err, ERR_NOMEM, "headers");
  for (int i = 0; i < c->request.header_count; i++) fields[i] = (struct http_client_field){c->request.headers[i].name, text->data + at[i]};
  return OK;
}

// Signs and sends. What fails here has not been sent.
static enum status call_send(struct remote_call *c, struct err *err) {
  struct remote_site *site = c->site;
  const struct dialect_env env = remote_env(site);
  const struct dialect_info *info = dialect_info(site->dialect);
  struct dialect_secret secret = {0};
  if (c->session) secret = remote_secret(c->session);
  struct http_client_field fields[DIALECT_HEADERS_MAX];
  struct buf headers, url;
  buf_init_secret(&headers, HTTP_CLIENT_HEAD_MAX);
  buf_init_secret(&url, HTTP_CLIENT_URL_MAX + 1);
  const bool sign = c->request.auth && !c->is_signed;
  if (sign && c->session) remote_ahead_drop(c->session);  // what was signed before would be sent behind it, and a venue may want them in their order
  enum status st = sign ? dialect_sign(site->dialect, &c->request, &secret, &env, err) : OK;
  if (st == OK) st = reveal(c, &secret, &headers, fields, err);
  if (st == OK) {
    const bool query = c->request.query && c->request.query[0];
    buf_printf(&url, "%s%s%s%s", c->request.rest, c->request.path, query ? "?" : "", query ? c->request.query : "");
    if (url.failed) st = err_set(err, ERR_LIMIT, "the URL is too long");
  }
  if (st == OK) {
    const struct http_client_request q = {.method = c->request.method, .url = url.data, .fields = fields, .field_count = (size_t)c->request.header_count,
      .body = c->request.body, .body_len = c->request.body_len, .tls = site->tls, .plain_allowed = site->plain, .answer_max = DIALECT_BODY_MAX,
      .timeout_ms = site->timeout_ms};
    c->sent_ns = clock_monotonic_ns();
    c->reply.asked_ns = venue_clock_steady(&site->clock, c->sent_ns);
    c->reply.expiry_ns = c->reply.asked_ns + (info->expiry_ms > 0 ? info->expiry_ms : REMOTE_LINGER_MS) * REMOTE_NS_OF_MS;
    st = http_pool_send(site->pool, &q, on_answer, c, &c->http, err);
  }
  buf_finish(&headers);
  buf_finish(&url);
  return st;
}

// granted: its turn has come, the budgets are free.
static void call_try(struct remote_call *c, bool granted) {
  struct budget *list[REMOTE_BUDGETS_MAX];
  struct err err;
  const int64_t now_ms = loop_now_ms(c->site->loop);
  enum status st = build(c, &err);
  if (st != OK) {
    finish_later(c, st == ERR_NOTFOUND ? VENUE_WHY_UNSUPPORTED : VENUE_WHY_REQUEST, err.msg);
    return;
  }
  const unsigned n = remote_budgets_of(c, list);
  const int64_t at_ms = granted ? now_ms : free_ms(c, list, n, now_ms);
  if (at_ms > c->give_up_ms) {
    finish_later(c, VENUE_WHY_THROTTLED, "no budget for it in time");
    return;
  }
  if (at_ms > now_ms) {
    wait_for(c, now_ms);
    pump_at(c->site, at_ms);
    return;
  }
  for (unsigned i = 0; i < n; i++) budget_spend(list[i], now_ms);
  st = call_send(c, &err);
  if (st != OK) finish_later(c, VENUE_WHY_REQUEST, err.msg);
}

static enum budget_rank rank_of(enum dialect_op op) {
  if (op == DIALECT_CANCEL_ORDER || op == DIALECT_CANCEL_ALL) return BUDGET_CANCEL;
  return op == DIALECT_CREATE_ORDER || op == DIALECT_AMEND_ORDER ? BUDGET_ORDER : BUDGET_READ;
}

struct remote_call *remote_call_begin(struct remote_site *site, struct remote_session *s, enum dialect_op op, json_t *args,
  void (*done)(struct remote_call *c)) {
  const int64_t expiry_ms = dialect_info(site->dialect)->expiry_ms;
  struct remote_call *c = call_create(site, s, done);
  c->op = op;
  c->rank = rank_of(op);
  c->args = args;
  c->give_up_ms = loop_now_ms(site->loop) + (!dialect_op_trades(op) ? READ_PATIENCE_MS : expiry_ms > 0 ? expiry_ms : site->timeout_ms);
  if (!args) finish_later(c, VENUE_WHY_OTHER, "out of memory");
  else call_try(c, false);
  return c;
}

struct remote_call *remote_call_refuse(struct remote_site *site, struct remote_session *s, enum venue_why why, const char *text,
  void (*done)(struct remote_call *c)) {
  struct remote_call *c = call_create(site, s, done);
  finish_later(c, why, text);
  return c;
}

// ---- what comes of it

// A read is asked again, later. False: it has been asked often enough, or must not be.
static bool again(struct remote_call *c, int64_t in_ms) {
  const int64_t at_ms = loop_now_ms(c->site->loop) + in_ms;
  if (c->once || ++c->tries >= TRIES_MAX || at_ms > c->give_up_ms) return false;
  wait_for(c, at_ms);
  pump_at(c->site, at_ms);
  return true;
}

static void unanswered(struct remote_call *c, bool written, const char *why) {
  if (again(c, c->site->retry_ms << c->tries)) return;
  settle(c, written ? VENUE_UNKNOWN : VENUE_NOT_SENT, VENUE_WHY_OTHER, why);
  finish(c);
}

// The page's rows join those before it. False: no memory, or no list where there were lists.
static bool take_rows(struct remote_call *c, struct dialect_answer *a) {
  if (!c->rows) {
    c->rows = a->data;
    a->data = NULL;
    return true;
  }
  return json_is_array(c->rows) && json_is_array(a->data) && json_array_extend(c->rows, a->data) == 0;
}

static void accepted(struct remote_call *c, struct dialect_answer *a, enum venue_why why) {
  struct err err;
  if (!take_rows(c, a)) {
    settle(c, VENUE_UNKNOWN, VENUE_WHY_OTHER, "pages that do not go together");
  } else if (a->next && ++c->pages >= PAGES_MAX) {
    settle(c, VENUE_UNKNOWN, VENUE_WHY_OTHER, "pages without an end");
  } else if (a->next && !c->once) {
    json_t *next = a->next;
    a->next = NULL;
    if (json_equal(next, json_object_get(c->args, "cursor")) || json_object_set_new(c->args, "cursor", next) != 0) {
      settle(c, VENUE_UNKNOWN, VENUE_WHY_OTHER, "pages that repeat");
    } else {
      c->tries = 0;
      c->give_up_ms = loop_now_ms(c->site->loop) + READ_PATIENCE_MS;
      call_try(c, false);
      return;
    }
  } else {
    settle(c, VENUE_ACCEPTED, why, a->text);
    // Theirs is told where it is known; one that does not fit is not, but the order is accepted.
    if (dialect_op_trades(c->op) && json_is_object(c->rows) && unified_text(c->rows, "id", c->reply.venue_id, sizeof c->reply.venue_id, &err) != OK)
      remote_log(c->site, c->session, "%s: %s", dialect_op_text(c->op), err.msg);
  }
  finish(c);
}

static void answered(struct remote_call *c, const struct http_client_answer *h, struct dialect_answer *a) {
  enum venue_why why = VENUE_WHY_OTHER;
  struct remote_session *s = c->session;
  venue_why_parse(a->why, &why);
  // A question to which nobody gave an answer that makes sense is not refused by that.
  if (!dialect_op_trades(c->op) && a->action == DIALECT_IS_FATAL && (h->status >= 500 || !dialect_explains(c->site->dialect, a->code))) a->action = DIALECT_IS_UNKNOWN;
  if (a->action != DIALECT_IS_THROTTLE) remote_peace(c, h);
  if (why == VENUE_WHY_CLOCK) remote_sync(c->site);
  switch (a->action) {
    case DIALECT_IS_OK:
      accepted(c, a, why);
      return;
    case DIALECT_IS_THROTTLE:
      remote_throttled(c, h);
      if (again(c, 0)) return;
      settle(c, VENUE_REFUSED, VENUE_WHY_THROTTLED, a->text);
      break;
    case DIALECT_IS_RETRY:
      if (again(c, c->site->retry_ms << c->tries)) return;
      settle(c, VENUE_REFUSED, why, a->text);
      break;
    case DIALECT_IS_UNKNOWN:
      if (again(c, c->site->retry_ms << c->tries)) return;
      settle(c, VENUE_UNKNOWN, why, a->text);
      break;
    case DIALECT_IS_NOT_FOUND:
      // An answer to the question whether there is one.
      if (c->op == DIALECT_FETCH_ORDER && (c->rows || (c->rows = json_array()))) settle(c, VENUE_ACCEPTED, VENUE_WHY_NONE, a->text);
      else settle(c, VENUE_REFUSED, VENUE_WHY_NOT_FOUND, a->text);
      break;
    case DIALECT_IS_DONE: settle(c, VENUE_REFUSED, VENUE_WHY_DONE, a->text); break;
    case DIALECT_IS_FATAL:
    case DIALECT_ACTION_COUNT: settle(c, VENUE_REFUSED, why, a->text); break;
  }
  if (s) remote_enter(s);
  // A key may have the right to trade and not the one to change how: that is the caller's to judge.
  const bool setting = c->op == DIALECT_SET_LEVERAGE || c->op == DIALECT_SET_MARGIN_MODE || c->op == DIALECT_SET_POSITION_MODE;
  const bool refused = s && !setting && c->reply.outcome == VENUE_REFUSED && why == VENUE_WHY_CREDENTIALS;
  char text[VENUE_TEXT_MAX];
  memcpy(text, c->reply.text, sizeof text);
  finish(c);
  if (!s || !remote_leave(s)) return;
  if (refused) remote_session_event(s, REMOTE_EVENT_REFUSED, text);
}

static void on_answer(void *arg, const struct http_client_answer *h, bool written, const char *why) {
  struct remote_call *c = arg;
  struct remote_site *site = c->site;
  c->reply.sent_ns = http_pool_written_ns(c->http);
  c->http = NULL;
  c->heard_ns = clock_monotonic_ns();
  if (!h) {
    unanswered(c, written, why);
    return;
  }
  int64_t date_ns;
  const char *date = http_client_field(h, "date");
  if (dialect_info(site->dialect)->clock == DIALECT_CLOCK_DATE && date && venue_clock_date(date, &date_ns))
    venue_clock_sample(&site->clock, c->sent_ns, c->heard_ns, date_ns, INT64_C(1000000000));
  struct dialect_answer a;
  struct err err;
  if (dialect_response(site->dialect, c->op, h->status, h->body, h->body_len, c->args, &a, &err) != OK)
    remote_log(site, c->session, "%s: HTTP %d: %s", dialect_op_text(c->op), h->status, err.msg);
  answered(c, h, &a);
  dialect_answer_finish(&a);
}

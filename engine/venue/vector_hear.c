// venue/vector_hear.c – answers, errors and streams.
#include "venue/vector_impl.h"

#include "venue/book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DUMP (JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15))

static const char *text_of(const json_t *o, const char *key) {
  return json_string_value(json_object_get(o, key));
}

// ---- response

// The rows of a history, filed under the op of what is open now: they are asked for as what they are.
static enum dialect_op asked(enum dialect_op op, const json_t *body) {
  const json_t *rows = json_object_get(json_object_get(body, "result"), "list");
  return op == DIALECT_POSITIONS && json_object_get(json_array_get(rows, 0), "closedPnl") != NULL ? DIALECT_CLOSED_PNL : op;
}

enum vector_verdict vector_response(struct vector_run *r, const json_t *v) {
  const json_t *http = json_object_get(v, "http"), *expect = json_object_get(v, "expect");
  const json_t *body = http != NULL ? json_object_get(http, "body") : json_object_get(v, "response_example");
  int status = http != NULL ? (int)json_integer_value(json_object_get(http, "status")) : 200;
  struct vector_ask ask;
  struct dialect_answer answer = {0};
  struct err err;
  if (!vector_input(r, v, &ask) || body == NULL || expect == NULL) {
    if (r->why[0] == '\0') vector_skip(r, "no answer with an expectation");
    vector_ask_finish(&ask);
    return VECTOR_SKIPPED;
  }
  enum dialect_op op = asked(ask.op, body);
  enum vector_verdict verdict;
  if ((dialect_info(r->d)->ops >> op & 1) == 0) {
    verdict = vector_skip(r, "the dialect has no %s", dialect_op_text(op));
  } else {
    char *bytes = json_is_string(body) ? strdup(json_string_value(body)) : json_dumps(body, DUMP);
    enum status st = dialect_response(r->d, op, status, bytes != NULL ? bytes : "", bytes != NULL ? strlen(bytes) : 0, ask.args, &answer, &err);
    if (st != OK) verdict = vector_fail(r, "%.300s", err.msg);
    else if (answer.action != DIALECT_IS_OK) verdict = vector_fail(r, "an error: %s %s %s", answer.code, answer.why, answer.text);
    else verdict = vector_compare_rows(r, op, expect, answer.data, ask.args);
    free(bytes);
  }
  dialect_answer_finish(&answer);
  vector_ask_finish(&ask);
  return verdict;
}

// ---- error

static const struct {
  const char *advice;
  enum dialect_action actions[3];  // any of them
  const char *why;                 // and this reason; NULL: any
  enum dialect_op op;              // whose answer it is asked as
} advices[] = {
  {"fatal_request", {DIALECT_IS_FATAL, DIALECT_IS_FATAL, DIALECT_IS_FATAL}, NULL, DIALECT_CREATE_ORDER},
  {"fatal_order", {DIALECT_IS_FATAL, DIALECT_IS_FATAL, DIALECT_IS_FATAL}, NULL, DIALECT_CREATE_ORDER},
  {"fatal_credentials", {DIALECT_IS_FATAL, DIALECT_IS_FATAL, DIALECT_IS_FATAL}, "credentials", DIALECT_CREATE_ORDER},
  {"retry_after_backoff", {DIALECT_IS_THROTTLE, DIALECT_IS_THROTTLE, DIALECT_IS_THROTTLE}, "throttled", DIALECT_CREATE_ORDER},
  {"retry_later", {DIALECT_IS_RETRY, DIALECT_IS_RETRY, DIALECT_IS_RETRY}, NULL, DIALECT_CREATE_ORDER},
  {"resync_clock_then_retry", {DIALECT_IS_RETRY, DIALECT_IS_RETRY, DIALECT_IS_RETRY}, "clock", DIALECT_CREATE_ORDER},
  {"unknown_outcome_then_reconcile", {DIALECT_IS_UNKNOWN, DIALECT_IS_UNKNOWN, DIALECT_IS_UNKNOWN}, NULL, DIALECT_CREATE_ORDER},
  {"treat_as_maybe_placed_query_by_client_id", {DIALECT_IS_UNKNOWN, DIALECT_IS_UNKNOWN, DIALECT_IS_UNKNOWN}, "duplicate", DIALECT_CREATE_ORDER},
  {"order_not_found", {DIALECT_IS_NOT_FOUND, DIALECT_IS_DONE, DIALECT_IS_DONE}, NULL, DIALECT_CANCEL_ORDER},
  {"already_done", {DIALECT_IS_DONE, DIALECT_IS_NOT_FOUND, DIALECT_IS_NOT_FOUND}, NULL, DIALECT_CANCEL_ORDER},
  {"no_change_ok", {DIALECT_IS_OK, DIALECT_IS_OK, DIALECT_IS_OK}, "unchanged", DIALECT_SET_LEVERAGE}};

// An advice that somebody derived from a class of errors is only noted when it is not taken; a reviewed one is judged by. What must hold
// in any case: the code is known, so that the action is somebody's decision.
enum vector_verdict vector_error(struct vector_run *r, const json_t *v) {
  const json_t *http = json_object_get(v, "http");
  const char *advice = text_of(v, "suggested_action");
  bool reviewed = json_object_get(v, "action_source") != NULL;
  size_t i = 0, n = sizeof advices / sizeof *advices;
  while (i < n && (advice == NULL || strcmp(advices[i].advice, advice) != 0)) i++;
  if (http == NULL || i == n) return vector_skip(r, "no answer, or an advice '%.40s' without words of ours", advice != NULL ? advice : "");
  enum dialect_op op = advices[i].op;
  for (int other = 0; (dialect_info(r->d)->ops >> op & 1) == 0 && other < DIALECT_OP_COUNT; other++) op = (enum dialect_op)other;
  struct dialect_answer answer;
  struct err err;
  char *body = json_dumps(json_object_get(http, "body"), DUMP);
  enum status st = dialect_response(r->d, op, (int)json_integer_value(json_object_get(http, "status")), body != NULL ? body : "",
    body != NULL ? strlen(body) : 0, NULL, &answer, &err);
  free(body);
  bool taken = false;
  for (int k = 0; k < 3; k++) taken = taken || answer.action == advices[i].actions[k];
  taken = taken && (advices[i].why == NULL || strcmp(advices[i].why, answer.why) == 0);
  enum vector_verdict verdict = VECTOR_PASSED;
  if (st != OK) {
    verdict = vector_fail(r, "%.300s", err.msg);
  } else if (!dialect_explains(r->d, answer.code)) {
    verdict = vector_fail(r, "the code %s is not in the table of errors", answer.code);
  } else if (!taken) {
    vector_fail(r, "%s: advised %s, decided %s (%s)", dialect_op_text(op), advice, dialect_action_text(answer.action), answer.why);
    verdict = reviewed ? VECTOR_FAILED : VECTOR_PASSED;
    r->note = !reviewed;
  }
  dialect_answer_finish(&answer);
  return verdict;
}

// ---- ws

// A message of the client's: what it says, without the number it bears.
static json_t *message(const char *text, size_t len) {
  static const char *const numbers[] = {"req_id", "id", "reqId"};
  json_t *m = json_loadb(text, len, JSON_DECODE_ANY, NULL);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) json_object_del(m, numbers[i]);
  return m;
}

static bool sends(struct vector_run *r, const json_t *connection, const json_t *want) {
  char *wanted = json_dumps(want, DUMP);
  json_t *plain = message(wanted != NULL ? wanted : "", wanted != NULL ? strlen(wanted) : 0);
  const json_t *login = json_object_get(connection, "login"), *subscribe = json_object_get(connection, "subscribe");
  bool found = false;
  for (size_t i = 0; !found && i <= json_array_size(subscribe); i++) {
    const json_t *text = i == 0 ? login : json_array_get(subscribe, i - 1);
    struct buf b;
    if (!json_is_string(text)) continue;
    buf_init_secret(&b, 65536);
    dialect_reveal(json_string_value(text), json_string_length(text), true, &r->secret, &b);
    json_t *got = b.data != NULL ? message(b.data, b.len) : NULL;
    found = !b.failed && got != NULL && vector_same(plain, got);
    json_decref(got);
    buf_finish(&b);
  }
  if (!found) vector_fail(r, "the client sends %.250s", wanted != NULL ? wanted : "?");
  free(wanted);
  json_decref(plain);
  return found;
}

static enum vector_verdict compare_client(struct vector_run *r, const json_t *v, const json_t *connections) {
  const json_t *url = json_array_get(json_object_get(v, "connect_urls"), 0), *connection = json_array_get(connections, 0);
  size_t i;
  json_t *sent;
  if (url != NULL && !vector_same(url, json_object_get(connection, "url")))
    return vector_fail(r, "expected a connection to %s, got %s", json_string_value(url), text_of(connection, "url"));
  json_array_foreach(json_object_get(v, "client_messages"), i, sent) {
    if (!sends(r, connection, json_object_get(sent, "message"))) return VECTOR_FAILED;
  }
  return VECTOR_PASSED;
}

// Frames into events of the type that is asked for; books are kept. r->why when the dialect fails.
struct heard {
  json_t *events;
  struct book book;
  bool gap, complained;
};

static bool hear(struct vector_run *r, const char *stream, const char *type, const json_t *frames, struct heard *h) {
  size_t i, k;
  json_t *frame, *event, *events;
  struct err err;
  json_array_foreach(frames, i, frame) {
    const char *text = json_string_value(frame);
    if (text == NULL) continue;
    if (dialect_frame(r->d, stream, text, strlen(text), &events, &err) != OK) return vector_fail(r, "%.300s", err.msg), false;
    json_array_foreach(events, k, event) {
      const char *of = text_of(event, "type");
      if (strcmp(of, "gap") == 0) h->gap = true;
      if (strcmp(of, "error") == 0) h->complained = true, vector_fail(r, "an event error: %.250s", text_of(event, "text") != NULL ? text_of(event, "text") : "");
      if (strcmp(of, type) != 0) continue;
      if (strcmp(type, "book") == 0 && book_take(&h->book, event) == BOOK_GAP) h->gap = true;
      if (strcmp(type, "ticker") == 0 && json_array_size(h->events) > 0) json_object_update(json_array_get(h->events, 0), event);
      else json_array_append(h->events, event);
    }
    json_decref(events);
  }
  return true;
}

// The frames of the vector that told the snapshot with this sequence.
static const json_t *snapshot(struct vector_run *r, const json_t *seq, const json_t *urls) {
  size_t i;
  json_t *v;
  json_array_foreach(r->vectors, i, v) {
    const json_t *expect = json_object_get(v, "expect");
    if (json_object_get(expect, "after_snapshot") == NULL && json_object_get(expect, "sequence") != NULL &&
        vector_same(seq, json_object_get(expect, "sequence")) && vector_same(urls, json_object_get(v, "connect_urls")))
      return json_object_get(v, "server_frames");
  }
  return NULL;
}

static enum vector_verdict compare_heard(struct vector_run *r, const json_t *v, const struct vector_ask *ask) {
  static const struct {
    enum dialect_op op;
    const char *type;
  } types[] = {{DIALECT_OPEN_ORDERS, "order"}, {DIALECT_FILLS, "fill"}, {DIALECT_POSITIONS, "position"}, {DIALECT_BALANCE, "balance"},
    {DIALECT_KLINES, "kline"}, {DIALECT_TICKER, "ticker"}, {DIALECT_PUBLIC_TRADES, "trade"}, {DIALECT_ORDERBOOK, "book"}};
  const json_t *expect = json_object_get(v, "expect"), *after = json_object_get(expect, "after_snapshot"), *before = NULL;
  struct heard h = {.events = json_array()};
  const char *type = "";
  enum vector_verdict verdict = VECTOR_FAILED;
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (types[i].op == ask->op) type = types[i].type;
  book_init(&h.book);
  if (after != NULL && (before = snapshot(r, after, json_object_get(v, "connect_urls"))) == NULL) {
    verdict = vector_skip(r, "the snapshot it continues is in no vector of the file");
  } else if ((before == NULL || hear(r, ask->stream, type, before, &h)) &&
             hear(r, ask->stream, type, json_object_get(v, "server_frames"), &h) && (!h.complained || expect == NULL)) {
    json_t *want = json_copy((json_t *)expect), *book = book_json(&h.book, 0);
    const char *must = text_of(want, "must");
    json_object_del(want, "after_snapshot");
    json_object_del(want, "must");
    if (expect == NULL) verdict = VECTOR_PASSED;
    else if (must != NULL) verdict = h.gap ? VECTOR_PASSED : vector_fail(r, "must %.200s", must);
    else if (h.gap) verdict = vector_fail(r, "a gap that there is not");
    else if (ask->op == DIALECT_ORDERBOOK) verdict = vector_compare_rows(r, ask->op, want, book, NULL);
    else verdict = vector_compare_rows(r, ask->op, want, h.events, NULL);
    json_decref(want);
    json_decref(book);
  }
  book_finish(&h.book);
  json_decref(h.events);
  return verdict;
}

enum vector_verdict vector_ws(struct vector_run *r, const json_t *v) {
  const json_t *now = json_object_get(v, "now_ms");
  const char *url = json_string_value(json_array_get(json_object_get(v, "connect_urls"), 0)), *depth;
  struct vector_ask ask;
  struct err err;
  json_t *connections = NULL;
  if (!vector_input(r, v, &ask)) {
    vector_ask_finish(&ask);
    return VECTOR_SKIPPED;
  }
  const char *topic = text_of(ask.args, "topic");
  bool private = strcmp(ask.stream, "private") == 0;
  if (!private && text_of(ask.args, "symbol") == NULL && url != NULL)  // documented frames: the symbol is in the address
    json_object_set_new(ask.args, "symbol", json_string(strrchr(url, '/') + 1));
  json_t *args, *one = json_object();
  if (private) {
    args = json_pack("{s:[s]}", "topics", topic);
  } else {
    json_object_set_new(one, "type", json_string(topic));
    json_object_set(one, "symbol", json_object_get(ask.args, "symbol"));
    json_object_set(one, "timeframe", json_object_get(ask.args, "timeframe"));
    depth = text_of(ask.args, "limit");
    if (depth != NULL) json_object_set_new(one, "depth", json_string(depth));
    args = json_pack("{s:[O]}", "topics", one);
  }
  struct dialect_env env = {.category = ask.category, .now_ms = now != NULL ? json_integer_value(now) : r->now_ms};
  enum status st = dialect_streams(r->d, ask.stream, args, &r->secret, &env, &connections, &err);
  enum vector_verdict verdict;
  if (st != OK) verdict = st == ERR_NOTFOUND ? vector_skip(r, "%.300s", err.msg) : vector_fail(r, "%.300s", err.msg);
  else verdict = compare_client(r, v, connections);
  if (verdict == VECTOR_PASSED) verdict = compare_heard(r, v, &ask);
  json_decref(connections);
  json_decref(args);
  json_decref(one);
  vector_ask_finish(&ask);
  return verdict;
}

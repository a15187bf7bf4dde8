// venue/vector_request.c – requests and signatures: what the dialect would send against what a real client sent.
#include "venue/vector_impl.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REVEAL_MAX 4096
#define HEADER_MAX 1024

// Bounds on a request's life are a policy of who sends it: they may be there where the real client had none.
static const char *const life[] = {"timestamp", "ttl", "recvWindow", "recv_window"};

static const char *text_of(const json_t *o, const char *key) {
  return json_string_value(json_object_get(o, key));
}

static bool listed(const json_t *list, const char *key) {
  size_t i;
  json_t *item;
  json_array_foreach(list, i, item) {
    if (json_is_string(item) && strcmp(json_string_value(item), key) == 0) return true;
  }
  return false;
}

// name=value&… as an object.
static json_t *decoded(const char *query) {
  json_t *out = json_object();
  while (*query != '\0') {
    char pair[2][2048];
    size_t n[2] = {0, 0};
    int part = 0;
    for (; *query != '\0' && *query != '&'; query++) {
      char c = *query;
      if (c == '=' && part == 0) {
        part = 1;
        continue;
      }
      if (c == '+') c = ' ';
      if (c == '%' && isxdigit((unsigned char)query[1]) && isxdigit((unsigned char)query[2])) {
        char hex[3] = {query[1], query[2], '\0'};
        c = (char)strtol(hex, NULL, 16);
        query += 2;
      }
      if (n[part] < sizeof pair[part] - 1) pair[part][n[part]++] = c;
    }
    pair[0][n[0]] = pair[1][n[1]] = '\0';
    if (*query == '&') query++;
    json_object_set_new(out, pair[0], json_string(pair[1]));
  }
  return out;
}

static bool nothing(const json_t *v) {
  return v == NULL || json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0);
}

static enum vector_verdict compare(struct vector_run *r, const json_t *v, const char *where, const json_t *want, const json_t *got) {
  const json_t *skip = json_object_get(v, "skip_keys"), *policy = json_object_get(v, "policy_keys");
  const char *id = text_of(v, "desc");
  bool random_id = id != NULL && strncmp(id, "ccxt static", 11) == 0;  // a client id was made up while recording
  const char *key;
  json_t *item;
  json_object_foreach((json_t *)want, key, item) {
    if (nothing(item) || listed(skip, key) || listed(policy, key) || (random_id && strcmp(key, "clOrdID") == 0)) continue;
    if (json_object_get(got, key) == NULL) return vector_fail(r, "%s: %s is missing", where, key);
    if (!vector_same(item, json_object_get(got, key))) {
      char *a = json_dumps(item, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)), *b = json_dumps(json_object_get(got, key), JSON_ENCODE_ANY);
      vector_fail(r, "%s: %s: expected %.100s, got %.100s", where, key, a != NULL ? a : "?", b != NULL ? b : "?");
      free(a);
      free(b);
      return VECTOR_FAILED;
    }
  }
  json_object_foreach((json_t *)got, key, item) {
    bool free_to_add = false;
    for (size_t i = 0; i < sizeof life / sizeof *life; i++) free_to_add = free_to_add || strcmp(life[i], key) == 0;
    if (nothing(item) || free_to_add || json_object_get(want, key) != NULL || listed(skip, key) || listed(policy, key)) continue;
    if (random_id && strcmp(key, "clOrdID") == 0) continue;
    return vector_fail(r, "%s: %s is not expected", where, key);
  }
  return VECTOR_PASSED;
}

static json_t *body_of(const struct dialect_request *q) {
  if (q->body == NULL || q->body_len == 0) return json_object();
  json_t *body = q->body[0] == '{' || q->body[0] == '[' ? json_loadb(q->body, q->body_len, JSON_DECODE_ANY, NULL) : decoded(q->body);
  return body != NULL ? body : json_object();
}

// A JSON body has its place; form parameters may be in the query or in the body.
static enum vector_verdict compare_parameters(struct vector_run *r, const json_t *v, const struct dialect_request *q) {
  const json_t *expect = json_object_get(v, "expect"), *json = json_object_get(expect, "body_json"), *form = json_object_get(expect, "body_form");
  json_t *want = json_object(), *query = decoded(q->query), *body = body_of(q), *none = json_object();
  enum vector_verdict verdict;
  json_object_update(want, json_object_get(expect, "query"));
  if (json != NULL) {
    verdict = compare(r, v, "query", want, query);
    if (verdict == VECTOR_PASSED) verdict = json_is_object(json) ? compare(r, v, "body", json, body) : vector_same(json, body) ? VECTOR_PASSED : vector_fail(r, "body: another one is expected");
  } else {
    json_object_update(want, (json_t *)(form != NULL ? form : none));
    json_object_update(query, body);
    verdict = compare(r, v, "parameters", want, query);
  }
  json_decref(want);
  json_decref(query);
  json_decref(body);
  json_decref(none);
  return verdict;
}

// ---- signatures

static bool revealed(struct vector_run *r, const char *value, char *out) {
  struct buf b;
  buf_init_secret(&b, REVEAL_MAX);
  dialect_reveal(value, strlen(value), false, &r->secret, &b);
  bool good = !b.failed && b.len < HEADER_MAX;
  if (good) snprintf(out, HEADER_MAX, "%s", b.data != NULL ? b.data : "");
  buf_finish(&b);
  return good;
}

// Whether two texts could both be signatures: long, of one length, of one alphabet.
static bool alike(const char *a, const char *b) {
  static const char hex[] = "0123456789abcdef", base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
  size_t n = strlen(a);
  if (n < 40 || n != strlen(b)) return false;
  return strspn(a, hex) == n ? strspn(b, hex) == n : strspn(a, base64) == n && strspn(b, base64) == n;
}

static const char *header(const struct dialect_request *q, const char *name) {
  for (int i = 0; i < q->header_count; i++)
    if (strcasecmp(q->headers[i].name, name) == 0) return q->headers[i].value;
  return NULL;
}

// exact: the request has the very bytes of the real client's, so its signature must be the same.
static enum vector_verdict compare_headers(struct vector_run *r, const json_t *v, const struct dialect_request *q, bool exact) {
  const json_t *want = json_object_get(json_object_get(v, "expect"), "headers");
  char value[HEADER_MAX];
  const char *key;
  json_t *item;
  json_object_foreach((json_t *)want, key, item) {
    const char *expected = json_string_value(item), *got;
    if (expected == NULL || strcasecmp(key, "User-Agent") == 0 || strcasecmp(key, "Referer") == 0 || strcasecmp(key, "Content-Type") == 0 ||
        listed(json_object_get(v, "skip_keys"), key))
      continue;
    if ((got = header(q, key)) == NULL) return vector_fail(r, "the header %s is missing", key);
    if (!revealed(r, got, value)) return vector_fail(r, "the header %s cannot be written", key);
    if (strcmp(value, expected) == 0) {
      if (alike(value, expected) && exact) r->signatures++;
      continue;
    }
    if (exact || !alike(value, expected)) return vector_fail(r, "the header %s: expected %.100s, got %.100s", key, expected, value);
  }
  return VECTOR_PASSED;
}

static bool sign(struct vector_run *r, struct dialect_request *q, const struct dialect_env *env) {
  struct err err;
  if (!q->auth || dialect_sign(r->d, q, &r->secret, env, &err) == OK) return true;
  vector_fail(r, "%.300s", err.msg);
  return false;
}

// The real client's bytes through the dialect's sign.
static enum vector_verdict compare_signature(struct vector_run *r, const json_t *v, const struct dialect_request *like, const struct dialect_env *env) {
  const json_t *expect = json_object_get(v, "expect");
  const char *query = text_of(expect, "query_raw"), *body = text_of(expect, "body_raw");
  if (!like->auth || (query == NULL && body == NULL)) return VECTOR_PASSED;
  struct dialect_request q = {.auth = true};
  snprintf(q.method, sizeof q.method, "%s", text_of(expect, "method"));
  q.rest = strdup(like->rest);
  q.path = strdup(text_of(expect, "path"));
  q.query = strdup(query != NULL ? query : "");
  q.body = body != NULL ? strdup(body) : NULL;
  q.body_len = body != NULL ? strlen(body) : 0;
  enum vector_verdict verdict = VECTOR_FAILED;
  if (sign(r, &q, env)) verdict = compare_headers(r, v, &q, true);
  dialect_request_finish(&q);
  return verdict;
}

enum vector_verdict vector_request(struct vector_run *r, const json_t *v) {
  struct vector_ask ask;
  struct dialect_request q = {0};
  struct err err;
  const json_t *expect = json_object_get(v, "expect"), *now = json_object_get(v, "now_ms");
  const char *method = text_of(expect, "method"), *host = text_of(expect, "host"), *path = text_of(expect, "path");
  enum vector_verdict verdict;
  if (!vector_input(r, v, &ask)) {
    vector_ask_finish(&ask);
    return VECTOR_SKIPPED;
  }
  struct dialect_env env = {.category = ask.category, .now_ms = now != NULL ? json_integer_value(now) : r->now_ms};
  enum status st = dialect_request(r->d, ask.op, ask.args, &env, &q, &err);
  if (st != OK) {
    verdict = st == ERR_NOTFOUND ? vector_skip(r, "%.300s", err.msg) : vector_fail(r, "%.300s", err.msg);
  } else if (method == NULL || path == NULL) {
    verdict = vector_skip(r, "nothing is expected");
  } else if (strcmp(method, q.method) != 0 || strcmp(path, q.path) != 0) {
    verdict = vector_fail(r, "expected %s %s, got %s %s", method, path, q.method, q.path);
  } else if (host != NULL && (strncmp(q.rest, "https://", 8) != 0 || strcmp(q.rest + 8, host) != 0)) {
    verdict = vector_fail(r, "expected the host %s, got %s", host, q.rest);
  } else {
    verdict = compare_parameters(r, v, &q);
    if (verdict == VECTOR_PASSED && !sign(r, &q, &env)) verdict = VECTOR_FAILED;
    if (verdict == VECTOR_PASSED && q.auth) verdict = compare_headers(r, v, &q, false);
    if (verdict == VECTOR_PASSED) verdict = compare_signature(r, v, &q, &env);
  }
  dialect_request_finish(&q);
  vector_ask_finish(&ask);
  return verdict;
}

// A text to be signed is of some request: every ending of it is tried as that request's query or body, and one must give the signature.
enum vector_verdict vector_sign(struct vector_run *r, const json_t *v) {
  const char *text = text_of(v, "string_to_sign"), *want = text_of(v, "signature"), *secret = text_of(v, "secret");
  struct dialect_secret mine = r->secret;
  if (text == NULL || want == NULL) return vector_skip(r, "no string_to_sign and signature");
  struct vector_run run = *r;
  if (secret != NULL) mine.secret = secret;
  run.secret = mine;
  struct dialect_env env = {.now_ms = r->now_ms};
  for (size_t at = 0; at <= strlen(text); at++)
    for (int post = 0; post < 2; post++) {
      struct dialect_request q = {.auth = true};
      char value[HEADER_MAX];
      bool found = false;
      snprintf(q.method, sizeof q.method, "%s", post ? "POST" : "GET");
      q.path = strdup("/");
      q.query = strdup(post ? "" : text + at);
      q.body = post ? strdup(text + at) : NULL;
      q.body_len = post ? strlen(text + at) : 0;
      if (sign(&run, &q, &env))
        for (int i = 0; i < q.header_count; i++) found = found || (revealed(&run, q.headers[i].value, value) && strcmp(value, want) == 0);
      dialect_request_finish(&q);
      if (found) return r->signatures++, VECTOR_PASSED;
    }
  return vector_fail(r, "no request's signature of this text is %.100s", want);
}

// api/call.c – a request from the transport to its answer: route, authenticate, permit, limit, validate, handle, answer, log.
#include "api/call.h"

#include "api/core.h"
#include "backtest/json_out.h"
#include "base/wipe.h"
#include "crypto/random.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "store/id.h"
#include "tenant/registry.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS INT64_C(1000000)

struct api_block {
  struct api_block *next;
  _Alignas(16) char data[];
};

void *api_alloc(struct api_call *call, size_t size) {
  struct api_block *b = calloc(1, sizeof *b + size);
  if (!b) return NULL;
  b->next = call->blocks;
  call->blocks = b;
  return b->data;
}

// ---- answering

static void drop_answer(struct api_call *call) {
  json_decref(call->out);
  wipe_free(call->text);
  call->out = NULL;
  call->text = NULL;
  call->text_len = 0;
  call->status = 0;
  call->problem = PROBLEM_NONE;
}

enum status api_json(struct api_call *call, int status, json_t *tree) {
  drop_answer(call);
  if (!tree && status != 204 && status != 304) return err_set(&call->err, ERR_NOMEM, "out of memory");
  call->status = status;
  call->out = tree;
  return OK;
}

enum status api_text(struct api_call *call, int status, const char *content_type, char *text, size_t len) {
  drop_answer(call);
  if (!text) return err_set(&call->err, ERR_NOMEM, "out of memory");
  call->status = status;
  call->text = text;
  call->text_len = len;
  call->text_type = content_type;
  return OK;
}

enum status api_invalid(struct api_call *call, enum problem p, const char *detail, const struct schema_errors *errors) {
  drop_answer(call);
  call->out = problem_json(p, detail, errors, call->request_id);
  call->problem = p;
  call->status = problem_status(p);
  if (p == PROBLEM_unauthenticated || p == PROBLEM_token_expired)
    api_field(call, "WWW-Authenticate", "Bearer%s", p == PROBLEM_token_expired ? " error=\"invalid_token\"" : "");
  if (p == PROBLEM_unavailable) api_field(call, "Retry-After", "1");
  return call->in_write ? ERR_CANCELLED : OK;
}

enum status api_problem(struct api_call *call, enum problem p, const char *detail) { return api_invalid(call, p, detail, NULL); }

enum status api_problemf(struct api_call *call, enum problem p, const char *fmt, ...) {
  char detail[512];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(detail, sizeof detail, fmt, ap);
  va_end(ap);
  return api_invalid(call, p, detail, NULL);
}

enum status api_invalid_at(struct api_call *call, const char *pointer, const char *message) {
  struct schema_errors errors = {0};
  schema_errors_add(&errors, pointer, "%s", message);
  return api_invalid(call, PROBLEM_validation_failed, NULL, &errors);
}

void api_field(struct api_call *call, const char *name, const char *fmt, ...) {
  assert(call->field_count < (int)(sizeof call->fields / sizeof *call->fields));
  char *small = call->fields[call->field_count].small, *value = small;
  const size_t room = sizeof call->fields->small;
  va_list ap;
  va_start(ap, fmt);
  const int n = vsnprintf(small, room, fmt, ap);
  va_end(ap);
  if (n >= (int)room) {
    value = api_alloc(call, (size_t)n + 1);
    if (!value) return;  // without it, then
    va_start(ap, fmt);
    vsnprintf(value, (size_t)n + 1, fmt, ap);
    va_end(ap);
  }
  call->fields[call->field_count].name = name;
  call->fields[call->field_count++].value = value;
}

bool api_render(struct api_call *call) {
  if (call->text) return true;
  if (!call->out) return false;
  call->text = json_dumps(call->out, JSON_COMPACT);
  call->text_len = call->text ? strlen(call->text) : 0;
  call->text_type = call->problem != PROBLEM_NONE ? "application/problem+json" : "application/json";
  return call->text != NULL;
}

// ---- logging

void api_log_flush(struct api_core *core) {
  if (core->log && core->log_lines.len > 0) core->log(core->log_arg, core->log_lines.data, core->log_lines.len - 1);
  buf_clear(&core->log_lines);
}

static void log_line_end(struct api_core *core, bool now) {
  buf_str(&core->log_lines, "\n");
  if (now || !core->log_gathers || core->log_lines.len > 32768 || core->log_lines.failed) api_log_flush(core);
}

int api_log_level(const char *name) { return strcmp(name, "error") == 0 ? API_LOG_ERROR : strcmp(name, "warning") == 0 ? API_LOG_WARNING : API_LOG_INFO; }

void api_log(struct api_core *core, const char *level, const char *event, json_t *extra) {
  if (core->log && api_log_level(level) >= core->log_level) {
    json_t *line = json_pack("{s:f, s:s, s:s}", "ts", (double)(clock_wall_ns() / NS_PER_MS) / 1000, "level", level, "event", event);
    if (extra) json_object_update(line, extra);
    char *text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(14));
    if (text) buf_str(&core->log_lines, text);
    log_line_end(core, strcmp(level, "info") != 0);
    free(text);
    json_decref(line);
  }
  json_decref(extra);
}

// The path is logged as its template: ids and one-time tokens in paths stay out of logs.
static void log_access(struct api_call *call, int64_t took_ns) {
  struct api_core *core = call->core;
  if (!core->log || core->log_level > (call->status >= 500 ? API_LOG_ERROR : API_LOG_INFO)) return;
  static const char *const kinds[] = {"none", "session", "key", "operator"};
  const int64_t now_ms = clock_wall_ns() / NS_PER_MS;
  const bool failed = call->status >= 500;
  char id[ID_TEXT_SIZE], ts[32];
  snprintf(ts, sizeof ts, "%" PRId64 ".%03d", now_ms / 1000, (int)(now_ms % 1000));
  struct json_out j;
  json_out_init(&j, &core->log_lines, false);
  jo_open(&j, NULL, '{');
  jo_raw(&j, "ts", ts);
  jo_text(&j, "level", failed ? "error" : "info");
  jo_text(&j, "event", "request");
  jo_text(&j, "request_id", call->request_id);
  jo_text(&j, "method", call->req->method);
  jo_text(&j, "path", call->route ? call->route->path : "-");
  jo_int(&j, "status", call->status);
  jo_int(&j, "took_us", took_ns / 1000);
  jo_int(&j, "bytes", (int64_t)call->text_len);
  jo_text(&j, "ip", call->req->address);
  jo_text(&j, "by", kinds[call->who.kind]);
  if (call->who.user_id) {
    id_format("usr", call->who.user_id, id);
    jo_text(&j, "user", id);
  }
  if (call->who.tenant_id) {
    id_format("org", call->who.tenant_id, id);
    jo_text(&j, "tenant", id);
  }
  if (call->problem != PROBLEM_NONE) jo_text(&j, "code", problem_code(call->problem));
  if (failed && call->err.msg[0]) jo_text(&j, "error", call->err.msg);
  jo_close(&j);
  log_line_end(core, failed);
}

// ---- the end of a call

static void answer_add(struct api_answer *a, const char *name, const char *value) {
  assert(a->field_count < API_FIELDS_MAX);
  a->fields[a->field_count].name = name;
  a->fields[a->field_count++].value = value;
}

static const char *allowed_origin(const struct api_call *call) {
  const char *origin = call->req->field(call->req, "origin");
  for (const char *const *o = call->core->origins; origin && o && *o; o++)
    if (strcmp(*o, origin) == 0) return *o;
  return NULL;
}

const struct api_field_text api_standard_fields[API_STANDARD_FIELDS] = {{"X-Content-Type-Options", "nosniff"},
                                                                        {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
                                                                        {"Referrer-Policy", "no-referrer"},
                                                                        {"Cross-Origin-Resource-Policy", "same-origin"}};

static void add_standard_fields(struct api_call *call, struct api_answer *a) {
  answer_add(a, "X-Request-Id", call->request_id);
  for (int i = 0; i < API_STANDARD_FIELDS; i++) answer_add(a, api_standard_fields[i].name, api_standard_fields[i].value);
  bool cache_told = false;
  for (int i = 0; i < call->field_count; i++) cache_told |= strcmp(call->fields[i].name, "Cache-Control") == 0;
  if (!cache_told) answer_add(a, "Cache-Control", "no-store");
  if (call->req->is_tls) answer_add(a, "Strict-Transport-Security", "max-age=31536000; includeSubDomains");
  if (call->core->origins && call->core->origins[0]) answer_add(a, "Vary", "Origin");
  const char *origin = allowed_origin(call);
  if (origin) {
    answer_add(a, "Access-Control-Allow-Origin", origin);
    answer_add(a, "Access-Control-Expose-Headers", "ETag, Idempotent-Replayed, Location, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, X-Request-Id");
  }
}

static void check_documented(struct api_call *call) {
  if (!call->core->check_answers || !call->route || call->problem != PROBLEM_NONE || call->status == 304) return;
  struct schema_errors errors = {0};
  json_t *written = NULL;  // what was not made as a tree is read back
  if (call->text && !call->out) {
    if (strcmp(call->text_type, "application/json") != 0) return;
    written = json_loadb(call->text, call->text_len, 0, NULL);
  }
  const bool documented = (call->out || written || !call->text) && route_documents(call->route, call->status, written ? written : call->out, &errors);
  json_decref(written);
  if (documented) return;
  metrics_add(call->core->metrics, METRIC_undocumented, 1);
  err_set(&call->err, ERR_INVALID, "undocumented answer %d: %s %s", call->status, errors.items[0].pointer, errors.items[0].message);
  (void)api_problem(call, PROBLEM_internal, call->err.msg);
}

static void call_end(struct api_call *call) {
  struct api_core *core = call->core;
  check_documented(call);
  if (!api_render(call) && call->out) call->status = 500;
  struct api_answer a = {.status = call->status, .content_type = call->text ? call->text_type : NULL, .body = call->text ? call->text : "", .len = call->text_len};
  for (int i = 0; i < call->field_count; i++) answer_add(&a, call->fields[i].name, call->fields[i].value);
  add_standard_fields(call, &a);
  const int64_t took_ns = clock_monotonic_ns() - call->req->received_ns;
  metrics_request(core->metrics, call->route_index, call->status, took_ns > 0 ? took_ns : 0);
  log_access(call, took_ns);
  call->answer(call->answer_arg, &a);  // call->req is gone from here on
  idem_end(call);
  if (call->cleanup) call->cleanup(call);
  snapshot_release(call->snapshot);
  drop_answer(call);
  json_decref(call->query);
  json_decref(call->body);
  for (struct api_block *b = call->blocks, *next; b; b = next) {
    next = b->next;
    wipe_free(b);
  }
  core->calls--;
  free(call);
}

// A status without an answer, as a problem. What went wrong inside is for the log.
static void answer_status(struct api_call *call, enum status st) {
  const enum problem p = st == ERR_NOTFOUND ? PROBLEM_not_found
                         : st == ERR_EXISTS ? PROBLEM_already_exists
                         : st == ERR_LIMIT || st == ERR_NOMEM || st == ERR_CANCELLED ? PROBLEM_unavailable
                         : st == ERR_IO ? PROBLEM_storage_failed
                         : PROBLEM_internal;
  if (st == OK) err_set(&call->err, ERR_INVALID, "the handler of %s gave no answer", call->route->id);
  if (problem_status(p) >= 500 && !call->err.msg[0]) err_set(&call->err, st, "%s", status_text(st));
  (void)api_problem(call, p, NULL);
}

void api_finish(struct api_call *call, enum status st) {
  if (call->pending) return;
  if (st != OK && call->problem == PROBLEM_NONE) drop_answer(call);
  if (call->status == 0) answer_status(call, st);
  call_end(call);
}

enum status api_wait(struct api_call *call) {
  call->pending = true;
  return OK;
}
void api_resume(struct api_call *call, api_phase phase) {
  call->pending = false;
  api_finish(call, phase(call));
}

// ---- the pool

struct slow {
  struct api_call *call;
  void (*work)(struct api_call *call);
  api_phase then;
};
static void slow_work(void *arg) { ((struct slow *)arg)->work(((struct slow *)arg)->call); }
static void slow_done(void *arg) {
  struct slow *s = arg;
  api_resume(s->call, s->then);
}

enum status api_work(struct api_call *call, void (*work)(struct api_call *call), api_phase then) {
  struct slow *s = api_alloc(call, sizeof *s);
  if (!s) return err_set(&call->err, ERR_NOMEM, "out of memory");
  *s = (struct slow){call, work, then};
  enum status st = loop_work(call->core->loop, slow_work, slow_done, s, &call->err);
  if (st == OK) call->pending = true;
  return st;
}

// ---- the beginning

// Ids are not secret, only different: random bytes are fetched for many at once. On the loop's thread.
void api_request_id(char out[24]) {
  static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
  static uint8_t stock[64][16];
  static unsigned used = 64;
  if (used == 64) {
    random_bytes(stock, sizeof stock);
    used = 0;
  }
  const uint8_t *raw = stock[used++];
  memcpy(out, "req_", 4);
  for (int i = 0; i < 16; i++) out[4 + i] = digits[raw[i] & 31];
  out[20] = '\0';
}

static void preflight(struct api_call *call) {
  if (allowed_origin(call)) {
    api_field(call, "Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE");
    api_field(call, "Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Perigee-Tenant, X-CSRF-Token");
    api_field(call, "Access-Control-Max-Age", "600");
  }
  (void)api_json(call, 204, NULL);
}

// Sets an answer and returns false when there is no such route.
static bool find_route(struct api_call *call) {
  const struct api_request *req = call->req;
  const struct api_table *t = call->core->table;
  const char *method = req->method;
  if (strcmp(method, "HEAD") == 0) method = "GET";
  if (!router_find(t->router, route_method_parse(method), req->path, req->path_len, &call->match)) {
    (void)api_problem(call, PROBLEM_not_found, "There is no such path.");
    return false;
  }
  if (strcmp(method, "OPTIONS") == 0) {
    preflight(call);
    return false;
  }
  if (call->match.route < 0) {
    char allow[64];
    route_allow_text(call->match.allowed, allow, sizeof allow);
    api_field(call, "Allow", "%s", allow);
    (void)api_problem(call, PROBLEM_method_not_allowed, NULL);
    return false;
  }
  call->route_index = call->match.route;
  call->route = &t->routes[call->route_index];
  return true;
}

static bool is_json_type(const char *type) {
  if (!type || strncasecmp(type, "application/json", 16) != 0) return false;
  const char *p = type + 16 + strspn(type + 16, " \t");
  if (*p == '\0') return true;
  return *p == ';' && strcasecmp(p + 1 + strspn(p + 1, " \t"), "charset=utf-8") == 0;
}

static bool read_body(struct api_call *call) {
  const struct api_request *req = call->req;
  if (call->route->raw) return true;
  if (!call->route->request) {
    // A body nobody reads would be a mistake that nobody sees; an empty object is what some clients always send.
    if (req->body_len == 0 || (req->body_len == 2 && memcmp(req->body, "{}", 2) == 0)) return true;
    (void)api_problem(call, PROBLEM_malformed_request, "This operation takes no body.");
    return false;
  }
  if (req->body_len == 0 && call->route->request_optional) {
    call->body = json_object();
    return call->body != NULL;
  }
  if (!is_json_type(req->field(req, "content-type"))) {
    (void)api_problem(call, PROBLEM_unsupported_media_type, "Content-Type must be application/json.");
    return false;
  }
  if (json_parse_strict(req->body, req->body_len, &call->body, &call->err) != OK) {
    (void)api_problem(call, PROBLEM_malformed_json, call->err.msg);
    return false;
  }
  struct schema_errors errors = {0};
  if (schema_check(call->route->request, call->body, &errors)) return true;
  (void)api_invalid(call, PROBLEM_validation_failed, NULL, &errors);
  return false;
}

static bool read_query(struct api_call *call) {
  struct schema_errors errors = {0};
  if (query_parse(call->req->query, call->req->query_len, call->route->query, call->route->query_count, &errors, &call->query)) return true;
  (void)api_invalid(call, errors.count ? PROBLEM_validation_failed : PROBLEM_unavailable, NULL, &errors);
  return false;
}

// Everything before the handler; false when the answer is set.
static bool admit(struct api_call *call) {
  if (!find_route(call)) return false;
  enum problem p = api_authenticate(call);
  if (p == PROBLEM_NONE) p = api_rate(call);
  if (p == PROBLEM_NONE && !api_table_params_fit(call->core->table, &call->match)) p = PROBLEM_not_found;
  if (p == PROBLEM_NONE) p = api_permit(call);
  if (p != PROBLEM_NONE) {
    if (call->problem != p) (void)api_problem(call, p, NULL);
    return false;
  }
  return read_query(call) && read_body(call) && (!call->route->idempotent || idem_begin(call));
}

void api_handle(struct api_core *core, const struct api_request *req, api_answer_fn answer, void *arg) {
  struct api_call *call = calloc(1, sizeof *call);
  if (!call) {
    static const char text[] = "{\"type\":\"urn:perigee:problem:unavailable\",\"title\":\"Out of memory\",\"status\":503,\"code\":\"unavailable\"}";
    answer(arg, &(struct api_answer){.status = 503, .content_type = "application/problem+json", .body = text, .len = sizeof text - 1});
    return;
  }
  call->core = core;
  call->req = req;
  call->answer = answer;
  call->answer_arg = arg;
  call->now_ns = clock_wall_ns();
  call->route_index = -1;
  core->calls++;
  api_request_id(call->request_id);
  if (!admit(call)) {
    if (call->status == 0) (void)api_problem(call, PROBLEM_unavailable, NULL);
    call_end(call);
    return;
  }
  api_finish(call, core->handlers[call->route_index](call));
}

// ---- the request's parts

static const char *param_of(const struct api_call *call, const char *name, size_t *ret_len) {
  const size_t n = strlen(name);
  for (int i = 0; i < call->match.param_count; i++)
    if (strncmp(call->match.params[i].name, name, n) == 0 && call->match.params[i].name[n] == '}') {
      *ret_len = call->match.params[i].len;
      return call->match.params[i].value;
    }
  assert(!"the route has such a parameter");
  return NULL;
}

const char *api_param(const struct api_call *call, const char *name) {
  size_t len;
  return param_of(call, name, &len);
}

const char *api_query_text(const struct api_call *call, const char *name) { return json_string_value(json_object_get(call->query, name)); }
int64_t api_query_int(const struct api_call *call, const char *name, int64_t absent) {
  json_t *v = json_object_get(call->query, name);
  return json_is_integer(v) ? json_integer_value(v) : absent;
}
bool api_query_flag(const struct api_call *call, const char *name) { return json_is_true(json_object_get(call->query, name)); }
const char *api_body_text(const struct api_call *call, const char *name) { return json_string_value(json_object_get(call->body, name)); }
int64_t api_body_int(const struct api_call *call, const char *name, int64_t absent) {
  json_t *v = json_object_get(call->body, name);
  return json_is_integer(v) ? json_integer_value(v) : json_is_real(v) ? (int64_t)json_real_value(v) : absent;
}
bool api_body_flag(const struct api_call *call, const char *name) { return json_is_true(json_object_get(call->body, name)); }

bool api_if_match(struct api_call *call, int64_t revision) {
  const char *header = call->req->field(call->req, "if-match");
  if (!header) return true;
  switch (etag_compare(header, revision, false)) {
    case ETAG_MATCHES: return true;
    case ETAG_DIFFERS: (void)api_problem(call, PROBLEM_precondition_failed, NULL); return false;
    case ETAG_MALFORMED: (void)api_problem(call, PROBLEM_malformed_request, "If-Match is no list of tags."); return false;
  }
  return false;
}

bool api_not_modified(struct api_call *call, int64_t revision) {
  char tag[ETAG_TEXT_SIZE];
  etag_format(revision, tag);
  api_field(call, "ETag", "%s", tag);
  const char *header = call->req->field(call->req, "if-none-match");
  if (!header || etag_compare(header, revision, true) != ETAG_MATCHES) return false;
  (void)api_json(call, 304, NULL);
  return true;
}

json_t *api_ms(int64_t ns) { return ns ? json_integer(ns / NS_PER_MS) : json_null(); }
struct store *api_store(struct api_call *call) { return call->core->store; }

// ea/front.c – see front.h.
#include "ea/front.h"

#include "crypto/secret.h"
#include "loop/loop.h"
#include "net/http_server.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "/api/v1/ea/"

struct ea_front {
  struct ea_front_options o;
  struct http_server *server;
  struct ea_bridge *bridge;
  struct ea_numbers numbers;
  char secret[EA_SECRET_SIZE], path[160];
  bool listening, stopped;
};

static void refuse(const struct ea_front *f, struct http_request *req, int status, const char *text) {
  char line[400], body[64];
  snprintf(line, sizeof line, "%s: %d %.200s", http_method_text(req->method), status, text);
  if (f->o.log) f->o.log(f->o.arg, line);
  http_reply(req, status, "application/json", body, (size_t)snprintf(body, sizeof body, "{\"status\":%d}", status));
}

static const char *field(const struct http_request *req, const char *name) {
  for (size_t i = 0; i < req->field_count; i++)
    if (strcmp(req->fields[i].name, name) == 0) return req->fields[i].value;
  return NULL;
}

static void answer(const struct ea_front *f, struct http_request *req, uint64_t number, json_t *body) {
  char right[EA_SIGNATURE_SIZE];
  struct err err;
  char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
  json_decref(body);
  if (!text || ea_sign(f->secret, "ANSWER", req->path, req->path_len, number, text, strlen(text), right, &err) != OK) {
    refuse(f, req, 503, "no memory");
  } else {
    http_reply_field(req, "X-Perigee-Signature", right);
    http_reply(req, 200, "application/json", text, strlen(text));
  }
  free(text);
}

static void hello(struct ea_front *f, struct http_request *req, uint64_t number) {
  struct ea_hello h;
  struct err err;
  if (ea_hello_read(req->body, req->body_len, &h, &err) != OK) {
    refuse(f, req, 422, err.msg);
    return;
  }
  ea_bridge_hello(f->bridge, &h);
  json_t *body = ea_bridge_answer(f->bridge);
  json_object_set_new(body, "protocol", json_integer(EA_PROTOCOL));
  json_object_set_new(body, "commands", json_array());
  answer(f, req, number, body);
}

static void poll(struct ea_front *f, struct http_request *req, uint64_t number) {
  struct ea_report r;
  struct ea_handed out[EA_HAND_MAX];
  struct err err;
  enum status st = ea_report_read(req->body, req->body_len, &r, &err);
  if (st == OK) st = ea_bridge_report(f->bridge, &r, &err);
  if (st != OK) {
    refuse(f, req, st == ERR_CANCELLED ? 409 : 422, err.msg);
    return;
  }
  const size_t n = ea_bridge_hand(f->bridge, out);
  json_t *body = ea_bridge_answer(f->bridge), *list = json_array();
  for (size_t i = 0; i < n; i++) json_array_append_new(list, ea_command_json(&out[i].command, out[i].lease_ms));
  json_object_set_new(body, "commands", list);
  answer(f, req, number, body);
}

static void on_request(void *arg, struct http_request *req) {
  struct ea_front *f = arg;
  char right[EA_SIGNATURE_SIZE];
  struct err err;
  uint64_t number = 0;
  const size_t len = strlen(f->path);
  if (req->method != METHOD_POST || req->path_len < len || memcmp(req->path, f->path, len) != 0) {
    refuse(f, req, 404, "not the terminal's address");
    return;
  }
  const bool numbered = ea_number_parse(field(req, EA_FIELD_NUMBER), &number);
  if (!numbered || ea_sign(f->secret, "POST", req->path, req->path_len, number, req->body, req->body_len, right, &err) != OK || !ea_signature_fits(right, field(req, EA_FIELD_SIGNATURE))) {
    refuse(f, req, 403, "the signature is not that of the request");
    return;
  }
  if (ea_number_take(&f->numbers, number) == EA_NUMBER_OLD) {
    http_reply_fieldf(req, "X-Perigee-Sequence", "%" PRIu64, f->numbers.last);
    refuse(f, req, 409, "the sequence is used");
    return;
  }
  ea_numbers_written(&f->numbers, ea_numbers_ahead(&f->numbers));
  if (strcmp(req->path + len, "hello") == 0) hello(f, req, number);
  else if (strcmp(req->path + len, "poll") == 0) poll(f, req, number);
  else refuse(f, req, 404, "not an operation of terminals");
}

static void log_line(void *arg, int64_t account_id, const char *event, const char *text) {
  const struct ea_front *f = arg;
  char line[300];
  (void)account_id;
  snprintf(line, sizeof line, "%s: %.250s", event, text);
  if (f->o.log) f->o.log(f->o.arg, line);
}

enum status ea_front_create(const struct ea_front_options *options, struct ea_front **ret, struct err *err) {
  static const struct http_handler handler = {.on_request = on_request};
  struct ea_front *f = calloc(1, sizeof *f);
  if (!f) return err_set(err, ERR_NOMEM, "no memory for a terminal");
  f->o = *options;
  enum status st = strlen(options->secret) < sizeof f->secret && strlen(options->token) < sizeof f->path - sizeof PREFIX - 1 ? OK : err_set(err, ERR_INVALID, "a token or a secret that is too long");
  if (st == OK) {
    snprintf(f->secret, sizeof f->secret, "%s", options->secret);
    snprintf(f->path, sizeof f->path, PREFIX "%s/", options->token);
    st = ea_bridge_create(&(struct ea_bridge_options){.loop = options->loop, .account_id = 1, .lease_ms = options->lease_ms, .answer_ms = options->answer_ms, .log = log_line, .arg = f}, &f->bridge, err);
  }
  if (st == OK) st = http_server_create(options->loop, &handler, f, &(struct http_options){.body_max = EA_BODY_MAX}, &f->server, err);
  if (st == OK) st = http_server_listen(f->server, options->address, NULL, NULL, err);
  f->listening = st == OK;
  if (st != OK) {
    ea_front_destroy(f);
    return st;
  }
  return *ret = f, OK;
}

static void stopped(void *arg) { ((struct ea_front *)arg)->stopped = true; }

void ea_front_destroy(struct ea_front *f) {
  if (!f) return;
  if (f->listening) {
    http_server_stop(f->server, 100, stopped, f);
    while (!f->stopped) loop_turn(f->o.loop, true);
  }
  if (f->server) http_server_destroy(f->server);
  ea_bridge_destroy(f->bridge);
  secret_wipe(f->secret, sizeof f->secret);
  free(f);
}

struct ea_bridge *ea_front_bridge(struct ea_front *f) { return f->bridge; }

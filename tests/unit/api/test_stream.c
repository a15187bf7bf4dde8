// Tests of api/stream.h: who may hear what, numbers without holes, resume, bounds, and closing on revocation.
#include "api/stream.h"
#include "base/json.h"
#include "net/blob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW INT64_C(1800000000000)

struct conn {
  json_t *got;  // list of messages
  int closed;
};

static struct blob *port_frame(const char *text, size_t len) { return blob_create(text, len); }
static bool port_send(void *arg, struct blob *frame) {
  struct conn *c = arg;
  assert_int_equal(json_array_append_new(c->got, json_loadb(frame->data, frame->len, 0, NULL)), 0);
  return true;
}
static void port_close(void *arg, int code, const char *reason) {
  assert_non_null(reason);
  ((struct conn *)arg)->closed = code;
}
static enum problem authenticate(void *arg, const char *token, size_t len, struct api_who *ret) {
  (void)arg;
  if (len != 2 || token[0] != 't') return PROBLEM_unauthenticated;
  *ret = (struct api_who){.kind = WHO_SESSION, .user_id = token[1] - '0', .tenant_id = token[1] - '0', .session_id = 1, .expires_s = NOW / 1000 + 900};
  return PROBLEM_NONE;
}
// Channel "x:N" is tenant N's; "open" is everybody's.
static enum problem permits(void *arg, const struct api_who *who, const char *channel) {
  (void)arg;
  if (strcmp(channel, "open") == 0 || strcmp(channel, "mine") == 0) return PROBLEM_NONE;
  return strncmp(channel, "x:", 2) == 0 && channel[2] - '0' == who->tenant_id ? PROBLEM_NONE : PROBLEM_not_found;
}
static bool valid_now = true;
static bool valid(void *arg, const struct api_who *who) {
  (void)arg;
  return valid_now || who->user_id == 2;
}

static struct stream_hub *hub;
static struct conn conns[3];
static struct stream_client *clients[3];

static int setup(void **state) {
  (void)state;
  const struct stream_port port = {port_frame, port_send, port_close};
  static const char *const of_tenant[] = {"mine", NULL};
  const struct stream_rules rules = {authenticate, permits, valid, NULL, of_tenant};
  struct err err;
  assert_int_equal(stream_hub_create(&port, &rules, &hub, &err), OK);
  valid_now = true;
  for (int i = 0; i < 3; i++) {
    conns[i] = (struct conn){json_array(), 0};
    clients[i] = stream_client_add(hub, &conns[i], NULL, NOW);
  }
  return 0;
}
static int teardown(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    if (clients[i]) stream_client_remove(clients[i]);
    json_decref(conns[i].got);
  }
  assert_int_equal(stream_hub_stats(hub).clients, 0);
  stream_hub_destroy(hub);
  return 0;
}

static void say(int i, const char *text) { stream_client_text(clients[i], text, strlen(text), NOW); }
// The i-th client's last message has member key as this text.
static void expect(int i, const char *key, const char *want) {
  json_t *last = json_array_get(conns[i].got, json_array_size(conns[i].got) - 1);
  char *text = json_dumps(json_object_get(last, key), JSON_ENCODE_ANY | JSON_COMPACT);
  if (!text || strcmp(text, want) != 0) fail_msg("%s is %s, not %s", key, text ? text : "missing", want);
  free(text);
}
static int64_t last_seq(int i) {
  return json_integer_value(json_object_get(json_array_get(conns[i].got, json_array_size(conns[i].got) - 1), "seq"));
}

static void auth_first(void **state) {
  (void)state;
  say(0, "{\"op\":\"subscribe\",\"channels\":[\"open\"]}");
  expect(0, "code", "\"unauthenticated\"");
  assert_int_equal(conns[0].closed, STREAM_UNAUTHENTICATED);
  say(1, "{\"op\":\"auth\",\"token\":\"no\"}");
  assert_int_equal(conns[1].closed, STREAM_UNAUTHENTICATED);
  say(2, "not json");
  assert_int_equal(conns[2].closed, STREAM_UNAUTHENTICATED);
}

// One name, a channel per tenant: nobody hears another's, or can ask for it by the name it is kept under.
static void channels_of_tenants(void **state) {
  (void)state;
  json_t *data = json_pack("{s:i}", "n", 1);
  assert_true(stream_publish_of(hub, 1, "mine", "fill", data, NOW));  // nobody listens yet
  assert_int_equal(stream_hub_stats(hub).channels, 0);
  say(0, "{\"op\":\"auth\",\"token\":\"t1\"}");
  say(1, "{\"op\":\"auth\",\"token\":\"t2\"}");
  for (int i = 0; i < 2; i++) say(i, "{\"op\":\"subscribe\",\"channels\":[\"mine\"]}");
  const size_t before = json_array_size(conns[1].got);
  assert_true(stream_publish_of(hub, 1, "mine", "fill", data, NOW));
  expect(0, "ch", "\"mine\"");
  expect(0, "data", "{\"n\":1}");
  assert_int_equal(json_array_size(conns[1].got), before);
  const int64_t seq = last_seq(0);
  assert_true(stream_publish_of(hub, 1, "mine", "fill", data, NOW));
  assert_int_equal(last_seq(0), seq + 1);
  say(1, "{\"op\":\"subscribe\",\"channels\":[\"mine@1\", \"open@1\"]}");
  expect(1, "denied", "[{\"ch\":\"mine@1\",\"code\":\"not_found\"},{\"ch\":\"open@1\",\"code\":\"not_found\"}]");
  char text[100];
  snprintf(text, sizeof text, "{\"op\":\"resume\",\"ch\":\"mine\",\"seq\":%lld}", (long long)seq);
  say(0, text);
  expect(0, "ch", "\"mine\"");
  assert_int_equal(last_seq(0), seq + 1);
  say(0, "{\"op\":\"unsubscribe\",\"channels\":[\"mine\"]}");
  const size_t then = json_array_size(conns[0].got);
  assert_true(stream_publish_of(hub, 1, "mine", "fill", data, NOW));
  assert_int_equal(json_array_size(conns[0].got), then);
  json_decref(data);
}

// /ws/bots/{id}: subscribed once it is known who asks, under the same rules.
static void an_implied_subscription(void **state) {
  (void)state;
  stream_client_subscribe(clients[0], "x:1", NOW);
  stream_client_subscribe(clients[1], "x:1", NOW);
  assert_int_equal(json_array_size(conns[0].got), 0);
  assert_false(stream_listened(hub, "x:1"));
  say(0, "{\"op\":\"auth\",\"token\":\"t1\"}");
  expect(0, "op", "\"subscribed\"");
  expect(0, "denied", "[]");
  say(1, "{\"op\":\"auth\",\"token\":\"t2\"}");
  expect(1, "denied", "[{\"ch\":\"x:1\",\"code\":\"not_found\"}]");
  assert_true(stream_listened(hub, "x:1"));
  say(0, "{\"op\":\"auth\",\"token\":\"t1\"}");  // again: the same once
  expect(0, "op", "\"auth\"");
}

static void auth_in_time(void **state) {
  (void)state;
  say(0, "{\"op\":\"auth\",\"token\":\"t1\"}");
  expect(0, "ok", "true");
  stream_hub_tick(hub, NOW + STREAM_AUTH_TIMEOUT_MS);
  assert_int_equal(conns[1].closed, 0);
  stream_hub_tick(hub, NOW + STREAM_AUTH_TIMEOUT_MS + 1);
  assert_int_equal(conns[0].closed, 0);
  assert_int_equal(conns[1].closed, STREAM_AUTH_TIMEOUT);
  stream_hub_tick(hub, NOW + 900 * 1000);
  assert_int_equal(conns[0].closed, STREAM_UNAUTHENTICATED);
}

static void revocation(void **state) {
  (void)state;
  say(0, "{\"op\":\"auth\",\"token\":\"t1\"}");
  say(1, "{\"op\":\"auth\",\"token\":\"t2\"}");
  valid_now = false;
  stream_hub_tick(hub, NOW + 1);
  assert_int_equal(conns[0].closed, STREAM_REVOKED);
  assert_int_equal(conns[1].closed, 0);
  // Renewing is for the same user only.
  say(1, "{\"op\":\"auth\",\"token\":\"t2\"}");
  assert_int_equal(conns[1].closed, 0);
  say(1, "{\"op\":\"auth\",\"token\":\"t3\"}");
  assert_int_equal(conns[1].closed, STREAM_UNAUTHENTICATED);
}

static void tenants_apart(void **state) {
  (void)state;
  say(0, "{\"op\":\"auth\",\"token\":\"t1\"}");
  say(1, "{\"op\":\"auth\",\"token\":\"t2\"}");
  say(0, "{\"op\":\"subscribe\",\"channels\":[\"x:1\",\"x:2\",7,\"\"]}");
  expect(0, "denied", "[{\"ch\":\"x:2\",\"code\":\"not_found\"},{\"ch\":\"\",\"code\":\"not_found\"},{\"ch\":\"\",\"code\":\"not_found\"}]");
  say(1, "{\"op\":\"resume\",\"ch\":\"x:1\",\"seq\":0}");
  expect(1, "denied", "[{\"ch\":\"x:1\",\"code\":\"not_found\"}]");
  assert_true(stream_publish(hub, "x:1", "progress", NULL, NOW));
  expect(0, "type", "\"progress\"");
  expect(1, "op", "\"subscribed\"");
  say(0, "{\"op\":\"unsubscribe\",\"channels\":[\"x:1\",\"never\"]}");
  const size_t before = json_array_size(conns[0].got);
  assert_true(stream_publish(hub, "x:1", "progress", NULL, NOW));
  assert_int_equal(json_array_size(conns[0].got), before);
}

static void numbers_and_resume(void **state) {
  (void)state;
  say(0, "{\"op\":\"auth\",\"token\":\"t1\"}");
  say(0, "{\"op\":\"subscribe\",\"channels\":[\"open\",\"open\"]}");
  json_t *told = json_array_get(json_object_get(json_array_get(conns[0].got, 1), "channels"), 0);
  const int64_t start = json_integer_value(json_object_get(told, "seq"));
  for (int i = 1; i <= 10; i++) {
    json_t *data = json_pack("{s:i}", "n", i);
    assert_true(stream_publish(hub, "open", "tick", data, NOW));
    json_decref(data);
    assert_int_equal(last_seq(0), start + i);
  }
  assert_int_equal(json_array_size(conns[0].got), 12);  // not twice
  char text[200];
  say(1, "{\"op\":\"auth\",\"token\":\"t2\"}");
  snprintf(text, sizeof text, "{\"op\":\"resume\",\"ch\":\"open\",\"seq\":%lld}", (long long)start + 7);
  say(1, text);
  assert_int_equal(json_array_size(conns[1].got), 1 + 1 + 3);
  assert_true(json_is_true(json_object_get(json_array_get(conns[1].got, 1), "complete")));
  assert_int_equal(last_seq(1), start + 10);
  // Too old, and from a former life: the snapshot is to be read again.
  for (int i = 0; i < STREAM_RING_EVENTS; i++) assert_true(stream_publish(hub, "open", "tick", NULL, NOW));
  say(1, text);
  expect(1, "complete", "false");
  snprintf(text, sizeof text, "{\"op\":\"resume\",\"ch\":\"open\",\"seq\":%lld}", (long long)start + 100000);
  say(1, text);
  expect(1, "complete", "false");
  snprintf(text, sizeof text, "{\"op\":\"resume\",\"ch\":\"open\",\"seq\":%lld}", (long long)start + 10 + STREAM_RING_EVENTS);
  say(1, text);
  expect(1, "complete", "true");
}

static void bounds(void **state) {
  (void)state;
  say(0, "{\"op\":\"auth\",\"token\":\"t1\"}");
  char *big = malloc(STREAM_EVENT_MAX);
  memset(big, 'x', STREAM_EVENT_MAX);
  json_t *data = json_stringn(big, STREAM_EVENT_MAX);
  assert_true(stream_publish(hub, "open", "a", NULL, NOW));
  assert_false(stream_publish(hub, "open", "big", data, NOW));
  json_decref(data);
  data = json_stringn(big, 60000);
  for (int i = 0; i < 20; i++) assert_true(stream_publish(hub, "open", "b", data, NOW));
  json_decref(data);
  free(big);
  // Only what fits in the ring's bytes is kept; the number stays without holes.
  say(0, "{\"op\":\"subscribe\",\"channels\":[\"open\"]}");
  json_t *told = json_array_get(json_object_get(json_array_get(conns[0].got, 1), "channels"), 0);
  const int64_t seq = json_integer_value(json_object_get(told, "seq"));
  assert_int_equal(seq, NOW * 1000 + 21);
  char text[200];
  snprintf(text, sizeof text, "{\"op\":\"resume\",\"ch\":\"open\",\"seq\":%lld}", (long long)seq - 5);
  say(0, text);
  expect(0, "complete", "false");
  say(0, "{\"op\":\"resume\",\"ch\":\"open\",\"seq\":-1}");
  expect(0, "code", "\"validation_failed\"");
  say(0, "{\"op\":\"dance\"}");
  expect(0, "code", "\"validation_failed\"");
  say(0, "{\"op\":\"subscribe\",\"channels\":\"open\"}");
  expect(0, "code", "\"validation_failed\"");
  assert_int_equal(conns[0].closed, 0);
  for (int i = 0; i < 200; i++) say(0, "{\"op\":\"ping\"}");
  assert_int_equal(conns[0].closed, STREAM_TOO_MANY);
}

static void idle_channels_go(void **state) {
  (void)state;
  assert_true(stream_publish(hub, "open", "a", NULL, NOW));
  assert_int_equal(stream_hub_stats(hub).channels, 1);
  say(0, "{\"op\":\"auth\",\"token\":\"t1\"}");
  say(0, "{\"op\":\"subscribe\",\"channels\":[\"open\"]}");
  for (int i = 0; i < 200; i++) stream_hub_tick(hub, NOW + STREAM_IDLE_CHANNEL_MS);
  assert_int_equal(stream_hub_stats(hub).channels, 1);
  stream_client_remove(clients[0]);
  clients[0] = NULL;
  for (int i = 0; i < 200; i++) stream_hub_tick(hub, NOW + STREAM_IDLE_CHANNEL_MS);
  assert_int_equal(stream_hub_stats(hub).channels, 0);
}

// A client follows as many as it may and not one more; a message names fewer. What never had an event leaves nothing behind.
static void many_channels(void **state) {
  (void)state;
  say(0, "{\"op\":\"auth\",\"token\":\"t1\"}");
  for (int from = 0; from <= STREAM_CHANNELS_MAX; from += STREAM_NAMES_MAX) {
    json_t *names = json_array();
    for (int i = from; i < from + STREAM_NAMES_MAX && i <= STREAM_CHANNELS_MAX; i++) json_array_append_new(names, json_sprintf("x:1%d", i));
    json_t *message = json_pack("{s:s, s:o}", "op", "subscribe", "channels", names);
    char *text = json_dumps(message, JSON_COMPACT);
    say(0, text);
    free(text);
    json_decref(message);
  }
  char denied[80];
  snprintf(denied, sizeof denied, "[{\"ch\":\"x:1%d\",\"code\":\"rate_limited\"}]", STREAM_CHANNELS_MAX);
  expect(0, "denied", denied);
  assert_int_equal(stream_hub_stats(hub).channels, STREAM_CHANNELS_MAX);
  say(0, "{\"op\":\"unsubscribe\",\"channels\":[\"x:10\",\"x:10\",\"x:1999\"]}");
  assert_int_equal(stream_hub_stats(hub).channels, STREAM_CHANNELS_MAX - 1);
  assert_true(stream_publish(hub, "x:11", "tick", NULL, NOW));
  expect(0, "ch", "\"x:11\"");

  json_t *names = json_array();
  for (int i = 0; i <= STREAM_NAMES_MAX; i++) json_array_append_new(names, json_sprintf("x:1%d", i));
  json_t *message = json_pack("{s:s, s:o}", "op", "unsubscribe", "channels", names);
  char *text = json_dumps(message, JSON_COMPACT);
  say(0, text);
  expect(0, "code", "\"validation_failed\"");
  free(text);
  json_decref(message);

  stream_client_remove(clients[0]);
  clients[0] = NULL;
  assert_int_equal(stream_hub_stats(hub).channels, 1);  // who comes back may want to know what x:11 told
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
      T(auth_first), T(auth_in_time), T(revocation), T(tenants_apart), T(channels_of_tenants), T(an_implied_subscription), T(numbers_and_resume), T(bounds), T(idle_channels_go), T(many_channels),
#undef T
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "api/stream.h"

#include "net/blob.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024
#define MESSAGE_BURST 100  // messages at once …
#define MESSAGE_RATE 20    // … and per second in the long run

struct subscription {
  struct stream_client *client;
  struct channel *channel;
  struct subscription *next_of_channel, **at_of_channel;
  struct subscription *next_of_client;
};

struct channel {
  char name[STREAM_CHANNEL_NAME_MAX + 1];
  struct channel *next;
  struct subscription *subscriptions;
  int64_t seq;     // of the last event
  int64_t oldest;  // of the oldest in the ring; seq + 1 when it is empty
  struct blob *ring[STREAM_RING_EVENTS];  // at seq mod size
  size_t ring_bytes;
  int64_t active_ms;
};

struct stream_client {
  struct stream_hub *hub;
  struct stream_client *next, *prev;
  void *conn;
  char implied[STREAM_CHANNEL_NAME_MAX + 1];  // subscribed as soon as it is known who asks; "": nothing
  bool known, closing;
  struct api_who who;
  int64_t since_ms, allowance_at_ms;
  double allowance;
  struct subscription *subscriptions;
  int count;
};

struct stream_hub {
  struct stream_port port;
  struct stream_rules rules;
  struct channel *buckets[BUCKETS];
  struct stream_client *clients;
  struct stream_stats stats;
  int sweep;  // next bucket to look for idle channels
};

enum status stream_hub_create(const struct stream_port *port, const struct stream_rules *rules, struct stream_hub **ret, struct err *err) {
  struct stream_hub *hub = calloc(1, sizeof *hub);
  if (!hub) return err_set(err, ERR_NOMEM, "out of memory");
  hub->port = *port;
  hub->rules = *rules;
  *ret = hub;
  return OK;
}

static void ring_drop_oldest(struct channel *ch) {
  struct blob **slot = &ch->ring[ch->oldest & (STREAM_RING_EVENTS - 1)];
  ch->ring_bytes -= (*slot)->len;
  blob_release(*slot);
  *slot = NULL;
  ch->oldest++;
}

static void channel_destroy(struct stream_hub *hub, struct channel *ch) {
  while (ch->oldest <= ch->seq) ring_drop_oldest(ch);
  free(ch);
  hub->stats.channels--;
}

void stream_hub_destroy(struct stream_hub *hub) {
  if (!hub) return;
  assert(!hub->clients);
  for (int b = 0; b < BUCKETS; b++)
    for (struct channel *ch = hub->buckets[b], *next; ch; ch = next) {
      next = ch->next;
      channel_destroy(hub, ch);
    }
  free(hub);
}

static struct channel **bucket_of(struct stream_hub *hub, const char *name) {
  uint32_t h = 2166136261u;
  for (; *name; name++) h = (h ^ (unsigned char)*name) * 16777619u;
  return &hub->buckets[h % BUCKETS];
}

// A tenant's channel is kept under "name@tenant", a name that no client can ask for, and called by its name.
#define OF_TENANT '@'
static size_t shown_len(const char *key) { return strcspn(key, (const char[]){OF_TENANT, '\0'}); }
static void key_of_tenant(char key[STREAM_CHANNEL_NAME_MAX + 1], const char *name, int64_t tenant_id) {
  snprintf(key, STREAM_CHANNEL_NAME_MAX + 1, "%s%c%lld", name, OF_TENANT, (long long)tenant_id);
}

static struct channel *channel_find(const struct stream_hub *hub, const char *name) {
  struct channel *ch = *bucket_of((struct stream_hub *)hub, name);
  while (ch && strcmp(ch->name, name) != 0) ch = ch->next;
  return ch;
}

static struct channel *channel_get(struct stream_hub *hub, const char *name, int64_t now_ms) {
  struct channel **bucket = bucket_of(hub, name);
  struct channel *ch = channel_find(hub, name);
  if (ch) return ch;
  ch = calloc(1, sizeof *ch);
  if (!ch) return NULL;
  snprintf(ch->name, sizeof ch->name, "%s", name);
  ch->seq = now_ms * 1000;  // below 2^53 for centuries, so JavaScript counts it exactly
  ch->oldest = ch->seq + 1;
  ch->active_ms = now_ms;
  ch->next = *bucket;
  *bucket = ch;
  hub->stats.channels++;
  return ch;
}

// ---- sending

static void client_close(struct stream_client *c, int code, const char *reason) {
  if (c->closing) return;
  c->closing = true;
  c->hub->stats.dropped += code != 1000;
  c->hub->port.close(c->conn, code, reason);
}

static void client_send_frame(struct stream_client *c, struct blob *frame) {
  if (!c->closing && c->hub->port.send(c->conn, frame)) c->hub->stats.sent++;
}

static void client_send(struct stream_client *c, json_t *message) {
  char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
  struct blob *frame = text ? c->hub->port.frame(text, strlen(text)) : NULL;
  if (frame) client_send_frame(c, frame);
  else client_close(c, 1011, "out of memory");
  blob_release(frame);
  free(text);
  json_decref(message);
}

static void client_error(struct stream_client *c, enum problem p, const char *detail) {
  client_send(c, json_pack("{s:s, s:s, s:s}", "op", "error", "code", problem_code(p), "detail", detail));
}

bool stream_publish(struct stream_hub *hub, const char *channel, const char *type, json_t *data, int64_t now_ms) {
  assert(strlen(channel) <= STREAM_CHANNEL_NAME_MAX);
  struct channel *ch = channel_get(hub, channel, now_ms);
  if (!ch) return false;
  if (hub->rules.look) hub->rules.look(hub->rules.arg, channel, type, data);
  json_t *event = json_pack("{s:s%, s:I, s:s, s:I, s:O?}", "ch", channel, shown_len(channel), "seq", (json_int_t)ch->seq + 1, "type", type, "ts", (json_int_t)now_ms, "data", data);
  char *text = event ? json_dumps(event, JSON_COMPACT) : NULL;
  json_decref(event);
  const size_t len = text ? strlen(text) : 0;
  struct blob *frame = len > 0 && len <= STREAM_EVENT_MAX ? hub->port.frame(text, len) : NULL;
  free(text);
  if (!frame) return false;  // no number was used, so there is no hole
  ch->seq++;
  ch->active_ms = now_ms;
  while (ch->oldest < ch->seq && (ch->seq - ch->oldest >= STREAM_RING_EVENTS || ch->ring_bytes + frame->len > STREAM_RING_BYTES)) ring_drop_oldest(ch);
  ch->ring[ch->seq & (STREAM_RING_EVENTS - 1)] = frame;
  ch->ring_bytes += frame->len;
  hub->stats.events++;
  for (struct subscription *s = ch->subscriptions; s; s = s->next_of_channel) client_send_frame(s->client, frame);
  return true;
}

bool stream_kept(const struct stream_hub *hub, const char *channel) { return channel_find(hub, channel) != NULL; }

bool stream_kept_of(const struct stream_hub *hub, int64_t tenant_id, const char *channel) {
  char key[STREAM_CHANNEL_NAME_MAX + 1];
  key_of_tenant(key, channel, tenant_id);
  return channel_find(hub, key) != NULL;
}

bool stream_publish_of(struct stream_hub *hub, int64_t tenant_id, const char *channel, const char *type, json_t *data, int64_t now_ms) {
  char key[STREAM_CHANNEL_NAME_MAX + 1];
  key_of_tenant(key, channel, tenant_id);
  return channel_find(hub, key) ? stream_publish(hub, key, type, data, now_ms) : true;
}

bool stream_listened(const struct stream_hub *hub, const char *channel) {
  const struct channel *ch = channel_find(hub, channel);
  return ch && ch->subscriptions;
}

// ---- clients

struct stream_client *stream_client_add(struct stream_hub *hub, void *conn, const struct api_who *who, int64_t now_ms) {
  struct stream_client *c = calloc(1, sizeof *c);
  if (!c) return NULL;
  c->hub = hub;
  c->conn = conn;
  c->known = who != NULL;
  if (who) c->who = *who;
  c->since_ms = c->allowance_at_ms = now_ms;
  c->allowance = MESSAGE_BURST;
  c->next = hub->clients;
  if (c->next) c->next->prev = c;
  hub->clients = c;
  hub->stats.clients++;
  return c;
}

// A channel that never had an event goes with its last client: nothing could be resumed, and names cost whoever asks for them nothing.
static void channel_left(struct stream_hub *hub, struct channel *ch) {
  if (ch->subscriptions || ch->oldest <= ch->seq) return;
  struct channel **at = bucket_of(hub, ch->name);
  while (*at != ch) at = &(*at)->next;
  *at = ch->next;
  channel_destroy(hub, ch);
}

static void subscription_end(struct subscription *s) {
  *s->at_of_channel = s->next_of_channel;
  if (s->next_of_channel) s->next_of_channel->at_of_channel = s->at_of_channel;
  s->client->count--;
  channel_left(s->client->hub, s->channel);
  free(s);
}

void stream_client_remove(struct stream_client *c) {
  for (struct subscription *s = c->subscriptions, *next; s; s = next) {
    next = s->next_of_client;
    subscription_end(s);
  }
  if (c->next) c->next->prev = c->prev;
  *(c->prev ? &c->prev->next : &c->hub->clients) = c->next;
  c->hub->stats.clients--;
  free(c);
}

// The name under which what the client calls so is kept; false: nothing can be called so.
static bool key_of(const struct stream_client *c, const char *name, char key[STREAM_CHANNEL_NAME_MAX + 1]) {
  const size_t len = strlen(name);
  if (len == 0 || len > STREAM_CHANNEL_NAME_MAX || shown_len(name) != len) return false;
  memcpy(key, name, len + 1);
  for (const char *const *own = c->hub->rules.of_tenant; own && *own; own++)
    if (strcmp(*own, name) == 0) key_of_tenant(key, name, c->who.tenant_id);
  return true;
}

static struct subscription **find(struct stream_client *c, const struct channel *ch) {
  struct subscription **at = &c->subscriptions;
  while (*at && (*at)->channel != ch) at = &(*at)->next_of_client;
  return at;
}

// PROBLEM_NONE and the channel, subscribed to (perhaps before).
static enum problem subscribe(struct stream_client *c, const char *name, int64_t now_ms, struct channel **ret) {
  char key[STREAM_CHANNEL_NAME_MAX + 1];
  if (!key_of(c, name, key)) return PROBLEM_not_found;
  *ret = channel_find(c->hub, key);
  if (*ret && *find(c, *ret)) return PROBLEM_NONE;
  if (c->count >= STREAM_CHANNELS_MAX) return PROBLEM_rate_limited;
  enum problem p = c->hub->rules.permits(c->hub->rules.arg, &c->who, name);
  if (p != PROBLEM_NONE) return p;
  struct channel *ch = *ret ? *ret : channel_get(c->hub, key, now_ms);
  struct subscription *s = ch ? calloc(1, sizeof *s) : NULL;
  if (!s) return PROBLEM_unavailable;
  *s = (struct subscription){c, ch, ch->subscriptions, &ch->subscriptions, c->subscriptions};
  if (s->next_of_channel) s->next_of_channel->at_of_channel = &s->next_of_channel;
  ch->subscriptions = s;
  c->subscriptions = s;
  c->count++;
  *ret = ch;
  return PROBLEM_NONE;
}

// The message's list of names; NULL after saying what is wrong with it.
static json_t *names_of(struct stream_client *c, json_t *message) {
  json_t *channels = json_object_get(message, "channels");
  if (json_is_array(channels) && json_array_size(channels) <= STREAM_NAMES_MAX) return channels;
  char detail[64];
  snprintf(detail, sizeof detail, "channels must be a list of at most %d names", STREAM_NAMES_MAX);
  client_error(c, PROBLEM_validation_failed, detail);
  return NULL;
}

static void on_subscribe(struct stream_client *c, json_t *message, int64_t now_ms) {
  json_t *channels = names_of(c, message), *v;
  size_t i;
  if (!channels) return;
  json_t *done = json_array(), *denied = json_array();
  json_array_foreach(channels, i, v) {
    struct channel *ch;
    const char *name = json_is_string(v) ? json_string_value(v) : "";
    const enum problem p = subscribe(c, name, now_ms, &ch);
    if (p == PROBLEM_NONE) json_array_append_new(done, json_pack("{s:s, s:I}", "ch", name, "seq", (json_int_t)ch->seq));
    else json_array_append_new(denied, json_pack("{s:s, s:s}", "ch", name, "code", problem_code(p)));
  }
  client_send(c, json_pack("{s:s, s:o, s:o}", "op", "subscribed", "channels", done, "denied", denied));
}

void stream_client_subscribe(struct stream_client *c, const char *channel, int64_t now_ms) {
  if (!c->known) {
    snprintf(c->implied, sizeof c->implied, "%s", channel);
    return;
  }
  json_t *message = json_pack("{s:[s]}", "channels", channel);
  on_subscribe(c, message, now_ms);
  json_decref(message);
}

static void on_unsubscribe(struct stream_client *c, json_t *message) {
  json_t *channels = names_of(c, message), *v;
  size_t i;
  if (!channels) return;
  json_array_foreach(channels, i, v) {
    char key[STREAM_CHANNEL_NAME_MAX + 1];
    const struct channel *ch = json_is_string(v) && key_of(c, json_string_value(v), key) ? channel_find(c->hub, key) : NULL;
    struct subscription **at = ch ? find(c, ch) : NULL;
    if (!at || !*at) continue;
    struct subscription *s = *at;
    *at = s->next_of_client;
    subscription_end(s);
  }
  client_send(c, json_pack("{s:s, s:O}", "op", "unsubscribed", "channels", channels));
}

static void on_resume(struct stream_client *c, json_t *message, int64_t now_ms) {
  const char *name = json_string_value(json_object_get(message, "ch"));
  json_t *seq = json_object_get(message, "seq");
  if (!name || !json_is_integer(seq) || json_integer_value(seq) < 0) {
    client_error(c, PROBLEM_validation_failed, "resume needs ch and seq");
    return;
  }
  struct channel *ch;
  const enum problem p = subscribe(c, name, now_ms, &ch);
  if (p != PROBLEM_NONE) {
    client_send(c, json_pack("{s:s, s:[], s:[{s:s, s:s}]}", "op", "subscribed", "channels", "denied", "ch", name, "code", problem_code(p)));
    return;
  }
  const int64_t from = json_integer_value(seq);
  const bool complete = from + 1 >= ch->oldest && from <= ch->seq;
  client_send(c, json_pack("{s:s, s:s, s:I, s:b}", "op", "resumed", "ch", name, "seq", (json_int_t)ch->seq, "complete", complete));
  for (int64_t i = from + 1; complete && i <= ch->seq; i++) client_send_frame(c, ch->ring[i & (STREAM_RING_EVENTS - 1)]);
}

static void on_auth(struct stream_client *c, json_t *message, int64_t now_ms) {
  json_t *token = json_object_get(message, "token");
  struct api_who who = {0};
  const enum problem p = json_is_string(token) ? c->hub->rules.authenticate(c->hub->rules.arg, json_string_value(token), json_string_length(token), &who)
                                               : PROBLEM_unauthenticated;
  if (p != PROBLEM_NONE) {
    client_error(c, p, problem_title(p));
    client_close(c, STREAM_UNAUTHENTICATED, "not authenticated");
    return;
  }
  // A second auth renews the first one's time; it must not change who gets the events already subscribed to.
  if (c->known && (who.user_id != c->who.user_id || who.tenant_id != c->who.tenant_id)) {
    client_close(c, STREAM_UNAUTHENTICATED, "another user");
    return;
  }
  c->known = true;
  c->who = who;
  client_send(c, json_pack("{s:s, s:b, s:I}", "op", "auth", "ok", 1, "expires", (json_int_t)who.expires_s * 1000));
  if (c->implied[0]) stream_client_subscribe(c, c->implied, now_ms);
  c->implied[0] = '\0';
}

static bool within_rate(struct stream_client *c, int64_t now_ms) {
  if (now_ms > c->allowance_at_ms) c->allowance += (double)(now_ms - c->allowance_at_ms) * MESSAGE_RATE / 1000;
  if (c->allowance > MESSAGE_BURST) c->allowance = MESSAGE_BURST;
  c->allowance_at_ms = now_ms;
  if (c->allowance < 1) return false;
  c->allowance--;
  return true;
}

void stream_client_text(struct stream_client *c, const char *text, size_t len, int64_t now_ms) {
  if (c->closing) return;
  if (!within_rate(c, now_ms)) {
    client_close(c, STREAM_TOO_MANY, "too many messages");
    return;
  }
  json_t *message = NULL;
  struct err err;
  const char *op = NULL;
  if (json_parse_strict(text, len, &message, &err) == OK) op = json_string_value(json_object_get(message, "op"));
  if (!op) {
    client_error(c, PROBLEM_malformed_json, message ? "op is missing" : err.msg);
    if (!c->known) client_close(c, STREAM_UNAUTHENTICATED, "auth comes first");
  } else if (strcmp(op, "auth") == 0) {
    on_auth(c, message, now_ms);
  } else if (!c->known) {
    client_error(c, PROBLEM_unauthenticated, "auth comes first");
    client_close(c, STREAM_UNAUTHENTICATED, "auth comes first");
  } else if (strcmp(op, "subscribe") == 0) {
    on_subscribe(c, message, now_ms);
  } else if (strcmp(op, "unsubscribe") == 0) {
    on_unsubscribe(c, message);
  } else if (strcmp(op, "resume") == 0) {
    on_resume(c, message, now_ms);
  } else if (strcmp(op, "ping") == 0) {
    client_send(c, json_pack("{s:s}", "op", "pong"));
  } else {
    client_error(c, PROBLEM_validation_failed, "op must be one of auth, subscribe, unsubscribe, resume, ping");
  }
  json_decref(message);
}

void stream_watched(const struct stream_hub *hub, const char *prefix, void (*fn)(void *arg, const char *channel), void *arg) {
  const size_t len = strlen(prefix);
  for (int b = 0; b < BUCKETS; b++)
    for (const struct channel *ch = hub->buckets[b]; ch; ch = ch->next)
      if (ch->subscriptions && strncmp(ch->name, prefix, len) == 0) fn(arg, ch->name);
}

void stream_hub_tick(struct stream_hub *hub, int64_t now_ms) {
  for (struct stream_client *c = hub->clients, *next; c; c = next) {
    next = c->next;  // closing does not remove: the port tells later
    if (c->closing) continue;
    if (!c->known) {
      if (now_ms - c->since_ms > STREAM_AUTH_TIMEOUT_MS) client_close(c, STREAM_AUTH_TIMEOUT, "auth did not come");
    } else if (c->who.expires_s && now_ms >= c->who.expires_s * 1000) {
      client_close(c, STREAM_UNAUTHENTICATED, "the token has expired");
    } else if (!hub->rules.valid(hub->rules.arg, &c->who)) {
      client_close(c, STREAM_REVOKED, "access was revoked");
    }
  }
  // A few buckets a tick, all of them in about a minute.
  for (int n = 0; n < 8; n++) {
    struct channel **at = &hub->buckets[hub->sweep++ % BUCKETS];
    while (*at) {
      struct channel *ch = *at;
      if (ch->subscriptions || now_ms - ch->active_ms < STREAM_IDLE_CHANNEL_MS) {
        at = &ch->next;
        continue;
      }
      *at = ch->next;
      channel_destroy(hub, ch);
    }
  }
  hub->sweep %= BUCKETS;
}

struct stream_stats stream_hub_stats(const struct stream_hub *hub) { return hub->stats; }

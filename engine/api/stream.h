// api/stream.h – the WebSocket protocol: channels of numbered events, with resume.
//
// Client:  {"op":"auth","token":"…"} first, and again before the token expires; then {"op":"subscribe","channels":[…]},
//          {"op":"unsubscribe","channels":[…]}, {"op":"resume","ch":"…","seq":N}, {"op":"ping"}
// Server:  {"op":"auth","ok":true}, {"op":"subscribed","channels":[{"ch","seq"}],"denied":[{"ch","code"}]}, {"op":"unsubscribed",…},
//          {"op":"resumed","ch","seq","complete"}, {"op":"pong"}, {"op":"error","code","detail"}
// Event:   {"ch","seq","type","ts","data"}; ts in Unix ms
//
// A channel's seq has no holes. `subscribed` tells the last seq, so that a snapshot read over HTTP after it misses nothing.
// `resume` replays what came after seq N and subscribes; complete:false says that the ring no longer reaches back to N (or
// that the service was restarted): the client reads the snapshot over HTTP and goes on from the told seq. Numbers start at the
// channel's birth in microseconds, so those of a channel's former life are always too old rather than mistaken. A client that
// follows many channels does better to subscribe anew after a break: all they kept at once may be more than a connection's queue holds.
//
// Some names are every tenant's own ("orders"): the rules list them, and who subscribes gets their tenant's.
//
// This file knows no sockets: a connection is an opaque pointer and three functions. All on the loop's thread; now_ms is Unix ms.
#pragma once
#include "api/problem.h"
#include "api/who.h"

struct blob;
struct stream_hub;
struct stream_client;

#define STREAM_CHANNELS_MAX 512    // of one client: a page that follows all bots of the largest plan, and others besides
#define STREAM_NAMES_MAX 100       // of one message
#define STREAM_CHANNEL_NAME_MAX 80
#define STREAM_RING_EVENTS 256     // a power of two
#define STREAM_RING_BYTES 262144
#define STREAM_EVENT_MAX 65536
#define STREAM_AUTH_TIMEOUT_MS 10000
#define STREAM_IDLE_CHANNEL_MS 600000  // a channel without clients and events is forgotten; one that never had an event with its last client

// Close codes of our own.
enum stream_close { STREAM_UNAUTHENTICATED = 4401, STREAM_REVOKED = 4403, STREAM_AUTH_TIMEOUT = 4408, STREAM_TOO_MANY = 4429 };

// How a connection is reached; as ws_send_frame, ws_frame_text, ws_close. send returns false when the connection is closing.
struct stream_port {
  struct blob *(*frame)(const char *text, size_t len);
  bool (*send)(void *conn, struct blob *frame);
  void (*close)(void *conn, int code, const char *reason);
};

struct stream_rules {
  // PROBLEM_NONE and *ret, or why not.
  enum problem (*authenticate)(void *arg, const char *token, size_t len, struct api_who *ret);
  // PROBLEM_NONE, forbidden, or not_found (also for what exists and is another tenant's).
  enum problem (*permits)(void *arg, const struct api_who *who, const char *channel);
  // Still the same right to be here: session not revoked, key not deleted, user not suspended. Asked twice a second.
  bool (*valid)(void *arg, const struct api_who *who);
  void *arg;
  const char *const *of_tenant;  // names of channels that each tenant has one of; ends with NULL. NULL: none
  // For tests: told of each event before it goes out. NULL: nobody looks.
  void (*look)(void *arg, const char *channel, const char *type, json_t *data);
};

struct stream_stats {
  uint64_t events, sent, dropped;  // ever
  unsigned clients, channels;      // now
};

enum status stream_hub_create(const struct stream_port *port, const struct stream_rules *rules, struct stream_hub **ret, struct err *err) MUST_CHECK;
// Clients must have been removed.
void stream_hub_destroy(struct stream_hub *hub);

// A connection that has not said who it is, or (who not NULL) already has. NULL when memory is out.
struct stream_client *stream_client_add(struct stream_hub *hub, void *conn, const struct api_who *who, int64_t now_ms);
// The connection is closed; frees.
void stream_client_remove(struct stream_client *client);
// A whole text message. May close the connection through the port; the client stays until removed.
void stream_client_text(struct stream_client *client, const char *text, size_t len, int64_t now_ms);
// Subscribes as if the client had asked; before it has said who it is: as soon as it has (for /ws/bots/{id}).
void stream_client_subscribe(struct stream_client *client, const char *channel, int64_t now_ms);

// Sends one event to all subscribers. Takes its own reference of data. False when the event is too large or memory is out.
bool stream_publish(struct stream_hub *hub, const char *channel, const char *type, json_t *data, int64_t now_ms);
// The same, of one tenant's channel of that name. Nothing is done, and true, when nobody there listens or has lately.
bool stream_publish_of(struct stream_hub *hub, int64_t tenant_id, const char *channel, const char *type, json_t *data, int64_t now_ms);
// Whether somebody listens, or has lately and may come back for what is missed in between: nothing need be said to others. The same of one
// tenant's channel of that name.
bool stream_kept(const struct stream_hub *hub, const char *channel);
bool stream_kept_of(const struct stream_hub *hub, int64_t tenant_id, const char *channel);
// Whether somebody is subscribed: what is costly to say need not be said to nobody.
bool stream_listened(const struct stream_hub *hub, const char *channel);
// Calls fn for every channel that somebody subscribes to now and whose name begins so. fn must not subscribe or publish.
void stream_watched(const struct stream_hub *hub, const char *prefix, void (*fn)(void *arg, const char *channel), void *arg);
// Every 500 ms: closes whom `valid` refuses, whose token expired, who did not authenticate in time; forgets idle channels.
void stream_hub_tick(struct stream_hub *hub, int64_t now_ms);
struct stream_stats stream_hub_stats(const struct stream_hub *hub);

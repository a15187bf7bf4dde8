// ea/front.h – one terminal served without the service and its database: for `perigee cards`, which judges a terminal and its expert before any account
// is entrusted to them. hello and poll as in api/ea_terminal.c; numbers and commands are remembered by this process only.
#pragma once
#include "ea/bridge.h"
#include "ea/protocol.h"

struct ea_front;
struct ea_front_options {
  struct loop *loop;
  const char *address;       // "127.0.0.1:9600": TLS is for who stands in front of it
  const char *token, *secret;
  int64_t lease_ms, answer_ms;  // ea_bridge_options
  void (*log)(void *arg, const char *text);  // NULL: nobody is told of refused requests
  void *arg;
};
enum status ea_front_create(const struct ea_front_options *options, struct ea_front **ret, struct err *err) MUST_CHECK;
void ea_front_destroy(struct ea_front *f);  // after the bridge's sessions; NULL does nothing
struct ea_bridge *ea_front_bridge(struct ea_front *f);

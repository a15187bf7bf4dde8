// tests/exchange/link.h – a session with `perigee exchange`, as the programs of these tests have it: a loop, a pool, the dialect, a venue.
#pragma once
#include "venue/remote.h"

struct link {
  struct loop *loop;
  struct http_pool *pool;
  struct remote_site *site;
  struct venue venue;
};

// What a test is told on its command line.
struct link_to {
  const char *dialect;  // a file
  const char *url, *key, *secret;
  const char *label;
  int64_t retry_ms;
};

// The dialect's budgets are made a thousand times wider: they are not what is tried. A refusal is told on standard error; then false.
bool link_open(struct link *link, const struct link_to *to, const struct venue_events *events);
void link_close(struct link *link);

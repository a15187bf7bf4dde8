// tests/exchange/link.c – see link.h.
#include "link.h"

#include "base/buf.h"
#include "loop/loop.h"
#include "net/http_pool.h"
#include "script/dialect.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static enum status read_dialect(const char *path, struct dialect **ret, struct err *err) {
  struct buf source;
  buf_init(&source, 1 << 20);
  enum status st = buf_read_file(&source, path, err);
  if (st == OK)
    for (char *at = source.data; (at = strstr(at, "per_ms=")); at += 11) memcpy(at + 7, "0001", 4);
  if (st == OK) st = dialect_create("dialect", source.data, source.len, NULL, ret, err);
  buf_finish(&source);
  return st;
}

bool link_open(struct link *link, const struct link_to *to, const struct venue_events *events) {
  struct err err;
  struct remote_site_options site = {.environment = "testnet", .url = to->url, .timeout_ms = 1000, .retry_ms = to->retry_ms};
  const struct remote_session_options session = {.label = to->label, .credentials = {to->key, to->secret, NULL}};
  signal(SIGPIPE, SIG_IGN);
  enum status st = loop_create(&link->loop, NULL, &err);
  if (st == OK) st = http_pool_create(link->loop, NULL, &link->pool, &err);
  if (st == OK) st = read_dialect(to->dialect, &site.dialect, &err);
  site.loop = link->loop;
  site.pool = link->pool;
  if (st == OK) st = remote_site_create(&site, &link->site, &err);
  if (st == OK) st = remote_session_create(link->site, &session, events, NULL, &link->venue, &err);
  if (st != OK) fprintf(stderr, "%s\n", err.msg);
  return st == OK;
}

void link_close(struct link *link) {
  link->venue.ops->destroy(link->venue.self);
  remote_site_destroy(link->site);
  http_pool_destroy(link->pool);
  loop_destroy(link->loop);
}

// api/signal_past.c – see signal_past.h.
#include "api/signal_past.h"

#include "api/call.h"
#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

#define NS_PER_MS INT64_C(1000000)
#define DAY_NS (INT64_C(86400) * 1000000000)

void signal_past_init(struct signal_past *p, int64_t now_ns) { *p = (struct signal_past){.day = now_ns / DAY_NS}; }

static void drop_list(struct signal_past *p) {
  free(p->list);
  p->list = NULL;
}

static void drop_last(struct signal_past *p) {
  free(p->recent[--p->count].text);
  drop_list(p);
}

void signal_past_finish(struct signal_past *p) {
  while (p->count) drop_last(p);
  drop_list(p);
}

static char *entry(const json_t *signal, int64_t received_ns) {
  static const char *const fields[] = {"symbol", "action", "key", "source"};
  json_t *e = json_pack("{s:I}", "received_ms", (json_int_t)(received_ns / NS_PER_MS));
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    json_t *v = json_object_get(signal, fields[i]);
    if (v) json_object_set(e, fields[i], v);
  }
  char *text = e ? json_dumps(e, JSON_COMPACT) : NULL;
  json_decref(e);
  return text;
}

static void put(struct signal_past *p, int at, const json_t *signal, int64_t received_ns) {
  char *text = entry(signal, received_ns);
  if (!text) return;  // no memory: rules know of one less
  memmove(&p->recent[at + 1], &p->recent[at], (size_t)(p->count - at) * sizeof p->recent[0]);
  p->recent[at].received_ms = received_ns / NS_PER_MS;
  p->recent[at].text = text;
  p->count++;
  drop_list(p);
}

void signal_past_older(struct signal_past *p, const json_t *signal, int64_t received_ns) {
  if (p->count < SIGNAL_PAST_MAX) put(p, p->count, signal, received_ns);
}

void signal_past_add(struct signal_past *p, const json_t *signal, int64_t received_ns) {
  const int64_t day = received_ns / DAY_NS;
  if (day != p->day) p->day = day, p->today = 0;
  p->today++;
  if (p->count == SIGNAL_PAST_MAX) drop_last(p);
  put(p, 0, signal, received_ns);
}

static const char *list_of(struct signal_past *p) {
  struct buf b;
  if (p->list || p->count == 0) return p->list;
  buf_init(&b, 1 << 20);
  for (int i = 0; i < p->count; i++) {
    buf_add(&b, i ? "," : "[", 1);
    buf_str(&b, p->recent[i].text);
  }
  buf_add(&b, "]", 1);
  if (!b.failed) p->list = strdup(b.data);
  buf_finish(&b);
  return p->list;
}

json_t *signal_past_env(struct signal_past *p, int64_t hook_id, int64_t received_ns, const char **ret_accepted) {
  const int64_t since_ms = (received_ns - DAY_NS) / NS_PER_MS;
  while (p->count && p->recent[p->count - 1].received_ms < since_ms) drop_last(p);
  *ret_accepted = list_of(p);
  return json_pack("{s:I, s:o, s:I}", "now_ms", (json_int_t)(received_ns / NS_PER_MS), "hook", api_id("hok", hook_id), "today", (json_int_t)(received_ns / DAY_NS == p->day ? p->today : 0));
}

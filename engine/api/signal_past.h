// api/signal_past.h – private to api/: what a hook accepted lately, as rules may know of it, and what they are told beside a signal. The same for
// signals that are acted upon and for dry runs over yesterday's.
#pragma once
#include "base/json.h"

#include <stdbool.h>
#include <stdint.h>

#define SIGNAL_PAST_MAX 50  // accepted signals that rules may know of

struct signal_past {
  struct { int64_t received_ms; char *text; } recent[SIGNAL_PAST_MAX];  // newest first; each as JSON
  int count;
  char *list;          // all of them; NULL: to be made
  int64_t day, today;  // how many of the UTC day (since 1970)
};
void signal_past_init(struct signal_past *p, int64_t now_ns);
void signal_past_finish(struct signal_past *p);
// From the rows, newest first, before any other is added; they do not count for today.
void signal_past_older(struct signal_past *p, const json_t *signal, int64_t received_ns);
// It was accepted.
void signal_past_add(struct signal_past *p, const json_t *signal, int64_t received_ns);
// env of a signal of this time: {now_ms, hook, today}; new reference, NULL: no memory. *ret_accepted: the list accepted as JSON, valid until the next call; NULL:
// empty. What is older than a day is forgotten.
json_t *signal_past_env(struct signal_past *p, int64_t hook_id, int64_t received_ns, const char **ret_accepted);

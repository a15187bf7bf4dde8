// bot/live_common.c – what many bots have in common: scripts, parameters, settings, what their headers ask for. A thousand bots of one
// script with the same settings hold one copy of each. Of a copy nothing is ever changed in place: another takes its place.
#include "bot/live_impl.h"

#include <stdlib.h>
#include <string.h>

static bool put(struct live_bot *b, const void **kept, const void *bytes, size_t len) {
  const void *p = intern_get(b->live->common, bytes, len);
  if (!p) return false;
  intern_put(b->live->common, *kept);
  *kept = p;
  return true;
}

bool live_setup_set(struct live_bot *b, const struct live_setup *s) {
  const void *p = b->setup;
  const bool ok = put(b, &p, s, sizeof *s);
  b->setup = p;
  return ok;
}

bool live_deposit_set(struct live_bot *b, cash deposit) {
  struct live_setup s = *b->setup;
  s.match.deposit = deposit;
  return live_setup_set(b, &s);
}

bool live_plan_set(struct live_bot *b, const struct bot_plan *plan) {
  const void *p = b->plan;
  const bool ok = put(b, &p, plan, sizeof *plan);
  b->plan = p;
  return ok;
}

bool live_text_set(struct live_bot *b, const char **text, const char *bytes, size_t len) {
  const void *p = *text;
  const bool ok = put(b, &p, bytes, len);
  *text = p;
  return ok;
}

void live_text_clear(struct live_bot *b, const char **text) {
  intern_put(b->live->common, *text);
  *text = NULL;
}

void live_fault_set(struct live_bot *b, const char *text, size_t len) {
  free(b->fault);
  b->fault = strndup(text, len < RECORD_TEXT_MAX ? len : RECORD_TEXT_MAX - 1);
  if (b->fault) live_plain(b->fault, strlen(b->fault));
}

// ea/bridge_deals.c – see bridge_impl.h. A ring of deals with an index by ticket.
#include "ea/bridge_impl.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS (4 * EA_DEALS_KEPT)
#define OVERLAP_MS 60000  // a deal may be listed later than its time

static uint32_t hash(const char *ticket) {
  uint32_t h = 2166136261u;
  for (const char *c = ticket; *c; c++) h = (h ^ (uint8_t)*c) * 16777619u;
  return h;
}

enum status ea_deals_init(struct ea_deals *d, struct err *err) {
  *d = (struct ea_deals){.from_ms = INT64_MAX, .chain_ms = INT64_MAX};
  d->list = calloc(EA_DEALS_KEPT, sizeof *d->list);
  d->index = calloc(SLOTS, sizeof *d->index);
  return d->list && d->index ? OK : err_set(err, ERR_NOMEM, "no memory for a terminal's deals");
}

void ea_deals_finish(struct ea_deals *d) {
  free(d->list);
  free(d->index);
  *d = (struct ea_deals){0};
}

const struct ea_deal *ea_deals_get(const struct ea_deals *d, size_t i) { return &d->list[(d->first + i) % EA_DEALS_KEPT]; }

static uint32_t *slot_of(const struct ea_deals *d, const char *ticket) {
  uint32_t i = hash(ticket) % SLOTS;
  while (d->index[i] && strcmp(d->list[d->index[i] - 1].ticket, ticket) != 0) i = (i + 1) % SLOTS;
  return &d->index[i];
}

// The index is made anew: holes in it would hide what stands behind them.
static void forget_half(struct ea_deals *d) {
  const size_t gone = d->count / 2;
  d->first = (d->first + gone) % EA_DEALS_KEPT;
  d->count -= gone;
  memset(d->index, 0, SLOTS * sizeof *d->index);
  for (size_t i = 0; i < d->count; i++) {
    const size_t at = (d->first + i) % EA_DEALS_KEPT;
    *slot_of(d, d->list[at].ticket) = (uint32_t)at + 1;
  }
}

static void add(struct ea_deals *d, const struct ea_deal *deal) {
  if (d->count == EA_DEALS_KEPT) {
    int64_t kept_ms = INT64_MAX;
    forget_half(d);
    for (size_t i = 0; i < d->count; i++)
      if (ea_deals_get(d, i)->time_ms < kept_ms) kept_ms = ea_deals_get(d, i)->time_ms;
    if (d->from_ms <= kept_ms) d->from_ms = kept_ms + 1;  // of that millisecond others may be among those that are gone
  }
  const size_t at = (d->first + d->count++) % EA_DEALS_KEPT;
  d->list[at] = *deal;
  *slot_of(d, deal->ticket) = (uint32_t)at + 1;
  if (deal->time_ms > d->newest_ms) d->newest_ms = deal->time_ms;
}

// A list that was cut goes on with the next report; what they cover together counts when the last of them is whole.
void ea_deals_heard(struct ea_deals *d, const struct ea_deal *list, size_t count, int64_t since_ms, bool more, void (*fresh)(void *arg, const struct ea_deal *deal), void *arg) {
  const bool goes_on = d->chain_ms != INT64_MAX && since_ms >= d->chain_ms && since_ms <= d->chain_next_ms;
  const int64_t start_ms = goes_on ? d->chain_ms : since_ms, known_ms = d->newest_ms;
  int64_t last_ms = since_ms;
  for (size_t i = 0; i < count; i++)
    if (list[i].time_ms > last_ms) last_ms = list[i].time_ms;
  d->chain_ms = more ? start_ms : INT64_MAX;
  d->chain_next_ms = last_ms > since_ms || !more ? last_ms : since_ms + 1;  // never the same question for ever
  for (size_t i = 0; i < count; i++) {
    if (*slot_of(d, list[i].ticket)) continue;
    add(d, &list[i]);
    fresh(arg, &list[i]);
  }
  if (more) return;
  const bool joins = d->from_ms != INT64_MAX && start_ms <= known_ms;
  if (!joins || start_ms < d->from_ms) d->from_ms = start_ms;
}

int64_t ea_deals_next_ms(const struct ea_deals *d, int64_t wanted_ms, int64_t first_ms) {
  if (d->chain_ms != INT64_MAX && wanted_ms >= d->chain_ms) return d->chain_next_ms;
  if (d->from_ms == INT64_MAX) return wanted_ms < first_ms ? wanted_ms : first_ms;
  const int64_t usual_ms = d->newest_ms - OVERLAP_MS > d->from_ms ? d->newest_ms - OVERLAP_MS : d->from_ms;
  return wanted_ms < d->from_ms ? wanted_ms : usual_ms;
}

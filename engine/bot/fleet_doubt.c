// bot/fleet_doubt.c – who makes a host break the protocol? Its word does not tell: what is wrong was written some time before it was
// read. So after such a loss half of the bots that were open are kept back, until it happens again or three instants went well:
// each loss halves those in doubt, and a dozen find one among thousands. Others on the host are opened as ever.
#include "bot/fleet_impl.h"

#define CALM_INSTANTS 3

static unsigned in_doubt(const struct fleet_bots *l) {
  unsigned n = 0;
  for (const struct fleet_bot *b = l->first; b; b = b->next) n += b->doubt;
  return n;
}

static void probe(struct fleet_host *h, unsigned doubtful) {
  h->doubts = doubtful != 0;
  h->probe_max = (doubtful + 1) / 2;
  h->calm = 0;
}

int64_t fleet_doubt_begin(struct fleet_host *h) {
  bool narrowed = in_doubt(&h->running) != 0;
  struct fleet_bot *one = NULL;
  unsigned n = 0;
  for (struct fleet_bot *b = h->waiting.first; b; b = b->next) b->doubt = false;  // it happened without them
  for (struct fleet_bot *b = h->running.first; b; b = b->next) {
    if (!narrowed) b->doubt = true;
    if (!b->doubt) continue;
    one = b;
    n++;
  }
  probe(h, n == 1 ? 0 : n);
  if (n != 1) return 0;
  one->doubt = false;
  return one->node.key;
}

bool fleet_doubt_holds(const struct fleet_host *h, const struct fleet_bot *b) {
  return h->doubts && b->doubt && in_doubt(&h->running) >= h->probe_max;
}

void fleet_doubt_instant(struct fleet_host *h) {
  if (!h->doubts || ++h->calm < CALM_INSTANTS) return;
  unsigned waiting = in_doubt(&h->waiting);
  if (waiting && in_doubt(&h->running) < h->probe_max) return;  // not all of this half have been opened
  for (struct fleet_bot *b = h->running.first; b; b = b->next) b->doubt = false;
  probe(h, waiting);
}

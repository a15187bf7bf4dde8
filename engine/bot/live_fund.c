// bot/live_fund.c – funding of perpetuals: what a bot's bars make due is booked with them, and its owner told what it came to.
#include "bot/live_impl.h"

#include <stdio.h>
#include <string.h>

static int64_t booked_e8(const struct live_bot *b) { return ledger_total(&matcher_account(clerk_matcher(b->clerk))->ledger, BOOK_FUNDING).e8; }

// Those of a symbol in (from_ns, through_ns], oldest first. One answer has the newest of them; before it the older ones.
static void due(struct live_bot *b, int k, const struct instant_match *m, int64_t from_ns, int64_t through_ns, int64_t now_ns) {
  struct funding list[HUB_FUNDINGS_MAX];
  const size_t count = hub_fundings(b->live->hub, b->series[b->plan->symbols[k].exec]->hub, from_ns, through_ns, list);
  if (count == HUB_FUNDINGS_MAX) due(b, k, m, from_ns, list[0].ts_ns - 1, now_ns);
  if (count && b->fundings_before_e8 == INT64_MIN) b->fundings_before_e8 = booked_e8(b);
  for (size_t n = 0; n < count; n++)
    clerk_funding(b->clerk, now_ns, &(struct instant_funding){.symbol = k, .ts_ns = list[n].ts_ns, .rate_e12 = list[n].rate_e12, .mark = NO_PRICE, .before_match = list[n].ts_ns <= m->bar.bar->open_ns});
}

// Due by a bar's end since the bar before: booked after the bar is matched, or, of a time before it opens (a gap), before.
void live_fund(struct live_bot *b, const struct instant *in) {
  if (b->setup->venue[0]) return;  // a venue books its own
  b->fundings_before_e8 = INT64_MIN;
  for (int i = 0; i < in->match_count; i++) {
    const int k = in->match[i].symbol;
    due(b, k, &in->match[i], b->funded_ns[k] > b->run_from_ns ? b->funded_ns[k] : b->run_from_ns, in->now_ns, in->now_ns);
    b->funded_ns[k] = in->now_ns;
  }
}

void live_funded(struct live_bot *b) {
  if (b->fundings_before_e8 == INT64_MIN) return;
  const cash moved = {booked_e8(b) - b->fundings_before_e8}, size = {moved.e8 < 0 ? -moved.e8 : moved.e8};
  char text[64 + DECIMAL_TEXT_MAX], amount[DECIMAL_TEXT_MAX];
  if (moved.e8 == 0) return;
  const int n = snprintf(text, sizeof text, "funding %s: %s", moved.e8 < 0 ? "paid" : "received", cash_text(size, amount));
  live_log(b, b->instant_ns, LOG_INFO, text, (size_t)n);
  live_news(b, "funding", json_pack("{s:s, s:I}", "amount", cash_text(moved, amount), "time", (json_int_t)(b->instant_ns / NS_PER_MS)));
}

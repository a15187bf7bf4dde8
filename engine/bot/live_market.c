// bot/live_market.c – what goes wrong with market data: to the log of the service, and to the owners of the bots that read it.
#include "bot/live_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void live_market_note(void *self, const struct hub_note *n) {
  struct live *l = self;
  l->config.log(l->config.self, "info", "market_note",
    json_pack("{s:s, s:s, s:s, s:I, s:s}", "note", hub_note_text(n->code), "venue", n->venue, "symbol", n->symbol ? n->symbol : "", "untold", (json_int_t)n->untold, "detail", n->text ? n->text : ""));
}

static void tell(struct live_bot *b, const struct hub_note *n) {
  char line[RECORD_TEXT_MAX], more[48] = "";
  if (n->untold) snprintf(more, sizeof more, "; %" PRIu64 " more since it was last said", n->untold);
  int len = snprintf(line, sizeof line, "market data of %s: %s: %s%s", n->symbol, hub_note_text(n->code), n->text, more);
  if (len >= (int)sizeof line) len = sizeof line - 1;
  const int64_t time_ns = n->time_ns > b->instant_ns ? n->time_ns : b->instant_ns;
  live_log(b, time_ns, LOG_WARN, line, (size_t)len);
  live_news(b, "market", json_pack("{s:s, s:s, s:s, s:I, s:s, s:I}", "note", hub_note_text(n->code), "venue", n->venue, "symbol", n->symbol, "count",
    (json_int_t)(n->count + n->untold), "detail", n->text, "time", (json_int_t)(n->time_ns / NS_PER_MS)));
}

static bool concerns(const struct live_series *s, const struct hub_note *n) {
  return s && strcmp(s->symbol, n->symbol) == 0 && strcmp(s->venue, n->venue) == 0 && (n->timeframe_ns == 0 || s->timeframe_ns == n->timeframe_ns);
}

// A bot that reads several timeframes of the symbol is told once.
static bool first_of(const struct live_bot *b, const struct live_series *s, const struct hub_note *n) {
  int i = 0;
  while (i < b->series_count && !concerns(b->series[i], n)) i++;
  return i < b->series_count && b->series[i] == s;
}

void live_symbol_note(void *self, const struct hub_note *n) {
  struct live *l = self;
  bool places[FLEET_HOSTS_MAX + 1] = {false};
  if (l->config.note) l->config.note(l->config.self, n);
  if (n->code == LIVE_JUMP) return;  // news of the market, which its script sees itself
  for (const struct live_series *s = l->series; s; s = s->next) {
    if (!s->uses || !concerns(s, n) || s->hub >= l->by_hub_cap) continue;
    for (size_t k = 0; k < l->reader_count[s->hub]; k++) {
      struct live_bot *b = l->readers[s->hub][k];
      if (!b->clerk || b->ending || !first_of(b, s, n)) continue;
      tell(b, n);
      places[b->place] = true;
    }
  }
  for (int i = 0; i <= FLEET_HOSTS_MAX; i++)
    if (places[i]) live_hand_over(l, i);  // no bar may come for long
}

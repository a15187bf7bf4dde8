// api/market_metrics.c – see market_metrics.h.
#include "api/market_metrics.h"

#include "bot/hub.h"

#include <inttypes.h>

static void head(struct buf *out, const char *name, const char *type, const char *help) {
  buf_printf(out, "# HELP perigee_%s %s\n# TYPE perigee_%s %s\n", name, help, name, type);
}

static void notes(const struct hub *h, bool of_data, const char *name, const char *label, struct buf *out) {
  for (int v = 0; v < hub_venue_count(h); v++) {
    struct hub_venue_status s;
    hub_venue_status(h, v, &s);
    for (int code = LIVE_TAKEN + 1; code < HUB_NOTE_COUNT; code++)
      if (s.notes[code] && hub_note_of_data(code) == of_data)
        buf_printf(out, "perigee_%s{venue=\"%s\",%s=\"%s\"} %" PRIu64 "\n", name, s.name, label, hub_note_text(code), s.notes[code]);
  }
}

static uint64_t events(const struct hub_venue_status *s) { return s->events; }
static uint64_t series(const struct hub_venue_status *s) { return (uint64_t)s->series; }

static void figure(const struct hub *h, const char *name, const char *type, const char *help, uint64_t (*of)(const struct hub_venue_status *s), struct buf *out) {
  head(out, name, type, help);
  for (int v = 0; v < hub_venue_count(h); v++) {
    struct hub_venue_status s;
    hub_venue_status(h, v, &s);
    buf_printf(out, "perigee_%s{venue=\"%s\"} %" PRIu64 "\n", name, s.name, of(&s));
  }
}

void market_metrics_write(const struct hub *h, struct buf *out) {
  head(out, "market_bars_total", "counter", "Bars of market data: delivered to readers, and those that were late, repeated, contradicted, impossible or missing");
  for (int v = 0; v < hub_venue_count(h); v++) {
    struct hub_venue_status s;
    hub_venue_status(h, v, &s);
    buf_printf(out, "perigee_market_bars_total{venue=\"%s\",verdict=\"delivered\"} %" PRIu64 "\n", s.name, s.bars);
  }
  notes(h, true, "market_bars_total", "verdict", out);
  head(out, "market_feed_notes_total", "counter", "What feeds said of their sources: waiting, started, truncated, failed");
  notes(h, false, "market_feed_notes_total", "note", out);
  figure(h, "market_events_total", "counter", "Pieces of market data that feeds gave out: bars, trades, quotes", events, out);
  figure(h, "market_series", "gauge", "Series that somebody reads", series, out);
}

// api/market_watch.c – channels "market:SYMBOL:TF": bars as they close. What somebody subscribes to is wanted of the hub, once for all who
// watch, and dropped soon after the last has gone. A symbol that several venues have is that of the first of them.
#include "api/market_watch.h"

#include "api/core.h"
#include "api/market_data.h"
#include "bot/hub.h"
#include "bot/live.h"
#include "loop/clock.h"

#include <stdlib.h>
#include <string.h>

#define PREFIX "market:"

struct market_watch {
  struct watched {
    char channel[STREAM_CHANNEL_NAME_MAX + 1];
    uint32_t series;
    bool seen;
  } list[MARKET_WATCH_MAX];
  int count;
};

enum status market_watch_create(struct market_watch **ret, struct err *err) {
  *ret = calloc(1, sizeof **ret);
  return *ret ? OK : err_set(err, ERR_NOMEM, "out of memory");
}

void market_watch_destroy(struct market_watch *w) { free(w); }

static const char *venue_of(const struct hub *h, const char *symbol) {
  const char *name;
  for (int v = 0; v < hub_venue_count(h); v++)  // a channel has no tenant: none that is somebody's own
    for (int i = 0; !hub_venue_owned(h, v) && (name = hub_venue_symbol(h, v, i)) != NULL; i++)
      if (strcmp(name, symbol) == 0) return hub_venue_name(h, v);
  return NULL;
}

// Each timeframe of a symbol costs all who use it, and there is room for so many only: charts have these.
static bool is_usual(const char *timeframe) {
  static const char *const usual[] = {"1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w"};
  for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
    if (strcmp(usual[i], timeframe) == 0) return true;
  return false;
}

static bool want(struct hub *h, const char *channel, uint32_t *ret_series) {
  char symbol[STREAM_CHANNEL_NAME_MAX + 1];
  struct err err;
  int64_t timeframe_ns;
  strcpy(symbol, channel + strlen(PREFIX));
  char *timeframe = strrchr(symbol, ':');
  if (!timeframe) return false;
  *timeframe++ = '\0';
  const char *venue = venue_of(h, symbol);
  return venue && is_usual(timeframe) && timeframe_parse(timeframe, &timeframe_ns) && hub_want(h, venue, symbol, timeframe_ns, ret_series, &err) == OK;
}

static void see(void *arg, const char *channel) {
  struct api_core *core = arg;
  struct market_watch *w = core->watch;
  for (int i = 0; i < w->count; i++)
    if (strcmp(w->list[i].channel, channel) == 0) {
      w->list[i].seen = true;
      return;
    }
  uint32_t series;
  if (w->count == MARKET_WATCH_MAX || !want(live_hub(core->live), channel, &series)) return;  // tried again: a feed may have it later
  struct watched *e = &w->list[w->count++];
  *e = (struct watched){.series = series, .seen = true};
  strcpy(e->channel, channel);
}

void market_watch_tick(struct api_core *core) {
  struct market_watch *w = core->watch;
  if (!w || !core->live) return;
  for (int i = 0; i < w->count; i++) w->list[i].seen = false;
  stream_watched(core->hub, PREFIX, see, core);
  for (int i = w->count - 1; i >= 0; i--) {
    if (w->list[i].seen) continue;
    hub_drop(live_hub(core->live), w->list[i].series);
    w->list[i] = w->list[--w->count];
  }
}

void market_watch_instant(struct api_core *core, const struct hub_instant *in) {
  const struct market_watch *w = core->watch;
  for (size_t b = 0; w && w->count > 0 && b < in->count; b++)
    for (int i = 0; i < w->count; i++) {
      if (w->list[i].series != in->bars[b].series) continue;
      const struct hub *h = live_hub(core->live);
      json_t *data = market_bar_json(hub_series(h, in->bars[b].series), &in->bars[b].bar);
      if (data) {
        json_object_set_new(data, "venue", json_string(hub_venue_name(h, in->venue)));
        (void)stream_publish(core->hub, w->list[i].channel, "bar", data, clock_wall_ns() / NS_PER_MS);
      }
      json_decref(data);
    }
}

void market_watch_note(struct api_core *core, const struct hub_note *note) {
  const struct market_watch *w = core->watch;
  for (int i = 0; w && core->live && i < w->count; i++) {  // before the service has started nobody watches
    const struct hub *h = live_hub(core->live);
    const struct series *s = hub_series(h, w->list[i].series);
    const int venue = hub_series_venue(h, w->list[i].series);
    if (!s || strcmp(s->inst.symbol, note->symbol) != 0 || strcmp(hub_venue_name(h, venue), note->venue) != 0) continue;
    if (note->timeframe_ns && note->timeframe_ns != s->timeframe_ns) continue;
    json_t *data = json_pack("{s:s, s:s, s:I, s:s, s:I}", "venue", note->venue, "note", hub_note_text(note->code), "count", (json_int_t)(note->count + note->untold), "detail", note->text,
      "time", (json_int_t)(note->time_ns / NS_PER_MS));
    if (data) (void)stream_publish(core->hub, w->list[i].channel, "note", data, clock_wall_ns() / NS_PER_MS);
    json_decref(data);
  }
}

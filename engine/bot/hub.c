// bot/hub.c – see hub.h. A poll asks each venue's feed for what is due, lets live_bars make bars of it, and gives out of the venue's
// queue what no symbol can add to any more.
#include "bot/hub_impl.h"

#include "venue/feed_pace.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- instants

struct hub_instant *hub_instant_ref(struct hub_instant *in) {
  assert(in->refs > 0);
  in->refs++;
  return in;
}

void hub_instant_unref(struct hub_instant *in) {
  if (!in) return;
  assert(in->refs > 0);
  if (--in->refs == 0) free(in);
}

struct hub_line *hub_line_at(const struct hub_symbol *s, int64_t timeframe_ns) {
  for (int i = 0; i < s->line_count; i++)
    if (s->lines[i]->memory.timeframe_ns == timeframe_ns) return s->lines[i];
  return NULL;
}

// Takes the bars of the earliest time by safe_ns out of the queue. False: there are none, or no memory to take them into.
static bool take_ready(struct hub_venue *v, int64_t safe_ns, bool *ret_failed) {
  while (v->ready_count == 0) {
    v->ready_ns = bar_queue_next_ns(&v->queue);
    if (v->ready_ns > safe_ns || v->queue.count == 0) return false;
    if (v->ready_cap < v->queue.count) {
      struct wire_bar *ready = realloc(v->ready, v->queue.count * sizeof *ready);
      if (!ready) return *ret_failed = true, false;
      v->ready = ready;
      v->ready_cap = v->queue.count;
    }
    struct queued_bar q;
    while (bar_queue_pop(&v->queue, v->ready_ns, &q)) {
      const struct hub_symbol *s = v->symbols[q.symbol];
      const struct hub_line *l = s->dead ? NULL : hub_line_at(s, q.bar.timeframe_ns);
      if (l) v->ready[v->ready_count++] = (struct wire_bar){l->id, q.bar.bar};
    }
  }
  return true;
}

static void give(struct hub_venue *v, struct hub_instant *in) {
  struct hub *h = v->hub;
  v->instants++;
  v->given_ns = in->now_ns;
  h->busy = true;
  if (h->config.sink.record) h->config.sink.record(h->config.sink.self, in);
  h->config.sink.instant(h->config.sink.self, in);
  h->busy = false;
}

static bool give_bars(struct hub_venue *v) {
  struct hub *h = v->hub;
  struct hub_instant *in = malloc(sizeof *in + v->ready_count * sizeof in->bars[0]);
  if (!in) return false;
  *in = (struct hub_instant){.refs = 1, .venue = v->index, .now_ns = v->ready_ns};
  for (size_t i = 0; i < v->ready_count; i++) {
    struct hub_line *l = hub_line_of(h, v->ready[i].series);
    if (!l) continue;  // dropped while memory was out
    in->bars[in->count++] = v->ready[i];
    hub_line_remember(l, &v->ready[i].bar, h->config.memory_bars);
  }
  v->ready_count = 0;
  v->time_ns = in->now_ns;
  v->bars += in->count;
  if (in->count > 0) give(v, in);
  hub_instant_unref(in);
  return true;
}

// When the next instant of the clock is due; INT64_MAX: none is.
static int64_t clock_due(const struct hub_venue *v) {
  const struct hub_sink *sink = &v->hub->config.sink;
  const int64_t t = sink->clock && v->time_ns != INT64_MIN ? sink->clock(sink->self, v->index) : INT64_MAX;
  if (t == INT64_MAX || t <= v->given_ns) return INT64_MAX;
  return t > v->time_ns ? t : v->time_ns + 1;
}

// Just behind what is complete no bar ends, but at a whole second. A market that is over has no hours any more, but takes leave.
static bool clock_may(const struct hub_venue *v, int64_t t, int64_t safe_ns) {
  const bool near = t - safe_ns <= NS_PER_MS;
  return v->ended ? near : t <= safe_ns || (near && timeframe_floor(t, NS_PER_S) == timeframe_floor(safe_ns, NS_PER_S));
}

static bool give_clock(struct hub_venue *v, int64_t now_ns) {
  struct hub_instant *in = malloc(sizeof *in);
  if (!in) return false;
  *in = (struct hub_instant){.refs = 1, .venue = v->index, .now_ns = now_ns};
  v->time_ns = now_ns;
  give(v, in);
  hub_instant_unref(in);
  return true;
}

// Gives out what is complete by safe_ns, and the clock's instants between. False: memory is out; what is ready stays.
static bool give_out(struct hub_venue *v, int64_t safe_ns) {
  bool failed = false;
  for (;;) {
    const bool bars = take_ready(v, safe_ns, &failed);
    if (failed) return false;
    const int64_t due_ns = clock_due(v);
    if (due_ns < (bars ? v->ready_ns : INT64_MAX) && clock_may(v, due_ns, safe_ns > v->time_ns ? safe_ns : v->time_ns)) {
      if (!give_clock(v, due_ns)) return false;
    } else if (!bars) {
      return true;
    } else if (!give_bars(v)) {
      return false;
    }
  }
}

// ---- what feeds say

// Feeds give events of one time in the order of symbols, so the next one's is mostly the next slot.
static struct hub_symbol *by_subscription(struct hub_venue *v, int subscription) {
  for (int k = 1; k <= v->slot_count; k++) {
    const int slot = (v->last_slot + k) % v->slot_count;
    struct hub_symbol *s = v->symbols[slot];
    if (!s || s->dead || s->subscription != subscription) continue;
    v->last_slot = slot;
    return s;
  }
  return NULL;
}

static void tell_tick(const struct hub_symbol *s, const struct feed_event *e) {
  const struct hub_sink *sink = &s->venue->hub->config.sink;
  if (!sink->tick) return;
  struct hub_tick t = {.venue = s->venue->index, .symbol = s->name, .inst = &s->info.inst, .time_ns = e->time_ns, .trade = e->kind == FEED_TRADE, .volume = NAN};
  if (t.trade) t.px = e->u.trade.px;
  else t.bid = e->u.quote.bid, t.ask = e->u.quote.ask;
  if (t.trade && e->u.trade.volume >= 0) t.volume = (double)e->u.trade.volume / (double)pow10_i64(s->info.volume_scale);
  sink->tick(sink->self, &t);
}

static void on_event(void *self, const struct feed_event *e) {
  struct hub_venue *v = self;
  struct hub_symbol *s = e->subscription < 0 ? NULL : by_subscription(v, e->subscription);
  if (e->kind == FEED_NOTE) {
    hub_note_of_feed(v, s, e);
    return;
  }
  v->events++;
  if (!s) return;  // one that was let go of
  const bool bars = s->live.config.source == LIVE_FROM_BARS;
  enum live_reason why = LIVE_BAD_PRICE;
  if (e->kind == FEED_BAR && bars) (void)live_bars_bar(&s->live, &e->u.bar);
  else if (e->kind == FEED_TRADE && !bars) why = live_bars_trade(&s->live, e->time_ns, e->u.trade.px, e->u.trade.volume);
  else if (e->kind == FEED_QUOTE && !bars) why = live_bars_quote(&s->live, e->time_ns, e->u.quote.bid, e->u.quote.ask);
  else if ((e->kind == FEED_TRADE || e->kind == FEED_QUOTE) && v->config.ticks_beside) why = LIVE_TAKEN;
  if (why == LIVE_TAKEN || why == LIVE_JUMP) tell_tick(s, e);
}

// ---- what live_bars say of a symbol

void hub_on_bar(void *self, const struct live_bar *bar) {
  struct hub_symbol *s = self;
  struct err err;
  hub_note_of_bar(s, bar);
  if (bar_queue_push(&s->venue->queue, s->slot, s->name, bar, &err) != OK)  // memory is out, or a symbol has stood still for a million bars
    hub_note_tell(s->venue, HUB_NOTE_FAILED, s, bar->close_ns, 1, "a bar was lost: %s", err.msg);
}

// ---- polling

// Moves all symbols on to where the feed is complete, and tells until where the slowest is.
static int64_t complete(struct hub_venue *v, int64_t now_ns, int64_t through_ns) {
  const bool clocked = v->config.grace_ns >= 0;
  int64_t safe_ns = v->live_count > 0 ? INT64_MAX : clocked ? now_ns - v->config.grace_ns : through_ns;
  for (int i = 0; i < v->slot_count; i++) {
    struct hub_symbol *s = v->symbols[i];
    if (!s || s->dead) continue;
    if (through_ns != INT64_MIN) live_bars_complete(&s->live, through_ns);
    if (clocked) live_bars_clock(&s->live, now_ns);
    if (s->live.watermark.at_ns < safe_ns) safe_ns = s->live.watermark.at_ns;
  }
  return safe_ns;
}

// When the first open bar has to be closed although nothing comes for it.
static int64_t close_due(const struct hub_venue *v) {
  int64_t due_ns = INT64_MAX;
  for (int i = 0; i < v->slot_count; i++) {
    const struct hub_symbol *s = v->symbols[i];
    const int64_t t = s && !s->dead ? live_bars_due_ns(&s->live) : INT64_MAX;
    if (t < due_ns) due_ns = t;
  }
  if (due_ns == INT64_MAX || v->config.grace_ns >= 0) return due_ns;
  const struct feed_pace *pace = v->config.pace;
  return pace && pace->speed_e3 != FEED_SPEED_UNBOUND ? feed_pace_now_ns(pace, due_ns) : INT64_MAX;
}

// The clock's now at which it is this time at the venue.
static int64_t clock_now(const struct hub_venue *v, int64_t event_ns) {
  const struct feed_pace *pace = v->config.pace;
  if (pace) return pace->speed_e3 != FEED_SPEED_UNBOUND ? feed_pace_now_ns(pace, event_ns) : INT64_MAX;
  return v->config.grace_ns >= 0 && event_ns < INT64_MAX - v->config.grace_ns ? event_ns + v->config.grace_ns : INT64_MAX;
}

static void poll_venue(struct hub_venue *v, int64_t now_ns) {
  struct feed_progress progress = {.through_ns = INT64_MIN};
  struct err err;
  v->polled = true;
  if (feed_poll(v->config.feed, now_ns, v->hub->config.poll_events, &(struct feed_sink){v, on_event}, &progress, &err) != OK) {
    hub_note_tell(v, HUB_NOTE_FAILED, NULL, v->time_ns, 1, "%s", err.msg);
    v->failing = true;
    v->next_ns = now_ns + HUB_RETRY_NS;
    return;
  }
  v->ended = progress.ended;
  const int64_t safe_ns = complete(v, now_ns, progress.through_ns);
  v->failing = !give_out(v, safe_ns);
  if (v->failing) {
    hub_note_tell(v, HUB_NOTE_FAILED, NULL, v->time_ns, 1, "memory is out: bars wait");
    v->next_ns = now_ns + HUB_RETRY_NS;
    return;
  }
  if (safe_ns > v->time_ns) v->time_ns = safe_ns;
  hub_symbols_sweep(v);
  v->next_ns = progress.next_ns;
  if (progress.ended || progress.next_ns <= now_ns) return;
  int64_t due_ns = close_due(v);
  if (due_ns <= now_ns) due_ns = now_ns + NS_PER_MS;  // the feed does not promise yet what the clock says
  if (due_ns < v->next_ns) v->next_ns = due_ns;
  const int64_t clock_ns = clock_due(v);
  if (clock_ns == INT64_MAX || v->ended) return;
  due_ns = clock_now(v, clock_ns);
  if (due_ns <= now_ns) due_ns = now_ns + NS_PER_MS;
  if (due_ns < v->next_ns) v->next_ns = due_ns;
}

void hub_clock_changed(struct hub *h, int venue) {
  struct hub_venue *v = h->venues[venue];
  const int64_t clock_ns = clock_due(v);
  if (clock_ns == INT64_MAX) return;
  const int64_t due_ns = clock_may(v, clock_ns, v->time_ns) ? INT64_MIN : clock_now(v, clock_ns);
  if (due_ns >= v->next_ns) return;
  v->next_ns = due_ns;
  hub_timer_again(h);
}

int64_t hub_clock_soon(struct hub *h, int venue) {
  const int64_t time_ns = hub_venue_time(h->venues[venue]);
  return time_ns == INT64_MIN ? INT64_MIN : timeframe_floor(time_ns, NS_PER_MS) + NS_PER_MS;  // people see milliseconds
}

int64_t hub_poll(struct hub *h, int64_t now_ns) {
  assert(!h->busy);
  if (h->config.sink.behind && h->config.sink.behind(h->config.sink.self)) return now_ns + HUB_BEHIND_NS;
  if (now_ns < h->now_ns)  // somebody set the clock: what was planned by the old one is void
    for (int i = 0; i < h->venue_count; i++) h->venues[i]->next_ns = now_ns;
  h->now_ns = now_ns;
  for (int i = 0; i < h->venue_count; i++) {
    struct hub_venue *v = h->venues[i];
    if (!v->woken || !v->awaited || !h->config.sink.ready) continue;
    v->woken = v->awaited = false;
    h->config.sink.ready(h->config.sink.self, i);
  }
  int64_t next_ns = INT64_MAX;
  for (int i = 0; i < h->venue_count; i++) {
    struct hub_venue *v = h->venues[i];
    if (v->next_ns <= now_ns) poll_venue(v, now_ns);
    if (v->next_ns < next_ns) next_ns = v->next_ns;
  }
  return next_ns;
}

// ---- venues

struct hub_venue *hub_venue_of(const struct hub *h, const char *name, struct err *err) {
  const int i = hub_venue_find(h, name);
  if (i >= 0) return h->venues[i];
  char have[256] = "";
  size_t n = 0;
  for (int k = 0; k < h->venue_count && n < sizeof have; k++)
    if (!h->venues[k]->owner) n += (size_t)snprintf(have + n, sizeof have - n, "%s%s", n ? ", " : "", h->venues[k]->name);
  (void)err_set(err, ERR_NOTFOUND, "no market data of a venue \"%.40s\" (there is %s)", name, n ? have : "none");
  return NULL;
}

static void config_finish(struct hub_feed_config *c) {
  for (int i = 0; c->symbols && i < c->symbol_count; i++) free((char *)(uintptr_t)c->symbols[i]);
  free((void *)(uintptr_t)c->symbols);
  feed_destroy(c->feed);
  if (c->free_owned) c->free_owned(c->owned);
  if (c->free_fundings) c->free_fundings(c->fundings_self);
}

static void venue_destroy(struct hub_venue *v) {
  for (int i = 0; i < v->slot_count; i++) {
    struct hub_symbol *s = v->symbols[i];
    for (int k = 0; s && k < s->line_count; k++) hub_line_free(s->lines[k]);
    free(s);
  }
  free(v->symbols);
  free(v->ready);
  bar_queue_finish(&v->queue);
  hub_past_free(v);
  config_finish(&v->config);
  free(v);
}

static enum status check_name(const struct hub *h, const char *name, struct err *err) {
  const size_t len = strlen(name);
  bool good = len > 0 && len < VENUE_MAX;
  for (size_t i = 0; good && i < len; i++) good = isalnum((unsigned char)name[i]) || name[i] == '-' || name[i] == '_';
  if (!good) return err_set(err, ERR_USAGE, "\"%.40s\": a venue's name has 1 to %d letters, digits, - and _", name, VENUE_MAX - 1);
  if (hub_venue_find(h, name) >= 0) return err_set(err, ERR_EXISTS, "venue %s has a feed already", name);
  if (h->venue_count == HUB_VENUES_MAX) return err_set(err, ERR_LIMIT, "more than %d venues", HUB_VENUES_MAX);
  return OK;
}

static enum status copy_symbols(struct hub_feed_config *c, struct err *err) {
  const char *const *from = c->symbols;
  char **to = calloc((size_t)c->symbol_count + 1, sizeof *to);
  c->symbols = (const char *const *)to;
  bool whole = to != NULL;
  for (int i = 0; whole && i < c->symbol_count; i++) whole = (to[i] = strdup(from[i])) != NULL;
  return whole ? OK : err_set(err, ERR_NOMEM, "out of memory");
}

enum status hub_feed_add_feed(struct hub *h, const char *venue, const struct hub_feed_config *config, struct err *err) {
  assert(!h->busy);
  struct hub_feed_config own = *config;
  own.symbols = NULL;
  enum status st = check_name(h, venue, err);
  if (st == OK) {
    own.symbols = config->symbols;
    st = copy_symbols(&own, err);
  }
  struct hub_venue *v = st == OK ? calloc(1, sizeof *v) : NULL;
  if (!v) {
    config_finish(&own);
    return st != OK ? st : err_set(err, ERR_NOMEM, "out of memory");
  }
  v->hub = h;
  v->index = h->venue_count;
  snprintf(v->name, sizeof v->name, "%s", venue);
  v->config = own;
  v->time_ns = own.pace ? own.pace->anchor_event_ns : own.start_ns;
  v->next_ns = INT64_MIN;
  v->given_ns = INT64_MIN;
  bar_queue_init(&v->queue, HUB_QUEUE_MAX);
  h->venues[h->venue_count++] = v;
  hub_timer_again(h);
  return OK;
}

void hub_feed_resume(struct hub *h, const char *venue, int64_t through_ns) {
  struct hub_venue *v = hub_venue_of(h, venue, NULL);
  if (!v || v->live_count > 0 || through_ns <= v->time_ns) return;
  struct feed_pace *pace = v->config.pace;
  v->time_ns = through_ns;
  if (pace) {
    pace->anchor_now_ns = hub_now(h);
    pace->anchor_event_ns = through_ns;
  }
}

void hub_venue_own(struct hub *h, int venue, int64_t tenant_id) { h->venues[venue]->owner = tenant_id; }
bool hub_venue_owned(const struct hub *h, int venue) { return h->venues[venue]->owner != 0; }
bool hub_venue_seen(const struct hub *h, int venue, int64_t tenant_id) { return h->venues[venue]->owner == 0 || h->venues[venue]->owner == tenant_id; }

bool hub_venue_ticks(const struct hub *h, int venue) { return h->venues[venue]->config.ticks || h->venues[venue]->config.ticks_beside; }
int hub_venue_count(const struct hub *h) { return h->venue_count; }
const char *hub_venue_name(const struct hub *h, int venue) { return h->venues[venue]->name; }

int hub_venue_find(const struct hub *h, const char *name) {
  for (int i = 0; i < h->venue_count; i++)
    if (strcmp(h->venues[i]->name, name) == 0) return i;
  return -1;
}

int hub_venue_for(const struct hub *h, const char *venue, const char *category) {
  char name[2 * VENUE_MAX];
  snprintf(name, sizeof name, "%s-%s", venue, category);
  int i = category[0] ? hub_venue_find(h, name) : -1;
  if (i < 0) i = hub_venue_find(h, venue);
  const char *of = i >= 0 ? h->venues[i]->config.category : "";
  return of[0] && category[0] && strcmp(of, category) != 0 && strcmp(h->venues[i]->name, venue) == 0 ? -1 : i;
}

void hub_venue_status(const struct hub *h, int venue, struct hub_venue_status *ret) {
  const struct hub_venue *v = h->venues[venue];
  *ret = (struct hub_venue_status){.name = v->name,
    .kind = v->config.feed.ops->name,
    .time_ns = v->time_ns,
    .speed_e3 = v->config.pace ? v->config.pace->speed_e3 : FEED_SPEED_ONE,
    .ended = v->ended,
    .failing = v->failing,
    .symbols = v->live_count,
    .events = v->events,
    .bars = v->bars,
    .instants = v->instants};
  for (int i = 0; i < v->slot_count; i++)
    if (v->symbols[i]) ret->series += v->symbols[i]->line_count;
  memcpy(ret->notes, v->notes, sizeof ret->notes);
}

const char *hub_venue_symbol(const struct hub *h, int venue, int i) {
  const struct hub_feed_config *c = &h->venues[venue]->config;
  if (c->symbol) return c->symbol(c->feed, i);
  return i >= 0 && i < c->symbol_count ? c->symbols[i] : NULL;
}

enum status hub_describe(struct hub *h, const char *venue, const char *symbol, struct feed_symbol *ret, struct err *err) {
  const struct hub_venue *v = hub_venue_of(h, venue, err);
  return v ? feed_describe(v->config.feed, symbol, ret, err) : ERR_NOTFOUND;
}

// ---- the whole

enum status hub_create(const struct hub_config *config, struct hub **ret, struct err *err) {
  assert(config->sink.instant);
  struct hub *h = calloc(1, sizeof *h);
  if (!h) return err_set(err, ERR_NOMEM, "out of memory");
  h->config = *config;
  if (h->config.poll_events == 0) h->config.poll_events = 4096;
  if (h->config.memory_bars == 0) h->config.memory_bars = HUB_MEMORY_BARS;
  h->now_ns = config->now_ns;
  h->next_id = 1;
  *ret = h;
  return OK;
}

void hub_destroy(struct hub *h) {
  if (!h) return;
  assert(!h->busy);
  hub_detach(h);
  for (int i = 0; i < h->venue_count; i++) venue_destroy(h->venues[i]);
  free(h->lines);
  free(h);
}

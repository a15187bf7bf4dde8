// bot/hub_impl.h – private to bot/hub*.c.
#pragma once
#include "bot/hub.h"
#include "market/bar_queue.h"

#define HUB_QUEUE_MAX (1 << 20)      // bars of a venue that wait for slower symbols
#define HUB_RETRY_NS NS_PER_S        // after a feed failed

struct hub_symbol;

// When the same was told last, and how often it was not since.
struct hub_told {
  bool any;
  int64_t at_ns;
  uint64_t untold;
};

// One wanted timeframe of a symbol.
struct hub_line {
  uint32_t id;
  int refs;
  struct hub_symbol *symbol;
  int64_t from_ns;   // live_bars had given out through here when it was wanted
  // Head as others see it; bars: all there are from the first one's open until the venue's time, or none.
  struct series memory;
  struct hub_told gaps_told, holes_told;
};

struct hub_symbol {
  struct hub_venue *venue;
  int slot;          // its number in the queue
  int subscription;
  bool dead;         // nobody wants it; kept while the queue may hold its bars, which name it
  char name[SYMBOL_MAX];
  struct feed_symbol info;
  int64_t base_ns;   // of the finest bars
  struct live_bars live;
  struct hub_line *lines[LIVE_TIMEFRAMES_MAX];
  int line_count;
  struct hub_told told[HUB_NOTE_COUNT];  // to its readers
};

// A history that was made aside.
struct hub_past {
  struct hub_past *next;
  char symbol[SYMBOL_MAX];
  struct series bars;
};

struct hub_venue {
  struct hub_past *past;
  struct hub *hub;
  int index;
  int64_t owner;     // a tenant's; 0: everybody's
  char name[VENUE_MAX];
  struct hub_feed_config config;  // symbols is own
  bool polled, ended, failing;
  bool awaited, woken;  // somebody waits for what it fetches; it has said something since
  int64_t time_ns;   // given out through here
  int64_t given_ns;  // of the last instant
  int64_t next_ns;   // poll again at this now
  struct hub_symbol **symbols;    // by slot; NULL: free
  int slot_count, slot_cap, live_count;
  int last_slot;     // of the last event: the next one is mostly its neighbour's
  struct bar_queue queue;
  struct wire_bar *ready;         // bars of the instant that is being made; not yet given out
  size_t ready_count, ready_cap;
  int64_t ready_ns;
  bool lost_told;
  uint64_t events, bars, instants;
  uint64_t notes[HUB_NOTE_COUNT];
  struct hub_told told[HUB_NOTE_COUNT];
};

struct hub_timer;
struct hub {
  struct hub_config config;
  int64_t now_ns;
  bool busy;
  uint32_t next_id;
  struct hub_venue *venues[HUB_VENUES_MAX];
  int venue_count;
  struct hub_line **lines;        // by id, rising
  size_t line_count, line_cap;
  struct hub_timer *timer;        // hub_attach()
};

// hub.c
struct hub_venue *hub_venue_of(const struct hub *h, const char *name, struct err *err);  // NULL: ERR_NOTFOUND, with those there are
struct hub_line *hub_line_at(const struct hub_symbol *s, int64_t timeframe_ns);  // NULL: nobody wants it
void hub_on_bar(void *self, const struct live_bar *bar);     // self: the hub_symbol
// hub_note.c. s: NULL: about the feed as a whole.
PRINTF(6, 7) void hub_note_tell(struct hub_venue *v, int code, struct hub_symbol *s, int64_t time_ns, uint64_t count, const char *fmt, ...);
void hub_note_of_feed(struct hub_venue *v, struct hub_symbol *s, const struct feed_event *e);
void hub_note_of_bar(struct hub_symbol *s, const struct live_bar *bar);  // gaps before it, holes in it
void hub_on_note(void *self, const struct live_note *note);
// hub_series.c
int64_t hub_venue_time(struct hub_venue *v);          // now; between two polls it is moved on by the clock
int64_t hub_base_ns(const struct hub_venue *v, const struct feed_symbol *s);  // of the finest bars
struct hub_symbol *hub_symbol_of(const struct hub_venue *v, const char *name);
struct hub_line *hub_line_of(const struct hub *h, uint32_t id);
void hub_symbols_sweep(struct hub_venue *v);          // frees the dead ones that the queue cannot name
void hub_line_remember(struct hub_line *l, const struct bar *bar, size_t keep);
void hub_line_free(struct hub_line *l);
// hub_history.c: the feed's bars that open at from_ns or later and closed by through_ns.
enum status hub_feed_bars(const struct hub_symbol *s, int64_t timeframe_ns, int64_t from_ns, int64_t through_ns, struct series *ret,
  struct err *err) MUST_CHECK;
// hub_ahead.c: the bars of such a history that close by through_ns, in front of *out. Nothing there: nothing.
enum status hub_past_prepend(const struct hub_line *l, int64_t through_ns, struct series *out, struct err *err) MUST_CHECK;
void hub_past_free(struct hub_venue *v);
// hub_history.c
enum status hub_prepend(struct series *out, struct series *older, struct err *err) MUST_CHECK;  // frees older
enum status hub_add_last_bucket(const struct hub_symbol *s, struct series *chunk, int64_t from_ns, int64_t through_ns, struct err *err) MUST_CHECK;
// hub_loop.c
int64_t hub_now(struct hub *h);        // the loop's clock, or the last now that was told
void hub_timer_again(struct hub *h);   // what is due has changed

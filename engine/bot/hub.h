// bot/hub.h – one copy of market data for everybody: each symbol is subscribed once at its venue's feed (venue/feed.h), bars of all
// wanted timeframes are built once (market/live_bars.h), and what ended at one time goes out as one immutable, counted block.
//
// A venue is a name with a feed behind it. Every venue has a time of its own: that of its data, which in a replay or a synthetic
// market is not the clock's. So an instant belongs to one venue; within a venue times rise strictly, and nothing follows from the
// order of two venues. A bot's series are all of one venue.
//
// What comes out depends on feed, seed and what was wanted when (in the venue's time), never on how often or when the hub is
// polled. Pure but for hub_attach(): now comes in as an argument, and market.db is only read. Not thread safe: the loop's thread.
#pragma once
#include "bot/wire.h"
#include "market/funding.h"
#include "market/live_bars.h"
#include "store/market_rows.h"
#include "venue/feed.h"

struct hub;
struct loop;
struct feed_pace;

#define HUB_VENUES_MAX 1024     // most are the markets of single accounts
#define HUB_SYMBOLS_MAX 4096    // of one venue, subscribed at a time
#define HUB_PARTS_MAX 100000    // finest bars in one of a series
#define HUB_HISTORY_MAX 100000  // bars in one answer
#define HUB_FUNDINGS_MAX 16     // fundings in one answer
#define HUB_MEMORY_BARS 4096    // of a series kept in memory, at least; at most twice as many

// ---- what comes out

// Everything of one venue that ended at now_ns: each wanted series at most once, higher timeframes first, then by symbol (the order
// of bar_key_compare). An instant of the clock has no bars: it comes because somebody wants one then (hub_sink.clock). Immutable. Counted:
// the hub lets go of its own count when the sink returns.
struct hub_instant {
  int refs;
  int venue;        // 0 … hub_venue_count() − 1
  int64_t now_ns;   // close of all its bars
  size_t count;     // 0: the clock's
  struct wire_bar bars[];
};
struct hub_instant *hub_instant_ref(struct hub_instant *in);  // returns in
void hub_instant_unref(struct hub_instant *in);               // NULL does nothing

// What an operator should know. Codes of live_bars come first, under the same numbers.
#define HUB_NOTE_LIST(X)                                                          \
  X(HUB_NOTE_GAP, "gap", "bars are missing before this one")                      \
  X(HUB_NOTE_HOLES, "holes", "parts of a higher bar are missing")                 \
  X(HUB_NOTE_REFUSED, "refused", "a piece of input was not understood")           \
  X(HUB_NOTE_WAITING, "waiting", "the source is not there")                       \
  X(HUB_NOTE_STARTED, "started", "the source is there")                           \
  X(HUB_NOTE_TRUNCATED, "truncated", "the source was cut: read from its beginning") \
  X(HUB_NOTE_ROTATED, "rotated", "another source stands in its place")            \
  X(HUB_NOTE_END, "ended", "nothing will come any more")                          \
  X(HUB_NOTE_FAILED, "failed", "the feed itself failed; it is asked again")       \
  X(HUB_NOTE_HISTORY, "history", "stored history cannot be joined to the feed's")
enum hub_note_code {
  HUB_NOTE_FIRST = LIVE_REASON_COUNT - 1,
#define X(name, text, about) name,
  HUB_NOTE_LIST(X)
#undef X
  HUB_NOTE_COUNT
};
const char *hub_note_text(int code);  // "late", "gap"; for metrics and logs
bool hub_note_of_data(int code);       // of a symbol's bars: refused, late, missing … Else of its source

struct hub_note {
  int code;             // enum live_reason or enum hub_note_code
  const char *venue;
  const char *symbol;   // NULL: about the feed as a whole
  int64_t timeframe_ns; // of gaps and holes; 0: of all of the symbol's
  int64_t time_ns;      // the venue's
  uint64_t count;       // it stands for so many
  uint64_t untold;      // so many more since the last one that was told to the same (hub_sink)
  const char *text;     // valid during the call
};

struct hub_tick {
  int venue;
  const char *symbol;
  const struct instrument *inst;
  int64_t time_ns;
  bool trade;           // px, volume; else a quote: bid, ask
  price px, bid, ask;
  double volume;        // NaN: not known
};

struct hub_sink {
  void *self;
  // For the journal: the same instant, before the other callback. May be NULL.
  void (*record)(void *self, const struct hub_instant *in);
  // Keep it with hub_instant_ref(). hub_want() must not be called in here (asserted); hub_drop() may.
  void (*instant)(void *self, struct hub_instant *in);
  // At most one of a code and venue every HUB_NOTE_EVERY_NS of now; all are counted. May be NULL.
  void (*note)(void *self, const struct hub_note *note);
  // For those who read a symbol: notes of its data, at most one of a code and symbol (gaps, holes: and timeframe) in that time. May be NULL.
  void (*symbol_note)(void *self, const struct hub_note *note);
  // Trades and quotes as they come, of feeds of such: before the bars that are made of them. May be NULL.
  void (*tick)(void *self, const struct hub_tick *tick);
  // True while the receiver is behind: nothing is polled then, and it is asked again HUB_BEHIND_NS later. The instants of a poll under
  // way still come; a market at a pace catches up afterwards. May be NULL.
  bool (*behind)(void *self);
  // The earliest time, by the venue's own, at which somebody wants an instant even if no bar ends then; INT64_MAX: nobody. Asked before
  // each instant is given out, so an instant of the clock stands exactly there, unless the venue was past it when it became known: then
  // it comes at once. Times up to the last instant given out need no other. May be NULL.
  int64_t (*clock)(void *self, int venue);
  // Of what hub_prepare() said was being fetched, something may be there: ask again. hub_want() may be called. May be NULL.
  void (*ready)(void *self, int venue);
};
#define HUB_BEHIND_NS (10 * NS_PER_MS)
#define HUB_NOTE_EVERY_NS (10 * NS_PER_S)

// A feed of a venue's own market data, made by who knows how to speak to it.
struct hub_feed_config;
struct hub_remote {
  const char *venue, *environment, *category;  // NULL: the usual one. venue "bybit-spot": the category spot of bybit
  bool ticks;                                  // its trades too
  void (*wake)(void *wake_self);               // the feed has something, or something is ready; not from within a call of the hub's
  void *wake_self;                             // lives as long as the feed
};

struct hub_config {
  struct hub_sink sink;
  // Fills feed, ready, symbol of ret. NULL: there are no such feeds.
  enum status (*remote)(void *self, const struct hub_remote *want, struct hub_feed_config *ret, struct err *err);
  void *remote_self;
  struct db *market;      // a reader of market.db on the loop's thread, for older history and replays; NULL: none
  int64_t now_ns;         // the clock's now at the beginning
  size_t poll_events;     // of a venue in one poll; 0: 4096
  size_t memory_bars;     // 0: HUB_MEMORY_BARS
};

enum status hub_create(const struct hub_config *config, struct hub **ret, struct err *err) MUST_CHECK;
void hub_destroy(struct hub *h);  // NULL does nothing; instants that somebody holds live on

// ---- venues

// A venue whose feed is described by a text, KIND[:TARGET][:NAME=VALUE,…] (hub_feed_kinds tells them all):
//   sim                                  the synthetic market: seed=7, speed=60, bar=1m, symbols=BTCUSDT+EURUSD, from=2026-01-05, ticks=1
//   replay:VENUE/SYMBOL[/TF][+…]:speed=60,from=2024-01-01   imported history of market.db
//   remote                               the venue's own, over the network: environment=testnet, category=linear, ticks=1
//   file:PATH:symbol=X,timeframe=1m,tick=0.01,poll=1000     a CSV file that somebody appends to, looked at each poll ms
// speed: seconds of the market per second of the clock, "max" as fast as it is asked. ERR_USAGE says what to write instead;
// ERR_EXISTS: the venue has a feed; ERR_NOTFOUND, ERR_INVALID, ERR_IO, ERR_LIMIT, ERR_NOMEM.
enum status hub_feed_add(struct hub *h, const char *venue, const char *text, struct err *err) MUST_CHECK;
// The text's form only, without opening anything: for settings. "VENUE=TEXT".
enum status hub_feed_check(const char *venue_and_text, struct err *err) MUST_CHECK;
// A feed made elsewhere; taken over, on failure too. symbols: those to be listed, copied. grace_ns ≥ 0: the feed does not know when
// it is complete, so bars are closed by the clock this long after their end; −1: the feed knows (feed_progress.through_ns), or its
// events alone decide. pace may be NULL; it lives as long as the feed. ticks: bars are made here, from trades.
struct hub_feed_config {
  struct feed feed;
  struct feed_pace *pace;
  int64_t start_ns;       // the venue's time at the beginning, if there is no pace; INT64_MIN: unknown
  int64_t grace_ns, lateness_ns, jump_e6;  // see live_bars.h
  bool anywhere;          // history() may be called on any thread, at the same time too
  bool ticks;
  bool ticks_beside;      // its bars are its own, and trades or quotes come beside them
  int64_t tick_bar_ns;    // with ticks: the finest bars; 0: a minute
  const char *const *symbols;
  int symbol_count;
  // For feeds that have to fetch what they tell: is this history there, and may the symbol be subscribed? If not it comes, and the feed
  // wakes the hub. NULL: always.
  bool (*ready)(struct feed f, const char *symbol, int64_t timeframe_ns, size_t bars);
  const char *(*symbol)(struct feed f, int i);  // of feeds that learn later which symbols there are; NULL: symbols
  // Funding rates, as hub_fundings() tells; NULL: no instrument has any. self: the feed's own, or owned.
  size_t (*fundings)(void *self, const char *symbol, int64_t after_ns, int64_t through_ns, struct funding ret[HUB_FUNDINGS_MAX]);
  void *fundings_self;
  void (*free_fundings)(void *fundings_self);  // may be NULL
  char category[32];      // of a venue's own market data, its kind of markets: "linear"; "": of no venue, or not told
  void *owned;            // freed by free_owned after the feed; may be NULL
  void (*free_owned)(void *owned);
};
enum status hub_feed_add_feed(struct hub *h, const char *venue, const struct hub_feed_config *config, struct err *err) MUST_CHECK;

struct hub_feed_kind {
  const char *name, *target, *options, *about;  // "replay", "VENUE/SYMBOL", "speed,from", …; target NULL: none
};
extern const struct hub_feed_kind hub_feed_kinds[];  // ends with name NULL

// After a restart, before the first hub_want() of the venue: a market with a pace that is not the clock's goes on at through_ns, the
// newest recorded close, if that is later than where it would begin. What a venue that keeps the clock's time has had since is
// history: hub_history_since().
void hub_feed_resume(struct hub *h, const char *venue, int64_t through_ns);

// What hub_sink.clock says of the venue has become earlier.
void hub_clock_changed(struct hub *h, int venue);
// The time for it to say when an instant is wanted as soon as one can be: behind all that was given out.
int64_t hub_clock_soon(struct hub *h, int venue);

// Whose it is: a tenant's, who alone may know of it; 0, as at first: everybody's.
void hub_venue_own(struct hub *h, int venue, int64_t tenant_id);
bool hub_venue_seen(const struct hub *h, int venue, int64_t tenant_id);  // may that tenant know of it?
bool hub_venue_owned(const struct hub *h, int venue);
bool hub_venue_ticks(const struct hub *h, int venue);  // hub_sink.tick is told its trades
int hub_venue_count(const struct hub *h);
const char *hub_venue_name(const struct hub *h, int venue);
int hub_venue_find(const struct hub *h, const char *name);  // −1: none
// Whose prices are those of an account at `venue` that trades the category ("": the usual one): VENUE-CATEGORY, or VENUE unless that is known to
// be of another category. -1: nobody's.
int hub_venue_for(const struct hub *h, const char *venue, const char *category);
struct hub_venue_status {
  const char *name, *kind;
  int64_t time_ns;            // everything up to here is known and was given out; INT64_MIN: nothing yet
  int64_t speed_e3;           // feed_pace.h; FEED_SPEED_ONE without a pace
  bool ended, failing;
  int symbols, series;        // subscribed
  uint64_t events, bars, instants;
  uint64_t notes[HUB_NOTE_COUNT];
};
void hub_venue_status(const struct hub *h, int venue, struct hub_venue_status *ret);
// Symbols that a venue lists, in its own order. NULL beyond the last.
const char *hub_venue_symbol(const struct hub *h, int venue, int i);
// What the feed has of a symbol, wanted or not. ERR_NOTFOUND says which there are.
enum status hub_describe(struct hub *h, const char *venue, const char *symbol, struct feed_symbol *ret, struct err *err) MUST_CHECK;

// ---- series

// Before hub_want() and hub_history(): false: so many bars are being fetched, and hub_sink.ready tells when to ask again. True also where
// there is nothing to wait for, as where there is no such symbol.
bool hub_prepare(struct hub *h, const char *venue, const char *symbol, int64_t timeframe_ns, size_t bars);
// Bars of (venue, symbol, timeframe) come from now on: wanted n times they come once, until dropped n times. The id is the same for
// all who want it at that time and never used again once nobody does. ERR_NOTFOUND, ERR_INVALID (a timeframe that cannot be made of
// the feed's), ERR_LIMIT, ERR_NOMEM. What is not prepared is ERR_NOTFOUND, and is being fetched from then on.
enum status hub_want(
  struct hub *h, const char *venue, const char *symbol, int64_t timeframe_ns, uint32_t *ret_series, struct err *err) MUST_CHECK;
void hub_drop(struct hub *h, uint32_t series);
// Instrument, timeframe and scales, as wire_put_series_open() takes it; its bars are not for reading. Valid until the series is
// dropped by all. NULL: no such series.
const struct series *hub_series(const struct hub *h, uint32_t series);
int hub_series_venue(const struct hub *h, uint32_t series);  // −1: no such series
// Instants hold bars that close after this; what closed by then is history. Rises.
int64_t hub_live_from(const struct hub *h, uint32_t series);

// At most `bars` bars that closed by through_ns and by hub_live_from(), the newest ones, oldest first: from memory, before that from
// the feed's own history, before that from market.db (the venue's name there must be the same, or the bars of any finer timeframe
// that divides). Units are the series'. ret needs no init; it may have no bars. ERR_LIMIT: more than HUB_HISTORY_MAX, or the feed's
// limit.
enum status hub_history(
  struct hub *h, uint32_t series, size_t bars, int64_t through_ns, struct series *ret, struct err *err) MUST_CHECK;
// Long histories of high timeframes take a synthetic market most of a second. So before hub_history(): would so many bars take long? Then
// hub_ahead_make() makes them, on any thread, and hub_ahead_take(), on the hub's, keeps them for hub_history(); it takes what is in *a.
struct hub_ahead {
  int venue;
  struct feed feed;
  char symbol[SYMBOL_MAX];
  int64_t timeframe_ns, from_ns, to_ns;
  struct series bars;
};
bool hub_ahead_wanted(struct hub *h, const char *venue, const char *symbol, int64_t timeframe_ns, size_t bars, struct hub_ahead *ret);
// progress (may be NULL): how much is there, on that thread; false: nobody wants it any more (ERR_CANCELLED).
enum status hub_ahead_make(struct hub_ahead *a, bool (*progress)(void *self, unsigned permille), void *self, struct err *err) MUST_CHECK;
void hub_ahead_take(struct hub *h, struct hub_ahead *a);
// The bars that closed after after_ns and by hub_live_from(): what a restart has missed. The newest HUB_HISTORY_MAX.
enum status hub_history_since(struct hub *h, uint32_t series, int64_t after_ns, struct series *ret, struct err *err) MUST_CHECK;
// Bars for people to look at, wanted by a bot or not: those that open in [from_ns, to_ns), the oldest first; from_ns INT64_MIN: the
// newest ones before to_ns. At most `bars`, and fewer where the feed would have to make more than HUB_READ_FINEST finest bars for
// them. *ret_next_ns: where to read on; INT64_MAX: there are no more.
#define HUB_READ_FINEST 30000
struct hub_read {
  const char *venue, *symbol;
  int64_t timeframe_ns, from_ns, to_ns;
  size_t bars;  // ≥ 1
};
enum status hub_read(struct hub *h, const struct hub_read *r, struct series *ret, int64_t *ret_next_ns, struct err *err) MUST_CHECK;
// Newest price of a symbol that somebody wants (of its finest bars or trades, also older than hub_live_from()) and its time.
// False: nobody wants it, or nothing is known.
bool hub_last_price(const struct hub *h, const char *venue, const char *symbol, price *ret_px, int64_t *ret_time_ns);
bool hub_series_last_price(const struct hub *h, uint32_t series, price *ret_px, int64_t *ret_time_ns);

// Funding of the series' instrument with times in (after_ns, through_ns], oldest first; the newest HUB_FUNDINGS_MAX. 0: none is due, or it
// has none.
size_t hub_fundings(const struct hub *h, uint32_t series, int64_t after_ns, int64_t through_ns, struct funding ret[HUB_FUNDINGS_MAX]);

// ---- time

// Gives out what is due at now. Returns when to poll again: now_ns if there is more to do at once (the sink deserves a pause),
// INT64_MAX if nothing will come. A now that goes back does no harm.
int64_t hub_poll(struct hub *h, int64_t now_ns);
// Polls by the loop's clock until hub_detach() or hub_destroy(). Once.
enum status hub_attach(struct hub *h, struct loop *loop, struct err *err) MUST_CHECK;
// No more of that: for who goes down and turns the loop until its own writes are answered.
void hub_detach(struct hub *h);

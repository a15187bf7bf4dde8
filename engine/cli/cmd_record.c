// cli/cmd_record.c – `perigee record`: what a feed gives now, kept in the data directory, where the feed `replay` finds it.
//
// The feed is that of `perigee serve --feed`, behind a hub of its own, so what is kept is what bots would be shown: bars checked, built and in
// order, once each. They are stored some seconds' worth at a time, beside whoever works in the directory: what a crash leaves out is the last of them.
#include "cli/commands.h"

#include "base/json.h"
#include "bot/hub.h"
#include "cli/data_dir.h"
#include "cli/market_dir.h"
#include "cli/operator.h"
#include "cli/venue_dialect.h"
#include "loop/clock.h"
#include "loop/interrupt.h"
#include "loop/loop.h"
#include "market/text.h"
#include "net/http_pool.h"
#include "net/tls.h"
#include "script/dialect.h"
#include "venue/feed_remote.h"
#include "venue/remote.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAPES_MAX 64          // series of one replay
#define STORE_EVERY_MS 1000
#define STORE_BARS 4096       // of a series; so many are stored at once, and no more are taken meanwhile
#define AS "-tape"            // a name of its own: bars under the venue's are the history that its bots begin with

struct tape {
  char symbol[SYMBOL_MAX];
  uint32_t series;            // the hub's; 0: not yet
  struct series bars;         // not stored yet
  size_t total, begun_late;   // bars; those whose beginning nobody saw are left out
  int64_t first_ns, last_ns;  // opens
  int64_t funded_ns;          // rates up to here are written
  struct market_import_report sum;
};
struct recorder {
  const struct cli_args *args;
  const char *dir, *funding, *url;
  char venue[VENUE_MAX], as[VENUE_MAX];
  int64_t timeframe_ns, bars_max, for_ms;  // 0: the feed's own; no limit
  struct tape tapes[TAPES_MAX];
  int count;
  struct loop *loop;
  struct loop_timer *timer;   // wakes the loop, so that Ctrl-C and the time are seen
  struct hub *hub;
  struct db *market;          // what is stored already, for a replay; NULL: nothing
  FILE *rates;
  enum status st;             // what failed while an instant was taken
  struct err *err;
  struct http_pool *pool;     // of a venue's own data
  struct tls_client *tls;
  struct remote_site *site;
};

static void tick(void *arg) {
  (void)arg;
}

// ---- a venue's own data

static void tell_line(void *arg, const char *text) {
  (void)arg;
  cli_warn("%s", text);
}

static size_t remote_fundings(void *feed, const char *symbol, int64_t after_ns, int64_t through_ns, struct funding ret[HUB_FUNDINGS_MAX]) {
  return feed_remote_fundings(feed, symbol, after_ns, through_ns, ret, HUB_FUNDINGS_MAX);
}

// As serve does it (api/venue_desk.h), with the shipped dialects: "bybit-spot" is the category spot of bybit.
static enum status open_remote(void *self, const struct hub_remote *want, struct hub_feed_config *ret, struct err *err) {
  struct recorder *r = self;
  char venue[VENUE_MAX];
  struct dialect *d;
  snprintf(venue, sizeof venue, "%s", want->venue);
  char *dash = strrchr(venue, '-');
  if (dash) *dash = '\0';
  if (cli_venue_dialect(venue, NULL, &d) != OK) return err_set(err, ERR_NOTFOUND, "remote: nobody here speaks to %s", venue);
  struct remote_site_options options = {.loop = r->loop, .dialect = d, .environment = want->environment, .category = want->category ? want->category : dash ? dash + 1 : NULL,
    .url = r->url, .log = tell_line};
  enum status st = http_pool_create(r->loop, &(struct http_pool_options){.per_origin_max = 1}, &r->pool, err);
  if (st == OK && !r->url) st = tls_client_create(NULL, &r->tls, err);
  if (st != OK) {
    dialect_destroy(d);
    return st;
  }
  options.pool = r->pool;
  options.tls = r->tls;
  st = remote_site_create(&options, &r->site, err);
  if (st != OK) return st;
  ret->ready = feed_remote_ready;
  ret->symbol = feed_remote_symbol;
  ret->fundings = remote_fundings;
  st = feed_remote_create(&(struct feed_remote_config){.site = r->site, .ticks = want->ticks, .wake = want->wake, .self = want->wake_self}, &ret->feed, err);
  ret->fundings_self = ret->feed.self;
  return st;
}

// ---- what comes

static struct tape *tape_of(struct recorder *r, uint32_t series) {
  for (int i = 0; i < r->count; i++)
    if (r->tapes[i].series == series) return &r->tapes[i];
  return NULL;
}

// As a replay reads them (funding=FILE).
static void take_fundings(struct recorder *r, struct tape *t, int64_t through_ns) {
  struct funding due[HUB_FUNDINGS_MAX];
  const size_t count = hub_fundings(r->hub, t->series, t->funded_ns, through_ns, due);
  for (size_t i = 0; i < count; i++) {
    char rate[DECIMAL_TEXT_MAX];
    decimal_format_scaled(due[i].rate_e12, 12, rate);
    fprintf(r->rates, "%" PRId64 ",%s\n", due[i].ts_ns / NS_PER_MS, rate);
  }
  if (through_ns > t->funded_ns) t->funded_ns = through_ns;
}

static void on_instant(void *self, struct hub_instant *in) {
  struct recorder *r = self;
  for (size_t i = 0; i < in->count && r->st == OK; i++) {
    const struct bar *bar = &in->bars[i].bar;
    struct tape *t = tape_of(r, in->bars[i].series);
    if (!t || (r->bars_max && (int64_t)t->total == r->bars_max)) continue;
    if (bar->flags & BAR_INCOMPLETE) {
      t->begun_late++;
      continue;
    }
    r->st = series_append(&t->bars, bar, r->err);
    if (t->total++ == 0) t->first_ns = bar->open_ns;
    t->last_ns = bar->open_ns;
    if (r->rates) take_fundings(r, t, in->now_ns);
  }
}

static void on_note(void *self, const struct hub_note *n) {
  (void)self;
  cli_warn("%s%s%s: %s: %s", n->venue, n->symbol ? " " : "", n->symbol ? n->symbol : "", hub_note_text(n->code), n->text);
}

static bool has_all(const struct recorder *r) {
  for (int i = 0; i < r->count; i++)
    if (!r->bars_max || (int64_t)r->tapes[i].total < r->bars_max) return false;
  return true;
}

// Also when it is at its end: a market without a pace would go on to its own before anybody else has a turn.
static bool is_behind(void *self) {
  const struct recorder *r = self;
  if (r->st != OK || interrupted() || has_all(r)) return true;
  for (int i = 0; i < r->count; i++)
    if (r->tapes[i].bars.count >= STORE_BARS) return true;
  return false;
}

// ---- storing

static enum status store_tape(const struct markets *m, struct recorder *r, struct tape *t, struct err *err) {
  struct market_import_report report = {0};
  const struct market_import in = {.venue = r->as, .series = &t->bars, .now_ns = clock_wall_ns()};
  enum status st = markets_import(m, &in, &report, err);
  if (st == ERR_EXISTS) return err_wrap(err, st, "%s has another recording already; --as NAME begins one beside it", r->as);
  if (st != OK) return st;
  t->sum.added += report.added;
  t->sum.same += report.same;
  t->bars.count = 0;
  return OK;
}

// *ret_later: another command works in the directory just now, so it is tried again.
static enum status store_all(struct recorder *r, bool *ret_later, struct err *err) {
  struct markets m;
  bool any = false;
  *ret_later = false;
  for (int i = 0; i < r->count; i++) any |= r->tapes[i].bars.count > 0;
  if (!any) return OK;
  enum status st = markets_open(r->dir, true, &m, err);
  *ret_later = st == ERR_EXISTS;
  if (st != OK) return st;
  for (int i = 0; st == OK && i < r->count; i++)
    if (r->tapes[i].bars.count > 0) st = store_tape(&m, r, &r->tapes[i], err);
  markets_close(&m);
  return st;
}

// ---- recording

static enum status want(struct recorder *r, struct tape *t, struct err *err) {
  struct feed_symbol have;
  if (!hub_prepare(r->hub, r->venue, t->symbol, r->timeframe_ns ? r->timeframe_ns : NS_PER_MINUTE, 0)) return OK;
  enum status st = hub_describe(r->hub, r->venue, t->symbol, &have, err);
  const int64_t own_ns = st == OK && have.timeframe_ns ? have.timeframe_ns : NS_PER_MINUTE;
  if (st == OK) st = hub_want(r->hub, r->venue, t->symbol, r->timeframe_ns ? r->timeframe_ns : own_ns, &t->series, err);
  if (st != OK) return st;
  const struct series *s = hub_series(r->hub, t->series);
  t->bars = (struct series){.inst = s->inst, .timeframe_ns = s->timeframe_ns, .volume_scale = s->volume_scale, .price_scale = s->price_scale};
  const int64_t from_ns = hub_live_from(r->hub, t->series);
  if (from_ns > t->funded_ns) t->funded_ns = from_ns;
  return OK;
}

static enum status want_all(struct recorder *r, struct err *err) {
  enum status st = OK;
  for (int i = 0; st == OK && i < r->count; i++)
    if (!r->tapes[i].series) st = want(r, &r->tapes[i], err);
  return st;
}

static bool is_done(const struct recorder *r, int64_t begun_ms) {
  struct hub_venue_status status;
  hub_venue_status(r->hub, 0, &status);
  return status.ended || (r->for_ms && loop_now_ms(r->loop) - begun_ms >= r->for_ms) || has_all(r);
}

// What came is stored, also when something fails or Ctrl-C ends it.
static enum status record(struct recorder *r, struct err *err) {
  const int64_t begun_ms = loop_now_ms(r->loop);
  int64_t stored_ms = begun_ms;
  struct err why;
  bool later;
  enum status st = OK;
  while (st == OK && !interrupted() && !is_done(r, begun_ms)) {
    st = want_all(r, err);
    if (st != OK) break;
    loop_turn(r->loop, true);
    st = r->st;
    const int64_t now_ms = loop_now_ms(r->loop);
    if (st != OK || (now_ms - stored_ms < STORE_EVERY_MS && !is_behind(r))) continue;
    st = store_all(r, &later, err);
    if (later) st = OK;
    stored_ms = now_ms;
  }
  hub_detach(r->hub);
  for (int64_t until_ms = loop_now_ms(r->loop) + STORE_EVERY_MS;;) {
    const enum status last = store_all(r, &later, &why);
    if (!later || loop_now_ms(r->loop) >= until_ms) {
      if (last == OK || st != OK) return st;
      return *err = why, last;
    }
    loop_turn(r->loop, true);
  }
}

// ---- beginning and end

static enum status open_rates(struct recorder *r, struct err *err) {
  struct funding_list there = {0};
  struct err none;
  if (!r->funding) return OK;
  if (funding_load(r->funding, &there, &none) == OK && there.count) r->tapes[0].funded_ns = there.items[there.count - 1].ts_ns;
  const bool begins = there.count == 0;
  funding_finish(&there);
  r->rates = fopen(r->funding, begins ? "w" : "a");
  if (!r->rates) return err_set(err, ERR_IO, "%s cannot be written", r->funding);
  if (begins) fputs("time,rate\n", r->rates);
  return OK;
}

static enum status open_all(struct recorder *r, const char *feed, struct err *err) {
  struct err none;
  enum status st = loop_create(&r->loop, NULL, err);
  if (st == OK) st = loop_timer_create(r->loop, tick, NULL, &r->timer, err);
  if (st != OK) return st;
  loop_timer_start(r->timer, 100, 100);
  if (market_db_open(r->dir, &r->market, &none) != OK) r->market = NULL;  // nothing is stored yet
  const struct hub_config hub = {.sink = {.self = r, .instant = on_instant, .note = on_note, .behind = is_behind}, .remote = open_remote, .remote_self = r, .market = r->market,
    .now_ns = clock_wall_ns()};
  st = hub_create(&hub, &r->hub, err);
  if (st == OK) st = hub_feed_add(r->hub, r->venue, feed, err);
  if (st == OK) st = want_all(r, err);  // before the first of it is given out
  return st == OK ? hub_attach(r->hub, r->loop, err) : st;
}

static enum status close_all(struct recorder *r, struct err *err) {
  hub_destroy(r->hub);
  remote_site_destroy(r->site);
  http_pool_destroy(r->pool);
  tls_client_release(r->tls);
  market_db_close(r->market);
  if (r->timer) loop_timer_destroy(r->timer);
  if (r->loop) loop_destroy(r->loop);
  for (int i = 0; i < r->count; i++) series_finish(&r->tapes[i].bars);
  return r->rates && fclose(r->rates) != 0 ? err_set(err, ERR_IO, "%s could not be written", r->funding) : OK;
}

// 1: nothing came.
static int report(const struct recorder *r) {
  size_t total = 0;
  json_t *items = cli_has(r->args, "--json") ? json_array() : NULL;
  for (int i = 0; i < r->count; i++) {
    const struct tape *t = &r->tapes[i];
    total += t->total;
    char timeframe[TIMEFRAME_TEXT_MAX], from[TIME_TEXT_MAX], to[TIME_TEXT_MAX];
    timeframe_text(t->bars.timeframe_ns ? t->bars.timeframe_ns : r->timeframe_ns ? r->timeframe_ns : NS_PER_MINUTE, timeframe);
    if (items)
      json_array_append_new(items, json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "venue", r->as, "symbol", t->symbol, "timeframe", timeframe, "bars", (json_int_t)t->total, "added",
                                             (json_int_t)t->sum.added, "same", (json_int_t)t->sum.same, "begun_late", (json_int_t)t->begun_late, "from", (json_int_t)(t->first_ns / NS_PER_MS),
                                             "to", (json_int_t)(t->last_ns / NS_PER_MS)));
    else if (t->total)
      printf("%s %s of %s, %s to %s: %zu bars new, %zu stored already; --feed NAME=replay:%s/%s plays them\n", t->symbol, timeframe, r->as, time_text(t->first_ns, from),
             time_text(t->last_ns, to), t->sum.added, t->sum.same, r->as, t->symbol);
    else
      printf("%s %s of %s: no bar ended meanwhile\n", t->symbol, timeframe, r->as);
  }
  if (items && operator_result(r->args, items) != 0) return 1;
  return total ? 0 : 1;
}

// "BTCUSDT+ETHUSDT".
static bool read_symbols(const struct cli_args *a, struct recorder *r) {
  const char *at = cli_value(a, "--symbol", "");
  for (;;) {
    const size_t len = strcspn(at, "+");
    if (len == 0 || len >= SYMBOL_MAX || r->count == TAPES_MAX) return cli_usage(a, "--symbol: 1 to %d symbols of 1 to %d bytes, apart by +", TAPES_MAX, SYMBOL_MAX - 1), false;
    memcpy(r->tapes[r->count].symbol, at, len);
    for (int i = 0; i < r->count; i++)
      if (strcmp(r->tapes[i].symbol, r->tapes[r->count].symbol) == 0) return cli_usage(a, "--symbol: %s is there twice", r->tapes[i].symbol), false;
    r->tapes[r->count++].funded_ns = INT64_MIN;
    if (at[len] == '\0') return true;
    at += len + 1;
  }
}

static bool read_options(const struct cli_args *a, struct recorder *r) {
  const char *timeframe = cli_value(a, "--timeframe", NULL), *span = cli_value(a, "--for", NULL);
  int64_t span_ns = 0;
  struct err err;
  if (a->positional_count != 1 || !cli_has(a, "--symbol")) return cli_usage(a, "VENUE=FEED and --symbol are needed"), false;
  if (hub_feed_check(a->positional[0], &err) != OK) return cli_usage(a, "%s", err.msg), false;
  snprintf(r->venue, sizeof r->venue, "%.*s", (int)strcspn(a->positional[0], "="), a->positional[0]);
  if (cli_has(a, "--as")) snprintf(r->as, sizeof r->as, "%s", cli_value(a, "--as", ""));
  else if ((size_t)snprintf(r->as, sizeof r->as, "%s" AS, r->venue) >= sizeof r->as) return cli_usage(a, "%s" AS " is too long a name: --as NAME", r->venue), false;
  if (timeframe && !timeframe_parse(timeframe, &r->timeframe_ns)) return cli_usage(a, "--timeframe %s: write 1m, 5m, 1h, 1d …", timeframe), false;
  if (span && !timeframe_parse(span, &span_ns)) return cli_usage(a, "--for %s: write 90s, 10m, 8h, 2d …", span), false;
  r->for_ms = span_ns / NS_PER_MS;
  r->funding = cli_value(a, "--funding", NULL);
  r->url = cli_value(a, "--url", NULL);
  if (!cli_integer(a, "--bars", 1, 1000000000, &r->bars_max) || !read_symbols(a, r)) return false;
  if (r->funding && r->count > 1) return cli_usage(a, "--funding: a file of rates is one symbol's own"), false;
  return true;
}

static int run_record(const struct cli_args *a) {
  char dir[CLI_DATA_DIR_MAX];
  struct err err = {0}, last = {0};
  struct recorder *r = calloc(1, sizeof *r);
  if (!r) return cli_error("out of memory"), 1;
  *r = (struct recorder){.args = a, .dir = dir, .err = &err};
  if (!read_options(a, r)) {
    free(r);
    return 2;
  }
  if (!cli_data_dir(a, dir) || !cli_make_dirs(dir)) {
    free(r);
    return 1;
  }
  interrupt_install();
  enum status st = open_rates(r, &err);
  if (st == OK) st = open_all(r, a->positional[0] + strlen(r->venue) + 1, &err);
  if (st == OK) st = record(r, &err);
  int code = st == OK ? report(r) : st == ERR_USAGE ? 2 : 1;
  if (code == 0 && interrupted() && (r->for_ms || r->bars_max)) code = 130;
  size_t stored = 0;
  for (int i = 0; i < r->count; i++) stored += r->tapes[i].sum.added;
  if (st != OK) cli_error("%s (%zu bars were stored)", err.msg, stored);
  if (close_all(r, &last) != OK) cli_error("%s", last.msg), code = 1;
  free(r);
  return code;
}

static const struct cli_option record_options[] = {
    {"--symbol", "S", "which; several apart by +: BTCUSDT+ETHUSDT"},
    {"--timeframe", "TF", "1m, 5m, 1h … (the feed's own); a replay makes higher ones of it"},
    {"--for", "T", "how long, by the clock: 90s, 10m, 8h (until Ctrl-C, or the feed's end)"},
    {"--bars", "N", "until there are so many of each symbol"},
    {"--as", "NAME", "the venue's name in the data directory (VENUE-tape)"},
    {"--funding", "FILE", "funding rates too, for replay's funding=FILE; of one symbol"},
    {"--url", "URL", "a simulated exchange instead of a venue's hosts: http://127.0.0.1:9500"},
    CLI_DATA_DIR_OPTION,
    {"--json", "FILE", "what was recorded, as JSON; - is standard output"},
    {NULL, NULL, NULL}};
const struct cli_command cmd_record = {
    "record", "VENUE=FEED --symbol S [--for T]", "a live feed into the data directory, for the feed replay",
    "FEED is what serve's --feed takes: remote, sim:…, file:…; the bars are those that bots would see, as they end. A gap stays one; of a feed that has trades only, a bar\n"
    "whose beginning was missed is left out. Trades themselves are not kept: on_tick hears none in a replay. The same command goes on with its recording.\n"
    "May run beside a server of this directory.",
    record_options, run_record,
    "perigee export --venue VENUE-tape                             lists what was recorded\n"
    "perigee serve --feed tape=replay:VENUE-tape/SYMBOL:speed=60   bots trade on it, at any speed"};

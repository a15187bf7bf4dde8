// cli/cmd_fetch.c – `perigee fetch`: a venue's own bars into the data directory, page by page, from where it stopped last time.
//
// A page is asked for as a window of time that holds as many bars as the venue gives at once. Windows without bars (before a market began)
// double, and shrink again when something is in them, so that years of nothing cost a few questions. What was fetched is stored page by
// page: an interrupted fetch goes on behind the last stored bar.
#include "cli/commands.h"

#include "base/json.h"
#include "base/suggest.h"
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
#include "venue/remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_BARS 1000
#define VOLUME_SCALE_MAX 8
#define WINDOW_DOUBLES_MAX 12  // of an empty window: 4,096 pages at once
#define ATTEMPTS 8             // of a page, beyond what the connection tries by itself
#define PAUSE_MS 250           // before the second; it doubles
#define SURE_NS (5 * NS_PER_MINUTE)  // a bar that ended so long ago is over, though our clock may differ from the venue's

struct fetch {
  struct loop *loop;
  struct http_pool *pool;
  struct tls_client *tls;
  struct loop_timer *timer;  // wakes the loop, so that Ctrl-C is seen
  struct remote_site *site;
  struct markets markets;
  const char *symbol, *timeframe;
  char venue[VENUE_MAX];  // as it is stored
  struct instrument inst;
  int64_t timeframe_ns, from_ns, to_ns;
  struct market_import_report sum;
  int pages;
  // of the question under way
  bool answered;
  struct err *err;
  enum status st;
  bool again;  // it may be asked anew
  struct venue_instrument found;
  char near[VENUE_SYMBOL_MAX];  // what the symbol may have been meant to be
  struct venue_kline *bars;
  size_t count;
};

static void tick(void *arg) {
  (void)arg;
}

static void tell(void *arg, const char *text) {
  (void)arg;
  cli_warn("%s", text);
}

static enum status wait_ms(struct fetch *f, int64_t ms, struct err *err) {
  int64_t until = loop_now_ms(f->loop) + ms;
  while (loop_now_ms(f->loop) < until && !interrupted()) loop_turn(f->loop, true);
  return interrupted() ? err_set(err, ERR_CANCELLED, "interrupted") : OK;
}

static enum status wait(struct fetch *f, struct err *err) {
  while (!f->answered && !interrupted()) loop_turn(f->loop, true);
  return f->answered ? f->st : err_set(err, ERR_CANCELLED, "interrupted");
}

static bool refused(struct fetch *f, const struct venue_reply *r, const char *what) {
  f->answered = true;
  f->again = r->outcome != VENUE_ACCEPTED && r->outcome != VENUE_REFUSED && r->why != VENUE_WHY_UNSUPPORTED && r->why != VENUE_WHY_REQUEST;
  if (r->why == VENUE_WHY_THROTTLED) f->again = true;
  const bool unknown = r->outcome == VENUE_REFUSED && !f->again;
  f->st = r->outcome == VENUE_ACCEPTED ? OK : err_set(f->err, unknown ? ERR_NOTFOUND : ERR_IO, "%s: %s", what, r->text[0] != '\0' ? r->text : venue_why_text(r->why));
  return f->st != OK;
}

// ---- the market

static void on_instruments(void *arg, const struct venue_reply *r, const struct venue_instrument *list, size_t count) {
  struct fetch *f = arg;
  if (refused(f, r, "instruments")) return;
  for (size_t i = 0; i < count; i++)
    if (strcmp(list[i].symbol, f->symbol) == 0) f->found = list[i];
  if (f->found.symbol[0] == '\0') f->st = err_set(f->err, ERR_NOTFOUND, "the venue has no market %s", f->symbol);
}

// Of all that the venue has: the symbol meant, if it was misspelt.
static void on_others(void *arg, const struct venue_reply *r, const struct venue_instrument *list, size_t count) {
  struct fetch *f = arg;
  f->answered = true;
  f->st = r->outcome == VENUE_ACCEPTED ? OK : ERR_NOTFOUND;
  const char **names = f->st == OK ? malloc((count + 1) * sizeof *names) : NULL;
  for (size_t i = 0; names && i < count; i++) names[i] = list[i].symbol;
  const char *near = names ? suggest_nearest(f->symbol, names, count) : NULL;
  snprintf(f->near, sizeof f->near, "%s", near ? near : "");
  free(names);
}

// The venue has no such market, or says so in words of its own that do not name it.
static enum status unknown_market(struct fetch *f, struct err *err) {
  const char *category = remote_site_category(f->site);
  char said[512];
  snprintf(said, sizeof said, "%s", err->msg);
  f->answered = false;
  remote_site_instruments(f->site, NULL, on_others, f);
  if (wait(f, err) == ERR_CANCELLED) return ERR_CANCELLED;
  return err_set(err, ERR_NOTFOUND, "--symbol %s: %s has no such market%s%s (%s)\n  %s%s%s", f->symbol, f->venue, *category ? " of category " : "", category, said,
                 f->near[0] ? "did you mean " : "write it as the venue does, such as BTCUSDT; another kind of market is another --category", f->near, f->near[0] ? "?" : "");
}

static enum status find_market(struct fetch *f, struct err *err) {
  f->answered = false;
  f->err = err;
  remote_site_instruments(f->site, f->symbol, on_instruments, f);
  enum status st = wait(f, err);
  if (st != OK) return st == ERR_NOTFOUND ? unknown_market(f, err) : st;
  f->inst = (struct instrument){.tick = f->found.tick, .lot = f->found.lot, .multiplier = {1, 0}, .tick_step = 1, .lot_step = 1};
  if (strlen(f->symbol) >= SYMBOL_MAX) return err_set(err, ERR_LIMIT, "%s: a symbol has at most %d bytes", f->symbol, SYMBOL_MAX - 1);
  strcpy(f->inst.symbol, f->symbol);
  int64_t e8;
  if (decimal_given(f->found.notional_min) && decimal_rescale(f->found.notional_min, 8, &e8)) f->inst.min_notional.e8 = e8;
  return instrument_finish(&f->inst, err);
}

// ---- a page

static void on_bars(void *arg, const struct venue_reply *r, const struct venue_kline *list, size_t count) {
  struct fetch *f = arg;
  if (refused(f, r, "bars")) return;
  f->bars = malloc((count + 1) * sizeof *f->bars);
  if (f->bars == NULL) f->st = err_set(f->err, ERR_NOMEM, "bars");
  else if (count > 0) memcpy(f->bars, list, count * sizeof *list);
  f->count = f->bars != NULL ? count : 0;
}

// A price in ticks. Older prices may be finer than today's tick: then the series counts in what they need.
static bool in_ticks(struct decimal px, struct decimal tick, price *ret) {
  int scale = px.scale > tick.scale ? px.scale : tick.scale;
  int64_t n, per;
  if (!decimal_rescale(px, scale, &n) || !decimal_rescale(tick, scale, &per) || n % per != 0) return false;
  ret->ticks = n / per;
  return true;
}

static bool to_bar(const struct venue_kline *k, const struct series *s, struct bar *ret) {
  struct decimal volume = decimal_normal(k->volume);
  *ret = (struct bar){.open_ns = k->open_ns, .volume = -1};
  if (volume.scale <= s->volume_scale && !decimal_rescale(volume, s->volume_scale, &ret->volume)) ret->volume = -1;
  return in_ticks(k->open, s->inst.tick, &ret->open) && in_ticks(k->high, s->inst.tick, &ret->high) && in_ticks(k->low, s->inst.tick, &ret->low) &&
         in_ticks(k->close, s->inst.tick, &ret->close);
}

// The finished bars of [from_ns, to_ns).
static enum status make_series(struct fetch *f, int64_t from_ns, int64_t to_ns, struct series *ret, struct err *err) {
  *ret = (struct series){.inst = f->inst, .timeframe_ns = f->timeframe_ns};
  int scale = f->inst.tick.scale;
  for (size_t i = 0; i < f->count; i++) {
    const struct decimal all[] = {f->bars[i].open, f->bars[i].high, f->bars[i].low, f->bars[i].close};
    for (int k = 0; k < 4; k++)
      if (decimal_normal(all[k]).scale > scale) scale = decimal_normal(all[k]).scale;
    int volume = decimal_normal(f->bars[i].volume).scale;
    if (volume > ret->volume_scale && volume <= VOLUME_SCALE_MAX) ret->volume_scale = volume;
  }
  struct bar bar;
  enum status st = OK;
  for (int finer = 0; finer < 2; finer++) {
    bool fits = true;
    ret->count = 0;
    ret->price_scale = ret->inst.tick.scale;
    for (size_t i = 0; st == OK && fits && i < f->count; i++) {
      const struct venue_kline *k = &f->bars[i];
      if (k->open_ns < from_ns || k->open_ns >= to_ns) continue;
      fits = to_bar(k, ret, &bar);
      if (fits) st = series_append(ret, &bar, err);
    }
    if (fits || st != OK) return st;
    ret->inst.tick = (struct decimal){1, scale};
    st = instrument_finish(&ret->inst, err);
    if (st != OK) return st;
  }
  return err_set(err, ERR_RANGE, "%s: a price that is no decimal of %d places", f->symbol, scale);
}

static enum status ask_bars(struct fetch *f, int64_t from_ns, int64_t to_ns, struct err *err) {
  f->pages++;
  for (int attempt = 1;; attempt++) {
    f->answered = false;
    f->err = err;
    remote_site_klines(f->site, f->symbol, f->timeframe, from_ns / NS_PER_MS, to_ns / NS_PER_MS - 1, PAGE_BARS, on_bars, f);
    enum status st = wait(f, err);
    if (st != ERR_IO || !f->again || attempt == ATTEMPTS) return st;
    st = wait_ms(f, PAUSE_MS << (attempt - 1), err);
    if (st != OK) return st;
  }
}

static enum status store_page(struct fetch *f, int64_t from_ns, int64_t to_ns, struct err *err) {
  struct series s;
  struct market_import_report report = {0};
  enum status st = make_series(f, from_ns, to_ns, &s, err);
  if (st == OK && s.count > 0) {
    struct market_import in = {.venue = f->venue, .series = &s, .now_ns = clock_wall_ns()};
    st = markets_import(&f->markets, &in, &report, err);
  }
  if (st == OK) {
    f->sum.added += report.added;
    f->sum.same += report.same;
  }
  series_finish(&s);
  return st;
}

static enum status fetch_all(struct fetch *f, struct err *err) {
  struct cli_progress bar;
  const int64_t page_ns = PAGE_BARS * f->timeframe_ns;
  int64_t at = f->from_ns;
  int doubled = 0;
  enum status st = OK;
  cli_progress_init(&bar, f->symbol);
  while (st == OK && at < f->to_ns) {
    int64_t window = page_ns << doubled, end = f->to_ns - at > window ? at + window : f->to_ns;
    st = ask_bars(f, at, end, err);
    if (st == OK && f->count == 0) {
      at = end;
      if (doubled < WINDOW_DOUBLES_MAX) doubled++;
    } else if (st == OK && doubled > 0) {
      doubled--;  // it begins somewhere in here
    } else if (st == OK) {
      st = store_page(f, at, end, err);
      at = end;
    }
    free(f->bars);
    f->bars = NULL;
    f->count = 0;
    cli_progress_show(&bar, (size_t)((at - f->from_ns) / f->timeframe_ns), (size_t)((f->to_ns - f->from_ns) / f->timeframe_ns));
  }
  cli_progress_clear(&bar);
  return st;
}

// ---- where to begin and to end

static void resume(struct fetch *f) {
  struct market_row row;
  struct err err;
  if (market_find(markets_reader(&f->markets), f->venue, f->symbol, f->timeframe_ns, &row, &err) != OK) return;
  if (row.first_ns <= f->from_ns && row.last_ns >= f->from_ns) f->from_ns = row.last_ns + f->timeframe_ns;
}

static enum status open_site(struct fetch *f, const struct cli_args *a, struct dialect *d, struct err *err) {
  struct http_pool_options pool = {.per_origin_max = 1};
  enum status st = loop_create(&f->loop, NULL, err);
  if (st == OK) st = loop_timer_create(f->loop, tick, NULL, &f->timer, err);
  if (st == OK) loop_timer_start(f->timer, 100, 100);
  if (st == OK) st = http_pool_create(f->loop, &pool, &f->pool, err);
  if (st == OK && !cli_has(a, "--url")) st = tls_client_create(NULL, &f->tls, err);
  if (st != OK) {
    dialect_destroy(d);
    return st;
  }
  struct remote_site_options options = {.loop = f->loop, .pool = f->pool, .tls = f->tls, .dialect = d, .environment = cli_value(a, "--environment", NULL),
    .category = cli_value(a, "--category", NULL), .url = cli_value(a, "--url", NULL), .log = tell};
  return remote_site_create(&options, &f->site, err);
}

static void close_all(struct fetch *f) {
  remote_site_destroy(f->site);
  http_pool_destroy(f->pool);
  tls_client_release(f->tls);
  if (f->timer) loop_timer_destroy(f->timer);
  if (f->loop) loop_destroy(f->loop);
  free(f->bars);
}

// "bybit", "bybit-spot", "bybit-testnet": one name of a venue has one market of a symbol.
static void name_venue(struct fetch *f, const struct cli_args *a, const struct dialect_info *info) {
  const char *environment = cli_value(a, "--environment", ""), *category = cli_value(a, "--category", "");
  bool other = *category != '\0' && strcmp(category, info->categories[0]) != 0, test = *environment != '\0' && strcmp(environment, "live") != 0;
  snprintf(f->venue, sizeof f->venue, "%s%s%s%s%s", info->name, other ? "-" : "", other ? category : "", test ? "-" : "", test ? environment : "");
  if (cli_has(a, "--as")) snprintf(f->venue, sizeof f->venue, "%s", cli_value(a, "--as", ""));
}

static int report(const struct fetch *f, const struct cli_args *a) {
  json_t *o = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:i}", "venue", f->venue, "symbol", f->symbol, "timeframe", f->timeframe, "from",
    (json_int_t)(f->from_ns / NS_PER_MS), "to", (json_int_t)(f->to_ns / NS_PER_MS), "added", (json_int_t)f->sum.added, "same", (json_int_t)f->sum.same,
    "pages", f->pages);
  if (cli_has(a, "--json")) return operator_result(a, o);
  json_decref(o);
  printf("%s %s of %s: %zu bars new, %zu stored already, %d pages\n", f->symbol, f->timeframe, f->venue, f->sum.added, f->sum.same, f->pages);
  return 0;
}

static int run_fetch(const struct cli_args *a) {
  struct fetch f = {.symbol = cli_value(a, "--symbol", NULL), .timeframe = cli_value(a, "--timeframe", NULL), .to_ns = INT64_MAX};
  char dir[CLI_DATA_DIR_MAX];
  struct dialect *d;
  struct err err = {0};
  if (a->positional_count != 0 || !cli_has(a, "--venue") || f.symbol == NULL || f.timeframe == NULL || !cli_has(a, "--from"))
    return cli_usage(a, "--venue, --symbol, --timeframe and --from are needed");
  if (!timeframe_parse(f.timeframe, &f.timeframe_ns)) return cli_usage(a, "--timeframe %s: write 1m, 5m, 1h, 1d …", f.timeframe);
  if (!cli_time(a, "--from", &f.from_ns) || !cli_time(a, "--to", &f.to_ns)) return 2;
  if (!cli_data_dir(a, dir) || !cli_make_dirs(dir)) return 1;
  if (cli_venue_dialect(cli_value(a, "--venue", ""), NULL, &d) != OK) return 1;
  name_venue(&f, a, dialect_info(d));
  interrupt_install();
  enum status st = open_site(&f, a, d, &err);
  bool opened = false;
  if (st == OK) {
    st = markets_open(dir, true, &f.markets, &err);
    opened = st == OK;
  }
  if (st == OK) st = find_market(&f, &err);
  if (st == OK) {
    int64_t last_ns = timeframe_floor(clock_wall_ns() - SURE_NS, f.timeframe_ns);  // what opens there may not be over
    f.from_ns = timeframe_floor(f.from_ns, f.timeframe_ns);
    if (f.to_ns > last_ns) f.to_ns = last_ns;
    resume(&f);
    st = fetch_all(&f, &err);
  }
  close_all(&f);
  if (opened) markets_close(&f.markets);
  if (st != OK) cli_error("%s (%zu bars were stored; the same command goes on behind them)", err.msg, f.sum.added);
  return st == OK ? report(&f, a) : st == ERR_CANCELLED ? 130 : 1;
}

static const struct cli_option fetch_options[] = {
    {"--venue", "DIALECT", "a shipped dialect (perigee dialect bybit), or a dialect's file"},
    {"--symbol", "S", "as the venue writes it: BTCUSDT"},
    {"--timeframe", "TF", "1m, 5m, 1h, 1d …: what the venue has"},
    {"--from", "T", "first bar; 2021-04-20 or Unix time"},
    {"--to", "T", "bars from here on are left out (now)"},
    {"--category", "C", "kind of market, such as spot (the dialect's first)"},
    {"--environment", "E", "testnet, demo (live)"},
    {"--url", "URL", "a simulated exchange instead: http://127.0.0.1:9500"},
    {"--as", "NAME", "the venue's name in the data directory (bybit, bybit-spot, bybit-testnet …)"},
    CLI_DATA_DIR_OPTION,
    {"--json", "FILE", "what was fetched, as JSON; - is standard output"},
    {NULL, NULL, NULL}};
const struct cli_command cmd_fetch = {
    "fetch", "--venue V --symbol S --timeframe TF --from T", "a venue's market history into the data directory",
    "Pages are asked for within the venue's limits and stored as they come; a bar that ended less than five minutes ago is left out. Stopped, by Ctrl-C too, the\n"
    "same command goes on behind the last stored bar. May run beside a server of this directory, which has the bars at once.",
    fetch_options, run_fetch,
    "perigee export                                lists what is stored\n"
    "perigee export FILE --symbol S --timeframe TF   as a file for perigee backtest"};

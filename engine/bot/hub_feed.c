// bot/hub_feed.c – feeds by text: KIND[:TARGET][:NAME=VALUE,…]. A kind is a row of the table and a function; an option is a row.
#include "base/suggest.h"
#include "bot/hub_impl.h"
#include "market/csv.h"
#include "market/text.h"
#include "venue/feed_file.h"
#include "venue/feed_pace.h"
#include "venue/feed_replay.h"
#include "venue/feed_sim.h"

#include <assert.h>
#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FEED_TEXT_MAX 512
#define REPLAY_MAX 64            // series of one replay
#define FILE_POLLS_MAX 1024      // of a megabyte each, to read what a file has when it is opened
#define FILE_VOLUME_SCALE 6      // when the file does not tell

struct feed_text {
  int kind;                      // of the table
  char buf[FEED_TEXT_MAX];       // what the others point into
  char *target;                  // NULL: none
  char *symbol, *symbols, *funding, *environment, *category;  // NULL: not given
  int64_t seed, speed_e3, bar_ns, from_ns, timeframe_ns, poll_ms;
  struct decimal tick, lot;
  bool ticks;
};

// ---- options

enum option_type { OPTION_NUMBER, OPTION_SPEED, OPTION_TIME, OPTION_TIMEFRAME, OPTION_WORD, OPTION_DECIMAL, OPTION_FLAG };
static const struct option {
  const char *name;
  enum option_type type;
  size_t offset;
} options[] = {
#define AT(field) offsetof(struct feed_text, field)
  {"seed", OPTION_NUMBER, AT(seed)},           {"speed", OPTION_SPEED, AT(speed_e3)},    {"from", OPTION_TIME, AT(from_ns)},
  {"bar", OPTION_TIMEFRAME, AT(bar_ns)},       {"symbols", OPTION_WORD, AT(symbols)},    {"ticks", OPTION_FLAG, AT(ticks)},
  {"symbol", OPTION_WORD, AT(symbol)},         {"timeframe", OPTION_TIMEFRAME, AT(timeframe_ns)},
  {"poll", OPTION_NUMBER, AT(poll_ms)},  // milliseconds between two looks at the file, at most a minute; 1000 when absent
  {"tick", OPTION_DECIMAL, AT(tick)},          {"lot", OPTION_DECIMAL, AT(lot)},            {"funding", OPTION_WORD, AT(funding)},
  {"environment", OPTION_WORD, AT(environment)}, {"category", OPTION_WORD, AT(category)},
#undef AT
};
enum { OPTIONS = sizeof options / sizeof *options };

// NULL, or what the value should be.
static const char *option_put(struct feed_text *t, const struct option *o, char *value) {
  char *at = (char *)t + o->offset;
  int64_t n;
  switch (o->type) {
    case OPTION_NUMBER:
      if (!decimal_parse_scaled(value, strlen(value), 0, &n) || n < 0) return "a whole number";
      break;
    case OPTION_SPEED:
      n = FEED_SPEED_UNBOUND;
      if (strcmp(value, "max") != 0 && (!decimal_parse_scaled(value, strlen(value), 3, &n) || n <= 0 || n > FEED_SPEED_MAX))
        return "a number above 0 with at most 3 decimals, or max";
      break;
    case OPTION_TIME:
      if (!time_parse_iso((struct slice){value, strlen(value)}, &n) || n < 0) return "a date such as 2024-01-31, from 1970 on";
      break;
    case OPTION_TIMEFRAME:
      if (!timeframe_parse(value, &n)) return "a timeframe such as 1m, 1h or 1d";
      break;
    case OPTION_WORD: memcpy(at, &value, sizeof value); return *value ? NULL : "not empty";
    case OPTION_DECIMAL: {
      struct decimal d;
      if (!decimal_parse(value, strlen(value), &d) || d.digits <= 0) return "a number above 0, such as 0.01";
      memcpy(at, &d, sizeof d);
      return NULL;
    }
    case OPTION_FLAG: {
      const bool on = strcmp(value, "1") == 0;
      if (!on && strcmp(value, "0") != 0) return "0 or 1";
      memcpy(at, &on, sizeof on);
      return NULL;
    }
    default: assert(false); return NULL;
  }
  memcpy(at, &n, sizeof n);
  return NULL;
}

static bool in_list(const char *list, const char *word) {
  for (const char *p = list; *p;) {
    const size_t len = strcspn(p, ",");
    if (strlen(word) == len && strncmp(p, word, len) == 0) return true;
    p += len + (p[len] == ',');
  }
  return false;
}

static enum status option_read(struct feed_text *t, char *text, struct err *err) {
  const struct hub_feed_kind *kind = &hub_feed_kinds[t->kind];
  char *equals = strchr(text, '=');
  if (equals) *equals = '\0';
  for (int i = 0; equals && i < OPTIONS; i++) {
    if (strcmp(options[i].name, text) != 0 || !in_list(kind->options, text)) continue;
    const char *should = option_put(t, &options[i], equals + 1);
    return should ? err_set(err, ERR_USAGE, "%s: %s=%s: must be %s", kind->name, text, equals + 1, should) : OK;
  }
  return err_set(err, ERR_USAGE, "%s: \"%s\" is none of its options (there are %s; write NAME=VALUE, apart by commas)", kind->name, text, kind->options);
}

// ---- the text

static bool kind_find(const char *name, int *ret) {
  for (*ret = 0; hub_feed_kinds[*ret].name; ++*ret)
    if (strcmp(hub_feed_kinds[*ret].name, name) == 0) return true;
  return false;
}

static enum status unknown_kind(const char *name, struct err *err) {
  const char *names[8] = {0};
  char have[128] = "";
  size_t n = 0, count = 0;
  for (const struct hub_feed_kind *k = hub_feed_kinds; k->name && count < 8; k++) {
    n += (size_t)snprintf(have + n, sizeof have - n, "%s%s", count ? ", " : "", k->name);
    names[count++] = k->name;
  }
  const char *near = suggest_nearest(name, names, count);
  return err_set(err, ERR_USAGE, near ? "no feed of kind \"%.40s\" (there are %s); did you mean \"%s\"?" : "no feed of kind \"%.40s\" (there are %s)", name,
    have, near);
}

// Where the options begin: behind the last colon that a name and = follow. Paths and times may hold colons too.
static char *options_begin(char *text) {
  char *found = NULL;
  for (char *colon = text; (colon = strchr(colon, ':')); colon++) {
    size_t n = 1;
    while (islower((unsigned char)colon[n])) n++;
    if (n > 1 && colon[n] == '=') found = colon;
  }
  return found;
}

static enum status text_parse(const char *text, struct feed_text *ret, struct err *err) {
  *ret = (struct feed_text){.seed = 1, .speed_e3 = FEED_SPEED_ONE, .from_ns = -1};
  if (strlen(text) >= FEED_TEXT_MAX) return err_set(err, ERR_USAGE, "a feed's text has at most %d bytes", FEED_TEXT_MAX - 1);
  memcpy(ret->buf, text, strlen(text) + 1);
  char *rest = strchr(ret->buf, ':');
  if (rest) *rest++ = '\0';
  if (!kind_find(ret->buf, &ret->kind)) return unknown_kind(ret->buf, err);
  const struct hub_feed_kind *kind = &hub_feed_kinds[ret->kind];
  char *list = rest;
  if (kind->target) {
    ret->target = rest;
    list = rest ? options_begin(rest) : NULL;
    if (list) *list++ = '\0';
    if (!rest || !*rest) return err_set(err, ERR_USAGE, "%s: write %s:%s[:NAME=VALUE,…]", kind->name, kind->name, kind->target);
  }
  enum status st = OK;
  while (st == OK && list && *list) {
    char *item = list;
    list += strcspn(list, ",");
    if (*list) *list++ = '\0';
    st = option_read(ret, item, err);
  }
  return st;
}

// Every word of a list apart by '+'. The words replace the '+' by their ends. −1: too many.
static int words(char *list, char **ret, int max) {
  int n = 0;
  for (char *p = list; p; n++) {
    if (n == max) return -1;
    ret[n] = p;
    p = strchr(p, '+');
    if (p) *p++ = '\0';
  }
  return n;
}

// ---- kinds: each fills ret->feed and what goes with it; what it leaves is freed by the caller

struct making {
  struct hub *hub;
  const char *venue;
  struct feed_text *text;
  struct hub_feed_config *ret;
  const char *names[REPLAY_MAX];
  char symbol[SYMBOL_MAX];  // that names[0] may point to
};

// ---- funding

static size_t sim_fundings(void *self, const char *symbol, int64_t after_ns, int64_t through_ns, struct funding ret[HUB_FUNDINGS_MAX]) {
  return feed_sim_funding(*(const struct feed *)self, symbol, after_ns, through_ns, ret, HUB_FUNDINGS_MAX);
}

// A file of rates (market/funding.h) beside the bars, read again when it has grown.
struct rates {
  char path[FEED_TEXT_MAX];
  struct timespec changed;
  off_t size;
  struct funding_list list;
};

static enum status rates_read(struct rates *r, struct err *err) {
  struct stat now;
  if (stat(r->path, &now) != 0) return err_set(err, ERR_NOTFOUND, "funding: %s is not there", r->path);
  if (r->list.items && now.st_size == r->size && now.st_mtim.tv_sec == r->changed.tv_sec && now.st_mtim.tv_nsec == r->changed.tv_nsec) return OK;
  struct funding_list fresh;
  enum status st = funding_load(r->path, &fresh, err);
  if (st != OK) return st;
  funding_finish(&r->list);
  r->list = fresh;
  r->size = now.st_size;
  r->changed = now.st_mtim;
  return OK;
}

static size_t rates_between(void *self, const char *symbol, int64_t after_ns, int64_t through_ns, struct funding ret[HUB_FUNDINGS_MAX]) {
  struct rates *r = self;
  struct err err;
  (void)symbol;  // a file has one
  if (r->list.count == 0 || r->list.items[r->list.count - 1].ts_ns < through_ns) (void)!rates_read(r, &err);  // half a line: when it is whole
  size_t begin = 0, end = r->list.count;
  while (end > 0 && r->list.items[end - 1].ts_ns > through_ns) end--;
  begin = end > HUB_FUNDINGS_MAX ? end - HUB_FUNDINGS_MAX : 0;
  while (begin < end && r->list.items[begin].ts_ns <= after_ns) begin++;
  if (end > begin) memcpy(ret, r->list.items + begin, (end - begin) * sizeof *ret);
  return end - begin;
}

static void rates_free(void *self) {
  struct rates *r = self;
  if (r) funding_finish(&r->list);
  free(r);
}

static enum status rates_of(const struct feed_text *t, struct hub_feed_config *ret, struct err *err) {
  struct rates *r = t->funding ? calloc(1, sizeof *r) : NULL;
  if (!r) return t->funding ? err_set(err, ERR_NOMEM, "out of memory") : OK;
  snprintf(r->path, sizeof r->path, "%s", t->funding);
  enum status st = rates_read(r, err);
  if (st != OK) return rates_free(r), st;
  ret->fundings = rates_between;
  ret->fundings_self = r;
  ret->free_fundings = rates_free;
  return OK;
}

static enum status make_sim(struct making *m, struct err *err) {
  const struct feed_text *t = m->text;
  const int64_t bar_ns = t->bar_ns ? t->bar_ns : NS_PER_MINUTE;
  if (bar_ns < NS_PER_S || bar_ns > NS_PER_DAY) return err_set(err, ERR_USAGE, "sim: bar must be from 1s to 1d");
  struct sim_symbol shipped[FEED_SIM_SHIPPED], chosen[FEED_SIM_SHIPPED];
  int count = feed_sim_shipped(bar_ns, shipped);
  memcpy(chosen, shipped, sizeof chosen);
  for (int i = 0; i < count; i++) m->names[i] = shipped[i].symbol;
  if (t->symbols) {
    char *wanted[FEED_SIM_SHIPPED];
    const int n = words(t->symbols, wanted, FEED_SIM_SHIPPED);
    if (n < 0) return err_set(err, ERR_USAGE, "sim: at most %d symbols", FEED_SIM_SHIPPED);
    for (int i = 0; i < n; i++) {
      int k = 0;
      while (k < count && strcmp(shipped[k].symbol, wanted[i]) != 0) k++;
      if (k == count) {
        const char *near = suggest_nearest(wanted[i], m->names, (size_t)count);
        return err_set(err, ERR_USAGE, "sim: no symbol %.40s; there are %s, %s, %s, %s, %s, %s%s%s", wanted[i], m->names[0], m->names[1], m->names[2],
          m->names[3], m->names[4], m->names[5], near ? "; did you mean " : "", near ? near : "");
      }
      chosen[i] = shipped[k];
    }
    count = n;
    for (int i = 0; i < n; i++) m->names[i] = chosen[i].symbol;
  }
  const int64_t now_ns = hub_now(m->hub), start_ns = t->from_ns >= 0 ? t->from_ns : now_ns;
  struct feed_sim_config config = {.seed = (uint64_t)t->seed, .bar_ns = bar_ns, .symbols = chosen, .count = count, .start_ns = start_ns};
  feed_pace_init(&config.pace, t->speed_e3, now_ns, start_ns);
  enum status st = feed_sim_create(&config, &m->ret->feed, err);
  if (st != OK) return st;
  m->ret->pace = feed_sim_pace(m->ret->feed);
  if (t->funding && strcmp(t->funding, "1") == 0) {
    struct feed *kept = malloc(sizeof *kept);
    if (!kept) return err_set(err, ERR_NOMEM, "out of memory");
    *kept = m->ret->feed;
    m->ret->fundings = sim_fundings, m->ret->fundings_self = kept, m->ret->free_fundings = free;
  } else if (t->funding && strcmp(t->funding, "0") != 0) {
    return err_set(err, ERR_USAGE, "sim: funding=%.40s: must be 0 or 1", t->funding);
  }
  m->ret->ticks = t->ticks;
  m->ret->anywhere = true;
  m->ret->symbol_count = count;
  return OK;
}

struct replayed {
  struct series series[REPLAY_MAX];
  const struct series *list[REPLAY_MAX];
  int count;
};

static void replayed_free(void *p) {
  struct replayed *r = p;
  for (int i = 0; r && i < r->count; i++) series_finish(&r->series[i]);
  free(r);
}

static void finest(void *arg, const struct market_row *row) {
  struct market_row *best = arg;
  if (best->timeframe_ns == 0 || row->timeframe_ns < best->timeframe_ns) *best = *row;
}

// "VENUE/SYMBOL" or "VENUE/SYMBOL/TF".
static enum status read_replayed(struct db *db, char *name, struct series *ret, struct err *err) {
  char *symbol = strchr(name, '/');
  if (symbol) *symbol++ = '\0';
  char *timeframe = symbol ? strchr(symbol, '/') : NULL;
  if (timeframe) *timeframe++ = '\0';
  if (!symbol || !*name || !*symbol) return err_set(err, ERR_USAGE, "replay: write VENUE/SYMBOL or VENUE/SYMBOL/TIMEFRAME, several apart by +");
  int64_t timeframe_ns = 0;
  if (timeframe && !timeframe_parse(timeframe, &timeframe_ns))
    return err_set(err, ERR_USAGE, "replay: \"%.20s\" is not a timeframe such as 1m, 1h or 1d", timeframe);
  struct market_row row = {0};
  enum status st = timeframe ? market_find(db, name, symbol, timeframe_ns, &row, err) : market_list(db, name, symbol, 0, 64, finest, &row, err);
  if (st == OK && row.timeframe_ns == 0) st = err_set(err, ERR_NOTFOUND, "replay: no imported history of %.40s of venue %.40s", symbol, name);
  return st == OK ? market_read(db, &row, INT64_MIN, INT64_MAX, 0, ret, err) : st;
}

static enum status make_replay(struct making *m, struct err *err) {
  const struct feed_text *t = m->text;
  char *wanted[REPLAY_MAX];
  const int n = words(t->target, wanted, REPLAY_MAX);
  if (n < 0) return err_set(err, ERR_USAGE, "replay: at most %d series", REPLAY_MAX);
  if (!m->hub->config.market) return err_set(err, ERR_NOTFOUND, "replay: there is no imported history here");
  struct replayed *r = calloc(1, sizeof *r);
  if (!r) return err_set(err, ERR_NOMEM, "out of memory");
  m->ret->owned = r;
  m->ret->free_owned = replayed_free;
  int64_t begin_ns = INT64_MAX;
  for (int i = 0; i < n; i++) {
    enum status st = read_replayed(m->hub->config.market, wanted[i], &r->series[i], err);
    if (st != OK) return st;
    r->count++;
    r->list[i] = &r->series[i];
    m->names[i] = r->series[i].inst.symbol;
    if (r->series[i].count > 0 && r->series[i].bars[0].open_ns < begin_ns) begin_ns = r->series[i].bars[0].open_ns;
  }
  struct feed_replay_config config = {.series = r->list, .count = n};
  feed_pace_init(&config.pace, t->speed_e3, hub_now(m->hub), t->from_ns >= 0 ? t->from_ns : begin_ns);
  enum status st = feed_replay_create(&config, &m->ret->feed, err);
  if (st != OK) return st;
  m->ret->pace = feed_replay_pace(m->ret->feed);
  m->ret->symbol_count = n;
  if (t->funding && n > 1) return err_set(err, ERR_USAGE, "replay: a file of funding is one series' own: give each its venue");
  return rates_of(t, m->ret, err);
}

static void nothing(void *self, const struct feed_event *e) { (void)self, (void)e; }

// Reads what the file has by now, so that it is history and not news.
static enum status read_file(struct making *m, struct err *err) {
  const int64_t now_ns = hub_now(m->hub);
  struct feed_progress progress = {.next_ns = now_ns};
  enum status st = OK;
  for (int i = 0; st == OK && i < FILE_POLLS_MAX && progress.next_ns <= now_ns; i++)
    st = feed_poll(m->ret->feed, now_ns, 1, &(struct feed_sink){NULL, nothing}, &progress, err);
  m->ret->start_ns = progress.through_ns;
  return st;
}

static enum status make_file(struct making *m, struct err *err) {
  const struct feed_text *t = m->text;
  struct feed_file_config config = {.path = t->target, .timeframe_ns = t->timeframe_ns, .volume_scale = FILE_VOLUME_SCALE,
                                    .poll_ns = t->poll_ms > 0 && t->poll_ms <= 60000 ? t->poll_ms * NS_PER_MS : 0};
  struct instrument *inst = &config.inst;
  int64_t named_ns;
  csv_name_parse(t->target, inst->symbol, &named_ns);
  if (t->symbol && strlen(t->symbol) >= SYMBOL_MAX) return err_set(err, ERR_USAGE, "file: a symbol has at most %d bytes", SYMBOL_MAX - 1);
  if (t->symbol) snprintf(inst->symbol, SYMBOL_MAX, "%s", t->symbol);
  if (config.timeframe_ns == 0) config.timeframe_ns = named_ns;
  inst->tick = t->tick;
  inst->lot = t->lot.digits ? t->lot : (struct decimal){1, FILE_VOLUME_SCALE};
  inst->multiplier = (struct decimal){1, 0};
  const bool there = access(t->target, R_OK) == 0;
  if (there && inst->tick.digits == 0 && config.timeframe_ns != 0 && inst->symbol[0]) {
    const struct csv_options csv = {.symbol = inst->symbol, .timeframe_ns = config.timeframe_ns, .repair = true};
    struct series s;
    enum status st = csv_load(t->target, &csv, &s, NULL, err);
    if (st != OK) return err_wrap(err, st, "file: give tick= or a file that has bars");
    inst->tick = s.inst.tick;
    config.volume_scale = s.volume_scale;
    series_finish(&s);
  }
  if (!inst->symbol[0] || config.timeframe_ns == 0 || inst->tick.digits == 0)
    return err_set(err, ERR_USAGE, "file: %.200s %s: write file:PATH:symbol=NAME,timeframe=1m,tick=0.01", t->target,
      there ? "does not tell its symbol, timeframe and tick" : "is not there yet");
  enum status st = instrument_finish(inst, err);
  struct feed_reader reader;
  if (st == OK) st = feed_reader_create(t->target, &reader, err);
  if (st == OK) st = feed_file_create(&config, &reader, &m->ret->feed, err);
  if (st == OK) st = read_file(m, err);
  if (st != OK) return err_wrap(err, st, "file");
  m->names[0] = memcpy(m->symbol, inst->symbol, SYMBOL_MAX);
  m->ret->symbol_count = 1;
  return rates_of(t, m->ret, err);
}

// Of the venue whose name the feed has. Whoever made the hub knows how to speak to it.
struct waker {
  struct hub *hub;
  char venue[VENUE_MAX];
};

static void woken(void *self) {
  const struct waker *w = self;
  const int i = hub_venue_find(w->hub, w->venue);
  if (i < 0) return;  // it is being added
  w->hub->venues[i]->woken = true;
  w->hub->venues[i]->next_ns = INT64_MIN;
  hub_timer_again(w->hub);
}

static enum status make_remote(struct making *m, struct err *err) {
  const struct hub_config *config = &m->hub->config;
  if (!config->remote) return err_set(err, ERR_INVALID, "remote: nobody here speaks to venues");
  struct waker *w = calloc(1, sizeof *w);
  if (!w) return err_set(err, ERR_NOMEM, "out of memory");
  w->hub = m->hub;
  snprintf(w->venue, sizeof w->venue, "%s", m->venue);
  m->ret->owned = w;
  m->ret->free_owned = free;
  const struct hub_remote want = {m->venue, m->text->environment, m->text->category, m->text->ticks, woken, w};
  m->ret->ticks_beside = m->text->ticks;
  return config->remote(config->remote_self, &want, m->ret, err);
}

const struct hub_feed_kind hub_feed_kinds[] = {
  {"sim", NULL, "seed,speed,bar,symbols,from,ticks,funding", "a synthetic market: the same seed gives the same prices for ever"},
  {"replay", "VENUE/SYMBOL", "speed,from,funding", "imported history, several series apart by +; speed is seconds per second, or max"},
  {"file", "PATH", "symbol,timeframe,tick,lot,poll,funding", "a CSV file that somebody appends bars to"},
  {"remote", NULL, "environment,category,ticks", "the venue's own, over the network: instruments and minute bars; ticks=1: trades beside them"},
  {NULL, NULL, NULL, NULL},
};
static enum status (*const makers[])(struct making *m, struct err *err) = {make_sim, make_replay, make_file, make_remote};
_Static_assert(sizeof makers / sizeof *makers + 1 == sizeof hub_feed_kinds / sizeof *hub_feed_kinds, "a maker for each kind");

// ---- the interface

enum status hub_feed_add(struct hub *h, const char *venue, const char *text, struct err *err) {
  struct feed_text t;
  enum status st = text_parse(text, &t, err);
  if (st != OK) return st;
  struct hub_feed_config config = {.start_ns = INT64_MIN, .grace_ns = -1};
  struct making m = {.hub = h, .venue = venue, .text = &t, .ret = &config};
  st = makers[t.kind](&m, err);
  if (st != OK) {
    feed_destroy(config.feed);
    if (config.free_owned) config.free_owned(config.owned);
    if (config.free_fundings) config.free_fundings(config.fundings_self);
    return st;
  }
  config.symbols = m.names;
  return hub_feed_add_feed(h, venue, &config, err);
}

enum status hub_feed_check(const char *venue_and_text, struct err *err) {
  const size_t len = strcspn(venue_and_text, "=");
  bool good = len > 0 && len < VENUE_MAX && venue_and_text[len] == '=';
  for (size_t i = 0; good && i < len; i++)
    good = isalnum((unsigned char)venue_and_text[i]) || venue_and_text[i] == '-' || venue_and_text[i] == '_';
  if (!good)
    return err_set(err, ERR_USAGE, "\"%.60s\": write VENUE=KIND[:…], such as sim=sim:speed=60; a venue's name has 1 to %d letters, digits, - and _",
      venue_and_text, VENUE_MAX - 1);
  struct feed_text t;
  return text_parse(venue_and_text + len + 1, &t, err);
}

// bot/host_feed.c – see host_feed.h. Frames, series and instants; what one bot does: host_open.c, host_bot.c.
#include "base/prefetch.h"
#include "bot/host_impl.h"
#include "bot/record.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define OUT_BYTES (64u << 20)
#define PAST_BYTES (1u << 30)   // of a bot's commands: years
#define IN_BYTES (3u << 20)     // more than any frame and a piece
#define PIECE_BYTES (1u << 20)
#define FLUSH_BYTES (256u << 10)
#define FLUSH_NS 50000

// ---- life

enum status host_feed_create(const struct host_feed_config *config, struct host_feed **ret, struct err *err) {
  struct host_feed *f = calloc(1, sizeof *f);
  if (!f) return err_set(err, ERR_NOMEM, "out of memory");
  f->c = *config;
  f->page = (size_t)sysconf(_SC_PAGESIZE);
  buf_init(&f->in, IN_BYTES);
  buf_init(&f->out, config->out_bytes ? config->out_bytes : OUT_BYTES);
  buf_init(&f->state, SCRIPT_STATE_MAX + WIRE_MEMORY_MAX + 8192);
  buf_init(&f->opening.payload, 1u << 20);
  buf_init(&f->opening.past, PAST_BYTES);
  buf_init(&f->opening.books, WIRE_BOOKS_BYTES);
  f->funding = malloc(WIRE_FUNDING_MAX * sizeof *f->funding);
  f->funding_next = malloc(WIRE_FUNDING_MAX * sizeof *f->funding_next);
  f->bot_funding = malloc(WIRE_FUNDING_MAX * sizeof *f->bot_funding);
  f->bot_signals = malloc(HOST_SIGNALS_MAX * sizeof *f->bot_signals);
  f->indicators = indicator_pool_create();
  if (!f->funding || !f->funding_next || !f->bot_funding || !f->bot_signals || !f->indicators) {
    host_feed_destroy(f);
    return err_set(err, ERR_NOMEM, "out of memory");
  }
  wire_put_hello(&f->out);
  wire_put_whole(&f->out);
  *ret = f;
  return OK;
}

static void series_free(struct host_series *s) {
  series_finish(&s->s);
  free(s->bots);
  free(s);
}

static void opening_clear(struct host_opening *o) {
  buf_clear(&o->payload);
  buf_finish(&o->past);
  buf_init(&o->past, PAST_BYTES);
  buf_finish(&o->books);
  buf_init(&o->books, WIRE_BOOKS_BYTES);
  o->count = 0;
  o->under_way = false;
}

void host_feed_destroy(struct host_feed *f) {
  if (!f) return;
  for (uint32_t i = 0; i < f->slot_count; i++)
    if (f->slots[i]) host_bot_remove(f->slots[i]);
  indicator_pool_destroy(f->indicators);
  for (size_t i = 0; f->series.cells && i <= f->series.mask; i++)
    if (f->series.cells[i].value) series_free(f->series.cells[i].value);
  opening_clear(&f->opening);
  buf_finish(&f->opening.payload);
  buf_finish(&f->opening.past);
  buf_finish(&f->opening.books);
  host_map_finish(&f->bots);
  host_map_finish(&f->series);
  host_map_finish(&f->specs);
  host_map_finish(&f->tenants);
  free(f->slots);
  free(f->due);
  free(f->order);
  free(f->free_slots);
  free(f->funding);
  free(f->funding_next);
  free(f->bot_funding);
  free(f->bot_signals);
  buf_finish(&f->in);
  buf_finish(&f->out);
  buf_finish(&f->state);
  free(f);
}

struct buf *host_feed_out(struct host_feed *f) { return &f->out; }

struct host_feed_stats host_feed_stats(const struct host_feed *f) {
  const struct indicator_pool_stats p = indicator_pool_stats(f->indicators);
  return (struct host_feed_stats){f->bot_count, f->series_count, f->spec_count, f->tenant_count, f->script_bytes, p.shared, p.users};
}

// ---- series

struct host_series *host_series_find(const struct host_feed *f, uint32_t id) { return host_map_get(&f->series, id); }

size_t host_series_from(const struct host_series *s, int64_t open_ns) {
  size_t low = s->forgotten, high = s->s.count;
  while (low < high) {
    size_t mid = low + (high - low) / 2;
    if (s->s.bars[mid].open_ns < open_ns) low = mid + 1;
    else high = mid;
  }
  return low;
}

static enum status series_open(struct host_feed *f, const struct wire_frame *w, struct err *err) {
  if (w->series_id == 0 || host_series_find(f, w->series_id)) return err_set(err, ERR_INVALID, "series %u is open already", w->series_id);
  struct host_series *s = calloc(1, sizeof *s);
  if (!s || !host_map_put(&f->series, w->series_id, s)) {
    free(s);
    return err_set(err, ERR_NOMEM, "out of memory");
  }
  s->id = w->series_id;
  s->s = w->series;
  s->closed_ns = INT64_MIN;
  s->funding = NOT_FUNDED;
  f->series_count++;
  return OK;
}

static enum status series_add(struct host_series *s, const struct bar *bar, int64_t now_ns, struct err *err) {
  int64_t close_ns;
  if (bar->open_ns < 0 || __builtin_add_overflow(bar->open_ns, s->s.timeframe_ns, &close_ns)) return err_set(err, ERR_INVALID, "a bar of series %u out of time", s->id);
  if (now_ns != INT64_MIN && close_ns != now_ns) return err_set(err, ERR_INVALID, "a bar of series %u that does not end at the instant", s->id);
  enum status st = series_append(&s->s, bar, err);
  if (st == OK) s->closed_ns = close_ns;
  return st == OK ? OK : err_wrap(err, st, "series %u", s->id);
}

static enum status series_bars(struct host_feed *f, const struct wire_frame *w, struct err *err) {
  struct host_series *s = host_series_find(f, w->series_id);
  if (!s) return err_set(err, ERR_INVALID, "bars of series %u, which is not open", w->series_id);
  if (s->bot_count) return err_set(err, ERR_INVALID, "history of series %u while bots look at it", s->id);
  enum status st = OK;
  for (size_t i = 0; st == OK && i < w->bar_count; i++) {
    struct bar bar = wire_frame_bar(w, i).bar;
    st = series_add(s, &bar, INT64_MIN, err);
  }
  return st;
}

// Old bars keep their places, since scripts hold numbers of bars; only the memory behind them is given back, a page at a time, and
// reads as zero from then on. What a bot may still look at stays, whatever the core says.
static void series_trim(struct host_feed *f, const struct wire_frame *w) {
  struct host_series *s = host_series_find(f, w->series_id);
  if (!s || s->s.count == 0) return;
  size_t keep = 1, gone = host_series_from(s, w->time_ns);
  for (size_t i = 0; i < s->bot_count; i++) {
    size_t wants = (size_t)s->bots[i]->spec->spec->lookback + 1;
    if (wants > keep) keep = wants;
  }
  if (gone > s->s.count - (keep < s->s.count ? keep : s->s.count)) gone = s->s.count - (keep < s->s.count ? keep : s->s.count);
  if (gone <= s->forgotten) return;
  uintptr_t from = (uintptr_t)(s->s.bars + s->forgotten), to = (uintptr_t)(s->s.bars + gone);
  from = (from + f->page - 1) / f->page * f->page;
  to = to / f->page * f->page;
  s->forgotten = gone;
  if (to > from) (void)madvise((void *)from, to - from, MADV_DONTNEED);
}

static enum status series_close(struct host_feed *f, const struct wire_frame *w, struct err *err) {
  struct host_series *s = host_series_find(f, w->series_id);
  if (!s) return OK;
  if (s->bot_count) return err_set(err, ERR_INVALID, "series %u is closed while bots look at it", s->id);
  host_map_remove(&f->series, s->id);
  f->series_count--;
  series_free(s);
  return OK;
}

// ---- bots

static void series_leave(struct host_series *s, const struct host_bot *b) {
  for (size_t i = 0; s && i < s->bot_count; i++)
    if (s->bots[i] == b) {
      s->bots[i] = s->bots[--s->bot_count];
      return;
    }
}

void host_bot_remove(struct host_bot *b) {
  struct host_feed *f = b->feed;
  for (int i = 0; i < b->stream_count; i++) series_leave(b->streams[i], b);
  for (int i = 0; i < b->symbol_count; i++) series_leave(b->symbols[i], b);
  if (b->slot != UINT32_MAX) {
    f->slots[b->slot] = NULL;
    f->due[b->slot] = 0;
    f->free_slots[f->free_slot_count++] = b->slot;
  }
  if (host_map_get(&f->bots, b->id) == b) {
    host_map_remove(&f->bots, b->id);
    f->bot_count--;
  }
  pilot_destroy(b->pilot);
  host_next_free(b);
  (void)host_tenant_bytes(b, 0);
  host_tenant_put(f, b->tenant);
  host_spec_put(f, b->spec);
  for (struct host_signal *s = b->signals, *next; s; s = next) {
    next = s->next;
    free(s);
  }
  free(b->ticks);
  free(b->params);
  free(b->stop);
  free(b);
}

static struct host_bot *bot_find(const struct host_feed *f, const struct wire_frame *w) { return host_map_get(&f->bots, w->bot); }

static enum status opening_end(struct host_feed *f, struct err *err) {
  struct host_opening *o = &f->opening;
  enum status st = host_bot_open(f, &o->open, &o->books, &o->past, err);
  opening_clear(o);
  return st;
}

static enum status opening_more(struct host_feed *f, struct err *err) {
  const struct host_opening *o = &f->opening;
  return o->count == o->open.restore_count && o->books.len == o->open.books_bytes ? opening_end(f, err) : OK;
}

static enum status bot_open(struct host_feed *f, const struct wire_frame *w, struct err *err) {
  struct host_opening *o = &f->opening;
  if (bot_find(f, w)) return err_set(err, ERR_INVALID, "bot %llu is open already", (unsigned long long)w->bot);
  if (o->under_way) return err_set(err, ERR_INVALID, "a second bot is opened before the first has all its past");
  buf_add(&o->payload, w->payload, w->payload_len);
  if (o->payload.failed) return err_set(err, ERR_NOMEM, "out of memory");
  struct wire_frame kept = *w;
  kept.payload = (const unsigned char *)o->payload.data;
  wire_frame_open(&kept, &o->open);
  o->under_way = true;
  return opening_more(f, err);
}

static enum status bot_books(struct host_feed *f, const struct wire_frame *w, struct err *err) {
  struct host_opening *o = &f->opening;
  if (!o->under_way || o->open.bot != w->bot || o->count > 0 || w->text_len > o->open.books_bytes - o->books.len)
    return err_set(err, ERR_INVALID, "books of a bot that is not being opened, or more than were announced");
  buf_add(&o->books, w->text, w->text_len);
  if (o->books.failed) return err_set(err, ERR_NOMEM, "out of memory");
  return opening_more(f, err);
}

static enum status bot_restore(struct host_feed *f, const struct wire_frame *w, struct err *err) {
  struct host_opening *o = &f->opening;
  if (!o->under_way || o->open.bot != w->bot || o->books.len < o->open.books_bytes || o->count == o->open.restore_count)
    return err_set(err, ERR_INVALID, "the past of a bot that is not being opened");
  record_put_command(&o->past, 0, &w->command);
  if (o->past.failed) return err_set(err, ERR_NOMEM, "out of memory");
  o->count++;
  return opening_more(f, err);
}

static void impose(struct host_feed *f, const struct wire_frame *w) {
  struct host_bot *b = bot_find(f, w);
  if (!b || pilot_impose(b->pilot, &w->command)) return;
  host_fault(f, b->id, b->chunkname, ERR_INVALID, "a command of the core does not fit: both no longer have the same orders", FAULT_GONE);
  host_bot_remove(b);
}

static char *text_put(char **at, struct wire_text t) {
  if (!t.text) return NULL;
  char *begin = *at;
  memcpy(begin, t.text, t.len);
  begin[t.len] = '\0';
  *at += t.len + 1;
  return begin;
}

static enum status signal_take(struct host_feed *f, const struct wire_frame *w, struct err *err) {
  struct host_bot *b = bot_find(f, w);
  if (!b) return OK;
  if (b->signal_count == HOST_WAITING_MAX) {
    wire_put_log(&f->out, b->id, pilot_now(b->pilot), LOG_WARN, "a signal was dropped: too many wait for the bot");
    return OK;
  }
  struct wire_signal g;
  wire_frame_signal(w, &g);
  const size_t bytes = g.id.len + g.source.len + g.key.len + g.symbol.len + g.action.len + g.raw.len + 6;
  struct host_signal *s = malloc(sizeof *s + bytes);
  if (!s) return err_set(err, ERR_NOMEM, "out of memory");
  char *at = s->bytes;
  s->next = NULL;
  s->s = (struct script_signal){.id = text_put(&at, g.id), .source = text_put(&at, g.source), .key = text_put(&at, g.key), .symbol = text_put(&at, g.symbol),
                                .action = text_put(&at, g.action), .raw = text_put(&at, g.raw), .size = g.size, .price = g.price, .sl = g.sl, .tp = g.tp, .ts_ns = g.ts_ns};
  *b->signals_end = s;
  b->signals_end = &s->next;
  b->signal_count++;
  return OK;
}

// The core has put together what came of a symbol; one that was not told yet is past.
static enum status tick_take(struct host_feed *f, const struct wire_frame *w, struct err *err) {
  struct host_bot *b = bot_find(f, w);
  int i = 0;
  if (!b || w->tick.symbol >= b->symbol_count) return OK;
  if (!b->ticks) b->ticks = malloc((size_t)b->symbol_count * sizeof *b->ticks);
  if (!b->ticks) return err_set(err, ERR_NOMEM, "out of memory");
  while (i < b->tick_count && b->ticks[i].symbol != w->tick.symbol) i++;
  b->ticks[i] = w->tick;
  b->tick_count += i == b->tick_count;
  return OK;
}

static enum status params_take(struct host_feed *f, const struct wire_frame *w, struct err *err) {
  struct host_bot *b = bot_find(f, w);
  if (!b) {
    wire_put_answer(&f->out, w->bot, WIRE_PARAMS, ERR_NOTFOUND, "the bot is not open");
    return OK;
  }
  const struct script_spec *spec = b->spec->spec;
  struct param_value *values = calloc((size_t)spec->param_count + 1, sizeof *values);
  if (!values) return err_set(err, ERR_NOMEM, "out of memory");
  struct err why;
  double max_notional;
  enum status st = b->next ? err_set(&why, ERR_CANCELLED, "another version of the script is about to take over") : host_params_read(spec, wire_text(w->text, w->text_len), values, &why);
  if (st == OK && spec->has_check && w->source.len)
    st = script_check_params(b->chunkname, w->source.text, w->source.len, spec, values, f->c.watchdog, &max_notional, &why);
  if (st != OK) {
    wire_put_answer(&f->out, b->id, WIRE_PARAMS, st, why.msg);
    free(values);
    return OK;
  }
  if (b->params) wire_put_answer(&f->out, b->id, WIRE_PARAMS, ERR_CANCELLED, "others came before the next instant");
  free(b->params);
  b->params = values;
  return OK;
}

static enum status stop_take(struct host_feed *f, const struct wire_frame *w, struct err *err) {
  struct host_bot *b = bot_find(f, w);
  if (!b) {
    wire_put_answer(&f->out, w->bot, WIRE_BOT_STOP, ERR_NOTFOUND, "the bot is not open");
    return OK;
  }
  char *why = w->text_len ? strndup(w->text, w->text_len) : strdup("");
  if (!why) return err_set(err, ERR_NOMEM, "out of memory");
  free(b->stop);
  b->stop = why;
  return OK;
}

static enum status reload_take(struct host_feed *f, const struct wire_frame *w, struct err *err) {
  struct wire_reload r;
  wire_frame_reload(w, &r);
  return host_reload(f, bot_find(f, w), &r, err);
}

static void digest_tell(struct host_feed *f, const struct wire_frame *w) {
  struct host_bot *b = bot_find(f, w);
  char hex[SHA256_HEX_SIZE];
  if (!b) return;
  pilot_hash(b->pilot, hex);
  wire_put_hash(&f->out, b->id, hex);
}

// ---- an instant

static void due_mark(struct host_feed *f, const struct host_series *s) {
  for (size_t i = 0; i < s->bot_count; i++) f->due[s->bots[i]->slot] = 1;
}

static enum status bars_take(struct host_feed *f, const struct wire_frame *w, struct err *err) {
  for (size_t i = 0; i < w->bar_count; i++) {
    struct wire_bar b = wire_frame_bar(w, i);
    struct host_series *s = host_series_find(f, b.series);
    if (!s) continue;  // nobody's here
    enum status st = series_add(s, &b.bar, w->time_ns, err);
    if (st != OK) return st;
    due_mark(f, s);
  }
  return OK;
}

static void funding_take(struct host_feed *f, const struct wire_frame *w) {
  for (size_t i = w->funding_count; i-- > 0;) {  // from the last, so that each series' list is in their order
    struct wire_funding one = wire_frame_funding(w, i);
    struct host_series *s = host_series_find(f, one.series);
    if (!s) continue;
    f->funding[i] = (struct instant_funding){.ts_ns = one.ts_ns, .rate_e12 = one.rate_e12, .mark = one.mark, .before_match = one.before_match};
    f->funding_next[i] = s->funding;
    s->funding = (uint32_t)i;
    due_mark(f, s);
  }
}

static void funding_forget(struct host_feed *f, const struct wire_frame *w) {
  for (size_t i = 0; i < w->funding_count; i++) {
    struct host_series *s = host_series_find(f, wire_frame_funding(w, i).series);
    if (s) s->funding = NOT_FUNDED;
  }
}

// What the quick have done does not wait for those after them: it goes after a twentieth of a millisecond, then at twice the time each, so
// that an answer takes at most twice as long as what stood before it, and the core is woken a few times only.
static void flush_begin(struct host_feed *f) {
  f->seen_ns = f->c.wall_ns ? f->c.wall_ns() : 0;
  f->flush_step_ns = FLUSH_NS;
  f->flush_ns = f->seen_ns + FLUSH_NS;
}

static void flush_some(struct host_feed *f) {
  if (!f->c.flush || (f->out.len <= FLUSH_BYTES && (f->seen_ns < f->flush_ns || f->out.len == 0 || f->seen_ns == 0))) return;
  f->c.flush(f->c.self, &f->out);
  f->flush_ns = f->seen_ns + (f->flush_step_ns *= 2);
}

static enum status run(struct host_feed *f, uint32_t slot, const struct wire_frame *w, uint32_t *run, uint32_t *failed, struct err *err) {
  struct host_bot *b = f->slots[slot];
  if (pilot_now(b->pilot) >= w->time_ns) return err_set(err, ERR_INVALID, "an instant that is not later than bot %llu's last", (unsigned long long)b->id);
  f->due[slot] = 0;
  ++*run;
  struct host_tenant *t = b->tenant;
  t->refs++;  // the bot may go
  const size_t said = f->out.len;
  int64_t begin = host_tenant_enter(f, t);
  *failed += !host_bot_run(b, w->time_ns);
  host_tenant_leave(f, t, begin);
  f->order[slot] = (uint8_t)host_tenant_order(f, t);
  host_tenant_put(f, t);
  if (f->out.len > said) wire_put_whole(&f->out);
  flush_some(f);
  return OK;
}

// Bots that are due next are in no cache: while this one runs their memory comes, of each a part at a time that shows where the next
// part is.
static void look_ahead(const struct host_feed *f, uint32_t slot, int turn) {
  for (int step = -1; step < PILOT_PREFETCH_STEPS; step++) {
    const uint32_t at = slot + (uint32_t)(PILOT_PREFETCH_STEPS - step);
    const struct host_bot *b = at < f->slot_count && f->due[at] && f->order[at] <= turn ? f->slots[at] : NULL;
    if (!b) continue;
    if (step < 0) prefetch(b, sizeof *b);
    else pilot_prefetch(b->pilot, step);
  }
}

static enum status instant(struct host_feed *f, const struct wire_frame *w, struct err *err) {
  if (f->opening.under_way) return err_set(err, ERR_INVALID, "an instant before a bot has all its past");
  f->turn++;
  enum status st = bars_take(f, w, err);
  if (st != OK) return st;
  funding_take(f, w);
  uint32_t count = 0, failed = 0;
  flush_begin(f);
  for (int turn = 0, next; turn < HOST_TURNS && st == OK; turn = next) {
    next = HOST_TURNS;
    for (uint32_t i = 0; i < f->slot_count && st == OK; i++) {
      look_ahead(f, i, turn);
      if (!f->due[i]) continue;
      if (f->order[i] <= turn) f->order[i] = (uint8_t)host_tenant_order(f, f->slots[i]->tenant);
      if (f->order[i] <= turn) st = run(f, i, w, &count, &failed, err);
      else if (f->order[i] < next) next = f->order[i];
    }
    if (next < HOST_TURNS && f->out.len && f->c.flush) f->c.flush(f->c.self, &f->out);
  }
  if (st != OK) return st;
  funding_forget(f, w);
  wire_put_done(&f->out, w->time_ns, count, failed);
  return OK;
}

// ---- frames

static enum status take(struct host_feed *f, const struct wire_frame *w, struct err *err) {
  switch (w->type) {
    case WIRE_HELLO: return OK;
    case WIRE_SERIES_OPEN: return series_open(f, w, err);
    case WIRE_SERIES_BARS: return series_bars(f, w, err);
    case WIRE_SERIES_TRIM: series_trim(f, w); return OK;
    case WIRE_SERIES_CLOSE: return series_close(f, w, err);
    case WIRE_BOT_OPEN: return bot_open(f, w, err);
    case WIRE_BOOKS: return bot_books(f, w, err);
    case WIRE_RESTORE: return bot_restore(f, w, err);
    case WIRE_INSTANT: return instant(f, w, err);
    case WIRE_IMPOSE: impose(f, w); return OK;
    case WIRE_LIMITS: if (bot_find(f, w)) pilot_limits(bot_find(f, w)->pilot, &w->limits); return OK;
    case WIRE_TICK: return tick_take(f, w, err);
    case WIRE_RISK: if (bot_find(f, w)) pilot_risk(bot_find(f, w)->pilot, w->code, w->limit, w->value, w->time_ns); return OK;
    case WIRE_SIGNAL: return signal_take(f, w, err);
    case WIRE_PARAMS: return params_take(f, w, err);
    case WIRE_BOT_STOP: return stop_take(f, w, err);
    case WIRE_RELOAD: return reload_take(f, w, err);
    case WIRE_DIGEST: digest_tell(f, w); return OK;
    case WIRE_CALL:
      if (bot_find(f, w)) f->due[bot_find(f, w)->slot] = 1;
      return OK;
    case WIRE_PING: wire_put_pong(&f->out, w->token); return OK;
    case WIRE_BOT_CLOSE:
      if (f->opening.under_way && f->opening.open.bot == w->bot) opening_clear(&f->opening);
      else if (bot_find(f, w)) host_bot_remove(bot_find(f, w));
      return OK;
    default: return err_set(err, ERR_INVALID, "%s: a frame that only a host sends", wire_type_text((int)w->type));
  }
}

// Takes whole frames; *ret_used tells how far it got.
static enum status take_all(struct host_feed *f, const char *p, size_t n, size_t *ret_used, struct err *err) {
  struct wire_frame w;
  *ret_used = 0;
  for (size_t used; *ret_used < n; *ret_used += used) {
    enum status st = wire_read(p + *ret_used, n - *ret_used, &w, &used, err);
    if (st != OK || used == 0) return st;
    const size_t said = f->out.len;
    if ((st = take(f, &w, err)) != OK) return st;
    if (f->out.len != said) wire_put_whole(&f->out);  // less is there if some was given away, of which the rest is to be taken too
    if (f->out.failed) return err_set(err, ERR_NOMEM, "more to say than there is room for");
    if (f->out.len > FLUSH_BYTES && f->c.flush) f->c.flush(f->c.self, &f->out);
  }
  return OK;
}

static enum status take_piece(struct host_feed *f, const void *bytes, size_t n, struct err *err) {
  size_t used;
  if (f->in.len == 0) {
    enum status st = take_all(f, bytes, n, &used, err);
    if (st != OK) return st;
    buf_add(&f->in, (const char *)bytes + used, n - used);
  } else {
    buf_add(&f->in, bytes, n);
    if (f->in.failed) return err_set(err, ERR_NOMEM, "out of memory");
    enum status st = take_all(f, f->in.data, f->in.len, &used, err);
    if (st != OK) return st;
    memmove(f->in.data, f->in.data + used, f->in.len - used);
    f->in.len -= used;
  }
  return f->in.failed ? err_set(err, ERR_NOMEM, "out of memory") : OK;
}

enum status host_feed_bytes(struct host_feed *f, const void *bytes, size_t n, struct err *err) {
  enum status st = OK;
  for (const char *p = bytes; st == OK && n > 0;) {
    size_t piece = n < PIECE_BYTES ? n : PIECE_BYTES;
    st = take_piece(f, p, piece, err);
    p += piece;
    n -= piece;
  }
  return st;
}

// bot/host_open.c – how a bot comes to life in a host: header, parameters, pilot; then its past, bar by bar with the commands of the
// journal, beside a silent script; then what it remembered.
#include "bot/host_impl.h"

#include "bot/memory.h"
#include "bot/record.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// "sma.lua:14: …", wherever the chunk's name stands in the message; 0: nowhere.
static int line_of(const char *message, const char *chunkname) {
  size_t n = strlen(chunkname);
  for (const char *p = message; n > 0 && (p = strstr(p, chunkname)); p += n) {
    if (p[n] != ':') continue;
    long line = strtol(p + n + 1, NULL, 10);
    if (line > 0 && line < 1000000) return (int)line;
  }
  return 0;
}

void host_fault(struct host_feed *f, uint64_t bot, const char *chunkname, enum status st, const char *text, enum wire_fault kind) {
  wire_put_fault(&f->out, bot, st, line_of(text, chunkname), kind, text);
}

enum status host_params_read(const struct script_spec *spec, struct wire_text json, struct param_value *ret_values, struct err *err) {
  params_default(spec, ret_values);
  if (json.len == 0) return OK;
  json_error_t je;
  json_t *root = json_loadb(json.text, json.len, JSON_REJECT_DUPLICATES, &je);
  if (!json_is_object(root)) {
    json_decref(root);
    return err_set(err, ERR_INVALID, "parameters: a JSON object is wanted");
  }
  enum status st = params_set_json(spec, "", root, ret_values, err);
  json_decref(root);
  return st;
}

// ---- its series

static bool same_units(const struct instrument *a, const struct instrument *b) {
  return a->tick.digits == b->tick.digits && a->tick.scale == b->tick.scale && a->lot.digits == b->lot.digits && a->lot.scale == b->lot.scale &&
         a->multiplier.digits == b->multiplier.digits && a->multiplier.scale == b->multiplier.scale;
}

static enum status series_get(struct host_feed *f, uint32_t id, int64_t timeframe_ns, struct host_series **ret, struct err *err) {
  *ret = host_series_find(f, id);
  if (!*ret) return err_set(err, ERR_NOTFOUND, "series %u is not open here", id);
  if (timeframe_ns && (*ret)->s.timeframe_ns != timeframe_ns) return err_set(err, ERR_INVALID, "series %u cannot stand in for one of another timeframe", id);
  return OK;
}

// Where the bars of the past come from, and how far it has got.
struct past_cursor {
  const struct series *s;
  size_t next;
};

struct opening {
  const struct wire_open *o;
  struct host_bot *b;
  struct match_symbol_config symbols[SPEC_STREAMS_MAX];
  struct past_cursor of_stream[SPEC_STREAMS_MAX], of_symbol[SPEC_STREAMS_MAX];
  int64_t first_ns[SPEC_STREAMS_MAX];  // of the streams' first bars; 0: none yet
  size_t seen_from[SPEC_STREAMS_MAX];  // bars before it are not for the indicators
  const struct buf *books;             // NULL: there are none, or they were read
};

static struct past_cursor cursor_of(const struct opening *x, const struct host_series *s) {
  return (struct past_cursor){&s->s, host_series_from(s, x->o->warm_from_ns)};
}

static enum status find_series(struct opening *x, struct err *err) {
  struct host_feed *f = x->b->feed;
  enum status st = OK;
  for (int i = 0; st == OK && i < x->o->symbol_count; i++) {
    const struct wire_symbol *w = &x->o->symbols[i];
    struct host_series *past = NULL;
    if ((st = series_get(f, w->series, 0, &x->b->symbols[i], err)) != OK) break;
    const struct series *s = &x->b->symbols[i]->s;
    if (w->history && (st = series_get(f, w->history, s->timeframe_ns, &past, err)) != OK) break;
    x->of_symbol[i] = cursor_of(x, past ? past : x->b->symbols[i]);
    struct match_symbol_config *c = &x->symbols[i];
    match_symbol_config_init(c, &s->inst);
    c->fees = w->fees, c->costs = w->costs, c->leverage_e4 = w->leverage_e4, c->maintenance_frac_e8 = w->maintenance_frac_e8;
    c->volume_scale = s->volume_scale, c->futures_margin = w->futures_margin;
  }
  for (int i = 0; st == OK && i < x->o->stream_count; i++) {
    const struct wire_stream *w = &x->o->streams[i];
    struct host_series *past = NULL;
    if ((st = series_get(f, w->series, 0, &x->b->streams[i], err)) != OK) break;
    if (w->history && (st = series_get(f, w->history, x->b->streams[i]->s.timeframe_ns, &past, err)) != OK) break;
    x->of_stream[i] = cursor_of(x, past ? past : x->b->streams[i]);
    x->b->series[i] = x->of_stream[i].s;
    x->b->symbol_of[i] = w->symbol;
    if (!same_units(&x->of_stream[i].s->inst, &x->symbols[w->symbol].inst)) st = err_set(err, ERR_INVALID, "stream %d and its symbol do not count in the same ticks and lots", i + 1);
  }
  return st;
}

// ---- its past

static void seen_from(struct opening *x) {
  for (int i = 0; i < x->o->stream_count; i++) {
    const struct series *s = x->of_stream[i].s;
    size_t end = s->count;
    while (end > 0 && s->bars[end - 1].open_ns + s->timeframe_ns >= x->o->version_ns) end--;
    x->seen_from[i] = x->o->version_ns && end > x->o->version_history ? end - x->o->version_history : 0;
    const size_t first = x->seen_from[i] > x->of_stream[i].next ? x->seen_from[i] : x->of_stream[i].next;
    x->first_ns[i] = first < s->count ? s->bars[first].open_ns : 0;
  }
}

static int64_t next_close(const struct past_cursor *c) {
  return c->next < c->s->count ? c->s->bars[c->next].open_ns + c->s->timeframe_ns : INT64_MAX;
}

// The commands that the next instants are about, out of all of them: there may be millions.
struct told {
  struct record all;
  size_t at;
  struct bot_command *items;
  size_t cap;
  struct pilot_past past;   // items: those that are left
};

static int64_t instant_of(const struct opening *x, const struct bot_command *c) {
  return c->kind == COMMAND_MARK ? c->time_ns + x->b->series[0]->timeframe_ns : c->time_ns;
}

// At least all that belong to instants up to now_ns; of those behind, `more`.
static enum status tell_until(const struct opening *x, struct told *t, int64_t now_ns, size_t more, struct err *err) {
  if (t->past.at > 0) {
    t->past.count -= t->past.at;
    memmove(t->items, t->items + t->past.at, t->past.count * sizeof *t->items);
    t->past.at = 0;
  }
  while (t->past.count == 0 || instant_of(x, &t->items[t->past.count - 1]) <= now_ns || more > 0) {
    if (t->past.count == t->cap) {
      const size_t cap = t->cap ? 2 * t->cap : 64;
      struct bot_command *items = realloc(t->items, cap * sizeof *items);
      if (!items) return err_set(err, ERR_NOMEM, "out of memory");
      t->past.commands = t->items = items;
      t->cap = cap;
    }
    if (!record_command_next(&t->all, &t->at, &t->items[t->past.count])) return OK;
    more -= instant_of(x, &t->items[t->past.count++]) > now_ns && more > 0;
  }
  return OK;
}

// From here on instants are walked through: what they were before is in the books.
static enum status read_books(struct opening *x, struct err *err) {
  const struct buf *books = x->books;
  x->books = NULL;
  return books ? pilot_past_books(x->b->pilot, x->o->books_ns, books->data, books->len, err) : OK;
}

static enum status walk_past(struct opening *x, struct told *told, struct err *err) {
  struct host_bot *b = x->b;
  enum status st = OK;
  seen_from(x);
  while (st == OK) {
    struct instant_match match[SPEC_STREAMS_MAX];
    struct instant_bar bars[SPEC_STREAMS_MAX];
    struct instant in = {.now_ns = INT64_MAX, .match = match, .bars = bars};
    for (int i = 0; i < b->symbol_count; i++)
      if (next_close(&x->of_symbol[i]) < in.now_ns) in.now_ns = next_close(&x->of_symbol[i]);
    for (int i = 0; i < b->stream_count; i++)
      if (next_close(&x->of_stream[i]) < in.now_ns) in.now_ns = next_close(&x->of_stream[i]);
    if (in.now_ns == INT64_MAX) break;
    if (in.now_ns > x->o->books_ns && (st = read_books(x, err)) != OK) break;
    bool ran = in.now_ns > b->run_from_ns;
    for (int i = 0; i < b->symbol_count; i++) {
      struct past_cursor *c = &x->of_symbol[i];
      if (next_close(c) != in.now_ns) continue;
      if (ran) match[in.match_count++] = (struct instant_match){i, {.bar = &c->s->bars[c->next], .close_ns = in.now_ns}};
      else pilot_mark(b->pilot, i, c->s->bars[c->next].close);
      c->next++;
    }
    for (int i = 0; i < b->stream_count; i++) {
      struct past_cursor *c = &x->of_stream[i];
      if (next_close(c) == in.now_ns) {
        bars[in.bar_count++] = (struct instant_bar){.stream = i, .ix = c->next, .deliver = ran, .unseen = c->next < x->seen_from[i]};
        c->next++;
      }
    }
    if (in.now_ns <= pilot_now(b->pilot)) return err_set(err, ERR_INVALID, "bars before 1970");
    if (x->books) {
      st = pilot_past_bars(b->pilot, &in, err);
      continue;
    }
    st = tell_until(x, told, in.now_ns, 0, err);
    if (st == OK) st = pilot_past(b->pilot, &in, &told->past, err);
  }
  return st == OK ? read_books(x, err) : st;
}

// From what stood in to the series that will grow.
static void rebase(struct opening *x) {
  struct host_bot *b = x->b;
  for (int i = 0; i < b->stream_count; i++) {
    const struct series *live = &b->streams[i]->s;
    if (b->series[i] == live) continue;
    b->series[i] = live;
    script_rebase(bot_script(pilot_bot(b->pilot)), i, live, live->count);
  }
}

// What others have computed of the same bars need not be computed again.
static void share(const struct opening *x) {
  const struct host_bot *b = x->b;
  for (int i = 0; i < b->stream_count; i++)
    script_share(bot_script(pilot_bot(b->pilot)), i, b->feed->indicators, b->streams[i]->id, x->first_ns[i]);
}

// ---- all of it

static enum status make_pilot(struct opening *x, struct err *err) {
  struct host_bot *b = x->b;
  struct host_feed *f = b->feed;
  const struct wire_open *o = x->o;
  const struct script_spec *spec = b->spec->spec;
  struct param_value *values = calloc((size_t)spec->param_count + 1, sizeof *values);
  if (!values) return err_set(err, ERR_NOMEM, "out of memory");
  const char *source = o->source.text ? o->source.text : "";
  double max_notional;
  enum status st = host_params_read(spec, o->params, values, err);
  if (st == OK && spec->has_check) {
    st = script_check_params(b->chunkname, source, o->source.len, spec, values, f->c.watchdog, &max_notional, err);
    if (st == ERR_SCRIPT) st = err->code = ERR_INVALID;  // it works, and does not want these values: another try changes nothing
  }
  struct vm_limits limits = o->limits;
  limits.seed = pilot_seed(o->seed, o->resume);
  limits.fail_alloc = 0;
  struct pilot_config config = {
      .bot = {.chunkname = b->chunkname, .source = source, .source_len = o->source.len, .spec = spec, .values = values, .limits = limits, .watchdog = f->c.watchdog,
              .series = b->series, .symbols = b->symbol_of, .risk = o->risk, .observer = host_bot_observer(b)},
      .blotter = {.match = o->match, .symbols = x->symbols, .symbol_count = o->symbol_count}};
  if (st == OK) st = pilot_create(&config, &b->pilot, err);
  free(values);
  return st;
}

static enum status remember(struct opening *x, struct err *err) {
  const struct wire_open *o = x->o;
  struct bot *bot = pilot_bot(x->b->pilot);
  char from[WIRE_TEXT_MAX + 1];
  if (o->from.len) memcpy(from, o->from.text, o->from.len);
  from[o->from.len] = '\0';
  enum status st = OK;
  if (o->state.len) st = script_state_load(bot_script(bot), o->state.text, o->state.len, from[0] ? from : NULL, err);
  if (st == OK && o->memory.len) st = bot_memory_load(bot, o->memory.text, o->memory.len, err);
  return st;
}

static enum status past_end(struct opening *x, struct told *told, struct err *err) {
  enum status st;
  do {
    st = tell_until(x, told, INT64_MIN, 1024, err);
    if (st == OK) st = pilot_past_end(x->b->pilot, &told->past, x->o->resume > 0, err);
  } while (st == OK && told->at < told->all.commands.len);
  return st;
}

static enum status open_it(struct opening *x, const struct buf *commands, struct err *err) {
  const struct wire_open *o = x->o;
  struct host_bot *b = x->b;
  struct told told = {.past.seen_ns = o->seen_ns ? o->seen_ns : o->live_from_ns};
  record_init(&told.all, RECORD_COMMANDS, 0);
  told.all.commands = record_text(commands->data, commands->len);
  enum status st = host_spec_get(b->feed, o->source, b->chunkname, &b->spec, err);
  if (st != OK) return st;
  const struct script_spec *spec = b->spec->spec;
  if (spec->stream_count != o->stream_count) return err_set(err, ERR_INVALID, "the script has %d data streams, not %d", spec->stream_count, o->stream_count);
  if (spec->hedging != o->match.hedging) return err_set(err, ERR_INVALID, "the script and its account do not agree about hedging");
  st = find_series(x, err);
  if (st == OK) st = make_pilot(x, err);
  if (st == OK) st = walk_past(x, &told, err);
  if (st == OK) st = past_end(x, &told, err);
  free(told.items);
  if (st != OK) return st;
  rebase(x);
  share(x);
  return remember(x, err);
}

static bool series_join(struct host_series *s, struct host_bot *b) {
  for (size_t i = 0; i < s->bot_count; i++)
    if (s->bots[i] == b) return true;  // a second stream of the same
  if (s->bot_count == s->bot_cap) {
    size_t cap = s->bot_cap ? 2 * s->bot_cap : 8;
    struct host_bot **bots = realloc(s->bots, cap * sizeof(struct host_bot *));
    if (!bots) return false;
    s->bots = bots;
    s->bot_cap = cap;
  }
  s->bots[s->bot_count++] = b;
  return true;
}

static bool slot_take(struct host_bot *b) {
  struct host_feed *f = b->feed;
  if (f->free_slot_count) {
    b->slot = f->free_slots[--f->free_slot_count];
  } else {
    if (f->slot_count == f->slot_cap) {
      size_t cap = f->slot_cap ? 2 * (size_t)f->slot_cap : 64;
      void *slots = realloc(f->slots, cap * sizeof *f->slots), *due = NULL, *order = NULL, *free_slots = NULL;
      if (slots) f->slots = slots, due = realloc(f->due, cap);
      if (due) f->due = due, order = realloc(f->order, cap);
      if (order) f->order = order, free_slots = realloc(f->free_slots, cap * sizeof *f->free_slots);
      if (!free_slots) return false;
      f->free_slots = free_slots;
      f->slot_cap = (uint32_t)cap;
    }
    b->slot = f->slot_count++;
  }
  f->slots[b->slot] = b;
  f->due[b->slot] = f->order[b->slot] = 0;
  return true;
}

static bool on_tables(struct host_bot *b) {
  struct host_feed *f = b->feed;
  if (!slot_take(b)) return false;
  for (int i = 0; i < b->stream_count; i++)
    if (!series_join(b->streams[i], b)) return false;
  for (int i = 0; i < b->symbol_count; i++)
    if (!series_join(b->symbols[i], b)) return false;
  if (!host_map_put(&f->bots, b->id, b)) return false;
  f->bot_count++;
  return true;
}

static void tell_opened(struct host_bot *b) {
  const struct script_spec *spec = b->spec->spec;
  struct wire_opened opened = {.callbacks = spec->callbacks, .warmup = spec->warmup, .lookback = spec->lookback,
                               .warm = script_warm(bot_script(pilot_bot(b->pilot))), .timer_next_ns = b->told_timer_ns = pilot_timer_next(b->pilot)};
  memcpy(opened.spec_sha256, spec->sha256, sizeof opened.spec_sha256);
  pilot_hash(b->pilot, opened.hash);
  wire_put_opened(&b->feed->out, b->id, &opened);
}

// One block: the bot, then its arrays, the most strictly aligned first.
static struct host_bot *bot_alloc(struct host_feed *f, const struct wire_open *o) {
  size_t streams = (size_t)o->stream_count, symbols = (size_t)o->symbol_count;
  struct host_bot *b = calloc(1, sizeof *b + streams * (sizeof *b->series + sizeof *b->streams + sizeof *b->symbol_of) + symbols * sizeof *b->symbols);
  if (!b) return NULL;
  b->series = (const struct series **)(b + 1);
  b->streams = (struct host_series **)(b->series + streams);
  b->symbols = b->streams + streams;
  b->symbol_of = (int *)(b->symbols + symbols);
  b->feed = f;
  b->id = o->bot;
  b->slot = UINT32_MAX;
  b->stream_count = o->stream_count;
  b->symbol_count = o->symbol_count;
  b->run_from_ns = o->run_from_ns;
  b->live_from_ns = o->live_from_ns;
  b->tags_told = TAG_FIRST_FREE;
  b->signals_end = &b->signals;
  memcpy(b->chunkname, o->chunkname.text, o->chunkname.len);
  return b;
}

enum status host_bot_open(struct host_feed *f, const struct wire_open *o, const struct buf *books, const struct buf *past, struct err *err) {
  struct opening x = {.o = o, .b = bot_alloc(f, o), .books = o->books_bytes ? books : NULL};
  if (!x.b || !(x.b->tenant = host_tenant_get(f, o))) {
    free(x.b);
    return err_set(err, ERR_NOMEM, "out of memory");
  }
  struct err why;
  host_word_set(f->c.word, o->bot);
  enum status st = open_it(&x, past, &why);
  if (st == OK && !host_tenant_bytes(x.b, script_bytes(bot_script(pilot_bot(x.b->pilot))))) st = err_set(&why, ERR_LIMIT, "this tenant's bots hold more memory than they may together");
  if (st == OK && !o->from.len) host_bot_state(x.b, false);  // what the core has
  host_word_set(f->c.word, 0);
  if (st == OK && !on_tables(x.b)) {
    host_bot_remove(x.b);
    return err_set(err, ERR_NOMEM, "out of memory");
  }
  if (st == OK) {
    tell_opened(x.b);
    if (o->from.len) host_bot_state(x.b, true);  // as migrate made it
    return OK;
  }
  host_fault(f, o->bot, x.b->chunkname, st, why.msg, FAULT_GONE);
  host_bot_remove(x.b);
  return OK;
}

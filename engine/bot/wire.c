// bot/wire.c – see wire.h. Numbers and tables: wire_codec.c; what opens a bot: wire_open.c.
#include "bot/wire_codec.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

// ---- structures as tables

// Side is checked for −1 or 1 by command_valid, like all that depends on the matcher.
static const struct wire_field command_fields[] = {
    FIELD(struct bot_command, kind, 0, COMMAND_KIND_COUNT - 1), FIELD(struct bot_command, time_ns, 0, INT64_MAX), ANY(struct bot_command, id),
    FIELD(struct bot_command, intent.symbol, 0, INT32_MAX), FIELD(struct bot_command, intent.side, SIDE_SELL, SIDE_BUY),
    FIELD(struct bot_command, intent.type, 0, ORDER_TRAILING), FIELD(struct bot_command, intent.leg, 0, LEG_COUNT - 1),
    FIELD(struct bot_command, intent.tif, 0, TIF_GTD), ANY(struct bot_command, intent.expires_ns), FIELD(struct bot_command, intent.post, 0, 1),
    FIELD(struct bot_command, intent.reduce, 0, 1), FIELD(struct bot_command, intent.size_kind, 0, SIZE_CLOSE), ANY(struct bot_command, intent.size),
    ANY(struct bot_command, intent.limit), ANY(struct bot_command, intent.trigger), ANY(struct bot_command, intent.trail_ticks),
    ANY(struct bot_command, intent.trail_frac_e8), ANY(struct bot_command, intent.sl), ANY(struct bot_command, intent.tp),
    ANY(struct bot_command, intent.tp_r_e6), ANY(struct bot_command, intent.oco), ANY(struct bot_command, intent.closes),
    FIELD(struct bot_command, intent.tag, INT32_MIN, INT32_MAX), ANY(struct bot_command, qty), ANY(struct bot_command, change.limit),
    ANY(struct bot_command, change.trigger), ANY(struct bot_command, change.sl), ANY(struct bot_command, change.tp),
    FIELD(struct bot_command, change.sl_none, 0, 1), FIELD(struct bot_command, change.tp_none, 0, 1), ANY(struct bot_command, change.qty),
    ANY(struct bot_command, change.trail_ticks), ANY(struct bot_command, change.trail_frac_e8), FIELD(struct bot_command, why, 0, REASON_COUNT - 1),
    ANY(struct bot_command, funding.ts_ns), ANY(struct bot_command, funding.rate_e12), ANY(struct bot_command, funding.mark),
    FIELD(struct bot_command, funding.before_match, 0, 1), FIELD(struct bot_command, venue.status, 0, ORDER_STATUS_COUNT - 1),
    ANY(struct bot_command, venue.fee), FIELD(struct bot_command, venue.maker, 0, 1), FIELD(struct bot_command, imposed, 0, 1),  // a fill's key is the journal's alone
};

#define TIMEFRAME_NS_MAX (366 * NS_PER_DAY)
static const struct wire_field series_fields[] = {
    FIELD(struct series, timeframe_ns, 1, TIMEFRAME_NS_MAX), FIELD(struct series, volume_scale, 0, 18), FIELD(struct series, price_scale, 0, 18),
    ANY(struct series, inst.tick.digits), FIELD(struct series, inst.tick.scale, 0, 18),
    ANY(struct series, inst.lot.digits), FIELD(struct series, inst.lot.scale, 0, 18),
    ANY(struct series, inst.multiplier.digits), FIELD(struct series, inst.multiplier.scale, 0, 18),
    ANY(struct series, inst.min_qty), ANY(struct series, inst.max_order_qty), ANY(struct series, inst.min_notional),
    FIELD(struct series, inst.tick_step, 1, INT64_MAX), FIELD(struct series, inst.lot_step, 1, INT64_MAX),
};

static const struct wire_field bar_fields[] = {
    ANY(struct bar, open_ns), ANY(struct bar, open), ANY(struct bar, high), ANY(struct bar, low), ANY(struct bar, close),
    FIELD(struct bar, volume, -1, INT64_MAX), FIELD(struct bar, flags, 0, BAR_FILLED_IN | BAR_INCOMPLETE),
};

#define FUNDING_BYTES 29
static const struct wire_field funding_fields[] = {
    ANY(struct wire_funding, series), FIELD(struct wire_funding, ts_ns, 0, INT64_MAX), ANY(struct wire_funding, rate_e12), ANY(struct wire_funding, mark),
    FIELD(struct wire_funding, before_match, 0, 1),
};

#define LIMIT(member) FIELD(struct risk_limits, member, 0, INT64_MAX)
static const struct wire_field limits_fields[] = {
    FIELD(struct risk_limits, max_open, 1, INT32_MAX), LIMIT(max_order_e8), LIMIT(max_position_e8), LIMIT(collar_frac_e8), LIMIT(day_loss_e8), LIMIT(drawdown_e8),
    FIELD(struct risk_limits, rate_count, 0, RISK_RATE_MAX), LIMIT(rate_window_ns),
};

static const struct { const char *text; uint32_t max; } types[256] = {
#define X(name, number, text, max) [number] = {text, max},
    WIRE_LIST(X)
#undef X
};
const char *wire_type_text(int type) { return type >= 0 && type < 256 ? types[type].text : NULL; }

// ---- writing

void wire_put_whole(struct buf *b) { wire_end(b, wire_begin(b, WIRE_WHOLE)); }

void wire_put_hello(struct buf *b) {
  size_t at = wire_begin(b, WIRE_HELLO);
  wire_put(b, WIRE_VERSION, 4);
  wire_end(b, at);
}

void wire_put_series_open(struct buf *b, uint32_t id, const struct series *s) {
  size_t at = wire_begin(b, WIRE_SERIES_OPEN);
  wire_put(b, id, 4);
  buf_add(b, s->inst.symbol, SYMBOL_MAX);
  wire_put_fields(b, s, series_fields, LENGTH(series_fields));
  wire_end(b, at);
}

void wire_put_series_bars(struct buf *b, uint32_t id, const struct bar *bars, size_t count) {
  for (size_t done = 0; done < count;) {
    size_t n = count - done < WIRE_BARS_MAX ? count - done : WIRE_BARS_MAX;
    size_t at = wire_begin(b, WIRE_SERIES_BARS);
    wire_put(b, id, 4);
    wire_put(b, n, 4);
    for (size_t i = 0; i < n; i++) wire_put_fields(b, &bars[done + i], bar_fields, LENGTH(bar_fields));
    wire_end(b, at);
    done += n;
  }
}

void wire_put_series_trim(struct buf *b, uint32_t id, int64_t before_ns) {
  size_t at = wire_begin(b, WIRE_SERIES_TRIM);
  wire_put(b, id, 4);
  wire_put(b, (uint64_t)before_ns, 8);
  wire_end(b, at);
}

void wire_put_series_close(struct buf *b, uint32_t id) {
  size_t at = wire_begin(b, WIRE_SERIES_CLOSE);
  wire_put(b, id, 4);
  wire_end(b, at);
}

void wire_put_instant(struct buf *b, uint32_t venue, int64_t now_ns, const struct wire_bar *bars, size_t count, const struct wire_funding *funding, size_t funding_count) {
  assert(count <= WIRE_INSTANT_MAX && funding_count <= WIRE_FUNDING_MAX);
  size_t at = wire_begin(b, WIRE_INSTANT);
  wire_put(b, venue, 4);
  wire_put(b, (uint64_t)now_ns, 8);
  wire_put(b, count, 4);
  for (size_t i = 0; i < count; i++) {
    wire_put(b, bars[i].series, 4);
    wire_put_fields(b, &bars[i].bar, bar_fields, LENGTH(bar_fields));
  }
  wire_put(b, funding_count, 4);
  for (size_t i = 0; i < funding_count; i++) wire_put_fields(b, &funding[i], funding_fields, LENGTH(funding_fields));
  wire_end(b, at);
}

static void put_token(struct buf *b, enum wire_type type, uint64_t token) {
  size_t at = wire_begin(b, type);
  wire_put(b, token, 8);
  wire_end(b, at);
}
void wire_put_ping(struct buf *b, uint64_t token) { put_token(b, WIRE_PING, token); }
void wire_put_pong(struct buf *b, uint64_t token) { put_token(b, WIRE_PONG, token); }
void wire_put_slow(struct buf *b, uint64_t tenant) { put_token(b, WIRE_SLOW, tenant); }
void wire_put_quick(struct buf *b, uint64_t tenant, unsigned level) {
  assert(level <= WIRE_QUICK_LEVELS);
  size_t at = wire_begin(b, WIRE_QUICK);
  wire_put(b, tenant, 8);
  wire_put(b, level, 1);
  wire_end(b, at);
}
void wire_put_digest(struct buf *b, uint64_t bot) { put_token(b, WIRE_DIGEST, bot); }
void wire_put_call(struct buf *b, uint64_t bot) { put_token(b, WIRE_CALL, bot); }

static void put_bot_command(struct buf *b, enum wire_type type, uint64_t bot, const struct bot_command *c) {
  size_t at = wire_begin(b, type);
  wire_put(b, bot, 8);
  wire_put_fields(b, c, command_fields, LENGTH(command_fields));
  wire_end(b, at);
}
void wire_put_command(struct buf *b, uint64_t bot, const struct bot_command *c) { put_bot_command(b, WIRE_COMMAND, bot, c); }
void wire_put_restore(struct buf *b, uint64_t bot, const struct bot_command *c) { put_bot_command(b, WIRE_RESTORE, bot, c); }
void wire_put_impose(struct buf *b, uint64_t bot, const struct bot_command *c) { put_bot_command(b, WIRE_IMPOSE, bot, c); }

// Frames of a bot and a time.
static size_t begin_timed(struct buf *b, enum wire_type type, uint64_t bot, int64_t time_ns) {
  size_t at = wire_begin(b, type);
  wire_put(b, bot, 8);
  wire_put(b, (uint64_t)time_ns, 8);
  return at;
}

static void put_timed_text(struct buf *b, enum wire_type type, uint64_t bot, int64_t time_ns, const char *text) {
  size_t at = begin_timed(b, type, bot, time_ns);
  wire_put_text(b, text);
  wire_end(b, at);
}
void wire_put_bot_stop(struct buf *b, uint64_t bot, int64_t time_ns, const char *why) { put_timed_text(b, WIRE_BOT_STOP, bot, time_ns, why); }
void wire_put_mark(struct buf *b, uint64_t bot, int64_t time_ns, const char *text) { put_timed_text(b, WIRE_MARK, bot, time_ns, text); }
void wire_put_notify(struct buf *b, uint64_t bot, int64_t time_ns, const char *text) { put_timed_text(b, WIRE_NOTIFY, bot, time_ns, text); }

void wire_put_log(struct buf *b, uint64_t bot, int64_t time_ns, enum script_log_level level, const char *text) {
  size_t at = begin_timed(b, WIRE_LOG, bot, time_ns);
  wire_put(b, level, 1);
  wire_put_text(b, text);
  wire_end(b, at);
}

void wire_put_plot(struct buf *b, uint64_t bot, int64_t time_ns, const char *name, double value) {
  size_t at = begin_timed(b, WIRE_PLOT, bot, time_ns);
  wire_put_double(b, value);
  wire_put_text(b, name);
  wire_end(b, at);
}

void wire_put_denied(struct buf *b, uint64_t bot, int64_t time_ns, enum reason code, double limit, double value, const char *text) {
  size_t at = begin_timed(b, WIRE_DENIED, bot, time_ns);
  wire_put(b, code, 4);
  wire_put_double(b, limit);
  wire_put_double(b, value);
  wire_put_text(b, text);
  wire_end(b, at);
}

void wire_put_limits(struct buf *b, uint64_t bot, const struct risk_limits *l) {
  size_t at = wire_begin(b, WIRE_LIMITS);
  wire_put(b, bot, 8);
  wire_put_fields(b, l, limits_fields, LENGTH(limits_fields));
  wire_end(b, at);
}

void wire_put_risk(struct buf *b, uint64_t bot, enum reason code, double limit, double value, int64_t until_ns) {
  size_t at = begin_timed(b, WIRE_RISK, bot, until_ns);
  wire_put(b, code, 4);
  wire_put_double(b, limit);
  wire_put_double(b, value);
  wire_end(b, at);
}

void wire_put_tick(struct buf *b, uint64_t bot, const struct script_tick *t) {
  size_t at = begin_timed(b, WIRE_TICK, bot, t->time_ns);
  wire_put(b, (uint64_t)t->symbol, 4);
  wire_put(b, t->trades, 4);
  wire_put_double(b, t->price);
  wire_put_double(b, t->volume);
  wire_put_double(b, t->bid);
  wire_put_double(b, t->ask);
  wire_end(b, at);
}

void wire_put_params(struct buf *b, uint64_t bot, int64_t time_ns, struct wire_text json, struct wire_text source) {
  assert(json.len <= WIRE_PARAMS_MAX && source.len <= VM_SOURCE_MAX);
  size_t at = begin_timed(b, WIRE_PARAMS, bot, time_ns);
  wire_put_bytes(b, json);
  wire_put_bytes(b, source);
  wire_end(b, at);
}

void wire_put_bot_close(struct buf *b, uint64_t bot, const char *why) {
  size_t at = wire_begin(b, WIRE_BOT_CLOSE);
  wire_put(b, bot, 8);
  wire_put_text(b, why);
  wire_end(b, at);
}

void wire_put_fault(struct buf *b, uint64_t bot, enum status st, int line, enum wire_fault kind, const char *text) {
  size_t at = wire_begin(b, WIRE_FAULT);
  wire_put(b, bot, 8);
  wire_put(b, st, 4);
  wire_put(b, (uint32_t)line, 4);
  wire_put(b, kind, 1);
  wire_put_text(b, text);
  wire_end(b, at);
}

void wire_put_done(struct buf *b, int64_t now_ns, uint32_t bots_run, uint32_t bots_failed) {
  size_t at = wire_begin(b, WIRE_DONE);
  wire_put(b, (uint64_t)now_ns, 8);
  wire_put(b, bots_run, 4);
  wire_put(b, bots_failed, 4);
  wire_end(b, at);
}

void wire_put_state(struct buf *b, uint64_t bot, struct wire_text state, struct wire_text memory) {
  assert(state.len <= SCRIPT_STATE_MAX && memory.len <= WIRE_MEMORY_MAX);
  size_t at = wire_begin(b, WIRE_STATE);
  wire_put(b, bot, 8);
  wire_put_bytes(b, state);
  wire_put_bytes(b, memory);
  wire_end(b, at);
}

void wire_put_tag(struct buf *b, uint64_t bot, uint32_t tag, const char *text) {
  size_t at = wire_begin(b, WIRE_TAG);
  wire_put(b, bot, 8);
  wire_put(b, tag, 4);
  wire_put_text(b, text);
  wire_end(b, at);
}

void wire_put_answer(struct buf *b, uint64_t bot, enum wire_type to, enum status st, const char *text) {
  size_t at = wire_begin(b, WIRE_ANSWER);
  wire_put(b, bot, 8);
  wire_put(b, to, 4);
  wire_put(b, st, 4);
  wire_put_text(b, text);
  wire_end(b, at);
}

void wire_put_hash(struct buf *b, uint64_t bot, const char hex[SHA256_HEX_SIZE]) {
  size_t at = wire_begin(b, WIRE_HASH);
  wire_put(b, bot, 8);
  buf_add(b, hex, SHA256_HEX_SIZE - 1);
  wire_end(b, at);
}

void wire_put_reloaded(struct buf *b, uint64_t bot, uint32_t version, enum wire_stage stage, enum status st, uint32_t callbacks, const char *text) {
  size_t at = wire_begin(b, WIRE_RELOADED);
  wire_put(b, bot, 8);
  wire_put(b, version, 4);
  wire_put(b, stage, 1);
  wire_put(b, st, 4);
  wire_put(b, callbacks, 4);
  wire_put_text(b, text);
  wire_end(b, at);
}

void wire_put_timer(struct buf *b, uint64_t bot, int64_t next_ns) { wire_end(b, begin_timed(b, WIRE_TIMER, bot, next_ns)); }

// ---- reading

static void get_text(struct wire_cursor *c, struct wire_frame *f) {
  struct wire_text t = wire_get_text(c, 2, WIRE_TEXT_MAX);
  f->text = t.text;
  f->text_len = t.len;
}

static void get_series(struct wire_cursor *c, struct wire_frame *f) {
  f->series_id = (uint32_t)wire_get(c, 4);
  const unsigned char *symbol = wire_take(c, SYMBOL_MAX);
  if (!symbol) return;
  if (!symbol[0] || !memchr(symbol, 0, SYMBOL_MAX)) c->fault = "a symbol is empty or does not end";
  else memcpy(f->series.inst.symbol, symbol, SYMBOL_MAX);
  wire_get_fields(c, &f->series, series_fields, LENGTH(series_fields));
}

static void get_bars(struct wire_cursor *c, struct wire_frame *f, size_t most, size_t each) {
  size_t count = wire_get(c, 4);
  if (!c->fault && count > most) c->fault = "too many bars";
  f->bars = wire_take(c, c->fault ? 0 : count * each);
  if (!f->bars) return;
  f->bar_count = count;
  for (size_t i = 0; i < count && !c->fault; i++) {
    struct bar b = {0};
    struct wire_cursor one = {f->bars + i * each + (each - WIRE_BAR_BYTES), WIRE_BAR_BYTES, NULL};
    wire_get_fields(&one, &b, bar_fields, LENGTH(bar_fields));
    c->fault = one.fault;
    int64_t low = b.open.ticks < b.close.ticks ? b.open.ticks : b.close.ticks, high = b.open.ticks < b.close.ticks ? b.close.ticks : b.open.ticks;
    if (!c->fault && (b.low.ticks > low || b.high.ticks < high)) c->fault = "a bar's open or close is outside its low and high";
  }
}

static void get_instant(struct wire_cursor *c, struct wire_frame *f) {
  f->venue = (uint32_t)wire_get(c, 4);
  f->time_ns = (int64_t)wire_get(c, 8);
  get_bars(c, f, WIRE_INSTANT_MAX, 4 + WIRE_BAR_BYTES);
  size_t count = wire_get(c, 4);
  if (!c->fault && count > WIRE_FUNDING_MAX) c->fault = "too many fundings";
  f->funding = wire_take(c, c->fault ? 0 : count * FUNDING_BYTES);
  if (!f->funding) return;
  f->funding_count = count;
  struct wire_cursor all = {f->funding, count * FUNDING_BYTES, NULL};
  struct wire_funding one = {0};
  for (size_t i = 0; i < count; i++) wire_get_fields(&all, &one, funding_fields, LENGTH(funding_fields));
  c->fault = all.fault;
}

static enum status get_status(struct wire_cursor *c, enum status least) {
  uint32_t st = (uint32_t)wire_get(c, 4);
  if (!c->fault && (st < least || st > ERR_USAGE)) c->fault = "a status that does not exist";
  return c->fault ? OK : (enum status)st;
}

static uint32_t get_limited(struct wire_cursor *c, int size, uint32_t most) {
  uint64_t v = wire_get(c, size);
  if (!c->fault && v > most) c->fault = "a field is out of range";
  return c->fault ? 0 : (uint32_t)v;
}

static void get_fault(struct wire_cursor *c, struct wire_frame *f) {
  f->status = get_status(c, ERR_INVALID);
  f->line = (int)get_limited(c, 4, INT32_MAX);
  const enum wire_fault kind = (enum wire_fault)get_limited(c, 1, FAULT_SKIPPED);
  f->gone = kind == FAULT_GONE;
  f->skipped = kind == FAULT_SKIPPED;
  get_text(c, f);
}

static void get_state(struct wire_cursor *c, struct wire_frame *f) {
  struct wire_text state = wire_get_text(c, 4, SCRIPT_STATE_MAX);
  f->text = state.text, f->text_len = state.len;
  f->memory = wire_get_text(c, 4, WIRE_MEMORY_MAX);
}

static void get_params(struct wire_cursor *c, struct wire_frame *f) {
  struct wire_text json = wire_get_text(c, 4, WIRE_PARAMS_MAX);
  f->text = json.text, f->text_len = json.len;
  f->source = wire_get_text(c, 4, VM_SOURCE_MAX);
}

static void get_refused(struct wire_cursor *c, struct wire_frame *f) {
  f->code = (enum reason)get_limited(c, 4, REASON_COUNT - 1);
  f->limit = wire_get_double(c);
  f->value = wire_get_double(c);
}

static void get_tick(struct wire_cursor *c, struct wire_frame *f) {
  f->tick = (struct script_tick){.symbol = (int)get_limited(c, 4, SPEC_STREAMS_MAX - 1), .time_ns = f->time_ns};
  f->tick.trades = (uint32_t)wire_get(c, 4);
  f->tick.price = wire_get_double(c);
  f->tick.volume = wire_get_double(c);
  f->tick.bid = wire_get_double(c);
  f->tick.ask = wire_get_double(c);
}

static void get_denied(struct wire_cursor *c, struct wire_frame *f) {
  get_refused(c, f);
  get_text(c, f);
}

static void get_answer(struct wire_cursor *c, struct wire_frame *f) {
  f->to = (enum wire_type)get_limited(c, 4, 255);
  if (!c->fault && f->to != WIRE_PARAMS && f->to != WIRE_BOT_STOP) c->fault = "an answer to nothing";
  f->status = get_status(c, OK);
  get_text(c, f);
}

static void get_reloaded(struct wire_cursor *c, struct wire_frame *f) {
  f->version = (uint32_t)wire_get(c, 4);
  f->stage = (enum wire_stage)get_limited(c, 1, RELOAD_STAGE_COUNT - 1);
  f->status = get_status(c, OK);
  f->callbacks = (uint32_t)wire_get(c, 4);
  get_text(c, f);
}

static void get_hash(struct wire_cursor *c, struct wire_frame *f) {
  f->text = (const char *)wire_take(c, SHA256_HEX_SIZE - 1);
  f->text_len = f->text ? SHA256_HEX_SIZE - 1 : 0;
  for (size_t i = 0; i < f->text_len; i++)
    if (!((f->text[i] >= '0' && f->text[i] <= '9') || (f->text[i] >= 'a' && f->text[i] <= 'f'))) c->fault = "a digest that is none";
}

static void get_books(struct wire_cursor *c, struct wire_frame *f) {
  const struct wire_text books = wire_get_text(c, 4, WIRE_BOOKS_MAX);
  f->text = books.text, f->text_len = books.len;
}

// Kept whole for wire_frame_…(), which is asked only after this has found no fault.
static void get_kept(struct wire_cursor *c, struct wire_frame *f) {
  f->payload = c->p;
  f->payload_len = c->left;
  if (f->type == WIRE_BOT_OPEN) {
    struct wire_open open;
    wire_get_open(c, &open);
    f->bot = open.bot;
  } else if (f->type == WIRE_OPENED) {
    struct wire_opened opened;
    wire_get_opened(c, &opened);
  } else if (f->type == WIRE_RELOAD) {
    struct wire_reload reload;
    wire_get_reload(c, &reload);
  } else {
    struct wire_signal signal;
    wire_get_signal(c, &signal);
  }
}

static void get_timed(struct wire_cursor *c, struct wire_frame *f) {
  f->time_ns = (int64_t)wire_get(c, 8);
  switch (f->type) {
    case WIRE_LOG: f->level = (enum script_log_level)get_limited(c, 1, LOG_ERROR), get_text(c, f); break;
    case WIRE_PLOT: f->value = wire_get_double(c), get_text(c, f); break;
    case WIRE_DENIED: get_denied(c, f); break;
    case WIRE_RISK: get_refused(c, f); break;
    case WIRE_TICK: get_tick(c, f); break;
    case WIRE_PARAMS: get_params(c, f); break;
    default: get_text(c, f);  // BOT_STOP, MARK, NOTIFY
  }
}

static void get_done(struct wire_cursor *c, struct wire_frame *f) {
  f->time_ns = (int64_t)wire_get(c, 8);
  f->bots_run = (uint32_t)wire_get(c, 4);
  f->bots_failed = (uint32_t)wire_get(c, 4);
}

static void get_payload(struct wire_cursor *c, struct wire_frame *f) {
  switch (f->type) {
    case WIRE_HELLO:
      if (wire_get(c, 4) != WIRE_VERSION && !c->fault) c->fault = "another version of the protocol";
      return;
    case WIRE_SERIES_OPEN: get_series(c, f); return;
    case WIRE_SERIES_BARS: f->series_id = (uint32_t)wire_get(c, 4), get_bars(c, f, WIRE_BARS_MAX, WIRE_BAR_BYTES); return;
    case WIRE_SERIES_TRIM: f->series_id = (uint32_t)wire_get(c, 4), f->time_ns = (int64_t)wire_get(c, 8); return;
    case WIRE_SERIES_CLOSE: f->series_id = (uint32_t)wire_get(c, 4); return;
    case WIRE_INSTANT: get_instant(c, f); return;
    case WIRE_PING: case WIRE_PONG: case WIRE_SLOW: f->token = wire_get(c, 8); return;
    case WIRE_QUICK: f->token = wire_get(c, 8), f->quick = get_limited(c, 1, WIRE_QUICK_LEVELS); return;
    case WIRE_DONE: get_done(c, f); return;
    case WIRE_BOT_OPEN: get_kept(c, f); return;
    case WIRE_WHOLE: return;
    default: f->bot = wire_get(c, 8);
  }
  switch (f->type) {  // about one bot
    case WIRE_BOT_CLOSE: get_text(c, f); return;
    case WIRE_FAULT: get_fault(c, f); return;
    case WIRE_COMMAND: case WIRE_RESTORE: case WIRE_IMPOSE: wire_get_fields(c, &f->command, command_fields, LENGTH(command_fields)); return;
    case WIRE_OPENED: case WIRE_SIGNAL: case WIRE_RELOAD: get_kept(c, f); return;
    case WIRE_RELOADED: get_reloaded(c, f); return;
    case WIRE_STATE: get_state(c, f); return;
    case WIRE_TAG: f->tag = (uint32_t)wire_get(c, 4), get_text(c, f); return;
    case WIRE_ANSWER: get_answer(c, f); return;
    case WIRE_HASH: get_hash(c, f); return;
    case WIRE_BOOKS: get_books(c, f); return;
    case WIRE_DIGEST: case WIRE_CALL: return;
    case WIRE_TIMER: f->time_ns = (int64_t)wire_get(c, 8); return;
    case WIRE_LIMITS: wire_get_fields(c, &f->limits, limits_fields, LENGTH(limits_fields)); return;
    default: get_timed(c, f);
  }
}

static enum status read_head(const void *p, size_t *ret_len, int *ret_type, struct err *err) {
  struct wire_cursor head = {p, WIRE_HEAD, NULL};
  *ret_len = wire_get(&head, 4);
  const int type = *ret_type = (int)wire_get(&head, 1);
  if (!types[type].text) return err_set(err, ERR_INVALID, "a frame of the unknown type %d", type);
  return *ret_len <= types[type].max ? OK : err_set(err, ERR_INVALID, "%s: %zu bytes, of at most %u", types[type].text, *ret_len, types[type].max);
}

enum status wire_whole(const void *p, size_t n, size_t *looked, size_t *ret_end, struct err *err) {
  while (n - *looked >= WIRE_HEAD) {
    size_t len;
    int type;
    const enum status st = read_head((const char *)p + *looked, &len, &type, err);
    if (st != OK) return st;
    if (n - *looked - WIRE_HEAD < len) break;
    *looked += WIRE_HEAD + len;
    if (type == WIRE_WHOLE) *ret_end = *looked;
  }
  return OK;
}

enum status wire_read(const void *p, size_t n, struct wire_frame *ret, size_t *ret_used, struct err *err) {
  *ret_used = 0;
  if (n < WIRE_HEAD) return OK;
  size_t len;
  int type;
  const enum status st = read_head(p, &len, &type, err);
  if (st != OK || n - WIRE_HEAD < len) return st;
  *ret = (struct wire_frame){.type = (enum wire_type)type};
  struct wire_cursor c = {(const unsigned char *)p + WIRE_HEAD, len, NULL};
  get_payload(&c, ret);
  if (!c.fault && c.left) c.fault = "it is longer than its contents";
  if (!c.fault && ret->time_ns < 0) c.fault = "a time before 1970";
  if (c.fault) return err_set(err, ERR_INVALID, "%s: %s", types[type].text, c.fault);
  if (type == WIRE_SERIES_OPEN && instrument_finish(&ret->series.inst, err) != OK) return err_wrap(err, ERR_INVALID, "%s", types[type].text);
  *ret_used = WIRE_HEAD + len;
  return OK;
}

struct wire_bar wire_frame_bar(const struct wire_frame *f, size_t i) {
  assert(i < f->bar_count);
  bool own = f->type == WIRE_INSTANT;
  struct wire_cursor c = {f->bars + i * (WIRE_BAR_BYTES + (own ? 4 : 0)), WIRE_BAR_BYTES + 4, NULL};
  struct wire_bar b = {.series = own ? (uint32_t)wire_get(&c, 4) : f->series_id};
  wire_get_fields(&c, &b.bar, bar_fields, LENGTH(bar_fields));
  return b;
}

struct wire_funding wire_frame_funding(const struct wire_frame *f, size_t i) {
  assert(i < f->funding_count);
  struct wire_cursor c = {f->funding + i * FUNDING_BYTES, FUNDING_BYTES, NULL};
  struct wire_funding one = {0};
  wire_get_fields(&c, &one, funding_fields, LENGTH(funding_fields));
  return one;
}

void wire_frame_open(const struct wire_frame *f, struct wire_open *ret) {
  assert(f->type == WIRE_BOT_OPEN);
  struct wire_cursor c = {f->payload, f->payload_len, NULL};
  wire_get_open(&c, ret);
}
void wire_frame_opened(const struct wire_frame *f, struct wire_opened *ret) {
  assert(f->type == WIRE_OPENED);
  struct wire_cursor c = {f->payload, f->payload_len, NULL};
  wire_get_opened(&c, ret);
}
void wire_frame_signal(const struct wire_frame *f, struct wire_signal *ret) {
  assert(f->type == WIRE_SIGNAL);
  struct wire_cursor c = {f->payload, f->payload_len, NULL};
  wire_get_signal(&c, ret);
}
void wire_frame_reload(const struct wire_frame *f, struct wire_reload *ret) {
  assert(f->type == WIRE_RELOAD);
  struct wire_cursor c = {f->payload, f->payload_len, NULL};
  wire_get_reload(&c, ret);
  ret->bot = f->bot;
}

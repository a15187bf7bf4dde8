// bot/wire.c – see wire.h. Each structure is a table of its fields, from which both writing and reading follow.
#include "bot/wire.h"

#include <assert.h>
#include <string.h>

// ---- structures as tables

struct field {
  uint16_t offset;
  uint8_t size;        // in memory and on the wire: 1, 4 or 8
  int64_t least, most;  // refused outside
};
#define FIELD(type, member, least, most) {offsetof(type, member), sizeof(((type *)0)->member), least, most}
#define ANY(type, member) FIELD(type, member, INT64_MIN, INT64_MAX)
#define LENGTH(table) (sizeof(table) / sizeof *(table))

// Side is checked for −1 or 1 by command_valid, like all that depends on the matcher.
static const struct field command_fields[] = {
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
};

#define TIMEFRAME_NS_MAX (366 * NS_PER_DAY)
static const struct field series_fields[] = {
    FIELD(struct series, timeframe_ns, 1, TIMEFRAME_NS_MAX), FIELD(struct series, volume_scale, 0, 18), FIELD(struct series, price_scale, 0, 18),
    ANY(struct series, inst.tick.digits), FIELD(struct series, inst.tick.scale, 0, 18),
    ANY(struct series, inst.lot.digits), FIELD(struct series, inst.lot.scale, 0, 18),
    ANY(struct series, inst.multiplier.digits), FIELD(struct series, inst.multiplier.scale, 0, 18),
    ANY(struct series, inst.min_qty), ANY(struct series, inst.max_order_qty), ANY(struct series, inst.min_notional),
    FIELD(struct series, inst.tick_step, 1, INT64_MAX), FIELD(struct series, inst.lot_step, 1, INT64_MAX),
};

static const struct field bar_fields[] = {
    ANY(struct bar, open_ns), ANY(struct bar, open), ANY(struct bar, high), ANY(struct bar, low), ANY(struct bar, close),
    FIELD(struct bar, volume, -1, INT64_MAX), FIELD(struct bar, flags, 0, BAR_FILLED_IN | BAR_INCOMPLETE),
};

static const struct { const char *text; uint32_t max; } types[256] = {
#define X(name, number, text, max) [number] = {text, max},
    WIRE_LIST(X)
#undef X
};
const char *wire_type_text(int type) { return type >= 0 && type < 256 ? types[type].text : NULL; }

// ---- writing

static void put(struct buf *b, uint64_t value, int size) {
  unsigned char bytes[8];
  for (int i = 0; i < size; i++) bytes[i] = (unsigned char)(value >> (8 * i));
  buf_add(b, bytes, (size_t)size);
}

static uint64_t little(const unsigned char *p, int size) {
  uint64_t v = 0;
  for (int i = 0; i < size; i++) v |= (uint64_t)p[i] << (8 * i);
  return v;
}

static uint64_t member_get(const void *base, const struct field *f) {
  const char *at = (const char *)base + f->offset;
  uint8_t v1;
  uint32_t v4;
  uint64_t v8;
  switch (f->size) {
    case 1: return memcpy(&v1, at, 1), v1;
    case 4: return memcpy(&v4, at, 4), v4;
    default: return memcpy(&v8, at, 8), v8;
  }
}

static void member_set(void *base, const struct field *f, uint64_t value) {
  char *at = (char *)base + f->offset;
  uint8_t v1 = (uint8_t)value;
  uint32_t v4 = (uint32_t)value;
  switch (f->size) {
    case 1: memcpy(at, &v1, 1); break;
    case 4: memcpy(at, &v4, 4); break;
    default: memcpy(at, &value, 8);
  }
}

static void put_fields(struct buf *b, const void *base, const struct field *fields, size_t count) {
  for (size_t i = 0; i < count; i++) put(b, member_get(base, &fields[i]), fields[i].size);
}

static size_t begin(struct buf *b, enum wire_type type) {
  put(b, 0, 4);
  put(b, type, 1);
  return b->len;
}

static void end(struct buf *b, size_t payload) {
  if (b->failed) return;
  size_t len = b->len - payload;
  unsigned char *head = (unsigned char *)b->data + payload - WIRE_HEAD;
  assert(len <= types[head[4]].max);
  for (int i = 0; i < 4; i++) head[i] = (unsigned char)(len >> (8 * i));
}

static void put_text(struct buf *b, const char *text) {
  size_t n = strnlen(text, WIRE_TEXT_MAX);
  put(b, n, 2);
  buf_add(b, text, n);
}

void wire_put_hello(struct buf *b) {
  size_t at = begin(b, WIRE_HELLO);
  put(b, WIRE_VERSION, 4);
  end(b, at);
}

void wire_put_series_open(struct buf *b, uint32_t id, const struct series *s) {
  size_t at = begin(b, WIRE_SERIES_OPEN);
  put(b, id, 4);
  buf_add(b, s->inst.symbol, SYMBOL_MAX);
  put_fields(b, s, series_fields, LENGTH(series_fields));
  end(b, at);
}

void wire_put_series_bars(struct buf *b, uint32_t id, const struct bar *bars, size_t count) {
  for (size_t done = 0; done < count;) {
    size_t n = count - done < WIRE_BARS_MAX ? count - done : WIRE_BARS_MAX;
    size_t at = begin(b, WIRE_SERIES_BARS);
    put(b, id, 4);
    put(b, n, 4);
    for (size_t i = 0; i < n; i++) put_fields(b, &bars[done + i], bar_fields, LENGTH(bar_fields));
    end(b, at);
    done += n;
  }
}

void wire_put_series_trim(struct buf *b, uint32_t id, int64_t before_ns) {
  size_t at = begin(b, WIRE_SERIES_TRIM);
  put(b, id, 4);
  put(b, (uint64_t)before_ns, 8);
  end(b, at);
}

void wire_put_bot_close(struct buf *b, uint64_t bot, const char *why) {
  size_t at = begin(b, WIRE_BOT_CLOSE);
  put(b, bot, 8);
  put_text(b, why);
  end(b, at);
}

void wire_put_instant(struct buf *b, int64_t now_ns, const struct wire_bar *bars, size_t count) {
  assert(count <= WIRE_INSTANT_MAX);
  size_t at = begin(b, WIRE_INSTANT);
  put(b, (uint64_t)now_ns, 8);
  put(b, count, 4);
  for (size_t i = 0; i < count; i++) {
    put(b, bars[i].series, 4);
    put_fields(b, &bars[i].bar, bar_fields, LENGTH(bar_fields));
  }
  end(b, at);
}

static void put_token(struct buf *b, enum wire_type type, uint64_t token) {
  size_t at = begin(b, type);
  put(b, token, 8);
  end(b, at);
}
void wire_put_ping(struct buf *b, uint64_t token) { put_token(b, WIRE_PING, token); }
void wire_put_pong(struct buf *b, uint64_t token) { put_token(b, WIRE_PONG, token); }

void wire_put_fault(struct buf *b, uint64_t bot, enum status st, int line, const char *text) {
  size_t at = begin(b, WIRE_FAULT);
  put(b, bot, 8);
  put(b, st, 4);
  put(b, (uint32_t)line, 4);
  put_text(b, text);
  end(b, at);
}

void wire_put_command(struct buf *b, uint64_t bot, const struct bot_command *c) {
  size_t at = begin(b, WIRE_COMMAND);
  put(b, bot, 8);
  put_fields(b, c, command_fields, LENGTH(command_fields));
  end(b, at);
}

void wire_put_done(struct buf *b, int64_t now_ns, uint32_t bots_run, uint32_t bots_failed) {
  size_t at = begin(b, WIRE_DONE);
  put(b, (uint64_t)now_ns, 8);
  put(b, bots_run, 4);
  put(b, bots_failed, 4);
  end(b, at);
}

// ---- reading: the first fault is kept, and everything after it reads as zero

struct cursor {
  const unsigned char *p;
  size_t left;
  const char *fault;
};

static const unsigned char *take(struct cursor *c, size_t n) {
  if (!c->fault && n > c->left) c->fault = "it ends too early";
  if (c->fault) return NULL;
  const unsigned char *at = c->p;
  c->p += n;
  c->left -= n;
  return at;
}

static uint64_t get(struct cursor *c, int size) {
  const unsigned char *at = take(c, (size_t)size);
  return at ? little(at, size) : 0;
}

static void get_fields(struct cursor *c, void *base, const struct field *fields, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const struct field *f = &fields[i];
    uint64_t raw = get(c, f->size);
    int64_t v = f->size == 8 ? (int64_t)raw : f->size == 4 ? (int32_t)raw : (int64_t)raw;
    if (!c->fault && (v < f->least || v > f->most)) c->fault = "a field is out of range";
    if (c->fault) return;
    member_set(base, f, raw);
  }
}

static void get_text(struct cursor *c, struct wire_frame *f) {
  size_t n = get(c, 2);
  if (!c->fault && n > WIRE_TEXT_MAX) c->fault = "a text is too long";
  f->text = (const char *)take(c, n);
  f->text_len = f->text ? n : 0;
}

static void get_series(struct cursor *c, struct wire_frame *f) {
  f->series_id = (uint32_t)get(c, 4);
  const unsigned char *symbol = take(c, SYMBOL_MAX);
  if (!symbol) return;
  if (!symbol[0] || !memchr(symbol, 0, SYMBOL_MAX)) c->fault = "a symbol is empty or does not end";
  else memcpy(f->series.inst.symbol, symbol, SYMBOL_MAX);
  get_fields(c, &f->series, series_fields, LENGTH(series_fields));
}

static void get_bars(struct cursor *c, struct wire_frame *f, size_t most, size_t each) {
  size_t count = get(c, 4);
  if (!c->fault && count > most) c->fault = "too many bars";
  f->bars = take(c, c->fault ? 0 : count * each);
  if (!f->bars) return;
  f->bar_count = count;
  for (size_t i = 0; i < count && !c->fault; i++) {
    struct bar b = {0};
    struct cursor one = {f->bars + i * each + (each - WIRE_BAR_BYTES), WIRE_BAR_BYTES, NULL};
    get_fields(&one, &b, bar_fields, LENGTH(bar_fields));
    c->fault = one.fault;
    int64_t low = b.open.ticks < b.close.ticks ? b.open.ticks : b.close.ticks, high = b.open.ticks < b.close.ticks ? b.close.ticks : b.open.ticks;
    if (!c->fault && (b.low.ticks > low || b.high.ticks < high)) c->fault = "a bar's open or close is outside its low and high";
  }
}

static void get_fault(struct cursor *c, struct wire_frame *f) {
  uint32_t st = (uint32_t)get(c, 4), line = (uint32_t)get(c, 4);
  if (!c->fault && (st == OK || st > ERR_USAGE || line > INT32_MAX)) c->fault = "a status or line that does not exist";
  f->status = c->fault ? OK : (enum status)st;
  f->line = c->fault ? 0 : (int)line;
  get_text(c, f);
}

static void get_payload(struct cursor *c, struct wire_frame *f) {
  switch (f->type) {
    case WIRE_HELLO:
      if (get(c, 4) != WIRE_VERSION && !c->fault) c->fault = "another version of the protocol";
      break;
    case WIRE_SERIES_OPEN: get_series(c, f); break;
    case WIRE_SERIES_BARS: f->series_id = (uint32_t)get(c, 4), get_bars(c, f, WIRE_BARS_MAX, WIRE_BAR_BYTES); break;
    case WIRE_SERIES_TRIM: f->series_id = (uint32_t)get(c, 4), f->time_ns = (int64_t)get(c, 8); break;
    case WIRE_BOT_CLOSE: f->bot = get(c, 8), get_text(c, f); break;
    case WIRE_INSTANT: f->time_ns = (int64_t)get(c, 8), get_bars(c, f, WIRE_INSTANT_MAX, 4 + WIRE_BAR_BYTES); break;
    case WIRE_PING: case WIRE_PONG: f->token = get(c, 8); break;
    case WIRE_FAULT: f->bot = get(c, 8), get_fault(c, f); break;
    case WIRE_COMMAND: f->bot = get(c, 8), get_fields(c, &f->command, command_fields, LENGTH(command_fields)); break;
    case WIRE_DONE: f->time_ns = (int64_t)get(c, 8), f->bots_run = (uint32_t)get(c, 4), f->bots_failed = (uint32_t)get(c, 4); break;
  }
  if (!c->fault && c->left) c->fault = "it is longer than its contents";
  if (!c->fault && f->time_ns < 0) c->fault = "a time before 1970";
}

enum status wire_read(const void *p, size_t n, struct wire_frame *ret, size_t *ret_used, struct err *err) {
  const unsigned char *bytes = p;
  *ret_used = 0;
  if (n < WIRE_HEAD) return OK;
  uint32_t len = (uint32_t)little(bytes, 4);
  int type = bytes[4];
  if (!types[type].text) return err_set(err, ERR_INVALID, "a frame of the unknown type %d", type);
  if (len > types[type].max) return err_set(err, ERR_INVALID, "%s: %u bytes, of at most %u", types[type].text, len, types[type].max);
  if (n - WIRE_HEAD < len) return OK;
  *ret = (struct wire_frame){.type = (enum wire_type)type};
  struct cursor c = {bytes + WIRE_HEAD, len, NULL};
  get_payload(&c, ret);
  if (c.fault) return err_set(err, ERR_INVALID, "%s: %s", types[type].text, c.fault);
  if (type == WIRE_SERIES_OPEN && instrument_finish(&ret->series.inst, err) != OK) return err_wrap(err, ERR_INVALID, "%s", types[type].text);
  *ret_used = WIRE_HEAD + len;
  return OK;
}

struct wire_bar wire_frame_bar(const struct wire_frame *f, size_t i) {
  assert(i < f->bar_count);
  bool own = f->type == WIRE_INSTANT;
  const unsigned char *at = f->bars + i * (WIRE_BAR_BYTES + (own ? 4 : 0));
  struct wire_bar b = {.series = own ? (uint32_t)little(at, 4) : f->series_id};
  struct cursor c = {at + (own ? 4 : 0), WIRE_BAR_BYTES, NULL};
  get_fields(&c, &b.bar, bar_fields, LENGTH(bar_fields));
  return b;
}

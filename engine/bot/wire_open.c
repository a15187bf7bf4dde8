// bot/wire_open.c – the frames that open a bot or bring it another version of its script, and signals: what is too large to stand in every struct wire_frame.
#include "bot/wire_codec.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#define CHUNKNAME_MAX (SPEC_NAME_MAX - 1)
#define POSITIVE(member) FIELD(struct wire_open, member, 0, INT64_MAX)

#define LIMITS(type)                                                                                                                        \
  FIELD(type, limits.heap_bytes, 0, VM_HEAP_BYTES_MAX), FIELD(type, limits.block_bytes, 0, VM_HEAP_BYTES_MAX),                               \
    FIELD(type, limits.reserve_bytes, 0, VM_HEAP_BYTES_MAX), FIELD(type, limits.callback_cpu_ns, 0, 60 * NS_PER_S),                          \
    FIELD(type, limits.load_cpu_ns, 0, 60 * NS_PER_S), ANY(type, limits.fuel_instructions)

static const struct wire_field open_fields[] = {
    ANY(struct wire_open, bot), ANY(struct wire_open, tenant), ANY(struct wire_open, seed), FIELD(struct wire_open, resume, 0, INT32_MAX),
    FIELD(struct wire_open, restore_count, 0, INT32_MAX), FIELD(struct wire_open, books_bytes, 0, WIRE_BOOKS_BYTES), POSITIVE(books_ns), ANY(struct wire_open, warm_from_ns), POSITIVE(run_from_ns), POSITIVE(live_from_ns), POSITIVE(seen_ns),
    POSITIVE(version_ns), FIELD(struct wire_open, version_history, 0, INT32_MAX),
    FIELD(struct wire_open, match.model, 0, MODEL_REMOTE), FIELD(struct wire_open, match.path, 0, PATH_FAVOURABLE),
    POSITIVE(match.participation_frac_e8), POSITIVE(match.latency_ns), FIELD(struct wire_open, match.hedging, 0, 1),
    FIELD(struct wire_open, match.self_trade_check, 0, 1), FIELD(struct wire_open, match.trade_on_close, 0, 1), POSITIVE(match.deposit),
    FIELD(struct wire_open, risk.max_open, 1, INT32_MAX), POSITIVE(risk.max_order_e8), POSITIVE(risk.max_position_e8), POSITIVE(risk.collar_frac_e8),
    POSITIVE(risk.day_loss_e8), POSITIVE(risk.drawdown_e8), FIELD(struct wire_open, risk.rate_count, 0, RISK_RATE_MAX), POSITIVE(risk.rate_window_ns),
    LIMITS(struct wire_open),
    POSITIVE(tenant_memory_bytes), POSITIVE(tenant_cpu_ns), FIELD(struct wire_open, tenant_quick, 0, WIRE_QUICK_LEVELS),
    FIELD(struct wire_open, stream_count, 1, SPEC_STREAMS_MAX), FIELD(struct wire_open, symbol_count, 1, SPEC_STREAMS_MAX),
};
static const struct wire_field stream_fields[] = {
    ANY(struct wire_stream, series), ANY(struct wire_stream, history), FIELD(struct wire_stream, symbol, 0, SPEC_STREAMS_MAX - 1),
};
static const struct wire_field symbol_fields[] = {
    ANY(struct wire_symbol, series), ANY(struct wire_symbol, history),
    ANY(struct wire_symbol, fees.maker_frac_e8), ANY(struct wire_symbol, fees.taker_frac_e8), ANY(struct wire_symbol, fees.fixed_e8),
    ANY(struct wire_symbol, fees.per_unit_e8), FIELD(struct wire_symbol, costs.kind, 0, MARKET_BID), ANY(struct wire_symbol, costs.spread_ticks),
    ANY(struct wire_symbol, costs.spread_frac_e8), ANY(struct wire_symbol, costs.slippage_ticks), ANY(struct wire_symbol, costs.slippage_frac_e8),
    ANY(struct wire_symbol, costs.swap_long_e8), ANY(struct wire_symbol, costs.swap_short_e8), ANY(struct wire_symbol, leverage_e4),
    ANY(struct wire_symbol, maintenance_frac_e8), ANY(struct wire_symbol, futures_margin),
};

// The texts of BOT_OPEN, in their order.
static const struct { uint16_t offset; uint32_t most; } open_texts[] = {
    {offsetof(struct wire_open, chunkname), CHUNKNAME_MAX}, {offsetof(struct wire_open, source), VM_SOURCE_MAX},
    {offsetof(struct wire_open, params), WIRE_PARAMS_MAX}, {offsetof(struct wire_open, state), SCRIPT_STATE_MAX},
    {offsetof(struct wire_open, memory), WIRE_MEMORY_MAX}, {offsetof(struct wire_open, from), WIRE_TEXT_MAX},
};

void wire_put_bot_open(struct buf *b, const struct wire_open *o) {
  assert(o->chunkname.len > 0 && o->stream_count > 0 && o->stream_count <= SPEC_STREAMS_MAX && o->symbol_count > 0 && o->symbol_count <= SPEC_STREAMS_MAX);
  size_t at = wire_begin(b, WIRE_BOT_OPEN);
  wire_put_fields(b, o, open_fields, LENGTH(open_fields));
  for (int i = 0; i < o->stream_count; i++) wire_put_fields(b, &o->streams[i], stream_fields, LENGTH(stream_fields));
  for (int i = 0; i < o->symbol_count; i++) wire_put_fields(b, &o->symbols[i], symbol_fields, LENGTH(symbol_fields));
  for (size_t i = 0; i < LENGTH(open_texts); i++) {
    const struct wire_text *t = (const struct wire_text *)((const char *)o + open_texts[i].offset);
    assert(t->len <= open_texts[i].most);
    wire_put_bytes(b, *t);
  }
  wire_end(b, at);
}

void wire_put_books(struct buf *b, uint64_t bot, const void *bytes, size_t len) {
  const char *from = bytes;
  for (size_t n; len > 0; from += n, len -= n) {
    n = len < WIRE_BOOKS_MAX ? len : WIRE_BOOKS_MAX;
    size_t at = wire_begin(b, WIRE_BOOKS);
    wire_put(b, bot, 8);
    wire_put_bytes(b, wire_text(from, n));
    wire_end(b, at);
  }
}

void wire_get_open(struct wire_cursor *c, struct wire_open *ret) {
  *ret = (struct wire_open){0};
  wire_get_fields(c, ret, open_fields, LENGTH(open_fields));
  for (int i = 0; !c->fault && i < ret->stream_count; i++) {
    wire_get_fields(c, &ret->streams[i], stream_fields, LENGTH(stream_fields));
    if (!c->fault && (ret->streams[i].series == 0 || ret->streams[i].symbol >= ret->symbol_count)) c->fault = "a stream without a series or symbol";
  }
  for (int i = 0; !c->fault && i < ret->symbol_count; i++) {
    wire_get_fields(c, &ret->symbols[i], symbol_fields, LENGTH(symbol_fields));
    if (!c->fault && ret->symbols[i].series == 0) c->fault = "a symbol without a series";
  }
  for (size_t i = 0; i < LENGTH(open_texts); i++) *(struct wire_text *)((char *)ret + open_texts[i].offset) = wire_get_text(c, 4, open_texts[i].most);
  if (c->fault) return;
  if (ret->bot == 0) c->fault = "a bot without a number";
  else if (ret->chunkname.len == 0 || memchr(ret->chunkname.text, 0, ret->chunkname.len)) c->fault = "no name of the script";
  else if (ret->run_from_ns > ret->live_from_ns) c->fault = "a run that is live before it begins";
}

// ---- RELOAD

static const struct wire_field reload_fields[] = {
    FIELD(struct wire_reload, version, 1, INT32_MAX), FIELD(struct wire_reload, history, 0, INT32_MAX), ANY(struct wire_reload, seed), LIMITS(struct wire_reload),
};
static const struct { uint16_t offset; uint32_t most; } reload_texts[] = {
    {offsetof(struct wire_reload, chunkname), CHUNKNAME_MAX}, {offsetof(struct wire_reload, source), VM_SOURCE_MAX},
    {offsetof(struct wire_reload, params), WIRE_PARAMS_MAX}, {offsetof(struct wire_reload, from), CHUNKNAME_MAX},
};

void wire_put_reload(struct buf *b, const struct wire_reload *r) {
  assert(r->chunkname.len > 0);
  size_t at = wire_begin(b, WIRE_RELOAD);
  wire_put(b, r->bot, 8);
  wire_put_fields(b, r, reload_fields, LENGTH(reload_fields));
  for (size_t i = 0; i < LENGTH(reload_texts); i++) {
    const struct wire_text *t = (const struct wire_text *)((const char *)r + reload_texts[i].offset);
    assert(t->len <= reload_texts[i].most);
    wire_put_bytes(b, *t);
  }
  wire_end(b, at);
}

void wire_get_reload(struct wire_cursor *c, struct wire_reload *ret) {
  *ret = (struct wire_reload){0};
  wire_get_fields(c, ret, reload_fields, LENGTH(reload_fields));
  for (size_t i = 0; i < LENGTH(reload_texts); i++) *(struct wire_text *)((char *)ret + reload_texts[i].offset) = wire_get_text(c, 4, reload_texts[i].most);
  if (!c->fault && (ret->chunkname.len == 0 || memchr(ret->chunkname.text, 0, ret->chunkname.len))) c->fault = "no name of the script";
}

// ---- OPENED

static const struct wire_field opened_fields[] = {
    ANY(struct wire_opened, callbacks), FIELD(struct wire_opened, warmup, 0, INT32_MAX), FIELD(struct wire_opened, lookback, 0, SPEC_LOOKBACK_MAX),
    FIELD(struct wire_opened, warm, 0, 1), ANY(struct wire_opened, timer_next_ns),
};

void wire_put_opened(struct buf *b, uint64_t bot, const struct wire_opened *o) {
  size_t at = wire_begin(b, WIRE_OPENED);
  wire_put(b, bot, 8);
  wire_put_fields(b, o, opened_fields, LENGTH(opened_fields));
  buf_add(b, o->spec_sha256, SHA256_HEX_SIZE - 1);
  buf_add(b, o->hash, SHA256_HEX_SIZE - 1);
  wire_end(b, at);
}

static void get_hex(struct wire_cursor *c, char ret[SHA256_HEX_SIZE]) {
  const unsigned char *at = wire_take(c, SHA256_HEX_SIZE - 1);
  ret[0] = '\0';
  if (!at) return;
  for (int i = 0; i < SHA256_HEX_SIZE - 1; i++)
    if (!((at[i] >= '0' && at[i] <= '9') || (at[i] >= 'a' && at[i] <= 'f'))) c->fault = "a digest that is none";
  if (c->fault) return;
  memcpy(ret, at, SHA256_HEX_SIZE - 1);
  ret[SHA256_HEX_SIZE - 1] = '\0';
}

void wire_get_opened(struct wire_cursor *c, struct wire_opened *ret) {
  *ret = (struct wire_opened){0};
  wire_get_fields(c, ret, opened_fields, LENGTH(opened_fields));
  get_hex(c, ret->spec_sha256);
  get_hex(c, ret->hash);
}

// ---- SIGNAL

#define ABSENT UINT32_MAX

static const struct { uint16_t offset; uint32_t most; } signal_texts[] = {
    {offsetof(struct wire_signal, id), WIRE_TEXT_MAX},     {offsetof(struct wire_signal, source), WIRE_TEXT_MAX},
    {offsetof(struct wire_signal, key), WIRE_TEXT_MAX},    {offsetof(struct wire_signal, symbol), WIRE_TEXT_MAX},
    {offsetof(struct wire_signal, action), WIRE_TEXT_MAX}, {offsetof(struct wire_signal, raw), WIRE_RAW_MAX},
};

void wire_put_signal(struct buf *b, uint64_t bot, const struct wire_signal *s) {
  size_t at = wire_begin(b, WIRE_SIGNAL);
  wire_put(b, bot, 8);
  wire_put(b, (uint64_t)s->ts_ns, 8);
  const double numbers[] = {s->size, s->price, s->sl, s->tp};
  for (size_t i = 0; i < LENGTH(numbers); i++) wire_put_double(b, numbers[i]);
  for (size_t i = 0; i < LENGTH(signal_texts); i++) {
    const struct wire_text *t = (const struct wire_text *)((const char *)s + signal_texts[i].offset);
    assert(t->len <= signal_texts[i].most);
    if (t->text) wire_put_bytes(b, *t);
    else wire_put(b, ABSENT, 4);
  }
  wire_end(b, at);
}

void wire_get_signal(struct wire_cursor *c, struct wire_signal *ret) {
  *ret = (struct wire_signal){.ts_ns = (int64_t)wire_get(c, 8)};
  double *numbers[] = {&ret->size, &ret->price, &ret->sl, &ret->tp};
  for (size_t i = 0; i < LENGTH(numbers); i++) *numbers[i] = wire_get_double(c);
  for (size_t i = 0; i < LENGTH(signal_texts); i++) {
    struct wire_cursor ahead = *c;
    struct wire_text *t = (struct wire_text *)((char *)ret + signal_texts[i].offset);
    if (wire_get(&ahead, 4) == ABSENT && !ahead.fault) *c = ahead;
    else *t = wire_get_text(c, 4, signal_texts[i].most);
    if (t->text && memchr(t->text, 0, t->len)) c->fault = "a text with a NUL byte";  // Lua gets them as C strings
  }
  if (!c->fault && ret->ts_ns < 0) c->fault = "a time before 1970";
}

// tests/fuzz/fuzz_strategy.c – whole random scripts against the API, on random bars, through the real pipeline.
//
// Bytes choose statements and arguments: the script is always valid Lua, its calls are anything. After each instant the books
// must add up; a script may fail, the engine may not. Fuel bounds the run, so it is the same each time.
#include "bot/bot.h"

#include "base/buf.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
  const uint8_t *p;
  size_t left;
};

static unsigned take(struct bytes *b, unsigned n) {
  if (b->left == 0) return 0;
  b->left--;
  return *b->p++ % n;
}

#define PICK(b, list) list[take(b, (unsigned)(sizeof(list) / sizeof(list)[0]))]

static const char *const values[] = {
    "1", "0", "-1", "0.5", "3.7", "1e300", "-1e300", "0/0", "1/0", "-1/0", "1e-12", "nil", "true", "false", "'x'", "'1h'", "{}", "ctx", "bar",
    "bar.close", "bar.close*0.99", "bar.close*1.01", "bar.close-1", "100", "1000000", "9e15", "ctx.acct.equity", "ctx.acct.free", "ctx.pos.qty",
    "ctx.pos.avg", "ctx.ind.a[0]", "ctx.ind.b.upper[0]", "last", "ctx.state.o", "ctx:rand()", "'\\0\\255'", "('y'):rep(80)", "function() end", "ctx.now", "ctx.now+60000"};
static const char *const keys[] = {"qty", "notional", "pct", "risk", "type", "price", "trigger", "trail", "trail_pct", "tif", "until", "post", "reduce",
                                   "sl", "tp", "tp_r", "oco", "ttl", "tag", "symbol", "leg", "n", "step", "step_k", "base", "vol_k", "dir", "of", "qyt"};
static const char *const words[] = {"'market'", "'limit'", "'stop'", "'stop_limit'", "'trailing'", "'gtc'", "'ioc'", "'fok'", "'day'", "'gtd'", "'long'", "'short'", "'t1'", "'t2'", "'FUZZ'", "'5m'"};
static const char *const calls[] = {"ctx:buy", "ctx:sell", "ctx:target", "ctx:close", "ctx:ladder", "ctx:enter(1,", "ctx:enter(-1,", "ctx:timer", "ctx:modify(last,", "ctx:modify(ctx:orders()[1],"};
static const char *const lines[] = {
    "ctx:cancel(last)", "ctx:cancel_all()", "ctx:cancel_all('t1')", "ctx.state.o = last", "ctx.state.n = (ctx.state.n or 0) + 1", "ctx:plot('p', bar.close)",
    "ctx:log('info', last, ctx.pos.side, bar.time)", "ctx:mark('m')", "last = ctx:orders()[1]", "if crossed_up(ctx.ind.a, bar.close) then ctx:buy{pct=50} end",
    "if last then ctx:log(last.status, last.left, last.avg, last.reason) end", "ctx.buy = nil", "ctx.p = {}", "error('x')", "error({})", "ctx:close{}",
    "pcall(ctx.buy, ctx, {qty=1})", "local t = {} for i = 1, 100 do t[i] = ctx:rand() end table.sort(t)", "highest(ctx:bars().high, 3)", "ctx:notify('n')",
    "ctx.state[bar.time] = {1, 'a', {b=2.5}}", "ctx.state = {}", "ctx:leg('long')", "ctx:bars('main')[1].close = 3", "if ctx:pending() then ctx:cancel_all() end"};

static void add_call(struct buf *out, struct bytes *b) {
  const char *call = PICK(b, calls);
  bool open = call[strlen(call) - 1] == ',';
  buf_printf(out, "  last = %s{", call);
  for (unsigned i = take(b, 6); i > 0; i--) buf_printf(out, "%s=%s,", PICK(b, keys), take(b, 3) == 0 ? PICK(b, words) : PICK(b, values));
  buf_str(out, open ? "}) or last\n" : "} or last\n");
}

static void add_body(struct buf *out, struct bytes *b, const char *name, const char *args) {
  buf_printf(out, "function %s(%s)\n", name, args);
  for (unsigned i = 1 + take(b, 8); i > 0; i--) {
    if (take(b, 3))
      add_call(out, b);
    else
      buf_printf(out, "  %s\n", PICK(b, lines));
  }
  buf_str(out, "end\n");
}

static void make_script(struct buf *out, struct bytes *b) {
  buf_printf(out, "strategy{ name='fuzz', api=1, %s params={n=int{%u,min=1,max=9}}, ind={a={'sma','n'}, b={'bbands',%u,2}} }\nlocal last\nlocal bar = {close=100, time=1}\n",
             take(b, 2) ? "mode='hedging'," : "", 1 + take(b, 9), 2 + take(b, 6));
  add_body(out, b, "on_bar", "ctx, bar");
  if (take(b, 2)) add_body(out, b, "on_fill", "ctx, f");
  if (take(b, 2)) add_body(out, b, "on_order", "ctx, e");
  if (take(b, 2)) add_body(out, b, "on_position", "ctx, e");
  if (take(b, 2)) add_body(out, b, "on_timer", "ctx, name");
  if (take(b, 2)) add_body(out, b, "on_day", "ctx, e");
  if (take(b, 2)) add_body(out, b, "on_stop", "ctx, why");
}

static void make_bars(struct series *s, struct bytes *b, int n) {
  int64_t px = 10000;
  struct err err;
  for (int i = 0; i < n; i++) {
    int64_t open = px + (int64_t)take(b, 200) - 100, close = open + (int64_t)take(b, 200) - 100;
    if (take(b, 16) == 0) open /= 2;  // a gap that liquidates
    if (open < 10) open = 10;
    if (close < 10) close = 10;
    int64_t low = open < close ? open : close, high = open < close ? close : open;
    low -= take(b, 100);
    high += take(b, 100);
    struct bar bar = {.open_ns = i * 6 * NS_PER_S * 3600, .open = {open}, .high = {high}, .low = {low < 1 ? 1 : low}, .close = {close}, .volume = take(b, 50)};
    if (series_append(s, &bar, &err) != OK) abort();
    px = close;
  }
}

static void run(const char *source, size_t len, struct bytes *b) {
  struct script_spec *spec;
  struct err err;
  if (script_describe("fuzz.lua", source, len, NULL, &spec, &err) != OK) return;
  struct series s = {.inst = {.symbol = "FUZZ", .tick = {1, 2}, .lot = {1, 3}, .multiplier = {1, 0}}, .timeframe_ns = 6 * NS_PER_S * 3600};
  struct match_config mc;
  struct match_symbol_config sc;
  struct matcher *m;
  struct bot *bot;
  struct param_value params[SPEC_PARAMS_MAX];
  const struct series *streams[] = {&s};
  int symbol, symbols[] = {0};
  if (instrument_finish(&s.inst, &err) != OK) abort();
  match_config_init(&mc, (cash){(1 + take(b, 3)) * 1000 * CASH_ONE});
  mc.model = (enum fill_model)take(b, 4);
  mc.path = (enum path_mode)take(b, 3);
  mc.hedging = spec->hedging;
  mc.participation_frac_e8 = take(b, 3) == 0 ? 10000000 : 0;
  mc.latency_ns = take(b, 4) == 0 ? NS_PER_S * 3600 : 0;
  match_symbol_config_init(&sc, &s.inst);
  sc.leverage_e4 = 10000 * (1 + 9 * take(b, 3));
  sc.fees.taker_frac_e8 = 100000 * take(b, 3);
  sc.fees.maker_frac_e8 = take(b, 2) ? -10000 : 50000;
  sc.costs.spread_ticks = take(b, 5);
  if (spec->hedging && fill_model_compat(mc.model)) mc.model = MODEL_STRICT;
  if (matcher_create(&mc, &m, &err) != OK) abort();
  if (matcher_symbol_add(m, &sc, &symbol, &err) != OK) abort();
  make_bars(&s, b, 40);
  params_default(spec, params);
  struct bot_config bc = {.chunkname = "fuzz.lua", .source = source, .source_len = len, .spec = spec, .values = params, .matcher = m, .series = streams, .symbols = symbols,
                          .limits = {.fuel_instructions = 200000, .seed = 7}};
  risk_limits_init(&bc.risk);
  enum status st = bot_create(&bc, &bot, &err);
  for (size_t i = 0; st == OK && i < s.count; i++) {
    int64_t close_ns = s.bars[i].open_ns + s.timeframe_ns;
    struct match_bar in = {.bar = &s.bars[i], .close_ns = close_ns};
    bot_match(bot, 0, &in, close_ns);
    matcher_check(m);
    st = bot_settle(bot, close_ns, &err);
    if (st == OK && i % 4 == 3) st = bot_day(bot, close_ns, "1970-01-01", &err);
    if (st == OK) st = bot_stream_bar(bot, 0, i, close_ns, true, &err);
    if (st == OK && bot_timer_next(bot) <= close_ns) st = bot_timers_fire(bot, close_ns, &err);
    matcher_check(m);
    account_check(matcher_account(m));
  }
  if (st == OK) st = bot_stop(bot, s.bars[s.count - 1].open_ns + s.timeframe_ns, "end", &err);
  matcher_check(m);
  bot_destroy(bot);
  matcher_destroy(m);
  series_finish(&s);
  free(spec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct bytes b = {data, size};
  struct buf source;
  buf_init(&source, 60000);
  make_script(&source, &b);
  assert(!source.failed);
  run(source.data, source.len, &b);
  buf_finish(&source);
  return 0;
}

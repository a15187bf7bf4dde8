// tests/fuzz/fuzz_state.c – any bytes as saved state: loading it ends in a state or in an error that leaves the old one.
//
// First byte: 1 loads through migrate(), else as it is. What was loaded and can be saved is a fixed point: saved, loaded and
// saved again it is the same text – or a restart would change what a strategy remembers.
#include "bot/bot.h"

#include "base/buf.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char source[] = "strategy{ name='t', api=1 }\n"
                             "function on_bar(ctx) end\n"
                             "function migrate(state, from) return state end\n";
static const char known[] = "{\"known\":1}";

static struct bot *bot_make(void) {
  static struct series s = {.inst = {.symbol = "T", .tick = {1, 2}, .lot = {1, 0}, .multiplier = {1, 0}}, .timeframe_ns = NS_PER_DAY};
  static const struct series *series[] = {&s};
  static const int symbols[] = {0};
  struct err err;
  struct match_config mc;
  struct match_symbol_config sc;
  struct matcher *m;
  struct script_spec *spec;
  struct param_value values[SPEC_PARAMS_MAX];
  struct bot *bot;
  int symbol;
  if (instrument_finish(&s.inst, &err) != OK) abort();
  match_config_init(&mc, (cash){10000 * CASH_ONE});
  match_symbol_config_init(&sc, &s.inst);
  if (matcher_create(&mc, &m, &err) != OK || matcher_symbol_add(m, &sc, &symbol, &err) != OK) abort();
  if (script_describe("t.lua", source, strlen(source), NULL, &spec, &err) != OK) abort();
  params_default(spec, values);
  struct bot_config bc = {.chunkname = "t.lua", .source = source, .source_len = strlen(source), .spec = spec, .values = values, .matcher = m,
                          .series = series, .symbols = symbols, .limits = {.fuel_instructions = 100000}};
  risk_limits_init(&bc.risk);
  if (bot_create(&bc, &bot, &err) != OK) abort();
  return bot;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct bot *bot;  // one for all inputs: it lives as long as the process
  if (size == 0) return 0;
  if (!bot) bot = bot_make();
  struct script *s = bot_script(bot);
  struct err err;
  struct buf first, second;
  buf_init(&first, 1 << 20);
  buf_init(&second, 1 << 20);
  if (script_state_load(s, known, strlen(known), NULL, &err) != OK) abort();
  bool migrates = data[0] == '1';
  err.msg[0] = 0;
  if (script_state_load(s, (const char *)data + 1, size - 1, migrates ? "v1" : NULL, &err) != OK) {
    assert(err.msg[0]);
    if (script_state_save(s, &first, &err) != OK) abort();
    assert(first.len == strlen(known) && memcmp(first.data, known, first.len) == 0);
  } else if (script_state_save(s, &first, &err) == OK) {
    if (script_state_load(s, first.data, first.len, NULL, &err) != OK) abort();
    if (script_state_save(s, &second, &err) != OK) abort();
    assert(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
  } else {
    assert(!migrates && err.msg[0]);  // what migrate returned had to be writable
  }
  buf_finish(&first);
  buf_finish(&second);
  return 0;
}

// tests/fuzz/fuzz_montecarlo.c – a result's JSON as anything: refused with words, or trades that can be drawn from. The first byte chooses how.
#include "backtest/montecarlo.h"
#include "base/json.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RUNS 20
#define DRAWN_MAX 500  // trades: more say nothing new

static void tell(void *self, const char *text) {
  (void)self;
  assert(text[0]);
}

static void show(const struct montecarlo_source *s, const struct montecarlo_options *o, const struct montecarlo *m) {
  struct buf out;
  FILE *nowhere = fopen("/dev/null", "w");
  assert(nowhere);
  buf_init(&out, 1 << 20);
  montecarlo_warnings(s, o, m, tell, NULL);
  montecarlo_json(s, o, m, &out);
  montecarlo_print("a file", s, o, m, nowhere);
  json_t *said = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
  assert(!out.failed && said);
  json_decref(said);
  buf_finish(&out);
  fclose(nowhere);
}

static void draw(struct montecarlo_source *s, uint8_t how) {
  struct err err = {OK, ""};
  const struct montecarlo_options o = {.method = how & 1 ? MONTECARLO_SHUFFLE : MONTECARLO_BOOTSTRAP, .compound = how & 2, .runs = RUNS, .block = 1 + (size_t)(how >> 2) % 8, .seed = how,
                                       .limits_e4 = {200000}, .limit_count = 1};
  struct montecarlo m;
  if (o.compound && montecarlo_growth(s, &err) != OK) {
    assert(err.msg[0]);
    return;
  }
  if (montecarlo(s, &o, NULL, &m, &err) == OK) {
    assert(m.runs == RUNS && m.losses <= RUNS && m.ruins <= RUNS && m.above[0] <= RUNS);
    for (size_t i = 1; i < RUNS; i++) assert(m.ends_e8[i - 1] <= m.ends_e8[i] && m.drawdowns_pct[i - 1] <= m.drawdowns_pct[i] && m.streaks[i - 1] <= m.streaks[i]);
    for (size_t i = 0; i < RUNS; i++) assert(m.drawdowns_pct[i] >= 0 && m.streaks[i] >= 0 && (size_t)m.streaks[i] <= s->count);
    show(s, &o, &m);
  } else {
    assert(err.msg[0]);
  }
  montecarlo_finish(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct err err = {OK, ""};
  struct montecarlo_source s;
  if (size == 0 || size > 1 << 16) return 0;
  if (montecarlo_read((const char *)data + 1, size - 1, &s, &err) != OK) {
    assert(err.msg[0] && !s.trades && !s.script);
    return 0;
  }
  assert(s.count > 0 && s.count <= MONTECARLO_TRADES_MAX && s.start_e8 > 0 && s.script && (isnan(s.drawdown_pct) || s.drawdown_pct >= 0));
  for (size_t i = 0; i < s.count; i++) assert(s.trades[i].entry_ms <= s.trades[i].exit_ms && (i == 0 || s.trades[i - 1].exit_ms <= s.trades[i].exit_ms));
  if (s.count <= DRAWN_MAX) draw(&s, data[0]);
  montecarlo_source_finish(&s);
  return 0;
}

// tests/unit/bot/test_pilot_books.c – a script that goes on from an image of its books (bot/clerk_image.h) is the one that goes on from its whole run:
// orders, account, event hash, what the checks beside it remember, and everything that it does afterwards.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/pack.h"
#include "bot/clerk_image.h"
#include "bot/pilot.h"

enum { BARS = 900, IMAGE_AT = 500, RESTART_AT = 640 };
#define HOUR (60 * NS_PER_MINUTE)

static const char source[] =
    "strategy{ name='dice', api=1 }\n"
    "function on_bar(ctx, bar)\n"
    "  local n = math.random(9)\n"
    "  if n == 1 then ctx:buy{qty=math.random(3), sl=bar.close*0.97, tp=bar.close*1.02}\n"
    "  elseif n == 2 then ctx:sell{qty=math.random(3), type='limit', price=bar.close*1.01, tag='up'}\n"
    "  elseif n == 3 then ctx:buy{qty=1, type='stop', trigger=bar.close*1.01, ttl='3h'}\n"
    "  elseif n == 4 then ctx:cancel_all()\n"
    "  elseif n == 5 then ctx:close() end\n"
    "end\n";

struct run {
  struct series data, shown;
  const struct series *streams[1];
  struct script_spec *spec;
  struct match_symbol_config symbol;
  struct pilot_config pc;
  struct bot_command *journal;
  size_t count, cap;
  bool keeps;         // what the pilot commands goes to the clerk, and into the journal
  struct clerk *clerk;
  struct clerk_account *account;
  struct clerk_tenant tenant;
  struct clerk_shared shared;
};
static struct run r;
static struct err err;

#define must(st) must_at(st, __LINE__)
static void must_at(enum status st, int line) {
  if (st != OK) fail_msg("line %d: %s", line, err.msg);
}

static void keep(const struct bot_command *c) {
  if (r.count == r.cap) r.journal = realloc(r.journal, (r.cap = r.cap ? 2 * r.cap : 64) * sizeof *r.journal);
  r.journal[r.count++] = *c;
}

static void seen_command(void *self, const struct bot_command *c) {
  struct clerk_verdict v;
  (void)self;
  if (!r.keeps) return;
  clerk_command(r.clerk, c, &v);
  if (v.answer != CLERK_TAKEN) fail_msg("%s: %s", command_kind_text(c->kind), v.fault ? v.fault : "denied");
  keep(c);
}

static void imposed(void *self, const struct bot_command *c) {
  (void)self, (void)c;
  fail_msg("nothing is imposed here");
}

static void set_up(void) {
  static const int symbols[] = {0};
  memset(&r, 0, sizeof r);
  r.data = (struct series){.inst = {.symbol = "TEST", .tick = {1, 2}, .lot = {1, 0}, .multiplier = {1, 0}}, .timeframe_ns = HOUR, .volume_scale = 0};
  must(instrument_finish(&r.data.inst, &err));
  uint64_t dice = 7;
  int64_t px = 10000;
  for (int i = 0; i < BARS; i++) {
    dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407;
    const int64_t open = px, close = px + (int64_t)(dice >> 33) % 401 - 200 + (px < 8000 ? 60 : px > 12000 ? -60 : 0);
    const int64_t high = (open > close ? open : close) + (int64_t)(dice >> 20) % 50, low = (open < close ? open : close) - (int64_t)(dice >> 40) % 50;
    must(series_append(&r.data, &(struct bar){.open_ns = INT64_C(1700006400) * NS_PER_S + i * HOUR, .open = {open}, .high = {high}, .low = {low}, .close = {close}, .volume = 1000}, &err));
    px = close;
  }
  r.shown = r.data;
  r.streams[0] = &r.shown;
  must(script_describe("dice.lua", source, sizeof source - 1, NULL, &r.spec, &err));
  match_symbol_config_init(&r.symbol, &r.data.inst);
  r.symbol.fees = (struct match_fees){.maker_frac_e8 = 10000, .taker_frac_e8 = 50000};
  static struct param_value none[1];
  r.pc = (struct pilot_config){.bot = {.chunkname = "dice.lua", .source = source, .source_len = sizeof source - 1, .spec = r.spec, .values = none, .series = r.streams, .symbols = symbols,
                                       .observer = {.command = seen_command}},
                               .blotter = {.symbols = &r.symbol, .symbol_count = 1}};
  match_config_init(&r.pc.blotter.match, (cash){INT64_C(100000) * CASH_ONE});
  risk_limits_init(&r.pc.bot.risk);
  r.pc.bot.risk.rate_count = 3, r.pc.bot.risk.rate_window_ns = 5 * HOUR;
  clerk_tenant_init(&r.tenant, 1, &(struct gate_limits){0});
  must(clerk_account_create(&(struct clerk_account_config){.id = 1, .tenant = &r.tenant, .balance = {INT64_C(100000) * CASH_ONE}}, &r.account, &err));
  must(clerk_create(&(struct clerk_config){.bot_id = 1, .version = 1, .shared = &r.shared, .account = r.account, .venue_id = 1, .blotter = r.pc.blotter, .script_rate = true,
                                           .observer = {.imposed = imposed}}, &r.clerk, &err));
}

static struct pilot *pilot_made(uint32_t resume) {
  struct pilot *p;
  r.pc.bot.limits = (struct vm_limits){.seed = pilot_seed(11, resume)};
  must(pilot_create(&r.pc, &p, &err));
  return p;
}

static struct instant instant_at(size_t i, struct instant_match *m, struct instant_bar *b) {
  const int64_t now_ns = r.data.bars[i].open_ns + HOUR;
  *m = (struct instant_match){.bar = {.bar = &r.data.bars[i], .close_ns = now_ns}};
  *b = (struct instant_bar){.ix = i, .deliver = true};
  return (struct instant){.now_ns = now_ns, .match = m, .match_count = 1, .bars = b, .bar_count = 1};
}

static void live(struct pilot *p, size_t from, size_t to, bool keeps) {
  for (size_t i = from; i < to; i++) {
    struct instant_match m;
    struct instant_bar b;
    struct instant in = instant_at(i, &m, &b);
    r.keeps = keeps;
    if (keeps) must(clerk_market(r.clerk, &(struct instant){.now_ns = in.now_ns, .match = &m, .match_count = 1}, &err));
    must(pilot_instant(p, &in, &err));
    if (!keeps) continue;
    clerk_end(r.clerk);
    clerk_script_saw(r.clerk);
    clerk_committed(r.clerk);
  }
}

// What a host does with an instant of the past.
static void past(struct pilot *p, size_t i, struct pilot_past *told, bool bars_alone) {
  struct instant_match m;
  struct instant_bar b;
  struct instant in = instant_at(i, &m, &b);
  must(bars_alone ? pilot_past_bars(p, &in, &err) : pilot_past(p, &in, told, &err));
}

static void same(struct pilot *a, struct pilot *b) {
  char x[SHA256_HEX_SIZE], y[SHA256_HEX_SIZE];
  const struct risk_state *s = bot_risk_state(pilot_bot(a)), *t = bot_risk_state(pilot_bot(b));
  pilot_hash(a, x);
  pilot_hash(b, y);
  assert_string_equal(x, y);
  assert_true(account_equity(pilot_account(a)).e8 == account_equity(pilot_account(b)).e8 && matcher_order_last(pilot_matcher(a)) == matcher_order_last(pilot_matcher(b)));
  assert_true(s->day_start_e8 == t->day_start_e8 && s->peak_e8 == t->peak_e8);
  for (uint32_t i = 1; i <= 3; i++)
    assert_true(s->sent_ns[(s->sent_count - i) & (s->sent_cap - 1)] == t->sent_ns[(t->sent_count - i) & (t->sent_cap - 1)]);
  matcher_check(pilot_matcher(b));
}

static void test_goes_on_as_from_the_whole_run(void **state) {
  (void)state;
  struct buf image;
  set_up();
  buf_init(&image, CLERK_IMAGE_MAX);
  struct pilot *first = pilot_made(0);
  live(first, 0, IMAGE_AT, true);
  const size_t count = r.count;
  const int64_t at_ns = clerk_now(r.clerk);
  assert_true(clerk_image_make(r.clerk, &image));
  live(first, IMAGE_AT, RESTART_AT, true);
  assert_true(r.count > count + 20 && matcher_order_last(pilot_matcher(first)) > 100);

  // Twice again: from the run, and from the image and what came after it.
  const int64_t seen_ns = pilot_now(first);
  struct pilot_past whole = {.commands = r.journal, .count = r.count, .seen_ns = seen_ns}, rest = {.commands = r.journal + count, .count = r.count - count, .seen_ns = seen_ns};
  struct pilot *a = pilot_made(1), *b = pilot_made(1);
  size_t books_len;
  const void *books = clerk_image_books(image.data, image.len, &books_len);
  for (size_t i = 0; i < RESTART_AT; i++) {
    if (i == IMAGE_AT) {
      must(pilot_past_books(b, at_ns, books, books_len, &err));
      same(a, b);
    }
    past(a, i, &whole, false);
    past(b, i, &rest, i < IMAGE_AT);
  }
  must(pilot_past_end(a, &whole, true, &err));
  must(pilot_past_end(b, &rest, true, &err));
  same(a, b);
  char x[SHA256_HEX_SIZE], y[SHA256_HEX_SIZE];
  pilot_hash(first, x);
  pilot_hash(b, y);
  assert_string_equal(x, y);
  live(a, RESTART_AT, BARS, false);
  live(b, RESTART_AT, BARS, false);
  same(a, b);
  assert_true(matcher_order_last(pilot_matcher(b)) > matcher_order_last(pilot_matcher(first)) + 30);
  pilot_destroy(a);
  pilot_destroy(b);
  pilot_destroy(first);

  // Books of other terms, or torn, are not taken.
  struct pilot *c = pilot_made(1);
  assert_int_equal(pilot_past_books(c, at_ns, books, books_len - 1, &err), ERR_INVALID);
  pilot_destroy(c);
  r.symbol.fees.taker_frac_e8++;
  c = pilot_made(1);
  assert_int_equal(pilot_past_books(c, at_ns, books, books_len, &err), ERR_INVALID);
  pilot_destroy(c);

  buf_finish(&image);
  clerk_destroy(r.clerk);
  clerk_account_destroy(r.account);
  series_finish(&r.data);
  free(r.spec);
  free(r.journal);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_goes_on_as_from_the_whole_run)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

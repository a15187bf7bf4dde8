// tests/unit/bot/test_pipeline.c – a bot in memory: callbacks are transactions, ctx.state survives reloads through migrate,
// parameters change while it runs.
#include "bot/bot.h"
#include "bot/event_hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BARS 8

struct fixture {
  struct series series;
  struct matcher *matcher;
  struct script_spec *spec;
  struct param_value values[SPEC_PARAMS_MAX];
  struct bot *bot;
  int fills;
};

static void count_fill(void *self, const struct fill *f) {
  (void)f;
  ((struct fixture *)self)->fills++;
}

static const int symbols[] = {0};

static void open_bot(struct fixture *f, const char *source) {
  struct err err;
  memset(f, 0, sizeof *f);
  f->series = (struct series){.inst = {.symbol = "T", .tick = {1, 2}, .lot = {1, 0}, .multiplier = {1, 0}}, .timeframe_ns = NS_PER_DAY};
  assert_int_equal(instrument_finish(&f->series.inst, &err), OK);
  for (int i = 0; i < BARS; i++) {
    struct bar b = {.open_ns = i * NS_PER_DAY, .open = {10000}, .high = {10100}, .low = {9900}, .close = {10000}, .volume = 5};
    assert_int_equal(series_append(&f->series, &b, &err), OK);
  }
  struct match_config mc;
  struct match_symbol_config sc;
  int symbol;
  match_config_init(&mc, (cash){10000 * CASH_ONE});
  match_symbol_config_init(&sc, &f->series.inst);
  assert_int_equal(matcher_create(&mc, &f->matcher, &err), OK);
  assert_int_equal(matcher_symbol_add(f->matcher, &sc, &symbol, &err), OK);
  if (script_describe("t.lua", source, strlen(source), NULL, &f->spec, &err) != OK) fail_msg("%s", err.msg);
  params_default(f->spec, f->values);
  static const struct series *series[1];
  series[0] = &f->series;
  struct bot_config bc = {.chunkname = "t.lua", .source = source, .source_len = strlen(source), .spec = f->spec, .values = f->values, .matcher = f->matcher,
                          .series = series, .symbols = symbols, .observer = {.self = f, .fill = count_fill}};
  risk_limits_init(&bc.risk);
  if (bot_create(&bc, &f->bot, &err) != OK) fail_msg("%s", err.msg);
}

static void close_bot(struct fixture *f) {
  bot_destroy(f->bot);
  matcher_destroy(f->matcher);
  series_finish(&f->series);
  free(f->spec);
}

static enum status feed(struct fixture *f, size_t ix, struct err *err) {
  int64_t close_ns = f->series.bars[ix].open_ns + NS_PER_DAY;
  struct match_bar in = {.bar = &f->series.bars[ix], .close_ns = close_ns};
  bot_match(f->bot, 0, &in, close_ns);
  enum status st = bot_settle(f->bot, close_ns, err);
  return st == OK ? bot_stream_bar(f->bot, 0, ix, close_ns, true, err) : st;
}

static const char *saved(struct fixture *f, struct buf *b) {
  struct err err;
  buf_clear(b);
  if (script_state_save(bot_script(f->bot), b, &err) != OK) fail_msg("%s", err.msg);
  return b->data;
}

#define HEAD "strategy{ name='t', api=1, params={n=int{1,min=0,max=9,live=true}, fixed=int{1}} }\n"

static void an_error_discards_what_the_callback_asked(void **state) {
  (void)state;
  struct fixture f;
  struct err err;
  open_bot(&f, HEAD "local n = 0\nfunction on_bar(ctx) n = n + 1\n ctx:buy{qty=1}\n ctx:sell{qty=1, price=105, type='limit'}\n if n == 1 then error('no') end end");
  assert_int_equal(feed(&f, 0, &err), ERR_SCRIPT);
  assert_non_null(strstr(err.msg, "t.lua:6: no"));
  size_t pos = 0;
  assert_null(matcher_working(f.matcher, 0, &pos));
  assert_int_equal(feed(&f, 1, &err), OK);  // nothing of the first call meets this bar
  assert_int_equal(f.fills, 0);
  assert_int_equal(feed(&f, 2, &err), OK);
  assert_int_equal(f.fills, 1);
  close_bot(&f);
}

static void a_target_asked_twice_is_one_order(void **state) {
  (void)state;
  struct fixture f;
  struct err err;
  open_bot(&f, HEAD "function on_bar(ctx) for i = 1, 3 do ctx:target{qty=5} end end");
  for (size_t i = 0; i < 4; i++) assert_int_equal(feed(&f, i, &err), OK);
  assert_int_equal(f.fills, 1);
  assert_int_equal(account_lots(matcher_account(f.matcher), 0, LEG_NET), 5);
  close_bot(&f);
}

static void handles_keep_their_ids_over_the_commit(void **state) {
  (void)state;
  struct fixture f;
  struct err err;
  open_bot(&f, HEAD "local a, b\nfunction on_bar(ctx)\n if not a then\n  a = ctx:buy{qty=1, price=90, type='limit', sl=80, tp=120}\n  local gone = ctx:buy{qty=2, price=90, type='limit'}\n"
                    "  ctx:cancel(gone)\n  b = ctx:buy{qty=3, price=91, type='limit'}\n  assert(gone.status == 'CANCELED' and #ctx:orders() == 2)\n"
                    " else assert(a.qty == 1 and b.qty == 3 and b.price == 91 and a.status == 'OPEN' and #ctx:orders() == 2) end end");
  for (size_t i = 0; i < 3; i++)
    if (feed(&f, i, &err) != OK) fail_msg("%s", err.msg);
  close_bot(&f);
}

static void overwriting_ctx_is_refused_before_orders_count(void **state) {
  (void)state;
  struct fixture f;
  struct err err;
  open_bot(&f, HEAD "function on_bar(ctx) ctx.sell = ctx.buy; ctx:sell{qty=1} end");
  assert_int_equal(feed(&f, 0, &err), ERR_SCRIPT);
  assert_non_null(strstr(err.msg, "read-only"));
  size_t pos = 0;
  assert_null(matcher_working(f.matcher, 0, &pos));
  close_bot(&f);
}

static void state_is_canonical_and_survives(void **state) {
  (void)state;
  struct fixture f;
  struct err err;
  struct buf b, again;
  buf_init(&b, 1 << 20);
  buf_init(&again, 1 << 20);
  open_bot(&f, HEAD "function on_bar(ctx) ctx.state = {z=1, a=1.5, i=2.0, t={1,'x',true}, m={[5]=1, ['#5']=2, [0.5]=3}, b='\\0\\200\\\"', e={}} end");
  assert_int_equal(feed(&f, 0, &err), OK);
  const char *text = saved(&f, &b);
  assert_string_equal(text, "{\"a\":1.5,\"b\":\"\\u0000\\u00c8\\\"\",\"e\":{},\"i\":2.0,\"m\":{\"#0.5\":3,\"#5\":1,\"##5\":2},\"t\":[1,\"x\",true],\"z\":1}");
  assert_int_equal(script_state_load(bot_script(f.bot), text, strlen(text), NULL, &err), OK);
  assert_string_equal(saved(&f, &again), text);
  assert_int_equal(script_state_load(bot_script(f.bot), "{\"a\":", 5, NULL, &err), ERR_INVALID);
  assert_string_equal(saved(&f, &again), text);
  buf_finish(&b);
  buf_finish(&again);
  close_bot(&f);
}

static void a_timer_that_is_late_fires_once(void **state) {
  (void)state;
  struct fixture f;
  struct err err;
  struct buf b;
  buf_init(&b, 1 << 20);
  open_bot(&f, HEAD "function on_init(ctx) ctx:timer{every='1h', name='t'} end\nfunction on_bar(ctx) end\nfunction on_timer(ctx) ctx.state.n = (ctx.state.n or 0) + 1 end");
  assert_int_equal(feed(&f, 0, &err), OK);
  int64_t now_ns = 5 * NS_PER_DAY + 30 * NS_PER_S;
  assert_true(bot_timer_next(f.bot) < now_ns);
  assert_int_equal(bot_timers_fire(f.bot, now_ns, &err), OK);
  assert_string_equal(saved(&f, &b), "{\"n\":1}");
  assert_int_equal(bot_timer_next(f.bot), 5 * NS_PER_DAY + 3600 * NS_PER_S);  // and the grid goes on
  assert_int_equal(bot_timers_fire(f.bot, now_ns, &err), OK);
  assert_string_equal(saved(&f, &b), "{\"n\":1}");
  buf_finish(&b);
  close_bot(&f);
}

static void migrate_makes_the_new_state_or_leaves_the_old(void **state) {
  (void)state;
  struct fixture f;
  struct err err;
  struct buf b;
  buf_init(&b, 1 << 20);
  open_bot(&f, HEAD "function on_bar(ctx) end\nfunction migrate(state, from)\n if state.bad == 'raise' then error('cannot') end\n if state.bad == 'function' then return {f=function() end} end\n"
                    " if state.bad == 'nothing' then return end\n return {count=state.n*2, from=from} end");
  struct script *s = bot_script(f.bot);
  assert_int_equal(script_state_load(s, "{\"n\":21}", 8, "v1", &err), OK);
  assert_string_equal(saved(&f, &b), "{\"count\":42,\"from\":\"v1\"}");
  static const struct {
    const char *old, *reason;
  } bad[] = {{"{\"bad\":\"raise\"}", "t.lua:4: cannot"}, {"{\"bad\":\"function\"}", "is a function"}, {"{\"bad\":\"nothing\"}", "must return the new state"}};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_int_equal(script_state_load(s, bad[i].old, strlen(bad[i].old), "v2", &err), ERR_SCRIPT);
    if (!strstr(err.msg, bad[i].reason)) fail_msg("%s", err.msg);
    assert_string_equal(saved(&f, &b), "{\"count\":42,\"from\":\"v1\"}");
  }
  assert_int_equal(script_state_load(s, "{\"n\":1}", 7, NULL, &err), OK);  // a restart of the same version: no migration
  assert_string_equal(saved(&f, &b), "{\"n\":1}");
  buf_finish(&b);
  close_bot(&f);
}

static void live_parameters_change_others_do_not(void **state) {
  (void)state;
  struct fixture f;
  struct err err;
  struct buf b;
  buf_init(&b, 1 << 20);
  open_bot(&f, HEAD "function on_bar(ctx) ctx.state.n = ctx.p.n end\nfunction on_params(ctx, old) ctx.state.old, ctx.state.new = old.n, ctx.p.n end");
  assert_int_equal(feed(&f, 0, &err), OK);
  f.values[0].num = 7;
  assert_int_equal(script_on_params(bot_script(f.bot), f.values, &err), OK);
  assert_int_equal(feed(&f, 1, &err), OK);
  assert_string_equal(saved(&f, &b), "{\"n\":7,\"new\":7,\"old\":1}");
  f.values[0].num = 10;
  assert_int_equal(script_on_params(bot_script(f.bot), f.values, &err), ERR_RANGE);
  f.values[0].num = 7;
  f.values[1].num = 2;
  assert_int_equal(script_on_params(bot_script(f.bot), f.values, &err), ERR_INVALID);
  assert_non_null(strstr(err.msg, "live"));
  assert_int_equal(feed(&f, 2, &err), OK);
  assert_int_equal(script_verify(bot_script(f.bot), &err), OK);  // the engine's own change of ctx.p is no break of the seal
  buf_finish(&b);
  close_bot(&f);
}

static void the_hash_covers_every_field_of_a_fill(void **state) {
  (void)state;
  struct fill base = {.id = 1, .order = 2, .symbol = 0, .side = SIDE_BUY, .px = {100}, .qty = {5}, .fee = {7}, .time_ns = 9}, changed[8];
  char want[SHA256_HEX_SIZE], got[SHA256_HEX_SIZE];
  for (int i = 0; i < 8; i++) changed[i] = base;
  changed[0].px.ticks++, changed[1].qty.lots++, changed[2].fee.e8++, changed[3].side = SIDE_SELL, changed[4].time_ns++, changed[5].maker = true,
      changed[6].ambiguous = true, changed[7].cut = true;
  struct event_hash h;
  event_hash_init(&h);
  event_hash_fill(&h, &base);
  event_hash_equity(&h, 0, (cash){1});
  event_hash_finish(&h, want);
  for (int i = 0; i < 8; i++) {
    event_hash_init(&h);
    event_hash_fill(&h, &changed[i]);
    event_hash_equity(&h, 0, (cash){1});
    event_hash_finish(&h, got);
    assert_string_not_equal(got, want);
  }
  for (int marks = 0; marks < 2; marks++) {  // an equity mark inside a day counts too, though the day's last is the same
    event_hash_init(&h);
    event_hash_fill(&h, &base);
    event_hash_equity(&h, 0, (cash){marks});
    event_hash_equity(&h, 1, (cash){1});
    event_hash_finish(&h, marks ? got : want);
  }
  assert_string_not_equal(got, want);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_error_discards_what_the_callback_asked), cmocka_unit_test(a_target_asked_twice_is_one_order),
      cmocka_unit_test(handles_keep_their_ids_over_the_commit),    cmocka_unit_test(overwriting_ctx_is_refused_before_orders_count),
      cmocka_unit_test(state_is_canonical_and_survives),           cmocka_unit_test(a_timer_that_is_late_fires_once), cmocka_unit_test(migrate_makes_the_new_state_or_leaves_the_old),
      cmocka_unit_test(live_parameters_change_others_do_not),      cmocka_unit_test(the_hash_covers_every_field_of_a_fill),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

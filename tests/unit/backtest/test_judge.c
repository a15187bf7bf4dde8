// tests/unit/backtest/test_judge.c – a prop firm's rules in a backtest are those of a live bot: the same bars, shown one at a time to a
// pilot and a clerk as the core shows them, end with the same event hash; and what the rules do is in the result.
#include "backtest/backtest.h"
#include "backtest/result_out.h"
#include "base/buf.h"
#include "bot/clerk.h"
#include "bot/pilot.h"
#include "risk/news.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// last: it redefines what the headers above declare
#include <cmocka.h>

#define BEGIN_NS (INT64_C(1767225600) * NS_PER_S)  // 2026-01-01, midnight
#define BARS 400

static void must(enum status st, const struct err *err) {
  if (st != OK) fail_msg("%s", err->msg);
}

// Minutes of a market that falls for three hours and then rises.
static struct series market(void) {
  struct err err;
  struct series s = {.timeframe_ns = NS_PER_MINUTE, .volume_scale = 0, .price_scale = 2};
  s.inst = (struct instrument){.symbol = "EURUSD", .tick = {1, 2}, .lot = {1, 2}, .multiplier = {1, 0}};
  must(instrument_finish(&s.inst, &err), &err);
  uint64_t rng = 7;
  int64_t px = 10000;
  for (int i = 0; i < BARS; i++) {
    rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
    const int64_t close = px + (int64_t)(rng % 61) - 30 + (i < 180 ? -4 : 5);
    const struct bar b = {.open_ns = BEGIN_NS + i * NS_PER_MINUTE, .open = {px}, .close = {close}, .high = {(px > close ? px : close) + 7}, .low = {(px < close ? px : close) - 9}, .volume = 1000};
    must(series_append(&s, &b, &err), &err);
    px = close;
  }
  return s;
}

// In with a stop, out again later, now and then too much, and a resting limit that news cancels; it says what it hears.
static const char script[] =
  "strategy{ name='ruled', api=1 }\n"
  "function on_risk(ctx, e) ctx:log('info', 'risk', e.rule or e.code, e.limit) ctx.state.risks = (ctx.state.risks or 0) + 1 end\n"
  "function on_order(ctx, e) if e.reason ~= 'NONE' then ctx:log('info', e.id, e.status, e.reason) end end\n"
  "function on_bar(ctx, bar)\n"
  "  local n = (ctx.state.n or 0) + 1\n"
  "  ctx.state.n = n\n"
  "  if n % 10 == 1 then ctx:buy{qty=20, sl=bar.close*0.98, tag='in'}\n"
  "  elseif n % 10 == 3 then ctx:buy{qty=20, tag='bare'}\n"
  "  elseif n % 10 == 4 then ctx:buy{qty=5, type='limit', price=bar.close*0.98, sl=bar.close*0.97, tag='low'}\n"
  "  elseif n % 10 == 8 and (ctx.state.risks or 0) % 2 == 0 then ctx:cancel_all('low'); ctx:close{tag='out'} end\n"
  "end\n";

static const char rules_text[] =
  "{ \"name\": \"Tight\", \"day\": {\"reset\": \"01:30\", \"zone\": \"UTC\", \"basis\": \"equity\", \"loss\": \"150\", \"soft_pct\": \"40\", \"fatal\": false},"
  "  \"total\": {\"trail\": \"static\", \"loss\": \"1500\"}, \"trade\": {\"stop_required\": true},"
  "  \"news\": {\"before_s\": 90, \"after_s\": 150, \"impact\": \"high\", \"flat\": true} }";
static const struct news_event events[] = {
  {.from_ns = BEGIN_NS + 15 * NS_PER_MINUTE + 10 * NS_PER_S, .to_ns = BEGIN_NS + 15 * NS_PER_MINUTE + 10 * NS_PER_S, .impact = NEWS_HIGH, .what = "USD"},
  {.from_ns = BEGIN_NS + 25 * NS_PER_MINUTE, .to_ns = BEGIN_NS + 30 * NS_PER_MINUTE, .impact = NEWS_LOW, .what = ""},      // does not count
  {.from_ns = BEGIN_NS + 35 * NS_PER_MINUTE, .to_ns = BEGIN_NS + 36 * NS_PER_MINUTE, .impact = NEWS_HIGH, .what = "GBP"},  // nor this
  {.from_ns = BEGIN_NS + 250 * NS_PER_MINUTE, .to_ns = BEGIN_NS + 255 * NS_PER_MINUTE, .impact = NEWS_HIGH, .what = ""},
};

// ---- live: what bot/live does with one bot, without its journal and processes

struct desk {
  struct pilot *pilot;
  struct clerk *clerk;
  struct clerk_account *account;
  struct bot_command imposed[64];
  int imposed_count, interventions, denials;
  struct denial told[4];  // frames on their way to the host, which is busy with the instant
  int64_t told_until[4];
  int told_count;
  bool told_one;          // each code once an instant, and all here have one
  bool ended;
  price last;
};

static void tell(struct desk *d, const struct refusal *why, int64_t until_ns) {
  if (d->told_one) return;
  d->told_one = true;
  assert_true(d->told_count < 4);
  d->told_until[d->told_count] = until_ns;
  d->told[d->told_count++] = why ? refusal_denial(why, NULL) : (struct denial){.limit = NAN, .value = NAN};
}
static void on_command(void *self, const struct bot_command *c) {
  struct desk *d = self;
  struct clerk_verdict v;
  clerk_command(d->clerk, c, &v);
  assert_int_not_equal(v.answer, CLERK_INVALID);
}
static void on_imposed(void *self, const struct bot_command *c) {
  struct desk *d = self;
  assert_true(d->imposed_count < 64);
  d->imposed[d->imposed_count++] = *c;
}
static void on_denied(void *self, const struct clerk_denial *denial) {
  struct desk *d = self;
  assert_int_equal(denial->code, REASON_PROP_RULE);
  d->denials++;
  tell(d, denial->why, denial->why->until_ns);
}
static void on_intervened(void *self, enum reason code, const char *text) {
  (void)code, (void)text;
  ((struct desk *)self)->interventions++;
}
static bool last_price(void *self, int symbol, price *ret) {
  (void)symbol;
  *ret = ((struct desk *)self)->last;
  return true;
}

static void instant(struct desk *d, const struct instant *in) {
  struct err err;
  if (in->match_count) d->last = in->match[0].bar.bar->close;
  must(clerk_market(d->clerk, in, &err), &err);
  must(pilot_instant(d->pilot, in, &err), &err);
  clerk_end(d->clerk);
  clerk_committed(d->clerk);
  d->told_one = false;
  const struct rule_result r = rule_standing(clerk_account_rules(d->account));
  const bool ended = r.action != RULE_GO_ON;
  if (clerk_account_wants_flat(d->account)) clerk_account_act(d->account);
  if (ended != d->ended) tell(d, ended ? &r.why : NULL, ended ? r.why.until_ns : in->now_ns);
  d->ended = ended;
  for (int i = 0; i < d->imposed_count; i++) assert_true(pilot_impose(d->pilot, &d->imposed[i]));
  for (int i = 0; i < d->told_count; i++) pilot_risk(d->pilot, REASON_PROP_RULE, d->told[i].limit, d->told[i].value, d->told_until[i]);
  d->imposed_count = d->told_count = 0;
  clerk_check(d->clerk);
}

static void run_live(const struct backtest_config *c, const struct series *data, const struct rule_set *rules, const struct news_list *news, struct desk *d, char ret_hash[SHA256_HEX_SIZE]) {
  static const int symbols[] = {0};
  struct err err;
  struct clerk_shared shared = {0};
  struct clerk_tenant tenant;
  struct series seen = *data;
  const struct series *streams[] = {&seen};
  struct match_symbol_config sc;
  match_symbol_config_init(&sc, &data->inst);
  sc.fees = c->fees;
  sc.costs = c->costs;
  sc.leverage_e4 = c->leverage_e4;
  sc.volume_scale = data->volume_scale;
  seen.count = 0;
  clerk_tenant_init(&tenant, 1, &(struct gate_limits){0});
  must(clerk_account_create(&(struct clerk_account_config){.id = 1, .tenant = &tenant, .balance = c->match.deposit, .rules = rules, .news = news, .now_ns = BEGIN_NS}, &d->account, &err), &err);
  const struct pilot_config pc = {
      .bot = {.chunkname = c->script_path, .source = c->source, .source_len = c->source_len, .spec = c->spec, .values = c->values, .limits = c->limits, .series = streams, .symbols = symbols,
              .risk = c->risk, .observer = {.self = d, .command = on_command}},
      .blotter = {.match = c->match, .symbols = &sc, .symbol_count = 1}};
  must(clerk_create(&(struct clerk_config){.bot_id = 1, .version = 1, .run = 1, .shared = &shared, .account = d->account, .blotter = pc.blotter, .live_from_ns = BEGIN_NS,
                      .observer = {.self = d, .denied = on_denied, .imposed = on_imposed, .intervened = on_intervened, .last_price = last_price}}, &d->clerk, &err), &err);
  must(pilot_create(&pc, &d->pilot, &err), &err);
  for (size_t i = 0; i < data->count; i++) {
    seen.count = i + 1;
    const int64_t now_ns = data->bars[i].open_ns + data->timeframe_ns;
    for (int64_t at_ns = clerk_now(d->clerk), news_ns;;) {  // of the clock
      news_ns = clerk_news_next(d->clerk);
      const int64_t soon_ns = clerk_closing(d->clerk) ? timeframe_floor(at_ns, NS_PER_MS) + NS_PER_MS : INT64_MAX, next_ns = news_ns > at_ns && news_ns < soon_ns ? news_ns : soon_ns;
      if (next_ns >= now_ns) break;
      instant(d, &(struct instant){.now_ns = at_ns = next_ns});
    }
    const struct instant_match m = {.bar = {.bar = &data->bars[i], .close_ns = now_ns}};
    const struct instant_bar b = {.ix = i, .deliver = true};
    instant(d, &(struct instant){.now_ns = now_ns, .match = &m, .match_count = 1, .bars = &b, .bar_count = 1});
  }
  clerk_hash(d->clerk, ret_hash);
  char own[SHA256_HEX_SIZE];
  pilot_hash_last(d->pilot, own);
  assert_string_equal(own, ret_hash);
  pilot_destroy(d->pilot);
  clerk_destroy(d->clerk);
  clerk_account_destroy(d->account);
}

// ---- the two

struct outcome {
  int denials, interventions;
  struct result_rules rules;
  size_t fills, logs;
};

static struct outcome both(const char *rules, bool with_news, int64_t leverage_e4) {
  struct err err;
  struct script_spec *spec;
  struct param_value values[SPEC_PARAMS_MAX];
  struct series data = market();
  struct news_list *news = NULL;
  struct rule_set *set;
  struct backtest_config *c = malloc(sizeof *c);
  struct backtest_data *loaded = calloc(1, sizeof *loaded);
  struct result r;
  struct desk live = {0};
  char hash[SHA256_HEX_SIZE];
  assert_non_null(c);
  assert_non_null(loaded);
  must(script_describe("ruled.lua", script, sizeof script - 1, NULL, &spec, &err), &err);
  params_default(spec, values);
  backtest_config_init(c);
  c->script_path = "ruled.lua", c->source = script, c->source_len = sizeof script - 1, c->spec = spec, c->values = values;
  c->fees = (struct match_fees){.maker_frac_e8 = 20000, .taker_frac_e8 = 50000};
  c->costs.slippage_ticks = 2;
  c->leverage_e4 = leverage_e4;
  c->single_path = true;
  if (with_news) must(news_list_create(events, sizeof events / sizeof *events, &news, &err), &err);
  must(rule_set_parse_of(rules, strlen(rules), c->match.deposit, &set, &err), &err);
  run_live(c, &data, set, news, &live, hash);

  c->files[0] = (struct backtest_file){.path = "recording", .series = &data};
  c->file_count = 1;
  c->rules = (struct backtest_text){rules, strlen(rules)};
  c->news = news;
  result_init(&r);
  must(backtest_data_load(c, loaded, &r, &err), &err);
  must(backtest_run(c, loaded, &r, &err), &err);
  assert_string_equal(r.hash, hash);
  const struct outcome o = {live.denials, live.interventions, r.rules, r.fill_count, r.logs.count};
  result_finish(&r);
  backtest_data_finish(loaded);
  rule_set_destroy(set);
  news_list_destroy(news);
  series_finish(&data);
  free(spec);
  free(loaded);
  free(c);
  return o;
}

static void as_live_with_days_that_end(void **state) {
  (void)state;
  const struct outcome o = both(rules_text, false, 10000);
  assert_int_equal(o.rules.denied, o.denials);
  assert_int_equal(o.rules.interventions, o.interventions);
  assert_true(o.denials > 20);            // without a stop, and while a day is over
  assert_true(o.rules.ends >= 1);         // the soft level of a day
  assert_true(o.interventions >= 1);      // it was closed
  assert_true(o.fills > 10);
  assert_true(o.rules.ended_ns > BEGIN_NS);
  assert_non_null(strstr(o.rules.why, "day"));
  assert_false(o.rules.failed);
  assert_string_equal(o.rules.name, "Tight");
}

static void as_live_around_news(void **state) {
  (void)state;
  const struct outcome with = both(rules_text, true, 10000), without = both(rules_text, false, 10000);
  assert_int_equal(with.rules.denied, with.denials);
  assert_int_equal(with.rules.interventions, with.interventions);
  assert_true(with.interventions > without.interventions);  // cancelled and closed
}

static void as_live_when_the_account_fails(void **state) {
  (void)state;
  static const char thin[] = "{ \"name\": \"Thin\", \"total\": {\"trail\": \"equity\", \"loss\": \"90\"} }";
  const struct outcome o = both(thin, false, 50000);
  assert_int_equal(o.rules.denied, o.denials);
  assert_true(o.rules.failed || o.rules.ends == 0);
  assert_true(o.denials > 0);
}

static void what_does_not_go_together(void **state) {
  (void)state;
  struct err err;
  struct script_spec *spec;
  struct param_value values[SPEC_PARAMS_MAX];
  struct series data = market();
  struct backtest_config *c = malloc(sizeof *c);
  static const char wrong[] = "{ \"name\": \"x\",\n \"dya\": 1 }";
  must(script_describe("ruled.lua", script, sizeof script - 1, NULL, &spec, &err), &err);
  params_default(spec, values);
  for (int what = 0; what < 3; what++) {
    struct backtest_data *loaded = calloc(1, sizeof *loaded);
    struct result r;
    backtest_config_init(c);
    c->script_path = "ruled.lua", c->source = script, c->source_len = sizeof script - 1, c->spec = spec, c->values = values;
    c->files[c->file_count++] = (struct backtest_file){.path = "recording", .series = &data};
    c->rules = what == 0 ? (struct backtest_text){wrong, strlen(wrong)} : (struct backtest_text){rules_text, strlen(rules_text)};
    if (what == 1) c->costs.swap_long_e8 = 1;
    if (what == 2) c->match.model = MODEL_COMPAT_BACKTESTING;
    result_init(&r);
    must(backtest_data_load(c, loaded, &r, &err), &err);
    const enum status st = backtest_run(c, loaded, &r, &err);
    assert_int_equal(st, what == 1 ? ERR_USAGE : ERR_INVALID);
    assert_non_null(strstr(err.msg, what == 0 ? "dya" : what == 1 ? "swaps" : "compat"));
    result_finish(&r);
    backtest_data_finish(loaded);
    free(loaded);
  }
  series_finish(&data);
  free(spec);
  free(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(as_live_with_days_that_end),
      cmocka_unit_test(as_live_around_news),
      cmocka_unit_test(as_live_when_the_account_fails),
      cmocka_unit_test(what_does_not_go_together),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

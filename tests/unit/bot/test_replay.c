// tests/unit/bot/test_replay.c – a paper run as the core keeps it (clerk, journal), made again: every decision agrees; with a planted
// difference it says where and what; with denials, a flatten and a restart in between it still agrees, and the parity certificate of the
// run says which of these is why a fresh walk ends elsewhere.
//
// Planted and found: a comparison without the quantity, commands of the journal that were not asked for left unnoticed, imposed commands not
// applied, one seed for all starts of the script, a fork that finds the run's state at a new start and not its own.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bot/clerk.h"
#include "bot/memory.h"
#include "bot/parity.h"
#include "market/csv.h"

#define E8(units) ((int64_t)(units) * CASH_ONE)
enum { EVENTS = 20000 };

// Acts on its state, on dice and on what comes from outside.
static const char counter[] =
    "strategy{ name='counter', api=1, params={ every=int{5, min=1, max=100, live=true} }, ind={ a={'sma', 3} } }\n"
    "function on_bar(ctx, bar)\n"
    "  local n = (ctx.state.n or 0) + 1\n"
    "  ctx.state.n = n\n"
    "  if n % ctx.p.every == 0 then\n"
    "    local dice = ctx:rand()\n"
    "    if dice < 0.6 then ctx:buy{qty=0.1, sl=bar.close*0.95, tp=bar.close*(1.01 + dice/50)} else ctx:close{} end\n"
    "  end\n"
    "end\n"
    "function on_params(ctx, old) ctx:buy{qty=0.1*old.every, price=1000} end\n"
    "function on_signal(ctx, s) ctx:sell{qty=0.2, tag=s.action} end\n"
    "function on_tick(ctx, t) if t.trades == 3 and t.price > 101 and not t.bid then ctx:sell{qty=0.01, type='limit', price=t.price*2, tag='tick'} end end\n"
    "function on_stop(ctx, why) ctx:cancel_all() end\n";

static struct run {
  struct buf source;
  struct series data;
  struct script_spec *spec;
  struct param_value values[SPEC_PARAMS_MAX];
  struct match_symbol_config symbol;
  struct replay_config config;
  struct replay_event events[EVENTS];
  size_t count;
  const struct series *streams[1], *finest[1];
  struct clerk_shared shared;
  struct clerk_tenant tenant;
  struct clerk_account *account;
  struct clerk *clerk;
  struct pilot *pilot;
  struct bot_command told[64];
  size_t told_count;
  int64_t denied;
  char hash[SHA256_HEX_SIZE];
  int fills;
  struct buf state, memory;
} run;
static const int symbols[1] = {0};

static void must(enum status st, const struct err *err) {
  if (st != OK) fail_msg("%s", err->msg);
}

static struct replay_event *event_add(enum replay_kind kind, int64_t time_ns) {
  assert_true(run.count < EVENTS);
  struct replay_event *e = &run.events[run.count++];
  *e = (struct replay_event){.kind = kind, .time_ns = time_ns};
  return e;
}

static void on_imposed(void *self, const struct bot_command *c) {
  (void)self;
  struct bot_command *cmd = &event_add(REPLAY_IMPOSED, c->time_ns)->command;
  *cmd = *c;
  cmd->imposed = true;
  run.told[run.told_count++] = *c;
}
static void on_fill(void *self, const struct clerk_fill_event *f) {
  (void)self, (void)f;
  run.fills++;
}
static void on_denied(void *self, const struct clerk_denial *d) {
  (void)self, (void)d;
  run.denied++;
}
static void on_command(void *self, const struct bot_command *c) {
  (void)self;
  struct clerk_verdict v;
  event_add(REPLAY_COMMAND, clerk_now(run.clerk))->command = *c;
  clerk_command(run.clerk, c, &v);
  if (v.answer == CLERK_INVALID) fail_msg("%s", v.fault);
}

static void prepare(const char *strategy, const char *source, size_t len) {
  struct err err;
  const char *root = getenv("PERIGEE_ROOT");
  char path[4096];
  memset(&run, 0, sizeof run);
  buf_init(&run.source, 1 << 16);
  if (source) {
    buf_add(&run.source, source, len);
  } else {
    snprintf(path, sizeof path, "%s/strategies/%s", root ? root : ".", strategy);
    must(buf_read_file(&run.source, path, &err), &err);
  }
  struct csv_options csv = {.lot = {1, 3}};
  snprintf(path, sizeof path, "%s/examples/data/SP500_1d.csv", root ? root : ".");
  must(csv_load(path, &csv, &run.data, NULL, &err), &err);
  run.data.count = 1000;
  must(script_describe(strategy, run.source.data, run.source.len, NULL, &run.spec, &err), &err);
  params_default(run.spec, run.values);
  match_symbol_config_init(&run.symbol, &run.data.inst);
  run.symbol.fees = (struct match_fees){.maker_frac_e8 = 100000, .taker_frac_e8 = 100000};
  run.symbol.volume_scale = run.data.volume_scale;
  run.streams[0] = run.finest[0] = &run.data;
  struct pilot_config *pc = &run.config.pilot;
  pc->bot = (struct bot_config){.chunkname = strategy, .source = run.source.data, .source_len = run.source.len, .spec = run.spec, .values = run.values,
                                .series = run.streams, .symbols = symbols, .limits = {.seed = 7}};
  risk_limits_init(&pc->bot.risk);
  match_config_init(&pc->blotter.match, (cash){E8(10000)});
  pc->blotter.symbols = &run.symbol;
  pc->blotter.symbol_count = 1;
  run.config.finest = run.finest;
  run.config.run_from_ns = run.data.bars[49].open_ns + run.data.timeframe_ns;
  run.config.until_ns = INT64_MAX;
}

static void pilot_new(uint32_t resume) {
  struct err err;
  struct pilot_config pc = run.config.pilot;
  pc.bot.observer = (struct bot_observer){.command = on_command};
  pc.bot.limits.seed = pilot_seed(7, resume);
  must(pilot_create(&pc, &run.pilot, &err), &err);
}

static struct instant instant_of(size_t i, struct instant_match *m, struct instant_bar *b) {
  int64_t now = run.data.bars[i].open_ns + run.data.timeframe_ns;
  bool in_run = now > run.config.run_from_ns;
  *m = (struct instant_match){.bar = {.bar = &run.data.bars[i], .close_ns = now}};
  *b = (struct instant_bar){.ix = i, .deliver = in_run};
  return (struct instant){.now_ns = now, .match = m, .match_count = in_run, .bars = b, .bar_count = 1};
}

// The host died and its bot is opened again: state and memory as last told, everything else from the journal.
static void restart(size_t through, uint32_t n) {
  struct err err;
  static struct bot_command past[EVENTS];
  static char states[8][SCRIPT_STATE_MAX], memories[8][4096];
  struct replay_event *e = event_add(REPLAY_RESUME, clerk_now(run.clerk));
  buf_init(&run.state, SCRIPT_STATE_MAX), buf_init(&run.memory, 4096);
  must(script_state_save(bot_script(pilot_bot(run.pilot)), &run.state, &err), &err);
  assert_true(bot_memory_save(pilot_bot(run.pilot), &run.memory, 4096));
  memcpy(states[n], run.state.data, run.state.len);
  if (run.memory.len) memcpy(memories[n], run.memory.data, run.memory.len);
  e->resume = n, e->live_from_ns = e->seen_ns = clerk_now(run.clerk);
  e->state = states[n], e->state_len = run.state.len;
  e->memory = run.memory.len ? memories[n] : NULL, e->memory_len = run.memory.len;
  pilot_destroy(run.pilot);
  pilot_new(n);
  struct pilot_past p = {.commands = past, .seen_ns = e->seen_ns};
  for (size_t i = 0; i < run.count; i++)
    if (run.events[i].kind == REPLAY_COMMAND || run.events[i].kind == REPLAY_IMPOSED) past[p.count++] = run.events[i].command;
  for (size_t i = 0; i <= through; i++) {
    struct instant_match m;
    struct instant_bar b;
    struct instant in = instant_of(i, &m, &b);
    must(pilot_past(run.pilot, &in, &p, &err), &err);
  }
  must(pilot_past_end(run.pilot, &p, true, &err), &err);
  must(script_state_load(bot_script(pilot_bot(run.pilot)), e->state, e->state_len, NULL, &err), &err);
  if (e->memory) must(bot_memory_load(pilot_bot(run.pilot), e->memory, e->memory_len, &err), &err);
  buf_finish(&run.state), buf_finish(&run.memory);
}

struct live { int64_t max_order, flatten_at, restart_every, params_at, signal_at, stop_at, tick_at, skip_at; };

// The core and a host, in one process.
static void paper(const struct live *l) {
  struct err err;
  static struct param_value changed[SPEC_PARAMS_MAX];
  clerk_tenant_init(&run.tenant, 1, &(struct gate_limits){0});
  struct clerk_account_config ac = {.id = 1, .tenant = &run.tenant, .balance = {E8(10000)}};
  must(clerk_account_create(&ac, &run.account, &err), &err);
  struct clerk_config cc = {.bot_id = 1, .version = 1, .shared = &run.shared, .account = run.account, .blotter = run.config.pilot.blotter,
                            .limits = {.max_order_e8 = l->max_order}, .observer = {.imposed = on_imposed, .denied = on_denied, .fill = on_fill}};
  must(clerk_create(&cc, &run.clerk, &err), &err);
  pilot_new(0);
  uint32_t resumes = 0;
  for (size_t i = 0; i < run.data.count; i++) {
    struct instant_match m;
    struct instant_bar b;
    struct instant in = instant_of(i, &m, &b);
    if (in.match_count == 0) {
      struct pilot_past none = {0};
      must(pilot_past(run.pilot, &in, &none, &err), &err);
      continue;
    }
    must(clerk_market(run.clerk, &in, &err), &err);
    if (l->params_at == (int64_t)i) {
      memcpy(changed, run.values, sizeof changed);
      changed[0].num = 9;
      in.params = changed;
      event_add(REPLAY_PARAMS, in.now_ns)->params = changed;
    }
    static const struct script_signal signal = {.action = "out", .size = NAN, .price = NAN, .sl = NAN, .tp = NAN};
    if (l->signal_at && i >= (size_t)l->signal_at && i % 100 == 0) {
      in.signals = &signal;
      in.signal_count = 1;
      event_add(REPLAY_SIGNAL, in.now_ns)->signal = signal;
    }
    static const struct script_tick tick = {.trades = 3, .price = 101.25, .volume = 2.5, .bid = NAN, .ask = NAN};
    if (l->tick_at && i >= (size_t)l->tick_at && i % 50 == 0 && !l->skip_at) {
      in.ticks = &tick;
      in.tick_count = 1;
      event_add(REPLAY_TICK, in.now_ns)->tick = tick;
    }
    const bool skips = l->skip_at && i >= (size_t)l->skip_at && i % 50 == 0;
    if (skips) event_add(REPLAY_SKIP, in.now_ns);
    if (l->stop_at && l->stop_at == (int64_t)i) event_add(REPLAY_STOP, in.now_ns)->why = in.stop = "enough";
    must(skips ? pilot_skip(run.pilot, &in, &err) : pilot_instant(run.pilot, &in, &err), &err);
    clerk_end(run.clerk);
    if (l->flatten_at == (int64_t)i) clerk_flatten(run.clerk, REASON_OWNER, "by hand");
    clerk_committed(run.clerk);
    for (size_t k = 0; k < run.told_count; k++) assert_true(pilot_impose(run.pilot, &run.told[k]));
    run.told_count = 0;
    if (l->restart_every && i % (size_t)l->restart_every == 0 && resumes < 7) restart(i, ++resumes);
    clerk_check(run.clerk);
  }
  char other[SHA256_HEX_SIZE];
  clerk_hash(run.clerk, run.hash);
  pilot_hash_last(run.pilot, other);
  assert_string_equal(run.hash, other);
  run.config.events = run.events;
  run.config.event_count = run.count;
}

static void finish(void) {
  pilot_destroy(run.pilot);
  clerk_destroy(run.clerk);
  clerk_account_destroy(run.account);
  series_finish(&run.data);
  free(run.spec);
  buf_finish(&run.source);
}

static int64_t same(void) {
  struct err err;
  struct replay_result r;
  must(replay_run(&run.config, &r, &err), &err);
  if (!r.same) fail_msg("at %lld: expected %s, got %s; %s", (long long)r.at_ns, r.expected, r.got, r.failure);
  assert_string_equal(r.hash, run.hash);
  assert_false(r.failed);
  int64_t compared = r.compared;
  replay_result_finish(&r);
  return compared;
}

static struct parity_certificate certificate(void) {
  struct err err;
  struct parity_certificate c;
  must(parity_check(&run.config, run.hash, &c, &err), &err);
  json_t *j = parity_json(&c);
  assert_int_equal(json_boolean_value(json_object_get(j, "certified")), c.certified);
  json_decref(j);
  return c;
}

static void test_undisturbed(void **state) {
  (void)state;
  static const struct { const char *name; int64_t least; } all[] = {{"sma_cross.lua", 20}, {"grid.lua", 20}, {"ema_dca.lua", 5}, {"rsi_reversion.lua", 5}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    prepare(all[i].name, NULL, 0);
    paper(&(struct live){.flatten_at = -1, .params_at = -1});
    assert_int_equal(run.denied, 0);
    assert_true(same() >= all[i].least);
    struct parity_certificate c = certificate();
    assert_true(c.certified && !c.explained && c.commands >= all[i].least);
    assert_string_equal(c.live, c.fresh);
    finish();
  }
}

static void test_disturbed(void **state) {
  (void)state;
  static const char *const names[] = {"sma_cross.lua", "grid.lua", "ema_dca.lua", "rsi_reversion.lua"};
  int64_t denied = 0;
  for (size_t i = 0; i < 4; i++) {
    prepare(names[i], NULL, 0);
    paper(&(struct live){.max_order = E8(i % 2 ? 300 : 9000), .flatten_at = 700, .restart_every = 131, .params_at = -1});
    denied += run.denied;
    same();
    struct parity_certificate c = certificate();
    assert_true(c.reasons[PARITY_RESUMED].count == 7);
    assert_true(c.certified || c.explained);
    if (c.reasons[PARITY_IMPOSED].count) assert_true(!c.certified && c.reasons[PARITY_IMPOSED].first_ns > 0);
    finish();
  }
  assert_true(denied > 10);
}

static void test_from_outside(void **state) {
  (void)state;
  prepare("counter.lua", counter, sizeof counter - 1);
  paper(&(struct live){.flatten_at = 500, .restart_every = 97, .params_at = 321, .signal_at = 200, .stop_at = 999, .tick_at = 150});
  assert_true(same() > 50);
  struct parity_certificate c = certificate();
  assert_true(!c.certified && c.explained);
  assert_true(c.reasons[PARITY_RESUMED].count == 7 && c.reasons[PARITY_PARAMS].count == 1 && c.reasons[PARITY_SIGNAL].count == 8 &&
              c.reasons[PARITY_STOPPED].count == 1 && c.reasons[PARITY_IMPOSED].count >= 2 && c.reasons[PARITY_DECISION].count == 1);
  // A resume without its state is another run.
  struct err err;
  struct replay_result r;
  size_t at = 0;
  while (run.events[at].kind != REPLAY_RESUME) at++;
  run.events[at].state = NULL;
  must(replay_run(&run.config, &r, &err), &err);
  assert_true(!r.same && r.at_ns > run.events[at].live_from_ns);
  replay_result_finish(&r);
  // To a moment before it: the same.
  run.config.until_ns = run.events[at].live_from_ns;
  must(replay_run(&run.config, &r, &err), &err);
  assert_true(r.same && r.instants < 100);
  replay_result_finish(&r);
  finish();
}

static void test_skipped(void **state) {
  (void)state;
  struct err err;
  struct replay_result r;
  prepare("counter.lua", counter, sizeof counter - 1);
  paper(&(struct live){.flatten_at = -1, .restart_every = 97, .params_at = -1, .skip_at = 150});
  assert_true(same() > 50);
  struct parity_certificate c = certificate();
  assert_true(c.reasons[PARITY_SKIPPED].count == 17 && (c.certified || c.explained));
  // Who does not know of it hears more bars than the script did.
  for (size_t i = 0; i < run.count; i++)
    if (run.events[i].kind == REPLAY_SKIP) run.events[i].kind = REPLAY_CLOCK;
  must(replay_run(&run.config, &r, &err), &err);
  assert_true(!r.same);
  replay_result_finish(&r);
  finish();
}

// What happens to its orders in an instant in which it has no part, a script hears in its next one, and once.
static void test_skipped_fills(void **state) {
  (void)state;
  struct err err;
  struct buf kept;
  static const char hears[] =
      "strategy{ name='hears', api=1 }\n"
      "function on_bar(ctx, bar)\n"
      "  ctx.state.span = ctx.now - bar.time\n"
      "  if ctx.pos.flat then ctx:buy{qty=0.1} else ctx:close{} end\n"
      "end\n"
      "function on_fill(ctx, f)\n"
      "  ctx.state.fills = (ctx.state.fills or 0) + 1\n"
      "  if f.time + ctx.state.span < ctx.now then ctx.state.late = (ctx.state.late or 0) + 1 end\n"
      "end\n";
  for (int restarts = 0; restarts < 2; restarts++) {
    prepare("hears.lua", hears, sizeof hears - 1);
    paper(&(struct live){.flatten_at = -1, .params_at = -1, .skip_at = 150, .restart_every = restarts ? 97 : 0});
    buf_init(&kept, SCRIPT_STATE_MAX);
    must(script_state_save(bot_script(pilot_bot(run.pilot)), &kept, &err), &err);
    json_t *s = json_loadb(kept.data, kept.len, 0, NULL);
    const json_int_t fills = json_integer_value(json_object_get(s, "fills"));
    assert_true(fills > 500 && fills == run.fills);
    assert_int_equal(json_integer_value(json_object_get(s, "late")), 17);
    json_decref(s);
    buf_finish(&kept);
    (void)same();
    finish();
  }
}

static size_t nth_submit(int n) {
  for (size_t i = 0; i < run.count; i++)
    if (run.events[i].kind == REPLAY_COMMAND && run.events[i].command.kind == COMMAND_SUBMIT && n-- == 0) return i;
  fail_msg("too few orders");
  return 0;
}

static void test_planted(void **state) {
  (void)state;
  struct err err;
  struct replay_result r;
  prepare("sma_cross.lua", NULL, 0);
  paper(&(struct live){.flatten_at = -1, .params_at = -1});
  size_t at = nth_submit(7);
  struct replay_event was = run.events[at];
  run.events[at].command.qty.lots++;
  run.config.explain_difference = true;
  must(replay_run(&run.config, &r, &err), &err);
  assert_true(!r.same && r.at_ns == was.time_ns && strstr(r.expected, "submit") && strstr(r.got, "submit") && strcmp(r.expected, r.got) != 0);
  json_t *j = r.explanation;
  assert_non_null(j);
  assert_true(json_array_size(json_object_get(j, "bars")) == 1 && json_object_size(json_object_get(j, "indicators")) >= 2);
  assert_true(json_array_size(json_object_get(j, "commands")) >= 1 && json_array_size(json_object_get(j, "trace")) >= 1);
  assert_true(json_object_size(json_object_get(j, "params")) >= 1 && json_object_get(j, "state_before") && json_object_get(j, "state_after"));
  bool locals = false;
  size_t i;
  json_t *line;
  json_array_foreach(json_object_get(j, "trace"), i, line) locals = locals || json_object_size(json_object_get(line, "locals")) > 0;
  assert_true(locals);
  replay_result_finish(&r);
  run.config.explain_difference = false;
  struct parity_certificate c = certificate();
  assert_true(!c.certified && !c.explained && c.reasons[PARITY_DECISION].count == 1 && strstr(c.reasons[PARITY_DECISION].text, "live: submit"));

  run.events[at] = was;                                      // left out
  memmove(&run.events[at], &run.events[at + 1], (run.count - at - 1) * sizeof *run.events);
  run.config.event_count--;
  must(replay_run(&run.config, &r, &err), &err);
  assert_true(!r.same && r.at_ns == was.time_ns && strstr(r.got, "submit"));
  replay_result_finish(&r);
  memmove(&run.events[at + 1], &run.events[at], (run.count - at - 1) * sizeof *run.events);
  run.events[at] = was;
  run.config.event_count++;
  same();

  run.data.bars[800].close.ticks *= 2;                       // another bar
  run.data.bars[800].high.ticks *= 2;
  must(replay_run(&run.config, &r, &err), &err);
  assert_true(!r.same || strcmp(r.hash, run.hash) != 0);
  replay_result_finish(&r);
  c = certificate();
  assert_true(!c.certified && !c.explained && c.reasons[PARITY_DECISION].count + c.reasons[PARITY_HASH].count == 1);
  run.data.bars[800].close.ticks /= 2;
  run.data.bars[800].high.ticks /= 2;

  struct replay_event *extra = event_add(REPLAY_COMMAND, was.time_ns);  // one that nobody asked for, at the end
  *extra = run.events[run.count - 2];
  extra->time_ns = run.data.bars[run.data.count - 1].open_ns + run.data.timeframe_ns;
  extra->command = (struct bot_command){.kind = COMMAND_CANCEL, .time_ns = extra->time_ns, .id = 1, .why = REASON_SCRIPT};
  run.config.event_count = run.count;
  must(replay_run(&run.config, &r, &err), &err);
  assert_true(!r.same && r.at_ns == extra->time_ns && strstr(r.expected, "cancel 1: SCRIPT") && r.got[0] == 0);
  replay_result_finish(&r);
  finish();
}

static void test_imposed_left_out(void **state) {
  (void)state;
  struct err err;
  struct replay_result r;
  prepare("grid.lua", NULL, 0);
  paper(&(struct live){.max_order = E8(300), .flatten_at = 700, .params_at = -1});
  same();
  size_t at = 0;
  while (run.events[at].kind != REPLAY_IMPOSED) at++;
  memmove(&run.events[at], &run.events[at + 1], (run.count - at - 1) * sizeof *run.events);
  run.config.event_count--;
  if (replay_run(&run.config, &r, &err) == OK) assert_true(!r.same || strcmp(r.hash, run.hash) != 0);
  replay_result_finish(&r);
  finish();
}

// ---- forks

struct seen { int64_t fills, lots; int64_t first_ns; };
static void count_fill(void *self, const struct fill *f) {
  struct seen *s = self;
  if (s->fills++ == 0) s->first_ns = f->time_ns;
  s->lots += f->qty.lots * f->side;
}

static struct replay_result forked(const struct replay_fork *f, struct seen *ret) {
  struct err err;
  struct replay_result r;
  struct replay_config c = run.config;
  *ret = (struct seen){0};
  c.fork = f;
  c.watch = (struct replay_watch){.self = ret, .fill = count_fill};
  must(replay_run(&c, &r, &err), &err);
  return r;
}

static int64_t close_of(size_t i) { return run.data.bars[i].open_ns + run.data.timeframe_ns; }

// Nothing changed is the run itself, wherever it forks; something changed is the run up to there, another from there, and the same twice.
static void test_fork(void **state) {
  (void)state;
  struct seen live, seen, again;
  static struct param_value other[SPEC_PARAMS_MAX];
  prepare("counter.lua", counter, sizeof counter - 1);
  paper(&(struct live){.max_order = E8(900), .flatten_at = 500, .restart_every = 97, .params_at = -1, .signal_at = 200});
  struct replay_result whole = forked(NULL, &live), r;
  assert_true(whole.same && live.fills > 50 && whole.imposed > 0);
  for (size_t at = 40; at < 1000; at += 119) {
    r = forked(&(struct replay_fork){.at_ns = close_of(at)}, &seen);
    assert_true(r.same && seen.fills == live.fills && r.compared == whole.compared && r.left_out == 0);
    assert_string_equal(r.hash, whole.hash);
    assert_int_equal(r.equity.e8, whole.equity.e8);
    replay_result_finish(&r);
  }
  memcpy(other, run.values, sizeof other);
  other[0].num = 3;
  struct pilot_config changed = run.config.pilot;
  changed.bot.values = other;
  for (int in_place = 0; in_place < 2; in_place++) {
    const struct replay_fork f = {.at_ns = close_of(600), .pilot = &changed, .params = in_place ? other : NULL, .version = 1, .history = 1000};
    r = forked(&f, &seen);
    assert_true(!r.same && r.at_ns > f.at_ns && r.failures == 0 && !r.failed && seen.fills != live.fills);
    assert_true(strcmp(r.hash, whole.hash) != 0);
    struct replay_result twice = forked(&f, &again);
    assert_string_equal(r.hash, twice.hash);
    assert_true(again.fills == seen.fills && again.lots == seen.lots && twice.equity.e8 == r.equity.e8 && strcmp(twice.got, r.got) == 0);
    // Up to the fork it was the run: ended there, both have one hash.
    struct replay_result fork_at, run_at;
    run.config.until_ns = f.at_ns;
    fork_at = forked(&f, &again);
    run_at = forked(NULL, &again);
    assert_string_equal(fork_at.hash, run_at.hash);
    run.config.until_ns = INT64_MAX;
    replay_result_finish(&r), replay_result_finish(&twice), replay_result_finish(&fork_at), replay_result_finish(&run_at);
  }
  // The same values, but a new start: other dice, so another run; with them from the beginning, the run without what the core did.
  changed.bot.values = run.values;
  r = forked(&(struct replay_fork){.at_ns = close_of(600), .pilot = &changed, .version = 1, .history = 1000}, &seen);
  assert_true(!r.same && r.at_ns > close_of(600));
  replay_result_finish(&r);
  r = forked(&(struct replay_fork){.at_ns = 0, .pilot = &changed}, &seen);
  assert_true(r.failures == 0 && r.instants > 800);
  replay_result_finish(&r), replay_result_finish(&whole);
  finish();
}

// A script without dice, started again at the fork with the same values, goes on as if nothing had been: state and orders come along.
static void test_fork_restarts(void **state) {
  (void)state;
  struct seen live, seen;
  static const char steady[] =
      "strategy{ name='steady', api=1, params={ every=int{5, min=1, max=100} }, ind={ a={'sma', 3} } }\n"
      "function on_bar(ctx, bar)\n"
      "  ctx.state.n = (ctx.state.n or 0) + 1\n"
      "  if ctx.state.n % ctx.p.every == 0 then\n"
      "    if ctx.state.n % 2 == 0 and bar.close > ctx.ind.a[1] then ctx:buy{qty=0.1, price=bar.close*0.99, tag='dip'} else ctx:close{} end\n"
      "  end\n"
      "end\n";
  prepare("steady.lua", steady, sizeof steady - 1);
  paper(&(struct live){.flatten_at = 700, .restart_every = 131, .params_at = -1});
  struct replay_result whole = forked(NULL, &live), r;
  assert_true(whole.same && live.fills > 20);
  struct pilot_config again = run.config.pilot;
  for (size_t at = 100; at < 1000; at += 77) {
    r = forked(&(struct replay_fork){.at_ns = close_of(at), .pilot = &again, .version = 1, .history = 1000}, &seen);
    if (!r.same) fail_msg("bar %zu at %lld: expected %s, got %s; %s", at, (long long)r.at_ns, r.expected, r.got, r.failure);
    assert_string_equal(r.hash, whole.hash);
    replay_result_finish(&r);
  }
  replay_result_finish(&whole);
  finish();
}

// What a fork remembers at a new start is its own: for a script without dice the starts of the run change nothing of it.
static void test_fork_remembers(void **state) {
  (void)state;
  static const char counts[] =
      "strategy{ name='counts', api=1, params={ every=int{5, min=1, max=100} } }\n"
      "function on_bar(ctx, bar)\n"
      "  local s = ctx.state\n"
      "  s.n = (s.n or 0) + 1\n"
      "  if s.n % ctx.p.every ~= 0 then return end\n"
      "  s.acts = (s.acts or 0) + 1\n"
      "  if s.acts % 3 == 0 then ctx:close{} else ctx:buy{qty=0.1*(s.acts % 7 + 1)} end\n"
      "end\n";
  struct seen seen[2], live;
  struct replay_result r[2];
  static struct param_value other[SPEC_PARAMS_MAX];
  for (int restarts = 0; restarts < 2; restarts++) {
    prepare("counts.lua", counts, sizeof counts - 1);
    paper(&(struct live){.flatten_at = -1, .restart_every = restarts ? 113 : 0, .params_at = -1});
    memcpy(other, run.values, sizeof other);
    other[0].num = 4;
    struct pilot_config changed = run.config.pilot;
    changed.bot.values = other;
    r[restarts] = forked(&(struct replay_fork){.at_ns = close_of(300), .pilot = &changed, .version = 1, .history = 1000}, &seen[restarts]);
    struct replay_result whole = forked(NULL, &live);
    assert_true(whole.same && live.fills != seen[restarts].fills && r[restarts].failures == 0);
    replay_result_finish(&whole);
    finish();
  }
  assert_true(r[0].resumes == 0 && r[1].resumes >= 5);
  assert_true(seen[0].fills == seen[1].fills && seen[0].lots == seen[1].lots && r[0].equity.e8 == r[1].equity.e8);
  assert_string_equal(r[0].hash, r[1].hash);
  replay_result_finish(&r[0]), replay_result_finish(&r[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_undisturbed), cmocka_unit_test(test_disturbed), cmocka_unit_test(test_from_outside), cmocka_unit_test(test_skipped), cmocka_unit_test(test_skipped_fills), cmocka_unit_test(test_planted),
                                     cmocka_unit_test(test_imposed_left_out), cmocka_unit_test(test_fork), cmocka_unit_test(test_fork_restarts), cmocka_unit_test(test_fork_remembers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

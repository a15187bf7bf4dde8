// tests/unit/bot/test_record.c – the journal's records: what is put in comes out, in few bytes; any other bytes are refused.
#include "bot/record.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const int64_t now_ns = INT64_C(1700000000000000000);

static struct buf body_of(const struct record *r) {
  struct buf b;
  buf_init(&b, RECORD_BODY_MAX);
  record_put(&b, r);
  assert_false(b.failed);
  return b;
}

static struct bot_command submit(void) {
  struct bot_command c = {.kind = COMMAND_SUBMIT, .time_ns = now_ns, .id = 7, .qty = {250}};
  intent_init(&c.intent, 0, SIDE_BUY);
  c.intent.type = ORDER_LIMIT;
  c.intent.limit = (price){4200000};
  c.intent.sl = (price){4100000};
  c.intent.size = 250;
  c.intent.tag = TAG_FIRST_FREE;
  order_change_init(&c.change);
  return c;
}

#define SAME(member) assert_memory_equal(&a->member, &b->member, sizeof a->member)
static void assert_same_command(const struct bot_command *a, const struct bot_command *b) {
  assert_int_equal(a->kind, b->kind);
  assert_int_equal(a->time_ns, b->time_ns);
  assert_int_equal(a->id, b->id);
  if (a->kind == COMMAND_SUBMIT) {
    SAME(qty), SAME(intent.symbol), SAME(intent.side), SAME(intent.type), SAME(intent.leg), SAME(intent.tif), SAME(intent.expires_ns), SAME(intent.post);
    SAME(intent.reduce), SAME(intent.size_kind), SAME(intent.size), SAME(intent.limit), SAME(intent.trigger), SAME(intent.trail_ticks);
    SAME(intent.trail_frac_e8), SAME(intent.sl), SAME(intent.tp), SAME(intent.tp_r_e6), SAME(intent.oco), SAME(intent.closes), SAME(intent.tag);
  }
  if (a->kind == COMMAND_CANCEL) assert_int_equal(a->why, b->why);
  if (a->kind == COMMAND_MODIFY) {
    SAME(change.limit), SAME(change.trigger), SAME(change.sl), SAME(change.tp), SAME(change.sl_none), SAME(change.tp_none), SAME(change.qty);
    SAME(change.trail_ticks), SAME(change.trail_frac_e8);
  }
}

static uint64_t random_state = 88172645463325252u;
static uint64_t random_u64(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  return random_state ^= random_state << 17;
}
// Small and large numbers, both signs, the ends.
static int64_t any(void) {
  const uint64_t v = random_u64();
  switch (v & 7) {
    case 0: return 0;
    case 1: return INT64_MAX;
    case 2: return INT64_MIN;
    default: return (int64_t)v >> (v >> 3 & 63);
  }
}
static int upto(int most) { return (int)(random_u64() % (unsigned)(most + 1)); }

static struct bot_command random_command(void) {
  struct bot_command c = {.kind = (enum command_kind)upto(COMMAND_KIND_COUNT - 1), .time_ns = any() & INT64_MAX, .id = (uint64_t)any()};
  if (c.kind == COMMAND_SUBMIT) {
    c.qty.lots = any();
    c.intent = (struct intent){.symbol = upto(INT32_MAX - 1), .side = (enum side)(upto(2) - 1), .type = (enum order_type)upto(ORDER_TRAILING), .leg = (enum leg)upto(LEG_COUNT - 1),
      .tif = (enum order_tif)upto(TIF_GTD), .expires_ns = any(), .post = upto(1), .reduce = upto(1), .size_kind = (enum size_kind)upto(SIZE_CLOSE), .size = any(),
      .limit = {any()}, .trigger = {any()}, .trail_ticks = any(), .trail_frac_e8 = any(), .sl = {any()}, .tp = {any()}, .tp_r_e6 = any(),
      .oco = (uint64_t)any(), .closes = (uint64_t)any(), .tag = (uint32_t)any()};
  }
  if (c.kind == COMMAND_CANCEL) c.why = (enum reason)upto(REASON_COUNT - 1);
  if (c.kind == COMMAND_MODIFY)
    c.change = (struct order_change){.limit = {any()}, .trigger = {any()}, .sl = {any()}, .tp = {any()}, .sl_none = upto(1), .tp_none = upto(1), .qty = {any()},
      .trail_ticks = any(), .trail_frac_e8 = any()};
  return c;
}

static void test_commands_come_back(void **state) {
  (void)state;
  struct err err;
  for (int round = 0; round < 2000; round++) {
    struct bot_command in[8], out;
    const int n = 1 + upto(7);
    int submits = 0;
    struct buf commands;
    buf_init(&commands, RECORD_BODY_MAX);
    struct record r, back;
    record_init(&r, round & 1 ? RECORD_IMPOSED : RECORD_COMMANDS, now_ns);
    for (int i = 0; i < n; i++) {
      do in[i] = random_command();
      while (in[i].kind == COMMAND_SUBMIT && submits);
      submits += in[i].kind == COMMAND_SUBMIT;
      record_put_command(&commands, now_ns, &in[i]);
    }
    r.commands = record_text(commands.data, commands.len);
    struct buf body = body_of(&r);
    assert_int_equal(record_read(r.kind, now_ns, body.data, body.len, &back, &err), OK);
    size_t at = 0;
    uint64_t order = 0;
    for (int i = 0; i < n; i++) {
      assert_true(record_command_next(&back, &at, &out));
      assert_same_command(&in[i], &out);
      if (out.kind == COMMAND_SUBMIT) order = out.id;
    }
    assert_false(record_command_next(&back, &at, &out));
    assert_int_equal(record_order(&back), order);
    buf_finish(&body);
    buf_finish(&commands);
  }
}

// A million of them have to be read at a start.
static void test_an_order_is_small(void **state) {
  (void)state;
  struct record r;
  struct buf commands;
  struct bot_command c = submit(), mark = {.kind = COMMAND_MARK, .time_ns = now_ns - 60 * NS_PER_S};
  buf_init(&commands, RECORD_BODY_MAX);
  record_init(&r, RECORD_COMMANDS, now_ns);
  record_put_command(&commands, now_ns, &mark);
  assert_true(commands.len <= 10);
  record_put_command(&commands, now_ns, &c);
  r.commands = record_text(commands.data, commands.len);
  struct buf body = body_of(&r);
  assert_true(body.len <= 50);
  buf_finish(&body);
  buf_finish(&commands);
}

static void test_two_orders_are_refused(void **state) {
  (void)state;
  struct err err;
  struct record r, back;
  struct buf commands;
  const struct bot_command c = submit();
  buf_init(&commands, RECORD_BODY_MAX);
  record_init(&r, RECORD_COMMANDS, now_ns);
  for (int i = 0; i < 2; i++) record_put_command(&commands, now_ns, &c);
  r.commands = record_text(commands.data, commands.len);
  struct buf body = body_of(&r);
  assert_int_equal(record_read(RECORD_COMMANDS, now_ns, body.data, body.len, &back, &err), ERR_INVALID);
  assert_non_null(strstr(err.msg, "more than one order"));
  buf_finish(&body);
  buf_finish(&commands);
}

#define TEXT(s) record_text(s, sizeof(s) - 1)
static struct record example(enum record_kind kind) {
  struct record r;
  record_init(&r, kind, now_ns);
  switch (kind) {
    case RECORD_RUN:
      r.script_id = 12, r.version = 3, r.seed = UINT64_MAX, r.series[0] = 5, r.series[1] = UINT32_MAX, r.series_count = 2, r.live_from_ns = now_ns - 5;
      memset(r.source_sha256, 0xab, sizeof r.source_sha256);
      r.engine = TEXT("1.2.3"), r.params = TEXT("{\"fast\":10}"), r.settings = TEXT("{}"), r.account = TEXT("{\"balance\":\"10000\"}"), r.state = TEXT("{}");
      break;
    case RECORD_RESUME: r.resumes = 4, r.live_from_ns = now_ns, r.engine = TEXT("1.2.3"), r.state = TEXT("{\"n\":1}"), r.seen_ns = now_ns - 1, r.memory = TEXT("\1\2"); break;
    case RECORD_COMMANDS: case RECORD_IMPOSED: r.commands = TEXT("\0\0"); break;  // a RESERVE of nothing
    case RECORD_STATE: r.state = TEXT("{\"n\":2}"); break;
    case RECORD_PARAMS: r.params = TEXT("{\"fast\":11}"); break;
    case RECORD_SIGNAL: r.signal_id = TEXT("s1"), r.action = TEXT("buy"), r.raw = TEXT(""), r.size = 0.1, r.tp = -0.0, r.ts_ns = now_ns - 1; break;
    case RECORD_VERSION: r.script_id = 12, r.version = 4, r.version_before = 3, r.state = TEXT("{}"), r.why = TEXT("rolled back"); break;
    case RECORD_STOP: r.stop = RECORD_STOP_PAUSED, r.code = TEXT("owner"); break;
    case RECORD_DENY:
      r.order = 9, r.refusal = (struct refusal){.rule = REFUSE_RATE, .level = LEVEL_TENANT, .limit = 5, .value = 6, .until_ns = now_ns + 1, .other = 3};
      break;
    case RECORD_HALT: r.halt = (struct halt_entry){.id = 77, .epoch = 5, .at_ns = now_ns, .level = LEVEL_TENANT, .mode = HALT_FLATTEN, .cause = HALT_BY_OWNER}; break;
    case RECORD_QUARANTINE: r.status = ERR_BUDGET, r.line = 12, r.strikes = 2, r.until_ns = now_ns + 9, r.why = TEXT("too slow"); break;
    case RECORD_RISK: r.code = TEXT("PROP_RULE"), r.why = TEXT("the floor"), r.bound = 950.5, r.until_ns = now_ns + 7, r.told = true; break;
    case RECORD_LIMITS: r.settings = TEXT("{\"max_open\":5}"); break;
    case RECORD_CLOCK: case RECORD_SKIP: break;
    case RECORD_WORDS: r.why = TEXT("stopped"); break;
    case RECORD_TICK: r.tick = (struct script_tick){.symbol = 2, .trades = 7, .time_ns = now_ns - 3, .price = 101.5, .volume = 0.25, .bid = NAN, .ask = 101.75}; break;
  }
  return r;
}
#define X(name, number, text) RECORD_##name,
static const enum record_kind kinds[] = {RECORD_KIND_LIST(X)};
#undef X
#define KINDS (sizeof kinds / sizeof *kinds)

static void assert_same_text(struct record_text a, struct record_text b) {
  assert_int_equal(a.text != NULL, b.text != NULL);
  assert_int_equal(a.len, b.len);
  if (a.len) assert_memory_equal(a.text, b.text, a.len);
}

static void test_every_kind_comes_back(void **state) {
  (void)state;
  struct err err;
  for (size_t k = 0; k < KINDS; k++) {
    struct record in = example(kinds[k]), out;
    const struct record *a = &in, *b = &out;
    struct buf body = body_of(&in);
    assert_int_equal(record_read(in.kind, in.time_ns, body.data, body.len, &out, &err), OK);
    SAME(kind), SAME(time_ns), SAME(script_id), SAME(version), SAME(source_sha256), SAME(seed), SAME(series), SAME(series_count), SAME(resumes);
    SAME(live_from_ns), SAME(version_before), SAME(stop), SAME(order), SAME(refusal.rule), SAME(refusal.level), SAME(refusal.limit), SAME(refusal.value);
    SAME(refusal.until_ns), SAME(refusal.other), SAME(halt.id), SAME(halt.epoch), SAME(halt.at_ns), SAME(halt.level), SAME(halt.mode), SAME(halt.cause);
    SAME(status), SAME(line), SAME(strikes), SAME(until_ns), SAME(size), SAME(price), SAME(sl), SAME(tp), SAME(ts_ns), SAME(seen_ns), SAME(told);
    const struct record_text *const texts[][2] = {{&in.commands, &out.commands}, {&in.engine, &out.engine}, {&in.params, &out.params}, {&in.settings, &out.settings},
      {&in.account, &out.account}, {&in.state, &out.state}, {&in.memory, &out.memory}, {&in.code, &out.code}, {&in.why, &out.why}, {&in.signal_id, &out.signal_id}, {&in.source, &out.source},
      {&in.key, &out.key}, {&in.symbol, &out.symbol}, {&in.action, &out.action}, {&in.raw, &out.raw}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) assert_same_text(*texts[i][0], *texts[i][1]);
    int kind;
    assert_true(record_kind_parse(record_kind_text(in.kind), &kind));
    assert_int_equal(kind, in.kind);
    buf_finish(&body);
  }
}

// What begins a journal's life must be readable for ever: these are bytes as they were first written.
static void test_the_bytes_do_not_change(void **state) {
  (void)state;
  struct err err;
  struct record r;
  const struct record deny = example(RECORD_DENY);
  static const uint8_t stop[] = {1, 3, 2, 5, 'o', 'w', 'n', 'e', 'r'};
  assert_int_equal(record_read(RECORD_STOP, now_ns, stop, sizeof stop, &r, &err), OK);
  assert_int_equal(r.stop, RECORD_STOP_PAUSED);
  struct buf b = body_of(&deny);
  static const uint8_t wanted[] = {1, 0x7f, 18, 34, 4, 10, 12};
  assert_true(b.len > sizeof wanted);
  assert_memory_equal(b.data, wanted, sizeof wanted);
  buf_finish(&b);
}

static void test_damage_is_refused(void **state) {
  (void)state;
  struct err err;
  for (size_t k = 0; k < KINDS; k++) {
    const struct record in = example(kinds[k]);
    struct record out;
    struct buf body = body_of(&in), again;
    for (size_t n = 0; n < body.len; n++)  // cut off anywhere
      assert_int_equal(record_read(in.kind, now_ns, body.data, n, &out, &err), ERR_INVALID);
    buf_str(&body, "x");  // longer than it says
    assert_int_equal(record_read(in.kind, now_ns, body.data, body.len, &out, &err), ERR_INVALID);
    body.len--;
    for (size_t i = 0; i < body.len * 8; i++) {  // any bit: refused, or another record that is written just so
      body.data[i / 8] = (char)(body.data[i / 8] ^ 1 << i % 8);
      if (record_read(in.kind, now_ns, body.data, body.len, &out, &err) == OK) {
        again = body_of(&out);
        assert_int_equal(again.len, body.len);
        assert_memory_equal(again.data, body.data, body.len);
        buf_finish(&again);
      }
      body.data[i / 8] = (char)(body.data[i / 8] ^ 1 << i % 8);
    }
    buf_finish(&body);
  }
  struct record r;
  assert_int_equal(record_read(0, now_ns, "\1\0", 2, &r, &err), ERR_INVALID);
  assert_int_equal(record_read(99, now_ns, "\1\0", 2, &r, &err), ERR_INVALID);
  assert_int_equal(record_read(RECORD_STATE, now_ns, "\2\0", 2, &r, &err), ERR_INVALID);      // another format
  assert_int_equal(record_read(RECORD_STATE, -1, "\1\0", 2, &r, &err), ERR_INVALID);          // before 1970
  assert_int_equal(record_read(RECORD_STATE, now_ns, "\1\0", 2, &r, &err), OK);
  assert_int_equal(record_read(RECORD_RESUME, now_ns, "\1\0", 2, &r, &err), ERR_INVALID);     // without its number
  assert_int_equal(record_read(RECORD_STATE, now_ns, "\1\200\0", 3, &r, &err), ERR_INVALID);  // a number in more bytes than it needs
}

static void test_intents_are_one_to_one(void **state) {
  (void)state;
  assert_true(record_intent(1, RECORD_ORDER_MAX) < record_intent(2, 1));
  assert_int_equal(record_intent(1, 5) - record_intent(1, 4), 1);
  assert_true(record_intent(RECORD_RUN_MAX, RECORD_ORDER_MAX) > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_commands_come_back), cmocka_unit_test(test_an_order_is_small), cmocka_unit_test(test_two_orders_are_refused),
    cmocka_unit_test(test_every_kind_comes_back), cmocka_unit_test(test_the_bytes_do_not_change), cmocka_unit_test(test_damage_is_refused),
    cmocka_unit_test(test_intents_are_one_to_one)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

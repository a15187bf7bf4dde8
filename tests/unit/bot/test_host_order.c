// tests/unit/bot/test_host_order.c – in an instant those come first who are quick, and what they have done does not wait for the others.
#include "host_rig.h"
#include "loop/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BOTS 4

// What the host said in the instant: whose logs in which order, which tenants took long, and which have been quick.
struct said {
  uint64_t logs[BOTS], slow[BOTS], quick[BOTS];
  unsigned levels[BOTS];  // of quick
  int log_count, slow_count, quick_count;
};

// Takes an instant, and gives the core what it is told.
static struct said instant(struct rig *r) {
  struct err err;
  struct said s = {0};
  core_put_instant(&r->core, &r->to);
  rig_must(host_feed_bytes(r->feed, r->to.data, r->to.len, &err), &err);
  buf_clear(&r->to);
  struct buf *out = host_feed_out(r->feed);
  struct wire_frame f;
  for (size_t at = 0, used; at < out->len; at += used) {
    rig_must(wire_read(out->data + at, out->len - at, &f, &used, &err), &err);
    if (f.type == WIRE_LOG && s.log_count < BOTS) s.logs[s.log_count++] = f.bot;
    if (f.type == WIRE_SLOW && s.slow_count < BOTS) s.slow[s.slow_count++] = f.token;
    if (f.type == WIRE_QUICK && s.quick_count < BOTS) s.levels[s.quick_count] = f.quick, s.quick[s.quick_count++] = f.token;
  }
  assert_int_equal(core_take(&r->core, out->data, out->len), out->len);
  buf_clear(out);
  core_end(&r->core);
  return s;
}

static const char quick[] = HEAD "function on_bar(ctx) ctx:log('info', 'here') end";
static const char slow[] = HEAD "function on_bar(ctx) local n = 0; for i = 1, 3000000 do n = n + i end; ctx:log('info', 'here') end";

static void add(struct rig *r, uint64_t id, uint64_t tenant, const char *source) {
  core_bot_add(&r->core, id, source);
  r->core.bots[id - 1].tenant = tenant;
  r->core.bots[id - 1].limits.callback_cpu_ns = 5 * NS_PER_S;
}

static void the_quick_come_first(void **state) {
  (void)state;
  struct rig r;
  struct said s;
  rig_open(&r, 20);
  add(&r, 1, 1, slow);  // in the order of their places it would be the first
  add(&r, 2, 2, quick);
  add(&r, 3, 1, quick);  // of the tenant that takes long
  add(&r, 4, 3, quick);
  rig_open_bots(&r);
  s = instant(&r);  // nobody is known yet
  assert_int_equal(s.log_count, 4);
  for (int i = 0; i < 10; i++) {
    s = instant(&r);
    assert_int_equal(s.log_count, 4);
    assert_int_equal(s.logs[0], 2);
    assert_int_equal(s.logs[1], 4);
    assert_int_equal(s.logs[2], 1);  // a tenant's bots keep their order
    assert_int_equal(s.logs[3], 3);
    assert_int_equal(s.slow_count, 1);  // once an instant, of the one
    assert_int_equal(s.slow[0], 1);
  }
  rig_same_hashes(&r);
  rig_close(&r);
}

// Some instants in a row, then twice as many; by the wall's clock, as long as it says little: so on a busy machine it may take more of them.
static void the_quick_become_known(void **state) {
  (void)state;
  struct rig r;
  int told[BOTS] = {0}, first = 0;
  rig_open(&r, 600);
  add(&r, 1, 1, slow);
  add(&r, 2, 2, quick);
  add(&r, 3, 3, quick);
  rig_open_bots(&r);
  for (int i = 1; i <= 30 || (i < 600 && (!told[2] || !told[3])); i++) {
    const struct said s = instant(&r);
    for (int k = 0; k < s.quick_count; k++) {
      if (!told[s.quick[k]]++) assert_int_equal(s.levels[k], 1);
    }
    if (s.quick_count && !first) first = i;
  }
  assert_int_equal(told[1], 0);
  assert_true(told[2] >= 1 && told[3] >= 1);
  assert_true(first > 5);  // with the instant after five
  rig_same_hashes(&r);
  rig_close(&r);
}

// Who comes while the host runs is not known, and comes last, though it has the first place.
static void who_is_new_comes_last(void **state) {
  (void)state;
  struct rig r;
  rig_open(&r, 10);
  add(&r, 1, 1, quick);
  add(&r, 2, 2, quick);
  rig_open_bots(&r);
  instant(&r);
  wire_put_bot_close(&r.to, 1, "");
  rig_talk(&r);
  add(&r, 3, 3, quick);
  r.core.bots[0].gone = true;
  core_put_open(&r.core, &r.core.bots[2], &r.to);
  rig_talk(&r);
  struct said s = instant(&r);
  assert_int_equal(s.log_count, 2);
  assert_int_equal(s.logs[0], 2);
  assert_int_equal(s.logs[1], 3);
  s = instant(&r);
  assert_int_equal(s.logs[0], 3);  // then it is as the others
  rig_close(&r);
}

// ---- among the quick those come first who have been so for longer; by a clock of our own

static int64_t own_ns, step_ns;
static int64_t own_clock(void) { return own_ns += step_ns; }

static void own_clocks(struct rig *r) {
  struct err err;
  host_feed_destroy(r->feed);
  buf_clear(&r->to);
  step_ns = 100;
  const struct host_feed_config config = {.watchdog = r->dog, .wall_ns = own_clock, .cpu_ns = own_clock};
  rig_must(host_feed_create(&config, &r->feed, &err), &err);
  core_put_hello(&r->core, &r->to);
}

static void open_with(struct rig *r, uint64_t id, unsigned level) {
  add(r, id, id, quick);
  r->core.bots[id - 1].tenant_quick = level;
}

static void who_was_quick_for_long_comes_first(void **state) {
  (void)state;
  struct rig r;
  struct said s = {0};
  rig_open(&r, 60);
  own_clocks(&r);
  open_with(&r, 1, 1);
  open_with(&r, 2, 0);
  open_with(&r, 3, 3);
  rig_open_bots(&r);
  for (int i = 1; i <= 6; i++) {
    s = instant(&r);
    assert_int_equal(s.log_count, 3);
    assert_int_equal(s.logs[0], 3);  // known for twenty instants
    assert_int_equal(s.logs[1], 1);
    assert_int_equal(s.logs[2], 2);  // for five only from the sixth on
  }
  assert_int_equal(s.quick_count, 2);
  assert_true(s.quick[0] == 1 && s.levels[0] == 2 && s.quick[1] == 2 && s.levels[1] == 1);
  for (int i = 7; i <= 11; i++) s = instant(&r);
  assert_int_equal(s.quick_count, 1);
  assert_true(s.quick[0] == 2 && s.levels[0] == 2);  // after ten; the first has fifteen
  for (int i = 12; i <= 21; i++) s = instant(&r);
  // Who took long, as the processor's clock says, begins anew.
  step_ns = NS_PER_MS;
  instant(&r);
  instant(&r);
  step_ns = 100;
  s = instant(&r);
  assert_int_equal(s.quick_count, 3);
  for (int k = 0; k < 3; k++) assert_int_equal(s.levels[k], 1);
  rig_same_hashes(&r);
  rig_close(&r);
}

// ---- what they have done leaves before those after them have run

static struct flushed {
  int count;
  size_t logs_first;  // in the first piece
} flushed;

static void flush(void *self, struct buf *out) {
  struct rig *r = self;
  struct wire_frame f;
  struct err err;
  for (size_t at = 0, used; at < out->len && flushed.count == 0; at += used) {
    rig_must(wire_read(out->data + at, out->len - at, &f, &used, &err), &err);
    flushed.logs_first += f.type == WIRE_LOG;
  }
  flushed.count++;
  assert_int_equal(core_take(&r->core, out->data, out->len), out->len);
  buf_clear(out);
}

static void what_they_did_does_not_wait(void **state) {
  (void)state;
  struct rig r;
  struct err err;
  rig_open(&r, 20);
  host_feed_destroy(r.feed);
  buf_clear(&r.to);
  const struct host_feed_config config = {.watchdog = r.dog, .wall_ns = clock_monotonic_ns, .cpu_ns = clock_thread_cpu_ns, .flush = flush, .self = &r};
  rig_must(host_feed_create(&config, &r.feed, &err), &err);
  core_put_hello(&r.core, &r.to);
  add(&r, 1, 1, slow);
  add(&r, 2, 2, quick);
  rig_open_bots(&r);
  for (int i = 0; i < 3; i++) rig_instants(&r, 1);
  flushed = (struct flushed){0};
  rig_instants(&r, 1);
  assert_true(flushed.count > 0);
  assert_int_equal(flushed.logs_first, 1);
  rig_same_hashes(&r);
  rig_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_quick_come_first),
      cmocka_unit_test(the_quick_become_known),
      cmocka_unit_test(who_is_new_comes_last),
      cmocka_unit_test(who_was_quick_for_long_comes_first),
      cmocka_unit_test(what_they_did_does_not_wait),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

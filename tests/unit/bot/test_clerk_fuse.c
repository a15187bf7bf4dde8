// tests/unit/bot/test_clerk_fuse.c – a planted fault: this program is linked with a gate that lets everything pass. Then nothing but the last
// check stands between a script and its market, and it must hold: its budgets of bot, account and tenant are never passed, all of the
// owner's is halted, and stays so until somebody has looked.
#include "clerk_desk.h"

#include "risk/gate.h"

// In place of the gate's own (the linker's --wrap).
bool __wrap_gate_check(const struct gate_path *p, const struct gate_order *o, struct refusal *ret_why);
static int asked;
bool __wrap_gate_check(const struct gate_path *p, const struct gate_order *o, struct refusal *ret_why) {
  (void)p, (void)o, (void)ret_why;
  asked++;
  return true;
}

static int live_orders(int bot) {
  int n = 0;
  for (uint64_t id = 1; id <= f.desk[bot].ids; id++) n += order(bot, id) && order_alive(order(bot, id));
  return n;
}

// Limits are set, and mean nothing.
static void begin(enum last_scope scope, uint64_t id, int64_t orders, int64_t notional) {
  prepare();
  asked = 0;
  f.config.limits = (struct gate_limits){.max_open = 1, .max_order_e8 = E8(100)};
  f.shared.last = last_check_create(200, 16, (struct last_budget){60 * S, 0, 0}, (struct last_budget){60 * S, 0, 0});
  assert_true(last_check_budget(f.shared.last, scope, id, orders, notional));
  open_all(2);
}

static void runaway(int each, int instants) {
  for (int instant = 0; instant < instants; instant++) {
    bar_next(100);
    for (int i = 0; i < each; i++) buy(0, 1, 90, 0);
    end_all();
    assert_true(live_orders(0) <= 12);
  }
}

static void test_a_bot(void **state) {
  (void)state;
  begin(LAST_BOT, 1, 12, 0);
  runaway(20, 1);
  assert_true(asked >= 12 && f.trips == 1 && f.tripped.scope == LAST_BOT && f.tripped.why == LAST_RATE && f.tripped.limit == 12 && f.tripped.value == 13);
  const struct halt_entry *e = halt_find(&f.halt, LEVEL_BOT, f.tripped.bot);
  assert_true(e && e->cause == HALT_BY_LAST_CHECK && e->mode == HALT_SILENT);
  assert_int_equal(live_orders(0), 0);  // what worked was cancelled too
  bar_next(100);
  assert_int_equal(buy(0, 1, 90, 0), CLERK_DENIED);  // not by the gate
  assert_int_equal(buy(1, 1, 90, 0), CLERK_TAKEN);   // the other goes on
  end_all();
  assert_int_equal(live_orders(1), 1);
  halt_clear(&f.halt, LEVEL_BOT, f.tripped.bot);
  last_check_reset(f.shared.last);
  bar_next(100);
  assert_int_equal(buy(0, 1, 90, 0), CLERK_TAKEN);
  end_all();
  assert_int_equal(live_orders(0), 1);
  close_all();
}

static void test_an_account(void **state) {
  (void)state;
  begin(LAST_ACCOUNT, 5, 0, E8(1000));
  bar_next(100);
  assert_int_equal(buy(0, 10, 90, 0), CLERK_TAKEN);  // 900
  end_all();
  bar_next(100);
  assert_int_equal(buy(1, 2, 90, 0), CLERK_TAKEN);   // 180 more, of the account's other bot
  end_all();
  assert_true(f.trips == 1 && f.tripped.scope == LAST_ACCOUNT && f.tripped.why == LAST_NOTIONAL && f.tripped.limit == E8(1000) && f.tripped.value == E8(1080));
  assert_true(halt_find(&f.halt, LEVEL_TENANT, 9) != NULL);  // the kill switch knows no accounts
  bars(100);
  assert_true(live_orders(0) == 0 && live_orders(1) == 0 && position(1) == 0);
  close_all();
}

static void test_a_tenant(void **state) {
  (void)state;
  begin(LAST_TENANT, 9, 4, 0);
  runaway(3, 4);
  assert_true(f.trips == 1 && f.tripped.scope == LAST_TENANT && f.tripped.value == 5 && live_orders(0) == 0);
  bar_next(100);
  assert_int_equal(buy(1, 1, 90, 0), CLERK_DENIED);
  end_all();
  close_all();
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_bot), cmocka_unit_test(test_an_account), cmocka_unit_test(test_a_tenant)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

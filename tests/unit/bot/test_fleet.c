// The fleet when all is well, and its bounds: what bots and instants go where, what waits, what is never lost or doubled.
#include "fleet_fake.h"
#include "fleet_world.h"

static void test_bots_run(void **state) {
  (void)state;
  begin(2);
  for (int b = 1; b <= 12; b++) place(b, b % 4, "good");
  until(all_open());
  for (int b = 1; b <= 12; b++) assert_int_equal(fleet_host_of(w.fleet, b), fleet_host_of(w.fleet, b % 4 ? b % 4 : 4));
  assert_int_equal(fleet_host_stats(w.fleet, 0).bots, 6);
  for (int i = 0; i < 5; i++) instant();
  until(w.hosts[0].done == 5 && w.hosts[1].done == 5);
  for (int b = 1; b <= 12; b++) {
    assert_ran(b, 5);
    for (int i = 0; i < 5; i++) assert_int_equal(w.bots[b].ran_ns[i], START + (i + 1) * NS_PER_MINUTE);
    assert_int_equal(w.bots[b].opened, 1);
    assert_int_equal(w.bots[b].warmup, 10);
  }
  struct fleet_stats s = fleet_stats(w.fleet);
  assert_int_equal(s.hosts_up, 2);
  assert_int_equal(s.instants, 10);
  assert_int_equal(s.queue, 0);
  uint64_t counted = 0;
  for (int i = 0; i < FLEET_BUCKETS; i++) counted += s.latency_us[i];
  assert_int_equal(counted, 10);
  end();
}

static void test_instants_before_it_was_placed_are_history(void **state) {
  (void)state;
  begin(1);
  place(1, 1, "good");
  for (int i = 0; i < 3; i++) instant();  // no host is up yet
  place(2, 2, "good");
  instant();
  until(w.bots[1].ran == 4 && w.bots[2].ran == 1);
  assert_int_equal(w.bots[2].ran_ns[0], START + 4 * NS_PER_MINUTE);
  end();
}

static void test_what_nobody_needs_passes(void **state) {
  (void)state;
  begin(1);
  place_on(1, 1, "good", 2, 10, false);
  until(all_open());
  instant();  // series 1 alone
  assert_int_equal(fleet_stats(w.fleet).queue, 0);
  assert_int_equal(w.hosts[0].sent, 0);
  instant_of(0);  // nobody is called
  assert_int_equal(w.hosts[0].sent, 0);
  w.call = 1;
  instant_of(0);
  until(w.bots[1].ran == 1);
  end();
}

static void test_commits_are_waited_for(void **state) {
  (void)state;
  begin(2);
  place(1, 1, "good");
  place(2, 2, "good");
  until(all_open());
  w.hold = true;
  instant();
  instant();
  until(w.hosts[0].done == 1 && w.hosts[1].done == 1);
  for (int i = 0; i < 20; i++) loop_turn(w.loop, true);
  assert_int_equal(w.hosts[0].sent, 1);
  w.hosts[0].held_ns = 0;
  fleet_go_on(w.fleet, 0);
  until(w.hosts[0].done == 2);
  assert_int_equal(w.hosts[1].sent, 1);  // each for itself
  end();
}

static void test_frames_of_a_former_opening_are_dropped(void **state) {
  (void)state;
  begin(1);
  place(1, 1, "good");
  place(2, 1, "good");
  until(all_open());
  fleet_remove(w.fleet, 1, "");
  place(1, 1, "good");
  fleet_reopen(w.fleet, 2);
  until(w.bots[1].opened == 2 && w.bots[2].opened == 2);
  assert_int_equal(w.bots[1].goodbyes + w.bots[2].goodbyes, 0);
  assert_int_equal(fleet_stats(w.fleet).strays, 2);
  fleet_remove(w.fleet, 1, "");
  fleet_remove(w.fleet, 2, "");
  assert_int_equal(fleet_host_stats(w.fleet, 0).series, 0);
  place(3, 1, "good");
  until(all_open());
  instant();
  until(w.bots[3].ran == 1);
  assert_int_equal(w.hosts[0].lost, 0);
  end();
}

static void test_deeper_history_stands_in(void **state) {
  (void)state;
  begin(1);
  place(1, 1, "good");
  until(all_open());
  place_on(2, 1, "good", 1, 5000, false);
  place(3, 1, "good");
  instant();
  until(w.bots[1].ran && all_open() && w.bots[3].opened);
  assert_int_equal(w.bots[2].standins, 1);
  assert_int_equal(w.bots[2].warmup, 5000);
  assert_int_equal(w.bots[3].standins, 0);
  fleet_remove(w.fleet, 1, "");
  instant();
  until(w.bots[3].ran && w.bots[2].ran);
  assert_int_equal(w.hosts[0].lost, 0);
  end();
}

static void test_hosts_forget_old_bars(void **state) {
  (void)state;
  begin(1);
  place(1, 1, "good");
  until(all_open());
  for (int i = 0; i < 8000; i++) {
    instant();
    until(w.hosts[0].done == i + 1);
  }
  place_on(2, 1, "good", 1, 1000, false);  // the fake complains should it not have that many
  place_on(3, 1, "good", 1, 7000, false);
  until(all_open());
  assert_int_equal(w.bots[2].standins, 0);
  assert_int_equal(w.bots[3].standins, 1);
  assert_int_equal(w.hosts[0].lost, 0);
  end();
}

static void test_a_host_of_ones_own(void **state) {
  (void)state;
  begin_with((struct fleet_config){.hosts = 1, .hosts_own = 1, .tenant_bots = 2, .backoff_ms = 5});
  assert_int_equal(fleet_host_stats(w.fleet, 1).pid, 0);
  place(1, 1, "good");
  place_on(2, 2, "good", 1, 10, true);
  place_on(3, 2, "good", 1, 10, true);
  place_on(4, 2, "good", 1, 10, true);  // more than two, and no second host of its own
  place_on(5, 3, "good", 1, 10, true);  // none left: shares
  assert_int_equal(fleet_host_of(w.fleet, 2), 1);
  assert_int_equal(fleet_host_of(w.fleet, 4), 1);
  assert_int_equal(fleet_host_of(w.fleet, 5), 0);
  until(all_open());
  instant();
  until(w.bots[2].ran && w.bots[1].ran);
  for (int b = 2; b <= 4; b++) fleet_remove(w.fleet, b, "");
  until(fleet_host_stats(w.fleet, 1).pid == 0);
  assert_int_equal(w.hosts[1].lost, 0);
  fleet_remove(w.fleet, 5, "");
  place_on(5, 3, "good", 1, 10, true);
  assert_int_equal(fleet_host_of(w.fleet, 5), 1);
  until(w.bots[5].opened == 2 || (all_open() && fleet_host_stats(w.fleet, 1).up));
  end();
}

static void test_many_bots_of_one_tenant_spread(void **state) {
  (void)state;
  begin_with((struct fleet_config){.hosts = 2, .tenant_bots = 4});
  for (int b = 1; b <= 4; b++) place(b, 1, "good");
  for (int b = 5; b <= 20; b++) place(b, 1, "good");
  assert_int_equal(fleet_host_stats(w.fleet, 0).bots, 10);
  assert_int_equal(fleet_host_stats(w.fleet, 1).bots, 10);
  until(all_open());
  end();
}

static void test_what_cannot_be_opened_is_refused(void **state) {
  (void)state;
  begin(1);
  w.no_series = true;
  place(1, 1, "good");
  until(w.bots[1].refused);
  w.no_series = false;
  w.no_restore = true;
  place(2, 1, "good");
  until(w.bots[2].refused);
  w.no_restore = false;
  place(3, 1, "good");
  until(w.bots[3].opened);
  struct fleet_need need = {.series = 1};
  struct err err;
  assert_int_equal(fleet_place(w.fleet, 3, 1, false, &need, 1, &err), ERR_EXISTS);
  end();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_bots_run),
    cmocka_unit_test(test_instants_before_it_was_placed_are_history),
    cmocka_unit_test(test_what_nobody_needs_passes),
    cmocka_unit_test(test_commits_are_waited_for),
    cmocka_unit_test(test_frames_of_a_former_opening_are_dropped),
    cmocka_unit_test(test_deeper_history_stands_in),
    cmocka_unit_test(test_hosts_forget_old_bars),
    cmocka_unit_test(test_a_host_of_ones_own),
    cmocka_unit_test(test_many_bots_of_one_tenant_spread),
    cmocka_unit_test(test_what_cannot_be_opened_is_refused),
};
FLEET_MAIN(tests)

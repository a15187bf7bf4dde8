// Who shares a host with whom, and whose instants come first: newcomers, those who are known to be quick, and the slow (fleet_fake.h says so of them).
#include "fleet_fake.h"
#include "fleet_world.h"

// One host for all, one for a tenant of its own, one for newcomers, one for the slow.
enum { SHARED, OWN, NEWCOMERS, SLOW };

static void begin_three(int64_t after_ms) {
  begin_with((struct fleet_config){.hosts = 1, .hosts_own = 1, .hosts_new = 1, .instant_ms = 60000, .pong_ms = 60000, .after_ms = after_ms, .backoff_ms = 5});
}
static void go(int n) {
  for (int i = 0; i < n; i++) {
    instant();
    for (int h = 0; h < 4; h++) until(fleet_stats(w.fleet).queue == 0 && w.hosts[h].sent == w.hosts[h].done);
  }
}
// Tenant 1, known, with bot 1; tenant 2 with bot 2, which came at the same time.
static void settle(void) {
  place(1, 1, "quick 1");
  place(2, 2, "good");
  until(all_open());
  go(1);
  assert_int_equal(fleet_stats(w.fleet).known, 1);
}

static void test_newcomers_are_kept_apart(void **state) {
  (void)state;
  begin_three(0);
  settle();
  assert_int_equal(fleet_host_of(w.fleet, 1), SHARED);
  assert_int_equal(fleet_host_of(w.fleet, 2), SHARED);  // nobody was known yet
  assert_int_equal(fleet_host_stats(w.fleet, NEWCOMERS).pid, 0);
  place(3, 3, "quick 3");
  place(4, 2, "good");
  place(5, 1, "good");
  place_on(6, 6, "good", 1, 10, true);
  assert_int_equal(fleet_host_of(w.fleet, 3), NEWCOMERS);
  assert_int_equal(fleet_host_of(w.fleet, 4), SHARED);  // a tenant's bots are together
  assert_int_equal(fleet_host_of(w.fleet, 5), SHARED);
  assert_int_equal(fleet_host_of(w.fleet, 6), OWN);
  until(all_open());
  go(1);
  assert_int_equal(fleet_stats(w.fleet).known, 2);
  place(7, 3, "good");
  assert_int_equal(fleet_host_of(w.fleet, 7), NEWCOMERS);  // known by now, and no bot is moved for that
  until(all_open());
  fleet_remove(w.fleet, 3, "");
  fleet_remove(w.fleet, 7, "");
  until(fleet_host_stats(w.fleet, NEWCOMERS).pid == 0);
  place(3, 3, "good");
  assert_int_equal(fleet_host_of(w.fleet, 3), SHARED);
  until(all_open());
  assert_int_equal(w.hosts[SHARED].lost + w.hosts[NEWCOMERS].lost, 0);
  end();
}

static void test_newcomers_come_after_the_others(void **state) {
  (void)state;
  begin_three(600000);
  settle();
  place(3, 3, "good");
  until(all_open());
  for (int i = 0; i < 10; i++) {
    const int sent = w.hosts[NEWCOMERS].sent;
    kill(fleet_host_stats(w.fleet, SHARED).pid, SIGSTOP);
    instant();
    for (int turn = 0; turn < 50; turn++) loop_turn(w.loop, false);
    assert_int_equal(w.hosts[NEWCOMERS].sent, sent);
    kill(fleet_host_stats(w.fleet, SHARED).pid, SIGCONT);
    until(w.hosts[NEWCOMERS].done == sent + 1);
    assert_int_equal(w.hosts[NEWCOMERS].first_done, w.hosts[SHARED].done);
  }
  assert_int_equal(w.bots[3].ran, 10);
  end();
}

static void test_they_do_not_wait_for_long(void **state) {
  (void)state;
  begin_three(1);
  settle();
  place(3, 3, "good");
  until(all_open());
  const int done = w.hosts[SHARED].done;
  kill(fleet_host_stats(w.fleet, SHARED).pid, SIGSTOP);
  for (int i = 0; i < 5; i++) instant();
  until(w.bots[3].ran == 5);
  assert_int_equal(w.hosts[SHARED].done, done);
  kill(fleet_host_stats(w.fleet, SHARED).pid, SIGCONT);
  until(w.hosts[SHARED].done == done + 5);
  assert_int_equal(w.hosts[SHARED].lost, 0);
  end();
}

static void test_who_takes_long_is_not_known_any_more(void **state) {
  (void)state;
  begin_three(0);
  settle();
  place(3, 1, "slow 1");
  until(all_open());
  go(3);
  until(w.slow[1] == 1);
  assert_int_equal(fleet_stats(w.fleet).known, 0);
  fleet_remove(w.fleet, 1, "");
  fleet_remove(w.fleet, 3, "");
  place(1, 1, "quick 1");
  assert_int_equal(fleet_host_of(w.fleet, 1), SLOW);
  place(4, 4, "good");
  assert_int_equal(fleet_host_of(w.fleet, 4), SHARED);  // nobody there is known
  until(all_open());
  go(5);
  assert_int_equal(fleet_stats(w.fleet).known, 0);  // slow is slow
  end();
}

// What was told of tenants, the next fleet is told.
static void test_pace_is_remembered(void **state) {
  (void)state;
  struct err err;
  begin_three(0);
  settle();
  place(3, 2, "slow 2");
  until(all_open());
  go(3);
  until(w.slow[2] == 1);
  assert_true(w.pace[1].quick == 1 && !w.pace[1].slow && w.pace[2].quick == 0 && w.pace[2].slow);
  end();
  begin_three(0);
  assert_int_equal(fleet_pace_set(w.fleet, 1, (struct fleet_pace){.quick = 7}, &err), OK);
  assert_int_equal(fleet_pace_set(w.fleet, 2, (struct fleet_pace){.slow = true}, &err), OK);
  assert_int_equal(fleet_stats(w.fleet).known, 1);
  place(1, 1, "good");
  place(2, 2, "good");
  place(3, 3, "quick 3");
  assert_int_equal(fleet_host_of(w.fleet, 1), SHARED);
  assert_int_equal(fleet_host_of(w.fleet, 2), SLOW);
  assert_int_equal(fleet_host_of(w.fleet, 3), NEWCOMERS);
  assert_true(fleet_pace(w.fleet, 1).quick == 7 && fleet_pace(w.fleet, 2).slow && fleet_pace(w.fleet, 9).quick == 0);
  until(all_open());
  go(1);
  assert_int_equal(w.pace[3].quick, 1);
  assert_int_equal(w.pace[1].quick, 0);  // nothing new
  end();
}

// Who has been quick for much less long than others is kept apart from them, but nobody who has been so for eighty instants.
static void test_some_are_newer_than_others(void **state) {
  (void)state;
  static const struct { unsigned elder, young; bool apart; } all[] = {{1, 0, true}, {1, 1, false}, {5, 1, false}, {6, 1, true}, {6, 2, false}, {9, 4, true}, {12, 4, true}, {12, 5, false}};
  struct err err;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    begin_three(0);
    assert_int_equal(fleet_pace_set(w.fleet, 1, (struct fleet_pace){.quick = all[i].elder}, &err), OK);
    assert_int_equal(fleet_pace_set(w.fleet, 2, (struct fleet_pace){.quick = all[i].young}, &err), OK);
    place(1, 1, "good");
    place(2, 2, "good");
    assert_int_equal(fleet_host_of(w.fleet, 1), SHARED);
    assert_int_equal(fleet_host_of(w.fleet, 2), all[i].apart ? NEWCOMERS : SHARED);
    end();
  }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_newcomers_are_kept_apart),
    cmocka_unit_test(test_newcomers_come_after_the_others),
    cmocka_unit_test(test_they_do_not_wait_for_long),
    cmocka_unit_test(test_who_takes_long_is_not_known_any_more),
    cmocka_unit_test(test_pace_is_remembered),
    cmocka_unit_test(test_some_are_newer_than_others),
};
FLEET_MAIN(tests)

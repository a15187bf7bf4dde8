// The fleet against host processes that crash, hang, lie and are slow (fleet_fake.h): who is blamed, who goes on, what is never lost.
#include "fleet_fake.h"
#include "fleet_world.h"

// ---- the offender alone is taken off, the others go on where they were

static void offender(const char *verb, const char *why, bool named) {
  begin_with((struct fleet_config){.hosts = 2, .instant_ms = 400, .backoff_ms = 5, .in_bytes = 1 << 20});
  for (int b = 1; b <= 9; b++) place(b, b == 9 ? 2 : 1, b == 4 ? verb : "good");  // 9 is on the other host
  until(all_open());
  for (int i = 0; i < 5; i++) instant();
  until(w.hosts[1].done == 5);
  if (named) {
    until(w.bots[1].opened == 2 && w.hosts[0].done == 4 && all_open());
    assert_int_equal(w.hosts[0].suspect, 4);
    assert_int_equal(w.bots[4].quarantined, 1);
    assert_true(w.hosts[0].owed);
    assert_int_equal(w.bots[1].ran, w.bots[8].ran);
    assert_int_equal(w.bots[1].ran_ns[w.bots[1].ran - 1], START + 5 * NS_PER_MINUTE);
  }
  if (!strstr(w.hosts[0].why, why)) fail_msg("%s: %s", verb, w.hosts[0].why);
  assert_int_equal(w.hosts[1].lost, 0);
  assert_ran(9, 5);
  for (int b = 1; b <= 9; b++) assert_int_equal(w.bots[b].quarantined, named && b == 4);
  end();
}
static void test_a_crash(void **state) {
  (void)state;
  offender("crash 2", "signal 6", true);
  offender("sigsys 2", "jail forbids", true);
  offender("exit 2", "exit code 3", true);
}
static void test_a_hang(void **state) {
  (void)state;
  offender("spin 2", "did not finish an instant", true);
}

static void test_a_crash_while_being_opened(void **state) {
  (void)state;
  begin(1);
  place(1, 1, "good");
  place(2, 1, "badopen");
  place(3, 1, "good");
  until(all_open() && w.bots[2].quarantined);
  instant();
  until(w.bots[1].ran && w.bots[3].ran);
  assert_false(w.hosts[0].owed);
  end();
}

static void test_two_offenders(void **state) {
  (void)state;
  begin(1);
  for (int b = 1; b <= 20; b++) place(b, 1, b == 7 ? "crash 1" : b == 13 ? "exit 2" : "good");
  until(all_open());
  for (int i = 0; i < 10; i++) instant();
  until(w.hosts[0].done == 8);
  assert_int_equal(w.hosts[0].lost, 2);
  for (int b = 1; b <= 20; b++) assert_int_equal(w.bots[b].quarantined, b == 7 || b == 13);
  end();
}

// Nothing tells whose frame it was: found by halves.
static void found_by_halves(const char *verb) {
  begin_with((struct fleet_config){.hosts = 1, .backoff_ms = 5, .backoff_max_ms = 20, .in_bytes = 1 << 20});
  for (int b = 1; b <= 20; b++) place(b, 1, b == 13 ? verb : "good");
  until(all_open());
  for (int i = 0; i < 100 && !w.bots[13].quarantined; i++) {
    instant();
    until(w.hosts[0].sent + w.hosts[0].missed == i + 1 && fleet_stats(w.fleet).queue == 0);
  }
  for (int b = 1; b <= 20; b++) assert_int_equal(w.bots[b].quarantined, b == 13);
  assert_true(w.hosts[0].lost <= 6);  // 20, 10, 5, 3, 2, 1
  until(all_open());
  int ran = w.bots[1].ran;
  for (int i = 0; i < 3; i++) instant();
  until(w.bots[1].ran >= ran + 3);
  assert_true(w.hosts[0].lost <= 6);
  end();
}
static void test_garbage(void **state) {
  (void)state;
  found_by_halves("garbage 1");
  found_by_halves("core 0");
  found_by_halves("early 0");
  found_by_halves("flood 0");
}

// ---- nobody can be named

static void test_a_stopped_process(void **state) {
  (void)state;
  begin_with((struct fleet_config){.hosts = 1, .ping_ms = 50, .pong_ms = 200, .backoff_ms = 5});
  place(1, 1, "good");
  until(all_open());
  kill(fleet_host_stats(w.fleet, 0).pid, SIGSTOP);
  until(w.hosts[0].lost == 1 && w.bots[1].opened == 2);
  assert_int_equal(w.hosts[0].suspect, 0);
  assert_non_null(strstr(w.hosts[0].why, "did not answer"));
  kill(fleet_host_stats(w.fleet, 0).pid, SIGKILL);
  until(w.bots[1].opened == 3);
  assert_int_equal(w.hosts[0].suspect, 0);
  assert_int_equal(w.bots[1].quarantined, 0);
  end();
}

static void test_a_slow_reader(void **state) {
  (void)state;
  begin_with((struct fleet_config){.hosts = 2, .instant_ms = 60000, .out_bytes = 1 << 20, .backoff_ms = 5});
  place(1, 1, "deaf");
  place(2, 2, "good");
  until(all_open());
  instant();
  for (int i = 0; i < 20; i++) loop_turn(w.loop, true);
  struct buf b;
  buf_init(&b, 65536);
  while (b.len < 60000) wire_put_digest(&b, 1);
  for (int i = 0; i < 1000 && !w.hosts[0].lost; i++) {
    fleet_send(w.fleet, 1, &b);
    loop_turn(w.loop, false);
  }
  buf_finish(&b);
  until(w.hosts[0].lost == 1);
  assert_non_null(strstr(w.hosts[0].why, "did not read"));
  assert_int_equal(w.hosts[0].suspect, 0);
  assert_int_equal(w.hosts[1].lost, 0);
  end();
}

static void test_the_slow_do_not_delay_the_others(void **state) {
  (void)state;
  begin_with((struct fleet_config){.hosts = 2, .instant_ms = 60000, .backoff_ms = 5});
  place(1, 1, "spin");
  place(2, 2, "good");
  until(all_open());
  for (int i = 0; i < 50; i++) instant();
  until(w.bots[2].ran == 50);
  assert_int_equal(w.hosts[0].sent, 1);
  assert_int_equal(w.hosts[0].lost, 0);
  end();
}

static void test_a_full_queue_is_missed_not_lost(void **state) {
  (void)state;
  begin_with((struct fleet_config){.hosts = 1, .queue_max = 4, .backoff_ms = 300});
  place(1, 1, "good");
  until(all_open());
  kill(fleet_host_stats(w.fleet, 0).pid, SIGKILL);
  until(w.hosts[0].lost == 1);
  for (int i = 0; i < 10; i++) instant();
  assert_int_equal(w.hosts[0].missed, 6);
  until(w.hosts[0].done == 4);
  assert_int_equal(w.bots[1].through_ns, START + 7 * NS_PER_MINUTE - 1);
  end();
}

static void test_who_falls_behind_catches_up_in_silence(void **state) {
  (void)state;
  begin_with((struct fleet_config){.hosts = 1, .queue_max = 4, .instant_ms = 60000, .backoff_ms = 5});
  place(1, 1, "spin 2");
  until(all_open());
  for (int i = 0; i < 2; i++) {
    instant();
    until(w.hosts[0].done == i + 1);
  }
  for (int i = 0; i < 10; i++) instant();
  until(w.hosts[0].lost == 1);
  assert_non_null(strstr(w.hosts[0].why, "behind"));
  for (int i = 0; i < 20; i++) instant();
  until(w.bots[1].opened == 2);
  until(w.hosts[0].lost == 2 || w.hosts[0].done >= 4);
  assert_true(w.hosts[0].missed >= 8 + 16);
  end();
}

static void test_a_queue_that_waits_for_the_owner_is_bounded(void **state) {
  (void)state;
  begin_with((struct fleet_config){.hosts = 1, .queue_max = 4});
  place(1, 1, "good");
  until(all_open());
  w.hold = true;
  instant();
  until(w.hosts[0].done == 1);
  for (int i = 0; i < 16; i++) instant();
  struct hub_instant *in = calloc(1, sizeof *in);
  in->refs = 1;
  in->now_ns = w.now_ns + NS_PER_MINUTE;
  assert_false(fleet_instant(w.fleet, in));
  assert_int_equal(in->refs, 1);
  free(in);
  assert_int_equal(w.hosts[0].lost, 0);
  w.hold = false;
  w.hosts[0].held_ns = 0;
  fleet_go_on(w.fleet, 0);
  until(w.hosts[0].done == 17);
  end();
}

static void test_an_owner_blames(void **state) {
  (void)state;
  begin(1);
  place(1, 1, "good");
  place(2, 1, "good");
  until(all_open());
  fleet_blame(w.fleet, 0, 2, "an order for a bot's order that is none");
  until(w.bots[2].quarantined && all_open());
  assert_int_equal(w.hosts[0].suspect, 2);
  end();
}

static void test_no_program(void **state) {
  (void)state;
  static const char *const argv[] = {"test_fleet", "--nothing", NULL};  // ends at once
  begin_with((struct fleet_config){.hosts = 1, .backoff_ms = 1, .backoff_max_ms = 20, .argv = argv});
  place(1, 1, "good");
  until(fleet_stats(w.fleet).restarts == 5);
  assert_int_equal(w.hosts[0].up + w.hosts[0].lost, 0);
  assert_int_equal(fleet_stats(w.fleet).bots, 1);
  end();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_crash),
    cmocka_unit_test(test_a_hang),
    cmocka_unit_test(test_a_crash_while_being_opened),
    cmocka_unit_test(test_two_offenders),
    cmocka_unit_test(test_garbage),
    cmocka_unit_test(test_a_stopped_process),
    cmocka_unit_test(test_a_slow_reader),
    cmocka_unit_test(test_the_slow_do_not_delay_the_others),
    cmocka_unit_test(test_a_full_queue_is_missed_not_lost),
    cmocka_unit_test(test_who_falls_behind_catches_up_in_silence),
    cmocka_unit_test(test_a_queue_that_waits_for_the_owner_is_bounded),
    cmocka_unit_test(test_an_owner_blames),
    cmocka_unit_test(test_no_program),
};
FLEET_MAIN(tests)

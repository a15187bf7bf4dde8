// Every cell of the table, written down a second time as what each event makes of each state; and what must hold whatever the table says.
#include "bot/life.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define S INT64_C(1000000000)

// Columns: stopped starting running paused stopping retrying halted quarantined dead retired. ".": nothing happens; "!code": refused;
// "state/code": it goes there for that reason. wanted is running, except where noted in the tests below.
static const struct {
  const char *event, *cells;
} wanted[] = {
  {"start", "starting/opening . . starting/opening !is_stopping starting/opening !is_halted !is_quarantined starting/opening !is_retired"},
  {"pause", "!is_not_running paused/paused paused/paused . !is_stopping paused/paused . !is_not_running !is_not_running !is_not_running"},
  {"stop", ". stopping/stopping stopping/stopping stopping/stopping . stopping/stopping stopping/stopping . stopped/stopped ."},
  {"mend", ". . . . . . . . . stopped/mended"},
  {"force-stop", ". stopping/forced stopping/forced stopping/forced stopping/forced stopping/forced stopping/forced . stopped/forced ."},
  {"release", "!is_not_held !is_not_held !is_not_held !is_not_held !is_not_held !is_not_held !is_not_held stopped/released stopped/released stopped/released"},
  {"halt", ". halted/halted halted/halted halted/halted . halted/halted . . . ."},
  {"resume", ". . . . . . starting/opening . . ."},
  {"boot", "starting/opening starting/opening starting/opening starting/opening . . . . . ."},
  {"opened", ". running/running . . . . . . . ."},
  {"closed", ". . . . stopped/stopped . . . . ."},
  {"retry-due", ". . . . . starting/opening . . . ."},
  {"script-failed", ". retrying/strike retrying/strike . . . . . . ."},
  {"unfit", ". dead/unfit dead/unfit . . dead/unfit . . . ."},
  {"no-data", ". retrying/no_data retrying/no_data . . . . . . ."},
  {"host-lost", ". retrying/host_lost retrying/host_lost . . . . . . ."},
  {"broke-host", "quarantined/quarantined quarantined/quarantined quarantined/quarantined . . . quarantined/quarantined . . ."},
  {"journal-failed", ". retrying/journal_retry paused/journal . . . . . . ."},
  {"rule", ". halted/rule halted/rule halted/rule . halted/rule . . . ."},
};

static struct life in_state(int state, enum life_want want) {
  struct life l;
  life_init(&l, 100 * S);
  l.state = (enum life_state)state;
  l.wanted = want;
  return l;
}

static void every_cell(void **state) {
  (void)state;
  int cells = 0;
  assert_int_equal(sizeof wanted / sizeof *wanted, LIFE_EVENT_COUNT);
  for (int e = 0; e < LIFE_EVENT_COUNT; e++) {
    assert_string_equal(life_event_text((enum life_event)e), wanted[e].event);
    char text[600], *save = NULL;
    snprintf(text, sizeof text, "%s", wanted[e].cells);
    const char *cell = strtok_r(text, " ", &save);
    for (int s = 0; s < LIFE_STATE_COUNT; s++, cell = strtok_r(NULL, " ", &save)) {
      assert_non_null(cell);
      struct life l = in_state(s, LIFE_WANT_RUNNING);
      const struct life before = l;
      enum life_reason why = LIFE_REASON_COUNT;
      const enum life_verdict verdict = life_step(&l, (enum life_event)e, 200 * S, &why);
      char got[80];
      if (verdict == LIFE_REFUSED) snprintf(got, sizeof got, "!%s", life_reason_code(why));
      else if (verdict == LIFE_KEPT) snprintf(got, sizeof got, ".");
      else snprintf(got, sizeof got, "%s/%s", life_state_text(l.state), life_reason_code(l.reason));
      if (strcmp(got, cell) != 0) fail_msg("%s in %s: %s instead of %s", wanted[e].event, life_state_text((enum life_state)s), got, cell);
      if (verdict == LIFE_REFUSED) assert_memory_equal(&l, &before, sizeof l);
      if (verdict == LIFE_KEPT) assert_true(l.state == before.state && l.reason == before.reason && l.since_ns == before.since_ns);
      if (verdict == LIFE_CHANGED) assert_int_equal(l.since_ns, 200 * S);
      assert_int_equal(l.retry_at_ns != 0, verdict == LIFE_CHANGED && l.state == LIFE_RETRYING);
      cells++;
    }
    assert_null(cell);
  }
  assert_int_equal(cells, LIFE_EVENT_COUNT * LIFE_STATE_COUNT);
}

// A stop, and then nothing but what the runtime does, leaves nothing running; and it is never started by itself again.
static void a_stop_is_final(void **state) {
  (void)state;
  for (int s = 0; s < LIFE_STATE_COUNT; s++)
    for (int stop = 0; stop < 2; stop++)
      for (int e = LIFE_HALT; e < LIFE_EVENT_COUNT; e++)
        for (int f = LIFE_HALT; f < LIFE_EVENT_COUNT; f++) {
          struct life l = in_state(s, LIFE_WANT_RUNNING);
          life_step(&l, stop ? LIFE_STOP : LIFE_FORCE_STOP, 200 * S, NULL);
          assert_int_equal(l.wanted, LIFE_WANT_STOPPED);
          life_step(&l, (enum life_event)e, 201 * S, NULL);
          life_step(&l, (enum life_event)f, 202 * S, NULL);
          life_step(&l, LIFE_CLOSED, 203 * S, NULL);
          assert_true(l.state == LIFE_STOPPED || life_is_held(l.state));
        }
}

// While the kill switch is on, nothing but its end, a stop or a broken host leads out.
static void halted_means_silent(void **state) {
  (void)state;
  for (int e = 0; e < LIFE_EVENT_COUNT; e++) {
    if (e == LIFE_RESUME) continue;
    struct life l = in_state(LIFE_HALTED, LIFE_WANT_RUNNING);
    life_step(&l, (enum life_event)e, 200 * S, NULL);
    assert_true(l.state == LIFE_HALTED || l.state == LIFE_STOPPING || l.state == LIFE_QUARANTINED);
  }
  struct life l = in_state(LIFE_RUNNING, LIFE_WANT_RUNNING);
  life_step(&l, LIFE_HALT, 200 * S, NULL);
  assert_int_equal(life_step(&l, LIFE_PAUSE, 201 * S, NULL), LIFE_KEPT);  // noted, for later
  life_step(&l, LIFE_RESUME, 202 * S, NULL);
  assert_int_equal(l.state, LIFE_PAUSED);
}

// What is held for people cannot be started by its owner around them.
static void held_bots_stay_held(void **state) {
  (void)state;
  struct life l = in_state(LIFE_RUNNING, LIFE_WANT_RUNNING);
  life_step(&l, LIFE_BROKE_HOST, 200 * S, NULL);
  static const enum life_event tries[] = {LIFE_STOP, LIFE_CLOSED, LIFE_MEND, LIFE_PAUSE, LIFE_BOOT, LIFE_START};
  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) life_step(&l, tries[i], 201 * S, NULL);
  assert_int_equal(l.state, LIFE_QUARANTINED);
  assert_true(life_is_held(l.state));
  assert_int_equal(life_step(&l, LIFE_RELEASE, 202 * S, NULL), LIFE_CHANGED);
  assert_int_equal(l.wanted, LIFE_WANT_STOPPED);
  assert_int_equal(life_step(&l, LIFE_START, 203 * S, NULL), LIFE_CHANGED);
}

static void three_strikes_retire(void **state) {
  (void)state;
  struct life l = in_state(LIFE_RUNNING, LIFE_WANT_RUNNING);
  int64_t now = 200 * S;
  for (int strike = 1; strike <= LIFE_STRIKES_MAX; strike++) {
    assert_int_equal(life_step(&l, LIFE_SCRIPT_FAILED, now, NULL), LIFE_CHANGED);
    assert_int_equal(l.strikes, strike);
    if (strike == LIFE_STRIKES_MAX) break;
    assert_int_equal(l.state, LIFE_RETRYING);
    assert_int_equal(l.retry_at_ns, now + strike * S);
    life_step(&l, LIFE_RETRY_DUE, l.retry_at_ns, NULL);
    now = l.since_ns + S;
    life_step(&l, LIFE_OPENED, now, NULL);
    now += LIFE_STABLE_NS;  // stable, and yet the strikes count
  }
  assert_int_equal(l.state, LIFE_RETIRED);
  assert_int_equal(life_step(&l, LIFE_MEND, now, NULL), LIFE_CHANGED);
  assert_true(l.state == LIFE_STOPPED && l.strikes == 0);
  // A day without a failure: the first two are forgotten.
  l = in_state(LIFE_RUNNING, LIFE_WANT_RUNNING);
  l.strikes = 2;
  life_step(&l, LIFE_SCRIPT_FAILED, l.since_ns + LIFE_FORGIVEN_NS, NULL);
  assert_true(l.state == LIFE_RETRYING && l.strikes == 1);
}

static void retries_back_off_and_end(void **state) {
  (void)state;
  static const int64_t seconds[LIFE_RETRIES_MAX] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 300};
  struct life l = in_state(LIFE_STARTING, LIFE_WANT_RUNNING);
  for (int i = 0; i < LIFE_RETRIES_MAX; i++) {
    life_step(&l, LIFE_NO_DATA, 1000 * S, NULL);
    assert_int_equal(l.state, LIFE_RETRYING);
    assert_int_equal(l.retry_at_ns, 1000 * S + seconds[i] * S);
    life_step(&l, LIFE_RETRY_DUE, l.retry_at_ns, NULL);
    assert_int_equal(l.state, LIFE_STARTING);
  }
  life_step(&l, LIFE_NO_DATA, 1000 * S, NULL);
  assert_true(l.state == LIFE_DEAD && l.reason == LIFE_WHY_DEAD && l.retry_at_ns == 0);
  life_step(&l, LIFE_START, 1001 * S, NULL);  // by hand: counts anew
  assert_true(l.state == LIFE_STARTING && l.retries == 0);
  // A lost host is never held against the bot.
  for (int i = 0; i < 100; i++) {
    life_step(&l, LIFE_HOST_LOST, 1002 * S, NULL);
    assert_true(l.state == LIFE_RETRYING && l.retries == 0 && l.retry_at_ns == 1003 * S);
    life_step(&l, LIFE_RETRY_DUE, l.retry_at_ns, NULL);
  }
  // Ten good minutes: the former tries are forgotten. The clock going back forgets nothing.
  life_step(&l, LIFE_OPENED, 2000 * S, NULL);
  l.retries = 9;
  life_step(&l, LIFE_NO_DATA, 1990 * S, NULL);
  assert_int_equal(l.retries, 10);
  life_step(&l, LIFE_RETRY_DUE, l.retry_at_ns, NULL);
  life_step(&l, LIFE_OPENED, 3000 * S, NULL);
  life_step(&l, LIFE_NO_DATA, 3000 * S + LIFE_STABLE_NS, NULL);
  assert_int_equal(l.retries, 1);
}

static void a_boot_goes_back_to_what_is_wanted(void **state) {
  (void)state;
  static const enum life_state to[LIFE_WANT_COUNT] = {LIFE_STOPPED, LIFE_PAUSED, LIFE_STARTING};
  for (int w = 0; w < LIFE_WANT_COUNT; w++)
    for (int s = LIFE_STOPPED; s <= LIFE_PAUSED; s++) {
      struct life l = in_state(s, (enum life_want)w);
      life_step(&l, LIFE_BOOT, 200 * S, NULL);
      assert_int_equal(l.state, to[w]);
    }
}

static void a_clock_that_goes_back_hides_no_change(void **state) {
  (void)state;
  struct life l = in_state(LIFE_RUNNING, LIFE_WANT_RUNNING);
  life_step(&l, LIFE_BROKE_HOST, 200 * S, NULL);
  assert_int_equal(l.state, LIFE_QUARANTINED);
  assert_int_equal(l.since_ns, 200 * S);
  const struct life broken = l;
  assert_int_equal(life_step(&l, LIFE_RELEASE, 140 * S, NULL), LIFE_CHANGED);
  assert_true(l.since_ns > broken.since_ns);
  const struct life released = l;
  assert_int_equal(life_step(&l, LIFE_START, 140 * S, NULL), LIFE_CHANGED);
  assert_true(l.since_ns > released.since_ns);
}

static void words(void **state) {
  (void)state;
  for (int i = 0; i < LIFE_STATE_COUNT; i++) assert_int_equal(life_state_parse(life_state_text((enum life_state)i)), i);
  for (int i = 0; i < LIFE_WANT_COUNT; i++) assert_int_equal(life_want_parse(life_want_text((enum life_want)i)), i);
  for (int i = 0; i < LIFE_REASON_COUNT; i++) {
    assert_int_equal(life_reason_parse(life_reason_code((enum life_reason)i)), i);  // so codes are unique
    const char *text = life_reason_text((enum life_reason)i);
    assert_true(strlen(text) > 10 && text[strlen(text) - 1] == '.');
  }
  assert_int_equal(life_state_parse("flying"), -1);
  assert_int_equal(life_want_parse(""), -1);
  assert_int_equal(life_reason_parse("no"), -1);
  char out[400];
  life_explain(LIFE_WHY_STRIKE, "rsi.lua:12: nil", out, sizeof out);
  assert_non_null(strstr(out, "discarded; it is opened again shortly.\nrsi.lua:12: nil"));
  life_explain(LIFE_WHY_PAUSED, NULL, out, sizeof out);
  assert_string_equal(out, life_reason_text(LIFE_WHY_PAUSED));
  life_explain(LIFE_WHY_PAUSED, "x", out, 8);
  assert_string_equal(out, "It was ");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_cell), cmocka_unit_test(a_stop_is_final), cmocka_unit_test(halted_means_silent), cmocka_unit_test(held_bots_stay_held),
    cmocka_unit_test(three_strikes_retire), cmocka_unit_test(retries_back_off_and_end), cmocka_unit_test(a_boot_goes_back_to_what_is_wanted),
    cmocka_unit_test(a_clock_that_goes_back_hides_no_change), cmocka_unit_test(words),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// Tenants' questions to processes that hang, end and say nonsense over some of them: who is asked where, who is to blame, and that everybody else gets
// the answer of an honest process. This program is that process, too: it does with a question what the signal says it shall.
#include "signal/rules_host.h"

#include "bot/host_word.h"
#include "loop/loop.h"
#include "signal/rules_child.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

// ---- the process

static void misbehave(struct host_word *word, const char *how, int64_t n, unsigned low) {
  host_word_set(word, (uint64_t)n << 8 | low);
  if (strcmp(how, "spin") == 0)
    for (volatile int i = 0;; i++) continue;
  if (strcmp(how, "exit") == 0) _exit(3);
  if (strcmp(how, "abort") == 0) abort();
  if (strcmp(how, "lie") == 0 && write(HOST_SOCKET_FD, "{\"n\":999999}\n", 13) > 0) pause();
  if (strcmp(how, "noise") == 0 && write(HOST_SOCKET_FD, "noise\n", 6) > 0) pause();
  if (strcmp(how, "killed") == 0) kill(getpid(), SIGKILL);
}

static int process(void) {
  struct rules_kept *k = rules_kept_create();
  struct host_word *word = NULL;
  struct err err;
  char *line = NULL;
  size_t cap = 0;
  FILE *in = fdopen(HOST_SOCKET_FD, "r");
  if (getenv("TZDIR") && strcmp(getenv("TZDIR"), "/never") == 0) return 1;  // one that cannot start
  if (!in || host_word_map(HOST_WORD_FD, &word, &err) != OK) return 1;
  for (ssize_t n; (n = getline(&line, &cap, in)) > 0;) {
    bool good;
    json_t *v = json_loads(line, 0, NULL), *signal = json_object_get(v, "signal");
    const char *how = json_string_value(json_object_get(signal, "how"));
    const json_t *what = json_object_get(v, "describe");
    // `once`: only where it is not apart, which it cannot know; so the first process to see the file's name makes it
    const char *once = json_string_value(json_object_get(signal, "once"));
    if (what && strstr(json_string_value(json_object_get(what, "source")), "HANG")) misbehave(word, "spin", json_integer_value(json_object_get(v, "n")), RULES_DESCRIBE_MARK);
    if (how && (!once || access(once, F_OK) != 0)) {
      FILE *f = once ? fopen(once, "w") : NULL;
      if (f) fclose(f);
      misbehave(word, how, json_integer_value(json_object_get(v, "n")), (unsigned)json_integer_value(json_object_get(signal, "stage")) + 1);
    }
    json_decref(v);
    char *text = rules_answer(k, line, (unsigned long)n, &good);
    if (text && (write(HOST_SOCKET_FD, text, strlen(text)) < 0 || write(HOST_SOCKET_FD, "\n", 1) < 0)) return 1;
    free(text);
  }
  return 0;
}

// ---- the service's side

static struct loop *loop;
static struct rules_host *host;
static char exe[4000], held_file[200];
static int held_count;
static char held_why[300];

struct said {
  bool there, accept, asked;
  char reason[300];
};

static void on_held(void *arg, const struct rules_held *what) {
  (void)arg;
  held_count++;
  snprintf(held_file, sizeof held_file, "%lld %s", (long long)what->tenant_id, what->file);
  snprintf(held_why, sizeof held_why, "%s", what->why);
}

static void on_answer(void *arg, bool accept, json_t *log, json_t *signal, const struct err *err) {
  struct said *s = arg;
  assert_false(s->there);
  s->there = true;
  s->accept = accept;
  s->asked = log && signal;
  const char *reason = json_string_value(json_object_get(json_array_get(log, json_array_size(log) - 1), "reason"));
  snprintf(s->reason, sizeof s->reason, "%s", !log ? err->msg : reason ? reason : "");
}

static int begin(void **state) {
  (void)state;
  struct err err;
  held_count = 0;
  unsetenv("TZDIR");
  const struct rules_host_options o = {.loop = loop, .exe = exe, .stage_cpu_ms = 60, .answer_ms = 60000, .patience_ms = 200, .apart_ms = 60000, .held = on_held};
  return rules_host_create(&o, &host, &err) == OK ? 0 : -1;
}
static int end(void **state) {
  (void)state;
  rules_host_destroy(host);
  for (int i = 0; i < 3; i++) loop_turn(loop, false);
  return 0;
}

// A turn that waits runs its timers first and then sleeps until something happens: where those were the last ones, for ever.
static void until(const struct said *s) {
  while (!s->there) {
    loop_turn(loop, false);
    (void)usleep(500);
  }
}

// Three stages of a tenant: the first and the last accept, the second is the tenant's own. signal: JSON with ' for ".
static void ask(int64_t tenant, const char *signal, struct said *ret) {
  static const char accepts[] = "rule{name=[[x]],api=1} function on_signal(s,env) return true end";
  char text[400], own_sha[20];
  struct err err;
  *ret = (struct said){0};
  snprintf(text, sizeof text, "%s", signal);
  for (char *p = text; *p; p++)
    if (*p == '\'') *p = '"';
  snprintf(own_sha, sizeof own_sha, "own%lld", (long long)tenant);
  json_t *v = json_loads(text, 0, NULL), *env = json_object();
  assert_non_null(v);
  struct rules_source *shared = rules_source_create(tenant, "shared.lua", "shared", accepts, strlen(accepts)), *own = rules_source_create(tenant, "own.lua", own_sha, accepts, strlen(accepts));
  const struct rules_stage stages[] = {{"first", shared, NULL}, {"second", own, NULL}, {"third", shared, NULL}};
  assert_int_equal(rules_host_ask(host, tenant, stages, 3, v, env, NULL, on_answer, ret, &err), OK);
  rules_source_free(shared);
  rules_source_free(own);
  json_decref(v);
  json_decref(env);
}

static void honest(void **state) {
  (void)state;
  struct said s[200];
  for (int i = 0; i < 200; i++) ask(1 + i % 7, "{'symbol':'A'}", &s[i]);
  for (int i = 0; i < 200; i++) {
    until(&s[i]);
    assert_true(s[i].accept);
  }
  assert_int_equal(rules_host_stats(host).died, 0);
  assert_int_equal(rules_host_stats(host).apart, 0);
  assert_int_equal(rules_host_stats(host).waiting, 0);
}

// The second stage of tenant 9 ruins two processes: its own business. Everybody else is asked and answered, before and after.
static void guilty(const char *how, const char *says) {
  char evil[60];
  struct said s[60], bad[3], other;
  snprintf(evil, sizeof evil, "{'how':'%s','stage':1}", how);
  for (int i = 0; i < 30; i++) ask(1 + i % 5, "{'symbol':'A'}", &s[i]);
  ask(9, evil, &bad[0]);
  for (int i = 30; i < 60; i++) ask(1 + i % 5, "{'symbol':'A'}", &s[i]);
  ask(9, evil, &bad[1]);
  for (int i = 0; i < 60; i++) {
    until(&s[i]);
    assert_true(s[i].accept);
  }
  assert_int_equal(rules_host_stats(host).apart > 0 || !bad[0].there, 1);
  for (int i = 0; i < 2; i++) {
    until(&bad[i]);
    assert_false(bad[i].accept);
    assert_false(bad[i].asked);
    if (!strstr(bad[i].reason, says) || !strstr(bad[i].reason, "quarantine")) fail_msg("%s: %s", how, bad[i].reason);
  }
  assert_int_equal(held_count, 1);
  assert_string_equal(held_file, "9 own.lua");
  assert_int_equal(rules_host_stats(host).died, 2);  // one that all share, one apart; the second question met the quarantine
  assert_string_equal(rules_host_held(host, 9, "own9"), held_why);
  assert_null(rules_host_held(host, 9, "shared"));
  assert_null(rules_host_held(host, 1, "own1"));
  ask(9, "{'symbol':'A'}", &bad[2]);  // whatever the signal
  until(&bad[2]);
  assert_false(bad[2].accept);
  ask(1, "{'symbol':'A'}", &other);
  until(&other);
  assert_true(other.accept);
  assert_int_equal(rules_host_stats(host).died, 2);
  rules_host_release(host, 9, "own9");
  ask(9, "{'symbol':'A'}", &bad[2]);
  until(&bad[2]);
  assert_true(bad[2].accept);
}
static void spins(void **state) { (void)state, guilty("spin", "hung"); }
static void exits(void **state) { (void)state, guilty("exit", "ended"); }
static void aborts(void **state) { (void)state, guilty("abort", "ended"); }
static void lies(void **state) { (void)state, guilty("lie", "no answer"); }
static void makes_noise(void **state) { (void)state, guilty("noise", "no answer"); }

// It ended over an honest question, once: the machine was it. The question is answered.
static void once(void **state) {
  (void)state;
  char name[100], evil[200];
  struct said s, other;
  snprintf(name, sizeof name, "/tmp/perigee-rules-once-%d", (int)getpid());
  snprintf(evil, sizeof evil, "{'how':'abort','stage':1,'once':'%s'}", name);
  ask(9, evil, &s);
  ask(1, "{}", &other);
  until(&s);
  until(&other);
  assert_true(s.accept && other.accept);
  assert_int_equal(held_count, 0);
  unlink(name);
}

// Whoever kills it with a signal of his own makes nobody guilty, however often.
static void killed_from_outside(void **state) {
  (void)state;
  for (int round = 0; round < 3; round++) {
    char name[100], evil[200];
    struct said s[20];
    snprintf(name, sizeof name, "/tmp/perigee-rules-kill-%d-%d", (int)getpid(), round);
    snprintf(evil, sizeof evil, "{'how':'killed','stage':1,'once':'%s'}", name);
    for (int i = 0; i < 20; i++) ask(1 + i % 3, i == 7 ? evil : "{}", &s[i]);
    for (int i = 0; i < 20; i++) {
      until(&s[i]);
      assert_true(s[i].accept);
    }
    unlink(name);
  }
  assert_int_equal(held_count, 0);
  assert_int_equal(rules_host_stats(host).died, 3);
  assert_int_equal(rules_host_stats(host).apart, 0);
}

static void cannot_be_started(void **state) {
  (void)state;
  struct said s[40];
  setenv("TZDIR", "/never", 1);
  for (int i = 0; i < 40; i++) ask(1 + i % 3, "{}", &s[i]);
  for (int i = 0; i < 40; i++) {
    until(&s[i]);
    assert_false(s[i].accept);
    assert_non_null(strstr(s[i].reason, "cannot be started"));
  }
  assert_int_equal(held_count, 0);
  unsetenv("TZDIR");
  ask(1, "{}", &s[0]);
  until(&s[0]);
  assert_true(s[0].accept);
}

static void describes(void **state) {
  (void)state;
  struct said s, other;
  struct err err;
  static const char good[] = "rule{name=[[x]],api=1} function on_signal(s,env) return true end", bad[] = "HANG";
  s = (struct said){0};
  assert_int_equal(rules_host_describe(host, 1, "a.lua", good, strlen(good), on_answer, &s, &err), OK);
  until(&s);
  assert_true(s.accept);
  s = (struct said){0};
  assert_int_equal(rules_host_describe(host, 9, "a.lua", bad, strlen(bad), on_answer, &s, &err), OK);
  ask(1, "{}", &other);
  until(&other);
  assert_true(other.accept);
  until(&s);
  assert_false(s.accept);
  assert_non_null(strstr(s.reason, "hung, twice"));
}

// A held rule of another run is held from the first question on, and only for its tenant.
static void remembers(void **state) {
  (void)state;
  struct said s;
  rules_host_hold(host, &(struct rules_held){2, "own2", "own.lua", "it is bad"});
  ask(2, "{}", &s);
  until(&s);
  assert_string_equal(s.reason, "it is bad");
  ask(3, "{}", &s);
  until(&s);
  assert_true(s.accept);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "host") == 0) return process();
  struct err err;
  const ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
  if (n < 0 || loop_create(&loop, NULL, &err) != OK) return 1;
  const struct CMUnitTest tests[] = {TEST(honest), TEST(spins), TEST(exits), TEST(aborts), TEST(lies), TEST(makes_noise), TEST(once), TEST(killed_from_outside), TEST(cannot_be_started), TEST(describes), TEST(remembers)};
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  loop_destroy(loop);
  return failed;
}

// The service's side of jobs: queues, turns, limits, and children that lie. The test's own binary plays the child: its
// "script" says what to do; what is a real script runs in the real jail.
#include "backtest/job.h"

#include "backtest/job_child.h"
#include "backtest/job_wire.h"
#include "backtest/json_valid.h"
#include "loop/clock.h"
#include "market/segment.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
// last: it redefines what the headers above declare
#include <cmocka.h>

// ---- the child's part

static void put(int type, const char *bytes, uint32_t len) {
  unsigned char head[JOB_FRAME_HEAD];
  job_frame_head(head, (enum job_frame)type, len);
  if (write(3, head, sizeof head) != sizeof head || write(3, bytes, len) != (ssize_t)len) _exit(9);
}

static int child(int argc, char **argv) {
  // the source without consuming it, for a real script reads the frames itself
  char peek[65536];
  size_t have = 0;
  ssize_t n = 0;
  for (int i = 0; i < 200 && have < 14; i++) {
    n = recv(3, peek, sizeof peek, MSG_PEEK);
    have = n > 0 ? (size_t)n : 0;
    if (have < 14) usleep(1000);
  }
  uint32_t request = (unsigned char)peek[0] | (uint32_t)(unsigned char)peek[1] << 8;
  const char *source = peek + 2 * JOB_FRAME_HEAD + request;
  for (int i = 0; i < 200 && have < 2 * JOB_FRAME_HEAD + request + 2; i++) {
    usleep(1000);
    n = recv(3, peek, sizeof peek - 1, MSG_PEEK);
    have = n > 0 ? (size_t)n : 0;
  }
  peek[have] = '\0';
  if (strncmp(source, "ok", 2) == 0) put(JOB_RESULT, "{\"x\":1}", 7);
  else if (strncmp(source, "lie", 3) == 0) put(JOB_RESULT, "{\"x\":1", 6);
  else if (strncmp(source, "big", 3) == 0) {
    char *text = malloc(300000);
    memset(text, 'x', 300000);
    memcpy(text, "{\"a\":\"", 6);
    memcpy(text + 299998, "\"}", 2);
    put(JOB_RESULT, text, 300000);
    free(text);
  } else if (strncmp(source, "progress", 8) == 0) {
    const char steps[] = {100, 50, (char)200, (char)255};
    for (int i = 0; i < 4; i++) put(JOB_PROGRESS, (const char[]){steps[i], 0, 0, 0}, 4);
    put(JOB_PROGRESS, (const char[]){0, 100, 0, 0}, 4);  // 25,600 thousandths
    put(JOB_RESULT, "{}", 2);
  } else if (strncmp(source, "error", 5) == 0) {
    static const char error[] = "{\"code\":\"script\",\"message\":\"a.lua:3: no\",\"line\":3,\"column\":7}";
    put(JOB_ERROR, error, sizeof error - 1);
  }
  else if (strncmp(source, "internal", 8) == 0) {
    static const char error[] = "{\"code\":\"internal\",\"message\":\"jail: seccomp\"}";
    put(JOB_ERROR, error, sizeof error - 1);
  } else if (strncmp(source, "memory", 6) == 0) {
    static const char error[] = "{\"code\":\"memory\",\"message\":\"out of memory\"}";
    put(JOB_ERROR, error, sizeof error - 1);
  } else if (strncmp(source, "badjson", 7) == 0) put(JOB_ERROR, "}{", 2);
  else if (strncmp(source, "nothing", 7) == 0) return 0;
  else if (strncmp(source, "exit", 4) == 0) return 7;
  else if (strncmp(source, "crash", 5) == 0) raise(SIGILL);
  else if (strncmp(source, "sleep", 5) == 0) sleep(60);
  else if (strncmp(source, "nap", 3) == 0) usleep(30000), put(JOB_RESULT, "{}", 2);
  else if (strncmp(source, "type", 4) == 0) put(99, "x", 1), sleep(60);
  else if (strncmp(source, "request", 7) == 0) put(JOB_REQUEST, "{}", 2), sleep(60);
  else if (strncmp(source, "huge", 4) == 0) {
    unsigned char head[JOB_FRAME_HEAD];
    job_frame_head(head, JOB_RESULT, UINT32_MAX);
    if (write(3, head, sizeof head) == sizeof head) sleep(60);
  } else if (strncmp(source, "twice", 5) == 0) put(JOB_RESULT, "{}", 2), put(JOB_RESULT, "{}", 2), sleep(60);
  else if (strncmp(source, "flood", 5) == 0) for (;;) put(JOB_PROGRESS, "\1\0\0\0", 4);
  else if (strncmp(source, "fds", 3) == 0) {
    char text[100] = "", more[100];
    for (int fd = 3; fd < 64; fd++)
      if (lseek(fd, 0, SEEK_CUR) >= 0 || fd == 3) {
        char byte = fd == 3 ? '#' : '?';
        if (fd > 3 && pread(fd, &byte, 1, 0) != 1) byte = '!';
        snprintf(more, sizeof more, "%s%d%c", text, fd, byte);
        strcpy(text, more);
      }
    snprintf(more, sizeof more, "{\"fds\":\"%.60s\"}", text);
    put(JOB_RESULT, more, (uint32_t)strlen(more));
  } else if (strncmp(source, "strategy", 8) == 0) {
    signal(SIGILL, SIG_DFL);
    int64_t cpu_s = 0, memory = 0, result = 0, data = 0;
    for (int i = 0; i + 1 < argc; i++) {
      if (strcmp(argv[i], "--cpu-s") == 0) cpu_s = atoll(argv[i + 1]);
      if (strcmp(argv[i], "--memory-bytes") == 0) memory = atoll(argv[i + 1]);
      if (strcmp(argv[i], "--data-count") == 0) data = atoll(argv[i + 1]);
      if (strcmp(argv[i], "--result-bytes") == 0) result = atoll(argv[i + 1]);
    }
    return job_child_run(&(struct job_child_options){.socket = 3, .data_count = (int)data, .cpu_s = cpu_s, .address_bytes = (uint64_t)memory, .result_bytes = (uint64_t)result, .engine_version = "test"});
  }
  return 0;
}

// ---- the parent's

static struct loop *loop;
static struct job_runner *runner;
static char exe[4096];
static char order[64];  // names of started jobs
static int open_jobs;

struct note {
  char name;
  struct job *job;
  bool started, ended;
  struct job_outcome o;
  char text[4096];
  unsigned permilles[16], progress_count;
};

static void on_start(void *arg) {
  struct note *n = arg;
  n->started = true;
  order[strlen(order)] = n->name;
}
static void on_progress(void *arg, unsigned permille) {
  struct note *n = arg;
  if (n->progress_count < 16) n->permilles[n->progress_count++] = permille;
}
static void on_end(void *arg, const struct job_outcome *o) {
  struct note *n = arg;
  assert_false(n->ended);
  n->ended = true;
  n->o = *o;
  if (o->text) snprintf(n->text, sizeof n->text, "%.*s", (int)o->len, o->text);
  n->o.text = o->text ? n->text : NULL;
  open_jobs--;
}

static void submit_with(struct note *n, struct job_request q) {
  struct err err;
  *n = (struct note){.name = n->name};
  if (!q.request) q.request = "{}";
  q.request_len = strlen(q.request);
  q.source_len = strlen(q.source);
  q.on_start = on_start;
  q.on_progress = on_progress;
  q.on_end = on_end;
  q.arg = n;
  if (job_submit(runner, &q, &n->job, &err) != OK) fail_msg("%s", err.msg);
  open_jobs++;

}
static void submit(struct note *n, int64_t tenant, unsigned parallel, const char *source) {
  submit_with(n, (struct job_request){.tenant = tenant, .tenant_parallel = parallel, .source = source});
}

static void run_all(void) {
  int64_t begin_ns = clock_monotonic_ns();
  while (open_jobs > 0) {
    loop_turn(loop, true);
    assert_true(clock_monotonic_ns() - begin_ns < INT64_C(60000000000));
  }
}

static void set_up_with(unsigned parallel, unsigned queue, unsigned tenant_queue) {
  struct err err;
  order[0] = '\0';
  memset(order, 0, sizeof order);
  open_jobs = 0;
  assert_int_equal(loop_create(&loop, NULL, &err), OK);
  assert_int_equal(job_runner_create(loop, &(struct job_runner_options){.exe = exe, .parallel = parallel, .queue_max = queue, .tenant_queue_max = tenant_queue, .stderr_fd = -1}, &runner, &err), OK);
}
static int set_up(void **state) {
  (void)state;
  set_up_with(2, 0, 0);
  return 0;
}
static int tear_down(void **state) {
  (void)state;
  job_runner_destroy(runner);
  loop_destroy(loop);
  return 0;
}

static void how_jobs_end(void **state) {
  (void)state;
  static const struct {
    const char *source;
    enum job_end end;
    const char *reason, *detail;
  } cases[] = {
      {"ok", JOB_DONE, "", ""}, {"error", JOB_FAILED, "a.lua:3: no", ""}, {"badjson", JOB_CRASHED, "our fault", "error frame"}, {"nothing", JOB_CRASHED, "our fault", "without a result"},
      {"exit", JOB_CRASHED, "our fault", "exit code 7"}, {"crash", JOB_CRASHED, "our fault", "signal 4"}, {"type", JOB_CRASHED, "our fault", "type 99"}, {"request", JOB_CRASHED, "our fault", "only we"},
      {"internal", JOB_CRASHED, "our fault", "jail: seccomp"}, {"memory", JOB_OVER_MEMORY, "1024 MiB", ""}, {"lie", JOB_CRASHED, "our fault", "no JSON object"}, {"huge", JOB_CRASHED, "our fault", "4294967295"}, {"twice", JOB_CRASHED, "our fault", "after the last"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct note n = {.name = 'a'};
    submit(&n, 1, 1, cases[i].source);
    assert_false(n.started);
    run_all();
    if (n.o.end != cases[i].end) fail_msg("%s: %s %s %s", cases[i].source, job_end_text(n.o.end), n.o.reason, n.o.detail);
    if (!strstr(n.o.reason, cases[i].reason) || !strstr(n.o.detail, cases[i].detail)) fail_msg("%s: %s / %s", cases[i].source, n.o.reason, n.o.detail);
    if (cases[i].end == JOB_DONE) assert_string_equal(n.o.text, "{\"x\":1}");
    else assert_null(n.o.text);
    if (cases[i].end == JOB_FAILED) {
      assert_string_equal(n.o.code, "script");
      assert_int_equal(n.o.line, 3);
      assert_int_equal(n.o.column, 7);
    }
  }
}

static void results_are_checked(void **state) {
  (void)state;
  static const char *const good[] = {"{}", " {\"a\" : [ ] , \"b\":{\"c\":[1,-0.5e+7,0,\"\\u00e9\\n\",true,false,null,[[],{}]]} }\n", "{\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\":\"\xed\x9f\xbf\"}"};
  static const char *const bad[] = {"", " ", "[]", "1", "{", "}", "{}}", "{} {}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{a:1}", "{\"a\":01}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":+1}", "{\"a\":1e}", "{\"a\":-}",
                                    "{\"a\":tru}", "{\"a\":[1,]}", "{\"a\":[1 2]}", "{\"a\":[}", "{\"a\":\"\x01\"}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12g4\"}", "{\"a\":\"\xc0\xaf\"}", "{\"a\":\"\xed\xa0\x80\"}",
                                    "{\"a\":\"\xf4\x90\x80\x80\"}", "{\"a\":\"\xff\"}", "{\"a\":\"\xe2\x82\"}", "{\"a\":\"", "{\"a\":NaN}", "{\"a\" 1}", "{\"a\":1]"};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    if (!json_valid_object(good[i], strlen(good[i]))) fail_msg("good: %s", good[i]);
    for (size_t n = 0; n + 2 < strlen(good[i]); n++) {  // none of its beginnings is whole
      char *cut = malloc(n + 1);
      memcpy(cut, good[i], n);
      assert_false(json_valid_object(cut, n));
      free(cut);
    }
  }
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    if (json_valid_object(bad[i], strlen(bad[i]))) fail_msg("bad: %s", bad[i]);
  char deep[200] = "{\"a\":";
  for (int depth = 1; depth < 60; depth++) {
    memset(deep + 5, '[', (size_t)depth);
    memset(deep + 5 + depth, ']', (size_t)depth);
    deep[5 + 2 * depth] = '}';
    assert_int_equal(json_valid_object(deep, (size_t)(6 + 2 * depth)), depth < JSON_VALID_DEPTH_MAX);
  }
  struct note n = {.name = 'a'};
  submit(&n, 1, 1, "big");
  run_all();
  assert_int_equal(n.o.end, JOB_DONE);
  assert_int_equal(n.o.len, 300000);
}

static void progress_rises(void **state) {
  (void)state;
  struct note n = {.name = 'a'};
  submit(&n, 1, 1, "progress");
  run_all();
  assert_int_equal(n.o.end, JOB_DONE);
  assert_int_equal(n.progress_count, 3);
  assert_int_equal(n.permilles[0], 100);
  assert_int_equal(n.permilles[1], 200);
  assert_int_equal(n.permilles[2], 255);
}

static void limits_and_cancelling(void **state) {
  (void)state;
  struct note slow = {.name = 'a'}, running = {.name = 'b'}, waiting = {.name = 'c'}, flood = {.name = 'd'};
  submit_with(&slow, (struct job_request){.tenant = 1, .source = "sleep", .limits.wall_ms = 150});
  submit(&running, 2, 1, "sleep");
  submit(&waiting, 2, 1, "ok");
  submit_with(&flood, (struct job_request){.tenant = 3, .source = "flood", .limits.wall_ms = 1000});
  while (!running.started) loop_turn(loop, true);
  assert_int_equal(job_position(running.job), 0);
  job_cancel(waiting.job);
  job_cancel(waiting.job);  // again is nothing
  assert_false(waiting.ended);
  job_cancel(running.job);
  run_all();
  assert_int_equal(slow.o.end, JOB_OVER_WALL);
  assert_in_range(slow.o.ran_ms, 100, 5000);
  assert_int_equal(running.o.end, JOB_CANCELLED);
  assert_int_equal(waiting.o.end, JOB_CANCELLED);
  assert_false(waiting.started);
  assert_int_equal(flood.o.end, JOB_OVER_WALL);
  assert_int_equal(flood.progress_count, 1);
}

// Tenant 1 hands in five before tenant 2 comes with two and tenant 3 with one: they take turns.
static void turns_are_fair(void **state) {
  (void)state;
  job_runner_destroy(runner);
  loop_destroy(loop);
  set_up_with(1, 0, 0);
  struct note n[8];
  static const char names[] = "AAAAABBC";
  for (int i = 0; i < 8; i++) {
    n[i].name = (char)(i < 5 ? 'a' + i : i < 7 ? 'A' + i - 5 : '1');
    submit(&n[i], names[i], 5, "nap");
  }
  assert_int_equal(job_position(n[4].job), 4);
  assert_int_equal(job_runner_stats(runner).waiting, 8);
  run_all();
  assert_string_equal(order, "aA1bBcde");
  assert_int_equal(job_runner_stats(runner).ended, 8);
}

static void one_tenant_does_not_take_all(void **state) {
  (void)state;
  struct note n[3] = {{.name = 'a'}, {.name = 'b'}, {.name = 'c'}};
  submit(&n[0], 1, 1, "nap");
  submit(&n[1], 1, 1, "nap");  // its tenant may run one at a time
  submit(&n[2], 2, 1, "ok");
  while (!n[0].started || !n[2].started) loop_turn(loop, true);
  assert_false(n[1].started);
  run_all();
  assert_string_equal(order, "acb");
}

static void queues_are_bounded(void **state) {
  (void)state;
  job_runner_destroy(runner);
  loop_destroy(loop);
  set_up_with(1, 4, 2);
  struct err err;
  struct note n[4];
  struct job *j;
  for (int i = 0; i < 4; i++) {
    n[i].name = (char)('a' + i);
    submit(&n[i], 1 + i / 2, 1, "ok");
  }
  struct job_request q = {.tenant = 1, .request = "{}", .request_len = 2, .source = "ok", .source_len = 2, .on_end = on_end};
  assert_int_equal(job_submit(runner, &q, &j, &err), ERR_LIMIT);
  q.tenant = 3;
  assert_int_equal(job_submit(runner, &q, &j, &err), ERR_LIMIT);
  assert_non_null(strstr(err.msg, "full"));
  q.source_len = (size_t)2 << 20;
  assert_int_equal(job_submit(runner, &q, &j, &err), ERR_INVALID);
  run_all();
}

static enum status give_data(void *arg, int *ret_fds, unsigned *ret_count, struct err *err) {
  (void)arg;
  enum status st = job_memfd("a", "A", 1, &ret_fds[0], err);
  if (st == OK) st = job_memfd("b", "B", 1, &ret_fds[1], err);
  *ret_count = 2;
  return st;
}
static enum status give_none(void *arg, int *ret_fds, unsigned *ret_count, struct err *err) {
  (void)arg;
  (void)ret_fds;
  (void)ret_count;
  return err_set(err, ERR_NOTFOUND, "no such bars");
}

static void data_are_passed(void **state) {
  (void)state;
  struct note n = {.name = 'a'}, none = {.name = 'b'};
  submit_with(&n, (struct job_request){.tenant = 1, .source = "fds", .open_data = give_data});
  submit_with(&none, (struct job_request){.tenant = 2, .source = "fds", .open_data = give_none});
  run_all();
  assert_string_equal(n.o.text, "{\"fds\":\"3#4A5B\"}");
  assert_int_equal(none.o.end, JOB_FAILED);
  assert_string_equal(none.o.reason, "no such bars");
  assert_false(none.started);
}

static enum status give_slowly(void *arg, int *ret_fds, unsigned *ret_count, struct err *err) {
  usleep(50000);
  return give_data(arg, ret_fds, ret_count, err);
}

// Gathering data does not hold up the loop; a job cancelled meanwhile never starts.
static void data_from_the_pool(void **state) {
  (void)state;
  struct note n = {.name = 'a'}, cancelled = {.name = 'b'}, last = {.name = 'c'};
  submit_with(&n, (struct job_request){.tenant = 1, .source = "fds", .load_data = give_slowly});
  submit_with(&cancelled, (struct job_request){.tenant = 2, .source = "fds", .load_data = give_slowly});
  loop_turn(loop, false);
  while (job_runner_stats(runner).running < 2) loop_turn(loop, true);
  assert_false(n.started);
  job_cancel(cancelled.job);
  run_all();
  assert_string_equal(n.o.text, "{\"fds\":\"3#4A5B\"}");
  assert_false(cancelled.started);
  assert_int_equal(cancelled.o.end, JOB_CANCELLED);
  submit_with(&last, (struct job_request){.tenant = 1, .source = "fds", .load_data = give_slowly});
  while (job_runner_stats(runner).running < 1) loop_turn(loop, true);
  job_runner_destroy(runner);  // while it loads
  runner = NULL;
  assert_int_equal(last.o.end, JOB_CANCELLED);
}

static void destroying_ends_all(void **state) {
  (void)state;
  struct note n[4];
  for (int i = 0; i < 4; i++) {
    n[i].name = (char)('a' + i);
    submit(&n[i], i % 2, 2, "sleep");
  }
  loop_turn(loop, true);
  job_runner_destroy(runner);
  runner = NULL;
  for (int i = 0; i < 4; i++) {
    assert_true(n[i].ended);
    assert_int_equal(n[i].o.end, JOB_CANCELLED);
  }
}

static void real_scripts_in_the_jail(void **state) {
  (void)state;
  struct note v = {.name = 'a'}, bad = {.name = 'b'}, over = {.name = 'c'};
  static const char verdict[] = "{\"kind\":\"verdict\",\"name\":\"s.lua\"}";
  submit_with(&v, (struct job_request){.tenant = 1, .request = verdict, .source = "strategy{ name=\"s\", api=1, ind={ f={\"sma\",5} } }\n"
                                       "function on_bar(ctx, bar) if bar.close > ctx.ind.f[0] then ctx:target{pct=50} else ctx:target{pct=0} end end"});
  submit_with(&bad, (struct job_request){.tenant = 2, .request = "{\"kind\":\"nonsense\"}", .source = "strategy{}"});
  submit_with(&over, (struct job_request){.tenant = 3, .request = verdict, .limits.cpu_s = 1,
                                          .source = "strategy{ name=\"s\", api=1 }\nfunction on_bar() for i = 1, 300000 do end end"});
  run_all();
  if (v.o.end != JOB_DONE) fail_msg("%s: %s %s", job_end_text(v.o.end), v.o.reason, v.o.detail);
  assert_non_null(strstr(v.text, "\"verdict\":\"pass\""));
  assert_int_equal(bad.o.end, JOB_FAILED);
  assert_non_null(strstr(bad.o.reason, "/kind"));
  if (over.o.end != JOB_OVER_CPU) fail_msg("%s: %s %s", job_end_text(over.o.end), over.o.reason, over.o.detail);
  assert_non_null(strstr(over.o.reason, "1 seconds of computing time"));
}

// Two packed series of one symbol, as the database hands them on.
static enum status give_bars(void *arg, int *ret_fds, unsigned *ret_count, struct err *err) {
  (void)arg;
  for (int k = 0; k < 2; k++) {
    struct series s = {.timeframe_ns = k ? NS_PER_DAY : 60 * NS_PER_MINUTE, .inst = {.symbol = "TEST", .tick = {1, 2}, .lot = {1, 3}, .multiplier = {1, 0}}};
    enum status st = instrument_finish(&s.inst, err);
    for (int i = 0; st == OK && i < (k ? 100 : 2400); i++) {
      int64_t px = 10000 + i * 37 % 400 + (k ? 0 : i % 24);
      struct bar b = {.open_ns = INT64_C(1600041600) * NS_PER_S + i * s.timeframe_ns, .open = {px}, .high = {px + 50}, .low = {px - 50}, .close = {px + i % 11 - 5}, .volume = -1};
      st = series_append(&s, &b, err);
    }
    struct buf packed;
    buf_init(&packed, 1 << 20);
    if (st == OK) st = series_pack(&s, &packed, err);
    if (st == OK) st = job_memfd("bars", packed.data, packed.len, &ret_fds[k], err);
    buf_finish(&packed);
    series_finish(&s);
    if (st != OK) return st;
  }
  *ret_count = 2;
  return OK;
}

static void packed_bars_reach_the_jail(void **state) {
  (void)state;
  struct note n = {.name = 'a'}, missing = {.name = 'b'};
  static const char source[] = "strategy{ name=\"s\", api=1, data={ main={tf=\"1h\"}, d={tf=\"1d\"} }, ind={ f={\"sma\",5}, d={\"sma\",3,on=\"d\"} } }\n"
                               "function on_bar(ctx) if ctx.ind.f[0] > ctx.ind.d[0] then ctx:target{pct=50} else ctx:target{pct=0} end end";
  submit_with(&n, (struct job_request){.tenant = 1, .source = source, .load_data = give_bars,
                                       .request = "{\"config\":{\"from_ms\":1602000000000,\"min_notional\":\"5\"},\"data\":[{\"format\":\"bars\"},{\"stream\":\"d\",\"format\":\"bars\"}]}"});
  submit_with(&missing, (struct job_request){.tenant = 2, .source = source, .load_data = give_bars, .request = "{\"data\":[{\"format\":\"bars\"}]}"});
  run_all();
  if (n.o.end != JOB_DONE) fail_msg("%s: %s %s", job_end_text(n.o.end), n.o.reason, n.o.detail);
  assert_non_null(strstr(n.text, "{\"stream\":\"main\",\"symbol\":\"TEST\",\"timeframe\":\"1h\",\"bars\":2400,"));
  assert_non_null(strstr(n.text, "{\"stream\":\"d\",\"symbol\":\"TEST\",\"timeframe\":\"1d\",\"bars\":100,"));
  assert_null(strstr(n.text, "\"trades\":0,"));
  assert_int_equal(missing.o.end, JOB_FAILED);
  assert_non_null(strstr(missing.o.reason, "1 entries for 2 descriptors"));
}

// ---- frames in pieces

static void frames_in_pieces(void **state) {
  (void)state;
  unsigned char stream[64];
  job_frame_head(stream, JOB_RESULT, 5);
  memcpy(stream + 5, "hello", 5);
  job_frame_head(stream + 10, JOB_RESULT, 0);
  job_frame_head(stream + 15, JOB_PROGRESS, 4);
  memcpy(stream + 20, "\1\2\3\4", 4);
  for (size_t step = 1; step <= 24; step++) {
    struct job_reader r;
    struct err err;
    int frames = 0;
    job_reader_init(&r, 100000);
    for (size_t at = 0; at < 24; at += step) {
      const unsigned char *p = stream + at;
      for (size_t left = step < 24 - at ? step : 24 - at; left > 0;) {
        bool whole;
        assert_int_equal(job_reader_take(&r, &p, &left, &whole, &err), OK);
        if (!whole) continue;
        static const size_t lengths[] = {5, 0, 4};
        assert_int_equal(r.payload.len, lengths[frames++]);
      }
    }
    assert_int_equal(frames, 3);
    job_reader_finish(&r);
  }
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "host") == 0) return child(argc, argv);
  close_range(3, ~0u, 0);  // what the test's own starter left open would pass for a leak
  ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
  if (n <= 0) return 1;
  setrlimit(RLIMIT_CORE, &(struct rlimit){0});
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(frames_in_pieces), T(how_jobs_end), T(results_are_checked), T(progress_rises), T(limits_and_cancelling), T(turns_are_fair), T(one_tenant_does_not_take_all),
      T(queues_are_bounded), T(data_are_passed), T(data_from_the_pool), T(destroying_ends_all), T(real_scripts_in_the_jail), T(packed_bars_reach_the_jail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

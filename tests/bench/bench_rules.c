// tests/bench/bench_rules.c – what a stage of rules costs: bench_rules RULE.lua… [ROUNDS]. Each file is one stage with its default settings; a signal passes all of them with
// fifty accepted before it, as in the process that asks rules (signal/rules_child), and as that process sees it, a line in and a line out.
#include "base/buf.h"
#include "loop/clock.h"
#include "signal/rules_child.h"
#include "signal/stages.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX 16

static json_t *env_of(int accepted) {
  json_t *list = json_array();
  for (int i = 0; i < accepted; i++) {
    char symbol[20];
    snprintf(symbol, sizeof symbol, "SYM%dUSDT", i % 7);
    json_array_append_new(list, json_pack("{s:I, s:s, s:s, s:s, s:s}", "received_ms", (json_int_t)(1774854000000 - i * 1000), "symbol", symbol, "action", "sell", "key", "k", "source", "tv"));
  }
  char *text = json_dumps(list, JSON_COMPACT);
  json_decref(list);
  json_t *env = json_pack("{s:I, s:s, s:s, s:i}", "now_ms", (json_int_t)1774854000000, "hook", "hok_0SA5HSMG40000", "accepted", text, "today", accepted / 10);
  free(text);
  return env;
}

// *ret_ran: how many stages a signal went through; the first refusal ends it.
static double stages_us(const struct stage *stages, size_t count, const json_t *signal, int accepted, int rounds, size_t *ret_ran) {
  json_t *env = env_of(accepted);
  const int64_t began_ns = clock_thread_cpu_ns();
  for (int i = 0; i < rounds; i++) {
    bool accept;
    json_t *s = json_copy((json_t *)signal);
    json_t *log = stages_run(stages, count, s, env, NULL, NULL, &accept);
    *ret_ran = json_array_size(log);
    json_decref(log);
    json_decref(s);
  }
  json_decref(env);
  return (double)(clock_thread_cpu_ns() - began_ns) / 1e3 / rounds;
}

static double lines_us(struct rules_kept *k, size_t count, const json_t *signal, int accepted, int rounds) {
  json_t *list = json_array(), *env = env_of(accepted);
  for (size_t i = 0; i < count; i++) {
    char name[20];
    snprintf(name, sizeof name, "s%zu", i);
    json_array_append_new(list, json_pack("{s:s, s:s}", "name", name, "key", name));
  }
  json_t *q = json_pack("{s:i, s:O, s:o, s:o}", "n", 1, "signal", signal, "env", env, "stages", list);
  char *past = strdup(json_string_value(json_object_get(env, "accepted")));
  json_object_del(env, "accepted");
  char *text = json_dumps(q, JSON_COMPACT);
  text = realloc(text, strlen(text) + strlen(past) + 2);
  strcat(strcat(text, "\t"), past);
  free(past);
  const size_t len = strlen(text);
  const int64_t began_ns = clock_thread_cpu_ns();
  for (int i = 0; i < rounds; i++) {
    bool good;
    char *answer = rules_answer(k, text, len, &good);
    if (!answer) abort();
    free(answer);
  }
  const double us = (double)(clock_thread_cpu_ns() - began_ns) / 1e3 / rounds;
  free(text);
  json_decref(q);
  return us;
}

int main(int argc, char **argv) {
  struct stage stages[FILES_MAX];
  struct rules_kept *k = rules_kept_create();
  struct err err;
  size_t count = 0;
  int rounds = 5000;
  for (int i = 1; i < argc && count < FILES_MAX; i++) {
    struct buf source;
    struct rule *rule;
    char name[20];
    bool good;
    if (!strchr(argv[i], '.')) {
      rounds = atoi(argv[i]);
      continue;
    }
    buf_init(&source, 65536);
    if (buf_read_file(&source, argv[i], &err) != OK || rule_create(argv[i], source.data, source.len, NULL, &rule, &err) != OK) return fprintf(stderr, "%s\n", err.msg), 1;
    snprintf(name, sizeof name, "s%zu", count);
    json_t *line = json_pack("{s:{s:s, s:s, s:s}}", "tell", "key", name, "file", argv[i], "source", source.data);
    char *text = json_dumps(line, 0);
    free(rules_answer(k, text, strlen(text), &good));
    free(text);
    json_decref(line);
    buf_finish(&source);
    stages[count++] = (struct stage){strdup(name), rule, NULL};
  }
  if (!count) return fprintf(stderr, "usage: bench_rules RULE.lua… [ROUNDS]\n"), 2;
  json_t *signal = json_pack("{s:s, s:s, s:f, s:f, s:f, s:f, s:s}", "symbol", "BTCUSDT", "action", "buy", "size", 0.01, "price", 43000.0, "sl", 42000.0, "tp", 46000.0, "raw",
    "{\"ticker\":\"BTCUSDT\",\"action\":\"buy\",\"size\":0.01,\"price\":43000,\"sl\":42000,\"tp\":46000}");
  for (int accepted = 0; accepted <= 50; accepted += 50) {
    size_t ran;
    (void)stages_us(stages, count, signal, accepted, 200, &ran);
    for (size_t i = 0; i < count; i++) printf("%2d accepted: %-32s %6.1f us\n", accepted, argv[i + 1], stages_us(&stages[i], 1, signal, accepted, rounds, &ran));
    const double all = stages_us(stages, count, signal, accepted, rounds, &ran), lines = lines_us(k, count, signal, accepted, rounds);
    printf("%2d accepted: %zu of %zu stages, the last refusing or the end: %.1f us, a stage %.1f us; a question, read and answered, %.1f us\n", accepted, ran, count, all, all / (double)ran, lines);
  }
  return 0;
}

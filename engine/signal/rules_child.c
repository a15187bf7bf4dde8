// signal/rules_child.c – see rules_child.h.
#include "signal/rules_child.h"

#include "base/buf.h"
#include "base/json.h"
#include "bot/host_word.h"
#include "bot/jail.h"
#include "loop/clock.h"
#include "loop/watchdog.h"
#include "market/tz_files.h"
#include "script/profile.h"
#include "signal/stages.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY_SIZE 96
#define BUCKETS 1024

struct kept {
  char key[KEY_SIZE];  // "": free
  char file[128];
  char *source;        // until it is first asked
  size_t len;
  struct rule *rule;   // NULL: not loaded, or does not load
  char error[300];     // "": it loads, as far as is known
  uint64_t used;
  struct kept *next;   // of its bucket
};
struct rules_kept {
  struct watchdog *dog;
  struct host_word *word;
  uint64_t clock;
  int64_t n;           // of the question under way
  struct kept list[RULES_KEPT], *buckets[BUCKETS];
};

struct rules_kept *rules_kept_create(void) { return calloc(1, sizeof(struct rules_kept)); }

static struct kept **bucket_of(struct rules_kept *k, const char *key) {
  uint64_t h = UINT64_C(14695981039346656037);
  for (const char *p = key; *p; p++) h = (h ^ (unsigned char)*p) * UINT64_C(1099511628211);
  return &k->buckets[h % BUCKETS];
}

static struct kept *find(struct rules_kept *k, const char *key) {
  for (struct kept *e = key ? *bucket_of(k, key) : NULL; e; e = e->next)
    if (strcmp(e->key, key) == 0) return e->used = ++k->clock, e;
  return NULL;
}

static void forget(struct rules_kept *k, struct kept *e) {
  if (!e || !e->key[0]) return;
  struct kept **at = bucket_of(k, e->key);
  while (*at != e) at = &(*at)->next;
  *at = e->next;
  rule_destroy(e->rule);
  free(e->source);
  *e = (struct kept){0};
}

void rules_kept_destroy(struct rules_kept *k) {
  for (int i = 0; k && i < RULES_KEPT; i++) forget(k, &k->list[i]);
  free(k);
}

static bool tell(struct rules_kept *k, const json_t *what) {
  const char *key = json_string_value(json_object_get(what, "key")), *file = json_string_value(json_object_get(what, "file"));
  const json_t *source = json_object_get(what, "source");
  if (!key || !key[0] || strlen(key) >= KEY_SIZE || !file || !json_is_string(source)) return false;
  if (find(k, key)) return true;
  struct kept *e = &k->list[0];
  for (struct kept *other = k->list; other < k->list + RULES_KEPT && e->key[0]; other++)
    if (other->used < e->used) e = other;
  forget(k, e);
  e->len = json_string_length(source);
  e->source = malloc(e->len + 1);
  if (!e->source) return false;
  memcpy(e->source, json_string_value(source), e->len + 1);
  snprintf(e->key, sizeof e->key, "%s", key);
  snprintf(e->file, sizeof e->file, "%s", file);
  e->used = ++k->clock;
  struct kept **at = bucket_of(k, key);
  e->next = *at;
  *at = e;
  return true;
}

static void mark(struct rules_kept *k, unsigned low) { host_word_set(k->word, low ? (uint64_t)k->n << 8 | low : 0); }

// A rule is evaluated when it is first asked: should that be the process's end, it is known whose question it was.
static bool loaded(struct rules_kept *k, struct kept *e) {
  struct err err;
  if (e->rule || e->error[0]) return e->rule != NULL;
  if (rule_create(e->file, e->source, e->len, k->dog, &e->rule, &err) != OK) {
    e->rule = NULL;
    snprintf(e->error, sizeof e->error, "%.299s", err.msg);
  }
  free(e->source);
  e->source = NULL;
  return e->rule != NULL;
}

static json_t *refused_unloaded(const char *name, const char *error) {
  return json_pack("[{s:s, s:b, s:s, s:s}]", "stage", name, "accept", 0, "reason", "the rule does not load", "error", error);
}

static void begins(void *arg, size_t stage) { mark(arg, (unsigned)stage + 1); }

static json_t *ask(struct rules_kept *k, json_t *question) {
  struct stage stages[STAGES_MAX];
  json_t *list = json_object_get(question, "stages"), *signal = json_object_get(question, "signal"), *env = json_object_get(question, "env");
  json_t *n = json_object_get(question, "n");
  const size_t count = json_array_size(list);
  if (!json_is_integer(n) || !json_is_object(signal) || !json_is_object(env) || count > STAGES_MAX) return NULL;
  for (size_t i = 0; i < count; i++) {
    const json_t *s = json_array_get(list, i);
    const char *name = json_string_value(json_object_get(s, "name"));
    struct kept *e = find(k, json_string_value(json_object_get(s, "key")));
    if (!e || !name) return json_pack("{s:O, s:b}", "n", n, "missing", 1);
    mark(k, (unsigned)i + 1);
    if (!loaded(k, e)) return json_pack("{s:O, s:b, s:o, s:O, s:i}", "n", n, "accept", 0, "log", refused_unloaded(name, e->error), "signal", signal, "us", 0);
    stages[i] = (struct stage){name, e->rule, json_object_get(s, "settings")};
  }
  bool accept;
  const int64_t began_ns = clock_thread_cpu_ns();
  json_t *log = stages_run(stages, count, signal, env, begins, k, &accept);
  json_t *answer = json_pack("{s:O, s:b, s:o, s:O, s:I}", "n", n, "accept", accept, "log", log, "signal", signal, "us", (json_int_t)((clock_thread_cpu_ns() - began_ns) / 1000));
  const size_t last = json_array_size(log);
  if (answer && !accept && last && rule_is_worn(stages[last - 1].rule)) json_object_set_new(answer, "worn", json_integer((json_int_t)last - 1));
  return answer;
}

static json_t *describe(struct rules_kept *k, json_t *n, const json_t *what) {
  const char *file = json_string_value(json_object_get(what, "file"));
  const json_t *source = json_object_get(what, "source");
  struct profile_spec spec;
  struct err err;
  if (!json_is_integer(n) || !file || !json_is_string(source)) return NULL;
  mark(k, RULES_DESCRIBE_MARK);
  if (profile_describe(SCRIPT_RULE, file, json_string_value(source), json_string_length(source), k->dog, &spec, &err) != OK)
    return json_pack("{s:O, s:b, s:[{s:s, s:b, s:s, s:s}], s:{}}", "n", n, "accept", 0, "log", "stage", file, "accept", 0, "reason", "the rule does not load", "error", err.msg, "signal");
  json_t *answer = json_pack("{s:O, s:b, s:[], s:o}", "n", n, "accept", 1, "log", "signal", profile_json(&spec));
  profile_spec_finish(&spec);
  return answer;
}

// What is behind the tab, into env, as it is: who looks at it reads it.
static void take_accepted(json_t *question, const char *text, size_t len) {
  if (text) json_object_set_new(json_object_get(question, "env"), "accepted", json_stringn_nocheck(text, len));
}

char *rules_answer(struct rules_kept *k, const char *line, unsigned long len, bool *ret_good) {
  const char *tab = memchr(line, '\t', len);
  json_t *question = json_loadb(line, tab ? (size_t)(tab - line) : len, 0, NULL), *what = json_object_get(question, "describe"), *told = json_object_get(question, "tell"), *answer = NULL;
  const char *drop = json_string_value(json_object_get(question, "drop"));
  *ret_good = false;
  take_accepted(question, tab ? tab + 1 : NULL, tab ? len - (size_t)(tab + 1 - line) : 0);
  k->n = json_integer_value(json_object_get(question, "n"));
  if (told) *ret_good = tell(k, told);
  else if (drop) forget(k, find(k, drop)), *ret_good = true;
  else if (question) answer = what ? describe(k, json_object_get(question, "n"), what) : ask(k, question);
  mark(k, 0);
  char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
  if (text) *ret_good = true;
  json_decref(question);
  json_decref(answer);
  return text;
}

// ---- the process

static bool send_all(int fd, const char *p, size_t len) {
  while (len > 0) {
    const ssize_t n = write(fd, p, len);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    p += n;
    len -= (size_t)n;
  }
  return true;
}

static bool answer_line(struct rules_kept *k, struct buf *out, const char *line, size_t len) {
  bool good;
  char *text = rules_answer(k, line, len, &good);
  if (text) {
    buf_str(out, text);
    buf_add(out, "\n", 1);
  }
  free(text);
  return good && !out->failed;
}

// Answers to all that came with one read go out together.
static int serve(int fd, struct rules_kept *k) {
  struct buf in, out;
  char bytes[65536];
  buf_init(&in, RULES_LINE_MAX + sizeof bytes);
  buf_init(&out, 64u << 20);
  for (;;) {
    const ssize_t n = read(fd, bytes, sizeof bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return 0;
    buf_add(&in, bytes, (size_t)n);
    if (in.failed) return 1;
    size_t from = 0;
    for (const char *end; from < in.len && (end = memchr(in.data + from, '\n', in.len - from)); from = (size_t)(end - in.data) + 1)
      if (!answer_line(k, &out, in.data + from, (size_t)(end - in.data) - from)) return 1;
    if (!send_all(fd, out.data, out.len)) return 0;
    buf_clear(&out);
    memmove(in.data, in.data + from, in.len - from);
    in.len -= from;
  }
}

int rules_child_run(const struct rules_child_options *o) {
  struct err err;
  struct rules_kept *k = rules_kept_create();
  const int keep[] = {2, o->socket};
  signal(SIGPIPE, SIG_IGN);
  json_object_seed(0);  // /dev/urandom, which the jail has not
  if (k && fcntl(o->word, F_GETFD) >= 0 && host_word_map(o->word, &k->word, &err) != OK) fprintf(stderr, "perigee host --rules: %s\n", err.msg);
  enum status st = k ? tz_preload(&err) : err_set(&err, ERR_NOMEM, "out of memory");
  if (st == OK) st = watchdog_create(&k->dog, &err);
  if (st == OK) st = jail_enter(&(struct jail_options){.keep = keep, .keep_count = 2, .address_bytes = o->address_bytes}, &err);
  if (st != OK) fprintf(stderr, "perigee host --rules: %s\n", err.msg);
  _exit(st == OK ? serve(o->socket, k) : 1);
}

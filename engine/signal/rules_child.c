// signal/rules_child.c – see rules_child.h.
#include "signal/rules_child.h"

#include "base/buf.h"
#include "base/json.h"
#include "bot/jail.h"
#include "loop/watchdog.h"
#include "market/tz_files.h"
#include "script/profile.h"
#include "signal/stages.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHA_SIZE 65

struct kept {
  char sha[SHA_SIZE];  // "": free
  struct rule *rule;   // NULL: does not load
  char error[300];
  uint64_t used;
};
struct rules_kept {
  struct watchdog *dog;
  uint64_t clock;
  struct kept list[RULES_KEPT];
};

struct rules_kept *rules_kept_create(void) { return calloc(1, sizeof(struct rules_kept)); }

void rules_kept_destroy(struct rules_kept *k) {
  for (int i = 0; k && i < RULES_KEPT; i++) rule_destroy(k->list[i].rule);
  free(k);
}

// Its place; NULL: not here, and no source to load it from.
static struct kept *find(struct rules_kept *k, const json_t *stage) {
  const char *sha = json_string_value(json_object_get(stage, "sha")), *file = json_string_value(json_object_get(stage, "file"));
  const json_t *source = json_object_get(stage, "source");
  struct kept *oldest = &k->list[0];
  if (!sha || strlen(sha) >= SHA_SIZE || !sha[0]) return NULL;
  for (struct kept *e = k->list; e < k->list + RULES_KEPT; e++) {
    if (strcmp(e->sha, sha) == 0) return e->used = ++k->clock, e;
    if (e->used < oldest->used) oldest = e;
  }
  if (!json_is_string(source)) return NULL;
  rule_destroy(oldest->rule);
  *oldest = (struct kept){.used = ++k->clock};
  struct err err;
  if (rule_create(file ? file : "rule.lua", json_string_value(source), json_string_length(source), k->dog, &oldest->rule, &err) != OK) {
    oldest->rule = NULL;
    snprintf(oldest->error, sizeof oldest->error, "%.299s", err.msg);
  }
  memcpy(oldest->sha, sha, strlen(sha) + 1);
  return oldest;
}

static json_t *refused_unloaded(const char *name, const char *error) {
  return json_pack("[{s:s, s:b, s:s, s:s}]", "stage", name, "accept", 0, "reason", "the rule does not load", "error", error);
}

static json_t *ask(struct rules_kept *k, json_t *question) {
  struct stage stages[STAGES_MAX];
  json_t *list = json_object_get(question, "stages"), *signal = json_object_get(question, "signal"), *env = json_object_get(question, "env");
  json_t *n = json_object_get(question, "n");
  const size_t count = json_array_size(list);
  if (!json_is_integer(n) || !json_is_object(signal) || !json_is_object(env) || count > STAGES_MAX) return NULL;
  for (size_t i = 0; i < count; i++) {
    const json_t *s = json_array_get(list, i);
    const char *name = json_string_value(json_object_get(s, "name"));
    const struct kept *e = find(k, s);
    if (!e || !name) return json_pack("{s:O, s:b}", "n", n, "missing", 1);
    if (!e->rule) return json_pack("{s:O, s:b, s:o, s:O}", "n", n, "accept", 0, "log", refused_unloaded(name, e->error), "signal", signal);
    stages[i] = (struct stage){name, e->rule, json_object_get(s, "settings")};
  }
  bool accept;
  json_t *log = stages_run(stages, count, signal, env, &accept);
  return json_pack("{s:O, s:b, s:o, s:O}", "n", n, "accept", accept, "log", log, "signal", signal);
}

static json_t *describe(const struct rules_kept *k, json_t *n, const json_t *what) {
  const char *file = json_string_value(json_object_get(what, "file"));
  const json_t *source = json_object_get(what, "source");
  struct profile_spec spec;
  struct err err;
  if (!json_is_integer(n) || !file || !json_is_string(source)) return NULL;
  if (profile_describe(SCRIPT_RULE, file, json_string_value(source), json_string_length(source), k->dog, &spec, &err) != OK)
    return json_pack("{s:O, s:b, s:[{s:s, s:b, s:s, s:s}], s:{}}", "n", n, "accept", 0, "log", "stage", file, "accept", 0, "reason", "the rule does not load", "error", err.msg, "signal");
  json_t *answer = json_pack("{s:O, s:b, s:[], s:o}", "n", n, "accept", 1, "log", "signal", profile_json(&spec));
  profile_spec_finish(&spec);
  return answer;
}

char *rules_answer(struct rules_kept *k, const char *line, unsigned long len) {
  json_t *question = json_loadb(line, len, 0, NULL), *what = json_object_get(question, "describe"), *answer = NULL;
  if (question) answer = what ? describe(k, json_object_get(question, "n"), what) : ask(k, question);
  char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
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

static bool answer_line(struct rules_kept *k, int fd, const char *line, size_t len) {
  char *text = rules_answer(k, line, len);
  const bool sent = text && send_all(fd, text, strlen(text)) && send_all(fd, "\n", 1);
  free(text);
  return sent;
}

static int serve(int fd, struct rules_kept *k) {
  struct buf in;
  char bytes[65536];
  buf_init(&in, RULES_LINE_MAX + sizeof bytes);
  for (;;) {
    const ssize_t n = read(fd, bytes, sizeof bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return 0;
    buf_add(&in, bytes, (size_t)n);
    if (in.failed) return 1;
    size_t from = 0;
    for (const char *end; from < in.len && (end = memchr(in.data + from, '\n', in.len - from)); from = (size_t)(end - in.data) + 1)
      if (!answer_line(k, fd, in.data + from, (size_t)(end - in.data) - from)) return 1;
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
  enum status st = k ? tz_preload(&err) : err_set(&err, ERR_NOMEM, "out of memory");
  if (st == OK) st = watchdog_create(&k->dog, &err);
  if (st == OK) st = jail_enter(&(struct jail_options){.keep = keep, .keep_count = 2, .address_bytes = o->address_bytes}, &err);
  if (st != OK) fprintf(stderr, "perigee host --rules: %s\n", err.msg);
  _exit(st == OK ? serve(o->socket, k) : 1);
}

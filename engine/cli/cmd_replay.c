// cli/cmd_replay.c – `perigee replay`: a bot's run once more, from the journal, and whether its script decides the same again; or a fork of it.
//
// The script runs in a child process in the jail, which answers with JSON over a pipe; that is a stranger's answer, too, and only shown.
#include "cli/commands.h"

#include "base/buf.h"
#include "bot/jail.h"
#include "bot/record.h"
#include "bot/replay_pack.h"
#include "bot/replay_task.h"
#include "cli/data_dir.h"
#include "cli/operator.h"
#include "loop/watchdog.h"
#include "market/text.h"
#include "market/tz_files.h"
#include "store/backup.h"
#include "store/id.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_MAX (256u << 20)
#define CPU_S 3600
#define ADDRESS_BYTES (UINT64_C(4) << 30)

static const struct cli_option replay_options[] = {
    {"--run", "N", "which of its runs, from 1; else the latest"},
    {"--from", "T", "commands before it are not listed; they are run and compared all the same. With --what-if: where the fork begins"},
    {"--to", "T", "the last instant; else the end of what is recorded"},
    {"--verify", NULL, "only compare, and say whether a fresh walk of the same bars agrees too (when no --from or --to is given)"},
    {"--explain", "T", "what the script saw and did in the instant of this time: the close of a bar"},
    {"--what-if", "k=v", "with this parameter from --from on; may be repeated. Compares with what was"},
    {"--what-if-version", "N", "with this version of the script from --from on"},
    OPERATOR_JSON_OPTION,
    CLI_DATA_DIR_OPTION,
    {NULL, NULL, NULL}};

struct job {
  struct buf pack;
  json_t *task;
};

// ---- the child

static json_t *words(const char *text) {
  json_t *json = json_string(text);
  return json ? json : json_string("it failed, in words that are no text");
}

static int put(const char *text, size_t len, void *arg) {
  const int fd = *(int *)arg;
  while (len > 0) {
    const ssize_t n = write(fd, text, len);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return -1;
    text += n;
    len -= (size_t)n;
  }
  return 0;
}

static _Noreturn void child(const struct job *job, int fd) {
  struct err err = {0};
  struct watchdog *dog = NULL;
  json_t *told = NULL;
  // Before the jail: what opens files or starts threads.
  json_object_seed(0);
  enum status st = tz_preload(&err);
  if (st == OK) st = watchdog_create(&dog, &err);
  if (st == OK) st = jail_enter(&(struct jail_options){.keep = (int[]){2, fd}, .keep_count = 2, .cpu_s = CPU_S, .address_bytes = ADDRESS_BYTES}, &err);
  if (st == OK) st = replay_task(job->task, job->pack.data, job->pack.len, dog, NULL, NULL, &told, &err);
  if (st != OK) told = json_pack("{s:o}", "error", words(err.msg));
  const bool sent = json_dump_callback(told, put, &fd, JSON_COMPACT) == 0;
  _exit(sent ? 0 : 1);
}

// ---- the parent

// For a terminal: without what would steer it. Good for the next three calls.
static const char *plain(const char *text) {
  static char kept[4][1024];
  static unsigned at;
  char *to = kept[at++ % 4];
  snprintf(to, sizeof kept[0], "%s", text);
  for (unsigned char *p = (unsigned char *)to; *p; p++)
    if (*p < ' ' || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0)) *p = '?';
  return to;
}

static enum status receive(int fd, struct buf *ret, struct err *err) {
  char bytes[65536];
  for (;;) {
    const ssize_t n = read(fd, bytes, sizeof bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return err_errno(err, errno, "the replaying process");
    if (n == 0) return ret->failed ? err_set(err, ERR_LIMIT, "the replaying process said more than %u MiB", ANSWER_MAX >> 20) : OK;
    buf_add(ret, bytes, (size_t)n);
    if (ret->failed) return err_set(err, ERR_LIMIT, "the replaying process said more than %u MiB: choose a later --from", ANSWER_MAX >> 20);
  }
}

static enum status in_child(const struct job *job, json_t **ret, struct err *err) {
  int ends[2], how = 0;
  struct buf answer;
  if (pipe(ends) != 0) return err_errno(err, errno, "pipe");
  fflush(NULL);
  const pid_t pid = fork();
  if (pid < 0) {
    close(ends[0]);
    close(ends[1]);
    return err_errno(err, errno, "fork");
  }
  if (pid == 0) {
    close(ends[0]);
    child(job, ends[1]);
  }
  close(ends[1]);
  buf_init(&answer, ANSWER_MAX);
  enum status st = receive(ends[0], &answer, err);
  close(ends[0]);
  if (st != OK) kill(pid, SIGKILL);
  while (waitpid(pid, &how, 0) < 0 && errno == EINTR) {}
  *ret = st == OK && answer.len ? json_loadb(answer.data, answer.len, 0, NULL) : NULL;
  buf_finish(&answer);
  if (st == OK && WIFSIGNALED(how)) st = err_set(err, ERR_SCRIPT, "the replaying process was ended by signal %d: the script asked for more than the jail allows", WTERMSIG(how));
  else if (st == OK && !json_is_object(*ret)) st = err_set(err, ERR_IO, "the replaying process ended without an answer");
  const char *error = json_string_value(json_object_get(*ret, "error"));
  if (st == OK && error) st = err_set(err, ERR_SCRIPT, "%s", plain(error));
  if (st != OK) json_decref(*ret), *ret = NULL;
  return st;
}

static const char *text_at(const json_t *o, const char *key) {
  const char *text = json_string_value(json_object_get(o, key));
  return text && *text ? plain(text) : "nothing";
}

static char *time_at(const json_t *o, const char *key, char buf[TIME_TEXT_MAX]) {
  const int64_t at_ms = json_integer_value(json_object_get(o, key));
  if (at_ms < -INT64_C(8000000000000) || at_ms > INT64_C(8000000000000)) return strcpy(buf, "?");
  return time_text(at_ms * INT64_C(1000000), buf);
}

static void show_parity(const json_t *p) {
  const bool certified = json_is_true(json_object_get(p, "certified"));
  const json_t *reason;
  size_t i;
  printf("parity: %s\n", certified                                             ? "certified: a fresh walk over the same bars ends with the same hash"
                         : json_is_true(json_object_get(p, "explained")) ? "a fresh walk ends elsewhere, which is explained:"
                                                                               : "a fresh walk ends elsewhere, and nothing explains it:");
  json_array_foreach(json_object_get(p, "reasons"), i, reason)
    printf("  %s (%" JSON_INTEGER_FORMAT " times)\n", text_at(reason, "text"), json_integer_value(json_object_get(reason, "count")));
}

static long long count_at(const json_t *o, const char *key) { return (long long)json_integer_value(json_object_get(o, key)); }

static void show_walk(const char *bot, const json_t *t) {
  char at[TIME_TEXT_MAX], to[TIME_TEXT_MAX];
  const json_t *c, *difference = json_object_get(t, "difference");
  size_t i;
  json_array_foreach(json_object_get(t, "commands"), i, c)
    printf("%s  %-6s  %s\n", time_at(c, "time_ms", at), text_at(c, "by"), text_at(c, "command"));
  if (json_object_get(t, "cut")) printf("… more than are listed: choose a later --from\n");
  printf("%s run %lld, %s to %s: %s\n", bot, count_at(t, "run"), time_at(t, "from_ms", at), time_at(t, "to_ms", to),
         json_is_true(json_object_get(t, "same")) ? "the script decides the same" : "the script decides otherwise");
  printf("  %lld instants, %lld commands compared, %lld by the core, %lld restarts of the script\n", count_at(t, "instants"), count_at(t, "compared"), count_at(t, "imposed"),
         count_at(t, "resumes"));
  printf("  hash %s\n", text_at(t, "hash"));
  if (difference) printf("  first difference at %s\n    journal: %s\n    now:     %s\n", time_at(difference, "time_ms", at), text_at(difference, "expected"), text_at(difference, "got"));
  if (json_object_get(t, "failure")) printf("  its first error: %s\n", text_at(t, "failure"));
  if (json_object_get(t, "parity")) show_parity(json_object_get(t, "parity"));
}

static void show_fork(const char *bot, const json_t *t) {
  static const struct { const char *key, *name; } lines[] = {{"equity_end", "equity"}, {"pnl", "profit"}, {"max_drawdown", "drawdown"}, {"fees", "fees"}};
  const json_t *live = json_object_get(t, "live"), *forked = json_object_get(t, "forked"), *difference = json_object_get(t, "difference");
  char at[TIME_TEXT_MAX], to[TIME_TEXT_MAX];
  printf("%s run %lld, another way from %s to %s\n%-10s %20s %20s\n", bot, count_at(t, "run"), time_at(t, "at_ms", at), time_at(t, "to_ms", to), "", "as it was", "what if");
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) printf("%-10s %20s %20s\n", lines[i].name, text_at(live, lines[i].key), text_at(forked, lines[i].key));
  printf("%-10s %20lld %20lld\n%-10s %20lld %20lld\n", "fills", count_at(live, "fills"), count_at(forked, "fills"), "trades", count_at(live, "trades"), count_at(forked, "trades"));
  if (!difference) printf("no decision is another\n");
  else printf("first other decision at %s\n    as it was: %s\n    what if:   %s\n", time_at(difference, "time_ms", at), text_at(difference, "live"), text_at(difference, "forked"));
  if (json_object_get(t, "failure")) printf("its script failed: %s\n", text_at(t, "failure"));
}

static void show(const char *bot, const json_t *t, bool fork) {
  const json_t *explanation = json_object_get(t, "explanation");
  if (fork) show_fork(bot, t);
  else show_walk(bot, t);
  char *text = explanation ? json_dumps(explanation, JSON_INDENT(2)) : NULL;
  if (text) printf("%s\n", text);
  free(text);
}

static enum status gather(const char *data_dir, const struct replay_wish *wish, struct buf *ret, struct err *err) {
  struct db *control = NULL, *journal = NULL;
  enum status st = store_peek(data_dir, &control, err);
  if (st == OK) st = store_peek_journal(data_dir, &journal, err);
  if (st != OK) st = err_wrap(err, st, "%s: no data directory, or one of a program that had no bots (--data-dir)", data_dir);
  if (st == OK) st = replay_gather(control, journal, wish, ret, err);
  if (journal) store_peek_end(journal);
  if (control) store_peek_end(control);
  return st;
}

// "fast=12" into an object; numbers and truths as such, so that the script's parameters judge them.
static bool add_param(json_t *params, const char *text) {
  const char *equals = strchr(text, '=');
  if (!equals || equals == text) return false;
  json_t *value = json_loads(equals + 1, JSON_DECODE_ANY, NULL);
  if (!json_is_number(value) && !json_is_boolean(value)) {
    json_decref(value);
    value = json_string(equals + 1);
  }
  char name[64];
  snprintf(name, sizeof name, "%.*s", (int)(equals - text), text);
  return value && json_object_set_new(params, name, value) == 0;
}

struct times {
  int64_t from_ns, to_ns, explain_ns, run, version;
};

// What the options come to, as replay_task wants it. NULL: answered.
static json_t *task_of(const struct cli_args *a, const struct times *t) {
  const bool verify = cli_has(a, "--verify"), part = cli_has(a, "--from") || cli_has(a, "--to");
  if (!cli_has(a, "--what-if") && !cli_has(a, "--what-if-version")) {
    json_t *task = json_pack("{s:s, s:b, s:b, s:I}", "task", "verify", "list", !verify, "certify", verify && !part, "list_max", (json_int_t)1000000);
    if (cli_has(a, "--from")) json_object_set_new(task, "from_ms", json_integer(t->from_ns / NS_PER_MS));
    if (cli_has(a, "--explain")) json_object_set_new(task, "explain_ns", json_integer(t->explain_ns));
    return task;
  }
  if (!cli_has(a, "--from") || verify || cli_has(a, "--explain")) return cli_usage(a, "--what-if needs --from T, and goes with neither --verify nor --explain"), NULL;
  json_t *params = json_object();
  for (int i = 0; i < a->given_count; i++)
    if (strcmp(a->given[i].option->name, "--what-if") == 0 && !add_param(params, a->given[i].value)) {
      json_decref(params);
      return cli_usage(a, "--what-if %s: write NAME=VALUE", a->given[i].value), NULL;
    }
  return json_pack("{s:s, s:I, s:o, s:I}", "task", "what_if", "at_ns", (json_int_t)t->from_ns, "params", params, "version", (json_int_t)t->version);
}

static int run_job(const struct cli_args *a, const char *bot, const char *data_dir, const struct replay_wish *wish, struct job *job) {
  struct err err = {0};
  json_t *told = NULL;
  const bool fork = strcmp(json_string_value(json_object_get(job->task, "task")), "what_if") == 0;
  enum status st = gather(data_dir, wish, &job->pack, &err);
  if (st == OK) st = in_child(job, &told, &err);
  if (st == OK && cli_has(a, "--explain") && !json_object_get(told, "explanation"))
    st = err_set(&err, ERR_NOTFOUND, "--explain %s: the script saw no instant of that time; give the close of one of its bars", cli_value(a, "--explain", ""));
  if (st != OK) {
    cli_error("%s: %s", bot, err.msg);
    json_decref(told);
    return 1;
  }
  json_object_set_new(told, "bot", json_string(bot));
  const bool good = fork || json_is_true(json_object_get(told, "same"));
  if (cli_has(a, "--json")) return operator_result(a, told) == 0 && good ? 0 : 1;
  show(bot, told, fork);
  json_decref(told);
  return good ? 0 : 1;
}

static int run_replay(const struct cli_args *a) {
  char data_dir[CLI_DATA_DIR_MAX];
  struct times t = {.from_ns = INT64_MIN, .to_ns = INT64_MAX};
  struct job job = {.task = NULL};
  int64_t bot_id;
  if (a->positional_count != 1) return cli_usage(a, "write: perigee replay bot_…; GET /api/v1/bots lists them");
  const char *bot = a->positional[0];
  if (!id_parse("bot", bot, strlen(bot), &bot_id)) return cli_usage(a, "%s is no bot's id: they begin with bot_", bot);
  if (!cli_time(a, "--from", &t.from_ns) || !cli_time(a, "--to", &t.to_ns) || !cli_time(a, "--explain", &t.explain_ns) || !cli_integer(a, "--run", 1, RECORD_RUN_MAX, &t.run) ||
      !cli_integer(a, "--what-if-version", 1, 1000000, &t.version) || !cli_data_dir(a, data_dir) || !(job.task = task_of(a, &t)))
    return 2;
  const struct replay_wish wish = {.bot_id = bot_id, .run = (uint32_t)t.run, .to_ns = t.to_ns, .version = (uint32_t)t.version};
  buf_init(&job.pack, REPLAY_PACK_MAX);
  const int code = run_job(a, bot, data_dir, &wish, &job);
  buf_finish(&job.pack);
  json_decref(job.task);
  return code;
}

const struct cli_command cmd_replay = {
    "replay", "BOT [--run N] [--verify] [--from T] [--to T] [--explain T] [--what-if k=v …] [--data-dir DIR]", "run a bot's recorded decisions again, and compare",
    "Takes the bars, the commands and the starts of one of the bot's runs from the journal and lets its script decide again, in a jailed\n"
    "process. With --what-if it goes on from --from with other parameters, or another version, on the same bars, and compares with what was.\n"
    "A server may be running; nothing is written. Exit 0: the same decisions, or a fork was made; 1: another one (the first is shown), or it could not be run.",
    replay_options, run_replay,
    "perigee replay BOT --explain 2026-01-05T12:00:00Z   what the script saw there\n"
    "perigee doctor                                is the data directory sound"};

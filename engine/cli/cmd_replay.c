// cli/cmd_replay.c – `perigee replay`: a bot's latest run once more, from the journal, and whether its script decides the same again.
//
// The script runs in a child process in the jail, which answers with JSON over a pipe; that is a stranger's answer, too, and only shown.
#include "cli/commands.h"

#include "base/buf.h"
#include "bot/jail.h"
#include "bot/parity.h"
#include "bot/replay_load.h"
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
    {"--from", "T", "commands before it are not listed; they are run and compared all the same"},
    {"--to", "T", "the last instant; else the end of what is recorded"},
    {"--verify", NULL, "only compare, and say whether a fresh walk of the same bars agrees too (when no --from or --to is given)"},
    {"--explain", "T", "what the script saw and did in the instant of this time: the close of a bar"},
    OPERATOR_JSON_OPTION,
    CLI_DATA_DIR_OPTION,
    {NULL, NULL, NULL}};

struct job {
  struct replay_loaded *loaded;
  int64_t from_ns, explain_ns;
  bool list, certify;
};

// ---- the child

// An error's text may hold any bytes that the script put there.
static json_t *words(const char *text) {
  json_t *json = json_string(text);
  char *ascii = json ? NULL : strdup(text);
  if (!ascii) return json;
  for (char *p = ascii; *p; p++)
    if (*p & 0x80) *p = '?';
  json = json_string(ascii);
  free(ascii);
  return json;
}

static int64_t ms(int64_t ns) { return ns / INT64_C(1000000); }

// What the journal has, as text. Orders' own terms are not at hand here: a change names what is new.
static enum status list_commands(const struct job *job, const struct replay_config *c, json_t *told, struct err *err) {
  struct blotter *books;
  enum status st = blotter_create(&c->pilot.blotter, &books, err);
  if (st != OK) return st;
  json_t *list = json_array();
  for (size_t i = 0; i < c->event_count; i++) {
    const struct replay_event *e = &c->events[i];
    char text[256];
    if ((e->kind != REPLAY_COMMAND && e->kind != REPLAY_IMPOSED) || e->command.kind == COMMAND_MARK || e->command.kind == COMMAND_RESERVE) continue;
    if (e->time_ns < job->from_ns || e->time_ns > c->until_ns) continue;
    replay_command_text(&e->command, blotter_matcher(books), text);
    json_array_append_new(list, json_pack("{s:I, s:s, s:s}", "time", (json_int_t)ms(e->time_ns), "by", e->kind == REPLAY_COMMAND ? "script" : "core", "command", text));
  }
  json_object_set_new(told, "commands", list);
  blotter_destroy(books);
  return OK;
}

static enum status certify(const struct job *job, const struct replay_config *config, json_t *told, struct err *err) {
  const struct replay_config seen = replay_loaded_seen(job->loaded, config);
  struct parity_certificate *c = malloc(sizeof *c);
  struct replay_result r = {.same = false};
  enum status st = c ? replay_run(&seen, &r, err) : err_set(err, ERR_NOMEM, "no memory for a certificate");
  if (st == OK && r.same) {
    st = parity_check(&seen, r.hash, c, err);
    if (st == OK) json_object_set_new(told, "parity", parity_json(c));
  }
  replay_result_finish(&r);
  free(c);
  return st;
}

static enum status work(const struct job *job, struct watchdog *dog, json_t *told, struct err *err) {
  struct replay_config config;
  struct replay_result r;
  enum status st = replay_loaded_open(job->loaded, dog, &config, err);
  if (st != OK) return st;
  config.explain_ns = job->explain_ns;
  config.explain_difference = true;
  st = replay_run(&config, &r, err);
  if (st == OK) {
    // A script that fails where it failed then is the same too; where it did not, its commands are missed.
    const bool same = r.same;
    json_object_update_new(told, json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:s}", "same", same, "instants", (json_int_t)r.instants, "compared", (json_int_t)r.compared,
      "imposed", (json_int_t)r.imposed, /* the end counts as one */ "resumes", (json_int_t)(r.same && r.resumes ? r.resumes - 1 : r.resumes), "failures", (json_int_t)r.failures, "hash", r.hash));
    if (!r.same) json_object_set_new(told, "difference", json_pack("{s:I, s:s, s:s}", "time", (json_int_t)ms(r.at_ns), "expected", r.expected, "got", r.got));
    if (r.failure[0]) json_object_set_new(told, "failure", words(r.failure));
    if (r.explanation) json_object_set(told, "explanation", r.explanation);
    if (job->list) st = list_commands(job, &config, told, err);
    if (st == OK && same && job->certify) st = certify(job, &config, told, err);
  }
  replay_result_finish(&r);
  return st;
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
  json_t *told = json_object();
  // Before the jail: what opens files or starts threads.
  json_object_seed(0);
  enum status st = tz_preload(&err);
  if (st == OK) st = watchdog_create(&dog, &err);
  if (st == OK) st = jail_enter(&(struct jail_options){.keep = (int[]){2, fd}, .keep_count = 2, .cpu_s = CPU_S, .address_bytes = ADDRESS_BYTES}, &err);
  if (st == OK) st = work(job, dog, told, &err);
  if (st != OK) {
    json_object_clear(told);
    json_object_set_new(told, "error", words(err.msg));
  }
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

static void show(const char *bot, const json_t *t) {
  char at[TIME_TEXT_MAX], to[TIME_TEXT_MAX];
  const json_t *c, *difference = json_object_get(t, "difference"), *explanation = json_object_get(t, "explanation");
  size_t i;
  json_array_foreach(json_object_get(t, "commands"), i, c)
    printf("%s  %-6s  %s\n", time_at(c, "time", at), text_at(c, "by"), text_at(c, "command"));
  printf("%s run %" JSON_INTEGER_FORMAT ", %s to %s: %s\n", bot, json_integer_value(json_object_get(t, "run")), time_at(t, "from", at), time_at(t, "to", to),
         json_is_true(json_object_get(t, "same")) ? "the script decides the same" : "the script decides otherwise");
  printf("  %" JSON_INTEGER_FORMAT " instants, %" JSON_INTEGER_FORMAT " commands compared, %" JSON_INTEGER_FORMAT " by the core, %" JSON_INTEGER_FORMAT " restarts of the script\n",
         json_integer_value(json_object_get(t, "instants")), json_integer_value(json_object_get(t, "compared")), json_integer_value(json_object_get(t, "imposed")),
         json_integer_value(json_object_get(t, "resumes")));
  printf("  hash %s\n", text_at(t, "hash"));
  if (difference) printf("  first difference at %s\n    journal: %s\n    now:     %s\n", time_at(difference, "time", at), text_at(difference, "expected"), text_at(difference, "got"));
  if (json_object_get(t, "failure")) printf("  its first error: %s\n", text_at(t, "failure"));
  if (json_object_get(t, "parity")) show_parity(json_object_get(t, "parity"));
  char *text = explanation ? json_dumps(explanation, JSON_INDENT(2)) : NULL;
  if (text) printf("%s\n", text);
  free(text);
}

static enum status load(const char *data_dir, int64_t bot_id, int64_t to_ns, struct replay_loaded **ret, struct err *err) {
  struct db *control = NULL, *journal = NULL;
  enum status st = store_peek(data_dir, &control, err);
  if (st == OK) st = store_peek_journal(data_dir, &journal, err);
  if (st != OK) st = err_wrap(err, st, "%s: no data directory, or one of a program that had no bots (--data-dir)", data_dir);
  if (st == OK) st = replay_load(control, journal, bot_id, to_ns, ret, err);
  if (journal) store_peek_end(journal);
  if (control) store_peek_end(control);
  return st;
}

static int run_replay(const struct cli_args *a) {
  char data_dir[CLI_DATA_DIR_MAX];
  struct err err = {0};
  struct job job = {.from_ns = INT64_MIN, .list = !cli_has(a, "--verify"), .certify = cli_has(a, "--verify") && !cli_has(a, "--from") && !cli_has(a, "--to")};
  int64_t bot_id, to_ns = INT64_MAX;
  json_t *told = NULL;
  if (a->positional_count != 1) return cli_usage(a, "write: perigee replay bot_…; GET /api/v1/bots lists them");
  const char *bot = a->positional[0];
  if (!id_parse("bot", bot, strlen(bot), &bot_id)) return cli_usage(a, "%s is no bot's id: they begin with bot_", bot);
  if (!cli_time(a, "--from", &job.from_ns) || !cli_time(a, "--to", &to_ns) || !cli_time(a, "--explain", &job.explain_ns) || !cli_data_dir(a, data_dir)) return 2;
  enum status st = load(data_dir, bot_id, to_ns, &job.loaded, &err);
  if (st == OK) st = in_child(&job, &told, &err);
  if (st == OK && job.explain_ns && !json_object_get(told, "explanation"))
    st = err_set(&err, ERR_NOTFOUND, "--explain %s: the script saw no instant of that time; give the close of one of its bars", cli_value(a, "--explain", ""));
  if (st != OK) {
    cli_error("%s: %s", bot, err.msg);
    json_decref(told);
    replay_loaded_destroy(job.loaded);
    return 1;
  }
  json_object_update_new(told, json_pack("{s:s, s:i, s:I, s:I}", "bot", bot, "run", (int)replay_loaded_run(job.loaded), "from", (json_int_t)ms(replay_loaded_from(job.loaded)),
                                         "to", (json_int_t)ms(replay_loaded_to(job.loaded))));
  replay_loaded_destroy(job.loaded);
  const bool same = json_is_true(json_object_get(told, "same"));
  if (cli_has(a, "--json")) return operator_result(a, told) == 0 && same ? 0 : 1;
  show(bot, told);
  json_decref(told);
  return same ? 0 : 1;
}

const struct cli_command cmd_replay = {
    "replay", "BOT [--verify] [--from T] [--to T] [--explain T] [--data-dir DIR]", "run a bot's recorded decisions again, and compare",
    "Takes the bars, the commands and the starts of the bot's latest run from the journal and lets its script decide again, in a jailed process.\n"
    "A server may be running; nothing is written. Exit 0: the same decisions; 1: another one (the first is shown), or it could not be run.",
    replay_options, run_replay,
    "perigee replay BOT --explain 2026-01-05T12:00:00Z   what the script saw there\n"
    "perigee doctor                                is the data directory sound"};

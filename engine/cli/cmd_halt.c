// cli/cmd_halt.c – `perigee halt` and `perigee resume`: the kill switch, from the shell. It asks the running service; without one it
// writes the file that the next start reads; and a service that does not answer finds the file HALT, as soon as it looks again.
#include "cli/commands.h"

#include "bot/halt_file.h"
#include "cli/api_client.h"
#include "cli/data_dir.h"
#include "cli/operator.h"
#include "loop/clock.h"
#include "store/id.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MS 3000  // of the service; then the file
#define HEED_MS 3000    // for the file to be heeded

struct wish {
  char dir[CLI_DATA_DIR_MAX];
  const char *level, *id;  // as the API has them; id NULL of all
  char line[200];          // as HALT has it
  enum refusal_level at;
  uint64_t number;
  enum halt_mode mode;
};

// ---- what is asked

static int usage_of(const struct cli_args *a, struct wish *o) {
  static const char *const options[][2] = {{"--tenant", "tenant"}, {"--bot", "bot"}, {"--venue", "venue"}};
  const bool halts = strcmp(a->command->name, "halt") == 0;
  if (a->positional_count) return cli_usage(a, "%s: too much", a->positional[0]);
  o->level = "all";
  for (int i = 0; i < 3; i++) {
    if (!cli_has(a, options[i][0])) continue;
    if (o->id) return cli_usage(a, "one of --tenant, --bot, --venue");
    o->level = options[i][1];
    o->id = cli_value(a, options[i][0], NULL);
  }
  const bool flatten = halts && cli_has(a, "--flatten"), reduce = halts && cli_has(a, "--reduce");
  if (flatten && reduce) return cli_usage(a, "--flatten closes positions, --reduce lets them be closed: one of them");
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  if (o->id && o->id[strspn(o->id, allowed)]) return cli_usage(a, "%s: names have letters, digits, - _ and .", o->id);
  const int n = snprintf(o->line, sizeof o->line, "%s%s%s %s", o->level, o->id ? " " : "", o->id ? o->id : "", flatten ? "flatten" : reduce ? "reduce" : "silent");
  if (n >= (int)sizeof o->line || !halt_line_parse(o->line, (size_t)n, &o->at, &o->number, &o->mode))
    return cli_usage(a, "%s: not %s", o->id, strcmp(o->level, "venue") == 0 ? "the name of a venue" : strcmp(o->level, "bot") == 0 ? "a bot's id (bot_…)" : "a tenant's id (org_…)");
  return 0;
}

// ---- telling

static json_t *state_json(const struct halt_state *s) {
  json_t *items = json_array();
  for (int64_t i = -1; i < (int64_t)s->count; i++) {
    const struct halt_entry *e = i < 0 ? &s->all : &s->entries[i];
    char name[HALT_NAME_SIZE];
    if (e->mode == HALT_NONE) continue;
    json_array_append_new(items, json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "level", i < 0 ? "all" : refusal_level_text((enum refusal_level)e->level), "id",
                                           i < 0 ? "" : halt_name((enum refusal_level)e->level, e->id, name), "mode", halt_mode_text((enum halt_mode)e->mode), "cause",
                                           halt_cause_text((enum halt_cause)e->cause), "epoch", (json_int_t)e->epoch, "since_ms", (json_int_t)(e->at_ns / 1000000)));
  }
  return json_pack("{s:I, s:o}", "epoch", (json_int_t)s->epoch, "items", items);
}

static const char *text(const json_t *o, const char *key) {
  const char *t = json_string_value(json_object_get(o, key));
  return t ? t : "";
}

static void print_list(const json_t *list) {
  size_t i;
  json_t *e;
  if (json_array_size(json_object_get(list, "items")) == 0) printf("nothing is halted\n");
  json_array_foreach(json_object_get(list, "items"), i, e) {
    const time_t at = (time_t)(json_integer_value(json_object_get(e, "since_ms")) / 1000);
    struct tm utc;
    char since[40] = "";
    if (gmtime_r(&at, &utc)) strftime(since, sizeof since, "%Y-%m-%d %H:%M:%S UTC", &utc);
    const json_t *bots = json_object_get(e, "bots");
    printf("%-7s %-22s %-8s since %s, by %s\n", text(e, "level"), text(e, "id"), text(e, "mode"), since, text(e, "cause"));
    if (bots && json_integer_value(bots) == 0) printf("        no bot that is open is concerned: is the name right?\n");
  }
}

// Takes list.
static int tell(const struct cli_args *a, json_t *list) {
  if (cli_has(a, "--json")) return operator_result(a, list);
  print_list(list);
  json_decref(list);
  return 0;
}

// ---- the three ways

enum way { WAY_SERVICE, WAY_FILE, WAY_NONE };

static bool has_data(const char *dir) {
  char control[CLI_DATA_DIR_MAX + 16];
  snprintf(control, sizeof control, "%s/control.db", dir);
  return access(control, F_OK) == 0;
}

// A lock that is held is a service, or a command that is at work. *ret_lock: ours, while it is WAY_FILE.
static enum way which_way(const char *dir, int *ret_lock, struct err *err) {
  if (!has_data(dir)) return err_set(err, ERR_NOTFOUND, "%s holds no service's data; name another --data-dir", dir), WAY_NONE;
  const enum status st = store_lock(dir, ret_lock, err);
  return st == OK ? WAY_FILE : st == ERR_EXISTS ? WAY_SERVICE : WAY_NONE;
}

static enum status ask_service(const struct wish *o, const char *method, json_t **ret, struct err *err) {
  struct api_client *client = NULL;
  char path[400];
  const bool posts = strcmp(method, "POST") == 0;
  snprintf(path, sizeof path, "/admin/halt");
  if (strcmp(method, "DELETE") == 0) snprintf(path, sizeof path, "/admin/halt?level=%s%s%s", o->level, o->id ? "&id=" : "", o->id ? o->id : "");
  json_t *body = posts ? json_pack("{s:s, s:s*, s:s}", "level", o->level, "id", o->id, "mode", halt_mode_text(o->mode)) : NULL;
  enum status st = posts && !body ? err_set(err, ERR_INVALID, "a name is UTF-8 text") : api_client_open(o->dir, &client, err);
  if (st == OK) {
    api_client_timeout(client, ANSWER_MS);
    st = api_client_call(client, method, path, body, ret, err);
  }
  api_client_close(client);
  json_decref(body);
  return st;
}

// Without a service, under its lock. mode NONE resumes.
static enum status write_file(const struct wish *o, bool resume, struct halt_state *s, struct err *err) {
  struct halt_file *f = NULL;
  bool damaged;
  enum status st = halt_file_open(o->dir, false, clock_wall_ns(), s, &f, &damaged, err);
  if (st == OK) st = resume ? halt_file_clear(f, o->at, o->number, err) : halt_file_set(f, o->at, o->number, o->mode, HALT_BY_OPERATOR, clock_wall_ns(), err);
  halt_file_close(f);
  return st;
}

static bool in_force(const char *dir, enum refusal_level level, uint64_t id, enum halt_mode mode) {
  struct halt_state *s = malloc(sizeof *s);
  const bool read = s && halt_file_read(dir, s, NULL) == OK;
  const struct halt_entry *e = read ? halt_find(s, level, id) : NULL;
  const bool yes = e && e->mode >= mode;
  free(s);
  return yes;
}

// The service does not answer: by HALT, and then see whether it is heeded.
static int pull_trigger(const struct wish *o, const struct err *why) {
  bool everything = false;
  struct err err;
  cli_warn("the service did not answer (%s): asking by the file %s/" HALT_TRIGGER, why->msg, o->dir);
  if (halt_trigger(o->dir, o->line, &everything, &err) != OK) return cli_error("%s\n  nothing is halted: end the service (its process id is in %s/lock)", err.msg, o->dir), 1;
  const enum refusal_level level = everything ? LEVEL_ALL : o->at;
  if (everything) cli_warn("there is no room for more than an empty file, which asks for everything");
  for (int waited = 0; waited < HEED_MS; waited += 50) {
    if (in_force(o->dir, level, everything ? 0 : o->number, everything ? HALT_SILENT : o->mode)) {
      printf("halted; remove %s/" HALT_TRIGGER " before you resume\n", o->dir);
      return 0;
    }
    usleep(50000);
  }
  cli_error("the service has not looked at %s/" HALT_TRIGGER " either; it halts as soon as it does. To be sure, end it (its process id is in %s/lock)", o->dir, o->dir);
  return 1;
}

static int run_list(const struct cli_args *a, struct wish *o) {
  struct err err;
  json_t *list = NULL;
  int lock = -1;
  const enum way way = which_way(o->dir, &lock, &err);
  if (way == WAY_NONE && err.code == ERR_NOTFOUND) return cli_error("%s", err.msg), 1;
  enum status st = way == WAY_SERVICE ? ask_service(o, "GET", &list, &err) : OK;
  if (way == WAY_SERVICE && st != OK) cli_warn("the service did not answer (%s): this is what its file says", err.msg);
  if (lock >= 0) close(lock);
  if (!list) {
    struct halt_state *s = malloc(sizeof *s);
    st = s ? halt_file_read(o->dir, s, &err) : err_set(&err, ERR_NOMEM, "out of memory");
    if (st == ERR_NOTFOUND) halt_init(s), st = OK;  // no service with a kill switch ran there yet
    if (st == OK) list = state_json(s);
    free(s);
  }
  return st == OK ? tell(a, list) : (cli_error("%s", err.msg), 1);
}

static int run_change(const struct cli_args *a, struct wish *o, bool resume) {
  struct err err = {0};
  json_t *list = NULL;
  int lock = -1;
  const enum way way = which_way(o->dir, &lock, &err);
  enum status st = way == WAY_NONE ? err.code : OK;
  if (way == WAY_SERVICE) st = ask_service(o, resume ? "DELETE" : "POST", &list, &err);
  if (way == WAY_FILE) {
    struct halt_state *s = malloc(sizeof *s);
    st = s ? write_file(o, resume, s, &err) : err_set(&err, ERR_NOMEM, "out of memory");
    if (st == OK) list = state_json(s);
    free(s);
    close(lock);
  }
  if (way == WAY_SERVICE && !resume && (st == ERR_IO || st == ERR_EXISTS)) return pull_trigger(o, &err);
  if (st != OK) return cli_error("%s", err.msg), 1;
  if (!cli_has(a, "--json")) printf("%s%s:\n", resume ? "resumed" : "halted", way == WAY_FILE ? " (no service runs; the next one reads it)" : "");
  return tell(a, list);
}

static int run_halt(const struct cli_args *a) {
  struct wish o = {0};
  umask(077);
  const int wrong = usage_of(a, &o);
  if (wrong) return wrong;
  if (!cli_data_dir(a, o.dir)) return 2;
  return cli_has(a, "--list") ? run_list(a, &o) : run_change(a, &o, false);
}

static int run_resume(const struct cli_args *a) {
  struct wish o = {0};
  umask(077);
  const int wrong = usage_of(a, &o);
  if (wrong) return wrong;
  return cli_data_dir(a, o.dir) ? run_change(a, &o, true) : 2;
}

#define SCOPE_OPTIONS                                                           \
  {"--tenant", "ID", "only one tenant's bots (org_…)"},                         \
  {"--bot", "ID", "only one bot (bot_…)"},                                      \
  {"--venue", "NAME", "only what trades at one venue"}
static const struct cli_option halt_options[] = {
    SCOPE_OPTIONS, {"--flatten", NULL, "close positions too"}, {"--reduce", NULL, "let scripts close positions, and nothing else"},
    {"--list", NULL, "only say what is halted"}, OPERATOR_JSON_OPTION, CLI_DATA_DIR_OPTION, {NULL, NULL, NULL}};
static const struct cli_option resume_options[] = {SCOPE_OPTIONS, OPERATOR_JSON_OPTION, CLI_DATA_DIR_OPTION, {NULL, NULL, NULL}};

const struct cli_command cmd_halt = {
    "halt", "[--tenant ID | --bot ID | --venue NAME]", "the kill switch: no order leaves any more",
    "Without a scope everything is halted. What is said here is on disk when the command ends, also with a full disk, and survives\n"
    "restarts until `perigee resume`. A service that does not answer is asked by the file HALT in the data directory; without a\n"
    "service the next one finds it. Anybody who may write there can do the same by hand: an empty file HALT halts everything.",
    halt_options, run_halt,
    "perigee halt --list                           what is halted, since when and by whom\n"
    "perigee resume                                the same scope again"};
const struct cli_command cmd_resume = {
    "resume", "[--tenant ID | --bot ID | --venue NAME]", "take the kill switch off again",
    "At the scope that was halted: what others halted at another scope still holds. While the file HALT asks for it, it is refused.",
    resume_options, run_resume,
    "perigee halt --list                           what still holds"};

// cli/cmd_notices.c – `perigee notices`: what a tenant was told and on which channels, a test, a replay; what could not be sent to anybody.
#include "cli/commands.h"

#include "cli/data_dir.h"
#include "cli/owner.h"

#include <stdio.h>
#include <string.h>

static enum status need_tenant(struct owner *o) { return o->tenant ? OK : err_set(&o->err, ERR_USAGE, "whose? --tenant org_… or --tenant MAIL-ADDRESS"); }

static enum status check_id(struct owner *o, const char *prefix, const char *id, const char *what) {
  const size_t n = strlen(prefix);
  if (strncmp(id, prefix, n) == 0 && id[n] && strlen(id) < 40 && strspn(id + n, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") == strlen(id + n)) return OK;
  return err_set(&o->err, ERR_USAGE, "\"%s\" is no %s's id (%s…)", id, what, prefix);
}

// All pages of a list, or the newest --limit.
static enum status list(struct owner *o, const char *path, json_t **ret) {
  int64_t limit = 100;
  if (!cli_integer(o->args, "--limit", 1, 100000, &limit)) return err_set(&o->err, ERR_USAGE, "--limit: 1 to 100000");
  return owner_list(o, path, limit, ret);
}

static void print_sendings(const json_t *notice) {
  const json_t *s;
  size_t i;
  json_array_foreach(json_object_get(notice, "sendings"), i, s)
    printf("    %-8s %-8s %s%s%s\n", owner_text(s, "state"), owner_text(s, "kind"), owner_text(s, "channel"), *owner_text(s, "reason") ? ": " : "", owner_text(s, "reason"));
}

static void print_notice(const json_t *n) {
  owner_print_time(owner_number(n, "created_at_ms"));
  printf("  %-20s %-18s %s%s\n", owner_text(n, "id"), owner_text(n, "event"), owner_text(n, "title"), json_is_true(json_object_get(n, "folded")) ? " (counted by another)" : "");
}

static enum status do_list(struct owner *o) {
  char path[120] = "/notifications";
  const char *event = cli_value(o->args, "--event", NULL);
  json_t *all = NULL, *n;
  size_t i;
  enum status st = need_tenant(o);
  if (st == OK && event && (strlen(event) > 31 || strspn(event, "abcdefghijklmnopqrstuvwxyz_.") != strlen(event))) st = err_set(&o->err, ERR_USAGE, "--event: \"%s\" is no event's name, such as bot.halted", event);
  if (event) snprintf(path, sizeof path, "/notifications?event=%.40s", event);
  if (st == OK) st = list(o, path, &all);
  if (!owner_told(o, all, &st)) json_array_foreach(json_object_get(all, "items"), i, n) print_notice(n);
  json_decref(all);
  return st;
}

static enum status do_show(struct owner *o) {
  char path[120];
  json_t *notice = NULL, *attempts = NULL, *a;
  size_t i;
  enum status st = need_tenant(o);
  if (st == OK) st = check_id(o, "ntc_", o->args->positional[1], "notice");
  snprintf(path, sizeof path, "/notifications/%.40s", o->args->positional[1]);
  if (st == OK) st = owner_call(o, "GET", path, NULL, &notice);
  snprintf(path, sizeof path, "/notifications/%.40s/attempts", o->args->positional[1]);
  if (st == OK) st = owner_call(o, "GET", path, NULL, &attempts);
  json_t *whole = st == OK ? json_pack("{s:O, s:O}", "notice", notice, "attempts", json_object_get(attempts, "items")) : NULL;
  if (!owner_told(o, whole, &st)) {
    print_notice(notice);
    printf("  %s\n", owner_text(notice, "text"));
    print_sendings(notice);
    json_array_foreach(json_object_get(attempts, "items"), i, a) {
      printf("    ");
      owner_print_time(owner_number(a, "at_ms"));
      printf("  %-6s %s\n", owner_text(a, "outcome"), owner_text(a, "detail"));
    }
  }
  json_decref(whole);
  json_decref(notice);
  json_decref(attempts);
  return st;
}

static enum status do_channels(struct owner *o) {
  json_t *all = NULL, *c;
  size_t i;
  enum status st = need_tenant(o);
  if (st == OK) st = list(o, "/notifications/channels", &all);
  if (!owner_told(o, all, &st)) json_array_foreach(json_object_get(all, "items"), i, c)
      printf("%-20s %-9s %-10s %-30s %s%s%s\n", owner_text(c, "id"), owner_text(c, "kind"), owner_text(c, "state"), owner_text(c, "name"), owner_text(c, "address"), *owner_text(c, "reason") ? "; " : "", owner_text(c, "reason"));
  json_decref(all);
  return st;
}

static enum status do_test(struct owner *o) {
  char path[120];
  json_t *answer = NULL;
  enum status st = need_tenant(o);
  if (st == OK) st = check_id(o, "chn_", o->args->positional[1], "channel");
  snprintf(path, sizeof path, "/notifications/channels/%.40s/test", o->args->positional[1]);
  if (st == OK) st = owner_call(o, "POST", path, NULL, &answer);
  if (!owner_told(o, answer, &st)) printf("%s is on its way\nnext: perigee notices show %s --tenant %s   what became of it\n", owner_text(answer, "notice_id"), owner_text(answer, "notice_id"), o->tenant);
  json_decref(answer);
  return st;
}

static enum status do_replay(struct owner *o) {
  char path[120];
  const char *channel = cli_value(o->args, "--channel", NULL);
  json_t *answer = NULL, *body = channel ? json_pack("{s:s}", "channel_id", channel) : NULL;
  enum status st = need_tenant(o);
  if (st == OK) st = check_id(o, "ntc_", o->args->positional[1], "notice");
  if (st == OK && channel) st = check_id(o, "chn_", channel, "channel");
  snprintf(path, sizeof path, "/notifications/%.40s/replay", o->args->positional[1]);
  if (st == OK) st = owner_call(o, "POST", path, body, &answer);
  if (!owner_told(o, answer, &st)) {
    print_notice(answer);
    print_sendings(answer);
  }
  json_decref(body);
  json_decref(answer);
  return st;
}

static enum status do_failures(struct owner *o) {
  json_t *all = NULL, *f;
  size_t i;
  enum status st = list(o, "/admin/notifications/failures", &all);
  if (!owner_told(o, all, &st)) json_array_foreach(json_object_get(all, "items"), i, f) {
      owner_print_time(owner_number(f, "created_at_ms"));
      printf("  %-20s %-20s %-9s %-18s %s\n", owner_text(f, "tenant_id"), owner_text(f, "notice_id"), owner_text(f, "kind"), owner_text(f, "event"), owner_text(f, "reason"));
    }
  json_decref(all);
  return st;
}

static const struct operator_action actions[] = {{"list", "", 1}, {"show", "ID", 2}, {"channels", "", 1}, {"test", "CHANNEL", 2}, {"replay", "ID", 2}, {"failures", "", 1}, {NULL, NULL, 0}};
static const owner_fn runs[] = {do_list, do_show, do_channels, do_test, do_replay, do_failures};

static int run_notices(const struct cli_args *a) { return owner_run(a, actions, runs); }

static const struct cli_option notices_options[] = {OWNER_TENANT_OPTION,
  {"--event", "NAME", "list: only these, such as bot.halted"},
  {"--limit", "N", "lists: so many, the newest (100)"},
  {"--channel", "ID", "replay: to that channel (chn_…); else to those where it failed or was skipped"},
  OPERATOR_JSON_OPTION, CLI_DATA_DIR_OPTION, {NULL, NULL, NULL}};

const struct cli_command cmd_notices = {
    "notices", "list | show ID | channels | test CHANNEL | replay ID | failures", "what customers were told, and what became of it",
    "Each notice has a sending for each channel that it went to or was kept from, with the reason, and each attempt is kept. `test` sends one to a channel; `replay` sends a\n"
    "notice once more, with the same id. `failures` are those of all tenants that could not be sent.",
    notices_options, run_notices,
    "perigee notices failures                              what could not be sent to anybody\n"
    "perigee notices list --tenant WHO                     what somebody was told\n"
    "perigee notices test CHANNEL --tenant WHO             does a channel work?"};

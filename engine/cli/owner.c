// cli/owner.c – see owner.h.
#include "cli/owner.h"

#include "cli/data_dir.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

const char *owner_text(const json_t *object, const char *key) {
  const char *text = json_string_value(json_object_get(object, key));
  return text ? text : "";
}
json_int_t owner_number(const json_t *object, const char *key) { return json_integer_value(json_object_get(object, key)); }

void owner_print_time(json_int_t ms) {
  const time_t s = (time_t)(ms / 1000);
  char out[32] = "?";
  struct tm tm;
  if (gmtime_r(&s, &tm)) strftime(out, sizeof out, "%Y-%m-%d %H:%M:%S", &tm);
  printf("%s", out);
}

enum status owner_call(struct owner *o, const char *method, const char *path, const json_t *body, json_t **ret) {
  *ret = NULL;
  return api_client_call(o->client, method, path, body, ret, &o->err);
}

enum status owner_list(struct owner *o, const char *path, int64_t limit, json_t **ret) {
  char target[300], cursor[100] = "";
  const char mark = strchr(path, '?') ? '&' : '?';
  json_t *all = json_array();
  enum status st = OK;
  while (st == OK && (int64_t)json_array_size(all) < limit) {
    json_t *page = NULL;
    const int64_t left = limit - (int64_t)json_array_size(all);
    snprintf(target, sizeof target, "%s%climit=%d%s%s", path, mark, left < 200 ? (int)left : 200, cursor[0] ? "&cursor=" : "", cursor);
    st = owner_call(o, "GET", target, NULL, &page);
    if (st == OK) json_array_extend(all, json_object_get(page, "items"));
    snprintf(cursor, sizeof cursor, "%s", owner_text(page, "next_cursor"));
    json_decref(page);
    if (!cursor[0]) break;
  }
  *ret = json_pack("{s:o}", "items", all);
  return st;
}

bool owner_told(struct owner *o, const json_t *answer, enum status *st) {
  const char *path = cli_value(o->args, "--json", NULL);
  if (*st != OK || !path) return *st != OK;
  json_t *nothing = answer ? NULL : json_object();
  *st = operator_write_json(answer ? answer : nothing, path, &o->err);
  json_decref(nothing);
  return true;
}

// An address needs no escapes in a query but for what it may not have here anyway, and '+'.
static enum status tenant_of(struct owner *o, const char *wanted) {
  char target[400] = "/admin/users?limit=200&q=";
  json_t *page = NULL, *user;
  size_t i, n = strlen(target);
  for (const char *p = wanted; *p && n + 4 < sizeof target; p++) n += (size_t)snprintf(target + n, sizeof target - n, *p == '+' ? "%%2B" : "%c", *p);
  enum status st = owner_call(o, "GET", target, NULL, &page);
  if (st == OK) json_array_foreach(json_object_get(page, "items"), i, user)
      if (strcmp(owner_text(user, "email"), wanted) == 0) snprintf(o->tenant_id, sizeof o->tenant_id, "%.39s", owner_text(user, "tenant_id"));
  json_decref(page);
  return st == OK && !o->tenant_id[0] ? err_set(&o->err, ERR_NOTFOUND, "nobody has the address %s; see: perigee user list", wanted) : st;
}

static enum status name_tenant(struct owner *o) {
  const char *given = cli_value(o->args, "--tenant", NULL);
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.@+";
  if (!given) return OK;
  if (!*given || given[strspn(given, allowed)]) return err_set(&o->err, ERR_USAGE, "--tenant: \"%s\" is neither an id (org_…) nor a mail address", given);
  enum status st = OK;
  if (strchr(given, '@')) st = tenant_of(o, given);
  else snprintf(o->tenant_id, sizeof o->tenant_id, "%.39s", given);
  o->tenant = o->tenant_id;
  if (st == OK) api_client_tenant(o->client, o->tenant_id);
  return st;
}

int owner_run(const struct cli_args *a, const struct operator_action *actions, const owner_fn *runs) {
  const int action = operator_action_find(a, actions);
  struct owner o = {.args = a};
  char dir[CLI_DATA_DIR_MAX];
  if (action < 0) return 2;
  if (!cli_data_dir(a, dir)) return 2;
  enum status st = api_client_open(dir, &o.client, &o.err);
  if (st == OK) st = name_tenant(&o);
  if (st == OK) st = runs[action](&o);
  api_client_close(o.client);
  if (st != OK) cli_error("%s", o.err.msg);
  return st == OK ? 0 : st == ERR_USAGE ? 2 : 1;
}

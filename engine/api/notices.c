// api/notices.c – what was told and what became of it, what there are notices of, and who wants which.
#include "api/notices.h"

#include "api/courier.h"
#include "api/handlers.h"
#include "api/list.h"
#include "api/tier.h"
#include "net/smtp.h"
#include "notice/render.h"
#include "store/id.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ATTEMPTS_SHOWN 200

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

enum status notices_rules(struct db *db, int64_t tenant_id, struct notice_rules **ret, struct err *err) {
  char *text = NULL;
  int64_t revision;
  enum status st = preferences_get(db, tenant_id, &text, &revision, err);
  if (st != OK) return st;
  json_t *v = json_loads(text, 0, NULL);
  free(text);
  st = notice_rules_create(v, ret, err);
  json_decref(v);
  return st == ERR_INVALID ? notice_rules_create(NULL, ret, err) : st;
}

// Those that went as one with it have its end.
struct mailed {
  struct db *db;
  struct err *err;
  const struct sending_row *first;
  enum status status;
};
static bool ends_alike(void *arg, const struct sending_row *row) {
  struct mailed *m = arg;
  struct sending_row s = *row;
  memcpy(s.state, m->first->state, sizeof s.state);
  memcpy(s.reason, m->first->reason, sizeof s.reason);
  s.attempts = m->first->attempts;
  m->status = sending_update(m->db, &s, m->err);
  return m->status == OK;
}

enum status notices_mailed(struct db *db, int64_t sending_id, int outcome, const char *detail, bool over, int64_t now_ns, struct err *err) {
  static const char *const outcomes[] = {[SMTP_SENT] = "sent", [SMTP_LATER] = "later", [SMTP_OURS] = "ours", [SMTP_NEVER] = "never"};
  struct sending_row s;
  struct mailed m = {db, err, &s, OK};
  enum status st = sending_get(db, sending_id, &s, err);
  if (st == ERR_NOTFOUND) return OK;  // the channel was deleted
  if (st != OK) return st;
  s.attempts++;
  snprintf(s.state, sizeof s.state, "%s", outcome == SMTP_SENT ? "sent" : over ? "failed" : "handed");
  snprintf(s.reason, sizeof s.reason, "%s", outcome == SMTP_SENT ? "" : detail);
  const struct attempt_row a = {.id = id_next(now_ns), .sending_id = s.id, .at_ns = now_ns, .outcome = outcomes[outcome], .detail = outcome == SMTP_SENT ? "taken" : detail};
  st = attempt_insert(db, &a, err);
  if (st == OK) st = sending_update(db, &s, err);
  if (st == OK) st = sending_of_group(db, s.group_id, ends_alike, &m, err);
  if (st == OK) st = m.status;
  if (st == OK) st = outcome == SMTP_SENT ? channel_worked(db, s.channel_id, now_ns, err) : channel_failed(db, s.channel_id, detail, now_ns, err);
  return st;
}

// ---- as JSON

struct sendings {
  struct db *db;
  json_t *items;
  struct err *err;
  enum status status;
};

static bool add_sending(void *arg, const struct sending_row *row) {
  struct sendings *s = arg;
  struct channel_row channel;
  s->status = channel_find(s->db, row->channel_id, &channel, s->err);
  if (s->status != OK) return false;
  json_array_append_new(s->items, json_pack("{s:o, s:o, s:s, s:s, s:s, s:s, s:I, s:o}", "id", api_id("snd", row->id), "channel_id", api_id("chn", row->channel_id), "kind", channel.kind, "channel", channel.name, "state",
    row->state, "reason", row->reason, "attempts", (json_int_t)row->attempts, "next_at_ms", api_ms(row->next_ns)));
  return true;
}

static json_t *notice_json(struct api_call *call, struct db *db, const struct notice_row *row, enum status *ret) {
  enum notice_event event;
  if (!notice_event_parse(row->event, &event)) event = NOTICE_TEST;  // of a later version's file: nobody gets here
  char id[ID_TEXT_SIZE];
  id_format("ntc", row->id, id);
  json_t *data = json_loads(row->data, 0, NULL);
  const struct notice_about *about = notice_about(event);
  const struct notice_item item = {.event = event, .id = id, .subject = row->subject, .created_ns = row->created_ns, .more = row->more, .data = data};
  const struct notice_message message = {.product = "", .items = &item, .count = 1};
  struct buf title, text;
  buf_init(&title, 1 << 14);
  buf_init(&text, 1 << 16);
  notice_title(&message, &title);
  notice_text(&message, &text);
  struct sendings s = {.db = db, .items = json_array(), .err = &call->err, .status = OK};
  *ret = sending_of_notice(db, row->id, add_sending, &s, &call->err);
  if (*ret == OK) *ret = s.status;
  json_t *v = json_pack("{s:s, s:s, s:s, s:b, s:s, s:s, s:s, s:I, s:b, s:o, s:o}", "id", id, "event", row->event, "severity", notice_severity_text(about->severity), "critical", about->critical, "title", title.data ? title.data : "",
    "text", text.data ? text.data : "", "subject", row->subject, "more", (json_int_t)row->more, "folded", row->folded, "created_at_ms", api_ms(row->created_ns), "sendings", s.items);
  buf_finish(&title);
  buf_finish(&text);
  json_decref(data);
  return v;
}

// ---- lists

struct list {
  struct api_list page;
  enum status status;
};

static bool add_notice(void *arg, const struct notice_row *row) {
  struct list *l = arg;
  if (!api_list_room(&l->page, row->id)) return false;
  json_array_append_new(l->page.items, notice_json(l->page.call, reader(l->page.call), row, &l->status));
  return l->status == OK;
}

enum status api_notices_list(struct api_call *call) {
  struct list l = {.status = OK};
  if (!api_list_begin(call, &l.page, API_LIST_NEWEST)) return OK;
  const enum status st = notice_list(reader(call), call->who.tenant_id, api_query_text(call, "event"), l.page.at, l.page.limit + 1, add_notice, &l, &call->err);
  return api_list_end(&l.page, st == OK ? l.status : st);
}

struct one {
  struct api_call *call;
  struct db *db;
  json_t *v;
  enum status status;
};
static bool take_one(void *arg, const struct notice_row *row) {
  struct one *o = arg;
  o->v = notice_json(o->call, o->db, row, &o->status);
  return false;
}
static enum status answer_one(struct api_call *call, struct db *db, int status) {
  struct one o = {.call = call, .db = db, .status = OK};
  enum status st = notice_get(db, call->who.tenant_id, api_param_id(call, "notice_id"), take_one, &o, &call->err);
  if (st == OK) st = o.status;
  if (st != OK) return json_decref(o.v), st;
  return api_json(call, status, o.v);
}
enum status api_notice_get(struct api_call *call) { return answer_one(call, reader(call), 200); }

struct attempts {
  struct api_call *call;
  json_t *items;
  int64_t channel_id;
  enum status status;
};
static bool add_attempt(void *arg, const struct attempt_row *row) {
  struct attempts *a = arg;
  json_array_append_new(a->items, json_pack("{s:o, s:o, s:o, s:I, s:o, s:s, s:s}", "sending_id", api_id("snd", row->sending_id), "channel_id", api_id("chn", a->channel_id), "at_ms", api_ms(row->at_ns), "took_ms",
    (json_int_t)row->took_ms, "status", row->status ? json_integer(row->status) : json_null(), "outcome", row->outcome, "detail", row->detail));
  return true;
}
static bool add_attempts(void *arg, const struct sending_row *row) {
  struct attempts *a = arg;
  a->channel_id = row->channel_id;
  a->status = attempt_list(reader(a->call), row->id, ATTEMPTS_SHOWN, add_attempt, a, &a->call->err);
  return a->status == OK && json_array_size(a->items) < ATTEMPTS_SHOWN;
}
static bool is_there(void *arg, const struct notice_row *row) { return (void)arg, (void)row, false; }

enum status api_notice_attempts(struct api_call *call) {
  struct attempts a = {.call = call, .items = json_array(), .status = OK};
  const int64_t id = api_param_id(call, "notice_id");
  enum status st = notice_get(reader(call), call->who.tenant_id, id, is_there, NULL, &call->err);
  if (st == OK) st = sending_of_notice(reader(call), id, add_attempts, &a, &call->err);
  if (st == OK) st = a.status;
  if (st != OK) return json_decref(a.items), st;
  return api_json(call, 200, json_pack("{s:o}", "items", a.items));
}

// ---- once more

struct again {
  struct api_call *call;
  struct db *db;
  int64_t channel_id;
  int count;
  enum status status;
};
static bool send_again(void *arg, const struct sending_row *row) {
  struct again *a = arg;
  struct channel_row channel;
  const bool wanted = a->channel_id ? row->channel_id == a->channel_id : strcmp(row->state, "failed") == 0 || strcmp(row->state, "skipped") == 0;
  if (!wanted || row->next_ns || strcmp(row->state, "handed") == 0) return true;  // what is under way is not sent twice
  a->status = channel_find(a->db, row->channel_id, &channel, &a->call->err);
  if (a->status != OK || strcmp(channel.state, "active") != 0) return a->status == OK;
  struct sending_row s = *row;
  memcpy(s.state, "waiting", sizeof "waiting");
  s.reason[0] = '\0';
  s.digest = false;
  s.group_id = 0;
  s.next_ns = s.began_ns = a->call->now_ns;
  s.attempts = 0;
  a->status = sending_update(a->db, &s, &a->call->err);
  a->count++;
  return a->status == OK;
}
static enum status replay(struct api_call *call, struct db *db) {
  struct again a = {.call = call, .db = db, .channel_id = call->body ? api_body_id(call, "channel_id") : 0, .status = OK};
  const int64_t id = api_param_id(call, "notice_id");
  enum status st = notice_get(db, call->who.tenant_id, id, is_there, NULL, &call->err);
  if (st == OK) st = sending_of_notice(db, id, send_again, &a, &call->err);
  if (st == OK) st = a.status;
  if (st == OK && a.count == 0) return api_problem(call, PROBLEM_conflict, "There is nothing to send again: no active channel on which it failed or was skipped, or that was named and has had it.");
  if (st == OK) st = api_audit(call, db, "notice.replay", "ntc", id, NULL);
  return st == OK ? answer_one(call, db, 202) : st;
}
static enum status replayed(struct api_call *call) {
  courier_look(call->core->courier);
  return OK;
}
enum status api_notice_replay(struct api_call *call) { return api_write_then(call, replay, replayed); }

// ---- what there is

enum status api_notice_events(struct api_call *call) {
  json_t *items = json_array(), *kinds = json_array();
  const struct entitlement *e = call->who.kind == WHO_OPERATOR ? NULL : api_entitlement(call);
  if (!e && call->who.kind != WHO_OPERATOR) return json_decref(items), json_decref(kinds), call->err.code;
  for (int i = 0; i < NOTICE_EVENT_COUNT; i++) {
    const struct notice_about *a = notice_about((enum notice_event)i);
    json_array_append_new(items, json_pack("{s:s, s:s, s:b, s:s, s:s}", "name", a->name, "severity", notice_severity_text(a->severity), "critical", a->critical, "usual", notice_mode_text(a->mode), "about", a->about));
  }
  for (int i = 0; i < NOTICE_KIND_COUNT; i++) {
    const enum notice_kind k = (enum notice_kind)i;
    const char *why = "";
    const bool available = courier_available(call->core->courier, k, &why), included = !e || notices_included(e, k);
    json_array_append_new(kinds, json_pack("{s:s, s:b, s:b, s:s}", "kind", notice_kind_text(k), "available", available, "included", included, "why", !available ? why : included ? "" : "The plan does not include it."));
  }
  const char *bot = courier_telegram_name(call->core->courier);
  return api_json(call, 200, json_pack("{s:o, s:o, s:s?}", "items", items, "kinds", kinds, "telegram_bot", bot));
}

// ---- preferences

static enum status preferences(struct api_call *call, struct db *db) {
  char *text = NULL, tag[ETAG_TEXT_SIZE];
  int64_t revision;
  const enum status st = preferences_get(db, call->who.tenant_id, &text, &revision, &call->err);
  if (st != OK) return st;
  json_t *v = json_loads(text, 0, NULL);
  free(text);
  if (!call->in_write && api_not_modified(call, revision)) return json_decref(v), OK;
  if (call->in_write) etag_format(revision, tag), api_field(call, "ETag", "%s", tag);
  return api_json(call, 200, json_pack("{s:o, s:I}", "preferences", v ? v : json_object(), "revision", (json_int_t)revision));
}
enum status api_notice_preferences_get(struct api_call *call) { return preferences(call, reader(call)); }

// A key that is neither "all" nor a channel of mine would be a wish that nobody hears.
static enum status channels_fit(struct api_call *call, struct db *db) {
  const char *event, *key;
  json_t *modes, *mode;
  json_object_foreach(json_object_get(call->body, "events"), event, modes) {
    json_object_foreach(modes, key, mode) {
      struct channel_row row;
      int64_t id;
      if (strcmp(key, "all") == 0) continue;
      enum status st = id_parse("chn", key, strlen(key), &id) ? channel_get(db, call->who.tenant_id, id, &row, &call->err) : ERR_NOTFOUND;
      char pointer[120];
      snprintf(pointer, sizeof pointer, "/events/%s/%s", event, strlen(key) <= 60 ? key : "");
      if (st == ERR_NOTFOUND) return api_invalid_at(call, pointer, "is no channel of this account, and not `all`");
      if (st != OK) return st;
    }
  }
  return OK;
}

static enum status put_preferences(struct api_call *call, struct db *db) {
  char *was = NULL;
  int64_t revision;
  enum status st = preferences_get(db, call->who.tenant_id, &was, &revision, &call->err);
  free(was);
  if (st != OK) return st;
  if (!api_if_match(call, revision)) return ERR_CANCELLED;
  struct notice_rules *rules = NULL;
  struct err why;
  st = notice_rules_create(call->body, &rules, &why);
  notice_rules_destroy(rules);
  if (st == ERR_INVALID) {
    const char *colon = strchr(why.msg, ':');
    char pointer[120];
    snprintf(pointer, sizeof pointer, "%.*s", colon ? (int)(colon - why.msg) : 0, why.msg);
    return api_invalid_at(call, pointer, colon ? colon + 2 : why.msg);
  }
  if (st != OK) return call->err = why, st;
  st = channels_fit(call, db);
  char *text = st == OK ? json_dumps(call->body, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
  if (st == OK && !text) st = err_set(&call->err, ERR_NOMEM, "out of memory");
  if (st == OK) st = preferences_put(db, call->who.tenant_id, text, call->now_ns, &call->err);
  if (st == OK) st = sending_release(db, call->who.tenant_id, call->now_ns, &call->err);
  free(text);
  if (st == OK) st = api_audit(call, db, "notice.preferences", NULL, 0, NULL);
  return st == OK ? preferences(call, db) : st;
}
static enum status preferences_are_others(struct api_call *call) {
  courier_forget(call->core->courier, call->who.tenant_id);
  return OK;
}
enum status api_notice_preferences_put(struct api_call *call) { return api_write_then(call, put_preferences, preferences_are_others); }

// ---- operators

static bool take_event(void *arg, const struct notice_row *row) {
  snprintf(arg, NOTICE_EVENT_SIZE, "%s", row->event);
  return false;
}
static bool add_failure(void *arg, const struct sending_row *row) {
  struct list *l = arg;
  struct channel_row channel;
  char event[NOTICE_EVENT_SIZE] = "";
  struct api_call *call = l->page.call;
  if (!api_list_room(&l->page, row->id)) return false;
  l->status = channel_find(reader(call), row->channel_id, &channel, &call->err);
  if (l->status == OK) l->status = notice_get(reader(call), 0, row->notice_id, take_event, event, &call->err);
  if (l->status != OK) return false;
  json_array_append_new(l->page.items, json_pack("{s:o, s:o, s:o, s:o, s:s, s:s, s:s, s:I, s:o}", "sending_id", api_id("snd", row->id), "notice_id", api_id("ntc", row->notice_id), "tenant_id", api_id("org", row->tenant_id),
    "channel_id", api_id("chn", row->channel_id), "kind", channel.kind, "event", event, "reason", row->reason, "attempts", (json_int_t)row->attempts, "created_at_ms", api_ms(row->created_ns)));
  return true;
}
enum status api_admin_notice_failures(struct api_call *call) {
  struct list l = {.status = OK};
  if (!api_list_begin(call, &l.page, API_LIST_NEWEST)) return OK;
  const enum status st = sending_failures(reader(call), l.page.at, l.page.limit + 1, add_failure, &l, &call->err);
  return api_list_end(&l.page, st == OK ? l.status : st);
}

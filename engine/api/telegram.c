// api/telegram.c – see telegram.h: the polling, chats and their codes.
#include "api/telegram.h"

#include "api/core.h"
#include "api/courier.h"
#include "api/handlers.h"
#include "api/list.h"
#include "crypto/encode.h"
#include "crypto/random.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "net/http_client.h"
#include "store/hook_rows.h"
#include "store/id.h"
#include "store/store.h"
#include "tenant/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POLL_S 25
#define AT_ONCE 20             // messages in one answer
#define LOOK_MS 2000           // is there a token now?
#define BACKOFF_MIN_MS 500
#define BACKOFF_MAX_MS 60000
#define CODE_BYTES 10          // 80 bits, for ten minutes
#define CODE_NS (INT64_C(600) * 1000000000)
#define CONFIRM_MS 60000
#define CONFIRMS 64

struct telegram {
  struct api_core *core;
  struct loop_timer *timer;
  struct http_client *http;    // under way
  json_t *updates;             // being worked off
  size_t at;
  int64_t offset, backoff_ms;
  struct telegram_step *step;  // the message under way
  struct { int64_t chat, until_ms; int number; } confirms[CONFIRMS];
  int confirm_at;
};

static void next(struct telegram *t);
static void wait_a_little(struct telegram *t) {
  loop_timer_start(t->timer, t->backoff_ms, 0);
  if (t->backoff_ms < BACKOFF_MAX_MS) t->backoff_ms *= 2;
}

// ---- polling

static void on_updates(void *arg, const struct http_client_answer *answer, const char *why) {
  struct telegram *t = arg;
  json_t *body = answer ? json_loadb(answer->body, answer->body_len, 0, NULL) : NULL, *list = json_object_get(body, "result");
  t->http = NULL;
  if (answer && json_is_true(json_object_get(body, "ok")) && json_is_array(list)) {
    t->backoff_ms = BACKOFF_MIN_MS;
    t->updates = json_incref(list);
    t->at = 0;
    json_decref(body);
    return next(t);
  }
  const int64_t after_s = json_integer_value(json_object_get(json_object_get(body, "parameters"), "retry_after"));
  if (t->backoff_ms == BACKOFF_MIN_MS) {  // told once; the URL has the token and is not
    const char *text = json_string_value(json_object_get(body, "description"));
    api_log(t->core, "warning", "telegram_unread", json_pack("{s:s}", "error", text ? text : why ? why : "no answer of the Bot API"));
  }
  json_decref(body);
  if (after_s > 0) t->backoff_ms = after_s < 600 ? after_s * 1000 : 600000;
  wait_a_little(t);
}

static void poll(void *arg) {
  struct telegram *t = arg;
  char body[120];
  struct err err;
  if (t->http || t->updates) return;
  snprintf(body, sizeof body, "{\"offset\":%" PRId64 ",\"limit\":%d,\"timeout\":%d,\"allowed_updates\":[\"message\"]}", t->offset, AT_ONCE, POLL_S);
  if (t->core->courier && courier_telegram(t->core->courier, "getUpdates", body, strlen(body), (POLL_S + 10) * 1000, on_updates, t, &t->http, &err) == OK) return;
  t->http = NULL;
  loop_timer_start(t->timer, LOOK_MS, 0);
}

// ---- one message

void telegram_say(struct telegram_step *s, const char *text) {
  char chat[24];
  snprintf(chat, sizeof chat, "%" PRId64, s->chat.chat);
  courier_say(s->core->courier, NOTICE_TELEGRAM, chat, text, NULL, NULL);
}

void telegram_done(struct telegram_step *s) {
  struct telegram *t = s->t;
  if (t) {
    t->offset = s->update_id + 1;
    t->step = NULL;
    t->at++;
    loop_timer_start(t->timer, 0, 0);  // not from inside
  }
  free(s);
}

static void answered(void *arg, const struct api_answer *a) {
  struct telegram_step *s = arg;
  json_t *body = a->len ? json_loadb(a->body, a->len, 0, NULL) : NULL;
  s->then(s, a->status, body);
  json_decref(body);
}

static const char *step_field(const struct api_request *req, const char *name) {
  const struct telegram_step *s = req->transport;
  if (strcmp(name, "webhook-id") == 0) return s->id;
  return strcmp(name, "content-type") == 0 ? "application/json" : NULL;
}

void telegram_ask(struct telegram_step *s, const char *method, void (*then)(struct telegram_step *s, int status, json_t *answer)) {
  const char *mark = strchr(s->path, '?');
  s->behalf = (struct api_behalf){s->chat.user_id, s->chat.tenant_id};
  s->then = then;
  s->req = (struct api_request){.method = method, .path = s->path, .path_len = mark ? (size_t)(mark - s->path) : strlen(s->path), .query = mark ? mark + 1 : "", .query_len = mark ? strlen(mark + 1) : 0,
    .field = step_field, .transport = s, .body = s->body, .body_len = strlen(s->body), .address = "telegram", .behalf = &s->behalf, .received_ns = clock_monotonic_ns()};
  api_handle(s->core, &s->req, answered, s);
}

// No more than so many codes and answers to one stranger in a minute. What a linked chat may, the API's own limits say.
static bool may_write(struct telegram *t, int64_t chat) {
  static const struct rate_limit limit = {INT64_C(60) * 1000000000, 30, 15};
  return rate_take(t->core->rates, rate_key(t->core->rates, "a chat", &chat, sizeof chat), &limit, 1, clock_monotonic_ns()).allowed;
}

struct linking {
  struct telegram_step *step;
  uint8_t hash[SHA256_BYTES];
  int64_t now_ns;
};

static void hash_code(const char *code, size_t len, uint8_t ret[SHA256_BYTES]) {
  struct sha256_ctx c;
  sha256_init(&c);
  sha256_update(&c, code, len);
  sha256_finish(&c, ret);
}

static enum status write_link(struct db *db, void *arg, struct err *err) {
  struct linking *l = arg;
  struct chat_row *row = &l->step->chat;
  row->id = id_next(l->now_ns);
  row->linked_ns = l->now_ns;
  enum status st = chat_code_take(db, l->hash, l->now_ns, row, err);
  if (st == OK) st = chat_put(db, row, err);
  if (st != OK) return st;
  char chat[ID_TEXT_SIZE];
  id_format("cht", row->id, chat);
  return audit_add(db, &(struct audit_event){.tenant_id = row->tenant_id, .user_id = row->user_id, .action = "chat.link", .object = chat, .at_ns = l->now_ns}, err);
}

static void linked(void *arg, enum status st, const struct err *err) {
  struct linking *l = arg;
  struct telegram_step *s = l->step;
  (void)err;
  if (st == OK) telegram_say(s, s->chat.hook_id ? "This chat is linked. /help tells what it can do; other messages are signals." : "This chat is linked. /help tells what it can do.");
  else telegram_say(s, st == ERR_NOTFOUND ? "There is no such code, or its ten minutes are over. Ask for another where you are signed in." : "The code could not be taken. Try it again in a moment.");
  free(l);
  telegram_done(s);
}

static void link_chat(struct telegram_step *s, const char *code) {
  struct linking *l = malloc(sizeof *l);
  if (!l) return telegram_done(s);
  l->step = s;
  l->now_ns = clock_wall_ns();
  hash_code(code, strcspn(code, " \n"), l->hash);
  store_write(s->core->store, STORE_CONTROL, write_link, linked, l);
}

static void take(struct telegram *t, const json_t *update) {
  const json_t *message = json_object_get(update, "message"), *chat = json_object_get(message, "chat"), *from = json_object_get(message, "from"), *text = json_object_get(message, "text");
  const char *type = json_string_value(json_object_get(chat, "type")), *name = json_string_value(json_object_get(from, "first_name"));
  struct telegram_step *s = calloc(1, sizeof *s);
  struct err err;
  if (!s) return wait_a_little(t);
  s->t = t;
  s->core = t->core;
  s->update_id = json_integer_value(json_object_get(update, "update_id"));
  s->chat.chat = json_integer_value(json_object_get(chat, "id"));
  t->step = s;
  // Of groups and channels nobody knows who reads and who writes.
  if (!type || strcmp(type, "private") != 0 || json_is_true(json_object_get(from, "is_bot")) || !json_string_length(text) || json_string_length(text) >= sizeof s->text) return telegram_done(s);
  snprintf(s->text, sizeof s->text, "%s", json_string_value(text));
  snprintf(s->id, sizeof s->id, "telegram-%" PRId64, s->update_id);
  for (const char *const *word = (const char *const[]){"/start ", "/link ", NULL}; *word; word++)
    if (strncmp(s->text, *word, strlen(*word)) == 0) {
      if (!may_write(t, s->chat.chat)) return telegram_done(s);
      snprintf(s->chat.name, sizeof s->chat.name, "%.128s", name ? name : "");
      return link_chat(s, s->text + strlen(*word));
    }
  const enum status st = chat_find(store_reader(t->core->store, STORE_CONTROL), s->chat.chat, &s->chat, &err);
  if (st == OK) return telegram_said(s);
  if (may_write(t, s->chat.chat)) telegram_say(s, "This chat is not linked. Ask for a code where you are signed in, and send /link CODE here.");
  telegram_done(s);
}

static void next(struct telegram *t) {
  const json_t *update = json_array_get(t->updates, t->at);
  if (t->step) return;
  if (update) return take(t, update);
  json_decref(t->updates);
  t->updates = NULL;
  poll(t);
}

static void on_timer(void *arg) {
  struct telegram *t = arg;
  if (t->updates) next(t);
  else poll(t);
}

// ---- a number to be repeated

int telegram_confirm(struct telegram *t, int64_t chat) {
  uint16_t random;
  random_bytes(&random, sizeof random);
  const int number = 1000 + random % 9000;
  t->confirms[t->confirm_at].chat = chat;
  t->confirms[t->confirm_at].until_ms = loop_now_ms(t->core->loop) + CONFIRM_MS;
  t->confirms[t->confirm_at].number = number;
  t->confirm_at = (t->confirm_at + 1) % CONFIRMS;
  return number;
}

bool telegram_confirmed(struct telegram *t, int64_t chat, const char *number) {
  bool right = false;
  for (int i = 0; i < CONFIRMS; i++) {
    if (t->confirms[i].chat != chat) continue;
    right |= t->confirms[i].until_ms >= loop_now_ms(t->core->loop) && t->confirms[i].number == atoi(number);
    t->confirms[i].chat = 0;
  }
  return right;
}

// ---- beginning and end

enum status telegram_create(struct api_core *core, struct telegram **ret, struct err *err) {
  struct telegram *t = calloc(1, sizeof *t);
  if (!t) return err_set(err, ERR_NOMEM, "out of memory");
  t->core = core;
  t->backoff_ms = BACKOFF_MIN_MS;
  const enum status st = loop_timer_create(core->loop, on_timer, t, &t->timer, err);
  if (st != OK) return free(t), st;
  loop_timer_start(t->timer, 0, 0);
  *ret = t;
  return OK;
}

void telegram_destroy(struct telegram *t) {
  if (!t) return;
  if (t->http) http_client_cancel(t->http);
  if (t->step) t->step->t = NULL;
  loop_timer_destroy(t->timer);
  json_decref(t->updates);
  free(t);
}

// ---- routes: codes and chats

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

static enum status give_code(struct api_call *call, struct db *db) {
  uint8_t bytes[CODE_BYTES], hash[SHA256_BYTES];
  char code[BASE32_SIZE(CODE_BYTES)], link[200] = "";
  struct hook_row hook;
  const int64_t hook_id = api_body_id(call, "hook_id");
  enum status st = hook_id ? hook_get(db, call->who.tenant_id, hook_id, &hook, &call->err) : OK;
  if (st == ERR_NOTFOUND) return api_invalid_at(call, "/hook_id", "is no hook of yours");
  if (st == OK && hook_id) hook_row_finish(&hook);
  random_bytes(bytes, sizeof bytes);
  base32_encode(bytes, sizeof bytes, code);
  hash_code(code, strlen(code), hash);
  if (st == OK) st = chat_code_put(db, hash, call->who.tenant_id, call->who.user_id, hook_id, call->now_ns + CODE_NS, &call->err);
  if (st == OK) st = api_audit(call, db, "chat.code", NULL, 0, NULL);
  if (st != OK) return st;
  const char *bot = courier_telegram_name(call->core->courier);
  if (bot) snprintf(link, sizeof link, "https://t.me/%s?start=%s", bot, code);
  return api_json(call, 201, json_pack("{s:s, s:o, s:s?, s:s?}", "code", code, "expires_at_ms", api_ms(call->now_ns + CODE_NS), "telegram_bot", bot, "link", bot ? link : NULL));
}
enum status api_chat_code(struct api_call *call) {
  const char *why;
  if (!call->who.user_id) return api_problem(call, PROBLEM_conflict, "A chat belongs to a person; the operator at the machine is none.");
  if (!courier_available(call->core->courier, NOTICE_TELEGRAM, &why)) return api_problem(call, PROBLEM_conflict, why);
  return api_write(call, give_code);
}

static bool add_chat(void *arg, const struct chat_row *row) {
  struct api_list *l = arg;
  if (!api_list_room(l, row->id)) return false;
  json_array_append_new(l->items, json_pack("{s:o, s:s, s:o, s:o, s:o}", "id", api_id("cht", row->id), "name", row->name, "user_id", api_id("usr", row->user_id), "hook_id",
    row->hook_id ? api_id("hok", row->hook_id) : json_null(), "linked_at_ms", api_ms(row->linked_ns)));
  return true;
}
enum status api_chats_list(struct api_call *call) {
  struct api_list l;
  if (!api_list_begin(call, &l, API_LIST_NEWEST)) return OK;
  return api_list_end(&l, chat_list(reader(call), call->who.tenant_id, l.at, l.limit + 1, add_chat, &l, &call->err));
}

static enum status delete(struct api_call *call, struct db *db) {
  const int64_t id = api_param_id(call, "chat_id");
  enum status st = chat_delete(db, call->who.tenant_id, id, &call->err);
  if (st == OK) st = api_audit(call, db, "chat.delete", NULL, 0, NULL);
  return st == OK ? api_json(call, 204, NULL) : st;
}
enum status api_chat_delete(struct api_call *call) { return api_write(call, delete); }

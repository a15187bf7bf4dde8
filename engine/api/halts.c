// api/halts.c – the kill switch: everything, a venue, a tenant or a bot for operators; all of a tenant's bots or one for their owner.
//
// The halt comes first and is on disk when it is answered; the audit log is written after it, and a database that refuses stops
// neither. So these calls do not go through api_write, whose rule is the opposite.
#include "api/core.h"
#include "api/handlers.h"
#include "bot/halt_file.h"
#include "notice/tell.h"
#include "store/bot_rows.h"
#include "store/desk_rows.h"
#include "store/id.h"
#include "store/notice_rows.h"
#include "store/store.h"
#include "store/user_rows.h"
#include "tenant/audit.h"

#include <stdio.h>
#include <string.h>

static const char *level_text(enum refusal_level level) { return level == LEVEL_ALL ? "all" : refusal_level_text(level); }

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

// ---- what is halted

static json_t *entry_json(const struct halt_entry *e) {
  char name[HALT_NAME_SIZE];
  const enum refusal_level level = (enum refusal_level)e->level;
  return json_pack("{s:s, s:s, s:s, s:s, s:I, s:o}", "level", level_text(level), "id", level == LEVEL_ALL ? "" : halt_name(level, e->id, name), "mode",
                   halt_mode_text((enum halt_mode)e->mode), "cause", halt_cause_text((enum halt_cause)e->cause), "epoch", (json_int_t)e->epoch, "since_ms", api_ms(e->at_ns));
}

// For operators: who did it, by the audit log, and what the tenant or bot is called.
static json_t *known_json(struct api_call *call, const struct halt_entry *e) {
  char object[HALT_NAME_SIZE], name[256];
  struct audit_row did;
  struct user_row user;
  struct bot_row bot;
  struct err err;
  json_t *v = entry_json(e);
  const enum refusal_level level = (enum refusal_level)e->level;
  const bool found = audit_find(reader(call), "halt.set", level == LEVEL_ALL ? "" : halt_name(level, e->id, object), e->at_ns, &did, &err) == OK;
  const int64_t who = !found ? 0 : did.actor_id ? did.actor_id : did.user_id;
  const struct halt_desk *desk = call->core->halts;
  if (desk->count) json_object_set_new(v, "bots", json_integer((json_int_t)desk->count(desk->self, e)));
  json_object_set_new(v, "by", who && user_get(reader(call), who, &user, &err) == OK && user.email[0] ? json_string(user.email) : json_null());
  if (level == LEVEL_TENANT && desk_tenant_name(reader(call), (int64_t)e->id, name, sizeof name, &err) == OK) json_object_set_new(v, "name", json_string(name));
  if (level == LEVEL_BOT && bot_find(reader(call), (int64_t)e->id, &bot, &err) == OK) {
    json_object_set_new(v, "name", json_string(bot.name));
    bot_row_finish(&bot);
  }
  return v;
}

static bool concerns(struct api_call *call, const struct halt_entry *e) {
  if (e->level == LEVEL_TENANT) return e->id == (uint64_t)call->who.tenant_id;
  if (e->level != LEVEL_BOT) return true;  // a venue: whoever trades there wants to know
  struct bot_row row;
  const bool mine = bot_get(reader(call), call->who.tenant_id, (int64_t)e->id, &row, &call->err) == OK;
  if (mine) bot_row_finish(&row);
  return mine;
}

// all: for operators; else what concerns the caller's tenant.
static json_t *list_json(struct api_call *call, bool all) {
  const struct halt_state *s = call->core->halts->list(call->core->halts->self);
  json_t *items = json_array();
  if (s->all.mode != HALT_NONE) json_array_append_new(items, all ? known_json(call, &s->all) : entry_json(&s->all));
  for (uint32_t i = 0; i < s->count; i++)
    if (all || concerns(call, &s->entries[i])) json_array_append_new(items, all ? known_json(call, &s->entries[i]) : entry_json(&s->entries[i]));
  return json_pack("{s:I, s:o}", "epoch", (json_int_t)s->epoch, "items", items);
}

// ---- changing it

struct change {
  enum refusal_level level;
  uint64_t id;
  enum halt_mode mode;  // NONE: resume
  bool operators;
  bool audited;
  struct audit_event event;
  struct err err;
  char object[HALT_NAME_SIZE], detail[64], agent[200], address[64];
};

// Whom it concerns: the bot's or tenant's owner; of everything and of a venue all who trade there.
struct telling {
  struct db *db;
  const struct change *change;
  const char *subject, *scope;
  struct err *err;
  enum status status;
};
static bool tell_one(void *arg, int64_t tenant_id) {
  struct telling *t = arg;
  const struct change *c = t->change;
  const bool set = c->mode != HALT_NONE;
  t->status = notice_tell(t->db, tenant_id, set ? NOTICE_HALT_SET : NOTICE_HALT_CLEARED, t->subject, NULL, json_pack("{s:s, s:s, s:s, s:s}", "scope", t->scope, "object", c->level == LEVEL_VENUE ? c->object : "", "mode",
    halt_mode_text(c->mode), "by", c->operators ? "the operator of this service" : "its owner"), c->event.at_ns, t->err);
  return t->status == OK;
}
static enum status tell(struct db *db, const struct change *c, struct err *err) {
  struct bot_row bot;
  struct telling t = {.db = db, .change = c, .scope = c->level == LEVEL_ALL ? "All trading here is" : c->level == LEVEL_VENUE ? "All trading at the venue" : c->level == LEVEL_TENANT ? "All your bots are" : "One bot is", .err = err, .status = OK};
  enum status st = OK;
  if (c->level == LEVEL_ALL) st = notice_traders(db, NULL, tell_one, &t, err);
  if (c->level == LEVEL_VENUE) st = notice_traders(db, c->object, tell_one, &t, err);
  if (c->level == LEVEL_TENANT) tell_one(&t, (int64_t)c->id);
  if (c->level == LEVEL_BOT && (st = bot_find(db, (int64_t)c->id, &bot, err)) == OK) {
    char name[BOT_NAME_SIZE + 20];
    snprintf(name, sizeof name, "The bot %s is", bot.name);
    t.subject = c->object, t.scope = name;
    tell_one(&t, bot.tenant_id);
    bot_row_finish(&bot);
  }
  return st == ERR_NOTFOUND ? OK : st == OK ? t.status : st;
}

static enum status write_audit(struct db *db, void *arg, struct err *err) {
  const struct api_call *call = arg;
  const struct change *c = call->state;
  const enum status st = audit_add(db, &c->event, err);
  return st == OK ? tell(db, c, err) : st;
}

static enum status answer(struct api_call *call) {
  const struct change *c = call->state;
  json_t *v = list_json(call, c->operators);
  json_object_set_new(v, "audited", json_boolean(c->audited));
  return api_json(call, 200, v);
}

static void audited(void *arg, enum status st, const struct err *err) {
  struct api_call *call = arg;
  struct change *c = call->state;
  c->audited = st == OK;
  if (st != OK) api_log(call->core, "error", "halt_not_audited", json_pack("{s:s, s:s}", "object", c->object, "error", err->msg));
  api_resume(call, answer);
}

static enum status audit(struct api_call *call) {
  struct change *c = call->state;
  const char *agent = call->req->field(call->req, "user-agent");
  snprintf(c->agent, sizeof c->agent, "%s", agent ? agent : "");
  snprintf(c->address, sizeof c->address, "%s", call->req->address);
  if (c->mode != HALT_NONE) snprintf(c->detail, sizeof c->detail, "{\"level\":\"%s\",\"mode\":\"%s\"}", level_text(c->level), halt_mode_text(c->mode));
  else snprintf(c->detail, sizeof c->detail, "{\"level\":\"%s\"}", level_text(c->level));
  c->event = (struct audit_event){.tenant_id = call->who.tenant_id, .user_id = call->who.user_id, .actor_id = call->who.actor_id,
    .action = c->mode != HALT_NONE ? "halt.set" : "halt.clear", .object = c->level == LEVEL_ALL ? "" : c->object, .detail = c->detail, .address = c->address,
    .user_agent = c->agent, .at_ns = call->now_ns};
  api_log(call->core, "warning", c->mode != HALT_NONE ? "halted" : "resumed", json_pack("{s:s, s:s}", "scope", level_text(c->level), "object", c->object));
  store_write(api_store(call), STORE_CONTROL, write_audit, audited, call);
  return api_wait(call);
}

static enum status change(struct api_call *call, struct change how) {
  const struct halt_desk *desk = call->core->halts;
  if (!desk) return api_problem(call, PROBLEM_unavailable, "No bots run in this process.");
  struct change *c = call->state = api_alloc(call, sizeof *c);
  if (!c) return err_set(&call->err, ERR_NOMEM, "out of memory");
  *c = how;
  halt_name(c->level, c->id, c->object);
  const enum halt_cause cause = c->operators ? HALT_BY_OPERATOR : HALT_BY_OWNER;
  const struct halt_entry *there = halt_find(desk->list(desk->self), c->level, c->id);
  if (c->mode == HALT_NONE && there && !c->operators && there->cause != HALT_BY_OWNER)
    return api_problemf(call, PROBLEM_conflict, "It was not its owner who halted it (%s): only an operator can resume it.", halt_cause_text((enum halt_cause)there->cause));
  enum status st = c->mode != HALT_NONE ? desk->set(desk->self, c->level, c->id, c->mode, cause, call->now_ns, &c->err) : desk->clear(desk->self, c->level, c->id, &c->err);
  switch (st) {
    case OK: return audit(call);
    case ERR_NOTFOUND: return api_problem(call, PROBLEM_not_found, "It is not halted.");
    case ERR_EXISTS: return api_problem(call, PROBLEM_conflict, "The file HALT in the data directory asks for it: remove the file, or its line, first.");
    case ERR_LIMIT: return api_problem(call, PROBLEM_storage_failed, "It is not halted: so much is halted here that there is no room. Stop your bots instead, and tell an operator.");
    default:
      api_log(call->core, "error", "halt_not_durable", json_pack("{s:s, s:s}", "object", c->object, "error", c->err.msg));
      return api_problem(call, PROBLEM_storage_failed, c->mode != HALT_NONE ? "It is halted, but that could not be written: a restart may forget it." : "It could not be written, so it stays halted.");
  }
}

// ---- operators

// False: answered.
static bool target(struct api_call *call, const char *level, const char *id, const char *pointer, struct change *ret) {
  char line[120];
  const bool all = strcmp(level, "all") == 0;
  ret->operators = true;
  call->who.tenant_id = 0;  // of the site, whatever tenant the operator is in
  snprintf(line, sizeof line, "%s %s", level, id && !all ? id : "");
  enum halt_mode mode;
  if (!(all && id && *id) && (!id || !strpbrk(id, " \t")) && halt_line_parse(line, strlen(line), &ret->level, &ret->id, &mode)) return true;
  (void)api_invalid_at(call, pointer, all ? "everything has no id" : strcmp(level, "venue") == 0 ? "a venue's name is needed" : "the id of a tenant or bot is needed");
  return false;
}

static enum halt_mode mode_of(struct api_call *call) {
  const char *text = call->body ? api_body_text(call, "mode") : NULL;
  for (int m = HALT_REDUCE; text && m < HALT_MODE_COUNT; m++)
    if (strcmp(text, halt_mode_text((enum halt_mode)m)) == 0) return (enum halt_mode)m;
  return HALT_SILENT;
}

enum status api_admin_halt_get(struct api_call *call) {
  if (!call->core->halts) return api_problem(call, PROBLEM_unavailable, "No bots run in this process.");
  return api_json(call, 200, list_json(call, true));
}
enum status api_admin_halt_set(struct api_call *call) {
  struct change c = {.mode = mode_of(call)};
  return target(call, api_body_text(call, "level"), api_body_text(call, "id"), "/id", &c) ? change(call, c) : OK;
}
enum status api_admin_halt_clear(struct api_call *call) {
  struct change c = {.mode = HALT_NONE};
  return target(call, api_query_text(call, "level"), api_query_text(call, "id"), "?id", &c) ? change(call, c) : OK;
}

// ---- owners

enum status api_halt_get(struct api_call *call) {
  if (!call->core->halts) return api_problem(call, PROBLEM_unavailable, "No bots run in this process.");
  return api_json(call, 200, list_json(call, false));
}
enum status api_halt_set(struct api_call *call) {
  return change(call, (struct change){.level = LEVEL_TENANT, .id = (uint64_t)call->who.tenant_id, .mode = mode_of(call)});
}
enum status api_halt_clear(struct api_call *call) { return change(call, (struct change){.level = LEVEL_TENANT, .id = (uint64_t)call->who.tenant_id}); }

static enum status change_bot(struct api_call *call, enum halt_mode mode) {
  struct bot_row row;
  const int64_t id = api_param_id(call, "bot_id");
  const enum status st = bot_get(reader(call), call->who.tenant_id, id, &row, &call->err);
  if (st != OK) return st;
  bot_row_finish(&row);
  return change(call, (struct change){.level = LEVEL_BOT, .id = (uint64_t)id, .mode = mode});
}
enum status api_bot_halt_set(struct api_call *call) { return change_bot(call, mode_of(call)); }
enum status api_bot_halt_clear(struct api_call *call) { return change_bot(call, HALT_NONE); }

// api/bots.c – bots: set up, shown, changed, copied and deleted. What is started, paused and stopped is in bots_actions.c.
#include "api/bots.h"
#include "api/core.h"
#include "api/handlers.h"
#include "api/list.h"
#include "api/tier.h"
#include "bot/halt_file.h"
#include "store/id.h"
#include "store/replay_rows.h"
#include "store/script_rows.h"
#include "store/store.h"
#include "store/vault_rows.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

// ---- as clients see them

static json_t *tree_of(const char *text) {
  json_t *v = json_loads(text, 0, NULL);
  return v ? v : json_null();
}
static json_t *number_or_null(int64_t n) { return n ? json_integer(n) : json_null(); }

json_t *bots_json(struct api_call *call, struct db *db, const struct bot_row *row, bool live) {
  struct account_row account;
  const struct bot_standing *s = &row->standing;
  const bool paper = account_get(db, row->tenant_id, row->account_id, &account, &call->err) == OK && strcmp(account.venue, ACCOUNT_PAPER) == 0;
  json_t *v = json_pack("{s:o, s:s, s:o, s:b, s:o, s:o, s:o, s:s, s:s, s:s}", "id", api_id("bot", row->id), "name", row->name, "account_id", api_id("acc", row->account_id),
                        "paper", paper, "strategy_id", api_id("str", row->script_id), "version", number_or_null(row->version), "previous_version",
                        number_or_null(row->previous_version), "venue", row->venue, "symbol", row->symbol, "timeframe",
                        row->timeframe);
  json_t *w = json_pack("{s:o, s:o, s:o, s:I, s:s, s:s, s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:I}", "pairs", tree_of(row->pairs), "params", tree_of(row->params), "settings",
                        tree_of(row->settings), "seed", (json_int_t)row->seed, "wanted", row->wanted, "state", s->state, "reason_code", s->reason_code, "reason", s->reason,
                        "strikes", (json_int_t)s->strikes, "retries", (json_int_t)s->retries, "since_ms", api_ms(s->since_ns), "retry_at_ms", api_ms(s->retry_at_ns),
                        "created_at_ms", api_ms(row->created_ns), "updated_at_ms", api_ms(row->updated_ns), "revision", (json_int_t)row->revision);
  int64_t group;
  if (v && w) json_object_update(v, w);
  if (v && bot_group_of(db, row->id, &group, &call->err) == OK) json_object_set_new(v, "group_id", api_id("bot", group));
  json_decref(w);
  if (v && live) {
    json_t *now = bots_live_json(call->core, row->id);
    double share;
    json_object_set_new(v, "live", now ? now : json_null());
    json_object_set_new(v, "progress", call->core->live && live_preparing(call->core->live, row->id, &share) ? json_real(share) : json_null());
  }
  return v;
}

enum status bots_answer(struct api_call *call, struct db *db, int status, const struct bot_row *row) {
  char tag[ETAG_TEXT_SIZE];
  etag_format(row->revision, tag);
  api_field(call, "ETag", "%s", tag);
  return api_json(call, status, bots_json(call, db, row, false));
}

// ---- its life, as the row tells it

void bots_life(const struct bot_row *row, struct life *ret) {
  const int state = life_state_parse(row->standing.state), wanted = life_want_parse(row->wanted), reason = life_reason_parse(row->standing.reason_code);
  // A name that this program does not know was written by a newer one: what can be done with it is nothing but stopping.
  *ret = (struct life){.state = state < 0 ? LIFE_DEAD : (enum life_state)state, .wanted = wanted < 0 ? LIFE_WANT_STOPPED : (enum life_want)wanted,
                       .reason = reason < 0 ? LIFE_WHY_DEAD : (enum life_reason)reason, .strikes = (int)row->standing.strikes, .retries = (int)row->standing.retries,
                       .since_ns = row->standing.since_ns, .retry_at_ns = row->standing.retry_at_ns};
}

enum status bots_set_life(struct api_call *call, struct bot_row *row, const struct life *l, const char *detail) {
  struct bot_standing *s = &row->standing;
  const size_t size = strlen(life_reason_text(l->reason)) + (detail ? strlen(detail) : 0) + 2;
  char *reason = api_alloc(call, size);
  if (!reason) return err_set(&call->err, ERR_NOMEM, "out of memory");
  life_explain(l->reason, detail, reason, size);
  snprintf(row->wanted, sizeof row->wanted, "%s", life_want_text(l->wanted));
  snprintf(s->state, sizeof s->state, "%s", life_state_text(l->state));
  snprintf(s->reason_code, sizeof s->reason_code, "%s", life_reason_code(l->reason));
  s->reason = reason;
  s->strikes = l->strikes, s->retries = l->retries, s->since_ns = l->since_ns, s->retry_at_ns = l->retry_at_ns;
  return OK;
}

enum status bots_step(struct api_call *call, struct bot_row *row, enum life_event e, bool *ret_changed) {
  struct life l, before;
  enum life_reason why;
  bots_life(row, &l);
  before = l;
  const enum life_verdict verdict = life_step(&l, e, call->now_ns, &why);
  if (verdict == LIFE_REFUSED) return api_problem(call, PROBLEM_conflict, life_reason_text(why));
  // Where nothing runs, nobody else would tell that there is nothing left to close.
  if (l.state == LIFE_STOPPING && !bots_runtime(call->core)) life_step(&l, LIFE_CLOSED, call->now_ns, NULL);
  *ret_changed = verdict == LIFE_CHANGED || l.wanted != before.wanted || l.strikes != before.strikes || l.retries != before.retries;
  // What is kept keeps its words too, which may tell more than the reason's.
  if (verdict == LIFE_CHANGED) return bots_set_life(call, row, &l, NULL);
  snprintf(row->wanted, sizeof row->wanted, "%s", life_want_text(l.wanted));
  row->standing.strikes = l.strikes, row->standing.retries = l.retries;
  return OK;
}

// ---- reading

static bool add_bot(void *arg, const struct bot_row *row) {
  struct api_list *l = arg;
  if (!api_list_room(l, row->id)) return false;
  json_array_append_new(l->items, bots_json(l->call, reader(l->call), row, true));
  return true;
}

enum status api_bots_list(struct api_call *call) {
  struct api_list l;
  if (!api_list_begin(call, &l, API_LIST_NEWEST)) return OK;
  // A caller without a tenant is the operator at the machine, and has the operators' list.
  if (call->who.tenant_id == 0) return api_list_end(&l, OK);
  const struct bot_filter f = {.tenant_id = call->who.tenant_id, .script_id = api_query_id(call, "strategy_id"), .account_id = api_query_id(call, "account_id"),
                               .state = api_query_text(call, "state")};
  return api_list_end(&l, bot_list(reader(call), &f, l.at, l.limit + 1, add_bot, &l, &call->err));
}

enum status api_bot_get(struct api_call *call) {
  struct bot_row row;
  enum status st = bot_get(reader(call), call->who.tenant_id, api_param_id(call, "bot_id"), &row, &call->err);
  if (st != OK) return st;
  char tag[ETAG_TEXT_SIZE];
  etag_format(row.revision, tag);
  api_field(call, "ETag", "%s", tag);
  st = api_json(call, 200, bots_json(call, reader(call), &row, true));
  bot_row_finish(&row);
  return st;
}

static bool add_failure(void *arg, const struct bot_failure *f) {
  struct api_list *l = arg;
  if (!api_list_room(l, f->id)) return false;
  json_array_append_new(l->items, json_pack("{s:o, s:o, s:s, s:o, s:I, s:I, s:s}", "id", api_id("flt", f->id), "at_ms", api_ms(f->at_ns), "what", f->what, "version",
                                            number_or_null(f->version), "strikes", (json_int_t)f->strikes, "retries", (json_int_t)f->retries, "detail", f->detail));
  return true;
}

enum status bots_failures_answer(struct api_call *call, int64_t bot_id) {
  struct api_list l;
  if (!api_list_begin(call, &l, API_LIST_NEWEST)) return OK;
  return api_list_end(&l, bot_failure_list(reader(call), bot_id, l.at, l.limit + 1, add_failure, &l, &call->err));
}

enum status api_bot_failures(struct api_call *call) {
  struct bot_row row;
  enum status st = bot_get(reader(call), call->who.tenant_id, api_param_id(call, "bot_id"), &row, &call->err);
  if (st != OK) return st;
  bot_row_finish(&row);
  return bots_failures_answer(call, row.id);
}

// ---- setting up and changing

struct edit {
  int64_t id;
  char name[BOT_NAME_SIZE];  // of a clone
  char venue[BOT_VENUE_SIZE];
  bool venue_known;  // found on the loop
  struct bot_row row;
};

static void take_text(struct api_call *call, const char *key, char *out, size_t size) {
  const char *text = api_body_text(call, key);
  if (text) snprintf(out, size, "%s", text);
}

// What the body says of a bot, into the row; params are for bots_fit.
static enum status take_body(struct api_call *call, struct db *db, struct bot_row *row) {
  struct account_row account;
  json_t *settings = json_object_get(call->body, "settings"), *version = json_object_get(call->body, "version");
  if (api_body_text(call, "name")) row->name = api_body_text(call, "name");
  take_text(call, "venue", row->venue, sizeof row->venue);
  take_text(call, "symbol", row->symbol, sizeof row->symbol);
  take_text(call, "timeframe", row->timeframe, sizeof row->timeframe);
  if (version) row->version = json_integer_value(version);  // null: 0
  row->seed = api_body_int(call, "seed", row->seed);
  enum status st = settings ? bots_settings(call, settings, NULL) : OK;
  if (st != OK) return st;
  if (settings && !(row->settings = bots_text(call, settings))) return err_set(&call->err, ERR_NOMEM, "out of memory");
  if (api_body_id(call, "account_id")) row->account_id = api_body_id(call, "account_id");
  st = account_get(db, call->who.tenant_id, row->account_id, &account, &call->err);
  return st == ERR_NOTFOUND ? api_invalid_at(call, "/account_id", "there is no such account") : st;
}

static enum status start_now(struct api_call *call, struct db *db, struct bot_row *row) {
  bool changed;
  enum status st = bots_step(call, row, LIFE_START, &changed);
  return st == OK ? bots_hold(call, db, row) : st;
}

enum status bots_store_new(struct api_call *call, struct db *db, struct bot_row *row, const json_t *params) {
  int64_t count;
  struct life l;
  enum status st = bot_count(db, row->tenant_id, 0, 0, &count, &call->err);
  if (st == OK && count >= BOTS_MAX) return api_problemf(call, PROBLEM_tier_limit, "There are %d bots already; delete some first.", BOTS_MAX);
  life_init(&l, call->now_ns);
  if (st == OK) st = bots_set_life(call, row, &l, NULL);
  if (st == OK) st = bots_fit(call, db, row, params, json_object_get(call->body, "params"), false);
  if (st == OK && api_body_flag(call, "start")) st = start_now(call, db, row);
  if (st == OK) st = bot_insert(db, row, &call->err);
  return st == OK ? api_audit(call, db, "bot.create", "bot", row->id, NULL) : st;
}

static enum status store_new(struct api_call *call, struct db *db, struct bot_row *row, const json_t *params) {
  const enum status st = bots_store_new(call, db, row, params);
  return st == OK ? bots_answer(call, db, 201, row) : st;
}

void bots_fresh(struct api_call *call, struct bot_row *row, int64_t id) {
  row->id = id;
  row->tenant_id = call->who.tenant_id;
  row->created_ns = row->updated_ns = call->now_ns;
  row->revision = 1;
  row->texts = NULL;
}

static enum status create(struct api_call *call, struct db *db) {
  struct edit *e = call->state;
  struct bot_row *row = &e->row;
  const char *preset = api_body_text(call, "preset"), *strategy = api_body_text(call, "strategy");
  *row = (struct bot_row){.name = "", .settings = "{}", .seed = 1};
  bots_fresh(call, row, e->id);
  enum status st = take_body(call, db, row);
  snprintf(row->venue, sizeof row->venue, "%s", e->venue);
  if (st == OK) st = bots_script(call, db, &row->script_id);
  if (st != OK) return st;
  if (preset && !strategy) return api_invalid_at(call, "/strategy", "goes with preset");
  json_t *params = preset ? bots_preset(db, strategy, preset) : json_object();
  if (!params) return api_invalid_at(call, "/preset", "this strategy has no such preset");
  json_t *all = json_deep_copy(params);
  json_decref(params);
  json_object_update(all, json_object_get(call->body, "params"));
  st = all ? store_new(call, db, row, all) : err_set(&call->err, ERR_NOMEM, "out of memory");
  json_decref(all);
  return st;
}

static enum status changed(struct api_call *call) {
  const struct edit *e = call->state;
  bots_changed(call->core, e->id);
  return OK;
}

static struct edit *edit_begin(struct api_call *call, int64_t id) {
  struct edit *e = call->state = api_alloc(call, sizeof *e);
  if (!e) err_set(&call->err, ERR_NOMEM, "out of memory");
  else e->id = id;
  return e;
}

// Of a request that names a symbol or an account: the venue of its prices. False: answered.
static bool find_venue(struct api_call *call, struct edit *e, int64_t account_id, const char *symbol) {
  struct account_row account;
  char market[BOT_VENUE_SIZE];
  const char *wanted = api_body_text(call, "venue");
  if (!wanted) {
    const bool there = account_get(reader(call), call->who.tenant_id, account_id, &account, &call->err) == OK;
    if (!there) return (void)api_invalid_at(call, "/account_id", "there is no such account"), false;
    wanted = bots_market(call, &account, market);
  }
  e->venue_known = bots_venue(call, wanted, symbol, e->venue);
  return e->venue_known;
}

enum status api_bot_create(struct api_call *call) {
  struct edit *e = edit_begin(call, id_next(call->now_ns));
  if (!e || (api_body_flag(call, "start") ? !bots_may_start(call, NULL) : !api_entitlement(call))) return call->err.code;
  if (!find_venue(call, e, api_body_id(call, "account_id"), api_body_text(call, "symbol"))) return OK;
  if (api_body_flag(call, "start") && !bots_afford(call, api_body_id(call, "account_id"), 0, json_object_get(call->body, "settings"))) return OK;
  return api_write_then(call, create, changed);
}

static enum status clone(struct api_call *call, struct db *db) {
  struct edit *e = call->state;
  struct bot_row from;
  enum status st = bot_get(db, call->who.tenant_id, api_param_id(call, "bot_id"), &from, &call->err);
  if (st != OK) return st;
  struct bot_row *row = &e->row;
  *row = from;
  bots_fresh(call, row, e->id);
  row->previous_version = row->shadow_version = row->generation = 0;
  row->close = false;
  if (strlen(row->name) + sizeof " (copy)" <= sizeof e->name) {
    snprintf(e->name, sizeof e->name, "%s (copy)", row->name);
    row->name = e->name;
  }
  st = take_body(call, db, row);
  if (e->venue_known) snprintf(row->venue, sizeof row->venue, "%s", e->venue);
  json_t *params = json_loads(from.params, 0, NULL);
  json_object_update(params, json_object_get(call->body, "params"));
  if (st == OK) st = params ? store_new(call, db, row, params) : err_set(&call->err, ERR_NOMEM, "out of memory");
  json_decref(params);
  bot_row_finish(&from);
  return st;
}

enum status api_bot_clone(struct api_call *call) {
  struct bot_row from;
  enum status st = bot_get(reader(call), call->who.tenant_id, api_param_id(call, "bot_id"), &from, &call->err);
  if (st != OK) return st;
  const int64_t account_id = api_body_id(call, "account_id") ? api_body_id(call, "account_id") : from.account_id;
  const json_t *given = json_object_get(call->body, "settings");
  json_t *settings = given ? json_incref((json_t *)given) : json_loads(from.settings, 0, NULL);
  const bool affords = !api_body_flag(call, "start") || bots_afford(call, account_id, 0, settings);
  json_decref(settings);
  bot_row_finish(&from);
  if (!affords) return OK;
  struct edit *e = edit_begin(call, id_next(call->now_ns));
  if (!e || (api_body_flag(call, "start") ? !bots_may_start(call, NULL) : !api_entitlement(call))) return call->err.code;
  const char *symbol = api_body_text(call, "symbol");
  if ((symbol || api_body_id(call, "account_id") || api_body_text(call, "venue")) && !find_venue(call, e, account_id, symbol ? symbol : from.symbol)) return OK;
  return api_write_then(call, clone, changed);
}

// Whether what the bot is made of may change: nothing of it is open.
static bool is_ended(const struct bot_row *row) {
  struct life l;
  bots_life(row, &l);
  return l.state == LIFE_STOPPED || life_is_held(l.state);
}

static enum status patch_row(struct api_call *call, struct db *db, struct bot_row *row) {
  static const char *const any_time[] = {"name", "settings"};
  struct edit *e = call->state;
  bool more = false, stepped;
  const char *key;
  json_t *v, *given = json_object_get(call->body, "params");
  json_object_foreach(call->body, key, v) more |= strcmp(key, any_time[0]) != 0 && strcmp(key, any_time[1]) != 0;
  if (more && !is_ended(row))
    return api_problem(call, PROBLEM_conflict, "Only name and settings can be changed while the bot is started. Stop it first; for parameters and versions there are `params` and `reload`.");
  enum status st = take_body(call, db, row);
  if (e->venue_known) snprintf(row->venue, sizeof row->venue, "%s", e->venue);
  if (st != OK || !more) return st;
  // A started one that has failed holds places in the plan for the pairs it had.
  const bool held = strcmp(row->wanted, "stopped") != 0;
  if (held) st = bots_let_go(db, row, &call->err);
  json_t *params = given ? json_incref(given) : json_loads(row->params, 0, NULL);
  if (st == OK) st = bots_fit(call, db, row, params, given, false);
  json_decref(params);
  if (st == OK && held) st = bots_hold(call, db, row);
  return st == OK ? bots_step(call, row, LIFE_MEND, &stepped) : st;
}

static enum status patch(struct api_call *call, struct db *db) {
  struct edit *e = call->state;
  struct bot_row row;
  enum status st = bot_get(db, call->who.tenant_id, e->id, &row, &call->err);
  if (st != OK) return st;
  char *texts = row.texts;
  const char *before = row.settings;
  if (!api_if_match(call, row.revision)) st = ERR_CANCELLED;
  if (st == OK) st = patch_row(call, db, &row);
  row.updated_ns = call->now_ns;
  if (st == OK) st = bot_update(db, &row, &call->err);
  row.revision++;
  json_t *was = json_loads(before, 0, NULL), *is = json_loads(row.settings, 0, NULL);
  char *detail = risk_difference(was, is);  // of its limits, for who asks later when they changed
  if (st == OK) st = api_audit(call, db, "bot.change", "bot", row.id, detail);
  json_decref(was);
  json_decref(is);
  free(detail);
  if (st == OK) st = bots_answer(call, db, 200, &row);
  free(texts);
  return st;
}

enum status api_bot_patch(struct api_call *call) {
  struct bot_row row;
  enum status st = bot_get(reader(call), call->who.tenant_id, api_param_id(call, "bot_id"), &row, &call->err);
  if (st != OK) return st;
  bot_row_finish(&row);
  struct edit *e = edit_begin(call, row.id);
  if (!e || !api_entitlement(call)) return call->err.code;
  const char *symbol = api_body_text(call, "symbol");
  const int64_t account_id = api_body_id(call, "account_id");
  if ((symbol || account_id || api_body_text(call, "venue")) && !find_venue(call, e, account_id ? account_id : row.account_id, symbol ? symbol : row.symbol)) return OK;
  return api_write_then(call, patch, changed);
}

static enum status delete_bot(struct api_call *call, struct db *db) {
  const struct edit *e = call->state;
  struct bot_row row;
  enum status st = bot_get(db, call->who.tenant_id, e->id, &row, &call->err);
  if (st != OK) return st;
  if (!api_if_match(call, row.revision)) st = ERR_CANCELLED;
  if (st == OK && !is_ended(&row)) st = api_problem(call, PROBLEM_conflict, "It has not ended: stop it first.");
  if (st == OK) st = bots_let_go(db, &row, &call->err);
  if (st == OK) st = replay_erase_bot(db, row.tenant_id, row.id, &call->err);
  if (st == OK) st = bot_delete(db, row.tenant_id, row.id, call->now_ns, &call->err);
  if (st == OK) st = api_audit(call, db, "bot.delete", "bot", row.id, NULL);
  bot_row_finish(&row);
  return st == OK ? api_json(call, 204, NULL) : st;
}
// Its owner's halt, or its venue's, has nothing left to stop, and would take up room.
static enum status deleted(struct api_call *call) {
  const struct edit *e = call->state;
  const struct halt_desk *desk = call->core->halts;
  const struct halt_entry *h = desk ? halt_find(desk->list(desk->self), LEVEL_BOT, (uint64_t)e->id) : NULL;
  struct err err;
  if (h && (h->cause == HALT_BY_OWNER || h->cause == HALT_BY_VENUE) && desk->clear(desk->self, LEVEL_BOT, (uint64_t)e->id, &err) != OK && err.code == ERR_IO)
    api_log(call->core, "error", "halt_not_durable", json_pack("{s:s}", "error", err.msg));
  return changed(call);
}
enum status api_bot_delete(struct api_call *call) { return edit_begin(call, api_param_id(call, "bot_id")) ? api_write_then(call, delete_bot, deleted) : call->err.code; }

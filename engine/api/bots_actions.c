// api/bots_actions.c – what people do to a bot: start, pause, stop, restart, other parameters, other versions; its owner, or an operator
// to anybody's. Each is one write of its row with the audit; the runtime is told after the commit, and acts.
#include "api/bots.h"
#include "api/core.h"
#include "api/handlers.h"
#include "api/tier.h"
#include "store/script_rows.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

// An action: what it does to the row. *changed is set when the row is to be written.
struct action {
  const char *audit;
  enum status (*act)(struct api_call *call, struct db *db, struct bot_row *row, bool *changed);
  bool starts;    // may take places of the plan
  bool anybodys;  // an operator's, on any tenant's bot
};
struct acting {
  const struct action *action;
  int64_t ids[BOT_GROUP_MAX];  // the one that was asked for comes first
  int count;
};

static enum status write_one(struct api_call *call, struct db *db, const struct action *action, int64_t id, bool asked) {
  struct bot_row row;
  bool changed = false;
  enum status st = action->anybodys ? bot_find(db, id, &row, &call->err) : bot_get(db, call->who.tenant_id, id, &row, &call->err);
  if (st != OK) return st;
  char *texts = row.texts;
  if (asked && !api_if_match(call, row.revision)) st = ERR_CANCELLED;
  if (st == OK) st = action->act(call, db, &row, &changed);
  if (st == OK && changed) {
    row.updated_ns = call->now_ns;
    st = bot_update(db, &row, &call->err);
    row.revision++;
    if (st == OK) st = api_audit(call, db, action->audit, "bot", row.id, NULL);
  }
  if (st == OK && asked) st = bots_answer(call, db, 200, &row);
  free(texts);
  return st;
}

// All of a group or none.
static enum status write_action(struct api_call *call, struct db *db) {
  const struct acting *a = call->state;
  enum status st = OK;
  for (int i = a->count - 1; st == OK && i >= 0; i--) st = write_one(call, db, a->action, a->ids[i], i == 0);
  return st;
}

static enum status acted(struct api_call *call) {
  const struct acting *a = call->state;
  for (int i = 0; i < a->count; i++) bots_changed(call->core, a->ids[i]);
  return OK;
}

// *ret_may false: answered, or the status tells why not.
static enum status may_start(struct api_call *call, int64_t id, bool *ret_may) {
  struct bot_row row;
  *ret_may = false;
  enum status st = bot_get(reader(call), call->who.tenant_id, id, &row, &call->err);
  if (st != OK) return st;
  json_t *settings = json_loads(row.settings, 0, NULL);
  const bool affords = bots_afford(call, row.account_id, row.id, settings);
  json_decref(settings);
  if (affords && !(*ret_may = bots_may_start(call, &row))) st = call->err.code;
  bot_row_finish(&row);
  return st;
}

static enum status begin(struct api_call *call, const struct action *action) {
  struct acting *a = call->state = api_alloc(call, sizeof *a);
  if (!a) return err_set(&call->err, ERR_NOMEM, "out of memory");
  a->action = action;
  enum status st = bots_group(call, api_param_id(call, "bot_id"), a->ids, &a->count);
  bool may = true;
  for (int i = 0; st == OK && may && action->starts && i < a->count; i++) st = may_start(call, a->ids[i], &may);
  return st == OK && may ? api_write_then(call, write_action, acted) : st;
}

// ---- start, pause, stop

static json_t *params_of(const struct bot_row *row) { return json_loads(row->params, 0, NULL); }

// What it is set up as must still be right: versions and plans change.
static enum status fit_again(struct api_call *call, struct db *db, struct bot_row *row) {
  json_t *params = params_of(row);
  enum status st = params ? bots_fit(call, db, row, params, NULL, false) : err_set(&call->err, ERR_NOMEM, "out of memory");
  json_decref(params);
  return st;
}

static enum status start(struct api_call *call, struct db *db, struct bot_row *row, bool *changed) {
  enum status st = bots_step(call, row, LIFE_START, changed);
  if (st != OK || !*changed) return st;
  row->close = false;
  st = bots_let_go(db, row, &call->err);  // pairs may be others now
  if (st == OK) st = fit_again(call, db, row);
  return st == OK ? bots_hold(call, db, row) : st;
}
static enum status pause_bot(struct api_call *call, struct db *db, struct bot_row *row, bool *changed) {
  (void)db;
  return bots_step(call, row, LIFE_PAUSE, changed);
}
static enum status stop_by(struct api_call *call, struct db *db, struct bot_row *row, enum life_event e, bool *changed) {
  const bool close = api_body_flag(call, "close");
  enum status st = bots_step(call, row, e, changed);
  *changed |= close && !row->close && strcmp(row->standing.state, "stopped") != 0;
  row->close |= close;
  return st == OK ? bots_let_go(db, row, &call->err) : st;
}
static enum status stop(struct api_call *call, struct db *db, struct bot_row *row, bool *changed) { return stop_by(call, db, row, LIFE_STOP, changed); }

// Open ones are opened anew; others are started.
static enum status restart(struct api_call *call, struct db *db, struct bot_row *row, bool *changed) {
  enum status st = start(call, db, row, changed);
  if (st == OK && !*changed) {
    row->generation++;
    *changed = true;
  }
  return st;
}

// ---- parameters and versions

static bool is_started(const struct bot_row *row) { return strcmp(row->wanted, "stopped") != 0; }

// The row has other parameters or another version: places for its pairs, and failures of what it was are forgotten.
static enum status fit_changed(struct api_call *call, struct db *db, struct bot_row *row, const json_t *params, const json_t *given) {
  bool stepped;
  enum status st = is_started(row) ? bots_let_go(db, row, &call->err) : OK;
  if (st == OK) st = bots_fit(call, db, row, params, given, given && is_started(row));
  if (st == OK && is_started(row)) st = bots_hold(call, db, row);
  return st == OK ? bots_step(call, row, LIFE_MEND, &stepped) : st;
}

static enum status set_params(struct api_call *call, struct db *db, struct bot_row *row, bool *changed) {
  json_t *given = json_object_get(call->body, "params"), *params = params_of(row);
  json_object_update(params, given);
  enum status st = params ? fit_changed(call, db, row, params, given) : err_set(&call->err, ERR_NOMEM, "out of memory");
  json_decref(params);
  *changed = true;
  return st;
}

static enum status to_version(struct api_call *call, struct db *db, struct bot_row *row, int64_t version, bool *changed) {
  int64_t before = 0, after = 0;
  enum status st = bots_version_now(call, db, row, &before);
  row->version = version;
  if (st == OK) st = bots_version_now(call, db, row, &after);
  json_t *params = params_of(row);
  if (st == OK) st = params ? fit_changed(call, db, row, params, NULL) : err_set(&call->err, ERR_NOMEM, "out of memory");
  json_decref(params);
  if (before != after) row->previous_version = before;
  *changed = true;
  return st;
}

static enum status reload(struct api_call *call, struct db *db, struct bot_row *row, bool *changed) {
  return to_version(call, db, row, api_body_int(call, "version", 0), changed);
}

// One that follows the active version had the one that was active before. *ret is 0: it has had no other.
static enum status version_before(struct api_call *call, struct db *db, const struct bot_row *row, int64_t *ret) {
  enum status st = OK;
  *ret = row->previous_version;
  if (!*ret && !row->version) st = script_previous(db, row->tenant_id, row->script_id, ret, &call->err);
  if (st == ERR_NOTFOUND) st = script_previous(db, 0, row->script_id, ret, &call->err);
  return st == ERR_NOTFOUND ? OK : st;
}

static enum status roll_back(struct api_call *call, struct db *db, struct bot_row *row, bool *changed) {
  int64_t to;
  const enum status st = version_before(call, db, row, &to);
  if (st != OK) return st;
  if (!to) return api_problem(call, PROBLEM_conflict, "It has had no other version.");
  return to_version(call, db, row, to, changed);
}

// ---- operators

static enum status force_stop(struct api_call *call, struct db *db, struct bot_row *row, bool *changed) { return stop_by(call, db, row, LIFE_FORCE_STOP, changed); }

static enum status reopen(struct api_call *call, struct db *db, struct bot_row *row, bool *changed) {
  (void)db;
  struct life l;
  bots_life(row, &l);
  if (l.state == LIFE_STOPPED || l.state == LIFE_STOPPING || l.state == LIFE_QUARANTINED || l.state == LIFE_RETIRED)
    return api_problem(call, PROBLEM_conflict, "It is not started; only its owner can start it.");
  enum status st = l.wanted == LIFE_WANT_RUNNING ? bots_step(call, row, LIFE_START, changed) : OK;
  if (st == OK && !*changed) row->generation++;
  *changed = true;
  return st;
}

static enum status release(struct api_call *call, struct db *db, struct bot_row *row, bool *changed) {
  enum status st = bots_let_go(db, row, &call->err);
  return st == OK ? bots_step(call, row, LIFE_RELEASE, changed) : st;
}

// ---- routes

static const struct action starting = {"bot.start", start, true, false}, pausing = {"bot.pause", pause_bot, false, false}, stopping = {"bot.stop", stop, false, false},
                           restarting = {"bot.restart", restart, true, false}, tuning = {"bot.params", set_params, false, false}, reloading = {"bot.reload", reload, false, false},
                           rolling = {"bot.rollback", roll_back, false, false},
                           forcing = {"admin.bot.stop", force_stop, false, true}, reopening = {"admin.bot.restart", reopen, false, true},
                           releasing = {"admin.bot.release", release, false, true};

// What reads the plan in the write loads it on the loop.
static enum status begin_planned(struct api_call *call, const struct action *action) { return api_entitlement(call) ? begin(call, action) : call->err.code; }

enum status api_bot_start(struct api_call *call) { return begin(call, &starting); }
enum status api_bot_pause(struct api_call *call) { return begin(call, &pausing); }
enum status api_bot_stop(struct api_call *call) { return begin(call, &stopping); }
enum status api_bot_restart(struct api_call *call) { return begin(call, &restarting); }
static enum status version_asked(struct api_call *call, struct db *db, const struct bot_row *row, int64_t *ret) {
  struct script_row script;
  *ret = api_body_int(call, "version", 0);
  if (!*ret && script_get(db, row->tenant_id, row->script_id, &script, &call->err) == OK) *ret = script.active_version;
  return OK;  // that there is none says who writes the row
}

// A version that reads other data, or books in another mode, cannot take over in a run: that is said at once, of each bot that is asked to, with
// what to do instead. What else may be wrong shows when it is built. False: answered.
static bool versions_fit(struct api_call *call, enum status (*version_of)(struct api_call *call, struct db *db, const struct bot_row *row, int64_t *ret)) {
  int64_t ids[BOT_GROUP_MAX], version;
  int count = 0;
  struct bot_row row;
  struct err err;
  if (!call->core->live || bots_group(call, api_param_id(call, "bot_id"), ids, &count) != OK) return true;
  for (int i = 0; i < count; i++) {
    if (bot_get(reader(call), call->who.tenant_id, ids[i], &row, &err) != OK) continue;
    const enum status st = version_of(call, reader(call), &row, &version);
    bot_row_finish(&row);
    if (st != OK || !version || live_version_fits(call->core->live, ids[i], version, NULL, &err) != ERR_INVALID) continue;
    (void)api_problemf(call, PROBLEM_conflict, "Version %lld cannot take over in this run: %s.", (long long)version, err.msg);
    return false;
  }
  return true;
}

enum status api_bot_reload(struct api_call *call) { return versions_fit(call, version_asked) ? begin_planned(call, &reloading) : OK; }
// The same of parameters that streams come from.
static bool params_fit(struct api_call *call) {
  int64_t ids[BOT_GROUP_MAX];
  int count = 0;
  struct err err;
  if (!call->core->live || bots_group(call, api_param_id(call, "bot_id"), ids, &count) != OK) return true;
  for (int i = 0; i < count; i++) {
    if (live_version_fits(call->core->live, ids[i], 0, json_object_get(call->body, "params"), &err) != ERR_INVALID) continue;
    (void)api_problemf(call, PROBLEM_conflict, "These parameters cannot be changed in this run: %s.", err.msg);
    return false;
  }
  return true;
}

enum status api_bot_params(struct api_call *call) { return params_fit(call) ? begin_planned(call, &tuning) : OK; }
enum status api_bot_rollback(struct api_call *call) { return versions_fit(call, version_before) ? begin_planned(call, &rolling) : OK; }
enum status api_admin_bot_stop(struct api_call *call) { return begin(call, &forcing); }
enum status api_admin_bot_restart(struct api_call *call) { return begin(call, &reopening); }
enum status api_admin_bot_release(struct api_call *call) { return begin(call, &releasing); }

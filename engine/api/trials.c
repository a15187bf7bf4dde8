// api/trials.c – another version of a strategy becomes active: for all bots that follow it at once, for a share of them first (a trial,
// bot/live_canary), and back again. The same for customers' strategies and the installation's.
#include "api/bots.h"
#include "api/core.h"
#include "api/handlers.h"
#include "api/scripts.h"
#include "base/decimal.h"
#include "store/canary_rows.h"
#include "store/id.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- as clients see it

json_t *trial_json(struct db *db, int64_t script_id) {
  struct canary_row c;
  struct err err;
  char drawdown[DECIMAL_TEXT_MAX];
  if (canary_last(db, script_id, &c, &err) != OK) return json_null();
  decimal_format_scaled(c.drawdown_e8, 8, drawdown);
  return json_pack("{s:I, s:I, s:I, s:I, s:o, s:o, s:s, s:s, s:I, s:o, s:o}", "version", (json_int_t)c.version, "version_before", (json_int_t)c.version_before, "canary_percent",
                   (json_int_t)c.percent, "errors_max", (json_int_t)c.errors_max, "drawdown_limit", c.drawdown_e8 ? json_string(drawdown) : json_null(), "until_ms", api_ms(c.until_ns),
                   "state", c.state, "reason", c.reason, "errors", (json_int_t)c.errors, "started_at_ms", api_ms(c.started_ns), "ended_at_ms", api_ms(c.ended_ns));
}

// ---- in a write

enum status trial_end(struct api_call *call, struct db *db, int64_t script_id, const char *state, const char *reason, bool *ret_was) {
  struct canary_row c;
  *ret_was = false;
  enum status st = canary_last(db, script_id, &c, &call->err);
  if (st == ERR_NOTFOUND) return OK;
  if (st != OK || strcmp(c.state, "running") != 0) return st;
  *ret_was = true;
  snprintf(c.state, sizeof c.state, "%s", state);
  snprintf(c.reason, sizeof c.reason, "%s", reason);
  c.ended_ns = call->now_ns;
  st = canary_end(db, &c, &call->err);
  char action[32];
  snprintf(action, sizeof action, "canary.%s", state);
  return st == OK ? api_audit(call, db, action, "str", script_id, NULL) : st;
}

// The version is proven, and those who follow the script could take it.
static enum status fits(struct api_call *call, struct db *db, const struct script_row *row, int64_t version) {
  struct script_version_row v;
  enum status st = script_version_get(db, row->tenant_id, row->id, version, &v, &call->err);
  if (st == ERR_NOTFOUND) return api_problemf(call, PROBLEM_not_found, "There is no version %lld of this script.", (long long)version);
  if (st != OK) return st;
  if (v.state != SCRIPT_PROVEN) st = api_problem(call, PROBLEM_not_proven, NULL);
  else if (row->active_version != version && strcmp(row->kind, "strategy") == 0) st = bots_followers_fit(call, db, row, v.header);
  script_version_finish(&v);
  return st;
}

static enum status begin(struct api_call *call, struct db *db, const struct script_row *row, int64_t version) {
  const char *drawdown = api_body_text(call, "drawdown_limit");
  struct canary_row c = {.id = id_next(call->now_ns), .script_id = row->id, .tenant_id = row->tenant_id, .version = version, .version_before = row->active_version,
                         .percent = api_body_int(call, "canary_percent", 0), .errors_max = api_body_int(call, "errors_max", 0), .state = "running", .started_ns = call->now_ns};
  const int64_t minutes = api_body_int(call, "for_minutes", 0);
  if (minutes) c.until_ns = call->now_ns + minutes * 60 * INT64_C(1000000000);
  if (strcmp(row->kind, "strategy") != 0) return api_invalid_at(call, "/canary_percent", "only strategies have bots that can try a version");
  if (drawdown && (!decimal_parse_scaled(drawdown, strlen(drawdown), 8, &c.drawdown_e8) || c.drawdown_e8 <= 0 || c.drawdown_e8 > INT64_C(100000000)))
    return api_invalid_at(call, "/drawdown_limit", "must be a share of 1, such as 0.05");
  if (!row->active_version) return api_problem(call, PROBLEM_conflict, "No version is active yet, so there is none to go back to: activate one first.");
  if (row->active_version == version) return api_problem(call, PROBLEM_conflict, "This version is active already.");
  enum status st = canary_insert(db, &c, &call->err);
  if (st == ERR_EXISTS) return api_problem(call, PROBLEM_conflict, "A version of this strategy is on trial already: activate it, or roll back, first.");
  return st == OK ? api_audit(call, db, "canary.start", "str", row->id, NULL) : st;
}

enum status trial_activate(struct api_call *call, struct db *db, struct script_row *row, int64_t version, bool *ret_trial) {
  bool was;
  *ret_trial = api_body_int(call, "canary_percent", 0) > 0;
  enum status st = fits(call, db, row, version);
  if (st != OK) return st;
  if (*ret_trial) return begin(call, db, row, version);
  struct canary_row c;
  const bool same = canary_last(db, row->id, &c, &call->err) == OK && c.version == version;
  return trial_end(call, db, row->id, same ? "promoted" : "replaced", "by hand", &was);
}

// ---- customers' strategies: one write

static enum status activate(struct api_call *call, struct db *db, struct script_row *row, int64_t version) {
  bool trial;
  enum status st = trial_activate(call, db, row, version, &trial);
  if (st != OK) return st;
  if (!trial) st = script_activate(db, row->tenant_id, row->id, version, 0, call->who.user_id, call->now_ns, row, &call->err);
  if (st == OK && !trial) st = api_audit(call, db, "strategy.activate", "str", row->id, NULL);
  return st == OK ? script_changed(call, db, row, false) : st;
}

static enum status find(struct api_call *call, struct db *db, struct script_row *ret) {
  enum status st = script_get(db, call->who.tenant_id, api_param_id(call, "strategy_id"), ret, &call->err);
  if (st == OK && strcmp(ret->kind, "strategy") != 0) st = err_set(&call->err, ERR_NOTFOUND, "not a strategy");
  if (st == OK && !api_if_match(call, ret->revision)) st = ERR_CANCELLED;
  return st;
}

static enum status write_activation(struct api_call *call, struct db *db) {
  struct script_row row;
  enum status st = find(call, db, &row);
  return st == OK ? activate(call, db, &row, strtoll(api_param(call, "version"), NULL, 10)) : st;
}

static enum status write_rollback(struct api_call *call, struct db *db) {
  struct script_row row;
  bool was;
  int64_t before = 0;
  enum status st = find(call, db, &row);
  if (st == OK) st = trial_end(call, db, row.id, "rolled_back", "by hand", &was);
  if (st != OK) return st;
  if (was) return script_changed(call, db, &row, false);
  st = script_previous(db, row.tenant_id, row.id, &before, &call->err);
  if (st == ERR_NOTFOUND) return api_problem(call, PROBLEM_conflict, "No version was active before this one.");
  return st == OK ? activate(call, db, &row, before) : st;
}

static enum status changed(struct api_call *call) {
  bots_script_changed(call->core, api_param_id(call, "strategy_id"));
  return OK;
}

enum status api_version_activate(struct api_call *call) { return api_write_then(call, write_activation, changed); }
enum status api_strategy_rollback(struct api_call *call) { return api_write_then(call, write_rollback, changed); }

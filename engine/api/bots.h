// api/bots.h – private to api/: what the routes of bots share. A handler changes the bot's row in one write and tells the runtime after
// the commit; the runtime (bot/live.h) acts and writes the state it reached back.
#pragma once
#include "api/call.h"
#include "bot/life.h"
#include "bot/live.h"
#include "store/bot_rows.h"
#include "store/vault_rows.h"

struct api_list;

#define BOTS_MAX 10000  // of a tenant, stopped ones too

// ---- bots.c
// Members of the answer. live: as it is this moment, for which it must be the loop's thread. NULL: memory is out.
json_t *bots_json(struct api_call *call, struct db *db, const struct bot_row *row, bool live);
// The row with its ETag, in a write.
enum status bots_answer(struct api_call *call, struct db *db, int status, const struct bot_row *row);
enum status bots_failures_answer(struct api_call *call, int64_t bot_id);
// What the row says of its life; and the other way round. detail: of this time; NULL: nothing. The reason lives as long as the call.
void bots_life(const struct bot_row *row, struct life *ret);
enum status bots_set_life(struct api_call *call, struct bot_row *row, const struct life *l, const char *detail) MUST_CHECK;
// One step of its life by what somebody asks: into the row, or answered with conflict (then as api_problem). *ret_changed: whether
// the row is another now.
enum status bots_step(struct api_call *call, struct bot_row *row, enum life_event e, bool *ret_changed) MUST_CHECK;

// A new row that is whole but for its pairs: checked, started if the request says so, stored, audited.
enum status bots_store_new(struct api_call *call, struct db *db, struct bot_row *row, const json_t *params) MUST_CHECK;
void bots_fresh(struct api_call *call, struct bot_row *row, int64_t id);

// ---- bots_group.c
#define BOT_GROUP_MAX 50
// The bot and, where the request says group=true, all others of its group.
enum status bots_group(struct api_call *call, int64_t bot_id, int64_t ret[BOT_GROUP_MAX], int *ret_count) MUST_CHECK;

// ---- bots_setup.c
// Whether the script's version is proven, the parameters fit its header, and what the plan says of the pairs: into row->pairs and
// row->params. given: those of the request, whose mistakes are told by their pointers; NULL: none. live_only: of them, only
// parameters that may change while the bot runs.
enum status bots_fit(struct api_call *call, struct db *db, struct bot_row *row, const json_t *params, const json_t *given, bool live_only) MUST_CHECK;
// Whether all started bots that follow the script could take a version with this header, by their parameters. Not: answered with
// conflict, and with which and why.
struct script_row;
enum status bots_followers_fit(struct api_call *call, struct db *db, const struct script_row *script, const char *header) MUST_CHECK;
// The number of the version that is meant: its own, else the active one.
enum status bots_version_now(struct api_call *call, struct db *db, const struct bot_row *row, int64_t *ret) MUST_CHECK;
// The script by `strategy_id` or `strategy` of the body. ERR_CANCELLED or OK with an answer: there is none.
enum status bots_script(struct api_call *call, struct db *db, int64_t *ret_script_id) MUST_CHECK;
// Parameters of the edition's preset of this name: a new reference, NULL: there is none.
json_t *bots_preset(struct db *db, const char *strategy, const char *preset);
// On the loop, before a write that starts a bot: may the plan's script allow one more? False: answered.
bool bots_may_start(struct api_call *call, const struct bot_row *row);
// In the write: its place in the plan and those of its pairs, taken; given back (of any tenant).
enum status bots_hold(struct api_call *call, struct db *db, const struct bot_row *row) MUST_CHECK;
enum status bots_let_go(struct db *db, const struct bot_row *row, struct err *err) MUST_CHECK;
// Text of a tree that lives as long as the call; NULL: memory is out.
const char *bots_text(struct api_call *call, const json_t *tree);

// ---- accounts.c, accounts_money.c
// Members of an account's answer.
json_t *accounts_json(struct api_call *call, struct db *db, const struct account_row *row, enum status *ret);
// On the loop, before a write that starts a bot (bot_id 0: a new one): has its account as much free as the settings ask for, or the bot its
// part already? False: answered.
bool bots_afford(struct api_call *call, int64_t account_id, int64_t bot_id, const json_t *settings);

// ---- bots_live.c: the running service, on the loop's thread
// The row changed: the runtime acts. Nothing where nothing runs.
void bots_changed(struct api_core *core, int64_t bot_id);
// A signal for it was stored.
void bots_signalled(struct api_core *core, int64_t bot_id);
bool bots_runtime(const struct api_core *core);
// As live_status; false where nothing runs.
bool bots_status(const struct api_core *core, int64_t bot_id, struct live_status *ret);
// The same as JSON; NULL: it does not run.
json_t *bots_live_json(struct api_core *core, int64_t bot_id);
// Whose prices those of an account are, by its venue and category; "" of paper: any. Not ret where that is so.
const char *bots_market(struct api_call *call, const struct account_row *account, char ret[BOT_VENUE_SIZE]);
// Where its prices come from: as wanted ("": the first that has the symbol). False: answered.
bool bots_venue(struct api_call *call, const char *wanted, const char *symbol, char ret[BOT_VENUE_SIZE]);
// Whether the settings of a bot or of a paper account (the other: NULL) can be worked with; on any thread. Not: answered, as api_problem.
enum status bots_settings(struct api_call *call, const json_t *bot, const json_t *account) MUST_CHECK;
// call->err.msg as that answer: "/max_open: must be …".
enum status bots_settings_refuse(struct api_call *call) MUST_CHECK;
// ---- risk.c, rule_sets.c
// The settings of a paper account as they would be: limits in range, and a rule set of its name. Not: answered, as api_problem.
enum status venue_settings_fit(struct api_call *call, const char *venue, const json_t *settings) MUST_CHECK;  // accounts.c; answers
enum status risk_settings_fit(struct api_call *call, struct db *db, int64_t tenant_id, const json_t *settings) MUST_CHECK;
// JSON of the rule set that a tenant means by a name; NULL: there is none. Yours to free. On any thread, with a connection of control.db.
char *rule_set_text(struct db *db, int64_t tenant_id, const char *name);
// What is different, {"max_order": ["100", "50"]}, for the audit log; NULL: no memory. Yours to free.
char *risk_difference(const json_t *before, const json_t *after);

// After another version of the script became active: all that follow it are told, of whichever tenant.
void bots_script_changed(struct api_core *core, int64_t script_id);

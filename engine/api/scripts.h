// api/scripts.h – private to api/: what the customers' and the operators' routes of scripts share (strategies.c).
#pragma once
#include "api/call.h"
#include "store/script_rows.h"

json_t *script_json(const struct script_row *row, bool with_kind);
json_t *script_version_tree(const struct script_version_row *row, bool whole);
// Answers with the row and its active (else newest) version.
enum status script_answer(struct api_call *call, struct db *db, int status, const struct script_row *row, bool with_kind);
// The same after a change, with the new ETag.
enum status script_changed(struct api_call *call, struct db *db, const struct script_row *row, bool with_kind);
// The rest of GET versions, one version, diff, of a script that was found. Of one that is another tenant's – the installation's, to a
// customer – neither text nor authors are told.
enum status script_versions_answer(struct api_call *call, const struct script_row *row);
enum status script_version_answer(struct api_call *call, const struct script_row *row);
enum status script_diff_answer(struct api_call *call, int64_t script_id);
// ---- trials.c
// The script's newest trial as JSON; null: it never had one.
json_t *trial_json(struct db *db, int64_t script_id);
// In a write, before the version becomes active: it is proven and who follows the script could take it; then, where the body asks for a
// share of bots, its trial begins and it does not become active (*ret_trial); else a trial that runs ends.
enum status trial_activate(struct api_call *call, struct db *db, struct script_row *row, int64_t version, bool *ret_trial) MUST_CHECK;
// Ends a trial that runs; *ret_was: there was one.
enum status trial_end(struct api_call *call, struct db *db, int64_t script_id, const char *state, const char *reason, bool *ret_was) MUST_CHECK;

// What is wrong with body.source.
enum status script_refuse(struct api_call *call, const char *reason);
// Proves body.source as a strategy of the call's tenant and stores it: script_id 0 makes a new one. as_script: answers 201 with
// the script rather than what the customers' routes answer.
enum status script_upload(struct api_call *call, int64_t script_id, bool as_script);

// api/signal_stages.h – private to api/: the stages that signals of a hook pass, by name, with their rules' sources.
//
// A stage is {"rule": NAME[, "name": STAGE][, "settings": {…}]}. A name is the tenant's own rule, else the installation's. Those of the
// installation come first, then the tenant's, then the hook's.
#pragma once
#include "base/json.h"
#include "signal/rules_host.h"
#include "signal/stages.h"
#include "store/script_rows.h"

struct api_call;
struct db;
struct snapshot;

struct kept_stage {
  char name[STAGE_NAME_SIZE];
  struct rules_source *source;  // owned
  json_t *settings;             // owned; NULL: none given
};
void signal_stages_free(struct kept_stage *s, size_t count);

// All that apply, into stages (STAGES_MAX). scripts is held by the caller. ERR_INVALID: a rule is not there (any more); ERR_LIMIT: too many. own: the hook's list.
enum status signal_stages_load(const struct snapshot *scripts, struct db *db, int64_t tenant_id, const json_t *own, struct kept_stage *stages, size_t *count, struct err *err) MUST_CHECK;

// Whether a list of stages can be used by the tenant: rules that exist and load, settings that fit, names that differ. ERR_INVALID says where: "/1/settings: …".
enum status signal_stages_check(const struct snapshot *scripts, struct db *db, int64_t tenant_id, const json_t *stages, struct err *err) MUST_CHECK;
// Answers with what signal_stages_check said (call->err) of a list that stands at `where` in the request ("/settings/stages").
enum status signal_stages_wrong(struct api_call *call, const char *where);

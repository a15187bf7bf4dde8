// api/header_params.h – private to api/: parameters against a script's header. The header was read in a jailed child when the script was
// uploaded and is kept as JSON: no customer's Lua runs here.
#pragma once
#include "api/schema.h"
#include "script/spec.h"

// The parameters of a header as spec_json wrote them, with their limits; the rest of the spec is empty. Yours (free); NULL: memory is out.
struct script_spec *header_params(const json_t *header);
// Every parameter by itself, so that a form can show all that is wrong with it at once: added to ret by their places in /params.
// live_only: only those may be there that may change while the bot runs. Errors: memory is out.
enum status header_params_check(const json_t *header, const json_t *params, bool live_only, struct schema_errors *ret, struct err *err) MUST_CHECK;

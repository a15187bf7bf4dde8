// api/services.h – private to api/: what lives beside the routes as long as the core does: identity, registry, usage, and the
// housekeeping that nobody asks for – requests counted, ended sessions swept, the audit log signed.
#pragma once
#include "api/core.h"

struct api_config;

enum status services_create(struct api_core *core, const struct api_config *config, struct services **ret, struct err *err) MUST_CHECK;
// Writes what was counted. NULL does nothing.
void services_destroy(struct services *s);

// cli/owner.h – private to cli/: commands about what a tenant has (accounts, rule sets, calendars), which the operator may do for them. With
// --tenant it is that tenant's; without, the installation's, where there is such a thing.
#pragma once
#include "cli/api_client.h"
#include "cli/cli.h"
#include "cli/operator.h"

#define OWNER_TENANT_OPTION {"--tenant", "WHO", "whose: a tenant's id (org_…) or somebody's mail address"}

struct owner {
  const struct cli_args *args;
  struct api_client *client;
  const char *tenant;  // NULL: the installation's
  char tenant_id[40];
  struct err err;
};
typedef enum status (*owner_fn)(struct owner *o);

// The action that the command's first word names, run with the service (or its files); the exit code.
int owner_run(const struct cli_args *a, const struct operator_action *actions, const owner_fn *runs);
// As api_client_call(); *ret the caller's.
enum status owner_call(struct owner *o, const char *method, const char *path, const json_t *body, json_t **ret);
// All pages of a list, at most `limit` items, as {"items": […]}; path without limit and cursor. *ret the caller's, also after an error.
enum status owner_list(struct owner *o, const char *path, int64_t limit, json_t **ret);
// The answer as JSON where --json wants that (NULL, for 204: as {}). True: that was all, or *st is not OK (any more).
bool owner_told(struct owner *o, const json_t *answer, enum status *st);

const char *owner_text(const json_t *object, const char *key);  // "" when it is none
json_int_t owner_number(const json_t *object, const char *key);
void owner_print_time(json_int_t ms);

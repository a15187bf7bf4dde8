// cli/api_client.h – operator commands call the same API as everybody: over the service's unix socket while it runs, in this
// process when it does not. Either way the caller is the operator, by being the data directory's owner or root.
#pragma once
#include "base/json.h"
#include "base/status.h"

struct api_client;

// dir: the data directory. Without a running service its files are opened here, which needs that they exist.
enum status api_client_open(const char *dir, struct api_client **ret, struct err *err) MUST_CHECK;
void api_client_close(struct api_client *client);
// A running service that has not answered a call after so long is given up with ERR_IO; 0, as at first: never.
void api_client_timeout(struct api_client *client, int timeout_ms);
// Calls from here on are about what that tenant has ("org_…").
void api_client_tenant(struct api_client *client, const char *tenant_id);

// One call; path below /api/v1, such as "/admin/users". body may be NULL, is not taken. *ret is what came back (NULL for 204), the
// caller's. An answer of 400 or above is ERR_INVALID, ERR_NOTFOUND (404), ERR_EXISTS (409, 412), ERR_LIMIT (429) or ERR_IO (5xx)
// with the problem's detail and each field's error in the message.
enum status api_client_call(struct api_client *client, const char *method, const char *path, const json_t *body, json_t **ret, struct err *err) MUST_CHECK;

// api/table.h – the API as data: routes/*.json, compiled. One table routes, validates, authorises, limits and documents.
//
// The files (embedded in the binary, read as one) have "components" (named JSON Schemas), "params" (path parameters: the
// component each must fit), "list_query" (query parameters of every list), "tags" (what groups are about), and "routes", each with:
//   method, path     "/strategies/{strategy_id}", below /api/v1 unless "root": true
//   id               operationId; the handler is api_<id>
//   tag, summary, description
//   auth             "none"; "optional"; "user": access token, console cookie, or API key where the permission knows a scope
//   permission       of tenant/permission.h; required with auth "user"
//   right            of the tenant's tier ("api_access" …), checked by the handler, shown in the documentation
//   rate             rate class: "auth", "read", "write", "heavy", "typing", "hook"
//   query            {name: {"schema": …, "required": bool, "description": …}}; a schema's default is the value when absent
//   list             true: also limit and cursor
//   request          schema, or the name of a component; "request_optional": true when the body may be missing
//   raw              true: the body is taken as it is, whatever its type; without "request"
//   responses        {"200": schema or name or null or {"content": "text/plain"}}
//   problems         codes beyond those that follow from the above
//   idempotent       true: Idempotency-Key is honoured
//   for_tenant       true: also about the tenant that Perigee-Tenant names, though the permission is a person's own; what needs a
//                    permission of a tenant is so anyway, unless the path names the tenant
//   etag             "read": the answer has an ETag, and If-None-Match is honoured; "write": it has the new one, and If-Match is
//
// "channels" are those of the WebSocket (api/stream.h), by name ("bot:{bot_id}"), each with a summary, the permission it needs, and its
// "events": {type: {"summary": …, "data": schema or name}}.
#pragma once
#include "api/problem.h"
#include "api/query.h"
#include "api/router.h"
#include "tenant/permission.h"

#define API_PREFIX "/api/v1"
#define ROUTE_RESPONSES_MAX 4
#define ROUTE_PROBLEMS_MAX 12

enum route_auth { AUTH_NONE, AUTH_OPTIONAL, AUTH_USER };
enum route_rate { RATE_AUTH, RATE_READ, RATE_WRITE, RATE_HEAVY, RATE_TYPING, RATE_HOOK, RATE_COUNT };
enum route_etag { ROUTE_ETAG_NONE, ROUTE_ETAG_READ, ROUTE_ETAG_WRITE };

struct route {
  enum route_method method;
  char *path;  // whole, with prefix
  const char *id, *tag, *summary, *description, *right;
  enum permission permission;
  enum route_auth auth;
  enum route_rate rate;
  enum route_etag etag;
  bool list, idempotent, request_optional, raw, root, for_tenant;
  struct query_param query[QUERY_PARAMS_MAX];
  int query_count;
  const struct schema *request;  // NULL: no body
  struct {
    int status;
    const struct schema *schema;  // NULL: no JSON body
    const char *content;          // NULL: application/json, or nothing when schema is NULL too
  } responses[ROUTE_RESPONSES_MAX];
  int response_count;
  enum problem problems[ROUTE_PROBLEMS_MAX];
  int problem_count;
  const json_t *source;  // its object in the file
};

struct channel_event {
  const char *channel;  // as written, with {names}
  const char *type;
  const struct schema *data;
};

struct api_table {
  json_t *source;
  struct schema_set *schemas;
  struct router *router;
  struct route *routes;
  int route_count;
  struct channel_event *events;
  int event_count;
};

// The embedded files. Any mistake in them is an error here, with the route's name.
enum status api_table_create(struct api_table **ret, struct err *err) MUST_CHECK;
// For tests: any text, a list of such files.
enum status api_table_parse(const char *text, size_t len, struct api_table **ret, struct err *err) MUST_CHECK;
void api_table_destroy(struct api_table *t);

const struct route *api_table_route(const struct api_table *t, const char *id);  // NULL when there is none
// Checks the path's parameters against their schemas: false when one cannot name anything, so the answer is "not found".
bool api_table_params_fit(const struct api_table *t, const struct route_match *m);
// Whether the route may answer so: for tests, that no answer is undocumented.
bool route_documents(const struct route *r, int status, json_t *body, struct schema_errors *errors);

// The same of an event of a channel, by the channel's own name ("bot:bot_1"). A channel that the table does not have may say what it likes.
bool channel_documents(const struct api_table *t, const char *channel, const char *type, json_t *data, struct schema_errors *errors);

// OpenAPI 3.1 as a tree (api/openapi.c); a new reference, NULL when memory is out.
json_t *api_openapi(const struct api_table *t, const char *version);

// api/openapi.c – the OpenAPI 3.1 document, made from the same table that routes and validates.
#include "api/table.h"

#include "api/format.h"

#include <stdio.h>
#include <string.h>

// Names of components that requests reach: those refuse members they do not know, and the document says so. Answers may gain
// members, so clients must not rely on the list being complete.
static void mark_reached(const struct api_table *t, json_t *schema, json_t *reached) {
  if (json_is_string(schema)) {
    if (json_object_get(reached, json_string_value(schema))) return;
    json_object_set_new(reached, json_string_value(schema), json_true());
    mark_reached(t, json_object_get(json_object_get(t->source, "components"), json_string_value(schema)), reached);
    return;
  }
  const char *key;
  json_t *v;
  size_t i;
  json_object_foreach(schema, key, v) {
    const char *ref = strcmp(key, "$ref") == 0 ? json_string_value(v) : NULL;
    if (ref) {
      json_t *name = json_string(strrchr(ref, '/') + 1);
      mark_reached(t, name, reached);
      json_decref(name);
    } else if (json_is_object(v)) {
      mark_reached(t, v, reached);
    }
    json_array_foreach(v, i, schema) if (json_is_object(schema)) mark_reached(t, schema, reached);
  }
}

// Our schema as others read it: formats and id prefixes become patterns, closed objects say that they are.
static json_t *published(json_t *schema, bool closed) {
  json_t *out = json_object();
  const char *key;
  json_t *v, *item;
  size_t i;
  json_object_foreach(schema, key, v) {
    if (strcmp(key, "x-prefix") == 0) continue;
    if (strcmp(key, "properties") == 0) {
      json_t *properties = json_object();
      const char *name;
      json_object_foreach(v, name, item) json_object_set_new(properties, name, published(item, closed));
      json_object_set_new(out, key, properties);
    } else if (strcmp(key, "anyOf") == 0) {
      json_t *list = json_array();
      json_array_foreach(v, i, item) json_array_append_new(list, published(item, closed));
      json_object_set_new(out, key, list);
    } else if ((strcmp(key, "items") == 0 || strcmp(key, "additionalProperties") == 0) && json_is_object(v)) {
      json_object_set_new(out, key, published(v, closed));
    } else {
      json_object_set(out, key, v);
    }
  }
  if (closed && json_object_get(out, "properties") && !json_object_get(out, "additionalProperties"))
    json_object_set_new(out, "additionalProperties", json_false());
  const char *format = json_string_value(json_object_get(schema, "format"));
  const struct format *f = format ? format_find(format) : NULL;
  if (f && f->pattern) json_object_set_new(out, "pattern", json_string(f->pattern));
  const char *prefix = json_string_value(json_object_get(schema, "x-prefix"));
  if (prefix) json_object_set_new(out, "pattern", json_sprintf("^%s_[0-7][0-9A-HJKMNP-TV-Z]{%d}$", prefix, API_ID_DIGITS - 1));
  return out;
}

static json_t *ref_or_inline(json_t *v, bool closed) {
  return json_is_string(v) ? json_pack("{s:o}", "$ref", json_sprintf("#/components/schemas/%s", json_string_value(v))) : published(v, closed);
}

static json_t *parameter(const char *name, const char *in, bool required, json_t *schema, const char *description) {
  json_t *p = json_pack("{s:s, s:s, s:b, s:o}", "name", name, "in", in, "required", required, "schema", schema);
  if (description) json_object_set_new(p, "description", json_string(description));
  return p;
}

static json_t *parameters(const struct api_table *t, const struct route *r) {
  json_t *list = json_array();
  for (const char *brace = strchr(r->path, '{'); brace; brace = strchr(brace + 1, '{')) {
    char name[40];
    if (sscanf(brace, "{%39[a-z0-9_]}", name) == 1)
      json_array_append_new(list, parameter(name, "path", true, ref_or_inline(json_object_get(json_object_get(t->source, "params"), name), true), NULL));
  }
  for (int i = 0; i < r->query_count; i++) {
    const char *name = r->query[i].name;
    json_t *v = json_object_get(json_object_get(r->source, "query"), name);
    if (!v) v = json_object_get(json_object_get(t->source, "list_query"), name);
    json_array_append_new(list, parameter(name, "query", r->query[i].required, ref_or_inline(json_object_get(v, "schema"), true),
                                          json_string_value(json_object_get(v, "description"))));
  }
  if (r->idempotent)
    json_array_append_new(list, parameter("Idempotency-Key", "header", false, json_pack("{s:s, s:i, s:i, s:s}", "type", "string", "minLength", 1, "maxLength", 64, "pattern",
                                                                                         "^[A-Za-z0-9._~-]+$"),
                                          "The same key with the same request within 24 hours gets the first answer again and does nothing."));
  if (r->for_tenant)
    json_array_append_new(list, parameter("Perigee-Tenant", "header", false, json_pack("{s:s}", "$ref", "#/components/schemas/TenantId"),
                                          "The organisation that this is about; without it one's own tenant, or the API key's. 404 for who is no member."));
  if (r->etag == ROUTE_ETAG_WRITE)
    json_array_append_new(list, parameter("If-Match", "header", false, json_pack("{s:s}", "type", "string"),
                                          "The ETag of what was read: 412 when it has changed since, and nothing is done."));
  if (r->etag == ROUTE_ETAG_READ)
    json_array_append_new(list, parameter("If-None-Match", "header", false, json_pack("{s:s}", "type", "string"), "An ETag: 304 when it is still that."));
  return list;
}

static void add_problem(json_t *responses, enum problem p) {
  char status[8];
  snprintf(status, sizeof status, "%d", problem_status(p));
  json_t *have = json_object_get(responses, status);
  const char *before = json_string_value(json_object_get(have, "description"));
  if (before) {
    // Codes are words; a code that is part of another's text cannot be mistaken, since each stands between back-ticks.
    char quoted[64];
    snprintf(quoted, sizeof quoted, "`%s`", problem_code(p));
    if (!strstr(before, quoted)) json_object_set_new(have, "description", json_sprintf("%s, %s", before, quoted));
    return;
  }
  json_object_set_new(responses, status, json_pack("{s:o, s:{s:{s:{s:s}}}}", "description", json_sprintf("Codes: `%s`", problem_code(p)), "content",
                                                   "application/problem+json", "schema", "$ref", "#/components/schemas/Problem"));
}

static bool needs_second_factor(enum permission p) {
  const struct caller top = {.role = ROLE_SUPER_ADMIN, .member_role = MEMBER_OWNER};
  return p != PERMISSION_UNKNOWN && permission_check(&top, p) == PERMISSION_DENIED_MFA;
}

// Who may, in words: asked of the permission table itself, by trying.
static size_t describe_permission(enum permission p, char *out, size_t size, bool more) {
  struct caller top = {.role = ROLE_SUPER_ADMIN, .member_role = MEMBER_OWNER, .mfa = true, .by_key = true};
  const char *scope = NULL;
  for (unsigned bit = KEY_SCOPE_READ; bit <= KEY_SCOPE_ADMIN; bit <<= 1) {
    top.scopes = bit;
    if (permission_allowed(&top, p)) scope = key_scope_text((enum key_scope)bit);
  }
  const bool mfa = needs_second_factor(p);
  const int n = snprintf(out, size, "%sPermission `%s`. %s%s%s%s", more ? "\n\n" : "", permission_text(p), scope ? "API keys need the scope `" : "Not with an API key",
                         scope ? scope : "", scope ? "`." : ".", mfa ? " Needs a session with a second factor." : "");
  return n > 0 && (size_t)n < size ? (size_t)n : 0;
}

static json_t *responses(const struct route *r) {
  json_t *out = json_object();
  const char *status;
  json_t *v;
  json_object_foreach(json_object_get(r->source, "responses"), status, v) {
    json_t *response = json_pack("{s:s}", "description", r->summary);
    const char *content = json_string_value(json_object_get(v, "content"));
    if (content) json_object_set_new(response, "content", json_pack("{s:{s:{s:s}}}", content, "schema", "type", "string"));
    else if (!json_is_null(v)) json_object_set_new(response, "content", json_pack("{s:{s:o}}", "application/json", "schema", ref_or_inline(v, false)));
    if (r->etag != ROUTE_ETAG_NONE) json_object_set_new(response, "headers", json_pack("{s:{s:{s:s}}}", "ETag", "schema", "type", "string"));
    json_object_set_new(out, status, response);
  }
  if (r->etag == ROUTE_ETAG_READ) json_object_set_new(out, "304", json_pack("{s:s}", "description", "Not modified"));
  for (int i = 0; i < r->problem_count; i++) add_problem(out, r->problems[i]);
  add_problem(out, PROBLEM_malformed_request);
  if (r->auth != AUTH_NONE) {
    add_problem(out, PROBLEM_unauthenticated);
    add_problem(out, PROBLEM_token_expired);
    add_problem(out, PROBLEM_forbidden);
    add_problem(out, PROBLEM_csrf_failed);
    add_problem(out, PROBLEM_rate_limited);  // guesses at credentials
    add_problem(out, PROBLEM_not_found);  // the tenant named by Perigee-Tenant
    add_problem(out, PROBLEM_tier_limit);  // requests an hour
    if (needs_second_factor(r->permission)) add_problem(out, PROBLEM_second_factor_missing);
  }
  if (strchr(r->path, '{')) add_problem(out, PROBLEM_not_found);
  if (r->list) add_problem(out, PROBLEM_bad_cursor);
  if (r->query_count > 0 || r->request) add_problem(out, PROBLEM_validation_failed);
  if (r->request) {
    add_problem(out, PROBLEM_malformed_json);
    add_problem(out, PROBLEM_unsupported_media_type);
  }
  add_problem(out, PROBLEM_body_too_large);
  if (r->idempotent) {
    add_problem(out, PROBLEM_idempotency_in_progress);
    add_problem(out, PROBLEM_idempotency_mismatch);
    add_problem(out, PROBLEM_conflict);  // the first answer was sealed with another key
  }
  if (r->etag == ROUTE_ETAG_WRITE) add_problem(out, PROBLEM_precondition_failed);
  if (!r->root) add_problem(out, PROBLEM_rate_limited);
  add_problem(out, PROBLEM_internal);
  add_problem(out, PROBLEM_unavailable);
  if (r->method != ROUTE_GET) add_problem(out, PROBLEM_storage_failed);
  return out;
}

static json_t *security(const struct route *r) {
  if (r->auth == AUTH_NONE) return json_array();
  json_t *list = json_pack("[{s:[]}, {s:[], s:[]}]", "bearer", "cookie", "csrf");
  if (r->auth == AUTH_OPTIONAL) json_array_insert_new(list, 0, json_object());
  return list;
}

static json_t *operation(const struct api_table *t, const struct route *r) {
  json_t *op = json_pack("{s:s, s:s, s:[s], s:o, s:o}", "operationId", r->id, "summary", r->summary, "tags", r->tag, "security", security(r), "responses", responses(r));
  char about[1024];
  size_t n = 0;
  about[0] = '\0';
  if (r->description) n += (size_t)snprintf(about + n, sizeof about - n, "%s", r->description);
  if (r->auth == AUTH_USER) n += describe_permission(r->permission, about + n, sizeof about - n, n > 0);
  if (r->right) n += (size_t)snprintf(about + n, sizeof about - n, "%sRight of the plan: `%s`.", n ? " " : "", r->right);
  if (n) json_object_set_new(op, "description", json_string(about));
  json_t *list = parameters(t, r);
  if (json_array_size(list)) json_object_set(op, "parameters", list);
  json_decref(list);
  json_t *request = json_object_get(r->source, "request");
  if (request)
    json_object_set_new(op, "requestBody", json_pack("{s:b, s:{s:{s:o}}}", "required", !r->request_optional, "content", "application/json", "schema",
                                                     ref_or_inline(request, true)));
  if (r->raw) json_object_set_new(op, "requestBody", json_pack("{s:b, s:{s:{s:{}}, s:{s:{s:s}}}}", "required", 1, "content", "application/json", "schema", "text/plain", "schema", "type", "string"));
  return op;
}

// Not part of OpenAPI, so under a name of our own; its schemas are among the others.
static json_t *stream(const struct api_table *t) {
  json_t *channels = json_object(), *channel, *event;
  const char *name, *type;
  json_object_foreach(json_object_get(t->source, "channels"), name, channel) {
    json_t *events = json_object();
    json_object_foreach(json_object_get(channel, "events"), type, event)
      json_object_set_new(events, type, json_pack("{s:O, s:o}", "summary", json_object_get(event, "summary"), "data", ref_or_inline(json_object_get(event, "data"), false)));
    json_object_set_new(channels, name, json_pack("{s:O, s:O, s:o}", "summary", json_object_get(channel, "summary"), "permission", json_object_get(channel, "permission"), "events", events));
  }
  return json_pack("{s:s, s:s, s:o}", "path", API_PREFIX "/ws", "description",
    "A WebSocket. First {\"op\":\"auth\",\"token\":\"…\"}, an access token or an API key, and again before it expires; a browser's cookie will do as well. Then {\"op\":\"subscribe\",\"channels\":[…]}, answered by "
    "{\"op\":\"subscribed\",\"channels\":[{\"ch\",\"seq\"}],\"denied\":[{\"ch\",\"code\"}]}. Every event is {\"ch\",\"seq\",\"type\",\"ts\",\"data\"}; seq has no holes within a channel. "
    "After a broken connection {\"op\":\"resume\",\"ch\",\"seq\"} brings what came after seq; complete:false: that is no longer kept, so read the state over HTTP. {\"op\":\"unsubscribe\",\"channels\"}, "
    "{\"op\":\"ping\"}. A client that is too slow to read is dropped with the reason. " API_PREFIX "/ws/bots/{bot_id} subscribes to bot:{bot_id} by itself.", "channels", channels);
}

json_t *api_openapi(const struct api_table *t, const char *version) {
  json_t *reached = json_object(), *schemas = json_object(), *paths = json_object(), *tags = json_array();
  for (int i = 0; i < t->route_count; i++) {
    json_t *request = json_object_get(t->routes[i].source, "request");
    if (request) mark_reached(t, request, reached);
  }
  const char *name;
  json_t *v;
  json_object_foreach(json_object_get(t->source, "components"), name, v)
    json_object_set_new(schemas, name, published(v, json_object_get(reached, name) != NULL));
  for (int i = 0; i < t->route_count; i++) {
    const struct route *r = &t->routes[i];
    json_t *item = json_object_get(paths, r->path);
    if (!item) json_object_set_new(paths, r->path, item = json_object());
    char method[8];
    snprintf(method, sizeof method, "%s", route_method_text(r->method));
    for (char *c = method; *c; c++) *c = (char)(*c | 0x20);
    json_object_set_new(item, method, operation(t, r));
  }
  json_object_foreach(json_object_get(t->source, "tags"), name, v) json_array_append_new(tags, json_pack("{s:s, s:O}", "name", name, "description", v));
  json_decref(reached);
  return json_pack("{s:s, s:{s:s, s:s, s:s, s:{s:s, s:s}}, s:[{s:s}], s:o, s:o, s:o, s:{s:o, s:{s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s}}}}",
                   "openapi", "3.1.0", "info", "title", "Perigee", "version", version, "description",
                   "Trading automation: strategies in Lua, backtests, bots. Money, prices and quantities are decimal numbers as text; times are Unix milliseconds. The header Perigee-Tenant names the organisation a request is about; without it, it is one's own tenant.",
                   "license", "name", "Apache-2.0", "identifier", "Apache-2.0", "servers", "url", "/", "tags", tags, "paths", paths, "x-stream", stream(t), "components", "schemas", schemas,
                   "securitySchemes", "bearer", "type", "http", "scheme", "bearer", "description", "An access token (15 minutes) or an API key.", "cookie", "type",
                   "apiKey", "in", "cookie", "name", "__Host-perigee", "csrf", "type", "apiKey", "in", "header", "name", "X-CSRF-Token");
}

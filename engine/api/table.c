#include "api/table.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const unsigned char api_routes_json[];
extern const size_t api_routes_json_len;

static enum status pick(json_t *o, const char *key, const char *const *words, int count, int absent, int *ret, struct err *err) {
  json_t *v = json_object_get(o, key);
  *ret = absent;
  if (!v && absent >= 0) return OK;
  for (int i = 0; i < count; i++)
    if (json_is_string(v) && strcmp(json_string_value(v), words[i]) == 0) {
      *ret = i;
      return OK;
    }
  return err_set(err, ERR_INVALID, "%s: missing or unknown", key);
}

// A schema written in place, or the name of a component.
static enum status schema_of(struct api_table *t, json_t *v, const struct schema **ret, struct err *err) {
  if (!json_is_string(v)) return schema_compile(t->schemas, v, ret, err);
  *ret = schema_find(t->schemas, json_string_value(v));
  return *ret ? OK : err_set(err, ERR_INVALID, "there is no schema %s", json_string_value(v));
}

static enum status load_param(struct api_table *t, struct route *r, const char *name, json_t *v, struct err *err) {
  if (r->query_count == QUERY_PARAMS_MAX) return err_set(err, ERR_LIMIT, "too many query parameters");
  struct query_param *p = &r->query[r->query_count];
  json_t *schema = json_object_get(v, "schema");
  *p = (struct query_param){name, NULL, json_is_true(json_object_get(v, "required")), json_object_get(schema, "default")};
  enum status st = schema_of(t, schema, &p->schema, err);
  if (st != OK) return err_wrap(err, st, "query %s", name);
  r->query_count++;
  return OK;
}

static enum status load_query(struct api_table *t, struct route *r, json_t *o, struct err *err) {
  const char *name;
  json_t *v;
  json_object_foreach(json_object_get(o, "query"), name, v) {
    enum status st = load_param(t, r, name, v, err);
    if (st != OK) return st;
  }
  if (!r->list) return OK;
  json_object_foreach(json_object_get(t->source, "list_query"), name, v) {
    enum status st = load_param(t, r, name, v, err);
    if (st != OK) return st;
  }
  return OK;
}

static enum status load_responses(struct api_table *t, struct route *r, json_t *o, struct err *err) {
  const char *status;
  json_t *v;
  json_object_foreach(json_object_get(o, "responses"), status, v) {
    if (r->response_count == ROUTE_RESPONSES_MAX) return err_set(err, ERR_LIMIT, "too many responses");
    const int i = r->response_count++;
    r->responses[i].status = atoi(status);
    if (r->responses[i].status < 100 || r->responses[i].status > 399) return err_set(err, ERR_INVALID, "responses: %s", status);
    const char *content = json_string_value(json_object_get(v, "content"));
    r->responses[i].content = content;
    if (json_is_null(v) || content) continue;
    enum status st = schema_of(t, v, &r->responses[i].schema, err);
    if (st != OK) return err_wrap(err, st, "responses %s", status);
  }
  return r->response_count ? OK : err_set(err, ERR_INVALID, "responses: none");
}

static enum status load_problems(struct route *r, json_t *o, struct err *err) {
  size_t i;
  json_t *v;
  json_array_foreach(json_object_get(o, "problems"), i, v) {
    const enum problem p = json_is_string(v) ? problem_by_code(json_string_value(v)) : PROBLEM_NONE;
    if (p == PROBLEM_NONE || r->problem_count == ROUTE_PROBLEMS_MAX) return err_set(err, ERR_INVALID, "problems: %s", json_string_value(v));
    r->problems[r->problem_count++] = p;
  }
  return OK;
}

static enum status load_route(struct api_table *t, struct route *r, json_t *o, struct err *err) {
  static const char *const auths[] = {"none", "optional", "user"}, *const rates[] = {"auth", "read", "write", "heavy", "typing", "hook"},
                           *const etags[] = {"none", "read", "write"};
  static const char *const known[] = {"method", "path", "id", "tag", "summary", "description", "auth", "permission", "right", "rate", "query", "list", "request",
                                      "request_optional", "raw", "responses", "problems", "idempotent", "for_tenant", "etag", "root"};
  const char *key;
  json_t *v;
  json_object_foreach(o, key, v) {
    size_t k = 0;
    while (k < sizeof known / sizeof *known && strcmp(known[k], key) != 0) k++;
    if (k == sizeof known / sizeof *known) return err_set(err, ERR_INVALID, "%s: not a key of a route", key);
  }
  r->source = o;
  r->tag = json_string_value(json_object_get(o, "tag"));
  r->summary = json_string_value(json_object_get(o, "summary"));
  r->description = json_string_value(json_object_get(o, "description"));
  const char *permission = json_string_value(json_object_get(o, "permission"));
  r->permission = permission ? permission_parse(permission) : PERMISSION_UNKNOWN;
  r->right = json_string_value(json_object_get(o, "right"));
  r->list = json_is_true(json_object_get(o, "list"));
  r->idempotent = json_is_true(json_object_get(o, "idempotent"));
  r->request_optional = json_is_true(json_object_get(o, "request_optional"));
  r->raw = json_is_true(json_object_get(o, "raw"));
  r->root = json_is_true(json_object_get(o, "root"));
  const bool of_tenant = json_is_true(json_object_get(o, "for_tenant")) || permission_of_tenant(r->permission);
  const char *method = json_string_value(json_object_get(o, "method")), *path = json_string_value(json_object_get(o, "path"));
  r->method = method ? route_method_parse(method) : ROUTE_COUNT;
  if (r->method == ROUTE_COUNT || !path || !r->tag || !r->summary) return err_set(err, ERR_INVALID, "method, path, tag or summary is missing");
  int auth, rate, etag;
  enum status st = pick(o, "auth", auths, 3, -1, &auth, err);
  if (st == OK) st = pick(o, "rate", rates, RATE_COUNT, r->method == ROUTE_GET ? RATE_READ : RATE_WRITE, &rate, err);
  if (st == OK) st = pick(o, "etag", etags, 3, ROUTE_ETAG_NONE, &etag, err);
  if (st == OK && (auth == AUTH_USER || permission) && r->permission == PERMISSION_UNKNOWN) st = err_set(err, ERR_INVALID, "permission: missing or unknown");
  if (st != OK) return st;
  r->auth = (enum route_auth)auth, r->rate = (enum route_rate)rate, r->etag = (enum route_etag)etag;
  const size_t size = strlen(API_PREFIX) + strlen(path) + 1;
  r->for_tenant = of_tenant && !strstr(path, "{org_id}");
  r->path = malloc(size);
  if (!r->path) return err_set(err, ERR_NOMEM, "out of memory");
  snprintf(r->path, size, "%s%s", r->root ? "" : API_PREFIX, path);
  json_t *params = json_object_get(t->source, "params");
  for (const char *brace = strchr(path, '{'); brace; brace = strchr(brace + 1, '{')) {
    char name[40];
    if (sscanf(brace, "{%39[a-z0-9_]}", name) != 1 || !json_object_get(params, name)) return err_set(err, ERR_INVALID, "path: %s is not among params", brace);
  }
  st = load_query(t, r, o, err);
  json_t *request = json_object_get(o, "request");
  if (st == OK && request) st = schema_of(t, request, &r->request, err);
  if (st == OK) st = load_responses(t, r, o, err);
  if (st == OK) st = load_problems(r, o, err);
  if (st == OK) st = router_add(t->router, r->method, r->path, (int)(r - t->routes), err);
  return st;
}

static enum status load_channel(struct api_table *t, const char *channel, json_t *o, struct err *err) {
  json_t *events = json_object_get(o, "events"), *v;
  const char *permission = json_string_value(json_object_get(o, "permission")), *type;
  if (!permission || permission_parse(permission) == PERMISSION_UNKNOWN) return err_set(err, ERR_INVALID, "permission: missing or unknown");
  if (!json_is_string(json_object_get(o, "summary")) || json_object_size(events) == 0) return err_set(err, ERR_INVALID, "summary or events are missing");
  struct channel_event *more = realloc(t->events, ((size_t)t->event_count + json_object_size(events)) * sizeof *more);
  if (!more) return err_set(err, ERR_NOMEM, "out of memory");
  t->events = more;
  json_object_foreach(events, type, v) {
    struct channel_event *e = &t->events[t->event_count];
    *e = (struct channel_event){.channel = channel, .type = type};
    enum status st = json_is_string(json_object_get(v, "summary")) ? schema_of(t, json_object_get(v, "data"), &e->data, err) : err_set(err, ERR_INVALID, "summary is missing");
    if (st != OK) return err_wrap(err, st, "event %s", type);
    t->event_count++;
  }
  return OK;
}

// The files of routes/ as one: lists are joined, objects united; a name may be in one file only.
static enum status unite(json_t *files, json_t **ret, struct err *err) {
  json_t *out = json_pack("{s:{}, s:{}, s:{}, s:{}, s:{}, s:[]}", "tags", "list_query", "components", "params", "channels", "routes");
  size_t i;
  json_t *file, *v, *item;
  const char *key, *name;
  enum status st = out && json_is_array(files) ? OK : err_set(err, ERR_INVALID, "routes: not a list of files");
  json_array_foreach(files, i, file) json_object_foreach(file, key, v) {
    json_t *into = json_object_get(out, key);
    if (st == OK && (!into || json_typeof(into) != json_typeof(v))) st = err_set(err, ERR_INVALID, "routes: file %zu: %s", i, key);
    if (st != OK) break;
    if (json_is_array(v)) json_array_extend(into, v);
    json_object_foreach(v, name, item) {
      if (json_object_get(into, name)) st = err_set(err, ERR_EXISTS, "routes: %s %s is there twice", key, name);
      json_object_set(into, name, item);
    }
  }
  *ret = out;
  return st;
}

enum status api_table_parse(const char *text, size_t len, struct api_table **ret, struct err *err) {
  struct api_table *t = calloc(1, sizeof *t);
  if (!t) return err_set(err, ERR_NOMEM, "out of memory");
  json_t *files = NULL;
  enum status st = json_parse_strict(text, len, &files, err);
  if (st == OK) st = unite(files, &t->source, err);
  json_decref(files);
  if (st == OK) st = schema_set_create(json_object_get(t->source, "components"), &t->schemas, err);
  if (st == OK) st = router_create(&t->router, err);
  json_t *list = json_object_get(t->source, "routes"), *o;
  t->routes = calloc(json_array_size(list) + 1, sizeof *t->routes);
  if (st == OK && !t->routes) st = err_set(err, ERR_NOMEM, "out of memory");
  size_t i;
  if (st == OK) {
    json_array_foreach(list, i, o) {
      struct route *r = &t->routes[t->route_count++];
      r->id = json_string_value(json_object_get(o, "id"));
      st = !r->id ? err_set(err, ERR_INVALID, "id is missing") : load_route(t, r, o, err);
      for (int k = 0; st == OK && k < t->route_count - 1; k++)
        if (strcmp(t->routes[k].id, r->id) == 0) st = err_set(err, ERR_EXISTS, "id is there twice");
      if (st != OK) {
        err_wrap(err, st, "routes: route %s", r->id ? r->id : "?");
        break;
      }
    }
  }
  const char *name;
  if (st == OK) {
    json_object_foreach(json_object_get(t->source, "params"), name, o) {
      const struct schema *s;
      if (st == OK && (st = schema_of(t, o, &s, err)) != OK) err_wrap(err, st, "routes: param %s", name);
    }
  }
  if (st == OK) {
    json_object_foreach(json_object_get(t->source, "channels"), name, o) {
      if (st == OK && (st = load_channel(t, name, o, err)) != OK) err_wrap(err, st, "routes: channel %s", name);
    }
  }
  if (st != OK) {
    api_table_destroy(t);
    return st;
  }
  *ret = t;
  return OK;
}

enum status api_table_create(struct api_table **ret, struct err *err) {
  return api_table_parse((const char *)api_routes_json, api_routes_json_len, ret, err);
}

void api_table_destroy(struct api_table *t) {
  if (!t) return;
  for (int i = 0; i < t->route_count; i++) free(t->routes[i].path);
  free(t->routes);
  free(t->events);
  router_destroy(t->router);
  schema_set_destroy(t->schemas);
  json_decref(t->source);
  free(t);
}

const struct route *api_table_route(const struct api_table *t, const char *id) {
  for (int i = 0; i < t->route_count; i++)
    if (strcmp(t->routes[i].id, id) == 0) return &t->routes[i];
  return NULL;
}

bool api_table_params_fit(const struct api_table *t, const struct route_match *m) {
  for (int i = 0; i < m->param_count; i++) {
    // Names end at '}' in the template; params holds each as a component's name or a schema that is a reference to one.
    const char *end = strchr(m->params[i].name, '}');
    assert(end);
    json_t *v = json_object_getn(json_object_get(t->source, "params"), m->params[i].name, (size_t)(end - m->params[i].name));
    const struct schema *s = schema_find(t->schemas, json_string_value(v));
    assert(s);
    struct schema_errors errors = {0};
    json_t *value;
    if (!schema_check_text(s, m->params[i].value, m->params[i].len, "", &errors, &value)) return false;
    json_decref(value);
  }
  return true;
}

bool route_documents(const struct route *r, int status, json_t *body, struct schema_errors *errors) {
  for (int i = 0; i < r->response_count; i++) {
    if (r->responses[i].status != status) continue;
    if (!r->responses[i].schema) return body == NULL;
    return body && schema_check(r->responses[i].schema, body, errors);
  }
  schema_errors_add(errors, "", "status %d is not documented", status);
  return false;
}

bool channel_documents(const struct api_table *t, const char *channel, const char *type, json_t *data, struct schema_errors *errors) {
  bool known = false;
  for (int i = 0; i < t->event_count; i++) {
    const struct channel_event *e = &t->events[i];
    const size_t fixed = strcspn(e->channel, "{");
    if (strncmp(e->channel, channel, fixed) != 0 || (!e->channel[fixed] && channel[fixed])) continue;
    if (strcmp(e->type, type) == 0) return schema_check(e->data, data, errors);
    known = true;
  }
  if (known) schema_errors_add(errors, "", "is no event of the channel");
  return !known;
}

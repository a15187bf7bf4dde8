// api/news.c – calendars of news (risk/news.h) that rule sets keep clear of: a tenant's own entries, and the installation's for everybody.
#include "api/bots.h"
#include "api/core.h"
#include "api/handlers.h"
#include "risk/news.h"
#include "store/id.h"
#include "store/news_rows.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 1000
#define NS_PER_MS INT64_C(1000000)
#define DAY_MS INT64_C(86400000)

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

// ---- showing

static json_t *concerns_json(const char *what) {
  json_t *list = json_array();
  for (const char *name = what; *name;) {
    const size_t len = strcspn(name, ",");
    json_array_append_new(list, json_stringn(name, len));
    name += len + (name[len] == ',');
  }
  return list;
}

static json_t *news_json(const struct news_row *row) {
  return json_pack("{s:o, s:s, s:I, s:I, s:s, s:o, s:s}", "id", api_id("nws", row->id), "owner", row->tenant_id ? "tenant" : "installation", "from_ms", (json_int_t)(row->from_ns / NS_PER_MS),
                   "to_ms", (json_int_t)(row->to_ns / NS_PER_MS), "impact", news_impact_text((enum news_impact)row->impact), "concerns", concerns_json(row->what), "title", row->title);
}

struct page {
  json_t *items;
  size_t limit;
  bool more;
};
static bool add_news(void *arg, const struct news_row *row) {
  struct page *p = arg;
  if (json_array_size(p->items) == p->limit) return p->more = true, false;
  json_array_append_new(p->items, news_json(row));
  return true;
}

static int by_time(const void *a, const void *b) {
  const json_int_t x = json_integer_value(json_object_get(*(json_t *const *)a, "from_ms")), y = json_integer_value(json_object_get(*(json_t *const *)b, "from_ms"));
  return (x > y) - (x < y);
}

// Two calendars in one order.
static json_t *sorted(json_t *items) {
  const size_t n = json_array_size(items);
  json_t **all = malloc((n + 1) * sizeof(json_t *)), *out = json_array();
  for (size_t i = 0; all && i < n; i++) all[i] = json_array_get(items, i);
  if (all) qsort(all, n, sizeof *all, by_time);
  for (size_t i = 0; all && i < n; i++) json_array_append(out, all[i]);
  free(all);
  json_decref(items);
  return out;
}

static enum status list(struct api_call *call, int64_t tenant_id) {
  const int64_t from_ms = api_query_int(call, "from_ms", call->now_ns / NS_PER_MS - DAY_MS), to_ms = api_query_int(call, "to_ms", from_ms + 366 * DAY_MS);
  struct page p = {json_array(), SHOWN_MAX, false};
  enum status st = tenant_id ? news_list_rows(reader(call), tenant_id, from_ms * NS_PER_MS, to_ms * NS_PER_MS, SHOWN_MAX + 1, add_news, &p, &call->err) : OK;
  p.limit += json_array_size(p.items);
  if (st == OK) st = news_list_rows(reader(call), 0, from_ms * NS_PER_MS, to_ms * NS_PER_MS, SHOWN_MAX + 1, add_news, &p, &call->err);
  p.items = sorted(p.items);
  if (st == OK) return api_json(call, 200, json_pack("{s:o, s:b}", "items", p.items, "more", p.more));
  json_decref(p.items);
  return st;
}

enum status api_news_list(struct api_call *call) { return list(call, call->who.tenant_id); }
enum status api_admin_news_list(struct api_call *call) { return list(call, 0); }

// ---- changing

static bool concerns_of(const json_t *names, char ret[NEWS_WHAT_SIZE]) {
  size_t i, len = 0;
  json_t *name;
  char text[2 * NEWS_WHAT_SIZE] = "";
  json_array_foreach((json_t *)names, i, name) {
    if (len + json_string_length(name) + 2 > sizeof text) return false;
    len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", len ? "," : "", json_string_value(name));
  }
  return news_what_of(text, len, ret);
}

// False: answered.
static bool row_of(struct api_call *call, size_t index, const json_t *item, struct news_row *row, enum status *ret) {
  const json_t *to = json_object_get(item, "to_ms");
  const char *impact = json_string_value(json_object_get(item, "impact")), *title = json_string_value(json_object_get(item, "title")), *why = "";
  char pointer[48];
  enum news_impact i = NEWS_HIGH;
  row->from_ns = json_integer_value(json_object_get(item, "from_ms")) * NS_PER_MS;
  row->to_ns = to ? json_integer_value(to) * NS_PER_MS : row->from_ns;
  snprintf(row->title, sizeof row->title, "%s", title ? title : "");
  snprintf(pointer, sizeof pointer, "/items/%zu/concerns", index);
  if (!concerns_of(json_object_get(item, "concerns"), row->what))
    return *ret = api_invalid_at(call, pointer, "names have letters and digits, all together at most 94 of them"), false;
  if (impact && !news_impact_of(impact, &i)) i = NEWS_HIGH;  // the schema has a closed list
  row->impact = i;
  const struct news_event e = {.from_ns = row->from_ns, .to_ns = row->to_ns, .impact = i};
  snprintf(pointer, sizeof pointer, "/items/%zu/to_ms", index);
  if (!news_event_valid(&e, &why)) return *ret = api_invalid_at(call, pointer, why), false;
  return true;
}

// What is over for a year goes with the next that comes.
static enum status write_news(struct api_call *call, struct db *db, int64_t tenant_id) {
  const json_t *items = json_object_get(call->body, "items");
  const bool replaces = api_body_flag(call, "replace");
  char detail[80];
  int64_t count = 0;
  size_t i;
  json_t *item;
  enum status st = replaces ? news_remove_all(db, tenant_id, &call->err) : news_remove_before(db, tenant_id, call->now_ns - 366 * DAY_MS * NS_PER_MS, &call->err);
  if (st == OK) st = news_count(db, tenant_id, &count, &call->err);
  if (st == OK && count + (int64_t)json_array_size(items) > NEWS_ROWS_MAX)
    return api_problemf(call, PROBLEM_conflict, "A calendar has at most %d entries, and there are %lld: replace them, or delete some.", NEWS_ROWS_MAX, (long long)count);
  json_array_foreach(items, i, item) {
    struct news_row row = {.id = id_next(call->now_ns), .tenant_id = tenant_id, .created_ns = call->now_ns};
    if (st == OK && !row_of(call, i, item, &row, &st)) return st;
    if (st == OK) st = news_insert(db, &row, &call->err);
  }
  snprintf(detail, sizeof detail, "{\"added\":%zu,\"replaced\":%s}", json_array_size(items), replaces ? "true" : "false");
  if (st == OK) st = api_audit(call, db, "risk.news", tenant_id ? "org" : "", tenant_id, detail);
  return st == OK ? api_json(call, 200, json_pack("{s:i, s:I}", "added", (int)json_array_size(items), "entries", (json_int_t)(count + (int64_t)json_array_size(items)))) : st;
}

static enum status drop(struct api_call *call, struct db *db, int64_t tenant_id) {
  enum status st = news_remove(db, tenant_id, api_param_id(call, "news_id"), &call->err);
  if (st == OK) st = api_audit(call, db, "risk.news.delete", "nws", api_param_id(call, "news_id"), NULL);
  return st == OK ? api_json(call, 204, NULL) : st;
}

static enum status add_own(struct api_call *call, struct db *db) { return write_news(call, db, call->who.tenant_id); }
static enum status add_all(struct api_call *call, struct db *db) { return write_news(call, db, 0); }
static enum status drop_own(struct api_call *call, struct db *db) { return drop(call, db, call->who.tenant_id); }
static enum status drop_all(struct api_call *call, struct db *db) { return drop(call, db, 0); }
static enum status changed_own(struct api_call *call) {
  if (call->core->live) live_news_changed(call->core->live, call->who.tenant_id);
  return OK;
}
static enum status changed_all(struct api_call *call) {
  if (call->core->live) live_news_changed(call->core->live, 0);
  return OK;
}
enum status api_news_add(struct api_call *call) { return api_write_then(call, add_own, changed_own); }
enum status api_news_delete(struct api_call *call) { return api_write_then(call, drop_own, changed_own); }
enum status api_admin_news_add(struct api_call *call) { return api_write_then(call, add_all, changed_all); }
enum status api_admin_news_delete(struct api_call *call) { return api_write_then(call, drop_all, changed_all); }

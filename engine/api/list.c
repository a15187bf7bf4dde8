#include "api/list.h"

#include "api/core.h"

#include <string.h>

int api_limit(const struct api_call *call) { return (int)api_query_int(call, "limit", 50); }

bool api_cursor(struct api_call *call, struct cursor *ret) {
  const char *text = api_query_text(call, "cursor");
  *ret = (struct cursor){INT64_MAX, INT64_MAX};
  if (!text || cursor_parse(text, strlen(text), call->core->cursor_secret, call->route->id, call->who.tenant_id, ret)) return true;
  (void)api_problem(call, PROBLEM_bad_cursor, NULL);
  return false;
}

enum status api_page(struct api_call *call, json_t *items, bool more, struct cursor last) {
  char text[CURSOR_TEXT_SIZE];
  if (more) cursor_format(last, call->core->cursor_secret, call->route->id, call->who.tenant_id, text);
  json_t *page = json_pack("{s:o, s:s?}", "items", items, "next_cursor", more ? text : NULL);
  return api_json(call, 200, page);
}

bool api_list_begin(struct api_call *call, struct api_list *ret, int64_t start) {
  struct cursor at;
  if (!api_cursor(call, &at)) return false;
  *ret = (struct api_list){.call = call, .items = json_array(), .at = api_query_text(call, "cursor") ? at.id : start, .limit = api_limit(call)};
  return true;
}

bool api_list_room(struct api_list *l, int64_t id) {
  if (l->count == l->limit) {
    l->more = true;
    return false;
  }
  l->count++;
  l->last = id;
  return true;
}

enum status api_list_end(struct api_list *l, enum status st) {
  if (st == OK) return api_page(l->call, l->items, l->more, (struct cursor){0, l->last});
  json_decref(l->items);
  return st;
}

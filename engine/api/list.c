#include "api/list.h"

#include "api/core.h"
#include "store/id.h"

#include <string.h>

#define PAGE_BYTES_MAX (16 << 20)

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

struct json_out *api_list_item(struct api_list *l, int64_t id) {
  if (!api_list_room(l, id)) return NULL;
  if (l->text.max == 0) {
    buf_init(&l->text, PAGE_BYTES_MAX);
    json_out_init(&l->out, &l->text, false);
    jo_open(&l->out, NULL, '{');
    jo_open(&l->out, "items", '[');
  }
  jo_open(&l->out, NULL, '{');
  return &l->out;
}

void jo_id(struct json_out *o, const char *key, const char *prefix, int64_t id) {
  char text[ID_TEXT_SIZE];
  if (id) id_format(prefix, id, text);
  if (id) jo_text(o, key, text);
  else jo_null(o, key);
}

void jo_ms(struct json_out *o, const char *key, int64_t ns) {
  if (ns) jo_int(o, key, ns / 1000000);
  else jo_null(o, key);
}

// The rest of a page that was written.
static enum status page_written(struct api_list *l, enum status st) {
  char text[CURSOR_TEXT_SIZE];
  json_decref(l->items);
  jo_close(&l->out);
  if (l->more) {
    cursor_format((struct cursor){0, l->last}, l->call->core->cursor_secret, l->call->route->id, l->call->who.tenant_id, text);
    jo_text(&l->out, "next_cursor", text);
  } else {
    jo_null(&l->out, "next_cursor");
  }
  jo_close(&l->out);
  if (st == OK && l->text.failed) st = err_set(&l->call->err, ERR_NOMEM, "out of memory");
  if (st == OK) return api_text(l->call, 200, "application/json", l->text.data, l->text.len);
  buf_finish(&l->text);
  return st;
}

enum status api_list_end(struct api_list *l, enum status st) {
  if (l->text.max > 0) return page_written(l, st);
  if (st == OK) return api_page(l->call, l->items, l->more, (struct cursor){0, l->last});
  json_decref(l->items);
  return st;
}

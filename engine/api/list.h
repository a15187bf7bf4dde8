// api/list.h – private to api/: a page of a list, from the cursor in the query to {"items": […], "next_cursor": …}.
//
//     struct api_list l;
//     if (!api_list_begin(call, &l, API_LIST_NEWEST)) return OK;           // answered: the cursor is none of this list
//     return api_list_end(&l, thing_list(db, tenant, l.at, l.limit + 1, add_thing, &l, &call->err));
//
// with a callback that asks for room before it makes an item:
//
//     if (!api_list_room(l, row->id)) return false;                         // the page is full, and there is more
//     json_array_append_new(l->items, …);
//
// or, where pages are read often, writes it without a tree, at a third of the cost:
//
//     struct json_out *o = api_list_item(l, row->id);                       // NULL: the page is full
//     if (o) { jo_id(o, "id", "str", row->id); …; jo_close(o); }
#pragma once
#include "api/call.h"
#include "backtest/json_out.h"

struct api_list {
  struct api_call *call;
  json_t *items;
  int64_t at;        // rows beyond this id are wanted: below it in lists that begin with the newest, else above it
  int limit, count;  // items at most, and so far
  int64_t last;      // id of the last one
  bool more;         // there was one too many
  struct buf text;   // instead of items: the answer as far as it is written
  struct json_out out;
};

#define API_LIST_NEWEST INT64_MAX  // lists that run from the highest id down
#define API_LIST_OLDEST 0          // from the lowest id up

// start: where the list begins without a cursor. False: answered with bad_cursor; return OK.
bool api_list_begin(struct api_call *call, struct api_list *ret, int64_t start);
// False when the page is full; else the caller appends the item of this id.
bool api_list_room(struct api_list *l, int64_t id);
// An object of the page, open; the caller writes its members and closes it. NULL when the page is full.
struct json_out *api_list_item(struct api_list *l, int64_t id);
void jo_id(struct json_out *o, const char *key, const char *prefix, int64_t id);  // null for 0
void jo_ms(struct json_out *o, const char *key, int64_t ns);                       // null for 0
// Answers with the page when st is OK; else drops it and returns st.
enum status api_list_end(struct api_list *l, enum status st);

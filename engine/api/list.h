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
#pragma once
#include "api/call.h"

struct api_list {
  struct api_call *call;
  json_t *items;
  int64_t at;        // rows beyond this id are wanted: below it in lists that begin with the newest, else above it
  int limit, count;  // items at most, and so far
  int64_t last;      // id of the last one
  bool more;         // there was one too many
};

#define API_LIST_NEWEST INT64_MAX  // lists that run from the highest id down
#define API_LIST_OLDEST 0          // from the lowest id up

// start: where the list begins without a cursor. False: answered with bad_cursor; return OK.
bool api_list_begin(struct api_call *call, struct api_list *ret, int64_t start);
// False when the page is full; else the caller appends the item of this id.
bool api_list_room(struct api_list *l, int64_t id);
// Answers with the page when st is OK; else drops it and returns st.
enum status api_list_end(struct api_list *l, enum status st);

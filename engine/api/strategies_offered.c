// api/strategies_offered.c – the installation's own strategies as customers choose them: a header to make a form of, and the edition's
// presets. A plan that allows no strategies of one's own still has these.
#include "api/core.h"
#include "api/handlers.h"
#include "api/scripts.h"
#include "store/store.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct offers {
  struct api_call *call;
  json_t *items, *presets;
  enum status status;
};

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

static json_t *presets_of(const json_t *all, const char *name) {
  json_t *list = json_array(), *v;
  size_t i;
  json_array_foreach(all, i, v) {
    const char *of = json_string_value(json_object_get(v, "strategy"));
    if (of && strcmp(of, name) == 0) json_array_append(list, v);
  }
  return list;
}

static void add(void *arg, const struct script_row *row) {
  struct offers *o = arg;
  struct script_version_row version;
  if (!row->active_version || o->status != OK) return;
  o->status = script_version_get(reader(o->call), 0, row->id, 0, &version, &o->call->err);
  if (o->status != OK) return;
  json_t *header = version.header ? json_loads(version.header, 0, NULL) : NULL;
  if (header)
    json_array_append_new(o->items, json_pack("{s:o, s:s, s:I, s:O, s:o}", "id", api_id("str", row->id), "name", row->name, "version", (json_int_t)version.version, "header", header,
                                              "presets", presets_of(o->presets, row->name)));
  json_decref(header);
  script_version_finish(&version);
}

enum status api_strategies_offered(struct api_call *call) {
  struct edition_row edition;
  struct offers o = {.call = call, .items = json_array(), .status = OK};
  enum status st = edition_get(reader(call), &edition, &call->err);
  if (st == OK) {
    o.presets = json_loads(edition.presets, 0, NULL);
    edition_row_finish(&edition);
  }
  if (st == OK || st == ERR_NOTFOUND) st = script_list(reader(call), 0, "strategy", 0, INT_MAX, add, &o, &call->err);
  if (st == OK) st = o.status;
  json_decref(o.presets);
  if (st == OK) return api_json(call, 200, json_pack("{s:o}", "items", o.items));
  json_decref(o.items);
  return st;
}

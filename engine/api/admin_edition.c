// api/admin_edition.c – the edition in force, for anyone; and loads one from a directory of this machine: read and described in the
// pool, written in one transaction, in force by one swap. That only for the operator at the machine (unix socket), who could read
// the files anyway.
#include "api/core.h"
#include "api/handlers.h"
#include "store/script_rows.h"
#include "store/store.h"
#include "tenant/edition.h"

struct loading {
  struct edition *edition;
  struct activation *activation;
  enum status status;
};

static void cleanup(struct api_call *call) {
  struct loading *l = call->state;
  registry_discard(l->activation);
  edition_destroy(l->edition);
}

static void read_files(struct api_call *call) {
  struct loading *l = call->state;
  l->status = edition_read(api_body_text(call, "dir"), NULL, &l->edition, &call->err);
}

static json_t *loaded(const struct edition *e) {
  json_t *scripts = json_array();
  const struct edition_item *item;
  for (size_t i = 0; (item = edition_item(e, i)); i++)
    json_array_append_new(scripts, json_pack("{s:o, s:s, s:s, s:I, s:b}", "id", api_id("str", item->put.script_id),
                                     "kind", script_kind_name(item->kind), "name", item->name, "version",
                                     (json_int_t)item->put.version, "new_version", (int)item->put.new_version));
  return json_pack("{s:s, s:o}", "edition", edition_name(e), "scripts", scripts);
}

static enum status write_edition(struct api_call *call, struct db *db) {
  struct loading *l = call->state;
  enum status st = edition_write(l->edition, l->activation, db, call->who.user_id, call->now_ns, &call->err);
  if (st == OK) st = api_audit(call, db, "edition.load", NULL, 0, NULL);
  return st == OK ? api_json(call, 201, loaded(l->edition)) : st;
}

static enum status swap(struct api_call *call) {
  struct loading *l = call->state;
  registry_commit(call->core->registry, l->activation);
  l->activation = NULL;
  return OK;
}

static enum status refused(struct api_call *call, enum status st) {
  if (st == ERR_NOTFOUND) return api_problem(call, PROBLEM_not_found, call->err.msg);
  return st == ERR_NOMEM ? st : api_problem(call, PROBLEM_script_rejected, call->err.msg);
}

static enum status described(struct api_call *call) {
  struct loading *l = call->state;
  if (l->status != OK) return refused(call, l->status);
  enum status st = edition_prepare(
    call->core->registry, store_reader(api_store(call), STORE_CONTROL), l->edition, &l->activation, &call->err);
  return st == OK ? api_write_then(call, write_edition, swap) : refused(call, st);
}

enum status api_admin_edition_load(struct api_call *call) {
  if (call->who.kind != WHO_OPERATOR)
    return api_problem(call, PROBLEM_forbidden, "Only the operator at the machine can load files of the machine.");
  struct loading *l = api_alloc(call, sizeof *l);
  if (!l) return err_set(&call->err, ERR_NOMEM, "out of memory");
  call->state = l;
  call->cleanup = cleanup;
  return api_work(call, read_files, described);
}

enum status api_edition_get(struct api_call *call) {
  const struct registry *reg = call->core->registry;
  const struct plan_set *set = registry_plans(call->core->registry);
  struct edition_row row;
  enum status st = edition_get(store_reader(api_store(call), STORE_CONTROL), &row, &call->err);
  if (st != OK && st != ERR_NOTFOUND) return st;
  bool loaded = st == OK;  // else the shipped tiers alone are in force
  json_t *branding = loaded ? json_loads(row.branding, 0, NULL) : json_object(),
         *presets = loaded ? json_loads(row.presets, 0, NULL) : json_array();
  if (loaded) edition_row_finish(&row);
  return api_json(call, 200, json_pack("{s:s, s:s, s:s, s:o, s:o}", "edition", registry_edition(reg), "name", set->name,
                                       "about", set->about, "branding", branding, "presets", presets));
}

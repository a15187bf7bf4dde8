// api/admin_edition.c – loads an edition from a directory of this machine: read and described in the pool, written in one
// transaction, in force by one swap. Only for the operator at the machine (unix socket), who could read the files anyway.
#include "api/core.h"
#include "api/handlers.h"
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

// api/write.c – a call's way through the writer's thread and back; the audit log; ids of the store as clients see them.
#include "api/core.h"
#include "store/id.h"
#include "store/store.h"
#include "tenant/audit.h"

#include <string.h>

struct write {
  struct api_call *call;
  api_write_fn fn;
  api_phase then;
};

// On the writer's thread; the loop leaves the call alone meanwhile.
static enum status run(struct db *db, void *arg, struct err *err) {
  struct write *w = arg;
  struct api_call *call = w->call;
  call->in_write = true;
  enum status st = w->fn(call, db);
  // What is kept for the idempotency key is the answer given here; a phase after the commit may no longer change it.
  if (st == OK && call->status != 0) st = idem_store(call, db);
  call->in_write = false;
  if (st != OK) *err = call->err;
  return st;
}

static void done(void *arg, enum status st, const struct err *err) {
  struct write *w = arg;
  struct api_call *call = w->call;
  call->pending = false;
  if (st != OK && call->problem == PROBLEM_NONE) call->err = *err;
  api_finish(call, st == OK && w->then ? w->then(call) : st);
}

typedef void (*hand_in_fn)(struct store *store, enum store_file file, store_fn fn, store_done done, void *arg);
static enum status write_by(hand_in_fn hand_in, struct api_call *call, api_write_fn fn, api_phase then) {
  struct write *w = api_alloc(call, sizeof *w);
  if (!w) return err_set(&call->err, ERR_NOMEM, "out of memory");
  *w = (struct write){call, fn, then};
  call->pending = true;
  hand_in(call->core->store, STORE_CONTROL, run, done, w);
  return OK;
}
enum status api_write_then(struct api_call *call, api_write_fn fn, api_phase then) { return write_by(store_write, call, fn, then); }
enum status api_write_along(struct api_call *call, api_write_fn fn, api_phase then) { return write_by(store_write_along, call, fn, then); }
enum status api_write(struct api_call *call, api_write_fn fn) { return api_write_then(call, fn, NULL); }

enum status api_audit(struct api_call *call, struct db *db, const char *action, const char *prefix, int64_t id, const char *detail) {
  char object[ID_TEXT_SIZE] = "";
  if (prefix) id_format(prefix, id, object);
  const char *agent = call->req->field(call->req, "user-agent");
  const struct audit_event event = {.tenant_id = call->who.tenant_id, .user_id = call->who.user_id, .actor_id = call->who.actor_id, .action = action, .object = object,
                                    .detail = detail, .address = call->req->address, .user_agent = agent, .at_ns = call->now_ns};
  return audit_add(db, &event, &call->err);
}

json_t *api_id(const char *prefix, int64_t id) {
  if (id == 0) return json_null();
  char text[ID_TEXT_SIZE];
  id_format(prefix, id, text);
  return json_string(text);
}

static int64_t number_of(const char *text) {
  int64_t id = 0;
  const char *mark = text ? strchr(text, '_') : NULL;
  char prefix[8] = "";
  if (!mark || (size_t)(mark - text) >= sizeof prefix) return 0;
  memcpy(prefix, text, (size_t)(mark - text));
  return id_parse(prefix, text, strlen(text), &id) ? id : 0;
}
int64_t api_param_id(const struct api_call *call, const char *name) { return number_of(api_param(call, name)); }
int64_t api_body_id(const struct api_call *call, const char *name) { return number_of(api_body_text(call, name)); }
int64_t api_query_id(const struct api_call *call, const char *name) { return number_of(api_query_text(call, name)); }

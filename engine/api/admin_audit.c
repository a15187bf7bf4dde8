// api/admin_audit.c – the audit log for operators: searched, and checked from its first row on. Both may read the whole of it, so they run in
// the pool, on a connection of their own.
#include "api/admin_system.h"
#include "api/core.h"
#include "api/handlers.h"
#include "api/list.h"
#include "crypto/encode.h"
#include "store/desk_rows.h"
#include "store/id.h"
#include "store/store.h"
#include "store/user_rows.h"
#include "tenant/audit.h"
#include "tenant/identity.h"

#include <string.h>

struct reading {
  struct api_list list;
  struct audit_filter filter;
  struct audit_report report;
  struct db *db;
  enum status status;
};

static void with_connection(struct api_call *call, enum status (*read)(struct api_call *call, struct reading *r)) {
  struct reading *r = call->state;
  r->status = store_reader_open(api_store(call), STORE_CONTROL, &r->db, &call->err);
  if (r->status != OK) return;
  r->status = read(call, r);
  store_reader_close(r->db);
}

// ---- searching

// Whose id it is, as operators know them; null for nobody, and for who has been erased.
static json_t *person(struct db *db, int64_t id) {
  struct user_row row;
  struct err err;
  return id && user_get(db, id, &row, &err) == OK && row.email[0] ? json_string(row.email) : json_null();
}

json_t *admin_audit_json(struct db *db, const struct audit_row *row, const char *address) {
  char hash[HEX_SIZE(AUDIT_HASH_BYTES)];
  hex_encode(row->hash, sizeof row->hash, hash);
  json_t *detail = row->detail[0] ? json_loads(row->detail, 0, NULL) : NULL;
  return json_pack("{s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:o, s:s, s:o, s:s}", "id", api_id("aud", row->id), "seq", (json_int_t)row->seq, "tenant_id",
                   api_id("org", row->tenant_id), "user_id", api_id("usr", row->user_id), "user", person(db, row->user_id), "actor_id", api_id("usr", row->actor_id), "actor",
                   person(db, row->actor_id), "action", row->action, "object", row->object, "detail", detail ? detail : json_null(), "address", address, "at_ms",
                   api_ms(row->at_ns), "hash", hash);
}

static bool add_audit(void *arg, const struct audit_row *row, const char *address) {
  struct reading *r = arg;
  if (!api_list_room(&r->list, row->id)) return false;
  json_array_append_new(r->list.items, admin_audit_json(r->db, row, address));
  return true;
}

static enum status find(struct api_call *call, struct reading *r) {
  return audit_list(r->db, &r->filter, r->list.at, r->list.limit + 1, add_audit, r, &call->err);
}
static void list_slow(struct api_call *call) { with_connection(call, find); }
static enum status list_done(struct api_call *call) {
  struct reading *r = call->state;
  return api_list_end(&r->list, r->status);
}

static struct reading *begin(struct api_call *call) {
  struct reading *r = call->state = api_alloc(call, sizeof *r);
  if (!r) err_set(&call->err, ERR_NOMEM, "out of memory");
  return r;
}

enum status api_admin_audit_list(struct api_call *call) {
  struct reading *r = begin(call);
  if (!r) return call->err.code;
  if (!api_list_begin(call, &r->list, API_LIST_NEWEST)) return OK;
  r->filter = (struct audit_filter){.tenant_id = api_query_text(call, "tenant_id") ? api_query_id(call, "tenant_id") : -1, .person_id = api_query_id(call, "user_id"),
                                    .action = api_query_text(call, "action"), .object = api_query_text(call, "object")};
  return api_work(call, list_slow, list_done);
}

// ---- checking

static enum status verify(struct api_call *call, struct reading *r) {
  return audit_verify(r->db, identity_keys(call->core->identity)->audit.pub, &r->report, &call->err);
}
static void verify_slow(struct api_call *call) { with_connection(call, verify); }

static enum status verified(struct api_call *call) {
  const struct reading *r = call->state;
  const struct audit_report *p = &r->report;
  if (r->status != OK) return r->status;
  if (!p->sound) api_log(call->core, "error", "audit_log_tampered", json_pack("{s:s}", "fault", p->fault));
  json_t *fault = p->sound ? json_null() : json_pack("{s:s, s:o, s:o}", "what", p->fault, "tenant_id", p->fault_tenant_id > 0 ? api_id("org", p->fault_tenant_id) : json_null(),
                                                     "seq", p->fault_seq >= 0 ? json_integer(p->fault_seq) : json_null());
  return api_json(call, 200, json_pack("{s:b, s:I, s:I, s:I, s:o, s:o}", "sound", p->sound, "chains", (json_int_t)p->chains, "rows", (json_int_t)p->rows, "signatures",
                                       (json_int_t)p->signatures, "fault", fault, "at_ms", api_ms(call->now_ns)));
}

enum status api_admin_audit_verify(struct api_call *call) { return begin(call) ? api_work(call, verify_slow, verified) : call->err.code; }

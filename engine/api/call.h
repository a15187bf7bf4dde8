// api/call.h – one request on its way through a handler, and what handlers may do with it.
//
// A handler is api_<operationId>(call). The request has been routed, authenticated, permitted, rate-limited and validated: path
// parameters, query and body fit their schemas. It runs on the loop's thread, may read the store, and then either
//
//   return api_json(call, 200, tree);                      the answer, now
//   return api_problem(call, PROBLEM_conflict, "…");        a problem, now
//   return api_write(call, write_fn);                       go on in a transaction, on the writer's thread
//   return api_work(call, slow_fn, then_fn);                go on in the pool, and then on the loop again
//   return api_wait(call) … api_resume(call, phase)         go on when somebody calls back on the loop
//
// The same returns work in every phase. In a write, api_problem undoes what the write did: it returns ERR_CANCELLED, and the
// transaction keeps nothing of a function that does not return OK. Any other status that is not OK without an answer becomes a
// problem of its own (see api_finish); its message goes to the log, not to the client.
#pragma once
#include "api/cursor.h"
#include "api/etag.h"
#include "api/table.h"
#include "api/who.h"
#include "base/buf.h"

#include <stdint.h>

struct api_core;
struct api_call;
struct db;
struct entitlement;
struct password_work;
struct snapshot;
struct store;

// Somebody whom this process knows by other means than a credential in the request: who linked a chat. May what an API key with the scopes read and trade may.
struct api_behalf {
  int64_t user_id, tenant_id;
};

// What a transport hands in. Borrowed until the answer is given.
struct api_request {
  const char *method;
  const char *path, *query;  // as sent; query without '?', "" without
  size_t path_len, query_len;
  const char *(*field)(const struct api_request *req, const char *lower_name);  // NULL without
  void *transport;
  const char *body;
  size_t body_len;
  const char *address;   // the client's, behind trusted proxies; "" for a local one
  bool is_local;         // unix socket of the server's own user or root, or this very process: the operator
  bool is_tls;
  const struct api_behalf *behalf;  // NULL of every request from outside
  int64_t received_ns;   // monotonic
};

#define API_FIELDS_MAX 32
struct api_answer {
  int status;
  const char *content_type;  // NULL without a body
  const char *body;
  size_t len;
  struct { const char *name, *value; } fields[API_FIELDS_MAX];
  int field_count;
};
// Exactly once per request, on the loop, perhaps before api_handle returns. Everything in it is borrowed for the call.
typedef void (*api_answer_fn)(void *arg, const struct api_answer *answer);

void api_handle(struct api_core *core, const struct api_request *req, api_answer_fn answer, void *arg);

typedef enum status (*api_handler)(struct api_call *call);
typedef enum status (*api_phase)(struct api_call *call);  // on the loop

struct api_call {
  struct api_core *core;
  const struct api_request *req;
  const struct route *route;
  struct route_match match;
  struct api_who who;
  json_t *query, *body;    // validated; query is never NULL, body only when the route has one
  char request_id[24];
  int64_t now_ns;          // Unix time when the call began: the time of all it does
  void *state;             // the handler's own, from api_alloc
  size_t state_size;
  struct password_work *work;  // of a flow, and where it goes on after it (identity_call.h)
  api_phase next;
  int64_t erased_tenant;   // of me_delete
  int64_t *erased_bots;    // and its bots, ends with 0; NULL: none
  void (*cleanup)(struct api_call *call);  // of state, when the call ends; on the loop
  struct err err;          // for what the handler calls

  // The rest is the core's.
  api_answer_fn answer;
  void *answer_arg;
  int status;
  enum problem problem;
  json_t *out;
  char *text;              // instead of out: a body that is not JSON, or is already written
  size_t text_len;
  const char *text_type;
  struct { const char *name, *value; char small[48]; } fields[16];
  int field_count;
  struct api_block *blocks;
  struct idem_state *idem;
  const struct entitlement *entitlement;  // api_entitlement()
  struct snapshot *snapshot;              // of the registry, held by the call
  bool pending, in_write;
  int route_index;
};

// ---- answering, in any phase
// Takes the reference; NULL means memory ran out. 204 takes NULL.
enum status api_json(struct api_call *call, int status, json_t *tree);
// Takes text (from malloc).
enum status api_text(struct api_call *call, int status, const char *content_type, char *text, size_t len);
// Returns ERR_CANCELLED when in a write (so that nothing of it stays), else OK; `return api_problem(…)` is right everywhere.
enum status api_problem(struct api_call *call, enum problem p, const char *detail);
enum status api_problemf(struct api_call *call, enum problem p, const char *fmt, ...) PRINTF(3, 4);
// A problem whose errors point into the request.
enum status api_invalid(struct api_call *call, enum problem p, const char *detail, const struct schema_errors *errors);
// One such error.
enum status api_invalid_at(struct api_call *call, const char *pointer, const char *message);
// A header of the answer; also kept when a problem replaces the answer.
void api_field(struct api_call *call, const char *name, const char *fmt, ...) PRINTF(3, 4);

// ---- going on elsewhere
typedef enum status (*api_write_fn)(struct api_call *call, struct db *db);  // on the writer's thread, within a transaction
enum status api_write(struct api_call *call, api_write_fn fn);
// The same, and then one more phase once it is committed (nothing if it failed).
enum status api_write_then(struct api_call *call, api_write_fn fn, api_phase then);
// The same for what another write follows within a moment: both are one commit if it comes within some 10 ms (store_write_along).
enum status api_write_along(struct api_call *call, api_write_fn fn, api_phase then);
enum status api_work(struct api_call *call, void (*slow)(struct api_call *call), api_phase then);
// The handler has handed the call to something that will call api_resume on the loop.
enum status api_wait(struct api_call *call);
void api_resume(struct api_call *call, api_phase phase);

// ---- the request
const char *api_param(const struct api_call *call, const char *name);   // of the path; asserts that the route has it
int64_t api_param_id(const struct api_call *call, const char *name);    // an id's number
int64_t api_body_id(const struct api_call *call, const char *name);     // 0 when absent
int64_t api_query_id(const struct api_call *call, const char *name);
const char *api_query_text(const struct api_call *call, const char *name);  // NULL when absent
int64_t api_query_int(const struct api_call *call, const char *name, int64_t absent);
bool api_query_flag(const struct api_call *call, const char *name);
const char *api_body_text(const struct api_call *call, const char *name);   // NULL when absent or null
int64_t api_body_int(const struct api_call *call, const char *name, int64_t absent);
bool api_body_flag(const struct api_call *call, const char *name);
int api_limit(const struct api_call *call);
// False: answered with bad_cursor; return OK. Without a cursor *ret is {INT64_MAX, INT64_MAX}: before everything, newest first.
bool api_cursor(struct api_call *call, struct cursor *ret);
// {"items": items, "next_cursor": …}: more tells whether there is a next page, last is where this one ended. Takes items.
enum status api_page(struct api_call *call, json_t *items, bool more, struct cursor last);
// Without If-Match true. False: answered with 412. Call it in the write, with the revision that is about to be replaced.
bool api_if_match(struct api_call *call, int64_t revision);
// Sets ETag; true when If-None-Match has it and the answer is set to 304.
bool api_not_modified(struct api_call *call, int64_t revision);

// Zeroed memory that lives as long as the call; NULL when memory is out.
void *api_alloc(struct api_call *call, size_t size);
// An id as clients see it; null for 0.
json_t *api_id(const char *prefix, int64_t id);
json_t *api_ms(int64_t ns);  // null for 0
struct store *api_store(struct api_call *call);
// In a write: who did what, into the audit log of the call's tenant (the site's for an operator without one). prefix and id
// name the object, or are NULL and 0; detail is JSON without personal data, or NULL.
enum status api_audit(struct api_call *call, struct db *db, const char *action, const char *prefix, int64_t id, const char *detail) MUST_CHECK;

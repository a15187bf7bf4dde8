// api/ops.c – for whoever runs the service: health, readiness, metrics, and the API's own description.
#include "api/core.h"
#include "api/handlers.h"
#include "api/loop_metrics.h"
#include "api/market_metrics.h"
#include "api/storage_metrics.h"
#include "bot/live.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

enum status api_health(struct api_call *call) {
  return api_json(call, 200, json_pack("{s:s, s:s}", "status", "ok", "version", call->core->version));
}

enum status api_ready(struct api_call *call) {
  if (call->core->draining) return api_problem(call, PROBLEM_unavailable, "The service is stopping.");
  if (!store_writable(call->core->store)) return api_problem(call, PROBLEM_unavailable, "The storage refuses writes; reading goes on.");
  return api_json(call, 200, json_pack("{s:s}", "status", "ok"));
}

enum status api_metrics(struct api_call *call) {
  // A scraper on this machine needs no token, from elsewhere an operator's. A proxy on this machine that nobody told us of
  // must not turn the world into neighbours, so whoever says to be forwarded is not near.
  const char *from = call->req->address;
  const bool forwarded = call->req->field(call->req, "x-forwarded-for") || call->req->field(call->req, "forwarded") || call->req->field(call->req, "via");
  const bool near = !forwarded && (from[0] == '\0' || strncmp(from, "127.", 4) == 0 || strcmp(from, "::1") == 0);
  if (!near && !permission_allowed(&call->who.may, PERMISSION_admin_metrics_read))
    return api_problem(call, PROBLEM_forbidden, NULL);
  struct buf out;
  buf_init(&out, 1 << 20);
  metrics_write(call->core->metrics, &out);
  storage_metrics_write(call->core->store, &out);
  loop_metrics_write(call->core->loop, &out);
  if (call->core->live) live_metrics_write(call->core->live, &out);
  if (call->core->live) market_metrics_write(live_hub(call->core->live), &out);
  if (out.failed) {
    buf_finish(&out);
    return err_set(&call->err, ERR_NOMEM, "out of memory");
  }
  return api_text(call, 200, "text/plain; version=0.0.4; charset=utf-8", out.data, out.len);
}

enum status api_openapi_json(struct api_call *call) { return api_document_answer(call, &call->core->openapi, "public, max-age=60"); }

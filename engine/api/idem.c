// api/idem.c – Idempotency-Key: the same key with the same request gives the first answer again and does nothing.
//
// The answer is stored in the same transaction as what it tells of, so there is no moment at which one exists without the
// other. Only answers that changed something are kept: a refused request may be mended and sent again with its key.
#include "api/core.h"
#include "api/format.h"
#include "crypto/aead.h"
#include "crypto/sha256.h"
#include "store/idem_rows.h"
#include "store/store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct idem_state {
  uint8_t key[IDEM_HASH_BYTES], body_hash[IDEM_HASH_BYTES];
  struct idem_state *next;  // of those under way
};

static void hash_number(struct sha256_ctx *ctx, int64_t n) { sha256_update(ctx, &n, sizeof n); }
static void hash_text(struct sha256_ctx *ctx, const char *text, size_t len) {
  hash_number(ctx, (int64_t)len);
  sha256_update(ctx, text, len);
}

static void make_key(const struct api_call *call, const char *header, struct idem_state *s) {
  struct sha256_ctx ctx;
  sha256_init(&ctx);
  hash_number(&ctx, call->who.kind == WHO_OPERATOR);
  hash_number(&ctx, call->who.user_id);
  hash_number(&ctx, call->who.tenant_id);
  hash_text(&ctx, call->route->id, strlen(call->route->id));
  hash_text(&ctx, header, strlen(header));
  sha256_finish(&ctx, s->key);
  sha256_init(&ctx);
  hash_text(&ctx, call->req->path, call->req->path_len);
  hash_text(&ctx, call->req->query, call->req->query_len);
  hash_text(&ctx, call->req->body, call->req->body_len);
  sha256_finish(&ctx, s->body_hash);
}

static void replay(struct api_call *call, const struct idem_state *s, const struct idem_row *row) {
  if (memcmp(row->body_hash, s->body_hash, sizeof s->body_hash) != 0) {
    (void)api_problem(call, PROBLEM_idempotency_mismatch, NULL);
    return;
  }
  char *text = malloc(row->answer_len + 1);
  size_t len = 0;
  if (!text || row->answer_len < AEAD_OVERHEAD_BYTES ||
      aead_open(call->core->seal_key, s->key, sizeof s->key, row->answer, row->answer_len, text, &len, &call->err) != OK) {
    // Another server key: what was answered is not known any more, and doing it again would be worse.
    free(text);
    (void)api_problem(call, PROBLEM_conflict, "The first answer to this key cannot be shown again.");
    return;
  }
  metrics_add(call->core->metrics, METRIC_idempotent_replays, 1);
  api_field(call, "Idempotent-Replayed", "true");
  if (len > 0) {
    (void)api_text(call, row->status, "application/json", text, len);
    return;
  }
  free(text);
  (void)api_json(call, row->status, NULL);
}

bool idem_begin(struct api_call *call) {
  const char *header = call->req->field(call->req, "idempotency-key");
  if (!header) return true;
  if (strlen(header) > 64 || !format_find("token")->check(header, strlen(header))) {
    (void)api_problem(call, PROBLEM_malformed_request, "Idempotency-Key must have 1 to 64 letters, digits and . _ ~ -");
    return false;
  }
  struct idem_state *s = api_alloc(call, sizeof *s);
  if (!s) return false;
  make_key(call, header, s);
  for (struct idem_state *other = call->core->idem; other; other = other->next)
    if (memcmp(other->key, s->key, sizeof s->key) == 0) {
      (void)api_problem(call, PROBLEM_idempotency_in_progress, NULL);
      return false;
    }
  struct idem_row row;
  enum status st = idem_get(store_reader(call->core->store, STORE_CONTROL), s->key, call->now_ns, &row, &call->err);
  if (st == OK) {
    replay(call, s, &row);
    free(row.answer);
    return false;
  }
  if (st != ERR_NOTFOUND) return false;
  s->next = call->core->idem;
  call->core->idem = s;
  call->idem = s;
  return true;
}

enum status idem_store(struct api_call *call, struct db *db) {
  const struct idem_state *s = call->idem;
  if (!s) return OK;
  if (!api_render(call) && call->out) return err_set(&call->err, ERR_NOMEM, "out of memory");
  struct idem_row row = {.status = call->status, .answer_len = call->text_len + AEAD_OVERHEAD_BYTES};
  memcpy(row.body_hash, s->body_hash, sizeof row.body_hash);
  row.answer = malloc(row.answer_len);
  if (!row.answer) return err_set(&call->err, ERR_NOMEM, "out of memory");
  enum status st = aead_seal(call->core->seal_key, s->key, sizeof s->key, call->text ? call->text : "", call->text_len, row.answer, &call->err);
  if (st == OK) st = idem_put(db, s->key, call->now_ns, &row, &call->err);
  free(row.answer);
  return st;
}

void idem_end(struct api_call *call) {
  if (!call->idem) return;
  struct idem_state **at = &call->core->idem;
  while (*at != call->idem) {
    assert(*at);
    at = &(*at)->next;
  }
  *at = call->idem->next;
}

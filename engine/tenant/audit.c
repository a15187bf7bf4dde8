// tenant/audit.c – see audit.h.
#include "tenant/audit.h"
#include "crypto/sha256.h"
#include "store/id.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void put_i64(struct sha256_ctx *ctx, int64_t v) {
  uint8_t bytes[8];
  for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)((uint64_t)v >> (56 - 8 * i));
  sha256_update(ctx, bytes, sizeof bytes);
}

static void put_text(struct sha256_ctx *ctx, const char *text) {
  put_i64(ctx, (int64_t)strlen(text));
  sha256_update(ctx, text, strlen(text));
}

// Version, previous hash, then every column with its length: no two rows give the same bytes.
static void row_hash(const struct audit_row *row, const uint8_t prev[AUDIT_HASH_BYTES], uint8_t ret[AUDIT_HASH_BYTES]) {
  struct sha256_ctx ctx;
  sha256_init(&ctx);
  put_text(&ctx, "perigee audit 1");
  sha256_update(&ctx, prev, AUDIT_HASH_BYTES);
  put_i64(&ctx, row->id);
  put_i64(&ctx, row->tenant_id);
  put_i64(&ctx, row->seq);
  put_i64(&ctx, row->at_ns);
  put_i64(&ctx, row->user_id);
  put_i64(&ctx, row->actor_id);
  put_text(&ctx, row->action);
  put_text(&ctx, row->object);
  put_text(&ctx, row->detail);
  sha256_finish(&ctx, ret);
}

// Cuts between characters of UTF-8.
static void copy(char *out, size_t size, const char *text) {
  size_t len = text ? strlen(text) : 0;
  if (len >= size) {
    len = size - 1;
    while (len && ((unsigned char)text[len] & 0xc0) == 0x80) len--;
  }
  if (len) memcpy(out, text, len);
  out[len] = '\0';
}

enum status audit_add(struct db *db, const struct audit_event *event, struct err *err) {
  struct audit_row row = {.id = id_next(event->at_ns), .tenant_id = event->tenant_id, .at_ns = event->at_ns,
    .user_id = event->user_id, .actor_id = event->actor_id};
  copy(row.action, sizeof row.action, event->action);
  copy(row.object, sizeof row.object, event->object);
  copy(row.detail, sizeof row.detail, event->detail);
  char address[64], agent[200];
  copy(address, sizeof address, event->address);
  copy(agent, sizeof agent, event->user_agent);
  uint8_t prev[AUDIT_HASH_BYTES];
  enum status st = audit_head(db, event->tenant_id, &row.seq, prev, err);
  if (st != OK) return st;
  row.seq++;
  row_hash(&row, prev, row.hash);
  return audit_insert(db, &row, address, agent, err);
}

struct digest {
  struct sha256_ctx ctx;
  int64_t count;
};

static void digest_begin(struct digest *d, int64_t id, int64_t at_ns, const uint8_t before[AUDIT_SIGNATURE_BYTES]) {
  d->count = 0;
  sha256_init(&d->ctx);
  put_text(&d->ctx, "perigee audit heads 1");
  put_i64(&d->ctx, id);
  put_i64(&d->ctx, at_ns);
  sha256_update(&d->ctx, before, AUDIT_SIGNATURE_BYTES);
}

static bool digest_head(void *arg, int64_t tenant_id, int64_t seq, const uint8_t hash[AUDIT_HASH_BYTES]) {
  struct digest *d = arg;
  put_i64(&d->ctx, tenant_id);
  put_i64(&d->ctx, seq);
  sha256_update(&d->ctx, hash, AUDIT_HASH_BYTES);
  d->count++;
  return true;
}

enum status audit_sign(struct db *db, const struct sign_key *key, int64_t now_ns, bool *ret_signed, struct err *err) {
  struct audit_signature_row last = {0}, row = {.id = id_next(now_ns), .at_ns = now_ns};
  *ret_signed = false;
  enum status st = audit_last_signature(db, &last, err);
  if (st != OK && st != ERR_NOTFOUND) return st;
  struct digest d;
  digest_begin(&d, row.id, row.at_ns, last.signature);
  st = audit_unsigned_heads(db, digest_head, &d, err);
  sha256_finish(&d.ctx, row.digest);
  if (st != OK || d.count == 0) return st;
  sign_make(key, row.digest, sizeof row.digest, row.signature);
  *ret_signed = true;
  return audit_signature_insert(db, &row, err);
}

struct check {
  struct db *db;
  const uint8_t *pub;
  struct audit_report *report;
  struct err *err;
  enum status status;
  int64_t seq;
  uint8_t hash[AUDIT_HASH_BYTES];
  uint8_t signature[AUDIT_SIGNATURE_BYTES];
};

static bool fault(struct check *c, const char *what, int64_t tenant_id, int64_t seq) {
  if (c->report->sound) {
    snprintf(c->report->fault, sizeof c->report->fault, "%s (tenant %" PRId64 ", row %" PRId64 ")", what, tenant_id, seq);
    c->report->fault_tenant_id = tenant_id;
    c->report->fault_seq = seq;
  }
  c->report->sound = false;
  return false;
}

static bool check_row(void *arg, const struct audit_row *row) {
  struct check *c = arg;
  uint8_t want[AUDIT_HASH_BYTES];
  if (row->seq != c->seq + 1) return fault(c, "a row is missing", row->tenant_id, c->seq + 1);
  row_hash(row, c->hash, want);
  if (memcmp(want, row->hash, sizeof want)) return fault(c, "a row was changed", row->tenant_id, row->seq);
  c->seq = row->seq;
  memcpy(c->hash, row->hash, sizeof c->hash);
  c->report->rows++;
  return true;
}

static bool check_chain(void *arg, int64_t tenant_id) {
  struct check *c = arg;
  c->seq = 0;
  memset(c->hash, 0, sizeof c->hash);
  c->report->chains++;
  c->status = audit_walk(c->db, tenant_id, 0, -1, check_row, c, c->err);
  return c->status == OK && c->report->sound;
}

static bool check_head(void *arg, int64_t tenant_id, int64_t seq, const uint8_t hash[AUDIT_HASH_BYTES]) {
  struct check *c = arg;
  uint8_t now[AUDIT_HASH_BYTES];
  enum status st = audit_hash_at(c->db, tenant_id, seq, now, c->err);
  if (st == ERR_NOTFOUND) return fault(c, "a signed row is gone", tenant_id, seq);
  if (st != OK) return c->status = st, false;
  if (memcmp(now, hash, sizeof now)) return fault(c, "a signed row was replaced", tenant_id, seq);
  return true;
}

static bool check_signature(void *arg, const struct audit_signature_row *row) {
  struct check *c = arg;
  struct digest d;
  uint8_t digest[AUDIT_HASH_BYTES];
  c->report->signatures++;
  digest_begin(&d, row->id, row->at_ns, c->signature);
  c->status = audit_signed_heads(c->db, row->id, digest_head, &d, c->err);
  sha256_finish(&d.ctx, digest);
  if (c->status != OK) return false;
  if (memcmp(digest, row->digest, sizeof digest) || (c->pub && !sign_verify(c->pub, digest, sizeof digest, row->signature)))
    return fault(c, "a signature does not hold", 0, c->report->signatures);
  memcpy(c->signature, row->signature, sizeof c->signature);
  c->status = audit_signed_heads(c->db, row->id, check_head, c, c->err);
  return c->status == OK && c->report->sound;
}

enum status audit_verify(struct db *db, const uint8_t pub[SIGN_PUBLIC_BYTES], struct audit_report *ret, struct err *err) {
  *ret = (struct audit_report){.sound = true, .fault_tenant_id = -1, .fault_seq = -1};
  struct check c = {.db = db, .pub = pub, .report = ret, .err = err};
  enum status st = audit_tenants(db, check_chain, &c, err);
  if (st == OK) st = c.status;
  if (st == OK && ret->sound) st = audit_signatures(db, check_signature, &c, err);
  return st == OK ? c.status : st;
}

// tenant/sealed.c – see sealed.h.
#include "tenant/sealed.h"

#include "crypto/aead.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "crypto/totp.h"
#include "store/channel_rows.h"
#include "store/idem_rows.h"
#include "store/user_rows.h"
#include "tenant/audit.h"
#include "tenant/identity.h"
#include "tenant/mail.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- looking

struct look {
  const struct keys *keys;
  struct db *db;
  sealed_on_shut fn;
  void *arg;
  struct sealed_report *report;
  uint8_t answers_key[KEY_BYTES];
  bool no_memory;
};

static void tell(struct look *l, enum sealed_kind kind, int64_t tenant_id, int64_t id, const char *name) {
  if (l->fn) l->fn(l->arg, &(struct sealed_item){.kind = kind, .tenant_id = tenant_id, .id = id, .name = name});
}

static void on_shut(void *arg, const struct vault_shut *v) {
  tell(arg, v->id == 0 ? SEALED_TENANT_KEY : v->is_seed ? SEALED_SEED : SEALED_FIELD, v->tenant_id, v->id, v->field ? v->field : "");
}

static bool look_at_channel(void *arg, const struct channel_row *row) {
  struct look *l = arg;
  struct err err;
  uint8_t tenant_key[KEY_BYTES], plain[CHANNEL_SEALED_MAX];
  size_t len;
  l->report->channels++;
  enum status st = l->keys ? vault_tenant_key(l->keys, l->db, row->tenant_id, false, 0, tenant_key, &err) : ERR_NOTFOUND;
  if (st == OK) st = vault_unseal(tenant_key, row->tenant_id, "channel", row->id, row->address, row->address_len, plain, &len, &err);
  secret_wipe(tenant_key, sizeof tenant_key);
  secret_wipe(plain, sizeof plain);
  if (st != OK) l->report->shut_channels++;
  if (st != OK) tell(l, SEALED_CHANNEL, row->tenant_id, row->id, row->name);
  return true;
}

static bool look_at_mail(void *arg, const struct outbox_row *row) {
  struct look *l = arg;
  struct err err;
  char body[MAIL_BODY_MAX + 1];
  l->report->mails++;
  const bool open = l->keys && mail_body(l->keys, row, body, &err) == OK;
  secret_wipe(body, sizeof body);
  if (!open) l->report->shut_mails++;
  if (!open) tell(l, SEALED_MAIL, 0, row->id, row->recipient);
  return true;
}

static bool look_at_answer(void *arg, const uint8_t key[IDEM_HASH_BYTES], const uint8_t *answer, size_t len) {
  struct look *l = arg;
  struct err err;
  size_t open_len;
  if (len == 0) return true;  // given up before
  uint8_t *plain = len >= AEAD_OVERHEAD_BYTES ? malloc(len) : NULL;
  l->no_memory = l->no_memory || (len >= AEAD_OVERHEAD_BYTES && !plain);
  l->report->answers++;
  const bool open = l->keys && plain && aead_open(l->answers_key, key, IDEM_HASH_BYTES, answer, len, plain, &open_len, &err) == OK;
  if (plain) secret_wipe(plain, len);
  free(plain);
  if (!open) l->report->shut_answers++;
  if (!open && l->fn) l->fn(l->arg, &(struct sealed_item){.kind = SEALED_ANSWER, .name = "", .key = key});
  return !l->no_memory;
}

static enum status look_at_signatures(struct look *l, struct db *db, struct err *err) {
  struct audit_report chains, signatures;
  enum status st = audit_verify(db, NULL, &chains, err);
  if (st == OK) st = audit_verify(db, l->keys->audit.pub, &signatures, err);
  if (st != OK || !chains.sound || signatures.sound) return st;  // what was tampered with is no matter of keys
  l->report->foreign_signatures = true;
  tell(l, SEALED_SIGNATURES, 0, 0, "");
  return OK;
}

enum status sealed_examine(const struct keys *keys, struct db *db, int64_t now_ns, sealed_on_shut fn, void *arg, struct sealed_report *ret, struct err *err) {
  *ret = (struct sealed_report){.mails = 0};
  struct look l = {.keys = keys, .db = db, .fn = fn, .arg = arg, .report = ret};
  if (keys) keys_derive(keys, KEYS_FOR_ANSWERS, l.answers_key);
  enum status st = vault_list_shut(keys, db, on_shut, &l, &ret->vault, err);
  if (st == OK) st = channel_walk(db, look_at_channel, &l, err);
  if (st == OK) st = outbox_walk(db, look_at_mail, &l, err);
  if (st == OK) st = idem_walk(db, now_ns, look_at_answer, &l, err);
  if (st == OK && l.no_memory) st = err_set(err, ERR_NOMEM, "out of memory");
  if (st == OK && keys) st = look_at_signatures(&l, db, err);
  secret_wipe(l.answers_key, sizeof l.answers_key);
  return st;
}

// ---- giving up

// What does not open, remembered, since rows cannot be changed while they are walked.
struct heap {
  struct lost {
    enum sealed_kind kind;
    int64_t tenant_id, id;
    char field[SECRET_FIELD_SIZE];
    uint8_t key[IDEM_HASH_BYTES];
  } *items;
  size_t count, cap;
  bool failed;
};

static void remember(void *arg, const struct sealed_item *item) {
  struct heap *h = arg;
  if (h->count == h->cap && !h->failed) {
    const size_t cap = h->cap ? 2 * h->cap : 64;
    struct lost *items = realloc(h->items, cap * sizeof *items);
    h->failed = !items;
    if (items) h->items = items, h->cap = cap;
  }
  if (h->failed) return;
  struct lost *l = &h->items[h->count++];
  *l = (struct lost){.kind = item->kind, .tenant_id = item->tenant_id, .id = item->id};
  if (item->key) memcpy(l->key, item->key, sizeof l->key);
  if (item->kind == SEALED_FIELD) snprintf(l->field, sizeof l->field, "%s", item->name);
}

// A seed that nobody knows: the factor stays, and no code is right any more.
static enum status unknown_seed(const struct keys *keys, struct db *db, const struct lost *l, int64_t now_ns, struct err *err) {
  uint8_t key[KEY_BYTES], seed[TOTP_SEED_BYTES], sealed[TOTP_SEED_BYTES + AEAD_OVERHEAD_BYTES];
  enum status st = vault_tenant_key(keys, db, l->tenant_id, true, now_ns, key, err);
  random_bytes(seed, sizeof seed);
  if (st == OK) st = vault_seal(key, l->tenant_id, "totp", l->id, seed, sizeof seed, sealed, err);
  if (st == OK) st = totp_reseal(db, l->id, sealed, sizeof sealed, err);
  secret_wipe(key, sizeof key);
  secret_wipe(seed, sizeof seed);
  return st;
}

static enum status give_up(const struct keys *keys, struct db *db, const struct lost *l, int64_t now_ns, bool drop_factors, struct err *err) {
  switch (l->kind) {
  case SEALED_TENANT_KEY: return tenant_key_forget(db, l->tenant_id, err);
  case SEALED_FIELD: return secret_forget(db, l->tenant_id, l->id, l->field, err);
  case SEALED_SEED: return drop_factors ? totp_delete(db, l->id, err) : unknown_seed(keys, db, l, now_ns, err);
  case SEALED_CHANNEL: return channel_forget(db, l->id, "the key of its address is lost: give the address anew", now_ns, err);
  case SEALED_MAIL: return outbox_failed(db, l->id, "its key is lost", 0, err);
  case SEALED_SIGNATURES: return audit_signatures_forget(db, err);
  case SEALED_ANSWER: return idem_forget_answer(db, l->key, err);
  case SEALED_KINDS: break;
  }
  return OK;
}

enum status sealed_abandon(const struct keys *keys, struct db *db, int64_t now_ns, bool drop_factors, struct sealed_report *ret, struct err *err) {
  struct heap h = {NULL};
  enum status st = sealed_examine(keys, db, now_ns, remember, &h, ret, err);
  if (st == OK && h.failed) st = err_set(err, ERR_NOMEM, "out of memory");
  for (size_t i = 0; st == OK && i < h.count; i++) st = give_up(keys, db, &h.items[i], now_ns, drop_factors, err);
  free(h.items);
  if (st == OK) st = identity_accept_keys(keys, db, err);
  char detail[200];
  snprintf(detail, sizeof detail, "{\"secrets\":%" PRId64 ",\"channels\":%" PRId64 ",\"factors\":%" PRId64 ",\"factors_dropped\":%s,\"mails\":%" PRId64 "}", ret->vault.shut_fields, ret->shut_channels, ret->vault.shut_seeds,
           drop_factors ? "true" : "false", ret->shut_mails);
  const struct audit_event event = {.action = "keys.abandon", .object = "", .detail = detail, .at_ns = now_ns};
  return st == OK ? audit_add(db, &event, err) : st;
}

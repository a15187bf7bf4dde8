// tenant/sealed.h – all that is sealed with keys outside of the database (tenant/keys.h): does it open with those at hand, and how it
// is given up when keys are lost for good. The vault's part is tenant/vault's; mail and answers to Idempotency-Key hang on site.key,
// the audit log's signatures on audit.key.
#pragma once
#include "tenant/vault.h"

enum sealed_kind {
  SEALED_TENANT_KEY,  // with all of that tenant's fields and seeds
  SEALED_FIELD,       // of an account: credentials of a venue
  SEALED_SEED,        // of a second factor
  SEALED_CHANNEL,     // of notices: its address, and the key that it is signed with
  SEALED_MAIL,        // that waits to be sent
  SEALED_ANSWER,      // to a request with an Idempotency-Key, for 24 hours
  SEALED_SIGNATURES,  // of the audit log: none can be checked
  SEALED_KINDS
};

struct sealed_item {
  enum sealed_kind kind;
  int64_t tenant_id, id;  // id: account, user, channel or mail; else 0
  const char *name;       // the field; the mail's recipient; what the channel is called; else "". While fn runs
  const uint8_t *key;     // of an answer: the row's; else NULL. While fn runs
};
typedef void (*sealed_on_shut)(void *arg, const struct sealed_item *item);

struct sealed_report {
  struct vault_report vault;
  int64_t mails, shut_mails, answers, shut_answers, channels, shut_channels;
  bool foreign_signatures;  // the chains are sound, but other keys signed them
};

// Opens everything. keys NULL: nothing opens, and signatures are not looked at. fn (may be NULL) is told of each that does not open.
enum status sealed_examine(const struct keys *keys, struct db *db, int64_t now_ns, sealed_on_shut fn, void *arg, struct sealed_report *ret,
                           struct err *err) MUST_CHECK;

// In a write: gives up what keys do not open, so that these keys are the database's from now on. Tenants get new keys with their next
// secret; accounts stay, without the fields that are lost; channels of notices stay, disabled, without their addresses; mails are given up. Second factors that are lost go on being asked for, and
// only recovery codes pass – or, with drop_factors, they are removed and a password alone is enough. Of answers stays that there was
// one: their requests must not be done twice. Signatures of other keys are removed, the chains are signed anew.
enum status sealed_abandon(const struct keys *keys, struct db *db, int64_t now_ns, bool drop_factors, struct sealed_report *ret, struct err *err) MUST_CHECK;

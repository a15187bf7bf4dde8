// tenant/keys.h – the keys that live outside of the database, one small file each in DIR/keys, for the owner's eyes only:
//
//   master-N.key   wrap the tenants' keys (tenant/vault); the greatest N wraps, the others still open
//   token-T.key    sign access tokens; the latest T (seconds) signs, the others still verify
//   audit.key      Ed25519 seed that signs the audit log's heads
//   site.key       everything else is derived from it: mail, cursors, sealed answers
//
// Each holds 64 hex digits. Missing ones are made at first start. A systemd credential (or any other directory) of the same
// layout comes first, and PERIGEE_MASTER_KEY (64 hex digits) is master key 1, so that a key store can hold them.
#pragma once
#include "base/status.h"
#include "crypto/jwt.h"
#include "crypto/sign.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_BYTES 32
#define MASTER_KEYS_MAX 8

struct keys {
  struct {
    int64_t version;
    uint8_t key[KEY_BYTES];
  } master[MASTER_KEYS_MAX];  // ascending
  size_t master_count;
  struct jwt_keys tokens;
  struct sign_key audit;
  uint8_t site[KEY_BYTES];
};

struct keys_source {
  const char *dir;          // DIR/keys; made with mode 0700
  const char *credentials;  // $CREDENTIALS_DIRECTORY, or NULL
  const char *master_hex;   // $PERIGEE_MASTER_KEY, or NULL
  const char *issuer, *audience;  // of access tokens
  bool create;              // make what is missing; false: ERR_NOTFOUND
  void (*missing)(void *arg, const char *path);  // NULL or, without create: told of each that is missing, in whose place stands one that opens nothing
  void *missing_arg;
  bool sealed;              // the database was sealed with keys that exist somewhere: of what is missing only token keys are made
};

// In locked memory. ERR_INVALID: a file that is no key, or that others may read; the message names it.
enum status keys_open(const struct keys_source *source, int64_t now_ns, struct keys **ret, struct err *err) MUST_CHECK;
void keys_close(struct keys *keys);  // wipes; may be NULL

const uint8_t *keys_master(const struct keys *keys, int64_t version);  // NULL when it is not there
int64_t keys_master_current(const struct keys *keys);
bool keys_same(const struct keys *a, const struct keys *b);
// A key of its own for a purpose ("mail", "cursor"), from site.key.
#define KEYS_FOR_MAIL "mail"
#define KEYS_FOR_ANSWERS "idempotency"
void keys_derive(const struct keys *keys, const char *purpose, uint8_t ret_key[KEY_BYTES]);

// Rotation writes a new file, durable before it returns; open the keys again afterwards. A token key older than the newest
// three is deleted: what it signed has long expired.
enum status keys_rotate_master(const char *dir, int64_t *ret_version, struct err *err) MUST_CHECK;
enum status keys_rotate_token(const char *dir, int64_t now_ns, struct err *err) MUST_CHECK;

// All keys of a directory in one new file (0600), "name hex" a line, to be kept where the backups are not. ERR_EXISTS: the file
// is there; ERR_NOTFOUND: no key.
enum status keys_save(const char *dir, const char *path, struct err *err) MUST_CHECK;
// Makes dir and the keys of such a file in it. ERR_EXISTS: one is there with other content, and nothing was changed;
// ERR_INVALID: not such a file.
enum status keys_take_back(const char *path, const char *dir, struct err *err) MUST_CHECK;

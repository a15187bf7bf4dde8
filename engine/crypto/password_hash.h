// crypto/password_hash.h – passwords as stored: argon2id, 19 MiB and 2 passes (OWASP's minimum; 17 ms here), as libsodium's
// self-describing text. Hashes that came from elsewhere – bcrypt, or argon2id of other costs – are still accepted and
// flagged, so that the next login replaces them.
//
// A call takes tens of milliseconds: run it on a pool thread. Reentrant.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

#define PASSWORD_HASH_SIZE 128  // with the final NUL
#define PASSWORD_HASH_MEMORY_BYTES (19u * 1024 * 1024)
#define PASSWORD_HASH_PASSES 2u

// All of password counts, whatever its length. ERR_NOMEM when 19 MiB cannot be had.
enum status password_hash(const char *password, size_t len, char ret_hash[PASSWORD_HASH_SIZE], struct err *err) MUST_CHECK;

// Wrong is an outcome, not an error: OK with *ret_match false. *ret_rehash: the hash is not of today's making. hash NULL
// (nobody of that name) does the same work on a dummy and never matches, so that time does not tell who exists. ERR_INVALID:
// the stored text is no hash we know, or asks for absurd work; ERR_NOMEM.
enum status password_verify(const char *hash, const char *password, size_t len, bool *ret_match, bool *ret_rehash,
  struct err *err) MUST_CHECK;

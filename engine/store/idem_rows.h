// store/idem_rows.h – remembered answers to requests with an Idempotency-Key. The hashed key names tenant and caller, so no
// query can reach another's.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IDEM_HASH_BYTES 32
#define IDEM_KEEP_NS (INT64_C(24) * 3600 * 1000000000)

struct db;

struct idem_row {
  uint8_t body_hash[IDEM_HASH_BYTES];
  int status;
  uint8_t *answer;  // sealed; malloc'ed by idem_get
  size_t answer_len;
};

// ERR_NOTFOUND: none younger than IDEM_KEEP_NS.
enum status idem_get(struct db *db, const uint8_t key[IDEM_HASH_BYTES], int64_t now_ns, struct idem_row *ret, struct err *err) MUST_CHECK;
// All younger than IDEM_KEEP_NS; fn false ends it.
enum status idem_walk(struct db *db, int64_t now_ns, bool (*fn)(void *arg, const uint8_t key[IDEM_HASH_BYTES], const uint8_t *answer, size_t len), void *arg,
                      struct err *err) MUST_CHECK;
// That there was an answer stays known, so that nothing is done twice; the answer is gone (answer_len 0).
enum status idem_forget_answer(struct db *db, const uint8_t key[IDEM_HASH_BYTES], struct err *err) MUST_CHECK;
// Remembers, and forgets a few that are too old.
enum status idem_put(struct db *db, const uint8_t key[IDEM_HASH_BYTES], int64_t now_ns, const struct idem_row *row, struct err *err) MUST_CHECK;

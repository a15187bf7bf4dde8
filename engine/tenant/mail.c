// tenant/mail.c – see mail.h.
#include "tenant/mail.h"
#include "crypto/aead.h"
#include "crypto/secret.h"
#include "store/id.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

_Static_assert(MAIL_BODY_MAX + AEAD_OVERHEAD_BYTES <= MAIL_SEALED_MAX, "a sealed body fits a row");
#define NS_PER_MIN (INT64_C(60) * 1000000000)

// A body is bound to its row and whom it goes to: moved to another recipient it does not open.
static size_t bound(const struct outbox_row *row, char out[320]) {
  return (size_t)snprintf(out, 320, "mail|%" PRId64 "|%s", row->id, row->recipient);
}

enum status mail_put(const struct keys *keys, struct db *db, int64_t user_id, const char *recipient, const char *subject,
  const char *body, int64_t now_ns, struct err *err) {
  return mail_put_of(keys, db, user_id, recipient, subject, body, 0, now_ns, err);
}

enum status mail_put_of(const struct keys *keys, struct db *db, int64_t user_id, const char *recipient, const char *subject,
  const char *body, int64_t sending_id, int64_t now_ns, struct err *err) {
  assert(!strpbrk(subject, "\r\n"));
  size_t len = strlen(body);
  if (len > MAIL_BODY_MAX || strlen(recipient) >= USER_EMAIL_SIZE || strlen(subject) >= MAIL_SUBJECT_SIZE)
    return err_set(err, ERR_RANGE, "mail does not fit the outbox");
  struct outbox_row row;
  row.id = id_next(now_ns);
  row.user_id = user_id;
  row.sending_id = sending_id;
  row.created_ns = now_ns;
  row.attempts = 0;
  row.body_len = len + AEAD_OVERHEAD_BYTES;
  memcpy(row.recipient, recipient, strlen(recipient) + 1);
  memcpy(row.subject, subject, strlen(subject) + 1);
  uint8_t key[KEY_BYTES];
  char aad[320];
  keys_derive(keys, KEYS_FOR_MAIL, key);
  enum status st = aead_seal(key, aad, bound(&row, aad), body, len, row.body, err);
  secret_wipe(key, sizeof key);
  return st == OK ? outbox_insert(db, &row, err) : st;
}

enum status mail_body(const struct keys *keys, const struct outbox_row *row, char *ret_body, struct err *err) {
  uint8_t key[KEY_BYTES];
  char aad[320];
  size_t len = 0;
  if (row->body_len > MAIL_BODY_MAX + AEAD_OVERHEAD_BYTES) return err_set(err, ERR_INVALID, "mail body is too long");
  keys_derive(keys, KEYS_FOR_MAIL, key);
  enum status st = aead_open(key, aad, bound(row, aad), row->body, row->body_len, ret_body, &len, err);
  secret_wipe(key, sizeof key);
  ret_body[len] = '\0';
  return st;
}

int64_t mail_retry_ns(const struct outbox_row *row, int64_t now_ns) {
  if (now_ns - row->created_ns > 24 * 60 * NS_PER_MIN) return 0;
  int64_t wait = row->attempts >= 8 ? 240 * NS_PER_MIN : NS_PER_MIN << row->attempts;
  return now_ns + (wait > 240 * NS_PER_MIN ? 240 * NS_PER_MIN : wait);
}

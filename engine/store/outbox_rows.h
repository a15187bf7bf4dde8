// store/outbox_rows.h – mail that waits to be sent. Whoever sends it opens the body with tenant/mail.
#pragma once
#include "store/user_rows.h"

#define MAIL_SUBJECT_SIZE 200
#define MAIL_SEALED_MAX 8192

struct outbox_row {
  int64_t id, user_id, created_ns;
  int64_t sending_id;  // of a notice; 0: of none
  int attempts;
  char recipient[USER_EMAIL_SIZE], subject[MAIL_SUBJECT_SIZE];
  size_t body_len;
  uint8_t body[MAIL_SEALED_MAX];  // sealed
};

enum status outbox_insert(struct db *db, const struct outbox_row *row, struct err *err) MUST_CHECK;
// The one due longest; ERR_NOTFOUND: none is due.
enum status outbox_due(struct db *db, int64_t now_ns, struct outbox_row *ret, struct err *err) MUST_CHECK;
// Its body is forgotten.
enum status outbox_sent(struct db *db, int64_t id, int64_t now_ns, struct err *err) MUST_CHECK;
// next_ns 0: given up, and the body forgotten.
enum status outbox_failed(struct db *db, int64_t id, const char *error, int64_t next_ns, struct err *err) MUST_CHECK;
// All whose body is still there; fn false ends it.
enum status outbox_walk(struct db *db, bool (*fn)(void *arg, const struct outbox_row *row), void *arg, struct err *err) MUST_CHECK;
enum status outbox_waiting(struct db *db, int64_t *ret, struct err *err) MUST_CHECK;
// Mails of this subject to a user, sent or not, since then.
enum status outbox_count_since(struct db *db, int64_t user_id, const char *subject, int64_t since_ns, int64_t *ret, struct err *err) MUST_CHECK;

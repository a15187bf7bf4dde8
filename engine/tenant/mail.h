// tenant/mail.h – mail that identity sends, as rows of the outbox. Bodies hold tokens: they are sealed until whoever sends them
// opens them, and forgotten afterwards.
#pragma once
#include "store/outbox_rows.h"
#include "tenant/keys.h"

#define MAIL_BODY_MAX 4096

// In a write. body: plain text, lines apart by '\n'. subject: no line ends.
enum status mail_put(const struct keys *keys, struct db *db, int64_t user_id, const char *recipient, const char *subject,
  const char *body, int64_t now_ns, struct err *err) MUST_CHECK;
// The same; what becomes of it is told to that sending of a notice (store/notice_rows.h), and it is shown as HTML too. 0: to none.
enum status mail_put_of(const struct keys *keys, struct db *db, int64_t user_id, const char *recipient, const char *subject,
  const char *body, int64_t sending_id, int64_t now_ns, struct err *err) MUST_CHECK;
// ret_body must have room for MAIL_BODY_MAX + 1; NUL-terminated. Wipe it after use.
enum status mail_body(const struct keys *keys, const struct outbox_row *row, char *ret_body, struct err *err) MUST_CHECK;
// After a failed attempt: when to try again (1 min, doubling, to 4 h), 0 after a day of trying.
int64_t mail_retry_ns(const struct outbox_row *row, int64_t now_ns);

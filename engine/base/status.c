// base/status.c – texts and message building for base/status.h. Messages are cut at the end of the buffer, never overrun, and UTF-8 whatever they quote.
#include "base/status.h"

#include "base/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *status_text(enum status st) {
  static const char *const text[] = {
#define X(name, t) [name] = t,
      STATUS_LIST(X)
#undef X
  };
  size_t count = sizeof text / sizeof text[0];
  return (size_t)st < count && text[st] ? text[st] : "unknown status";
}

enum status err_vset(struct err *err, enum status st, const char *fmt, va_list ap) {
  if (err) {
    err->code = st;
    vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    utf8_mend(err->msg);
  }
  return st;
}

enum status err_set(struct err *err, enum status st, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  err_vset(err, st, fmt, ap);
  va_end(ap);
  return st;
}

enum status err_wrap(struct err *err, enum status st, const char *fmt, ...) {
  if (!err) return st;
  char context[sizeof err->msg];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(context, sizeof context, fmt, ap);
  va_end(ap);
  size_t used = strlen(context), room = sizeof err->msg;
  if (used + 3 >= room) used = room - 3;
  char inner[sizeof err->msg];
  memcpy(inner, err->msg, sizeof inner);
  memcpy(err->msg, context, used);
  snprintf(err->msg + used, room - used, ": %s", inner);
  utf8_mend(err->msg);
  err->code = st;
  return st;
}

enum status err_errno(struct err *err, int errnum, const char *fmt, ...) {
  enum status st = errnum == ENOENT ? ERR_NOTFOUND : errnum == ENOMEM ? ERR_NOMEM : ERR_IO;
  if (!err) return st;
  va_list ap;
  va_start(ap, fmt);
  err_vset(err, st, fmt, ap);
  va_end(ap);
  size_t used = strlen(err->msg);
  char buf[128];
  snprintf(err->msg + used, sizeof err->msg - used, ": %s", strerror_r(errnum, buf, sizeof buf));
  return st;
}

// base/status.h – the one idiom for expected failure: a must-check status plus a message that gathers context.
//
//     enum status st = series_load(path, &series, err);
//     if (st != OK) return err_wrap(err, st, "stream %s", name);
//
// Business outcomes (a denied order) are data, not a status; engine bugs are assert(), which stays on in release.
#pragma once
#include <stdarg.h>
#include <stddef.h>

#define STATUS_LIST(X)                                                  \
  X(OK, "ok")                                                           \
  X(ERR_INVALID, "invalid")      /* input that breaks a rule; the message says which and where */ \
  X(ERR_RANGE, "out of range")   /* a number that does not fit */       \
  X(ERR_NOMEM, "out of memory")                                         \
  X(ERR_IO, "input/output")      /* the operating system refused; errno's text is in the message */ \
  X(ERR_NOTFOUND, "not found")                                          \
  X(ERR_EXISTS, "already exists")                                       \
  X(ERR_LIMIT, "limit reached")                                         \
  X(ERR_SCRIPT, "script error")  /* a tenant's script failed; stops that script only */ \
  X(ERR_BUDGET, "budget exceeded") /* a script used up its time or memory and was killed */ \
  X(ERR_CANCELLED, "cancelled")                                         \
  X(ERR_USAGE, "usage")          /* wrong command line; exit code 2 */

enum status {
#define X(name, text) name,
  STATUS_LIST(X)
#undef X
};

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF(fmt_ix, arg_ix) __attribute__((format(printf, fmt_ix, arg_ix)))

// What went wrong, innermost cause last ("stream main: a.csv:12:5: high below low"). Owned by the caller, on its stack.
struct err {
  enum status code;
  char msg[1024];
};

// The status' own words ("out of memory"); never NULL.
const char *status_text(enum status st);
// Replaces the message and returns st, so that `return err_set(err, ERR_INVALID, "…")` reads in one line. err may be NULL.
enum status err_set(struct err *err, enum status st, const char *fmt, ...) PRINTF(3, 4);
enum status err_vset(struct err *err, enum status st, const char *fmt, va_list ap) PRINTF(3, 0);
// Puts "context: " in front of the message and returns st. err may be NULL.
enum status err_wrap(struct err *err, enum status st, const char *fmt, ...) PRINTF(3, 4);
// "text: strerror(errno)" with ERR_IO (ERR_NOTFOUND for ENOENT, ERR_NOMEM for ENOMEM). err may be NULL.
enum status err_errno(struct err *err, int errnum, const char *fmt, ...) PRINTF(3, 4);

// api/courier.h – private to api/: takes notices to their channels.
//
// A notice is a row, written with what it tells of (store/notice_rows.h). The courier decides in a write of its own to which channels it goes
// and when (notice/rules.h, notice/storm.h), and sends what is due: one at a time a channel, in the order of their times, a number of channels at
// once. What came of an attempt is a write; a process that dies before it sends again, with the same id (webhook-id), so a receiver can tell:
// at least once. Mail goes through the outbox (api/mailer.h), in the same write that says so.
//
// A channel to which nothing has gone through for a day, or whose other side says that it is gone, is disabled; its tenant is told by the channels
// that are left. Nothing here blocks the loop; what customers' URLs answer is never shown to anybody.
#pragma once
#include "api/server.h"
#include "notice/retry.h"
#include "notice/target.h"

struct api_core;
struct courier;

// ERR_USAGE: a setting is wrong. Sends from now on.
enum status courier_create(struct api_core *core, const struct api_notices *settings, struct courier **ret, struct err *err) MUST_CHECK;
// Other settings, from the next one on; when they are wrong, nothing changes.
enum status courier_configure(struct courier *c, const struct api_notices *settings, struct err *err) MUST_CHECK;
// What is under way is cut off: it is sent again by the next start. NULL does nothing.
void courier_destroy(struct courier *c);

// Something may be due: looked at now instead of in a moment. c may be NULL here and below.
void courier_look(struct courier *c);
// A tenant's channels or preferences are others.
void courier_forget(struct courier *c, int64_t tenant_id);
// Whether the tenant wants to be told of that at all, on any channel: what nobody wants need not be written. By what was so a moment ago.
bool courier_wanted(struct courier *c, int64_t tenant_id, enum notice_event event);

// Can this service send so? *ret_why: why not, in words for a customer.
bool courier_available(const struct courier *c, enum notice_kind kind, const char **ret_why);
const struct notice_reach *courier_reach(const struct courier *c);
const char *courier_telegram_name(const struct courier *c);  // NULL: not known

// Says something at once, to a Telegram chat or by SMS; not stored, not repeated: codes, answers to commands. done (may be NULL) is called once, on
// the loop; when it cannot even be begun, from within; detail: as in an attempt's log.
typedef void (*courier_said)(void *arg, enum notice_outcome outcome, const char *detail);
void courier_say(struct courier *c, enum notice_kind kind, const char *address, const char *text, courier_said done, void *arg);

// Any method of the Bot API, for who reads what chats say; answers up to 1 MiB. ERR_NOTFOUND: this service has no bot on Telegram. c not NULL.
struct http_client;
struct http_client_answer;
enum status courier_telegram(struct courier *c, const char *method, const char *body, size_t len, int64_t timeout_ms,
  void (*done)(void *arg, const struct http_client_answer *answer, const char *why), void *arg, struct http_client **ret, struct err *err) MUST_CHECK;

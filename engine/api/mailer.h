// api/mailer.h – private to api/: mail out of the outbox, one after another, into files or to a mail server.
//
// A row of the outbox is marked after its mail has left, so a crash in between sends it twice, with the same Message-ID. A mail
// that cannot go now is tried again after a minute, then two, four …, four hours, for a day (tenant/mail.h); one whose
// recipient is refused for good, or whose day is over, keeps its row with the reason and loses its body. A server that refuses us
// (relaying denied, sign-in failed, policy) is an alarm for the operator: the metric mail_refused and a line of level error.
#pragma once
#include "api/core.h"

struct api_config;
struct mailer;

// ERR_USAGE: a setting is wrong or missing.
enum status mailer_create(struct api_core *core, const struct api_config *config, struct mailer **ret, struct err *err) MUST_CHECK;
// Other settings: from the next mail on. When they are wrong, nothing changes.
enum status mailer_configure(struct mailer *m, const struct api_config *config, struct err *err) MUST_CHECK;
// A mail that is just being handed over gets a few more seconds. NULL does nothing.
void mailer_destroy(struct mailer *m);

// api/notices.h – private to api/: what the routes of notices, and the courier, share.
#pragma once
#include "api/core.h"
#include "notice/rules.h"
#include "notice/target.h"
#include "notice/tell.h"
#include "store/channel_rows.h"
#include "store/notice_rows.h"
#include "tenant/vault.h"

struct entitlement;

// Whether the plan includes channels of the kind. What is critical goes to the owner's own mail address whatever the plan says.
bool notices_included(const struct entitlement *e, enum notice_kind kind);

// The sealed address of a channel, or its signing key (before: the one before it). ERR_NOTFOUND: it has none; ERR_INVALID: it does not open. Wipe it
// after use.
enum status notices_address(const struct keys *keys, struct db *db, const struct channel_row *row, char ret[NOTICE_ADDRESS_MAX + 1], struct err *err) MUST_CHECK;
enum status notices_sign_key(const struct keys *keys, struct db *db, const struct channel_row *row, bool before, uint8_t ret[KEY_BYTES], struct err *err) MUST_CHECK;

// In a write: an attempt to mail a notice ended so (enum smtp_outcome); over: there will be no other.
enum status notices_mailed(struct db *db, int64_t sending_id, int outcome, const char *detail, bool over, int64_t now_ns, struct err *err) MUST_CHECK;

// A tenant's preferences as rules; what cannot be read any more counts as not said.
enum status notices_rules(struct db *db, int64_t tenant_id, struct notice_rules **ret, struct err *err) MUST_CHECK;

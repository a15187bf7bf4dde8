// notice/tell.h – how something becomes a notice: a row in the same write as what it tells of.
#pragma once
#include "notice/event.h"

#include <stdint.h>

struct db;

// In a write to control.db. subject: the id of what it is about as clients see it, or NULL; once: what makes it one and the same when it is told again,
// or NULL; data: made by json_pack, taken (NULL: memory ran out). With a tenant that is gone nothing happens.
enum status notice_tell(struct db *db, int64_t tenant_id, enum notice_event event, const char *subject, const char *once, json_t *data, int64_t now_ns, struct err *err) MUST_CHECK;

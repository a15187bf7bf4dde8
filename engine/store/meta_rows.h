// store/meta_rows.h – what the installation knows of itself: a value per name.
#pragma once
#include "base/status.h"

#include <stddef.h>

struct db;

// At most cap bytes; ERR_RANGE when there are more, ERR_NOTFOUND when there is none.
enum status meta_get(struct db *db, const char *name, void *ret_value, size_t cap, size_t *ret_len, struct err *err) MUST_CHECK;
enum status meta_put(struct db *db, const char *name, const void *value, size_t len, struct err *err) MUST_CHECK;

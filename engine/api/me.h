// api/me.h – private to api/: what of a person both /me and its export show.
#pragma once
#include "api/list.h"
#include "store/key_rows.h"
#include "store/session_rows.h"
#include "store/user_rows.h"

json_t *me_json(const struct user_row *row);
// Callbacks of session_list and key_list; arg is a struct api_list.
bool me_add_session(void *arg, const struct session_row *row);
bool me_add_key(void *arg, const struct key_row *row);

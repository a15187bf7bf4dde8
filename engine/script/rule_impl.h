// script/rule_impl.h – shared by rule.c, rule_head.c and profile.c. Private to script/.
#pragma once
#include "script/rule.h"
#include "script/table_reader.h"

// The header's keys that every kind has, and a rule's own.
#define RULE_HEADER_KEYS "name", "about", "api", "settings"

// Reads the settings of the header's table at the top of the stack into *ret (a list; *ret must be NULL, the caller's to decref in
// any case). Raises with file:line:column.
void rule_read_settings(struct table_reader *r, json_t **ret);

// The globals of rules: local_time.
struct lua_State;
void rule_libraries(struct lua_State *L);

// script/rule_impl.h – shared by rule.c, rule_head.c, rule_past.c and profile.c. Private to script/.
#pragma once
#include "script/rule.h"
#include "script/table_reader.h"

// The header's keys that every kind has, and a rule's own.
#define RULE_HEADER_KEYS "name", "about", "api", "settings"

// Reads the settings of the header's table at the top of the stack into *ret (a list; *ret must be NULL, the caller's to decref in
// any case). Raises with file:line:column.
void rule_read_settings(struct table_reader *r, json_t **ret);

// The globals of rules, into the table at the top: local_time, accepted.
struct lua_State;
void rule_libraries(struct lua_State *L);

// What was accepted before, during a call; NULL outside of one. Borrowed.
struct rule_accepted {
  const char *text;  // the list as JSON, newest first
  size_t len;
  int64_t call;      // counts calls: a walk that a script has kept is known by it
};
const struct rule_accepted *rule_accepted_of(struct lua_State *L);
// Gives the env at the top its field `accepted`, made when it is looked at.
void rule_past_env(struct lua_State *L);
// accepted{…} into the table at the top.
void rule_past_library(struct lua_State *L);

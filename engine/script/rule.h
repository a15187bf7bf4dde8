// script/rule.h – asks a rule about a signal: accept it, refuse it with a reason, change it, score it.
//
// A rule (lua/rules/*.lua; how one is written: lua/rules/README.md) is a Lua file with a header rule{…} and a function
// on_signal(s, env). s is the signal as strategies see it, a fresh copy each time; env is what else may be known: the time, the
// settings of who uses the rule, scores of stages before, what the hook accepted lately. It touches nothing and remembers
// nothing between calls that it may rely on: a state is thrown away whenever it is killed.
//
// A rule that raises, overruns its budget or answers what is no answer has refused: no signal passes because a script failed.
// One thread at a time.
#pragma once
#include "base/json.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

struct rule;
struct watchdog;

#define RULE_REASON_MAX 200   // bytes of a reason or note, with NUL
#define RULE_SETTINGS_MAX 32
#define RULE_KILLS_MAX 8      // kills, then it is not asked any more

// Evaluates the source and keeps its state. chunkname: for messages ("session.lua"). watchdog may be NULL: an instruction budget
// bounds each call. ERR_SCRIPT, ERR_BUDGET with file:line:column; ERR_LIMIT: longer than a script may be.
enum status rule_create(const char *chunkname, const char *source, size_t len, struct watchdog *watchdog, struct rule **ret,
  struct err *err) MUST_CHECK;
void rule_destroy(struct rule *r);

// Whether it was stopped so often that it is not asked any more.
bool rule_is_worn(const struct rule *r);

// Its settings, in the header's order of names: [{"name","kind","default","about"[,"min","max","one_of","form"]}], kind "int", "num", "bool", "text" or
// "map" (text to text). Borrowed.
const json_t *rule_settings(const struct rule *r);
// The settings with what is given (an object, or NULL) in the place of defaults. ERR_INVALID: a name the rule does not have, with
// the nearest that it has, a wrong kind, or outside of its bounds. `settings` is what rule_settings gave. New reference.
enum status rule_settings_fill(const json_t *settings, const json_t *given, json_t **ret, struct err *err) MUST_CHECK;
// The same without the result, and more: of settings with a form whether they have it ("time", "zone": reads its file). For when they are given.
enum status rule_settings_check(const json_t *settings, const json_t *given, struct err *err) MUST_CHECK;

struct rule_verdict {
  bool accept;
  char reason[RULE_REASON_MAX];  // why not; "" when accepted
  char note[RULE_REASON_MAX];    // anything the rule wants logged; ""
  bool has_score;
  double score;                  // finite
  json_t *set;                   // fields of the signal that it wants changed: an object, or NULL; owned
};
void rule_verdict_finish(struct rule_verdict *v);

// Fields of a signal that a rule may set: texts "symbol", "action", "key", "raw"; numbers "size", "price", "sl", "tp"; false takes one away.
bool rule_may_set(const char *field, const json_t *value);

// env: an object of fields as lua/rules/README.md has them; accepted is a text that holds the list as JSON, newest first (absent: an empty list), and is
// read as far as the script looks at it, as most rules never do.
// OK: *ret says what it answered. ERR_SCRIPT, ERR_BUDGET: it failed, *ret refuses with a reason for the customer, and err has the script's
// error with file:line. Finish *ret in any case. env.settings must be filled (rule_settings_fill).
enum status rule_ask(struct rule *r, const json_t *signal, const json_t *env, struct rule_verdict *ret, struct err *err) MUST_CHECK;

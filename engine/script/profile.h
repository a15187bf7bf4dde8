// script/profile.h – kinds of scripts, and the sandbox each kind is given.
//
// Strategies come from customers and have their own way in (script.h). The other kinds are an operator's: trusted to decide,
// never trusted to end or to be small. They get the same allow-listed library without any trading binding, one header
// function of their own, a small heap and an instruction budget, which is deterministic and needs no watchdog (what the
// compiler does is not counted in it; a source is small and a watchdog may be given).
//
//   tier      tiers{…}     an edition's plans (tier_script.h)
//   rule      rule{…}      what a signal must satisfy before a bot hears of it
//   dialect   dialect{…}   how a venue is spoken to
#pragma once
#include "base/json.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct watchdog;

#define SCRIPT_SOURCE_MAX 65536  // bytes of a script of any kind

// id, name everywhere (files, API, database), header function
#define SCRIPT_KIND_LIST(X)                   \
  X(SCRIPT_STRATEGY, "strategy", "strategy")  \
  X(SCRIPT_RULE, "rule", "rule")              \
  X(SCRIPT_TIER, "tier", "tiers")             \
  X(SCRIPT_DIALECT, "dialect", "dialect")

enum script_kind {
#define X(id, name, head) id,
  SCRIPT_KIND_LIST(X)
#undef X
      SCRIPT_KIND_COUNT
};
const char *script_kind_name(enum script_kind kind);
bool script_kind_parse(const char *text, enum script_kind *ret);

#define PROFILE_NAME_MAX 64
#define PROFILE_FUNCTIONS_MAX 32

// What a rule's or dialect's header says.
struct profile_spec {
  enum script_kind kind;
  char name[PROFILE_NAME_MAX], about[1024];
  int api;
  int function_count;
  char functions[PROFILE_FUNCTIONS_MAX][PROFILE_NAME_MAX];  // global functions it defines, in byte order
  char sha256[65];
  json_t *settings;  // a rule's (script/rule.h), else NULL
};

// Rules and dialects: evaluates the header in a throw-away state.
enum status profile_describe(enum script_kind kind, const char *chunkname, const char *source, size_t len,
                             struct watchdog *watchdog, struct profile_spec *ret, struct err *err) MUST_CHECK;
void profile_spec_finish(struct profile_spec *spec);  // after a success
// New reference; NULL: no memory.
json_t *profile_json(const struct profile_spec *spec);

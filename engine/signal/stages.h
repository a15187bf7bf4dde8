// signal/stages.h – a signal's way through its rules, stage by stage: the first refusal ends it. The same code in the jailed process that
// serves live signals (rules_child.h), in dry runs and in tests. Needs no service.
#pragma once
#include "base/json.h"
#include "script/rule.h"

#include <stdbool.h>
#include <stddef.h>

#define STAGES_MAX 16          // of the installation, a tenant and a hook together
#define STAGE_NAME_SIZE 64

struct stage {
  const char *name;            // of its score in env.scores; the rule's name where no other was given
  struct rule *rule;
  const json_t *settings;      // given ones; NULL: the defaults
};

// signal: an object of ours, whose fields rules may change. env: {now_ms, hook, accepted, today}, as rule_ask has it; the stages add stage, settings and scores, and
// take them away again. Returns what each stage said, a list of {"stage","accept"[,"reason","note","score","set","error"]}, new reference; NULL: memory
// is out. *ret_accept: no stage refused. A rule that failed refuses, and its error is for its owner's eyes. begins (may be NULL) is told of each stage before
// anything of it runs.
json_t *stages_run(const struct stage *stages, size_t count, json_t *signal, json_t *env, void (*begins)(void *arg, size_t stage), void *arg, bool *ret_accept);

// signal/rules_child.h – the inside of `perigee host --rules`: one jailed process that asks rules about signals, for all hooks. Rules may be
// customers' own, so they run where there are no files, no network and no secrets; should the process die, its parent starts another.
//
// One JSON object a line, both ways, answered in order:
//   asked     {"n", "signal", "env", "stages": [{"name", "sha", "file", "settings"[, "source"]}]}
//   answered  {"n", "accept", "log", "signal"}, or {"n", "missing": true} when a source is not (any more) here: asked again with all sources
//   or asked  {"n", "describe": {"file", "source"}}: answered with the header as "signal", or with a refusal whose error says what is wrong
// A source that does not load refuses like a rule that failed.
#pragma once
#include <stdint.h>

#define RULES_LINE_MAX (2 * 1024 * 1024)  // bytes; 16 sources of 64 KiB and a message
#define RULES_KEPT 256                    // loaded rules; the one not used for longest goes

struct rules_child_options {
  int socket;
  uint64_t address_bytes;  // jail_options; 0: no limit
};
// Returns the exit code when the parent has gone.
int rules_child_run(const struct rules_child_options *options);

// For tests: one line in, its answer (malloc'ed, without the line's end) out; NULL: no memory, or no line of ours. State lives in *kept.
struct rules_kept;
struct rules_kept *rules_kept_create(void);
void rules_kept_destroy(struct rules_kept *k);
char *rules_answer(struct rules_kept *k, const char *line, unsigned long len);
